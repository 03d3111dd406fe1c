package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/store/postgrestest"
)

// A connection that is cut in the middle of a transaction: what it had written is gone, and is written anew, once.
func TestATransactionThatIsCutIsRunAgain(t *testing.T) {
	t.Parallel()
	s := openedPostgres(t, postgrestest.Fresh(t))
	runs := 0
	err := s.do(t.Context(), patient, func(t *tx) error {
		runs++
		if _, err := t.exec(`INSERT INTO tag_seen (forge, repo, name, sha) VALUES ('github', 'acme/shop', $1, 'c')`, "v1"); err != nil {
			return err
		}
		if runs == 1 {
			_, err := t.exec(`SELECT pg_terminate_backend(pg_backend_pid())`)
			return err
		}
		return nil
	})
	if _, seen, lookErr := s.LastTag(t.Context(), "github", "acme/shop", "v1"); err != nil || lookErr != nil || !seen || runs != 2 {
		t.Errorf("a transaction whose connection was cut: %v after %d runs, kept: %v", err, runs, seen)
	}
}

// snip stands before a server, and cuts a connection on which a COMMIT passes: before the server has it, or after it has
// answered.
type snip struct {
	net.Listener
	armed  atomic.Bool
	before bool
}

func newSnip(t *testing.T, socket string, before bool) *snip {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(filepath.Dir(socket), map[bool]string{true: ".s.PGSQL.5433", false: ".s.PGSQL.5434"}[before]))
	must(t, err)
	s := &snip{Listener: l, before: before}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d, err := net.Dial("unix", socket)
			if err != nil {
				c.Close()
				return
			}
			go s.carry(c, d)
		}
	}()
	return s
}

func (s *snip) carry(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	var deaf atomic.Bool // the client hears no more answers
	go func() {
		defer client.Close()
		b := make([]byte, 64<<10)
		for {
			n, err := server.Read(b)
			if err != nil || deaf.Load() {
				return
			}
			if _, err := client.Write(b[:n]); err != nil {
				return
			}
		}
	}()
	b := make([]byte, 64<<10)
	for {
		n, err := client.Read(b)
		if err != nil {
			return
		}
		if bytes.Contains(b[:n], []byte("COMMIT\x00")) && s.armed.CompareAndSwap(true, false) {
			if s.before {
				return
			}
			deaf.Store(true)
		}
		if _, err := io.Copy(server, bytes.NewReader(b[:n])); err != nil {
			return
		}
	}
}

// A connection that is cut while it commits leaves open what was kept. Whoever sent it is told so, and sending it again is
// right in both cases: it is kept once, and worked off once.
func TestACommitThatIsCutIsNeitherBelievedNorDoubled(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	for _, before := range []bool{true, false} {
		wire := newSnip(t, server.Socket(), before)
		port := map[bool]string{true: "5433", false: "5434"}[before]
		postgrestest.Exec(t, server.URL("postgres"), "CREATE DATABASE cut"+port)
		s := openedPostgres(t, "postgres://sluice@/cut"+port+"?sslmode=disable&host="+filepath.Dir(server.Socket())+"&port="+port)
		must(t, s.Ready(t.Context()))
		wire.armed.Store(true)
		if added, err := s.Add(t.Context(), marked("1", 1)); !errors.Is(err, ErrUnsure) || added {
			t.Errorf("cut before the server has it: %v: Add = %v, %v, want ErrUnsure", before, added, err)
		}
		var added bool
		var err error
		for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(time.Millisecond) { // the server may be at it still
			if added, err = s.Add(context.Background(), marked("1", 1)); err == nil {
				break
			}
		}
		if err != nil || added != before {
			t.Errorf("cut before the server has it: %v: Add again = %v, %v", before, added, err)
		}
		works, err := s.Claim(t.Context(), 10, time.Minute)
		if err != nil || len(works) != 1 || len(works[0].Causes) != 1 {
			t.Errorf("cut before the server has it: %v: Claim = %+v, %v, want one with one cause", before, works, err)
		}
	}
}

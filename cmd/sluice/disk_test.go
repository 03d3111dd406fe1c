package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/store/disktest"
	"github.com/sluicegate/sluice/store/postgrestest"
)

// These tests run the server, as a process of its own, on a disk or a database that refuses to be written, and then takes
// writes again. What is accepted meanwhile must not be lost, what is not must be refused so that it is sent or fetched again,
// and the same process must go on by itself.

// refusing is a server whose answers are noted.
type refusing struct {
	*mortal
	mu       sync.Mutex
	accepted []string // guids
	refused  int
}

// stored has the server keep everything there, with more in its environment.
func (k *mortal) stored(database string, env ...string) {
	k.database = database
	k.env = append(slices.DeleteFunc(k.env, func(e string) bool { return strings.HasPrefix(e, "SLUICE_DATABASE=") }), "SLUICE_DATABASE="+database)
	k.env = append(k.env, env...)
}

// noted has answers noted. Anything but a 202, a 200, or a 503 that says when to come again is wrong.
func (r *refusing) noted() {
	r.forge.Hooks(pretend.Target{URL: r.url + "/webhook/github", To: func(_ context.Context, req *http.Request) (int, error) {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		_, _ = io.Copy(io.Discard, resp.Body) // or the connection would not be used again
		resp.Body.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		switch after := resp.Header.Get("Retry-After"); {
		case resp.StatusCode == http.StatusAccepted || resp.StatusCode == http.StatusOK:
			r.accepted = append(r.accepted, req.Header.Get("X-GitHub-Delivery"))
		case resp.StatusCode == http.StatusServiceUnavailable && after != "":
			r.refused++
		default:
			r.t.Errorf("a delivery was answered %d, Retry-After %q", resp.StatusCode, after)
		}
		return resp.StatusCode, nil
	}})
}

func (r *refusing) ready() bool {
	resp, err := http.Get(r.url + "/readyz")
	r.must(err)
	_, _ = io.Copy(io.Discard, resp.Body) // or the connection would not be used again
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// edits has so many more things happen to a change, and tells of them.
func (r *refusing) edits(n int) {
	r.t.Helper()
	for range n {
		title := fmt.Sprint("Basket, edited at ", time.Now().UnixNano())
		r.must(r.forge.Edit(shop, 1, "ana", pretend.Edit{Title: &title}))
	}
	_, _ = r.forge.Deliver(r.t.Context(), pretend.Order{}) // the answers were noted
}

// fault is how a database refuses, and is mended.
type fault struct {
	cure         string // what the log says to do
	all          bool   // nothing at all is taken, and it says so of itself
	refuse, mend func()
}

func faults(t *testing.T, name string, k *mortal) fault {
	t.Helper()
	if strings.HasPrefix(name, "SQLite") {
		disk := disktest.New(t)
		k.stored(k.database, disk.Env()...)
		why := map[string]syscall.Errno{"SQLite, its disk full": syscall.ENOSPC, "SQLite, its file system read-only": syscall.EROFS, "SQLite, its disk broken": syscall.EIO}[name]
		cure := map[syscall.Errno]string{syscall.ENOSPC: "free some space", syscall.EROFS: "look at the disk", syscall.EIO: "look at the disk"}[why]
		file, err := filepath.EvalSymlinks(filepath.Dir(strings.TrimPrefix(k.database, "sqlite:")))
		k.must(err)
		return fault{cure, true, func() { disk.Refuse(t, why, file) }, func() { disk.Refuse(t, 0, "") }}
	}
	if name == "PostgreSQL, its disk full" {
		disk := disktest.New(t)
		server := postgrestest.StartWith(t, disk.Env())
		k.stored(server.URL("postgres"))
		return fault{"free space", false, func() { disk.Refuse(t, syscall.ENOSPC, server.Data()) }, func() { disk.Refuse(t, 0, "") }}
	}
	server := postgrestest.Start(t)
	k.stored(server.URL("postgres"))
	set := func(text string) {
		at := server.URL("template1")
		postgrestest.Exec(t, at, "ALTER DATABASE postgres "+text)
		postgrestest.Exec(t, at, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
	}
	return fault{"name the primary", true, func() { set("SET default_transaction_read_only = on") }, func() { set("RESET default_transaction_read_only") }}
}

func TestADatabaseThatCannotBeWrittenLosesNothingAndGoesOn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"SQLite, its disk full", "SQLite, its file system read-only", "SQLite, its disk broken", "PostgreSQL, its disk full", "PostgreSQL, read-only"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &refusing{mortal: newMortal(t, catchPolicy)}
			f := faults(t, name, r.mortal)
			r.start(0)
			r.noted()
			r.baskets(0, 2)
			r.until("the first are judged", r.judged(0, 2))
			_, _ = r.forge.Deliver(t.Context(), pretend.Order{})

			f.refuse()
			before := len(r.accepted)
			r.baskets(2, 4)
			for n := 0; r.refused < 8 && n < 100; n++ {
				r.edits(4)
			}
			if r.refused < 8 || f.all && len(r.accepted) > before {
				t.Errorf("%d deliveries were refused and %d taken", r.refused, len(r.accepted)-before)
			}
			if f.all && r.ready() {
				t.Error("it says that it is ready")
			}
			if said := r.log.String(); !strings.Contains(said, f.cure) || strings.Contains(said, "panic") {
				t.Errorf("the log does not say %q, or tells of a panic", f.cure)
			}

			f.mend()
			r.until("it is ready again", r.ready)
			before = r.refused
			r.edits(1)
			if r.refused > before {
				t.Error("a delivery is refused when it can be written again")
			}
			r.later(2 * refusedPause) // long before the log is looked at by itself, which is every five minutes
			r.silent("what was refused is fetched and judged", r.judged(0, 6))
			r.silent("all of it is in the inbox", r.had(r.forge.Deliveries()))
			had := map[string]bool{}
			for _, d := range r.forge.Deliveries() {
				had[d.GUID] = true
			}
			if slices.ContainsFunc(r.accepted, func(guid string) bool { return !had[guid] }) {
				t.Error("something was accepted that was never delivered")
			}
			r.kill()
			var out bytes.Buffer
			if code := run(t.Context(), process{args: []string{"audit", "verify"}, environ: r.env, stdout: &out, stderr: &out}); code != exitOpen {
				t.Errorf("audit verify = %d: %s", code, out.String())
			}
			t.Logf("%d refused, %d accepted", r.refused, len(r.accepted))
		})
	}
}

package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// spoiledAt is a database of a few megabytes, with bytes written over from one part of the file to another.
func spoiledAt(t *testing.T, from, to float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	s := opened(t, path)
	for i := range 300 {
		d := marked(fmt.Sprintf("guid-%04d", i), i+1)
		d.Body = make([]byte, 9000)
		rand.Read(d.Body) //nolint:errcheck // it never fails
		_, err := s.Add(context.Background(), d)
		must(t, err)
	}
	must(t, s.Close())
	text, err := os.ReadFile(path)
	must(t, err)
	a, b := int(from*float64(len(text))), int(to*float64(len(text)))
	copy(text[a:b], bytes.Repeat([]byte{0xa5}, b-a))
	must(t, os.WriteFile(path, text, 0o600))
	return path
}

func TestDamageFoundWhileRunningEndsAllWork(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := spoiledAt(t, 0.5, 0.53)
	s := opened(t, path)
	var failure error
	for i := 0; failure == nil && i < 300; i++ {
		_, failure = s.Delivery(ctx, "github", fmt.Sprintf("guid-%04d", i))
	}
	if failure == nil || !strings.Contains(failure.Error(), "keep a copy of "+path) || !strings.Contains(failure.Error(), "restore a backup") {
		t.Fatalf("reading what is damaged = %v, want what to do", failure)
	}
	_, added := s.Add(ctx, marked("new", 999))
	_, claimed := s.Claim(ctx, 1, time.Minute)
	for what, err := range map[string]error{"Add": added, "Claim": claimed, "Ready": s.Ready(ctx)} {
		if !errors.Is(err, ErrSpoiled) || !strings.Contains(err.Error(), "restore a backup") {
			t.Errorf("%s after damage was found = %v, want ErrSpoiled and what to do", what, err)
		}
	}
}

func TestAFileThatWasCutOffIsNotServed(t *testing.T) {
	t.Parallel()
	path := spoiledAt(t, 0, 0)
	info, err := os.Stat(path)
	must(t, err)
	must(t, os.Truncate(path, info.Size()/8192*4096))
	if s, err := Open(context.Background(), Options{URL: "sqlite:" + path}); err == nil || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("Open of half a file = %v, %v, want what to do", s, err)
	}
}

func TestTheDoctorFindsDamage(t *testing.T) {
	t.Parallel()
	s := opened(t, spoiledAt(t, 0.5, 0.53))
	if h, err := s.Health(context.Background(), time.Minute); err != nil || h.Damaged == "" || !h.Checked {
		t.Errorf("Health = %+v, %v, want the damage", h, err)
	}
}

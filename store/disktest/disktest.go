// Package disktest is a disk that is slow, full, read-only or broken on demand, for the processes that a test starts: a
// library in C that is loaded before libc delays what flushes and refuses what writes.
//
// It refuses to touch the process that asks for it, and to skip silently: without a C compiler a test is skipped with what
// to install, and fails where CI=true. It works on Linux, and is imported by tests alone.
package disktest

import (
	_ "embed" // the library's text
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

//go:embed testdata/disk.c
var library []byte

// Disk is one. It is fast and has room until told otherwise.
type Disk struct {
	dir     string
	mu      sync.Mutex
	delay   time.Duration
	refusal syscall.Errno
	below   string
}

// New makes one.
func New(t testing.TB) *Disk {
	t.Helper()
	dir, err := os.MkdirTemp("", "sluice-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &Disk{dir: dir}
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(filepath.Join(dir, "disk.c"), library, 0o600), build(dir)); err != nil { // a database server runs as somebody else
		missing(t, err)
	}
	d.say(t)
	return d
}

func build(dir string) error {
	if runtime.GOOS != "linux" {
		return errors.New("this is " + runtime.GOOS + ", and it needs Linux")
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	cmd := exec.Command(cc, "-shared", "-fPIC", "-O1", "-o", "disk.so", "disk.c", "-ldl", "-lpthread")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func missing(t testing.TB, err error) {
	t.Helper()
	text := fmt.Sprintf("no disk to break (%v): install a C compiler (apt-get install gcc libc6-dev)", err)
	if os.Getenv("CI") == "true" && runtime.GOOS == "linux" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// Env is what a process needs in its environment to write to this disk.
func (d *Disk) Env() []string {
	return []string{"LD_PRELOAD=" + filepath.Join(d.dir, "disk.so"), "DISKTEST_CONTROL=" + filepath.Join(d.dir, "control")}
}

// Refuse has everything that writes below the folder fail with this error; 0: with none from now on.
func (d *Disk) Refuse(t testing.TB, why syscall.Errno, below string) {
	t.Helper()
	d.mu.Lock()
	d.refusal, d.below = why, below
	d.mu.Unlock()
	d.say(t)
}

// Slow has every flush take so much longer.
func (d *Disk) Slow(t testing.TB, by time.Duration) {
	t.Helper()
	d.mu.Lock()
	d.delay = by
	d.mu.Unlock()
	d.say(t)
}

func (d *Disk) say(t testing.TB) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	at := filepath.Join(d.dir, "control")
	text := fmt.Sprintf("%d %d %s\n", d.delay.Microseconds(), int(d.refusal), d.below)
	if err := errors.Join(os.WriteFile(at+".new", []byte(text), 0o644), os.Rename(at+".new", at)); err != nil {
		t.Fatal(err)
	}
}

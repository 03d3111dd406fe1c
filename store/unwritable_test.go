//go:build unix

package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicegate/sluice/store"
)

// openURL names a database that a test binary, run anew, shall open and say how that went.
const openURL = "STORE_OPEN_URL"

// openedAlone does so.
func openedAlone() {
	url := os.Getenv(openURL)
	if url == "" {
		return
	}
	s, err := store.Open(context.Background(), store.Options{URL: url})
	if err == nil {
		err = errors.Join(s.Ready(context.Background()), s.Close())
	}
	fmt.Println(err)
	os.Exit(0)
}

// A database that its server may not write to is refused at the start, with what to do, and is as it was.
func TestADatabaseThatMayNotBeWrittenIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, folder os.FileMode }{"the file": {0o444, 0o777}, "the folder": {0o666, 0o555}, "both": {0o444, 0o555}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "data", "x.db")
			must(t, os.Mkdir(filepath.Dir(path), 0o777))
			s, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + path})
			must(t, err)
			must(t, s.Close())
			must(t, os.Remove(path+".lock"))
			must(t, os.Chmod(path, c.file))
			must(t, os.Chmod(filepath.Dir(path), c.folder))
			t.Cleanup(func() { _ = os.Chmod(filepath.Dir(path), 0o777) })
			said := asSomebody(t, dir, openURL+"=sqlite:"+path)
			if !strings.Contains(said, "make "+path+" and its directory writable for the user that runs sluice") {
				t.Errorf("it said %q", said)
			}
		})
	}
}

// asSomebody runs this binary as a user who is not root, and returns what it says.
func asSomebody(t *testing.T, dir, env string) string {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe, "-test.run=^$")
	if os.Geteuid() == 0 { // who may write anything
		text, err := os.ReadFile(exe)
		must(t, err)
		mine := filepath.Join(dir, "mine.test")
		syscall.ForkLock.RLock() // a program that is started meanwhile would hold it open for writing, and nobody could run it
		err = os.WriteFile(mine, text, 0o755)
		syscall.ForkLock.RUnlock()
		must(t, err)
		for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
			must(t, os.Chmod(at, 0o755))
		}
		cmd = exec.Command(mine, "-test.run=^$")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

package postgrestest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Server is a cluster of a test's own, with a socket in its directory and no port: nobody else's is ever in the way.
type Server struct {
	dir   string
	bin   string
	more  []string // settings
	env   []string
	cmd   *exec.Cmd
	leash io.WriteCloser // the server ends when nobody holds it any more, so with this process however that ends
}

// Start starts a server for one test, with these settings ("name=value"), and ends it with that.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	return StartWith(t, nil, settings...)
}

// StartWith is Start of a server with these in its environment.
func StartWith(t testing.TB, env []string, settings ...string) *Server {
	t.Helper()
	s, err := start(env, settings...)
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(s.end)
	return s
}

// URL is that of a database of this server.
func (s *Server) URL(name string) string {
	return "postgres://sluice@/" + name + "?host=" + s.dir + "&port=5432"
}

// Data is the folder of its databases' files.
func (s *Server) Data() string { return filepath.Join(s.dir, "data", "base") }

// Socket is where it listens.
func (s *Server) Socket() string { return filepath.Join(s.dir, ".s.PGSQL.5432") }

// Pid is the process of the postmaster.
func (s *Server) Pid() int {
	text, err := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid"))
	first, _, _ := strings.Cut(string(text), "\n")
	pid := 0
	if _, scanned := fmt.Sscan(first, &pid); err != nil || scanned != nil {
		return 0
	}
	return pid
}

// Restart ends the server and starts it again. At once is as a crash does it: it tells nobody and recovers from its log.
func (s *Server) Restart(t testing.TB, atOnce bool) {
	t.Helper()
	mode := "fast"
	if atOnce {
		mode = "immediate"
	}
	stop := s.as(filepath.Join(s.bin, "pg_ctl"), "stop", "-w", "-D", filepath.Join(s.dir, "data"), "-m", mode)
	if out, err := stop.CombinedOutput(); err != nil {
		t.Fatalf("stop the server: %v\n%s", err, out)
	}
	fmt.Fprintln(s.leash, "keep")
	s.cmd.Wait() //nolint:errcheck // it was stopped
	if err := s.run(); err != nil {
		t.Fatalf("start the server again: %v", err)
	}
}

// root is where the server's directory is made: where temporary files go, if its socket's path stays short enough there (it may
// have a hundred characters) and another user can reach it.
func root() string {
	dir := os.TempDir()
	if at, err := os.Stat(dir); err == nil && len(dir) <= 40 && at.Mode().Perm()&0o011 == 0o011 {
		return dir
	}
	if _, err := os.Stat("/tmp"); err == nil {
		return "/tmp"
	}
	return ""
}

func start(env []string, settings ...string) (_ *Server, err error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(root(), "sluice-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, more: settings, env: env}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	if err := give(dir); err != nil {
		return nil, err
	}
	// People's databases rarely compare text by its bytes, so this one does not either.
	var out []byte
	for _, locale := range [][]string{{"--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"}, {"--locale=C"}} {
		args := append([]string{"-D", filepath.Join(dir, "data"), "-U", "sluice", "-A", "trust", "-E", "UTF8", "--no-sync"}, locale...)
		if out, err = s.as(filepath.Join(bin, "initdb"), args...).CombinedOutput(); err == nil {
			return s, s.run()
		}
	}
	return nil, fmt.Errorf("initdb: %w\n%s", err, out)
}

// run starts the server under a shell that ends it when this process has gone, and waits until it answers.
func (s *Server) run() error {
	args := []string{"-c", `"$@" </dev/null & pid=$!; trap '' INT TERM; read word; kill -INT $pid 2>/dev/null; wait $pid; [ "$word" = keep ] || rm -rf "$GONE"`, "sh",
		filepath.Join(s.bin, "postgres"), "-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=400", "-c", "shared_buffers=64MB"}
	for _, setting := range s.more {
		args = append(args, "-c", setting)
	}
	s.cmd = s.as("/bin/sh", args...)
	s.cmd.Env = slices.Concat(os.Environ(), s.env, []string{"GONE=" + s.dir, "LC_ALL=C"})
	logs, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logs.Close()
	s.cmd.Stdout, s.cmd.Stderr = logs, logs
	if s.leash, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if err = ask(s.URL("postgres"), "SELECT 1"); err == nil {
			return nil
		}
	}
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return errors.Join(err, fmt.Errorf("the server does not answer:\n%s", text))
}

// end stops the server, and its directory goes with it.
func (s *Server) end() {
	s.leash.Close()
	s.cmd.Wait() //nolint:errcheck // that it ended is all
}

// binaries is the folder of the newest server that is installed.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil { // the others lie beside it, and not always beside a link
			return filepath.Dir(path), nil
		}
	}
	var found []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb", "/opt/homebrew/opt/postgresql@*/bin/initdb", "/usr/local/opt/postgresql@*/bin/initdb"} {
		names, _ := filepath.Glob(pattern)
		found = append(found, names...)
	}
	if len(found) == 0 {
		return "", errors.New("initdb is neither in PATH nor where distributions put it")
	}
	slices.SortFunc(found, func(a, b string) int { return len(a) - len(b) + strings.Compare(a, b) })
	return filepath.Dir(found[len(found)-1]), nil
}

// Log is what the server has logged so far.
func (s *Server) Log(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Passwords has the server ask for them from now on, but its owner.
func (s *Server) Passwords(t testing.TB) {
	t.Helper()
	rules := "local all sluice trust\nlocal all all scram-sha-256\n"
	if err := os.WriteFile(filepath.Join(s.dir, "data", "pg_hba.conf"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	Exec(t, s.URL("postgres"), "SELECT pg_reload_conf()")
}

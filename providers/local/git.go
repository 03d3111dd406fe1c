package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// git runs the git program on one repository.
type git struct {
	program string
	from    string   // where to look for the repository, until it is found
	dir     string   // the repository's own folder, absolute
	env     []string // without dir
	offline bool     // missing objects are not fetched, because the repository says how
}

func findGit(from string) (*git, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("sluice reads repositories with git, which is not installed: %w", err)
	}
	return &git{program: program, from: from, env: environment(os.Environ())}, nil
}

// environment is what git is run with. What a hook or a user has set for git is dropped, except where objects lie
// (a hook before a push is accepted sees the new ones through it) and how a person logs in.
func environment(outside []string) []string {
	keep := map[string]bool{
		"GIT_OBJECT_DIRECTORY": true, "GIT_ALTERNATE_OBJECT_DIRECTORIES": true, "GIT_QUARANTINE_PATH": true,
		"GIT_SSH": true, "GIT_SSH_COMMAND": true, "GIT_SSH_VARIANT": true, "GIT_ASKPASS": true, "GIT_CONFIG_GLOBAL": true,
		"GIT_EXEC_PATH": true, "GIT_SSL_CAINFO": true, "GIT_CONFIG_SYSTEM": true, "GIT_CONFIG_NOSYSTEM": true,
	}
	var env []string
	for _, e := range outside {
		name, _, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, "GIT_") && !keep[name] || name == "LC_ALL" || name == "LANGUAGE" {
			continue
		}
		env = append(env, e)
	}
	return append(env,
		"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_PAGER=cat", "GIT_LITERAL_PATHSPECS=1",
		"GIT_NO_REPLACE_OBJECTS=1", "GIT_ATTR_NOSYSTEM=1", "GIT_GRAFT_FILE="+os.DevNull,
	)
}

// command is git with arguments that come from us alone: names that users or commits chose are never among them, but
// object ids are, and paths after "--".
func (g *git) command(ctx context.Context, args ...string) *exec.Cmd {
	all := []string{
		"-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.attributesFile=" + os.DevNull,
		"-c", "core.pager=cat", "-c", "core.alternateRefsCommand=", "-c", "protocol.ext.allow=never", "-c", "gc.auto=0",
		"-c", "maintenance.auto=false", "-c", "core.quotePath=true",
	}
	all = append(all, remembering(little)...)
	cmd := exec.CommandContext(ctx, g.program)
	cmd.Env = g.env
	if g.dir == "" {
		all = append(all, "-C", g.from)
	} else {
		// Without a work tree and an index git finds no .gitattributes: those could call a text binary and hide it.
		all = append(all, "--bare")
		cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)],
			"GIT_DIR="+g.dir, "GIT_INDEX_FILE="+filepath.Join(g.dir, "no-index-for-sluice"))
		cmd.Dir = g.dir
	}
	cmd.Args = append(append(cmd.Args, all...), args...)
	return cmd
}

// little is how much of what it unpacked git keeps, but for a difference of many commits: its own 96 MB are for long
// walks. One reading meets little of it again, and to take so much memory from the system costs more than to unpack that
// little twice.
const little = "512k"

func remembering(much string) []string { return []string{"-c", "core.deltaBaseCacheLimit=" + much} }

// output runs git and returns what it prints.
func (g *git) output(ctx context.Context, args ...string) ([]byte, error) {
	var out bytes.Buffer
	err := g.stream(ctx, func(r io.Reader) error {
		_, err := out.ReadFrom(r)
		return err
	}, args...)
	return out.Bytes(), err
}

// stream runs git and hands what it prints to read, to its end or to read's first error.
func (g *git) stream(ctx context.Context, read func(io.Reader) error, args ...string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := g.command(ctx, args...)
	var stderr tail
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run git %s: %w", verb(args), err)
	}
	if err := read(out); err != nil {
		stop()
		_ = cmd.Wait()
		return err
	}
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &gitError{verb(args), stderr.String(), err}
	}
	return nil
}

// verb is what git was told to do.
func verb(args []string) string {
	for len(args) > 2 && args[0] == "-c" {
		args = args[2:]
	}
	return args[0]
}

// gitError is what git said when it failed.
type gitError struct {
	verb, said string
	err        error
}

func (e *gitError) Error() string {
	if e.said == "" {
		return fmt.Sprintf("git %s: %v", e.verb, e.err)
	}
	return fmt.Sprintf("git %s: %s", e.verb, e.said)
}

func (e *gitError) Unwrap() error { return e.err }

// code is git's exit code, or -1.
func code(err error) int {
	var e *exec.ExitError
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	return -1
}

// tail keeps the last of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 2000
	t.kept = append(t.kept, p...)
	if len(t.kept) > most {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-most:]...)
	}
	return len(p), nil
}

// String is what git said on one line, without its hints.
func (t *tail) String() string {
	var said []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(t.kept)), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "hint:") {
			said = append(said, strings.TrimPrefix(line, "fatal: "))
		}
	}
	s := strings.Join(said, "; ")
	return s[:min(len(s), 500)]
}

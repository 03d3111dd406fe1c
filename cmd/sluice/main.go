// Command sluice is the gate between merged and live: a server for GitHub and GitLab, and the same checks for a local repository.
//
// This package wires the rooms together and refuses to decide anything itself: it is the one place that names GitHub, GitLab,
// the database and the checks together.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // windows and freezes name time zones, and a small image has no zone files
)

// Exit codes that scripts rely on.
const (
	exitOpen   = 0 // or: done
	exitShut   = 1
	exitFailed = 2 // could not judge, or was called wrongly
)

// process is what a command may touch of the process that it runs in.
type process struct {
	args           []string
	environ        []string // "NAME=value"
	stdin          io.Reader
	stdout, stderr io.Writer
}

// getenv is the value of a variable, or "".
func (p process) getenv(name string) string {
	for _, e := range slices.Backward(p.environ) {
		if n, v, ok := strings.Cut(e, "="); ok && n == name {
			return v
		}
	}
	return ""
}

type command struct {
	name, does string
	run        func(context.Context, process) int
}

func commands() []command {
	return []command{
		{"serve", "run the server", serveCommand},
		{"setup", "open the set-up page again, or forget what it stored", setupCommand},
		{"gitlab", "set GitLab's webhooks up", gitlabCommand},
		{"doctor", "look whether everything is set up as it must be", doctorCommand},
		{"health", "ask the server on this machine whether it is ready", healthCommand},
		{"demo", "show the whole loop with no account", demoCommand},
		{"check", "judge a local git repository", func(ctx context.Context, p process) int {
			return checkCommand(ctx, p.args, p.getenv, p.stdout, p.stderr)
		}},
		{"init", "write a first .sluice.yml that fits a repository", func(ctx context.Context, p process) int {
			return initCommand(ctx, p.args, p.stdout, p.stderr)
		}},
		{"inspect", "show what Sluice sees: changelog, tags, config", func(ctx context.Context, p process) int {
			return inspectCommand(ctx, p.args, p.stdin, p.stdout, p.stderr)
		}},
		{"policy", "check, schema, test or replay a policy", func(ctx context.Context, p process) int {
			if len(p.args) > 0 && p.args[0] == "replay" { // the one that needs the database
				return replayCommand(ctx, p.args[1:], p.getenv, p.stdin, p.stdout, p.stderr)
			}
			return policyCommand(ctx, p.args, p.stdin, p.stdout, p.stderr)
		}},
		{"explain", "replay a decision: each verdict, rule, line and fact", func(ctx context.Context, p process) int {
			return explainCommand(ctx, p.args, p.getenv, p.stdout, p.stderr)
		}},
		{"inbox", "list what waits, and retry what failed", func(ctx context.Context, p process) int {
			return inboxCommand(ctx, p.args, p.getenv, p.stdout, p.stderr)
		}},
		{"quota", "show what the forges' quotas leave a server", quotaCommand},
		{"status", "show where a repository's environments stand", statusCommand},
		{"deploy", "ask a server for a promotion, and follow it", remoteCommand("deploy")},
		{"rollback", "ask a server to go back to what was well", remoteCommand("rollback")},
		{"lock", "hold back what goes into an environment", remoteCommand("lock")},
		{"unlock", "lift locks", remoteCommand("unlock")},
		{"approve", "approve what waits at an environment", remoteCommand("approve")},
		{"reject", "reject what waits at an environment", remoteCommand("reject")},
		{"cancel", "end what waits at an environment", remoteCommand("cancel")},
		{"override", "let named checks of one commit through", overrideCommand},
		{"revoke", "take an override back", changeCommand("revoke")},
		{"hold", "keep the gate of a change shut", changeCommand("hold")},
		{"unhold", "lift the hold of a change", changeCommand("unhold")},
		{"recheck", "have a change judged afresh", changeCommand("recheck")},
		{"audit", "list, verify, export and sign the audit log", auditCommand},
		{"calendar", "list when environments may be deployed to", calendarCommand},
		{"report", "count overrides, and the DORA metrics of deployments", reportCommand},
		{"backup", "copy the SQLite database to a file, beside a server", backupCommand},
		{"copy", "move everything from one database into another", copyCommand},
		{"migrate", "bring the database up to date", migrateCommand},
		{"version", "print the version", versionCommand},
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "check" {
		spareNoMemory()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, process{os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// spareNoMemory is for a command that is over before collecting garbage pays: most changes are judged without, and where
// one is large the memory stays within bounds.
func spareNoMemory() {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(56 << 20)
}

// run finds the command and runs it. Tests call it too.
func run(ctx context.Context, p process) int {
	if len(p.args) == 0 || slices.Contains([]string{"help", "-h", "--help"}, p.args[0]) {
		out, code := p.stdout, exitOpen
		if len(p.args) == 0 {
			out, code = p.stderr, exitFailed
		}
		usage(out)
		return code
	}
	p, wrong := toServer(p)
	if wrong != "" {
		fmt.Fprintln(p.stderr, "sluice:", wrong)
		return exitFailed
	}
	name := p.args[0]
	var names []string
	for _, c := range commands() {
		if c.name == name {
			p.args = p.args[1:]
			var err error
			if p.environ, err = withFiles(p.environ); err != nil {
				fmt.Fprintf(p.stderr, "sluice %s: %v\n", name, err)
				return exitFailed
			}
			return c.run(ctx, p)
		}
		names = append(names, c.name)
	}
	fmt.Fprintf(p.stderr, "sluice: there is no command %q%s; `sluice help` lists them\n", name, meant(name, names))
	return exitFailed
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "Sluice is the gate between merged and live.\n\nusage: sluice [--server URL] COMMAND [ARGUMENTS]")
	fmt.Fprintln(w)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.does)
	}
	fmt.Fprintln(w, "\n`sluice COMMAND --help` tells more.")
}

func versionCommand(_ context.Context, p process) int {
	fmt.Fprintln(p.stdout, "sluice", version())
	return exitOpen
}

// version is the module's, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/local"
)

// judged is what `sluice check` found out, ready to be written in one of the formats.
type judged struct {
	repo, base, head string
	decision         *gate.Decision
}

// checkFormats write what was judged; each is a function of it alone.
func checkFormats() map[string]func(io.Writer, judged) error {
	return map[string]func(io.Writer, judged) error{
		"text":   func(w io.Writer, j judged) error { return writeText(w, j, false) },
		"json":   writeJSON,
		"sarif":  writeSARIF,
		"github": writeWorkflow,
		"junit":  writeJUnit,
	}
}

// checkCommand judges a local repository: exit 0 open, 1 shut, 2 could not judge.
func checkCommand(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	formats := checkFormats()
	flags := flag.NewFlagSet("sluice check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	repo := flags.String("repo", ".", "the git repository: a work tree, a bare repository, or a folder in one")
	base := flags.String("base", "", "what the change starts from (where it left the default branch)")
	head := flags.String("head", "", "what is judged (HEAD); what is not committed is not judged")
	file := flags.String("policy", "", "a policy file to use instead of the repository's")
	format := flags.String("format", "text", "text, json, sarif, github or junit")
	if err := flags.Parse(args); err != nil {
		return helpOr(err, exitFailed)
	}
	write, ok := formats[*format]
	if !ok || flags.NArg() > 0 {
		fmt.Fprintf(stderr, "sluice check: --format takes %s, and there are no other arguments\n", strings.Join(sortedKeys(formats), ", "))
		return exitFailed
	}
	j, err := judgeLocal(ctx, *repo, *base, *head, *file)
	if err != nil {
		fmt.Fprintln(stderr, "sluice check:", err)
		return exitFailed
	}
	if *format == "text" && coloured(stdout, getenv) {
		write = func(w io.Writer, j judged) error { return writeText(w, j, true) }
	}
	if err := write(stdout, j); err != nil {
		fmt.Fprintln(stderr, "sluice check: write the result:", err)
		return exitFailed
	}
	return exitOf(j.decision)
}

// exitOf: what could not be looked at is not shut but unjudged, unless something else failed for sure.
func exitOf(d *gate.Decision) int {
	switch {
	case d.Open:
		return exitOpen
	case d.Gate.Outcome == checks.Unknown:
		return exitFailed
	}
	return exitShut
}

// judgeLocal reads and judges. A policy that cannot be read is an error that names file, line and column.
func judgeLocal(ctx context.Context, dir, base, head, file string) (judged, error) {
	given, err := givenPolicy(file)
	if err != nil {
		return judged{}, err
	}
	r, err := local.Open(dir)
	if err != nil {
		return judged{}, err
	}
	f, err := r.Facts(ctx, base, head, given)
	if err != nil {
		return judged{}, err
	}
	set, err := policy.Load(f.Sources...)
	var problems policy.Problems
	if errors.As(err, &problems) {
		return judged{}, fmt.Errorf("the policy is broken:\n%w", problems)
	}
	if err != nil {
		return judged{}, err
	}
	d := gate.Decide(set, f, gate.Acts{}, "", time.Time{})
	return judged{repo: f.Repository.Name, base: f.Change.MergeBase, head: f.Change.Head.Commit, decision: d}, nil
}

// policyFileLimit is more than any policy may be, so that the loader can say what is wrong with a large one.
const policyFileLimit = 2 << 20

func givenPolicy(file string) (*policy.Source, error) {
	if file == "" {
		return nil, nil
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, policyFileLimit))
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	return &policy.Source{Origin: policy.Given, Name: filepath.ToSlash(file), Text: string(text)}, nil
}

// helpOr is the exit code of arguments that could not be parsed: asking for help is no failure.
func helpOr(err error, code int) int {
	if errors.Is(err, flag.ErrHelp) {
		return exitOpen
	}
	return code
}

// coloured says whether w is a screen whose reader wants colours; see https://no-color.org.
func coloured(w io.Writer, getenv func(string) string) bool {
	return terminal(w) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

// terminal says whether w is a screen and not a file or pipe.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

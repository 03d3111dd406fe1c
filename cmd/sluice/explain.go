package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

const explainUsage = `usage: sluice explain [--facts] [--json | --fixture] DECISION

Replays one decision from what was kept with it: every verdict, the rule and its line, and the facts that it hangs on.
DECISION is its id, the beginning of one, or the details link of a check. The database is the one in SLUICE_DATABASE
(sqlite:sluice.db); a server may be running on it.

  --facts    all facts as they were read, as JSON
  --json     decision, facts, policies and replay as JSON
  --fixture  a case for sluice policy test, with these facts and verdicts; they may quote what is private

Exit: 0 the replay gives the same, byte for byte; 1 it does not; 2 there is no such decision, or it cannot be read.
`

// explained is a decision, what it was made from, and what comes of that now.
type explained struct {
	decision, again *gate.Decision
	facts           *checks.Facts
	sources         []policy.Source
	raw             gate.Recorded
}

func (e explained) same() bool { return gate.Same(e.decision, e.again) }

// explainCommand replays one decision, beside a server that is running or without one.
func explainCommand(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("sluice explain", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), explainUsage) }
	facts := flags.Bool("facts", false, "")
	asJSON := flags.Bool("json", false, "")
	fixture := flags.Bool("fixture", false, "")
	args, err := parseAnywhere(flags, args, stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	if wrong := explainMisused(args, *asJSON && *fixture); wrong != "" {
		fmt.Fprintf(stderr, "sluice explain: %s\n%s", wrong, explainUsage)
		return exitFailed
	}
	e, err := explain(ctx, args[0], getenv)
	if err == nil {
		switch {
		case *asJSON:
			err = e.writeJSON(stdout)
		case *fixture:
			err = e.writeFixture(stdout)
		case *facts:
			err = e.writeFacts(stdout)
		default:
			err = e.write(stdout)
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "sluice explain:", gate.Plain(err.Error()))
		return exitFailed
	}
	if !e.same() {
		return exitShut
	}
	return exitOpen
}

// explainMisused says what is wrong with how the command was called, or "".
func explainMisused(args []string, both bool) string {
	switch {
	case both:
		return "--fixture and --json are two forms of the same: give one of them"
	case len(args) == 0:
		return "which DECISION? Give its id, the beginning of one, or the details link of a check"
	case len(args) > 1:
		return fmt.Sprintf("it explains one decision at a time, and was given %d", len(args))
	}
	return ""
}

// parseAnywhere parses flags wherever they stand and returns the rest. Help that is asked for goes to stdout.
func parseAnywhere(flags *flag.FlagSet, args []string, stdout io.Writer) (rest []string, err error) {
	for _, a := range args {
		if a == "-h" || a == "--help" || a == "-help" {
			flags.SetOutput(stdout)
			flags.Usage()
			return nil, flag.ErrHelp
		}
	}
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

// explain finds the decision and replays it.
func explain(ctx context.Context, name string, getenv func(string) string) (*explained, error) {
	s, err := openBeside(ctx, getenv)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	id, err := findDecision(ctx, s, name)
	if err != nil {
		return nil, err
	}
	e := &explained{}
	e.raw.Decision, e.raw.Facts, e.raw.Sources, err = s.Decision(ctx, id)
	if err != nil {
		return nil, err
	}
	e.decision = e.raw.Decision
	if e.again, err = gate.Replay(e.raw); err != nil {
		return nil, fmt.Errorf("replay decision %s: %w", id, err)
	}
	e.facts = &checks.Facts{}
	if err := json.Unmarshal(e.raw.Facts, e.facts); err != nil {
		return nil, fmt.Errorf("read the facts of decision %s: %w", id, err)
	}
	return e, json.Unmarshal(e.raw.Sources, &e.sources)
}

// openBeside opens the database for reading, beside a server that is running.
func openBeside(ctx context.Context, getenv func(string) string) (*store.Store, error) {
	at := getenv("SLUICE_DATABASE")
	if at == "" {
		at = "sqlite:sluice.db"
	}
	return store.Open(ctx, store.Options{URL: at, Beside: true})
}

var idPrefix = patterns.New(`^[0-9a-f]{4,32}$`)

// findDecision reads a decision's name: an id, the beginning of one, or a link that ends in one.
func findDecision(ctx context.Context, s *store.Store, name string) (string, error) {
	given := strings.TrimSpace(name)
	if u, err := url.Parse(given); err == nil && u.Scheme != "" {
		given = path.Base(u.Path)
	}
	given = strings.ToLower(given)
	if !idPrefix.MatchString(given) {
		return "", fmt.Errorf("%q names no decision: give its id, at least 4 digits of it, or the details link of a check", checks.Clip(name, 80))
	}
	ids, err := s.DecisionsNamed(ctx, given)
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", fmt.Errorf("decision %s is %w: decisions are deleted after SLUICE_KEEP (400d), and SLUICE_DATABASE says which database is read", given, store.ErrUnknown)
	case len(ids) > 1:
		return "", fmt.Errorf("more than one decision begins with %s: give more of its id", given)
	}
	return ids[0], nil
}

// differing names the checks whose verdicts the replay changes, the gate last.
func (e explained) differing() (names []string) {
	for _, v := range append(e.again.Verdicts, e.again.Gate) {
		if !sameVerdict(verdictFor(e.decision, v.Check), v) {
			names = append(names, v.Check)
		}
	}
	for _, v := range e.decision.Verdicts {
		if verdictFor(e.again, v.Check).Check == "" {
			names = append(names, v.Check)
		}
	}
	return names
}

func verdictFor(d *gate.Decision, check string) checks.Verdict {
	for _, v := range append([]checks.Verdict{d.Gate}, d.Verdicts...) {
		if v.Check == check {
			return v
		}
	}
	return checks.Verdict{}
}

func sameVerdict(a, b checks.Verdict) bool {
	x, err := json.Marshal(a)
	y, also := json.Marshal(b)
	return err == nil && also == nil && string(x) == string(y)
}

func (e explained) writeJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(map[string]any{
		"version": 1, "same": e.same(), "sluice": version(), "decision": e.decision, "replayed": e.again,
		"facts": json.RawMessage(e.raw.Facts), "sources": json.RawMessage(e.raw.Sources), "differing": append([]string{}, e.differing()...),
	})
}

func (e explained) writeFacts(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(json.RawMessage(e.raw.Facts))
}

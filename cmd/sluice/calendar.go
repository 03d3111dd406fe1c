package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/providers/local"
)

const calendarUsage = `usage: sluice calendar [--repo DIR | --policy FILE] [--environment NAME] [--from TIME] [--for 30d]
                       [--calendar NAME=FILE] [--format text|json|ical]

Prints when each environment may be deployed to, and when it is frozen.

  --repo DIR            the git repository whose policy counts, as it stands at HEAD; this folder, unless given
  --policy FILE         another policy; the files that it names as calendars are then read from the work tree
  --organisation FILE   the organisation's policy too
  --environment NAME    of this one alone; may be given several times
  --from TIME           from this time on, as 2026-12-01 or 2026-12-01T09:00:00Z; now, unless given
  --for DURATION        so far ahead, as 30d or 8w, at most 400d
  --calendar NAME=FILE  what the calendar that the policy calls NAME holds, for those with an address: nothing is fetched
  --format              text, json, or ical for calendar programs

Exit: 0 told all; 1 a calendar is unknown, so that there may be more freezes than are told; 2 could not look.
`

// calendarRun is what `sluice calendar` was asked.
type calendarRun struct {
	process
	repo, policy, organisation, format string
	environments                       []string
	given                              []string // NAME=FILE
	from                               time.Time
	ahead                              policy.Duration
}

// calendarCommand is `sluice calendar`; the result is the exit code.
func calendarCommand(ctx context.Context, p process) int {
	c := calendarRun{process: p, from: time.Now().UTC().Truncate(time.Second), ahead: policy.Duration(30 * 24 * time.Hour)}
	help, err := c.read()
	if help {
		return exitOpen
	}
	code := exitFailed
	if err == nil {
		code, err = c.run(ctx)
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "sluice calendar: %v\n", err)
		return exitFailed
	}
	return code
}

func (c *calendarRun) read() (help bool, err error) {
	f := c.flags("calendar")
	f.StringVar(&c.repo, "repo", "", "")
	f.StringVar(&c.policy, "policy", "", "")
	f.StringVar(&c.organisation, "organisation", "", "")
	f.StringVar(&c.format, "format", "text", "")
	add := func(to *[]string) func(string) error {
		return func(s string) error { *to = append(*to, s); return nil }
	}
	f.Func("environment", "", add(&c.environments))
	f.Func("calendar", "", add(&c.given))
	f.Func("from", "", func(s string) (err error) {
		if c.from, err = time.Parse(time.DateOnly, s); err != nil {
			c.from, err = time.Parse(time.RFC3339, s)
		}
		if err != nil {
			return fmt.Errorf("want a time such as 2026-12-01 or 2026-12-01T09:00:00Z")
		}
		return nil
	})
	f.Func("for", "", func(s string) (err error) {
		if c.ahead, err = policy.ParseDuration(s); err != nil || c.ahead <= 0 || time.Duration(c.ahead) > calendar.Horizon {
			return fmt.Errorf("want a duration such as 30d or 8w, of at most 400d")
		}
		return nil
	})
	if help, err = c.parse(f, calendarUsage); help || err != nil {
		return help, err
	}
	formats := []string{"text", "json", "ical"}
	switch {
	case f.NArg() > 0:
		return false, fmt.Errorf("%q is one argument too many; `sluice calendar --help` tells more", f.Arg(0))
	case !slices.Contains(formats, c.format):
		return false, fmt.Errorf("--format is %s, not %q%s", strings.Join(formats, ", "), c.format, meant(c.format, formats))
	}
	return false, nil
}

// run looks everything up and writes it.
func (c *calendarRun) run(ctx context.Context) (int, error) {
	set, file, err := c.load(ctx)
	if err != nil {
		return 0, err
	}
	names, err := environmentsOf(set, c.environments)
	if err != nil {
		return 0, err
	}
	texts, err := c.texts(calendar.Calendars(set), file)
	if err != nil {
		return 0, err
	}
	in := calendar.Span{From: c.from, To: c.from.Add(time.Duration(c.ahead))}
	// Freezes are known from before on too, so that what has begun is told whole.
	known := calendar.Span{From: in.From.AddDate(0, -2, 0), To: in.To}
	var tables []environmentTable
	code := exitOpen
	for _, name := range names {
		t := calendar.Of(set, name, texts, known)
		if len(t.Unknown()) > 0 {
			code = exitShut
		}
		tables = append(tables, environmentTable{name, t, in})
	}
	return code, c.write(tables, in)
}

// environmentsOf lists the environments of all layers in their order, or those asked for.
func environmentsOf(set *policy.Set, asked []string) (names []string, err error) {
	for _, p := range set.Layers {
		for _, e := range p.Environments {
			if !slices.Contains(names, e.Name) {
				names = append(names, e.Name)
			}
		}
	}
	if len(asked) == 0 {
		return names, nil
	}
	for _, a := range asked {
		if !slices.Contains(names, a) {
			return nil, fmt.Errorf("the policy has no environment %q%s; it has: %s", a, meant(a, names), strings.Join(names, ", "))
		}
	}
	return asked, nil
}

// reader reads a file of the repository that the policy is in; ok is false where there is no such text.
type reader func(path string) (text string, ok bool)

// load reads the policy and says how the files beside it are read.
func (c *calendarRun) load(ctx context.Context) (*policy.Set, reader, error) {
	var sources []policy.Source
	if c.organisation != "" {
		text, err := os.ReadFile(c.organisation)
		if err != nil {
			return nil, nil, err
		}
		sources = append(sources, policy.Source{Origin: policy.Organisation, Name: c.organisation, Text: string(text)})
	}
	if c.repo == "" {
		c.repo = "."
	}
	if c.policy != "" {
		text, err := os.ReadFile(c.policy)
		if err != nil {
			return nil, nil, err
		}
		set, err := policy.Load(append(sources, policy.Source{Origin: policy.Given, Name: c.policy, Text: string(text)})...)
		return set, func(path string) (string, bool) { return readBounded(filepath.Join(c.repo, filepath.FromSlash(path))) }, err
	}
	repo, err := local.Open(c.repo)
	if err != nil {
		return nil, nil, err
	}
	view, err := repo.Look(ctx, "HEAD")
	if err != nil {
		return nil, nil, err
	}
	defer view.Close()
	set, err := policy.Load(append(sources, sourcesOf(view)...)...)
	if err != nil {
		return nil, nil, err
	}
	files := map[string]string{}
	for _, name := range calendar.Calendars(set) {
		if text, ok := view.Text(name); ok && !strings.Contains(name, ":") {
			files[name] = text
		}
	}
	return set, func(path string) (string, bool) { text, ok := files[path]; return text, ok }, nil
}

// readBounded reads a file of which no more is taken than a calendar may be, and one byte to tell.
func readBounded(path string) (string, bool) {
	in, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, calendar.MostBytes+1))
	return string(text), err == nil
}

// texts are the calendars that the policy names: those given, and files of the repository. Of the rest is said that they
// were not given.
func (c *calendarRun) texts(names []string, file reader) (texts []calendar.Text, err error) {
	given := map[string]string{}
	for _, g := range c.given {
		i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(g, n+"=") }) // an address may hold = itself
		if i < 0 {
			name, _, _ := strings.Cut(g, "=")
			return nil, fmt.Errorf("--calendar wants NAME=FILE with a calendar that the policy names, not %q%s", g, meant(name, names))
		}
		given[names[i]] = g[len(names[i])+1:]
	}
	for _, name := range names {
		t := calendar.Text{Name: name}
		path, ok := given[name]
		switch {
		case ok:
			text, fine := readBounded(path)
			if !fine {
				return nil, fmt.Errorf("--calendar: %s cannot be read", path)
			}
			t.Text = text
		case strings.Contains(name, ":"):
			t.Problem = "it was not given, and nothing is fetched here; give it with --calendar " + name + "=FILE"
		default:
			if t.Text, ok = file(name); !ok {
				t.Problem = "there is no such text file"
			}
		}
		texts = append(texts, t)
	}
	return texts, nil
}

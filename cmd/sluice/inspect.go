package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/versions"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/local"
)

// looking is what `sluice inspect` was asked.
type looking struct {
	repo, rev, file string
	json            bool
	propose         []string
	set             *flag.FlagSet
}

// inspectCommand shows what Sluice sees: exit 0, or 2 when it could not look.
func inspectCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	what := map[string]func(context.Context, looking, io.Reader, io.Writer) error{
		"changelog": inspectChangelog, "tags": inspectTags, "config": inspectConfig,
	}
	if len(args) == 0 || what[args[0]] == nil {
		fmt.Fprintln(stderr, "usage: sluice inspect changelog|tags|config [--repo DIR] [--rev REV] [--json]\n"+
			"       sluice inspect changelog --file PATH\n       sluice inspect tags --propose TAG   (several times, or - for lines on stdin)")
		if len(args) > 0 {
			return helpCode(args[0])
		}
		return exitFailed
	}
	l := looking{set: flag.NewFlagSet("sluice inspect "+args[0], flag.ContinueOnError)}
	l.set.SetOutput(stderr)
	l.set.StringVar(&l.repo, "repo", ".", "the git repository")
	l.set.StringVar(&l.rev, "rev", "HEAD", "the commit to look at")
	l.set.BoolVar(&l.json, "json", false, "as JSON")
	if args[0] == "changelog" {
		l.set.StringVar(&l.file, "file", "", "one changelog, outside of a repository too")
	}
	if args[0] == "tags" {
		l.set.Func("propose", "a tag to judge against those that are there; - reads them from stdin", func(s string) error {
			l.propose = append(l.propose, s)
			return nil
		})
	}
	if err := l.set.Parse(args[1:]); err != nil {
		return helpOr(err, exitFailed)
	}
	if l.set.NArg() > 0 {
		fmt.Fprintf(stderr, "sluice inspect %s: %q is one argument too many\n", args[0], l.set.Arg(0))
		return exitFailed
	}
	if err := what[args[0]](ctx, l, stdin, stdout); err != nil {
		fmt.Fprintf(stderr, "sluice inspect %s: %v\n", args[0], err)
		return exitFailed
	}
	return exitOpen
}

// view opens the repository at the revision.
func (l looking) view(ctx context.Context) (*local.View, error) {
	r, err := local.Open(l.repo)
	if err != nil {
		return nil, err
	}
	return r.Look(ctx, l.rev)
}

// policyOf is the repository's own policy as it stands there, or the defaults.
func policyOf(v *local.View) (*policy.Policy, error) {
	set, err := policy.Load(sourcesOf(v)...)
	if err != nil {
		return nil, err
	}
	return set.Layers[0], nil
}

// sourcesOf is the repository's own policy as it stands there, if it has one.
func sourcesOf(v *local.View) []policy.Source {
	for _, path := range policy.Paths {
		if text, ok := v.Text(path); ok {
			return []policy.Source{{Origin: policy.Repository, Name: path, Text: text}}
		}
	}
	return nil
}

// changelogFileLimit is more than any changelog that is read for a change may be.
const changelogFileLimit = 64 << 20

func inspectChangelog(ctx context.Context, l looking, _ io.Reader, out io.Writer) error {
	if l.file != "" {
		in, err := os.Open(l.file)
		if err != nil {
			return err
		}
		defer in.Close()
		text, err := io.ReadAll(io.LimitReader(in, changelogFileLimit))
		if err != nil {
			return err
		}
		return showChangelogs(out, l.json, changelog.Inspect([]*changelog.File{changelog.Parse(filepath.ToSlash(l.file), string(text))}, nil))
	}
	v, err := l.view(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	p, err := policyOf(v)
	if err != nil {
		return err
	}
	names, fragments := changelogs(p, v.Paths)
	var files []*changelog.File
	for _, name := range names {
		if text, ok := v.Text(name); ok {
			files = append(files, changelog.Parse(name, text))
		}
	}
	return showChangelogs(out, l.json, changelog.Inspect(files, fragments))
}

// changelogs are those that the policy names, or else those found by looking.
func changelogs(p *policy.Policy, paths []string) (files, fragments []string) {
	files, fragments = changelog.Find(paths)
	pick := func(globs policy.Globs) (picked []string) {
		for _, path := range paths {
			if globs.Match(path) {
				picked = append(picked, path)
			}
		}
		return picked
	}
	if len(p.Changelog.Files) > 0 {
		files = pick(policy.Globs(p.Changelog.Files))
	}
	if len(p.Changelog.Fragments) > 0 {
		fragments = pick(p.Changelog.Fragments)
	}
	return files, fragments
}

func showChangelogs(out io.Writer, asJSON bool, r changelog.Inspection) error {
	return show(out, asJSON, r, func(w io.Writer) {
		for _, f := range r.Files {
			unreleased := "no unreleased section"
			if f.Unreleased != nil {
				unreleased = fmt.Sprintf("%d unreleased entries at line %d", f.Unreleased.Entries, f.Unreleased.Line)
			}
			fmt.Fprintf(w, "%s\t%s\tlatest %s\t%d versions\t%s\n", f.Path, f.Style, orNone(f.Latest), len(f.Versions), unreleased)
		}
		for _, f := range r.Fragments {
			fmt.Fprintf(w, "%s\tfragment\n", f)
		}
	})
}

func inspectTags(ctx context.Context, l looking, stdin io.Reader, out io.Writer) error {
	v, err := l.view(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	p, err := policyOf(v)
	if err != nil {
		return err
	}
	h := versions.Read(tagsOf(v.Tags), declaredLines(p)...)
	if len(l.propose) == 0 {
		return showTags(out, l.json, h.Report(time.Now().UTC()))
	}
	proposed, err := proposals(l.propose, stdin)
	if err != nil {
		return err
	}
	r := versions.Proposals{Proposals: []versions.Proposal{}}
	for _, tag := range proposed {
		r.Proposals = append(r.Proposals, h.Propose(tag))
	}
	return show(out, l.json, r, func(w io.Writer) {
		for _, p := range r.Proposals {
			fmt.Fprintf(w, "%s\t%s\t%s\n", p.Tag, p.Verdict, p.Reason)
		}
	})
}

// declaredLines are the tag lines that a policy declares itself; a default is no declaration.
func declaredLines(p *policy.Policy) (lines []versions.Line) {
	add := func(tag, scheme string) {
		if line, err := versions.NewLine(tag, scheme, p.Tagging.Pattern); err == nil { // the loader has refused what is malformed
			lines = append(lines, line)
		}
	}
	if p.Given("tagging.tag") || p.Given("tagging.scheme") {
		add(p.Tagging.Tag, p.Tagging.Scheme)
	}
	for _, c := range p.Tagging.Components {
		scheme := c.Scheme
		if scheme == "" {
			scheme = p.Tagging.Scheme
		}
		add(c.Tag, scheme)
	}
	return lines
}

func proposals(given []string, stdin io.Reader) ([]string, error) {
	var tags []string
	for _, g := range given {
		if g != "-" {
			tags = append(tags, g)
			continue
		}
		in := bufio.NewScanner(stdin)
		for in.Scan() {
			if t := strings.TrimSpace(in.Text()); t != "" {
				tags = append(tags, t)
			}
		}
		if err := in.Err(); err != nil {
			return nil, fmt.Errorf("read tags from stdin: %w", err)
		}
	}
	return tags, nil
}

func tagsOf(tags []checks.Tag) []versions.Tag {
	var list []versions.Tag
	for _, t := range tags {
		list = append(list, versions.Tag{Name: t.Name, Commit: t.Commit, At: t.At})
	}
	return list
}

func showTags(out io.Writer, asJSON bool, r versions.Report) error {
	return show(out, asJSON, r, func(w io.Writer) {
		for _, g := range r.Groups {
			fmt.Fprintf(w, "prefix %q\t%s\thighest %s\tnext %s, %s or %s\n", g.Prefix, g.Scheme, orNone(g.Highest), g.Next.Patch, g.Next.Minor, g.Next.Major)
		}
		for _, t := range r.Invalid {
			fmt.Fprintf(w, "invalid\t%s\t%s\n", t.Tag, t.Reason)
		}
		for _, t := range r.Moving {
			fmt.Fprintf(w, "moving\t%s\n", t)
		}
	})
}

func inspectConfig(ctx context.Context, l looking, _ io.Reader, out io.Writer) error {
	v, err := l.view(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	p, err := policyOf(v)
	if err != nil {
		return err
	}
	r := checks.InspectConfig(p, v.Paths, v.Text)
	return show(out, l.json, r, func(w io.Writer) {
		for _, name := range sortedKeys(r.Environments) {
			fmt.Fprintf(w, "%s\t%s\n", name, strings.Join(r.Environments[name], ", "))
		}
		for _, m := range r.Missing {
			fmt.Fprintf(w, "missing\t%s lacks %s\twhich %s has\t(%s)\n", m.Environment, m.Key, strings.Join(m.PresentIn, ", "), strings.Join(m.Files, ", "))
		}
		for _, b := range r.BakedIn {
			fmt.Fprintf(w, "baked in\t%s:%d\t%s\t%s\n", b.Path, b.Line, b.Kind, b.Message)
		}
	})
}

// show writes a report as JSON or as a table for people, in which no control character of the repository survives.
func show(out io.Writer, asJSON bool, report any, table func(io.Writer)) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(report)
	}
	var b strings.Builder
	table(&b)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for line := range slices.Values(strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")) {
		var cells []string
		for _, cell := range strings.Split(line, "\t") {
			cells = append(cells, gate.Plain(cell))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

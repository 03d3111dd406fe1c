package checks

import (
	"path"
	"strings"
	"unicode"

	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/versions"
)

// entryFile says whether a changed file is where the line's changelog entries are added: fragment or changelog.
func entryFile(p *policy.Policy, l *releaseLine, c *File) (fragment, log bool) {
	if c.Status == "removed" || c.Kind != "" || !l.holds(c.Path) {
		return false, false
	}
	if len(p.Changelog.Fragments) > 0 {
		fragment = p.Changelog.Fragments.Match(c.Path)
	} else {
		fragment = changelog.IsFragment(c.Path)
	}
	if len(p.Changelog.Files) > 0 {
		log = policy.Globs(p.Changelog.Files).Match(c.Path)
	} else {
		log = changelog.IsChangelog(c.Path)
	}
	return fragment, (log || l.log != "" && c.Path == l.log) && !fragment
}

// wantEntries asks for the changelogs and fragments that the change touches.
func wantEntries(p *policy.Policy, f *Facts, w *Wants, l *releaseLine) {
	for i := range f.Files {
		c := &f.Files[i]
		fragment, log := entryFile(p, l, c)
		if fragment || log {
			w.WantText(f, Head, c.Path)
		}
		if log && c.Status != "added" {
			w.WantText(f, Base, before(c))
		}
	}
}

// before is a changed file's path on the base side.
func before(c *File) string {
	if c.Old != "" {
		return c.Old
	}
	return c.Path
}

// entries is what the changelog of a line says of a change.
type entries struct {
	level   versions.Level // the highest that the categories of added entries name
	unknown string         // what could not be read
	heading *statement     // the version above every release that it newly has a section for
	stray   *statement     // the same, where there is a version file to agree with, and it does not
}

// readEntries reads the entries that the change adds, and the versions that it makes of them. set is the version that
// the change sets elsewhere, or nil.
func readEntries(p *policy.Policy, f *Facts, l *releaseLine, set *statement) entries {
	var e entries
	agreed, t := false, &packageTree{p: p, f: f, l: l}
	for i := range f.Files {
		c := &f.Files[i]
		fragment, log := entryFile(p, l, c)
		if !fragment && !log {
			continue
		}
		head, ok := f.Text(Head, c.Path)
		base, was := f.Text(Base, before(c))
		if !ok || log && !was && c.Status != "added" {
			e.unknown = Clip("Which entries are added to "+plain(c.Path, 60)+" is not known: it could not be read.", 140)
			return e
		}
		if fragment {
			e.level = max(e.level, fragmentLevel(c.Path, head.Text))
			continue
		}
		delta := changelog.Diff(changelog.Parse(before(c), base.Text), changelog.Parse(c.Path, head.Text))
		e.level = max(e.level, highestOf(delta.Added))
		if len(delta.New) > 0 && l.name == "" && t.home(c.Path) != "." {
			continue // a package's own versions are not the repository's
		}
		for _, v := range delta.New {
			s := &statement{path: c.Path, line: v.Line, text: v.Version}
			if s.version, s.err = l.read(c.Path, v.Version); s.err != nil || s.version.Compare(l.highest) <= 0 {
				continue // what was released before may be told of later
			}
			if e.heading == nil || s.version.Compare(e.heading.version) > 0 {
				e.heading = s
			}
			agreed = agreed || set != nil && s.version.Compare(set.version) == 0
		}
	}
	if set != nil && !agreed {
		e.stray = e.heading
	}
	return e
}

// fragmentKind is where records and Changesets say what an entry is: `kind: Added`, `"shop": minor`.
var fragmentKind = patterns.New(`(?m)^\s*["']?[^\s"':][^"':\n]*["']?\s*:\s*["']?([A-Za-z][A-Za-z -]*)["']?\s*$`)

// fragmentLevel is what a fragment says of itself: in its front matter or record, in its name (123.feature.md), or in
// the headings over its entries.
func fragmentLevel(file, text string) versions.Level {
	read, err := changelog.ReadFragment(file, text)
	if err != nil {
		return versions.None
	}
	level := highestOf(read.Entries)
	switch read.Tool {
	case changelog.ChangesetsTool, changelog.Records:
		if read.Tool == changelog.ChangesetsTool {
			text, _, _ = strings.Cut(strings.TrimLeft(text, "-\r\n"), "\n---")
		}
		for _, m := range fragmentKind.FindAllStringSubmatch(text[:min(len(text), 8<<10)], 20) {
			level = max(level, categoryLevel(m[1]))
		}
		return level
	}
	for _, part := range strings.Split(path.Base(file), ".")[1:] {
		level = max(level, categoryLevel(part))
	}
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "#"); ok {
			level = max(level, categoryLevel(rest))
		} else if line != "" && last != "" && strings.Trim(line, line[:1]) == "" && strings.ContainsAny(line[:1], "-=~^.*+") {
			level = max(level, categoryLevel(last))
		}
		last = line
	}
	return level
}

func highestOf(entries []changelog.Entry) versions.Level {
	highest := versions.None
	for _, e := range entries {
		highest = max(highest, categoryLevel(e.Category))
		if w := e.Words(); strings.HasPrefix(w, "BREAKING") || strings.HasPrefix(w, "Breaking:") || strings.HasPrefix(w, "Breaking change") {
			highest = versions.Major
		}
	}
	return highest
}

// categoryLevel says what a heading above an entry means for the version. Keep a Changelog leaves that open. Here
// what is taken away breaks, what is new or different is a feature, and the rest mends.
func categoryLevel(category string) versions.Level {
	var strong, weak, mends bool
	for _, word := range strings.FieldsFunc(strings.ToLower(category), func(r rune) bool { return !unicode.IsLetter(r) }) {
		switch word {
		case "breaking", "break", "removed", "removal", "removals", "remove", "major", "incompatible", "incompatibilities":
			return versions.Major
		case "added", "add", "addition", "additions", "feature", "features", "feat", "minor":
			strong = true
		case "changed", "change", "deprecated", "deprecation", "deprecations", "new", "enhancement", "enhancements", "enhanced",
			"improvement", "improvements", "improved":
			weak = true
		case "fixed", "fix", "fixes", "bugfix", "bugfixes", "bug", "bugs", "security", "performance", "patch", "misc", "doc", "docs",
			"documentation", "internal", "dependencies", "trivial", "chore", "chores", "other", "maintenance":
			mends = true
		}
	}
	switch {
	case strong || weak && !mends: // "Improved documentation" mends
		return versions.Minor
	case mends:
		return versions.Patch
	}
	return versions.None
}

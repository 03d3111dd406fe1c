package checks

import (
	"path"
	"regexp"
	"strings"
	"unicode"

	"github.com/sluicegate/sluice/checks/changelog"
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

// entriesLevel is the highest level that the categories of added entries name. unknown says what could not be read.
func entriesLevel(p *policy.Policy, f *Facts, l *releaseLine) (level versions.Level, unknown string) {
	for i := range f.Files {
		c := &f.Files[i]
		fragment, log := entryFile(p, l, c)
		if !fragment && !log {
			continue
		}
		head, ok := f.Text(Head, c.Path)
		if !ok {
			return versions.None, Clip("Which entries are added to "+plain(c.Path, 60)+" is not known: it could not be read.", 140)
		}
		if fragment {
			level = max(level, fragmentLevel(c.Path, head.Text))
			continue
		}
		base, ok := f.Text(Base, before(c))
		if !ok && c.Status != "added" {
			return versions.None, Clip("Which entries are added to "+plain(c.Path, 60)+" is not known: it could not be read.", 140)
		}
		delta := changelog.Diff(changelog.Parse(before(c), base.Text), changelog.Parse(c.Path, head.Text))
		level = max(level, highestOf(delta.Added))
	}
	return level, ""
}

// fragmentKind is where records and Changesets say what an entry is: `kind: Added`, `"shop": minor`.
var fragmentKind = regexp.MustCompile(`(?m)^\s*["']?[^\s"':][^"':\n]*["']?\s*:\s*["']?([A-Za-z][A-Za-z -]*)["']?\s*$`)

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

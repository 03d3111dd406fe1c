package checks

import (
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/versions"
)

// said is what a change says of its level as a Conventional Commit.
type said struct {
	level versions.Level
	kind  string // the type of the title, where it is a known one: "docs"
	from  string // where the level is said
}

// header is the first line of a Conventional Commit 1.0.0: a type, perhaps a scope, perhaps an exclamation mark.
var header = patterns.New(`^([A-Za-z][A-Za-z0-9_-]*)(\([^()\r\n]*\))?(!)?:[ \t]+\S`)

// conventional reads title, body and commits. What breaks is believed wherever it is said.
func conventional(f *Facts) said {
	m := said{}
	level, kind := headerLevel(f.Change.Title)
	if m.kind = kind; level != versions.None {
		m.level, m.from = level, "the title"
	}
	if m.level == versions.Major {
		return m
	}
	if breaks(visible(f.Change.Body)) {
		return said{versions.Major, m.kind, "a BREAKING CHANGE in the description"}
	}
	for _, c := range f.Commits {
		if level, _ := headerLevel(c.Message); level == versions.Major || breaks(afterHeader(c.Message)) {
			return said{versions.Major, m.kind, "commit " + short(c.ID)}
		}
	}
	return m
}

func short(commit string) string { return commit[:min(7, len(commit))] }

// headerLevel reads the first line. Types beyond feat and fix have no say in the specification; perf and revert are
// released as patches by the tools that read it. kind is "" for a line that only looks like a header.
func headerLevel(text string) (level versions.Level, kind string) {
	line, _, _ := strings.Cut(text, "\n")
	m := header.FindStringSubmatch(line)
	if m == nil {
		return versions.None, ""
	}
	switch kind = strings.ToLower(m[1]); kind {
	case "feat":
		level = versions.Minor
	case "fix", "perf", "revert":
		level = versions.Patch
	case "build", "chore", "ci", "docs", "doc", "style", "refactor", "test", "tests", "deps", "release":
	default:
		kind = ""
	}
	if m[3] != "" {
		level = versions.Major
	}
	return level, kind
}

// commitsLevel is the highest level that a commit's own header names.
func commitsLevel(f *Facts) versions.Level {
	highest := versions.None
	for _, c := range f.Commits {
		level, _ := headerLevel(c.Message)
		highest = max(highest, level)
	}
	return highest
}

func afterHeader(message string) string {
	_, rest, _ := strings.Cut(message, "\n")
	return rest
}

// breaks finds a footer BREAKING CHANGE (or BREAKING-CHANGE) that says something. A template's "none" says nothing.
func breaks(text string) bool {
	if !strings.Contains(text, "BREAKING") {
		return false
	}
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "BREAKING CHANGE")
		if !ok {
			rest, ok = strings.CutPrefix(line, "BREAKING-CHANGE")
		}
		if !ok || !strings.HasPrefix(rest, ": ") && !strings.HasPrefix(rest, " #") {
			continue
		}
		switch strings.ToLower(strings.Trim(rest, " \t\r\n.:#*_")) {
		case "", "none", "no", "n/a", "na", "nothing", "-", "not applicable":
		default:
			return true
		}
	}
	return false
}

// visible takes HTML comments and fenced code out of a description: templates explain themselves there. A comment
// that never ends hides the rest, as it does on the page.
func visible(body string) string {
	if !strings.Contains(body, "BREAKING") {
		return ""
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(body, "<!--")
		b.WriteString(before)
		if !found {
			break
		}
		if _, body, found = strings.Cut(after, "-->"); !found {
			break
		}
	}
	var out strings.Builder
	fence := ""
	for line := range strings.Lines(b.String()) {
		t := strings.TrimLeft(line, " ")
		switch {
		case fence == "" && (strings.HasPrefix(t, "```") || strings.HasPrefix(t, "~~~")):
			fence = t[:3]
		case fence != "":
			if strings.HasPrefix(t, fence) {
				fence = ""
			}
		default:
			out.WriteString(line)
		}
	}
	return out.String()
}

package changelog

import (
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

// blockKind says what a block is.
type blockKind int

const (
	headingBlock blockKind = iota
	itemBlock
	proseBlock
	otherBlock
)

// block is a piece of a text, in the order of the text.
type block struct {
	kind      blockKind
	level     int // of a heading: 1 is the outermost
	depth     int // of an item
	line, end int
	text      string
	title     *title // of a heading, when it was read already
	setext    bool
}

// heading is one on the way down to the current place.
type heading struct {
	level int
	text  string
}

// assembler makes sections out of blocks.
type assembler struct {
	f        *File
	strong   [12]bool // levels at which versions stand beyond doubt
	any      bool     // there is such a level
	above    []heading
	open     *Section
	released bool // open is a version
	level    int  // of open
	category string
	begun    bool // there was a heading before: the first one is the file's own
}

func (f *File) assemble(blocks []block, left *budget) {
	f.Pending, f.Versions = nil, nil
	a := &assembler{f: f}
	for i := range blocks {
		b := &blocks[i]
		if b.kind != headingBlock {
			continue
		}
		if b.title == nil {
			t := left.title(b.text)
			b.title = &t
		}
		if b.title.kind == versionTitle && !b.title.weak || b.title.kind == pendingTitle && b.title.version != "" {
			a.strong[min(b.level, 11)], a.any = true, true
		}
	}
	for i := range blocks {
		a.add(&blocks[i])
		if blocks[i].kind == headingBlock && a.open != nil {
			a.open.Entries = slices.Grow(a.open.Entries, room(blocks[i+1:]))
		}
		a.begun = a.begun || blocks[i].kind == headingBlock
	}
	a.close(f.Lines)
}

func (a *assembler) add(b *block) {
	if b.kind == headingBlock {
		a.heading(b)
		return
	}
	if a.open == nil {
		return
	}
	e := Entry{Line: b.line, EndLine: b.end, Depth: b.depth, Category: a.category, Text: b.text}
	switch b.kind {
	case proseBlock:
		if a.dated(b) {
			return
		}
		if name, ok := label(b); ok {
			a.category = name
			return
		}
		e.Form = Prose
	case otherBlock:
		e.Form = Block
	}
	a.open.Entries = append(a.open.Entries, e)
}

// room is how many entries may come before the next heading, so that their slice is made once.
func room(blocks []block) int {
	n := 0
	for n < len(blocks) && blocks[n].kind != headingBlock {
		n++
	}
	return n
}

// dated says whether a paragraph right below a version's heading is the date of its release, and takes it.
func (a *assembler) dated(b *block) bool {
	if !a.released || len(a.open.Entries) > 0 || a.category != "" || len(b.text) > 60 || strings.ContainsRune(b.text, '\n') {
		return false
	}
	words := Words(b.text)
	d, start, end := findDate(words)
	if d.text == "" || !onlyKeywords(words[:start]+" "+clock.ReplaceAllString(words[end:], " ")) {
		return false
	}
	if v := a.f.Versions[len(a.f.Versions)-1]; v.Written == "" {
		v.Date, v.Written, v.BadDate = d.String(), d.text, d.bad
	}
	return true
}

var clock = patterns.New(`\b\d\d?:\d\d(?::\d\d)?\b(?: ?[AaPp][Mm]\b)?(?: (?:[+-]\d{4}|[A-Z]{2,4})\b)?`)

// heading opens a section, names a category, or ends the section before it.
func (a *assembler) heading(b *block) {
	for len(a.above) > 0 && a.above[len(a.above)-1].level >= b.level {
		a.above = a.above[:len(a.above)-1]
	}
	t := b.title
	switch a.kindOf(b) {
	case versionTitle, nearTitle:
		a.close(b.line - 1)
		v := &Version{Date: t.date.String(), Written: t.date.text, BadDate: t.date.bad, Bad: t.kind == nearTitle, Yanked: t.yanked}
		v.Section = a.section(b)
		a.f.Versions = append(a.f.Versions, v)
		a.open, a.released = &v.Section, true
	case pendingTitle:
		a.close(b.line - 1)
		s := a.section(b)
		a.f.Pending = append(a.f.Pending, &s)
		a.open, a.released = &s, false
	default:
		a.other(b)
	}
}

func (a *assembler) section(b *block) Section {
	s := Section{Title: Words(b.text), Line: b.line, Package: b.title.pkg, Version: b.title.version}
	if s.Package == "" {
		for _, h := range a.above {
			s.Package = h.text
		}
	}
	a.level, a.category = b.level, ""
	return s
}

// kindOf weighs a heading against where it stands.
func (a *assembler) kindOf(b *block) titleKind {
	t := b.title
	deeper := a.open != nil && b.level > a.level
	switch t.kind {
	case versionTitle:
		if t.weak && (a.any && !a.strong[min(b.level, 11)] || deeper) {
			return otherTitle
		}
		if deeper && t.weak {
			return otherTitle
		}
	case pendingTitle:
		if deeper && t.version == "" {
			return otherTitle // "Development", a category within a version
		}
	case nearTitle:
		if deeper || !a.any && len(a.f.Pending) == 0 || a.any && !a.strong[min(b.level, 11)] {
			return otherTitle
		}
	}
	return t.kind
}

// other is a heading that names neither: a category, or the end of the section when it is not below it.
func (a *assembler) other(b *block) {
	words := Words(b.text)
	switch {
	case a.open != nil && (b.level > a.level || b.level == a.level && (b.level > 2 || categorical(words))):
		a.category = words
		return
	case a.open == nil && b.level >= 2 && standard(words) && len(a.f.Versions)+len(a.f.Pending) == 0:
		// A category before the first version, under no heading of its own: what is to come.
		s := Section{Line: b.line}
		a.f.Pending = append(a.f.Pending, &s)
		a.open, a.released, a.level, a.category = &s, false, b.level-1, words
		return
	}
	a.close(b.line - 1)
	if a.begun || b.level > 1 {
		a.above = append(a.above, heading{b.level, words})
	}
}

func (a *assembler) close(line int) {
	if a.open != nil {
		a.open.EndLine = line
	}
	a.open, a.category = nil, ""
}

// label says whether a paragraph is no statement but names what comes below it: "**Fixed**", "Improvements:".
func label(b *block) (string, bool) {
	if strings.ContainsRune(b.text, '\n') || len(b.text) > 80 {
		return "", false
	}
	t := strings.TrimSpace(b.text)
	bold := len(t) > 4 && (strings.HasPrefix(t, "**") && strings.HasSuffix(strings.TrimRight(t, ":"), "**") || strings.HasPrefix(t, "__") && strings.HasSuffix(strings.TrimRight(t, ":"), "__"))
	words := Words(t)
	name := strings.TrimRight(words, ": ")
	short := len(strings.Fields(name)) <= 6
	switch {
	case bold && short, strings.HasSuffix(words, ":") && short, standard(name):
		return name, true
	case short && strings.ToUpper(name) == name && len(strings.Fields(name)) <= 3 && categorical(name):
		return name, true
	}
	return "", false
}

// standard says whether words are one of the categories of Keep a Changelog or of the generators.
func standard(words string) bool {
	switch strings.ToLower(strings.Trim(words, " :!⚠️✨🐛🚀🔥📝")) {
	case "added", "changed", "deprecated", "removed", "fixed", "security", "features", "feature", "bug fixes", "bug fix", "bugfixes",
		"breaking changes", "breaking change", "improvements", "enhancements", "performance improvements", "new features",
		"major changes", "minor changes", "patch changes", "fixes", "bugs fixed", "new", "backwards incompatible changes":
		return true
	}
	return false
}

// categorical says whether a heading speaks of a sort of changes rather than of something outside the changelog.
func categorical(words string) bool {
	w := strings.ToLower(words)
	for _, part := range [...]string{"add", "chang", "deprecat", "remov", "fix", "securit", "feature", "bug", "break", "improv",
		"enhanc", "perform", "revert", "doc", "misc", "intern", "depend", "chore", "build", "test", "refactor", "highlight", "other", "new",
		"updat", "upgrad", "major", "minor", "patch", "incompat", "compat", "packag", "note", "api", "maint", "tool", "clean", "style", "config"} {
		if strings.Contains(w, part) {
			return true
		}
	}
	return false
}

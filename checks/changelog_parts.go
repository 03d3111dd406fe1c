package checks

import (
	"path"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/policy"
)

// logPart is what has a changelog of its own: the repository, or one component of it.
type logPart struct {
	name      string       // "" for the repository
	home      string       // folder, for one that was found
	paths     policy.Globs // for one that the policy names
	logs      []string     // its changelogs, sorted; none: it writes in the repository's
	fragments bool         // fragments are kept in its folder
	scheme    string       // of its versions, when the policy gives it one

	touched   string // the first path of it that the change touches and that is not exempt
	satisfied bool
	hollow    []Finding // why what looks like an entry is none
}

// divide finds the parts, and which of them the change touches.
func (l *ledger) divide() {
	l.parts = []*logPart{{}}
	l.homes, l.owners = map[string]*logPart{"": l.parts[0]}, map[string]*logPart{}
	declared := l.p.Tagging.Components
	for i := range declared {
		c := &declared[i]
		l.parts = append(l.parts, &logPart{name: c.Name, paths: c.Paths, scheme: c.Scheme})
		if c.Changelog != "" {
			l.parts[i+1].logs, l.owners[c.Changelog] = []string{c.Changelog}, l.parts[i+1]
		}
	}
	logs, fragments := l.known()
	for _, p := range logs {
		l.own(p, len(declared) > 0, len(logs) == 1)
	}
	for _, p := range l.parts {
		p.preferNear()
	}
	for _, p := range fragments {
		l.partOf(p).fragments = true
	}
	for i := range l.f.Files {
		l.touch(i)
	}
}

// known lists changelogs and fragments: those at the head, and those that the change takes away.
func (l *ledger) known() (logs, fragments []string) {
	seen := map[string]bool{}
	add := func(p string) {
		switch {
		case seen[p]:
		case l.isLog(p):
			logs = append(logs, p)
		case l.isFragment(p):
			fragments = append(fragments, p)
		}
		seen[p] = true
	}
	for _, p := range l.f.Paths {
		add(p)
	}
	for _, c := range l.logs {
		add(c.Path)
	}
	for _, p := range l.named() {
		add(p)
	}
	for _, c := range l.fragments {
		add(c.Path)
	}
	for _, p := range l.consumed {
		add(p)
	}
	if len(l.declared) == 0 && len(logs) > 1 {
		logs = slices.DeleteFunc(logs, func(p string) bool { return p == "debian/changelog" && !l.touchesLog(p) })
	}
	slices.Sort(logs)
	return logs, fragments
}

func (l *ledger) touchesLog(p string) bool {
	return slices.ContainsFunc(l.logs, func(c *File) bool { return c.Path == p })
}

// own gives a changelog to the part it belongs to; only says that there is no other.
func (l *ledger) own(p string, declared, only bool) {
	if declared {
		if l.owners[p] != nil {
			return
		}
		for _, c := range l.parts[1:] {
			if c.paths.Match(p) && (len(c.logs) == 0 || l.p.Tagging.Components[slices.Index(l.parts, c)-1].Changelog == "") {
				c.logs, l.owners[p] = append(c.logs, p), c
				return
			}
		}
	}
	home := changelog.Home(p)
	if declared || only {
		home = "" // the only changelog there is speaks for all
	}
	owner := l.homes[home]
	if owner == nil {
		owner = &logPart{name: home, home: home}
		l.parts, l.homes[home] = append(l.parts, owner), owner
	}
	owner.logs, l.owners[p] = append(owner.logs, p), owner
}

// preferNear drops changelogs in folders for documents where there is one right at home.
func (p *logPart) preferNear() {
	near := func(log string) bool { return path.Dir(log) == p.home || p.home == "" && path.Dir(log) == "." }
	if p.paths == nil && slices.ContainsFunc(p.logs, near) {
		p.logs = slices.DeleteFunc(p.logs, func(log string) bool { return !near(log) })
	}
}

// partOf returns the part that a path belongs to: the innermost.
func (l *ledger) partOf(p string) *logPart {
	if c := l.owners[p]; c != nil {
		return c
	}
	for _, c := range l.parts[1 : 1+len(l.p.Tagging.Components)] {
		if c.paths.Match(p) {
			return c
		}
	}
	for dir := path.Dir(p); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if c := l.homes[dir]; c != nil {
			return c
		}
	}
	return l.parts[0]
}

// touch notes which part a changed file belongs to, under its old name as well. Changelogs, fragments and what lies
// beside them speak of other files.
func (l *ledger) touch(i int) {
	c := &l.f.Files[i]
	if exemptPath(l.p.Changelog.Exempt.Paths, c) && len(l.p.Changelog.Exempt.Paths) > 0 {
		return
	}
	if !l.speaks[i] {
		l.touchPath(c.Path)
	}
	if c.Old != "" && c.Status == "renamed" && !l.isLog(c.Old) && !l.isFragment(c.Old) && !changelog.IsArchive(c.Old) {
		l.touchPath(c.Old)
	}
}

func (l *ledger) touchPath(name string) {
	if p := l.speaker(l.partOf(name)); p.touched == "" {
		p.touched = name
	}
}

// speaker is the part in whose changelog a part writes: its own, or the repository's.
func (l *ledger) speaker(p *logPart) *logPart {
	if len(p.logs) == 0 && !p.fragments {
		return l.parts[0]
	}
	return p
}

// told lists the parts that a fragment speaks for: all, when it names the package of one that is touched or of none
// that is known, else those that it names, else the one it lies in.
func (l *ledger) told(p string, packages []string) []*logPart {
	var named []*logPart
	for _, c := range l.parts[1:] {
		if slices.ContainsFunc(packages, func(name string) bool { return lastName(name) == lastName(c.name) }) {
			named = append(named, c)
		}
	}
	switch {
	case slices.ContainsFunc(named, func(c *logPart) bool { return c.touched != "" }):
		return l.parts // its author went through the packages and chose; others follow by their dependencies
	case len(named) > 0:
		return append(named, l.parts[0])
	}
	home := l.speaker(l.partOf(p))
	if home == l.parts[0] && len(packages) > 0 {
		return l.parts // it names packages whose folders have other names
	}
	return []*logPart{home}
}

func lastName(s string) string { return strings.ToLower(s[strings.LastIndexByte(s, '/')+1:]) }

package checks

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/versions"
)

// statements judges the versions that the change sets on a line, and returns the one that speaks for the line: nil
// when the change sets none, or none that is valid.
//
// In a repository of several packages without declared components, a package's version is the line's own if it is the
// outermost package, or was the highest release until now. The others must be valid and are otherwise left alone.
func (j *tagJudge) statements(l *releaseLine) *statement {
	t := &packageTree{p: j.p, f: j.f, l: l}
	declared := len(j.p.Tagging.Files) > 0
	var own []*statement
	for i := range j.f.Files {
		c := &j.f.Files[i]
		if c.Status == "removed" || !l.isVersionFile(j.p, c.Path) || !j.readable(t, c, declared) {
			continue
		}
		s := t.statement(c)
		if s == nil {
			continue
		}
		mine := declared || t.leads(s.home) || s.old != "" && l.follows(c.Path, s.old)
		_, before := l.read(c.Path, s.old)
		switch {
		case s.err != nil && (mine || s.old != "" && before == nil):
			j.at(s, "tagging.scheme", s.name()+" sets a bad version: "+plain(s.err.Error(), 100), "Write a version such as "+l.examples(j)+".")
		case s.err == nil && mine:
			j.place(l, s)
			own = append(own, s)
		}
	}
	if len(own) == 0 {
		return nil
	}
	slices.SortStableFunc(own, func(a, b *statement) int {
		if d := strings.Count(a.home, "/") - strings.Count(b.home, "/"); d != 0 {
			return d
		}
		return preference(a.path) - preference(b.path)
	})
	j.agree(l, t, own, declared)
	return own[0]
}

// preference puts manifests before files that only repeat them.
func preference(file string) int {
	if versions.Manifest(file) {
		return 0
	}
	return 1
}

// readable says whether a changed version file can be judged, and finds fault where it cannot.
func (j *tagJudge) readable(t *packageTree, c *File, declared bool) bool {
	_, _, now, kind := t.stated(Head, c.Path)
	was := absent
	if c.Status != "added" {
		_, _, was, _ = t.stated(Base, before(c))
	}
	name := plain(c.Path, 60)
	switch {
	case now == unread || was == unread:
		reason := "it was not read."
		if g, ok := j.f.Gap("text:"+c.Path, "text:"+before(c)); ok {
			reason = plain(g.Reason, 80)
		}
		j.add(Unknown, "tagging.files", "Which version "+name+" states is not known: "+reason, "")
		return false
	case now == hidden:
		j.at(&statement{path: c.Path, line: 1}, "tagging.files", fmt.Sprintf("%s must state a version as text: it cannot be read (%s).", name, plain(kind, 20)), "Commit it as plain UTF-8 text.")
		return false
	case now == absent && was == stated && t.link(c.Path):
		j.at(&statement{path: c.Path, line: 1}, "tagging.files", name+" becomes a link, so the version that it states can change unseen: the author must keep it a file.", "git checkout "+j.f.Change.MergeBase+" -- "+quoteArg(c.Path))
		return false
	case now == absent && declared && was == stated:
		j.at(&statement{path: c.Path, line: 1}, "tagging.files", name+" no longer states a version: the author must give it one.", "State the version in it, or take it out of tagging.files.")
		return false
	}
	return now == stated
}

// follows says whether a version is that of the highest release, or of the prerelease above it.
func (l *releaseLine) follows(file, text string) bool {
	v, err := l.read(file, text)
	if err != nil || l.highest.Zero() && l.pre.Zero() {
		return false
	}
	return v.Compare(l.highest) == 0 || v.Compare(l.pre) == 0 || v.Development() && v.Compare(l.highest) > 0
}

// place finds fault with a valid version that is taken or too low.
func (j *tagJudge) place(l *releaseLine, s *statement) {
	v := s.version
	if v.Development() {
		v = v.Core()
	}
	verdict, why := l.Scheme.Place(v, l.there)
	how := "Set " + l.examples(j) + "."
	tag := l.Template.Tag(l.shipped(s.version))
	if t, taken := j.tagged(tag); taken || verdict == versions.Used {
		if !taken {
			t, _, _ = strings.Cut(why, " ")
		}
		j.at(s, "tagging.tag", fmt.Sprintf("%s sets %s, which is tagged already as %s: the author must set a higher one.", s.name(), plain(s.text, 30), plain(t, 40)), how)
		return
	}
	switch {
	case l.strict && !l.highest.Zero() && v.Compare(l.highest) <= 0:
		why = "the highest release is " + l.highest.Tag
	case verdict == versions.OK:
		return
	}
	j.at(s, "tagging.scheme", fmt.Sprintf("%s sets %s, which is too low: %s. The author must set a higher one.", s.name(), plain(s.text, 30), plain(why, 60)), how)
}

// tagged says whether the very tag is there, elsewhere than at the change's head.
func (j *tagJudge) tagged(tag string) (string, bool) {
	for i := range j.f.Tags {
		if t := &j.f.Tags[i]; t.Name == tag && t.Commit != j.f.Change.Head.Commit {
			return t.Name, true
		}
	}
	return "", false
}

// agree finds fault with files of one package that state another version than the one that was set.
func (j *tagJudge) agree(l *releaseLine, t *packageTree, own []*statement, declared bool) {
	judged := map[string]bool{}
	for _, s := range own {
		if judged[s.home] || declared && len(judged) > 0 {
			continue
		}
		judged[s.home] = true
		_, all := literal(j.p)
		if g, gap := j.f.Gap("paths"); !all && (gap || !j.f.Listed) {
			if g.Reason == "" {
				g.Reason = "the tree was not listed."
			}
			j.add(Unknown, "tagging.files", "Which other files state the version is not known: "+plain(g.Reason, 80), "")
			continue
		}
		others := t.others(s)
		if len(others) > maxOthers {
			j.add(Unknown, "tagging.files", fmt.Sprintf("More than %d files may state the version: name those that do under tagging.files.", maxOthers), "")
			continue
		}
		for _, other := range others {
			j.compare(t, s, other, declared)
		}
	}
}

// compare holds one file against the version that was set. A file that nobody declared counts if the change touches
// its version too and it stands beside the first or said the same before, or if it still states the old one.
func (j *tagJudge) compare(t *packageTree, s *statement, other string, declared bool) {
	text, line, how, kind := t.stated(Head, other)
	switch {
	case how == unread:
		j.add(Unknown, "tagging.files", "Which version "+plain(other, 60)+" states is not known: it was not read.", "")
		return
	case how == hidden && declared:
		j.at(&statement{path: other, line: 1}, "tagging.files", fmt.Sprintf("%s must state a version as text: it cannot be read (%s).", plain(other, 60), plain(kind, 20)), "Commit it as plain UTF-8 text.")
		return
	case how != stated || t.l.same(other, text, s.path, s.text):
		return
	}
	set := false
	if c := j.f.File(other); c != nil && c.Status != "removed" {
		old, _, was, _ := t.stated(Base, before(c))
		agreed := s.old != "" && was == stated && t.l.same(other, old, s.path, s.old)
		set = (c.Status == "added" || was == stated && old != text) && (agreed || path.Dir(other) == path.Dir(s.path))
	}
	if declared || set || s.old != "" && t.l.same(other, text, s.path, s.old) {
		j.at(&statement{path: other, line: line}, "tagging.files",
			fmt.Sprintf("%s says %s where %s says %s: the author must make them agree.", plain(other, 40), plain(text, 25), s.name(), plain(s.text, 25)),
			fmt.Sprintf("Set the version in %s to %s.", plain(other, 200), plain(s.text, 60)))
	}
}

// same says whether two files state one version, each in its own words.
func (l *releaseLine) same(file, text, other, as string) bool {
	if text == as {
		return true
	}
	v, err := l.read(file, text)
	w, bad := l.read(other, as)
	return err == nil && bad == nil && v.Compare(w) == 0
}

// shipped is the text of the version that a stated one ships as.
func (l *releaseLine) shipped(v versions.Version) string {
	if v.Development() {
		return v.Numbers()
	}
	return v.Text
}

// examples are the versions that could come next.
func (l *releaseLine) examples(j *tagJudge) string {
	var all []string
	for _, level := range []versions.Level{versions.Patch, versions.Minor, versions.Major} {
		if v := l.Scheme.Next(l.base(), level, j.f.At.UTC()); v != "" && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return "one above " + l.highest.Text
	}
	return strings.Join(all, " or ")
}

// at keeps a finding that belongs to a line of a file, once.
func (j *tagJudge) at(s *statement, key, what, how string) {
	x := Finding{Outcome: Fail, What: Clip(what, 140), How: how, Rule: j.p.Rule(key), Path: s.path, Line: s.line}
	if !slices.Contains(j.findings, x) {
		j.findings = append(j.findings, x)
	}
}

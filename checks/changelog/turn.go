package changelog

import (
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/patterns"
)

// Making is a version to be made of what is unreleased.
type Making struct {
	Version  string    // "1.3.0"
	Tag      string    // "v1.3.0"
	Previous string    // the tag before it, for the links at the end; ""
	Day      time.Time // of the release
}

// Turn makes the version of what is unreleased: its heading goes below an empty Unreleased, and the links at the end of the
// file follow, all as the file writes them. Nothing else changes. It reads what it wrote, and gives a *Refusal where that
// is not the same changelog with what was unreleased in the version.
func Turn(name, text string, m Making) (string, error) {
	before := Parse(name, text)
	s := before.Unreleased
	switch {
	case before.TooLarge:
		return "", refuse("it is too large to be edited here")
	case s == nil || s.Title == "" || !hashes.MatchString(newSheet(text).at(s.Line)):
		return "", refuse("it has no Markdown heading for what is unreleased")
	case len(before.Pending) > 1:
		return "", refuse("it has %d sections of what is unreleased", len(before.Pending))
	case before.Ascending:
		return "", refuse("its newest version stands at the end")
	case !slices.ContainsFunc(s.Entries, Entry.Real):
		return "", refuse("nothing stands under %q: there is nothing to tell of the release", clip(s.Title, 40))
	}
	t := &turner{sheet: newSheet(text), f: before, m: m}
	heading := t.heading()
	t.links(heading)
	line := t.at(s.Line)
	if w := hashes.FindStringSubmatch(line); s.Version != "" || !pendingTitleOnly(line) {
		line = w[0] + or(map[bool]string{true: "[Unreleased]"}[strings.HasPrefix(line[len(w[0]):], "[")], "Unreleased")
	}
	t.replace(s.Line, line)
	t.insert(s.Line, "", heading)
	out := t.String()
	return out, t.proven(name, out)
}

// pendingTitleOnly says whether a heading names nothing but what is unreleased, so that it may stay as it is.
func pendingTitleOnly(line string) bool {
	t := parseTitle(line)
	return t.kind == pendingTitle && t.version == ""
}

type turner struct {
	*sheet
	f *File
	m Making
}

func (t *turner) proven(name, out string) error {
	after := Parse(name, out)
	d := Diff(t.f, after)
	fine := len(d.New) == 1 && d.New[0].Version == t.m.Version && d.New[0].Date == t.m.Day.Format(time.DateOnly) && !d.New[0].Bad && d.Turned && !d.Tampers() &&
		len(d.Added)+len(d.Left)+len(d.Lost) == 0 && after.Unreleased != nil && after.Unreleased.Title != "" && len(after.waiting()) == 0
	if !fine {
		return refuse("I cannot tell how a version is written in it: make the version by hand")
	}
	return nil
}

var (
	inlineLink = patterns.New(`^\]\(([^)\s]*)\)`)
	layouts    = []string{time.DateOnly, "2006/01/02", "2006.01.02", "January 2, 2006", "Jan 2, 2006", "2 January 2006", "2 Jan 2006", "January 2 2006"}
)

// heading is that of the new version: the newest one's, with another version and day in it.
func (t *turner) heading() string {
	mark := hashes.FindString(t.at(t.f.Unreleased.Line))
	day := t.m.Day.Format(time.DateOnly)
	like := t.model()
	if like == nil {
		if strings.HasPrefix(t.at(t.f.Unreleased.Line)[len(mark):], "[") {
			return mark + "[" + t.m.Version + "] - " + day
		}
		return mark + t.m.Version + " - " + day
	}
	line := t.at(like.Line)
	mark = hashes.FindString(line)
	rest := line[len(mark):]
	i := strings.Index(rest, like.Version)
	before, after := rest[:i], rest[i+len(like.Version):]
	out := mark + before + t.m.Version
	if link := inlineLink.FindStringSubmatch(after); link != nil {
		out, after = out+"]", after[len(link[0]):]
		if url := t.follow(link[1], like.Version); url != "" {
			out += "(" + url + ")"
		}
	}
	return out + t.dated(like, after)
}

// model is the newest version whose heading says its version and its day as they are, and no other version.
func (t *turner) model() *Version {
	for _, v := range t.f.Versions[:min(len(t.f.Versions), 5)] {
		line := t.at(v.Line)
		if v.Bad || v.Written == "" || v.Written == v.Version || !hashes.MatchString(line) {
			continue
		}
		_, after, named := strings.Cut(line, v.Version)
		if link := inlineLink.FindString(after); link != "" {
			after = after[len(link):]
		}
		between, _, dated := strings.Cut(after, v.Written)
		if named && dated && !strings.ContainsAny(between, "0123456789") {
			return v
		}
	}
	return nil
}

// dated is what stands behind the version: the day, in the form that the last one has.
func (t *turner) dated(like *Version, after string) string {
	before, rest, found := strings.Cut(after, like.Written)
	day := t.m.Day.Format(time.DateOnly)
	if !found {
		return " - " + day
	}
	for _, l := range layouts {
		if at, err := time.Parse(l, like.Written); err == nil && at.Format(l) == like.Written {
			day = t.m.Day.Format(l)
			break
		}
	}
	end := 0
	for end < len(rest) && strings.IndexByte(")]*_", rest[end]) >= 0 {
		end++
	}
	return before + day + rest[:end]
}

var (
	definition = patterns.New(`^( {0,3}\[)([^\]]+)(\]:[ \t]*)(\S+)(.*)$`)
	compared   = patterns.New(`^(.*/(?:-/)?compare/)(.+?)(\.\.\.?)([^/]+?)((?:\?|#).*)?$`)
	tagged     = patterns.New(`^(.*/(?:releases/tag|-/tags|-/releases|tree|src/tag)/)([^?#]+)$`)
)

// follow is the address of the new version, made of the address of the last one.
func (t *turner) follow(url, last string) string {
	if m := compared.FindStringSubmatch(url); m != nil && strings.Contains(m[4], last) {
		return m[1] + m[4] + m[3] + t.m.Tag
	}
	if m := tagged.FindStringSubmatch(url); m != nil && strings.Contains(m[2], last) {
		return m[1] + t.m.Tag
	}
	return ""
}

// links has the definitions at the end follow: Unreleased is compared with the new version, and that has its own link.
func (t *turner) links(heading string) {
	label := t.m.Version
	if i := strings.IndexByte(heading, '['); i >= 0 {
		label, _, _ = strings.Cut(heading[i+1:], "]")
	}
	newest := ""
	if len(t.f.Versions) > 0 {
		newest = t.f.Versions[0].Version
	}
	for n := len(t.lines); n > 0; n-- {
		m := definition.FindStringSubmatch(t.at(n))
		if m == nil {
			continue
		}
		if c := compared.FindStringSubmatch(m[4]); c != nil && pendingTitleOnly("# ["+m[2]+"]") {
			own := c[1] + c[2] + c[3] + t.m.Tag
			t.replace(n, m[1]+m[2]+m[3]+c[1]+t.m.Tag+c[3]+c[4]+c[5]+m[5])
			t.insert(n, m[1]+label+m[3]+own)
			return
		}
	}
	for n := len(t.lines); n > 0 && newest != ""; n-- { // no link for what is unreleased: the newest version's is followed
		m := definition.FindStringSubmatch(t.at(n))
		if m == nil || strings.TrimPrefix(m[2], "v") != newest {
			continue
		}
		if url := t.follow(m[4], newest); url != "" {
			t.insert(n-1, m[1]+label+m[3]+url)
		}
		return
	}
}

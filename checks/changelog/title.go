package changelog

import (
	"strings"
	"unicode"

	"github.com/sluicegate/sluice/checks/patterns"
)

// titleKind says what a heading opens.
type titleKind int

const (
	otherTitle   titleKind = iota // a category, the name of the file, anything
	pendingTitle                  // what is not released yet
	versionTitle                  // a version
	nearTitle                     // reads like a version's heading and names none: "[banana] - 2024-01-01"
)

// title is what a heading says.
type title struct {
	kind    titleKind
	weak    bool   // other words stand around the version: taken only where other versions stand at the same level
	pkg     string // the package named before the version
	version string // without a leading v; empty for a pendingTitle that names none
	date    date
	yanked  bool
}

var (
	yankedMark  = patterns.New(`(?i)[\[(]?\b(?:yanked|withdrawn|retracted|recalled)\b[\])]?!?`)
	pendingMark = patterns.New(`(?i)\b(?:un-?released|not(?: yet)? released(?: yet)?|to be (?:released|announced|determined|decided)|release ?date|date ?of ?release|yyyy[-/.]mm[-/.]dd|yyyy-mm|(?:20|y)[xy?]{2}[-/.][xym?]{2}[-/.][xyd?]{2}|x{4}[-/.]x{2}[-/.]x{2}|\d{4}-\d{2}-(?:xx|\?\?|dd)|\d{4}-(?:xx|mm)-(?:xx|dd)|tbd|tba|t\.b\.d|in (?:active )?development|under development|unknown date|no date)\b|\?{2,}(?:[-/.]\?+)*|[-–—(\[:/]\s*(?:pending|soon|coming soon|upcoming|wip|work in progress|in progress|forthcoming|unpublished)\s*[)\]]?\s*$`)
	unreleased  = patterns.New(`(?i)\bun-?released\b|\bnot (?:yet )?released\b`)
	pendingName = patterns.New(`^(?:(?:the |our )?(?:next|upcoming|unreleased|future|pending|forthcoming|current|latest|development|dev|in progress|un-released|not released|not yet released)(?: (?:the )?(?:next|release|releases|version|versions|changes|features|major|minor|patch|master|main|development|dev|branch|code|work|unreleased|stuff|improvements|release notes))*|master|main|trunk|head|tip|develop|development|dev|devel|git|svn|bleeding edge|edge|wip|work in progress|tbd|tba|snapshot|nightly|vnext|v\.?next|in (?:development|progress|git|master|main)|to be released|x\.y\.z|vx\.y\.z|\d*\.?x\.x|changes (?:since|on|in|for) (?:the )?(?:last|latest|previous|next|master|main|head|upcoming|current)(?: (?:release|version|branch))?|since (?:the )?last (?:release|version)|unreleased changes|what is next|what's next)(?: (?:unreleased|branch|changes|version|release|or|and|main|master|head|next|dev))*$`)
	sinceMark   = patterns.New(`(?i)^(?:changes|new|news)? ?since\b`)
	fromTo      = patterns.New(`(?i)\b(?:from|between)\b.*\b(?:to|and)\b`)
	quoted      = patterns.New(`"[^"]*"|“[^”]*”`)
)

// maxTitle is how long a heading may be in bytes to name a version.
const maxTitle = 240

// parseTitle reads a heading's text.
func parseTitle(raw string) title {
	if len(raw) > 4096 {
		return title{}
	}
	s := strings.Trim(plain(raw, true), "=#* \t")
	if s == "" || len(s) > maxTitle {
		return title{}
	}
	t := title{}
	if loc := yankedMark.FindStringIndex(s); loc != nil {
		t.yanked, s = true, s[:loc[0]]+" "+s[loc[1]:]
	}
	pending, marked := false, unreleased.MatchString(s)
	if loc := pendingMark.FindStringIndex(s); loc != nil {
		if name := nameOf(s); pendingName.MatchString(name) {
			t.kind = pendingTitle
			return t
		}
		pending, s = true, s[:loc[0]]+" "+pendingMark.ReplaceAllString(s[loc[0]:], " ")
	}
	whole := s
	d, start, end := findDate(s)
	if d.text != "" {
		t.date, s = d, s[:start]+" , "+s[end:]
	}
	v, ok := findVersion(s)
	switch {
	case ok:
		t.place(v, s)
	case sinceMark.MatchString(s):
	case pending && strings.Trim(nameOf(s), " ") == "":
		t.kind = pendingTitle
		return t
	case d.text != "" && !d.bad && onlyKeywords(s):
		t.kind, t.version = versionTitle, d.text // a release named by its day
		if !d.day.IsZero() {
			t.version = d.String()
		}
	case pendingName.MatchString(nameOf(s)):
		t.kind = pendingTitle
		if !d.day.IsZero() {
			t.kind, t.version = versionTitle, d.String() // "dev / 2014-07-09": a snapshot of that day
		}
		return t
	case d.text != "" && near(whole):
		t.kind, t.version = nearTitle, strings.Trim(squeeze(strings.ReplaceAll(s, " , ", " ")), " -–—:[](),/")
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") && strings.ContainsAny(s, "0123456789") && !strings.Contains(s, " "):
		t.kind, t.version = nearTitle, strings.Trim(s, "[]")
	}
	t.settle(pending, marked, s)
	return t
}

// settle turns a version that is marked as not released yet, or bears a development suffix, into what is pending.
func (t *title) settle(pending, marked bool, s string) {
	if t.kind != versionTitle {
		if pending && t.kind == otherTitle && marked && len(strings.Fields(s)) <= 3 {
			t.kind = pendingTitle
		}
		return
	}
	if pending || t.date.text == "" && development(t.version) {
		t.kind = pendingTitle
	}
}

// development says whether a version's suffix stands for work under way.
func development(version string) bool {
	v := strings.ToLower(version)
	for _, end := range []string{"-dev", ".dev", ".dev0", "-snapshot", ".snapshot", "-unreleased", "-develop", "-wip", "-next", "+dev"} {
		if strings.HasSuffix(v, end) {
			return true
		}
	}
	return false
}

// near says whether a dated heading has the form of a version's: a word or two, then the date.
func near(s string) bool {
	d, start, _ := findDate(s)
	if d.text == "" {
		return false
	}
	words := strings.Fields(strings.Trim(s[:start], " -–—:(/,"))
	return len(words) == 1 && !strings.HasSuffix(words[0], ".") || len(words) == 2 && keyword(words[0])
}

// nameOf is a heading in lower case without punctuation, marks and pictures: "main / (unreleased)" is "main unreleased".
func nameOf(s string) string {
	s = strings.ToLower(s)
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || r == '\t' || strings.ContainsRune("()[]{}/\\:;,-–—_|*#!=<>~\"`", r) || r > 0x2000
	}), " ")
}

// place fills in what findVersion found, and weighs the words around it.
func (t *title) place(v found, s string) {
	t.kind, t.version, t.pkg = versionTitle, v.version, v.pkg
	if t.date.text == "" && v.date.text != "" {
		t.date = v.date
	}
	var names []string
	stop, told := false, false
	for _, w := range strings.Fields(quoted.ReplaceAllString(s[:v.start], " ")) {
		w = strings.Trim(w, "()[]{}:,\"'/-–—|#")
		switch lw := strings.ToLower(w); {
		case lw == "next" || lw == "upcoming" || lw == "unreleased" || lw == "future":
			t.kind = pendingTitle
		case !strings.ContainsFunc(w, unicode.IsLetter) || keyword(lw):
			told = told || strings.Contains(" changes release version news ", " "+lw+" ")
		case strings.Contains(stopWords, " "+lw+" "):
			stop = true
		default:
			names = append(names, w)
		}
	}
	if sinceMark.MatchString(s) {
		t.kind = pendingTitle // "changes since 1.2": what came after it
		t.version = ""
		return
	}
	if t.kind == pendingTitle {
		return
	}
	if t.pkg == "" && len(names) > 0 && len(names) <= 3 {
		t.pkg = strings.Join(names, " ")
	}
	switch {
	case stop || len(names) > 3:
		t.kind = otherTitle
		t.version, t.pkg = "", ""
	case len(names) > 0 && !(told && len(names) == 1) && t.date.text == "" && !v.bracketed && !strings.HasPrefix(names[0], "@") && v.pkg == "":
		t.weak = true
	case !closed(s[v.end:]):
		t.weak = true
	}
}

const stopWords = " upgrade upgrading upgraded upgrades migrate migrating migration migrations bump bumped bumps update updated updates " +
	"updating support supports supported supporting drop dropped drops require requires required requirement requirements minimum breaking fix " +
	"fixed fixes add added adds remove removed removes use uses using compatible compatibility compat deprecated deprecate deprecations " +
	"security known issues before until python node go rust java ruby php >= <= > < step to-do see cve how why when if with without by this that is are was "

const keywords = " version versions vers ver ver. release releases released rel rel. revision rev rev. v r changes change changed changelog " +
	"in for of from between to and the new what's whats what news noteworthy major minor patch bugfix bug-fix hotfix overview on no no. " +
	"stable series user-visible user visible tag tagged milestone history notes since date differences incompatible important list summary a "

func keyword(w string) bool { return strings.Contains(keywords, " "+strings.ToLower(w)+" ") }

// onlyKeywords says whether nothing but keywords and punctuation is in s.
func onlyKeywords(s string) bool {
	for _, w := range strings.Fields(s) {
		if w = strings.Trim(w, "()[]{}:,\"'/-–—|#."); w != "" && !keyword(w) {
			return false
		}
	}
	return true
}

// closed says whether what follows a version may follow it in a heading: nothing, a date, a code name behind a mark.
func closed(rest string) bool {
	rest = strings.TrimLeft(rest, ")]}`. ")
	if rest == "" || rest[0] == '"' || rest[0] == '\'' {
		return true
	}
	if strings.ContainsRune(",-–—:;([{/|\"'&+“~=!*", []rune(rest)[0]) {
		return true
	}
	word, _, _ := strings.Cut(rest, " ")
	switch strings.ToLower(strings.Trim(word, ".,:;!?()")) {
	case "released", "release", "releases", "on", "from", "stable", "codename", "enhancement", "maintenance", "bugfix", "hotfix",
		"aka", "final", "beta", "alpha", "rc", "and", "to", "series", "version", "changes", "changelog", "major", "minor", "patch",
		"lts", "prerelease", "pre-release", "feature", "security", "relase", "as", "is":
		return true
	}
	return word[0] >= 0x80 || word[0] >= '0' && word[0] <= '9'
}

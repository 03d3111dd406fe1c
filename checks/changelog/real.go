package changelog

import (
	"strings"
	"unicode"

	"github.com/sluicegate/sluice/checks/patterns"
)

var (
	address     = patterns.New(`(?i)\b(?:https?://|www\.)\S+`)
	placeholder = patterns.New(`^(?:` + strings.Join([]string{
		`(?:to ?do|tbd|tba|wip|n/?a|none|nothing|nil|null|placeholder|x{2,}|fix ?me|change ?me|entry|entries|text|description|dummy|lorem ipsum.*|foo|foo ?bar|bar|asdf|blah|test|\.+)(?: (?:yet|here|so far|to see here))*`,
		`(?:there are )?no (?:significant |notable |user[- ](?:facing|visible) |unreleased |new |other )*(?:changes?|entries|entry)(?: (?:yet|so far|have been made|made|since .*))*`,
		`nothing (?:here|new|has changed|changed|unreleased)(?: (?:yet|so far))?`,
		`(?:please )?(?:add|put|insert|write|describe|enter|place|document) (?:your|you|the|a|an|new)\b(?: own)? ?.*\b(?:here|below|above|line|this)\b.*`,
		`(?:your|my|the|a)(?: own)? (?:changes?|entry|entries|comments?|contributions?|notes?|descriptions?|text|message|summary)(?: (?:goes|go|here|below|above|comes|come))*`,
		`(?:short |brief )?(?:description|summary) of (?:the |a |your |this )?(?:non-trivial |trivial )?(?:change|changes|entry|feature|fix)`,
		`a bullet item for the .* category`,
		`(?:added|changed|deprecated|removed|fixed|security|unreleased|changelog)`,
	}, "|") + `)$`)
)

// Real says whether words tell a reader anything: no placeholder, no bare link or number, nothing invisible.
func Real(words string) bool {
	if strings.Contains(words, "://") || strings.Contains(words, "www.") {
		words = address.ReplaceAllString(words, " ")
	}
	letters := 0
	for _, r := range words {
		if visible(r) {
			letters++
		}
	}
	if letters < 2 {
		return false
	}
	if len(words) > 200 {
		return true
	}
	bare := strings.ToLower(strings.Trim(squeeze(words), " .,:;!?…-–—()[]{}\"'#*_<>"))
	return !placeholder.MatchString(bare)
}

// visible says whether r is a letter that is seen: the fillers of Hangul and Braille's blank count as letters or
// symbols for Unicode, and show nothing.
func visible(r rune) bool {
	switch r {
	case 0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800, 0x17B4, 0x17B5:
		return false
	}
	return unicode.IsLetter(r)
}

// Alike says whether b is a with other words here and there: at least three in five are shared.
func Alike(a, b string) bool {
	as, bs := strings.Fields(strings.ToLower(a)), strings.Fields(strings.ToLower(b))
	if len(as) == 0 || len(bs) == 0 || len(as) > 4*len(bs) || len(bs) > 4*len(as) {
		return false
	}
	count := make(map[string]int, len(as))
	for _, w := range as {
		count[strings.Trim(w, ".,:;!?()")]++
	}
	shared := 0
	for _, w := range bs {
		if w = strings.Trim(w, ".,:;!?()"); count[w] > 0 {
			count[w]--
			shared++
		}
	}
	return 10*shared >= 3*(len(as)+len(bs)) || oneTypo(as, bs)
}

// oneTypo says whether two short texts of equally many words differ in one word, and that word in little.
func oneTypo(as, bs []string) bool {
	if len(as) != len(bs) {
		return false
	}
	other := -1
	for i := range as {
		if as[i] != bs[i] {
			if other >= 0 {
				return false
			}
			other = i
		}
	}
	if other < 0 {
		return true
	}
	a, b := as[other], bs[other]
	p := 0
	for p < len(a) && p < len(b) && a[p] == b[p] {
		p++
	}
	q := 0
	for q < len(a)-p && q < len(b)-p && a[len(a)-1-q] == b[len(b)-1-q] {
		q++
	}
	return 2*(p+q) >= max(len(a), len(b)) && max(len(a), len(b))-p-q <= 3
}

// Tells says whether words tell a reader anything of a release; there, "no changes" is news.
func Tells(words string) bool {
	return Real(words) || nochange.MatchString(words)
}

var nochange = patterns.New(`(?i)^no (?:significant |notable |user[- ](?:facing|visible) |new |other |functional |code )*changes\b`)

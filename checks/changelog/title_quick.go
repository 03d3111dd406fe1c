package changelog

import "strings"

// maxTitles is how many headings of a file are read with care; each costs ten microseconds or so, and a text with
// more is none that people wrote.
const maxTitles = 20_000

// budget counts them down.
type budget struct{ left int }

// title reads a heading while there is any left.
func (b *budget) title(raw string) title {
	if t, ok := quickTitle(raw); ok {
		return t
	}
	if b.left--; b.left < 0 {
		return title{}
	}
	return parseTitle(raw)
}

// hints are parts of the words that make a heading without a digit matter.
var hints = [...]string{"releas", "next", "master", "main", "trunk", "head", "tip", "dev", "git", "svn", "edge", "wip", "progress", "tbd", "tba",
	"t.b.d", "snap", "night", "x.", "since", "current", "latest", "upcoming", "future", "pending", "forthcoming", "what", "to be", "yank", "yyyy",
	"unpublished", "soon", "dd"}

// quickTitle reads the headings that nearly all files consist of: words without a digit that say nothing of
// releases, or "[1.2.3] - 2024-01-02", and the usual one of what is pending.
func quickTitle(raw string) (title, bool) {
	if len(raw) > maxTitle {
		return title{}, len(raw) > 4096
	}
	switch raw { // what nearly every file has, and none is slower to read with care
	case "[Unreleased]", "Unreleased":
		return title{kind: pendingTitle}, true
	case "Added": // it only looks like the day in "yyyy-mm-dd"
		return title{}, true
	}
	if !strings.ContainsAny(raw, "0123456789?") {
		low := strings.ToLower(raw)
		for _, h := range hints {
			if strings.Contains(low, h) {
				return title{}, false
			}
		}
		return title{}, true
	}
	t, at := title{kind: versionTitle}, 0
	for rest := strings.Trim(raw, "#= \t"); rest != ""; at++ {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		switch {
		case strings.Trim(word, "-/–—,:") == "":
		case t.version == "":
			if t.version = simpleVersion(word); t.version == "" {
				return t, false
			}
		case t.date.text == "":
			d := strings.Trim(word, "()[]")
			if len(d) != 10 || d[4] != '-' || d[7] != '-' || strings.Trim(d, "0123456789-") != "" || strings.Count(d, "-") != 2 {
				return t, false
			}
			parts := [3]string{d[:4], d[5:7], d[8:]}
			t.date = makeDate(d, parts[:], "ymd")
		default:
			return t, false
		}
	}
	return t, t.version != "" && at < 6
}

// simpleVersion is the version in v1.2.3 or [1.2.3], or "".
func simpleVersion(word string) string {
	if strings.HasPrefix(word, "[") && strings.HasSuffix(word, "]") {
		word = word[1 : len(word)-1]
	}
	word = strings.TrimPrefix(word, "v")
	dots := 0
	for i := 0; i < len(word); i++ {
		switch {
		case word[i] == '.':
			if i == 0 || i+1 == len(word) || word[i-1] == '.' {
				return ""
			}
			dots++
		case word[i] < '0' || word[i] > '9':
			return ""
		}
	}
	if dots == 0 {
		return ""
	}
	return word
}

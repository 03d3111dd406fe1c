package changelog

import (
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

var (
	// opens is a beginning that would make something else of an item than a sentence: a heading, a list within the list, a
	// quote, a rule, a fence, a table's row, the definition of a link.
	opens    = patterns.New("^(?:[-+*](?:\\s|$)|#{1,6}(?:\\s|$)|>|(?:[-*_]\\s*){3,}$|={2,}\\s*$|~{3}|`{3}|\\||\\[[^\\]]*\\]:)")
	counts   = patterns.New(`^(\d{1,9})([.)])(\s|$)`)
	autolink = patterns.New("^<https?://[^\\s<>`\\\\]+>")
	opensRST = patterns.New("^(?:[-+*•‣⁃](?:\\s|$)|\\.\\.(?:\\s|$)|#\\.\\s|\\|\\s|>>>|__\\s|:[^:\\s][^:]*:(?:\\s|$)|(?:=|-|~|\\^|\"|'|`|#|\\*|\\+|\\.|:|_){4,}$)")
	target   = patterns.New(`([A-Za-z0-9])_(\W|$)`)
	// explicit is a directive or its like, which may stand in a list within the item: "a. .. include:: x".
	explicit = patterns.New(`(^|\s)\.\.(\s|$)`)
)

// Sentence makes one item's text of words that anybody may have written: code, emphasis and links stay what they are, but
// no heading, no second item and no HTML comes of it. The words have no line break.
func Sentence(style Style, words string) string {
	words = squeeze(words)
	switch style {
	case RST, Plain, GNU, Debian:
		if opensRST.MatchString(words) {
			words = `\` + words
		}
		words = counts.ReplaceAllString(words, `$1\$2$3`)
		if style == RST {
			words = explicit.ReplaceAllString(words, `$1\..$2`)
			return outsideCode(words, func(s string) string { return target.ReplaceAllString(s, `${1}\_$2`) })
		}
		return words
	}
	if opens.MatchString(words) && !inlineCode(words) {
		words = `\` + words
	}
	words = counts.ReplaceAllString(words, `$1\$2$3`)
	return outsideCode(words, noElements)
}

// inlineCode says whether words begin with a code span that ends in the same line; then they open no fence.
func inlineCode(words string) bool {
	rest := strings.TrimLeft(words, "`")
	ticks := words[:len(words)-len(rest)]
	return ticks != "" && strings.Contains(rest, ticks)
}

// outsideCode calls do for what stands outside of code spans.
func outsideCode(s string, do func(string) string) string {
	var b strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '`')
		if i < 0 {
			break
		}
		n := i
		for n < len(s) && s[n] == '`' {
			n++
		}
		end := closing(s[n:], n-i)
		if escaped(s, i) {
			n, end = i+1, -1 // the others of the run may begin code
		}
		if end < 0 {
			b.WriteString(do(s[:n]))
			s = s[n:]
			continue
		}
		b.WriteString(do(s[:i]))
		b.WriteString(s[i : n+end])
		s = s[n+end:]
	}
	b.WriteString(do(s))
	return b.String()
}

// closing is where a run of exactly so many backticks ends in s, or -1.
func closing(s string, ticks int) int {
	for i := 0; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		from := i
		for i < len(s) && s[i] == '`' {
			i++
		}
		if i-from == ticks {
			return i
		}
	}
	return -1
}

// escaped says whether the character at i has its meaning taken away by a backslash, which has not lost its own.
func escaped(s string, i int) bool {
	n := i
	for n > 0 && s[n-1] == '\\' {
		n--
	}
	return (i-n)%2 == 1
}

// noElements escapes what would be read as HTML. Addresses in angle brackets are links.
func noElements(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '<' && !escaped(s, i) {
			if link := autolink.FindString(s[i:]); link != "" {
				b.WriteString(link)
				i += len(link) - 1
				continue
			}
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

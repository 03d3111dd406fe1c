package gate

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/sluicegate/sluice/checks/patterns"
)

// Plain makes one line of a hostile string: no control and no direction characters, so that what is read is what
// is there.
func Plain(s string) string {
	if plain(s) {
		return s
	}
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))), " ")
}

// plain says that s is one line of printable ASCII in which no space is too many, as nearly all is that a check says.
func plain(s string) bool {
	space := true // before the first and after the last character there is none
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == ' ' && space {
			return false
		}
		space = s[i] == ' '
	}
	return !space || s == ""
}

// escape makes a hostile string into Markdown text: no link, no image, no mention, no HTML comes out of it. What
// stands between backticks stays code, since commands and edits are shown that way.
func escape(s string) string {
	s = Plain(s)
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "`")
		code, after, closed := strings.Cut(rest, "`")
		b.WriteString(uncalled(escapeText(before)))
		if !found {
			return b.String()
		}
		if !closed {
			b.WriteString("&#96;" + uncalled(escapeText(rest)))
			return b.String()
		}
		b.WriteString(codeSpan(code))
		s = after
	}
}

var calls = patterns.New(`(^|[^A-Za-z0-9])&#64;`)

// uncalled keeps escaped text from calling anybody: both forges look for mentions in what the Markdown came to, where an entity
// is the character again. What cannot be seen, and is no part of a name, parts the sign from it; an address stays as it is.
func uncalled(s string) string {
	if !strings.Contains(s, "&#64;") {
		return s
	}
	return calls.ReplaceAllString(s, "${1}&#64;&#8203;")
}

// special are the characters that Markdown, HTML or GitHub reads as more than themselves.
const special = "\\`*_{}[]<>()#+!|&@~:\"'$"

// escapeText writes every special character as an entity.
func escapeText(s string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(s, special)
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		b.WriteString("&#" + strconv.Itoa(int(s[i])) + ";")
		s = s[i+1:]
	}
	b.WriteString(s)
	return b.String()
}

// codeSpan shows s as code; a pipe would end a table's cell and a backtick the code, so with them it is written in HTML.
func codeSpan(s string) string {
	s = strings.TrimSpace(Plain(s))
	if s == "" {
		return ""
	}
	if strings.ContainsAny(s, "|`") {
		return "<code>" + escapeText(s) + "</code>"
	}
	return "`" + s + "`"
}

// link shows an address that can be followed, or nothing where it is none of the web's.
func link(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>\"`|\\", r) }) {
		return ""
	}
	return "<" + s + ">"
}

// fence shows a command or edit as a block that nothing in it can end.
func fence(s string) string {
	s = visible(s)
	mark := "```"
	for strings.Contains(s, mark) {
		mark += "`"
	}
	return mark + "\n" + strings.TrimRight(s, "\n") + "\n" + mark
}

// visible leaves out control and direction characters, line ends apart.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

package baked

import (
	"path"
	"strings"
)

// syntax is how a language writes comments, as far as telling them from code needs it.
type syntax struct {
	line   []string // from here to the end of the line
	blocks [][2]string
	bare   bool // words stand without quotes: shell, markup
	plain  bool // no branches on anything: styles, markup, schemas
}

// syntaxOf tells the language from the path. An unknown one has `#` and `//`.
func syntaxOf(p string) syntax {
	c := [][2]string{{"/*", "*/"}}
	switch ext := strings.TrimPrefix(strings.ToLower(path.Ext(p)), "."); ext {
	case "go", "js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "java", "kt", "kts", "groovy", "scala", "c", "h", "cc", "cpp", "cxx", "hpp",
		"cs", "rs", "swift", "dart", "m", "mm", "fs", "zig", "bicep", "gradle":
		return syntax{line: []string{"//"}, blocks: c}
	case "css", "scss", "less", "proto":
		return syntax{line: []string{"//"}, blocks: c, plain: true}
	case "php", "phtml", "tf", "hcl":
		return syntax{line: []string{"//", "#"}, blocks: c}
	case "py", "pyx":
		return syntax{line: []string{"#"}, blocks: [][2]string{{`"""`, `"""`}, {"'''", "'''"}}}
	case "rb", "rake", "pl", "pm", "r", "ex", "exs", "jl", "nix", "nim":
		return syntax{line: []string{"#"}}
	case "sh", "bash", "zsh", "fish", "ps1", "psm1":
		return syntax{line: []string{"#"}, bare: true}
	case "bat", "cmd":
		return syntax{line: []string{"REM ", "rem ", "::"}, bare: true}
	case "sql":
		return syntax{line: []string{"--"}, blocks: c, bare: true, plain: true}
	case "lua", "hs":
		return syntax{line: []string{"--"}}
	case "vb":
		return syntax{line: []string{"'"}}
	case "erl":
		return syntax{line: []string{"%"}}
	case "clj", "cljs":
		return syntax{line: []string{";"}}
	case "html", "htm", "hbs", "ejs", "jsp", "ftl", "erb", "eex", "heex", "cshtml", "razor", "pug", "haml", "slim", "xml":
		return syntax{blocks: [][2]string{{"<!--", "-->"}, {"{{!--", "--}}"}, {"<%--", "--%>"}}, bare: true}
	case "vue", "svelte", "astro":
		return syntax{line: []string{"//"}, blocks: append(c, [2]string{"<!--", "-->"}), bare: true}
	case "tpl", "gotmpl":
		return syntax{line: []string{"#"}, blocks: [][2]string{{"{{/*", "*/}}"}, {"{{- /*", "*/ -}}"}}, bare: true}
	case "graphql":
		return syntax{line: []string{"#"}, plain: true}
	case "json":
		return syntax{plain: true}
	case "yml", "yaml", "toml", "properties", "ini", "cfg", "conf", "env":
		return syntax{line: []string{"#", ";"}, bare: true, plain: true}
	}
	return syntax{line: []string{"#"}, bare: true} // Dockerfile, Makefile
}

// stripper blanks comments out of lines given one after another.
type stripper struct {
	syntax
	last  int     // number of the last line
	until string  // what ends the block comment that is open
	start int     // where the line's text starts
	open  [3]bool // kinds of quote that do not close on the line
}

// strip returns the line without its comments: their characters are blanks, so that places stay.
func (s *stripper) strip(l Line) string {
	if l.N != s.last+1 {
		s.until = ""
	}
	s.last = l.N
	if s.until == "" && !s.mayComment(l.Text) {
		return l.Text
	}
	text := []byte(l.Text)
	s.start, s.open = len(l.Text)-len(strings.TrimLeft(l.Text, " \t")), [3]bool{}
	for i := 0; i < len(text); {
		rest := l.Text[i:]
		if s.until != "" {
			i = s.leave(text, i, rest)
			continue
		}
		if n := s.quoted(rest); n > 0 {
			i += n
			continue
		}
		if s.lineComment(l.Text, i) {
			blank(text[i:])
			break
		}
		i += s.enter(text, i, rest)
	}
	return string(text)
}

// mayComment is a quick test.
func (s *stripper) mayComment(text string) bool {
	for _, c := range s.line {
		if strings.Contains(text, c) {
			return true
		}
	}
	for _, b := range s.blocks {
		if strings.Contains(text, b[0]) || b[0] == "/*" && strings.HasPrefix(strings.TrimLeft(text, " \t"), "*") {
			return true
		}
	}
	return false
}

// leave blanks up to the end of the open block.
func (s *stripper) leave(text []byte, i int, rest string) int {
	n := strings.Index(rest, s.until)
	if n < 0 {
		blank(text[i:])
		return len(text)
	}
	n += len(s.until)
	blank(text[i : i+n])
	s.until = ""
	return i + n
}

// enter opens a block comment if one starts at i, and returns how far to go on. Python's strings in three quotes are
// comments where they start a line.
func (s *stripper) enter(text []byte, i int, rest string) int {
	for _, b := range s.blocks {
		if !strings.HasPrefix(rest, b[0]) {
			continue
		}
		if b[0] != b[1] || i <= s.start {
			s.until = b[1]
			blank(text[i : i+len(b[0])])
		}
		return len(b[0])
	}
	return 1
}

// lineComment says that a comment to the end of the line starts at i.
func (s *stripper) lineComment(line string, i int) bool {
	rest := line[i:]
	for _, c := range s.line {
		if !strings.HasPrefix(rest, c) {
			continue
		}
		before := byte(' ')
		if i > 0 {
			before = line[i-1]
		}
		switch c {
		case "//": // not in https://, nor in a regular expression
			return before != ':' && before != '\\'
		case "#", ";", "%", "--":
			return before == ' ' || before == '\t' || before == ';' || before == ')' || before == '}'
		}
		return i <= s.start
	}
	// The middle of a block comment whose start was not among the lines.
	return len(s.blocks) > 0 && s.blocks[0][0] == "/*" && rest[0] == '*' && i <= s.start && (len(rest) == 1 || rest[1] == ' ' || rest[1] == '/')
}

// quoted is the length of the string that starts here and ends on this line, or 0. A quote that does not close is no
// string: an apostrophe in a text, a lifetime in Rust.
func (s *stripper) quoted(rest string) int {
	q := rest[0]
	kind := strings.IndexByte("\"'`", q)
	if kind < 0 || s.open[kind] {
		return 0
	}
	for _, b := range s.blocks {
		if strings.HasPrefix(rest, b[0]) {
			return 0
		}
	}
	for i := 1; i < len(rest); i++ {
		if rest[i] == '\\' {
			i++
		} else if rest[i] == q {
			return i + 1
		}
	}
	s.open[kind] = true // it is not looked for again on this line
	return 0
}

func blank(b []byte) {
	for i := range b {
		b[i] = ' '
	}
}

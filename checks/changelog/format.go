package changelog

import (
	"path"
	"strings"
)

// format says how a text is to be read: by its name, and where that says nothing by its first lines.
func format(name, text string) Style {
	head := text[:min(len(text), 64<<10)]
	switch strings.ToLower(path.Ext(name)) {
	case ".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mdx", ".mdwn":
		return Markdown
	case ".rst", ".rest":
		return RST
	case ".debian", ".dch":
		return Debian
	}
	first := strings.TrimLeft(head, "\n\t ")
	if i := strings.IndexByte(first, '\n'); i >= 0 {
		first = first[:i]
	}
	switch {
	case debianHead.MatchString(first):
		return Debian
	case gnuHead.MatchString(first):
		return GNU
	case strings.Contains(head, "\n.. ") && underlined(head):
		return RST
	case atx(head):
		return Markdown
	case underlined(head):
		return RST
	}
	return Plain
}

// atx says whether a text has Markdown's headings, and a version or Unreleased in one of them.
func atx(head string) bool {
	for _, line := range strings.SplitN(head, "\n", 400) {
		if strings.HasPrefix(line, "#") {
			if t := parseTitle(line); t.kind == versionTitle && !t.weak || t.kind == pendingTitle {
				return true
			}
		}
	}
	return false
}

// underlined says whether a version, or what is to come, stands in an underlined title.
func underlined(head string) bool {
	lines := strings.SplitN(head, "\n", 2000)
	for i := 1; i < len(lines); i++ {
		if adornment(lines[i]) != 0 && !blank(lines[i-1]) && adornment(lines[i-1]) == 0 {
			if t := parseTitle(lines[i-1]); t.kind == versionTitle || t.kind == pendingTitle {
				return true
			}
		}
	}
	return false
}

package checks

import (
	"fmt"
	"strings"
)

// text finds a text that was read; many are asked for in a large monorepo, so they are kept by path.
func (l *ledger) text(side Side, path string) (*Text, bool) {
	if l.texts == nil {
		l.texts = make(map[Text]*Text, len(l.f.Texts))
		for i := range l.f.Texts {
			t := &l.f.Texts[i]
			l.texts[Text{Side: t.Side, Path: t.Path}] = t
		}
	}
	t, ok := l.texts[Text{Side: side, Path: path}]
	return t, ok
}

// readable returns the text at one side, or says why there is none to read.
func (l *ledger) readable(c *File, side Side, path string) (*Text, bool) {
	t, ok := l.text(side, path)
	kind := ""
	switch {
	case !ok && c.Kind == "":
		why := "it asks again."
		if g, ok := l.f.Gap("text:"+path, "texts"); ok {
			why = g.Reason
		}
		l.findings = append(l.findings, notRead(l.rule, path, fmt.Sprintf("Sluice could not read %s: %s", path, why)).Findings...)
		return nil, false
	case ok && t.Kind != "":
		kind = t.Kind
	case c.Kind != "" && (side == Head || !ok): // of what is no text, no text is asked for
		kind = c.Kind
	}
	if kind == "" {
		return t, true
	}
	if side == Base && kind != "large" {
		return &Text{Side: side, Path: path, Absent: true}, true // no changelog before, one now
	}
	if kind == "large" {
		l.tooLarge(path)
		return nil, false
	}
	l.fail(path, 1, 1, fmt.Sprintf("%s %s; its author has to make it an ordinary text file.", plain(path, 60), kindOfText(kind)), mendText(kind, path))
	return nil, false
}

func (l *ledger) tooLarge(path string) {
	l.fail(path, 1, 1, fmt.Sprintf("%s is too large to be read; its author has to split it.", plain(path, 80)),
		"Move old versions to a file beside it, such as CHANGELOG-1.x.md, and ask for an override of this check.")
}

func kindOfText(kind string) string {
	switch kind {
	case "symlink":
		return "is a symbolic link, so what it says can change unseen"
	case "submodule":
		return "is a submodule"
	case "lfs":
		return "is kept in Git LFS, where Sluice does not read"
	case "encoding":
		return "is not UTF-8"
	}
	return "is binary"
}

func mendText(kind, path string) string {
	switch kind {
	case "lfs":
		return "git lfs untrack " + quoteArg(path) + " && git add --renormalize " + quoteArg(path)
	case "encoding":
		return "Save it as UTF-8: iconv -t UTF-8 " + quoteArg(path)
	}
	return "Replace it by a text file with the entries in it."
}

// quoteArg quotes a path for a shell.
func quoteArg(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+@%", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

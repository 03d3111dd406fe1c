// Package compare finds what lies between two commits from whatever a forge shows of them: the lines of a patch or of two
// texts, the files of two trees, the kind of a file, and a patch's id.
//
// It refuses to ask a forge, and to make up what was not shown: a patch that is cut short is none, and a text whose bytes
// are not there is no text.
package compare

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks"
)

// Modes of git's entries that are no ordinary files.
const (
	Link      = 0o120000
	Submodule = 0o160000
	Folder    = 0o040000
)

// Largest is how many bytes of a text are read at all.
const Largest = 8 << 20

// Sort puts files into the order that facts have them in.
func Sort(files []checks.File) {
	sort.SliceStable(files, func(i, j int) bool { return files[i].Path < files[j].Path })
}

// Weight is about how many bytes files take in memory.
func Weight(files []checks.File) int {
	bytes := 0
	for _, f := range files {
		bytes += 250 + len(f.Path) + len(f.Old)
		for _, l := range f.Added {
			bytes += 32 + len(l.Text)
		}
		for _, l := range f.Removed {
			bytes += 32 + len(l.Text)
		}
	}
	return bytes
}

// WithLines fills in the changed lines between two texts, or the kind that says why there are none.
func WithLines(f checks.File, before, after checks.Text) checks.File {
	for _, t := range []checks.Text{before, after} {
		switch t.Kind {
		case "":
		case "binary", "symlink", "submodule", "lfs":
			f.Kind = t.Kind
		default:
			f.Cut = true // large, or in an encoding that is not UTF-8
		}
	}
	if f.Cut {
		f.Kind = ""
		return f
	}
	f.Read = true
	if f.Kind == "" {
		f.Added, f.Removed = Between(before.Text, after.Text)
	}
	return f
}

// BothSides are the texts that a file's difference lies between.
func BothSides(f checks.File) []checks.Text {
	old := f.Path
	if f.Old != "" {
		old = f.Old
	}
	var ts []checks.Text
	if f.Status != "added" {
		ts = append(ts, checks.Text{Side: checks.Base, Path: old})
	}
	if f.Status != "removed" {
		ts = append(ts, checks.Text{Side: checks.Head, Path: f.Path})
	}
	return ts
}

// Raw gives the text of a blob's bytes, or the kind that says why there is none.
func Raw(b []byte) (text, kind string) {
	head := b[:min(len(b), 8000)]
	switch {
	case strings.IndexByte(string(head), 0) >= 0:
		return "", "binary"
	case !utf8.Valid(b):
		return "", "encoding"
	case IsLFS(string(b)):
		return "", "lfs"
	}
	return string(b), ""
}

package local

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks"
)

const (
	largestText = 8 << 20  // of a text that is read at all
	largestTree = 64 << 20 // of one folder's listing
)

// entry is what a folder holds under one name.
type entry struct{ mode, id string }

// entry finds a path at a commit by walking the trees; ok is false when there is nothing at the path. Asking git for
// "commit:path" instead would hide whether it is a link, and could not say a path with a line break.
func (r *reading) entry(commit, path string) (e entry, ok bool, err error) {
	e = entry{"040000", commit + "^{tree}"}
	for name := range strings.SplitSeq(path, "/") {
		if e.mode != "040000" {
			return entry{}, false, nil
		}
		folder, err := r.tree(e.id)
		if err != nil {
			return entry{}, false, err
		}
		if e, ok = folder[name]; !ok {
			return entry{}, false, nil
		}
	}
	return e, true, nil
}

// tree reads one folder, once.
func (r *reading) tree(id string) (map[string]entry, error) {
	if t, ok := r.trees[id]; ok {
		return t, nil
	}
	x, err := r.objects.get(id, largestTree)
	if err != nil {
		return nil, err
	}
	t := map[string]entry{}
	width := len(r.empty) / 2
	for data := x.data; len(data) > 0; {
		head, rest, ok := bytes.Cut(data, []byte{0})
		mode, name, spaced := strings.Cut(string(head), " ")
		if !ok || !spaced || len(rest) < width {
			return nil, fmt.Errorf("the tree %s is damaged", x.id)
		}
		t[name] = entry{strings.Repeat("0", max(6-len(mode), 0)) + mode, fmt.Sprintf("%x", rest[:width])}
		data = rest[width:]
	}
	if r.trees == nil || len(r.trees) > 500 {
		r.trees = map[string]map[string]entry{}
	}
	r.trees[id] = t
	return t, nil
}

// text reads a file at a commit; without a commit it is absent.
func (r *reading) text(side checks.Side, commit, path string) (checks.Text, error) {
	t := checks.Text{Side: side, Path: path}
	if commit == "" {
		t.Absent = true
		return t, nil
	}
	e, ok, err := r.entry(commit, path)
	switch {
	case err != nil:
		return t, err
	case !ok || e.mode == "040000":
		t.Absent = true
		return t, nil
	}
	if t.Kind = kindOfMode(e.mode); t.Kind != "" {
		return t, nil
	}
	x, err := r.objects.get(e.id, largestText)
	if errors.Is(err, errLarge) {
		t.Kind = "large"
		return t, nil
	}
	if err != nil {
		return t, err
	}
	t.Text, t.Kind = asText(x.data)
	return t, nil
}

func kindOfMode(mode string) string {
	switch mode {
	case "120000":
		return "symlink"
	case "160000":
		return "submodule"
	}
	return ""
}

// asText gives the text of a blob's bytes, or the kind that says why there is none.
func asText(b []byte) (text, kind string) {
	switch {
	case isBinary(b):
		return "", "binary"
	case !utf8.Valid(b):
		return "", "encoding"
	case bytes.HasPrefix(b, []byte(lfsPointer)):
		return "", "lfs"
	}
	return string(b), ""
}

const lfsPointer = "version https://git-lfs.github.com/spec/v1\n"

// isBinary takes git's word for it: a zero byte near the beginning.
func isBinary(b []byte) bool { return bytes.IndexByte(b[:min(len(b), 8000)], 0) >= 0 }

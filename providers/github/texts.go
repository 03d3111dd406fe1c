package github

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/compare"
)

// content turns a file at some commit into a Text. more says that GitHub gave the beginning only and that the rest is
// worth fetching by its object id.
func content(side checks.Side, path string, e *entryNode) (t checks.Text, more bool, err error) {
	t = checks.Text{Side: side, Path: path}
	switch {
	case e == nil || e.Mode == compare.Folder:
		t.Absent = true
	case e.Mode == compare.Link:
		t.Kind = "symlink"
	case e.Mode == compare.Submodule:
		t.Kind = "submodule"
	case e.Object == nil:
		return t, false, fmt.Errorf("read %s: GitHub showed the file without its content", path)
	default:
		t.Text, t.Kind, more = e.Object.read()
	}
	return t, more, nil
}

// read gives the text of a blob, or the kind that says why there is none.
func (b *blobNode) read() (text, kind string, more bool) {
	switch {
	case b.IsBinary != nil && *b.IsBinary:
		return "", "binary", false
	case b.IsTruncated && b.ByteSize > compare.Largest:
		return "", "large", false
	case b.IsTruncated:
		return "", "", true
	case b.Text == nil:
		return "", "binary", false
	}
	text, kind = decoded(*b.Text, b.OID, b.ByteSize)
	return text, kind, false
}

// decoded says whether what GitHub gave is what is stored: a text in another encoding comes with its odd bytes replaced,
// and its object id tells.
func decoded(text, id string, size int64) (string, string) {
	if int64(len(text)) != size || strings.ContainsRune(text, utf8.RuneError) {
		if !hashes(text, id) {
			if !hashes("\ufeff"+text, id) {
				return "", "encoding"
			}
			text = "\ufeff" + text
		}
	}
	if compare.IsLFS(text) {
		return "", "lfs"
	}
	return text, ""
}

// hashes says whether text is the blob with this id. Repositories with SHA-256 ids are not at GitHub.
func hashes(text, id string) bool {
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(text))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil)) == id
}

// asked are the paths that one request reads, by where; a path's number is its alias.
type asked struct {
	tip, head, start []string
	foretold         bool // head and start hold what a push told of
}

// parts are the fragments for a document.
func (a asked) parts() map[string]string {
	return map[string]string{"AtTip": files(a.tip), "AtHead": files(a.head), "AtStart": files(a.start)}
}

func files(paths []string) string {
	var b strings.Builder
	for i, p := range paths {
		fmt.Fprintf(&b, "f%d: file(path: %s) { ...Entry } ", i, quoted(p))
	}
	return b.String()
}

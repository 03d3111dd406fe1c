package compare

import (
	"crypto/sha1"
	"encoding/hex"
	"hash"
	"strings"
)

// PatchID is the patch-id of a diff as git prints it: what `git patch-id --stable` says of it. A commit that was picked
// onto another branch keeps it, whatever its id, its message and the line numbers became there. "" when the diff changes
// nothing.
func PatchID(diff string) string {
	p := &patch{hash: sha1.New(), before: -1, after: -1}
	for line := range strings.Lines(diff) {
		if !p.line(line) {
			break
		}
	}
	p.flush()
	if p.length == 0 {
		return ""
	}
	return hex.EncodeToString(p.sum[:])
}

// patch sums up the hash of each file's part, so that their order does not count.
type patch struct {
	hash          hash.Hash
	sum           [sha1.Size]byte
	before, after int // lines left of the hunk; -1: the header is read
	binary        bool
	old, new      string // object ids, of which a binary file has nothing else
	length        int
}

// line takes one line in, and says whether the patch goes on.
func (p *patch) line(line string) bool {
	if strings.HasPrefix(line, "\\ ") && len(line) > 12 || p.length == 0 && !strings.HasPrefix(line, "diff ") {
		return true // no newline at the end of the file; what stands before the patch
	}
	if p.before == -1 {
		switch {
		case strings.HasPrefix(line, "GIT binary patch"), strings.HasPrefix(line, "Binary files"):
			p.binary, p.before = true, 0
			p.hash.Write([]byte(p.old + p.new))
			p.flush()
			return true
		case strings.HasPrefix(line, "index "):
			ids, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, "index "), "\n"), " ")
			p.old, p.new, _ = strings.Cut(ids, "..")
			return true
		case strings.HasPrefix(line, "--- "):
			p.before, p.after = 1, 1
		case line[0] < 'A' || line[0] > 'z' || line[0] > 'Z' && line[0] < 'a':
			return false
		}
	}
	if p.binary {
		if !strings.HasPrefix(line, "diff ") {
			return true
		}
		p.binary, p.before, p.after = false, -1, -1
	}
	if p.before == 0 && p.after == 0 {
		if strings.HasPrefix(line, "@@ -") {
			p.hunk(line)
			return true
		}
		if !strings.HasPrefix(line, "diff ") {
			return false
		}
		p.flush()
		p.before, p.after = -1, -1
	}
	p.add(line)
	return true
}

// hunk reads how many lines follow, and no line numbers.
func (p *patch) hunk(line string) {
	m := hunkHeader.FindStringSubmatch(line)
	if m == nil {
		return
	}
	_, p.before = span(m[1], m[2])
	_, p.after = span(m[3], m[4])
}

// add hashes a line without its white space.
func (p *patch) add(line string) {
	switch line[0] {
	case '-':
		p.before--
	case '+':
		p.after--
	case ' ':
		p.before, p.after = p.before-1, p.after-1
	}
	bare := make([]byte, 0, len(line))
	for _, b := range []byte(line) {
		if b != ' ' && b != '\t' && b != '\n' && b != '\r' { // what git takes for white space
			bare = append(bare, b)
		}
	}
	p.length += len(bare)
	p.hash.Write(bare)
}

// flush adds the hash of what was read to the sum, as numbers of twenty bytes whose last byte counts most.
func (p *patch) flush() {
	carry := 0
	for i, b := range p.hash.Sum(nil) {
		carry += int(p.sum[i]) + int(b)
		p.sum[i] = byte(carry)
		carry >>= 8
	}
	p.hash.Reset()
}

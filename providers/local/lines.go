package local

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks"
)

const (
	mostLineBytes = 32 << 20 // of changed lines in all files together
	mostFileBytes = 8 << 20  // in one file
	mostArguments = 100 << 10
)

// wanted are changed files whose lines are wanted, by what git calls their difference: the ids before and after.
// Files of one content before and one after have the same lines.
type wanted map[blobs][]*checks.File

// lines reads the changed lines of the files for which want says yes.
func (r *reading) lines(before, after string, want func(checks.File) bool) error {
	left := wanted{}
	for i := range r.f.Files {
		if x := &r.f.Files[i]; want(*x) {
			left[r.blobs[i]] = append(left[r.blobs[i]], x)
		}
	}
	if r.patch != nil {
		if err := r.readLines(r.patch.reader(), left); err != nil || len(left) == 0 {
			return err
		}
	}
	var paths []string
	for i := range r.f.Files {
		x := &r.f.Files[i]
		if _, ok := left[r.blobs[i]]; !ok || !want(*x) {
			continue
		}
		paths = append(paths, x.Path)
		if x.Old != "" {
			paths = append(paths, x.Old)
		}
	}
	args := append(r.diffOptions(), "-p", "-U0", "--inter-hunk-context=0", "--text", "--full-index", before, after, "--")
	for len(paths) > 0 {
		var some []string
		some, paths = portion(paths)
		err := r.git.stream(r.ctx, func(out io.Reader) error { return r.readLines(out, left) }, append(args[:len(args):len(args)], some...)...)
		if err != nil {
			return err
		}
	}
	for _, files := range left {
		for _, x := range files {
			x.Cut = true // git paired it otherwise than before: a rename among paths that were left out
		}
	}
	return nil
}

// portion takes as many paths as fit on a command line; where there are many, git shows all of them, and what is not
// wanted is passed over.
func portion(paths []string) (some, rest []string) {
	size := 0
	for _, p := range paths {
		if size += len(p) + 1; size > mostArguments {
			return nil, nil
		}
	}
	return paths, nil
}

// patch is what one file's difference has shown so far.
type patch struct {
	added, removed []checks.Line
	bytes          int
	broken         bool // not UTF-8, or too much of it
}

// readLines reads a difference without context lines. Files are told by the ids on their index line: names in a
// difference may be anything.
func (r *reading) readLines(out io.Reader, left wanted) error {
	in := bufio.NewReaderSize(out, 64<<10)
	var at blobs
	var p *patch
	finish := func() {
		if p != nil {
			for _, x := range left[at] {
				p.into(x)
			}
			delete(left, at)
		}
		p = nil
	}
	oldN, newN, oldLeft, newLeft := 0, 0, 0, 0
	for {
		line, whole, err := readLine(in)
		if err == io.EOF {
			finish()
			return nil
		}
		if err != nil {
			return fmt.Errorf("git diff-tree: %w", err)
		}
		first := byte(0)
		if len(line) > 0 {
			first = line[0]
		}
		switch {
		case oldLeft > 0 && first == '-':
			if p != nil {
				r.keep(p, &p.removed, oldN, line, whole)
			}
			oldN, oldLeft = oldN+1, oldLeft-1
		case newLeft > 0 && first == '+':
			if p != nil {
				r.keep(p, &p.added, newN, line, whole)
			}
			newN, newLeft = newN+1, newLeft-1
		case oldLeft > 0 || newLeft > 0:
			if first != '\\' {
				return fmt.Errorf("git diff-tree answered %q within a hunk", line[:min(len(line), 80)])
			}
		case bytes.HasPrefix(line, []byte("diff --git ")):
			finish()
		case bytes.HasPrefix(line, []byte("index ")):
			at = indexLine(string(line))
			if p = nil; len(left[at]) > 0 {
				p = &patch{}
			}
		case bytes.HasPrefix(line, []byte("Binary files ")):
			p = nil // git says so, and is asked again for the text
		case bytes.HasPrefix(line, []byte("@@ ")):
			if oldN, oldLeft, newN, newLeft, err = hunk(string(line)); err != nil {
				return err
			}
		}
	}
}

// readLine reads one line without its ending; of a very long one the beginning, and whole is false.
func readLine(in *bufio.Reader) (line []byte, whole bool, err error) {
	line, err = in.ReadSlice('\n')
	if err == nil {
		return line[:len(line)-1], true, nil
	}
	if err == io.EOF && len(line) > 0 {
		return line, true, nil
	}
	if err != bufio.ErrBufferFull {
		return nil, false, err
	}
	long := bytes.Clone(line)
	for err == bufio.ErrBufferFull {
		line, err = in.ReadSlice('\n')
		if len(long) <= mostFileBytes {
			long = append(long, line...)
		}
	}
	if err != nil && err != io.EOF {
		return nil, false, err
	}
	return bytes.TrimSuffix(long, []byte("\n")), len(long) <= mostFileBytes, nil
}

// keep adds one line to a patch, unless it cannot be told in full.
func (r *reading) keep(p *patch, to *[]checks.Line, n int, line []byte, whole bool) {
	text := bytes.TrimSuffix(line[1:], []byte("\r"))
	p.bytes += len(text)
	r.lineBytes += len(text) + 32
	if p.broken = p.broken || !whole || !utf8.Valid(text) || p.bytes > mostFileBytes || r.lineBytes > mostLineBytes; p.broken {
		p.added, p.removed = nil, nil
		return
	}
	*to = append(*to, checks.Line{N: n, Text: string(text)})
}

func (p *patch) into(x *checks.File) {
	switch {
	case p.broken:
		x.Cut = true
	case p.isLFS():
		x.Kind = "lfs"
	default:
		x.Read, x.Added, x.Removed = true, p.added, p.removed
		x.Additions, x.Deletions = len(p.added), len(p.removed)
	}
}

// isLFS says whether all that changed is a pointer to a file kept elsewhere.
func (p *patch) isLFS() bool {
	if len(p.added)+len(p.removed) == 0 {
		return false
	}
	for _, lines := range [][]checks.Line{p.added, p.removed} {
		for _, l := range lines {
			if l.Text+"\n" != lfsPointer && !strings.HasPrefix(l.Text, "oid sha256:") && !strings.HasPrefix(l.Text, "size ") {
				return false
			}
		}
	}
	return true
}

// indexLine reads "index ID..ID 100644".
func indexLine(line string) blobs {
	ids, _, _ := strings.Cut(strings.TrimPrefix(line, "index "), " ")
	before, after, _ := strings.Cut(ids, "..")
	return blobs{before, after}
}

// hunk reads "@@ -3,0 +4,2 @@ …".
func hunk(line string) (oldN, oldLeft, newN, newLeft int, err error) {
	f := strings.Fields(line)
	if len(f) < 4 || f[1][0] != '-' || f[2][0] != '+' {
		return 0, 0, 0, 0, fmt.Errorf("git diff-tree answered %q", line)
	}
	oldN, oldLeft, err = span(f[1][1:])
	if err == nil {
		newN, newLeft, err = span(f[2][1:])
	}
	return oldN, oldLeft, newN, newLeft, err
}

// span reads "start,count"; a count left out is one.
func span(s string) (start, count int, err error) {
	first, second, counted := strings.Cut(s, ",")
	if start, err = strconv.Atoi(first); err != nil || !counted {
		return start, 1, err
	}
	count, err = strconv.Atoi(second)
	return start, count, err
}

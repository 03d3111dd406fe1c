package local

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// mostKept is how many bytes of the difference are kept until it is known whose lines are wanted. Of a longer one the
// lines are counted, and asked for again.
const mostKept = 10 << 20

// errOdd says that a change is not one to read at once.
var errOdd = errors.New("an odd change")

// atOnce reads the files of a change together with their lines: git compares each file but once, and is started once
// less, which is half of the time that most changes take. It keeps the lines for who wants them, and says errOdd, having
// read nothing, of a change that has anything unusual.
//
// Names come quoted. Unquoted, a name with a line break could pose as a part of the difference.
func (r *reading) atOnce(before, after string) error {
	args := append(r.diffOptions(), "--raw", "-p", "-U0", "--inter-hunk-context=0", "--no-abbrev", "--full-index", before, after, "--")
	patch := &kept{}
	err := r.git.stream(r.ctx, func(out io.Reader) error {
		in := bufio.NewReaderSize(out, 64<<10)
		if err := r.readQuoted(in); err != nil {
			return err
		}
		r.guess()
		return r.count(io.TeeReader(in, patch))
	}, args...)
	if err != nil {
		r.f.Files, r.blobs = nil, nil
		return err
	}
	if !patch.dropped {
		r.patch = patch
	}
	return nil
}

// kept is a text in pieces, up to mostKept bytes.
type kept struct {
	pieces  [][]byte
	bytes   int
	dropped bool
}

// Write keeps more, or drops all that there is too much of.
func (k *kept) Write(b []byte) (int, error) {
	n := len(b)
	if k.bytes += n; k.dropped || k.bytes > mostKept {
		k.dropped, k.pieces = true, nil
		return n, nil
	}
	for len(b) > 0 {
		last := len(k.pieces) - 1
		if last < 0 || len(k.pieces[last]) == cap(k.pieces[last]) {
			k.pieces = append(k.pieces, make([]byte, 0, 64<<10))
			last++
		}
		piece := k.pieces[last]
		some := min(len(b), cap(piece)-len(piece))
		k.pieces[last], b = append(piece, b[:some]...), b[some:]
	}
	return n, nil
}

func (k *kept) reader() io.Reader {
	all := make([]io.Reader, len(k.pieces))
	for i, p := range k.pieces {
		all[i] = bytes.NewReader(p)
	}
	return io.MultiReader(all...)
}

// readQuoted reads what changed, up to the empty line before the difference.
func (r *reading) readQuoted(in *bufio.Reader) error {
	for {
		line, err := in.ReadString('\n')
		if line == "\n" || err == io.EOF && line == "" {
			return nil
		}
		if err != nil {
			return err
		}
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) < 2 || !strings.HasPrefix(line, ":") {
			return fmt.Errorf("git diff-tree answered %q", line)
		}
		if strings.HasSuffix(fields[0], " T") {
			return errOdd
		}
		var names strings.Builder
		for _, name := range fields[1:] {
			if strings.HasPrefix(name, `"`) {
				if name, err = strconv.Unquote(name); err != nil {
					return errOdd
				}
			}
			names.WriteString(name + "\x00")
		}
		if err := r.readRaw(fields[0], bufio.NewReader(strings.NewReader(names.String()))); err != nil {
			return err
		}
	}
}

// count counts the lines of each file in the difference. Every file that was edited has to be there.
func (r *reading) count(patch io.Reader) error {
	counted := map[blobs]*patchCount{}
	for i := range r.f.Files {
		if !r.f.Files[i].Read {
			counted[r.blobs[i]] = &patchCount{}
		}
	}
	in := bufio.NewReaderSize(patch, 64<<10)
	var at *patchCount
	skip := 0 // lines of a hunk that are still to come
	for {
		line, _, err := readLine(in)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		switch {
		case skip > 0:
			if len(line) == 0 || line[0] != '\\' {
				skip--
			}
		case bytes.HasPrefix(line, []byte("diff --git ")):
			at = nil
		case bytes.HasPrefix(line, []byte("index ")):
			if at = counted[indexLine(string(line))]; at != nil {
				*at = patchCount{seen: true}
			}
		case bytes.HasPrefix(line, []byte("Binary files ")) && at != nil:
			at.binary = true
		case bytes.HasPrefix(line, []byte("@@ ")):
			_, removed, _, added, err := hunk(string(line))
			if err != nil {
				return err
			}
			if skip = removed + added; at != nil {
				at.added, at.removed = at.added+added, at.removed+removed
			}
		}
	}
	for i := range r.f.Files {
		x, c := &r.f.Files[i], counted[r.blobs[i]]
		switch {
		case x.Read:
		case !c.seen:
			return errOdd
		case c.binary && x.Kind == "":
			x.Kind = "binary"
		default:
			x.Additions, x.Deletions = c.added, c.removed
		}
	}
	return nil
}

// patchCount is what the difference says of one file.
type patchCount struct {
	seen, binary   bool
	added, removed int
}

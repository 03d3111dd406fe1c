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

const (
	mostAtOnce      = 300     // files whose lines are read with their names, wanted or not
	mostBytesAtOnce = 2 << 20 // of the difference between them
)

// errNotSmall says that a change is not one to read at once.
var errNotSmall = errors.New("not a small change")

// atOnce reads the files of a small change together with their lines: git compares each file but once, and is started
// once less, which is half of the time that an ordinary change takes. It keeps the lines for who wants them, and says
// errNotSmall, having read nothing, of a change that is large or has anything unusual.
//
// Names come quoted. Unquoted, a name with a line break could pose as a part of the difference.
func (r *reading) atOnce(before, after string) error {
	args := append(diffOptions(), "--raw", "-p", "-U0", "--inter-hunk-context=0", "--no-abbrev", "--full-index", before, after, "--")
	var patch []byte
	err := r.git.stream(r.ctx, func(out io.Reader) error {
		in := bufio.NewReaderSize(out, 64<<10)
		if err := r.readQuoted(in); err != nil {
			return err
		}
		var err error
		if patch, err = io.ReadAll(io.LimitReader(in, mostBytesAtOnce+1)); err == nil && len(patch) > mostBytesAtOnce {
			err = errNotSmall
		}
		return err
	}, args...)
	if err == nil {
		err = r.count(patch)
	}
	if err != nil {
		r.f.Files, r.blobs = nil, nil
		return err
	}
	r.patch = patch
	return nil
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
		if len(r.f.Files) == mostAtOnce || strings.HasSuffix(fields[0], " T") {
			return errNotSmall
		}
		var names strings.Builder
		for _, name := range fields[1:] {
			if strings.HasPrefix(name, `"`) {
				if name, err = strconv.Unquote(name); err != nil {
					return errNotSmall
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
func (r *reading) count(patch []byte) error {
	counted := map[blobs]*patchCount{}
	for i := range r.f.Files {
		if !r.f.Files[i].Read {
			counted[r.blobs[i]] = &patchCount{}
		}
	}
	in := bufio.NewReader(bytes.NewReader(patch))
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
			return errNotSmall
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

package local

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// mostForeseen is how many bytes of paths are kept before anybody wants them. A longer list is made anew when it is.
const mostForeseen = 16 << 20

var errTooLong = errors.New("the list is too long to be kept")

// foreseen is a list of all paths at a commit that is being made before it is known whether any of them matters.
type foreseen struct {
	done chan struct{}
	all  bytes.Buffer // each path ends in a zero byte
	err  error
}

// foresee starts to list the tree at a commit, once. It ends with the reading, whether the list is wanted or not.
func (r *reading) foresee(commit string) {
	if r.foreseen != nil {
		return
	}
	x := &foreseen{done: make(chan struct{})}
	r.foreseen = x
	go func() {
		defer close(x.done)
		x.err = r.walk(commit, func(out io.Reader) error {
			n, err := x.all.ReadFrom(io.LimitReader(out, mostForeseen+1))
			if err == nil && n > mostForeseen {
				err = errTooLong
			}
			return err
		})
	}()
}

// list reads the paths of the tree at a commit that are wanted.
func (r *reading) list(commit string, keep func(string) bool) ([]string, error) {
	var paths []string
	add := func(p string) {
		if keep(p) {
			paths = append(paths, strings.Clone(p)) // not the whole piece that it was read with
		}
	}
	if x := r.foreseen; x != nil {
		<-x.done
		if x.err == nil {
			err := eachPath(&x.all, add)
			return paths, err
		}
	}
	err := r.walk(commit, func(out io.Reader) error { return eachPath(out, add) })
	return paths, err
}

func (r *reading) walk(commit string, read func(io.Reader) error) error {
	return r.git.stream(r.ctx, read, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
}

// eachPath calls do with every path of a list in which each ends in a zero byte. It makes one string of many paths,
// since a tree may have a million.
func eachPath(in io.Reader, do func(string)) error {
	piece := make([]byte, 128<<10)
	kept := 0
	for {
		n, err := in.Read(piece[kept:])
		kept += n
		end := bytes.LastIndexByte(piece[:kept], 0) + 1
		for whole := string(piece[:end]); whole != ""; {
			p, rest, _ := strings.Cut(whole, "\x00")
			do(p)
			whole = rest
		}
		kept = copy(piece, piece[end:kept])
		switch {
		case err == io.EOF && kept > 0:
			return io.ErrUnexpectedEOF
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case kept == len(piece): // a path longer than a piece
			piece = append(piece, make([]byte, len(piece))...)
		}
	}
}

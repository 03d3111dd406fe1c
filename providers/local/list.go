package local

import (
	"context"
	"errors"
	"io"
	"strings"
)

// mostForeseen is how many pieces of a list are kept before anybody wants them. A longer list is made anew when it is.
const mostForeseen = 128

var errTooLong = errors.New("the list is too long to be kept")

// foreseen is a list of all paths at a commit that is being made before it is known whether any of them matters.
type foreseen struct {
	stop   context.CancelFunc
	pieces chan string // each path ends in a zero byte
	done   chan struct{}
	err    error // when done
}

// foresee starts to list the tree at a commit, once. It ends with the reading, whether the list is wanted or not.
func (r *reading) foresee(commit string) {
	if r.foreseen != nil {
		return
	}
	ctx, stop := context.WithCancel(r.ctx)
	x := &foreseen{stop: stop, pieces: make(chan string, mostForeseen), done: make(chan struct{})}
	r.foreseen = x
	go func() {
		defer close(x.done)
		defer close(x.pieces)
		defer stop()
		x.err = r.walk(ctx, commit, func(piece string) error {
			select {
			case x.pieces <- piece:
				return nil
			default:
				return errTooLong
			}
		})
	}()
}

// list reads the paths of the tree at a commit that are wanted. What was foreseen is looked through while git still lists.
func (r *reading) list(commit string, keep func(string) bool) ([]string, error) {
	var paths []string
	add := func(piece string) error {
		for piece != "" {
			var p string
			if p, piece, _ = strings.Cut(piece, "\x00"); keep(p) {
				paths = append(paths, strings.Clone(p)) // not the whole piece that it was read with
			}
		}
		return nil
	}
	if x := r.foreseen; x != nil {
		r.foreseen = nil // it can be taken but once
		for piece := range x.pieces {
			_ = add(piece)
		}
		if <-x.done; x.err == nil {
			return paths, nil
		}
		paths = nil
	}
	err := r.walk(r.ctx, commit, add)
	return paths, err
}

// walk lists the tree at a commit.
func (r *reading) walk(ctx context.Context, commit string, do func(piece string) error) error {
	return r.git.stream(ctx, func(out io.Reader) error { return eachPiece(out, do) },
		"ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
}

// eachPiece cuts a list of paths, in which each ends in a zero byte, into strings of many paths, since a tree may have a
// million. Memory that is met for the first time costs more than to copy: it goes through one small buffer.
func eachPiece(in io.Reader, do func(piece string) error) error {
	const enough = 128 << 10
	var piece strings.Builder
	buffer := make([]byte, 32<<10)
	flush := func() error {
		whole := piece.String()
		end := strings.LastIndexByte(whole, 0) + 1
		if end == 0 {
			return nil // a path longer than a piece
		}
		piece = strings.Builder{}
		piece.Grow(enough)
		piece.WriteString(whole[end:])
		return do(whole[:end])
	}
	piece.Grow(enough)
	for {
		n, err := in.Read(buffer)
		if piece.Len()+n > enough {
			if err := flush(); err != nil {
				return err
			}
		}
		piece.Write(buffer[:n])
		if err == io.EOF {
			if err := flush(); err != nil {
				return err
			}
			if piece.Len() > 0 {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

package local

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// mostFiles is how many changed files are read: more than any change that people could look at.
const mostFiles = 100000

// blobs are the object ids of a changed file before and after.
type blobs struct{ before, after string }

// diffOptions hold for every difference: renames found, nothing hidden, no program run. A difference of many commits
// meets the same folders time and again, so git is to remember more of them.
func (r *reading) diffOptions() []string {
	much := "16m"
	if r.between != nil {
		much = little
	}
	return append(remembering(much), "diff-tree", "-r", "-M", "-l2000", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=none", "--no-commit-id")
}

// files reads what lies between two trees, with the numbers of lines.
func (r *reading) files(before, after string) error {
	err := r.atOnce(before, after)
	if errors.Is(err, errOdd) {
		err = r.inParts(before, after)
	}
	if err != nil {
		return err
	}
	return r.sorted()
}

// inParts reads the files and how many lines of each changed, and leaves the lines to be asked for.
func (r *reading) inParts(before, after string) error {
	args := append(r.diffOptions(), "--raw", "--numstat", "-z", "--no-abbrev", before, after, "--")
	return r.git.stream(r.ctx, func(out io.Reader) error { return r.readFiles(bufio.NewReaderSize(out, 64<<10)) }, args...)
}

// sorted brings the files into order and looks into those that are called binary.
func (r *reading) sorted() error {
	order := make([]int, len(r.f.Files))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(r.f.Files[a].Path, r.f.Files[b].Path) })
	files, ids := make([]checks.File, len(order)), make([]blobs, len(order))
	for to, from := range order {
		files[to], ids[to] = r.f.Files[from], r.blobs[from]
	}
	r.f.Files, r.blobs = files, ids
	r.addUp()
	return r.checkBinaries()
}

// addUp counts the lines of all files.
func (r *reading) addUp() {
	c := r.f.Change
	c.Additions, c.Deletions = 0, 0
	for i := range r.f.Files {
		c.Additions += r.f.Files[i].Additions
		c.Deletions += r.f.Files[i].Deletions
	}
}

// readFiles reads git's two lists, each in the same order: first what changed, then how many lines.
func (r *reading) readFiles(in *bufio.Reader) error {
	counted := 0
	for {
		field, err := in.ReadString(0)
		if err == io.EOF && field == "" {
			break
		}
		if err != nil {
			return fmt.Errorf("git diff-tree: %w", err)
		}
		field = field[:len(field)-1]
		if strings.HasPrefix(field, ":") {
			err = r.readRaw(field, in)
		} else {
			err = r.readCounts(field, counted, in)
			counted++
		}
		if err != nil {
			return err
		}
	}
	if counted != len(r.f.Files) {
		return errors.New("git diff-tree counted other files than it named")
	}
	return nil
}

// readRaw reads ":100644 100644 ID ID M", then one path, or two of a rename.
func (r *reading) readRaw(field string, in *bufio.Reader) error {
	f := strings.Fields(field[1:])
	if len(f) != 5 {
		return fmt.Errorf("git diff-tree answered %q", field)
	}
	if len(r.f.Files) == mostFiles {
		return fmt.Errorf("more than %d files changed: choose a base that is nearer", mostFiles)
	}
	path, err := in.ReadString(0)
	if err != nil {
		return err
	}
	x := checks.File{Path: path[:len(path)-1], Status: "changed"}
	mode := f[1]
	switch f[4][0] {
	case 'A':
		x.Status = "added"
	case 'D':
		x.Status, mode = "removed", f[0]
	case 'M':
		if f[2] != f[3] {
			x.Status = "modified"
		}
	case 'R', 'C':
		if path, err = in.ReadString(0); err != nil {
			return err
		}
		x.Status, x.Old, x.Path = "renamed", x.Path, path[:len(path)-1]
		if f[4][0] == 'C' {
			x.Status = "copied"
		}
	}
	x.Kind = kindOfMode(mode)
	x.Read = x.Kind == "" && f[2] == f[3] // moved, or another mode, and not edited
	r.f.Files = append(r.f.Files, x)
	r.blobs = append(r.blobs, blobs{f[2], f[3]})
	return nil
}

// readCounts reads "12\t3\tpath"; of a rename the path is empty and both follow. Binary files count as "-".
func (r *reading) readCounts(field string, i int, in *bufio.Reader) error {
	f := strings.SplitN(field, "\t", 3)
	if len(f) != 3 || i >= len(r.f.Files) {
		return fmt.Errorf("git diff-tree answered %q", field)
	}
	x := &r.f.Files[i]
	path := f[2]
	if path == "" {
		for range 2 {
			p, err := in.ReadString(0)
			if err != nil {
				return err
			}
			path = p[:len(p)-1]
		}
	}
	if path != x.Path {
		return fmt.Errorf("git diff-tree counted %q in the place of %q", path, x.Path)
	}
	if f[0] == "-" {
		if x.Kind == "" && !x.Read {
			x.Kind = "binary"
		}
		return nil
	}
	var err1, err2 error
	x.Additions, err1 = strconv.Atoi(f[0])
	x.Deletions, err2 = strconv.Atoi(f[1])
	return errors.Join(err1, err2)
}

// checkBinaries looks for itself where git says that a file is binary, since the repository can make git say so.
func (r *reading) checkBinaries() error {
	for i := range r.f.Files {
		x := &r.f.Files[i]
		if x.Kind != "binary" {
			continue
		}
		binary := false
		for _, id := range []string{r.blobs[i].before, r.blobs[i].after} {
			if strings.Trim(id, "0") == "" {
				continue
			}
			o, err := r.objects.get(id, largestText)
			if errors.Is(err, errMissing) {
				x.Cut = true
			} else if err != nil && !errors.Is(err, errLarge) {
				return err
			}
			binary = binary || isBinary(o.data)
		}
		if !binary {
			x.Kind = ""
		}
	}
	return nil
}

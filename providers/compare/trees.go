package compare

import "github.com/sluicegate/sluice/checks"

// Entry is a file of a whole tree, folders left out. Bytes is 0 of an empty file, and -1 where the forge does not say.
type Entry struct {
	Path  string
	Mode  int
	ID    string // of the object
	Bytes int64
}

// emptyBlob is the object id of a file without content.
const emptyBlob = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"

func (e Entry) empty() bool { return e.Bytes == 0 || e.ID == emptyBlob }

// Sides are the object ids of a file before and after, of a difference made from trees.
type Sides struct {
	Before, After string
	Bytes         int64
}

// Trees compares two sorted lists of files; objects has the ids of what lies between by path. A file that is gone and one
// that is new with the same content are one that was moved.
func Trees(before, after []Entry) (files []checks.File, objects map[string]Sides) {
	d := trees{objects: map[string]Sides{}}
	var gone, come []Entry
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		switch {
		case j == len(after) || i < len(before) && before[i].Path < after[j].Path:
			gone = append(gone, before[i])
			i++
		case i == len(before) || after[j].Path < before[i].Path:
			come = append(come, after[j])
			j++
		default:
			a, b := before[i], after[j]
			if a.ID != b.ID || a.Mode != b.Mode {
				d.add("modified", a, b)
			}
			i, j = i+1, j+1
		}
	}
	d.moved(gone, come)
	Sort(d.files)
	return d.files, d.objects
}

type trees struct {
	files   []checks.File
	objects map[string]Sides
}

// moved takes in what is gone and what has come, and what is both.
func (d *trees) moved(gone, come []Entry) {
	moved := map[string][]Entry{} // by content
	for _, e := range gone {
		moved[e.ID] = append(moved[e.ID], e)
	}
	left := map[string]bool{} // paths that were moved away
	for _, e := range come {
		if from := moved[e.ID]; len(from) > 0 && !e.empty() && from[0].Mode == e.Mode {
			moved[e.ID] = from[1:]
			left[from[0].Path] = true
			d.files = append(d.files, checks.File{Path: e.Path, Old: from[0].Path, Status: "renamed", Kind: ModeKind(e.Mode), Read: true})
			continue
		}
		d.add("added", Entry{}, e)
	}
	for _, e := range gone {
		if !left[e.Path] {
			d.add("removed", e, Entry{})
		}
	}
}

func (d *trees) add(status string, before, after Entry) {
	f := checks.File{Path: after.Path, Status: status, Kind: ModeKind(after.Mode)}
	if status == "removed" {
		f.Path, f.Kind = before.Path, ModeKind(before.Mode)
	}
	if before.ID == after.ID {
		f.Status, f.Read = "changed", true // its mode alone
	}
	if f.Kind == "" {
		f.Kind = ModeKind(before.Mode)
	}
	d.files = append(d.files, f)
	d.objects[f.Path] = Sides{before.ID, after.ID, max(before.Bytes, after.Bytes)}
}

// ModeKind is the kind of file that a mode alone tells.
func ModeKind(mode int) string {
	switch mode {
	case Link:
		return "symlink"
	case Submodule:
		return "submodule"
	}
	return ""
}

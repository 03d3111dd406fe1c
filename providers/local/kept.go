package local

import (
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// mostHere is how many references are read without asking git for them: of more, git reads the commits sooner by itself.
const mostHere = 300

// errAskGit says that references are not kept in the plain way, or that there are many.
var errAskGit = errors.New("git is to be asked for the references")

// names are the references of a plain repository as its files have them: an id, or "ref: " and another name.
type names struct {
	dir    string
	packed map[string]string
	loose  map[string]string
	width  int // of an id
}

// here finds the references that patterns are for, as references does, but without starting a git for them: that costs
// more than all else of a small change. What they stand for is yet to be described. Whatever is unusual is left to git.
func (r *Repository) here(patterns ...string) ([]reference, error) {
	if !r.plain || r.partial {
		return nil, errAskGit
	}
	n := &names{dir: r.git.dir, packed: map[string]string{}, loose: map[string]string{}, width: len(r.empty)}
	for _, p := range patterns { // git packs what is loose, and not the other way round: so the loose are read first
		if err := n.readLoose(p); err != nil {
			return nil, err
		}
	}
	if err := n.readPacked(patterns); err != nil {
		return nil, err
	}
	return n.all(patterns)
}

// readLoose reads the files that a pattern is for: a folder of references, or one of a name with at most one "*".
func (n *names) readLoose(pattern string) error {
	before, after, starred := strings.Cut(pattern, "*")
	if !starred {
		return n.readFile(pattern)
	}
	folders, err := os.ReadDir(filepath.Join(n.dir, filepath.FromSlash(before)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return errAskGit
	}
	for _, f := range folders {
		if err := n.readFile(before + f.Name() + after); err != nil {
			return err
		}
	}
	return nil
}

// readFile reads one reference, or all in a folder. That it is not there is no error.
func (n *names) readFile(name string) error {
	at := filepath.Join(n.dir, filepath.FromSlash(name))
	info, err := os.Lstat(at)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil || len(n.loose) > mostHere:
		return errAskGit
	case info.IsDir():
		inside, err := os.ReadDir(at)
		if err != nil {
			return errAskGit
		}
		for _, f := range inside {
			if err := n.readFile(name + "/" + f.Name()); err != nil {
				return err
			}
		}
		return nil
	case !info.Mode().IsRegular() || info.Size() > 1000:
		return errAskGit
	}
	text, err := os.ReadFile(at)
	if err != nil {
		return errAskGit
	}
	n.loose[name] = strings.TrimRight(string(text), "\n")
	return nil
}

// readPacked reads the file into which git packs references: "ID NAME" on each line, below an annotated tag "^ID".
func (n *names) readPacked(patterns []string) error {
	const most = 4 << 20
	in, err := os.Open(filepath.Join(n.dir, "packed-refs"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return errAskGit
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil || len(text) > most {
		return errAskGit
	}
	wanted := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "^") {
			continue
		}
		id, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok {
			return errAskGit
		}
		n.packed[name] = id
		if matches(patterns, name) {
			wanted++
		}
		if wanted > mostHere {
			return errAskGit
		}
	}
	return nil
}

// all are the references that the patterns are for, by name. One that leads nowhere is none, as git sees it.
func (n *names) all(patterns []string) ([]reference, error) {
	found := map[string]bool{}
	for _, some := range []map[string]string{n.loose, n.packed} {
		for name := range some {
			found[name] = matches(patterns, name)
		}
	}
	var refs []reference
	for name, wanted := range found {
		if !wanted {
			continue
		}
		x := reference{name: name, id: n.value(name)}
		if link, ok := strings.CutPrefix(x.id, "ref: "); ok {
			x.link, x.id = link, ""
			if strings.HasPrefix(link, "refs/") && usual(link) && n.readFile(link) == nil {
				x.id = n.value(link)
			}
			if x.id == "" {
				continue
			}
		}
		if !usual(name) || len(x.id) != n.width || strings.Trim(x.id, "0123456789abcdef") != "" {
			return nil, errAskGit
		}
		refs = append(refs, x)
	}
	if len(refs) > mostHere {
		return nil, errAskGit
	}
	slices.SortFunc(refs, func(a, b reference) int { return strings.Compare(a.name, b.name) })
	return refs, nil
}

func (n *names) value(name string) string {
	if id, ok := n.loose[name]; ok {
		return id
	}
	return n.packed[name]
}

// matches says whether a pattern is for a name, or for a folder that it is in.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if strings.HasPrefix(name, p+"/") {
			return true
		}
		ok, err := path.Match(p, name)
		return ok && err == nil
	})
}

// usual says whether git would take the name for a reference's without a second thought.
func usual(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || part[0] == '-' || strings.HasSuffix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return !strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c == 0x7f || strings.ContainsRune(`~^:?*[\@`, c) }) &&
		!strings.Contains(name, "..")
}

// describe reads what references stand for, with the git that reads objects.
func (r *reading) describe(refs []reference) error {
	ids := make([]string, len(refs))
	for i := range refs {
		ids[i] = refs[i].id
	}
	r.objects.expect(ids, func(string) bool { return true })
	for i := range refs {
		o, err := r.objects.get(refs[i].id, largestCommit)
		if err != nil {
			return errAskGit // who says what is wrong with it, or knows that nothing is
		}
		refs[i].take(o)
	}
	return nil
}

// take notes what the object says of itself. Names and times are claims.
func (x *reference) take(o object) {
	x.kind = o.kind
	header, _, _ := strings.Cut(string(o.data), "\n\n")
	var at time.Time
	switch o.kind {
	case "commit":
		at = parseCommit(o.id, header).At
	case "tag":
		for line := range strings.SplitSeq(header, "\n") {
			switch key, value, _ := strings.Cut(line, " "); key {
			case "object":
				x.commit = value
			case "type":
				x.peeled = value
			case "tagger":
				_, at = signature(value)
			}
		}
	}
	if !at.IsZero() {
		x.at = at.Format(time.RFC3339)
	}
}

// told reads the references that patterns are for: without a git of their own where that is possible. Nobody else may
// use the git that reads objects meanwhile.
func (r *reading) told(refs []reference, unusual error, patterns ...string) ([]reference, error) {
	if unusual == nil {
		unusual = r.describe(refs)
	}
	if errors.Is(unusual, errAskGit) && r.ctx.Err() == nil {
		return r.references(patterns...)
	}
	return refs, errors.Join(unusual, r.ctx.Err())
}

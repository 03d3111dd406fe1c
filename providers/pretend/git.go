package pretend

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
	"time"
)

// The modes that git keeps for a path.
const (
	ModeFile      = "100644"
	ModeExec      = "100755"
	ModeSymlink   = "120000"
	ModeSubmodule = "160000"
	modeTree      = "040000"
)

// blob is one content. Its id is git's own.
type blob struct {
	id   string
	data []byte
}

// binary says what git says: a NUL among the first 8000 bytes.
func (b *blob) binary() bool { return bytes.IndexByte(b.data[:min(len(b.data), 8000)], 0) >= 0 }

// entry is what a name in a tree stands for: a blob, a tree, or the commit of a submodule.
type entry struct {
	mode string
	blob *blob
	tree *tree
	link string
}

func (e entry) id() string {
	switch {
	case e.tree != nil:
		return e.tree.hash()
	case e.blob != nil:
		return e.blob.id
	}
	return e.link
}

func (e entry) kind() string {
	switch e.mode {
	case modeTree:
		return "tree"
	case ModeSubmodule:
		return "commit"
	}
	return "blob"
}

// tree is never changed once it is part of a commit: with copies what lies on the way to a path, so commits share the rest.
type tree struct {
	entries map[string]entry
	id      string
	own     bool // made by the commit under way, and so still open to change
}

// hash is git's id of the tree, counted once, when somebody asks.
func (t *tree) hash() string {
	if t.id == "" {
		var b bytes.Buffer
		for _, name := range t.names() {
			e := t.entries[name]
			raw, _ := hex.DecodeString(e.id())
			fmt.Fprintf(&b, "%s %s\x00%s", strings.TrimPrefix(e.mode, "0"), name, raw)
		}
		t.id = object("tree", b.Bytes())
	}
	return t.id
}

// names are sorted as git sorts them: a folder as if its name ended in a slash.
func (t *tree) names() []string {
	names := make([]string, 0, len(t.entries))
	for n := range t.entries {
		names = append(names, n)
	}
	key := func(n string) string {
		if t.entries[n].tree != nil {
			return n + "/"
		}
		return n
	}
	sort.Slice(names, func(i, j int) bool { return key(names[i]) < key(names[j]) })
	return names
}

// at returns what stands at a slash-separated path; "" is the tree itself.
func (t *tree) at(path string) (entry, bool) {
	e := entry{mode: modeTree, tree: t}
	for name := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if name == "" {
			continue
		}
		if e.tree == nil {
			return entry{}, false
		}
		next, ok := e.tree.entries[name]
		if !ok {
			return entry{}, false
		}
		e = next
	}
	return e, true
}

// with returns the tree with e at path, or, when e is nil, with nothing there.
func (t *tree) with(path string, e *entry) *tree {
	if !t.own {
		own := &tree{entries: make(map[string]entry, len(t.entries)+1), own: true}
		for n, x := range t.entries {
			own.entries[n] = x
		}
		t = own
	}
	name, rest, deeper := strings.Cut(path, "/")
	switch {
	case deeper:
		sub := t.entries[name].tree
		if sub == nil {
			sub = &tree{own: true, entries: map[string]entry{}}
		}
		if sub = sub.with(rest, e); len(sub.entries) == 0 {
			delete(t.entries, name)
		} else {
			t.entries[name] = entry{mode: modeTree, tree: sub}
		}
	case e == nil:
		delete(t.entries, name)
	default:
		t.entries[name] = *e
	}
	return t
}

// seal ends the changes of with.
func (t *tree) seal() {
	if t.own {
		t.own = false
		for _, e := range t.entries {
			if e.tree != nil {
				e.tree.seal()
			}
		}
	}
}

// walk visits what lies below, in git's order; see says whether to go on into a folder.
func (t *tree) walk(prefix string, see func(path string, e entry) bool) {
	for _, n := range t.names() {
		e := t.entries[n]
		if see(prefix+n, e) && e.tree != nil {
			e.tree.walk(prefix+n+"/", see)
		}
	}
}

// Signature is who made a commit or a tag, and when.
type Signature struct {
	Name  string    `yaml:"name"`
	Email string    `yaml:"email"`
	At    time.Time `yaml:"at"`
}

// commit is one state of the files. Its id is counted as git would, from everything it holds.
type commit struct {
	id                string
	tree              *tree
	parents           []*commit
	message           string
	author, committer Signature
	verified          bool
}

// tag is an annotated tag; a lightweight one is a ref to a commit.
type tag struct {
	id, name, message string
	target            *commit
	tagger            Signature
	signed            bool   // the forge could verify the signature
	reason            string // its word on it, when not
}

// objects are what a repository and its forks keep together.
type objects struct {
	blobs   map[string]*blob
	trees   map[string]*tree
	commits map[string]*commit
	tags    map[string]*tag
	bases   map[[2]*commit]*commit
	diffs   map[[2]*tree][]*change
	patches map[[2]*blob]*patch
}

func newObjects() *objects {
	return &objects{blobs: map[string]*blob{}, trees: map[string]*tree{}, commits: map[string]*commit{}, tags: map[string]*tag{},
		bases: map[[2]*commit]*commit{}, diffs: map[[2]*tree][]*change{}, patches: map[[2]*blob]*patch{}}
}

func object(kind string, data []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "%s %d\x00", kind, len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

func (o *objects) blob(data []byte) *blob {
	id := object("blob", data)
	if o.blobs[id] == nil {
		o.blobs[id] = &blob{id: id, data: data}
	}
	return o.blobs[id]
}

// edit returns t with the files written; a file that says Gone is removed. Names are taken as they are.
func (o *objects) edit(t *tree, files map[string]File) *tree {
	if t == nil {
		t = &tree{own: true, entries: map[string]entry{}}
	}
	for path, f := range files {
		path = strings.Trim(path, "/")
		switch {
		case path == "":
		case f.Gone:
			t = t.with(path, nil)
		case f.Mode == ModeSubmodule:
			t = t.with(path, &entry{mode: f.Mode, link: f.Text})
		default:
			mode := f.Mode
			if mode == "" {
				mode = ModeFile
			}
			t = t.with(path, &entry{mode: mode, blob: o.blob([]byte(f.Text))})
		}
	}
	t.seal()
	return t
}

func (o *objects) commit(t *tree, parents []*commit, message string, author, committer Signature) *commit {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", t.hash())
	for _, p := range parents {
		fmt.Fprintf(&b, "parent %s\n", p.id)
	}
	who := func(role string, s Signature) {
		fmt.Fprintf(&b, "%s %s <%s> %d +0000\n", role, s.Name, s.Email, s.At.Unix())
	}
	who("author", author)
	who("committer", committer)
	fmt.Fprintf(&b, "\n%s", message)
	id := object("commit", []byte(b.String()))
	if old := o.commits[id]; old != nil {
		return old
	}
	c := &commit{id: id, tree: t, parents: parents, message: message, author: author, committer: committer}
	o.commits[id] = c
	o.keep(t)
	return c
}

// keep makes a tree and those below it known by id.
func (o *objects) keep(t *tree) {
	if id := t.hash(); o.trees[id] == nil {
		o.trees[id] = t
		for _, e := range t.entries {
			if e.tree != nil {
				o.keep(e.tree)
			}
		}
	}
}

func (o *objects) annotate(name, message string, target *commit, by Signature, signed bool, reason string) *tag {
	id := object("tag", fmt.Appendf(nil, "object %s\ntype commit\ntag %s\ntagger %s <%s> %d +0000\n\n%s",
		target.id, name, by.Name, by.Email, by.At.Unix(), message))
	o.tags[id] = &tag{id: id, name: name, message: message, target: target, tagger: by, signed: signed, reason: reason}
	return o.tags[id]
}

// ancestors are all commits that c contains, itself included.
func ancestors(c *commit) map[*commit]bool {
	seen := map[*commit]bool{}
	for todo := []*commit{c}; len(todo) > 0; {
		c := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if c != nil && !seen[c] {
			seen[c] = true
			todo = append(todo, c.parents...)
		}
	}
	return seen
}

// mergeBase is the newest commit that both contain and that no other such commit contains; nil when there is none.
func (o *objects) mergeBase(a, b *commit) *commit {
	key := [2]*commit{a, b}
	if base, ok := o.bases[key]; ok {
		return base
	}
	mine, seen := ancestors(a), map[*commit]bool{}
	var found []*commit
	for todo := []*commit{b}; len(todo) > 0; {
		c := todo[0]
		todo = todo[1:]
		switch {
		case c == nil || seen[c]:
		case mine[c]:
			seen[c] = true
			found = append(found, c)
		default:
			seen[c] = true
			todo = append(todo, c.parents...)
		}
	}
	var best *commit
	for _, c := range found {
		covered := false
		for _, d := range found {
			covered = covered || d != c && ancestors(d)[c]
		}
		if !covered && (best == nil || c.committer.At.After(best.committer.At)) {
			best = c
		}
	}
	o.bases[key] = best
	return best
}

// between are the commits of head that base has not, oldest first, parents before children.
func between(base, head *commit) []*commit {
	seen := map[*commit]bool{}
	if base != nil {
		seen = ancestors(base)
	}
	type step struct {
		c    *commit
		next int
	}
	var list []*commit
	if head == nil || seen[head] {
		return nil
	}
	seen[head] = true
	for stack := []step{{c: head}}; len(stack) > 0; {
		top := &stack[len(stack)-1]
		if top.next == len(top.c.parents) {
			list = append(list, top.c)
			stack = stack[:len(stack)-1]
			continue
		}
		p := top.c.parents[top.next]
		top.next++
		if p != nil && !seen[p] {
			seen[p] = true
			stack = append(stack, step{c: p})
		}
	}
	return list
}

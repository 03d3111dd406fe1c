package github

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

const (
	foreseen = 40  // texts a side that the last reading wanted
	mostHint = 100 // paths of one push
)

// Hint tells what a push is said to have touched, so that the next reading of a change with this head can ask for those
// files at once. It is a hint and no evidence: GitHub's own list decides. A path too many costs little, and one that is
// missing costs one call.
func (c *Client) Hint(repo gate.Repo, head string, paths []string) {
	if !oid(head) || len(paths) == 0 || len(paths) > mostHint {
		return
	}
	kept := slices.Clone(paths)
	slices.Sort(kept)
	c.memory.hints.Add(diffKey{strings.ToLower(repo.Name), "", head}, slices.Compact(kept))
}

// foresee decides which texts the first request asks for: the policy, what the last reading wanted, and what a push
// foretold. Texts that are remembered for the commits in question are left out.
func (r *reading) foresee(expect string) {
	r.asked.tip = slices.Clone(policy.Paths)
	head := expect
	if head == "" && r.prior != nil {
		head = r.prior.head
	}
	start := ""
	if r.prior != nil && r.prior.head == head {
		start = r.prior.start
	}
	for _, t := range r.likely() {
		switch t.Side {
		case checks.Tip:
			r.asked.tip = once(r.asked.tip, t.Path, foreseen)
		case checks.Head:
			if !r.remembered(head, t.Path) {
				r.asked.head = once(r.asked.head, t.Path, foreseen)
			}
		case checks.Base:
			if !r.remembered(start, t.Path) {
				r.asked.start = once(r.asked.start, t.Path, foreseen)
			}
		}
	}
	if start != "" {
		if _, ok := r.c.memory.diffs.get(diffKey{r.key(), start, head}); ok {
			return
		}
	}
	paths, ok := r.foretoldPaths(head)
	if !ok {
		return
	}
	r.asked.foretold = true
	for _, p := range paths {
		r.asked.head = once(r.asked.head, p, foreseen+mostHint)
		r.asked.start = once(r.asked.start, p, foreseen+mostHint)
	}
}

// foretoldPaths are those that pushes told of: by this head, and by the heads before it back to the last one read.
func (r *reading) foretoldPaths(head string) ([]string, bool) {
	paths, ok := r.c.memory.hints.Get(diffKey{r.key(), "", head})
	if !ok {
		return nil, false
	}
	if r.prior == nil || r.prior.head == head {
		return paths, true
	}
	if d, ok := r.c.memory.diffs.get(diffKey{r.key(), r.prior.start, r.prior.head}); ok { // what the change touched before
		paths = slices.Clone(paths)
		for _, f := range d.files {
			paths = append(paths, f.Path)
		}
		slices.Sort(paths)
		paths = slices.Compact(paths)
	}
	return paths, len(paths) <= mostHint
}

// likely is what the last reading of this change wanted, or of another one of the repository. Before there was any it
// is the changelog.
func (r *reading) likely() []checks.Text {
	if r.prior != nil {
		return r.prior.texts
	}
	r.habit.mu.Lock()
	defer r.habit.mu.Unlock()
	if !r.habit.read {
		return []checks.Text{{Side: checks.Base, Path: "CHANGELOG.md"}, {Side: checks.Head, Path: "CHANGELOG.md"}}
	}
	return r.habit.texts
}

func once(paths []string, p string, most int) []string {
	if len(paths) >= most || slices.Contains(paths, p) {
		return paths
	}
	return append(paths, p)
}

func (r *reading) remembered(commit, path string) bool {
	if commit == "" {
		return false
	}
	_, ok := r.c.memory.texts.get(textKey{r.key(), commit, path})
	return ok
}

// contents takes in the files that were asked for at one commit. What is longer than GraphQL shows is left for later.
func (r *reading) contents(side checks.Side, commit string, paths []string, n *commitNode) error {
	if n == nil {
		return nil
	}
	for i, p := range paths {
		e, asked := n.files[i]
		if !asked {
			return fmt.Errorf("read %s at %.8s: GitHub left it out of its answer", p, commit)
		}
		t, more, err := content(side, p, e)
		if err != nil {
			return err
		}
		if more {
			r.long[textKey{r.key(), commit, p}] = e.Object.OID
			continue
		}
		r.keepText(commit, t)
	}
	return nil
}

func (r *reading) keepText(commit string, t checks.Text) {
	k := textKey{r.key(), commit, t.Path}
	t.Side = ""
	r.texts[k] = t
	r.c.memory.texts.add(k, t, 150+len(t.Path)+len(t.Text))
}

// have returns a text that this reading or an earlier one took in.
func (r *reading) have(side checks.Side, path string) (checks.Text, bool) {
	k := textKey{r.key(), r.commit(side), path}
	t, ok := r.texts[k]
	if !ok {
		t, ok = r.c.memory.texts.get(k)
	}
	t.Side = side
	return t, ok
}

func (r *reading) commit(side checks.Side) string {
	switch side {
	case checks.Tip:
		return r.tip
	case checks.Base:
		return r.start
	}
	return r.head
}

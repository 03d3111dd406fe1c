package gitlab

import (
	"context"
	"net/url"
	"slices"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/compare"
)

// The files of a whole commit take GitLab a request for each hundred. A target branch moves in small steps: what one took
// away, brought and changed makes the list, and the texts, of a commit out of those of the one before.

// list is the paths of all files of a commit, sorted; why says that they are not all there.
func (r *reading) list(ctx context.Context, commit string) (paths []string, why string, err error) {
	key := pair{r.key(), "", commit}
	if paths, ok := r.c.memory.lists.Get(key); ok {
		return paths, "", nil
	}
	if before, ok := r.c.memory.latest.Get(r.key()); ok && before != commit {
		if paths, ok := r.c.memory.lists.Get(pair{r.key(), "", before}); ok {
			step, err := r.step(ctx, before, commit)
			if err != nil {
				return nil, "", err
			}
			if step != nil {
				return r.keepList(commit, step.onward(paths)), "", nil
			}
		}
	}
	entries, why, err := r.tree(ctx, commit)
	if err != nil {
		return nil, "", err
	}
	for _, e := range entries {
		paths = append(paths, e.Path)
	}
	if why != "" {
		return paths, why, nil
	}
	return r.keepList(commit, paths), "", nil
}

func (r *reading) keepList(commit string, paths []string) []string {
	weight := 100
	for _, p := range paths {
		weight += 16 + len(p)
	}
	r.c.memory.lists.Add(pair{r.key(), "", commit}, paths, weight)
	r.c.memory.latest.Add(r.key(), commit)
	return paths
}

// step is what lies between two commits, whichever is the older; nil where GitLab does not tell all of it.
func (r *reading) step(ctx context.Context, from, to string) (*difference, error) {
	var c comparisonNode
	q := url.Values{"from": {from}, "to": {to}, "straight": {"true"}}
	if _, err := r.a.get(ctx, at(r.repo, "repository", "compare"), q, &c); err != nil {
		if status(err) == 404 { // the older one may be gone for good
			return nil, nil
		}
		return nil, err
	}
	d := &difference{base: from, head: to, full: true}
	d.take(c.Diffs)
	if c.Timeout || !d.full {
		return nil, nil
	}
	bytes := 500 + compare.Weight(d.files)
	for _, p := range d.patches {
		bytes += len(p)
	}
	r.c.memory.steps.Add(pair{r.key(), "", to}, d, bytes)
	return d, nil
}

// onward applies a difference to a sorted list of paths.
func (d *difference) onward(paths []string) []string {
	set := make(map[string]bool, len(paths))
	for _, p := range paths {
		set[p] = true
	}
	for _, f := range d.files {
		if f.Status == "removed" {
			delete(set, f.Path)
		}
		if f.Status == "renamed" {
			delete(set, f.Old)
		}
	}
	for _, f := range d.files {
		if f.Status != "removed" {
			set[f.Path] = true
		}
	}
	next := make([]string, 0, len(set))
	for p := range set {
		next = append(next, p)
	}
	slices.Sort(next)
	return next
}

// mostSteps bounds how far back a text is looked for.
const mostSteps = 20

// stepped is a text that follows from that of an earlier commit.
func (r *reading) stepped(commit, path string, left int) (checks.Text, bool) {
	if t, ok := r.c.memory.texts.Get(textKey{r.key(), commit, path}); ok || left == 0 {
		return t, ok
	}
	d, ok := r.c.memory.steps.Get(pair{r.key(), "", commit})
	if !ok {
		return checks.Text{}, false
	}
	before, ok := r.stepped(d.base, path, left-1)
	i, touched := d.find(path)
	switch {
	case touched && d.files[i].Status == "removed":
		return checks.Text{Path: path, Absent: true}, true
	case !touched && d.old(path):
		return checks.Text{Path: path, Absent: true}, true
	case !ok:
		return checks.Text{}, false
	case !touched:
		return before, true
	case d.files[i].Status != "modified" || before.Absent || before.Kind != "" || compare.ModeKind(d.modes[path].after) != "":
		return checks.Text{}, false
	}
	patch := d.patches[path]
	if patch == "" || !plainPatch(patch) {
		return checks.Text{}, false
	}
	text, fits := compare.Apply(before.Text, patch)
	if !fits || len(text) > compare.Largest {
		return checks.Text{}, false
	}
	t := checks.Text{Path: path}
	t.Text, t.Kind = compare.Raw([]byte(text))
	r.keepText(commit, t)
	return t, true
}

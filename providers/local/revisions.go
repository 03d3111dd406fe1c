package local

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/sorting"
)

// reference is one that git has.
type reference struct {
	name, link     string // full names; link: where a symbolic one leads
	kind, id       string
	peeled, commit string // of an annotated tag: the kind and id of what it is of
	at             string // tagger's or committer's date, RFC 3339
}

// mayBeDefault are the references that may be the default branch, and where remotes say theirs is.
func mayBeDefault() []string {
	patterns := []string{"refs/remotes/*/HEAD"}
	for _, b := range usualDefaults() {
		patterns = append(patterns, "refs/heads/"+b, "refs/remotes/*/"+b)
	}
	return patterns
}

func (r *reading) references(patterns ...string) ([]reference, error) {
	const format = "%(refname)%00%(symref)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)%00%(creatordate:iso-strict)"
	args := append([]string{"for-each-ref", "--format=" + format}, patterns...)
	out, err := r.git.output(r.ctx, args...)
	if err != nil {
		return nil, err
	}
	var refs []reference
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\x00")
		if len(f) == 7 {
			refs = append(refs, reference{f[0], f[1], f[2], f[3], f[4], f[5], f[6]})
		}
	}
	return refs, nil
}

func usualDefaults() []string { return []string{"main", "master", "trunk", "develop", "default"} }

// commit finds what a name given by the user stands for.
func (r *reading) commit(rev string) (string, error) {
	if rev == "" || strings.HasPrefix(rev, "-") || strings.ContainsAny(rev, "\n\r\x00") {
		return "", fmt.Errorf("%q is no revision", rev)
	}
	x, err := r.objects.get(rev+"^{commit}", largestCommit)
	if errors.Is(err, errMissing) {
		if rev == "HEAD" && !r.shallow {
			return "", errors.New("it has no commits yet, or HEAD names a branch that is not here")
		}
		hint := ""
		if r.shallow {
			hint = " (this clone is shallow; fetch more history with: git fetch --deepen=1000)"
		}
		return "", fmt.Errorf("there is no commit %q here%s", rev, hint)
	}
	if err != nil {
		return "", fmt.Errorf("find %q: %w", rev, err)
	}
	return x.id, nil
}

// branch is a candidate for the target branch.
type branch struct{ name, commit string }

// defaultBranch finds the branch that changes go into: where the remote says its default is, else a branch of a usual
// name, at the remote before here, since the one here may lag or run ahead.
func defaultBranch(refs []reference) (branch, bool) {
	at := func(full string) (string, bool) {
		i := slices.IndexFunc(refs, func(x reference) bool { return x.name == full && x.kind == "commit" })
		if i < 0 {
			return "", false
		}
		return refs[i].id, true
	}
	heads := slices.DeleteFunc(slices.Clone(refs), func(x reference) bool {
		return !strings.HasPrefix(x.name, "refs/remotes/") || !strings.HasSuffix(x.name, "/HEAD") || x.link == ""
	})
	sorting.By(heads, func(a, b reference) int { return preferOrigin(a.name) - preferOrigin(b.name) })
	for _, h := range heads {
		if h.kind == "commit" {
			folder := strings.TrimSuffix(h.name, "HEAD")
			return branch{strings.TrimPrefix(h.link, folder), h.id}, true
		}
	}
	for _, name := range usualDefaults() {
		if id, ok := at("refs/remotes/origin/" + name); ok {
			return branch{name, id}, true
		}
	}
	for _, name := range usualDefaults() {
		if id, ok := at("refs/heads/" + name); ok {
			return branch{name, id}, true
		}
	}
	return branch{}, false
}

func preferOrigin(name string) int {
	if strings.HasPrefix(name, "refs/remotes/origin/") {
		return 0
	}
	return 1
}

// headBranch is the name of the branch that is checked out, "" when none is.
func (r *reading) headBranch() string {
	b, err := os.ReadFile(r.git.dir + "/HEAD")
	if err != nil {
		return ""
	}
	name, ok := strings.CutPrefix(strings.TrimSpace(string(b)), "ref: refs/heads/")
	if !ok {
		return ""
	}
	return name
}

// mergeBase is the newest commit that two have in common; "" when there is none.
func (r *reading) mergeBase(a, b string) (string, error) {
	if r.between = r.line(a, b); a == b || r.between != nil || r.descends(b, a) {
		return a, nil
	}
	out, err := r.git.output(r.ctx, "merge-base", a, b)
	if code(err) == 1 {
		return "", nil
	}
	return strings.TrimSpace(string(out)), err
}

// line lists the commits after one up to another, newest first, where each has one parent and there are few: then no
// other lies between them, and git need not be asked. It is nil where that is not so.
func (r *reading) line(after, upTo string) []string {
	const most = 150
	var ids []string
	for id := upTo; after != "" && len(ids) < most; {
		c, err := r.readCommit(id)
		if err != nil || len(c.Parents) != 1 || r.boundary[id] {
			return nil
		}
		ids = append(ids, id)
		if id = c.Parents[0]; id == after {
			return ids
		}
	}
	return nil
}

// descends looks for an ancestor among the nearest of a commit, which are read for the change anyway: a change is
// mostly short, and mostly on top of its target. That it is not found says nothing.
func (r *reading) descends(commit, ancestor string) bool {
	const most = 50
	queue, seen := []string{commit}, map[string]bool{commit: true}
	for i := 0; i < len(queue) && i < most; i++ {
		c, err := r.readCommit(queue[i])
		if err != nil || r.boundary[c.ID] {
			continue
		}
		for _, p := range c.Parents {
			if p == ancestor {
				return true
			}
			if !seen[p] {
				seen[p], queue = true, append(queue, p)
			}
		}
	}
	return false
}

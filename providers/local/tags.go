package local

import (
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// tags are the repository's that lead to a commit.
func (r *reading) tags(refs []reference) error {
	for _, x := range refs {
		name, ok := strings.CutPrefix(x.name, "refs/tags/")
		if !ok {
			continue
		}
		t := checks.Tag{Name: valid(name), Commit: x.id, Annotated: x.kind == "tag"}
		switch {
		case x.kind == "tag" && x.peeled == "commit":
			t.Commit = x.commit
		case x.kind == "tag" && x.peeled == "tag": // a tag of a tag
			c, err := r.objects.get(x.id+"^{commit}", largestCommit)
			if err != nil {
				continue
			}
			t.Commit = c.id
		case x.kind != "commit":
			continue
		}
		if at, err := time.Parse(time.RFC3339, x.at); err == nil {
			t.At = at.UTC()
		}
		r.f.Tags = append(r.f.Tags, t)
	}
	if r.shallow && len(r.f.Tags) == 0 {
		r.gap("tags", "A shallow clone comes without tags: fetch them with: git fetch --tags")
	}
	return nil
}

// forgetLater leaves out the tags that contain the head: they were made of this very change, or after it, and it is
// judged as of before. So a commit of long ago, or one that has just been released, gets the verdict that it would have
// got in time. Walking the history is only worth it where a tag says that it is as new; a wrong date hides none.
func (r *reading) forgetLater() error {
	head, err := r.readCommit(r.f.Change.Head.Commit)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(r.f.Tags, func(t checks.Tag) bool { return !t.At.Before(head.At) }) {
		return nil
	}
	out, err := r.git.output(r.ctx, "tag", "--list", "--contains", head.ID, "--format=%(refname)")
	if r.lacks(err) {
		return nil // of a history that is cut off: all tags count
	}
	if err != nil {
		return err
	}
	later := map[string]bool{}
	for name := range strings.Lines(string(out)) {
		later[valid(strings.TrimPrefix(strings.TrimSuffix(name, "\n"), "refs/tags/"))] = true
	}
	r.f.Tags = slices.DeleteFunc(r.f.Tags, func(t checks.Tag) bool { return later[t.Name] })
	return nil
}

package local

import (
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

package local

import (
	"context"
	"fmt"

	"github.com/sluicegate/sluice/checks"
)

// View is a repository as it stands at one commit, for whoever wants to look around and not to judge.
type View struct {
	Commit string       // that is looked at
	Branch string       // the default branch, "" when none is known
	Paths  []string     // of all files, sorted
	Tags   []checks.Tag // by name
	r      *reading
	stop   context.CancelFunc
}

// Look opens a view of the repository at a revision; "" stands for HEAD. Whoever opens it closes it.
func (r *Repository) Look(ctx context.Context, rev string) (*View, error) {
	if rev == "" {
		rev = "HEAD"
	}
	ctx, stop := context.WithCancel(ctx)
	x := &reading{Repository: r, ctx: ctx, objects: r.reader(ctx), boundary: r.boundaries(), f: &checks.Facts{}}
	v := &View{r: x, stop: stop}
	if err := v.read(rev); err != nil {
		v.Close()
		return nil, fmt.Errorf("look at %s: %w", r.name, err)
	}
	return v, nil
}

func (v *View) read(rev string) error {
	var err error
	if v.Commit, err = v.r.commit(rev); err != nil {
		return err
	}
	refs, err := v.r.references(mayBeDefault()...)
	if err != nil {
		return err
	}
	target, _ := defaultBranch(refs)
	v.Branch = target.name
	tags, err := v.r.references("refs/tags")
	if err != nil {
		return err
	}
	if err := v.r.tags(tags); err != nil {
		return err
	}
	v.Tags = v.r.f.Tags
	v.Paths, err = v.r.list(v.Commit, func(string) bool { return true })
	return err
}

// Text is the content of a file; ok is false when it is absent or no text.
func (v *View) Text(path string) (text string, ok bool) {
	t, err := v.r.text(checks.Head, v.Commit, path)
	return t.Text, err == nil && !t.Absent && t.Kind == ""
}

// Close ends the view.
func (v *View) Close() {
	v.r.objects.close()
	v.stop()
}

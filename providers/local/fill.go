package local

import (
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
)

// mostRounds is how often the checks may ask for more: as often as of a forge, and twice for what is put off here.
const mostRounds = 6

// fill reads what the checks want, round by round. A policy that is broken wants nothing: who judges will say so.
func (r *reading) fill() error {
	r.guesses.Wait()
	set, err := r.set()
	if err != nil {
		return nil
	}
	for range mostRounds {
		w := checks.AskFor(set, r.f)
		w.People, w.Teams, w.Orgs = r.nobody(w), nil, nil
		if w.Empty() {
			return nil
		}
		if err := r.answer(w); err != nil {
			return err
		}
	}
	return nil
}

// bet starts to list the tree at once where a change of code would want that, as nearly all changes are: to list it takes
// longer than to compare the files. It is not done where git might have to fetch what it lists.
func (r *reading) bet() {
	if r.set == nil || r.partial {
		return
	}
	placed := make(chan struct{})
	r.placed = placed
	wanted := r.wanting([]checks.File{{Path: "code.go", Status: "modified"}})
	r.guesses.Go(func() {
		defer close(placed)
		if wanted() {
			r.foresee(r.f.Change.Head.Commit)
		}
	})
}

// guess starts to list the tree when the names of the changed files show that it will be wanted, whatever is in them, and
// stops it when they show that it will not. It is called as soon as there are names.
func (r *reading) guess() {
	if r.set == nil {
		return
	}
	wanted, placed := r.wanting(slices.Clone(r.f.Files)), r.placed
	r.guesses.Go(func() {
		if placed != nil {
			<-placed
		}
		if wanted() {
			r.foresee(r.f.Change.Head.Commit)
		} else if r.foreseen != nil {
			r.foreseen.stop()
		}
	})
}

// wanting says whether the tree would be wanted of a change of these files, whatever is in them.
func (r *reading) wanting(files []checks.File) func() bool {
	f, c := *r.f, *r.f.Change
	f.Change, f.Files = &c, files
	for i := range files {
		files[i].Read = true
	}
	return func() bool {
		set, err := r.set()
		return err == nil && checks.AskFor(set, &f).Paths != nil
	}
}

// nobody says that rights cannot be asked here.
func (r *reading) nobody(w *checks.Wants) []checks.Person {
	if len(w.People) > 0 {
		r.gap("people", "A repository on disk knows no accounts and no rights.")
	}
	if len(w.Teams)+len(w.Orgs) > 0 {
		r.gap("teams", "A repository on disk knows no teams.")
	}
	return nil
}

// answer reads what is wanted. The tree of a large repository takes longer to list than all else to read, and lines or
// texts often show that nothing in it matters: so they come first.
func (r *reading) answer(w *checks.Wants) error {
	var g errgroup.Group
	var listed, shown error
	now := w.Paths != nil && w.Lines == nil && len(w.Texts) == 0
	if now {
		g.Go(func() error {
			r.f.Paths, listed = r.list(r.f.Change.Head.Commit, w.Paths)
			return nil
		})
	}
	if w.Lines != nil {
		g.Go(func() error {
			shown = r.lines(r.start(), r.f.Change.Head.Commit, w.Lines)
			return nil
		})
	}
	if err := r.texts(w.Texts); err != nil {
		_ = g.Wait()
		return err
	}
	_ = g.Wait()
	if now {
		slices.Sort(r.f.Paths)
		r.f.Listed = true
	}
	for _, x := range []struct {
		part string
		err  error
	}{{"paths", listed}, {"lines", shown}} {
		if r.lacks(x.err) {
			r.gap(x.part, "%s", r.lack(x.err))
		} else if x.err != nil {
			return x.err
		}
	}
	r.cutUnread(w)
	r.addUp()
	sorting.By(r.f.Gaps, func(a, b checks.Gap) int { return strings.Compare(a.Part+a.Reason, b.Part+b.Reason) })
	return nil
}

func (r *reading) texts(wanted []checks.Text) error {
	for _, t := range wanted {
		read, err := r.text(t.Side, r.side(t.Side), t.Path)
		switch {
		case r.lacks(err):
			r.gap("text:"+t.Path, "%s", r.lack(err))
			read.Kind = "missing" // hides the text, and is not asked for again
		case err != nil:
			return err
		}
		r.f.Texts = append(r.f.Texts, read)
	}
	return nil
}

// cutUnread says of files whose lines were wanted and could not be had that they are cut.
func (r *reading) cutUnread(w *checks.Wants) {
	for i := range r.f.Files {
		if x := &r.f.Files[i]; w.Lines != nil && w.Lines(*x) {
			x.Cut = true
		}
	}
}

// side is the commit that a side stands for; "" when the change has no such side.
func (r *reading) side(s checks.Side) string {
	switch s {
	case checks.Head:
		return r.f.Change.Head.Commit
	case checks.Tip:
		return r.f.Change.Base.Commit
	}
	return r.f.Change.MergeBase
}

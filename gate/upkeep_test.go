package gate

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/sluicegate/sluice/checks"
)

// minder is a forge whose webhooks go off, and that knows which repositories it is to guard.
type minder struct {
	Provider
	mended int
	repos  []Repo
	err    error
}

func (m *minder) Mend(context.Context) ([]string, error) {
	m.mended++
	return []string{"a webhook"}, m.err
}

func (m *minder) Repositories(context.Context) ([]Repo, error) { return m.repos, m.err }

func TestASweepLooksForChangesOfWhichNobodyTold(t *testing.T) {
	t.Parallel()
	known := []checks.Subject{
		{Forge: "github", Repo: "acme/Shop", Kind: checks.KindChange, Change: 1}, {Forge: "github", Repo: "acme/gone", Kind: checks.KindChange, Change: 2},
	}
	for name, c := range map[string]struct {
		m      *minder
		dry    bool
		want   string
		mended int
	}{
		"those it reaches":           {&minder{repos: []Repo{{Forge: "github", Name: "acme/shop"}, {Forge: "github", Name: "acme/new"}}}, false, "[change:github:acme/gone#2 base:github:acme/shop~ base:github:acme/new~]", 1},
		"the busy ones first":        {&minder{repos: []Repo{{Forge: "github", Name: "acme/a"}, {Forge: "github", Name: "acme/shop"}, {Forge: "github", Name: "acme/b"}, {Forge: "github", Name: "acme/Gone"}}}, false, "[base:github:acme/shop~ base:github:acme/Gone~ base:github:acme/a~ base:github:acme/b~]", 1},
		"while some cannot be read":  {&minder{repos: []Repo{{Forge: "github", Name: "acme/new"}}, err: errors.New("no")}, false, "[change:github:acme/shop#1 change:github:acme/gone#2 base:github:acme/new~]", 1},
		"nothing is mended in a dry": {&minder{}, true, "[change:github:acme/shop#1 change:github:acme/gone#2]", 0},
	} {
		m := &memory{open: known}
		r := reconciler(&forge{}, m)

		r.Providers["github"], r.DryRun = c.m, c.dry
		out, err := r.Work(t.Context(), Work{Mark: Mark{Kind: MarkSweep, Forge: "github"}})
		var got []string
		for _, mark := range out.Marks {
			got = append(got, string(mark.Kind)+":"+mark.Key())
		}
		if err != nil || fmt.Sprint(got) != c.want || c.m.mended != c.mended || len(out.Delays) < len(known) {
			t.Errorf("%s: marked %v, mended %d times, %v, want %s, %d", name, got, c.m.mended, err, c.want, c.mended)
		}
	}
}

// forereader is a forge that reads ahead.
type forereader struct {
	Provider
	read  []Repo
	class Class
	err   error
}

func (f *forereader) Ahead(ctx context.Context, repo Repo) error {
	f.read, f.class = append(f.read, repo), ClassOf(ctx)
	return f.err
}

// What is read ahead is a sweep's concern, and nothing comes of it, whether it could be read or not.
func TestReadingAheadIsASweepsConcern(t *testing.T) {
	t.Parallel()
	f := &forereader{}
	r := reconciler(&forge{}, &memory{})
	r.Providers["gitlab"] = f
	for _, err := range []error{nil, errors.New("no")} {
		f.read, f.err = nil, err
		mark := Mark{Kind: MarkAhead, Forge: "gitlab", Repo: "acme/shop"}
		out, err := r.Work(t.Context(), Work{Mark: mark, Causes: []Mark{{Why: "push"}}})
		if err != nil || len(out.Marks) > 0 || fmt.Sprint(f.read) != "[{gitlab acme/shop 0}]" || f.class != ForSweep {
			t.Errorf("it read %v for class %v, and marked %v: %v", f.read, f.class, out.Marks, err)
		}
	}
	if out, err := r.Work(t.Context(), Work{Mark: Mark{Kind: MarkAhead, Forge: "github", Repo: "acme/shop"}}); err != nil || out.Note == "" {
		t.Errorf("a forge that reads nothing ahead: %+v, %v", out, err)
	}
}

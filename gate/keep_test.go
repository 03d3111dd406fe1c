package gate

import (
	"errors"
	"testing"

	"github.com/sluicegate/sluice/checks"
)

// Whoever is told of a decision finds it on record, whatever ends the process in between.
func TestNobodyIsToldOfADecisionBeforeItIsKept(t *testing.T) {
	t.Parallel()
	tag := checks.Facts{At: now, Subject: checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindTag, Tag: "v1.2.0"}, Listed: true,
		Repository: checks.Repository{Name: "acme/shop", Default: "main"}, Pushed: &checks.TagPush{Name: "v1.2.0", Commit: "aaa"}}
	refusal := errors.New("the disk is full")
	for name, c := range map[string]struct {
		facts checks.Facts
		work  Work
	}{
		"of a change": {change(), work()},
		"of a tag":    {tag, Work{Attempt: 1, Mark: Mark{Kind: MarkTag, Forge: "github", Repo: "acme/shop", Tag: "v1.2.0"}}},
	} {
		t.Run(name, func(t *testing.T) {
			f, m := &forge{facts: c.facts}, &memory{refuses: refusal}
			if _, err := reconciler(f, m).Work(t.Context(), c.work); !errors.Is(err, refusal) || len(f.posted) > 0 {
				t.Errorf("Work that cannot keep its decision = %v, and it has posted %v; want the refusal and nothing", err, f.posted)
			}
			m = &memory{}
			out := must(t, reconciler(f, m), m, c.work)
			if len(f.posted) == 0 || len(m.first) != 1 || m.first[0].Decision == nil || len(m.first[0].Entries) == 0 || m.first[0].Entries[0].Decision != f.posted[0].ExternalID {
				t.Fatalf("kept first: %+v; posted %+v; want the decision that is posted with its entry", m.first, f.posted)
			}
			if !out.Kept || len(out.Entries) > 0 {
				t.Errorf("what is left to keep is %+v, want no entry twice", out)
			}
			if must(t, reconciler(f, m), m, c.work); len(m.first) != 1 {
				t.Errorf("the same decision was kept %d times", len(m.first))
			}
		})
	}
	t.Run("of a merge queue", func(t *testing.T) {
		f, s, r := inQueue(t)
		s.refuses = refusal
		if _, err := r.Work(t.Context(), groupWork(1)); !errors.Is(err, refusal) || len(f.posted) > 0 {
			t.Errorf("Work that cannot keep its decisions = %v, and it has posted %v; want the refusal and nothing", err, f.posted)
		}
		s.refuses, s.first = nil, nil
		if s.must(t, r, groupWork(1)); len(s.first) != 1 || len(s.first[0].Also) != 2 {
			t.Errorf("kept first: %+v, want the decisions on both changes", s.first)
		}
	})
}

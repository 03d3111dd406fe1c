package gate

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// both is the memory of a store that two workers write to.
type both struct {
	memory
	decisions map[string]*Decision
}

func (b *both) Latest(_ context.Context, s checks.Subject) (*Decision, []byte, error) {
	return b.decisions[s.Key()], nil, nil
}

func (b *both) OpenAt(context.Context, string, string, string) (open []checks.Subject, err error) {
	for _, d := range b.decisions {
		open = append(open, d.Subject)
	}
	return open, nil
}

// keeper is a queue that keeps what is finished, and notes what is raised.
type keeper struct {
	*both
	marked []string
}

func (k *keeper) Claim(context.Context, int, time.Duration) ([]Work, error) { return nil, nil }
func (k *keeper) Extend(context.Context, Work, time.Duration) error         { return nil }
func (k *keeper) Fail(context.Context, Work, string, time.Duration) error   { return nil }
func (k *keeper) Finish(_ context.Context, _ Work, o Outcome) error {
	if o.Decision != nil {
		k.decisions[o.Decision.Subject.Key()] = o.Decision
	}
	return nil
}

func (k *keeper) Mark(_ context.Context, marks ...Mark) error {
	for _, m := range marks {
		k.marked = append(k.marked, m.Key())
	}
	slices.Sort(k.marked)
	return nil
}

func TestChangesOfOneCommitThatAreJudgedAtOnceAreLookedAtAgain(t *testing.T) {
	t.Parallel()
	f := &forge{facts: change()}
	k := &keeper{both: &both{decisions: map[string]*Decision{}}}
	r := reconciler(f, &k.memory)
	r.Memory = k.both
	run := &Runner{Reconciler: r, Queue: k, Lease: time.Minute, Limit: time.Minute}
	set, err := policy.Load(f.facts.Sources...)
	if err != nil {
		t.Fatal(err)
	}
	other := *Decide(set, &f.facts, Acts{}, "other", now)
	other.Subject.Change = 8
	late := &beside{forge: f, then: func() { k.decisions[other.Subject.Key()] = &other }} // the other is kept while this is posted
	r.Providers["github"] = late
	run.one(t.Context(), work())
	if want := []string{"github:acme/shop#7", "github:acme/shop#8"}; !slices.Equal(k.marked, want) {
		t.Errorf("two decisions on one commit at once: marked %q, want %q", k.marked, want)
	}
	k.marked = nil
	run.one(t.Context(), work())
	if len(k.marked) != 0 {
		t.Errorf("a second look that decides nothing new marked %q, want nothing", k.marked)
	}
}

// beside is a forge at which something happens while a post is under way.
type beside struct {
	*forge
	then func()
}

func (b *beside) Post(ctx context.Context, s checks.Subject, f *checks.Facts, posts []Post) ([]Posted, error) {
	b.then()
	return b.forge.Post(ctx, s, f, posts)
}

package dashboard

import (
	"context"
	"log/slog"
	"testing"

	"github.com/sluicegate/sluice/gate/audit"
)

// asking notes from where the log was asked for.
type asking struct {
	*books
	after []int64
}

func (a *asking) Entries(ctx context.Context, q EntryQuery, see func(audit.Kept) error) error {
	a.after = append(a.after, q.After)
	return a.books.Entries(ctx, q, see)
}

// What overrides are counted from is read before anybody looks, and what comes later is added.
func TestTheLogIsReadAheadOfThePageThatCountsIt(t *testing.T) {
	t.Parallel()
	b, err := New(nil, true, "v1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Warm(t.Context()); err != nil {
		t.Errorf("a board without pages: %v", err)
	}
	a := &asking{books: &books{}}
	b.Open(&Pages{Library: a})
	for range 2 {
		if err := b.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.after) != 2 || a.after[0] != 0 || a.after[1] != 2 {
		t.Errorf("the log was asked for after %v, want after 0, and then after 2, which is the newest", a.after)
	}
}

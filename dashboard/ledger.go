package dashboard

import (
	"context"
	"net/http"
	"sync"

	"github.com/sluicegate/sluice/gate"
)

// ledger remembers what overrides are counted from. The log only ever grows, and to read years of it anew for each page would take
// longer than all else that the page does: so each entry is read once, and what comes later is added.
type ledger struct {
	mu      sync.Mutex
	entries []gate.Entry // oldest first, without what is only shown
	last    int64        // seq of the newest entry that was read
}

const mostOverrides = 20000 // that are counted: the newest

// read is all of them, and never changed afterwards: whoever has it may go on reading while more is added.
func (l *ledger) read(v *visitor) ([]gate.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh, err := v.read(EntryQuery{Kinds: []gate.EntryKind{gate.EntryOverride, gate.EntryCommand}, After: l.last, Newest: mostOverrides})
	if err != nil {
		return nil, err
	}
	for i := len(fresh) - 1; i >= 0; i-- { // the newest comes first
		e := fresh[i]
		l.last = e.Seq
		if e.Kind == gate.EntryOverride || e.Command == "override" && e.Outcome == "refused" {
			l.entries = append(l.entries, gate.Entry{Seq: e.Seq, At: e.At, Kind: e.Kind, Forge: e.Forge, Repo: e.Repo, Change: e.Change, Commit: e.Commit, Who: e.Who, Check: e.Check, URL: e.URL, Command: e.Command, Outcome: e.Outcome})
		}
	}
	if more := len(l.entries) - mostOverrides; more > 0 {
		l.entries = append([]gate.Entry(nil), l.entries[more:]...)
	}
	return l.entries[:len(l.entries):len(l.entries)], nil
}

// Warm reads what pages remember of the log, so that the first who looks does not wait for it.
func (b *Board) Warm(ctx context.Context) error {
	if b.pages == nil {
		return nil
	}
	_, err := b.pages.ledger.read(&visitor{Pages: b.pages, r: (&http.Request{}).WithContext(ctx)})
	return err
}

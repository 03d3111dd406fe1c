package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/gate/dora"
	"github.com/sluicegate/sluice/store"
)

// What the pages read, in the words of the dashboard.

// library is the store as the pages read it.
type library struct{ *store.Store }

var _ dashboard.Library = library{}

func (l library) Record(ctx context.Context, id string) (*gate.Recorded, error) {
	d, facts, sources, err := l.Store.Decision(ctx, id)
	if errors.Is(err, store.ErrUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &gate.Recorded{Decision: d, Facts: facts, Sources: sources}, nil
}

func (l library) Entries(ctx context.Context, q dashboard.EntryQuery, see func(audit.Kept) error) error {
	return l.Audit(ctx, store.AuditFilter{After: q.After, Before: q.Before, Since: q.Since, Until: q.Until, Who: q.Who, Repos: q.Repos, Check: q.Check, Kinds: q.Kinds, Newest: q.Newest}, see)
}

// timetables tell what holds deployments back.
type timetables struct {
	*store.Store
	gate *gate.Reconciler
}

var _ dashboard.Tables = timetables{}

func (t timetables) Timetables(ctx context.Context, repo gate.Repo) ([]gate.Timetable, error) {
	return t.gate.Timetables(ctx, repo)
}

// workList is the queue as administrators see it.
type workList struct{ *store.Store }

var _ dashboard.Queue = workList{}

func (w workList) Depth(ctx context.Context) (dashboard.QueueDepth, error) {
	q, err := w.Stats(ctx)
	return dashboard.QueueDepth{Waiting: q.Waiting, Running: q.Running, Dead: q.Dead, Scheduled: q.Scheduled, Oldest: q.Oldest, Next: q.Next}, err
}

// longWait is how long work may wait before the page calls it stuck.
const longWait = 5 * time.Minute

func (w workList) Work(ctx context.Context, standing string, after int64, limit int) (list []dashboard.QueueItem, err error) {
	items, err := w.Inbox(ctx, store.InboxFilter{Standing: store.Standing(standing), After: after, Limit: limit})
	now := w.Now()
	for _, i := range items {
		list = append(list, dashboard.QueueItem{ID: i.ID, Kind: i.Kind, Key: i.Key, Standing: string(i.Standing), Why: i.Why, Error: i.Error, Note: i.Note, Holder: i.Holder,
			Stuck: i.Stuck(now, longWait), Since: i.Since, Due: i.Due, Attempts: i.Attempts})
	}
	return list, err
}

func (w workList) Retry(ctx context.Context, by dashboard.Person, ids ...int64) (int, error) {
	n, err := w.Store.Retry(ctx, ids...)
	if err != nil {
		return 0, err
	}
	what := "all that failed"
	if len(ids) > 0 {
		what = "work " + strings.Trim(fmt.Sprint(ids), "[]")
	}
	return n, w.Enter(ctx, gate.Entry{Kind: gate.EntryCommand, Forge: by.Forge, Command: "inbox retry", Outcome: "done", Who: gate.Who{ID: accountID(by), Login: by.Login},
		Reason: fmt.Sprintf("%d pieces of work were made due at once: %s.", n, what)})
}

// reports count deployments. What a promotion brought never changes, so that it is read once.
type reports struct {
	*store.Store
	carried sync.Map // id of the promotion → dora.Carried, or false where it is not known
}

var _ dashboard.Reports = (*reports)(nil)

// mostCounted is how many promotions are counted for a page: those went live last.
const mostCounted = 400

func (r *reports) Deployments(ctx context.Context, repos []gate.Repo, since time.Time) (_ dora.Report, _ []gate.Promotion, err error) {
	b := dora.Book{Carried: map[string]dora.Carried{}}
	if b.Promotions, err = r.PromotedIn(ctx, repos, since); err != nil {
		return dora.Report{}, nil, err
	}
	if b.Outside, err = r.outside(ctx, repos); err != nil {
		return dora.Report{}, nil, err
	}
	if b.Incidents, err = r.IncidentsIn(ctx, repos, since); err != nil {
		return dora.Report{}, nil, err
	}
	if err := r.brought(ctx, b.Promotions, since, b.Carried); err != nil {
		return dora.Report{}, nil, err
	}
	return dora.Count(b, dora.Span{Since: since, Now: r.Now()}), b.Promotions, nil
}

// outside are the deployments from these repositories that came past the gate.
func (r *reports) outside(ctx context.Context, repos []gate.Repo) (list []gate.Entry, err error) {
	f := store.AuditFilter{Kinds: []gate.EntryKind{gate.EntryOutside}}
	for _, x := range repos {
		f.Repos = append(f.Repos, x.Name)
	}
	err = r.Audit(ctx, f, func(k audit.Kept) error {
		var e gate.Entry
		if err := json.Unmarshal([]byte(k.Line), &e); err != nil {
			return fmt.Errorf("entry %d cannot be read: `sluice audit verify` tells more: %w", k.Seq, err)
		}
		if slices.ContainsFunc(repos, func(x gate.Repo) bool { return x.Forge == e.Forge && strings.EqualFold(x.Name, e.Repo) }) {
			list = append(list, e)
		}
		return nil
	})
	return list, err
}

// brought reads what promotions brought, of those that were not read before.
func (r *reports) brought(ctx context.Context, list []gate.Promotion, since time.Time, into map[string]dora.Carried) error {
	var ids []string
	of := map[string]string{} // decision → promotion
	for i := len(list) - 1; i >= 0 && len(into)+len(ids) < mostCounted; i-- {
		p := list[i]
		if p.LiveAt.Before(since) || p.How.Back() || p.Decision == "" {
			continue
		}
		if v, had := r.carried.Load(p.ID); had {
			if c, known := v.(dora.Carried); known {
				into[p.ID] = c
			}
			continue
		}
		ids = append(ids, p.Decision)
		of[p.Decision] = p.ID
	}
	return r.FactsOf(ctx, ids, func(id string, facts []byte) error {
		c, known, err := dora.Brought(facts)
		if err != nil {
			return fmt.Errorf("read what the promotion %s brought: %w", of[id], err)
		}
		if known {
			into[of[id]] = c
			r.carried.Store(of[id], c)
		} else {
			r.carried.Store(of[id], false)
		}
		return nil
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
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
		what = fmt.Sprintf("work %d", ids[0])
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
const mostCounted = 500

func (r *reports) Deployments(ctx context.Context, repo gate.Repo, since time.Time) (dora.Report, []gate.Promotion, error) {
	b := dora.Book{Carried: map[string]dora.Carried{}}
	all, err := r.PromotedSince(ctx, repo.Name, "", since)
	if err != nil {
		return dora.Report{}, nil, err
	}
	for _, p := range all {
		if p.Forge == repo.Forge {
			b.Promotions = append(b.Promotions, p)
		}
	}
	outside, err := doraOutside(ctx, r.Store, repo.Name, "")
	if err != nil {
		return dora.Report{}, nil, err
	}
	for _, e := range outside {
		if e.Forge == repo.Forge {
			b.Outside = append(b.Outside, e)
		}
	}
	if b.Incidents, err = r.Incidents(ctx, repo.Forge, strings.ToLower(repo.Name), since); err != nil {
		return dora.Report{}, nil, err
	}
	if err := r.brought(ctx, b.Promotions, since, b.Carried); err != nil {
		return dora.Report{}, nil, err
	}
	return dora.Count(b, dora.Span{Since: since, Now: r.Now()}), b.Promotions, nil
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

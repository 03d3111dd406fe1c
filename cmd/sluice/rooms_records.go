package main

import (
	"context"
	"errors"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store"
)

// records are the store as the API lists it.
type records struct{ *store.Store }

var _ dashboard.Records = records{}

// Open implements dashboard.Records.
func (x records) Open(ctx context.Context, repo gate.Repo) (list []dashboard.OpenChange, err error) {
	subjects, err := x.OpenSubjects(ctx, repo.Forge, repo.Name, "")
	for _, s := range subjects {
		if s.Kind != checks.KindChange {
			continue
		}
		var st *gate.SubjectState
		if st, err = x.State(ctx, s); err != nil {
			return nil, err
		}
		if st != nil {
			list = append(list, dashboard.OpenChange{Number: s.Change, State: *st})
		}
	}
	return list, err
}

// Decided implements dashboard.Records.
func (x records) Decided(ctx context.Context, repo gate.Repo, change int, before int64, limit int) (list []dashboard.PastDecision, err error) {
	p := store.Past{Forge: repo.Forge, Repo: repo.Name, Before: before, Limit: limit}
	if change != 0 {
		p.Subject = checks.Subject{Forge: repo.Forge, Repo: repo.Name, Kind: checks.KindChange, Change: change}
	}
	found, err := x.Decisions(ctx, p)
	for _, d := range found {
		list = append(list, dashboard.PastDecision{Decision: d.Decision, Seq: d.Seq})
	}
	return list, err
}

var errEnough = errors.New("enough was read")

// Entries implements dashboard.Records.
func (x records) Entries(ctx context.Context, q dashboard.AuditQuery) (list []dashboard.AuditLine, err error) {
	f := store.AuditFilter{After: q.After, Since: q.Since, Who: q.Who, Repo: q.Repo.Name}
	if q.Kind != "" {
		f.Kinds = []gate.EntryKind{q.Kind}
	}
	err = x.Audit(ctx, f, func(k audit.Kept) error {
		if q.Repo.Forge == "" || k.Forge == q.Repo.Forge {
			list = append(list, dashboard.AuditLine{Seq: k.Seq, Line: k.Line})
		}
		if len(list) == q.Limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return list, err
}

// Waits implements dashboard.Records.
func (x records) Waits(ctx context.Context, standing string, after int64, limit int) (items any, last int64, n int, err error) {
	list, err := x.Inbox(ctx, store.InboxFilter{Standing: store.Standing(standing), After: after, Limit: limit})
	if n = len(list); n > 0 {
		last = list[n-1].ID
	}
	for i := range list {
		list[i].Error, list[i].Note = gate.Plain(list[i].Error), gate.Plain(list[i].Note)
	}
	return append([]store.Item{}, list...), last, n, err
}

// Pages implements dashboard.Records: what is asked of the forge is not among it.
func (x records) Pages() *dashboard.Pages {
	return &dashboard.Pages{Library: library(x), Now: x.Now, Queue: workList(x), Reports: &reports{Store: x.Store}, Rejudge: x.Store, Tables: timetables{Store: x.Store}}
}

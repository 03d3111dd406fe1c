package simulation

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// A counter is one process's way to the forge, as a provider.
type counter struct {
	w *world
	p *process
}

var (
	_ gate.Provider      = counter{}
	_ gate.Promoter      = counter{}
	_ gate.Correspondent = counter{}
	_ gate.Registrar     = counter{}
	_ gate.Historian     = counter{}
	_ gate.Surveyor      = counter{}
	_ gate.Asker         = counter{}
	_ gate.Ledger        = counter{}
)

// ask is a call that reads. served is as of when the forge tells: its replicas lag at times.
func ask[T any](k counter, ctx context.Context, name, what string, read func(served time.Time) (T, error)) (v T, err error) {
	err = k.p.at(ctx, looks, name, what, func() (err error) {
		served := time.Now()
		if !k.w.calm && k.w.chance(10) {
			served = served.Add(-k.w.between(0, 6*time.Second))
		}
		v, err = read(served)
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

func (k counter) Facts(ctx context.Context, s checks.Subject, expect string) (*checks.Facts, error) {
	begun := time.Now()
	return ask(k, ctx, "Facts", s.Key(), func(served time.Time) (*checks.Facts, error) {
		c := k.w.change(s.Change)
		if c == nil || c.at(served) == nil {
			return nil, fmt.Errorf("%w: the change", gate.ErrGone)
		}
		v := c.at(served)
		if i := slices.Index(c.now().heads, expect); i >= len(v.heads) {
			return nil, fmt.Errorf("%w: the head %.8s", gate.ErrStale, expect)
		}
		f := &checks.Facts{At: k.p.now(), Subject: s, Repository: checks.Repository{Name: shop, Default: trunk}, Sources: k.w.sources(served), Change: c.told(v),
			Files: []checks.File{{Path: "shop.go", Status: "modified", Additions: 1}}, Commits: v.commits, Reviews: v.reviews, People: k.w.peopleAt(served),
			Statuses: k.w.told(v.head(), served)}
		if v.state == "merged" && time.Since(v.at) < 3*time.Second {
			f.Change.MergeCommit = "" // the forge takes a moment
		}
		self(ctx).readings[f] = &reading{begun: begun, served: served, at: k.p.now(), change: c, version: v}
		k.w.read(self(ctx).readings[f])
		return f, nil
	})
}

func (k counter) Changes(ctx context.Context, r gate.Repo, base, head string) ([]checks.Subject, error) {
	return ask(k, ctx, "Changes", base+"!"+head, func(served time.Time) (list []checks.Subject, _ error) {
		for _, c := range k.w.changes {
			if v := c.at(served); v != nil && v.state == "open" && (head == "" || v.head() == head) {
				list = append(list, checks.Subject{Forge: "github", Repo: shop, Kind: checks.KindChange, Change: c.number})
			}
		}
		return list, nil
	})
}

func (k counter) Repositories(ctx context.Context) ([]gate.Repo, error) {
	return ask(k, ctx, "Repositories", "", func(time.Time) ([]gate.Repo, error) {
		return []gate.Repo{{Forge: "github", Name: shop}}, nil
	})
}

func (k counter) Post(ctx context.Context, s checks.Subject, f *checks.Facts, posts []gate.Post) (list []gate.Posted, err error) {
	what := s.Key()
	for _, p := range posts {
		what += " " + p.Name + "=" + p.State()
	}
	var half bool
	by := self(ctx) // what arrives late was sent by nobody else
	err = k.p.at(ctx, acts, "Post", what, func() error {
		for i, p := range posts {
			if half = k.w.halves(len(posts)) && i > 0; half {
				return errGateway
			}
			list = append(list, k.w.post(by, f, p))
		}
		return nil
	})
	if err != nil && !half {
		list = nil
	}
	return list, err
}

// halves says whether a write of several things ends after some of them.
func (w *world) halves(n int) bool { return n > 1 && !w.calm && w.rng.IntN(1000) < w.harsh/2 }

func (k counter) RequestReviewers(ctx context.Context, s checks.Subject, users, _ []string) error {
	return k.p.at(ctx, acts, "RequestReviewers", s.Key()+" "+strings.Join(users, ","), func() error {
		for _, u := range users {
			k.w.reviewers[s.Key()+" "+u]++
		}
		return nil
	})
}

func (k counter) Comment(ctx context.Context, s checks.Subject, id int64) (*gate.Comment, error) {
	return ask(k, ctx, "Comment", fmt.Sprint(id), func(served time.Time) (*gate.Comment, error) {
		for _, c := range k.w.comments {
			if c.id == id && c.change == s.Change && !c.at.After(served) {
				return &gate.Comment{ID: id, By: people[c.by], Body: c.body, At: c.at.UTC(), URL: fmt.Sprintf("https://forge.example/%d", id),
					Edited: !c.edited.IsZero() && !c.edited.After(served)}, nil
			}
		}
		return nil, fmt.Errorf("%w: the comment", gate.ErrGone)
	})
}

func (k counter) React(ctx context.Context, s checks.Subject, id int64) error {
	return k.p.at(ctx, acts, "React", fmt.Sprint(id), func() error { k.w.eyes[id]++; return nil })
}

func (k counter) Reply(ctx context.Context, s checks.Subject, to string, known int64, body string) (id int64, err error) {
	defer func() {
		if err != nil {
			k.w.unanswered(to)
		}
	}()
	if known < 0 {
		if known, err = ask(k, ctx, "FindReply", to, func(time.Time) (int64, error) {
			if r := k.w.replies[to]; r != nil {
				return r.id, nil
			}
			return 0, nil
		}); err != nil {
			return 0, err
		}
	}
	err = k.p.at(ctx, acts, "Reply", fmt.Sprintf("%s %d %s", to, known, print(body)), func() error {
		id = k.w.answer(s, to, known, body)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return id, nil
}

func (k counter) Permission(ctx context.Context, s checks.Subject, who checks.Person) (string, error) {
	return ask(k, ctx, "Permission", who.Login, func(served time.Time) (string, error) { return k.w.permission(who.Login, served), nil })
}

func (counter) Member(context.Context, checks.Subject, checks.Person, string) (bool, error) {
	return false, nil
}

func (k counter) Landed(ctx context.Context, r gate.Repo, branch, since string) (*gate.Landed, error) {
	return ask(k, ctx, "Landed", branch+" "+since, func(served time.Time) (*gate.Landed, error) {
		l := &gate.Landed{Default: true, Sources: k.w.sources(served)}
		for _, c := range slices.Backward(k.w.line) {
			if c.at.After(served) {
				continue
			}
			if l.Tip == "" {
				l.Tip = c.id
			}
			if c.id == since {
				return l, nil
			}
			l.Line, l.Looked = append(l.Line, c.id), l.Looked+1
			if c.change == 0 {
				l.Direct = append(l.Direct, c.id)
			} else {
				l.Changes = append(l.Changes, c.change)
			}
		}
		if l.Cut = since != ""; since == "" {
			l.Line, l.Direct, l.Changes = nil, nil, nil
		}
		return l, nil
	})
}

func (k counter) Environment(ctx context.Context, s checks.Subject, watched []string, p checks.Promotion) (*gate.Standing, error) {
	begun := time.Now()
	return ask(k, ctx, "Environment", s.Key(), func(served time.Time) (*gate.Standing, error) {
		st := k.w.standing(s, watched, p, served, k.p.now())
		self(ctx).readings[s.Environment] = &reading{begun: begun, served: served, at: k.p.now(), commit: s.Commit, remembered: self(ctx).remembered[s.Environment]}
		return st, nil
	})
}

func (w *world) standing(s checks.Subject, watched []string, p checks.Promotion, served, now time.Time) *gate.Standing {
	st := &gate.Standing{Sources: w.sources(served), Branch: trunk, Deployments: w.into(s.Environment, served), Statuses: map[string][]checks.Status{}}
	for _, c := range watched {
		st.Statuses[c] = w.told(c, served)
	}
	if s.Commit == "" {
		return st
	}
	s.Kind = checks.KindPromotion
	p.Branch, p.OnBranch, p.Deployments = trunk, true, st.Deployments
	if c, _ := w.commit(s.Commit); c != nil && c.change != 0 {
		m := w.change(c.change)
		p.Origin = &checks.Origin{Change: m.told(m.now()), Commits: m.now().commits}
	}
	if live := p.Live(); live != nil {
		p.Between, p.Lacks = w.beyond(s.Commit, live.Commit), w.beyond(live.Commit, s.Commit)
	}
	st.Facts = &checks.Facts{At: now, Subject: s, Repository: checks.Repository{Name: shop, Default: trunk}, Sources: st.Sources, Promotion: &p,
		Statuses: w.told(s.Commit, served), People: w.peopleAt(served), Listed: true}
	return st
}

func (k counter) Deploy(ctx context.Context, s checks.Subject, o gate.Order) (id int64, err error) {
	ctx, stop := context.WithTimeout(ctx, o.Within)
	defer stop()
	by := self(ctx)
	err = k.p.at(ctx, acts, "Deploy", s.Key()+" "+o.Promotion, func() error {
		if !k.w.calm && k.w.chance(3) {
			return &gate.RefusalError{Why: "a status is pending", Cures: true}
		}
		id = k.w.deploy(by, s, o)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return id, nil
}

func (k counter) Deployed(ctx context.Context, s checks.Subject, o gate.Order) ([]checks.Deployment, error) {
	return ask(k, ctx, "Deployed", s.Key()+" "+o.Promotion, func(served time.Time) (found []checks.Deployment, _ error) {
		for _, d := range slices.Backward(k.w.into(s.Environment, served)) {
			if d.Ours && d.Promotion == o.Promotion && d.Commit == s.Commit {
				found = append(found, d)
			}
		}
		return found, nil
	})
}

func (k counter) Conclude(ctx context.Context, s checks.Subject, id int64, state, _ string) error {
	return k.p.at(ctx, acts, "Conclude", strconv.FormatInt(id, 10)+" "+state, func() error {
		for _, d := range k.w.deployments {
			if d.id == id {
				k.w.report(d, state)
			}
		}
		return nil
	})
}

func (k counter) Run(ctx context.Context, _ gate.Repo, id int64) (*gate.Run, error) {
	return nil, fmt.Errorf("%w: there are no workflows here", gate.ErrGone)
}

func (k counter) Answer(context.Context, checks.Subject, int64, string, string) error {
	return fmt.Errorf("%w: there are no workflows here", gate.ErrGone)
}

func (k counter) Guarded(ctx context.Context, s checks.Subject) (*gate.Guarding, error) {
	return ask(k, ctx, "Guarded", s.Key(), func(time.Time) (*gate.Guarding, error) { return &gate.Guarding{Exists: true}, nil })
}

func (k counter) Resolve(ctx context.Context, _ gate.Repo, ref string) (commit string, change int, err error) {
	commit, err = ask(k, ctx, "Resolve", ref, func(served time.Time) (string, error) {
		for _, c := range slices.Backward(k.w.line) {
			if !c.at.After(served) && (ref == trunk || strings.HasPrefix(c.id, ref)) {
				change = c.change
				return c.id, nil
			}
		}
		return "", fmt.Errorf("%w: nothing is named so", gate.ErrGone)
	})
	return commit, change, err
}

package store

import (
	"context"
	"slices"
	"strconv"

	"github.com/sluicegate/sluice/gate"
)

// The steps that fill in the environments of a page.

func byPlace(places []*gate.Place) map[placeKey]*gate.Place {
	index := map[placeKey]*gate.Place{}
	for _, p := range places {
		index[keyOf(p.Seen.Forge, p.Seen.Repo, p.Seen.Name)] = p
	}
	return index
}

func (s *Store) placeWaits(ctx context.Context, repos []gate.Repo, places []*gate.Place) error {
	list, err := s.promotions(ctx, qWaitingIn, padded(repos, 2, func(r gate.Repo) []any { return []any{r.Forge, fold(r.Name)} })...)
	index := byPlace(places)
	for i := range list { // newest first
		p := index[keyOf(list[i].Forge, list[i].Repo, list[i].Environment)]
		switch {
		case p == nil:
		case list[i].State == gate.Deploying:
			p.UnderWay = &list[i]
		case p.Waiting == nil:
			p.Waiting = &list[i]
		}
	}
	return err
}

func (s *Store) placeLocks(ctx context.Context, repos []gate.Repo, places []*gate.Place) error {
	list, err := listed[gate.LockState](ctx, s, qLocksIn, padded(repos, 2, func(r gate.Repo) []any { return []any{r.Forge, fold(r.Name)} })...)
	now := s.Now()
	for _, l := range list {
		for _, p := range places {
			here := l.Lock.Environment == "" || fold(l.Lock.Environment) == fold(p.Seen.Name)
			if here && l.Holds(now) && l.Forge == p.Seen.Forge && fold(l.Repo) == fold(p.Seen.Repo) {
				p.Locks = append(p.Locks, l)
			}
		}
	}
	return err
}

// live is what was seen to be live, or nil.
func live(p *gate.Place) *gate.LiveSeen {
	if p.Seen.View == nil {
		return nil
	}
	return p.Seen.View.Live
}

// inChunks asks for what is wanted of so many places, a page at a time.
func inChunks[T any](places []T, ask func([]T) error) error {
	for chunk := range slices.Chunk(places, page) {
		if err := ask(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) placeLive(ctx context.Context, _ []gate.Repo, places []*gate.Place) error {
	index := byPlace(places)
	lives := slices.DeleteFunc(slices.Clone(places), func(p *gate.Place) bool { return live(p) == nil })
	return inChunks(lives, func(some []*gate.Place) error {
		list, err := s.promotions(ctx, qMadeIn, padded(some, 4, func(p *gate.Place) []any {
			return []any{p.Seen.Forge, fold(p.Seen.Repo), fold(p.Seen.Name), strconv.FormatInt(live(p).Deployment, 10)}
		})...)
		for i := range list {
			if p := index[keyOf(list[i].Forge, list[i].Repo, list[i].Environment)]; p != nil {
				p.Live = &list[i]
			}
		}
		return err
	})
}

func (s *Store) placeTags(ctx context.Context, _ []gate.Repo, places []*gate.Place) error {
	without := slices.DeleteFunc(slices.Clone(places), func(p *gate.Place) bool { return live(p) == nil || live(p).Version != "" })
	return inChunks(without, func(some []*gate.Place) error {
		rows, err := s.query(ctx, qTagsAt, padded(some, 3, func(p *gate.Place) []any { return []any{p.Seen.Forge, fold(p.Seen.Repo), live(p).Commit} })...)
		if err != nil {
			return err
		}
		return each(rows, func(scan func(...any) error) error {
			var forge, repo, sha, name string
			err := scan(&forge, &repo, &sha, &name)
			for _, p := range some {
				if p.Seen.Forge == forge && fold(p.Seen.Repo) == repo && live(p).Commit == sha && len(name) > len(p.Tag) {
					p.Tag = name
				}
			}
			return err
		})
	})
}

// placeBehind adds up what each promotion brought into the environment before, after the one that this one has.
func (s *Store) placeBehind(ctx context.Context, _ []gate.Repo, places []*gate.Place) error {
	after := slices.DeleteFunc(slices.Clone(places), func(p *gate.Place) bool { return live(p) == nil || p.Seen.View.After == "" })
	return inChunks(after, func(some []*gate.Place) error {
		list, err := s.promotions(ctx, qAhead, padded(some, 4, func(p *gate.Place) []any {
			return []any{p.Seen.Forge, fold(p.Seen.Repo), fold(p.Seen.View.After), live(p).Commit}
		})...)
		for _, p := range some {
			p.Behind = behind(p, list)
		}
		return err
	})
}

func behind(p *gate.Place, list []gate.Promotion) (b *gate.Behind) {
	seen := map[string]bool{live(p).Commit: true}
	for _, q := range list { // oldest first
		here := q.Forge == p.Seen.Forge && fold(q.Repo) == fold(p.Seen.Repo) && fold(q.Environment) == fold(p.Seen.View.After)
		if !here {
			continue
		}
		if b == nil {
			b = &gate.Behind{} // what this one has was there: from here on it is known what it lacks
		}
		if q.LiveAt.IsZero() || seen[q.Commit] || q.How.Back() {
			continue
		}
		seen[q.Commit] = true
		b.Promotions++
		if q.Brings == nil {
			b.Partly = true
			continue
		}
		b.Commits += q.Brings.Commits
		b.Partly = b.Partly || q.Brings.Partly
		if since := q.Brings.Oldest; !since.IsZero() && (b.Since.IsZero() || since.Before(b.Since)) {
			b.Since = since
		}
	}
	return b
}

func (s *Store) placeVerdicts(ctx context.Context, _ []gate.Repo, places []*gate.Place) error {
	waiting := slices.DeleteFunc(slices.Clone(places), func(p *gate.Place) bool { return p.Waiting == nil || p.Waiting.Decision == "" })
	return inChunks(waiting, func(some []*gate.Place) error {
		rows, err := s.query(ctx, qVerdicts, padded(some, 1, func(p *gate.Place) []any { return []any{p.Waiting.Decision} })...)
		if err != nil {
			return err
		}
		return each(rows, func(scan func(...any) error) error {
			var id string
			var body []byte
			if err := scan(&id, &body); err != nil {
				return err
			}
			d, err := s.decision(body)
			for _, p := range some {
				if err == nil && p.Waiting.Decision == id {
					p.Verdict = d.Gate.Reason
				}
			}
			return err
		})
	})
}

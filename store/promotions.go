package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sluicegate/sluice/gate"
)

var _ gate.Book = (*Store)(nil)

// ErrNotGated says that a promotion cannot be reserved: it waits for its gate no more, or another one is under way.
var ErrNotGated = errors.New("the promotion is not gated, or another one is under way")

// ask makes a promotion of a request that nobody made before; its attempt is the next for that commit there.
const qAsk = `
INSERT INTO promotion (id, forge, repo, environment, sha, attempt, request, state, number, deployment, at, since, body)
SELECT $1, $2, $3, $4, $5, 1 + COALESCE((SELECT max(attempt) FROM promotion WHERE forge = $2 AND repo = $3 AND environment = $4 AND sha = $5), 0),
  $6, $7, CAST($8 AS bigint), 0, CAST($9 AS bigint), CAST($10 AS bigint), $11
WHERE NOT EXISTS (SELECT 1 FROM promotion WHERE forge = $2 AND repo = $3 AND environment = $4 AND request = $6)
ON CONFLICT DO NOTHING`

const qPromote = `
UPDATE promotion SET state = $2, number = $3, deployment = $4, since = $5, body = $6 WHERE id = $1`

const qReserve = `
UPDATE promotion SET state = $2, since = $3, body = $4 WHERE id = $1 AND (state IN ('requested', 'gated') OR state = 'deploying' AND deployment = 0)`

const qBusy = `SELECT 1 FROM promotion WHERE forge = $1 AND repo = $2 AND environment = $3 AND state = 'deploying' AND id <> $4`

const qHeld = `SELECT 1 FROM subject WHERE id = $1 AND token = $2 AND holder IS NOT NULL AND next_at > $3 {lock}`

const qAct = `INSERT INTO promotion_act (promotion, key, body) VALUES ($1, $2, $3) ON CONFLICT (promotion, key) DO NOTHING`

const qSetLock = `
INSERT INTO environment_lock (id, forge, repo, environment, lifted, body) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (forge, repo, id) DO UPDATE SET lifted = excluded.lifted, body = excluded.body`

const qSeeEnvironment = `
INSERT INTO environment_seen (forge, repo, name, outside, frozen, body) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (forge, repo, name) DO UPDATE SET outside = excluded.outside, frozen = excluded.frozen, body = excluded.body`

// newest are all that are not over, and the newest ones.
const qPromotionsOf = `
SELECT body, attempt FROM promotion WHERE forge = $1 AND repo = $2 AND environment = $3 AND (state IN ('requested', 'gated', 'deploying', 'live')
  OR id IN (SELECT id FROM promotion WHERE forge = $1 AND repo = $2 AND environment = $3 ORDER BY at DESC, id LIMIT $4)
  OR id IN (SELECT id FROM promotion WHERE forge = $1 AND repo = $2 AND environment = $3 AND state = 'verified' ORDER BY at DESC, id LIMIT $4))
ORDER BY at DESC, attempt DESC, id`

const qActsOf = `
SELECT a.body FROM promotion_act a JOIN promotion p ON p.id = a.promotion
WHERE p.forge = $1 AND p.repo = $2 AND p.environment = $3 AND p.state IN ('requested', 'gated', 'deploying') ORDER BY a.seq`

const qLocks = `
SELECT body FROM environment_lock WHERE forge = $1 AND repo = $2 AND environment IN ($3, '') AND lifted = 0 ORDER BY environment, id`

const qEnvironment = `SELECT body FROM environment_seen WHERE forge = $1 AND repo = $2 AND name = $3`

const qEnvironmentsOf = `SELECT body FROM environment_seen WHERE forge = $1 AND repo = $2 ORDER BY name`

const qEnvironments = `SELECT body FROM environment_seen WHERE forge = $1 ORDER BY repo, name`

const qPromotion = `SELECT body, attempt FROM promotion WHERE id = $1`

const qPromotionsAt = `SELECT body, attempt FROM promotion WHERE forge = $1 AND repo = $2 AND sha = $3 ORDER BY at DESC, id LIMIT $4`

const qPromotionsIn = `SELECT body, attempt FROM promotion WHERE forge = $1 AND repo = $2 ORDER BY at DESC, id LIMIT $3`

const qAwaited = `
SELECT DISTINCT environment FROM promotion
WHERE forge = $1 AND repo = $2 AND sha = $3 AND state IN ('requested', 'gated', 'deploying', 'live') ORDER BY environment`

// promoted keeps what came of environments and promotions.
func (r *record) promoted(t *tx) error {
	o := r.outcome
	for _, p := range o.Requests {
		if err := ask(t, p); err != nil {
			return fmt.Errorf("keep the request for %s: %w", p.Environment, err)
		}
	}
	for _, p := range o.Promotions {
		if err := promote(t, p); err != nil {
			return fmt.Errorf("keep the promotion %s: %w", p.ID, err)
		}
	}
	for _, a := range o.Acts {
		if err := keepJSON(t, a, qAct, a.Promotion, a.Key); err != nil {
			return fmt.Errorf("keep what was said about the promotion %s: %w", a.Promotion, err)
		}
	}
	for _, l := range o.Locks {
		if err := keepJSON(t, l, qSetLock, l.ID, l.Forge, fold(l.Repo), fold(l.Lock.Environment), flag(!l.Lifted.IsZero())); err != nil {
			return fmt.Errorf("keep the lock on %s: %w", l.Lock.Environment, err)
		}
	}
	for _, i := range o.Incidents {
		if err := tellIncident(t, i); err != nil {
			return fmt.Errorf("keep the incident in %s: %w", i.Environment, err)
		}
	}
	if o.Asked != nil {
		if err := keepJSON(t, o.Asked, qAnswered, o.Asked.ID); err != nil {
			return fmt.Errorf("keep what came of asking %s: %w", o.Asked.ID, err)
		}
	}
	for _, e := range o.Seen {
		if err := keepJSON(t, e, qSeeEnvironment, e.Forge, fold(e.Repo), fold(e.Name), flag(e.View != nil && e.View.Live != nil && e.View.Live.Outside), flag(e.View != nil && (len(e.View.Freezes) > 0 || e.View.Unknown != ""))); err != nil {
			return fmt.Errorf("keep what was seen of %s: %w", e.Name, err)
		}
	}
	return nil
}

// keepJSON writes v as the last column.
func keepJSON(t *tx, v any, text string, args ...any) error {
	body, err := json.Marshal(v)
	if err == nil {
		_, err = t.exec(text, append(args, string(body))...)
	}
	return err
}

func ask(t *tx, p gate.Promotion) error {
	p.Known = p.Since
	return keepJSON(t, p, qAsk, p.ID, p.Forge, fold(p.Repo), fold(p.Environment), p.Commit, p.Request, string(p.State), p.Change,
		p.At.UnixMilli(), p.Since.UnixMilli())
}

func promote(t *tx, p gate.Promotion) error {
	return keepJSON(t, p, qPromote, p.ID, string(p.State), p.Change, p.Deployment, p.Since.UnixMilli())
}

// Reserve writes a promotion down as under way, for as long as the work is held by whoever holds it, with the decision that
// lets it through.
func (s *Store) Reserve(ctx context.Context, w gate.Work, p gate.Promotion, k *gate.Kept, entries []gate.Entry) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("reserve the promotion %s: %w", p.ID, err)
	}
	packed := &record{}
	if k != nil {
		if packed, err = s.prepare(w, gate.Outcome{Decision: k.Decision, Facts: k.Facts, Sources: k.Sources}); err != nil {
			return fmt.Errorf("reserve the promotion %s: %w", p.ID, err)
		}
	}
	lines := s.tidied(entries)
	err = s.do(ctx, patient, func(t *tx) error {
		var one int
		held, err := t.row([]any{&one}, qHeld, w.ID, w.Token, s.now())
		if err == nil && !held {
			err = ErrLost
		}
		if err == nil {
			err = reserve(t, p, string(body))
		}
		if err == nil && k != nil {
			err = packed.keep(s, t, s.now())
		}
		if err == nil {
			err = enter(t, lines)
		}
		return err
	}, append(append(s.workNames(w, kept(k)), packed.names()...), environmentName(p.Forge, p.Repo, p.Environment))...)
	if err != nil {
		return fmt.Errorf("reserve the promotion %s: %w", p.ID, err)
	}
	return nil
}

// kept is an outcome that is no more than a decision.
func kept(k *gate.Kept) gate.Outcome {
	if k == nil {
		return gate.Outcome{}
	}
	return gate.Outcome{Decision: k.Decision}
}

// reserve has the promotion under way: one an environment at a time, by the index of those that are.
func reserve(t *tx, p gate.Promotion, body string) error {
	var one int
	if busy, err := t.row([]any{&one}, qBusy, p.Forge, fold(p.Repo), fold(p.Environment), p.ID); busy || err != nil {
		return errors.Join(err, ErrNotGated)
	}
	n, err := t.exec(qReserve, p.ID, string(p.State), p.Since.UnixMilli(), body)
	if err == nil && n == 0 {
		err = ErrNotGated
	}
	return err
}

// recent is how many promotions of an environment are looked at besides those that are not over.
const recent = 50

// Environment is all that counts of one.
func (s *Store) Environment(ctx context.Context, forge, repo, name string) (b *gate.EnvironmentBook, err error) {
	b = &gate.EnvironmentBook{}
	key := []any{forge, fold(repo), fold(name)}
	if b.Promotions, err = s.promotions(ctx, qPromotionsOf, append(key, recent)...); err != nil {
		return nil, err
	}
	if b.Acts, err = listed[gate.PromotionAct](ctx, s, qActsOf, key...); err != nil {
		return nil, err
	}
	if b.Locks, err = listed[gate.LockState](ctx, s, qLocks, key...); err != nil {
		return nil, err
	}
	seen, err := listed[gate.EnvironmentSeen](ctx, s, qEnvironment, key...)
	if len(seen) > 0 {
		b.Seen = &seen[0]
	}
	return b, err
}

// Environments are those remembered of a forge, or of one repository of it.
func (s *Store) Environments(ctx context.Context, forge, repo string) ([]gate.EnvironmentSeen, error) {
	if repo == "" {
		return listed[gate.EnvironmentSeen](ctx, s, qEnvironments, forge)
	}
	return listed[gate.EnvironmentSeen](ctx, s, qEnvironmentsOf, forge, fold(repo))
}

// Promotion is one by its id, or nil.
func (s *Store) Promotion(ctx context.Context, id string) (*gate.Promotion, error) {
	list, err := s.promotions(ctx, qPromotion, id)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Promotions are the newest of a repository, newest first: of a commit ("": of all), at most limit.
func (s *Store) Promotions(ctx context.Context, forge, repo, commit string, limit int) ([]gate.Promotion, error) {
	if commit == "" {
		return s.promotions(ctx, qPromotionsIn, forge, fold(repo), limit)
	}
	return s.promotions(ctx, qPromotionsAt, forge, fold(repo), commit, limit)
}

// Awaited says which environments have a promotion of this commit that waits, is under way or is not well yet.
func (s *Store) Awaited(ctx context.Context, forge, repo, commit string) (environments []string, err error) {
	rows, err := s.query(brief(ctx), qAwaited, forge, fold(repo), commit)
	if err != nil {
		return nil, err
	}
	err = each(rows, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		environments = append(environments, name)
		return err
	})
	return environments, err
}

func (s *Store) promotions(ctx context.Context, text string, args ...any) (list []gate.Promotion, err error) {
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	err = each(rows, func(scan func(...any) error) error {
		var body string
		var p gate.Promotion
		var attempt int
		err := scan(&body, &attempt)
		if err == nil {
			err = json.Unmarshal([]byte(body), &p)
		}
		p.Attempt = attempt // the store counts
		list = append(list, p)
		return err
	})
	return list, err
}

// listed reads rows of one column of JSON.
func listed[T any](ctx context.Context, s *Store, text string, args ...any) (list []T, err error) {
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	err = each(rows, func(scan func(...any) error) error {
		var body string
		var v T
		err := scan(&body)
		if err == nil {
			err = json.Unmarshal([]byte(body), &v)
		}
		list = append(list, v)
		return err
	})
	return list, err
}

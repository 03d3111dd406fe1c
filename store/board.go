package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// The queries of the board. A page of repositories is read in one round, however many there are on it: what is wanted of
// each comes in as rows of VALUES, padded to a fixed number so that the texts stay few.

// In SQLite CROSS JOIN keeps the order in which tables are read: what is wanted comes first, and all else by its index.

// page is how many rows of VALUES a query takes.
const page = 50

// wanted is a table expression of so many columns, with parameters from $1 on.
func wanted(columns ...string) string {
	text := append(make([]byte, 0, page*(6*len(columns)+4)), "WITH want ("+strings.Join(columns, ", ")+") AS (VALUES "...)
	for i := range page {
		text = append(parametersOf(append(text, '('), i*len(columns)+1, len(columns)), "), "...)
	}
	return string(text[:len(text)-len(", ")]) + ")\n"
}

// these narrows a list of repositories to a forge and to a part of the name; both may be empty.
const these = ` (forge = $1 OR CAST($1 AS text) = '') AND (CAST($2 AS text) = '' OR repo LIKE $2 ESCAPE '!')`

// In the order of forge and repository the databases merge what their indexes have in that order already.
const byForge = ` ORDER BY forge, repo`

const qRepositories = `
SELECT DISTINCT forge, repo FROM environment_seen WHERE` + these + `
UNION SELECT DISTINCT forge, repo FROM branch_seen WHERE` + these + `
UNION SELECT DISTINCT forge, repo FROM subject_state WHERE open = 1 AND` + these

const onlyWaiting = `SELECT DISTINCT forge, repo FROM promotion WHERE state IN ('requested', 'gated', 'deploying') AND` + these

const onlyLocked = `SELECT DISTINCT forge, repo FROM environment_lock WHERE lifted = 0 AND` + these

const onlyOpen = `SELECT DISTINCT forge, repo FROM subject_state WHERE open = 1 AND` + these

const onlyOutside = `SELECT DISTINCT forge, repo FROM environment_seen WHERE outside = 1 AND` + these

const qInstallations = `SELECT forge, name, id FROM installation`

var qSeenIn = wanted("forge", "repo") + `
SELECT DISTINCT e.forge, e.repo, e.name, e.body FROM want w CROSS JOIN environment_seen e WHERE e.forge = w.forge AND e.repo = w.repo ORDER BY e.repo, e.forge, e.name`

var qWaitingIn = wanted("forge", "repo") + `
SELECT p.body, p.attempt FROM want w CROSS JOIN promotion p WHERE p.forge = w.forge AND p.repo = w.repo AND p.state IN ('requested', 'gated', 'deploying')
ORDER BY p.at DESC, p.id LIMIT 500`

var qLocksIn = wanted("forge", "repo") + `
SELECT l.body FROM want w CROSS JOIN environment_lock l WHERE l.forge = w.forge AND l.repo = w.repo AND l.lifted = 0 ORDER BY l.environment, l.id LIMIT 500`

var qMadeIn = wanted("forge", "repo", "environment", "deployment") + `
SELECT p.body, p.attempt FROM want w CROSS JOIN promotion p WHERE p.forge = w.forge AND p.repo = w.repo AND p.environment = w.environment AND p.deployment <> 0
  AND p.deployment = CAST(NULLIF(w.deployment, '') AS bigint)`

var qTagsAt = wanted("forge", "repo", "sha") + `
SELECT DISTINCT t.forge, t.repo, t.sha, t.name FROM want w CROSS JOIN tag_seen t WHERE t.forge = w.forge AND t.repo = w.repo AND t.sha = w.sha AND t.sha <> ''`

// since are the promotions into the environment before one, after the one of the commit that this one has.
var qAhead = wanted("forge", "repo", "environment", "sha") + `
SELECT p.body, p.attempt FROM (SELECT w.forge, w.repo, w.environment, max(b.at) AS at FROM want w
  CROSS JOIN promotion b WHERE b.forge = w.forge AND b.repo = w.repo AND b.sha = w.sha AND b.environment = w.environment GROUP BY w.forge, w.repo, w.environment) x
CROSS JOIN promotion p WHERE p.forge = x.forge AND p.repo = x.repo AND p.environment = x.environment AND p.at >= x.at AND p.deployment <> 0
ORDER BY p.at, p.id LIMIT 1000`

var qVerdicts = wanted("id") + `SELECT d.id, d.body FROM want w CROSS JOIN decision d WHERE d.id = w.id`

// Repositories are those that something is known of, in the order of their names, as they are folded.
func (s *Store) Repositories(ctx context.Context, f gate.BoardFilter) ([]gate.Repo, error) {
	text, search := qRepositories, ""
	if f.Search != "" {
		search = "%" + literal.Replace(fold(f.Search)) + "%"
	}
	var only []string
	for _, c := range []struct {
		on   bool
		text string
	}{{f.Waiting, onlyWaiting}, {f.Locked, onlyLocked}, {f.Changes, onlyOpen}, {f.Outside, onlyOutside}} {
		if c.on {
			only = append(only, c.text)
		}
	}
	if len(only) > 0 { // what is wanted is a short list of its own: the long one is not read
		text = strings.Join(only, "\nINTERSECT ")
	}
	rows, err := s.query(ctx, text+byForge, f.Forge, search)
	if err != nil {
		return nil, fmt.Errorf("list the repositories: %w", err)
	}
	var list []gate.Repo
	err = each(rows, func(scan func(...any) error) error {
		var r gate.Repo
		err := scan(&r.Forge, &r.Name)
		list = append(list, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the repositories: %w", s.explain(err))
	}
	sorting.By(list, func(a, b gate.Repo) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Forge, b.Forge))
	})
	return list, s.reached(ctx, list)
}

// reached fills in how the repositories are reached.
func (s *Store) reached(ctx context.Context, list []gate.Repo) error {
	rows, err := s.query(ctx, qInstallations)
	if err != nil {
		return fmt.Errorf("list the installations: %w", err)
	}
	known := map[[2]string]int64{}
	err = each(rows, func(scan func(...any) error) error {
		var forge, name string
		var id int64
		err := scan(&forge, &name, &id)
		known[[2]string{forge, name}] = id
		return err
	})
	for i, r := range list {
		account, _, _ := strings.Cut(r.Name, "/")
		if list[i].Installation = known[[2]string{r.Forge, r.Name}]; list[i].Installation == 0 {
			list[i].Installation = known[[2]string{r.Forge, account}]
		}
	}
	return err
}

// placeKey names an environment.
type placeKey struct{ forge, repo, name string }

func keyOf(forge, repo, name string) placeKey { return placeKey{forge, fold(repo), fold(name)} }

// Places are the environments of the repositories, at most fifty of these, with what the board shows of each. They come in
// the order of the repositories, and of each in that of its policy.
func (s *Store) Places(ctx context.Context, repos []gate.Repo) ([]gate.Place, error) {
	repos = repos[:min(len(repos), page)]
	places, err := s.placesSeen(ctx, repos)
	if err != nil || len(places) == 0 {
		return nil, err
	}
	for _, step := range []func(context.Context, []gate.Repo, []*gate.Place) error{s.placeWaits, s.placeLocks, s.placeLive, s.placeTags, s.placeBehind, s.placeVerdicts} {
		if err := step(ctx, repos, places); err != nil {
			return nil, fmt.Errorf("read the board: %w", s.explain(err))
		}
	}
	out := make([]gate.Place, len(places))
	for i, p := range places {
		out[i] = *p
	}
	return out, nil
}

func (s *Store) placesSeen(ctx context.Context, repos []gate.Repo) (places []*gate.Place, err error) {
	rows, err := s.query(ctx, qSeenIn, padded(repos, 2, func(r gate.Repo) []any { return []any{r.Forge, fold(r.Name)} })...)
	if err != nil {
		return nil, fmt.Errorf("read the environments: %w", err)
	}
	err = each(rows, func(scan func(...any) error) error {
		var forge, repo, name, body string
		if err := scan(&forge, &repo, &name, &body); err != nil {
			return err
		}
		p := &gate.Place{}
		places = append(places, p)
		return json.Unmarshal([]byte(body), &p.Seen)
	})
	order := map[[2]string]int{}
	for i, r := range repos {
		order[[2]string{r.Forge, fold(r.Name)}] = i + 1
	}
	slices.SortStableFunc(places, func(a, b *gate.Place) int {
		if d := order[[2]string{a.Seen.Forge, fold(a.Seen.Repo)}] - order[[2]string{b.Seen.Forge, fold(b.Seen.Repo)}]; d != 0 {
			return d
		}
		return rank(a) - rank(b)
	})
	return places, err
}

// rank is the place in the order of the policy; what nobody has looked at comes last.
func rank(p *gate.Place) int {
	if p.Seen.View == nil {
		return 1000
	}
	return p.Seen.View.Rank
}

// padded are the arguments of so many columns for a page of rows.
func padded[T any](list []T, columns int, args func(T) []any) (all []any) {
	for i := range page {
		if i < len(list) {
			all = append(all, args(list[i])...)
			continue
		}
		for range columns {
			all = append(all, "")
		}
	}
	return all
}

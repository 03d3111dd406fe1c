package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

const seedUsage = `usage: sluice demo seed [--repos 5000] [--decisions 200000] [--seed 1] [--also] [--serve ADDRESS]

Fills the database that SLUICE_DATABASE names with what a large place would have left in it: repositories with three
environments each, changes, decisions, promotions, overrides, locks, freezes, and the audit log of it all. To look at pages
with much on them, and to measure them. Nothing of it exists at any forge, and nobody judged it: "sluice explain" of such a
decision says that it comes out differently. The same numbers make the same again, but for the time of day.

A database that holds anything already is refused, unless --also is given. With --serve the pages are then shown there, to
whoever asks from this machine, as somebody who may read everything and do nothing.
`

// seeding is what a large place looks like, made up.
type seeding struct {
	repos, decisions int
	seed             uint64
	now              time.Time
}

// seedCommand is `sluice demo seed`.
func seedCommand(ctx context.Context, p process) int {
	flags := flag.NewFlagSet("sluice demo seed", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), seedUsage) }
	repos, decisions, number := flags.Int("repos", 5000, ""), flags.Int("decisions", 200000, ""), flags.Uint64("seed", 1, "")
	also, addr := flags.Bool("also", false, ""), flags.String("serve", "", "")
	args, err := parseAnywhere(flags, p.args, p.stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	if len(args) > 0 || *repos < 1 || *decisions < 0 {
		fmt.Fprint(p.stderr, "sluice demo seed: it takes no arguments, and at least one repository\n", seedUsage)
		return exitFailed
	}
	if *also && *addr != "" {
		fmt.Fprintln(p.stderr, "sluice demo seed: --serve shows all to whoever asks, so it goes with a database that holds nothing else: leave --also out")
		return exitFailed
	}
	if err := seedInto(ctx, p, seeding{repos: *repos, decisions: *decisions, seed: *number}, *also, *addr); err != nil {
		fmt.Fprintln(p.stderr, "sluice demo seed:", gate.Plain(err.Error()))
		return exitFailed
	}
	return exitOpen
}

func seedInto(ctx context.Context, p process, s seeding, also bool, addr string) (err error) {
	st, err := store.Open(ctx, store.Options{URL: databaseOf(p.getenv), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := st.Unused(ctx); err != nil && !(also && errors.Is(err, store.ErrNotEmpty)) {
		if errors.Is(err, store.ErrNotEmpty) {
			err = fmt.Errorf("%w: let SLUICE_DATABASE name an empty one, or say --also to fill this one all the same", err)
		}
		return err
	}
	begin := time.Now()
	if err := s.fill(ctx, st, p.stderr); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%d repositories with %d decisions on changes were made up in %v.\n", s.repos, s.decisions, time.Since(begin).Round(time.Second))
	if addr == "" {
		return nil
	}
	return showSeeded(ctx, st, addr, p.stdout)
}

// every is how many repositories have twenty times as many decisions as the others.
const every = 100

// share is how many of the decisions a repository has; together they have them all.
func (s seeding) share(i int) int {
	before := func(n int) int { return n + 19*((n+every-1)/every) }
	all := before(s.repos)
	return s.decisions*before(i+1)/all - s.decisions*before(i)/all
}

// fill writes it all, some repositories at a time. Each such piece is a transaction.
func (s seeding) fill(ctx context.Context, st *store.Store, told io.Writer) error {
	if s.now.IsZero() {
		s.now = st.Now().UTC().Truncate(time.Hour)
	}
	sources := seedJSON([]policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Commit: fmt.Sprintf("%040x", s.seed), Text: seedPolicy}})
	const batch = 50
	next := time.Now().Add(5 * time.Second)
	for i := 0; i < s.repos; i += batch {
		var list []store.Filling
		for k := i; k < min(i+batch, s.repos); k++ {
			m := newMaker(s, k, sources)
			m.changes()
			m.environments()
			list = append(list, m.out...)
		}
		if err := st.Fill(ctx, list); err != nil {
			return fmt.Errorf("make up repositories: %w", err)
		}
		if time.Now().After(next) {
			fmt.Fprintf(told, "%d of %d repositories\n", min(i+batch, s.repos), s.repos)
			next = time.Now().Add(5 * time.Second)
		}
	}
	return nil
}

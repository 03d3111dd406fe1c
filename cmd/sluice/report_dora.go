package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/gate/dora"
	"github.com/sluicegate/sluice/store"
)

const doraUsage = `usage: sluice report dora [--since T] [--until T] [--repo OWNER/NAME] [--environment NAME] [--format text|json|csv]

Counts the five DORA metrics of each environment from the promotions, the deployments past the gate and the incidents that
are written down, with what each number is of, what is not known, and the failures that are laid at nobody's door.

  --since T               deployments from this time on: 90d, unless given
  --until T               deployments before this time; what became of them counts up to now
  --repo OWNER/NAME       of this repository alone
  --environment NAME      of environments of this name alone: DORA means production
  --format text|json|csv  text, unless given

` + timesAndDatabase

// reportDORA counts the DORA metrics.
func reportDORA(ctx context.Context, p process) (int, error) {
	now := time.Now().UTC()
	since, until := momentFlag{Time: now.AddDate(0, 0, -90)}, momentFlag{until: true}
	flags := p.flags("report dora")
	flags.Var(&since, "since", "")
	flags.Var(&until, "until", "")
	repo := flags.String("repo", "", "")
	environment := flags.String("environment", "", "")
	format := flags.String("format", "text", "")
	if help, err := p.parse(flags, doraUsage); help || err != nil {
		return exitOpen, err
	}
	words := []string{"text", "json", "csv"}
	switch {
	case flags.NArg() > 0 || !slices.Contains(words, *format):
		return 0, fmt.Errorf("dora takes --format %s%s and other options; `sluice report dora --help` tells more", strings.Join(words, "|"), meant(*format, words))
	case !until.IsZero() && !since.Before(until.Time) || !since.Before(now):
		return 0, errors.New("--since is not before --until and now: no time is left to count")
	}
	s, err := beside(ctx, p)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	book, err := doraBook(ctx, s, *repo, *environment, since.Time)
	if err != nil {
		return 0, err
	}
	r := dora.Count(book, dora.Span{Since: since.Time, Until: until.Time, Now: now})
	switch *format {
	case "json":
		return exitOpen, writeReport(p.stdout, r)
	case "csv":
		return exitOpen, writeDORACSV(p.stdout, &r)
	}
	return exitOpen, writeDORA(p.stdout, &r)
}

// doraBook reads what is written down of deployments.
func doraBook(ctx context.Context, s *store.Store, repo, environment string, since time.Time) (b dora.Book, err error) {
	if b.Promotions, err = s.PromotedSince(ctx, repo, environment, since); err != nil {
		return b, err
	}
	if b.Outside, err = doraOutside(ctx, s, repo, environment); err != nil {
		return b, err
	}
	if b.Incidents, err = doraIncidents(ctx, s, &b, environment, since); err != nil {
		return b, err
	}
	b.Carried, err = doraCarried(ctx, s, b.Promotions, since)
	return b, err
}

// doraOutside reads all deployments past the gate, whenever they were: what is live now may have come so long ago.
func doraOutside(ctx context.Context, s *store.Store, repo, environment string) (list []gate.Entry, err error) {
	err = s.Audit(ctx, store.AuditFilter{Repo: repo, Kinds: []gate.EntryKind{gate.EntryOutside}}, func(k audit.Kept) error {
		var e gate.Entry
		if err := json.Unmarshal([]byte(k.Line), &e); err != nil {
			return fmt.Errorf("entry %d cannot be read: `sluice audit verify` tells more: %w", k.Seq, err)
		}
		if environment == "" || strings.EqualFold(e.Environment, environment) {
			list = append(list, e)
		}
		return nil
	})
	return list, err
}

// doraIncidents reads the incidents of the repositories that something was deployed from.
func doraIncidents(ctx context.Context, s *store.Store, b *dora.Book, environment string, since time.Time) (list []gate.Incident, err error) {
	type key struct{ forge, repo string }
	var keys []key
	add := func(forge, repo string) {
		if k := (key{forge, audit.Fold(repo)}); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	for _, p := range b.Promotions {
		add(p.Forge, p.Repo)
	}
	for _, e := range b.Outside {
		add(e.Forge, e.Repo)
	}
	for _, k := range keys {
		found, err := s.Incidents(ctx, k.forge, k.repo, since)
		if err != nil {
			return nil, fmt.Errorf("read the incidents of %s: %w", gate.Plain(k.repo), err)
		}
		for _, i := range found {
			if environment == "" || strings.EqualFold(i.Environment, environment) {
				list = append(list, i)
			}
		}
	}
	return list, nil
}

// doraCarried reads what each promotion brought from the facts of its decision, one after the other: they are large. Those
// whose decision was deleted are left out, and so not known.
func doraCarried(ctx context.Context, s *store.Store, list []gate.Promotion, since time.Time) (map[string]dora.Carried, error) {
	carried := map[string]dora.Carried{}
	for _, p := range list {
		if p.LiveAt.Before(since) || p.How.Back() || p.Decision == "" {
			continue
		}
		_, facts, _, err := s.Decision(ctx, p.Decision)
		if errors.Is(err, store.ErrUnknown) {
			continue
		}
		var c dora.Carried
		var known bool
		if err == nil {
			c, known, err = dora.Brought(facts)
		}
		if err != nil {
			return nil, fmt.Errorf("read what the promotion %s brought: %w", p.ID, err)
		}
		if known {
			carried[p.ID] = c
		}
	}
	return carried, nil
}

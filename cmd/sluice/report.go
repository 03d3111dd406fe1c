package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store"
)

const reportUsage = `usage: sluice report overrides [--by person|repo|check] [--since T] [--until T] [--repo OWNER/NAME] [--json]
       sluice report dora [--since T] [--until T] [--repo OWNER/NAME] [--environment NAME] [--format text|json|csv]

dora counts the five DORA metrics of each environment; sluice report dora --help tells more.
overrides counts, from the audit log, the overrides by who asked for them, by repository or by check:
  GRANTED, REVOKED, EXPIRED, ENDED (by a push) and REFUSED in that time; LIVE and WAITING (for a second person) are those
  asked for in that time that still stand.

  --by person|repo|check  what is a row: person, unless given. By check, what was refused under names that are no check,
                          and that none was ever overridden by, is one row, (unknown)
  --since T               what happened from this time on
  --until T               what happened before this time
  --repo OWNER/NAME       of this repository alone
  --json                  as JSON

` + timesAndDatabase

// reportCommand counts what the audit log tells.
func reportCommand(ctx context.Context, p process) int {
	return verb(ctx, p, "report", reportUsage, []string{"overrides", "dora"}, map[string]auditVerb{"overrides": reportOverrides, "dora": reportDORA})
}

func reportOverrides(ctx context.Context, p process) (int, error) {
	var since, until momentFlag
	until.until = true
	flags := p.flags("report overrides")
	by := flags.String("by", string(audit.ByPerson), "")
	flags.Var(&since, "since", "")
	flags.Var(&until, "until", "")
	repo := flags.String("repo", "", "")
	asJSON := flags.Bool("json", false, "")
	if help, err := p.parse(flags, reportUsage); help || err != nil {
		return exitOpen, err
	}
	words := []string{string(audit.ByPerson), string(audit.ByRepo), string(audit.ByCheck)}
	if flags.NArg() > 0 || !slices.Contains(words, *by) {
		return 0, fmt.Errorf("overrides takes --by %s%s and other options; `sluice report --help` tells more", strings.Join(words, "|"), meant(*by, words))
	}
	s, err := beside(ctx, p)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	o := audit.CountOverrides(audit.By(*by), since.Time, until.Time)
	if _, err := countOverrides(ctx, s, store.AuditFilter{Repo: *repo}, o.Add); err != nil {
		return 0, err
	}
	counts := o.Counts()
	if *asJSON {
		return exitOpen, writeReport(p.stdout, map[string]any{"version": 1, "by": *by, "overrides": counts})
	}
	if len(counts) == 0 {
		_, err := fmt.Fprintln(p.stdout, "No overrides.")
		return exitOpen, err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(*by)+"\tGRANTED\tLIVE\tWAITING\tREVOKED\tEXPIRED\tENDED\tREFUSED")
	for _, c := range counts {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", plainOr(c.Name), c.Granted, c.Live, c.Waiting, c.Revoked, c.Expired, c.Ended, c.Refused)
	}
	return exitOpen, w.Flush()
}

// countOverrides hands over the entries that may tell of overrides, and says which was the last.
func countOverrides(ctx context.Context, s *store.Store, f store.AuditFilter, add func(gate.Entry)) (last int64, err error) {
	f.Kinds = []gate.EntryKind{gate.EntryOverride, gate.EntryCommand}
	last = f.After
	err = s.Audit(ctx, f, func(k audit.Kept) error {
		var e gate.Entry
		if err := json.Unmarshal([]byte(k.Line), &e); err != nil {
			return fmt.Errorf("entry %d cannot be read: `sluice audit verify` tells more: %w", k.Seq, err)
		}
		add(e)
		last = k.Seq
		return nil
	})
	return last, err
}

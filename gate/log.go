package gate

import (
	"log/slog"

	"github.com/sluicegate/sluice/checks"
)

// logDecision tells what was newly decided: one line for the gate, and one for each check that keeps it shut, so that the
// log answers "why" without the database. Reasons hold no secret; they are what the forge shows.
func logDecision(log *slog.Logger, d *Decision) {
	log = log.With("subject", d.Subject.Key(), "commit", d.Commit, "decision", d.ID)
	log.Info("decided", "check", "gate", "outcome", d.Gate.Outcome.String(), "open", d.Open)
	for _, v := range d.Verdicts {
		if v.Outcome != checks.Pass && v.Outcome != checks.Skip {
			log.Info("verdict", "check", v.Check, "outcome", v.Outcome.String(), "mode", string(v.Mode), "reason", Plain(v.Reason), "rule", v.Rule)
		}
	}
}

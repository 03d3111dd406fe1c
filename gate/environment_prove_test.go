package gate

import (
	"log/slog"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// What is shown on a commit that went live just now is asked for at once. What was asked for and could not be had is left to the
// next look that something else brings about: else the forge would be asked again and again.
func TestWhatCannotBeReadOfALiveCommit(t *testing.T) {
	t.Parallel()
	set, err := policy.Load(policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: "version: 1\nenvironments: {production: {verify: [smoke]}}\n"})
	if err != nil {
		t.Fatal(err)
	}
	live := now.Add(-time.Hour)
	green := []checks.Status{{Name: "smoke", State: "success", At: now.Add(-time.Minute)}}
	part := &checks.Facts{Promotion: &checks.Promotion{Commit: "c1"}, Statuses: green, Gaps: []checks.Gap{{Part: "statuses"}}}
	whole := &checks.Facts{Promotion: &checks.Promotion{Commit: "c1"}, Statuses: green}
	for name, c := range map[string]struct {
		asked []string
		facts *checks.Facts
		again int
		state State
	}{
		"not asked for":          {nil, nil, 1, Live},
		"asked for, and not had": {[]string{"c1"}, nil, 0, Live},
		"half of it":             {[]string{"c1"}, part, 0, Live},
		"all of it":              {[]string{"c1"}, whole, 0, Verified},
	} {
		v := &visit{r: &Reconciler{}, set: set, s: checks.Subject{Forge: "f", Repo: "r", Environment: "production"}, now: now, asked: c.asked, book: &EnvironmentBook{},
			standing: &Standing{Facts: c.facts}, touched: map[string]bool{}, log: slog.New(slog.DiscardHandler)}
		p := Promotion{ID: "p1", Forge: "f", Repo: "r", Environment: "production", Commit: "c1", State: Live, LiveAt: live}
		if err := v.prove(&p); err != nil || len(v.out.Marks) != c.again || p.State != c.state {
			t.Errorf("%s: %v, %s, marks %+v; want %s and %d", name, err, p.State, v.out.Marks, c.state, c.again)
		}
	}
}

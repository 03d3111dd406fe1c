package dashboard

import (
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// Whoever wrote the change is named as who mends it, where it is known who did.
func TestWhoCuresAVerdictIsNamed(t *testing.T) {
	t.Parallel()
	v := checks.Verdict{Check: "changelog", Outcome: checks.Fail, Mode: policy.Enforce}
	if got := cures(v, "ana"); !strings.HasPrefix(got, "ana, who wrote the change") {
		t.Errorf("ana's change is mended by %q", got)
	}
	if got := cures(v, ""); !strings.HasPrefix(got, "Whoever wrote the change") {
		t.Errorf("nobody's change is mended by %q", got)
	}
	v.Outcome, v.Findings = checks.Wait, []checks.Finding{{Outcome: checks.Wait, Who: "bo or @acme/ops"}, {Outcome: checks.Wait, Who: "CI: e2e"}, {Outcome: checks.Wait, Who: "CI: e2e"}, {Outcome: checks.Pass, Who: "nobody"}, {Outcome: checks.Wait, Mode: policy.Advise, Who: "an adviser"}}
	if got := cures(v, "ana"); got != "bo or @acme/ops; and CI: e2e." {
		t.Errorf("what waits for two is mended by %q", got)
	}
	v.Until = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	if got := cures(v, "ana"); !strings.HasPrefix(got, "Time; sooner, bo or @acme/ops") {
		t.Errorf("what time cures, and two sooner, is mended by %q", got)
	}
	if v.Outcome = checks.Pass; cures(v, "ana") != "" {
		t.Errorf("what passes is mended by %q", cures(v, "ana"))
	}
}

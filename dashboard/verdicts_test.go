package dashboard

import (
	"strings"
	"testing"

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
	if v.Outcome = checks.Pass; cures(v, "ana") != "" {
		t.Errorf("what passes is mended by %q", cures(v, "ana"))
	}
}

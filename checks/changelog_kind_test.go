package checks

import (
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestAChangelogThatIsNoTextIsRemoved(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"symlink", "submodule", "lfs", "binary"} {
		f := approvalFacts()
		f.Files = []File{{Path: "CHANGELOG.md", Status: "removed", Kind: kind}, {Path: "a.go", Status: "modified"}}
		f.Listed = true
		p := policy.Defaults()
		w := &Wants{}
		wantChangelog(p, f, w)
		if got := judgeOne(&policy.Set{Layers: []*policy.Policy{p}}, f, All()[1]); got.Outcome != Fail {
			t.Errorf("removing a changelog that is a %s beside code: got %v (%s), want fail", kind, got.Outcome, got.Reason)
		}
	}
}

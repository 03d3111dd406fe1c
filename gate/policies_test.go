package gate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestPoliciesAreKeptByWhatTheySay(t *testing.T) {
	t.Parallel()
	var c policyCache
	source := func(commit, more string) policy.Source {
		return policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Commit: commit, Text: "version: 1\n" + more}
	}
	first, err := c.load([]policy.Source{source("a", "")})
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := c.load([]policy.Source{source("b", "")}); second != first || len(c.sets) != 1 {
		t.Errorf("the same policy at another commit was loaded anew: %d kept", len(c.sets))
	}
	if other, _ := c.load([]policy.Source{source("a", "changelog: {mode: \"off\"}\n")}); other == first {
		t.Error("another policy at the same commit was taken for the first")
	}
	organisation := source("a", "")
	organisation.Origin = policy.Organisation
	if other, _ := c.load([]policy.Source{organisation}); other == first {
		t.Error("the organisation's policy was taken for the repository's")
	}
	for i := range 9 {
		if _, err := c.load([]policy.Source{source("a", strings.Repeat("#", 1<<20-100)+fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
		if c.bytes > policyBytes {
			t.Fatalf("%d bytes of policies are kept, want at most %d", c.bytes, policyBytes)
		}
	}
}

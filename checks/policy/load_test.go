package policy_test

import (
	"os"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestFull(t *testing.T) {
	text, err := os.ReadFile("testdata/full.yml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.Load(policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: string(text)})
	if err != nil {
		t.Fatalf("Load(full.yml) = %v, want nil", err)
	}
	p := set.Layers[0]
	t.Logf("%+v", p)
	for _, k := range []string{"changelog.exempt.paths[1]", "approval.rules[1].count", "override.by.permission", "environments.production.windows[0].days", "tagging.files"} {
		t.Log(p.Rule(k))
	}
}

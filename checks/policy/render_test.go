package policy_test

import (
	"os"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

// TestRenderLoadsAgain wants the effective policy, written out, to mean the same.
func TestRenderLoadsAgain(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"the whole example": read(t, "testdata/full.yml"), "nothing": "", "a lane without approvals": "environments: {p: {hotfix: {when: {labels: [h]}, approval: []}}}",
		"an environment in full": "environments: {a: {soak: 2m, verify: [s]}, p: {after: a, deploy: automatic, modes: {soak: off}, hotfix: {when: {labels: [h]}, approval: [{name: x}]}}}"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := load(t, repository(text)).Layers[0]
			second := load(t, repository(policy.Render(first))).Layers[0]
			if found := append(policy.WeakerThan(first, second), policy.WeakerThan(second, first)...); len(found) > 0 {
				t.Errorf("Render(%s) loads to another policy: %v\n%s", name, found, policy.Render(first))
			}
		})
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func repository(text string) policy.Source {
	return policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: text}
}

func organisation(text string) policy.Source {
	return policy.Source{Origin: policy.Organisation, Name: "acme/.github:sluice.yml", Text: text}
}

func load(t *testing.T, sources ...policy.Source) *policy.Set {
	t.Helper()
	set, err := policy.Load(sources...)
	if err != nil {
		t.Fatalf("Load(%v) = %v, want nil", sources, err)
	}
	return set
}

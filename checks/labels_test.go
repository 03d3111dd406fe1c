package checks

import (
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestSettersMatter(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		text   string
		labels []string
		want   bool
	}{
		"a label that names a level":                 {"version: 1", []string{"backend", "semver:minor"}, true},
		"labels that nothing goes by":                {"version: 1", []string{"backend"}, false},
		"no labels":                                  {"changelog: {exempt: {labels: [x]}}", nil, false},
		"labels where some exempt":                   {"changelog: {exempt: {labels: [x]}}", []string{"backend"}, true},
		"labels where some exempt from what is off":  {"changelog: {mode: \"off\", exempt: {labels: [x]}}", []string{"backend"}, false},
		"a label that names a level, tagging is off": {"tagging: {mode: \"off\"}", []string{"major"}, false},
	} {
		set := loaded(t, policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: x.text})
		if got := SettersMatter(set, x.labels); got != x.want {
			t.Errorf("%s: SettersMatter = %v, want %v", name, got, x.want)
		}
	}
}

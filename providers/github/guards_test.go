package github

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Who must say a check is told by branch protection, by rulesets, or by both; one that our App alone may say is enough.
func TestGuardsReadProtectionAndRulesets(t *testing.T) {
	t.Parallel()
	protection := func(checks string) string {
		return `{"protected": true, "protection": {"required_status_checks": {"contexts": ["build"], "checks": [` + checks + `]}}}`
	}
	rules := func(checks string) string {
		return `[{"type": "merge_queue", "parameters": {"merge_method": "MERGE"}}, {"type": "required_status_checks", "parameters": {"required_status_checks": [` + checks + `]}}]`
	}
	const none = `{"protected": false, "protection": {"enabled": false}}`
	cases := map[string]struct {
		branch, rules string // what is answered; "": 404
		policy        bool
		want          Guard
	}{
		"open":      {none, "[]", true, Guard{Branch: "main", Policy: true}},
		"anybody":   {protection(`{"context": "sluice/gate", "app_id": -1}`), "[]", true, Guard{Branch: "main", Policy: true, Required: true}},
		"pinned":    {protection(`{"context": "sluice/gate", "app_id": 1}`), "", false, Guard{Branch: "main", Required: true, Pinned: true}},
		"others":    {protection(`{"context": "sluice/gate", "app_id": 7}`), "[]", false, Guard{Branch: "main", Required: true, Other: true}},
		"ruleset":   {`{"protected": true}`, rules(`{"context": "sluice/gate", "integration_id": 1}`), false, Guard{Branch: "main", Required: true, Pinned: true}},
		"both":      {protection(`{"context": "sluice/gate", "app_id": null}`), rules(`{"context": "sluice/gate", "integration_id": 1}`), false, Guard{Branch: "main", Required: true, Pinned: true}},
		"elsewhere": {protection(`{"context": "sluice/approval", "app_id": 1}`), rules(`{"context": "build"}`), false, Guard{Branch: "main"}},
		"empty":     {"", "", false, Guard{}},
	}
	var names []string
	for name := range cases {
		names = append(names, name)
	}
	slices.Sort(names)
	_, c := newStub(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/api/v3")
		if path == "/installation/repositories" {
			var list []string
			for _, name := range append(names, "archived", "broken") {
				list = append(list, fmt.Sprintf(`{"full_name": "acme/%s", "default_branch": "main", "archived": %v}`, name, name == "archived"))
			}
			fmt.Fprintf(w, `{"total_count": %d, "repositories": [%s]}`, len(list)+40, strings.Join(list, ","))
			return
		}
		parts := strings.SplitN(strings.TrimPrefix(path, "/repos/acme/"), "/", 2)
		x, ok := cases[parts[0]]
		text := map[string]string{"branches/main": x.branch, "rules/branches/main": x.rules, "contents/.sluice.yml": map[bool]string{true: `{"type": "file"}`}[x.policy]}[parts[1]]
		switch {
		case !ok:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"message": "Resource not accessible by integration"}`)
		case text == "":
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message": "Not Found"}`)
		default:
			fmt.Fprint(w, text)
		}
	})
	list, more, err := c.Guards(t.Context(), 5, "sluice/gate", 50)
	if err == nil || !strings.Contains(err.Error(), "look at acme/broken") || more != 40 {
		t.Errorf("%d more, %v; want 40, and what could not be looked at", more, err)
	}
	if len(list) != len(cases) {
		t.Errorf("%d repositories, want %d: %+v", len(list), len(cases), list)
	}
	for _, g := range list {
		name := strings.TrimPrefix(g.Repo, "acme/")
		want := cases[name].want
		if want.Repo = g.Repo; g != want {
			t.Errorf("%s: %+v, want %+v", name, g, want)
		}
	}
}

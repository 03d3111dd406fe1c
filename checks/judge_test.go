package checks

import (
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

// A tree is listed once, so whoever asks for it first has it listed for the others too.
func TestAListingHoldsWhatALaterRoundWillNeed(t *testing.T) {
	t.Parallel()
	set, err := policy.Load()
	if err != nil {
		t.Fatal(err)
	}
	f := &Facts{Change: &Change{State: "open"}, Files: []File{{Path: "main.go", Status: "modified"}}}
	w := AskFor(set, f)
	if w.Paths == nil {
		t.Fatal("AskFor wants no listing, want one: no changelog is named")
	}
	for _, path := range []string{"CHANGELOG.md", "VERSION", "web/package.json", "web/package-lock.json"} {
		if !w.Paths(path) {
			t.Errorf("the listing leaves out %s", path)
		}
	}
	if w.Paths("src/main.go") {
		t.Error("the listing holds src/main.go, which nobody needs")
	}
	f.Listed = true
	if w := AskFor(set, f); w.Paths != nil {
		t.Error("AskFor wants the tree again")
	}
}

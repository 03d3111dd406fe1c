package checks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestReviewersToAsk(t *testing.T) {
	t.Parallel()
	bosOrDora := rule("x", 1, policy.From{Users: []string{"dora", "Bo", "mal"}})
	owners := rule("owners", 1, policy.From{Codeowners: true})
	for name, c := range map[string]struct {
		rules   []policy.ApprovalRule
		reviews []Review
		facts   func(*Facts)
		want    string
	}{
		"those who are named, but not the author": {rules: []policy.ApprovalRule{bosOrDora}, want: "[Bo dora] []"},
		"a team": {rules: []policy.ApprovalRule{ops}, want: "[] [acme/operations]"},
		"nobody in particular where a right is asked for": {rules: []policy.ApprovalRule{peers}, want: "[] []"},
		"nobody once the rule is met":                     {rules: []policy.ApprovalRule{bosOrDora}, reviews: []Review{approved(bo, "c2")}, want: "[] []"},
		"nobody who has reviewed":                         {rules: []policy.ApprovalRule{bosOrDora}, reviews: []Review{commented(bo, "c1")}, want: "[dora] []"},
		"no team of which somebody has reviewed":          {rules: []policy.ApprovalRule{ops}, reviews: []Review{commented(bo, "c1")}, want: "[] []"},
		"nobody who is asked already":                     {rules: []policy.ApprovalRule{bosOrDora, ops}, facts: func(f *Facts) { f.Change.Requested = []string{"DORA", "Acme/Operations"} }, want: "[Bo] []"},
		"nobody who wrote commits":                        {rules: []policy.ApprovalRule{bosOrDora}, facts: func(f *Facts) { f.Commits[0].CoAuthors = []Person{bo} }, want: "[dora] []"},
		"nobody of a stage whose turn has not come":       {rules: []policy.ApprovalRule{ops, after(experts, ops.Name)}, want: "[] [acme/operations]"},
		"the next stage in its turn":                      {rules: []policy.ApprovalRule{ops, after(experts, ops.Name)}, reviews: []Review{approved(cid, "c2")}, want: "[] [acme/dba]"},
		"nobody for a rule about other changes":           {rules: []policy.ApprovalRule{when(ops, policy.When{Branches: policy.Globs{"v1"}})}, want: "[] []"},
		"nobody for a rule that is off or observed":       {rules: []policy.ApprovalRule{mode(ops, policy.Off), mode(experts, policy.Observe)}, want: "[] []"},
		"somebody for advice too":                         {rules: []policy.ApprovalRule{mode(ops, policy.Advise)}, want: "[] [acme/operations]"},
		"owners of paths":                                 {rules: []policy.ApprovalRule{owners}, facts: codeownersText("src/ @ana x@x.example\ndeploy/ @Acme/DBA @mal\n"), want: "[ana] [acme/dba]"},
		"owners of the paths that lack one":               {rules: []policy.ApprovalRule{owners}, reviews: []Review{approved(ana, "c2")}, facts: codeownersText("src/ @ana\ndeploy/ @acme/dba\n"), want: "[] [acme/dba]"},
		"nobody for a draft":                              {rules: []policy.ApprovalRule{ops}, facts: func(f *Facts) { f.Change.Draft = true }, want: "[] []"},
		"nobody for a closed change":                      {rules: []policy.ApprovalRule{ops}, facts: func(f *Facts) { f.Change.State = "closed" }, want: "[] []"},
		"nobody while reviews are not known":              {rules: []policy.ApprovalRule{ops}, facts: gap("reviews", "502"), want: "[] []"},
		"no more than the forge takes":                    {rules: []policy.ApprovalRule{rule("x", 1, policy.From{Users: strings.Fields("a b c d e f g h i j k l m n o p q r"), Teams: []string{"acme/x"}})}, want: "[a b c d e f g h i j k l m n o] []"},
	} {
		f := approvalFacts(c.reviews...)
		if c.facts != nil {
			c.facts(f)
		}
		users, teams := ReviewersToAsk(&policy.Set{Layers: []*policy.Policy{approvalPolicy(c.rules...)}}, f)
		if got := fmt.Sprintf("%v %v", users, teams); got != c.want {
			t.Errorf("%s: ReviewersToAsk(…) = %s, want %s", name, got, c.want)
		}
	}
}

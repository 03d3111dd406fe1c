package checks

import (
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// minute is a moment on the line of time of a test.
func minute(n int) time.Time { return time.Date(2026, 1, 1, 9, n, 0, 0, time.UTC) }

// remark makes a comment.
func remark(p Person, at int, text string) Comment { return Comment{By: p, Text: text, At: minute(at)} }

// heard puts comments into the facts.
func heard(cs ...Comment) func(*Facts) {
	return func(f *Facts) { f.Comments, f.Heard = cs, true }
}

// worded gives reviews ids and moments in their order, and the texts that they came with.
func worded(texts ...string) func(*Facts) {
	return func(f *Facts) {
		f.Heard = true
		for i := range f.Reviews {
			f.Reviews[i].ID, f.Reviews[i].At = int64(100+i), minute(i)
			f.Comments = append(f.Comments, Comment{By: f.Reviews[i].By, At: minute(i), Review: int64(100 + i),
				Text: strings.TrimSuffix(texts[i], "*"), Edited: strings.HasSuffix(texts[i], "*")})
		}
	}
}

func all(changes ...func(*Facts)) func(*Facts) {
	return func(f *Facts) {
		for _, c := range changes {
			c(f)
		}
	}
}

func statusesOf(pairs ...string) func(*Facts) {
	return func(f *Facts) {
		for i := 0; i < len(pairs); i += 2 {
			f.Statuses = append(f.Statuses, Status{Name: pairs[i], State: pairs[i+1], ID: int64(i)})
		}
	}
}

type termsCase struct {
	text    string // of the approval
	reviews []Review
	facts   func(*Facts)
	want    Outcome
	says    string
}

func (c termsCase) run(t *testing.T, name string) {
	t.Helper()
	f := approvalFacts(c.reviews...)
	if c.facts != nil {
		c.facts(f)
	}
	v := concluded(loaded(t, policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: "approval: {" + c.text + "}"}).Layers[0], f)
	whole := v.Reason
	for _, x := range v.Findings {
		whole += "\n" + x.What + "\n" + x.How
	}
	if v.Outcome != c.want || !strings.Contains(whole, c.says) {
		t.Errorf("%s:\napproval: {%s} = %v %q, want %v saying %q", name, c.text, v.Outcome, whole, c.want, c.says)
	}
}

func TestWhatARuleNeedsBesides(t *testing.T) {
	t.Parallel()
	build := `rules: [{name: r, needs: {expression: 'statuses.exists(s, s.name == "build" && s.state == "success")'}}]`
	for name, c := range map[string]termsCase{
		"approved, and the build is green":             {build, []Review{approved(ana, "c2")}, statusesOf("build", "success"), Pass, "Approved by ana"},
		"approved, and the build is red":               {build, []Review{approved(ana, "c2")}, statusesOf("build", "failure"), Wait, "Waits for what the policy wants besides approvals"},
		"approved, and the build has not begun":        {build, []Review{approved(ana, "c2")}, nil, Wait, "statuses.exists"},
		"approved, and the newest build is red":        {build, []Review{approved(ana, "c2")}, statusesOf("build", "success", "build", "failure"), Wait, ""},
		"a green status of Sluice's own":               {build, []Review{approved(ana, "c2")}, func(f *Facts) { f.Statuses = []Status{{Name: "build", State: "success", Ours: true}} }, Wait, ""},
		"the build is green, and nobody approved":      {build, nil, statusesOf("build", "success"), Wait, "Needs 1 more approval"},
		"the statuses could not be read":               {build, []Review{approved(ana, "c2")}, gap("statuses", "502"), Unknown, "502"},
		"an automatic rule":                            {"rules: [{automatic: true}]", nil, nil, Pass, "ask for no approval"},
		"an automatic rule with what it needs":         {"rules: [{automatic: true, needs: {labels: [risky]}}]", nil, nil, Pass, ""},
		"an automatic rule without what it needs":      {"rules: [{automatic: true, needs: {labels: [other]}}]", nil, nil, Wait, "one of the labels other"},
		"an automatic rule after one that is not met":  {"rules: [{name: a}, {name: b, automatic: true, after: a}]", nil, nil, Wait, "Needs a first"},
		"a rule that nobody can meet":                  {`rules: [{name: x, automatic: true, needs: {expression: "false"}}]`, nil, nil, Fail, "lets no change through that is like this one"},
		"such a rule for other changes":                {`rules: [{name: x, when: {labels: [other]}, automatic: true, needs: {expression: "false"}}]`, nil, nil, Pass, ""},
		"an automatic rule as a choice":                {"rules: [{name: a, count: 2}, {name: b, automatic: true}], satisfy: {any: [a, b]}", nil, nil, Pass, ""},
		"an automatic rule for other changes":          {"rules: [{name: a}, {name: b, when: {labels: [other]}, automatic: true}], satisfy: {any: [a, b]}", nil, nil, Wait, ""},
		"a demand that is met is no choice":            {"rules: [{name: a}, {name: b, automatic: true, demand: true}], satisfy: {any: [a, b]}", nil, nil, Wait, ""},
		"a demand that is not met":                     {"rules: [{name: a, demand: true}]", nil, nil, Wait, ""},
		"a demand that is met":                         {"rules: [{name: a, demand: true}]", []Review{approved(ana, "c2")}, nil, Pass, ""},
		"no rule is for the change, which is fine":     {"rules: [{when: {labels: [other]}}]", nil, nil, Pass, "No rule asks"},
		"no rule is for the change, which is not":      {"unmatched: wait, rules: [{when: {labels: [other]}}]", nil, nil, Wait, "No rule is for this change"},
		"a demand alone does not match the change":     {"unmatched: wait, rules: [{demand: true, automatic: true}]", nil, nil, Wait, "No rule is for this change"},
		"a rule is for the change":                     {"unmatched: wait, rules: [{when: {labels: [other]}, name: a}, {automatic: true}]", nil, nil, Pass, ""},
		"a rule may be for the change":                 {"unmatched: wait, rules: [{automatic: true, when: {labels: [other]}}]", nil, gap("labels", "502"), Wait, ""},
		"the source branch, of the repository":         {`rules: [{when: {expression: 'change.source == "more"'}}]`, nil, nil, Wait, ""},
		"the source branch, of a fork":                 {`rules: [{when: {expression: 'change.source == "mal:more"'}}]`, nil, func(f *Facts) { f.Change.Fork, f.Change.Head.Repo = true, "mal/shop" }, Wait, ""},
		"paths touched, old ones of renames included":  {`rules: [{when: {expression: 'touched == ["src/shop.go", "src/new.go", "deploy/prod/old.yml"]'}}]`, nil, nil, Wait, ""},
		"signatures that were not read":                {`rules: [{when: {expression: 'commits.all(c, c.signed)'}}]`, nil, nil, Unknown, "signatures of the commits were not read"},
		"signatures that could not be read":            {`rules: [{when: {expression: 'commits.all(c, c.signed)'}}]`, nil, gap("signatures", "502"), Unknown, "502"},
		"a commit that is not signed":                  {`rules: [{automatic: true, needs: {expression: 'commits.all(c, c.signed)'}}]`, nil, func(f *Facts) { f.Signed = true }, Wait, ""},
		"commits that are signed, and by whom":         {`rules: [{automatic: true, needs: {expression: 'commits.all(c, c.signed && c.signer == "ana" && c.signing_key == "AB")'}}]`, nil, signedBy(ana, "AB"), Pass, ""},
		"a signature that the forge has not confirmed": {`rules: [{automatic: true, needs: {expression: 'commits.all(c, c.signed)'}}]`, nil, all(signedBy(ana, "AB"), func(f *Facts) { f.Commits[1].Signature.Verified = false }), Wait, ""},
	} {
		c.run(t, name)
	}
}

func signedBy(p Person, key string) func(*Facts) {
	return func(f *Facts) {
		f.Signed = true
		for i := range f.Commits {
			f.Commits[i].Signature = &Signature{Verified: true, By: p, Key: key}
		}
	}
}

func TestTermsOfOneRule(t *testing.T) {
	t.Parallel()
	stranger := func(f *Facts) { f.Commits[0].Author = Person{Name: "Who", Email: "who@example.com"} }
	byBo := func(f *Facts) { f.Commits[0].Author = bo }
	for name, c := range map[string]termsCase{
		"the author, where the rule excludes nobody":           {"rules: [{exclude: []}]", []Review{approved(mal, "c2")}, nil, Pass, ""},
		"the author, where the whole excludes nobody":          {"exclude: [], rules: [{}]", []Review{approved(mal, "c2")}, nil, Pass, ""},
		"the author, where the rule excludes more again":       {"exclude: [], rules: [{exclude: [author]}]", []Review{approved(mal, "c2")}, nil, Wait, "is the author"},
		"the author, where other contributors are excluded":    {"rules: [{exclude: [other-contributors]}]", []Review{approved(mal, "c2")}, nil, Pass, ""},
		"another contributor, where those are excluded":        {"rules: [{exclude: [other-contributors]}]", []Review{approved(bo, "c2")}, byBo, Wait, "contributed to the commits"},
		"a contributor, where only the author is excluded":     {"rules: [{exclude: [author]}]", []Review{approved(bo, "c2")}, byBo, Pass, ""},
		"one more for a stranger among the other contributors": {"rules: [{exclude: [other-contributors]}]", []Review{approved(ana, "c2")}, stranger, Wait, "Commits name"},
		"no more for a stranger where nobody is excluded":      {"rules: [{exclude: []}]", []Review{approved(ana, "c2")}, stranger, Pass, ""},
		"two rules with terms of their own":                    {"rules: [{name: a, exclude: []}, {name: b}]", []Review{approved(mal, "c2")}, nil, Wait, `rule "b"`},
		"an old approval that the rule lets count":             {"rules: [{stale: never}]", []Review{approved(ana, "c1")}, nil, Pass, ""},
		"an old approval that the rule does not let count":     {"stale: never, rules: [{stale: commit}]", []Review{approved(ana, "c1")}, nil, Wait, "approved an earlier commit"},
		"a review with the right words":                        {"rules: [{review-text: ['(?i)lgtm']}]", []Review{approved(ana, "c2")}, worded("LGTM!"), Pass, ""},
		"a review with other words":                            {"rules: [{review-text: ['(?i)lgtm']}]", []Review{approved(ana, "c2")}, worded("hm"), Wait, ""},
		"a review whose words were not read":                   {"rules: [{review-text: [lgtm]}]", []Review{approved(ana, "c2")}, nil, Unknown, "The comments were not read."},
		"a review whose words could not be read":               {"rules: [{review-text: [lgtm]}]", []Review{approved(ana, "c2")}, gap("comments", "502"), Unknown, "502"},
		"an unedited review":                                   {"rules: [{reviews: unedited}]", []Review{approved(ana, "c2")}, worded("fine"), Pass, ""},
		"an edited review":                                     {"rules: [{reviews: unedited}]", []Review{approved(ana, "c2")}, worded("fine*"), Wait, "edited afterwards"},
		"an edited review after an unedited one":               {"rules: [{reviews: unedited}]", []Review{approved(ana, "c2"), approved(ana, "c2")}, worded("fine", "hm*"), Wait, ""},
		"an unedited review after an edited one":               {"rules: [{reviews: unedited}]", []Review{approved(ana, "c2"), approved(ana, "c2")}, worded("hm*", "fine"), Pass, ""},
		"an edited review where that does not matter":          {"rules: [{}]", []Review{approved(ana, "c2")}, worded("fine*"), Pass, ""},
	} {
		c.run(t, name)
	}
}

func TestApprovalsInComments(t *testing.T) {
	t.Parallel()
	lgtm := "stale: never, rules: [{comments: ['(?i)^lgtm']}]"
	edited := remark(ana, 1, "LGTM")
	edited.Edited = true
	for name, c := range map[string]termsCase{
		"a comment that approves":                               {lgtm, nil, heard(remark(ana, 1, "LGTM!")), Pass, "Approved by ana"},
		"a comment that does not":                               {lgtm, nil, heard(remark(ana, 1, "not LGTM")), Wait, ""},
		"a comment by somebody without the right":               {lgtm, nil, heard(remark(eve, 1, "LGTM")), Wait, ""},
		"a comment by the author":                               {lgtm, nil, heard(remark(mal, 1, "LGTM")), Wait, "is the author"},
		"a comment by an app":                                   {lgtm, nil, heard(remark(robot, 1, "LGTM")), Wait, "no person's account"},
		"a comment that was edited":                             {lgtm, nil, heard(edited), Wait, "edited afterwards"},
		"a comment by one who objects":                          {lgtm, []Review{requested(ana, "c2")}, heard(remark(ana, 1, "LGTM")), Fail, "requested changes"},
		"comments that were not read":                           {lgtm, nil, nil, Unknown, "The comments were not read."},
		"comments not read, and enough approved by reviews":     {lgtm, []Review{approved(ana, "c2")}, nil, Pass, ""},
		"a review beside comments":                              {lgtm, []Review{approved(ana, "c1")}, heard(), Pass, ""},
		"a review where comments alone approve":                 {"stale: never, rules: [{reviews: none, comments: [lgtm]}]", []Review{approved(ana, "c2")}, heard(), Wait, ""},
		"the words of a review that is a mere comment":          {lgtm, []Review{commented(ana, "c2")}, worded("LGTM"), Pass, ""},
		"the words of a review that requests changes":           {lgtm, []Review{requested(ana, "c2")}, worded("LGTM"), Fail, ""},
		"one person by review and comment":                      {"stale: never, rules: [{count: 2, comments: [lgtm]}]", []Review{approved(ana, "c2")}, heard(remark(ana, 1, "lgtm")), Wait, "Needs 1 more"},
		"two people, by review and comment":                     {"stale: never, rules: [{count: 2, comments: [lgtm]}]", []Review{approved(ana, "c2")}, heard(remark(bo, 1, "lgtm")), Pass, ""},
		"a comment before the earlier stage was met":            {"stale: never, rules: [{name: a, from: {users: [ana]}}, {name: b, after: a, from: {users: [bo]}, comments: [lgtm]}]", []Review{at(approved(ana, "c2"), 5)}, heard(remark(bo, 1, "lgtm")), Wait, ""},
		"a comment after the earlier stage was met":             {"stale: never, rules: [{name: a, from: {users: [ana]}}, {name: b, after: a, from: {users: [bo]}, comments: [lgtm]}]", []Review{at(approved(ana, "c2"), 5)}, heard(remark(bo, 6, "lgtm")), Pass, ""},
		"a review counts for a rule that takes no comments too": {"stale: never, rules: [{name: a, comments: [lgtm]}, {name: b}]", nil, heard(remark(ana, 1, "lgtm")), Wait, `rule "b"`},
	} {
		c.run(t, name)
	}
}

func at(r Review, n int) Review {
	r.At = minute(n)
	return r
}

func TestObjectionsInComments(t *testing.T) {
	t.Parallel()
	blocking := "stale: never, rules: [], objections: {from: {users: [eve]}, comments: ['-1'], withdrawn: ['[+]1']}"
	for name, c := range map[string]termsCase{
		"an objection":                                {blocking, nil, heard(remark(ana, 1, "-1")), Fail, "ana objects in a comment"},
		"an objection by one who is named":            {blocking, nil, heard(remark(eve, 1, "-1")), Fail, "eve objects"},
		"an objection by a passer-by":                 {blocking, nil, all(heard(remark(Person{ID: 50, Login: "who", Kind: "user"}, 1, "-1")), right50("read")), Pass, ""},
		"an objection by one whose right is unknown":  {blocking, nil, heard(remark(Person{ID: 50, Login: "who", Kind: "user"}, 1, "-1")), Unknown, "Whether who may approve"},
		"an objection by an app that is not named":    {blocking, nil, all(heard(remark(robot, 1, "-1")), func(f *Facts) { f.People[77] = Person{ID: 77, Permission: "none"} }), Pass, ""},
		"an objection taken back":                     {blocking, nil, heard(remark(ana, 1, "-1"), remark(ana, 2, "+1")), Pass, ""},
		"an objection taken back by another":          {blocking, nil, heard(remark(ana, 1, "-1"), remark(bo, 2, "+1")), Fail, ""},
		"an objection after one that was taken back":  {blocking, nil, heard(remark(ana, 1, "-1"), remark(ana, 2, "+1"), remark(ana, 3, "-1")), Fail, ""},
		"taken back in the same moment":               {blocking, nil, heard(remark(ana, 1, "-1"), remark(ana, 1, "+1")), Fail, ""},
		"an objection, then an approving review":      {blocking, []Review{at(approved(ana, "c2"), 5)}, heard(remark(ana, 1, "-1")), Pass, ""},
		"an approving review, then an objection":      {blocking, []Review{at(approved(ana, "c2"), 5)}, heard(remark(ana, 6, "-1")), Fail, ""},
		"comments that were not read":                 {blocking, nil, nil, Unknown, "The comments were not read."},
		"requested changes by one who is named":       {"rules: [], objections: {from: {users: [eve]}}", []Review{requested(eve, "c2")}, nil, Fail, "eve requested changes"},
		"requested changes by one who is not":         {"rules: []", []Review{requested(eve, "c2")}, nil, Pass, ""},
		"requested changes by a team whose is unread": {"rules: [], objections: {from: {teams: [acme/x]}}", []Review{requested(eve, "c2")}, nil, Unknown, ""},
	} {
		c.run(t, name)
	}
}

func right50(permission string) func(*Facts) {
	return func(f *Facts) { f.People[50] = Person{ID: 50, Login: "who", Permission: permission} }
}

func TestContributorsAsACondition(t *testing.T) {
	t.Parallel()
	some, only := "rules: [{when: {contributors: [bo]}}]", "rules: [{when: {only-contributors: [mal, bo, web-flow]}}]"
	team := "rules: [{when: {contributors: {teams: [acme/operations]}}}]"
	by := func(p Person) func(*Facts) { return func(f *Facts) { f.Commits[0].Author = p } }
	for name, c := range map[string]termsCase{
		"none of the contributors is meant":             {some, nil, nil, Pass, ""},
		"one of them is":                                {some, nil, by(bo), Wait, ""},
		"one of them is, by a team":                     {team, nil, by(cid), Wait, ""},
		"one might be, by a team that was not read":     {"rules: [{when: {contributors: {teams: [acme/x]}}}]", nil, nil, Unknown, "may approve was not read"},
		"one might be, whom the forge does not know":    {some, nil, by(Person{Name: "B", Email: "b@x.org"}), Unknown, "b b@x.org"},
		"one is, whatever others are":                   {some, nil, func(f *Facts) { f.Commits[0].Author, f.Commits[1].Author = Person{Name: "B"}, bo }, Wait, ""},
		"a co-author does not count":                    {some, nil, func(f *Facts) { f.Commits[0].CoAuthors = []Person{bo} }, Pass, ""},
		"all of them are meant":                         {only, nil, nil, Wait, ""},
		"one of them is not":                            {only, nil, by(ana), Pass, ""},
		"all are, and one whom the forge does not know": {only, nil, by(Person{Name: "B"}), Unknown, "the forge does not know"},
		"the author of the change is not":               {"rules: [{when: {only-contributors: [bo]}}]", nil, func(f *Facts) { f.Commits[0].Author, f.Commits[1].Author = bo, bo }, Pass, ""},
		"the commits could not be read":                 {only, nil, gap("commits", "502"), Unknown, "502"},
		"only some of the commits were read":            {only, nil, func(f *Facts) { f.Change.CommitCount = 3 }, Fail, "The commits were not all read."},
		"a bot of another's change, as commits claim":   {only, nil, by(Person{ID: 78, Login: "ci[bot]", Kind: "bot"}), Unknown, "only what they claim"},
		"a bot's own change": {"rules: [{when: {only-contributors: ['robot[bot]', web-flow]}}]", nil, func(f *Facts) {
			f.Change.Author = robot
			f.Commits = f.Commits[1:]
			f.Commits[0].Author = robot
			f.Change.CommitCount = 1
		}, Wait, ""},
	} {
		c.run(t, name)
	}
}

// TestWhatIsAskedForIsWanted wants comments and signatures to be asked for where a rule reads them, and nowhere else.
func TestWhatIsAskedForIsWanted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text                 string
		comments, signatures bool
	}{
		"nothing special":            {"approval: {stale: never}", false, false},
		"a rule that takes comments": {"approval: {stale: never, rules: [{comments: [x]}]}", true, false},
		"such a rule for others":     {"approval: {stale: never, rules: [{when: {branches: [v1]}, comments: [x]}]}", false, false},
		"such a rule switched off":   {"approval: {stale: never, rules: [{mode: \"off\", comments: [x]}]}", false, false},
		"unedited reviews":           {"approval: {rules: [{reviews: unedited}]}", true, false},
		"words of reviews":           {"approval: {rules: [{review-text: [x]}]}", true, false},
		"objections in comments":     {"approval: {objections: {comments: [x]}}", true, false},
		"a condition on signatures":  {"approval: {rules: [{when: {expression: 'commits.all(c, c.signed)'}}]}", false, true},
		"a need of signatures":       {"approval: {rules: [{automatic: true, needs: {expression: 'commits.all(c, c.signed)'}}]}", false, true},
		"a house rule on signatures": {"checks: [{name: s, rule: 'commits.all(c, c.signed)'}]", false, true},
		"an approval that is off":    {"approval: {mode: \"off\", stale: never, rules: [{comments: [x]}]}", false, false},
	} {
		set, err := policy.Load(policy.Source{Origin: policy.Repository, Name: "p", Text: c.text})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f := approvalFacts(approved(ana, "c1"))
		if w := AskFor(set, f); w.Comments != c.comments || w.Signatures != c.signatures {
			t.Errorf("%s: AskFor wants comments %v and signatures %v, want %v and %v", name, w.Comments, w.Signatures, c.comments, c.signatures)
		}
		f.Heard, f.Signed = true, true
		if w := AskFor(set, f); w.Comments || w.Signatures {
			t.Errorf("%s: AskFor wants again what is known", name)
		}
	}
}

package checks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/expression"
	"github.com/sluicegate/sluice/checks/policy"
)

// The cast. Everybody's right on the repository is in approvalFacts.
var (
	ana   = Person{ID: 1, Login: "ana", Kind: "user", Name: "Ana Lima", Email: "ana@acme.example"}
	bo    = Person{ID: 2, Login: "bo", Kind: "user", Name: "Bo Berg"}
	cid   = Person{ID: 3, Login: "cid", Kind: "user"}
	dora  = Person{ID: 4, Login: "dora", Kind: "user"}
	eve   = Person{ID: 5, Login: "eve", Kind: "user"} // reads only
	mal   = Person{ID: 9, Login: "mal", Kind: "user"} // wrote the change
	robot = Person{ID: 77, Login: "robot", Kind: "app"}
	ghost = Person{Login: "ghost"}
	flow  = Person{ID: 19864447, Login: "web-flow", Kind: "bot", Email: "noreply@github.com", Name: "GitHub"}
)

func approvalFacts(reviews ...Review) *Facts {
	return &Facts{
		Subject:    Subject{Forge: "github", Repo: "acme/shop", Kind: KindChange, Change: 7},
		Repository: Repository{Name: "acme/shop", Default: "main", URL: "https://github.com/acme/shop"},
		Change: &Change{
			Number: 7, Title: "Sell more", Author: mal, State: "open", CommitCount: 2, ChangedFiles: 2, Additions: 30, Deletions: 4,
			Base: Ref{Name: "main", Commit: "b0"}, Head: Ref{Name: "more", Commit: "c2"},
			Labels: []Label{{Name: "Risky"}},
		},
		Files: []File{{Path: "src/shop.go", Status: "modified"}, {Path: "src/new.go", Old: "deploy/prod/old.yml", Status: "renamed"}},
		Commits: []Commit{
			{ID: "c1", Parents: []string{"b0"}, Author: mal, Committer: mal},
			{ID: "c2", Parents: []string{"c1"}, Author: mal, Committer: flow},
		},
		Reviews: reviews,
		People: map[int64]Person{
			1: {ID: 1, Login: "ana", Permission: "write"}, 2: {ID: 2, Login: "bo", Permission: "write"}, 3: {ID: 3, Login: "cid", Permission: "maintain"},
			4: {ID: 4, Login: "dora", Permission: "admin"}, 5: {ID: 5, Login: "eve", Permission: "read"}, 9: {ID: 9, Login: "mal", Permission: "admin"},
		},
		Teams: map[string]Group{
			"acme/operations": {Members: []int64{2, 3}, Complete: true},
			"acme/dba":        {Members: []int64{4}, Complete: true},
		},
		Orgs: map[string]Group{"acme": {Members: []int64{1, 2, 3, 4}, Complete: true}},
	}
}

func approved(p Person, commit string) Review {
	return Review{By: p, State: "approved", Commit: commit}
}
func requested(p Person, commit string) Review {
	return Review{By: p, State: "changes_requested", Commit: commit}
}
func dismissed(p Person, commit string) Review {
	return Review{By: p, State: "dismissed", Commit: commit}
}
func commented(p Person, commit string) Review {
	return Review{By: p, State: "commented", Commit: commit}
}

func approvalPolicy(rules ...policy.ApprovalRule) *policy.Policy {
	p := policy.Defaults()
	p.Approval.Rules = rules
	return p
}

func rule(name string, count int, from policy.From) policy.ApprovalRule {
	return policy.ApprovalRule{Name: name, Count: count, From: from}
}

var (
	peers   = rule("peer review", 1, policy.From{})
	ops     = rule("operations own production", 1, policy.From{Teams: []string{"acme/operations"}})
	experts = rule("database experts", 1, policy.From{Teams: []string{"acme/dba"}})
)

func with[T any](x T, change func(*T)) T { change(&x); return x }

func after(r policy.ApprovalRule, names ...string) policy.ApprovalRule { r.After = names; return r }
func mode(r policy.ApprovalRule, m policy.Mode) policy.ApprovalRule    { r.Mode = m; return r }
func when(r policy.ApprovalRule, w policy.When) policy.ApprovalRule    { r.When = w; return r }

// concluded judges the approval check alone, as Judge does.
func concluded(p *policy.Policy, f *Facts) Verdict {
	return judgeOne(&policy.Set{Layers: []*policy.Policy{p}}, f, Check{"approval", wantApproval, judgeApproval})
}

type approvalCase struct {
	rules   []policy.ApprovalRule
	policy  func(*policy.Policy)
	reviews []Review
	facts   func(*Facts)
	want    Outcome
	says    string // part of the reason, or of a finding's How
}

func (c approvalCase) run(t *testing.T, name string) {
	t.Helper()
	if c.rules == nil {
		c.rules = []policy.ApprovalRule{peers}
	}
	p, f := approvalPolicy(c.rules...), approvalFacts(c.reviews...)
	if c.policy != nil {
		c.policy(p)
	}
	if c.facts != nil {
		c.facts(f)
	}
	v := concluded(p, f)
	var all strings.Builder
	all.WriteString(v.Reason)
	for _, x := range v.Findings {
		all.WriteString("\n" + x.What + "\n" + x.How)
	}
	if v.Outcome != c.want || !strings.Contains(all.String(), c.says) {
		t.Errorf("%s:\njudgeApproval(%d reviews) = %v %q, want %v saying %q\nall of it: %s", name, len(f.Reviews), v.Outcome, v.Reason, c.want, c.says, all.String())
	}
	for _, x := range v.Findings {
		if n := len([]rune(x.What)); n > 140 || x.Rule == "" {
			t.Errorf("%s: finding %q is %d characters long, rule %q", name, x.What, n, x.Rule)
		}
		if x.Outcome == Wait && x.Who == "" {
			t.Errorf("%s: %q waits and names nobody who cures it", name, x.What)
		}
	}
}

func TestApprovalsThatCount(t *testing.T) {
	t.Parallel()
	two := []policy.ApprovalRule{rule("two people", 2, policy.From{})}
	many := []policy.ApprovalRule{rule("many", 5, policy.From{Permission: "read"})}
	for name, c := range map[string]approvalCase{
		"nobody approved":                                  {want: Wait, says: `Needs 1 more approval by somebody with write access (rule "peer review").`},
		"approved by somebody with write access":           {reviews: []Review{approved(ana, "c2")}, want: Pass, says: "Approved by ana."},
		"approved by two, as asked":                        {rules: two, reviews: []Review{approved(ana, "c2"), approved(bo, "c2")}, want: Pass, says: "Approved by ana and bo."},
		"approved twice by one, two are asked":             {rules: two, reviews: []Review{approved(ana, "c2"), approved(ana, "c2")}, want: Wait, says: "Needs 1 more approval"},
		"approved twice by one who was renamed in between": {rules: two, reviews: []Review{approved(ana, "c2"), approved(Person{ID: 1, Login: "ana-2", Kind: "user"}, "c2")}, want: Wait},
		"approved by two of one name":                      {rules: two, reviews: []Review{approved(ana, "c2"), approved(Person{ID: 2, Login: "ana", Kind: "user"}, "c2")}, want: Pass},
		"many are missing":                                 {rules: many, want: Wait, says: "Needs 5 more approvals by somebody with read access"},
		"approved by a reader":                             {reviews: []Review{approved(eve, "c2")}, want: Wait},
		"approved by somebody whose right is not known":    {reviews: []Review{approved(Person{ID: 50, Login: "who", Kind: "user"}, "c2")}, want: Unknown, says: "Whether who may approve"},
		"approved by somebody, rights could not be read":   {reviews: []Review{approved(Person{ID: 50, Login: "who", Kind: "user"}, "c2")}, facts: gap("people", "502"), want: Unknown, says: "502"},
		"one right unknown, but enough others":             {reviews: []Review{approved(Person{ID: 50, Login: "who", Kind: "user"}, "c2"), approved(ana, "c2")}, want: Pass, says: "Approved by ana."},
		"approved by the author":                           {reviews: []Review{approved(mal, "c2")}, want: Wait, says: "mal is the author"},
		"approved by the author under another name":        {reviews: []Review{approved(Person{ID: 9, Login: "mallory", Kind: "user"}, "c2")}, want: Wait},
		"approved by an app":                               {reviews: []Review{approved(robot, "c2")}, want: Wait, says: "robot is no person's account"},
		"approved by a bot with write access":              {reviews: []Review{approved(Person{ID: 1, Login: "ana", Kind: "bot"}, "c2")}, want: Wait},
		"approved by a deleted account":                    {reviews: []Review{approved(ghost, "c2")}, want: Wait},
		"approved by an account of unknown kind":           {reviews: []Review{approved(Person{ID: 1, Login: "ana"}, "c2")}, want: Wait},
		"an approval of an earlier commit":                 {reviews: []Review{approved(ana, "c1")}, want: Wait, says: "ana approved an earlier commit"},
		"an approval of no commit, and a head without one": {reviews: []Review{approved(ana, "")}, facts: func(f *Facts) { f.Change.Head.Commit = "" }, want: Wait},
		"an approval again after the push":                 {reviews: []Review{approved(ana, "c1"), approved(ana, "c2")}, want: Pass},
		"an approval of an old page after one of the head": {reviews: []Review{approved(ana, "c2"), approved(ana, "c1")}, want: Pass},
		"a comment after the approval":                     {reviews: []Review{approved(ana, "c2"), commented(ana, "c2")}, want: Pass},
		"a state that nobody knows after the approval":     {reviews: []Review{approved(ana, "c2"), {By: ana, State: "pending"}}, want: Pass},
		"only a comment":                                   {reviews: []Review{commented(ana, "c2")}, want: Wait},
		"an approval that was dismissed":                   {reviews: []Review{dismissed(ana, "c2")}, want: Wait},
		"an approval dismissed later":                      {reviews: []Review{approved(ana, "c2"), dismissed(ana, "c2")}, want: Wait},
		"an approval after a dismissed one":                {reviews: []Review{dismissed(ana, "c1"), approved(ana, "c2")}, want: Pass},
		"requested changes after the approval":             {reviews: []Review{approved(ana, "c2"), requested(ana, "c2")}, want: Fail, says: "ana requested changes"},
		"the reviews could not be read":                    {reviews: []Review{approved(ana, "c2")}, facts: gap("reviews", "502 from the forge"), want: Unknown, says: "502 from the forge"},
		"a draft is judged alike":                          {facts: func(f *Facts) { f.Change.Draft = true }, want: Wait},
		"a change by a bot, approved":                      {reviews: []Review{approved(ana, "c2")}, facts: func(f *Facts) { f.Change.Author = robot }, want: Pass},
		"a change by a deleted account, approved":          {reviews: []Review{approved(ana, "c2")}, facts: func(f *Facts) { f.Change.Author = ghost }, want: Pass},
		"a local repository":                               {facts: func(f *Facts) { f.Local = true }, want: Skip, says: "has no reviews"},
		"a tag":                                            {facts: func(f *Facts) { f.Change = nil }, want: Skip, says: "not of tags"},
		"no rules":                                         {policy: func(p *policy.Policy) { p.Approval.Rules = nil }, want: Pass, says: "No rule asks for an approval"},
		"a rule that asks for none":                        {rules: []policy.ApprovalRule{rule("none", 0, policy.From{})}, want: Pass},
		"a rule that is switched off":                      {rules: []policy.ApprovalRule{mode(peers, policy.Off)}, want: Skip, says: `"peer review" is switched off`},
		"one rule off, another one met":                    {rules: []policy.ApprovalRule{mode(ops, policy.Off), peers}, reviews: []Review{approved(ana, "c2")}, want: Pass},
		"advice that nobody followed":                      {rules: []policy.ApprovalRule{mode(ops, policy.Advise)}, want: Advise},
		"advice that nobody followed beside a rule met":    {rules: []policy.ApprovalRule{mode(ops, policy.Advise), peers}, reviews: []Review{approved(ana, "c2")}, want: Advise},
		"observed rules do not show":                       {rules: []policy.ApprovalRule{mode(ops, policy.Observe), peers}, reviews: []Review{approved(ana, "c2")}, want: Pass},
		"an author who may approve":                        {policy: func(p *policy.Policy) { p.Approval.Exclude = nil }, reviews: []Review{approved(mal, "c2")}, want: Pass, says: "Approved by mal."},
		"an author who may not, though contributors may":   {policy: exclude("author"), reviews: []Review{approved(mal, "c2")}, want: Wait},
		"a hostile login":                                  {reviews: []Review{approved(Person{ID: 1, Login: "a\u202e\n# x", Kind: "user"}, "c2")}, want: Pass, says: "Approved by a??# x."},
		"somebody named by login":                          {rules: []policy.ApprovalRule{rule("", 1, policy.From{Users: []string{"Eve"}})}, reviews: []Review{approved(eve, "c2")}, want: Pass},
		"a rule that names people says who":                {rules: []policy.ApprovalRule{rule("", 1, policy.From{Users: []string{"mal", "bo", "ana"}})}, want: Wait, says: "These people could approve: ana or bo."},
		"a rule that names a team says who":                {rules: []policy.ApprovalRule{ops}, want: Wait, says: "These people could approve: bo or cid."},
		"a role":                                           {rules: []policy.ApprovalRule{rule("", 1, policy.From{Roles: []string{"x"}})}, policy: func(p *policy.Policy) { p.Roles = map[string]policy.From{"x": {Teams: []string{"acme/dba"}}} }, reviews: []Review{approved(dora, "c2")}, want: Pass},
		"a role that names nobody":                         {rules: []policy.ApprovalRule{rule("", 1, policy.From{Roles: []string{"x"}})}, reviews: []Review{approved(dora, "c2")}, want: Wait, says: "nobody"},
		"the wrong team":                                   {rules: []policy.ApprovalRule{ops}, reviews: []Review{approved(ana, "c2")}, want: Wait, says: `Needs 1 more approval by acme/operations (rule "operations own production").`},
		"one person for two rules":                         {rules: []policy.ApprovalRule{peers, ops}, reviews: []Review{approved(bo, "c2")}, want: Pass, says: "Approved by bo."},
	} {
		c.run(t, name)
	}
}

func gap(part, reason string) func(*Facts) {
	return func(f *Facts) { f.Gaps = append(f.Gaps, Gap{part, reason}) }
}

func exclude(who ...string) func(*policy.Policy) {
	return func(p *policy.Policy) { p.Approval.Exclude = who }
}

func TestObjections(t *testing.T) {
	t.Parallel()
	ok := approved(bo, "c2")
	for name, c := range map[string]approvalCase{
		"on the head, though another approved":          {reviews: []Review{requested(ana, "c2"), ok}, want: Fail, says: "ana requested changes: make them"},
		"on an earlier commit":                          {reviews: []Review{requested(ana, "c1"), ok}, want: Wait, says: "has to look again"},
		"withdrawn by an approval":                      {reviews: []Review{requested(ana, "c1"), approved(ana, "c2")}, want: Pass},
		"withdrawn by an approval that is stale by now": {reviews: []Review{requested(ana, "c1"), approved(ana, "c1"), ok}, want: Pass},
		"dismissed":                                          {reviews: []Review{requested(ana, "c1"), dismissed(ana, "c1"), ok}, want: Pass},
		"still there after a comment":                        {reviews: []Review{requested(ana, "c1"), commented(ana, "c2"), ok}, want: Wait},
		"by a passer-by":                                     {reviews: []Review{requested(eve, "c2"), ok}, want: Pass},
		"by a reader whom a rule names":                      {rules: []policy.ApprovalRule{peers, rule("eve", 1, policy.From{Users: []string{"eve", "bo"}})}, reviews: []Review{requested(eve, "c2"), ok}, want: Fail},
		"by a reader whom a rule for other changes names":    {rules: []policy.ApprovalRule{peers, when(rule("eve", 1, policy.From{Users: []string{"eve"}}), policy.When{Branches: policy.Globs{"v1"}})}, reviews: []Review{requested(eve, "c2"), ok}, want: Pass},
		"by somebody whose right is not known":               {reviews: []Review{requested(Person{ID: 50, Login: "who", Kind: "user"}, "c2"), ok}, want: Unknown},
		"by an app":                                          {reviews: []Review{requested(robot, "c2"), ok}, want: Fail},
		"by a deleted account":                               {reviews: []Review{requested(ghost, "c2"), ok}, want: Pass},
		"by a contributor":                                   {reviews: []Review{requested(ana, "c2"), ok}, facts: func(f *Facts) { f.Commits[0].Author = ana }, want: Fail},
		"where no rule asks for anything":                    {rules: []policy.ApprovalRule{rule("none", 0, policy.From{})}, reviews: []Review{requested(ana, "c2")}, want: Fail},
		"of two deleted accounts, one of whom was dismissed": {reviews: []Review{requested(Person{Login: "x"}, "c2"), dismissed(Person{Login: "y"}, "c2"), ok}, want: Pass},
	} {
		c.run(t, name)
	}
}

func TestStaleApprovals(t *testing.T) {
	t.Parallel()
	stale := func(how string) func(*policy.Policy) { return func(p *policy.Policy) { p.Approval.Stale = how } }
	early := []Review{approved(ana, "c1")}
	byOthers := func(change func(*Commit)) func(*Facts) { return func(f *Facts) { change(&f.Commits[1]) } }
	for name, c := range map[string]approvalCase{
		"commit: of an earlier commit":                          {policy: stale("commit"), reviews: early, want: Wait},
		"a word that the loader would have refused":             {policy: stale("sometimes"), reviews: early, want: Wait},
		"never: of an earlier commit":                           {policy: stale("never"), reviews: early, want: Pass},
		"never: of a commit that is gone":                       {policy: stale("never"), reviews: []Review{approved(ana, "gone")}, want: Pass},
		"push-by-others: of the head":                           {policy: stale("push-by-others"), reviews: []Review{approved(ana, "c2")}, want: Pass},
		"push-by-others: the author pushed since":               {policy: stale("push-by-others"), reviews: early, want: Pass},
		"push-by-others: the approved commit was pushed away":   {policy: stale("push-by-others"), reviews: []Review{approved(ana, "gone")}, want: Wait, says: "earlier commit"},
		"push-by-others: somebody else wrote since":             {policy: stale("push-by-others"), reviews: early, facts: byOthers(func(c *Commit) { c.Author = bo }), want: Wait},
		"push-by-others: somebody else committed since":         {policy: stale("push-by-others"), reviews: early, facts: byOthers(func(c *Commit) { c.Committer = bo }), want: Wait},
		"push-by-others: written together since":                {policy: stale("push-by-others"), reviews: early, facts: byOthers(func(c *Commit) { c.CoAuthors = []Person{bo} }), want: Wait},
		"push-by-others: a name without account since":          {policy: stale("push-by-others"), reviews: append(early, approved(bo, "c1")), facts: byOthers(func(c *Commit) { c.Author = Person{Name: "mal"} }), want: Wait},
		"push-by-others: a side branch of somebody else merged": {policy: stale("push-by-others"), reviews: early, facts: sideBranch, want: Wait},
		"push-by-others: parents are not told":                  {policy: stale("push-by-others"), reviews: early, facts: func(f *Facts) { f.Commits[0].Parents, f.Commits[1].Parents = nil, nil }, want: Pass},
		"push-by-others: parents not told, others wrote before": {policy: stale("push-by-others"), reviews: []Review{approved(ana, "c2")}, facts: thirdCommit, want: Wait},
		"push-by-others: a merge with parents that lead round":  {policy: stale("push-by-others"), reviews: early, facts: func(f *Facts) { f.Commits[0].Parents = []string{"c2"} }, want: Pass},
		"push-by-others: commits could not be read":             {policy: func(p *policy.Policy) { stale("push-by-others")(p); p.Approval.Exclude = nil }, reviews: early, facts: gap("commits", "502"), want: Unknown},
		"push-by-others: commits cut":                           {policy: func(p *policy.Policy) { stale("push-by-others")(p); p.Approval.Exclude = nil }, reviews: early, facts: func(f *Facts) { f.Change.CommitCount = 900 }, want: Fail},
		"push-by-others: a deleted author":                      {policy: stale("push-by-others"), reviews: early, facts: func(f *Facts) { f.Change.Author = ghost; f.Commits[1].Author = Person{Name: "x", Email: "x@x"} }, want: Wait},
	} {
		c.run(t, name)
	}
}

// sideBranch merges older work of somebody else after the approval: in order of time it comes first.
func sideBranch(f *Facts) {
	f.Commits = []Commit{
		{ID: "s1", Parents: []string{"b0"}, Author: bo, Committer: bo}, f.Commits[0],
		{ID: "c2", Parents: []string{"c1", "s1"}, Author: mal, Committer: mal},
	}
	f.Change.CommitCount = 3
}

func thirdCommit(f *Facts) {
	f.Commits[0].Author = bo
	for i := range f.Commits {
		f.Commits[i].Parents = nil
	}
	f.Commits = append(f.Commits, Commit{ID: "c3", Author: mal, Committer: mal})
	f.Change.CommitCount, f.Change.Head.Commit = 3, "c3"
}

func TestContributors(t *testing.T) {
	t.Parallel()
	one := []Review{approved(ana, "c2")}
	both := []Review{approved(ana, "c2"), approved(bo, "c2")}
	wrote := func(p Person) func(*Facts) { return func(f *Facts) { f.Commits[0].Author = p } }
	for name, c := range map[string]approvalCase{
		"approved by an author of a commit":                    {reviews: one, facts: wrote(ana), want: Wait, says: "ana contributed to the commits"},
		"approved by an author who may":                        {reviews: one, facts: wrote(ana), policy: exclude("author"), want: Pass},
		"approved by a committer":                              {reviews: one, facts: func(f *Facts) { f.Commits[0].Committer = ana }, want: Wait},
		"approved by a co-author":                              {reviews: one, facts: func(f *Facts) { f.Commits[1].CoAuthors = []Person{ana} }, want: Wait},
		"an author known by login alone":                       {reviews: one, facts: wrote(Person{Login: "ANA"}), want: Wait, says: "contributed"},
		"an author known by a no-reply address with id":        {reviews: one, facts: wrote(Person{Name: "x", Email: "1+old@users.noreply.github.com"}), want: Wait, says: "contributed"},
		"an author known by a no-reply address, somebody else": {reviews: one, facts: wrote(Person{Name: "x", Email: "2+bo@users.noreply.github.com"}), want: Pass},
		"an author known by an old no-reply address":           {reviews: one, facts: wrote(Person{Name: "x", Email: "Ana@users.noreply.github.com"}), want: Wait, says: "contributed"},
		"an author known by a no-reply address of the own server": {reviews: one, facts: func(f *Facts) {
			f.Repository.URL = "https://git.acme.example:8443/a/b"
			wrote(Person{Email: "1+x@users.noreply.git.acme.example"})(f)
		}, want: Wait, says: "contributed"},
		"a no-reply address of a server that is not ours": {reviews: one, facts: wrote(Person{Email: "2+x@users.noreply.evil.example"}), want: Wait, says: "whom the forge does not know"},
		"an address at GitLab":                            {reviews: one, facts: wrote(Person{Email: "1-ana@users.noreply.gitlab.com"}), want: Wait, says: "contributed"},
		"an address of the forge that says its own": {reviews: one, facts: func(f *Facts) {
			f.Repository.NoReply = "users.noreply.git.acme.example"
			wrote(Person{Email: "1-ana@users.noreply.git.acme.example"})(f)
		}, want: Wait, says: "contributed"},
		"an address of another forge": {reviews: one, facts: func(f *Facts) {
			f.Repository.NoReply = "users.noreply.git.acme.example"
			wrote(Person{Email: "2+bo@users.noreply.github.com"})(f)
		}, want: Wait, says: "whom the forge does not know"},
		"another forge as committer": {reviews: one, facts: func(f *Facts) {
			f.Repository.NoReply = "users.noreply.git.acme.example"
			f.Commits[0].Committer = Person{Name: "GitHub", Email: "noreply@github.com"}
		}, want: Wait, says: "whom the forge does not know"},
		"a login with a hyphen at GitHub":                  {reviews: one, facts: wrote(Person{Email: "1-x@users.noreply.github.com"}), want: Pass},
		"GitHub itself as committer without id":            {reviews: one, facts: func(f *Facts) { f.Commits[0].Committer = Person{Name: "GitHub", Email: "noreply@github.com"} }, want: Pass},
		"GitHub's address as author":                       {reviews: one, facts: wrote(Person{Name: "GitHub", Email: "noreply@github.com"}), want: Wait, says: "whom the forge does not know"},
		"a bot as author":                                  {reviews: one, facts: wrote(Person{Name: "x", Kind: "bot"}), want: Pass},
		"a name without account, one approval":             {reviews: one, facts: wrote(Person{Name: "X Y", Email: "x@lap.top"}), want: Wait, says: "x y, x@lap.top"},
		"a name without account, two approvals":            {reviews: both, facts: wrote(Person{Name: "X Y", Email: "x@lap.top"}), want: Pass},
		"a name without account, contributors may approve": {reviews: one, policy: exclude("author"), facts: wrote(Person{Name: "X Y"}), want: Pass},
		"neither name nor account":                         {reviews: one, facts: wrote(Person{}), want: Wait},
		"a co-author without account":                      {reviews: one, facts: func(f *Facts) { f.Commits[0].CoAuthors = []Person{{Name: "X", Email: "x@x"}} }, want: Wait},
		"two approvals, one by somebody of that name":      {reviews: both, facts: wrote(Person{Name: "bo  BERG"}), want: Pass},
		"two approvals, both by people of such names": {reviews: both, facts: func(f *Facts) {
			wrote(Person{Name: "Bo Berg"})(f)
			f.Commits[1].Author = Person{Name: "x", Email: "ANA@acme.example"}
		}, want: Wait, says: "did not write the commits"},
		"a third approval then, by somebody else": {reviews: append(slices.Clone(both), approved(cid, "c2")), facts: func(f *Facts) { wrote(Person{Name: "Bo Berg"})(f); f.Commits[1].Author = Person{Name: "ana"} }, want: Pass},
		"a name that the rights tell": {reviews: both, facts: func(f *Facts) {
			wrote(Person{Name: "Bo Berg"})(f)
			f.Commits[1].Author = Person{Name: "A. L."}
			f.People[1] = Person{ID: 1, Name: "a. l.", Permission: "write"}
		}, want: Wait},
		"commits could not be read":                 {reviews: one, facts: gap("commits", "502"), want: Unknown, says: "502"},
		"commits cut off":                           {reviews: one, facts: func(f *Facts) { f.Change.CommitCount = 900 }, want: Fail, says: "Only 2 of 900 commits"},
		"commits cut off, as the gap says":          {reviews: one, facts: func(f *Facts) { f.Change.CommitCount = 900; gap("commits", "250 at most")(f) }, want: Fail},
		"commits not read":                          {reviews: one, facts: func(f *Facts) { f.Commits = nil }, want: Unknown},
		"commits cut off, contributors may approve": {reviews: one, policy: exclude("author"), facts: func(f *Facts) { f.Change.CommitCount = 900 }, want: Pass},
		"commits cut off, but nothing is asked":     {rules: []policy.ApprovalRule{rule("none", 0, policy.From{})}, facts: gap("commits", "502"), want: Pass},
	} {
		c.run(t, name)
	}
}

func TestStages(t *testing.T) {
	t.Parallel()
	staged := []policy.ApprovalRule{peers, after(ops, "peer review")}
	for name, c := range map[string]approvalCase{
		"nothing yet":        {rules: staged, want: Wait, says: "Needs peer review first, then 1 approval by acme/operations"},
		"in order":           {rules: staged, reviews: []Review{approved(ana, "c2"), approved(bo, "c2")}, want: Pass},
		"in the wrong order": {rules: staged, reviews: []Review{approved(bo, "c2"), approved(ana, "c2")}, want: Wait, says: "given again"},
		"the wrong order, where the first one suffices": {rules: staged, reviews: []Review{approved(bo, "c2"), approved(cid, "c2")}, want: Pass},
		"one approval for both stages":                  {rules: staged, reviews: []Review{approved(bo, "c2")}, want: Wait},
		"the same person once more":                     {rules: staged, reviews: []Review{approved(bo, "c2"), approved(bo, "c2")}, want: Pass},
		"the first stage was withdrawn":                 {rules: staged, reviews: []Review{approved(ana, "c2"), approved(bo, "c2"), dismissed(ana, "c2")}, want: Wait},
		"the first stage is for other changes":          {rules: []policy.ApprovalRule{when(peers, policy.When{Branches: policy.Globs{"v1"}}), after(ops, "peer review")}, reviews: []Review{approved(bo, "c2")}, want: Pass},
		"the first stage is advice":                     {rules: []policy.ApprovalRule{mode(experts, policy.Advise), after(peers, "database experts")}, reviews: []Review{approved(ana, "c2")}, want: Advise},
		"the first stage is off":                        {rules: []policy.ApprovalRule{mode(experts, policy.Off), after(peers, "database experts")}, reviews: []Review{approved(ana, "c2")}, want: Pass},
		"the first stage is not there":                  {rules: []policy.ApprovalRule{after(peers, "nothing")}, reviews: []Review{approved(ana, "c2")}, want: Wait, says: "Needs nothing first"},
		"stages that wait for each other":               {rules: []policy.ApprovalRule{after(peers, "operations own production"), after(ops, "peer review")}, reviews: []Review{approved(bo, "c2"), approved(ana, "c2"), approved(bo, "c2")}, want: Wait},
		"the first stage is not known":                  {rules: staged, reviews: []Review{approved(Person{ID: 50, Login: "who", Kind: "user"}, "c2"), approved(bo, "c2")}, want: Unknown},
		"three stages":                                  {rules: append(slices.Clone(staged), after(experts, "peer review", "operations own production")), reviews: []Review{approved(ana, "c2"), approved(cid, "c2"), approved(dora, "c2")}, want: Pass},
		"three stages, the last too early":              {rules: append(slices.Clone(staged), after(experts, "peer review", "operations own production")), reviews: []Review{approved(ana, "c2"), approved(dora, "c2"), approved(cid, "c2")}, want: Wait},
	} {
		c.run(t, name)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	// The rule asks for dora, who has not approved; ana has. So Wait means that the condition holds.
	for name, c := range map[string]struct {
		when  policy.When
		facts func(*Facts)
		want  Outcome
	}{
		"none":                               {policy.When{}, nil, Wait},
		"a path":                             {policy.When{Paths: policy.Globs{"src/**"}}, nil, Wait},
		"another path":                       {policy.When{Paths: policy.Globs{"lib/**"}}, nil, Pass},
		"the old path of a rename":           {policy.When{Paths: policy.Globs{"deploy/prod/**"}}, nil, Wait},
		"another path of a list that is cut": {policy.When{Paths: policy.Globs{"lib/**"}}, gap("files", "3,000 at most"), Unknown},
		"a path of a list that is cut":       {policy.When{Paths: policy.Globs{"src/**"}}, gap("files", "3,000 at most"), Wait},
		"files that were not read":           {policy.When{Paths: policy.Globs{"src/**"}}, func(f *Facts) { f.Files = nil }, Unknown},
		"only paths":                         {policy.When{OnlyPaths: policy.Globs{"src/**", "deploy/**"}}, nil, Wait},
		"only paths, the old path of a rename outside":  {policy.When{OnlyPaths: policy.Globs{"src/**"}}, nil, Pass},
		"only paths, of a list that is cut":             {policy.When{OnlyPaths: policy.Globs{"**"}}, gap("files", "3,000 at most"), Unknown},
		"only paths, one outside in a list that is cut": {policy.When{OnlyPaths: policy.Globs{"src/**"}}, gap("files", "3,000 at most"), Pass},
		"only paths, of a change that touches nothing":  {policy.When{OnlyPaths: policy.Globs{"**"}}, func(f *Facts) { f.Files, f.Change.ChangedFiles = nil, 0 }, Pass},
		"a branch":                            {policy.When{Branches: policy.Globs{"release/*", "main"}}, nil, Wait},
		"another branch":                      {policy.When{Branches: policy.Globs{"release/*"}}, nil, Pass},
		"a label in other case":               {policy.When{Labels: []string{"x", "risky"}}, nil, Wait},
		"another label":                       {policy.When{Labels: []string{"x"}}, nil, Pass},
		"at least as large":                   {policy.When{Size: policy.Size{Min: 34}}, nil, Wait},
		"smaller":                             {policy.When{Size: policy.Size{Min: 35}}, nil, Pass},
		"at most as large":                    {policy.When{Size: policy.Size{Max: 34}}, nil, Wait},
		"larger":                              {policy.When{Size: policy.Size{Max: 33}}, nil, Pass},
		"a title":                             {policy.When{Title: "^Sell"}, nil, Wait},
		"another title":                       {policy.When{Title: "^Buy"}, nil, Pass},
		"a pattern for titles that is broken": {policy.When{Title: "("}, nil, Unknown},
		"an author":                           {policy.When{Authors: policy.From{Users: []string{"mal"}}}, nil, Wait},
		"another author":                      {policy.When{Authors: policy.From{Users: []string{"ana"}}}, nil, Pass},
		"an author by right":                  {policy.When{Authors: policy.From{Permission: "admin"}}, nil, Wait},
		"an author whose right is not known":  {policy.When{Authors: policy.From{Permission: "admin"}}, func(f *Facts) { delete(f.People, 9) }, Unknown},
		"an author whose team is not known, other branch": {policy.When{Branches: policy.Globs{"v1"}, Authors: policy.From{Teams: []string{"acme/none"}}}, nil, Pass},
		"an app as author":               {policy.When{Authors: policy.From{Users: []string{"robot[bot]"}}}, func(f *Facts) { f.Change.Author = robot }, Wait},
		"several, all of which hold":     {policy.When{Title: "more", Labels: []string{"risky"}}, nil, Wait},
		"several, one of which does not": {policy.When{Title: "more", Labels: []string{"x"}}, nil, Pass},
	} {
		r := when(rule("r", 1, policy.From{Users: []string{"dora"}}), c.when)
		approvalCase{rules: []policy.ApprovalRule{peers, r}, reviews: []Review{approved(ana, "c2")}, facts: c.facts, want: c.want}.run(t, name)
	}
	for source, want := range map[string]Outcome{
		`change.additions > 20`: Wait, `change.additions > 200`: Pass, `1 / (change.additions - 30) > 0`: Unknown,
	} {
		program, err := expression.Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		r := when(rule("r", 1, policy.From{Users: []string{"dora"}}), policy.When{Expression: program})
		approvalCase{rules: []policy.ApprovalRule{peers, r}, reviews: []Review{approved(ana, "c2")}, want: want}.run(t, source)
	}
	approvalCase{rules: []policy.ApprovalRule{when(peers, policy.When{Paths: policy.Globs{"lib/**"}})}, reviews: []Review{approved(ana, "c2")},
		facts: gap("files", "cut"), want: Pass}.run(t, "met, whether the condition holds or not")
}

func TestSatisfy(t *testing.T) {
	t.Parallel()
	leaf := func(r policy.ApprovalRule) policy.Satisfy { return policy.Satisfy{Rule: r.Name} }
	anyOf := func(xs ...policy.Satisfy) policy.Satisfy { return policy.Satisfy{Any: xs} }
	allOf := func(xs ...policy.Satisfy) policy.Satisfy { return policy.Satisfy{All: xs} }
	tree := func(s policy.Satisfy) func(*policy.Policy) { return func(p *policy.Policy) { p.Approval.Satisfy = s } }
	rules := []policy.ApprovalRule{peers, ops, experts}
	elsewhere := policy.When{Branches: policy.Globs{"v1"}}
	anas := []Review{approved(ana, "c2")}
	for name, c := range map[string]approvalCase{
		"any, the first is met":                   {rules: rules, policy: tree(anyOf(leaf(peers), leaf(ops))), reviews: anas, want: Pass, says: "Approved by ana."},
		"any, none is met":                        {rules: rules, policy: tree(anyOf(leaf(experts), leaf(ops))), reviews: anas, want: Wait, says: `Needs 1 more approval by acme/dba (rule "database experts"), or 1 more approval by acme/operations`},
		"any, each said in full":                  {rules: rules, policy: tree(anyOf(leaf(experts), leaf(ops))), want: Wait, says: "One of these is enough:\nNeeds 1 more approval by acme/dba"},
		"all, one is not met":                     {rules: rules, policy: tree(allOf(leaf(peers), leaf(ops))), reviews: anas, want: Wait, says: "acme/operations"},
		"a tree decides alone":                    {rules: rules, policy: tree(leaf(peers)), reviews: anas, want: Pass},
		"any within all":                          {rules: rules, policy: tree(allOf(leaf(peers), anyOf(leaf(ops), leaf(experts)))), reviews: []Review{approved(ana, "c2"), approved(dora, "c2")}, want: Pass},
		"all within any":                          {rules: rules, policy: tree(anyOf(leaf(experts), allOf(leaf(peers), leaf(ops)))), reviews: anas, want: Wait},
		"any and all in one":                      {rules: rules, policy: tree(policy.Satisfy{Any: []policy.Satisfy{leaf(ops), leaf(experts)}, All: []policy.Satisfy{leaf(peers)}}), reviews: anas, want: Wait},
		"a rule that is not there":                {rules: rules, policy: tree(allOf(leaf(peers), policy.Satisfy{Rule: "x"})), reviews: anas, want: Fail},
		"a rule that is not there, but a choice":  {rules: rules, policy: tree(anyOf(leaf(peers), policy.Satisfy{Rule: "x"})), reviews: anas, want: Pass},
		"any, a rule for other changes":           {rules: []policy.ApprovalRule{when(peers, elsewhere), ops}, policy: tree(anyOf(leaf(peers), leaf(ops))), want: Wait},
		"any, all rules are for other changes":    {rules: []policy.ApprovalRule{when(peers, elsewhere)}, policy: tree(anyOf(leaf(peers))), want: Pass},
		"all, a rule for other changes":           {rules: []policy.ApprovalRule{when(ops, elsewhere), peers}, policy: tree(allOf(leaf(peers), leaf(ops))), reviews: anas, want: Pass},
		"any, a rule that is off":                 {rules: []policy.ApprovalRule{mode(peers, policy.Off), ops}, policy: tree(anyOf(leaf(peers), leaf(ops))), want: Wait},
		"any, advice that is not followed":        {rules: []policy.ApprovalRule{mode(peers, policy.Advise), ops}, policy: tree(anyOf(leaf(peers), leaf(ops))), want: Wait},
		"any, advice alone":                       {rules: []policy.ApprovalRule{mode(peers, policy.Advise), mode(ops, policy.Advise)}, policy: tree(anyOf(leaf(peers), leaf(ops))), want: Advise},
		"all, advice that is not followed":        {rules: []policy.ApprovalRule{mode(ops, policy.Advise), peers}, policy: tree(allOf(leaf(peers), leaf(ops))), reviews: anas, want: Advise},
		"any of all of advice, and a rule":        {rules: []policy.ApprovalRule{mode(ops, policy.Advise), experts}, policy: tree(anyOf(allOf(leaf(ops)), leaf(experts))), want: Wait},
		"any, one is not known":                   {rules: rules, policy: tree(anyOf(leaf(ops), leaf(experts))), facts: func(f *Facts) { delete(f.Teams, "acme/dba") }, reviews: anas, want: Unknown},
		"any, one is not known and one is met":    {rules: rules, policy: tree(anyOf(leaf(peers), leaf(experts))), facts: func(f *Facts) { delete(f.Teams, "acme/dba") }, reviews: anas, want: Pass},
		"any, one is met if it is for the change": {rules: []policy.ApprovalRule{when(peers, policy.When{Paths: policy.Globs{"x"}}), ops}, policy: tree(anyOf(leaf(peers), leaf(ops))), facts: gap("files", "cut"), reviews: anas, want: Unknown},
	} {
		c.run(t, name)
	}
}

func TestApprovalWants(t *testing.T) {
	t.Parallel()
	owned := rule("owners", 1, policy.From{Codeowners: true})
	for name, c := range map[string]struct {
		rules   []policy.ApprovalRule
		reviews []Review
		facts   func(*Facts)
		want    string
	}{
		"CODEOWNERS before anybody spoke":         {[]policy.ApprovalRule{peers, ops, owned}, nil, nil, "tip .github/CODEOWNERS, tip CODEOWNERS, tip docs/CODEOWNERS"},
		"the right of who approved":               {[]policy.ApprovalRule{peers}, []Review{approved(ana, "c2"), approved(bo, "c1"), commented(cid, "c2")}, nil, "ana"},
		"not the right of who is excluded anyway": {[]policy.ApprovalRule{peers}, []Review{approved(mal, "c2"), approved(robot, "c2")}, nil, ""},
		"the team": {[]policy.ApprovalRule{ops}, []Review{approved(ana, "c2")}, nil, "acme/operations"},
		"nothing for a stage whose turn has not come":  {[]policy.ApprovalRule{experts, after(ops, "database experts")}, []Review{approved(ana, "c2")}, func(f *Facts) { f.Teams = map[string]Group{"acme/dba": {Complete: true}} }, ""},
		"nothing for a rule that is for other changes": {[]policy.ApprovalRule{when(ops, policy.When{Branches: policy.Globs{"v1"}})}, []Review{approved(ana, "c2")}, nil, ""},
		"nothing for a rule that is off":               {[]policy.ApprovalRule{mode(ops, policy.Off)}, []Review{approved(ana, "c2")}, nil, ""},
		"nothing for a rule that is met":               {[]policy.ApprovalRule{rule("", 1, policy.From{Users: []string{"ana"}, Teams: []string{"acme/x"}})}, []Review{approved(bo, "c2"), approved(ana, "c2")}, nil, ""},
		"the right of who objects":                     {[]policy.ApprovalRule{ops}, []Review{requested(ana, "c2")}, nil, "ana"},
		"the team of who objects and cannot write":     {[]policy.ApprovalRule{ops}, []Review{requested(eve, "c2")}, func(f *Facts) { f.People = map[int64]Person{5: {Permission: "read"}} }, "acme/operations"},
		"the author's team for a condition":            {[]policy.ApprovalRule{when(peers, policy.When{Authors: policy.From{Teams: []string{"acme/x"}}})}, nil, nil, "acme/x"},
		"CODEOWNERS once somebody approved":            {[]policy.ApprovalRule{owned}, []Review{approved(ana, "c2")}, nil, "tip .github/CODEOWNERS, tip CODEOWNERS, tip docs/CODEOWNERS"},
		"teams that own paths, and the right":          {[]policy.ApprovalRule{owned}, []Review{approved(ana, "c2")}, codeownersText("src/ @acme/dba @cid\ndocs/ @acme/docs\n"), "ana, acme/dba"},
		"the right, where nobody owns the paths":       {[]policy.ApprovalRule{owned}, []Review{approved(ana, "c2")}, codeownersText("docs/ @acme/docs\n"), "ana"},
		"nothing in a local repository":                {[]policy.ApprovalRule{peers}, []Review{approved(ana, "c2")}, func(f *Facts) { f.Local = true }, ""},
	} {
		f := approvalFacts(c.reviews...)
		f.People, f.Teams = nil, nil
		if c.facts != nil {
			c.facts(f)
		}
		var w Wants
		wantApproval(approvalPolicy(c.rules...), f, &w)
		var got []string
		for _, p := range w.People {
			got = append(got, p.Login)
		}
		got = append(append(got, w.Teams...), w.Orgs...)
		for _, x := range w.Texts {
			got = append(got, string(x.Side)+" "+x.Path)
		}
		if s := strings.Join(got, ", "); s != c.want || w.Paths != nil || w.Lines != nil {
			t.Errorf("%s: wantApproval asks for %q, want %q", name, s, c.want)
		}
	}
}

func codeownersText(text string) func(*Facts) {
	return func(f *Facts) {
		f.Texts = []Text{
			{Side: Tip, Path: ".github/CODEOWNERS", Absent: true}, {Side: Tip, Path: "CODEOWNERS", Text: text},
			{Side: Tip, Path: "docs/CODEOWNERS", Text: "* @mal\n"}, {Side: Head, Path: ".github/CODEOWNERS", Text: "* @mal\n"},
		}
	}
}

func TestVerdictNamesTheRule(t *testing.T) {
	t.Parallel()
	v := concluded(approvalPolicy(peers, ops), approvalFacts(approved(ana, "c2")))
	if want := "default approval.rules[1]"; v.Rule != want {
		t.Errorf("concluded(…).Rule = %q, want %q", v.Rule, want)
	}
	if a, b := fmt.Sprintf("%+v", v), fmt.Sprintf("%+v", concluded(approvalPolicy(peers, ops), approvalFacts(approved(ana, "c2")))); a != b {
		t.Errorf("judged twice:\n%s\n%s", a, b)
	}
}

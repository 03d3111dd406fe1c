package github

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/providers/pretend"
)

const everyLine = `version: 1
environments:
  development: {deploy: by-request}
  production:
    deploy: by-request
    release: enforce
    lineage: enforce
    changes: enforce
    statuses: [build]
    separate: [author]
    deployers: {teams: [acme/release]}
    approval: [{name: operations, count: 1, from: {teams: [acme/ops]}}]
`

// everything is a shop whose policy turns every line on, with its first commit live.
func everything(t *testing.T) (*pretend.Forge, *Client) {
	t.Helper()
	f, c := pretended(t)
	f.Org("acme", "olga:admin", "ana", "bo")
	must(t, f.Team("acme/ops", "", "olga"))
	must(t, f.Team("acme/release", "", "bo"))
	push(t, f, map[string]string{
		".sluice.yml": everyLine, "CHANGELOG.md": "# Changelog\n\n## [1.1.0] - 2026-02-01\n\n- Baskets.\n\n## [1.0.0] - 2026-01-01\n\n- A shop.\n",
		"config/development.yaml": "port: 1\nhost: a\n", "config/production.yaml": "port: 2\nhost: b\n",
	})
	_, err := f.Deploy(pretend.Deployment{Repo: "acme/shop"})
	must(t, err)
	must(t, f.DeploymentStatus(pretend.DeploymentStatus{Repo: "acme/shop", State: "success"}))
	return f, c
}

func push(t *testing.T, f *pretend.Forge, files ...map[string]string) string {
	t.Helper()
	p := pretend.Push{Repo: "acme/shop", By: "olga"}
	for _, x := range files {
		p.Commits = append(p.Commits, pretend.Commit{Files: pretend.Texts(x)})
	}
	head, err := f.Push(p)
	must(t, err)
	return head
}

// merge merges a change of so many commits that began at a commit; "": the branch's tip.
func merge(t *testing.T, f *pretend.Forge, name, from string, commits int, squash bool) string {
	t.Helper()
	pr := pretend.PR{Repo: "acme/shop", By: "ana", Branch: name, From: from}
	for i := range commits {
		pr.Commits = append(pr.Commits, pretend.Commit{Message: fmt.Sprint("Edit ", i), Files: pretend.Texts(map[string]string{"src/" + name: fmt.Sprintln(i)})})
	}
	n, err := f.Open(pr)
	must(t, err)
	head, err := f.Merge("acme/shop", n, "bo", squash)
	must(t, err)
	return head
}

// first looks at a promotion as a process does that was just started, and counts what that reads. One that is to compare
// asks for no more of any history.
func first(t *testing.T, f *pretend.Forge, c *Client, head string, compare bool) (*checks.Facts, []string) {
	t.Helper()
	c.memory = newMemory()
	c.memory.shallow.Store(compare)
	f.ResetCalls()
	person := func(login string) checks.Person {
		return checks.Person{ID: f.User(login).ID, Login: login, Kind: "user"}
	}
	now := time.Now().UTC()
	st, err := c.Environment(t.Context(), into("production", head), nil, checks.Promotion{
		How: checks.ByCommand, Requester: person("bo"), Requested: now, Approvals: []checks.Saying{{By: person("olga"), At: now}},
	})
	must(t, err)
	return st.Facts, reads(f)
}

// record is what would be kept of facts, without when they were read.
func record(t *testing.T, f *checks.Facts) string {
	t.Helper()
	g := *f
	g.At = time.Time{}
	m := *f.Promotion
	m.Requested, m.Approvals, g.Promotion = time.Time{}, nil, &m
	b, err := json.MarshalIndent(g, "", " ")
	must(t, err)
	return string(b)
}

// TestTheFirstLookAtAPromotionIsThreeReads has a process that was just started judge every line of a promotion, with as
// many commits since what is live, and holds the facts to what a comparison tells.
func TestTheFirstLookAtAPromotionIsThreeReads(t *testing.T) {
	t.Parallel()
	const (
		compare = "GET /repos/{owner}/{repo}/compare/{basehead...}"
		tree    = "GET /repos/{owner}/{repo}/git/trees/{sha}"
	)
	for name, c := range map[string]struct {
		build func(*testing.T, *pretend.Forge) string
		many  int
		want  []string
	}{
		"1 commit":    {func(t *testing.T, f *pretend.Forge) string { return merge(t, f, "a", "", 1, true) }, 1, nil},
		"a merge":     {func(t *testing.T, f *pretend.Forge) string { return merge(t, f, "a", "", 1, false) }, 2, nil},
		"100 commits": {func(t *testing.T, f *pretend.Forge) string { return merge(t, f, "a", "", 99, false) }, 100, nil},
		"250 commits": {func(t *testing.T, f *pretend.Forge) string { return merge(t, f, "a", "", 249, false) }, 250, nil},
		"100 squashed": {func(t *testing.T, f *pretend.Forge) (head string) {
			for i := range 100 {
				head = merge(t, f, fmt.Sprint("s", i), "", 1, true)
			}
			return head
		}, 100, nil},
		"250 in merges": {func(t *testing.T, f *pretend.Forge) (head string) {
			for i := range 50 {
				head = merge(t, f, fmt.Sprint("m", i), "", 4, false)
			}
			return head
		}, 250, nil},
		"a branch from long before what is live": {func(t *testing.T, f *pretend.Forge) string {
			from := f.Head("acme/shop", "main")
			deploy(t, f, push(t, f, many(150)...))
			return merge(t, f, "old", from, 3, false)
		}, 4, nil},
		"a candidate far behind the branch": {func(t *testing.T, f *pretend.Forge) string {
			head := merge(t, f, "a", "", 149, false)
			push(t, f, many(250)...)
			return head
		}, 150, nil},
		"a branch from further back than is looked": {func(t *testing.T, f *pretend.Forge) string {
			from := f.Head("acme/shop", "main")
			deploy(t, f, push(t, f, many(420)...))
			return merge(t, f, "old", from, 3, false)
		}, 4, []string{"Environment", tree, "Wants", compare}},
		"251 commits": {func(t *testing.T, f *pretend.Forge) string { return merge(t, f, "a", "", 250, false) }, 250, []string{"Environment", tree, "Wants", compare}},
		"a way back": {func(t *testing.T, f *pretend.Forge) string {
			head := f.Head("acme/shop", "main")
			deploy(t, f, push(t, f, many(3)...))
			return head
		}, 0, []string{"Environment", compare, compare, tree, "Wants"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, client := everything(t)
			head := c.build(t, f)
			_, err := f.Tag(pretend.Tag{Repo: "acme/shop", Name: "v1.1.0", At: head, By: "olga", Message: "1.1.0"})
			must(t, err)
			facts, routes := first(t, f, client, head, false)
			if c.want == nil {
				c.want = []string{"Environment", tree, "Wants"}
			}
			if !slices.Equal(routes, c.want) {
				t.Errorf("%d reads %q, want %q", len(routes), routes, c.want)
			}
			if n := len(facts.Promotion.Between); n != c.many {
				t.Errorf("%d commits between, want %d", n, c.many)
			}
			reference, others := first(t, f, client, head, true)
			if got, want := record(t, facts), record(t, reference); got != want {
				t.Errorf("the facts are\n%.3000s\nand by comparison\n%.3000s", got, want)
			}
			t.Logf("by comparison: %d reads %q", len(others), others)
			set, err := policy.Load(facts.Sources...)
			must(t, err)
			for _, v := range checks.JudgePromotion(set, facts) {
				if slices.Contains([]string{"tagging", "changelog", "config-separation", "approval"}, v.Check) && v.Outcome != checks.Pass && name != "a way back" {
					t.Errorf("%s: %v %s", v.Check, v.Outcome, v.Reason)
				}
			}
		})
	}
}

func many(n int) (list []map[string]string) {
	for i := range n {
		list = append(list, map[string]string{"n": fmt.Sprintln(i)})
	}
	return list
}

func deploy(t *testing.T, f *pretend.Forge, commit string) {
	t.Helper()
	id, err := f.Deploy(pretend.Deployment{Repo: "acme/shop", Ref: commit})
	must(t, err)
	must(t, f.DeploymentStatus(pretend.DeploymentStatus{Repo: "acme/shop", ID: id, State: "success"}))
}

// TestWhatWentAlongAndFailedIsAskedForByItself has GitHub give up on the request that more went along with.
func TestWhatWentAlongAndFailedIsAskedForByItself(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]pretend.Fault{
		"given up on": {Route: "graphql query Wants", Status: 502, Count: attempts},
		"refused":     {Route: "graphql query Wants", Status: 200, Body: `{"data": null, "errors": [{"type": "INVALID_CURSOR_ARGUMENTS", "message": "not a valid cursor"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, c := everything(t)
			head := merge(t, f, "a", "", 149, false)
			want, _ := first(t, f, c, head, false)
			f.Fail(fault)
			got, routes := first(t, f, c, head, false)
			if record(t, got) != record(t, want) || !slices.Contains(routes, "GET /repos/{owner}/{repo}/compare/{basehead...}") {
				t.Errorf("after %q the facts are\n%.3000s\nwant\n%.3000s", routes, record(t, got), record(t, want))
			}
		})
	}
}

// TestABringerBeyondTheFirstChangesIsFound has a commit belong to more changes than the first request shows.
func TestABringerBeyondTheFirstChangesIsFound(t *testing.T) {
	t.Parallel()
	st := read("b<a", "a<z")
	st.known["b"].Bringers.Nodes, st.known["b"].Bringers.PageInfo.HasNextPage = by("b", "8%"), true
	if _, ok := st.bringerOf("b"); ok {
		t.Error("known, though not all changes were read")
	}
	n := *st.known["b"]
	n.Bringers = connection[*openNode]{Nodes: by("b", "8%", "7!")}
	st.takeBringers([]string{"b"}, &repoNode{carried: map[int]*cameNode{0: &n}})
	if b, ok := st.bringerOf("b"); !ok || b.Change != 7 {
		t.Errorf("brought by %d, %v; want 7", b.Change, ok)
	}
}

// TestAPageWithAnErrorInItIsNotTaken has a part missing that would look like a commit that no change brought.
func TestAPageWithAnErrorInItIsNotTaken(t *testing.T) {
	t.Parallel()
	st := read("b<a")
	id := strings.Repeat("c", 40)
	st.pages = []historyAt{{of: ofCandidate, commit: st.head}}
	page := &pageNode{OID: st.head, History: connection[*cameNode]{Nodes: []*cameNode{{OID: id}}}}
	repo := &repoNode{pages: map[int]*pageNode{0: page}}
	if !ofPage(repo, graphError{Path: []any{"repository", "q0", "history", "nodes", 0.0, "associatedPullRequests"}}) {
		t.Error("the error is taken for one of the rest")
	}
	if st.takeHistories(repo); st.known[id] != nil {
		t.Error("the page was taken")
	}
	if ofPage(repo, graphError{Path: []any{"repository", "headAt", "f0"}}) {
		t.Error("an error of a text is taken for a page's")
	}
	repo.pages[0] = page
	if st.takeHistories(repo); st.known[id] == nil {
		t.Error("a whole page was not taken")
	}
}

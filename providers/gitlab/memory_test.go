package gitlab

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// A project that was moved away, and another one made in its place, are not taken for one.
func TestAnotherProjectInThePlaceOfOne(t *testing.T) {
	t.Parallel()
	l := newLab()
	c := l.client(t, Options{})
	if f := mustFacts(t, c, labChange(), ""); f.Repository.ID != 9 || !f.Repository.Private {
		t.Fatalf("the first project: %+v", f.Repository)
	}
	l.change("merge_requests/7", obj{"source_project_id": 10, "target_project_id": 10})
	l.change("", obj{"id": 10, "visibility": "public"})
	if f, err := c.Facts(t.Context(), labChange(), ""); !errors.Is(err, gate.ErrStale) {
		t.Errorf("a merge request of another project than the one remembered: %+v, %v; want it to be read again", f, err)
	}
	if f := mustFacts(t, c, labChange(), ""); f.Repository.ID != 10 || f.Repository.Private {
		t.Errorf("read again: %+v, want the project that is there now", f.Repository)
	}
}

// A commit that is in two projects shows in each what was posted there.
func TestACommitInTwoProjects(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.change("merge_requests/7", obj{"source_project_id": 11})
	l.set("projects/11", obj{"path_with_namespace": "eve/shop"})
	l.mu.Lock()
	for path, answer := range l.answers {
		if path != "user" && !strings.HasPrefix(path, "projects/") {
			l.answers[strings.TrimSuffix("projects/acme/mirror/"+path, "/")] = answer
		}
	}
	l.mu.Unlock()
	l.change("projects/acme/mirror", obj{"id": 12, "path_with_namespace": "acme/mirror"})
	l.change("projects/acme/mirror/merge_requests/7", obj{"target_project_id": 12})
	l.set("repository/commits/"+headSHA+"/statuses", []obj{{"id": 1, "name": "sluice/gate", "status": "success", "pipeline_id": 4, "author": obj{"id": 1}}})
	l.set("projects/acme/mirror/repository/commits/"+headSHA+"/statuses", []obj{})
	c := l.client(t, Options{})
	if f := mustFacts(t, c, labChange(), ""); len(f.Statuses) != 1 {
		t.Fatalf("statuses %+v, want the one", f.Statuses)
	}
	mirror := labChange()
	mirror.Repo = "acme/mirror"
	if f := mustFacts(t, c, mirror, ""); len(f.Statuses) != 0 {
		t.Errorf("in the other project stand %+v, want nothing: it was posted in the first", f.Statuses)
	}
}

// That one token may not see a group's policy says nothing of what another sees.
func TestWhatATokenMayNotSeeAnotherMay(t *testing.T) {
	t.Parallel()
	text := "version: 1\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("PRIVATE-TOKEN") != "sees" {
			http.Error(w, `{"message":"404 Project Not Found"}`, 404)
			return
		}
		answer(w, obj{"size": len(text), "encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(text)), "commit_id": tipSHA})
	}))
	t.Cleanup(server.Close)
	c, err := New(Settings{URL: server.URL, Token: "acme/blind=blind,acme/web=sees", WebhookSecret: "x"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		repo string
		want bool
	}{{"acme/blind/shop", false}, {"acme/web/shop", true}, {"acme/blind/shop", false}} {
		a, err := c.reach(x.repo)
		if err != nil {
			t.Fatal(err)
		}
		source, err := (&reading{c: c, a: a, repo: x.repo, f: &checks.Facts{}}).floorOf(t.Context(), "acme/sluice-policy")
		if err != nil || (source != nil) != x.want {
			t.Errorf("the policy of acme for %s: %+v, %v; want one: %v", x.repo, source, err, x.want)
		}
	}
}

// An objection leaves no trace in the merge request: it is seen all the same.
func TestAnObjectionThatLeavesNoTrace(t *testing.T) {
	t.Parallel()
	l := newLab()
	bo := obj{"id": 6, "username": "bo"}
	l.change("merge_requests/7", obj{"reviewers": []obj{bo}})
	l.set("merge_requests/7/reviewers", []obj{{"user": bo, "state": "unreviewed"}})
	c := l.client(t, Options{})
	if f := mustFacts(t, c, labChange(), ""); len(f.Reviews) != 0 {
		t.Fatalf("reviews %+v, want none yet", f.Reviews)
	}
	l.set("merge_requests/7/reviewers", []obj{{"user": bo, "state": "requested_changes"}})
	if f := mustFacts(t, c, labChange(), ""); len(f.Reviews) != 1 || f.Reviews[0].State != "changes_requested" {
		t.Errorf("reviews %+v, want bo's objection", f.Reviews)
	}
}

// Of the two lists of votes the one that could open nothing is not read, as long as nothing else is otherwise; and whatever might
// open the gate has it read.
func TestAListOfVotesThatIsSpared(t *testing.T) {
	t.Parallel()
	bo, cy := obj{"id": 6, "username": "bo"}, obj{"id": 7, "username": "cy"}
	thinks := func(state string) []obj { return []obj{{"user": cy, "state": state}} }
	approved := obj{"approved_by": []obj{{"user": bo, "approved_at": "2026-03-01T13:00:00.000Z"}}}
	nobody := obj{"approved_by": []obj{}}
	both := []string{"merge_requests/7", "merge_requests/7/approvals", "merge_requests/7/reviewers"}
	for name, x := range map[string]struct {
		shown, state      string // of sluice/approval, and what cy thinks at first
		approvals         obj    // at first
		pass              time.Duration
		then              func(*lab)
		asks              []string // no more than that, sorted
		approves, objects bool
	}{
		"shut for want of approvals, and nothing changed": {shown: "pending", state: "unreviewed", approvals: nobody, asks: both[:2]},
		"shut by an objection, and nothing changed":       {shown: "failed", state: "requested_changes", approvals: approved, asks: []string{both[0], both[2]}, objects: true, approves: true},
		"open, and nothing changed":                       {shown: "success", state: "approved", approvals: approved, asks: both, approves: true},
		"nothing is shown yet":                            {state: "unreviewed", approvals: nobody, asks: both},
		"shown by somebody else":                          {shown: "foreign", state: "unreviewed", approvals: nobody, asks: both},
		"votes have aged":                                 {shown: "pending", state: "unreviewed", approvals: nobody, pass: 6 * time.Minute},
		"an approval and an objection that leave no trace": {shown: "pending", state: "unreviewed", approvals: nobody, approves: true, objects: true, then: func(l *lab) {
			l.set("merge_requests/7/approvals", approved)
			l.set("merge_requests/7/reviewers", thinks("requested_changes"))
		}},
		"an objection that is taken back, and an approval": {shown: "failed", state: "requested_changes", approvals: nobody, approves: true, then: func(l *lab) {
			l.set("merge_requests/7/approvals", approved)
			l.set("merge_requests/7/reviewers", thinks("reviewed"))
		}},
		"an approver who rises, and an objection": {shown: "pending", state: "unreviewed", approvals: approved, pass: 2 * time.Minute, approves: true, objects: true, then: func(l *lab) {
			l.set("members/all", []obj{{"id": 6, "username": "bo", "access_level": 50, "state": "active"}})
			l.set("merge_requests/7/reviewers", thinks("requested_changes"))
		}},
		"an approver whose right is asked for again, and is what it was": {shown: "pending", state: "unreviewed", approvals: approved, pass: 2 * time.Minute, approves: true,
			asks: []string{"members/all", both[0], both[1]}},
		"an edit": {shown: "pending", state: "unreviewed", approvals: nobody, asks: both[:2], then: func(l *lab) {
			l.change("merge_requests/7", obj{"description": "Y.", "updated_at": "2026-03-01T14:00:00.000Z"})
		}},
		"a push, and an objection": {shown: "pending", state: "unreviewed", approvals: nobody, objects: true, then: func(l *lab) {
			l.change("merge_requests/7", obj{"diverged_commits_count": 2})
			l.set("merge_requests/7/reviewers", thinks("requested_changes"))
		}},
		"another reviewer, who objects": {shown: "pending", state: "unreviewed", approvals: nobody, objects: true, then: func(l *lab) {
			l.change("merge_requests/7", obj{"reviewers": []obj{cy, bo}})
			l.set("merge_requests/7/reviewers", []obj{{"user": cy, "state": "unreviewed"}, {"user": bo, "state": "requested_changes"}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, now := newLab(), time.Now()
			l.change("merge_requests/7", obj{"reviewers": []obj{cy}, "head_pipeline": obj{"id": 4, "sha": headSHA, "status": "running", "ref": "x", "project_id": 9}})
			var statuses []obj
			switch x.shown {
			case "":
			case "foreign":
				statuses = []obj{{"id": 1, "name": "sluice/approval", "status": "pending", "pipeline_id": 4, "author": obj{"id": 8}}}
			default:
				statuses = []obj{{"id": 1, "name": "sluice/approval", "status": x.shown, "pipeline_id": 4, "author": obj{"id": 1}}}
			}
			l.set("repository/commits/"+headSHA+"/statuses", statuses)
			l.set("users/6", obj{"id": 6})
			l.set("users/7", obj{"id": 7})
			l.set("merge_requests/7/reviewers", thinks(x.state))
			l.set("merge_requests/7/approvals", x.approvals)
			c := l.client(t, Options{Now: func() time.Time { return now }})
			mustFacts(t, c, labChange(), "")
			l.asked = nil
			if now = now.Add(x.pass); x.then != nil {
				x.then(l)
			}
			f := mustFacts(t, c, labChange(), "")
			slices.Sort(l.asked)
			if x.asks != nil && !slices.Equal(l.asked, x.asks) {
				t.Errorf("it asked for %q, want %q", l.asked, x.asks)
			}
			approves, objects := false, false
			for _, v := range f.Reviews {
				approves, objects = approves || v.State == "approved", objects || v.State == "changes_requested"
			}
			if approves != x.approves || objects != x.objects {
				t.Errorf("reviews %+v; want an approval: %v, an objection: %v", f.Reviews, x.approves, x.objects)
			}
		})
	}
}

// That an account is a person's is believed for a day; that it is none, or gone, for an hour.
func TestWhetherAnAccountIsAPersons(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		account any
		pass    time.Duration
		asks    bool
	}{
		"a person":                {obj{"id": 6}, 23 * time.Hour, false},
		"a person, a day later":   {obj{"id": 6}, 24 * time.Hour, true},
		"a service account":       {obj{"id": 6, "bot": true}, 59 * time.Minute, false},
		"one, an hour later":      {obj{"id": 6, "bot": true}, time.Hour, true},
		"gone":                    {404, 59 * time.Minute, false},
		"gone, and an hour later": {404, time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, now := newLab(), time.Now()
			l.set("users/6", x.account)
			l.set("merge_requests/7/approvals", obj{"approved_by": []obj{{"user": obj{"id": 6, "username": "bo"}, "approved_at": "2026-03-01T13:00:00.000Z"}}})
			c := l.client(t, Options{Now: func() time.Time { return now }})
			first := mustFacts(t, c, labChange(), "")
			now, l.asked = now.Add(x.pass), nil
			again := mustFacts(t, c, labChange(), "")
			if asks := slices.Contains(l.asked, "users/6"); asks != x.asks {
				t.Errorf("it asked for %q; for the account: %v, want %v", l.asked, asks, x.asks)
			}
			if a, b := first.Reviews[0].By.Kind, again.Reviews[0].By.Kind; a != b {
				t.Errorf("the account is %q at first and %q later", a, b)
			}
		})
	}
}

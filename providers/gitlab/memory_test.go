package gitlab

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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

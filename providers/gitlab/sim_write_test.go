package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

func (s *talkSim) push(branch string, files obj) string {
	s.Helper()
	return s.shop("/commits", obj{"branch": branch, "user": "alice", "message": "push " + branch, "files": files})["id"].(string)
}

// TestCommits puts commits where they belong, once, and writes over nobody.
func TestCommits(t *testing.T) {
	s := simulated(t)
	ctx, sub := context.Background(), checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindChange, Change: 1}
	tip := s.push("topic", obj{"CHANGELOG.md": "# Changelog\n\nold\n"})
	bob := checks.Person{ID: 3, Login: "bob", Kind: "user"}
	edit := gate.Edit{Repo: shop, Branch: "topic", Expect: tip, Title: "changelog: add", Body: "Asked for.", For: bob,
		Files: map[string]string{"CHANGELOG.md": "# Changelog\n\nnew \"ä\"\n", "changes/7.md": "seven\n"}}
	b, err := s.client.Branch(ctx, sub, "topic")
	if err != nil || b == nil || b.Commit != tip || b.Protected {
		t.Fatalf("Branch = %+v, %v", b, err)
	}
	if b, err := s.client.Branch(ctx, sub, "main"); err != nil || !b.Protected {
		t.Errorf("Branch = %+v, %v; want it protected", b, err)
	}
	if b, err := s.client.Branch(ctx, sub, "none"); err != nil || b != nil {
		t.Errorf("Branch = %+v, %v; want none", b, err)
	}
	id, err := s.client.Commit(ctx, sub, edit)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := s.client.Texts(ctx, sub, shop, id, []string{"CHANGELOG.md", "changes/7.md", "none"})
	if err != nil || len(texts) != 2 || texts["CHANGELOG.md"] != edit.Files["CHANGELOG.md"] {
		t.Errorf("Texts = %q, %v", texts, err)
	}
	b, err = s.client.Branch(ctx, sub, "topic")
	host, _ := url.Parse(s.url)
	if err != nil || b.Commit != id || b.Message != "changelog: add\n\nAsked for.\n\nCo-authored-by: bob <3-bob@users.noreply."+host.Hostname()+">" {
		t.Errorf("Branch = %+v, %v", b, err)
	}
	if again, err := s.client.Commit(ctx, sub, edit); err != nil || again != id {
		t.Errorf("the same again: %s, %v; want %s", again, err, id)
	}
	var no *gate.RefusalError
	edit.Title = "another"
	if _, err := s.client.Commit(ctx, sub, edit); !errors.As(err, &no) || !strings.Contains(no.Why, "in between") {
		t.Errorf("onto a branch that moved: %v", err)
	}
	edit.Branch = "main"
	if _, err := s.client.Commit(ctx, sub, edit); !errors.As(err, &no) {
		t.Errorf("onto another tip: %v", err)
	}
	edit.Branch = "gone"
	if _, err := s.client.Commit(ctx, sub, edit); !errors.As(err, &no) || !strings.Contains(no.Why, "gone") {
		t.Errorf("onto nothing: %v", err)
	}
	edit.Branch, edit.New, edit.Expect = "sluice/release-1", true, id
	s.do("POST", "/faults", obj{"method": "POST", "path": "/repository/commits$", "kind": "reset", "after_effect": true, "count": 1})
	made, err := s.client.Commit(ctx, sub, edit)
	if err != nil {
		t.Fatalf("an answer that was lost: %v", err)
	}
	if again, err := s.client.Commit(ctx, sub, edit); err != nil || again != made {
		t.Errorf("the same again: %s, %v; want %s", again, err, made)
	}
	s.do("POST", "/faults", obj{"method": "POST", "path": "/repository/commits$", "status": 503, "count": 1})
	edit.Branch = "sluice/release-2"
	var unclear *Unclear
	if _, err := s.client.Commit(ctx, sub, edit); !errors.As(err, &unclear) {
		t.Errorf("a failure without effect: %v", err)
	}
	if relation, err := s.client.Relation(ctx, sub, tip, made); err != nil || relation != "ahead" {
		t.Errorf("Relation = %s, %v", relation, err)
	}
}

// TestRace: what somebody pushes between the look and the write is not written over.
func TestRace(t *testing.T) {
	s := simulated(t)
	ctx, sub := context.Background(), checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindChange, Change: 1}
	tip := s.push("topic", obj{"CHANGELOG.md": "old\n"})
	a := s.client.ways[0]
	edit := gate.Edit{Repo: shop, Branch: "topic", Expect: tip, Title: "t", Files: map[string]string{"CHANGELOG.md": "new\n"}}
	actions, err := a.actions(ctx, edit)
	if err != nil {
		t.Fatal(err)
	}
	s.push("topic", obj{"CHANGELOG.md": "theirs\n"})
	var made struct{ ID string }
	_, err = a.send(ctx, "POST", at(shop, "repository", "commits"), nil, obj{"branch": "topic", "commit_message": "t", "actions": actions}, &made)
	var no *gate.RefusalError
	if err = refusedCommit(err, edit, sub); !errors.As(err, &no) || no.Why != movedOn {
		t.Errorf("got %v", err)
	}
}

// TestProposals opens a merge request once.
func TestProposals(t *testing.T) {
	s := simulated(t)
	ctx, sub := context.Background(), checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindChange, Change: 1}
	s.push("rel", obj{"a": "b\n"})
	if p, err := s.client.Proposed(ctx, sub, "rel", "main"); err != nil || p != nil {
		t.Fatalf("Proposed = %+v, %v", p, err)
	}
	s.do("POST", "/faults", obj{"method": "POST", "path": "/merge_requests$", "kind": "reset", "after_effect": true, "count": 1})
	first, err := s.client.Propose(ctx, sub, gate.Proposal{Branch: "rel", Base: "main", Title: "Release 1", Body: "Notes\n/merge"})
	if err != nil || first.State != "open" || first.Number == 0 || first.URL == "" {
		t.Fatalf("Propose = %+v, %v", first, err)
	}
	again, err := s.client.Propose(ctx, sub, gate.Proposal{Branch: "rel", Base: "main", Title: "Release 1"})
	if err != nil || again.Number != first.Number {
		t.Errorf("again: %+v, %v", again, err)
	}
	s.shop(fmt.Sprintf("/merge_requests/%d/close", first.Number), obj{"user": "alice"})
	if p, err := s.client.Proposed(ctx, sub, "rel", "main"); err != nil || p.State != "closed" {
		t.Errorf("Proposed = %+v, %v", p, err)
	}
	var no *gate.RefusalError
	if _, err := s.client.Propose(ctx, sub, gate.Proposal{Branch: "none", Base: "main", Title: "x"}); !errors.As(err, &no) {
		t.Errorf("from nothing: %v", err)
	}
	sub.Change = first.Number
	if files, err := s.client.Touched(ctx, sub); err != nil || fmt.Sprint(files) != fmt.Sprint([]checks.File{{Path: "a", Status: "added"}}) {
		t.Errorf("Touched = %+v, %v", files, err)
	}
}

// TestReleases makes an annotated tag and a release, each once.
func TestReleases(t *testing.T) {
	s := simulated(t)
	ctx, sub := context.Background(), checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindChange, Change: 1}
	tip := s.push("main", obj{"a": "b\n"})
	if tag, err := s.client.TagAt(ctx, sub, "v1.0.0"); err != nil || tag != nil {
		t.Fatalf("TagAt = %+v, %v", tag, err)
	}
	s.do("POST", "/faults", obj{"method": "POST", "path": "/repository/tags$", "kind": "reset", "after_effect": true, "count": 1})
	if err := s.client.CreateTag(ctx, sub, "v1.0.0", tip, "Release 1.0.0\n\nAsked for by bob."); err != nil {
		t.Fatal(err)
	}
	tag, err := s.client.TagAt(ctx, sub, "v1.0.0")
	if err != nil || tag.Commit != tip || !tag.Annotated || tag.Message != "Release 1.0.0\n\nAsked for by bob." {
		t.Errorf("TagAt = %+v, %v", tag, err)
	}
	var no *gate.RefusalError
	if err := s.client.CreateTag(ctx, sub, "v1.0.0", tip, "x"); !errors.As(err, &no) || !strings.Contains(no.Why, "already exists") {
		t.Errorf("again: %v", err)
	}
	s.shop("/tags", obj{"name": "light", "user": "alice"})
	if tag, err = s.client.TagAt(ctx, sub, "light"); err != nil || tag.Annotated {
		t.Errorf("TagAt = %+v, %v; want a light one", tag, err)
	}
	if url, err := s.client.Published(ctx, sub, "v1.0.0"); err != nil || url != "" {
		t.Errorf("Published = %q, %v", url, err)
	}
	s.do("POST", "/faults", obj{"method": "POST", "path": "/releases$", "kind": "reset", "after_effect": true, "count": 1})
	first, err := s.client.Publish(ctx, sub, gate.Notice{Tag: "v1.0.0", Title: "1.0.0", Notes: "- A shop."})
	if err != nil || !strings.Contains(first, "v1.0.0") {
		t.Fatalf("Publish = %q, %v", first, err)
	}
	if url, err := s.client.Publish(ctx, sub, gate.Notice{Tag: "v1.0.0", Title: "1.0.0"}); err != nil || url != first {
		t.Errorf("again: %q, %v", url, err)
	}
	if url, err := s.client.Published(ctx, sub, "v1.0.0"); err != nil || url != first {
		t.Errorf("Published = %q, %v", url, err)
	}
	s.shop("/protected_tags", obj{"name": "p*", "create_access_level": 60})
	if err := s.client.CreateTag(ctx, sub, "p1", tip, "x"); !errors.As(err, &no) || !strings.Contains(no.Why, "protected") {
		t.Errorf("a protected tag: %v", err)
	}
	paths, err := s.client.Tree(ctx, sub, shop, tip)
	if err != nil || !slices.Contains(paths, "README.md") || !slices.Contains(paths, ".sluice.yml") {
		t.Errorf("Tree = %q, %v", paths, err)
	}
}

// TestLandedAtGitLab tells what changes brought from what came past them, whichever way GitLab merges.
func TestLandedAtGitLab(t *testing.T) {
	for _, method := range []string{"merge", "squash", "ff", "ff of several"} {
		t.Run(method, func(t *testing.T) {
			s := simulated(t)
			ctx, repo := context.Background(), gate.Repo{Forge: "gitlab", Name: shop}
			settings := obj{"only_allow_merge_if_pipeline_succeeds": false}
			if strings.HasPrefix(method, "ff") {
				settings["merge_method"] = "ff"
			}
			s.do("PATCH", "/projects/"+url.PathEscape(shop), obj{"settings": settings})
			since := s.push("main", obj{"x": "0\n"})
			f, sub := s.open("a", "carol")
			if method == "ff of several" {
				s.shop(fmt.Sprintf("/merge_requests/%d/push", sub.Change), obj{"user": "carol", "files": obj{"more.txt": "m\n"}})
				s.shop(fmt.Sprintf("/merge_requests/%d/push", sub.Change), obj{"user": "carol", "files": obj{"more.txt": "n\n"}})
			}
			s.shop(fmt.Sprintf("/merge_requests/%d/merge", sub.Change), obj{"user": "alice", "squash": method == "squash"})
			merged := s.branch("main")
			direct := s.push("main", obj{"x": "1\n"})
			l, err := s.client.Landed(ctx, repo, "main", since)
			if err != nil {
				t.Fatal(err)
			}
			s.check("tip", l.Tip, direct)
			s.check("changes", l.Changes, []int{sub.Change})
			s.check("past them", l.Direct, []string{direct})
			s.check("cut, default, policies", fmt.Sprintf("%v %v %d %q", l.Cut, l.Default, len(l.Sources), l.Unread), `false true 1 ""`)
			s.check("line", l.Line[0] == direct && l.Line[1] == merged, true)
			got, branch, err := s.client.Brought(ctx, checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindCommit, Commit: merged})
			if err != nil || branch != "main" || len(got) != 1 || got[0] != (gate.Brought{Change: sub.Change, Commit: merged}) {
				t.Errorf("Brought = %+v, %s, %v", got, branch, err)
			}
			if got, _, err := s.client.Brought(ctx, checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindCommit, Commit: direct}); err != nil || len(got) != 0 {
				t.Errorf("Brought = %+v, %v", got, err)
			}
			if _, _, err := s.client.Brought(ctx, checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindCommit, Commit: strings.Repeat("ab", 20)}); !errors.Is(err, gate.ErrGone) {
				t.Errorf("Brought = %v", err)
			}
			if l, err = s.client.Landed(ctx, repo, "main", direct); err != nil || l.Cut || len(l.Line)+len(l.Changes)+len(l.Direct) != 0 {
				t.Errorf("nothing new: %+v, %v", l, err)
			}
			if l, err = s.client.Landed(ctx, repo, "main", ""); err != nil || l.Tip != direct || l.Cut {
				t.Errorf("only where it is: %+v, %v", l, err)
			}
			if l, err = s.client.Landed(ctx, repo, "main", strings.Repeat("ab", 20)); err != nil || !l.Cut || l.Direct != nil || l.Line != nil {
				t.Errorf("rewritten: %+v, %v", l, err)
			}
			if l, err = s.client.Landed(ctx, repo, "a", f.Change.Head.Commit); err != nil || l.Tip != "" {
				t.Errorf("gone: %+v, %v", l, err)
			}
		})
	}
}

func (s *talkSim) branch(name string) string {
	s.Helper()
	var b branchNode
	s.decode(s.as("alice", "GET", "/repository/branches/"+name, nil), &b)
	return b.Commit.ID
}

// TestStatusesOfACommit shows them on a tag, and on a commit on its way into an environment.
func TestStatusesOfACommit(t *testing.T) {
	s := simulated(t)
	ctx := context.Background()
	tip := s.push("main", obj{"x": "0\n"})
	s.shop("/tags", obj{"name": "v1", "user": "alice"})
	pipelines := func() int {
		var list []any
		s.decode(s.as("alice", "GET", "/pipelines?sha="+tip, nil), &list)
		return len(list)
	}
	sub := checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindTag, Tag: "v1"}
	f := &checks.Facts{Subject: sub, Pushed: &checks.TagPush{Name: "v1", Commit: tip}, Repository: checks.Repository{Default: "main"}}
	post := gate.Post{Name: "sluice/tagging", Commit: tip, Outcome: checks.Fail, Title: "Not annotated."}
	got, err := s.client.Post(ctx, sub, f, []gate.Post{post})
	if err != nil || len(got) != 1 || got[0].State != "failure" {
		t.Fatalf("Post = %+v, %v", got, err)
	}
	sub = checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindPromotion, Environment: "production", Commit: tip}
	post = gate.Post{Name: "sluice/deploy (production)", Commit: tip, Outcome: checks.Wait, Title: "Waits for the window."}
	made := s.shop("/pipelines", obj{"ref": "main", "user": "alice", "jobs": []obj{{"name": "build", "status": "success"}}})
	got, err = s.client.Post(ctx, sub, &checks.Facts{Subject: sub, Repository: checks.Repository{Default: "main"}}, []gate.Post{post})
	if err != nil || len(got) != 1 || got[0].Node != fmt.Sprintf("pipeline/%v", made["id"]) {
		t.Fatalf("Post = %+v, %v; want it in %v", got, err, made["id"])
	}
	before := pipelines()
	s.shop("/pipelines", obj{"ref": "main", "user": "alice", "jobs": []obj{{"name": "build", "status": "success"}}})
	post.Known, post.Outcome, post.Title = &got[0], checks.Pass, "Deployed."
	s.forget()
	done, err := s.client.Post(ctx, sub, nil, []gate.Post{post})
	if err != nil || done[0].ID != got[0].ID || done[0].State != "success" {
		t.Errorf("Post = %+v, %v; want %d to end", done, err, got[0].ID)
	}
	s.check("one write", s.calls(""), fmt.Sprintf("[POST /statuses/%s 201]", tip))
	s.check("no pipeline of its own", pipelines(), before+1)
}

package gitlab_test

//lint:file-ignore SA1019 the library's types are all that is used of it; under its new path they are others

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	api "github.com/xanzy/go-gitlab"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/gitlab"
	"github.com/sluicegate/sluice/providers/pretend"
)

// Two merge requests on a train are read as what it made of them: each with the difference to the one before it.
func TestMergeTrain(t *testing.T) {
	t.Parallel()
	const repo = "acme/shop"
	f := pretend.NewGitLab(pretend.Options{Secret: "secret"})
	f.Install("acme")
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	f.Org("acme", "olga:admin", "ana", "bo")
	must(f.Repo(repo, true, pretend.Texts(map[string]string{".sluice.yml": "version: 1\n", "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n",
		".gitlab-ci.yml": "unit: {script: [x], rules: [{if: $CI_PIPELINE_SOURCE == 'merge_request_event'}]}\n"})))
	must(f.Grant(repo, "ana", "write"))
	must(f.Grant(repo, "bo", "maintain"))
	must(f.Protect(repo, "main", pretend.Required{Context: "unit"}))
	must(f.SettleProject(repo, pretend.ProjectSettings{Trains: true}))
	open := func(branch string) int {
		t.Helper()
		n, err := f.Open(pretend.PR{Repo: repo, By: "ana", Branch: branch, Commits: []pretend.Commit{{Message: "feat: " + branch, Files: pretend.Texts(map[string]string{branch + ".txt": branch + "\n"})}}})
		must(err)
		return n
	}
	one, two := open("one"), open("two")
	client, err := gitlab.New(gitlab.Settings{URL: server.URL, Token: f.GitLabToken(), WebhookSecret: "secret"}, gitlab.Options{})
	must(err)
	_, err = client.Queued(context.Background(), gate.Repo{Forge: "gitlab", Name: repo}, "main", f.Head(repo, "one"))
	if !errors.Is(err, gate.ErrStale) {
		t.Errorf("a train that is empty: %v, want it stale", err)
	}
	mr, err := client.Facts(context.Background(), checks.Subject{Forge: "gitlab", Repo: repo, Kind: checks.KindChange, Change: one}, "")
	must(err)
	own := gate.Post{Name: "sluice/gate", Commit: mr.Change.Head.Commit, Outcome: checks.Pass, Title: "Open.", URL: "https://sluice.example/decisions/d1", ExternalID: "d1"}
	posted, err := client.Post(context.Background(), mr.Subject, mr, []gate.Post{own})
	must(err)
	lab, err := api.NewClient(f.GitLabToken(), api.WithBaseURL(server.URL+"/api/v4"))
	must(err)
	seen, _, err := lab.MergeRequests.GetMergeRequest(repo, one, nil)
	must(err)
	_, err = client.Queued(context.Background(), gate.Repo{Forge: "gitlab", Name: repo}, "main", seen.HeadPipeline.SHA)
	if !errors.Is(err, gate.ErrGone) || errors.Is(err, gate.ErrStale) {
		t.Errorf("a merged result, which no train carries: %v, want it gone", err)
	}
	for i, n := range []int{one, two} {
		must(f.Report(pretend.Report{Repo: repo, Commit: f.Head(repo, []string{"one", "two"}[i]), Name: "unit", State: "success"}))
		must(f.Enqueue(repo, n, "bo"))
	}
	q := f.Queued(repo)
	if len(q) != 2 {
		t.Fatalf("on the train: %+v", q)
	}
	facts, err := client.Queued(context.Background(), gate.Repo{Forge: "gitlab", Name: repo}, "", q[1].Head)
	must(err)
	var got []string
	for _, x := range facts {
		var files []string
		for _, c := range x.Files {
			files = append(files, c.Status+" "+c.Path)
		}
		got = append(got, strings.Join(files, ","))
		if x.Queued == nil || x.Queued.Branch != "main" || len(x.Commits) != 1 || len(x.Gaps) != 0 || x.Sources[0].Text != "version: 1\n" || x.Subject.Kind != checks.KindGroup {
			t.Errorf("facts %+v", x)
		}
	}
	if strings.Join(got, " | ") != "added one.txt | added two.txt" {
		t.Errorf("what the train made of them: %q", got)
	}
	if a, b := facts[0].Queued, facts[1].Queued; a.Before != f.Head(repo, "main") || a.Commit != q[0].Head || b.Before != a.Commit || b.Commit != q[1].Head {
		t.Errorf("the line: %+v, %+v", a, b)
	}
	if alone, err := client.Queued(context.Background(), gate.Repo{Forge: "gitlab", Name: repo}, "main", q[0].Head); err != nil || len(alone) != 1 {
		t.Errorf("the first by itself: %d, %v", len(alone), err)
	}
	// The train's pipeline is GitLab's head pipeline now. A word on the change alone has no business there.
	later, err := gitlab.New(gitlab.Settings{URL: server.URL, Token: f.GitLabToken(), WebhookSecret: "secret"}, gitlab.Options{})
	must(err)
	mr, err = later.Facts(context.Background(), mr.Subject, "")
	must(err)
	again, err := later.Post(context.Background(), mr.Subject, mr, []gate.Post{own})
	must(err)
	if len(again) != 1 || again[0].Node != posted[0].Node || len(f.ShownOn(repo, q[0].Head)) != 0 {
		t.Errorf("posted in %+v, at first in %+v; in the train's pipeline stands %+v", again, posted, f.ShownOn(repo, q[0].Head))
	}
}

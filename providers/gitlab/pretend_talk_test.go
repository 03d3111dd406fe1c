package gitlab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/gitlab"
	"github.com/sluicegate/sluice/providers/pretend"
)

// lab is a GitLab with a project whose merge requests need a pipeline that succeeds, and a client on it.
type lab struct {
	*testing.T
	*pretend.Forge
	client *gitlab.Client
	url    string
	now    time.Time
}

const labShop = "acme/shop"

// changesCI makes pipelines for merge requests, of their merged results where the project asks for those.
const changesCI = "unit: {script: [x], rules: [{if: $CI_PIPELINE_SOURCE == \"merge_request_event\"}]}\n"

func newLab(t *testing.T, files map[string]string) *lab {
	t.Helper()
	l := &lab{T: t, now: time.Now()}
	l.Forge = pretend.NewGitLab(pretend.Options{Tier: "ultimate", Secret: "s", Now: func() time.Time { return l.now }})
	l.Org("acme", "olga:admin")
	l.must(l.Repo(labShop, true, pretend.Texts(files)))
	for login, role := range map[string]string{"ana": "write", "bo": "maintain", "eve": "write"} {
		l.must(l.Grant(labShop, login, role))
	}
	l.must(l.Protect(labShop, "main", pretend.Required{Context: "sluice/gate"}))
	l.Install("acme")
	server := httptest.NewServer(l.Handler())
	t.Cleanup(server.Close)
	l.url = server.URL
	var err error
	l.client, err = gitlab.New(gitlab.Settings{URL: server.URL, Token: l.GitLabToken(), WebhookSecret: "s"}, gitlab.Options{Now: func() time.Time { return l.now }})
	l.must(err)
	return l
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) is(what string, got, want any) {
	l.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		l.Errorf("%s:\ngot  %s\nwant %s", what, g, w)
	}
}

func (l *lab) open(branch string, files map[string]string) int {
	l.Helper()
	n, err := l.Open(pretend.PR{Repo: labShop, By: "ana", Branch: branch, Commits: []pretend.Commit{{Files: pretend.Texts(files)}}})
	l.must(err)
	return n
}

// judge reads the change and says of its gate what it is told to; it is what a look at it comes to.
func (l *lab) judge(n int, o checks.Outcome, title string) ([]gate.Posted, error) {
	l.Helper()
	s := checks.Subject{Forge: "gitlab", Repo: labShop, Kind: checks.KindChange, Change: n}
	f, err := l.client.Facts(context.Background(), s, "")
	l.must(err)
	p := gate.Post{Name: "sluice/gate", Commit: f.Change.Head.Commit, Outcome: o, Title: title, Summary: title, URL: "https://sluice.example/decisions/d1"}
	ours, above := checks.Status{}, int64(0)
	for _, x := range f.Statuses {
		switch {
		case x.Name == p.Name && x.Ours:
			ours = x
		case x.Name == p.Name:
			above = x.ID
		}
	}
	if ours.ID > above {
		p.Known = &gate.Posted{Name: p.Name, Commit: p.Commit, ID: ours.ID, Node: ours.Node, State: ours.State}
	}
	return l.client.Post(context.Background(), s, f, []gate.Post{p})
}

// pipelines are those of the project, the newest first.
func (l *lab) pipelines() (list []struct{ Ref, SHA, Source string }) {
	l.Helper()
	r, err := http.NewRequestWithContext(l.Context(), http.MethodGet, l.url+"/api/v4/projects/acme%2Fshop/pipelines", nil)
	l.must(err)
	r.Header.Set("PRIVATE-TOKEN", l.GitLabToken())
	resp, err := http.DefaultClient.Do(r)
	l.must(err)
	defer resp.Body.Close()
	l.must(json.NewDecoder(resp.Body).Decode(&list))
	return list
}

func (l *lab) why(n int) string {
	_, why := l.Mergeable(labShop, n)
	return why
}

func (l *lab) shown(n int) string {
	var lines []string
	for _, s := range l.Shown(labShop, n) {
		lines = append(lines, s.Name+" "+s.State+" "+s.Title)
	}
	return strings.Join(lines, "\n")
}

// TestMergedResults: the pipeline that decides is that of the merge, and there the statuses stand.
func TestMergedResults(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{".gitlab-ci.yml": changesCI})
	l.must(l.SettleProject(labShop, pretend.ProjectSettings{Trains: true}))
	n := l.open("c", map[string]string{"c": "c\n"})
	first, err := l.judge(n, checks.Wait, "Waits.")
	l.must(err)
	l.is("shown", l.shown(n), "sluice/gate in_progress Waits.")
	l.must(l.Report(pretend.Report{Repo: labShop, Commit: l.pipelines()[0].SHA, Name: "unit", State: "success"}))
	l.is("held back", strings.Contains(l.why(n), "sluice/gate is pending"), true)
	second, err := l.judge(n, checks.Pass, "Open.")
	l.must(err)
	l.is("one status", second[0].ID, first[0].ID)
	l.is("let through", l.why(n), "")
	again, err := l.judge(n, checks.Pass, "Open.")
	l.must(err)
	l.is("nothing new", again[0], second[0])
	l.is("no pipeline of its own", len(l.pipelines()), 1)
}

// TestStartedAnew: whoever starts a pipeline of his own on the head gets our statuses into it.
func TestStartedAnew(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{".gitlab-ci.yml": "unit: {script: [x]}\n"})
	n := l.open("c", map[string]string{"c": "c\n"})
	first, err := l.judge(n, checks.Fail, "Shut.")
	l.must(err)
	id, err := l.RunPipeline(labShop, "c", 0, "eve")
	l.must(err)
	l.must(l.Report(pretend.Report{Repo: labShop, Commit: "c", Name: "unit", State: "success"}))
	l.is("got past", l.why(n), "")
	second, err := l.judge(n, checks.Fail, "Shut.")
	l.must(err)
	l.is("in the new one", second[0].Node, fmt.Sprintf("pipeline/%d", id))
	l.is("another than before", second[0].Node != first[0].Node, true)
	l.is("shut", strings.HasPrefix(l.why(n), "ci_must_pass"), true)
	l.is("shown", l.shown(n), "sluice/gate failure Shut.")
}

// TestWrittenOver: what somebody else posts under our name comes under ours again, whatever stood there.
func TestWrittenOver(t *testing.T) {
	t.Parallel()
	for _, before := range []checks.Outcome{checks.Wait, checks.Fail} {
		for _, after := range []checks.Outcome{checks.Wait, checks.Fail} {
			l := newLab(t, map[string]string{"a": "a\n"})
			n := l.open("c", map[string]string{"c": "c\n"})
			_, err := l.judge(n, before, "Before.")
			l.must(err)
			l.must(l.Report(pretend.Report{Repo: labShop, Commit: "c", Name: "sluice/gate", State: "success", Title: "Fooled you.", By: "eve"}))
			l.is("fooled", l.why(n), "")
			_, err = l.judge(n, after, "After.")
			l.must(err)
			state := map[checks.Outcome]string{checks.Wait: "in_progress", checks.Fail: "failure"}[after]
			l.is(fmt.Sprint(before, " then ", after), l.shown(n), "sluice/gate "+state+" After.")
			l.is("held back", l.why(n) != "", true)
		}
	}
}

// TestNewHead: the head before keeps what was said of it, and the new one is not taken for it.
func TestNewHead(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"a": "a\n"})
	n := l.open("c", map[string]string{"c": "c\n"})
	_, err := l.judge(n, checks.Pass, "Open.")
	l.must(err)
	l.is("open", l.why(n), "")
	_, err = l.Push(pretend.Push{Repo: labShop, Branch: "c", By: "ana", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"d": "d\n"})}}})
	l.must(err)
	l.is("shut by the push", strings.HasPrefix(l.why(n), "ci_must_pass"), true)
	_, err = l.judge(n, checks.Fail, "Shut.")
	l.must(err)
	l.is("shown", l.shown(n), "sluice/gate failure Shut.")
	l.is("shut", l.why(n) != "", true)
}

// TestNoConfidence: an internal note is answered internally, and the details never are internal.
func TestNoConfidence(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"a": "a\n"})
	n := l.open("c", map[string]string{"c": "c\n"})
	ctx, s := context.Background(), checks.Subject{Forge: "gitlab", Repo: labShop, Kind: checks.KindChange, Change: n}
	_, err := l.judge(n, checks.Fail, "Shut.")
	l.must(err)
	id, err := l.CommentInternal(labShop, n, "bo", "/sluice hold it leaks")
	l.must(err)
	c, err := l.client.Comment(ctx, s, id)
	if err != nil || c.Edited || !c.By.Human() || c.By.Login != "bo" {
		t.Errorf("Comment = %+v, %v", c, err)
	}
	_, err = l.client.Reply(ctx, s, fmt.Sprint(id), 0, "Held.")
	l.must(err)
	hidden := map[bool]int{}
	outsider, err := gitlab.New(gitlab.Settings{URL: l.url, Token: l.TokenWith("olga"), WebhookSecret: "s"}, gitlab.Options{})
	l.must(err)
	for _, said := range l.Said(labShop, n) {
		got, err := outsider.Comment(ctx, s, said.ID)
		l.must(err)
		hidden[strings.Contains(got.Body, "Held.")]++
	}
	l.is("notes", hidden, map[bool]int{true: 1, false: 2})
	if _, err := l.client.Comment(ctx, s, id+1000); !errors.Is(err, gate.ErrGone) {
		t.Errorf("Comment = %v", err)
	}
}

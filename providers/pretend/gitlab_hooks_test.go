package pretend

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	gitlab "github.com/xanzy/go-gitlab"
)

// told delivers what waits and reads it as the library does: kind and action, in order.
func (i *instance) told() string {
	i.Helper()
	i.got = nil
	_, err := i.Deliver(i.Context(), Order{})
	i.must(err)
	var list []string
	for _, r := range i.got {
		raw, err := io.ReadAll(r.Body)
		i.must(err)
		word := r.Header.Get("X-Gitlab-Event")
		if word == "Emoji Hook" { // the library does not know it
			list = append(list, word)
			continue
		}
		event, err := gitlab.ParseWebhook(gitlab.HookEventType(r), raw)
		i.must(err)
		switch e := event.(type) {
		case *gitlab.MergeEvent:
			word = "merge " + e.ObjectAttributes.Action
			if e.ObjectAttributes.OldRev != "" {
				word += " oldrev"
			}
			if e.ObjectAttributes.IID == 0 || e.Project.PathWithNamespace != labShop || e.ObjectAttributes.LastCommit.ID == "" {
				i.Errorf("merge event: %s", raw)
			}
		case *gitlab.MergeCommentEvent:
			word = "note " + string(e.ObjectAttributes.Action) + " " + e.EventType + " " + e.User.Username
			if e.ObjectAttributes.System {
				word += " system"
			}
		case *gitlab.DeploymentEvent:
			word = "deployment " + e.Status + " " + e.ShortSHA
		case *gitlab.PipelineEvent:
			word = "pipeline " + e.ObjectAttributes.Status
		case *gitlab.JobEvent:
			word = "job " + e.BuildName + " " + e.BuildStatus
		}
		list = append(list, word)
		if r.Header.Get("X-Gitlab-Token") != "secret" || r.Header.Get("Idempotency-Key") == "" || r.Header.Get("X-Gitlab-Event-UUID") == "" || r.Header.Get("X-Gitlab-Webhook-UUID") == "" {
			i.Errorf("headers: %v", r.Header)
		}
	}
	return strings.Join(list, "; ")
}

func TestGitLabTellsByWebhooks(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	n := i.open("c", map[string]string{"c": "c\n"})
	i.check("opened", i.told(), "Push Hook; merge open")
	_, err := i.Push(Push{Repo: labShop, Branch: "c", By: "ana", Commits: []Commit{{Files: Texts(map[string]string{"c": "d\n"})}}})
	i.must(err)
	i.check("pushed", i.told(), "Push Hook; merge update oldrev")
	i.must(i.Label(labShop, n, "bo", "minor"))
	_, err = i.Review(labShop, n, "bo", "approved", "")
	i.must(err)
	i.must(i.Dismiss(labShop, n, "bo", "bo"))
	i.check("labelled, approved, taken back", i.told(), "merge update; merge approved; note create note bo system; merge unapproved; note create note bo system")
	_, err = i.Comment(labShop, n, "ana", "/sluice help")
	i.must(err)
	_, err = i.CommentInternal(labShop, n, "ana", "between us")
	i.must(err)
	i.must(i.EditComment(labShop, n, "ana", "ana", "between us two"))
	i.check("notes", i.told(), "note create note ana; note create confidential_note ana; note update confidential_note ana")
	_, err = i.Tag(Tag{Repo: labShop, Name: "v1", Message: "One."})
	i.must(err)
	_, err = i.Start(Workflow{Repo: labShop, Environments: []string{"staging"}})
	i.must(err)
	short := i.Head(labShop, "main")[:8]
	i.check("a tag and a job", i.told(), "Tag Push Hook; job deploy to staging pending; deployment running "+short+"; job deploy to staging running; pipeline running")
	i.must(i.Finish(labShop, "staging", "success"))
	_, err = i.Merge(labShop, n, "bo", false)
	i.must(err)
	i.check("merged", i.told(), "deployment success "+short+"; job deploy to staging success; pipeline success; Push Hook; merge merge")
}

func TestGitLabHooksOfProjectAndGroupBothFire(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	i.AddHook("acme", i.hook, "secret")
	i.open("c", map[string]string{"c": "c\n"})
	i.check("each told by both", i.told(), "Push Hook; Push Hook; merge open; merge open")
	a, b := i.got[2].Header, i.got[3].Header
	i.check("keys differ, the event is one", []bool{a.Get("Idempotency-Key") == b.Get("Idempotency-Key"), a.Get("X-Gitlab-Event-UUID") == b.Get("X-Gitlab-Event-UUID"), a.Get("X-Gitlab-Webhook-UUID") == b.Get("X-Gitlab-Webhook-UUID")},
		[]bool{false, true, false})
}

func TestGitLabSwitchesHooksOff(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	i := newInstance(t, Options{Now: func() time.Time { return now }})
	works := false
	calls := 0
	i.Hooks(Target{})
	hook, _, err := i.api.Projects.AddProjectHook(labShop, &gitlab.AddProjectHookOptions{URL: gitlab.Ptr("https://sluice.example/webhook/gitlab"), Token: gitlab.Ptr("secret"), PushEvents: gitlab.Ptr(true)})
	i.must(err)
	i.lab.hooks[len(i.lab.hooks)-1].target = &Target{To: func(context.Context, *http.Request) (int, error) {
		calls++
		if works {
			return 200, nil
		}
		return 500, errors.New("down")
	}}
	for range 6 {
		_, err := i.Push(Push{Repo: labShop, By: "bo", Commits: []Commit{{Message: "m"}}})
		i.must(err)
		_, _ = i.Deliver(i.Context(), Order{})
	}
	i.check("after four failures", []any{calls, i.HookState(int64(hook.ID))}, []any{4, "temporarily_disabled"})
	now = now.Add(2 * time.Minute)
	i.check("after a pause", i.HookState(int64(hook.ID)), "executable")
	i.BreakHooks(true)
	works = true
	req, err := i.api.NewRequest("POST", "projects/"+gitlab.PathEscape(labShop)+"/hooks/"+strconv.Itoa(hook.ID)+"/test/push_events", nil, nil)
	i.must(err)
	_, err = i.api.Do(req, nil)
	i.must(err)
	i.check("switched on by a test", i.HookState(int64(hook.ID)), "executable")
}

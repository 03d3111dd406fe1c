package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/sluicegate/sluice/gate"
)

const shop = "acme/platform/shop"

var signingKey = []byte("0123456789abcdef0123456789abcdef")

func gitlabSettings(in Inbox) Settings {
	s := settings(in)
	s.Secret = secret + ", whsec_" + base64.StdEncoding.EncodeToString(signingKey)
	s.Own = func(login string) bool { return login == "sluice" }
	s.Heads = func(_ context.Context, forge, repo, commit string) (bool, error) {
		return forge == "gitlab" && repo == shop && commit == head, nil
	}
	return s
}

func gitlabHandler(t testing.TB, s Settings) http.Handler {
	t.Helper()
	h, err := GitLab(s)
	if err != nil {
		t.Fatalf("GitLab(%+v) = %v", s, err)
	}
	return h
}

// hookRequest is a delivery as GitLab would send it; an event "none" has no header, as external status checks have none.
func hookRequest(event, key string, body []byte) *http.Request {
	r := httptest.NewRequest("POST", "/webhook/gitlab", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if event == "none" {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		r.Header.Set("X-Gitlab-Signature", hex.EncodeToString(mac.Sum(nil)))
		return r
	}
	r.Header.Set("X-Gitlab-Event", event)
	r.Header.Set("X-Gitlab-Token", secret)
	r.Header.Set("X-Gitlab-Event-UUID", "13792a34-cac6-4fda-95a8-c58e00a3954e")
	r.Header.Set("X-Gitlab-Webhook-UUID", "02affd2d-2cba-4033-917d-ec22d5dc4b38")
	r.Header.Set("Idempotency-Key", key)
	return r
}

func hookSamples(t testing.TB) map[string][]byte {
	t.Helper()
	ar, err := txtar.ParseFile("testdata/gitlab.txtar")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range ar.Files {
		all[f.Name] = f.Data
	}
	return all
}

func TestWhatEachOfGitLabsEventsMeans(t *testing.T) {
	t.Parallel()
	all := func(ms ...gate.Mark) []gate.Mark {
		for i := range ms {
			ms[i].Forge = "gitlab"
			if ms[i].Kind != gate.MarkSweep {
				ms[i].Repo = shop
			}
		}
		return ms
	}
	change := func(why, detail string) gate.Mark {
		return gate.Mark{Kind: gate.MarkChange, Change: 7, Commit: head, Why: why, Detail: detail}
	}
	said := func(why string) gate.Mark { return gate.Mark{Kind: gate.MarkChange, Change: 7, Why: why} }
	command := func(text string) gate.Mark {
		return gate.Mark{Kind: gate.MarkComment, Change: 7, Comment: 1234567890, Why: "note.create", Detail: digest(text)}
	}
	at := func(why, detail string) gate.Mark {
		return gate.Mark{Kind: gate.MarkEnvironment, Environment: "production", Why: why, Detail: detail}
	}
	group := func(why string) gate.Mark {
		return gate.Mark{Kind: gate.MarkGroup, Commit: head, Why: why, Detail: gate.QueueRef("main")}
	}
	trains := func(why string) gate.Mark {
		return gate.Mark{Kind: gate.MarkGroup, Commit: "c3d0be41ecbe669545ee3e94d31ed9a4bc91ee3c", Why: why, Detail: gate.QueueRef("main")}
	}
	tag := func(why, commit, before, by string) gate.Mark {
		return gate.Mark{Kind: gate.MarkTag, Tag: "v1.2.0", Commit: commit, Before: before, By: by, Why: why}
	}
	base := func(name, commit, before string) gate.Mark {
		return gate.Mark{Kind: gate.MarkBase, Base: name, Commit: commit, Before: before, By: "ana", Detail: "11", Why: "push"}
	}
	held := func(names ...string) (list []gate.Mark) {
		for _, name := range names {
			list = append(list, gate.Mark{Kind: gate.MarkEnvironment, Forge: "gitlab", Repo: shop, Environment: name, Why: "pipeline.manual", Detail: gate.RunsWait})
		}
		return list
	}
	wants := map[string][]gate.Mark{
		"Merge Request Hook|open":         all(change("merge_request.open", "")),
		"Merge Request Hook|reopen":       all(change("merge_request.reopen", "")),
		"Merge Request Hook|update push":  all(change("merge_request.synchronize", "2026-03-01T15:20:33Z")),
		"Merge Request Hook|update title": all(change("merge_request.edited", "")), "Merge Request Hook|update description": all(change("merge_request.edited", "")),
		"Merge Request Hook|update draft":             all(change("merge_request.edited", "")),
		"Merge Request Hook|update labels":            all(change("merge_request.labeled", "no-changelog"), change("merge_request.unlabeled", "API")),
		"Merge Request Hook|update target":            all(change("merge_request.edited", "base")),
		"Merge Request Hook|update target and labels": all(change("merge_request.edited", "base"), change("merge_request.labeled", "API")),
		"Merge Request Hook|update reviewers":         nil,
		"Merge Request Hook|update assignee":          nil,
		"Merge Request Hook|update objection":         all(change("merge_request.reviewed", "")),
		"Merge Request Hook|close":                    all(change("merge_request.closed", "")),
		"Merge Request Hook|merge":                    all(change("merge_request.closed", "")),
		"Merge Request Hook|approved":                 all(change("merge_request.approved", "")),
		"Merge Request Hook|unapproved":               all(change("merge_request.unapproved", "")),
		"Merge Request Hook|approval":                 all(change("merge_request.approval", "")),
		"Merge Request Hook|unapproval by a push":     all(change("merge_request.unapproval", "")),
		"Merge Request Hook|test":                     nil,
		"none|external status check":                  all(change("external_status_check.update", "")),
		"none|external status check retried":          all(change("external_status_check.rerequested", "sluice/gate")),
		"Note Hook|command":                           all(said("note.create"), command("/sluice override changelog The entry follows.")),
		"Confidential Note Hook|internal command":     all(said("note.create"), command("/sluice status")),
		"Note Hook|plain":                             all(said("note.create")),
		"Note Hook|edited":                            all(said("note.update")),
		"Note Hook|system":                            nil,
		"Note Hook|our own":                           nil,
		"Note Hook|bot":                               nil,
		"Note Hook|commit":                            nil,
		"Note Hook|issue":                             nil,
		"Push Hook|main":                              all(base("main", head, old)),
		"Push Hook|next":                              all(base("release/1.x", head, old)),
		"Push Hook|feature":                           nil,
		"Push Hook|feature gone":                      nil,
		"Push Hook|main gone":                         all(base("main", "", head)),
		"Tag Push Hook|made":                          all(tag("tag_push", head, "", "ana")),
		"Tag Push Hook|moved":                         all(tag("tag_push", head, old, "ana")),
		"Tag Push Hook|gone":                          all(tag("tag_push", "", old, "ana")),
		"Pipeline Hook|branch":                        all(gate.Mark{Kind: gate.MarkHead, Commit: head, Why: "pipeline.pending"}),
		"Pipeline Hook|elsewhere":                     nil,
		"Pipeline Hook|held":                          held("production", "qa"),
		"Pipeline Hook|merge request":                 all(said("pipeline.running"), trains("pipeline.running")), // a merged result's, or a train's
		"Pipeline Hook|merge request, on its head":    all(said("pipeline.running")),
		"Pipeline Hook|merge request, over":           all(said("pipeline.failed"), trains("pipeline.destroyed")),
		"Pipeline Hook|train":                         all(group("pipeline.pending")),
		"Pipeline Hook|train over":                    all(group("pipeline.destroyed")),
		"Pipeline Hook|our own":                       nil,
		"Pipeline Hook|our own, green":                all(gate.Mark{Kind: gate.MarkHead, Commit: head, Why: "pipeline.success"}), // others may have had a hand in it
		"Job Hook|created":                            nil,
		"Job Hook|manual":                             all(at("build.manual", gate.RunsWait)),
		"Job Hook|test":                               nil,
		"Deployment Hook|running":                     all(at("deployment.running", "deployment/326")),
		"Deployment Hook|blocked":                     all(at("deployment.blocked", "run/326")),
		"Release Hook|create":                         all(tag("release.create", "", "", "")),
		"Release Hook|update":                         nil,
		"Member Hook|added":                           all(gate.Mark{Kind: gate.MarkSweep, Why: "member.user_add_to_group"}),
		"Member Hook|asks":                            nil,
		"Member Hook|of a project":                    all(gate.Mark{Kind: gate.MarkBase, Why: "member.user_update_for_team"}),
		"System Hook|open":                            all(change("merge_request.open", "")),
		"Emoji Hook|award":                            nil,
		"Wiki Page Hook|create":                       nil,
	}
	echoes := map[string]bool{"Note Hook|our own": true, "Pipeline Hook|our own": true}
	for name, body := range hookSamples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, named := wants[name]
			in := &inbox{}
			header, _, _ := strings.Cut(name, "|")
			w := send(gitlabHandler(t, gitlabSettings(in)), hookRequest(header, "k-1", body))
			if w.Code != 202 || !named {
				t.Fatalf("POST %s = %d %s, want 202 (known to the table: %v)", name, w.Code, w.Body, named)
			}
			if !reflect.DeepEqual(in.last.Marks, want) {
				t.Errorf("marks of %s = %+v, want %+v", name, in.last.Marks, want)
			}
			if in.last.Echo != echoes[name] || in.last.Forge != "gitlab" || !bytes.Equal(in.last.Body, body) {
				t.Errorf("delivery of %s: echo %v, forge %s", name, in.last.Echo, in.last.Forge)
			}
		})
	}
	if n := len(hookSamples(t)); n != len(wants) {
		t.Errorf("%d samples, %d wanted", n, len(wants))
	}
}

func TestOnlyWhoKnowsAGitLabSecretIsLetIn(t *testing.T) {
	t.Parallel()
	body := hookSamples(t)["Merge Request Hook|open"]
	now := time.Unix(1772400000, 0)
	sign := func(r *http.Request, key []byte, at time.Time, over []byte) {
		stamp := strconv.FormatInt(at.Unix(), 10)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("k-1." + stamp + "."))
		mac.Write(over)
		r.Header.Set("webhook-id", "k-1")
		r.Header.Set("webhook-timestamp", stamp)
		r.Header.Set("webhook-signature", "v1a,xx v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	for name, c := range map[string]struct {
		change func(*http.Request)
		code   int
	}{
		"the token":              {func(*http.Request) {}, 202},
		"no token":               {func(r *http.Request) { r.Header.Del("X-Gitlab-Token") }, 401},
		"another token":          {func(r *http.Request) { r.Header.Set("X-Gitlab-Token", "it's a guess") }, 401},
		"an empty token":         {func(r *http.Request) { r.Header.Set("X-Gitlab-Token", "") }, 401},
		"the setting as a token": {func(r *http.Request) { r.Header.Set("X-Gitlab-Token", gitlabSettings(nil).Secret) }, 401},
		"two tokens":             {func(r *http.Request) { r.Header.Add("X-Gitlab-Token", secret) }, 401},
		"a signing key as a token": {func(r *http.Request) {
			r.Header.Set("X-Gitlab-Token", "whsec_"+base64.StdEncoding.EncodeToString(signingKey))
		}, 401},
		"signed":                      {func(r *http.Request) { r.Header.Del("X-Gitlab-Token"); sign(r, signingKey, now, body) }, 202},
		"signed, within five minutes": {func(r *http.Request) { sign(r, signingKey, now.Add(-4*time.Minute), body) }, 202},
		"signed with another key":     {func(r *http.Request) { sign(r, []byte("another"), now, body) }, 401}, // the token does not make up for it
		"signed, another body":        {func(r *http.Request) { sign(r, signingKey, now, []byte("{}")) }, 401},
		"signed long ago":             {func(r *http.Request) { sign(r, signingKey, now.Add(-6*time.Minute), body) }, 401},
		"signed in the future":        {func(r *http.Request) { sign(r, signingKey, now.Add(6*time.Minute), body) }, 401},
		"signed, another id":          {func(r *http.Request) { sign(r, signingKey, now, body); r.Header.Set("webhook-id", "k-2") }, 401},
		"a status check":              {func(r *http.Request) { *r = *hookRequest("none", "", body) }, 202},
		"a status check, another secret": {func(r *http.Request) {
			*r = *hookRequest("none", "", body)
			r.Header.Set("X-Gitlab-Signature", strings.Repeat("ab", 32))
		}, 401},
		"a status check without any": {func(r *http.Request) { *r = *hookRequest("none", "", body); r.Header.Set("X-Gitlab-Signature", "") }, 401},
		"a GET":                      {func(r *http.Request) { r.Method = "GET" }, 405},
		"an odd content type":        {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 202}, // never a failure for what is authentic
	} {
		in := &inbox{}
		r := hookRequest("Merge Request Hook", "k-1", body)
		c.change(r)
		if w := send(gitlabHandler(t, gitlabSettings(in)), r); w.Code != c.code || (len(in.had) > 0) != (c.code == 202) {
			t.Errorf("%s: %d %s, %d kept, want %d", name, w.Code, w.Body, len(in.had), c.code)
		}
	}
}

// What was signed is known by what was signed: played back under another key it is still the same delivery.
func TestASignedDeliveryThatIsPlayedBack(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	s := gitlabSettings(in)
	s.Now = func() time.Time { return time.Unix(1772400000, 0) }
	h, body := gitlabHandler(t, s), hookSamples(t)["Note Hook|command"]
	for i, want := range []int{202, 200} {
		r := hookRequest("Note Hook", "k-"+strconv.Itoa(i), body)
		mac := hmac.New(sha256.New, signingKey)
		mac.Write([]byte("k-0.1772400000."))
		mac.Write(body)
		r.Header.Del("X-Gitlab-Token")
		r.Header.Set("webhook-id", "k-0")
		r.Header.Set("webhook-timestamp", "1772400000")
		r.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		if w := send(h, r); w.Code != want {
			t.Errorf("delivery %d: %d %s, want %d", i+1, w.Code, w.Body, want)
		}
	}
}

// GitLab switches off a hook that is answered with an error four times, so what is authentic never is.
func TestWhatIsAuthenticNeverFailsButWhenItCannotBeStored(t *testing.T) {
	t.Parallel()
	open := string(hookSamples(t)["Merge Request Hook|open"])
	for name, c := range map[string]struct{ header, body string }{
		"nothing":               {"Push Hook", ``},
		"null":                  {"Push Hook", `null`},
		"a list":                {"Push Hook", `[]`},
		"cut off":               {"Merge Request Hook", open[:300]},
		"not UTF-8":             {"Push Hook", "{\"ref\":\"\xff\"}"},
		"no project":            {"Merge Request Hook", `{"object_kind":"merge_request","object_attributes":{"iid":7}}`},
		"no iid":                {"Merge Request Hook", strings.Replace(open, `"iid": 7`, `"iid": 0`, 1)},
		"a negative iid":        {"Merge Request Hook", strings.Replace(open, `"iid": 7`, `"iid": -7`, 1)},
		"an iid that is text":   {"Merge Request Hook", strings.Replace(open, `"iid": 7`, `"iid": "7"`, 1)},
		"a short commit":        {"Merge Request Hook", strings.ReplaceAll(open, head, head[:8])},
		"a path that climbs":    {"Merge Request Hook", strings.ReplaceAll(open, shop, "acme/../shop")},
		"a path of one part":    {"Merge Request Hook", strings.ReplaceAll(open, shop, "shop")},
		"a path with a newline": {"Merge Request Hook", strings.ReplaceAll(open, shop, `acme/sh\nop`)},
		"an unknown event":      {"Gargoyle Hook", `{}`},
		"an odd event":          {"\x7f<b>", `{}`},
		"deep":                  {"Push Hook", `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`},
	} {
		in := &inbox{}
		var outcome string
		s := gitlabSettings(in)
		s.Observe = func(_, o string) { outcome = o }
		if w := send(gitlabHandler(t, s), hookRequest(c.header, "k-1", []byte(c.body))); w.Code != 202 || outcome != Ignored || len(in.had) != 1 {
			t.Errorf("%s: %d %s, %s, %d kept, want 202, ignored, and kept", name, w.Code, w.Body, outcome, len(in.had))
		}
	}
	in := &inbox{fail: errors.New("disk full")}
	w := send(gitlabHandler(t, gitlabSettings(in)), hookRequest("Merge Request Hook", "k-1", []byte(open)))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("while nothing can be stored: %d %v, want 503 with Retry-After", w.Code, w.Header())
	}
}

func TestGitLabsDuplicatesAreKnown(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	h := gitlabHandler(t, gitlabSettings(in))
	one, two := hookSamples(t)["Note Hook|plain"], hookSamples(t)["Note Hook|command"]
	plain := func(body []byte, without ...string) *http.Request {
		r := hookRequest("Note Hook", "k-1", body)
		for _, name := range without {
			r.Header.Del(name)
		}
		return r
	}
	uuids := []string{"Idempotency-Key"}
	none := []string{"Idempotency-Key", "X-Gitlab-Webhook-UUID", "X-Gitlab-Event-UUID"}
	for i, c := range []struct {
		r    *http.Request
		code int
	}{
		{plain(one), 202}, {plain(one), 200}, {hookRequest("Note Hook", "k-2", one), 202},
		{plain(one, uuids...), 202}, {plain(one, uuids...), 200},
		{plain(two, uuids...), 202}, // what an event sets off shares its id, and is another delivery
		{plain(one, none...), 202}, {plain(one, none...), 200}, {plain(two, none...), 202},
	} {
		if w := send(h, c.r); w.Code != c.code {
			t.Errorf("delivery %d: %d %s, want %d", i+1, w.Code, w.Body, c.code)
		}
	}
}

// A push to a branch that no change goes into is the first that is heard of a project: then that is to be read ahead.
func TestAPushAnnouncesAProjectThatIsNotRead(t *testing.T) {
	t.Parallel()
	samples := hookSamples(t)
	announced := gate.Mark{Kind: gate.MarkAhead, Forge: "gitlab", Repo: shop, Why: "push"}
	for name, want := range map[string]gate.Mark{"feature": announced, "feature gone": {}, "main": {Kind: gate.MarkBase, Forge: "gitlab", Repo: shop, Base: "main", Commit: head,
		Before: "c3d0be41ecbe669545ee3e94d31ed9a4bc91ee3c", By: "ana", Detail: "11", Why: "push"}} {
		in := &inbox{}
		s := gitlabSettings(in)
		s.Unread = func(repo gate.Repo) bool { return repo == gate.Repo{Forge: "gitlab", Name: shop} }
		send(gitlabHandler(t, s), hookRequest("Push Hook", "1", samples["Push Hook|"+name]))
		got := in.last.Marks
		if want.Kind == "" && len(got) > 0 || want.Kind != "" && !reflect.DeepEqual(got, []gate.Mark{want}) {
			t.Errorf("a push to %s: marks %+v, want %+v", name, got, want)
		}
	}
}

func TestGitLabSecretsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", " , ", "whsec_", "whsec_%%%", "whsec_c2hvcnQ="} {
		s := gitlabSettings(&inbox{})
		if s.Secret = secret; true {
			if _, err := GitLab(s); err == nil || secret != "" && strings.Contains(err.Error(), "c2hvcnQ") {
				t.Errorf("GitLab with the secret %q: %v, want a refusal that does not show it", secret, err)
			}
		}
	}
}

func TestGitLabsPromotionsHearOfPipelinesAndJobs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Pipeline Hook|branch": "integration production !" + head, "Pipeline Hook|elsewhere": "integration production", "Job Hook|test": "integration production",
		"Job Hook|manual": "integration production", "Job Hook|created": "",
	} {
		in := &inbox{}
		s := gitlabSettings(in)
		s.Awaited = func(_ context.Context, forge, repo, commit string) ([]string, error) {
			if forge != "gitlab" || repo != shop || commit == "" {
				t.Errorf("Awaited(%q, %q, %q)", forge, repo, commit)
			}
			return []string{"integration", "production"}, nil
		}
		header, _, _ := strings.Cut(name, "|")
		send(gitlabHandler(t, s), hookRequest(header, "k-1", hookSamples(t)[name]))
		var got []string
		for _, m := range in.last.Marks {
			if m.Kind == gate.MarkHead {
				m.Environment = "!" + m.Commit
			}
			got = append(got, m.Environment)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s marks %v, want %s", name, got, want)
		}
	}
}

func TestNeitherGitLabsBodyNorSecretIsLoggedOrEchoed(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	s := gitlabSettings(&inbox{})
	s.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, body := range []string{`{"project":"tell-tale"`, `{"project":{"path_with_namespace":["tell-tale"]}}`, string(hookSamples(t)["Merge Request Hook|open"])} {
		for _, token := range []string{secret, "tell-tale"} {
			r := hookRequest("Merge Request Hook", "k-1", []byte(body))
			r.Header.Set("X-Gitlab-Token", token)
			w := send(gitlabHandler(t, s), r)
			for _, word := range []string{"tell-tale", "Add a basket", secret} {
				if strings.Contains(w.Body.String(), word) || strings.Contains(logged.String(), word) {
					t.Errorf("%q is told: answer %s, log %s", word, w.Body, &logged)
				}
			}
		}
	}
}

func FuzzGitLab(f *testing.F) {
	for name, body := range hookSamples(f) {
		header, _, _ := strings.Cut(name, "|")
		f.Add(header, body)
	}
	f.Add("Push Hook", []byte(`{"ref":"refs/heads/\ud800","before":"0","after":null,"project":{}}`))
	f.Add("Job Hook", []byte(`{"environment":"production","sha":"`+head+`","project":{"path_with_namespace":"a/b"}}`))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		in := &inbox{}
		r := hookRequest("Push Hook", "k-1", body)
		r.Header.Set("X-Gitlab-Event", event)
		if w := send(gitlabHandler(t, gitlabSettings(in)), r); w.Code != 202 {
			t.Fatalf("POST %q %q = %d, want 202", event, body, w.Code)
		}
		for _, m := range in.last.Marks {
			if m.Kind != gate.MarkSweep && (!paths.MatchString(m.Repo) || strings.Contains(m.Repo+"/", "/../")) || m.Forge != "gitlab" || m.Why == "" ||
				m.Commit != "" && !objectID(m.Commit) || m.Kind == gate.MarkChange && m.Change <= 0 || m.Kind == gate.MarkTag && m.Tag == "" {
				t.Fatalf("POST %q %q marks %+v", event, body, m)
			}
		}
	})
}

func TestGitLabsSamplesAreOfEveryEventThatIsUnderstood(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for name, body := range hookSamples(t) {
		header, _, _ := strings.Cut(name, "|")
		if p, err := readHook(body); err == nil {
			seen[p.event(header)] = true
		}
	}
	for event := range hooks() {
		if !seen[event] {
			t.Errorf("there is no sample of %s", event)
		}
	}
	if _, err := os.Stat("testdata/gitlab.txtar"); err != nil {
		t.Error(err)
	}
}

package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/gate"
)

const secret = "it's a secret"

// inbox keeps deliveries in memory.
type inbox struct {
	sync.Mutex
	had  map[string]gate.Delivery
	last gate.Delivery
	fail error
}

func (i *inbox) Add(ctx context.Context, d gate.Delivery) (bool, error) {
	i.Lock()
	defer i.Unlock()
	if i.fail != nil {
		return false, i.fail
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if i.had == nil {
		i.had = map[string]gate.Delivery{}
	}
	if _, ok := i.had[d.ID]; ok {
		return false, nil
	}
	i.had[d.ID], i.last = d, d
	return true, nil
}

func settings(in Inbox) Settings {
	return Settings{Secret: secret, AppID: 1234, Inbox: in, Now: func() time.Time { return time.Unix(1772400000, 0) },
		HasOpen: func(_ context.Context, _, _, base string) (bool, error) { return base == "release/1.x", nil }, API: "https://api.github.com"}
}

func handler(t testing.TB, s Settings) http.Handler {
	t.Helper()
	h, err := GitHub(s)
	if err != nil {
		t.Fatalf("GitHub(%+v) = %v", s, err)
	}
	return h
}

// request is a delivery as GitHub would send it.
func request(event, id string, body []byte) *http.Request {
	r := httptest.NewRequest("POST", "/webhook/github", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", id)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

func send(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	head = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
	old  = "c3d0be41ecbe669545ee3e94d31ed9a4bc91ee3c"
)

// mark is a mark as every sample's would be, with the rest filled in.
func mark(why string, m gate.Mark) gate.Mark {
	m.Forge, m.Installation, m.Why = "github", 42, why
	m.Repo = cmp.Or(m.Repo, "acme/shop")
	return m
}

func change(why, detail string) []gate.Mark {
	return []gate.Mark{mark(why, gate.Mark{Kind: gate.MarkChange, Change: 7, Commit: head, Detail: detail})}
}

func TestWhatEachEventMeans(t *testing.T) {
	t.Parallel()
	tag := func(why, commit, before string) []gate.Mark {
		return []gate.Mark{mark(why, gate.Mark{Kind: gate.MarkTag, Tag: "v1.2.0", Commit: commit, Before: before, By: "ana"})}
	}
	base := func(why string, name string, repos ...string) (ms []gate.Mark) {
		for _, r := range repos {
			ms = append(ms, mark(why, gate.Mark{Kind: gate.MarkBase, Base: name, Repo: r}))
		}
		return ms
	}
	pushed := func(name string) []gate.Mark {
		return []gate.Mark{mark("push", gate.Mark{Kind: gate.MarkBase, Base: name, Commit: head, Before: old, By: "ana", Detail: "11"})}
	}
	group := func(why string) []gate.Mark {
		return []gate.Mark{mark(why, gate.Mark{Kind: gate.MarkGroup, Commit: head, Before: old, Detail: "refs/heads/gh-readonly-queue/main/pr-7-abc"})}
	}
	at := func(why string) []gate.Mark {
		return []gate.Mark{mark(why, gate.Mark{Kind: gate.MarkHead, Commit: head})}
	}
	said := func(why string, more ...gate.Mark) []gate.Mark { // what people say may be an approval, and a new comment a command
		ms := []gate.Mark{mark(why, gate.Mark{Kind: gate.MarkChange, Change: 7})}
		for _, m := range more {
			ms = append(ms, mark(why, m))
		}
		return ms
	}
	environment := func(why, name, detail string) []gate.Mark {
		return []gate.Mark{mark(why, gate.Mark{Kind: gate.MarkEnvironment, Environment: name, Detail: detail})}
	}
	sweep := func(why string) []gate.Mark {
		return []gate.Mark{{Kind: gate.MarkSweep, Forge: "github", Installation: 42, Why: why}}
	}
	for name, want := range map[string][]gate.Mark{
		"pull_request.opened":                     change("pull_request.opened", ""),
		"pull_request.opened.fork":                change("pull_request.opened", ""),
		"pull_request.synchronize":                change("pull_request.synchronize", "2026-03-01T15:20:33Z"),
		"pull_request.reopened":                   change("pull_request.reopened", ""),
		"pull_request.edited":                     change("pull_request.edited", ""),
		"pull_request.edited.base":                change("pull_request.edited", "base"),
		"pull_request.labeled":                    change("pull_request.labeled", "no-changelog"),
		"pull_request.unlabeled":                  change("pull_request.unlabeled", "no-changelog"),
		"pull_request.ready_for_review":           change("pull_request.ready_for_review", ""),
		"pull_request.converted_to_draft":         change("pull_request.converted_to_draft", ""),
		"pull_request.closed":                     change("pull_request.closed", ""),
		"pull_request.closed.fork_gone":           change("pull_request.closed", ""),
		"pull_request.assigned":                   nil,
		"pull_request_review.submitted":           change("pull_request_review.submitted", ""),
		"pull_request_review.submitted.commented": change("pull_request_review.submitted", "commented"),
		"pull_request_review.edited":              change("pull_request_review.edited", ""),
		"pull_request_review.dismissed":           change("pull_request_review.dismissed", ""),
		"check_run.rerequested":                   change("check_run.rerequested", ""),
		"check_run.rerequested.fork":              at("check_run.rerequested"),
		"check_run.created.own":                   nil,
		"check_run.completed.forged":              change("check_run.completed", ""),
		"check_run.completed.ci":                  nil,
		"check_suite.rerequested":                 change("check_suite.rerequested", ""),
		"check_suite.rerequested.upstream":        at("check_suite.rerequested"),
		"check_suite.requested":                   nil,
		"push.main":                               pushed("main"),
		"push.next":                               pushed("release/1.x"),
		"push.feature":                            nil,
		"push.feature_gone":                       nil,
		"push.notes":                              nil,
		"push.tag":                                tag("push", head, ""),
		"push.tag_moved":                          tag("push", head, old),
		"push.tag_gone":                           tag("push", "", old),
		"create.tag":                              tag("create", "", ""),
		"create.branch":                           nil,
		"delete.tag":                              tag("delete", "", ""),
		"delete.branch":                           nil,
		"status.forged":                           at("status"),
		"status.ci":                               nil,
		"installation.created":                    base("installation.created", "", "acme/shop", "acme/site"),
		"installation.deleted":                    nil,
		"installation.suspend":                    nil,
		"installation.unsuspend":                  sweep("installation.unsuspend"),
		"installation.new_permissions_accepted":   sweep("installation.new_permissions_accepted"),
		"installation_repositories.added":         base("installation_repositories.added", "", "acme/shop", "acme/site"),
		"installation_repositories.removed":       nil,
		"issue_comment.created":                   said("issue_comment.created", gate.Mark{Kind: gate.MarkComment, Change: 7, Comment: 1234567890, Detail: digest("/sluice override changelog The entry follows.\n")}),
		"issue_comment.created.plain":             said("issue_comment.created"),
		"issue_comment.created.issue":             nil,
		"issue_comment.created.bot":               nil,
		"issue_comment.created.app":               nil,
		"issue_comment.edited":                    said("issue_comment.edited"),
		"issue_comment.deleted":                   said("issue_comment.deleted"),
		"commit_comment.created":                  {mark("commit_comment.created", gate.Mark{Kind: gate.MarkComment, Commit: head, Comment: 987654321, Detail: digest("/sluice release minor\n")})},
		"commit_comment.created.line":             {mark("commit_comment.created", gate.Mark{Kind: gate.MarkComment, Commit: head, Comment: 987654321, Detail: digest("/sluice release minor\n")})},
		"commit_comment.created.plain":            nil,
		"commit_comment.created.bot":              nil,
		"check_run.requested_action":              {mark("check_run.requested_action", gate.Mark{Kind: gate.MarkAction, Change: 7, Commit: head, Detail: "changelog", By: "bo"})},
		"check_run.requested_action.other":        nil,
		"ping":                                    nil,
		"merge_group.checks_requested":            group("merge_group.checks_requested"),
		"merge_group.destroyed":                   group("merge_group.destroyed"),
		"deployment.created":                      environment("deployment.created", "production", "deployment/326191728"),
		"deployment_status.created":               environment("deployment_status.created", "production", "deployment/326191728"),
		"deployment_protection_rule.requested":    environment("deployment_protection_rule.requested", "production/eu", "run/8145527216"),
		"repository_ruleset.edited":               nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &inbox{}
			s := settings(in)
			outcome := ""
			s.Observe = func(_, o string) { outcome = o }
			body := sample(t, name)
			event, _, _ := strings.Cut(name, ".")
			w := send(handler(t, s), request(event, "72d3162e-cc78-11e3-81ab-4c9367dc0958", body))
			if w.Code != 202 {
				t.Fatalf("POST %s = %d %s, want 202", name, w.Code, w.Body)
			}
			d := in.last
			if !reflect.DeepEqual(d.Marks, want) {
				t.Errorf("marks of %s = %+v, want %+v", name, d.Marks, want)
			}
			if kind := map[bool]string{true: Ignored, false: Stored}[len(want) == 0]; outcome != kind {
				t.Errorf("outcome of %s = %s, want %s", name, outcome, kind)
			}
			if d.Event != event || d.Forge != "github" || !bytes.Equal(d.Body, body) || d.At.Unix() != 1772400000 {
				t.Errorf("delivery of %s = %+v, want the raw body and the event", name, d)
			}
		})
	}
}

func TestEverySampleIsTried(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 58 {
		t.Fatalf("Glob = %d files, %v", len(files), err)
	}
	for _, event := range Events() {
		if !slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(filepath.Base(f), event+".") }) {
			t.Errorf("there is no sample of %s", event)
		}
	}
}

func TestAccountsAreLearntButNotOfInstallationsThatGo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"installation.created": "acme", "installation.deleted": "", "installation.suspend": "", "push.main": "acme"} {
		in := &inbox{}
		event, _, _ := strings.Cut(name, ".")
		send(handler(t, settings(in)), request(event, "1", sample(t, name)))
		if in.last.Account != want || in.last.Install != 42 {
			t.Errorf("%s: account %q, installation %d, want %q, 42", name, in.last.Account, in.last.Install, want)
		}
	}
}

func TestOnlyWhatWePostedOurselvesIsAnEcho(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"check_run.created.own": true, "check_run.completed.ci": false, "check_run.completed.forged": false,
		"check_run.rerequested": false, "pull_request.opened": false} {
		in := &inbox{}
		event, _, _ := strings.Cut(name, ".")
		send(handler(t, settings(in)), request(event, "1", sample(t, name)))
		if in.last.ID != "1" || in.last.Echo != want {
			t.Errorf("%s: kept as %q, echo %v, want 1, %v", name, in.last.ID, in.last.Echo, want)
		}
	}
}

func TestAPushIsLookedIntoWhenItCannotBeToldWhetherChangesGoThere(t *testing.T) {
	t.Parallel()
	for name, hasOpen := range map[string]func(context.Context, string, string, string) (bool, error){
		"nobody to ask": nil,
		"store failing": func(context.Context, string, string, string) (bool, error) { return false, errors.New("no") },
	} {
		in := &inbox{}
		s := settings(in)
		s.HasOpen = hasOpen
		send(handler(t, s), request("push", "1", sample(t, "push.feature")))
		if len(in.last.Marks) != 1 {
			t.Errorf("%s: marks = %v, want one", name, in.last.Marks)
		}
	}
}

func TestAPushTellsWhatItIsSaidToHaveTouched(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"push.feature":      "acme/shop 6dcb09b5b57875f334f61aebed695e2e4193db5e [a.go]",
		"push.feature_gone": "", // a branch that is gone has no tip
		"push.tag":          "",
	} {
		got := ""
		s := settings(&inbox{})
		s.Hint = func(repo gate.Repo, head string, paths []string) { got = fmt.Sprint(repo.Name, " ", head, " ", paths) }
		send(handler(t, s), request("push", "1", sample(t, name)))
		if got != want {
			t.Errorf("%s: hint %q, want %q", name, got, want)
		}
	}
}

func TestWithoutAnAppIDNamesTellOurChecks(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"check_run.rerequested": 1, "check_run.completed.forged": 0, "check_suite.rerequested": 1} {
		in := &inbox{}
		s := settings(in)
		s.AppID = 0
		event, _, _ := strings.Cut(name, ".")
		send(handler(t, s), request(event, "1", sample(t, name)))
		if len(in.last.Marks) != want {
			t.Errorf("%s: %d marks, want %d", name, len(in.last.Marks), want)
		}
	}
}

func TestConstructionRefusesWhatWouldLetAnybodyIn(t *testing.T) {
	t.Parallel()
	if _, err := GitHub(Settings{Inbox: &inbox{}}); err == nil {
		t.Error("GitHub with an empty secret succeeded")
	}
	if _, err := GitHub(Settings{Secret: "x"}); err == nil {
		t.Error("GitHub without an inbox succeeded")
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	body := sample(t, "pull_request.opened")
	sum := func(b []byte) string {
		mac := hmac.New(sha1.New, []byte(secret))
		mac.Write(b)
		return hex.EncodeToString(mac.Sum(nil))
	}
	for name, c := range map[string]struct {
		edit func(*http.Request)
		code int
	}{
		"as GitHub sends it":     {func(*http.Request) {}, 202},
		"with a charset":         {set("Content-Type", "application/json; charset=UTF-8"), 202},
		"fetched":                {func(r *http.Request) { r.Method = "GET" }, 405},
		"as a form":              {set("Content-Type", "application/x-www-form-urlencoded"), 400},
		"without a content type": {del("Content-Type"), 400},
		"in another charset":     {set("Content-Type", "application/json; charset=utf-16"), 400},
		"gzipped":                {set("Content-Encoding", "gzip"), 400},
		"twice encoded":          {func(r *http.Request) { r.Header["Content-Encoding"] = []string{"identity", "br"} }, 400},
		"declared identity":      {set("Content-Encoding", "identity"), 202},
		"without a signature":    {del("X-Hub-Signature-256"), 401},
		"with two signatures":    {func(r *http.Request) { r.Header.Add("X-Hub-Signature-256", "sha256=00") }, 401},
		"with SHA-1 alone": {func(r *http.Request) {
			r.Header.Del("X-Hub-Signature-256")
			r.Header.Set("X-Hub-Signature", "sha1="+sum(body))
		}, 401},
		"with SHA-1 in the place of SHA-256": {set("X-Hub-Signature-256", "sha1="+sum(body)), 401},
		"with half a signature": {func(r *http.Request) {
			s := r.Header.Get("X-Hub-Signature-256")
			r.Header.Set("X-Hub-Signature-256", s[:39])
		}, 401},
		"with no hex":             {set("X-Hub-Signature-256", "sha256=zz"), 401},
		"with an empty signature": {set("X-Hub-Signature-256", "sha256="), 401},
		"with a body that was changed": {func(r *http.Request) {
			r.Body = io.NopCloser(bytes.NewReader(append([]byte(" "), body...)))
			r.ContentLength = -1
		}, 401},
		"without an event":                      {del("X-GitHub-Event"), 400},
		"with a strange event":                  {set("X-GitHub-Event", "pull request"), 400},
		"without an id":                         {del("X-GitHub-Delivery"), 400},
		"with an endless id":                    {set("X-GitHub-Delivery", strings.Repeat("a", 101)), 400},
		"with an id that could break a log":     {set("X-GitHub-Delivery", "a\tb"), 400},
		"with a length that lies, more to come": {func(r *http.Request) { r.ContentLength = 10 }, 202},
		"with a length that lies, too much":     {func(r *http.Request) { r.ContentLength = 1 << 40 }, 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request("pull_request", "1", body)
			c.edit(r)
			w := send(handler(t, settings(&inbox{})), r)
			if w.Code != c.code {
				t.Errorf("POST %s = %d %s, want %d", name, w.Code, w.Body, c.code)
			}
			var said struct{ Outcome, Message string }
			if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Outcome == "" || said.Message == "" {
				t.Errorf("POST %s says %q, want JSON with an outcome and a message", name, w.Body)
			}
		})
	}
}

func set(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}
func del(key string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(key) } }

func TestADuplicateIsAnswered200AndStoredOnce(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	h := handler(t, settings(in))
	for i, want := range []int{202, 200, 200} {
		if w := send(h, request("pull_request", "same", sample(t, "pull_request.opened"))); w.Code != want {
			t.Errorf("POST %d = %d, want %d", i, w.Code, want)
		}
	}
}

func TestAStoreThatFailsIsAskedAgainLater(t *testing.T) {
	t.Parallel()
	in := &inbox{fail: errors.New("disk full: secret path")}
	w := send(handler(t, settings(in)), request("pull_request", "1", sample(t, "pull_request.opened")))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("POST = %d, Retry-After %q, %s, want 503 with it and without the cause", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
}

// zeros is a body of so many bytes that costs no memory.
func zeros(n int64) io.Reader { return io.LimitReader(repeat(' '), n) }

type repeat byte

func (b repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size, declared int64
		code           int
	}{
		"just 25 MB":                {limit, limit, 401}, // whole, and then its signature is wrong
		"a byte over, declared":     {limit + 1, limit + 1, 413},
		"a byte over, not declared": {limit + 1, -1, 413},
		"a byte over, lied about":   {limit + 1, 100, 413},
		"without end, not declared": {1 << 50, -1, 413},
		"empty":                     {0, 0, 401},
	} {
		r := request("push", "1", nil)
		r.Header.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64))
		r.Body, r.ContentLength = io.NopCloser(zeros(c.size)), c.declared
		if w := send(handler(t, settings(&inbox{})), r); w.Code != c.code {
			t.Errorf("POST of %s = %d %s, want %d", name, w.Code, w.Body, c.code)
		}
	}
}

func TestAWhole25MBDeliveryIsUnderstood(t *testing.T) {
	t.Parallel()
	body := sample(t, "push.main")
	body = append(bytes.TrimSuffix(body, []byte("\n}\n")), []byte(`,"padding":"`)...)
	body = append(body, bytes.Repeat([]byte("x"), limit-len(body)-2)...)
	body = append(body, `"}`...)
	in := &inbox{}
	if w := send(handler(t, settings(in)), request("push", "1", body)); w.Code != 202 || len(in.last.Marks) != 1 {
		t.Errorf("POST of %d bytes = %d %s, want 202 and one mark", len(body), w.Code, w.Body)
	}
}

// stuck is a body that stops coming in the middle.
type stuck struct {
	io.Reader
	release chan struct{}
}

func (s stuck) Read(p []byte) (int, error) {
	if n, _ := s.Reader.Read(p); n > 0 {
		return n, nil
	}
	<-s.release
	return 0, io.ErrUnexpectedEOF
}

func TestLargeBodiesFromStrangersDoNotKeepOrdinaryDeliveriesOut(t *testing.T) {
	t.Parallel()
	h := handler(t, settings(&inbox{}))
	release := make(chan struct{})
	var wait sync.WaitGroup
	refused := make(chan int, 10)
	for range 10 {
		wait.Go(func() {
			r := request("push", "1", nil)
			r.Body, r.ContentLength = io.NopCloser(stuck{zeros(20 << 20), release}), -1
			refused <- send(h, r).Code
		})
	}
	if code := <-refused; code != 503 { // the budget is used up
		t.Errorf("a large body too many = %d, want 503", code)
	}
	if w := send(h, request("pull_request", "2", sample(t, "pull_request.opened"))); w.Code != 202 {
		t.Errorf("an ordinary delivery meanwhile = %d %s, want 202", w.Code, w.Body)
	}
	close(release)
	wait.Wait()
	if left := h.(*receiver).budget.left.Load(); left != 64<<20 {
		t.Errorf("budget left = %d, want all of it", left)
	}
}

func TestBadBodiesAreToldWhere(t *testing.T) {
	t.Parallel()
	opened := string(sample(t, "pull_request.opened"))
	pushed := string(sample(t, "push.main"))
	for name, c := range map[string]struct{ event, body, want string }{
		"nothing":                  {"push", ``, "not a JSON object"},
		"null":                     {"push", `null`, "not a JSON object"},
		"a list":                   {"push", `[]`, "not a JSON object"},
		"cut off":                  {"pull_request", opened[:200], "malformed JSON at byte 200"},
		"two values":               {"pull_request", `{"action":"opened"} {}`, "malformed JSON at byte"},
		"not UTF-8":                {"pull_request", "{\"action\":\"\xff\"}", "not UTF-8"},
		"UTF-16":                   {"push", "{\x00}\x00", "malformed JSON"},
		"an empty object":          {"pull_request", `{}`, "repository: is missing"},
		"no action":                {"pull_request", strings.Replace(opened, `"action": "opened"`, `"action": ""`, 1), "action: is missing"},
		"an action that is a list": {"pull_request", `{"action":["opened"]}`, "action (byte 11): must be a string, not array"},
		"no pull request":          {"pull_request", `{"action":"opened","repository":{"full_name":"a/b"}}`, "pull_request: is missing"},
		"no number":                {"pull_request", `{"action":"opened","repository":{"full_name":"a/b"},"pull_request":{}}`, "pull_request.number: is missing"},
		"a negative number":        {"pull_request", strings.ReplaceAll(opened, `"number": 7`, `"number": -7`), "pull_request.number: is no"},
		"a number with a fraction": {"pull_request", strings.ReplaceAll(opened, `"number": 7`, `"number": 7.5`), "number (byte"},
		"a number that is text":    {"pull_request", strings.ReplaceAll(opened, `"number": 7`, `"number": "7"`), "must be a whole number, not string"},
		"a huge number":            {"pull_request", strings.ReplaceAll(opened, `"number": 7`, `"number": 99999999999`), "is no pull request's number"},
		"no head":                  {"pull_request", strings.ReplaceAll(opened, head, ""), "pull_request.head.sha: is missing"},
		"a head that is short":     {"pull_request", strings.ReplaceAll(opened, head, head[:39]), "pull_request.head.sha: is no full object id"},
		"a head in capitals":       {"pull_request", strings.ReplaceAll(opened, head, strings.ToUpper(head)), "pull_request.head.sha: is no full object id"},
		"a path for a repository":  {"pull_request", strings.ReplaceAll(opened, "acme/shop", "acme/shop/../x"), "repository.full_name: is no OWNER/NAME"},
		"dots for a repository":    {"pull_request", strings.ReplaceAll(opened, `"acme/shop"`, `"acme/.."`), "repository.full_name: is no OWNER/NAME"},
		"no review":                {"pull_request_review", strings.Replace(opened, "opened", "submitted", 1), "review: is missing"},
		"no check run":             {"check_run", opened, "check_run: is missing"},
		"no check suite":           {"check_suite", opened, "check_suite: is missing"},
		"a comment on no commit":   {"commit_comment", strings.ReplaceAll(string(sample(t, "commit_comment.created")), `"commit_id": "`+head+`"`, `"commit_id": ""`), "comment.commit_id: is missing"},
		"a commit that is short":   {"commit_comment", strings.ReplaceAll(string(sample(t, "commit_comment.created")), head, head[:39]), "comment.commit_id: is no full object id"},
		"a commit without comment": {"commit_comment", `{"action":"created","repository":{"full_name":"a/b"}}`, "comment: is missing"},
		"no ref":                   {"push", strings.Replace(pushed, `"refs/heads/main"`, `""`, 1), "ref: is missing"},
		"a ref with a newline":     {"push", strings.Replace(pushed, `"refs/heads/main"`, `"refs/heads/a\nb"`, 1), "ref: is no name that git allows"},
		"a ref that climbs":        {"push", strings.Replace(pushed, `"refs/heads/main"`, `"refs/heads/../x"`, 1), "ref: is no name that git allows"},
		"no after":                 {"push", strings.ReplaceAll(pushed, head, ""), "after: is missing"},
		"no ref type":              {"create", `{"ref":"v1","repository":{"full_name":"a/b"}}`, "ref_type: is missing"},
		"no sha":                   {"status", `{"context":"x","repository":{"full_name":"a/b"}}`, "sha: is missing"},
		"no installation":          {"installation", `{"action":"created"}`, "installation: is missing"},
		"a nameless repository":    {"installation_repositories", `{"action":"added","installation":{"id":4},"repositories_added":[{"id":1}]}`, "repositories_added[0].full_name: is missing"},
		"unknown and broken":       {"team", `{"action":`, "malformed JSON at byte 10"},
		"deep":                     {"push", `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "malformed JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &inbox{}
			w := send(handler(t, settings(in)), request(c.event, "1", []byte(c.body)))
			if w.Code != 400 || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("POST %s = %d %s, want 400 with %q", name, w.Code, w.Body, c.want)
			}
			if len(in.had) != 0 {
				t.Errorf("POST %s was stored", name)
			}
		})
	}
}

func TestALabelTooOddToCompareIsLookedAtInAnyCase(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	body := strings.Replace(string(sample(t, "pull_request.labeled")), `"name": "no-changelog"`, `"name": "a\u0000b"`, 1)
	send(handler(t, settings(in)), request("pull_request", "1", []byte(body)))
	if len(in.last.Marks) != 1 || in.last.Marks[0].Detail != "" {
		t.Errorf("marks = %+v, want one without detail", in.last.Marks)
	}
}

func TestAnEditOfNothingThatIsReadIsIgnored(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	body := `{"action":"edited","changes":{"milestone":{}},"number":7,"pull_request":{"number":7,"head":{"sha":"` + head + `"}},"repository":{"full_name":"acme/shop"}}`
	if w := send(handler(t, settings(in)), request("pull_request", "1", []byte(body))); w.Code != 202 || len(in.last.Marks) != 0 {
		t.Errorf("POST = %d, marks %v, want 202 and none", w.Code, in.last.Marks)
	}
}

func TestNeitherBodyNorSecretIsLoggedOrEchoed(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	s := settings(&inbox{fail: errors.New("no")})
	s.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h := handler(t, s)
	for _, body := range []string{`{"action":"tell-tale"`, `{"action":{"tell-tale":1}}`, string(sample(t, "pull_request.opened")), `{"number":"tell-tale"}`} {
		for _, sign := range []bool{true, false} {
			r := request("pull_request", "1", []byte(body))
			if !sign {
				r.Header.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("ab", 32))
			}
			w := send(h, r)
			for _, word := range []string{"tell-tale", "Add a basket", secret} {
				if strings.Contains(w.Body.String(), word) || strings.Contains(logged.String(), word) {
					t.Errorf("%q is told: answer %s, log %s", word, w.Body, &logged)
				}
			}
		}
	}
}

func TestAppAsksForJustTheEventsThatAreUnderstood(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../app.yml")
	if err != nil {
		t.Fatal(err)
	}
	var app struct {
		Events []string `yaml:"default_events"`
		Public bool
		Hook   struct{ URL string } `yaml:"hook_attributes"`
	}
	if err := yaml.Unmarshal(text, &app); err != nil {
		t.Fatal(err)
	}
	always := []string{"installation", "installation_repositories"}
	want := slices.DeleteFunc(Events(), func(e string) bool { return slices.Contains(always, e) })
	if !slices.Equal(app.Events, want) {
		t.Errorf("app.yml asks for %v, want %v", app.Events, want)
	}
	if app.Public || !strings.HasSuffix(app.Hook.URL, "/webhook/github") {
		t.Errorf("app.yml: public %v, hook %s", app.Public, app.Hook.URL)
	}
}

func FuzzGitHub(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var small bytes.Buffer
		if json.Compact(&small, body) != nil {
			f.Fatal(file)
		}
		event, _, _ := strings.Cut(filepath.Base(file), ".")
		f.Add(event, small.Bytes())
	}
	f.Add("push", []byte(`{"ref":"refs/tags/\ud800","before":"0","after":null}`))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		if !eventName(event) {
			return
		}
		in := &inbox{}
		w := send(handler(t, settings(in)), request(event, "1", body))
		if w.Code != 202 && w.Code != 400 {
			t.Fatalf("POST %s %q = %d, want 202 or 400", event, body, w.Code)
		}
		for _, m := range in.last.Marks {
			if m.Kind != gate.MarkSweep && !fullName(m.Repo) || m.Forge != "github" || m.Why == "" ||
				m.Commit != "" && !objectID(m.Commit) || m.Kind == gate.MarkChange && m.Change <= 0 || m.Kind == gate.MarkTag && m.Tag == "" {
				t.Fatalf("POST %s %q marks %+v", event, body, m)
			}
		}
	})
}

func TestStatusesOfOthersCountWhereAPromotionWaitsForThem(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]gate.MarkKind{
		"status.ci":                  {gate.MarkEnvironment, gate.MarkEnvironment},
		"check_run.completed.ci":     {gate.MarkEnvironment, gate.MarkEnvironment},
		"check_run.created.own":      nil,
		"check_run.completed.forged": {gate.MarkChange},
	} {
		in := &inbox{}
		s := settings(in)
		s.Awaited = func(_ context.Context, forge, repo, commit string) ([]string, error) {
			if forge != "github" || repo != "acme/shop" || commit == "" {
				t.Errorf("Awaited(%q, %q, %q)", forge, repo, commit)
			}
			return []string{"integration", "production"}, nil
		}
		event, _, _ := strings.Cut(name, ".")
		send(handler(t, s), request(event, "1", sample(t, name)))
		var kinds []gate.MarkKind
		for _, m := range in.last.Marks {
			kinds = append(kinds, m.Kind)
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("marks of %s are of %v, want %v", name, kinds, want)
		}
	}
}

func TestACallbackElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"https://evil.example/repos/acme/shop/actions/runs/8145527216/deployment_protection_rule",
		"https://api.github.com/repos/acme/other/actions/runs/8145527216/deployment_protection_rule", "",
	} {
		in := &inbox{}
		body := strings.Replace(string(sample(t, "deployment_protection_rule.requested")),
			"https://api.github.com/repos/acme/shop/actions/runs/8145527216/deployment_protection_rule", url, 1)
		if got := send(handler(t, settings(in)), request("deployment_protection_rule", "1", []byte(body))); got.Code != 400 || len(in.had) != 0 {
			t.Errorf("callback %q: %d, %d kept, want 400 and nothing kept", url, got.Code, len(in.had))
		}
	}
}

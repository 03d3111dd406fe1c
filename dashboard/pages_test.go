package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/gate/dora"
)

// nasty is what a hostile forge or author may put anywhere: markup, directions, and very much of it.
var nasty = evil + strings.Repeat("W", 10000)

var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// books is a library with one repository, in which every text is hostile.
type books struct {
	asks []gate.Ask
	fail error
	list []gate.Place
	// what is told of the change of the promotion, and of others inside it
	inside *checks.Promotion
	facts  map[int]checks.Facts
	owners string // the text of CODEOWNERS; "" where there is none
	dumb   error  // what the forge answers
	asked  []string
}

const (
	gated = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	live  = "cccccccccccccccccccccccccccccccc"
	c1    = "1111111111111111111111111111111111111111"
	c2    = "2222222222222222222222222222222222222222"
)

func hostileBooks() *books {
	who := checks.Person{ID: 7, Login: nasty}
	at := today.Add(-time.Hour)
	before := gate.Promotion{ID: live, Forge: "github", Repo: "acme/shop", Environment: "staging", Commit: c2, State: gate.Verified, By: who, At: at, Since: at, LiveAt: at, VerifiedAt: at, Reason: nasty, Version: nasty, Decision: id}
	here := gate.Promotion{ID: gated, Forge: "github", Repo: "acme/shop", Environment: "production", Commit: c2, State: gate.Gated, By: who, At: at, Since: at, Why: nasty, Reason: nasty, Version: nasty, Decision: id, URL: "javascript:alert(1)", Change: 7}
	view := func(rank int, after, commit string) *gate.EnvironmentView {
		return &gate.EnvironmentView{Rank: rank, After: after, Live: &gate.LiveSeen{Deployment: 1, Commit: commit, Version: nasty, At: at, By: who, Outside: rank == 2},
			Freezes: []calendar.Freeze{{Span: calendar.Span{From: at, To: today.Add(time.Hour)}, Reason: nasty, Rule: nasty}}}
	}
	return &books{owners: "* @" + nasty + "\n* @ana/" + evil, list: []gate.Place{
		{Seen: gate.EnvironmentSeen{Forge: "github", Repo: "acme/shop", Name: "staging", View: view(1, "", c2)}, Live: &before},
		{Seen: gate.EnvironmentSeen{Forge: "github", Repo: "acme/shop", Name: "production", View: view(2, "staging", c1)}, Waiting: &here, Verdict: nasty, Behind: &gate.Behind{Commits: 3, Promotions: 1, Since: at},
			Locks: []gate.LockState{{ID: "1", Forge: "github", Repo: "acme/shop", Lock: checks.Lock{Environment: "production", By: who, Reason: nasty, At: at}}}}}}
}

func (b *books) Repositories(context.Context, gate.BoardFilter) ([]gate.Repo, error) {
	return []gate.Repo{{Forge: "github", Name: "acme/secret"}, {Forge: "github", Name: "acme/shop"}}, b.fail
}

func (b *books) Places(_ context.Context, repos []gate.Repo) ([]gate.Place, error) {
	return b.list, b.fail
}

func (b *books) OpenChanges(context.Context, string, string, int, int) ([]gate.ChangeRow, error) {
	return []gate.ChangeRow{{Forge: "github", Repo: "acme/shop", Number: 7, Title: nasty, Author: nasty, Base: nasty, ReadAt: today}}, b.fail
}

func (b *books) Change(_ context.Context, s checks.Subject) (*gate.ChangeRow, error) {
	if s.Change != 7 {
		return nil, b.fail
	}
	return &gate.ChangeRow{Forge: "github", Repo: "acme/shop", Number: 7, Title: nasty, Author: nasty, Base: nasty, Open: true, Decision: id}, b.fail
}

func (b *books) History(context.Context, checks.Subject, int64, int) ([]gate.DecisionRow, error) {
	return []gate.DecisionRow{{ID: id, Commit: c2, Reason: nasty, At: today, Seq: 2}, {ID: live, Commit: c1, Reason: nasty, At: today, Open: true, Seq: 1}}, b.fail
}

func (b *books) Record(_ context.Context, which string) (*gate.Recorded, error) {
	if which != id && which != live {
		return nil, b.fail
	}
	d := decided()
	d.ID, d.Subject.Repo = which, "acme/shop"
	d.Verdicts[0].Rule = ".sluice.yml:2 changelog"
	if which == live {
		d.Verdicts[0].Reason = "Another word."
	}
	f := checks.Facts{Subject: d.Subject, Change: &checks.Change{Number: 7, Title: nasty, Head: checks.Ref{Name: nasty}, URL: "https://github.example/acme/shop/pull/7", Requested: []string{nasty}, Labels: []checks.Label{{Name: nasty}}},
		Commits: []checks.Commit{{ID: c2, Message: nasty}}, Files: []checks.File{{Path: "db/migrations/1.sql"}, {Path: nasty}}, Reviews: []checks.Review{{By: checks.Person{Login: nasty}, State: "approved", Commit: c2}},
		Gaps: []checks.Gap{{Part: "files", Reason: nasty}},
		Promotion: &checks.Promotion{Between: []checks.Carried{{Commit: c2, Title: nasty, Change: 7, Shut: nasty, Author: checks.Person{Login: nasty}}},
			Origin: &checks.Origin{Files: []checks.File{{Path: nasty}}, Change: &checks.Change{Title: nasty, URL: "javascript:alert(1)"}}}}
	if b.inside != nil {
		f.Promotion = b.inside
	}
	facts, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	sources, err := json.Marshal([]policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: "version: 1\nchangelog: # " + nasty + "\n  mode: advise\n"}})
	return &gate.Recorded{Decision: d, Facts: facts, Sources: sources}, errors.Join(err, b.fail)
}

func (b *books) ChangeFacts(_ context.Context, _, _ string, changes []int, see func(int, []byte) error) error {
	for _, n := range changes {
		if facts, known := b.facts[n]; known {
			text, err := json.Marshal(facts)
			if err = errors.Join(err, see(n, text)); err != nil {
				return err
			}
		}
	}
	return b.fail
}

func (b *books) Acts(context.Context, checks.Subject) (gate.Acts, error) {
	return gate.Acts{Hold: &gate.Hold{By: checks.Person{Login: nasty}, Reason: nasty}, Overrides: []gate.Override{{Check: "changelog", By: checks.Person{Login: nasty}, Reason: nasty, URL: "javascript:alert(1)"}}}, b.fail
}

func (b *books) Promotion(_ context.Context, which string) (*gate.Promotion, error) {
	for _, p := range b.list {
		for _, q := range []*gate.Promotion{p.Waiting, p.Live} {
			if q != nil && q.ID == which {
				return q, b.fail
			}
		}
	}
	return nil, b.fail
}

func (b *books) Promotions(context.Context, string, string, string, int) ([]gate.Promotion, error) {
	return []gate.Promotion{*b.list[1].Waiting}, b.fail
}

func (b *books) Environment(context.Context, string, string, string) (*gate.EnvironmentBook, error) {
	back := *b.list[0].Live
	back.Environment = "production"
	return &gate.EnvironmentBook{Promotions: []gate.Promotion{*b.list[1].Waiting, back}}, b.fail
}

func (b *books) Said(context.Context, string) ([]gate.PromotionAct, error) {
	return []gate.PromotionAct{{Kind: gate.ActReject, Saying: checks.Saying{By: checks.Person{Login: nasty}, Reason: nasty, At: today}}}, b.fail
}

func (b *books) Entries(_ context.Context, q EntryQuery, see func(audit.Kept) error) error {
	for i, repo := range []string{"acme/secret", "acme/shop"} {
		e := gate.Entry{Seq: int64(i + 1), At: today, Kind: gate.EntryOverride, Forge: "github", Repo: repo, Change: 7, Who: gate.Who{ID: 7, Login: nasty}, Check: "changelog", Reason: nasty, URL: "javascript:alert(1)", Outcome: "granted", Promotion: gated}
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if err := see(audit.Kept{Line: string(line)}); err != nil {
			return err
		}
	}
	return b.fail
}

func (b *books) Pulse(context.Context) (int64, error) { return int64(len(b.asks)), b.fail }

func (b *books) Ask(_ context.Context, x gate.Ask) (bool, error) {
	if slices.ContainsFunc(b.asks, func(y gate.Ask) bool { return y.ID == x.ID }) {
		return false, nil
	}
	b.asks = append(b.asks, x)
	return true, b.fail
}

func (b *books) Asked(_ context.Context, which string) (*gate.Ask, error) {
	if which == gated {
		return &gate.Ask{ID: which, Forge: "github", Repo: "acme/secret", Word: "deploy", Environment: "production"}, nil
	}
	if which != live {
		return nil, b.fail
	}
	return &gate.Ask{ID: which, Forge: "github", Repo: "acme/shop", Word: "deploy", Environment: "production", By: nasty, Reason: nasty, At: today, Result: &gate.Result{Outcome: "refused", Text: nasty, Promotion: gated}}, b.fail
}

func (b *books) Recent(context.Context, string, string, int) ([]gate.DecisionRow, error) {
	return []gate.DecisionRow{{ID: id, Subject: checks.Subject{Kind: checks.KindChange, Change: 7}, Commit: c2, Reason: nasty, At: today}}, b.fail
}

func (b *books) Frozen(context.Context, int) ([]gate.EnvironmentSeen, error) {
	return []gate.EnvironmentSeen{b.list[1].Seen}, b.fail
}

func (b *books) Locks(context.Context, int) ([]gate.LockState, error) { return b.list[1].Locks, b.fail }

func (b *books) Timetables(context.Context, gate.Repo) ([]gate.Timetable, error) { return nil, b.fail }

func (b *books) Deployments(context.Context, []gate.Repo, time.Time) (dora.Report, []gate.Promotion, error) {
	list := []gate.Promotion{*b.list[0].Live}
	return dora.Count(dora.Book{Promotions: list}, dora.Span{Since: today.AddDate(0, 0, -30), Now: today}), list, b.fail
}

func (b *books) Depth(context.Context) (QueueDepth, error) {
	return QueueDepth{Dead: 1, Oldest: time.Minute}, b.fail
}

func (b *books) Work(context.Context, string, int64, int) ([]QueueItem, error) {
	return []QueueItem{{ID: 1, Kind: "change", Key: nasty, Standing: "dead", Error: nasty, Why: nasty, Attempts: 12}}, b.fail
}

func (b *books) Retry(context.Context, Person, ...int64) (int, error) { return 1, b.fail }

// eyes is a Sight: nobody sees acme/secret, and the right in acme/shop is as given.
type eyes struct{ role string }

func (e eyes) Repos(_ context.Context, _ Person, repos []gate.Repo) (list []gate.Repo, err error) {
	for _, r := range repos {
		if strings.EqualFold(r.Name, "acme/shop") {
			list = append(list, r)
		}
	}
	return list, nil
}

func (e eyes) Role(context.Context, Person, gate.Repo) (string, error) { return e.role, nil }

// open is a board over hostile books; as is who looks, nil for nobody.
func open(t testing.TB, b *books, role string, as *Person) http.Handler {
	t.Helper()
	x, err := New(kept{id: decided()}, true, "v1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	x.Open(&Pages{Library: b, Sight: eyes{role}, Now: func() time.Time { return today }, Queue: b, Reports: b, Rejudge: b, Tables: b, Owners: b})
	h := x.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if as != nil {
			r = r.WithContext(WithPerson(r.Context(), *as))
		}
		h.ServeHTTP(w, r)
	})
}

var bo = &Person{Forge: "github", ID: "8", Login: "bo"}

var admin = &Person{Forge: "github", ID: "9", Login: "cy", Admin: true}

// all are the pages of the one repository, with what each must say.
var everyPage = map[string]string{
	"/": "Outside the gate", "/?q=shop&only=waiting": "only with", "/repos/github/acme/shop": "Open changes", "/changes/github/7/acme/shop": "Who cures it",
	"/changes/github/7/acme/shop?a=" + id + "&b=" + live: "differ in", "/environments/github/production/acme/shop": "What came and went", "/promotions/" + gated: "line by line",
	"/ask/deploy/github/production/acme/shop?ref=" + c2: "Leave it", "/ask/rollback/github/production/acme/shop": "Back to", "/ask/approve/github/production/acme/shop": "Leave it", "/ask/lock/github/production/acme/shop": "For how long",
	"/asks/" + live: "refused", "/audit": "append-only", "/overrides": "Granted", "/calendar": "Freezes", "/calendar/github/acme/shop": "next two weeks", "/metrics/deployments": "Of which repository", "/metrics/deployments?repo=acme/shop": "DORA", "/metrics/deployments?team=acme": "Each repository for itself",
	"/inbox": "Dead letters", "/policy/github/acme/shop": "Try another",
}

func TestEveryPageWithstandsHostileTexts(t *testing.T) {
	t.Parallel()
	h := open(t, hostileBooks(), "write", admin)
	quoted := regexp.MustCompile(`"[^"]*"`)
	handler := regexp.MustCompile(`(?i)<[a-z]+[^>]*\s(on[a-z]+|style)\s*=`)
	for path, want := range everyPage {
		w := ask(h, "GET", path)
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("GET %s = %d, want it to say %q:\n%.800s", path, w.Code, want, body)
		}
		if len(body) > 100_000 {
			t.Errorf("GET %s: %d bytes", path, len(body))
		}
		for _, never := range []string{"<script>", "javascript:", "\u202e", "\x1b", "<nil>", "&lt;nil&gt;", "acme/secret", "%!"} {
			if strings.Contains(body, never) {
				t.Errorf("GET %s contains %q", path, never)
			}
		}
		if m := handler.FindString(quoted.ReplaceAllString(body, `""`)); m != "" {
			t.Errorf("GET %s has an inline script or style: %s", path, m)
		}
		if n := strings.Count(body, "<h1>"); n != 1 {
			t.Errorf("GET %s has %d first headings", path, n)
		}
	}
}

func TestEveryRouteKeepsItsPagesToItself(t *testing.T) {
	t.Parallel()
	h := open(t, hostileBooks(), "write", admin)
	paths := []string{"/nothing", "/style.css", "/live.js", "/setup", "/decisions/" + id, "/repos/github/acme/secret"}
	for path := range everyPage {
		paths = append(paths, path)
	}
	for _, path := range paths {
		w := ask(h, "GET", path)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
			"X-Frame-Options":         "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "X-Robots-Tag": "noindex, nofollow",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("GET %s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestWhoHasNotSignedInIsSentToDoSo(t *testing.T) {
	t.Parallel()
	h := open(t, hostileBooks(), "write", nil)
	for path := range everyPage {
		w := ask(h, "GET", path)
		to := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/login") || strings.Contains(w.Body.String(), "acme") && !strings.Contains(to, "acme") {
			t.Errorf("GET %s = %d to %q, want /login", path, w.Code, to)
		}
	}
	if w := ask(h, "GET", "/decisions/"+id); w.Code != http.StatusSeeOther {
		t.Errorf("a decision without signing in = %d, want to be sent to do so", w.Code)
	}
	if w := ask(h, "GET", "/live"); w.Code != http.StatusUnauthorized {
		t.Errorf("/live = %d, want 401", w.Code)
	}
}

func TestWhatTheForgeDoesNotShowIsMissing(t *testing.T) {
	t.Parallel()
	h := open(t, hostileBooks(), "write", bo)
	for _, path := range []string{"/repos/github/acme/secret", "/repos/gitlab/../x", "/changes/github/7/acme/secret", "/changes/github/8888/acme/shop", "/changes/github/x/acme/shop", "/environments/github/production/acme/secret", "/environments/github/nowhere/acme/shop",
		"/promotions/" + strings.Repeat("0", 32), "/promotions/x", "/ask/deploy/github/production/acme/secret", "/ask/override/github/production/acme/shop", "/asks/" + gated, "/asks/x", "/calendar/github/acme/secret", "/policy/github/acme/secret", "/inbox", "/decisions/" + id} {
		w := ask(h, "GET", path)
		if w.Code != http.StatusNotFound && w.Code != http.StatusTemporaryRedirect && w.Code != http.StatusMovedPermanently || strings.Contains(w.Body.String(), "production") {
			t.Errorf("GET %s = %d %.300s, want 404", path, w.Code, w.Body)
		}
	}
}

func TestADatabaseThatIsDownIsToldWithoutItsInsides(t *testing.T) {
	t.Parallel()
	b := hostileBooks()
	b.fail = errors.New("the disk is gone: /secret/path")
	h := open(t, b, "write", admin)
	for path := range everyPage {
		if w := ask(h, "GET", path); path != "/metrics/deployments?repo=acme/shop&days=30" && (w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "/secret/path") || !strings.Contains(w.Body.String(), "Reload in a minute")) {
			t.Errorf("GET %s = %d, want 503 and what to do\n%.300s", path, w.Code, w.Body)
		}
	}
}

// pressed sends the form of a confirmation page.
func pressed(h http.Handler, path string, form url.Values, edit func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if edit != nil {
		edit(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAButtonAsksForWhatItSays(t *testing.T) {
	t.Parallel()
	b := hostileBooks()
	h := open(t, b, "write", bo)
	form := url.Values{"key": {"K"}, "ref": {c2}, "commit": {c2}}
	for range 2 { // pressed twice, it asks once
		w := pressed(h, "/ask/deploy/github/production/acme/shop", form, nil)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/asks/"+b.asks[0].ID {
			t.Fatalf("deploy = %d %s, want to be led to what comes of it\n%s", w.Code, w.Header(), w.Body)
		}
	}
	want := gate.Ask{ID: b.asks[0].ID, Forge: "github", Repo: "acme/shop", Word: "deploy", Environment: "production", Ref: c2, By: "bo", ByID: 8, At: today}
	if len(b.asks) != 1 || b.asks[0] != want {
		t.Errorf("asked: %+v\nwant   %+v", b.asks, want)
	}
	pressed(h, "/ask/lock/github/production/acme/shop", url.Values{"key": {"L"}, "commit": {""}, "reason": {"The fair."}, "for": {"2h"}}, nil)
	if last := b.asks[len(b.asks)-1]; last.Word != "lock" || last.Reason != "The fair." || last.For != 2*time.Hour || last.Ref != "" {
		t.Errorf("asked: %+v, want the lock with its reason and time", last)
	}
}

func TestWhatAButtonMayNotDo(t *testing.T) {
	t.Parallel()
	deploy, form := "/ask/deploy/github/production/acme/shop", url.Values{"key": {"K"}, "ref": {c2}, "commit": {c2}}
	gitlab := &Person{Forge: "gitlab", ID: "8", Login: "bo"}
	for name, c := range map[string]struct {
		role string
		as   *Person
		path string
		form url.Values
		edit func(*http.Request)
		want int
		says string
	}{
		"without signing in":            {"write", nil, deploy, form, nil, 303, ""},
		"without the right":             {"read", bo, deploy, form, nil, 403, "takes the right write"},
		"in the right of another":       {"write", gitlab, deploy, form, nil, 403, "Sign in there"},
		"from another site":             {"write", bo, deploy, form, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, ""},
		"from another origin":           {"write", bo, deploy, form, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") }, 403, ""},
		"of what is not seen":           {"write", bo, "/ask/deploy/github/production/acme/secret", form, nil, 404, ""},
		"of another commit by now":      {"write", bo, "/ask/approve/github/production/acme/shop", url.Values{"key": {"K"}, "commit": {c1}}, nil, 422, "another commit by now"},
		"a lock without a reason":       {"write", bo, "/ask/lock/github/production/acme/shop", url.Values{"key": {"K"}, "commit": {""}}, nil, 200, "reason is missing"},
		"for no time":                   {"write", bo, "/ask/lock/github/production/acme/shop", url.Values{"key": {"K"}, "commit": {""}, "reason": {"x y"}, "for": {"soon"}}, nil, 200, "duration"},
		"without the key":               {"write", bo, deploy, url.Values{"ref": {c2}, "commit": {c2}}, nil, 422, "not one of this page"},
		"too much":                      {"write", bo, deploy, url.Values{"key": {strings.Repeat("k", 100_000)}}, nil, 422, "could not be read"},
		"work again, as no admin":       {"admin", bo, "/inbox", url.Values{"all": {"1"}}, nil, 404, ""},
		"work again, from elsewhere":    {"admin", admin, "/inbox", url.Values{"all": {"1"}}, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, ""},
		"a ref that is an option":       {"write", bo, deploy, url.Values{"key": {"K"}, "ref": {"--x"}, "commit": {"--x"}}, nil, 200, "no name of a commit"},
		"a policy that is broken":       {"read", bo, "/policy/github/acme/shop", url.Values{"text": {"version: 9"}, "on": {id}}, nil, 200, "not well written"},
		"a decision of somebody else's": {"read", bo, "/policy/github/acme/shop", url.Values{"text": {"version: 1"}, "on": {gated}}, nil, 422, "none of the newest"},
	} {
		b := hostileBooks()
		w := pressed(open(t, b, c.role, c.as), c.path, c.form, c.edit)
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) || len(b.asks) > 0 {
			t.Errorf("%s: %d, %d asked, want %d, none and %q\n%s", name, w.Code, len(b.asks), c.want, c.says, w.Body)
		}
	}
}

func TestButtonsAreThoseOfTheRight(t *testing.T) {
	t.Parallel()
	for role, want := range map[string][]string{"": nil, "read": nil, "triage": nil, "write": {"approve", "reject", "cancel", "rollback", "unlock"}, "admin": {"approve", "reject", "cancel", "rollback", "unlock"}} {
		page := ask(open(t, hostileBooks(), role, bo), "GET", "/environments/github/production/acme/shop").Body.String()
		var got []string
		for _, m := range regexp.MustCompile(`href="/ask/([a-z]+)/`).FindAllStringSubmatch(page, -1) {
			got = append(got, m[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("with the right %q: %v, want %v", role, got, want)
		}
	}
}

func TestTheConfirmationRepeatsEnvironmentAndCommit(t *testing.T) {
	t.Parallel()
	b := hostileBooks()
	b.list[0].Seen.View.Live.Version = "v1.3.0"
	page := ask(open(t, b, "write", bo), "GET", "/ask/deploy/github/production/acme/shop?ref="+c2).Body.String()
	for _, want := range []string{"Deploy v1.3.0 to <bdi>production</bdi>?", c2, "Deploy to production</button>", `name="commit" value="` + c2} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

func TestThePlayGroundJudgesWhatWasRecorded(t *testing.T) {
	t.Parallel()
	h := open(t, hostileBooks(), "read", bo)
	w := pressed(h, "/policy/github/acme/shop", url.Values{"text": {"version: 1\nchangelog:\n  mode: off\n"}, "on": {id}}, nil)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "and would be") || !strings.Contains(w.Body.String(), `<th scope="row">changelog</th>`) {
		t.Errorf("play = %d\n%s", w.Code, w.Body)
	}
}

package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

const token = "0123456789abcdef0123456789abcdef"

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

// asks is a store in memory.
type asks struct {
	kept map[string]gate.Ask
	book gate.EnvironmentBook
	err  error
}

func (s *asks) Ask(_ context.Context, x gate.Ask) (bool, error) {
	if _, had := s.kept[x.ID]; had || s.err != nil {
		return false, s.err
	}
	s.kept[x.ID] = x
	return true, nil
}

func (s *asks) Asked(_ context.Context, id string) (*gate.Ask, error) {
	if x, ok := s.kept[id]; ok {
		return &x, s.err
	}
	return nil, s.err
}

func (s *asks) Environments(context.Context, string, string) ([]gate.EnvironmentSeen, error) {
	return []gate.EnvironmentSeen{{Name: "production", At: noon}}, s.err
}

func (s *asks) Environment(context.Context, string, string, string) (*gate.EnvironmentBook, error) {
	return &s.book, s.err
}

func (s *asks) Promotion(_ context.Context, id string) (*gate.Promotion, error) {
	for i := range s.book.Promotions {
		if s.book.Promotions[i].ID == id {
			return &s.book.Promotions[i], s.err
		}
	}
	return nil, s.err
}

const promotionID = "11111111111111111111111111111111"

func api() (*asks, *API) {
	s := &asks{kept: map[string]gate.Ask{}}
	s.book.Promotions = []gate.Promotion{
		{ID: promotionID, Forge: "github", Repo: "acme/shop", Environment: "production", Commit: "c2", State: gate.Gated, Decision: "d", Reason: "a\u202eb", How: checks.ByAPI},
		{ID: strings.Repeat("2", 32), Forge: "github", Repo: "acme/shop", Environment: "production", Commit: "c1", State: gate.Verified, LiveAt: noon},
	}
	s.book.Locks = []gate.LockState{{ID: "l", Lock: checks.Lock{By: checks.Person{Login: "olga"}, Reason: "Fair"}}, {ID: "m", Lock: checks.Lock{Reason: "Over"}, Lifted: noon}}
	d := kept{"d": &gate.Decision{Verdicts: []checks.Verdict{{Check: "lock", Outcome: checks.Wait, Reason: "Locked."}, {Check: "freeze", Mode: policy.Observe}}}}
	return s, &API{Token: token, Forges: []string{"github"}, Shelf: s, Decisions: d, Now: func() time.Time { return noon }, PublicURL: "https://sluice.example", Log: slog.New(slog.DiscardHandler)}
}

// sent is a request with the token, as clients send it.
func sent(method, path, body string, spoil ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(method, "https://sluice.example"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	for _, f := range spoil {
		f(r)
	}
	return r
}

func head(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func answered(t testing.TB, a *API, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	described(t, a).ServeHTTP(w, r)
	return w
}

const places = "/api/v1/repos/acme/shop/environments"

func TestWhatIsAskedIsWrittenDown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, path, body string
		want               gate.Ask
	}{
		"deploy":      {"POST", "/production/promotions", `{"ref": "v1.2.3", "reason": "Go.", "by": "olga"}`, gate.Ask{Word: "deploy", Ref: "v1.2.3", Reason: "Go."}},
		"deploy what": {"POST", "/production/promotions", `{"by": "olga"}`, gate.Ask{Word: "deploy"}},
		"rollback":    {"POST", "/production/rollback", `{"reason": "It is slow.", "by": "olga"}`, gate.Ask{Word: "rollback", Reason: "It is slow."}},
		"lock":        {"POST", "/production/lock", `{"reason": "Fair", "for": "1d", "by": "olga"}`, gate.Ask{Word: "lock", Reason: "Fair", For: 24 * time.Hour}},
		"lock all":    {"POST", "/*/lock", `{"reason": "Fair", "by": "olga"}`, gate.Ask{Word: "lock", Reason: "Fair", Environment: "*"}},
		"unlock":      {"DELETE", "/production/lock", `{"by": "olga"}`, gate.Ask{Word: "unlock"}},
		"cancel":      {"POST", "/production/cancel", `{"by": "olga"}`, gate.Ask{Word: "cancel"}},
		"approve":     {"POST", "/production/approvals", `{"by": "olga"}`, gate.Ask{Word: "approve"}},
		"reject":      {"POST", "/production/approvals", `{"by": "olga", "reject": true, "reason": "No."}`, gate.Ask{Word: "reject", Reason: "No."}},
		"with a path": {"POST", "/europe%2Fprod/promotions", `{"by": "olga"}`, gate.Ask{Word: "deploy", Environment: "europe/prod"}},
	} {
		s, a := api()
		w := answered(t, a, sent(c.method, places+c.path, c.body))
		var got struct{ ID string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != http.StatusAccepted || err != nil || w.Header().Get("Location") != "/api/v1/asks/"+got.ID {
			t.Errorf("%s: %d %s, %v", name, w.Code, w.Body, w.Header())
			continue
		}
		want := c.want
		want.ID, want.Forge, want.Repo, want.By, want.At = got.ID, "github", "acme/shop", "olga", noon
		if want.Environment == "" {
			want.Environment = "production"
		}
		if s.kept[got.ID] != want || len(got.ID) != 32 {
			t.Errorf("%s: kept %+v, want %+v", name, s.kept[got.ID], want)
		}
	}
}

// What is said about a change is written down too, and of what is taken back nothing has to be said.
func TestWhatIsAskedOfAChangeIsWrittenDown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, path, body string
		want               gate.Ask
	}{
		"override": {"POST", "/overrides", `{"checks": "changelog", "commit": "` + strings.Repeat("c", 40) + `", "reason": "Later.", "by": "olga"}`, gate.Ask{Word: "override", Checks: "changelog", Commit: strings.Repeat("c", 40), Reason: "Later."}},
		"revoke":   {"DELETE", "/overrides/changelog", `{"by": "olga"}`, gate.Ask{Word: "revoke", Checks: "changelog"}},
		"hold":     {"POST", "/hold", `{"reason": "Fair", "by": "olga"}`, gate.Ask{Word: "hold", Reason: "Fair"}},
		"unhold":   {"DELETE", "/hold", `{"by": "olga", "reason": "Over"}`, gate.Ask{Word: "unhold", Reason: "Over"}},
		"recheck":  {"POST", "/recheck", `{"by": "olga"}`, gate.Ask{Word: "recheck"}},
	} {
		s, a := api()
		w := answered(t, a, sent(c.method, "/api/v1/repos/acme/shop/changes/7"+c.path, c.body))
		var got struct{ ID string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != http.StatusAccepted || err != nil {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
			continue
		}
		want := c.want
		want.ID, want.Forge, want.Repo, want.Change, want.By, want.At = got.ID, "github", "acme/shop", 7, "olga", noon
		if s.kept[got.ID] != want {
			t.Errorf("%s: kept %+v, want %+v", name, s.kept[got.ID], want)
		}
	}
	for path, says := range map[string]string{"/changes/0/hold": "no such change", "/changes/7/hold": "login of the person", "/changes/7/overrides/a,b": "login of the person"} {
		_, a := api()
		if w := answered(t, a, sent("DELETE", "/api/v1/repos/acme/shop"+path, "")); w.Code < 400 || !strings.Contains(w.Body.String(), says) {
			t.Errorf("DELETE %s without a body: %d %s, want one that says %q", path, w.Code, w.Body, says)
		}
	}
}

func TestWhatIsRefusedAtTheDoor(t *testing.T) {
	t.Parallel()
	const ok = `{"by": "olga"}`
	deploy := places + "/production/promotions"
	for name, c := range map[string]struct {
		request *http.Request
		want    int
		says    string
	}{
		"no token":               {sent("POST", deploy, ok, func(r *http.Request) { r.Header.Del("Authorization") }), 401, "bearer token"},
		"a beginning of it":      {sent("POST", deploy, ok, head("Authorization", "Bearer "+token[:31])), 401, "bearer token"},
		"another scheme":         {sent("POST", deploy, ok, head("Authorization", "Basic "+token)), 401, "bearer token"},
		"to read without it":     {sent("GET", places, "", head("Authorization", "Bearer x")), 401, "bearer token"},
		"from another site":      {sent("POST", deploy, ok, head("Sec-Fetch-Site", "cross-site")), 403, "none but our own may"},
		"from another origin":    {sent("POST", deploy, ok, head("Origin", "https://evil.example")), 403, "none but our own may"},
		"a form":                 {sent("POST", deploy, "by=olga", head("Content-Type", "application/x-www-form-urlencoded")), 415, "must be JSON"},
		"nobody":                 {sent("POST", deploy, `{}`), 422, "login of the person"},
		"a name that is none":    {sent("POST", deploy, `{"by": "ol ga"}`), 422, "login of the person"},
		"an option":              {sent("POST", deploy, `{"by": "olga", "ref": "--force"}`), 422, "no name of a commit"},
		"a path":                 {sent("POST", deploy, `{"by": "olga", "ref": "../x"}`), 422, "no name of a commit"},
		"no reason":              {sent("POST", places+"/production/rollback", ok), 422, "reason is missing"},
		"a hidden direction":     {sent("POST", places+"/production/lock", `{"by": "olga", "reason": "a\u202eb"}`), 422, "direction characters"},
		"no duration":            {sent("POST", places+"/production/lock", `{"by": "olga", "reason": "x", "for": "soon"}`), 422, "The duration"},
		"a time before":          {sent("POST", places+"/production/lock", `{"by": "olga", "reason": "x", "for": "-1h"}`), 422, "The duration"},
		"another member":         {sent("POST", deploy, `{"by": "olga", "force": true}`), 400, "not taken here. It may have: by ref reason"},
		"a member of another":    {sent("POST", places+"/production/cancel", `{"by": "olga", "ref": "x"}`), 400, "not taken here"},
		"no JSON":                {sent("POST", deploy, `{`), 400, "not one JSON object"},
		"a list":                 {sent("POST", deploy, `["olga"]`), 400, "not one JSON object"},
		"too much":               {sent("POST", deploy, `{"by": "`+strings.Repeat("a", mostAsked)+`"}`), 413, "larger than"},
		"an empty key":           {sent("POST", deploy, ok, head("Idempotency-Key", "")), 400, "Idempotency-Key"},
		"an odd repository":      {sent("POST", "/api/v1/repos/acme/sh%20op/environments/production/promotions", ok), 404, "no such repository"},
		"an odd environment":     {sent("POST", places+"/pro%20duction/promotions", ok), 422, "environment must be"},
		"to put":                 {sent("PUT", deploy, ok), 404, "does not take PUT"},
		"elsewhere":              {sent("GET", "/api/v1/secrets", ""), 404, "no such path"},
		"a promotion elsewhere":  {sent("GET", "/api/v1/repos/acme/other/environments/production/promotions/"+promotionID, ""), 404, "no such promotion"},
		"a promotion without id": {sent("GET", places+"/production/promotions/x'--", ""), 404, "no such promotion"},
		"nothing asked":          {sent("GET", "/api/v1/asks/"+promotionID, ""), 404, "Nothing was asked"},
	} {
		s, a := api()
		w := answered(t, a, c.request)
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) || len(s.kept) > 0 {
			t.Errorf("%s: %d %s, kept %v, want %d with %q", name, w.Code, w.Body, s.kept, c.want, c.says)
		}
	}
	_, a := api()
	a.Token = ""
	for _, given := range []string{"Bearer ", "Bearer " + token} {
		if w := answered(t, a, sent("GET", places, "", head("Authorization", given))); w.Code != http.StatusNotFound {
			t.Errorf("without a token of its own the API answers %d to %q, want 404", w.Code, given)
		}
	}
}

func TestAskingTwiceWithOneKeyAsksOnce(t *testing.T) {
	t.Parallel()
	s, a := api()
	for range 3 {
		w := answered(t, a, sent("POST", places+"/production/promotions", `{"by": "olga"}`, head("Idempotency-Key", "build-7")))
		if w.Code != http.StatusAccepted || len(s.kept) != 1 {
			t.Fatalf("%d %s, kept %d", w.Code, w.Body, len(s.kept))
		}
	}
	w := answered(t, a, sent("POST", places+"/production/promotions", `{"by": "olga", "ref": "v2"}`, head("Idempotency-Key", "build-7")))
	if w.Code != http.StatusUnprocessableEntity || len(s.kept) != 1 {
		t.Errorf("the key for something else: %d %s", w.Code, w.Body)
	}
	s.err = errors.New("disk full")
	if w := answered(t, a, sent("POST", places+"/production/promotions", `{"by": "olga"}`)); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("what is not on disk: %d %s", w.Code, w.Body)
	}
}

func TestWhatTheAPITells(t *testing.T) {
	t.Parallel()
	s, a := api()
	s.kept[promotionID] = gate.Ask{ID: promotionID, Word: "deploy", Repo: "acme/shop", Environment: "production", By: "olga",
		Result: &gate.Result{Outcome: "done", Text: "Asked for `c2` into `production`&#58; &#60;b&#62;", Promotion: promotionID}}
	for path, want := range map[string][]string{
		places: {`"name": "production"`, `"waiting": {`, `"live": {`, `"commit": "c1"`, `"environment": "*"`, `"reason": "Fair"`},
		places + "/production/promotions/" + promotionID: {`"state": "gated"`, `"line": "lock"`, `"outcome": "wait"`, `"reason": "ab"`, `"how": "api"`},
		"/api/v1/asks/" + promotionID:                    {`"state": "done"`, `"text": "Asked for ` + "`c2` into `production`" + `: \u003cb\u003e"`, `"id": "` + promotionID},
	} {
		w := answered(t, a, sent("GET", path, ""))
		for _, part := range want {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s: %d %s, want %s", path, w.Code, w.Body, part)
			}
		}
		if strings.Contains(w.Body.String(), "freeze") || strings.Contains(w.Body.String(), "Over") {
			t.Errorf("%s tells of what is only observed, or lifted: %s", path, w.Body)
		}
	}
}

func TestCalendarsTakeTheTokenAsAPassword(t *testing.T) {
	t.Parallel()
	var asked []string
	api := &API{Token: token, Forges: []string{"github"}, Shelf: &asks{}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Calendar: func(_ context.Context, repo gate.Repo, environment string) (string, error) {
			asked = append(asked, repo.Name+">"+environment)
			switch environment {
			case "nowhere":
				return "", gate.ErrGone
			case "broken":
				return "", errors.New("a secret of the database")
			}
			return "BEGIN:VCALENDAR\r\n", nil
		}}
	for name, c := range map[string]struct {
		path, user, password, bearer string
		want                         int
	}{
		"with the token as a password":       {"/api/v1/repos/acme/shop/calendar.ics", "x", token, "", 200},
		"with the bearer token":              {"/api/v1/repos/acme/shop/environments/production/calendar.ics", "", "", token, 200},
		"with a wrong password":              {"/api/v1/repos/acme/shop/calendar.ics", token, "x", "", 401},
		"with nothing":                       {"/api/v1/repos/acme/shop/calendar.ics", "", "", "", 401},
		"another path with a password":       {"/api/v1/repos/acme/shop/environments", "x", token, "", 401},
		"of an environment that none guards": {"/api/v1/repos/acme/shop/environments/nowhere/calendar.ics", "x", token, "", 404},
		"while the policy cannot be read":    {"/api/v1/repos/acme/shop/environments/broken/calendar.ics", "x", token, "", 503},
		"of what is no name of a repository": {"/api/v1/repos/acme/%2e%2e/calendar.ics", "x", token, "", 404},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		if c.user != "" {
			r.SetBasicAuth(c.user, c.password)
		}
		if c.bearer != "" {
			r.Header.Set("Authorization", "Bearer "+c.bearer)
		}
		w := httptest.NewRecorder()
		api.Handler().ServeHTTP(w, r)
		if w.Code != c.want && (w.Code < 300 || w.Code > 399 || c.want != 404) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
		if c.want == 200 && w.Header().Get("Content-Type") != "text/calendar; charset=utf-8" {
			t.Errorf("%s: Content-Type %s", name, w.Header().Get("Content-Type"))
		}
	}
}

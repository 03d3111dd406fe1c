package gitlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var one, two = strings.Repeat("a", 40), strings.Repeat("b", 40)

// site answers by route: method and path below the API, then the query after a question mark where a rule has one.
type site map[string]any

type code struct {
	status  int
	message string
}

func (s site) answer(_ int, w http.ResponseWriter, r *http.Request) {
	_, path, _ := strings.Cut(r.URL.EscapedPath(), "/api/v4")
	path = strings.TrimPrefix(path, "/projects/acme%2Fplatform%2Fshop")
	what, ok := s[r.Method+" "+path]
	if !ok && path == "" {
		what, ok = obj{"id": 1, "default_branch": "main", "path_with_namespace": simRepo, "web_url": "https://gitlab.example/acme/platform/shop", "namespace": obj{"kind": "user"}}, true
	}
	if !ok && path == "/user" {
		what, ok = obj{"id": 77, "username": "project_1_bot"}, true
	}
	if f, is := what.(func(*http.Request) any); is {
		what = f(r)
	}
	c, refused := what.(code)
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"message":"404 Not found"}`)
	case refused:
		w.WriteHeader(c.status)
		_ = json.NewEncoder(w).Encode(obj{"message": c.message})
	default:
		_ = json.NewEncoder(w).Encode(what)
	}
}

func (s site) client(t *testing.T, now func() time.Time) *Client {
	t.Helper()
	for path, what := range map[string]any{"GET /environments": []obj{{"id": 5, "name": "production"}}, "GET /deployments": []obj{}, "GET /freeze_periods": []obj{}, "GET /repository/tags": []obj{}} {
		if _, ok := s[path]; !ok {
			s[path] = what
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.answer(0, w, r) }))
	t.Cleanup(server.Close)
	c, err := New(Settings{URL: server.URL, Token: "t", WebhookSecret: "x"}, Options{Now: now, Jitter: func() float64 { return -0.5 }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func deploymentOn(id int, commit, status string, user int, created string) obj {
	return obj{"id": id, "sha": commit, "status": status, "created_at": created, "updated_at": created, "user": obj{"id": user, "username": "u"}, "environment": obj{"id": 5, "name": "production"}, "deployable": nil}
}

// No clock decides whose deployment it is: neither GitLab's nor ours.
func TestClocksDoNotDecideWhoseDeploymentItIs(t *testing.T) {
	t.Parallel()
	for _, created := range []string{"2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"} {
		s := site{"GET /deployments": []obj{deploymentOn(12, one, "running", 77, created), deploymentOn(11, one, "running", 5, created), deploymentOn(10, one, "success", 77, created), deploymentOn(9, two, "running", 77, created)}}
		c := s.client(t, nil)
		for name, x := range map[string]struct {
			o    gate.Order
			want string
		}{
			"newer than what there was":           {gate.Order{After: 10}, "[12]"},
			"there already when it was reserved":  {gate.Order{After: 12}, "[]"},
			"another promotion's":                 {gate.Order{After: 9, Others: []int64{12}}, "[10]"},
			"nothing there when it was reserved":  {gate.Order{After: -1}, "[10 12]"},
			"a job is to be played, none created": {gate.Order{After: -1, Job: "deploy"}, "[]"},
		} {
			x.o.Promotion = "p"
			found, err := c.Deployed(t.Context(), into("production", one), x.o)
			if got := fmt.Sprint(ids(found)); err != nil || got != x.want && !(got == "[]" && x.want == "[]") {
				t.Errorf("created %s, %s: %s, %v; want %s", created, name, got, err, x.want)
			}
		}
	}
}

func TestWhatGitLabRefusesWasNotMade(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{400: "refused", 401: "cures", 403: "cures", 404: "cures", 409: "cures", 422: "refused", 429: "later", 500: "unclear", 502: "unclear", 408: "unclear", 200: "unclear"} {
		s := site{"POST /deployments": code{status, "because\n**of** it"}}
		_, err := s.client(t, nil).Deploy(t.Context(), into("production", one), gate.Order{Promotion: "p", Within: time.Minute})
		var r *gate.RefusalError
		var later *gate.RetryError
		got := "unclear"
		switch refused := errors.As(err, &r); {
		case err == nil:
			got = "made"
		case errors.As(err, &later) && refused:
			got = "later"
		case refused && r.Cures:
			got = "cures"
		case refused:
			got = "refused"
		}
		if got != want {
			t.Errorf("%d: %s (%v), want %s", status, got, err, want)
		}
	}
	s := site{"POST /deployments": obj{"id": 9, "sha": two}}
	if _, err := s.client(t, nil).Deploy(t.Context(), into("production", one), gate.Order{Promotion: "p"}); err == nil || errors.As(err, new(*gate.RefusalError)) {
		t.Errorf("a deployment of another commit: %v", err)
	}
	s = site{"GET /deployments": code{500, ""}, "POST /deployments": obj{"id": 9, "sha": one}}
	_, err := s.client(t, nil).Deploy(t.Context(), into("production", one), gate.Order{Promotion: "p"})
	refusal(t, err, true, "could not be read")
}

// Half a list, and a list of something else, is none.
func TestAListThatIsNotWholeIsNone(t *testing.T) {
	t.Parallel()
	other := deploymentOn(3, one, "success", 5, "2026-01-01T00:00:00Z")
	other["environment"] = obj{"id": 6, "name": "reproduction"}
	for name, list := range map[string]any{
		"one without a commit":      []obj{deploymentOn(3, "", "success", 5, "2026-01-01T00:00:00Z")},
		"nothing in one's place":    []any{nil},
		"another environment's":     []obj{other},
		"an error":                  code{500, ""},
		"one without a number":      []obj{deploymentOn(0, one, "success", 5, "2026-01-01T00:00:00Z")},
		"what is no list":           obj{"message": "hm"},
		"one without its own place": []obj{{"id": 3, "sha": one, "status": "success"}},
	} {
		s := site{"GET /deployments": list, "GET /repository/branches/main": obj{"commit": obj{"id": one}}}
		if st, err := s.client(t, nil).Environment(t.Context(), into("production", ""), nil, checks.Promotion{}); err == nil {
			t.Errorf("%s: %+v, want an error", name, st)
		}
	}
}

func TestWhatStateADeploymentIsIn(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, x := range map[string]struct {
		status, job string
		started     bool
		want        string // state, then ran, live and ours
	}{
		"made by the API":                   {"running", "", false, "in_progress ran ours"},
		"made by the API, well":             {"success", "", false, "success ran live ours"},
		"made by the API, and created":      {"created", "", false, "pending ran ours"},
		"made by the API, and held":         {"blocked", "", false, "waiting ran"},
		"a job that waits for its stage":    {"created", "created", false, "waiting"},
		"a job that waits for somebody":     {"blocked", "manual", false, "waiting"},
		"a job let go and not started":      {"created", "manual", false, "waiting"},
		"a job in the queue":                {"created", "pending", false, "queued ours"},
		"a job that runs":                   {"running", "running", true, "in_progress ran ours"},
		"a job that failed":                 {"failed", "failed", true, "failure ran ours"},
		"a job that was turned away":        {"failed", "failed", false, "failure ours"},
		"a job that was cancelled":          {"canceled", "canceled", true, "error ran ours"},
		"a job that was skipped":            {"skipped", "skipped", false, "inactive"},
		"a job skipped before its place":    {"created", "skipped", false, "inactive"},
		"a job that went well":              {"success", "success", true, "success ran live ours"},
		"a state that nobody knows of here": {"odd", "running", true, "queued ran ours"},
	} {
		n := &deploymentNode{ID: 3, SHA: one, Status: x.status, User: &userNode{ID: 77, Username: "bot"}}
		if x.job != "" {
			n.Job = &jobNode{ID: 4, Status: x.job, User: &userNode{ID: 77, Username: "bot"}, URL: "javascript:alert(1)"}
		}
		if x.started {
			n.Job.Started = &began
		}
		c, _ := newStub(t, Options{}, site{}.answer)
		d := c.told(n, 77, "https://gitlab.example/acme/shop")
		got := d.State
		for word, is := range map[string]bool{" ran": d.Ran()} {
			if is {
				got += word
			}
		}
		if !d.Live.IsZero() || x.status == "success" {
			got += " live"
		}
		if d.Ours {
			got += " ours"
		}
		if got != x.want || strings.Contains(d.URL, "javascript") {
			t.Errorf("%s: %q, want %q; leads to %q", name, got, x.want, d.URL)
		}
	}
}

func TestFreezePeriods(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		x, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	weekend := freezeNode{ID: 3, Start: "0 18 * * fri", End: "0 8 * * 1", Zone: "Europe/Berlin"}
	for name, x := range map[string]struct {
		f    freezeNode
		now  string
		want string // the first two stretches
	}{
		"before":                  {weekend, "2026-03-20T16:59:00Z", "03-20 17:00 to 03-23 07:00, 03-27 17:00 to 03-30 06:00"},
		"as it begins":            {weekend, "2026-03-20T17:00:00Z", "03-20 17:00 to 03-23 07:00, 03-27 17:00 to 03-30 06:00"},
		"over the change of time": {weekend, "2026-03-28T12:00:00Z", "03-27 17:00 to 03-30 06:00, 04-03 16:00 to 04-06 06:00"},
		"as it ends":              {weekend, "2026-03-30T06:00:00Z", "04-03 16:00 to 04-06 06:00, 04-10 16:00 to 04-13 06:00"},
		"starts that follow on":   {freezeNode{Start: "0 9 * * *", End: "0 0 1 * *", Zone: "UTC"}, "2026-03-20T12:00:00Z", "03-01 09:00 to 04-01 00:00, 04-01 09:00 to 05-01 00:00"},
		"the last day of a month": {freezeNode{Start: "0 0 L * *", End: "0 0 1 * *", Zone: "UTC"}, "2026-02-20T12:00:00Z", "02-28 00:00 to 03-01 00:00, 03-31 00:00 to 04-01 00:00"},
		"either day will do":      {freezeNode{Start: "0 0 13 * fri", End: "0 12 * * *", Zone: "UTC"}, "2026-04-11T12:00:00Z", "04-13 00:00 to 04-13 12:00, 04-17 00:00 to 04-17 12:00"},
		"an end that is a start":  {freezeNode{Start: "0 0 * * *", End: "0 0 * * *", Zone: "UTC"}, "2026-04-11T12:00:00Z", ""},
		"an end that never comes": {freezeNode{Start: "0 0 1 4 *", End: "0 0 30 2 *", Zone: "UTC"}, "2026-04-11T12:00:00Z", "04-01 00:00 to 05-16 12:00"},
		"once a year":             {freezeNode{Start: "0 0 18 12 *", End: "0 0 4 1 *", Zone: "UTC"}, "2026-12-31T12:00:00Z", "12-18 00:00 to 01-04 00:00"},
	} {
		list, err := x.f.around(at(x.now))
		var told []string
		for _, z := range list[:min(2, len(list))] {
			told = append(told, z.From.Format("01-02 15:04")+" to "+z.To.Format("01-02 15:04"))
		}
		if got := strings.Join(told, ", "); err != nil || got != x.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, x.want)
		}
	}
	for name, f := range map[string]freezeNode{
		"no cron":             {Start: "next friday", End: "0 8 * * 1", Zone: "UTC"},
		"six fields":          {Start: "0 0 18 * * 5", End: "0 8 * * 1", Zone: "UTC"},
		"a zone of its own":   {Start: "TZ=UTC 0 18 * * 5", End: "0 8 * * 1", Zone: "UTC"},
		"a word":              {Start: "@daily", End: "0 8 * * 1", Zone: "UTC"},
		"an hour beyond":      {Start: "0 18 * * 5", End: "0 25 * * 1", Zone: "UTC"},
		"no zone of the list": {Start: "0 18 * * 5", End: "0 8 * * 1", Zone: "Eastern Time (US & Canada)"},
		"the server's zone":   {Start: "0 18 * * 5", End: "0 8 * * 1", Zone: "Local"},
		"nothing":             {},
	} {
		if list, err := f.around(at("2026-03-28T12:00:00Z")); err == nil {
			t.Errorf("%s: %+v, want an error", name, list)
		}
	}
}

// A freeze period that is not known might hold: nothing passes for allowed.
func TestFreezesThatAreNotKnown(t *testing.T) {
	t.Parallel()
	good := obj{"id": 1, "freeze_start": "0 18 * * 5", "freeze_end": "0 8 * * 1", "cron_timezone": "UTC"}
	for name, x := range map[string]struct {
		answer any
		want   string
	}{
		"refused":             {code{403, "403 Forbidden"}, "could not be read"},
		"gone":                {code{404, ""}, "could not be read"},
		"broken":              {code{500, ""}, "could not be read"},
		"one that is odd":     {[]obj{good, {"id": 7, "freeze_start": "sometimes", "freeze_end": "0 8 * * 1", "cron_timezone": "UTC"}}, "freeze period 7"},
		"a zone that is none": {[]obj{{"id": 8, "freeze_start": "0 18 * * 5", "freeze_end": "0 8 * * 1", "cron_timezone": "Mars"}}, "Europe/Berlin"},
		"all is well":         {[]obj{good}, ""},
	} {
		s := site{"GET /freeze_periods": x.answer, "GET /repository/branches/main": obj{"commit": obj{"id": one}}, "GET /repository/commits/" + one + "/statuses": []obj{}, "GET /repository/tree": []obj{},
			"GET /repository/commits/" + one + "/merge_requests": []obj{}}
		st, err := s.client(t, nil).Environment(t.Context(), into("production", one), nil, checks.Promotion{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		gap, unread := st.Facts.Gap("freezes")
		if unread != (x.want != "") || !strings.Contains(gap.Reason, x.want) || (st.Thawing != "") != unread || len(st.Frozen) > 0 == unread {
			t.Errorf("%s: gap %q, %q, %d stretches; want %q", name, gap.Reason, st.Thawing, len(st.Frozen), x.want)
		}
	}
}

// What lies between two commits is told whole or not at all.
func TestCommitsThatAreNotTold(t *testing.T) {
	t.Parallel()
	line := func(n int) (list []obj) {
		for i := range n {
			list = append(list, obj{"id": fmt.Sprintf("%040x", i+1), "parent_ids": []string{fmt.Sprintf("%040x", i+2)}, "message": "m", "committed_date": "2026-01-01T00:00:00Z"})
		}
		return list
	}
	for name, x := range map[string]struct {
		commits any
		gap     bool
	}{
		"neither has what the other lacks, and yet they differ": {[]obj{}, true},
		"GitLab knows one of them no more":                      {code{404, ""}, true},
		"GitLab dislikes one of them":                           {code{400, "bad revision"}, true},
		"more than are told":                                    {line(251), true},
	} {
		s := site{"GET /repository/branches/main": obj{"commit": obj{"id": one}}, "GET /repository/commits/" + one + "/statuses": []obj{}, "GET /repository/tree": []obj{}, "GET /merge_requests": []obj{},
			"GET /deployments": []obj{deploymentOn(3, two, "success", 5, "2026-01-01T00:00:00Z")}, "GET /repository/commits": x.commits}
		for i := range 300 {
			s["GET /repository/commits/"+fmt.Sprintf("%040x", i+1)+"/merge_requests"] = []obj{}
			s["GET /repository/commits/"+fmt.Sprintf("%040x", i+1)+"/diff"] = []obj{}
		}
		s["GET /repository/commits/"+one+"/merge_requests"] = []obj{}
		st, err := s.client(t, nil).Environment(t.Context(), into("production", one), nil, checks.Promotion{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, between := st.Facts.Gap("between"); between != x.gap {
			t.Errorf("%s: gaps %v", name, st.Facts.Gaps)
		}
	}
}

func TestPatchesThatCannotBeTold(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	hunk := "@@ -1 +1 @@\n-a\n+b\n"
	for name, x := range map[string]struct {
		n     diffNode
		whole bool
	}{
		"an ordinary one":          {diffNode{Old: "a", New: "a", Patch: hunk}, true},
		"collapsed":                {diffNode{Old: "a", New: "a", Collapsed: &yes, TooLarge: &no}, false},
		"too large":                {diffNode{Old: "a", New: "a", Collapsed: &no, TooLarge: &yes}, false},
		"empty, and nobody says":   {diffNode{Old: "a", New: "a"}, false},
		"a new file that is empty": {diffNode{Old: "a", New: "a", Added: true, Before: "0", After: "100644", Collapsed: &no, TooLarge: &no}, true},
		"moved and not edited":     {diffNode{Old: "a", New: "b", Renamed: true}, true},
		"bytes":                    {diffNode{Old: "a", New: "a", Patch: "Binary files a/a and b/a differ\n", Collapsed: &no, TooLarge: &no}, false},
	} {
		if _, whole := asGit([]diffNode{x.n}); whole != x.whole {
			t.Errorf("%s: whole %v, want %v", name, whole, x.whole)
		}
	}
}

// A job that was let go by its last approval, or by an earlier call, is not refused; one that somebody else played is.
func TestAJobThatIsUnderWayAlready(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		job  any
		want bool
	}{
		"ours, in the queue": {obj{"id": 4, "status": "pending", "user": obj{"id": 77}}, true},
		"ours, and over":     {obj{"id": 4, "status": "success", "user": obj{"id": 77}}, true},
		"somebody else's":    {obj{"id": 4, "status": "running", "user": obj{"id": 5}}, false},
		"skipped":            {obj{"id": 4, "status": "skipped", "user": obj{"id": 77}}, false},
		"not to be seen":     {code{404, ""}, false},
	} {
		s := site{"POST /jobs/4/play": code{400, "400 Bad request - Unplayable Job"}, "GET /jobs/4": x.job}
		c := s.client(t, nil)
		if err := c.ways[0].playJob(t.Context(), simRepo, 4); (err == nil) != x.want || err != nil && !errors.As(err, new(*gate.RefusalError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What was made here a moment ago has to be in the list: an answer without it is older.
func TestAListFromBeforeTheDeployment(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := site{"POST /deployments": obj{"id": 9, "sha": one}, "GET /repository/branches/main": obj{"commit": obj{"id": one}}}
	c := s.client(t, func() time.Time { return now })
	if _, err := c.Deploy(t.Context(), into("production", one), gate.Order{Promotion: "p"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Environment(t.Context(), into("production", ""), nil, checks.Promotion{}); !errors.Is(err, gate.ErrStale) {
		t.Errorf("a list without it: %v, want that it is stale", err)
	}
	now = now.Add(3 * time.Minute)
	if st, err := c.Environment(t.Context(), into("production", ""), nil, checks.Promotion{}); err != nil || len(st.Deployments) != 0 {
		t.Errorf("long after: %+v, %v; want that it was deleted", st, err)
	}
}

// GitLab shows what is said with an approval as it is written, and takes 255 characters of it.
func TestWhatIsSaidWithAnApprovalCanBeRead(t *testing.T) {
	t.Parallel()
	const link = "https://sluice.example/decisions/0123456789abcdef"
	long := strings.Repeat("e2e was not told of it&#58; CI has to post it. ", 20)
	for said, want := range map[string]string{
		"":                              "",
		"Cancelled by olga.\n\n" + link: "Cancelled by olga. " + link,
		"Rejected&#58; Quick &#60;fix&#62;.\n\n- `changes` x": "Rejected: Quick <fix>. - `changes` x",
		long + "\n\n" + link:        strings.ReplaceAll(long, "&#58;", ":")[:204] + "… " + link,
		"over&#10;lines&#0;&#8238;": "over lines",
		strings.Repeat("x", 300):    strings.Repeat("x", 254) + "…",
	} {
		if got := remark(said); got != want || utf8.RuneCountInString(got) > mostComment {
			t.Errorf("remark(%q) = %q, %d characters, want %q", said, got, utf8.RuneCountInString(got), want)
		}
	}
}

// Where something on the way took the word on what comes next, the first hundred deployments are not all of them.
func TestDeploymentsAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	s := site{"GET /repository/branches/main": obj{"commit": obj{"id": one}}, "GET /deployments": func(r *http.Request) any {
		list := []obj{}
		switch page, _ := strconv.Atoi(r.URL.Query().Get("page")); page {
		case 1:
			for id := 200; id > 100; id-- {
				list = append(list, deploymentOn(id, two, "failed", 5, "2026-01-02T00:00:00Z"))
			}
		case 2:
			list = append(list, deploymentOn(100, one, "running", 77, "2026-01-01T00:00:00Z"))
		}
		return list
	}}
	found, err := s.client(t, nil).Deployed(t.Context(), into("production", one), gate.Order{Promotion: "p", After: 90})
	if err != nil || fmt.Sprint(ids(found)) != "[100]" {
		t.Errorf("found %v, %v; want the one on the second page, or another would be made", ids(found), err)
	}
}

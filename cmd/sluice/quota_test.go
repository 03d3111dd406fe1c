package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
)

// frozen is a forge and a server whose clock stands still unless it is moved.
type frozen struct {
	t      *testing.T
	forge  *pretend.Forge
	server *server

	mu  sync.Mutex
	now time.Time
}

func (x *frozen) clock() time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.now
}

func newFrozen(t *testing.T, workers int, owners ...string) *frozen {
	t.Helper()
	x := &frozen{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	x.forge = pretend.New(pretend.Options{Secret: demoSecret, Now: x.clock})
	web := httptest.NewServer(x.forge.Handler())
	t.Cleanup(web.Close)
	for _, owner := range owners {
		x.forge.Org(owner, "ana", "bo")
		x.must(x.forge.Repo(owner+"/shop", true, pretend.Texts(map[string]string{".sluice.yml": catchPolicy, "shop.go": "package shop\n"})))
		x.must(x.forge.Grant(owner+"/shop", "ana", "write"))
		x.forge.Install(owner)
	}
	x.forge.Forget()
	s := (&stage{forge: x.forge, url: "http://sluice.example"}).settings(t.TempDir(), web.URL)
	s.Database, s.APIToken = "sqlite:"+filepath.Join(t.TempDir(), "sluice.db"), strings.Repeat("t", 20)
	var err error
	x.server, err = assemble(t.Context(), s, outside{now: x.clock}, slog.New(slog.DiscardHandler))
	x.must(err)
	x.server.runner.Workers, x.server.runner.Poll = workers, 2*time.Millisecond
	x.forge.Hooks(pretend.Target{To: func(_ context.Context, r *http.Request) (int, error) {
		w := httptest.NewRecorder()
		r.RequestURI, r.URL.Path = "/webhook/github", "/webhook/github"
		x.server.handler.ServeHTTP(w, r)
		return w.Code, nil
	}})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- x.server.runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		x.must(<-ended)
		x.must(x.server.store.Close())
	})
	return x
}

func (x *frozen) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

// opens opens changes of one file each.
func (x *frozen) opens(repo string, from, n int) {
	x.t.Helper()
	for i := from; i < from+n; i++ {
		_, err := x.forge.Open(pretend.PR{Repo: repo, By: "ana", Title: fmt.Sprint("Basket ", i), Branch: fmt.Sprint("basket", i),
			Commits: []pretend.Commit{{Message: "Basket", Files: pretend.Texts(map[string]string{fmt.Sprintf("basket%d.go", i): "package shop\n"})}}})
		x.must(err)
	}
}

// second delivers what the forge has to tell, waits until nothing is due, and lets a second pass.
func (x *frozen) second() {
	x.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) { // the workers live by the real clock
		_, err := x.forge.Deliver(x.t.Context(), pretend.Order{})
		x.must(err)
		q, err := x.server.store.Stats(x.t.Context())
		x.must(err)
		due, ok, err := x.server.store.NextDue(x.t.Context())
		x.must(err)
		if q.Running == 0 && (!ok || due.After(x.clock())) && x.forge.Pending() == 0 {
			break
		}
		if time.Now().After(deadline) {
			x.t.Fatal("the work of one second does not end")
		}
	}
	x.pass(time.Second)
}

func (x *frozen) pass(d time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.now = x.now.Add(d)
}

// within lets seconds pass until something holds, and says how many.
func (x *frozen) within(seconds int, what string, holds func() bool) int {
	x.t.Helper()
	for n := range seconds {
		x.second()
		if holds() {
			return n
		}
	}
	x.t.Fatalf("it did not come to this in %d seconds: %s", seconds, what)
	return 0
}

func (x *frozen) open(repo string, i int) bool {
	return slices.ContainsFunc(x.forge.ShownOn(repo, fmt.Sprint("basket", i)), func(s pretend.Shown) bool {
		return s.Name == "sluice/gate" && strings.EqualFold(s.State, "success")
	})
}

func (x *frozen) allOpen(repo string, n int) func() bool {
	return func() bool {
		for i := n - 1; i >= 0; i-- {
			if !x.open(repo, i) {
				return false
			}
		}
		return true
	}
}

// One push to the base of a thousand open changes costs one list and one look at each, never many of them in one second; and a
// change to which something happens meanwhile does not wait for its turn.
func TestABasePushIsSpreadOverItsChanges(t *testing.T) {
	t.Parallel()
	const n = 1000
	x := newFrozen(t, 8, "acme")
	x.forge.SetLimits(pretend.Limits{Core: -1, GraphQL: -1})
	for i := 0; i < n; i += 50 {
		x.opens(shop, i, 50)
		x.second()
	}
	x.within(600, "all are judged", x.allOpen(shop, n))
	x.pass(time.Hour)
	x.forge.SetLimits(pretend.Limits{Core: 5000, GraphQL: 5000})
	x.second()

	_, err := x.forge.Push(pretend.Push{Repo: shop, Branch: "main", By: "bo", Commits: []pretend.Commit{{Message: "Main", Files: pretend.Texts(map[string]string{"main.go": "package shop\n"})}}})
	x.must(err)
	x.forge.ResetCalls()
	most, own, counts := 0, -1, map[string]int{}
	for s := range n/20 + 10 {
		if s == 3 {
			_, err := x.forge.Push(pretend.Push{Repo: shop, Branch: fmt.Sprint("basket", n-1), By: "ana", Commits: []pretend.Commit{{Message: "More", Files: pretend.Texts(map[string]string{"more.go": "package shop\n"})}}})
			x.must(err)
		}
		before := len(x.forge.Calls())
		x.second()
		calls := x.forge.Calls()
		most = max(most, len(calls)-before)
		if s >= 3 && own < 0 && x.open(shop, n-1) {
			own = s - 3
		}
	}
	points := 0
	for _, c := range x.forge.Calls() {
		if !c.Token {
			counts[c.Route]++
			points += c.Points
		}
	}
	t.Logf("%d open changes: %v, %d points; at most %d in one second; the change pushed to meanwhile was judged after %d s", n, counts, points, most, own)
	looks, others := counts["graphql query Facts"], 0
	for route, c := range counts {
		if route != "graphql query Facts" && route != "graphql query Changes" {
			others += c
		}
	}
	if looks > n+1 || looks < n-1 || counts["graphql query Changes"] > n/100 || others > 6 {
		t.Errorf("%d looks, %d lists, %d other requests; want one look at each, %d lists and at most 6 others: %v", looks, counts["graphql query Changes"], others, n/100, counts)
	}
	if most > 40 {
		t.Errorf("%d requests in one second, want them spread", most)
	}
	if own != 0 {
		t.Errorf("the change pushed to meanwhile was judged after %d seconds, want at once", own)
	}
}

// What one installation has used up delays no other, holds no worker, counts as no failure, and is made up for when the
// forge allows it again.
func TestAnInstallationOutOfQuotaDelaysNoOther(t *testing.T) {
	t.Parallel()
	x := newFrozen(t, 2, "acme", "beta")
	x.forge.SetLimits(pretend.Limits{GraphQL: 60})
	const n = 40
	x.opens("acme/shop", 0, n)
	for range 3 {
		x.second()
	}
	if x.allOpen("acme/shop", n)() {
		t.Fatalf("all of acme's were judged: its quota was not used up")
	}
	x.opens("beta/shop", 0, 3)
	x.second()
	if !x.allOpen("beta/shop", 3)() {
		t.Errorf("beta's changes wait for acme's quota")
	}
	q, err := x.server.store.Stats(t.Context())
	x.must(err)
	if q.Running > 0 || q.Dead > 0 || q.Waiting == 0 {
		t.Errorf("%d pieces of work are held, %d dead, %d wait; want none, none, and acme's", q.Running, q.Dead, q.Waiting)
	}
	refused := 0
	for _, c := range x.forge.Calls() {
		if c.Status == http.StatusForbidden || c.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused > 0 {
		t.Errorf("the forge refused %d requests: what is left was not minded", refused)
	}
	x.told()
	x.pass(time.Hour)
	x.within(200, "acme's are judged", x.allOpen("acme/shop", n))
}

// told looks at what the API tells of the quota that was used up, and of the one that was not.
func (x *frozen) told() {
	x.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/api/v1/quota", nil)
	r.Header.Set("Authorization", "Bearer "+strings.Repeat("t", 20))
	w := httptest.NewRecorder()
	x.server.handler.ServeHTTP(w, r)
	var told toldQuotas
	x.must(json.Unmarshal(w.Body.Bytes(), &told))
	of := func(owner string) *gate.Quota {
		for i, q := range told.Quotas {
			if q.Name == owner && q.Resource == "graphql" {
				return &told.Quotas[i]
			}
		}
		x.t.Fatalf("the API tells of no %s: %s", owner, w.Body)
		return nil
	}
	acme, beta := of("acme"), of("beta")
	if acme.Limit != 60 || acme.Left > 10 || acme.Turned["event"] == 0 || acme.PerMinute < 10 {
		x.t.Errorf("the API tells %+v of acme", *acme)
	}
	if beta.Left < 30 || beta.Turned["event"] > 0 {
		x.t.Errorf("the API tells %+v of beta", *beta)
	}
	w = httptest.NewRecorder()
	x.server.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{`sluice_forge_quota_limit{forge="github"`, `sluice_forge_quota_left{`, `sluice_forge_quota_used_per_minute{`, `sluice_forge_quota_turned_away_total{class="event"`} {
		if !strings.Contains(w.Body.String(), want) {
			x.t.Errorf("the metrics lack %s", want)
		}
	}
}

func TestQuotaAsksAServer(t *testing.T) {
	t.Parallel()
	short := `200 {"at":"2026-03-02T09:00:00Z","quotas":[{"forge":"github","account":99,"name":"ac\u001b[2Jme","resource":"graphql","limit":5000,"left":900,"reset":"2026-03-02T09:30:00Z","per_minute":90,"empty":"2026-03-02T09:10:00Z","turned":{"sweep":3}}]}`
	for name, c := range map[string]struct {
		args   []string
		answer string
		code   int
		says   string
	}{
		"running out":       {nil, short, exitShut, "900   5000   30m0s           90.0      runs out in 10m0s  3 sweeps"},
		"as JSON":           {[]string{"--json"}, short, exitShut, `"left": 900`},
		"enough":            {nil, strings.ReplaceAll(short, `"empty":"2026-03-02T09:10:00Z",`, ""), exitOpen, "lasts"},
		"nothing asked yet": {nil, `200 {"at":"2026-03-02T09:00:00Z","quotas":[]}`, exitOpen, "No forge was asked"},
		"an older server":   {nil, `404 {"detail":"There is no such path."}`, exitFailed, "There is no such path."},
		"too many words":    {[]string{"acme"}, short, exitFailed, "it takes no arguments"},
	} {
		code, out, errs := remotely(t, &answering{answers: []string{c.answer}}, nil, append([]string{"quota"}, c.args...)...)
		if code != c.code || !strings.Contains(out+errs, c.says) || strings.Contains(out, "\x1b") && len(c.args) == 0 {
			t.Errorf("%s: %d\n%s%s\nwant %d and %q", name, code, out, errs, c.code, c.says)
		}
	}
}

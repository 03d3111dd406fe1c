package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// everything is a Sight that refuses nothing: it takes no time, so that what is measured is ours.
type everything struct{}

func (everything) Repos(_ context.Context, _ dashboard.Person, repos []gate.Repo) ([]gate.Repo, error) {
	return repos, nil
}

func (everything) Role(context.Context, dashboard.Person, gate.Repo) (string, error) {
	return "write", nil
}

// large is a board over a database with much in it.
func large(tb testing.TB, repos, each int) (http.Handler, *atomic.Int64) {
	tb.Helper()
	var asked atomic.Int64
	st, err := store.Open(tb.Context(), store.Options{URL: "sqlite:" + filepath.Join(tb.TempDir(), "large.db"), Asked: func(string) { asked.Add(1) }})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { st.Close() })
	begin := time.Now()
	if err := seed(tb.Context(), st, repos, each); err != nil {
		tb.Fatal(err)
	}
	tb.Logf("%d repositories with %d decisions each in %v", repos, each, time.Since(begin).Round(time.Millisecond))
	b, err := dashboard.New(decisions{st}, true, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	b.Open(&dashboard.Pages{Library: library{st}, Sight: everything{}, Now: st.Now, Queue: workList{st}, Reports: &reports{Store: st}, Rejudge: st, Tables: timetables{st, &gate.Reconciler{Book: st}}})
	who := &onlooker{dashboard.Person{Forge: "github", ID: "8", Login: "bo", Admin: true}}
	return who.wrap(b.Handler()), &asked
}

// seededPages are those that are measured.
func seededPages() []string {
	repo := seedRepo(5)
	return []string{"/", "/?q=service-49", "/?only=waiting", "/?only=outside", "/?only=locked", "/?after=team-20%2Fservice-0020+github", "/repos/github/" + repo, "/changes/github/1/" + repo,
		"/environments/github/production/" + repo, fmt.Sprintf("/promotions/%08x%08x%016x", 5, 0, 4), "/ask/lock/github/production/" + repo, "/audit", "/audit?repo=" + repo, "/audit?kind=deployment",
		"/overrides", "/calendar", "/calendar/github/" + repo, "/metrics/deployments", "/metrics/deployments?repo=" + repo, "/inbox", "/policy/github/" + repo}
}

func TestPagesStaySmallAndAskLittleOfALargeDatabase(t *testing.T) {
	repos, each := 400, 40
	if testing.Short() {
		repos = 100
	}
	h, asked := large(t, repos, each)
	for _, path := range seededPages() {
		before := asked.Load()
		begin := time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		queries := asked.Load() - before
		t.Logf("%-70s %d, %6d bytes, %2d queries, %v", path, w.Code, w.Body.Len(), queries, time.Since(begin).Round(10*time.Microsecond))
		if w.Code != http.StatusOK || queries >= 20 || w.Body.Len() > 100_000 || strings.Contains(w.Body.String(), "&lt;nil&gt;") {
			t.Errorf("GET %s = %d with %d bytes and %d queries, want 200, at most 100 KB and under 20\n%.600s", path, w.Code, w.Body.Len(), queries, w.Body)
		}
	}
}

// The numbers of the issue: 5,000 repositories, 200,000 decisions.
func BenchmarkPages(b *testing.B) {
	h, _ := large(b, 5000, 40)
	for _, path := range seededPages() {
		b.Run(strings.ReplaceAll(path, "/", "_"), func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil)); w.Code != http.StatusOK {
					b.Fatalf("GET %s = %d", path, w.Code)
				}
			}
		})
	}
}

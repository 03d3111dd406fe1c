package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// mayAll is a Sight that refuses nothing, and lets everything be asked for: it takes no time, so that what is measured is ours.
type mayAll struct{ everything }

func (mayAll) Role(context.Context, dashboard.Person, gate.Repo) (string, error) {
	return "write", nil
}

// large is a board over a database with much in it.
func large(tb testing.TB, url string, s seeding) (http.Handler, *atomic.Int64) {
	tb.Helper()
	var asked atomic.Int64
	st, err := store.Open(tb.Context(), store.Options{URL: url, Asked: func(string) { asked.Add(1) }})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { st.Close() })
	begin := time.Now()
	if err := s.fill(tb.Context(), st, io.Discard); err != nil {
		tb.Fatal(err)
	}
	tb.Logf("%d repositories with %d decisions in %v", s.repos, s.decisions, time.Since(begin).Round(time.Millisecond))
	h, err := seededPages(st, mayAll{})
	if err != nil {
		tb.Fatal(err)
	}
	return h, &asked
}

// measuredPages are those that are measured: of an ordinary repository, and of one with twenty times as much in it.
func measuredPages() (list []string) {
	list = []string{"/", "/?q=api", "/?only=waiting", "/?only=outside", "/?only=locked", "/?only=changes", "/?after=orders%2Forders-api+github", "/audit", "/audit?kind=deployment", "/audit?who=ana", "/overrides", "/overrides?by=repo&days=365",
		"/calendar", "/metrics/deployments", "/metrics/deployments?team=checkout", "/metrics/deployments?team=checkout&days=365", "/inbox"}
	for _, i := range []int{5, 0} {
		m := &maker{i: i, repo: seedRepo(i)}
		list = append(list, "/repos/github/"+m.repo, "/changes/github/1/"+m.repo, "/environments/github/production/"+m.repo, "/promotions/"+m.id(0, 4), "/decisions/"+m.id(ofChange, decisionsOfChange), "/ask/lock/github/production/"+m.repo,
			"/audit?repo="+m.repo, "/calendar/github/"+m.repo, "/metrics/deployments?repo="+m.repo, "/metrics/deployments?days=365&repo="+m.repo, "/policy/github/"+m.repo)
	}
	return list
}

func TestPagesStaySmallAndAskLittleOfALargeDatabase(t *testing.T) {
	s := seeding{repos: 400, decisions: 16000, seed: 1}
	if testing.Short() {
		s = seeding{repos: 100, decisions: 4000, seed: 1}
	}
	h, asked := large(t, "sqlite:"+filepath.Join(t.TempDir(), "large.db"), s)
	for _, path := range measuredPages() {
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

// The numbers of a large place: 5,000 repositories, 200,000 decisions. Whoever measures often fills a database once, by `sluice demo
// seed`, and names it in SLUICE_TEST_SEEDED. What counts is the processor's time: other programs do not change it much.
func BenchmarkPages(b *testing.B) {
	url, s := os.Getenv("SLUICE_TEST_SEEDED"), seeding{}
	if url == "" {
		url, s = "sqlite:"+filepath.Join(b.TempDir(), "large.db"), seeding{repos: 5000, decisions: 200000, seed: 1}
	}
	h, asked := large(b, url, s)
	for _, path := range measuredPages() {
		b.Run(strings.ReplaceAll(path, "/", "_"), func(b *testing.B) {
			var size int
			queries, before := asked.Load(), cpuOf()
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil)); w.Code != http.StatusOK {
					b.Fatalf("GET %s = %d", path, w.Code)
				}
				size = w.Body.Len()
			}
			b.ReportMetric(float64(cpuOf()-before)/1e6/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(asked.Load()-queries)/float64(b.N), "queries/op")
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/store/storetest"
)

// far is the way to a forge that is so far away.
type far struct {
	forge http.Handler
	away  time.Duration
}

func (f far) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(f.away) // the way there and back
	w := httptest.NewRecorder()
	f.forge.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// stand is a forge with servers on one database.
type stand struct {
	forge   *pretend.Forge
	servers []*server
	decided func() // told of every judgement
	next    atomic.Int64
	burst   bool // deliveries do not wait for each other
}

func newStand(b *testing.B, database string, replicas, workers int, away time.Duration) *stand {
	b.Helper()
	s := &stand{forge: pretend.New(pretend.Options{Secret: demoSecret}), decided: func() {}}
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	const at = "http://127.0.0.1:1"
	s.forge.Served(at)
	s.forge.Org("acme", "ana")
	must(s.forge.Repo(shop, true, pretend.Texts(map[string]string{".sluice.yml": benchPolicy, "shop.go": "package shop\n"})))
	must(s.forge.Grant(shop, "ana", "write"))
	s.forge.Install("acme")
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(s.forge.Key())})
	settings, err := readSettings(b.Context(), []string{"SLUICE_PUBLIC_URL=https://sluice.example", "SLUICE_DATABASE=" + database,
		"SLUICE_GITHUB_URL=" + at, fmt.Sprint("SLUICE_GITHUB_APP_ID=", s.forge.AppID()), "SLUICE_GITHUB_PRIVATE_KEY=" + string(key), "SLUICE_GITHUB_WEBHOOK_SECRET=" + demoSecret})
	must(err)
	ctx, stop := context.WithCancel(context.Background())
	var under sync.WaitGroup
	for range replicas {
		v, err := assemble(b.Context(), settings, outside{transport: far{s.forge.Handler(), away}}, slog.New(slog.DiscardHandler))
		must(err)
		v.runner.Workers = workers
		v.runner.Reconciler.Observe.Worked = func(kind gate.MarkKind, _ string) {
			if kind == gate.MarkChange {
				s.decided()
			}
		}
		s.servers = append(s.servers, v)
		under.Go(func() { _ = v.runner.Run(ctx) }) // it returns nothing else
	}
	b.Cleanup(func() {
		stop()
		under.Wait()
		for _, v := range s.servers {
			_ = v.store.Close()
		}
	})
	s.forge.Hooks(pretend.Target{URL: "http://localhost/webhook/github", To: func(_ context.Context, r *http.Request) (int, error) {
		w, to := httptest.NewRecorder(), s.servers[int(s.next.Add(1))%len(s.servers)].handler
		if s.burst {
			go to.ServeHTTP(w, r)
			return http.StatusAccepted, nil
		}
		to.ServeHTTP(w, r)
		return w.Code, nil
	}})
	return s
}

const benchPolicy = `version: 1
tagging: {mode: "off"}
changelog: {mode: "off"}
config-separation: {mode: "off"}
approval: {mode: "off"}
checks: [{name: good, rule: 'change.title.startsWith("Good")', message: "Say that it is good."}]
`

// open opens changes.
func (s *stand) open(b *testing.B, n int) {
	b.Helper()
	for i := range n {
		if _, err := s.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "Good", Branch: fmt.Sprint("b", i),
			Commits: []pretend.Commit{{Message: "a", Files: pretend.Texts(map[string]string{fmt.Sprintf("f%d.go", i): "package shop\n"})}}}); err != nil {
			b.Fatal(err)
		}
	}
}

// round has every change judged once more, and waits for it.
func (s *stand) round(b *testing.B, n int, title string) time.Duration {
	b.Helper()
	for i := range n {
		if err := s.forge.Edit(shop, i+1, "ana", pretend.Edit{Title: &title}); err != nil {
			b.Fatal(err)
		}
	}
	return s.await(b, n)
}

func (s *stand) await(b *testing.B, n int) time.Duration {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	done := make(chan struct{})
	s.decided = func() {
		if left.Add(-1) == 0 {
			close(done)
		}
	}
	began := time.Now()
	if _, err := s.forge.Deliver(b.Context(), pretend.Order{}); err != nil {
		b.Fatal(err)
	}
	<-done
	return time.Since(began)
}

// Two replicas on one PostgreSQL against one, where the forge is 50 ms away: judgements a second. Each replica has as few
// workers as keep this machine's cores from being the bound, for it carries the forge and the database as well.
func BenchmarkReplicas(b *testing.B) {
	fresh := storetest.Postgres(b)
	for _, replicas := range []int{1, 2} {
		b.Run(fmt.Sprint(replicas), func(b *testing.B) {
			const changes = 64
			s := newStand(b, fresh(b), replicas, 4, 50*time.Millisecond)
			s.open(b, changes)
			s.await(b, changes)
			s.burst = true
			var took time.Duration
			b.ResetTimer()
			for i := range b.N {
				took += s.round(b, changes, fmt.Sprint("Good ", i))
			}
			b.ReportMetric(float64(changes*b.N)/took.Seconds(), "judged/s")
		})
	}
}

// From a delivery that was stored to the end of its judgement, the forge being next door.
func BenchmarkWakeUp(b *testing.B) {
	for _, database := range []string{"sqlite", "postgres"} {
		b.Run(database, func(b *testing.B) {
			where := "sqlite:" + filepath.Join(b.TempDir(), "sluice.db")
			if strings.HasPrefix(database, "postgres") {
				where = storetest.Postgres(b)(b)
			}
			s := newStand(b, where, 1, workers, 0)
			s.open(b, 1)
			s.await(b, 1)
			var all []time.Duration
			b.ResetTimer()
			for i := range b.N {
				title, done := fmt.Sprint("Good ", i), make(chan time.Time, 1)
				s.decided = func() {
					select {
					case done <- time.Now():
					default: // it was looked at twice
					}
				}
				if err := s.forge.Edit(shop, 1, "ana", pretend.Edit{Title: &title}); err != nil {
					b.Fatal(err)
				}
				if _, err := s.forge.Deliver(b.Context(), pretend.Order{}); err != nil {
					b.Fatal(err)
				}
				stored := time.Now()
				all = append(all, max(0, (<-done).Sub(stored)))
			}
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

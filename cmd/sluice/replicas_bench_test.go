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
	asked *atomic.Int64 // when the first call went out since this was 0, unix ns; nil: nobody wants to know
}

func (f far) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.asked != nil {
		f.asked.CompareAndSwap(0, time.Now().UnixNano())
	}
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
	asked   atomic.Int64 // see far
	burst   bool         // deliveries do not wait for each other
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
	s.forge.SetLimits(pretend.Limits{Core: -1, GraphQL: -1}) // figures are not about quotas
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
		v, err := assemble(b.Context(), settings, outside{transport: far{s.forge.Handler(), away, &s.asked}}, slog.New(slog.DiscardHandler))
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

// Two replicas on one PostgreSQL against one, where the forge is 50 ms away: judgements a second, in turns, the best of five
// rounds each. A replica has two workers here, for this machine's cores carry the forge and the database as well and must not
// be the bound.
func BenchmarkReplicas(b *testing.B) {
	fresh := storetest.Postgres(b)
	for b.Loop() {
		const changes = 48
		var stands [2]*stand
		var best [2]float64
		for i := range stands {
			s := newStand(b, fresh(b), i+1, 2, 50*time.Millisecond)
			s.open(b, changes)
			s.await(b, changes)
			s.burst = true
			stands[i] = s
		}
		for round := range 5 {
			for i, s := range stands {
				best[i] = max(best[i], changes/s.round(b, changes, fmt.Sprint("Good ", round)).Seconds())
			}
		}
		b.Logf("forge 50 ms away: one replica judges %.1f/s, two %.1f/s: %.2f times (goal: at least 1.8)", best[0], best[1], best[1]/best[0])
		b.ReportMetric(best[1]/best[0], "times-two")
	}
}

// From a delivery that was stored to the first call to the forge, and to the end of its judgement, the forge being next door.
func BenchmarkWakeUp(b *testing.B) {
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		b.Run(database, func(b *testing.B) {
			where := "sqlite:" + filepath.Join(b.TempDir(), "sluice.db")
			if database == "PostgreSQL" {
				where = storetest.Postgres(b)(b)
			}
			s := newStand(b, where, 1, workers, 0)
			s.open(b, 1)
			s.await(b, 1)
			for b.Loop() {
				s.wake(b, 20, "Warm ") // every connection prepares its statements once
				asked, done := s.wake(b, 100, "Good ")
				ms := func(all []time.Duration, part int) float64 {
					return float64(all[len(all)*part/100].Microseconds()) / 1000
				}
				b.Logf("%s: from stored to asking the forge p50 %.1f ms, p99 %.1f ms (goal: p50 at most 10 ms); to judged, shown and kept p50 %.1f ms, p99 %.1f ms, most of which is the forge on the same cores",
					database, ms(asked, 50), ms(asked, 99), ms(done, 50), ms(done, 99))
				b.ReportMetric(ms(asked, 50), "p50-ms")
				b.ReportMetric(ms(done, 50), "p50-ms-to-judged")
			}
		})
	}
}

// wake has one thing after another happen to the change, and returns what passed until the forge was asked, and until all was
// done, sorted.
func (s *stand) wake(b *testing.B, times int, title string) (asked, done []time.Duration) {
	b.Helper()
	for i := range times {
		name, over := fmt.Sprint(title, i), make(chan time.Time, 1)
		s.decided = func() {
			select {
			case over <- time.Now():
			default: // it was looked at twice
			}
		}
		if err := s.forge.Edit(shop, 1, "ana", pretend.Edit{Title: &name}); err != nil {
			b.Fatal(err)
		}
		s.asked.Store(0)
		if _, err := s.forge.Deliver(b.Context(), pretend.Order{}); err != nil {
			b.Fatal(err)
		}
		stored := time.Now()
		ended := <-over
		asked = append(asked, max(0, time.Unix(0, s.asked.Load()).Sub(stored)))
		done = append(done, max(0, ended.Sub(stored)))
	}
	slices.Sort(asked)
	slices.Sort(done)
	return asked, done
}

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/store/storetest"
)

// The figures that docs/scaling.md is made of, each printed with its goal beside it.

// BenchmarkAcknowledged sends 1,000 deliveries a second for three seconds to a server that is a process of its own and judges
// meanwhile, and says when they were answered. The forge that it asks is in this process, on the same cores.
func BenchmarkAcknowledged(b *testing.B) {
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		b.Run(database, func(b *testing.B) {
			for b.Loop() {
				goal := 25
				k := newMortal(b, benchPolicy)
				k.forge.SetLimits(pretend.Limits{Core: -1, GraphQL: -1})
				if where := k.database; database == "PostgreSQL" {
					goal = 50
					k.stored(storetest.Postgres(b)(b), "SLUICE_LOG_LEVEL=warn")
				} else {
					k.stored(where, "SLUICE_LOG_LEVEL=warn")
				}
				k.start(0)
				const changes = 100
				title := "Good"
				k.baskets(0, changes)
				for n := range changes {
					k.must(k.forge.Edit(shop, n+1, "ana", pretend.Edit{Title: &title}))
				}
				k.until("all are judged", k.judged(0, changes))
				all, size, refused := k.storm(b, changes, 3000)
				reads, writes := k.forge.Traffic()
				k.kill()
				ms := func(part int) float64 { return float64(all[len(all)*part/1000].Microseconds()) / 1000 }
				b.Logf("%s: %d deliveries of %d bytes at 1,000/s, %d reads and %d writes at the forge meanwhile: answered within p50 %.1f ms, p99 %.1f ms (goal: p99 at most %d ms); %d refused",
					database, len(all), size, reads, writes, ms(500), ms(990), goal, refused)
				b.ReportMetric(ms(500), "p50-ms")
				b.ReportMetric(ms(990), "p99-ms")
			}
		})
	}
}

// storm has so many deliveries sent, a thousand a second, and returns how long each waited for its answer, sorted, and how many
// were to come again later: more than this machine can take.
func (k *mortal) storm(b *testing.B, changes, deliveries int) (all []time.Duration, size, refused int) {
	b.Helper()
	_, _ = k.forge.Deliver(b.Context(), pretend.Order{}) // what came of the beginning
	for n := range changes {
		title := fmt.Sprint("Good and ", n)
		k.must(k.forge.Edit(shop, n+1, "ana", pretend.Edit{Title: &title}))
	}
	k.forge.ResetCalls()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	var under sync.WaitGroup
	var mu sync.Mutex
	var sent atomic.Int64
	began := time.Now()
	k.forge.Hooks(pretend.Target{URL: k.url + "/webhook/github", To: func(_ context.Context, req *http.Request) (int, error) {
		time.Sleep(time.Until(began.Add(time.Duration(sent.Add(1)) * time.Millisecond)))
		under.Go(func() {
			asked := time.Now()
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body) // or the connection would not be used again
			resp.Body.Close()
			took := time.Since(asked)
			mu.Lock()
			defer mu.Unlock()
			all, size = append(all, took), size+int(req.ContentLength)
			switch resp.StatusCode {
			case http.StatusAccepted:
			case http.StatusServiceUnavailable:
				refused++
			default:
				b.Errorf("a delivery was answered %s", resp.Status)
			}
		})
		return http.StatusAccepted, nil
	}})
	_, _ = k.forge.Deliver(b.Context(), pretend.Order{Copies: deliveries/changes - 1, Anew: true})
	under.Wait()
	slices.Sort(all)
	return all, size / len(all), refused
}

// BenchmarkWorkers has 96 changes judged again with more and more workers, the forge being 20 ms away, on SQLite.
func BenchmarkWorkers(b *testing.B) {
	for b.Loop() {
		one := 0.0
		for _, n := range []int{1, 4, 16, workers} {
			const changes = 96
			s := newStand(b, "sqlite:"+filepath.Join(b.TempDir(), "sluice.db"), 1, n, 20*time.Millisecond)
			s.open(b, changes)
			s.await(b, changes)
			s.burst = true
			before := cpuOf()
			took := s.round(b, changes, "Good and more")
			rate := changes / took.Seconds()
			if n == 1 {
				one = rate
			}
			b.Logf("%2d workers, forge 20 ms away: %.0f judged/s, %.1f times one worker; the process, the forge in it, used %.2f of a core (goal: grows until a core is full)",
				n, rate, rate/one, (cpuOf()-before).Seconds()/took.Seconds())
			b.ReportMetric(rate, fmt.Sprintf("judged/s-%d", n))
		}
	}
}

// cpuOf is what this process has used so far.
func cpuOf() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// seeded has one change judged in a database, which nobody serves then. at is what the driver with that name opens.
func seeded(b *testing.B, database string) (k *mortal, driver, at string) {
	b.Helper()
	k = newMortal(b, benchPolicy)
	driver, at = "sqlite3", strings.TrimPrefix(k.database, "sqlite:")
	if database == "PostgreSQL" {
		driver, at = "pgx", storetest.Postgres(b)(b)
		k.database = at
	}
	k.stored(k.database, "SLUICE_LOG_LEVEL=warn", "SLUICE_SWEEP=24h")
	k.start(0)
	k.baskets(0, 1)
	k.until("it is judged", func() bool { return len(k.forge.ShownOn(shop, "basket0")) > 0 && k.idle() })
	k.kill()
	return k, driver, at
}

// BenchmarkStanding starts a server on 100,000 open changes and 1,000,000 decisions, and says how long that takes and how much
// memory is resident once it serves, and at most while the first sweep goes through all of them.
func BenchmarkStanding(b *testing.B) {
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		b.Run(database, func(b *testing.B) {
			for b.Loop() {
				k, driver, at := seeded(b, database)
				storetest.Many(b, driver, at, 100_000, 10)
				env := slices.DeleteFunc(slices.Clone(k.env), func(e string) bool { return strings.HasPrefix(e, "SLUICE_LOG_LEVEL=") }) // the log says when it is ready
				binary := built(b)
				cmd, _ := begun(b, binary, "", env...) // what is read from the disk for the first time is not what is measured
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				began := time.Now()
				cmd, _ = begun(b, binary, "", env...)
				took := time.Since(began)
				resident := residentMB(cmd.Process.Pid)
				for began = time.Now(); time.Since(began) < 20*time.Second; time.Sleep(100 * time.Millisecond) {
				}
				_, most := used(b, cmd.Process.Pid)
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				b.Logf("%s, 100,000 open changes and 1,000,000 decisions: ready after %v (goal: at most 1 s), %.0f MB resident then, and at most %.0f MB in the 20 s after, a sweep included (goal: at most 150 MB)",
					database, took.Round(time.Millisecond), resident, most)
				b.ReportMetric(took.Seconds(), "s-to-ready")
				b.ReportMetric(resident, "MB-resident")
				b.ReportMetric(most, "MB-at-most")
			}
		})
	}
}

// BenchmarkIdle says what a server uses that has nothing to do but to wait, with 10,000 promotions, for tomorrow.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		k, driver, at := seeded(b, "SQLite")
		storetest.Waiting(b, driver, at, 10_000, time.Now().Add(24*time.Hour).UnixMilli())
		k.start(0)
		k.until("what is done at the start is done", k.idle)
		before, _ := used(b, k.child.Process.Pid)
		began := time.Now()
		for time.Since(began) < 20*time.Second { // idling is what is measured
			time.Sleep(100 * time.Millisecond)
		}
		after, _ := used(b, k.child.Process.Pid)
		share := (after - before).Seconds() / time.Since(began).Seconds() * 100
		k.kill()
		b.Logf("idle with 10,000 promotions that wait: %.2f %% of a core (goal: at most 0.5 %%)", share)
		b.ReportMetric(share, "%-of-a-core")
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/store"
)

// The figures of `make bench`: counts, and times beside them, of the whole way from a signed webhook to what the forge
// shows, through real HTTP on loopback, a real database and the real client.

// staged serves a pretend forge and a server until the test ends. latency is added to each call to the forge.
func staged(tb testing.TB, latency time.Duration) *stage {
	tb.Helper()
	return stagedIn(tb, latency, outside{})
}

func stagedIn(tb testing.TB, latency time.Duration, o outside) *stage {
	tb.Helper()
	d := &stage{out: tb.Output(), forge: pretend.New(pretend.Options{Secret: demoSecret})}
	d.forge.SetLimits(pretend.Limits{Core: -1, GraphQL: -1}) // figures are not about quotas
	handler := d.forge.Handler()
	forge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(latency) // the network between us and the forge; 0 but for the figures that are about it
		handler.ServeHTTP(w, r)
	}))
	tb.Cleanup(forge.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	d.url = "http://" + l.Addr().String()
	d.forge.Hooks(pretend.Target{URL: d.url + "/webhook/github"})
	s := d.settings(tb.TempDir(), forge.URL)
	if d.server, err = assemble(tb.Context(), s, o, slog.New(slog.DiscardHandler)); err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.server.run(ctx, l) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Errorf("the server ended with %v", err)
		}
		if err := d.server.store.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := d.shop(); err != nil {
		tb.Fatal(err)
	}
	return d
}

// apart serves a pretend forge here and the built binary as a process of its own, so that what the process uses can be
// told from what the forge uses. It returns the process's id. around, when not nil, stands between the server and the
// forge with its latency.
func apart(tb testing.TB, latency time.Duration, around func(http.Handler) http.Handler) (*stage, int) {
	tb.Helper()
	path, err := binary()
	if err != nil {
		tb.Fatal(err)
	}
	d := &stage{out: tb.Output(), forge: pretend.New(pretend.Options{Secret: demoSecret})}
	d.forge.SetLimits(pretend.Limits{Core: -1, GraphQL: -1}) // figures are not about quotas
	inner := d.forge.Handler()
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(latency)
		inner.ServeHTTP(w, r)
	})
	if around != nil {
		handler = around(handler)
	}
	forge := httptest.NewServer(handler)
	tb.Cleanup(forge.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		tb.Fatal(err)
	}
	d.url = "http://" + addr
	d.forge.Hooks(pretend.Target{URL: d.url + "/webhook/github"})
	s := d.settings(tb.TempDir(), forge.URL)
	serve := exec.Command(path, "serve")
	serve.Env = []string{"SLUICE_ADDR=" + addr, "SLUICE_PUBLIC_URL=" + d.url, "SLUICE_DATABASE=" + s.Database, "SLUICE_GITHUB_URL=" + forge.URL,
		"SLUICE_GITHUB_APP_ID=" + strconv.FormatInt(s.GitHub.AppID, 10), "SLUICE_GITHUB_PRIVATE_KEY=" + s.GitHub.PrivateKey,
		"SLUICE_GITHUB_WEBHOOK_SECRET=" + demoSecret, "SLUICE_LOG_LEVEL=warn"}
	if err := serve.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = serve.Process.Signal(syscall.SIGTERM); _ = serve.Wait() })
	for {
		if r, err := http.Get(d.url + "/readyz"); err == nil {
			r.Body.Close()
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	beside, err := store.Open(tb.Context(), store.Options{URL: s.Database, Beside: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = beside.Close() })
	d.server = &server{store: beside}
	if err := d.shop(); err != nil {
		tb.Fatal(err)
	}
	return d, serve.Process.Pid
}

// used is what a process has used so far: CPU, and the most memory that was resident.
func used(tb testing.TB, pid int) (cpu time.Duration, resident float64) {
	tb.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		tb.Skip("this machine does not tell what a process uses")
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, i := range []int{11, 12} { // user and system time, in hundredths of a second
		n, _ := strconv.Atoi(fields[i])
		cpu += time.Duration(n) * 10 * time.Millisecond
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Fatal(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			resident = n / 1024
		}
	}
	return cpu, resident
}

// ordinary opens a change of so many files and commits, with five reviews that are comments, and an entry.
func (d *stage) ordinary(tb testing.TB, branch string, files, commits int) int {
	tb.Helper()
	var list []pretend.Commit
	for i := range commits {
		texts := map[string]string{}
		for j := i; j < files; j += commits {
			texts[fmt.Sprintf("%s/part%04d.go", branch, j)] = fmt.Sprintf("package shop\n\n// Part %d of it.\nconst part%d = %d\n", j, j, j)
		}
		if i == 0 {
			texts["CHANGELOG.md"] = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Gift cards " + branch + ".\n\n## [1.2.0] - 2026-01-15\n\n### Added\n\n- A basket.\n"
		}
		list = append(list, pretend.Commit{Message: fmt.Sprintf("feat: part %d", i), Files: pretend.Texts(texts)})
	}
	n, err := d.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "feat: gift cards", Branch: branch, Commits: list})
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func (d *stage) work(tb testing.TB) {
	tb.Helper()
	if err := d.settled(tb.Context(), ""); err != nil {
		tb.Fatal(err)
	}
}

// calls says how many reads and writes, and points, an act and what follows from it cost.
func (d *stage) calls(tb testing.TB, act func() error) (reads, writes, points int) {
	tb.Helper()
	d.forge.ResetCalls()
	if err := act(); err != nil {
		tb.Fatal(err)
	}
	d.work(tb)
	for _, c := range d.forge.Calls() {
		points += c.Points
	}
	reads, writes = d.forge.Traffic()
	return reads, writes, points
}

// event is something that happens to a change, and what it may cost.
type event struct {
	name          string
	act           func(d *stage, n int) error
	reads, writes int
}

func events() []event {
	review := func(by, state string) func(*stage, int) error {
		return func(d *stage, n int) error { _, err := d.forge.Review(shop, n, by, state, ""); return err }
	}
	return []event{
		{"pushed", func(d *stage, n int) error {
			_, err := d.forge.Push(pretend.Push{Repo: shop, Branch: "ordinary", By: "ana", Commits: []pretend.Commit{{Message: "fix: it",
				Files: pretend.Texts(map[string]string{"ordinary/part0001.go": "package shop\n\n// Changed.\nconst part1 = 2\n"})}}})
			return err
		}, 1, 1},
		{"approved", review("bo", "approved"), 1, 1},
		{"nothing changed", func(d *stage, n int) error { return d.forge.SetDraft(shop, n, "ana", true) }, 1, 0},
		{"commented in a review", review("bo", "commented"), 0, 0},
		{"label no rule reads", func(d *stage, n int) error { return d.forge.Label(shop, n, "bo", "wip") }, 0, 0},
		{"duplicate delivery", func(d *stage, n int) error {
			all := d.forge.Deliveries()
			_, err := d.forge.Redeliver(context.Background(), all[len(all)-1].ID)
			return err
		}, 0, 0},
	}
}

// What one event costs in calls is a promise, so it is a test and not only a figure. The first change warms up what
// is kept per repository: the tags and paths of the target branch.
func TestCallsPerEvent(t *testing.T) {
	t.Parallel()
	for _, size := range []struct{ files, commits int }{{30, 10}, {99, 99}} {
		d := staged(t, 0)
		d.ordinary(t, "warm", 3, 1)
		d.work(t)
		n := 0
		reads, writes, points := d.calls(t, func() error { n = d.ordinary(t, "ordinary", size.files, size.commits); return nil })
		t.Logf("%d files, %d commits: %-22s %d reads (%d points), %d writes  %v", size.files, size.commits, "opened", reads, points, writes, d.forge.Counts())
		if reads > 1 || writes > 1 {
			t.Errorf("opened: %d reads and %d writes, want one each: %v", reads, writes, d.forge.Counts())
		}
		for range 5 {
			if _, err := d.forge.Review(shop, n, "cy", "commented", ""); err != nil {
				t.Fatal(err)
			}
		}
		d.work(t)
		for _, e := range events() {
			reads, writes, points := d.calls(t, func() error { return e.act(d, n) })
			t.Logf("%d files, %d commits: %-22s %d reads (%d points), %d writes", size.files, size.commits, e.name, reads, points, writes)
			if reads > e.reads || writes > e.writes {
				t.Errorf("%s: %d reads and %d writes, want at most %d and %d: %v", e.name, reads, writes, e.reads, e.writes, d.forge.Counts())
			}
		}
	}
}

// GitHub's limit: 3,000 files in 250 commits.
func TestCallsOfTheLargestChange(t *testing.T) {
	t.Parallel()
	d := staged(t, 0)
	d.ordinary(t, "warm", 3, 1)
	d.work(t)
	n := 0
	reads, writes, _ := d.calls(t, func() error { n = d.ordinary(t, "largest", 2999, 250); return nil })
	t.Logf("3,000 files in 250 commits: %d reads, %d writes  %v", reads, writes, d.forge.Counts())
	if reads+writes > 8 {
		t.Errorf("%d calls, want at most 8: %v", reads+writes, d.forge.Counts())
	}
	d.shows(t, n, "sluice/changelog", "success")
	d.shows(t, n, "sluice/config-separation", "success")
	d.shows(t, n, "sluice/gate", "in_progress")
}

func (d *stage) shows(tb testing.TB, n int, name, state string) {
	tb.Helper()
	for _, s := range d.forge.Shown(shop, n) {
		if s.Name == name {
			if !strings.EqualFold(s.State, state) {
				tb.Errorf("change %d shows %s %s (%s), want %s", n, s.Name, s.State, s.Title, state)
			}
			return
		}
	}
	tb.Errorf("change %d shows no %s", n, name)
}

// watch notes when calls came to the forge and when they were answered.
type watch struct {
	mu     sync.Mutex
	calls  []held
	posted chan time.Time // when a write was answered
}

// held is how long the forge had one call.
type held struct {
	from, to time.Time
	write    bool
}

func (w *watch) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		h := held{from: time.Now()}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.write = bytes.Contains(body, []byte(`"operationName":"Post"`))
		next.ServeHTTP(out, r)
		h.to = time.Now()
		w.mu.Lock()
		w.calls = append(w.calls, h)
		w.mu.Unlock()
		if h.write {
			w.posted <- h.to
		}
	})
}

// ours is what passed from a moment to the arrival of the first write while the forge had no call of ours, and how
// many round trips there were, the write's included. It forgets the calls.
func (w *watch) ours(since time.Time) (ours time.Duration, trips int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortFunc(w.calls, func(a, b held) int { return a.from.Compare(b.from) })
	at := since
	for _, h := range w.calls {
		if h.from.After(at) {
			ours += h.from.Sub(at)
			trips++
		}
		if h.write {
			break
		}
		if h.to.After(at) {
			at = h.to
		}
	}
	w.calls = nil
	return ours, trips
}

// BenchmarkOpenedToPosted is 30 openings at 50 ms a call, from sending the delivery to the forge's having taken the
// checks: two round trips and what we add. What the forge takes to answer, beside the 50 ms, is its own.
func BenchmarkOpenedToPosted(b *testing.B) {
	for b.Loop() {
		w := &watch{posted: make(chan time.Time, 1000)}
		d, _ := apart(b, 50*time.Millisecond, w.around)
		for i := range 200 { // enough for finding out that this forge does not count check runs as content
			d.ordinary(b, fmt.Sprintf("warm%d", i), 3, 1)
		}
		d.work(b)
		var ours, all []time.Duration
		most := 0
		for i := range 30 {
			d.ordinary(b, fmt.Sprintf("change%d", i), 30, 10)
			w.ours(time.Now())
			for len(w.posted) > 0 {
				<-w.posted
			}
			var sent time.Time
			noted := func(x *pretend.Delivery) bool {
				if x.Action == "opened" {
					sent = time.Now()
				}
				return false
			}
			if _, err := d.forge.Deliver(b.Context(), pretend.Order{Drop: noted}); err != nil {
				b.Fatal(err)
			}
			all = append(all, (<-w.posted).Sub(sent))
			added, trips := w.ours(sent)
			ours, most = append(ours, added), max(most, trips)
			d.work(b)
		}
		slices.Sort(ours)
		slices.Sort(all)
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		b.ReportMetric(ms(ours[0]), "ours-ms-min")
		b.ReportMetric(ms(ours[15]), "ours-ms-median")
		b.ReportMetric(ms(ours[29]), "ours-ms-max")
		b.ReportMetric(ms(all[15]), "all-ms-median")
		b.ReportMetric(float64(most), "round-trips-at-most")
	}
}

// BenchmarkBurst is 2,000 events on 400 changes at 400 a second, with 20 ms a call. What the server posts comes back to
// it as deliveries too, which is told apart: events are what happened to changes, deliveries all that was received. CPU is
// that of the server's own process, the posts and their echoes included; cpu-ms/event has it over the 2,000 events,
// whether or not several of them were looked at together.
func BenchmarkBurst(b *testing.B) {
	for b.Loop() {
		d, pid := apart(b, 20*time.Millisecond, nil)
		var numbers []int
		for i := range 400 {
			numbers = append(numbers, d.ordinary(b, fmt.Sprintf("change%d", i), 2, 1))
		}
		d.work(b)
		d.forge.ResetCalls()
		had := len(d.forge.Deliveries())
		before, _ := used(b, pid)
		start := time.Now()
		answered := d.atOnce(b, 64)
		for i := range 2000 {
			d.burstEvent(b, numbers[i%400], i/400)
			if _, err := d.forge.Deliver(b.Context(), pretend.Order{}); err != nil {
				b.Fatal(err)
			}
			time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / 400)))
		}
		answered()
		sent := time.Since(start)
		d.work(b)
		right := time.Since(start)
		for d.forge.Pending() > 0 { // what the last posts came back as
			d.work(b)
			answered()
		}
		wrong := 0
		for _, n := range numbers {
			if ok, why := d.forge.Mergeable(shop, n); !ok {
				if wrong++; wrong == 1 {
					b.Logf("change %d: %s %+v", n, why, d.forge.Shown(shop, n))
				}
			}
		}
		reads, writes := d.forge.Traffic()
		after, resident := used(b, pid)
		received, echoes := 0, 0
		for _, x := range d.forge.Deliveries()[had:] {
			received++
			if x.Event == "check_run" || x.Event == "check_suite" {
				echoes++
			}
		}
		cpu := (after - before).Seconds() * 1000
		b.Logf("2,000 events and %d deliveries that came of our own posts: %d received, %d reads, %d writes, %.0f ms of CPU", echoes, received, reads, writes, cpu)
		b.ReportMetric(float64(reads+writes)/2000, "calls/event")
		b.ReportMetric(float64(received)/2000, "deliveries/event")
		b.ReportMetric(float64(wrong), "wrong")
		b.ReportMetric(sent.Seconds(), "s-to-send")
		b.ReportMetric(right.Seconds(), "s-to-right")
		b.ReportMetric(cpu/2000, "cpu-ms/event")
		b.ReportMetric(cpu/float64(received), "cpu-ms/delivery")
		b.ReportMetric(resident, "MB-at-most")
	}
}

// atOnce has deliveries sent as a forge does, without waiting for one answer before it sends the next, at most so many
// at a time. The func that it returns waits for all answers.
func (d *stage) atOnce(tb testing.TB, most int) (answered func()) {
	tb.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: most}}
	var under sync.WaitGroup
	free := make(chan struct{}, most)
	d.forge.Hooks(pretend.Target{URL: d.url + "/webhook/github", To: func(_ context.Context, req *http.Request) (int, error) {
		free <- struct{}{}
		under.Go(func() {
			defer func() { <-free }()
			resp, err := client.Do(req)
			if err != nil {
				tb.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body) // or the connection would not be used again
			resp.Body.Close()
			if resp.StatusCode != http.StatusAccepted {
				tb.Errorf("a delivery was answered %s", resp.Status)
			}
		})
		return http.StatusAccepted, nil
	}})
	return under.Wait
}

// burstEvent is the i-th thing that happens to a change: at the end of them its gate is open.
func (d *stage) burstEvent(tb testing.TB, n, i int) {
	tb.Helper()
	var err error
	switch i {
	case 0:
		err = d.forge.Label(shop, n, "bo", "minor")
	case 1:
		_, err = d.forge.Review(shop, n, "bo", "changes_requested", "")
	case 2:
		err = d.forge.SetDraft(shop, n, "ana", true)
	case 3:
		err = d.forge.SetDraft(shop, n, "ana", false)
	default:
		_, err = d.forge.Review(shop, n, "bo", "approved", "")
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkQuota is 250 events on 50 changes at 50 a second under GitHub's real limits. It takes about a minute.
func BenchmarkQuota(b *testing.B) {
	for b.Loop() {
		d := staged(b, 0)
		d.forge.SetLimits(pretend.Limits{Core: 5000, GraphQL: 5000, PerMinute: 80, PerHour: 500})
		var numbers []int
		start := time.Now()
		for i := range 250 {
			if i < 50 {
				numbers = append(numbers, d.ordinary(b, fmt.Sprintf("change%d", i), 2, 1))
			} else {
				d.burstEvent(b, numbers[i%50], i/50)
			}
			if _, err := d.forge.Deliver(b.Context(), pretend.Order{}); err != nil {
				b.Fatal(err)
			}
			time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / 50)))
		}
		right := func() (n int) {
			for _, x := range numbers {
				if ok, _ := d.forge.Mergeable(shop, x); ok {
					n++
				}
			}
			return n
		}
		for right() < 50 && time.Since(start) < 3*time.Minute {
			time.Sleep(100 * time.Millisecond)
		}
		refused := 0
		for _, c := range d.forge.Calls() {
			if c.Status == http.StatusForbidden || c.Status == http.StatusTooManyRequests {
				refused++
			}
		}
		b.ReportMetric(float64(right()), "right-of-50")
		b.ReportMetric(time.Since(start).Seconds(), "s-to-right")
		b.ReportMetric(float64(refused), "refused")
	}
}

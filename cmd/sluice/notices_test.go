package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/notices"
	"github.com/sluicegate/sluice/store"
)

// toldServer is a whole server with its queue and database, whose targets are a Slack that answers as the test says and a
// webhook that takes everything. Its clock runs a thousand times as fast, for the pauses between tries are the real ones.
type toldServer struct {
	*server
	t     *testing.T
	log   *lockedBuffer
	mu    sync.Mutex
	slack []string            // bodies, as they came
	hooks map[string][]string // bodies by webhook-id
	news  chan struct{}
}

func newToldServer(t *testing.T, dry bool, slack func(try int, w http.ResponseWriter)) *toldServer {
	t.Helper()
	v := &toldServer{t: t, log: &lockedBuffer{}, hooks: map[string][]string{}, news: make(chan struct{}, 1000)}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		v.mu.Lock()
		defer func() { v.mu.Unlock(); v.news <- struct{}{} }()
		if strings.HasPrefix(r.URL.Path, "/hook") {
			id := r.Header.Get("webhook-id")
			v.hooks[id] = append(v.hooks[id], string(body))
			return
		}
		v.slack = append(v.slack, string(body))
		slack(len(v.slack), w)
	}))
	t.Cleanup(web.Close)
	base, begun := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), time.Now()
	now := func() time.Time { return base.Add(time.Since(begun) * 1000) }
	s := settings{PublicURL: "http://localhost", Database: "sqlite:" + filepath.Join(t.TempDir(), "sluice.db"), Sweep: duration(time.Hour), Keep: duration(400 * 24 * time.Hour),
		DryRun: dry, Notices: notices.Settings{Targets: "slack+" + web.URL + "/services/hunter2", Webhook: web.URL + "/hook?key=hunter2",
			Secret: "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==", Events: "all"}}
	var err error
	if v.server, err = assemble(t.Context(), s, outside{now: now}, slog.New(slog.NewTextHandler(v.log, nil))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.store.Close(); err != nil {
			t.Error(err)
		}
	})
	v.runner.Lease, v.runner.Poll = 20*time.Hour, time.Millisecond
	return v
}

// run works until the test ends or stop is called.
func (v *toldServer) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { v.runner.Run(ctx) }) //nolint:errcheck // it has none
	stop = func() { cancel(); done.Wait() }
	v.t.Cleanup(stop)
	return stop
}

// raise finishes a piece of work that found these happenings; nobody else may be working.
func (v *toldServer) raise(of ...string) {
	v.t.Helper()
	ctx := context.Background()
	m := gate.Mark{Kind: gate.MarkHead, Forge: "github", Repo: "acme/shop", Commit: strings.Join(of, "-"), Why: "test"}
	if err := v.store.Mark(ctx, m); err != nil {
		v.t.Fatal(err)
	}
	works, err := v.store.ClaimKinds(ctx, 1, time.Hour, gate.MarkHead)
	if err != nil || len(works) != 1 {
		v.t.Fatalf("claimed %v, %v", works, err)
	}
	var out gate.Outcome
	for _, o := range of {
		out.Notices = append(out.Notices, gate.NewNotification(gate.NoticeLive, o, gate.Notification{Forge: "github", Repo: "acme/shop", Environment: "production",
			Commit: "1a2b3c4", Promotion: o, At: time.Unix(1, 0), Why: "All lines hold."}))
	}
	if err := v.store.Finish(ctx, works[0], out); err != nil {
		v.t.Fatal(err)
	}
}

// until waits for requests until the condition holds.
func (v *toldServer) until(what string, holds func() bool) {
	v.t.Helper()
	late := time.After(time.Minute)
	for {
		v.mu.Lock()
		ok := holds()
		v.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-v.news:
		case <-late:
			v.t.Fatalf("%s: not within a minute; the log:\n%s", what, v.log)
		}
	}
}

// rest waits until nothing is due any more, and fails where a secret was logged.
func (v *toldServer) rest() {
	v.t.Helper()
	for late := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		st, err := v.store.Stats(context.Background())
		if err != nil || time.Now().After(late) {
			v.t.Fatalf("%+v, %v; the log:\n%s", st, err, v.log)
		}
		if st.Waiting+st.Running+st.Dead == 0 {
			break
		}
	}
	if strings.Contains(v.log.String(), "hunter2") {
		v.t.Errorf("a secret was logged:\n%s", v.log)
	}
}

func TestNoticesAreSentOnceThroughFaultsAndDoubledWork(t *testing.T) {
	t.Parallel()
	v := newToldServer(t, false, func(try int, w http.ResponseWriter) {
		switch try {
		case 1:
			w.WriteHeader(500)
		case 2:
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		case 3:
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(429)
		}
	})
	v.raise("p1", "p2")
	v.raise("p2", "p1", "p1")
	stop := v.run()
	v.until("five tries at Slack", func() bool { return len(v.slack) >= 5 })
	stop()
	for i := range 3 { // found again, and looked for again
		v.raise("p1", "p2")
		if err := v.store.Mark(context.Background(), gate.Mark{Kind: gate.MarkNotice, Target: v.sender.Names()[i%2], Why: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	v.run()
	v.rest()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.slack) != 5 || v.slack[0] != v.slack[3] {
		t.Errorf("Slack was sent %d: %q, want the first four times and the second once", len(v.slack), v.slack)
	}
	if len(v.hooks) != 2 {
		t.Errorf("the webhook was told of %d happenings, want 2", len(v.hooks))
	}
	for id, bodies := range v.hooks {
		if len(bodies) != 1 {
			t.Errorf("%s was sent %d times", id, len(bodies))
		}
	}
}

func TestATargetThatHangsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	hang, v := make(chan struct{}), (*toldServer)(nil)
	v = newToldServer(t, false, func(_ int, _ http.ResponseWriter) {
		v.mu.Unlock() // the others are served
		<-hang
		v.mu.Lock()
	})
	v.raise("p1", "p2", "p3")
	v.run()
	v.until("three at the webhook", func() bool { return len(v.hooks) == 3 })
	v.mu.Lock()
	tries := len(v.slack)
	v.mu.Unlock()
	close(hang)
	if tries > 1 {
		t.Errorf("Slack was tried %d times at once, want one after another", tries)
	}
	v.until("three at Slack", func() bool { return len(v.slack) == 3 })
	v.rest()
}

func TestANoticeThatIsRefusedIsShownAndLogged(t *testing.T) {
	t.Parallel()
	v := newToldServer(t, false, func(_ int, w http.ResponseWriter) { http.Error(w, "no_service hunter2", http.StatusNotFound) })
	v.raise("p1")
	v.run()
	v.until("a try", func() bool { return len(v.slack) == 1 && len(v.hooks) == 1 })
	v.rest()
	items, err := v.store.Inbox(context.Background(), store.InboxFilter{All: true})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, i := range items {
		found = found || i.Kind == "notice" && strings.Contains(i.Note, "1 given up in the last 7 days, the last because it will not be taken: it answered 404 Not Found")
	}
	if log := v.log.String(); !found || !strings.Contains(log, "a notice was given up") || !strings.Contains(log, "404 Not Found") {
		t.Errorf("inbox = %+v; the log:\n%s", items, log)
	}
	if len(v.slack) != 1 {
		t.Errorf("tried %d times", len(v.slack))
	}
}

func TestADryRunKeepsAndSendsNoNotice(t *testing.T) {
	t.Parallel()
	v := newToldServer(t, true, func(int, http.ResponseWriter) {})
	v.raise("p1")
	if err := v.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.run()
	v.rest()
	for _, name := range v.sender.Names() {
		if list, err := v.store.Untold(t.Context(), name, 10); err != nil || len(list) != 0 {
			t.Errorf("%s waits for %v, %v", name, list, err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.slack)+len(v.hooks) != 0 {
		t.Errorf("sent %q, %q", v.slack, v.hooks)
	}
}

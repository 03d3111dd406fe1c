package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/calendars"
	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/gitlab"
	"github.com/sluicegate/sluice/providers/notices"
	"github.com/sluicegate/sluice/store"
	"github.com/sluicegate/sluice/webhook"
)

// Workers and bounds of one server. A worker mostly waits for the forge, so there are more of them than cores.
const (
	workers      = 48
	lease        = 30 * time.Second
	poll         = time.Second
	workLimit    = 3 * time.Minute
	workDrain    = 15 * time.Second      // what then is under way still is broken off, given back and closed within 30 seconds in all
	linger       = 10 * time.Millisecond // in a crowd: what goes to the disk together costs one trip, and a forge waits ten seconds
	deliveryKeep = 30 * 24 * time.Hour
)

// server is everything that serves, wired together. Scenario tests and the demo wire the same.
type server struct {
	store    *store.Store
	runner   *gate.Runner
	handler  http.Handler // of whatever is live
	live     atomic.Pointer[assembly]
	settings settings // the environment's
	outside  outside
	metrics  *metrics
	notary   *notary
	calendar *calendars.Client
	sender   *notices.Sender
	refused  *refusals
	setup    *setup
	tracing  *tracing // nil: nobody is told
	log      *slog.Logger
}

// assembly is what the settings in force make of a server. It is never changed: other settings make another one, which takes
// its place as a whole.
type assembly struct {
	settings   settings
	reconciler *gate.Reconciler
	board      *dashboard.Board
	handler    http.Handler
	github     *github.Client // nil: not configured
	gitlab     *gitlab.Client
}

// outside is what comes from outside of the process; the zero value is the real world.
type outside struct {
	now       func() time.Time
	transport http.RoundTripper // towards the forge
	lease     time.Duration     // of work; 30 seconds when 0
	onlooker  *onlooker         // who looks at the pages, of a demo; nil: nobody but who signs in
	drain     time.Duration     // of what is under way at the end; 15 seconds when 0
	reserve   time.Duration     // of a deployment in the making; 45 seconds when 0
	step      func(store.Step)  // told of what is written; may be nil
	tracing   *tracing
}

// assemble opens the database and wires the rooms. Whoever calls it closes the store.
func assemble(ctx context.Context, s settings, o outside, log *slog.Logger) (*server, error) {
	clock := o.now // nil: the store's own, which replicas share
	if o.now == nil {
		o.now = func() time.Time { return time.Now().UTC() }
	}
	sender, err := notices.New(s.Notices, notices.Options{Now: o.now, UserAgent: "sluice/" + version()})
	if err != nil {
		return nil, err
	}
	told := sender.Targets
	if s.DryRun {
		told = nil
	}
	st, err := store.Open(ctx, store.Options{URL: s.Database, Now: clock, Log: log, Linger: linger, Targets: told, Step: o.step})
	if err != nil {
		return nil, err
	}
	o.now = st.Now
	v, err := wire(s, o, st, log)
	if err == nil {
		v.sender, v.runner.Reconciler.Messenger = sender, sender
		_, err = v.setup.refresh(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, closing(st))
	}
	return v, nil
}

// wire makes what outlasts every change of the settings, and what the settings of the environment make of it.
func wire(s settings, o outside, st *store.Store, log *slog.Logger) (*server, error) {
	m := newMetrics()
	m.watchQueue(func(ctx context.Context) (queueDepth, error) {
		q, err := st.Stats(ctx)
		return queueDepth{q.Waiting, q.Running, q.Dead, q.Oldest}, err
	})
	m.registry.MustRegister(newOverrideMetrics(st))
	key, err := signer("SLUICE_AUDIT_KEY_FILE", s.AuditKey)
	if err != nil {
		return nil, err
	}
	v := &server{store: st, metrics: m, log: log, settings: s, outside: o, tracing: o.tracing, refused: newRefusals(st.MarkAfter), notary: &notary{verify: st.VerifyAudit, key: key, now: o.now}}
	if v.calendar, err = calendars.New(s.Calendars, o.transport, o.now); err != nil {
		return nil, err
	}
	v.setup = newSetup(v)
	first, err := v.assembly(s, nil)
	if err != nil {
		return nil, err
	}
	v.live.Store(first)
	m.registry.MustRegister(quotaMetrics{v.quotas})
	v.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.live.Load().handler.ServeHTTP(w, r) })
	v.runner = &gate.Runner{Reconciler: first.reconciler, Queue: v.tracing.queue(queue{st}), Wake: st.Wake(), Workers: workers, Lease: cmp.Or(o.lease, lease), Poll: poll, Limit: workLimit, Drain: cmp.Or(o.drain, workDrain)}
	return v, nil
}

// assembly wires the rooms to the forges of the settings. A client of the one before that would be made the same is kept, with
// what it remembers and what it knows of its quota.
func (v *server) assembly(s settings, before *assembly) (*assembly, error) {
	st, o, log := v.store, v.outside, v.log
	if before == nil {
		before = &assembly{}
	}
	r := &gate.Reconciler{
		Providers: map[string]gate.Provider{}, Memory: st, Past: st, Releases: st, Book: st, Outbox: st, Log: log, Now: o.now, NewID: newID, PublicURL: s.PublicURL,
		DryRun: s.DryRun, Reserve: o.reserve, Sweep: time.Duration(s.Sweep), Observe: v.observer(),
		Calendars: v.calendar,
		Prune:     func(ctx context.Context) error { return st.Prune(ctx, time.Duration(s.Keep), deliveryKeep) },
	}
	if v.sender != nil {
		r.Messenger = v.sender
	}
	a := &assembly{settings: s, reconciler: r}
	mux := http.NewServeMux()
	if s.GitHub.Configured() {
		if err := v.guardGitHub(a, before, mux); err != nil {
			return nil, err
		}
	}
	if s.GitLab.Configured() {
		if err := v.guardGitLab(a, before, mux); err != nil {
			return nil, err
		}
	}
	return a, v.shows(a, mux)
}

// guardGitHub wires GitHub's client and receiver.
func (v *server) guardGitHub(a, before *assembly, mux *http.ServeMux) (err error) {
	st, s, o := v.store, a.settings, v.outside
	if a.github = before.github; a.github == nil || before.settings.GitHub != s.GitHub {
		a.github, err = github.New(s.GitHub, github.Options{Log: v.log, Now: o.now, Transport: o.transport, UserAgent: "sluice/" + version(),
			Call: v.called, Quota: v.metrics.left, Shared: st.Shared()})
		if err != nil {
			return err
		}
	}
	hook, err := webhook.GitHub(webhook.Settings{Secret: s.GitHub.WebhookSecret, AppID: s.GitHub.AppID, Inbox: v.tracing.inbox(st), HasOpen: st.HasOpen, Hint: a.github.Hint,
		Awaited: st.Awaited, API: a.github.API(), Now: o.now, Log: v.log, Observe: v.answered})
	if err != nil {
		return err
	}
	a.reconciler.Providers["github"] = a.github
	a.reconciler.Missed = map[string]gate.Missed{"github": {Ledger: a.github, Intake: hook, Receipts: st, Pull: s.Pull}}
	mux.Handle("POST /webhook/github", v.tracing.receives(hook))
	mux.Handle("GET /webhook/github", hook) // which says that it takes POST alone
	return nil
}

// shows wires the pages and the API.
func (v *server) shows(a *assembly, mux *http.ServeMux) error {
	st, s, o, r, log := v.store, a.settings, v.outside, a.reconciler, v.log
	board, err := dashboard.New(decisions{st}, len(r.Providers) > 0, version(), log)
	if err != nil {
		return err
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", v.ready)
	mux.Handle("GET /metrics", v.metrics.handler())
	mux.Handle("GET /audit/checkpoint", v.notary.handler(log))
	sign, err := v.newSignIn(s, o)
	if err != nil {
		return err
	}
	desk := &dashboard.API{Token: s.APIToken, People: sign, Sight: sign, Records: records{st}, Forges: slices.Sorted(maps.Keys(r.Providers)), Shelf: st, Decisions: decisions{st}, Now: o.now, PublicURL: s.PublicURL, Log: log, Calendar: r.Calendar, Quotas: v.quotas, Doctor: v.doctor, Owners: r}
	api := desk.Handler()
	mux.Handle("GET "+dashboard.BadgePath, known(sign, desk.Badge(s.Badges)))
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		mux.Handle(method+" /api/v1/", known(sign, api))
	}
	for _, path := range []string{"GET /login", "GET /login/", "POST /logout", "GET /tokens", "POST /tokens", "POST /tokens/"} {
		mux.Handle(path, known(sign, sign.Handler()))
	}
	a.board = board
	var sight dashboard.Sight // nil: nobody can sign in here
	if len(sign.Forges) > 0 {
		sight = sign
	}
	pages := func() http.Handler { return known(sign, board.Handler()) }
	if o.onlooker != nil {
		sight = o.onlooker.sight(r)
		pages = func() http.Handler { return o.onlooker.wrap(board.Handler()) }
	}
	board.Open(&dashboard.Pages{Library: library{st}, Sight: sight, Now: o.now, DryRun: s.DryRun, Queue: workList{st}, Reports: &reports{Store: st}, Rejudge: st, Tables: timetables{st, r}, Doctor: v.doctor, Owners: r})
	mux.Handle("GET /", pages()) // the rest is 405, with what is allowed
	for _, path := range []string{"/ask/", "/inbox", "/policy/"} {
		mux.Handle("POST "+path, pages())
	}
	setUp := known(sign, board.SetUp(v.setup.pages(len(sign.Forges) > 0)))
	for _, path := range []string{"GET /setup", "GET /setup/", "POST /setup/"} {
		mux.Handle(path, setUp)
	}
	a.handler = mux
	return nil
}

// answered is told of every request to a receiver.
func (v *server) answered(event, outcome string) {
	v.metrics.delivery(event, outcome)
	v.refused.heard(outcome)
}

// ready says whether a delivery could be stored now.
func (v *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := v.store.Ready(ctx); err != nil {
		v.log.Error("not ready", "err", err)
		http.Error(w, "not ready: the database cannot be written; the log says why", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// begin marks what is looked at by itself: open changes, at start and then every sweep, and what is old.
func (v *server) begin(ctx context.Context) error {
	marks := append([]gate.Mark{{Kind: gate.MarkPrune, Why: "start"}}, v.live.Load().begins()...)
	for _, name := range v.sender.Names() { // what waited while it was not configured
		marks = append(marks, gate.Mark{Kind: gate.MarkNotice, Target: name, Why: "start"})
	}
	return v.store.Mark(ctx, marks...)
}

// begins are what a new set of forges is looked at for.
func (a *assembly) begins() (marks []gate.Mark) {
	for forge := range a.reconciler.Providers {
		marks = append(marks, gate.Mark{Kind: gate.MarkSweep, Forge: forge, Why: "start"})
	}
	for forge := range a.reconciler.Missed { // what did not arrive while this was down
		marks = append(marks, gate.Mark{Kind: gate.MarkCatchUp, Forge: forge, Why: "start"})
	}
	return marks
}

// newID is 128 random bits in hex: it is part of a link that needs no sign-in.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}

// closing closes the store and tells of it when that fails too.
func closing(st *store.Store) string {
	if err := st.Close(); err != nil {
		return " (and closing the database: " + err.Error() + ")"
	}
	return ""
}

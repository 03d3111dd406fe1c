package gate_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// The forge of the property test: commits, changes, tags, statuses, deployments with their pipelines, and workflow runs
// that wait. All of it only grows, each part with its time, so that what the forge would have told at any instant, a stale
// answer included, can be told, and can be judged by an oracle that knows nothing of Sluice.

const (
	ourRepo = "acme/shop"
	main_   = "main"
	ourApp  = 99
)

var places = []string{"development", "integration", "production"}

var (
	people = map[string]checks.Person{
		"ana": {ID: 1, Login: "ana", Kind: "user"}, "bo": {ID: 2, Login: "bo", Kind: "user"}, "dora": {ID: 3, Login: "dora", Kind: "user"},
		"dan": {ID: 4, Login: "dan", Kind: "user"}, "rita": {ID: 5, Login: "rita", Kind: "user"}, "rob": {ID: 6, Login: "rob", Kind: "user"},
		"eve": {ID: 8, Login: "eve", Kind: "user"},
	}
	app       = checks.Person{ID: ourApp, Login: "sluice[bot]", Kind: "bot"}
	workflows = checks.Person{ID: 98, Login: "github-actions[bot]", Kind: "bot"}
)

type commit struct {
	id, parent string
	change     int    // 0: pushed past any
	patch      string // what it does, wherever it was picked
	at         time.Time
	section    bool // its changelog tells of the version that it is tagged as
}

type merged struct {
	number   int
	author   string
	by       string
	head     string
	commit   string
	branch   string
	at       time.Time
	shut     string // why its gate was not open; "" when it was
	examined bool   // Sluice had judged it
}

type status struct {
	commit, name, state string
	at                  time.Time
}

type progress struct {
	state string
	at    time.Time
}

type deployment struct {
	id          int64
	environment string
	commit      string
	by          checks.Person
	promotion   string // in its payload
	run         int64  // of the workflow that made it
	at          time.Time
	progress    []progress // as it came in
}

type run struct {
	id          int64
	environment string
	commit      string
	event       string
	by          checks.Person
	at          time.Time
	answered    time.Time // approved, rejected or let by; zero: it waits
	approved    bool      // by Sluice
	over        time.Time
	deployment  *deployment
}

type edition struct {
	at time.Time
	policing
}

// world is the forge and everybody at it.
type world struct {
	*ledger
	rng         *rand.Rand // what the forge does by itself: drawn as one seed, so that a failure plays again
	commits     []*commit
	changes     []*merged
	tags        []checks.Tag
	statuses    []status
	deployments []*deployment
	runs        []*run
	rules       []edition
	faults      []*fault
	replicas    []*replica
	calm        bool // nothing breaks, gets lost or hangs any more
	steady      bool // what is told arrives, and pipelines end well
	steps       int  // judged or delivered
	judged      int
	created     map[string]int64 // deployment by promotion
	broken      []string
	story       []string
}

func (w *world) commit(id string) *commit {
	for _, c := range w.commits {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (w *world) change(n int) *merged {
	if n < 1 || n > len(w.changes) {
		return nil
	}
	return w.changes[n-1]
}

func changeAt(n int) checks.Subject {
	return checks.Subject{Forge: "github", Repo: ourRepo, Kind: checks.KindChange, Change: n}
}

func environmentAt(name string) gate.Mark {
	return gate.Mark{Kind: gate.MarkEnvironment, Forge: "github", Repo: ourRepo, Environment: name}
}

// chance says yes so many times out of a hundred.
func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.rng.Int64N(int64(most-least)))
}

// tell delivers: late, twice, in another order, or never, until all is calm.
func (w *world) tell(m gate.Mark) {
	copies := 1
	if !w.calm && !w.steady {
		copies = []int{0, 1, 1, 1, 1, 1, 1, 2, 2, 3}[w.rng.IntN(10)]
	}
	for range copies {
		late := w.between(10*time.Millisecond, 2*time.Second)
		if !w.calm && !w.steady && w.chance(15) {
			late = w.between(2*time.Second, 3*time.Minute)
		}
		time.AfterFunc(late, func() {
			w.deliver(m)
			w.mu.Lock()
			w.steps++
			w.mu.Unlock()
		})
	}
}

func (w *world) tellOf(d *deployment, why string) {
	m := environmentAt(d.environment)
	m.Why, m.Detail = why, fmt.Sprintf("deployment/%d", d.id)
	w.tell(m)
}

// post puts a status on a commit.
func (w *world) post(commit, name, state string) {
	w.statuses = append(w.statuses, status{commit, name, state, time.Now()})
	w.tell(gate.Mark{Kind: gate.MarkHead, Forge: "github", Repo: ourRepo, Commit: commit, Why: "status"})
}

// make_ makes a deployment, and has a pipeline take it up.
func (w *world) make_(d *deployment) *deployment {
	d.id, d.at = int64(1000+len(w.deployments)), time.Now()
	w.deployments = append(w.deployments, d)
	w.tellOf(d, "deployment.created")
	if d.run == 0 {
		w.pipeline(d)
	}
	return d
}

func (w *world) report(d *deployment, state string) {
	d.progress = append(d.progress, progress{state, time.Now()})
	w.tellOf(d, "deployment_status.created")
	if state != "success" {
		return
	}
	for _, o := range w.deployments { // what was live before is no more
		if o != d && o.environment == d.environment && o.at.Before(d.at) && o.state(time.Now()) == "success" {
			o.progress = append(o.progress, progress{"inactive", time.Now()})
		}
	}
}

// later has something happen at the forge.
func (w *world) later(d time.Duration, fn func()) {
	time.AfterFunc(d, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		fn()
	})
}

// pipeline deploys: mostly well, sometimes not, late, or with words that contradict each other.
func (w *world) pipeline(d *deployment) {
	begin, end := w.between(time.Second, 30*time.Second), w.between(30*time.Second, 10*time.Minute)
	w.later(begin, func() { w.report(d, "in_progress") })
	how := w.rng.IntN(100)
	if w.calm || w.steady {
		how = 0
	}
	switch {
	case how < 70:
		w.later(end, func() { w.report(d, "success") })
	case how < 82:
		w.later(end, func() { w.report(d, []string{"failure", "error"}[d.id%2]) })
	case how < 88: // hangs
		return
	case how < 92:
		w.later(end, func() { w.report(d, "failure") })
		w.later(end+w.between(time.Second, time.Hour), func() { w.report(d, "success") })
	case how < 96:
		w.later(end, func() { w.report(d, "success") })
		w.later(end+w.between(time.Second, time.Hour), func() { w.report(d, "failure") })
	default:
		w.later(begin+1, func() { w.report(d, "success") })
		w.later(end, func() { w.report(d, "in_progress") })
	}
	w.later(end+time.Second, func() { w.prove(d) })
	if d.promotion != "" && w.chance(10) { // a workflow that listens to deployments, and waits at the environment
		w.later(w.between(time.Second, 20*time.Second), func() { w.start(d.commit, d.environment, "deployment", d.by) })
	}
}

// prove has what tests a deployment post what it found.
func (w *world) prove(d *deployment) {
	if d.environment == "production" {
		return
	}
	state := "success"
	if !w.calm && !w.steady && w.chance(20) {
		state = "failure"
	}
	w.later(w.between(time.Second, 20*time.Minute), func() { w.post(d.commit, "smoke-"+d.environment, state) })
}

// start starts a workflow run, which waits at the environment.
func (w *world) start(commit, environment, event string, by checks.Person) {
	r := &run{id: int64(5000 + len(w.runs)), environment: environment, commit: commit, event: event, by: by, at: time.Now()}
	w.runs = append(w.runs, r)
	r.deployment = w.make_(&deployment{environment: environment, commit: commit, by: workflows, run: r.id})
	r.deployment.progress = append(r.deployment.progress, progress{"waiting", time.Now()})
	m := environmentAt(environment)
	m.Why, m.Detail = "deployment_protection_rule.requested", fmt.Sprintf("run/%d", r.id)
	w.tell(m)
}

func (w *world) run(id int64) *run {
	for _, r := range w.runs {
		if r.id == id {
			return r
		}
	}
	return nil
}

// answer ends the waiting of a run.
func (w *world) answer(r *run, yes bool) {
	r.answered = time.Now()
	if !yes {
		r.over = time.Now()
		w.report(r.deployment, "failure")
		return
	}
	w.report(r.deployment, "in_progress")
	end := w.between(10*time.Second, 5*time.Minute)
	state := "success"
	if !w.calm && !w.steady && w.chance(20) {
		state = "failure"
	}
	w.later(end, func() { w.report(r.deployment, state); r.over = time.Now() })
	w.later(end+time.Second, func() { w.prove(r.deployment) })
}

// state is what a deployment was told to be at an instant.
func (d *deployment) state(at time.Time) string {
	state := "pending"
	for _, p := range d.progress {
		if !p.at.After(at) {
			state = p.state
		}
	}
	return state
}

func (d *deployment) began(at time.Time) bool {
	return slices.ContainsFunc(d.progress, func(p progress) bool {
		return (p.state == "in_progress" || p.state == "success") && !p.at.After(at)
	})
}

func (d *deployment) live(at time.Time) (first time.Time) {
	for _, p := range d.progress {
		if p.state == "success" && !p.at.After(at) {
			return p.at
		}
	}
	return first
}

// shown are an environment's deployments as of an instant, newest first.
func (w *world) shown(environment string, at time.Time) (list []checks.Deployment) {
	for _, d := range slices.Backward(w.deployments) {
		if d.environment == environment && !d.at.After(at) {
			list = append(list, checks.Deployment{ID: d.id, Commit: d.commit, Creator: d.by, Ours: d.by.ID == ourApp, Workflow: d.run != 0,
				Begun: d.run != 0 && d.began(at), Run: d.run,
				Promotion: d.promotion, At: d.at.UTC(), State: d.state(at), StateAt: d.at.UTC(), Live: utc(d.live(at))})
		}
	}
	return list
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

func (w *world) shownOn(commit string, at time.Time) (list []checks.Status) {
	for _, s := range w.statuses {
		if s.commit != commit || s.at.After(at) {
			continue
		}
		list = slices.DeleteFunc(list, func(x checks.Status) bool { return x.Name == s.name })
		list = append(list, checks.Status{Name: s.name, State: s.state, At: s.at.UTC()})
	}
	return list
}

// rulesAt is the policy in force at an instant.
func (w *world) rulesAt(at time.Time) policing {
	p := w.rules[0].policing
	for _, r := range w.rules {
		if !r.at.After(at) {
			p = r.policing
		}
	}
	return p
}

func (w *world) sources(at time.Time) []policy.Source {
	return []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: w.rulesAt(at).text()}}
}

// A booth is one process's way to the forge.
type booth struct {
	*world
	r *replica
}

var (
	_ gate.Provider = booth{}
	_ gate.Promoter = booth{}
)

func (b booth) call(ctx context.Context, name string, fn func() error) error {
	return b.r.await(ctx, name, func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		return fn()
	})
}

func (b booth) Facts(ctx context.Context, s checks.Subject, _ string) (f *checks.Facts, err error) {
	err = b.call(ctx, "Facts", func() error {
		c := b.change(s.Change)
		if c == nil {
			return gate.ErrGone
		}
		f = &checks.Facts{At: b.r.now(), Subject: s, Repository: checks.Repository{Name: ourRepo, Default: main_}, Sources: b.sources(time.Now()), Change: b.told(c)}
		if time.Since(c.at) < 3*time.Second {
			f.Change.MergeCommit = "" // GitHub takes a moment
		}
		return nil
	})
	return f, err
}

func (w *world) told(c *merged) *checks.Change {
	return &checks.Change{Number: c.number, State: "merged", Title: "a change", Author: people[c.author], Base: checks.Ref{Name: c.branch},
		Head: checks.Ref{Commit: c.head}, MergedBy: people[c.by], MergedAt: c.at.UTC(), MergeCommit: c.commit, CommitCount: 1}
}

func (booth) Post(_ context.Context, _ checks.Subject, _ *checks.Facts, posts []gate.Post) (list []gate.Posted, _ error) {
	for i, p := range posts {
		list = append(list, gate.Posted{Name: p.Name, Commit: p.Commit, ID: int64(i + 1), Digest: p.Digest, State: p.State()})
	}
	return list, nil
}

func (booth) Changes(context.Context, gate.Repo, string, string) ([]checks.Subject, error) {
	return nil, nil
}

func (b booth) Environment(ctx context.Context, s checks.Subject, watched []string, p checks.Promotion) (st *gate.Standing, err error) {
	begun := time.Now()
	err = b.call(ctx, "Environment", func() error {
		served := time.Now()
		if !b.calm && b.chance(20) {
			served = served.Add(-b.between(0, 8*time.Second))
		}
		st = b.standing(s, watched, p, served, b.r.now())
		if s.Commit != "" {
			b.judged++
			b.steps++
			b.r.readings[s.Environment] = reading{s.Commit, begun, served, b.r.now()}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return st, nil
}

func (w *world) standing(s checks.Subject, watched []string, p checks.Promotion, served, now time.Time) *gate.Standing {
	st := &gate.Standing{Sources: w.sources(served), Branch: main_, Deployments: w.shown(s.Environment, served), Statuses: map[string][]checks.Status{}}
	for _, c := range watched {
		st.Statuses[c] = w.shownOn(c, served)
	}
	if s.Commit == "" {
		return st
	}
	s.Kind = checks.KindPromotion
	p.Branch, p.OnBranch, p.Deployments = main_, true, st.Deployments
	if c := w.commit(s.Commit); c != nil && c.change != 0 {
		m := w.change(c.change)
		p.Origin = &checks.Origin{Change: w.told(m), Commits: []checks.Commit{{ID: m.head, Author: people[m.author], Committer: people[m.author]}}}
	}
	if live := p.Live(); live != nil {
		p.Between, p.Lacks = w.beyond(s.Commit, live.Commit), w.beyond(live.Commit, s.Commit)
	}
	f := &checks.Facts{At: now, Subject: s, Repository: checks.Repository{Name: ourRepo, Default: main_}, Sources: st.Sources, Promotion: &p,
		Statuses: w.shownOn(s.Commit, served), Listed: true, Paths: []string{"CHANGELOG.md"}, People: map[int64]checks.Person{}}
	for _, x := range people {
		if x.Permission = "write"; x.Login == "eve" {
			x.Permission = "read"
		}
		f.People[x.ID] = x
	}
	text := "# Changelog\n\n## [Unreleased]\n"
	for _, t := range w.tags {
		if !t.At.After(served) {
			f.Tags = append(f.Tags, t)
			if c := w.commit(t.Commit); t.Commit == s.Commit && c.section {
				text += "\n## [" + strings.TrimPrefix(t.Name, "v") + "] - 2000-01-01\n\n### Added\n\n- Baskets.\n"
			}
		}
	}
	f.Texts = []checks.Text{{Side: checks.Head, Path: "CHANGELOG.md", Text: text}}
	st.Facts = f
	return st
}

// beyond are the commits that one has and another has not, newest first.
func (w *world) beyond(has, hasNot string) (list []checks.Carried) {
	out := map[string]bool{}
	for id := hasNot; id != ""; id = w.commit(id).parent {
		out[id] = true
	}
	for id := has; id != "" && !out[id]; id = w.commit(id).parent {
		c := w.commit(id)
		list = append(list, checks.Carried{Commit: id, Title: "a commit", Change: c.change, Patch: c.patch})
	}
	return list
}

// Deploy makes a deployment, in time or not at all.
func (b booth) Deploy(ctx context.Context, s checks.Subject, o gate.Order) (id int64, err error) {
	ctx, stop := context.WithTimeout(ctx, o.Within)
	defer stop()
	err = b.call(ctx, "Deploy", func() error {
		if !b.calm && !b.steady && b.chance(5) {
			return &gate.RefusalError{Why: "a status is pending", Cures: true}
		}
		b.deploys(b.r, s, o)
		d := b.make_(&deployment{environment: s.Environment, commit: s.Commit, by: app, promotion: o.Promotion})
		id = d.id
		return nil
	})
	if err != nil {
		return 0, err
	}
	return id, nil
}

// Deployed lists a little late.
func (b booth) Deployed(ctx context.Context, s checks.Subject, o gate.Order) (found []checks.Deployment, err error) {
	err = b.call(ctx, "Deployed", func() error {
		served := time.Now()
		if !b.calm && b.chance(20) {
			served = served.Add(-b.between(0, 8*time.Second))
		}
		for _, d := range slices.Backward(b.shown(s.Environment, served)) {
			if d.Ours && d.Promotion == o.Promotion && d.Commit == s.Commit {
				found = append(found, d)
			}
		}
		return nil
	})
	return found, err
}

func (b booth) Conclude(ctx context.Context, s checks.Subject, id int64, state, _ string) error {
	return b.call(ctx, "Conclude", func() error {
		for _, d := range b.deployments {
			if d.id == id {
				b.report(d, state)
			}
		}
		return nil
	})
}

func (b booth) Run(ctx context.Context, _ gate.Repo, id int64) (x *gate.Run, err error) {
	err = b.call(ctx, "Run", func() error {
		r := b.run(id)
		if r == nil {
			return gate.ErrGone
		}
		x = &gate.Run{ID: id, Attempt: 1, Commit: r.commit, Event: r.event, Actor: r.by, Over: !r.over.IsZero()}
		if r.answered.IsZero() {
			x.Waits = []string{r.environment}
		}
		return nil
	})
	return x, err
}

func (b booth) Answer(ctx context.Context, s checks.Subject, id int64, state, _ string) error {
	return b.call(ctx, "Answer", func() error {
		r := b.run(id)
		if r == nil || !r.answered.IsZero() {
			return fmt.Errorf("%w: it does not wait", gate.ErrGone)
		}
		switch state {
		case "approved":
			b.approves(b.r, r)
			r.approved = true
			b.answer(r, true)
		case "rejected":
			b.answer(r, false)
		}
		return nil
	})
}

func (booth) Guarded(context.Context, checks.Subject) (*gate.Guarding, error) {
	return &gate.Guarding{Exists: true, Ours: true}, nil
}

func (booth) Resolve(context.Context, gate.Repo, string) (string, int, error) {
	return "", 0, errors.New("nobody asks here")
}

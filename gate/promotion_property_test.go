package gate_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// However merges, statuses, commands, deliveries, clocks and faults come, and whatever dies in between: nothing goes into
// an environment that the oracle calls shut, each request makes at most one deployment, one promotion of an environment is
// under way, every move is a legal one; and once all is calm, whatever may go live has, and the rest says why it waits.
func TestPromotions(t *testing.T) {
	t.Parallel()
	want := int64(100_000)
	if testing.Short() {
		want = 5_000
	}
	var told tally
	t.Run("lanes", func(t *testing.T) {
		for _, lane := range []string{"one", "two"} {
			t.Run(lane, func(t *testing.T) {
				t.Parallel()
				for round := 0; told.steps.Load() < want && t.Run(fmt.Sprintf("round %d", round), told.round) && !replays(); round++ {
				}
			})
		}
	})
	t.Logf("%d steps: %d times judged, %d deployments made", told.steps.Load(), told.judged.Load(), told.made.Load())
	if !t.Failed() && !replays() && told.made.Load() < want/100 {
		t.Errorf("only %d deployments came of %d steps: nothing is shown by that", told.made.Load(), told.steps.Load())
	}
}

// tally counts what was judged or delivered, what was judged, and what was deployed, over all runs.
type tally struct{ steps, judged, made atomic.Int64 }

func (n *tally) round(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			w := play(rt)
			n.steps.Add(int64(w.steps))
			n.judged.Add(int64(w.judged))
			n.made.Add(int64(len(w.created)))
		})
	})
}

// replays says whether a failure of before is played again, and nothing else.
func replays() bool {
	f := flag.Lookup("rapid.failfile")
	return f != nil && f.Value.String() != ""
}

// A replica is one process: its own clock, its own worker, its own memory.
type replica struct {
	w        *world
	rng      *rand.Rand
	skew     atomic.Int64 // nanoseconds
	frozen   time.Time    // until then it stands still
	dead     bool
	stop     context.CancelFunc
	ended    chan struct{}
	wake     chan struct{}
	readings map[string]reading
}

func (r *replica) now() time.Time { return time.Now().Add(time.Duration(r.skew.Load())).UTC() }

// fault is what goes wrong with a call of this name, after so many that go well.
type fault struct {
	Call  string
	Kind  string
	After int
}

var (
	errDead   = errors.New("the process is gone")
	errBroken = errors.New("502: bad gateway")
)

// lockedSource is one that several goroutines draw from: a lease is extended beside the work that it is for.
type lockedSource struct {
	mu  sync.Mutex
	src rand.Source
}

func (l *lockedSource) Uint64() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.src.Uint64()
}

// await is where everything may happen: a call takes its time, and breaks before or after it was done.
func (r *replica) await(ctx context.Context, name string, do func() error) error {
	pace := time.Duration(1 + r.rng.Int64N(int64(200*time.Millisecond))) // no two things at once, so that all plays again
	time.Sleep(pace)
	r.w.mu.Lock()
	kind := r.w.fault(name)
	if kind == "freeze" {
		r.frozen = time.Now().Add(time.Duration(10+r.rng.IntN(120)) * time.Second)
	}
	frozen := r.frozen
	r.w.mu.Unlock()
	if !frozen.IsZero() {
		time.Sleep(time.Until(frozen.Add(pace)))
	}
	if kind == "kill" {
		r.kill()
	}
	if r.gone() {
		return errDead
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	long, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	switch kind {
	case "error":
		return errBroken
	case "hangs":
		<-long.Done()
		return long.Err()
	case "slow":
		select {
		case <-time.After(time.Duration(1+r.rng.IntN(40)) * time.Second):
		case <-long.Done():
			return long.Err()
		}
	}
	err := do()
	switch kind {
	case "killed": // done, and nobody hears of it
		r.kill()
		return errDead
	case "lost":
		return errBroken
	case "cut":
		<-long.Done()
		return long.Err()
	}
	return err
}

// fault takes the fault that a call runs into, if one does.
func (w *world) fault(name string) string {
	if w.calm {
		return ""
	}
	for i, f := range w.faults {
		if f.Call == name {
			if f.After--; f.After < 0 {
				w.faults = slices.Delete(w.faults, i, i+1)
				return f.Kind
			}
		}
	}
	return ""
}

func (r *replica) gone() bool {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	return r.dead
}

// kill ends the process; what it held stays held until its lease runs out. Another one starts in its place.
func (r *replica) kill() {
	w := r.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.dead {
		return
	}
	r.dead = true
	seed := w.rng.Uint64()
	time.AfterFunc(w.between(time.Second, time.Minute), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if i := slices.Index(w.replicas, r); i >= 0 {
			w.replicas[i] = w.begin(seed)
		}
	})
	r.stop()
}

// begin starts a process.
func (w *world) begin(seed uint64) *replica {
	r := &replica{w: w, rng: rand.New(&lockedSource{src: rand.NewPCG(seed, 7)}), ended: make(chan struct{}), wake: make(chan struct{}, 1), readings: map[string]reading{}}
	b, d := booth{w, r}, register{w.ledger, r}
	recon := &gate.Reconciler{Providers: map[string]gate.Provider{"github": b}, Memory: d, Book: d, Log: slog.New(slog.NewTextHandler(logs(), &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: r.now, NewID: func() string { return fmt.Sprintf("%016x%016x", r.rng.Uint64(), r.rng.Uint64()) }, PublicURL: "https://sluice.example", Sweep: time.Hour}
	if w.calm {
		recon.Sweep = 3 * time.Hour
	}
	if !verbose {
		recon.Log = slog.New(slog.DiscardHandler)
	}
	runner := &gate.Runner{Reconciler: recon, Queue: d, Wake: r.wake, Workers: 1, Lease: 30 * time.Second, Poll: 2 * time.Minute, Limit: 3 * time.Minute}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() {
		defer close(r.ended)
		_ = runner.Run(ctx) // it ends with its context, and with no error
	}()
	return r
}

var verbose = os.Getenv("PROMOTIONS_LOG") != ""

func logs() io.Writer { return os.Stderr }

// play is one run of everything.
func play(rt *rapid.T) *world {
	dice := rapid.Uint64().Draw(rt, "the forge's dice")
	time.Sleep(time.Duration(rapid.SampledFrom([]int{6, 18, 54, 83 * 24, 84*24 + 22}).Draw(rt, "hours into the year")) * time.Hour)
	w := founded(dice, drawn(rt))
	defer w.close()
	for i := range rapid.IntRange(1, 60).Draw(rt, "moves") {
		m := rapid.SampledFrom(moves).Draw(rt, fmt.Sprintf("move %d", i))
		w.happens(m, rt)
		time.Sleep(rapid.SampledFrom([]time.Duration{0, 100 * time.Millisecond, 400 * time.Millisecond, time.Second, 5 * time.Second, 40 * time.Second, 5 * time.Minute, 20 * time.Minute}).Draw(rt, "then"))
		w.verdict(rt)
	}
	w.rest()
	w.verdict(rt)
	w.final()
	w.verdict(rt)
	return w
}

func (w *world) happens(m move, rt *rapid.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note("%s", m.name)
	m.do(w, rt)
}

func (w *world) note(format string, args ...any) {
	w.story = append(w.story, time.Now().UTC().Format("02 15:04:05 ")+fmt.Sprintf(format, args...))
	if verbose {
		fmt.Fprintln(os.Stderr, w.story[len(w.story)-1])
	}
}

func (w *world) verdict(rt *rapid.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.broken) > 0 {
		w.note("found")
		rt.Fatalf("%s\n%s", strings.Join(w.broken, "\n"), strings.Join(w.story[max(0, len(w.story)-40):], "\n"))
	}
}

func (w *world) close() {
	w.mu.Lock()
	all := slices.Clone(w.replicas)
	w.replicas = nil
	for _, r := range all {
		r.dead = true
		r.stop()
	}
	w.mu.Unlock()
	for _, r := range all {
		<-r.ended
	}
}

// founded begins the story: a policy, a first commit, a Sluice that knows of the environments, and two processes of it.
func founded(dice uint64, p policing) *world {
	w := &world{created: map[string]int64{}, rng: rand.New(rand.NewPCG(dice, 1))}
	w.ledger = newLedger(w.awake, func(format string, args ...any) { w.broken = append(w.broken, fmt.Sprintf(format, args...)) })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rules = []edition{{time.Now().Add(-time.Hour), p}}
	w.commits = append(w.commits, &commit{id: object(0), at: time.Now(), patch: "p0"})
	for _, name := range places {
		w.seen[name] = gate.EnvironmentSeen{Forge: "github", Repo: ourRepo, Name: name}
		m := environmentAt(name)
		m.Why = "first look"
		w.bump(m, false, time.Now(), time.Now())
	}
	w.bump(gate.Mark{Kind: gate.MarkSweep, Forge: "github", Why: "start"}, false, time.Now(), time.Now())
	w.arm()
	for range 2 {
		w.replicas = append(w.replicas, w.begin(w.rng.Uint64()))
	}
	return w
}

// awake tells every process that work is due.
func (w *world) awake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.replicas {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

func object(n int) string { return fmt.Sprintf("%08x%032x", uint32(n+1)*0x9e3779b1, n) }

func drawn(rt *rapid.T) policing {
	b := func(name string) bool { return rapid.IntRange(0, 2).Draw(rt, name) == 2 }
	p := policing{verify: b("verify"), statuses: b("statuses"), approval: b("approval"), deployers: b("deployers"), separate: b("separate"),
		window: b("window"), freeze: b("freeze"), lineage: b("lineage"), changes: b("changes"), release: b("release"), automatic: b("automatic"), fallsBack: b("falls back"),
		soak:     rapid.SampledFrom([]time.Duration{0, 10 * time.Minute, time.Hour}).Draw(rt, "soak"),
		interval: rapid.SampledFrom([]time.Duration{0, 30 * time.Minute, 4 * time.Hour}).Draw(rt, "interval")}
	if _, err := policy.Load(policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: p.text()}); err != nil {
		rt.Fatalf("the policy is none: %v\n%s", err, p.text())
	}
	return p
}

type move struct {
	name string
	do   func(*world, *rapid.T)
}

func (m move) String() string { return m.name }

var moves = []move{
	{"merge", func(w *world, rt *rapid.T) { w.merge(rt, main_, w.tip(main_), "") }},
	{"merge again", func(w *world, rt *rapid.T) { w.merge(rt, main_, w.tip(main_), "") }},
	{"push past any change", func(w *world, rt *rapid.T) { w.land(w.tip(main_), 0, "") }},
	{"a fix beside the line", func(w *world, rt *rapid.T) { w.merge(rt, "hotfix", w.anyCommit(rt), "") }},
	{"the fix is picked", func(w *world, rt *rapid.T) { w.merge(rt, main_, w.tip(main_), w.commits[len(w.commits)-1].patch) }},
	{"all is green", func(w *world, rt *rapid.T) {
		w.post(w.someCommit(rt), "build", "success")
		w.post(w.someCommit(rt), "e2e", "success")
	}},
	{"a status", func(w *world, rt *rapid.T) {
		w.post(w.someCommit(rt), rapid.SampledFrom([]string{"build", "e2e", "smoke-development", "smoke-integration"}).Draw(rt, "which"),
			rapid.SampledFrom([]string{"success", "success", "pending", "failure"}).Draw(rt, "says"))
	}},
	{"tag", (*world).tag},
	{"deploy", (*world).deploy}, {"deploy here", (*world).deploy},
	{"all that is asked for", (*world).allAsked}, {"all of it", (*world).allAsked}, {"all of it again", (*world).allAsked}, {"and all of it", (*world).allAsked},
	{"approve", func(w *world, rt *rapid.T) { w.say(rt, gate.ActApprove) }},
	{"approve too", func(w *world, rt *rapid.T) { w.say(rt, gate.ActApprove) }},
	{"reject", func(w *world, rt *rapid.T) { w.say(rt, gate.ActReject) }},
	{"cancel", func(w *world, rt *rapid.T) { w.say(rt, gate.ActCancel) }},
	{"lock", (*world).lock}, {"unlock", (*world).unlock}, {"unlock all", (*world).unlock},
	{"rollback", (*world).rollback},
	{"override", (*world).override},
	{"another policy", func(w *world, rt *rapid.T) { w.edit(drawn(rt)) }},
	{"a broken policy", func(w *world, rt *rapid.T) { w.edit(policing{broken: true}) }},
	{"a mended policy", func(w *world, rt *rapid.T) {
		if last := w.rules[len(w.rules)-1]; last.broken {
			w.edit(w.rules[0].policing)
		}
	}},
	{"a stranger deploys", func(w *world, rt *rapid.T) {
		w.make_(&deployment{environment: w.somewhere(rt), commit: w.someCommit(rt), by: people["eve"]})
	}},
	{"a workflow waits", func(w *world, rt *rapid.T) {
		w.start(w.someCommit(rt), w.somewhere(rt), rapid.SampledFrom([]string{"push", "workflow_dispatch", "deployment"}).Draw(rt, "event"), w.somebody(rt))
	}},
	{"somebody lets it by", func(w *world, rt *rapid.T) {
		for _, r := range w.runs {
			if r.answered.IsZero() {
				w.answer(r, rapid.Bool().Draw(rt, "yes"))
				return
			}
		}
	}},
	{"hours pass", func(w *world, rt *rapid.T) {
		h := rapid.IntRange(1, 14).Draw(rt, "hours")
		w.mu.Unlock()
		time.Sleep(time.Duration(h) * time.Hour)
		w.mu.Lock()
	}},
	{"a clock jumps", func(w *world, rt *rapid.T) {
		w.replicas[rapid.IntRange(0, len(w.replicas)-1).Draw(rt, "whose")].skew.Store(int64(rapid.IntRange(-3000, 3000).Draw(rt, "ms")) * int64(time.Millisecond))
	}},
	{"a fault", (*world).plan}, {"another fault", (*world).plan}, {"one more fault", (*world).plan}, {"and a fault", (*world).plan},
}

func (w *world) tip(branch string) string {
	for _, c := range slices.Backward(w.commits) {
		if m := w.change(c.change); m == nil || m.branch == branch {
			return c.id
		}
	}
	return w.commits[0].id
}

func (w *world) anyCommit(rt *rapid.T) string {
	return w.commits[rapid.IntRange(0, len(w.commits)-1).Draw(rt, "commit")].id
}

// someCommit is a new one, mostly.
func (w *world) someCommit(rt *rapid.T) string {
	n := len(w.commits)
	return w.commits[n-1-min(n-1, rapid.IntRange(0, 3).Draw(rt, "commits ago"))].id
}

func (w *world) somewhere(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"production", "production", "production", "integration", "development"}).Draw(rt, "where")
}

func (w *world) somebody(rt *rapid.T) checks.Person {
	return people[rapid.SampledFrom([]string{"dora", "dan", "rita", "rob", "ana", "eve"}).Draw(rt, "who")]
}

func (w *world) land(parent string, change int, patch string) *commit {
	n := len(w.commits)
	if patch == "" {
		patch = fmt.Sprintf("p%d", n)
	}
	c := &commit{id: object(n), parent: parent, change: change, patch: patch, at: time.Now(), section: w.chance(90)}
	w.commits = append(w.commits, c)
	return c
}

// merge merges a change that Sluice had judged, mostly, and whose gate was open, mostly.
func (w *world) merge(rt *rapid.T, branch, parent, patch string) {
	n := len(w.changes) + 1
	m := &merged{number: n, author: rapid.SampledFrom([]string{"ana", "bo", "rita", "dora"}).Draw(rt, "author"), by: rapid.SampledFrom([]string{"ana", "rob", "dora"}).Draw(rt, "merges"),
		head: object(100_000 + n), branch: branch, at: time.Now(), examined: true}
	if rapid.IntRange(0, 5).Draw(rt, "open gate") == 5 {
		m.shut = "approval: nobody approved it."
	}
	w.changes = append(w.changes, m)
	m.commit = w.land(parent, n, patch).id
	s := changeAt(n)
	outcome := checks.Pass
	if m.shut != "" {
		outcome = checks.Fail
	}
	w.latest[s.Key()] = &gate.Decision{ID: fmt.Sprintf("change%d", n), Subject: s, Commit: m.head, Base: branch, Open: m.shut == "",
		Gate: checks.Verdict{Check: gate.Gate, Outcome: outcome, Reason: m.shut}}
	w.states[s.Key()] = gate.SubjectState{Open: true, Head: m.head, Base: branch, ReadAt: time.Now()}
	w.tell(gate.Mark{Kind: gate.MarkChange, Forge: "github", Repo: ourRepo, Change: n, Why: "pull_request.closed"})
}

func (w *world) tag(rt *rapid.T) {
	c := w.someCommit(rt)
	if slices.ContainsFunc(w.tags, func(t checks.Tag) bool { return t.Commit == c }) {
		return
	}
	w.tags = append(w.tags, checks.Tag{Name: fmt.Sprintf("v1.%d.0", len(w.tags)+1), Commit: c, Annotated: rapid.IntRange(0, 5).Draw(rt, "annotated") < 5, At: time.Now().UTC()})
	w.tell(gate.Mark{Kind: gate.MarkHead, Forge: "github", Repo: ourRepo, Commit: c, Why: "create"})
}

// act commands: from then on it is accepted.
func (w *world) act(o gate.Outcome, environments ...string) {
	for _, e := range environments {
		m := environmentAt(e)
		m.Why = "command"
		o.Marks = append(o.Marks, m)
	}
	w.mu.Unlock()
	w.command(o)
	w.mu.Lock()
	w.steps++
}

func (w *world) deploy(rt *rapid.T) {
	c, where := w.someCommit(rt), w.somewhere(rt)
	how := rapid.SampledFrom([]checks.How{checks.ByCommand, checks.ByAPI}).Draw(rt, "how")
	w.act(gate.Outcome{Requests: []gate.Promotion{w.asks(where, c, how, w.somebody(rt))}}, where)
}

// allAsked has everybody do what the policy may ask for: of what is well where it has to be before, if anything is.
func (w *world) allAsked(rt *rapid.T) {
	c := w.someCommit(rt)
	for _, p := range w.page().of("integration") {
		if p.State == gate.Verified {
			c = p.Commit
			break
		}
	}
	w.post(c, "build", "success")
	w.post(c, "e2e", "success")
	if !slices.ContainsFunc(w.tags, func(t checks.Tag) bool { return t.Commit == c }) {
		w.tags = append(w.tags, checks.Tag{Name: fmt.Sprintf("v1.%d.0", len(w.tags)+1), Commit: c, Annotated: true, At: time.Now().UTC()})
	}
	p := w.asks("production", c, checks.ByCommand, people["dan"])
	w.act(gate.Outcome{Requests: []gate.Promotion{p}, Acts: []gate.PromotionAct{{Promotion: p.ID, Key: "approved", Kind: gate.ActApprove,
		Saying: checks.Saying{By: people["rob"], At: time.Now().UTC()}}}}, "production")
}

func (w *world) asks(where, c string, how checks.How, by checks.Person) gate.Promotion {
	n, now := len(w.page().promotions), time.Now().UTC()
	return gate.Promotion{ID: fmt.Sprintf("%032x", 0xabc000+n), Forge: "github", Repo: ourRepo, Environment: where, Commit: c, Request: fmt.Sprintf("comment/%d/1", n),
		How: how, By: by, Change: w.commit(c).change, At: now, State: gate.Requested, Since: now}
}

func (w *world) say(rt *rapid.T, kind gate.ActKind) {
	where, by := w.somewhere(rt), w.somebody(rt)
	if kind == gate.ActApprove && rapid.Bool().Draw(rt, "entitled") {
		by = people["rob"]
	}
	for _, p := range w.page().of(where) {
		if p.State == gate.Requested || p.State == gate.Gated || p.State == gate.Deploying {
			w.act(gate.Outcome{Acts: []gate.PromotionAct{{Promotion: p.ID, Key: fmt.Sprintf("comment/%d", len(w.page().acts)), Kind: kind,
				Saying: checks.Saying{By: by, At: time.Now().UTC(), Reject: kind == gate.ActReject, Reason: "because"}}}}, where)
			return
		}
	}
}

func (w *world) lock(rt *rapid.T) {
	where := rapid.SampledFrom(append([]string{""}, places...)).Draw(rt, "what")
	l := gate.LockState{ID: fmt.Sprintf("lock/%d", len(w.pages)), Forge: "github", Repo: ourRepo,
		Lock: checks.Lock{Environment: where, By: people["rob"], Reason: "because", At: time.Now().UTC()}}
	if m := rapid.IntRange(0, 90).Draw(rt, "minutes"); m > 0 {
		l.Lock.Until = time.Now().Add(time.Duration(m) * time.Minute).UTC()
	}
	w.act(gate.Outcome{Locks: []gate.LockState{l}}, places...)
}

func (w *world) unlock(*rapid.T) {
	var lifted []gate.LockState
	for _, l := range w.page().locks {
		if l.Lifted.IsZero() {
			l.Lifted = time.Now().UTC()
			lifted = append(lifted, l)
		}
	}
	w.act(gate.Outcome{Locks: lifted}, places...)
}

// rollback asks for what was there before, or for something that never was.
func (w *world) rollback(rt *rapid.T) {
	where := w.somewhere(rt)
	p := w.asks(where, w.someCommit(rt), checks.Rollback, w.somebody(rt))
	for _, q := range w.page().of(where) {
		if !q.VerifiedAt.IsZero() && rapid.Bool().Draw(rt, "this one") {
			p.Commit, p.Change = q.Commit, q.Change
			break
		}
	}
	p.Reason, p.Rolls = "because", w.liveIn(where, time.Now())
	w.act(gate.Outcome{Requests: []gate.Promotion{p}, Locks: []gate.LockState{gate.UnaskedLock("github", ourRepo, where, p.Request, p.By, "because", "", time.Now().UTC())}}, where)
}

func (w *world) override(rt *rapid.T) {
	c := w.commit(w.someCommit(rt))
	if c.change == 0 {
		return
	}
	o := gate.Override{Check: rapid.SampledFrom([]string{"freeze", "window", "approval", "soak", "interval", "changes", "tagging"}).Draw(rt, "line"), Commit: c.id, Base: main_,
		By: people["rob"], People: 1, Reason: "because", Comment: int64(c.change)<<32 | int64(len(w.pages)), At: time.Now().UTC(), Promotion: true}
	if m := rapid.IntRange(0, 60).Draw(rt, "minutes"); m > 0 {
		o.Until = time.Now().Add(time.Duration(m) * time.Minute).UTC()
	}
	w.act(gate.Outcome{Overrides: []gate.Override{o}}, places...)
}

func (w *world) edit(p policing) {
	w.rules = append(w.rules, edition{time.Now(), p})
	for _, name := range places {
		m := environmentAt(name)
		m.Why = "policy"
		w.tell(m)
	}
}

// plan has something break soon.
func (w *world) plan(rt *rapid.T) {
	calls := []string{"Deploy", "Deploy", "Deploy", "Reserve", "Reserve", "Finish", "Finish", "Environment", "Environment", "Environment", "Deployed", "Book", "Memory", "Extend", "Claim", "Answer", "Run", "Fail", "Facts"}
	kinds := []string{"kill", "killed", "killed", "error", "lost", "lost", "hangs", "cut", "slow", "freeze", "freeze"}
	f := &fault{Call: rapid.SampledFrom(calls).Draw(rt, "call"), Kind: rapid.SampledFrom(kinds).Draw(rt, "breaks"), After: rapid.IntRange(0, 4).Draw(rt, "after")}
	w.note("%s %s after %d", f.Call, f.Kind, f.After)
	w.faults = append(w.faults, f)
}

// rest lets all come to an end: nothing breaks any more, pipelines that hang are ended, every process begins anew, and days pass.
func (w *world) rest() {
	w.mu.Lock()
	w.calm = true
	w.note("calm")
	if w.rules[len(w.rules)-1].broken {
		w.edit(w.rules[0].policing)
	}
	for _, d := range w.deployments {
		if s := d.state(time.Now()); d.run == 0 && (s == "pending" || s == "in_progress") {
			w.later(time.Hour+time.Duration(d.id), func() {
				if s := d.state(time.Now()); s == "pending" || s == "in_progress" {
					w.report(d, "success")
				}
			})
		}
	}
	all := slices.Clone(w.replicas)
	w.mu.Unlock()
	for _, r := range all {
		r.kill() // whatever it remembers is gone; what is written is all there is
	}
	time.Sleep(36 * time.Hour)
}

// final holds what is left to promise 2 and 3.
func (w *world) final() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, g := time.Now(), w.page()
	for _, where := range places {
		waiting := 0
		for _, p := range g.of(where) {
			switch p.State {
			case gate.Deploying:
				w.wrong("promotion %s to %s is deploying for ever (deployment %d, run %d)", p.ID, where, p.Deployment, p.Run)
			case gate.Requested, gate.Gated:
				waiting++
				w.waits(p, g, now)
			case gate.Live:
				if w.liveIn(where, now) != p.Commit {
					w.wrong("promotion %s is live in %s, and something else is", p.ID, where)
				}
			}
			if p.State == gate.Failed && p.Deployment != 0 && !w.failed(p) {
				w.wrong("promotion %s to %s failed, and at the forge nothing did: %s", p.ID, where, p.Why)
			}
			if id, made := w.created[p.ID]; made && p.Deployment != id {
				w.wrong("promotion %s (%s) has lost its deployment %d, and has %d %v, run %d", p.ID, p.State, id, p.Deployment, p.Also, p.Run)
			}
		}
		if waiting > 1 && !slices.ContainsFunc(g.of(where), func(p *gate.Promotion) bool { return p.How.Back() && (p.State == gate.Gated) }) {
			w.wrong("%d promotions wait for %s: the newest supersedes the others", waiting, where)
		}
	}
	w.unasked(g)
}

// failed says whether anything red was ever told of what a promotion deployed.
func (w *world) failed(p *gate.Promotion) bool {
	return slices.ContainsFunc(w.deployments, func(d *deployment) bool {
		return d.environment == p.Environment && d.commit == p.Commit && slices.ContainsFunc(d.progress, func(x progress) bool { return x.state != "success" && x.state != "in_progress" && x.state != "waiting" })
	}) || slices.ContainsFunc(w.statuses, func(s status) bool {
		return s.commit == p.Commit && s.state == "failure" && strings.HasPrefix(s.name, "smoke-")
	})
}

// waits wants to be told why a promotion waits, and agrees that it has to.
func (w *world) waits(p *gate.Promotion, g *page, now time.Time) {
	why := append(w.shut(p, g, now, now), w.passed(g, p)...)
	d := w.kept[p.Decision]
	behind := slices.ContainsFunc(g.of(p.Environment), func(o *gate.Promotion) bool { return o.ID != p.ID && o.How.Back() && o.State == gate.Gated })
	switch {
	case behind:
	case d == nil || d.Open || d.Gate.Reason == "":
		w.wrong("promotion %s to %s waits as %s, and nothing says why", p.ID, p.Environment, p.State)
	case len(why) == 0 && !strings.Contains(d.Gate.Reason, "after:") && !strings.Contains(d.Gate.Reason, "verify:") && !strings.Contains(d.Gate.Reason, "soak:"):
		w.wrong("promotion %s of %.8s to %s, %s, could go live and waits: %s", p.ID, p.Commit, p.Environment, p.How, d.Gate.Reason)
	}
}

// unasked looks for what should have followed by itself.
func (w *world) unasked(g *page) {
	if slices.ContainsFunc(w.rules, func(r edition) bool { return r.broken }) {
		return // a broken policy has nothing follow by itself
	}
	for _, m := range w.changes {
		if m.branch == main_ && !slices.ContainsFunc(g.of("development"), func(p *gate.Promotion) bool { return p.Request == fmt.Sprintf("merge/%d/%s", m.number, m.commit) }) {
			w.wrong("the merge of #%d asked for nothing", m.number)
		}
	}
	for _, p := range g.of("development") {
		if !p.VerifiedAt.IsZero() && !p.How.Back() && !slices.ContainsFunc(g.of("integration"), func(q *gate.Promotion) bool { return q.Request == "automatic/"+p.ID }) {
			w.wrong("promotion %s is well in development, and nothing followed", p.ID)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/gitlab"
	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/store"
)

var update = flag.Bool("update", false, "write what the scenarios show into their want")

// A scenario is a txtar file in testdata/scenarios. Its first line says what it shows. Then come
//
//	forge.yml         who there is, what the repository needs, and which settings differ (type stage)
//	main/PATH         the files of the default branch at the beginning
//	1-NAME.yml ...    steps: one act or a list of acts at the forge (type act), in the order of their numbers
//	1-NAME/PATH       files that the step's acts write, where they name none
//	want              what must come of it: after each step what the forge shows that it did not show before
//
// Every step is played at the pretend forge, whose signed webhooks go over HTTP to the real handler; store, reconciler
// and GitHub client are the real ones, and so is every request back. The clock alone stands still between steps.
func TestScenarios(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../testdata/scenarios/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	all := &crossings{seen: map[string]bool{}}
	t.Cleanup(func() { all.complete(t, len(paths)) })
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			ar := txtar.Parse(raw)
			r := played(t, ar, key)
			r.crossed = all // read from the audit log when its server stops
			got, want := r.out.String(), section(ar, "want")
			if *update && got != want {
				setSection(ar, "want", got)
				if err := os.WriteFile(path, txtar.Format(ar), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", strings.TrimSpace(string(ar.Comment)), got, want)
			}
			r.neverOpensWithLess()
		})
	}
}

// Every scenario says in its first line what it shows, and no two say the same.
func TestScenariosSayWhatTheyShow(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../testdata/scenarios/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(raw), "\n")
		if !strings.HasSuffix(line, ".") || strings.HasPrefix(line, "--") || said[line] != "" {
			t.Errorf("%s: first line %q: want one sentence of its own (said in %q)", path, line, said[line])
		}
		said[line] = path
	}
	if len(paths) < 60 {
		t.Errorf("got %d scenarios, want 60 at least", len(paths))
	}
}

func section(ar *txtar.Archive, name string) string {
	for _, f := range ar.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func setSection(ar *txtar.Archive, name, text string) {
	for i := range ar.Files {
		if ar.Files[i].Name == name {
			ar.Files[i].Data = []byte(text)
			return
		}
	}
	ar.Files = append(ar.Files, txtar.File{Name: name, Data: []byte(text)})
}

// below are the files of a folder in the archive, by their path in it.
func below(ar *txtar.Archive, folder string) map[string]pretend.File {
	files := map[string]pretend.File{}
	for _, f := range ar.Files {
		if path, ok := strings.CutPrefix(f.Name, folder+"/"); ok {
			files[path] = pretend.File{Text: string(f.Data)}
		}
	}
	return files
}

// clock stands still until somebody moves it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to.After(c.at) {
		c.at = to
	}
}

// playing is one scenario under way.
type playing struct {
	t         *testing.T
	where     string // github or gitlab
	database  string // its URL
	ar        *txtar.Archive
	clock     *clock
	forge     *pretend.Forge
	stage     stageFile
	set       settings
	server    *server
	hook      *httptest.Server
	log       *bytes.Buffer
	logMu     sync.Mutex
	order     pretend.Order // of the step under way
	step      string
	url       string            // of the forge
	heads     map[string]string // commit of change 1 after each step, by the step's number
	places    map[string]bool   // that notes with details named
	told      map[string]string // what was shown last, by change and check
	notes     []string          // of the step under way
	meanwhile atomic.Pointer[[]act]
	asked     string                 // where the API tells what came of what was asked in the step
	entered   int64                  // of the audit log, so far
	crossed   *crossings             // what promotions went through in all scenarios, where that is looked at
	listener  *listener              // of notices, where the scenario tells them
	watch     atomic.Pointer[func()] // called after each call to the forge
	out       strings.Builder
	end       func() // stops it all, once
}

var stepName = regexp.MustCompile(`^(\d+)-[a-z0-9-]+\.yml$`)

// play runs the scenario and returns what it showed.
func play(t *testing.T, ar *txtar.Archive, key *rsa.PrivateKey) string {
	t.Helper()
	return played(t, ar, key).out.String()
}

// played runs the scenario at GitHub.
func played(t *testing.T, ar *txtar.Archive, key *rsa.PrivateKey) *playing {
	t.Helper()
	return playedAt(t, "github", ar, key)
}

// playedAt runs the scenario at a forge.
func playedAt(t *testing.T, at string, ar *txtar.Archive, key *rsa.PrivateKey) *playing {
	t.Helper()
	return playedOn(t, "", at, ar, key)
}

// pretendAt is a pretend GitHub, or at "gitlab" a pretend GitLab.
func pretendAt(where string, o pretend.Options) *pretend.Forge {
	if where == "gitlab" {
		return pretend.NewGitLab(o)
	}
	return pretend.New(o)
}

// playedOn runs the scenario on a database, or on a SQLite one of its own.
func playedOn(t *testing.T, database, at string, ar *txtar.Archive, key *rsa.PrivateKey) *playing {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	r := &playing{t: t, where: at, database: database, ar: ar, clock: c, log: &bytes.Buffer{}, heads: map[string]string{}, told: map[string]string{}, places: map[string]bool{},
		forge: pretendAt(at, pretend.Options{Key: key, Secret: "secret", Now: c.now, Permissions: asked(t).Permissions, Events: asked(t).Events})}
	r.open(key)
	for _, f := range ar.Files {
		if !stepName.MatchString(f.Name) {
			if f.Name != "want" && f.Name != "want-gitlab" && f.Name != "forge.yml" && !strings.Contains(f.Name, "/") {
				t.Fatalf("what is %s? A step is named like 1-push.yml", f.Name)
			}
			continue
		}
		r.step, r.notes, r.order = strings.TrimSuffix(f.Name, ".yml"), nil, pretend.Order{}
		r.clock.move(r.clock.now().Add(2 * time.Minute))
		r.forge.ResetCalls()
		for _, a := range r.acts(f) {
			if err := r.act(a); err != nil {
				t.Fatalf("%s: %s: %v", f.Name, a.name, err)
			}
		}
		r.settle()
		r.tell()
	}
	r.replays()
	return r
}

// manifest is what app.yml asks for.
type manifest struct {
	Permissions map[string]string `yaml:"default_permissions"`
	Events      []string          `yaml:"default_events"`
}

// asked is what app.yml asks for: in the scenarios Sluice has this and no more.
func asked(t *testing.T) manifest {
	t.Helper()
	raw, err := os.ReadFile("../../app.yml")
	if err != nil {
		t.Fatal(err)
	}
	var app manifest
	if err := yaml.Unmarshal(raw, &app); err != nil {
		t.Fatal(err)
	}
	return app
}

// The scenarios show that these are enough; a write more would be a door more.
func TestAppAsksForNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	want := map[string]string{"actions": "read", "checks": "write", "contents": "write", "deployments": "write", "issues": "read", "members": "read", "merge_queues": "read", "metadata": "read", "pull_requests": "write", "statuses": "read"}
	if got := asked(t).Permissions; !maps.Equal(got, want) {
		t.Errorf("app.yml asks for %v, want %v", got, want)
	}
}

// open sets the stage and starts the server.
func (r *playing) open(key *rsa.PrivateKey) {
	r.t.Helper()
	if r.database == "" { // before anything is to be ended: what is begun last is ended first
		r.database = "sqlite:" + filepath.Join(r.t.TempDir(), "sluice.db")
	}
	r.stage.set(r)
	forge := httptest.NewServer(r.interrupted(r.forge.Handler()))
	r.forge.Served(forge.URL)
	r.end = sync.OnceFunc(func() { // a test that has ended is remembered with its cleanups until all beside it have: nothing may hang on them
		r.stop()
		forge.Close()
		forge.Config.Handler = nil
		*r = playing{}
	})
	r.t.Cleanup(r.end)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	r.set = settings{PublicURL: "https://sluice.example", Database: r.database,
		Sweep: duration(10 * time.Minute), Keep: duration(400 * 24 * time.Hour), DryRun: r.stage.DryRun, APIToken: apiToken,
	}
	if r.where == "gitlab" {
		r.set.GitLab = gitlab.Settings{URL: forge.URL, Token: r.forge.GitLabToken(), WebhookSecret: "secret"}
	} else {
		r.set.GitHub = github.Settings{URL: forge.URL, AppID: r.forge.AppID(), PrivateKey: string(text), WebhookSecret: "secret"}
	}
	r.url = forge.URL
	if r.stage.Notices {
		r.listen()
	}
	r.start()
}

// interrupted lets what is to happen meanwhile happen when the forge has looked, and before Sluice hears of it.
func (r *playing) interrupted(forge http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if r.meanwhile.Load() == nil || !r.looks(q) {
			forge.ServeHTTP(w, q)
			if watch := r.watch.Load(); watch != nil {
				(*watch)()
			}
			return
		}
		answer := httptest.NewRecorder()
		forge.ServeHTTP(answer, q)
		for _, a := range *r.meanwhile.Swap(nil) {
			if err := r.act(a); err != nil {
				r.t.Errorf("%s: meanwhile: %s: %v", r.step, a.name, err)
			}
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func (r *playing) start() {
	r.t.Helper()
	log := slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
		r.logMu.Lock()
		defer r.logMu.Unlock()
		return r.log.Write(b)
	}), &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	if r.server, err = assemble(r.t.Context(), r.set, outside{now: r.clock.now}, log); err != nil {
		r.t.Fatal(err)
	}
	// One worker, so that a step always costs the same calls: a push and a review that are worked off at once may cost one less.
	r.server.runner.Workers, r.server.runner.Poll = 1, 2*time.Millisecond
	r.hook = httptest.NewServer(r.server.handler)
	r.forge.Hooks(pretend.Target{URL: r.hook.URL + "/webhook/" + r.where})
}

func (r *playing) stop() {
	if r.server == nil { // it never started
		return
	}
	r.hook.Close()
	r.recorded()
	if err := r.server.store.Close(); err != nil {
		r.t.Errorf("close the database: %v", err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// settle delivers what the forge has to tell, then works until nothing is due, and again, for the forge tells of what
// was posted. The worker runs after the deliveries, so that a step always costs the same calls.
func (r *playing) settle() {
	r.t.Helper()
	answers := map[int]int{}
	for range 5 {
		list, err := r.forge.Deliver(r.t.Context(), r.order)
		if err != nil {
			r.t.Fatalf("%s: deliver: %v", r.step, err)
		}
		for _, d := range list {
			answers[d.Status]++
		}
		r.work()
		r.awaited()
		r.order.Drop = nil
		if r.forge.Pending() == 0 {
			break
		}
	}
	for _, status := range sortedInts(answers) {
		if status != 202 && status != 0 {
			r.notes = append(r.notes, fmt.Sprintf("%d deliveries answered %d", answers[status], status))
		}
	}
	if lost := answers[0]; lost > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%d deliveries lost", lost))
	}
}

// work runs the workers until nothing is due within a few seconds; the clock jumps to what is. What becomes due while they
// stop is worked off too.
func (r *playing) work() {
	r.t.Helper()
	until, last := time.Now().Add(3*time.Minute), r.clock.now().Add(3*time.Second)
	for {
		r.works(until, last)
		if due, idle := r.idle(); idle && due.After(last) { // nobody works now, so this is final
			return
		}
	}
}

func (r *playing) works(until, last time.Time) {
	r.t.Helper()
	ctx, stop := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.server.runner.Run(ctx) }()
	for time.Now().Before(until) {
		if due, idle := r.idle(); idle && due.After(last) {
			break
		} else if idle {
			r.clock.move(due)
		}
		time.Sleep(time.Millisecond) // the real server, its database and HTTP live by the real clock
	}
	stop()
	if err := <-done; err != nil {
		r.t.Fatal(err)
	}
	if time.Now().After(until) {
		r.t.Fatalf("%s: the work did not end; log:\n%s", r.step, r.log)
	}
}

// idle says that nobody works, and when the next piece is due. Both are told by one look at the queue: between two of them a
// piece may be finished and another one taken, whose lease ends at the same instant, since the clock stands still.
func (r *playing) idle() (due time.Time, idle bool) {
	r.t.Helper()
	q, err := r.server.store.Stats(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	if q.Next.IsZero() {
		q.Next = r.clock.now().Add(24 * time.Hour)
	}
	return q.Next, q.Running == 0
}

func sortedInts(m map[int]int) []int {
	var list []int
	for k := range m {
		list = append(list, k)
	}
	sort.Ints(list)
	return list
}

// outcome is what a state of the forge stands for.
func outcome(state string) string {
	words := map[string]string{"success": "pass", "failure": "fail", "failed": "fail", "pending": "wait", "canceled": "cancelled", "overridden": "advise", "unknown": "wait", "in_progress": "wait", "neutral": "advise", "skipped": "skip"}
	if w := words[state]; w != "" {
		return w
	}
	return state
}

// tell writes what the forge shows now and did not show before.
func (r *playing) tell() {
	var lines []string
	r.passed(r.step[:strings.IndexByte(r.step, '-')])
	for n := 1; n <= r.forge.Pulls(shop); n++ {
		lines = append(lines, r.change(n)...)
	}
	lines = append(lines, r.queue()...)
	for _, name := range r.stage.Watch {
		lines = append(lines, r.commit(name)...)
	}
	lines = append(lines, r.answers("on a commit ", r.forge.SaidOn(shop))...)
	lines = append(lines, r.published()...)
	lines = append(lines, r.promoted()...)
	lines = append(lines, r.deployed()...)
	lines = append(lines, r.answered()...)
	lines = append(lines, r.notes...)
	reads, writes := r.forge.Traffic()
	if r.stage.Count {
		lines = append(lines, fmt.Sprintf("%d reads, %d writes", reads, writes))
	}
	if r.stage.Finds {
		lines = append(lines, r.findings()...)
	}
	if r.stage.Log {
		lines = append(lines, r.logged()...)
	}
	lines = append(lines, r.heard()...)
	if len(lines) == 0 {
		lines = []string{"nothing new"}
	}
	fmt.Fprintf(&r.out, "%s\n", r.step)
	for _, l := range lines {
		fmt.Fprintf(&r.out, "  %s\n", strings.TrimRight(l, " "))
	}
}

// change is what is new on a change.
func (r *playing) change(n int) []string {
	var lines []string
	head := r.head(n)
	prefix := ""
	if n > 1 {
		prefix = fmt.Sprintf("#%d ", n)
	} else {
		r.heads[r.step[:strings.IndexByte(r.step, '-')]] = head
	}
	if r.news(prefix+"head", head) {
		r.forget(prefix + "check ")
		if len(r.forge.Shown(shop, n)) == 0 {
			lines = append(lines, prefix+"no checks on the head")
		}
	}
	lines = append(lines, r.checks(prefix, r.detailed(n, head, r.forge.Shown(shop, n)))...)
	if doubled := strings.Join(r.forge.Doubled(shop, head), ", "); r.news(prefix+"doubled", doubled) && doubled != "" {
		lines = append(lines, prefix+"made more than once: "+doubled)
	}
	merge := "may be merged"
	if ok, why := r.forge.Mergeable(shop, n); !ok {
		merge = "may not be merged: " + why
	}
	if r.news(prefix+"merge", merge) {
		lines = append(lines, prefix+merge)
	}
	lines = append(lines, r.comments(prefix, n)...)
	if asked := strings.Join(r.forge.Asked(shop, n), ", "); r.news(prefix+"asked", asked) && asked != "" {
		lines = append(lines, prefix+"asks "+asked)
	}
	return lines
}

// comments are the answers below a change that are new or say something else, and the comments newly reacted to.
func (r *playing) comments(prefix string, n int) []string {
	return r.answers(prefix, r.saidOn(n))
}

func (r *playing) answers(prefix string, said []pretend.Said) []string {
	var lines []string
	for i, s := range said {
		key := fmt.Sprintf("%scomment %d ", prefix, s.ID)
		if seen := strings.Join(s.Reactions, " "); r.news(key+"reactions", seen) && seen != "" {
			lines = append(lines, fmt.Sprintf("%sreacts to %s with %s", prefix, s.By, seen))
		}
		if s.By != r.us() || !r.news(key+"body", s.Body) {
			continue
		}
		verb := map[bool]string{true: "now answers", false: "answers"}[s.Edited]
		lines = append(lines, fmt.Sprintf("%s%s in comment %d:", prefix, verb, i+1))
		body, _, _ := strings.Cut(s.Body, "<!-- sluice:")
		for _, line := range strings.Split(strings.TrimSpace(r.unhashed(body)), "\n") {
			lines = append(lines, prefix+"  | "+line)
		}
	}
	return lines
}

var shortHash = regexp.MustCompile("`([0-9a-f]{8})`|<code>([0-9a-f]{8})</code>|\\b([0-9a-f]{7,8})\\b")

var decisionLink = regexp.MustCompile(`/decisions/[0-9a-f]{32}`)

// unhashed names commits by the step after which they were the head, so that what is wanted does not hang on their ids.
func (r *playing) unhashed(text string) string {
	text = decisionLink.ReplaceAllString(text, "/decisions/…")
	return shortHash.ReplaceAllStringFunc(text, func(m string) string {
		id := strings.Trim(m, "`")
		for _, step := range sorted(r.heads) {
			if strings.HasPrefix(r.heads[step], id) {
				return "{head after " + step + "}"
			}
		}
		if i := slices.IndexFunc(r.mains(), func(m string) bool { return strings.HasPrefix(r.told["main after "+m], id) }); i >= 0 {
			return "{main after " + r.mains()[i] + "}"
		}
		return m
	})
}

// mains are the steps after which main stood at a commit for the first time.
func (r *playing) mains() (steps []string) {
	seen := map[string]bool{}
	for n := range 100 {
		step := strconv.Itoa(n)
		if at := r.told["main after "+step]; at != "" && !seen[at] {
			seen[at] = true
			steps = append(steps, step)
		}
	}
	return steps
}

// promoted are the checks of promotions, on the commits of main.
func (r *playing) promoted() (lines []string) {
	for _, step := range r.mains() {
		var shown []pretend.Shown
		for _, s := range r.forge.ShownOn(shop, r.told["main after "+step]) {
			if strings.HasPrefix(s.Name, "sluice/deploy") {
				shown = append(shown, s)
			}
		}
		for _, line := range r.checks("main@"+step+" ", shown) {
			lines = append(lines, r.unhashed(line))
		}
		if r.stage.Summaries {
			lines = append(lines, r.summaries("main@"+step, shown)...)
		}
	}
	return lines
}

// summaries are what the checks say below their titles.
func (r *playing) summaries(of string, shown []pretend.Shown) (lines []string) {
	for _, s := range shown {
		if r.news(of+" summary "+s.Name, s.Summary) {
			for _, line := range strings.Split(strings.TrimSpace(r.unhashed(s.Summary)), "\n") {
				lines = append(lines, "  | "+line)
			}
		}
	}
	return lines
}

func (r *playing) checks(prefix string, shown []pretend.Shown) []string {
	var lines []string
	for _, s := range shown {
		line := fmt.Sprintf("%s%-17s  %-6s  %s", prefix, strings.TrimPrefix(s.Name, "sluice/"), outcome(s.State), s.Title)
		for _, a := range s.Annotations {
			what, _, _ := strings.Cut(a.Message, "\n")
			line += fmt.Sprintf("\n    at %s:%d  %s", a.Path, a.Start, what)
		}
		if r.news(prefix+"check "+s.Name, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// queue is what is new in the merge queue of the default branch: who waits, and what is shown on each commit that the
// queue ever made, numbered by change and in the order made.
func (r *playing) queue() []string {
	var lines, waiting []string
	for _, w := range r.forge.Queued(shop) {
		name := fmt.Sprintf("queue #%d", w.Change)
		if w.Round > 1 {
			name += fmt.Sprintf(" (%d)", w.Round)
		}
		if w.Waits {
			waiting = append(waiting, strings.TrimPrefix(name, "queue "))
		}
		shown := r.forge.ShownOn(shop, w.Head)
		r.linked(shown)
		lines = append(lines, r.checks(name+" ", shown)...)
	}
	if now := "queue: " + or(strings.Join(waiting, ", "), "empty"); r.news("queue", now) && (len(waiting) > 0 || len(lines) > 0) {
		lines = append([]string{now}, lines...)
	}
	return lines
}

// commit is what is new on the commit of a branch or tag that the scenario watches.
func (r *playing) commit(name string) []string {
	at := r.forge.Head(shop, name)
	if at == "" {
		at = r.told["watched "+name] // it is gone: where it was
	}
	r.told["watched "+name] = at
	return r.checks(name+" ", r.forge.ShownOn(shop, at))
}

func (r *playing) news(key, now string) bool {
	before, had := r.told[key]
	r.told[key] = now
	return !had || before != now
}

func (r *playing) forget(prefix string) {
	for k := range r.told {
		if strings.HasPrefix(k, prefix) {
			delete(r.told, k)
		}
	}
}

// findings are those of the step, as the audit log has them.
func (r *playing) findings() (lines []string) {
	r.t.Helper()
	filter := store.AuditFilter{After: r.entered, Kinds: []gate.EntryKind{gate.EntryFinding, gate.EntryPolicy, gate.EntryOutside}}
	if err := r.server.store.Audit(r.t.Context(), filter, func(k audit.Kept) error {
		var e gate.Entry
		r.entered = k.Seq
		if err := json.Unmarshal([]byte(k.Line), &e); err != nil {
			return err
		}
		if e.Who.Login != "" && e.Who.ID == 0 {
			r.t.Errorf("%s: the entry %q names %s without his id", r.step, e.Reason, e.Who.Login)
		}
		about := ""
		if e.Change != 0 {
			about = fmt.Sprintf(" #%d", e.Change)
		}
		lines = append(lines, fmt.Sprintf("%s%s by %s: %s", e.Kind, about, or(e.Who.Login, "somebody"), anyDeployment.ReplaceAllString(anyCommit.ReplaceAllString(r.unhashed(e.Reason), "COMMIT"), "Deployment N ")))
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
	return lines
}

// anyDeployment is the forge's number of one, which hangs on all that was made before.
var anyDeployment = regexp.MustCompile(`\bDeployment \d+ `)

var anyCommit = regexp.MustCompile(`\b[0-9a-f]{12,40}\b`)

var logLine = regexp.MustCompile(`level=(\w+) msg=("[^"]*"|\S+)`)

// logged are the warnings and errors of the step, each once.
func (r *playing) logged() []string {
	r.logMu.Lock()
	defer r.logMu.Unlock()
	var lines []string
	seen := map[string]bool{}
	for _, m := range logLine.FindAllStringSubmatch(r.log.String(), -1) {
		line := fmt.Sprintf("logs %s: %s", strings.ToLower(m[1]), strings.Trim(m[2], `"`))
		if !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	r.log.Reset()
	return lines
}

// sweep has everything read anew, as the server does by itself every ten minutes.
func (r *playing) sweep() error {
	return r.server.store.Mark(r.t.Context(), gate.Mark{Kind: gate.MarkSweep, Forge: r.where, Why: "sweep"})
}

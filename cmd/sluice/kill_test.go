package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/providers/simulators"
	"github.com/sluicegate/sluice/store"
)

// These tests kill the server, as a process of its own, at every step of a deployment, and start it again on the same
// database. The forge lives in the test, and holds the request at which the process is to die: nothing here hangs on time.

// childAhead names a file that says by how much a child's clock is ahead; set, the test binary is no test but a server.
const childAhead = "SERVE_AHEAD"

func TestMain(m *testing.M) {
	if code, is := serveReplica(); is {
		os.Exit(code)
	}
	ahead, is := os.LookupEnv(childAhead)
	if !is {
		goleak.VerifyTestMain(simulators.Main{Tests: m}) // a goroutine that outlives its test fails them all
	}
	now := func() time.Time { return time.Now().UTC().Add(readAhead(ahead)) }
	step, armed := diesAt(os.Getenv(childDies))
	err := serve(context.Background(), process{environ: os.Environ(), stderr: os.Stderr}, outside{now: now, step: step}, func(a net.Addr) {
		fmt.Println("listening", a)
		armed.Store(true)
	})
	fmt.Fprintln(os.Stderr, "sluice serve:", err)
	os.Exit(exitFailed)
}

func readAhead(file string) time.Duration {
	b, err := os.ReadFile(file)
	d, bad := time.ParseDuration(string(b))
	if err != nil || bad != nil {
		panic(fmt.Sprintf("the clock of the test: %v %v", err, bad))
	}
	return d
}

// trap is the request at which the process is to die.
type trap struct {
	method, path string // of the request; parts of them
	body         string // a part of it
	skip         int    // so many go well before
	after        bool   // the forge does what it is asked, and the answer is lost
}

func (x *trap) fits(r *http.Request, body []byte) bool {
	if x == nil || !strings.Contains(r.Method, x.method) || !strings.Contains(r.URL.Path, x.path) || !bytes.Contains(body, []byte(x.body)) {
		return false
	}
	x.skip--
	return x.skip < 0
}

// mortal is a forge with a server beside it that dies.
type mortal struct {
	t        testing.TB
	forge    *pretend.Forge
	web      *httptest.Server
	child    *exec.Cmd
	step     string // at which the next one that is started dies by itself; "": none
	env      []string
	database string
	url      string // of the server
	log      *lockedBuffer
	ahead    time.Duration
	clock    string        // the file that says so to the server
	commit   string        // of the merge
	quiet    bool          // the pipeline does nothing
	order    pretend.Order // how webhooks are delivered
	hold     chan struct{} // what is trapped is answered when it is closed; nil: never

	mu     sync.Mutex
	armed  *trap
	caught chan func() // the trap went off; the function has the forge do what was asked after all
}

func newMortal(t testing.TB, policy string) *mortal {
	t.Helper()
	k := &mortal{t: t, log: &lockedBuffer{}, caught: make(chan func(), 1)}
	k.forge = pretend.New(pretend.Options{Secret: demoSecret, Now: k.now})
	k.web = httptest.NewServer(http.HandlerFunc(k.answer))
	t.Cleanup(k.web.Close)
	k.forge.Served(k.web.URL)
	k.forge.Org("acme", "ana", "bo")
	k.must(k.forge.Repo(shop, true, pretend.Texts(map[string]string{".sluice.yml": policy, "shop.go": "package shop\n"})))
	k.must(k.forge.Grant(shop, "ana", "write"))
	k.forge.Install("acme")
	k.forge.Forget()
	k.clock = filepath.Join(t.TempDir(), "clock")
	k.database = "sqlite:" + filepath.Join(t.TempDir(), "sluice.db")
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k.forge.Key())})
	k.env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "SLUICE_") }),
		"SLUICE_ADDR=127.0.0.1:0", "SLUICE_PUBLIC_URL=https://sluice.example", "SLUICE_DATABASE="+k.database, "SLUICE_LOG_LEVEL=debug",
		"SLUICE_GITHUB_URL="+k.web.URL, fmt.Sprint("SLUICE_GITHUB_APP_ID=", k.forge.AppID()), "SLUICE_GITHUB_PRIVATE_KEY="+string(key), "SLUICE_GITHUB_WEBHOOK_SECRET="+demoSecret)
	t.Cleanup(func() {
		k.kill()
		if t.Failed() {
			t.Logf("the log of the server:\n%s", k.log)
		}
	})
	return k
}

func (k *mortal) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *mortal) now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Now().Add(k.ahead)
}

// answer is the forge's, unless it is the request that is trapped: then nothing is answered until whoever asked is gone.
func (k *mortal) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	again := func(ctx context.Context) *http.Request {
		c := r.Clone(ctx)
		c.Body = io.NopCloser(bytes.NewReader(body))
		return c
	}
	k.mu.Lock()
	x := k.armed
	hit := x.fits(r, body)
	if hit {
		k.armed = nil
	}
	k.mu.Unlock()
	if !hit {
		k.forge.Handler().ServeHTTP(w, again(r.Context()))
		return
	}
	answer := httptest.NewRecorder()
	do := func() { k.forge.Handler().ServeHTTP(answer, again(context.Background())) }
	if x.after {
		do()
	}
	k.caught <- do
	select {
	case <-r.Context().Done():
	case <-k.hold:
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // it may have given up
	}
}

func (k *mortal) arm(x trap) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.armed = &x
}

// later moves the clocks of the forge and of the server.
func (k *mortal) later(d time.Duration) {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ahead += d
	k.must(os.WriteFile(k.clock+".new", []byte(k.ahead.String()), 0o600))
	k.must(os.Rename(k.clock+".new", k.clock))
}

// start starts the server, so much later than what was before.
func (k *mortal) start(later time.Duration) {
	k.t.Helper()
	k.later(later)
	exe, err := os.Executable()
	k.must(err)
	k.child = exec.Command(exe)
	k.child.Env = append(slices.Clone(k.env), childAhead+"="+k.clock, childDies+"="+k.step)
	k.child.Stderr = k.log
	out, err := k.child.StdoutPipe()
	k.must(err)
	k.must(k.child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if err != nil || !ok {
		k.t.Fatalf("the server said %q (%v):\n%s", line, err, k.log)
	}
	k.url = "http://" + address
	k.forge.Hooks(pretend.Target{URL: k.url + "/webhook/github"})
}

// kill kills the server, if it lives.
func (k *mortal) kill() {
	if k.child == nil {
		return
	}
	_ = k.child.Process.Kill()
	_ = k.child.Wait() // it was killed
	k.child = nil
	k.onRecord()
}

// onRecord opens what the server left: whatever decision is shown at the forge is kept, at whichever step it died.
func (k *mortal) onRecord() {
	st, err := store.Open(context.Background(), store.Options{URL: k.database})
	if err != nil {
		k.t.Errorf("open what the server left: %v", err)
		return
	}
	defer st.Close()
	for _, commit := range []string{"baskets", "main"} {
		for _, x := range k.forge.ShownOn(shop, commit) {
			if d, err := st.Decided(context.Background(), x.ExternalID); x.ExternalID != "" && (err != nil || d == nil) {
				k.t.Errorf("%s on %s shows the decision %s, which is not on record: %v", x.Name, commit, x.ExternalID, err)
			}
		}
	}
}

// until plays on until something holds: webhooks are delivered, and lost while the server is dead; the pipeline deploys.
func (k *mortal) until(what string, holds func() bool) {
	k.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(5 * time.Millisecond) { // another process is waited for
		if time.Now().After(deadline) {
			k.t.Fatalf("it never came to this: %s; shown is %+v, deployed is %+v", what, k.forge.ShownOn(shop, "main"), k.forge.Deployments(shop, ""))
		}
		_, _ = k.forge.Deliver(k.t.Context(), k.order) // what nobody takes is lost
		if !k.quiet {
			k.pipeline()
		}
	}
}

// pipeline does what it is asked: it deploys each deployment, and runs the job that was let through.
func (k *mortal) pipeline() {
	for _, d := range k.forge.Deployments(shop, "production") {
		switch {
		case d.Run == 0 && d.State == "":
			k.must(k.forge.DeploymentStatus(pretend.DeploymentStatus{Repo: shop, ID: d.ID, State: "success", App: "pipeline"}))
		case d.Run != 0 && d.State == "in_progress":
			k.must(k.forge.Finish(shop, "production", "success"))
		}
	}
}

// shows says whether a commit shows the check like this.
func (k *mortal) shows(at, name, state string) bool {
	return slices.ContainsFunc(k.forge.ShownOn(shop, at), func(s pretend.Shown) bool { return s.Name == name && strings.EqualFold(s.State, state) })
}

func (k *mortal) production(state string) func() bool {
	return func() bool { return k.shows("main", "sluice/deploy (production)", state) }
}

// merged has a change judged and merged.
func (k *mortal) merged() {
	k.t.Helper()
	_, err := k.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "Baskets", Branch: "baskets", Commits: []pretend.Commit{{Message: "Baskets", Files: pretend.Texts(map[string]string{"basket.go": "package shop\n"})}}})
	k.must(err)
	k.until("the gate of the change is open", func() bool { return k.shows("baskets", "sluice/gate", "success") })
	k.commit, err = k.forge.Merge(shop, 1, "ana", false)
	k.must(err)
}

func (k *mortal) built() {
	k.t.Helper()
	k.must(k.forge.Report(pretend.Report{Repo: shop, Commit: "main", Name: "build", State: "success", By: "bo"}))
}

// dies waits until the server is caught in the trap, and kills it there.
func (k *mortal) dies() (late func()) {
	k.t.Helper()
	k.until("the server is where it is to die", func() bool {
		select {
		case late = <-k.caught:
			return true
		default:
			return false
		}
	})
	k.kill()
	return late
}

// once ends the test: there is one deployment of the commit, told of once, and the record is whole.
func (k *mortal) once() {
	k.t.Helper()
	k.until("nothing is left to do", k.idle) // the comment comes after the check
	all := k.forge.Deployments(shop, "")
	if len(all) != 1 || all[0].Commit != k.commit || all[0].State != "success" {
		k.t.Errorf("deployments %+v, want one, of %s", all, k.commit)
	}
	notes := 0
	for _, c := range k.forge.Said(shop, 1) {
		if strings.Contains(c.Body, "into `production`") {
			notes++
		}
	}
	if notes != 1 {
		k.t.Errorf("%d comments tell of the promotion, want one: %+v", notes, k.forge.Said(shop, 1))
	}
	k.kill()
	var out bytes.Buffer
	if code := run(k.t.Context(), process{args: []string{"audit", "verify"}, environ: k.env, stdout: &out, stderr: &out}); code != exitOpen {
		k.t.Errorf("audit verify = %d: %s", code, out.String())
	}
	out.Reset()
	run(k.t.Context(), process{args: []string{"audit", "list", "--kind", "outside-the-gate"}, environ: k.env, stdout: &out, stderr: &out})
	if strings.Contains(out.String(), "production") {
		k.t.Errorf("its own deployment was taken for one outside the gate: %s", out.String())
	}
}

const mortalPolicy = `version: 1
tagging: {mode: "off"}
changelog: {mode: "off"}
config-separation: {mode: "off"}
approval: {mode: "off"}
environments:
  production: {deploy: on-merge, statuses: [build], lineage: enforce, changes: enforce}
`

func TestKilledAtEveryStepOfADeployment(t *testing.T) {
	t.Parallel()
	read, showing := trap{path: "/graphql", body: `"operationName":"Environment"`}, trap{path: "/graphql", body: "CheckRun("}
	skipping := func(x trap, n int) trap { x.skip = n; return x }
	answered := func(x trap) trap { x.after = true; return x }
	call := trap{method: "POST", path: "/deployments"}
	note := trap{method: "PATCH", path: "/issues/comments/"}
	for name, x := range map[string]struct {
		at    trap
		built bool // the trap is set only when it is deployed
	}{
		"while it is judged":                           {at: read},
		"reserved and not judged again":                {at: skipping(read, 1)},
		"judged again and not called":                  {at: trap{path: "/graphql", body: `"operationName":"Contexts"`}},
		"called, and the call does not arrive":         {at: call},
		"called, and the answer does not arrive":       {at: answered(call)},
		"made, and neither shown nor written down":     {at: showing},
		"made and shown, and not written down":         {at: answered(showing)},
		"made and shown, before the comment":           {at: note},
		"made and shown, after the comment":            {at: answered(note)},
		"deployed, before anybody reads that":          {at: read, built: true},
		"deployed and shown as live, not written down": {at: answered(showing), built: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newMortal(t, mortalPolicy)
			k.start(0)
			k.merged()
			k.until("it waits for the build", k.production("in_progress"))
			if k.quiet = x.built; !x.built {
				k.arm(x.at)
			}
			k.built()
			if x.built {
				k.until("it is being deployed", func() bool { return len(k.forge.Deployments(shop, "production")) == 1 && k.idle() })
				k.arm(x.at)
				k.quiet = false
			}
			k.dies()
			if n := len(k.forge.Deployments(shop, "")); n > 1 {
				t.Errorf("%d deployments before it is started again", n)
			}
			k.start(time.Minute)
			k.until("it is live and well", k.production("success"))
			k.once()
		})
	}
}

// A gate that was shown open may be merged through at once. The server, which died before it wrote down more, knows then that
// it had opened it.
func TestMergedThroughAGateThatAServerOpenedAsItsLastAct(t *testing.T) {
	t.Parallel()
	k := newMortal(t, mortalPolicy)
	k.start(0)
	k.arm(trap{path: "/graphql", body: "CheckRun(", after: true})
	_, err := k.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "Baskets", Branch: "baskets", Commits: []pretend.Commit{{Message: "Baskets", Files: pretend.Texts(map[string]string{"basket.go": "package shop\n"})}}})
	k.must(err)
	k.dies()
	if !k.shows("baskets", "sluice/gate", "success") {
		t.Fatalf("the gate is not open: %+v", k.forge.ShownOn(shop, "baskets"))
	}
	k.commit, err = k.forge.Merge(shop, 1, "ana", false)
	k.must(err)
	k.built()
	k.start(time.Minute)
	k.until("it is live and well", k.production("success"))
	k.once()
}

// A request that was on its way when the process died may arrive after it was started again.
func TestACallThatArrivesAfterItsCallerDied(t *testing.T) {
	t.Parallel()
	k := newMortal(t, mortalPolicy)
	k.start(0)
	k.merged()
	k.until("it waits for the build", k.production("in_progress"))
	k.arm(trap{method: "POST", path: "/deployments"})
	k.built()
	late := k.dies()
	k.forge.ResetCalls()
	k.start(0)
	k.until("it was looked for", func() bool { return k.forge.Counts()["GET /repos/{owner}/{repo}/deployments"] > 0 && k.idle() })
	if n := len(k.forge.Deployments(shop, "")); n != 0 {
		t.Fatalf("%d deployments while the first call may be under way", n)
	}
	late()
	k.until("it is live and well", k.production("success"))
	k.once()
}

// A process that dies at its first request, then at its second, then at its third, comes to the end all the same.
func TestKilledAtEachRequestInTurn(t *testing.T) {
	t.Parallel()
	k := newMortal(t, mortalPolicy)
	k.start(0)
	k.merged()
	k.until("it waits for the build", k.production("in_progress"))
	k.built()
	_, _ = k.forge.Deliver(t.Context(), pretend.Order{})
	for n := 0; ; n++ {
		k.kill()
		k.arm(trap{path: "/api/", skip: n, after: n%2 == 1})
		k.start(time.Minute)
		k.later(time.Minute) // what was under way at two deaths is put off a little, lest it be what kills
		caught := false
		k.until("it dies, or is live and well", func() bool {
			select {
			case <-k.caught:
				caught = true
			default:
			}
			return caught || k.production("success")() && k.idle()
		})
		if !caught {
			t.Logf("%d lives", n+2)
			break
		}
	}
	k.arm(trap{method: "none"})
	k.once()
}

// Whatever is doubled and in whichever order it comes, and with a death in the middle, one deployment is made.
func TestKilledWhileDeliveriesAreDoubledAndShuffled(t *testing.T) {
	t.Parallel()
	for _, anew := range []bool{false, true} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("anew=%v seed=%d", anew, seed), func(t *testing.T) {
				t.Parallel()
				k := newMortal(t, mortalPolicy)
				k.order = pretend.Order{Copies: 3, Anew: anew, Shuffle: seed + 1}
				k.start(0)
				k.merged()
				k.arm(trap{method: "POST", path: "/deployments", after: seed%2 == 0})
				k.built()
				k.dies()
				k.start(time.Minute)
				k.until("it is live and well", k.production("success"))
				k.once()
			})
		}
	}
}

const waitingPolicy = `version: 1
tagging: {mode: "off"}
changelog: {mode: "off"}
config-separation: {mode: "off"}
approval: {mode: "off"}
environments:
  production: {statuses: [build]}
`

// A workflow run that waits at the environment is let through once, and its own deployment is the only one.
func TestKilledWhileARunIsLetThrough(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before the approval arrives": false, "after the approval has arrived": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newMortal(t, waitingPolicy)
			k.must(k.forge.Environment(pretend.Environment{Repo: shop, Name: "production", Rules: []string{"sluice"}}))
			k.start(0)
			k.merged()
			_, err := k.forge.Start(pretend.Workflow{Repo: shop, By: "ana"})
			k.must(err)
			k.until("it waits for the build", func() bool { return k.production("in_progress")() && k.idle() })
			k.arm(trap{method: "POST", path: "/deployment_protection_rule", body: `"approved"`, after: after})
			k.built()
			k.dies()
			k.start(time.Minute)
			k.until("it is live and well", k.production("success"))
			approved := 0
			for _, said := range k.forge.Jobs(shop)[0].Said {
				if said.State == "approved" {
					approved++
				}
			}
			if approved != 1 {
				t.Errorf("the run was approved %d times: %+v", approved, k.forge.Jobs(shop))
			}
			k.once()
		})
	}
}

// A run that Sluice let through may wait for a reviewer of the forge as well: it is not taken for one that was never answered.
func TestARunThatWaitsForAReviewerTooIsLetThroughOnce(t *testing.T) {
	t.Parallel()
	k := newMortal(t, waitingPolicy)
	k.must(k.forge.Environment(pretend.Environment{Repo: shop, Name: "production", Rules: []string{"sluice"}, Reviewers: []string{"bo"}}))
	k.start(0)
	k.merged()
	_, err := k.forge.Start(pretend.Workflow{Repo: shop, By: "ana"})
	k.must(err)
	k.built()
	k.until("Sluice lets it through", func() bool {
		return slices.ContainsFunc(k.forge.Jobs(shop)[0].Said, func(a pretend.GateAnswer) bool { return a.State == "approved" }) && k.idle()
	})
	k.forge.ResetCalls()
	k.later(11 * time.Minute) // a sweep
	k.until("the run is looked at again", func() bool {
		return k.forge.Counts()["GET /repos/{owner}/{repo}/actions/runs/{id}/pending_deployments"] > 0 && k.idle()
	})
	k.must(k.forge.Admit(shop, "production", "bo", "approved", ""))
	k.until("it is live and well", k.production("success"))
	k.once()
	var out bytes.Buffer
	run(t.Context(), process{args: []string{"audit", "list", "--kind", "deployment"}, environ: k.env, stdout: &out, stderr: &out})
	if n := strings.Count(out.String(), "deploying"); n != 1 {
		t.Errorf("it was deploying %d times:\n%s", n, out.String())
	}
}

// A second process is refused while the first lives, and takes over when it is killed.
func TestTwoProcessesOnOneDatabase(t *testing.T) {
	t.Parallel()
	k := newMortal(t, mortalPolicy)
	k.start(0)
	k.merged()
	k.until("it waits for the build", k.production("in_progress"))
	var out bytes.Buffer
	if code := run(t.Context(), process{args: []string{"serve"}, environ: k.env, stdout: &out, stderr: &out}); code != exitFailed || !strings.Contains(out.String(), "the database is in use") {
		t.Errorf("a second process: %d, %s", code, out.String())
	}
	k.arm(trap{method: "POST", path: "/deployments", after: true})
	k.built()
	k.dies()
	k.start(0) // at once: neither the lock nor the lease of the dead is waited for
	k.until("it is live and well", k.production("success"))
	k.once()
}

// Two reconcilers work on one open database, and the lease of the first runs out while its call hangs.
func TestTwoReconcilersMakeOneDeployment(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"the call hangs on its way": false, "the answer hangs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newMortal(t, mortalPolicy)
			k.hold = make(chan struct{})
			first, second := k.beside(nil), (*server)(nil)
			k.merged()
			k.until("it waits for the build", k.production("in_progress"))
			k.arm(trap{method: "POST", path: "/deployments", after: after})
			k.built()
			var do func()
			k.until("the call hangs", func() bool {
				select {
				case do = <-k.caught:
					return true
				default:
					return false
				}
			})
			k.forge.ResetCalls()
			second = k.beside(first)
			k.later(lease + time.Second) // the lease is over, and the reservation is not
			k.until("the second looks for it", func() bool { return k.forge.Counts()["GET /repos/{owner}/{repo}/deployments"] > 0 })
			if !after {
				do()
			}
			close(k.hold) // the first is answered, and has lost its work
			k.until("it is live and well", k.production("success"))
			if all := k.forge.Deployments(shop, ""); len(all) != 1 || all[0].State != "success" {
				t.Errorf("deployments %+v, want one", all)
			}
			_ = second
		})
	}
}

// beside runs a server in this process, over the database of another one or its own.
func (k *mortal) beside(other *server) *server {
	k.t.Helper()
	s, err := readSettings(k.t.Context(), k.env)
	k.must(err)
	log, o := slog.New(slog.NewTextHandler(k.log, &slog.HandlerOptions{Level: slog.LevelDebug})), outside{now: func() time.Time { return k.now().UTC() }}
	var v *server
	if other == nil {
		v, err = assemble(k.t.Context(), s, o, log)
	} else {
		v, err = wire(s, o, other.store, log)
	}
	k.must(err)
	v.runner.Workers = 1 // the one that hangs takes up nothing else
	l, err := net.Listen("tcp", "127.0.0.1:0")
	k.must(err)
	if other == nil {
		k.must(v.begin(k.t.Context()))
	}
	k.forge.Hooks(pretend.Target{URL: "http://" + l.Addr().String() + "/webhook/github"})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- v.run(ctx, l) }()
	k.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			k.t.Errorf("the server ended with %v", err)
		}
		if other == nil {
			_ = v.store.Close()
		}
	})
	return v
}

// idle says that the server has nothing to do: what was told is worked off and written down.
func (k *mortal) idle() bool {
	if k.forge.Pending() > 0 {
		return false
	}
	st, err := store.Open(k.t.Context(), store.Options{URL: k.database, Beside: true})
	k.must(err)
	defer st.Close()
	q, err := st.Stats(k.t.Context())
	k.must(err)
	return q.Waiting == 0 && q.Running == 0
}

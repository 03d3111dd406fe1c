//go:build unix

package main

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/store"
	"github.com/sluicegate/sluice/store/postgrestest"
)

// These tests run several servers, as processes of their own, on one PostgreSQL: webhooks go to one after another, or to two
// at once. Between them and the database stands a wire that can be cut.

// fleetLease is short, so that a frozen replica loses what it holds soon.
const fleetLease = 3 * time.Second

// fleet is a forge with several servers.
type fleet struct {
	t        *testing.T
	forge    *pretend.Forge
	postgres *postgrestest.Server
	wire     *cable
	env      []string
	beside   string // the database, by a way that is not cut
	log      *lockedBuffer
	replicas []*replica
	seed     *rand.Rand

	mu       sync.Mutex
	next     int
	accepted map[string]bool // deliveries that were answered 202 or 200
}

// replica is one server.
type replica struct {
	child   *exec.Cmd
	mu      sync.Mutex
	address string
	shunned time.Time // by the balancer, until then
}

const fleetPolicy = `version: 1
tagging: {mode: "off"}
changelog: {mode: "off"}
config-separation: {mode: "off"}
approval: {mode: "off"}
checks: [{name: good, rule: 'change.title.startsWith("Good")', message: "Say that it is good."}]
environments:
  production: {deploy: on-merge, lineage: "off"}
`

func newFleet(t *testing.T, replicas int, policy string) *fleet {
	t.Helper()
	f := &fleet{t: t, log: &lockedBuffer{}, seed: rand.New(rand.NewPCG(uint64(replicas), 7)), accepted: map[string]bool{},
		postgres: postgrestest.Start(t, "fsync=off")} // processes are killed here, and the machine forgets nothing that they wrote
	f.forge = pretend.New(pretend.Options{Secret: demoSecret})
	web := httptest.NewServer(f.forge.Handler())
	t.Cleanup(web.Close)
	f.forge.Served(web.URL)
	f.forge.Org("acme", "ana", "bo")
	f.must(f.forge.Repo(shop, true, pretend.Texts(map[string]string{".sluice.yml": policy, "shop.go": "package shop\n"})))
	f.must(f.forge.Grant(shop, "ana", "write"))
	f.forge.Install("acme")
	f.forge.Forget()
	f.wire = newCable(t, f.postgres.Socket())
	f.beside = f.postgres.URL("postgres")
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(f.forge.Key())})
	f.env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "SLUICE_") }),
		"SLUICE_ADDR=127.0.0.1:0", "SLUICE_PUBLIC_URL=https://sluice.example", "SLUICE_DATABASE="+f.wire.url(), "SLUICE_LOG_LEVEL=debug", "SLUICE_SWEEP=24h",
		"SLUICE_GITHUB_URL="+web.URL, fmt.Sprint("SLUICE_GITHUB_APP_ID=", f.forge.AppID()), "SLUICE_GITHUB_PRIVATE_KEY="+string(key), "SLUICE_GITHUB_WEBHOOK_SECRET="+demoSecret,
		replicaLease+"="+fleetLease.String())
	t.Cleanup(func() {
		for _, r := range f.replicas {
			_ = r.child.Process.Kill()
			_ = r.child.Wait()
		}
		if t.Failed() {
			file := filepath.Join(os.TempDir(), "sluice-fleet.log")
			_ = os.WriteFile(file, []byte(f.log.String()), 0o600)
			t.Logf("the log of the servers is in %s", file)
		}
	})
	for range replicas {
		r := &replica{}
		f.replicas = append(f.replicas, r)
		f.start(r)
	}
	balancer := httptest.NewServer(http.HandlerFunc(f.balance))
	t.Cleanup(balancer.Close)
	f.forge.Hooks(pretend.Target{URL: balancer.URL})
	return f
}

func (f *fleet) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// start starts a replica, and again where the database is away just then, as whoever keeps processes alive does.
func (f *fleet) start(r *replica) {
	f.t.Helper()
	exe, err := os.Executable()
	f.must(err)
	for began := time.Now(); ; {
		r.child = exec.Command(exe)
		r.child.Env, r.child.Stderr = f.env, f.log
		out, err := r.child.StdoutPipe()
		f.must(err)
		f.must(r.child.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		if address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening "); err == nil && ok {
			r.mu.Lock()
			r.address, r.shunned = address, time.Time{}
			r.mu.Unlock()
			return
		}
		_ = r.child.Wait()
		if time.Since(began) > 2*time.Minute {
			f.t.Fatalf("a replica does not start: %q, %v", line, err)
		}
	}
}

// balance hands a delivery to the next replica, now and then to two, and to another where one does not take it: until it was
// taken, or the forge would hang up.
func (f *fleet) balance(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	for began := time.Now(); time.Since(began) < 8*time.Second; time.Sleep(50 * time.Millisecond) {
		f.mu.Lock()
		f.next++
		n := f.next
		f.mu.Unlock()
		if n%5 == 0 { // somebody is sent the same at the same time
			go f.pass(f.replicas[(n+1)%len(f.replicas)], r, body)
		}
		if code := f.pass(f.replicas[n%len(f.replicas)], r, body); code == 200 || code == 202 {
			f.mu.Lock()
			f.accepted[r.Header.Get("X-GitHub-Delivery")] = true
			f.mu.Unlock()
			w.WriteHeader(code)
			return
		}
	}
	w.WriteHeader(http.StatusBadGateway)
}

// pass hands a delivery to one replica, and returns its answer's code; 0: none came.
func (f *fleet) pass(to *replica, r *http.Request, body []byte) int {
	to.mu.Lock()
	address, shunned := to.address, time.Now().Before(to.shunned)
	to.mu.Unlock()
	if shunned {
		return 0
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+address+"/webhook/github", bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header = r.Header.Clone()
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		to.mu.Lock()
		to.shunned = time.Now().Add(500 * time.Millisecond)
		to.mu.Unlock()
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// cable stands between the replicas and the database.
type cable struct {
	l  net.Listener
	to string
	mu sync.Mutex
	up map[net.Conn]bool
}

func newCable(t *testing.T, socket string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &cable{l: l, to: socket, up: map[net.Conn]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(c)
		}
	}()
	t.Cleanup(func() { l.Close(); w.cut() })
	return w
}

func (w *cable) url() string {
	return (&url.URL{Scheme: "postgres", User: url.User("sluice"), Host: w.l.Addr().String(), Path: "/postgres", RawQuery: "sslmode=disable"}).String()
}

func (w *cable) carry(c net.Conn) {
	d, err := net.Dial("unix", w.to)
	if err != nil {
		c.Close()
		return
	}
	w.mu.Lock()
	w.up[c], w.up[d] = true, true
	w.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{c, d}, {d, c}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // it ends when it is cut
			c.Close()
			d.Close()
		})
	}
	both.Wait()
	w.mu.Lock()
	delete(w.up, c)
	delete(w.up, d)
	w.mu.Unlock()
}

// cut cuts all that is connected, wherever it is in what it does.
func (w *cable) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.up {
		c.Close()
	}
}

// trouble is what may happen to one replica or to the database, by name.
func (f *fleet) trouble() map[string]func(*replica) {
	return map[string]func(*replica){
		"killed": func(r *replica) {
			_ = r.child.Process.Kill()
			_ = r.child.Wait()
			f.start(r)
		},
		"frozen for longer than a lease": func(r *replica) {
			f.must(r.child.Process.Signal(syscall.SIGSTOP))
			time.Sleep(fleetLease + fleetLease/2)
			f.must(r.child.Process.Signal(syscall.SIGCONT))
		},
		"told to end": func(r *replica) {
			f.must(r.child.Process.Signal(syscall.SIGTERM))
			began := time.Now()
			_ = r.child.Wait()
			if took := time.Since(began); took > drain+workDrain {
				f.t.Errorf("it took %v to end, want at most %v", took, drain+workDrain)
			}
			f.start(r)
		},
		"the wire is cut": func(*replica) { f.wire.cut() },
		"the server ends connections": func(*replica) {
			postgrestest.Exec(f.t, f.beside, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`)
		},
		"the server is restarted": func(*replica) { f.postgres.Restart(f.t, false) },
		"the server crashes":      func(*replica) { f.postgres.Restart(f.t, true) },
	}
}

// crowd is what people do meanwhile, and what must come of it.
type crowd struct {
	f        *fleet
	changes  int
	good     map[int]bool
	commands map[int64]int // by comment: on which change
	merged   []string
	shut     map[int]bool // merged
}

func (s *crowd) step() {
	f, r := s.f, s.f.seed
	n := 1 + r.IntN(max(s.changes, 1))
	switch k := r.IntN(10); {
	case s.changes < 6:
		s.changes++
		_, err := f.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "Good", Branch: fmt.Sprint("b", s.changes),
			Commits: []pretend.Commit{{Message: "a", Files: pretend.Texts(map[string]string{fmt.Sprintf("f%d.go", s.changes): "package shop\n"})}}})
		f.must(err)
		s.good[s.changes] = true
	case s.shut[n]:
	case k < 5:
		s.good[n] = !s.good[n]
		title := map[bool]string{true: "Good ", false: "Bad "}[s.good[n]] + fmt.Sprint(r.IntN(1000))
		f.must(f.forge.Edit(shop, n, "ana", pretend.Edit{Title: &title}))
	case k < 7:
		_, err := f.forge.Push(pretend.Push{Repo: shop, Branch: fmt.Sprint("b", n), By: "ana",
			Commits: []pretend.Commit{{Message: "b", Files: pretend.Texts(map[string]string{fmt.Sprintf("f%d.go", n): fmt.Sprintf("package shop\n// %d\n", r.IntN(1000))})}}})
		f.must(err)
	case k < 8:
		id, err := f.forge.Comment(shop, n, "ana", "/sluice status")
		f.must(err)
		s.commands[id] = n
	case n > 3 && s.good[n] && s.shows(n) && len(s.undeployed()) == 0: // the first three stay open; one is merged when the one before is live
		commit, err := f.forge.Merge(shop, n, "ana", false)
		f.must(err)
		s.merged, s.shut[n] = append(s.merged, commit), true
		s.changes++
		_, err = f.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "Good", Branch: fmt.Sprint("b", s.changes),
			Commits: []pretend.Commit{{Message: "a", Files: pretend.Texts(map[string]string{fmt.Sprintf("f%d.go", s.changes): "package shop\n"})}}})
		f.must(err)
		s.good[s.changes] = true
	}
}

// told has the webhooks delivered, and what is deployed reported.
func (f *fleet) told() {
	f.t.Helper()
	for f.forge.Pending() > 0 {
		if _, err := f.forge.Deliver(f.t.Context(), pretend.Order{}); err != nil {
			f.t.Error(err)
			return
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.forge.Deployments(shop, "") {
		if d.State == "" {
			if err := f.forge.DeploymentStatus(pretend.DeploymentStatus{Repo: shop, ID: d.ID, State: "success", App: "pipeline"}); err != nil {
				f.t.Error(err)
			}
		}
	}
}

// wrong says what is not yet as it must be.
func (s *crowd) wrong() (all []string) {
	for n := 1; n <= s.changes; n++ {
		if !s.shut[n] && !s.shows(n) {
			all = append(all, fmt.Sprintf("change %d, which is good: %v, shows %+v", n, s.good[n], s.f.forge.ShownOn(shop, fmt.Sprint("b", n))))
		}
	}
	for id, n := range s.commands {
		if c := s.replies(id, n); c != 1 {
			all = append(all, fmt.Sprintf("the command %d on change %d has %d replies", id, n, c))
		}
	}
	return append(all, s.undeployed()...)
}

// undeployed are the commits of merges that were not deployed once.
func (s *crowd) undeployed() (all []string) {
	for _, commit := range s.merged {
		if n := s.f.forge.CountDeployments(shop, "production", commit); n != 1 {
			all = append(all, fmt.Sprintf("the merge %.8s was deployed %d times", commit, n))
		}
	}
	return all
}

// shows says whether the gate of a change is shown as it must be.
func (s *crowd) shows(n int) bool {
	want := map[bool]string{true: "SUCCESS", false: "FAILURE"}[s.good[n]]
	return slices.ContainsFunc(s.f.forge.ShownOn(shop, fmt.Sprint("b", n)), func(x pretend.Shown) bool { return x.Name == "sluice/gate" && strings.EqualFold(x.State, want) })
}

func (s *crowd) replies(id int64, n int) (count int) {
	for _, c := range s.f.forge.Said(shop, n) {
		if strings.Contains(c.Body, fmt.Sprintf("<!-- sluice:answers %d ", id)) || strings.Contains(c.Body, fmt.Sprintf("<!-- sluice:answers %d -->", id)) {
			count++
		}
	}
	return count
}

// play has people work, and trouble happen, for so long; then nothing happens any more, and all must come right by itself.
func (f *fleet) play(t *testing.T, long time.Duration) {
	s := &crowd{f: f, good: map[int]bool{}, commands: map[int64]int{}, shut: map[int]bool{}}
	over := make(chan struct{})
	var happened []string
	var beside sync.WaitGroup
	beside.Go(func() {
		defer close(over)
		r := rand.New(rand.NewPCG(99, uint64(len(f.replicas))))
		troubles := f.trouble()
		names := slices.Sorted(func(yield func(string) bool) {
			for name := range troubles {
				if !yield(name) {
					return
				}
			}
		})
		for began, i := time.Now(), 0; time.Since(began) < long || i < len(names); i++ {
			name := names[i%len(names)]
			happened = append(happened, name)
			troubles[name](f.replicas[r.IntN(len(f.replicas))])
		}
	})
	steps := 0
	pace := time.NewTicker(150 * time.Millisecond) // slow enough for what a forge lets an App write in a minute
	hands := make(chan struct{}, 16)               // many tell at a time, and none waits for another; but nobody hurries whoever cannot listen
	defer pace.Stop()
	for playing := true; playing; steps++ {
		select {
		case <-over:
			playing = false
		case <-pace.C:
			select {
			case hands <- struct{}{}:
				s.step()
				beside.Go(func() { defer func() { <-hands }(); f.told() })
			default:
			}
		}
	}
	beside.Wait()
	f.until("all that happened is seen", func() (bool, string) {
		f.told()
		w := s.wrong()
		return len(w) == 0, strings.Join(w, "\n")
	})
	f.rests()
	if w := s.wrong(); len(w) > 0 {
		t.Errorf("at rest: %s", strings.Join(w, "\n"))
	}
	t.Logf("%d steps, %d deliveries, %d commands, %d merges, %d deployments; trouble: %v", steps, len(f.accepted), len(s.commands), len(s.merged), len(f.forge.Deployments(shop, "")), happened)
	f.recorded(t)
}

// rests waits until nothing is left to do.
func (f *fleet) rests() {
	f.until("nothing is left to do", func() (bool, string) {
		f.told()
		st, err := store.Open(f.t.Context(), store.Options{URL: f.beside, Beside: true})
		f.must(err)
		defer st.Close()
		q, err := st.Stats(f.t.Context())
		f.must(err)
		return f.forge.Pending() == 0 && q.Waiting == 0 && q.Running == 0 && q.Dead == 0, fmt.Sprintf("%+v", q)
	})
}

// recorded reads the record: all that was accepted is there, and the chain is whole.
func (f *fleet) recorded(t *testing.T) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{URL: f.beside})
	f.must(err)
	defer st.Close()
	for id := range f.accepted {
		if added, err := st.Add(t.Context(), gate.Delivery{Forge: "github", ID: id, Event: "ping"}); added || err != nil {
			t.Errorf("the delivery %s was accepted, and is not there (%v)", id, err)
		}
	}
	env := append(slices.DeleteFunc(slices.Clone(f.env), func(e string) bool { return strings.HasPrefix(e, "SLUICE_DATABASE=") }), "SLUICE_DATABASE="+f.beside)
	var out bytes.Buffer
	if code := run(t.Context(), process{args: []string{"audit", "verify"}, environ: env, stdout: &out, stderr: &out}); code != exitOpen {
		t.Errorf("audit verify = %d: %s", code, out.String())
	}
}

func (f *fleet) until(what string, holds func() (bool, string)) {
	f.t.Helper()
	last := ""
	for deadline := time.Now().Add(6 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) { // other processes are waited for, and the log of deliveries is looked at every five
		ok := false
		if ok, last = holds(); ok {
			return
		}
	}
	f.t.Fatalf("it never came to this: %s; %s", what, last)
}

// troubledFor is how long trouble lasts: as long as it takes for each kind to happen once, or what SLUICE_TEST_TROUBLE says.
func troubledFor(t *testing.T) time.Duration {
	text := os.Getenv("SLUICE_TEST_TROUBLE")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SLUICE_TEST_TROUBLE: %v", err)
	}
	return d
}

func TestReplicasInTrouble(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n, " replicas"), func(t *testing.T) {
			t.Parallel()
			newFleet(t, n, fleetPolicy).play(t, troubledFor(t))
		})
	}
}

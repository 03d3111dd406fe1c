package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/store"
	"github.com/sluicegate/sluice/store/storetest"
)

// This test kills the server again and again while people work: at each step between taking a delivery and acting on it, and
// at random instants.

// childDies names a step of the store's, and how often it goes well before a server that is the test binary kills itself there.
const childDies = "SERVE_DIES"

// diesAt is that, once it is armed.
func diesAt(text string) (step func(store.Step), armed *atomic.Bool) {
	armed = &atomic.Bool{}
	name, times, ok := strings.Cut(text, ":")
	if !ok {
		return nil, armed
	}
	var left atomic.Int64
	n, err := strconv.Atoi(times)
	if err != nil {
		panic(err)
	}
	left.Store(int64(n))
	return func(s store.Step) {
		if armed.Load() && s.Of+" "+s.At == name && left.Add(-1) < 0 {
			p, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = p.Kill()
			}
			if err != nil {
				panic(err)
			}
			select {} // it comes at once
		}
	}, armed
}

// death is how a server dies.
type death struct {
	step string // of the store
	at   *trap  // a request to the forge
}

func (d death) String() string {
	switch {
	case d.step != "":
		return d.step
	case d.at == nil:
		return "at random"
	case d.at.after:
		return "answer lost: " + d.at.path + d.at.body
	}
	return "request lost: " + d.at.path + d.at.body
}

// deaths are one for each step, and as many at random instants.
func deaths() (list []death) {
	for _, of := range []string{"delivery", "claim", "work"} {
		for _, at := range []string{"begun", "written", "kept"} {
			list = append(list, death{step: of + " " + at})
		}
	}
	for _, x := range []trap{{path: "/graphql", body: `"operationName":"Facts"`}, {path: "/graphql", body: "CheckRun("}, {method: "POST", path: "/deployments"}, {method: "POST", path: "/comments"}, {path: "/graphql", body: `"operationName":"Environment"`}} {
		before, after := x, x
		after.after = true
		list = append(list, death{at: &before}, death{at: &after})
	}
	for range len(list) / 2 {
		list = append(list, death{})
	}
	return list
}

// killing is a crowd at work on a server that is killed.
type killing struct {
	*mortal
	crowd *crowd
	rng   *rand.Rand

	mu       sync.Mutex
	accepted []*pretend.Delivery
	died     map[string]int // by how
}

// tell has webhooks sent, many at a time, and notes which were taken.
func (k *killing) tell() {
	list, _ := k.forge.Deliver(k.t.Context(), pretend.Order{}) // what nobody takes is lost
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, d := range list {
		if d.Status == http.StatusAccepted || d.Status == http.StatusOK {
			k.accepted = append(k.accepted, d)
		}
	}
}

// life starts a server, has people work, and kills it.
func (k *killing) life(d death) {
	k.t.Helper()
	k.step = ""
	if d.step != "" {
		k.step = fmt.Sprint(d.step, ":", k.rng.IntN(3))
	}
	k.start(2 * time.Minute) // by the clock: what a killed one held is free on PostgreSQL too
	if d.at != nil {
		x := *d.at
		x.skip = k.rng.IntN(2)
		k.arm(x)
	}
	gone := make(chan struct{})
	child := k.child
	go func() { _ = child.Wait(); close(gone) }()
	var beside sync.WaitGroup
	for range 3 + k.rng.IntN(5) {
		k.crowd.step()
		beside.Go(k.tell)
		k.pipelines()
	}
	beside.Go(k.tell)
	instant := time.Second // by when it has come by where it is to die, or has nothing left to do
	if d == (death{}) {
		instant = time.Duration(k.rng.IntN(300)) * time.Millisecond
	}
	how := d.String()
	select {
	case <-gone:
	case <-k.caught:
	case <-time.After(instant):
		if d != (death{}) {
			how = "at rest" // it did not come by there
		}
	}
	_ = child.Process.Kill()
	<-gone
	k.child = nil
	beside.Wait()
	k.arm(trap{method: "none"})
	select {
	case <-k.caught: // at the same moment
	default:
	}
	k.died[how]++
}

// pipelines deploys what is to be deployed.
func (k *killing) pipelines() {
	for _, d := range k.forge.Deployments(shop, "production") {
		if d.State == "" {
			k.must(k.forge.DeploymentStatus(pretend.DeploymentStatus{Repo: shop, ID: d.ID, State: "success", App: "pipeline"}))
		}
	}
}

// rests starts a server that is left alone. All must come right with nobody doing anything any more.
func (k *killing) rests() {
	k.t.Helper()
	k.step = ""
	k.start(2 * time.Minute)
	last := ""
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(10 * time.Millisecond) { // another process is waited for
		k.pipelines()
		k.tell() // what the server itself did comes back to it
		w := k.crowd.wrong()
		if last = strings.Join(w, "\n"); len(w) == 0 && k.idle() {
			break
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("it never came right: %s\n%s", last, k.lost())
		}
	}
	for n := 1; n <= k.crowd.changes; n++ {
		told := 0
		for _, c := range k.forge.Said(shop, n) {
			if strings.Contains(c.Body, "into `production`") {
				told++
			}
		}
		if want := map[bool]int{true: 1, false: 0}[k.crowd.shut[n]]; told != want {
			k.t.Errorf("%d comments on change %d tell of its promotion, want %d", told, n, want)
		}
	}
	if got, want := len(k.forge.Deployments(shop, "")), len(k.crowd.merged); got != want {
		k.t.Errorf("%d deployments of %d merges", got, want)
	}
	k.kill()
}

// lost says what became of the deliveries of commands that were not answered.
func (k *killing) lost() string {
	st, err := store.Open(k.t.Context(), store.Options{URL: k.database, Beside: true})
	k.must(err)
	defer st.Close()
	until, err := st.Caught(k.t.Context(), "github")
	k.must(err)
	text := fmt.Sprintf("the forge's log was gone through up to %v", until)
	for id, n := range k.crowd.commands {
		if k.crowd.replies(id, n) == 1 {
			continue
		}
		text += fmt.Sprintf("\ncommand %d:", id)
		for _, d := range k.forge.Deliveries() {
			if d.Event == "issue_comment" && bytes.Contains(d.Body, []byte(strconv.FormatInt(id, 10))) {
				had, err := st.Had(k.t.Context(), "github", []string{d.GUID})
				k.must(err)
				text += fmt.Sprintf(" its delivery %s was sent at %v, answered with %d (%v), and is in the inbox: %v", d.GUID, d.At, d.Status, d.Err, had[d.GUID])
			}
		}
	}
	return text
}

// kept says which of the deliveries that were accepted are not in the inbox, and whether the record is whole.
func (k *killing) kept() {
	st, err := store.Open(k.t.Context(), store.Options{URL: k.database, Beside: true})
	k.must(err)
	defer st.Close()
	var guids []string
	for _, d := range k.accepted {
		guids = append(guids, d.GUID)
	}
	for some := range slices.Chunk(guids, 500) {
		had, err := st.Had(k.t.Context(), "github", some)
		k.must(err)
		for _, guid := range some {
			if !had[guid] {
				k.t.Errorf("the delivery %s was accepted, and is not there", guid)
			}
		}
	}
	var out bytes.Buffer
	if code := run(k.t.Context(), process{args: []string{"audit", "verify"}, environ: k.env, stdout: &out, stderr: &out}); code != exitOpen {
		k.t.Errorf("audit verify = %d: %s", code, out.String())
	}
}

// killsAsked is how often the server is killed on each database: often enough for each step once, or what SLUICE_TEST_KILLS says.
func killsAsked(t *testing.T) int {
	text := os.Getenv("SLUICE_TEST_KILLS")
	if text == "" {
		return len(deaths())
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("SLUICE_TEST_KILLS: %v", err)
	}
	return n
}

func TestKilledOverBursts(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			m := newMortal(t, fleetPolicy)
			if database == "PostgreSQL" {
				m.stored(storetest.Postgres(t)(t))
			}
			m.forge.SetLimits(pretend.Limits{Core: -1, GraphQL: -1}) // this is not about quotas
			rng := rand.New(rand.NewPCG(500, uint64(len(database))))
			k := &killing{mortal: m, rng: rng, died: map[string]int{}, crowd: &crowd{f: &fleet{t: t, forge: m.forge, seed: rng}, good: map[int]bool{}, commands: map[int64]int{}, shut: map[int]bool{}}}
			kills, list := killsAsked(t), deaths()
			for n := range kills {
				if n%len(list) == 0 {
					rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
				}
				k.life(list[n%len(list)])
				if n%10 == 9 || n == kills-1 {
					k.rests()
				}
			}
			k.kept()
			t.Logf("%d kills, %d deliveries accepted of %d sent, %d changes, %d commands, %d merges and deployments; died: %v",
				kills, len(k.accepted), len(k.forge.Deliveries()), k.crowd.changes, len(k.crowd.commands), len(k.crowd.merged), k.died)
		})
	}
}

package storetest

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// childURL names the database that a test binary, run anew as a child, shall write to until it is killed.
const childURL = "STORETEST_CHILD_URL"

// written is how many changes the children write to: so many that none gathers more causes than are handed over at once while
// a killed child's lease on it runs out.
const written = 100

// storeAll lists everything that is not at rest.
var storeAll = store.InboxFilter{All: true}

// Child is what TestMain has to call first: in a child process it writes, tells what was acknowledged, and never
// returns. In any other it does nothing.
func Child() {
	url := os.Getenv(childURL)
	if url == "" {
		return
	}
	s, err := store.Open(ctx, store.Options{URL: url})
	for begun := time.Now(); err != nil && time.Since(begun) < 2*time.Minute; time.Sleep(50 * time.Millisecond) { // a server may be starting anew
		s, err = store.Open(ctx, store.Options{URL: url})
	}
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	run := os.Getenv("STORETEST_CHILD_RUN")
	told := make(chan string, 1000)
	for p := range 4 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%s-%d-%d", run, p, i)
				if _, err := s.Add(ctx, delivery(id, with(change(i%written+1), func(m *gate.Mark) { m.Detail = id }))); err == nil {
					told <- "acked " + id
				}
			}
		}()
	}
	go func() {
		for {
			works, _ := s.Claim(ctx, 3, 2*time.Second) // what a killed one held comes back soon
			for _, w := range works {
				s.Finish(ctx, w, covers(w)) //nolint:errcheck // what was covered is looked up, not believed
			}
		}
	}()
	for line := range told {
		fmt.Println(line)
	}
}

// Trouble is what happens to the children of Kills.
type Trouble struct {
	Rounds, Children int                                   // so many at once
	Life             func() time.Duration                  // of each child, from its first word on
	Disturb          func(round int, over <-chan struct{}) // beside them, until they are dead; may be nil
}

func kills(t *testing.T, url string) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	Kills(t, url, Trouble{Rounds: rounds, Children: 1, Life: func() time.Duration { return time.Duration(20+rand.IntN(200)) * time.Millisecond }})
}

// Kills kills writing children again and again, and then looks for what they acknowledged: all of it is there, and each
// cause was covered by one finished look. The test binary's TestMain has to call Child.
func Kills(t *testing.T, url string, trouble Trouble) {
	t.Helper()
	rounds, acked := trouble.Rounds, map[string]bool{}
	for round := range rounds {
		for id := range troubled(t, url, round, trouble) {
			acked[id] = true
		}
	}
	if len(acked) == 0 {
		t.Fatal("no child ever wrote anything")
	}
	f := newFixture(t, url)
	f.clock.now = time.Now().Add(time.Hour)
	for id := range acked {
		if added, err := f.Add(ctx, delivery(id)); added || err != nil {
			t.Fatalf("delivery %s was acknowledged and is not there (%v)", id, err)
		}
	}
	covered := f.covered()
	for id := range acked {
		if covered[id] == 0 {
			t.Errorf("delivery %s was acknowledged and no finished look covers it", id)
		}
	}
	for id, n := range covered {
		if n > 1 {
			t.Errorf("delivery %s was covered %d times", id, n)
		}
	}
	entered := map[string]int{}
	for _, e := range f.whole() {
		entered[e.Reason]++
	}
	equal(t, "the audit log's tale of what was covered", entered, covered)
	t.Logf("%d kills, %d acknowledged, %d covered", rounds, len(acked), len(covered))
}

// troubled runs the children of one round, and returns what they acknowledged.
func troubled(t *testing.T, url string, round int, trouble Trouble) map[string]bool {
	t.Helper()
	var children, beside sync.WaitGroup
	var mu sync.Mutex
	acked := map[string]bool{}
	for child := range trouble.Children {
		life := trouble.Life()
		children.Go(func() {
			runChild(t, url, fmt.Sprintf("%d.%d", round, child), life, func(word, id string) {
				mu.Lock()
				defer mu.Unlock()
				if word != "acked" {
					t.Errorf("a child said: %s %s", word, id)
					return
				}
				acked[id] = true
			})
		})
	}
	over := make(chan struct{})
	if trouble.Disturb != nil {
		beside.Go(func() { trouble.Disturb(round, over) })
	}
	children.Wait()
	close(over)
	beside.Wait()
	return acked
}

// covers is an outcome that tells, in the same transaction, which causes were covered and by which claim.
func covers(w gate.Work) (o gate.Outcome) {
	for _, c := range w.Causes {
		o.Posted = append(o.Posted, gate.Posted{Name: fmt.Sprintf("%s by %d", c.Detail, w.Token), Commit: "covered"})
		o.Entries = append(o.Entries, gate.Entry{Kind: gate.EntryFinding, Reason: c.Detail})
	}
	return o
}

// covered works off all that is left and says how often each cause was covered, the children's looks included.
func (f *fixture) covered() map[string]int {
	for works := f.claim(100); len(works) > 0; works = f.claim(100) {
		for _, w := range works {
			if w.Dropped {
				f.t.Fatalf("%v has gathered too many causes to be told of them all: this test proves nothing so", w.Mark)
			}
			f.finish(w, covers(w))
		}
	}
	times := map[string]int{}
	for n := range written {
		ps, err := f.Posted(ctx, subject(n+1), "covered")
		must(f.t, err)
		for _, p := range ps {
			id, _, _ := strings.Cut(p.Name, " ")
			times[id]++
		}
	}
	return times
}

// runChild starts a child, lets it write for a while, kills it, and hands over each whole line that it said.
func runChild(t *testing.T, url, run string, life time.Duration, said func(word, id string)) {
	exe, err := os.Executable()
	if err != nil {
		t.Error(err)
		return
	}
	cmd := exec.Command(exe, "-test.run=^$")
	cmd.Env = append(os.Environ(), childURL+"="+url, "STORETEST_CHILD_RUN="+run)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		t.Error(err)
		return
	}
	lines := bufio.NewReader(out)
	var timer *time.Timer
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // the last line may be cut: it was not heard
		}
		if timer == nil { // it lives from its first word on
			timer = time.AfterFunc(life, func() { cmd.Process.Kill() })
		}
		word, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		said(word, id)
	}
	cmd.Wait() //nolint:errcheck // it was killed
}

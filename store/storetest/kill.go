package storetest

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// childURL names the database that a test binary, run anew as a child, shall write to until it is killed.
const childURL = "STORETEST_CHILD_URL"

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
				if _, err := s.Add(ctx, delivery(id, with(change(i%7+1), func(m *gate.Mark) { m.Detail = id }))); err == nil {
					told <- "acked " + id
				}
			}
		}()
	}
	go func() {
		for {
			works, _ := s.Claim(ctx, 3, time.Minute)
			for _, w := range works {
				s.Finish(ctx, w, covers(w)) //nolint:errcheck // what was covered is looked up, not believed
			}
		}
	}()
	for line := range told {
		fmt.Println(line)
	}
}

// kills kills a writing child again and again, and then looks for what it acknowledged.
func kills(t *testing.T, url string) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	acked := map[string]bool{}
	for round := range rounds {
		runChild(t, url, fmt.Sprint(round), time.Duration(20+rand.IntN(200))*time.Millisecond, func(word, id string) {
			if acked[id] = true; word != "acked" {
				t.Fatalf("the child said: %s %s", word, id)
			}
		})
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
			f.finish(w, covers(w))
		}
	}
	times := map[string]int{}
	for n := range 7 {
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
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe, "-test.run=^$")
	cmd.Env = append(os.Environ(), childURL+"="+url, "STORETEST_CHILD_RUN="+run)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
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

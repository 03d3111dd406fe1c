package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store/postgrestest"
)

// replicas are two stores on one database, as two processes would have it.
func replicas(t *testing.T) [2]*Store {
	t.Helper()
	url := postgrestest.Fresh(t)
	return [2]*Store{openedPostgres(t, url), openedPostgres(t, url)}
}

// inside runs fn in a transaction of the store that stays open until it is told to commit.
func inside(t *testing.T, s *Store, how patience, fn func(*tx) error, names ...string) (commit func()) {
	t.Helper()
	begun, end := make(chan struct{}, 10), make(chan struct{})
	over := sync.OnceFunc(func() { close(end) })
	t.Cleanup(over) // where the test fails before: the store could not be closed
	ended := make(chan error, 1)
	go func() {
		ended <- s.do(context.Background(), how, func(t *tx) error {
			err := fn(t)
			begun <- struct{}{}
			<-end
			return err
		}, names...)
	}()
	<-begun
	return func() { t.Helper(); over(); must(t, <-ended) }
}

// waiting waits until somebody waits for a lock in the database of s, instead of being done.
func waiting(t *testing.T, s *Store, done <-chan error) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(5 * time.Millisecond) {
		var n int
		_, err := s.scan(context.Background(), []any{&n}, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		must(t, err)
		if n > 0 {
			return
		}
		select {
		case err := <-done:
			t.Fatalf("done (%v) before the other was", err)
		default:
		}
	}
	t.Fatal("nobody waits")
}

func claimed(t *testing.T, s *Store, marks ...gate.Mark) []gate.Work {
	t.Helper()
	must(t, s.Mark(context.Background(), marks...))
	works, err := s.Claim(context.Background(), 100, time.Minute)
	if err != nil || len(works) != len(marks) {
		t.Fatalf("Claim = %d pieces of work, %v, want %d", len(works), err, len(marks))
	}
	return works
}

func changes(n int) (marks []gate.Mark) {
	for i := range n {
		marks = append(marks, marked("", i+1).Marks...)
	}
	return marks
}

func TestManyOpenAnEmptyDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	url := postgrestest.Fresh(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			s, err := Open(context.Background(), Options{URL: url})
			if err != nil {
				t.Errorf("Open = %v", err)
				return
			}
			if err := errors.Join(s.Ready(context.Background()), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestReplicasKeepOneAuditLog(t *testing.T) {
	t.Parallel()
	two := replicas(t)
	var all sync.WaitGroup
	for i, s := range two {
		for n := range 20 {
			all.Go(func() {
				if err := s.Enter(context.Background(), gate.Entry{Reason: fmt.Sprint(i, n)}, gate.Entry{Reason: "second"}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	c := &audit.Chain{}
	if err := two[0].VerifyAudit(context.Background(), c); err != nil || c.End().Seq != 80 {
		t.Errorf("the log ends at %d, %v, want 80 entries and no fault", c.End().Seq, err)
	}
}

// The attempt of a request is one more than the highest: two that read the same would be one, and the other lost without a word.
func TestReplicasCountRequestsForOneEnvironment(t *testing.T) {
	t.Parallel()
	two := replicas(t)
	works := claimed(t, two[0], changes(40)...)
	var all sync.WaitGroup
	for i, w := range works {
		all.Go(func() {
			p := gate.Promotion{ID: fmt.Sprint("p", i), Forge: "github", Repo: "acme/shop", Environment: "production", Commit: "c1", Request: fmt.Sprint("r", i), State: gate.Requested, At: time.Now(), Since: time.Now()}
			if err := two[i%2].Finish(context.Background(), w, gate.Outcome{Requests: []gate.Promotion{p}}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	list, err := two[1].Promotions(context.Background(), "github", "acme/shop", "c1", 100)
	attempts := map[int]bool{}
	for _, p := range list {
		attempts[p.Attempt] = true
	}
	if err != nil || len(list) != 40 || len(attempts) != 40 {
		t.Errorf("%d promotions of %d attempts (%v), want 40", len(list), len(attempts), err)
	}
}

// One of two that reserve an environment gets it, and the other is told so in our own words.
func TestReplicasReserveAnEnvironmentOnce(t *testing.T) {
	t.Parallel()
	two := replicas(t)
	works := claimed(t, two[0], changes(20)...)
	var requests []gate.Promotion
	for i := range works {
		requests = append(requests, gate.Promotion{ID: fmt.Sprint("p", i), Forge: "github", Repo: "acme/shop", Environment: "production", Commit: fmt.Sprint("c", i), Request: fmt.Sprint("r", i),
			State: gate.Gated, At: time.Now(), Since: time.Now()})
	}
	asking := claimed(t, two[0], gate.Mark{Kind: gate.MarkEnvironment, Forge: "github", Repo: "acme/shop", Environment: "production"})
	must(t, two[0].Finish(context.Background(), asking[0], gate.Outcome{Requests: requests}))
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i, w := range works {
		all.Go(func() {
			p := requests[i]
			p.State = gate.Deploying
			err := two[i%2].Reserve(context.Background(), w, p, nil, nil)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, ErrNotGated) {
				t.Errorf("Reserve = %v, want ErrNotGated", err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("%d reserved one environment", won)
	}
}

// What somebody says about a change waits for what another replica is just keeping about it, and then is not kept as it was.
func TestReplicasKeepWhatWasSaidOnlyAsItWasRead(t *testing.T) {
	t.Parallel()
	ctx, two := context.Background(), replicas(t)
	first := claimed(t, two[0], marked("", 1).Marks...)[0]
	second := claimed(t, two[0], gate.Mark{Kind: gate.MarkComment, Forge: "github", Repo: "acme/shop", Change: 1, Comment: 7, Detail: "d"})[0]
	acts, err := two[0].Acts(ctx, first.Mark.Subject())
	must(t, err)
	commit := inside(t, two[0], patient, func(t *tx) error {
		_, err := t.exec(qSetOverride, first.ID, 1, "changelog", 1, `{"check":"changelog"}`)
		return err
	}, two[0].workNames(first, gate.Outcome{})...)
	kept := make(chan error, 1)
	go func() {
		o := gate.Override{Check: "changelog", Commit: "c1", By: checks.Person{ID: 1}, Comment: 7, At: time.Now()}
		kept <- two[1].Finish(ctx, second, gate.Outcome{Overrides: []gate.Override{o}, Said: &acts.Version})
	}()
	waiting(t, two[0], kept)
	commit()
	if err := <-kept; !errors.Is(err, ErrChanged) {
		t.Errorf("Finish = %v, want ErrChanged", err)
	}
}

// A comment is told with the head known when it came, by the order in which deliveries are kept: it waits for a push that is
// just being kept by another replica.
func TestACommentWaitsForAPushThatIsJustBeingKept(t *testing.T) {
	t.Parallel()
	ctx, two := context.Background(), replicas(t)
	push := gate.Mark{Kind: gate.MarkChange, Forge: "github", Repo: "acme/shop", Change: 1, Commit: "c2", Why: "pull_request.synchronize"}
	commit := inside(t, two[0], patient, func(t *tx) error { return two[0].bump(t, push, nil, 1, 1) }, two[0].marksNames([]gate.Mark{push})...)
	added := make(chan error, 1)
	go func() {
		_, err := two[1].Add(ctx, gate.Delivery{Forge: "github", ID: "c", Event: "issue_comment", Body: []byte("{}"),
			Marks: []gate.Mark{{Kind: gate.MarkComment, Forge: "github", Repo: "acme/shop", Change: 1, Comment: 7, Detail: "d", Why: "issue_comment.created"}}})
		added <- err
	}()
	waiting(t, two[0], added)
	commit()
	if err := <-added; err != nil {
		t.Fatal(err)
	}
	works, err := two[0].ClaimKinds(ctx, 10, time.Minute, gate.MarkComment)
	must(t, err)
	if len(works) != 1 || works[0].Causes[0].Commit != "c2" {
		t.Errorf("the comment was told as %+v, want it with the head that was pushed", works)
	}
}

// Pruning finds a subject idle that another replica is just raising. It leaves it alone.
func TestPruningSparesWhatIsJustBeingRaised(t *testing.T) {
	t.Parallel()
	ctx, two := context.Background(), replicas(t)
	mark := marked("", 1).Marks[0]
	must(t, two[0].Finish(ctx, claimed(t, two[0], mark)[0], gate.Outcome{}))
	commit := inside(t, two[0], patient, func(t *tx) error { return two[0].bump(t, mark, nil, 1, 1) }, two[0].marksNames([]gate.Mark{mark})...)
	pruned := make(chan error, 1)
	go func() { pruned <- two[1].Prune(ctx, -time.Hour, -time.Hour) }()
	select { // it skips the row; without that it would wait for it, and then delete it
	case err := <-pruned:
		must(t, err)
		commit()
	case <-time.After(5 * time.Second):
		commit()
		must(t, <-pruned)
	}
	works, err := two[1].Claim(ctx, 10, time.Minute)
	if err != nil || len(works) != 1 || len(works[0].Causes) != 1 {
		t.Errorf("Claim = %v, %v, want what was raised", works, err)
	}
}

// Facts that are just being pruned for want of a decision are kept again by one that comes.
func TestFactsThatAreJustBeingPrunedAreKeptAgain(t *testing.T) {
	t.Parallel()
	ctx, two := context.Background(), replicas(t)
	facts, sources := []byte(`{"same":"facts"}`), []byte(`{"same":"sources"}`)
	decide := func(s *Store, w gate.Work, id string) error {
		return s.Finish(ctx, w, gate.Outcome{Facts: facts, Sources: sources, Decision: &gate.Decision{ID: id, Subject: w.Mark.Subject(), Commit: "c1", At: time.Now()}})
	}
	works := claimed(t, two[0], changes(2)...)
	must(t, decide(two[0], works[0], "first"))
	commit := inside(t, two[0], patient|alone, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM decision`); err != nil {
			return err
		}
		return errors.Join(dropBlob(t, 1), dropBlob(t, 2))
	})
	kept := make(chan error, 1)
	go func() { kept <- decide(two[1], works[1], "second") }()
	waiting(t, two[0], kept)
	commit()
	must(t, <-kept)
	_, f, x, err := two[0].Decision(ctx, "second")
	if err != nil || !bytes.Equal(f, facts) || !bytes.Equal(x, sources) {
		t.Errorf("the decision has facts %q and sources %q, %v", f, x, err)
	}
}

// Transactions that touch the same subjects in any order never wait for each other in a ring.
func TestReplicasNeverWaitInARing(t *testing.T) {
	t.Parallel()
	ctx, two := context.Background(), replicas(t)
	var all sync.WaitGroup
	for i, s := range two {
		for n := range 16 {
			all.Go(func() {
				for k := range 10 {
					d := marked(fmt.Sprint(i, n, k), rand.IntN(8)+1)
					d.Marks = append(d.Marks, marked("", rand.IntN(8)+1).Marks...)
					if _, err := s.Add(ctx, d); err != nil {
						t.Error(err)
					}
					works, err := s.Claim(ctx, 2, time.Minute)
					if err != nil {
						t.Error(err)
					}
					for _, w := range works {
						o := gate.Outcome{Marks: changes(8)[rand.IntN(4):], Delays: nil, Entries: []gate.Entry{{Reason: "x"}}, Facts: fmt.Append(nil, rand.IntN(3)), Sources: []byte("s"),
							Decision: &gate.Decision{ID: fmt.Sprint("d", i, n, k, w.ID), Subject: w.Mark.Subject(), At: time.Now()}}
						if err := s.Finish(ctx, w, o); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
	}
	all.Wait()
	var rings int
	for begun := time.Now(); time.Since(begun) < 2*time.Second && rings == 0; time.Sleep(100 * time.Millisecond) { // the server tells after a while
		_, err := two[0].scan(ctx, []any{&rings}, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`)
		must(t, err)
	}
	if rings > 0 {
		t.Errorf("the server broke %d rings", rings)
	}
	must(t, two[0].VerifyAudit(ctx, &audit.Chain{}))
}

// A replica that starts leaves alone what others hold; one that ends gives back its own at once.
func TestAReplicaFreesItsOwnAlone(t *testing.T) {
	t.Parallel()
	ctx, two := context.Background(), replicas(t)
	must(t, two[0].Mark(ctx, changes(4)...))
	for _, s := range two {
		if works, err := s.Claim(ctx, 2, time.Minute); err != nil || len(works) != 2 {
			t.Fatalf("Claim = %v, %v", works, err)
		}
	}
	third, err := Open(ctx, Options{URL: two[0].opts.URL})
	must(t, err)
	defer third.Close()
	if works, err := third.Claim(ctx, 10, time.Minute); err != nil || len(works) != 0 {
		t.Errorf("a replica that starts has %v, %v, want nothing", works, err)
	}
	must(t, two[0].Close())
	if works, err := third.Claim(ctx, 10, time.Minute); err != nil || len(works) != 2 {
		t.Errorf("after one has ended there are %v, %v, want its two", works, err)
	}
}

// All replicas go by the server's clock, whatever their machines say.
func TestReplicasGoByTheServersClock(t *testing.T) {
	t.Parallel()
	two := replicas(t)
	two[0].clock.mu.Lock()
	two[0].clock.base = two[0].clock.base.Add(-time.Hour) // as if it had slept so long
	two[0].clock.mu.Unlock()
	must(t, two[0].clock.ask(context.Background(), two[0].read))
	if apart := two[0].Now().Sub(two[1].Now()).Abs(); apart > time.Second {
		t.Errorf("two replicas are %v apart", apart)
	}
}

package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

func opened(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), Options{URL: "sqlite:" + path})
	if err != nil {
		t.Fatalf("Open(%s) = %v", path, err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func marked(id string, n int) gate.Delivery {
	return gate.Delivery{Forge: "github", ID: id, Event: "push", Body: []byte(id),
		Marks: []gate.Mark{{Kind: gate.MarkChange, Forge: "github", Repo: "acme/shop", Change: n, Why: "push"}}}
}

func TestWhatCannotBeOpenedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	newer := filepath.Join(dir, "newer.db")
	s := opened(t, newer)
	must(t, s.do(context.Background(), patient, func(t *tx) error {
		_, err := t.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
		return err
	}))
	must(t, s.Close())
	held := filepath.Join(dir, "held.db")
	opened(t, held)
	for name, c := range map[string]struct{ url, want string }{
		"no port":           {"postgres://user:hunter2@host:port/db", "cannot be read as a URL"},
		"an odd password":   {"postgresql://user:hunter2/#@host/db", "cannot be read as a URL"},
		"another database":  {"mysql://user:hunter2@host/db", "mysql:…: want sqlite:PATH or postgres://"},
		"no scheme":         {"sluice.db", "want sqlite:PATH"},
		"no path":           {"sqlite:", "want sqlite:PATH"},
		"memory":            {"sqlite::memory:", "would not survive a restart"},
		"no directory":      {"sqlite:" + dir + "/none/x.db", "create the directory first"},
		"a directory":       {"sqlite:" + dir, "is a directory"},
		"not a database":    {"sqlite:" + file("text.db", []byte(strings.Repeat("not a database\n", 500))), "is not a SQLite database"},
		"a newer schema":    {"sqlite:" + newer, "made by a newer sluice"},
		"held by a process": {"sqlite:" + held, fmt.Sprintf("in use by process %d on ", os.Getpid())},
	} {
		_, err := Open(context.Background(), Options{URL: c.url})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: Open = %v, want %q", name, err, c.want)
		}
		if name == "held by a process" != errors.Is(err, ErrInUse) {
			t.Errorf("%s: Open = %v, is ErrInUse: %v", name, err, errors.Is(err, ErrInUse))
		}
	}
}

func TestTheDatabaseIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	s := opened(t, path)
	_, err := s.Add(context.Background(), marked("1", 1))
	must(t, err)
	files, _ := filepath.Glob(path + "*")
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
}

func TestAFullDiskLosesNothingThatWasAccepted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "x.db")
	s := opened(t, path)
	must(t, s.do(ctx, patient, func(t *tx) error {
		var pages int
		return t.rows(func(scan func(...any) error) error { return scan(&pages) }, "PRAGMA max_page_count = 200")
	}))
	var accepted []string
	var failure error
	for i := 0; failure == nil && i < 1000; i++ {
		d := marked(fmt.Sprint(i), i+1)
		d.Body = make([]byte, 8000)
		for j := range d.Body {
			d.Body[j] = byte(rand.Int())
		}
		if _, failure = s.Add(ctx, d); failure == nil {
			accepted = append(accepted, d.ID)
		}
	}
	if failure == nil || !strings.Contains(failure.Error(), "free some space on the disk that holds "+path) {
		t.Fatalf("Add on a full disk = %v", failure)
	}
	must(t, s.Close())
	s = opened(t, path)
	for _, id := range accepted {
		if added, err := s.Add(ctx, marked(id, 1)); added || err != nil {
			t.Errorf("delivery %s was accepted and is gone (%v)", id, err)
		}
	}
	works, err := s.Claim(ctx, 1000, time.Minute)
	if err != nil || len(works) != len(accepted) || len(accepted) == 0 {
		t.Errorf("Claim = %d pieces, %v, want %d", len(works), err, len(accepted))
	}
}

func TestReadyTellsThatNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := opened(t, filepath.Join(t.TempDir(), "x.db"))
	must(t, s.Ready(ctx))
	good := s.write
	s.write = newWriter(s.read, s.d, Options{Queue: 10}) // whose connections may not write
	t.Cleanup(func() { must(t, s.write.close()); s.write = good })
	if _, err := s.Add(ctx, marked("1", 1)); err == nil || !strings.Contains(err.Error(), "writable for the user that runs sluice") {
		t.Fatalf("Add = %v, want how to mend it", err)
	}
	if err := s.Ready(ctx); err == nil || !strings.Contains(err.Error(), "writable") {
		t.Errorf("Ready = %v, want it to look again after a failure", err)
	}
}

func TestAFailureOfOneWriteIsNotTheOthers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := opened(t, filepath.Join(t.TempDir(), "x.db"))
	started, release := make(chan struct{}), make(chan struct{})
	results := make(chan error, 3)
	go func() {
		results <- s.do(ctx, patient, func(*tx) error { close(started); <-release; return nil })
	}()
	<-started // what follows shares the next transaction
	boom := errors.New("boom")
	for _, fn := range []func(*tx) error{
		func(t *tx) error { t.exec(qSetTag, "github", "acme/shop", "v1", "c"); return boom },
		func(*tx) error { panic("odd") },
		func(t *tx) error { _, err := t.exec(qSetTag, "github", "acme/shop", "v2", "c"); return err },
	} {
		j := &job{ctx: ctx, fn: fn, done: make(chan error, 1)}
		must(t, s.write.send(j))
		go func() { results <- <-j.done }()
	}
	close(release)
	var failed int
	for range 4 {
		if err := <-results; errors.Is(err, boom) || err != nil && strings.Contains(err.Error(), "panic while writing: odd") {
			failed++
		} else if err != nil {
			t.Errorf("a good write failed: %v", err)
		}
	}
	if failed != 2 {
		t.Errorf("%d writes failed, want 2", failed)
	}
	for tag, want := range map[string]bool{"v1": false, "v2": true} {
		if _, seen, err := s.LastTag(ctx, "github", "acme/shop", tag); seen != want || err != nil {
			t.Errorf("LastTag(%s) = %v, %v, want %v", tag, seen, err, want)
		}
	}
}

// A savepoint costs a copy of each page that is touched after it, so there is none until something fails. What is run
// again then is done once.
func TestWritesAreRunAgainOnlyWhereOneFails(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := opened(t, filepath.Join(t.TempDir(), "x.db"))
	must(t, s.Mark(ctx, marked("", 1).Marks...))
	must(t, s.Mark(ctx, marked("", 2).Marks...))
	if savepoints(t, s) {
		t.Error("writes that succeed are run in savepoints")
	}
	release := holdWriter(t, s)
	results := make(chan error, 2)
	boom, runs := errors.New("boom"), 0
	var works []gate.Work
	for i, fn := range []func(){
		func() {
			var err error
			works, err = s.Claim(ctx, 5, time.Minute)
			results <- err
		},
		func() { results <- s.do(ctx, patient, func(*tx) error { runs++; return boom }) },
	} {
		go fn()
		for len(s.write.queue) <= i { // the next transaction has both, the claim first
			runtime.Gosched()
		}
	}
	release()
	for range 2 {
		if err := <-results; err != nil && !errors.Is(err, boom) {
			t.Error(err)
		}
	}
	if len(works) != 2 || works[0].ID == works[1].ID || works[0].Attempt != 1 {
		t.Errorf("Claim beside a write that fails = %+v, want each piece once, at its first attempt", works)
	}
	if runs != 2 || !savepoints(t, s) {
		t.Errorf("the write that fails was run %d times, want 2, the second in a savepoint", runs)
	}
}

// savepoints says whether the writer has ever made one.
func savepoints(t *testing.T, s *Store) (made bool) {
	t.Helper()
	must(t, s.do(context.Background(), patient, func(t *tx) error { _, made = t.texts["SAVEPOINT job"]; return nil }))
	return made
}

// holdWriter keeps the writer busy, so that what is sent meanwhile shares a transaction.
func holdWriter(t *testing.T, s *Store) (release func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- s.do(context.Background(), patient, func(*tx) error { close(begun); <-end; return nil })
	}()
	<-begun
	return func() { close(end); must(t, <-ended) }
}

func TestDeliveriesInACrowdShareAFlush(t *testing.T) {
	t.Parallel()
	var c company
	for range crowd {
		if c.crowded() {
			t.Fatal("a few deliveries are a crowd")
		}
		c.joins()()
	}
	if c.crowded() {
		t.Error("deliveries that come one after another are a crowd")
	}
	defer c.joins()()
	defer c.joins()()
	if !c.crowded() && c.has() && time.Now().UnixMilli()-c.came[c.newest] < 50 { // not on a day when this took longer than it may
		t.Error("many that come at the same time are no crowd")
	}
}

func TestWhatLingersGoesToTheDiskWithWhatDoesNot(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, err := Open(ctx, Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), Linger: time.Hour})
	must(t, err)
	must(t, s.Mark(ctx, marked("", 1).Marks...))
	works, err := s.Claim(ctx, 1, time.Minute)
	if err != nil || len(works) != 1 {
		t.Fatalf("Claim = %v, %v, want one", works, err)
	}
	finished := make(chan error, 1)
	go func() { finished <- s.Finish(ctx, works[0], gate.Outcome{}) }()
	select {
	case err := <-finished:
		t.Fatalf("Finish = %v before anything had to be flushed", err)
	case <-time.After(20 * time.Millisecond):
	}
	for done := false; !done; { // Finish may not have been sent yet
		_, err := s.Claim(ctx, 1, time.Minute) // which needs no flush
		must(t, err)
		must(t, s.Mark(ctx, marked("", 2).Marks...))
		select {
		case err := <-finished:
			must(t, err)
			done = true
		case <-time.After(time.Millisecond):
		}
	}
	works, err = s.Claim(ctx, 1, time.Minute)
	must(t, err)
	for _, w := range works {
		go func() { finished <- s.Finish(ctx, w, gate.Outcome{}) }()
	}
	time.Sleep(time.Millisecond)
	must(t, s.Close())
	for range works { // closing writes what lingers, or refuses what came later
		if err := <-finished; err != nil && !errors.Is(err, ErrClosed) {
			t.Errorf("Finish while closing = %v", err)
		}
	}
}

func TestAFullQueueRefusesDeliveriesAndLetsWorkersWait(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, err := Open(ctx, Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), Queue: 1})
	must(t, err)
	defer s.Close()
	started, release := make(chan struct{}), make(chan struct{})
	go s.do(ctx, patient, func(*tx) error { close(started); <-release; return nil })
	<-started
	must(t, s.write.send(&job{ctx: ctx, fn: func(*tx) error { return nil }, done: make(chan error, 1)}))
	if _, err := s.Add(ctx, marked("1", 1)); !errors.Is(err, ErrBusy) {
		t.Errorf("Add = %v, want ErrBusy", err)
	}
	if err := s.Ready(ctx); !errors.Is(err, ErrBusy) {
		t.Errorf("Ready = %v, want ErrBusy", err)
	}
	waited := make(chan error)
	go func() { waited <- s.Mark(ctx, marked("", 1).Marks...) }()
	close(release)
	must(t, <-waited)
}

func TestDebounceGathersAndNeverPutsOff(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	now := time.Unix(1772400000, 0)
	s, err := Open(ctx, Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), Debounce: 250 * time.Millisecond, Now: func() time.Time { return now }})
	must(t, err)
	defer s.Close()
	for i := range 3 {
		_, err := s.Add(ctx, marked(fmt.Sprint(i), 1))
		must(t, err)
		works, err := s.Claim(ctx, 1, time.Minute)
		if err != nil || len(works) != 0 {
			t.Errorf("Claim %v after the first event = %v, %v, want nothing yet", time.Duration(i)*100*time.Millisecond, works, err)
		}
		now = now.Add(100 * time.Millisecond)
	}
	works, err := s.Claim(ctx, 1, time.Minute)
	if err != nil || len(works) != 1 || len(works[0].Causes) != 3 {
		t.Errorf("Claim 300ms after the first event = %v, %v, want one with three causes", works, err)
	}
}

func TestPruningGivesSpaceBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "x.db")
	s := opened(t, path)
	for i := range 400 {
		d := marked(fmt.Sprint(i), 1)
		d.Marks = nil
		d.Body = make([]byte, 20000)
		for j := range d.Body {
			d.Body[j] = byte(rand.Int())
		}
		_, err := s.Add(ctx, d)
		must(t, err)
	}
	must(t, s.Prune(ctx, 0, -time.Hour))
	var pages, free int
	_, err := s.scan(ctx, []any{&pages}, "PRAGMA page_count")
	must(t, err)
	_, err = s.scan(ctx, []any{&free}, "PRAGMA freelist_count")
	must(t, err)
	if pages > 200 || free > 0 {
		t.Errorf("%d pages, %d free after pruning 8 MB of deliveries", pages, free)
	}
}

func TestClaimsAndReadsGoByAnIndex(t *testing.T) {
	t.Parallel()
	s := opened(t, filepath.Join(t.TempDir(), "x.db"))
	for name, c := range map[string]struct {
		text string
		args int
	}{
		"due": {qDue, 1}, "claimable": {qClaimable, 2}, "claimable of a kind": {qClaimableKind, 3}, "claim": {qClaim, 3}, "next": {qNext, 0}, "next of a kind": {qNextKind, 1},
		"causes": {qCauses, 4}, "state": {qReadState, 2}, "posted": {qReadPosted, 3}, "latest": {qLatest, 2}, "decision": {qReadDecision, 1},
		"has open": {qHasOpen, 3}, "deliveries": {qOldDeliveries, 2}, "depth": {qDepth, 2}, "forget": {qForget, 2}, "again": {qAgain, 6},
		"releases of a comment": {qReleasesOf, 5}, "releases due": {qReleasesDue, 4}, "release of a tag": {qReleaseOf, 3},
	} {
		rows, err := s.query(context.Background(), "EXPLAIN QUERY PLAN "+c.text, make([]any, c.args)...)
		must(t, err)
		must(t, each(rows, func(scan func(...any) error) error {
			var id, parent, unused int
			var step string
			err := scan(&id, &parent, &unused, &step)
			if strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "INDEX") {
				t.Errorf("%s: %s", name, step)
			}
			return err
		}))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// body is like GitHub's: 25 KB that pack to a tenth.
func body() []byte {
	var b strings.Builder
	for b.Len() < 25_600 {
		fmt.Fprintf(&b, `{"id":%d,"node_id":"MDQ6VXNlcj%d","url":"https://api.github.com/repos/acme/shop/pulls/%d","type":"User"},`,
			rand.Int32(), rand.Int32(), rand.IntN(1000))
	}
	return []byte(b.String())
}

func BenchmarkAdd(b *testing.B) {
	for name, most := range map[string]int{"grouped": 256, "one transaction each": 1} {
		b.Run(name, func(b *testing.B) {
			s := opened(b, filepath.Join(b.TempDir(), "x.db"))
			s.write.most = most
			text := body()
			var n atomic.Int64
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					d := marked(fmt.Sprint(i), int(i%400)+1)
					d.Body = text
					if _, err := s.Add(context.Background(), d); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkClaimAndFinish(b *testing.B) {
	s := opened(b, filepath.Join(b.TempDir(), "x.db"))
	ctx := context.Background()
	for i := 0; b.Loop(); i++ {
		must(b, s.Mark(ctx, marked("", i%400+1).Marks...))
		works, err := s.Claim(ctx, 1, time.Minute)
		must(b, err)
		for _, w := range works {
			must(b, s.Finish(ctx, w, gate.Outcome{}))
		}
	}
}

func BenchmarkOpenExisting(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.db")
	s := opened(b, path)
	for i := range 2000 {
		d := marked(fmt.Sprint(i), i+1)
		d.Body = body()
		_, err := s.Add(context.Background(), d)
		must(b, err)
	}
	must(b, s.Close())
	for b.Loop() {
		s, err := Open(context.Background(), Options{URL: "sqlite:" + path})
		must(b, err)
		must(b, s.Ready(context.Background()))
		must(b, s.Close())
	}
}

// What starting costs for the look at the ends of every table, beside the rest.
func BenchmarkGlance(b *testing.B) {
	s := opened(b, filepath.Join(b.TempDir(), "x.db"))
	for i := range 2000 {
		d := marked(fmt.Sprint(i), i+1)
		d.Body = body()
		_, err := s.Add(context.Background(), d)
		must(b, err)
	}
	var pages, size int64
	_, err := s.scan(context.Background(), []any{&pages}, "PRAGMA page_count")
	must(b, err)
	_, err = s.scan(context.Background(), []any{&size}, "SELECT sum(length(body)) FROM delivery")
	must(b, err)
	for b.Loop() {
		must(b, glance(context.Background(), s.read))
	}
	b.ReportMetric(float64(pages*4096)/2000, "B/delivery")
	b.ReportMetric(float64(size)/2000, "B-body/delivery")
}

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// writer is what writes: it runs closures in the order they came, as many as are waiting in one transaction, and tells
// their senders only when that is on disk. One fsync then serves them all, which on an ordinary disk is worth a factor of
// fifteen and more. Where one of them fails, all are run again, each by itself. SQLite has one pen for all; PostgreSQL
// has several, which take from the same queue.
type writer struct {
	db     *sql.DB
	d      dialect
	queue  chan *job
	pens   sync.WaitGroup
	mu     sync.RWMutex // held for reading while sending, for writing while closing
	closed bool
	most   int           // closures that share a transaction: enough to be fast, few enough to keep each one's wait short
	linger time.Duration // how long calm ones may wait for others to share a transaction with
	step   func(Step)    // may be nil
}

// Step is where a writing transaction is, and what it writes first.
type Step struct {
	Of string // delivery, claim or work
	At string // begun, written, kept: before its writes, before its commit, before its senders are told
}

// at tells of a step.
func (w *writer) at(where string, batch []*job) {
	if w.step == nil {
		return
	}
	of := "work"
	switch p := batch[0].p; {
	case p&hasty != 0:
		of = "delivery"
	case p&light != 0:
		of = "claim"
	}
	w.step(Step{of, where})
}

// pen is one of a writer's goroutines, with a connection and statements of its own.
type pen struct {
	*writer
	current *tx       // nil after it broke
	lax     bool      // commits on it are not flushed at the moment
	flushed time.Time // when the last transaction that may be flushed began
}

// job is one closure on its way.
type job struct {
	ctx  context.Context
	p    patience
	fn   func(*tx) error
	lock []string // what it may touch, by name: see names.go
	err  error
	done chan error
}

// patience says what a sender does about a full queue, and about a context that ends while the job waits; and what may
// be done to make its transaction cheaper.
type patience int

const (
	patient patience = 0         // waits for room and for the answer: what was begun is known to be done or not
	hasty   patience = 1 << iota // ErrBusy when full; goes away with its context, and then may or may not be stored
	calm                         // nobody waits for what comes of it: it may linger until others go to the disk
	light                        // a power cut may take it back, for the next start does so anyway: it needs no flush
	alone                        // it holds rows without their names: where others write beside it, it shares no transaction
)

func newWriter(db *sql.DB, d dialect, o Options) *writer {
	return startWriter(db, d, &writer{queue: make(chan *job, o.Queue), most: 256, linger: o.Linger, step: o.Step}, 1)
}

func startWriter(db *sql.DB, d dialect, w *writer, pens int) *writer {
	w.db, w.d = db, d
	for range pens {
		w.pens.Go((&pen{writer: w}).run)
	}
	return w
}

// do has fn run by a writer, and returns after its transaction is on disk. fn may run SQL and nothing else. It may be run
// several times: where another that shares its transaction fails, and where a database server ends a transaction, what the
// earlier run wrote is rolled back. names are those of what fn reads in order to write, or writes beside others.
func (s *Store) do(ctx context.Context, p patience, fn func(*tx) error, names ...string) error {
	if err := s.whole(); err != nil {
		return err
	}
	j := &job{ctx: ctx, p: p, fn: fn, lock: names, done: make(chan error, 1)}
	if err := s.lane(p).send(j); err != nil {
		return err
	}
	if p&hasty != 0 {
		select {
		case err := <-j.done:
			return s.told(err)
		case <-ctx.Done():
			return fmt.Errorf("wait for the store: %w", context.Cause(ctx))
		}
	}
	return s.told(<-j.done)
}

// lane is the writer for it. Where there are two, a burst of deliveries does not keep workers waiting, nor they it.
func (s *Store) lane(p patience) *writer {
	if p&hasty == 0 && s.work != nil {
		return s.work
	}
	return s.write
}

// told explains an error, and has Ready look again after one that an operator should do something about.
func (s *Store) told(err error) error {
	explained := s.explain(err)
	if explained != err { //nolint:errorlint // whether it is the very same
		s.healthy.Store(0)
	}
	return explained
}

func (w *writer) send(j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	select {
	case w.queue <- j:
		return nil
	default:
	}
	if j.p&hasty != 0 {
		return ErrBusy
	}
	select {
	case w.queue <- j:
		return nil
	case <-j.ctx.Done():
		return fmt.Errorf("wait for the store: %w", context.Cause(j.ctx))
	}
}

// close lets the writer finish what is queued.
func (w *writer) close() error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	already := w.closed
	w.closed = true
	w.mu.Unlock()
	if already {
		return nil
	}
	close(w.queue)
	w.pens.Wait()
	return nil
}

func (w *pen) run() {
	defer w.drop()
	var batch, lingering []*job
	over := time.NewTimer(0)
	for open := true; open; {
		batch, open = w.gather(batch[:0], len(lingering), over.C)
		// Where nothing was flushed for so long there is nobody to wait for.
		flush := !open || len(batch) == 0 || time.Since(w.flushed) >= w.linger
		for _, j := range batch {
			flush = flush || j.p&(calm|light) == 0
		}
		if !flush { // what must be flushed can wait, so it does
			if len(lingering) == 0 {
				over.Reset(w.linger)
			}
			n := 0
			for _, j := range batch {
				if j.p&calm != 0 {
					lingering = append(lingering, j)
				} else {
					batch[n], n = j, n+1
				}
			}
			batch = batch[:n]
			flush = len(lingering) >= w.most
		}
		if flush {
			w.flushed = time.Now()
			lingering = append(lingering, batch...)
			w.commit(lingering)
			clear(lingering) // let go of bodies
			lingering = lingering[:0]
		} else if len(batch) > 0 {
			w.commit(batch)
		}
		clear(batch)
	}
}

// gather waits for a job, or until those that linger have done so for long enough, and takes what else is waiting. It
// returns false when there will be no more.
func (w *pen) gather(batch []*job, lingering int, over <-chan time.Time) (_ []*job, open bool) {
	if lingering == 0 {
		over = nil
	}
	select {
	case <-over:
		return batch, true
	case j, ok := <-w.queue:
		if !ok {
			return batch, false
		}
		batch = append(batch, j)
	}
	for len(batch)+lingering < w.most {
		select {
		case j, ok := <-w.queue:
			if !ok {
				return batch, false
			}
			batch = append(batch, j)
		default:
			return batch, true
		}
	}
	return batch, true
}

// commit runs the closures and tells their senders.
func (w *pen) commit(batch []*job) {
	if len(batch) == 0 {
		return
	}
	if w.d.begin == nil {
		w.settle(batch)
	} else {
		w.sort(batch)
	}
	for _, j := range batch {
		j.done <- j.err
	}
}

// sort runs what may share a transaction in one, then what must be alone, each in its own.
func (w *pen) sort(batch []*job) {
	var shared, cheap []*job
	for _, j := range batch {
		switch {
		case j.p&alone != 0:
			w.settle([]*job{j})
		case j.p&light != 0:
			cheap = append(cheap, j)
		default:
			shared = append(shared, j)
		}
	}
	for _, together := range [][]*job{shared, cheap} {
		if len(together) > 0 {
			w.settle(together)
		}
	}
}

// settle runs the closures in one transaction, and leaves with each what came of it. What fails alone fails alone; what
// breaks the transaction fails all. What a server ends before its commit is begun anew a few times.
func (w *pen) settle(batch []*job) {
	lax := !slices.ContainsFunc(batch, func(j *job) bool { return j.p&light == 0 })
	for try := 0; ; try++ {
		failed, err := w.together(batch, lax)
		if failed == nil && err == nil {
			return
		}
		cause := err
		if err == nil {
			cause = failed.err
		} else {
			w.drop()
		}
		if w.d.again != nil && w.d.again(cause, try) {
			continue
		}
		if err == nil && len(batch) > 1 {
			if err = w.apart(batch, lax); err != nil {
				w.drop()
			}
		}
		for _, j := range batch {
			if err != nil {
				j.err = err
			}
		}
		return
	}
}

// together runs the closures with nothing between them, for a savepoint costs a copy of every page that is touched after
// it. It returns the one that failed; then nothing was kept.
func (w *pen) together(batch []*job, lax bool) (failed *job, err error) {
	t, err := w.begin(batch, lax)
	if err != nil {
		return nil, err
	}
	defer t.end()
	w.at("begun", batch)
	last := batch[0]
	for _, j := range batch {
		if j.err = j.ctx.Err(); j.err != nil {
			continue
		}
		if j.err = j.call(t); j.err != nil {
			return j, w.rollback(t, j.err)
		}
		last = j
	}
	if err := t.enter(); err != nil {
		last.err = err
		return last, w.rollback(t, err)
	}
	w.at("written", batch)
	if err := w.d.commit(t); err != nil {
		return nil, err
	}
	w.at("kept", batch)
	return nil, nil
}

// rollback undoes the transaction. Its error says that the database has done so by itself: a full disk, say.
func (w *pen) rollback(t *tx, cause error) error {
	if _, err := t.exec("ROLLBACK"); err != nil {
		return errors.Join(cause, err)
	}
	return nil
}

// apart runs the closures so that one that fails takes nothing with it: each in a savepoint of its own, or, where a failure
// ends more than its savepoint, each in its own transaction.
func (w *pen) apart(batch []*job, lax bool) error {
	if w.d.begin != nil {
		for _, j := range batch {
			w.settle([]*job{j})
		}
		return nil
	}
	t, err := w.begin(batch, lax)
	for i := 0; err == nil && i < len(batch); i++ {
		err = batch[i].run(t)
	}
	if err == nil {
		err = w.d.commit(t)
	}
	return err
}

// begin opens a transaction on the pen's connection, which it makes anew after a failure. The commit of a lax one is not
// flushed; the next that is not lax flushes it with its own.
func (w *pen) begin(batch []*job, lax bool) (*tx, error) {
	if w.current == nil {
		conn, err := w.db.Conn(w.d.patience())
		if err != nil {
			return nil, err
		}
		w.current = &tx{conn: conn, d: w.d, texts: map[string]*sql.Stmt{}}
		if w.d.ready != "" {
			if _, err := conn.ExecContext(context.Background(), w.d.ready); err != nil {
				return nil, err
			}
		}
	}
	t := w.current
	t.late, t.ctx = nil, context.Background()
	if w.d.begin != nil {
		return t, w.d.begin(t, batch, lax)
	}
	if lax != w.lax && w.d.relax != "" {
		text := w.d.relax
		if !lax {
			text = w.d.tighten
		}
		if _, err := t.conn.ExecContext(context.Background(), text); err != nil {
			return nil, err
		}
		w.lax = lax
	}
	_, err := t.exec("BEGIN IMMEDIATE")
	return t, err
}

// drop closes the connection, and so rolls back whatever is open on it: after a full disk or a lost file nothing on it
// is certain.
func (w *pen) drop() {
	if w.current == nil {
		return
	}
	w.current.close()
	w.current, w.lax = nil, false
}

// run runs the closure in a savepoint. It returns an error only when the transaction as a whole is broken.
func (j *job) run(t *tx) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil
	}
	if _, err := t.exec("SAVEPOINT job"); err != nil {
		return err
	}
	if j.err = j.call(t); j.err == nil {
		j.err = t.enter()
	}
	if j.err != nil {
		t.late = nil
		if _, err := t.exec("ROLLBACK TO job"); err != nil {
			return errors.Join(j.err, err) // the database has rolled all of it back by itself: a full disk, say
		}
	}
	_, err := t.exec("RELEASE job")
	return err
}

func (j *job) call(t *tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while writing: %v\n%s", p, debug.Stack())
		}
	}()
	return j.fn(t)
}

// tx is the transaction that a closure writes in.
type tx struct {
	conn  *sql.Conn
	d     dialect
	texts map[string]*sql.Stmt
	ctx   context.Context // of the transaction: how long a server may take over it
	stop  func()          // ends that
	late  []gate.Entry    // tidy entries for the audit log, which are written last
}

// end lets go of what only this transaction has.
func (t *tx) end() {
	if t.stop != nil {
		t.stop()
	}
	t.stop, t.late = nil, nil
}

// exec runs a text that returns no rows and says how many it changed.
func (t *tx) exec(text string, args ...any) (int64, error) {
	stmt, err := t.prepared(text)
	if err != nil {
		return 0, err
	}
	r, err := stmt.ExecContext(t.ctx, clean(args)...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// row reads at most one row into dest and says whether there was one.
func (t *tx) row(dest []any, text string, args ...any) (bool, error) {
	stmt, err := t.prepared(text)
	if err != nil {
		return false, err
	}
	err = stmt.QueryRowContext(t.ctx, clean(args)...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// rows hands each row to scan. scan must not use the transaction: the rows are still open.
func (t *tx) rows(scan func(scan func(...any) error) error, text string, args ...any) error {
	stmt, err := t.prepared(text)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(t.ctx, clean(args)...)
	if err != nil {
		return err
	}
	return each(rows, scan)
}

// each hands every row to scan and closes the rows.
func each(rows *sql.Rows, scan func(scan func(...any) error) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t *tx) prepared(text string) (*sql.Stmt, error) {
	if stmt, ok := t.texts[text]; ok {
		return stmt, nil
	}
	stmt, err := t.conn.PrepareContext(t.ctx, t.d.text(text))
	if err != nil {
		return nil, err
	}
	t.texts[text] = stmt
	return stmt, nil
}

func (t *tx) close() {
	for _, stmt := range t.texts {
		stmt.Close()
	}
	t.conn.Raw(func(any) error { return driver.ErrBadConn }) //nolint:errcheck // this is how a pool is told not to keep it
	t.conn.Close()
}

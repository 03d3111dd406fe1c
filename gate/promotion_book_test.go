package gate_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// A ledger is the store in memory, with the store's own semantics: work is coalesced by its key and fenced by tokens, what
// came of it is written in one transaction, a request makes one promotion, and one promotion of an environment is under
// way. It keeps a page of every transaction, so that it can be asked what was written at any instant.
type ledger struct {
	mu       sync.Mutex
	rows     []*row
	pages    []*page
	states   map[string]gate.SubjectState
	latest   map[string]*gate.Decision
	kept     map[string]*gate.Decision
	seen     map[string]gate.EnvironmentSeen
	receipt  int64
	finished int
	due      *time.Timer
	wake     func()
	wrong    func(format string, args ...any)
}

// page is what the book says from an instant on. Nothing on it is changed.
type page struct {
	at         time.Time
	promotions []*gate.Promotion
	acts       []gate.PromotionAct
	locks      []gate.LockState
	overrides  []gate.Override
}

type row struct {
	id, token, attempt, wanted, done int64
	mark                             gate.Mark
	held                             bool
	next, since                      time.Time // next zero: at rest
	causes                           []cause
}

type cause struct {
	seq       int64
	mark      gate.Mark
	delivered bool
}

var (
	errLost     = errors.New("this work was taken over by another worker")
	errNotGated = errors.New("the promotion is not gated, or another one is under way")
)

func newLedger(wake func(), wrong func(string, ...any)) *ledger {
	return &ledger{states: map[string]gate.SubjectState{}, latest: map[string]*gate.Decision{}, kept: map[string]*gate.Decision{},
		seen: map[string]gate.EnvironmentSeen{}, pages: []*page{{at: time.Now()}}, wake: wake, wrong: wrong}
}

func (l *ledger) page() *page { return l.pages[len(l.pages)-1] }

// since are the pages that were open at an instant or later.
func (l *ledger) since(t time.Time) []*page {
	i := len(l.pages) - 1
	for i > 0 && l.pages[i].at.After(t) {
		i--
	}
	return l.pages[i:]
}

func (p *page) promotion(id string) *gate.Promotion {
	for _, x := range p.promotions {
		if x.ID == id {
			return x
		}
	}
	return nil
}

// of are the promotions of an environment, newest first.
func (p *page) of(environment string) (list []*gate.Promotion) {
	for _, x := range p.promotions {
		if strings.EqualFold(x.Environment, environment) {
			list = append(list, x)
		}
	}
	slices.SortStableFunc(list, func(a, b *gate.Promotion) int {
		return cmp.Or(b.At.Compare(a.At), b.Attempt-a.Attempt, strings.Compare(a.ID, b.ID))
	})
	return list
}

// write is a transaction: fn changes a copy of the newest page, which counts when it returns no error. It may reserve one
// promotion.
func (l *ledger) write(reserves string, fn func(*page) error) error {
	next := *l.page()
	next.at = time.Now()
	next.promotions, next.acts, next.locks, next.overrides = slices.Clip(next.promotions), slices.Clip(next.acts), slices.Clip(next.locks), slices.Clip(next.overrides)
	if err := fn(&next); err != nil {
		return err
	}
	l.lawful(l.page(), &next, reserves)
	l.pages = append(l.pages, &next)
	return nil
}

// keep writes what an outcome says of environments and promotions.
func (p *page) keep(l *ledger, o gate.Outcome) error {
	for _, x := range o.Requests {
		p.ask(x)
	}
	for _, x := range o.Promotions {
		p.promote(x)
	}
	for _, a := range o.Acts {
		if !slices.ContainsFunc(p.acts, func(b gate.PromotionAct) bool { return b.Promotion == a.Promotion && b.Key == a.Key }) {
			p.acts = append(p.acts, a)
		}
	}
	for _, x := range o.Locks {
		p.locks = append(slices.DeleteFunc(slices.Clone(p.locks), func(y gate.LockState) bool { return y.ID == x.ID }), x)
	}
	for _, x := range o.Overrides {
		p.overrides = append(slices.DeleteFunc(slices.Clone(p.overrides), func(y gate.Override) bool { return y.Comment == x.Comment && y.Check == x.Check }), x)
	}
	for _, e := range p.environments() {
		if n := p.underWay(e); n > 1 {
			return fmt.Errorf("UNIQUE constraint: %d are under way in %s", n, e)
		}
	}
	for _, x := range o.Seen {
		l.seen[strings.ToLower(x.Name)] = x
	}
	return nil
}

func (p *page) ask(x gate.Promotion) {
	attempt := 1
	for _, y := range p.promotions {
		if same := strings.EqualFold(x.Environment, y.Environment); same && y.Request == x.Request || y.ID == x.ID {
			return
		} else if same && y.Commit == x.Commit {
			attempt = max(attempt, y.Attempt+1)
		}
	}
	x.Attempt = attempt
	p.promotions = append(p.promotions, &x)
}

func (p *page) promote(x gate.Promotion) {
	p.promotions = slices.Clone(p.promotions)
	for i, y := range p.promotions {
		if y.ID == x.ID {
			x.Attempt, x.Also = y.Attempt, slices.Clone(x.Also)
			p.promotions[i] = &x
		}
	}
}

func (p *page) environments() (names []string) {
	for _, x := range p.promotions {
		if !slices.Contains(names, x.Environment) {
			names = append(names, x.Environment)
		}
	}
	return names
}

func (p *page) underWay(environment string) (n int) {
	for _, x := range p.promotions {
		if x.State == gate.Deploying && x.Environment == environment {
			n++
		}
	}
	return n
}

// command is what the work on a comment, a merge or a call of the API leaves behind; from then on it is accepted.
func (l *ledger) command(o gate.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.write("", func(p *page) error { return p.keep(l, o) }); err != nil {
		l.wrong("a command could not be written: %v", err)
	}
	for _, m := range o.Marks {
		l.bump(m, false, time.Now(), time.Now())
	}
	l.arm()
}

// deliver is a delivery that was accepted.
func (l *ledger) deliver(marks ...gate.Mark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range marks {
		l.bump(m, true, time.Now(), time.Now())
	}
	l.arm()
}

const deadAfter = 12

func (l *ledger) bump(m gate.Mark, delivered bool, now, due time.Time) {
	i := slices.IndexFunc(l.rows, func(r *row) bool { return r.mark.Kind == m.Kind && r.mark.Key() == m.Key() })
	if i < 0 {
		identity := m
		identity.Why, identity.Detail, identity.Commit = "", "", ""
		if m.Kind == gate.MarkHead {
			identity.Commit = m.Commit
		}
		l.rows = append(l.rows, &row{id: int64(len(l.rows) + 1), mark: identity, next: due, since: now})
		i = len(l.rows) - 1
	} else if r := l.rows[i]; !r.held && (r.attempt == 0 || r.attempt >= deadAfter && delivered) && (r.next.IsZero() || r.next.After(due)) {
		r.next = due
	}
	r := l.rows[i]
	r.wanted++
	if r.since.IsZero() {
		r.since = now
	}
	l.receipt++
	m.At, m.Receipt = now, l.receipt
	for j := range r.causes {
		if c := &r.causes[j]; !delivered && !c.delivered && c.seq > r.done && c.mark.Why == m.Why && c.mark.Detail == m.Detail && c.mark.Commit == m.Commit {
			c.seq = r.wanted
			return
		}
	}
	r.causes = append(r.causes, cause{r.wanted, m, delivered})
}

// arm has the workers woken when the next piece of work is due.
func (l *ledger) arm() {
	var first time.Time
	for _, r := range l.rows {
		if !r.next.IsZero() && (first.IsZero() || r.next.Before(first)) {
			first = r.next
		}
	}
	if first.IsZero() {
		return
	}
	if l.due != nil {
		l.due.Stop()
	}
	l.due = time.AfterFunc(max(time.Until(first), 0), l.wake)
}

func (l *ledger) claim(n int, now time.Time, lease time.Duration) (works []gate.Work) {
	ready := slices.DeleteFunc(slices.Clone(l.rows), func(r *row) bool { return r.next.IsZero() || r.next.After(now) })
	slices.SortStableFunc(ready, func(a, b *row) int { return a.next.Compare(b.next) })
	for _, r := range ready[:min(n, len(ready))] {
		if r.since.IsZero() {
			r.since = r.next
		}
		r.next, r.held, r.token, r.attempt = now.Add(lease), true, r.token+1, r.attempt+1
		w := gate.Work{ID: r.id, Token: r.token, Seen: r.wanted, Attempt: r.attempt, Mark: r.mark, Since: r.since}
		for _, c := range r.causes {
			if c.seq > r.done && c.seq <= r.wanted {
				w.Causes = append(w.Causes, c.mark)
			}
		}
		slices.SortStableFunc(w.Causes, func(a, b gate.Mark) int { return cmp.Compare(a.Receipt, b.Receipt) })
		if w.Mark.Why = "timer"; len(w.Causes) > 0 {
			last := w.Causes[len(w.Causes)-1]
			w.Mark.Why, w.Mark.Detail = last.Why, last.Detail
		}
		works = append(works, w)
	}
	if len(works) > 0 {
		l.arm()
	}
	return works
}

// held is the row of work whose token is the newest.
func (l *ledger) held(w gate.Work) *row {
	if r := l.rows[w.ID-1]; r.held && r.token == w.Token {
		return r
	}
	return nil
}

func (l *ledger) finish(w gate.Work, o gate.Outcome, now time.Time) error {
	r := l.held(w)
	if r == nil {
		return errLost
	}
	if err := l.write("", func(p *page) error { return p.keep(l, o) }); err != nil {
		return err
	}
	r.done, r.held, r.attempt, r.since, r.next = w.Seen, false, 0, time.Time{}, o.Next
	r.causes = slices.DeleteFunc(r.causes, func(c cause) bool { return c.seq <= w.Seen })
	if r.wanted > r.done {
		r.next = now
	}
	if !o.Kept {
		l.retain(o.Decision)
		o.Marks = append(slices.Clip(o.Marks), o.Beside...)
	}
	if o.Subject != nil {
		l.states[w.Mark.Subject().Key()] = *o.Subject
	}
	for i, m := range o.Marks {
		due := now
		if i < len(o.Delays) {
			due = now.Add(o.Delays[i])
		}
		l.bump(m, false, now, due)
	}
	l.finished++
	l.arm()
	return nil
}

func (l *ledger) retain(d *gate.Decision) {
	if d == nil {
		return
	}
	if l.kept[d.ID] != nil {
		l.wrong("decision %s is kept twice", d.ID)
	}
	l.kept[d.ID] = d
}

func (l *ledger) fail(w gate.Work, now time.Time, after time.Duration) error {
	r := l.held(w)
	if r == nil {
		return errLost
	}
	least := 5 * time.Minute
	if after <= 0 {
		after, least = min(time.Second<<min(r.attempt-1, 9), 5*time.Minute), time.Hour
	}
	if r.attempt >= deadAfter {
		after = max(after, least)
	}
	r.held, r.next = false, now.Add(after)
	l.arm()
	return nil
}

// reserve is one transaction: the work is held, the promotion may go, and no other one is under way.
func (l *ledger) reserve(w gate.Work, p gate.Promotion, k *gate.Kept, now time.Time) error {
	if r := l.held(w); r == nil || !r.next.After(now) {
		return errLost
	}
	return l.write(p.ID, func(g *page) error {
		for _, x := range g.of(p.Environment) {
			if x.ID != p.ID && x.State == gate.Deploying {
				return errNotGated
			}
		}
		x := g.promotion(p.ID)
		if x == nil || !x.Waiting() && (x.State != gate.Deploying || x.Deployment != 0) {
			return errNotGated
		}
		g.promote(p)
		if k != nil {
			l.retain(k.Decision)
		}
		return nil
	})
}

// legal are the moves that the contract knows: what waits may be let through, overtaken, called off or rejected; what is
// under way ends in one of three ways, or goes back where nothing was made; what is live proves itself or does not.
var legal = map[gate.State][]gate.State{
	gate.Requested: {gate.Gated, gate.Superseded, gate.Cancelled},
	gate.Gated:     {gate.Superseded, gate.Cancelled, gate.Failed},
	gate.Deploying: {gate.Gated, gate.Live, gate.Failed, gate.Cancelled},
	gate.Live:      {gate.Verified, gate.Failed, gate.RolledBack, gate.Superseded},
	gate.Verified:  {gate.RolledBack},
}

// reaches says whether legal moves lead from one state to another, within one look.
func reaches(from, to gate.State) bool {
	return from == to || slices.ContainsFunc(legal[from], func(s gate.State) bool { return reaches(s, to) })
}

// lawful holds a transaction to the rules of promise 2: every move is legal, what was made is never forgotten, and only
// a reservation has something under way.
func (l *ledger) lawful(before, after *page, reserves string) {
	for _, x := range after.promotions {
		was := before.promotion(x.ID)
		if was == x {
			continue
		}
		switch {
		case was == nil && x.State != gate.Requested:
			l.wrong("promotion %s begins as %s", x.ID, x.State)
		case was == nil:
		case x.ID == reserves && x.State == gate.Deploying && was.Waiting():
		case !reaches(was.State, x.State):
			l.wrong("promotion %s of %.8s to %s went from %s to %s (%s)", x.ID, x.Commit, x.Environment, was.State, x.State, x.Why)
		case was.Deployment != 0 && x.Deployment != was.Deployment:
			l.wrong("promotion %s forgot its deployment %d", x.ID, was.Deployment)
		case was.Request != x.Request || was.Commit != x.Commit || was.Environment != x.Environment || !was.At.Equal(x.At):
			l.wrong("promotion %s became another", x.ID)
		}
	}
	for _, x := range before.promotions {
		if after.promotion(x.ID) == nil {
			l.wrong("promotion %s was lost", x.ID)
		}
	}
}

// A register is one process's way to the ledger: each call takes time, and may break before or after it is done.
type register struct {
	*ledger
	r *replica
}

var (
	_ gate.Queue  = register{}
	_ gate.Memory = register{}
	_ gate.Book   = register{}
)

func (d register) call(ctx context.Context, name string, fn func() error) error {
	return d.r.await(ctx, name, func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		return fn()
	})
}

func (d register) Claim(ctx context.Context, n int, lease time.Duration) (works []gate.Work, err error) {
	if d.idle() { // costs no time, as looking into an empty queue does not
		return nil, nil
	}
	err = d.call(ctx, "Claim", func() error { works = d.claim(n, d.r.now(), lease); return nil })
	if err != nil {
		return nil, err
	}
	return works, nil
}

func (d register) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.r.now()
	return !slices.ContainsFunc(d.rows, func(r *row) bool { return !r.next.IsZero() && !r.next.After(now) })
}

func (d register) Extend(ctx context.Context, w gate.Work, lease time.Duration) error {
	return d.call(ctx, "Extend", func() error {
		r := d.held(w)
		if r == nil {
			return errLost
		}
		r.next = d.r.now().Add(lease)
		return nil
	})
}

func (d register) Finish(ctx context.Context, w gate.Work, o gate.Outcome) error {
	return d.call(ctx, "Finish", func() error { return d.finish(w, o, d.r.now()) })
}

func (d register) Fail(ctx context.Context, w gate.Work, _ string, after time.Duration) error {
	return d.call(ctx, "Fail", func() error { return d.fail(w, d.r.now(), after) })
}

func (d register) Mark(ctx context.Context, marks ...gate.Mark) error {
	return d.call(ctx, "Mark", func() error {
		for _, m := range marks {
			d.bump(m, false, d.r.now(), d.r.now())
		}
		d.arm()
		return nil
	})
}

func (d register) Reserve(ctx context.Context, w gate.Work, p gate.Promotion, k *gate.Kept, _ []gate.Entry) error {
	return d.call(ctx, "Reserve", func() error { return d.reserve(w, p, k, d.r.now()) })
}

func (d register) Environment(ctx context.Context, _, _, name string) (b *gate.EnvironmentBook, err error) {
	err = d.call(ctx, "Book", func() error {
		g := d.page()
		b = &gate.EnvironmentBook{}
		for _, x := range g.of(name) {
			c := *x
			c.Also = slices.Clone(x.Also)
			b.Promotions = append(b.Promotions, c)
		}
		for _, a := range g.acts {
			if p := g.promotion(a.Promotion); p != nil && strings.EqualFold(p.Environment, name) && (p.State == gate.Requested || p.State == gate.Gated || p.State == gate.Deploying) {
				b.Acts = append(b.Acts, a)
			}
		}
		for _, x := range g.locks {
			if x.Lifted.IsZero() && (x.Lock.Environment == "" || strings.EqualFold(x.Lock.Environment, name)) {
				b.Locks = append(b.Locks, x)
			}
		}
		if s, ok := d.seen[strings.ToLower(name)]; ok {
			s.Outside = slices.Clone(s.Outside)
			b.Seen = &s
		}
		return nil
	})
	return b, err
}

func (d register) Environments(ctx context.Context, _, _ string) (list []gate.EnvironmentSeen, err error) {
	err = d.call(ctx, "Book", func() error {
		for _, name := range places {
			if s, ok := d.seen[name]; ok {
				list = append(list, s)
			}
		}
		return nil
	})
	return list, err
}

func (d register) Promotions(ctx context.Context, _, _, commit string, limit int) (list []gate.Promotion, err error) {
	err = d.call(ctx, "Book", func() error {
		for _, x := range d.page().promotions {
			if (commit == "" || x.Commit == commit) && len(list) < limit {
				list = append(list, *x)
			}
		}
		return nil
	})
	return list, err
}

func (d register) Promotion(ctx context.Context, id string) (p *gate.Promotion, err error) {
	err = d.call(ctx, "Book", func() error {
		if x := d.page().promotion(id); x != nil {
			c := *x
			p = &c
		}
		return nil
	})
	return p, err
}

func (d register) Awaited(ctx context.Context, _, _, commit string) (names []string, err error) {
	err = d.call(ctx, "Book", func() error {
		for _, x := range d.page().promotions {
			open := slices.Contains([]gate.State{gate.Requested, gate.Gated, gate.Deploying, gate.Live}, x.State)
			if x.Commit == commit && open && !slices.Contains(names, x.Environment) {
				names = append(names, x.Environment)
			}
		}
		return nil
	})
	return names, err
}

func (d register) State(ctx context.Context, s checks.Subject) (st *gate.SubjectState, err error) {
	err = d.call(ctx, "Memory", func() error {
		if x, ok := d.states[s.Key()]; ok {
			st = &x
		}
		return nil
	})
	return st, err
}

func (d register) Latest(ctx context.Context, s checks.Subject) (found *gate.Decision, _ []byte, err error) {
	err = d.call(ctx, "Memory", func() error { found = d.latest[s.Key()]; return nil })
	return found, nil, err
}

func (d register) OpenSubjects(ctx context.Context, _, _, _ string) (list []checks.Subject, err error) {
	err = d.call(ctx, "Memory", func() error {
		for n := 1; n <= len(d.latest); n++ {
			if s := changeAt(n); d.states[s.Key()].Open {
				list = append(list, s)
			}
		}
		return nil
	})
	return list, err
}

// Acts are the overrides; what is held is nothing here.
func (d register) Acts(ctx context.Context, s checks.Subject) (a gate.Acts, err error) {
	err = d.call(ctx, "Memory", func() error {
		for _, o := range d.page().overrides {
			if o.Ended.IsZero() && o.Comment>>32 == int64(s.Change) {
				a.Overrides = append(a.Overrides, o)
			}
		}
		return nil
	})
	return a, err
}

func (register) Asked(context.Context, string) (*gate.Ask, error) { return nil, nil }
func (register) Incidents(context.Context, string, string, time.Time) ([]gate.Incident, error) {
	return nil, nil
}
func (register) Posted(context.Context, checks.Subject, string) ([]gate.Posted, error) {
	return nil, nil
}
func (register) OpenAt(context.Context, string, string, string) ([]checks.Subject, error) {
	return nil, nil
}
func (register) Moved(context.Context, checks.Subject, int64, string) (bool, time.Time, error) {
	return false, time.Time{}, nil
}
func (register) OverridesOf(context.Context, checks.Subject, int64) ([]gate.Override, error) {
	return nil, nil
}
func (register) Comment(context.Context, gate.Mark) (*gate.CommentState, error)   { return nil, nil }
func (register) Groups(context.Context, checks.Subject) ([]checks.Subject, error) { return nil, nil }
func (register) LatestQueued(context.Context, checks.Subject) (*gate.Decision, error) {
	return nil, nil
}
func (register) Branch(context.Context, string, string, string) (*gate.BranchSeen, error) {
	return nil, nil
}
func (register) Branches(context.Context, string) ([]gate.BranchSeen, error) { return nil, nil }
func (d register) Decided(ctx context.Context, id string) (found *gate.Decision, err error) {
	err = d.call(ctx, "Book", func() error { found = d.kept[id]; return nil })
	return found, err
}
func (d register) Keep(ctx context.Context, w gate.Work, o gate.Outcome) error {
	return d.call(ctx, "Keep", func() error {
		if r := d.held(w); r == nil || !r.next.After(d.r.now()) {
			return errLost
		}
		d.retain(o.Decision)
		for _, m := range o.Beside {
			d.bump(m, false, d.r.now(), d.r.now())
		}
		return nil
	})
}

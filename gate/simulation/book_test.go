package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// book is what the oracle writes down of what the engine read, wrote and did.
type book struct {
	w         *world
	leases    map[held]time.Time // by true time; gone when given back
	newest    map[int64]int64    // token, by piece of work
	had       map[string]bool    // deliveries that were accepted
	overrides []overriding
	holds     map[int][]holding
	locks     []locking
	openRead  map[string]bool // heads that were once read while the gate was open by what was read
	made      map[string]int64
	granted   map[string]int
}

type held struct{ id, token int64 }

type overriding struct {
	at     time.Time
	change int
	gate.Override
}

type holding struct {
	at time.Time
	gate.Hold
}

type locking struct {
	at time.Time
	gate.LockState
}

// reading is what was once served to a worker.
type reading struct {
	begun, served time.Time // by true time
	at            time.Time // by the reader's clock
	remembered    time.Time // when what people said was read before, by true time
	change        *change
	version       *version
	commit        string
}

func (b *book) begins() {
	b.leases, b.newest, b.had, b.holds = map[held]time.Time{}, map[int64]int64{}, map[string]bool{}, map[int][]holding{}
	b.openRead, b.made, b.granted = map[string]bool{}, map[string]int64{}, map[string]int{}
}

// handed is work that was claimed: by one at a time, each time under a new token.
func (b *book) handed(p *process, works []gate.Work, lasts time.Duration) {
	for _, k := range works {
		before := held{k.ID, b.newest[k.ID]}
		if k.Token <= before.token {
			b.w.wrong("work %d was handed out under token %d after %d", k.ID, k.Token, before.token)
		}
		if until, is := b.leases[before]; is && until.After(time.Now()) {
			b.w.wrong("work %d was handed to p%d, and somebody holds it for %v", k.ID, p.number, time.Until(until))
		}
		delete(b.leases, before)
		b.hears(k, false)
		b.newest[k.ID], b.leases[held{k.ID, k.Token}] = k.Token, time.Now().Add(lasts)
		b.w.note("p%d is handed %s %s, %d.%d, because of %d: %s", p.number, k.Mark.Kind, k.Mark.Key(), k.ID, k.Token, len(k.Causes), k.Mark.Why)
	}
}

// kept is a lease that was extended.
func (b *book) kept(k gate.Work, err error, lasts time.Duration) {
	if err != nil {
		return
	}
	if b.newest[k.ID] != k.Token {
		b.w.wrong("the lease on work %d was extended for token %d, and %d is the newest", k.ID, k.Token, b.newest[k.ID])
	}
	b.leases[held{k.ID, k.Token}] = time.Now().Add(lasts)
}

// over is work that was given back.
func (b *book) over(k gate.Work, err error) {
	if err != nil {
		return
	}
	if _, is := b.leases[held{k.ID, k.Token}]; !is || b.newest[k.ID] != k.Token {
		b.w.wrong("work %d was given back by token %d, and %d is the newest", k.ID, k.Token, b.newest[k.ID])
	}
	delete(b.leases, held{k.ID, k.Token})
}

// hears writes down how far a comment is.
func (b *book) hears(k gate.Work, done bool) {
	if k.Mark.Kind != gate.MarkComment {
		return
	}
	for _, c := range b.w.comments {
		if c.id == k.Mark.Comment {
			c.attempt, c.heard = k.Attempt, c.heard || done
		}
	}
}

// heardOut holds whatever lets through to what was said before: it may be that it must not. What failed too often to be looked
// at again counts no more.
func (w *world) heardOut(change int, begun time.Time, what string) {
	for _, c := range w.comments {
		if c.change == change && !c.told.IsZero() && c.told.Before(begun) && !c.heard && c.attempt < 12 {
			w.wrong("%s is let through, and comment %d (%s), received %v before it was judged, is not worked off", what, c.id, c.body, begun.Sub(c.told))
		}
	}
}

// wrote is what came of work, and is kept.
func (b *book) wrote(k gate.Work, o gate.Outcome) {
	now := time.Now()
	b.hears(k, true)
	if k.Mark.Kind == gate.MarkChange && o.Subject != nil && o.Subject.Open {
		b.w.change(k.Mark.Change).known = true
	}
	if c := b.w.change(k.Mark.Change); k.Mark.Kind == gate.MarkChange && o.Subject != nil && o.Subject.Merged {
		c.carried = c.carried || slices.ContainsFunc(k.Causes, func(m gate.Mark) bool { return m.Why == "carried" })
	}
	for _, x := range o.Overrides {
		b.overrides = append(b.overrides, overriding{now, k.Mark.Change, x})
	}
	for _, e := range o.Entries {
		if e.Kind == gate.EntryOverride && e.Outcome == "granted" {
			b.grants(k, e)
		}
	}
	if o.Hold != nil {
		b.holds[k.Mark.Change] = append(b.holds[k.Mark.Change], holding{now, *o.Hold})
	}
	for _, l := range o.Locks {
		b.locks = append(b.locks, locking{now, l})
	}
}

// grants holds an override to promise 5, and to being given once.
func (b *book) grants(k gate.Work, e gate.Entry) {
	w := b.w
	w.seen.overridden++
	if b.granted[e.URL+e.Check]++; b.granted[e.URL+e.Check] > 1 {
		w.wrong("the override of %s by %s was given %d times", e.Check, e.URL, b.granted[e.URL+e.Check])
	}
	i := slices.IndexFunc(w.comments, func(c *comment) bool { return c.id == k.Mark.Comment })
	if i < 0 {
		w.wrong("an override of %s on #%d by no comment", e.Check, k.Mark.Change)
		return
	}
	c, x := w.comments[i], w.change(k.Mark.Change)
	took := c.by == x.author || slices.ContainsFunc(w.commitsOf(x, e.Commit), func(m checks.Commit) bool { return m.Author.Login == c.by })
	switch word, _ := c.word(); {
	case word != "override" || c.change != x.number:
		w.wrong("an override of %s on #%d by comment %d, which asks for %q on #%d", e.Check, x.number, c.id, c.body, c.change)
	case x.now().state == "merged" && e.Commit == x.now().mergeCommit: // for its promotions
		if c.at.Before(x.now().at.Truncate(time.Second)) {
			w.wrong("comment %d was written before #%d was merged, and overrides %s for its promotions", c.id, x.number, e.Check)
		}
	case c.head != e.Commit && w.firstHead(x, e.Commit).Truncate(time.Second).After(c.at):
		w.wrong("comment %d was written about %.8s, and overrides %s for %.8s", c.id, c.head, e.Check, e.Commit)
	case !w.has(c.by, "admin", c.at) || took && x.now().state == "open":
		w.wrong("comment %d overrides %s on #%d, and %s may not", c.id, e.Check, x.number, c.by)
	case !c.edited.IsZero() && c.edited.Before(k.Causes[0].At):
		w.wrong("comment %d overrides %s, and was edited before that", c.id, e.Check)
	}
}

// firstHead is when a commit first was the head of a change.
func (b *book) firstHead(c *change, head string) time.Time {
	for _, v := range c.versions {
		if v.head() == head {
			return v.headAt
		}
	}
	return time.Now()
}

func (b *book) commitsOf(c *change, head string) []checks.Commit {
	for _, v := range c.versions {
		if v.head() == head {
			return v.commits
		}
	}
	return nil
}

// has says whether somebody had a right at any instant from then on.
func (b *book) has(who, right string, from time.Time) bool {
	if b.w.permission(who, from.Add(-10*time.Second)) == right || b.w.permission(who, from) == right {
		return true
	}
	return slices.ContainsFunc(b.w.rights, func(r authority) bool { return r.who == who && r.has == right && r.at.After(from) })
}

// read writes down that a gate was open by what was read.
func (b *book) read(x *reading) {
	if len(b.shut(x)) == 0 {
		b.openRead[x.version.head()] = true
	}
}

// post is a check that is written on a commit.
func (w *world) post(by *worker, f *checks.Facts, p gate.Post) gate.Posted {
	w.seen.posts++
	if p.Name == "sluice/gate" && opens(p.State()) {
		w.seen.opened++
		x := by.readings[f]
		switch {
		case x == nil:
			w.wrong("an open gate on %.8s by what nobody read", p.Commit)
		case p.Commit != x.version.head():
			w.wrong("an open gate on %.8s by what was read of %.8s", p.Commit, x.version.head())
		default:
			w.heardOut(x.change.number, x.begun, p.Commit)
			if why := w.shut(x); len(why) > 0 {
				w.wrong("an open gate on #%d at %.8s, which is shut: %s; served %v: %+v %v", x.change.number, p.Commit, strings.Join(why, ", "), x.served, *x.version, w.peopleAt(x.served))
			}
		}
	}
	k := check{at: time.Now(), name: p.Name, state: p.State(), title: p.Title, summary: p.Summary, x: p.ExternalID, ours: true}
	if p.Known != nil && slices.ContainsFunc(w.checks[p.Commit], func(o check) bool { return o.id == p.Known.ID && o.ours }) {
		k.id = p.Known.ID
	} else {
		k.id = w.id()
	}
	w.checks[p.Commit] = append(w.checks[p.Commit], k)
	return gate.Posted{Name: p.Name, Commit: p.Commit, ID: k.id, Node: fmt.Sprint(k.id), Digest: p.Digest, State: k.state}
}

func opens(state string) bool { return state == "success" || state == "neutral" || state == "skipped" }

// deploy is asked at the very moment at which a deployment comes into being.
func (w *world) deploy(by *worker, s checks.Subject, o gate.Order) int64 {
	w.seen.deployed++
	d := &deployment{id: w.id(), environment: s.Environment, commit: s.Commit, promotion: o.Promotion, at: time.Now(), by: app}
	p, err := w.store.Promotion(context.Background(), o.Promotion)
	switch {
	case err != nil || p == nil || p.Commit != s.Commit || !strings.EqualFold(p.Environment, s.Environment):
		w.wrong("a deployment of %.8s to %s for promotion %s, which is none of it: %v", s.Commit, s.Environment, o.Promotion, err)
	case w.made[p.ID] != 0 || w.made[p.Environment+p.Request] != 0:
		w.wrong("a second deployment for promotion %s (%s), after %d", p.ID, p.Request, w.made[p.Environment+p.Request])
	default:
		w.made[p.ID], w.made[p.Environment+p.Request] = d.id, d.id
		w.lets(by, p, o)
	}
	w.deployments = append(w.deployments, d)
	w.tellOf(d, "deployment.created")
	w.pipeline(d)
	return d.id
}

// lets holds a deployment to promise 1.
func (w *world) lets(by *worker, p *gate.Promotion, o gate.Order) {
	d, _, _, err := w.store.Decision(context.Background(), o.Decision)
	if err != nil || !d.Open || d.Commit != p.Commit {
		w.wrong("promotion %s is deployed on a decision that is not kept, or not open: %v", p.ID, err)
	}
	x := by.readings[p.Environment]
	switch {
	case p.State != gate.Deploying:
		w.wrong("promotion %s is deployed, and is %s", p.ID, p.State)
	case x == nil || x.commit != p.Commit:
		w.wrong("promotion %s is deployed, and was never judged", p.ID)
	case time.Since(x.begun) > time.Minute:
		w.wrong("promotion %s is deployed, and was judged %v before", p.ID, time.Since(x.begun))
	default:
		if by.reserved.IsZero() || x.begun.Before(by.reserved) {
			w.wrong("promotion %s is deployed, and was not judged again after it was reserved", p.ID)
		}
		if c, _ := w.commit(p.Commit); c != nil && c.change != 0 {
			w.heardOut(c.change, x.begun, "promotion "+p.ID)
		}
		if why := w.shutFor(p, x); len(why) > 0 {
			w.wrong("promotion %s of %.8s to %s, %s by %s, is deployed while shut: %s", p.ID, p.Commit, p.Environment, p.How, p.By.Login, strings.Join(why, ", "))
		}
	}
}

// answer is what is said to a comment, once.
func (w *world) answer(s checks.Subject, to string, known int64, body string) int64 {
	r := w.replies[to]
	switch {
	case r != nil && r.id == known:
		r.body = body
		return r.id
	case r != nil:
		w.wrong("a second answer to %s on #%d", to, s.Change)
	}
	w.seen.answered++
	w.replies[to] = &reply{w.id(), body, s.Change}
	return w.replies[to].id
}

func (w *world) unanswered(to string) {
	for _, c := range w.comments {
		if fmt.Sprint(c.id) == to {
			c.failures++
		}
	}
}

package store

import (
	"hash/fnv"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// On SQLite a transaction is the only one that writes. On PostgreSQL there are others, in this process and in its replicas,
// and what a closure reads in order to write must not change before it has written. So each job says by name what it
// touches, and its transaction takes a lock on every name that its jobs say, in one order that is everybody's, before the
// first statement: two transactions never wait for each other in a ring, and what one reads the other has committed. What
// cannot be named beforehand is locked by its row, and is never waited for: {lock} skips what somebody has. The
// end of the audit log comes last of all; whoever has it only commits.

// stripes is how many locks there are for all names: few enough for the server's table of locks, enough that two names
// hardly ever share one.
const stripes = 1 << 14

// auditStripe is the lock on the end of the audit log. It is no name's.
const auditStripe = stripes

// stripe is the lock of a name.
func stripe(name string) int32 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return int32(h.Sum64() % stripes)
}

// stripesOf are the locks that a batch takes, in everybody's order, each once.
func stripesOf(batch []*job) []int32 {
	var all []int32
	for _, j := range batch {
		for _, name := range j.lock {
			all = append(all, stripe(name))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

const qLock = `SELECT pg_advisory_xact_lock(CAST($1 AS integer), CAST($2 AS integer))`

// lock has the transaction wait for the end of the audit log. What it reads of it afterwards nobody else changes before this
// one commits.
func (t *tx) lock(what string) error {
	if t.d.begin == nil {
		return nil
	}
	of := int32(auditStripe)
	if what != "audit" {
		of = stripe(what)
	}
	_, err := t.exec(qLock, lockSpace, of)
	return err
}

func nameOf(parts ...string) string { return strings.Join(parts, "\x00") }

func subjectName(kind, key string) string { return nameOf("subject", kind, key) }

func environmentName(forge, repo, environment string) string {
	return nameOf("environment", forge, fold(repo), fold(environment))
}

// marksNames are the subjects that marks raise. A comment reads the head of its change, by the order in which deliveries
// were kept: so it takes the change too.
func (s *Store) marksNames(marks []gate.Mark) (names []string) {
	if s.d.begin == nil {
		return nil
	}
	for _, m := range marks {
		names = append(names, subjectName(string(m.Kind), m.Key()))
		if m.Kind == gate.MarkComment && m.Change != 0 {
			names = append(names, subjectName(string(gate.MarkChange), m.Subject().Key()))
		}
	}
	return names
}

// deliveryNames are what keeping a delivery touches.
func (s *Store) deliveryNames(d gate.Delivery) []string {
	if s.d.begin == nil {
		return nil
	}
	names := append(s.marksNames(d.Marks), nameOf("delivery", d.Forge, d.ID))
	if d.Account != "" && d.Install != 0 && !s.known(d) {
		names = append(names, nameOf("installation", d.Forge, fold(d.Account)))
	}
	return names
}

// workNames are what finishing a piece of work touches.
func (s *Store) workNames(w gate.Work, o gate.Outcome) []string {
	if s.d.begin == nil {
		return nil
	}
	names := append(s.marksNames(o.Marks), subjectName(string(w.Mark.Kind), w.Mark.Key()))
	subject := func(of checks.Subject) {
		if of.Change != 0 || of.Tag != "" || of.Group != "" || of.Environment != "" {
			names = append(names, subjectName(string(of.Kind), of.Key()))
		}
	}
	subject(w.Mark.Subject())
	if o.Decision != nil {
		subject(o.Decision.Subject)
	}
	for _, k := range o.Also {
		if k.Decision != nil {
			subject(k.Decision.Subject)
		}
	}
	for _, n := range o.Notices {
		names = append(names, nameOf("notice", n.ID))
		for _, target := range s.targets(n) {
			m := gate.Mark{Kind: gate.MarkNotice, Target: target}
			names = append(names, subjectName(string(m.Kind), m.Key()))
		}
	}
	for _, r := range o.Releases {
		names = append(names, releaseName(r))
	}
	return append(names, environmentsNames(o)...)
}

// environmentsNames are the environments of an outcome: what is asked for there is counted, and one is under way at a time.
func environmentsNames(o gate.Outcome) (names []string) {
	for _, p := range slices.Concat(o.Requests, o.Promotions) {
		names = append(names, environmentName(p.Forge, p.Repo, p.Environment))
	}
	for _, l := range o.Locks {
		names = append(names, environmentName(l.Forge, l.Repo, l.Lock.Environment), nameOf("lock", l.Forge, fold(l.Repo), l.ID))
	}
	for _, i := range o.Incidents {
		names = append(names, nameOf("incident", i.Forge, fold(i.Repo), i.ID))
	}
	for _, e := range o.Seen {
		names = append(names, environmentName(e.Forge, e.Repo, e.Name))
	}
	for _, a := range o.Acts {
		names = append(names, nameOf("act", a.Promotion))
	}
	if b := o.Branch; b != nil {
		names = append(names, nameOf("branch", b.Forge, fold(b.Repo), b.Name))
	}
	if o.Asked != nil {
		names = append(names, nameOf("ask", o.Asked.ID))
	}
	return names
}

func releaseName(r gate.Release) string {
	return nameOf("release", r.Subject.Forge, fold(r.Subject.Repo))
}

// names are the blobs that a record keeps, by their content.
func (r *record) names() (names []string) {
	for _, b := range []packed{r.facts, r.sources} {
		if b.digest != "" {
			names = append(names, nameOf("blob", b.digest))
		}
	}
	return names
}

// clean makes texts fit for a database that insists on valid UTF-8 without NUL: what a forge sends must never make a write
// fail. Both databases get the same.
func clean(args []any) []any {
	for i, a := range args {
		if text, ok := a.(string); ok && (!utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0) {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
		}
	}
	return args
}

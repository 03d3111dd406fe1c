package pretend

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits are GitHub's, per installation; 0 stands for its own number, below 0 for none. At GitLab Core are requests of one
// account in a minute, and 0 is none, as on instances of one's own; the others are of what notes and the like it makes.
type Limits struct {
	Core    int // requests an hour: 5000
	GraphQL int // points an hour: 5000
	// Creations of content, over REST and GraphQL together: GitHub allows 80 a minute and 500 an hour. 0: none.
	PerMinute, PerHour int
}

// SetLimits changes the limits, and forgets what was used.
func (f *Forge) SetLimits(l Limits) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limits, f.meter.buckets, f.meter.created = l, nil, nil
}

// Call is one request that was answered.
type Call struct {
	At        time.Time
	Method    string
	Route     string // "GET /repos/{owner}/{repo}/pulls/{number}", "graphql query Facts", "graphql mutation Post"
	Path      string
	Status    int // 0: the connection was broken
	Points    int // GraphQL's, by its formula
	Write     bool
	Token     bool // it only asked for a token
	Mutations int  // how many fields a mutation had
}

type meter struct {
	calls   []Call
	buckets map[string]*bucket
	created map[int64][]time.Time // by installation, within the last hour
}

type bucket struct {
	limit, used int
	reset       time.Time
}

// Calls are all since the last ResetCalls.
func (f *Forge) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.meter.calls)
}

// ResetCalls forgets the calls that were counted.
func (f *Forge) ResetCalls() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meter.calls = nil
}

// Counts are the calls by route, tokens left out.
func (f *Forge) Counts() map[string]int {
	counts := map[string]int{}
	for _, c := range f.Calls() {
		if !c.Token {
			counts[c.Route]++
		}
	}
	return counts
}

// Traffic counts reads and writes, tokens left out.
func (f *Forge) Traffic() (reads, writes int) {
	for _, c := range f.Calls() {
		switch {
		case c.Token:
		case c.Write:
			writes++
		default:
			reads++
		}
	}
	return reads, writes
}

// bucket is what the caller has of a resource in this hour; f is locked.
func (m *meter) bucket(f *Forge, t *token, resource string) *bucket {
	key, window := resource, time.Hour
	switch {
	case f.lab != nil:
		key, window = resource+strconv.FormatInt(t.user.ID, 10), time.Minute
	case t != nil && t.install != nil:
		key += strconv.FormatInt(t.install.ID, 10)
	}
	limit := f.limits.Core
	if resource == "graphql" {
		limit = f.limits.GraphQL
	}
	if limit == 0 {
		limit = 5000
	}
	if m.buckets == nil {
		m.buckets = map[string]*bucket{}
	}
	b := m.buckets[key]
	if b == nil || !f.now().Before(b.reset) {
		b = &bucket{reset: f.now().UTC().Truncate(time.Second).Add(window)}
		m.buckets[key] = b
	}
	if b.limit = limit; limit < 0 {
		b.limit = 1 << 30
	}
	return b
}

// create books n creations of content, or says after how long there is room again.
func (m *meter) create(f *Forge, t *token, n int) (ok bool, after time.Duration) {
	if t.install == nil && f.lab == nil || f.limits.PerMinute <= 0 && f.limits.PerHour <= 0 {
		return true, 0
	}
	if m.created == nil {
		m.created = map[int64][]time.Time{}
	}
	now, id := f.now(), t.id()
	if f.lab != nil {
		id = t.user.ID
	}
	past := slices.DeleteFunc(m.created[id], func(at time.Time) bool { return !at.After(now.Add(-time.Hour)) })
	full := func(within time.Duration, limit int) {
		recent := slices.IndexFunc(past, func(at time.Time) bool { return at.After(now.Add(-within)) })
		if limit > 0 && recent >= 0 && len(past)-recent+n > limit {
			after = max(after, past[recent].Add(within).Sub(now))
		}
	}
	full(time.Minute, f.limits.PerMinute)
	full(time.Hour, f.limits.PerHour)
	if after > 0 {
		m.created[id] = past
		return false, after
	}
	for range n {
		past = append(past, now)
	}
	m.created[id] = past
	return true, 0
}

// Fault is something that goes wrong with the next requests that match.
type Fault struct {
	Route  string        // part of Call.Route, or of the path; "": any, tokens left out
	Count  int           // how many requests; 0: one; below 0: all
	Skip   int           // how many matching ones go well before
	Behind string        // begins only when such a request has come, named as Route is; "": at once
	Status int           // answer with this
	Body   string        // beside Status; "": GitHub's words
	Header http.Header   // beside Status
	Reset  bool          // break the connection
	Cut    bool          // answer half of what was to be said
	After  bool          // do what was asked first: only the answer is lost
	Delay  time.Duration // wait so long; alone, nothing else is wrong
	Second bool          // refuse for the secondary limit; Header may carry Retry-After
}

// Fail adds a fault. Faults are tried in the order added.
func (f *Forge) Fail(x Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if x.Count == 0 {
		x.Count = 1
	}
	f.faults = append(f.faults, &x)
}

// Heal removes all faults.
func (f *Forge) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// fault is the one that hits the request, or nil; f is locked.
func (f *Forge) fault(route, path string) *Fault {
	named := func(by string) bool { return strings.Contains(route, by) || strings.Contains(path, by) }
	defer func() { // what is behind this request begins with the next
		for _, x := range f.faults {
			if x.Behind != "" && named(x.Behind) {
				x.Behind = ""
			}
		}
	}()
	for _, x := range f.faults {
		if x.Count == 0 || x.Behind != "" || x.Route == "" && strings.HasSuffix(path, "/access_tokens") || !named(x.Route) {
			continue
		}
		if x.Skip > 0 {
			x.Skip--
			continue
		}
		if x.Count > 0 {
			x.Count--
		}
		return x
	}
	return nil
}

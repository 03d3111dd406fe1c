package github

import (
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks"
)

// place is what readings of one environment have wanted so far. All of it only says what to ask for at once.
type place struct {
	mu     sync.Mutex
	spelt  []string // how its name is written at GitHub, as far as that was seen
	texts  []string // of the commit
	groups []string
	made   int64     // the newest deployment that was made here
	madeAt time.Time // ... and when
}

// expect decides what the first request asks for besides: what earlier readings of the environment wanted.
func (st *standing) expect() {
	st.place.mu.Lock()
	defer st.place.mu.Unlock()
	st.spelt = slices.Clone(st.place.spelt)
	if st.p == nil {
		return
	}
	for _, path := range st.place.texts {
		if !st.remembered(st.head, path) {
			st.reading.asked.head = once(st.reading.asked.head, path, foreseen)
		}
	}
	for _, name := range st.place.groups {
		if _, ok := st.group(name); !ok && len(st.asking) < 10 {
			st.asking = append(st.asking, name)
		}
	}
}

// place is what is remembered of an environment. GitHub takes names that differ in case for one environment, but filters
// deployments by the very name: the likely spellings are asked for from the beginning.
func (m *memory) place(s checks.Subject) *place {
	key := strings.ToLower(s.Repo + ">" + s.Environment)
	if p, ok := m.places.Get(key); ok {
		p.spell(s.Environment)
		return p
	}
	p := &place{}
	lower, upper := strings.ToLower(s.Environment), strings.ToUpper(s.Environment)
	_, first := utf8.DecodeRuneInString(lower)
	p.spell(s.Environment, lower, strings.ToUpper(lower[:first])+lower[first:], upper)
	if old, ok := m.places.PeekOrAdd(key, p); ok {
		return old
	}
	return p
}

// spell adds spellings, and says whether one is new.
func (p *place) spell(names ...string) (fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range names {
		if !slices.Contains(p.spelt, n) && len(p.spelt) < 32 {
			p.spelt, fresh = append(p.spelt, n), true
		}
	}
	return fresh
}

// How many commits of a history are read at once, and how many of a server that gives up on those.
const (
	deepest = 100
	shallow = 20
)

func (m *memory) depth() int {
	if m.shallow.Load() {
		return shallow
	}
	return deepest
}

// remember keeps what the next reading of the environment will profit from.
func (st *standing) remember() {
	var texts []string
	for _, t := range st.wanted {
		if t.Side == checks.Head && !slices.Contains(texts, t.Path) {
			texts = append(texts, t.Path)
		}
	}
	st.place.mu.Lock()
	defer st.place.mu.Unlock()
	st.place.texts, st.place.groups = texts, append(sortedKeys(st.f.Teams), sortedKeys(st.f.Orgs)...)
}

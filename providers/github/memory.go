package github

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/providers/cache"
	"github.com/sluicegate/sluice/providers/compare"
)

// memory is what is kept to save calls. All of it may be lost at any time. What is keyed by object ids cannot go out of
// date; the rest only says what to ask for, or is kept for a minute.
type memory struct {
	diffs   *weighed[diffKey, *difference]
	texts   *weighed[textKey, checks.Text]
	trees   *weighed[string, []compare.Entry] // by repository and tree id
	bases   *cache.Counted[diffKey, string]   // merge base of (tip, head)
	changes *cache.Counted[string, *prior]    // by subject
	repos   *cache.Counted[string, *habit]    // by repository
	stale   *cache.Counted[string, time.Time] // by subject and head: when it was first missed
	hints   *cache.Counted[diffKey, []string] // paths that a push told of, by head
	noted   *cache.Counted[int64, bool]       // by check run: has it annotations?
	rights  *cache.Counted[rightKey, rightAt]
	groups  *cache.Counted[string, groupAt] // "acme/operations", or "acme" for the organisation
	tags    *cache.Counted[string, tagList]
	sets    *weighed[string, *policy.Set] // by what the policies say

	places  *cache.Counted[string, *place]           // by environment
	spans   *weighed[diffKey, *stretch]              // what one commit has and another has not
	upon    *cache.Counted[diffKey, string]          // a commit of the default branch that contains another one
	bringer *cache.Counted[diffKey, compare.Carrier] // the merged change into a branch (from) that brought a commit (to)
	origins *cache.Counted[diffKey, int]             // number of the change that a commit came from
	touched *cache.Counted[string, originFiles]      // by change
	patches *cache.Counted[diffKey, compare.Patch]   // by commit
	self    atomic.Int64                             // the App's own account; 0: not told yet

	noQueues atomic.Bool // the server does not know merge queues
	shallow  atomic.Bool // the server gave up on a long history
}

type (
	diffKey struct{ repo, from, to string }
	textKey struct{ repo, commit, path string }

	// prior is what the last reading of a change found.
	prior struct {
		head, start, base string // commits; branch
		texts             []checks.Text
	}
	rightKey struct {
		repo string
		id   int64
	}
	rightAt struct {
		permission string
		at         time.Time
	}
	groupAt struct {
		group checks.Group
		why   string // of a gap
		next  string // cursor to read on from
		at    time.Time
	}
	tagList struct {
		total int
		tags  []checks.Tag // newest first
		at    time.Time
	}
)

// habit is what readings of one repository have wanted so far.
type habit struct {
	mu          sync.Mutex
	node        string
	defaults    string            // default branch
	tips        map[string]string // tip by branch, as last seen
	texts       []checks.Text     // wanted by the last reading
	teams, orgs []string
	crowded     bool // more collaborators than one page shows: ask by name
	barred      bool // collaborators may not be listed
	internal    bool // visible to an enterprise
	read        bool // texts, teams and orgs are known
	alone       bool // owned by a person: there is no organisation's policy
}

func newMemory() *memory {
	return &memory{
		diffs:   newWeighed[diffKey, *difference](12<<20, 4096),
		texts:   newWeighed[textKey, checks.Text](12<<20, 16384),
		trees:   newWeighed[string, []compare.Entry](12<<20, 64),
		bases:   cache.Of[diffKey, string](8192),
		changes: cache.Of[string, *prior](8192),
		repos:   cache.Of[string, *habit](2048),
		stale:   cache.Of[string, time.Time](1024),
		hints:   cache.Of[diffKey, []string](2048),
		noted:   cache.Of[int64, bool](8192),
		rights:  cache.Of[rightKey, rightAt](8192),
		groups:  cache.Of[string, groupAt](256),
		tags:    cache.Of[string, tagList](256),
		sets:    newWeighed[string, *policy.Set](4<<20, 256),

		places:  cache.Of[string, *place](1024),
		spans:   newWeighed[diffKey, *stretch](8<<20, 1024),
		upon:    cache.Of[diffKey, string](4096),
		bringer: cache.Of[diffKey, compare.Carrier](16384),
		origins: cache.Of[diffKey, int](4096),
		touched: cache.Of[string, originFiles](512),
		patches: cache.Of[diffKey, compare.Patch](8192),
	}
}

// policy loads what is in force, each set of sources once. One that is broken is loaded each time.
func (m *memory) policy(sources []policy.Source) (*policy.Set, error) {
	key, bytes := policy.Digest(sources...), 1<<10
	if set, ok := m.sets.get(key); ok {
		return set, nil
	}
	set, err := policy.Load(sources...)
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		bytes += len(s.Text)
	}
	m.sets.add(key, set, bytes)
	return set, nil
}

func (m *memory) habit(repo string) *habit {
	key := strings.ToLower(repo)
	if h, ok := m.repos.Get(key); ok {
		return h
	}
	h := &habit{tips: map[string]string{}}
	if old, ok := m.repos.PeekOrAdd(key, h); ok {
		return old
	}
	return h
}

// weighed is a cache bounded by weight, in bytes about, and by number.
type weighed[K comparable, V any] struct{ cache *cache.Weighed[K, V] }

func newWeighed[K comparable, V any](most, number int) *weighed[K, V] {
	return &weighed[K, V]{cache.New[K, V](most, number)}
}

func (w *weighed[K, V]) get(k K) (V, bool)       { return w.cache.Get(k) }
func (w *weighed[K, V]) add(k K, v V, bytes int) { w.cache.Add(k, v, bytes) }

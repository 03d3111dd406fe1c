package gitlab

import (
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/providers/cache"
	"github.com/sluicegate/sluice/providers/compare"
)

// How long what may change is believed. What is keyed by commits cannot go out of date.
const (
	fleeting    = time.Minute      // rights, memberships
	settled     = 5 * time.Minute  // what GitLab would show a trace of in the merge request itself
	lasting     = time.Hour        // whose address it is, and that an account is gone or no person's
	personKept  = 24 * time.Hour   // that an account is a person's: it is made as what it is
	tagsKept    = 10 * time.Minute // tags and the groups' policies, unless an event tells of one
	tipKept     = 15 * time.Minute // where a branch is that changes show has not moved, unless an event tells of one
	placeKept   = 15 * time.Minute // how a project is called and who may see it, for facts
	unknownKept = 10 * time.Minute // that an address is nobody's
)

// memory is what is kept to save calls. All of it may be lost at any time.
type memory struct {
	diffs   *cache.Weighed[pair, *difference]
	texts   *cache.Weighed[textKey, checks.Text] // of whole commits
	trees   *cache.Weighed[pair, []compare.Entry]
	lists   *cache.Weighed[pair, []string]      // paths of whole commits
	latest  *cache.Counted[string, string]      // the commit listed last, by project
	steps   *cache.Weighed[pair, *difference]   // by the commit that they lead to
	sets    *cache.Weighed[string, *policy.Set] // by what the policies say
	changes *cache.Counted[string, *prior]      // by subject
	tips    *cache.Counted[pair, tipAt]         // by branch
	floors  *cache.Counted[floorKey, floorAt]   // the groups' policies
	ranks   *cache.Counted[rankKey, rankAt]
	groups  *cache.Counted[groupKey, groupAt]
	kinds   *cache.Counted[int64, kindAt]     // by account
	mails   *cache.Counted[mailKey, mailAt]   // accounts by address
	names   *cache.Counted[int64, nameAt]     // projects by id
	tags    *cache.Counted[string, tagsAt]    // by project
	shown   *cache.Counted[shownKey, shownAt] // statuses by pipeline
	stale   *cache.Counted[string, time.Time] // by subject and head: when it was first missed
	asleep  *cache.Counted[string, time.Time] // projects without a policy, or without anybody at work
	told    *cache.Counted[string, time.Time] // projects of which it was said that they are to be read ahead
	soon    *cache.Counted[string, bool]      // changes of which that was read which their next event wants
	ahead   *cache.Counted[string, string]    // the commit whose files were read ahead last, by project
}

type (
	pair    struct{ repo, from, to string }
	textKey struct{ repo, commit, path string }
	rankKey struct {
		repo string
		id   int64
	}
	groupKey struct {
		token int64
		name  string
	}
	floorKey struct {
		token   int64 // what one may not see, another may
		project string
	}
	mailKey struct {
		token   int64
		address string
	}

	// prior is what the last reading of a change found.
	prior struct {
		mark    mark
		tip     string
		labels  []labelEvent
		reviews map[opinionKey]string // commits that approvals are of
		at      time.Time             // when labels were read
		votes   votes
	}
	tipAt struct {
		commit string
		policy string // path of the policy that was found there; "" none
		at     time.Time
		heard  string // when it was read
	}
	rankAt struct {
		right string
		at    time.Time
	}
	groupAt struct {
		group checks.Group
		why   string // of a gap
		at    time.Time
	}
	kindAt struct {
		kind string
		at   time.Time
	}
	mailAt struct {
		who checks.Person
		at  time.Time
	}
	nameAt struct {
		name string
		at   time.Time
	}
	tagsAt struct {
		tags  []checks.Tag
		why   string // of a gap
		at    time.Time
		heard string // when it was read
	}
	floorAt struct {
		source *policy.Source
		at     time.Time
		heard  string // when it was read
	}
)

func newMemory() *memory {
	return &memory{
		diffs:   cache.New[pair, *difference](16<<20, 4096),
		texts:   cache.New[textKey, checks.Text](12<<20, 16384),
		trees:   cache.New[pair, []compare.Entry](12<<20, 64),
		lists:   cache.New[pair, []string](12<<20, 256),
		latest:  cache.Of[string, string](1024),
		steps:   cache.New[pair, *difference](8<<20, 1024),
		sets:    cache.New[string, *policy.Set](4<<20, 256),
		changes: cache.Of[string, *prior](8192),
		tips:    cache.Of[pair, tipAt](4096),
		floors:  cache.Of[floorKey, floorAt](1024),
		ranks:   cache.Of[rankKey, rankAt](8192),
		groups:  cache.Of[groupKey, groupAt](256),
		kinds:   cache.Of[int64, kindAt](8192),
		mails:   cache.Of[mailKey, mailAt](8192),
		names:   cache.Of[int64, nameAt](1024),
		tags:    cache.Of[string, tagsAt](256),
		shown:   cache.Of[shownKey, shownAt](8192),
		stale:   cache.Of[string, time.Time](1024),
		asleep:  cache.Of[string, time.Time](8192),
		told:    cache.Of[string, time.Time](8192),
		soon:    cache.Of[string, bool](8192),
		ahead:   cache.Of[string, string](8192),
	}
}

// policy loads what is in force, each set of sources once. One that is broken is loaded each time.
func (m *memory) policy(sources []policy.Source) (*policy.Set, error) {
	key, bytes := policy.Digest(sources...), 1<<10
	if set, ok := m.sets.Get(key); ok {
		return set, nil
	}
	set, err := policy.Load(sources...)
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		bytes += len(s.Text)
	}
	m.sets.Add(key, set, bytes)
	return set, nil
}

// within says whether something is not older than it may be.
func (c *Client) within(at time.Time, limit time.Duration) bool {
	age := c.opts.Now().Sub(at)
	return age >= 0 && age < limit
}

// kept is limit for a look, and a third of that for what is read ahead of one: it shall be believed until the next sweep, as a rule.
func (r *reading) kept(limit time.Duration) time.Duration {
	if r.early {
		return limit / 3
	}
	return limit
}

func lower(repo string) string { return strings.ToLower(repo) }

package gitlab

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/cache"
)

// promoting is what is remembered for promotions. All of it may be lost at any time.
type promoting struct {
	spelt    *cache.Counted[string, spelling]
	frozen   *cache.Counted[string, freezing]   // by project
	made     *cache.Counted[string, madeAt]     // the newest deployment of ours, by environment
	asks     *cache.Counted[string, askedAt]    // whether a deployment waits for us, by project and id
	levels   *cache.Counted[string, levelAt]    // our own rank, by project or group
	origins  *cache.Counted[string, originAt]   // by project and change
	bringer  *cache.Counted[string, carrier]    // by project, branch and commit: what stays so
	nobody   *cache.Counted[string, time.Time]  // by the same: when nothing was found to have brought it
	spans    *cache.Counted[string, *stretch]   // by project and two commits
	below    *cache.Counted[string, bool]       // by project and two commits: whether the first contains the second
	patches  *cache.Counted[string, patchID]    // by project and path of the diff
	statuses *cache.Counted[string, statusesAt] // by project and commit
	above    *cache.Counted[string, aboveAt]    // what groups protect, by token and group
}

func newPromoting() *promoting {
	return &promoting{
		spelt: cache.Of[string, spelling](2048), frozen: cache.Of[string, freezing](1024), made: cache.Of[string, madeAt](2048), asks: cache.Of[string, askedAt](4096), levels: cache.Of[string, levelAt](1024),
		origins: cache.Of[string, originAt](2048), bringer: cache.Of[string, carrier](65536), nobody: cache.Of[string, time.Time](8192), spans: cache.Of[string, *stretch](512), below: cache.Of[string, bool](8192),
		patches: cache.Of[string, patchID](8192), statuses: cache.Of[string, statusesAt](1024), above: cache.Of[string, aboveAt](256),
	}
}

// under is a key of what is remembered.
func under(parts ...string) string { return strings.ToLower(strings.Join(parts, "\n")) }

type madeAt struct {
	id int64
	at time.Time
}

// spelling is an environment in all spellings that the project has of it: GitLab takes the case of a name for a difference,
// and people do not.
type spelling struct {
	asked string
	found []environmentNode
	at    time.Time
}

// environmentNode is an environment.
type environmentNode struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Tier string `json:"tier"` // production, staging, testing, development, other
}

const (
	remembersNames = 5 * time.Minute // a name in another case is a rare thing
	environmentsAt = 20              // pages of a hundred
	leastSearched  = 3               // letters that GitLab wants to search by
)

// spellings finds how GitLab spells an environment. Stopped ones count: what is live there was deployed.
func (c *Client) spellings(ctx context.Context, a *access, s checks.Subject) (spelling, error) {
	key := under(s.Repo, s.Environment)
	if known, ok := c.promo.spelt.Get(key); ok && c.opts.Now().Sub(known.at) < remembersNames {
		known.asked = s.Environment
		return known, nil
	}
	q := url.Values{}
	if len(s.Environment) >= leastSearched {
		q.Set("search", strings.ToLower(s.Environment))
	}
	list, _, err := pages[environmentNode](ctx, a, at(s.Repo, "environments"), q, environmentsAt)
	if err != nil {
		return spelling{}, err
	}
	x := spelling{asked: s.Environment, at: c.opts.Now()}
	for _, e := range list {
		if strings.EqualFold(e.Name, s.Environment) {
			x.found = append(x.found, e)
		}
	}
	c.promo.spelt.Add(key, x)
	return x, nil
}

// names are all spellings, that of the policy among them.
func (x spelling) names() []string {
	names := []string{x.asked}
	for _, e := range x.found {
		if !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	}
	return names
}

// name is the one to deploy to: as the policy spells it, or, where GitLab knows it in other spellings alone, the oldest of them,
// so that no second environment comes into being.
func (x spelling) name() string {
	oldest := environmentNode{Name: x.asked}
	for _, e := range x.found {
		if e.Name == x.asked {
			return x.asked
		}
		if oldest.ID == 0 || e.ID < oldest.ID {
			oldest = e
		}
	}
	return oldest.Name
}

// number is a number as a part of a path.
func number(n int64) string { return strconv.FormatInt(n, 10) }

package gitlab

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sluicegate/sluice/checks"
)

// promoting is what is remembered for promotions. All of it may be lost at any time.
type promoting struct {
	spelt    *lru.Cache[string, spelling]
	frozen   *lru.Cache[string, freezing]   // by project
	made     *lru.Cache[string, madeAt]     // the newest deployment of ours, by environment
	asks     *lru.Cache[string, askedAt]    // whether a deployment waits for us, by project and id
	levels   *lru.Cache[string, levelAt]    // our own rank, by project or group
	origins  *lru.Cache[string, originAt]   // by project and change
	bringer  *lru.Cache[string, carrier]    // by project, branch and commit: what stays so
	nobody   *lru.Cache[string, time.Time]  // by the same: when nothing was found to have brought it
	spans    *lru.Cache[string, *stretch]   // by project and two commits
	below    *lru.Cache[string, bool]       // by project and two commits: whether the first contains the second
	patches  *lru.Cache[string, patchID]    // by project and path of the diff
	statuses *lru.Cache[string, statusesAt] // by project and commit
	above    *lru.Cache[string, aboveAt]    // what groups protect, by token and group
}

func newPromoting() *promoting {
	return &promoting{
		spelt: held[spelling](2048), frozen: held[freezing](1024), made: held[madeAt](2048), asks: held[askedAt](4096), levels: held[levelAt](1024),
		origins: held[originAt](2048), bringer: held[carrier](65536), nobody: held[time.Time](8192), spans: held[*stretch](512), below: held[bool](8192),
		patches: held[patchID](8192), statuses: held[statusesAt](1024), above: held[aboveAt](256),
	}
}

func held[V any](n int) *lru.Cache[string, V] {
	c, err := lru.New[string, V](n)
	if err != nil {
		panic(err) // sizes are constants above zero
	}
	return c
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

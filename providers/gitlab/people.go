package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/gate"
)

// botNames are the names of the accounts that GitLab makes for access tokens.
var botNames = patterns.New(`^(project|group)_\d+_bot(_[0-9a-f]+|\d*)$`)

// person is an account by its name alone; a deleted one is nobody.
func (r *reading) person(u *userNode) checks.Person {
	if u == nil || u.ID == 0 || strings.EqualFold(u.Username, "ghost") {
		return checks.Person{}
	}
	p := checks.Person{ID: u.ID, Login: u.Username, Kind: "user"}
	if u.Bot || botNames.MatchString(u.Username) {
		p.Kind = "bot"
	}
	return p
}

// surely is an account, asked whether it is a person's: service accounts go by any name. It is asked once.
func (r *reading) surely(ctx context.Context, u *userNode) (checks.Person, error) {
	p := r.person(u)
	if p.ID == 0 || p.Kind != "user" {
		return p, nil
	}
	if known, ok := r.c.memory.kinds.Get(p.ID); ok && (r.c.within(known.at, lasting) || known.kind == "user" && r.c.within(known.at, personKept)) {
		p.Kind = known.kind
		return p, nil
	}
	var got userNode
	_, err := r.a.get(ctx, "users/"+strconv.FormatInt(p.ID, 10), nil, &got)
	switch {
	case errors.Is(err, gate.ErrGone):
		p.Kind = "" // deleted in between, or hidden: nobody whose word counts
	case err != nil:
		return p, err
	case got.ID != p.ID:
		return p, fmt.Errorf("read the account %d: GitLab showed another one", p.ID)
	case got.Bot:
		p.Kind = "bot"
	}
	r.c.memory.kinds.Add(p.ID, kindAt{p.Kind, r.c.opts.Now()})
	return p, nil
}

// rankNode is a membership, inherited or not. Of a custom role the level is that of its base.
type rankNode struct {
	userNode
	Level      int    `json:"access_level"`
	Membership string `json:"membership_state"` // active, awaiting; "" on tiers without seats to wait for
	Expires    string `json:"expires_at"`       // a day, or ""
}

// holds says whether a membership is one now: who is blocked, waits for a seat or is past his day has none.
func (m *rankNode) holds(now time.Time) bool {
	if m.Expires != "" {
		day, err := time.Parse(time.DateOnly, m.Expires)
		if err != nil || !now.Before(day) {
			return false
		}
	}
	return (m.State == "" || m.State == "active") && (m.Membership == "" || m.Membership == "active")
}

// right is the word for an access level.
func (m *rankNode) right() string {
	switch {
	case m.Level >= 50:
		return "admin"
	case m.Level >= 40:
		return "maintain"
	case m.Level >= 30:
		return "write"
	case m.Level >= 15: // Planner, Reporter
		return "triage"
	case m.Level >= 10:
		return "read"
	}
	return "none"
}

// wantPeople reads the rights of those wanted that were not asked for within the last minute: a hundred in one request,
// however many members there are.
func (r *reading) wantPeople(ctx context.Context, people []checks.Person) error {
	var ask []checks.Person
	for _, p := range people {
		if _, ok := r.rank(p); !ok {
			ask = append(ask, p)
		}
	}
	for len(ask) > 0 {
		n := min(len(ask), 100)
		if err := r.askRanks(ctx, ask[:n]); err != nil {
			return err
		}
		ask = ask[n:]
	}
	return nil
}

func (r *reading) askRanks(ctx context.Context, people []checks.Person) error {
	q := url.Values{}
	for _, p := range people {
		q.Add("user_ids[]", strconv.FormatInt(p.ID, 10))
	}
	members, cut, err := pages[rankNode](ctx, r.a, at(r.repo, "members", "all"), q, 3)
	if err != nil {
		return err
	}
	if cut {
		return fmt.Errorf("read the rights of %d people: GitLab listed others too", len(people))
	}
	now, same := r.c.opts.Now(), true
	for _, p := range people {
		right := r.stranger()
		for i := range members {
			if m := &members[i]; m.ID == p.ID {
				if right = "none"; m.holds(now) {
					right = m.right()
				}
			}
		}
		same = same && r.sameRight(p, right)
		r.c.memory.ranks.Add(rankKey{r.key(), p.ID}, rankAt{right, now})
	}
	if same {
		r.learnt.Add(-1)
	}
	return nil
}

// stranger is the right of one who is no member: to read what all may read.
func (r *reading) stranger() string {
	if r.p.Visibility == "public" || r.p.Visibility == "internal" {
		return "read"
	}
	return "none"
}

// rank is somebody's right, as far as it is known without asking. The right of a bot is none: it never approves.
func (r *reading) rank(p checks.Person) (string, bool) {
	if p.Kind != "user" && p.Kind != "" {
		return "none", true
	}
	known, ok := r.c.memory.ranks.Get(rankKey{r.key(), p.ID})
	if !ok || !r.c.within(known.at, fleeting) {
		return "", false
	}
	return known.right, true
}

// showPeople puts the rights into the facts.
func (r *reading) showPeople(people []checks.Person) error {
	for _, p := range people {
		right, ok := r.rank(p)
		if !ok {
			return fmt.Errorf("read the rights of account %d: they were known a moment ago", p.ID)
		}
		if r.f.People == nil {
			r.f.People = map[int64]checks.Person{}
		}
		p.Permission, p.Name, p.Email = right, "", ""
		r.f.People[p.ID] = p
	}
	return nil
}

// mostMembers bounds the pages of a group that are read.
const mostMembers = 50

// wantGroups reads the members of groups that were not asked for within the last minute. A team is a group by its full
// path, an organisation one at the top; what one token was told is no answer to another.
func (r *reading) wantGroups(ctx context.Context, names []string) error {
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(abreast)
	for _, name := range names {
		if _, ok := r.group(name); ok {
			continue
		}
		group.Go(func() error {
			g, err := r.members(all, name)
			if err == nil {
				r.c.memory.groups.Add(groupKey{r.a.n, lower(name)}, g)
			}
			return err
		})
	}
	return group.Wait()
}

func (r *reading) group(name string) (groupAt, bool) {
	g, ok := r.c.memory.groups.Get(groupKey{r.a.n, lower(name)})
	return g, ok && r.c.within(g.at, fleeting)
}

// members reads a group, those of the groups above it included, as GitLab counts them.
func (r *reading) members(ctx context.Context, name string) (groupAt, error) {
	g := groupAt{at: r.c.opts.Now()}
	if !canBeGroup(name) {
		g.why = "is no name that a group can have"
		return g, nil
	}
	list, cut, err := pages[rankNode](ctx, r.a, "groups/"+escaped(name)+"/members/all", nil, mostMembers)
	switch {
	case errors.Is(err, gate.ErrGone), status(err) == 403:
		g.why = "does not exist, or the token may not see it"
		return g, nil
	case err != nil:
		return g, err
	case cut:
		g.why = fmt.Sprintf("has more members than the %d that were read", len(list))
	}
	g.group.Complete = !cut
	for i := range list {
		if m := &list[i]; m.holds(r.c.opts.Now()) && m.Level > 0 { // minimal access is membership, too: it goes no deeper than its group
			g.group.Members = append(g.group.Members, m.ID)
		}
	}
	g.group.Members = sortedOnce(g.group.Members)
	return g, nil
}

// showGroups puts the groups wanted into the facts.
func (r *reading) showGroups(w *checks.Wants) error {
	for _, x := range []struct {
		names []string
		kind  string
		into  *map[string]checks.Group
	}{{w.Teams, "team", &r.f.Teams}, {w.Orgs, "organisation", &r.f.Orgs}} {
		for _, name := range x.names {
			g, ok := r.group(name)
			if !ok {
				return fmt.Errorf("read the members of %s: they were known a moment ago", name)
			}
			if !g.group.Complete {
				r.gap("teams", "The %s %s %s.", x.kind, checks.Clip(name, 80), g.why)
			}
			if *x.into == nil {
				*x.into = map[string]checks.Group{}
			}
			(*x.into)[name] = g.group
		}
	}
	return nil
}

// canBeGroup says whether a name can be a group's path: a number would be taken for its id.
func canBeGroup(name string) bool {
	_, err := strconv.Atoi(name)
	return err != nil && name != "" && !strings.ContainsAny(name, " ?#%\\\n\r\t") && !strings.Contains(name, "..")
}

package dashboard

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Eyes see a forge as one person does, by their own token. gate.ErrSignedOut says that it is taken no more; what is not there, or
// not for them, is no error.
type Eyes interface {
	// Seen are the repositories that are known to be theirs to see, in lower case.
	Seen(ctx context.Context, access string) ([]string, error)
	// Role is their permission on one, "" for none.
	Role(ctx context.Context, access string, who checks.Person, repo string) (string, error)
	// Belongs says whether they are in a team or group.
	Belongs(ctx context.Context, access string, who checks.Person, to string) (bool, error)
}

// Admin is one entry of the list of administrators.
type Admin struct {
	Forge string
	Login string // "@login"
	Group string // or a team or group
}

var _ Sight = (*SignIn)(nil)

// How long the forge's answers are believed, and what is asked of it one by one.
const (
	listBelieved  = 5 * time.Minute
	roleBelieved  = 2 * time.Minute
	adminBelieved = 5 * time.Minute
	mostOneByOne  = 25
	sightAbreast  = 5
)

// sightMemory is what forges said lately of who may do what. It is small on purpose: whoever is not in it is asked for again.
type sightMemory struct {
	lists *lru.Cache[string, seenAt]  // by person
	roles *lru.Cache[string, roleAt]  // by person and repository
	admin *lru.Cache[string, adminAt] // by person
}

type seenAt struct {
	at   time.Time
	seen map[string]bool
}

type roleAt struct {
	at   time.Time
	role string
}

type adminAt struct {
	at time.Time
	is bool
}

func newSightMemory() *sightMemory {
	m := &sightMemory{}
	m.lists, _ = lru.New[string, seenAt](100) // the size is more than nothing, which is all that can be wrong with it
	m.roles, _ = lru.New[string, roleAt](20000)
	m.admin, _ = lru.New[string, adminAt](1000)
	return m
}

func whose(forge, id string) string { return forge + "\x00" + id }

// forget drops what was said of a person, when they sign in: what was lent or taken meanwhile is seen at once.
func (m *sightMemory) forget(forge, id string) {
	of := whose(forge, id)
	m.lists.Remove(of)
	m.admin.Remove(of)
	for _, key := range m.roles.Keys() {
		if strings.HasPrefix(key, of+"\x00") {
			m.roles.Remove(key)
		}
	}
}

func (s *SignIn) young(at time.Time, within time.Duration) bool {
	age := s.Now().Sub(at)
	return age >= 0 && age < within
}

// Repos implements Sight. What is not in the person's own list can be public still: that is asked for one by one where it is
// little, and else left out, so that a list of thousands costs no thousands of calls. A single one is always asked for.
func (s *SignIn) Repos(ctx context.Context, p Person, repos []gate.Repo) ([]gate.Repo, error) {
	f, ok := s.forge(p.Forge)
	if !ok || len(repos) == 0 {
		return nil, nil
	}
	own, err := s.seen(ctx, f, p)
	if err != nil {
		return nil, fmt.Errorf("ask %s what %s may see: %w", f.Title, gate.Plain(p.Login), err)
	}
	see, unsure := make([]bool, len(repos)), []int(nil)
	for i, r := range repos {
		if r.Forge != p.Forge {
			continue
		}
		if see[i] = own[strings.ToLower(r.Name)]; !see[i] {
			unsure = append(unsure, i)
		}
	}
	if len(unsure) <= mostOneByOne {
		group, all := errgroup.WithContext(ctx)
		group.SetLimit(sightAbreast)
		for _, i := range unsure {
			group.Go(func() error {
				role, err := s.Role(all, p, repos[i])
				see[i] = role != ""
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
	}
	var list []gate.Repo
	for i, r := range repos {
		if see[i] {
			list = append(list, r)
		}
	}
	return list, nil
}

// seen is the person's own list.
func (s *SignIn) seen(ctx context.Context, f Forge, p Person) (map[string]bool, error) {
	of := whose(p.Forge, p.ID)
	if x, ok := s.memory.lists.Get(of); ok && s.young(x.at, listBelieved) {
		return x.seen, nil
	}
	v, err, _ := s.asking.Do("seen\x00"+of, func() (any, error) {
		// What one asks for, others wait for: it does not end with whoever was first.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		at := s.Now()
		names, err := sighted(ctx, s, f, p, func(access string) ([]string, error) { return f.Eyes.Seen(ctx, access) })
		if err != nil {
			return nil, err
		}
		x := seenAt{at, make(map[string]bool, len(names))}
		for _, name := range names {
			x.seen[name] = true
		}
		s.memory.lists.Add(of, x)
		return x.seen, nil
	})
	seen, _ := v.(map[string]bool)
	return seen, err
}

func (s *SignIn) remembered(p Person, r gate.Repo) (role string, ok bool) {
	x, ok := s.memory.roles.Get(whose(p.Forge, p.ID) + "\x00" + strings.ToLower(r.Name))
	return x.role, ok && s.young(x.at, roleBelieved)
}

// Role implements Sight.
func (s *SignIn) Role(ctx context.Context, p Person, repo gate.Repo) (string, error) {
	f, ok := s.forge(p.Forge)
	if !ok || repo.Forge != p.Forge { // nobody is known at another forge than their own
		return "", nil
	}
	if role, ok := s.remembered(p, repo); ok {
		return role, nil
	}
	at := s.Now()
	role, err := sighted(ctx, s, f, p, func(access string) (string, error) { return f.Eyes.Role(ctx, access, p.account(), repo.Name) })
	if err != nil {
		return "", fmt.Errorf("ask %s what %s may do: %w", f.Title, gate.Plain(p.Login), err)
	}
	s.memory.roles.Add(whose(p.Forge, p.ID)+"\x00"+strings.ToLower(repo.Name), roleAt{at, role})
	return role, nil
}

// sighted asks with the person's token. One that the forge does not take, whatever time is left to it, was revoked there.
func sighted[T any](ctx context.Context, s *SignIn, f Forge, p Person, ask func(access string) (T, error)) (none T, err error) {
	access, err := s.access(ctx, f, p.ID)
	if err != nil {
		return none, err
	}
	v, err := ask(access)
	if errors.Is(err, gate.ErrSignedOut) {
		if a, e := s.Accounts.Account(ctx, p.Forge, p.ID); e == nil && a != nil {
			if g, ok := s.opened(a); ok && g.Access == access {
				err = errors.Join(err, s.giveUp(ctx, a))
			}
		}
	}
	if err != nil {
		return none, err
	}
	return v, nil
}

func (p Person) account() checks.Person {
	id, _ := strconv.ParseInt(p.ID, 10, 64) // 0 is nobody
	return checks.Person{ID: id, Login: p.Login, Kind: "user"}
}

// admin says whether somebody is an administrator. What cannot be learned is no.
func (s *SignIn) admin(ctx context.Context, p Person) bool {
	f, ok := s.forge(p.Forge)
	if !ok {
		return false
	}
	for _, a := range s.Admins {
		if a.Forge == p.Forge && a.Login != "" && strings.EqualFold(a.Login, p.Login) {
			return true
		}
	}
	of := whose(p.Forge, p.ID)
	if x, ok := s.memory.admin.Get(of); ok && s.young(x.at, adminBelieved) {
		return x.is
	}
	x := adminAt{at: s.Now()}
	for _, a := range s.Admins {
		if a.Forge != p.Forge || a.Group == "" || x.is {
			continue
		}
		is, err := sighted(ctx, s, f, p, func(access string) (bool, error) { return f.Eyes.Belongs(ctx, access, p.account(), a.Group) })
		if err != nil {
			s.Log.Warn("ask whether somebody is an administrator", "group", a.Group, "err", err)
			return false
		}
		x.is = is
	}
	s.memory.admin.Add(of, x)
	return x.is
}

package gitlab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// statusesAt is what a commit showed; why says why that is not all.
type statusesAt struct {
	list []checks.Status
	why  string
	at   time.Time
}

// watch takes in what is shown on the commit and on those watched. A commit of which not all could be had is left out: half of
// it could hide a failure.
func (st *standing) watch(ctx context.Context) error {
	st.out.Statuses = map[string][]checks.Status{}
	var mu sync.Mutex
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(abreast)
	commits := st.watched
	if st.p != nil {
		commits = append([]string{st.head}, commits...)
	}
	for _, id := range commits {
		group.Go(func() error {
			x, err := st.statusesOf(all, id)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, gate.ErrGone) && id == st.head:
				return fmt.Errorf("%w: the commit %.8s", gate.ErrStale, id)
			case errors.Is(err, gate.ErrGone):
				return nil
			case err != nil:
				return err
			case x.why == "":
				st.out.Statuses[id] = slices.Clone(x.list)
			case id == st.head:
				st.gap("statuses", "%s", x.why)
			}
			return nil
		})
	}
	return group.Wait()
}

// proven says whether a line of the policies rests on statuses: here, or in the environment before.
func (st *standing) proven() bool {
	if st.set == nil {
		return true
	}
	for _, e := range st.environments() {
		if len(e.Statuses)+len(e.Verify) > 0 {
			return true
		}
		for _, layer := range st.set.Layers {
			if before := checks.Environment(layer, e.After); before != nil && len(before.Verify) > 0 {
				return true
			}
		}
	}
	return false
}

// statusesOf reads the statuses and jobs of a commit, the newest of each name: a commit may have several pipelines, and what was
// run again stands beside what it replaces.
func (st *standing) statusesOf(ctx context.Context, commit string) (statusesAt, error) {
	key := under(st.repo, commit)
	if known, ok := st.c.promo.statuses.Get(key); ok && !st.proven() && st.c.within(known.at, fleeting) {
		return known, nil
	}
	me, err := st.a.myself(ctx)
	if err != nil {
		return statusesAt{}, err
	}
	type node struct {
		statusNode
		Created  *time.Time `json:"created_at"`
		Started  *time.Time `json:"started_at"`
		Finished *time.Time `json:"finished_at"`
	}
	nodes, cut, err := pages[node](ctx, st.a, at(st.repo, "repository", "commits", commit, "statuses"), nil, mostStatuses)
	if err != nil {
		return statusesAt{}, err
	}
	x := statusesAt{at: st.c.opts.Now()}
	if cut {
		x.why = fmt.Sprintf("GitLab has more statuses of the commit than the %d that were read.", len(nodes))
	}
	newest := map[string]int{}
	for i, n := range nodes {
		if k, ok := newest[n.Name]; !ok || nodes[k].ID < n.ID {
			newest[n.Name] = i
		}
	}
	for _, i := range newest {
		n := nodes[i]
		s := statuses([]statusNode{n.statusNode}, int64(me.ID))[0]
		for _, t := range []*time.Time{n.Finished, n.Started, n.Created} {
			if t != nil {
				s.At = t.UTC()
				break
			}
		}
		if n.Finished != nil && n.Started != nil {
			s.Began = n.Started.UTC()
		}
		x.list = append(x.list, s)
	}
	sorting.By(x.list, func(a, b checks.Status) int { return strings.Compare(a.Name, b.Name) })
	st.c.promo.statuses.Add(key, x)
	return x, nil
}

// originAt is the change that brought a commit, as last read.
type originAt struct {
	origin *checks.Origin
	at     time.Time
}

// cameFrom reads the merged change that brought the commit. It is read anew each time where a line rests on what may change
// about it still: labels and words.
func (st *standing) cameFrom(ctx context.Context) error {
	change, err := st.bringer(ctx)
	if err != nil || change == 0 {
		return err
	}
	key := under(st.repo, fmt.Sprint(change))
	if known, ok := st.c.promo.origins.Get(key); ok && !st.rests() && st.c.within(known.at, settled) {
		copied := *known.origin
		st.p.Origin = &copied
		return nil
	}
	origin, err := st.origin(ctx, change)
	if err != nil {
		return err
	}
	st.c.promo.origins.Add(key, originAt{origin, st.c.opts.Now()})
	copied := *origin
	st.p.Origin = &copied
	return nil
}

// rests says whether a policy looks at more of the change than who wrote it: a lane for hotfixes, or a rule for some changes.
func (st *standing) rests() bool {
	if st.set == nil {
		return true
	}
	return slices.ContainsFunc(st.environments(), func(e *policy.Environment) bool {
		conditional := func(r policy.ApprovalRule) bool { return !r.When.Zero() }
		return !e.Hotfix.When.Zero() || slices.ContainsFunc(e.Approval, conditional) || slices.ContainsFunc(e.Hotfix.Approval, conditional)
	})
}

// bringer is the change into the default branch that brought the commit; of a commit that is not on it, the change whose merge it
// is.
func (st *standing) bringer(ctx context.Context) (int, error) {
	key := st.bringerKey(st.head)
	if by, ok := st.c.promo.bringer.Get(key); ok {
		return by.Change, nil
	}
	if when, ok := st.c.promo.nobody.Get(key); ok && st.c.within(when, fleeting) && st.p.OnBranch {
		return 0, nil
	}
	list, err := st.a.bringers(ctx, st.repo, st.head)
	if err != nil {
		return 0, err
	}
	best, merge := carrier{}, 0
	for _, m := range list {
		is := m.became() == st.head
		switch into := m.Branch == st.branch; {
		case m.Target != int64(st.reading.p.ID):
		case into && (best.Change == 0 || is || !best.Merge && m.IID < best.Change):
			best = carrier{Change: m.IID, Merge: is && m.Merge == st.head}
		case !into && is:
			merge = m.IID
		}
	}
	if best.Change != 0 {
		st.c.promo.bringer.Add(key, best)
		return best.Change, nil
	}
	st.c.promo.nobody.Add(key, st.c.opts.Now())
	return merge, nil
}

// origin reads a merged change: itself, who set its labels, who wrote it, and what it touched. Its commits stay what they are.
func (st *standing) origin(ctx context.Context, change int) (*checks.Origin, error) {
	s := checks.Subject{Forge: st.f.Subject.Forge, Repo: st.f.Subject.Repo, Kind: checks.KindChange, Change: change}
	o := &reading{c: st.c, a: st.a, repo: st.repo, f: &checks.Facts{Subject: s}, p: st.reading.p}
	o.prior, _ = st.c.memory.changes.Get(s.Key())
	var err error
	if o.mr, err = o.mergeRequest(ctx); err != nil {
		return nil, err
	}
	if err := o.describe(ctx); err != nil {
		return nil, err
	}
	o.tip = o.start
	group, all := errgroup.WithContext(ctx)
	group.Go(func() error { return o.labels(all) })
	group.Go(func() error { return o.differences(all) })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	o.adopt()
	if err := o.written(ctx); err != nil {
		return nil, err
	}
	if !o.diff.full {
		o.gap("files", "%s", o.diff.why)
	}
	for i := range o.f.Files {
		f := &o.f.Files[i]
		f.Added, f.Removed, f.Read, f.Cut = nil, nil, false, false
	}
	return &checks.Origin{Change: o.f.Change, Commits: o.f.Commits, Files: o.f.Files, Gaps: o.f.Gaps}, nil
}

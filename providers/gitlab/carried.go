package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/compare"
)

type (
	carrier = compare.Carrier
	patchID = compare.Patch
)

const (
	mostCarried  = 250 // commits between two that are told
	carriedPages = 3   // of a hundred
	mostBrought  = 50  // commits that GitLab is asked for one by one
)

// stretch is what one commit has and another has not, newest first. Both are object ids, so it never changes.
type stretch struct {
	commits []checks.Carried
	cut     bool // there are more
}

// carried finds the commits that the candidate would bring, and those that it lacks.
func (st *standing) carried(ctx context.Context) error {
	live := st.p.Live()
	if st.out.Cut != "" && live == nil {
		st.gap("between", "What is live is not known: %s", st.out.Cut)
		st.gap("lacks", "What is live is not known: %s", st.out.Cut)
		return nil
	}
	if live == nil || live.Commit == st.head {
		return nil
	}
	between, lacks, err := st.apart(ctx, live.Commit)
	switch {
	case errors.Is(err, gate.ErrGone), err == nil && len(between.commits)+len(lacks.commits) == 0:
		st.gap("between", "GitLab cannot compare the commit with %.8s, which is live: they have no common history, or that commit is gone.", live.Commit)
		st.gap("lacks", "GitLab cannot compare the commit with %.8s, which is live: they have no common history, or that commit is gone.", live.Commit)
		return nil
	case err != nil:
		return err
	}
	if between.cut {
		st.gap("between", "There are more than %d commits since what is live.", mostCarried)
	}
	if lacks.cut {
		st.gap("lacks", "More than %d commits are live and not in this one.", mostCarried)
	}
	st.p.Between, st.p.Lacks = slices.Clone(between.commits), slices.Clone(lacks.commits)
	if err := st.brought(ctx, st.p.Between, st.p.Lacks); err != nil {
		return err
	}
	return st.patched(ctx)
}

// apart reads what the candidate has and what is live has not, and the other way round. What is live lies below the candidate
// just when it is a parent of one of the commits between: then nothing is lacking.
func (st *standing) apart(ctx context.Context, live string) (between, lacks *stretch, err error) {
	if between, err = st.span(ctx, live, st.head); err != nil {
		return nil, nil, err
	}
	above := func(c checks.Carried) bool { return slices.Contains(c.Parents, live) }
	if !between.cut && slices.ContainsFunc(between.commits, above) {
		return between, &stretch{}, nil
	}
	lacks, err = st.span(ctx, st.head, live)
	return between, lacks, err
}

// span reads what head has and base has not. The list of a range of commits is paged and says nothing of files, where a
// comparison would bring all differences along, and give up on large ones.
func (st *standing) span(ctx context.Context, base, head string) (*stretch, error) {
	key := under(st.repo, base, head)
	if s, ok := st.c.promo.spans.Get(key); ok {
		return s, nil
	}
	list, cut, err := pages[commitNode](ctx, st.a, at(st.repo, "repository", "commits"), url.Values{"ref_name": {base + ".." + head}}, carriedPages)
	if status(err) == http.StatusBadRequest { // it knows one of them no more
		return nil, fmt.Errorf("%w: %v", gate.ErrGone, err)
	}
	if err != nil {
		return nil, err
	}
	s := &stretch{cut: cut || len(list) > mostCarried}
	list = list[:min(len(list), mostCarried)]
	names := &reading{c: st.c, a: st.a, repo: st.repo, f: &checks.Facts{}, p: st.reading.p, diff: &difference{commits: list}}
	if err := names.findAddresses(ctx); err != nil {
		return nil, err
	}
	for i := range list {
		n := &list[i]
		if !objectID(n.ID) {
			return nil, fmt.Errorf("list the commits from %.8s to %.8s: GitLab left one out of its answer", base, head)
		}
		title, _, _ := strings.Cut(n.Message, "\n")
		x := checks.Carried{Commit: n.ID, Title: checks.Clip(title, 140), Author: names.author(n.AuthorName, n.AuthorEmail), Parents: n.Parents}
		if n.CommittedDate != nil {
			x.At = n.CommittedDate.UTC()
		}
		s.commits = append(s.commits, x)
	}
	st.c.promo.spans.Add(key, s)
	return s, nil
}

// brought finds for each commit the change into the default branch that brought it. That one did is remembered, for it stays
// so; that none did is believed for a minute.
func (st *standing) brought(ctx context.Context, lists ...[]checks.Carried) error {
	st.assign(lists)
	if open := st.open(lists); len(open) > 0 {
		if err := st.lately(ctx, open, lists); err != nil {
			return err
		}
		st.assign(lists)
	}
	if err := st.askBringers(ctx, st.open(lists)); err != nil {
		return err
	}
	st.assign(lists)
	return nil
}

func (st *standing) bringerKey(commit string) string { return under(st.repo, st.branch, commit) }

// assign gives the commits to the changes that are known to have brought them, and those below a merge to that.
func (st *standing) assign(lists [][]checks.Carried) {
	for _, list := range lists {
		found := map[string]carrier{}
		for i, c := range list {
			found[c.Commit], _ = st.c.promo.bringer.Get(st.bringerKey(c.Commit))
			list[i].Change = found[c.Commit].Change
		}
		compare.Below(list, found)
	}
}

// open are the commits of which it has to be asked who brought them.
func (st *standing) open(lists [][]checks.Carried) (open []checks.Carried) {
	for _, list := range lists {
		for _, c := range list {
			when, asked := st.c.promo.nobody.Get(st.bringerKey(c.Commit))
			if c.Change == 0 && (!asked || !st.c.within(when, fleeting)) {
				open = append(open, c)
			}
		}
	}
	return open
}

// lately goes through what was merged into the branch, what changed last first: that tells of most commits in one call, as far
// back as they reach.
func (st *standing) lately(ctx context.Context, open []checks.Carried, lists [][]checks.Carried) error {
	oldest, wanted := open[0].At, map[string]checks.Carried{}
	for _, list := range lists {
		for _, c := range list {
			wanted[c.Commit] = c
		}
	}
	for _, c := range open {
		if c.At.Before(oldest) {
			oldest = c.At
		}
	}
	q := url.Values{"state": {"merged"}, "target_branch": {st.branch}, "order_by": {"updated_at"}, "sort": {"desc"}, "per_page": {"100"}}
	for page := 1; page <= mergedPages; page++ {
		q.Set("page", strconv.Itoa(page))
		var list []struct {
			mergedNode
			Updated time.Time `json:"updated_at"`
		}
		resp, err := st.a.get(ctx, at(st.repo, "merge_requests"), q, &list)
		if err != nil {
			return err
		}
		for _, m := range list {
			if err := st.bring(ctx, m.mergedNode, wanted); err != nil {
				return err
			}
		}
		st.assign(lists)
		if last(resp, len(list)) || len(st.open(lists)) == 0 || len(list) > 0 && list[len(list)-1].Updated.Before(oldest.Add(-24*time.Hour)) {
			return nil
		}
	}
	return nil
}

// bring notes the commits that a merged change brought. Where GitLab only moved the branch forward, its own commits lie on it.
func (st *standing) bring(ctx context.Context, m mergedNode, wanted map[string]checks.Carried) error {
	if m.State != "merged" || m.Branch != st.branch || m.Target != int64(st.reading.p.ID) {
		return nil
	}
	for _, id := range []string{m.Head, m.Squash, m.Merge} {
		if _, is := wanted[id]; is {
			st.c.promo.bringer.Add(st.bringerKey(id), carrier{Change: m.IID, Merge: id == m.Merge})
		}
	}
	top, on := wanted[m.Head]
	if !on || m.Merge != "" || m.Squash != "" || !slices.ContainsFunc(top.Parents, func(p string) bool { _, is := wanted[p]; return is }) {
		return nil
	}
	list, _, err := pages[commitNode](ctx, st.a, at(st.repo, "merge_requests", strconv.Itoa(m.IID), "commits"), nil, carriedPages)
	for _, n := range list {
		if _, is := wanted[n.ID]; is {
			st.c.promo.bringer.Add(st.bringerKey(n.ID), carrier{Change: m.IID})
		}
	}
	return err
}

// askBringers asks for the changes that commits came with, one by one. More than it asks for stay unknown.
func (st *standing) askBringers(ctx context.Context, open []checks.Carried) error {
	if len(open) > mostBrought {
		st.gap("between", "For %d commits more than GitLab is asked about one by one it is not known which change brought them.", len(open)-mostBrought)
		open = open[:mostBrought]
	}
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(abreast)
	for _, c := range open {
		group.Go(func() error { return st.askBringer(all, c.Commit) })
	}
	return group.Wait()
}

// askBringer finds the change that brought a commit: the one whose merge it is, or the first one.
func (st *standing) askBringer(ctx context.Context, commit string) error {
	list, err := st.a.bringers(ctx, st.repo, commit)
	if err != nil {
		return err
	}
	best := carrier{}
	for _, m := range list {
		if m.Branch != st.branch || m.Target != int64(st.reading.p.ID) {
			continue
		}
		switch merge := m.Merge == commit; {
		case merge:
			best = carrier{Change: m.IID, Merge: true}
		case best.Change == 0 || !best.Merge && m.IID < best.Change:
			best = carrier{Change: m.IID}
		}
	}
	if best.Change == 0 {
		st.c.promo.nobody.Add(st.bringerKey(commit), st.c.opts.Now())
		return nil
	}
	st.c.promo.bringer.Add(st.bringerKey(commit), best)
	return nil
}

// onBranch finds out whether the default branch has the commit. Whether one commit has another below it never changes.
func (st *standing) onBranch(ctx context.Context) error {
	if st.tip == "" || st.tip == st.head {
		st.p.OnBranch = st.tip == st.head
		return nil
	}
	key := under(st.repo, st.tip, st.head)
	if has, ok := st.c.promo.below.Get(key); ok {
		st.p.OnBranch = has
		return nil
	}
	var base commitNode
	_, err := st.a.get(ctx, at(st.repo, "repository", "merge_base"), url.Values{"refs[]": {st.tip, st.head}}, &base)
	switch {
	case errors.Is(err, gate.ErrGone), status(err) == http.StatusBadRequest: // no common history; asked again
		return nil
	case err != nil:
		return err
	}
	st.p.OnBranch = base.ID == st.head
	st.c.promo.below.Add(key, st.p.OnBranch)
	return nil
}

// patched tells apart what the candidate lacks and what it has as the same patch.
func (st *standing) patched(ctx context.Context) error {
	key := func(d compare.Diff) string { return under(st.repo, d.From, d.To) }
	l := compare.Lineage{
		Between: st.p.Between, Lacks: st.p.Lacks,
		Known: func(d compare.Diff) (patchID, bool) { return st.c.promo.patches.Get(key(d)) },
		Read: func(ctx context.Context, d compare.Diff) (patchID, error) {
			p, err := st.patch(ctx, d)
			if err == nil {
				st.c.promo.patches.Add(key(d), p)
			}
			return p, err
		},
		Gap: func(why string) {
			st.gap("lacks", "Whether the fixes that are live are in this commit too is not known: %s.", why)
		},
	}
	err := l.Settle(ctx)
	st.p.Lacks = l.Lacks
	return err
}

// patch reads the diff of a commit, or of two.
func (st *standing) patch(ctx context.Context, d compare.Diff) (patchID, error) {
	var files []diffNode
	var cut bool
	var err error
	if d.From == "" {
		files, cut, err = pages[diffNode](ctx, st.a, at(st.repo, "repository", "commits", d.To, "diff"), nil, 10)
	} else {
		var c comparisonNode
		_, err = st.a.get(ctx, at(st.repo, "repository", "compare"), url.Values{"from": {d.From}, "to": {d.To}}, &c)
		files, cut = c.Diffs, c.Timeout
	}
	if err != nil {
		return patchID{}, err
	}
	text, whole := asGit(files)
	if cut || !whole {
		return patchID{Unread: fmt.Sprintf("what %.40s changes is too large, or not text, and cannot be compared", d.To)}, nil
	}
	return patchID{ID: compare.PatchID(text)}, nil
}

// asGit writes diffs as git prints them. whole is false where GitLab withheld one, or where it is of bytes: two of these look
// the same though they are not.
func asGit(files []diffNode) (text string, whole bool) {
	var b strings.Builder
	for i := range files {
		n := &files[i]
		moved := n.Renamed || n.Before != n.After
		withheld := n.Collapsed != nil && *n.Collapsed || n.TooLarge != nil && *n.TooLarge
		if withheld || n.Patch == "" && !moved && !n.whole() || strings.HasPrefix(n.Patch, "Binary files ") || strings.Contains(n.Patch, "\nBinary files ") {
			return "", false
		}
		fmt.Fprintf(&b, "diff --git a/%s b/%s\n", n.Old, n.New)
		switch {
		case n.Added:
			fmt.Fprintf(&b, "new file mode %s\n", n.After)
		case n.Deleted:
			fmt.Fprintf(&b, "deleted file mode %s\n", n.Before)
		case n.Before != n.After:
			fmt.Fprintf(&b, "old mode %s\nnew mode %s\n", n.Before, n.After)
		}
		if n.Patch == "" {
			continue
		}
		old, now := "a/"+n.Old, "b/"+n.New
		if n.Added {
			old = "/dev/null"
		}
		if n.Deleted {
			now = "/dev/null"
		}
		if !strings.HasPrefix(n.Patch, "--- ") {
			fmt.Fprintf(&b, "--- %s\n+++ %s\n", old, now)
		}
		b.WriteString(n.Patch)
		if !strings.HasSuffix(n.Patch, "\n") {
			b.WriteByte('\n')
		}
	}
	return b.String(), true
}

package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// reading is one pass over the repository for one judgement.
type reading struct {
	*Repository
	ctx       context.Context
	f         *checks.Facts
	objects   *objects
	trees     map[string]map[string]entry
	boundary  map[string]bool          // commits whose parents a shallow clone lacks
	blobs     []blobs                  // of f.Files, in its order
	lineBytes int                      // of changed lines kept
	between   []string                 // the commits of the change, newest first, where they are few and in one line; else nil
	recent    map[string]checks.Commit // the first that were read
	patch     *kept                    // the lines of all files; nil: to be asked for
	foreseen  *foreseen                // nil until started
	guesses   sync.WaitGroup
	placed    chan struct{} // closed when the first guess is made; nil: there is none
	set       func() (*policy.Set, error)
}

// Facts reads the change from base to head: what head has since it left base.
//
// head is any revision; "" stands for HEAD. base is what the change would go into; "" stands for the default branch
// (where origin/HEAD points, else main, master and such) or, where head is on that branch already, for the commit
// before it. Policy and CODEOWNERS are read from base, never from head; given stands in for the repository's policy.
// What is not committed is not read. There are no people, reviews or labels: Facts.Local says so.
//
// A part that the repository lacks, as a shallow or partial clone may, is a Gap that says what to fetch. An error
// means that a revision is not there, or that git could not be run.
func (r *Repository) Facts(ctx context.Context, base, head string, given *policy.Source) (*checks.Facts, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	x := &reading{Repository: r, ctx: ctx, objects: r.reader(ctx), boundary: r.boundaries()}
	defer x.objects.close()
	defer func() {
		x.guesses.Wait()
		if stop(); x.foreseen != nil {
			<-x.foreseen.done
		}
	}()
	x.f = &checks.Facts{
		Subject:    checks.Subject{Forge: "local", Repo: r.name, Kind: checks.KindChange},
		Repository: checks.Repository{Name: r.name},
		Local:      true,
		Change:     &checks.Change{State: "open"},
	}
	if err := x.read(base, head, given); err != nil {
		return nil, fmt.Errorf("read %s: %w", r.name, err)
	}
	x.f.At = time.Now().UTC()
	return x.f, nil
}

func (r *reading) read(base, head string, given *policy.Source) error {
	if head == "" {
		head = "HEAD"
	}
	var refs, tags []reference
	var g, background errgroup.Group
	late := []string{"refs/tags"}
	if base == "" {
		g.Go(func() (err error) {
			refs, err = r.references(mayBeDefault()...)
			return err
		})
	} else {
		late = append(late, mayBeDefault()...)
	}
	background.Go(func() (err error) {
		tags, err = r.references(late...) // a commit for every date: the slowest of all, and needed last
		return err
	})
	at, err := r.commit(head)
	if err := errors.Join(err, g.Wait()); err != nil {
		return err
	}
	r.f.Change.Head = checks.Ref{Name: head, Commit: at}
	if b := r.headBranch(); head == "HEAD" && b != "" {
		r.f.Change.Head.Name = b
	}
	if err := r.span(refs, base); err != nil {
		return err
	}
	c := r.f.Change
	if err := r.policy(given); err != nil {
		return err
	}
	r.set = sync.OnceValues(func() (*policy.Set, error) { return policy.Load(r.f.Sources...) })
	if err := r.difference(); err != nil {
		return err
	}
	r.introduce(c)
	if err := background.Wait(); err != nil {
		return err
	}
	if base != "" {
		target, _ := defaultBranch(tags)
		r.f.Repository.Default = target.name
	}
	if err := r.tags(tags); err != nil {
		return err
	}
	if err := r.forgetLater(); err != nil {
		return err
	}
	return r.fill()
}

// span settles what head is compared with: the target branch, and where the change left it.
func (r *reading) span(refs []reference, base string) error {
	c := r.f.Change
	var err error
	if base != "" { // then the default branch is told with the tags
		if c.Base.Commit, err = r.commit(base); err != nil {
			return err
		}
		c.Base.Name = strings.TrimPrefix(base, "origin/")
		c.MergeBase, err = r.mergeBase(c.Base.Commit, c.Head.Commit)
		return err
	}
	target, found := defaultBranch(refs)
	r.f.Repository.Default = target.name
	if c.Base.Name = target.name; found {
		c.Base.Commit = target.commit
		if c.MergeBase, err = r.mergeBase(target.commit, c.Head.Commit); err != nil || c.MergeBase != c.Head.Commit {
			return err
		}
	}
	return r.before()
}

// before takes the commit before head for the base: head is on the default branch already, or there is none.
func (r *reading) before() error {
	c := r.f.Change
	last, err := r.readCommit(c.Head.Commit)
	if err != nil {
		return err
	}
	c.Base.Commit, c.MergeBase, r.between = "", "", nil
	if len(last.Parents) > 0 && !r.boundary[c.Head.Commit] {
		c.Base.Commit, c.MergeBase = last.Parents[0], last.Parents[0]
		r.between = r.line(c.MergeBase, c.Head.Commit)
	}
	return nil
}

// difference reads files and commits, or says why they cannot be had.
func (r *reading) difference() error {
	c := r.f.Change
	first := c.MergeBase == "" && c.Base.Commit == "" && !r.boundary[c.Head.Commit]
	if c.MergeBase == "" && !first {
		why := "Base and head have no common history."
		if r.shallow {
			why = "The clone is shallow and does not reach where the change began: fetch more history with: git fetch --deepen=1000"
		}
		r.gap("files", "%s", why)
		r.gap("commits", "%s", why)
		return nil
	}
	var ids []string
	var g errgroup.Group
	g.Go(func() (err error) {
		ids, err = r.commitList(c.Head.Commit, c.Base.Commit)
		return err
	})
	r.bet()
	err := r.files(r.start(), c.Head.Commit)
	listed := g.Wait()
	if r.lacks(err) {
		r.f.Files, r.blobs, c.Additions, c.Deletions = nil, nil, 0, 0
		r.gap("files", "%s", r.lack(err))
	} else if err != nil {
		return err
	}
	c.ChangedFiles = len(r.f.Files)
	if err = listed; err == nil {
		err = r.commits(ids)
	}
	if r.lacks(err) {
		r.gap("commits", "%s", r.lack(err))
		return nil
	}
	return err
}

// start is the tree or commit that the difference starts from.
func (r *reading) start() string {
	if r.f.Change.MergeBase == "" {
		return r.empty
	}
	return r.f.Change.MergeBase
}

// lacks says whether an error came of an object that the repository does not have.
func (r *reading) lacks(err error) bool {
	var g *gitError
	return errors.Is(err, errMissing) || errors.As(err, &g)
}

// lack is such an error as one sentence, with what helps.
func (r *reading) lack(err error) string {
	help := " Fetch what is missing with: git fetch --refetch --filter=blob:none"
	switch {
	case r.git.offline:
		help = " It was not fetched, because the repository's own settings name a program to fetch with."
	case r.shallow:
		help = " Fetch more history with: git fetch --deepen=1000"
	}
	return strings.TrimSuffix(err.Error(), ".") + "." + help
}

// policy reads the repository's policy where the change would go.
func (r *reading) policy(given *policy.Source) error {
	if given != nil {
		r.f.Sources = []policy.Source{*given}
		return nil
	}
	for _, path := range policy.Paths {
		t, err := r.text(checks.Tip, r.f.Change.Base.Commit, path)
		if err != nil {
			return fmt.Errorf("read the policy %s: %w", path, err)
		}
		if !t.Absent {
			r.f.Sources = []policy.Source{{
				Origin: policy.Repository, Name: path, Commit: r.f.Change.Base.Commit, Text: t.Text, Kind: t.Kind,
			}}
			return nil
		}
	}
	return nil
}

// introduce gives the change a title and an author, as a forge would propose them.
func (r *reading) introduce(c *checks.Change) {
	if n := len(r.f.Commits); n > 0 {
		last := r.f.Commits[n-1]
		c.Author, c.CreatedAt = last.Author, r.f.Commits[0].At
		if n == 1 {
			c.Title, c.Body, _ = strings.Cut(last.Message, "\n")
			c.Body = strings.TrimSpace(c.Body)
		}
	}
	if c.Title == "" {
		c.Title = c.Head.Name
	}
}

// gap notes a part that is missing, once.
func (r *reading) gap(part, format string, args ...any) {
	g := checks.Gap{Part: part, Reason: fmt.Sprintf(format, args...)}
	if !slices.ContainsFunc(r.f.Gaps, func(x checks.Gap) bool { return x.Part == part }) {
		r.f.Gaps = append(r.f.Gaps, g)
	}
}

// boundaries are the commits at which a shallow clone ends.
func (r *Repository) boundaries() map[string]bool {
	ends := map[string]bool{}
	if !r.shallow {
		return ends
	}
	dir := r.git.dir
	if common, err := os.ReadFile(filepath.Join(dir, "commondir")); err == nil {
		if dir = strings.TrimSpace(string(common)); !filepath.IsAbs(dir) {
			dir = filepath.Join(r.git.dir, dir)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "shallow"))
	if err != nil {
		return ends
	}
	for _, id := range strings.Fields(string(b)) {
		ends[id] = true
	}
	return ends
}

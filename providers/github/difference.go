package github

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/compare"
)

// comparedFiles is how many files GitHub's comparison shows at most.
const comparedFiles = 300

// difference is what lies between the merge base and the head of a change. Both are commits, so it never changes; what
// is learned later makes a new one.
type difference struct {
	base, head string
	files      []checks.File // sorted by path, with lines where Read
	full       bool          // files is all of them
	ahead      int           // commits of the change; -1: not told
	objects    map[string]compare.Sides
}

// comparison is GitHub's answer to base...head.
type comparison struct {
	MergeBase struct {
		SHA string `json:"sha"`
	} `json:"merge_base_commit"`
	Base struct {
		SHA string `json:"sha"`
	} `json:"base_commit"`
	Total int                  `json:"total_commits"`
	Files []*github.CommitFile `json:"files"`
}

// compare asks for the merge base and the changed files with their lines. One commit a page: the commits are had
// already, and the files are all on the first page.
func (r *reading) compare(ctx context.Context, base, head string) (*comparison, error) {
	var c comparison
	path := r.repo.path("/compare/" + url.PathEscape(base) + "..." + url.PathEscape(head) + "?per_page=1")
	if err := r.in.get(ctx, "GET /repos/{owner}/{repo}/compare/{basehead}", path, &c); err != nil {
		return nil, err
	}
	if !oid(c.MergeBase.SHA) {
		return nil, errors.New("compare: GitHub named no merge base")
	}
	return &c, nil
}

// differences finds what the change touches: from memory, from what a push foretold, from the comparison that was asked
// for early, or by asking. More than GitHub compares is found by comparing trees.
func (r *reading) differences(ctx context.Context, pr *changeNode, early *comparison) error {
	if early != nil {
		r.c.memory.bases.Add(diffKey{r.key(), early.Base.SHA, r.head}, early.MergeBase.SHA)
	}
	r.start = r.proven(pr)
	if r.start == "" {
		r.start, _ = r.c.memory.bases.Get(diffKey{r.key(), r.tip, r.head})
	}
	if r.start != "" {
		r.diff, _ = r.c.memory.diffs.get(diffKey{r.key(), r.start, r.head})
		if r.diff == nil {
			r.diff = r.foretell(pr)
		}
	}
	if r.diff == nil {
		if early == nil || r.start != "" && early.MergeBase.SHA != r.start || r.start == "" && early.Base.SHA != r.tip {
			var err error
			if early, err = r.compare(ctx, r.tip, r.head); err != nil {
				return r.unrelated(err)
			}
		}
		r.start = early.MergeBase.SHA
		r.c.memory.bases.Add(diffKey{r.key(), r.tip, r.head}, r.start)
		if err := r.differ(ctx, pr, early); err != nil {
			return err
		}
	}
	r.keepDiff()
	r.adopt(pr)
	return nil
}

// unrelated turns GitHub's word that two commits have nothing in common into a gap: such a change cannot be merged, and
// cannot be judged.
func (r *reading) unrelated(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Status != 404 {
		return err
	}
	if strings.Contains(e.Message, "common ancestor") {
		r.diff = &difference{head: r.head, ahead: -1}
		r.gap("files", "The change and its target branch have no common history.")
		return nil
	}
	return fmt.Errorf("%w: %v", gate.ErrStale, err)
}

// proven is the merge base as far as the change's own commits prove it: the parent of the first, if that is the tip of
// the target branch, or if the commits are one line from there to the head. Otherwise "".
func (r *reading) proven(pr *changeNode) string {
	start := startOf(pr)
	if start == nil || !oid(start.OID) {
		return ""
	}
	if start.OID == r.tip {
		return start.OID
	}
	line := pr.Line.Nodes
	if pr.Line.TotalCount == 0 && pr.Commits.TotalCount != len(line) || pr.Commits.TotalCount > len(line) {
		return ""
	}
	last := start.OID
	for _, n := range line {
		if n == nil || len(n.Commit.Parents.Nodes) != 1 || n.Commit.Parents.Nodes[0].OID != last {
			return ""
		}
		last = n.Commit.OID
	}
	if last != r.head {
		return ""
	}
	return start.OID
}

// differ makes the difference of a comparison, or of trees where the comparison has fewer files than GitHub counts.
func (r *reading) differ(ctx context.Context, pr *changeNode, c *comparison) error {
	if len(c.Files) >= comparedFiles && pr.ChangedFiles != len(c.Files) || pr.ChangedFiles > len(c.Files) {
		return r.trees(ctx, pr, c)
	}
	r.diff = compared(c, r.start, r.head)
	return nil
}

func compared(c *comparison, base, head string) *difference {
	d := &difference{base: base, head: head, full: true, ahead: c.Total}
	for _, f := range c.Files {
		d.files = append(d.files, changed(f))
	}
	compare.Sort(d.files)
	return d
}

// changed is one file of a comparison. Lines are Read when the difference is all there: its counts tell.
func changed(f *github.CommitFile) checks.File {
	x := checks.File{Path: f.GetFilename(), Status: f.GetStatus(), Additions: f.GetAdditions(), Deletions: f.GetDeletions()}
	switch x.Status {
	case "renamed", "copied":
		x.Old = f.GetPreviousFilename()
	case "added", "removed", "modified":
	default:
		x.Status = "changed"
	}
	patch := f.GetPatch()
	if patch == "" {
		x.Read = x.Old != "" && x.Additions+x.Deletions == 0 // moved and not edited
		return x
	}
	added, removed, ok := compare.Hunks(patch)
	if !ok || len(added) != x.Additions || len(removed) != x.Deletions {
		return x
	}
	x.Kind = compare.KindOf(patch, added, removed)
	x.Added, x.Removed = compare.Refine(added, removed)
	x.Read = true
	return x
}

// foretell makes the difference out of texts that the request asked for because a push had told of these paths. It is
// used only when GitHub's own list of files confirms that these are all, and none is moved.
func (r *reading) foretell(pr *changeNode) *difference {
	start := startOf(pr)
	if !r.asked.foretold || start == nil || start.OID != r.start || pr.Files == nil || pr.Files.PageInfo.HasNextPage || len(pr.Files.Nodes) != pr.ChangedFiles {
		return nil
	}
	d := &difference{base: r.start, head: r.head, full: true, ahead: pr.Commits.TotalCount}
	for _, n := range pr.Files.Nodes {
		if n == nil {
			return nil
		}
		f, ok := r.foretoldFile(n)
		if !ok {
			return nil
		}
		d.files = append(d.files, f)
	}
	compare.Sort(d.files)
	if !r.agrees(d) {
		return nil
	}
	return d
}

// agrees says that no file asked for at both sides differs without being among the difference: GitHub's list of files
// can be of an earlier head.
func (r *reading) agrees(d *difference) bool {
	for _, p := range r.asked.start {
		if _, listed := d.find(p); listed || !slices.Contains(r.asked.head, p) {
			continue
		}
		before, ok1 := r.have(checks.Base, p)
		after, ok2 := r.have(checks.Head, p)
		if !ok1 || !ok2 || before.Kind+after.Kind != "" || before.Absent != after.Absent || before.Text != after.Text {
			return false
		}
	}
	return true
}

func (r *reading) foretoldFile(n *fileNode) (checks.File, bool) {
	f := checks.File{Path: n.Path, Additions: n.Additions, Deletions: n.Deletions}
	before, ok1 := r.have(checks.Base, n.Path)
	after, ok2 := r.have(checks.Head, n.Path)
	if !ok1 || !ok2 {
		return f, false
	}
	switch {
	case n.ChangeType == "ADDED" && before.Absent && !after.Absent:
		f.Status = "added"
	case n.ChangeType == "DELETED" && !before.Absent && after.Absent:
		f.Status = "removed"
	case n.ChangeType == "MODIFIED" && !before.Absent && !after.Absent:
		f.Status = "modified"
	default:
		return f, false
	}
	return compare.WithLines(f, before, after), true
}

// adopt puts the difference into the facts, without lines: those are for the checks to want.
func (r *reading) adopt(pr *changeNode) {
	r.f.Change.MergeBase = r.start
	r.f.Files = make([]checks.File, len(r.diff.files))
	for i, f := range r.diff.files {
		f.Added, f.Removed, f.Read, f.Cut = nil, nil, false, false
		r.f.Files[i] = f
	}
	if !r.diff.full {
		r.gap("files", "GitHub showed %d of %d files.", len(r.diff.files), max(pr.ChangedFiles, len(r.diff.files)))
	}
	if len(r.f.Commits) < max(r.f.Change.CommitCount, r.diff.ahead) {
		r.gap("commits", "GitHub showed %d of %d commits.", len(r.f.Commits), max(r.f.Change.CommitCount, r.diff.ahead))
	}
}

func (r *reading) keepDiff() {
	if r.diff.base == "" {
		return
	}
	r.c.memory.diffs.add(diffKey{r.key(), r.diff.base, r.diff.head}, r.diff, 200+compare.Weight(r.diff.files))
}

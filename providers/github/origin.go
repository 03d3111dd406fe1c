package github

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/compare"
)

// originFiles are the paths that a merged change touched. Its head stays what it was when it was merged.
type originFiles struct {
	head  string
	files []checks.File
}

// cameFrom reads the merged change that brought the commit: the one that came along, if it is that one, or by asking.
func (st *standing) cameFrom(ctx context.Context, node *changeNode) error {
	number, err := st.number(ctx)
	if err != nil || number == 0 {
		return err
	}
	if node == nil || node.Number != number {
		if node, err = st.askOrigin(ctx, number); err != nil {
			return err
		}
	}
	st.c.memory.origins.Add(diffKey{repo: st.key(), to: st.head}, number)
	o := st.c.reading(st.in, st.repo, checks.Subject{Forge: st.f.Subject.Forge, Repo: st.f.Subject.Repo, Kind: checks.KindChange, Change: number, Installation: st.in.id})
	o.f.Repository, o.head, o.tip = st.f.Repository, node.HeadRefOID, node.BaseRefOID
	o.f.Change = o.pullRequest(node)
	if st.unlabelled != "" {
		o.gap("labels", "%s", st.unlabelled)
	}
	o.labels(node)
	if st.late = nil; after(node.Commits.PageInfo) != "" {
		st.later(o, node)
	}
	o.wrote(node, nil)
	if err := o.touched(ctx, node); err != nil {
		return err
	}
	st.p.Origin = &checks.Origin{Change: o.f.Change, Commits: o.f.Commits, Files: o.f.Files, Gaps: o.f.Gaps}
	return nil
}

// number is that of the change into the default branch that brought the commit; of a commit that is not on it, the change
// whose merge it is.
func (st *standing) number(ctx context.Context) (int, error) {
	if _, ok := st.bringerOf(st.head); !ok {
		if err := st.askBringers(ctx, []string{st.head}); err != nil {
			return 0, err
		}
	}
	if b, _ := st.bringerOf(st.head); b.Change != 0 {
		return b.Change, nil
	}
	if n := st.known[st.head]; n != nil {
		return st.merging(n.Bringers.Nodes), nil
	}
	return 0, nil
}

// merging is the change into whichever branch whose merge the commit is.
func (st *standing) merging(nodes []*openNode) int {
	for _, n := range nodes {
		if n != nil && n.State == "MERGED" && n.MergeCommit != nil && n.MergeCommit.OID == st.head && n.BaseRepository != nil && strings.EqualFold(n.BaseRepository.NameWithOwner, st.repo.String()) {
			return n.Number
		}
	}
	return 0
}

func (st *standing) askOrigin(ctx context.Context, number int) (*changeNode, error) {
	st.unlabelled = ""
	var node answerNode
	vars := map[string]any{"owner": st.repo.owner, "name": st.repo.name, "number": number}
	errs, err := st.in.query(ctx, "Origin", st.c.queries.document("Origin", nil), vars, &node)
	if err != nil {
		return nil, err
	}
	for _, e := range errs {
		if !e.at("repository", "pullRequest", "labelled") {
			return nil, e.err("Origin")
		}
		st.unlabelled = "GitHub did not tell who set the labels: " + checks.Clip(e.Message, 100) + "."
	}
	if node.Repository == nil || node.Repository.PullRequest == nil {
		return nil, fmt.Errorf("%w: GitHub shows no pull request %d", gate.ErrGone, number)
	}
	return node.Repository.PullRequest, nil
}

// wrote takes in who wrote the commits of the change; more: those after the first hundred. They are read each time: whose
// account an address belongs to may change.
func (r *reading) wrote(pr, more *changeNode) {
	r.f.Commits = commits(pr.Commits.Nodes)
	if more != nil {
		var last []checks.Commit
		if more.Last != nil {
			last = commits(more.Last.Nodes)
		}
		r.f.Commits = append(r.f.Commits, commits(more.Commits.Nodes)...)
		r.f.Commits, _ = join(r.f.Commits, last, pr.Commits.TotalCount)
	}
	if len(r.f.Commits) < pr.Commits.TotalCount {
		r.gap("commits", "GitHub showed %d of the %d commits of #%d.", len(r.f.Commits), pr.Commits.TotalCount, pr.Number)
	}
}

// touched reads which paths the change touched. GraphQL hides where a file was moved from.
func (r *reading) touched(ctx context.Context, pr *changeNode) error {
	key := fmt.Sprintf("%s#%d", r.key(), pr.Number)
	if known, ok := r.c.memory.touched.Get(key); ok && known.head == pr.HeadRefOID {
		r.f.Files = known.files
		return nil
	}
	if pr.Files == nil {
		r.gap("files", "GitHub did not show the files of #%d.", pr.Number)
		return nil
	}
	moved := slices.ContainsFunc(pr.Files.Nodes, func(n *fileNode) bool { return n != nil && (n.ChangeType == "RENAMED" || n.ChangeType == "COPIED") })
	if !moved && !pr.Files.PageInfo.HasNextPage {
		for _, n := range pr.Files.Nodes {
			if n != nil {
				r.f.Files = append(r.f.Files, checks.File{Path: n.Path, Additions: n.Additions, Deletions: n.Deletions, Status: statusWord(n.ChangeType)})
			}
		}
		if len(r.f.Files) < pr.Files.TotalCount {
			r.gap("files", "GitHub showed %d of the %d files of #%d.", len(r.f.Files), pr.Files.TotalCount, pr.Number)
		}
		compare.Sort(r.f.Files)
		return nil
	}
	if pr.ChangedFiles >= mostTouched {
		r.gap("files", "GitHub lists no more than %d files of #%d.", mostTouched, pr.Number)
		return nil
	}
	files, err := r.c.Touched(ctx, r.f.Subject)
	if err != nil {
		return err
	}
	if len(files) < pr.ChangedFiles {
		r.gap("files", "GitHub showed %d of the %d files of #%d.", len(files), pr.ChangedFiles, pr.Number)
	} else {
		compare.Sort(files)
		r.c.memory.touched.Add(key, originFiles{pr.HeadRefOID, files})
	}
	r.f.Files = files
	return nil
}

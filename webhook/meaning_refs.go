package webhook

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// push: a branch that changes go into has moved, and with it the policy and what they are compared with; or a tag was
// made, moved or deleted. A push to a change's own branch is told as `synchronize`.
func (h *receiver) push(ctx context.Context, p *payload) ([]gate.Mark, error) {
	repo, err := p.repo()
	if err != nil {
		return nil, err
	}
	name, err := ref(p.Ref, "ref")
	if err != nil {
		return nil, err
	}
	before, err := tip(p.Before, "before")
	if err != nil {
		return nil, err
	}
	after, err := tip(p.After, "after")
	if err != nil {
		return nil, err
	}
	if tag, ok := strings.CutPrefix(name, "refs/tags/"); ok {
		return []gate.Mark{{Kind: gate.MarkTag, Repo: repo, Tag: tag, Commit: after, Before: before, By: p.by()}}, nil
	}
	branch, ok := strings.CutPrefix(name, "refs/heads/")
	if ok && after != "" {
		h.hint(p.Commits, repo, p.install(), after)
	}
	if !ok || !h.target(ctx, repo, p.Repository.DefaultBranch, branch) {
		return nil, nil
	}
	return []gate.Mark{{Kind: gate.MarkBase, Repo: repo, Base: branch, Commit: after, Before: before, By: p.by(), Detail: p.byID()}}, nil
}

// mostHinted is how many paths of a push are passed on: what touches more is asked for in another way.
const mostHinted = 1000

// hint passes on what the push is said to have touched, for whoever reads the change with this head next. It is no
// evidence: a path too many or too few costs a call and nothing else.
func (h *receiver) hint(commits []pushed, repo string, install int64, head string) {
	if h.Hint == nil {
		return
	}
	var paths []string
	for _, c := range commits {
		paths = append(append(append(paths, c.Added...), c.Removed...), c.Modified...)
		if len(paths) > mostHinted {
			return
		}
	}
	if len(paths) > 0 {
		h.Hint(gate.Repo{Forge: h.forge, Name: repo, Installation: install}, head, paths)
	}
}

func (p *payload) install() int64 {
	if p.Installation == nil {
		return 0
	}
	return p.Installation.ID
}

// target says whether changes go into the branch. When that cannot be found out it is looked into.
func (h *receiver) target(ctx context.Context, repo, standard, branch string) bool {
	if branch == standard || h.HasOpen == nil {
		return true
	}
	open, err := h.HasOpen(ctx, h.forge, repo, branch)
	if err != nil {
		h.Log.Warn("cannot tell whether changes go into the branch", "err", err)
	}
	return open || err != nil
}

// by is who did it, as the delivery tells.
func (p *payload) by() string {
	if p.Sender != nil && p.Sender.Login != "" {
		return known(p.Sender.Login)
	}
	if p.Pusher != nil {
		return known(p.Pusher.Name)
	}
	return ""
}

// byID is the numeric id of who by names, or "": a login may be given to somebody else one day.
func (p *payload) byID() string {
	if p.Sender == nil || p.Sender.ID <= 0 || known(p.Sender.Login) == "" {
		return ""
	}
	return strconv.FormatInt(p.Sender.ID, 10)
}

// tagged: a tag was made or deleted through the pages or the API. Branches are told of by push.
func (h *receiver) tagged(_ context.Context, p *payload) ([]gate.Mark, error) {
	repo, err := p.repo()
	if err != nil {
		return nil, err
	}
	name, err := ref(p.Ref, "ref")
	if err != nil {
		return nil, err
	}
	switch p.RefType {
	case "":
		return nil, missing("ref_type")
	case "tag":
		return []gate.Mark{{Kind: gate.MarkTag, Repo: repo, Tag: name, By: p.by()}}, nil
	}
	return nil, nil
}

// mergeGroup: a merge queue wants its commit judged, or has no use for it any more. Which changes it carries is not told;
// the name of its branch is a hint where to look.
func (h *receiver) mergeGroup(_ context.Context, p *payload) ([]gate.Mark, error) {
	repo, err := p.repo()
	if err != nil {
		return nil, err
	}
	g := p.MergeGroup
	if g == nil {
		return nil, missing("merge_group")
	}
	m := gate.Mark{Kind: gate.MarkGroup, Repo: repo}
	if m.Commit, err = sha(g.HeadSHA, "merge_group.head_sha"); err != nil {
		return nil, err
	}
	if m.Before, err = sha(g.BaseSHA, "merge_group.base_sha"); err != nil {
		return nil, err
	}
	if m.Detail, err = ref(g.HeadRef, "merge_group.head_ref"); err != nil {
		return nil, err
	}
	switch p.Action {
	case "":
		return nil, missing("action")
	case "checks_requested", "destroyed":
		return []gate.Mark{m}, nil
	}
	return nil, nil
}

// installation: repositories can be seen that could not be seen before, or more can be done in them.
func (h *receiver) installation(_ context.Context, p *payload) ([]gate.Mark, error) {
	if err := p.installed(); err != nil {
		return nil, err
	}
	switch p.Action {
	case "":
		return nil, missing("action")
	case "created", "unsuspend", "new_permissions_accepted":
	default:
		return nil, nil
	}
	if len(p.Repositories) == 0 && p.Action != "created" {
		return []gate.Mark{{Kind: gate.MarkSweep}}, nil
	}
	return all(p.Repositories, "repositories")
}

// repositories: the open changes of repositories that were added are judged for the first time.
func (h *receiver) repositories(_ context.Context, p *payload) ([]gate.Mark, error) {
	if err := p.installed(); err != nil {
		return nil, err
	}
	switch p.Action {
	case "":
		return nil, missing("action")
	case "added":
		return all(p.RepositoriesAdded, "repositories_added")
	}
	return nil, nil
}

func (p *payload) installed() error {
	if p.Installation == nil {
		return missing("installation")
	}
	if p.Installation.ID <= 0 {
		return missing("installation.id")
	}
	return nil
}

// all marks the open changes of each repository.
func all(repos []repository, place string) ([]gate.Mark, error) {
	var marks []gate.Mark
	for i, r := range repos {
		name, err := r.name(fmt.Sprintf("%s[%d]", place, i))
		if err != nil {
			return nil, err
		}
		marks = append(marks, gate.Mark{Kind: gate.MarkBase, Repo: name})
	}
	return marks, nil
}

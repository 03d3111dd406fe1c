package gitlab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/compare"
)

const (
	policyProject = "sluice-policy" // of a group
	policyFile    = "sluice.yml"    // in it
)

// policies are the repository's at the tip of the target branch, the first that is there, and the groups'.
func (r *reading) policies(ctx context.Context) error {
	found, err := r.atTip(ctx, r.f.Change.Base.Name)
	if err != nil {
		return err
	}
	if !found {
		r.gap("policy", "The target branch %s does not exist any more, so its policy cannot be read.", checks.Clip(r.f.Change.Base.Name, 60))
	}
	return r.floor(ctx)
}

// atTip finds the tip of a branch and the policy there. Reading the file at the branch tells both at once. A tip that is
// remembered is taken where the merge request shows that the branch has not moved since: by what it showed before, or by having
// all commits of the branch, that tip as the last.
func (r *reading) atTip(ctx context.Context, branch string) (bool, error) {
	key := pair{r.key(), "", branch}
	known, ok := r.c.memory.tips.Get(key)
	heard, sure := r.c.heardOf(ctx, gate.MarkBase, r.repo)
	believed := settled
	if sure && known.heard == heard && !gate.Afresh(ctx) {
		believed = tipKept
	}
	stays := ok && (r.same && r.prior.tip == known.commit || r.upTo(known.commit)) && r.c.within(known.at, believed) || ok && r.opensAt(known.commit)
	if stays {
		r.tip = known.commit
	} else {
		likely := policy.Paths[0]
		if ok {
			likely = known.policy
		}
		tip, err := r.findTip(ctx, branch, likely)
		if err != nil || tip == "" {
			return false, err
		}
		r.tip, known.at, known.heard = tip, r.c.opts.Now(), heard
	}
	path, err := r.own(ctx)
	if err != nil {
		return false, err
	}
	if !stays || known.policy != path {
		r.c.memory.tips.Add(key, tipAt{r.tip, path, known.at, known.heard})
	}
	return true, nil
}

// upTo says that the target branch has no commit that the change has not, and that its last one is where the change begins.
func (r *reading) upTo(tip string) bool {
	return r.mr != nil && r.mr.State == "opened" && r.mr.Diverged != nil && *r.mr.Diverged == 0 && r.mr.Refs != nil && r.mr.Refs.Base == tip && r.mr.Refs.Start == tip
}

// opensAt says the same of a change that was just opened: GitLab has looked for its beginning a moment ago, however long it is
// since the tip was read.
func (r *reading) opensAt(tip string) bool {
	return r.upTo(tip) && r.c.within(r.mr.CreatedAt, settled)
}

// findTip asks for the tip of a branch, by the file that is likely to be there; "" when there is no such branch.
func (r *reading) findTip(ctx context.Context, branch, likely string) (string, error) {
	if likely != "" {
		t, commit, err := r.a.text(ctx, r.repo, "refs/heads/"+branch, likely)
		if err != nil {
			return "", err
		}
		if !t.Absent && objectID(commit) {
			r.keepText(commit, t)
			return commit, nil
		}
	}
	var b struct {
		Commit commitNode `json:"commit"`
	}
	_, err := r.a.get(ctx, at(r.repo, "repository", "branches", branch), nil, &b)
	switch {
	case errors.Is(err, gate.ErrGone):
		return "", nil
	case err != nil:
		return "", err
	case !objectID(b.Commit.ID):
		return "", fmt.Errorf("read the branch %s: GitLab named no commit", checks.Clip(branch, 60))
	}
	return b.Commit.ID, nil
}

// own is the repository's policy at the tip: the first of its places that holds one.
func (r *reading) own(ctx context.Context) (string, error) {
	for _, path := range policy.Paths {
		t, ok := r.remembered(checks.Tip, path)
		if !ok {
			var err error
			if t, err = r.atTipOrAbsent(ctx, path); err != nil {
				return "", err
			}
			r.keepText(r.tip, t)
		}
		if t.Absent {
			continue
		}
		r.source(policy.Source{Origin: policy.Repository, Name: path, Commit: r.tip, Text: t.Text, Kind: t.Kind})
		return path, nil
	}
	return "", nil
}

// atTipOrAbsent reads a file at the tip. Where somebody has just pushed, the list of all files is read first, which the next look
// wants anyway: what it does not hold need not be asked for.
func (r *reading) atTipOrAbsent(ctx context.Context, path string) (checks.Text, error) {
	if r.roused {
		entries, why, err := r.tree(ctx, r.tip)
		if err != nil {
			return checks.Text{}, err
		}
		if why == "" && !slices.ContainsFunc(entries, func(e compare.Entry) bool { return e.Path == path }) {
			return checks.Text{Path: path, Absent: true}, nil
		}
	}
	t, _, err := r.a.text(ctx, r.repo, r.tip, path)
	return t, err
}

// source takes in a policy, the repository's before the group's.
func (r *reading) source(s policy.Source) {
	r.f.Sources = append(r.f.Sources, s)
}

// floor is the policy of the highest group above the project that has one: what stands there, no group below it can take
// away. A project of a person has none.
func (r *reading) floor(ctx context.Context) error {
	if r.p.Namespace == nil || r.p.Namespace.Kind == "user" {
		return nil
	}
	groups := strings.Split(r.p.Namespace.FullPath, "/")
	for i := range groups {
		source, err := r.floorOf(ctx, strings.Join(groups[:i+1], "/")+"/"+policyProject)
		if err != nil {
			r.gap("policy", "The policy of the group %s could not be read.", checks.Clip(strings.Join(groups[:i+1], "/"), 80))
			return err
		}
		if source != nil {
			r.source(*source)
			return nil
		}
	}
	return nil
}

// floorOf is a group's policy, remembered for some minutes, unless an event tells of it: it is one for many projects.
func (r *reading) floorOf(ctx context.Context, project string) (*policy.Source, error) {
	a, err := r.c.reach(project)
	if err != nil {
		a = r.a // no token is for it: then what the project's own sees counts
	}
	key := floorKey{a.n, lower(project)}
	heard, sure := r.c.heardOf(ctx, gate.MarkBase, project)
	if known, ok := r.c.memory.floors.Get(key); ok && sure && known.heard == heard && r.c.within(known.at, r.kept(tagsKept)) {
		return known.source, nil
	}
	t, commit, err := a.text(ctx, project, "HEAD", policyFile)
	if err != nil {
		return nil, err
	}
	var source *policy.Source
	if !t.Absent {
		source = &policy.Source{Origin: policy.Organisation, Name: project + ":" + policyFile, Commit: commit, Text: t.Text, Kind: t.Kind}
	}
	if sure {
		r.c.memory.floors.Add(key, floorAt{source, r.c.opts.Now(), heard})
	}
	return source, nil
}

package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// mostBranches bounds how many protected branches are compared with a tag's commit.
const mostBranches = 20

// tag reads a tag that was pushed, moved or deleted.
func (r *reading) tag(ctx context.Context, expect string) error {
	s := r.f.Subject
	r.asked.tip = slices.Clone(policy.Paths)
	var node answerNode
	vars := map[string]any{"owner": r.repo.owner, "name": r.repo.name, "ref": "refs/tags/" + s.Tag, "named": plain(s.By), "by": s.By}
	r.habit.mu.Lock()
	r.organisation = !r.habit.alone
	vars["everybody"], vars["organisation"] = !r.habit.crowded && !r.habit.barred, r.organisation
	r.habit.mu.Unlock()
	errs, err := r.in.query(ctx, "Tag", r.c.queries.document("Tag", r.parts()), vars, &node)
	if err != nil {
		return err
	}
	if _, err := r.sort(&node, slices.DeleteFunc(errs, func(e graphError) bool { return e.at("by") })); err != nil {
		return err
	}
	if err := r.arrived(node.Repository.Ref, expect); err != nil {
		return err
	}
	r.repository(node.Repository)
	if err := r.owned(node.Repository); err != nil {
		return err
	}
	if t := node.Repository.Tip; t != nil && t.Target != nil {
		r.tip = t.Target.OID
		if err := r.contents(checks.Tip, r.tip, r.asked.tip, t.Target); err != nil {
			return err
		}
		r.policies(t.Target, &node)
	}
	r.grouped(r.asking, &node)
	if err := r.pushed(ctx, &node); err != nil {
		return missed(err)
	}
	if err := r.tags(ctx, node.Repository.Tags); err != nil {
		return missed(err)
	}
	if err := r.rounds(ctx, r.c.askTag); err != nil {
		return missed(err)
	}
	r.habit.mu.Lock()
	r.habit.tips[r.f.Repository.Default] = r.tip
	r.habit.mu.Unlock()
	return nil
}

// arrived makes sure that a tag which an event told of is there, for two minutes at most.
func (r *reading) arrived(ref *tagNode, expect string) error {
	if ref != nil || expect == "" {
		return nil
	}
	key, now := r.f.Subject.Key()+"@"+expect, r.c.opts.Now()
	first, missed := r.c.memory.stale.Get(key)
	if !missed {
		r.c.memory.stale.Add(key, now)
	} else if now.Sub(first) > 2*time.Minute {
		return nil
	}
	return fmt.Errorf("%w: the tag %s", gate.ErrStale, r.f.Subject.Tag)
}

// pushed tells where the tag points, who made it and signed it, and which branches hold its commit.
func (r *reading) pushed(ctx context.Context, node *answerNode) error {
	s := r.f.Subject
	p := &checks.TagPush{Name: s.Tag, Before: s.Before}
	r.f.Pushed, r.head = p, r.tip
	if by := person(node.By); by.ID != 0 {
		p.By = &by
	} else if strings.HasSuffix(s.By, "[bot]") {
		p.By = &checks.Person{Login: s.By, Kind: "bot"}
	}
	t, ok := tagOf(node.Repository.Ref)
	if !ok {
		r.start = r.head
		return nil
	}
	p.Commit, p.Annotated = t.Commit, t.Annotated
	if target := node.Repository.Ref.Target; t.Annotated {
		if target.Tagger != nil {
			p.Tagger = author(&nameNode{Name: target.Tagger.Name, Email: target.Tagger.Email})
		}
		if err := r.signature(ctx, target.OID); err != nil {
			return err
		}
	}
	if t.Commit != "" {
		r.head = t.Commit
		if err := r.holders(ctx); err != nil {
			return err
		}
	}
	r.start = r.head
	return nil
}

func (r *reading) signature(ctx context.Context, id string) error {
	var t github.Tag
	if err := r.in.get(ctx, "GET /repos/{owner}/{repo}/git/tags/{tag_sha}", r.repo.path("/git/tags/"+url.PathEscape(id)), &t); err != nil {
		return err
	}
	r.f.Pushed.Signed = t.GetVerification().GetVerified()
	r.f.Pushed.Reason = checks.Clip(t.GetVerification().GetReason(), 60)
	return nil
}

// holders finds the branches that hold the tag's commit, among the default branch and the protected ones.
func (r *reading) holders(ctx context.Context) error {
	names := []string{r.f.Repository.Default}
	var protected []struct {
		Name string `json:"name"`
	}
	err := r.in.get(ctx, "GET /repos/{owner}/{repo}/branches", r.repo.path("/branches?protected=true&per_page=100"), &protected)
	if err != nil {
		return err
	}
	for _, b := range protected {
		if b.Name != r.f.Repository.Default && len(names) < mostBranches {
			names = append(names, b.Name)
		}
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		holds, err := r.holds(ctx, name)
		if err != nil {
			return err
		}
		if holds {
			r.f.Pushed.Branches = append(r.f.Pushed.Branches, name)
		}
	}
	sort.Strings(r.f.Pushed.Branches)
	return nil
}

// holds says whether a branch has the tag's commit: then the commit has nothing that the branch has not.
func (r *reading) holds(ctx context.Context, branch string) (bool, error) {
	var c struct {
		Status  string `json:"status"`
		AheadBy *int   `json:"ahead_by"`
	}
	path := r.repo.path("/compare/" + url.PathEscape(branch) + "..." + url.PathEscape(r.head) + "?per_page=1")
	err := r.in.get(ctx, "GET /repos/{owner}/{repo}/compare/{basehead}", path, &c)
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return false, nil // no common history
	}
	return err == nil && (c.Status == "identical" || c.Status == "behind") && c.AheadBy != nil && *c.AheadBy == 0, err
}

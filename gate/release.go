package gate

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/changelog"
)

// release does `release VERSION|major|minor|patch` on a merged change: an annotated tag at its merge commit and a release
// with notes from the changelog. Where the changelog has no section for the version yet, a change that makes it comes first,
// and the release follows when that is merged. What is asked of the forge is looked for there first, so that duplicates,
// crashes and replicas make one tag and one release.
func (r *Reconciler) release(ctx context.Context, a *asking, out *Outcome) Result {
	x, why := r.mayRelease(ctx, a)
	if why != "" {
		return a.unreleased(why)
	}
	if why := r.touched(ctx, a); why != "" {
		return a.unreleased(why)
	}
	plan, err := checks.PlanRelease(a.set, a.facts, x.Commit, a.command.Version)
	if err != nil {
		return a.unreleased(escape(err.Error()))
	}
	x.planned(plan)
	if done, why := r.placed(ctx, a, x, plan); why != "" && done {
		return a.result("done", "%s", why)
	} else if why != "" {
		return a.unreleased(why)
	}
	if why := r.told(ctx, a, x); why != "" && !plan.There {
		return a.unreleased(why)
	}
	x.Turn = x.Turn && !plan.There
	x.State, x.Text = releaseWorking, fmt.Sprintf("%s is being released; this reply says when it is done.", codeSpan(x.Tag))
	if err := r.Releases.KeepRelease(ctx, *x); err != nil {
		return a.unreleased("it could not be written down; say it again")
	}
	if err := r.goOn(ctx, a.provider, a.facts, x, out); err != nil {
		r.Log.Warn("release is gone on with later", "subject", a.s.Key(), "tag", x.Tag, "err", err)
		out.later(Mark{Kind: MarkChange, Forge: a.s.Forge, Repo: a.s.Repo, Change: a.s.Change, Installation: a.s.Installation, Why: "release"})
	}
	return x.result()
}

// touched makes sure that the facts know which files the change touched: once it is merged there may be nothing left to
// compare. Components are told by them.
func (r *Reconciler) touched(ctx context.Context, a *asking) (why string) {
	if len(a.facts.Files) >= a.facts.Change.ChangedFiles {
		return ""
	}
	files, err := a.provider.(Librarian).Touched(ctx, a.s)
	if err != nil {
		r.Log.Warn("read what a merged change touched", "subject", a.s.Key(), "err", err)
		return "which files the change touched could not be read: say it again"
	}
	f := *a.facts
	f.Files = files
	a.facts = &f
	return ""
}

func (a *asking) unreleased(why string) Result {
	return a.result("refused", "Nothing was released: %s.", strings.TrimRight(why, "."))
}

// mayRelease begins a release of the change's merge commit, or says why there can be none.
func (r *Reconciler) mayRelease(ctx context.Context, a *asking) (x *Release, why string) {
	c := a.facts.Change
	_, reads := a.provider.(Librarian)
	_, writes := a.provider.(Committer)
	_, tags := a.provider.(Releaser)
	switch {
	case !reads || !writes || !tags || r.Releases == nil:
		return nil, "this forge takes no releases from Sluice"
	case r.DryRun:
		return nil, "this is a dry run: nothing is written"
	case c.State == "open":
		return nil, "the change is not merged yet, and only what is on the branch is released: merge it first"
	case c.State != "merged":
		return nil, "the change was closed without being merged: say it on one that was merged"
	case c.MergeCommit == "":
		return nil, "the forge does not say yet which commit the merge made: say it again in a minute"
	case a.on != "" && c.MergeCommit != a.on:
		return nil, "the forge tells of two commits that the merge made: say it again in a minute"
	}
	right, why, _ := holder(ctx, a.provider, a.s, a.comment.By, "maintain")
	switch {
	case why != "":
		return nil, "only maintainers release: " + why
	case a.policyErr != nil || a.set == nil:
		return nil, fmt.Sprintf("the policy on %s cannot be read, and releases follow its rules; mend it there", codeSpan(c.Base.Name))
	}
	if ok, rule := checks.ReleaseBranch(a.set, a.facts); !ok {
		return nil, fmt.Sprintf("the change went into %s, and releases are made of the branches that %s names (left out: of %s)", codeSpan(c.Base.Name), codeSpan(rule), codeSpan(a.facts.Repository.Default))
	}
	why, err := r.shut(ctx, a.facts, a.acts.Hold)
	switch {
	case err != nil:
		return nil, "what was decided about the change could not be read: say it again"
	case why != "":
		return nil, why
	}
	return &Release{Subject: identity(a.s), On: a.on, Comment: a.comment.ID, Line: a.command.Line, URL: origin(a), By: a.comment.By, Right: right,
		Base: c.Base.Name, Commit: c.MergeCommit, Policy: a.set.Digest, At: r.Now()}, ""
}

// origin is the address of the comment that asks, or what stands for it.
func origin(a *asking) string {
	if url := Plain(a.comment.URL); url != "" {
		return url
	}
	return fmt.Sprintf("comment %d on #%d", a.comment.ID, a.s.Change)
}

// shut says why the gate of a merged change was not open for that merge, or that somebody holds the change.
func (r *Reconciler) shut(ctx context.Context, f *checks.Facts, hold *Hold) (why string, err error) {
	d, _, err := r.deciding(ctx, f)
	switch {
	case err != nil:
		return "", err
	case d == nil:
		return fmt.Sprintf("the gate never decided about %.8s, the head that was merged, so nobody can say that it was open", Plain(f.Change.Head.Commit)), nil
	case hold != nil:
		return fmt.Sprintf("%s holds the change (%s); lift it with `/sluice unhold`", escape(hold.By.Login), escape(hold.Reason)), nil
	}
	why = d.against(f.Change)
	switch {
	case why == "":
		return "", nil
	case d.Open: // by what is shown on the head it could be merged, and nothing mends that now
		why += " Say it on a change that is merged through the gate after this one"
	}
	return "the gate was shut when the change was merged: " + escape(why), nil
}

// planned takes over what was planned.
func (x *Release) planned(p *checks.ReleasePlan) {
	x.Tag, x.Version, x.Component, x.Previous = p.Tag, p.Version, p.Component, p.Previous
	x.Notice = Notice{Tag: p.Tag, Title: p.Tag, Prerelease: p.Prerelease, Latest: "false"}
	switch {
	case p.Latest && p.Component == "":
		x.Notice.Latest = "true"
	case p.Latest:
		x.Notice.Latest = "legacy" // of several components the forge picks one by its own rule
	}
}

// placed makes sure that the commit lies on the branch, and that no higher release has it already: then there is nothing
// to do for somebody who asked for the next version.
func (r *Reconciler) placed(ctx context.Context, a *asking, x *Release, p *checks.ReleasePlan) (done bool, why string) {
	books := a.provider.(Librarian)
	on, err := books.Relation(ctx, a.s, x.Base, x.Commit)
	switch {
	case err != nil:
		return false, "the forge did not say whether the commit is on the branch: say it again"
	case on != "identical" && on != "behind":
		return false, fmt.Sprintf("%.8s, which the merge made, is not on %s any more", Plain(x.Commit), codeSpan(x.Base))
	case p.PreviousAt == "" || p.There:
		return false, ""
	}
	since, err := books.Relation(ctx, a.s, p.PreviousAt, x.Commit)
	switch {
	case err != nil:
		return false, "the forge did not say whether the commit is in the last release already: say it again"
	case since == "identical" || since == "behind":
		return true, fmt.Sprintf("%s has this change already; nothing was made.", codeSpan(p.Previous))
	}
	return false, ""
}

// told finds the changelog, and whether a change has to make the section of the version first.
func (r *Reconciler) told(ctx context.Context, a *asking, x *Release) (why string) {
	log, err := r.telling(ctx, a.provider, a.facts, x)
	switch {
	case err != nil:
		return "the changelog could not be read: say it again"
	case log.found || log.fragments != "" || x.Log == "":
		return ""
	}
	f := changelog.Parse(x.Log, log.text)
	hand := f.Style == changelog.KeepAChangelog || f.Style == changelog.Markdown
	switch _, err := changelog.Turn(x.Log, log.text, x.making(r)); {
	case !hand:
		return fmt.Sprintf("%s has no section for %s: make it in a change as the project does, merge that, and release it", codeSpan(x.Log), codeSpan(x.Version))
	case err != nil:
		return fmt.Sprintf("%s has no section for %s, and I cannot make it: %s", codeSpan(x.Log), codeSpan(x.Version), escape(err.Error()))
	}
	x.Turn = true
	return ""
}

func (x *Release) making(r *Reconciler) changelog.Making {
	return changelog.Making{Version: x.Version, Tag: x.Tag, Previous: x.Previous, Day: r.Now().UTC()}
}

// telling is what the changelog says of a version.
type telling struct {
	text, notes string
	found       bool   // it has a section for the version
	fragments   string // gathered, where entries are kept in fragments
}

// telling reads the changelog at the commit.
func (r *Reconciler) telling(ctx context.Context, provider Provider, f *checks.Facts, x *Release) (t telling, err error) {
	books := provider.(Librarian)
	set, err := r.policies.load(f.Sources)
	if err != nil {
		return t, err
	}
	tree, err := books.Tree(ctx, f.Subject, f.Subject.Repo, x.Commit)
	if err != nil {
		return t, err
	}
	log, fragments := checks.ReleaseLog(set, listed(f, tree), x.Component)
	paths := fragments[:min(len(fragments), 200)]
	if log != "" {
		paths = append([]string{log}, paths...)
	}
	texts, err := books.Texts(ctx, f.Subject, f.Subject.Repo, x.Commit, paths)
	if err != nil {
		return t, err
	}
	x.Log, t.text = log, texts[log]
	if log != "" {
		t.notes, t.found = changelog.Notes(log, t.text, x.Version)
	}
	t.fragments = changelog.Gather(fragments, texts)
	return t, nil
}

// later raises more work; delays stay in step with marks.
func (o *Outcome) later(m Mark) { o.Marks = append(o.Marks, m) }

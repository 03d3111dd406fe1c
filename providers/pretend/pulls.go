package pretend

import (
	"fmt"
	"slices"
	"time"
)

// Pull is a pull request.
type Pull struct {
	ID                      int64
	Number                  int
	Title, Body             string
	Repo                    *Repo
	Author                  *User
	Draft, Merged, Locked   bool
	Closed                  bool
	Editable                bool // of a fork: maintainers of the target may write to the branch
	Created, Updated, Ended time.Time
	headRepo                *Repo
	headRef, baseRef        string
	head                    *commit
	base                    *commit // the target's tip when the head last moved
	labels                  []*Label
	reviews                 []*Review
	asked                   []*User
	askedTeams              []*Team
	events                  []*event
	mergeCommit             *commit
	mergedBy                *User
}

// Label is one that a pull request carries.
type Label struct {
	ID   int64
	Name string
}

// Review is somebody's opinion of a commit.
type Review struct {
	ID        int64
	Pull      *Pull
	By        *User
	State     string // APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED
	was       string // before it was dismissed
	Body      string
	Commit    *commit
	Submitted time.Time
	Edited    time.Time
}

// event is one item of a pull request's timeline.
type event struct {
	id     int64
	kind   string // LabeledEvent
	actor  *User
	at     time.Time
	label  *Label
	from   any // commits of a force push, names of branches or titles
	to     any
	review *Review
	about  any // *User or *Team
	commit *commit
	note   *comment
}

type comment struct {
	id      int64
	pull    *Pull   // nil: it is on the commit
	on      *commit // of the repository
	repo    *Repo   //
	by      *User
	body    string
	created time.Time
	edited  time.Time
	app     *App // that wrote it, or through which it was written

	reactions []reaction
}

// PR is a pull request to open.
type PR struct {
	Repo    string   `yaml:"repo"`
	By      string   `yaml:"by"`
	Title   string   `yaml:"title"`
	Body    string   `yaml:"body"`
	Base    string   `yaml:"base"` // "": the default branch
	Branch  string   `yaml:"branch"`
	Fork    string   `yaml:"fork"` // "ana/shop": the branch lives there
	From    string   `yaml:"from"` // what the branch starts at, when it is new; "": Base
	Commits []Commit `yaml:"commits"`
	Draft   bool     `yaml:"draft"`
	Labels  []string `yaml:"labels"`

	Editable bool `yaml:"editable"` // from a fork: "Allow edits by maintainers" is ticked
}

// Open pushes the commits to the branch and opens a pull request from it. It returns the number.
func (f *Forge) Open(pr PR) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begins()
	r, err := f.repo(pr.Repo)
	if err != nil {
		return 0, err
	}
	from := r
	if pr.Fork != "" {
		if from, err = f.fork(pr.Repo, pr.Fork); err != nil {
			return 0, err
		}
	}
	by := f.user(or(pr.By, r.Owner.Login), "")
	base, branch := or(pr.Base, r.Default), or(pr.Branch, fmt.Sprintf("change-%d", len(r.pulls)+1))
	if r.branches[base] == nil {
		return 0, fmt.Errorf("open into %q: %w", base, ErrUnknown)
	}
	start := pr.From
	if start == "" && from.branches[branch] == nil {
		start = r.branches[base].id
	}
	head, err := f.push(from, Push{Branch: branch, By: by.Login, Commits: pr.Commits, From: start})
	if err != nil {
		return 0, fmt.Errorf("open from %q: %w", branch, err)
	}
	p := f.opened(&Pull{Title: or(pr.Title, "Change "+branch), Body: pr.Body, Repo: r, Author: by, Draft: pr.Draft, Editable: pr.Editable && from != r,
		headRepo: from, headRef: branch, baseRef: base, head: head, base: r.branches[base]})
	for _, l := range pr.Labels {
		f.label(p, l, by)
	}
	return p.Number, nil
}

// opened gives a pull request its number and tells of it.
func (f *Forge) opened(p *Pull) *Pull {
	p.ID, p.Number, p.Created = f.id(), len(p.Repo.pulls)+1, f.at()
	p.Repo.pulls = append(p.Repo.pulls, p)
	f.keep(p.ID, p)
	for _, c := range p.commits() {
		p.note(f, &event{kind: "PullRequestCommit", actor: p.Author, commit: c})
	}
	f.emitPull(p, "opened", p.Author, nil)
	f.suite(p.Repo, p.head, f.app)
	return p
}

// commits are those that the head has and the target has not, oldest first.
func (p *Pull) commits() []*commit { return between(p.target(), p.head) }

// target is the tip of the target branch, or where it last was.
func (p *Pull) target() *commit {
	if c := p.Repo.branches[p.baseRef]; c != nil && !p.Closed {
		return c
	}
	return p.base
}

// changes are what the pull request touches, against the merge base.
func (p *Pull) changes() []*change {
	o := p.Repo.objects
	var was *tree
	if base := o.mergeBase(p.target(), p.head); base != nil {
		was = base.tree
	}
	return o.diff(was, p.head.tree)
}

func (p *Pull) note(f *Forge, e *event) {
	e.id, e.at = f.id(), f.at()
	p.events = append(p.events, e)
	p.Updated = e.at
}

func (p *Pull) state() string {
	switch {
	case p.Merged:
		return "MERGED"
	case p.Closed:
		return "CLOSED"
	}
	return "OPEN"
}

// pull finds an open or closed pull request; f is locked.
func (f *Forge) pull(repo string, n int) (*Pull, error) {
	r, err := f.repo(repo)
	if err != nil {
		return nil, err
	}
	if n < 1 || n > len(r.pulls) {
		return nil, fmt.Errorf("pull request %s#%d: %w", repo, n, ErrUnknown)
	}
	return r.pulls[n-1], nil
}

// change runs do on a pull request under the lock.
func (f *Forge) change(repo string, n int, by string, do func(*Pull, *User) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begins()
	p, err := f.pull(repo, n)
	if err != nil {
		return err
	}
	return do(p, f.user(or(by, p.Author.Login), ""))
}

// pullsFrom are the open pull requests whose head is a branch of r.
func (f *Forge) pullsFrom(r *Repo, branch string) []*Pull {
	var list []*Pull
	for _, to := range f.sortedRepos() {
		for _, p := range to.pulls {
			if p.headRepo == r && p.headRef == branch && !p.Closed {
				list = append(list, p)
			}
		}
	}
	return list
}

// follow lets the open pull requests from a branch know that it moved, and closes those into it that it now contains.
func (f *Forge) follow(r *Repo, branch string, before, after *commit, by *User, forced bool) {
	for _, p := range f.pullsFrom(r, branch) {
		f.dequeue(p, by, "BRANCH_PROTECTIONS") // a push takes a pull request out of the queue
		was := p.head
		had := map[*commit]bool{}
		for _, c := range p.commits() {
			had[c] = true
		}
		p.head, p.base = after, p.target()
		if forced {
			p.note(f, &event{kind: "HeadRefForcePushedEvent", actor: by, from: was, to: after})
		}
		for _, c := range p.commits() {
			if !had[c] {
				p.note(f, &event{kind: "PullRequestCommit", actor: by, commit: c})
			}
		}
		f.emitPull(p, "synchronize", by, obj{"before": was.id, "after": after.id})
		f.suite(p.Repo, after, f.app)
	}
}

// Edit changes the title, the body or the target branch; nil leaves it.
type Edit struct {
	Title *string `yaml:"title"`
	Body  *string `yaml:"body"`
	Base  *string `yaml:"base"`
}

// Edit edits a pull request.
func (f *Forge) Edit(repo string, n int, by string, e Edit) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error { return f.rewrite(p, who, e) })
}

func (f *Forge) rewrite(p *Pull, who *User, e Edit) error {
	changes := obj{}
	if e.Base != nil && *e.Base != p.baseRef {
		tip := p.Repo.branches[*e.Base]
		if tip == nil || p.Closed {
			return fmt.Errorf("retarget to %q: %w", *e.Base, ErrRefused)
		}
		changes["base"] = obj{"ref": obj{"from": p.baseRef}, "sha": obj{"from": p.base.id}}
		f.dequeue(p, who, "MANUAL")
		was := p.baseRef
		p.baseRef, p.base = *e.Base, tip
		p.note(f, &event{kind: "BaseRefChangedEvent", actor: who, from: was, to: p.baseRef})
	}
	if e.Title != nil && *e.Title != p.Title {
		changes["title"] = obj{"from": p.Title}
		p.note(f, &event{kind: "RenamedTitleEvent", actor: who, from: p.Title, to: *e.Title})
		p.Title = *e.Title
	}
	if e.Body != nil && *e.Body != p.Body {
		changes["body"] = obj{"from": p.Body}
		p.Body = *e.Body
	}
	f.emitPull(p, "edited", who, obj{"changes": changes})
	return nil
}

// Label sets a label.
func (f *Forge) Label(repo string, n int, by, name string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error { f.label(p, name, who); return nil })
}

func (f *Forge) label(p *Pull, name string, by *User) {
	if slices.ContainsFunc(p.labels, func(l *Label) bool { return fold(l.Name) == fold(name) }) {
		return
	}
	l := &Label{ID: f.id(), Name: name}
	p.labels = append(p.labels, l)
	p.note(f, &event{kind: "LabeledEvent", actor: by, label: l})
	f.emitPull(p, "labeled", by, obj{"label": renderLabel(l)})
}

// Unlabel takes a label off.
func (f *Forge) Unlabel(repo string, n int, by, name string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error { return f.unlabel(p, name, who) })
}

func (f *Forge) unlabel(p *Pull, name string, who *User) error {
	i := slices.IndexFunc(p.labels, func(l *Label) bool { return fold(l.Name) == fold(name) })
	if i < 0 {
		return fmt.Errorf("label %q: %w", name, ErrUnknown)
	}
	l := p.labels[i]
	p.labels = slices.Delete(slices.Clone(p.labels), i, i+1)
	p.note(f, &event{kind: "UnlabeledEvent", actor: who, label: l})
	f.emitPull(p, "unlabeled", who, obj{"label": renderLabel(l)})
	return nil
}

// SetDraft makes it a draft, or ready for review.
func (f *Forge) SetDraft(repo string, n int, by string, on bool) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error { f.draft(p, who, on); return nil })
}

func (f *Forge) draft(p *Pull, who *User, on bool) {
	if p.Draft == on {
		return
	}
	p.Draft = on
	kind, action := "ReadyForReviewEvent", "ready_for_review"
	if on {
		kind, action = "ConvertToDraftEvent", "converted_to_draft"
	}
	p.note(f, &event{kind: kind, actor: who})
	f.emitPull(p, action, who, nil)
}

// Close closes without merging.
func (f *Forge) Close(repo string, n int, by string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error { f.shut(p, who); return nil })
}

func (f *Forge) shut(p *Pull, by *User) {
	if p.Closed {
		return
	}
	f.dequeue(p, by, "MANUAL")
	p.base = p.target()
	p.Closed, p.Ended = true, f.at()
	p.note(f, &event{kind: "ClosedEvent", actor: by})
	f.emitPull(p, "closed", by, nil)
}

// Reopen opens it again, where the branch stands now.
func (f *Forge) Reopen(repo string, n int, by string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error { return f.reopen(p, who) })
}

func (f *Forge) reopen(p *Pull, who *User) error {
	tip := p.headRepo.branches[p.headRef]
	if !p.Closed || p.Merged || tip == nil {
		return fmt.Errorf("reopen #%d: %w", p.Number, ErrRefused)
	}
	p.Closed, p.Ended, p.head = false, time.Time{}, tip
	p.base = p.target()
	p.note(f, &event{kind: "ReopenedEvent", actor: who})
	f.emitPull(p, "reopened", who, nil)
	return nil
}

// Merge merges it; squash makes one commit of it. It asks nothing of the required checks: see Mergeable. It returns the commit.
func (f *Forge) Merge(repo string, n int, by string, squash bool) (string, error) {
	var id string
	err := f.change(repo, n, by, func(p *Pull, who *User) (err error) { id, err = f.merge(p, who, squash); return err })
	return id, err
}

func (f *Forge) merge(p *Pull, who *User, squash bool) (string, error) {
	tip := p.Repo.branches[p.baseRef]
	if p.Closed || p.Draft || tip == nil {
		return "", fmt.Errorf("merge #%d: %w", p.Number, ErrRefused)
	}
	t := tip.tree
	for _, c := range p.changes() {
		if c.old != "" {
			t = t.with(c.old, nil)
		}
		if c.has {
			t = t.with(c.path, &c.is)
		} else {
			t = t.with(c.path, nil)
		}
	}
	t.seal()
	parents, message := []*commit{tip, p.head}, f.mergeMessage(p, squash)
	if squash {
		parents = parents[:1]
	}
	c := p.Repo.objects.commit(t, parents, message, f.signature(who), f.webSignature(who))
	c.verified = true
	f.dequeue(p, who, "MERGE")
	f.land(p, c, who)
	f.outrun(p.Repo, p.baseRef)
	return c.id, nil
}

// mergeMessage is what the forge writes into a merge commit.
func (f *Forge) mergeMessage(p *Pull, squash bool) string {
	switch {
	case f.lab != nil && squash:
		return p.Title
	case f.lab != nil:
		return fmt.Sprintf("Merge branch '%s' into '%s'\n\n%s\n\nSee merge request %s!%d", p.headRef, p.baseRef, p.Title, p.Repo.Name, p.Number)
	case squash:
		return fmt.Sprintf("%s (#%d)", p.Title, p.Number)
	}
	return fmt.Sprintf("Merge pull request #%d from %s\n\n%s", p.Number, p.headRef, p.Title)
}

// webSignature is the committer of what the forge commits itself: GitHub is one of its own, GitLab whoever asked for it.
func (f *Forge) webSignature(who *User) Signature {
	if f.lab != nil {
		return f.signature(who)
	}
	return f.signature(f.users["web-flow"])
}

// land puts the merge commit of a pull request on its target branch, and tells of it.
func (f *Forge) land(p *Pull, c *commit, who *User) {
	tip := p.Repo.branches[p.baseRef]
	p.base, p.mergeCommit, p.mergedBy = tip, c, who
	p.Closed, p.Merged, p.Ended = true, true, f.at()
	p.Repo.branches[p.baseRef] = c
	p.note(f, &event{kind: "MergedEvent", actor: who, commit: c})
	p.note(f, &event{kind: "ClosedEvent", actor: who})
	f.moved(p.Repo, "refs/heads/"+p.baseRef, tip, c, who)
	f.emitPull(p, "closed", who, nil)
	f.follow(p.Repo, p.baseRef, tip, c, who, false)
}

// Pulls is how many pull requests the repository has had.
func (f *Forge) Pulls(repo string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, err := f.repo(repo); err == nil {
		return len(r.pulls)
	}
	return 0
}

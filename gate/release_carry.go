package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/patterns"
)

// goOn does what is next for a release that was written down: the change that makes its section, or the tag and the release.
// What came of it goes into out; an error means that it must be gone on with later.
func (r *Reconciler) goOn(ctx context.Context, provider Provider, f *checks.Facts, x *Release, out *Outcome) error {
	err := r.step(ctx, provider, f, x, out)
	if why, refused := no(err); refused {
		x.end(releaseRefused, fmt.Sprintf("%s was not released: %s.", codeSpan(x.Tag), escape(why)))
	} else if err != nil {
		return fmt.Errorf("release %s of %v: %w", x.Tag, x.Subject, err)
	}
	out.Releases = append(out.Releases, *x)
	return nil
}

func (x *Release) end(state, text string) { x.State, x.Text = state, text }

func (r *Reconciler) step(ctx context.Context, provider Provider, f *checks.Facts, x *Release, out *Outcome) error {
	right, why, err := holder(ctx, provider, f.Subject, x.By, "maintain")
	if err != nil { // asked again until there is an answer; nothing is made before
		return err
	}
	if why != "" {
		x.end(releaseRefused, fmt.Sprintf("%s was not released: only maintainers release, and %s is none any more (%s).", codeSpan(x.Tag), escape(x.By.Login), escape(why)))
		return nil
	}
	x.Right = right
	if x.Turn && x.Pull == 0 {
		return r.propose(ctx, provider, f, x, out)
	}
	return r.publish(ctx, provider, f, x, out)
}

// releases goes on with the releases that a change brings on, once it is merged or closed.
func (r *Reconciler) releases(ctx context.Context, provider Provider, f *checks.Facts, out *Outcome) error {
	if r.Releases == nil || r.DryRun {
		return nil
	}
	due, err := r.Releases.ReleasesDue(ctx, f.Subject)
	if err != nil {
		return fmt.Errorf("read the releases that wait for %v: %w", f.Subject, err)
	}
	for i := range due {
		x := &due[i]
		if x.State == releaseWaiting && x.Pull == f.Change.Number {
			why, err := r.arrived(ctx, f, x)
			if err != nil {
				return err
			}
			if why != "" {
				x.end(releaseRefused, fmt.Sprintf("%s was not released: %s.", codeSpan(x.Tag), why))
				out.Releases = append(out.Releases, *x)
				out.later(x.answerAgain())
				continue
			}
		}
		if err := r.goOn(ctx, provider, f, x, out); err != nil {
			return err
		}
		out.later(x.answerAgain())
	}
	return nil
}

// arrived takes the merge commit of the change that made the section, or says why it is not released.
func (r *Reconciler) arrived(ctx context.Context, f *checks.Facts, x *Release) (why string, err error) {
	switch c := f.Change; {
	case c.State != "merged":
		return fmt.Sprintf("#%d, which was to make its section, was closed without being merged", x.Pull), nil
	case c.Base.Name != x.Base:
		return fmt.Sprintf("#%d was merged into another branch than %s", x.Pull, codeSpan(x.Base)), nil
	default:
		acts, err := r.Memory.Acts(ctx, f.Subject)
		if err != nil {
			return "", fmt.Errorf("read what people said about %v: %w", f.Subject, err)
		}
		if why, err := r.shut(ctx, f, acts.Hold); why != "" || err != nil {
			return fmt.Sprintf("of #%d: %s", x.Pull, why), err
		}
		x.Commit = c.MergeCommit
		return "", nil
	}
}

// propose opens the change that turns what is unreleased into the version.
func (r *Reconciler) propose(ctx context.Context, provider Provider, f *checks.Facts, x *Release, out *Outcome) error {
	committer, s := provider.(Committer), f.Subject
	branch := x.branch()
	p, err := committer.Proposed(ctx, s, branch, x.Base)
	if err != nil {
		return err
	}
	if p == nil || p.State == "closed" {
		notes, err := r.turn(ctx, provider, f, x, branch)
		if err != nil {
			return err
		}
		p, err = committer.Propose(ctx, s, Proposal{Branch: branch, Base: x.Base, Title: "Release " + x.named(), Body: x.body(notes)})
		if err != nil {
			return err
		}
	}
	x.Pull = p.Number
	x.end(releaseWaiting, fmt.Sprintf("#%d turns what is unreleased into %s. When it is merged through an open gate, I tag its merge commit %s and publish the release, provided that %s may release then.",
		p.Number, codeSpan(x.Version), codeSpan(x.Tag), escape(x.By.Login)))
	// It may have been merged before this was written down.
	out.later(Mark{Kind: MarkChange, Forge: s.Forge, Repo: s.Repo, Change: p.Number, Installation: s.Installation, Why: "release"})
	return nil
}

// named is the version with its component.
func (x *Release) named() string {
	if x.Component == "" {
		return Plain(x.Version)
	}
	return Plain(x.Component + " " + x.Version)
}

var unbranched = patterns.New(`[^A-Za-z0-9._-]+`)

func (x *Release) branch() string {
	name := x.Version
	if x.Component != "" {
		name = x.Component + "-" + x.Version
	}
	return "sluice/release-" + strings.Trim(unbranched.ReplaceAllString(name, "-"), ".-")
}

// body tells what the change is for. The notes are shown so that nothing in them calls somebody or closes an issue, here or
// in the message of a squashed merge.
func (x *Release) body(notes string) string {
	return fmt.Sprintf("Turns what is unreleased in %s into %s. When this is merged through an open gate, Sluice tags the merge commit %s and publishes the release with these notes.\n\n---\n\n%s\n\n---\n\nAsked for by %s in %s\n",
		codeSpan(x.Log), codeSpan(x.Version), codeSpan(x.Tag), shortened(harmless(notes), 30_000), escape(x.By.Login), x.URL)
}

var (
	reference = patterns.New(`#(\d)`)
	dashed    = patterns.New(`(?i)\bGH-(\d)`)
	closes    = patterns.New(`(?i)\b((?:close[sd]?|fix(?:es|ed)?|resolve[sd]?):?\s+\S*?)://`)
)

// harmless keeps Markdown as it is shown and takes from it what a forge acts upon: mentions, and references that close.
func harmless(s string) string {
	s = reference.ReplaceAllString(s, "&#35;$1")
	s = dashed.ReplaceAllString(s, "GH&#45;$1")
	return strings.ReplaceAll(closes.ReplaceAllString(s, "$1&#58;//"), "@", "&#64;")
}

// caused says whether a message, of a tag or a commit, says that this asking made it.
func (x *Release) caused(message string) bool {
	return slices.Contains(strings.Split(strings.ReplaceAll(message, "\r\n", "\n"), "\n"), "Asked for in "+x.URL)
}

// turn makes the commit on the branch, or finds it there, and returns the notes.
func (r *Reconciler) turn(ctx context.Context, provider Provider, f *checks.Facts, x *Release, branch string) (string, error) {
	committer, books, s := provider.(Committer), provider.(Librarian), f.Subject
	tip, err := committer.Branch(ctx, s, x.Base)
	if err != nil {
		return "", err
	}
	if tip == nil {
		return "", &RefusalError{Why: "the branch " + Plain(x.Base) + " is gone"}
	}
	there, err := committer.Branch(ctx, s, branch)
	if err != nil {
		return "", err
	}
	ours := there != nil && x.caused(there.Message)
	if there != nil && !ours && there.Commit != tip.Commit {
		return "", &RefusalError{Why: "the branch " + branch + " is left over from an earlier try: delete it and say it again"}
	}
	at := tip.Commit
	if ours {
		at = there.Commit
	}
	texts, err := books.Texts(ctx, s, s.Repo, at, []string{x.Log})
	if err != nil {
		return "", err
	}
	if notes, made := changelog.Notes(x.Log, texts[x.Log], x.Version); ours && made {
		return notes, nil
	} else if made {
		return "", &RefusalError{Why: fmt.Sprintf("%s has got a section for %s since this change: say it on the change that made it", x.Log, x.Version)}
	}
	text, err := changelog.Turn(x.Log, texts[x.Log], x.making(r))
	if err != nil {
		return "", &RefusalError{Why: fmt.Sprintf("%s: %v", x.Log, err)}
	}
	_, err = committer.Commit(ctx, s, Edit{Repo: s.Repo, Branch: branch, Expect: tip.Commit, New: true, Title: "Release " + x.named(), For: x.By,
		Body: "Asked for in " + x.URL, Files: map[string]string{x.Log: text}})
	notes, _ := changelog.Notes(x.Log, text, x.Version)
	return notes, err
}

// publish makes the tag and the release, or finds them.
func (r *Reconciler) publish(ctx context.Context, provider Provider, f *checks.Facts, x *Release, out *Outcome) error {
	if x.Commit == "" {
		return fmt.Errorf("%w: the commit that the merge made", ErrStale)
	}
	releaser, s := provider.(Releaser), f.Subject
	log, err := r.telling(ctx, provider, f, x)
	switch {
	case err != nil:
		return err
	case x.Turn && !log.found:
		return &RefusalError{Why: fmt.Sprintf("%s has no section for %s at %.8s", x.Log, x.Version, x.Commit)}
	}
	notice := x.Notice
	notice.Notes = log.shown(x, f)
	// What is made now has to be known as this person's when the forge tells of it.
	x.State = releaseWorking
	if err := r.Releases.KeepRelease(ctx, *x); err != nil {
		return err
	}
	tagged, err := r.tagged(ctx, releaser, s, x)
	if err != nil {
		return err
	}
	url, err := releaser.Published(ctx, s, x.Tag)
	made := url == ""
	if err == nil && made {
		url, err = releaser.Publish(ctx, s, notice)
	}
	if why, refused := no(err); refused {
		return &RefusalError{Why: fmt.Sprintf("the tag %s is there, but the release is not: %s", x.Tag, why)}
	} else if err != nil {
		return err
	}
	x.end(releaseDone, fmt.Sprintf("Released %s at %.8s%s.", anchor(x.Tag, url), Plain(x.Commit), log.from(x)))
	if tagged || made {
		out.Entries = append(out.Entries, x.entered())
	}
	return nil
}

// tagged makes the tag, or finds it at the commit. It says whether the tag is of this asking.
func (r *Reconciler) tagged(ctx context.Context, releaser Releaser, s checks.Subject, x *Release) (ours bool, err error) {
	t, err := releaser.TagAt(ctx, s, x.Tag)
	if err == nil && t == nil {
		message := fmt.Sprintf("Release %s\n\nAsked for in %s\n", x.Tag, x.URL)
		if err = releaser.CreateTag(ctx, s, x.Tag, x.Commit, message); err == nil {
			return true, nil
		}
		if _, refused := no(err); refused { // somebody was faster, or it is not allowed
			if again, lost := releaser.TagAt(ctx, s, x.Tag); lost == nil && again != nil {
				t, err = again, nil
			}
		}
	}
	if err != nil {
		return false, err
	}
	if t.Commit != x.Commit {
		return false, &RefusalError{Why: fmt.Sprintf("the tag %s was made meanwhile, at %.8s", x.Tag, t.Commit)}
	}
	return x.caused(t.Message), nil
}

// shown are the notes of the release: the section of the version, or the fragments, or which change it was.
func (t telling) shown(x *Release, f *checks.Facts) string {
	switch {
	case t.found && strings.TrimSpace(t.notes) != "":
		return shortened(t.notes, 100_000)
	case t.fragments != "":
		return shortened(t.fragments, 100_000)
	}
	if pending := changelog.Pended(x.Log, t.text); pending != "" { // tagged by hand, before the changelog had a section
		return shortened(pending, 100_000)
	}
	return fmt.Sprintf("%s (#%d)", escape(f.Change.Title), f.Change.Number)
}

// shortened keeps a text within what a forge takes; its lines stay.
func shortened(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "\n\n…"
	}
	return s
}

func (t telling) from(x *Release) string {
	switch {
	case t.found:
		return ", with notes from " + codeSpan(x.Log)
	case t.fragments != "":
		return ", with notes from the changelog's fragments"
	}
	return ""
}

// entered is the line of the audit log.
func (x *Release) entered() Entry {
	e := entry(EntryRelease, x.Subject, x.Commit)
	e.Who, e.Reason, e.URL, e.Policy, e.Command, e.Outcome = who(x.By), x.Tag, x.URL, x.Policy, "release", "done"
	return e
}

var address = patterns.New(`^https?://[A-Za-z0-9.:/_~%#@+-]+$`)

// anchor is Markdown for an address of the forge.
func anchor(text, url string) string {
	if !address.MatchString(url) {
		return codeSpan(text)
	}
	return fmt.Sprintf("[%s](%s)", escapeText(Plain(text)), url)
}

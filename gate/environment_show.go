package gate

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// show tells people what came of the visit: the check on each promotion's commit, the one comment on the change that it
// came from, and the runs that wait.
func (v *visit) show(ctx context.Context) error {
	if v.r.DryRun {
		return nil
	}
	if err := v.r.keepFirst(ctx, v.w, &v.out); err != nil {
		return err
	}
	failed := []error{v.answerRuns(ctx)}
	for _, id := range v.ending {
		failed = append(failed, v.provider.Conclude(ctx, v.s, id, "error", "Cancelled; what was deployed by then stays."))
	}
	for i := range v.book.Promotions {
		p := &v.book.Promotions[i]
		if v.touched[p.ID] || p.Owed {
			q := v.speaker(p)
			missed := errors.Join(v.recall(ctx, q), v.showCheck(ctx, q), v.recall(ctx, p), v.showNote(ctx, p))
			v.touched[p.ID], p.Owed = true, missed != nil
			failed = append(failed, missed)
		}
	}
	for _, x := range v.strange {
		failed = append(failed, v.showStranger(ctx, x))
	}
	return errors.Join(failed...)
}

// checkName is the check of an environment's promotions.
func checkName(environment string) string { return "sluice/deploy (" + environment + ")" }

// showCheck posts the verdict on the commit, when it says something new.
func (v *visit) showCheck(ctx context.Context, p *Promotion) error {
	post := v.post(p)
	if p.Shown.Digest == post.Digest {
		return nil
	}
	if p.Shown.ID == 0 {
		p.Shown = v.shownBefore(p)
	}
	if p.Shown.ID != 0 {
		known := p.Shown
		post.Known = &known
	}
	poster, ok := v.provider.(Provider)
	if !ok {
		return nil
	}
	posted, err := poster.Post(ctx, p.Subject(), v.facts(), []Post{post})
	if len(posted) > 0 {
		v.shown(p.Commit, posted[0])
	}
	return err
}

// speaker is the promotion whose word the one check of a commit has: the newest that was not overtaken or called off.
func (v *visit) speaker(p *Promotion) *Promotion {
	var newest *Promotion
	for i := range v.book.Promotions { // newest first
		q := &v.book.Promotions[i]
		if q.Commit == p.Commit && q.State != Superseded && q.State != Cancelled {
			return q
		}
		if q.Commit == p.Commit && newest == nil {
			newest = q
		}
	}
	return newest
}

// shown remembers with every promotion of a commit what its check says now.
func (v *visit) shown(commit string, now Posted) {
	for i := range v.book.Promotions {
		if q := &v.book.Promotions[i]; q.Commit == commit {
			q.Shown = now
			v.touched[q.ID] = true
		}
	}
}

func (v *visit) facts() *checks.Facts {
	if v.standing == nil {
		return nil
	}
	return v.standing.Facts
}

// shownBefore is the check that an earlier attempt left on the same commit.
func (v *visit) shownBefore(p *Promotion) Posted {
	for _, q := range v.book.Promotions {
		if q.Commit == p.Commit && q.ID != p.ID && q.Shown.ID != 0 {
			return q.Shown
		}
	}
	return Posted{}
}

// post is the check of a promotion as it stands.
func (v *visit) post(p *Promotion) Post {
	title, outcome := v.headline(p)
	post := Post{Name: checkName(p.Environment), Commit: p.Commit, Outcome: outcome, Cancelled: p.State == Superseded || p.State == Cancelled,
		Title: checks.Clip(Plain(title), 140), Summary: v.summary(p), URL: v.link(p), ExternalID: p.Decision}
	post.Digest = post.digest()
	return post
}

func (v *visit) link(p *Promotion) string {
	if p.Decision == "" {
		return strings.TrimRight(v.r.PublicURL, "/")
	}
	return strings.TrimRight(v.r.PublicURL, "/") + "/decisions/" + p.Decision
}

// showNote makes the one comment on the change say where its promotion stands.
func (v *visit) showNote(ctx context.Context, p *Promotion) error {
	forge, ok := v.provider.(Correspondent)
	if !ok || p.Change == 0 {
		return nil
	}
	text := v.note(p)
	digest := textDigest(text)
	if p.Noted == digest || p.Note > 0 && p.NotedIn == p.State && p.Waiting() {
		return nil
	}
	s := checks.Subject{Forge: p.Forge, Repo: p.Repo, Kind: checks.KindChange, Change: p.Change, Installation: p.Installation}
	id, err := forge.Reply(ctx, s, "promotion/"+p.ID, v.knownNote(p), text)
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil && p.Note <= 0 { // it may have been made: the next visit looks for it
		p.Note = -1
	}
	if err == nil {
		p.Note, p.Noted, p.NotedIn = id, digest, p.State
	}
	return err
}

// knownNote is the comment on a promotion; 0: there is none, -1: there may be one, to be looked for. An earlier visit may have
// written it and not lived to say so: the one before, or, since a visit that finds nothing new ends well and says nothing, any
// since the promotion was reserved.
func (v *visit) knownNote(p *Promotion) int64 {
	if p.Note == 0 && (v.w.Attempt > 1 || takenOver(v.w) || v.resumed == p.ID) {
		return -1
	}
	return p.Note
}

// showStranger shows a deployment outside the gate red on its commit: where a promotion has a check there, as that one.
func (v *visit) showStranger(ctx context.Context, x stranger) error {
	poster, ok := v.provider.(Provider)
	if !ok {
		return nil
	}
	e := x.entry
	post := Post{Name: checkName(v.spelt), Commit: e.Commit, Outcome: checks.Fail, URL: strings.TrimRight(v.r.PublicURL, "/"),
		Title:   checks.Clip("Outside the gate: "+x.title, 140),
		Summary: escape(e.Reason) + "\n\nIt is in the audit log, kind `outside-the-gate`. What is live there counts from now on, whatever came by.\n"}
	post.Digest = post.digest()
	i := slices.IndexFunc(v.book.Promotions, func(p Promotion) bool { return p.Commit == e.Commit && p.Shown.ID != 0 })
	if i >= 0 {
		known := v.book.Promotions[i].Shown
		post.Known = &known
	}
	s := v.s
	s.Kind, s.Commit = checks.KindPromotion, e.Commit
	posted, err := poster.Post(ctx, s, v.facts(), []Post{post})
	if len(posted) > 0 {
		v.shown(e.Commit, posted[0])
	}
	return err
}

// stamp is an instant for people.

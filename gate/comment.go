package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// CommentState is what came of a comment that was worked off. It is kept so that nothing is done twice, and so that the
// reply can be written anew when an outcome changes.
type CommentState struct {
	By      checks.Person `json:"by"`
	At      time.Time     `json:"at"`
	URL     string        `json:"url"`
	Results []Result      `json:"results,omitempty"`
	Reply   int64         `json:"reply,omitempty"`  // the reply's id at the forge; -1: it may be there
	Digest  string        `json:"digest,omitempty"` // of what the reply says
	Tries   int           `json:"tries,omitempty"`  // of a reply that the forge did not take
}

// Result is what came of one command.
type Result struct {
	Line    int      `json:"line"`
	Word    string   `json:"word"`
	Checks  []string `json:"checks,omitempty"`
	Outcome string   `json:"outcome"` // done, refused, waiting
	Text    string   `json:"text"`    // Markdown of our own, with people's words escaped
	// Promotion that was asked for: the reply tells where it stands by now.
	Promotion string `json:"promotion,omitempty"`
}

// tooOld is the age at which a comment is no command any more: deliveries are only known to be replayed for as long as
// they are kept, and that is longer.
const tooOld = 7 * 24 * time.Hour

// comment reads a comment and does what it asks for, once; looked at again, it only has the reply say what is true now.
func (r *Reconciler) comment(ctx context.Context, w Work) (Outcome, error) {
	provider := r.Providers[w.Mark.Forge]
	forge, ok := provider.(Correspondent)
	if !ok {
		return Outcome{Note: "the forge " + w.Mark.Forge + " has no comments"}, nil
	}
	state, err := r.Memory.Comment(ctx, w.Mark)
	if err != nil {
		return Outcome{}, fmt.Errorf("read what came of %s: %w", w.Mark.Key(), err)
	}
	switch {
	case state == nil && delivered(w).Detail == "":
		return Outcome{Note: "nothing is remembered of this comment"}, nil
	case state == nil:
		return r.firstReading(ctx, provider, forge, w)
	}
	out := Outcome{Comment: state, Note: "answered before"}
	return out, r.answer(ctx, forge, w, &out, nil)
}

// firstReading works off a comment that nobody has seen yet.
func (r *Reconciler) firstReading(ctx context.Context, provider Provider, forge Correspondent, w Work) (Outcome, error) {
	s := w.Mark.Subject()
	c, err := forge.Comment(ctx, s, w.Mark.Comment)
	switch {
	case errors.Is(err, ErrGone):
		return r.unseen(ctx, provider, forge, w, "the comment is gone, or is not on this change or commit", err)
	case err != nil:
		return Outcome{}, fmt.Errorf("read %s: %w", w.Mark.Key(), err)
	case !c.By.Human() || c.App:
		return Outcome{Note: "not written by a person"}, nil
	case r.DryRun:
		return Outcome{Note: "dry run: commands are not obeyed"}, nil
	}
	commands := Commands(c.Body)
	if len(commands) == 0 {
		return Outcome{Note: "no command in it"}, nil
	}
	out := Outcome{Comment: &CommentState{By: c.By, At: c.At, URL: c.URL}}
	if problem := r.unfit(c, w); problem != "" {
		out.Comment.Results = []Result{{Line: commands[0].Line, Word: commands[0].Word, Outcome: refused, Text: problem}}
		out.Entries = append(out.Entries, r.commandEntry(&asking{s: s, comment: c, command: commands[0], head: s.Commit}, out.Comment.Results[0]))
		return out, r.answer(ctx, forge, w, &out, nil)
	}
	if err := forge.React(ctx, s, c.ID); err != nil { // a courtesy: it holds nothing up
		r.Log.Warn("react to a comment", "subject", s.Key(), "err", err)
	}
	a := &asking{provider: provider, s: s, comment: c}
	if err := r.readyFor(ctx, a, w, commands); errors.Is(err, ErrGone) {
		return r.unseen(ctx, provider, forge, w, "the change is gone", err)
	} else if err != nil {
		return Outcome{}, err
	}
	out.Said = &a.acts.Version
	for _, command := range commands {
		a.command, a.concerns, a.under = command, nil, ""
		result := r.obey(ctx, a, &out)
		out.Comment.Results = append(out.Comment.Results, result)
		out.Entries = append(out.Entries, r.commandEntry(a, result))
	}
	return out, r.answer(ctx, forge, w, &out, out.Overrides)
}

// unseen is about a comment that the forge does not show. Its replicas lag, and a repository that is renamed, transferred or
// suspended comes back: what was accepted is looked for until it is too old to be obeyed. It was deleted when after a while the
// change that it was on is shown, and after that it still is not; of one on a commit that is not asked, and it is looked for for
// half an hour.
func (r *Reconciler) unseen(ctx context.Context, provider Provider, forge Correspondent, w Work, why string, gone error) (Outcome, error) {
	s, age := w.Mark.Subject(), r.Now().Sub(delivered(w).At)
	deleted := age >= tooOld || s.Kind == checks.KindCommit && age >= goneFor
	if !deleted && s.Kind == checks.KindChange && age >= goneFor/30 { // while it is looked for nothing is let through: not for long
		if _, err := provider.Facts(ctx, s, ""); err == nil {
			_, err = forge.Comment(ctx, s, w.Mark.Comment)
			deleted = errors.Is(err, ErrGone)
		}
	}
	if deleted {
		return Outcome{Note: why}, nil
	}
	after := goneFor / 6
	if w.Attempt <= 2 {
		after = [...]time.Duration{10 * time.Second, 10 * time.Second, time.Minute}[w.Attempt]
	}
	return Outcome{}, &RetryError{After: after, Err: fmt.Errorf("look for %s: %w", w.Mark.Key(), gone)}
}

// unfit says why nothing of a comment is done, whatever it asks for.
func (r *Reconciler) unfit(c *Comment, w Work) string {
	switch {
	case c.Edited, delivered(w).Detail != textDigest(c.Body):
		return "This comment was edited after it was written, so nothing of it is done. Write the command in a new comment."
	case r.Now().Sub(c.At) > tooOld:
		return "This comment is older than a week, so nothing of it is done. Write the command in a new comment."
	}
	return ""
}

// delivered is the first delivery of the comment: its text's digest, when it was received, and the head known then.
func delivered(w Work) Mark {
	for _, c := range w.Causes {
		if c.Detail != "" {
			return c
		}
	}
	return Mark{}
}

// ready reads what the commands are about: the change as it is now, its policy, and what people said before.
func (r *Reconciler) ready(ctx context.Context, a *asking, w Work) (err error) {
	if a.facts, err = a.provider.Facts(ctx, a.s, ""); err != nil {
		return fmt.Errorf("read facts of %v: %w", a.s, err)
	}
	if a.facts.Change == nil {
		return fmt.Errorf("read facts of %v: the forge told of no change", a.s)
	}
	if a.acts, err = r.Memory.Acts(ctx, a.s); err != nil {
		return fmt.Errorf("read what people said about %v: %w", a.s, err)
	}
	a.acts, _ = r.settleActs(a.acts, a.facts, Work{}) // what has ended is written down when the change is judged
	a.set, a.policyErr = r.policies.load(a.facts.Sources)
	if gap, unread := a.facts.Gap("policy"); unread {
		a.set, a.policyErr = nil, errors.New(gap.Reason)
	}
	first := delivered(w) // the same comment may be delivered again after a push
	a.head, a.base, a.receipt, a.received = first.Commit, first.Before, first.Receipt, first.At
	return nil
}

// obey does what one command asks for.
func (r *Reconciler) obey(ctx context.Context, a *asking, out *Outcome) Result {
	if a.command.Problem != "" {
		return a.result(refused, "%s", escape(a.command.Problem))
	}
	if no, refused := a.notHere(); refused {
		return no
	}
	switch a.command.Word {
	case "help":
		return a.help(out.Comment.Results)
	case "approve", "reject", "cancel", "deploy", "rollback", "lock", "unlock", "incident":
		return a.answered(r)(r.atEnvironment(ctx, a, out))
	case "status", "recheck", "override", "revoke":
		if a.merged() {
			return a.answered(r)(r.afterwards(ctx, a, out))
		}
	}
	switch a.command.Word {
	case "status":
		return r.status(a)
	case "recheck":
		return r.recheck(a, out)
	case "override":
		return r.override(ctx, a, out)
	case "revoke":
		return r.revoke(ctx, a, out)
	case "hold":
		return r.holdBack(ctx, a, out)
	case "unhold":
		return r.letGo(ctx, a, out)
	case "release":
		return r.release(ctx, a, out)
	case "changelog":
		return r.addEntry(ctx, a, out)
	}
	return a.result(refused, "I do not know what to do for %s.", codeSpan(a.command.Word))
}

// answered makes an answer of what came of a command: that it could not be looked is no answer, and nothing was done then.
func (a *asking) answered(r *Reconciler) func(Result, error) Result {
	return func(result Result, err error) Result {
		if err == nil {
			return result
		}
		r.Log.Warn("do a command", "subject", a.s.Key(), "command", a.command.Word, "err", err)
		return a.result(refused, "Nothing was done, since not all could be read that has to be known: %s. Write the command again in a minute.", escape(checks.Clip(Plain(err.Error()), 200)))
	}
}

// afterwards does a command that is about what became of a merged change.
func (r *Reconciler) afterwards(ctx context.Context, a *asking, out *Outcome) (result Result, err error) {
	switch a.command.Word {
	case "status":
		result, err = r.passage(ctx, a)
	case "recheck":
		result, err = r.recheckMerged(ctx, a, out)
	case "override":
		result, err = r.overrideLines(ctx, a, out)
	default:
		result, err = r.revokeLine(ctx, a, out)
	}
	if why := declined(""); errors.As(err, &why) {
		return a.result(refused, "%s", string(why)), nil
	}
	return result, err
}

// commandEntry is what the audit log says of a command, refused ones too.
func (r *Reconciler) commandEntry(a *asking, result Result) Entry {
	commit := a.head
	switch {
	case a.concerns != nil:
		commit = a.concerns.Commit
	case commit == "" && a.facts != nil:
		commit = a.facts.Change.Head.Commit
	}
	e := entry(EntryCommand, a.s, commit)
	e.At, e.Who, e.Command, e.Outcome = r.Now(), who(a.by()), a.command.Word, result.Outcome
	e.Check, e.Reason, e.URL = strings.Join(a.command.Checks, ","), a.command.Reason, a.comment.URL
	e.Environment = a.command.Environment
	if a.concerns != nil {
		e.Promotion = a.concerns.ID
	}
	if e.Policy = a.under; e.Policy == "" && a.set != nil {
		e.Policy = a.set.Digest
	}
	switch c := a.command; c.Word {
	case "release":
		e.Reason = c.Version
	case "deploy":
		e.Reason = cmp.Or(c.Reason, c.Ref)
	case "changelog":
		e.Reason = c.Category + ": " + c.Reason
	}
	if result.Outcome == refused {
		e.Answer = checks.Clip(Plain(html.UnescapeString(result.Text)), 500)
	}
	return e
}

// mostTries is how often an answer is tried that the forge does not take: a conversation may be locked for good.
const mostTries = 8

// answer has the one reply say what came of the comment. It is tried again by itself when the forge does not take it,
// after half a minute and then twice as long each time: what was done stays done. fresh are overrides that are not in the
// store yet.
func (r *Reconciler) answer(ctx context.Context, forge Correspondent, w Work, out *Outcome, fresh []Override) error {
	s, state := w.Mark.Subject(), out.Comment
	overrides, err := r.Memory.OverridesOf(ctx, s, w.Mark.Comment)
	if err != nil {
		return fmt.Errorf("read the overrides of %s: %w", w.Mark.Key(), err)
	}
	for _, o := range fresh {
		if o.Comment == w.Mark.Comment {
			overrides = append(overrides, o)
		}
	}
	var promotions []Promotion
	for i, result := range state.Results {
		if result.Promotion != "" && r.Book != nil {
			p, err := r.Book.Promotion(ctx, result.Promotion)
			if err != nil {
				return fmt.Errorf("read what %s asked for: %w", w.Mark.Key(), err)
			}
			if p != nil { // what was asked for just now is not in the store yet
				promotions = append(promotions, *p)
			}
		}
		if result.Word != "release" || len(out.Entries) > 0 { // what was done just now is not in the store yet
			continue
		}
		if now, ok := r.releaseNow(ctx, s, w.Mark.Comment, result.Line); ok {
			state.Results[i] = now
		}
	}
	body := replyText(state, overrides, promotions)
	if digest := textDigest(body); digest == state.Digest && state.Reply > 0 {
		return nil
	}
	known := state.Reply
	if known == 0 && w.Attempt > 1 {
		known = -1
	}
	id, err := forge.Reply(ctx, s, strconv.FormatInt(w.Mark.Comment, 10), known, body)
	if err == nil {
		state.Reply, state.Digest, state.Tries = id, textDigest(body), 0
		return nil
	}
	r.Log.Warn("answer a comment", "subject", s.Key(), "comment", w.Mark.Comment, "err", err)
	if known <= 0 { // it was looked for, and then perhaps made
		state.Reply = -1
	}
	if state.Tries++; state.Tries >= mostTries {
		out.Note = checks.Clip("not answered, and not tried again: "+err.Error(), 300)
		return nil
	}
	after := 15 * time.Second << state.Tries
	if later := (*RetryError)(nil); errors.As(err, &later) && later.After > after {
		after = later.After
	}
	out.Next, out.Note = r.Now().Add(after), checks.Clip("not answered yet: "+err.Error(), 300)
	return nil
}

// textDigest is the SHA-256 of a text, hex: the receiver passes it on of a comment's body.
func textDigest(text string) string { return sum([]byte(text)) }

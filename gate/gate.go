// Package gate goes from events to decisions: it reads a subject afresh through a Provider, has it judged, weighs the
// verdicts, keeps the decision, and has what changed shown.
//
// It refuses to trust an event (an event says where to look), to know a forge or a database by name, and to open on
// anything but a verdict: an error is never a pass.
package gate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// Errors that a Provider gives; each may be wrapped.
var (
	// ErrStale says that the forge does not yet know what the event told of: ask again later.
	ErrStale = errors.New("the forge does not know this yet")
	// ErrGone says that the subject no longer exists, or that Sluice may no longer see it: nothing to do.
	ErrGone = errors.New("gone")
)

// RetryError is an error after which asking again makes sense, not before After.
type RetryError struct {
	After time.Duration
	Err   error
	Quota bool // nothing is wrong: the forge allows so much and no more
}

func (e *RetryError) Error() string { return fmt.Sprintf("%v (again in %v)", e.Err, e.After) }
func (e *RetryError) Unwrap() error { return e.Err }

// Provider is a forge, read and written. It is safe for concurrent use.
type Provider interface {
	// Facts reads all that checks.AskFor wants of the subject, in as few calls as the forge allows. What it cannot
	// have in full it names in Facts.Gaps. expect, when not "", is the head commit an event told of: ErrStale if the
	// forge's answer is older than that.
	Facts(ctx context.Context, s checks.Subject, expect string) (*checks.Facts, error)
	// Post makes the forge show these, on their commits, and returns what it shows then, in the same order. On an
	// error some of them may have been posted.
	Post(ctx context.Context, s checks.Subject, f *checks.Facts, posts []Post) ([]Posted, error)
	// Changes lists the open changes of a repository: all, those into one base branch, or those with one head commit.
	Changes(ctx context.Context, repo Repo, base, head string) ([]checks.Subject, error)
}

// Repo names a repository at a forge, and how it is reached.
type Repo struct {
	Forge        string
	Name         string // "acme/shop"
	Installation int64  // 0: not known
}

// Post is one check as people shall see it.
type Post struct {
	Name        string              // "sluice/changelog"
	Commit      string              // full object id
	Outcome     checks.Outcome      // or Cancelled
	Cancelled   bool                // ends what was pending
	Title       string              // within 140 characters
	Summary     string              // Markdown, escaped, within 60,000 bytes
	Annotations []checks.Annotation //
	Buttons     []Button            // of one that has ended
	URL         string              // details
	ExternalID  string              // the decision's id
	Digest      string              // of everything above but URL and ExternalID: equal digests need no new post
	Known       *Posted             // what the forge is known to show under this name on this commit, or nil
	Deferrable  bool                // may wait while the forge's write budget is short; the gate itself may not
}

// Posted is what the forge was last known to show.
type Posted struct {
	Name, Commit string
	ID           int64  // of the check run or status
	Node         string // the forge's own id for writes
	Digest       string
	State        string // as checks.Status.State says it
}

// Delivery is one webhook request that was verified.
type Delivery struct {
	Forge   string // namespace of ID: "github"
	ID      string // X-GitHub-Delivery
	Event   string // "pull_request"
	Action  string // "opened", or ""
	At      time.Time
	Body    []byte // raw
	Marks   []Mark // what to look at; none: stored as ignored
	Echo    bool   // it tells of what we posted ourselves: that it came is kept, its body is not
	Account string // whose installation, for the record
	Install int64
}

// MarkKind says what a Mark points at.
type MarkKind string

// The kinds of mark; each is worked off under its own key.
const (
	MarkChange MarkKind = "change" // judge one change
	MarkTag    MarkKind = "tag"    // judge one tag
	MarkBase   MarkKind = "base"   // judge all open changes into Base again (or of the whole repository when Base is "")
	MarkHead   MarkKind = "head"   // judge all open changes with head commit Commit again
	MarkSweep  MarkKind = "sweep"  // read all open subjects anew; Repo "" means everywhere
	MarkPrune  MarkKind = "prune"  // delete what is old
	MarkAhead  MarkKind = "ahead"  // read what the changes of a repository share, ahead of the first event of one

	MarkCatchUp MarkKind = "catchup" // go through the forge's log of deliveries, and take in what did not arrive

	MarkComment MarkKind = "comment" // read a comment on a change or a commit and do what it asks for, or answer it anew
	MarkAction  MarkKind = "action"  // somebody pressed a button on one of our checks
	MarkGroup   MarkKind = "group"   // judge a merge queue's commit
	MarkBranch  MarkKind = "branch"  // look at what came onto Base, and by which way

	MarkAsk MarkKind = "ask" // do what was asked through the API

	MarkEnvironment MarkKind = "environment" // look at an environment and the promotions into it
	MarkPromotion   MarkKind = "promotion"   // never raised: decisions on a promotion are kept under it
	MarkNotice      MarkKind = "notice"      // send Target the notices that it waits for
)

// Mark is a reason to look somewhere. It is never evidence.
type Mark struct {
	Kind        MarkKind
	Forge, Repo string
	Environment string // MarkEnvironment
	Change      int    // MarkChange, MarkComment, MarkAction (0: whichever change has the head Commit)
	Comment     int64  // MarkComment: its id
	Ask         string // MarkAsk: its id
	Tag         string // MarkTag
	Base        string // MarkBase, MarkBranch
	Target      string // MarkNotice: as the Messenger calls it
	Commit      string // MarkHead, MarkGroup: the commit; MarkChange: the head that the event told of, or ""; MarkTag, and a
	// push's MarkBase and MarkBranch: where it points now; MarkComment: the head known when the delivery was kept, filled in by the store, or, without a Change, the
	// commit that the comment is on
	Before string // MarkTag, and a push's MarkBase and MarkBranch: where it pointed before, as the event told; MarkGroup: the
	// queue's base commit; MarkComment: the target branch known when the delivery was kept, filled in by the store, or ""
	By           string // MarkTag, MarkBase, MarkBranch: login of who pushed, as the event told; MarkAction: of who pressed
	Installation int64
	// Why is the cause in a few words: "pull_request.labeled". Detail is what a policy may not care about: a label's name;
	// of an edited change "base" when it was retargeted; of MarkAction the check's name; of a push's MarkBase and MarkBranch the pusher's numeric id; of MarkGroup the queue's ref; of MarkEnvironment "run/ID" of
	// the workflow run that asks, "deployment/ID" of the deployment told of, RunsWait, or "".
	Why, Detail string
	At          time.Time // of a cause: when it was received
	Receipt     int64     // of a cause: its place in the order of receipt
	Delivery    string    // of a cause: the forge's id of what brought it; "": a timer, a person, or other work
}

// Key identifies what the mark points at, for coalescing: marks with equal Kind and Key are one piece of work.
func (m Mark) Key() string {
	switch m.Kind {
	case MarkChange, MarkTag, MarkGroup, MarkEnvironment, MarkPromotion:
		return m.Subject().Key()
	case MarkBase, MarkBranch:
		return m.Forge + ":" + m.Repo + "~" + m.Base
	case MarkHead:
		return m.Forge + ":" + m.Repo + "!" + m.Commit
	case MarkNotice:
		return m.Target
	case MarkComment:
		return fmt.Sprintf("%s/comment-%d", m.Subject().Key(), m.Comment)
	case MarkAsk:
		return m.Forge + ":" + m.Repo + "/ask-" + m.Ask
	case MarkAction:
		return fmt.Sprintf("%s/%s/%s/%.12s", m.Subject().Key(), m.Detail, m.By, m.Commit)
	default:
		return m.Forge + ":" + m.Repo
	}
}

// Subject is what a MarkChange or MarkTag points at; of a comment or a button, the change that it belongs to;
// of a comment on a commit, that commit.
func (m Mark) Subject() checks.Subject {
	kind := checks.KindChange
	switch m.Kind {
	case MarkTag:
		kind = checks.KindTag
	case MarkEnvironment:
		return checks.Subject{Forge: m.Forge, Repo: m.Repo, Kind: checks.KindEnvironment, Environment: m.Environment, Installation: m.Installation}
	case MarkPromotion:
		return checks.Subject{Forge: m.Forge, Repo: m.Repo, Kind: checks.KindPromotion, Environment: m.Environment, Commit: m.Commit, Installation: m.Installation}
	case MarkGroup:
		return checks.Subject{Forge: m.Forge, Repo: m.Repo, Kind: checks.KindGroup, Change: m.Change, Group: m.Commit, Installation: m.Installation}
	}
	if m.Kind == MarkComment && m.Change == 0 {
		return checks.Subject{Forge: m.Forge, Repo: m.Repo, Kind: checks.KindCommit, Commit: m.Commit, Installation: m.Installation}
	}
	return checks.Subject{Forge: m.Forge, Repo: m.Repo, Kind: kind, Change: m.Change, Tag: m.Tag,
		Installation: m.Installation, Before: m.Before, By: m.By}
}

// Decision is all verdicts weighed.
type Decision struct {
	ID       string           `json:"id"` // 32 hex digits, random: it is part of a link
	Subject  checks.Subject   `json:"subject"`
	Commit   string           `json:"commit"`
	Base     string           `json:"base,omitempty"` // the target branch; "" of a tag, and in what was kept before it was told
	At       time.Time        `json:"at"`
	Open     bool             `json:"open"`
	Verdicts []checks.Verdict `json:"verdicts"`
	Gate     checks.Verdict   `json:"gate"`
	Policy   string           `json:"policy"` // digest of the policy set
	Facts    string           `json:"facts"`  // digest of the facts, hex SHA-256
	Digest   string           `json:"digest"` // of subject, commit, base, policy, verdicts and gate: equal digests say the same
	// Acts are what people had said that counted: judging the same facts, policy and acts at the same time gives the same.
	Acts Acts `json:"acts,omitzero"`
	// Foresight is what the policy that a change brings would flip, as found in the record then.
	Foresight *Foresight `json:"foresight,omitempty"`
}

// Work is one claimed piece of work.
type Work struct {
	ID      int64
	Token   int64     // fences: only the holder of the newest token may finish
	Seen    int64     // `wanted` when claimed
	Attempt int64     // claims since the last success, this one included
	Taken   bool      // whoever had it before did not give it back: its lease ran out, or its process died
	Mark    Mark      // Kind and identity; Commit and such from the newest delivery
	Causes  []Mark    // what was delivered since the last success, oldest first (at most the newest 256)
	Dropped bool      // Causes is not all of them
	Since   time.Time // when the oldest of the causes was received; zero: not known
}

// Outcome is what working off a piece of work leaves behind, written in one transaction.
type Outcome struct {
	Decision *Decision       // nil: none, or the same as before
	Facts    []byte          // canonical JSON of the facts, for Decision; without one, of a look that came to Subject.Decision again
	Sources  []byte          // canonical JSON of the policy sources, for Decision
	Kept     bool            // Decision and Also were kept before they were shown, with Beside
	Beside   []Mark          // more work, raised together with the decision
	Subject  *SubjectState   // nil: unchanged
	Posted   []Posted        // what the forge shows now
	Marks    []Mark          // more work that came of it
	Delays   []time.Duration // one per mark, or nil: not before so long
	Next     time.Time       // look again then by itself; zero: only when something happens
	Note     string          // shown in the inbox: why nothing was decided, say

	Entries   []Entry       // for the audit log, in this order
	Overrides []Override    // new or changed, of the subject that the work is about; by check and comment
	Hold      *Hold         // new or lifted
	Said      *string       // Acts.Version that Overrides and Hold follow from: with another one nothing is kept
	Comment   *CommentState // MarkComment: what came of it
	Releases  []Release     // asked for, as they stand now

	Notices []Notification // to be told outside, each once

	Branch *BranchSeen // MarkBranch, and the first change into a branch: up to where it was looked at

	Also    []Kept // MarkGroup: the decisions on the changes that it carries
	Members []int  // MarkGroup: their numbers; nil: unchanged

	Requests   []Promotion       // that were asked for; those with a Request that is known already are none
	Promotions []Promotion       // MarkEnvironment: those that changed
	Acts       []PromotionAct    // that people said about promotions
	Locks      []LockState       // new or lifted
	Incidents  []Incident        // told of or over
	Asked      *Ask              // MarkAsk: what came of it
	Seen       []EnvironmentSeen // of environments
}

// Kept is a decision that is new, with what it was made from.
type Kept struct {
	Decision       *Decision
	Facts, Sources []byte // canonical JSON
}

// Unexamined stands in SubjectState.Shut for a merge of which nobody knows whether the gate was open.
const Unexamined = "?"

// SubjectState is what is remembered of a subject without reading its facts.
type SubjectState struct {
	Open     bool   // an open change, to be swept
	Merged   bool   // a merged one: whether the gate was open was looked at
	Shut     string // a merged one: why its gate was not open then; "" when it was; Unexamined
	Head     string // head commit
	Base     string // target branch
	Author   string
	Title    string
	Decision string // id of the newest decision
	ReadAt   time.Time
}

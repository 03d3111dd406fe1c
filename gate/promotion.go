package gate

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// State is how far a promotion has come.
type State string

// The states. Requested and gated ones wait; a deploying one is under way from the moment it is reserved, whatever the
// pipeline makes of it meanwhile; the last four are ends.
const (
	Requested  State = "requested"
	Gated      State = "gated"
	Deploying  State = "deploying"
	Live       State = "live"
	Verified   State = "verified"
	Failed     State = "failed" // rejected, or deployed and not well
	Superseded State = "superseded"
	RolledBack State = "rolled back"
	Cancelled  State = "cancelled"
)

// transitions are the legal ones. Deploying goes back to gated only where nothing was created: what was reserved was judged
// again and found shut.
var transitions = map[State][]State{
	Requested: {Gated, Superseded, Cancelled},
	Gated:     {Deploying, Superseded, Cancelled, Failed},
	Deploying: {Gated, Live, Failed, Cancelled},
	Live:      {Verified, Failed, RolledBack, Superseded},
	Verified:  {RolledBack},
}

// Promotion is one commit on its way into one environment, made at most once.
type Promotion struct {
	ID           string        `json:"id"` // 32 hex digits
	Forge        string        `json:"forge"`
	Repo         string        `json:"repo"`
	Installation int64         `json:"installation,omitempty"`
	Environment  string        `json:"environment"`
	Commit       string        `json:"commit"`
	Attempt      int           `json:"attempt"` // of this commit into this environment, from 1; the store counts
	Request      string        `json:"request"` // what asked for it ("comment/123/1", "merge/7"): one promotion each, whatever is doubled
	How          checks.How    `json:"how"`
	By           checks.Person `json:"by"` // the requester
	Reason       string        `json:"reason,omitempty"`
	URL          string        `json:"url,omitempty"`     // of what asked
	Change       int           `json:"change,omitempty"`  // that brought the commit; 0: not known
	Comment      int64         `json:"comment,omitempty"` // that asked
	On           int           `json:"on,omitempty"`      // the change that the comment is on
	At           time.Time     `json:"at"`                // requested: a newer one supersedes it
	Known        time.Time     `json:"known,omitzero"`    // when it was written down: before that nobody can have meant it

	State    State     `json:"state"`
	Why      string    `json:"why,omitempty"` // it came to this state
	Since    time.Time `json:"since"`
	Decision string    `json:"decision,omitempty"` // id of the newest
	Digest   string    `json:"digest,omitempty"`   // of that decision
	Waits    time.Time `json:"waits,omitzero"`     // gated, and nothing but this instant can change that by itself; zero: see Outcome.Next

	Reserved   time.Time `json:"reserved,omitzero"` // until then a call that creates its deployment may be under way
	Deployment int64     `json:"deployment,omitempty"`
	Also       []int64   `json:"also,omitempty"`   // deployments that a workflow made on its way
	Created    time.Time `json:"created,omitzero"` // its deployment
	LiveAt     time.Time `json:"live_at,omitzero"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	After      int64     `json:"after,omitempty"`   // the newest deployment here when it was reserved first; -1: there was none
	Idle       []int64   `json:"idle,omitempty"`    // of its commit, that had not begun then
	Red        string    `json:"red,omitempty"`     // of a live one: what of `verify` failed; it may be run again
	Awaits     *Awaited  `json:"awaits,omitempty"`  // of a live one: what it waits for to be well
	Hotfix     bool      `json:"hotfix,omitempty"`  // the lane shortened something
	Version    string    `json:"version,omitempty"` // a tag at its commit, for people
	Brings     *Brings   `json:"brings,omitempty"`  // when it was judged last, for people; nil: not known

	// Run is the workflow run that waits for this promotion; 0: Sluice makes the deployment.
	Run     int64   `json:"run,omitempty"`
	Event   string  `json:"event,omitempty"`   // that set the run off
	Knocks  []int64 `json:"knocks,omitempty"`  // of one under way: runs that wait for leave to go on with it
	Reports int     `json:"reports,omitempty"` // how often the run was told why it waits
	Told    string  `json:"told,omitempty"`    // digest of what it was told last
	Rolls   string  `json:"rolls,omitempty"`   // of a rollback: the commit that it leaves

	Shown   Posted `json:"shown,omitzero"`     // the check run on the commit
	Note    int64  `json:"note,omitempty"`     // id of the comment on the change
	Noted   string `json:"noted,omitempty"`    // digest of what that says
	NotedIn State  `json:"noted_in,omitempty"` // the state that it says
	Owed    bool   `json:"owed,omitempty"`     // what became of it is not all shown yet
}

// Awaited is what a promotion that is live waits for: what, who or what brings it about, and when that may be by itself.
type Awaited struct {
	What  string    `json:"what"`
	How   string    `json:"how,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Subject is the promotion as it is judged.
func (p *Promotion) Subject() checks.Subject {
	return checks.Subject{Forge: p.Forge, Repo: p.Repo, Kind: checks.KindPromotion, Environment: p.Environment, Commit: p.Commit, Installation: p.Installation}
}

// Over says whether nothing is left to wait for.
func (p *Promotion) Over() bool { return len(transitions[p.State]) == 0 || p.State == Verified }

// Waiting says whether it waits for its gate.
func (p *Promotion) Waiting() bool { return p.State == Requested || p.State == Gated }

// to moves the promotion on, and refuses what is no legal move.
func (p *Promotion) to(s State, why string, now time.Time) error {
	if !slices.Contains(transitions[p.State], s) {
		return fmt.Errorf("promotion %s of %.8s to %s: from %s to %s is no move", p.ID, p.Commit, p.Environment, p.State, s)
	}
	p.State, p.Why, p.Since = s, why, now
	return nil
}

// PromotionAct is what a person said about a promotion that waits or is under way. It is written down and never changed;
// Key makes it one, whatever is doubled.
type PromotionAct struct {
	Promotion string        `json:"promotion"` // its id
	Key       string        `json:"key"`
	Kind      ActKind       `json:"kind"`
	Saying    checks.Saying `json:"saying"`
}

// ActKind says what was said.
type ActKind string

// The kinds.
const (
	ActApprove ActKind = "approve"
	ActReject  ActKind = "reject"
	ActCancel  ActKind = "cancel"
)

// LockState is a lock that was put on, or lifted.
type LockState struct {
	ID     string         `json:"id"` // what put it on ("comment/123/1"): one lock each
	Forge  string         `json:"forge"`
	Repo   string         `json:"repo"`
	Lock   checks.Lock    `json:"lock"`
	Lifted time.Time      `json:"lifted,omitzero"`
	Lifter *checks.Person `json:"lifter,omitempty"`
}

// Holds says whether it holds at that time.
func (l LockState) Holds(now time.Time) bool {
	return l.Lifted.IsZero() && (l.Lock.Until.IsZero() || now.Before(l.Lock.Until))
}

// EnvironmentSeen is what was last seen of an environment at the forge.
type EnvironmentSeen struct {
	Forge, Repo, Name string
	Installation      int64
	Looked            bool      // its deployments were looked at
	Outside           []int64   // deployments that were told of as outside the gate or older than it, newest first
	Newest            int64     // the newest deployment that was looked at
	Live              int64     // the deployment that was live
	Protected         bool      // a workflow waits for Sluice there
	Bypass            bool      // ... unless an administrator lets it through
	Busy              bool      // something waits, is under way or is not well yet
	Rests             time.Time // nothing is to be read before, unless something happens; zero: read it with every sweep
	At                time.Time
	Older             int64            // the newest of Outside from before anybody watched
	View              *EnvironmentView // for people; nil: nobody has looked since views are kept
}

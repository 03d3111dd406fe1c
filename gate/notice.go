package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// NoticeEvent is what a notice tells of.
type NoticeEvent string

// The events. Those of a promotion are its states, where somebody may want to know of them.
const (
	NoticeRequested   NoticeEvent = "requested"        // somebody asked for a promotion
	NoticeWaiting     NoticeEvent = "waiting"          // it waits for the people in Notification.For
	NoticeDeploying   NoticeEvent = "deploying"        // the gate opened
	NoticeLive        NoticeEvent = "live"             //
	NoticeVerified    NoticeEvent = "verified"         // live, well, and soaked
	NoticeFailed      NoticeEvent = "failed"           // the deployment, or what verifies it
	NoticeRejected    NoticeEvent = "rejected"         // nothing can cure it, or an approver said no
	NoticeSuperseded  NoticeEvent = "superseded"       // by a newer one
	NoticeCancelled   NoticeEvent = "cancelled"        // by a person
	NoticeRolledBack  NoticeEvent = "rolled-back"      // it was live, and what was live before it is again
	NoticeOutside     NoticeEvent = "outside-the-gate" // a deployment that Sluice did not make
	NoticeBypassed    NoticeEvent = "bypassed"         // somebody went past an environment's protection
	NoticeUnprotected NoticeEvent = "unprotected"      // an environment's protection is off
)

// NoticeEvents are all of them, in the order in which they happen.
func NoticeEvents() []NoticeEvent {
	return []NoticeEvent{NoticeRequested, NoticeWaiting, NoticeDeploying, NoticeLive, NoticeVerified, NoticeFailed, NoticeRejected,
		NoticeSuperseded, NoticeCancelled, NoticeRolledBack, NoticeOutside, NoticeBypassed, NoticeUnprotected}
}

// Notification tells people outside of the forge what happened to an environment. It is news and nothing else: no decision
// rests on one. All text in it may have come from a stranger; whoever shows it escapes it.
type Notification struct {
	ID          string        `json:"id"` // of what it tells: the same happening is one notice, however often it is found
	Event       NoticeEvent   `json:"event"`
	At          time.Time     `json:"at"` // when it happened, or was seen
	Forge       string        `json:"forge"`
	Repo        string        `json:"repo"`
	Environment string        `json:"environment"`
	Commit      string        `json:"commit,omitempty"`
	Change      int           `json:"change,omitempty"`    // that the commit came from
	Promotion   string        `json:"promotion,omitempty"` // its id
	Who         checks.Person `json:"who,omitzero"`        // who asked, deployed or switched off; nobody: it is not known
	Why         string        `json:"why,omitempty"`       // one sentence
	For         []string      `json:"for,omitempty"`       // whom it waits for, as people read it: "ana", "acme/release"
	Page        string        `json:"page,omitempty"`      // the decision
	ChangePage  string        `json:"change_page,omitempty"`
}

// Bounds of what a notice says: a channel that refuses a long message would lose the whole of it.
const (
	noticeWord = 200
	noticeWhy  = 600
	noticeFor  = 20
)

// NewNotification fills in the ID and makes lines of what is in n. of names the happening among those of its kind: of a
// promotion its id, with the attempt where it may happen again ("ID/2"); of a deployment outside the gate the forge's id
// of it; of a wait that differs from the one before, the promotion's id and whom it waits for.
func NewNotification(event NoticeEvent, of string, n Notification) Notification {
	n.Event = event
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q", event, n.Forge, strings.ToLower(n.Repo), n.Environment, of))
	n.ID = "ntc_" + hex.EncodeToString(sum[:16])
	n.At = n.At.UTC().Truncate(time.Millisecond)
	for _, s := range []*string{&n.Repo, &n.Environment, &n.Commit, &n.Who.Login} {
		*s = checks.Clip(Plain(*s), noticeWord)
	}
	n.Why = checks.Clip(Plain(n.Why), noticeWhy)
	n.For = slices.Clone(n.For[:min(len(n.For), noticeFor)])
	for i := range n.For {
		n.For[i] = checks.Clip(Plain(n.For[i]), noticeWord)
	}
	n.Page, n.ChangePage = webPage(n.Page), webPage(n.ChangePage)
	return n
}

// webPage is an address that can be followed, as it stands, or nothing.
func webPage(s string) string { return strings.Trim(link(s), "<>") }

// ErrUndeliverable says that a notice will not be taken however often it is sent.
var ErrUndeliverable = errors.New("it will not be taken")

// Messenger sends notices to its targets. It is safe for concurrent use.
type Messenger interface {
	// Tell sends one notice to one target and returns when that has it, within seconds. An error that wraps ErrUndeliverable is for
	// good; a RetryError names a pause; any other is tried again. No error shows a secret of the target.
	Tell(ctx context.Context, target string, n Notification) error
	// Serves says whether there is such a target.
	Serves(target string) bool
}

// Outbox is what is kept of notices until each target was told, or will not be.
type Outbox interface {
	// Untold are a target's notices that wait, oldest first.
	Untold(ctx context.Context, target string, limit int) ([]Untold, error)
	// Told writes down what came of sending one of them.
	Told(ctx context.Context, target, id string, r Telling) error
	// GaveUp counts those of a target that were given up since, and says why the newest was.
	GaveUp(ctx context.Context, target string, since time.Time) (n int, why string, err error)
}

// Untold is a notice that a target waits for.
type Untold struct {
	Notification
	Kept  time.Time // when it was raised
	Tries int
}

// Telling is what came of sending a notice: it was told, or given up for good, or is tried again.
type Telling struct {
	Done, GivenUp bool
	Err           string
}

// Package webhook lets deliveries in: it checks size and signature, finds out what a delivery means, and puts it into the
// inbox. Only what is on disk is acknowledged.
//
// It refuses to believe a delivery (it says where to look, and is never evidence), to ask the forge anything, and to
// show a body or a secret to anyone, the log included.
package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// Inbox keeps deliveries. It returns after the delivery is durable, and false for one that it had already.
type Inbox interface {
	Add(context.Context, gate.Delivery) (added bool, err error)
}

// Settings are what a receiver has to know.
type Settings struct {
	Secret string // of the webhook; never empty. GitLab: several, separated by commas
	AppID  int64  // our own App's; 0 when not known: then only names tell our checks from others'
	Inbox  Inbox

	// HasOpen says whether an open change is known to go into a branch: a push to any other branch, the default one
	// apart, means nothing. nil: every push to a branch is looked into.
	HasOpen func(ctx context.Context, forge, repo, base string) (bool, error)

	// Awaited says which environments have a promotion of a commit that may hang on what others show there; nil: none.
	Awaited func(ctx context.Context, forge, repo, commit string) (environments []string, err error)

	// Heads says whether an open change is known to have a commit for its head; nil: any may have.
	Heads func(ctx context.Context, forge, repo, commit string) (bool, error)

	// Own says whether a login is our own account's, as far as that is known without asking anybody; nil: of none.
	Own func(login string) bool

	// API is the address of the forge's API, below which the callbacks of protection rules have to be.
	API string

	// Unread says of a repository that was pushed to whether nothing is known of what its changes share, so that it is to be read
	// ahead of the first of them: then a push to any branch is looked into. nil: of none.
	Unread func(repo gate.Repo) bool

	// Hint is told which paths a push to a branch is said to have touched, and its new tip; may be nil.
	Hint func(repo gate.Repo, head string, paths []string)

	Now     func() time.Time            // time.Now when nil
	Log     *slog.Logger                // nothing is logged when nil
	Observe func(event, outcome string) // told of every request, for metrics; may be nil
}

// What Observe is told as outcome.
const (
	Stored    = "stored"    // 202, and something will be looked at
	Ignored   = "ignored"   // 202, kept, and nothing will be done
	Duplicate = "duplicate" // 200
	Refused   = "refused"   // 401, 405
	Malformed = "malformed" // 400
	TooLarge  = "too-large" // 413
	Failed    = "failed"    // 503
)

// patience is how long the store may take: GitHub hangs up after ten seconds.
const patience = 8 * time.Second

// GitHub receives the deliveries of a GitHub App at POST /webhook/github. It answers 202 stored, 200 already had, 400
// malformed, 401 bad signature, 405 not a POST, 413 over 25 MB, 503 with Retry-After when it cannot store.
func GitHub(s Settings) (*Receiver, error) {
	h, err := receives("github", s)
	if err != nil {
		return nil, err
	}
	h.readers = readers()
	return h, nil
}

type receiver struct {
	Settings
	forge   string
	budget  *budget // for bodies that are still coming in
	readers map[string]reader
}

// receives is what the receivers of all forges share.
func receives(forge string, s Settings) (*receiver, error) {
	if s.Secret == "" {
		return nil, errors.New("the webhook secret is empty: anybody could send deliveries")
	}
	if s.Inbox == nil {
		return nil, errors.New("the receiver has no inbox")
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Observe == nil {
		s.Observe = func(string, string) {}
	}
	return &receiver{Settings: s, forge: forge, budget: newBudget(64 << 20)}, nil
}

func (h *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := h.receive(w, r)
	h.Observe(h.label(r.Header.Get("X-GitHub-Event")), a.outcome)
	a.write(w)
}

// receive takes one request from its first header to the inbox.
func (h *receiver) receive(w http.ResponseWriter, r *http.Request) answer {
	if a, ok := acceptable(r); !ok {
		return a
	}
	event, id := r.Header.Get("X-GitHub-Event"), r.Header.Get("X-GitHub-Delivery")
	log := h.Log.With("delivery", id, "event", event)
	body, release, err := h.budget.read(w, r)
	defer release()
	if err != nil {
		a := unread(err)
		log.Warn("delivery not read", "outcome", a.outcome, "err", a.text)
		return a
	}
	if !signed(body, r.Header.Get("X-Hub-Signature-256"), h.Secret) {
		log.Warn("delivery refused: its signature does not match the webhook secret", "from", r.RemoteAddr)
		return answer{401, Refused, "the signature does not match: is the webhook secret the same here and at GitHub?"}
	}
	d, err := h.meaning(r.Context(), event, id, body)
	if err != nil {
		log.Warn("delivery malformed", "err", err)
		return answer{400, Malformed, err.Error()}
	}
	return h.store(r.Context(), log, d)
}

// store puts the delivery into the inbox, and answers only after that.
func (h *receiver) store(ctx context.Context, log *slog.Logger, d gate.Delivery) answer {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	added, err := h.Inbox.Add(ctx, d)
	switch {
	case err != nil:
		log.Error("delivery not stored", "err", err)
		return answer{503, Failed, "cannot store this at the moment; deliver it again later"}
	case !added:
		log.Info("delivery was had already")
		return answer{200, Duplicate, "already had"}
	case len(d.Marks) == 0:
		log.Debug("delivery ignored", "action", d.Action)
		return answer{202, Ignored, "stored; nothing is done about it"}
	}
	log.Info("delivery stored", "action", d.Action, "subjects", subjects(d.Marks))
	return answer{202, Stored, "stored"}
}

// subjects names what is marked, for the log.
func subjects(marks []gate.Mark) string {
	var keys []string
	for i, m := range marks {
		if i == 5 {
			keys = append(keys, "…")
			break
		}
		keys = append(keys, m.Key())
	}
	return strings.Join(keys, " ")
}

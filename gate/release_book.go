package gate

import (
	"context"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// The states of a release that was asked for.
const (
	releaseWorking = "working" // begun; whoever looks at the change that it was asked on goes on with it
	releaseWaiting = "waiting" // for the change Pull to be merged
	releaseDone    = "done"
	releaseRefused = "refused"
)

// Release is one that somebody asked for. It is kept before anything is made at the forge, so that it can be gone on with
// after a crash, and so that a tag which Sluice pushes is known to be somebody's.
type Release struct {
	Subject   checks.Subject `json:"subject"`      // the change whose merge is released
	On        string         `json:"on,omitempty"` // the commit that it was asked on; "": it was asked on the change
	Comment   int64          `json:"comment"`      // what asked for it
	Line      int            `json:"line"`         // of the comment
	URL       string         `json:"url"`          // of the comment
	By        checks.Person  `json:"by"`
	Right     string         `json:"right"` // theirs, when it was asked last
	Tag       string         `json:"tag"`
	Version   string         `json:"version"`
	Component string         `json:"component,omitempty"`
	Previous  string         `json:"previous,omitempty"` // the tag before it
	Base      string         `json:"base"`               // the branch
	Commit    string         `json:"commit"`             // what is tagged; "" as long as Pull is not merged
	Log       string         `json:"log,omitempty"`      // the changelog
	Turn      bool           `json:"turn,omitempty"`     // the changelog has no section yet: a change has to make it first
	Pull      int            `json:"pull,omitempty"`     // that change
	Notice    Notice         `json:"notice"`             // without its notes
	State     string         `json:"state"`
	Text      string         `json:"text"` // for the reply, Markdown
	Policy    string         `json:"policy"`
	At        time.Time      `json:"at"`
}

// Releases are those that were asked for.
type Releases interface {
	// KeepRelease writes one down, by its change, the commit that it was asked on, comment and line.
	KeepRelease(ctx context.Context, r Release) error
	// ReleasesOf are those that a comment on a change or a commit asked for, by line.
	ReleasesOf(ctx context.Context, s checks.Subject, comment int64) ([]Release, error)
	// ReleasesDue are those that a change can bring on: asked on it and begun, or waiting for it to be merged; oldest first.
	ReleasesDue(ctx context.Context, s checks.Subject) ([]Release, error)
	// ReleaseOf is the newest of a tag, or nil.
	ReleaseOf(ctx context.Context, forge, repo, tag string) (*Release, error)
}

// answerAgain has the reply to what asked for the release written anew.
func (x *Release) answerAgain() Mark {
	m := answerAgain(x.Subject, x.Comment)
	if x.On != "" {
		m.Change, m.Commit = 0, x.On
	}
	return m
}

// releaseNow is what came by now of the release that a line of a comment asked for; false when there is none.
func (r *Reconciler) releaseNow(ctx context.Context, s checks.Subject, comment int64, line int) (Result, bool) {
	if r.Releases == nil {
		return Result{}, false
	}
	rows, err := r.Releases.ReleasesOf(ctx, s, comment)
	if err != nil { // the reply stays as it is until it can be read
		r.Log.Error("read what came of a release", "subject", s.Key(), "err", err)
		return Result{}, false
	}
	for _, x := range rows {
		if x.Line == line {
			return x.result(), true
		}
	}
	return Result{}, false
}

func (x *Release) result() Result {
	outcome := x.State
	if outcome == releaseWorking {
		outcome = releaseWaiting
	}
	return Result{Line: x.Line, Word: "release", Outcome: outcome, Text: x.Text}
}

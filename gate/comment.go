package gate

import (
	"context"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// CommentState is what came of a comment that was worked off. It is kept so that nothing is done twice, and so that the
// reply can be written anew when an outcome changes.
type CommentState struct {
	By      checks.Person `json:"by"`
	At      time.Time     `json:"at"`
	URL     string        `json:"url"`
	Results []Result      `json:"results"`
	Reply   int64         `json:"reply,omitempty"` // the reply's id at the forge
	Digest  string        `json:"digest,omitempty"`
}

// Result is what came of one command.
type Result struct {
	Line    int    `json:"line"`
	Word    string `json:"word"`
	Outcome string `json:"outcome"` // done, refused, waiting
	Text    string `json:"text"`    // Markdown, of our own writing, with people's words escaped
}

// comment reads a comment and does what it asks for, once.
func (r *Reconciler) comment(ctx context.Context, w Work) (Outcome, error) {
	return Outcome{Note: "comments are not read yet"}, nil
}

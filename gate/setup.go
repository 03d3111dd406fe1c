package gate

import (
	"context"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// Setup is a part of what was set up by the page. What it holds is sealed.
type Setup struct {
	Name    string
	Sealed  []byte
	Version int64 // whoever changes it says which one was read
	At      time.Time
}

// Sketcher is a Provider that shows a repository to who has never seen it.
type Sketcher interface {
	// Sketch fails with ErrGone for a repository that is not shown to us.
	Sketch(ctx context.Context, repo Repo) (*Sketch, error)
}

// Sketch is what a first policy is begun with.
type Sketch struct {
	URL            string // of its pages
	Branch, Commit string // the default branch, and its tip; "" where nothing was pushed yet
	Tags           []checks.Tag
}

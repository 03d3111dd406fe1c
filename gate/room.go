package gate

import (
	"context"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// Queue is the durable work list. A piece of work is held by at most one worker at a time.
type Queue interface {
	// Claim hands out at most n due pieces of work, each held for lease.
	Claim(ctx context.Context, n int, lease time.Duration) ([]Work, error)
	// Extend holds a claimed piece of work for another lease; an error means that it was lost.
	Extend(ctx context.Context, w Work, lease time.Duration) error
	// Finish writes what came of it and lets go, in one transaction; it fails when the work was lost.
	Finish(ctx context.Context, w Work, o Outcome) error
	// Fail lets go and has it tried again, not before after (0: by the store's own backoff).
	Fail(ctx context.Context, w Work, reason string, after time.Duration) error
	// Mark raises work.
	Mark(ctx context.Context, marks ...Mark) error
}

// Memory is what earlier work left behind.
type Memory interface {
	// State is what is remembered of a subject, or nil.
	State(ctx context.Context, s checks.Subject) (*SubjectState, error)
	// Latest is the newest decision on a subject with its policy sources (canonical JSON), or nil.
	Latest(ctx context.Context, s checks.Subject) (d *Decision, sources []byte, err error)
	// Posted is what the forge was last known to show for the subject on a commit.
	Posted(ctx context.Context, s checks.Subject, commit string) ([]Posted, error)
	// OpenSubjects are the open changes remembered: of a repository ("" for all), into a base branch ("" for all).
	OpenSubjects(ctx context.Context, forge, repo, base string) ([]checks.Subject, error)
	// OpenAt are the open changes of a repository whose head was last known to be this commit.
	OpenAt(ctx context.Context, forge, repo, head string) ([]checks.Subject, error)
}

// Asker is a Provider that can request reviews: users by login, teams as "org/slug".
type Asker interface {
	RequestReviewers(ctx context.Context, s checks.Subject, users, teams []string) error
}

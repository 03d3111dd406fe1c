package gate

import (
	"context"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// Queue is the durable work list. A piece of work is held by at most one worker at a time.
type Queue interface {
	// Claim hands out at most n due pieces of work, each held for lease.
	Claim(ctx context.Context, n int, lease time.Duration) ([]Work, error)
	// Extend holds a claimed piece of work for another lease; ErrLost says that somebody else has it, any other error nothing.
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
	// OpenSubjects are the open changes remembered: of a repository ("" for all), into a base branch ("" for all); the one
	// that was not read for the longest comes first. The list is the caller's to change.
	OpenSubjects(ctx context.Context, forge, repo, base string) ([]checks.Subject, error)
	// OpenAt are the open changes of a repository whose head was last known to be this commit.
	OpenAt(ctx context.Context, forge, repo, head string) ([]checks.Subject, error)
	// Acts are the overrides of a subject that have not ended, and its hold unless it was lifted.
	Acts(ctx context.Context, s checks.Subject) (Acts, error)
	// Moved says whether a change was told to have had another head than this, or another target, since a delivery was kept
	// (Mark.Receipt), and when this head came to be by the forge's clock, or, where the push was not told, when it was first
	// heard of; zero: never.
	Moved(ctx context.Context, s checks.Subject, receipt int64, head string) (moved bool, arrived time.Time, err error)
	// OverridesOf are those that a comment on the change asked for, ended ones too.
	OverridesOf(ctx context.Context, s checks.Subject, comment int64) ([]Override, error)
	// Comment is what came of a comment (a MarkComment), or nil when it was not worked off yet.
	Comment(ctx context.Context, m Mark) (*CommentState, error)
	// Groups are the merge queues' commits that live: of a forge (Change 0), or those that carry this change.
	Groups(ctx context.Context, s checks.Subject) ([]checks.Subject, error)
	// LatestQueued is the newest decision on a change as a merge queue carried it, or nil.
	LatestQueued(ctx context.Context, s checks.Subject) (*Decision, error)
	// Branch is what was last seen of a branch, or nil. Branches are all that are watched.
	Branch(ctx context.Context, forge, repo, name string) (*BranchSeen, error)
	Branches(ctx context.Context, forge string) ([]BranchSeen, error)
	// Keep writes the decisions of an outcome with their entries in the audit log and what is beside them, before anybody is told;
	// it fails when the work was lost, or when something else was said about the subject than Said.
	Keep(ctx context.Context, w Work, o Outcome) error
}

// Past is the decisions that were made, with what they came from.
type Past interface {
	// Recorded hands over what q asks for, newest first, until each returns an error, which it returns then.
	Recorded(ctx context.Context, q Recall, each func(Recorded) error) error
}

// Recall says which decisions to hand over: of each subject and commit the newest one.
type Recall struct {
	Forge, Repo string // "": all
	Owner       string // of the repositories ("acme"); "": any
	Of          RecallOf
	Since       time.Time // decided then or later; zero: all
	Limit       int       // 0: all
}

// RecallOf says which subjects are meant.
type RecallOf int

// The sorts of subjects.
const (
	AllSubjects    RecallOf = iota
	OpenChanges             // open now: the newest decision of each
	SettledChanges          // all others: changes that are no longer open, and tags
)

// Asker is a Provider that can request reviews: users by login, teams as "org/slug".
type Asker interface {
	RequestReviewers(ctx context.Context, s checks.Subject, users, teams []string) error
}

// Queuer is a Provider whose forge has merge queues.
type Queuer interface {
	// Queued reads the changes that a commit of a merge queue carries beyond the tip of the branch, in the queue's order:
	// each as it is now, with the difference that it makes there. branch "" is the default branch. ErrStale says that the
	// queue has no such commit, or not yet.
	Queued(ctx context.Context, repo Repo, branch, commit string) ([]*checks.Facts, error)
}

// Historian is a Provider that tells what came onto a branch.
type Historian interface {
	// Landed reads what came onto a branch after since was its tip ("": only where it is now), in one request unless that
	// is very much.
	Landed(ctx context.Context, repo Repo, branch, since string) (*Landed, error)
}

// Landed is what came onto a branch, and the policies in force for it now.
type Landed struct {
	Tip     string          // "": the branch is gone
	Default bool            // it is the repository's default branch
	URL     string          // of the repository
	Sources []policy.Source // as checks.Facts.Sources
	Unread  string          // why the policies are not known; "": they are
	Changes []int           // that were merged into it
	Line    []string        // all that is new on its line of first parents, newest first; nil when it was cut
	Direct  []string        // commits on it that no merged change brought, newest first
	Looked  int             // how many commits were looked at
	Cut     bool            // since was not found among them
	Queue   []string        // the commits of its merge queue
}

// Correspondent is a Provider that reads comments and answers them. A forge without one has no commands.
type Correspondent interface {
	// Comment reads a comment on a change or a commit: ErrGone when it is not there, or is not on this one.
	Comment(ctx context.Context, s checks.Subject, id int64) (*Comment, error)
	// React shows that the comment was seen; once, however often it is called.
	React(ctx context.Context, s checks.Subject, comment int64) error
	// Reply makes the one reply to the comment say body, and returns the reply's id. known is that id from an earlier
	// call, or 0; then a reply that an earlier call left before a crash is looked for first. An answer that belongs to no
	// comment has a key of its own ("action/…") in place of the comment's id.
	Reply(ctx context.Context, s checks.Subject, to string, known int64, body string) (id int64, err error)
}

// Tracer is a Provider that knows which changes brought a commit. A forge without one takes commands on changes alone.
type Tracer interface {
	// Brought are the merged changes that a commit came with, all of them, and the name of the default branch. A commit
	// that is not there is ErrGone.
	Brought(ctx context.Context, s checks.Subject) (merged []Brought, branch string, err error)
}

// Brought is a merged change.
type Brought struct {
	Change int
	Commit string // that the merge made
}

// Registrar is a Provider that says what somebody may do at this very moment: nothing of it is remembered.
type Registrar interface {
	// Permission is the right on the repository: none, read, triage, write, maintain or admin; of a custom role its base.
	Permission(ctx context.Context, s checks.Subject, who checks.Person) (string, error)
	// Member says whether somebody is in a team ("org/slug", child teams included) or an organisation ("org").
	Member(ctx context.Context, s checks.Subject, who checks.Person, group string) (bool, error)
}

// Comment is one on a change or a commit, as the forge shows it now.
type Comment struct {
	ID     int64
	By     checks.Person
	Body   string
	At     time.Time // created, by the forge's clock
	URL    string
	Edited bool // since it was created, by anybody
	App    bool // written by an app, even in somebody's name
}

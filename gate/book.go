package gate

import (
	"context"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// Book is what is remembered of environments and of the promotions into them.
type Book interface {
	// Environment is all that counts of one: the promotions that are not over, the newest of each commit, and what was
	// said about them; the locks on it and on the whole repository that were not lifted.
	Environment(ctx context.Context, forge, repo, name string) (*EnvironmentBook, error)
	// Environments are those remembered of a forge, or of one repository of it.
	Environments(ctx context.Context, forge, repo string) ([]EnvironmentSeen, error)
	// Promotions are the newest of a repository, newest first: of a commit ("": of all), at most limit.
	Promotions(ctx context.Context, forge, repo, commit string, limit int) ([]Promotion, error)
	// Promotion is one by its id, or nil.
	Promotion(ctx context.Context, id string) (*Promotion, error)
	// Awaited says which environments have a promotion of this commit that waits, is under way or is not well yet.
	Awaited(ctx context.Context, forge, repo, commit string) (environments []string, err error)
	// Incidents are those told of in a repository since then, newest first, and those that are not over.
	Incidents(ctx context.Context, forge, repo string, since time.Time) ([]Incident, error)
	// Asked is what was asked through the API under an id, with what came of it, or nil.
	Asked(ctx context.Context, id string) (*Ask, error)
	// Reserve writes a promotion down as under way, for as long as the work is held by whoever holds it. It fails, and
	// writes nothing, when the work was lost, when the promotion is not gated, or when another one is under way. The
	// decision that lets it through is kept with it (nil: it is kept already), and entries go into the audit log.
	Reserve(ctx context.Context, w Work, p Promotion, k *Kept, entries []Entry) error
}

// EnvironmentBook is what is remembered of one environment.
type EnvironmentBook struct {
	Seen       *EnvironmentSeen // nil: nothing yet
	Promotions []Promotion      // newest first by At
	Acts       []PromotionAct   // oldest first
	Locks      []LockState
}

// Promoter is a Provider whose forge has deployments. A forge without one has no environments.
type Promoter interface {
	// Environment reads, of an environment as s names it, the policies in force on the default branch, the newest
	// deployments, and what is shown on the commits watched (Standing.Statuses); with a commit in s all the facts of that
	// promotion, for which p says who asked and who approved. Nothing of it is remembered from earlier but what cannot change.
	Environment(ctx context.Context, s checks.Subject, watched []string, p checks.Promotion) (*Standing, error)
	// Deploy creates a deployment, and returns its id. An error that is no RefusalError leaves open whether it was made.
	Deploy(ctx context.Context, s checks.Subject, o Order) (int64, error)
	// Deployed looks for the deployments that this App made of a commit for a promotion, the oldest first. Where the forge
	// keeps no word of ours with a deployment, the order says which ones cannot be the promotion's.
	Deployed(ctx context.Context, s checks.Subject, o Order) ([]checks.Deployment, error)
	// Conclude tells the forge that a deployment ended in another way than its pipeline said.
	Conclude(ctx context.Context, s checks.Subject, deployment int64, state, description string) error
	// Run reads a workflow run and the environments that it waits at.
	Run(ctx context.Context, repo Repo, run int64) (*Run, error)
	// Answer tells a run that waits at the environment: approved, rejected, or "" to report why it waits. ErrGone: it does
	// not wait there any more.
	Answer(ctx context.Context, s checks.Subject, run int64, state, comment string) error
	// Guarded reads how the forge protects an environment.
	Guarded(ctx context.Context, s checks.Subject) (*Guarding, error)
	// Resolve finds the commit that a ref means (a branch, a tag, an object id), and the merged change that brought it (0: none).
	Resolve(ctx context.Context, repo Repo, ref string) (commit string, change int, err error)
}

// Witness is a Promoter whose forge tells who approved a run.
type Witness interface {
	// LetBy are the people who approved a run at the environment in s, each once; none where the forge does not say. What
	// Apps answered is left out.
	LetBy(ctx context.Context, s checks.Subject, run int64) ([]checks.Person, error)
}

// Standing is an environment as the forge tells it.
type Standing struct {
	Sources     []policy.Source
	Unread      string                     // why the policies are not known; "": they are
	Branch      string                     // the default one
	URL         string                     // of the repository
	Deployments []checks.Deployment        // newest first
	Cut         string                     // why they are not complete back to what is live; "": they are
	Statuses    map[string][]checks.Status // by commit watched
	Facts       *checks.Facts              // of the promotion; nil without a commit

	Frozen  []checks.Frozen // the forge's own freezes that are not over, some months ahead
	Thawing string          // why these are not known; "": they are
	Waiting []int64         // runs that wait here, where the forge tells of them in no other way
	Unsaid  bool            // of some statuses the forge sends no event: who waits for one has to look
}

// Order is a deployment to be made, or one that was perhaps made.
type Order struct {
	Promotion, Decision string
	Attempt             int
	Contexts            []string      // that must be green: the policy's statuses
	Description         string        // within 140 characters
	Within              time.Duration // the call may last no longer, tries and waits included
	Job                 string        // that is played to deploy, where the forge has such; "": a deployment is created

	// A forge that keeps no word of ours with a deployment knows the promotion's by these: it is newer than After or was
	// Idle, and is none of Others.
	After  int64   // the newest deployment when the promotion was reserved first; -1: there was none
	Idle   []int64 // those of the commit that had not begun then
	Others []int64 // those of other promotions
	Made   int64   // the one that is known to be its own; 0: none is
}

// Run is a workflow run.
type Run struct {
	ID      int64
	Attempt int
	Commit  string
	Event   string
	Actor   checks.Person
	URL     string
	Waits   []string // environments
	Over    bool
}

// Guarding is how the forge protects an environment.
type Guarding struct {
	Exists bool
	Ours   bool // a workflow waits for this App
	Bypass bool // administrators may let it through
}

package checks

import (
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// Promotion is what the lines of a promotion's verdict read, beside what Facts says of every subject. The gate writes
// down what it remembers itself before the forge is read (Request, Approvals, Before, Locks, UnderWay), the forge fills in
// the rest, and then the gate adds what it had decided about the changes in Between.
type Promotion struct {
	ID          string    `json:"id,omitempty"` // as its deployment's payload names it
	Environment string    `json:"environment"`  // as the policy spells it
	Commit      string    `json:"commit"`
	Branch      string    `json:"branch,omitempty"` // the default branch, whose policy is in force
	OnBranch    bool      `json:"on_branch,omitempty"`
	How         How       `json:"how"`
	Event       string    `json:"event,omitempty"` // of a workflow's: what set its run off
	Requester   Person    `json:"requester,omitzero"`
	Requested   time.Time `json:"requested"`
	// Rolls says of a rollback to what: when the commit was live and well there. Zero: nobody knows of it.
	Rolls time.Time `json:"rolls,omitzero"`

	// Origin is the merged change that brought the commit, with who wrote it and what it touched; nil: none is known.
	Origin *Origin `json:"origin,omitempty"`

	Approvals []Saying `json:"approvals,omitempty"` // and rejections, of this promotion, oldest first

	// Deployments are those of the environment, newest first, as many as the forge told; complete back to the live one
	// unless a Gap "deployments" says otherwise.
	Deployments []Deployment `json:"deployments,omitempty"`
	Before      *Stage       `json:"before,omitempty"` // how far the commit has come in the environment that has to be before; nil: nowhere
	Locks       []Lock       `json:"locks,omitempty"`  // of the environment and of the whole repository, that hold
	UnderWay    *UnderWay    `json:"under_way,omitempty"`
	Calendars   []Calendar   `json:"calendars,omitempty"` // those that freezes name
	// Frozen are the forge's own freezes that hold, and the next ones. A Gap "freezes" says that they are not known.
	Frozen []Frozen `json:"frozen,omitempty"`

	// Between are the commits that the candidate has and what is live has not, newest first; Lacks those that it lacks.
	// Read unless nothing is live; a Gap "between" or "lacks" says that they are not known, or not all of them.
	Between []Carried `json:"between,omitempty"`
	Lacks   []Carried `json:"lacks,omitempty"`
}

// How says what asked for a promotion.
type How string

// The ways to ask for one.
const (
	OnMerge   How = "on-merge"
	Automatic How = "automatic"
	ByCommand How = "command"
	ByAPI     How = "api"
	Workflow  How = "workflow" // one that waits at a guarded environment
	Rollback  How = "rollback"
	RollsBack How = "automatic-rollback"
)

// Back says whether it goes back to what was live and well.
func (h How) Back() bool { return h == Rollback || h == RollsBack }

// Commanded says whether a person asked for it, whom `deployers` bind.
func (h How) Commanded() bool { return h == ByCommand || h == ByAPI || h == Rollback }

// Origin is the merged change that brought a commit.
type Origin struct {
	Change  *Change  `json:"change"`
	Commits []Commit `json:"commits,omitempty"`
	Files   []File   `json:"files,omitempty"` // without lines
	Gaps    []Gap    `json:"gaps,omitempty"`  // commits, files, labels
	// Gate says why its gate was not open when it was merged; "" when it was. Known is false when nobody looked.
	Gate  string `json:"gate,omitempty"`
	Known bool   `json:"known,omitempty"`
}

// Saying is an approval of a promotion, or a rejection.
type Saying struct {
	By     Person    `json:"by"`
	At     time.Time `json:"at"`
	Reject bool      `json:"reject,omitempty"`
	Reason string    `json:"reason,omitempty"`
	URL    string    `json:"url,omitempty"`
}

// Deployment is one at the forge.
type Deployment struct {
	ID        int64     `json:"id"`
	Commit    string    `json:"commit"`
	Creator   Person    `json:"creator"`
	Ours      bool      `json:"ours,omitempty"`      // made by this very App
	Workflow  bool      `json:"workflow,omitempty"`  // made by a workflow's job
	Promotion string    `json:"promotion,omitempty"` // of ours: the promotion's id in its payload
	At        time.Time `json:"at"`                  // created
	State     string    `json:"state"`               // the newest status: pending, queued, waiting, in_progress, success, failure, error, inactive
	StateAt   time.Time `json:"state_at,omitzero"`
	StateBy   Person    `json:"state_by,omitzero"`
	Live      time.Time `json:"live,omitzero"` // when it was first told to have succeeded; zero: never
	URL       string    `json:"url,omitempty"`
	Begun     bool      `json:"begun,omitempty"` // of a workflow's: it was told to be in progress, or may have been
	Run       int64     `json:"run,omitempty"`   // of a workflow's: the run, as its first status links to it; 0: not known
}

// Ran says whether a deployment did anything: a workflow's job waits for its environment first, and may be turned away.
func (d *Deployment) Ran() bool {
	return !d.Workflow || d.Begun || d.State == "in_progress" || !d.Live.IsZero()
}

// Live is the newest deployment that has succeeded, outside the gate included; nil: nothing is live.
func (p *Promotion) Live() *Deployment {
	for i, d := range p.Deployments {
		if !d.Live.IsZero() {
			return &p.Deployments[i]
		}
	}
	return nil
}

// Stage is how far a commit has come in an environment.
type Stage struct {
	Environment string    `json:"environment"`
	State       string    `json:"state"`         // as gate.State: live, verified, deploying, failed, …
	Live        time.Time `json:"live,omitzero"` // since when it is live there
	Why         string    `json:"why,omitempty"`
}

// Lock is one that holds.
type Lock struct {
	Environment string    `json:"environment,omitempty"` // "": the whole repository
	By          Person    `json:"by"`
	Reason      string    `json:"reason"`
	At          time.Time `json:"at"`
	Until       time.Time `json:"until,omitzero"` // zero: until it is lifted
	URL         string    `json:"url,omitempty"`
	// Unasked locks hold back what nobody asked for by name: on-merge and automatic promotions, after a rollback.
	Unasked bool `json:"unasked,omitempty"`
}

// UnderWay is another promotion that is being deployed to the environment.
type UnderWay struct {
	Commit string    `json:"commit"`
	Since  time.Time `json:"since"`
	By     Person    `json:"by,omitzero"`
}

// Calendar is the text of one that freezes name, by URL or path.
type Calendar struct {
	Name   string    `json:"name"`
	Text   string    `json:"text,omitempty"`
	Read   time.Time `json:"read,omitzero"`
	Failed string    `json:"failed,omitempty"` // why it could not be read
}

// Frozen is a freeze that the forge itself keeps, as the stretch of time that it came to when the facts were read.
type Frozen struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"` // not in it
	Zone   string    `json:"zone,omitempty"`
	Source string    `json:"source"` // for people: which one it is, and where it is kept
}

// Carried is a commit that a promotion brings, or lacks.
type Carried struct {
	Commit  string   `json:"commit"`
	Title   string   `json:"title,omitempty"` // the first line of its message
	Author  Person   `json:"author,omitzero"`
	Parents []string `json:"parents,omitempty"`
	// Change brought it to the default branch; 0: none did. Shut says why its gate was not open then; "" when it was.
	Change int    `json:"change,omitempty"`
	Shut   string `json:"shut,omitempty"`
	Patch  string `json:"patch,omitempty"` // its patch-id; of Lacks, and of as much of Between as has to be compared with them

	At time.Time `json:"at,omitzero"` // committed; the committer's own claim, and read by reports alone
}

// PromotionLine is one line of a promotion's verdict: what it has to know, and what it finds under one policy. It fails
// for what nothing can cure, waits for what time or people can, and is unknown where the facts do not tell.
type PromotionLine struct {
	Name string
	Mode func(*policy.Environment) policy.Mode

	keys   []string // of an environment, that it reads: a floor asks for no more than it gives
	back   bool     // it is judged of a rollback too
	wants  func(*guard, *Wants)
	judge  func(*guard) Result
	always func(*guard) Result // what no mode can weaken; nothing where it does not apply
}

// Environment finds an environment of a policy by its name, whatever the case: a forge takes them for one.
func Environment(p *policy.Policy, name string) *policy.Environment {
	i := slices.IndexFunc(p.Environments, func(e policy.Environment) bool { return strings.EqualFold(e.Name, name) })
	if i < 0 {
		return nil
	}
	return &p.Environments[i]
}

// Guarded says whether a policy in force guards the environment, and how the policy spells it.
func Guarded(set *policy.Set, name string) (spelt string, ok bool) {
	for _, layer := range set.Layers {
		if e := Environment(layer, name); e != nil && policy.Weaker(e.Mode, "") != policy.Off {
			return e.Name, true
		}
	}
	return "", false
}

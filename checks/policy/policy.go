// Package policy is `.sluice.yml`: what it may say, what it means where it is silent, and where each word stands.
//
// It refuses to read files or ask a forge: texts come in as Sources. It refuses to guess: an unknown key, a wrong
// type or a value out of range is a Problem with file, line and column, never a default.
package policy

import (
	"time"

	"github.com/sluicegate/sluice/checks/expression"
)

// Origin says whose policy a source is.
type Origin string

// The origins.
const (
	Repository   Origin = "repository"
	Organisation Origin = "organisation"
	Given        Origin = "given" // on the command line
)

// Source is one policy text as found.
type Source struct {
	Origin Origin `json:"origin"`
	Name   string `json:"name"`             // as people see it: ".sluice.yml", "acme/.github:sluice.yml"
	Commit string `json:"commit,omitempty"` // where it was read
	Text   string `json:"text"`
	// Kind is "" for text, else why it cannot be one: binary, symlink, submodule, lfs, encoding, large.
	Kind string `json:"kind,omitempty"`
}

// Paths are where a repository's policy is looked for, in order.
var Paths = []string{".sluice.yml", ".github/sluice.yml", ".gitlab/sluice.yml"}

// Mode says what a check, a rule or a part of one does.
type Mode string

// The modes; the empty Mode stands for Enforce.
const (
	Enforce Mode = "enforce"
	Advise  Mode = "advise"  // shown, never blocks
	Observe Mode = "observe" // judged and counted, not posted
	Off     Mode = "off"     // not judged, posted as skipped
)

// Weaker returns the weaker of two modes.
func Weaker(a, b Mode) Mode {
	rank := map[Mode]int{"": 3, Enforce: 3, Advise: 2, Observe: 1, Off: 0}
	if rank[b] < rank[a] {
		return b
	}
	if a == "" {
		return Enforce
	}
	return a
}

// Set is all that is in force for one subject: the repository's policy (or the organisation's, or the defaults),
// then, where the organisation has one, its `required:` floor. Every layer is judged; the strictest word counts.
type Set struct {
	Layers []*Policy
	Digest string // SHA-256 over the sources, hex
}

// Policy is one layer, defaults filled in. YAML keys are in the tags; the loader knows them from there.
type Policy struct {
	Version          int              `yaml:"version" min:"1" max:"1"`
	Tagging          Tagging          `yaml:"tagging"`
	Changelog        Changelog        `yaml:"changelog"`
	ConfigSeparation ConfigSeparation `yaml:"config-separation"`
	Approval         Approval         `yaml:"approval"`
	Checks           []HouseRule      `yaml:"checks"`
	Roles            map[string]From  `yaml:"roles"`
	Environments     []Environment    `yaml:"environments"` // a mapping in YAML; kept in its order
	Override         Override         `yaml:"override"`

	source Source
	floor  bool             // the organisation's required:
	where  map[string]place // by key path: "approval.rules[0].count"
}

// Tagging says how versions and tags are named, and what a change must say of the version that it would ship.
type Tagging struct {
	Mode       Mode        `yaml:"mode"`
	Scheme     string      `yaml:"scheme" is:"scheme"` // semver, calver:FORMAT, regexp:PATTERN (or regexp with pattern:)
	Pattern    string      `yaml:"pattern" is:"regexp"`
	Tag        string      `yaml:"tag" is:"tag"`                 // "v{version}"
	Bump       string      `yaml:"bump" one:"inferred declared"` // inferred, declared
	Annotated  bool        `yaml:"annotated"`
	Signed     bool        `yaml:"signed"`
	By         From        `yaml:"by"`                 // who may push a release tag; default: permission write
	Branches   []string    `yaml:"branches" is:"glob"` // release tags must lie on one of these; default: the default branch
	Files      []string    `yaml:"files" is:"glob"`    // version files; left out: found by looking
	Components []Component `yaml:"components"`
}

// Component is one part of a monorepo that is released by itself.
type Component struct {
	Name      string `yaml:"name" is:"word"`
	Paths     Globs  `yaml:"paths"`
	Tag       string `yaml:"tag" is:"tag"`
	Scheme    string `yaml:"scheme" is:"scheme"`  // default: tagging.scheme
	Changelog string `yaml:"changelog" is:"glob"` // its changelog; left out: found under its paths
}

// Changelog says where entries are written, and who need not write one.
type Changelog struct {
	Mode      Mode     `yaml:"mode"`
	Files     []string `yaml:"files" is:"glob"` // paths or globs; left out: found by looking
	Fragments Globs    `yaml:"fragments"`       // left out: found by looking
	Exempt    Exempt   `yaml:"exempt"`
}

// Exempt says which changes a check does not ask anything of.
type Exempt struct {
	Paths   Globs    `yaml:"paths"`              // all paths of the change are among these
	Labels  []string `yaml:"labels" is:"name"`   // set by somebody with write access
	Authors []string `yaml:"authors" is:"login"` // logins; "dependabot[bot]"
}

// ConfigSeparation says which files are configuration of which environment, and what must not mix.
type ConfigSeparation struct {
	Mode         Mode       `yaml:"mode"`
	Environments []EnvFiles `yaml:"environments"`    // a mapping in YAML; left out: found by well-known names
	Mixing       Mode       `yaml:"mixing"`          // = advise
	BakedIn      Mode       `yaml:"baked-in"`        // = enforce
	Parity       Mode       `yaml:"parity"`          // = enforce
	Hosts        []string   `yaml:"hosts" is:"host"` // host patterns: "*.prod.acme.internal"
	Ignore       Globs      `yaml:"ignore"`
}

// EnvFiles are the configuration files of one environment.
type EnvFiles struct {
	Name  string
	Paths Globs
}

// Approval says who must agree.
type Approval struct {
	Mode       Mode           `yaml:"mode"`
	Rules      []ApprovalRule `yaml:"rules"`
	Exclude    []string       `yaml:"exclude" one:"author contributors other-contributors"`
	Stale      string         `yaml:"stale" one:"commit push-by-others never"` // commit, push-by-others, never
	Unmatched  string         `yaml:"unmatched" one:"pass wait"`               // what a change comes to that no rule is for
	Objections Objections     `yaml:"objections"`
	Satisfy    Satisfy        `yaml:"satisfy"` // all (Satisfy zero value), or a tree over rule names
}

// Objections says who may hold a change up, besides those who always may, and how.
type Objections struct {
	From      From     `yaml:"from"`
	Comments  []string `yaml:"comments" is:"regexp"`  // a comment that matches one is an objection
	Withdrawn []string `yaml:"withdrawn" is:"regexp"` // a later one by the same person that matches one takes it back
}

// ApprovalRule asks for Count approvals from those named. What is for changes alone, an environment's rules do not know.
type ApprovalRule struct {
	Name       string   `yaml:"name" is:"name"`
	When       When     `yaml:"when"`
	Needs      When     `yaml:"needs" only:"changes"`                                                // what else has to hold for the rule to be met
	Count      int      `yaml:"count" min:"1" max:"100"`                                             // = 1
	Automatic  bool     `yaml:"automatic" only:"changes"`                                            // asks nobody: met as soon as it is for the change and what it needs holds
	From       From     `yaml:"from"`                                                                // = permission: write
	After      []string `yaml:"after" is:"name"`                                                     // names of earlier rules; also as a single string
	Exclude    []string `yaml:"exclude" only:"changes" one:"author contributors other-contributors"` // nil: as approval.exclude
	Stale      string   `yaml:"stale" only:"changes" one:"commit push-by-others never"`              // "": as approval.stale
	Reviews    string   `yaml:"reviews" only:"changes" one:"any unedited none"`                      // "": any
	ReviewText []string `yaml:"review-text" only:"changes" is:"regexp"`                              // one of these matches an approving review
	Comments   []string `yaml:"comments" only:"changes" is:"regexp"`                                 // a comment that one of these matches approves too
	Demand     bool     `yaml:"demand" only:"changes"`                                               // has to be met, and opens nothing by it
	Mode       Mode     `yaml:"mode"`
}

// From says who is meant: anybody who fits one of these. Empty: those with write access.
type From struct {
	Users         []string `yaml:"users" is:"login"` // logins
	Teams         []string `yaml:"teams" is:"team"`  // org/slug
	Organizations []string `yaml:"organizations" is:"organization"`
	Permission    string   `yaml:"permission" one:"read triage write maintain admin"` // read, triage, write, maintain, admin: at least this
	Codeowners    bool     `yaml:"codeowners"`                                        // the owners of the paths touched
	Roles         []string `yaml:"roles" is:"name"`                                   // names under roles:
}

// Zero says that nobody is named.
func (f From) Zero() bool {
	return len(f.Users)+len(f.Teams)+len(f.Organizations)+len(f.Roles) == 0 && f.Permission == "" && !f.Codeowners
}

// When says which changes a rule is for; every condition given must hold. Empty: all changes.
type When struct {
	Paths            Globs               `yaml:"paths"`                            // the change touches one of these (old paths of renames too)
	OnlyPaths        Globs               `yaml:"only-paths"`                       // it touches nothing else
	Branches         Globs               `yaml:"branches"`                         // of the target
	Labels           []string            `yaml:"labels" is:"name"`                 // one of these is set
	Authors          From                `yaml:"authors"`                          // a list of logins in YAML, or a mapping as in from:
	Contributors     From                `yaml:"contributors" only:"changes"`      // who opened, wrote or committed some of it; co-authors aside
	OnlyContributors From                `yaml:"only-contributors" only:"changes"` // all of those
	Size             Size                `yaml:"size"`
	Title            string              `yaml:"title" is:"regexp"` // RE2
	Expression       *expression.Program `yaml:"expression"`        // CEL, to a bool
}

// Zero says that it holds for every change.
func (w When) Zero() bool {
	return len(w.Paths)+len(w.OnlyPaths)+len(w.Branches)+len(w.Labels) == 0 && w.Title == "" && w.Size == (Size{}) &&
		w.Expression == nil && w.Authors.Zero() && w.Contributors.Zero() && w.OnlyContributors.Zero()
}

// Size bounds additions + deletions: "> 500", "<= 20", or a mapping of min and max. Zero Max: no bound.
type Size struct {
	Min int `yaml:"min"`
	Max int `yaml:"max"`
}

// Satisfy is a tree over rule names. The zero value stands for "all rules".
type Satisfy struct {
	Rule string // a leaf
	Any  []Satisfy
	All  []Satisfy
}

// HouseRule is a check of the team's own, in CEL over the facts.
type HouseRule struct {
	Name    string               `yaml:"name" is:"check"`
	Rule    *expression.Program  `yaml:"rule"`    // to a bool
	Message *expression.Template `yaml:"message"` // "{{expression}}" inside
	Mode    Mode                 `yaml:"mode"`
}

// Environment is a place that is deployed to, and what guards it.
type Environment struct {
	Name      string         `yaml:"-"`
	Mode      Mode           `yaml:"mode"`
	After     string         `yaml:"after" is:"name"`
	Deploy    string         `yaml:"deploy" one:"on-merge automatic by-request"` // on-merge, automatic, by-request (=)
	Soak      Duration       `yaml:"soak"`
	Verify    []string       `yaml:"verify" is:"name"`
	Statuses  []string       `yaml:"statuses" is:"name"`
	Approval  []ApprovalRule `yaml:"approval"`
	Deployers From           `yaml:"deployers"`
	Separate  []string       `yaml:"separate" one:"author contributors requester"` // author, contributors, requester
	Windows   []Window       `yaml:"windows"`
	Freezes   []Freeze       `yaml:"freezes"`
	Interval  Duration       `yaml:"interval"`
	Lineage   Mode           `yaml:"lineage"`
	Changes   Mode           `yaml:"changes"`
	Release   Mode           `yaml:"release"`
	// Modes are of single lines of the verdict, by their names; a line is never stricter than Mode.
	Modes    Modes  `yaml:"modes"`
	Rollback string `yaml:"rollback" one:"by-request automatic"` // by-request (=), or automatic when verify turns red within the soak
	Hotfix   Hotfix `yaml:"hotfix"`
	GitLab   GitLab `yaml:"gitlab"`
}

// GitLab says how an environment is deployed to where the forge is GitLab.
type GitLab struct {
	Job string `yaml:"job" is:"name"` // played to deploy, in the pipeline of the commit; "": a deployment is created instead
}

// Modes are those of the lines of a promotion's verdict. One that is left out is enforced; `lineage`, `changes` and
// `release` (tagging and changelog) have keys of their own, and both must agree that a line is asked for.
type Modes struct {
	Tagging          Mode `yaml:"tagging"`
	Changelog        Mode `yaml:"changelog"`
	ConfigSeparation Mode `yaml:"config-separation"`
	Approval         Mode `yaml:"approval"`
	Statuses         Mode `yaml:"statuses"`
	After            Mode `yaml:"after"`
	Verify           Mode `yaml:"verify"`
	Soak             Mode `yaml:"soak"`
	Window           Mode `yaml:"window"`
	Freeze           Mode `yaml:"freeze"`
	Lock             Mode `yaml:"lock"`
	Interval         Mode `yaml:"interval"`
	Lineage          Mode `yaml:"lineage"`
	Changes          Mode `yaml:"changes"`
}

// Hotfix is the lane of urgent changes: it shortens the soak and replaces the approvals, never the order.
type Hotfix struct {
	When     When           `yaml:"when"`     // which changes; left out: none
	Soak     Duration       `yaml:"soak"`     // here; left out: as for all
	Approval []ApprovalRule `yaml:"approval"` // left out: as for all
}

// Window is when deployments may start.
type Window struct {
	Days     []string `yaml:"days" one:"mon tue wed thu fri sat sun"` // mon … sun
	From     string   `yaml:"from" is:"clock"`                        // 15:04
	To       string   `yaml:"to" is:"clock"`                          // exclusive; 24:00 allowed
	Timezone string   `yaml:"timezone" is:"timezone"`
}

// Freeze is when they may not: from one day to another, or by the events of a calendar.
type Freeze struct {
	From     string `yaml:"from" is:"date"` // a date, inclusive, or an RFC 3339 instant
	To       string `yaml:"to" is:"date"`
	Calendar string `yaml:"calendar" is:"calendar"` // in place of from and to: an https URL, or a file of the repository
	Reason   string `yaml:"reason"`
	Timezone string `yaml:"timezone" is:"timezone"` // = UTC; of dates, and of what a calendar leaves without a zone
}

// Override says who may let a check through.
type Override struct {
	By     From     `yaml:"by"`                     // = permission: admin
	Checks []string `yaml:"checks" is:"name"`       // what may be overridden at all
	People int      `yaml:"people" min:"1" max:"2"` // = 1
	Self   bool     `yaml:"self"`                   // = false
	Lasts  string   `yaml:"lasts" is:"lasts"`       // commit (=), or a duration
}

// Duration is Go's, plus d and w.
type Duration time.Duration

// Position is where a key stands.
type Position struct{ Line, Column int }

// ModeOf is the mode of one of the four checks.
func (p *Policy) ModeOf(check string) Mode {
	m := map[string]Mode{
		"tagging": p.Tagging.Mode, "changelog": p.Changelog.Mode,
		"config-separation": p.ConfigSeparation.Mode, "approval": p.Approval.Mode,
	}[check]
	return Weaker(m, Enforce)
}

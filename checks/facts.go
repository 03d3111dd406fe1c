// Package checks holds the rules: Facts in, a Verdict out.
//
// It refuses to do I/O, to read a clock, to log, or to remember: what a check cannot see in Facts it cannot depend
// on, so that every verdict can be replayed from what was stored. Facts are only read; a check that sorts or trims
// does so on its own copy.
package checks

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// Kind says what sort of thing a Subject is.
type Kind string

// The kinds of subject.
const (
	KindChange Kind = "change" // a pull request or merge request
	KindTag    Kind = "tag"    // a tag that was pushed, moved or deleted
	KindGroup  Kind = "group"  // a merge queue's commit; with a Change: what the queue made of that change
	KindCommit Kind = "commit" // a commit that somebody wrote about: it is answered there, and never judged itself

	KindPromotion   Kind = "promotion"   // one commit into one environment
	KindEnvironment Kind = "environment" // what is deployed to: it is worked on, and never judged itself
)

// Subject is what is judged. Forge, Repo, Kind and Change or Tag are its identity; the rest only helps to find it.
type Subject struct {
	Forge  string `json:"forge"`            // "github", "gitlab", "local"
	Repo   string `json:"repo"`             // "acme/shop", as the forge spells it
	Kind   Kind   `json:"kind"`             //
	Change int    `json:"change,omitempty"` // number of the change
	Tag    string `json:"tag,omitempty"`    // name of the tag, without refs/tags/
	Group  string `json:"group,omitempty"`  // the merge queue's commit
	Commit string `json:"commit,omitempty"` // of KindCommit and KindPromotion
	// Environment is of KindPromotion and KindEnvironment, as the policy spells it.
	Environment string `json:"environment,omitempty"`
	// Installation is how the forge is reached for this repository (GitHub: the installation's id); 0: not known.
	Installation int64 `json:"installation,omitempty"`
	// Before and By are what an event told of a pushed tag: where it pointed, and the login of who pushed it.
	Before string `json:"before,omitempty"`
	By     string `json:"by,omitempty"`
}

// Key is the identity as one string: "github:acme/shop#42", "github:acme/shop@v1.2.3", of a merge queue
// "github:acme/shop^COMMIT" and "github:acme/shop#42^COMMIT", "github:acme/shop!COMMIT", of an environment
// "github:acme/shop>production", and of a promotion that with "@COMMIT". Case of Repo and Environment is folded.
func (s Subject) Key() string {
	switch {
	case s.Kind == KindEnvironment:
		return fmt.Sprintf("%s:%s>%s", s.Forge, strings.ToLower(s.Repo), strings.ToLower(s.Environment))
	case s.Kind == KindPromotion:
		return fmt.Sprintf("%s:%s>%s@%s", s.Forge, strings.ToLower(s.Repo), strings.ToLower(s.Environment), s.Commit)
	case s.Kind == KindTag:
		return fmt.Sprintf("%s:%s@%s", s.Forge, strings.ToLower(s.Repo), s.Tag)
	case s.Kind == KindGroup && s.Change == 0:
		return fmt.Sprintf("%s:%s^%s", s.Forge, strings.ToLower(s.Repo), s.Group)
	case s.Kind == KindGroup:
		return fmt.Sprintf("%s:%s#%d^%s", s.Forge, strings.ToLower(s.Repo), s.Change, s.Group)
	case s.Kind == KindCommit:
		return fmt.Sprintf("%s:%s!%s", s.Forge, strings.ToLower(s.Repo), s.Commit)
	}
	return fmt.Sprintf("%s:%s#%d", s.Forge, strings.ToLower(s.Repo), s.Change)
}

func (s Subject) String() string { return s.Key() }

// Facts is all that a forge told us about one subject, read in one pass. It is stored with the decision as JSON.
// A part that could not be had, or not in full, is named in Gaps; a check that needs such a part says Unknown.
type Facts struct {
	At         time.Time  `json:"at"` // when the reading ended, UTC
	Subject    Subject    `json:"subject"`
	Repository Repository `json:"repository"`
	Local      bool       `json:"local,omitempty"` // read from a git repository on disk: no people, no reviews

	// Sources are the policies found, raw: the repository's at the target branch, then the organisation's.
	Sources []policy.Source `json:"sources,omitempty"`

	Change *Change  `json:"change,omitempty"` // for KindChange
	Pushed *TagPush `json:"pushed,omitempty"` // for KindTag
	Queued *Queued  `json:"queued,omitempty"` // for KindGroup, beside Change
	// Promotion is for KindPromotion, without a Change. Tags, Paths, Texts (at Head) and Statuses are then those of its
	// commit, and Sources those of the default branch, as is what is wanted at Tip (CODEOWNERS).
	Promotion *Promotion `json:"promotion,omitempty"`

	Files   []File   `json:"files,omitempty"`   // what the change touches, sorted by Path, each once
	Commits []Commit `json:"commits,omitempty"` // of the change, oldest first
	Reviews []Review `json:"reviews,omitempty"` // oldest first
	// Comments are what people said, oldest first, for Wants.Comments.
	Comments []Comment `json:"comments,omitempty"`
	Heard    bool      `json:"heard,omitempty"`  // Comments was read (and may be empty)
	Signed   bool      `json:"signed,omitempty"` // the signatures of Commits were read, for Wants.Signatures
	Tags     []Tag     `json:"tags,omitempty"`   // of the repository; all of them unless a Gap "tags" says otherwise

	// Paths are those of the repository at the head commit, for which Wants.Paths said yes; sorted.
	Paths  []string `json:"paths,omitempty"`
	Listed bool     `json:"listed,omitempty"` // Paths was read (and may be empty)
	// Texts are contents that Wants.Texts asked for. One that was asked for and does not exist is there as Absent.
	Texts []Text `json:"texts,omitempty"`

	People map[int64]Person `json:"people,omitempty"` // rights, for Wants.People; by numeric id
	Teams  map[string]Group `json:"teams,omitempty"`  // "acme/operations": members, child teams included
	Orgs   map[string]Group `json:"orgs,omitempty"`   // "acme": members

	Statuses []Status `json:"statuses,omitempty"` // what the forge shows on the head commit, ours included
	Gaps     []Gap    `json:"gaps,omitempty"`
}

// Repository is where the subject lives.
type Repository struct {
	ID      int64  `json:"id,omitempty"`
	Node    string `json:"node,omitempty"` // the forge's own id for writes (GitHub GraphQL node id)
	Name    string `json:"name"`           // "acme/shop"
	Default string `json:"default"`        // default branch
	Private bool   `json:"private,omitempty"`
	URL     string `json:"url,omitempty"`
	// What differs between forges, left out where it is as on GitHub: where owners of files are looked for, in order (in
	// .github, the root and docs); the name of the project that holds an organisation's policy (".github"); the domain of
	// the addresses that the forge gives to accounts, as ID-login@ or login@ (GitHub's, and its ID+login@).
	Owners   []string `json:"owners,omitempty"`
	Sections bool     `json:"sections,omitempty"` // CODEOWNERS is in sections, with patterns that match at any depth
	Policies string   `json:"policies,omitempty"`
	NoReply  string   `json:"no_reply,omitempty"`
}

// Change is a pull request or merge request.
type Change struct {
	Number       int       `json:"number"`
	Node         string    `json:"node,omitempty"`
	URL          string    `json:"url,omitempty"`
	Title        string    `json:"title"`
	Body         string    `json:"body,omitempty"`
	State        string    `json:"state"` // open, closed, merged
	Draft        bool      `json:"draft,omitempty"`
	Author       Person    `json:"author"`
	Base         Ref       `json:"base"`                 // the target: its branch and that branch's tip
	Head         Ref       `json:"head"`                 // the source: its branch and the commit that is judged
	MergeBase    string    `json:"merge_base,omitempty"` // the commit that Files is the difference from
	Fork         bool      `json:"fork,omitempty"`       // head lives in another repository
	Editable     bool      `json:"editable,omitempty"`   // of a fork: it lets maintainers of the target write to the branch
	Labels       []Label   `json:"labels,omitempty"`
	Additions    int       `json:"additions"` // lines, as the forge counts them
	Deletions    int       `json:"deletions"`
	ChangedFiles int       `json:"changed_files"`
	CommitCount  int       `json:"commit_count"`
	CreatedAt    time.Time `json:"created_at,omitzero"`
	// MergedBy, MergedAt and MergeCommit tell how a merged change was merged; MergeCommit is what it became on the target.
	MergedBy    Person    `json:"merged_by,omitzero"`
	MergedAt    time.Time `json:"merged_at,omitzero"`
	MergeCommit string    `json:"merge_commit,omitempty"`
	// Requested are those whose review is asked for now: logins, and teams as "org/slug". Who has reviewed has left it.
	Requested []string `json:"requested,omitempty"`
}

// Queued is a change in a merge queue. Files, Paths and Texts are then those of the commit that the queue made of it,
// against the commit before it in the queue: there an entry may have come under another heading. Reviews, commits and
// labels are the change's own, and the policy is that of the target branch, where nothing of the queue has arrived yet.
type Queued struct {
	Branch string `json:"branch"` // that the queue merges into
	Commit string `json:"commit"` // what the queue made of the change
	Before string `json:"before"` // what it made of the change before this one, or the tip of the branch
}

// Ref is a branch and where it points.
type Ref struct {
	Repo   string `json:"repo,omitempty"`
	Name   string `json:"name"`   // without refs/heads/
	Commit string `json:"commit"` // full object id
}

// Person is an account at the forge, or a name in a commit that the forge cannot give an account for (ID 0).
type Person struct {
	ID         int64  `json:"id,omitempty"`
	Login      string `json:"login,omitempty"`
	Kind       string `json:"kind,omitempty"` // user, bot, app, "" for unknown or deleted ("ghost")
	Name       string `json:"name,omitempty"`
	Email      string `json:"email,omitempty"`
	Permission string `json:"permission,omitempty"` // in Facts.People: none, read, triage, write, maintain, admin, or a custom role's base
}

// Human says whether the account is a person's: an app or workflow identity never approves.
func (p Person) Human() bool { return p.ID != 0 && p.Kind == "user" }

// Group is a team or organisation with its members' numeric ids, sorted. Complete is false when not all were had.
type Group struct {
	Members  []int64 `json:"members,omitempty"`
	Complete bool    `json:"complete"`
}

// Label is one on the change. By is who set it last, as the change's timeline tells; nil when that is not known.
type Label struct {
	Name string    `json:"name"`
	By   *Person   `json:"by,omitempty"`
	At   time.Time `json:"at,omitzero"`
}

// File is one path that the change touches, against the merge base.
type File struct {
	Path      string `json:"path"`           // slash-separated, from the repository root
	Old       string `json:"old,omitempty"`  // the path before, of a rename or copy
	Status    string `json:"status"`         // added, modified, removed, renamed, copied, changed (mode or type only)
	Kind      string `json:"kind,omitempty"` // "" an ordinary file, else symlink, submodule, binary, lfs
	Additions int    `json:"additions,omitempty"`
	Deletions int    `json:"deletions,omitempty"`
	// Added and Removed are the lines of the difference, when Read; Added by number in the new file, Removed in the old.
	Added   []Line `json:"added,omitempty"`
	Removed []Line `json:"removed,omitempty"`
	// Read is false when the lines were not asked for, and Cut true when they were, but the forge withheld them.
	Read bool `json:"read,omitempty"`
	Cut  bool `json:"cut,omitempty"`
}

// Line is one line of text without its ending.
type Line struct {
	N    int    `json:"n"` // from 1
	Text string `json:"text"`
}

// Commit is one of the change.
type Commit struct {
	ID        string    `json:"id"`
	Message   string    `json:"message"`
	Parents   []string  `json:"parents,omitempty"` // may be left out by a forge
	Author    Person    `json:"author"`
	Committer Person    `json:"committer"` // GitHub's web-flow is a bot here
	CoAuthors []Person  `json:"co_authors,omitempty"`
	At        time.Time `json:"at,omitzero"` // committed; the committer's own claim, never evidence of order
	// Signature is nil where there is none, and where signatures were not read: see Facts.Signed.
	Signature *Signature `json:"signature,omitempty"`
}

// Signature is one on a commit, as the forge has judged it.
type Signature struct {
	Verified bool   `json:"verified,omitempty"`
	By       Person `json:"by"`            // whose key it is; nobody where the forge does not know
	Key      string `json:"key,omitempty"` // id of the GPG key; "" for other kinds
}

// Comment is what somebody said: a comment on the change, or the text that a review came with.
type Comment struct {
	By     Person    `json:"by"`
	Text   string    `json:"text"`
	At     time.Time `json:"at"`
	Edited bool      `json:"edited,omitempty"` // by anybody, after it was said
	Review int64     `json:"review,omitempty"` // id of the review whose text it is; 0 for a comment
}

// Review is one opinion on the change, in the order given.
type Review struct {
	ID     int64     `json:"id,omitempty"`
	By     Person    `json:"by"`
	State  string    `json:"state"`  // approved, changes_requested, dismissed, commented
	Commit string    `json:"commit"` // what was looked at
	At     time.Time `json:"at,omitzero"`
}

// Tag is one of the repository.
type Tag struct {
	Name      string    `json:"name"`
	Commit    string    `json:"commit"` // the commit, an annotated tag peeled
	Annotated bool      `json:"annotated,omitempty"`
	At        time.Time `json:"at,omitzero"` // tagger's date or committer's date
	// Signature is "valid" where the forge verified the tag's, else its word on it ("unsigned"); "" where nobody asked. Read
	// of the tags at a promotion's commit alone.
	Signature string `json:"signature,omitempty"`
}

// TagPush is what is known about a tag that was pushed, moved or deleted.
type TagPush struct {
	Name      string   `json:"name"`
	Commit    string   `json:"commit"`           // where it points now; "" when it is gone
	Before    string   `json:"before,omitempty"` // where it pointed when last seen; "" when new
	Annotated bool     `json:"annotated,omitempty"`
	Signed    bool     `json:"signed,omitempty"` // the forge verified the tag's signature
	Reason    string   `json:"reason,omitempty"` // the forge's word on the signature ("unsigned", "unknown_key")
	Tagger    Person   `json:"tagger"`
	By        *Person  `json:"by,omitempty"`       // who pushed; nil when not known
	Branches  []string `json:"branches,omitempty"` // protected branches (or the default branch) that contain Commit
}

// Text is the content of one file at one side of the change.
type Text struct {
	Side   Side   `json:"side"`
	Path   string `json:"path"`
	Text   string `json:"text,omitempty"` // valid UTF-8 only; see Kind
	Absent bool   `json:"absent,omitempty"`
	// Kind is "" for text; else why Text is empty: binary, symlink, submodule, lfs, encoding (not UTF-8), large.
	Kind string `json:"kind,omitempty"`
}

// Side of a change.
type Side string

// The sides: Base is the merge base, Tip the target branch's tip, Head the commit that is judged.
const (
	Base Side = "base"
	Tip  Side = "tip"
	Head Side = "head"
)

// Status is what the forge shows on the head commit under one name.
type Status struct {
	Name       string `json:"name"`
	ID         int64  `json:"id,omitempty"`
	Node       string `json:"node,omitempty"`
	State      string `json:"state"` // as the forge says: success, failure, neutral, skipped, in_progress, pending, …
	Title      string `json:"title,omitempty"`
	Summary    string `json:"summary,omitempty"` // of our own only
	ExternalID string `json:"external_id,omitempty"`
	Ours       bool   `json:"ours,omitempty"` // made by this very App
	// At is when it came to this state, by the forge's clock; read for promotions alone.
	At time.Time `json:"at,omitzero"`
	// Began is when what has ended was started, where the forge tells; read for promotions alone.
	Began time.Time `json:"began,omitzero"`
}

// Gap is a part of the facts that could not be had, or not in full.
type Gap struct {
	Part   string `json:"part"`   // files, lines, commits, reviews, comments, signatures, tags, paths, text:PATH, people, teams, labels, policy, statuses; of promotions deployments, between, lacks, freezes
	Reason string `json:"reason"` // one sentence
}

// Gap returns the first gap in one of the parts, and whether there is one.
func (f *Facts) Gap(parts ...string) (Gap, bool) {
	for _, g := range f.Gaps {
		for _, p := range parts {
			if g.Part == p {
				return g, true
			}
		}
	}
	return Gap{}, false
}

// Text returns the content of path at side, and whether it was read at all.
func (f *Facts) Text(side Side, path string) (Text, bool) {
	for _, t := range f.Texts {
		if t.Side == side && t.Path == path {
			return t, true
		}
	}
	return Text{}, false
}

// File returns the changed file at path (its new path, or the old one of a removed file), or nil.
func (f *Facts) File(path string) *File {
	for i := range f.Files {
		if f.Files[i].Path == path {
			return &f.Files[i]
		}
	}
	return nil
}

// Wants is what the checks still have to know. A provider asks with AskFor, fills the facts, and asks again until
// Empty; it must never ask the forge for what is not wanted.
type Wants struct {
	Paths  func(path string) bool // which paths of the tree at head; nil: none, or already Listed
	Lines  func(File) bool        // whose Added and Removed lines; nil: none
	Texts  []Text                 // Side and Path alone are set
	People []Person               // whose permission on the repository
	Teams  []string               // "org/slug"
	Orgs   []string
	// Comments are what people said, reviews' texts included; Signatures those of the commits.
	Comments, Signatures bool
}

// WantComments asks for what people said, once, unless it is known or cannot be.
func (w *Wants) WantComments(f *Facts) {
	_, gap := f.Gap("comments")
	w.Comments = w.Comments || !f.Heard && !gap && !f.Local
}

// WantSignatures asks for the signatures of the commits, once, unless they are known or cannot be.
func (w *Wants) WantSignatures(f *Facts) {
	_, gap := f.Gap("signatures")
	w.Signatures = w.Signatures || !f.Signed && !gap && !f.Local
}

// WantText asks for the content of path at side, once, unless it was read already.
func (w *Wants) WantText(f *Facts, side Side, path string) {
	if _, ok := f.Text(side, path); ok {
		return
	}
	for _, t := range w.Texts {
		if t.Side == side && t.Path == path {
			return
		}
	}
	w.Texts = append(w.Texts, Text{Side: side, Path: path})
}

// WantPerson asks for somebody's permission, once, unless it is known.
func (w *Wants) WantPerson(f *Facts, p Person) {
	if _, ok := f.People[p.ID]; ok || p.ID == 0 {
		return
	}
	for _, q := range w.People {
		if q.ID == p.ID {
			return
		}
	}
	w.People = append(w.People, p)
}

// WantTeam asks for the members of "org/slug", once, unless they are known.
func (w *Wants) WantTeam(f *Facts, team string) {
	if _, ok := f.Teams[team]; ok {
		return
	}
	for _, t := range w.Teams {
		if t == team {
			return
		}
	}
	w.Teams = append(w.Teams, team)
}

// WantOrg asks for the members of an organisation, once, unless they are known.
func (w *Wants) WantOrg(f *Facts, org string) {
	if _, ok := f.Orgs[org]; ok {
		return
	}
	for _, o := range w.Orgs {
		if o == org {
			return
		}
	}
	w.Orgs = append(w.Orgs, org)
}

// WantPaths adds to the paths that are wanted of the tree at head, unless they were listed already.
func (w *Wants) WantPaths(f *Facts, keep func(string) bool) {
	if f.Listed {
		return
	}
	if before := w.Paths; before != nil {
		w.Paths = func(p string) bool { return before(p) || keep(p) }
		return
	}
	w.Paths = keep
}

// WantLines adds to the files whose changed lines are wanted and were not read.
func (w *Wants) WantLines(f *Facts, keep func(File) bool) {
	for _, c := range f.Files {
		if !c.Read && !c.Cut && c.Kind == "" && keep(c) {
			before := w.Lines
			w.Lines = func(c File) bool {
				return !c.Read && !c.Cut && c.Kind == "" && (keep(c) || before != nil && before(c))
			}
			return
		}
	}
}

// Empty says that nothing is wanted any more.
func (w *Wants) Empty() bool {
	return w.Paths == nil && w.Lines == nil && len(w.Texts)+len(w.People)+len(w.Teams)+len(w.Orgs) == 0 && !w.Comments && !w.Signatures
}

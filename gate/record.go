package gate

import (
	"time"

	"github.com/sluicegate/sluice/checks"
)

// EntryKind says what an entry of the audit log tells of.
type EntryKind string

// The kinds of entry.
const (
	EntryDecision   EntryKind = "decision" // a decision that differs from the one before it
	EntryOverride   EntryKind = "override" // one that was granted, seconded, revoked or ended; see Entry.Outcome
	EntryCommand    EntryKind = "command"  // any command, refused ones too
	EntryPolicy     EntryKind = "policy"   // the policy in force for a branch is another
	EntryRelease    EntryKind = "release"
	EntryFinding    EntryKind = "finding" // a merge while the gate was shut, a tag that moved or vanished
	EntryDeployment EntryKind = "deployment"
	EntryOutside    EntryKind = "outside-the-gate"
)

// Who is a person at the forge: the id says who it is, the login is what people call him at that time.
type Who struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
}

// Entry is one line of the audit log. Whoever makes one leaves Seq, Prev and Hash to the store; a zero At is the time of
// writing. All strings but Kind may come from a forge, and are shown as such. The members are written in this order, and
// hashed: one that is added later goes before Prev and is left out when empty (omitzero), or old entries would not fit.
type Entry struct {
	Seq         int64     `json:"seq"` // from 1, without gaps
	At          time.Time `json:"at"`  // UTC, whole milliseconds
	Kind        EntryKind `json:"kind"`
	Forge       string    `json:"forge"`
	Repo        string    `json:"repo"` // "acme/shop"
	Change      int       `json:"change"`
	Commit      string    `json:"commit"`
	Environment string    `json:"environment"`
	Who         Who       `json:"who"`
	Check       string    `json:"check"`
	Reason      string    `json:"reason"`
	URL         string    `json:"url"`     // of the comment, or of the change
	Policy      string    `json:"policy"`  // digest of the policies in force
	Command     string    `json:"command"` // the word: "override"
	Outcome     string    `json:"outcome"` // deployment: a promotion's state, or created; decision: open or shut; command: done, refused or waiting; override: granted, waiting, seconded, revoked, expired, ended
	Decision    string    `json:"decision"`
	Answer      string    `json:"answer,omitzero"`    // why a command was refused
	Promotion   string    `json:"promotion,omitzero"` // id
	Prev        string    `json:"prev"`               // Hash of the entry before; "" of the first
	Hash        string    `json:"hash"`
}

// entry begins one about a subject.
func entry(kind EntryKind, s checks.Subject, commit string) Entry {
	return Entry{Kind: kind, Forge: s.Forge, Repo: s.Repo, Change: s.Change, Commit: commit}
}

func who(p checks.Person) Who { return Who{p.ID, p.Login} }

// decided is the entry of a decision that changed.
func decided(d *Decision) Entry {
	e := entry(EntryDecision, d.Subject, d.Commit)
	e.At, e.Policy, e.Decision, e.Reason = d.At, d.Policy, d.ID, d.Gate.Reason
	if e.Outcome = "shut"; d.Open {
		e.Outcome = "open"
	}
	if d.Subject.Group != "" {
		e.Reason = "In the merge queue: " + e.Reason
	}
	if d.Subject.Environment != "" {
		e.Environment, e.Check = d.Subject.Environment, "deploy"
	}
	if d.Subject.Tag != "" {
		e.Check, e.Reason = "tagging", d.Subject.Tag+": "+d.Gate.Reason
	}
	return e
}

package gate

import (
	"time"

	"github.com/sluicegate/sluice/checks"
)

// What the pages read. None of it is judged by.

// BoardFilter says which repositories are meant. The conditions are all to hold.
type BoardFilter struct {
	Search  string // a part of the name, whatever the case
	Forge   string // "": all
	Waiting bool   // something waits or is under way
	Locked  bool   // a lock is on it
	Outside bool   // what is live somewhere came past the gate
	Changes bool   // a change is open
}

// Place is an environment of a repository as the board shows it.
type Place struct {
	Seen     EnvironmentSeen
	Live     *Promotion // that brought what is live; nil: it came another way, or nothing is live
	UnderWay *Promotion
	Waiting  *Promotion // the newest
	Verdict  string     // what the newest decision on it says; ""
	Last     *Promotion // the newest that ended badly after what is live, or nil
	Locks    []LockState
	Tag      string // at the live commit, as far as it was seen
	// Behind is what the environment before this one has, and this one has not; nil: not known, or there is none before.
	Behind *Behind
}

// Behind is by how much.
type Behind struct {
	Commits    int
	Promotions int
	Since      time.Time // the oldest of the commits was made; zero: not known
	Partly     bool      // there are more
}

// ChangeRow is a change in a list.
type ChangeRow struct {
	Forge, Repo, Title, Author, Head, Base string
	Number                                 int
	Open, Merged                           bool
	Decision                               string
	ReadAt                                 time.Time
}

// DecisionRow is a decision in a list, without its findings.
type DecisionRow struct {
	ID, Commit, Reason, Policy string
	Subject                    checks.Subject
	At                         time.Time
	Open                       bool
	Outcome                    checks.Outcome
	Seq                        int64
}

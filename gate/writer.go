package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicegate/sluice/checks"
)

// RefusalError is the forge's no to something that was to be written. Why says so in a sentence without its full stop,
// for people; nothing was written, and trying again by itself makes no sense unless Cures says that it may be otherwise
// later.
type RefusalError struct {
	Why   string
	Cures bool
}

func (e *RefusalError) Error() string { return e.Why }

// Librarian is a Provider that reads single files of a repository. A repository is named where it may be a fork.
type Librarian interface {
	// Tree lists the paths of a commit. A list that is cut off is an error.
	Tree(ctx context.Context, s checks.Subject, repo, commit string) ([]string, error)
	// Texts reads files at a commit; one that is not there, or is no text, is not among them.
	Texts(ctx context.Context, s checks.Subject, repo, commit string, paths []string) (map[string]string, error)
	// Relation says where head stands, seen from base: identical, ahead, behind, diverged; "" when they share nothing.
	Relation(ctx context.Context, s checks.Subject, base, head string) (string, error)
	// Touched are the files that a change touched, also when it is long merged and nothing is left to compare: paths alone.
	Touched(ctx context.Context, s checks.Subject) ([]checks.File, error)
}

// Committer is a Provider that writes branches and proposes changes. Every write looks first for what it would make, so
// that doing it again after a crash makes nothing twice. What the forge will not have is a *RefusalError.
type Committer interface {
	// Branch is where a branch stands, or nil.
	Branch(ctx context.Context, s checks.Subject, name string) (*Branch, error)
	// Commit puts one commit on a branch whose tip is known, and returns its id. A branch that moved is a *RefusalError.
	Commit(ctx context.Context, s checks.Subject, e Edit) (string, error)
	// Proposed is the newest change from a branch into another, or nil.
	Proposed(ctx context.Context, s checks.Subject, branch, base string) (*Proposed, error)
	// Propose opens a change from a branch, unless one is open.
	Propose(ctx context.Context, s checks.Subject, p Proposal) (*Proposed, error)
}

// Releaser is a Provider that makes tags and releases; it looks first, as a Committer does.
type Releaser interface {
	// TagAt is a tag as it stands, or nil.
	TagAt(ctx context.Context, s checks.Subject, name string) (*StandingTag, error)
	// CreateTag makes an annotated tag. One that is there meanwhile is a *RefusalError.
	CreateTag(ctx context.Context, s checks.Subject, name, commit, message string) error
	// Published is the address of the release of a tag; "" when there is none.
	Published(ctx context.Context, s checks.Subject, tag string) (string, error)
	// Publish makes the release of a tag that is there, and returns its address.
	Publish(ctx context.Context, s checks.Subject, n Notice) (string, error)
}

// Branch is where a branch stands.
type Branch struct {
	Commit  string
	Message string // of that commit
	// Protected says that a rule of the forge guards the branch, whatever it asks for.
	Protected bool
}

// Edit is one commit to be made.
type Edit struct {
	Repo, Branch string // "acme/shop", without refs/heads/
	Expect       string // the branch's tip
	New          bool   // the branch is made at Expect when it is not there
	Title, Body  string
	For          checks.Person // on whose behalf: named as co-author
	Files        map[string]string
}

// Proposal is a change to be opened.
type Proposal struct{ Branch, Base, Title, Body string }

// Proposed is a change from a branch.
type Proposed struct {
	Number int
	URL    string
	State  string // open, closed, merged
}

// StandingTag is a tag as it stands.
type StandingTag struct {
	Commit, Message string
	Annotated       bool
}

// Notice is a release to be published.
type Notice struct {
	Tag, Title, Notes string // Notes are Markdown
	Prerelease        bool
	Latest            string // true, false, or legacy: as the forge sees it
}

// no is the forge's refusal in an error, if that is what it is.
func no(err error) (why string, ok bool) {
	var r *RefusalError
	if errors.As(err, &r) {
		return r.Why, true
	}
	return "", false
}

// holder says whether somebody has at least a right at this moment, or why not. An error is no answer, and that is a no.
func holder(ctx context.Context, p Provider, s checks.Subject, who checks.Person, least string) (right, why string, err error) {
	const silent = "your rights could not be read just now, and no answer means no; say it again later"
	registrar, ok := p.(Registrar)
	if !ok {
		return "", "rights cannot be asked of this forge", nil
	}
	right, err = registrar.Permission(ctx, s, who)
	switch {
	case err != nil:
		return "", silent, fmt.Errorf("read the right of %s: %w", Plain(who.Login), err)
	case !reaches(right, least):
		return right, fmt.Sprintf("it needs the right `%s` on the repository, and yours is `%s`", least, orNone(right)), nil
	}
	return right, "", nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return Plain(s)
}

// reaches says whether a right is at least another; an unknown one is none.
func reaches(right, least string) bool {
	order := []string{"none", "read", "triage", "write", "maintain", "admin"}
	return slices.Index(order, right) >= slices.Index(order, least)
}

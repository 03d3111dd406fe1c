package dashboard

import (
	"context"
	"errors"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Owners reads CODEOWNERS.
type Owners interface {
	// CodeOwners is the first of the paths that is a text file at a commit, with its text; "" where none is.
	CodeOwners(ctx context.Context, s checks.Subject, commit string, paths []string) (path, text string, err error)
}

const (
	ownersWait  = 3 * time.Second // a page waits no longer
	ownersKept  = 64              // commits
	ownersAgain = time.Minute     // that there is none, or that it could not be had, is believed for so long
	mostOwnText = 1 << 20         // bytes of a file that a page goes by
)

// ownersFile is what is known of CODEOWNERS at a commit. Its text never changes.
type ownersFile struct {
	path, text string
	why        string // it is not known
	at         time.Time
}

// ownersMemory keeps whoever looks often from asking the forge as often: what it leaves is there for the gate.
type ownersMemory struct {
	kept    *lru.Cache[string, ownersFile] // by forge, repository and commit
	flights singleflight.Group
}

func newOwnersMemory() *ownersMemory {
	kept, _ := lru.New[string, ownersFile](ownersKept) // it fails for no size above 0
	return &ownersMemory{kept: kept}
}

// codeowners is the file that tells of owners at the promoted commit.
func (v *visitor) codeowners(p *gate.Promotion, repo checks.Repository) ownersFile {
	if v.Owners == nil {
		return ownersFile{why: "no forge is configured here that could be asked"}
	}
	key := p.Forge + ":" + strings.ToLower(p.Repo) + "@" + p.Commit
	if had, ok := v.owners.kept.Get(key); ok && (had.text != "" || v.now.Sub(had.at) < ownersAgain) {
		return had
	}
	file, _, _ := v.owners.flights.Do(key, func() (any, error) {
		file := v.askOwners(p, repo)
		file.at = v.now
		v.owners.kept.Add(key, file)
		return file, nil
	})
	return file.(ownersFile)
}

// askOwners asks the forge. What it says of an error is for the log of operators, not for whoever may see the page. Others may wait
// for the answer too, so that it does not hang on who asked first.
func (v *visitor) askOwners(p *gate.Promotion, repo checks.Repository) ownersFile {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.ctx()), ownersWait)
	defer cancel()
	s := checks.Subject{Forge: p.Forge, Repo: p.Repo, Kind: checks.KindEnvironment, Environment: p.Environment, Installation: p.Installation}
	path, text, err := v.Owners.CodeOwners(ctx, s, p.Commit, checks.OwnersPaths(repo))
	switch {
	case errors.Is(err, gate.ErrGone), errors.Is(err, gate.ErrStale):
		return ownersFile{why: "the forge does not show that commit"}
	case errors.Is(err, context.DeadlineExceeded):
		return ownersFile{why: "the forge took too long"}
	case err != nil:
		return ownersFile{why: "the forge could not be asked; an administrator finds out why by `sluice doctor`"}
	case len(text) > mostOwnText:
		return ownersFile{path: path, why: path + " is too large for a page"}
	}
	return ownersFile{path: path, text: text}
}

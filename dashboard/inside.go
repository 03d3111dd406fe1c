package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// What a promotion may break: the files that all changes inside touch, by what they are and by who owns them. It is told from
// the facts that those changes were judged by; CODEOWNERS is asked of the forge, for no decision rests on it.

// blast is that, with what is not known of it.
type blast struct {
	Touches []radius
	Owned   []radius // the owners of the files, each group with its files; Nobody's last
	By      string   // where the owners are told of: a path of the repository; "" where it has none
	Why     string   // why the owners are not known
	Changes int      // of which it is known what they touch
	Unknown []int    // changes of which it is not
	Loose   int      // commits that came by no change
	Partly  bool     // some of the lists were cut off
}

// Nobody is the owner of what no line of CODEOWNERS gives to anyone.
const Nobody = "Nobody"

// FirstUnknown and FirstOwned are what a page has room for.
func (b *blast) FirstUnknown() []int  { return b.Unknown[:min(len(b.Unknown), 12)] }
func (b *blast) FirstOwned() []radius { return b.Owned[:min(len(b.Owned), 30)] }

const (
	mostLooked  = 50 // changes whose facts are read for a page
	mostTouched = 20000
	ownersWait  = 3 * time.Second
	ownersKept  = 64
	mostOwnText = 1 << 20 // bytes of a CODEOWNERS that is remembered
)

// Owners reads CODEOWNERS.
type Owners interface {
	// CodeOwners is the first of the paths that a commit has, with its text; "" where it has none of them.
	CodeOwners(ctx context.Context, s checks.Subject, commit string, paths []string) (path, text string, err error)
}

// ownersFile is a CODEOWNERS at a commit: it never changes.
type ownersFile struct{ path, text string }

// blastOf gathers what a promotion touches.
func (v *visitor) blastOf(p *gate.Promotion, f *checks.Facts, set *policy.Set) (*blast, error) {
	b := &blast{}
	files := map[string]checks.File{}
	if o := f.Promotion.Origin; o != nil && o.Change != nil {
		b.take(files, o.Files, o.Gaps)
		b.Changes++
	}
	if err := v.touched(b, p, f, files); err != nil {
		return nil, err
	}
	var list []checks.File
	var paths []string
	for _, x := range files {
		list = append(list, x)
	}
	slices.SortFunc(list, func(x, y checks.File) int { return strings.Compare(x.Path, y.Path) })
	for _, x := range list {
		paths = append(paths, x.Path)
	}
	b.Touches = radiusOf(list, set)
	v.owned(b, p, f.Repository, paths)
	return b, nil
}

// take adds the files of a change.
func (b *blast) take(files map[string]checks.File, list []checks.File, gaps []checks.Gap) {
	for _, x := range list {
		files[x.Path] = x
		if x.Old != "" { // what was renamed is missing where it was
			files[x.Old] = checks.File{Path: x.Old, Status: "removed"}
		}
	}
	b.Partly = b.Partly || slices.ContainsFunc(gaps, func(g checks.Gap) bool { return g.Part == "files" })
}

// touched adds what the changes inside touch, besides the one that made the commit.
func (v *visitor) touched(b *blast, p *gate.Promotion, f *checks.Facts, files map[string]checks.File) error {
	var changes []int
	for _, c := range f.Promotion.Between {
		switch o := f.Promotion.Origin; {
		case c.Change == 0:
			b.Loose++
		case o != nil && o.Change != nil && o.Change.Number == c.Change || slices.Contains(changes, c.Change):
		default:
			changes = append(changes, c.Change)
		}
	}
	known := map[int]bool{}
	err := v.Library.ChangeFacts(v.ctx(), p.Forge, p.Repo, changes[:min(len(changes), mostLooked)], func(n int, facts []byte) error {
		var x struct {
			Files []checks.File `json:"files"`
			Gaps  []checks.Gap  `json:"gaps"`
		}
		if len(files) > mostTouched || json.Unmarshal(facts, &x) != nil {
			return nil // it counts as not known
		}
		known[n] = true
		b.Changes++
		b.take(files, x.Files, x.Gaps)
		return nil
	})
	for _, n := range changes {
		if !known[n] {
			b.Unknown = append(b.Unknown, n)
		}
	}
	return err
}

// owned sorts the paths by who owns them.
func (v *visitor) owned(b *blast, p *gate.Promotion, repo checks.Repository, paths []string) {
	if len(paths) == 0 {
		return
	}
	file, err := v.codeowners(p, repo)
	if err != nil {
		b.Why = err.Error()
		return
	}
	if b.By = file.path; b.By == "" {
		return
	}
	for i, owners := range checks.Owners(repo, file.text, paths) {
		who := strings.Join(owners, " ")
		if who == "" {
			who = Nobody
		}
		b.Owned = filed(b.Owned, who, 0, paths[i])
	}
	slices.SortStableFunc(b.Owned, func(x, y radius) int {
		if (x.What == Nobody) != (y.What == Nobody) {
			return map[bool]int{true: 1, false: -1}[x.What == Nobody]
		}
		return y.Count() - x.Count()
	})
}

// codeowners is the file that tells of owners at the promoted commit. A page waits for it only so long.
func (v *visitor) codeowners(p *gate.Promotion, repo checks.Repository) (ownersFile, error) {
	key := p.Forge + ":" + strings.ToLower(p.Repo) + "@" + p.Commit
	if v.owners != nil {
		if had, ok := v.owners.Get(key); ok {
			return had, nil
		}
	}
	if v.Owners == nil {
		return ownersFile{}, errors.New("no forge is configured here that could be asked")
	}
	ctx, cancel := context.WithTimeout(v.ctx(), ownersWait)
	defer cancel()
	s := checks.Subject{Forge: p.Forge, Repo: p.Repo, Kind: checks.KindEnvironment, Environment: p.Environment, Installation: p.Installation}
	path, text, err := v.Owners.CodeOwners(ctx, s, p.Commit, checks.OwnersPaths(repo))
	switch { // what a forge says of an error is for the log of operators, not for whoever may see the page
	case errors.Is(err, gate.ErrGone), errors.Is(err, gate.ErrStale):
		return ownersFile{}, errors.New("the forge does not show that commit")
	case errors.Is(err, context.DeadlineExceeded):
		return ownersFile{}, errors.New("the forge took too long")
	case err != nil:
		return ownersFile{}, errors.New("the forge could not be asked; an administrator finds out why by `sluice doctor`")
	}
	file := ownersFile{path, text}
	if v.owners != nil && len(text) <= mostOwnText {
		v.owners.Add(key, file)
	}
	return file, nil
}

package dashboard

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
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
	Unknown []int    // changes of which it is not known what they touch
	Loose   int      // commits that came by no change
	Partly  bool     // some of the lists were cut off

	FirstUnknown []int // what a page has room for
	FirstOwned   []radius

	files map[string]checks.File
}

// Nobody is the owner of what no line of CODEOWNERS gives to anyone.
const Nobody = "Nobody"

// fit keeps for the page what it has room for.
func (b *blast) fit() {
	b.FirstUnknown = b.Unknown[:min(len(b.Unknown), 12)]
	for _, r := range b.Owned[:min(len(b.Owned), 20)] {
		if n := len(r.Files); n > 4 {
			r.Files, r.More = r.Files[:4], r.More+n-4
		}
		b.FirstOwned = append(b.FirstOwned, r)
	}
}

const (
	mostLooked  = 50      // changes whose facts are read for a page
	mostRead    = 8 << 20 // bytes of them
	mostTouched = 20000   // files
	mostOwners  = 200     // groups of owners
)

// blastOf gathers what a promotion touches.
func (v *visitor) blastOf(p *gate.Promotion, f *checks.Facts, set *policy.Set) (*blast, error) {
	b := &blast{files: map[string]checks.File{}}
	if o := f.Promotion.Origin; o != nil && o.Change != nil {
		b.take(o.Files, o.Gaps)
	}
	if err := v.touched(b, p, f); err != nil {
		return nil, err
	}
	paths := slices.Sorted(maps.Keys(b.files))
	list := make([]checks.File, 0, len(paths))
	for _, path := range paths {
		list = append(list, b.files[path])
	}
	b.Touches = radiusOf(list, set)
	if len(paths) > 0 {
		v.owned(b, p, f.Repository, paths)
	}
	b.fit()
	return b, nil
}

// take adds the files of a change.
func (b *blast) take(list []checks.File, gaps []checks.Gap) {
	for _, x := range list {
		b.files[x.Path] = x
		if x.Old != "" && x.Status == "renamed" { // it is missing where it was
			b.files[x.Old] = checks.File{Path: x.Old, Status: "removed"}
		}
	}
	b.Partly = b.Partly || slices.ContainsFunc(gaps, func(g checks.Gap) bool { return g.Part == "files" })
}

// touchedFacts are as much of a change's facts as tells what it touches.
type touchedFacts struct {
	Files []struct{ Path, Old, Status string }
	Gaps  []checks.Gap
}

func (x touchedFacts) files() (list []checks.File) {
	for _, f := range x.Files {
		list = append(list, checks.File{Path: f.Path, Old: f.Old, Status: f.Status})
	}
	return list
}

var errEnough = errors.New("a page has no room for more")

// touched adds what the changes inside touch, besides the one that made the commit.
func (v *visitor) touched(b *blast, p *gate.Promotion, f *checks.Facts) error {
	changes := b.others(f.Promotion)
	known, read := map[int]bool{}, 0
	err := v.Library.ChangeFacts(v.ctx(), p.Forge, p.Repo, changes[:min(len(changes), mostLooked)], func(n int, facts []byte) error {
		if read += len(facts); read > mostRead || len(b.files) > mostTouched {
			return errEnough
		}
		var x touchedFacts
		if json.Unmarshal(facts, &x) == nil { // else it counts as not known
			known[n] = true
			b.take(x.files(), x.Gaps)
		}
		return nil
	})
	for _, n := range changes {
		if !known[n] {
			b.Unknown = append(b.Unknown, n)
		}
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return err
}

// others are the changes inside besides the one that made the commit, each once; commits that came by none are counted.
func (b *blast) others(p *checks.Promotion) (changes []int) {
	had := map[int]bool{}
	if p.Origin != nil && p.Origin.Change != nil {
		had[p.Origin.Change.Number] = true
	}
	for _, c := range p.Between {
		if c.Change == 0 {
			b.Loose++
		} else if !had[c.Change] {
			had[c.Change] = true
			changes = append(changes, c.Change)
		}
	}
	return changes
}

// owned sorts the paths by who owns them.
func (v *visitor) owned(b *blast, p *gate.Promotion, repo checks.Repository, paths []string) {
	file := v.codeowners(p, repo)
	if b.By, b.Why = file.path, file.why; b.By == "" || b.Why != "" {
		return
	}
	owners, why := checks.Owners(repo, file.text, paths)
	if why != "" {
		b.Why = file.path + " " + why
		return
	}
	of := map[string]*radius{}
	for i := range owners {
		who := strings.Join(owners[i], " ")
		if who == "" {
			who = Nobody
		}
		if of[who] == nil {
			of[who] = &radius{What: who}
		}
		of[who].add(paths[i])
	}
	for _, r := range of {
		b.Owned = append(b.Owned, *r)
	}
	sorting.By(b.Owned, func(x, y radius) int {
		if (x.What == Nobody) != (y.What == Nobody) {
			return map[bool]int{true: 1, false: -1}[x.What == Nobody]
		}
		return cmp.Or(y.Count()-x.Count(), strings.Compare(x.What, y.What))
	})
}

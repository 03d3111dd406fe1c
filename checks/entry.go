package checks

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/policy"
)

// Wording is an entry that somebody wants written for a change. Category may begin with a component: "shop/Fixed".
type Wording struct {
	Category, Text string
	At             time.Time
}

// EntryPlace is where an entry for a change goes. Whoever writes it reads the files that Reads names at the head, those
// that are there, and hands them to Write.
type EntryPlace struct {
	Reads []string

	wording   Wording
	change    int
	log       string // the changelog; "" for a fragment
	fragments []string
	packages  []string // package.json of what the change touches
	listed    map[string]bool
	component string
}

// Written is the one file that an entry changes.
type Written struct {
	Path, Text string
	Line       int    // of the entry, 0 in a fragment
	Category   string // as the repository calls it; "" where it has none
	Fragment   bool
	There      bool // nothing is to be written: it is there, word for word
}

// PlaceEntry finds where the entry of a change goes: into the changelog, or as a fragment, of the part that the change
// touches and that lacks one. Facts.Paths have to be the whole tree at the head. The error is a *changelog.Refusal, which
// names the choices where several parts are touched.
func PlaceEntry(set *policy.Set, f *Facts, w Wording) (*EntryPlace, error) {
	if f.Change == nil || len(set.Layers) == 0 || !f.Listed {
		return nil, &changelog.Refusal{Why: "the files of the change are not known"}
	}
	if g, gap := f.Gap("files", "paths"); gap {
		return nil, &changelog.Refusal{Why: "the files of the change could not be read: " + plain(g.Reason, 90)}
	}
	l := newLedger(set.Layers[0], f)
	l.judge()
	part, err := l.entryPart(&w)
	if err != nil {
		return nil, err
	}
	p := &EntryPlace{wording: w, change: f.Change.Number, component: part.name, listed: map[string]bool{}}
	p.log, _ = l.logOf(part)
	for _, at := range f.Paths {
		p.listed[at] = true
		if l.isFragment(at) && l.speaker(l.partOf(at)) == part {
			p.fragments = append(p.fragments, at)
		}
	}
	p.packages = touchedPackages(f)
	p.reads(f.Paths)
	return p, nil
}

// entryPart is the part that the entry is for: the one named, the only one that is touched and lacks an entry, or the only
// one that is touched at all.
func (l *ledger) entryPart(w *Wording) (*logPart, error) {
	if i := strings.LastIndexByte(w.Category, '/'); i >= 0 {
		name := w.Category[:i]
		for _, p := range l.parts {
			if strings.EqualFold(p.name, name) {
				w.Category = w.Category[i+1:]
				return p, nil
			}
		}
		return nil, &changelog.Refusal{Why: fmt.Sprintf("there is no component %q with a changelog of its own", plain(name, 40))}
	}
	var touched, lacking []*logPart
	for _, p := range l.parts {
		if p.touched == "" || p == l.parts[0] && len(p.logs) == 0 && !p.fragments && len(l.parts) > 1 {
			continue
		}
		touched = append(touched, p)
		if !p.satisfied {
			lacking = append(lacking, p)
		}
	}
	switch {
	case len(lacking) == 1:
		return lacking[0], nil
	case len(lacking) == 0 && len(touched) == 1:
		return touched[0], nil
	case len(touched) == 0 && (len(l.parts) == 1 || len(l.parts[0].logs) > 0 || l.parts[0].fragments):
		return l.parts[0], nil
	}
	if len(lacking) == 0 {
		lacking = touched
	}
	if len(lacking) == 0 {
		lacking = l.parts[1:]
	}
	var names []string
	for _, p := range lacking[:min(len(lacking), 8)] {
		if p.name != "" {
			names = append(names, "`"+plain(p.name, 40)+"/"+plain(w.Category, 40)+"`")
		}
	}
	if len(names) == 0 {
		return nil, &changelog.Refusal{Why: "several changelogs could be meant"}
	}
	return nil, &changelog.Refusal{Why: "several changelogs could be meant; write one of these as category: " + strings.Join(names, ", ")}
}

// touchedPackages are the package.json files nearest to what the change touches, sorted.
func touchedPackages(f *Facts) []string {
	there := map[string]bool{}
	for _, p := range f.Paths {
		if path.Base(p) == "package.json" {
			there[p] = true
		}
	}
	var found []string
	for i := range f.Files {
		if changelog.Candidate(f.Files[i].Path) {
			continue
		}
		for dir := path.Dir(f.Files[i].Path); ; dir = path.Dir(dir) {
			if p := path.Join(dir, "package.json"); there[p] {
				found = append(found, p)
				break
			}
			if dir == "." || dir == "/" {
				break
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// reads says what has to be read: the changelog, or the settings of the fragments' tool with a few fragments.
func (p *EntryPlace) reads(paths []string) {
	if p.log != "" && p.listed[p.log] {
		p.Reads = append(p.Reads, p.log)
	}
	p.Reads = append(p.Reads, changelog.Settings(paths)...)
	p.Reads = append(p.Reads, p.packages[:min(len(p.packages), 20)]...)
	own := fmt.Sprint(p.change)
	seen := 0
	for _, at := range slices.Backward(p.fragments) {
		if base := path.Base(at); strings.HasPrefix(base, own+".") || seen < 5 {
			p.Reads, seen = append(p.Reads, at), seen+1
		}
	}
}

// Write makes the file that holds the entry. texts are the files that Reads names, as far as they are there.
func (p *EntryPlace) Write(texts map[string]string) (*Written, error) {
	kept, fragments := p.keeping(texts)
	if fragments {
		c, err := kept.Compose(changelog.News{Change: p.change, Category: p.wording.Category, Words: p.wording.Text, Packages: packageNames(p.packages, texts), At: p.wording.At})
		if err != nil {
			return nil, err
		}
		return &Written{Path: c.Path, Text: c.Text, Category: c.Category, Fragment: true, There: c.There}, nil
	}
	log := p.log
	if log == "" {
		log = "CHANGELOG.md"
	}
	if strings.ContainsAny(log, "*?[{") {
		return nil, &changelog.Refusal{Why: "no file matches " + plain(log, 60) + ", which the policy names as changelog"}
	}
	text, there := texts[log]
	if p.listed[log] && !there {
		return nil, &changelog.Refusal{Why: log + " cannot be read as text"}
	}
	in, err := changelog.Insert(log, text, p.wording.Category, p.wording.Text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", plain(log, 100), err)
	}
	return &Written{Path: log, Text: in.Text, Line: in.Line, Category: in.Category, There: in.There}, nil
}

// keeping says how the part keeps fragments, if it does.
func (p *EntryPlace) keeping(texts map[string]string) (changelog.Keeping, bool) {
	if len(p.fragments) == 0 {
		if p.component != "" {
			return changelog.Keeping{}, false
		}
		return changelog.KeptEmpty(texts)
	}
	count, dir := map[string]int{}, ""
	for _, at := range p.fragments {
		d := path.Dir(at)
		if count[d]++; dir == "" || count[d] > count[dir] {
			dir = d
		}
	}
	k := changelog.Keeping{Dir: dir, Texts: texts}
	for _, at := range p.fragments {
		if path.Dir(at) == dir {
			k.There = append(k.There, at)
		}
	}
	read, _ := changelog.ReadFragment(k.There[0], texts[k.There[0]])
	k.Tool = read.Tool
	return k, true
}

// packageNames are the names that package.json files state.
func packageNames(paths []string, texts map[string]string) (names []string) {
	for _, p := range paths {
		var manifest struct {
			Name string `json:"name"`
		}
		if json.Unmarshal([]byte(texts[p]), &manifest) == nil && manifest.Name != "" && !slices.Contains(names, manifest.Name) {
			names = append(names, manifest.Name)
		}
	}
	return names
}

package checks

import (
	"slices"
	"strings"

	"github.com/hmarr/codeowners"
)

// owned are paths of the change that have the same owners.
type owned struct {
	owners []codeowners.Owner
	path   string // the first of them
	more   int    // how many others
	line   int    // of CODEOWNERS
}

// ownership is who owns the paths that a change touches, by CODEOWNERS at the tip of the target branch: what the
// change itself does to that file counts only for the next one.
type ownership struct {
	file   string  // where it was found; "" nowhere
	groups []owned // paths without an owner are in none
	why    string  // it is not known, since
}

// Owners are those of each path by the text of a CODEOWNERS, in the order of the paths and as the file spells them; none where
// nobody owns it. Those whom nobody has to ask are among them. why says that the file is not one to go by.
func Owners(r Repository, text string, paths []string) (all [][]string, why string) {
	all = make([][]string, len(paths))
	why = eachSection(r, text, paths, func(_ bool, lines []*codeownersLine) {
		for i, line := range lines {
			if line == nil {
				continue
			}
			for _, o := range line.named() {
				if name := spelt(o); !slices.Contains(all[i], name) {
					all[i] = append(all[i], name)
				}
			}
		}
	})
	return all, why
}

// spelt is an owner as the file spells it.
func spelt(o codeowners.Owner) string {
	if o.Type == aRole {
		return "@@" + o.Value
	}
	return o.String()
}

// OwnersPaths are where the forge looks for CODEOWNERS, in order; the first file that is there is the one.
func OwnersPaths(r Repository) []string {
	if len(r.Owners) > 0 {
		return r.Owners
	}
	return []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}
}

// ownership works out who owns the paths touched, once.
func (b *ballot) ownership() *ownership {
	if b.owners != nil {
		return b.owners
	}
	b.owners = &ownership{}
	if why, unread := b.filesUnread(); unread {
		b.owners.why = why
		return b.owners
	}
	for _, path := range OwnersPaths(b.f.Repository) {
		t, read := b.f.Text(Tip, path)
		g, gap := b.f.Gap("text:" + path)
		switch {
		case gap:
			b.owners.why = path + " could not be read: " + plain(g.Reason, 80)
		case !read:
			b.owners.why = path + " was not read."
		case t.Absent:
			continue
		case t.Kind != "":
			b.owners.why = path + " on the target branch cannot be read as text (" + plain(t.Kind, 20) + "): mend it there."
		default:
			groups, why := ownersOf(b.f.Repository, t.Text, b.touched())
			if b.owners.file, b.owners.groups = path, groups; why != "" {
				b.owners.why = path + " " + why
			}
		}
		break
	}
	return b.owners
}

// wantOwners asks for CODEOWNERS, which names whose approval is missing before anybody gave one, and then, for the
// people, whether they are owners and, by a question of its own, whether they may write.
func (b *ballot) wantOwners(w *Wants, people []Person) {
	for _, path := range OwnersPaths(b.f.Repository) {
		if _, gap := b.f.Gap("text:" + path); gap {
			continue
		}
		if t, read := b.f.Text(Tip, path); read && !t.Absent {
			break
		}
		w.WantText(b.f, Tip, path)
	}
	o := b.ownership()
	if o.why != "" {
		return
	}
	if len(o.groups) == 0 {
		wantFits(b.f, w, people, objectors())
	}
	for _, g := range o.groups {
		for _, p := range people {
			if a, _ := b.owns(p, g); a == dunno {
				wantFits(b.f, w, []Person{p}, g.selectors())
				wantFits(b.f, w, []Person{p}, objectors())
			}
		}
	}
}

// owns says whether somebody is an owner of a group of paths. As at GitHub, an owner is one only with write access.
func (b *ballot) owns(p Person, g owned) (answer, string) {
	is := told(b.f.fitsAny(p, g.selectors()))
	if is != yes && g.byMail(p) || is != yes && g.byMail(b.f.People[p.ID]) {
		is = yes
	}
	if is == no {
		return no, ""
	}
	may := told(b.f.fitsAny(p, objectors()))
	if is = min(is, may); is == dunno {
		return dunno, b.rightUnread(p)
	}
	return is, ""
}

func (g owned) selectors() []selector {
	all := make([]selector, 0, len(g.owners)+1)
	for _, o := range g.owners {
		switch o.Type {
		case codeowners.UsernameOwner:
			all = append(all, selector{aUser, o.Value})
		case codeowners.TeamOwner:
			all = append(all, selector{aTeam, strings.ToLower(o.Value)})
		case aRole:
			all = append(all, selector{exactly, roles()[o.Value]})
		}
	}
	return all
}

// byMail says whether somebody is named by an address that the forge gives for the account.
func (g owned) byMail(p Person) bool {
	return p.Email != "" && slices.ContainsFunc(g.owners, func(o codeowners.Owner) bool {
		return o.Type == codeowners.EmailOwner && strings.EqualFold(o.Value, p.Email)
	})
}

// names are some of the owners in a sentence.
func (g owned) names(some int) string {
	var names []string
	for _, o := range g.owners {
		if o.Type == aRole {
			names = append(names, holder(roles()[o.Value]))
			continue
		}
		names = append(names, plain(o.Value, 50))
	}
	return list(names, some)
}

// eachSection hands over the lines that decide on each path, nil where none does, section by section: of one where the forge knows
// none. Optional is one whose owners nobody has to ask.
func eachSection(r Repository, text string, paths []string, see func(optional bool, lines []*codeownersLine)) (why string) {
	if !r.Sections {
		see(false, deciding(text, paths))
		return ""
	}
	sections, why := parseSections(text)
	for i := range sections {
		if s := &sections[i]; len(s.lines) > 0 {
			see(s.optional, s.deciding(paths))
		}
	}
	return why
}

// deciding is the line that decides on each path, the last that matches it; nil where none does.
func deciding(text string, paths []string) []*codeownersLine {
	rules := parseCodeowners(text)
	found := make([]*codeownersLine, len(paths))
	left := make([]int, len(paths))
	for i := range paths {
		left[i] = i
	}
	for i := len(rules) - 1; i >= 0 && len(left) > 0; i-- {
		left = rules[i].claim(paths, left, found)
	}
	return found
}

// ownersOf groups the paths by the owners who have to be asked, in the order of the paths. A line without owners takes a path's
// owners away. A path that several sections give to the same owners is in one group, once.
func ownersOf(r Repository, text string, paths []string) (groups []owned, why string) {
	at, in := map[string]int{}, map[string]bool{}
	why = eachSection(r, text, paths, func(optional bool, lines []*codeownersLine) {
		for i, line := range lines {
			if optional || line == nil || len(line.named()) == 0 {
				continue
			}
			key := line.key()
			n, ok := at[key]
			if !ok {
				at[key] = len(groups)
				groups = append(groups, owned{owners: line.named(), path: paths[i], line: line.n})
			} else if !in[key+"\x00"+paths[i]] {
				groups[n].more++
			}
			in[key+"\x00"+paths[i]] = true
		}
	})
	return groups, why
}

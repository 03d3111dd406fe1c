package checks

import (
	"slices"
	"strings"
	"unicode"

	"github.com/sluicegate/sluice/checks/policy"
)

// right ranks the rights on a repository: each contains those before it. A word that is none of them is -1.
func right(name string) int {
	return slices.Index([]string{"none", "read", "triage", "write", "maintain", "admin"}, name)
}

// atLeast says whether the right `has` contains the right `asked`; an unknown word contains and is contained in none.
func atLeast(has, asked string) bool { return right(asked) >= 0 && right(has) >= right(asked) }

// holds says whether p is one of those that from names. An empty from stands for write access; an empty role names
// nobody. known is false when the facts do not tell: the right was not read, or a group not in full, and nothing
// else in from fits. Owners of paths are not asked here, see owners: with codeowners alone the answer is no.
func (f *Facts) holds(p Person, from policy.From, pol *policy.Policy) (yes, known bool) {
	return f.fitsAny(p, named(from, pol))
}

// wantHolds asks for what holds has to know about these people, and for no more: somebody who is named by login has
// no need of a team's members.
func wantHolds(f *Facts, w *Wants, people []Person, from policy.From, pol *policy.Policy) {
	wantFits(f, w, people, named(from, pol))
}

func wantFits(f *Facts, w *Wants, people []Person, selectors []selector) {
	for _, p := range people {
		if _, known := f.fitsAny(p, selectors); known {
			continue
		}
		for _, s := range selectors {
			switch s.kind {
			case aPermission, exactly:
				w.WantPerson(f, p)
			case aTeam:
				w.WantTeam(f, s.name)
			case anOrganization:
				w.WantOrg(f, s.name)
			}
		}
	}
}

// selectorKind says what a selector's name means.
type selectorKind int

const (
	aUser          selectorKind = iota // a login
	aTeam                              // "org/slug", lower case
	anOrganization                     // a login, lower case
	aPermission                        // a right
	exactly                            // a right, and no higher one
	theOwners                          // of the paths touched
)

// selector is one way to be named by a From.
type selector struct {
	kind selectorKind
	name string
}

// named lists all that from names, roles resolved. A role that leads back to itself is entered once.
func named(from policy.From, pol *policy.Policy) []selector {
	if from.Zero() {
		from.Permission = "write"
	}
	return appendNamed(nil, from, pol, nil)
}

func appendNamed(all []selector, from policy.From, pol *policy.Policy, seen map[string]bool) []selector {
	for _, u := range from.Users {
		all = append(all, selector{aUser, strings.TrimPrefix(u, "@")})
	}
	if from.Permission != "" {
		all = append(all, selector{aPermission, from.Permission})
	}
	for _, t := range from.Teams {
		all = append(all, selector{aTeam, strings.ToLower(strings.TrimPrefix(t, "@"))})
	}
	for _, o := range from.Organizations {
		all = append(all, selector{anOrganization, strings.ToLower(strings.TrimPrefix(o, "@"))})
	}
	if from.Codeowners {
		all = append(all, selector{kind: theOwners})
	}
	for _, r := range from.Roles {
		if pol == nil || seen[r] {
			continue
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		seen[r] = true
		all = appendNamed(all, pol.Roles[r], pol, seen)
	}
	return all
}

// fitsAny says whether p is meant by one of the selectors, and whether the facts tell.
func (f *Facts) fitsAny(p Person, selectors []selector) (yes, known bool) {
	if p.ID == 0 {
		return false, true // a name in a commit or a deleted account holds nothing
	}
	known = true
	for _, s := range selectors {
		y, k := f.fits(p, s)
		if y {
			return true, true
		}
		known = known && k
	}
	return false, known
}

// fits says whether p is meant by one selector, and whether the facts tell.
func (f *Facts) fits(p Person, s selector) (yes, known bool) {
	switch s.kind {
	case aUser:
		return sameLogin(p, s.name), true
	case aPermission:
		q, ok := f.People[p.ID]
		return ok && atLeast(q.Permission, s.name), ok
	case exactly:
		q, ok := f.People[p.ID]
		return ok && q.Permission == s.name, ok
	case aTeam:
		return has(f.Teams, s.name, p.ID)
	case anOrganization:
		return has(f.Orgs, s.name, p.ID)
	default:
		return false, true
	}
}

// has looks for a member. Not finding one proves something only when all members are known.
func has(groups map[string]Group, name string, id int64) (yes, known bool) {
	g, ok := groups[name]
	if !ok {
		return false, false
	}
	_, yes = slices.BinarySearch(g.Members, id)
	return yes, yes || g.Complete
}

// sameLogin compares a login of the policy with an account. Apps are written with or without "[bot]" by the same
// forge, so for them both spellings are one; a person never is "name[bot]".
func sameLogin(p Person, login string) bool {
	if p.Login == "" {
		return false
	}
	if strings.EqualFold(p.Login, login) {
		return true
	}
	return (p.Kind == "bot" || p.Kind == "app") && strings.EqualFold(p.Login+"[bot]", login)
}

// plain makes a name from a forge fit to stand in a sentence: control, format and direction characters are replaced
// and at most n characters kept.
func plain(s string, n int) string {
	for _, r := range s {
		if !graphic(r) {
			s = strings.Map(func(r rune) rune {
				if graphic(r) {
					return r
				}
				return '?'
			}, s)
			break
		}
	}
	return Clip(s, n)
}

func graphic(r rune) bool { return r != unicode.ReplacementChar && unicode.IsGraphic(r) }

package policybot

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/patterns"
)

// actors are people, as policy-bot describes them in several places: whoever fits one of the keys.
type actors struct {
	node         *yaml.Node
	users, teams []string
	orgs         []string
	permission   string // the lowest right that is enough; "" none
	owners       bool
	broken       bool   // something in it could not be understood
	odd          string // the first that could not: its key and value
}

// strange notes that something could not be understood.
func (a *actors) strange(what string) {
	if a.broken = true; a.odd == "" {
		a.odd = what
	}
}

// rights from the lowest.
func rights() []string { return []string{"read", "triage", "write", "maintain", "admin"} }

// actor takes in one key, and says whether it was one that describes people.
func (im *importer) actor(a *actors, p pair) bool {
	ok := true
	switch p.name {
	case "users":
		a.users, ok = im.texts(p.value)
	case "teams":
		a.teams, ok = im.texts(p.value)
	case "organizations":
		a.orgs, ok = im.texts(p.value)
	case "permissions":
		var names []string
		names, ok = im.texts(p.value)
		for _, name := range names {
			ok = a.allow(strings.ToLower(name)) && ok
		}
	case "admins", "write_collaborators":
		var is bool
		if is, ok = truth(p.value); is {
			a.allow(map[string]string{"admins": "admin", "write_collaborators": "write"}[p.name])
		}
	case "codeowners":
		a.owners, ok = truth(p.value)
	default:
		return false
	}
	if !ok {
		a.strange(keyed(p))
	}
	return true
}

// allow lowers the right that is enough; an unknown one is false.
func (a *actors) allow(right string) bool {
	at := slices.Index(rights(), right)
	if at >= 0 && (a.permission == "" || at < slices.Index(rights(), a.permission)) {
		a.permission = right
	}
	return at >= 0
}

// people reads a mapping that describes people and nothing else.
func (im *importer) people(n *yaml.Node) *actors {
	a := &actors{node: n}
	ps, ok := im.pairs(n)
	if !ok {
		a.strange(shown(n) + " is no mapping, or gives a key twice")
	}
	for _, p := range ps {
		if !im.actor(a, p) || p.name == "codeowners" {
			a.strange(keyed(p))
		}
	}
	a.tidy()
	return a
}

var (
	login        = patterns.New(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(\[bot\])?$`)
	team         = patterns.New(`^[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	organization = patterns.New(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
)

// tidy drops names that no account can have, which policy-bot never finds either. A team or an organisation that cannot
// be is an error there, at which nothing is approved.
func (a *actors) tidy() {
	a.users = slices.DeleteFunc(a.users, func(s string) bool { return len(s) > 255 || !login.MatchString(s) })
	odd := func(key string, form *patterns.Pattern) func(string) bool {
		return func(s string) bool {
			bad := len(s) > 255 || !form.MatchString(s)
			if bad {
				a.strange(key + ": " + quotedShort(s))
			}
			return bad
		}
	}
	a.teams = slices.DeleteFunc(a.teams, odd("teams", team))
	a.orgs = slices.DeleteFunc(a.orgs, odd("organizations", organization))
}

// nobody says that no one is meant.
func (a *actors) nobody() bool {
	return a == nil || len(a.users)+len(a.teams)+len(a.orgs) == 0 && a.permission == "" && !a.owners
}

// yaml is the same as Sluice says it: a mapping in one line.
func (a *actors) yaml() string {
	var keys []string
	if a.owners {
		return "{codeowners: true}"
	}
	for _, k := range []struct {
		name string
		list []string
	}{{"users", a.users}, {"teams", a.teams}, {"organizations", a.orgs}} {
		if len(k.list) > 0 {
			keys = append(keys, k.name+": "+listed(k.list))
		}
	}
	if a.permission != "" {
		keys = append(keys, "permission: "+a.permission)
	}
	return "{" + strings.Join(keys, ", ") + "}"
}

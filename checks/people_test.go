package checks

import (
	"reflect"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestHolds(t *testing.T) {
	t.Parallel()
	ana := Person{ID: 1, Login: "Ana", Kind: "user"}
	pol := &policy.Policy{Roles: map[string]policy.From{
		"managers": {Teams: []string{"acme/Release"}},
		"chain":    {Roles: []string{"managers"}},
		"loop":     {Roles: []string{"pool"}},
		"pool":     {Roles: []string{"loop"}, Users: []string{"ana"}},
		"nobody":   {},
	}}
	facts := &Facts{
		People: map[int64]Person{1: {ID: 1, Permission: "write"}, 2: {ID: 2, Permission: "read"}, 3: {ID: 3, Permission: "superuser"}},
		Teams:  map[string]Group{"acme/release": {Members: []int64{1, 4}, Complete: true}, "acme/big": {Members: []int64{1}}},
		Orgs:   map[string]Group{"acme": {Members: []int64{1}, Complete: true}},
	}
	for name, c := range map[string]struct {
		who        Person
		from       policy.From
		yes, known bool
	}{
		"somebody with write access, where nobody is named": {ana, policy.From{}, true, true},
		"a reader, where nobody is named":                   {Person{ID: 2}, policy.From{}, false, true},
		"somebody whose right was not read":                 {Person{ID: 9}, policy.From{}, false, false},
		"a right that no forge has":                         {Person{ID: 3}, policy.From{Permission: "read"}, false, true},
		"a policy that asks for a right that no forge has":  {ana, policy.From{Permission: "superuser"}, false, true},
		"a right above the one held":                        {ana, policy.From{Permission: "maintain"}, false, true},
		"a right below the one held":                        {ana, policy.From{Permission: "triage"}, true, true},
		"a login in other case":                             {ana, policy.From{Users: []string{"ANA"}}, true, true},
		"a login with an at sign":                           {ana, policy.From{Users: []string{"@ana"}}, true, true},
		"another login":                                     {ana, policy.From{Users: []string{"bo"}}, false, true},
		"a name in a commit that equals a login":            {Person{Login: "ana"}, policy.From{Users: []string{"ana"}}, false, true},
		"an app by its login with the suffix":               {Person{ID: 8, Login: "dependabot", Kind: "bot"}, policy.From{Users: []string{"dependabot[bot]"}}, true, true},
		"a person who is called like an app":                {Person{ID: 8, Login: "dependabot", Kind: "user"}, policy.From{Users: []string{"dependabot[bot]"}}, false, true},
		"a team's member, whatever the case":                {ana, policy.From{Teams: []string{"Acme/Release"}}, true, true},
		"no member of a team known in full":                 {Person{ID: 2}, policy.From{Teams: []string{"acme/release"}}, false, true},
		"no member of a team known in part":                 {Person{ID: 2}, policy.From{Teams: []string{"acme/big"}}, false, false},
		"a member of a team known in part":                  {ana, policy.From{Teams: []string{"acme/big"}}, true, true},
		"a team that was not read":                          {ana, policy.From{Teams: []string{"acme/other"}}, false, false},
		"a team that was not read, but also named by login": {ana, policy.From{Teams: []string{"acme/other"}, Users: []string{"ana"}}, true, true},
		"an organisation's member":                          {ana, policy.From{Organizations: []string{"Acme"}}, true, true},
		"no member of the organisation":                     {Person{ID: 2}, policy.From{Organizations: []string{"acme"}}, false, true},
		"a role":                                            {ana, policy.From{Roles: []string{"managers"}}, true, true},
		"a role within a role":                              {ana, policy.From{Roles: []string{"chain"}}, true, true},
		"roles that lead back to themselves":                {ana, policy.From{Roles: []string{"loop"}}, true, true},
		"roles that lead back to themselves, somebody else": {Person{ID: 2}, policy.From{Roles: []string{"loop"}}, false, true},
		"a role without anybody in it":                      {ana, policy.From{Roles: []string{"nobody"}}, false, true},
		"a role that is not there":                          {ana, policy.From{Roles: []string{"ghosts"}}, false, true},
		"owners of paths alone, which are asked elsewhere":  {ana, policy.From{Codeowners: true}, false, true},
	} {
		yes, known := facts.holds(c.who, c.from, pol)
		if yes != c.yes || known != c.known {
			t.Errorf("%s: holds(%v, %+v) = %v, %v, want %v, %v", name, c.who, c.from, yes, known, c.yes, c.known)
		}
	}
}

func TestWantHolds(t *testing.T) {
	t.Parallel()
	ana, bo := Person{ID: 1, Login: "ana", Kind: "user"}, Person{ID: 2, Login: "bo", Kind: "user"}
	for name, c := range map[string]struct {
		facts  Facts
		people []Person
		from   policy.From
		want   Wants
	}{
		"nobody to ask about":                   {Facts{}, nil, policy.From{Teams: []string{"acme/x"}}, Wants{}},
		"the right, where nobody is named":      {Facts{}, []Person{ana, ana}, policy.From{}, Wants{People: []Person{ana}}},
		"no right where teams alone are named":  {Facts{}, []Person{ana}, policy.From{Teams: []string{"Acme/X"}}, Wants{Teams: []string{"acme/x"}}},
		"the organisation":                      {Facts{}, []Person{ana}, policy.From{Organizations: []string{"Acme"}}, Wants{Orgs: []string{"acme"}}},
		"nothing for who is named by login":     {Facts{}, []Person{ana}, policy.From{Users: []string{"Ana"}, Teams: []string{"acme/x"}}, Wants{}},
		"the team for the one who is not named": {Facts{}, []Person{ana, bo}, policy.From{Users: []string{"Ana"}, Teams: []string{"acme/x"}}, Wants{Teams: []string{"acme/x"}}},
		"nothing for a name without account":    {Facts{}, []Person{{Name: "Ana"}}, policy.From{}, Wants{}},
		"nothing that is known":                 {Facts{People: map[int64]Person{1: {}}}, []Person{ana}, policy.From{}, Wants{}},
	} {
		var got Wants
		wantHolds(&c.facts, &got, c.people, c.from, nil)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: wantHolds(%v, %+v) = %+v, want %+v", name, c.people, c.from, got, c.want)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ana": "ana", "a\u202enb": "a?nb", "a\nb": "a?b", "\xff": "?", "Ana Müller": "Ana Müller", "abcdefghijkl": "abcdefghi…",
	} {
		if got := plain(in, 10); got != want {
			t.Errorf("plain(%q, 10) = %q, want %q", in, got, want)
		}
	}
}

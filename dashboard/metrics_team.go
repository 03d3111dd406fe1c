package dashboard

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// The metrics of a team's repositories beside one another. A team is here who owns the repositories: an owner at GitHub, a group with
// those below it at GitLab. Numbers of several repositories are not blended into one, as DORA advises.

// team is one, with how many repositories it has that the person may see.
type team struct {
	Name  string
	Repos int
}

// mostTeams is how many are offered.
const mostTeams = 100

// teamsOf are the owners of repositories, and the groups below them, by name.
func teamsOf(all []gate.Repo) (list []team) {
	count := map[string]int{}
	for _, r := range all {
		for i, c := range r.Name {
			if c == '/' {
				count[r.Name[:i]]++
			}
		}
	}
	for name, n := range count {
		list = append(list, team{name, n})
	}
	sorting.By(list, func(a, b team) int { return cmp.Compare(a.Name, b.Name) })
	return list[:min(len(list), mostTeams)]
}

// teamRow is an environment of one of its repositories.
type teamRow struct {
	Repo    gate.Repo
	First   bool // of its repository
	Name    string
	Count   int
	Outside int
	Cells   []metricRow // in the order of the definitions
}

// teamRepos is how many repositories are on a page.
const teamRepos = 20

// ofTeam fills in what the repositories of a team are counted to.
func (v *visitor) ofTeam(x *deploymentsPage) error {
	q := v.r.URL.Query()
	list, err := v.visible(gate.BoardFilter{Search: x.Team + "/", Forge: q.Get("forge")})
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(r gate.Repo) bool {
		return len(r.Name) <= len(x.Team) || !strings.EqualFold(r.Name[:len(x.Team)+1], x.Team+"/")
	})
	list = boardFilter{After: q.Get("after")}.rest(list)
	some := list[:min(len(list), teamRepos)]
	if len(some) == 0 {
		return nil
	}
	report, _, err := v.Reports.Deployments(v.ctx(), some, v.now.AddDate(0, 0, -x.Days))
	if err != nil {
		return err
	}
	for _, e := range report.Environments {
		row := teamRow{Repo: gate.Repo{Forge: e.Forge, Name: e.Repo}, Name: e.Environment, Count: e.Deployments, Outside: e.Outside}
		row.First = len(x.Rows) == 0 || x.Rows[len(x.Rows)-1].Repo != row.Repo
		for _, m := range e.Metrics {
			row.Cells = append(row.Cells, metricOf(m))
		}
		x.Rows = append(x.Rows, row)
	}
	if len(list) > len(some) {
		x.Next = "/metrics/deployments?" + url.Values{"team": {x.Team}, "days": {strconv.Itoa(x.Days)}, "after": {boardKey(some[len(some)-1])}}.Encode()
	}
	return nil
}

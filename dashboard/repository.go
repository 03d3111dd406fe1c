package dashboard

import (
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// changesOnPage is how many open changes are listed at once.
const changesOnPage = 30

// repositoryPage is one repository: its environments, its open changes, what was promoted last.
type repositoryPage struct {
	Repo       gate.Repo
	Places     []place
	Changes    []gate.ChangeRow
	Next       string // address of the next changes
	Promotions []gate.Promotion
	Calendar   bool
}

// repository serves it.
func repository(v *visitor) (*page, string, error) {
	repo, err := named(v.r.PathValue("forge"), v.r.PathValue("repo"))
	if err != nil {
		return nil, "", err
	}
	if repo, err = v.sees(repo.Forge, repo.Name); err != nil {
		return nil, "", err
	}
	data := &repositoryPage{Repo: repo, Calendar: v.Tables != nil}
	rows, err := v.places(repo)
	if err != nil {
		return nil, "", err
	}
	data.Places = rows
	before, err := number(v.r.URL.Query().Get("before"))
	if err != nil {
		return nil, "", err
	}
	if data.Changes, err = v.Library.OpenChanges(v.ctx(), repo.Forge, repo.Name, int(before), changesOnPage); err != nil {
		return nil, "", err
	}
	if n := len(data.Changes); n == changesOnPage {
		data.Next = repoPath(repo.Forge, repo.Name) + "?before=" + strconv.Itoa(data.Changes[n-1].Number)
	}
	if data.Promotions, err = v.Library.Promotions(v.ctx(), repo.Forge, repo.Name, "", 20); err != nil {
		return nil, "", err
	}
	if len(data.Places)+len(data.Changes)+len(data.Promotions) == 0 && !v.known(repo) {
		return nil, "", errMissing
	}
	return &page{Title: gate.Plain(repo.Name), Here: "board", Data: data, Live: true}, "repository.html", nil
}

// places are the environments of one repository.
func (v *visitor) places(repo gate.Repo) (all []place, err error) {
	list, err := v.Library.Places(v.ctx(), []gate.Repo{repo})
	for _, p := range list {
		all = append(all, placeAt(p, v.now))
	}
	return all, err
}

// known says whether anything is remembered of a repository: one of which nothing is looks like one that there is not.
func (v *visitor) known(repo gate.Repo) bool {
	list, err := v.Library.Repositories(v.ctx(), gate.BoardFilter{Forge: repo.Forge, Search: repo.Name})
	for _, r := range list {
		if strings.EqualFold(r.Name, repo.Name) {
			return err == nil
		}
	}
	return false
}

// number reads one of an address; "" is 0.
func number(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, errMissing
	}
	return n, nil
}

// environmentPage is one environment: what is there, what may be done, what came and went.
type environmentPage struct {
	Place      place
	Repo       gate.Repo
	Buttons    []button
	Promotions []gate.Promotion
}

// environment serves it.
func environment(v *visitor) (*page, string, error) {
	repo, err := named(v.r.PathValue("forge"), v.r.PathValue("repo"))
	if err != nil {
		return nil, "", err
	}
	if repo, err = v.sees(repo.Forge, repo.Name); err != nil {
		return nil, "", err
	}
	here, all, err := v.placeOf(repo, v.r.PathValue("environment"))
	if err != nil {
		return nil, "", err
	}
	book, err := v.Library.Environment(v.ctx(), repo.Forge, repo.Name, here.Seen.Name)
	if err != nil {
		return nil, "", err
	}
	data := &environmentPage{Place: *here, Repo: repo, Promotions: book.Promotions[:min(len(book.Promotions), 50)]}
	may, err := v.rights(repo, here.Place)
	if err != nil {
		return nil, "", err
	}
	data.Buttons = buttonsAt(repo, *here, all, may)
	return &page{Title: gate.Plain(here.Seen.Name + " of " + repo.Name), Here: "board", Data: data, Live: true}, "environment.html", nil
}

// placeOf is one environment of a repository, with all of them: errMissing where there is none of that name.
func (v *visitor) placeOf(repo gate.Repo, name string) (*place, []place, error) {
	all, err := v.places(repo)
	if err != nil {
		return nil, nil, err
	}
	for i := range all {
		if strings.EqualFold(all[i].Seen.Name, name) {
			return &all[i], all, nil
		}
	}
	return nil, nil, errMissing
}

package dashboard

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
)

// auditPage is the audit log, as far as the person may see it.
type auditPage struct {
	Entries []gate.Entry
	Kinds   []gate.EntryKind
	Repo    string
	Kind    string
	Who     string
	Next    string
	Filter  bool // something is left out on purpose
	Looked  int  // entries that were looked through
}

// entryKinds are those that the log can be narrowed to.
func entryKinds() []gate.EntryKind {
	return []gate.EntryKind{gate.EntryDecision, gate.EntryOverride, gate.EntryCommand, gate.EntryDeployment, gate.EntryOutside, gate.EntryFinding, gate.EntryRelease, gate.EntryPolicy}
}

const (
	entriesOnPage = 50
	fewRepos      = 200 // so many are named in a query; else what is read is narrowed afterwards
	mostRounds    = 5   // that a page is looked for in, where most of the log is not to be seen
)

// auditLog serves it.
func auditLog(v *visitor) (*page, string, error) {
	q := v.r.URL.Query()
	data := &auditPage{Kinds: entryKinds(), Repo: strings.TrimSpace(q.Get("repo")), Kind: q.Get("kind"), Who: strings.TrimSpace(q.Get("who"))}
	before, err := number(q.Get("before"))
	if err != nil {
		return nil, "", err
	}
	x := EntryQuery{Who: data.Who, Before: before, Newest: entriesOnPage + 1}
	if data.Kind != "" {
		x.Kinds = []gate.EntryKind{gate.EntryKind(data.Kind)}
	}
	if data.Repo != "" {
		x.Repos = []string{data.Repo}
	}
	data.Filter = data.Repo != "" || data.Kind != "" || data.Who != ""
	if data.Entries, data.Looked, err = v.entries(x); err != nil {
		return nil, "", err
	}
	if len(data.Entries) > entriesOnPage {
		data.Entries = data.Entries[:entriesOnPage]
		next := url.Values{"repo": {data.Repo}, "kind": {data.Kind}, "who": {data.Who}, "before": {strconv.FormatInt(data.Entries[entriesOnPage-1].Seq, 10)}}
		data.Next = "/audit?" + next.Encode()
	}
	return &page{Title: "Audit", Here: "audit", Data: data, Live: before == 0}, "audit.html", nil
}

// entries are those that fit and that the person may see, the newest first, as many as are asked for. What belongs to no
// repository is for administrators.
func (v *visitor) entries(q EntryQuery) (list []gate.Entry, looked int, err error) {
	want := q.Newest
	sees := v.seer()
	if len(q.Repos) == 0 && !v.Person.Admin {
		all, err := v.visible(gate.BoardFilter{})
		if err != nil {
			return nil, 0, err
		}
		if len(all) <= fewRepos {
			if len(all) == 0 {
				return nil, 0, nil
			}
			for _, r := range all {
				q.Repos = append(q.Repos, r.Name)
			}
		}
	}
	for range mostRounds {
		some, err := v.read(q)
		if err != nil {
			return nil, 0, err
		}
		if err := sees.learn(some); err != nil {
			return nil, 0, err
		}
		for _, e := range some {
			if sees.may(e) {
				list = append(list, e)
			}
		}
		if looked += len(some); len(list) >= want || len(some) < q.Newest {
			break
		}
		q.Before, q.Newest = some[len(some)-1].Seq, 1000
	}
	return list[:min(len(list), want)], looked, nil
}

// read reads entries, the newest first.
func (v *visitor) read(q EntryQuery) (list []gate.Entry, err error) {
	err = v.Library.Entries(v.ctx(), q, func(k audit.Kept) error {
		var e gate.Entry
		if json.Unmarshal([]byte(k.Line), &e) == nil {
			list = append(list, e)
		} // one that cannot be read is told by `sluice audit verify`
		return nil
	})
	slices.Reverse(list)
	return list, err
}

// seer remembers for one request which repositories the person may see.
type seer struct {
	v     *visitor
	known map[gate.Repo]bool
}

func (v *visitor) seer() *seer { return &seer{v, map[gate.Repo]bool{}} }

// learn asks at once for all repositories of the entries that were not asked for before.
func (s *seer) learn(list []gate.Entry) error {
	var fresh []gate.Repo
	for _, e := range list {
		r := gate.Repo{Forge: e.Forge, Name: strings.ToLower(e.Repo)}
		if _, had := s.known[r]; !had && e.Repo != "" {
			s.known[r] = false
			fresh = append(fresh, r)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	may, err := s.v.Sight.Repos(s.v.ctx(), s.v.Person, fresh)
	for _, r := range may {
		s.known[gate.Repo{Forge: r.Forge, Name: strings.ToLower(r.Name)}] = true
	}
	return err
}

func (s *seer) may(e gate.Entry) bool {
	if e.Repo == "" {
		return s.v.Person.Admin
	}
	return s.known[gate.Repo{Forge: e.Forge, Name: strings.ToLower(e.Repo)}]
}

// overridesPage is what was let through, counted and listed.
type overridesPage struct {
	By      audit.By
	Days    int
	Bys     []audit.By // what the page can be asked for
	Periods []int
	Counts  []audit.Count
	Entries []gate.Entry
}

// countedBy is what overrides can be counted by.
func countedBy() []audit.By { return []audit.By{audit.ByPerson, audit.ByRepo, audit.ByCheck} }

// overrides serves it.
func overrides(v *visitor) (*page, string, error) {
	q := v.r.URL.Query()
	data := &overridesPage{By: audit.By(cmp.Or(q.Get("by"), string(audit.ByPerson))), Days: 90, Bys: countedBy(), Periods: []int{7, 30, 90, 365}}
	if d := q.Get("days"); d != "" {
		data.Days, _ = strconv.Atoi(d)
	}
	if !slices.Contains(data.Bys, data.By) || !slices.Contains(data.Periods, data.Days) {
		return nil, "", wrong{"Overrides are counted by person, repo or check, over 7, 30, 90 or 365 days."}
	}
	since := v.now.AddDate(0, 0, -data.Days)
	var err error
	if data.Counts, err = v.counted(data.By, since); err != nil {
		return nil, "", err
	}
	latest := EntryQuery{Kinds: []gate.EntryKind{gate.EntryOverride}, Since: since, Newest: entriesOnPage}
	if data.Entries, _, err = v.entries(latest); err != nil {
		return nil, "", err
	}
	data.Counts = data.Counts[:min(len(data.Counts), 100)]
	return &page{Title: "Overrides", Here: "overrides", Data: data, Live: true}, "overrides.html", nil
}

// counted are the overrides that the person may see, counted since a time.
func (v *visitor) counted(by audit.By, since time.Time) ([]audit.Count, error) {
	all, err := v.ledger.read(v)
	if err != nil {
		return nil, err
	}
	sees := v.seer()
	if err := sees.learn(all); err != nil {
		return nil, err
	}
	count := audit.CountOverrides(by, since, time.Time{})
	for _, e := range all {
		if sees.may(e) {
			count.Add(e)
		}
	}
	return count.Counts(), nil
}

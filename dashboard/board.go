package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// The board: repositories by environments.

const (
	boardRepos   = 20 // on a page, at most
	boardPlaces  = 60 // after so many environments no further repository is begun
	placesOfRepo = 12 // of one repository; the others are on its own page
)

// boardPage is what the board shows.
type boardPage struct {
	Filter  boardFilter
	Rows    []boardRow
	Visible int    // repositories that the person may see and that fit the filter
	Known   bool   // there is any repository at all that the person may see
	Next    string // address of the next page; ""
	Back    bool   // this is not the first page
}

type boardFilter struct {
	Search, Only, Forge, After string
}

// onlys are what the board can be narrowed to, with their words.
var onlys = [][2]string{{"", "everything"}, {"waiting", "something waits"}, {"locked", "locked"}, {"outside", "outside the gate"}, {"changes", "open changes"}}

// Onlys are for the template.
func (boardFilter) Onlys() [][2]string { return onlys }

// boardRow is one repository.
type boardRow struct {
	Repo   gate.Repo
	Places []place
	More   int
	Rest   []string // what holds all of it
}

// place is an environment with what is worked out for it.
type place struct {
	gate.Place
	now time.Time
}

// Now is when the page is made.
func (p place) Now() time.Time { return p.now }

// After is the environment before this one.
func (p place) After() string { return p.Seen.View.After }

// Live is what is live, as it was seen last.
func (p place) Live() *gate.LiveSeen {
	if p.Seen.View == nil {
		return nil
	}
	return p.Seen.View.Live
}

// Brought is the promotion that brought it.
func (p place) Brought() *gate.Promotion { return p.Place.Live }

// Version is how people call what is live.
func (p place) Version() string {
	l := p.Live()
	switch {
	case l == nil:
		return ""
	case l.Version != "":
		return gate.Plain(l.Version)
	case p.Tag != "":
		return gate.Plain(p.Tag)
	}
	return l.Commit[:min(len(l.Commit), 8)]
}

// Frozen is the freeze that holds, or else the next one within two weeks.
func (p place) Frozen() (f *freeze) {
	if p.Seen.View == nil {
		return nil
	}
	for _, z := range p.Seen.View.Freezes {
		holds := z.Holds(p.now)
		if holds || z.From.After(p.now) && z.From.Before(p.now.AddDate(0, 0, 14)) {
			return &freeze{holds, z.From, z.To, z.Reason}
		}
	}
	return nil
}

type freeze struct {
	Holds    bool
	From, To time.Time
	Reason   string
}

// Days is for how long what is lacking has been waiting.
func (p place) Days() string {
	if p.Behind == nil || p.Behind.Since.IsZero() {
		return ""
	}
	if d := p.now.Sub(p.Behind.Since); d >= time.Hour {
		return span(d)
	}
	return ""
}

// State is the word for the environment, which is coloured by it.
func (p place) State() string {
	switch {
	case p.Live() != nil && p.Live().Outside:
		return "outside the gate"
	case p.UnderWay != nil:
		return "deploying"
	case p.Brought() != nil && p.Brought().Red != "":
		return "red"
	case p.Brought() != nil:
		return string(p.Brought().State)
	case p.Live() != nil:
		return "live"
	}
	return "nothing live"
}

// Tone is the colour of that.
func (p place) Tone() string {
	switch s := p.State(); s {
	case "outside the gate", "red":
		return "fail"
	default:
		return tone(s)
	}
}

// overview serves it.
func overview(v *visitor) (*page, string, error) {
	f, filter, err := readBoardFilter(v.r.URL.Query())
	if err != nil {
		return nil, "", err
	}
	list, err := v.visible(filter)
	if err != nil {
		return nil, "", err
	}
	data := &boardPage{Filter: f, Visible: len(list), Known: len(list) > 0 || f != boardFilter{}, Back: f.After != ""}
	list = f.rest(list)
	if data.Rows, err = v.boardRows(list[:min(len(list), boardRepos)]); err != nil {
		return nil, "", err
	}
	if n := len(data.Rows); n > 0 && n < len(list) {
		f.After = boardKey(list[n-1])
		data.Next = f.address()
	}
	return &page{Title: "Board", Here: "board", Data: data, Live: true}, "board.html", nil
}

// boardKey is what the list is paged by: in the order of names.
func boardKey(r gate.Repo) string { return r.Name + " " + r.Forge }

// visible are the repositories that fit the filter and that the forge shows the person.
func (v *visitor) visible(f gate.BoardFilter) ([]gate.Repo, error) {
	all, err := v.Library.Repositories(v.ctx(), f)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	list, err := v.Sight.Repos(v.ctx(), v.Person, all)
	if err != nil {
		return nil, fmt.Errorf("ask what %s may see: %w", v.Person.Login, err)
	}
	slices.SortFunc(list, func(a, b gate.Repo) int { return strings.Compare(boardKey(a), boardKey(b)) })
	return list, nil
}

// boardRows are the repositories with their environments, until the page is full.
func (v *visitor) boardRows(list []gate.Repo) (rows []boardRow, err error) {
	places, err := v.Library.Places(v.ctx(), list)
	if err != nil {
		return nil, err
	}
	all := 0
	for _, r := range list {
		row := boardRow{Repo: r}
		for _, p := range places {
			if p.Seen.Forge != r.Forge || !strings.EqualFold(p.Seen.Repo, r.Name) {
				continue
			}
			if row.Repo.Name = p.Seen.Repo; len(row.Places) == placesOfRepo { // as the forge spells it
				row.More++
				continue
			}
			row.Places = append(row.Places, place{p, v.now})
		}
		if all += len(row.Places); all > boardPlaces && len(rows) > 0 {
			break
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func readBoardFilter(q url.Values) (f boardFilter, b gate.BoardFilter, err error) {
	f = boardFilter{Search: strings.TrimSpace(q.Get("q")), Only: q.Get("only"), Forge: q.Get("forge"), After: q.Get("after")}
	if len(f.Search) > 200 || len(f.After) > 500 || !slices.ContainsFunc(onlys, func(o [2]string) bool { return o[0] == f.Only }) {
		return f, b, wrong{"The board cannot be narrowed to that. Start again from the board."}
	}
	return f, gate.BoardFilter{Search: f.Search, Forge: f.Forge, Waiting: f.Only == "waiting", Locked: f.Only == "locked", Outside: f.Only == "outside", Changes: f.Only == "changes"}, nil
}

func (f boardFilter) address() string {
	q := url.Values{}
	for name, value := range map[string]string{"q": f.Search, "only": f.Only, "forge": f.Forge, "after": f.After} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

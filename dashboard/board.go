package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/sorting"
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
	Onlys   [][2]string
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
	Now     time.Time       // when the page is made
	Live    *gate.LiveSeen  // what is live, as it was seen last
	Brought *gate.Promotion // that brought it
	Version string          // how people call what is live
	After   string          // the environment before this one
	Days    string          // for how long what is lacking has been waiting
	Frozen  *freeze         // the freeze that holds, or else the next one within two weeks
	State   string          // the word for the environment
	Tone    string          // the colour of that
}

func placeAt(p gate.Place, now time.Time) place {
	x := place{Place: p, Now: now, Brought: p.Live, Days: waitedFor(p.Behind, now)}
	if view := p.Seen.View; view != nil {
		x.Live, x.After, x.Frozen = view.Live, view.After, frozenAt(view.Freezes, now)
	}
	x.Version, x.State = x.version(), x.state()
	if x.Tone = tone(x.State); x.State == "outside the gate" || x.State == "red" {
		x.Tone = "fail"
	}
	return x
}

func (p place) version() string {
	l := p.Live
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

func (p place) state() string {
	switch {
	case p.Live != nil && p.Live.Outside:
		return "outside the gate"
	case p.UnderWay != nil:
		return "deploying"
	case p.Brought != nil && p.Brought.Red != "":
		return "red"
	case p.Brought != nil:
		return string(p.Brought.State)
	case p.Live != nil:
		return "live"
	}
	return "nothing live"
}

func waitedFor(b *gate.Behind, now time.Time) string {
	if b == nil || b.Since.IsZero() {
		return ""
	}
	if d := now.Sub(b.Since); d >= time.Hour {
		return span(d)
	}
	return ""
}

func frozenAt(freezes []calendar.Freeze, now time.Time) *freeze {
	for _, z := range freezes {
		holds := z.Holds(now)
		if holds || z.From.After(now) && z.From.Before(now.AddDate(0, 0, 14)) {
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
	data := &boardPage{Filter: f, Onlys: onlys, Visible: len(list), Known: len(list) > 0 || f != boardFilter{}, Back: f.After != ""}
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
	sorting.By(list, func(a, b gate.Repo) int { return strings.Compare(boardKey(a), boardKey(b)) })
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
			row.Places = append(row.Places, placeAt(p, v.now))
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

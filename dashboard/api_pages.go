package dashboard

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// What the pages show, as JSON. It is read by what the pages read it by, so that neither tells what the other does not.

// pageRoutes are those of the board and of what belongs to one change, environment or repository; see api_counts.go for the others.
func (a *API) pageRoutes() []route {
	read := func(path string, serve func(*visitor, http.ResponseWriter) error) route {
		return route{"GET", path, scopeRead, a.visited(serve)}
	}
	return []route{
		read("/api/v1/board", a.board),
		read("/api/v1/calendar", a.held),
		read("/api/v1/overrides", a.overrideCounts),
		read(atRepo+"/changes/{number}", a.change),
		read(atEnvironment+"/promotions", a.promotions),
		read(atRepo+"/metrics", a.metrics),
		read(atRepo+"/policy", a.policies),
		{"POST", "/api/v1/inbox/retry", scopeCommand, a.retry},
	}
}

// visited answers a request with what a page would show to whoever asks.
func (a *API) visited(serve func(*visitor, http.ResponseWriter) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := a.visitor(w, r)
		err := serve(v, w)
		var x wrong
		switch {
		case err == nil:
		case errors.As(err, &x):
			problem(w, http.StatusUnprocessableEntity, x.why)
		case errors.Is(err, errMissing):
			problem(w, http.StatusNotFound, "There is no such thing, or the forge does not show it to you.")
		default:
			a.unread(w, err)
		}
	}
}

// visitor is who asks, as the pages know people. The operator may see everything.
func (a *API) visitor(w http.ResponseWriter, r *http.Request) *visitor {
	a.once.Do(func() {
		a.pages = a.Records.Pages()
		a.pages.Owners = a.Owners
		a.pages.remember()
	})
	c := callerOf(r.Context())
	pages := a.pages.as(a.Sight)
	person := c.person
	if c.operator {
		pages, person = a.pages.as(seesEverything{}), Person{Login: "SLUICE_API_TOKEN", Admin: true}
	}
	return &visitor{Pages: pages, Person: person, w: w, r: r, now: a.Now().UTC()}
}

// repo is the repository of a request, as the API finds it: the answer was given where wrong is true.
func (a *API) repo(v *visitor, w http.ResponseWriter) (repo gate.Repo, ok bool) {
	repo, status, wrong := a.where(v.r)
	if wrong != "" {
		problem(w, status, wrong)
	}
	return repo, wrong == ""
}

type boardJSON struct {
	Forge        string       `json:"forge"`
	Name         string       `json:"name"`
	Environments []standsJSON `json:"environments"`
}

// standsJSON is an environment as the board shows it.
type standsJSON struct {
	Name     string         `json:"name"`
	State    string         `json:"state"`
	Version  string         `json:"version,omitempty"`
	Commit   string         `json:"commit,omitempty"`
	Since    time.Time      `json:"since,omitzero"`
	By       string         `json:"by,omitempty"`
	Outside  bool           `json:"outside"`
	After    string         `json:"after,omitempty"`
	Behind   *behindJSON    `json:"behind,omitempty"`
	UnderWay *promotionJSON `json:"under_way,omitempty"`
	Waiting  *promotionJSON `json:"waiting,omitempty"`
	Why      string         `json:"why,omitempty"` // what waits waits for
	Locks    []lockJSON     `json:"locks"`
	Freeze   *freezeJSON    `json:"freeze,omitempty"` // that holds, or the next one within two weeks
}

type behindJSON struct {
	Commits    int       `json:"commits"`
	Promotions int       `json:"promotions"`
	Since      time.Time `json:"since,omitzero"`
	Partly     bool      `json:"partly"` // there are more
}

type freezeJSON struct {
	Forge       string    `json:"forge,omitempty"`
	Repo        string    `json:"repo,omitempty"`
	Environment string    `json:"environment,omitempty"`
	From        time.Time `json:"from,omitzero"`
	To          time.Time `json:"to,omitzero"`
	Reason      string    `json:"reason,omitempty"`
	Holds       bool      `json:"holds"`
	Unknown     string    `json:"unknown,omitempty"` // why it is not known whether there is one
}

// board is the board: repositories by environments, narrowed as the page narrows them.
func (a *API) board(v *visitor, w http.ResponseWriter) error {
	after, limit, wrongly := pageAsked(v.r)
	if wrongly != "" {
		return wrong{wrongly}
	}
	q := v.r.URL.Query()
	q.Del("after")
	f, filter, err := readBoardFilter(q)
	if err != nil {
		return wrong{"The board is narrowed by q, a part of the name, by forge, and by only: waiting, locked, outside or changes."}
	}
	list, err := v.visible(filter)
	if err != nil {
		return err
	}
	f.After = after
	list = f.rest(list)
	rows, err := v.boardRows(list[:min(len(list), limit, boardRepos)])
	if err != nil {
		return err
	}
	out, next := []boardJSON{}, ""
	for _, row := range rows {
		x := boardJSON{Forge: row.Repo.Forge, Name: row.Repo.Name, Environments: []standsJSON{}}
		for _, p := range row.Places {
			x.Environments = append(x.Environments, stands(p))
		}
		out = append(out, x)
	}
	if n := len(rows); n > 0 && n < len(list) {
		next = boardKey(list[n-1])
	}
	listed(w, v.r, "repositories", out, next)
	return nil
}

func stands(p place) standsJSON {
	x := standsJSON{Name: gate.Plain(p.Seen.Name), State: p.State, Version: p.Version, After: gate.Plain(p.After), Why: gate.Plain(p.Verdict), Locks: locksOf(p.Locks)}
	if l := p.Live; l != nil {
		x.Commit, x.Since, x.By, x.Outside = l.Commit, l.At, gate.Plain(l.By.Login), l.Outside
	}
	if b := p.Behind; b != nil {
		x.Behind = &behindJSON{b.Commits, b.Promotions, b.Since, b.Partly}
	}
	if p.UnderWay != nil {
		x.UnderWay = shownPromotion(p.UnderWay, nil)
	}
	if p.Waiting != nil {
		x.Waiting = shownPromotion(p.Waiting, nil)
	}
	if f := p.Frozen; f != nil {
		x.Freeze = &freezeJSON{From: f.From, To: f.To, Reason: gate.Plain(f.Reason), Holds: f.Holds}
	}
	return x
}

func locksOf(list []gate.LockState) []lockJSON {
	out := []lockJSON{}
	for _, l := range list {
		out = append(out, lockJSON{cmp.Or(l.Lock.Environment, "*"), gate.Plain(l.Lock.By.Login), gate.Plain(l.Lock.Reason), l.Lock.At, l.Lock.Until, l.Lock.Unasked})
	}
	return out
}

type changeSheet struct {
	changeJSON
	State     string         `json:"state"` // open, merged, closed
	Open      bool           `json:"gate_open"`
	Outcome   string         `json:"outcome,omitempty"`
	Reason    string         `json:"reason,omitempty"`
	Verdicts  []cureJSON     `json:"verdicts"`
	Overrides []overrideJSON `json:"overrides"`
	Hold      *holdJSON      `json:"hold,omitempty"`
	Touches   []touchJSON    `json:"touches"`
}

// cureJSON is a verdict, with who cures it.
type cureJSON struct {
	verdictJSON
	Rule string `json:"rule,omitempty"`
	Who  string `json:"who,omitempty"`
}

type overrideJSON struct {
	Check  string    `json:"check"`
	By     string    `json:"by"`
	Second string    `json:"second,omitempty"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until,omitzero"`
	URL    string    `json:"url,omitempty"`
}

type holdJSON struct {
	By     string    `json:"by"`
	Right  string    `json:"right"` // that whoever lifts it must have
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

type touchJSON struct {
	What  string   `json:"what"`
	Files []string `json:"files"`
	More  int      `json:"more,omitempty"`
}

func touches(list []radius) []touchJSON {
	out := []touchJSON{}
	for _, r := range list {
		x := touchJSON{What: checks.Clip(gate.Plain(r.What), 300), More: r.More, Files: []string{}}
		for _, f := range r.Files {
			x.Files = append(x.Files, gate.Plain(f))
		}
		out = append(out, x)
	}
	return out
}

func cured(list []verdictShown) []cureJSON {
	out := []cureJSON{}
	for _, l := range list {
		out = append(out, cureJSON{verdictJSON{l.Check, l.Outcome.String(), gate.Plain(l.Reason), l.Blocks(), l.Until}, gate.Plain(l.Rule), gate.Plain(l.Who)})
	}
	return out
}

// change is one change: the newest verdicts, who cures them, and what people said.
func (a *API) change(v *visitor, w http.ResponseWriter) error {
	repo, ok := a.repo(v, w)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(v.r.PathValue("number"))
	if err != nil || n <= 0 {
		return errMissing
	}
	s := checks.Subject{Forge: repo.Forge, Repo: repo.Name, Kind: checks.KindChange, Change: n}
	x := &changePage{Repo: repo}
	if x.Row, err = v.Library.Change(v.ctx(), s); err != nil {
		return err
	}
	if err := v.decided(x, s); err != nil {
		return err
	}
	if x.Row == nil {
		return errMissing
	}
	acts, err := v.Library.Acts(v.ctx(), s)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, sheetOf(x, acts))
	return nil
}

func sheetOf(x *changePage, acts gate.Acts) changeSheet {
	r := x.Row
	out := changeSheet{changeJSON: changeJSON{r.Number, gate.Plain(r.Title), gate.Plain(r.Author), r.Head, gate.Plain(r.Base), r.Decision, r.ReadAt}, State: "closed",
		Verdicts: cured(x.Lines), Touches: touches(x.Radius), Overrides: []overrideJSON{}}
	switch {
	case r.Open:
		out.State = "open"
	case r.Merged:
		out.State = "merged"
	}
	if d := x.Decision; d != nil {
		out.Decision, out.Open, out.Outcome, out.Reason = d.ID, d.Open, d.Gate.Outcome.String(), gate.Plain(d.Gate.Reason)
	}
	for _, o := range acts.Overrides {
		y := overrideJSON{Check: gate.Plain(o.Check), By: gate.Plain(o.By.Login), Reason: gate.Plain(o.Reason), At: o.At, Until: o.Until, URL: o.URL}
		if o.Second != nil {
			y.Second = gate.Plain(o.Second.Login)
		}
		out.Overrides = append(out.Overrides, y)
	}
	if h := acts.Hold; h != nil {
		out.Hold = &holdJSON{gate.Plain(h.By.Login), h.Right, gate.Plain(h.Reason), h.At}
	}
	return out
}

// promotions are those into an environment: all that are not over, and the newest.
func (a *API) promotions(v *visitor, w http.ResponseWriter) error {
	repo, ok := a.repo(v, w)
	if !ok {
		return nil
	}
	b, err := v.Library.Environment(v.ctx(), repo.Forge, repo.Name, v.r.PathValue("environment"))
	if err != nil {
		return err
	}
	list := []*promotionJSON{}
	for i := range b.Promotions[:min(len(b.Promotions), pageMost)] {
		list = append(list, shownPromotion(&b.Promotions[i], nil))
	}
	answer(w, http.StatusOK, map[string]any{"promotions": list})
	return nil
}

type commitJSON struct {
	Commit string `json:"commit"`
	Title  string `json:"title"`
	Author string `json:"author"`
	Change int    `json:"change,omitempty"`
	Gate   string `json:"gate"` // of its change when it was merged: open, shut, not known yet, no change
}

// inside are the commits that a promotion brings and what they touch: the newest hundred.
func (a *API) inside(v *visitor, p *gate.Promotion, x *promotionJSON) error {
	data := &promotionPage{Promotion: p}
	if err := v.judged(data); err != nil {
		return err
	}
	for _, c := range data.Carried {
		x.Commits = append(x.Commits, commitJSON{c.Commit, gate.Plain(c.Title), gate.Plain(c.Author.Login), c.Change, c.Gate})
	}
	x.MoreCommits = data.Cut
	if b := data.Blast; b != nil {
		x.Touches, x.TouchesUnknown, x.Loose, x.Partly = touches(b.Touches), b.Unknown, b.Loose, b.Partly || data.Partly != "" || len(b.Owned) > mostOwners
		x.Owned, x.OwnedBy, x.OwnedUnknown = touches(b.Owned[:min(len(b.Owned), mostOwners)]), gate.Plain(b.By), gate.Plain(b.Why)
	}
	return nil
}

// rest are the repositories after those that were had.
func (f boardFilter) rest(list []gate.Repo) []gate.Repo {
	i, _ := slices.BinarySearchFunc(list, f.After, func(r gate.Repo, after string) int { return strings.Compare(boardKey(r), after) })
	for f.After != "" && i < len(list) && boardKey(list[i]) == f.After {
		i++
	}
	return list[i:]
}

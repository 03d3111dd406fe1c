package dashboard

import (
	"html"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// The shapes that the API gives. More members may be added; none of these changes.

type placeJSON struct {
	Name     string         `json:"name"`
	Live     *promotionJSON `json:"live"`      // the newest that went live through the gate
	UnderWay *promotionJSON `json:"under_way"` // that is being deployed
	Waiting  *promotionJSON `json:"waiting"`   // the newest that waits for its gate
	Locks    []lockJSON     `json:"locks"`
	LookedAt time.Time      `json:"looked_at,omitzero"`
}

type lockJSON struct {
	Environment string    `json:"environment"` // *: the whole repository
	By          string    `json:"by"`
	Reason      string    `json:"reason"`
	At          time.Time `json:"at"`
	Until       time.Time `json:"until,omitzero"`
	Unasked     bool      `json:"unasked"` // holds back only what nobody asks for by name
}

type promotionJSON struct {
	ID          string        `json:"id"`
	Environment string        `json:"environment"`
	Commit      string        `json:"commit"`
	Change      int           `json:"change,omitempty"`
	How         checks.How    `json:"how"`
	By          string        `json:"by"`
	Reason      string        `json:"reason,omitempty"`
	State       gate.State    `json:"state"`
	Why         string        `json:"why,omitempty"`
	At          time.Time     `json:"at"`
	Since       time.Time     `json:"since"`
	Live        time.Time     `json:"live,omitzero"`
	Verified    time.Time     `json:"verified,omitzero"`
	Decision    string        `json:"decision,omitempty"`
	Verdicts    []verdictJSON `json:"verdicts,omitempty"`
	// Of one that is asked for by its id: what is new in it, and what that touches.
	Commits     []commitJSON `json:"commits,omitempty"`
	MoreCommits int          `json:"more_commits,omitempty"`
	Touches     []touchJSON  `json:"touches,omitempty"`
	// Changes inside of which it is not known what they touch; who owns what is touched, by which file, or why that is not known.
	TouchesUnknown []int       `json:"touches_unknown,omitempty"`
	Loose          int         `json:"loose_commits,omitempty"`
	Partly         bool        `json:"touches_partly,omitempty"`
	Owned          []touchJSON `json:"owned,omitempty"`
	OwnedBy        string      `json:"owned_by,omitempty"`
	OwnedUnknown   string      `json:"owned_unknown,omitempty"`
}

type verdictJSON struct {
	Line    string    `json:"line"`
	Outcome string    `json:"outcome"`
	Reason  string    `json:"reason"`
	Blocks  bool      `json:"blocks"`
	Until   time.Time `json:"until,omitzero"`
}

type askedJSON struct {
	ID          string         `json:"id"`
	State       string         `json:"state"` // waiting, done, refused
	Repo        string         `json:"repo"`
	Environment string         `json:"environment"`
	Change      int            `json:"change,omitempty"`
	Word        string         `json:"word"`
	By          string         `json:"by"`
	At          time.Time      `json:"at"`
	Text        string         `json:"text,omitempty"`
	Promotion   *promotionJSON `json:"promotion,omitempty"`
}

// lasting reads a duration as a policy does.
func lasting(s string) (time.Duration, string) {
	d, err := policy.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, "The duration (for) is none: write 2h, 30m or 1d."
	}
	return time.Duration(d), ""
}

func (a *API) environments(w http.ResponseWriter, r *http.Request) {
	repo, status, wrong := a.where(r)
	if wrong != "" {
		problem(w, status, wrong)
		return
	}
	seen, err := a.Shelf.Environments(r.Context(), repo.Forge, repo.Name)
	list := []placeJSON{}
	for _, e := range seen {
		var b *gate.EnvironmentBook
		if b, err = a.Shelf.Environment(r.Context(), repo.Forge, repo.Name, e.Name); err != nil {
			break
		}
		list = append(list, a.place(e, b))
	}
	if err != nil {
		a.unread(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"environments": list})
}

func (a *API) place(e gate.EnvironmentSeen, b *gate.EnvironmentBook) placeJSON {
	x := placeJSON{Name: e.Name, Locks: []lockJSON{}, LookedAt: e.At}
	first := func(is func(p *gate.Promotion) bool) *promotionJSON {
		i := slices.IndexFunc(b.Promotions, func(p gate.Promotion) bool { return is(&p) })
		if i < 0 {
			return nil
		}
		return shownPromotion(&b.Promotions[i], nil)
	}
	x.Waiting = first((*gate.Promotion).Waiting)
	x.UnderWay = first(func(p *gate.Promotion) bool { return p.State == gate.Deploying })
	var live *gate.Promotion
	for i := range b.Promotions {
		if p := &b.Promotions[i]; !p.LiveAt.IsZero() && (live == nil || p.LiveAt.After(live.LiveAt)) {
			live = p
		}
	}
	if live != nil {
		x.Live = shownPromotion(live, nil)
	}
	for _, l := range b.Locks {
		if l.Holds(a.Now()) {
			name := l.Lock.Environment
			if name == "" {
				name = "*"
			}
			x.Locks = append(x.Locks, lockJSON{name, gate.Plain(l.Lock.By.Login), gate.Plain(l.Lock.Reason), l.Lock.At, l.Lock.Until, l.Lock.Unasked})
		}
	}
	return x
}

func (a *API) promotion(w http.ResponseWriter, r *http.Request) {
	repo, status, wrong := a.where(r)
	if wrong != "" {
		problem(w, status, wrong)
		return
	}
	p, err := (*gate.Promotion)(nil), error(nil)
	if decisionID.MatchString(r.PathValue("id")) {
		p, err = a.Shelf.Promotion(r.Context(), r.PathValue("id"))
	}
	switch {
	case err != nil:
		a.unread(w, err)
		return
	case p == nil || !strings.EqualFold(p.Repo, repo.Name) || p.Forge != repo.Forge || !strings.EqualFold(p.Environment, r.PathValue("environment")):
		problem(w, http.StatusNotFound, "There is no such promotion.")
		return
	}
	shown, err := a.judged(r, p)
	if err == nil && a.Records != nil {
		err = a.inside(a.visitor(w, r), p, shown)
	}
	if err != nil {
		a.unread(w, err)
		return
	}
	answer(w, http.StatusOK, shown)
}

// judged is a promotion with the verdict on it.
func (a *API) judged(r *http.Request, p *gate.Promotion) (*promotionJSON, error) {
	if p.Decision == "" {
		return shownPromotion(p, nil), nil
	}
	d, err := a.Decisions.Decision(r.Context(), p.Decision)
	return shownPromotion(p, d), err
}

func shownPromotion(p *gate.Promotion, d *gate.Decision) *promotionJSON {
	x := &promotionJSON{ID: p.ID, Environment: p.Environment, Commit: p.Commit, Change: p.Change, How: p.How, By: gate.Plain(p.By.Login), Reason: gate.Plain(p.Reason),
		State: p.State, Why: gate.Plain(p.Why), At: p.At, Since: p.Since, Live: p.LiveAt, Verified: p.VerifiedAt, Decision: p.Decision}
	if d == nil {
		return x
	}
	for _, v := range d.Verdicts {
		if v.Mode != policy.Observe {
			x.Verdicts = append(x.Verdicts, verdictJSON{v.Check, v.Outcome.String(), gate.Plain(v.Reason), v.Blocks(), v.Until})
		}
	}
	return x
}

const nothingAsked = "Nothing was asked under this id, or it is older than 30 days."

func (a *API) asked(w http.ResponseWriter, r *http.Request) {
	x, err := (*gate.Ask)(nil), error(nil)
	if id := r.PathValue("id"); decisionID.MatchString(id) {
		x, err = a.Shelf.Asked(r.Context(), id)
	}
	switch {
	case err != nil:
		a.unread(w, err)
		return
	case x == nil:
		problem(w, http.StatusNotFound, nothingAsked)
		return
	}
	if status, wrong := a.sees(r.Context(), gate.Repo{Forge: x.Forge, Name: x.Repo}); wrong != "" {
		if status == http.StatusNotFound {
			wrong = nothingAsked
		}
		problem(w, status, wrong)
		return
	}
	shown := askedJSON{ID: x.ID, State: "waiting", Repo: x.Repo, Environment: x.Environment, Change: x.Change, Word: x.Word, By: gate.Plain(x.By), At: x.At}
	if x.Result != nil {
		shown.State, shown.Text = x.Result.Outcome, gate.Plain(html.UnescapeString(x.Result.Text))
		if x.Result.Promotion != "" {
			p, err := a.Shelf.Promotion(r.Context(), x.Result.Promotion)
			if err == nil && p != nil {
				shown.Promotion, err = a.judged(r, p)
			}
			if err != nil {
				a.unread(w, err)
				return
			}
		}
	}
	answer(w, http.StatusOK, shown)
}

func (a *API) unread(w http.ResponseWriter, err error) {
	a.Log.Error("read for the API", "err", err)
	w.Header().Set("Retry-After", "5")
	problem(w, http.StatusServiceUnavailable, "It cannot be read right now. Try again in a minute.")
}

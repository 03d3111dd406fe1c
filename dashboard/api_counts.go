package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
)

// The rest of what the pages show: what is counted, what holds deployments back, the policy in force, and trying work again.

// seesEverything is the Sight of the operator, who may see all there is.
type seesEverything struct{}

var _ Sight = seesEverything{}

func (seesEverything) Repos(_ context.Context, _ Person, repos []gate.Repo) ([]gate.Repo, error) {
	return repos, nil
}

func (seesEverything) Role(context.Context, Person, gate.Repo) (string, error) { return "admin", nil }

// daysAsked is over how many days to count.
func daysAsked(r *http.Request) (int, error) {
	text := r.URL.Query().Get("days")
	if text == "" {
		return 90, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 400 {
		return 0, wrong{"The days are a number from 1 to 400."}
	}
	return n, nil
}

// overrideCounts are the overrides that the caller may see, counted.
func (a *API) overrideCounts(v *visitor, w http.ResponseWriter) error {
	by := audit.By(cmp.Or(v.r.URL.Query().Get("by"), string(audit.ByPerson)))
	days, err := daysAsked(v.r)
	if err != nil {
		return err
	}
	if !slices.Contains(countedBy(), by) {
		return wrong{"Overrides are counted by person, repo or check."}
	}
	since := v.now.AddDate(0, 0, -days)
	counts, err := v.counted(by, since)
	if err != nil {
		return err
	}
	for i := range counts {
		counts[i].Name = gate.Plain(counts[i].Name)
	}
	answer(w, http.StatusOK, map[string]any{"by": by, "since": since, "counts": append([]audit.Count{}, counts...)})
	return nil
}

// held is what holds deployments back, of all that the caller may see.
func (a *API) held(v *visitor, w http.ResponseWriter) error {
	x := &calendarData{}
	if err := v.held(x); err != nil {
		return err
	}
	type lock struct {
		Forge string `json:"forge"`
		Repo  string `json:"repo"`
		lockJSON
	}
	freezes, locks := []freezeJSON{}, []lock{}
	for _, f := range x.Freezes {
		freezes = append(freezes, freezeJSON{f.Forge, f.Repo, gate.Plain(f.Environment), f.From, f.To, gate.Plain(f.Reason), f.Holds, gate.Plain(f.Unknown)})
	}
	for _, l := range x.Locks {
		locks = append(locks, lock{l.Forge, l.Repo, locksOf([]gate.LockState{l})[0]})
	}
	answer(w, http.StatusOK, map[string]any{"freezes": freezes, "locks": locks, "more": x.More})
	return nil
}

// metrics are DORA's of a repository's environments, as `sluice report dora` counts them.
func (a *API) metrics(v *visitor, w http.ResponseWriter) error {
	repo, ok := a.repo(v, w)
	if !ok {
		return nil
	}
	days, err := daysAsked(v.r)
	if err != nil {
		return err
	}
	report, _, err := v.Reports.Deployments(v.ctx(), []gate.Repo{repo}, v.now.AddDate(0, 0, -days))
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, report)
	return nil
}

type layerJSON struct {
	Name   string `json:"name"`
	Origin string `json:"origin"`
	Commit string `json:"commit,omitempty"`
	Floor  bool   `json:"floor"` // a repository cannot undercut it
	Text   string `json:"text"`  // with every key, and where its value comes from
}

// policies are those that the newest decision was made under.
func (a *API) policies(v *visitor, w http.ResponseWriter) error {
	repo, ok := a.repo(v, w)
	if !ok {
		return nil
	}
	list, err := v.Rejudge.Recent(v.ctx(), repo.Forge, repo.Name, 1)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errMissing
	}
	x := &policyData{Repo: repo, As: &list[0]}
	if err := v.inForce(x); err != nil {
		return err
	}
	layers := []layerJSON{}
	for _, l := range x.Layers {
		layers = append(layers, layerJSON{gate.Plain(l.Name), l.Origin, l.Commit, l.Floor, l.Text})
	}
	answer(w, http.StatusOK, struct {
		Decision string      `json:"decision"`
		At       time.Time   `json:"at"`
		Broken   string      `json:"broken,omitempty"`
		Layers   []layerJSON `json:"layers"`
	}{x.As.ID, x.As.At, gate.Plain(x.Broken), layers})
	return nil
}

// retry has work tried again at once, for administrators. Said twice it does no more than once.
func (a *API) retry(w http.ResponseWriter, r *http.Request) {
	if !administered(w, r) {
		return
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		problem(w, http.StatusUnsupportedMediaType, "The body must be JSON, with the Content-Type application/json.")
		return
	}
	var x struct {
		IDs []int64 `json:"ids"`
		All bool    `json:"all"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostAsked))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil || d.Decode(new(any)) != io.EOF {
		problem(w, http.StatusBadRequest, "The body is not one JSON object of ids, or of all.")
		return
	}
	if x.All == (len(x.IDs) > 0) || len(x.IDs) > pageMost {
		problem(w, http.StatusUnprocessableEntity, "Name the pieces of work by their ids, a hundred at most, or say all: true for those that failed.")
		return
	}
	v := a.visitor(w, r)
	n, err := v.Queue.Retry(r.Context(), v.Person, x.IDs...)
	if err != nil {
		a.unread(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]int{"retried": n})
}

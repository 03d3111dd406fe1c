package dashboard

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

type tokenJSON struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Scopes []string  `json:"scopes"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"`
	Used   time.Time `json:"used,omitzero"`   // to the hour
	Token  string    `json:"token,omitempty"` // what to send: of a new one alone
}

func shownToken(t gate.Token) tokenJSON {
	return tokenJSON{ID: t.ID, Name: gate.Plain(t.Name), Scopes: t.Scopes, At: t.At, Until: t.Until, Used: t.Used}
}

// own is whose tokens are meant: the operator has none.
func (a *API) own(w http.ResponseWriter, r *http.Request) (Person, bool) {
	c := callerOf(r.Context())
	if c.operator {
		problem(w, http.StatusForbidden, "Tokens are people's, and SLUICE_API_TOKEN is nobody's.")
	}
	return c.person, !c.operator
}

func (a *API) tokens(w http.ResponseWriter, r *http.Request) {
	p, ok := a.own(w, r)
	if !ok {
		return
	}
	found, err := a.People.Tokens.Tokens(r.Context(), p.Forge, p.ID)
	if err != nil {
		a.unread(w, err)
		return
	}
	list := []tokenJSON{}
	for _, t := range found {
		list = append(list, shownToken(t))
	}
	answer(w, http.StatusOK, map[string]any{"tokens": list})
}

// newToken makes a token, in a browser that is signed in: a token that makes others would outlive its own end.
func (a *API) newToken(w http.ResponseWriter, r *http.Request) {
	p, ok := a.own(w, r)
	if !ok {
		return
	}
	if callerOf(r.Context()).token {
		problem(w, http.StatusForbidden, "A token makes no other tokens: make one at /tokens, signed in.")
		return
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		problem(w, http.StatusUnsupportedMediaType, "The body must be JSON, with the Content-Type application/json.")
		return
	}
	var x tokenWish
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostAsked))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil || d.Decode(new(any)) != io.EOF {
		problem(w, http.StatusBadRequest, "The body is not one JSON object of name, scopes and for.")
		return
	}
	until, wrong := x.problem(a.Now())
	if wrong != "" {
		problem(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	t, value, err := a.People.mint(r.Context(), p, x, until)
	switch {
	case errors.Is(err, errTooMany):
		problem(w, http.StatusUnprocessableEntity, "You have as many tokens as one can have: revoke one first.")
	case err != nil:
		a.unread(w, err)
	default:
		shown := shownToken(*t)
		shown.Token = value
		w.Header().Set("Location", "/api/v1/tokens/"+t.ID)
		answer(w, http.StatusCreated, shown)
	}
}

func (a *API) revoke(w http.ResponseWriter, r *http.Request) {
	p, ok := a.own(w, r)
	if !ok {
		return
	}
	was, err := a.People.Tokens.DropToken(r.Context(), p.Forge, p.ID, checks.Clip(r.PathValue("id"), 40))
	switch {
	case err != nil:
		a.unread(w, err)
	case !was:
		problem(w, http.StatusNotFound, "You have no such token.")
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

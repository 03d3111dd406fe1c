package dashboard

import (
	"context"
	"net/http"
	"time"
)

// Finding is one thing that was looked at: what was found, why it matters, and what cures it.
type Finding struct {
	Level string `json:"level"` // wrong, advice, well
	About string `json:"about"`
	What  string `json:"what"`
	Why   string `json:"why,omitempty"`
	Cure  string `json:"cure,omitempty"`
}

// Doctor looks whether everything is set up as it must be, as `sluice doctor` does.
type Doctor func(context.Context) []Finding

// examination is how long it may look, so that a page is answered before the server gives up on it.
const examination = 45 * time.Second

// doctorPage is what it found, by how bad it is.
type doctorPage struct{ Wrong, Advice, Well []Finding }

// doctor serves it.
func doctor(v *visitor) (*page, string, error) {
	if !v.Person.Admin || v.Doctor == nil {
		return nil, "", errMissing
	}
	ctx, cancel := context.WithTimeout(v.ctx(), examination)
	defer cancel()
	data := &doctorPage{}
	for _, f := range v.Doctor(ctx) {
		switch f.Level {
		case "wrong":
			data.Wrong = append(data.Wrong, f)
		case "advice":
			data.Advice = append(data.Advice, f)
		default:
			data.Well = append(data.Well, f)
		}
	}
	return &page{Title: "Doctor", Here: "doctor", Data: data}, "doctor.html", nil
}

// doctor answers the same for programs.
func (a *API) doctor(w http.ResponseWriter, r *http.Request) {
	if !administered(w, r) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), examination)
	defer cancel()
	list, wrong := []Finding{}, 0
	if a.Doctor != nil {
		list = append(list, a.Doctor(ctx)...)
	}
	for _, f := range list {
		if f.Level == "wrong" {
			wrong++
		}
	}
	answer(w, http.StatusOK, map[string]any{"version": 1, "wrong": wrong, "findings": list})
}

package dashboard

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// calendarFile ends the paths of calendars. To those the token may be given as the password of basic authentication.
const calendarFile = "calendar.ics"

// calendar serves the coming openings and freezes to calendar programs.
func (a *API) calendar(w http.ResponseWriter, r *http.Request) {
	repo, status, wrong := a.where(r)
	if wrong != "" {
		problem(w, status, wrong)
		return
	}
	text, err := a.Calendar(r.Context(), repo, r.PathValue("environment"))
	switch {
	case errors.Is(err, gate.ErrGone):
		problem(w, http.StatusNotFound, "No such environment is guarded here.")
	case err != nil:
		a.Log.Error("make a calendar", "repo", repo.Name, "err", err)
		w.Header().Set("Retry-After", "60")
		problem(w, http.StatusServiceUnavailable, "The policy could not be read just now, so nobody can say when what is open.")
	default:
		w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="`+strings.ReplaceAll(repo.Name, "/", "-")+`.ics"`)
		_, _ = w.Write([]byte(text)) // whoever asked may be gone
	}
}

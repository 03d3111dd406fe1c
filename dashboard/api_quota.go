package dashboard

import (
	"net/http"

	"github.com/sluicegate/sluice/gate"
)

// quota answers what the forges leave, for each account that was asked for something since the start.
func (a *API) quota(w http.ResponseWriter, r *http.Request) {
	if !administered(w, r) {
		return
	}
	list := []gate.Quota{}
	if a.Quotas != nil {
		list = append(list, a.Quotas()...)
	}
	answer(w, http.StatusOK, map[string]any{"at": a.Now().UTC(), "quotas": list})
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/sluicegate/sluice/providers/notices"
)

// noticed is a notice, as far as scenarios tell it.
type noticed struct {
	Event, Title, Why string
	For               []string `json:"waits_for"`
}

// listener is where a scenario's notices go, when it asks for them.
type listener struct {
	mu   sync.Mutex
	told []noticed
}

// listen has all that is told outside of the forge told to the scenario.
func (r *playing) listen() {
	l := &listener{}
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		raw, err := io.ReadAll(q.Body)
		var body struct{ Data noticed }
		if err == nil {
			err = json.Unmarshal(raw, &body)
		}
		if err != nil {
			r.t.Errorf("a notice that cannot be read: %v: %s", err, raw)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.told = append(l.told, body.Data)
	}))
	r.t.Cleanup(web.Close)
	r.listener = l
	r.set.Notices = notices.Settings{Webhook: web.URL, Secret: "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==", Events: "all"}
}

// heard are the notices of the step, as often as they came.
func (r *playing) heard() (lines []string) {
	if r.listener == nil {
		return nil
	}
	r.listener.mu.Lock()
	defer r.listener.mu.Unlock()
	for _, n := range r.listener.told {
		line := r.unhashed(fmt.Sprintf("tells of %s: %s", n.Event, n.Title))
		if len(n.For) > 0 {
			line += " For " + strings.Join(n.For, ", ") + "."
		}
		if n.Why != "" {
			line += " Why: " + anyDeployment.ReplaceAllString(r.unhashed(n.Why), "Deployment N ")
		}
		lines = append(lines, line)
	}
	r.listener.told = nil
	return lines
}

package webhook

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// GitLab receives the deliveries of GitLab's webhooks, and of its external status checks, at POST /webhook/gitlab. What
// is authentic is answered 202 or 200 whatever it says, and 503 only when it cannot be stored: GitLab counts every other
// answer as a failure, and switches a hook off after four. Before it is known to be authentic a request gets 401 without a
// right secret, 405 when it is no POST, 413 over 25 MB, 400 when it breaks off.
func GitLab(s Settings) (http.Handler, error) {
	h, err := receives("gitlab", s)
	if err != nil {
		return nil, err
	}
	keys, err := readKeys(s.Secret)
	if err != nil {
		return nil, err
	}
	return &gitlabReceiver{h, keys, hooks()}, nil
}

type gitlabReceiver struct {
	*receiver
	keys  keys
	hooks map[string]hookReader
}

func (h *gitlabReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	event, a := h.receive(w, r)
	h.Observe(event, a.outcome)
	a.write(w)
}

// receive takes one request from its first header to the inbox. event is its name for metrics: a known one, or "other".
func (h *gitlabReceiver) receive(w http.ResponseWriter, r *http.Request) (event string, a answer) {
	if r.Method != http.MethodPost {
		return "other", answer{405, Refused, "deliveries are POSTed"}
	}
	log := h.Log.With("event", clean(r.Header.Get("X-Gitlab-Event")))
	body, release, err := h.budget.read(w, r)
	defer release()
	if err != nil {
		a := unread(err)
		log.Warn("delivery not read", "outcome", a.outcome, "err", a.text)
		return "other", a
	}
	if err := h.keys.admit(r.Header, body, h.Now()); err != nil {
		log.Warn("delivery refused: "+err.Error(), "from", r.RemoteAddr)
		return "other", answer{401, Refused, err.Error()}
	}
	d := gate.Delivery{Forge: h.forge, ID: h.keys.id(r.Header, body), Event: "other", At: h.Now().UTC(), Body: body}
	log = log.With("delivery", d.ID)
	event = h.understand(r, &d, log)
	return event, h.store(r.Context(), log, d)
}

// understand finds out what a delivery means. One that cannot be understood means nothing, and is kept all the same.
func (h *gitlabReceiver) understand(r *http.Request, d *gate.Delivery, log *slog.Logger) (event string) {
	p, err := readHook(d.Body)
	if err != nil {
		log.Warn("delivery kept, and not understood", "err", err)
		return "other"
	}
	event = p.event(r.Header.Get("X-Gitlab-Event"))
	read, ok := h.hooks[event]
	if !ok {
		return "other"
	}
	d.Event = event
	m, err := read(h, r.Context(), p)
	if err != nil {
		log.Warn("delivery kept, and not understood", "err", err)
		return event
	}
	d.Action, d.Echo = action(m.action), m.echo && len(m.marks) == 0
	for i := range m.marks {
		mark := &m.marks[i]
		mark.Forge = h.forge
		if mark.Why == "" {
			mark.Why = m.action
		}
		mark.Why = strings.TrimSuffix(event+"."+action(mark.Why), ".")
	}
	d.Marks = m.marks
	return event
}

// clean is a header for the log: an event's name, or that it is none.
func clean(name string) string {
	if !hookName.MatchString(name) {
		return "none"
	}
	return name
}

var errUnsigned = errors.New("the request has neither the secret token nor a signature: is the webhook's secret the one in SLUICE_GITLAB_WEBHOOK_SECRET?")

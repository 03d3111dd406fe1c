package pretend

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// When GitLab stops calling a hook that fails.
const (
	hookFailures = 4  // in a row: for a minute, doubled each time, a day at most
	hookGivesUp  = 40 // in a row: for good
)

// Hook is a webhook of a project or a group. Both of them fire when a project in the group has something to tell, each a
// delivery of its own.
type Hook struct {
	id       int64
	on       string // path of the project or group
	project  bool
	url      string
	secret   string // X-Gitlab-Token, or, beginning with whsec_, what it signs by
	target   *Target
	all      bool // all events
	events   map[string]bool
	uuid     string
	created  time.Time
	failures int
	pause    time.Duration
	until    time.Time
	off      bool
	sent     []*Delivery
}

var hookEvents = []string{"push_events", "tag_push_events", "merge_requests_events", "note_events", "confidential_note_events", "pipeline_events", "job_events",
	"deployment_events", "releases_events", "emoji_events", "issues_events", "confidential_issues_events", "wiki_page_events", "member_events", "subgroup_events",
	"feature_flag_events", "milestone_events", "resource_access_token_events", "vulnerability_events"}

// AddHook gives a project or a group a webhook for all events, beside that of Hooks. With the same target as another,
// everything is told twice, as when a project and its group both have one.
func (f *Forge) AddHook(on string, t Target, secret string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := &Hook{id: f.id(), on: on, project: f.repos[fold(on)] != nil, url: t.URL, secret: secret, target: &t, all: true, uuid: guid(), created: f.at()}
	f.lab.hooks = append(f.lab.hooks, h)
	return h.id
}

// given is the hook that Hooks stands for: of all that the account under test is installed on.
func (f *Forge) givenHook(r *Repo) *Hook {
	if f.hook.URL == "" && f.hook.To == nil || f.installation(r) == nil {
		return nil
	}
	i := slices.IndexFunc(f.lab.hooks, func(h *Hook) bool { return h.on == "" })
	if i < 0 {
		f.lab.hooks = append(f.lab.hooks, &Hook{id: f.id(), all: true, uuid: guid(), created: f.at()})
		i = len(f.lab.hooks) - 1
	}
	h := f.lab.hooks[i]
	h.target, h.url, h.secret = &f.hook, f.hook.URL, f.secret
	return h
}

// hooksOf are those that fire for a repository.
func (f *Forge) hooksOf(r *Repo) (list []*Hook) {
	if h := f.givenHook(r); h != nil {
		list = append(list, h)
	}
	for _, h := range f.lab.hooks {
		if h.on != "" && (fold(h.on) == fold(r.Name) || strings.HasPrefix(fold(r.Name), fold(h.on)+"/")) {
			list = append(list, h)
		}
	}
	return list
}

// fire puts a delivery for each hook of a repository into the outbox that wants the event.
func (f *Forge) fire(r *Repo, event, action, flag string, body obj) {
	var raw []byte
	for _, h := range f.hooksOf(r) {
		if !h.all && !h.events[flag] {
			continue
		}
		if raw == nil {
			var err error
			if raw, err = json.Marshal(body); err != nil {
				panic(err) // only JSON's own types are rendered
			}
		}
		f.outbox = append(f.outbox, &Delivery{ID: f.id(), GUID: guid(), Event: event, Action: action, At: f.at(), Body: raw, Repo: r.ID, hook: h, event: f.lab.chain})
	}
}

// begins says that an act begins: the hooks that it fires share an event's id.
func (f *Forge) begins() {
	if f.lab != nil {
		f.lab.chain = guid()
	}
}

// calls says whether GitLab calls the hook now.
func (h *Hook) calls(now time.Time) bool { return !h.off && !now.Before(h.until) }

// labHeaders are those of a delivery of GitLab.
func (f *Forge) labHeaders(req *http.Request, d *Delivery) {
	secret, uuid := f.secret, "00000000-0000-4000-8000-000000000000"
	if d.hook != nil {
		secret, uuid = d.hook.secret, d.hook.uuid
	}
	for k, v := range map[string]string{"Content-Type": "application/json", "User-Agent": "GitLab/18.6.0-ee", "X-Gitlab-Event": d.Event, "X-Gitlab-Instance": f.url,
		"X-Gitlab-Webhook-UUID": uuid, "X-Gitlab-Event-UUID": or(d.event, d.GUID), "Idempotency-Key": d.GUID} {
		req.Header.Set(k, v)
	}
	key, signs := strings.CutPrefix(secret, "whsec_")
	if !signs {
		req.Header.Set("X-Gitlab-Token", secret)
		return
	}
	at := fmt.Sprint(f.now().Unix())
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return // no key, no signature: nobody takes it
	}
	mac := hmac.New(sha256.New, raw)
	fmt.Fprintf(mac, "%s.%s.%s", d.GUID, at, d.Body)
	req.Header.Set("webhook-id", d.GUID)
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// sendLab sends a delivery to its hook, and counts what fails. One that is switched off is not called.
func (f *Forge) sendLab(ctx context.Context, d *Delivery) {
	f.mu.Lock()
	h := d.hook
	calls := h.calls(f.now())
	t := Target{URL: h.url}
	if h.target != nil {
		t = *h.target
	}
	f.mu.Unlock()
	if !calls {
		return
	}
	f.deliver(ctx, t, d)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried(d)
}

// tried keeps what came of calling a hook. Nobody's being there to call is the driver's affair, not the hook's.
func (f *Forge) tried(d *Delivery) {
	h := d.hook
	h.sent = append(h.sent, d)
	if d.Status >= 200 && d.Status < 300 {
		h.failures, h.pause, h.until, h.off = 0, 0, time.Time{}, false
		return
	}
	h.failures++
	if h.off = h.off || h.failures >= hookGivesUp; h.failures >= hookFailures && !h.off {
		h.pause = min(max(2*h.pause, time.Minute), 24*time.Hour)
		h.until = f.now().Add(h.pause)
	}
}

// HookState is how a hook stands: executable, temporarily_disabled or disabled; "" when there is none of the id.
func (f *Forge) HookState(id int64) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.lab.hooks {
		if h.id == id {
			return h.state(f.now())
		}
	}
	return ""
}

func (h *Hook) state(now time.Time) string {
	switch {
	case h.off:
		return "disabled"
	case !h.calls(now):
		return "temporarily_disabled"
	}
	return "executable"
}

// BreakHooks has all hooks fail so often that GitLab stops calling them: for a while, or for good.
func (f *Forge) BreakHooks(forGood bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.lab.hooks {
		h.failures, h.pause, h.until, h.off = hookFailures, time.Hour, f.now().Add(time.Hour), forGood
	}
}

package pretend

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
)

// labHookEndpoints are those of webhooks, of projects and of groups.
func labHookEndpoints() []labEndpoint {
	var list []labEndpoint
	for _, of := range []string{"/projects/{id}", "/groups/{id}"} {
		level := map[string]int{"/projects/{id}": maintainer, "/groups/{id}": owner}[of]
		if of == "/groups/{id}" {
			level = maintainer // the pretend forge is kinder here: its account is a Maintainer of the group
		}
		list = append(list,
			labEndpoint{method: "GET", path: of + "/hooks", level: level, do: hooksThere(labHooks)},
			labEndpoint{method: "POST", path: of + "/hooks", level: level, do: hooksThere(postHook)},
			labEndpoint{method: "GET", path: of + "/hooks/{hid}", level: level, do: inHook(func(q *labRequest, h *Hook) reply { return ok(q.renderHook(h)) })},
			labEndpoint{method: "PUT", path: of + "/hooks/{hid}", level: level, do: inHook(putHook)},
			labEndpoint{method: "DELETE", path: of + "/hooks/{hid}", level: level, do: inHook(deleteHook)},
			labEndpoint{method: "GET", path: of + "/hooks/{hid}/events", level: level, do: inHook(hookLog)},
			labEndpoint{method: "POST", path: of + "/hooks/{hid}/events/{eid}/resend", level: level, do: inHook(hookResend)},
			labEndpoint{method: "POST", path: of + "/hooks/{hid}/test/{trigger}", level: level, do: inHook(hookTest)})
	}
	return list
}

// hooksThere: a group has hooks only where there is a licence.
func hooksThere(do func(*labRequest) reply) func(*labRequest) reply {
	return func(q *labRequest) reply {
		if q.group != nil && !q.f.lab.licensed("premium") {
			return labLost("")
		}
		return do(q)
	}
}

// at is the path that the hooks of the call are on.
func (q *labRequest) at() string {
	if q.repo != nil {
		return q.repo.Name
	}
	return q.group.path
}

func inHook(do func(*labRequest, *Hook) reply) func(*labRequest) reply {
	return hooksThere(func(q *labRequest) reply {
		for _, h := range q.f.lab.hooks {
			if h.on != "" && fold(h.on) == fold(q.at()) && h.id == parse(q.PathValue("hid")) {
				return do(q, h)
			}
		}
		return labLost("")
	})
}

// renderHook never shows the secret.
func (q *labRequest) renderHook(h *Hook) obj {
	o := obj{"id": h.id, "url": h.url, "name": nil, "description": nil, "created_at": labStamp(h.created), "enable_ssl_verification": true, "alert_status": h.state(q.f.now()),
		"disabled_until": nil, "url_variables": []any{}, "push_events_branch_filter": "", "branch_filter_strategy": "wildcard", "custom_webhook_template": "", "custom_headers": []any{},
		"repository_update_events": false}
	if q.f.now().Before(h.until) {
		o["disabled_until"] = labStamp(h.until)
	}
	for _, e := range hookEvents {
		if h.project && (e == "member_events" || e == "subgroup_events") {
			continue
		}
		o[e] = h.all || h.events[e]
	}
	if h.project {
		o["project_id"] = q.repo.ID
	} else {
		o["group_id"] = q.group.id
	}
	return o
}

func labHooks(q *labRequest) reply {
	list := slices.DeleteFunc(slices.Clone(q.f.lab.hooks), func(h *Hook) bool { return h.on == "" || fold(h.on) != fold(q.at()) })
	return labPage(q, list, nil, func(h *Hook) any { return q.renderHook(h) })
}

func postHook(q *labRequest) reply {
	if wrong := q.in.missing("url"); wrong != "" {
		return labWrong(wrong)
	}
	h := &Hook{id: q.f.id(), on: q.at(), project: q.repo != nil, uuid: guid(), created: q.f.at(), events: map[string]bool{"push_events": true}}
	if a := q.setHook(h); a.status != 0 {
		return a
	}
	q.f.lab.hooks = append(q.f.lab.hooks, h)
	return made(q.renderHook(h))
}

// setHook takes what a call says of a hook.
func (q *labRequest) setHook(h *Hook) reply {
	if q.in.has("url") {
		u, err := url.Parse(q.in.text("url"))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return labRefuse(http.StatusUnprocessableEntity, "Invalid url given")
		}
		h.url, h.target = q.in.text("url"), nil
	}
	for _, name := range []string{"token", "signing_token"} {
		if q.in.has(name) {
			h.secret = q.in.text(name)
		}
	}
	if h.all {
		h.all, h.events = false, map[string]bool{}
		for _, e := range hookEvents {
			h.events[e] = true
		}
	}
	for _, e := range hookEvents {
		if q.in.has(e) {
			h.events[e] = q.in.flag(e)
		}
	}
	return reply{}
}

func putHook(q *labRequest, h *Hook) reply {
	next := *h
	next.events = map[string]bool{}
	for e, on := range h.events {
		next.events[e] = on
	}
	if a := q.setHook(&next); a.status != 0 {
		return a
	}
	if next.url != h.url { // another address has not failed yet
		next.failures, next.pause, next.off = 0, 0, false
		next.until = h.created
	}
	*h = next
	return ok(q.renderHook(h))
}

func deleteHook(q *labRequest, h *Hook) reply {
	q.f.lab.hooks = slices.DeleteFunc(slices.Clone(q.f.lab.hooks), func(x *Hook) bool { return x == h })
	return noContent
}

// hookLog lists what was sent, the newest first.
func hookLog(q *labRequest, h *Hook) reply {
	newest := slices.Clone(h.sent)
	slices.Reverse(newest)
	return labPage(q, newest, nil, func(d *Delivery) any {
		status := any("internal error")
		if d.Status != 0 {
			status = d.Status
		}
		return obj{"id": d.ID, "url": h.url, "trigger": fold(d.Event), "request_headers": obj{"X-Gitlab-Event": d.Event, "Idempotency-Key": d.GUID}, "request_data": json.RawMessage(d.Body),
			"response_headers": obj{}, "response_body": "", "execution_duration": 0.01, "response_status": status, "created_at": labStamp(d.At)}
	})
}

// hookResend puts a delivery into the outbox once more, with its key.
func hookResend(q *labRequest, h *Hook) reply {
	for _, d := range h.sent {
		if d.ID == parse(q.PathValue("eid")) {
			again := *d
			again.ID, again.Again, again.Status, again.Err = q.f.id(), true, 0, nil
			q.f.outbox = append(q.f.outbox, &again)
			return made(obj{"response_status": 200})
		}
	}
	return labLost("")
}

// hookTest calls a hook at once, be it switched off; when it answers well, it is switched on again.
func hookTest(q *labRequest, h *Hook) reply {
	if !slices.Contains(hookEvents, q.PathValue("trigger")) {
		return labWrong("trigger does not have a valid value")
	}
	f, t := q.f, Target{URL: h.url}
	if h.target != nil {
		t = *h.target
	}
	body := obj{"object_kind": "push", "event_name": "push", "before": nobody, "after": nobody, "ref": "refs/heads/main", "project_id": 0, "project": obj{}, "commits": []any{}, "total_commits_count": 0}
	if q.repo != nil {
		body["project_id"], body["project"] = q.repo.ID, f.hookProject(q.repo)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // only JSON's own types are rendered
	}
	d := &Delivery{ID: f.id(), GUID: guid(), Event: "Push Hook", At: f.at(), Body: raw, hook: h, event: f.lab.chain}
	q.after = func() reply {
		f.deliver(q.Context(), t, d)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.tried(d)
		f.sent = append(f.sent, d)
		if d.Err != nil || d.Status >= 300 {
			return labRefuse(http.StatusUnprocessableEntity, "Hook executed but failed")
		}
		return made(obj{"message": "201 Created"})
	}
	return reply{}
}

package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Hook is a webhook of a group or project, as GitLab tells of it. What the library knows of one lacks whether GitLab
// switched it off, and since when which secrets it has.
type Hook struct {
	ID          int64
	URL         string
	Description string
	Events      []string // that it is sent, as GitLab calls them: "merge_requests_events"
	Verified    bool     // certificates are verified
	Filter      string   // of the branches whose pushes are sent
	Template    string   // of its own for the body
	Status      string   // executable, disabled, temporarily_disabled; "" where GitLab does not say
	Until       time.Time
	Token       *bool // whether it has a secret token, and a signing token; nil where GitLab does not say
	Signing     *bool
	described   bool // GitLab tells descriptions: from 17.1 on
}

// UnmarshalJSON reads it; every member that ends in _events is one.
func (h *Hook) UnmarshalJSON(b []byte) error {
	var x struct {
		ID          int64     `json:"id"`
		URL         string    `json:"url"`
		Description string    `json:"description"`
		Verified    bool      `json:"enable_ssl_verification"`
		Filter      string    `json:"push_events_branch_filter"`
		Template    string    `json:"custom_webhook_template"`
		Status      string    `json:"alert_status"`
		Until       time.Time `json:"disabled_until"`
		Token       *bool     `json:"token_present"`
		Signing     *bool     `json:"signing_token_present"`
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	*h = Hook{x.ID, x.URL, x.Description, nil, x.Verified, x.Filter, x.Template, x.Status, x.Until, x.Token, x.Signing, all["description"] != nil}
	for name, value := range all {
		if strings.HasSuffix(name, "_events") && string(value) == "true" {
			h.Events = append(h.Events, name)
		}
	}
	slices.Sort(h.Events)
	return nil
}

// Off says that GitLab sends nothing to the hook for now, or never more.
func (h *Hook) Off() bool { return h.Status == "disabled" || h.Status == "temporarily_disabled" }

// wanted are the events that Sluice makes use of.
func wanted(p Place) []string {
	events := []string{"confidential_note_events", "deployment_events", "job_events", "merge_requests_events", "note_events",
		"pipeline_events", "push_events", "releases_events", "tag_push_events"}
	if p.Group { // projects have none
		events = append(events, "member_events")
	}
	return events
}

// Wish is what a hook of ours shall be like.
type Wish struct {
	URL     string
	Token   string // the secret token; "" for none
	Signing string // whsec_...; "" for none
	Note    string // describes the hook, and tells which secrets it was given; it is no secret
}

// Hooks lists the webhooks of a place.
func (c *Client) Hooks(ctx context.Context, p Place) ([]Hook, error) {
	a, err := c.way(p.Path)
	if err != nil {
		return nil, err
	}
	list, cut, err := pages[Hook](ctx, a, p.route("hooks"), nil, 2)
	if err == nil && cut {
		err = fmt.Errorf("the %v has more than 200 webhooks", p)
	}
	return list, err
}

// Lacks says what a hook is not as it is wished to be, or nothing. Which secret it has GitLab does not tell; the note does.
func (h *Hook) Lacks(p Place, w Wish) (lacks []string) {
	if h.URL != w.URL {
		lacks = append(lacks, "it goes to another address")
	}
	for _, e := range wanted(p) {
		if !slices.Contains(h.Events, e) {
			lacks = append(lacks, "it is not sent "+e)
		}
	}
	switch {
	case !h.Verified:
		lacks = append(lacks, "certificates are not verified")
	case h.Filter != "":
		lacks = append(lacks, "pushes to some branches are not sent")
	case h.Template != "":
		lacks = append(lacks, "its body has a template of its own")
	}
	missing := func(has *bool, want string) bool { return has != nil && !*has && want != "" }
	switch {
	case missing(h.Token, w.Token) || missing(h.Signing, w.Signing):
		lacks = append(lacks, "it has no secret")
	case h.described && h.Description != w.Note:
		lacks = append(lacks, "its secret may be another one")
	}
	return lacks
}

// Ours finds the hook of ours: that with our address, or one of an address that we had before.
func Ours(list []Hook, w Wish) *Hook {
	for i := range list {
		if list[i].URL == w.URL {
			return &list[i]
		}
	}
	for i := range list {
		if noted(list[i].Description) && strings.HasSuffix(list[i].URL, "/webhook/gitlab") {
			return &list[i]
		}
	}
	return nil
}

// Describes begins the note on each hook that Sluice makes.
const Describes = "Sluice"

func noted(description string) bool { return strings.HasPrefix(description, Describes+" ") }

// Hang makes a hook, or has one be as it is wished to be.
func (c *Client) Hang(ctx context.Context, p Place, h *Hook, w Wish) (*Hook, error) {
	a, err := c.way(p.Path)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"url": w.URL, "name": Describes, "description": w.Note, "enable_ssl_verification": true,
		"push_events_branch_filter": "", "custom_webhook_template": ""}
	for _, e := range wanted(p) {
		body[e] = true
	}
	if w.Token != "" {
		body["token"] = w.Token
	}
	if w.Signing != "" {
		body["signing_token"] = w.Signing
	}
	method, route := http.MethodPost, p.route("hooks")
	if h != nil {
		method, route = http.MethodPut, p.route("hooks", fmt.Sprint(h.ID))
	}
	made := &Hook{}
	if _, err := a.send(ctx, method, route, nil, body, made); err != nil {
		return nil, err
	}
	return made, nil
}

// Wake has GitLab switch a hook on again that it switched off. Editing does not do that; a test delivery that arrives does.
// GitLab has one for projects, and from 17.1 on for groups.
func (c *Client) Wake(ctx context.Context, p Place, h *Hook) error {
	a, err := c.way(p.Path)
	if err != nil {
		return err
	}
	for _, trigger := range []string{"push_events", "merge_requests_events", "tag_push_events"} { // each needs something to tell of
		_, err = a.send(ctx, http.MethodPost, p.route("hooks", fmt.Sprint(h.ID), "test", trigger), nil, nil, nil)
		if err == nil || status(err) != http.StatusUnprocessableEntity {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("send a test delivery: %w", err)
	}
	now := Hook{}
	if _, err := a.get(ctx, p.route("hooks", fmt.Sprint(h.ID)), url.Values{}, &now); err != nil {
		return err
	}
	if now.Off() {
		return fmt.Errorf("the test delivery went out, and GitLab still has the hook switched off")
	}
	return nil
}

package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

var _ gate.Ledger = (*Client)(nil)

// Logged implements gate.Ledger: a hundred entries of the App's delivery log, which only the App itself may read. The page is
// never asked for conditionally, for an answer that nothing changed does not say what comes next.
// Source: GitHub "List deliveries for an app webhook".
func (c *Client) Logged(ctx context.Context, from string) (*gate.LogPage, error) {
	query := url.Values{"per_page": {"100"}}
	if from != "" {
		query.Set("cursor", from)
	}
	var list []struct {
		ID     int64     `json:"id"`
		GUID   string    `json:"guid"`
		At     time.Time `json:"delivered_at"`
		Status string    `json:"status"`
		Code   int       `json:"status_code"`
		Event  string    `json:"event"`
	}
	a, err := c.jwt.do(ctx, call{route: "GET /app/hook/deliveries", method: http.MethodGet, safe: true, raw: true, out: &list,
		url: c.bases.rest + "/app/hook/deliveries?" + query.Encode()})
	if err != nil {
		return nil, err
	}
	page := &gate.LogPage{Next: cursor(a.header.Values("Link"))}
	if t, err := http.ParseTime(a.header.Get("Date")); err == nil {
		page.At = t.UTC()
	}
	for _, d := range list {
		pending := d.Code == 0 && (d.Status == "" || strings.EqualFold(d.Status, "pending"))
		page.Entries = append(page.Entries, gate.Logged{ID: d.ID, GUID: d.GUID, Event: d.Event, At: d.At.UTC(), Pending: pending})
	}
	return page, nil
}

// Fetch implements gate.Ledger. Source: GitHub "Get a delivery for an app webhook".
func (c *Client) Fetch(ctx context.Context, id int64) (event string, body []byte, err error) {
	var d struct {
		Event   string `json:"event"`
		Request struct {
			Payload json.RawMessage `json:"payload"`
		} `json:"request"`
	}
	_, err = c.jwt.do(ctx, call{route: "GET /app/hook/deliveries/{id}", method: http.MethodGet, safe: true, raw: true, out: &d,
		url: c.bases.rest + fmt.Sprintf("/app/hook/deliveries/%d", id)})
	var e *Error
	switch {
	case errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusGone):
		return "", nil, fmt.Errorf("%w: delivery %d", gate.ErrGone, id)
	case err != nil:
		return "", nil, err
	case !bytes.HasPrefix(bytes.TrimSpace(d.Request.Payload), []byte("{")):
		return "", nil, fmt.Errorf("%w: delivery %d is there without its body", gate.ErrGone, id)
	}
	return d.Event, d.Request.Payload, nil
}

// cursor is where a list goes on, by its Link headers, or "". Only the cursor is taken of them: the address is ours to choose.
func cursor(links []string) string {
	for _, link := range strings.Split(strings.Join(links, ","), ",") {
		at, rel, ok := strings.Cut(link, ";")
		if !ok || !strings.Contains(rel, `rel="next"`) {
			continue
		}
		if u, err := url.Parse(strings.Trim(strings.TrimSpace(at), "<>")); err == nil {
			return u.Query().Get("cursor")
		}
	}
	return ""
}

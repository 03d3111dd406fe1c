package notices

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sluicegate/sluice/gate"
)

// hookChannel posts JSON, signed as https://www.standardwebhooks.com says.
type hookChannel struct {
	target
	line *line
	now  func() time.Time
}

// hookVersion is that of the body: another where a member changes its meaning or goes.
const hookVersion = 1

// hookBody is what is posted; docs/notices.md describes it. The same notice is the same bytes, however often it is sent.
type hookBody struct {
	Type      string    `json:"type"` // "promotion.live"
	Timestamp time.Time `json:"timestamp"`
	Version   int       `json:"version"`
	Data      hookData  `json:"data"`
}

// hookData is the notice in names of its own, so that what is kept may change and what is sent does not.
type hookData struct {
	ID          string   `json:"id"`
	Event       string   `json:"event"`
	Title       string   `json:"title"`
	Forge       string   `json:"forge"`
	Repo        string   `json:"repo"`
	Environment string   `json:"environment"`
	Commit      string   `json:"commit,omitempty"`
	Change      int      `json:"change,omitempty"`
	Promotion   string   `json:"promotion,omitempty"`
	Who         *hookWho `json:"who,omitempty"`
	Why         string   `json:"why,omitempty"`
	WaitsFor    []string `json:"waits_for,omitempty"`
	URL         string   `json:"url,omitempty"`
	ChangeURL   string   `json:"change_url,omitempty"`
}

type hookWho struct {
	ID    int64  `json:"id,omitempty"`
	Login string `json:"login,omitempty"`
}

func (c hookChannel) tell(ctx context.Context, n gate.Notification) error {
	body, err := hookText(n)
	if err != nil {
		return err
	}
	header := http.Header{}
	if err := c.sign(header, n.ID, body); err != nil {
		return errors.New("it could not be signed")
	}
	_, err = c.line.send(ctx, c.url, header, body)
	return c.line.outcome(err)
}

// sign sets the headers. While a secret is changed both sign, and a receiver takes whichever it knows.
func (c hookChannel) sign(h http.Header, id string, body []byte) error {
	at := c.now()
	var signatures []string
	for _, secret := range c.secrets {
		key, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return err
		}
		signature, err := key.Sign(id, at, body)
		if err != nil {
			return err
		}
		signatures = append(signatures, signature)
	}
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

// hookText is the body. JSON escapes what is in it, HTML's characters too.
func hookText(n gate.Notification) ([]byte, error) {
	d := hookData{ID: n.ID, Event: string(n.Event), Title: headline(n), Forge: n.Forge, Repo: n.Repo, Environment: n.Environment, Commit: n.Commit,
		Change: n.Change, Promotion: n.Promotion, Why: clean(n.Why, 800), WaitsFor: n.For}
	d.URL, _ = page(n.Page)
	d.ChangeURL, _ = page(n.ChangePage)
	if n.Who.ID != 0 || n.Who.Login != "" {
		d.Who = &hookWho{n.Who.ID, n.Who.Login}
	}
	return json.Marshal(hookBody{hookType(n.Event), n.At.UTC(), hookVersion, d})
}

// hookType is the event in the grammar of Standard Webhooks: words of letters and _ with dots between.
func hookType(e gate.NoticeEvent) string {
	about := "promotion."
	switch e {
	case gate.NoticeOutside, gate.NoticeBypassed, gate.NoticeUnprotected:
		about = "environment."
	}
	return about + strings.ReplaceAll(string(e), "-", "_")
}

package notices

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var theNotice = gate.NewNotification(gate.NoticeLive, "p1", gate.Notification{At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Forge: "github", Repo: "acme/shop",
	Environment: "production", Commit: "1a2b3c4d5e", Change: 7, Promotion: "p1", Who: checks.Person{ID: 3, Login: "mia"}, Why: "All lines hold.",
	Page: "https://sluice.example/decisions/1", ChangePage: "https://github.com/acme/shop/pull/7"})

// got is what a server was sent.
type got struct {
	header http.Header
	path   string
	body   []byte
}

// receiver is a server that keeps what it is sent and answers as told.
func receiver(t *testing.T, answer http.HandlerFunc) (url string, sent func() []got) {
	t.Helper()
	var mu sync.Mutex
	var all []got
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		all = append(all, got{r.Header.Clone(), r.URL.RequestURI(), body})
		mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []got { mu.Lock(); defer mu.Unlock(); return slices.Clone(all) }
}

func answers(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, "hunter2: token and more that is not for the log")
	}
}

// sender tells Slack, Teams and a webhook at one address.
func sender(t *testing.T, url string, o Options) *Sender {
	t.Helper()
	s, err := New(Settings{Targets: "slack+" + url + "/slack/hunter2 teams+" + url + "/teams?sig=hunter2", Webhook: url + "/hook/hunter2", Secret: goodSecret, Events: "all"}, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnAnswerDecidesWhetherToTryAgain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		final  bool
		after  time.Duration
		want   string
	}{
		"taken":                      {answers(202), false, 0, ""},
		"a fault":                    {answers(500), false, 0, "it answered 500 Internal Server Error"},
		"a gateway's fault":          {answers(502), false, 0, "it answered 502 Bad Gateway"},
		"too many":                   {answers(429), false, 0, "it answered 429 Too Many Requests"},
		"too many, with a pause":     {answers(429, "Retry-After", "90"), false, 90 * time.Second, "it answered 429 Too Many Requests"},
		"a pause as a date":          {answers(503, "Retry-After", now.Add(time.Minute).Format(http.TimeFormat)), false, time.Minute, "it answered 503"},
		"a pause that is none":       {answers(429, "Retry-After", "soon"), false, 0, "it answered 429"},
		"gone":                       {answers(410), true, 0, "it answered 410 Gone"},
		"not found":                  {answers(404), true, 0, "it answered 404 Not Found"},
		"not allowed":                {answers(401), true, 0, "it answered 401 Unauthorized"},
		"a redirect":                 {answers(307, "Location", "https://evil.example/hunter2"), true, 0, "it answered 307 Temporary Redirect, and redirects are not followed"},
		"a redirect of another kind": {answers(301, "Location", "/elsewhere"), true, 0, "it answered 301"},
		"an answer cut short is an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(202)
		}, false, 0, ""},
		"the connection is cut": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		}, false, 0, "the connection was cut"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, sent := receiver(t, c.answer)
			s := sender(t, url, Options{Now: func() time.Time { return now }})
			for i, target := range s.Names() {
				err := s.Tell(t.Context(), target, theNotice)
				text := ""
				if err != nil {
					text = err.Error()
				}
				var later *gate.RetryError
				errors.As(err, &later)
				switch {
				case (c.want == "") != (err == nil), !strings.Contains(text, c.want):
					t.Errorf("Tell(%s) = %v, want %q", target, err, c.want)
				case errors.Is(err, gate.ErrUndeliverable) != c.final:
					t.Errorf("Tell(%s) = %v, want it final: %t", target, err, c.final)
				case c.after != 0 && (later == nil || later.After != c.after), c.after == 0 && later != nil:
					t.Errorf("Tell(%s) = %v, want again in %v", target, err, c.after)
				}
				if strings.Contains(text, "hunter2") || strings.Contains(text, "evil") {
					t.Errorf("Tell(%s) shows a secret: %v", target, err)
				}
				if n := len(sent()); n != i+1 {
					t.Errorf("%d requests after %d notices, want each sent once", n, i+1)
				}
			}
		})
	}
}

func TestATargetThatHangsIsLeft(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	url, _ := receiver(t, func(_ http.ResponseWriter, r *http.Request) { <-hold })
	t.Cleanup(func() { close(hold) })
	s := sender(t, url, Options{Patience: 50 * time.Millisecond})
	for _, target := range s.Names() {
		if err := s.Tell(t.Context(), target, theNotice); err == nil || !strings.Contains(err.Error(), "did not answer within 50ms") || errors.Is(err, gate.ErrUndeliverable) {
			t.Errorf("Tell(%s) = %v, want that it did not answer", target, err)
		}
	}
}

func TestWhatCannotBeReachedIsSaidWithoutSecrets(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	untrusted := httptest.NewTLSServer(answers(200))
	untrusted.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	t.Cleanup(untrusted.Close)
	for want, at := range map[string]string{"it refused the connection": url, "its certificate is not trusted": untrusted.URL} {
		s := sender(t, at, Options{})
		for _, target := range s.Names() {
			if err := s.Tell(t.Context(), target, theNotice); err == nil || err.Error() != want {
				t.Errorf("Tell(%s) = %v, want %q", target, err, want)
			}
		}
	}
}

func TestNothingIsSentToWhoIsNotConfigured(t *testing.T) {
	t.Parallel()
	s, err := New(Settings{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tell(t.Context(), "slack-1", theNotice); !errors.Is(err, gate.ErrUndeliverable) || len(s.Names()) != 0 {
		t.Errorf("Tell = %v", err)
	}
}

// signed verifies a request as a receiver would that knows the specification and none of our code.
func signed(t *testing.T, g got, secret string, now time.Time) bool {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	at, err := strconv.ParseInt(g.header.Get("webhook-timestamp"), 10, 64)
	if err != nil || now.Sub(time.Unix(at, 0)).Abs() > 5*time.Minute {
		return false
	}
	h := hmac.New(sha256.New, key)
	io.WriteString(h, g.header.Get("webhook-id")+"."+g.header.Get("webhook-timestamp")+".")
	h.Write(g.body)
	want := "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
	return slices.Contains(strings.Split(g.header.Get("webhook-signature"), " "), want)
}

func TestTheWebhookIsSigned(t *testing.T) {
	t.Parallel()
	other := "whsec_" + base64.StdEncoding.EncodeToString([]byte("another secret of 24 byte"))
	now := time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC)
	url, sent := receiver(t, answers(204))
	s, err := New(Settings{Webhook: url + "/hook", Secret: goodSecret + " " + other}, Options{Now: func() time.Time { return now }, UserAgent: "sluice/test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tell(t.Context(), s.Names()[0], theNotice); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if err := s.Tell(t.Context(), s.Names()[0], theNotice); err != nil {
		t.Fatal(err)
	}
	all := sent()
	first, again := all[0], all[1]
	for _, secret := range []string{goodSecret, other} {
		if !signed(t, first, secret, now.Add(-time.Hour)) || !signed(t, again, secret, now) || signed(t, first, secret, now) {
			t.Errorf("the signature does not hold: %v", first.header)
		}
	}
	if signed(t, first, "whsec_"+base64.StdEncoding.EncodeToString([]byte("of nobody")), now.Add(-time.Hour)) {
		t.Error("a secret of nobody signs it")
	}
	altered := first
	altered.body = bytes.Replace(first.body, []byte("production"), []byte("elsewhere!"), 1)
	if signed(t, altered, goodSecret, now.Add(-time.Hour)) {
		t.Error("the body could be altered")
	}
	if !bytes.Equal(first.body, again.body) || first.header.Get("webhook-id") != theNotice.ID || again.header.Get("webhook-id") != theNotice.ID {
		t.Error("the same notice was sent under two names")
	}
	if first.header.Get("User-Agent") != "sluice/test" || first.header.Get("Content-Type") != "application/json" {
		t.Errorf("header = %v", first.header)
	}
	want := `{"type":"promotion.live","timestamp":"2026-03-01T12:00:00Z","version":1,"data":{"id":"` + theNotice.ID + `","event":"live",` +
		`"title":"acme/shop: 1a2b3c4 is live in production","forge":"github","repo":"acme/shop","environment":"production","commit":"1a2b3c4d5e","change":7,` +
		`"promotion":"p1","who":{"id":3,"login":"mia"},"why":"All lines hold.","url":"https://sluice.example/decisions/1","change_url":"https://github.com/acme/shop/pull/7"}}`
	if string(first.body) != want {
		t.Errorf("body = %s\nwant   %s", first.body, want)
	}
}

// Every event has words of its own, and a type in the grammar of Standard Webhooks.
func TestEveryEventHasItsWords(t *testing.T) {
	t.Parallel()
	titles := map[string]bool{}
	for _, e := range gate.NoticeEvents() {
		title, kind := headline(gate.Notification{Event: e, Repo: "acme/shop", Environment: "production", Commit: "1a2b3c4"}), hookType(e)
		if titles[title] || strings.Contains(title, ": "+string(e)+" in ") || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz_.") != "" {
			t.Errorf("%s: %q, %q", e, title, kind)
		}
		titles[title] = true
	}
}

func TestAConnectorThatAnswersWellAndTookNothing(t *testing.T) {
	t.Parallel()
	s, err := New(Settings{Targets: "teams+https://acme.webhook.office.com/webhookb2/x"}, Options{Transport: roundTrip(func(r *http.Request) *http.Response {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("Webhook message delivery failed with error: 429"))}
	})})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tell(context.Background(), s.Names()[0], theNotice); err == nil || errors.Is(err, gate.ErrUndeliverable) {
		t.Errorf("Tell = %v, want it tried again", err)
	}
}

type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// What Slack and Teams are sent, as they describe it.
func TestWhatSlackAndTeamsAreSent(t *testing.T) {
	t.Parallel()
	m := said(theNotice)
	for _, c := range []struct {
		message any
		want    string
	}{
		{slackMessage(m), `{"text":"acme/shop: 1a2b3c4 is live in production","parse":"none","blocks":[` +
			`{"type":"header","text":{"type":"plain_text","text":"acme/shop: 1a2b3c4 is live in production","emoji":false}},` +
			`{"type":"section","text":{"type":"plain_text","text":"All lines hold. By: mia Commit: 1a2b3c4d5e At: 2026-03-01 12:00:00 UTC","emoji":false}},` +
			`{"type":"context","elements":[{"type":"mrkdwn","text":"<https://sluice.example/decisions/1|Decision> · <https://github.com/acme/shop/pull/7|Change #7>","verbatim":true}]}],` +
			`"unfurl_links":false,"unfurl_media":false}`},
		{teamsCard(m), `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard",` +
			`"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","version":"1.4","body":[` +
			`{"type":"TextBlock","text":"acme/shop: 1a2b3c4 is live in production","size":"large","weight":"bolder","style":"heading","wrap":true},` +
			`{"type":"TextBlock","text":"All lines hold.","wrap":true},{"type":"TextBlock","text":"By: mia","wrap":true},` +
			`{"type":"TextBlock","text":"Commit: 1a2b3c4d5e","wrap":true},{"type":"TextBlock","text":"At: 2026-03-01 12:00:00 UTC","wrap":true}],"actions":[` +
			`{"type":"Action.OpenUrl","title":"Decision","url":"https://sluice.example/decisions/1"},` +
			`{"type":"Action.OpenUrl","title":"Change #7","url":"https://github.com/acme/shop/pull/7"}]}}]}`},
	} {
		var got bytes.Buffer
		e := json.NewEncoder(&got)
		e.SetEscapeHTML(false)
		if err := e.Encode(c.message); err != nil || strings.TrimSpace(got.String()) != c.want {
			t.Errorf("sent = %s (%v)\nwant   %s", got.String(), err, c.want)
		}
	}
}

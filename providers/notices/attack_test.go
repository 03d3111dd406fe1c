package notices

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// attacks are what a stranger may have put into any of a notice's strings.
func attacks() map[string]string {
	return map[string]string{
		"mention of a channel":   "<!channel> <!here> @here @everyone <@U123> <!subteam^S1>",
		"slack link":             "<https://evil.example|https://github.com/acme>",
		"markdown link":          "[https://github.com/acme](https://evil.example)",
		"markdown image":         "![x](https://evil.example/x.png)",
		"markdown reference":     "[x][y] [y]: https://evil.example",
		"autolink":               "<https://evil.example>",
		"teams mention":          "<at>everyone</at>",
		"card function":          "{{DATE(2026-01-01T00:00:00Z)}} ${secret} @{body('x')}",
		"html":                   `<img src=x onerror=alert(1)><script>alert(1)</script><a href="https://evil.example">x</a>`,
		"header injection":       "live\r\nBcc: victim@evil.example\r\n\r\nbody",
		"bare line feed":         "live\nBcc: victim@evil.example",
		"smtp end of data":       "live\r\n.\r\nMAIL FROM:<x@evil.example>",
		"direction override":     "safe\u202egpj.exe\u2066",
		"control characters":     "a\x00b\x1b[31mred\x7f\u0085",
		"encoded word":           "=?utf-8?q?=0d=0aBcc:_victim@evil.example?=",
		"broken utf-8":           "a\xff\xfeb",
		"json":                   `","type":"promotion.live","x":"`,
		"formatting":             "*bold* _it_ ~no~ `code` # head > quote",
		"emoji":                  ":rotating_light:",
		"very long":              strings.Repeat("w", 20000),
		"long without any space": strings.Repeat("é", 9000),
	}
}

// hostile is a notice with the attack in each of its strings.
func hostile(attack string) gate.Notification {
	return gate.Notification{ID: "ntc_1", Event: gate.NoticeWaiting, At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Forge: "github", Repo: attack,
		Environment: attack, Commit: attack, Change: 7, Promotion: "p", Who: checks.Person{ID: 3, Login: attack}, Why: attack, For: []string{attack, attack},
		Page: "https://sluice.example/decisions/1" + attack, ChangePage: "https://github.com/acme/shop/pull/7"}
}

func each(t *testing.T, try func(t *testing.T, n gate.Notification)) {
	t.Helper()
	for name, attack := range attacks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			try(t, hostile(attack))
			try(t, gate.NewNotification(gate.NoticeWaiting, "p", hostile(attack)))
		})
	}
}

// shown fails where what a person sees has characters that hide or turn round what is there.
func shown(t *testing.T, s string) {
	t.Helper()
	if strings.ContainsAny(s, "\x00\x1b\x7f\u0085\u202e\u2066\r") || strings.ToValidUTF8(s, "") != s {
		t.Errorf("shown: %.200q", s)
	}
}

func TestSlackShowsAttacksAsText(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n gate.Notification) {
		raw, err := json.Marshal(slackMessage(said(n)))
		if err != nil {
			t.Fatal(err)
		}
		type text struct {
			Type, Text string
			Emoji      bool
			Verbatim   bool
		}
		var m struct {
			Text, Parse string
			Blocks      []struct {
				Type     string
				Text     *text
				Elements []text
			}
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		shown(t, m.Text)
		if strings.ContainsAny(m.Text, "<>") || m.Parse != "none" || len(m.Blocks) < 2 {
			t.Errorf("message = %.300s", raw)
		}
		for _, b := range m.Blocks {
			if b.Text != nil { // Slack reads nothing but characters in plain_text
				shown(t, b.Text.Text)
				limit := map[string]int{"header": 150, "section": 3000}[b.Type]
				if b.Text.Type != "plain_text" || b.Text.Emoji || len([]rune(b.Text.Text)) > limit {
					t.Errorf("block = %.300v", b)
				}
			}
			for _, e := range b.Elements {
				for l := range strings.SplitSeq(e.Text, " · ") {
					address, label, _ := strings.Cut(strings.Trim(l, "<>"), "|")
					own := label == "Decision" && strings.HasPrefix(address, "https://sluice.example/decisions/1") || label == "Change #7" && address == "https://github.com/acme/shop/pull/7"
					if !own || strings.ContainsAny(address, "<>|\n ") {
						t.Errorf("link = %q, want our own alone", l)
					}
				}
				if !e.Verbatim {
					t.Errorf("mrkdwn = %q, want our own links alone", e.Text)
				}
			}
		}
	})
}

func TestTeamsShowsAttacksAsText(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n gate.Notification) {
		raw, err := json.Marshal(teamsCard(said(n)))
		if err != nil {
			t.Fatal(err)
		}
		var card struct {
			Attachments []struct {
				Content struct {
					Body    []struct{ Type, Text string }
					Actions []struct{ Type, URL string }
					MSTeams struct{ Entities []any }
				}
			}
		}
		if err := json.Unmarshal(raw, &card); err != nil || len(card.Attachments) != 1 {
			t.Fatalf("card = %.300s (%v)", raw, err)
		}
		c := card.Attachments[0].Content
		if len(c.MSTeams.Entities) != 0 || len(c.Body) < 2 || len(raw) > 28<<10 {
			t.Errorf("card = %.300s", raw)
		}
		for _, b := range c.Body {
			shown(t, b.Text)
			noMarkup(t, b.Text)
			if b.Type != "TextBlock" || strings.Contains(b.Text, "](") || strings.Contains(b.Text, "{{") || strings.Contains(b.Text, "${") {
				t.Errorf("text = %.200q", b.Text)
			}
		}
		for _, a := range c.Actions {
			if a.Type != "Action.OpenUrl" || !strings.HasPrefix(a.URL, "https://") || strings.Contains(a.URL, "evil") && !strings.HasPrefix(a.URL, "https://sluice.example/") {
				t.Errorf("action = %+v", a)
			}
		}
	})
}

// noMarkup reads s as Markdown.
func noMarkup(t *testing.T, s string) {
	t.Helper()
	err := ast.Walk(goldmark.DefaultParser().Parse(text.NewReader([]byte(s))), func(n ast.Node, in bool) (ast.WalkStatus, error) {
		switch n.(type) {
		case *ast.Link, *ast.Image, *ast.AutoLink, *ast.RawHTML, *ast.HTMLBlock, *ast.Emphasis, *ast.CodeSpan, *ast.Heading, *ast.Blockquote:
			t.Errorf("%.200q makes a %s", s, n.Kind())
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMailShowsAttacksAsText(t *testing.T) {
	t.Parallel()
	c := mailChannel{target: target{post: post{from: "sluice@acme.example", to: []string{"team@acme.example"}}}}
	each(t, func(t *testing.T, n gate.Notification) {
		m, err := c.letter(n)
		if err != nil {
			t.Fatal(err)
		}
		var raw bytes.Buffer
		if _, err := m.WriteTo(&raw); err != nil {
			t.Fatal(err)
		}
		got, err := mail.ReadMessage(bytes.NewReader(raw.Bytes()))
		if err != nil {
			t.Fatalf("%v in %.500s", err, raw.Bytes())
		}
		for _, header := range []string{"Bcc", "Cc"} {
			if got.Header.Get(header) != "" {
				t.Errorf("a header was slipped in: %v", got.Header)
			}
		}
		if to := got.Header["To"]; len(to) != 1 || to[0] != "<team@acme.example>" || len(got.Header["Subject"]) != 1 || len(got.Header["From"]) != 1 {
			t.Errorf("header = %v", got.Header)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
		if err != nil {
			t.Error(err)
		}
		shown(t, subject)
		if strings.Contains(subject, "\n") || len([]rune(subject)) > 150 {
			t.Errorf("subject = %q", subject)
		}
		if kind, _, _ := mime.ParseMediaType(got.Header.Get("Content-Type")); kind != "text/plain" || got.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Errorf("it is %q, want text", kind)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(got.Body))
		if err != nil {
			t.Error(err)
		}
		shown(t, strings.ReplaceAll(string(body), "\r\n", "\n"))
		if strings.Contains(string(body), "\r\n.\r\n") || !strings.Contains(string(body), "\r\nAt: 2026-03-01 12:00:00 UTC\r\n") {
			t.Errorf("body = %.300q", body)
		}
	})
}

func TestTheWebhookCarriesAttacksAsText(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n gate.Notification) {
		raw, err := hookText(n)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Type, Timestamp string
			Version         int
			Data            struct{ Title, Why, URL, ID string }
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatal(err)
		}
		if body.Type != "promotion.waiting" || body.Timestamp != "2026-03-01T12:00:00Z" || body.Version != 1 || body.Data.ID != n.ID || strings.ContainsAny(string(raw), "<>\n") {
			t.Errorf("body = %.300s", raw)
		}
		shown(t, body.Data.Title)
		shown(t, body.Data.Why)
	})
}

func FuzzTeamsEscape(f *testing.F) {
	for _, a := range attacks() {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, s string) {
		noMarkup(t, teamsEscape("acme/shop: "+clean(s, 500)))
	})
}

// An address leads to the web, names a host and carries no password, or it is not shown.
func TestPagesAreOfTheWeb(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://sluice.example/decisions/1": true, "http://localhost:8080/decisions/1": true,
		"javascript://acme.example/%0aalert": false, "ftp://acme.example/x": false, "data:text/html,x": false, "//acme.example/x": false,
		"https:///x": false, "https://ana:secret@acme.example/x": false, "": false,
	} {
		if _, ok := page(address); ok != want {
			t.Errorf("page(%q) = %v, want %v", address, ok, want)
		}
	}
}

// A client of Teams that does not know the backslash sees no link either.
func TestTeamsTakesLinksApart(t *testing.T) {
	t.Parallel()
	got := teamsEscape("see [here](https://evil.example) and ![x](https://evil.example/x.png)")
	if seen := strings.ReplaceAll(got, "\\", ""); strings.Contains(seen, "](") {
		t.Errorf("teamsEscape shows %q, which is a link", seen)
	}
}

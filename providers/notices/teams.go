package notices

import (
	"context"
	"net/http"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// teamsChannel posts an adaptive card to a workflow of Teams, or to one of the connectors that workflows replace.
type teamsChannel struct {
	target
	line *line
}

func (c teamsChannel) tell(ctx context.Context, n gate.Notification) error {
	text, err := c.line.post(ctx, c.url, teamsCard(said(n)))
	// A connector answers 200 to what it did not take either, and says so in its body alone.
	if err == nil && c.line.status == http.StatusOK && strings.TrimSpace(text) != "1" && strings.Contains(c.url, ".office.com/") {
		return &answerError{status: c.line.status}
	}
	return c.line.outcome(err)
}

// teamsPost is a message with a card, as Microsoft describes it under "Create and send messages with webhooks" and "Adaptive Cards".
type teamsPost struct {
	Type        string       `json:"type"`
	Attachments [1]teamsHeld `json:"attachments"`
}

type teamsHeld struct {
	ContentType string    `json:"contentType"`
	Content     teamsBody `json:"content"`
}

type teamsBody struct {
	Type    string       `json:"type"`
	Schema  string       `json:"$schema"`
	Version string       `json:"version"`
	Body    []teamsBlock `json:"body"`
	Actions []teamsLink  `json:"actions,omitempty"`
}

type teamsBlock struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Size   string `json:"size,omitempty"`
	Weight string `json:"weight,omitempty"`
	Style  string `json:"style,omitempty"`
	Wrap   bool   `json:"wrap"`
}

type teamsLink struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// teamsCard shows words in text blocks, whose Markdown is escaped. There are no mentions: a card without entities has none.
func teamsCard(m message) teamsPost {
	card := teamsBody{Type: "AdaptiveCard", Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Version: "1.4", Body: []teamsBlock{
		{Type: "TextBlock", Text: teamsEscape(m.title), Size: "large", Weight: "bolder", Style: "heading", Wrap: true}}}
	for _, l := range m.lines {
		card.Body = append(card.Body, teamsBlock{Type: "TextBlock", Text: teamsEscape(l), Wrap: true})
	}
	for _, l := range m.links {
		card.Actions = append(card.Actions, teamsLink{"Action.OpenUrl", l.label, l.url})
	}
	return teamsPost{"message", [1]teamsHeld{{"application/vnd.microsoft.card.adaptive", card}}}
}

// teamsEscape sets a backslash before what Markdown reads as more than itself, and takes a link's two halves apart for
// the clients that do not know the backslash.
func teamsEscape(s string) string {
	s = strings.ReplaceAll(s, "](", "] (")
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_[]()<>~#{}!|&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

package notices

import (
	"context"
	"errors"
	"strings"

	teams "github.com/atc0005/go-teams-notify/v2"
	"github.com/atc0005/go-teams-notify/v2/adaptivecard"

	"github.com/sluicegate/sluice/gate"
)

// teamsChannel posts an adaptive card to a workflow of Teams, or to one of the connectors that workflows replace.
type teamsChannel struct {
	target
	line *line
}

func (c teamsChannel) tell(ctx context.Context, n gate.Notification) error {
	card, err := teamsCard(said(n))
	if err != nil {
		return err
	}
	client := teams.NewTeamsClient().SetHTTPClient(c.line.client()).SkipWebhookURLValidationOnSend(true) // the operator named it
	err = client.SendWithContext(ctx, c.url, card)
	// A connector answers 200 to what it did not take either, and says so in its body alone.
	if errors.Is(err, teams.ErrInvalidWebhookURLResponseText) && strings.Contains(c.url, ".office.com/") {
		return &answerError{status: c.line.status}
	}
	return c.line.outcome(err)
}

// teamsCard shows words in text blocks, whose Markdown is escaped. There are no mentions: a card without entities has none.
func teamsCard(m message) (*adaptivecard.Message, error) {
	card := adaptivecard.NewCard()
	card.Body = append(card.Body, adaptivecard.NewTitleTextBlock(teamsEscape(m.title), true))
	for _, l := range m.lines {
		card.Body = append(card.Body, adaptivecard.NewTextBlock(teamsEscape(l), true))
	}
	for _, l := range m.links {
		action, err := adaptivecard.NewActionOpenURL(l.url, l.label)
		if err != nil {
			return nil, err
		}
		card.Actions = append(card.Actions, action)
	}
	return adaptivecard.NewMessageFromCard(card)
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

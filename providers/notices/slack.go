package notices

import (
	"context"
	"strings"

	"github.com/slack-go/slack"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// slackChannel posts to an incoming webhook of Slack.
type slackChannel struct {
	target
	line *line
}

func (c slackChannel) tell(ctx context.Context, n gate.Notification) error {
	return c.line.outcome(slack.PostWebhookCustomHTTPContext(ctx, c.url, c.line.client(), slackMessage(said(n))))
}

// slackText is less than the 3000 characters that Slack takes in a section: with one more it refuses the whole message.
const slackText = 2900

// slackMessage shows words as plain_text, which Slack reads neither mentions, links nor formatting in. Only our own
// links are mrkdwn. Text is what phones and screen readers show instead.
func slackMessage(m message) *slack.WebhookMessage {
	plain := func(s string) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
	}
	blocks := []slack.Block{slack.NewHeaderBlock(plain(m.title))}
	blocks = append(blocks, slack.NewSectionBlock(plain(checks.Clip(strings.Join(m.lines, "\n"), slackText)), nil, nil))
	var links []string
	for _, l := range m.links {
		links = append(links, "<"+slackEscape(l.url)+"|"+slackEscape(l.label)+">")
	}
	if len(links) > 0 {
		text := slack.NewTextBlockObject(slack.MarkdownType, strings.Join(links, " · "), false, true)
		blocks = append(blocks, slack.NewContextBlock("", text))
	}
	off := false
	return &slack.WebhookMessage{Text: slackEscape(m.title), Parse: "none", Blocks: &slack.Blocks{BlockSet: blocks}, UnfurlLinks: &off, UnfurlMedia: &off}
}

// slackEscape writes the three characters that begin a mention, a link or an entity.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

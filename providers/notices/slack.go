package notices

import (
	"context"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// slackChannel posts to an incoming webhook of Slack.
type slackChannel struct {
	target
	line *line
}

func (c slackChannel) tell(ctx context.Context, n gate.Notification) error {
	_, err := c.line.post(ctx, c.url, slackMessage(said(n)))
	return c.line.outcome(err)
}

// slackSection is less than the 3000 characters that Slack takes in a section: with one more it refuses the whole message.
const slackSection = 2900

// slackPost is a message, as Slack describes it under "Sending messages using incoming webhooks" and "Block Kit".
type slackPost struct {
	Text        string       `json:"text"` // what phones and screen readers show instead
	Parse       string       `json:"parse"`
	Blocks      []slackBlock `json:"blocks"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji,omitempty"`    // of plain_text: whether :smile: is one
	Verbatim bool   `json:"verbatim,omitempty"` // of mrkdwn: addresses and names in it are no links
}

// slackMessage shows words as plain_text, which Slack reads neither mentions, links nor formatting in. Only our own
// links are mrkdwn.
func slackMessage(m message) slackPost {
	plain := func(s string) *slackText { return &slackText{Type: "plain_text", Text: s, Emoji: new(bool)} }
	post := slackPost{Text: slackEscape(m.title), Parse: "none", Blocks: []slackBlock{
		{Type: "header", Text: plain(m.title)},
		{Type: "section", Text: plain(checks.Clip(strings.Join(m.lines, "\n"), slackSection))},
	}}
	var links []string
	for _, l := range m.links {
		links = append(links, "<"+slackEscape(l.url)+"|"+slackEscape(l.label)+">")
	}
	if len(links) > 0 {
		text := slackText{Type: "mrkdwn", Text: strings.Join(links, " · "), Verbatim: true}
		post.Blocks = append(post.Blocks, slackBlock{Type: "context", Elements: []slackText{text}})
	}
	return post
}

// slackEscape writes the three characters that begin a mention, a link or an entity.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

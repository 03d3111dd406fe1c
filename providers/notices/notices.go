// Package notices tells people outside of the forge what happened to an environment: in Slack, in Teams, by e-mail, and
// to any program by a signed webhook.
//
// It refuses to show a secret (a target is known by its kind and a fingerprint), to follow a redirect, to mention
// anybody, and to let a stranger's text be more than text. It decides nothing, remembers nothing and tries once: what is
// tried again, and when, is the queue's.
package notices

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// patience is how long a target has to take a notice.
const patience = 15 * time.Second

// Options are what a Sender is given beside its settings. All of them may be zero.
type Options struct {
	Now       func() time.Time
	Log       *slog.Logger
	Transport http.RoundTripper // towards Slack, Teams and the webhook
	MailTLS   *tls.Config       // whom a mail server's certificate is trusted by
	UserAgent string
	Patience  time.Duration
}

// Sender sends notices to the targets of the settings. It is safe for concurrent use.
type Sender struct {
	opts    Options
	events  []gate.NoticeEvent
	targets []target
}

var _ gate.Messenger = (*Sender)(nil)

// channel is how a target is told. An error says no secret, or is one that explain knows how to put.
type channel interface {
	tell(ctx context.Context, n gate.Notification) error
}

// New returns a Sender, which has no targets when the settings name none.
func New(s Settings, o Options) (*Sender, error) {
	targets, err := s.targets()
	if err != nil {
		return nil, err
	}
	events, err := s.events()
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	if o.Patience <= 0 {
		o.Patience = patience
	}
	return &Sender{opts: o, events: events, targets: targets}, nil
}

// Names are the targets, as Tell takes them.
func (s *Sender) Names() (names []string) {
	for _, t := range s.targets {
		names = append(names, t.name)
	}
	return names
}

// Serves says whether there is such a target.
func (s *Sender) Serves(name string) bool { return slices.Contains(s.Names(), name) }

// Targets are those that want a notice: all do, of the events that the settings name, but those kept to some environments.
func (s *Sender) Targets(n gate.Notification) (names []string) {
	if !slices.Contains(s.events, n.Event) {
		return nil
	}
	for _, t := range s.targets {
		if len(t.environments) == 0 || slices.Contains(t.environments, strings.ToLower(n.Environment)) {
			names = append(names, t.name)
		}
	}
	return names
}

// Tell sends one notice to one target, once.
func (s *Sender) Tell(ctx context.Context, name string, n gate.Notification) error {
	i := slices.IndexFunc(s.targets, func(t target) bool { return t.name == name })
	if i < 0 {
		return fmt.Errorf("%w: there is no target %s", gate.ErrUndeliverable, name)
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.Patience)
	defer cancel()
	return s.explain(s.open(s.targets[i]).tell(ctx, n))
}

// open makes what tells a target once.
func (s *Sender) open(t target) channel {
	line := &line{base: s.opts.Transport, agent: s.opts.UserAgent}
	switch t.kind {
	case kindSlack:
		return slackChannel{t, line}
	case kindTeams:
		return teamsChannel{t, line}
	case kindMail:
		return mailChannel{t, s.opts.MailTLS}
	default:
		return hookChannel{t, line, s.opts.Now}
	}
}

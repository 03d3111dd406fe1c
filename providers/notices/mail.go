package notices

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/sluicegate/sluice/gate"
)

// mailChannel sends a plain text by SMTP. There is no HTML part: nothing in it can be more than text.
type mailChannel struct {
	target
	tls *tls.Config
}

// mailError is what came of talking to a mail server.
type mailError struct {
	code  int  // of its answer; 0: none
	final bool // it will not take this message
	err   error
}

func (e *mailError) Error() string { return fmt.Sprintf("the mail server answered %d", e.code) }
func (e *mailError) Unwrap() error { return e.err }

// explain says whether to try again. What the server says is not repeated, for it may quote addresses and passwords.
func (e *mailError) explain(s *Sender) error {
	reason := s.reason(e.err)
	switch {
	case e.code != 0 && e.final:
		return fmt.Errorf("%w: %s", gate.ErrUndeliverable, e.Error())
	case e.code != 0:
		return errors.New(e.Error())
	case reason == unreachable && !errors.As(e.err, new(*net.OpError)):
		return errors.New("the mail server offers no encryption (STARTTLS), or not the way to sign in that we have")
	}
	return errors.New(reason)
}

func (c mailChannel) tell(ctx context.Context, n gate.Notification) error {
	m, err := c.letter(n)
	if err != nil {
		return err
	}
	client, err := c.client(ctx)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, m)
	if m.IsDelivered() {
		return nil // it has it; that it said good-bye badly is no reason to send it again
	}
	var refused *mail.SendError
	var answered *textproto.Error
	failed := &mailError{err: err}
	if errors.As(err, &refused) && refused.ErrorCode() != 0 {
		failed.code, failed.final = refused.ErrorCode(), refused.ErrorCode() >= 500
	} else if errors.As(err, &answered) { // before the message: a wrong password, say, which somebody will mend
		failed.code = answered.Code
	}
	return failed
}

// client never sends a password or a notice in the clear, but to this very machine.
func (c mailChannel) client(ctx context.Context) (*mail.Client, error) {
	p := c.post
	options := []mail.Option{mail.WithPort(p.port), mail.WithTLSPolicy(mail.TLSMandatory)}
	if p.implicit {
		options = append(options, mail.WithSSL())
	}
	if p.bare {
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	if end, ok := ctx.Deadline(); ok {
		options = append(options, mail.WithTimeout(max(time.Until(end), time.Millisecond)))
	}
	if p.user != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(p.user), mail.WithPassword(p.password))
	}
	if c.tls != nil {
		config := c.tls.Clone()
		config.ServerName = p.host
		options = append(options, mail.WithTLSConfig(config))
	}
	return mail.NewClient(p.host, options...)
}

// letter is the message. Its id is the notice's: who gets it twice after a crash has a chance to see that.
func (c mailChannel) letter(n gate.Notification) (*mail.Msg, error) {
	words := said(n)
	m := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(mail.EncodingQP))
	if err := m.FromFormat("Sluice", c.post.from); err != nil {
		return nil, errors.New("its sender is no address")
	}
	if err := m.To(c.post.to...); err != nil {
		return nil, errors.New("one of its receivers is no address")
	}
	_, domain, _ := strings.Cut(c.post.from, "@")
	m.SetMessageIDWithValue(n.ID + "@" + domain)
	m.SetDateWithValue(n.At)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.Subject(words.title)
	body := strings.Join(words.lines, "\n") + "\n"
	for _, l := range words.links {
		body += "\n" + l.label + ": " + l.url
	}
	m.SetBodyString(mail.TypeTextPlain, body+"\n")
	return m, nil
}

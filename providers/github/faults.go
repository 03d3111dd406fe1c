package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/bradleyfalzon/ghinstallation/v2"

	"github.com/sluicegate/sluice/gate"
)

// faulty makes an error without an answer readable: a token that could not be had, a connection that broke.
func (in *installation) faulty(c call, err error) error {
	var mint *ghinstallation.HTTPError
	if errors.As(err, &mint) {
		return in.unminted(mint)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var refused *Error
	if errors.As(err, &refused) {
		return err
	}
	err = fmt.Errorf("%s: %w", c.route, err)
	if !c.safe && !untouched(err) {
		return &unclear{err}
	}
	return err
}

// unminted explains why GitHub gave no token for the installation.
func (in *installation) unminted(e *ghinstallation.HTTPError) error {
	const route = "POST /app/installations/{id}/access_tokens"
	if e.Response == nil {
		return fmt.Errorf("%s: %w", route, e.RootCause)
	}
	body, _ := io.ReadAll(io.LimitReader(e.Response.Body, 64<<10)) // the message is a help, no more
	e.Response.Body.Close()
	a := &answer{e.Response.StatusCode, e.Response.Header, body}
	now := in.client.opts.Now()
	if err := in.limits.note(a, "core", now, in.client.opts.Jitter()); err != nil {
		return err
	}
	err := refusal(route, a)
	switch {
	case a.status == http.StatusNotFound:
		in.client.lose(in.id)
	case a.status == http.StatusUnauthorized:
		err.Message += " (check SLUICE_GITHUB_APP_ID, SLUICE_GITHUB_PRIVATE_KEY and the clock)"
	case a.status == http.StatusForbidden && strings.Contains(strings.ToLower(err.Message), "suspended"):
		return fmt.Errorf("%w: %w", gate.ErrGone, err)
	}
	return err
}

// passing says whether the fault may be gone at the next try.
func passing(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Status >= 500
	}
	var mint *ghinstallation.HTTPError
	if errors.As(err, &mint) && mint.Response != nil {
		return mint.Response.StatusCode >= 500
	}
	return !errors.Is(err, context.Canceled) && !errors.Is(err, gate.ErrLapsed) && !isRetry(err) && !strings.Contains(err.Error(), "not the configured forge")
}

// untouched says whether a failed call cannot have reached GitHub: no token was had, or no connection, or it was not sent
// because others may have the work.
func untouched(err error) bool {
	var mint *ghinstallation.HTTPError
	var dial *net.OpError
	return errors.Is(err, gate.ErrLapsed) || errors.As(err, &mint) || errors.As(err, &dial) && dial.Op == "dial"
}

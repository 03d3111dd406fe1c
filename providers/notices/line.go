package notices

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// most is how much of an answer is read: what a target has to say is not for us.
const most = 64 << 10

// line is the way to one target for one notice. It remembers what was answered, whatever becomes of its body.
type line struct {
	base   http.RoundTripper
	agent  string
	status int
	header http.Header
}

// client follows no redirect: a notice goes where the operator said, and nowhere else.
func (l *line) client() *http.Client {
	return &http.Client{Transport: l, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// RoundTrip sends the request and bounds the answer.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := gate.Held(r.Context()); err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", l.agent)
	resp, err := l.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	l.status, l.header = resp.StatusCode, resp.Header
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, most), resp.Body}
	return resp, nil
}

// post sends JSON, and returns what the answer says. Whether that is well is outcome's to tell.
func (l *line) post(ctx context.Context, url string, body any) (text string, err error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	return l.send(ctx, url, http.Header{}, raw)
}

// send sends JSON that is written already.
func (l *line) send(ctx context.Context, url string, header http.Header, body []byte) (text string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", errors.New("its address is none")
	}
	r.Header = header
	r.Header.Set("Content-Type", "application/json")
	resp, err := l.client().Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	return string(said), err
}

// answerError is an answer that took nothing.
type answerError struct {
	status int
	after  string // Retry-After
}

func (e *answerError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("it answered %d %s", e.status, http.StatusText(e.status)))
}

// outcome is what came of it: the answer where there was one, else err.
func (l *line) outcome(err error) error {
	switch {
	case l.status >= 200 && l.status < 300:
		return nil
	case l.status != 0:
		return &answerError{l.status, l.header.Get("Retry-After")}
	case err == nil:
		return errors.New("nothing was sent")
	}
	return err
}

// explain says what went wrong in our own words, for the errors of libraries quote URLs and answers, and with them
// secrets; and whether to try again.
func (s *Sender) explain(err error) error {
	var answer *answerError
	var mail *mailError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mail):
		return mail.explain(s)
	case !errors.As(err, &answer):
		return fmt.Errorf("%s", s.reason(err))
	}
	switch code := answer.status; {
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500, code < 300:
		if after := s.pause(answer.after); after > 0 {
			return &gate.RetryError{After: after, Err: answer}
		}
		return answer
	case code < 400:
		return fmt.Errorf("%w: %v, and redirects are not followed: name the address that it leads to", gate.ErrUndeliverable, answer)
	}
	return fmt.Errorf("%w: %v", gate.ErrUndeliverable, answer)
}

// pause reads Retry-After, in seconds or as a date; 0: it says nothing.
func (s *Sender) pause(after string) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(after)); err == nil && n > 0 {
		return time.Duration(min(n, 24*3600)) * time.Second
	}
	if t, err := http.ParseTime(after); err == nil {
		return max(t.Sub(s.opts.Now()), 0)
	}
	return 0
}

const unreachable = "it could not be reached"

// reason is why nothing was answered.
func (s *Sender) reason(err error) string {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var slow net.Error
	switch {
	case errors.As(err, &dns):
		return "its name was not found"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return fmt.Sprintf("it did not answer within %v", s.opts.Patience)
	case errors.Is(err, context.Canceled):
		return "it was not told before the server stopped"
	case errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &verify):
		return "its certificate is not trusted"
	case errors.As(err, &record), errors.As(err, &alert):
		return "it does not speak TLS as we do"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refused the connection"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was cut"
	}
	return unreachable
}

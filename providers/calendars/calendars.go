// Package calendars reads the iCalendar texts that policies name by address.
//
// A policy is written by people who must not make the server fetch what they like: it refuses every address that does
// not begin with one that the operator allowed, redirects to elsewhere, texts above 2 MB, and anything but HTTPS, save
// from this machine. It refuses to read what it fetches: that is the business of the checks.
package calendars

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Bounds.
const (
	mostBytes = 2 << 20
	fresh     = time.Minute      // so long no question is asked again
	kept      = time.Hour        // so long the last good text stands in for one that cannot be had
	patience  = 20 * time.Second // for one answer, redirects included
	mostKept  = 200              // addresses
)

// ErrNotAllowed says that the operator did not allow the address.
var ErrNotAllowed = errors.New("the address is not among those that SLUICE_CALENDARS allows")

// Settings are what the environment says about calendars.
type Settings struct {
	Allowed []string `env:"SLUICE_CALENDARS" desc:"addresses that policies may name calendars under, with commas between: https://cal.example/freezes/"`
}

// Check returns an error that names the setting, or nil.
func (s Settings) Check() error {
	for _, a := range s.Allowed {
		if _, err := parse(a); err != nil {
			return fmt.Errorf("SLUICE_CALENDARS: %w", err)
		}
	}
	return nil
}

// Client fetches calendars, each at most once a minute.
type Client struct {
	allowed []*url.URL
	web     http.Client
	now     func() time.Time
	flights singleflight.Group

	mu   sync.Mutex
	kept map[string]answer
}

// answer is the last good text of an address.
type answer struct {
	text, etag, modified string
	read                 time.Time // when it was last known to be current
}

// New makes a client over a transport; nil stands for one of its own.
func New(s Settings, transport http.RoundTripper, now func() time.Time) (*Client, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxResponseHeaderBytes = 64 << 10
		transport = own
	}
	c := &Client{now: now, kept: map[string]answer{}}
	for _, a := range s.Allowed {
		u, _ := parse(a)
		c.allowed = append(c.allowed, u)
	}
	c.web = http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 5 {
			return errors.New("it redirects too often")
		}
		if !c.allows(r.URL) {
			return fmt.Errorf("it redirects to %s: %w", r.URL.Redacted(), ErrNotAllowed)
		}
		return nil
	}}
	return c, nil
}

// parse reads an address that may be fetched or allowed.
func parse(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, fmt.Errorf("%q is not an https:// URL", s)
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		return nil, fmt.Errorf("%q is not an https:// URL; http:// is for this machine alone", s)
	case u.User != nil || u.Fragment != "":
		return nil, fmt.Errorf("the URL on %s holds a name, a password or a #fragment", u.Host)
	}
	return u, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// allows says that an allowed address is the beginning of this one: the same scheme and host, and a path below it, by
// whole steps.
func (c *Client) allows(u *url.URL) bool {
	if u.User != nil || crooked(u) {
		return false
	}
	for _, a := range c.allowed {
		below := strings.TrimSuffix(a.Path, "/") + "/"
		if a.RawQuery != "" && (u.Path != a.Path || u.RawQuery != a.RawQuery) {
			continue
		}
		if u.Scheme == a.Scheme && strings.EqualFold(host(u), host(a)) && (u.Path == a.Path || strings.HasPrefix(u.Path, below)) {
			return true
		}
	}
	return false
}

// crooked says that the path climbs, or hides a slash: who serves it may take it for another one than we do.
func crooked(u *url.URL) bool {
	straight := path.Clean("/" + u.Path)
	if strings.HasSuffix(u.Path, "/") && straight != "/" {
		straight += "/"
	}
	return u.Path != "" && u.Path != straight || strings.Contains(u.Path, `\`) || strings.Contains(strings.ToLower(u.EscapedPath()), "%2f")
}

// host is host and port, the usual port told.
func host(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Hostname() + ":" + port
}

// Calendar returns the text under an address and when it was known to be current: just now, or up to an hour ago, when
// the address does not answer as it should. Past that it is the error.
func (c *Client) Calendar(ctx context.Context, address string) (text string, read time.Time, err error) {
	u, err := parse(address)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read the calendar: %w", err)
	}
	if !c.allows(u) {
		return "", time.Time{}, fmt.Errorf("read the calendar %s: %w; its operator can add it there", u.Redacted(), ErrNotAllowed)
	}
	last, has := c.last(u.String())
	if has && c.now().Sub(last.read) < fresh {
		return last.text, last.read, nil
	}
	// Those who ask at once share one request, which therefore outlasts each of them.
	result := c.flights.DoChan(u.String(), func() (any, error) {
		return c.fetch(context.WithoutCancel(ctx), u, last)
	})
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case r := <-result:
		if r.Err == nil {
			a := r.Val.(answer)
			return a.text, a.read, nil
		}
		err = r.Err
	}
	if has && c.now().Sub(last.read) < kept {
		return last.text, last.read, nil
	}
	return "", time.Time{}, fmt.Errorf("read the calendar %s: %w", u.Redacted(), err)
}

func (c *Client) last(address string) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.kept[address]
	return a, ok
}

// fetch asks the address, whether anything has changed since the last answer.
func (c *Client) fetch(ctx context.Context, u *url.URL, last answer) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Accept", "text/calendar, text/plain;q=0.5")
	r.Header.Set("User-Agent", "Sluice")
	if last.etag != "" {
		r.Header.Set("If-None-Match", last.etag)
	}
	if last.modified != "" {
		r.Header.Set("If-Modified-Since", last.modified)
	}
	asked := c.now()
	w, err := c.web.Do(r)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // which tells the address a second time
		}
		return answer{}, err
	}
	defer w.Body.Close()
	switch {
	case w.StatusCode == http.StatusNotModified && last.text != "":
		last.read = asked
	case w.StatusCode != http.StatusOK:
		return answer{}, fmt.Errorf("it answers %d", w.StatusCode)
	default:
		text, err := io.ReadAll(io.LimitReader(w.Body, mostBytes+1))
		if err != nil {
			return answer{}, fmt.Errorf("its answer breaks off: %w", err)
		}
		if len(text) > mostBytes {
			return answer{}, errors.New("it is larger than 2 MB")
		}
		last = answer{string(text), w.Header.Get("ETag"), w.Header.Get("Last-Modified"), asked}
	}
	c.keep(u.String(), last)
	return last, nil
}

// keep remembers an answer, and forgets the oldest where there are too many.
func (c *Client) keep(address string, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[address] = a
	if len(c.kept) <= mostKept {
		return
	}
	oldest := address
	for k, v := range c.kept {
		if v.read.Before(c.kept[oldest].read) {
			oldest = k
		}
	}
	delete(c.kept, oldest)
}

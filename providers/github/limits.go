package github

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// limits remembers until when GitHub wants to be left alone, for one installation: a primary limit holds for its
// resource, a secondary one for all.
type limits struct {
	mu     sync.Mutex
	until  map[string]time.Time // by resource; "" for all
	streak int                  // secondary limits in a row, without word of how long
}

var (
	errPrimary   = errors.New("GitHub's hourly quota is used up")
	errSecondary = errors.New("GitHub asks for a pause (secondary rate limit)")
)

// check refuses a call locally while GitHub would.
func (l *limits) check(resource string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.until[""]; now.Before(t) {
		return &gate.RetryError{After: t.Sub(now), Err: errSecondary, Quota: true}
	}
	if t := l.until[resource]; now.Before(t) {
		return &gate.RetryError{After: t.Sub(now), Err: errPrimary, Quota: true}
	}
	return nil
}

// note reads what an answer says about limits. It returns a *gate.RetryError when the answer is a refusal for that
// reason. The reset is told in the forge's time, hence counted from the answer's Date.
func (l *limits) note(a *answer, resource string, now time.Time, jitter float64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := a.header.Get("X-RateLimit-Resource"); r != "" {
		resource = r
	}
	used := a.header.Get("X-RateLimit-Remaining") == "0"
	after := wait(a.header, used, now)
	refused := a.status == http.StatusTooManyRequests || a.status == http.StatusForbidden &&
		(used || a.header.Get("Retry-After") != "" || mentions(a.body, "rate limit") || mentions(a.body, "abuse detection"))
	if a.status == http.StatusOK && resource == "graphql" && limited(a.body) {
		refused = true
	}
	switch {
	case !refused:
		if used && after > 0 && a.status < 400 {
			l.hold(resource, now.Add(after))
		}
		if a.status < 400 {
			l.streak = 0
		}
		return nil
	case used && a.header.Get("Retry-After") == "":
		if after <= 0 {
			after = time.Second
		}
		after += time.Duration(jitter * float64(2*time.Second))
		l.hold(resource, now.Add(after))
		return &gate.RetryError{After: after, Err: errPrimary, Quota: true}
	}
	if after <= 0 {
		after = time.Minute << min(l.streak, 4)
		l.streak++
	}
	after += time.Duration(jitter * float64(time.Second))
	l.hold("", now.Add(after))
	return &gate.RetryError{After: after, Err: errSecondary, Quota: true}
}

func (l *limits) hold(resource string, until time.Time) {
	if l.until == nil {
		l.until = map[string]time.Time{}
	}
	if until.After(l.until[resource]) {
		l.until[resource] = until
	}
}

// wait is how long the headers ask for; 0 when they do not say.
func wait(h http.Header, used bool, now time.Time) time.Duration {
	if s := h.Get("Retry-After"); s != "" {
		if n, err := strconv.Atoi(s); err == nil && n >= 0 {
			return min(time.Duration(n)*time.Second, 2*time.Hour)
		}
		if t, err := http.ParseTime(s); err == nil {
			return min(max(t.Sub(now), time.Second), 2*time.Hour)
		}
	}
	reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if !used || err != nil {
		return 0
	}
	theirs := now
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		theirs = t
	}
	return min(max(time.Unix(reset, 0).Sub(theirs), time.Second), 2*time.Hour)
}

func mentions(body []byte, word string) bool {
	return len(body) < 64<<10 && strings.Contains(strings.ToLower(string(body)), word)
}

// limited says whether a GraphQL answer with status 200 is a refusal for a limit. Only an answer without data can be.
func limited(body []byte) bool {
	if len(body) > 64<<10 || !bytes.Contains(body, []byte(`"errors"`)) || !bytes.Contains(body, []byte("RATE_LIMIT")) && !bytes.Contains(body, []byte("rate limit")) {
		return false
	}
	errs, data, err := graphErrors(body)
	if err != nil || data {
		return false
	}
	for _, e := range errs {
		if e.Type == "RATE_LIMITED" || e.Type == "RATE_LIMIT" || strings.Contains(strings.ToLower(e.Message), "rate limit") {
			return true
		}
	}
	return false
}

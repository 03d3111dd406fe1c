package gitlab

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// limits remembers until when GitLab wants to be left alone, for one token.
type limits struct {
	mu     sync.Mutex
	until  time.Time
	streak int // refusals in a row without word of how long
}

var errLimit = errors.New("GitLab asks for a pause (rate limit)")

// check refuses a call locally while GitLab would.
func (l *limits) check(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.until) {
		return &gate.RetryError{After: l.until.Sub(now), Err: errLimit, Quota: true}
	}
	return nil
}

// note reads what an answer says about limits. It returns a *gate.RetryError when the answer is a refusal for that
// reason; such a call had no effect. The reset is told in GitLab's time, hence counted from the answer's Date.
func (l *limits) note(resp *http.Response, now time.Time, jitter float64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	used := resp.Header.Get("RateLimit-Remaining") == "0"
	after := wait(resp.Header, used, now)
	refused := resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusForbidden && resp.Header.Get("Retry-After") != ""
	if !refused {
		if used && after > 0 && resp.StatusCode < 400 {
			l.hold(now.Add(after))
		}
		if resp.StatusCode < 400 {
			l.streak = 0
		}
		return nil
	}
	if after <= 0 {
		after = time.Minute << min(l.streak, 4)
		l.streak++
	}
	after += time.Duration(jitter * float64(time.Second))
	l.hold(now.Add(after))
	return &gate.RetryError{After: after, Err: errLimit, Quota: true}
}

func (l *limits) hold(until time.Time) {
	if until.After(l.until) {
		l.until = until
	}
}

// wait is how long the headers ask for; 0 when they do not say.
func wait(h http.Header, used bool, now time.Time) time.Duration {
	const longest = 2 * time.Hour
	if s := h.Get("Retry-After"); s != "" {
		if n, err := strconv.Atoi(s); err == nil && n >= 0 {
			return min(time.Duration(n)*time.Second, longest)
		}
		if t, err := http.ParseTime(s); err == nil {
			return min(max(t.Sub(now), time.Second), longest)
		}
	}
	reset, err := strconv.ParseInt(h.Get("RateLimit-Reset"), 10, 64)
	if !used || err != nil {
		return 0
	}
	theirs := now
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		theirs = t
	}
	return min(max(time.Unix(reset, 0).Sub(theirs), time.Second), longest)
}

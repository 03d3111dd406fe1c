package github

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/cache"
	"github.com/sluicegate/sluice/providers/quota"
)

const (
	attempts    = 3                      // of a call that may be repeated
	firstPause  = 150 * time.Millisecond // before the first repetition, doubled each time, spread by jitter
	largestBody = 64 << 20               // of an answer
	atOnce      = 80                     // calls at a time per installation; GitHub refuses more than 100
	keptETags   = 128
	keptBody    = 32 << 10 // the largest answer kept for a conditional request
)

// installation is one way to reach GitHub, with all state that must not be shared with another.
type installation struct {
	id       int64 // 0: the App itself
	client   *Client
	auth     *authority
	slots    *semaphore.Weighted
	limits   limits
	purse    *quota.Purse
	creation *budget
	talk     *budget // of answers to people: whoever may comment must not use up what gates and details need
	etags    *cache.Counted[string, kept]
}

// kept is an answer that can be asked for conditionally.
type kept struct {
	etag string
	body []byte
}

// call is one request to GitHub.
type call struct {
	route  string // for people: no names in it
	method string
	url    string
	body   []byte
	accept string
	safe   bool // repeating it is harmless
	raw    bool // the answer is not JSON
	out    any  // what the JSON of a success is read into
	limit  int64
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func newInstallation(c *Client, id int64) *installation {
	return &installation{
		id: id, client: c, purse: &quota.Purse{Shapes: shapes()}, auth: newAuthority(c, id), slots: semaphore.NewWeighted(atOnce), etags: cache.Of[string, kept](keptETags),
		creation: newBudget(c.opts.Now, c.opts.PerMinute, c.opts.PerHour),
		talk:     newBudget(c.opts.Now, c.opts.PerMinute/4, c.opts.PerHour/4),
	}
}

// get reads path (below the REST base) into out. A GET of what was read before is conditional: a 304 costs nothing.
func (in *installation) get(ctx context.Context, route, path string, out any) error {
	_, err := in.do(ctx, call{route: route, method: http.MethodGet, url: in.client.bases.rest + path, safe: true, out: out})
	return err
}

// post sends a write that may be repeated without harm.
func (in *installation) post(ctx context.Context, route, path string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = in.do(ctx, call{route: route, method: http.MethodPost, url: in.client.bases.rest + path, body: b, safe: true})
	return err
}

// do sends a call, repeats it where that is safe, and returns the answer of a success. Errors are *Error,
// *gate.RetryError, *unclear, or what the context or the connection says.
func (in *installation) do(ctx context.Context, c call) (*answer, error) {
	resource := "core"
	if c.url == in.client.bases.graphql {
		resource = "graphql"
	}
	if err := in.admit(ctx, c, resource); err != nil {
		return nil, err
	}
	if err := in.slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer in.slots.Release(1)
	renewed := false
	for try := 1; ; try++ {
		used := in.auth.transport()
		a, err := in.send(ctx, c, used)
		again := false
		if err != nil {
			again = ctx.Err() == nil && (c.safe || untouched(err)) && passing(err)
			err = in.faulty(c, err)
		} else {
			if err := in.limits.note(a, resource, in.client.opts.Now(), in.client.opts.Jitter()); err != nil {
				return nil, err
			}
			switch {
			case a.status == http.StatusUnauthorized && !renewed:
				renewed = true
				in.auth.renew(used)
				try--
				continue
			case a.status < 300:
				return a, nil
			case a.status >= 500:
				again, err = c.safe, refusal(c.route, a)
				if !c.safe {
					return nil, &unclear{err}
				}
			default:
				return nil, refusal(c.route, a)
			}
		}
		if !again || try >= attempts {
			if again || c.safe && passing(err) {
				return nil, &gate.RetryError{After: 5 * time.Second, Err: err}
			}
			return nil, err
		}
		if err := in.pause(ctx, try); err != nil {
			return nil, err
		}
	}
}

// pause waits before the next try, at most the first pause doubled each time.
func (in *installation) pause(ctx context.Context, try int) error {
	t := time.NewTimer(time.Duration(float64(firstPause) * float64(int(1)<<(try-1)) * (0.5 + in.client.opts.Jitter())))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// mostAnswer is how much of an answer is read, in bytes.
const mostAnswer = 1 << 20

// ask sends what is wished for; the same again where the server did not answer, which it takes for one thing. id is "" where the
// server refused it at once.
func (r *remote) ask(ctx context.Context, e errand, x *wish) (id string, code int, err error) {
	body := map[string]any{}
	if e.rejects {
		body["reject"] = true
	}
	for name, value := range map[string]string{"by": x.by, "ref": x.ref, "reason": x.reason, "for": x.lasts, "checks": x.checks, "commit": x.commit} {
		if value != "" {
			body[name] = value
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return "", exitFailed, err
	}
	owner, name := splitRepo(x.repo)
	path := fmt.Sprintf("/api/v1/repos/%s/%s/environments/%s/%s", url.PathEscape(owner), url.PathEscape(name), url.PathEscape(x.environment), e.path)
	if x.at != "" {
		path = x.at
	}
	if x.forge != "" {
		path += "?forge=" + url.QueryEscape(x.forge)
	}
	var got struct{ ID, Detail string }
	status, err := r.call(ctx, e.method, path, text, x.key, &got)
	switch {
	case err != nil:
		return "", exitFailed, fmt.Errorf("it is not known whether the server took it: %w; ask again with --key %s, and it is done once", err, x.key)
	case status == http.StatusAccepted && got.ID != "":
		return got.ID, exitOpen, nil
	case status == http.StatusUnprocessableEntity:
		say(r.p.stderr, "refused: %s", got.Detail)
		return "", exitShut, nil
	}
	return "", exitFailed, fmt.Errorf("the server does not take this (%d): %s", status, cmp.Or(got.Detail, "it gave no reason; is SLUICE_PUBLIC_URL a Sluice?"))
}

// tries is how often a call is made that the server does not answer.
const tries = 4

// call makes one call, again where the server does not answer or says that it cannot just now.
func (r *remote) call(ctx context.Context, method, path string, body []byte, key string, out any) (status int, err error) {
	for n := range tries {
		if n > 0 {
			if err := pause(ctx, 200*time.Millisecond<<n); err != nil {
				return 0, err
			}
		}
		if status, err = r.once(ctx, method, path, body, key, out); err == nil && status < 500 {
			return status, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("it answers %d; its log says why", status)
	}
	return status, err
}

func (r *remote) once(ctx context.Context, method, path string, body []byte, key string, out any) (status int, err error) {
	q, err := http.NewRequestWithContext(ctx, method, r.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	q.Header.Set("Authorization", "Bearer "+r.token)
	q.Header.Set("User-Agent", "sluice/"+version())
	if method != http.MethodGet {
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Idempotency-Key", key)
	}
	answer, err := r.client.Do(q)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(text, out); err != nil && answer.StatusCode < 300 {
		return 0, fmt.Errorf("what answers at SLUICE_PUBLIC_URL does not speak JSON; is it a Sluice?")
	}
	return answer.StatusCode, nil
}

// pause waits, unless the command is told to stop.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("stopped: %w", context.Cause(ctx))
	case <-t.C:
		return nil
	}
}

// told is what the server tells of what was asked.
type told struct {
	State, Text, Detail string
	Promotion           *struct {
		Environment, Commit, Why string
		State                    gate.State
		Verdicts                 []struct {
			Line, Outcome, Reason string
			Blocks                bool
			Until                 time.Time
		}
	}
}

// answersWithin is how long a server is given to say what came of an asking: after that it is only asked for.
const answersWithin = 2 * time.Minute

// follow tells what came of what was asked, and, where that is wanted, of the promotion, as it changes.
func (r *remote) follow(ctx context.Context, id string, wait bool) (code int, err error) {
	began, shown, every := time.Now(), "", 100*time.Millisecond
	for answered := false; ; {
		var t told
		status, err := r.call(ctx, http.MethodGet, "/api/v1/asks/"+id, nil, "", &t)
		switch {
		case err != nil:
			return exitFailed, fmt.Errorf("it was asked for, and what came of it could not be read: %w; see %s/api/v1/asks/%s", err, r.base, id)
		case status != http.StatusOK:
			return exitFailed, fmt.Errorf("it was asked for, and the server does not tell what came of it (%d): %s", status, t.Detail)
		case t.State == "refused":
			say(r.p.stderr, "refused: %s", t.Text)
			return exitShut, nil
		case t.State == "done" && !answered:
			answered = true
			say(r.p.stdout, "%s", t.Text)
		case t.State != "done" && time.Since(began) > answersWithin:
			say(r.p.stdout, "asked for; the server has not come to it yet: %s/api/v1/asks/%s tells", r.base, id)
			return exitOpen, nil
		}
		if answered && (!wait || t.Promotion == nil) {
			return exitOpen, nil
		}
		if answered {
			if now := t.lines(); now != shown {
				shown = now
				fmt.Fprint(r.p.stdout, now)
			}
			if slices.Contains(ended, t.Promotion.State) {
				return map[bool]int{true: exitOpen, false: exitShut}[well(t.Promotion.State)], nil
			}
		}
		if err := pause(ctx, every); err != nil {
			return exitFailed, err
		}
		every = min(every*2, 5*time.Second)
	}
}

// lines say where the promotion stands, and what holds it back.
func (t *told) lines() string {
	p := t.Promotion
	var b strings.Builder
	say(&b, "%.8s into %s: %s", p.Commit, p.Environment, strings.TrimSuffix(string(p.State)+", "+p.Why, ", "))
	if slices.Contains([]gate.State{gate.Requested, gate.Gated}, p.State) {
		for _, v := range p.Verdicts {
			if !v.Blocks {
				continue
			}
			until := ""
			if !v.Until.IsZero() {
				until = " (until " + v.Until.UTC().Format("2006-01-02 15:04 UTC") + ")"
			}
			b.WriteString("  ")
			say(&b, "%s %s: %s%s", v.Outcome, v.Line, v.Reason, until)
		}
	}
	return b.String()
}

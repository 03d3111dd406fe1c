package pretend

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const nobody = "0000000000000000000000000000000000000000"

// Delivery is one webhook request.
type Delivery struct {
	ID      int64 // in the App's delivery log
	GUID    string
	Event   string
	Action  string
	At      time.Time // when it was sent, or before that, when it happened
	Body    []byte
	Install int64
	Repo    int64
	Status  int   // of the answer; 0: not sent or not answered
	Err     error // of sending it
	Again   bool  // sent once more

	hook  *Hook  // of GitLab, that it is for
	event string // its X-Gitlab-Event-UUID, which all hooks share that one act fires
}

// Target is where webhooks go: to a URL, or into a func.
type Target struct {
	URL    string
	Client *http.Client // nil: one with a limit of 10 seconds, as GitHub's
	To     func(context.Context, *http.Request) (status int, err error)
}

// Order says how Deliver misbehaves; the zero value does not.
type Order struct {
	Shuffle uint64                 // seed; 0: in order
	Copies  int                    // further copies of each, with the same GUID
	Anew    bool                   // the copies have GUIDs of their own
	Drop    func(d *Delivery) bool // these are lost; the delivery log knows them with status 0
}

// Hooks sets where webhooks go.
func (f *Forge) Hooks(t Target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = t
}

// Pending are the deliveries that wait to be sent.
func (f *Forge) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.outbox)
}

// Forget drops the deliveries that wait, as if they had been sent before the App existed.
func (f *Forge) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outbox = nil
}

// Deliver sends all that waits, one after another, and returns them with their answers. The error is the first of sending.
func (f *Forge) Deliver(ctx context.Context, o Order) ([]*Delivery, error) {
	f.mu.Lock()
	list := f.outbox
	f.outbox = nil
	target := f.hook
	f.mu.Unlock()
	if o.Copies > 0 {
		var more []*Delivery
		for _, d := range list {
			for i := range o.Copies + 1 {
				c := *d
				c.Again = i > 0
				if o.Anew && i > 0 {
					c.GUID = guid()
				}
				more = append(more, &c)
			}
		}
		list = more
	}
	if o.Shuffle != 0 {
		r := rand.New(rand.NewPCG(o.Shuffle, o.Shuffle))
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	var first error
	for _, d := range list {
		f.mu.Lock()
		f.logged(d)
		f.mu.Unlock()
		if o.Drop == nil || !o.Drop(d) {
			f.send(ctx, target, d)
			if first == nil {
				first = d.Err
			}
		}
		f.mu.Lock()
		f.sent = append(f.sent, d)
		f.mu.Unlock()
	}
	return list, first
}

// logged numbers and dates a delivery that is about to be sent: of what happens at the same time the log is in the order of
// sending. The numbers are the log's own, so that how often something is sent changes no other. f is locked.
func (f *Forge) logged(d *Delivery) {
	if d.hook != nil {
		return // GitLab's are numbered as they happen
	}
	f.logID++
	d.ID, d.At = 1<<40+f.logID, f.at()
}

// Redeliver sends one of the log again, with its GUID.
func (f *Forge) Redeliver(ctx context.Context, id int64) (*Delivery, error) {
	f.mu.Lock()
	var found *Delivery
	for _, d := range f.sent {
		if d.ID == id {
			c := *d
			c.Again = true
			found = &c
		}
	}
	target := f.hook
	f.mu.Unlock()
	if found == nil {
		return nil, fmt.Errorf("delivery %d: %w", id, ErrUnknown)
	}
	f.send(ctx, target, found)
	f.mu.Lock()
	defer f.mu.Unlock()
	again := *found
	again.ID = f.id()
	f.logged(&again)
	f.sent = append(f.sent, &again)
	return &again, again.Err
}

// Deliveries is the log, oldest first.
func (f *Forge) Deliveries() []*Delivery {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*Delivery(nil), f.sent...)
}

// Sign is the value of X-Hub-Signature-256.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Request makes the webhook request of a delivery.
func (f *Forge) Request(ctx context.Context, url string, d *Delivery) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(d.Body))
	if err != nil {
		return nil, err
	}
	if f.lab != nil {
		f.lab.headers(req, d)
		return req, nil
	}
	for k, v := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/pretend", "X-GitHub-Event": d.Event, "X-GitHub-Delivery": d.GUID,
		"X-GitHub-Hook-ID": "1", "X-GitHub-Hook-Installation-Target-Type": "integration",
		"X-GitHub-Hook-Installation-Target-ID": strconv.FormatInt(f.app.ID, 10), "X-Hub-Signature-256": Sign(f.secret, d.Body)} {
		req.Header.Set(k, v)
	}
	return req, nil
}

func (f *Forge) send(ctx context.Context, t Target, d *Delivery) {
	if d.hook != nil {
		f.lab.sendLab(ctx, d)
		return
	}
	f.deliver(ctx, t, d)
}

func (f *Forge) deliver(ctx context.Context, t Target, d *Delivery) {
	req, err := f.Request(ctx, or(t.URL, "http://localhost/"), d)
	switch {
	case err != nil:
	case t.To != nil:
		d.Status, err = t.To(ctx, req)
	case t.URL != "":
		client := t.Client
		if client == nil {
			client = &http.Client{Timeout: 10 * time.Second}
		}
		var resp *http.Response
		if resp, err = client.Do(req); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			d.Status = resp.StatusCode
		}
	default:
		err = fmt.Errorf("no target for webhooks: %w", ErrRefused)
	}
	d.Err = err
}

// emit puts a webhook into the outbox; f is locked. With no installation nobody is told.
func (f *Forge) emit(event, action string, r *Repo, in *Install, by *User, more obj) {
	if f.lab != nil {
		return // GitLab has hooks of its own
	}
	if r != nil {
		in = f.installation(r)
	}
	if in == nil || !strings.HasPrefix(event, "installation") && !slices.Contains(f.app.Events, event) {
		return
	}
	body := obj{"sender": f.renderUser(by), "installation": obj{"id": in.ID, "node_id": node("I", in.ID)}}
	if strings.HasPrefix(event, "installation") {
		body["installation"] = f.renderInstall(in)
	}
	d := &Delivery{ID: f.id(), GUID: guid(), Event: event, Action: action, At: f.at(), Install: in.ID}
	if action != "" {
		body["action"] = action
	}
	if r != nil {
		body["repository"], d.Repo = f.renderRepo(r), r.ID
		if r.Owner.Type == "Organization" {
			body["organization"] = obj{"login": r.Owner.Login, "id": r.Owner.ID}
		}
	}
	for k, v := range more {
		body[k] = v
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // only JSON's own types are rendered
	}
	d.Body = raw
	f.outbox = append(f.outbox, d)
}

func (f *Forge) renderInstall(in *Install) obj {
	selection := "all"
	if len(in.Repos) > 0 {
		selection = "selected"
	}
	return obj{"id": in.ID, "node_id": node("I", in.ID), "account": f.renderUser(in.Account), "app_id": f.app.ID, "app_slug": f.app.Slug,
		"target_id": in.Account.ID, "target_type": in.Account.Type, "repository_selection": selection, "permissions": in.Permissions, "events": f.app.Events}
}

func (f *Forge) emitPull(p *Pull, action string, by *User, more obj) {
	if f.lab != nil {
		f.lab.pullMoved(p, action, by, more)
		return
	}
	if f.installation(p.Repo) == nil {
		return
	}
	body := obj{"number": p.Number, "pull_request": f.renderPull(p)}
	for k, v := range more {
		body[k] = v
	}
	f.emit("pull_request", action, p.Repo, nil, by, body)
}

func (f *Forge) emitReview(r *Review, action string, by *User) {
	if f.lab != nil {
		f.lab.hookReview(r, action, by)
		return
	}
	if f.installation(r.Pull.Repo) == nil {
		return
	}
	f.emit("pull_request_review", action, r.Pull.Repo, nil, by, obj{"review": f.renderReview(r, true), "pull_request": f.renderPull(r.Pull)})
}

// emitComment only reaches an App that asked for issue_comment.
func (f *Forge) emitComment(c *comment, action string, by *User) {
	if f.lab != nil {
		f.lab.hookNote(c, by, "create")
		return
	}
	f.emit("issue_comment", action, c.pull.Repo, nil, by, obj{"comment": f.renderComment(c), "issue": f.renderIssue(c.pull)})
}

func (f *Forge) emitRun(run *Run, action string, by *User) {
	if run.App != f.app && action == "rerequested" {
		return
	}
	f.emit("check_run", action, run.Repo, nil, by, obj{"check_run": f.renderRun(run)})
}

func (f *Forge) emitSuite(s *suite, action string, by *User) {
	f.emit("check_suite", action, s.repo, nil, by, obj{"check_suite": f.renderSuite(s)})
}

func (f *Forge) emitStatus(r *Repo, c *commit, s *status) {
	branches := []any{}
	if b := r.branchAt(c); b != nil {
		branches = append(branches, obj{"name": b, "commit": obj{"sha": c.id}})
	}
	f.emit("status", "", r, nil, s.by, obj{"id": s.id, "sha": c.id, "name": r.Name, "context": s.context, "state": s.state,
		"description": orNil(s.description), "target_url": orNil(s.url), "branches": branches, "commit": f.renderCommit(c),
		"created_at": stamp(s.at), "updated_at": stamp(s.at)})
}

// moved tells of a ref that was made, moved or deleted: push, and create or delete.
func (f *Forge) moved(r *Repo, name string, before, after named, by *User) {
	if f.lab != nil {
		f.lab.moved(r, name, before, after, by)
		return
	}
	if f.installation(r) == nil {
		return
	}
	id := func(x named) string {
		switch x := x.(type) {
		case *commit:
			if x != nil {
				return x.id
			}
		case *tag:
			return x.id
		}
		return nobody
	}
	was, is := id(before), id(after)
	kind, short := "branch", strings.TrimPrefix(name, "refs/heads/")
	if rest, ok := strings.CutPrefix(name, "refs/tags/"); ok {
		kind, short = "tag", rest
	}
	old, _ := before.(*commit)
	tip, _ := after.(*commit)
	if t, ok := after.(*tag); ok {
		tip = t.target
	}
	commits, head := []any{}, any(nil)
	if tip != nil {
		head = f.hookCommit(tip)
		from := old
		if from == nil {
			from = r.branches[r.Default] // a new branch brings what the others do not have
		}
		if kind == "branch" && from != nil {
			for _, c := range between(from, tip) {
				commits = append(commits, f.hookCommit(c))
			}
		}
	}
	f.emit("push", "", r, nil, by, obj{"ref": name, "before": was, "after": is, "created": was == nobody, "deleted": is == nobody,
		"forced": old != nil && tip != nil && !ancestors(tip)[old], "base_ref": nil, "compare": f.url + "/" + r.Name + "/compare",
		"commits": commits[:min(len(commits), 2048)], "head_commit": head, "pusher": obj{"name": by.Login, "email": by.Email}})
	switch {
	case was == nobody:
		f.emit("create", "", r, nil, by, obj{"ref": short, "ref_type": kind, "master_branch": r.Default, "description": nil, "pusher_type": "user"})
	case is == nobody:
		f.emit("delete", "", r, nil, by, obj{"ref": short, "ref_type": kind, "pusher_type": "user"})
	}
}

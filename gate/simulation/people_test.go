package simulation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// people do something at the forge, which then tells of it.
func (w *world) people() {
	open := w.open_()
	var c *change
	if len(open) > 0 {
		c = pick(w, open...)
	}
	switch n := w.rng.IntN(100); {
	case c != nil && w.chance(40):
		w.helps(c)
	case c == nil || n < 8 && len(open) < 5:
		w.opensOne()
	case n < 18:
		w.push(c)
	case n < 42:
		w.review(c)
	case n < 48:
		w.label(c)
	case n < 52:
		w.closeOrReopen(c)
	case n < 62:
		w.merge(c)
	case n < 80:
		w.says(c)
	case n < 90:
		w.builds()
	case n < 92:
		w.editPolicy()
	case n < 94:
		w.rightChanges()
	case n < 96:
		w.foreign(c)
	case n < 98:
		w.again(c)
	default:
		w.past()
	}
}

func (w *world) open_() []*change { return w.forge.open() }

// tell has the forge deliver: late, twice, in another order, or never.
func (w *world) tell(event string, marks ...gate.Mark) {
	w.tellAs(event, func() []gate.Mark { return marks })
}

func (w *world) tellAs(event string, marks func() []gate.Mark) *delivery {
	w.serial++
	d := &delivery{Delivery: gate.Delivery{Forge: "github", ID: fmt.Sprintf("delivery-%d", w.serial), Event: event, Body: []byte("{}"), Account: "acme"}, marks: marks}
	if !w.calm && w.chance(w.harsh/2+3) {
		if w.chance(60) { // else the forge itself has lost it
			d.log(w)
		}
		w.note("nobody is told of %s %s", d.ID, event)
		return d
	}
	late := w.between(10*time.Millisecond, 2*time.Second)
	if !w.calm && w.chance(15) {
		late = w.between(2*time.Second, 3*time.Minute)
	}
	d.due = time.Now().Add(late)
	w.mail = append(w.mail, d)
	return d
}

// deliver brings one delivery to a process, which keeps it or does not.
func (w *world) deliver(d *delivery) {
	w.mail = slices.DeleteFunc(w.mail, func(x *delivery) bool { return x == d })
	p := pick(w, w.procs...)
	d.log(w)
	if p.dead || p.frozen.After(time.Now()) || w.full.After(time.Now()) {
		w.note("p%d does not take %s %s", p.number, d.ID, d.Event)
		return // 503, or nobody is there: the forge does not send it again
	}
	if _, err := w.keep(p, d); err != nil {
		w.wrong("keep a delivery: %v", err)
	}
	if !w.calm && w.chance(12) { // it comes again
		d.due = time.Now().Add(w.between(time.Millisecond, 5*time.Minute))
		w.mail = append(w.mail, d)
	}
	if !w.calm && w.rng.IntN(10_000) < w.harsh {
		w.note("p%d dies with the delivery", p.number)
		w.kill(p)
	}
}

// keep is what becomes of a delivery that arrives at a process, however it came there.
func (w *world) keep(p *process, d *delivery) (added bool, err error) {
	d.At, d.Marks = p.now(), d.marks()
	for i := range d.Marks {
		m := &d.Marks[i]
		m.Forge, m.Repo = "github", shop
		if m.Why == "" {
			m.Why = d.Event
		}
	}
	added, err = p.store.Add(context.Background(), d.Delivery)
	w.note("p%d takes %s %s: %v %v", p.number, d.ID, d.Event, added, err)
	switch {
	case err != nil:
		return false, err
	case added && w.had[d.ID]:
		w.wrong("delivery %s was kept twice", d.ID)
	case !added && !w.had[d.ID]:
		w.wrong("delivery %s was not kept", d.ID)
	}
	if !w.had[d.ID] {
		w.seen.accepted++
	}
	w.had[d.ID] = true
	for _, m := range d.Marks {
		if m.Why == "pull_request.closed" {
			w.change(m.Change).known = true
		}
		for _, c := range w.comments {
			if m.Kind == gate.MarkComment && m.Comment == c.id && c.told.IsZero() {
				c.told = time.Now()
			}
		}
	}
	return added, nil
}

func (w *world) tellChange(c *change, why, detail string) {
	m := gate.Mark{Kind: gate.MarkChange, Change: c.number, Commit: c.now().head(), Why: why, Detail: detail}
	w.note("%s of #%d at %.8s", why, c.number, m.Commit)
	w.tell(why, m)
}

func (w *world) newHead() string { return object('a', int(w.id())) }

func (w *world) opensOne() {
	c := &change{number: len(w.changes) + 1, author: pick(w, "ana", "bo", "cy")}
	head := w.newHead()
	if open := w.open_(); len(open) > 0 && w.chance(6) { // two changes with one head
		head = pick(w, open...).now().head()
	}
	c.versions = []version{{at: time.Now(), state: "open", heads: []string{head}, headAt: time.Now(), commits: w.wrote_(head, c.author)}}
	w.changes = append(w.changes, c)
	w.tellChange(c, "pull_request.opened", "")
}

func (w *world) wrote_(head, author string) []checks.Commit {
	return []checks.Commit{{ID: head, Message: "feat: a change", Author: people[author], Committer: people[author]}}
}

// push pushes to a change: something new, or by force what was there before.
func (w *world) push(c *change) {
	v := c.now()
	if old := v.heads[w.rng.IntN(len(v.heads))]; old != v.head() && w.chance(30) {
		commits := w.commitsOf(c, old)
		c.turn(func(v *version) { v.heads, v.headAt, v.commits = append(v.heads, old), v.at, commits })
	} else {
		head, author := w.newHead(), c.author
		if w.chance(15) {
			author = pick(w, "ana", "bo", "cy", "rita")
		}
		c.turn(func(v *version) {
			v.heads, v.headAt, v.commits = append(v.heads, head), v.at, append(v.commits, w.wrote_(head, author)...)
		})
	}
	w.tellChange(c, "pull_request.synchronize", time.Now().UTC().Format(time.RFC3339))
}

func (w *world) review(c *change) {
	by, state := pick(w, names...), pick(w, "approved", "approved", "approved", "approved", "approved", "changes_requested", "commented", "dismissed")
	if c.author == by && state != "commented" {
		return // no forge takes it
	}
	v := c.now()
	commit := v.head()
	if w.chance(8) {
		commit = v.heads[0]
	}
	w.reviewAs(c, by, state, commit)
}

func (w *world) reviewAs(c *change, by, state, commit string) {
	why, detail := "pull_request_review.submitted", ""
	if state == "dismissed" {
		why = "pull_request_review.dismissed"
	} else if state == "commented" {
		detail = state
	}
	id := w.id()
	c.turn(func(v *version) {
		if state == "dismissed" {
			for i := range v.reviews {
				if v.reviews[i].By.Login == by && v.reviews[i].State != "commented" {
					v.reviews[i].State = "dismissed"
				}
			}
			return
		}
		v.reviews = append(v.reviews, checks.Review{ID: id, By: people[by], State: state, Commit: commit, At: v.at.UTC()})
	})
	w.note("%s: %s on %.8s", by, state, commit)
	w.tellChange(c, why, detail)
}

// helps does what is still missing for a change to go live.
func (w *world) helps(c *change) {
	v, tip := c.now(), w.line[len(w.line)-1].id
	lacks := w.shut(&reading{begun: time.Now(), served: time.Now(), at: time.Now(), change: c, version: v})
	switch {
	case slices.Contains(lacks, "approval"):
		if by := pick(w, "bo", "cy", "rita", "rob"); by != c.author {
			w.reviewAs(c, by, "approved", v.head())
		}
	case slices.Contains(lacks, "unblocked"):
		w.labelled(c, "blocked")
	case len(lacks) == 0 && w.chance(60):
		w.merge(c)
	case w.colour(tip, "build", time.Now()) != "success":
		w.reports(tip, "success")
	}
}

func (w *world) label(c *change) { w.labelled(c, pick(w, "blocked", "blocked", "urgent")) }

func (w *world) labelled(c *change, name string) {
	why := "pull_request.labeled"
	c.turn(func(v *version) {
		if i := slices.Index(v.labels, name); i >= 0 {
			v.labels, why = slices.Delete(v.labels, i, i+1), "pull_request.unlabeled"
		} else {
			v.labels = append(v.labels, name)
		}
	})
	w.tellChange(c, why, name)
}

func (w *world) closeOrReopen(c *change) {
	for _, x := range w.changes {
		if x.now().state == "closed" && w.chance(50) && len(w.open_()) < 5 {
			x.turn(func(v *version) { v.state = "open" })
			w.tellChange(x, "pull_request.reopened", "")
			return
		}
	}
	c.turn(func(v *version) { v.state = "closed" })
	w.tellChange(c, "pull_request.closed", "")
}

// merge merges what branch protection lets through; now and then an administrator goes past it.
func (w *world) merge(c *change) {
	k := w.shows(c.now().head(), "sluice/gate")
	by := pick(w, "ana", "bo", "cy")
	if k == nil || !opens(k.state) {
		if !w.chance(5) {
			return
		}
		by = "rob"
	}
	w.seen.merges++
	before := w.line[len(w.line)-1].id
	m := w.land(c.number)
	c.turn(func(v *version) { v.state, v.mergeCommit, v.mergedBy = "merged", m.id, by })
	w.tellChange(c, "pull_request.closed", "")
	w.pushed(before, by)
}

// pushed tells that the default branch moved.
func (w *world) pushed(before, by string) {
	w.tell("push", gate.Mark{Kind: gate.MarkBase, Base: trunk, Commit: w.line[len(w.line)-1].id, Before: before, By: by, Detail: fmt.Sprint(people[by].ID)})
}

// says writes a command, or what is none.
func (w *world) says(c *change) {
	by := pick(w, "ana", "bo", "eve", "rita", "rita", "rob", "rob")
	if w.chance(20) { // on a change that is over
		c = pick(w, w.changes...)
	}
	body := "/sluice " + pick(w, "override approval because I say so", "override approval because I say so", "override approval for 20m it burns", "override unblocked it is nothing",
		"revoke approval", "hold not yet", "unhold", "recheck", "status", "deploy production", "deploy production", "deploy staging", "deploy production "+w.line[w.rng.IntN(len(w.line))].id,
		"cancel production", "lock production not now", "unlock production", "unlock production", "nonsense", "help")
	x := &comment{id: w.id(), change: c.number, by: by, body: body, at: time.Now().Truncate(time.Second), head: c.now().head()}
	w.comments = append(w.comments, x)
	w.note("%s on #%d at %.8s: %s", by, c.number, x.head, body)
	sum := sha256.Sum256([]byte(body))
	w.tell("issue_comment.created", gate.Mark{Kind: gate.MarkChange, Change: c.number},
		gate.Mark{Kind: gate.MarkComment, Change: c.number, Comment: x.id, Detail: hex.EncodeToString(sum[:])})
	if w.chance(4) {
		w.later(w.between(time.Millisecond, 10*time.Second), func() { x.edited, x.body = time.Now(), x.body+" indeed" })
	}
}

// builds has CI say something of a commit of the default branch.
func (w *world) builds() {
	c := w.line[len(w.line)-1-min(len(w.line)-1, w.rng.IntN(3))]
	w.reports(c.id, pick(w, "success", "success", "success", "failure", "pending"))
}

func (w *world) reports(commit, state string) {
	w.statuses = append(w.statuses, status{time.Now(), commit, "build", state})
	w.note("build of %.8s: %s", commit, state)
	w.tellAs("status", func() (marks []gate.Mark) {
		list, err := w.store.Awaited(context.Background(), "github", shop, commit)
		if err != nil {
			w.wrong("read what waits: %v", err)
		}
		for _, name := range list {
			marks = append(marks, gate.Mark{Kind: gate.MarkEnvironment, Environment: name})
		}
		return marks
	})
}

func (w *world) editPolicy() {
	r := w.drawn()
	if last := w.policies[len(w.policies)-1]; last.broken {
		r = w.policies[0].rules
	} else if w.chance(15) {
		r = rules{broken: true}
	}
	before := w.line[len(w.line)-1].id
	w.land(0)
	w.policies = append(w.policies, edition{time.Now().Add(1), r})
	w.note("another policy: %+v", r)
	w.pushed(before, "rob")
}

func (w *world) rightChanges() {
	who := pick(w, "bo", "cy", "eve", "rita")
	has := pick(w, "read", "write", "write", "admin")
	w.rights = append(w.rights, authority{time.Now().Add(1), who, has})
	w.note("%s has %s", who, has)
}

// foreign is another App that writes under our name.
func (w *world) foreign(c *change) {
	head := c.now().head()
	w.checks[head] = append(w.checks[head], check{at: time.Now(), id: w.id(), name: "sluice/gate", state: "success", title: "All is well"})
	w.note("a stranger writes an open gate on %.8s", head)
	w.tell("check_run.completed", gate.Mark{Kind: gate.MarkChange, Change: c.number, Commit: head})
}

func (w *world) again(c *change) {
	m := gate.Mark{Kind: gate.MarkChange, Change: c.number, Commit: c.now().head(), Detail: "sluice/gate"}
	if w.chance(30) { // of a fork's commit the forge names no change
		m = gate.Mark{Kind: gate.MarkHead, Commit: m.Commit, Detail: m.Detail}
	}
	w.tell("check_run.rerequested", m)
}

// past is somebody who deploys by himself.
func (w *world) past() {
	d := &deployment{id: w.id(), environment: pick(w, staging, prod), commit: w.line[w.rng.IntN(len(w.line))].id, at: time.Now(), by: people["eve"]}
	w.deployments = append(w.deployments, d)
	w.note("eve deploys %.8s to %s", d.commit, d.environment)
	w.tellOf(d, "deployment.created")
	w.pipeline(d)
}

func (w *world) tellOf(d *deployment, why string) {
	w.tell(why, gate.Mark{Kind: gate.MarkEnvironment, Environment: d.environment, Detail: fmt.Sprintf("deployment/%d", d.id)})
}

// report has a pipeline say how far it is.
func (w *world) report(d *deployment, state string) {
	d.states = append(d.states, status{time.Now(), d.commit, "", state})
	w.note("deployment %d to %s: %s", d.id, d.environment, state)
	w.tellOf(d, "deployment_status.created")
	if state != "success" {
		return
	}
	for _, o := range w.deployments { // what was live before is no more
		if o.environment == d.environment && o.id < d.id && o.state(time.Now()) == "success" {
			o.states = append(o.states, status{time.Now(), o.commit, "", "inactive"})
		}
	}
}

// pipeline deploys: mostly well, sometimes not, or never.
func (w *world) pipeline(d *deployment) {
	end := w.between(10*time.Second, 4*time.Minute)
	how := w.rng.IntN(100)
	if w.calm {
		how = 0
	}
	w.later(w.between(time.Second, 10*time.Second), func() { w.report(d, "in_progress") })
	switch {
	case how < 80:
		w.later(end, func() { w.report(d, "success") })
	case how < 92:
		w.later(end, func() { w.report(d, pick(w, "failure", "error")) })
	}
}

// weather is what befalls more than one call.
func (w *world) weather() {
	p := pick(w, w.procs...)
	for_ := w.between(5*time.Second, 10*time.Minute)
	switch w.rng.IntN(8) {
	case 0:
		w.gone = time.Now().Add(for_)
		w.note("the repository is shown no more, for %v", for_)
	case 1:
		w.barred = time.Now().Add(for_)
		w.note("the installation is suspended, for %v", for_)
	case 2:
		w.full = time.Now().Add(for_ / 20)
		w.note("the disk is full, for %v", for_/20)
	case 3:
		if w.one {
			p.set(pick(w, 0, time.Hour, -time.Hour, 3*time.Second, -3*time.Second))
			w.note("the clock of p%d is off by %v", p.number, p.skew)
		}
	case 4:
		p.frozen = time.Now().Add(for_ / 4)
		w.note("p%d stands still for %v", p.number, for_/4)
	case 5:
		w.note("p%d dies", p.number)
		w.kill(p)
	case 6:
		w.note("p%d is told to stop", p.number)
		p.stop() // what is under way may end; another one is started when it has
		w.later(w.between(20*time.Second, 40*time.Second), func() { w.kill(p) })
	}
}

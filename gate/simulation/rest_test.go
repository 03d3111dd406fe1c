package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
)

// rest lets all come to an end: nothing breaks any more, nobody does anything more, pipelines that hang are ended, and hours
// pass. Then all must be right without a word from anybody.
func (w *world) rest() {
	w.settle() // the last step let somebody go
	w.calm = true
	w.gone, w.barred, w.full = time.Time{}, time.Time{}, time.Time{}
	for _, p := range w.procs {
		p.set(0)
		p.frozen = time.Time{}
	}
	w.note("calm")
	if w.policies[len(w.policies)-1].broken {
		w.editPolicy()
	}
	for _, d := range w.deployments {
		if s := d.state(time.Now()); s == "pending" || s == "in_progress" {
			w.later(time.Hour, func() {
				if s := d.state(time.Now()); s == "pending" || s == "in_progress" {
					w.report(d, "success")
				}
			})
		}
	}
	w.until(time.Now().Add(5 * time.Hour))
	if len(w.broken) > 0 {
		return
	}
	w.final()
	reads, writes := w.seen.reads, w.seen.writes
	w.note("quiet")
	w.until(time.Now().Add(3 * sweep))
	if n := w.seen.writes - writes; n > 0 {
		w.wrong("%d writes at the forge though nothing happened", n)
	}
	if n, most := w.seen.reads-reads, 3*(6+4*len(w.open_())+8+int(sweep/(5*time.Minute))); n > most {
		w.wrong("%d reads at the forge in three sweeps though nothing happened: at most %d were expected", n, most)
	}
	w.record()
}

func (w *world) until(end time.Time) {
	for time.Now().Before(end) && len(w.broken) == 0 {
		w.step()
	}
	w.settle()
}

// final is how all must stand.
func (w *world) final() {
	for _, c := range w.changes {
		w.shown(c)
	}
	for _, c := range w.comments {
		if !c.told.IsZero() && c.failures < 8 && w.replies[fmt.Sprint(c.id)] == nil {
			w.wrong("comment %d on #%d (%s) was told of, and never answered", c.id, c.change, c.body)
		}
	}
	for _, d := range w.log {
		if !w.had[d.ID] && d.tried.After(w.caught) {
			w.wrong("%s %s is in the forge's log, and was never taken in", d.ID, d.Event)
		}
	}
	for who, n := range w.reviewers {
		if n > 1 {
			w.wrong("a review was asked for %d times: %s", n, who)
		}
	}
	w.promoted()
}

// shown holds what is shown on a change to what the oracle says of it.
func (w *world) shown(c *change) {
	v, now := c.now(), time.Now()
	k := w.shows(v.head(), "sluice/gate")
	shared := slices.ContainsFunc(w.changes, func(x *change) bool { return x != c && slices.Contains(x.now().heads, v.head()) })
	switch {
	case v.state == "closed" && !shared && k != nil && k.ours && k.state == "in_progress" && c.known:
		w.wrong("#%d is closed, and its gate is shown as %s", c.number, k.state)
		return
	case v.state != "open":
		return
	case k == nil || !k.ours:
		w.wrong("#%d at %.8s shows no gate of ours", c.number, v.head())
		return
	}
	var why []string
	for _, x := range w.open_() {
		if x.now().head() == v.head() {
			why = append(why, w.shut(&reading{begun: now, served: now, at: now, change: x, version: x.now()})...)
		}
	}
	if opens(k.state) != (len(why) == 0) {
		w.wrong("#%d at %.8s shows its gate as %s (%s), and is shut by: %q", c.number, v.head(), k.state, k.title, why)
	}
}

// promoted holds promotions to having come to an end, or to a good reason to wait.
func (w *world) promoted() {
	ctx, now := context.Background(), time.Now()
	list, err := w.store.Promotions(ctx, "github", shop, "", 10_000)
	if err != nil {
		w.wrong("read the promotions: %v", err)
	}
	asked := map[string]bool{}
	for _, p := range list {
		asked[p.Request] = true
		if id := w.made[p.ID]; id != 0 && p.Deployment != id {
			w.wrong("promotion %s (%s) has lost its deployment %d, and has %d", p.ID, p.State, id, p.Deployment)
		}
		switch p.State {
		case gate.Deploying:
			w.wrong("promotion %s to %s is deploying for ever: deployment %d", p.ID, p.Environment, p.Deployment)
		case gate.Live:
			if w.liveIn(p.Environment, now) != p.Commit {
				w.wrong("promotion %s is live in %s, and something else is", p.ID, p.Environment)
			}
		case gate.Requested, gate.Gated:
			if why := w.shutFor(&p, &reading{begun: now, served: now, at: now, remembered: now, commit: p.Commit}); len(why) == 0 {
				w.wrong("promotion %s of %.8s to %s (%s) could go live, and waits as %s", p.ID, p.Commit, p.Environment, p.How, p.State)
			}
		}
	}
	broken := slices.ContainsFunc(w.policies, func(e edition) bool { return e.broken })
	for _, c := range w.changes {
		if v := c.now(); v.state == "merged" && !broken && c.known && !c.carried && !asked[fmt.Sprintf("merge/%d/%s", c.number, v.mergeCommit)] {
			w.wrong("the merge of #%d asked for nothing", c.number)
		}
	}
}

// record holds the record to promises 6 and 7.
func (w *world) record() {
	ctx := context.Background()
	var fault *audit.Fault
	if err := w.store.VerifyAudit(ctx, &audit.Chain{}); errors.As(err, &fault) {
		w.wrong("the audit log: %v", fault)
	} else if err != nil {
		w.wrong("read the audit log: %v", err)
	}
	var odd []string
	err := w.store.Recorded(ctx, gate.Recall{Limit: 80}, func(r gate.Recorded) error {
		again, err := gate.Replay(r)
		if err != nil || !gate.Same(again, r.Decision) {
			odd = append(odd, fmt.Sprintf("%s on %s: %v", r.Decision.ID, r.Decision.Subject.Key(), err))
		}
		return nil
	})
	if err != nil || len(odd) > 0 {
		w.wrong("decisions that replay otherwise: %s (%v)", strings.Join(odd, "; "), err)
	}
}

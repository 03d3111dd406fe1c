package dora

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// deployment is a promotion that went live, or whose deployment ended as failed before it did.
type deployment struct {
	*gate.Promotion
	at       time.Time // live, or failed
	live     bool
	by       []Cause
	signs    []time.Time   // when it was known that it had failed
	remedies []*deployment // rollbacks that left it, hotfixes that came after it
	over     []time.Time   // when people said that it was over
	open     int           // incidents that nobody said were over
}

// failed says whether something tells that it failed; what was never live has.
func (d *deployment) failed() bool { return len(d.by) > 0 || !d.live || d.State == gate.Failed }

// rework says whether it was made because something had failed.
func (d *deployment) rework() bool { return d.Hotfix || d.How.Back() }

func (d *deployment) tell(c Cause, signs ...time.Time) {
	if !slices.Contains(d.by, c) {
		d.by = append(d.by, c)
	}
	d.sign(signs...)
}

// sign notes when it was known to have failed: no failure is older than its deployment.
func (d *deployment) sign(signs ...time.Time) {
	for _, t := range signs {
		if t.Before(d.at) {
			t = d.at
		}
		d.signs = append(d.signs, t)
	}
}

// link finds the deployments, and lays each failure at the door of one. What cannot be laid anywhere is returned.
func (p *place) link() (loose []Unattributed) {
	for i := range p.promotions {
		x := &p.promotions[i]
		switch {
		case !x.LiveAt.IsZero():
			p.deployments = append(p.deployments, &deployment{Promotion: x, at: x.LiveAt, live: true})
		case x.State == gate.Failed && x.Deployment != 0:
			p.deployments = append(p.deployments, &deployment{Promotion: x, at: x.Since})
		}
	}
	slices.SortStableFunc(p.deployments, func(a, b *deployment) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.ID, b.ID)) })
	for _, d := range p.deployments {
		switch {
		case !d.live, d.State == gate.Failed:
			d.sign(d.Since)
		case d.State == gate.RolledBack:
			d.tell(ByRollback)
		}
	}
	for i := range p.promotions {
		if u, lost := p.rolled(&p.promotions[i]); lost {
			loose = append(loose, u)
		}
	}
	for i := range p.incidents {
		if u, lost := p.incident(&p.incidents[i]); lost {
			loose = append(loose, u)
		}
	}
	for i := range p.deployments {
		p.hotfixed(i)
	}
	return loose
}

// hotfixed lays a hotfix at the door of the deployment before it: the newest of another commit, and no rollback that is
// well, since what is mended then is what that left.
func (p *place) hotfixed(i int) {
	fix := p.deployments[i]
	if !fix.Hotfix || fix.How.Back() {
		return
	}
	for _, d := range slices.Backward(p.deployments[:i]) {
		if d.Commit != fix.Commit && (!d.How.Back() || d.failed()) {
			d.tell(ByHotfix) // nothing says when it was known
			d.remedies = append(d.remedies, fix)
			return
		}
	}
}

// rolled lays a rollback at the door of what it leaves.
func (p *place) rolled(x *gate.Promotion) (u Unattributed, lost bool) {
	idle := x.State == gate.Cancelled || x.State == gate.Superseded || x.State == gate.Failed && x.Deployment == 0
	if !x.How.Back() || x.LiveAt.IsZero() && idle { // somebody thought better of it
		return u, false
	}
	older := p.deployments // by the forge's clock, as what it leaves
	i := slices.IndexFunc(older, func(r *deployment) bool { return r.ID == x.ID })
	if i >= 0 {
		older = older[:i]
	}
	d := newest(older, x.Rolls)
	if d == nil {
		return Unattributed{Kind: "rollback", Promotion: x.ID, Commit: x.Rolls, At: x.At, URL: x.URL,
			Why: fmt.Sprintf("A rollback left %s, which no promotion known here had brought.", short(x.Rolls))}, true
	}
	d.tell(ByRollback, x.At)
	if i >= 0 {
		d.remedies = append(d.remedies, p.deployments[i])
	}
	return u, false
}

// incident lays an incident at the door of what was live.
func (p *place) incident(x *gate.Incident) (u Unattributed, lost bool) {
	i := slices.IndexFunc(p.deployments, func(d *deployment) bool { return d.ID == x.Promotion })
	n := slices.IndexFunc(p.deployments, func(d *deployment) bool { return d.at.After(x.Opened) })
	if n < 0 {
		n = len(p.deployments)
	}
	d := newest(p.deployments[:n], x.Commit)
	if i >= 0 {
		d = p.deployments[i]
	}
	if d == nil {
		why := "An incident was told of while nothing was live that a promotion known here had brought"
		if slices.ContainsFunc(p.outside, func(e gate.Entry) bool { return e.Commit == x.Commit && x.Commit != "" }) {
			why = "An incident was told of while " + short(x.Commit) + " was live, which came past the gate"
		}
		return Unattributed{Kind: "incident", Commit: x.Commit, At: x.Opened, URL: x.URL, Why: why + because(x.Reason)}, true
	}
	d.tell(ByIncident, x.Opened)
	if x.Resolved.IsZero() {
		d.open++
	} else {
		d.over = append(d.over, x.Resolved)
	}
	return u, false
}

// newest is the newest deployment of a commit that went live, or nil.
func newest(list []*deployment, commit string) *deployment {
	for _, d := range slices.Backward(list) {
		if d.live && commit != "" && d.Commit == commit {
			return d
		}
	}
	return nil
}

// noticed is the first sign of the failure, zero where none has a time.
func (d *deployment) noticed() time.Time {
	if len(d.signs) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(d.signs, time.Time.Compare)
}

// recovered is when it was over: the first remedy went live that held, or people said so of every incident. Zero: it is not.
func (d *deployment) recovered() (first time.Time) {
	if len(d.over) > 0 && d.open == 0 {
		first = slices.MaxFunc(d.over, time.Time.Compare)
	}
	for _, r := range d.remedies { // each is newer than what it remedies, so this ends
		t := r.at
		if r.failed() && r.VerifiedAt.IsZero() { // it did not hold
			t = r.recovered()
		}
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// unattributed says why a deployment that seems to have failed is in no rate, if it does.
func (d *deployment) unattributed() (u Unattributed, is bool) {
	if !d.failed() || len(d.by) > 0 {
		return u, false
	}
	u = Unattributed{Kind: "verify", Promotion: d.ID, Commit: d.Commit, At: d.at, URL: d.URL}
	why := "It went live and was not well"
	if !d.live {
		u.Kind, why = "deployment", "Its deployment ended before it was live"
	}
	u.Why = why + because(d.Why)
	return u, true
}

func because(why string) string {
	if why == "" {
		return "."
	}
	return ": " + why
}

func short(commit string) string {
	if commit == "" {
		return "a commit that is not known"
	}
	return fmt.Sprintf("%.8s", commit)
}

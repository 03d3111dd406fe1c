package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// tell has people told that a promotion came to another state. A state that it comes to twice is told once.
func (v *visit) tell(p *Promotion) {
	event := map[State]NoticeEvent{Gated: NoticeRequested, Deploying: NoticeDeploying, Live: NoticeLive, Verified: NoticeVerified,
		Failed: NoticeFailed, Superseded: NoticeSuperseded, Cancelled: NoticeCancelled, RolledBack: NoticeRolledBack}[p.State]
	if p.State == Failed && p.Deployment == 0 {
		event = NoticeRejected
	}
	if event == NoticeRequested && p.Why != "" {
		return // it was requested before, and came back
	}
	v.notify(event, p.ID, v.notification(p, p.Why))
}

// notification is what a notice about a promotion says.
func (v *visit) notification(p *Promotion, why string) Notification {
	n := Notification{At: v.now, Forge: p.Forge, Repo: p.Repo, Environment: p.Environment, Commit: p.Commit, Change: p.Change,
		Promotion: p.ID, Who: p.By, Why: why}
	if n.Why == "" {
		n.Why = p.Reason
		if p.How.Back() {
			n.Why = "rollback: " + p.Reason
		}
	}
	if p.Decision != "" {
		n.Page = v.link(p)
	}
	if f := v.facts(); f != nil && f.Promotion != nil && f.Promotion.Origin != nil && f.Promotion.Origin.Change != nil && f.Promotion.Origin.Change.Number == p.Change {
		n.ChangePage = f.Promotion.Origin.Change.URL
	}
	return n
}

func (v *visit) notify(event NoticeEvent, of string, n Notification) {
	if !v.r.DryRun {
		v.out.Notices = append(v.out.Notices, NewNotification(event, of, n))
	}
}

// tellApprovers tells those whom a promotion waits for, once for each set of them.
func (v *visit) tellApprovers(p *Promotion, d *Decision) {
	i := slices.IndexFunc(d.Verdicts, func(x checks.Verdict) bool { return x.Check == "approval" && x.Blocks() && x.Outcome == checks.Wait })
	if i < 0 {
		return
	}
	n := v.notification(p, d.Verdicts[i].Reason)
	n.For = approversOf(v.set, v.s.Environment, p.Hotfix)
	v.notify(NoticeWaiting, p.ID+"/"+strings.Join(n.For, ","), n)
}

// approversOf are those whom the rules of an environment name, as people read it.
func approversOf(set *policy.Set, environment string, hotfix bool) (names []string) {
	for _, layer := range set.Layers {
		e := checks.Environment(layer, environment)
		if e == nil {
			continue
		}
		rules := e.Approval
		if hotfix && layer.Given("environments."+e.Name+".hotfix.approval") {
			rules = e.Hotfix.Approval
		}
		for _, rule := range rules {
			for _, name := range peopleOf(rule.From) {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

func peopleOf(f policy.From) []string {
	names := slices.Concat(f.Users, f.Teams, f.Organizations, f.Roles)
	if f.Permission != "" {
		names = append(names, "whoever has "+f.Permission+" access")
	}
	return names
}

// tellStrange tells of a deployment past the gate.
func (v *visit) tellStrange(x stranger, deployment int64) {
	e := x.entry
	v.notify(x.event, fmt.Sprint(deployment), Notification{At: v.now, Forge: e.Forge, Repo: e.Repo, Environment: e.Environment, Commit: e.Commit,
		Change: e.Change, Promotion: e.Promotion, Who: checks.Person{ID: e.Who.ID, Login: e.Who.Login}, Why: e.Reason})
}

package checks

import (
	"fmt"
	"slices"

	"github.com/sluicegate/sluice/checks/policy"
)

// An environment's approval is weighed as a change's is: by distinct people, by numeric id, who hold the right now. What
// differs: approvals are of the promotion, hence of one commit; a rejection shuts it when given by somebody who could have
// approved; who wrote the change is excluded where `separate` says so; and whoever asked must be a deployer.

// line finds a line by its name.
func line(name string) *PromotionLine {
	all := Lines()
	return &all[slices.IndexFunc(all, func(l PromotionLine) bool { return l.Name == name })]
}

// wantAgreed asks for the rights of who asked, approved and rejected.
func wantAgreed(g *guard, w *Wants) {
	c := g.council()
	if g.deploys() {
		c.ballots[0].wantSelectors(w, []Person{g.m.Requester}, named(g.e.Deployers, g.p))
	}
	if g.m.How.Back() {
		return
	}
	wantHotfix(g.set, g.e.Name, g.f, w)
	for _, b := range c.ballots {
		for i := range b.rules {
			b.wantRule(i, w)
		}
		for _, s := range b.against {
			for _, from := range c.entitled {
				b.wantSelectors(w, []Person{s.by()}, from)
			}
		}
	}
}

// deploys says whether the deployers named here bind whoever asked.
func (g *guard) deploys() bool { return g.m.How.Commanded() && g.given("deployers") }

// judgeAgreed weighs approvals, rejections, and who asked.
func judgeAgreed(g *guard) Result {
	r := Result{Rule: g.rule("approval")}
	c := g.council()
	r.Findings = append(r.Findings, c.deployer()...)
	if g.m.How.Back() {
		r.Pass = "A rollback needs no approval."
		if g.m.How == Rollback {
			r.Pass = Clip(login(g.m.Requester)+" may deploy here, and a rollback needs no approval.", 140)
		}
		return r
	}
	r.Findings = append(append(r.Findings, g.apart(c.apart)...), c.rejections()...)
	r.Pass = "No approval is asked for."
	if len(c.ballots) == 1 && c.ballots[0].at == g.path("hotfix.approval") {
		r.Pass, r.Rule = "No approval is asked for of a hotfix.", g.rule("hotfix.approval")
	}
	for _, b := range c.ballots {
		asked, findings := b.weigh()
		for i := range findings {
			g.remedy(&findings[i])
		}
		r.Findings = append(r.Findings, findings...)
		if why := g.commitsUnread(); asked && c.apart.contributors != "" && why != "" {
			x := Finding{Outcome: Unknown, Rule: c.apart.contributors, What: Clip("Who contributed is not known: "+why, 140), How: "It is looked at again."}
			if !slices.Contains(r.Findings, x) {
				r.Findings = append(r.Findings, x)
			}
		}
		if asked {
			r.Pass = b.passSentence(findings)
		}
	}
	return r
}

// remedy says with which words approvals of promotions are given. Nothing here is the author's to mend.
func (g *guard) remedy(x *Finding) {
	if x.Outcome == Fail {
		x.Outcome = Wait
	}
	if x.Outcome == Wait {
		x.How += "\nEach says `/sluice approve " + g.name() + "` in a comment on the change."
	}
}

// council is what was said about a promotion under one policy.
type council struct {
	g        *guard
	apart    apartness
	ballots  []*ballot    // one; two where it is not known whether the rules of the lane apply
	entitled [][]selector // who may approve, hence reject
}

func (g *guard) council() *council {
	c := &council{g: g, apart: g.separate(line("approval"))}
	for _, rules := range g.inForce() {
		c.ballots = append(c.ballots, g.ballot(rules, c.apart))
		for i := range rules.list {
			if r := &rules.list[i]; policy.Weaker(r.Mode, "") != policy.Off {
				c.entitled = append(c.entitled, named(r.From, g.p))
			}
		}
	}
	if len(c.entitled) == 0 {
		c.entitled = append(c.entitled, objectors())
	}
	return c
}

// ruling is a list of rules with its place in the policy.
type ruling struct {
	list []policy.ApprovalRule
	at   string
}

// inForce are the environment's rules, or those of the lane for a hotfix. Where it is not known whether the change is one,
// both have to be met: neither is weaker for certain.
func (g *guard) inForce() []ruling {
	usual := ruling{g.e.Approval, g.path("approval")}
	if !g.hasLane() || !g.p.Given(g.path("hotfix.approval")) {
		return []ruling{usual}
	}
	lane := ruling{g.e.Hotfix.Approval, g.path("hotfix.approval")}
	switch yes, known := IsHotfix(g.set, g.e.Name, g.f); {
	case !known:
		return []ruling{usual, lane}
	case yes:
		return []ruling{lane}
	}
	return []ruling{usual}
}

// ballot is that of a change, with what was said about the promotion in place of reviews.
func (g *guard) ballot(rules ruling, apart apartness) *ballot {
	p := *g.p
	p.Approval = policy.Approval{Mode: policy.Enforce, Rules: rules.list, Exclude: apart.exclude(), Stale: "never", Unmatched: "pass"}
	f := g.f.asChange()
	for _, s := range g.m.Approvals {
		state := "approved"
		if s.Reject {
			state = "changes_requested"
		}
		f.Reviews = append(f.Reviews, Review{By: s.By, State: state, Commit: g.m.Commit, At: s.At})
	}
	b := newBallot(&p, f)
	b.at = rules.at
	if g.f.orphaned() {
		b.orphaned = noOrigin
	}
	b.promotes = true
	b.barring = func(by Person) string {
		if apart.requester != "" && sameAccount(by, g.m.Requester) {
			return "asked for it"
		}
		return ""
	}
	return b
}

// deployer holds whoever asked to the deployers, as they are now.
func (c *council) deployer() []Finding {
	g, by := c.g, c.g.m.Requester
	if !g.deploys() {
		return nil
	}
	b, from := c.ballots[0], named(g.e.Deployers, g.p)
	x := Finding{Outcome: Wait, Rule: g.rule("deployers")}
	switch a, why := b.fits(by, from); {
	case a == told(true, true):
		return nil
	case a == told(false, false):
		x.Outcome, x.What, x.How = Unknown, Clip("Whether "+login(by)+" may deploy here is not known. "+why, 140), "It is asked again."
	default:
		word := "deploy"
		if g.m.How == Rollback {
			word = "rollback"
		}
		x.What = Clip(fmt.Sprintf("%s may not deploy to %s: one of the deployers has to ask.", login(by), g.name()), 140)
		x.Who = g.deployers()
		x.How = fmt.Sprintf("Deployers are %s. One of them says `/sluice %s %s %s`.", inWords(words(from)), word, g.name(), short(g.m.Commit))
	}
	return []Finding{x}
}

// deployers are those who may ask for a deployment to the environment, in a few words.
func (g *guard) deployers() string {
	all := words(named(g.e.Deployers, g.p))
	if len(all) == 0 {
		return "whoever may write to the repository"
	}
	return Clip("the deployers of "+g.name()+": "+joined(all, 8, "or"), mostWho)
}

// deployersOf are those of another environment.
func (g *guard) deployersOf(environment string) string {
	for _, other := range guardsOf(g.set, environment, g.f) {
		if other.given("deployers") {
			return other.deployers()
		}
	}
	return "whoever may deploy to " + plain(environment, 40)
}

// words are the selectors for people.
func words(from []selector) (all []string) {
	for _, s := range from[:min(len(from), 8)] {
		switch s.kind {
		case aPermission:
			all = append(all, "whoever has the right "+s.name)
		case theOwners:
			all = append(all, "the owners of the paths")
		default:
			all = append(all, plain(s.name, 60))
		}
	}
	return all
}

// rejections are those that stand, by people who could have approved. A passer-by's does not hold anything up.
func (c *council) rejections() (findings []Finding) {
	b, rule := c.ballots[0], c.g.rule("approval")
	for i := range b.against {
		by := b.against[i].by()
		if !by.Human() {
			continue
		}
		a, why := c.mayReject(by)
		x := Finding{Outcome: Wait, Rule: rule, Who: login(by), What: Clip(fmt.Sprintf("%s rejected this promotion: %s", login(by), c.reason(by)), 140),
			How: fmt.Sprintf("Only %s can take it back: `/sluice approve %s`. `/sluice cancel %s` ends it.", login(by), c.g.name(), c.g.name())}
		switch a {
		case told(false, true):
			continue
		case told(false, false):
			x.Outcome, x.What, x.How = Unknown, Clip(login(by)+" rejected this promotion. "+why, 140), "It is asked again."
		}
		findings = append(findings, x)
	}
	return findings
}

func (c *council) mayReject(by Person) (all answer, why string) {
	for _, from := range c.entitled {
		a, reason := c.ballots[0].fits(by, from)
		if a > all {
			all, why = a, reason
		}
	}
	return all, why
}

// reason is what somebody gave with the latest rejection.
func (c *council) reason(by Person) string {
	why := ""
	for _, s := range c.g.m.Approvals {
		if s.Reject && sameAccount(s.By, by) {
			why = s.Reason
		}
	}
	if why = plain(why, 80); why == "" {
		return "no reason was given."
	}
	return why
}

package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// mayDeploy refuses whoever is none of the deployers of the environment, at this moment: every policy that names some has
// to be met. Where none does, write access is asked for.
func (x *site) mayDeploy(ctx context.Context, a *asking, environment string) error {
	by, rules := x.deployers(environment)
	yes, err := a.apart(x, nil).entitled(ctx, by)
	switch {
	case err != nil:
		return declined(a.unanswered().Text)
	case !yes:
		return decline("%s may not: the deployers of %s are asked for, by %s. One of them has to write the command.",
			escape(a.by().Login), codeSpan(environment), asksFor(by, rules))
	}
	return nil
}

// deployers are those of an environment, with the rules that name them.
func (x *site) deployers(environment string) (by []policy.Named, rules []string) {
	var first *policy.Policy
	for _, layer := range x.set.Layers {
		e := checks.Environment(layer, environment)
		if e == nil || policy.Weaker(e.Mode, "") == policy.Off {
			continue
		}
		if first == nil {
			first = layer
		}
		if layer.Given("environments." + e.Name + ".deployers") {
			by, rules = append(by, policy.Named{From: e.Deployers, Layer: layer}), append(rules, layer.Rule("environments."+e.Name+".deployers"))
		}
	}
	if len(by) == 0 && first != nil {
		by, rules = []policy.Named{{Layer: first}}, []string{first.Rule("environments." + environment)}
	}
	return by, rules
}

// asksFor says whom rules name.
func asksFor(by []policy.Named, rules []string) string {
	var parts []string
	for i, n := range by {
		words := fromWords(n.From)
		if n.From.Zero() {
			words = "the right write, since it names nobody"
		}
		if part := fmt.Sprintf("%s (%s)", codeSpan(rules[i]), escape(words)); !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", and ")
}

// mayApprove refuses whoever no approval rule of the environment names, of any policy: each rule is met by its own people,
// so that nobody has to be named by all. Where no policy has a rule, write access is asked for. Owners of the paths touched
// are only known where the comment is on the change that the promotion came from.
func (x *site) mayApprove(ctx context.Context, a *asking, p *Promotion) error {
	by, rules := x.approvers()
	apart := a.apart(x, p)
	var unread error
	for _, n := range by {
		yes, err := apart.oneOf(ctx, n)
		if err != nil {
			unread = err
		}
		if yes && err == nil {
			return nil
		}
	}
	if unread != nil {
		return declined(a.unanswered().Text)
	}
	return decline("%s may not: the approvers of %s are asked for, by %s. One of them has to write the command.",
		escape(a.by().Login), codeSpan(x.name), strings.ReplaceAll(asksFor(by, rules), ", and ", ", or "))
}

// approvers are those whom an approval rule of the environment names, the hotfix lane's too.
func (x *site) approvers() (by []policy.Named, rules []string) {
	var first *policy.Policy
	for _, layer := range x.set.Layers {
		e := checks.Environment(layer, x.name)
		if e == nil || policy.Weaker(e.Mode, "") == policy.Off {
			continue
		}
		if first == nil {
			first = layer
		}
		add := func(key string, list []policy.ApprovalRule) {
			for i, rule := range list {
				if policy.Weaker(rule.Mode, "") != policy.Off {
					by = append(by, policy.Named{From: rule.From, Layer: layer})
					rules = append(rules, layer.Rule(fmt.Sprintf("environments.%s.%s[%d]", e.Name, key, i)))
				}
			}
		}
		add("approval", e.Approval)
		add("hotfix.approval", e.Hotfix.Approval)
	}
	if len(by) == 0 && first != nil {
		by, rules = []policy.Named{{Layer: first}}, []string{first.Rule("environments." + x.name)}
	}
	return by, rules
}

// apart is the asking without the facts of the change, which say nothing of who may command an environment; with them where
// the promotion came from that very change, since then they tell who owns what it touched.
func (a *asking) apart(x *site, p *Promotion) *asking {
	b := *a
	if p != nil && p.Change != 0 && p.Change == a.s.Change && a.facts != nil {
		return &b
	}
	b.facts = &checks.Facts{Subject: a.s, Sources: x.standing.Sources, Repository: checks.Repository{Name: a.s.Repo, Default: x.standing.Branch}}
	return &b
}

// separated says that the policy does not let this person have a say in the promotion, as far as that is known here. It is
// the approval line that judges it: what is said is kept all the same.
func (x *site) separated(a *asking, p *Promotion) string {
	for _, layer := range x.set.Layers {
		e := checks.Environment(layer, x.name)
		if e == nil || policy.Weaker(e.Mode, "") == policy.Off {
			continue
		}
		if role := x.roleIn(a, p, e.Separate); role != "" {
			return fmt.Sprintf(" But %s is %s, and %s lets that person neither request nor approve: the approval line says so, and somebody else has to.",
				escape(a.by().Login), role, codeSpan(layer.Rule("environments."+e.Name+".separate")))
		}
	}
	return ""
}

// roleIn is which of the separated roles the person is known to have, or "".
func (x *site) roleIn(a *asking, p *Promotion, separate []string) string {
	if p.By.ID == a.by().ID && p.Request != a.request() && slices.Contains(separate, "requester") {
		return "who requested it"
	}
	if p.Change == 0 || p.Change != a.s.Change || a.facts == nil || a.facts.Change == nil {
		return ""
	}
	author := a.facts.Change.Author.ID != 0 && a.facts.Change.Author.ID == a.by().ID
	part, _ := checks.TookPart(a.facts, a.by())
	switch {
	case author && (slices.Contains(separate, "author") || slices.Contains(separate, "contributors")):
		return "the author of the change"
	case part && slices.Contains(separate, "contributors"):
		return "a contributor of the change"
	}
	return ""
}

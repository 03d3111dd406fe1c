package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
)

// noOrigin is why nothing can be said of the change behind a promotion.
const noOrigin = "No merged change is known that brought this commit."

// asChange are the facts as they would be of the change that brought the commit, so that conditions, authors and contributors
// are read as they are of changes. What was said on it is not there: it was about merging.
func (f *Facts) asChange() *Facts {
	g, m := *f, f.Promotion
	g.Reviews, g.Comments, g.Heard, g.Signed = nil, nil, false, false
	g.Gaps = slices.Clone(f.Gaps)
	for _, part := range []string{"reviews", "comments", "signatures"} {
		g.Gaps = append(g.Gaps, Gap{Part: part, Reason: "It is not read for promotions."})
	}
	if m.Origin == nil || m.Origin.Change == nil {
		g.Change, g.Files, g.Commits = &Change{Head: Ref{Commit: m.Commit}, Base: Ref{Name: m.Branch}}, nil, nil
		for _, part := range []string{"files", "commits", "labels"} {
			g.Gaps = append(g.Gaps, Gap{Part: part, Reason: noOrigin})
		}
		return &g
	}
	g.Change, g.Files, g.Commits = m.Origin.Change, m.Origin.Files, m.Origin.Commits
	g.Gaps = append(g.Gaps, m.Origin.Gaps...)
	return g.admitting()
}

// orphaned says that no change is known that the facts could be as.
func (f *Facts) orphaned() bool { return f.Promotion.Origin == nil || f.Promotion.Origin.Change == nil }

// hasLane says whether the policy has a lane for hotfixes: one that names no condition is none.
func (g *guard) hasLane() bool { return !g.e.Hotfix.When.Zero() }

// IsHotfix says whether the change that a promotion came from meets the hotfix lane of the environment, by every policy
// that has one; known is false where the facts do not tell.
func IsHotfix(set *policy.Set, environment string, f *Facts) (yes, known bool) {
	if f.Promotion == nil || f.Promotion.How.Back() {
		return false, true
	}
	all, lanes := told(true, true), 0
	for _, g := range guardsOf(set, environment, f) {
		if !g.hasLane() {
			continue
		}
		lanes++
		all = min(all, g.meetsLane())
	}
	return all == told(true, true) && lanes > 0, lanes == 0 || all != told(false, false)
}

// meetsLane evaluates the condition. A label shortens something here, so it counts only if somebody with write access set it;
// where that is not known the answer has to be the same with it and without.
func (g *guard) meetsLane() answer {
	if g.f.orphaned() {
		return told(false, false)
	}
	sure, _ := newBallot(g.p, g.f.proving(false)).applies(&g.e.Hotfix.When)
	if maybe, _ := newBallot(g.p, g.f.proving(true)).applies(&g.e.Hotfix.When); maybe != sure {
		return told(false, false)
	}
	return sure
}

// proving are the facts as of the change, with those labels alone that somebody with write access set, or who might have it.
func (f *Facts) proving(benefit bool) *Facts {
	g := f.asChange()
	c := *g.Change
	c.Labels = nil
	for _, l := range g.Change.Labels {
		if l.By == nil || !l.By.Human() {
			continue
		}
		if is, known := f.fitsAny(*l.By, objectors()); is || benefit && !known {
			c.Labels = append(c.Labels, l)
		}
	}
	g.Change = &c
	return g
}

// wantHotfix asks for what the condition hangs on.
func wantHotfix(set *policy.Set, environment string, f *Facts, w *Wants) {
	if f.orphaned() {
		return
	}
	for _, g := range guardsOf(set, environment, f) {
		if !g.hasLane() {
			continue
		}
		when := &g.e.Hotfix.When
		for _, l := range f.Promotion.Origin.Change.Labels {
			if l.By != nil && l.By.Human() && (when.Expression != nil || containsFold(when.Labels, l.Name)) {
				wantFits(f, w, []Person{*l.By}, objectors())
			}
		}
		if !when.Authors.Zero() {
			newBallot(g.p, f.asChange()).wantSelectors(w, []Person{f.Promotion.Origin.Change.Author}, named(when.Authors, g.p))
		}
	}
}

// apartness is who has to leave a promotion to others, each with the rule that says so; "" where none does.
type apartness struct{ author, contributors, requester string }

// separate gathers what the policies say: that of the guard itself, and of the others what they enforce.
func (g *guard) separate(line *PromotionLine) (s apartness) {
	for _, o := range g.all {
		if o != g && o.mode(line) != policy.Enforce {
			continue
		}
		for i, who := range o.e.Separate {
			rule := o.rule(fmt.Sprintf("separate[%d]", i))
			switch {
			case who == "author" && s.author == "":
				s.author = rule
			case who == "contributors" && s.contributors == "":
				s.contributors = rule
			case who == "requester" && s.requester == "":
				s.requester = rule
			}
		}
	}
	return s
}

// exclude is the same as the terms of a poll have it.
func (s apartness) exclude() (words []string) {
	if s.author != "" {
		words = append(words, "author")
	}
	if s.contributors != "" {
		words = append(words, "contributors")
	}
	return words
}

// apart holds whoever asked to the separation.
func (g *guard) apart(s apartness) []Finding {
	if s.author == "" && s.contributors == "" {
		return nil
	}
	rule := s.author
	if rule == "" {
		rule = s.contributors
	}
	x := Finding{Outcome: Unknown, Rule: rule, How: "Promote a commit that a change brought, or have the approval overridden."}
	if g.f.orphaned() {
		x.What = "Who wrote it is not known, so nobody can be told apart: " + strings.ToLower(noOrigin[:1]) + noOrigin[1:]
		return []Finding{x}
	}
	f, by := g.f.asChange(), g.m.Requester
	asked := by.ID != 0 || by.Login != ""
	switch took, known := TookPart(f, by); {
	case asked && s.author != "" && sameAccount(by, f.Change.Author):
		return []Finding{g.elsewhere(s.author, by, "wrote the change")}
	case s.contributors == "":
		return nil
	case asked && took:
		return []Finding{g.elsewhere(s.contributors, by, "took part in the change")}
	case !known && g.commitsUnread() != "":
		x.Rule, x.What = s.contributors, Clip("Who contributed is not known: "+g.commitsUnread(), 140)
		return []Finding{x}
	}
	return nil
}

// commitsUnread says why the commits of the change are not all known, if so.
func (g *guard) commitsUnread() string {
	f := g.f.asChange()
	if gap, ok := f.Gap("commits"); ok {
		return plain(gap.Reason, 90)
	}
	if have, all := len(f.Commits), f.Change.CommitCount; have < all {
		return fmt.Sprintf("%d of %d commits were read.", have, all)
	}
	return ""
}

func (g *guard) elsewhere(rule string, by Person, why string) Finding {
	return Finding{Outcome: Wait, Rule: rule, Who: g.deployers(),
		What: Clip(fmt.Sprintf("%s %s and may not promote it: somebody else has to ask.", login(by), why), 140),
		How:  "One of the deployers asks for it anew: `/sluice deploy " + g.name() + " " + short(g.m.Commit) + "`."}
}

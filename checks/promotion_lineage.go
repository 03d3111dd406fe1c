package checks

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// mostNamed is how many commits a line names.
const mostNamed = 10

// judgeLineage wants the commit to contain what is live: by ancestry, or as the same patch.
func judgeLineage(g *guard) Result {
	if policy.Weaker(g.e.Lineage, "") == policy.Off || g.e.Lineage == "" {
		return g.passes("lineage", "What is live need not be contained.")
	}
	live, r, settled := g.compared("lineage", "lacks", "between")
	if settled {
		return r
	}
	picked := map[string]bool{}
	for _, c := range g.m.Between {
		picked[c.Patch] = c.Patch != ""
	}
	var lost []Carried
	for _, c := range g.m.Lacks {
		if !picked[c.Patch] {
			lost = append(lost, c)
		}
	}
	for _, c := range lost[:min(len(lost), mostNamed)] {
		r.Findings = append(r.Findings, Finding{Outcome: Fail, Rule: r.Rule,
			What: Clip(fmt.Sprintf("Lacks %s, which is live: %s.", c.named(), c.titled()), 140),
			How: fmt.Sprintf("Merge or cherry-pick it (`git cherry-pick %s`) and promote what comes of it; or go back on purpose: `/sluice rollback %s %s REASON`.",
				short(c.Commit), g.name(), short(g.m.Commit))})
	}
	r.Findings = append(r.Findings, g.more(len(lost), Fail, r.Rule, "more commits that are live are lacking, and not named")...)
	r.Pass = fmt.Sprintf("Contains %s, which is live.", short(live.Commit))
	return r
}

// compared is what is live, when there is something and it has been compared with the commit; or else the result.
func (g *guard) compared(key string, parts ...string) (live *Deployment, r Result, settled bool) {
	live = g.m.Live()
	gap, unread := g.f.Gap("deployments")
	if live != nil {
		gap, unread = g.f.Gap(append(parts, "deployments")...)
	}
	switch {
	case unread:
		return nil, g.one(Unknown, key, "What lies between this commit and what is live is not known: "+plain(gap.Reason, 60), "It is looked at again."), true
	case live == nil:
		return nil, g.passes(key, "Nothing is live here yet."), true
	case live.Commit != g.m.Commit && len(g.m.Between)+len(g.m.Lacks) == 0:
		return nil, g.one(Unknown, key, "What lies between this commit and what is live was not read.", "It is looked at again."), true
	}
	return live, Result{Rule: g.rule(key)}, false
}

// more counts what is not named one by one.
func (g *guard) more(all int, o Outcome, rule, what string) []Finding {
	if all <= mostNamed {
		return nil
	}
	return []Finding{{Outcome: o, Rule: rule, What: fmt.Sprintf("%d %s.", all-mostNamed, what)}}
}

// named is a commit with who wrote it.
func (c *Carried) named() string {
	by := login(c.Author)
	if c.Author.Login == "" {
		by = plain(c.Author.Name, 39)
	}
	if by == "" {
		return short(c.Commit)
	}
	return short(c.Commit) + " by " + by
}

func (c *Carried) titled() string {
	if t := plain(c.Title, 60); t != "" {
		return t
	}
	return "without a title"
}

// judgeChanges wants every commit that the promotion brings to have come by a change whose gate was open.
func judgeChanges(g *guard) Result {
	if policy.Weaker(g.e.Changes, "") == policy.Off || g.e.Changes == "" {
		return g.passes("changes", "Where the commits come from is not asked.")
	}
	live, r, settled := g.compared("changes", "between")
	if settled && live == nil && len(r.Findings) == 0 && g.m.How == Workflow && !g.m.OnBranch { // nothing is live: whoever asks by name is held to the branch too
		if x, off := g.inside(); off {
			return x
		}
	}
	if settled {
		return r
	}
	if r, inside := g.inside(); inside {
		return r
	}
	bad, unknown := 0, 0
	for i := range g.m.Between {
		x, ok := g.brought(&g.m.Between[i])
		switch {
		case ok:
			continue
		case x.Outcome == Fail:
			bad++
		default:
			unknown++
		}
		if x.Outcome == Fail && bad <= mostNamed || x.Outcome == Unknown && unknown <= mostNamed {
			x.Rule = r.Rule
			r.Findings = append(r.Findings, x)
		}
	}
	r.Findings = append(r.Findings, g.more(bad, Fail, r.Rule, "more commits came past the gate, and are not named")...)
	r.Findings = append(r.Findings, g.more(unknown, Unknown, r.Rule, "more commits are not looked up yet")...)
	r.Pass = fmt.Sprintf("All of %s came by changes whose gate was open.", severalOf(len(g.m.Between), "commit"))
	if len(g.m.Between) == 0 {
		r.Pass = "It brings no commit that is not live."
	}
	return r
}

// connects is how long a forge may take to connect a merge with its change and its branch.
const connects = 2 * time.Minute

// inside holds the promotion to what a merge made: the commits below it were on a change's branch, and nobody judged what
// they hold. A change may well undo before its head what an earlier commit of it did.
func (g *guard) inside() (Result, bool) {
	c := short(g.m.Commit)
	switch o := g.m.Origin; {
	case o != nil && o.Change != nil && o.Change.MergeCommit != "" && o.Change.MergeCommit != g.m.Commit:
		return g.one(Fail, "changes", fmt.Sprintf("%s is a commit inside #%d, which nobody judged by itself; the merge made %s.", c, o.Change.Number, short(o.Change.MergeCommit)),
			"Promote what the merge made: `/sluice deploy "+g.name()+" "+o.Change.MergeCommit+"`."), true
	case !g.m.OnBranch && g.f.At.Sub(g.m.Requested) < connects:
		return g.one(Unknown, "changes", fmt.Sprintf("%s is not known to be on the default branch yet.", c), "It is looked at again."), true
	case !g.m.OnBranch:
		return g.one(Fail, "changes", fmt.Sprintf("%s is not on the default branch: only what was merged there comes from changes that were judged.", c),
			"Merge it, and promote what the merge makes."), true
	}
	return Result{}, false
}

// brought says whether a commit came by a change whose gate was open.
func (g *guard) brought(c *Carried) (x Finding, ok bool) {
	how := "It stays between what is live and all that is built on it, reverted or not, so only people can let it through: " +
		"`/sluice override changes REASON`, and `/sluice deploy " + g.name() + "` once more."
	if !g.overridable("changes") {
		how += " For that the policy has to name `changes` under `override.checks`."
	}
	switch {
	case c.Shut == "?":
		return Finding{Outcome: Unknown, What: Clip(fmt.Sprintf("Whether %s came by an open gate is not known yet: %s.", c.named(), c.titled()), 140), How: "It is looked at again."}, false
	case c.Change <= 0:
		return Finding{Outcome: Fail, What: Clip(fmt.Sprintf("%s was pushed without a change: %s.", c.named(), c.titled()), 140), How: how}, false
	case c.Shut != "":
		return Finding{Outcome: Fail, What: Clip(fmt.Sprintf("%s came by #%d past a shut gate (%s): %s.", c.named(), c.Change, plain(c.Shut, 50), c.titled()), 140), How: how}, false
	}
	return x, true
}

// mergedOpen holds a promotion that nobody asked for by name to the gate of the change that was merged, whatever the policy
// says of changes; and a run to the commit that it tells of. GitHub tells of the head of a pull request, and has its runs
// execute what a merge into the base would make, workflows included: main into a branch of one's own is one, too.
func mergedOpen(g *guard) Result {
	if g.m.How == Workflow && strings.HasPrefix(g.m.Event, "pull_request") {
		return g.one(Fail, "changes", fmt.Sprintf("The run was set off by %s: it executes a merge that nobody judged, and not %s.", plain(g.m.Event, 40), short(g.m.Commit)),
			"Have the workflow run on `push` to the default branch, on `workflow_dispatch` or on `deployment`: those execute the very commit that they tell of.")
	}
	if g.m.How != OnMerge {
		return Result{}
	}
	o := g.m.Origin
	switch {
	case o == nil || !o.Known || o.Change == nil:
		return g.one(Unknown, "deploy", "Whether the gate was open when this was merged is not known.", "It is looked at again.")
	case o.Gate != "":
		return g.one(Fail, "deploy", fmt.Sprintf("#%d was merged while its gate was not open: %s", o.Change.Number, plain(o.Gate, 80)),
			"A merge deploys by itself only through an open gate. Somebody who may asks for it by name: `/sluice deploy "+g.name()+"`.")
	}
	return Result{}
}

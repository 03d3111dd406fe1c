package checks

import (
	"slices"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/versions"
)

// Check is one named rule: what it has to know under a policy, and what it finds in the facts.
type Check struct {
	Name  string
	Wants func(*policy.Policy, *Facts, *Wants)
	Judge func(*policy.Policy, *Facts) Result
}

// Result is what one check found under one policy.
type Result struct {
	Findings []Finding
	Pass     string // the sentence that is shown when nothing is missing
	Rule     string // where the rule came from, when nothing is missing
}

// All are the checks of a change, in the order shown. Adding one means adding a line here.
func All() []Check {
	return []Check{
		{"tagging", wantTagging, judgeTagging},
		{"changelog", wantChangelog, judgeChangelog},
		{"config-separation", wantConfigSeparation, judgeConfigSeparation},
		{"approval", wantApproval, judgeApproval},
	}
}

// AskFor says what the checks still have to know about the subject under the policies in force.
func AskFor(set *policy.Set, f *Facts) *Wants {
	w := &Wants{}
	for _, layer := range set.Layers {
		for _, c := range All() {
			if layer.ModeOf(c.Name) != policy.Off {
				c.Wants(layer, f, w)
			}
		}
		wantHouse(layer, f, w)
	}
	wantPolicy(set, f, w)
	if w.Paths != nil { // a tree is listed once: what only a later answer will show to be needed is listed with it
		w.WantPaths(f, statesVersion)
	}
	return w
}

// statesVersion says whether a file may state a version, or belongs to one that does.
func statesVersion(path string) bool {
	_, lock := versions.Lock(path)
	return lock || versions.IsVersionFile(path) || versions.Manifest(path)
}

// Judge gives one verdict per check, in the order of All, then one per house rule, then `policy` where the change
// edits it. It is pure: the same set and facts give the same verdicts.
func Judge(set *policy.Set, f *Facts) []Verdict {
	f = f.admitting()
	var verdicts []Verdict
	for _, c := range All() {
		verdicts = append(verdicts, judgeOne(set, f, c))
	}
	verdicts = append(verdicts, judgeHouse(set, f)...)
	if v, ok := judgePolicy(set, f); ok {
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// admitting are the facts with a gap where a change is said to touch files and none of them is told, so that no check
// takes it for one that touches nothing.
func (f *Facts) admitting() *Facts {
	if f.Change == nil || len(f.Files) > 0 || f.Change.ChangedFiles == 0 {
		return f
	}
	if _, told := f.Gap("files"); told {
		return f
	}
	g := *f
	g.Gaps = append(slices.Clone(f.Gaps), Gap{Part: "files", Reason: "The forge counts changed files and names none; they are asked for again."})
	return &g
}

// repeats says that another layer found the same already, at least as strictly.
func (f Finding) repeats(before Finding) bool {
	f.Rule, f.Mode = before.Rule, policy.Weaker(f.Mode, "")
	before.Mode = policy.Weaker(before.Mode, "")
	return f == before
}

// judgeOne judges one check under every layer: all of them are in force, and the strictest word counts.
func judgeOne(set *policy.Set, f *Facts, c Check) Verdict {
	var findings []Finding
	var pass, rule string
	for i, layer := range set.Layers {
		mode := layer.ModeOf(c.Name)
		if mode == policy.Off && layer.Floor() {
			continue // what the organisation does not ask for is not switched off, it is open
		}
		if mode == policy.Off {
			findings = append(findings, Finding{Outcome: Skip, What: "Switched off by the policy.", Rule: layer.Rule(c.Name + ".mode")})
			continue
		}
		r := c.Judge(layer, f)
		if len(r.Findings) == 0 && r.Pass == "" { // a check that says nothing opens nothing
			r.Findings = []Finding{{Outcome: Unknown, What: "This check came to no conclusion.", Rule: layer.Rule(c.Name)}}
		}
		for _, x := range r.Findings {
			x.Mode = policy.Weaker(x.Mode, mode)
			if i == 0 || !slices.ContainsFunc(findings, x.repeats) {
				findings = append(findings, x)
			}
		}
		if pass == "" {
			pass, rule = r.Pass, r.Rule
		}
	}
	return conclude(c.Name, findings, pass, rule)
}

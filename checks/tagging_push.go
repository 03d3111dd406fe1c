package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/versions"
)

// JudgeTag judges a tag that was pushed, moved or deleted, and gives the one verdict "tagging".
//
// A release tag must follow the scheme, be higher than what was there (or continue an older line, see
// versions.Scheme.Place), be annotated and signed where the policy wants that, lie on a protected branch, and be
// pushed by somebody allowed. One that moved or vanished fails whatever else is true of it: a release that can become
// another is none. Tags that are no release tags under the policy are skipped.
//
// Tags are placed among those that are there when it is judged. Dates are not asked: whoever tags sets them.
func JudgeTag(set *policy.Set, f *Facts) []Verdict {
	v := judgeOne(set, f, Check{Name: "tagging", Judge: judgePushed})
	return []Verdict{v}
}

// AskForTag says what the check of a pushed tag still has to know: the rights of whoever pushed it.
func AskForTag(set *policy.Set, f *Facts) *Wants {
	w := &Wants{}
	for _, layer := range set.Layers {
		if layer.ModeOf("tagging") == policy.Off || f.Pushed == nil || f.Pushed.By == nil || f.Local {
			continue
		}
		if j, err := newPushJudge(layer, f); err == nil && j.line != nil && j.skip == "" {
			wantHolds(f, w, []Person{*f.Pushed.By}, layer.Tagging.By, layer)
		}
	}
	return w
}

// pushJudge gathers what is found about one tag under one policy.
type pushJudge struct {
	p        *policy.Policy
	f        *Facts
	t        *TagPush
	line     *releaseLine // that the tag is one of
	version  versions.Version
	bad      error // why it is no version of the line's scheme
	skip     string
	there    []versions.Version // the releases of the line but for this
	findings []Finding
}

func judgePushed(p *policy.Policy, f *Facts) Result {
	r := Result{Rule: p.Rule("tagging")}
	if f.Pushed == nil {
		r.Findings = []Finding{{Outcome: Unknown, Rule: r.Rule, What: "Nothing is known about the tag."}}
		return r
	}
	j, err := newPushJudge(p, f)
	switch {
	case err != nil:
		r.Findings = []Finding{{Outcome: Unknown, Rule: p.Rule("tagging.scheme"), What: Clip("The policy's tagging scheme cannot be used: "+plain(err.Error(), 90), 140)}}
		return r
	case j.skip != "":
		r.Findings = []Finding{{Outcome: Skip, Rule: p.Rule("tagging.tag"), What: Clip(j.skip, 140)}}
		return r
	}
	if !j.stayed() {
		r.Findings = j.findings
		return r
	}
	j.placed()
	j.made()
	j.located()
	j.allowed()
	r.Findings, r.Pass = j.findings, Clip(fmt.Sprintf("%s is a valid release tag%s.", j.name(), j.after()), 140)
	return r
}

func (j *pushJudge) name() string { return plain(j.t.Name, 60) }

// newPushJudge finds the line that the tag is one of: of several the one with the longest template.
func newPushJudge(p *policy.Policy, f *Facts) (*pushJudge, error) {
	j := &pushJudge{p: p, f: f, t: f.Pushed}
	lines, err := policyLines(p)
	if err != nil {
		return j, err
	}
	for _, l := range lines {
		l.adapt(p, f)
	}
	if j.line, j.version, j.bad = lineOf(lines, f.Pushed.Name); j.line == nil {
		j.skip = fmt.Sprintf("%s is no release tag: those are written %s.", j.name(), templates(lines))
		return j, nil
	}
	for _, t := range f.Tags {
		if v, ok := j.line.Read(t.Name); ok && t.Name != f.Pushed.Name {
			j.there = append(j.there, v)
		}
	}
	if text, _ := j.line.Template.Version(f.Pushed.Name); j.bad != nil && j.line.Scheme.Short(text, j.there) {
		j.skip = j.name() + " is no release tag: it moves along with the releases that it stands for."
	}
	return j, nil
}

// lineOf finds the line that a tag is one of, and why it is no version of that line's scheme, if so; nil: of none.
func lineOf(lines []*releaseLine, tag string) (line *releaseLine, version versions.Version, bad error) {
	for _, l := range lines {
		v, mine, err := l.Parse(tag)
		if mine && (line == nil || len(l.Template.String()) > len(line.Template.String())) {
			line, version, bad = l, v, err
		}
	}
	return line, version, bad
}

func templates(lines []*releaseLine) string {
	var all []string
	for _, l := range lines {
		all = append(all, plain(l.Template.String(), 40))
	}
	if len(all) > 3 {
		all = append(all[:2], "...")
	}
	return strings.Join(all, ", ")
}

// stayed says whether the tag is where it was first seen, and finds fault where it is not.
func (j *pushJudge) stayed() bool {
	t := j.t
	switch {
	case t.Commit == "" && j.bad != nil:
		j.find(Skip, "tagging.scheme", j.name()+" is gone, and was no valid release tag.", "")
		return false
	case t.Commit == "":
		j.fail("tagging", fmt.Sprintf("The release tag %s was deleted; it pointed at %s. Whoever deleted it must put it back.", j.name(), short(t.Before)),
			fmt.Sprintf("git tag -a %s %s && git push origin refs/tags/%s", j.quoted(), short(t.Before), j.quoted()))
		return false
	case t.Before != "" && t.Before != t.Commit:
		j.fail("tagging", fmt.Sprintf("The release tag %s moved from %s to %s: release a new version instead.", j.name(), short(t.Before), short(t.Commit)),
			fmt.Sprintf("Put it back (git push --force origin %s:refs/tags/%s), and tag the new commit with the next version.", t.Before, j.quoted()))
		return false
	}
	return true
}

// quoted is the tag's name fit to be pasted into a shell.
func (j *pushJudge) quoted() string {
	name := plain(j.t.Name, 200)
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/@+-") == "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// placed judges scheme and order.
func (j *pushJudge) placed() {
	if j.bad != nil {
		j.fail("tagging.scheme", "The release tag is malformed: "+plain(j.bad.Error(), 100)+".",
			fmt.Sprintf("Delete it (git push origin :refs/tags/%s), then: %s", j.quoted(), j.anew("-a")))
		return
	}
	verdict, why := j.line.Scheme.Place(j.version, j.there)
	if verdict == versions.OK {
		if g, gap := j.f.Gap("tags"); gap {
			j.find(Unknown, "tagging.scheme", "Whether "+j.name()+" is higher than what was there is not known: "+plain(g.Reason, 60), "")
		}
		return
	}
	j.fail("tagging.scheme", fmt.Sprintf("%s cannot come next: %s.", j.name(), plain(why, 80)), j.anew("-a"))
}

// anew is the command that tags the commit with a version above all that are there, this tag's included.
func (j *pushJudge) anew(option string) string {
	all := j.there
	if j.bad == nil {
		all = append(slices.Clone(all), j.version)
	}
	release, pre := versions.Highest(all)
	if release.Zero() {
		release = pre
	}
	next := j.line.Template.Tag(j.line.Scheme.Next(release, versions.Patch, j.f.At.UTC()))
	if next == "" {
		next = "NEXT"
	}
	return fmt.Sprintf("git tag %s %s %s && git push origin %s", option, next, short(j.t.Commit), next)
}

// made judges how the tag was made: annotated, and signed.
func (j *pushJudge) made() {
	t, p := j.t, j.p.Tagging
	if p.Annotated && !t.Annotated {
		j.fail("tagging.annotated", fmt.Sprintf("%s is a lightweight tag: release tags must be annotated.", j.name()), "Release the commit anew: "+j.anew("-a"))
	}
	if !p.Signed || t.Signed {
		return
	}
	reason := "it is not signed"
	if t.Reason != "" {
		reason = "the forge says " + plain(t.Reason, 40)
	}
	if strings.HasPrefix(t.Reason, "gpgverify_") || t.Reason == "unavailable" {
		j.find(Unknown, "tagging.signed", fmt.Sprintf("The signature of %s could not be verified: %s.", j.name(), reason), "")
		return
	}
	j.fail("tagging.signed", fmt.Sprintf("%s must carry a signature that the forge can verify: %s.", j.name(), reason), "With a key that the forge knows: "+j.anew("-s"))
}

// located judges the branch: one that the policy names, or any protected one.
func (j *pushJudge) located() {
	if j.f.Local {
		return
	}
	names := policy.Globs(j.p.Tagging.Branches)
	if slices.ContainsFunc(j.t.Branches, func(b string) bool { return len(names) == 0 || names.Match(b) }) {
		return
	}
	if g, gap := j.f.Gap("branches"); gap {
		j.find(Unknown, "tagging.branches", "Which branches contain "+j.name()+" is not known: "+plain(g.Reason, 80), "")
		return
	}
	where := "a protected branch"
	if len(names) > 0 {
		where = plain(strings.Join(names, " or "), 50)
	}
	j.fail("tagging.branches", fmt.Sprintf("%s is not on %s: release what was merged there.", j.name(), where),
		"Merge the commit first, then tag it on that branch.")
}

// allowed judges who pushed.
func (j *pushJudge) allowed() {
	if j.f.Local {
		return
	}
	if j.t.By == nil {
		j.find(Unknown, "tagging.by", fmt.Sprintf("Who pushed %s is not known.", j.name()), "Push the tag anew under the next version while Sluice is listening, or have the check overridden.")
		return
	}
	who := plain(j.t.By.Login, 40)
	switch may, known := j.f.holds(*j.t.By, j.p.Tagging.By, j.p); {
	case !known:
		reason := "their rights were not read"
		if g, gap := j.f.Gap("people", "teams"); gap {
			reason = plain(g.Reason, 60)
		}
		j.find(Unknown, "tagging.by", fmt.Sprintf("Whether %s may push release tags is not known: %s.", who, strings.TrimSuffix(reason, ".")), "")
	case !may:
		j.fail("tagging.by", fmt.Sprintf("%s may not push release tags: somebody named in tagging.by has to.", who),
			"Name the account below tagging.by (users, teams, roles or permission), or have somebody who is named there release.")
	}
}

// after says what the tag comes after.
func (j *pushJudge) after() string {
	release, _ := versions.Highest(slices.DeleteFunc(slices.Clone(j.there), func(v versions.Version) bool { return v.Compare(j.version) > 0 }))
	if release.Zero() {
		return ", the first of its line"
	}
	return " after " + plain(release.Tag, 50)
}

func (j *pushJudge) fail(key, what, how string) { j.find(Fail, key, what, how) }

func (j *pushJudge) find(o Outcome, key, what, how string) {
	j.findings = append(j.findings, Finding{Outcome: o, What: Clip(what, 140), How: how, Rule: j.p.Rule(key)})
}

package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/checks/versions"
)

// carried is a release tag at the commit.
type carried struct {
	tag       string
	component string
	version   versions.Version
}

// releases is whether the environment asks for a release.
func (g *guard) releases() bool {
	return policy.Weaker(g.e.Release, "") != policy.Off && g.e.Release != ""
}

// tagging is the policy with what it asks of tags. A floor that leaves that open takes the repository's word for it.
func (g *guard) tagging() *policy.Policy {
	if !g.p.Floor() {
		return g.p
	}
	p, own := *g.p, g.set.Layers[0]
	if !p.Given("tagging.annotated") {
		p.Tagging.Annotated = own.Tagging.Annotated
	}
	if !p.Given("tagging.signed") {
		p.Tagging.Signed = own.Tagging.Signed
	}
	return &p
}

// carried are the valid release tags at the commit, by the rules for tags that are pushed, and those that look like some and
// are none. That a tag was higher than all before it was judged when it was pushed; what is higher by now may well be later.
func (g *guard) carried() (valid []carried, flawed []*Tag, err error) {
	p := g.tagging()
	lines, err := policyLines(p)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range lines {
		l.adapt(p, g.f)
	}
	for i := range g.f.Tags {
		t := &g.f.Tags[i]
		if t.Commit != g.m.Commit || t.Commit == "" {
			continue
		}
		l, v, bad := lineOf(lines, t.Name)
		signed := !p.Tagging.Signed || t.Annotated && t.Signature == "valid"
		switch {
		case l == nil:
		case bad == nil && signed && (t.Annotated || !p.Tagging.Annotated):
			valid = append(valid, carried{t.Name, l.name, v})
		default:
			flawed = append(flawed, t)
		}
	}
	return valid, flawed, nil
}

// flaws are what is wrong with a tag that looks like a release tag; nothing with one that moves along with releases.
func (g *guard) flaws(p *policy.Policy, t *Tag) []Finding {
	f := *g.f
	f.Pushed = &TagPush{Name: t.Name, Commit: t.Commit, Annotated: t.Annotated, Signed: t.Annotated && t.Signature == "valid", Reason: t.Signature}
	j, err := newPushJudge(p, &f)
	switch {
	case err != nil || j.skip != "":
		return nil
	case j.bad != nil:
		j.find(Fail, "tagging.scheme", j.name()+" at the commit is malformed: "+plain(j.bad.Error(), 80)+".", "Release the commit anew: "+j.anew("-a"))
	case p.Tagging.Signed && t.Annotated && t.Signature == "":
		j.find(Unknown, "tagging.signed", "Whether "+j.name()+" is signed was not read.", "It is looked at again.")
	default:
		j.made()
	}
	for i := range j.findings {
		if x := &j.findings[i]; x.Outcome == Fail { // another tag cures it
			x.Outcome, x.Who = Wait, releasers
		}
	}
	return j.findings
}

// releasers are those who may tag a release, whoever the policy's tagging names besides.
const releasers = "a maintainer of the repository"

// judgeCarriedTag wants the commit to carry a valid release tag.
func judgeCarriedTag(g *guard) Result {
	if !g.releases() {
		return g.passes("release", "No release is asked for.")
	}
	valid, flawed, err := g.carried()
	gap, unread := g.f.Gap("tags")
	switch {
	case err != nil:
		return g.one(Unknown, "release", "The policy's tagging scheme cannot be used: "+plain(err.Error(), 90), "Correct tagging in the policy.")
	case len(valid) > 0:
		var names []string
		for _, c := range valid {
			names = append(names, plain(c.tag, 50))
		}
		return g.passes("release", "Carries "+joined(names, 3, "and")+".")
	case unread:
		return g.one(Unknown, "release", "Whether the commit is released is not known, the tags could not be read: "+plain(gap.Reason, 60), "They are read again.")
	}
	var r Result
	for _, t := range flawed[:min(len(flawed), mostNamed)] {
		r.Findings = append(r.Findings, g.flaws(g.tagging(), t)...)
	}
	if len(r.Findings) > 0 {
		return r
	}
	return g.one(Wait, "release", short(g.m.Commit)+" carries no release tag: a maintainer has to release it.",
		"`/sluice release minor` (or patch, major, a version) in a comment on the merged change; or by hand: "+g.tagIt()).by(releasers)
}

// tagIt is the command that would tag the commit.
func (g *guard) tagIt() string {
	tag := "TAG"
	if lines, err := policyLines(g.p); err == nil && len(lines) == 1 {
		l := lines[0]
		l.adapt(g.p, g.f)
		var there []versions.Version
		for _, t := range g.f.Tags {
			if v, ok := l.Read(t.Name); ok {
				there = append(there, v)
			}
		}
		if highest, _ := versions.Highest(there); !highest.Zero() {
			tag = l.Template.Tag(l.Scheme.Next(highest, versions.Minor, g.f.At.UTC()))
		}
	}
	return fmt.Sprintf("`git tag -a %s %s && git push origin %s`.", plain(tag, 60), short(g.m.Commit), plain(tag, 60))
}

// told is one carried tag per component: that of the highest version.
func (g *guard) told() (tags []carried) {
	valid, _, _ := g.carried() // a scheme that cannot be used leaves none
	for _, c := range valid {
		i := slices.IndexFunc(tags, func(o carried) bool { return o.component == c.component })
		switch {
		case i < 0:
			tags = append(tags, c)
		case c.version.Compare(tags[i].version) > 0:
			tags[i] = c
		}
	}
	sorting.By(tags, func(a, b carried) int { return strings.Compare(a.tag, b.tag) })
	return tags
}

// mostFragments is how many are read.
const mostFragments = 200

// wantSection asks for the changelog that tells of the version, and for fragments.
func wantSection(g *guard, w *Wants) {
	if !g.releases() {
		return
	}
	for _, c := range g.told() {
		if _, gap := g.f.Gap("paths"); gap {
			return
		}
		if !g.f.Listed {
			w.WantPaths(g.f, newLedger(g.p, &Facts{}).listed)
			return
		}
		log, fragments := releaseLog(g.p, g.f, c.component)
		for _, p := range append([]string{log}, fragments[:min(len(fragments), mostFragments)]...) {
			if _, gap := g.f.Gap("text:" + p); !gap && p != "" {
				w.WantText(g.f, Head, p)
			}
		}
	}
}

// judgeSection wants the changelog at the commit to tell of the version that it is tagged as. What is tagged is what it is:
// a section that is missing there can only come with another version.
func judgeSection(g *guard) Result {
	if !g.releases() {
		return g.passes("release", "No release is asked for.")
	}
	tags := g.told()
	if len(tags) == 0 {
		if gap, unread := g.f.Gap("tags"); unread {
			return g.one(Unknown, "release", "Which version this is is not known, the tags could not be read: "+plain(gap.Reason, 70), "They are read again.")
		}
		return g.one(Wait, "release", "No valid release tag says which version the changelog has to tell of: a maintainer has to release it.", "`/sluice release minor` in a comment on the merged change.").by(releasers)
	}
	if gap, unread := g.f.Gap("paths"); unread || !g.f.Listed {
		return g.one(Unknown, "release", "The changelog could not be looked for: "+plain(gap.Reason, 90), "It is looked for again.")
	}
	r := g.passes("release", "")
	var names []string
	for _, c := range tags {
		if x, where := g.section(c); where == "" {
			r.Findings = append(r.Findings, x)
		} else {
			names = append(names, plain(where, 60))
		}
	}
	r.Pass = Clip("Told of in "+joined(slices.Compact(names), 3, "and")+".", 140)
	return r
}

// section finds where a version is told of, or says that it is not.
func (g *guard) section(c carried) (x Finding, where string) {
	x = Finding{Outcome: Fail, Rule: g.rule("release"), How: "Nothing cures it at this commit: make the section, merge that, and release the next version."}
	log, fragments := releaseLog(g.p, g.f, c.component)
	fragments = fragments[:min(len(fragments), mostFragments)]
	texts := map[string]string{}
	for _, p := range append([]string{log}, fragments...) {
		if p == "" {
			continue
		}
		t, read := g.f.Text(Head, p)
		if gap, unread := g.f.Gap("text:" + p); unread || !read {
			x.Outcome, x.What, x.How = Unknown, Clip(plain(p, 60)+" was not read. "+plain(gap.Reason, 60), 140), "It is read again."
			return x, ""
		}
		texts[p] = t.Text
	}
	x.Path = log
	if _, told := changelog.Notes(log, texts[log], c.version.Text); log != "" && told {
		return x, log
	}
	if len(fragments) > 0 && changelog.Gather(fragments, texts) != "" {
		return x, "fragments"
	}
	x.What = Clip(fmt.Sprintf("%s has no section for %s, which the commit is tagged as.", plain(log, 50), plain(c.tag, 50)), 140)
	if log == "" {
		x.What = Clip(fmt.Sprintf("There is no changelog at the commit to tell of %s.", plain(c.tag, 60)), 140)
	}
	return x, ""
}

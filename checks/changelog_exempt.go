package checks

import (
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
)

// exempted says by what a change is exempt, if it is.
type exempted struct {
	by       string   // one sentence; "" when nothing exempts it
	rule     string   // of what exempts it, or might
	unproven string   // why an exemption that may hold could not be proven
	ask      []Person // whose rights would tell
}

// exemption weighs the exemptions: by path, by label, by author. What is not proven exempts nobody.
func exemption(p *policy.Policy, f *Facts) exempted {
	e := p.Changelog.Exempt
	if len(e.Paths) > 0 && len(f.Files) > 0 && allExempt(e.Paths, f.Files) {
		return exempted{by: "All paths of the change are exempt from the changelog.", rule: p.Rule("changelog.exempt.paths")}
	}
	x := exemptLabel(p, f)
	if x.by != "" {
		return x
	}
	y := exemptAuthor(p, f)
	if y.by != "" || x.unproven == "" {
		y.ask = x.ask
		return y
	}
	return x
}

func allExempt(globs policy.Globs, files []File) bool {
	for i := range files {
		if !exemptPath(globs, &files[i]) {
			return false
		}
	}
	return true
}

// exemptPath says whether a file is exempt under each name that the change knows it by.
func exemptPath(globs policy.Globs, c *File) bool {
	return globs.Match(c.Path) && (c.Old == "" || c.Status != "renamed" || globs.Match(c.Old))
}

// exemptLabel looks for a label that a person with write access set. A label set by an app may come from anybody who
// can set it in motion, so it does not count; neither does one of which nobody knows who set it.
func exemptLabel(p *policy.Policy, f *Facts) (x exempted) {
	x.rule = p.Rule("changelog.exempt.labels")
	for _, l := range f.Change.Labels {
		if !containsFold(p.Changelog.Exempt.Labels, l.Name) || l.By == nil || l.By.ID == 0 || l.By.Kind == "bot" || l.By.Kind == "app" {
			continue
		}
		yes, known := f.holds(*l.By, policy.From{Permission: "write"}, p)
		switch {
		case yes:
			x.by = Clip(fmt.Sprintf("Exempt by the label %s, set by %s.", plain(l.Name, 50), plain(l.By.Login, 40)), 140)
			return x
		case !known:
			x.ask = append(x.ask, *l.By)
			x.unproven = fmt.Sprintf("Sluice could not read whether %s, who set the label %s, has write access; it asks again.", plain(l.By.Login, 40), plain(l.Name, 40))
		}
	}
	return x
}

// exemptAuthor looks at who made the change, and whether all of its commits are that author's own: somebody else may
// push to the branch of an exempt author.
func exemptAuthor(p *policy.Policy, f *Facts) (x exempted) {
	author := f.Change.Author
	if author.ID == 0 || !exemptLogin(p, author) {
		return x
	}
	x.rule = p.Rule("changelog.exempt.authors")
	if g, ok := f.Gap("commits"); ok {
		x.unproven = Clip("Sluice could not read whose commits these are, so the author's exemption is not proven: "+g.Reason, 140)
		return x
	}
	if len(f.Commits) == 0 || len(f.Commits) < f.Change.CommitCount {
		x.unproven = "Sluice was not told of all commits, so the author's exemption is not proven; it asks again."
		return x
	}
	for _, c := range f.Commits {
		if !exemptCommit(p, c) {
			return exempted{}
		}
	}
	x.by = Clip(fmt.Sprintf("Exempt because it is by %s alone.", plain(author.Login, 60)), 140)
	return x
}

// exemptLogin says whether somebody is named among the exempt authors. A login that ends in [bot] is an app's; a
// person of such a name is not.
func exemptLogin(p *policy.Policy, who Person) bool {
	for _, name := range p.Changelog.Exempt.Authors {
		app := strings.HasSuffix(strings.ToLower(name), "[bot]")
		if who.ID != 0 && sameLogin(who, name) && (!app || who.Kind == "bot" || who.Kind == "app") {
			return true
		}
	}
	return false
}

// exemptCommit says whether author, committer and co-authors of a commit are all exempt. The forge itself commits on
// behalf of whoever clicked.
func exemptCommit(p *policy.Policy, c Commit) bool {
	forge := c.Committer.Kind == "bot" && strings.EqualFold(c.Committer.Login, "web-flow")
	if !exemptLogin(p, c.Author) || !forge && !exemptLogin(p, c.Committer) {
		return false
	}
	for _, a := range c.CoAuthors {
		if !exemptLogin(p, a) {
			return false
		}
	}
	return true
}

func containsFold(list []string, s string) bool {
	for _, l := range list {
		if strings.EqualFold(l, s) {
			return true
		}
	}
	return false
}

package checks

import (
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/versions"
)

// labels is what the labels of a change say of its level.
type labels struct {
	level   versions.Level
	ignored string // a label that does not count, since whoever set it may not
	unsure  string // one of which that could not be found out
}

// labelled reads the labels that name a level. One counts if somebody with write access set it; one whose setter the
// timeline does not tell was set by nobody.
func labelled(p *policy.Policy, f *Facts) labels {
	var all labels
	for _, l := range f.Change.Labels {
		level, ok := labelLevel(l.Name)
		if !ok {
			continue
		}
		may, known := false, true
		if l.By != nil {
			may, known = f.holds(*l.By, policy.From{Permission: "write"}, p)
		}
		switch {
		case !known:
			all.unsure = plain(l.Name, 30)
		case !may:
			all.ignored = plain(l.Name, 30)
		default:
			all.level = max(all.level, level)
		}
	}
	return all
}

// labelLevel reads "minor", "semver:minor", "semver: minor", "semver/minor" and "semver-minor", in any case.
func labelLevel(name string) (versions.Level, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	if rest, ok := strings.CutPrefix(name, "semver"); ok {
		if rest == "" || !strings.ContainsRune(":/-", rune(rest[0])) {
			return versions.None, false
		}
		name = strings.TrimSpace(rest[1:])
	}
	return versions.ParseLevel(name)
}

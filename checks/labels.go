package checks

import (
	"slices"

	"github.com/sluicegate/sluice/checks/policy"
)

// SettersMatter says whether any check of a change goes by who set one of these labels: one that names a level, or any
// where a policy exempts by labels. A forge that has to be asked for the setters is asked only then.
func SettersMatter(set *policy.Set, labels []string) bool {
	for _, p := range set.Layers {
		if len(labels) > 0 && len(p.Changelog.Exempt.Labels) > 0 && p.ModeOf("changelog") != policy.Off {
			return true
		}
		if p.ModeOf("tagging") != policy.Off && slices.ContainsFunc(labels, func(name string) bool { _, ok := labelLevel(name); return ok }) {
			return true
		}
	}
	return false
}

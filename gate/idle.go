package gate

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
)

// idle says that nothing that happened can change the newest decision, so that the forge need not be asked: a label
// that no rule reads, or a comment. It errs towards looking.
func (r *Reconciler) idle(w Work, latest *Decision, sources []byte) (why string, idle bool) {
	var src []policy.Source
	if json.Unmarshal(sources, &src) != nil {
		return "", false
	}
	set, err := r.policies.load(src)
	if err != nil {
		return "", false
	}
	if over := latest.Acts.next(); !over.IsZero() && !r.Now().Before(over) {
		return "", false // an override has run out
	}
	for _, c := range w.Causes {
		if c.Commit != "" && c.Commit != latest.Commit || !unread(set, c) {
			return "", false
		}
	}
	return "no rule reads what happened", true
}

// maybeIdle says whether it is worth finding out: every cause is of a sort that some policies do not read.
func maybeIdle(w Work) bool {
	if w.Dropped || w.Attempt > 1 || len(w.Causes) == 0 {
		return false
	}
	return !slices.ContainsFunc(w.Causes, func(c Mark) bool {
		return !c.labelled() && !c.said() && !c.commented() && !c.drafted()
	})
}

// told says that all of the posts were made.
func told(want []Post, recorded []Posted) bool {
	return !slices.ContainsFunc(want, func(p Post) bool {
		record := find(recorded, p)
		return record == nil || record.Digest != p.Digest
	})
}

// unread says that no rule of the policies reads what the cause tells of.
func unread(set *policy.Set, c Mark) bool {
	switch {
	case c.labelled():
		return c.Detail != "" && !readsLabel(set, c.Detail)
	case c.said(), c.commented():
		return !readsReviews(set)
	case c.drafted(): // and when it is ready again, reviews are asked for
		return !readsDraft(set)
	}
	return false
}

// readsDraft says whether a rule in force reads that a change is a draft.
func readsDraft(set *policy.Set) bool {
	for _, p := range set.Layers {
		for _, h := range p.Checks {
			if h.Rule != nil && strings.Contains(h.Rule.Source, "draft") || h.Message != nil && strings.Contains(h.Message.Source, "draft") {
				return true
			}
		}
		for _, rule := range p.Approval.Rules {
			if mentions(rule.When, "draft") || mentions(rule.Needs, "draft") {
				return true
			}
		}
	}
	return false
}

// readsLabel says whether a rule in force reads the label.
func readsLabel(set *policy.Set, label string) bool {
	for _, p := range set.Layers {
		if isBump(label) && p.ModeOf("tagging") != policy.Off {
			return true
		}
		named := append([]string{}, p.Changelog.Exempt.Labels...)
		for _, rule := range p.Approval.Rules {
			named = append(append(named, rule.When.Labels...), rule.Needs.Labels...)
			if mentions(rule.When, "label") || mentions(rule.Needs, "label") {
				return true
			}
		}
		if slices.ContainsFunc(named, func(n string) bool { return strings.EqualFold(n, label) }) {
			return true
		}
		for _, h := range p.Checks {
			if h.Rule != nil && strings.Contains(h.Rule.Source, "label") || h.Message != nil && strings.Contains(h.Message.Source, "label") {
				return true
			}
		}
	}
	return false
}

// isBump says whether the label may declare a version: any that ends in one of the words, whatever stands before.
func isBump(label string) bool {
	l := strings.ToLower(label)
	return strings.HasSuffix(l, "major") || strings.HasSuffix(l, "minor") || strings.HasSuffix(l, "patch")
}

// mentions says whether the expression of a condition reads something, by its name.
func mentions(w policy.When, word string) bool {
	return w.Expression != nil && strings.Contains(w.Expression.Source, word)
}

// readsReviews says whether a rule in force reads what people merely say: an expression over reviews, or an approval
// that may be given, or an objection made, in a comment.
func readsReviews(set *policy.Set) bool {
	for _, p := range set.Layers {
		if len(p.Approval.Objections.Comments) > 0 {
			return true
		}
		for _, h := range p.Checks {
			if h.Rule != nil && strings.Contains(h.Rule.Source, "review") || h.Message != nil && strings.Contains(h.Message.Source, "review") {
				return true
			}
		}
		for _, rule := range p.Approval.Rules {
			if len(rule.Comments) > 0 || mentions(rule.When, "review") || mentions(rule.Needs, "review") {
				return true
			}
		}
	}
	return false
}

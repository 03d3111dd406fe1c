package github

import (
	"sort"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// labels are those set now, each with who set it last. The timeline is read from its end; a label that was set before
// what is shown of it has no known setter.
func (r *reading) labels(pr *changeNode) {
	if pr.Labels == nil {
		r.gap("labels", "GitHub did not show the labels.")
		return
	}
	last := map[string]*labelEvent{}
	if pr.Labelled != nil {
		for _, e := range pr.Labelled.Nodes {
			if e == nil {
				continue
			}
			last[e.Label.Name] = e
		}
	}
	for _, l := range pr.Labels.Nodes {
		label := checks.Label{Name: l.Name}
		if e := last[l.Name]; e != nil && e.Typename == "LabeledEvent" {
			by := person(e.Actor)
			label.By, label.At = &by, e.CreatedAt.UTC()
		}
		r.f.Change.Labels = append(r.f.Change.Labels, label)
	}
	sort.Slice(r.f.Change.Labels, func(i, j int) bool { return r.f.Change.Labels[i].Name < r.f.Change.Labels[j].Name })
	if pr.Labels.TotalCount > len(pr.Labels.Nodes) {
		r.gap("labels", "GitHub showed %d of %d labels.", len(pr.Labels.Nodes), pr.Labels.TotalCount)
	}
}

// statuses are what GitHub shows on the head commit.
func (r *reading) statuses(head *commitNode) []checks.Status {
	ours := map[int64]contextNode{}
	if head.Ours != nil {
		for _, suite := range head.Ours.Nodes {
			for _, run := range suite.CheckRuns.Nodes {
				ours[run.DatabaseID] = run
			}
		}
	}
	var out []checks.Status
	if head.Rollup != nil {
		for _, n := range head.Rollup.Contexts.Nodes {
			out = append(out, r.status(n, ours))
			delete(ours, n.DatabaseID)
		}
	}
	for _, n := range ours { // beyond the first hundred
		n.Typename = "CheckRun"
		out = append(out, r.status(n, map[int64]contextNode{n.DatabaseID: n}))
	}
	sortStatuses(out)
	return out
}

func sortStatuses(s []checks.Status) {
	sort.Slice(s, func(i, j int) bool { return s[i].Name < s[j].Name || s[i].Name == s[j].Name && s[i].ID < s[j].ID })
}

func (r *reading) status(n contextNode, ours map[int64]contextNode) checks.Status {
	if n.Typename == "StatusContext" {
		return checks.Status{Name: n.Context, Node: n.ID, State: strings.ToLower(n.State), Title: checks.Clip(text(n.Description), 140)}
	}
	s := checks.Status{Name: n.Name, ID: n.DatabaseID, Node: n.ID, State: runState(n), Title: text(n.Title)}
	own, ok := ours[n.DatabaseID]
	if ok || n.CheckSuite != nil && n.CheckSuite.App != nil && n.CheckSuite.App.DatabaseID == r.c.app {
		s.Ours, s.Summary, s.ExternalID = true, text(own.Summary), text(own.ExternalID)
	}
	return s
}

func runState(n contextNode) string {
	if n.Status == "COMPLETED" && n.Conclusion != nil {
		return strings.ToLower(*n.Conclusion)
	}
	return strings.ToLower(n.Status)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

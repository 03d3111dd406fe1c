package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// summaryLimit keeps a summary below the 65,535 characters that GitHub takes.
const summaryLimit = 60_000

// annotationLimit is how many lines of the change are annotated by one check; the rest is counted in the summary.
const annotationLimit = 200

// posts are what people shall see of a decision, and of others on the same commit: the gate first, then each check that
// is not merely observed.
func posts(d *Decision, others []*Decision, publicURL string) []Post {
	var out []Post
	all := append([]*Decision{d}, others...)
	list := strictest(all...)
	for _, v := range list {
		if v.Mode == policy.Observe || v.Check == Gate && d.Subject.Kind == checks.KindTag { // nothing merges a tag
			continue
		}
		p := post(d, v, publicURL)
		if v.Check == Gate {
			p.Summary += table(list)
		}
		p.Summary += sameHead(all, v)
		p.Digest = p.digest()
		p.Deferrable = v.Check != Gate
		out = append(out, p)
	}
	return out
}

func post(d *Decision, v shared, publicURL string) Post {
	p := Post{
		Name: "sluice/" + v.Check, Commit: d.Commit, Outcome: v.Outcome,
		Title:      checks.Clip(Plain(v.Reason), 140),
		Summary:    summary(v.Verdict),
		URL:        strings.TrimRight(publicURL, "/") + "/decisions/" + v.decision,
		ExternalID: v.decision,
	}
	if v.Outcome == checks.Overridden {
		p.Title = checks.Clip(Plain("Overridden. "+v.Override), 140)
	}
	p.Buttons = buttons(d, v.Verdict)
	p.Annotations = v.Annotations()
	if len(p.Annotations) > annotationLimit {
		p.Annotations = p.Annotations[:annotationLimit]
	}
	for i := range p.Annotations {
		p.Annotations[i].Message = note(p.Annotations[i].Message)
	}
	return p
}

// noteLimit keeps what is written beside a line below the 64 kB that GitHub takes, and readable there.
const noteLimit = 8_000

// note is a message beside a line: plain text in lines, without what a forge refuses or what reads other than it is.
func note(s string) string {
	s = visible(s)
	if r := []rune(s); len(r) > noteLimit {
		s = string(r[:noteLimit]) + "…"
	}
	if strings.TrimSpace(s) == "" {
		return "See the summary."
	}
	return s
}

// digest says what a post says; equal digests need no new post.
func (p Post) digest() string {
	return digestOf(struct {
		Name, Commit, State, Title, Summary string
		Annotations                         []checks.Annotation
	}{p.Name, p.Commit, p.State(), p.Title, p.Summary, p.Annotations})
}

// summary is what, why and how, in Markdown.
func summary(v checks.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", escape(v.Reason))
	if v.Outcome == checks.Overridden {
		fmt.Fprintf(&b, "\n**Overridden.** %s Beneath it stands: %s.\n", escape(v.Override), v.Beneath)
	}
	shown := 0
	for _, f := range v.Findings {
		if f.Mode == policy.Observe {
			continue
		}
		part := finding(f)
		if b.Len()+len(part) > summaryLimit-500 {
			fmt.Fprintf(&b, "\n…and %d more; the details link has them all.\n", len(v.Findings)-shown)
			break
		}
		b.WriteString(part)
		shown++
	}
	if v.Rule != "" && len(v.Findings) == 0 {
		fmt.Fprintf(&b, "\nRule: %s\n", codeSpan(v.Rule))
	}
	return b.String()
}

// finding is one of them: what is missing, why, and what cures it.
func finding(f checks.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n- **%s** %s", label(f), escape(f.What))
	if f.Path != "" {
		place := f.Path
		if f.Line > 0 {
			place = fmt.Sprintf("%s:%d", f.Path, f.Line)
		}
		fmt.Fprintf(&b, "\n  Where: %s", codeSpan(place))
	}
	if f.Rule != "" {
		fmt.Fprintf(&b, "\n  Why: %s", codeSpan(f.Rule))
	}
	if to := link(f.URL); to != "" {
		fmt.Fprintf(&b, "\n  See: %s", to)
	}
	switch {
	case strings.Contains(f.How, "\n"):
		fmt.Fprintf(&b, "\n  How:\n\n%s", indent(fence(f.How), "  "))
	case f.How != "":
		fmt.Fprintf(&b, "\n  How: %s", escape(f.How))
	}
	b.WriteString("\n")
	return b.String()
}

func indent(s, by string) string { return by + strings.ReplaceAll(s, "\n", "\n"+by) }

func label(f checks.Finding) string {
	if f.Mode == policy.Advise && !f.Outcome.Open() {
		return "advice"
	}
	return f.Outcome.String()
}

// table lists every check under the gate.
func table(verdicts []shared) string {
	var b strings.Builder
	b.WriteString("\n| check | outcome | |\n|---|---|---|\n")
	for _, v := range verdicts {
		if v.Mode != policy.Observe && v.Check != Gate {
			reason := v.Reason
			if v.Outcome == checks.Overridden {
				reason = v.Override + " (Beneath: " + v.Reason + ")"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", codeSpan(v.Check), v.Outcome, escape(reason))
		}
	}
	return b.String()
}

// state is how the forge shows an outcome, in the words of checks.Status.State.
func (p Post) State() string {
	if p.Cancelled {
		return "cancelled"
	}
	switch p.Outcome {
	case checks.Pass:
		return "success"
	case checks.Fail:
		return "failure"
	case checks.Advise, checks.Overridden:
		return "neutral"
	case checks.Skip:
		return "skipped"
	}
	return "in_progress"
}

// changed leaves the posts that say something new, each with what the forge is known to show, and those found there
// that nobody has written down. recorded is what was
// last posted; statuses are what the forge shows now and win over it, unless they could not be read. again names those
// that somebody asked to be run again: they are posted once more, so that the asker sees an answer.
func changed(want []Post, recorded []Posted, statuses []checks.Status, read bool, again func(name string) bool) (news []Post, found []Posted) {
	for _, p := range want {
		record := find(recorded, p)
		ours, foreign := shown(p.Name, statuses)
		if !read && record != nil {
			ours, foreign = &checks.Status{ID: record.ID, Node: record.Node, State: record.State, Title: p.Title}, 0
		}
		switch {
		case ours == nil, foreign > ours.ID:
			// Never posted, taken away, or somebody wrote under our name since: a new post stands above theirs.
			p.Known = nil
		case again(p.Name):
			p.Known = &Posted{p.Name, p.Commit, ours.ID, ours.Node, "", ours.State}
		case record != nil && record.Digest == p.Digest && ours.State == p.State() && ours.Title == p.Title:
			continue // said and written down
		case record == nil && ours.State == p.State() && ours.Title == p.Title && ours.Summary == p.Summary:
			// Posted before a crash, or out of an earlier database: nothing to say again.
			found = append(found, Posted{p.Name, p.Commit, ours.ID, ours.Node, p.Digest, ours.State})
			continue
		default:
			p.Known = &Posted{p.Name, p.Commit, ours.ID, ours.Node, "", ours.State}
		}
		news = append(news, p)
	}
	return news, found
}

// shown finds our newest status of a name, and the newest id that somebody else wrote under it (0: nobody).
func shown(name string, statuses []checks.Status) (ours *checks.Status, foreign int64) {
	for i, s := range statuses {
		switch {
		case !strings.EqualFold(s.Name, name):
		case !s.Ours:
			foreign = max(foreign, s.ID)
		case ours == nil || s.ID > ours.ID:
			ours = &statuses[i]
		}
	}
	return ours, foreign
}

// foreigners are the statuses that others wrote under our names.
func foreigners(statuses []checks.Status) (names []string) {
	for _, s := range statuses {
		if !s.Ours && strings.HasPrefix(strings.ToLower(s.Name), "sluice/") && !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

func find(recorded []Posted, p Post) *Posted {
	for i, r := range recorded {
		if r.Name == p.Name && r.Commit == p.Commit {
			return &recorded[i]
		}
	}
	return nil
}

package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// headline says in a sentence where a promotion stands.
func (v *visit) headline(p *Promotion) (title string, o checks.Outcome) {
	switch p.State {
	case Requested, Gated:
		if v.set != nil && v.spelt == "" {
			return fmt.Sprintf("No policy guards %s: name it under environments: in .sluice.yml on the default branch, or take Sluice off it.", p.Environment), checks.Unknown
		}
		d := v.judged(p)
		if d != nil && d.Open && p.Why != "" { // what held it back lies at the forge
			return "Every check holds, but it waits: " + sentence(p.Why), checks.Wait
		}
		if d != nil {
			return d.Gate.Reason, d.Gate.Outcome
		}
		return "Waits for its gate" + because(p.Why) + ".", checks.Wait
	case Deploying:
		return "Every check holds; it is being deployed.", checks.Wait
	case Live:
		if p.Red != "" {
			return "Live since " + stamp(p.LiveAt) + ", and not well: " + sentence(p.Red), checks.Fail
		}
		if p.Awaits != nil {
			return "Live since " + stamp(p.LiveAt) + ". " + sentence(p.Awaits.What), checks.Wait
		}
		return liveOnly(p), checks.Wait
	case Verified:
		return "Live since " + stamp(p.LiveAt) + " and well.", checks.Pass
	case RolledBack:
		return "R" + strings.TrimPrefix(sentence(p.Why), "r"), checks.Fail // "rolled back to …"
	case Failed:
		if why, ok := strings.CutPrefix(p.Why, rejected); ok {
			return "Rejected: " + sentence(why), checks.Fail
		}
		return "Failed: " + sentence(p.Why), checks.Fail
	}
	if why, ok := strings.CutPrefix(p.Why, "cancelled "); ok {
		return "Cancelled " + sentence(why), checks.Wait
	}
	return strings.ToUpper(string(p.State[:1])) + string(p.State[1:]) + ": " + sentence(p.Why), checks.Wait
}

// liveOnly says no more than that a promotion is live.
func liveOnly(p *Promotion) string {
	return "Live since " + stamp(p.LiveAt) + "; not known to be well yet."
}

// sentence ends with a full stop, or with what stands for one.
func sentence(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}

// judged is the decision of this visit on a promotion, or nil.
func (v *visit) judged(p *Promotion) *Decision {
	if d := v.decision; d != nil && d.ID == p.Decision {
		return d
	}
	return nil
}

// recall looks up the verdict that a promotion goes by, unless it was judged just now.
func (v *visit) recall(ctx context.Context, p *Promotion) error {
	if v.earlier = nil; p.Decision == "" || p.Waiting() || v.judged(p) != nil {
		return nil
	}
	d, _, err := v.r.Memory.Latest(ctx, p.Subject())
	if err != nil {
		return fmt.Errorf("read the decision on %v: %w", p.Subject(), err)
	}
	v.earlier = d
	return nil
}

// verdict is what a promotion goes by: what holds it back, what let it through, or why it was rejected; nil where that is
// past.
func (v *visit) verdict(p *Promotion) *Decision {
	if p.State == Superseded || p.State == Cancelled {
		return nil
	}
	if d := v.judged(p); d != nil || v.earlier == nil || v.earlier.ID != p.Decision {
		return d
	}
	return v.earlier
}

// onward says what can be done about a promotion that ended badly.
func onward(p *Promotion) string {
	again := "`/sluice deploy " + Plain(p.Environment) + " " + short(p.Commit) + "` deploys it once more"
	if p.Run != 0 {
		again = "running its workflow anew asks once more"
	}
	switch {
	case p.State == Failed && p.Created.IsZero():
		return ""
	case p.State == Failed && !p.LiveAt.IsZero():
		return "When the cause is mended, " + again + "."
	case p.State == Failed:
		return "What was live before may be live still. When the cause is mended, " + again + "."
	case p.State == Live && p.Red != "":
		return "Nothing follows from it while it is red. Run that again if the failure was not the commit's; or go back: `/sluice rollback " + Plain(p.Environment) + " REASON`."
	}
	return ""
}

// summary is what is known of a promotion, in Markdown: what asked for it, and every line with what cures it.
func (v *visit) summary(p *Promotion) string {
	var b strings.Builder
	title, _ := v.headline(p)
	fmt.Fprintf(&b, "%s\n\n%s into %s, %s.\n", escape(title), codeSpan(short(p.Commit)), codeSpan(p.Environment), v.askedBy(p))
	if s := onward(p); s != "" {
		fmt.Fprintf(&b, "\n%s\n", escape(s))
	}
	if a := p.Awaits; a != nil && p.State == Live && p.Red == "" {
		b.WriteString(finding(checks.Finding{Outcome: checks.Wait, What: a.What, How: a.How}))
		if !a.Until.IsZero() {
			fmt.Fprintf(&b, "  When: %s\n", stamp(a.Until))
		}
	}
	if d := v.verdict(p); d != nil {
		b.WriteString(lineTable(d))
		b.WriteString(cures(d))
	}
	return shortened(b.String(), summaryLimit)
}

func (v *visit) askedBy(p *Promotion) string {
	how := map[checks.How]string{checks.OnMerge: "merged", checks.Automatic: "follows by itself what was merged",
		checks.ByCommand: "asked for", checks.ByAPI: "asked for through the API", checks.Workflow: "asked for by a workflow run",
		checks.Rollback: "rolled back to", checks.RollsBack: "rolled back to by Sluice itself"}[p.How]
	if p.By.Login != "" {
		how += " by " + escape(p.By.Login)
	}
	if p.Change != 0 {
		how += fmt.Sprintf(", from #%d", p.Change)
	}
	if p.Reason != "" {
		how += ": " + escape(strings.TrimRight(p.Reason, "."))
	}
	return how
}

// lineTable has one row for each line of the verdict.
func lineTable(d *Decision) string {
	var b strings.Builder
	b.WriteString("\n| line | outcome | |\n|---|---|---|\n")
	for _, x := range d.Verdicts {
		if x.Mode == policy.Observe {
			continue
		}
		reason := x.Reason
		if x.Outcome == checks.Overridden {
			reason = x.Override + " (Beneath: " + x.Reason + ")"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", codeSpan(x.Check), x.Outcome, escape(reason))
	}
	return b.String()
}

// cures says of each line that holds the promotion back why, and who or what cures it, and when.
func cures(d *Decision) string {
	var b strings.Builder
	var said []string
	for _, x := range d.Verdicts {
		if !x.Blocks() && x.Outcome != checks.Advise {
			continue
		}
		for _, f := range x.Findings {
			if f.Mode == policy.Observe || f.Outcome.Open() {
				continue
			}
			text := finding(f)
			if !f.Until.IsZero() {
				text += fmt.Sprintf("  When: %s\n", stamp(f.Until))
			}
			if slices.Contains(said, text) { // after, verify and soak wait for one thing
				continue
			}
			said = append(said, text)
			b.WriteString(text)
			if b.Len() > summaryLimit/2 {
				b.WriteString("\n…and more; the details link has them all.\n")
				return b.String()
			}
		}
	}
	return b.String()
}

// note is the comment on the change. It tells of states, and of what held back when the gate was first looked at; how that
// goes on is left to the check, which costs one write for each change of the verdict.
func (v *visit) note(p *Promotion) string {
	title, _ := v.headline(p)
	if p.State == Live && p.Red == "" { // what it waits for changes, and is told by the check
		title = liveOnly(p)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** into %s: %s. %s\n", codeSpan(short(p.Commit)), codeSpan(p.Environment), p.State, escape(title))
	if s := onward(p); s != "" {
		fmt.Fprintf(&b, "\n%s\n", escape(s))
	}
	if d := v.verdict(p); d != nil && (p.Waiting() || p.State == Failed && p.Created.IsZero()) {
		b.WriteString(lineTable(d))
		b.WriteString(cures(d))
		if p.Waiting() {
			fmt.Fprintf(&b, "\nSo it stood on %s; the check %s on the commit keeps up with it.\n", stamp(v.now), codeSpan(checkName(p.Environment)))
		}
	}
	fmt.Fprintf(&b, "\n%s. [Decision](%s)\n", strings.ToUpper(v.askedBy(p)[:1])+v.askedBy(p)[1:], v.link(p))
	return b.String()
}

// reportText is what a run that waits is told, within 1,024 characters.
func (v *visit) reportText(p *Promotion) string {
	title, _ := v.headline(p)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", escape(title))
	if d := v.judged(p); d != nil && (p.Waiting() || p.State == Failed) && v.spelt != "" {
		for _, x := range d.Verdicts {
			for _, f := range x.Findings {
				if !x.Blocks() || f.Mode == policy.Observe || f.Outcome.Open() || b.Len() > 700 {
					continue
				}
				text := fmt.Sprintf("- %s %s %s\n", codeSpan(x.Check), escape(f.What), escape(checks.Clip(Plain(f.How), 200)))
				if !strings.Contains(b.String(), text) {
					b.WriteString(text)
				}
			}
		}
	}
	if p.State == Failed {
		b.WriteString("\nWhen that is mended, a new run asks once more.\n")
	}
	fmt.Fprintf(&b, "\n%s", v.link(p))
	return shortened(b.String(), 1000)
}

// stamp is an instant for people.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

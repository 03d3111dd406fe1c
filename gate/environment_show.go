package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// show tells people what came of the visit: the check on each promotion's commit, the one comment on the change that it
// came from, and the runs that wait.
func (v *visit) show(ctx context.Context) error {
	if v.r.DryRun {
		return nil
	}
	failed := []error{v.answerRuns(ctx)}
	for _, id := range v.ending {
		failed = append(failed, v.provider.Conclude(ctx, v.s, id, "error", "Cancelled; what was deployed by then stays."))
	}
	for i := range v.book.Promotions {
		p := &v.book.Promotions[i]
		if v.touched[p.ID] {
			q := v.speaker(p)
			failed = append(failed, v.recall(ctx, q), v.showCheck(ctx, q), v.recall(ctx, p), v.showNote(ctx, p))
		}
	}
	for _, x := range v.strange {
		failed = append(failed, v.showStranger(ctx, x))
	}
	return errors.Join(failed...)
}

// checkName is the check of an environment's promotions.
func checkName(environment string) string { return "sluice/deploy (" + environment + ")" }

// showCheck posts the verdict on the commit, when it says something new.
func (v *visit) showCheck(ctx context.Context, p *Promotion) error {
	post := v.post(p)
	if p.Shown.Digest == post.Digest {
		return nil
	}
	if p.Shown.ID == 0 {
		p.Shown = v.shownBefore(p)
	}
	if p.Shown.ID != 0 {
		known := p.Shown
		post.Known = &known
	}
	poster, ok := v.provider.(Provider)
	if !ok {
		return nil
	}
	posted, err := poster.Post(ctx, p.Subject(), v.facts(), []Post{post})
	if len(posted) > 0 {
		v.shown(p.Commit, posted[0])
	}
	return err
}

// speaker is the promotion whose word the one check of a commit has: the newest that was not overtaken or called off.
func (v *visit) speaker(p *Promotion) *Promotion {
	var newest *Promotion
	for i := range v.book.Promotions { // newest first
		q := &v.book.Promotions[i]
		if q.Commit == p.Commit && q.State != Superseded && q.State != Cancelled {
			return q
		}
		if q.Commit == p.Commit && newest == nil {
			newest = q
		}
	}
	return newest
}

// shown remembers with every promotion of a commit what its check says now.
func (v *visit) shown(commit string, now Posted) {
	for i := range v.book.Promotions {
		if q := &v.book.Promotions[i]; q.Commit == commit {
			q.Shown = now
			v.touched[q.ID] = true
		}
	}
}

func (v *visit) facts() *checks.Facts {
	if v.standing == nil {
		return nil
	}
	return v.standing.Facts
}

// shownBefore is the check that an earlier attempt left on the same commit.
func (v *visit) shownBefore(p *Promotion) Posted {
	for _, q := range v.book.Promotions {
		if q.Commit == p.Commit && q.ID != p.ID && q.Shown.ID != 0 {
			return q.Shown
		}
	}
	return Posted{}
}

// post is the check of a promotion as it stands.
func (v *visit) post(p *Promotion) Post {
	title, outcome := v.headline(p)
	post := Post{Name: checkName(p.Environment), Commit: p.Commit, Outcome: outcome, Cancelled: p.State == Superseded || p.State == Cancelled,
		Title: checks.Clip(Plain(title), 140), Summary: v.summary(p), URL: v.link(p), ExternalID: p.Decision}
	post.Digest = post.digest()
	return post
}

func (v *visit) link(p *Promotion) string {
	if p.Decision == "" {
		return strings.TrimRight(v.r.PublicURL, "/")
	}
	return strings.TrimRight(v.r.PublicURL, "/") + "/decisions/" + p.Decision
}

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
		return "Live since " + stamp(p.LiveAt) + "; not known to be well yet.", checks.Wait
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

// showNote makes the one comment on the change say where its promotion stands.
func (v *visit) showNote(ctx context.Context, p *Promotion) error {
	forge, ok := v.provider.(Correspondent)
	if !ok || p.Change == 0 {
		return nil
	}
	text := v.note(p)
	digest := textDigest(text)
	if p.Noted == digest || p.Note > 0 && p.NotedIn == p.State && p.Waiting() {
		return nil
	}
	s := checks.Subject{Forge: p.Forge, Repo: p.Repo, Kind: checks.KindChange, Change: p.Change, Installation: p.Installation}
	known := p.Note
	if known == 0 && v.w.Attempt > 1 {
		known = -1
	}
	id, err := forge.Reply(ctx, s, "promotion/"+p.ID, known, text)
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err == nil {
		p.Note, p.Noted, p.NotedIn = id, digest, p.State
	}
	return err
}

// note is the comment on the change. It tells of states, and of what held back when the gate was first looked at; how that
// goes on is left to the check, which costs one write for each change of the verdict.
func (v *visit) note(p *Promotion) string {
	title, _ := v.headline(p)
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

// showStranger shows a deployment outside the gate red on its commit: where a promotion has a check there, as that one.
func (v *visit) showStranger(ctx context.Context, x stranger) error {
	poster, ok := v.provider.(Provider)
	if !ok {
		return nil
	}
	e := x.entry
	post := Post{Name: checkName(v.spelt), Commit: e.Commit, Outcome: checks.Fail, URL: strings.TrimRight(v.r.PublicURL, "/"),
		Title:   checks.Clip("Outside the gate: "+x.title, 140),
		Summary: escape(e.Reason) + "\n\nIt is in the audit log, kind `outside-the-gate`. What is live there counts from now on, whatever came by.\n"}
	post.Digest = post.digest()
	i := slices.IndexFunc(v.book.Promotions, func(p Promotion) bool { return p.Commit == e.Commit && p.Shown.ID != 0 })
	if i >= 0 {
		known := v.book.Promotions[i].Shown
		post.Known = &known
	}
	s := v.s
	s.Kind, s.Commit = checks.KindPromotion, e.Commit
	posted, err := poster.Post(ctx, s, v.facts(), []Post{post})
	if len(posted) > 0 {
		v.shown(e.Commit, posted[0])
	}
	return err
}

// stamp is an instant for people.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

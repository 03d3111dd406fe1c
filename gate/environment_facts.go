package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/policy"
)

// fill adds to the facts what only Sluice remembers.
func (v *visit) fill(ctx context.Context, p *Promotion, f *checks.Facts) error {
	x := f.Promotion
	x.Deployments = slices.DeleteFunc(slices.Clone(v.standing.Deployments), func(d checks.Deployment) bool { return p.made(d.ID) && d.Live.IsZero() })
	x.Locks, x.UnderWay, x.Before, x.Rolls = nil, nil, nil, time.Time{}
	x.Frozen = frozenAround(v.standing.Frozen, v.now)
	for _, l := range v.book.Locks {
		if l.Holds(v.now) {
			x.Locks = append(x.Locks, l.Lock)
		}
	}
	if gone := v.vanished(x); gone != "" && !p.How.Back() {
		f.Gaps = append(f.Gaps, checks.Gap{Part: "deployments", Reason: gone})
	}
	if u := v.underWay(); u != nil && u.ID != p.ID {
		x.UnderWay = &checks.UnderWay{Commit: u.Commit, Since: u.Since, By: u.By}
	}
	if p.How.Back() {
		x.Rolls = v.wellHere(p.Commit)
	}
	if x.Origin != nil && x.Origin.Change != nil && p.Change != x.Origin.Change.Number {
		p.Change = x.Origin.Change.Number
		v.touched[p.ID] = true
	}
	if v.set == nil {
		return nil
	}
	if err := v.before(ctx, x); err != nil {
		return err
	}
	if err := v.gates(ctx, x); err != nil {
		return err
	}
	return v.calendars(ctx, x)
}

// frozenAround are the freezes of the forge's own that hold now, and the next one of each: what a decision rests on. Those
// that come later are for calendars.
func frozenAround(list []checks.Frozen, now time.Time) (kept []checks.Frozen) {
	next := map[string]bool{}
	for _, z := range list { // in order of time
		if !z.To.After(now) || z.From.After(now) && next[z.Source] {
			continue
		}
		next[z.Source] = z.From.After(now)
		kept = append(kept, z)
	}
	return kept
}

// vanished says that the forge tells of nothing that is live where a promotion is known to have been: whoever deletes
// deployments must not make a commit that lacks what is live pass for the first one.
func (v *visit) vanished(x *checks.Promotion) string {
	if x.Live() != nil || v.standing.Cut != "" {
		return ""
	}
	for _, p := range v.book.Promotions {
		if !p.LiveAt.IsZero() {
			return fmt.Sprintf("the deployment of %s, which was live here, is gone at the forge", short(p.Commit))
		}
	}
	return ""
}

// wellHere is when a commit was last found well in this environment; zero: never.
func (v *visit) wellHere(commit string) (at time.Time) {
	for _, p := range v.book.Promotions {
		if p.Commit == commit && p.VerifiedAt.After(at) {
			at = p.VerifiedAt
		}
	}
	return at
}

// before tells how far the commit has come in the environment that has to be before this one.
func (v *visit) before(ctx context.Context, x *checks.Promotion) error {
	for _, g := range environments(v.set) {
		if !v.is(g.name) || len(g.after) == 0 {
			continue
		}
		list, err := v.r.Book.Environment(ctx, v.s.Forge, v.s.Repo, g.after[0])
		if err != nil {
			return fmt.Errorf("read what is remembered of %s: %w", g.after[0], err)
		}
		if p := furthest(list.Promotions, x.Commit); p != nil {
			x.Before = &checks.Stage{Environment: g.after[0], State: string(p.State), Live: p.LiveAt, Why: p.Why}
		}
	}
	return nil
}

// furthest is the newest promotion of a commit that was ever live, or else the newest.
func furthest(list []Promotion, commit string) (found *Promotion) {
	for i := range list {
		p := &list[i]
		if p.Commit != commit || found != nil && (!found.LiveAt.IsZero() || p.LiveAt.IsZero()) {
			continue
		}
		found = p
	}
	return found
}

// gates tells of each change that the promotion carries whether its gate was open when it was merged. Of one that nobody
// looked at that is not known, and it is looked at now.
func (v *visit) gates(ctx context.Context, x *checks.Promotion) error {
	known := map[int]string{}
	told := func(n int) (string, error) {
		if shut, ok := known[n]; ok {
			return shut, nil
		}
		s := checks.Subject{Forge: v.s.Forge, Repo: v.s.Repo, Kind: checks.KindChange, Change: n, Installation: v.s.Installation}
		st, err := v.r.Memory.State(ctx, s)
		if err != nil {
			return "", fmt.Errorf("read state of %v: %w", s, err)
		}
		if known[n] = Unexamined; st != nil && st.Merged {
			known[n] = st.Shut
		}
		if known[n] == Unexamined {
			v.out.later(Mark{Kind: MarkChange, Forge: s.Forge, Repo: s.Repo, Change: n, Installation: s.Installation, Why: carrying})
		}
		return known[n], nil
	}
	for i := range x.Between {
		c := &x.Between[i]
		if c.Shut = ""; c.Change == 0 {
			if v.now.Sub(x.Requested) < relook { // the forge may not have connected it with its change yet
				c.Shut = Unexamined
			}
			continue
		}
		var err error
		if c.Shut, err = told(c.Change); err != nil {
			return err
		}
	}
	if o := x.Origin; o != nil && o.Change != nil {
		shut, err := told(o.Change.Number)
		if err != nil {
			return err
		}
		o.Gate, o.Known = shut, shut != Unexamined
	}
	return nil
}

// Calendars reads those that freezes name by URL.
type Calendars interface {
	// Calendar is the text of one, and when it was read: no more than an hour ago.
	Calendar(ctx context.Context, url string) (text string, read time.Time, err error)
}

// calendars reads those that the environment's freezes name: from the web, or files of the default branch.
func (v *visit) calendars(ctx context.Context, x *checks.Promotion) error {
	x.Calendars = nil
	for _, name := range calendar.Calendars(v.set, v.s.Environment) {
		c := checks.Calendar{Name: name, Read: v.now}
		var err error
		switch {
		case !strings.Contains(name, "://"):
			c.Text, err = v.file(ctx, name)
		case v.r.Calendars == nil:
			err = fmt.Errorf("no calendars from the web are allowed here: the operator names them in SLUICE_CALENDARS")
		default:
			c.Text, c.Read, err = v.r.Calendars.Calendar(ctx, name)
		}
		if err != nil {
			c.Text, c.Failed = "", checks.Clip(Plain(err.Error()), 200)
		}
		x.Calendars = append(x.Calendars, c)
	}
	return nil
}

// file reads a file of the repository at the commit where its policy was read.
func (v *visit) file(ctx context.Context, path string) (string, error) {
	books, ok := v.provider.(Librarian)
	i := slices.IndexFunc(v.standing.Sources, func(s policy.Source) bool { return s.Origin == policy.Repository && s.Commit != "" })
	if !ok || i < 0 {
		return "", fmt.Errorf("this forge's files cannot be read one by one")
	}
	texts, err := books.Texts(ctx, v.s, v.s.Repo, v.standing.Sources[i].Commit, []string{path})
	if err != nil {
		return "", err
	}
	text, ok := texts[path]
	if !ok {
		return "", fmt.Errorf("there is no text file %s beside the policy, on the default branch", path)
	}
	return text, nil
}

// acts are the overrides that people gave for the commit, on the change that brought it.
func (v *visit) acts(ctx context.Context, p *Promotion) (Acts, error) {
	if p.Change == 0 {
		return Acts{}, nil
	}
	s := checks.Subject{Forge: p.Forge, Repo: p.Repo, Kind: checks.KindChange, Change: p.Change, Installation: p.Installation}
	a, err := v.r.Memory.Acts(ctx, s)
	if err != nil {
		return Acts{}, fmt.Errorf("read what people said about %v: %w", s, err)
	}
	live := a.promoting(p.Commit, v.now)
	if v.set != nil {
		leave := v.set.Leave()
		live = slices.DeleteFunc(live, func(o Override) bool { return unfitUnder(leave, o) != "" })
	}
	given := slices.DeleteFunc(slices.Clone(a.Overrides), func(o Override) bool { return !o.Promotion || !o.complete() })
	if len(live) < len(given) { // that some have ended is written down with the change
		v.out.later(judgeAgain(s, "override"))
	}
	return Acts{Overrides: v.here(live), Unheard: a.Unheard}, nil
}

// here are the overrides that hold for this environment, each by the name of its line.
func (v *visit) here(list []Override) (kept []Override) {
	for _, o := range list {
		name, environment := o.line()
		if environment == "" || v.is(environment) {
			o.Check = name
			kept = append(kept, o)
		}
	}
	return kept
}

// promoting are the overrides that count for the promotion of a commit.
func (a Acts) promoting(commit string, now time.Time) []Override {
	return slices.DeleteFunc(slices.Clone(a.Overrides), func(o Override) bool {
		return !o.Promotion || !o.complete() || o.over(commit, o.Base, now) != ""
	})
}

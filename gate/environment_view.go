package gate

import (
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/calendar"
)

// EnvironmentView is what a visit saw of an environment, for the board: it is shown and never judged by. It is as old as the
// visit is (EnvironmentSeen.At).
type EnvironmentView struct {
	Rank    int               `json:"rank"`            // in the order of the policies, from 1
	After   string            `json:"after,omitempty"` // the environment before it
	Live    *LiveSeen         `json:"live,omitempty"`  // nil: nothing is known to be live
	Freezes []calendar.Freeze `json:"freezes,omitempty"`
	Unknown string            `json:"unknown,omitempty"` // why there may be more freezes than these
}

// LiveSeen is what was live.
type LiveSeen struct {
	Deployment int64         `json:"deployment"`
	Commit     string        `json:"commit"`
	Version    string        `json:"version,omitempty"` // a tag at the commit; "": none is known
	At         time.Time     `json:"at"`                // it went live
	By         checks.Person `json:"by,omitzero"`       // who asked for it, or who made the deployment
	URL        string        `json:"url,omitempty"`
	Outside    bool          `json:"outside,omitempty"` // it came past the gate
	Before     bool          `json:"before,omitempty"`  // ... or is from before anybody watched
}

// Brings is what a promotion would add to what was live when it was judged last.
type Brings struct {
	Commits int       `json:"commits"`
	Oldest  time.Time `json:"oldest,omitzero"` // the oldest of them was committed
	Partly  bool      `json:"partly,omitempty"`
}

// freezesAhead is how far ahead freezes are told of.
const freezesAhead = 90 * 24 * time.Hour

// sight makes the sighting of this visit, unless nothing was read.
func (v *visit) sight() {
	if v.standing == nil || v.set == nil {
		return
	}
	was := v.seen().View
	if was == nil {
		was = &EnvironmentView{}
	}
	x := &EnvironmentView{Freezes: was.Freezes, Unknown: was.Unknown}
	for i, g := range environments(v.set) {
		if v.is(g.name) {
			if x.Rank = i + 1; len(g.after) > 0 {
				x.After = g.after[0]
			}
		}
	}
	x.Live = v.sightLive(was.Live)
	v.sightFreezes(x)
	v.seen().View = x
}

// sightLive is what is live now. What was not asked anew keeps what was known of it.
func (v *visit) sightLive(was *LiveSeen) *LiveSeen {
	d := v.liveNow()
	if d == nil {
		return nil
	}
	l := &LiveSeen{Deployment: d.ID, Commit: d.Commit, At: d.Live, By: d.Creator, URL: d.URL, Version: v.versionOf(d.Commit)}
	if was != nil && was.Commit == l.Commit && l.Version == "" {
		l.Version = was.Version
	}
	i := slices.IndexFunc(v.book.Promotions, func(p Promotion) bool { return p.made(d.ID) })
	if i >= 0 {
		p := v.book.Promotions[i]
		if l.By = p.By; l.Version == "" {
			l.Version = p.Version
		}
	}
	if slices.Contains(v.seen().Outside, d.ID) {
		l.Before = d.ID <= v.seen().Older
		l.Outside = !l.Before
	}
	return l
}

// versionOf is the tag at a commit that looks most like a version's; "" where no tags were read with this visit.
func (v *visit) versionOf(commit string) (best string) {
	f := v.facts()
	if f == nil || commit == "" {
		return ""
	}
	for _, t := range f.Tags {
		if t.Commit == commit && (best == "" || len(digits(t.Name)) > len(digits(best))) {
			best = t.Name
		}
	}
	return best
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return -1
	}, s)
}

// sightFreezes tells the freezes that hold or come. Calendars that a policy names are only read where something is judged:
// until then those last seen stand.
func (v *visit) sightFreezes(x *EnvironmentView) {
	var texts []calendar.Text
	if f := v.facts(); f != nil && f.Promotion != nil {
		for _, c := range f.Promotion.Calendars {
			texts = append(texts, calendar.Text{Name: c.Name, Text: c.Text, Read: c.Read, Problem: c.Failed})
		}
	}
	if len(texts) == 0 && len(calendar.Calendars(v.set, v.s.Environment)) > 0 {
		if x.Unknown == "" && x.Freezes == nil {
			x.Unknown = "a calendar that the policy names was not read yet"
		}
		return
	}
	ahead := calendar.Span{From: v.now, To: v.now.Add(freezesAhead)}
	t := calendar.Of(v.set, v.s.Environment, texts, calendar.Span{From: v.now.AddDate(0, -2, 0), To: ahead.To}).Also(v.forgeFreezes())
	x.Freezes, x.Unknown = nil, ""
	for _, z := range t.Freezes() {
		if !z.Cut(ahead).Empty() && len(x.Freezes) < 20 {
			x.Freezes = append(x.Freezes, z)
		}
	}
	for _, u := range t.Unknown() {
		x.Unknown = checks.Clip(u.Calendar+" "+u.Reason, 200)
	}
}

// brings notes on a promotion what it would add, as the board tells it.
func (v *visit) brings(p *Promotion, f *checks.Facts) {
	if tag := v.versionOf(p.Commit); tag != "" {
		p.Version = tag
	}
	if f.Promotion == nil || f.Promotion.Live() == nil {
		return
	}
	b := &Brings{Commits: len(f.Promotion.Between)}
	for _, c := range f.Promotion.Between {
		if b.Oldest.IsZero() || !c.At.IsZero() && c.At.Before(b.Oldest) {
			b.Oldest = c.At
		}
	}
	_, b.Partly = f.Gap("between")
	p.Brings = b
}

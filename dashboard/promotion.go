package dashboard

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
)

// promotionPage is one commit on its way into one environment.
type promotionPage struct {
	Promotion *gate.Promotion
	Repo      gate.Repo
	Decision  *gate.Decision
	Lines     []verdictShown
	Timeline  []moment
	Carried   []carriedShown
	Cut       int // commits that are not shown
	Partly    string
	Blast     *blast
	Buttons   []button
	Raw       string // address of the decision as JSON
	Before    *place
	Live      string // what is there now
	Title     string // of the change that brought it
	Commit    string // where the forge shows it
}

// moment is a line of the timeline.
type moment struct {
	At   time.Time
	What string
	By   string
	Why  string
	URL  string
	Tone string
}

// carriedShown is a commit inside, with the change that brought it.
type carriedShown struct {
	checks.Carried
	Gate string // the verdict on its change: open, shut, not known
}

// mostCarried is how many commits are listed.
const mostCarried = 100

// promotion serves it.
func promotion(v *visitor) (*page, string, error) {
	id := v.r.PathValue("id")
	if !decisionID.MatchString(id) {
		return nil, "", errMissing
	}
	p, err := v.Library.Promotion(v.ctx(), id)
	if err != nil {
		return nil, "", err
	}
	if p == nil {
		return nil, "", errMissing
	}
	repo, err := v.sees(p.Forge, p.Repo)
	if err != nil {
		return nil, "", err
	}
	data := &promotionPage{Promotion: p, Repo: repo, Commit: commitURL(p.URL, p.Repo, p.Commit)}
	if err := v.judged(data); err != nil {
		return nil, "", err
	}
	if data.Timeline, err = v.timeline(p); err != nil {
		return nil, "", err
	}
	if err := v.around(data); err != nil {
		return nil, "", err
	}
	name := p.Version
	if name == "" {
		name = p.Commit[:min(len(p.Commit), 8)]
	}
	return &page{Title: gate.Plain(name + " into " + p.Environment), Here: "board", Data: data, Live: true}, "promotion.html", nil
}

// judged adds the newest decision and what it was made from.
func (v *visitor) judged(x *promotionPage) error {
	if x.Promotion.Decision == "" {
		return nil
	}
	rec, err := v.Library.Record(v.ctx(), x.Promotion.Decision)
	if err != nil || rec == nil {
		return err
	}
	x.Decision, x.Raw = rec.Decision, "/decisions/"+rec.Decision.ID+"?format=json"
	var f checks.Facts
	if rec.Facts == nil || json.Unmarshal(rec.Facts, &f) != nil || f.Promotion == nil {
		x.Lines = shownVerdicts(rec.Decision, rec.Sources, "")
		return nil
	}
	author := ""
	if o := f.Promotion.Origin; o != nil && o.Change != nil {
		author = o.Change.Author.Login
	}
	x.Lines = shownVerdicts(rec.Decision, rec.Sources, author)
	for _, c := range f.Promotion.Between {
		if len(x.Carried) == mostCarried {
			x.Cut = len(f.Promotion.Between) - mostCarried
			break
		}
		x.Carried = append(x.Carried, carriedShown{c, gateWord(c)})
	}
	if gap, cut := f.Gap("between"); cut {
		x.Partly = gap.Reason
	}
	if o := f.Promotion.Origin; o != nil && o.Change != nil {
		x.Title = o.Change.Title
		if x.Commit == "" {
			x.Commit = commitURL(o.Change.URL, x.Promotion.Repo, x.Promotion.Commit)
		}
	}
	x.Blast, err = v.blastOf(x.Promotion, &f, setOf(rec.Sources))
	return err
}

// gateWord is how the gate of a carried commit's change stood when it was merged.
func gateWord(c checks.Carried) string {
	switch {
	case c.Change == 0 && c.Shut == "":
		return "no change"
	case c.Shut == "":
		return "open"
	case c.Shut == gate.Unexamined:
		return "not known yet"
	}
	return "shut"
}

// timeline is what the audit log and people say of a promotion, oldest first.
func (v *visitor) timeline(p *gate.Promotion) (list []moment, err error) {
	list = append(list, moment{At: p.At, What: "asked for " + askedBy(p.How), By: p.By.Login, Why: p.Reason, URL: p.URL, Tone: "note"})
	q := EntryQuery{Repos: []string{p.Repo}, Kinds: []gate.EntryKind{gate.EntryDeployment, gate.EntryDecision, gate.EntryOutside}, Since: p.At.Add(-time.Minute), Newest: 2000}
	err = v.Library.Entries(v.ctx(), q, func(k audit.Kept) error {
		var e gate.Entry
		if json.Unmarshal([]byte(k.Line), &e) != nil {
			return nil // `sluice audit verify` tells of that
		}
		mine := e.Promotion == p.ID || e.Kind == gate.EntryDecision && e.Commit == p.Commit && sameWord(e.Environment, p.Environment) && (!p.Over() || !e.At.After(p.Since.Add(time.Minute)))
		if !mine || e.Forge != p.Forge {
			return nil
		}
		m := moment{At: e.At, By: e.Who.Login, Why: e.Reason, Tone: tone(e.Outcome), What: stateWords(gate.State(e.Outcome))}
		switch {
		case e.Kind == gate.EntryDecision:
			m.What, m.URL = "judged: the gate is "+e.Outcome, "/decisions/"+e.Decision
		case e.Kind == gate.EntryOutside:
			m.What, m.Tone = "outside the gate", "fail"
		case e.Outcome == "created":
			m.What = "deployment created"
		}
		list = append(list, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	said, err := v.Library.Said(v.ctx(), p.ID)
	for _, a := range said {
		m := moment{At: a.Saying.At, What: string(a.Kind) + " by a person", By: a.Saying.By.Login, Why: a.Saying.Reason, URL: a.Saying.URL, Tone: "note"}
		switch a.Kind {
		case gate.ActApprove:
			m.What, m.Tone = "approved", "pass"
		case gate.ActReject:
			m.What, m.Tone = "rejected", "fail"
		case gate.ActCancel:
			m.What = "called off"
		}
		list = append(list, m)
	}
	sorting.By(list, func(a, b moment) int { return a.At.Compare(b.At) })
	if len(list) > 100 {
		list = list[len(list)-100:]
	}
	return list, err
}

// around is what is in the environment now, and what the person may ask for.
func (v *visitor) around(x *promotionPage) error {
	here, all, err := v.placeOf(x.Repo, x.Promotion.Environment)
	if err == errMissing {
		return nil // no policy guards it any more
	}
	if err != nil {
		return err
	}
	x.Live, x.Before = here.Version, before(*here, all)
	may, err := v.rights(x.Repo, here.Place)
	if err != nil {
		return err
	}
	for _, b := range buttonsAt(x.Repo, *here, all, may) {
		about := b.Word == "lock" || b.Word == "unlock" || b.Word == "rollback" && here.Live != nil && here.Live.Commit == x.Promotion.Commit
		waits := here.Waiting != nil && here.Waiting.ID == x.Promotion.ID
		under := here.UnderWay != nil && here.UnderWay.ID == x.Promotion.ID
		if about || (waits && (b.Word == "approve" || b.Word == "reject")) || (b.Word == "cancel" && (waits || under)) {
			x.Buttons = append(x.Buttons, b)
		}
	}
	live := x.Promotion.State == gate.Live || x.Promotion.State == gate.Verified
	if next := after(*here, all); next != nil && live && (next.Live == nil || next.Live.Commit != x.Promotion.Commit) {
		more, err := v.rights(x.Repo, next.Place)
		if err != nil {
			return err
		}
		if more.Deploy && (next.Waiting == nil || next.Waiting.Commit != x.Promotion.Commit) {
			x.Buttons = append([]button{offer("deploy", x.Repo, next.Seen.Name, x.Promotion.Commit, "to "+gate.Plain(next.Seen.Name))}, x.Buttons...)
		}
	}
	return nil
}

// after is the environment that comes after one, or nil.
func after(p place, all []place) *place {
	i := slices.IndexFunc(all, func(q place) bool { return q.Seen.View != nil && sameWord(q.Seen.View.After, p.Seen.Name) })
	if i < 0 {
		return nil
	}
	return &all[i]
}

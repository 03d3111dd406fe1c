package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// By says what overrides are counted by.
type By string

// The words for By.
const (
	ByPerson By = "person"
	ByRepo   By = "repo"
	ByCheck  By = "check"
)

// Count is a line of the report on overrides. All but Live and Waiting count what happened in the time asked for; those
// two count, of the overrides that were asked for in that time, the ones that still count and that still want a second
// person.
type Count struct {
	Name    string `json:"name"`
	ID      int64  `json:"id,omitempty"` // of a person
	Forge   string `json:"forge,omitempty"`
	Granted int    `json:"granted"` // took effect: said by as many people as must
	Live    int    `json:"live"`
	Waiting int    `json:"waiting"`
	Revoked int    `json:"revoked"` // by a person
	Expired int    `json:"expired"` // their time was over
	Ended   int    `json:"ended"`   // by a push or another target
	Refused int    `json:"refused"` // commands to override that were refused
}

// Overrides counts entries, which it is given in their order from the first of the log: an override that was granted
// before the time asked for may have ended in it. Its memory grows with the overrides that stand, not with the log.
type Overrides struct {
	by           By
	since, until time.Time // zero: no bound
	counts       map[string]*Count
	names        map[string]string
	standing     map[string][]*standing // by check and commit
	checks       map[string]bool        // that are known: those that there always are, and those that an override was of
}

// UnknownCheck is the line of all refused commands that named what is no known check: anybody may write any word.
const UnknownCheck = "(unknown)"

// standing is an override that has not ended.
type standing struct {
	of      gate.Entry // that asked for it
	granted bool
}

// CountOverrides begins a count of what happened from since on and before until; zero times are no bounds.
func CountOverrides(by By, since, until time.Time) *Overrides {
	o := &Overrides{by: by, since: since, until: until, counts: map[string]*Count{}, names: map[string]string{}, standing: map[string][]*standing{},
		checks: map[string]bool{"": true}} // a command may name none
	for _, name := range checks.Names(nil) {
		o.checks[name] = true
	}
	return o
}

// Add counts an entry; those that tell of no override are passed over.
func (o *Overrides) Add(e gate.Entry) {
	switch {
	case e.Kind == gate.EntryCommand && e.Command == "override" && e.Outcome == "refused":
		o.name(e)
		o.count(e, e, func(c *Count) { c.Refused++ })
	case e.Kind == gate.EntryOverride:
		o.name(e)
		for _, name := range checksOf(e) {
			o.checks[name] = true
		}
		o.override(e)
	}
}

func (o *Overrides) override(e gate.Entry) {
	key := fmt.Sprintf("%s\n%s\n%d\n%s\n%s", e.Forge, Fold(e.Repo), e.Change, e.Commit, e.Check)
	list := o.standing[key]
	i := slices.IndexFunc(list, func(s *standing) bool { return s.of.URL == e.URL })
	if i < 0 && e.Outcome == "revoked" && len(list) > 0 {
		i = 0 // its link is that of the comment that took it back
	}
	switch e.Outcome {
	case "waiting", "granted", "seconded":
		if i < 0 {
			list = append(list, &standing{of: e})
			i, o.standing[key] = len(list)-1, list
		}
		if e.Outcome != "waiting" {
			list[i].granted = true
			o.count(list[i].of, e, func(c *Count) { c.Granted++ })
		}
		return
	}
	asked := e // unless the log tells who asked for it
	if i >= 0 {
		s := list[i]
		if o.standing[key] = slices.Delete(list, i, i+1); len(list) == 1 {
			delete(o.standing, key)
		}
		if !s.granted { // it never counted, so that nothing ended
			return
		}
		asked = s.of
	}
	o.count(asked, e, func(c *Count) {
		switch e.Outcome {
		case "revoked":
			c.Revoked++
		case "expired":
			c.Expired++
		case "ended":
			c.Ended++
		}
	})
}

// count adds to the line of whoever asked for the override, when it happened in the time asked for.
func (o *Overrides) count(asked, happened gate.Entry, add func(*Count)) {
	o.into(o.counts, asked, happened, add)
}

func (o *Overrides) into(counts map[string]*Count, asked, happened gate.Entry, add func(*Count)) {
	if happened.At.Before(o.since) || !o.until.IsZero() && !happened.At.Before(o.until) {
		return
	}
	for _, key := range o.keys(asked) {
		if counts[key] == nil {
			counts[key] = o.line(asked)
		}
		add(counts[key])
	}
}

// keys are the lines that an entry is counted in: a command may name several checks.
func (o *Overrides) keys(e gate.Entry) []string {
	switch o.by {
	case ByPerson:
		if e.Who.ID == 0 {
			return []string{e.Forge + "\n" + Fold(e.Who.Login)}
		}
		return []string{fmt.Sprintf("%s\n%d", e.Forge, e.Who.ID)}
	case ByRepo:
		return []string{e.Forge + "\n" + Fold(e.Repo)}
	}
	return checksOf(e)
}

// checksOf are the checks that an entry names, each once and as it is called: people write them in either case, and with
// sluice/ before them or without; of one environment's line the line counts.
func checksOf(e gate.Entry) (names []string) {
	for name := range strings.SplitSeq(e.Check, ",") {
		name = Fold(strings.TrimSpace(name))
		if name = name[strings.LastIndexByte(name, '/')+1:]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// line is a line with nothing in it yet.
func (o *Overrides) line(e gate.Entry) *Count {
	switch o.by {
	case ByPerson:
		return &Count{ID: e.Who.ID, Forge: e.Forge}
	case ByRepo:
		return &Count{Forge: e.Forge}
	}
	return &Count{}
}

// name remembers what a person or a repository is called: both change their names, and the last one is shown.
func (o *Overrides) name(e gate.Entry) {
	for _, key := range o.keys(e) {
		switch o.by {
		case ByPerson:
			o.names[key] = e.Who.Login
		case ByRepo:
			o.names[key] = e.Repo
		default:
			o.names[key] = key
		}
	}
}

// Counts are the lines as of now, those with the most overrides first. More entries may be added after.
func (o *Overrides) Counts() []Count {
	counts := map[string]*Count{}
	for key, c := range o.counts {
		copied := *c
		counts[key] = &copied
	}
	for _, list := range o.standing {
		for _, s := range list {
			o.into(counts, s.of, s.of, func(c *Count) {
				if s.granted {
					c.Live++
				} else {
					c.Waiting++
				}
			})
		}
	}
	all := make([]Count, 0, len(counts))
	unknown := Count{Name: UnknownCheck}
	for key, c := range counts {
		if o.by == ByCheck && !o.checks[key] {
			unknown.Refused += c.Refused // nothing else can become of it
			continue
		}
		c.Name = o.names[key]
		all = append(all, *c)
	}
	if unknown.Refused > 0 {
		all = append(all, unknown)
	}
	sorting.By(all, func(a, b Count) int {
		return cmp.Or(b.Granted-a.Granted, b.Refused-a.Refused, b.Waiting-a.Waiting, cmp.Compare(a.Name, b.Name), cmp.Compare(a.Forge, b.Forge), cmp.Compare(a.ID, b.ID))
	})
	return all
}

package calendar

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
)

// Freeze is a stretch in which nothing may be deployed.
type Freeze struct {
	Span
	Reason   string `json:"reason,omitempty"`
	Zone     string `json:"zone,omitempty"`     // that it was written in
	Rule     string `json:"rule,omitempty"`     // where the policy asks for it: ".sluice.yml:12 environments.production.freezes[0]"
	Calendar string `json:"calendar,omitempty"` // address or path of the calendar that it stands in; "": in the policy
	Line     int    `json:"line,omitempty"`     // in that calendar
	UID      string `json:"uid,omitempty"`      // of the event there
}

// Source is where it comes from, for people: the rule, or the calendar with its line.
func (f Freeze) Source() string {
	if f.Calendar == "" {
		return f.Rule
	}
	return fmt.Sprintf("%s:%d", f.Calendar, f.Line)
}

// Text is a calendar as somebody has read it for us.
type Text struct {
	Name    string    `json:"name"`             // the address or path, as the policy writes it
	Text    string    `json:"text,omitempty"`   // of the file
	Read    time.Time `json:"read,omitzero"`    // when; zero: just now
	Problem string    `json:"problem,omitzero"` // why there is no text
}

// Unknown is a calendar of which is not known what it freezes.
type Unknown struct {
	Calendar string `json:"calendar"`
	Rule     string `json:"rule"`
	Reason   string `json:"reason"` // half a sentence: "could not be read: …"
}

// Freezing is a freeze that holds, with those that follow on it without a gap.
type Freezing struct {
	Span          // of all of them
	First  Freeze // of those that hold at the instant, the one that ends last
	Joined []Freeze
}

// Frozen says which freeze holds at the instant, and when deploying may go on: freezes that overlap or touch are one.
func Frozen(freezes []Freeze, at time.Time) (f Freezing, frozen bool) {
	freezes = inOrder(freezes)
	for _, z := range freezes {
		if z.Holds(at) && (!frozen || z.To.After(f.First.To)) {
			f.First, frozen = z, true
		}
	}
	if !frozen {
		return Freezing{}, false
	}
	for _, s := range Join(spansOf(freezes)) {
		if s.Holds(at) {
			f.Span = s
		}
	}
	for _, z := range freezes {
		if !z.Cut(f.Span).Empty() {
			f.Joined = append(f.Joined, z)
		}
	}
	return f, true
}

func inOrder(freezes []Freeze) []Freeze {
	freezes = slices.Clone(freezes)
	sorting.By(freezes, func(a, b Freeze) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	return freezes
}

func spansOf(freezes []Freeze) []Span {
	spans := make([]Span, len(freezes))
	for i, f := range freezes {
		spans[i] = f.Span
	}
	return spans
}

// Freezes are those of one environment in one layer of a policy that touch a span of time. Those that a calendar holds
// are read from the texts; what cannot be read there is Unknown, and so is a calendar that nobody gave.
func Freezes(p *policy.Policy, e policy.Environment, texts []Text, during Span) (freezes []Freeze, unknown []Unknown) {
	for i, f := range e.Freezes {
		rule := p.Rule(fmt.Sprintf("environments.%s.freezes[%d]", e.Name, i))
		var found []Freeze
		var err error
		if f.Calendar == "" {
			found, err = dated(f)
		} else {
			found, err = listed(f, texts, during)
		}
		if err != nil {
			unknown = append(unknown, Unknown{f.Calendar, rule, err.Error()})
			continue
		}
		for _, z := range found {
			if z.Rule = rule; !z.Cut(during).Empty() {
				freezes = append(freezes, z)
			}
		}
	}
	return inOrder(freezes), unknown
}

// dated is a freeze that the policy itself dates.
func dated(f policy.Freeze) ([]Freeze, error) {
	from, to, err := f.Span()
	if err != nil {
		return nil, fmt.Errorf("the freeze cannot be read: %w", err)
	}
	return []Freeze{{Span: Span{from, to}, Reason: f.Reason, Zone: f.Timezone}}, nil
}

// listed are the freezes of a calendar.
func listed(f policy.Freeze, texts []Text, during Span) ([]Freeze, error) {
	i := slices.IndexFunc(texts, func(t Text) bool { return t.Name == f.Calendar })
	if i < 0 {
		return nil, fmt.Errorf("has not been read")
	}
	if texts[i].Problem != "" {
		return nil, fmt.Errorf("could not be read: %s", texts[i].Problem)
	}
	found, err := Read(f.Calendar, texts[i].Text, f.Timezone, during)
	if err != nil {
		return nil, err
	}
	if f.Reason != "" {
		for i := range found {
			found[i].Reason = f.Reason
		}
	}
	return found, nil
}

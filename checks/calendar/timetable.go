package calendar

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// Layer is what one layer of the policy says of when an environment may be deployed to.
type Layer struct {
	Windows Windows
	Freezes []Freeze
	Unknown []Unknown
}

// LayerOf reads an environment of one layer. Freezes are known within the span alone.
func LayerOf(p *policy.Policy, e policy.Environment, texts []Text, during Span) Layer {
	freezes, unknown := Freezes(p, e, texts, during)
	return Layer{Windows(e.Windows), freezes, unknown}
}

// Timetable is when an environment may be deployed to: while in each layer a window is open and in none a freeze holds.
type Timetable struct {
	Layers []Layer
	During Span // what is known: no answer reaches beyond it
}

// Of is the timetable of an environment, with what every layer of the policy says of it. Layers in which it is switched
// off do not count.
func Of(set *policy.Set, environment string, texts []Text, during Span) Timetable {
	t := Timetable{During: during}
	for _, p := range set.Layers {
		for _, e := range p.Environments {
			if strings.EqualFold(e.Name, environment) && e.Mode != policy.Off { // a forge takes them for one, whatever the case
				t.Layers = append(t.Layers, LayerOf(p, e, texts, during))
			}
		}
	}
	return t
}

// Also is the timetable with what somebody else says besides the policies.
func (t Timetable) Also(l Layer) Timetable {
	if len(l.Windows)+len(l.Freezes)+len(l.Unknown) > 0 {
		t.Layers = append(slices.Clip(t.Layers), l)
	}
	return t
}

// Calendars lists the calendars that the policy's environments name, each once: those whose texts Of wants.
func Calendars(set *policy.Set, environments ...string) (names []string) {
	for _, p := range set.Layers {
		for _, e := range p.Environments {
			if len(environments) > 0 && !slices.ContainsFunc(environments, func(n string) bool { return strings.EqualFold(n, e.Name) }) {
				continue
			}
			for _, f := range e.Freezes {
				if f.Calendar != "" && !slices.Contains(names, f.Calendar) {
					names = append(names, f.Calendar)
				}
			}
		}
	}
	return names
}

// Freezes are those of all layers, in order.
func (t Timetable) Freezes() []Freeze {
	var all []Freeze
	for _, l := range t.Layers {
		all = append(all, l.Freezes...)
	}
	return inOrder(all)
}

// Unknown are the calendars of all layers that could not be read.
func (t Timetable) Unknown() (all []Unknown) {
	for _, l := range t.Layers {
		all = append(all, l.Unknown...)
	}
	return all
}

// Turn is a stretch in which windows and freezes together let deployments start, and the zone to tell it in.
type Turn struct {
	Span
	Zone string
}

// Next is the stretch that the instant lies in, or else the first one after it. There is none where a calendar is
// unknown, since it might hold a freeze then, and where nothing opens in the time that is known.
func (t Timetable) Next(at time.Time) (Turn, bool) {
	for turn := range t.Turns(Span{at, t.During.To}) {
		return turn, true
	}
	return Turn{}, false
}

// Turns goes over the stretches in a span, in order, as far as they are known.
func (t Timetable) Turns(in Span) iter.Seq[Turn] {
	return func(yield func(Turn) bool) {
		in = in.Cut(t.During)
		if len(t.Unknown()) > 0 || in.Empty() {
			return
		}
		taken, waiting := Join(spansOf(t.Freezes())), Span{}
		for from := in.From; from.Before(in.To); from = from.Add(4 * stride) {
			for _, s := range t.free(Span{from, earlier(from.Add(4*stride), in.To)}, taken) {
				if !waiting.Empty() && s.From.Equal(waiting.To) {
					waiting.To = s.To
					continue
				}
				if !waiting.Empty() && !yield(Turn{waiting, t.zone(waiting.From)}) {
					return
				}
				waiting = s
			}
		}
		if !waiting.Empty() {
			yield(Turn{waiting, t.zone(waiting.From)})
		}
	}
}

// free is when all layers have a window open in a span and nothing is frozen.
func (t Timetable) free(in Span, taken []Span) []Span {
	free := []Span{in}
	for _, l := range t.Layers {
		var open []Span
		for o := range l.Windows.From(in.From, in.To) {
			open = append(open, o.Span)
		}
		free = Both(free, open)
	}
	return Without(free, taken)
}

// zone is that of the first window that is open at the instant, else of the freeze that ends there, else UTC.
func (t Timetable) zone(at time.Time) string {
	for _, l := range t.Layers {
		for o := range l.Windows.From(at, at.Add(1)) {
			if o.Window >= 0 {
				return l.Windows[o.Window].Timezone
			}
		}
	}
	for _, f := range t.Freezes() {
		if f.To.Equal(at) && f.Zone != "" {
			return f.Zone
		}
	}
	return "UTC"
}

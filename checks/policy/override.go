package policy

import (
	"slices"
	"time"
)

// Leave is what the policies in force say of overriding: every layer that speaks of it must be met.
type Leave struct {
	By   []Named       // whoever overrides must be one of each
	Most time.Duration // an override lasts no longer; 0: until the next push
	Self bool          // an author may override on his own change
	Two  bool          // a second person must say it too
	sets []*Policy
}

// Named is who a layer means, and the layer that says so.
type Named struct {
	From  From
	Layer *Policy
}

// Leave gathers the override rules of all layers. Of the organisation's floor only what it gives counts.
func (s *Set) Leave() Leave {
	l := Leave{Self: true}
	for _, p := range s.Layers {
		given := func(key string) bool { return !p.Floor() || p.Given("override."+key) }
		o := p.Override
		if given("by") {
			l.By = append(l.By, Named{o.By, p})
		}
		if given("people") {
			l.Two = l.Two || o.People > 1
		}
		if given("self") {
			l.Self = l.Self && o.Self
		}
		if d, err := ParseDuration(o.Lasts); given("lasts") && err == nil && o.Lasts != "commit" && (l.Most == 0 || time.Duration(d) < l.Most) {
			l.Most = time.Duration(d)
		}
		l.sets = append(l.sets, p)
	}
	return l
}

// Of says whether a check may be overridden at all; if not, by which rule, and what may be.
func (l Leave) Of(check string) (ok bool, rule string, may []string) {
	for _, p := range l.sets {
		if p.Floor() && !p.Given("override.checks") {
			continue
		}
		if !slices.Contains(p.Override.Checks, check) {
			return false, p.Rule("override.checks"), p.Override.Checks
		}
	}
	return true, "", nil
}

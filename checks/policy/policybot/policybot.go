// Package policybot turns a policy of policy-bot (`.policy.yml`) into one of Sluice (`.sluice.yml`).
//
// It refuses to weaken: for any change, what the text that it writes lets through, the policy that it read lets through
// too. Where a construct has no counterpart it says so with the line, and writes what is at least as strict; where that
// cannot be had but by a rule that nobody can meet, it writes that rule and says that the import is not whole. It refuses
// to read files or ask a forge, and what it writes it has loaded itself first.
//
// What "at least as strict" means: a rule of policy-bot is approved, pending or skipped, and `or` and `and` leave skipped
// ones out. In the order pending, skipped, approved both are monotone, and so is what comes of the whole, since a policy
// of which everything is skipped is not approved. So a rule may be written with any outcome that is lower in that order:
//
//   - fewer people or ways to approve, or a condition that never holds: pending for approved;
//   - where it is not known whether a rule is for a change: the rule as a demand, which is pending as long as it is not
//     met, and skipped once it is. That is the lower of the two that it may be.
package policybot

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
)

// Note is one construct that was not carried over as it is.
type Note struct {
	Line, Column int
	What         string // the construct, and why it was not: half a sentence in lower case
	Instead      string // what was written for it
	Refused      bool   // that is a rule nobody can meet, or nothing
}

// Result is what came of an import.
type Result struct {
	Policy string // the text of a .sluice.yml; "" where there is none to write
	Notes  []Note // in the order of the lines
	Closed bool   // no change can pass the policy
}

// Whole says that everything was carried over, exactly or more strictly.
func (r Result) Whole() bool {
	return !slices.ContainsFunc(r.Notes, func(n Note) bool { return n.Refused })
}

// ErrUnreadable is what Import wraps where the text is no policy of policy-bot at all.
var ErrUnreadable = errors.New("this is not a policy of policy-bot")

// Import reads the text of a policy; name is how the comments call it.
func Import(name, text string) (Result, error) {
	r := &reader{left: mostNodes}
	root, err := r.document(text)
	if err != nil {
		return Result{}, err
	}
	if ps, _ := r.pairs(root); !slices.ContainsFunc(ps, func(p pair) bool { return slices.Contains(topKeys(), p.name) }) {
		return Result{}, fmt.Errorf("%w: it has none of the keys %s", ErrUnreadable, strings.Join(topKeys(), ", "))
	}
	im := &importer{reader: r, name: oneLine(name)}
	im.config(root)
	if r.left < 0 {
		return Result{}, fmt.Errorf("%w: it has more than %d nodes, aliases followed, or more than %d rules", ErrUnreadable, mostNodes, mostRules)
	}
	notes := im.sorted()
	if im.elsewhere {
		return Result{Notes: notes}, nil
	}
	out := im.write()
	if _, err := policy.Load(policy.Source{Origin: policy.Given, Name: "the policy written", Text: out}); err != nil {
		return Result{}, fmt.Errorf("%w that Sluice could hold: %w", ErrUnreadable, err)
	}
	return Result{Policy: out, Notes: notes, Closed: im.tree.closed()}, nil
}

// topKeys are those that a policy may have, of which it has one at least.
func topKeys() []string { return []string{"policy", "approval_rules", "approval_defaults", "remote"} }

// importer is one import.
type importer struct {
	*reader
	name      string
	elsewhere bool // the policy stands in another repository

	rules      []*rule          // those that the tree names, in the order of the text
	byName     map[string]*rule // all that are defined, by their names there
	names      map[string]int   // given out, and how often one was wanted
	tree       *tree            // nil where nothing is asked for
	open       bool             // nothing is asked for
	blocks     []*tree          // what every change needs besides
	objections *objections
}

// sorted are the notes in the order of the text.
func (im *importer) sorted() []Note {
	sorting.By(im.notes, func(a, b Note) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.Compact(im.notes)
}

// oneLine makes a text fit for a comment: one line of printable characters, and not too long.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd || r >= 0x80 && !printable(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > 200 {
		s = string(runes[:200]) + "…"
	}
	return s
}

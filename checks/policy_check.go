package checks

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
)

// wantPolicy asks for the policy at the head of a change that edits it. All places are asked for, since which of them
// counts depends on which are there.
func wantPolicy(_ *policy.Set, f *Facts, w *Wants) {
	for _, e := range edits(f) {
		for _, path := range e.paths {
			w.WantText(f, Head, path)
		}
	}
}

// edit is one policy that the change may touch: the repository's own, or the organisation's that lives in it.
type edit struct {
	origin policy.Origin
	paths  []string // where it is looked for, in order
}

// edits lists the policies that the change touches. When the list of files is not whole, it may touch any.
func edits(f *Facts) []edit {
	if f.Change == nil {
		return nil
	}
	all := []edit{{policy.Repository, policy.Paths}}
	if holdsOrganisation(f) {
		all = append(all, edit{policy.Organisation, []string{"sluice.yml"}})
	}
	_, partial := f.Gap("files")
	return slices.DeleteFunc(all, func(e edit) bool { return !partial && !touches(f, e.paths) })
}

// holdsOrganisation says that the repository is the one whose sluice.yml is the organisation's policy.
func holdsOrganisation(f *Facts) bool {
	return strings.HasSuffix(strings.ToLower(f.Repository.Name), "/"+cmp.Or(f.Repository.Policies, ".github"))
}

func touches(f *Facts, paths []string) bool {
	return slices.ContainsFunc(f.Files, func(c File) bool {
		return slices.Contains(paths, c.Path) || c.Old != "" && slices.Contains(paths, c.Old)
	})
}

// judgePolicy judges the policy that a change brings: whether it can be read, and what it asks less of. The policy in
// force stays that of the target branch.
func judgePolicy(set *policy.Set, f *Facts) (Verdict, bool) {
	var findings []Finding
	pass := ""
	for _, e := range edits(f) {
		found, sentence, touched := judgeEdit(set, f, e)
		findings = append(findings, found...)
		if touched {
			pass = sentence
		}
	}
	if pass == "" && len(findings) == 0 {
		return Verdict{}, false
	}
	return conclude("policy", findings, pass, "default policy"), true
}

// judgeEdit judges one policy at the head. touched is false when it turns out to be the one in force.
func judgeEdit(set *policy.Set, f *Facts, e edit) (findings []Finding, pass string, touched bool) {
	after, gap := atHead(f, e)
	if gap != "" {
		return []Finding{{Outcome: Unknown, What: Clip("The new policy could not be read: "+gap, 140), Rule: "default policy"}}, "", true
	}
	before := sourceOf(f, e.origin)
	if _, partial := f.Gap("files"); partial && sameText(before, after) {
		return nil, "", false
	}
	if after == nil {
		return nil, without(f, e), true
	}
	next, err := loadBeside(f, *after)
	var problems policy.Problems
	if errors.As(err, &problems) {
		return broken(problems), "", true
	}
	if err != nil {
		return []Finding{{Outcome: Unknown, What: Clip("The new policy could not be read: "+err.Error(), 140), Rule: "default policy"}}, "", true
	}
	findings, pass = asksLess(inForce(set, f, e), next, e, after.Name)
	return findings, pass, true
}

// atHead returns the policy at the head, nil when there is none; gap says why it is not known.
func atHead(f *Facts, e edit) (s *policy.Source, gap string) {
	for _, path := range e.paths {
		t, read := f.Text(Head, path)
		if g, ok := f.Gap("text:" + path); ok {
			return nil, g.Reason
		}
		if !read {
			return nil, path + " was not read."
		}
		if !t.Absent {
			return &policy.Source{Origin: e.origin, Name: path, Text: t.Text, Kind: t.Kind}, ""
		}
	}
	return nil, ""
}

// sourceOf returns the policy in force of an origin, or nil.
func sourceOf(f *Facts, origin policy.Origin) *policy.Source {
	for i := range f.Sources {
		if s := &f.Sources[i]; s.Origin == origin {
			return s
		}
	}
	return nil
}

func sameText(a, b *policy.Source) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Text == b.Text && a.Kind == b.Kind
}

// loadBeside loads the new text as it would be in force: a repository's beside the organisation's, unless that is
// broken itself, which is not this change's fault.
func loadBeside(f *Facts, s policy.Source) (*policy.Set, error) {
	organisation := sourceOf(f, policy.Organisation)
	if s.Origin == policy.Organisation || organisation == nil {
		return policy.Load(s)
	}
	set, err := policy.Load(s, *organisation)
	var problems policy.Problems
	if errors.As(err, &problems) && !slices.ContainsFunc(problems, func(p policy.Problem) bool { return p.File == s.Name }) {
		return policy.Load(s)
	}
	return set, err
}

// inForce is what the new policy is compared with.
func inForce(set *policy.Set, f *Facts, e edit) *policy.Set {
	if e.origin == policy.Repository {
		return set
	}
	if s := sourceOf(f, e.origin); s != nil {
		if before, err := policy.Load(*s); err == nil {
			return before
		}
	}
	return &policy.Set{Layers: []*policy.Policy{policy.Defaults()}}
}

// broken shows each problem beside its line.
func broken(problems policy.Problems) []Finding {
	findings := make([]Finding, len(problems))
	for i, p := range problems {
		findings[i] = Finding{
			Outcome: Fail, Path: p.File, Line: p.Line, Rule: "default policy",
			What: Clip(fmt.Sprintf("The new policy is broken at %s:%d:%d: %s.", p.File, p.Line, p.Column, p.Message), 140),
			How:  "Mend it until `sluice policy check " + p.File + "` finds it valid. The whole message: " + p.Message,
		}
	}
	return findings
}

// without says what applies when a policy is deleted.
func without(f *Facts, e edit) string {
	switch {
	case e.origin == policy.Organisation:
		return "The organisation's policy is deleted: repositories without one then have the defaults, and nothing is required of all."
	case sourceOf(f, policy.Organisation) != nil:
		return "The policy is deleted: the organisation's then applies."
	}
	return "The policy is deleted: the defaults then apply, with one approval by somebody with write access."
}

// asksLess says in words what the new policy asks less of.
func asksLess(before, after *policy.Set, e edit, name string) (findings []Finding, pass string) {
	var checks []string
	note := func(layer *policy.Policy, path, check, what string) {
		findings = append(findings, Finding{Outcome: Pass, Path: name, Line: layer.At(path).Line, Rule: layer.Rule(path), What: Clip(what, 140)})
		if !slices.Contains(checks, check) {
			checks = append(checks, check)
		}
	}
	for i, layer := range after.Layers {
		// Beside a repository's policy stands the floor, which this change does not touch, and a new floor loosens nothing.
		if layer.Source().Origin == e.origin && i < len(before.Layers) {
			for _, w := range policy.WeakerThan(before.Layers[i], layer) {
				note(layer, w.Path, w.Check(), fmt.Sprintf("%s %s.", w.Path, w.What))
			}
		}
	}
	if e.origin == policy.Organisation && len(before.Layers) > len(after.Layers) {
		note(after.Layers[0], "", "required", "required: is gone, so that nothing is required of all repositories any more.")
	}
	if len(checks) == 0 {
		return findings, "The new policy is valid and asks for no less than the one in force."
	}
	return findings, Clip("The new policy is valid. It asks less or other things of "+strings.Join(checks, ", ")+"; see the list.", 140)
}

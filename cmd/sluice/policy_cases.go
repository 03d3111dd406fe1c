package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// A policy test is a YAML file:
//
//	policy: ../.sluice.yml        # a file beside this one, or the text itself (policy: |), or a mapping
//	organisation: …               # likewise, if there is one
//	cases:
//	  - name: a feature without an entry fails
//	    facts:                    # checks.Facts by its JSON names, and the short forms of friendly
//	      change: {title: "feat: a button", author: ana, labels: [ui]}
//	      files: [src/button.js, {path: docs/x.md, status: added}]
//	      people: {bo: write}
//	      reviews: [{by: bo, state: approved}]
//	    acts:                     # what people said that counts
//	      overrides: [{check: changelog, by: olga, reason: hotfix}]
//	    want:
//	      changelog: overridden
//	      approval: {outcome: wait, reason: part of the reason}
//	      gate: fail
//
// The world is closed: what the facts do not name does not exist. Facts with sources, though, are those of a recorded
// decision (`sluice explain --fixture` writes them): what they do not tell is unknown.

// policyCase is one case of a policy test.
type policyCase struct {
	name  string
	line  int
	facts *checks.Facts
	acts  gate.Acts
	want  []wanted
	// recorded are the policies that recorded facts were read under, and sources those of the test; see facts.
	recorded, sources []policy.Source
}

// wanted is one verdict as a case wants it; an empty reason is any.
type wanted struct{ check, outcome, reason string }

// test runs policy tests and reports as a test runner does.
func (p policyRun) test(files []string) int {
	good, all := 0, 0
	for _, file := range files {
		text, err := p.source(file)
		if err != nil {
			return p.failed(err)
		}
		set, cases, err := p.cases(file, text.Text)
		if err != nil {
			fmt.Fprintln(p.stdout, err)
			return exitShut
		}
		for _, c := range cases {
			all++
			wrong, err := c.judge(set)
			if err != nil {
				return p.failed(fmt.Errorf("%s:%d: %w", file, c.line, err))
			}
			if len(wrong) > 0 {
				fmt.Fprintf(p.stdout, "FAIL  %s (%s:%d)\n      %s\n", c.name, file, c.line, strings.Join(wrong, "\n      "))
				continue
			}
			good++
			fmt.Fprintf(p.stdout, "ok    %s\n", c.name)
		}
	}
	fmt.Fprintf(p.stdout, "%d of %d cases hold.\n", good, all)
	if good < all || all == 0 {
		return exitShut
	}
	return exitOpen
}

// judge returns what is not as wanted, one line each.
func (c policyCase) judge(set *policy.Set) ([]string, error) {
	d, err := c.decide(set)
	if err != nil {
		return nil, err
	}
	verdicts := append(slices.Clone(d.Verdicts), d.Gate)
	verdicts[len(verdicts)-1].Check = "gate"
	var wrong []string
	for _, w := range c.want {
		i := slices.IndexFunc(verdicts, func(v checks.Verdict) bool { return v.Check == w.check })
		if i < 0 {
			wrong = append(wrong, fmt.Sprintf("%s: there is no such check here", w.check))
			continue
		}
		v := verdicts[i]
		if v.Outcome.String() != w.outcome || !strings.Contains(v.Reason, w.reason) {
			line := fmt.Sprintf("%s: got %s (%s), want %s", w.check, v.Outcome, v.Reason, w.outcome)
			if w.reason != "" {
				line += fmt.Sprintf(" with %q", w.reason)
			}
			wrong = append(wrong, line)
		}
	}
	return wrong, nil
}

// answerWants fills in what the checks ask for beyond what the case says: nothing of it exists.
func answerWants(set *policy.Set, f *checks.Facts) {
	for range 4 {
		w := checks.AskFor(set, f)
		if w.Empty() {
			return
		}
		f.Listed = true
		for i := range f.Files {
			f.Files[i].Read = true
		}
		for _, t := range w.Texts {
			f.Texts = append(f.Texts, checks.Text{Side: t.Side, Path: t.Path, Absent: true})
		}
		for _, person := range w.People {
			person.Permission = "none"
			f.People[person.ID] = person
		}
		for _, team := range w.Teams {
			f.Teams[team] = checks.Group{Complete: true}
		}
		for _, org := range w.Orgs {
			f.Orgs[org] = checks.Group{Complete: true}
		}
	}
}

// cases reads the text of a policy test.
func (p policyRun) cases(file, text string) (*policy.Set, []policyCase, error) {
	r := caseReader{file: file}
	var doc yaml.Node
	if err := yaml.NewDecoder(strings.NewReader(text)).Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%s:1:1: the file is empty", file)
	} else if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := r.plain(&doc, 0); err != nil {
		return nil, nil, err
	}
	keys, err := r.mapping(doc.Content[0], "policy", "organisation", "cases")
	if err != nil {
		return nil, nil, err
	}
	var sources []policy.Source
	for _, o := range []policy.Origin{policy.Repository, policy.Organisation} {
		if n := keys[map[policy.Origin]string{policy.Repository: "policy", policy.Organisation: "organisation"}[o]]; n != nil {
			s, err := r.policy(n, o)
			if err != nil {
				return nil, nil, err
			}
			sources = append(sources, s)
		}
	}
	set, err := policy.Load(sources...)
	if err != nil {
		return nil, nil, err
	}
	if keys["cases"] == nil || keys["cases"].Kind != yaml.SequenceNode {
		return nil, nil, fmt.Errorf("%s:1:1: cases must be a list of at least one case", file)
	}
	var cases []policyCase
	for _, n := range keys["cases"].Content {
		c, err := r.testCase(n, sources)
		if err != nil {
			return nil, nil, err
		}
		cases = append(cases, c)
	}
	return set, cases, nil
}

// caseReader reads the pieces of a policy test.
type caseReader struct{ file string }

func (r caseReader) wrong(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", r.file, n.Line, n.Column, fmt.Sprintf(format, args...))
}

// plain refuses what makes YAML larger than it looks.
func (r caseReader) plain(n *yaml.Node, depth int) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || depth > 50 {
		return r.wrong(n, "anchors, aliases and deep nesting are not allowed here")
	}
	for _, c := range n.Content {
		if err := r.plain(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// mapping returns the values of a mapping by key, of which only those known are allowed, each once.
func (r caseReader) mapping(n *yaml.Node, known ...string) (map[string]*yaml.Node, error) {
	if n.Kind != yaml.MappingNode {
		return nil, r.wrong(n, "must be a mapping with the keys %s", strings.Join(known, ", "))
	}
	values := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if !slices.Contains(known, k.Value) {
			return nil, r.wrong(k, "unknown key %q%s", k.Value, meant(k.Value, known))
		}
		if values[k.Value] != nil {
			return nil, r.wrong(k, "%q is given twice", k.Value)
		}
		values[k.Value] = n.Content[i+1]
	}
	return values, nil
}

// policy reads a policy: the name of a file beside the test, a text, or a mapping.
func (r caseReader) policy(n *yaml.Node, origin policy.Origin) (policy.Source, error) {
	s := policy.Source{Origin: origin, Name: r.file}
	switch {
	case n.Kind == yaml.MappingNode:
		text, err := yaml.Marshal(n)
		s.Name, s.Text = fmt.Sprintf("%s (%s in line %d)", r.file, origin, n.Line), string(text)
		return s, err
	case n.Kind != yaml.ScalarNode:
		return s, r.wrong(n, "must be the name of a file, a text or a mapping")
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0, n.Value == "", strings.Contains(n.Value, "\n"):
		// Empty lines before it keep the line numbers those of this file.
		s.Text = strings.Repeat("\n", n.Line) + n.Value
		return s, nil
	}
	path := filepath.Join(filepath.Dir(r.file), n.Value)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, r.wrong(n, "there is no file %s: the name of a policy counts from the folder of this test", path)
	}
	if err != nil {
		return s, r.wrong(n, "%v", err)
	}
	s.Name, s.Text = filepath.ToSlash(path), string(text)
	return s, nil
}

func (r caseReader) testCase(n *yaml.Node, sources []policy.Source) (policyCase, error) {
	c := policyCase{line: n.Line}
	keys, err := r.mapping(n, "name", "facts", "acts", "want")
	if err != nil {
		return c, err
	}
	if keys["name"] == nil || keys["name"].Value == "" {
		return c, r.wrong(n, "the case needs a name")
	}
	c.name = keys["name"].Value
	if c.facts, err = r.facts(keys["facts"]); err != nil {
		return c, err
	}
	c.recorded, c.sources, c.facts.Sources = c.facts.Sources, sources, sources
	if c.facts.At.IsZero() {
		c.facts.At = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	}
	if c.acts, err = r.acts(keys["acts"], c.facts); err != nil {
		return c, err
	}
	if keys["want"] == nil {
		return c, r.wrong(n, "the case needs want: the verdicts by check")
	}
	c.want, err = r.wants(keys["want"])
	return c, err
}

// wants reads the verdicts wanted: an outcome, or outcome and part of the reason.
func (r caseReader) wants(n *yaml.Node) ([]wanted, error) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return nil, r.wrong(n, "want must map checks to outcomes")
	}
	var all []wanted
	for i := 0; i+1 < len(n.Content); i += 2 {
		w, value := wanted{check: strings.TrimPrefix(n.Content[i].Value, "sluice/")}, n.Content[i+1]
		w.outcome = value.Value
		if value.Kind == yaml.MappingNode {
			keys, err := r.mapping(value, "outcome", "reason")
			if err != nil {
				return nil, err
			}
			if keys["outcome"] == nil {
				return nil, r.wrong(value, "needs an outcome")
			}
			w.outcome = keys["outcome"].Value
			if keys["reason"] != nil {
				w.reason = keys["reason"].Value
			}
		}
		var o checks.Outcome
		if err := o.UnmarshalText([]byte(w.outcome)); err != nil {
			return nil, r.wrong(value, "%v", err)
		}
		all = append(all, w)
	}
	return all, nil
}

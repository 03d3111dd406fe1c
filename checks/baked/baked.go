// Package baked finds what belongs into the configuration of an environment but is written into code: values, hosts
// that the policy names, and branches on an environment's name.
//
// It goes line by line and without a parser, since it sees only the lines that a change adds; comments and the hosts
// that are reserved for documentation mean nothing to it. It refuses to honour a mark in the text by which a change
// could excuse itself, and it refuses to word anything: what is said of a hit is its caller's affair.
package baked

import (
	"path"
	"strings"

	"github.com/sluicegate/sluice/checks/environments"
)

// Line is one line of text.
type Line struct {
	N    int // from 1
	Text string
}

// Kind says what was found.
type Kind int

// The kinds of hit.
const (
	Value  Kind = iota // may be an environment's value: ask Origins
	Host               // fits a host pattern
	Branch             // compares something with an environment's name
)

// Hit is one thing found in a line.
type Hit struct {
	Kind Kind
	Line int
	Word string // the value; the pattern that a host fits; the environment branched on
	Text string // what it was found by, to be compared with what was there before
}

// Scanner holds what a policy says of hosts and names. It is safe for concurrent use.
type Scanner struct {
	suffixes map[string]string // "prod.acme.internal" to "*.prod.acme.internal"
	globs    []string          // other patterns, in lower case
	names    map[string]bool
	short    bool // some pattern may fit a name without dots
}

// NewScanner returns a scanner for host patterns (`*` stands for anything) and the names of environments that the
// policy uses.
func NewScanner(hosts, names []string) *Scanner {
	s := &Scanner{suffixes: map[string]string{}, names: map[string]bool{}}
	for _, h := range hosts {
		lower := strings.ToLower(h)
		rest, wild := strings.CutPrefix(lower, "*.")
		s.short = s.short || !strings.Contains(lower, ".")
		switch {
		case strings.ContainsAny(rest, `*?[\`):
			s.globs = append(s.globs, lower)
		case wild:
			s.suffixes["."+rest] = h
		default:
			s.suffixes[rest] = h
		}
	}
	for _, n := range names {
		s.names[strings.ToLower(n)] = true
	}
	return s
}

// Code looks at lines of code.
func (s *Scanner) Code(p string, lines []Line, visit func(Hit)) {
	strip := stripper{syntax: syntaxOf(p)}
	b := brancher{names: s.names, shell: strip.bare}
	branches := !strip.plain && environments.KindOf(p) == environments.Code
	for _, l := range lines {
		code := strip.strip(l)
		s.hostsIn(l.N, code, visit)
		eachValue(code, strip.bare, func(v string, _ int) { visit(Hit{Value, l.N, v, v}) })
		if !branches {
			continue
		}
		if name := b.find(l.N, code); name != "" {
			visit(Hit{Branch, l.N, name, strings.Join(strings.Fields(code), " ")})
		}
	}
}

// Data looks at lines of configuration that all environments share: for hosts alone.
func (s *Scanner) Data(p string, lines []Line, visit func(Hit)) {
	if len(s.suffixes)+len(s.globs) == 0 {
		return
	}
	strip := stripper{syntax: syntaxOf(p)}
	for _, l := range lines {
		s.hostsIn(l.N, strip.strip(l), visit)
	}
}

// Commented says of each place whether it is part of a comment.
func Commented(p string, lines []Line) func(line, column int) bool {
	strip := stripper{syntax: syntaxOf(p)}
	code := make(map[int]string, len(lines))
	raw := make(map[int]string, len(lines))
	for _, l := range lines {
		code[l.N], raw[l.N] = strip.strip(l), l.Text
	}
	return func(line, column int) bool {
		return column < len(raw[line]) && raw[line][column] != code[line][column]
	}
}

// hostsIn tests every dotted word against the patterns: by its endings in a map, so that many patterns cost no more
// than few, and by the globs one by one.
func (s *Scanner) hostsIn(n int, code string, visit func(Hit)) {
	if len(s.suffixes)+len(s.globs) == 0 {
		return
	}
	for i := 0; i < len(code); {
		if !valueByte(code[i]) {
			i++
			continue
		}
		j, dots := i, 0
		for ; j < len(code) && valueByte(code[j]); j++ {
			if code[j] == '.' {
				dots++
			}
		}
		if dots == 0 && !s.short || j-i > 253 {
			i = j
			continue
		}
		if word := strings.Trim(code[i:j], ".-_"); word != "" {
			if pattern := s.host(strings.ToLower(word)); pattern != "" {
				visit(Hit{Host, n, pattern, strings.ToLower(word)})
			}
		}
		i = j
	}
}

func (s *Scanner) host(word string) string {
	if p := s.suffixes[word]; p != "" {
		return p
	}
	for i := 0; i < len(word); i++ {
		if word[i] == '.' {
			if p := s.suffixes[word[i:]]; p != "" {
				return p
			}
		}
	}
	for _, g := range s.globs {
		if ok, err := path.Match(g, word); ok && err == nil {
			return g
		}
	}
	return ""
}

// Values looks at lines of code for what may be an environment's value, and for nothing else.
func (s *Scanner) Values(p string, lines []Line, visit func(value string)) {
	strip := stripper{syntax: syntaxOf(p)}
	for _, l := range lines {
		eachValue(strip.strip(l), strip.bare, func(v string, _ int) { visit(v) })
	}
}

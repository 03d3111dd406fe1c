package policybot

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// options are what a rule, or the defaults of all rules, say of how approvals count. nil stands for what is not said.
type options struct {
	author, contributor, nonAuthor *bool
	invalidate, unedited           *bool
	updateMerges                   *yaml.Node // ignore_update_merges: true
	commitsBy                      *yaml.Node
	methods                        *methods
	unknown                        []pair
}

// methods are how people say it.
type methods struct {
	node                *yaml.Node
	comments, patterns  []string
	commentsGiven       bool
	reviews             *bool
	reviewText, body    []string
	bodyNode            *yaml.Node
	unreadable, strange []pair // of a wrong form; of an unknown name
}

func (im *importer) options(n *yaml.Node) *options {
	o := &options{}
	ps, ok := im.pairs(n)
	if !ok {
		o.unknown = append(o.unknown, pair{"options", n, n})
	}
	for _, p := range ps {
		if !im.option(o, p) {
			o.unknown = append(o.unknown, p)
		}
	}
	return o
}

func (im *importer) option(o *options, p pair) bool {
	if absent(p.value) {
		return true
	}
	into := map[string]**bool{
		"allow_author": &o.author, "allow_contributor": &o.contributor, "allow_non_author_contributor": &o.nonAuthor,
		"invalidate_on_push": &o.invalidate, "ignore_edited_comments": &o.unedited,
	}[p.name]
	switch {
	case into != nil:
		is, ok := truth(p.value)
		*into = &is
		return ok
	case p.name == "ignore_update_merges":
		is, ok := truth(p.value)
		if is {
			o.updateMerges = p.key
		}
		return ok
	case p.name == "ignore_commits_by":
		o.commitsBy = p.key
	case p.name == "request_review": // asks people and decides nothing; Sluice names whom to ask by itself
	case p.name == "methods":
		o.methods = im.methods(p.value)
	default:
		return false
	}
	return true
}

func (im *importer) methods(n *yaml.Node) *methods {
	m := &methods{node: n}
	ps, ok := im.pairs(n)
	if !ok {
		m.unreadable = append(m.unreadable, pair{"methods", n, n})
	}
	for _, p := range ps {
		fine := true
		switch {
		case absent(p.value):
		case p.name == "comments":
			m.comments, fine = im.texts(p.value)
			m.commentsGiven = true
		case p.name == "comment_patterns":
			m.patterns, fine = im.patterns(p.value)
		case p.name == "github_review":
			var is bool
			is, fine = truth(p.value)
			m.reviews = &is
		case p.name == "github_review_comment_patterns":
			m.reviewText, fine = im.patterns(p.value)
		case p.name == "body_patterns":
			m.body, fine = im.patterns(p.value)
			m.bodyNode = p.key
		default:
			m.strange = append(m.strange, p)
		}
		if !fine {
			m.unreadable = append(m.unreadable, p)
		}
	}
	return m
}

// under fills in what is not said from the defaults.
func (o *options) under(d *options) *options {
	u := *o
	u.author, u.contributor, u.nonAuthor = cmp.Or(o.author, d.author), cmp.Or(o.contributor, d.contributor), cmp.Or(o.nonAuthor, d.nonAuthor)
	u.invalidate, u.unedited = cmp.Or(o.invalidate, d.invalidate), cmp.Or(o.unedited, d.unedited)
	u.updateMerges, u.commitsBy = cmp.Or(o.updateMerges, d.updateMerges), cmp.Or(o.commitsBy, d.commitsBy)
	u.methods = o.methods.under(d.methods)
	return &u
}

func (m *methods) under(d *methods) *methods {
	switch {
	case m == nil && d == nil:
		return &methods{}
	case m == nil:
		return d
	case d == nil:
		return m
	}
	u := *m
	if !m.commentsGiven {
		u.comments, u.commentsGiven = d.comments, d.commentsGiven
	}
	u.patterns, u.reviewText = either(m.patterns, d.patterns), either(m.reviewText, d.reviewText)
	u.reviews, u.body, u.bodyNode = cmp.Or(m.reviews, d.reviews), either(m.body, d.body), cmp.Or(m.bodyNode, d.bodyNode)
	u.unreadable, u.strange = append(slices.Clone(m.unreadable), d.unreadable...), append(slices.Clone(m.strange), d.strange...)
	return &u
}

func either(a, b []string) []string {
	if a != nil {
		return a
	}
	return b
}

func (o *options) is(b *bool) bool { return b != nil && *b }

// exclude is whose approval does not count, in Sluice's words.
func (o *options) exclude() []string {
	author, others := o.is(o.author) || o.is(o.contributor), o.is(o.contributor) || o.is(o.nonAuthor)
	switch {
	case author && others:
		return []string{}
	case author:
		return []string{"other-contributors"}
	case others:
		return []string{"author"}
	}
	return []string{"author", "contributors"}
}

func (o *options) stale() string {
	if o.is(o.invalidate) {
		return "commit"
	}
	return "never"
}

// said are the comments that approve, as regular expressions.
func (m *methods) said(standard ...string) []string {
	comments := m.comments
	if !m.commentsGiven {
		comments = standard
	}
	return spoken(comments, m.patterns)
}

// spoken are strings that a comment contains, and patterns that it matches, as patterns alone.
func spoken(comments, patterns []string) []string {
	all := []string{}
	for _, c := range comments {
		if c == "" {
			c = "^" // which every comment has
		} else {
			c = regexp.QuoteMeta(c)
		}
		all = append(all, c)
	}
	for _, p := range patterns {
		if p == "" {
			p = "^"
		}
		all = append(all, p)
	}
	return all
}

// fitting are the patterns that Sluice takes; whole says that all are.
func fitting(patterns []string) (fit []string, whole bool) {
	for _, p := range patterns {
		if len(p) <= 1000 && !strings.ContainsRune(p, 0) {
			fit = append(fit, p)
		}
	}
	return fit, len(fit) == len(patterns)
}

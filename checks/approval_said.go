package checks

import (
	"regexp"
	"slices"
)

// saying is one opinion in force, or one comment, on the line of time that both share.
type saying struct {
	at      int // position on that line
	review  *Review
	comment *Comment
}

func (s *saying) by() Person {
	if s.review != nil {
		return s.review.By
	}
	return s.comment.By
}

// listen puts the opinions in force and the comments into one order, and sorts out who is against. Reviews keep the order
// of the forge; a comment stands before the first of them that was given after it.
func (b *ballot) listen() {
	opinions := latest(b.f.Reviews)
	comments := b.comments()
	b.said = make([]saying, 0, len(opinions)+len(comments))
	at := 0
	for i := range b.f.Reviews {
		for len(comments) > 0 && comments[0].At.Before(b.f.Reviews[i].At) {
			b.said = append(b.said, saying{at: at, comment: comments[0]})
			comments, at = comments[1:], at+1
		}
		if opinions[i] != nil {
			b.said = append(b.said, saying{at: at, review: opinions[i]})
		}
		at++
	}
	for _, c := range comments {
		b.said = append(b.said, saying{at: at, comment: c})
		at++
	}
	for _, s := range b.said {
		if s.review != nil && s.review.State == "changes_requested" {
			b.against = append(b.against, s)
		}
	}
	b.dissent()
}

// comments are what was said beside opinions: comments on the change, and reviews that are no more than that.
func (b *ballot) comments() []*Comment {
	var cs []*Comment
	for i := range b.f.Comments {
		if c := &b.f.Comments[i]; c.Review == 0 || b.merelyCommented(c.Review) {
			cs = append(cs, c)
		}
	}
	slices.SortStableFunc(cs, func(a, b *Comment) int { return a.At.Compare(b.At) })
	return cs
}

func (b *ballot) merelyCommented(id int64) bool {
	return slices.ContainsFunc(b.f.Reviews, func(r Review) bool { return r.ID == id && r.State == "commented" })
}

// text is what a review came with.
func (b *ballot) text(r *Review) (Comment, bool) {
	i := slices.IndexFunc(b.f.Comments, func(c Comment) bool { return c.Review == r.ID && r.ID != 0 })
	if i < 0 {
		return Comment{}, false
	}
	return b.f.Comments[i], true
}

// unheard says why comments are not known, if so.
func (b *ballot) unheard() (string, bool) {
	if g, ok := b.f.Gap("comments"); ok {
		return "The comments could not be read: " + plain(g.Reason, 90), true
	}
	if !b.f.Heard {
		return "The comments were not read.", true
	}
	return "", false
}

// compiled are patterns that the loader has found to be fine; one that is not matches nothing.
func compiled(patterns []string) []*regexp.Regexp {
	var rs []*regexp.Regexp
	for _, p := range patterns {
		if r, err := regexp.Compile(p); err == nil {
			rs = append(rs, r)
		}
	}
	return rs
}

func matches(patterns []*regexp.Regexp, text string) bool {
	return slices.ContainsFunc(patterns, func(r *regexp.Regexp) bool { return r.MatchString(text) })
}

package gate

import "testing"

// A comment that an earlier visit may have left is looked for before another is written, whatever visits came in between.
func TestACommentThatMayBeThereIsLookedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		w    Work
		p    Promotion
		want int64
	}{
		"the first visit":                 {Work{Attempt: 1}, Promotion{ID: "p1", State: Gated}, 0},
		"tried again":                     {Work{Attempt: 2}, Promotion{ID: "p1", State: Gated}, -1},
		"taken over":                      {Work{Attempt: 1, Taken: true}, Promotion{ID: "p1", State: Gated}, -1},
		"looked at again for that":        {Work{Attempt: 1, Causes: []Mark{{Why: "status"}, {Why: tookOver}}}, Promotion{ID: "p1", State: Gated}, -1},
		"it was under way before":         {Work{Attempt: 1}, Promotion{ID: "p1", State: Deploying}, -1},
		"known":                           {Work{Attempt: 2}, Promotion{ID: "p1", State: Deploying, Note: 9}, 9},
		"an answer of the forge was lost": {Work{Attempt: 1}, Promotion{ID: "p1", State: Gated, Note: -1}, -1},
	} {
		book := &EnvironmentBook{Promotions: []Promotion{c.p}}
		v := &visit{w: c.w, book: book}
		if u := v.underWay(); u != nil {
			v.resumed = u.ID
		}
		if got := v.knownNote(&book.Promotions[0]); got != c.want {
			t.Errorf("%s: knownNote = %d, want %d", name, got, c.want)
		}
	}
}

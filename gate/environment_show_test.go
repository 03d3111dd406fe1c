package gate

import "testing"

// A comment that an earlier look may have left is looked for before another is written, however many looks there were since.
func TestACommentThatMayBeThereIsLookedFor(t *testing.T) {
	t.Parallel()
	p := Promotion{ID: "p1", Change: 7, State: Deploying}
	with := func(alter func(*Promotion)) Promotion {
		q := p
		alter(&q)
		return q
	}
	for name, c := range map[string]struct {
		w    Work
		p    Promotion
		want int64
	}{
		"tried again":                    {Work{Attempt: 2}, p, -1},
		"taken over":                     {Work{Attempt: 1, Taken: true}, p, -1},
		"looked at again for that":       {Work{Attempt: 1, Causes: []Mark{{Why: "status"}, {Why: tookOver}}}, p, -1},
		"a look like any other":          {Work{Attempt: 1, Causes: []Mark{{Why: "status"}}}, p, 0},
		"the comment is known":           {Work{Attempt: 2}, with(func(p *Promotion) { p.Note = 9 }), 9},
		"no change, hence no comment":    {Work{Attempt: 2}, with(func(p *Promotion) { p.Change = 0 }), 0},
		"nothing was done for it so far": {Work{Attempt: 2}, with(func(p *Promotion) { p.State = Requested }), 0},
	} {
		v := &visit{w: c.w, book: &EnvironmentBook{Promotions: []Promotion{c.p}}, touched: map[string]bool{}}
		v.doubtNotes()
		if got := v.book.Promotions[0].Note; got != c.want || v.touched["p1"] != (c.want < 0) {
			t.Errorf("%s: Note = %d, touched %v; want %d, and that it is kept", name, got, v.touched["p1"], c.want)
		}
	}
}

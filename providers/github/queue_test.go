package github

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/gate"
)

func TestWhichChangesAQueuesCommitCarries(t *testing.T) {
	t.Parallel()
	e := func(n int, commit string) entry { return entry{change: n, head: fmt.Sprintf("h%d", n), commit: commit} }
	for name, c := range map[string]struct {
		line    []string // "commit" or "commit<second parent", from the tip upwards
		entries []entry
		want    string // "" : not known
	}{
		"one, merged":                  {[]string{"q1<h1"}, []entry{e(1, "q1")}, "1:tip..q1"},
		"two, one upon the other":      {[]string{"q1<h1", "q2<h2"}, []entry{e(1, "q1"), e(2, "q2")}, "1:tip..q1 2:q1..q2"},
		"two, squashed":                {[]string{"q1", "q2"}, []entry{e(1, "q1"), e(2, "q2")}, "1:tip..q1 2:q1..q2"},
		"one behind does not count":    {[]string{"q1<h1"}, []entry{e(1, "q1"), e(2, "q2")}, "1:tip..q1"},
		"one rebased, of three":        {[]string{"a", "b", "q1"}, []entry{e(1, "q1")}, "1:tip..q1"},
		"rebased, and one upon it":     {[]string{"a", "q1", "q2<h2"}, []entry{e(1, "q1"), e(2, "q2")}, "1:tip..q1 2:q1..q2"},
		"two built at once":            {[]string{"m<h1", "q<h2"}, []entry{e(1, "q"), e(2, "q")}, "1:tip..m 2:m..q"},
		"two built at once, squashed":  {[]string{"m", "q"}, []entry{e(1, "q"), e(2, "q")}, "1:tip..m 2:m..q"},
		"two rebased at once":          {[]string{"a", "b", "q"}, []entry{e(1, "q"), e(2, "q")}, ""},
		"a merge of nobody below":      {[]string{"x<h9", "q1<h1"}, []entry{e(1, "q1")}, ""},
		"the head moved since":         {[]string{"q1<old"}, []entry{e(1, "q1")}, ""},
		"two in another order":         {[]string{"m<h2", "q<h1"}, []entry{e(1, "q"), e(2, "q")}, ""},
		"nobody has the commit":        {[]string{"q1<h1"}, []entry{e(2, "q2")}, ""},
		"nobody waits":                 {[]string{"q1<h1"}, nil, ""},
		"what it sits on is of nobody": {[]string{"x", "q1"}, []entry{{change: 1, head: "h1", commit: "q1", claimed: "x"}}, ""},
	} {
		q := &queueReading{tip: "tip", branch: "main", entries: c.entries, parents: map[string]string{"tip": "older"}, second: map[string]string{}}
		below := "tip"
		for _, l := range c.line {
			id, second, _ := strings.Cut(l, "<")
			q.parents[id], q.second[id], q.commit = below, second, id
			below = id
		}
		got, err := q.carried()
		said := ""
		for i, x := range got {
			if i > 0 {
				said += " "
			}
			said += fmt.Sprintf("%d:%s..%s", x.change, x.before, x.commit)
		}
		if said != c.want || (err == nil) != (c.want != "") || err != nil && !errors.Is(err, gate.ErrStale) {
			t.Errorf("%s: carried() = %q, %v; want %q", name, said, err, c.want)
		}
	}
}

func TestAQueuesCommitThatDoesNotSitOnItsBranchCarriesNothingKnown(t *testing.T) {
	t.Parallel()
	q := &queueReading{tip: "tip", commit: "q1", entries: []entry{{change: 1, commit: "q1"}}, parents: map[string]string{"q1": "before", "before": "older"}, second: map[string]string{}}
	if got, err := q.carried(); !errors.Is(err, gate.ErrStale) {
		t.Errorf("carried() = %v, %v; want ErrStale", got, err)
	}
}

package gate

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// frugal is a forge that lists what is open with heads, and says how much may be read.
type frugal struct {
	Provider
	listed []Opened
	most   int
	lists  int
}

func (f *frugal) Open(context.Context, Repo) ([]Opened, error) { f.lists++; return f.listed, nil }
func (f *frugal) Pace(Repo, int) time.Duration                 { return time.Second }
func (f *frugal) Sweeps(Repo, time.Duration) int               { return f.most }

func openChanges(repo string, n int) (list []checks.Subject) {
	for i := 1; i <= n; i++ {
		list = append(list, checks.Subject{Forge: "github", Repo: repo, Kind: checks.KindChange, Change: i, Installation: 5})
	}
	return list
}

// A thousand open changes are not read at start: they are listed, and those that were not read for the longest follow as
// fast as the quota bears, over half of the time until the next sweep.
func TestASweepReadsNoMoreThanTheQuotaBears(t *testing.T) {
	t.Parallel()
	f := &frugal{most: 100}
	m := &memory{open: openChanges("acme/shop", 1000), state: &SubjectState{Head: "h", Base: "main"}}
	r := reconciler(&forge{}, m)
	r.Providers["github"] = f
	out, err := r.Work(t.Context(), Work{Mark: Mark{Kind: MarkSweep, Forge: "github"}, Causes: []Mark{{Why: "start"}}})
	if err != nil || len(out.Marks) != 1 || out.Marks[0].Kind != MarkBase || out.Marks[0].Repo != "acme/shop" {
		t.Fatalf("a sweep marked %d (%v), want the list of the repository alone", len(out.Marks), err)
	}
	for _, s := range m.open {
		f.listed = append(f.listed, Opened{Subject: s, Head: "h", Base: "main"})
	}
	f.listed[499].Base, f.listed[599].Head = "next", "pushed"                                                                                                // of these no webhook told
	f.listed = append(f.listed[:700], f.listed[701:]...)                                                                                                     // nor that this one was closed
	f.listed = append(f.listed, Opened{Subject: checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: 2000, Installation: 5}}) // nor of this one at all
	out, err = r.Work(t.Context(), Work{Mark: out.Marks[0], Causes: []Mark{{Why: sweeping}}})
	if err != nil || len(out.Marks) != 104 || f.lists != 1 {
		t.Fatalf("the list led to %d readings (%v, %s), want the four that moved and a hundred", len(out.Marks), err, out.Note)
	}
	var first []int
	for i, mark := range out.Marks {
		if i < 4 {
			first = append(first, mark.Change)
		} else if mark.Change != i-3 {
			t.Fatalf("reading %d is of change %d, want the longest unread first", i, mark.Change)
		}
	}
	if fmt.Sprint(first) != "[500 600 2000 701]" {
		t.Errorf("read first: %v, want what moved, came and went", first)
	}
	if last := out.Delays[103]; last < 4*time.Minute || last > r.Sweep/2 {
		t.Errorf("the last of them is read after %v, want them spread over half of %v", last, r.Sweep)
	}
}

// Where very many are not as they were remembered, all of them have their turn, and none waits for all to be written down at once.
func TestASweepOfVeryManyThatMovedGoesOnLater(t *testing.T) {
	t.Parallel()
	m := &memory{open: openChanges("acme/shop", 2*atOnce+1)}
	r := reconciler(&forge{}, m)
	r.Providers["github"] = &frugal{most: 100}
	mark, read := Mark{Kind: MarkBase, Forge: "github", Repo: "acme/shop", Installation: 5, Why: sweeping}, map[int]bool{}
	for looks := 1; ; looks++ {
		out, err := r.Work(t.Context(), Work{Mark: mark, Causes: []Mark{{Why: sweeping}}})
		if err != nil || len(out.Marks) != len(out.Delays) || len(out.Marks) > atOnce+1 {
			t.Fatalf("look %d led to %d readings after %d delays: %v", looks, len(out.Marks), len(out.Delays), err)
		}
		var again []Mark
		for _, k := range out.Marks {
			if read[k.Change] = true; k.Kind == MarkBase {
				again = append(again, k)
			}
		}
		m.open = m.open[min(len(m.open), atOnce):] // those were read, and are closed
		if len(again) == 0 {
			if delete(read, 0); len(read) != 2*atOnce+1 || looks != 3 {
				t.Errorf("%d were read after %d looks, want all, after three", len(read), looks)
			}
			return
		}
		if len(again) != 1 || again[0] != mark || out.Delays[len(out.Delays)-1] < time.Minute {
			t.Fatalf("look %d is followed by %+v after %v, want another, later", looks, again, out.Delays[len(out.Delays)-1])
		}
	}
}

// Each way to the forge has its own share: one with many open changes takes nothing from another.
func TestASweepSharesByInstallation(t *testing.T) {
	t.Parallel()
	f := &frugal{most: 3}
	many, few := openChanges("acme/shop", 9), openChanges("beta/shop", 2)
	few[0].Installation, few[1].Installation = 6, 6
	r := reconciler(&forge{}, &memory{open: append(many, few...)})
	r.Providers["github"] = f
	out, err := r.Work(t.Context(), Work{Mark: Mark{Kind: MarkSweep, Forge: "github"}})
	got := map[string]int{}
	for _, mark := range out.Marks {
		got[mark.Repo]++
	}
	if err != nil || got["acme/shop"] != 3 || got["beta/shop"] != 2 {
		t.Errorf("a sweep reads %v (%v), want 3 and 2", got, err)
	}
}

func TestClassOfWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		w    Work
		want Class
	}{
		"a command":                      {Work{Mark: Mark{Kind: MarkComment}, Causes: []Mark{{Why: "issue_comment.created"}}}, ForCommand},
		"a button":                       {Work{Mark: Mark{Kind: MarkAction}}, ForCommand},
		"an event":                       {Work{Mark: Mark{Kind: MarkChange}, Causes: []Mark{{Why: "push"}}}, ForEvent},
		"a sweep":                        {Work{Mark: Mark{Kind: MarkChange}, Causes: []Mark{{Why: sweeping}}}, ForSweep},
		"a sweep with an event":          {Work{Mark: Mark{Kind: MarkChange}, Causes: []Mark{{Why: sweeping}, {Why: "push"}}}, ForEvent},
		"a sweep with causes left out":   {Work{Mark: Mark{Kind: MarkChange}, Causes: []Mark{{Why: sweeping}}, Dropped: true}, ForEvent},
		"a timer":                        {Work{Mark: Mark{Kind: MarkEnvironment}}, ForEvent},
		"the sweep itself":               {Work{Mark: Mark{Kind: MarkSweep}, Causes: []Mark{{Why: "start"}}}, ForSweep},
		"deliveries that did not arrive": {Work{Mark: Mark{Kind: MarkCatchUp}, Causes: []Mark{{Why: "start"}}}, ForEvent},
	} {
		if got := c.w.class(); got != c.want || ClassOf(WithClass(t.Context(), got)) != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

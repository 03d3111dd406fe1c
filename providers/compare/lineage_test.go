package compare

import (
	"context"
	"slices"
	"testing"

	"github.com/sluicegate/sluice/checks"
)

func TestTheLikeliestPatchesAreReadFirst(t *testing.T) {
	t.Parallel()
	l := Lineage{Lacks: []checks.Carried{{Title: "Fix"}}, Between: []checks.Carried{{Title: "x", Parents: []string{"1"}}, {Title: "Fix", Parents: []string{"1", "2"}}, {Title: "y"}, {Title: "Fix", Parents: []string{"1"}}}}
	if got := l.likeliest(); !slices.Equal(got, []int{3, 0, 2}) {
		t.Errorf("likeliest() = %v", got)
	}
}

func TestAMergeIsMissedOnlyForWhatIsItsOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		merged, own Patch
		want        int // left of two
	}{
		"adds nothing":           {Patch{ID: "p"}, Patch{ID: "p"}, 1},
		"adds something":         {Patch{ID: "p"}, Patch{ID: "q"}, 2},
		"changes nothing at all": {Patch{}, Patch{}, 2},
		"too large to tell":      {Patch{Unread: "too large"}, Patch{Unread: "too large"}, 2},
	} {
		known := map[Diff]Patch{{To: "m"}: c.own, {From: "x", To: "y"}: c.merged}
		l := Lineage{Lacks: []checks.Carried{{Commit: "m", Parents: []string{"x", "y"}}, {Commit: "y", Parents: []string{"x"}}},
			Known: func(d Diff) (Patch, bool) { p, ok := known[d]; return p, ok }}
		if err := l.unmerged(t.Context()); err != nil || len(l.Lacks) != c.want {
			t.Errorf("%s: %v left, %v; want %d", name, l.Lacks, err, c.want)
		}
	}
}

func TestNoMoreDiffsAreReadThanItTakes(t *testing.T) {
	t.Parallel()
	var between []checks.Carried
	for i := range 300 {
		between = append(between, checks.Carried{Commit: string(rune('A' + i)), Parents: []string{"x"}})
	}
	gaps, read := 0, make(chan Diff, 1000)
	l := Lineage{Between: between, Lacks: []checks.Carried{{Commit: "fix", Parents: []string{"x"}}},
		Known: func(Diff) (Patch, bool) { return Patch{}, false },
		Read: func(_ context.Context, d Diff) (Patch, error) {
			read <- d
			return Patch{ID: d.To}, nil
		},
		Gap: func(string) { gaps++ }}
	if err := l.Settle(t.Context()); err != nil || len(read) != mostPatches || gaps == 0 || len(l.Lacks) != 1 {
		t.Errorf("Settle() = %v after %d diffs, %d gaps, %d lacking; want %d diffs, and that the rest is not known", err, len(read), gaps, len(l.Lacks), mostPatches)
	}
}

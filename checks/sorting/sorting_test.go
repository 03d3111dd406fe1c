package sorting

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// It does to any list what slices.SortStableFunc does.
func TestByIsStable(t *testing.T) {
	t.Parallel()
	type element struct{ key, place int }
	rapid.Check(t, func(t *rapid.T) {
		var list []element
		for i, key := range rapid.SliceOf(rapid.IntRange(0, 9)).Draw(t, "keys") {
			list = append(list, element{key, i})
		}
		compare := func(a, b element) int { return a.key - b.key }
		want := slices.Clone(list)
		slices.SortStableFunc(want, compare)
		if By(list, compare); !slices.Equal(list, want) {
			t.Errorf("By = %v, want %v", list, want)
		}
	})
}

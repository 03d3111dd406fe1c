package local

import (
	"slices"
	"testing"

	"github.com/sluicegate/sluice/checks"
)

func TestTagsMadeOfTheHeadOrAfterItAreNotThereYet(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	first := r.commit("first", map[string]string{"VERSION": "1.0.0\n"})
	r.git("tag", "v1.0.0")
	second := r.commit("second", map[string]string{"VERSION": "1.1.0\n"})
	r.git("tag", "-a", "-m", "of the head", "v1.1.0")
	r.commit("third", map[string]string{"VERSION": "1.2.0\n"})
	r.git("tag", "v1.2.0")
	r.git("checkout", "-q", "-b", "maintained", first)
	r.commit("beside", map[string]string{"VERSION": "1.0.1\n"})
	r.git("tag", "v1.0.1")
	var names []string
	for _, tag := range r.facts(first, second).Tags {
		names = append(names, tag.Name)
	}
	if want := []string{"v1.0.0", "v1.0.1"}; !slices.Equal(names, want) {
		t.Errorf("tags at the second commit = %q, want %q", names, want)
	}
	if f := r.facts("v1.0.0", "main"); len(f.Tags) != 3 || slices.ContainsFunc(f.Tags, func(t checks.Tag) bool { return t.Name == "v1.2.0" }) {
		t.Errorf("tags at the third commit = %v, want all but its own", f.Tags)
	}
}

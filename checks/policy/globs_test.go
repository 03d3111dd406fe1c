package policy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// TestSlowestGlobs matches the slowest patterns that the loader lets through against the longest paths.
func TestSlowestGlobs(t *testing.T) {
	for name, c := range map[string]struct{ glob, path string }{
		"stars in one name":        {strings.Repeat("*a", 11) + "*b", strings.Repeat("a", 4000)},
		"stars over folders":       {strings.Repeat("**/a/", 11) + "**/b", strings.Repeat("a/", 2000) + "c"},
		"stars and names":          {"**/*a/**/*a/**/*a/**/*a/**/*a/**/*b", strings.Repeat("aaa/", 1000) + "c"},
		"braces in a row":          {strings.Repeat("{a,aa}", 6) + strings.Repeat("*a", 11) + "*b", strings.Repeat("a", 4000)},
		"braces and stars":         {strings.Repeat("{*a,*aa}", 6) + "b", strings.Repeat("a", 4000)},
		"one brace of many":        {"{" + strings.Repeat("*a,", 11) + "*a}b", strings.Repeat("a", 4000)},
		"braces between folders":   {"**/{a,b}/**/{a,b}/**/{a,b}/**/{a,b}/**/{a,b}/**/{a,b}/x", strings.Repeat("a/", 2000) + "c"},
		"braces of folders within": {"{**/a,**/aa}/{**/a,**/aa}/{**/a,**/aa}/x", strings.Repeat("a/", 2000) + "c"},
		"many braces of folders":   {strings.Repeat("{**/a,**/aa}/", 6) + "x", strings.Repeat("a/", 2000) + "c"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := policy.Load(repository(fmt.Sprintf("changelog: {exempt: {paths: [%q]}}", c.glob))); err != nil {
				t.Logf("Load refuses %q: %v", c.glob, err)
				return
			}
			began := time.Now()
			policy.Globs{c.glob}.Match(c.path)
			took := time.Since(began)
			t.Logf("%v", took)
			if took > 50*time.Millisecond {
				t.Errorf("Match(%q, a path of %d bytes) took %v, want under 50ms", c.glob, len(c.path), took)
			}
		})
	}
}

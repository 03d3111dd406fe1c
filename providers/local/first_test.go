package local

import (
	"path/filepath"
	"testing"
)

// The git that was started first serves one reading, and none where it might have to fetch.
func TestFirstGitServesOneReading(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("start", map[string]string{"a.txt": "1\n"})
	partial := filepath.Join(filepath.Dir(r.dir), "partial.git")
	r.git("clone", "-q", "--filter=blob:none", "--bare", "file://"+r.dir, partial)
	for dir, want := range map[string]bool{r.dir: true, partial: false} {
		l, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, started := range []bool{want, false} {
			o := l.reader(t.Context())
			if got := o.cmd != nil; got != started {
				t.Errorf("%s: a reader has its git started already: %v, want %v", dir, got, started)
			}
			if x, err := o.get("HEAD^{commit}", largestCommit); err != nil || x.kind != "commit" {
				t.Errorf("%s: get(HEAD) = %v, %v, want a commit", dir, x, err)
			}
			o.close()
		}
	}
}

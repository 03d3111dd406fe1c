package local

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// What the files tell has to be what git tells, or git is to be asked.
func TestReferencesAreReadAsGitReadsThem(t *testing.T) {
	r := newRepo(t)
	r.commit("root", map[string]string{"a.go": "package a\n"})
	r.git("tag", "v1.0.0")
	r.git("tag", "-a", "-m", "one", "v1.1.0")
	r.git("tag", "deep/er/v1", "HEAD")
	r.git("tag", "of-a-file", "HEAD:a.go")
	r.git("tag", "of-a-folder", "HEAD^{tree}")
	r.git("tag", "-a", "-m", "two", "again", "v1.1.0")
	r.git("update-ref", "refs/remotes/origin/main", "HEAD")
	r.git("update-ref", "refs/remotes/origin/other", "HEAD")
	r.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
	r.git("symbolic-ref", "refs/remotes/gone/HEAD", "refs/remotes/gone/main")
	id := r.git("rev-parse", "HEAD")
	for _, x := range []struct {
		name  string
		do    func()
		plain bool
	}{
		{"loose", func() {}, true},
		{"packed", func() { r.git("pack-refs", "--all") }, true},
		{"packed, and changed since", func() {
			r.commit("next", map[string]string{"a.go": "package b\n"})
			r.git("tag", "-f", "v1.0.0")
			r.git("tag", "-d", "deep/er/v1")
		}, true},
		{"locked", func() { r.write(map[string]string{".git/refs/tags/v9.lock": id}) }, false},
		{"a link", func() {
			_ = os.Remove(filepath.Join(r.dir, ".git/refs/tags/v9.lock"))
			if err := os.Symlink("v1.0.0", filepath.Join(r.dir, ".git/refs/tags/v2.0.0")); err != nil {
				t.Skip(err)
			}
		}, false},
		{"broken", func() {
			_ = os.Remove(filepath.Join(r.dir, ".git/refs/tags/v2.0.0"))
			r.write(map[string]string{".git/refs/tags/v3.0.0": "nothing\n"})
		}, false},
	} {
		x.do()
		l, err := Open(r.dir)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		reads := &reading{Repository: l, ctx: ctx, objects: l.reader(ctx)}
		patterns := append([]string{"refs/tags"}, mayBeDefault()...)
		refs, unusual := l.here(patterns...)
		if (unusual == nil) != x.plain {
			t.Errorf("%s: here(…) = %v, plain %t", x.name, unusual, x.plain)
		}
		got, err := reads.told(refs, unusual, patterns...)
		if err != nil {
			t.Fatal(err)
		}
		want, err := reads.references(patterns...)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := alike(got), alike(want); len(want) < 5 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", x.name, got, want)
		}
		reads.objects.close()
		stop()
	}
}

// alike leaves out what depends on git's version, and of times all but the day.
func alike(refs []reference) []reference {
	refs = slices.Clone(refs)
	for i := range refs {
		refs[i].at = refs[i].at[:min(len(refs[i].at), 10)]
		if refs[i].peeled == "tag" {
			refs[i].peeled, refs[i].commit = "", ""
		}
	}
	return refs
}

func TestNoSuchNamesAreTakenFromFiles(t *testing.T) {
	for name, want := range map[string]bool{
		"refs/tags/v1.0.0": true, "refs/tags/a/b": true, "refs/tags/ü": true,
		"refs/tags/.x": false, "refs/tags/x.lock": false, "refs/tags/a b": false, "refs/tags/a..b": false, "refs/tags/@{x": false,
		"refs/tags/x\n": false, "refs/tags//x": false, "refs/tags/../../config": false, "refs/tags/x*": false,
	} {
		if got := usual(name); got != want {
			t.Errorf("usual(%q) = %t, want %t", name, got, want)
		}
	}
}

package storetest

import (
	"testing"

	"github.com/sluicegate/sluice/gate"
)

var beside = map[string]func(*testing.T, *fixture){
	"what was told of branches and tags can be asked for": func(t *testing.T, f *fixture) {
		heard := func(kind gate.MarkKind, repo string) string {
			t.Helper()
			text, err := f.Heard(ctx, kind, "gitlab", repo)
			must(t, err)
			return text
		}
		seen := map[string]bool{heard(gate.MarkBase, "acme/sluice-policy"): true}
		news := func(what string, m gate.Mark, want bool) {
			t.Helper()
			m.Forge = "gitlab"
			_, err := f.Add(ctx, gate.Delivery{Forge: "gitlab", ID: what, Event: "push", Marks: []gate.Mark{m}})
			must(t, err)
			now := heard(gate.MarkBase, "acme/sluice-policy")
			if seen[now] == want {
				t.Errorf("%s: %q, which was so before: %v, want %v", what, now, seen[now], !want)
			}
			seen[now] = true
		}
		push := gate.Mark{Kind: gate.MarkBase, Repo: "acme/sluice-policy", Base: "main"}
		news("the first push", push, true)
		news("a second", push, true)
		for _, w := range f.claim(10) {
			f.finish(w, gate.Outcome{})
		}
		if now := heard(gate.MarkBase, "acme/sluice-policy"); !seen[now] {
			t.Errorf("%q after it was worked off, want what it was before", now)
		}
		news("a third", push, true)
		news("another branch", gate.Mark{Kind: gate.MarkBase, Repo: "acme/sluice-policy", Base: "next"}, true)
		news("another project", gate.Mark{Kind: gate.MarkBase, Repo: "acme/sluice-policy-2", Base: "main"}, false)
		news("a tag", gate.Mark{Kind: gate.MarkTag, Repo: "acme/sluice-policy", Tag: "v1"}, false)

		before := heard(gate.MarkTag, "acme/Shop")
		_, err := f.Add(ctx, gate.Delivery{Forge: "gitlab", ID: "tag", Event: "push", Marks: []gate.Mark{{Kind: gate.MarkTag, Forge: "gitlab", Repo: "acme/Shop", Tag: "v2"}}})
		must(t, err)
		if now := heard(gate.MarkTag, "acme/Shop"); now == before {
			t.Errorf("%q after a tag was pushed, as before", now)
		}
	},
	"work that nobody gave back is known as such": func(t *testing.T, f *fixture) {
		must(t, f.Mark(ctx, change(1)))
		equal(t, "taken over at first", f.one().Taken, false)
		f.clock.pass(lease + lease)
		w := f.one()
		equal(t, "taken over after the lease", w.Taken, true)
		must(t, f.Fail(ctx, w, "no", 1))
		f.clock.pass(lease)
		equal(t, "taken over after it was given back", f.one().Taken, false)
	},
}

package storetest

import (
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// asked is a release that was asked for on a change.
func asked(f *fixture, n int, comment int64, tag, state string) gate.Release {
	return gate.Release{Subject: subject(n), Comment: comment, Line: 1, By: checks.Person{ID: 3, Login: "mia"}, Tag: tag, State: state, At: f.clock.Now()}
}

// tags are those of releases, in their order.
func tags(list []gate.Release) (names []string) {
	for _, r := range list {
		names = append(names, r.Tag+" "+r.State)
	}
	return names
}

var releases = map[string]func(*testing.T, *fixture){
	"a release is kept before its work ends, and changed by what came of it": func(t *testing.T, f *fixture) {
		r := asked(f, 1, 7, "v1.1.0", "working")
		must(t, f.KeepRelease(ctx, r))
		due, err := f.ReleasesDue(ctx, subject(1))
		must(t, err)
		equal(t, "due", due, []gate.Release{r})
		r.State, r.Pull = "waiting", 9
		f.decided(1, gate.Outcome{Releases: []gate.Release{r}})
		if due, err = f.ReleasesDue(ctx, subject(1)); err != nil || len(due) != 0 {
			t.Errorf("due on the change that it was asked on: %v, %v, want none: it waits", due, err)
		}
		due, err = f.ReleasesDue(ctx, subject(9))
		must(t, err)
		equal(t, "due on the change that it waits for", due, []gate.Release{r})
		of, err := f.ReleasesOf(ctx, subject(1), 7)
		must(t, err)
		equal(t, "of the comment", of, []gate.Release{r})
	},
	"a release that has ended is not taken back by who is late": func(t *testing.T, f *fixture) {
		done := asked(f, 1, 7, "v1.1.0", "done")
		f.decided(1, gate.Outcome{Releases: []gate.Release{done}})
		must(t, f.KeepRelease(ctx, asked(f, 1, 7, "v1.1.0", "working")))
		of, err := f.ReleasesOf(ctx, subject(1), 7)
		must(t, err)
		equal(t, "state", tags(of), []string{"v1.1.0 done"})
	},
	"what work that was lost says of a release is not kept": func(t *testing.T, f *fixture) {
		must(t, f.Mark(ctx, change(1)))
		w := f.one()
		f.clock.pass(2 * lease)
		f.one()
		if err := f.Finish(ctx, w, gate.Outcome{Releases: []gate.Release{asked(f, 1, 7, "v1.1.0", "done")}}); err == nil {
			t.Error("the work was lost, and finished all the same")
		}
		if of, err := f.ReleasesOf(ctx, subject(1), 7); err != nil || len(of) != 0 {
			t.Errorf("kept %v, %v", of, err)
		}
	},
	"what a comment on a commit asked for is not mixed up with a comment on the change that has its number": func(t *testing.T, f *fixture) {
		on := asked(f, 1, 7, "v1.1.0", "working")
		on.On = "c1"
		must(t, f.KeepRelease(ctx, on))
		must(t, f.KeepRelease(ctx, asked(f, 1, 7, "v2.0.0", "working")))
		commit := gate.Mark{Kind: gate.MarkComment, Forge: "github", Repo: "acme/Shop", Commit: "c1", Comment: 7}.Subject()
		of, err := f.ReleasesOf(ctx, commit, 7)
		must(t, err)
		equal(t, "of the comment on the commit", of, []gate.Release{on})
		of, err = f.ReleasesOf(ctx, subject(1), 7)
		must(t, err)
		equal(t, "of the comment on the change", tags(of), []string{"v2.0.0 working"})
		due, err := f.ReleasesDue(ctx, subject(1))
		must(t, err)
		equal(t, "due on the change", tags(due), []string{"v1.1.0 working", "v2.0.0 working"})
	},
	"a comment on a commit is a piece of work of its own, and says which commit": func(t *testing.T, f *fixture) {
		m := gate.Mark{Kind: gate.MarkComment, Forge: "github", Repo: "acme/Shop", Commit: "c1", Comment: 7, Installation: 7}
		must(t, f.Mark(ctx, m))
		w := f.one()
		if got := w.Mark; got.Kind != m.Kind || got.Change != 0 || got.Commit != "c1" || got.Comment != 7 || got.Key() != m.Key() {
			t.Errorf("claimed %+v, want %+v", got, m)
		}
		must(t, f.Finish(ctx, w, gate.Outcome{Comment: &gate.CommentState{URL: "https://x.example/7"}}))
		again := m
		again.Detail, again.Why = "digest", "commit_comment.created"
		_, err := f.Add(ctx, gate.Delivery{Forge: "github", ID: "7", Event: "commit_comment", Body: []byte("{}"), At: f.clock.Now(), Marks: []gate.Mark{again}})
		must(t, err)
		if w = f.one(); len(w.Causes) != 1 || w.Causes[0].Commit != "c1" || w.Mark.Commit != "c1" {
			t.Errorf("claimed again: %+v, want the cause to name the commit", w)
		}
		state, err := f.Comment(ctx, w.Mark)
		must(t, err)
		if state == nil || state.URL != "https://x.example/7" {
			t.Errorf("what came of it is %+v", state)
		}
	},
	"the newest release of a tag is found, in any spelling of the repository": func(t *testing.T, f *fixture) {
		must(t, f.KeepRelease(ctx, asked(f, 1, 7, "v1.1.0", "refused")))
		if r, err := f.ReleaseOf(ctx, "github", "acme/shop", "v1.1.0"); err != nil || r != nil {
			t.Errorf("one that was refused is found: %v, %v", r, err)
		}
		must(t, f.KeepRelease(ctx, asked(f, 2, 8, "v1.1.0", "working")))
		f.clock.pass(time.Minute)
		must(t, f.KeepRelease(ctx, asked(f, 3, 9, "v1.1.0", "done")))
		r, err := f.ReleaseOf(ctx, "github", "ACME/Shop", "v1.1.0")
		must(t, err)
		if r == nil || r.Comment != 9 {
			t.Errorf("got %+v, want that of comment 9", r)
		}
	},
}

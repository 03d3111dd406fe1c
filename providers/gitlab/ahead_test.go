package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// sweeps lists the open changes as a sweep does, and returns what was asked for beside the list.
func (l *lab) sweeps(t *testing.T, c *Client) (asked []string) {
	t.Helper()
	l.mu.Lock()
	l.asked = nil
	l.mu.Unlock()
	if _, err := c.Changes(t.Context(), gate.Repo{Forge: "gitlab", Name: "acme/shop"}, "", ""); err != nil {
		t.Fatalf("a sweep that could list the changes failed: %v", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	asked = slices.DeleteFunc(slices.Clone(l.asked), func(path string) bool { return path == "merge_requests" })
	l.asked = nil
	slices.Sort(asked)
	return asked
}

// What all changes of a project share is read with a sweep, where there is a policy; what cannot be read leaves the sweep as it is.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	const own, floor = "repository/files/.sluice.yml", "projects/acme/sluice-policy/repository/files/sluice.yml"
	all := []string{"", "external_status_checks", floor, own, "repository/files/CHANGELOG.md", "repository/tags", "repository/tree", "user"}
	for name, x := range map[string]struct {
		then func(*lab)
		asks []string // nil: not looked at
		next []string // of the sweep ten minutes later
	}{
		"a policy":                 {func(*lab) {}, all, []string{"", "external_status_checks", floor, own, "repository/tags"}},
		"no policy":                {func(l *lab) { l.files = map[string]string{tipSHA + ":README.md": "x\n"} }, nil, []string{}},
		"no commits":               {func(l *lab) { l.change("", obj{"default_branch": nil}) }, []string{""}, []string{}},
		"nobody at work":           {func(l *lab) { l.change("", obj{"last_activity_at": "2026-01-01T10:00:00.000Z"}) }, []string{""}, []string{}},
		"somebody at work":         {func(l *lab) { l.change("", obj{"last_activity_at": time.Now()}) }, all, nil},
		"a project that is hidden": {func(l *lab) { l.set("", 403) }, []string{""}, []string{""}},
		"tags that cannot be read": {func(l *lab) { l.set("repository/tags", 403) }, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, now := newLab(), time.Now()
			l.set("merge_requests", []obj{})
			x.then(l)
			c := l.client(t, Options{Now: func() time.Time { return now }})
			if got := l.sweeps(t, c); x.asks != nil && !slices.Equal(got, x.asks) {
				t.Errorf("it asked for %q, want %q", got, x.asks)
			}
			now = now.Add(10*time.Minute + time.Second)
			if got := l.sweeps(t, c); x.next != nil && !slices.Equal(got, x.next) {
				t.Errorf("ten minutes later it asked for %q, want %q", got, x.next)
			}
		})
	}
}

// A list of files that was read ahead and had to make room is not read ahead again.
func TestFilesAreListedAheadOnce(t *testing.T) {
	t.Parallel()
	l, now := newLab(), time.Now()
	l.set("merge_requests", []obj{})
	c := l.client(t, Options{Now: func() time.Time { return now }})
	for i, x := range []struct {
		then func()
		asks bool
	}{
		{func() {}, true},
		{func() {}, false},
		{func() { c.memory.latest.Purge() }, false}, // it had to make room
		{func() { c.memory.ahead.Add("acme/shop", olderSHA) }, false},                                                    // and the branch moved on
		{func() { c.memory.ahead.Purge(); c.memory.lists, c.memory.trees = newMemory().lists, newMemory().trees }, true}, // as after a start
	} {
		x.then()
		now = now.Add(10 * time.Minute)
		if asked := l.sweeps(t, c); slices.Contains(asked, "repository/tree") != x.asks {
			t.Errorf("sweep %d asked for %q; want the list of files: %v", i, asked, x.asks)
		}
	}
}

// A tip that a sweep has read stands for that of the target branch where the change proves it, and for some minutes.
func TestATipThatAChangeProves(t *testing.T) {
	t.Parallel()
	refs := func(base, start string) obj { return obj{"base_sha": base, "start_sha": start, "head_sha": headSHA} }
	upTo := obj{"diverged_commits_count": 0, "diff_refs": refs(tipSHA, tipSHA)}
	with := func(more obj) obj {
		o := obj{}
		for k, v := range upTo {
			o[k] = v
		}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	for name, x := range map[string]struct {
		change obj
		pass   time.Duration
		stands bool
	}{
		"the change has all of the target branch":              {change: upTo, stands: true},
		"the target branch has moved on":                       {change: with(obj{"diverged_commits_count": 1})},
		"GitLab does not say how far it has":                   {change: with(obj{"diverged_commits_count": nil})},
		"the change begins at another commit":                  {change: with(obj{"diff_refs": refs(baseSHA, tipSHA)})},
		"the change was compared with another tip":             {change: with(obj{"diff_refs": refs(tipSHA, olderSHA)})},
		"the change is merged, and the tip is its own by then": {change: with(obj{"state": "merged"})},
		"the change goes to another branch":                    {change: with(obj{"target_branch": "next"})},
		"the tip was read a while ago":                         {change: upTo, pass: 16 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, now := newLab(), time.Now()
			l.set("merge_requests", []obj{})
			l.set("repository/branches/next", obj{"commit": obj{"id": tipSHA}})
			l.change("merge_requests/7", x.change)
			c := l.client(t, Options{Now: func() time.Time { return now }})
			l.sweeps(t, c)
			now = now.Add(x.pass)
			f := mustFacts(t, c, labChange(), "")
			if stands := !slices.Contains(l.asked, "repository/files/.sluice.yml"); stands != x.stands {
				t.Errorf("it asked for %q; the tip stands: %v, want %v", l.asked, stands, x.stands)
			}
			if len(f.Sources) != 1 || f.Sources[0].Commit != tipSHA || f.Change.Base.Commit != tipSHA {
				t.Errorf("the policy is %+v upon %s, want that of %s", f.Sources, f.Change.Base.Commit, tipSHA)
			}
		})
	}
}

// A look that took a tip as proven does not make it believed for longer.
func TestATipThatIsProvenAgesAllTheSame(t *testing.T) {
	t.Parallel()
	l, now := newLab(), time.Now()
	l.set("merge_requests", []obj{})
	l.change("merge_requests/7", obj{"diverged_commits_count": 0, "diff_refs": obj{"base_sha": tipSHA, "start_sha": tipSHA, "head_sha": headSHA}})
	c := l.client(t, Options{Now: func() time.Time { return now }})
	l.sweeps(t, c)
	for i, asks := range []bool{false, false, true} { // after six, twelve and eighteen minutes
		now, l.asked = now.Add(6*time.Minute), nil
		mustFacts(t, c, labChange(), "")
		if got := slices.Contains(l.asked, "repository/files/.sluice.yml"); got != asks {
			t.Errorf("after %d minutes the policy was read: %v, want %v", 6*i+6, got, asks)
		}
	}
}

// A push to the target branch has its tip read anew, though a change shows nothing of it: its commits may have come by another way.
func TestATipThatAnEventTellsOf(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.set("merge_requests", []obj{})
	l.change("merge_requests/7", obj{"diverged_commits_count": 0, "diff_refs": obj{"base_sha": tipSHA, "start_sha": tipSHA, "head_sha": headSHA}})
	c := l.client(t, Options{})
	l.sweeps(t, c)
	for _, base := range []string{"next", "main"} {
		if _, err := c.Changes(t.Context(), gate.Repo{Forge: "gitlab", Name: "acme/shop"}, base, ""); err != nil {
			t.Fatal(err)
		}
		l.asked = nil
		mustFacts(t, c, labChange(), "")
		if got := slices.Contains(l.asked, "repository/files/.sluice.yml"); got != (base == "main") {
			t.Errorf("after a push to %s the policy was read: %v", base, got)
		}
	}
}

// Where a sweep has found no external status check nobody asks which of them are ours, for some minutes; who may not see them, or
// found one, asks.
func TestExternalStatusChecksThatAreNotThere(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		services any
		pass     time.Duration
		asks     bool
	}{
		"there is none":              {services: []obj{}},
		"there is one":               {services: []obj{{"id": 1, "name": "another"}}, asks: true},
		"they may not be seen":       {services: 403, asks: true},
		"there was none a while ago": {services: []obj{}, pass: 11 * time.Minute, asks: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, now := newLab(), time.Now()
			l.set("merge_requests", []obj{})
			l.set("external_status_checks", x.services)
			l.set("merge_requests/7/status_checks", []obj{})
			c := l.client(t, Options{Now: func() time.Time { return now }})
			l.sweeps(t, c)
			now = now.Add(x.pass)
			p := &posting{c: c, a: c.ways[0], s: labChange(), f: &checks.Facts{Change: &checks.Change{Base: checks.Ref{Name: "main"}}}}
			if err := p.answerOutside(t.Context(), []gate.Post{{Name: gateName, Commit: headSHA}}); err != nil {
				t.Fatal(err)
			}
			if asks := slices.Contains(l.asked, "merge_requests/7/status_checks"); asks != x.asks {
				t.Errorf("it asked for %q; for the checks of the change: %v, want %v", l.asked, asks, x.asks)
			}
		})
	}
}

// Whether a project has pipelines of its own shows in the files of its default branch, where they were listed.
func TestPipelinesThatAListOfFilesShows(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		list   []string // nil: not listed
		base   string   // merge base
		target string
		has    bool
		known  bool
	}{
		"there are":                  {list: []string{".gitlab-ci.yml", "a"}, base: tipSHA, target: "main", has: true, known: true},
		"there are none":             {list: []string{"a"}, base: tipSHA, target: "main", known: true},
		"nothing was listed":         {base: tipSHA, target: "main"},
		"the target branch moved on": {list: []string{"a"}, base: baseSHA, target: "main"},
		"it goes to another branch":  {list: []string{"a"}, base: tipSHA, target: "next"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newLab().client(t, Options{})
			if x.list != nil {
				c.memory.lists.Add(pair{"acme/shop", "", x.base}, x.list, 1)
			}
			f := &checks.Facts{Change: &checks.Change{Base: checks.Ref{Name: x.target, Commit: tipSHA}, MergeBase: x.base}}
			has, known := (&posting{c: c, a: c.ways[0], s: labChange(), f: f}).listed(".gitlab-ci.yml", "main")
			if has != x.has || known != x.known {
				t.Errorf("pipelines %v, known %v; want %v, %v", has, known, x.has, x.known)
			}
		})
	}
}

// A push has a project read ahead of which nothing is known, whether it has a policy or not: once in an hour.
func TestAPushHasAProjectReadAhead(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(*lab){
		"a policy":       func(*lab) {},
		"no policy":      func(l *lab) { l.files = map[string]string{tipSHA + ":README.md": "x\n"} },
		"nobody at work": func(l *lab) { l.change("", obj{"last_activity_at": "2026-01-01T10:00:00.000Z"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, now := newLab(), time.Now()
			repo := gate.Repo{Forge: "gitlab", Name: "acme/shop"}
			l.set("merge_requests", []obj{})
			l.change("merge_requests/7", obj{"diverged_commits_count": 0, "diff_refs": obj{"base_sha": tipSHA, "start_sha": tipSHA, "head_sha": headSHA}})
			then(l)
			var classes sync.Map // by route
			c := l.client(t, Options{Now: func() time.Time { return now }, Call: func(ctx context.Context, route, _ string, _ time.Duration) { classes.Store(route, gate.ClassOf(ctx)) }})
			unread := func(want bool) {
				t.Helper()
				if got := c.Unread(repo); got != want {
					t.Errorf("it is to be read: %v, want %v", got, want)
				}
			}
			push := func(reads bool) {
				t.Helper()
				l.asked = nil
				if err := c.Ahead(t.Context(), repo); err != nil {
					t.Fatal(err)
				}
				if got := slices.Contains(l.asked, "repository/tags"); got != reads || len(l.asked) > 11 {
					t.Errorf("it asked for %q; read ahead: %v, want %v, by at most eleven", l.asked, got, reads)
				}
			}
			l.sweeps(t, c) // which lets alone what has no policy, and what nobody works in
			unread(false)
			asleep := c.memory.asleep
			c.memory, c.memory.asleep = newMemory(), asleep
			c.forget("acme/shop")
			unread(true)
			unread(false) // somebody is about to
			push(true)
			if got, _ := classes.Load("GET /projects/{id}/repository/tags"); got != gate.ForSweep {
				t.Errorf("the tags were read for class %v, want a sweep's", got)
			}
			push(false)
			l.asked = nil
			f := mustFacts(t, c, labChange(), headSHA)
			slices.Sort(l.asked)
			if want := []string{"merge_requests/7", "merge_requests/7/approvals", "repository/compare"}; !slices.Equal(l.asked, want) || len(f.Gaps) > 0 {
				t.Errorf("the first event asked for %q, want %q; gaps %+v", l.asked, want, f.Gaps)
			}
			now = now.Add(59 * time.Minute)
			unread(false)
			now = now.Add(2 * time.Minute)
			unread(true)
		})
	}
}

// A push to the default branch, as the first commit of a project is, has it read ahead as well.
func TestAPushToTheDefaultBranchHasItsProjectReadAhead(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.set("merge_requests", []obj{})
	c := l.client(t, Options{})
	for _, reads := range []bool{true, false} {
		l.asked = nil
		if _, err := c.Changes(t.Context(), gate.Repo{Forge: "gitlab", Name: "acme/shop"}, "main", ""); err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(l.asked, "repository/tags"); got != reads {
			t.Errorf("it asked for %q; read ahead: %v, want %v", l.asked, got, reads)
		}
	}
}

// Of several who come to a project at once of which nothing is known, one reads what they share.
func TestAtOnceToAProjectThatIsNotKnown(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.set("merge_requests", []obj{})
	l.change("merge_requests/7", obj{"diverged_commits_count": 0, "diff_refs": obj{"base_sha": tipSHA, "start_sha": tipSHA, "head_sha": headSHA}})
	c := l.client(t, Options{})
	var all errgroup.Group
	for range 5 {
		all.Go(func() error { _, err := c.Facts(t.Context(), labChange(), ""); return err })
		all.Go(func() error { return c.Ahead(t.Context(), gate.Repo{Forge: "gitlab", Name: "acme/shop"}) })
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "repository/tags", "repository/files/.sluice.yml", "projects/acme/sluice-policy/repository/files/sluice.yml"} {
		if n := len(slices.DeleteFunc(slices.Clone(l.asked), func(p string) bool { return p != path })); n != 1 {
			t.Errorf("%q was read %d times, want once: %q", path, n, l.asked)
		}
	}
}

// Nobody waits for long for another, nor when there is no use in it any more.
func TestNobodyWaitsForLongForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Settings{URL: "https://git.example", Token: "t", WebhookSecret: "x"}, Options{Transport: http.NewFileTransport(http.Dir("."))})
		if err != nil {
			t.Fatal(err)
		}
		waits := func(ctx context.Context, want time.Duration) {
			t.Helper()
			began := time.Now()
			c.alone(ctx, "Acme/Shop")()
			if got := time.Since(began); got != want {
				t.Errorf("it took %v, want %v", got, want)
			}
		}
		done := c.alone(t.Context(), "acme/shop")
		waits(t.Context(), patience)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		waits(ctx, time.Second)
		time.AfterFunc(3*time.Second, done)
		waits(t.Context(), 3*time.Second)
		waits(t.Context(), 0) // and now the next is the one
	})
}

// What the next event of a change would be the first to want is read with the first look of a sweep, and with no event's.
func TestWhatTheNextEventWantsIsReadWithASweep(t *testing.T) {
	t.Parallel()
	l, bo := newLab(), obj{"id": 6, "username": "bo"}
	l.change("merge_requests/7", obj{"reviewers": []obj{bo}})
	l.set("merge_requests/7/reviewers", []obj{{"user": bo, "state": "unreviewed"}})
	l.set("merge_requests/7/notes", []obj{{"id": 3, "body": detailsMark + "\n", "author": obj{"id": 1}}})
	l.set("users/6", obj{"id": 6})
	c := l.client(t, Options{})
	for i, x := range []struct {
		class gate.Class
		reads bool
	}{{gate.ForEvent, false}, {gate.ForCommand, false}, {gate.ForSweep, true}, {gate.ForSweep, false}} {
		l.asked = nil
		if _, err := c.Facts(gate.WithClass(t.Context(), x.class), labChange(), ""); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"merge_requests/7/notes", "users/6"} {
			if got := slices.Contains(l.asked, path); got != x.reads {
				t.Errorf("look %d, an %v's, asked for %q; %s: %v, want %v", i, x.class, l.asked, path, got, x.reads)
			}
		}
	}
	if d, ok := c.talk.details.Get(labChange().Key()); !ok || d.id != 3 {
		t.Errorf("the note is %+v, want the third", d)
	}
	c.talk.details.Purge() // it had to make room
	c.memory.kinds.Purge()
	l.asked = nil
	if _, err := c.Facts(gate.WithClass(t.Context(), gate.ForSweep), labChange(), ""); err != nil || slices.Contains(l.asked, "merge_requests/7/notes") || slices.Contains(l.asked, "users/6") {
		t.Errorf("it asked for %q once more: %v", l.asked, err)
	}
	l.set("merge_requests/7/notes", 500)
	c.memory.soon.Purge()
	c.talk.details.Purge()
	if f, err := c.Facts(gate.WithClass(t.Context(), gate.ForSweep), labChange(), ""); err != nil || len(f.Gaps) > 0 {
		t.Errorf("a note that cannot be read ahead: %v, gaps %+v", err, f.Gaps)
	}
}

// That a list of files is not whole is no proof that there is no policy.
func TestAPolicyThatALongListDoesNotShow(t *testing.T) {
	t.Parallel()
	const text = "version: 1\n"
	c, _ := newStub(t, Options{}, func(n int, w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/repository/files/") {
			answer(w, obj{"size": len(text), "content": text, "commit_id": tipSHA})
			return
		}
		w.Header().Set("Link", fmt.Sprintf(`<%s?page_token=%d>; rel="next"`, r.URL.Path, n))
		answer(w, []obj{{"path": fmt.Sprint("a", n), "type": "blob", "mode": "100644"}})
	})
	r := &reading{c: c, a: c.ways[0], repo: "acme/shop", early: true, roused: true, tip: tipSHA, f: &checks.Facts{}}
	if got, err := r.atTipOrAbsent(t.Context(), ".gitlab/sluice.yml"); err != nil || got.Text != text {
		t.Errorf("the policy is %+v, %v, want %q", got, err, text)
	}
}

package gate_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/store"
)

const (
	shop = "acme/shop"
	kept = "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-01\n\n### Added\n\n- The shop.\n\n" +
		"[unreleased]: https://github.example/acme/shop/compare/v1.0.0...HEAD\n[1.0.0]: https://github.example/acme/shop/releases/tag/v1.0.0\n"
	rules = "version: 1\napproval: {mode: off}\nconfig-separation: {mode: off}\n"
)

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// desk is a forge with a real client, store and reconciler before it; the work that comes of things is done on demand.
type desk struct {
	t      *testing.T
	forge  *pretend.Forge
	client desked
	store  *store.Store
	r      *gate.Reconciler
	rights map[string]string
	clock  sync.Mutex
	now    time.Time
	broken func(write int) (before, after bool) // what happens to the n-th write
	writes int
	mu     sync.Mutex

	entered []gate.Entry
}

// desked is the client with rights that the test sets.
type desked struct {
	*github.Client
	d *desk
}

func (c desked) Permission(_ context.Context, _ checks.Subject, who checks.Person) (string, error) {
	right, known := c.d.rights[who.Login]
	if !known {
		return "", errors.New("no answer")
	}
	return right, nil
}

func (c desked) Member(context.Context, checks.Subject, checks.Person, string) (bool, error) {
	return false, errors.New("not asked")
}

// at is the desk's time; the forge's server asks for it too.
func (d *desk) at() time.Time {
	d.clock.Lock()
	defer d.clock.Unlock()
	return d.now
}

func (d *desk) pass(by time.Duration) {
	d.clock.Lock()
	defer d.clock.Unlock()
	d.now = d.now.Add(by)
}

func newDesk(t *testing.T, files map[string]string) *desk {
	t.Helper()
	d := &desk{t: t, now: time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC), rights: map[string]string{"mia": "maintain", "ana": "write", "eve": "read"}}
	clock := d.at
	d.forge = pretend.New(pretend.Options{Key: signingKey(), Secret: "secret", Now: clock})
	d.forge.Install("acme")
	all := map[string]string{".sluice.yml": rules, "CHANGELOG.md": kept}
	for p, text := range files {
		all[p] = text
	}
	if all["CHANGELOG.md"] == "-" {
		delete(all, "CHANGELOG.md")
	}
	d.must(d.forge.Repo(shop, false, pretend.Texts(all)))
	for login, role := range d.rights {
		d.must(d.forge.Grant(shop, login, role))
	}
	d.must1(d.forge.Tag(pretend.Tag{Repo: shop, Name: "v1.0.0", Message: "1.0.0"}))
	server := httptest.NewServer(d.faulty(d.forge.Handler()))
	t.Cleanup(server.Close)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(signingKey())}))
	client, err := github.New(github.Settings{URL: server.URL, AppID: d.forge.AppID(), PrivateKey: text, WebhookSecret: "secret"}, github.Options{Now: clock, Jitter: func() float64 { return 0 }})
	d.must(err)
	d.client = desked{client, d}
	d.store, err = store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "sluice.db"), Now: clock})
	d.must(err)
	t.Cleanup(func() { d.must(d.store.Close()) })
	n := 0
	d.r = &gate.Reconciler{Providers: map[string]gate.Provider{"github": d.client}, Memory: d.store, Releases: d.store, Log: slog.New(slog.DiscardHandler),
		Now: clock, NewID: func() string { n++; return fmt.Sprintf("%032x", n) }, PublicURL: "https://sluice.example"}
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) must1(_ any, err error) { d.t.Helper(); d.must(err) }

// faulty breaks the connection before or after the write that broken names.
func (d *desk) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		d.mu.Lock()
		write := q.Method == http.MethodPost && !strings.Contains(q.URL.Path, "access_tokens") && !strings.HasSuffix(q.URL.Path, "/graphql")
		if strings.HasSuffix(q.URL.Path, "/graphql") {
			body := new(strings.Builder)
			raw := make([]byte, q.ContentLength)
			for read := 0; read < len(raw); {
				n, err := q.Body.Read(raw[read:])
				read += n
				if err != nil {
					break
				}
			}
			body.Write(raw)
			q.Body = &again{strings.NewReader(body.String())}
			write = strings.Contains(body.String(), "createCommitOnBranch")
		}
		before, after := false, false
		if write {
			d.writes++
			if d.broken != nil {
				before, after = d.broken(d.writes)
			}
		}
		d.mu.Unlock()
		if before {
			panic(http.ErrAbortHandler)
		}
		if after {
			next.ServeHTTP(httptest.NewRecorder(), q)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, q)
	})
}

type again struct{ *strings.Reader }

func (again) Close() error { return nil }

// open opens a change that adds a file, and, with an entry, tells of it.
func (d *desk) open(name, entry string) int {
	d.t.Helper()
	files := map[string]string{"src/" + name + ".go": "package shop\n"}
	if entry != "" {
		text, _ := d.forge.Text(shop, "main", "CHANGELOG.md")
		files["CHANGELOG.md"] = strings.Replace(text, "## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n- "+entry+"\n", 1)
	}
	n, err := d.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "Add " + name, Commits: []pretend.Commit{{Files: pretend.Texts(files)}}})
	d.must(err)
	return n
}

func subject(n int) checks.Subject {
	return checks.Subject{Forge: "github", Repo: shop, Kind: checks.KindChange, Change: n}
}

// read is the facts of a change.
func (d *desk) read(n int) *checks.Facts {
	d.t.Helper()
	f, err := d.client.Facts(d.t.Context(), subject(n), "")
	d.must(err)
	return f
}

// judge has a change looked at, as a webhook would.
func (d *desk) judge(n int) error {
	d.must(d.store.Mark(d.t.Context(), gate.Mark{Kind: gate.MarkChange, Forge: "github", Repo: shop, Change: n}))
	return d.work()
}

// work does what is due, once each; the first error is returned when all had their turn.
func (d *desk) work() (first error) {
	d.t.Helper()
	for range 50 {
		works, err := d.store.Claim(d.t.Context(), 10, time.Minute)
		d.must(err)
		if len(works) == 0 {
			return first
		}
		for _, w := range works {
			out, err := d.r.Work(d.t.Context(), w)
			if err == nil {
				d.finish(w, out)
				continue
			}
			if first == nil {
				first = err
			}
			d.must(d.store.Fail(d.t.Context(), w, err.Error(), time.Hour))
		}
	}
	d.t.Fatal("the work does not end")
	return nil
}

// merged opens a change with an entry, has it judged and merged. It returns its number and the merge commit.
func (d *desk) merged(name, entry string) (int, string) {
	d.t.Helper()
	n := d.open(name, entry)
	d.must(d.judge(n))
	id, err := d.forge.Merge(shop, n, "ana", false)
	d.must(err)
	d.must(d.judge(n))
	return n, id
}

func (d *desk) comment(n int, id int64, by string) *gate.Comment {
	u := d.forge.User(by)
	return &gate.Comment{ID: id, By: checks.Person{ID: u.ID, Login: u.Login, Kind: "user"}, At: d.at(), URL: fmt.Sprintf("https://github.example/%s/pull/%d#issuecomment-%d", shop, n, id)}
}

// say does a command and keeps what came of it, as the comment work does.
func (d *desk) say(n int, id int64, by, command string) gate.Result {
	d.t.Helper()
	d.must(d.store.Mark(d.t.Context(), gate.Mark{Kind: gate.MarkComment, Forge: "github", Repo: shop, Change: n, Comment: id}))
	works, err := d.store.Claim(d.t.Context(), 1, time.Minute)
	d.must(err)
	if len(works) != 1 {
		d.t.Fatalf("claimed %d, want the comment", len(works))
	}
	result, out := gate.Asked(d.t.Context(), d.r, d.client, d.read(n), d.comment(n, id, by), command)
	d.finish(works[0], out)
	return result
}

func (d *desk) finish(w gate.Work, out gate.Outcome) {
	d.t.Helper()
	d.must(d.store.Finish(d.t.Context(), w, out))
	d.entered = append(d.entered, out.Entries...)
}

func (d *desk) want(what string, got gate.Result, outcome, text string) {
	d.t.Helper()
	if got.Outcome != outcome || !strings.Contains(got.Text, text) {
		d.t.Errorf("%s = %s: %s; want %s and %q", what, got.Outcome, got.Text, outcome, text)
	}
}

// released makes sure that there is one tag of a name, at a commit, with one release, and returns that.
func (d *desk) released(tag, commit string) pretend.Release {
	d.t.Helper()
	at := ""
	for _, t := range d.forge.Tags(shop) {
		if t.Name == tag {
			at = t.Commit
			if !t.Annotated || !strings.Contains(t.Message, "issuecomment-") {
				d.t.Errorf("tag %+v: want an annotated one that says who asked", t)
			}
		}
	}
	list := d.forge.Releases(shop)
	if at != commit || len(list) != 1 || list[0].Tag != tag {
		d.t.Fatalf("%s is at %.8s with releases %+v; want it at %.8s and one release", tag, at, list, commit)
	}
	return list[0]
}

func TestReleaseOpensTheChangeThatMakesTheVersionFirst(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	n, _ := d.merged("basket", "A basket.")
	got := d.say(n, 7, "mia", "/sluice release minor")
	d.want("release minor", got, "waiting", "#2 turns what is unreleased into `1.1.0`")
	d.must(d.work())
	if body := d.forge.Body(shop, 2); !strings.Contains(body, "\n### Added\n\n- A basket.\n") || !strings.Contains(body, "#issuecomment-7") {
		t.Errorf("the change says %q", body)
	}
	if d.forge.Pulls(shop) != 2 || len(d.forge.Releases(shop)) != 0 {
		t.Fatalf("%d changes, releases %v; want the change alone", d.forge.Pulls(shop), d.forge.Releases(shop))
	}
	text, _ := d.forge.Text(shop, "sluice/release-1.1.0", "CHANGELOG.md")
	for _, part := range []string{"## [Unreleased]\n\n## [1.1.0] - 2026-11-29\n\n### Added\n\n- A basket.", "compare/v1.1.0...HEAD", "[1.1.0]: https://github.example/acme/shop/compare/v1.0.0...v1.1.0"} {
		if !strings.Contains(text, part) {
			t.Errorf("the changelog lacks %q:\n%s", part, text)
		}
	}
	for _, s := range d.forge.Shown(shop, 2) {
		if s.State != "success" && s.State != "skipped" {
			t.Errorf("on the release's change %s is %s: %s", s.Name, s.State, s.Title)
		}
	}
	d.want("release minor once more", d.say(n, 8, "mia", "/sluice release minor"), "waiting", "#2 turns")
	commit, err := d.forge.Merge(shop, 2, "ana", true)
	d.must(err)
	d.must(d.judge(2))
	d.must(d.judge(2))
	l := d.released("v1.1.0", commit)
	if !strings.Contains(l.Body, "- A basket.") || strings.Contains(l.Body, "The shop") || l.Latest != "true" || l.Prerelease {
		t.Errorf("release %+v", l)
	}
	for _, id := range []int64{7, 8} {
		now, ok := gate.Now(t.Context(), d.r, subject(n), id)
		if d.want("the answer by now", now, "done", "Released [v1.1.0](https://github.example/acme/shop/releases/tag/v1.1.0)"); !ok {
			t.Error("no answer is known")
		}
	}
	d.want("release minor, long done", d.say(n, 9, "mia", "/sluice release minor"), "done", "`v1.1.0` has this change already")
	if kinds := d.entries(); kinds != 1 {
		t.Errorf("%d entries tell of the release, want 1", kinds)
	}
}

// entries is how many lines of the audit log tell of a release.
func (d *desk) entries() int {
	d.t.Helper()
	n := 0
	for _, e := range d.entered {
		if e.Kind == gate.EntryRelease {
			n++
		}
	}
	return n
}

func TestReleaseOfACommitWhoseVersionIsMade(t *testing.T) {
	t.Parallel()
	made := strings.Replace(kept, "## [1.0.0]", "## [1.1.0] - 2026-11-28\n\n### Added\n\n- A basket, see [#1].\n\n## [1.0.0]", 1) + "[#1]: https://github.example/1\n"
	d := newDesk(t, map[string]string{"CHANGELOG.md": made})
	n, commit := d.merged("x", "More.")
	d.want("release 1.1.0", d.say(n, 7, "mia", "/sluice release 1.1.0"), "done", "Released [v1.1.0]")
	if l := d.released("v1.1.0", commit); l.Body != "### Added\n\n- A basket, see [#1].\n\n[#1]: https://github.example/1" {
		t.Errorf("notes %q", l.Body)
	}
	d.want("said again", d.say(n, 8, "mia", "/sluice release v1.1.0"), "done", "Released [v1.1.0]")
	d.want("the next of the same commit", d.say(n, 9, "mia", "/sluice release minor"), "done", "Released [v1.1.0]")
	d.want("another of the same commit", d.say(n, 10, "mia", "/sluice release 1.2.0"), "refused", "released as v1.1.0 already")
	d.released("v1.1.0", commit)
	if d.entries() != 1 {
		t.Errorf("%d entries tell of the release, want 1", d.entries())
	}
	d.must(d.store.Mark(t.Context(), gate.Mark{Kind: gate.MarkTag, Forge: "github", Repo: shop, Tag: "v1.1.0", By: "sluice[bot]"}))
	d.must(d.work())
	shown := d.forge.ShownOn(shop, commit)
	if len(shown) != 1 || shown[0].State != "success" {
		t.Errorf("the tag that Sluice made is judged %+v, want success: it is mia's", shown)
	}
}

func TestReleaseIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	open := d.open("open", "An open thing.")
	d.must(d.judge(open))
	d.want("on an open change", d.say(open, 1, "mia", "/sluice release minor"), "refused", "merge it first")
	d.must(d.forge.Close(shop, open, "ana"))
	d.must(d.judge(open))
	d.want("on a closed one", d.say(open, 2, "mia", "/sluice release minor"), "refused", "closed without being merged")

	unjudged := d.open("unjudged", "An unjudged thing.")
	d.must1(d.forge.Merge(shop, unjudged, "ana", false))
	d.must(d.judge(unjudged))
	d.want("of what the gate never saw", d.say(unjudged, 3, "mia", "/sluice release minor"), "refused", "the gate never decided")

	bare := d.open("bare", "")
	d.must(d.judge(bare))
	d.must1(d.forge.Merge(shop, bare, "ana", false))
	d.must(d.judge(bare))
	d.want("of what went past a shut gate", d.say(bare, 4, "mia", "/sluice release minor"), "refused", "the gate was shut")

	n, _ := d.merged("good", "A good thing.")
	d.want("by somebody who may not", d.say(n, 5, "ana", "/sluice release minor"), "refused", "it needs the right `maintain` on the repository, and yours is `write`")
	delete(d.rights, "mia")
	d.want("without an answer", d.say(n, 6, "mia", "/sluice release minor"), "refused", "no answer means no")
	d.rights["mia"] = "maintain"
	d.want("of a version that is no version", d.say(n, 7, "mia", "/sluice release 1.1"), "refused", "Next could come `1.0.1`, `1.1.0`, `2.0.0`")
	d.want("of a lower version", d.say(n, 8, "mia", "/sluice release 0.9.0"), "refused", "not higher than")
	d.want("of a version that is there", d.say(n, 9, "mia", "/sluice release 1.0.0"), "refused", "v1.0.0 is there already")
	if len(d.forge.Tags(shop)) != 1 || len(d.forge.Releases(shop)) != 0 || d.forge.Pulls(shop) != 4 {
		t.Errorf("something was made: %v %v, %d changes", d.forge.Tags(shop), d.forge.Releases(shop), d.forge.Pulls(shop))
	}
}

func TestReleaseStopsWhereItsChangeDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		befall func(d *desk)
		want   string
	}{
		"closed":             {func(d *desk) { d.must(d.forge.Close(shop, 2, "ana")) }, "was closed without being merged"},
		"the right is gone":  {func(d *desk) { d.must1(d.forge.Merge(shop, 2, "ana", false)); d.rights["mia"] = "write" }, "only maintainers release, and mia is none any more"},
		"the gate never saw": {func(d *desk) { d.pushed(2); d.must1(d.forge.Merge(shop, 2, "ana", false)) }, "the gate never decided"},
		"the tag is taken": {func(d *desk) {
			d.must1(d.forge.Merge(shop, 2, "ana", false))
			d.must1(d.forge.Tag(pretend.Tag{Repo: shop, Name: "v1.1.0", At: "v1.0.0", Message: "x"}))
		}, "was made meanwhile"},
		"the version is gone": {func(d *desk) { d.unmade(2); d.must(d.judge(2)); d.must1(d.forge.Merge(shop, 2, "ana", false)) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, nil)
			n, _ := d.merged("basket", "A basket.")
			d.want("release minor", d.say(n, 7, "mia", "/sluice release minor"), "waiting", "#2")
			d.must(d.work())
			c.befall(d)
			d.must(d.judge(2))
			now, _ := gate.Now(t.Context(), d.r, subject(n), 7)
			d.want("the answer by now", now, "refused", c.want)
			if len(d.forge.Releases(shop)) != 0 {
				t.Errorf("released %v", d.forge.Releases(shop))
			}
		})
	}
}

// pushed puts a commit on a change's branch that nobody judges.
func (d *desk) pushed(n int) {
	d.must1(d.forge.Push(pretend.Push{Repo: shop, Branch: d.read(n).Change.Head.Name, By: "ana", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"late.go": "x\n"})}}}))
}

// unmade takes the version out of the changelog on the change's branch again.
func (d *desk) unmade(n int) {
	before, _ := d.forge.Text(shop, "main", "CHANGELOG.md")
	d.must1(d.forge.Push(pretend.Push{Repo: shop, Branch: d.read(n).Change.Head.Name, By: "ana", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"CHANGELOG.md": before, "y.go": "y\n"})}}}))
}

// A connection that breaks before or after any single write, and a work that is done again: one of each all the same.
func TestReleaseAfterAFaultAtEachStep(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for step := 1; step <= 7; step++ {
			t.Run(fmt.Sprintf("write %d, after its effect %v", step, after), func(t *testing.T) {
				t.Parallel()
				d := newDesk(t, nil)
				n, _ := d.merged("basket", "A basket.")
				d.mu.Lock()
				d.writes, d.broken = 0, func(w int) (bool, bool) { return w == step && !after, w == step && after }
				d.mu.Unlock()
				d.say(n, 7, "mia", "/sluice release minor")
				d.settle()
				if d.forge.Pulls(shop) != 2 {
					t.Fatalf("%d changes, want 2", d.forge.Pulls(shop))
				}
				commit, err := d.forge.Merge(shop, 2, "ana", false)
				d.must(err)
				d.must(d.store.Mark(t.Context(), gate.Mark{Kind: gate.MarkChange, Forge: "github", Repo: shop, Change: 2}))
				d.settle()
				d.released("v1.1.0", commit)
				now, _ := gate.Now(t.Context(), d.r, subject(n), 7)
				d.want("the answer by now", now, "done", "Released")
				if d.entries() != 1 || d.forge.Pulls(shop) != 2 {
					t.Errorf("%d entries and %d changes, want 1 and 2", d.entries(), d.forge.Pulls(shop))
				}
			})
		}
	}
}

// settle works until nothing fails any more.
func (d *desk) settle() {
	d.t.Helper()
	for range 6 {
		if d.work() == nil {
			return
		}
		d.pass(2 * time.Hour)
	}
	d.t.Fatal("it never settles")
}

func TestChangelogCommitsTheEntry(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	n := d.open("basket", "")
	d.must(d.judge(n))
	if s := d.shown(n, "sluice/changelog"); s != "failure" {
		t.Fatalf("sluice/changelog is %s before", s)
	}
	d.want("by a reader", d.say(n, 1, "eve", "/sluice changelog Fixed: It holds."), "refused", "only people with write access may write to it")
	d.want("an odd category", d.say(n, 2, "ana", "/sluice changelog Fxed: It holds."), "refused", "the nearest is &#34;Fixed&#34;")
	d.rights["ana"] = "read"
	d.want("by the author who may not write any more", d.say(n, 3, "ana", "/sluice changelog fixed: It holds."), "refused", "it needs the right `write` on the repository, and yours is `read`")
	delete(d.rights, "ana")
	d.want("by the author whose right is not known", d.say(n, 3, "ana", "/sluice changelog fixed: It holds."), "refused", "no answer means no")
	d.rights["ana"] = "write"
	d.want("by the author", d.say(n, 3, "ana", "/sluice changelog fixed: It holds `two` <b>eggs</b>, fixes #9 @bo."), "done", "`CHANGELOG.md`, line 7, under `Fixed`")
	d.want("again", d.say(n, 4, "ana", "/sluice changelog fixed: It holds `two` <b>eggs</b>, fixes #9 @bo."), "done", "in `CHANGELOG.md` already")
	text, _ := d.forge.Text(shop, fmt.Sprintf("refs/pull/%d/head", n), "CHANGELOG.md")
	if want := strings.Replace(kept, "## [Unreleased]\n", "## [Unreleased]\n\n### Fixed\n\n- It holds `two` \\<b>eggs\\</b>, fixes #9 @bo.\n", 1); text != want {
		t.Errorf("CHANGELOG.md is\n%s\nwant\n%s", text, want)
	}
	message := d.forge.Message(shop, fmt.Sprintf("refs/pull/%d/head", n))
	if strings.Contains(message, "#9") || strings.Contains(message, "@bo") || !strings.Contains(message, fmt.Sprintf("Co-authored-by: ana <%d+ana@users.noreply.", d.forge.User("ana").ID)) {
		t.Errorf("message %q", message)
	}
	d.must(d.judge(n))
	if s := d.shown(n, "sluice/changelog"); s != "success" {
		t.Errorf("sluice/changelog is %s after", s)
	}
	if got := len(d.read(n).Commits); got != 2 {
		t.Errorf("%d commits, want 2", got)
	}
}

func (d *desk) shown(n int, name string) string {
	for _, s := range d.forge.Shown(shop, n) {
		if s.Name == name {
			return s.State
		}
	}
	return "not there"
}

func TestChangelogOfAFork(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	for i, editable := range []bool{false, true} {
		n, err := d.forge.Open(pretend.PR{Repo: shop, By: "zoe", Fork: "zoe/shop", Branch: fmt.Sprint("b", i), Editable: editable, Title: "Fork", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{fmt.Sprintf("f%d.go", i): "x\n"})}}})
		d.must(err)
		got := d.say(n, int64(n), "ana", "/sluice changelog Added: A thing from afar.")
		if !editable {
			d.want("of a fork that nobody may edit", got, "refused", "Allow edits by maintainers")
			continue
		}
		d.want("of a fork that may be edited", got, "done", "Wrote the entry")
		d.want("by a reader", d.say(n, 7, "eve", "/sluice changelog Added: Another."), "refused", "only the author of the change and people with write access may")
		d.want("by its author, who has no right here", d.say(n, 8, "zoe", "/sluice changelog Added: Another from afar."), "done", "Wrote the entry")
		if text, _ := d.forge.Text("zoe/shop", "b1", "CHANGELOG.md"); !strings.Contains(text, "- A thing from afar.") {
			t.Errorf("the fork's changelog is\n%s", text)
		}
	}
}

func TestChangelogSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	n := d.open("basket", "")
	f := d.read(n)
	d.must1(d.forge.Push(pretend.Push{Repo: shop, Branch: f.Change.Head.Name, By: "ana", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"late.go": "x\n"})}}}))
	got, _ := gate.Asked(t.Context(), d.r, d.client, f, d.comment(n, 1, "ana"), "/sluice changelog Fixed: It holds.")
	d.want("somebody was faster", got, "refused", "somebody pushed to the branch in between")
	d.must(d.forge.Protect(shop, f.Change.Head.Name, pretend.Required{Context: "ci"}))
	d.want("a protected branch", d.say(n, 2, "ana", "/sluice changelog Fixed: It holds."), "refused", "the branch is protected")
	d.must(d.forge.Protect(shop, f.Change.Head.Name))
	d.forge.Permit("acme", "contents", "read")
	d.want("a permission too few", d.say(n, 3, "ana", "/sluice changelog Fixed: It holds."), "refused", "contents&#58; write")
	d.forge.Permit("acme", "contents", "write")
	d.mu.Lock()
	d.broken = func(int) (bool, bool) { return false, true }
	d.mu.Unlock()
	d.want("no answer", d.say(n, 4, "ana", "/sluice changelog Fixed: It holds."), "refused", "nothing is written twice")
	d.mu.Lock()
	d.broken = nil
	d.mu.Unlock()
	d.want("again", d.say(n, 5, "ana", "/sluice changelog Fixed: It holds."), "done", "already")
	d.must1(d.forge.Merge(shop, n, "ana", false))
	d.want("a merged change", d.say(n, 6, "ana", "/sluice changelog Fixed: More."), "refused", "the change is merged")
}

func TestChangelogWritesToNoBranchThatIsSharedOrGuarded(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	push := func(branch, from string) {
		d.must1(d.forge.Push(pretend.Push{Repo: shop, Branch: branch, From: from, By: "mia", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{branch + ".go": "x\n"})}}}))
	}
	open := func(branch, base string) int {
		n, err := d.forge.Open(pretend.PR{Repo: shop, By: "ana", Branch: branch, Base: base, Title: "Carry " + branch + " over"})
		d.must(err)
		d.must(d.judge(n))
		return n
	}
	const entry = "/sluice changelog Fixed: It holds."
	push("dev", "main")
	push("main", "")
	n := open("dev", "main")
	d.want("the default branch", d.say(open("main", "dev"), 1, "ana", entry), "refused", "`main`, the default branch")
	d.want("a branch that the first change goes into", d.say(n, 2, "ana", entry), "refused", "into which other changes go (#2)")
	d.must(d.forge.Close(shop, 2, "ana"))
	d.must(d.judge(2))
	d.must(d.forge.Protect(shop, "dev", pretend.Required{Context: "ci"}))
	d.want("a protected branch", d.say(n, 3, "ana", entry), "refused", "a rule of the repository guards `dev`")
	d.must(d.forge.Protect(shop, "dev"))
	if text, _ := d.forge.Text(shop, "dev", "CHANGELOG.md"); text != kept {
		t.Errorf("CHANGELOG.md of dev is\n%s\nwant it as it was", text)
	}
	d.want("a branch like any other", d.say(n, 4, "ana", entry), "done", "Wrote the entry")
}

// Where the notes come from depends on how the project keeps its changelog.
func TestReleaseByHowTheChangelogIsKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files                  map[string]string
		entry, command         string // entry: the file that the change adds, and its text
		outcome, text, tag, in string
	}{
		"fragments": {map[string]string{"CHANGELOG.md": "-", "newsfragments/1.feature.md": "An older thing.\n"}, "newsfragments/2.bugfix.md It holds.\n", "/sluice release minor",
			"done", "the changelog's fragments", "v1.1.0", "### Bugfix\n\n- It holds.\n\n### Feature\n\n- An older thing."},
		"another form without the section": {map[string]string{"CHANGELOG.md": "-", "CHANGES.rst": "1.0.0 (2026-01-01)\n==================\n\n* The shop.\n"},
			"CHANGES.rst Unreleased\n==========\n\n* It holds.\n\n1.0.0 (2026-01-01)\n==================\n\n* The shop.\n", "/sluice release minor", "refused", "`CHANGES.rst` has no section for `1.1.0`", "", ""},
		"another form with the section": {map[string]string{"CHANGELOG.md": "-", "CHANGES.rst": "1.0.0 (2026-01-01)\n==================\n\n* The shop.\n"},
			"CHANGES.rst 1.1.0 (2026-11-29)\n==================\n\n* It holds.\n\n1.0.0 (2026-01-01)\n==================\n\n* The shop.\n", "/sluice release 1.1.0", "done", "notes from `CHANGES.rst`", "v1.1.0", "- It holds."},
		"a prerelease":                        {nil, "CHANGELOG.md " + strings.Replace(kept, "## [Unreleased]\n", "## [Unreleased]\n\n## [1.1.0-rc.1] - 2026-11-29\n\n- It holds.\n", 1), "/sluice release 1.1.0-rc.1", "done", "Released", "v1.1.0-rc.1", "- It holds."},
		"no changelog, and none is asked for": {map[string]string{"CHANGELOG.md": "-", ".sluice.yml": rules + "changelog: {mode: off}\n"}, "x.txt x\n", "/sluice release minor", "done", "Released", "v1.1.0", "Add a thing for &#64;&#8203;bo (#1)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, c.files)
			path, text, _ := strings.Cut(c.entry, " ")
			n, err := d.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "Add a thing for @bo", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{path: text, "src/a.go": "package a\n"})}}})
			d.must(err)
			d.must(d.judge(n))
			commit, err := d.forge.Merge(shop, n, "ana", false)
			d.must(err)
			d.must(d.judge(n))
			d.want(c.command, d.say(n, 7, "mia", c.command), c.outcome, c.text)
			if c.tag == "" {
				if len(d.forge.Tags(shop)) != 1 {
					t.Errorf("tags %v", d.forge.Tags(shop))
				}
				return
			}
			if l := d.released(c.tag, commit); l.Body != c.in || l.Prerelease != strings.Contains(c.tag, "-") {
				t.Errorf("release %+v, want the notes %q", l, c.in)
			}
		})
	}
}

func TestReleaseOfAComponent(t *testing.T) {
	t.Parallel()
	d := newDesk(t, map[string]string{"CHANGELOG.md": "-", "web/CHANGELOG.md": kept, "api/CHANGELOG.md": kept,
		".sluice.yml": rules + "tagging:\n  components:\n    - {name: web, paths: [\"web/**\"]}\n    - {name: api, paths: [\"api/**\"]}\n"})
	d.must1(d.forge.Tag(pretend.Tag{Repo: shop, Name: "api/v1.0.0", Message: "x"}))
	n, err := d.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "Add a thing", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"api/a.go": "package a\n",
		"api/CHANGELOG.md": strings.Replace(kept, "## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n- A thing.\n", 1)})}}})
	d.must(err)
	d.must(d.judge(n))
	d.must1(d.forge.Merge(shop, n, "ana", false))
	d.must(d.judge(n))
	d.want("release minor", d.say(n, 7, "mia", "/sluice release minor"), "waiting", "turns what is unreleased into `1.1.0`")
	d.must(d.work())
	commit, err := d.forge.Merge(shop, 2, "ana", false)
	d.must(err)
	d.must(d.judge(2))
	if l := d.released("api/v1.1.0", commit); l.Body != "### Added\n\n- A thing." || l.Latest != "legacy" {
		t.Errorf("release %+v", l)
	}
	if text, _ := d.forge.Text(shop, "main", "web/CHANGELOG.md"); text != kept {
		t.Errorf("the other component's changelog changed:\n%s", text)
	}
}

// No answer about a right is no leave and no refusal either, once the release is written down: it is asked again.
func TestReleaseWaitsForAnAnswer(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	n, _ := d.merged("basket", "A basket.")
	d.want("release minor", d.say(n, 7, "mia", "/sluice release minor"), "waiting", "#2")
	d.must(d.work())
	commit, err := d.forge.Merge(shop, 2, "ana", false)
	d.must(err)
	delete(d.rights, "mia")
	if err := d.judge(2); err == nil || len(d.forge.Releases(shop)) != 0 {
		t.Fatalf("without an answer: %v, released %v", err, d.forge.Releases(shop))
	}
	d.rights["mia"] = "admin"
	d.pass(2 * time.Hour)
	d.settle()
	d.released("v1.1.0", commit)
}

// onCommit writes a comment on a commit and has it delivered, so many times under other ids. It returns the comment's id.
func (d *desk) onCommit(commit, by, body string, copies int) int64 {
	d.t.Helper()
	id, err := d.forge.CommentOn(shop, commit, by, body)
	d.must(err)
	sum := sha256.Sum256([]byte(body))
	m := gate.Mark{Kind: gate.MarkComment, Forge: "github", Repo: shop, Commit: commit, Comment: id, Detail: hex.EncodeToString(sum[:]), Why: "commit_comment.created"}
	for i := range copies {
		d.must1(d.store.Add(d.t.Context(), gate.Delivery{Forge: "github", ID: fmt.Sprint(id, "-", i), Event: "commit_comment", At: d.at(), Body: []byte("{}"), Marks: []gate.Mark{m}}))
	}
	return id
}

// answers are ours on commits.
func (d *desk) answers() (list []string) {
	for _, s := range d.forge.SaidOn(shop) {
		if s.By == "sluice[bot]" {
			list = append(list, s.Body)
		}
	}
	return list
}

// asked makes sure that a tag says that a comment on a commit asked for it, and that there is one release.
func (d *desk) asked(tag, commit string, comment int64) {
	d.t.Helper()
	for _, t := range d.forge.Tags(shop) {
		if t.Name == tag && (t.Commit != commit || !t.Annotated || !strings.Contains(t.Message, fmt.Sprintf("#commitcomment-%d\n", comment))) {
			d.t.Errorf("tag %+v, want it at %.8s and to say who asked", t, commit)
		}
	}
	if list := d.forge.Releases(shop); len(list) != 1 || list[0].Tag != tag {
		d.t.Errorf("releases %+v, want %s alone", list, tag)
	}
}

func TestReleaseOnACommitAfterAFaultAtEachStep(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for step := 1; step <= 9; step++ {
			t.Run(fmt.Sprintf("write %d, after its effect %v", step, after), func(t *testing.T) {
				t.Parallel()
				d := newDesk(t, nil)
				n, made := d.merged("basket", "A basket.")
				d.mu.Lock()
				d.writes, d.broken = 0, func(w int) (bool, bool) { return w == step && !after, w == step && after }
				d.mu.Unlock()
				id := d.onCommit(made, "mia", "/sluice release minor", 2)
				d.settle()
				d.pass(time.Hour) // an answer is tried again by itself
				d.settle()
				if list := d.answers(); len(list) != 1 || !strings.Contains(list[0], "waiting. #2 turns what is unreleased into `1.1.0`") || d.forge.Pulls(shop) != 2 {
					t.Fatalf("%d changes, answers %q, want 2 and one answer", d.forge.Pulls(shop), list)
				}
				commit, err := d.forge.Merge(shop, 2, "ana", false)
				d.must(err)
				d.must(d.store.Mark(t.Context(), gate.Mark{Kind: gate.MarkChange, Forge: "github", Repo: shop, Change: 2}))
				d.settle()
				d.pass(time.Hour)
				d.settle()
				d.asked("v1.1.0", commit, id)
				if list := d.answers(); len(list) != 1 || !strings.Contains(list[0], "done. Released [v1.1.0]") {
					t.Errorf("answers %q, want one that says it is done", list)
				}
				commands := 0
				for _, e := range d.entered {
					switch url := fmt.Sprintf("#commitcomment-%d", id); {
					case e.Kind == gate.EntryCommand && (e.Change != n || e.Commit != made || !strings.HasSuffix(e.URL, url)),
						e.Kind == gate.EntryRelease && (e.Change != n || e.Commit != commit || !strings.HasSuffix(e.URL, url)):
						t.Errorf("entry %+v", e)
					case e.Kind == gate.EntryCommand:
						commands++
					}
				}
				if d.entries() != 1 || commands != 1 || d.forge.Pulls(shop) != 2 {
					t.Errorf("%d entries of the release, %d of the command and %d changes, want 1, 1 and 2", d.entries(), commands, d.forge.Pulls(shop))
				}
			})
		}
	}
}

func TestReleaseOnACommitOfABranchThatThePolicyNames(t *testing.T) {
	t.Parallel()
	for branches, want := range map[string]string{"[main, 1.x]": "waiting. #2 turns", "[main]": "refused. Nothing was released: the change went into `1.x`"} {
		d := newDesk(t, map[string]string{".sluice.yml": rules + "tagging: {branches: " + branches + "}\n"})
		d.must1(d.forge.Push(pretend.Push{Repo: shop, Branch: "1.x", By: "ana", From: "main"}))
		n, err := d.forge.Open(pretend.PR{Repo: shop, By: "ana", Base: "1.x", Title: "Add a basket", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{
			"CHANGELOG.md": strings.Replace(kept, "## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n- A basket.\n", 1)})}}})
		d.must(err)
		d.must(d.judge(n))
		made, err := d.forge.Merge(shop, n, "ana", true)
		d.must(err)
		d.onCommit(made, "mia", "/sluice release minor", 1)
		d.must(d.work())
		if list := d.answers(); len(list) != 1 || !strings.Contains(list[0], want) {
			t.Errorf("%s: answers %q, want %q", branches, list, want)
		}
	}
}

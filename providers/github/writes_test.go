package github

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
)

// writable is what a client writes to: at the simulator and at the pretend forge alike.
type writable struct {
	client *Client
	permit func(contents string) // sets the permission
	first  string                // a commit of main
}

func TestSimWrites(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	permit := func(contents string) {
		s.do("PATCH", "/installations/99", obj{"permissions": obj{"checks": "write", "contents": contents, "members": "read", "metadata": "read", "pull_requests": "write", "statuses": "read"}})
		s.do("POST", "/tokens/expire", obj{"installation_id": 99})
	}
	permit("write")
	c := s.client(Options{})
	at, err := c.Branch(t.Context(), change(1), "main")
	if err != nil || at == nil {
		t.Fatalf("Branch(main) = %v, %v", at, err)
	}
	writes(t, writable{c, permit, at.Commit})
}

func TestPretendWrites(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forge := pretend.New(pretend.Options{Key: key, Secret: "secret"})
	forge.Install("acme")
	if err := forge.Repo("acme/shop", false, pretend.Texts(map[string]string{"README.md": "# shop\n", "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n", "src/main.go": "package main\n\nfunc main() {}\n"})); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(forge.Handler())
	t.Cleanup(server.Close)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	c, err := New(Settings{URL: server.URL, AppID: forge.AppID(), PrivateKey: text, WebhookSecret: "secret"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	permit := func(contents string) { forge.Permit("acme", "contents", contents); forge.ExpireTokens() }
	writes(t, writable{c, permit, forge.Head("acme/shop", "main")})
}

// writes goes through all that is written, and through what is refused.
func writes(t *testing.T, w writable) {
	t.Helper()
	c, s, ctx := w.client, change(1), t.Context()
	s.Installation = 0
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := func(err error, why string) {
		t.Helper()
		var r *gate.RefusalError
		if !errors.As(err, &r) || !strings.Contains(r.Why, why) {
			t.Errorf("got %v, want a refusal that says %q", err, why)
		}
	}
	if b, err := c.Branch(ctx, s, "sluice/release-1.1.0"); err != nil || b != nil {
		t.Fatalf("a branch that is not there: %v, %v", b, err)
	}
	edit := gate.Edit{Repo: "acme/shop", Branch: "sluice/release-1.1.0", Expect: w.first, New: true, Title: "Release 1.1.0", Body: "Asked for",
		For: checks.Person{ID: 12, Login: "bob"}, Files: map[string]string{"CHANGELOG.md": "\ufeff# Changelog\r\n\r\n- Ä thing\r\n"}}
	made, err := c.Commit(ctx, s, edit)
	must(err)
	b, err := c.Branch(ctx, s, edit.Branch)
	if must(err); b == nil || b.Commit != made || !strings.Contains(b.Message, "Release 1.1.0\n\nAsked for\n\nCo-authored-by: bob <12+bob@users.noreply.") {
		t.Errorf("branch %+v, want it at %s", b, made)
	}
	_, err = c.Commit(ctx, s, edit)
	refused(err, "somebody pushed to the branch in between")
	texts, err := c.Texts(ctx, s, "acme/shop", made, []string{"CHANGELOG.md", "none.md", "src"})
	if must(err); len(texts) != 1 || texts["CHANGELOG.md"] != edit.Files["CHANGELOG.md"] {
		t.Errorf("texts %q, want the file to the byte", texts)
	}
	tree, err := c.Tree(ctx, s, "acme/shop", made)
	if must(err); !slices.Contains(tree, "src/main.go") || slices.Contains(tree, "src") {
		t.Errorf("tree %q", tree)
	}
	for _, x := range []struct{ base, head, want string }{{"main", w.first, "identical"}, {edit.Branch, w.first, "behind"}, {w.first, made, "ahead"}, {"main", strings.Repeat("a", 40), ""}} {
		if got, err := c.Relation(ctx, s, x.base, x.head); err != nil || got != x.want {
			t.Errorf("Relation(%s, %.8s) = %q, %v, want %q", x.base, x.head, got, err, x.want)
		}
	}

	if p, err := c.Proposed(ctx, s, edit.Branch, "main"); err != nil || p != nil {
		t.Fatalf("a change that is not there: %+v, %v", p, err)
	}
	p, err := c.Propose(ctx, s, gate.Proposal{Branch: edit.Branch, Base: "main", Title: "Release 1.1.0", Body: "Notes"})
	if must(err); p.Number == 0 || p.State != "open" || p.URL == "" {
		t.Errorf("proposed %+v", p)
	}
	for _, look := range []func() (*gate.Proposed, error){
		func() (*gate.Proposed, error) { return c.Proposed(ctx, s, edit.Branch, "main") },
		func() (*gate.Proposed, error) {
			return c.Propose(ctx, s, gate.Proposal{Branch: edit.Branch, Base: "main", Title: "Again"})
		},
	} {
		if again, err := look(); err != nil || again == nil || again.Number != p.Number {
			t.Errorf("looked again: %+v, %v, want #%d", again, err, p.Number)
		}
	}
	_, err = c.Propose(ctx, s, gate.Proposal{Branch: "nowhere", Base: "main", Title: "x"})
	refused(err, "GitHub did not take it")

	if tag, err := c.TagAt(ctx, s, "pkg/v1.1.0"); err != nil || tag != nil {
		t.Fatalf("a tag that is not there: %+v, %v", tag, err)
	}
	must(c.CreateTag(ctx, s, "pkg/v1.1.0", made, "Release\n\nAsked for in https://x.example#1\n"))
	tag, err := c.TagAt(ctx, s, "pkg/v1.1.0")
	if must(err); tag == nil || tag.Commit != made || !tag.Annotated || !strings.Contains(tag.Message, "https://x.example#1") {
		t.Errorf("tag %+v, want an annotated one at %s", tag, made)
	}
	refused(c.CreateTag(ctx, s, "pkg/v1.1.0", w.first, "x"), "already exists")

	if url, err := c.Published(ctx, s, "pkg/v1.1.0"); err != nil || url != "" {
		t.Fatalf("a release that is not there: %q, %v", url, err)
	}
	notice := gate.Notice{Tag: "pkg/v1.1.0", Title: "pkg/v1.1.0", Notes: "- Ä thing", Prerelease: true, Latest: "false"}
	url, err := c.Publish(ctx, s, notice)
	if must(err); url == "" {
		t.Error("the release has no address")
	}
	for _, look := range []func() (string, error){
		func() (string, error) { return c.Published(ctx, s, "pkg/v1.1.0") }, func() (string, error) { return c.Publish(ctx, s, notice) }} {
		if again, err := look(); err != nil || again != url {
			t.Errorf("looked again: %q, %v, want %q", again, err, url)
		}
	}

	w.permit("read")
	_, err = c.Commit(ctx, s, gate.Edit{Repo: "acme/shop", Branch: edit.Branch, Expect: made, Title: "x", Files: map[string]string{"a": "a"}})
	refused(err, "contents: write")
	refused(c.CreateTag(ctx, s, "v9.0.0", made, "x"), "permissions")
	_, err = c.Publish(ctx, s, gate.Notice{Tag: "v9.0.0"})
	refused(err, "permissions")
}

// What a merged change was is told after the merge too: a release asks for it.
func TestSimMergedChange(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	for name, method := range map[string]string{"a": "merge", "b": "squash"} {
		n, head := s.pull(obj{"user": "bob", "title": "Add " + name, "files": obj{name + ".txt": name + "\n"}})
		before := mustFacts(t, c, change(n), head)
		s.shop("/pulls/"+strconv.Itoa(n)+"/merge", obj{"user": "alice", "method": method})
		for what, reader := range map[string]*Client{"the client that saw it open": c, "another client": s.client(Options{})} {
			f := mustFacts(t, reader, change(n), "")
			at, err := reader.Branch(t.Context(), change(n), "main")
			if err != nil {
				t.Fatal(err)
			}
			if f.Change.State != "merged" || f.Change.MergeCommit != at.Commit || f.Change.Head.Commit != head {
				t.Errorf("%s, %s: %+v, want it merged as %s", what, method, f.Change, at.Commit)
			}
			files, err := reader.Touched(t.Context(), change(n))
			if err != nil || len(files) != 1 || files[0].Path != before.Files[0].Path || files[0].Status != "added" {
				t.Errorf("%s, %s: touched %+v, %v, want those of before: %+v", what, method, files, err, before.Files)
			}
		}
	}
}

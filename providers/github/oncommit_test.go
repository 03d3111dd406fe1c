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

func onCommit(commit string) checks.Subject {
	return checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindCommit, Commit: commit}
}

// pretended is a client before the pretend forge.
func pretended(t *testing.T) (*pretend.Forge, *Client) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forge := pretend.New(pretend.Options{Key: key, Secret: "secret"})
	forge.Install("acme")
	if err := forge.Repo("acme/shop", false, pretend.Texts(map[string]string{"README.md": "# shop\n"})); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(forge.Handler())
	t.Cleanup(server.Close)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	c, err := New(Settings{URL: server.URL, AppID: forge.AppID(), PrivateKey: text, WebhookSecret: "secret"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return forge, c
}

func TestCommentsOnACommit(t *testing.T) {
	t.Parallel()
	forge, c := pretended(t)
	ctx, must := t.Context(), func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	head := forge.Head("acme/shop", "main")
	n, err := forge.Open(pretend.PR{Repo: "acme/shop", By: "ana", Branch: "c", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"c": "c\n"})}}})
	must(err)
	below, err := forge.Comment("acme/shop", n, "ana", "/sluice help")
	must(err)
	pull := change(n)
	pull.Installation = 0
	id, err := forge.CommentOn("acme/shop", "main", "ana", "/sluice release minor")
	must(err)
	said, err := c.Comment(ctx, onCommit(head), id)
	if must(err); said.Body != "/sluice release minor" || said.By.Login != "ana" || said.By.Kind != "user" || said.Edited || said.App || !strings.HasSuffix(said.URL, "/commit/"+head+"#commitcomment-"+strconv.FormatInt(id, 10)) {
		t.Errorf("comment %+v", said)
	}
	for name, look := range map[string]func() error{
		"on another commit":                 func() error { _, err := c.Comment(ctx, onCommit(forge.Head("acme/shop", "c")), id); return err },
		"one below a change, on a commit":   func() error { _, err := c.Comment(ctx, onCommit(head), below); return err },
		"one on a commit, below the change": func() error { _, err := c.Comment(ctx, pull, id); return err },
	} {
		if err := look(); !errors.Is(err, gate.ErrGone) {
			t.Errorf("%s: %v, want that it is gone", name, err)
		}
	}
	must(forge.EditCommentOn("acme/shop", "main", "ana", "ana", "/sluice release major"))
	if said, err = c.Comment(ctx, onCommit(head), id); err != nil || !said.Edited {
		t.Errorf("an edited one: %+v, %v", said, err)
	}
	must(c.React(ctx, onCommit(head), id))
	must(c.React(ctx, onCommit(head), id))

	_, err = forge.CommentOn("acme/shop", "main", "ana", "Mine.\n\n"+replyMark("7")) // somebody else's with our mark
	must(err)
	first, err := c.Reply(ctx, onCommit(head), "7", -1, "Wait.")
	must(err)
	found, err := c.Reply(ctx, onCommit(head), "7", -1, "Found.")
	must(err)
	edited, err := c.Reply(ctx, onCommit(head), "7", first, "Done.")
	if must(err); found != first || edited != first {
		t.Errorf("replies %d, %d, %d, want one", first, found, edited)
	}
	if other, err := c.Reply(ctx, onCommit(head), "8", 0, "Other."); err != nil || other == first {
		t.Errorf("the reply to another: %d, %v", other, err)
	}
	var got []string
	for _, s := range forge.SaidOn("acme/shop") {
		text, _, _ := strings.Cut(s.Body, "\n")
		got = append(got, s.By+": "+text+" "+strings.Join(s.Reactions, " "))
	}
	if want := []string{"ana: /sluice release major eyes", "ana: Mine. ", "sluice[bot]: Done. ", "sluice[bot]: Other. "}; !slices.Equal(got, want) {
		t.Errorf("comments %q, want %q", got, want)
	}
}

func TestWhatBroughtACommit(t *testing.T) {
	t.Parallel()
	forge, c := pretended(t)
	first := forge.Head("acme/shop", "main")
	var made, heads []string
	for _, name := range []string{"a", "b"} {
		n, err := forge.Open(pretend.PR{Repo: "acme/shop", By: "ana", Branch: name, Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{name: "x\n"})}}})
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, forge.Head("acme/shop", name))
		id, err := forge.Merge("acme/shop", n, "ana", name == "b")
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, id)
	}
	if _, err := forge.Open(pretend.PR{Repo: "acme/shop", By: "ana", Branch: "open", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"open": "x\n"})}}}); err != nil {
		t.Fatal(err)
	}
	brought(t, c, map[string][]gate.Brought{first: nil, made[0]: {{Change: 1, Commit: made[0]}}, made[1]: {{Change: 2, Commit: made[1]}},
		heads[0]: {{Change: 1, Commit: made[0]}}, forge.Head("acme/shop", "open"): nil})
}

// brought asks what brought each commit, and after one that is not there.
func brought(t *testing.T, c *Client, want map[string][]gate.Brought) {
	t.Helper()
	for commit, want := range want {
		got, branch, err := c.Brought(t.Context(), onCommit(commit))
		if err != nil || branch != "main" || !slices.Equal(got, want) {
			t.Errorf("Brought(%.8s) = %v, %q, %v, want %v, main", commit, got, branch, err, want)
		}
	}
	if got, _, err := c.Brought(t.Context(), onCommit(strings.Repeat("a", 40))); !errors.Is(err, gate.ErrGone) {
		t.Errorf("of a commit that is not there: %v, %v", got, err)
	}
}

// The simulator offers to write about a commit, and tells what brought it.
func TestSimOnACommit(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	s.do("PATCH", "/installations/99", obj{"permissions": obj{"checks": "write", "contents": "write", "members": "read", "metadata": "read", "pull_requests": "write", "statuses": "read"}})
	s.do("POST", "/tokens/expire", obj{"installation_id": 99})
	c := s.client(Options{})
	at, err := c.Branch(t.Context(), change(1), "main")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]gate.Brought{at.Commit: nil}
	for name, method := range map[string]string{"a": "merge", "b": "squash"} {
		n, head := s.pull(obj{"user": "bob", "title": "Add " + name, "files": obj{name + ".txt": name + "\n"}})
		s.shop("/pulls/"+strconv.Itoa(n)+"/merge", obj{"user": "alice", "method": method})
		if at, err = c.Branch(t.Context(), change(n), "main"); err != nil {
			t.Fatal(err)
		}
		want[at.Commit] = []gate.Brought{{Change: n, Commit: at.Commit}}
		want[head] = want[at.Commit]
	}
	brought(t, c, want)
	id, err := c.Reply(t.Context(), onCommit(at.Commit), "7", 0, "Done.")
	if err != nil || id == 0 {
		t.Fatalf("Reply = %d, %v", id, err)
	}
}

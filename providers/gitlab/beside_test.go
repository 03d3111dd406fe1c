package gitlab

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// common is what two clients share, as two processes share a database.
type common struct {
	mu     sync.Mutex
	heard  map[string]int
	posted []gate.Posted
	err    error
}

func (c *common) Heard(_ context.Context, kind gate.MarkKind, forge, repo string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.heard[string(kind)+" "+forge+":"+repo]), c.err
}

func (c *common) Posted(context.Context, checks.Subject, string) ([]gate.Posted, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.posted, c.err
}

func (c *common) told(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard[what]++
}

// An event that came to one process counts for what the other remembers, from the moment on that it was kept.
func TestWhatAnotherProcessWasToldCounts(t *testing.T) {
	t.Parallel()
	l, both := newLab(), &common{heard: map[string]int{}}
	floor := func(text string) obj {
		sum := sha256.Sum256([]byte(text))
		return obj{"size": len(text), "encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(text)), "content_sha256": hex.EncodeToString(sum[:]), "commit_id": olderSHA}
	}
	const old, newer = "version: 1\nrequired: {changelog: {mode: advise}}\n", "version: 1\nrequired: {changelog: {mode: enforce}}\n"
	l.set("projects/acme/sluice-policy/repository/files/sluice.yml", floor(old))
	first, second := l.client(t, Options{Beside: both}), l.client(t, Options{Beside: both})
	text := func(c *Client) string {
		f := mustFacts(t, c, labChange(), "")
		if len(f.Sources) != 2 {
			t.Fatalf("sources %+v, want the repository's and the group's", f.Sources)
		}
		return f.Sources[1].Text
	}
	for _, c := range []*Client{first, second} {
		if got := text(c); got != old {
			t.Fatalf("the group's policy is %q, want %q", got, old)
		}
	}
	l.set("projects/acme/sluice-policy/repository/files/sluice.yml", floor(newer))
	if got := text(second); got != old {
		t.Fatalf("nobody was told of a push, and the policy was read again: %q", got)
	}
	first.Hint(gate.Repo{Forge: "gitlab", Name: "acme/sluice-policy"}, olderSHA, []string{"sluice.yml"})
	both.told("base gitlab:acme/sluice-policy") // it came to the first
	for name, c := range map[string]*Client{"the first": first, "the second": second} {
		if got := text(c); got != newer {
			t.Errorf("%s judges by %q, want the policy of the push", name, got)
		}
	}
	l.set("projects/acme/sluice-policy/repository/files/sluice.yml", floor(old))
	both.err = errors.New("the database does not answer")
	if got := text(second); got != old {
		t.Errorf("who cannot ask believes %q that is remembered", got)
	}
}

// What another process has shown is not taken for what this one showed last.
func TestWhatAnotherProcessShowedIsReadAgain(t *testing.T) {
	t.Parallel()
	l, both := newLab(), &common{heard: map[string]int{}}
	status := func(word string) []obj {
		return []obj{{"id": 1, "name": "sluice/gate", "status": word, "pipeline_id": 4, "author": obj{"id": 1}}}
	}
	l.change("merge_requests/7", obj{"head_pipeline": obj{"id": 4, "sha": headSHA, "status": "running", "project_id": 9}})
	l.set("repository/commits/"+headSHA+"/statuses", status("failed"))
	both.posted = []gate.Posted{{Name: "sluice/gate", ID: 1, State: "failure"}}
	c := l.client(t, Options{Beside: both})
	state := func() string {
		f := mustFacts(t, c, labChange(), "")
		if len(f.Statuses) != 1 {
			t.Fatalf("statuses %+v, want one", f.Statuses)
		}
		return f.Statuses[0].State
	}
	if got := state(); got != "failure" {
		t.Fatalf("shown is %q, want failure", got)
	}
	l.set("repository/commits/"+headSHA+"/statuses", status("success"))
	if got := state(); got != "failure" {
		t.Fatalf("nobody wrote anything down, and what is shown was read again: %q", got)
	}
	both.posted[0].State = "success"
	if got := state(); got != "success" {
		t.Errorf("shown is %q, want what the other process wrote down", got)
	}
}

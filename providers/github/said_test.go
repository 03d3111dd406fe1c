package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/pretend"
)

// TestWhatPeopleSaidIsReadWhereARuleAsks wants comments, the texts of reviews and signatures where a policy reads them,
// all pages of them, and no request for them where none does.
func TestWhatPeopleSaidIsReadWhereARuleAsks(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	pem := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	read := func(policyText string, comments int) (*checks.Facts, checks.Verdict, int) {
		forge := pretend.New(pretend.Options{Key: key, Secret: "secret"})
		forge.Org("acme", "ana", "bo")
		must(forge.Repo("acme/shop", true, pretend.Texts(map[string]string{".sluice.yml": policyText, "a": "a\n"})))
		must(forge.Grant("acme/shop", "ana", "write"))
		must(forge.Grant("acme/shop", "bo", "write"))
		forge.Install("acme")
		server := httptest.NewServer(forge.Handler())
		t.Cleanup(server.Close)
		client, err := github.New(github.Settings{URL: server.URL, AppID: forge.AppID(), PrivateKey: pem, WebhookSecret: "secret"}, github.Options{})
		must(err)
		n, err := forge.Open(pretend.PR{Repo: "acme/shop", By: "ana", Branch: "c", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"c": "c\n"})}}})
		must(err)
		_, err = forge.Review("acme/shop", n, "bo", "commented", "")
		must(err)
		for i := range comments {
			_, err := forge.Comment("acme/shop", n, "bo", fmt.Sprint("comment ", i))
			must(err)
		}
		_, err = forge.Comment("acme/shop", n, "bo", "LGTM, and thanks")
		must(err)
		f, err := client.Facts(t.Context(), checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: n}, "")
		must(err)
		set, err := policy.Load(f.Sources...)
		must(err)
		for _, v := range checks.Judge(set, f) {
			if v.Check == "approval" {
				return f, v, forge.Counts()["graphql"]
			}
		}
		t.Fatal("no verdict")
		return nil, checks.Verdict{}, 0
	}
	if f, v, _ := read("approval: {stale: never, rules: [{comments: [LGTM]}]}", 130); v.Outcome != checks.Pass || len(f.Comments) != 132 || f.Signed {
		t.Errorf("a rule that takes comments: %s, %d comments, signatures read %v; want pass, 132, false", v.Reason, len(f.Comments), f.Signed)
	}
	if _, v, _ := read("approval: {objections: {comments: [LGTM]}, rules: []}", 0); v.Outcome != checks.Fail {
		t.Errorf("a comment that objects: %s, want a failure", v.Reason)
	}
	signed := `approval: {rules: [{automatic: true, needs: {expression: "commits.all(c, c.signed)"}}]}`
	if f, v, _ := read(signed, 0); v.Outcome != checks.Wait || !f.Signed || f.Heard {
		t.Errorf("a rule that wants signatures: %s, signatures read %v, comments read %v; want wait, true, false", v.Reason, f.Signed, f.Heard)
	}
	if f, _, _ := read("approval: {stale: never}", 5); f.Heard || f.Signed || len(f.Comments) != 0 {
		t.Errorf("comments %v and signatures %v were read though no rule asks", f.Heard, f.Signed)
	}
}

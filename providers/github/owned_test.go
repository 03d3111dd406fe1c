package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/pretend"
)

func TestAnAccountThatBecomesAnOrganisationIsHeldToItsPolicyFromTheFirstReading(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forge := pretend.New(pretend.Options{Key: key, Secret: "secret"})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(forge.Repo("ana/shop", false, pretend.Texts(map[string]string{"a": "a\n"})))
	forge.Install("ana")
	server := httptest.NewServer(forge.Handler())
	t.Cleanup(server.Close)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	client, err := github.New(github.Settings{URL: server.URL, AppID: forge.AppID(), PrivateKey: text, WebhookSecret: "secret"}, github.Options{})
	must(err)
	n, err := forge.Open(pretend.PR{Repo: "ana/shop", By: "ana", Branch: "c", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"c": "c\n"})}}})
	must(err)
	s := checks.Subject{Forge: "github", Repo: "ana/shop", Kind: checks.KindChange, Change: n}
	if f, err := client.Facts(t.Context(), s, ""); err != nil || len(f.Sources) != 0 {
		t.Fatalf("Facts of a person's repository = %v, %v", f, err)
	}
	forge.Org("ana", "olga:admin")
	must(forge.Repo("ana/.github", false, pretend.Texts(map[string]string{"sluice.yml": "version: 1\n"})))
	if f, err := client.Facts(t.Context(), s, ""); err == nil && len(f.Sources) == 0 || err != nil && !errors.Is(err, gate.ErrStale) {
		t.Errorf("first reading since = %+v, %v; want the policy, or that it has to be read again", f, err)
	}
	if f, err := client.Facts(t.Context(), s, ""); err != nil || len(f.Sources) != 1 {
		t.Errorf("second reading since = %+v, %v; want the organisation's policy", f, err)
	}
}

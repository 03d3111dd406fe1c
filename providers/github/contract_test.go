package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"testing"

	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/providers/providertest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	providertest.Contract(t, func(t *testing.T) providertest.Harness {
		forge := pretend.New(pretend.Options{Key: key, Secret: "secret"})
		forge.Install("acme")
		server := httptest.NewServer(forge.Handler())
		t.Cleanup(server.Close)
		client, err := github.New(github.Settings{URL: server.URL, AppID: forge.AppID(), PrivateKey: text, WebhookSecret: "secret"}, github.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return providertest.Harness{Name: "github", Provider: client, Forge: forge}
	})
}

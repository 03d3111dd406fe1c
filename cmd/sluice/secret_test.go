package main

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/providers/pretend"
)

func TestTheSecretKeyIsMadeOnceAndForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	s := settings{Database: "sqlite:" + filepath.Join(t.TempDir(), "sluice.db")}
	first, err := secretKey(s)
	if err != nil || len(first) != 32 {
		t.Fatalf("made %d bytes, %v", len(first), err)
	}
	info, err := os.Stat(strings.TrimPrefix(s.Database, "sqlite:") + ".key")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	if again, err := secretKey(s); err != nil || string(again) != string(first) {
		t.Errorf("the second time another: %v", err)
	}
	given := filepath.Join(t.TempDir(), "key")
	for text, says := range map[string]string{"short": "holds no key of 32 bytes", base64.StdEncoding.EncodeToString(first) + "\n": "", strings.Repeat("0f", 32): ""} {
		if err := os.WriteFile(given, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := secretKey(settings{SecretKey: given})
		if says == "" && (err != nil || len(key) != 32) || says != "" && (err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), text+" ")) {
			t.Errorf("%q: %d bytes, %v", text, len(key), err)
		}
	}
	for name, s := range map[string]settings{"SLUICE_SECRET_KEY_FILE: missing": {Database: "postgres://x"}, "SLUICE_SECRET_KEY_FILE: there is no file": {SecretKey: given + "2"}} {
		if _, err := secretKey(s); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "openssl") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSettingsOfSigningInAreWhole(t *testing.T) {
	t.Parallel()
	hub := []string{"SLUICE_GITHUB_APP_ID=1", "SLUICE_GITHUB_PRIVATE_KEY=" + testKey(t), "SLUICE_GITHUB_WEBHOOK_SECRET=x", "SLUICE_GITHUB_CLIENT_ID=a", "SLUICE_GITHUB_CLIENT_SECRET=hush"}
	lab := []string{"SLUICE_GITLAB_URL=https://gitlab.example", "SLUICE_GITLAB_TOKEN=glpat-x", "SLUICE_GITLAB_WEBHOOK_SECRET=x", "SLUICE_GITLAB_CLIENT_ID=a", "SLUICE_GITLAB_CLIENT_SECRET=hush"}
	both := append(append([]string{}, hub...), lab...)
	for name, c := range map[string]struct {
		environ []string
		says    string // "": they are taken
	}{
		"GitHub":                      {append(hub, "SLUICE_ADMINS=acme/ops, @olga"), ""},
		"GitLab":                      {append(lab, "SLUICE_ADMINS=acme,acme/platform/ops"), ""},
		"both":                        {append(both, "SLUICE_ADMINS=github:acme/ops gitlab:acme github:@olga"), ""},
		"half of GitHub's":            {hub[:4], "SLUICE_GITHUB_CLIENT_ID, SLUICE_GITHUB_CLIENT_SECRET: one is set without the other"},
		"half of GitLab's":            {lab[:4], "SLUICE_GITLAB_CLIENT_ID, SLUICE_GITLAB_CLIENT_SECRET: one is set without the other"},
		"GitLab's alone":              {lab[3:], "SLUICE_GITLAB_URL: missing"},
		"in the clear":                {append(hub, "SLUICE_PUBLIC_URL=http://sluice.example"), "SLUICE_PUBLIC_URL: people sign in, so it must be https://"},
		"administrators of nobody":    {append(hub[:3:3], "SLUICE_ADMINS=acme/ops"), "SLUICE_ADMINS: nobody can sign in"},
		"before anything is set up":   {[]string{"SLUICE_ADMINS=acme/ops"}, ""},
		"of which forge":              {append(both, "SLUICE_ADMINS=acme/ops"), "say which is meant: github:acme/ops or gitlab:acme/ops"},
		"an organisation":             {append(hub, "SLUICE_ADMINS=acme"), "is no team"},
		"a login of two parts":        {append(hub, "SLUICE_ADMINS=@acme/ops"), "is none of org/team, group and @login"},
		"of a forge that is not here": {append(hub, "SLUICE_ADMINS=gitlab:acme/ops"), "is none of"},
	} {
		environ := append([]string{"SLUICE_PUBLIC_URL=https://sluice.example"}, c.environ...)
		_, err := readSettings(t.Context(), environ)
		if (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func testKey(t *testing.T) string {
	t.Helper()
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(pretend.New(pretend.Options{}).Key())}))
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSettingsAreReadFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret, large := filepath.Join(dir, "secret"), filepath.Join(dir, "large")
	for file, text := range map[string]string{secret: "hush = hush \n", large: strings.Repeat("hush", largestSetting)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ environ, want []string }{
		"the end of the line is none of the value": {[]string{"A=1", "SLUICE_GITHUB_WEBHOOK_SECRET_FILE=" + secret}, []string{"A=1", "SLUICE_GITHUB_WEBHOOK_SECRET=hush = hush "}},
		"a setting that is a file's name stays":    {[]string{"SLUICE_AUDIT_KEY_FILE=" + secret}, []string{"SLUICE_AUDIT_KEY_FILE=" + secret}},
		"so does the key of the App":               {[]string{"SLUICE_GITHUB_PRIVATE_KEY_FILE=" + secret}, []string{"SLUICE_GITHUB_PRIVATE_KEY_FILE=" + secret}},
		"what is no setting is refused later":      {[]string{"SLUICE_NOTHING_FILE=" + secret}, []string{"SLUICE_NOTHING_FILE=" + secret}},
		"other programs' variables stay":           {[]string{"SSL_CERT_FILE=" + secret}, []string{"SSL_CERT_FILE=" + secret}},
		"both are one too many":                    {[]string{"SLUICE_API_TOKEN=x", "SLUICE_API_TOKEN_FILE=" + secret}, []string{"error: SLUICE_API_TOKEN, SLUICE_API_TOKEN_FILE: both are set, leave one out"}},
		"a file that is not there":                 {[]string{"SLUICE_API_TOKEN_FILE=" + secret + "s"}, []string{"error: SLUICE_API_TOKEN_FILE: open " + secret + "s: no such file or directory"}},
		"a name of no file":                        {[]string{"SLUICE_API_TOKEN_FILE="}, []string{"error: SLUICE_API_TOKEN_FILE: open : no such file or directory"}},
		"a file that is no setting's":              {[]string{"SLUICE_API_TOKEN_FILE=" + large}, []string{"error: SLUICE_API_TOKEN_FILE: the file has more than 65536 bytes, which no setting has"}},
	} {
		got, err := withFiles(c.environ)
		if err != nil {
			got = []string{"error: " + err.Error()}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: withFiles(%q) = %q, want %q", name, c.environ, got, c.want)
		}
	}
}

// Every command reads them, not the server alone.
func TestCommandsReadSettingsFromFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "database")
	if err := os.WriteFile(file, []byte("mysql://sluice\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve"}, {"migrate"}, {"inbox", "list"}} {
		var out strings.Builder
		if code := run(t.Context(), process{args: args, environ: []string{"SLUICE_DATABASE_FILE=" + file}, stdout: &out, stderr: &out}); code != exitFailed || !strings.Contains(out.String(), "want sqlite:PATH or postgres://") {
			t.Errorf("sluice %s = %d %q, want 2 and what is wrong with the database in the file", args, code, out.String())
		}
	}
}

func TestHealthAsksTheServer(t *testing.T) {
	t.Parallel()
	s := served(t)
	ask := func(addr string, args ...string) (int, string) {
		var out strings.Builder
		code := run(t.Context(), process{args: append([]string{"health"}, args...), environ: []string{"SLUICE_ADDR=" + addr}, stdout: &out, stderr: &out})
		return code, out.String()
	}
	addr := strings.TrimPrefix(s.url, "http://")
	_, port, _ := strings.Cut(addr, ":")
	for _, addr := range []string{addr, "0.0.0.0:" + port, "localhost:" + port} {
		if code, text := ask(addr); code != exitOpen || text != "ready\n" {
			t.Errorf("sluice health of %s = %d %q, want 0 and ready", addr, code, text)
		}
	}
	s.end(t)
	if code, text := ask(addr); code != exitShut || !strings.Contains(text, "refused") {
		t.Errorf("sluice health without a server = %d %q, want 1", code, text)
	}
	if code, _ := ask("nowhere"); code != exitShut {
		t.Errorf("sluice health of an address without a port = %d, want 1", code)
	}
	if code, text := ask(addr, "--help"); code != exitOpen || !strings.Contains(text, "usage:") {
		t.Errorf("sluice health --help = %d %q, want 0 and the usage", code, text)
	}
}

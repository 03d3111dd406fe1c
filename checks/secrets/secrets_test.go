package secrets

import (
	"errors"
	"strings"
	"testing"
)

// made puts a secret together, so that no scanner takes this file for a leak.
func made(parts ...string) string { return strings.Join(parts, "") }

func TestScan(t *testing.T) {
	t.Parallel()
	key := made("-----BEGIN RSA ", "PRIVATE KEY-----\n", strings.Repeat("MIIEowIBAAKCAQEAx3Vn0v1kq9Pz8yT7mW2c\n", 4), "-----END RSA ", "PRIVATE KEY-----")
	token := made("ghp", "_", "x7Kq2mZ9vR4tY8wB1nC6pL3sD5fG0hJ2aE4u")
	aws := made("AKI", "A", "Z7Q2XW5RT3YVB6NM")
	tests := map[string]struct {
		path, text string
		rule       string // "" for none
		line       int
	}{
		"a GitHub token in code":                    {"app.go", "package a\n\nvar t = \"" + token + "\"\n", "github-pat", 3},
		"an AWS key id in code":                     {"app.py", "x = 1\nkey = '" + aws + "'\n", "aws-access-token", 2},
		"a private key over several lines":          {"main.tf", "a = <<E\n" + key + "\nE\n", "private-key", 2},
		"a private key in one line":                 {"a.js", "const k = '" + strings.ReplaceAll(key, "\n", `\n`) + "'", "private-key", 1},
		"something random beside the word secret":   {"a.rb", "client_secret = \"9fJ3kLq8Zx7Vb2Nm4Pw6Rt1Y\"\n", "generic-api-key", 1},
		"a mark that asks for leniency is no help":  {"a.go", "t := \"" + token + "\" // gitleaks:allow sluice:allow\n", "github-pat", 1},
		"the documented AWS example is harmless":    {"a.py", "key = '" + made("AKI", "A") + "IOSFODNN7EXAMPLE'\n", "", 0},
		"a placeholder is harmless":                 {"a.py", "api_key = 'your-api-key-goes-here-123'\n", "", 0},
		"an environment variable is harmless":       {"a.js", "const token = process.env.GITHUB_TOKEN_12345\n", "", 0},
		"a lock file is not looked at":              {"package-lock.json", "\"token\": \"" + token + "\"\n", "", 0},
		"ordinary code that speaks of keys":         {"a.go", "for key, token := range tokens { auth(key, token) }\n", "", 0},
		"a public key is none":                      {"a.go", "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----\n", "", 0},
		"a certificate is none":                     {"a.go", "-----BEGIN CERTIFICATE-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END CERTIFICATE-----\n", "", 0},
		"a rule for other paths does not apply":     {"a.go", "password = \"" + "hunter2hunter2" + "\"", "", 0},
		"a token in a very long line is still seen": {"a.js", strings.Repeat("var a=1;", 100_000) + "t='" + token + "';" + strings.Repeat("var a=1;", 100_000), "github-pat", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Scan(tt.path, numbered(tt.text), NewBudget())
			if err != nil {
				t.Fatal(err)
			}
			if tt.rule == "" {
				if len(got) != 0 {
					t.Fatalf("Scan(%q) = %v, want nothing", tt.path, got)
				}
				return
			}
			if len(got) != 1 || got[0].Rule != tt.rule || got[0].Line != tt.line {
				t.Fatalf("Scan(%q) = %+v, want %s at line %d", tt.path, got, tt.rule, tt.line)
			}
		})
	}
}

func numbered(text string) []Line {
	var lines []Line
	for i, s := range strings.Split(text, "\n") {
		lines = append(lines, Line{i + 1, s})
	}
	return lines
}

func TestLinesApartAreNotReadAsOne(t *testing.T) {
	t.Parallel()
	got, err := Scan("a.go", []Line{{1, made("-----BEGIN RSA ", "PRIVATE KEY-----")}, {90, strings.Repeat("M", 70)}, {200, made("-----END RSA ", "PRIVATE KEY-----")}}, NewBudget())
	if err != nil || len(got) != 0 {
		t.Fatalf("Scan of lines apart = %v, %v, want nothing", got, err)
	}
}

// TestEveryRuleCompiles holds gitleaks' rules, as they come with its module, to what this package does with them.
func TestEveryRuleCompiles(t *testing.T) {
	t.Parallel()
	rs := load()
	if len(rs.all) < 200 || len(rs.always) > 0 {
		t.Fatalf("load() = %d rules, %d without keywords; want 200 and more, and none", len(rs.all), len(rs.always))
	}
	for _, r := range rs.all {
		r.regex()
		if r.path != nil {
			r.path()
		}
		if r.SecretGroup > r.regex().NumSubexp() {
			t.Errorf("rule %s: secret group %d of %d", r.ID, r.SecretGroup, r.regex().NumSubexp())
		}
		for _, a := range append(r.Allowlists, rs.allow) {
			if a.regexes != nil {
				a.regexes()
			}
			if a.paths != nil {
				a.paths()
			}
		}
	}
}

// TestHostileTextEnds holds texts of 4 MB, made to be slow, to an answer within the budget's time.
func TestHostileTextEnds(t *testing.T) {
	t.Parallel()
	rs := load()
	var all strings.Builder
	for _, r := range rs.all {
		all.WriteString(strings.Join(r.Keywords, " ") + " ")
	}
	for _, piece := range []string{
		all.String(), "key = \"abcdefgh1234567890ABCD\" ", "-----BEGIN RSA PRIVATE KEY ", "-----BEGIN RSA PRIVATE KEY-----\n", "curl -u \n", "password password: ", "ey0123456789012345678901234567890123456789.",
	} {
		for _, end := range []string{"", "\n"} {
			text := strings.Repeat(piece+end, 4_000_000/len(piece+end))
			if _, err := Scan("a.yml", numbered(text), NewBudget()); err != nil && !errors.Is(err, ErrTooMuch) {
				t.Errorf("Scan of %.20q over and over = %v", piece, err)
			}
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add("a.go", "x := \"token\"\n-----BEGIN RSA PRIVATE KEY-----\n")
	f.Add("config/x.yml", "password: \"\xff\xfe\"\nİkey=AKIA")
	f.Fuzz(func(t *testing.T, path, text string) {
		lines := numbered(text)
		found, err := Scan(path, lines, NewBudget())
		if err != nil && !errors.Is(err, ErrTooMuch) {
			t.Fatal(err)
		}
		for _, x := range found {
			if x.Line < 1 || x.EndLine < x.Line || x.EndLine > len(lines) || x.Column < 0 || x.Column > len(lines[x.Line-1].Text) {
				t.Fatalf("Scan(%q, %q) = %+v: outside of the text", path, text, x)
			}
		}
	})
}

func BenchmarkScanOrdinaryChange(b *testing.B) {
	var lines []Line
	for i := range 600 {
		lines = append(lines, Line{i + 1, []string{
			"	if err := store.Put(ctx, key, value); err != nil {",
			"		return fmt.Errorf(\"put %q: %w\", key, err)",
			"	}",
			"	token := request.Header.Get(\"Authorization\")",
			"	results = append(results, build(token, options...))",
		}[i%5]})
	}
	if _, err := Scan("a.go", lines, NewBudget()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Scan("a.go", lines, NewBudget())
	}
}

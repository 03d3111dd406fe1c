package baked

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func numbered(text string) []Line {
	var lines []Line
	for i, s := range strings.Split(text, "\n") {
		lines = append(lines, Line{i + 1, s})
	}
	return lines
}

func hits(s *Scanner, path, text string, kind Kind) []string {
	var out []string
	s.Code(path, numbered(text), func(h Hit) {
		if h.Kind == kind {
			out = append(out, fmt.Sprintf("%d %s", h.Line, h.Word))
		}
	})
	return out
}

func TestBranches(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path, text string
		want       []string
	}{
		"JavaScript":                      {"a.js", `if (process.env.NODE_ENV === "production") {`, []string{"1 production"}},
		"JavaScript, not equal":           {"a.ts", `const debug = process.env.NODE_ENV !== 'test';`, []string{"1 test"}},
		"JavaScript, the other way round": {"a.js", `'prod' === config.env ? a : b`, []string{"1 production"}},
		"JavaScript, one of several":      {"a.js", `if (["staging", "production"].includes(appEnv)) {`, []string{"1 production"}},
		"Vite":                            {"a.ts", `if (import.meta.env.PROD) {`, []string{"1 production"}},
		"Go":                              {"a.go", `	if os.Getenv("APP_ENV") == "production" {`, []string{"1 production"}},
		"Go, without regard to case":      {"a.go", `if strings.EqualFold(cfg.Environment, "staging") {`, []string{"1 staging"}},
		"Go, a switch":                    {"a.go", "switch cfg.Env {\ncase \"dev\", \"local\":\n\treturn\ncase \"prod\":", []string{"2 development"}},
		"Java, equals":                    {"A.java", `if ("prod".equals(environment)) {`, []string{"1 production"}},
		"Java, equals on the variable":    {"A.java", `if (env.equalsIgnoreCase("prod")) {`, []string{"1 production"}},
		"Spring, a profile":               {"A.kt", `@Profile("!prod")`, []string{"1 production"}},
		"Spring, active profiles":         {"A.java", `if (Arrays.asList(env.getActiveProfiles()).contains("dev")) {`, []string{"1 development"}},
		"Kotlin, when":                    {"A.kt", "when (environment) {\n  \"production\" -> 1", []string{"2 production"}},
		"Ruby on Rails":                   {"a.rb", `return if Rails.env.production?`, []string{"1 production"}},
		"Ruby, ENV":                       {"a.rb", `if ENV['RAILS_ENV'] == 'staging'`, []string{"1 staging"}},
		"Ruby, fetch with a default":      {"a.rb", `x if ENV.fetch("RAILS_ENV", "development") == "production"`, []string{"1 production"}},
		"Python":                          {"a.py", `if os.environ.get("ENVIRONMENT") == "production":`, []string{"1 production"}},
		"Python, in":                      {"a.py", `if settings.ENV in ("prod", "staging"):`, []string{"1 production"}},
		"Python, lower":                   {"a.py", `if settings.environment.lower() == 'dev':`, []string{"1 development"}},
		"C#":                              {"A.cs", `if (env.IsProduction())`, []string{"1 production"}},
		"C#, by name":                     {"A.cs", `if (builder.Environment.IsEnvironment("Staging"))`, []string{"1 staging"}},
		"Laravel":                         {"a.php", `if (app()->environment('production')) {`, []string{"1 production"}},
		"PHP":                             {"a.php", `if (getenv('APP_ENV') === 'prod') {`, []string{"1 production"}},
		"shell":                           {"a.sh", `if [ "$ENVIRONMENT" = "production" ]; then`, []string{"1 production"}},
		"shell, without quotes":           {"a.sh", `[[ ${ENV} == prod ]] && x`, []string{"1 production"}},
		"shell, case":                     {"a.sh", "case \"$ENV\" in\n  prod)\n", []string{"2 production"}},
		"Terraform":                       {"main.tf", `count = var.environment == "prod" ? 3 : 1`, []string{"1 production"}},
		"Elixir":                          {"a.ex", `if Mix.env() == :prod do`, []string{"1 production"}},
		"Helm helper":                     {"_x.tpl", `{{- if eq .Values.environment "prod" }}`, []string{"1 production"}},

		"an assignment":                    {"a.js", `const env = "production";`, nil},
		"a default":                        {"a.js", `const env = process.env.NODE_ENV || 'development';`, nil},
		"a named argument":                 {"a.py", `run(env="production")`, nil},
		"a comment":                        {"a.js", `// if (env === "production")`, nil},
		"a comment at the end":             {"a.py", `x = 1  # if env == "production"`, nil},
		"a comment over lines":             {"a.java", "/*\n if (env.equals(\"prod\"))\n*/", nil},
		"another comparison":               {"a.js", `if (status === "live") {`, nil},
		"a stage of something else":        {"a.js", `if (job.stage === "test") {`, nil},
		"a type":                           {"a.js", `if (typeof env === "string") {`, nil},
		"whether a variable is set":        {"a.py", `if "PRODUCT" in os.environ:`, nil},
		"an event":                         {"a.js", `if (event === "dev") {`, nil},
		"a switch on something else":       {"a.go", "switch kind {\ncase \"dev\":", nil},
		"a name declared in a switch":      {"a.go", "switch env {\nlive := 1", nil},
		"an arm of a switch on a profile":  {"a.go", "switch c.Profile {\ncase \"local\":", nil},
		"a build script":                   {"webpack.config.js", `if (process.env.NODE_ENV === "production") {`, nil},
		"a test":                           {"a_test.go", `if env == "production" {`, nil},
		"a word of its own in shell":       {"a.sh", `echo "environment is production"`, nil},
		"a call with a name":               {"a.rb", `deploy(env, "production")`, nil},
		"environment variable and a value": {"a.go", `if os.Getenv("MODE") == "debug" {`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := hits(NewScanner(nil, nil), tt.path, tt.text, Branch); !slices.Equal(got, tt.want) {
				t.Errorf("Code(%q, %q) branches = %v, want %v", tt.path, tt.text, got, tt.want)
			}
		})
	}
}

func TestNamesOfThePolicyCount(t *testing.T) {
	t.Parallel()
	if got := hits(NewScanner(nil, []string{"research"}), "a.go", `if env == "research" {`, Branch); !slices.Equal(got, []string{"1 research"}) {
		t.Errorf("branches = %v, want research", got)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path, text string
		want       []string
	}{
		"a host in quotes":                   {"a.go", `x := "db.acme-corp.com"`, []string{"1 db.acme-corp.com"}},
		"a host in a URL":                    {"a.go", `x := "https://u:p@db.acme.zone:5432/x"`, []string{"1 db.acme.zone"}},
		"a host inside":                      {"a.go", `x := "postgres://db.internal/x"`, []string{"1 db.internal"}},
		"an address":                         {"a.go", `x := "10.20.30.40:80"`, []string{"1 10.20.30.40"}},
		"a UUID":                             {"a.go", `x := "0b9f2c1e-7a3d-4e5f-8a6b-1c2d3e4f5a6b"`, []string{"1 0b9f2c1e-7a3d-4e5f-8a6b-1c2d3e4f5a6b"}},
		"an account":                         {"a.go", `x := "210987654321"`, []string{"1 210987654321"}},
		"a bucket":                           {"a.go", `x := "s3://acme-prod-uploads/x"`, []string{"1 acme-prod-uploads"}},
		"a property":                         {"a.js", `response.data.items.com`, nil},
		"an import":                          {"a.go", `import "github.com/acme/shop"`, nil},
		"a package":                          {"a.java", `"com.acme.shop.io"`, nil},
		"a file":                             {"a.js", `require("./foo.config.js")`, nil},
		"a version":                          {"a.go", `x := "v1.2.3"`, nil},
		"documentation":                      {"a.go", `x := "https://api.example.com https://a.test http://localhost:8080 127.0.0.1 192.0.2.1 198.51.100.7"`, nil},
		"a namespace":                        {"a.html", `<a href="http://www.w3.org/2000/svg">`, nil},
		"a date":                             {"a.go", `x := "2006-01-02T15:04:05"`, nil},
		"a lifetime in Rust before a string": {"a.rs", `fn f<'a>(x: &'a str) { "db.acme-corp.com" }`, []string{"1 db.acme-corp.com"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := hits(NewScanner(nil, nil), tt.path, tt.text, Value); !slices.Equal(got, tt.want) {
				t.Errorf("Code(%q, %q) values = %v, want %v", tt.path, tt.text, got, tt.want)
			}
		})
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	s := NewScanner([]string{"*.prod.acme.internal", "db.acme.com", "web-*.acme.net"}, nil)
	text := "\"pay.prod.acme.internal\" \"a.b.PROD.acme.internal:80\"\n\"prod.acme.internal\"\n\"db.acme.com.\" \"xdb.acme.com\" \"db.acme.comx\"\n\"web-7.acme.net\"\n// \"db.acme.com\"\n"
	want := []string{"1 *.prod.acme.internal", "1 *.prod.acme.internal", "3 db.acme.com", "4 web-*.acme.net"}
	if got := hits(s, "a.go", text, Host); !slices.Equal(got, want) {
		t.Errorf("hosts = %v, want %v", got, want)
	}
}

func TestStrip(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ path, text, want string }{
		"a URL is no comment":                   {"a.go", `x := "http://a" // b`, `x := "http://a"`},
		"a quote that does not close":           {"a.go", `// don't "x`, ``},
		"a comment between":                     {"a.c", `a /* b */ c`, `a  c`},
		"a hash in a word":                      {"a.sh", `echo ${#x} # y`, `echo ${#x}`},
		"a documentation string":                {"a.py", "\"\"\"a\nb\n\"\"\"\nc", "c"},
		"the middle of a comment":               {"a.js", " * see b\n x", "x"},
		"markup":                                {"a.html", "<a><!-- b\nc --><d>", "<a>\n<d>"},
		"a regular expression with two slashes": {"a.js", `x = /https?:\/\/a/`, `x = /https?:\/\/a/`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stripper{syntax: syntaxOf(tt.path)}
			var out []string
			for _, l := range numbered(tt.text) {
				if x := strings.Join(strings.Fields(s.strip(l)), " "); x != "" {
					out = append(out, x)
				}
			}
			if got, want := strings.Join(out, "\n"), strings.Join(strings.Fields(tt.want), " "); strings.Join(strings.Fields(got), " ") != want {
				t.Errorf("strip(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

// TestHostileTextEnds holds lines of 2 MB, made to be slow, to linear time: square time would not end.
func TestHostileTextEnds(t *testing.T) {
	t.Parallel()
	s := NewScanner([]string{"*.a.internal", "x*y.z"}, nil)
	for _, x := range []struct{ path, piece string }{
		{"a.js", `"\"`}, {"a.js", "*"}, {"a.js", "/* "}, {"a.py", `"""`}, {"a.js", "env=='prod'"}, {"a.js", "env == x prod "}, {"a.sh", "[ $ENV = "}, {"a.go", "a."}, {"a.go", "switch env prod "}, {"a.html", "<!--"}, {"a.js", "'prod'==="},
	} {
		text := strings.Repeat(" ", 1_000_000) + strings.Repeat(x.piece, 1_000_000/len(x.piece))
		s.Code(x.path, []Line{{1, text}}, func(Hit) {})
		s.Code(x.path, []Line{{1, strings.Repeat(x.piece, longestLine/len(x.piece))}}, func(Hit) {})
	}
}

func FuzzCode(f *testing.F) {
	f.Add("a.py", "\"\"\"x\"\"\" # y\nif env == 'prod':\n")
	f.Add("a.js", "/* ` ' \" */ switch (env) {\ncase 'prod':")
	f.Add("a.html", "<!-- {{!-- --> \xff")
	f.Fuzz(func(t *testing.T, path, text string) {
		lines := numbered(text)
		s := NewScanner([]string{"*.a.b", "x*y.z"}, nil)
		s.Code(path, lines, func(h Hit) {
			if h.Line < 1 || h.Line > len(lines) || h.Word == "" {
				t.Fatalf("Code(%q, %q) = %+v", path, text, h)
			}
		})
		strip := stripper{syntax: syntaxOf(path)}
		for _, l := range lines {
			if got := strip.strip(l); len(got) != len(l.Text) {
				t.Fatalf("strip(%q) has another length: %q", l.Text, got)
			}
		}
	})
}

func BenchmarkCodeOrdinaryChange(b *testing.B) {
	var text strings.Builder
	for range 120 {
		text.WriteString("	if err := store.Put(ctx, key, value); err != nil { // because\n		return fmt.Errorf(\"put %q: %w\", key, err)\n	}\n	env := request.Header.Get(\"Environment\")\n	results = append(results, build(token, options...))\n")
	}
	lines := numbered(text.String())
	s := NewScanner([]string{"*.prod.acme.internal"}, nil)
	b.ReportAllocs()
	for b.Loop() {
		s.Code("a.go", lines, func(Hit) {})
	}
}

package checks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

// shopTree is a repository's files by path. A text that starts with "@" is of that kind: "@symlink".
type shopTree map[string]string

// separated judges the change from base to head as a provider would have it judged: asked until nothing is wanted.
func separated(t testing.TB, p *policy.Policy, base, head shopTree) (Result, *Facts) {
	t.Helper()
	f := &Facts{Change: &Change{Number: 1}, Files: changesOf(base, head)}
	for round := range 5 {
		w := &Wants{}
		wantConfigSeparation(p, f, w)
		if w.Empty() {
			return judgeConfigSeparation(p, f), f
		}
		if round == 4 {
			t.Fatalf("still wanted after 4 rounds: %+v", w)
		}
		fulfil(f, w, base, head)
	}
	panic("unreachable")
}

func changesOf(base, head shopTree) []File {
	all := map[string]bool{}
	for p := range base {
		all[p] = true
	}
	for p := range head {
		all[p] = true
	}
	var files []File
	for _, p := range pathsOf(all) {
		was, had := base[p]
		now, has := head[p]
		if had && has && was == now {
			continue
		}
		c := File{Path: p, Status: "modified"}
		if !had {
			c.Status = "added"
		}
		if !has {
			c.Status = "removed"
		}
		if kind, ok := strings.CutPrefix(now, "@"); ok && has && kind != "cut" {
			c.Kind = kind
		}
		c.Additions, c.Deletions = len(linesBeyond(now, was)), len(linesBeyond(was, now))
		files = append(files, c)
	}
	return files
}

func fulfil(f *Facts, w *Wants, base, head shopTree) {
	for i := range f.Files {
		if c := &f.Files[i]; w.Lines != nil && w.Lines(*c) {
			c.Read, c.Added, c.Removed = true, linesBeyond(head[c.Path], base[c.Path]), linesBeyond(base[c.Path], head[c.Path])
		}
	}
	if w.Paths != nil {
		f.Listed = true
		for p := range head {
			if w.Paths(p) {
				f.Paths = append(f.Paths, p)
			}
		}
		slices.Sort(f.Paths)
	}
	for _, x := range w.Texts {
		side := map[Side]shopTree{Base: base, Head: head}[x.Side]
		text, ok := side[x.Path]
		x.Text, x.Absent = text, !ok
		if kind, special := strings.CutPrefix(text, "@"); special {
			x.Kind, x.Text = kind, ""
		}
		f.Texts = append(f.Texts, x)
	}
}

func withConfig(edit func(*policy.ConfigSeparation)) *policy.Policy {
	p := &policy.Policy{}
	p.ConfigSeparation.Mixing = policy.Off
	if edit != nil {
		edit(&p.ConfigSeparation)
	}
	return p
}

// inShort is the findings in short: "fail config/production.yml:3 production lacks …".
func inShort(fs []Finding) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "%s %s:%d %s\n", f.shown(), f.Path, f.Line, f.What)
	}
	return b.String()
}

type separationCase struct {
	base, head shopTree
	edit       func(*policy.ConfigSeparation)
	want       string // findings; passes of older gaps are part of them
}

func (tt separationCase) run(t *testing.T) {
	t.Parallel()
	r, _ := separated(t, withConfig(tt.edit), tt.base, tt.head)
	if got := inShort(r.Findings); got != tt.want {
		t.Errorf("judgeConfigSeparation(%v -> %v)\n got %s\nwant %s", tt.base, tt.head, got, tt.want)
	}
	for _, f := range r.Findings {
		if len([]rune(f.What)) > 140 || f.Rule == "" {
			t.Errorf("finding %+v: longer than 140 or without a rule", f)
		}
		if strings.Contains(f.What+f.How, "s3cr3t") {
			t.Errorf("finding %+v tells a value", f)
		}
	}
}

func declared(c *policy.ConfigSeparation) {
	c.Environments = []policy.EnvFiles{
		{Name: "development", Paths: policy.Globs{"config/development.*", "deploy/dev/**"}},
		{Name: "production", Paths: policy.Globs{"config/production.*", "deploy/prod/**"}},
	}
}

func TestParity(t *testing.T) {
	t.Parallel()
	tests := map[string]separationCase{
		"a key added to one environment alone is missing in the other": {
			base: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 1\n"},
			head: shopTree{"config/development.yml": "a: 1\npay:\n  url: s3cr3t\n", "config/production.yml": "a: 1\n"},
			want: "fail config/development.yml:3 production lacks the key pay.url, which development has.\n",
		},
		"a key added everywhere is missing nowhere": {
			base: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 1\n"},
			head: shopTree{"config/development.yml": "a: 1\nb: 2\n", "config/production.yml": "a: 1\nb: 3\n"},
		},
		"a key that the shared file has may be set by one environment alone": {
			base: shopTree{"src/main/resources/application.yml": "pay: {url: x}\n", "src/main/resources/application-dev.yml": "a: 1\n", "src/main/resources/application-prod.yml": "a: 1\n"},
			head: shopTree{"src/main/resources/application.yml": "pay: {url: x}\n", "src/main/resources/application-dev.yml": "a: 1\n", "src/main/resources/application-prod.yml": "a: 1\npay.url: y\n"},
		},
		"a key that was missing before is no fault of a change that does something else": {
			base: shopTree{".env.development": "A=1\nB=2\n", ".env.production": "A=1\n"},
			head: shopTree{".env.development": "A=1\nB=2\nC=3\n", ".env.production": "A=1\nC=4\n"},
			want: "pass :0 1 key was missing in some environment before this change too.\n",
		},
		"a key that only the environment that lacks it loses": {
			base: shopTree{"config/development.json": `{"a": {"b": 1}}`, "config/production.json": `{"a": {"b": 1}}`},
			head: shopTree{"config/development.json": `{"a": {"b": 1}}`, "config/production.json": `{"a": {}}`},
			want: "fail config/production.json:1 production lacks the key a.b, which development has.\n",
		},
		"a key taken out of what all share": {
			base: shopTree{"conf/default.toml": "x = 1\n", "conf/production.toml": "x = 2\n", "conf/development.toml": "y = 1\n"},
			head: shopTree{"conf/default.toml": "", "conf/production.toml": "x = 2\n", "conf/development.toml": "y = 1\n"},
			want: "fail conf/production.toml:0 development lacks the key x, which production has.\npass :0 1 key was missing in some environment before this change too.\n",
		},
		"many keys are told in one finding": {
			base: shopTree{"config/development.properties": "", "config/production.properties": ""},
			head: shopTree{"config/development.properties": "a=1\nb=1\nc=1\nd=1\ne=1\nf=1\n", "config/production.properties": ""},
			want: "fail config/development.properties:1 production lacks 6 keys that development has, such as a.\n",
		},
		"a new environment that is not complete": {
			base: shopTree{"config/development.env": "A=1\nB=1\n", "config/production.env": "A=1\nB=1\n"},
			head: shopTree{"config/development.env": "A=1\nB=1\n", "config/production.env": "A=1\nB=1\n", "config/staging.env": "A=1\n"},
			want: "fail config/staging.env:1 staging lacks the key B, which development and production have.\n",
		},
		"an environment's file that goes while others keep theirs": {
			base: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 1\n"},
			head: shopTree{"config/development.yml": "a: 1\n"},
			edit: declared,
			want: "fail :0 production loses config/production.yml, while development keeps theirs.\n",
		},
		"declared environments are compared by their globs": {
			base: shopTree{"deploy/dev/app.yaml": "a: 1\n", "deploy/prod/app.yaml": "a: 1\n"},
			head: shopTree{"deploy/dev/app.yaml": "a: 1\n", "deploy/prod/app.yaml": "a: 1\nb: 2\n"},
			edit: declared,
			want: "fail deploy/prod/app.yaml:2 development lacks the key b, which production has.\n",
		},
		"variables of HCL": {
			base: shopTree{"env/prod.tfvars": "a = 1\n", "env/dev.tfvars": "a = 1\n"},
			head: shopTree{"env/prod.tfvars": "a = 1\ntags = {\n  owner = \"x\"\n}\n", "env/dev.tfvars": "a = 1\n"},
			want: "fail env/prod.tfvars:3 development lacks the key tags.owner, which production has.\n",
		},
		"a symbolic link in place of a file": {
			base: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 1\n"},
			head: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "@symlink"},
			want: "fail config/production.yml:1 config/production.yml is a symbolic link: its keys cannot be compared.\n",
		},
		"a symbolic link in place of a folder": {
			base: shopTree{"deploy/dev/app.yml": "a: 1\n", "deploy/prod/app.yml": "a: 1\n"},
			head: shopTree{"deploy/dev/app.yml": "a: 1\n", "deploy/prod": "@symlink"},
			want: "fail deploy/prod:1 deploy/prod is a symbolic link: its keys cannot be compared.\n",
		},
		"a symbolic link that is nothing of an environment's": {
			base: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 1\n"},
			head: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 1\n", "site/guides": "@symlink", "AGENTS.md": "@symlink"},
			want: "",
		},
		"keys of an environment for one change alone": {
			base: shopTree{"helm/values-preview.yaml": "a: 1\n", "helm/values-staging.yaml": "a: 1\n", "helm/values-prod.yaml": "a: 1\n"},
			head: shopTree{"helm/values-preview.yaml": "a: 1\ndatabase: here\n", "helm/values-staging.yaml": "a: 1\n", "helm/values-prod.yaml": "a: 1\n"},
			want: "",
		},
		"a file that is no longer valid": {
			base: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 1\n"},
			head: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: [1\nb: }\n"},
			want: "fail config/production.yml:1 config/production.yml is not valid YAML at line 1: its keys cannot be compared.\n",
		},
		"an alias bomb": {
			base: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 1\n"},
			head: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": bomb()},
			want: "fail config/production.yml:1 config/production.yml is too large or too deeply nested to compare: its keys cannot be compared.\n",
		},
		"ignored files are left alone": {
			base: shopTree{"old/config/development.yml": "a: 1\n", "old/config/production.yml": "a: 1\n"},
			head: shopTree{"old/config/development.yml": "b: 1\n", "old/config/production.yml": "a: 1\n"},
			edit: func(c *policy.ConfigSeparation) { c.Ignore = policy.Globs{"old/**"} },
		},
		"parity switched off": {
			base: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 1\n"},
			head: shopTree{"config/development.yml": "b: 1\n", "config/production.yml": "a: 1\n"},
			edit: func(c *policy.ConfigSeparation) { c.Parity = policy.Off },
		},
		"parity as advice": {
			base: shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 1\n"},
			head: shopTree{"config/development.yml": "a: 1\nb: 1\n", "config/production.yml": "a: 1\n"},
			edit: func(c *policy.ConfigSeparation) { c.Parity = policy.Advise },
			want: "advise config/development.yml:2 production lacks the key b, which development has.\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, tt.run)
	}
}

func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return b.String()
}

func TestBakedIn(t *testing.T) {
	t.Parallel()
	config := func(more shopTree) shopTree {
		out := shopTree{
			"config/development.yml": "db:\n  host: db.dev.acme-corp.com\n  bucket: acme-dev-uploads\nlevel: debug\n",
			"config/production.yml":  "db:\n  host: db.prod.acme-corp.com\n  bucket: acme-prod-uploads\nlevel: info\nmail: smtp.acme-corp.com\n",
			"README.md":              "hello\n",
		}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	token := "gh" + "p_" + "x7Kq2mZ9vR4tY8wB1nC6pL3sD5fG0hJ2aE4u"
	hosts := func(c *policy.ConfigSeparation) { c.Hosts = []string{"*.prod.acme.internal", "vault.acme.internal"} }
	tests := map[string]separationCase{
		"a host of production in code": {
			base: config(nil), head: config(shopTree{"app.go": "package app\n\nconst host = \"db.prod.acme-corp.com\"\n"}),
			want: "fail app.go:3 app.go:3 holds a value of production: that of db.host in config/production.yml.\n",
		},
		"a host of production within a URL": {
			base: config(nil), head: config(shopTree{"src/a.ts": "fetch('https://db.prod.acme-corp.com:5432/x')\n"}),
			want: "fail src/a.ts:1 src/a.ts:1 holds a value of production: that of db.host in config/production.yml.\n",
		},
		"a name that holds the environment's": {
			base: config(nil), head: config(shopTree{"a.py": "BUCKET = 'acme-prod-uploads'\n"}),
			want: "fail a.py:1 a.py:1 holds a value of production: that of db.bucket in config/production.yml.\n",
		},
		"a longer host that only ends alike is another": {
			base: config(nil), head: config(shopTree{"a.py": "x = 'https://other.db.prod.acme-corp.com'\n"}),
		},
		"words and numbers are no values of anybody": {
			base: config(nil), head: config(shopTree{"a.py": "level = 'info'\nport = 5432\n"}),
		},
		"a value in a comment is fine": {
			base: config(nil), head: config(shopTree{"a.go": "package a // see db.prod.acme-corp.com\n/* \"db.prod.acme-corp.com\"\n\"db.prod.acme-corp.com\" */\n", "b.py": "# 'db.prod.acme-corp.com'\n"}),
		},
		"a value in a test or a document is fine": {
			base: config(nil), head: config(shopTree{"a_test.go": "const h = \"db.prod.acme-corp.com\"\n", "docs/x.md": "db.prod.acme-corp.com\n", "test/h.js": "'db.prod.acme-corp.com'\n", "testdata/a.go": "\"db.prod.acme-corp.com\"\n"}),
		},
		"documentation hosts and localhost are fine": {
			base: shopTree{"config/production.env": "A=https://example.com\nB=http://localhost:80\nC=10.0.0.1\n"},
			head: shopTree{"config/production.env": "A=https://example.com\nB=http://localhost:80\nC=10.0.0.1\n", "a.go": "x := \"https://example.com\"\ny := \"http://localhost:8080\"\nz := \"192.0.2.7\"\n"},
		},
		"a value that all environments share is nobody's": {
			base: shopTree{"config/production.env": "A=https://api.acme-corp.com\n", "config/staging.env": "A=https://api.acme-corp.com\n"},
			head: shopTree{"config/production.env": "A=https://api.acme-corp.com\n", "config/staging.env": "A=https://api.acme-corp.com\n", "a.go": "x := \"https://api.acme-corp.com\"\n"},
		},
		"a value that moves within code is not new": {
			base: config(shopTree{"a.go": "const host = \"db.prod.acme-corp.com\"\n", "b.go": ""}),
			head: config(shopTree{"a.go": "", "b.go": "const host = \"db.prod.acme-corp.com\"\n"}),
		},
		"a value that moves from configuration into code is": {
			base: config(nil), head: func() shopTree {
				x := config(shopTree{"b.go": "const h = \"db.dev.acme-corp.com\"\n"})
				return x
			}(),
			want: "fail b.go:1 b.go:1 holds a value of development: that of db.host in config/development.yml.\n",
		},
		"a declared host in code": {
			base: shopTree{}, head: shopTree{"a.go": "x := \"pay.prod.acme.internal:443\"\n", "b.rb": "H = 'VAULT.acme.internal'\n"}, edit: hosts,
			want: "fail a.go:1 a.go:1 names a host that the policy keeps out of code (*.prod.acme.internal).\nfail b.rb:1 b.rb:1 names a host that the policy keeps out of code (vault.acme.internal).\n",
		},
		"a declared host in configuration that all share": {
			base: shopTree{}, head: shopTree{"application.yml": "host: pay.prod.acme.internal\n"}, edit: hosts,
			want: "fail application.yml:1 application.yml:1 names a host that the policy keeps out of code (*.prod.acme.internal).\n",
		},
		"a declared host where it belongs": {
			base: shopTree{}, head: shopTree{"config/production.yml": "host: pay.prod.acme.internal\n", "README.md": "pay.prod.acme.internal"}, edit: hosts,
		},
		"a secret in code": {
			base: shopTree{}, head: shopTree{"a.go": "x := 1\nt := \"" + token + "\"\n"},
			want: "fail a.go:2 a.go:2 holds a secret, by its form: github PAT.\n",
		},
		"a secret in a comment is one too": {
			base: shopTree{}, head: shopTree{"a.go": "// " + token + "\n"},
			want: "fail a.go:1 a.go:1 holds a secret, by its form: github PAT.\n",
		},
		"a secret in an environment's configuration is advice": {
			base: shopTree{}, head: shopTree{"config/production.yml": "t: " + token + "\n"},
			want: "advise config/production.yml:1 config/production.yml:1 holds a secret, by its form: github PAT.\n",
		},
		"a marker does not excuse": {
			base: shopTree{}, head: shopTree{"a.go": "t := \"" + token + "\" // sluice:allow gitleaks:allow nosec\n"},
			want: "fail a.go:1 a.go:1 holds a secret, by its form: github PAT.\n",
		},
		"code that branches on the environment": {
			base: shopTree{}, head: shopTree{"src/a.js": "let x = 1\nif (process.env.NODE_ENV === 'production') {\n}\n"},
			want: "fail src/a.js:2 src/a.js:2 branches on the environment's name (production).\n",
		},
		"a build script may": {
			base: shopTree{}, head: shopTree{"webpack.config.js": "if (process.env.NODE_ENV === 'production') {\n}\n"},
		},
		"configuration in code of an environment may": {
			base: shopTree{}, head: shopTree{"config/environments/production.rb": "x if Rails.env.production?\n"},
		},
		"baked-in switched off": {
			base: shopTree{}, head: shopTree{"a.go": "t := \"" + token + "\"\n"},
			edit: func(c *policy.ConfigSeparation) { c.BakedIn = policy.Off },
		},
	}
	for name, tt := range tests {
		t.Run(name, tt.run)
	}
}

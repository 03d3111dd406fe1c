package environments

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

// shown is the layout in short: "production=config/prod.yml", with what is shared as "=config/default.yml".
func shown(l *Layout) []string {
	var out []string
	for _, fam := range l.Families {
		for _, x := range fam.Files {
			out = append(out, x.Environment+"="+x.Path)
		}
		for _, b := range fam.Base {
			out = append(out, "="+b)
		}
	}
	return out
}

func TestFind(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ paths, want string }{
		"Spring profiles":                       {"application.yml application-dev.yml application-prod.properties application-mysql.yml", "development=application-dev.yml production=application-prod.properties =application.yml"},
		"Rails environments":                    {"config/environments/production.rb config/environments/test.rb config/application.rb", "production=config/environments/production.rb test=config/environments/test.rb"},
		"Rails settings":                        {"config/settings.yml config/settings/production.yml config/settings/qa.yml", "production=config/settings/production.yml qa=config/settings/qa.yml =config/settings.yml"},
		"dotenv":                                {".env .env.example .env.sample .env.production .env.local .env.staging.dist", "local=.env.local production=.env.production =.env"},
		"dotenv by ending":                      {"config/production.env config/qa.env", "production=config/production.env qa=config/qa.env"},
		"ASP.NET":                               {"src/appsettings.json src/appsettings.Development.json src/appsettings.Docker.json", "development=src/appsettings.Development.json docker=src/appsettings.Docker.json =src/appsettings.json"},
		"Helm values":                           {"deploy/chart/values.yaml deploy/values-prod.yaml deploy/values-dev.yml deploy/values-ingress.yaml", "development=deploy/values-dev.yml production=deploy/values-prod.yaml =deploy/chart/values.yaml"},
		"Helm values by dots":                   {"chart/values.yaml chart/values.prod.yaml", "production=chart/values.prod.yaml =chart/values.yaml"},
		"Kustomize":                             {"k8s/base/app.yaml k8s/overlays/eu-1/app.yaml k8s/overlays/prod/app.yaml", "eu-1=k8s/overlays/eu-1/app.yaml production=k8s/overlays/prod/app.yaml =k8s/base/app.yaml"},
		"Terraform variables":                   {"env/prod.tfvars terraform/dev.auto.tfvars tf/qa.tfvars.json", "production=env/prod.tfvars development=terraform/dev.auto.tfvars qa=tf/qa.tfvars.json"},
		"folders of a deployment":               {"deploy/prod/app.yaml deploy/dev/app.yaml deploy/app.yaml", "development=deploy/dev/app.yaml production=deploy/prod/app.yaml =deploy/app.yaml"},
		"the name alone":                        {"config/dev.json config/prod.json config/default.json", "development=config/dev.json production=config/prod.json =config/default.json"},
		"a name after others":                   {"solr/service-config-staging.json solr/service-config-development.json", "development=solr/service-config-development.json staging=solr/service-config-staging.json"},
		"Nais, at the root":                     {"app-prod.yaml app-preprod.yaml", "preproduction=app-preprod.yaml production=app-prod.yaml"},
		"two words":                             {"values-pre-prod.yaml values-prod.yaml", "preproduction=values-pre-prod.yaml production=values-prod.yaml"},
		"an unknown name beside another":        {"foo-prod.yaml foo-dev.yaml bar-prod.yaml", "development=foo-dev.yaml production=foo-prod.yaml"},
		"two spellings of one keep theirs":      {"values-dev.yaml values-development.yaml", "dev=values-dev.yaml development=values-development.yaml"},
		"Angular":                               {"src/environments/environment.ts src/environments/environment.prod.ts", "production=src/environments/environment.prod.ts"},
		"Elixir":                                {"config/prod.exs config/dev.exs config/runtime.exs", "development=config/dev.exs production=config/prod.exs"},
		"tests and their data":                  {"src/test/resources/application-prod.yml tests/config/production.yml testdata/prod.yml spec/dummy/config/production.yml", ""},
		"documents and pipelines":               {"docs/production.yml .github/workflows/production.yml .gitlab/prod.yml azure-pipelines-prod.yml", ""},
		"somebody else's":                       {"node_modules/x/config/production.json vendor/a/config/prod.yml", ""},
		"tools":                                 {"tsconfig.prod.json tsconfig.dev.json .eslintrc.production.json environment-dev.yml requirements-dev.txt package.json", ""},
		"languages":                             {"config/locales/dev.yml config/locales/prod.yml src/i18n/int.json", ""},
		"a word that may mean anything, alone":  {"config/live.json config/test.yml foo-local.yml", ""},
		"a folder that may be of tests":         {"core/config/test/base.yaml core/config/test/dev.yaml", ""},
		"code that is called so":                {"src/production.go lib/dev.py app/prod.js", ""},
		"a folder of environments, and modules": {"environments/modules/a.yml environments/prod/a.yml environments/tokyo/a.yml", "production=environments/prod/a.yml tokyo=environments/tokyo/a.yml"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := NewFinder(nil, nil)
			paths := strings.Fields(tt.paths)
			if got := shown(f.Find(paths)); !slices.Equal(got, strings.Fields(tt.want)) {
				t.Errorf("Find(%v) = %v, want %v", paths, got, tt.want)
			}
			var candidates []string
			for _, p := range paths {
				if f.Candidate(p) {
					candidates = append(candidates, p)
				}
			}
			if got := shown(f.Find(candidates)); !slices.Equal(got, strings.Fields(tt.want)) {
				t.Errorf("Find of the candidates %v = %v, want %v", candidates, got, tt.want)
			}
		})
	}
}

func TestFindWithAPolicy(t *testing.T) {
	t.Parallel()
	declared := []policy.EnvFiles{
		{Name: "live", Paths: policy.Globs{"conf/eu.yml", "deploy/prod/**"}},
		{Name: "trial", Paths: policy.Globs{"conf/us.yml", "deploy/dev/**"}},
	}
	f := NewFinder(declared, policy.Globs{"deploy/prod/old/**"})
	got := shown(f.Find([]string{"conf/eu.yml", "conf/us.yml", "config/production.yml", "deploy/dev/a.yml", "deploy/prod/a.yml", "deploy/prod/old/a.yml"}))
	if want := []string{"live=deploy/prod/a.yml", "trial=deploy/dev/a.yml", "live=conf/eu.yml", "trial=conf/us.yml"}; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("Find = %v, want %v", got, want)
	}
	if l := f.Find([]string{"conf/eu.yml", "conf/us.yml"}); len(l.Families) != 1 || !l.Families[0].Declared {
		t.Errorf("Find = %v, want one declared family", shown(l))
	}
	if got := shown(NewFinder(nil, nil, "research").Find([]string{"values-research.yaml", "values-prod.yaml"})); len(got) != 2 {
		t.Errorf("Find with a name of the policy's = %v, want two environments", got)
	}
}

func keys(t *testing.T, path, text string) string {
	t.Helper()
	ks, err := Parse(path, text)
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, k := range ks {
		out = append(out, fmt.Sprintf("%d %s=%s", k.Line, k.Path, k.Value))
	}
	return strings.Join(out, "\n")
}

func TestParse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ path, text, want string }{
		"YAML":                        {"a.yml", "a:\n  b: 1\n  c: [x, y]\nd: ~\n", "2 a.b=1\n3 a.c=\n3 a.c=x\n3 a.c=y\n4 d="},
		"YAML, several documents":     {"a.yml", "a: 1\n---\nb: 2\n", "1 a=1\n3 b=2"},
		"YAML, anchors and merging":   {"a.yml", "x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\n", "1 x.a=1\n1 x.b=2\n1 y.a=1\n4 y.b=3"},
		"YAML, a list by name":        {"a.yml", "env:\n  - name: A\n    value: x\n  - name: B\n    valueFrom: {secretKeyRef: {name: s, key: k}}\n", "2 env[A]=x\n4 env[B]="},
		"YAML, templates":             {"a.yml", "a: {{ image }}\n{{- if .x }}\nb: 1\n{{- end }}\n", "1 a=template\n3 b=1"},
		"YAML, broken":                {"a.yml", "a: [1\nb: }\n", "not valid YAML at line 1"},
		"YAML, an alias to itself":    {"a.yml", "a: &a\n  b: *a\n", ErrTooLarge.Error()},
		"YAML with a byte order mark": {"a.yml", "\ufeffa: 1\n", "1 a=1"},
		"JSON":                        {"a.json", "{\n \"a\": {\"b\": 1.50, \"c\": null},\n \"d\": [true]\n}", "2 a.b=1.50\n2 a.c=\n3 d=\n3 d=true"},
		"JSON with comments":          {"appsettings.json", "\ufeff{\n // x\n \"a\": \"http://x\", /* y\n */ \"b\": 2,\n}", "3 a=http://x\n4 b=2"},
		"JSON, broken":                {"a.json", "{\n\"a\": \n}", "not valid JSON at line 2"},
		"JSON, two values":            {"a.json", "{} {}", "not valid JSON at line 1"},
		"TOML":                        {"a.toml", "a = 1\n[b.c]\nd = \"x\"\ne.f = [1, 2]\n[[g]]\nname = \"n\"\n[h]\ni = {j = 1}\n", "1 a=1\n3 b.c.d=x\n4 b.c.e.f=\n4 b.c.e.f=1\n4 b.c.e.f=2\n5 g[n]=\n6 g[n].name=n\n8 h.i.j=1"},
		"TOML, broken":                {"a.toml", "a = 1\nb = = 2\n", "not valid TOML at line 2"},
		"properties":                  {"a.properties", "# c\na.b = x\\\n  y\nc: d\\u0041\ne\\ f=g\nh\n", "2 a.b=xy\n4 c=dA\n5 e f=g\n6 h="},
		"dotenv":                      {".env", "# c\nexport A=1 # d\nB='x # y'\nC=\"a\nb\"\nD=\nnonsense\nE=`z`\n", "2 A=1\n3 B=x # y\n4 C=a\nb\n6 D=\n8 E=z"},
		"dotenv, a quote left open":   {".env.production", "A=\"x\nB=1\n", "1 A=x\n2 B=1"},
		"dotenv, none of it":          {"x.env", "{}\n", "not valid environment file at line 1"},
		"HCL variables":               {"a.tfvars", "a = \"x\"\nb = {\n  c = 1\n  \"d e\" = var.x\n}\nf = [\"g\"]\n", "1 a=x\n3 b.c=\n4 b.d e=\n6 f=\n6 f=g"},
		"HCL, broken":                 {"a.hcl", "a = {\n", "not valid HCL at line 2"},
		"HCL, nested without end":     {"a.tfvars", "a = " + strings.Repeat("!", 10_000) + "true\n", ErrTooLarge.Error()},
		"INI":                         {"a.ini", "; c\na = 1\n[s]\nb: 2\n", "2 a=1\n4 s.b=2"},
		"a manifest":                  {"a.yml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  A: b\n", "5 ConfigMap.data.A=b"},
		"a patch in an overlay":       {"overlays/prod/a.yml", "apiVersion: apps/v1\nkind: Deployment\nspec:\n  replicas: 3\n  template: {spec: {containers: [{name: c, image: i, env: [{name: A, value: b}]}]}}\n", "5 Deployment.env[A]=b"},
		"a kustomization":             {"overlays/prod/kustomization.yaml", "resources: [a]\nconfigMapGenerator:\n- name: app-prod\n  literals:\n  - A=b\n", "5 configMapGenerator[app-*].A=b"},
		"brackets without end":        {"a.json", strings.Repeat("[", 100_000), ErrTooLarge.Error()},
		"no format with keys":         {"a.conf", "a { b }", ErrOpaque.Error()},
		"nothing":                     {"a.yml", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := keys(t, tt.path, tt.text); got != tt.want {
				t.Errorf("Parse(%q, %.200q)\n got %s\nwant %s", tt.path, tt.text, got, tt.want)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"one key":                             {map[string]string{"config/dev.yml": "a: 1\nb: 1", "config/prod.yml": "a: 1"}, "b lacking [production] having [development]"},
		"what is shared":                      {map[string]string{"config/dev.yml": "a: 1\nb: 1", "config/prod.yml": "a: 1", "config/default.yml": "b: 0"}, ""},
		"nested against dotted":               {map[string]string{"application-dev.yml": "a: {b: 1}", "application-prod.properties": "a.b=1"}, ""},
		"a template for a group":              {map[string]string{"config/dev.yml": "a: {b: 1}", "config/prod.yml": "a: ${X}"}, ""},
		"an empty group":                      {map[string]string{"config/dev.yml": "a: {b: 1}", "config/prod.yml": "a: {}"}, "a.b lacking [production] having [development]"},
		"sections named after them":           {map[string]string{"config/dev.toml": "[development]\na = 1", "config/prod.toml": "[production]\na = 1"}, ""},
		"sections, and one that is shared":    {map[string]string{"config/dev.toml": "[development]\na = 1", "config/prod.toml": "[production]\nb = 1", "config/default.toml": "[default]\na = 1\nb = 2"}, ""},
		"names within keys":                   {map[string]string{"config/dev.yml": "alerts: {shop-dev: 1}", "config/prod.yml": "alerts: {shop-prod: 1}"}, ""},
		"what only a side environment has":    {map[string]string{"config/dev.yml": "a: 1", "config/prod.yml": "a: 1", "config/ci.yml": "b: 1"}, ""},
		"local, where there is no other":      {map[string]string{".env.local": "A=1", ".env.production": "B=1"}, "A lacking [production] having [local]; B lacking [local] having [production]"},
		"one that cannot be read is left out": {map[string]string{"config/dev.yml": "a: 1", "config/prod.yml": "a: 1", "config/qa.yml": "a: ["}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paths []string
			contents := Contents{}
			for p, text := range tt.files {
				paths = append(paths, p)
				if ks, err := Parse(p, text); err == nil {
					contents[p] = ks
				}
			}
			slices.Sort(paths)
			l := NewFinder(nil, nil).Find(paths)
			var got []string
			for _, fam := range l.Families {
				for _, g := range Compare(fam, contents) {
					got = append(got, fmt.Sprintf("%s lacking %v having %v", g.Key, g.Lacking, g.Having))
				}
			}
			if s := strings.Join(got, "; "); s != tt.want {
				t.Errorf("Compare(%v) = %s, want %s", tt.files, s, tt.want)
			}
		})
	}
}

// FuzzParse holds every parser to its bounds: no panic, lines within the text, a bounded number of keys.
func FuzzParse(f *testing.F) {
	for _, s := range []struct{ path, text string }{
		{"a.yml", "a: &x {b: [1, *x]}\n---\n<<: *x\n"}, {"a.json", "{\"a\": [/* */ 1,],}"}, {"a.toml", "[a.b]\nc = [{d = 1}]\n[[e]]\n"},
		{"a.properties", "a\\=b : c\\\n d\\u00"}, {".env", "export A=\"b\nc\"\nB='"}, {"a.tfvars", "a = {b = \"${c}\"}\nd \"e\" {}\n"}, {"a.ini", "[a\nb:c"},
		{"overlays/p/kustomization.yaml", "configMapGenerator: [{name: a, literals: [B=c]}]"}, {"k.yaml", "apiVersion: v1\nkind: X\nspec: {env: [{name: a}]}"},
	} {
		f.Add(s.path, s.text)
	}
	f.Fuzz(func(t *testing.T, path, text string) {
		ks, err := Parse(path, text)
		if err == nil && len(ks) > maxKeys {
			t.Fatalf("Parse(%q) = %d keys, more than %d", path, len(ks), maxKeys)
		}
		lines := strings.Count(strings.ReplaceAll(text, "\r", "\n"), "\n") + 1
		for _, k := range ks {
			if k.Line < 1 || k.Line > lines {
				t.Fatalf("Parse(%q, %q): key %q at line %d of %d", path, text, k.Path, k.Line, lines)
			}
		}
	})
}

// FuzzDotenv holds the parser that is Sluice's own to what its keys say: the key stands on its line.
func FuzzDotenv(f *testing.F) {
	f.Add("export A=1\nB=\"x\ny\"\n# c\nC='\n")
	f.Add("A=b=c\r\nD: e\rF=`\n`")
	f.Fuzz(func(t *testing.T, text string) {
		ks, err := Parse(".env", text)
		if err != nil {
			return
		}
		lines := splitLines(strings.TrimPrefix(text, "\ufeff"))
		for _, k := range ks {
			if !strings.Contains(lines[k.Line-1], k.Path) {
				t.Fatalf("Parse(%q): key %q is not on line %d", text, k.Path, k.Line)
			}
		}
	})
}

func FuzzFind(f *testing.F) {
	f.Add("config/prod.yml\nconfig/*/dev.yml\n.env.production\noverlays//x.yml")
	f.Fuzz(func(t *testing.T, text string) {
		paths := strings.Split(text, "\n")
		l := NewFinder(nil, nil).Find(paths)
		for _, x := range l.Files {
			if x.Environment == "" || !slices.Contains(paths, x.Path) {
				t.Fatalf("Find(%q) = %+v", paths, x)
			}
		}
	})
}

func BenchmarkFindInALargeRepository(b *testing.B) {
	var paths []string
	for i := range 50_000 {
		paths = append(paths, fmt.Sprintf("services/s%d/src/main/java/com/acme/File%d.java", i%500, i))
	}
	for i := range 3_000 {
		paths = append(paths, fmt.Sprintf("services/s%d/config/production.yml", i), fmt.Sprintf("services/s%d/config/dev.yml", i), fmt.Sprintf("services/s%d/config/default.yml", i))
	}
	f := NewFinder(nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		f.Find(paths)
	}
}

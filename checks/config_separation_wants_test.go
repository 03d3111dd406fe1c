package checks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestConfigSeparationAsksForNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	config := shopTree{"config/development.yml": "host: db.dev.acme-corp.com\n", "config/production.yml": "host: db.prod.acme-corp.com\n", "other/x.yml": "a: 1\n"}
	with := func(more shopTree) shopTree {
		out := shopTree{}
		for k, v := range config {
			out[k] = v
		}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	tests := map[string]struct {
		head         shopTree
		edit         func(*policy.ConfigSeparation)
		paths, texts bool
		lines        int
	}{
		"documents":                       {with(shopTree{"README.md": "db.prod.acme-corp.com", "docs/a.md": "x"}), nil, false, false, 0},
		"tests":                           {with(shopTree{"a_test.go": "x", "test/b.py": "y"}), nil, false, false, 0},
		"code that holds nothing of note": {with(shopTree{"a.go": "package a\n"}), nil, true, false, 1},
		"code that holds a host":          {with(shopTree{"a.go": "x := \"some.host.acme-corp.com\"\n"}), nil, true, true, 1},
		"configuration of an environment": {with(shopTree{"config/production.yml": "host: db.prod.acme-corp.com\na: 1\n"}), nil, true, true, 1},
		"configuration, but parity and mixing are off": {with(shopTree{"config/production.yml": "a: 1\n"}), func(c *policy.ConfigSeparation) { c.Parity, c.Mixing = policy.Off, policy.Off }, false, false, 1},
		"all is off": {with(shopTree{"a.go": "x := \"some.host.acme-corp.com\"\n"}), func(c *policy.ConfigSeparation) { c.Parity, c.Mixing, c.BakedIn = policy.Off, policy.Off, policy.Off }, false, false, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := withConfig(tt.edit)
			_, f := separated(t, p, config, tt.head)
			lines := 0
			for _, c := range f.Files {
				if c.Read {
					lines++
				}
			}
			if f.Listed != tt.paths || (len(f.Texts) > 0) != tt.texts || lines != tt.lines {
				t.Errorf("asked for paths %v, %d texts, %d files' lines; want %v, %v, %d", f.Listed, len(f.Texts), lines, tt.paths, tt.texts, tt.lines)
			}
			for _, path := range f.Paths {
				if path == "other/x.yml" {
					t.Errorf("asked for %s, which is nobody's configuration", path)
				}
			}
		})
	}
}

func TestConfigSeparationWithGapsIsNeverAPass(t *testing.T) {
	t.Parallel()
	base := shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 1\n", "a.go": ""}
	head := shopTree{"config/development.yml": "a: 1\n", "config/production.yml": "a: 2\n", "a.go": "x := \"some.host.acme-corp.com\"\n"}
	tests := map[string]struct {
		spoil func(*Facts)
		want  Outcome
	}{
		"no list of files": {func(f *Facts) { f.Gaps = append(f.Gaps, Gap{"files", "cut off"}) }, Unknown},
		"no paths":         {func(f *Facts) { f.Listed, f.Paths = false, nil; f.Gaps = append(f.Gaps, Gap{"paths", "502"}) }, Unknown},
		"not listed yet":   {func(f *Facts) { f.Listed = false }, Unknown},
		"no lines":         {func(f *Facts) { f.Files[0].Read = false; f.Gaps = append(f.Gaps, Gap{"lines", "502"}) }, Unknown},
		"no text of a sibling": {func(f *Facts) {
			f.Texts = f.Texts[:1]
			f.Gaps = append(f.Gaps, Gap{"text:config/production.yml", "502"})
		}, Unknown},
		"lines withheld, unread": {func(f *Facts) { f.Files[0].Read, f.Files[0].Cut = false, true }, Unknown},
		"lines withheld, too large to read": {func(f *Facts) {
			f.Files[0].Read, f.Files[0].Cut = false, true
			f.Texts = append(f.Texts, Text{Side: Head, Path: "a.go", Kind: "large"}, Text{Side: Base, Path: "a.go"})
		}, Fail},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := withConfig(nil)
			_, f := separated(t, p, base, head)
			tt.spoil(f)
			v := conclude("config-separation", judgeConfigSeparation(p, f).Findings, "", "")
			if v.Outcome != tt.want {
				t.Errorf("verdict = %v %q, want %v", v.Outcome, v.Reason, tt.want)
			}
		})
	}
}

func TestLinesThatTheForgeWithholdsAreComparedFromTheTexts(t *testing.T) {
	t.Parallel()
	p := withConfig(func(c *policy.ConfigSeparation) { c.Hosts = []string{"*.acme.internal"} })
	f := &Facts{Change: &Change{}, Listed: true, Files: []File{{Path: "a.go", Status: "modified", Additions: 1, Cut: true}}}
	w := &Wants{}
	wantConfigSeparation(p, f, w)
	if len(w.Texts) != 2 || w.Lines != nil {
		t.Fatalf("wanted %+v, want the texts of both sides", w)
	}
	fulfil(f, w, shopTree{"a.go": "a\nb\n"}, shopTree{"a.go": "a\nx := \"db.acme.internal\"\nb\n"})
	r := judgeConfigSeparation(p, f)
	if got, want := inShort(r.Findings), "fail a.go:2 a.go:2 names a host that the policy keeps out of code (*.acme.internal).\n"; got != want {
		t.Errorf("findings = %s, want %s", got, want)
	}
}

func TestMixing(t *testing.T) {
	t.Parallel()
	on := func(c *policy.ConfigSeparation) { c.Mixing = policy.Advise }
	tests := map[string]separationCase{
		"code and configuration": {
			base: shopTree{"config/production.yml": "a: 1\n"}, head: shopTree{"config/production.yml": "a: 2\n", "a.go": "package a\n"}, edit: on,
			want: "advise config/production.yml:1 Code and the configuration of production change together (config/production.yml, a.go).\n",
		},
		"configuration and documents, tests and a changelog": {
			base: shopTree{"config/production.yml": "a: 1\n"}, head: shopTree{"config/production.yml": "a: 2\n", "a_test.go": "package a\n", "README.md": "x", "CHANGELOG.md": "y"}, edit: on,
		},
		"code and what all environments share": {
			base: shopTree{"application.yml": "a: 1\n", "application-prod.yml": "a: 1\n"}, head: shopTree{"application.yml": "a: 2\n", "application-prod.yml": "a: 1\n", "a.go": "package a\n"}, edit: on,
		},
		"enforced": {
			base: shopTree{".env.production": "A=1\n"}, head: shopTree{".env.production": "A=2\n", "src/a.js": "x\n"},
			edit: func(c *policy.ConfigSeparation) { c.Mixing = policy.Enforce },
			want: "fail .env.production:1 Code and the configuration of production change together (.env.production, src/a.js).\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, tt.run)
	}
}

func TestConfigurationThatIsRenamedKeepsItsOldGaps(t *testing.T) {
	t.Parallel()
	p := withConfig(nil)
	f := &Facts{Change: &Change{}, Listed: true, Paths: []string{"config/dev.yml", "config/prod.yml"}, Files: []File{
		{Path: "config/dev.yml", Old: "conf/dev.yml", Status: "renamed"}, {Path: "config/prod.yml", Old: "conf/prod.yml", Status: "renamed"},
	}}
	w := &Wants{}
	wantConfigSeparation(p, f, w)
	fulfil(f, w, shopTree{"conf/dev.yml": "a: 1\nb: 1\n", "conf/prod.yml": "a: 1\n"}, shopTree{"config/dev.yml": "a: 1\nb: 1\n", "config/prod.yml": "a: 1\n"})
	if got, want := inShort(judgeConfigSeparation(p, f).Findings), "pass :0 1 key was missing in some environment before this change too.\n"; got != want {
		t.Errorf("findings = %s, want %s", got, want)
	}
}

func TestConfigurationMovedAwayCounts(t *testing.T) {
	t.Parallel()
	p := withConfig(nil)
	f := &Facts{Change: &Change{}, Listed: true, Paths: []string{"config/dev.yml"}, Files: []File{{Path: "attic/x.yml", Old: "config/prod.yml", Status: "renamed"}}}
	p.ConfigSeparation.Environments = []policy.EnvFiles{{Name: "dev", Paths: policy.Globs{"config/dev.yml"}}, {Name: "prod", Paths: policy.Globs{"config/prod.yml"}}}
	w := &Wants{}
	wantConfigSeparation(p, f, w)
	fulfil(f, w, shopTree{"config/dev.yml": "a: 1\n", "config/prod.yml": "a: 1\n"}, shopTree{"config/dev.yml": "a: 1\n", "attic/x.yml": "a: 1\n"})
	got := inShort(judgeConfigSeparation(p, f).Findings)
	if want := "fail :0 prod loses config/prod.yml, while dev keeps theirs.\n"; got != want {
		t.Errorf("findings = %s, want %s", got, want)
	}
}

func TestInspectConfig(t *testing.T) {
	t.Parallel()
	files := shopTree{
		"config/development.yml": "host: db.dev.acme-corp.com\nx: 1\n",
		"config/production.yml":  "host: db.prod.acme-corp.com\n",
		"a.go":                   "package a\nconst h = \"db.prod.acme-corp.com\"\nif env == \"production\" {\n",
		"a_test.go":              "const h = \"db.prod.acme-corp.com\"\n",
	}
	all := map[string]bool{}
	for p := range files {
		all[p] = true
	}
	r := InspectConfig(withConfig(nil), pathsOf(all), func(p string) (string, bool) { return files[p], true })
	want := "{map[development:[config/development.yml] production:[config/production.yml]] " +
		"[{production x [development] [config/production.yml config/development.yml]}] " +
		"[{a.go 2 value a.go:2 holds a value of production: that of host in config/production.yml.} {a.go 3 branch a.go:3 branches on the environment's name (production).}]}"
	if got := fmt.Sprint(r); got != want {
		t.Errorf("InspectConfig = %s\nwant %s", got, want)
	}
}

// ordinary is a change of 30 files of code beside configuration that it leaves alone.
func ordinary() (base, head shopTree) {
	base, head = shopTree{}, shopTree{}
	for _, e := range []string{"development", "staging", "production"} {
		text := strings.Repeat("key-"+e+": https://api."+e+".acme-corp.com/path\n", 1)
		base["config/"+e+".yml"], head["config/"+e+".yml"] = text, text
	}
	code := "	if err := store.Put(ctx, key, value); err != nil {\n		return fmt.Errorf(\"put %q: %w\", key, err)\n	}\n	results = append(results, build(token, options...))\n"
	for i := range 30 {
		head[fmt.Sprintf("pkg/file%d.go", i)] = strings.Repeat(code, 5)
	}
	return base, head
}

func BenchmarkConfigSeparation(b *testing.B) {
	base, head := ordinary()
	p := withConfig(func(c *policy.ConfigSeparation) { c.Mixing = policy.Advise })
	_, f := separated(b, p, base, head)
	b.ReportAllocs()
	for b.Loop() {
		w := &Wants{}
		wantConfigSeparation(p, f, w)
		judgeConfigSeparation(p, f)
	}
}

// BenchmarkConfigSeparationLarge is 3,000 files, each with values, against 60 files of configuration.
func BenchmarkConfigSeparationLarge(b *testing.B) {
	base, head := shopTree{}, shopTree{}
	for i := range 30 {
		for _, e := range []string{"development", "production"} {
			var text strings.Builder
			for k := range 100 {
				fmt.Fprintf(&text, "key%d: https://host%d-%d.%s.acme-corp.com/\n", k, i, k, e)
			}
			path := fmt.Sprintf("services/s%d/config/%s.yml", i, e)
			base[path], head[path] = text.String(), text.String()
		}
	}
	for i := range 3000 {
		head[fmt.Sprintf("pkg/file%d.go", i)] = strings.Repeat(fmt.Sprintf("	x := \"https://host%d-%d.production.acme-corp.com/\"\n	y := call(x, \"https://other.acme-corp.com\")\n", i%30, i%100), 3)
	}
	p := withConfig(nil)
	_, f := separated(b, p, base, head)
	b.ReportAllocs()
	for b.Loop() {
		judgeConfigSeparation(p, f)
	}
}

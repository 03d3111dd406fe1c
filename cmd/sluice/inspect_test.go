package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// compact is JSON without the white space between its words.
func compact(tb testing.TB, s string) string {
	tb.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(s))
	if err := d.Decode(&v); err != nil {
		tb.Fatalf("%v in %q", err, s)
	}
	b, err := json.Marshal(v) // sorts keys
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func inspected(tb testing.TB) *repository {
	tb.Helper()
	r := newRepository(tb)
	r.commit("feat: a shop", map[string]string{
		"CHANGELOG.md":         "# Changelog\n\n## [Unreleased]\n\n- Cards.\n- Coins.\n\n## [1.2.0] - 2026-01-01 [YANKED]\n\n- A basket.\n\n## [1.1.0] - 2025-12-01\n\n- A till.\n",
		"changelog.d/1.fix.md": "A fix.\n", "config/production.yml": "payments:\n  url: https://pay.prod.acme.internal/v2\n  key: k\n", "config/development.yml": "payments:\n  url: http://localhost:1\n",
		"pay.go": "package shop\n\nconst url = \"https://pay.prod.acme.internal/v2\"\n",
	})
	r.tag("v1.0.0", "v1.0.1", "v1.1.0", "v1.2.0", "v1", "vNext")
	return r
}

func TestInspectKeepsThePinnedShapes(t *testing.T) {
	t.Parallel()
	r := inspected(t)
	empty := newRepository(t)
	empty.commit("feat: begin", map[string]string{"a": "a\n"})
	file := writeFiles(t, map[string]string{"NEWS": "1.2.0\n=====\n\n* A basket.\n"})
	for name, c := range map[string]struct {
		stdin string
		args  []string
		want  string
	}{
		"changelog": {"", []string{"changelog", "--repo", r.dir},
			`{"files":[{"latest":"1.2.0","path":"CHANGELOG.md","style":"keep-a-changelog","unreleased":{"entries":2,"line":3},` +
				`"versions":[{"date":"2026-01-01","line":8,"version":"1.2.0","yanked":true},{"date":"2025-12-01","line":12,"version":"1.1.0","yanked":false}]}],"fragments":["changelog.d/1.fix.md"]}`},
		"changelog where there is none": {"", []string{"changelog", "--repo", empty.dir}, `{"files":[],"fragments":[]}`},
		"tags": {"", []string{"tags", "--repo", r.dir},
			`{"groups":[{"highest":"v1.2.0","next":{"major":"v2.0.0","minor":"v1.3.0","patch":"v1.2.1"},"prefix":"v","scheme":"semver","tags":4}],` +
				`"invalid":[{"reason":"…","tag":"vNext"}],"moving":["v1"]}`},
		"tags where there are none": {"", []string{"tags", "--repo", empty.dir}, `{"groups":[],"invalid":[],"moving":[]}`},
		"tags proposed, from stdin too": {"v1.2.0\n\n  v0.9.0  \r\n1.3.0\n", []string{"tags", "--repo", r.dir, "--propose", "v1.3.0", "--propose", "-", "--propose", "v1..3"},
			`{"proposals":[{"reason":"…","tag":"v1.3.0","verdict":"ok"},{"reason":"…","tag":"v1.2.0","verdict":"used"},{"reason":"…","tag":"v0.9.0","verdict":"not-increasing"},` +
				`{"reason":"…","tag":"1.3.0","verdict":"style-mismatch"},{"reason":"…","tag":"v1..3","verdict":"malformed"}]}`},
		"tags proposed, none on stdin": {"", []string{"tags", "--repo", r.dir, "--propose", "-"}, `{"proposals":[]}`},
		"config": {"", []string{"config", "--repo", r.dir},
			`{"baked_in":[{"kind":"value","line":3,"message":"…","path":"pay.go"}],"environments":{"development":["config/development.yml"],"production":["config/production.yml"]},` +
				`"missing":[{"environment":"development","files":["config/development.yml","config/production.yml"],"key":"payments.key","present_in":["production"]}]}`},
		"config where there is none": {"", []string{"config", "--repo", empty.dir}, `{"baked_in":[],"environments":{},"missing":[]}`},
		"a commit of before":         {"", []string{"changelog", "--repo", r.dir, "--rev", "v1.1.0"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := sluice(t, c.stdin, append(append([]string{"inspect"}, c.args...), "--json")...)
			if got.code != exitOpen || got.errors != "" {
				t.Fatalf("inspect %q = %+v, want 0", c.args, got)
			}
			if have := hush(compact(t, got.out)); c.want != "" && have != c.want {
				t.Errorf("inspect %q =\n%s\nwant\n%s", c.args, have, c.want)
			}
		})
	}
	got := sluice(t, "", "inspect", "changelog", "--json", "--file", filepath.Join(file, "NEWS"))
	if want := `"latest":"1.2.0"`; got.code != exitOpen || !strings.Contains(compact(t, got.out), want) {
		t.Errorf("inspect changelog --file = %+v, want %s", got, want)
	}
}

var reasons = regexp.MustCompile(`"(reason|message)":"(?:[^"\\]|\\.)+"`)

// hush leaves reasons and messages out: their words may change, that they are there may not.
func hush(s string) string { return reasons.ReplaceAllString(s, `"$1":"…"`) }

func TestInspectForPeople(t *testing.T) {
	t.Parallel()
	r := inspected(t)
	for what, wants := range map[string][]string{
		"changelog": {"CHANGELOG.md", "keep-a-changelog", "latest 1.2.0", "2 versions", "2 unreleased entries at line 3", "changelog.d/1.fix.md  fragment"},
		"tags":      {`prefix "v"`, "highest v1.2.0", "next v1.2.1, v1.3.0 or v2.0.0", "invalid", "vNext", "moving"},
		"config":    {"production", "config/production.yml", "development lacks payments.key", "pay.go:3"},
	} {
		got := sluice(t, "", "inspect", what, "--repo", r.dir)
		for _, want := range wants {
			if got.code != exitOpen || !strings.Contains(got.out, want) {
				t.Errorf("inspect %s = %+v, want %q in it", what, got, want)
			}
		}
	}
}

// TestInspectSendsNoControlCharacters shows names that try to draw over the terminal, or to read backwards.
func TestInspectSendsNoControlCharacters(t *testing.T) {
	t.Parallel()
	const evil = "a\x1b[2J\n\u202eb\x07\tc"
	r := newRepository(t)
	r.commit("feat: a shop", map[string]string{
		evil + "/CHANGELOG.md": kept, "changelog.d/" + evil + ".md": "- A fix.\n",
		"config/" + evil + "/production.yml": "a: 1\n\"k\\x1b[2J\": 2\n", "config/" + evil + "/development.yml": "a: 1\n",
	})
	r.tag("v1.0.0", "x\u202e1", "v1\u009b2")
	for _, args := range [][]string{{"changelog"}, {"tags"}, {"config"}, {"tags", "--propose", evil}} {
		got := sluice(t, "", append([]string{"inspect", args[0], "--repo", r.dir}, args[1:]...)...)
		if got.code != exitOpen || got.out == "" {
			t.Errorf("inspect %q = %+v, want 0 and something said", args, got)
		}
		for _, c := range got.out + got.errors {
			if c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
				t.Errorf("inspect %q sends %q:\n%q", args, c, got.out)
				break
			}
		}
	}
	if got := sluice(t, "", "init", "--repo", r.dir, "--print"); got.code != exitOpen || strings.ContainsAny(got.out, "\x1b\u202e\x07") {
		t.Errorf("init --print = %+v, want 0 and no control characters", got)
	}
}

func TestInspectSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.commit("feat: a shop", map[string]string{".sluice.yml": "version: 1\nchangelgo: {}\n"})
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing asked":            {nil, "usage: sluice inspect"},
		"something like none":      {[]string{"changelogs"}, "usage: sluice inspect"},
		"an argument too many":     {[]string{"tags", "x"}, "one argument too many"},
		"a commit that is none":    {[]string{"tags", "--repo", r.dir, "--rev", "nowhere"}, `there is no commit "nowhere" here`},
		"no repository":            {[]string{"config", "--repo", t.TempDir()}, "not a git repository"},
		"a broken policy":          {[]string{"config", "--repo", r.dir}, ".sluice.yml:2:1"},
		"a file that is not there": {[]string{"changelog", "--file", "/nowhere"}, "no such file"},
		"a folder as a file":       {[]string{"changelog", "--file", t.TempDir()}, "directory"},
	} {
		if got := sluice(t, "", append([]string{"inspect"}, c.args...)...); got.code != exitFailed || !strings.Contains(got.errors, c.want) || got.out != "" {
			t.Errorf("%s: inspect %q = %+v, want 2 and %q", name, c.args, got, c.want)
		}
	}
	for _, args := range [][]string{{"inspect", "--help"}, {"inspect", "tags", "--help"}} {
		if got := sluice(t, "", args...); got.code != exitOpen {
			t.Errorf("sluice %q = %+v, want 0", args, got)
		}
	}
}

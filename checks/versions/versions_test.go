package versions

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Masterminds/semver/v3"
)

var today = time.Date(2026, 8, 5, 0, 0, 0, 0, time.UTC) // in week 32

func must(t testing.TB, name, pattern string) Scheme {
	t.Helper()
	s, err := ParseScheme(name, pattern)
	if err != nil {
		t.Fatalf("ParseScheme(%q, %q): %v", name, pattern, err)
	}
	return s
}

func TestParseSaysWhatIsMalformed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ scheme, text, want string }{
		"SemVer":                        {"semver", "1.2.3", ""},
		"SemVer with everything":        {"semver", "1.2.3-rc.1+build.5", ""},
		"two numbers":                   {"semver", "1.2", "two numbers"},
		"four numbers":                  {"semver", "1.2.3.4", "four numbers"},
		"a zero before a number":        {"semver", "1.02.3", "1.2.3 would do"},
		"no hyphen":                     {"semver", "1.2.3rc1", "like 1.2.3-rc.1"},
		"a dot before the prerelease":   {"semver", "1.2.3.beta2", "like 1.2.3-beta.2"},
		"a zero before a numeric id":    {"semver", "1.2.3-01", "malformed"},
		"an empty id":                   {"semver", "1.2.3-a..b", "malformed"},
		"a v":                           {"semver", "v1.2.3", "the v is part of the tag"},
		"nothing":                       {"semver", "", "empty"},
		"a word":                        {"semver", "latest", "like 1.4.0"},
		"a number without end":          {"semver", "1.2." + strings.Repeat("9", 30), "like 1.4.0"},
		"underscores":                   {"semver", "1_2_3", "instead of dots"},
		"CalVer":                        {"calver:YYYY.MM.MICRO", "2026.8.0", ""},
		"CalVer with a modifier":        {"calver:YYYY.MM.MICRO", "2026.8.0-rc.1", ""},
		"CalVer with a Python modifier": {"calver:YY.MM.MICRO-MODIFIER", "26.8.0b1", ""},
		"CalVer without MICRO":          {"calver:YYYY.MM.MICRO", "2026.8", "no MICRO"},
		"CalVer with a padded month":    {"calver:YYYY.MM.MICRO", "2026.08.0", "MM has no zero before it"},
		"CalVer with a bare month":      {"calver:YYYY.0M.MICRO", "2026.8.0", "0M has two digits"},
		"CalVer with month 13":          {"calver:YYYY.MM.MICRO", "2026.13.0", "no month 13"},
		"CalVer with month 0":           {"calver:YYYY.0M.0D", "2026.00.01", "no month 0"},
		"CalVer with February 30":       {"calver:YYYY-0M-0D", "2026-02-30", "month 2 has no day 30"},
		"CalVer with February 29":       {"calver:YYYY-0M-0D", "2024-02-29", ""},
		"CalVer without separators":     {"calver:YYYY0M0D.MICRO", "20260805.1", ""},
		"CalVer with a short year":      {"calver:YYYY.MICRO", "26.1", "four digits"},
		"CalVer with week 54":           {"calver:YYYY.WW", "2026.54", "no week 54"},
		"CalVer with a zero year":       {"calver:0Y.0W", "06.07", ""},
		"CalVer followed by more":       {"calver:YYYY.MM", "2026.8.1", "follows it"},
		"CalVer with the year 2106":     {"calver:YY.MM", "106.1", ""},
		"a pattern":                     {`regexp:(\d+)-(\d+)`, "4-12", ""},
		"a pattern that does not match": {`regexp:(\d+)-(\d+)`, "4-12x", "does not match"},
		"a pattern with alternatives":   {`regexp:a(\d+)|b(\d+)`, "xa1", "does not match"},
		"a pattern without numbers":     {`regexp:r(?P<pre>[a-z]+)`, "rx", "no number"},
		"a pattern with a huge number":  {`regexp:r(\d+)`, "r" + strings.Repeat("9", 40), "too large"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := must(t, test.scheme, "").Parse(test.text)
			if got := fmt.Sprint(err); (err == nil) != (test.want == "") || err != nil && !strings.Contains(got, test.want) {
				t.Errorf("%s.Parse(%q) = %v, want %q", test.scheme, test.text, err, test.want)
			}
		})
	}
}

func TestParseSchemeRefuses(t *testing.T) {
	t.Parallel()
	for scheme, want := range map[string]string{
		"sember": "none of", "semver:x": "nothing after it", "calver:": "needs one", "calver:MM.DD": "needs a year", "calver:MM.YYYY": "do not sort",
		"calver:YYYY.YY": "twice", "calver:YYYY.MAJORMINOR": "where MAJOR ends", "calver:YYYY.WW.DD": "weeks go with neither", "calver:YYYY.DD": "needs its month",
		"calver:YYYY.MODIFIER.MM": "must come last", "calver:YYYY/MM": "no token", "calver:.YYYY": "none before the first", "calver:YYYY..MM": "one separator",
		"regexp": "needs a pattern", "regexp:(": "missing closing", "regexp:v1": "groups", "regexp:(" + strings.Repeat("a", 2000) + ")": "longer than",
	} {
		if _, err := ParseScheme(scheme, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseScheme(%.40q) = %v, want %q", scheme, err, want)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for scheme, list := range map[string]string{ // each lower than the next
		"semver":             "0.9.9 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0-rc9 1.0.0-rc10 1.0.0 1.0.10 1.9.0 1.10.0 10.0.0",
		"calver:YY.MM.MICRO": "9.12.3 26.1.0b1 26.1.0b2 26.1.0 26.1.1 26.1.1.post1 26.2.0 26.10.0 106.1.0",
		"calver:YYYY-0M-0D":  "2018-05-18 2018-05-18a 2018-05-18b 2018-06-01 2018-06-01-a",
		`regexp:(?P<major>\d+)_(?P<minor>\d+)(?:_(?P<patch>\d+))?(?P<pre>rc\d+)?`: "1_2rc1 1_2rc10 1_2 1_2_1 1_10 2_0",
		`regexp:(\d+)(post\d+)?`: "7 7post1 7post2 8",
	} {
		s := must(t, scheme, "")
		var all []Version
		for _, text := range strings.Fields(list) {
			v, err := s.Parse(text)
			if err != nil {
				t.Fatalf("%s.Parse(%q): %v", scheme, text, err)
			}
			all = append(all, v)
		}
		for i, a := range all {
			for k, b := range all {
				want := 0
				if i != k {
					want = sign(i < k)
				}
				if got := a.Compare(b); got != want {
					t.Errorf("%s: %q.Compare(%q) = %d, want %d", scheme, a.Text, b.Text, got, want)
				}
			}
		}
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ scheme, highest, patch, minor, major string }{
		{"semver", "", "0.1.0", "0.1.0", "1.0.0"},
		{"semver", "1.2.3", "1.2.4", "1.3.0", "2.0.0"},
		{"semver", "0.2.3", "0.2.4", "0.3.0", "1.0.0"},
		{"semver", "1.0.0-rc.1", "1.0.0", "1.0.0", "1.0.0"},
		{"semver", "1.3.0-rc.1", "1.3.0", "1.3.0", "2.0.0"},
		{"semver", "1.3.1-rc.1", "1.3.1", "1.4.0", "2.0.0"},
		{"calver:YYYY.MM.MICRO", "", "2026.8.0", "2026.8.0", "2026.8.0"},
		{"calver:YYYY.MM.MICRO", "2026.7.3", "2026.8.0", "2026.8.0", "2026.8.0"},
		{"calver:YYYY.MM.MICRO", "2026.8.3", "2026.8.4", "2026.8.4", "2026.8.4"},
		{"calver:YYYY.MM.MICRO", "2026.9.0", "2026.9.1", "2026.9.1", "2026.9.1"},
		{"calver:YYYY.MM.MICRO", "2025.12.0", "2026.8.0", "2026.8.0", "2026.8.0"},
		{"calver:YY.0M.MICRO", "26.08.0-rc.1", "26.08.0", "26.08.0", "26.08.0"},
		{"calver:YYYY.0M.0D", "2026.08.04", "2026.08.05", "2026.08.05", "2026.08.05"},
		{"calver:YYYY.0M.0D", "2026.08.05", "", "", ""},
		{"calver:YYYY.MINOR.MICRO", "2026.2.1", "2026.2.2", "2026.3.0", "2026.3.0"},
		{"calver:YYYY.MINOR.MICRO", "2025.2.1", "2026.0.0", "2026.0.0", "2026.0.0"},
		{"calver:MAJOR.YYYY0M0D.MICRO", "3.20260805.0", "3.20260805.1", "3.20260805.1", "4.20260805.0"},
		{"calver:YYYY.WW.MICRO", "2026.31.4", "2026.32.0", "2026.32.0", "2026.32.0"},
		{"calver:0Y.0W", "06.07", "26.32", "26.32", "26.32"},
		{`regexp:(\d+)`, "41", "42", "42", "42"},
		{`regexp:(\d+)\.(\d+)(?:\.(\d+))?`, "1.7", "1.7.1", "1.8", "2.0"},
		{`regexp:(\d+)\.(\d+)\.(\d+)\.(\d+)`, "1.2.3.4", "1.2.3.5", "1.3.0.0", "2.0.0.0"},
		{`regexp:build-(\d+)-(?P<pre>rc\d+)?`, "build-041-", "build-042-", "build-042-", "build-042-"},
		{`regexp:([0-4])\.(\d)`, "4.9", "", "", ""},
	} {
		s := must(t, test.scheme, "")
		v := Version{}
		if test.highest != "" {
			var err error
			if v, err = s.Parse(test.highest); err != nil {
				t.Fatal(err)
			}
		}
		got := [3]string{s.Next(v, Patch, today), s.Next(v, Minor, today), s.Next(v, Major, today)}
		if want := [3]string{test.patch, test.minor, test.major}; got != want {
			t.Errorf("%s: Next after %q = %q, want %q", test.scheme, test.highest, got, want)
		}
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ template, tag, version string }{
		{"v{version}", "v1.2.3", "1.2.3"}, {"{version}", "1.2.3", "1.2.3"}, {"@scope/pkg@{version}", "@scope/pkg@1.2.3", "1.2.3"},
		{"pkg/v{version}", "pkg/v1.2.3", "1.2.3"}, {"release-{version}", "release-1.2.3", "1.2.3"}, {"rel_{version}", "rel_1.2.3", "1.2.3"},
		{"{version}-final", "1.2.3-final", "1.2.3"}, {"v{version}", "1.2.3", ""}, {"v{version}", "v", ""},
	} {
		template, err := ParseTemplate(test.template)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := template.Version(test.tag)
		if got != test.version || ok != (test.version != "") {
			t.Errorf("%s: Version(%q) = %q, %v, want %q", test.template, test.tag, got, ok, test.version)
		}
		if ok && template.Tag(got) != test.tag {
			t.Errorf("%s: Tag(%q) = %q, want %q", test.template, got, template.Tag(got), test.tag)
		}
	}
	for _, bad := range []string{"", "v1", "{version}{version}", "{name}-{version}", "a b{version}", "-{version}", "{version}.lock", "a..{version}", "~{version}"} {
		if _, err := ParseTemplate(bad); err == nil {
			t.Errorf("ParseTemplate(%q) = nil, want an error", bad)
		}
	}
}

func TestPatternOfTheWholeTag(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		tag, pattern, name string
		want               bool
	}{
		{"", `release-(\d+)`, "release-7", true}, {"", `^v(\d+)\.(\d+)$`, "v1.2", true}, {"", `(\d+)\.(\d+)`, "v1.2", true},
		{"", `(\d+)`, "7", false}, {"r{version}", `x(\d+)`, "rx7", true}, {"r{version}", `x(\d+)`, "x7", false},
	} {
		l, err := NewLine(test.tag, "regexp", test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if _, mine, err := l.Parse(test.name); (mine && err == nil) != test.want {
			t.Errorf("NewLine(%q, %q).Parse(%q) = %v, %v, want %v", test.tag, test.pattern, test.name, mine, err, test.want)
		}
	}
}

func TestDialect(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ scheme, file, text, want string }{
		{"semver", "pyproject.toml", "1.3.0rc1", "1.3.0-rc.1"}, {"semver", "x.gemspec", "1.3.0.pre.2", "1.3.0-pre.2"}, {"semver", "package.json", "1.3.0rc1", ""},
		{"semver", "pyproject.toml", "1.3rc1", ""}, {"semver", "pyproject.toml", "1.3.0.post1", ""}, {"calver:YYYY.0M.MICRO", "package.json", "2024.5.1", "2024.05.1"},
		{"calver:YYYY.0M.MICRO", "package.json", "2024.13.1", ""}, {"calver:YYYY.0M.0D", "x", "2024.5.1-rc.1", "2024.05.01-rc.1"},
	} {
		v, ok := must(t, test.scheme, "").Dialect(test.text, Unhyphenated(test.file))
		if ok != (test.want != "") || ok && v.Text != test.want {
			t.Errorf("%s: Dialect(%q of %s) = %q, %v, want %q", test.scheme, test.text, test.file, v.Text, ok, test.want)
		}
	}
}

func FuzzSemverAgainstMasterminds(f *testing.F) {
	for _, s := range []string{"1.2.3", "1.2.3-rc.1+b", "01.2.3", "1.2", "1.2.3-01", "1.2.3-", "1.2.3+", "1.2.3-a-b.c", "1.2.3rc1"} {
		f.Add(s, "1.2.3-alpha")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		v, err := parseSemver(a)
		m, bad := semver.StrictNewVersion(a)
		if (err == nil) != (bad == nil) {
			t.Fatalf("parseSemver(%q) = %v, Masterminds: %v", a, err, bad)
		}
		w, err2 := parseSemver(b)
		if err != nil || err2 != nil {
			return
		}
		if c := w.Compare(v); c != -v.Compare(w) {
			t.Errorf("Compare(%q, %q) = %d and %d", a, b, v.Compare(w), c)
		}
		n, _ := semver.StrictNewVersion(b)
		if got, want := v.Compare(w), m.Compare(n); got != want && (plainWords(a) && plainWords(b)) {
			t.Errorf("Compare(%q, %q) = %d, Masterminds %d", a, b, got, want)
		}
		if next, err := parseSemver(Scheme{}.Next(v, Patch, today)); v.nums[2] < 1<<63 && (err != nil || next.Compare(v) <= 0) {
			t.Errorf("Next(%q) = %q, %v, want a higher version", a, next.Text, err)
		}
	})
}

// plainWords says that no identifier mixes letters, digits and hyphens, where the order here is another by intent.
func plainWords(s string) bool {
	_, pre, _ := strings.Cut(s, "-")
	pre, _, _ = strings.Cut(pre, "+")
	return !slices.ContainsFunc(strings.Split(pre, "."), func(id string) bool {
		return strings.Trim(id, "0123456789") != "" && strings.ContainsAny(id, "-0123456789")
	})
}

func FuzzCalver(f *testing.F) {
	for _, format := range []string{"YYYY.MM.MICRO", "YY.0M", "0Y.0W.MICRO", "YYYY0M0D", "MAJOR.YYYY0M0D.MICRO-MODIFIER", "YYYY-MM-DD", "YYYY.MINOR.MICRO"} {
		f.Add(format, "2026.8.1", int64(1785900000))
	}
	f.Fuzz(func(t *testing.T, format, text string, seconds int64) {
		s, err := ParseScheme("calver:"+format, "")
		if err != nil {
			return
		}
		at := time.Unix(seconds%(1<<32), 0).UTC()
		v, err := s.Parse(text)
		if err != nil {
			v = Version{}
		} else if v.Compare(v) != 0 {
			t.Errorf("%q is not equal to itself", text)
		}
		for _, level := range []Level{Patch, Minor, Major} {
			next := s.Next(v, level, at)
			if next == "" || v.nums[0] > 1<<62 || at.Year() < 2001 {
				continue
			}
			w, err := s.Parse(next)
			if err != nil || !v.Zero() && w.Compare(v) <= 0 && v.phase != after {
				t.Errorf("%s: Next(%q, %v, %v) = %q, %v, want a higher version", s, text, level, at, next, err)
			}
		}
	})
}

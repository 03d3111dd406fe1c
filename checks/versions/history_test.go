package versions

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// list makes tags of names; "name=commit" gives a commit, "name@2024-05" the month it was tagged in.
func list(names string) []Tag {
	var tags []Tag
	for _, name := range strings.Fields(names) {
		var t Tag
		if i := strings.LastIndex(name, "~"); i > 0 {
			t.At, _ = time.Parse("2006-01", name[i+1:])
			t.At, name = t.At.AddDate(0, 0, 9), name[:i]
		}
		t.Name, t.Commit, _ = strings.Cut(name, "=")
		tags = append(tags, t)
	}
	return tags
}

func TestReport(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ tags, want string }{
		"plain SemVer":                      {"v1.2.3 v1.2.4 v1.3.0-rc.1", "v semver v1.2.4 [v1.2.5 v1.3.0 v2.0.0]"},
		"no tags":                           {"", ""},
		"only prereleases":                  {"v1.0.0-rc.1 v1.0.0-rc.2", "v semver  [v1.0.0 v1.0.0 v1.0.0]"},
		"components by prefix":              {"api/v1.0.0 api/v1.1.0 @acme/web@2.0.0 lib-0.1.0", "@acme/web@ semver @acme/web@2.0.0 [@acme/web@2.0.1 @acme/web@2.1.0 @acme/web@3.0.0]; api/v semver api/v1.1.0 [api/v1.1.1 api/v1.2.0 api/v2.0.0]; lib- semver lib-0.1.0 [lib-0.1.1 lib-0.2.0 lib-1.0.0]"},
		"a digit in the prefix":             {"log4j-2.17.1 log4j-2.17.2 pgxv5/v0.1.0", "log4j- semver log4j-2.17.2 [log4j-2.17.3 log4j-2.18.0 log4j-3.0.0]; pgxv5/v semver pgxv5/v0.1.0 [pgxv5/v0.1.1 pgxv5/v0.2.0 pgxv5/v1.0.0]"},
		"moving majors and names":           {"v1 v1.0.0 v1.1.0 v2 v2.0.0 latest cli-nightly 1.x", "v semver v2.0.0 [v2.0.1 v2.1.0 v3.0.0] moving 1.x,cli-nightly,latest,v1,v2"},
		"a moving minor by its .0":          {"v1.2 v1.2.0 v1.2.1", "v semver v1.2.1 [v1.2.2 v1.3.0 v2.0.0] moving v1.2"},
		"a moving minor by its commit":      {"v1.2=b v1.2.1=a v1.2.2=b", "v semver v1.2.2 [v1.2.3 v1.3.0 v2.0.0] moving v1.2"},
		"a short release that stands alone": {"v1.0.0 v1.0.1 v1.1.0 v1.2 v1.2.1", `v semver v1.2.1 [v1.2.2 v1.3.0 v2.0.0] invalid v1.2: "1.2" is not SemVer: two numbers where MAJOR.MINOR.PATCH has three`},
		"malformed tags keep their place":   {"1.0.0 1.1.0 2.0.0rc1 2.0.0.1 words 1.1.0@next", ` semver 2.0.0.1 [2.0.1 2.1.0 3.0.0] invalid 1.1.0@next: "@next" follows the version; 2.0.0.1: "2.0.0.1" is not SemVer: four numbers where MAJOR.MINOR.PATCH has three; 2.0.0rc1: "2.0.0rc1" is not SemVer: a prerelease follows a hyphen, like 2.0.0-rc.1; words: it holds no version`},
		"the v came later":                  {"1.0.0 1.1.0 v1.2.0 v1.3.0", "v semver v1.3.0 [v1.3.1 v1.4.0 v2.0.0]"},
		"one tag in another style":          {"v1.0.0 v1.0.1 v1.0.2 v1.0.3 v1.0.4 v1.0.5 v1.0.6 v1.0.7 v1.0.8 v1.0.9 v1.1.0 v1.1.1 v1.1.2 v1.1.3 v1.1.4 v1.1.5 v1.1.6 v1.1.7 v1.1.8 v1.1.9 v1.2.0 0.9.0", `v semver v1.2.0 [v1.2.1 v1.3.0 v2.0.0] invalid 0.9.0: others here start with "v", not with ""`},
		"CalVer by year and month":          {"2024.5.0~2024-05 2024.5.1~2024-06 2024.11.0~2024-11 2025.2.0~2025-02", " calver:YYYY.MM.MICRO 2025.2.0 [2026.8.0 2026.8.0 2026.8.0]"},
		"CalVer with padded months":         {"2024.05.0~2024-05 2024.11.0~2024-11 2026.08.0~2026-08", " calver:YYYY.0M.MICRO 2026.08.0 [2026.08.1 2026.08.1 2026.08.1]"},
		"CalVer by year":                    {"v2024.1.0~2024-05 v2024.2.0~2024-11 v2024.3.0~2024-12 v2025.1.0~2025-09", "v calver:YYYY.MINOR.MICRO v2025.1.0 [v2026.1.0 v2026.1.0 v2026.1.0]"},
		"CalVer with two digits":            {"22.1.0~2022-01 22.3.0~2022-03 23.9.1~2023-09 24.2.0~2024-02", " calver:YY.MM.MICRO 24.2.0 [26.8.0 26.8.0 26.8.0]"},
		"majors that are no years":          {"v22.1.0~2019-01 v23.3.0~2020-03 v24.9.1~2021-09 v25.2.0~2022-02", "v semver v25.2.0 [v25.2.1 v25.3.0 v26.0.0]"},
		"days":                              {"release-2024-05-12~2024-05 release-2024-06-12a~2024-06", "release- calver:YYYY-0M-0D release-2024-06-12a [release-2026-08-05 release-2026-08-05 release-2026-08-05]"},
		"CalVer that leaves MICRO out":      {"2024.1~2024-05 2024.1.1~2024-06 2025.1~2025-03", " calver:YYYY.MINOR.MICRO 2025.1 [2026.1 2026.1 2026.1]"},
		"two numbers":                       {"r-1.0 r-1.1 r-1.2 r-1.3", `r- regexp:(\d+)\.(\d+)(?:\.(\d+))?(?P<pre>[-._]?[A-Za-z][0-9A-Za-z.-]*|-[0-9A-Za-z.-]+)? r-1.3 [r-1.3.1 r-1.4 r-2.0]`},
		"one number":                        {"v249 v250 v251", `v regexp:(\d+)(?P<pre>[-._]?[A-Za-z][0-9A-Za-z.-]*|-[0-9A-Za-z.-]+)? v251 [v252 v252 v252]`},
		"dashes":                            {"rel_1-0-1 rel_1-1-0 rel_1-1-1", `rel_ regexp:(\d+)-(\d+)-(\d+)(?P<pre>[-._]?[A-Za-z][0-9A-Za-z.-]*|-[0-9A-Za-z.-]+)? rel_1-1-1 [rel_1-1-2 rel_1-2-0 rel_2-0-0]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sketch(Read(list(test.tags)).Report(today)); got != test.want {
				t.Errorf("Report of %q\n got %s\nwant %s", test.tags, got, test.want)
			}
		})
	}
}

func sketch(r Report) string {
	var groups, invalid []string
	for _, g := range r.Groups {
		groups = append(groups, fmt.Sprintf("%s %s %s [%s %s %s]", g.Prefix, g.Scheme, g.Highest, g.Next.Patch, g.Next.Minor, g.Next.Major))
	}
	for _, v := range r.Invalid {
		invalid = append(invalid, v.Tag+": "+v.Reason)
	}
	s := strings.Join(groups, "; ")
	if len(invalid) > 0 {
		s += " invalid " + strings.Join(invalid, "; ")
	}
	if len(r.Moving) > 0 {
		s += " moving " + strings.Join(r.Moving, ",")
	}
	return s
}

func TestReportUnderAPolicy(t *testing.T) {
	t.Parallel()
	l, err := NewLine("v{version}", "calver:YYYY.MM.MICRO", "")
	if err != nil {
		t.Fatal(err)
	}
	h := Read(list("v2026.7.0 v2026.07.1 v1.2.3 api/v1.0.0 latest"), l)
	want := `api/v semver api/v1.0.0 [api/v1.0.1 api/v1.1.0 api/v2.0.0]; v calver:YYYY.MM.MICRO v2026.7.0 [v2026.8.0 v2026.8.0 v2026.8.0] invalid v1.2.3: "1.2.3" is not YYYY.MM.MICRO: YYYY is a year of four digits; v2026.07.1: "2026.07.1" is not YYYY.MM.MICRO: MM has no zero before it moving latest`
	if got := sketch(h.Report(today)); got != want {
		t.Errorf("Report under a policy\n got %s\nwant %s", got, want)
	}
	if p := h.Propose("v2026.7"); p.Verdict != Malformed {
		t.Errorf("Propose(v2026.7) = %+v, want malformed", p)
	}
}

func TestReportIsTheJSONOfTheContract(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(Read(nil).Report(today))
	if want := `{"groups":[],"invalid":[],"moving":[]}`; err != nil || string(got) != want {
		t.Errorf("json of no tags = %s, %v, want %s", got, err, want)
	}
	got, _ = json.Marshal(Read(list("v1.0.0 x")).Report(today))
	if want := `{"groups":[{"prefix":"v","scheme":"semver","highest":"v1.0.0","next":{"patch":"v1.0.1","minor":"v1.1.0","major":"v2.0.0"},"tags":1}],"invalid":[{"tag":"x","reason":"it holds no version"}],"moving":[]}`; string(got) != want {
		t.Errorf("json = %s\nwant %s", got, want)
	}
}

func TestPropose(t *testing.T) {
	t.Parallel()
	const plain, monorepo, actions = "v1.2.2 v1.2.3 v1.3.0 v2.0.0-rc.1", "api/v1.0.0 web/v2.0.0", "v1 v1.0.0 v2 v2.0.0 v3.0.0"
	tests := map[string]struct {
		tags, tag string
		want      Verdict
		reason    string
	}{
		"the next patch":                     {plain, "v1.3.1", OK, "higher than v1.3.0"},
		"a jump":                             {plain, "v7.0.0", OK, ""},
		"the tag itself":                     {plain, "v1.3.0", Used, "there already"},
		"the version with build data":        {plain, "v1.3.0+1", Used, "v1.3.0"},
		"a back-port":                        {plain, "v1.2.4", OK, "continues the line of v1.2.3, below v1.3.0"},
		"a hole in an old line":              {plain, "v1.2.1", NotIncreasing, "v1.2.3, the highest of its line"},
		"a line that never was":              {plain, "v1.1.0", NotIncreasing, "continues no older line"},
		"an old major that never was":        {plain, "v0.9.0", NotIncreasing, ""},
		"an old major's next minor":          {"v1.2.3 v2.0.0", "v1.3.0", OK, "continues"},
		"the next prerelease":                {plain, "v2.0.0-rc.2", OK, ""},
		"a prerelease below another":         {"v1.0.0 v2.0.0-rc.2", "v2.0.0-rc.1", NotIncreasing, "v2.0.0-rc.2"},
		"a prerelease of another channel":    {"v1.0.0 v2.0.0-rc.2", "v2.0.0-alpha.1", OK, ""},
		"rc10 after rc9":                     {"v1.0.0 v2.0.0-rc9", "v2.0.0-rc10", OK, ""},
		"a prerelease of a release":          {plain, "v1.3.0-rc.1", NotIncreasing, "v1.3.0 is released already"},
		"a prerelease of an old line":        {plain, "v1.2.4-rc.1", OK, "continues"},
		"no v":                               {plain, "1.3.1", StyleMismatch, "v{version}, like v1.3.0"},
		"a capital V":                        {plain, "V1.3.1", StyleMismatch, ""},
		"another prefix":                     {plain, "release-1.3.1", StyleMismatch, "like v1.3.0"},
		"a date among versions":              {plain, "v2026.8.5", StyleMismatch, "looks like a date"},
		"two numbers":                        {plain, "v1.4", Malformed, "two numbers"},
		"no hyphen":                          {plain, "v1.4.0rc1", Malformed, "like 1.4.0-rc.1"},
		"a zero":                             {plain, "v1.04.0", Malformed, "starts with a zero"},
		"a word":                             {plain, "foo", Malformed, "no version"},
		"nothing":                            {plain, "", Malformed, "empty"},
		"a space":                            {plain, "v1.4.0 ", Malformed, "git takes no tag"},
		"a name that git refuses":            {plain, "v1..4", Malformed, "git takes no tag"},
		"a newline":                          {plain, "v1.4.0\n", Malformed, "git takes no tag"},
		"latest":                             {plain, "latest", Malformed, "moves from release to release"},
		"a moving major that others have":    {actions, "v3", OK, "moves with its releases"},
		"a moving major that nobody has":     {plain, "v9", Malformed, "one number"},
		"a component's next":                 {monorepo, "api/v1.0.1", OK, "higher than api/v1.0.0"},
		"a new component":                    {monorepo, "cli/v0.1.0", OK, `the first tag of "cli"`},
		"a new component in another style":   {monorepo, "cli@0.1.0", StyleMismatch, "like api/v1.0.0"},
		"a component's version used by none": {monorepo, "api/v2.0.0", OK, ""},
		"the whole, where there are parts":   {monorepo, "v1.0.0", StyleMismatch, ""},
		"a Go module below the root":         {"v1.0.0 v1.1.0", "api/v0.1.0", OK, "first tag"},
		"the first of all":                   {"", "v0.1.0", OK, "the first release"},
		"the first of all, malformed":        {"", "v0.1", Malformed, "two numbers"},
		"the first of all, a date":           {"", "2026.08.1", OK, "the first release"},
		"CalVer in order":                    {"2026.5.0~2026-05 2026.7.0~2026-07", "2026.8.0", OK, ""},
		"CalVer with its micro":              {"2026.5.0~2026-05 2026.7.0~2026-07", "2026.5.1", OK, "continues"},
		"CalVer of a month gone by":          {"2026.5.0~2026-05 2026.7.0~2026-07", "2026.6.0", NotIncreasing, ""},
		"CalVer with month 13":               {"2026.5.0~2026-05 2026.7.0~2026-07", "2026.13.0", Malformed, "no month 13"},
		"the other style at home":            {"1.0.0 1.1.0 v1.2.0 v1.3.0", "v1.4.0", OK, ""},
		"twins as a habit":                   {"1.0.0 v1.0.0 1.1.0 v1.1.0 1.2.0 v1.2.0 v1.3.0", "1.3.0", OK, "tagged in both"},
		"a twin by chance":                   {"v1.0.0 v1.1.0 1.2.0 v1.3.0 1.1.1", "1.3.0", Used, "v1.3.0"},
		"a hotfix letter after a day":        {"release-2024-05-12 release-2024-06-01 release-2024-07-01", "release-2024-05-12a", OK, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Propose(list(test.tags), test.tag)
			if got.Verdict != test.want || !strings.Contains(got.Reason, test.reason) || got.Reason == "" || got.Tag != test.tag {
				t.Errorf("Propose(%q, %q) = %+v, want %s because %q", test.tags, test.tag, got, test.want, test.reason)
			}
		})
	}
}

func TestOrderOfTheListDoesNotMatter(t *testing.T) {
	t.Parallel()
	tags := list("v1.0.0 1.0.0 v1 v1.2.0 api/v1.0.0 api/v2 api/v2.0.0 x latest v1.2.0rc1 2024.05.01~2024-05 2024.06.01~2024-06")
	want := sketch(Read(tags).Report(today))
	for i := range tags {
		turned := append(append([]Tag{}, tags[i:]...), tags[:i]...)
		if got := sketch(Read(turned).Report(today)); got != want {
			t.Errorf("turned by %d: %s\nwant %s", i, got, want)
		}
	}
}

func FuzzPropose(f *testing.F) {
	f.Add("v1.0.0\nv1.1.0", "v1.2.0")
	f.Add("api/v1.0.0\n@a/b@2.0.0\nlatest\nv1", "api/v1.0.1")
	f.Add("release-2024-05-12a\nrel_1-2-3\n2024.05", "2024.06")
	f.Add("v18446744073709551616.0.0\nv1.2.3-01\n1.x\n@1", "1-1-1-1-1-1-1-1")
	f.Fuzz(func(t *testing.T, names, tag string) {
		var tags []Tag
		for _, name := range strings.Split(names, "\n") {
			tags = append(tags, Tag{Name: name})
		}
		h := Read(tags)
		r := h.Report(today)
		there := map[string]bool{}
		for _, t := range tags {
			there[t.Name] = true
		}
		for _, g := range r.Groups {
			if g.Highest != "" && !there[g.Highest] {
				t.Errorf("highest of %q is %q, which is no tag", names, g.Highest)
			}
			for _, next := range []string{g.Next.Patch, g.Next.Minor, g.Next.Major} {
				if there[next] {
					t.Errorf("next of %q in %q is %q, which is there", g.Prefix, names, next)
				}
			}
		}
		p := h.Propose(tag)
		if p.Reason == "" || there[tag] != (p.Verdict == Used) && p.Verdict == OK && there[tag] {
			t.Errorf("Propose(%q, %q) = %+v", names, tag, p)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	tags := make([]Tag, 0, 5000)
	for i := range 5000 {
		tags = append(tags, Tag{Name: fmt.Sprintf("part%d/v%d.%d.%d", i%50, i/1000, i/100%10, i%100)})
	}
	b.ReportAllocs()
	for b.Loop() {
		Read(tags).Report(today)
	}
}

func TestReadIsLinear(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(i int) string{
		"one line": func(i int) string { return fmt.Sprintf("v1.0.%d", i) }, "majors": func(i int) string { return fmt.Sprintf("v%d", i) },
		"two numbers": func(i int) string { return fmt.Sprintf("v1.%d", i) }, "components": func(i int) string { return fmt.Sprintf("a%d/v1.0.0", i) },
		"dashes": func(i int) string { return strings.Repeat("1-", 100) + fmt.Sprint(i) }, "words": func(i int) string { return strings.Repeat("x@", 100) + fmt.Sprint(i) },
	} {
		var tags []Tag
		for i := range 20000 {
			tags = append(tags, Tag{Name: make(i)})
		}
		start := time.Now()
		Read(tags).Report(today)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("20,000 tags (%s) took %v", name, d)
		}
	}
}

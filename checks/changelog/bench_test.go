package changelog

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// long writes a changelog of about n bytes, newest version first.
func long(n int) string {
	var s strings.Builder
	s.WriteString("# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Something new in [the parser](https://example.com/1).\n\n")
	for v := 100000; s.Len() < n; v-- {
		fmt.Fprintf(&s, "## [1.%d.0] - 2024-01-02\n\n### Fixed\n\n", v)
		for e := range 8 {
			fmt.Fprintf(&s, "- **core:** mends number %d of `%d` ([#%d](https://example.com/%d))\n", e, v, v*8+e, e)
		}
		s.WriteByte('\n')
	}
	return s.String()
}

func BenchmarkParse1MB(b *testing.B)  { benchParse(b, long(1<<20)) }
func BenchmarkParse20MB(b *testing.B) { benchParse(b, long(20<<20)) }

func benchParse(b *testing.B, text string) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Parse("CHANGELOG.md", text)
	}
}

func BenchmarkAround20MB(b *testing.B) {
	before := long(20 << 20)
	after := strings.Replace(before, "- Something", "- Another thing.\n- Something", 1)
	b.ReportAllocs()
	for b.Loop() {
		x, y, _ := Around("CHANGELOG.md", before, after)
		Diff(Parse("CHANGELOG.md", x), Parse("CHANGELOG.md", y))
	}
}

// hostile are texts built to be slow, at a size of about n bytes.
func hostile(n int) map[string]string {
	deep := func(mark string) string {
		var s strings.Builder
		for i := 0; s.Len() < n; i++ {
			s.WriteString(strings.Repeat("  ", i%600) + mark + "a\n")
		}
		return s.String()
	}
	r := func(s string) string { return strings.Repeat(s, n/len(s)) }
	return map[string]string{
		"lists within lists": deep("- "), "quotes within quotes": r(">"), "lines of quotes": r(">>>>>>>>>>>>>>>> a\n"), "list marks": r("- "),
		"numbers": r("1. "), "brackets": "- " + r("["), "links that never close": "- " + r("]("), "references": "- " + r("]["), "comments": "- " + r("<!--"),
		"tags": "- " + r("<a "), "ticks": "- " + r("`a``b"), "underlines": r("a\n===\n"), "headings": r("# 1.0.0\n"), "one version": r("## 1.0.0\n- a\n"),
		"digits": "# " + r("1"), "dots": "# " + r("1."), "fences": r("```\n"), "tabs": r("\t-\t"), "items": r("- ab\n"), "one line": r("a "), "stars": r("*"),
		"blank lines": r("\n"), "indented lines": r("        - a\n"), "images": "- " + r("!["), "mixed nesting": r("> - > - > - a\n"), "marks": r("+ 1) > "), "paragraphs of one item": "- a\n" + r("\n  b\n"), "deep marks": deep("> - "),
		"weak headings": r("## Thing 1.0.0 x\n"),
	}
}

func TestHostileTextsStayLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	read := func(path, text string) time.Duration {
		start := time.Now()
		f := Parse(path, text)
		Diff(f, Parse(path, text+"\n- more\n"))
		return time.Since(start)
	}
	half := hostile(1 << 16)
	for name, text := range hostile(1 << 17) {
		for _, path := range []string{"CHANGELOG.md", "CHANGELOG.rst", "NEWS"} {
			took := read(path, text)
			// A slow machine, or the race detector, takes twice as long for twice as much; what costs its square four times.
			if took > 5*time.Second && took > 3*read(path, half[name]) {
				t.Errorf("Parse(%s of %s) took %v for 128 KB, more than thrice as long as for half of that", path, name, took)
			} else if testing.Verbose() && took > 500*time.Millisecond {
				t.Logf("%s of %s: %v", path, name, took)
			}
		}
	}
}

func TestALargerTextIsNotRead(t *testing.T) {
	t.Parallel()
	if f := Parse("CHANGELOG.md", strings.Repeat("a", MaxBytes+1)); !f.TooLarge || f.Unreleased != nil {
		t.Errorf("Parse of MaxBytes+1 = %+v, want TooLarge", f)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("CHANGELOG.md", long(2000))
	f.Add("CHANGES.rst", "1.0.0 (2024-01-02)\n==================\n\n- One\n")
	f.Add("NEWS", "Changes in 1.0:\n  * One\n")
	f.Add("ChangeLog", "2024-01-02  Ana  <a@example.com>\n\n\t* a.c: One.\n")
	f.Add("debian/changelog", "thing (1.2-2) unstable; urgency=low\n\n  * One.\n\n -- Ana <a@example.com>  Tue, 02 Jan 2024 15:04:05 +0000\n")
	f.Add("CHANGELOG.md", "- <!--\n\n  # [1.0.0](\n> - 1.\n\n---\n")
	f.Fuzz(func(t *testing.T, path, text string) {
		file := Parse(path, text)
		last := 0
		for _, v := range file.Versions {
			if v.Line <= last || v.EndLine < v.Line || v.EndLine > file.Lines {
				t.Fatalf("Parse(%q, %q): version %q on lines %d to %d of %d after line %d", path, text, v.Version, v.Line, v.EndLine, file.Lines, last)
			}
			last = v.Line
			for _, e := range v.Entries {
				if e.Line < v.Line || e.EndLine < e.Line || e.EndLine > v.EndLine {
					t.Fatalf("Parse(%q, %q): entry on lines %d to %d of version %q on lines %d to %d", path, text, e.Line, e.EndLine, v.Version, v.Line, v.EndLine)
				}
			}
		}
		if d := Diff(file, Parse(path, text)); d.Tampers() || len(d.Added)+len(d.New) > 0 {
			t.Fatalf("Diff of %q with itself = %+v, want nothing", text, d)
		}
	})
}

func FuzzAround(f *testing.F) {
	f.Add(long(12000), "- new\n", 60)
	f.Add(long(12000), "<!-- \n", 80)
	f.Add(long(12000), "```\n", 80)
	f.Fuzz(func(t *testing.T, text, insert string, at int) {
		if at < 0 || at > len(text) {
			return
		}
		after := text[:at] + insert + text[at:]
		x, y, cut := Around("CHANGELOG.md", text, after)
		if !cut {
			return
		}
		b, a := Parse("CHANGELOG.md", x), Parse("CHANGELOG.md", y)
		if !b.Sealed || !a.Sealed {
			return
		}
		part, whole := Diff(b, a), Diff(Parse("CHANGELOG.md", text), Parse("CHANGELOG.md", after))
		if len(part.Added) > 0 && len(part.New) == 0 && !part.Tampers() && (whole.Tampers() || len(whole.Added) != len(part.Added)) {
			t.Fatalf("Around: of the part %+v, of the whole %+v, with %q at %d", part, whole, insert, at)
		}
	})
}

func FuzzReadFragment(f *testing.F) {
	f.Add(".changeset/a.md", "---\n\"cli\": minor\n---\n\nNew.\n")
	f.Add(".changes/unreleased/a.yaml", "kind: Added\nbody: New theme\n")
	f.Add("newsfragments/1.feature.rst", "New.\n")
	f.Fuzz(func(t *testing.T, path, text string) {
		got, err := ReadFragment(path, text)
		if err == nil && len(got.Entries) == 0 && !noNews.MatchString(path) {
			t.Fatalf("ReadFragment(%q, %q) has no entry and no error", path, text)
		}
	})
}

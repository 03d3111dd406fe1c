package changelog

import (
	"strings"
	"testing"
	"time"
)

func making() Making {
	return Making{Version: "1.3.0", Tag: "v1.3.0", Previous: "v1.2.0", Day: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)}
}

// Each row is a changelog and what it becomes; "!" begins what a refusal has to say.
func TestTurn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"as Keep a Changelog has it": {
			"# Changelog\n\n## [Unreleased]\n\n### Added\n\n- One thing\n\n## [1.2.0] - 2026-01-01\n\n- B\n\n[unreleased]: https://x.example/o/r/compare/v1.2.0...HEAD\n[1.2.0]: https://x.example/o/r/compare/v1.1.0...v1.2.0\n",
			"# Changelog\n\n## [Unreleased]\n\n## [1.3.0] - 2026-11-29\n\n### Added\n\n- One thing\n\n## [1.2.0] - 2026-01-01\n\n- B\n\n[unreleased]: https://x.example/o/r/compare/v1.3.0...HEAD\n[1.3.0]: https://x.example/o/r/compare/v1.2.0...v1.3.0\n[1.2.0]: https://x.example/o/r/compare/v1.1.0...v1.2.0\n"},
		"the first version": {
			"# Changelog\r\n\r\n## [Unreleased]\r\n\r\n- One thing\r\n", "# Changelog\r\n\r\n## [Unreleased]\r\n\r\n## [1.3.0] - 2026-11-29\r\n\r\n- One thing\r\n"},
		"with a v, a dash of another sort, and no link for Unreleased": {
			"## Unreleased\n- One thing\n\n## [v1.2.0] – 2026-01-01 [YANKED]\n- B\n\n[v1.2.0]: https://x.example/o/r/releases/tag/v1.2.0",
			"## Unreleased\n\n## [v1.3.0] – 2026-11-29\n- One thing\n\n## [v1.2.0] – 2026-01-01 [YANKED]\n- B\n\n[v1.3.0]: https://x.example/o/r/releases/tag/v1.3.0\n[v1.2.0]: https://x.example/o/r/releases/tag/v1.2.0"},
		"links within the headings": {
			"## [Unreleased]\n\n- One thing\n\n## [1.2.0](https://x.example/o/r/compare/v1.1.0...v1.2.0) (January 2, 2026)\n\n- B\n",
			"## [Unreleased]\n\n## [1.3.0](https://x.example/o/r/compare/v1.2.0...v1.3.0) (November 29, 2026)\n\n- One thing\n\n## [1.2.0](https://x.example/o/r/compare/v1.1.0...v1.2.0) (January 2, 2026)\n\n- B\n"},
		"a version that waits for its day": {
			"# Changes\n\n## 1.3.0 (unreleased)\n\n- One thing\n\n## 1.2.0 (2026-01-01)\n\n- B\n",
			"# Changes\n\n## Unreleased\n\n## 1.3.0 (2026-11-29)\n\n- One thing\n\n## 1.2.0 (2026-01-01)\n\n- B\n"},
		"headings that name several versions": {
			"## [Unreleased]\n\n- One thing\n\n## [1.2.0/0.4.0] 2026-01-01\n\n- B\n", "## [Unreleased]\n\n## [1.3.0] - 2026-11-29\n\n- One thing\n\n## [1.2.0/0.4.0] 2026-01-01\n\n- B\n"},
		"nothing waits":       {"## [Unreleased]\n\n### Added\n\n## [1.2.0] - 2026-01-01\n\n- B\n", "!nothing stands under"},
		"no heading":          {"## [1.2.0] - 2026-01-01\n\n- B\n", "!no Markdown heading"},
		"setext":              {"Unreleased\n----------\n\n- One thing\n\n1.2.0 (2026-01-01)\n------------------\n\n- B\n", "!no Markdown heading"},
		"the version is made": {"## [Unreleased]\n\n- One thing\n\n## [1.3.0] - 2026-01-01\n\n- B\n", "!make the version by hand"},
	} {
		got, err := Turn("CHANGELOG.md", c.in, making())
		if refusal, ok := strings.CutPrefix(c.want, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), refusal) {
				t.Errorf("%s: Turn = %q, %v; want a refusal that says %q", name, got, err, refusal)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%s: Turn: %v\ngot:\n%s\nwant:\n%s", name, err, got, c.want)
		}
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	const md = "# Changelog\n\n## [1.3.0] - 2026-11-29\n\n<!-- hidden -->\n### Added\n\n- A [link][x], see [#1].\n  - more\n\n## [1.2.0] - 2026-01-01\n\n- B\n\n[1.3.0]: https://x.example/3\n[x]: https://x.example/x\n[#1]: https://x.example/1\n"
	for name, c := range map[string]struct{ path, in, want string }{
		"Markdown with links": {"CHANGELOG.md", md, "### Added\n\n- A [link][x], see [#1].\n  - more\n\n[x]: https://x.example/x\n[#1]: https://x.example/1"},
		"setext":              {"CHANGELOG.md", "1.3.0 / 2026-11-29\n===\n\n  * One thing\n\n1.2.0 / 2026-01-01\n===\n\n  * B\n", "* One thing"},
		"reStructuredText":    {"NEWS.rst", "1.3.0 (2026-11-29)\n==================\n\nFixed\n-----\n\n* One thing\n  goes on\n\n  * nested\n\n1.2.0 (2026-01-01)\n==================\n\n* B\n", "### Fixed\n\n- One thing goes on\n  - nested"},
	} {
		if got, ok := Notes(c.path, c.in, "1.3.0"); !ok || got != c.want {
			t.Errorf("%s: Notes = %q, %v; want %q", name, got, ok, c.want)
		}
	}
	if got, ok := Notes("CHANGELOG.md", md, "1.4.0"); ok {
		t.Errorf("Notes of a version that is not there = %q", got)
	}
}

// Whatever a changelog looks like, turning it takes nothing away and leaves nothing behind.
func FuzzTurn(f *testing.F) {
	f.Add("# Changelog\n\n## [Unreleased]\n\n### Added\n\n- One thing\n\n## [1.2.0] - 2026-01-01\n\n- B\n\n[unreleased]: https://x.example/o/r/compare/v1.2.0...HEAD\n")
	f.Add("## [Unreleased]\r\n\r\n- One thing\r\n\r\n## [v1.2.0](https://x.example/compare/a...v1.2.0) (January 2, 2026)")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		out, err := Turn("CHANGELOG.md", text, making())
		if err != nil {
			return
		}
		d := Diff(Parse("CHANGELOG.md", text), Parse("CHANGELOG.md", out))
		if len(d.New) != 1 || d.Tampers() || len(d.Lost)+len(d.Left) > 0 {
			t.Fatalf("Turn(%q) = %q: %+v", text, out, d)
		}
	})
}

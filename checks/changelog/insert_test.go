package changelog

import (
	"strings"
	"testing"
)

// Each row is a file, what is written into it, and the file that comes of it; "!" begins what a refusal has to say.
func TestInsert(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ path, in, category, words, want string }{
		"below the last of its category": {"CHANGELOG.md",
			"# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A\n\n### Fixed\n\n- B\n  more\n\n## [1.0.0] - 2026-01-01\n\n- C\n", "fixed", "D `x`",
			"# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A\n\n### Fixed\n\n- B\n  more\n- D `x`\n\n## [1.0.0] - 2026-01-01\n\n- C\n"},
		"a category that is missing, in order": {"CHANGELOG.md",
			"## [Unreleased]\n\n### Added\n\n- A\n\n### Security\n\n- B\n\n## [1.0.0] - 2026-01-01\n\n### Fixed\n\n- C\n", "Fixed", "It works.",
			"## [Unreleased]\n\n### Added\n\n- A\n\n### Fixed\n\n- It works.\n\n### Security\n\n- B\n\n## [1.0.0] - 2026-01-01\n\n### Fixed\n\n- C\n"},
		"a heading without items": {"CHANGELOG.md",
			"## [Unreleased]\n\n### Fixed\n\n### Security\n\n## [1.0.0] - 2026-01-01\n\n### Fixed\n\n- C\n", "Fixed", "It works.",
			"## [Unreleased]\n\n### Fixed\n\n- It works.\n\n### Security\n\n## [1.0.0] - 2026-01-01\n\n### Fixed\n\n- C\n"},
		"no heading for what is to be released": {"CHANGELOG.md",
			"# Changelog\n\nWords.\n\n## [1.0.0] - 2026-01-01\n### Fixed\n* C\n", "add", "It works.",
			"# Changelog\n\nWords.\n\n## [Unreleased]\n\n### Added\n* It works.\n\n## [1.0.0] - 2026-01-01\n### Fixed\n* C\n"},
		"an empty unreleased section above link definitions": {"CHANGELOG.md",
			"# Changelog\n\n## [Unreleased]\n\n[unreleased]: https://x.example/compare/v1.0.0...HEAD\n", "Changed", "It works.",
			"# Changelog\n\n## [Unreleased]\n\n### Changed\n\n- It works.\n\n[unreleased]: https://x.example/compare/v1.0.0...HEAD\n"},
		"carriage returns and no last line break": {"CHANGELOG.md",
			"# Changelog\r\n\r\n## [Unreleased]\r\n\r\n### Fixed\r\n\r\n- B", "Fixed", "It works.",
			"# Changelog\r\n\r\n## [Unreleased]\r\n\r\n### Fixed\r\n\r\n- B\r\n- It works."},
		"items with nested ones and blank lines between": {"CHANGELOG.md",
			"## Unreleased\n\n### Fixed\n\n * B\n\n * C\n   - D\n\n## 1.0.0 - 2026-01-01\n\n * E\n", "Fixed", "It works.",
			"## Unreleased\n\n### Fixed\n\n * B\n\n * C\n   - D\n\n * It works.\n\n## 1.0.0 - 2026-01-01\n\n * E\n"},
		"setext headings without categories": {"CHANGELOG.md",
			"Changelog\n=========\n\n1.1.0 (2026-01-01)\n------------------\n\n- C\n\n1.0.0 (2025-01-01)\n------------------\n\n- D\n", "Fixed", "It works.",
			"Changelog\n=========\n\nUnreleased\n----------\n\n- It works.\n\n1.1.0 (2026-01-01)\n------------------\n\n- C\n\n1.0.0 (2025-01-01)\n------------------\n\n- D\n"},
		"reStructuredText": {"CHANGES.rst",
			"Changes\n=======\n\nUnreleased\n----------\n\nFixed\n~~~~~\n\n* A\n\n1.0 (2026-01-01)\n----------------\n\n* B\n", "fixed", "Read foo_ twice",
			"Changes\n=======\n\nUnreleased\n----------\n\nFixed\n~~~~~\n\n* A\n* Read foo\\_ twice\n\n1.0 (2026-01-01)\n----------------\n\n* B\n"},
		"reStructuredText with lines above": {"CHANGES.rst",
			"=======\nChanges\n=======\n\n1.1 (2026-01-01)\n================\n\n* B\n\n1.0 (2025-01-01)\n================\n\n* B\n", "Fixed", "It works.",
			"=======\nChanges\n=======\n\nUnreleased\n==========\n\n* It works.\n\n1.1 (2026-01-01)\n================\n\n* B\n\n1.0 (2025-01-01)\n================\n\n* B\n"},
		"there already":                      {"CHANGELOG.md", "## [Unreleased]\n\n### Fixed\n\n- It works.\n", "Fixed", "It works.", "="},
		"a file that does not exist":         {"CHANGELOG.md", "", "Fixed", "It works.", "# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- It works.\n"},
		"no such category":                   {"CHANGELOG.md", "## [Unreleased]\n\n### Fixed\n\n- B\n", "Fixxed", "It works.", `!the nearest is "Fixed". There are: Added, Changed`},
		"a placeholder":                      {"CHANGELOG.md", "## [Unreleased]\n\n### Fixed\n\n- B\n", "Fixed", "todo", "!says nothing"},
		"generated":                          {"CHANGELOG.md", "# Changelog\n\n## [1.2.0](https://x.example/compare/v1.1.0...v1.2.0) (2026-01-01)\n\n### Features\n\n* A\n", "Fixed", "It works.", "!generated"},
		"a file of Changesets":               {"CHANGELOG.md", "# shop\n\n## 1.2.0\n\n### Minor Changes\n\n- A\n", "Fixed", "It works.", "!Changesets"},
		"by day and author":                  {"ChangeLog", "2026-01-02  Ana  <ana@x.example>\n\n\t* a.c: New.\n", "Fixed", "It works.", "!by day"},
		"no heading comes of it":             {"CHANGELOG.md", "## [Unreleased]\n\n### Fixed\n\n- B\n", "Fixed", "## A heading", "## [Unreleased]\n\n### Fixed\n\n- B\n- \\## A heading\n"},
		"no element and no comment":          {"CHANGELOG.md", "## [Unreleased]\n\n### Fixed\n\n- B\n", "Fixed", "<b>x</b> <!-- y `<i>` <https://x.example>", "## [Unreleased]\n\n### Fixed\n\n- B\n- \\<b>x\\</b> \\<!-- y `<i>` <https://x.example>\n"},
		"no list within the list":            {"CHANGELOG.md", "## [Unreleased]\n\n### Fixed\n\n- B\n", "Fixed", "1. one thing", "## [Unreleased]\n\n### Fixed\n\n- B\n- 1\\. one thing\n"},
		"no fence":                           {"CHANGELOG.md", "## [Unreleased]\n\n### Fixed\n\n- B\n\n## [1.0.0] - 2026-01-01\n\n- C\n", "Fixed", "```go what", "## [Unreleased]\n\n### Fixed\n\n- B\n- \\```go what\n\n## [1.0.0] - 2026-01-01\n\n- C\n"},
		"what is unreleased is in a comment": {"CHANGELOG.md", "<!--\n## [Unreleased]\n-->\n\n## [1.0.0] - 2026-01-01\n\n### Fixed\n\n- C\n", "Fixed", "It works.", "<!--\n## [Unreleased]\n-->\n\n## [Unreleased]\n\n### Fixed\n\n- It works.\n\n## [1.0.0] - 2026-01-01\n\n### Fixed\n\n- C\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Insert(c.path, c.in, c.category, c.words)
			if refusal, ok := strings.CutPrefix(c.want, "!"); ok {
				if err == nil || !strings.Contains(err.Error(), refusal) {
					t.Fatalf("Insert(%q) = %+v, %v; want a refusal that says %q", c.words, got, err, refusal)
				}
				return
			}
			if err != nil {
				t.Fatalf("Insert(%q): %v", c.words, err)
			}
			if c.want == "=" {
				if !got.There || got.Text != c.in {
					t.Errorf("Insert(%q) = %+v; want the file as it was", c.words, got)
				}
				return
			}
			if got.Text != c.want || got.There {
				t.Errorf("Insert(%q)\ngot:\n%s\nwant:\n%s", c.words, got.Text, c.want)
			}
			if line := newSheet(got.Text).at(got.Line); !strings.Contains(line, Sentence(Parse(c.path, c.in).Style, c.words)) {
				t.Errorf("Insert(%q) says line %d, which is %q", c.words, got.Line, line)
			}
			again, err := Insert(c.path, got.Text, c.category, c.words)
			if err != nil || !again.There || again.Text != got.Text {
				t.Errorf("Insert(%q) once more = %+v, %v; want nothing to do", c.words, again, err)
			}
		})
	}
}

// Whatever the file and the words are, what comes of it is the file with lines put in, and reads as an entry more.
func FuzzInsert(f *testing.F) {
	f.Add("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- A\n\n## [1.0.0] - 2026-01-01\n\n- B\n", "Fixed", "It works.")
	f.Add("NEWS", "Version 1.1\n-----------\n\n  o A\n\nVersion 1.0\n-----------\n\n  o B\n", "Fixed", "# It works.")
	f.Add("CHANGES.rst", "1.1\r\n===\r\n\r\n* A", "Added", "`<b>")
	f.Fuzz(func(t *testing.T, path, text, category, words string) {
		if strings.ContainsAny(words, "\r\n") || len(text) > 1<<16 {
			return
		}
		got, err := Insert(path, text, category, words)
		if err != nil || got.There || strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")) == "" {
			return
		}
		if !subsequence(text, got.Text) {
			t.Fatalf("Insert(%q, %q) took something away:\n%q\n%q", category, words, text, got.Text)
		}
		before, after := Parse(path, text), Parse(path, got.Text)
		if d := Diff(before, after); len(d.Added) != 1 || d.Tampers() {
			t.Fatalf("Insert(%q, %q) = %q: %+v", category, words, got.Text, d)
		}
	})
}

// subsequence says whether b is a with one or more lines put in at one place.
func subsequence(a, b string) bool {
	p := 0
	for p < len(a) && p < len(b) && a[p] == b[p] {
		p++
	}
	rest := a[p:]
	return len(b) > len(a) && strings.HasSuffix(b, rest) || strings.HasPrefix(a, "\ufeff") && subsequence(a[3:], strings.TrimPrefix(b, "\ufeff"))
}

package changelog

import (
	"fmt"
	"strings"
	"testing"
)

// shape writes a file down in short: the pending sections, then the versions.
func shape(f *File) string {
	var s []string
	for _, p := range f.Pending {
		s = append(s, strings.TrimSpace(fmt.Sprintf("%d:unreleased %s(%d)", p.Line, p.Version, Count(p.Entries))))
	}
	for _, v := range f.Versions {
		one := fmt.Sprintf("%d:%s", v.Line, v.Version)
		if v.Package != "" {
			one = fmt.Sprintf("%d:%s@%s", v.Line, v.Package, v.Version)
		}
		if v.Date != "" {
			one += " " + v.Date
		}
		if v.Yanked {
			one += " yanked"
		}
		if v.Bad || v.BadDate {
			one += " bad"
		}
		s = append(s, fmt.Sprintf("%s(%d)", one, Count(v.Entries)))
	}
	return string(f.Style) + " | " + strings.Join(s, " | ")
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ path, text, want string }{
		"Keep a Changelog": {"CHANGELOG.md",
			"# Changelog\n\nThe format is based on [Keep a Changelog](https://keepachangelog.com/).\n\n## [Unreleased]\n\n### Added\n\n- One.\n- Two.\n\n## [1.1.0] - 2024-02-03\n\n### Fixed\n\n- Three.\n\n## [1.0.0] - 2024-01-02 [YANKED]\n\n- Four.\n\n[unreleased]: https://example.com/compare/v1.1.0...HEAD\n[1.1.0]: https://example.com/\n",
			"keep-a-changelog | 5:unreleased (2) | 12:1.1.0 2024-02-03(1) | 18:1.0.0 2024-01-02 yanked(1)"},
		"release-please": {"CHANGELOG.md",
			"# Changelog\n\n## [1.2.0](https://example.com/compare/v1.1.0...v1.2.0) (2024-03-04)\n\n\n### Features\n\n* one ([abc](https://example.com/abc))\n\n### [1.1.1](https://example.com/c) (2024-02-01)\n\n### Bug Fixes\n\n* **core:** two\n",
			"conventional | 3:1.2.0 2024-03-04(1) | 10:1.1.1 2024-02-01(1)"},
		"conventional-changelog with anchors": {"CHANGELOG.md",
			"<a name=\"1.1.0\"></a>\n# [1.1.0](https://example.com) (2018-02-03)\n\n### Features\n\n* one\n\n<a name=\"1.0.1\"></a>\n## 1.0.1 (2018-01-02)\n\n* two\n",
			"conventional | 2:1.1.0 2018-02-03(1) | 9:1.0.1 2018-01-02(1)"},
		"Changesets": {"packages/cli/CHANGELOG.md",
			"# @acme/cli\n\n## 1.1.0\n\n### Minor Changes\n\n- abc: One\n\n### Patch Changes\n\n- Updated dependencies\n  - @acme/core@1.0.1\n\n## 1.0.0\n\n### Major Changes\n\n- Two\n",
			"changesets | 3:1.1.0(2) | 14:1.0.0(1)"},
		"plain Markdown with main at the top": {"CHANGELOG.md",
			"## main / (unreleased)\n\n* [FEATURE] One. #1\n\n## 0.2.0 / 2024-01-02\n\n* Two\n\n## v0.1.0 released 2023-12-01\n\n* Three\n",
			"markdown | 1:unreleased (1) | 5:0.2.0 2024-01-02(1) | 9:0.1.0 2023-12-01(1)"},
		"setext headings": {"History.md",
			"unreleased\n==========\n\n  * One\n\n1.0.1 / 2015-10-07\n==================\n\n  * Two\n    - deep\n\n1.0.0 / 2014-11-25\n==================\n  * Three\n",
			"setext | 1:unreleased (1) | 6:1.0.1 2015-10-07(1) | 12:1.0.0 2014-11-25(1)"},
		"headings in fences, comments and quotes are none": {"CHANGELOG.md",
			"# Changelog\n\n<!--\n## [9.9.9] - 2020-01-01\n-->\n\n## Unreleased\n\n- One\n\n```\n## 8.8.8\n```\n\n> ## 7.7.7\n\n    ## 6.6.6\n\n## 1.0.0\n\n- Two\n",
			"keep-a-changelog | 7:unreleased (1) | 19:1.0.0(1)"},
		"a version that waits for its date": {"CHANGELOG.md",
			"# Changes\n\n## 2.0.0 (unreleased)\n\n- One\n\n## 1.9.0 (2024-01-02)\n\n- Two\n",
			"markdown | 3:unreleased 2.0.0(1) | 7:1.9.0 2024-01-02(1)"},
		"what was called unreleased and has been overtaken": {"CHANGELOG.md",
			"# Changes\n\n## 1.0.2 (2024-01-03)\n\n- One\n\n## 1.0.1 (unreleased)\n\n- Two\n\n## 1.0.0 (2024-01-01)\n\n- Three\n",
			"markdown | 3:1.0.2 2024-01-03(1) | 7:1.0.1(1) | 11:1.0.0 2024-01-01(1)"},
		"categories that speak of versions": {"CHANGELOG.md",
			"## 1.0.0\n\n### Upgrade to React 18.2.0\n\n- One\n\n### Python 3.12 support\n\n- Two\n\n### Development\n\n- Three\n",
			"markdown | 1:1.0.0(3)"},
		"front matter, CRLF and a byte order mark": {"changelog.md",
			"\ufeff---\r\ntitle: x\r\n---\r\n\r\n# Changelog\r\n\r\n## [Unreleased]\r\n- One\r\n\r\n## [1.0.0] - 2024-01-02\r\n- Two",
			"keep-a-changelog | 7:unreleased (1) | 10:1.0.0 2024-01-02(1)"},
		"versions in bold lines": {"CHANGELOG.md",
			"**1.1.0** (2024-01-02)\n\n- One\n\n**1.0.0** (2023-01-02)\n\n- Two\n",
			"markdown | 1:1.1.0 2024-01-02(1) | 5:1.0.0 2023-01-02(1)"},
		"one file for several packages": {"CHANGELOG.md",
			"# Changelog\n\n## cli\n\n### Unreleased\n\n- One\n\n### 1.0.0\n\n- Two\n\n## core\n\n### 1.0.0\n\n- Three\n",
			"markdown | 5:unreleased (1) | 9:cli@1.0.0(1) | 15:core@1.0.0(1)"},
		"packages before versions": {"CHANGELOG.md",
			"## @acme/cli 1.2.3\n\n- One\n\n## core-lib [1.2.3] - 2024-01-02\n\n- Two\n\n## web@2.0.0\n\n- Three\n",
			"markdown | 1:@acme/cli@1.2.3(1) | 5:core-lib@1.2.3 2024-01-02(1) | 9:web@2.0.0(1)"},
		"a heading that looks like a release and names no version": {"CHANGELOG.md",
			"# Changelog\n\n## [banana] - 2024-01-02\n\n- One\n\n## [1.0.0] - 2024-01-01\n\n- Two\n",
			"keep-a-changelog | 3:banana 2024-01-02 bad(1) | 7:1.0.0 2024-01-01(1)"},
		"reStructuredText": {"CHANGES.rst",
			"=========\nChangelog\n=========\n\n..\n    1.9.9 (2020-01-01)\n    ==================\n\n.. towncrier release notes start\n\n1.1.0\n=====\n\n*(2024-01-02)*\n\nFeatures\n--------\n\n- One,\n  going on.\n- Two.\n\n.. _changes_1-0-0:\n\n1.0.0 (2023-01-02)\n==================\n\nThree.\n",
			"rst | 11:1.1.0 2024-01-02(2) | 25:1.0.0 2023-01-02(1)"},
		"reStructuredText with scriv": {"CHANGELOG.rst",
			"Changelog\n=========\n\nUnreleased\n----------\n\nSee the fragment files in the `changelog.d directory`_.\n\n.. scriv-insert-here\n\n.. _changelog-1.0.0:\n\n1.0.0 — 2024-01-02\n------------------\n\nAdded\n.....\n\n- One\n",
			"rst | 4:unreleased (0) | 13:1.0.0 2024-01-02(1)"},
		"plain NEWS": {"NEWS",
			"GNU thing NEWS                        -*- outline -*-\n\n* Noteworthy changes in release 3.8 (2021-08-01) [stable]\n\n** Bug fixes\n\n  thing no longer crashes.\n\n* Noteworthy changes in release 3.7 (2018-12-31) [stable]\n\n** Thing is new.\n",
			"plain | 3:3.8 2021-08-01(1) | 9:3.7 2018-12-31(1)"},
		"versions at the start of lines": {"CHANGES.txt",
			"0.14:\n  - One\n    going on\n  - Two\n0.13:\n  - Three\n",
			"plain | 1:0.14(2) | 5:0.13(1)"},
		"versions that go from one to the next": {"NEWS.txt",
			"Changes in bc from 1.07 to 1.08.\n    Fixed one.\n    Fixed two.\n\nChanges in bc from 1.06 to 1.07:\n    Three.\n",
			"plain | 1:bc@1.08(2) | 5:bc@1.07(1)"},
		"GNU ChangeLog": {"ChangeLog",
			"2024-01-02  Ana Bo  <ana@example.com>\n\n\t* main.c (run): One.\n\t* util.c: Two.\n\n2024-01-01  Bo  <bo@example.com>\n\n\t* main.c: Three.\n",
			"gnu | 1:Ana Bo <ana@example.com>@2024-01-02 2024-01-02(2) | 6:Bo <bo@example.com>@2024-01-01 2024-01-01(1)"},
		"Debian": {"debian/changelog",
			"thing (1.2-2) UNRELEASED; urgency=medium\n\n  * One.\n\n -- Ana <ana@example.com>  Tue, 02 Jan 2024 15:04:05 +0000\n\nthing (1.2-1) unstable; urgency=low\n\n  * Two.\n\n -- Ana <ana@example.com>  Mon, 01 Jan 2024 15:04:05 +0000\n",
			"debian | 1:unreleased 1.2-2(1) | 7:1.2-1 2024-01-01(1)"},
		"from old to new": {"CHANGELOG.md", "# 1.0.0 (2024-01-01)\n- One\n# 1.1.0 (2024-01-02)\n- Two\n# Unreleased\n- Three\n",
			"markdown | 5:unreleased (1) | 1:1.0.0 2024-01-01(1) | 3:1.1.0 2024-01-02(1)"},
		"CalVer and prereleases": {"CHANGELOG.md", "## 24.4.2\n\n- a1 b\n\n## 2024.05.01\n\n- cc\n\n## 1.0.0-rc.1 - 2024-01-02\n\n- dd\n\n## 1.0.0b3\n\n- ee\n",
			"markdown | 1:24.4.2(1) | 5:2024.05.01(1) | 9:1.0.0-rc.1 2024-01-02(1) | 13:1.0.0b3(1)"},
		"nothing": {"CHANGELOG.md", "", "markdown | "},
		"prose":   {"CHANGELOG.md", "# Changelog\n\nSee the releases page.\n", "markdown | "},
	} {
		if got := shape(Parse(c.path, c.text)); got != c.want {
			t.Errorf("%s: Parse(%q)\n got %s\nwant %s", name, c.path, got, c.want)
		}
	}
}

func TestTitles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"v1.2.3 - 2020-01-01":      "1.2.3 2020-01-01",
		"Version 1.2":              "1.2",
		"Release 1.2":              "1.2",
		"1.2.3 (20.3.2024)":        "1.2.3 2024-03-20",
		"1.2.3 (3rd March 2024)":   "1.2.3 2024-03-03",
		"v1.2.3 (Jan 2, 2024)":     "1.2.3 2024-01-02",
		"1.0.0 \"Codename\"":       "1.0.0",
		"3.1.4 - August, 2024":     "3.1.4",
		"Version 12 (2024-01-01)":  "12 2024-01-01",
		"Release (2024-05-01)":     "2024-05-01 2024-05-01",
		"[1.4.0/0.6.0/0.2.0]":      "1.4.0",
		"v1.4.7-v1.4.8":            "1.4.8",
		"🎉 1.0.0":                  "1.0.0",
		"[1.0.0] - 2024-02-30":     "1.0.0 bad",
		"master":                   "pending",
		"master (unreleased)":      "pending",
		"HEAD":                     "pending",
		"Next":                     "pending",
		"Next Release (2.0)":       "pending 2.0",
		"Unreleased - ReleaseDate": "pending",
		"🚧 Unreleased":             "pending",
		"2.0.0 (TBD)":              "pending 2.0.0",
		"X.Y.Z (TBD)":              "pending",
		"2.0.0 - YYYY-MM-DD":       "pending 2.0.0",
		"1.2.3-SNAPSHOT":           "pending 1.2.3-SNAPSHOT",
		"Changes since 1.2.3":      "pending",
		"Added":                    "",
		"Pending deprecations":     "",
		"Bug Fixes":                "",
		"2.x":                      "",
		"Go 1.20":                  "",
		strings.Repeat("x", 5000):  "",
	} {
		p := (&budget{1}).title(text)
		got := ""
		switch p.kind {
		case pendingTitle:
			got = strings.TrimSpace("pending " + p.version)
		case versionTitle:
			got = strings.TrimSpace(p.version + " " + p.date.String())
			if p.date.bad {
				got += " bad"
			}
		}
		if got != want {
			t.Errorf("title(%q) = %q, want %q", text[:min(len(text), 40)], got, want)
		}
	}
}

func TestReal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"Fixed a crash in the parser.":                    true,
		"修复崩溃":                                            true,
		"No longer needs a restart":                       true,
		"Nothing is lost on a crash any more":             true,
		"Add your own theme to the dashboard in settings": true,
		"":                      false,
		"   ":                   false,
		"TODO":                  false,
		"TBD.":                  false,
		"...":                   false,
		"No changes yet.":       false,
		"Nothing yet":           false,
		"#123":                  false,
		"[#12](https://x.org)":  false,
		"https://example.com/a": false,
		"<!-- your entry -->":   false,
		"&nbsp;":                false,
		"![picture](x.png)":     false,
		"\u3164\u3164\u3164":    false,
		"\u200b\u200b":          false,
		"Your change here":      false,
		"\\[Short description of non-trivial change.\\]": false,
		"Added": false,
	} {
		if got := Real(Words(text)); got != want {
			t.Errorf("Real(Words(%q)) = %v, want %v", text, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"**Fix** [the bug](https://x.org/a_b \"t\") in `a_b`\n  of _c_": "Fix the bug in a_b of c",
		"`Vec<T>` stays, <br> goes, Vec<T> stays":                       "Vec<T> stays, goes, Vec<T> stays",
		"[text](shown to all)":                                          "text(shown to all)",
		"a <!-- hidden --> b":                                           "a b",
		"a <!-- never closed":                                           "a",
		"<https://example.com> &amp; more":                              "https://example.com & more",
		"snake_case and * star":                                         "snake_case and star",
	} {
		if got := Words(text); got != want {
			t.Errorf("Words(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestAlike(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b string
		want bool
	}{
		"a typo":                     {"Fixed teh crash", "Fixed the crash", true},
		"a word more":                {"Fix the crash in the parser", "Fix the rare crash in the parser", true},
		"something else":             {"Fix the crash in the parser", "Add support for dark mode", false},
		"a word of two":              {"New parser", "New theme", false},
		"nothing":                    {"", "New theme", false},
		"one word, slightly another": {"Speedup", "Speedups", true},
	} {
		if got := Alike(c.a, c.b); got != c.want {
			t.Errorf("%s: Alike(%q, %q) = %v, want %v", name, c.a, c.b, got, c.want)
		}
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	f := Parse("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- One\n\n## 1.0.0 (3/14/2024)\n\n- Two\n")
	got := fmt.Sprintf("%+v", Inspect([]*File{f}, nil))
	if !strings.Contains(got, "Latest:1.0.0 Versions:[{Version:1.0.0 Line:7 Date:2024-03-14 Yanked:false}]") || !strings.Contains(got, "Fragments:[]") {
		t.Errorf("Inspect(%q, nil) = %s, want latest 1.0.0 with its date", f.Path, got)
	}
	if i := Inspect([]*File{f}, nil); i.Files[0].Unreleased == nil || *i.Files[0].Unreleased != (InspectedUnreleased{3, 1}) {
		t.Errorf("Inspect(%q, nil).Unreleased = %+v, want line 3 with 1 entry", f.Path, i.Files[0].Unreleased)
	}
}

// A heading that is read in passing says what it would say when read with care.
func TestQuickTitlesSayTheSame(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"[Unreleased]", "Unreleased", "[1.2.3] - 2024-01-02", "v1.2.3", "Added", "Changelog"} {
		quick, ok := quickTitle(raw)
		if careful := parseTitle(raw); !ok || quick != careful {
			t.Errorf("%q: got %+v (%v), want %+v", raw, quick, ok, careful)
		}
	}
}

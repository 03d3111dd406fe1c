package changelog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

const keptLog = "# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- B\n\n## [1.0.0] - 2026-01-01\n\n### Fixed\n\n- C\n\n[Unreleased]: https://x.example/compare/v1.0.0...HEAD\n[1.0.0]: https://x.example/v1.0.0\n"

// Whoever may write a comment may write these words. A row is the line that comes of them, or "!" and what the refusal says.
func TestNoWordsBringInMoreThanASentence(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"Links: [a](https://x.example), [b](/docs/a.md), [c](#d), [e](../f.md?g=h:i), <https://x.example>, <mailto:a@x.example>": "- Links: [a](https://x.example), [b](/docs/a.md), [c](#d), [e](../f.md?g=h:i), <https://x.example>, \\<mailto:a@x.example>",
		"Mail [ana](mailto:ana@x.example)":                                         "- Mail [ana](mailto:ana@x.example)",
		"See [1.0.0] and `<img>`":                                                  "- See [1.0.0] and `<img>`",
		"Sort by `a` < `b`!":                                                       "- Sort by `a` \\< `b`!",
		`An escape \<img> that is there`:                                           `- An escape \<img> that is there`,
		`A thing \\<img src=x onerror=alert(1)> here`:                              `- A thing \\\<img src=x onerror=alert(1)> here`,
		`A thing \\\\<img src=x> here`:                                             `- A thing \\\\\<img src=x> here`,
		"A thing \\\\`a` <img src=x> `b`":                                          "- A thing \\\\`a` \\<img src=x> `b`",
		"A thing \\``<img src=x>` <b> ` here":                                      "- A thing \\``<img src=x>` \\<b> ` here",
		"A thing <https://a`b> <img src=x> `c` here":                               "- A thing \\<https://a`b> <img src=x> `c` here",
		"A thing <!-- that is not seen":                                            `- A thing \<!-- that is not seen`,
		"A [x](<y`) <img src=q> ` z":                                               "!a backtick in its address",
		"A [x](y\"`\") <img src=q> ` z":                                            "!a backtick in its address",
		"A [x](y \"`\") <img src=q> ` z":                                           "!a backtick in its address",
		"A [x](y`) <img src=q> ` z":                                                "!a backtick in its address",
		"A [a [1.0.0] b](`) ` <img src=q> ` z":                                     "!a backtick in its address",
		"A [a [1.0.0] b](y \"`\") ` <img src=q> ` z":                               "!a backtick in its address",
		"A [x](javascript:alert(1))":                                               `!begins with "javascript:"`,
		"A [x](<JavaScript:alert(1)>)":                                             `!begins with`,
		"A [x](&#106;avascript&colon;alert(1))":                                    `!begins with "javascript:"`,
		"A [x](java&Tab;script:alert(1))":                                          `!begins with "javascript:"`,
		"A [x](&#1;javascript:alert(1))":                                           `!begins with "javascript:"`,
		"A [x](data:text/html;base64,PHNjcmlwdD4=)":                                `!begins with "data:"`,
		"A [x](file:///etc/passwd)":                                                `!begins with "file:"`,
		"A picture ![x](https://x.example/a.png)":                                  "!an image",
		"A ![x][1.0.0] and ![1.0.0]":                                               "!an image",
		`A picture's mark \![1.0.0] and ` + "`![x](y)`":                            `- A picture's mark \![1.0.0] and ` + "`![x](y)`",
		"A picture with a link [![x](https://x.example/a.png)](https://x.example)": "!an image",
	} {
		inserted(t, "CHANGELOG.md", keptLog, words, want)
	}
}

func TestNoWordsBringMoreIntoReStructuredText(t *testing.T) {
	t.Parallel()
	file := "Changes\n=======\n\nUnreleased\n----------\n\n* A\n\n1.0 (2026-01-01)\n----------------\n\n* B\n"
	for words, want := range map[string]string{
		"See `the docs <https://x.example/a>`_ and :pr:`7`": "* See `the docs <https://x.example/a>`_ and :pr:`7`",
		"The role :ref:`words <a-label>` is read":           "* The role :ref:`words <a-label>` is read",
		"Less than ``a < b`` <b>":                           "* Less than ``a < b`` <b>",
		".. raw:: html":                                     `* \.. raw:: html`,
		"a. .. include:: /etc/passwd":                       `* a. \.. include:: /etc/passwd`,
		"(1) .. image:: x.png":                              `* (1) \.. image:: x.png`,
		"A :raw-html:`<img src=x>` here":                    "!a role",
		"A :anything:`<img src=x>` here":                    "!a role",
		"A `<script>`:anything: here":                       "!a role",
		"A `x <javascript:alert(1)>`_ here":                 "!a browser would run",
		`A ` + "`x <java\\script :alert(1)>`_ here":         "!a browser would run",
		"A `x <vscode:y>`__ here":                           `!begins with "vscode:"`,
	} {
		inserted(t, "CHANGES.rst", file, words, want)
	}
}

func inserted(t *testing.T, path, file, words, want string) {
	t.Helper()
	got, err := Insert(path, file, "Fixed", words)
	if refusal, ok := strings.CutPrefix(want, "!"); ok {
		if err == nil || !strings.Contains(err.Error(), refusal) {
			t.Errorf("Insert(%q) = %+v, %v; want a refusal that says %q", words, got, err, refusal)
		}
		return
	}
	if err != nil {
		t.Errorf("Insert(%q): %v; want %q", words, err, want)
		return
	}
	if line := newSheet(got.Text).at(got.Line); line != want {
		t.Errorf("Insert(%q) wrote %q, want %q", words, line, want)
	}
	if format(path, file) == Markdown {
		if bad := dangers(got.Text); len(bad) > 0 {
			t.Errorf("Insert(%q) brought in %v", words, bad)
		}
	}
}

// dangers are what a whole file holds of HTML, images and links that nobody should follow.
func dangers(file string) (found []string) {
	source := []byte(file)
	_ = ast.Walk(goldmark.DefaultParser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		link, _ := n.(*ast.Link)
		switch k := n.Kind(); {
		case !entering:
		case k == ast.KindRawHTML || k == ast.KindHTMLBlock || k == ast.KindImage:
			found = append(found, k.String())
		case link != nil && !slices.ContainsFunc([]string{"http:", "https:", "mailto:", "/", "#", "."}, func(p string) bool {
			return strings.HasPrefix(strings.ToLower(string(link.Destination)), p)
		}) && strings.Contains(string(link.Destination), ":") && !strings.ContainsAny(strings.SplitN(string(link.Destination), ":", 2)[0], "/?#"):
			found = append(found, fmt.Sprintf("a link to %q", link.Destination))
		}
		return ast.WalkContinue, nil
	})
	return found
}

// Whatever the words are, the whole file read anew holds no HTML, no image and no address that is run; its labels are as they
// are, so that what is a link in the words alone need not be one in the file.
func FuzzWords(f *testing.F) {
	for _, w := range []string{"It works.", "`<b>`", `\\<img src=x>`, "[x](<y`) <img src=q> ` z", "[x](y\"`\") <img src=q> ` z", "[a [1.0.0] b](`) ` <img src=q> ` z", "![1.0.0]", "[x](javascript:y)",
		"<https://x.example/`> <b> `", "[x]: javascript:y", "1) <b>", "\t- `` ` <b> `", "[x](&#106;avascript:y)", "*a* _b_ **<i>**", "<a@b.example>", "\\`<b>`", "<?x?>", "<!A>", "<![CDATA[x]]>"} {
		f.Add(w)
	}
	f.Fuzz(func(t *testing.T, words string) {
		if strings.ContainsAny(words, "\r\n") || len(words) > 4096 {
			return
		}
		got, err := Insert("CHANGELOG.md", keptLog, "Fixed", words)
		if err != nil || got.There {
			return
		}
		if bad := dangers(got.Text); len(bad) > 0 {
			t.Fatalf("Insert(%q) brought in %v: %q", words, bad, newSheet(got.Text).at(got.Line))
		}
	})
}

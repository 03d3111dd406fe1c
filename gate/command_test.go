package gate

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

func TestCommandsAreRead(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]Command{
		"/sluice":           {Word: "help"},
		"/sluice status":    {Word: "status"},
		"/sluice\trecheck ": {Word: "recheck"},
		"/sluice override approval the pager is on fire":        {Word: "override", Checks: []string{"approval"}, Reason: "the pager is on fire"},
		"/sluice override changelog,tagging for 2h30m a hotfix": {Word: "override", Checks: []string{"changelog", "tagging"}, For: 150 * time.Minute, Reason: "a hotfix"},
		"/sluice override freeze for 1d the fair begins":        {Word: "override", Checks: []string{"freeze"}, For: 24 * time.Hour, Reason: "the fair begins"},
		"/sluice override freeze for customers of the fair":     {Word: "override", Checks: []string{"freeze"}, Reason: "for customers of the fair"},
		"/sluice override approval für die Kunden, 顧客のために 👩‍🚒":  {Word: "override", Checks: []string{"approval"}, Reason: "für die Kunden, 顧客のために 👩‍🚒"},
		"/sluice revoke approval":                               {Word: "revoke", Checks: []string{"approval"}},
		"/sluice approve production":                            {Word: "approve", Environment: "production"},
		"/sluice reject production it is Friday":                {Word: "reject", Environment: "production", Reason: "it is Friday"},
		"/sluice deploy production":                             {Word: "deploy", Environment: "production"},
		"/sluice deploy production v1.2.3":                      {Word: "deploy", Environment: "production", Ref: "v1.2.3"},
		"/sluice cancel production":                             {Word: "cancel", Environment: "production"},
		"/sluice rollback production v1.2.2 it is slow":         {Word: "rollback", Environment: "production", Reason: "v1.2.2 it is slow"},
		"/sluice hold wait for marketing":                       {Word: "hold", Reason: "wait for marketing"},
		"/sluice unhold":                                        {Word: "unhold"},
		"/sluice lock production an incident":                   {Word: "lock", Environment: "production", Reason: "an incident"},
		"/sluice unlock production":                             {Word: "unlock", Environment: "production"},
		"/sluice release minor":                                 {Word: "release", Version: "minor"},
		"/sluice changelog Added: Gift cards.":                  {Word: "changelog", Category: "Added", Reason: "Gift cards."},
	} {
		want.Line = 1
		if got := Commands(line); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("Commands(%q) = %+v, want %+v", line, got, want)
		}
	}
}

func TestCommandsThatAreNoGoodSayWhy(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"/sluice deplyo production":                     "the nearest that I know is deploy",
		"/sluice Deploy production":                     "the nearest that I know is deploy",
		"/sluice d\u0435ploy production":                "I do not know this word",
		"/sluice deploy":                                "The environment is missing",
		"/sluice deploy pr\u043eduction":                "must be printable ASCII",
		"/sluice deploy production v1 v2":               "I do not understand what follows deploy",
		"/sluice status now":                            "I do not understand what follows status",
		"/sluice override approval":                     "The reason is missing",
		"/sluice override approval for 2h":              "The reason is missing",
		"/sluice override approval ...":                 "The reason is missing",
		"/sluice override approval, tagging why":        "Each check is named once",
		"/sluice override approval,approval why":        "Each check is named once",
		"/sluice override approval for 0s why":          "longer than nothing",
		"/sluice override approval a\u202eb":            "control or direction characters",
		"/sluice override approval a\x00b":              "control or direction characters",
		"/sluice override approval a\u200bb":            "control or direction characters",
		"/sluice override approval x <!-- not seen -->": "must not hold a comment",
		"/sluice revoke approval,tagging":               "One override is revoked at a time",
		"/sluice changelog Added Gift cards":            "The category ends in a colon",
		"/sluice hold " + strings.Repeat("a", 1001):     "longer than 1,000",
		"/sluice deploy " + strings.Repeat("a", 201):    "not longer than 200",
		"/sluice release":                               "The version is missing",
	} {
		got := Commands(line)
		if len(got) != 1 || !strings.Contains(got[0].Problem, want) || got[0].Reason != "" || got[0].Checks != nil || got[0].Environment != "" {
			t.Errorf("Commands(%.80q) = %+v, want nothing but a problem with %q", line, got, want)
		}
	}
}

// Where a reader does not see a command written by the comment's author there is none.
func TestCommandsAreFoundWhereReadersSeeThem(t *testing.T) {
	t.Parallel()
	const c = "/sluice help"
	for name, x := range map[string]struct {
		comment string
		want    []int // lines
	}{
		"by itself":                        {c, []int{1}},
		"after words":                      {"Please.\n" + c, []int{2}},
		"between words, Windows line ends": {"Please.\r\n" + c + "\r\nThanks.", []int{2}},
		"two of them":                      {c + "\n\n" + c, []int{1, 3}},
		"underlined":                       {c + "\n---", []int{1}},
		"in the middle of a line":          {"so " + c, nil},
		"indented":                         {" " + c, nil},
		"a longer word":                    {"/sluicegate help", nil},
		"a quote":                          {"> " + c, nil},
		"a quote that goes on":             {"> He said:\n" + c, nil},
		"after a quote":                    {"> He said.\n\n" + c, []int{3}},
		"a list's item that goes on":       {"- He said:\n" + c, nil},
		"fenced code":                      {"```\n" + c + "\n```", nil},
		"fenced code without end":          {"~~~~\n" + c, nil},
		"after fenced code":                {"```\nx\n```\n" + c, []int{4}},
		"a shorter fence inside":           {"````\n```\n" + c + "\n````", nil},
		"indented code":                    {"x\n\n    " + c, nil},
		"code over lines":                  {"`a\n" + c + "\nb`", nil},
		"a comment":                        {"<!--\n" + c + "\n-->", nil},
		"a comment within words":           {"a <!-- b\n" + c + "\n--> c", nil},
		"a comment without end":            {"<!-- \n\n" + c, nil},
		"after a comment":                  {"<!-- a -->\n\n" + c, []int{3}},
		"an HTML block":                    {"<details>\n" + c + "\n</details>", nil},
		"an HTML element over lines":       {"a <b title=\"\n" + c + "\n\">x</b>", nil},
		"a script":                         {"<pre>\n\n" + c + "\n</pre>", nil},
		"a link's title":                   {"[a](b \"\n" + c + "\n\")", nil},
		"a link's definition":              {"[a]: b \"\n" + c + "\n\"", nil},
		"emphasis over lines":              {"*a\n" + c + "*", nil},
		"struck out over lines":            {"~~a\n" + c + "~~", nil},

		// What an element holds is not read, whatever Markdown makes of it.
		"details with blank lines":              {"<details><summary>log</summary>\n\n" + c + "\n\n</details>", nil},
		"after details":                         {"<details><summary>log</summary>\n\nx\n\n</details>\n\n" + c, []int{7}},
		"details that are not closed":           {"<DETAILS open>\n\nx\n\n" + c, nil},
		"details within words":                  {"Look: <details>\n\n" + c + "\n\n</details>", nil},
		"details in a list":                     {"- <details>\n\n" + c + "\n\n</details>", nil},
		"details that a forge takes for a tag":  {"<details\t\n\n" + c + "\n\n</details>", nil},
		"a tag over a blank line":               {"<div title='\n\n" + c + "\n\n'></div>", nil},
		"a tag in a tag's value":                {"<details title=\"</details>\">\n\n" + c + "\n\n</details>", nil},
		"a quote that is none":                  {"<div a\"><details b\"></div>\n\n" + c, nil},
		"elements that are not nested":          {"<details><table></details></table>\n\n" + c, nil},
		"a closing tag in a comment":            {"<details><!-- </details> -->\n\n" + c, nil},
		"a comment that ends at once":           {"<!--> <details> -->\n\n" + c, nil},
		"character data that browsers skip":     {"<![CDATA[ > <details> ]]>\n\n" + c, nil},
		"an element that is empty for a few":    {"<div/>\n\n" + c, nil},
		"a text area":                           {"<textarea><details></textarea>\n\n" + c, nil},
		"after elements that are closed":        {"<p align=\"center\"><img src=\"a>b.png\"><br></p>\n\nSo <kbd>x</kbd>.\n" + c, []int{4}},
		"after a closing tag alone":             {"</div>\n\n" + c, []int{3}},
		"after a comment that names an element": {"<!-- <details> -->\n\n" + c, []int{3}},
		"after an element in code":              {"`Vec<T>`\n\n    <details>\n\n" + c, []int{5}},
		"after less than":                       {"a < b, a <b, 1<2\n" + c, []int{2}},

		// Forges show more than CommonMark has.
		"a footnote":                              {"x[^1]\n\n[^1]: note\n" + c, nil},
		"a footnote that nothing points at":       {"[^1]: note\n" + c, nil},
		"a footnote with an odd name":             {"  [^a[b\\ c]: note\n" + c, nil},
		"a footnote that begins on the line":      {"x\n[^1]:\n" + c, nil},
		"after a footnote":                        {"[^1]: note\n\n" + c, []int{3}},
		"a table's row":                           {"a | b\n--|--\n" + c + " | x", nil},
		"a table's head":                          {c + " | x\n:-- | --", nil},
		"a table of one column":                   {"| a |\n|---|\n" + c, nil},
		"after a table":                           {"a | b\n--|--\nc | d\n\n" + c, []int{5}},
		"a formula":                               {"$$\n\\phantom{\n" + c + "\n}$$", nil},
		"after a price":                           {"It saves $5.\n" + c, []int{2}},
		"code that begins behind a link":          {"<https://x.example/`> `\n" + c + "\n`", nil},
		"code that begins behind a plain link":    {"https://x.example/` `\n" + c + "\n`", nil},
		"an alert":                                {"> [!NOTE]\n> a\n" + c, nil},
		"a task":                                  {"- [ ] a\n" + c, nil},
		"between fences with words of a footnote": {"```\n[^1]: x\n```\n\n" + c, []int{5}},
	} {
		var got []int
		for _, c := range Commands(x.comment) {
			got = append(got, c.Line)
		}
		if !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s: Commands(%q) are on lines %v, want %v", name, x.comment, got, x.want)
		}
	}
}

func TestACommentHoldsTenCommands(t *testing.T) {
	t.Parallel()
	got := Commands(strings.Repeat("/sluice help\n", 25))
	if len(got) != 11 || got[9].Problem != "" || !strings.Contains(got[10].Problem, "ten commands") || got[10].Line != 11 {
		t.Errorf("Commands(25 of them) = %d, the last %+v, want ten and a problem", len(got), got[len(got)-1])
	}
}

// The author of a comment is anybody: no comment may take long to read.
func TestHostileCommentsAreReadSoon(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]string{
		"quotes": "> ", "items": "- ", "numbers": "1. ", "brackets": "[", "images": "![", "stars": "*a ", "both": "**a*", "ticks": "`", "ticks and words": "`a``b",
		"tags": "<a ", "comments": "<!-- ", "links": "[a](", "definitions": "[a]: b\n", "nested brackets": "[a](<b", "backslashes": "\\", "tabs": "\t",
		"declarations": "<!A ", "instructions": "<?", "character data": "<![CDATA[", "underlines": "_a_", "new lines": "\n> ", "ever deeper": ">",
	} {
		read := func(bytes int) time.Duration {
			comment := "/sluice help\n\n" + strings.Repeat(part, bytes/len(part))
			began := time.Now()
			Commands(comment)
			return time.Since(began)
		}
		took := read(65536)
		// A slow machine, or the race detector, takes twice as long for twice as much; what costs its square four times.
		if took > 2*time.Second && took > 3*read(32768) {
			t.Errorf("Commands(64 KB of %s) took %v, more than thrice as long as 32 KB", name, took)
		} else if took > 100*time.Millisecond {
			t.Logf("%s: %v", name, took)
		}
	}
}

// What costs its square is counted where it is read, so that no comment, however long, has more of it than the bound.
func TestWhatCostsItsSquareIsBounded(t *testing.T) {
	t.Parallel()
	for part, most := range map[string]int{"*a_": mostStars, "~a": mostStars, "**a ": mostStars, "![a](": mostBrackets, "[a](<b": mostBrackets, "[a](b '": mostBrackets, "[": mostBrackets} {
		for _, gap := range []string{"\n", "\n\n"} {
			comment := "/sluice status" + gap + strings.Repeat(part, 65000/len(part))
			if got := Commands(comment); len(got) != 1 || !strings.Contains(got[0].Problem, "nested too deeply") {
				t.Errorf("Commands(%.40q…) = %+v, want it refused", comment, got)
			}
			pc := parser.NewContext()
			markdown().Parse(text.NewReader([]byte(comment)), parser.WithContext(pc))
			if n := max(spent(pc, '*'), spent(pc, '[')); n > most+1 || spent(pc, ']') > mostSearched+len(comment) {
				t.Errorf("of %.40q… %d were read and %d bytes searched, want %d and %d at most", comment, n, spent(pc, ']'), most+1, mostSearched+len(comment))
			}
		}
	}
	log := "/sluice status\n\n```\n" + strings.Repeat("[INFO] a_b_c *d* [e](f)\n", 2500) + "```\n"
	if got := Commands(log); len(got) != 1 || got[0].Word != "status" {
		t.Errorf("Commands(with a long log) = %+v, want the one above it", got)
	}
}

func FuzzCommands(f *testing.F) {
	for _, s := range []string{"/sluice override approval for 2h why", "> x\n/sluice help", "```\n/sluice deploy a\n```\n/sluice deploy a b", "<!--\n/sluice x\n-->",
		"/sluice changelog Added: a\u202eb", "`\n/sluice lock a b\n`", "/sluice release v1\r/sluice hold x\r\n", "- a\n/sluice hold b", "/sluice override a,b,c for 9999999h x", "[a]: b '\n/sluice hold x\n'",
		"<details>\n\n/sluice hold x\n\n</details>\n\n/sluice help", "a <b c='>'>\n/sluice help\n</b>", "[^1]: x\n/sluice help", "a|b\n-|-\n/sluice help | x", "$\n/sluice help\n$", "<!--> <p> -->\n\n/sluice help"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, comment string) {
		if len(comment) > 4096 {
			return
		}
		list := Commands(comment)
		if len(list) > mostCommands+1 {
			t.Fatalf("Commands(%q) = %d commands", comment, len(list))
		}
		lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(comment, "\r\n", "\n"), "\r", "\n"), "\n")
		for _, c := range list {
			if c.Line < 1 || c.Line > len(lines) || utf8.ValidString(comment) && len(comment) < 1000 && !strings.Contains(c.Problem, "nested") && !strings.HasPrefix(lines[c.Line-1], prefix) {
				t.Fatalf("Commands(%q) = %+v, which is no line of it that starts with %s", comment, c, prefix)
			}
			if above := strings.Join(lines[:c.Line-1], "\n"); !strings.Contains(c.Problem, "nested") && !strings.ContainsAny(above, "`\\!") && !strings.Contains(above, "    ") && !strings.Contains(above, "\t") &&
				strings.Count(above, "<details>") > strings.Count(above, "</details>") {
				t.Fatalf("Commands(%q) = %+v, which is in an element that is not closed", comment, c)
			}
			if c.Problem != "" && (c.Reason != "" || c.Checks != nil || c.Environment != "" || c.Ref != "" || c.Version != "") || c.Problem == "" && c.Word == "" {
				t.Fatalf("Commands(%q) = %+v, neither good nor bad", comment, c)
			}
			for _, word := range append([]string{c.Environment, c.Ref, c.Version, c.Category}, c.Checks...) {
				if word != "" && !ascii(word) {
					t.Fatalf("Commands(%q) = %+v, where %q is not printable ASCII", comment, c, word)
				}
			}
			if strings.ContainsFunc(c.Reason, unseen) || c.For < 0 {
				t.Fatalf("Commands(%q) = %+v, where the reason hides something", comment, c)
			}
		}
	})
}

package checks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestOwnersOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, path, want string }{
		"everything":                                {"* @ana", "a/b.go", "ana"},
		"the last line that matches":                {"* @ana\n*.go @bo\n", "a/b.go", "bo"},
		"the last line, though it is wider":         {"*.go @bo\n* @ana\n", "a/b.go", "ana"},
		"a line without owners takes them away":     {"* @ana\n/apps/github\n", "apps/github/x", ""},
		"no line":                                   {"docs/ @ana\n", "src/x", ""},
		"a folder anywhere":                         {"apps/ @ana\n", "x/apps/y", "ana"},
		"a folder at the root":                      {"/apps/ @ana\n", "x/apps/y", ""},
		"a folder's own files":                      {"docs/* @ana\n", "docs/x.md", "ana"},
		"not those of folders below":                {"docs/* @ana\n", "docs/a/x.md", ""},
		"folders between":                           {"/a/**/z.go @ana\n", "a/b/c/z.go", "ana"},
		"no folders between":                        {"/a/**/z.go @ana\n", "a/z.go", "ana"},
		"any folder":                                {"**/logs @ana\n", "build/logs/x", "ana"},
		"any folder, at the root":                   {"**/logs @ana\n", "logs/x", "ana"},
		"a path without a slash before it":          {"src/lib/ @ana\n", "src/lib/x", "ana"},
		"a path without a slash before it, deeper":  {"src/lib/ @ana\n", "x/src/lib/x", ""},
		"case matters":                              {"/Src/ @ana\n", "src/x", ""},
		"several owners":                            {"* @ana acme@x.example @acme/Ops # and a comment", "x", "ana acme@x.example acme/Ops"},
		"dots in a login":                           {"* @jane.doe", "x", "jane.doe"},
		"a group in a group":                        {"* @acme/a/b", "x", "acme/a/b"},
		"an escaped space":                          {`a\ b/ @ana`, "a b/x", "ana"},
		"letters that the library does not know":    {"/straße/ @ana\n", "straße/x", "ana"},
		"a comma and an equals sign":                {"/a,b=c.txt @ana\n", "a,b=c.txt", "ana"},
		"a character class, which GitHub skips":     {"* @ana\n/[ab].go @bo\n", "a.go", "ana"},
		"negation, which GitHub skips":              {"* @ana\n!a.go @bo\n", "a.go", "ana"},
		"an owner that is none, that line alone":    {"* @ana\n/a.go nobody\n", "a.go", "ana"},
		"a byte order mark and carriage returns":    {"\ufeff* @ana\r\n", "x", "ana"},
		"a slash alone":                             {"/ @ana\n// @ana\n", "x", ""},
		"a backslash at the end":                    {"x\\ @ana\n\\", "x", ""},
		"three stars":                               {"*** @ana\n", "x", ""},
		"a question mark":                           {"/a?c @ana\n", "abc", "ana"},
		"a pattern with brackets of the round sort": {"/a(1).go @ana\n", "a(1).go", "ana"},
	} {
		got := ""
		if groups, _ := ownersOf(Repository{}, c.text, []string{c.path}); len(groups) > 0 {
			var names []string
			for _, o := range groups[0].owners {
				names = append(names, o.Value)
			}
			got = strings.Join(names, " ")
		}
		if got != c.want {
			t.Errorf("%s: ownersOf(%q, %q) = %q, want %q", name, c.text, c.path, got, c.want)
		}
	}
}

func TestCodeowners(t *testing.T) {
	t.Parallel()
	owners := []policy.ApprovalRule{rule("owners", 1, policy.From{Codeowners: true})}
	two := []policy.ApprovalRule{rule("owners", 2, policy.From{Codeowners: true})}
	or := []policy.ApprovalRule{rule("owners", 1, policy.From{Codeowners: true, Users: []string{"cid"}})}
	both := "src/ @ana\ndeploy/ @acme/operations\n"
	as := func(people ...Person) (rs []Review) {
		for _, p := range people {
			rs = append(rs, approved(p, "c2"))
		}
		return rs
	}
	for name, c := range map[string]approvalCase{
		"an owner approved":                                   {rules: owners, facts: codeownersText("* @ana"), reviews: as(ana), want: Pass, says: "Approved by ana."},
		"somebody else approved":                              {rules: owners, facts: codeownersText("* @ana"), reviews: as(bo), want: Wait, says: `Needs 1 more approval by ana, who own src/shop.go (rule "owners").`},
		"an owner who only reads":                             {rules: owners, facts: codeownersText("* @eve"), reviews: as(eve), want: Wait},
		"an owner of some paths":                              {rules: owners, facts: codeownersText(both), reviews: as(ana), want: Wait, says: "Needs 1 more approval by acme/operations, who own deploy/prod/old.yml"},
		"an owner of each":                                    {rules: owners, facts: codeownersText(both), reviews: as(ana, bo), want: Pass},
		"the old path of a rename has an owner":               {rules: owners, facts: codeownersText("deploy/ @acme/operations\n"), reviews: as(ana), want: Wait},
		"one of several owners":                               {rules: owners, facts: codeownersText("* @ana @bo"), reviews: as(bo), want: Pass},
		"one of several owners, where two are asked":          {rules: two, facts: codeownersText("* @ana @bo"), reviews: as(bo), want: Wait, says: "Needs 1 more approval by an owner of the paths"},
		"two owners":                                          {rules: two, facts: codeownersText("* @ana @bo"), reviews: as(bo, ana), want: Pass},
		"two owners, but a path has another one":              {rules: two, facts: codeownersText("* @ana @bo\ndeploy/ @dora\n"), reviews: as(bo, ana), want: Wait, says: "by dora, who own deploy"},
		"somebody named beside the owners":                    {rules: or, facts: codeownersText(both), reviews: as(cid), want: Pass},
		"an owner by address":                                 {rules: owners, facts: codeownersText("* ANA@acme.example"), reviews: as(ana), want: Pass},
		"an owner by an address that nobody has":              {rules: owners, facts: codeownersText("* x@acme.example"), reviews: as(ana), want: Wait, says: "x@acme.example"},
		"a path with owners and one without":                  {rules: owners, facts: codeownersText("src/shop.go @ana"), reviews: as(ana), want: Pass},
		"nobody owns any of it, nobody approved":              {rules: owners, facts: codeownersText("docs/ @ana"), want: Wait, says: "somebody with write access"},
		"nobody owns any of it, a reader approved":            {rules: owners, facts: codeownersText("docs/ @ana"), reviews: as(eve), want: Wait},
		"nobody owns any of it, approved":                     {rules: owners, facts: codeownersText("docs/ @ana"), reviews: as(bo), want: Pass},
		"no CODEOWNERS":                                       {rules: owners, facts: noCodeowners, reviews: as(bo), want: Pass},
		"CODEOWNERS not read":                                 {rules: owners, reviews: as(bo), want: Unknown},
		"CODEOWNERS could not be read":                        {rules: owners, facts: gap("text:.github/CODEOWNERS", "502"), reviews: as(bo), want: Unknown, says: "502"},
		"a symbolic link for CODEOWNERS":                      {rules: owners, facts: func(f *Facts) { f.Texts = []Text{{Side: Tip, Path: ".github/CODEOWNERS", Kind: "symlink"}} }, reviews: as(bo), want: Unknown},
		"files cut off":                                       {rules: owners, facts: func(f *Facts) { codeownersText("* @ana")(f); gap("files", "3,000 at most")(f) }, reviews: as(ana), want: Unknown},
		"an owning team that could not be read":               {rules: owners, facts: func(f *Facts) { codeownersText("* @acme/x")(f); gap("teams", "403")(f) }, reviews: as(ana), want: Unknown, says: "403"},
		"an owning team that could not be read, and an owner": {rules: owners, facts: codeownersText("* @acme/x @ana"), reviews: as(ana), want: Pass},
		"the author owns it and nobody else":                  {rules: owners, facts: codeownersText("* @mal"), reviews: as(mal), want: Wait},
		"an author who owns the paths, for a condition": {rules: []policy.ApprovalRule{when(rule("r", 1, policy.From{Users: []string{"dora"}}), policy.When{Authors: policy.From{Codeowners: true}})},
			facts: codeownersText("* @mal"), want: Wait},
		"an author who does not, for a condition": {rules: []policy.ApprovalRule{when(rule("r", 1, policy.From{Users: []string{"dora"}}), policy.When{Authors: policy.From{Codeowners: true}})},
			facts: codeownersText("* @ana"), want: Pass},
	} {
		c.run(t, name)
	}
}

func noCodeowners(f *Facts) {
	for _, p := range OwnersPaths(Repository{}) {
		f.Texts = append(f.Texts, Text{Side: Tip, Path: p, Absent: true})
	}
}

func FuzzOwnersOf(f *testing.F) {
	for _, s := range []string{"* @ana", "/ @x", "\\", "a\\ b @x @y/z # c", "***", "[A]\n^[B][2] @x", "**/**/a?/ @a.b", "/\\/ @x", "? \\", "a\\"} {
		f.Add(s, "src/a.go")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		groups, _ := ownersOf(Repository{Sections: len(path)%2 == 0}, text, []string{path, "src/x.go"})
		for _, g := range groups {
			if len(g.owners) == 0 || g.line < 1 {
				t.Errorf("ownersOf(%q, %q) = group without owners or line: %+v", text, path, g)
			}
		}
		// The shortcut must not lose what the pattern itself would match.
		for _, l := range parseCodeowners(text) {
			pattern, _ := cutPattern(l.text)
			l.prefix, l.part = literals(pattern)
			quickly := l.matches(path)
			l.prefix, l.part = "", ""
			if slowly := l.matches(path); slowly && !quickly {
				t.Errorf("line %q matches %q, but not after the comparison of %s", l.text, path, fmt.Sprint(literals(pattern)))
			}
		}
	})
}

func TestCodeownersAreLookedForWhereTheForgeDoes(t *testing.T) {
	t.Parallel()
	f := approvalFacts()
	f.Repository.Owners = []string{"elsewhere/CODEOWNERS", "CODEOWNERS"}
	f.Texts = []Text{{Side: Tip, Path: "elsewhere/CODEOWNERS", Absent: true}}
	w := &Wants{}
	p := loaded(t, policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: "approval: {rules: [{name: r, from: {codeowners: true}}]}"}).Layers[0]
	wantApproval(p, f, w)
	if len(w.Texts) != 1 || w.Texts[0].Path != "CODEOWNERS" {
		t.Errorf("wants %+v, want what comes next in the forge's order", w.Texts)
	}
}

// Where a forge reads CODEOWNERS in sections, each section decides for itself.
func TestOwnersInSections(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, path, want string }{
		"no section":                              {"* @ana\n/docs/ @bo\n", "docs/x.md", "@bo"},
		"what stands above sections counts too":   {"* @ana\n[Docs]\ndocs/ @bo\n", "docs/x.md", "@ana @bo"},
		"each section":                            {"[A]\n*.go @ana\n[B]\nsrc/ @bo\n", "src/x.go", "@ana @bo"},
		"the last line of a section":              {"[A]\n* @ana\n*.go @bo\n*.md @cid\n", "src/x.go", "@bo"},
		"a heading names owners":                  {"[Docs][2] @acme/docs @@maintainer\ndocs/\nREADME.md @ana\n", "docs/x.md", "@acme/docs @@maintainer"},
		"a line that names its own":               {"[Docs] @acme/docs\ndocs/\nREADME.md @ana\n", "README.md", "@ana"},
		"an optional section":                     {"^[Docs] @acme/docs\ndocs/\n", "docs/x.md", "@acme/docs"},
		"a section that goes on":                  {"[Docs]\ndocs/ @ana\n[Code]\n*.go @bo\n[DOCS]\ndocs/api/ @cid\n", "docs/api/x.md", "@cid"},
		"what is taken out of its section":        {"* @ana\n[Code] @bo\n!vendor/\n*.go\n", "vendor/x.go", "@ana"},
		"taken out for good":                      {"[Code] @bo\n!*.pb.go\nsrc/x.pb.go @bo\n", "src/x.pb.go", ""},
		"a pattern with a slash matches anywhere": {"ee/docs/* @ana\n", "x/ee/docs/y.md", "@ana"},
		"one that begins with a slash does not":   {"/docs/* @ana\n", "x/docs/y.md", ""},
		"a folder's own files":                    {"/docs/* @ana\n", "docs/a/x.md", ""},
		"a name of a folder without a slash":      {"/docs @ana\n", "docs/x.md", ""},
		"a file that begins with a dot":           {"/config/* @ana\n", "config/.env", "@ana"},
		"an escaped space":                        {`path\ with\ spaces/ @ana`, "path with spaces/x", "@ana"},
		"an escaped number sign":                  {`\#x.rb @ana`, "#x.rb", "@ana"},
		"a class of letters":                      {"/[ab].go @ana\n", "b.go", "@ana"},
		"braces are letters":                      {"/{a,b}.go @ana\n", "a.go", ""},
		"a section that is required elsewhere":    {"^[Docs]\ndocs/ @ana\n[docs]\n*.txt @bo\n", "docs/x.md", "@ana"},
		"two stars that end a pattern":            {"* @ana\n/infra/** @bo\n", "infra/a/b.tf", "@ana"},
		"two stars that end it, one folder":       {"* @ana\n/infra/** @bo\n", "infra/b.tf", "@bo"},
		"two stars between":                       {"* @ana\n/infra/**/*.tf @bo\n", "infra/a/b.tf", "@bo"},
		"escaped braces":                          {`/\{a\}.go @ana`, "{a}.go", "@ana"},
		"the same owners by two sections":         {"[A]\n* @ana\n[B]\n* @ana\n", "x", "@ana"},
		"who is named in a comment":               {"* @ana # not @bo\n", "x", "@ana @bo"},
	} {
		r := Repository{Sections: true}
		all, why := Owners(r, c.text, []string{"other/y.txt", c.path})
		if got := strings.Join(all[1], " "); got != c.want || why != "" {
			t.Errorf("%s: Owners(%q, %q) = %q (%s), want %q", name, c.text, c.path, got, why, c.want)
		}
	}
	text := "[A]\n* @ana\n[B] @@maintainers\n*\n"
	if groups, _ := ownersOf(Repository{Sections: true}, text, []string{"x", "y"}); len(groups) != 2 || groups[0].more != 1 || groups[1].line != 4 || groups[1].names(2) != "a maintainer" {
		t.Errorf("two sections that own two paths: %+v, want two groups of two paths", groups)
	}
}

// An owner of each section has to approve, and a role is whoever holds it.
func TestApprovalByOwnersInSections(t *testing.T) {
	t.Parallel()
	owners := []policy.ApprovalRule{rule("owners", 1, policy.From{Codeowners: true})}
	in := func(text string) func(*Facts) {
		return func(f *Facts) { codeownersText(text)(f); f.Repository.Sections = true }
	}
	for name, c := range map[string]approvalCase{
		"of one section of two":   {rules: owners, facts: in("[A]\n* @ana\n[B]\n* @bo\n"), reviews: []Review{approved(ana, "c2")}, want: Wait, says: "by bo, who own"},
		"of both":                 {rules: owners, facts: in("[A]\n* @ana\n[B]\n* @bo\n"), reviews: []Review{approved(ana, "c2"), approved(bo, "c2")}, want: Pass},
		"a maintainer":            {rules: owners, facts: in("* @@maintainer\n"), reviews: []Review{approved(cid, "c2")}, want: Pass},
		"no maintainer":           {rules: owners, facts: in("* @@maintainer\n"), reviews: []Review{approved(ana, "c2")}, want: Wait, says: "a maintainer"},
		"a role above that role":  {rules: owners, facts: in("* @@developers\n"), reviews: []Review{approved(cid, "c2")}, want: Wait},
		"that very role":          {rules: owners, facts: in("* @@developers\n"), reviews: []Review{approved(ana, "c2")}, want: Pass},
		"too many sections":       {rules: owners, facts: in("* @ana\n" + strings.Repeat("[A]\n* @ana\n", 2) + manySections()), reviews: []Review{approved(ana, "c2")}, want: Unknown, says: "make it smaller"},
		"of an optional section":  {rules: owners, facts: in("* @ana\n^[B]\n* @bo\n"), reviews: []Review{approved(ana, "c2")}, want: Pass},
		"a path at another depth": {rules: owners, facts: in("nothing/ @ana\nprod/* @bo\n"), reviews: []Review{approved(ana, "c2")}, want: Wait, says: "by bo, who own deploy/prod"},
	} {
		c.run(t, name)
	}
}

func manySections() string {
	var b strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&b, "[%d]\n", i)
	}
	return b.String()
}

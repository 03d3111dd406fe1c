package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

func (b *books) CodeOwners(_ context.Context, s checks.Subject, commit string, paths []string) (path, text string, err error) {
	b.asked = append(b.asked, fmt.Sprintf("%s %s %.4s %s", s.Forge, s.Repo, commit, strings.Join(paths, " ")))
	if b.owners == "" {
		return "", "", b.dumb
	}
	return paths[0], b.owners, b.dumb
}

// carrying are books of a promotion that brings three changes and a commit that came by none.
func carrying() *books {
	b := hostileBooks()
	b.inside = &checks.Promotion{
		Between: []checks.Carried{{Commit: c2, Change: 7}, {Commit: c1, Change: 6}, {Commit: "33", Change: 6}, {Commit: "44"}, {Commit: "55", Change: 5}},
		Origin:  &checks.Origin{Change: &checks.Change{Number: 7, Author: checks.Person{Login: "ana"}}, Files: []checks.File{{Path: "src/pay/card.go"}}},
	}
	b.facts = map[int]checks.Facts{6: {Files: []checks.File{{Path: "db/migrations/9.sql"}, {Path: "README.md", Old: "docs/pay.md", Status: "renamed"}, {Path: "README.md", Old: "src/copied.go", Status: "copied"}}}}
	b.owners = "* @acme/everyone\n/src/pay/ @acme/payments @pia\ndb/ @acme/data\nREADME.md\n"
	return b
}

// shownTerms are the terms of a page with what is said of them, without markup.
func shownTerms(page string) (all []string) {
	tag := regexp.MustCompile(`<[^>]*>`)
	for _, m := range regexp.MustCompile(`(?s)<dt>(.*?)</dt><dd>(.*?)</dd>`).FindAllStringSubmatch(page, -1) {
		all = append(all, strings.Join(strings.Fields(tag.ReplaceAllString(m[1]+": "+m[2], "")), " "))
	}
	return all
}

// A promotion's page tells what all changes inside touch, and who owns that.
func TestAPromotionTellsWhatItMayBreakAndWhoseThatIs(t *testing.T) {
	t.Parallel()
	b := carrying()
	h := open(t, b, "write", bo)
	body := ask(h, "GET", "/promotions/"+gated).Body.String()
	terms := strings.Join(shownTerms(body), "\n")
	for _, want := range []string{
		"Database migrations: db/migrations/9.sql", "Code and the rest: README.md docs/pay.md src/pay/card.go",
		"@acme/payments @pia: src/pay/card.go", "@acme/data: db/migrations/9.sql", "@acme/everyone: docs/pay.md", "Nobody: README.md",
	} {
		if !strings.Contains(terms, want) {
			t.Errorf("the page does not say %q:\n%s", want, terms)
		}
	}
	for _, want := range []string{".github/CODEOWNERS</code> at the commit", `/changes/github/5/acme/shop">#5</a> brought was not kept`, "1 commit came by no change"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Index(terms, "Nobody: ") < strings.Index(terms, "@acme/everyone") {
		t.Errorf("what nobody owns does not come last:\n%s", terms)
	}
	if strings.Contains(body, "src/copied.go") {
		t.Error("what was copied is told as touched")
	}
	ask(h, "GET", "/promotions/"+gated)
	if want := "github acme/shop 2222 .github/CODEOWNERS CODEOWNERS docs/CODEOWNERS"; len(b.asked) != 1 || b.asked[0] != want {
		t.Errorf("two looks asked the forge %q, want %q once", b.asked, want)
	}
}

// That owners are not known is said, with nothing of what the forge said, and the rest of the page is there.
func TestAPromotionIsShownWithoutItsOwners(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		owners string
		dumb   error
		want   string
	}{
		"none":   {"", nil, "has no <code>CODEOWNERS</code> that"},
		"large":  {strings.Repeat("# nothing\n", 110000), nil, "is too large"},
		"gone":   {"", fmt.Errorf("secret: %w", gate.ErrGone), "does not show that commit"},
		"slow":   {"", context.DeadlineExceeded, "took too long"},
		"broken": {"x @y", errors.New("secret token abc"), "could not be asked"},
	} {
		b := carrying()
		b.owners, b.dumb = c.owners, c.dumb
		w := ask(open(t, b, "write", bo), "GET", "/promotions/"+gated)
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(body, c.want) || strings.Contains(body, "secret") || !strings.Contains(body, "db/migrations/9.sql") {
			t.Errorf("%s: %d, want it to say %q:\n%s", name, w.Code, c.want, strings.Join(shownTerms(body), "\n"))
		}
		if len(b.asked) != 1 {
			t.Errorf("%s: the forge was asked %d times", name, len(b.asked))
		}
	}
}

// Where nothing is known to be touched nobody is asked for owners; and that the forge did not answer is believed for a while.
func TestTheForgeIsNotAskedForOwnersWithoutNeed(t *testing.T) {
	t.Parallel()
	b := carrying()
	b.inside.Origin, b.facts = nil, nil
	body := ask(open(t, b, "write", bo), "GET", "/promotions/"+gated).Body.String()
	if len(b.asked) != 0 || !strings.Contains(body, "Nothing is known to be touched") || strings.Contains(body, "CODEOWNERS") {
		t.Errorf("of a promotion of which nothing is known the forge was asked %q:\n%s", b.asked, body)
	}
	b = carrying()
	b.dumb = errors.New("not now")
	h := open(t, b, "write", bo)
	for range 3 {
		ask(h, "GET", "/promotions/"+gated)
	}
	if len(b.asked) != 1 {
		t.Errorf("three looks within a minute asked a forge that does not answer %d times", len(b.asked))
	}
}

// A change that touches very much, or very many owners, leave a page small.
func TestAPromotionOfVeryMuchIsASmallPage(t *testing.T) {
	t.Parallel()
	b := carrying()
	var owners strings.Builder
	var files []checks.File
	for i := range 3000 {
		fmt.Fprintf(&owners, "/src/%d/ @acme/team-%d\n", i, i)
		for range 2 {
			files = append(files, checks.File{Path: fmt.Sprintf("src/%d/%s%d.go", i, strings.Repeat("ü&", 60), len(files))})
		}
	}
	b.owners, b.facts = owners.String(), map[int]checks.Facts{6: {Files: files}}
	w := ask(open(t, b, "write", bo), "GET", "/promotions/"+gated)
	if w.Code != http.StatusOK || w.Body.Len() > 100_000 || !strings.Contains(w.Body.String(), "and files of others") {
		t.Errorf("%d with %d bytes, want a page of at most 100 KB that says that there are more owners", w.Code, w.Body.Len())
	}
}

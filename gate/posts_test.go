package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func decision(vs ...checks.Verdict) *Decision {
	return seal(&Decision{ID: strings.Repeat("a", 32), Subject: checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: 7},
		Commit: "c1", At: now, Verdicts: vs, Gate: weigh(vs)})
}

func TestPostsLeaveOutWhatIsObserved(t *testing.T) {
	t.Parallel()
	d := decision(verdict("a", checks.Pass, policy.Enforce), verdict("b", checks.Fail, policy.Observe))
	var names []string
	for _, p := range posts(d, nil, "https://sluice.example") {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); got != "sluice/gate sluice/a" {
		t.Errorf("posts = %s, want the gate first and nothing observed", got)
	}
}

func TestPostLinksToItsDecision(t *testing.T) {
	t.Parallel()
	d := decision(verdict("a", checks.Fail, policy.Enforce))
	p := posts(d, nil, "https://sluice.example/")[1]
	if p.ExternalID != d.ID || p.URL != "https://sluice.example/decisions/"+d.ID {
		t.Errorf("post = %s %s, want both to carry the decision %s", p.ExternalID, p.URL, d.ID)
	}
}

func TestPostKeepsHostileWordsHarmless(t *testing.T) {
	t.Parallel()
	v := verdict("a", checks.Fail, policy.Enforce)
	v.Reason = "Title \u202e<img src=x> [a](http://evil) @acme/all " + strings.Repeat("x", 10_000)
	v.Findings = []checks.Finding{{Outcome: checks.Fail, What: v.Reason, How: "a\n```\n# out", Path: "a`b|c.md", Line: 3}}
	p := posts(decision(v), nil, "http://x")[1]
	if n := len([]rune(p.Title)); n > 140 {
		t.Errorf("title has %d characters, want at most 140", n)
	}
	for _, bad := range []string{"<img", "](http", "@acme", "\u202e"} {
		if strings.Contains(p.Summary, bad) {
			t.Errorf("summary contains %q:\n%.300s", bad, p.Summary)
		}
	}
	if strings.ContainsRune(p.Title, '\u202e') {
		t.Errorf("title keeps a direction character: %q", p.Title)
	}
}

func TestSummaryStaysWithinTheForgesLimit(t *testing.T) {
	t.Parallel()
	v := verdict("a", checks.Fail, policy.Enforce)
	for range 3000 {
		v.Findings = append(v.Findings, checks.Finding{Outcome: checks.Fail, What: strings.Repeat("a line ", 20), Path: "x.go", Line: 1})
	}
	p := posts(decision(v), nil, "http://x")[1]
	if len(p.Summary) > 65_535 || len(p.Annotations) > annotationLimit || !strings.Contains(p.Summary, "more; the details link") {
		t.Errorf("summary of %d bytes with %d annotations, want it cut and saying so", len(p.Summary), len(p.Annotations))
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	want := posts(decision(verdict("a", checks.Fail, policy.Enforce)), nil, "http://x")[1]
	record := Posted{Name: want.Name, Commit: "c1", ID: 5, Digest: want.Digest, State: "failure"}
	ours := checks.Status{Name: want.Name, ID: 5, State: "failure", Title: want.Title, Summary: want.Summary, Ours: true}
	other := func(f func(*checks.Status)) checks.Status { s := ours; f(&s); return s }
	for name, c := range map[string]struct {
		recorded []Posted
		statuses []checks.Status
		read     bool
		post     bool
		known    int64
	}{
		"never posted is made":                           {nil, nil, true, true, 0},
		"posted and unchanged is left alone":             {[]Posted{record}, []checks.Status{ours}, true, false, 0},
		"posted before a crash is left alone":            {nil, []checks.Status{ours}, true, false, 0},
		"taken away is made again":                       {[]Posted{record}, nil, true, true, 0},
		"another outcome is updated":                     {[]Posted{record}, []checks.Status{other(func(s *checks.Status) { s.State = "success" })}, true, true, 5},
		"another title is updated":                       {[]Posted{record}, []checks.Status{other(func(s *checks.Status) { s.Title = "All is well" })}, true, true, 5},
		"another digest is updated":                      {[]Posted{{Name: want.Name, Commit: "c1", ID: 5, Digest: "old"}}, []checks.Status{ours}, true, true, 5},
		"a foreign write since is answered anew":         {[]Posted{record}, []checks.Status{ours, {Name: "Sluice/A", ID: 6, State: "success"}}, true, true, 0},
		"a foreign write before ours is left below":      {[]Posted{record}, []checks.Status{ours, {Name: want.Name, ID: 4, State: "success"}}, true, false, 0},
		"the record serves when the forge cannot tell":   {[]Posted{record}, nil, false, false, 0},
		"a foreign write alone does not count as posted": {nil, []checks.Status{{Name: want.Name, ID: 6, State: "failure", Title: want.Title, Summary: want.Summary}}, true, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			news, _ := changed([]Post{want}, c.recorded, c.statuses, c.read, func(string) bool { return false })
			if got := len(news) == 1; got != c.post {
				t.Fatalf("changed(…) = %d news, want post %v", len(news), c.post)
			}
			var known int64
			if c.post && news[0].Known != nil {
				known = news[0].Known.ID
			}
			if known != c.known {
				t.Errorf("known = %d, want %d", known, c.known)
			}
		})
	}
}

func TestChangedPostsAgainWhatSomebodyAskedFor(t *testing.T) {
	t.Parallel()
	want := posts(decision(verdict("a", checks.Fail, policy.Enforce)), nil, "http://x")
	var recorded []Posted
	var statuses []checks.Status
	for i, p := range want {
		recorded = append(recorded, Posted{p.Name, "c1", int64(i + 1), "", p.Digest, p.State()})
		statuses = append(statuses, checks.Status{Name: p.Name, ID: int64(i + 1), State: p.State(), Title: p.Title, Summary: p.Summary, Ours: true})
	}
	for name, c := range map[string]struct {
		cause Mark
		want  int
	}{
		"one check":           {Mark{Why: "check_run.rerequested", Detail: "sluice/a"}, 1},
		"the whole suite":     {Mark{Why: "check_suite.rerequested"}, 2},
		"nobody asked":        {Mark{Why: "pull_request.synchronize"}, 0},
		"a check not of ours": {Mark{Why: "check_run.rerequested", Detail: "build"}, 0},
	} {
		if news, _ := changed(want, recorded, statuses, true, rerequested(Work{Causes: []Mark{c.cause}})); len(news) != c.want {
			t.Errorf("%s: %d posts, want %d", name, len(news), c.want)
		}
	}
}

func TestWhatIsWrittenBesideALineIsTextThatAForgeTakes(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, message, want string }{
		{"lines stay", "one\ntwo", "one\ntwo"},
		{"control and direction characters go", "a\x00b\x1b[31m\u202ec", "ab[31mc"},
		{"what is not UTF-8 goes", "a\xffb", "ab"},
		{"nothing is still a message", "\x00", "See the summary."},
		{"a long one is cut", strings.Repeat("ü", 70_000), strings.Repeat("ü", noteLimit) + "…"},
	} {
		if got := note(x.message); got != x.want {
			t.Errorf("%s: note(%.40q) = %.60q, want %.60q", x.name, x.message, got, x.want)
		}
	}
}

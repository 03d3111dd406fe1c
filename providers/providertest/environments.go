package providertest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
)

// promoter is the provider as one whose forge has deployments.
func (w *world) promoter() gate.Promoter {
	w.Helper()
	p, ok := w.Provider.(gate.Promoter)
	if !ok {
		w.Fatalf("%T deploys nothing", w.Provider)
	}
	return p
}

// into is a commit on its way to an environment; "": the environment itself.
func (w *world) into(environment, commit string) checks.Subject {
	s := checks.Subject{Forge: w.Name, Repo: repo, Kind: checks.KindEnvironment, Environment: environment, Commit: commit}
	if commit != "" {
		s.Kind = checks.KindPromotion
	}
	return s
}

// standing reads an environment that must be readable, and with a commit a promotion that must be known whole.
func (w *world) standing(environment, commit string, watched ...string) *gate.Standing {
	w.Helper()
	st, err := w.promoter().Environment(w.Context(), w.into(environment, commit), watched, checks.Promotion{How: checks.ByCommand})
	if err != nil {
		w.Fatalf("Environment(%s, %.8s): %v", environment, commit, err)
	}
	if st.Branch != "main" || st.Unread != "" || len(st.Sources) == 0 || st.URL == "" {
		w.Errorf("Environment(%s): branch %q, policies %d (%s), url %q", environment, st.Branch, len(st.Sources), st.Unread, st.URL)
	}
	if (st.Facts != nil) != (commit != "") {
		w.Fatalf("Environment(%s, %.8s): facts %v", environment, commit, st.Facts)
	}
	if f := st.Facts; f != nil {
		w.sound(f)
		if p := f.Promotion; p == nil || p.How != checks.ByCommand || p.Commit != commit || p.Environment != environment || p.Branch != "main" || f.Subject.Kind != checks.KindPromotion || len(f.Sources) == 0 {
			w.Fatalf("facts of another promotion: %+v", f)
		}
	}
	return st
}

// deployed makes a deployment outside the gate, and has it succeed.
func (w *world) deployed(environment, ref string, states ...string) int64 {
	w.Helper()
	id, err := w.forge.Deploy(pretend.Deployment{Repo: repo, Ref: ref, Environment: environment, By: "ana"})
	w.must(err)
	for _, s := range states {
		w.must(w.forge.DeploymentStatus(pretend.DeploymentStatus{Repo: repo, ID: id, State: s, By: "bo", KeepOlder: true}))
	}
	return id
}

func liveThere(w *world) {
	main := w.forge.Head(repo, "main")
	st := w.standing("production", main)
	if len(st.Deployments) != 0 || st.Cut != "" || len(st.Facts.Promotion.Between) != 0 || !st.Facts.Promotion.OnBranch {
		w.Errorf("before anything is deployed: %+v, promotion %+v", st, st.Facts.Promotion)
	}
	w.gaps(st.Facts)
	if w.Unmarked != "" {
		w.liveUnmarked(main)
		return
	}
	first := w.deployed("production", main, "in_progress", "success", "inactive")
	second := w.deployed("production", main, "queued")
	w.deployed("staging", main, "success")
	st = w.standing("production", "")
	if len(st.Deployments) != 2 || st.Deployments[0].ID != second || st.Deployments[1].ID != first {
		w.Fatalf("deployments %+v, want the newest first", st.Deployments)
	}
	d := st.Deployments[1]
	if d.Live.IsZero() || d.State != "inactive" || d.StateAt.Before(d.Live) || d.At.After(d.Live) || d.StateBy.Login != "bo" || d.Creator.Login != "ana" || d.Creator.Kind != "user" || d.Commit != main || d.Ours || d.Workflow || d.URL == "" {
		w.Errorf("what was live: %+v", d)
	}
	if d = st.Deployments[0]; !d.Live.IsZero() || d.State != "queued" {
		w.Errorf("what is under way: %+v", d)
	}
}

// liveUnmarked is liveThere where only the state of a deployment is known that it has now.
func (w *world) liveUnmarked(main string) {
	first := w.deployed("production", main, "success")
	second := w.deployed("production", main)
	w.deployed("staging", main, "success")
	st := w.standing("production", "")
	if len(st.Deployments) != 2 || st.Deployments[0].ID != second || st.Deployments[1].ID != first {
		w.Fatalf("deployments %+v, want the newest first", st.Deployments)
	}
	d := st.Deployments[1]
	if d.Live.IsZero() || d.State != "success" || d.StateAt.Before(d.Live) || d.At.After(d.Live) || d.Creator.Login != "ana" || d.Creator.Kind != "user" || d.Commit != main || d.Ours || d.Workflow || d.URL == "" {
		w.Errorf("what is live: %+v", d)
	}
	if d = st.Deployments[0]; !d.Live.IsZero() || d.State != "in_progress" {
		w.Errorf("what is under way: %+v", d)
	}
}

func claimed(w *world) {
	main, p := w.forge.Head(repo, "main"), w.promoter()
	payload := `{"sluice":{"promotion":"p1"}}`
	for _, d := range []pretend.Deployment{{By: "ana", Payload: payload}, {App: "pipeline", Payload: payload}} {
		d.Repo, d.Ref, d.Environment = repo, main, "production"
		_, err := w.forge.Deploy(d)
		w.must(err)
	}
	_, err := w.forge.Start(pretend.Workflow{Repo: repo, Environments: []string{"production"}, By: "ana"})
	w.must(err)
	if found, err := p.Deployed(w.Context(), w.into("production", main), gate.Order{Promotion: "p1"}); err != nil || len(found) != 0 {
		w.Errorf("Deployed = %+v, %v; want none of those that claim it", found, err)
	}
	id, err := p.Deploy(w.Context(), w.into("production", main), gate.Order{Promotion: "p1", Attempt: 1, Decision: "d1"})
	w.must(err)
	var told []string
	for _, d := range w.standing("production", "").Deployments {
		told = append(told, fmt.Sprint(d.Creator.Login, " ", d.Ours, " ", d.Workflow, " ", d.Promotion))
	}
	want := []string{w.forge.Bot() + " true false p1", "github-actions[bot] false true ", "pipeline[bot] false false ", "ana false false "}
	if w.Unmarked != "" { // whose promotion it is, the book knows; a job is of whoever started it
		bot := strings.Fields(told[2])[0]
		want = []string{w.forge.Bot() + " true false ", "ana false true ", bot + " false false ", "ana false false "}
		if bot == "ana" || bot == w.forge.Bot() {
			w.Errorf("another account's deployment is told to be by %s", bot)
		}
	}
	w.check("deployments", told, want)
	if found, err := p.Deployed(w.Context(), w.into("production", main), gate.Order{Promotion: "p1"}); err != nil || len(found) != 1 || found[0].ID != id {
		w.Errorf("Deployed = %+v, %v; want %d", found, err, id)
	}
}

func anyCase(w *world) {
	main := w.forge.Head(repo, "main")
	w.deployed("production", main, "success")
	w.deployed("PRODUCTION", main)
	w.deployed("pRoDuCtIoN", main)
	w.deployed("reproduction", main)
	for _, name := range []string{"Production", "production"} {
		for range 2 {
			var told []string
			for _, d := range w.standing(name, "").Deployments {
				told = append(told, d.State)
			}
			begun := "pending"
			if w.Unmarked != "" {
				begun = "in_progress"
			}
			w.check(name, told, []string{begun, begun, "success"})
		}
	}
	promoter := w.promoter()
	_, err := promoter.Deploy(w.Context(), w.into("Production", main), gate.Order{Promotion: "p1"})
	w.must(err)
	w.later()
	if found, err := promoter.Deployed(w.Context(), w.into("production", main), gate.Order{Promotion: "p1"}); err != nil || len(found) != 1 {
		w.Errorf("Deployed = %+v, %v; want it in any case", found, err)
	}
}

func longAgo(w *world) {
	main := w.forge.Head(repo, "main")
	live := w.deployed("production", main, "success")
	for range 160 {
		w.deployed("production", main, "failure")
	}
	st := w.standing("production", main)
	if l := st.Facts.Promotion.Live(); l == nil || l.ID != live || st.Cut != "" || len(st.Deployments) < 161 {
		w.Errorf("live %+v of %d deployments, cut %q; want %d", l, len(st.Deployments), st.Cut, live)
	}
	w.gaps(st.Facts)
}

func watchedCommits(w *world) {
	main := w.forge.Head(repo, "main")
	next := w.push("main", "ana", map[string]string{"n": "n\n"})
	w.must(w.forge.Report(pretend.Report{Repo: repo, Commit: main, Name: "smoke", State: "success", App: "pipeline"}))
	w.must(w.forge.Report(pretend.Report{Repo: repo, Commit: main, Name: "e2e", State: "failure", By: "bo"}))
	for i := range 130 {
		w.must(w.forge.Report(pretend.Report{Repo: repo, Commit: next, Name: fmt.Sprintf("check-%03d", i), State: "success", App: "pipeline"}))
	}
	unknown := strings.Repeat("0", 40)
	st := w.standing("production", next, main, unknown)
	var told []string
	for _, s := range st.Statuses[main] {
		told = append(told, fmt.Sprint(s.Name, " ", s.State, " ", !s.At.IsZero(), " ", s.Ours))
	}
	w.check("statuses of the commit watched", told, []string{"e2e failure true false", "smoke success true false"})
	if n := len(st.Statuses[next]); n != 130 || len(st.Facts.Statuses) != 130 {
		w.Errorf("the commit itself shows %d statuses, and its facts hold %d; want 130", n, len(st.Facts.Statuses))
	}
	if _, ok := st.Statuses[unknown]; ok {
		w.Error("tells statuses of a commit that nobody knows")
	}
	w.gaps(st.Facts)
	st = w.standing("production", "", next)
	w.check("without a commit", len(st.Statuses[next]), 130)
}

func cameFrom(w *world) {
	author := pretend.Signature{Name: "Dora", Email: "dora@example.com"}
	w.forge.Describe("dora", "Dora", "dora@example.com")
	var written []pretend.Commit
	for i := range 130 {
		written = append(written, pretend.Commit{Message: fmt.Sprintf("Part %d\n\nCo-authored-by: Ed <ed@example.com>", i), Author: &author, Files: pretend.Texts(map[string]string{fmt.Sprintf("p/%03d", i): "p\n"})})
	}
	// labels are of the moment where a policy rests on them
	w.push("main", "olga", map[string]string{".sluice.yml": policyText + "environments: {production: {hotfix: {when: {labels: [hotfix]}}}}\n"})
	n := w.open(pretend.PR{Title: "Fix the till", Branch: "hotfix/till", Commits: written})
	w.must(w.forge.Label(repo, n, "bo", "hotfix"))
	merge, err := w.forge.Merge(repo, n, "bo", false)
	w.must(err)
	for range 2 {
		p := w.standing("production", merge).Facts.Promotion
		if p.Origin == nil || p.Origin.Change == nil {
			w.Fatalf("came from %+v", p.Origin)
		}
		c := p.Origin.Change
		if c.Number != n || c.Author.Login != "ana" || c.MergedBy.Login != "bo" || c.MergeCommit != merge || c.Title != "Fix the till" || c.Head.Name != "hotfix/till" || c.Base.Name != "main" || c.State != "merged" ||
			len(c.Labels) != 1 || c.Labels[0].By == nil || c.Labels[0].By.Login != "bo" || c.ChangedFiles != 130 || c.MergedAt.IsZero() {
			w.Errorf("the change: %+v", c)
		}
		if len(p.Origin.Files) != 130 || p.Origin.Files[0].Path != "p/000" || len(p.Origin.Commits) != 130 || len(p.Origin.Gaps) != 0 {
			w.Fatalf("%d files, %d commits, gaps %v", len(p.Origin.Files), len(p.Origin.Commits), p.Origin.Gaps)
		}
		for _, c := range p.Origin.Commits {
			if c.Author.Login != "dora" || len(c.CoAuthors) != 1 || c.CoAuthors[0].Email != "ed@example.com" {
				w.Fatalf("a commit by %+v with %+v", c.Author, c.CoAuthors)
			}
		}
	}
	w.must(w.forge.Unlabel(repo, n, "bo", "hotfix"))
	w.later()
	if labels := w.standing("production", merge).Facts.Promotion.Origin.Change.Labels; len(labels) != 0 {
		w.Errorf("labels %v after they were taken off", labels)
	}
	moved := w.open(pretend.PR{Branch: "move", Commits: []pretend.Commit{{Files: map[string]pretend.File{"src/b.go": {Gone: true}, "lib/b.go": {Text: "package a\n\nvar B = 1\n"}}}}})
	at, err := w.forge.Merge(repo, moved, "bo", true)
	w.must(err)
	files := w.standing("production", at).Facts.Promotion.Origin.Files
	if len(files) != 1 || files[0].Path != "lib/b.go" || files[0].Old != "src/b.go" {
		w.Errorf("a file that was moved: %+v", files)
	}
	direct := w.push("main", "olga", map[string]string{"d": "d\n"})
	if p := w.standing("production", direct).Facts.Promotion; p.Origin != nil {
		w.Errorf("a direct push came from %+v", p.Origin.Change)
	}
}

// carriedBy prints what a promotion brings or lacks: title and change, newest first.
func carriedBy(list []checks.Carried) (told []string) {
	for _, c := range list {
		told = append(told, fmt.Sprintf("%s #%d", c.Title, c.Change))
	}
	return told
}

func brings(w *world) {
	begin := w.forge.Head(repo, "main")
	w.deployed("production", begin, "success")
	titled := map[int]string{}
	add := func(branch string, squash bool, titles ...string) (int, string) {
		var written []pretend.Commit
		for _, t := range titles {
			written = append(written, pretend.Commit{Message: t, Files: pretend.Texts(map[string]string{t: t + "\n"})})
		}
		n := w.open(pretend.PR{Title: "All of " + branch, Branch: branch, Commits: written})
		at, err := w.forge.Merge(repo, n, "bo", squash)
		w.must(err)
		titled[n], _, _ = strings.Cut(w.forge.Message(repo, at), "\n")
		return n, at
	}
	one, _ := add("one", false, "a", "b")
	two, _ := add("two", true, "c", "d")
	_, err := w.forge.Push(pretend.Push{Repo: repo, By: "olga", Commits: []pretend.Commit{{Message: "By hand", Files: pretend.Texts(map[string]string{"h": "h\n"})}}})
	w.must(err)
	head := w.forge.Head(repo, "main")
	want := []string{"By hand #0", fmt.Sprintf("%s #%d", titled[two], two), fmt.Sprintf("%s #%d", titled[one], one), fmt.Sprintf("b #%d", one), fmt.Sprintf("a #%d", one)}
	for range 2 {
		f := w.standing("production", head).Facts
		got := carriedBy(f.Promotion.Between)
		slices.Sort(got)
		slices.Sort(want)
		w.check("between", got, want)
		w.check("lacks", len(f.Promotion.Lacks), 0)
		w.gaps(f)
		if f.Promotion.Between[0].Author.Login != "olga" || len(f.Promotion.Between[0].Parents) != 1 {
			w.Errorf("the newest is %+v", f.Promotion.Between[0])
		}
	}
	var many []pretend.Commit
	for i := range 240 {
		many = append(many, pretend.Commit{Message: fmt.Sprintf("Part %d", i), Files: pretend.Texts(map[string]string{"many": fmt.Sprintln(i)})})
	}
	n := w.open(pretend.PR{Title: "Many", Branch: "many", Commits: many})
	head, err = w.forge.Merge(repo, n, "bo", false)
	w.must(err)
	f := w.standing("production", head).Facts
	told := map[string]int{}
	for _, c := range f.Promotion.Between {
		told[fmt.Sprint("#", c.Change)]++
	}
	w.check("between, beyond the first page", told, map[string]int{fmt.Sprint("#", n): 241, fmt.Sprint("#", one): 3, fmt.Sprint("#", two): 1, "#0": 1})
	w.gaps(f)
	head = w.push("main", "olga", map[string]string{"x": "1\n"})
	for i := range 6 {
		head = w.push("main", "olga", map[string]string{"x": fmt.Sprintln("x", i)})
	}
	w.gaps(w.standing("production", head).Facts, "between")
}

func lacks(w *world) {
	begin := w.forge.Head(repo, "main")
	fix := func(branch, text string) string {
		at, err := w.forge.Push(pretend.Push{Repo: repo, Branch: branch, From: map[bool]string{true: begin}[branch == "fix"], By: "ana",
			Commits: []pretend.Commit{{Message: "Mend the till\n\nOn " + branch, Files: pretend.Texts(map[string]string{"src/b.go": "package a\n\n" + text + "var B = 1\n"})}}})
		w.must(err)
		return at
	}
	hot := fix("fix", "// mended\n")
	w.deployed("production", hot, "success")
	head := w.push("main", "olga", map[string]string{"m": "m\n"})
	f := w.standing("production", head).Facts
	w.check("lacks", carriedBy(f.Promotion.Lacks), []string{"Mend the till #0"})
	w.check("between", len(f.Promotion.Between), 1)
	if slices.ContainsFunc(slices.Concat(f.Promotion.Lacks, f.Promotion.Between), func(c checks.Carried) bool { return c.At.IsZero() }) {
		w.Errorf("when it was committed is not told: %+v, %+v", f.Promotion.Lacks, f.Promotion.Between)
	}
	if l := f.Promotion.Lacks[0]; l.Patch == "" || l.Patch == f.Promotion.Between[0].Patch || f.Promotion.Between[0].Patch == "" {
		w.Errorf("patches: %+v, %+v", l, f.Promotion.Between[0])
	}
	picked := fix("main", "// mended\n")
	f = w.standing("production", picked).Facts
	l := f.Promotion.Lacks[0]
	i := slices.IndexFunc(f.Promotion.Between, func(c checks.Carried) bool { return c.Commit == picked })
	if i < 0 || l.Patch == "" || f.Promotion.Between[i].Patch != l.Patch || l.Commit != hot {
		w.Errorf("the picked commit is not known again: %+v, %+v", l, f.Promotion.Between)
	}
	w.gaps(f)
}

// lacksMerges has the fix come into what is live by a merge: that counts for itself only where it brings something of its own.
func lacksMerges(w *world) {
	begin := w.forge.Head(repo, "main")
	mend := func(text string) []pretend.Commit {
		return []pretend.Commit{{Message: "Mend the till", Files: pretend.Texts(map[string]string{"src/b.go": "package a\n\n" + text + "var B = 1\n"})}}
	}
	for _, p := range []pretend.Push{{Branch: "release", From: begin, Commits: write(map[string]string{"r": "r\n"})}, {Branch: "mend", From: begin, Commits: mend("// mended\n")}, {Commits: []pretend.Commit{{Message: "Once more", Files: pretend.Texts(map[string]string{"r": "r\n"})}}}} {
		p.Repo, p.By = repo, "ana"
		_, err := w.forge.Push(p)
		w.must(err)
	}
	picked, err := w.forge.Push(pretend.Push{Repo: repo, By: "ana", Commits: mend("// mended\n")})
	w.must(err)
	n, err := w.forge.Open(pretend.PR{Repo: repo, By: "ana", Title: "Mend", Base: "release", Branch: "mend"})
	w.must(err)
	live, err := w.forge.Merge(repo, n, "bo", false)
	w.must(err)
	w.deployed("production", live, "success")
	for range 2 {
		f := w.standing("production", picked).Facts
		w.gaps(f)
		patches := map[string]bool{}
		for _, c := range f.Promotion.Between {
			patches[c.Patch] = true
		}
		for _, c := range f.Promotion.Lacks {
			if c.Patch == "" || !patches[c.Patch] || c.Commit == live {
				w.Errorf("lacks %+v, though the merge adds nothing and the rest was picked", c)
			}
		}
		w.check("lacks", len(f.Promotion.Lacks), 2)
	}
}

func goesBack(w *world) {
	old := w.forge.Head(repo, "main")
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	newer, err := w.forge.Merge(repo, n, "bo", true)
	w.must(err)
	w.deployed("production", newer, "success")
	f := w.standing("production", old).Facts
	if p := f.Promotion; len(p.Between) != 0 || len(p.Lacks) != 1 || p.Lacks[0].Commit != newer || p.Lacks[0].Change != n || !p.OnBranch {
		w.Errorf("back to what is older: %+v", p)
	}
	w.gaps(f)
	side, err := w.forge.Push(pretend.Push{Repo: repo, Branch: "side", From: old, By: "ana", Commits: write(map[string]string{"s": "s\n"})})
	w.must(err)
	if p := w.standing("production", side).Facts.Promotion; p.OnBranch {
		w.Errorf("a commit of another branch: %+v", p)
	}
	if p := w.standing("production", newer).Facts.Promotion; !p.OnBranch || len(p.Between)+len(p.Lacks) != 0 {
		w.Errorf("what is live itself: %+v", p)
	}
}

// signedTags: the forge's word on a signature is read where a policy wants signed releases, and only there.
func signedTags(w *world) {
	main, err := w.forge.Tag(pretend.Tag{Repo: repo, Name: "v9.1.0", By: "bo", Message: "One", Signed: true})
	w.must(err)
	_, err = w.forge.Tag(pretend.Tag{Repo: repo, Name: "v9.2.0", By: "bo", Message: "Two"})
	w.must(err)
	words := func(commit string) map[string]string {
		got := map[string]string{}
		for _, t := range w.standing("production", commit).Facts.Tags {
			got[t.Name] = t.Signature
		}
		return got
	}
	before := words(main)
	w.check("not asked for", before["v9.1.0"]+before["v9.2.0"], "")
	commit := w.push("main", "bo", map[string]string{".sluice.yml": "version: 1\ntagging: {signed: true}\nenvironments: {production: {release: enforce}}\n"})
	for _, name := range []string{"v9.3.0", "v9.4.0"} {
		_, err = w.forge.Tag(pretend.Tag{Repo: repo, Name: name, By: "bo", Message: name, Signed: name == "v9.3.0"})
		w.must(err)
	}
	w.later()
	after := words(commit)
	w.check("signed", after["v9.3.0"], "valid")
	w.check("unsigned", after["v9.4.0"], "unsigned")
	w.check("of another commit", after["v9.1.0"], "")
}

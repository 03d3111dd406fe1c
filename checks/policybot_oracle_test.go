package checks

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/policy/policybot"
)

// The other gate says what policy-bot's documentation says, as plainly as can be, about a pull request as it sees one. It
// knows nothing of Sluice; policies are written for both, and a pull request is told to both.
type otherGate struct {
	rules       map[string]*otherRule
	approval    []any // names, and otherBranch
	disapproval *otherDisapproval
}

type otherBranch struct {
	or    bool
	parts []any
}

type otherActors struct {
	users, teams, orgs, permissions []string
}

type otherPredicate struct {
	key, text string // as YAML
	holds     func(*otherPull) bool
	strange   bool // Sluice has nothing like it
}

type otherMethods struct {
	comments, patterns, reviewText, body []string
	review                               bool
}

type otherRule struct {
	name                                string
	when, conditions                    []otherPredicate
	count                               int
	actors                              otherActors
	author, contributor, nonAuthor      bool
	invalidate, unedited, mergesIgnored bool
	ignored                             *otherActors
	methods                             *otherMethods
	methodsWritten                      string
}

type otherDisapproval struct {
	when               []otherPredicate
	actors             otherActors
	disapprove, revoke *otherMethods
}

type otherPull struct {
	author, title, body, base, head string
	files                           []otherFile
	commits                         []otherCommit // oldest first; the last is the head
	said                            []otherSaying
	labels                          []string
	statuses                        map[string]string
	pushed                          int // when the head came
	luck                            map[string]bool
}

type otherFile struct {
	name, status string // added, deleted, modified
	lines        int
}

type otherCommit struct {
	author, committer string // "" is nobody that is known
	web               bool
	merge             bool // of the target branch, by the forge
	signed            bool
	signer            string
}

type otherSaying struct {
	by, state, text string // state "" for a comment
	at, edited      int    // edited 0: never
}

func (a otherActors) empty() bool {
	return len(a.users)+len(a.teams)+len(a.orgs)+len(a.permissions) == 0
}

var (
	otherTeams  = map[string][]string{"acme/red": {"ana", "bo"}, "acme/blue": {"cid", "mal"}}
	otherOrgs   = map[string][]string{"acme": {"ana", "bo", "cid"}}
	otherRights = map[string]string{"ana": "write", "bo": "admin", "cid": "read", "dora": "none", "mal": "write"}
)

func (a otherActors) has(user string) bool {
	if slices.Contains(a.users, user) {
		return true
	}
	for _, t := range a.teams {
		if slices.Contains(otherTeams[t], user) {
			return true
		}
	}
	for _, o := range a.orgs {
		if slices.Contains(otherOrgs[o], user) {
			return true
		}
	}
	rank := []string{"none", "read", "triage", "write", "maintain", "admin"}
	for _, p := range a.permissions {
		if has := slices.Index(rank, otherRights[user]); has > 0 && has >= slices.Index(rank, p) {
			return true
		}
	}
	return false
}

// users are those behind a commit.
func (c otherCommit) users() []string {
	var all []string
	for _, u := range []string{c.author, c.committer} {
		if u != "" {
			all = append(all, u)
		}
	}
	return all
}

type otherCandidate struct {
	by         string
	at, edited int
}

// candidates are the last words of each user that the methods take.
func (m otherMethods) candidates(p *otherPull, state string) []otherCandidate {
	last := map[string]otherCandidate{}
	take := func(by string, at, edited int) {
		if old, ok := last[by]; !ok || old.at < at {
			last[by] = otherCandidate{by, at, edited}
		}
	}
	for _, s := range p.said {
		spoken := s.state == "" || s.state == "commented"
		if spoken && (slices.ContainsFunc(m.comments, func(c string) bool { return strings.Contains(s.text, c) }) || anyRegexp(m.patterns, s.text)) {
			take(s.by, s.at, s.edited)
		}
		if s.state == state && (len(m.reviewText) > 0 && anyRegexp(m.reviewText, s.text) || len(m.reviewText) == 0 && m.review) {
			take(s.by, s.at, s.edited)
		}
	}
	if anyRegexp(m.body, p.body) {
		take(p.author, 0, 0)
	}
	var all []otherCandidate
	for _, c := range last {
		all = append(all, c)
	}
	return all
}

func anyRegexp(patterns []string, s string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return regexp.MustCompile(p).MatchString(s) })
}

// relevant are the commits that the options do not ignore, and whether the head is one. The commits before the head were
// there from the start.
func (r *otherRule) relevant(p *otherPull) (left []otherCommit, head bool) {
	for i, c := range p.commits {
		head = false
		if r.mergesIgnored && c.merge && c.web {
			continue
		}
		if r.ignored != nil && !r.ignored.empty() && len(c.users()) > 0 && !slices.ContainsFunc(c.users(), func(u string) bool { return !r.ignored.has(u) }) {
			continue
		}
		left, head = append(left, c), i == len(p.commits)-1
	}
	return left, head
}

// status is approved, pending or skipped.
func (r *otherRule) status(p *otherPull) string {
	for _, x := range r.when {
		if !x.holds(p) {
			return "skipped"
		}
	}
	for _, x := range r.conditions {
		if !x.holds(p) {
			return "pending"
		}
	}
	if r.count <= 0 {
		return "approved"
	}
	banned := map[string]bool{}
	commits, head := r.relevant(p)
	if !r.author && !r.contributor {
		banned[p.author] = true
	}
	if !r.contributor && !r.nonAuthor {
		for _, c := range commits {
			for _, u := range c.users() {
				banned[u] = banned[u] || u != p.author
			}
		}
	}
	m := otherMethods{comments: []string{":+1:", "👍"}, review: true}
	if r.methods != nil {
		m = *r.methods
	}
	n := 0
	for _, c := range m.candidates(p, "approved") {
		if banned[c.by] || !r.actors.has(c.by) || r.unedited && c.edited > 0 || r.invalidate && head && c.at <= p.pushed {
			continue
		}
		n++
	}
	if n >= r.count {
		return "approved"
	}
	return "pending"
}

func (g *otherGate) node(x any, p *otherPull) string {
	if name, ok := x.(string); ok {
		return g.rules[name].status(p)
	}
	b, seen := x.(otherBranch), map[string]bool{}
	for _, part := range b.parts {
		seen[g.node(part, p)] = true
	}
	first, second := "pending", "approved"
	if b.or {
		first, second = second, first
	}
	switch {
	case seen[first]:
		return first
	case seen[second]:
		return second
	}
	return "skipped"
}

func (g *otherGate) open(p *otherPull) bool {
	if d := g.disapproval; d != nil {
		for _, x := range d.when {
			if x.holds(p) {
				return false
			}
		}
		last := func(m otherMethods, state string) int {
			at := -1
			for _, c := range m.candidates(p, state) {
				if d.actors.has(c.by) {
					at = max(at, c.at)
				}
			}
			return at
		}
		no, yes := otherMethods{comments: []string{":-1:", "👎"}, review: true}, otherMethods{comments: []string{":+1:", "👍"}, review: true}
		if d.disapprove != nil {
			no = *d.disapprove
		}
		if d.revoke != nil {
			yes = *d.revoke
		}
		if at := last(no, "changes_requested"); !d.actors.empty() && at >= 0 && at > last(yes, "approved") {
			return false
		}
	}
	return len(g.approval) == 0 || g.node(otherBranch{false, g.approval}, p) == "approved"
}

var importSeed = flag.Uint64("import-seed", 7, "for the policies of the differential test of the import")

var importRounds = flag.Int("import-rounds", 120, "policies to make up for the differential test of the import")

func TestImportedPoliciesAreNeverWeaker(t *testing.T) {
	t.Parallel()
	rounds := *importRounds
	var opened, agreed, closer, exact int
	for n := range rounds {
		random := rand.New(rand.NewPCG(uint64(n), *importSeed))
		gentle := random.IntN(2) == 0
		w := &otherWriter{random: random, gentle: gentle}
		g, text := w.gate()
		r, err := policybot.Import(".policy.yml", text)
		if err != nil {
			t.Fatalf("round %d: Import = %v\n%s", n, err, text)
		}
		set, err := policy.Load(policy.Source{Origin: policy.Given, Name: "p", Text: r.Policy})
		if err != nil {
			t.Fatalf("round %d: Load(what was imported) = %v\n%s\n%s", n, err, text, r.Policy)
		}
		claimed := len(r.Notes) == 0
		for range 12 {
			p := w.pull()
			f := p.facts(gentle)
			want, v := g.open(p), judgeOne(set, f, All()[3])
			got := v.Outcome.Open()
			switch {
			case got && !want:
				t.Fatalf("round %d: Sluice opens, policy-bot does not\n%s\n%s\n%+v\n%s: %s", n, text, r.Policy, p, v.Outcome, v.Reason)
			case got != want && claimed && gentle:
				t.Fatalf("round %d: carried over without a note, and policy-bot opens where Sluice does not\n%s\n%s\n%+v\n%s: %s\n%+v", n, text, r.Policy, p, v.Outcome, v.Reason, v.Findings)
			}
			if want {
				opened++
			}
			if got == want {
				agreed++
			} else {
				closer++
			}
			if claimed && gentle {
				exact++
			}
		}
	}
	t.Logf("of %d judgements policy-bot opens %d; %d agree, %d are stricter; %d were claimed to be exact", rounds*12, opened, agreed, closer, exact)
	if opened < rounds || exact < rounds/2 || agreed-(rounds*12-opened) < opened/4 {
		t.Error("the rounds tell little")
	}
}

// otherWriter makes up policies and pull requests.
type otherWriter struct {
	random *rand.Rand
	gentle bool // nothing that the two gates are known to take differently
}

func (w *otherWriter) odds(of int) bool { return w.random.IntN(of) == 0 }

func (w *otherWriter) some(list ...string) []string {
	var got []string
	for _, s := range list {
		if w.odds(2) {
			got = append(got, s)
		}
	}
	return got
}

func yamlList(list []string) string {
	var q []string
	for _, s := range list {
		q = append(q, "'"+strings.ReplaceAll(s, "'", "''")+"'")
	}
	return "[" + strings.Join(q, ", ") + "]"
}

func (a otherActors) yaml() string {
	return fmt.Sprintf("users: %s, teams: %s, organizations: %s, permissions: %s", yamlList(a.users), yamlList(a.teams), yamlList(a.orgs), yamlList(a.permissions))
}

func (w *otherWriter) actors() otherActors {
	a := otherActors{users: w.some("ana", "bo", "cid", "dora", "mal")}
	if w.odds(3) {
		a.teams = w.some("acme/red", "acme/blue")
	}
	if w.odds(4) {
		a.orgs = []string{"acme"}
	}
	if w.odds(3) {
		a.permissions = w.some("read", "write", "admin")
	}
	return a
}

func (w *otherWriter) gate() (*otherGate, string) {
	g := &otherGate{rules: map[string]*otherRule{}}
	var b strings.Builder
	var names []string
	b.WriteString("approval_rules:\n")
	for i := range 1 + w.random.IntN(5) {
		r := w.rule(fmt.Sprintf("rule %d", i))
		g.rules[r.name] = r
		names = append(names, r.name)
		r.write(&b)
	}
	b.WriteString("policy:\n  approval:\n")
	for range 1 + w.random.IntN(3) {
		g.approval = append(g.approval, w.branch(names, 0))
	}
	writeBranches(&b, g.approval, "    ")
	if w.odds(3) {
		g.disapproval = w.disapproval()
		g.disapproval.write(&b)
	}
	return g, b.String()
}

func (w *otherWriter) branch(names []string, depth int) any {
	if depth > 2 || w.odds(2) {
		return names[w.random.IntN(len(names))]
	}
	b := otherBranch{or: w.odds(2)}
	for range 1 + w.random.IntN(3) {
		b.parts = append(b.parts, w.branch(names, depth+1))
	}
	return b
}

func writeBranches(b *strings.Builder, parts []any, in string) {
	for _, x := range parts {
		if name, ok := x.(string); ok {
			fmt.Fprintf(b, "%s- %s\n", in, name)
			continue
		}
		key := map[bool]string{true: "or", false: "and"}[x.(otherBranch).or]
		fmt.Fprintf(b, "%s- %s:\n", in, key)
		writeBranches(b, x.(otherBranch).parts, in+"    ")
	}
}

func (w *otherWriter) rule(name string) *otherRule {
	r := &otherRule{name: name, when: w.predicates(3), count: w.random.IntN(3), actors: w.actors()}
	if w.odds(3) {
		r.conditions = w.predicates(2)
	}
	r.author, r.contributor, r.nonAuthor = w.odds(3), w.odds(5), w.odds(4)
	r.invalidate, r.unedited = w.odds(3), w.odds(4)
	if w.odds(6) {
		r.mergesIgnored = true
	}
	if w.odds(8) {
		r.ignored = &otherActors{users: w.some("mal", "cid", "bo")}
	}
	if w.odds(2) {
		m := otherMethods{review: w.odds(2)}
		m.comments = w.some("lgtm", ":+1:")
		if w.odds(3) {
			m.patterns = []string{"^ok$"}
		}
		if w.odds(4) {
			m.reviewText = []string{`\bfine\b`}
		}
		if w.odds(8) {
			m.body = []string{"trivial"}
		}
		r.methods = &m
		r.methodsWritten = m.yaml()
	}
	return r
}

func (m otherMethods) yaml() string {
	return fmt.Sprintf("{comments: %s, comment_patterns: %s, github_review: %v, github_review_comment_patterns: %s, body_patterns: %s}",
		yamlList(m.comments), yamlList(m.patterns), m.review, yamlList(m.reviewText), yamlList(m.body))
}

func (r *otherRule) write(b *strings.Builder) {
	fmt.Fprintf(b, "  - name: %s\n    if:\n", r.name)
	for _, p := range r.when {
		fmt.Fprintf(b, "      %s: %s\n", p.key, p.text)
	}
	fmt.Fprintf(b, "    options:\n      allow_author: %v\n      allow_contributor: %v\n      allow_non_author_contributor: %v\n", r.author, r.contributor, r.nonAuthor)
	fmt.Fprintf(b, "      invalidate_on_push: %v\n      ignore_edited_comments: %v\n      ignore_update_merges: %v\n", r.invalidate, r.unedited, r.mergesIgnored)
	if r.ignored != nil {
		fmt.Fprintf(b, "      ignore_commits_by: {%s}\n", r.ignored.yaml())
	}
	if r.methods != nil {
		fmt.Fprintf(b, "      methods: %s\n", r.methodsWritten)
	}
	actors := ""
	if r.count > 0 {
		actors = ", " + r.actors.yaml()
	}
	fmt.Fprintf(b, "    requires: {count: %d%s", r.count, actors)
	if len(r.conditions) > 0 {
		var parts []string
		for _, p := range r.conditions {
			parts = append(parts, p.key+": "+p.text)
		}
		fmt.Fprintf(b, ", conditions: {%s}", strings.Join(parts, ", "))
	}
	b.WriteString("}\n")
}

func (w *otherWriter) disapproval() *otherDisapproval {
	d := &otherDisapproval{actors: w.actors()}
	if w.odds(3) {
		d.when = w.predicates(2)
	}
	if w.odds(3) {
		d.disapprove = &otherMethods{comments: w.some("no", ":-1:"), review: w.odds(2)}
	}
	if w.odds(3) {
		d.revoke = &otherMethods{comments: w.some("lgtm", ":+1:"), review: !w.odds(3)}
	}
	return d
}

func (d *otherDisapproval) write(b *strings.Builder) {
	b.WriteString("  disapproval:\n")
	if len(d.when) > 0 {
		b.WriteString("    if:\n")
		for _, p := range d.when {
			fmt.Fprintf(b, "      %s: %s\n", p.key, p.text)
		}
	}
	var methods []string
	if d.disapprove != nil {
		methods = append(methods, "disapprove: "+d.disapprove.yaml())
	}
	if d.revoke != nil {
		methods = append(methods, "revoke: "+d.revoke.yaml())
	}
	if len(methods) > 0 {
		fmt.Fprintf(b, "    options: {methods: {%s}}\n", strings.Join(methods, ", "))
	}
	fmt.Fprintf(b, "    requires: {%s}\n", d.actors.yaml())
}

// predicates are up to so many, each key once.
func (w *otherWriter) predicates(most int) []otherPredicate {
	var ps []otherPredicate
	for range w.random.IntN(most + 1) {
		p := w.predicate()
		if p.strange && (w.gentle || !w.odds(3)) || slices.ContainsFunc(ps, func(q otherPredicate) bool { return q.key == p.key }) {
			continue
		}
		ps = append(ps, p)
	}
	return ps
}

func (w *otherWriter) predicate() otherPredicate {
	paths := w.some(`^src/`, `\.md$`, `^docs/.*$`, `^go\.mod$`)
	ignore := w.some(`^src/gen/`, `^docs/old\.md$`)
	a := w.actors()
	changed := func(p *otherPull) bool {
		return slices.ContainsFunc(p.files, func(f otherFile) bool { return !anyRegexp(ignore, f.name) && anyRegexp(paths, f.name) })
	}
	of := func(status string) func(p *otherPull) bool {
		return func(p *otherPull) bool {
			return slices.ContainsFunc(p.files, func(f otherFile) bool { return f.status == status && anyRegexp(paths, f.name) })
		}
	}
	not := func(h func(*otherPull) bool) func(*otherPull) bool {
		return func(p *otherPull) bool { return !h(p) }
	}
	party := func(p *otherPull) []string {
		all := []string{p.author}
		for _, c := range p.commits {
			all = append(all, c.users()...)
		}
		return all
	}
	alone := func(p *otherPull) bool {
		return !slices.ContainsFunc(p.commits, func(c otherCommit) bool { return c.author != p.author || !c.web && c.committer != p.author })
	}
	signed := func(p *otherPull) bool {
		return !slices.ContainsFunc(p.commits, func(c otherCommit) bool { return !c.signed })
	}
	both, one := fmt.Sprintf("{paths: %s, ignore: %s}", yamlList(paths), yamlList(ignore)), fmt.Sprintf("{paths: %s}", yamlList(paths))
	who := "{" + a.yaml() + "}"
	luck := func(key, text string) otherPredicate {
		return otherPredicate{key, text, func(p *otherPull) bool { return p.luck[key] }, true}
	}
	lines := func(p *otherPull) int {
		n := 0
		for _, f := range p.files {
			n += f.lines
		}
		return n
	}
	names, labels, conclusions := w.some("build", "lint"), w.some("Risky", "fast"), w.some("success", "skipped")
	titles, untitles := w.some("^feat", "BLOCKED"), w.some("^docs", "fix")
	yes := w.odds(2)
	all := []otherPredicate{
		{"changed_files", both, changed, false},
		{"no_changed_files", both, not(changed), false},
		{"only_changed_files", one, func(p *otherPull) bool {
			return len(p.files) > 0 && !slices.ContainsFunc(p.files, func(f otherFile) bool { return !anyRegexp(paths, f.name) })
		}, false},
		{"file_added", one, of("added"), false},
		{"file_not_added", one, not(of("added")), false},
		{"file_deleted", one, of("deleted"), false},
		{"file_not_deleted", one, not(of("deleted")), false},
		{"has_author_in", who, func(p *otherPull) bool { return a.has(p.author) }, false},
		{"has_contributor_in", who, func(p *otherPull) bool { return slices.ContainsFunc(party(p), a.has) }, false},
		{"only_has_contributors_in", who, func(p *otherPull) bool {
			return !slices.ContainsFunc(party(p), func(u string) bool { return !a.has(u) })
		}, false},
		{"author_is_only_contributor", fmt.Sprint(yes), func(p *otherPull) bool { return alone(p) == yes }, false},
		{"targets_branch", "{pattern: '^(main|v1)$'}", func(p *otherPull) bool { return p.base == "main" || p.base == "v1" }, false},
		{"from_branch", "{pattern: '^mal:'}", func(p *otherPull) bool { return strings.HasPrefix(p.head, "mal:") }, false},
		{"modified_lines", "{additions: '> 100', total: '< 10'}", func(p *otherPull) bool { return lines(p) > 100 || lines(p) < 10 }, false},
		{"has_status", fmt.Sprintf("{conclusions: %s, statuses: %s}", yamlList(conclusions), yamlList(names)), func(p *otherPull) bool {
			allowed := conclusions
			if len(allowed) == 0 {
				allowed = []string{"success"}
			}
			return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(allowed, p.statuses[n]) })
		}, false},
		{"has_successful_status", yamlList(names), func(p *otherPull) bool {
			return !slices.ContainsFunc(names, func(n string) bool { return p.statuses[n] != "success" })
		}, false},
		{"has_labels", yamlList(labels), func(p *otherPull) bool {
			return !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(p.labels, strings.ToLower(l)) })
		}, false},
		{"repository", "{matches: ['^acme/']}", func(*otherPull) bool { return true }, false},
		{"title", fmt.Sprintf("{matches: %s, not_matches: %s}", yamlList(titles), yamlList(untitles)), func(p *otherPull) bool {
			return anyRegexp(titles, p.title) || len(untitles) > 0 && !anyRegexp(untitles, p.title)
		}, false},
		{"has_valid_signatures", fmt.Sprint(yes), func(p *otherPull) bool { return signed(p) == yes }, false},
		{"has_valid_signatures_by", fmt.Sprintf("{users: %s}", yamlList(a.users)), func(p *otherPull) bool {
			return signed(p) && !slices.ContainsFunc(p.commits, func(c otherCommit) bool { return !slices.Contains(a.users, c.signer) })
		}, false},
		luck("has_workflow_result", "{workflows: ['.github/workflows/a.yml']}"),
		luck("custom_property_is_null", "[tier]"),
		luck("from_the_future", "true"),
	}
	return all[w.random.IntN(len(all))]
}

// pull makes up a pull request.
func (w *otherWriter) pull() *otherPull {
	pick := func(list ...string) string { return list[w.random.IntN(len(list))] }
	p := &otherPull{
		author: pick("mal", "mal", "ana", "cid"), title: pick("feat: a", "docs: b", "fix BLOCKED", "c"), body: pick("trivial", "long"),
		base: pick("main", "v1", "next"), head: pick("topic", "mal:topic"), labels: w.some("risky", "fast"), statuses: map[string]string{}, pushed: 10,
		luck: map[string]bool{"has_workflow_result": w.odds(2), "custom_property_is_null": w.odds(2), "from_the_future": w.odds(2)},
	}
	for range w.random.IntN(4) {
		f := otherFile{pick("src/a.go", "src/gen/b.go", "docs/x.md", "docs/old.md", "README.md", "go.mod"), pick("added", "deleted", "modified"), w.random.IntN(90)}
		if !slices.ContainsFunc(p.files, func(g otherFile) bool { return g.name == f.name }) {
			p.files = append(p.files, f)
		}
	}
	for range 1 + w.random.IntN(3) {
		c := otherCommit{author: pick(p.author, p.author, "bo", "cid"), signed: !w.odds(4), signer: pick("mal", "ana")}
		c.committer = c.author
		if w.odds(4) {
			c.committer, c.web = pick("web-flow", ""), true // an account, or as a name alone
		}
		if !w.gentle && w.odds(8) {
			c.author = pick("", "robot[bot]")
		}
		p.commits = append(p.commits, c)
	}
	if len(p.commits) == 1 {
		p.pushed = 0
	}
	p.commits[len(p.commits)-1].merge = len(p.commits) > 1 && w.odds(4)
	for _, s := range []string{"build", "lint"} {
		if !w.odds(4) {
			p.statuses[s] = pick("success", "success", "failure", "skipped", "")
		}
	}
	at := 0
	for range w.random.IntN(7) {
		at += 1 + w.random.IntN(4)
		s := otherSaying{by: pick("ana", "bo", "cid", "dora", "mal"), at: at, text: pick("lgtm", ":+1:", "ok", "this is fine", "no", ":-1: no", "hm", "👍")}
		s.state = pick("", "", "approved", "approved", "approved", "commented", "changes_requested", "dismissed")
		if w.gentle && s.state != "" {
			s.state = pick("approved", "commented")
		}
		if s.state == "dismissed" && slices.ContainsFunc(p.said, func(o otherSaying) bool { return o.by == s.by && o.state == "changes_requested" }) {
			s.state = "commented" // a dismissal that takes back an earlier request too is a difference that the docs name
		}
		if w.odds(6) && (!w.gentle || s.state == "approved") {
			s.edited = at + 1
		}
		if !w.gentle && w.odds(12) {
			s.by = "robot[bot]"
		}
		p.said = append(p.said, s)
	}
	if w.gentle {
		p.said = slices.DeleteFunc(p.said, func(s otherSaying) bool { return strings.Contains(s.text, "no") })
	}
	return p
}

var otherIDs = map[string]int64{"ana": 1, "bo": 2, "cid": 3, "dora": 4, "mal": 9, "robot[bot]": 77, "web-flow": 19864447}

func otherPerson(name string) Person {
	switch name {
	case "":
		return Person{Name: "Nobody Known", Email: "nobody@example.com"}
	case "robot[bot]", "web-flow":
		return Person{ID: otherIDs[name], Login: name, Kind: "bot"}
	}
	return Person{ID: otherIDs[name], Login: name, Kind: "user"}
}

// facts tell the same pull request to Sluice.
func (p *otherPull) facts(gentle bool) *Facts {
	at := func(n int) time.Time { return time.Date(2026, 1, 1, 0, n, 0, 0, time.UTC) }
	f := &Facts{
		Subject:    Subject{Forge: "github", Repo: "acme/shop", Kind: KindChange, Change: 1},
		Repository: Repository{Name: "acme/shop", Default: "main", URL: "https://github.com/acme/shop"}, Heard: true, Signed: true,
		Change: &Change{Number: 1, Title: p.title, Body: p.body, State: "open", Author: otherPerson(p.author), Base: Ref{Name: p.base},
			Head: Ref{Repo: "acme/shop", Name: "topic"}, ChangedFiles: len(p.files), CommitCount: len(p.commits)},
		People: map[int64]Person{}, Teams: map[string]Group{}, Orgs: map[string]Group{},
	}
	if strings.HasPrefix(p.head, "mal:") {
		f.Change.Fork, f.Change.Head.Repo = true, "mal/shop"
	}
	for i, c := range p.commits {
		m := Commit{ID: fmt.Sprint("c", i), Parents: []string{fmt.Sprint("c", i-1)}, Author: otherPerson(c.author), Committer: otherPerson(c.committer)}
		if c.web && c.committer == "" {
			m.Committer = Person{Login: "web-flow", Kind: "bot", Name: "GitHub", Email: "noreply@github.com"}
		}
		if c.merge {
			m.Parents = append(m.Parents, "main")
		}
		if c.signed {
			m.Signature = &Signature{Verified: true, By: otherPerson(c.signer)}
		}
		f.Commits = append(f.Commits, m)
		f.Change.Head.Commit = m.ID
	}
	for _, x := range p.files {
		f.Files = append(f.Files, File{Path: x.name, Status: map[string]string{"deleted": "removed"}[x.status] + strings.ReplaceAll(x.status, "deleted", "")})
		f.Change.Additions += x.lines
	}
	for i, s := range p.said {
		id := int64(100 + i)
		if s.state != "" {
			commit := "c0"
			if s.at > p.pushed {
				commit = f.Change.Head.Commit
			}
			if !gentle && i%5 == 0 {
				commit = "c0" // a page that was not loaded anew
			}
			f.Reviews = append(f.Reviews, Review{ID: id, By: otherPerson(s.by), State: s.state, Commit: commit, At: at(s.at)})
		} else {
			id = 0
		}
		f.Comments = append(f.Comments, Comment{By: otherPerson(s.by), Text: s.text, At: at(s.at), Edited: s.edited > 0, Review: id})
	}
	for _, l := range p.labels {
		f.Change.Labels = append(f.Change.Labels, Label{Name: strings.ToUpper(l)})
	}
	for name, state := range p.statuses {
		f.Statuses = append(f.Statuses, Status{Name: name, State: state, ID: 2}, Status{Name: name, State: "failure", ID: 1})
	}
	for name, id := range otherIDs {
		f.People[id] = Person{ID: id, Login: name, Permission: otherRights[name]}
	}
	group := func(names []string) Group {
		g := Group{Complete: true}
		for _, n := range names {
			g.Members = append(g.Members, otherIDs[n])
		}
		slices.Sort(g.Members)
		return g
	}
	for t, names := range otherTeams {
		f.Teams[t] = group(names)
	}
	for o, names := range otherOrgs {
		f.Orgs[o] = group(names)
	}
	return f
}

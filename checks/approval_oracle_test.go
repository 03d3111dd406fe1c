package checks

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks/policy"
)

// The oracle says what DESIGN says, as plainly as can be, about rules over named users: it tries all prefixes of the
// reviews for every stage and recurs over trees without keeping anything.
type oracle struct {
	rules   []policy.ApprovalRule
	reviews []Review
	barred  map[int64]bool
	head    string
}

// opinion is the last one of a person that is no comment.
func (o oracle) opinion(id int64) string {
	last := ""
	for _, r := range o.reviews {
		if r.By.ID == id && r.State != "commented" {
			last = r.State
		}
	}
	return last
}

// silent says whether no opinion but approvals of that person follows position i.
func (o oracle) silent(i int) bool {
	for _, r := range o.reviews[i+1:] {
		if r.By.ID == o.reviews[i].By.ID && r.State != "commented" && r.State != "approved" {
			return false
		}
	}
	return true
}

// metAt is the first position at which the rule is met; -1 from the start, len(reviews) never.
func (o oracle) metAt(i int) int {
	r := o.rules[i]
	if len(r.When.Branches) > 0 || r.Count == 0 {
		return -1
	}
	from := -1
	for _, name := range r.After {
		j := slices.IndexFunc(o.rules, func(x policy.ApprovalRule) bool { return x.Name == name })
		if o.rules[j].Mode == "" {
			from = max(from, o.metAt(j))
		}
	}
	for end := from + 1; end < len(o.reviews); end++ {
		people := map[int64]bool{}
		for k := from + 1; k <= end; k++ {
			v := o.reviews[k]
			if v.State == "approved" && v.Commit == o.head && !o.barred[v.By.ID] && o.silent(k) && slices.Contains(r.From.Users, v.By.Login) {
				people[v.By.ID] = true
			}
		}
		if len(people) >= r.Count {
			return end
		}
	}
	return len(o.reviews)
}

// open says whether a part of a tree lets through, and whether it asks for anything.
func (o oracle) open(t policy.Satisfy) (open, asks bool) {
	if t.Rule != "" {
		i := slices.IndexFunc(o.rules, func(x policy.ApprovalRule) bool { return x.Name == t.Rule })
		if len(o.rules[i].When.Branches) > 0 || o.rules[i].Mode == policy.Off {
			return true, false
		}
		return o.metAt(i) < len(o.reviews), true
	}
	if len(t.Any) > 0 {
		for _, x := range t.Any {
			ok, a := o.open(x)
			open, asks = open || ok && a, asks || a
		}
		return open || !asks, asks
	}
	open = true
	for _, x := range t.All {
		ok, a := o.open(x)
		if x.Rule != "" && !ok && o.rules[slices.IndexFunc(o.rules, func(r policy.ApprovalRule) bool { return r.Name == x.Rule })].Mode == policy.Advise {
			continue
		}
		open, asks = open && ok, asks || a
	}
	return open, asks
}

func TestApprovalsAgainstAnOracle(t *testing.T) {
	t.Parallel()
	cast := []Person{ana, bo, cid, dora, mal}
	random := rand.New(rand.NewPCG(1, 2))
	opened := 0
	for n := range 20000 {
		o, p := randomApproval(random, cast)
		want, _ := o.open(p.Approval.Satisfy)
		for _, who := range cast {
			want = want && o.opinion(who.ID) != "changes_requested"
		}
		f := approvalFacts(o.reviews...)
		got := concluded(p, f).Outcome.Open()
		if got != want {
			t.Fatalf("round %d: judgeApproval is open = %v, want %v\nrules %+v\ntree %+v\nreviews %+v", n, got, want, o.rules, p.Approval.Satisfy, o.reviews)
		}
		if got {
			opened++
		}
	}
	if opened < 2000 || opened > 18000 {
		t.Errorf("%d of 20000 rounds opened: the rounds tell little", opened)
	}
}

func randomApproval(random *rand.Rand, cast []Person) (oracle, *policy.Policy) {
	o := oracle{barred: map[int64]bool{mal.ID: true}, head: "c2"}
	for i := range 1 + random.IntN(4) {
		r := rule(fmt.Sprint("r", i), random.IntN(3), policy.From{})
		for _, k := range random.Perm(len(cast))[:1+random.IntN(3)] {
			r.From.Users = append(r.From.Users, cast[k].Login)
		}
		if i > 0 && random.IntN(3) == 0 {
			r.After = []string{fmt.Sprint("r", random.IntN(i))}
		}
		if random.IntN(5) == 0 {
			r.When.Branches = policy.Globs{"v1"}
		}
		if random.IntN(6) == 0 {
			r.Mode = policy.Off
		}
		o.rules = append(o.rules, r)
	}
	for range random.IntN(8) {
		state := []string{"approved", "approved", "approved", "commented", "dismissed", "changes_requested"}[random.IntN(6)]
		o.reviews = append(o.reviews, Review{By: cast[random.IntN(len(cast))], State: state, Commit: []string{"c2", "c2", "c1"}[random.IntN(3)]})
	}
	p := approvalPolicy(o.rules...)
	p.Approval.Satisfy = randomTree(random, len(o.rules), 0)
	return o, p
}

func randomTree(random *rand.Rand, rules, depth int) policy.Satisfy {
	if depth == 3 || random.IntN(3) == 0 {
		return policy.Satisfy{Rule: fmt.Sprint("r", random.IntN(rules))}
	}
	var parts []policy.Satisfy
	for range 1 + random.IntN(3) {
		parts = append(parts, randomTree(random, rules, depth+1))
	}
	if random.IntN(2) == 0 {
		return policy.Satisfy{Any: parts}
	}
	return policy.Satisfy{All: parts}
}

func ordinaryChange() *Facts {
	f := approvalFacts(approved(ana, "c1"), commented(bo, "c1"), approved(bo, "c2"), commented(cid, "c2"), approved(cid, "c2"))
	f.Files, f.Commits = nil, nil
	for i := range 30 {
		f.Files = append(f.Files, File{Path: fmt.Sprintf("src/part%d/file.go", i)})
	}
	for i := range 10 {
		f.Commits = append(f.Commits, Commit{ID: fmt.Sprint("c", i), Author: mal, Committer: mal})
	}
	f.Change.CommitCount, f.Change.ChangedFiles = 10, 30
	return f
}

func TestOrdinaryApprovalIsCheap(t *testing.T) {
	p := approvalPolicy(peers, when(ops, policy.When{Paths: policy.Globs{"deploy/prod/**"}}), mode(experts, policy.Advise))
	f := ordinaryChange()
	if n := testing.AllocsPerRun(100, func() { judgeApproval(p, f) }); n >= 200 {
		t.Errorf("judgeApproval(an ordinary change) makes %v allocations, want fewer than 200", n)
	}
}

func BenchmarkApprovalOrdinary(b *testing.B) {
	p := approvalPolicy(peers, when(ops, policy.When{Paths: policy.Globs{"deploy/prod/**"}}), mode(experts, policy.Advise))
	f := ordinaryChange()
	b.ReportAllocs()
	for b.Loop() {
		judgeApproval(p, f)
	}
}

func BenchmarkApprovalLarge(b *testing.B) {
	f := approvalFacts()
	f.Files, f.Commits = nil, nil
	var rules []policy.ApprovalRule
	for i := range 200 {
		glob := []string{"deploy/%d/**", "**/x%d.go", "**/lib%d/**", "src/*/part%d/{a,b}.go"}[i%4]
		rules = append(rules, when(rule(fmt.Sprint("r", i), 2, policy.From{}), policy.When{Paths: policy.Globs{fmt.Sprintf(glob, i)}}))
	}
	for i := range 3000 {
		f.Files = append(f.Files, File{Path: fmt.Sprintf("src/module%d/deep/folder/part%d/file_with_a_name.go", i%50, i)})
	}
	for i := range 250 {
		f.Commits = append(f.Commits, Commit{ID: fmt.Sprint("c", i), Parents: []string{fmt.Sprint("c", i-1)}, Author: mal, Committer: mal})
	}
	f.Change.CommitCount = 250
	for i := range 100 {
		who := Person{ID: int64(1000 + i), Login: fmt.Sprint("p", i), Kind: "user"}
		f.People[who.ID] = Person{ID: who.ID, Permission: "read"}
		f.Reviews = append(f.Reviews, approved(who, "c2"))
	}
	p := approvalPolicy(rules...)
	p.Approval.Stale = "push-by-others"
	b.ReportAllocs()
	for b.Loop() {
		judgeApproval(p, f)
	}
}

func BenchmarkCodeowners(b *testing.B) {
	var text []byte
	for i := range 1000 {
		text = fmt.Appendf(text, "/src/module%d/**/part*/ @acme/team%d @p%d\n*.x%d @acme/z\n", i, i, i, i)
	}
	var paths []string
	for i := range 3000 {
		paths = append(paths, fmt.Sprintf("src/module%d/deep/folder/part%d/file_with_a_name.go", i%50, i))
	}
	b.ReportAllocs()
	for b.Loop() {
		ownersOf(Repository{}, string(text), paths)
	}
}

func FuzzQuickGlob(f *testing.F) {
	for _, g := range []string{"a/**", "**/a", "src/*/x{a,b}.go", "[ab]/?", `a\*b/**/c`, "/a", "a/", "**/x/**", "{a,b}/**", "*", "a?c"} {
		f.Add(g, "src/a/xa.go")
		f.Add(g, "a")
	}
	f.Fuzz(func(t *testing.T, glob, path string) {
		if strings.ContainsRune(glob, utf8.RuneError) {
			t.Skip("the loader takes no patterns that are not UTF-8, and the sign for those stands for any broken byte")
		}
		g := policy.Globs{glob}
		if got, want := matchAny(quick(g), path), g.Match(path); got != want {
			t.Errorf("quickly(%q).match(%q) = %v, want %v", glob, path, got, want)
		}
	})
}

package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// works is a forge with deployments, and what is remembered of them.
type works struct {
	*talker
	policy    string
	live      map[string]checks.Deployment // by environment
	refs      map[string]string
	tags      map[string]string
	elsewhere []string // commits that are not on the default branch
	teams     map[string][]int64
	accounts  map[string]checks.Person
	err       error // of everything read
	book      map[string]*EnvironmentBook
	incidents []Incident
	asks      map[string]*Ask
	notThere
}

// notThere is what no command asks of a forge.
type notThere struct{ Librarian }

func (notThere) Deploy(context.Context, checks.Subject, Order) (int64, error) { panic("not asked") }
func (notThere) Deployed(context.Context, checks.Subject, Order) ([]checks.Deployment, error) {
	panic("not asked")
}
func (notThere) Conclude(context.Context, checks.Subject, int64, string, string) error {
	panic("not asked")
}
func (notThere) Run(context.Context, Repo, int64) (*Run, error) { panic("not asked") }
func (notThere) Answer(context.Context, checks.Subject, int64, string, string) error {
	panic("not asked")
}
func (notThere) Guarded(context.Context, checks.Subject) (*Guarding, error) { panic("not asked") }
func (notThere) CreateTag(context.Context, checks.Subject, string, string, string) error {
	panic("not asked")
}
func (notThere) Published(context.Context, checks.Subject, string) (string, error) {
	panic("not asked")
}
func (notThere) Publish(context.Context, checks.Subject, Notice) (string, error) { panic("not asked") }
func (notThere) Reserve(context.Context, Work, Promotion, *Kept, []Entry) error {
	panic("not asked")
}
func (notThere) Decided(context.Context, string) (*Decision, error) { panic("not asked") }
func (notThere) Environments(context.Context, string, string) ([]EnvironmentSeen, error) {
	panic("not asked")
}

func (f *works) Environment(_ context.Context, s checks.Subject, _ []string, _ checks.Promotion) (*Standing, error) {
	st := &Standing{Sources: []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: f.policy}}, Branch: "main"}
	if d, ok := f.live[s.Environment]; ok {
		st.Deployments = []checks.Deployment{d}
	}
	return st, f.err
}

func (f *works) Resolve(_ context.Context, _ Repo, ref string) (string, int, error) {
	if to, ok := f.refs[ref]; ok {
		return to, 7, f.err
	}
	return "", 0, errors.Join(f.err, &RefusalError{Why: "GitHub knows none of that name"})
}

func (f *works) Relation(_ context.Context, _ checks.Subject, _, commit string) (string, error) {
	if slices.Contains(f.elsewhere, commit) {
		return "diverged", f.err
	}
	return "behind", f.err
}

func (f *works) TagAt(_ context.Context, _ checks.Subject, name string) (*StandingTag, error) {
	if to, ok := f.tags[name]; ok {
		return &StandingTag{Commit: to}, f.err
	}
	return nil, f.err
}

func (f *works) Member(_ context.Context, _ checks.Subject, who checks.Person, group string) (bool, error) {
	return slices.Contains(f.teams[group], who.ID), f.rightErr
}

func (f *works) Account(_ context.Context, _ Repo, login string) (checks.Person, error) {
	if p, ok := f.accounts[login]; ok {
		return p, f.err
	}
	return checks.Person{}, errors.Join(f.err, ErrGone)
}

// stacks is the book of a works.
type stacks struct {
	*works
	notThere
}

func (b stacks) Environment(_ context.Context, _, _, name string) (*EnvironmentBook, error) {
	found := EnvironmentBook{}
	if e, ok := b.book[name]; ok {
		found = *e
	}
	found.Promotions, found.Locks = slices.Clone(found.Promotions), slices.Clone(found.Locks)
	return &found, nil
}

func (b stacks) Promotions(_ context.Context, _, _, commit string, _ int) (list []Promotion, err error) {
	for _, e := range b.book {
		for _, p := range e.Promotions {
			if p.Commit == commit {
				list = append(list, p)
			}
		}
	}
	return list, nil
}

func (b stacks) Promotion(_ context.Context, id string) (*Promotion, error) {
	for _, e := range b.book {
		for i := range e.Promotions {
			if e.Promotions[i].ID == id {
				return &e.Promotions[i], nil
			}
		}
	}
	return nil, nil
}

func (b stacks) Awaited(_ context.Context, _, _, commit string) (names []string, err error) {
	for name, e := range b.book {
		if slices.ContainsFunc(e.Promotions, func(p Promotion) bool { return p.Commit == commit && p.Waiting() }) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (b stacks) Incidents(context.Context, string, string, time.Time) ([]Incident, error) {
	return b.incidents, nil
}
func (b stacks) Asked(_ context.Context, id string) (*Ask, error) { return b.asks[id], nil }

const (
	old  = "aaaaaaa1111111111111111111111111111111aa"
	good = "bbbbbbb2222222222222222222222222222222bb"
	bad  = "ccccccc3333333333333333333333333333333cc"
	made = "ddddddd4444444444444444444444444444444dd"
)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// deploys is a shop with two environments where olga (9) deploys and pia (8) approves; `bad` is live in production, `good` and
// `old` were before it, and `made`, what #7's merge made, is live and well in integration and waits for production.
func deploys(body string) *works {
	f := &works{talker: says(body), live: map[string]checks.Deployment{}, refs: map[string]string{"v2": made, "main": made, made: made, old[:9]: old, bad[:9]: bad},
		tags: map[string]string{"v1.0.0": old, "v1.1.0": good, "v9.0.0": made}, teams: map[string][]int64{"acme/ops": {9}, "acme/release": {8}},
		book: map[string]*EnvironmentBook{}, accounts: map[string]checks.Person{"olga": {ID: 9, Login: "olga", Kind: "user"}, "robot": {ID: 5, Login: "robot", Kind: "bot"}}}
	f.right = "write"
	f.policy = `version: 1
environments:
  integration: {deploy: on-merge}
  production:
    after: integration
    approval: [{name: release, from: {teams: [acme/release]}}]
    deployers: {teams: [acme/ops]}
    separate: [author, requester]
`
	f.facts.Change.State, f.facts.Change.MergeCommit, f.facts.Change.MergedAt = "merged", made, ago(time.Hour)
	f.live["integration"] = checks.Deployment{ID: 40, Commit: made, Live: ago(30 * time.Minute)}
	f.live["production"] = checks.Deployment{ID: 3, Commit: bad, Live: ago(2 * time.Hour)}
	f.book["integration"] = &EnvironmentBook{Promotions: []Promotion{was("i1", made, Verified, ago(30*time.Minute))}}
	w := was("p4", made, Gated, time.Time{})
	w.At, w.Since, w.How, w.By = ago(20*time.Minute), ago(20*time.Minute), checks.ByCommand, checks.Person{ID: 6, Login: "rob"}
	p3 := was("p3", bad, Live, ago(2*time.Hour))
	p3.Deployment = 3
	p3.VerifiedAt = time.Time{}
	f.book["production"] = &EnvironmentBook{Promotions: []Promotion{w, p3, was("p2", good, Verified, ago(4*time.Hour)), was("p1", old, Verified, ago(8*time.Hour))}}
	for name, b := range f.book {
		for i := range b.Promotions {
			b.Promotions[i].Environment = name
		}
	}
	return f
}

// was is a promotion that was live and well since then, unless it was never live.
func was(id, commit string, s State, live time.Time) Promotion {
	p := Promotion{ID: id, Forge: "github", Repo: "acme/shop", Commit: commit, Change: 7, State: s, LiveAt: live, How: checks.OnMerge}
	if !live.IsZero() {
		p.At, p.Since, p.VerifiedAt = live.Add(-time.Minute), live, live
	}
	if commit != made {
		p.Change = 5
	}
	return p
}

// does works off the comment, and returns what was answered with what it left behind.
func (f *works) does(t *testing.T) (string, Outcome) {
	t.Helper()
	r := reconciler(&f.forge, &memory{})
	n := 0
	r.NewID = func() string { n++; return fmt.Sprintf("id%d", n) }
	r.Providers["github"], r.Book = f, stacks{works: f}
	out, err := r.Work(t.Context(), heard(f.talker, "c1"))
	if err != nil {
		t.Fatalf("Work = %v", err)
	}
	return strings.Join(f.replies, "\n"), out
}

// leaves says in a line what an outcome leaves behind for environments.
func leaves(out Outcome) string {
	var parts []string
	for _, p := range out.Requests {
		parts = append(parts, fmt.Sprintf("%s %.7s into %s by %s of #%d", p.How, p.Commit, p.Environment, p.By.Login, p.Change))
	}
	for _, a := range out.Acts {
		parts = append(parts, fmt.Sprintf("%s %s by %s", a.Kind, a.Promotion, a.Saying.By.Login))
	}
	for _, l := range out.Locks {
		what := map[bool]string{true: "lock", false: "lift"}[l.Lifted.IsZero()]
		parts = append(parts, fmt.Sprintf("%s %q unasked=%v %s", what, l.Lock.Environment, l.Lock.Unasked, l.Lock.Reason))
	}
	for _, i := range out.Incidents {
		parts = append(parts, fmt.Sprintf("incident %.7s of %s over=%v", i.Commit, i.Promotion, !i.Resolved.IsZero()))
	}
	for _, m := range out.Marks {
		if m.Kind == MarkEnvironment {
			parts = append(parts, "look at "+m.Environment)
		}
	}
	return strings.Join(parts, "; ")
}

var (
	pia   = checks.Person{ID: 8, Login: "pia", Kind: "user"}
	rob   = checks.Person{ID: 6, Login: "rob", Kind: "user"}
	anaIs = checks.Person{ID: 1, Login: "ana", Kind: "user"} // wrote #7
)

func by(p checks.Person) func(*works) { return func(f *works) { f.comment.By = p } }

func all(fs ...func(*works)) func(*works) {
	return func(f *works) {
		for _, g := range fs {
			g(f)
		}
	}
}

func waits(change func(*Promotion)) func(*works) {
	return func(f *works) { change(&f.book["production"].Promotions[0]) }
}

func idle(f *works) {
	f.book["production"].Promotions = f.book["production"].Promotions[1:]
}

func newer(at time.Time) func(*works) {
	return func(f *works) {
		p := was("p5", bad, Gated, time.Time{})
		p.At, p.Since, p.How = at, at, checks.OnMerge
		f.book["production"].Promotions = append([]Promotion{p}, f.book["production"].Promotions...)
	}
}

func locked(environment string, unasked bool, at time.Time) func(*works) {
	return func(f *works) {
		b := f.book["production"]
		if environment == "" {
			f.book[""] = &EnvironmentBook{Locks: []LockState{{ID: "r", Lock: checks.Lock{By: rob, Reason: "Fire.", At: at}}}}
		}
		b.Locks = append(b.Locks, LockState{ID: "l" + environment, Lock: checks.Lock{Environment: environment, By: rob, Reason: "Fire.", At: at, Unasked: unasked}})
	}
}

func TestCommandsAboutEnvironments(t *testing.T) {
	t.Parallel()
	none := func(*works) {}
	unmerged := func(f *works) { f.facts.Change.State, f.facts.Change.MergeCommit = "open", "" }
	for name, c := range map[string]struct {
		say    string
		given  func(*works)
		leaves string // "": it is refused
		says   string
	}{
		"approve":                                   {"approve production", by(pia), "approve p4 by pia; look at production", "`ddddddd4` into `production` (from #7) is approved by pia."},
		"approve, whatever the case":                {"approve PRODUCTION", by(pia), "approve p4 by pia; look at production", "into `production`"},
		"approve by nobody whom a rule names":       {"approve production", none, "", "the approvers of `production` are asked for, by `.sluice.yml:6 environments.production.approval[0]`"},
		"approve while the forge does not say":      {"approve production", func(f *works) { f.comment.By, f.rightErr = pia, errors.New("502") }, "", "no answer means no"},
		"approve where nothing waits":               {"approve production", all(by(pia), idle), "", "Nothing waits for `production`"},
		"approve what is being deployed":            {"approve production", all(by(pia), waits(func(p *Promotion) { p.State = Deploying })), "", "is deploying by now"},
		"approve what was asked for since":          {"approve production", all(by(pia), idle, newer(now.Add(time.Second))), "", "was asked for only after this was written"},
		"approve what was told of late":             {"approve production", all(by(pia), newer(ago(time.Minute)), func(f *works) { f.book["production"].Promotions[0].Known = now.Add(time.Second) }), "", "which a newer promotion superseded meanwhile"},
		"approve what was superseded since":         {"approve production", all(by(pia), newer(now.Add(time.Second))), "", "It was about `ddddddd4` into `production` (from #7), which a newer promotion superseded meanwhile: `ccccccc3`"},
		"approve what was superseded and is gone":   {"approve production", all(by(pia), waits(func(p *Promotion) { p.State, p.Since = Superseded, now.Add(time.Second) })), "", "superseded meanwhile. Look"},
		"approve what ended before":                 {"approve production", all(by(pia), waits(func(p *Promotion) { p.State = Cancelled })), "", "Nothing waits"},
		"approve what came from another change":     {"approve production", all(by(pia), newer(ago(time.Minute))), "", "What waits is `ccccccc3` into `production` (from #5), and not what came from this change"},
		"approve by the author":                     {"approve production", all(by(anaIs), func(f *works) { f.teams["acme/release"] = []int64{1} }), "approve p4 by ana; look at production", "But ana is the author of the change, and `.sluice.yml:8 environments.production.separate` lets that person neither request nor approve"},
		"approve by the requester":                  {"approve production", all(by(rob), func(f *works) { f.teams["acme/release"] = []int64{6} }), "approve p4 by rob; look at production", "But rob is who requested it"},
		"approve in a comment that was edited":      {"approve production", func(f *works) { f.comment.By, f.comment.Edited = pia, true }, "", "This comment was edited"},
		"approve an environment that nobody guards": {"approve prodaction", by(pia), "", "No environment `prodaction` is guarded here; the nearest is `production`"},
		"approve with write where no rule is":       {"approve integration", func(f *works) { f.book["integration"].Promotions[0].State = Gated }, "approve i1 by olga; look at integration", "is approved by olga."},
		"reject":                                    {"reject production It is Friday.", by(pia), "reject p4 by pia; look at production", "is rejected by pia."},
		"reject by a deployer":                      {"reject production It is Friday.", none, "", "the approvers of `production`"},

		"cancel":                          {"cancel production", none, "cancel p4 by olga; look at production", "is cancelled."},
		"cancel twice":                    {"cancel production\n/sluice cancel production", none, "cancel p4 by olga; look at production", "(line 2): refused. Nothing waits for `production`"},
		"cancel what is under way":        {"cancel production", waits(func(p *Promotion) { p.State = Deploying }), "cancel p4 by olga; look at production", "the pipeline that deploys it has to be stopped by whoever runs it"},
		"cancel by an approver":           {"cancel production", by(pia), "", "the deployers of `production` are asked for, by `.sluice.yml:7 environments.production.deployers` (the team acme/ops)"},
		"cancel what was superseded":      {"cancel production", newer(now.Add(time.Second)), "", "superseded meanwhile"},
		"cancel under a broken policy":    {"cancel production", func(f *works) { f.policy = "version: 9" }, "", "The policy on `main` is broken"},
		"cancel when the forge is silent": {"cancel production", func(f *works) { f.err = errors.New("502") }, "", "Nothing was done, since not all could be read"},

		"deploy what the merge made":                 {"deploy production", idle, "command ddddddd into production by olga of #7; look at production", "Asked for `ddddddd4` into `production` (from #7)."},
		"deploy what waits already":                  {"deploy production", none, "", "waits already: rob asked for it"},
		"deploy what waits by itself":                {"deploy production", waits(func(p *Promotion) { p.How = checks.OnMerge }), "command ddddddd into production by olga of #7; look at production", "Asked for"},
		"deploy by a reader":                         {"deploy production", all(idle, by(rob)), "", "rob may not"},
		"deploy without write where nobody is named": {"deploy integration", func(f *works) { f.right = "read" }, "", "by `.sluice.yml:3 environments.integration` (the right write, since it names nobody)"},
		"deploy on a merge that went elsewhere":      {"deploy production", all(idle, func(f *works) { f.elsewhere = []string{made} }), "", "`ddddddd4` is not on `main`"},
		"deploy that was written before the merge":   {"deploy production", all(idle, func(f *works) { f.facts.Change.MergedAt = now.Add(time.Second) }), "", "merged after this was written"},
		"deploy on a closed change":                  {"deploy production", all(idle, func(f *works) { f.facts.Change.State = "closed" }), "", "closed without being merged"},
		"deploy on an open change":                   {"deploy production", all(idle, unmerged), "command ddddddd into production by olga of #7; look at production", "Asked for"},
		"deploy with nothing live before":            {"deploy production", all(idle, unmerged, func(f *works) { delete(f.live, "integration") }), "", "Nothing is live in `integration`, which comes before `production`"},
		"deploy with nothing well before":            {"deploy production", all(idle, unmerged, func(f *works) { f.book["integration"].Promotions[0].State = Live }), "", "is live in `integration`, which comes before `production`, and is not known to be well there"},
		"deploy what was put there past the gate":    {"deploy production", all(idle, unmerged, func(f *works) { f.live["integration"] = checks.Deployment{ID: 9, Commit: bad, Live: now} }), "", "`ccccccc3` is live in `integration`"},
		"deploy with no environment before":          {"deploy integration", unmerged, "", "No environment comes before `integration`"},
		"deploy a tag":                               {"deploy production v2", idle, "command ddddddd into production by olga of #7; look at production", "Asked for"},
		"deploy what is not there":                   {"deploy production v3", idle, "", "`v3` names no one commit here: GitHub knows none of that name."},
		"deploy a commit of a fork":                  {"deploy production " + made, all(idle, func(f *works) { f.elsewhere = []string{made} }), "", "is not on `main`, and only what is on the default branch is deployed"},
		"deploy an option":                           {"deploy production --upload-pack=x", idle, "", "is no name of a commit"},
		"deploy a path":                              {"deploy production ../../etc/passwd", idle, "", "is no name of a commit"},
		"deploy an expression":                       {"deploy production main~1", idle, "", "is no name of a commit"},
		"deploy twice in one comment":                {"deploy production\n/sluice deploy production v2", idle, "command ddddddd into production by olga of #7; look at production", "This comment asks for `ddddddd4` into `production` (from #7) already"},
		"deploy and approve in one comment":          {"deploy production\n/sluice approve production", all(idle, func(f *works) { f.teams["acme/release"] = []int64{9} }), "command ddddddd into production by olga of #7; approve id1 by olga; look at production", "But olga is who requested it"},
		"deploy while it is locked":                  {"deploy production", all(idle, locked("production", false, ago(time.Hour))), "command ddddddd into production by olga of #7; look at production", "It waits for the lock of rob: Fire."},
		"deploy after a rollback":                    {"deploy production", all(idle, locked("production", true, ago(time.Hour))), "command ddddddd into production by olga of #7; look at production", "when every line of its verdict holds."},

		"rollback":                            {"rollback production It is slow.", none, `rollback bbbbbbb into production by olga of #5; lock "production" unasked=true rolled back to bbbbbbb2: It is slow.; look at production`, "the rollback of `production` from `ccccccc3` to `bbbbbbb2`"},
		"rollback to a commit":                {"rollback production " + old[:9] + " It is slow.", none, `rollback aaaaaaa into production by olga of #5; lock "production" unasked=true rolled back to aaaaaaa1: It is slow.; look at production`, "to `aaaaaaa1`"},
		"rollback to a tag":                   {"rollback production v1.0.0 It is slow.", none, `rollback aaaaaaa into production by olga of #5; lock "production" unasked=true rolled back to aaaaaaa1: It is slow.; look at production`, "to `aaaaaaa1`"},
		"rollback to what never was live":     {"rollback production v9.0.0 It is slow.", none, "", "`v9.0.0` was never live and well in `production`, and nothing else is gone back to. These were: `bbbbbbb2`, `aaaaaaa1`."},
		"rollback to a commit that never was": {"rollback production " + made + " It is slow.", none, "", "was never live and well"},
		"rollback to what is live":            {"rollback production " + bad[:9] + " It is slow.", func(f *works) { f.book["production"].Promotions[1].VerifiedAt = ago(time.Hour) }, "", "`ccccccc3` is what is live"},
		"rollback to a branch":                {"rollback production main is slow", none, `rollback bbbbbbb into production by olga of #5; lock "production" unasked=true rolled back to bbbbbbb2: main is slow; look at production`, "to `bbbbbbb2`"},
		"rollback for a word in hex":          {"rollback production defaced pages", none, `rollback bbbbbbb into production by olga of #5; lock "production" unasked=true rolled back to bbbbbbb2: defaced pages; look at production`, "to `bbbbbbb2`"},
		"rollback to a slip in an id":         {"rollback production abc1234 It is slow.", none, "", "There is no commit and no tag `abc1234` here."},
		"rollback without a reason":           {"rollback production v1.0.0", none, "", "The reason is missing"},
		"rollback with nothing live":          {"rollback production It is slow.", func(f *works) { delete(f.live, "production") }, "", "Nothing is live in `production`"},
		"rollback with nothing before":        {"rollback production It is slow.", func(f *works) { f.book["production"].Promotions = f.book["production"].Promotions[:2] }, "", "Nothing that was well in `production` before `ccccccc3` is known"},
		"rollback not to what was rolled back": {"rollback production It is slow.", func(f *works) { f.book["production"].Promotions[2].State = RolledBack },
			`rollback aaaaaaa into production by olga of #5; lock "production" unasked=true rolled back to aaaaaaa1: It is slow.; look at production`, "to `aaaaaaa1`"},
		"rollback by an approver": {"rollback production It is slow.", by(pia), "", "pia may not"},

		"lock":                          {"lock production The fair.", none, `lock "production" unasked=false The fair.; look at production`, "`production` is locked by olga until somebody who may deploy writes `/sluice unlock production`: The fair."},
		"lock for a while":              {"lock production for 2h The fair.", none, `lock "production" unasked=false The fair.; look at production`, "is locked by olga until 2026-"},
		"lock what is locked":           {"lock production The fair.", locked("production", false, ago(time.Hour)), `lock "production" unasked=false The fair.; look at production`, "So it was already, by rob (Fire)."},
		"lock by a reader":              {"lock production The fair.", by(rob), "", "rob may not"},
		"lock everything":               {"lock * The fair.", none, `lock "" unasked=false The fair.; look at integration; look at production`, "The whole repository is locked by olga"},
		"lock everything by one of two": {"lock * The fair.", by(pia), "", "the deployers of `production`"},
		"unlock":                        {"unlock production", locked("production", false, ago(time.Hour)), `lift "production" unasked=false Fire.; look at production`, "`production` is unlocked: lifted the lock of rob (Fire)."},
		"unlock after a rollback":       {"unlock production", locked("production", true, ago(time.Hour)), `lift "production" unasked=true Fire.; look at production`, "is unlocked"},
		"unlock what is not locked":     {"unlock production", none, "", "No lock on `production` was lifted"},
		"unlock the repository's":       {"unlock production", locked("", false, ago(time.Hour)), "", "The whole repository is locked too, by rob (Fire): `/sluice unlock *` lifts that."},
		"unlock everything":             {"unlock *", locked("", false, ago(time.Hour)), `lift "" unasked=false Fire.; look at integration; look at production`, "The whole repository is unlocked"},
		"unlock what was locked since":  {"unlock production", locked("production", false, now.Add(time.Second)), "", "was put on after this was written, and stays"},
		"unlock by an approver":         {"unlock production", all(by(pia), locked("production", false, ago(time.Hour))), "", "pia may not"},
		"lock and unlock":               {"lock production The fair.\n/sluice unlock production", none, `lift "production" unasked=false The fair.; look at production`, "is unlocked"},

		"incident":                     {"incident production Errors.", none, "incident ccccccc of p3 over=false", "`ccccccc3`, which is live in `production`, had a failure"},
		"incident by a reader":         {"incident production Errors.", func(f *works) { f.right = "triage" }, "", "needs the right `write`"},
		"incident where nothing lives": {"incident production Errors.", func(f *works) { delete(f.live, "production") }, "", "Nothing is live"},
		"incident that is over": {"incident production resolved Rolled back.", func(f *works) {
			f.incidents = []Incident{{ID: "i", Environment: "production", Commit: bad, Reason: "Errors."}}
		}, "incident ccccccc of  over=true", "Resolved in `production`: Errors."},
		"incident that was none": {"incident production resolved", none, "", "No incident in `production` is known"},

		"nothing guarded":  {"deploy production", func(f *works) { f.policy = "version: 1" }, "", "The policy on `main` guards no environment"},
		"guarded no more":  {"deploy production", func(f *works) { f.policy += "    mode: off\n" }, "", "No environment `production` is guarded here; the nearest is `integration`"},
		"the star of none": {"deploy *", none, "", "No environment `*` is guarded here"},
	} {
		f := deploys("/sluice " + c.say)
		c.given(f)
		answer, out := f.does(t)
		if got := leaves(out); got != c.leaves || !strings.Contains(answer, c.says) {
			t.Errorf("%s:\nleaves  %s\nwant    %s\nanswers %s\nwant    %s", name, got, c.leaves, answer, c.says)
		}
		e := out.Entries[0]
		if e.Kind != EntryCommand || e.URL != "https://f/77" || c.leaves == "" && e.Outcome != refused && !strings.Contains(c.says, "already") {
			t.Errorf("%s: entry %+v", name, e)
		}
	}
}

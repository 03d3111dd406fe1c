package simulation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// The forge: changes, commits, checks, statuses, deployments, comments. All of it only grows, each part with its time, so that
// what the forge would have told at any instant, a stale answer included, can be told, and can be judged afterwards.
type forge struct {
	w           *world
	changes     []*change
	line        []*commit // of the default branch, oldest first
	policies    []edition
	rights      []authority
	checks      map[string][]check // by commit, as they were written
	statuses    []status
	deployments []*deployment
	comments    []*comment
	replies     map[string]*reply // by what they answer
	eyes        map[int64]int
	reviewers   map[string]int // requests for a review, by change and person
	ids         int64
}

const (
	shop    = "acme/shop"
	trunk   = "main"
	ourApp  = 99
	staging = "staging"
	prod    = "production"
)

var people = map[string]checks.Person{
	"ana": {ID: 1, Login: "ana", Kind: "user"}, "bo": {ID: 2, Login: "bo", Kind: "user"}, "cy": {ID: 3, Login: "cy", Kind: "user"},
	"rita": {ID: 5, Login: "rita", Kind: "user"}, "rob": {ID: 6, Login: "rob", Kind: "user"}, "eve": {ID: 8, Login: "eve", Kind: "user"},
}

var names = []string{"ana", "bo", "cy", "eve", "rita", "rob"}

var app = checks.Person{ID: ourApp, Login: "sluice[bot]", Kind: "bot"}

// change is one with all that it ever was.
type change struct {
	number   int
	author   string
	versions []version
	known    bool // it was read while it was open, or its end was told
	carried  bool // a promotion that carries it had it looked at, and then it need not ask for one of its own: see limits in the package's comment
}

// version is what a change was from a time on. Nothing in it is changed.
type version struct {
	at          time.Time
	state       string
	heads       []string // the newest last
	headAt      time.Time
	labels      []string
	reviews     []checks.Review
	commits     []checks.Commit
	mergeCommit string
	mergedBy    string
}

func (v *version) head() string { return v.heads[len(v.heads)-1] }

func (c *change) now() *version { return &c.versions[len(c.versions)-1] }

// at is what it was at an instant; nil before it was opened.
func (c *change) at(t time.Time) *version {
	for i := range slices.Backward(c.versions) {
		if !c.versions[i].at.After(t) {
			return &c.versions[i]
		}
	}
	return nil
}

// turn makes it another from now on.
func (c *change) turn(how func(*version)) {
	v := *c.now()
	v.at = time.Now()
	v.heads, v.labels, v.reviews, v.commits = slices.Clip(v.heads), slices.Clone(v.labels), slices.Clone(v.reviews), slices.Clip(v.commits)
	how(&v)
	c.versions = append(c.versions, v)
}

type commit struct {
	id     string
	change int // 0: pushed past any
	at     time.Time
}

type edition struct {
	at time.Time
	rules
}

type authority struct {
	at       time.Time
	who, has string
}

// check is a check run as it was written once.
type check struct {
	at                             time.Time
	id                             int64
	name, state, title, summary, x string
	ours                           bool
}

type status struct {
	at                  time.Time
	commit, name, state string
}

type deployment struct {
	id                  int64
	environment, commit string
	promotion           string
	at                  time.Time
	states              []status // name is not used
	by                  checks.Person
}

type comment struct {
	id       int64
	change   int
	by, body string
	at       time.Time
	head     string // of the change, when it was written
	edited   time.Time
	told     time.Time // when its delivery was accepted
	heard    bool      // it was worked off
	attempt  int64     // of the newest work on it
	failures int       // of the reply
}

type reply struct {
	id     int64
	body   string
	change int
}

func (f *forge) begin() {
	f.checks, f.replies, f.eyes, f.reviewers, f.ids = map[string][]check{}, map[string]*reply{}, map[int64]int{}, map[string]int{}, 1000
	now := time.Now()
	f.policies = []edition{{now, f.w.drawn()}}
	for _, who := range names {
		has := "write"
		switch who {
		case "eve":
			has = "read"
		case "rita", "rob":
			has = "admin"
		}
		f.rights = append(f.rights, authority{now, who, has})
	}
	f.land(0)
}

func (f *forge) id() int64 { f.ids++; return f.ids }

func object(kind byte, n int) string {
	return fmt.Sprintf("%02x%08x%030x", kind, uint32(n+1)*0x9e3779b1, n)
} //nolint:gosec // a number of a few digits

// land puts a commit on the default branch.
func (f *forge) land(change int) *commit {
	c := &commit{object('c', len(f.line)), change, time.Now()}
	f.line = append(f.line, c)
	return c
}

func (f *forge) change(n int) *change {
	if n < 1 || n > len(f.changes) {
		return nil
	}
	return f.changes[n-1]
}

func (f *forge) open() (list []*change) {
	for _, c := range f.changes {
		if c.now().state == "open" {
			list = append(list, c)
		}
	}
	return list
}

func (f *forge) commit(id string) (*commit, int) {
	i := slices.IndexFunc(f.line, func(c *commit) bool { return c.id == id })
	if i < 0 {
		return nil, i
	}
	return f.line[i], i
}

func (f *forge) rulesAt(t time.Time) rules {
	r := f.policies[0].rules
	for _, p := range f.policies {
		if !p.at.After(t) {
			r = p.rules
		}
	}
	return r
}

func (f *forge) sources(t time.Time) []policy.Source {
	return []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: f.rulesAt(t).text()}}
}

func (f *forge) permission(who string, t time.Time) (has string) {
	for _, r := range f.rights {
		if r.who == who && !r.at.After(t) {
			has = r.has
		}
	}
	return has
}

func (f *forge) peopleAt(t time.Time) map[int64]checks.Person {
	m := map[int64]checks.Person{}
	for _, who := range names {
		p := people[who]
		p.Permission = f.permission(who, t)
		m[p.ID] = p
	}
	return m
}

// runs are the check runs on a commit at an instant: of each the newest that was written.
func (f *forge) runs(commit string, t time.Time) (list []check) {
	for _, k := range f.checks[commit] {
		if k.at.After(t) {
			continue
		}
		if i := slices.IndexFunc(list, func(x check) bool { return x.id == k.id }); i >= 0 {
			list[i] = k
		} else {
			list = append(list, k)
		}
	}
	return list
}

// shows is what people and branch protection see under a name: the newest run.
func (f *forge) shows(commit, name string) *check {
	var newest *check
	for _, k := range f.runs(commit, time.Now()) {
		if k.name == name && (newest == nil || k.id > newest.id) {
			newest = &k
		}
	}
	return newest
}

// told are those as a provider tells them, with what CI says of the commit.
func (f *forge) told(commit string, t time.Time) (list []checks.Status) {
	for _, k := range f.runs(commit, t) {
		s := checks.Status{Name: k.name, ID: k.id, Node: fmt.Sprint(k.id), State: k.state, Title: k.title, Ours: k.ours, At: k.at.UTC()}
		if k.ours {
			s.Summary, s.ExternalID = k.summary, k.x
		}
		list = append(list, s)
	}
	for _, s := range f.statuses {
		if s.commit == commit && !s.at.After(t) {
			list = slices.DeleteFunc(list, func(x checks.Status) bool { return x.Name == s.name })
			list = append(list, checks.Status{Name: s.name, State: s.state, At: s.at.UTC()})
		}
	}
	return list
}

// colour is what a status says at an instant.
func (f *forge) colour(commit, name string, t time.Time) (state string) {
	for _, s := range f.statuses {
		if s.commit == commit && s.name == name && !s.at.After(t) {
			state = s.state
		}
	}
	return state
}

func (d *deployment) state(t time.Time) string {
	state := "pending"
	for _, s := range d.states {
		if !s.at.After(t) {
			state = s.state
		}
	}
	return state
}

func (d *deployment) live(t time.Time) (at time.Time) {
	for _, s := range d.states {
		if s.state == "success" && !s.at.After(t) {
			return s.at.UTC()
		}
	}
	return at
}

// into are an environment's deployments at an instant, newest first.
func (f *forge) into(environment string, t time.Time) (list []checks.Deployment) {
	for _, d := range slices.Backward(f.deployments) {
		if d.environment == environment && !d.at.After(t) {
			list = append(list, checks.Deployment{ID: d.id, Commit: d.commit, Creator: d.by, Ours: d.by.ID == ourApp, Promotion: d.promotion,
				At: d.at.UTC(), State: d.state(t), StateAt: d.at.UTC(), Live: d.live(t)})
		}
	}
	return list
}

// liveIn is the commit of the newest deployment that ever succeeded.
func (f *forge) liveIn(environment string, t time.Time) string {
	for _, d := range slices.Backward(f.deployments) {
		if d.environment == environment && !d.live(t).IsZero() {
			return d.commit
		}
	}
	return ""
}

// beyond are the commits that one has and another has not, newest first.
func (f *forge) beyond(has, hasNot string) (list []checks.Carried) {
	_, i := f.commit(has)
	_, j := f.commit(hasNot)
	for ; i > j; i-- {
		list = append(list, checks.Carried{Commit: f.line[i].id, Title: "a commit", Change: f.line[i].change})
	}
	return list
}

// told is the change as a provider tells it.
func (c *change) told(v *version) *checks.Change {
	t := &checks.Change{Number: c.number, State: v.state, Title: "feat: a change", Author: people[c.author], Base: checks.Ref{Name: trunk, Commit: object('c', 0)},
		Head: checks.Ref{Name: fmt.Sprintf("branch-%d", c.number), Commit: v.head()}, ChangedFiles: 1, CommitCount: len(v.commits), CreatedAt: c.versions[0].at.UTC()}
	for _, l := range v.labels {
		t.Labels = append(t.Labels, checks.Label{Name: l})
	}
	if v.state == "merged" {
		t.MergedBy, t.MergedAt = people[v.mergedBy], v.at.UTC()
		t.MergeCommit = v.mergeCommit
	}
	return t
}

// rules are the policy in force, as the oracle knows it; text is the same for Sluice.
type rules struct {
	broken, label, automatic, statuses, changes bool
	approvals                                   int
	soak                                        time.Duration
}

func (w *world) drawn() rules {
	return rules{label: w.chance(60), automatic: w.chance(60), statuses: w.chance(60), changes: w.chance(40), approvals: pick(w, 1, 1, 2),
		soak: pick(w, 0, 0, 10*time.Minute)}
}

func (r rules) text() string {
	if r.broken {
		return "version: 1\napproval: [nobody knows\n"
	}
	var b strings.Builder
	yes := func(on bool, line string) {
		if on {
			b.WriteString(line + "\n")
		}
	}
	b.WriteString("version: 1\ntagging: {mode: \"off\"}\nchangelog: {mode: \"off\"}\nconfig-separation: {mode: \"off\"}\n")
	fmt.Fprintf(&b, "approval:\n  rules: [{name: peer, count: %d, from: {permission: write}}]\n", r.approvals)
	yes(r.label, "checks:\n  - {name: unblocked, rule: '!(\"blocked\" in change.labels)', message: Take the label off.}")
	b.WriteString("override:\n  by: {permission: admin}\n")
	yes(r.label, "  checks: [approval, unblocked]")
	yes(!r.label, "  checks: [approval]")
	b.WriteString("environments:\n  staging:\n    deploy: on-merge\n")
	yes(r.soak > 0, "    soak: "+r.soak.String())
	b.WriteString("  production:\n    after: staging\n")
	yes(r.automatic, "    deploy: automatic")
	yes(r.statuses, "    statuses: [build]")
	yes(r.changes, "    changes: enforce")
	return b.String()
}

// opinions are the newest words of each person that count, by login.
func opinions(reviews []checks.Review) map[string]checks.Review {
	m := map[string]checks.Review{}
	for _, r := range reviews {
		if r.State != "commented" {
			m[r.By.Login] = r
		}
	}
	return m
}

func (c *comment) word() (word, about string) {
	f := strings.Fields(c.body)
	for len(f) < 3 {
		f = append(f, "")
	}
	return f[1], cmp.Or(f[2], "")
}

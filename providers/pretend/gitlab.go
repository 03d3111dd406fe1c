package pretend

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// lab is what a forge holds when it speaks GitLab: what GitLab knows and the domain does not. It is nil at GitHub.
type lab struct {
	acts
	tier     string // free, premium, ultimate
	last     time.Time
	token    string // of the account under test
	hooks    []*Hook
	chain    string // X-Gitlab-Event-UUID of the act under way
	groups   map[string]*labGroup
	projects map[*Repo]*labProject
	pulls    map[*Pull]*labPull
	places   map[*deployment]*labDeployment
	internal map[*comment]bool
	ghost    int64
}

// labProject is what GitLab keeps of a project beside the domain.
type labProject struct {
	pipelines []*pipeline // oldest first
	branches  []*protectedRef
	tags      []*protectedRef
	guards    map[string]*guard // protected environments by name
	freezes   []*freeze
	checks    []*statusCheck
	labels    map[string]int64 // ids by name
	numbers   map[string]int   // the last iid by kind

	mustPass      *bool // "pipelines must succeed"; nil: where a branch requires something
	skippedPasses bool
	threads       bool // "all threads must be resolved"
	allChecks     bool // "status checks must succeed"
	resetOnPush   bool // approvals go when commits come
	trains        bool
	approvals     int // of anybody, that the any-approver rule asks for
}

// labPull is what GitLab keeps of a merge request beside the domain.
type labPull struct {
	versions []*version
	answers  []*checkAnswer
	auto     bool // to be merged when the pipeline succeeds
}

// NewGitLab makes an empty forge with one account under test, which speaks GitLab and not GitHub.
func NewGitLab(o Options) *Forge {
	f := New(o)
	f.lab = &lab{acts: f.speaksGitLab(), tier: or(o.Tier, "premium"), groups: map[string]*labGroup{}, projects: map[*Repo]*labProject{}, pulls: map[*Pull]*labPull{},
		places: map[*deployment]*labDeployment{}, internal: map[*comment]bool{}, ghost: f.id(), chain: guid()}
	f.app.Bot.Name = f.app.Slug
	return f
}

// tick is a clock that never stands still: GitLab's times have milliseconds, and what came later is later.
func (l *lab) tick(now time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if !now.After(l.last) {
		now = l.last.Add(time.Millisecond)
	}
	l.last = now
	return now
}

// SetTier makes an instance without licence ("free") of it, or one with ("premium", "ultimate").
func (f *Forge) SetTier(tier string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lab.tier = tier
}

// licensed says whether the instance has what comes with a tier.
func (l *lab) licensed(tier string) bool {
	tiers := []string{"free", "premium", "ultimate"}
	return slices.Index(tiers, l.tier) >= slices.Index(tiers, tier)
}

// GitLabToken is the access token of the account under test, a bot that is a Maintainer of every group and project that
// it is installed on.
func (f *Forge) GitLabToken() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lab.token == "" {
		f.lab.token = f.access(f.app.Bot, "api")
	}
	return f.lab.token
}

// TokenWith makes a token of somebody's with scopes as "read_api"; none: "api".
func (f *Forge) TokenWith(login string, scopes ...string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.access(f.user(login, ""), scopes...)
}

func (f *Forge) access(u *User, scopes ...string) string {
	if len(scopes) == 0 {
		scopes = []string{"api"}
	}
	var b [10]byte
	rand.Read(b[:])
	value := "glpat-" + hex.EncodeToString(b[:])
	f.tokens[value] = &token{user: u, scopes: scopes}
	return value
}

// Bot is the login of the account under test, as the forge shows it.
func (f *Forge) Bot() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.loginOf(f.app.Bot)
}

// loginOf is the name that an account has at this forge. At GitLab no name has brackets: a bot has the name that the
// access tokens of a group have.
func (f *Forge) loginOf(u *User) string {
	if f.lab == nil || u.Type != "Bot" {
		return u.Login
	}
	return fmt.Sprintf("group_%d_bot_%x", u.ID, strings.TrimSuffix(fold(u.Login), "[bot]")) // nobody but these are known by their names alone
}

// Login is what the forge calls an account: "dependabot[bot]" goes by the name of a token's account at GitLab.
func (f *Forge) Login(login string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.loginOf(f.user(login, ""))
}

// mailOf is the address that an account commits under. At GitLab that of a bot is one that the instance gives out.
func (f *Forge) mailOf(u *User) string {
	at, err := url.Parse(or(f.served, f.url))
	if f.lab == nil || u.Type != "Bot" || err != nil {
		return u.Email
	}
	return f.loginOf(u) + "@noreply." + at.Hostname()
}

// project is what GitLab keeps of a repository.
func (f *Forge) project(r *Repo) *labProject {
	p := f.lab.projects[r]
	if p == nil {
		p = &labProject{guards: map[string]*guard{}, labels: map[string]int64{}, numbers: map[string]int{}}
		f.lab.projects[r] = p
	}
	return p
}

// number is the next iid of a kind.
func (p *labProject) number(kind string) int {
	p.numbers[kind]++
	return p.numbers[kind]
}

// extra is what GitLab keeps of a merge request.
func (f *Forge) extra(p *Pull) *labPull {
	x := f.lab.pulls[p]
	if x == nil {
		x = &labPull{}
		f.lab.pulls[p] = x
	}
	return x
}

// labResolve finds what a name means at GitLab: branches, tags, ids, and the refs of merge requests.
func (f *Forge) labResolve(r *Repo, name string) *commit {
	var n int
	if k, _ := fmt.Sscanf(name, "refs/merge-requests/%d/", &n); k == 1 {
		if n < 1 || n > len(r.pulls) {
			return nil
		}
		p := r.pulls[n-1]
		switch {
		case strings.HasSuffix(name, "/head"):
			return p.head
		case strings.HasSuffix(name, "/merge"):
			return f.mergedResult(p)
		case strings.HasSuffix(name, "/train") && p.queue() != nil:
			return p.queue().head
		}
		return nil
	}
	if strings.HasPrefix(name, "refs/pull/") {
		return nil
	}
	if name == "HEAD" {
		name = r.Default
	}
	return r.resolve(name)
}

// labStamp is a time as the API writes it.
func labStamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// labDate is a time as commits have it.
func labDate(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-07:00") }

// hookStamp is a time as webhooks write it.
func hookStamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

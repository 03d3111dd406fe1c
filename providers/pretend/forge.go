// Package pretend is a small forge in memory: repositories with real commits, people and teams, pull requests, reviews,
// checks, deployments and webhooks. It speaks one of two tongues: GitHub's (the part of REST and GraphQL that Sluice uses,
// and signed webhooks), or, by NewGitLab, GitLab's (REST below /api/v4, and webhooks with a token). What is done
// at it (Open, Push, Review, Deploy, ...) are the same methods in both, each meaning what comes nearest to it there: an
// organisation is a group, its teams are groups in it, a check run of the App is a commit status in a pipeline, a job that
// waits at an environment is a blocked deployment. `sluice demo`, the scenarios and the benchmarks run against it, over
// HTTP, as against the real ones. Files named gitlab_*.go hold what GitLab alone has or says.
//
// It refuses to be kind: calls need a token, GraphQL is validated, pages end at 100, annotations at 50, GitLab's diffs come
// back empty when they are large, and limits can be set and spent. It refuses to know Sluice: nothing here imports it.
// What it leaves out, it says so with an error; it never answers with something made up.
package pretend

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Errors of acts that the forge would refuse.
var (
	ErrUnknown = errors.New("no such thing")
	ErrRefused = errors.New("refused")
)

// Options say how a forge begins. The zero value is a good one.
type Options struct {
	Now    func() time.Time // the clock of everything but tokens; nil: time.Now
	Key    *rsa.PrivateKey  // of the App; nil: a new one
	AppID  int64            // 0: 4242
	Slug   string           // of the App; "": sluice
	Secret string           // of the webhook
	URL    string           // of its pages, for the links in what it says; "": https://github.example
	// Permissions of the App's installations, "checks": "write"; nil: what Sluice asks for.
	Permissions map[string]string
	Events      []string // that the App is subscribed to; nil: what Sluice asks for
	Limits      Limits
	Tier        string // of a GitLab: free, premium, ultimate; "": premium
}

// Forge is the whole pretend forge. Its methods are safe for concurrent use; those that change it emit webhooks,
// which wait until Deliver sends them.
type Forge struct {
	mu     sync.Mutex
	now    func() time.Time
	url    string
	served string // where the API is
	ids    int64
	logID  int64            // of the deliveries that were sent
	users  map[string]*User // by login in lower case, organisations too
	repos  map[string]*Repo // by full name in lower case
	byID   map[int64]any
	key    *rsa.PrivateKey
	app    *App
	others map[string]*App // by slug, those that are not under test

	installs map[string]*Install // by account in lower case
	tokens   map[string]*token
	secret   string
	outbox   []*Delivery
	sent     []*Delivery
	meter    meter
	faults   []*Fault
	schema   *schema
	limits   Limits
	hook     Target
	lab      *lab   // nil: it speaks GitHub
	oauth    *oauth // nil: nobody signs in
}

// App is the GitHub App under test.
type App struct {
	ID          int64
	Slug, Name  string
	Bot         *User
	Permissions map[string]string
	Events      []string
}

// Install is the App on one account.
type Install struct {
	ID          int64
	Account     *User
	Repos       []string // full names; none: all
	Permissions map[string]string
	Suspended   bool
}

// New makes an empty forge with one App, which speaks GitHub.
func New(o Options) *Forge {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Key == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err) // the system has no randomness
		}
		o.Key = key
	}
	if o.Permissions == nil {
		o.Permissions = map[string]string{"metadata": "read", "contents": "write", "pull_requests": "write", "checks": "write",
			"statuses": "read", "members": "read", "merge_queues": "read", "issues": "write", "administration": "read",
			"deployments": "write", "actions": "read"}
	}
	f := &Forge{
		now: o.Now, key: o.Key, secret: o.Secret, ids: 1000, limits: o.Limits,
		url:    strings.TrimRight(or(o.URL, "https://github.example"), "/"),
		others: map[string]*App{}, users: map[string]*User{}, repos: map[string]*Repo{}, byID: map[int64]any{},
		installs: map[string]*Install{}, tokens: map[string]*token{}, schema: loadSchema(),
	}
	slug := or(o.Slug, "sluice")
	id := o.AppID
	if id == 0 {
		id = 4242
	}
	if o.Events == nil {
		o.Events = []string{"pull_request", "pull_request_review", "issue_comment", "commit_comment", "check_run", "check_suite", "push", "create", "delete", "status", "merge_group",
			"deployment", "deployment_status", "deployment_protection_rule"}
	}
	f.app = &App{ID: id, Slug: slug, Name: strings.ToUpper(slug[:1]) + slug[1:], Permissions: o.Permissions, Events: o.Events}
	f.app.Bot = f.user(slug+"[bot]", "Bot")
	f.user("web-flow", "User").Email = "noreply@github.com"
	f.users["web-flow"].Name = "GitHub"
	return f
}

// Key is the App's private key.
func (f *Forge) Key() *rsa.PrivateKey { return f.key }

// Served says at which address the handler is reached, for the URLs that callers are to call back: "http://127.0.0.1:1234".
func (f *Forge) Served(url string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.served = strings.TrimRight(url, "/")
}

// api is the address of REST, as on GitHub Enterprise Server.
func (f *Forge) api() string { return or(f.served, f.url) + "/api/v3" }

// AppID is the App's id.
func (f *Forge) AppID() int64 { return f.app.ID }

// at is the time of what happens now, in whole seconds, as the forge keeps it.
func (f *Forge) at() time.Time {
	if f.lab != nil {
		return f.lab.tick(f.now())
	}
	return f.now().UTC().Truncate(time.Second)
}

func (f *Forge) id() int64 {
	f.ids++
	return f.ids
}

// node is the id that GraphQL uses; it leads back to x.
func (f *Forge) keep(id int64, x any) { f.byID[id] = x }

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Install puts the App on an account, for all its repositories or for those named. Twice changes what it covers.
func (f *Forge) Install(account string, repos ...string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.install(account, repos...).ID
}

func (f *Forge) install(account string, repos ...string) *Install {
	in := f.installs[fold(account)]
	if in == nil {
		in = &Install{ID: f.id(), Account: f.user(account, ""), Permissions: f.app.Permissions}
		f.installs[fold(account)] = in
		f.keep(in.ID, in)
		in.Repos = repos
		f.emit("installation", "created", nil, in, in.Account, obj{"repositories": f.covered(in)})
		return in
	}
	before := f.covered(in)
	in.Repos = repos
	f.reach(in, before)
	return in
}

// reach tells which repositories an installation reaches now and did not before, and the other way round.
func (f *Forge) reach(in *Install, before []any) {
	after := f.covered(in)
	beyond := func(list, than []any) []any {
		return slices.DeleteFunc(slices.Clone(list), func(x any) bool {
			return slices.ContainsFunc(than, func(y any) bool { return x.(obj)["id"] == y.(obj)["id"] })
		})
	}
	added, removed := beyond(after, before), beyond(before, after)
	selection := map[bool]string{true: "all", false: "selected"}[len(in.Repos) == 0]
	tell := func(action string) {
		f.emit("installation_repositories", action, nil, in, in.Account,
			obj{"repository_selection": selection, "repositories_added": added, "repositories_removed": removed})
	}
	if len(added) > 0 {
		tell("added")
	}
	if len(removed) > 0 {
		tell("removed")
	}
}

// Uninstall takes the App off an account.
func (f *Forge) Uninstall(account string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if in := f.installs[fold(account)]; in != nil {
		f.emit("installation", "deleted", nil, in, in.Account, obj{"repositories": f.covered(in)})
		delete(f.installs, fold(account))
	}
}

// Suspend holds the installation of an account, or lets it go on.
func (f *Forge) Suspend(account string, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if in := f.installs[fold(account)]; in != nil {
		in.Suspended = on
		f.emit("installation", map[bool]string{true: "suspend", false: "unsuspend"}[on], nil, in, in.Account, nil)
	}
}

// Permit changes what the App may do on an account: name "checks", level "write", "read" or "" for none.
func (f *Forge) Permit(account, name, level string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if in := f.installs[fold(account)]; in != nil {
		permissions := map[string]string{name: level}
		for n, l := range in.Permissions {
			if n != name {
				permissions[n] = l
			}
		}
		in.Permissions = permissions
	}
}

// covers says whether the installation reaches the repository.
func (in *Install) covers(r *Repo) bool {
	return in != nil && fold(in.Account.Login) == fold(r.Owner.Login) &&
		(len(in.Repos) == 0 || slices.ContainsFunc(in.Repos, func(n string) bool { return fold(n) == fold(r.Name) }))
}

func (f *Forge) covered(in *Install) []any {
	list := []any{}
	for _, r := range f.sortedRepos() {
		if in.covers(r) {
			list = append(list, obj{"id": r.ID, "node_id": node("R", r.ID), "name": r.short(), "full_name": r.Name, "private": r.Private})
		}
	}
	return list
}

func (f *Forge) sortedRepos() []*Repo {
	var list []*Repo
	for _, r := range f.repos {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *Repo) int { return int(a.ID - b.ID) })
	return list
}

// installation reaches the repository, or is nil.
func (f *Forge) installation(r *Repo) *Install {
	if in := f.installs[fold(r.Owner.Login)]; in.covers(r) && !in.Suspended {
		return in
	}
	return nil
}

func fold(s string) string { return strings.ToLower(s) }

// node is an id for GraphQL: "PR_1007".
func node(prefix string, id int64) string { return fmt.Sprintf("%s_%d", prefix, id) }

// guid is a delivery's id; random, as the forge's are.
func guid() string {
	var b [16]byte
	rand.Read(b[:])
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

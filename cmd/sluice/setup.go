package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sethvargo/go-envconfig"
	"golang.org/x/time/rate"

	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/gitlab"
	"github.com/sluicegate/sluice/store"
)

// What the page /setup stores lies in the database, sealed with the server's secret key, as settings by their names. It stands
// beneath what the environment sets: a forge that the environment configures is the environment's alone, so that no App is ever
// put together of two. A server goes on with what is stored without a restart, and so do other replicas, who look for it.

// The names under which parts of it are kept.
const (
	partGitHub = "github"
	partGitLab = "gitlab"
	partPeople = "people" // who administers; that it is there says that the set-up is closed
	partToken  = "token"  // of the set-up, while it is open
)

// lookEvery is how long another replica may go on without what was set up.
const lookEvery = 2 * time.Second

// part is what is stored of one of them.
type part struct {
	Settings map[string]string `json:"settings,omitempty"`
	About    map[string]string `json:"about,omitempty"` // what is no secret: the App's name and page
}

// inForce are the settings that a server goes by, and where they come from.
type inForce struct {
	settings       settings
	github, gitlab string // dashboard.FromEnvironment, dashboard.FromPage, ""
	pull, admins   string
	about          map[string]string // of the App
	made           time.Time         // when it was stored
	aside          string            // why what is stored of GitHub is not in force
	closed         bool
	parts          map[string]gate.Setup
}

// open unseals a part.
func open(key *dashboard.Secret, x gate.Setup, into any) error {
	text, ok := key.Open("setup\x00"+x.Name, x.Sealed)
	if !ok {
		return fmt.Errorf("%s: what /setup stored (%s) was sealed with another key; put that key back, or set the forge's settings in the environment, or forget what is stored: sluice setup forget", secretSetting, x.Name)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("what /setup stored (%s) cannot be read: another version of Sluice wrote it", x.Name)
	}
	return nil
}

func seal(key *dashboard.Secret, name string, content any) ([]byte, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	return key.Seal("setup\x00"+name, text), nil
}

// names says whether the environment sets something.
func (s settings) names(name string) bool { return slices.Contains(s.set, name) }

// with puts what is stored beneath the environment's settings. Only what comes into force is unsealed, so that whoever has lost
// the key can set all of it in the environment.
func (s settings) with(ctx context.Context, stored []gate.Setup) (f inForce, err error) {
	f = inForce{settings: s, parts: map[string]gate.Setup{}}
	for _, x := range stored {
		f.parts[x.Name] = x
	}
	_, f.closed = f.parts[partPeople]
	if s.GitHub.Configured() {
		f.github = dashboard.FromEnvironment
	}
	if s.GitLab.Configured() {
		f.gitlab = dashboard.FromEnvironment
	}
	if s.Pull || s.names("SLUICE_GITHUB_PULL") {
		f.pull = dashboard.FromEnvironment
	}
	if s.Admins != "" {
		f.admins = dashboard.FromEnvironment
	}
	hub, hasHub := f.parts[partGitHub]
	lab, hasLab := f.parts[partGitLab]
	people, hasPeople := f.parts[partPeople]
	hasHub, hasLab, hasPeople = hasHub && f.github == "", hasLab && f.gitlab == "", hasPeople && f.admins == ""
	if !hasHub && !hasLab && !hasPeople {
		return f, nil
	}
	key, err := s.keptKey()
	if err != nil {
		return f, err
	}
	if hasHub {
		err = f.hub(ctx, key, hub)
	}
	if err == nil && hasLab {
		err = f.lab(ctx, key, lab)
	}
	if err == nil && hasPeople {
		err = f.people(key, people)
	}
	if err != nil {
		return f, err
	}
	if err := f.settings.check(); err != nil {
		return f, fmt.Errorf("%w (with what /setup stored)", err)
	}
	return f, nil
}

func (f *inForce) hub(ctx context.Context, key *dashboard.Secret, x gate.Setup) error {
	var p part
	if err := open(key, x, &p); err != nil {
		return err
	}
	var stored github.Settings
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &stored, Lookuper: envconfig.MapLookuper(p.Settings)}); err != nil {
		return fmt.Errorf("what /setup stored (%s) cannot be read", x.Name)
	}
	if here := f.settings.GitHub.URL; f.settings.names("SLUICE_GITHUB_URL") && here != stored.URL {
		f.aside = "The App that this page stored is at " + stored.URL + ", and SLUICE_GITHUB_URL says " + here + ", which wins: the App is set aside. Unset SLUICE_GITHUB_URL to have it back, or create another one here."
		return nil
	}
	f.settings.GitHub, f.github, f.about, f.made = stored, dashboard.FromPage, p.About, x.At
	if f.pull == "" && p.Settings["SLUICE_GITHUB_PULL"] == "true" {
		f.settings.Pull, f.pull = true, dashboard.FromPage
	}
	return nil
}

func (f *inForce) lab(ctx context.Context, key *dashboard.Secret, x gate.Setup) error {
	var p part
	if err := open(key, x, &p); err != nil {
		return err
	}
	var stored gitlab.Settings
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &stored, Lookuper: envconfig.MapLookuper(p.Settings)}); err != nil {
		return fmt.Errorf("what /setup stored (%s) cannot be read", x.Name)
	}
	f.settings.GitLab, f.gitlab = stored, dashboard.FromPage
	return nil
}

func (f *inForce) people(key *dashboard.Secret, x gate.Setup) error {
	var p part
	if err := open(key, x, &p); err != nil {
		return err
	}
	f.settings.Admins, f.admins = p.Settings["SLUICE_ADMINS"], dashboard.FromPage
	return nil
}

// stored are the settings in force for a command, beside a server or without one. A database that is not there yet has none.
func stored(ctx context.Context, s settings) (inForce, error) {
	st, err := store.Open(ctx, store.Options{URL: s.Database, Beside: true})
	if err != nil {
		return inForce{settings: s}, err
	}
	defer st.Close()
	list, err := st.Setups(ctx)
	if err != nil {
		return inForce{settings: s}, err
	}
	return s.with(ctx, list)
}

// setup is this server's.
type setup struct {
	server *server
	tries  *rate.Limiter // of tokens

	mu  sync.Mutex
	now inForce
}

func newSetup(v *server) *setup {
	x := &setup{server: v, tries: rate.NewLimiter(rate.Every(6*time.Second), 10)}
	x.now, _ = v.settings.with(context.Background(), nil) // nothing is stored, so nothing is unsealed
	return x
}

// force is what is in force by now.
func (x *setup) force() inForce {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.now
}

// refresh reads what is stored, and goes on with it if it changed. What is under way ends with what it began with.
func (x *setup) refresh(ctx context.Context) (changed bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	v := x.server
	list, err := v.store.Setups(ctx)
	if err != nil || x.known(list) {
		return false, err
	}
	f, err := v.settings.with(ctx, list)
	if err != nil {
		return false, err
	}
	before := v.live.Load()
	if before.settings.same(f.settings) {
		x.now = f
		return false, nil
	}
	next, err := v.assembly(f.settings, before)
	if err != nil {
		return false, err
	}
	x.now = f
	v.live.Store(next)
	v.runner.Use(next.reconciler)
	before.board.Hush() // who watches comes again, and finds the new one
	return true, nil
}

// same says whether two sets of settings make the same server, as far as a page can change them.
func (s settings) same(o settings) bool {
	return s.GitHub == o.GitHub && s.GitLab == o.GitLab && s.Pull == o.Pull && s.Admins == o.Admins
}

// known says whether all of it is in force already.
func (x *setup) known(list []gate.Setup) bool {
	return len(list) == len(x.now.parts) && !slices.ContainsFunc(list, func(s gate.Setup) bool { return x.now.parts[s.Name].Version != s.Version })
}

// goOn has this server go on with what was stored just now: what the forges hold is read as at a start.
func (x *setup) goOn(ctx context.Context) error {
	changed, err := x.refresh(ctx)
	if err != nil || !changed {
		return err
	}
	live := x.server.live.Load()
	x.server.log.Info("going on with what was set up", "github", live.settings.GitHub.Configured(), "gitlab", live.settings.GitLab.Configured(), "pull", live.settings.Pull)
	return x.server.store.Mark(ctx, live.begins()...)
}

// watch looks for what others have set up, until ctx is done.
func (x *setup) watch(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := x.goOn(ctx)
		switch {
		case err == nil:
			told = ""
		case ctx.Err() == nil && err.Error() != told:
			told = err.Error()
			x.server.log.Error("go on with what was set up", "err", err)
		}
	}
}

// keep changes a part, and goes on with it. Nothing is kept that a server could not start with.
func (x *setup) keep(ctx context.Context, by, name string, change func(*part) error) error {
	for range 5 {
		kept, err := x.tryKeep(ctx, name, change)
		if err != nil {
			return err
		}
		if kept {
			if err := x.server.store.Enter(ctx, gate.Entry{Kind: gate.EntryCommand, Forge: forgeOf(name), Command: "setup", Outcome: "done", Who: gate.Who{Login: by}, Reason: "Set up by the page: " + name + "."}); err != nil {
				return err
			}
			return x.goOn(ctx)
		}
	}
	return fmt.Errorf("keep what was set up: others did so at the same time")
}

func forgeOf(name string) string {
	if name == partGitHub || name == partGitLab {
		return name
	}
	return ""
}

func (x *setup) tryKeep(ctx context.Context, name string, change func(*part) error) (kept bool, err error) {
	v := x.server
	list, err := v.store.Setups(ctx)
	if err != nil {
		return false, err
	}
	key, err := x.key()
	if err != nil {
		return false, err
	}
	at := slices.IndexFunc(list, func(s gate.Setup) bool { return s.Name == name })
	if at < 0 {
		list, at = append(list, gate.Setup{Name: name}), len(list)
	}
	var p part
	if list[at].Version > 0 {
		if err := open(key, list[at], &p); err != nil {
			return false, err
		}
	}
	if p.Settings == nil {
		p.Settings = map[string]string{}
	}
	if err := change(&p); err != nil {
		return false, err
	}
	if list[at].Sealed, err = seal(key, name, p); err != nil {
		return false, err
	}
	f, err := v.settings.with(ctx, list)
	if err == nil {
		_, err = v.assembly(f.settings, v.live.Load())
	}
	if err != nil {
		return false, dashboard.Refusal{Why: strings.TrimSuffix(err.Error(), " (with what /setup stored)") + "."}
	}
	return v.store.KeepSetup(ctx, list[at])
}

// key is the secret that parts are sealed with; it is made where that is possible.
func (x *setup) key() (*dashboard.Secret, error) {
	raw, err := secretKey(x.server.settings)
	if err != nil {
		return nil, err
	}
	return dashboard.NewSecret(raw, "setup")
}

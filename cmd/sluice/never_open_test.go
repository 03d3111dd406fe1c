package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/pretend"
)

// A model of one change: what people did, and what was delivered of it. It knows nothing of how Sluice works, and says
// whether the gate may be open.
type model struct {
	r         *playing
	reviewed  bool              // the policy asks for an approval
	entry     map[string]bool   // commits that bring a changelog entry
	opinion   map[string]string // newest opinion by reviewer
	approved  map[string]string // the commit approved, by reviewer
	overrides []*spoken
	base      string         // the target branch
	heard     map[int64]bool // comments that were delivered
	seen      int            // deliveries of the log that were taken in
	shown     []string
}

// spoken is an override that somebody with the right wrote.
type spoken struct {
	head  string    // the head when it was worked off; "": it was not yet
	base  string    // the target then
	until time.Time // zero: until a push
	dead  bool
}

const neverOpenStage = `What a random change shows.
-- forge.yml --
people: {ana: write, bo: write, cy: write, oskar: admin}
-- main/.sluice.yml --
version: 1
tagging: {mode: "off"}
config-separation: {mode: "off"}
approval: APPROVAL
-- main/CHANGELOG.md --
# Changelog

## [Unreleased]

## [1.2.0] - 2026-10-01

### Added

- A shop.
`

// However pushes, reviews, comments, expiries and faults come, and in whatever order they are told: at no moment is a
// gate posted as open that is shut. The forge's own state is looked at after every call, and held against the model.
func TestNeverPostedOpen(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{entry: map[string]bool{}, opinion: map[string]string{}, approved: map[string]string{}, heard: map[int64]bool{}, base: "main"}
		m.reviewed = rapid.Bool().Draw(rt, "reviews count")
		approval := map[bool]string{true: "{rules: [{name: peers}]}", false: "{mode: \"off\"}"}[m.reviewed]
		m.r = played(t, txtar.Parse([]byte(strings.Replace(neverOpenStage, "APPROVAL", approval, 1))), key)
		m.r.step = "0-random"
		defer m.r.end()
		_, err := m.r.forge.Push(pretend.Push{Repo: shop, Branch: "release", By: "bo", From: "main"})
		m.must(rt, err)
		m.must(rt, m.openChange())
		watch := m.look
		m.r.watch.Store(&watch)
		m.deliver(rt, pretend.Order{})
		for i := range rapid.IntRange(3, 15).Draw(rt, "moves") {
			move := rapid.SampledFrom(m.moves()).Draw(rt, fmt.Sprintf("move %d", i))
			m.must(rt, move.do(m, rt))
			if rapid.Bool().Draw(rt, "deliver now") {
				m.deliver(rt, m.order(rt))
			}
		}
		m.r.forge.Heal()
		m.deliver(rt, pretend.Order{})
		m.must(rt, m.r.sweep()) // what was lost is found, and then nothing may stand open that is shut
		m.deliver(rt, pretend.Order{})
		if ok, _ := m.r.forge.Mergeable(shop, 1); ok && !m.mayBeOpen() {
			rt.Fatalf("stands open at the end, and is shut")
		}
		if len(m.shown) > 0 {
			rt.Fatalf("posted as open while it was shut: %s", strings.Join(m.shown, "; "))
		}
	})
}

func (m *model) must(rt *rapid.T, err error) {
	if err != nil {
		rt.Fatal(err)
	}
}

func (m *model) openChange() error {
	_, err := m.r.forge.Open(pretend.PR{Repo: shop, By: "ana", Branch: "baskets", Title: "feat: baskets",
		Commits: []pretend.Commit{{Message: "a basket", Files: pretend.Texts(map[string]string{"basket.go": "package shop\n"})}}})
	return err
}

type move struct {
	name string
	do   func(*model, *rapid.T) error
}

func (m move) String() string { return m.name }

func (m *model) moves() []move {
	review := func(by, state string) move {
		return move{by + " " + state, func(m *model, _ *rapid.T) error {
			m.opinion[by], m.approved[by] = state, m.head()
			_, err := m.r.forge.Review(shop, 1, by, state, "")
			return err
		}}
	}
	return []move{
		{"push", func(m *model, rt *rapid.T) error { return m.push(rt, false) }},
		{"push with an entry", func(m *model, rt *rapid.T) error { return m.push(rt, true) }},
		{"push back to the first head", (*model).back},
		review("bo", "approved"), review("bo", "changes_requested"), review("cy", "approved"),
		{"ana approves her own", func(m *model, _ *rapid.T) error {
			_, err := m.r.forge.Review(shop, 1, "ana", "commented", "")
			return err
		}},
		{"dismiss", (*model).dismiss},
		{"override", func(m *model, rt *rapid.T) error { return m.say("oskar", "/sluice override changelog because") }},
		{"override for an hour", func(m *model, rt *rapid.T) error { return m.say("oskar", "/sluice override changelog for 1h because") }},
		{"override for an hour, again", func(m *model, rt *rapid.T) error { return m.say("oskar", "/sluice override changelog for 1h because") }},
		{"override without the right", func(m *model, rt *rapid.T) error { return m.say("bo", "/sluice override changelog,approval because") }},
		{"revoke", func(m *model, rt *rapid.T) error { return m.say("oskar", "/sluice revoke changelog") }},
		{"hold", func(m *model, rt *rapid.T) error { return m.say("oskar", "/sluice hold because") }},
		{"unhold", func(m *model, rt *rapid.T) error { return m.say("oskar", "/sluice unhold") }},
		{"unhold without the right", func(m *model, rt *rapid.T) error { return m.say("bo", "/sluice unhold") }},
		{"retarget", (*model).retarget},
		{"time passes", func(m *model, rt *rapid.T) error {
			m.r.clock.move(m.r.clock.now().Add(time.Duration(rapid.IntRange(20, 150).Draw(rt, "minutes")) * time.Minute))
			return nil
		}},
		{"fault", (*model).fault},
		{"sweep", func(m *model, _ *rapid.T) error { return m.r.sweep() }},
		{"replay", func(m *model, _ *rapid.T) error { return m.r.redeliver() }},
	}
}

func (m *model) head() string { return m.r.forge.Head(shop, "refs/pull/1/head") }

func (m *model) push(rt *rapid.T, entry bool) error {
	n := len(m.entry)
	files := map[string]string{"part.go": fmt.Sprintf("package shop\n\nconst part = %d // %d\n", n, rapid.IntRange(0, 1<<20).Draw(rt, "text"))}
	had := m.entry[m.head()]
	if entry {
		files["CHANGELOG.md"] = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Baskets.\n\n## [1.2.0] - 2026-10-01\n\n### Added\n\n- A shop.\n"
	}
	_, err := m.r.forge.Push(pretend.Push{Repo: shop, Branch: "baskets", By: "ana", Commits: []pretend.Commit{{Message: "more", Files: pretend.Texts(files)}}})
	m.entry[m.head()] = had || entry
	return err
}

// back makes the branch what it was when the change was opened, with force.
func (m *model) back(*rapid.T) error {
	first := m.r.forge.Head(shop, "main")
	_, err := m.r.forge.Push(pretend.Push{Repo: shop, Branch: "baskets", By: "ana", From: first, Force: true,
		Commits: []pretend.Commit{{Message: "a basket", Files: pretend.Texts(map[string]string{"basket.go": "package shop\n"})}}})
	return err
}

func (m *model) dismiss(*rapid.T) error {
	if m.opinion["bo"] != "approved" {
		return nil
	}
	m.opinion["bo"] = "dismissed"
	return m.r.forge.Dismiss(shop, 1, "oskar", "bo")
}

// retarget has the change go into the other branch, which has the same policy.
func (m *model) retarget(*rapid.T) error {
	m.base = map[string]string{"main": "release", "release": "main"}[m.base]
	return m.r.forge.Edit(shop, 1, "ana", pretend.Edit{Base: &m.base})
}

func (m *model) say(by, body string) error {
	_, err := m.r.forge.Comment(shop, 1, by, body)
	return err
}

func (m *model) fault(rt *rapid.T) error {
	m.r.forge.Fail(rapid.SampledFrom([]pretend.Fault{
		{Route: "graphql", Status: 502, Count: 2}, {Route: "graphql", Reset: true}, {Route: "graphql", Cut: true}, {Route: "mutation", Status: 502, After: true},
		{Route: "GET /repos/{owner}/{repo}/collaborators/{user}/permission", Status: 500, Count: 3},
		{Route: "GET /repos/{owner}/{repo}/issues/comments/{id}", Status: 502, Count: 3},
		{Route: "POST /repos/{owner}/{repo}/issues/{number}/comments", Status: 502, After: true},
	}).Draw(rt, "fault"))
	return nil
}

func (m *model) order(rt *rapid.T) pretend.Order {
	o := pretend.Order{Copies: rapid.IntRange(0, 1).Draw(rt, "copies"), Shuffle: uint64(rapid.IntRange(0, 3).Draw(rt, "shuffle")), Anew: rapid.Bool().Draw(rt, "anew")}
	if n := rapid.IntRange(0, 5).Draw(rt, "lost"); n == 0 {
		lost := rapid.SampledFrom([]string{"pull_request", "pull_request_review", "issue_comment"}).Draw(rt, "lost event")
		o.Drop = func(d *pretend.Delivery) bool { return d.Event == lost }
	}
	return o
}

// deliver tells Sluice what waits, lets it work, and notes what has been worked off by then.
func (m *model) deliver(rt *rapid.T, o pretend.Order) {
	if _, err := m.r.forge.Deliver(m.r.t.Context(), o); err != nil {
		rt.Fatal(err)
	}
	m.takeIn()
	m.r.work()
	for range 3 { // the forge tells of what was posted; and what failed is tried again within minutes
		m.r.clock.move(m.r.clock.now().Add(2 * time.Minute))
		m.r.work()
	}
	for _, s := range m.overrides {
		if s.head == "" {
			s.head, s.base = m.head(), m.base
		}
	}
}

// takeIn follows what was delivered, in its order.
func (m *model) takeIn() {
	log := m.r.forge.Deliveries()
	for _, d := range log[m.seen:] {
		if d.Status == 0 {
			continue
		}
		var body struct {
			Comment struct {
				ID   int64
				Body string
			}
		}
		if d.Event == "pull_request" && d.Action == "edited" && strings.Contains(string(d.Body), `"changes":{"base"`) && !d.Again {
			for _, s := range m.overrides {
				s.dead = s.dead || s.head != ""
			}
		}
		if err := json.Unmarshal(d.Body, &body); err != nil || body.Comment.ID == 0 || m.heard[body.Comment.ID] {
			continue // told again is told once
		}
		m.heard[body.Comment.ID] = true
		switch {
		case d.Event == "issue_comment" && strings.HasPrefix(body.Comment.Body, "/sluice override changelog "):
			s := &spoken{}
			if strings.Contains(body.Comment.Body, " for 1h ") {
				s.until = m.r.clock.now().Add(time.Hour)
			}
			m.overrides = append(m.overrides, s)
		case d.Event == "issue_comment" && strings.HasPrefix(body.Comment.Body, "/sluice revoke"):
			for _, s := range m.overrides { // of those that were in force before; one that comes with it may be worked off after it
				s.dead = s.dead || s.head != ""
			}
		}
	}
	m.seen = len(log)
}

// mayBeOpen says whether the change may be open as things are.
func (m *model) mayBeOpen() bool {
	head := m.head()
	approved := !m.reviewed
	acts, err := m.r.server.store.Acts(m.r.t.Context(), checks.Subject{Forge: "github", Repo: shop, Kind: checks.KindChange, Change: 1})
	if err != nil || acts.Hold != nil { // what was held is kept before anything is shown
		return false
	}
	for by, state := range m.opinion {
		if state == "changes_requested" && m.reviewed {
			return false
		}
		approved = approved || state == "approved" && m.approved[by] == head
	}
	return approved && (m.entry[head] || m.overridden(head))
}

func (m *model) overridden(head string) bool {
	for _, s := range m.overrides {
		if !s.dead && (s.head == "" || s.head == head && s.base == m.base) && (s.until.IsZero() || m.r.clock.now().Before(s.until)) {
			return true
		}
	}
	return false
}

// look is called after each call that Sluice makes, while nobody else does anything at the forge. What stood there
// before Sluice heard of the latest is not its doing: only what it posts as open counts.
func (m *model) look() {
	for _, s := range m.r.forge.Shown(shop, 1) {
		if s.Name == "sluice/gate" && m.r.news("gate of "+m.head(), s.ExternalID+s.State+s.Title) && s.State == "success" && !m.mayBeOpen() {
			m.shown = append(m.shown, fmt.Sprintf("%s on %.8s at %v", s.Title, m.head(), m.r.clock.now()))
		}
	}
}

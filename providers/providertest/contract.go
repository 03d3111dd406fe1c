// Package providertest is the contract that every gate.Provider keeps: one function, run against each client over a
// pretend forge that speaks that client's language.
//
// It refuses to look inside a provider: it acts at the forge, reads through the provider, and compares. How many calls
// that takes is each provider's own affair, and tested beside it.
package providertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
)

// Forge is what the contract does at a forge. *pretend.Forge is one.
type Forge interface {
	Message(repo, at string) string
	Bot() string // the login of the account under test
	Org(login string, members ...string)
	Team(name, parent string, members ...string) error
	Repo(name string, private bool, files map[string]pretend.File) error
	Drop(repo string) error
	Grant(repo, login, role string) error
	Describe(login, name, email string)
	Delete(login string)
	User(login string) pretend.User
	Open(pretend.PR) (int, error)
	Push(pretend.Push) (string, error)
	Unbranch(repo, branch, by string) error
	Edit(repo string, n int, by string, e pretend.Edit) error
	Label(repo string, n int, by, name string) error
	Unlabel(repo string, n int, by, name string) error
	SetDraft(repo string, n int, by string, on bool) error
	Close(repo string, n int, by string) error
	Merge(repo string, n int, by string, squash bool) (string, error)
	Review(repo string, n int, by, state, commit string) (int64, error)
	Dismiss(repo string, n int, by, reviewer string) error
	Tag(pretend.Tag) (string, error)
	Untag(repo, name, by string) error
	Report(pretend.Report) error
	Head(repo, name string) string
	ShownOn(repo, commit string) []pretend.Shown
	Move(repo, to string) error
	Comment(repo string, n int, by, body string) (int64, error)
	CommentBy(repo string, n int, app, by, body string) (int64, error)
	EditComment(repo string, n int, whose, by, body string) error
	Said(repo string, n int) []pretend.Said
	Deploy(pretend.Deployment) (int64, error)
	DeploymentStatus(pretend.DeploymentStatus) error
	Deployments(repo, environment string) []pretend.Deployed
	Environment(pretend.Environment) error
	Unprotect(repo, name string) error
	Start(pretend.Workflow) (int64, error)
	Finish(repo, environment, conclusion string) error
	Jobs(repo string) []pretend.Job
}

// Harness is one provider over one fresh forge, with Sluice already let into the organisation acme.
type Harness struct {
	Name     string // of the forge, as in checks.Subject
	Provider gate.Provider
	Forge    Forge

	// Lacks are the parts that ask for what the forge itself has not, by name, each with the reason why it has not.
	Lacks map[string]string
	// Bare says why a check is shown as no more than a state and a line of text, and that only passed, failed or waits;
	// "" where it is shown with all that there is to say.
	Bare string
	// Newest says why of each person only the newest opinion is known, and nothing of those taken back; "" where all are.
	Newest string
	// Inherits says why the members of a team are also those of what it lies in, and not the other way round.
	Inherits string
	// Unmarked says why a deployment is no more than a commit, an environment, who made it and a state that begins as under
	// way: it carries no word of ours, keeps no states that were, and asks for no checks.
	Unmarked string
	// NoWayAround says why nobody, be he an administrator, gets past what guards an environment.
	NoWayAround string
	Floor       string // the repository of the organisation's policy; "": acme/.github
	// Later lets so much time pass that the provider looks anew at what it may remember for some minutes; nil: it remembers
	// nothing that is asked about here.
	Later func()
}

// Parts are the names of all that Contract runs, so that nothing can be left out that is not there.
func Parts() (names []string) {
	for _, part := range parts {
		names = append(names, part.name)
	}
	return names
}

// Contract runs all that a provider promises; fresh makes a harness for each part.
func Contract(t *testing.T, fresh func(*testing.T) Harness) {
	t.Helper()
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			h := fresh(t)
			if why := h.Lacks[part.name]; why != "" {
				t.Skip(why)
			}
			w := &world{T: t, Harness: h, forge: h.Forge}
			w.begin()
			part.run(w)
		})
	}
}

// parts are what a provider promises, in the order of the walk.
var parts = []struct {
	name string
	run  func(*world)
}{
	{"tells all of a plain change", plainChange},
	{"tells of a change from a fork, and reads the fork's head", forked},
	{"tells old names, kinds and modes of files", kindsOfFiles},
	{"tells who set a label last", labels},
	{"tells reviews in their order, with the commit looked at", reviews},
	{"makes nobody of a deleted account", deletedAccounts},
	{"tells authors, co-authors and committers of commits", commitAuthors},
	{"reads the policy of the target branch, never the change's", targetPolicy},
	{"reads the organisation's policy beside the repository's", organisationPolicy},
	{"says why a policy cannot be text", oddPolicies},
	{"reads a retargeted change against its new target", retargeted},
	{"counts from the merge base when the target has moved on", movedTarget},
	{"lists all tags and tells annotated ones", tags},
	{"tells of drafts, closed and merged changes", states},
	{"reads what the checks want at each side", sides},
	{"tells people's rights and members of teams below a team", rights},
	{"loses nothing beyond the first page", manyOfEverything},
	{"admits what the forge cuts off", tooMany},
	{"posts, changes what it posted, and posts nothing twice", posting},
	{"shows every outcome in the forge's words", outcomes},
	{"shows more annotations than one request carries", manyAnnotations},
	{"shows a state whose words the forge refuses", disliked},
	{"writes over what others posted under our names", foreign},
	{"ends what was pending", cancelled},
	{"lists open changes by base and by head", changes},
	{"says that what is not there is gone", gone},
	{"says that the forge does not know the head yet", stale},
	{"judges what was pushed by force since", forced},
	{"never takes an overtaken head's files for the newest one's", overtaken},
	{"reads a tag that was pushed, moved and deleted", pushedTag},
	{"finds a repository under another case", otherCase},
	{"says the same thing twice", deterministic},
	{"reads a comment as it is, and reacts once", comments},
	{"tells what an app wrote from what a person wrote", commentsOfApps},
	{"answers once, and finds its answer again", replies},
	{"says what somebody may do at this very moment", rightsNow},
	{"tells what is live in an environment, and since when", liveThere},
	{"tells who signed the tags of a promotion, where the policy asks for it", signedTags},
	{"tells its own deployments from those that claim to be", claimed},
	{"takes an environment's names in all cases for one", anyCase},
	{"reads on until it finds what is live", longAgo},
	{"tells what is shown on the commits that are watched", watchedCommits},
	{"tells which change a promotion came from", cameFrom},
	{"names what a promotion brings, by whom", brings},
	{"names what a promotion lacks, and knows picked commits again", lacks},
	{"does not miss a merge that adds nothing of its own", lacksMerges},
	{"goes back to what was live", goesBack},
	{"deploys exactly what was ordered, and finds it again", deploys},
	{"tells what the forge refuses to deploy from what may have been deployed", refusals},
	{"reads a run, answers it once, and knows when it is gone", answersRuns},
	{"tells how an environment is guarded", guarding},
	{"finds the commit that a name means", resolves},
}

const repo = "acme/shop"

// policyText asks for what needs people, labels, texts and trees.
const policyText = `version: 1
changelog:
  files: [CHANGELOG.md]
  exempt: {labels: [no-changelog]}
approval:
  rules:
    - {name: peers, count: 1}
    - {name: dba, when: {paths: ["migrations/**"]}, from: {teams: [acme/data]}}
`

const changelogText = "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-02\n\n### Added\n\n- A shop.\n"

// world is one forge in one test.
type world struct {
	*testing.T
	Harness
	forge Forge
}

func (w *world) begin() {
	f := w.forge
	f.Org("acme", "olga:admin", "ana", "bo")
	w.must(f.Repo(repo, true, pretend.Texts(map[string]string{".sluice.yml": policyText, "CHANGELOG.md": changelogText,
		"src/a.go": "package a\n", "src/b.go": "package a\n\nvar B = 1\n"})))
	for login, role := range map[string]string{"ana": "write", "bo": "maintain", "eve": "read"} {
		w.must(f.Grant(repo, login, role))
	}
	w.must(f.Team("acme/data", "", "bo"))
	w.must(f.Team("acme/dba", "data", "dora"))
}

func (w *world) later() {
	if w.Later != nil {
		w.Later()
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// check reports got when it is not want; both are compared as they print.
func (w *world) check(what string, got, want any) {
	w.Helper()
	if g, t := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != t {
		w.Errorf("%s:\ngot  %s\nwant %s", what, g, t)
	}
}

func (w *world) open(pr pretend.PR) int {
	w.Helper()
	pr.Repo, pr.By = repo, or(pr.By, "ana")
	n, err := w.forge.Open(pr)
	w.must(err)
	return n
}

func (w *world) push(branch, by string, files map[string]string) string {
	w.Helper()
	c, err := w.forge.Push(pretend.Push{Repo: repo, Branch: branch, By: by, Commits: write(files)})
	w.must(err)
	return c
}

func (w *world) review(n int, by, state, commit string) {
	w.Helper()
	_, err := w.forge.Review(repo, n, by, state, commit)
	w.must(err)
}

func (w *world) subject(n int) checks.Subject {
	return checks.Subject{Forge: w.Name, Repo: repo, Kind: checks.KindChange, Change: n}
}

// facts reads a change that must be readable.
func (w *world) facts(n int) *checks.Facts {
	w.Helper()
	f, err := w.Provider.Facts(w.Context(), w.subject(n), "")
	if err != nil {
		w.Fatalf("Facts(#%d): %v", n, err)
	}
	w.sound(f)
	return f
}

// sound holds of all facts: sorted, each once, complete ids, in UTC.
func (w *world) sound(f *checks.Facts) {
	w.Helper()
	paths := []string{}
	for _, c := range f.Files {
		paths = append(paths, c.Path)
	}
	if !slices.IsSorted(paths) || len(slices.Compact(slices.Clone(paths))) != len(paths) {
		w.Errorf("files are not sorted, each once: %v", paths)
	}
	if f.At.IsZero() || f.At.Location().String() != "UTC" {
		w.Errorf("At is %v", f.At)
	}
	if c := f.Change; c != nil {
		for _, id := range []string{c.Head.Commit, c.Base.Commit, c.MergeBase} {
			if len(id) != 40 {
				w.Errorf("%q is not a whole commit id: head %s, base %s, merge base %s", id, c.Head.Commit, c.Base.Commit, c.MergeBase)
			}
		}
	}
	if raw, err := json.Marshal(f); err != nil || !json.Valid(raw) {
		w.Errorf("facts cannot be kept: %v", err)
	}
}

func (w *world) gaps(f *checks.Facts, parts ...string) {
	w.Helper()
	var got []string
	for _, g := range f.Gaps {
		got = append(got, g.Part)
		if g.Reason == "" {
			w.Errorf("gap %s has no reason", g.Part)
		}
	}
	slices.Sort(got)
	w.check("gaps", got, parts)
}

func (w *world) is(err, want error, what string) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func write(files map[string]string) []pretend.Commit {
	return []pretend.Commit{{Files: pretend.Texts(files)}}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// names prints what matters of people.
func names(people []checks.Person) string {
	var list []string
	for _, p := range people {
		list = append(list, p.Login+"/"+p.Kind)
	}
	return strings.Join(list, " ")
}

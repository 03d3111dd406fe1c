package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/pretend"
)

// Each scenario is played at GitLab too, unless it is about what GitHub alone has; then it says so, with a reason, in `only`.
// What comes of it must be the same: the want is compared without what the two forges cannot both show (see commonly), and
// a scenario where they differ for a reason has a want-gitlab of its own.
func TestScenariosAtGitLab(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../testdata/scenarios/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			ar := txtar.Parse(raw)
			var stage stageFile
			if err := strict([]byte(section(ar, "forge.yml")), &stage); err != nil {
				t.Fatal(err)
			}
			if why := stage.Only["github"]; why != "" {
				t.Skip("only at GitHub: " + why)
			}
			atGitLab(t, path, ar, key)
		})
	}
}

func atGitLab(t *testing.T, path string, ar *txtar.Archive, key *rsa.PrivateKey) {
	t.Helper()
	r := playedAt(t, "gitlab", ar, key)
	got, want := commonly(r.out.String()), commonly(section(ar, "want"))
	if own := section(ar, "want-gitlab"); own != "" {
		want = own
		if *update && got != want {
			setSection(ar, "want-gitlab", got)
			if err := os.WriteFile(path, txtar.Format(ar), 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	if got != want {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s", strings.TrimSpace(string(ar.Comment)), got, want)
	}
	for _, place := range annotatedPlaces(section(ar, "want")) {
		if !r.places[place] {
			t.Errorf("no note, and no page that a status on a train links to, ever named %s", place)
		}
	}
}

// head is where the source of a change stands.
func (r *playing) head(n int) string {
	if r.where == "gitlab" {
		return r.forge.Head(shop, fmt.Sprintf("refs/merge-requests/%d/head", n))
	}
	return r.forge.Head(shop, fmt.Sprintf("refs/pull/%d/head", n))
}

// us is our own account, as the forge spells it.
func (r *playing) us() string {
	if r.where == "gitlab" {
		return r.forge.Bot()
	}
	return "sluice[bot]"
}

// trains says whether the scenario is played with merge trains: it has something to enqueue.
func (r *playing) trains() bool {
	return r.where == "gitlab" && slices.ContainsFunc(r.ar.Files, func(f txtar.File) bool {
		return stepName.MatchString(f.Name) && strings.Contains(string(f.Data), "enqueue:")
	})
}

// waiter is the job of docs/gitlab.md that keeps a pipeline from ending before Sluice has spoken in it.
const waiter = "sluice"

// pipelines is the .gitlab-ci.yml that merge trains ask for: its pipelines are those of merge requests. GitLab requires the whole
// pipeline, so that what else a scenario requires is a job in it.
func (r *playing) pipelines(require []string) string {
	var b strings.Builder
	for _, job := range append([]string{waiter}, require...) {
		if !strings.HasPrefix(job, "sluice/") {
			fmt.Fprintf(&b, "%s: {script: [x], rules: [{if: $CI_PIPELINE_SOURCE == 'merge_request_event'}]}\n", job)
		}
	}
	return b.String()
}

// awaited runs the waiting jobs.
func (r *playing) awaited() {
	if !r.trains() {
		return
	}
	if err := r.forge.Await(shop, waiter, "sluice/gate"); err != nil {
		r.t.Errorf("%s: %v", r.step, err)
	}
}

// boards has a change ready for the train. One that fell off has the train's failed pipeline for its head pipeline until
// somebody runs another, with which Sluice has to be done before the change may get on again.
func (r *playing) boards(w words) error {
	if !r.trains() || !slices.ContainsFunc(r.forge.Queued(shop), func(q pretend.Waiting) bool { return q.Change == w.Change && !q.Waits }) {
		return nil
	}
	if _, err := r.forge.RunPipeline(shop, "", w.Change, w.By); err != nil {
		return err
	}
	r.settle()
	return nil
}

var linkedPlace = regexp.MustCompile(`Where: <code>([^<]+:\d+)</code>`)

// linked notes the places that the pages name to which the statuses on a train's commit link: it has no note of its own.
func (r *playing) linked(shown []pretend.Shown) {
	r.t.Helper()
	if r.where != "gitlab" {
		return
	}
	for _, s := range shown {
		path, ours := strings.CutPrefix(s.URL, r.set.PublicURL)
		if !ours || !r.news("page "+path, "read") {
			continue
		}
		answer := httptest.NewRecorder()
		r.server.handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != http.StatusOK {
			r.t.Errorf("%s: %s links to %s: %d", r.step, s.Name, s.URL, answer.Code)
		}
		for _, m := range linkedPlace.FindAllStringSubmatch(answer.Body.String(), -1) {
			r.places[html.UnescapeString(m[1])] = true
		}
	}
}

const detailsMark = "<!-- sluice:details -->"

var (
	detailPart  = regexp.MustCompile(`(?m)^<!-- sluice:check (\S+) ([0-9a-f]{40}) -->\n#### \S+: (\w+)\n\n(.*)\n`)
	overridden  = regexp.MustCompile(`(?m)^\*\*Overridden\.\*\* (.*) Beneath it stands: `)
	detailPlace = regexp.MustCompile("(?m)(?:Where: |^- )`([^`\n]+:\\d+)`")
)

// detailed puts what the note with the details says of each check in place of what its status shows: a status cannot say
// all outcomes, and keeps its words while its state stays.
func (r *playing) detailed(n int, head string, shown []pretend.Shown) []pretend.Shown {
	for _, s := range r.forge.Said(shop, n) {
		if s.By != r.us() || !strings.HasPrefix(s.Body, detailsMark) {
			continue
		}
		for _, m := range detailPlace.FindAllStringSubmatch(s.Body, -1) {
			r.places[html.UnescapeString(m[1])] = true
		}
		parts := detailPart.FindAllStringSubmatchIndex(s.Body, -1)
		for at, m := range parts {
			end := len(s.Body)
			if at+1 < len(parts) {
				end = parts[at+1][0]
			}
			word := func(n int) string { return s.Body[m[2*n]:m[2*n+1]] }
			title := word(4)
			if o := overridden.FindStringSubmatch(s.Body[m[0]:end]); o != nil && word(3) == "overridden" {
				title = "Overridden. " + o[1]
			}
			i := slices.IndexFunc(shown, func(x pretend.Shown) bool { return x.Name == word(1) && word(2) == head })
			if i >= 0 && word(3) != "cancelled" { // of those the status says it
				shown[i].State, shown[i].Title = strings.Replace(word(3), "skip", "pass", 1), checks.Clip(html.UnescapeString(title), 140)
			}
		}
	}
	return shown
}

// saidOn are the comments below a change, without the note that holds the details.
func (r *playing) saidOn(n int) []pretend.Said {
	return slices.DeleteFunc(r.forge.Said(shop, n), func(s pretend.Said) bool { return strings.HasPrefix(s.Body, detailsMark) })
}

// atLab are GitHub's words for what a scenario has dropped, and for the calls that it has broken, in GitLab's.
var atLab = map[string][]string{
	"pull_request": {"Merge Request Hook"}, "pull_request_review": {"Merge Request Hook.approved", "Merge Request Hook.unapproved", "Merge Request Hook.approval", "Merge Request Hook.unapproval"},
	"push": {"Push Hook", "Merge Request Hook.update"}, "issue_comment": {"Note Hook"}, "merge_group": {"Pipeline Hook"}, "all": {"all"},
	"GET /repos/{owner}/{repo}/collaborators/{user}/permission": {"GET /projects/{id}/members/all/{uid}"},
	"POST /repos/{owner}/{repo}/releases":                       {"POST /projects/{id}/releases"},
	"POST /repos/{owner}/{repo}/git/tags":                       {"POST /projects/{id}/repository/tags"},
	"POST /repos/{owner}/{repo}/git/refs":                       {"POST /projects/{id}/repository/tags"},
	"POST /repos/{owner}/{repo}/deployments":                    {"POST /projects/{id}/deployments"},
	"GET /repos/{owner}/{repo}/deployments":                     {"GET /projects/{id}/deployments"},
	"POST /repos/{owner}/{repo}/issues/{number}/comments":       {"POST /projects/{id}/merge_requests/{iid}/notes"},
	"POST /repos/{owner}/{repo}/issues/comments/{id}/reactions": {"POST /projects/{id}/merge_requests/{iid}/notes/{nid}/award_emoji"},
	"mutation":                  {"POST /projects/{id}/statuses/{sha}"},
	"graphql":                   {"GET /projects/{id}/merge_requests/{iid}"},
	"query Queue":               {"GET /projects/{id}/merge_trains/{branch}"},
	"query Facts":               {"GET /projects/{id}/merge_requests/{iid}"},
	"graphql query Environment": {"GET /projects/{id}/deployments"},
}

// theirs are the forge's words for one of GitHub's.
func (r *playing) theirs(word string) []string {
	if r.where == "github" || word == "" {
		return []string{word}
	}
	words := atLab[word]
	if words == nil {
		r.t.Fatalf("%s: %q has no counterpart at GitLab: say in forge.yml that the scenario is only for GitHub", r.step, word)
	}
	return words
}

var oneChange = regexp.MustCompile(`/merge_requests/\d+$`)

// looks says whether a request is the forge's look at a change.
func (r *playing) looks(q *http.Request) bool {
	if r.where == "gitlab" {
		return q.Method == http.MethodGet && oneChange.MatchString(q.URL.Path)
	}
	return strings.HasSuffix(q.URL.Path, "/graphql")
}

// floorOf is where an organisation's own policy is kept.
func (r *playing) floorOf(name string) string {
	if r.where == "gitlab" && strings.HasSuffix(name, "/.github") {
		return strings.TrimSuffix(name, ".github") + "sluice-policy"
	}
	return name
}

var (
	mergeLine    = regexp.MustCompile(`^  (#\d+ )?may (not )?be merged`)
	countLine    = regexp.MustCompile(`^  \d+ reads, \d+ writes$`)
	annotation   = regexp.MustCompile(`^    at (\S+:\d+)  `)
	skipLine     = regexp.MustCompile(`^(  \S.{0,60}?  )(skip  )(  \S)`)
	botName      = regexp.MustCompile(`\bgroup_\d+_bot_([0-9a-f]+)\b`)
	manyTold     = regexp.MustCompile(`^  \d+ ((?:re)?deliver(?:y|ies) (?:lost|answered \d+))$`)
	deployLine   = regexp.MustCompile(`^  (deployment \d+ into .* by \S+): (.*)$`)
	promotedLine = regexp.MustCompile(`^  (main@\d+ deploy \(.*?\))  +(\S+) `)
	pendingLine  = regexp.MustCompile(`^    pending by \S+: `)
	rejectedLine = regexp.MustCompile("^(    rejected by \\S+: .*?)(?: - `.*| https?://.*)?$")
	askLine      = regexp.MustCompile(`^  (#\d+ )?asks `)
	unnamedHash  = regexp.MustCompile(`\b[0-9a-f]{7,8}\b`)
	linkInText   = regexp.MustCompile(`<?https?://[^\s>)]*/(?:-/merge_requests|pull|-/releases|releases)/[^\s>)]+>?`)
)

// commonly is what a scenario showed, without what one of the forges cannot show: why exactly a change may not be merged,
// the lines of annotations (which stand in the note), what a check skipped, how many calls it took, and how accounts of
// programs are spelt.
func commonly(text string) string {
	var b strings.Builder
	merge, deployments, answer, within := map[string]string{}, map[string]string{}, false, false
	var step []string
	end := func() {
		if len(step) == 1 {
			step = append(step, "  nothing new")
		}
		for _, line := range step {
			b.WriteString(line + "\n")
		}
		step = nil
	}
	for line := range strings.Lines(text) {
		line = botName.ReplaceAllStringFunc(strings.TrimSuffix(line, "\n"), calledBot)
		line = strings.NewReplacer("&#8203;", "", "\u200b", "").Replace(line) // GitLab has more signs that refer to something
		line = strings.NewReplacer("acme/sluice-policy", "acme/.github", "GitLab", "GitHub", "github-actions[bot]", "the pipeline").Replace(linkInText.ReplaceAllString(line, "LINK"))
		line = unnamedHash.ReplaceAllStringFunc(line, func(id string) string { // of a commit of which the scenario knows no name
			if strings.ContainsAny(id, "0123456789") && (len(id) == 8 || strings.ContainsAny(id, "abcdef")) {
				return "HASH"
			}
			return id
		})
		m := mergeLine.FindStringSubmatch(line)
		within = within && strings.HasPrefix(line, "      ")
		answer = answer && strings.HasPrefix(line, "    |") || strings.Contains(line, "answers in comment ")
		switch {
		case !strings.HasPrefix(line, " "):
			end()
		case m != nil:
			if merge[m[1]] == m[2] && m[2] != "" {
				continue
			}
			merge[m[1]], line = m[2], m[0]
		case strings.HasPrefix(line, "    |") && !answer: // what stands below a check of a promotion; a status has no room for it
			continue
		case manyTold.MatchString(line):
			line = "  " + manyTold.FindStringSubmatch(line)[1]
		case deployLine.MatchString(line):
			d := deployLine.FindStringSubmatch(line)
			if d[2] == "no status" || d[2] == "queued" {
				d[2] = "in_progress"
			}
			if deployments[d[1]] == d[2] {
				continue
			}
			deployments[d[1]] = d[2]
			line = "  " + d[1] + ": " + d[2]
		case promotedLine.MatchString(line): // its words stand in the comment on the change; the status keeps those that it began with
			d := promotedLine.FindStringSubmatch(line)
			if deployments[d[1]] == d[2] {
				continue
			}
			deployments[d[1]] = d[2]
		case within:
			continue
		case pendingLine.MatchString(line): // why a job waits its check says: GitLab has no place for it at the job
			within = true
			continue
		case rejectedLine.MatchString(line): // there it is one line, and cut
			within, line = true, html.UnescapeString(rejectedLine.FindStringSubmatch(line)[1])
		case askLine.MatchString(line):
			if line = withoutTeams(line); line == "" {
				continue
			}
		case countLine.MatchString(line), annotation.MatchString(line), line == "  nothing new":
			continue
		}
		step = append(step, skipLine.ReplaceAllString(line, "${1}pass  $3"))
	}
	end()
	return b.String()
}

// calledBot is what GitHub would call the account of a token, whose name the pretend GitLab writes in hexadecimal.
func calledBot(login string) string {
	name, err := hex.DecodeString(botName.FindStringSubmatch(login)[1])
	if err != nil {
		return login
	}
	return string(name) + "[bot]"
}

var quotedBot = regexp.MustCompile(`"[a-z-]+\[bot\]"`)

// spelt has a policy name the accounts of programs as the forge calls them.
func (r *playing) spelt(files map[string]pretend.File) {
	f, is := files[".sluice.yml"]
	if !is || r.where != "gitlab" {
		return
	}
	f.Text = quotedBot.ReplaceAllStringFunc(f.Text, func(login string) string { return strconv.Quote(r.forge.Login(strings.Trim(login, `"`))) })
	files[".sluice.yml"] = f
}

// withoutTeams leaves out the teams of whom a review is asked: GitLab asks people alone.
func withoutTeams(line string) string {
	at := askLine.FindString(line)
	people := slices.DeleteFunc(strings.Split(strings.TrimPrefix(line, at), ", "), func(who string) bool { return strings.Contains(who, "/") })
	if len(people) == 0 {
		return ""
	}
	return at + strings.Join(people, ", ")
}

func annotatedPlaces(want string) (places []string) {
	for line := range strings.Lines(want) {
		if m := annotation.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
			places = append(places, m[1])
		}
	}
	return places
}

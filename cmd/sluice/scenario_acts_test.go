package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/sluicegate/sluice/providers/pretend"
)

// stageFile is forge.yml: what there is before Sluice comes.
type stageFile struct {
	People  map[string]string            `yaml:"people"` // role on the repository by login; olga owns acme
	Teams   map[string][]string          `yaml:"teams"`  // members by slug
	Parents map[string]string            `yaml:"parents"`
	Files   map[string]pretend.File      `yaml:"files"` // beside those under main/
	Repos   map[string]map[string]string `yaml:"repos"` // further repositories: texts by path
	Tags    []pretend.Tag                `yaml:"tags"`
	Require []string                     `yaml:"require"` // checks that main and release require, pinned to the App; left out: sluice/gate
	Watch   []string                     `yaml:"watch"`   // branches and tags whose commits' checks are told
	Count   bool                         `yaml:"count"`   // tell how many calls each step cost
	Log     bool                         `yaml:"log"`     // tell warnings
	DryRun  bool                         `yaml:"dry-run"`
	Public  bool                         `yaml:"public"`   // the repository is shown to everybody
	Finds   bool                         `yaml:"findings"` // tell what is entered into the audit log as a finding or a policy
	Notices bool                         `yaml:"notices"`  // tell what is told outside of the forge
	// Summaries has the text below the titles of promotions' checks told.
	Summaries bool `yaml:"summaries"`

	Places []guarded `yaml:"environments"`

	Only map[string]string `yaml:"only"` // the one forge that it is about, and why no other shows it
}

func (s *stageFile) set(r *playing) {
	r.t.Helper()
	must := func(err error) {
		r.t.Helper()
		if err != nil {
			r.t.Fatalf("forge.yml: %v", err)
		}
	}
	must(strict([]byte(section(r.ar, "forge.yml")), s))
	f := r.forge
	f.Org("acme", "olga:admin")
	files := below(r.ar, "main")
	for path, file := range s.Files {
		files[path] = file
	}
	r.spelt(files)
	if r.trains() {
		files[".gitlab-ci.yml"] = pretend.File{Text: r.pipelines(s.Require)}
	}
	must(f.Repo(shop, !s.Public, files))
	if r.trains() {
		must(f.SettleProject(shop, pretend.ProjectSettings{Trains: true}))
	}
	if s.People == nil {
		s.People = map[string]string{"ana": "write", "bo": "write", "eve": "read"}
	}
	for _, login := range sorted(s.People) {
		must(f.Grant(shop, login, s.People[login]))
	}
	slugs := sorted(s.Teams)
	slices.SortStableFunc(slugs, func(a, b string) int { return len(s.Parents[a]) - len(s.Parents[b]) })
	for _, slug := range slugs {
		must(f.Team("acme/"+slug, s.Parents[slug], s.Teams[slug]...))
	}
	for _, name := range sorted(s.Repos) {
		must(f.Repo(r.floorOf(name), true, pretend.Texts(s.Repos[name])))
	}
	for _, t := range s.Tags {
		t.Repo = shop
		_, err := f.Tag(t)
		must(err)
	}
	if s.Require == nil {
		s.Require = []string{"sluice/gate"}
	}
	var required []pretend.Required
	for _, name := range s.Require {
		required = append(required, pretend.Required{Context: name, App: f.AppID()})
	}
	for _, branch := range []string{"main", "release"} {
		must(f.Protect(shop, branch, required...))
	}
	for _, p := range s.Places {
		must(f.Environment(p.at(shop)))
	}
	f.Install("acme")
	f.Forget()
	r.passed("0")
}

func sorted[T any](m map[string]T) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// strict reads YAML without unknown keys; nothing is fine.
func strict(raw []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && err != io.EOF {
		return err
	}
	return nil
}

// act is one thing that happens in a step.
type act struct {
	name string
	raw  []byte
	file txtar.File
}

// acts are those of a step: a mapping of one act, or a list of such mappings.
func (r *playing) acts(f txtar.File) []act {
	r.t.Helper()
	var list []map[string]yaml.Node
	var one map[string]yaml.Node
	if err := yaml.Unmarshal(f.Data, &list); err != nil {
		if err := yaml.Unmarshal(f.Data, &one); err != nil {
			r.t.Fatalf("%s: %v", f.Name, err)
		}
		list = []map[string]yaml.Node{one}
	}
	var acts []act
	for _, m := range list {
		if len(m) != 1 {
			r.t.Fatalf("%s: want one act in each item, got %v", f.Name, sorted(m))
		}
		for name, node := range m {
			raw, err := yaml.Marshal(&node)
			if err != nil {
				r.t.Fatal(err)
			}
			acts = append(acts, act{name, raw, f})
		}
	}
	return acts
}

// words are what acts may say. Each takes some of them; change is 1 and repo acme/shop when left out.
type words struct {
	pretend.PR `yaml:",inline"`
	Change     int                     `yaml:"change"`
	Files      map[string]pretend.File `yaml:"files"`
	Remove     []string                `yaml:"remove"`
	Count      int                     `yaml:"count"` // so many files more, under many/
	Big        map[string]int          `yaml:"big"`   // so many MB of old entries below a file's text
	Times      int                     `yaml:"times"` // so many commits more after the first
	Only       []string                `yaml:"only"`  // the repositories that the App is installed on; left out: all
	Message    string                  `yaml:"message"`
	Author     *pretend.Signature      `yaml:"author"`
	Committer  *pretend.Signature      `yaml:"committer"`
	Force      bool                    `yaml:"force"`
	Name       string                  `yaml:"name"`
	State      string                  `yaml:"state"`
	Commit     string                  `yaml:"commit"` // a branch, a tag, or the number of a step: the head after it
	App        string                  `yaml:"app"`
	Whose      string                  `yaml:"whose"`
	Squash     bool                    `yaml:"squash"`
	At         string                  `yaml:"at"`
	Signed     bool                    `yaml:"signed"`
	Reason     string                  `yaml:"reason"`
	Quiet      bool                    `yaml:"quiet"`
	To         string                  `yaml:"to"`
	Email      string                  `yaml:"email"`
	Members    []string                `yaml:"members"`
	Parent     string                  `yaml:"parent"`
	Private    bool                    `yaml:"private"`
	Retitle    *string                 `yaml:"retitle"`
	Retarget   *string                 `yaml:"retarget"`
	Describe   *string                 `yaml:"describe"`
}

func (r *playing) act(a act) error {
	switch a.name {
	case "wait":
		return r.wait(a)
	case "meanwhile": // once the forge has computed its next answer to a query, and before anybody reads it
		inner := r.acts(txtar.File{Name: a.file.Name, Data: a.raw})
		r.meanwhile.Store(&inner)
		return nil
	case "fail":
		return r.fail(a)
	case "limits":
		var l pretend.Limits
		if err := strict(a.raw, &l); err != nil {
			return err
		}
		if r.where == "gitlab" { // which has no points, and counts by the minute
			l.Core, l.GraphQL = max(l.Core, l.GraphQL), 0
		}
		r.forge.SetLimits(l)
		return nil
	case "deliver":
		return r.deliver(a)
	case "request":
		return r.request(a)
	case "grant":
		var roles map[string]string
		if err := strict(a.raw, &roles); err != nil {
			return err
		}
		for _, login := range sorted(roles) {
			if err := r.forge.Grant(shop, login, roles[login]); err != nil {
				return err
			}
		}
		return nil
	}
	if err, known := r.onEnvironment(a); known {
		return err
	}
	var w words
	if err := strict(a.raw, &w); err != nil {
		return err
	}
	w.Repo, w.Change = r.floorOf(or(w.Repo, shop)), max(w.Change, 1)
	if err, known := r.onChange(a, w); known {
		return err
	}
	return r.atForge(a, w)
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// written are the commits of an act: those it lists, or one of its files, of those that lie in the step's folder.
func (r *playing) written(a act, w words) []pretend.Commit {
	if w.Commits != nil {
		return w.Commits
	}
	files := w.Files
	if files == nil {
		files = below(r.ar, strings.TrimSuffix(a.file.Name, ".yml"))
	}
	for i := range w.Count {
		files[fmt.Sprintf("many/%04d.txt", i)] = pretend.File{Text: "x\n"}
	}
	for path, mb := range w.Big {
		const line = "- An older thing that was done for somebody, once upon a time.\n"
		files[path] = pretend.File{Text: files[path].Text + strings.Repeat(line, mb<<20/len(line))}
	}
	for _, path := range w.Remove {
		files[path] = pretend.File{Gone: true}
	}
	commits := []pretend.Commit{{Message: w.Message, Files: files, Author: w.Author, Committer: w.Committer}}
	for i := range w.Times {
		commits = append(commits, pretend.Commit{Message: fmt.Sprintf("again %d", i), Author: w.Author, Committer: w.Committer,
			Files: pretend.Texts(map[string]string{"again.txt": fmt.Sprintln(i)})})
	}
	return commits
}

// said is the text of a comment: its body, or the file comment.md in the step's folder, with \u{…} for what an editor hides.
func (r *playing) said(a act, w words) string {
	text := w.Body
	if text == "" {
		text = below(r.ar, strings.TrimSuffix(a.file.Name, ".yml"))["comment.md"].Text
	}
	if w.Times > 0 {
		text = strings.Repeat(text+"\n", w.Times)
	}
	return hiddenRune.ReplaceAllStringFunc(text, func(m string) string {
		n, err := strconv.ParseUint(m[3:len(m)-1], 16, 32)
		if err != nil {
			return m
		}
		return string(rune(n))
	})
}

var hiddenRune = regexp.MustCompile(`\\u\{[0-9a-f]+\}`)

// at is the commit that a word names.
func (r *playing) at(name string) string {
	if c, ok := r.heads[name]; ok {
		return c
	}
	return name
}

// onChange are the acts on a change.
func (r *playing) onChange(a act, w words) (err error, known bool) {
	f := r.forge
	switch a.name {
	case "open":
		w.PR.Commits = r.written(a, w)
		_, err = f.Open(w.PR)
	case "edit":
		err = f.Edit(w.Repo, w.Change, w.By, pretend.Edit{Title: w.Retitle, Body: w.Describe, Base: w.Retarget})
	case "label":
		err = f.Label(w.Repo, w.Change, w.By, w.Name)
	case "unlabel":
		err = f.Unlabel(w.Repo, w.Change, w.By, w.Name)
	case "review":
		_, err = f.Review(w.Repo, w.Change, w.By, w.State, r.at(w.Commit))
	case "dismiss":
		err = f.Dismiss(w.Repo, w.Change, w.By, w.Whose)
	case "edit-review":
		err = f.EditReview(w.Repo, w.Change, w.By, w.Message)
	case "draft", "ready":
		err = f.SetDraft(w.Repo, w.Change, w.By, a.name == "draft")
	case "close":
		err = f.Close(w.Repo, w.Change, w.By)
	case "reopen":
		err = f.Reopen(w.Repo, w.Change, w.By)
	case "merge":
		_, err = f.Merge(w.Repo, w.Change, w.By, w.Squash)
	case "enqueue":
		if err = r.boards(w); err != nil {
			return err, true
		}
		err = f.Enqueue(w.Repo, w.Change, w.By)
	case "dequeue":
		err = f.Dequeue(w.Repo, w.Change, w.By)
	case "rerun":
		if r.where == "gitlab" { // nobody can ask there; what was to be found out is looked at with the next sweep
			return r.sweep(), true
		}
		err = f.Rerequest(w.Repo, w.Change, w.By, w.Name)
	case "comment":
		body := r.said(a, w)
		if w.Commit != "" {
			return r.onCommit(w, body), true
		}
		if w.App != "" {
			_, err = f.CommentBy(w.Repo, w.Change, w.App, w.By, body)
		} else {
			_, err = f.Comment(w.Repo, w.Change, w.By, body)
		}
	case "edit-comment":
		if w.Commit != "" {
			return f.EditCommentOn(w.Repo, r.at(w.Commit), w.Whose, w.By, r.said(a, w)), true
		}
		err = f.EditComment(w.Repo, w.Change, w.Whose, w.By, r.said(a, w))
	case "issue":
		err = f.Issue(w.Repo, w.By, r.said(a, w))
	case "press":
		err = f.Press(w.Repo, w.Change, w.By, w.Name, or(w.State, "override"))
	case "report":
		err = f.Report(pretend.Report{Repo: w.Repo, Commit: or(r.at(w.Commit), r.head(w.Change)),
			Name: w.Name, State: w.State, Title: w.Title, App: w.App, By: w.By})
	default:
		return nil, false
	}
	return err, true
}

// atForge are the other acts at the forge, and what befalls the server.
func (r *playing) atForge(a act, w words) error {
	f := r.forge
	switch a.name {
	case "push":
		_, err := f.Push(pretend.Push{Repo: w.Repo, Branch: w.Branch, By: w.By, Commits: r.written(a, w), From: r.at(w.From), Force: w.Force})
		return err
	case "unbranch":
		return f.Unbranch(w.Repo, w.Branch, w.By)
	case "tag":
		_, err := f.Tag(pretend.Tag{Repo: w.Repo, Name: w.Name, At: r.at(w.At), By: w.By, Message: w.Message, Signed: w.Signed, Reason: w.Reason, Quiet: w.Quiet})
		return err
	case "untag":
		return f.Untag(w.Repo, w.Name, w.By)
	case "team":
		return f.Team("acme/"+w.Name, w.Parent, w.Members...)
	case "repo":
		return f.Repo(w.Name, w.Private, r.written(a, w)[0].Files)
	case "drop":
		return f.Drop(w.Repo)
	case "rename":
		return f.Rename(w.Name, w.To)
	case "move":
		return f.Move(w.Repo, w.To)
	case "delete":
		f.Delete(w.Name)
	case "describe":
		f.Describe(w.Name, w.Title, w.Email)
	case "uninstall":
		f.Uninstall("acme")
	case "install":
		f.Install("acme", w.Only...)
	case "suspend", "unsuspend":
		f.Suspend("acme", a.name == "suspend")
	case "permit":
		f.Permit("acme", w.Name, w.State)
	case "forget": // what was to be told is never told
		f.Forget()
	case "heal":
		f.Heal()
	case "expire":
		f.ExpireTokens()
	case "sweep":
		return r.sweep()
	case "restart":
		r.stop()
		r.start()
	case "redeliver":
		return r.redeliver()
	default:
		return fmt.Errorf("there is no such act")
	}
	return nil
}

func (r *playing) wait(a act) error {
	var s string
	if err := strict(a.raw, &s); err != nil {
		return err
	}
	d, err := time.ParseDuration(s)
	r.clock.move(r.clock.now().Add(d))
	return err
}

// fail breaks the next calls to the forge.
func (r *playing) fail(a act) error {
	var in struct {
		Route      string        `yaml:"route"`
		Count      int           `yaml:"count"`
		Skip       int           `yaml:"skip"`
		Behind     string        `yaml:"behind"` // begins once this route was called
		Status     int           `yaml:"status"`
		Body       string        `yaml:"body"`
		BodyGitLab string        `yaml:"body-gitlab"` // the same, as GitLab would say it
		Reset      bool          `yaml:"reset"`
		Cut        bool          `yaml:"cut"`
		After      bool          `yaml:"after"`
		Second     bool          `yaml:"secondary"`
		RetryAfter string        `yaml:"retry-after"`
		Delay      time.Duration `yaml:"delay"`
	}
	if err := strict(a.raw, &in); err != nil {
		return err
	}
	for _, route := range []*string{&in.Route, &in.Behind} {
		for _, word := range r.theirs(*route) {
			*route = word
		}
	}
	if r.where == "gitlab" && in.BodyGitLab != "" {
		in.Body = in.BodyGitLab
	}
	x := pretend.Fault{Route: in.Route, Count: in.Count, Skip: in.Skip, Behind: in.Behind, Status: in.Status, Body: in.Body, Reset: in.Reset, Cut: in.Cut,
		After: in.After, Second: in.Second, Delay: in.Delay}
	if in.RetryAfter != "" {
		x.Header = http.Header{"Retry-After": {in.RetryAfter}}
	}
	r.forge.Fail(x)
	return nil
}

// deliver says how this step's webhooks are delivered.
func (r *playing) deliver(a act) error {
	var in struct {
		Copies  int      `yaml:"copies"`
		Anew    bool     `yaml:"anew"`
		Shuffle uint64   `yaml:"shuffle"`
		Drop    []string `yaml:"drop"` // "pull_request", "pull_request.opened", or all
	}
	if err := strict(a.raw, &in); err != nil {
		return err
	}
	r.order = pretend.Order{Copies: in.Copies, Anew: in.Anew, Shuffle: in.Shuffle}
	if in.Drop != nil {
		var drop []string
		for _, word := range in.Drop {
			drop = append(drop, r.theirs(word)...)
		}
		in.Drop = drop
		r.order.Drop = func(d *pretend.Delivery) bool {
			return slices.Contains(in.Drop, "all") || slices.Contains(in.Drop, d.Event) || slices.Contains(in.Drop, d.Event+"."+d.Action)
		}
	}
	return nil
}

// redeliver sends all of the forge's log once more.
func (r *playing) redeliver() error {
	answers := map[int]int{}
	for _, d := range r.forge.Deliveries() {
		again, err := r.forge.Redeliver(r.t.Context(), d.ID)
		if err != nil {
			return err
		}
		answers[again.Status]++
	}
	for _, status := range sortedInts(answers) {
		r.notes = append(r.notes, fmt.Sprintf("%d redeliveries answered %d", answers[status], status))
	}
	return nil
}

// request sends something that no forge would, and notes the answer.
func (r *playing) request(a act) error {
	var in struct {
		Method  string            `yaml:"method"`
		Event   string            `yaml:"event"`
		Body    string            `yaml:"body"`
		Repeat  int               `yaml:"repeat"` // the body so many times
		Headers map[string]string `yaml:"headers"`
	}
	if err := strict(a.raw, &in); err != nil {
		return err
	}
	body := []byte(strings.Repeat(strings.ReplaceAll(in.Body, "FORGE", r.url), max(in.Repeat, 1)))
	req, err := r.forge.Request(r.t.Context(), r.hook.URL+"/webhook/"+r.where, &pretend.Delivery{GUID: fmt.Sprintf("00000000-0000-4000-8000-%012d", len(r.out.String())+len(r.notes)),
		Event: in.Event, Body: body})
	if err != nil {
		return err
	}
	req.Method = or(in.Method, http.MethodPost)
	for name, value := range in.Headers {
		if req.Header.Del(name); value != "" {
			req.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	r.notes = append(r.notes, fmt.Sprintf("answered %d %s", resp.StatusCode, strings.ReplaceAll(strings.TrimSpace(string(said)), r.url, "FORGE")))
	return err
}

package pretend

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// Run is a check run.
type Run struct {
	ID                       int64
	Repo                     *Repo
	App                      *App
	Commit                   *commit
	Name, Status, Conclusion string // as REST says them: completed, in_progress, queued; success, failure, …
	Title, Summary, Text     string
	DetailsURL, ExternalID   string
	Started, Completed       time.Time
	Annotations              []Annotation
	Actions                  []any
	suite                    *suite
	updates                  int
}

// Annotation is a remark of a check run beside lines of a file.
type Annotation struct {
	Path, Level, Message, Title string
	Start, End                  int
}

type suite struct {
	id     int64
	app    *App
	commit *commit
	repo   *Repo
}

type status struct {
	id                               int64
	context, state, description, url string
	by                               *User
	at                               time.Time
}

// Required is a check that a branch asks for; App 0 takes it from anybody.
type Required struct {
	Context string `yaml:"context"`
	App     int64  `yaml:"app"`
}

// Shown is what people see under one name on a commit.
type Shown struct {
	Name, State, Title, Summary string // State: a conclusion, or the status while there is none
	App, URL, ExternalID        string
	Annotations                 []Annotation
}

// suite is the App's on a commit; the first one is told of.
func (f *Forge) suite(r *Repo, c *commit, app *App) *suite {
	for _, s := range r.suites {
		if s.commit == c && s.app == app {
			return s
		}
	}
	s := &suite{id: f.id(), app: app, commit: c, repo: r}
	r.suites = append(r.suites, s)
	f.keep(s.id, s)
	if app == f.app {
		f.emitSuite(s, "requested", app.Bot)
	}
	return s
}

func conclusion(s string) bool {
	return slices.Contains([]string{"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"}, s)
}

func phase(s string) bool {
	return slices.Contains([]string{"queued", "in_progress", "completed", "waiting", "requested", "pending"}, s)
}

// setRun writes what a request says into a run. Problems are GitHub's, in its words.
func (f *Forge) setRun(run *Run, in runInput) error {
	if in.Name != nil {
		run.Name = *in.Name
	}
	if in.Status != nil {
		if !phase(*in.Status) {
			return fmt.Errorf("status %q is not one of the statuses", *in.Status)
		}
		run.Status = *in.Status
		if run.Status != "completed" {
			run.Conclusion, run.Completed = "", time.Time{}
		}
	}
	if in.Conclusion != nil {
		if !conclusion(*in.Conclusion) {
			return fmt.Errorf("conclusion %q is not one of the conclusions", *in.Conclusion)
		}
		run.Conclusion, run.Status, run.Completed = *in.Conclusion, "completed", f.at()
	}
	if run.Status == "completed" && run.Conclusion == "" {
		return fmt.Errorf("a completed run needs a conclusion")
	}
	if strings.TrimSpace(run.Name) == "" {
		return fmt.Errorf("name is missing")
	}
	if in.DetailsURL != nil {
		run.DetailsURL = *in.DetailsURL
	}
	if in.ExternalID != nil {
		run.ExternalID = *in.ExternalID
	}
	if in.Actions != nil {
		if len(in.Actions) > 3 {
			return fmt.Errorf("only 3 actions are allowed")
		}
		run.Actions = in.Actions
	}
	return run.output(in.Output)
}

func (run *Run) output(o *runOutput) error {
	if o == nil {
		return nil
	}
	if o.Title == "" || o.Summary == "" {
		return fmt.Errorf("output needs a title and a summary")
	}
	if len([]rune(o.Summary)) > 65535 || len([]rune(o.Text)) > 65535 {
		return fmt.Errorf("summary and text are too long (maximum is 65535 characters)")
	}
	if len(o.Annotations) > 50 {
		return fmt.Errorf("no more than 50 annotations are allowed at a time")
	}
	for _, a := range o.Annotations {
		if a.Path == "" || a.Message == "" || a.Start < 1 || a.End < a.Start ||
			!slices.Contains([]string{"notice", "warning", "failure"}, a.Level) {
			return fmt.Errorf("annotation %+v is invalid", a)
		}
	}
	run.Title, run.Summary, run.Text = o.Title, o.Summary, o.Text
	run.Annotations = append(run.Annotations, o.Annotations...)
	return nil
}

// runInput is what a request may say of a run; nil: nothing.
type runInput struct {
	Name, HeadSHA, Status, Conclusion, DetailsURL, ExternalID *string
	Output                                                    *runOutput
	Actions                                                   []any
}

type runOutput struct {
	Title, Summary, Text string
	Annotations          []Annotation
}

// createRun makes a run of an App on a commit.
func (f *Forge) createRun(r *Repo, app *App, c *commit, in runInput) (*Run, error) {
	run := &Run{Repo: r, App: app, Commit: c, Status: "queued", Started: f.at()}
	if err := f.setRun(run, in); err != nil {
		return nil, err
	}
	run.ID, run.suite = f.id(), f.suite(r, c, app)
	r.runs = append(r.runs, run)
	f.keep(run.ID, run)
	f.emitRun(run, "created", app.Bot)
	if run.Status == "completed" {
		f.emitRun(run, "completed", app.Bot)
	}
	f.advance(r)
	return run, nil
}

// updateRun changes a run of one's own.
func (f *Forge) updateRun(run *Run, in runInput) error {
	was, next := run.Status, *run
	if err := f.setRun(&next, in); err != nil {
		return err
	}
	*run = next
	run.updates++
	if was != "completed" && run.Status == "completed" {
		f.emitRun(run, "completed", run.App.Bot)
	}
	f.advance(run.Repo)
	return nil
}

// latest are the newest runs on a commit, one per App and name, by id.
func (r *Repo) latest(c *commit) []*Run {
	type key struct {
		app  *App
		name string
	}
	newest := map[key]*Run{}
	for _, run := range r.runs {
		if run.Commit == c {
			newest[key{run.App, run.Name}] = run
		}
	}
	var list []*Run
	for _, run := range newest {
		list = append(list, run)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// contexts are the newest statuses on a commit, one per name in any case, newest first.
func (r *Repo) contexts(c *commit) []*status {
	var list []*status
	seen := map[string]bool{}
	for _, s := range slices.Backward(r.statuses[c.id]) {
		if !seen[fold(s.context)] {
			seen[fold(s.context)] = true
			list = append(list, s)
		}
	}
	return list
}

// Shown lists what the App shows on the head of a pull request, by name.
func (f *Forge) Shown(repo string, n int) []Shown {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, err := f.pull(repo, n)
	if err != nil {
		return nil
	}
	if f.lab != nil {
		return f.lab.shownOnChange(p)
	}
	return p.Repo.shown(p.head, f.app)
}

// ShownOn is Shown of any commit.
func (f *Forge) ShownOn(repo, commit string) []Shown {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return nil
	}
	c := r.resolve(commit)
	if f.lab != nil {
		return f.lab.shownOnCommit(r, c)
	}
	return r.shown(c, f.app)
}

func (r *Repo) shown(c *commit, app *App) []Shown {
	var list []Shown
	for _, run := range r.latest(c) {
		if run.App == app {
			list = append(list, Shown{Name: run.Name, State: or(run.Conclusion, run.Status), Title: run.Title, Summary: run.Summary,
				App: app.Slug, URL: run.DetailsURL, ExternalID: run.ExternalID, Annotations: slices.Clone(run.Annotations)})
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

// Doubled are the names under which the App made more than one check run on a commit, sorted.
func (f *Forge) Doubled(repo, commit string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return nil
	}
	c, times := r.resolve(commit), map[string]int{}
	if f.lab != nil {
		return f.lab.strays(r, c)
	}
	for _, run := range r.runs {
		if run.App == f.app && run.Commit == c {
			times[run.Name]++
		}
	}
	return slices.DeleteFunc(sortedLogins(times), func(n string) bool { return times[n] < 2 })
}

// Report is what somebody else posts: a check run of another App, or, by a person, a status.
type Report struct {
	Repo   string `yaml:"repo"`
	Commit string `yaml:"commit"` // a branch, tag or id
	Name   string `yaml:"name"`
	State  string `yaml:"state"` // of a status: success, failure, error, pending; of a run also neutral, skipped, …
	Title  string `yaml:"title"`
	App    string `yaml:"app"` // slug of another App; "": a status by By
	By     string `yaml:"by"`
	Ends   bool   `yaml:"ends"` // the App's run of that name that is under way comes to that state; a GitLab does so by itself
}

// Report posts it.
func (f *Forge) Report(p Report) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(p.Repo)
	if err != nil {
		return err
	}
	c := r.resolve(p.Commit)
	if c == nil {
		return fmt.Errorf("report on %q: %w", p.Commit, ErrUnknown)
	}
	if f.lab != nil {
		f.begins()
		who, _ := f.actor(r, p.By, p.App)
		return f.lab.report(r, c, who, p)
	}
	if p.App == "" {
		return f.status(r, c, f.user(or(p.By, r.Owner.Login), ""), p.Name, p.State, p.Title, "")
	}
	in := runInput{Name: &p.Name, Conclusion: &p.State, Output: &runOutput{Title: or(p.Title, p.State), Summary: or(p.Title, p.State)}}
	if phase(p.State) {
		in.Status, in.Conclusion = &p.State, nil
	}
	if p.Ends {
		for _, run := range r.latest(c) {
			if run.App == f.other(p.App) && run.Name == p.Name && run.Status != "completed" {
				return f.updateRun(run, in)
			}
		}
		return fmt.Errorf("end %q: %w", p.Name, ErrUnknown)
	}
	_, err = f.createRun(r, f.other(p.App), c, in)
	return err
}

// other is an App that is not under test.
func (f *Forge) other(slug string) *App {
	if f.others[slug] == nil {
		f.others[slug] = &App{ID: f.id(), Slug: slug, Name: slug, Bot: f.user(slug+"[bot]", "Bot")}
	}
	return f.others[slug]
}

func (f *Forge) status(r *Repo, c *commit, by *User, context, state, description, url string) error {
	if !slices.Contains([]string{"error", "failure", "pending", "success"}, state) || len([]rune(description)) > 140 {
		return fmt.Errorf("status %q: %w", state, ErrRefused)
	}
	s := &status{id: f.id(), context: or(context, "default"), state: state, description: description, url: url, by: by, at: f.at()}
	r.statuses[c.id] = append(r.statuses[c.id], s)
	f.emitStatus(r, c, s)
	f.advance(r)
	return nil
}

// Rerequest presses Re-run on a check of the App on a pull request's head, or, with no name, on all of them.
func (f *Forge) Rerequest(repo string, n int, by, name string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error {
		for _, run := range p.Repo.latest(p.head) {
			if run.App != f.app {
				continue
			}
			if name == "" {
				f.emitSuite(run.suite, "rerequested", who)
				return nil
			}
			if run.Name == name {
				f.emitRun(run, "rerequested", who)
				return nil
			}
		}
		return fmt.Errorf("check %q: %w", name, ErrUnknown)
	})
}

// Mergeable says whether the forge would let the pull request be merged, and if not, why.
func (f *Forge) Mergeable(repo string, n int) (bool, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, err := f.pull(repo, n)
	if err != nil {
		return false, err.Error()
	}
	why := f.blocked(p)
	return why == "", why
}

func (f *Forge) blocked(p *Pull) string {
	if f.lab != nil {
		return f.lab.blocked(p)
	}
	switch {
	case p.Closed:
		return "it is closed"
	case p.Draft:
		return "it is a draft"
	}
	for _, want := range p.Repo.required[p.baseRef] {
		if state := p.Repo.stateOf(p.head, want); state == "" {
			return "required check " + want.Context + " has not reported"
		} else if !slices.Contains([]string{"success", "skipped", "neutral"}, state) {
			return "required check " + want.Context + " is " + state
		}
	}
	return ""
}

// stateOf is the worst of what stands under a required name, check runs and statuses alike; "" when nothing does.
func (r *Repo) stateOf(c *commit, want Required) string {
	found := ""
	see := func(state string) {
		if found == "" || slices.Contains([]string{"success", "skipped", "neutral"}, found) {
			found = state
		}
	}
	for _, run := range r.latest(c) {
		if run.Name == want.Context && (want.App == 0 || run.App.ID == want.App) {
			see(or(run.Conclusion, run.Status))
		}
	}
	for _, s := range r.contexts(c) {
		if fold(s.context) == fold(want.Context) && want.App == 0 {
			see(s.state)
		}
	}
	return found
}

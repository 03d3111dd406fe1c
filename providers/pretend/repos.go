package pretend

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// obj is a JSON object.
type obj = map[string]any

// Repo is a repository.
type Repo struct {
	ID       int64
	Name     string // acme/shop
	Owner    *User
	Private  bool
	Archived bool
	Default  string // branch
	Created  time.Time

	parent   *Repo // of a fork
	objects  *objects
	branches map[string]*commit
	tags     map[string]ref
	roles    map[*User]string
	pulls    []*Pull // by number, from 1
	runs     []*Run
	suites   []*suite
	statuses map[string][]*status // by commit
	required map[string][]Required
	queues   map[string][]*queued // by target branch
	built    []*queued            // all that ever were
	comments []*comment
	releases []*Release

	deployments  []*deployment           // oldest first
	environments map[string]*environment // by name in lower case
	workflows    []*workflowRun          // oldest first
}

// ref is what a tag's name points to: a commit, by way of an annotated tag or not.
type ref struct {
	tag    *tag
	commit *commit
}

// File is what a commit writes at one path. In YAML also a plain string: its text.
type File struct {
	Text string `yaml:"text"`
	Mode string `yaml:"mode"` // ModeFile when empty; of a submodule Text is the commit
	Gone bool   `yaml:"gone"`
}

// UnmarshalYAML reads both forms.
func (f *File) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&f.Text)
	}
	type whole File
	return n.Decode((*whole)(f))
}

// Texts makes files of plain texts.
func Texts(texts map[string]string) map[string]File {
	files := map[string]File{}
	for p, t := range texts {
		files[p] = File{Text: t}
	}
	return files
}

// Commit is one commit that somebody pushes.
type Commit struct {
	Message   string          `yaml:"message"`
	Files     map[string]File `yaml:"files"`
	Author    *Signature      `yaml:"author"`    // nil: whoever pushes
	Committer *Signature      `yaml:"committer"` // nil: the author
}

// Push is one push to a branch.
type Push struct {
	Repo    string   `yaml:"repo"`
	Branch  string   `yaml:"branch"`
	By      string   `yaml:"by"`
	Commits []Commit `yaml:"commits"`
	From    string   `yaml:"from"`  // where the first commit goes on top of, when not the branch's tip: a branch, tag or commit
	Force   bool     `yaml:"force"` // From may leave commits behind
}

func (r *Repo) short() string { return r.Name[strings.IndexByte(r.Name, '/')+1:] }

func (f *Forge) repo(name string) (*Repo, error) {
	if r := f.repos[fold(name)]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("repository %q: %w", name, ErrUnknown)
}

// Repo makes a repository with one commit by its owner. An owner that is new is made an organisation.
func (f *Forge) Repo(name string, private bool, files map[string]File) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	owner, _, ok := cut(name)
	if !ok || f.repos[fold(name)] != nil {
		return fmt.Errorf("repository %q: %w", name, ErrRefused)
	}
	if f.users[fold(owner)] == nil {
		f.org(owner)
	}
	r := f.newRepo(name, newObjects())
	r.Private = private
	by := f.signature(r.Owner)
	r.branches["main"] = r.objects.commit(r.objects.edit(nil, files), nil, "Begin", by, by)
	return nil
}

func (f *Forge) newRepo(name string, o *objects) *Repo {
	owner, _, _ := cut(name)
	r := &Repo{ID: f.id(), Name: name, Owner: f.user(owner, ""), Default: "main", Created: f.at(), objects: o,
		branches: map[string]*commit{}, tags: map[string]ref{}, roles: map[*User]string{},
		statuses: map[string][]*status{}, required: map[string][]Required{}, queues: map[string][]*queued{},
		environments: map[string]*environment{}}
	f.repos[fold(name)] = r
	f.keep(r.ID, r)
	return r
}

// Fork copies a repository to another owner: "ana/shop". Once made it stays.
func (f *Forge) Fork(repo, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := f.fork(repo, name)
	return err
}

func (f *Forge) fork(repo, name string) (*Repo, error) {
	r, err := f.repo(repo)
	if err != nil {
		return nil, err
	}
	if old := f.repos[fold(name)]; old != nil {
		return old, nil
	}
	if _, _, ok := cut(name); !ok {
		return nil, fmt.Errorf("fork %q: %w", name, ErrRefused)
	}
	to := f.newRepo(name, r.objects)
	to.parent, to.Private, to.Default = r, r.Private, r.Default
	to.branches[r.Default] = r.branches[r.Default]
	return to, nil
}

// Drop deletes a repository. Pull requests from it stay, without a head repository.
func (f *Forge) Drop(repo string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	delete(f.repos, fold(repo))
	delete(f.byID, r.ID)
	return nil
}

// Move renames a repository, or gives it to another owner. The old name no longer leads anywhere.
func (f *Forge) Move(repo, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	owner, _, ok := cut(to)
	if !ok || f.repos[fold(to)] != nil {
		return fmt.Errorf("move %s to %q: %w", repo, to, ErrRefused)
	}
	delete(f.repos, fold(repo))
	r.Name, r.Owner = to, f.user(owner, "")
	f.repos[fold(to)] = r
	return nil
}

func (f *Forge) signature(u *User) Signature {
	return Signature{Name: u.Name, Email: f.mailOf(u), At: f.at()}
}

// author is the account that a mail address in a commit belongs to, or nil.
func (f *Forge) author(s Signature) *User {
	login, _ := strings.CutSuffix(s.Email, "@users.noreply.github.com")
	if login != s.Email {
		if _, after, ok := strings.Cut(login, "+"); ok {
			login = after
		}
		return f.users[fold(login)]
	}
	var found *User
	for _, u := range f.users {
		if s.Email != "" && fold(u.Email) == fold(s.Email) && (found == nil || u.ID < found.ID) {
			found = u
		}
	}
	return found
}

// resolve finds the commit of a branch, a tag, "refs/pull/N/head", or an id (abbreviated to seven digits or more).
func (r *Repo) resolve(name string) *commit {
	name = strings.TrimPrefix(name, "refs/heads/")
	if c := r.branches[name]; c != nil {
		return c
	}
	if t, ok := r.tags[strings.TrimPrefix(name, "refs/tags/")]; ok {
		return t.commit
	}
	var n int
	if k, _ := fmt.Sscanf(strings.Replace(name, "refs/merge-requests/", "refs/pull/", 1), "refs/pull/%d/head", &n); k == 1 && n > 0 && n <= len(r.pulls) {
		return r.pulls[n-1].head
	}
	if c := r.objects.commits[name]; c != nil || len(name) < 7 {
		return c
	}
	if t := r.objects.tags[name]; t != nil {
		return t.target
	}
	var found *commit
	for id, c := range r.objects.commits {
		if strings.HasPrefix(id, name) {
			if found != nil {
				return nil // it is ambiguous
			}
			found = c
		}
	}
	return found
}

// Head is the commit that a branch or tag points to, or "".
func (f *Forge) Head(repo, name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, err := f.repo(repo); err == nil {
		if c := r.resolve(name); c != nil {
			return c.id
		}
	}
	return ""
}

// Push puts commits on a branch, makes it when it is new, and tells of it. It returns the new tip.
func (f *Forge) Push(p Push) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begins()
	r, err := f.repo(p.Repo)
	if err != nil {
		return "", err
	}
	c, err := f.push(r, p)
	if err != nil {
		return "", fmt.Errorf("push to %s: %w", p.Repo, err)
	}
	return c.id, nil
}

func (f *Forge) push(r *Repo, p Push) (*commit, error) {
	branch := or(p.Branch, r.Default)
	before := r.branches[branch]
	tip := before
	if p.From != "" {
		if tip = r.resolve(p.From); tip == nil {
			return nil, fmt.Errorf("from %q: %w", p.From, ErrUnknown)
		}
	} else if tip == nil {
		tip = r.branches[r.Default]
	}
	by := f.user(or(p.By, r.Owner.Login), "")
	for i, c := range p.Commits {
		tip = f.write(r, tip, c, by, i)
	}
	if before == tip {
		return tip, nil
	}
	forced := before != nil && !ancestors(tip)[before]
	if forced && !p.Force {
		return nil, fmt.Errorf("branch %s would lose commits: %w", branch, ErrRefused)
	}
	r.branches[branch] = tip
	f.moved(r, "refs/heads/"+branch, before, tip, by)
	f.follow(r, branch, before, tip, by, forced)
	f.outrun(r, branch)
	return tip, nil
}

// write makes one commit on top of tip.
func (f *Forge) write(r *Repo, tip *commit, c Commit, by *User, n int) *commit {
	author := f.signature(by)
	author.At = author.At.Add(time.Duration(n) * time.Second) // commits of one push are in order
	if c.Author != nil {
		author = f.complete(*c.Author, author.At)
	}
	committer := author
	if c.Committer != nil {
		committer = f.complete(*c.Committer, author.At)
	}
	var parents []*commit
	var t *tree
	if tip != nil {
		parents, t = []*commit{tip}, tip.tree
	}
	if len(c.Files) > 0 || t == nil {
		t = r.objects.edit(t, c.Files)
	}
	return r.objects.commit(t, parents, or(c.Message, "Change "+strings.Join(paths(c.Files), ", ")), author, committer)
}

func (f *Forge) complete(s Signature, at time.Time) Signature {
	if u := f.users[fold(s.Name)]; u != nil && s.Email == "" {
		s.Name, s.Email = u.Name, u.Email
	}
	if s.At.IsZero() {
		s.At = at
	}
	return s
}

func paths(files map[string]File) []string {
	var list []string
	for p := range files {
		list = append(list, p)
	}
	sort.Strings(list)
	return list
}

// Unbranch deletes a branch. Open pull requests from it are closed, as the forge does.
func (f *Forge) Unbranch(repo, branch, by string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begins()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	before := r.branches[branch]
	if before == nil {
		return fmt.Errorf("branch %q: %w", branch, ErrUnknown)
	}
	delete(r.branches, branch)
	who := f.user(or(by, r.Owner.Login), "")
	f.moved(r, "refs/heads/"+branch, before, nil, who)
	for _, p := range f.pullsFrom(r, branch) {
		f.shut(p, who)
	}
	return nil
}

// Tag makes or moves a tag; with a message it is annotated.
type Tag struct {
	Repo    string `yaml:"repo"`
	Name    string `yaml:"name"`
	At      string `yaml:"at"` // a branch or commit; "": the default branch
	By      string `yaml:"by"`
	Message string `yaml:"message"`
	Signed  bool   `yaml:"signed"`
	Reason  string `yaml:"reason"` // why the signature is not verified: "unknown_key"
	Quiet   bool   `yaml:"quiet"`  // no webhooks, as after more than three tags in one push
}

// Tag puts a tag on a commit and tells of it. It returns the commit.
func (f *Forge) Tag(t Tag) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begins()
	r, err := f.repo(t.Repo)
	if err != nil {
		return "", err
	}
	c := r.resolve(or(t.At, r.Default))
	if c == nil || t.Name == "" {
		return "", fmt.Errorf("tag %q at %q: %w", t.Name, t.At, ErrUnknown)
	}
	by := f.user(or(t.By, r.Owner.Login), "")
	before := r.tags[t.Name]
	now := ref{commit: c}
	if t.Message != "" {
		now.tag = r.objects.annotate(t.Name, t.Message, c, f.signature(by), t.Signed, or(t.Reason, "unsigned"))
	}
	r.tags[t.Name] = now
	if !t.Quiet {
		f.moved(r, "refs/tags/"+t.Name, before.target(), now.target(), by)
	}
	return c.id, nil
}

// Untag deletes a tag.
func (f *Forge) Untag(repo, name, by string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begins()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	before, ok := r.tags[name]
	if !ok {
		return fmt.Errorf("tag %q: %w", name, ErrUnknown)
	}
	delete(r.tags, name)
	f.moved(r, "refs/tags/"+name, before.target(), nil, f.user(or(by, r.Owner.Login), ""))
	return nil
}

// named is something with an id that a ref can point to.
type named interface{ oid() string }

func (c *commit) oid() string { return c.id }
func (t *tag) oid() string    { return t.id }

func (r ref) target() named {
	switch {
	case r.tag != nil:
		return r.tag
	case r.commit != nil:
		return r.commit
	}
	return nil
}

// Protect says which checks a branch requires before anything is merged into it.
func (f *Forge) Protect(repo, branch string, required ...Required) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err == nil {
		r.required[branch] = slices.Clone(required)
	}
	return err
}

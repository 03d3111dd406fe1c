package checks

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks/expression"
)

// errOffline is what an expression gets that reads what only a forge knows, where there is none.
var errOffline = errors.New("a git repository on disk does not tell this; it is judged at the forge")

// factsObject shows Facts to expressions. What the forge withheld is an error for whoever reads it, never empty.
type factsObject Facts

func (o *factsObject) Field(name string) any {
	f := (*Facts)(o)
	if g, ok := f.Gap(name); ok {
		return errors.New(strings.TrimSuffix(g.Reason, "."))
	}
	switch name {
	case "change":
		if f.Change == nil {
			return errors.New("there is no change here")
		}
		return (*changeObject)(f)
	case "files":
		return expression.List{Len: len(f.Files), At: func(i int) expression.Object { return (*fileObject)(&f.Files[i]) }}
	case "touched":
		return f.touchedPaths()
	case "commits":
		if f.Change != nil && len(f.Commits) < f.Change.CommitCount {
			return fmt.Errorf("only %d of %d commits can be read", len(f.Commits), f.Change.CommitCount)
		}
		g, gap := f.Gap("signatures")
		return expression.List{Len: len(f.Commits), At: func(i int) expression.Object {
			return &commitObject{&f.Commits[i], f.Signed && !gap, g.Reason}
		}}
	case "statuses":
		if f.Local {
			return errOffline
		}
		shown := f.newestStatuses()
		return expression.List{Len: len(shown), At: func(i int) expression.Object { return statusObject{shown[i]} }}
	case "reviews":
		if f.Local {
			return errOffline
		}
		head := ""
		if f.Change != nil {
			head = f.Change.Head.Commit
		}
		return expression.List{Len: len(f.Reviews), At: func(i int) expression.Object { return reviewObject{&f.Reviews[i], head} }}
	case "repository":
		return (*repositoryObject)(&f.Repository)
	}
	return errNoField
}

var errNoField = errors.New("the facts have no such field")

// changeObject shows the Change of Facts.
type changeObject Facts

func (o *changeObject) Field(name string) any {
	c := o.Change
	if o.Local && onlyForge(name) {
		return errOffline
	}
	switch name {
	case "number":
		return c.Number
	case "title":
		return c.Title
	case "body":
		return c.Body
	case "draft":
		return c.Draft
	case "author":
		return c.Author.Login
	case "bot":
		return c.Author.Kind == "bot" || c.Author.Kind == "app"
	case "fork":
		return c.Fork
	case "base":
		return c.Base.Name
	case "head":
		return c.Head.Name
	case "source":
		if c.Fork {
			owner, _, _ := strings.Cut(c.Head.Repo, "/")
			return owner + ":" + c.Head.Name
		}
		return c.Head.Name
	case "labels":
		return (*Facts)(o).labelNames()
	case "additions":
		return c.Additions
	case "deletions":
		return c.Deletions
	case "files":
		return c.ChangedFiles
	case "commits":
		return c.CommitCount
	}
	return errNoField
}

// onlyForge says that a field of a change is one that a git repository on disk cannot tell.
func onlyForge(name string) bool {
	switch name {
	case "number", "title", "body", "draft", "author", "bot", "fork", "source", "labels":
		return true
	}
	return false
}

func (f *Facts) labelNames() any {
	if g, ok := f.Gap("labels"); ok {
		return errors.New(strings.TrimSuffix(g.Reason, "."))
	}
	names := make([]string, len(f.Change.Labels))
	for i, l := range f.Change.Labels {
		names[i] = l.Name
	}
	return names
}

// fileObject shows a File.
type fileObject File

func (o *fileObject) Field(name string) any {
	switch name {
	case "path":
		return o.Path
	case "old":
		return o.Old
	case "status":
		return o.Status
	case "kind":
		return o.Kind
	case "additions":
		return o.Additions
	case "deletions":
		return o.Deletions
	}
	return errNoField
}

// commitObject shows a Commit, and its signature where those were read.
type commitObject struct {
	*Commit
	signed bool
	why    string // signatures could not be read
}

func (o *commitObject) Field(name string) any {
	switch name {
	case "id":
		return o.ID
	case "message":
		return o.Message
	case "title":
		first, _, _ := strings.Cut(o.Message, "\n")
		return strings.TrimSpace(first)
	case "author":
		return o.Author.Login
	case "name":
		return o.Author.Name
	case "email":
		return o.Author.Email
	case "committer":
		return o.Committer.Login
	case "co_authors":
		mails := make([]string, len(o.CoAuthors))
		for i, p := range o.CoAuthors {
			mails[i] = p.Email
		}
		return mails
	case "signed", "signer", "signing_key":
		return o.signature(name)
	}
	return errNoField
}

func (o *commitObject) signature(name string) any {
	if !o.signed {
		return errors.New(cmp.Or(strings.TrimSuffix(o.why, "."), "the signatures of the commits were not read"))
	}
	s := o.Signature
	switch {
	case name == "signed":
		return s != nil && s.Verified
	case s == nil:
		return ""
	case name == "signer":
		return s.By.Login
	}
	return s.Key
}

// statusObject shows a Status.
type statusObject struct{ *Status }

func (o statusObject) Field(name string) any {
	switch name {
	case "name":
		return o.Name
	case "state":
		return o.State
	}
	return errNoField
}

// newestStatuses are the newest under each name. Sluice's own are left out: a rule over them would feed on itself.
func (f *Facts) newestStatuses() []*Status {
	var shown []*Status
	at := map[string]int{}
	for i := range f.Statuses {
		s := &f.Statuses[i]
		if s.Ours {
			continue
		}
		j, again := at[s.Name]
		if !again {
			at[s.Name] = len(shown)
			shown = append(shown, s)
		} else if s.ID > shown[j].ID {
			shown[j] = s
		}
	}
	return shown
}

// touchedPaths are the paths of the change, the old ones of renames included.
func (f *Facts) touchedPaths() any {
	if g, ok := f.Gap("files"); ok {
		return errors.New(strings.TrimSuffix(g.Reason, "."))
	}
	paths := make([]string, 0, len(f.Files)+8)
	for i := range f.Files {
		paths = append(paths, f.Files[i].Path)
		if f.Files[i].Status == "renamed" && f.Files[i].Old != "" {
			paths = append(paths, f.Files[i].Old)
		}
	}
	return paths
}

// reviewObject shows a Review, and whether it is of the head commit.
type reviewObject struct {
	*Review
	head string
}

func (o reviewObject) Field(name string) any {
	switch name {
	case "author":
		return o.By.Login
	case "state":
		return o.State
	case "commit":
		return o.Commit
	case "current":
		return o.Commit != "" && o.Commit == o.head
	}
	return errNoField
}

// repositoryObject shows a Repository.
type repositoryObject Repository

func (o *repositoryObject) Field(name string) any {
	switch name {
	case "name":
		return o.Name
	case "default":
		return o.Default
	case "private":
		return o.Private
	}
	return errNoField
}

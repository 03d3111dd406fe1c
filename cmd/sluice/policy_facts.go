package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
)

// facts reads the facts of a case. They have the names of checks.Facts in JSON; friendly adds the short forms.
func (r caseReader) facts(n *yaml.Node) (*checks.Facts, error) {
	if n == nil {
		n = &yaml.Node{Kind: yaml.MappingNode}
	}
	if n.Kind != yaml.MappingNode {
		return nil, r.wrong(n, "facts must be a mapping")
	}
	var whole map[string]any
	if err := n.Decode(&whole); err != nil {
		return nil, r.wrong(n, "%v", err)
	}
	if whole == nil {
		whole = map[string]any{}
	}
	_, recorded := whole["sources"]
	if !recorded {
		friendly(whole)
	}
	text, err := json.Marshal(whole)
	if err != nil {
		return nil, r.wrong(n, "%v", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	f := &checks.Facts{}
	if err := d.Decode(f); err != nil {
		return nil, r.wrong(n, "the facts of the case: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if !recorded {
		completeFacts(f)
	}
	return f, nil
}

// completeFacts fills in what every change has, so that a case names only what it is about.
func completeFacts(f *checks.Facts) {
	if f.Change == nil && f.Pushed == nil {
		f.Change = &checks.Change{}
	}
	if f.Subject == (checks.Subject{}) {
		f.Subject = checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: 1}
		if f.Pushed != nil {
			f.Subject.Kind, f.Subject.Change, f.Subject.Tag = checks.KindTag, 0, f.Pushed.Name
		}
	}
	setDefault(&f.Repository.Name, f.Subject.Repo)
	setDefault(&f.Repository.Default, "main")
	if f.People == nil {
		f.People = map[int64]checks.Person{}
	}
	if f.Teams == nil {
		f.Teams = map[string]checks.Group{}
	}
	if f.Orgs == nil {
		f.Orgs = map[string]checks.Group{}
	}
	sorting.By(f.Files, func(a, b checks.File) int { return strings.Compare(a.Path, b.Path) })
	for i := range f.Files {
		setDefault(&f.Files[i].Status, "modified")
		f.Files[i].Read = true
	}
	if c := f.Change; c != nil {
		completeChange(f, c)
	}
}

func completeChange(f *checks.Facts, c *checks.Change) {
	if c.Number == 0 {
		c.Number = f.Subject.Change
	}
	setDefault(&c.State, "open")
	setDefault(&c.Base.Name, "main")
	setDefault(&c.Base.Commit, strings.Repeat("b", 40))
	setDefault(&c.Head.Name, "feature")
	setDefault(&c.Head.Commit, strings.Repeat("c", 40))
	setDefault(&c.MergeBase, c.Base.Commit)
	if c.Author == (checks.Person{}) {
		c.Author = account("author")
	}
	if len(f.Commits) == 0 {
		f.Commits = []checks.Commit{{ID: c.Head.Commit, Message: c.Title, Author: c.Author, Committer: c.Author}}
	}
	for i := range f.Reviews {
		setDefault(&f.Reviews[i].Commit, c.Head.Commit)
	}
	if c.ChangedFiles == 0 {
		c.ChangedFiles = len(f.Files)
	}
	if c.CommitCount == 0 {
		c.CommitCount = len(f.Commits)
	}
	if c.Additions+c.Deletions == 0 {
		for _, file := range f.Files {
			c.Additions += file.Additions
			c.Deletions += file.Deletions
		}
	}
}

func setDefault(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

// account is the person behind a login; the same login is always the same person.
func account(login string) checks.Person {
	h := fnv.New32a()
	h.Write([]byte(strings.ToLower(login)))
	p := checks.Person{ID: int64(h.Sum32()) + 1, Login: login, Kind: "user"}
	if strings.HasSuffix(login, "[bot]") {
		p.Kind = "bot"
	}
	return p
}

// friendly turns the short forms into the full ones, in place:
//
//	author: ana                    an account, wherever a person stands
//	labels: [ui]                   set by somebody with write access
//	files: [src/a.go]              modified
//	added: [text]                  numbered from 1
//	base: main                     a branch
//	people: {bo: write}            rights by login
//	teams: {acme/dba: [bo]}        all members by login; orgs likewise
//	tags: [v1.2.3]                 annotated
//	paths: [src/a.go]              what the tree holds
//	texts: {head: {VERSION: "1"}}  contents by side and path; null for one that is not there
func friendly(whole map[string]any) {
	persons(whole)
	if change, ok := whole["change"].(map[string]any); ok {
		labelled(whole, change)
		for _, key := range []string{"base", "head"} {
			if name, ok := change[key].(string); ok {
				change[key] = map[string]any{"name": name, "commit": strings.Repeat(key[:1], 40)}
			}
		}
	}
	eachItem(whole, "files", func(v any) any {
		if path, ok := v.(string); ok {
			return map[string]any{"path": path, "status": "modified"}
		}
		if file, ok := v.(map[string]any); ok {
			numbered(file, "added")
			numbered(file, "removed")
		}
		return v
	})
	eachItem(whole, "tags", func(v any) any {
		if name, ok := v.(string); ok {
			return map[string]any{"name": name, "commit": strings.Repeat("a", 40), "annotated": true}
		}
		return v
	})
	knownRights(whole)
	knownGroups(whole, "teams")
	knownGroups(whole, "orgs")
	knownTexts(whole)
	if _, given := whole["paths"]; given {
		whole["listed"] = true
	}
}

// eachItem replaces the items of a list.
func eachItem(m map[string]any, key string, change func(any) any) {
	if list, ok := m[key].([]any); ok {
		for i, v := range list {
			list[i] = change(v)
		}
	}
}

// persons replaces logins by accounts, wherever a person stands.
func persons(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			persons(x)
		}
	case map[string]any:
		for key, x := range v {
			if login, ok := x.(string); ok && slices.Contains([]string{"author", "committer", "by", "tagger"}, key) {
				v[key] = account(login)
				continue
			}
			if key == "co_authors" {
				eachItem(v, key, func(x any) any {
					if login, ok := x.(string); ok {
						return account(login)
					}
					return x
				})
			}
			persons(x)
		}
	}
}

// labelled are set by a maintainer who is known to have write access, unless the case says otherwise.
func labelled(whole, change map[string]any) {
	eachItem(change, "labels", func(v any) any {
		name, ok := v.(string)
		if !ok {
			return v
		}
		people, ok := whole["people"].(map[string]any)
		if !ok {
			people = map[string]any{}
			whole["people"] = people
		}
		people["maintainer"] = "maintain"
		return map[string]any{"name": name, "by": account("maintainer")}
	})
}

func numbered(file map[string]any, key string) {
	n := 0
	eachItem(file, key, func(v any) any {
		n++
		if text, ok := v.(string); ok {
			return map[string]any{"n": n, "text": text}
		}
		return v
	})
}

// knownRights turns {login: permission} into people by id.
func knownRights(whole map[string]any) {
	given, ok := whole["people"].(map[string]any)
	if !ok {
		return
	}
	people := map[string]any{}
	for login, right := range given {
		permission, ok := right.(string)
		if !ok {
			people[login] = right
			continue
		}
		p := account(login)
		p.Permission = permission
		people[fmt.Sprint(p.ID)] = p
	}
	whole["people"] = people
}

// knownGroups turns {name: [login]} into members by id, all of them.
func knownGroups(whole map[string]any, key string) {
	given, ok := whole[key].(map[string]any)
	if !ok {
		return
	}
	for name, v := range given {
		logins, ok := v.([]any)
		if !ok {
			continue
		}
		g := checks.Group{Complete: true}
		for _, login := range logins {
			g.Members = append(g.Members, account(fmt.Sprint(login)).ID)
		}
		slices.Sort(g.Members)
		given[name] = g
	}
}

// knownTexts turns {side: {path: text}} into a list in a fixed order.
func knownTexts(whole map[string]any) {
	sides, ok := whole["texts"].(map[string]any)
	if !ok {
		return
	}
	var list []any
	for _, side := range slices.Sorted(maps.Keys(sides)) {
		files, ok := sides[side].(map[string]any)
		if !ok {
			continue
		}
		for _, path := range slices.Sorted(maps.Keys(files)) {
			t := map[string]any{"side": side, "path": path, "text": files[path]}
			if files[path] == nil {
				t = map[string]any{"side": side, "path": path, "absent": true}
			}
			list = append(list, t)
		}
	}
	whole["texts"] = list
}

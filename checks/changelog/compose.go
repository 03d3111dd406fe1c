package changelog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/toml"
)

// Keeping is how a project keeps its fragments: what lies in the folder, and what its settings say.
type Keeping struct {
	Tool  Tool
	Dir   string
	There []string          // the fragments in Dir
	Texts map[string]string // of some of There, and of the settings that Settings names
}

// Composition is a fragment to be written.
type Composition struct {
	Path, Text string
	Category   string // as the tool calls it
	There      bool   // it is there already, word for word
}

// News is what a fragment is to say.
type News struct {
	Change          int // its number
	Category, Words string
	Packages        []string // what it touches, for tools that want it named
	At              time.Time
}

// Settings picks the settings of the tools that gather fragments out of a list of paths.
func Settings(paths []string) (found []string) {
	for _, p := range paths {
		switch p {
		case "pyproject.toml", "towncrier.toml", ".changie.yaml", ".changie.yml", ".changeset/config.json":
			found = append(found, p)
		}
	}
	return found
}

// KeptEmpty finds a folder for fragments that is empty now, by the settings of its tool; false when there are none.
func KeptEmpty(texts map[string]string) (Keeping, bool) {
	k := Keeping{Texts: texts}
	switch _, changesets := texts[".changeset/config.json"]; {
	case changesets:
		k.Tool, k.Dir = ChangesetsTool, ".changeset"
	case k.changie() != nil:
		c := k.changie()
		k.Tool, k.Dir = Records, path.Join(or(c.Dir, ".changes"), or(c.Unreleased, "unreleased"))
	case k.towncrier().String("directory") != "":
		k.Tool, k.Dir = Towncrier, path.Clean(k.towncrier().String("directory"))
	}
	return k, k.Tool != "" && !strings.HasPrefix(k.Dir, "..") && !path.IsAbs(k.Dir)
}

// Compose writes a fragment as the others are, and reads it again as the check will; a *Refusal says why it cannot.
func (k Keeping) Compose(n News) (*Composition, error) {
	style := Markdown
	if k.extension() == ".rst" {
		style = RST
	}
	words := Sentence(style, n.Words)
	if !Real(Words(words)) {
		return nil, refuse("the text says nothing that a reader could use")
	}
	if err := harmless(style, words); err != nil {
		return nil, err
	}
	var c *Composition
	var err error
	switch k.Tool {
	case Towncrier:
		c, err = k.crier(n, words)
	case ChangesetsTool:
		c, err = k.changeset(n, words)
	case Records:
		c, err = k.record(n, words)
	case Texts:
		c, err = k.plainText(n, words)
	default:
		return nil, refuse("fragments in %s/ are written in a form that I do not write", k.Dir)
	}
	if err != nil {
		return nil, err
	}
	if _, err := ReadFragment(c.Path, c.Text); err != nil {
		return nil, refuse("what I would write into %s/ %v", k.Dir, err)
	}
	return c, nil
}

// extension is what most of the fragments there end in.
func (k Keeping) extension() string {
	count, best := map[string]int{}, ""
	for _, p := range k.There {
		ext := path.Ext(p)
		if ext != ".md" && ext != ".rst" && ext != ".txt" && ext != ".yaml" && ext != ".yml" {
			ext = ""
		}
		if count[ext]++; best == "" && len(count) == 1 || count[ext] > count[best] {
			best = ext
		}
	}
	if len(k.There) == 0 {
		if best = path.Ext(k.towncrier().String("filename")); k.Tool != Towncrier || best != ".rst" {
			best = ".md"
		}
	}
	return best
}

// towncrier are its settings, or nil.
func (k Keeping) towncrier() toml.Table {
	for _, p := range []string{"towncrier.toml", "pyproject.toml"} {
		all, err := toml.Read(k.Texts[p])
		if s := all.Table("tool", "towncrier"); err == nil && s != nil { // settings that cannot be read say nothing
			return s
		}
	}
	return nil
}

// types are towncrier's: those of the settings, or else its own and those in use.
func (k Keeping) types() (types []string) {
	s := k.towncrier()
	list, _ := s["type"].([]any)
	for _, x := range list {
		t, _ := x.(toml.Table)
		types = append(types, t.String("directory"))
	}
	for name := range s.Table("fragment") {
		types = append(types, name)
	}
	if len(types) == 0 {
		types = []string{"feature", "bugfix", "doc", "removal", "misc"}
		for _, p := range k.There {
			if m := crier.FindStringSubmatch(path.Base(p)); m != nil && crierName(path.Base(p)) && !slices.Contains(types, m[1]) {
				types = append(types, m[1])
			}
		}
	}
	slices.Sort(types)
	return slices.Compact(slices.DeleteFunc(types, func(t string) bool { return t == "" || strings.Trim(t, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" }))
}

// meant finds the tool's word for a category: its own, or for one of Keep a Changelog's the first of those that say the same.
func meant(category string, valid []string) (string, error) {
	same := map[string][]string{"added": {"added", "feature", "feat", "features", "enhancement"}, "fixed": {"fixed", "bugfix", "fix", "bug"},
		"removed": {"removed", "removal", "breaking"}, "deprecated": {"deprecated", "deprecation", "removal"}, "changed": {"changed", "change", "enhancement"}, "security": {"security"}}
	for _, word := range same[letters(category)] {
		if i := slices.IndexFunc(valid, func(v string) bool { return letters(v) == word }); i >= 0 {
			return valid[i], nil
		}
	}
	return match(category, valid)
}

// crier writes NUMBER.TYPE, with a counter where that is taken.
func (k Keeping) crier(n News, words string) (*Composition, error) {
	kind, err := meant(n.Category, k.types())
	if err != nil {
		return nil, err
	}
	c := &Composition{Text: words + "\n", Category: kind}
	for i := range 20 {
		name := fmt.Sprintf("%d.%s%s", n.Change, kind, k.extension())
		if i > 0 {
			name = fmt.Sprintf("%d.%s.%d%s", n.Change, kind, i, k.extension())
		}
		if c.Path = path.Join(k.Dir, name); !slices.Contains(k.There, c.Path) {
			return c, nil
		}
		if strings.TrimSpace(k.Texts[c.Path]) == words {
			c.There = true
			return c, nil
		}
	}
	return nil, refuse("the change has twenty fragments of this sort")
}

// named makes a file's name of what it says, so that saying it again finds it there.
func named(n News) string {
	sum := sha256.Sum256([]byte(letters(n.Category) + "\x00" + squeeze(n.Words)))
	return hex.EncodeToString(sum[:4])
}

// at gives the composition its path, and says whether it is there.
func (k Keeping) at(c *Composition, name string) *Composition {
	c.Path = path.Join(k.Dir, name)
	c.There = slices.Contains(k.There, c.Path)
	return c
}

func (k Keeping) changeset(n News, words string) (*Composition, error) {
	bump, err := match(n.Category, []string{"major", "minor", "patch"})
	if err != nil {
		return nil, err
	}
	if len(n.Packages) == 0 {
		return nil, refuse("Changesets want the package named, and the change touches none that I can tell")
	}
	var b strings.Builder
	for _, p := range n.Packages {
		quoted, err := json.Marshal(p)
		if err != nil || len(n.Packages) > 20 {
			return nil, refuse("the change touches too many packages, or one with an odd name")
		}
		fmt.Fprintf(&b, "%s: %s\n", quoted, bump)
	}
	c := &Composition{Text: "---\n" + b.String() + "---\n\n" + words + "\n", Category: bump}
	return k.at(c, fmt.Sprintf("change-%d-%s.md", n.Change, named(n))), nil
}

// changieSettings are those of changie that matter here.
type changieSettings struct {
	Dir        string                   `yaml:"changesDir"`
	Unreleased string                   `yaml:"unreleasedDir"`
	Kinds      []struct{ Label string } `yaml:"kinds"`
	Components []string                 `yaml:"components"`
	Projects   []any                    `yaml:"projects"`
	Custom     []struct {
		Key      string `yaml:"key"`
		Optional bool   `yaml:"optional"`
	} `yaml:"custom"`
}

func (k Keeping) changie() *changieSettings {
	for _, p := range []string{".changie.yaml", ".changie.yml"} {
		var s changieSettings
		if text := k.Texts[p]; text != "" && yaml.Unmarshal([]byte(text), &s) == nil {
			return &s
		}
	}
	return nil
}

func (k Keeping) record(n News, words string) (*Composition, error) {
	s := k.changie()
	if s == nil {
		return nil, refuse("fragments in %s/ are written by a tool of their own; only changie's form is known to me", k.Dir)
	}
	if len(s.Projects)+len(s.Components) > 0 {
		return nil, refuse("changie asks for a project or component here: run `changie new`")
	}
	var kinds []string
	for _, kind := range s.Kinds {
		kinds = append(kinds, kind.Label)
	}
	c := &Composition{}
	var err error
	record := yaml.Node{Kind: yaml.MappingNode}
	set := func(to *yaml.Node, key, value string) {
		to.Content = append(to.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value})
	}
	if len(kinds) > 0 {
		if c.Category, err = meant(n.Category, kinds); err != nil {
			return nil, err
		}
		set(&record, "kind", c.Category)
	}
	set(&record, "body", words)
	record.Content = append(record.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "time"}, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!timestamp", Value: n.At.UTC().Format(time.RFC3339)})
	custom := yaml.Node{Kind: yaml.MappingNode}
	for _, field := range s.Custom {
		switch key := letters(field.Key); {
		case key == "issue" || key == "pr" || key == "pullrequest":
			set(&custom, field.Key, fmt.Sprint(n.Change))
		case !field.Optional:
			return nil, refuse("changie asks for %q here: run `changie new`", clip(field.Key, 40))
		}
	}
	if len(custom.Content) > 0 {
		record.Content = append(record.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "custom"}, &custom)
	}
	text, err := yaml.Marshal(&record)
	if err != nil {
		return nil, refuse("the text cannot be written as YAML")
	}
	c.Text = string(text)
	return k.at(c, fmt.Sprintf("%s-%d-%s.yaml", strings.ReplaceAll(or(strings.Trim(nameOf(c.Category), " "), "change"), " ", "-"), n.Change, named(n))), nil
}

var onlyNumber = patterns.New(`^\d+$`)

// plainText writes a text of its own, with the category as heading or first word where others have it so.
func (k Keeping) plainText(n News, words string) (*Composition, error) {
	ext, numbers, c := k.extension(), 0, &Composition{}
	var headings []string
	heading := ""
	for _, p := range k.There {
		if onlyNumber.MatchString(strings.TrimSuffix(path.Base(p), path.Ext(p))) {
			numbers++
		}
		s := newSheet(k.Texts[p])
		for i := 1; i <= len(s.lines); i++ {
			if m := hashes.FindStringSubmatch(s.at(i)); m != nil && len(headings) < 20 {
				heading, headings = m[2]+" ", append(headings, strings.TrimSpace(s.at(i)[len(m[0]):]))
			}
		}
	}
	c.Text = words + "\n"
	if heading != "" && ext == ".md" {
		var err error
		if c.Category, err = match(n.Category, append(Kept(), headings...)); err != nil {
			return nil, err
		}
		c.Text = heading + c.Category + "\n\n- " + words + "\n"
	} else if _, err := match(n.Category, Kept()); err != nil {
		return nil, err
	}
	base := fmt.Sprintf("%d-%s", n.Change, named(n))
	if numbers > 0 && 2*numbers >= len(k.There) {
		base = fmt.Sprint(n.Change)
		if p := path.Join(k.Dir, base+ext); slices.Contains(k.There, p) {
			if k.Texts[p] == c.Text {
				c.Path, c.There = p, true
				return c, nil
			}
			return nil, refuse("%s is there already and says something else: add to it by hand", p)
		}
	}
	return k.at(c, base+ext), nil
}

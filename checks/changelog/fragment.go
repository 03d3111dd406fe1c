package changelog

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/patterns"
)

// Fragment is a file that holds one entry or a few, until a release gathers them.
type Fragment struct {
	Path string
	Tool Tool
	// Packages are those that it names itself, as Changesets and changie do.
	Packages []string
	Entries  []Entry
}

// maxFragment is how large a fragment may be in bytes.
const maxFragment = 256 << 10

// ReadFragment reads a fragment and says what keeps it from being one: it is empty, or not in the shape that its
// tool reads. The tool is known from the path; a path that says nothing is taken for text, or a record by its ending.
func ReadFragment(p, text string) (*Fragment, error) {
	f := &Fragment{Path: p}
	f.Tool, _ = FragmentTool(p)
	ext := strings.ToLower(path.Ext(p))
	if f.Tool == "" {
		f.Tool = Texts
		if ext == ".yaml" || ext == ".yml" || ext == ".json" {
			f.Tool = Records
		}
	}
	if len(text) > maxFragment {
		return f, fmt.Errorf("is larger than %d KB", maxFragment>>10)
	}
	text = unify(text)
	var err error
	switch f.Tool {
	case ChangesetsTool:
		err = f.changeset(text)
	case Records:
		err = f.record(text)
	case Fenced:
		err = f.text(fence.ReplaceAllString(text, ""), ext)
	default:
		err = f.text(text, ext)
	}
	return f, err
}

var (
	errEmpty = errors.New("says nothing yet")
	fence    = patterns.New("(?m)^```.*$")
	bumpLine = patterns.New(`^\s*(?:"([^"]+)"|'([^']+)'|([^"'\s:#][^:]*?))\s*:\s*["']?(major|minor|patch|none|premajor|preminor|prepatch|prerelease)\b`)
	noNews   = patterns.New(`(?i)\.(?:misc|trivial)(?:\.\d+)?(?:\.\w+)?$`)
)

// changeset reads front matter with packages and their bumps, then the text.
func (f *Fragment) changeset(text string) error {
	body, ok := strings.CutPrefix(strings.TrimLeft(text, "\n"), "---\n")
	head, body, found := "", body, false
	if strings.HasPrefix(body, "---") {
		head, body, found = "", strings.TrimPrefix(body, "---"), true
	} else {
		head, body, found = strings.Cut(body, "\n---")
	}
	if !ok || !found {
		return errors.New("has no front matter between --- that names packages and their bumps")
	}
	for _, line := range strings.Split(head, "\n") {
		if m := bumpLine.FindStringSubmatch(line); m != nil {
			f.Packages = append(f.Packages, m[1]+m[2]+m[3])
		}
	}
	if len(f.Packages) == 0 {
		return errors.New("names no package with major, minor or patch in its front matter")
	}
	return f.text(strings.TrimPrefix(body, "\n"), ".md")
}

// text reads what a changelog could hold.
func (f *Fragment) text(text, ext string) error {
	var blocks []block
	left := &budget{maxTitles}
	if ext == ".rst" || ext == "" || ext == ".txt" || f.Tool == Towncrier && ext != ".md" {
		blocks = lines(text, true, left)
	} else {
		blocks = markdown(text, left)
	}
	for i := range blocks {
		b := &blocks[i]
		e := Entry{Line: b.line, EndLine: b.end, Depth: b.depth, Text: b.text}
		switch b.kind {
		case headingBlock:
			continue
		case proseBlock:
			e.Form = Prose
		case otherBlock:
			e.Form = Block
		}
		if e.Real() {
			f.Entries = append(f.Entries, e)
		}
	}
	// Towncrier lists what is miscellaneous by its number alone, so there the text may be left out.
	named := f.Tool == Towncrier || f.Tool == Texts && crier.MatchString(path.Base(f.Path)) // in a folder of the policy's
	if len(f.Entries) == 0 && !(named && noNews.MatchString(f.Path) && blank(text)) {
		return errEmpty
	}
	return nil
}

// record reads YAML or JSON with the text in some field.
func (f *Fragment) record(text string) error {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return errors.New("is no valid YAML or JSON")
	}
	if root.Kind == 0 {
		return errEmpty
	}
	f.told(&root, "", 0)
	if len(f.Entries) == 0 {
		return errEmpty
	}
	return nil
}

// told collects the texts below a node. Aliases are not followed: a record needs none.
func (f *Fragment) told(n *yaml.Node, key string, depth int) {
	if depth > 8 {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			f.told(n.Content[i+1], strings.ToLower(n.Content[i].Value), depth+1)
		}
	case yaml.SequenceNode, yaml.DocumentNode:
		for _, c := range n.Content {
			f.told(c, key, depth+1)
		}
	case yaml.ScalarNode:
		switch key {
		case "project", "component", "package", "packagename":
			if v := strings.TrimSpace(n.Value); v != "" {
				f.Packages = append(f.Packages, v)
			}
		case "kind", "type", "time", "author", "email", "issue", "issues", "pr", "custom", "category", "date", "dependentchangetype", "change_type", "changelogs", "merge_request", "links", "security_fixes_id", "prelude_section":
		default:
			if n.Tag == "!!str" && Real(Words(n.Value)) {
				f.Entries = append(f.Entries, Entry{Line: n.Line, EndLine: n.Line, Text: n.Value, Form: Prose})
			}
		}
	}
}

// Adds says whether the fragment tells anything that it did not tell before, beyond other words.
func (f *Fragment) Adds(before *Fragment) bool {
	was, is := &File{Pending: []*Section{{Entries: before.Entries}}}, &File{Pending: []*Section{{Entries: f.Entries}}}
	return len(Diff(was, is).Added) > 0
}

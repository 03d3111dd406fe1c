package changelog

import (
	"path"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

var (
	changelogName = patterns.New(`(?i)^(?:change[-_ ]?logs?|changes|change[-_]?history|history|news|release[-_ ]?notes?|releases|whats[-_]?new)(?:\.(?:md|markdown|mdown|mkd|mdx|rst|rest|txt|text|adoc))?$`)
	numbered      = patterns.New(`(?i)^(?:change[-_]?log|changes|history|news|release[-_]?notes)[-_.](?:v?\d[\w.]*|old|archive|legacy)\.(?:md|markdown|rst|txt)$`)
	versionName   = patterns.New(`(?i)^(?:[a-z]+[-_])?v?\d+(?:\.\d+)+[\w.-]*$|^v\d+$|^\d{4}(?:-\d\d){0,2}$`)
	sourceName    = patterns.New(`(?i)\.(?:go|js|ts|tsx|jsx|py|rb|rs|java|c|h|cc|cpp|sh|html|css|scss|svg|png|vue|php|sql)$`)
)

// Foreign says whether a path lies in a folder of others' work, or of samples: what is in there is not this project's.
func Foreign(p string) bool {
	for rest := p; ; {
		name, after, ok := strings.Cut(rest, "/")
		if !ok {
			return false
		}
		switch strings.ToLower(name) {
		case "node_modules", "vendor", "third_party", "third-party", "thirdparty", "external", "bower_components", "testdata",
			"fixtures", "__fixtures__", "fixture", "test", "tests", "__tests__", "spec", "examples", "example", "samples", "sample",
			"templates", "template", "dist", "build", "target", ".git", ".venv", "venv", "site-packages":
			return true
		}
		rest = after
	}
}

// IsChangelog says whether a path has one of the well-known names of changelogs, in a place where they are kept.
func IsChangelog(p string) bool {
	dir, base := path.Split(p)
	if dir == "debian/" && base == "changelog" {
		return true
	}
	if !initial(base) { // nearly all paths of a large tree end here, before any pattern is tried
		return false
	}
	if !changelogName.MatchString(base) || Foreign(p) || strings.Count(p, "/") > 4 {
		return false
	}
	if !strings.Contains(base, ".") && strings.ToLower(base) == base && dir != "" {
		return false // lib/history, app/changes: more likely a program than a changelog
	}
	parent := strings.ToLower(path.Base(strings.TrimSuffix(dir, "/")))
	return dir == "" || !fragmentFolder(parent)
}

// initial says whether a name starts with a letter that some changelog's name starts with.
func initial(base string) bool {
	return base != "" && strings.IndexByte("cChHnNrRwW", base[0]) >= 0
}

// IsArchive says whether a path has the name of a changelog's older part: CHANGELOG-1.x.md.
func IsArchive(p string) bool {
	base := path.Base(p)
	return initial(base) && numbered.MatchString(base) && !Foreign(p)
}

// Home is the folder of the component that a changelog or fragment belongs to: "" for the whole repository. A
// changelog in a folder for documents belongs to what is around the folder.
func Home(p string) string {
	dir := path.Dir(p)
	for i, name := range strings.Split(dir, "/") {
		switch strings.ToLower(name) {
		case "docs", "doc", "documentation":
			dir = strings.Join(strings.Split(dir, "/")[:i], "/")
		default:
			continue
		}
		break
	}
	for dir != "." && dir != "/" && dir != "" {
		switch strings.ToLower(path.Base(dir)) {
		case "docs", "doc", "documentation", "source", "src", ".github", "debian", "content", "en", "website", "site", "packaging", "meta", "release":
			dir = path.Dir(dir)
			continue
		}
		return dir
	}
	return ""
}

// Find picks the changelogs and the fragments out of a list of paths; both come in the order of the list.
func Find(paths []string) (files, fragments []string) {
	for _, p := range paths {
		switch {
		case IsChangelog(p):
			files = append(files, p)
		case IsFragment(p):
			fragments = append(fragments, p)
		}
	}
	if len(files) > 1 { // packaging has a changelog of its own, beside the project's
		files = slices.DeleteFunc(files, func(p string) bool { return p == "debian/changelog" })
	}
	return files, fragments
}

// Candidate says whether a path may matter to the changelog of a repository.
func Candidate(p string) bool { return IsChangelog(p) || IsFragment(p) }

// Tool is who reads a fragment, which says what shape it has to have.
type Tool string

// The tools.
const (
	Towncrier      Tool = "towncrier"  // 123.feature.rst
	ChangesetsTool Tool = "changesets" // front matter that names packages and bumps, then text
	Records        Tool = "records"    // YAML or JSON with the text in a field: changie, reno, chloggen, beachball
	Fenced         Tool = "fenced"     // go-changelog: text in a fence that names its sort
	Texts          Tool = "text"       // anything a changelog could hold: scriv, one file per change
)

// fragmentFolder says whether a folder of this name holds fragments.
func fragmentFolder(name string) bool {
	switch name {
	case "newsfragments", "newsfragment", "news-fragments", "news_fragments", "changelog.d", "changes.d", "news.d", ".changeset", ".changesets", ".changes",
		".changelog", ".chloggen", "unreleased", "next-release", "changelog_unreleased", "unreleased_changes", "unreleased-changes", "changelog-fragments", "changelog_fragments",
		".release-notes", ".changelog.d", ".nextchanges":
		return true
	}
	return false
}

var (
	crier     = patterns.New(`^(?:\+[^.]*|[A-Za-z]{0,12}[-_]?\d+|[0-9a-f]{7,40}|[A-Za-z0-9_-]+)\.([a-z][a-z_-]{1,30})(?:\.\d{1,3})?(?:\.(?:rst|md|txt|rest))?$`)
	perChange = patterns.New(`(?i)^(?:fix|fixed|new|add|added|change|changed|remove|removed|deprecate|deprecated|security|feature|feat|bug|bugfix|breaking|improve|update)[-_].*\.(?:md|markdown|rst|txt)$`)
	template  = patterns.New(`(?i)^(?:readme|contributing|index|template|example|sample|licen[cs]e|config|header|footer|changelog|changes|news|toc|overview|authors|pre|release[-_]?notes|unreleased|next)(?:[.\-_].*)?$|^[^\d].*template|\.(?:j2|jinja2?|tmpl|tpl|example|sample|orig|rej|bak|toml|cfg|ini|lock)$`)
)

// IsFragment says whether a path has the place and the name of a fragment.
func IsFragment(p string) bool {
	_, ok := FragmentTool(p)
	return ok
}

// FragmentTool says by place and name who reads a fragment, and whether it is one. The notes on how to write one,
// templates and settings that lie beside fragments are none.
func FragmentTool(p string) (Tool, bool) {
	if !aside(p) { // nearly all paths of a large tree end here
		return "", false
	}
	base := path.Base(p)
	ext := strings.ToLower(path.Ext(base))
	for dir := path.Dir(p); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if tool, ok := keeper(path.Base(dir), dir, base, ext, dir == path.Dir(p)); ok {
			return tool, !Sidekick(p) && !Foreign(p) && !sourceName.MatchString(base)
		}
	}
	return "", false
}

// aside says whether a path lies in any folder of which keeper knows.
func aside(p string) bool {
	for {
		name, rest, ok := strings.Cut(p, "/")
		if !ok {
			return false
		}
		if tells(name) {
			return true
		}
		p = rest
	}
}

// tells says whether the name of a folder holds one of the words that keeper looks for, whatever their case.
func tells(name string) bool {
	for i := range len(name) {
		rest := name[i:]
		switch name[i] | 0x20 {
		case 'c':
			if begins(rest, "chang") || begins(rest, "chlog") {
				return true
			}
		case 'n':
			if begins(rest, "news") || begins(rest, "note") {
				return true
			}
		case 'r':
			if begins(rest, "release") {
				return true
			}
		case 'f':
			if begins(rest, "fragment") {
				return true
			}
		}
	}
	return false
}

// begins is strings.HasPrefix of s in lower case, without making that.
func begins(s, word string) bool {
	return len(s) >= len(word) && strings.EqualFold(s[:len(word)], word)
}

// Sidekick says whether a file that lies among fragments is none by its name: README, a template, a dot file, what a
// version or a day was made of.
func Sidekick(p string) bool {
	dir, base := path.Split(p)
	stem := strings.TrimSuffix(base, path.Ext(base))
	parent := strings.ToLower(path.Base(dir))
	switch {
	case strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"):
		return true
	case crierName(base):
		return false
	case parent == ".changeset" || parent == ".changesets":
		return strings.EqualFold(stem, "readme") // the rest may be called by any words, "template" among them
	case fragmentFolder(parent) && strings.Trim(stem, "0123456789") == "":
		return false // 2031.txt is the number of a change, not a year
	}
	return template.MatchString(base) || versionName.MatchString(stem)
}

func crierName(base string) bool {
	m := crier.FindStringSubmatch(base)
	return m != nil && m[1] != "md" && m[1] != "rst" && m[1] != "txt" && m[1] != "yaml" && m[1] != "yml" && m[1] != "json" && m[1] != "rest" && m[1] != "html" &&
		strings.ContainsAny(base[:1], "0123456789+#")
}

// keeper says who keeps fragments of this name in a folder: name is the folder's, dir its path, and direct says that
// the file lies in it, not further down.
func keeper(name, dir, base, ext string, direct bool) (Tool, bool) {
	record := ext == ".yaml" || ext == ".yml" || ext == ".json"
	textual := ext == ".md" || ext == ".rst" || ext == ".txt" || ext == ".markdown"
	outer := strings.Count(dir, "/") <= 2
	switch lower := strings.ToLower(name); lower {
	case ".changeset", ".changesets":
		return ChangesetsTool, direct && ext == ".md"
	case ".changes":
		return ChangesetsTool, direct && ext == ".md" // covector
	case ".chloggen", "next-release", ".nextchanges":
		return Records, record
	case ".changelog":
		return Fenced, direct && ext == ".txt"
	case "unreleased":
		parent := strings.ToLower(path.Base(path.Dir(dir)))
		switch {
		case !strings.Contains(parent, "change") && !strings.Contains(parent, "news"):
			return "", false
		case record:
			return Records, true
		}
		return Texts, textual || ext == ""
	case "newsfragments", "newsfragment", "news-fragments", "news_fragments":
		return Towncrier, textual || crierName(base) || crier.MatchString(base)
	case "changelog.d", "changes.d", "news.d", ".changelog.d", "changelog_unreleased", "unreleased_changes", "unreleased-changes", "changelog-fragments", "changelog_fragments", ".release-notes":
		switch {
		case record:
			return Records, true
		case crier.MatchString(base) && !textual || crierName(base):
			return Towncrier, true
		}
		return Texts, textual || ext == ""
	case "notes":
		return Records, record && strings.EqualFold(path.Base(path.Dir(dir)), "releasenotes")
	case "fragments":
		return Records, record && strings.EqualFold(path.Base(path.Dir(dir)), "changelogs")
	case "@unreleased":
		return Records, record
	case "change":
		return Records, ext == ".json" && dir == "change" // beachball
	case "changes", "news", "changelog", "changelogs":
		switch {
		case !outer || !direct:
			return "", false
		case crierName(base):
			return Towncrier, true
		case perChange.MatchString(base):
			return Texts, true
		}
		return Texts, lower == "changes" && dir == name && textual
	}
	return "", false
}

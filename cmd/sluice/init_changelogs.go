package main

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/environments"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/toml"
)

func (c *conventions) lookAtChangelogs(v *glance) {
	files, fragments := changelog.Find(v.Paths)
	kept, news := keepers(v)
	for _, name := range news { // a changelog that a tool writes is one whatever it is called
		if _, ok := slices.BinarySearch(v.Paths, name); ok && !slices.Contains(files, name) {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	c.changelogs = gathered(withoutPages(files), v.Paths)
	c.fragments = kept
	for _, f := range fragments {
		if policy.Globs(c.fragments).Match(f) {
			continue
		}
		glob := escapeGlob(path.Dir(f)) + "/*"
		if ext := path.Ext(f); ext != "" && !strings.ContainsAny(ext, "{}[]*?\\") {
			glob += ext
		}
		c.fragments = append(c.fragments, glob)
	}
	c.generated = len(files) > 0 && len(c.fragments) == 0 && !slices.ContainsFunc(files, func(name string) bool { return !generated(v, name) })
}

// generated says whether a changelog looks as tools write it from commits when they make a release: nothing waits in it
// for one, so no change adds to it by hand.
func generated(v *glance, name string) bool {
	text, ok := v.Text(name)
	if !ok {
		return false
	}
	f := changelog.Parse(name, text)
	return f.Style == changelog.Conventional && f.Unreleased == nil
}

// withoutPages leaves out the pages of a documentation that show the changelog, where there is one at the root.
func withoutPages(files []string) []string {
	if !slices.ContainsFunc(files, func(p string) bool { return !strings.Contains(p, "/") }) {
		return files
	}
	return slices.DeleteFunc(files, func(p string) bool {
		first, _, nested := strings.Cut(strings.ToLower(p), "/")
		return nested && (changelog.Home(p) == "" || slices.Contains([]string{"docs", "doc", "documentation", "website", "site", "www", "content"}, first))
	})
}

// gathered writes three or more files that differ in the name of one folder as a pattern, where it matches no others.
func gathered(files, paths []string) []string {
	alike := map[string][]string{}
	pattern := func(p string) string {
		dir := path.Dir(p)
		if dir == "." {
			return ""
		}
		return strings.TrimPrefix(escapeGlob(path.Dir(dir))+"/*/"+escapeGlob(path.Base(p)), "./")
	}
	for _, p := range files {
		g := pattern(p)
		alike[g] = append(alike[g], p)
	}
	var globs []string
	for _, p := range files {
		g := pattern(p)
		switch {
		case g == "" || len(alike[g]) < 3 || matching(g, paths) != len(alike[g]):
			globs = append(globs, escapeGlob(p))
		case !slices.Contains(globs, g):
			globs = append(globs, g)
		}
	}
	return globs
}

func matching(glob string, paths []string) (n int) {
	for _, p := range paths {
		if (policy.Globs{glob}).Match(p) {
			n++
		}
	}
	return n
}

// keepers reads the settings of the tools that gather fragments: where these lie, even while there are none, and which
// changelogs the tools write.
func keepers(v *glance) (fragments, news []string) {
	add := func(glob, log string) {
		if clean := path.Clean(glob); glob != "" && !strings.HasPrefix(clean, "../") && !path.IsAbs(clean) && !slices.Contains(fragments, clean) {
			fragments = append(fragments, clean)
		}
		if log = path.Clean(log); log != "." {
			news = append(news, log)
		}
	}
	for _, p := range v.Paths {
		if strings.Count(p, "/") > 1 {
			continue
		}
		switch p {
		case ".changeset/config.json":
			add(".changeset/*.md", "")
		case ".changie.yaml", ".changie.yml":
			add(changie(v, p))
		case "pyproject.toml", "towncrier.toml":
			add(towncrier(v, p))
			add(scrivTOML(v, p))
		case "setup.cfg", "tox.ini", "changelog.d/scriv.ini", "changelog.d/scriv.cfg":
			add(scrivINI(v, p))
		case "releasenotes/config.yaml", "reno.yaml":
			add("releasenotes/notes/*.yaml", "")
		}
	}
	for _, p := range v.Paths { // a folder that is kept while it is empty
		dir := path.Dir(p)
		if slices.Contains([]string{".gitkeep", ".keep", ".gitignore", ".empty"}, path.Base(p)) && changelog.IsFragment(dir+"/1.feature.md") &&
			!slices.ContainsFunc(fragments, func(g string) bool { return path.Dir(g) == escapeGlob(dir) }) {
			add(escapeGlob(dir)+"/*", "")
		}
	}
	return fragments, news
}

// changie keeps YAML files in changesDir/unreleasedDir.
func changie(v *glance, p string) (glob, log string) {
	text, _ := v.Text(p)
	var s struct {
		ChangesDir    string `yaml:"changesDir"`
		UnreleasedDir string `yaml:"unreleasedDir"`
		ChangelogPath string `yaml:"changelogPath"`
	}
	if yaml.Unmarshal([]byte(text), &s) != nil {
		return "", ""
	}
	return escapeGlob(cmp.Or(s.ChangesDir, ".changes")+"/"+cmp.Or(s.UnreleasedDir, "unreleased")) + "/*.yaml", s.ChangelogPath
}

// towncrier keeps fragments in its directory, or in newsfragments of its package.
func towncrier(v *glance, p string) (glob, log string) {
	text, _ := v.Text(p)
	all, err := toml.Read(text)
	s := all.Table("tool", "towncrier")
	if err != nil || s == nil {
		return "", ""
	}
	dir := cmp.Or(s.String("directory"), "newsfragments")
	if of := s.String("package"); s.String("directory") == "" && of != "" {
		dir = path.Join(s.String("package_dir"), strings.ReplaceAll(of, ".", "/"), "newsfragments")
	}
	return escapeGlob(path.Clean(dir)) + "/*", s.String("filename")
}

// scrivSettings are the part of scriv's that says where fragments lie.
type scrivSettings struct{ Folder, Format, Log string }

func (s scrivSettings) where() (glob, log string) {
	format := cmp.Or(s.Format, "rst")
	log = strings.ReplaceAll(s.Log, "${config:format}", format)
	if strings.ContainsAny(log, "$:") {
		log = ""
	}
	return fmt.Sprintf("%s/*.%s", escapeGlob(cmp.Or(s.Folder, "changelog.d")), escapeGlob(format)), log
}

func scrivTOML(v *glance, p string) (glob, log string) {
	text, _ := v.Text(p)
	all, err := toml.Read(text)
	s := all.Table("tool", "scriv")
	if err != nil || s == nil {
		return "", ""
	}
	return scrivSettings{s.String("fragment_directory"), s.String("format"), s.String("changelog")}.where()
}

func scrivINI(v *glance, p string) (glob, log string) {
	text, _ := v.Text(p)
	keys, err := environments.Parse(p, text)
	if err != nil {
		return "", ""
	}
	for _, name := range []string{"scriv", "tool:scriv", "tool.scriv"} {
		of := func(key string) string {
			i := slices.IndexFunc(keys, func(k environments.Key) bool { return k.Path == name+"."+key })
			if i < 0 {
				return ""
			}
			return keys[i].Value
		}
		section := func(line string) bool { return strings.TrimSpace(line) == "["+name+"]" } // it may be empty
		if slices.ContainsFunc(strings.Split(text, "\n"), section) {
			return scrivSettings{of("fragment_directory"), of("format"), of("changelog")}.where()
		}
	}
	return "", ""
}

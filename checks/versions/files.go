package versions

import (
	"path"
	"strings"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks/patterns"
)

// maxFile is how much of a file is read: a larger one states its version nowhere that a person would look.
const maxFile = 20 << 20

// reader finds the version that a file states, and the line it stands on, from 1.
type reader func(text string) (version string, line int, ok bool)

// IsVersionFile says whether a path is one of those where versions are stated by convention. Tests, examples and
// other people's code are left out.
func IsVersionFile(p string) bool {
	if readerOf(p) == nil { // nearly all paths of a large tree end here
		return false
	}
	for dir := path.Dir(p); dir != "." && dir != "/"; dir = path.Dir(dir) {
		switch path.Base(dir) {
		case "node_modules", "vendor", "_vendor", "testdata", "fixtures", "__fixtures__", "examples", "example", "test", "tests", "third_party", "samples", "__tests__", "spec", "docs":
			return false
		}
	}
	return true
}

// Manifest says whether a path is a file that makes its directory a package of its own.
func Manifest(p string) bool {
	switch base := path.Base(p); base {
	case "package.json", "pyproject.toml", "setup.py", "setup.cfg", "Cargo.toml", "pom.xml", "Chart.yaml", "build.gradle", "build.gradle.kts", "mix.exs",
		"composer.json", "pubspec.yaml", "galaxy.yml", "go.mod":
		return true
	default:
		switch path.Ext(base) {
		case ".gemspec", ".csproj", ".fsproj", ".vbproj", ".podspec":
			return true
		}
	}
	return false
}

// Lock says whether a path only repeats what the file beside it states; beside is that file.
func Lock(p string) (beside string, ok bool) {
	switch dir, base := path.Split(p); base {
	case "package-lock.json", "npm-shrinkwrap.json":
		return dir + "package.json", true
	}
	return "", false
}

// ReadVersionFile finds the version that a file states, as it is written, and the line it stands on. A file of no
// kind known here is searched for a line that speaks of its version. ok is false when the file states none, or
// leaves it to others (a workspace, a plug-in, a file that it names).
func ReadVersionFile(p, text string) (version string, line int, ok bool) {
	if len(text) > maxFile {
		return "", 0, false
	}
	read := readerOf(p)
	if read == nil {
		read = matching(anyVersion)
	}
	version, line, ok = read(strings.TrimPrefix(text, "\ufeff"))
	if version = strings.TrimSpace(version); !ok || version == "" || len(version) > maxLength || !utf8.ValidString(version) {
		return "", 0, false
	}
	return version, line, true
}

// readerOf chooses by name.
func readerOf(p string) reader {
	base := path.Base(p)
	switch base {
	case "VERSION", "VERSION.txt", "version.txt", "Version.txt", ".version":
		return plainFile
	case "package.json", "composer.json", "lerna.json", "deno.json", "jsr.json", "package-lock.json", "npm-shrinkwrap.json":
		return jsonKey("version")
	case ".release-please-manifest.json":
		return jsonKey(".")
	case "pyproject.toml":
		return tomlKeys([]string{"project", "version"}, []string{"tool", "poetry", "version"})
	case "Cargo.toml":
		return tomlKeys([]string{"package", "version"}, []string{"workspace", "package", "version"})
	case "Chart.yaml", "pubspec.yaml", "galaxy.yml":
		return yamlVersion
	case "pom.xml":
		return pomVersion
	case "Directory.Build.props":
		return projectVersion
	case "gradle.properties":
		return matching(propertiesVersion)
	case "build.gradle", "build.gradle.kts":
		return matching(gradleVersion)
	case "setup.cfg":
		return setupCfg
	case "setup.py":
		return matching(setupPy)
	case "mix.exs":
		return matching(mixVersion)
	case "version.rb":
		return matching(rubyVersion)
	case "version.go", "Version.go":
		return goVersion
	case "_version.py", "__version__.py", "__about__.py", "version.py":
		return matching(pythonVersion)
	case "__init__.py":
		if dir := strings.TrimPrefix(path.Dir(p), "src/"); dir != "." && !strings.Contains(dir, "/") {
			return matching(pythonVersion)
		}
		return nil
	}
	switch path.Ext(base) {
	case ".csproj", ".fsproj", ".vbproj":
		return projectVersion
	case ".gemspec", ".podspec":
		return matching(gemspecVersion)
	}
	return nil
}

// Where no parser for the language is at hand: one statement, on a line of its own.
var (
	propertiesVersion = patterns.New(`(?m)^[ \t]*(?:version|VERSION_NAME|projectVersion)[ \t]*[=:][ \t]*([^\s#]+)`)
	gradleVersion     = patterns.New(`(?m)^version\s*=?\s*['"]([^'"$\n]+)['"]`)
	setupPy           = patterns.New(`(?m)^[ \t]*(?:setup\([ \t]*)?(?:__)?version(?:__)?\s*=\s*['"]([^'"\n]+)['"]`)
	mixVersion        = patterns.New(`(?m)^[ \t]*(?:@version[ \t]+|version:[ \t]*)"([^"#\n]+)"`)
	rubyVersion       = patterns.New(`(?m)^[ \t]*(?:\w+::)*VERSION\s*=\s*['"]([^'"#\n]+)['"]`)
	gemspecVersion    = patterns.New(`(?m)^[ \t]*\w+\.version\s*=\s*['"]([^'"#\n]+)['"]`)
	pythonVersion     = patterns.New(`(?m)^(?:__version__|VERSION|version)\s*(?::\s*[\w.\[\]]+\s*)?=\s*(?:version\s*=\s*)?[rubRUB]?['"]([^'"\n]+)['"]`)
	anyVersion        = patterns.New(`(?im)^[^\n]{0,200}?version[^0-9\n]{0,30}?(\d+\.\d+[0-9A-Za-z.+-]*)`)
)

// matching reads the first match's group.
func matching(re *patterns.Pattern) reader {
	return func(text string) (string, int, bool) {
		at := re.FindStringSubmatchIndex(text)
		if at == nil {
			return "", 0, false
		}
		return text[at[2]:at[3]], lineAt(text, at[2]), true
	}
}

// lineAt is the line of an offset, from 1.
func lineAt(text string, offset int) int {
	return 1 + strings.Count(text[:min(offset, len(text))], "\n")
}

// plainFile is a file that holds nothing but the version: its first line that is not empty, if that is one word.
func plainFile(text string) (string, int, bool) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		word := strings.TrimSpace(line)
		if word == "" || word[0] == '#' {
			continue
		}
		if len(word) > 1 && word[0] == 'v' && digit(word[1]) {
			word = word[1:]
		}
		return word, n, !strings.ContainsAny(word, " \t")
	}
	return "", 0, false
}

// setupCfg reads `version` of [metadata], unless it names a file or an attribute.
func setupCfg(text string) (string, int, bool) {
	section, n := "", 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if section == "metadata" && found && strings.TrimSpace(key) == "version" {
			value = strings.TrimSpace(value)
			return value, n, !strings.Contains(value, ":") // attr:, file:, env:
		}
	}
	return "", 0, false
}

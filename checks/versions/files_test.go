package versions

import (
	"strings"
	"testing"
)

func TestReadVersionFile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path, text, want string
		line             int
	}{
		"VERSION":                                {"VERSION", "\n1.2.3\n", "1.2.3", 2},
		"VERSION with a v":                       {"VERSION", "v1.2.3", "1.2.3", 1},
		"VERSION with a byte order mark":         {"VERSION", "\ufeff1.2.3\r\n", "1.2.3", 1},
		"VERSION that is no version":             {"VERSION", "soon\n", "soon", 1},
		"VERSION with prose":                     {"version.txt", "this is the version\n", "", 0},
		"empty VERSION":                          {"VERSION", "", "", 0},
		"package.json":                           {"web/package.json", "{\n  \"name\": \"x\",\n  \"dependencies\": {\"version\": \"9.9.9\"},\n  \"version\": \"1.2.3\"\n}", "1.2.3", 4},
		"package.json that says it twice":        {"package.json", `{"version":"1.0.0","version":"2.0.0"}`, "2.0.0", 1},
		"package.json without one":               {"package.json", `{"name":"x"}`, "", 0},
		"package.json with a number":             {"package.json", `{"version":1}`, "", 0},
		"package.json cut off":                   {"package.json", `{"version":"1.0.0",`, "", 0},
		"package.json that is a list":            {"package.json", `["version","1.0.0"]`, "", 0},
		"package-lock.json":                      {"package-lock.json", `{"name":"x","version":"1.2.3","packages":{"":{"version":"0"}}}`, "1.2.3", 1},
		"release-please manifest":                {".release-please-manifest.json", "{\n\".\": \"1.2.3\"}", "1.2.3", 2},
		"pyproject with project":                 {"pyproject.toml", "[build-system]\nrequires=[]\n[project]\nname='x'\nversion = \"1.2.3\"\n[tool.poetry]\nversion='9'\n", "1.2.3", 5},
		"pyproject with poetry":                  {"pyproject.toml", "[tool.poetry.dependencies]\nversion = '9'\n[tool.poetry]\nversion = '1.2.3'", "1.2.3", 4},
		"pyproject that is dynamic":              {"pyproject.toml", "[project]\ndynamic = [\"version\"]\n", "", 0},
		"pyproject with dotted keys":             {"pyproject.toml", "project.name='x'\nproject.version='1.2.3'\n", "1.2.3", 2},
		"pyproject that is broken":               {"pyproject.toml", "[project\nversion='1.2.3'", "", 0},
		"Cargo.toml of a package":                {"Cargo.toml", "[dependencies]\nserde = { version = \"1\" }\n[package]\nversion = \"1.2.3\"\n", "1.2.3", 4},
		"Cargo.toml of a workspace":              {"Cargo.toml", "[workspace.package]\nversion = \"1.2.3\"\n[package]\nversion.workspace = true\n", "1.2.3", 2},
		"Cargo.toml of a member":                 {"a/Cargo.toml", "[package]\nversion = { workspace = true }\n", "", 0},
		"pom.xml with parent and dependencies":   {"pom.xml", "<project>\n<parent><version>9</version></parent>\n<dependencies><dependency><version>8</version></dependency></dependencies>\n<version>1.2.3-SNAPSHOT</version>\n</project>", "1.2.3-SNAPSHOT", 4},
		"pom.xml with its parent's version":      {"pom.xml", "<project><parent><version>9</version></parent></project>", "", 0},
		"pom.xml with a revision":                {"pom.xml", "<project><version>${revision}${changelist}</version>\n<properties>\n<revision>1.2.3</revision></properties></project>", "1.2.3", 3},
		"pom.xml with an unknown property":       {"pom.xml", "<project><version>${mine}</version></project>", "", 0},
		"pom.xml in another encoding":            {"pom.xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<project xmlns=\"x\"><version>1.2.3</version></project>", "1.2.3", 2},
		"pom.xml that breaks off":                {"pom.xml", "<project><version>1.2.3</version>", "", 0},
		"Chart.yaml":                             {"Chart.yaml", "apiVersion: v2\nappVersion: \"9\"\nversion: 1.2.3 # x\ndependencies:\n- version: 8\n", "1.2.3", 3},
		"Chart.yaml with two numbers":            {"Chart.yaml", "version: 1.20\n", "1.20", 1},
		"Chart.yaml that is broken":              {"Chart.yaml", "version: [\n", "", 0},
		"gradle.properties":                      {"gradle.properties", "# version=0\nkotlin.version=9\nversion=1.2.3\n", "1.2.3", 3},
		"build.gradle":                           {"build.gradle", "plugins {\n  id 'x' version '9'\n}\nversion = '1.2.3'\n", "1.2.3", 4},
		"build.gradle.kts":                       {"build.gradle.kts", "group = \"x\"\nversion = \"1.2.3\"\n", "1.2.3", 2},
		"setup.cfg":                              {"setup.cfg", "[options]\nversion = 9\n[metadata]\nversion = 1.2.3\n", "1.2.3", 4},
		"setup.cfg that leaves it to a file":     {"setup.cfg", "[metadata]\nversion = attr: x.__version__\n", "", 0},
		"setup.py":                               {"setup.py", "setup(\n    name='x',\n    version='1.2.3',\n)", "1.2.3", 3},
		"mix.exs":                                {"mix.exs", "  @version \"1.2.3\"\n  def project, do: [version: @version]", "1.2.3", 1},
		"gemspec":                                {"x.gemspec", "Gem::Specification.new do |s|\n  s.version = '1.2.3'\nend", "1.2.3", 2},
		"version.rb":                             {"lib/x/version.rb", "module X\n  VERSION = \"1.2.3\".freeze\nend", "1.2.3", 2},
		"Go constant":                            {"internal/version.go", "package v\n\n// Version = \"9\"\nconst Version = \"1.2.3\"\n", "1.2.3", 4},
		"Go constant in a group with a type":     {"version.go", "package v\nconst (\n\tName = \"x\"\n\tversion string = `v1.2.3`\n)", "1.2.3", 4},
		"Go variable inside a function":          {"version.go", "package v\nfunc f() { var Version = \"1.2.3\" }", "", 0},
		"Go constant after a function":           {"version.go", "package v\nfunc f() { x := \"0\" }\nvar Version = \"1.2.3\"", "1.2.3", 3},
		"__init__.py":                            {"src/x/__init__.py", "\"\"\"doc\"\"\"\n__version__ = '1.2.3'\n", "1.2.3", 2},
		"__init__.py with a type":                {"x/__init__.py", "__version__: str = \"1.2.3\"\n", "1.2.3", 1},
		"_version.py as setuptools-scm writes":   {"x/_version.py", "__version__ = version = '1.2.3'\n", "1.2.3", 1},
		"csproj":                                 {"a/a.csproj", "<Project Sdk=\"x\">\n<PropertyGroup>\n<Version>1.2.3</Version></PropertyGroup><ItemGroup><PackageReference><Version>9</Version></PackageReference></ItemGroup></Project>", "1.2.3", 3},
		"csproj with a prefix":                   {"a.csproj", "<Project><PropertyGroup><VersionPrefix>1.2.3</VersionPrefix></PropertyGroup></Project>", "1.2.3", 1},
		"a declared file of no known kind":       {"src/config.h", "#define FOO\n#define APP_VERSION \"1.2.3-rc.1\"\n", "1.2.3-rc.1", 2},
		"a declared file that speaks of nothing": {"src/config.h", "#define FOO 1.2.3\n", "", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, line, ok := ReadVersionFile(test.path, test.text)
			if got != test.want || ok != (test.want != "") || line != test.line {
				t.Errorf("ReadVersionFile(%q, %q) = %q, %d, %v; want %q, %d", test.path, test.text, got, line, ok, test.want, test.line)
			}
		})
	}
}

func TestIsVersionFile(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"VERSION": true, "a/package.json": true, "node_modules/x/package.json": false, "test/fixtures/x/Cargo.toml": false,
		"src/x/__init__.py": true, "x/__init__.py": true, "x/y/__init__.py": false, "__init__.py": false, "README.md": false,
		"lib/x/version.rb": true, "go.mod": false, "pkg/version/version.go": true, "a.csproj": true, "package.json.bak": false, "": false,
	}
	for path, want := range tests {
		if got := IsVersionFile(path); got != want {
			t.Errorf("IsVersionFile(%q) = %v, want %v", path, got, want)
		}
	}
}

func FuzzReadVersionFile(f *testing.F) {
	for _, name := range []string{"VERSION", "package.json", "pyproject.toml", "Cargo.toml", "pom.xml", "Chart.yaml", "setup.cfg", "version.go", "a.csproj", "x.h"} {
		f.Add(name, "version = \"1.2.3\"")
		f.Add(name, "{\"version\": \"1.2.3\"}")
		f.Add(name, "<project><version>1.2.3</version></project>")
		f.Add(name, "[package]\nversion = '1.2.3'\n[project]\nversion='1'")
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		version, line, ok := ReadVersionFile(name, text)
		if ok != (version != "") || ok && (line < 1 || line > strings.Count(text, "\n")+1) {
			t.Errorf("ReadVersionFile(%q, %q) = %q, %d, %v: a version has a line of the text", name, text, version, line, ok)
		}
	})
}

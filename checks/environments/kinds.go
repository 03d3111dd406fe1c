package environments

import (
	"path"
	"strings"
)

// Kind says what a file is to a reader who keeps code and configuration apart.
type Kind int

// The kinds. Other is what none of the rules below knows, such as a lock file, a picture or a text.
const (
	Other  Kind = iota
	Code        // written to be run, shipped to every environment
	Build       // code that builds: it may ask what it builds for
	Data        // configuration and data in a common format
	Test        // tests, their data and their helpers
	Docs        // for people
	Vendor      // somebody else's, or generated
	CI          // pipelines: they deploy, so they name environments
)

// KindOf tells the kind from the path alone.
func KindOf(p string) Kind {
	base := path.Base(p)
	lower := strings.ToLower(base)
	ext := strings.TrimPrefix(path.Ext(lower), ".")
	switch k := kindOfFolder(p); {
	case k != Other:
		return k
	case docsExt(ext) || docsName(lower):
		return Docs
	case vendored(lower):
		return Vendor
	case testName(base, lower):
		return Test
	case ciName(lower):
		return CI
	case buildName(lower, ext):
		return Build
	case codeExt(ext) || lower == "dockerfile" || strings.HasPrefix(lower, "dockerfile."):
		return Code
	case configExt(ext) || dotenv(lower):
		return Data
	}
	return Other
}

// kindOfFolder looks at the folders: the first that says something counts.
func kindOfFolder(p string) Kind {
	before := ""
	for rest := p; ; {
		dir, after, more := strings.Cut(rest, "/")
		if !more {
			return Other
		}
		if k := folder(strings.ToLower(dir), before, after); k != Other {
			return k
		}
		before, rest = strings.ToLower(dir), after
	}
}

func folder(dir, before, after string) Kind {
	switch dir {
	case "node_modules", "vendor", "third_party", "bower_components", "site-packages", "dist", "generated", "__generated__", ".yarn", ".git":
		return Vendor
	case "docs", "doc", "documentation", "examples", "example", "samples", "sample", "changelog.d", "changelogs", ".changeset", ".changes":
		return Docs
	case "testdata", "fixtures", "__fixtures__", "__tests__", "__mocks__", "mocks", "__snapshots__", "spec", "specs", "cypress", "androidtest":
		return Test
	case "test", "tests", "testing", "e2e":
		// config/test/app.yml is the configuration of an environment called test.
		if contexts(before) && configExt(strings.TrimPrefix(path.Ext(after), ".")) {
			return Other
		}
		return Test
	case ".github", ".gitlab", ".circleci", ".azure-pipelines", ".buildkite", ".tekton", ".woodpecker", ".drone", ".teamcity":
		return CI
	case ".idea", ".vscode", ".devcontainer":
		return Other
	}
	if before == "src" && strings.HasSuffix(dir, "test") && dir != "latest" { // src/integrationTest, src/commonTest
		return Test
	}
	if i := strings.LastIndexByte(dir, '.'); i > 0 && (strings.HasSuffix(dir[i:], "tests") || dir[i:] == ".test") { // Shop.Tests, Basket.FunctionalTests
		return Test
	}
	return Other
}

func docsExt(ext string) bool {
	switch ext {
	case "md", "markdown", "mdx", "rst", "adoc", "asciidoc", "txt", "org", "ipynb":
		return true
	}
	return false
}

func docsName(lower string) bool {
	for _, p := range []string{"license", "copying", "readme", "changelog", "changes", "authors", "notice", "openapi.", "swagger."} {
		if strings.HasPrefix(lower, p) {
			return true
		}
	}
	return false
}

// vendored says that nobody wrote the file by hand.
func vendored(lower string) bool {
	switch lower {
	case "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "composer.lock", "go.sum", "go.mod", "go.work.sum", "gradlew", "gradlew.bat",
		"mvnw", "mvnw.cmd", "gradle.lockfile", "verification-metadata.xml", "flake.lock", "packages.lock.json":
		return true
	}
	for _, s := range []string{".lock", ".min.js", ".min.css", ".map", ".snap", ".pb.go", "_pb2.py", ".g.dart", ".designer.cs", ".lock.hcl", "_generated.go", ".gen.go"} {
		if strings.HasSuffix(lower, s) {
			return true
		}
	}
	return false
}

func testName(base, lower string) bool {
	ext := strings.TrimPrefix(path.Ext(lower), ".")
	stem := strings.TrimSuffix(lower, "."+ext)
	if !codeExt(ext) {
		return strings.HasSuffix(stem, ".spec") // config.test.json is an environment's
	}
	for _, s := range []string{"_test", ".test", ".spec", "_spec", ".stories", "-test", ".mock", ".e2e-spec", ".cy"} {
		if strings.HasSuffix(stem, s) {
			return true
		}
	}
	switch ext {
	case "java", "kt", "kts", "groovy", "scala", "cs", "fs", "vb", "swift", "php", "js", "ts":
		name := strings.TrimSuffix(base, path.Ext(base)) // not as long as stem: some letters take more bytes in lower case
		for _, s := range []string{"Test", "Tests", "TestCase", "Spec", "IT"} {
			if n := len(name) - len(s); n > 0 && name[n:] == s && (s != "IT" || 'a' <= name[n-1] && name[n-1] <= 'z') {
				return s != "Spec" || ext != "java" && ext != "cs" // JobSpec is no test there
			}
		}
	case "py", "rb", "c", "cc", "cpp":
		return strings.HasPrefix(lower, "test_") || lower == "conftest.py"
	}
	return strings.HasPrefix(lower, "jest.")
}

func ciName(lower string) bool {
	for _, p := range []string{".gitlab-ci", "azure-pipelines", "bitbucket-pipelines", "jenkinsfile", "buildspec", "cloudbuild", ".travis", "appveyor", ".drone", "codecov"} {
		if strings.HasPrefix(lower, p) {
			return true
		}
	}
	return false
}

// buildName knows the scripts of build tools, in which `mode === "production"` is how the tool is told what to make.
func buildName(lower, ext string) bool {
	switch lower {
	case "makefile", "gemfile", "rakefile", "gulpfile.js", "gruntfile.js", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts",
		"setup.py", "noxfile.py", "tasks.py", "build.sbt", "mix.exs", "magefile.go", "pom.xml":
		return true
	}
	switch ext {
	case "js", "ts", "cjs", "mjs", "mts", "cts":
		stem := strings.TrimSuffix(lower, "."+ext)
		return strings.HasSuffix(stem, ".config") || strings.HasPrefix(stem, "webpack.") || strings.HasPrefix(lower, ".") || strings.HasPrefix(stem, "rollup.")
	}
	return false
}

func codeExt(ext string) bool {
	switch ext {
	case "go", "js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte", "astro", "java", "kt", "kts", "groovy", "scala", "clj", "cljs",
		"py", "pyx", "rb", "erb", "rake", "php", "phtml", "cs", "cshtml", "razor", "fs", "vb", "rs", "c", "h", "cc", "cpp", "cxx", "hpp", "m", "mm", "swift",
		"dart", "ex", "exs", "eex", "heex", "erl", "hs", "lua", "pl", "pm", "r", "jl", "sh", "bash", "zsh", "fish", "ps1", "psm1", "bat", "cmd", "sql",
		"html", "htm", "hbs", "ejs", "pug", "haml", "slim", "jsp", "ftl", "tpl", "gotmpl", "css", "scss", "less", "tf", "bicep", "graphql", "proto", "nix", "zig", "nim":
		return true
	}
	return false
}

// configExt are the formats that configuration is written in.
func configExt(ext string) bool {
	switch strings.ToLower(ext) {
	case "yml", "yaml", "json", "jsonc", "json5", "toml", "properties", "ini", "cfg", "conf", "config", "env", "tfvars", "hcl", "xml", "cue":
		return true
	}
	return false
}

// dotenv says whether a file's name, in lower case, is .env or one of its variants.
func dotenv(lower string) bool {
	return lower == ".env" || strings.HasPrefix(lower, ".env.") || strings.HasPrefix(lower, ".env-") || strings.HasPrefix(lower, ".env_")
}

// contexts are the folders in which a folder or file that bears an environment's name is that environment's.
func contexts(dir string) bool {
	switch dir {
	case "config", "configs", "conf", "configuration", "configurations", "settings", "profiles", "properties", "vars", "variables", "parameters", "params",
		"deploy", "deployment", "deployments", "k8s", "kubernetes", "kustomize", "helm", "helm_deploy", "helmfile", "values", "charts", "chart", "manifests",
		"gitops", "argocd", "flux", "terraform", "tf", "tfvars", "infra", "infrastructure", "ops", "ansible", "group_vars", "nais", ".nais", ".env", ".envs",
		"workspace_variables", "clusters", "appsettings", "resources":
		return true
	}
	return places(dir)
}

// places are the folders whose every subfolder is an environment.
func places(dir string) bool {
	switch dir {
	case "overlays", "overlay", "environments", "environment", "envs", "env", "stages", "inventories":
		return true
	}
	return false
}

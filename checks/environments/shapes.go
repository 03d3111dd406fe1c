package environments

import (
	"path"
	"strings"
)

// place is where a path bears an environment's name.
type place struct {
	word   string // as spelled, in lower case
	family string // the path with that word (and others that mean the same) replaced by a star
	sure   bool   // the shape alone tells; else the family needs another environment beside it
	strong bool   // the word alone tells
}

// lookup tells an environment's usual name from a word; "" when it is none.
type lookup func(word string) (name string, strong bool)

// excluded are paths that are never an environment's configuration, whatever they are called.
func excluded(p string) bool {
	switch KindOf(p) {
	case Test, Docs, Vendor, CI:
		return true
	}
	for rest := p; ; {
		dir, after, more := strings.Cut(rest, "/")
		if !more {
			break
		}
		switch strings.ToLower(dir) {
		case "locales", "locale", "i18n", "lang", "langs", "languages", "translations", "l10n", "migrations", "migrate", "migration",
			"schemas", "schema", ".idea", ".vscode", ".devcontainer", "target":
			return true
		}
		rest = after
	}
	lower := strings.ToLower(path.Base(p))
	for _, n := range []string{"package.json", "tsconfig", "jsconfig", "composer.", ".eslintrc", "angular.", "babel", ".babelrc", "jest", "karma", "nodemon", "cypress",
		"requirements", "renovate", ".pre-commit", "mkdocs", "pyproject", "mypy", "tox.", "pom.xml", "project.json", "cargo.", "nx.", "turbo.", ".swcrc", "eslint", "stylelint", ".prettierrc"} {
		if strings.HasPrefix(lower, n) {
			return true
		}
	}
	for _, w := range words(lower) {
		switch w.word {
		case "example", "examples", "sample", "schema", "dist", "tmpl", "fixture", "fixtures", "mock", "mocks":
			return true
		}
	}
	return false
}

// locate finds the environment's name in a path.
func locate(p string, known lookup) (place, bool) {
	stem, ext, ok := split(path.Base(p))
	if !ok || excluded(p) {
		return place{}, false
	}
	dirs := strings.Split(path.Dir(p), "/")
	inDir, dirOK := locateFolder(dirs, ext, known)
	if dirOK && inDir.sure {
		return inDir.finish(p, known), true
	}
	if inName, ok := locateName(dirs, stem, ext, known); ok {
		return inName.finish(p, known), true
	}
	return inDir.finish(p, known), dirOK
}

// split takes a file's name apart: what may hold an environment's name, and the format. ok is false for formats
// that configuration is not written in. Scripts that are configuration by their place count, as "script".
func split(base string) (stem, ext string, ok bool) {
	if dot := strings.LastIndexByte(base, '.'); dot < 0 || dot > 0 && base[0] != '.' && !configExt(base[dot+1:]) && !script(base[dot+1:]) && !strings.EqualFold(base[dot:], ".tf") {
		return "", "", false // most of a large tree
	}
	lower := strings.ToLower(base)
	if dotenv(lower) {
		return lower[1:], "env", true
	}
	ext = strings.TrimPrefix(path.Ext(lower), ".")
	stem = strings.TrimSuffix(lower, "."+ext)
	switch {
	case ext == "json" && strings.HasSuffix(stem, ".tfvars"):
		return strings.TrimSuffix(stem, ".tfvars"), "tfvars", true
	case configExt(ext):
		return stem, ext, stem != ""
	case ext == "tf":
		return stem, ext, true
	case script(ext):
		return stem, "script", true
	}
	return "", "", false
}

// script says whether configuration may be written in the language.
func script(ext string) bool {
	switch strings.ToLower(ext) {
	case "rb", "exs", "ts", "js", "py", "php", "cjs", "mjs":
		return true
	}
	return false
}

// locateFolder finds deploy/prod/…, overlays/… and environments/….
func locateFolder(dirs []string, ext string, known lookup) (place, bool) {
	if ext == "script" {
		return place{}, false
	}
	weak, found := place{}, false
	for i := len(dirs) - 1; i >= 0; i-- {
		dir := strings.ToLower(dirs[i])
		before := ""
		if i > 0 {
			before = strings.ToLower(dirs[i-1])
		}
		name, strong := known(dir)
		switch {
		case name != "" && i > 0 && contexts(before):
			return place{word: dir, sure: strong || places(before), strong: strong}, true
		case i > 0 && places(before) && before != "environment" && before != "env" && !shared(dir) && dir != "modules" && dir != "src" && !places(dir):
			return place{word: dir, sure: true}, true
		case name != "" && strong && !found && ext != "tf":
			weak, found = place{word: dir, strong: true}, true
		}
	}
	return weak, found
}

// shared are the names of what holds for all environments.
func shared(word string) bool {
	switch word {
	case "base", "bases", "common", "shared", "default", "defaults", "global", "_global", "globals", "all", "any", "main":
		return true
	}
	return false
}

// locateName finds application-prod.yml, .env.production, prod.tfvars and their like.
func locateName(dirs []string, stem, ext string, known lookup) (place, bool) {
	ws := words(stem)
	at, strong := -1, false
	for i, w := range ws {
		if name, s := known(w.word); name != "" && (at < 0 || s || !strong) {
			at, strong = i, s
		}
	}
	parent := strings.ToLower(dirs[len(dirs)-1])
	if at < 0 {
		// ASP.NET names its environments as it likes.
		if len(ws) == 2 && ws[0].word == "appsettings" && ext == "json" && !shared(ws[1].word) {
			return place{word: ws[1].word, sure: true}, true
		}
		return place{}, false
	}
	pl := place{word: ws[at].word, strong: strong}
	if ext == "script" {
		// config/production.rb, settings/prod.py, environments/environment.prod.ts: by place and bare name only.
		bare := len(ws) == 1 && (places(parent) || parent == "config" || parent == "settings")
		angular := len(ws) == 2 && ws[0].word == "environment" && parent == "environments"
		pl.sure = angular || bare && (strong || parent == "environments")
		return pl, bare || angular
	}
	if ext == "tf" || len(ws) > 5 {
		return place{}, false
	}
	if conda(ws, parent, ext) {
		return place{}, false
	}
	switch {
	case ext == "env" || ext == "tfvars":
		pl.sure = true
	case len(ws) == 1:
		pl.sure = strong && (contexts(parent) || strings.Contains(parent, "config")) || places(parent) || parent == "settings"
	default:
		pl.sure = (strong || first(ws)) && prefix(ws, at)
	}
	return pl, true
}

// conda says that environment-dev.yml lists packages.
func conda(ws []span, parent, ext string) bool {
	return (ext == "yml" || ext == "yaml") && ws[0].word == "environment" && !places(parent)
}

// first says that the name starts as the frameworks with profiles have it, so that even `test` is an environment.
func first(ws []span) bool {
	switch ws[0].word {
	case "application", "bootstrap", "appsettings", "values":
		return true
	}
	return false
}

// prefix says that another word of the name tells of configuration.
func prefix(ws []span, at int) bool {
	for i, w := range ws {
		if i == at {
			continue
		}
		switch w.word {
		case "application", "bootstrap", "values", "appsettings", "settings", "setting", "config", "configuration", "conf", "app", "vars", "variables", "env", "secrets",
			"secret", "parameters", "params", "nais", "web", "server", "compose", "properties", "deployment", "deploy", "manifest", "backend", "kustomization", "configmap", "ingress":
			return true
		}
	}
	return false
}

// finish writes the family: every word of the path that means the same environment becomes a star.
func (pl place) finish(p string, known lookup) place {
	name, _ := known(pl.word)
	same := func(w string) bool {
		if w == pl.word {
			return true
		}
		n, _ := known(w)
		return name != "" && n == name
	}
	parts := strings.Split(p, "/")
	for i, part := range parts {
		if parts[i] = star(part, same); strings.ToLower(part) == pl.word { // eu-1 is one word as a folder
			parts[i] = "*"
		}
	}
	pl.family = strings.Join(parts, "/")
	// YAML's two endings, and Spring's two formats, are one.
	if ext := path.Ext(pl.family); ext == ".yaml" || ext == ".properties" && strings.HasPrefix(path.Base(pl.family), "application-") {
		pl.family = strings.TrimSuffix(pl.family, ext) + ".yml"
	}
	return pl
}

func star(part string, same func(string) bool) string {
	var b strings.Builder
	last := 0
	for _, w := range words(part) {
		if same(w.word) {
			b.WriteString(part[last:w.from])
			b.WriteByte('*')
			last = w.to
		}
	}
	if last == 0 {
		return part
	}
	b.WriteString(part[last:])
	return b.String()
}

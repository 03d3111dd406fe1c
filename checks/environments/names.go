package environments

import "strings"

// alias returns the usual name of an environment for one of its spellings, and whether the spelling alone is proof
// enough: `production` in a file's name hardly means anything else, `live` or `test` may.
func alias(word string) (name string, strong bool) {
	switch word {
	case "production", "prod", "prd":
		return "production", true
	case "staging", "stage", "stg":
		return "staging", true
	case "preproduction", "preprod", "preprd":
		return "preproduction", true
	case "development", "devel", "develop", "dev":
		return "development", true
	case "uat", "sandbox", "sbx", "nonprod":
		return map[string]string{"uat": "uat", "sandbox": "sandbox", "sbx": "sandbox", "nonprod": "nonproduction"}[word], true
	case "live":
		return "production", false
	case "pre":
		return "preproduction", false
	case "test", "testing", "tst":
		return "test", false
	case "int", "integration", "integ":
		return "integration", false
	case "acc", "acceptance":
		return "acceptance", false
	case "perf", "performance":
		return "performance", false
	case "local", "qa", "aat", "demo", "preview", "review", "loadtest", "canary", "dr", "ci", "docker", "e2e", "training":
		return word, false
	}
	return "", false
}

// side says of a usual name that it is no stop on the way to production: nothing is deployed there, or only one change
// for as long as it is looked at, with databases and neighbours brought along. What keys it has is its own affair.
func side(name string) bool {
	switch name {
	case "local", "ci", "docker", "e2e", "preview", "review":
		return true
	}
	return false
}

// Name returns the usual name for a spelling: "production" for "prd", and the word itself when it is not known.
func Name(word string) string {
	word = strings.ToLower(word)
	if name, _ := alias(word); name != "" {
		return name
	}
	return word
}

// Known says whether the word is a usual spelling of an environment's name.
func Known(word string) bool {
	name, _ := alias(strings.ToLower(word))
	return name != ""
}

// words cuts a name at dots, dashes and underscores: "app-prod.settings" gives app, prod, settings with their places.
// "pre-prod" and "non-prod" are one word.
func words(s string) []span {
	var out []span
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && s[j] != '.' && s[j] != '-' && s[j] != '_' {
			j++
		}
		if j > i {
			w := span{i, j, strings.ToLower(s[i:j])}
			if n := len(out); n > 0 && (out[n-1].word == "pre" || out[n-1].word == "non") && out[n-1].to == i-1 && isProd(w.word) {
				out[n-1] = span{out[n-1].from, j, out[n-1].word + "prod"}
			} else {
				out = append(out, w)
			}
		}
		i = j + 1
	}
	return out
}

func isProd(word string) bool { return word == "prod" || word == "production" }

// span is a word of a name, in lower case, and where it stands.
type span struct {
	from, to int
	word     string
}

package baked

import (
	"strings"

	"github.com/sluicegate/sluice/checks/environments"
	"github.com/sluicegate/sluice/checks/patterns"
)

var (
	// compared is an operator or a comparing call with a word after it; what is before is looked at by names.
	compared = patterns.New(`(?:===?|!==?|=~|<>|\s-eq|\s-ne|\beq\b|\bne\b|\bis(?: not)?\b|\bin\b|\.(?:equals|equalsIgnoreCase|eql\?|casecmp\??|startsWith|startswith|start_with\?|includes|include\?|contains|matches|compareTo|localeCompare|equalsIgnoringCase)\()` +
		`\s*[(\[{]*\s*(?:u|r|f|b)?["'` + "`" + `:]?!?\^?([A-Za-z][A-Za-z0-9_-]{1,24})`)
	// turned is the same with the word first: "production" === env, ["dev", "test"].includes(env), "prod".equals(env).
	turned = patterns.New(`["'` + "`" + `]([A-Za-z][A-Za-z0-9_-]{1,24})["'` + "`" + `]\s*[\])}]?\s*(?:===?|!==?|<>|\.(?:equals|equalsIgnoreCase|includes|include\?|contains|indexOf|eql\?)\(|\b(?:not )?in\b)\s*([^;{}&|?]{1,60})`)
	// called compares two arguments: strings.EqualFold(env, "production"), eq .Values.env "prod".
	called = patterns.New(`(?:\bEqualFold|\b(?:Objects|StringUtils|TextUtils)\.equals\w*|\bstrcmp|\bstrcasecmp|[({]-?\s*(?:if|else if|with)?\s*\(?(?:eq|ne)\b|\bstring\.Equals)\s*\(?\s*([^;{}]{1,60}?),?\s+["']([A-Za-z][\w-]{1,24})["']`)
	// asked are the methods by which frameworks ask for an environment.
	asked = patterns.New(`\bRails\.env\.(?P<a>[a-z_]+)\?|\b\w*(?:[eE]nv|[eE]nvironment)(?:\(\))?\.[iI]s_?(?P<b>Production|Prod|Staging|Development|Dev|Local|Testing|production|staging|development|local|testing)\b|` +
		`\bIsEnvironment\(\s*"(?P<c>\w+)"|\bApp::environment\(\s*\[?\s*['"](?P<d>[\w-]+)|\bapp\(\)->(?:environment\(\s*\[?\s*['"](?P<e>[\w-]+)|is(?P<f>Production|Local)\()|` +
		`@Profile\(\s*(?:value\s*=\s*)?[{(\[]*\s*"!?(?P<g>[\w-]+)|(?:acceptsProfiles|getActiveProfiles)\(.{0,60}?"!?(?P<h>[\w-]+)"|\bimport\.meta\.env\.(?P<i>PROD|DEV)\b`)
	// chosen is the head of a switch, opened by what is switched on.
	chosen = patterns.New(`\b(?:switch|match|when|case)\b\s*\(?\s*([^{}]{1,60}?)\)?\s*(?:\{|:|\bin\b|\bdo\b|\bof\b|$)`)
	// branch is one arm of it.
	branch = patterns.New(`^\s*(?:case|when|in|\|)?\s*\(?(["'` + "`" + `:]?)([A-Za-z][A-Za-z0-9_-]{1,24})["'` + "`" + `]?\s*(?:,|:|->|=>|\)|\||then|do|$)`)
	// shell is a test in brackets, where a single = compares and words need no quotes.
	shell = patterns.New(`(?:\[\[?|\btest)\s+["']?\$\{?(\w+)[^\]\s"']*["']?\s*(?:==?|!=|=~)\s*["']?\^?([A-Za-z][\w-]{1,24})`)

	sureName = patterns.New(`(?:^|[^A-Za-z0-9])(?:[A-Za-z0-9]+_)*(?i:env|environment)(?:_?(?i:name|type))?(?:[^A-Za-z0-9_(.]|\.?\(\)|\.(?:to_?[a-zA-Z]+|lower|upper|strip|trim|ToLower|ToUpper|name|value|inquiry|downcase|upcase)\b|\)|$)|[a-z0-9](?:Env|Environment)(?:Name|Type)?(?:[^A-Za-z0-9_]|$)|\bRails\.env\b|_ENV(?:IRONMENT)?\b|\bSPRING_PROFILES_ACTIVE\b`)
	weakName = patterns.New(`(?:^|[^A-Za-z0-9])(?:[A-Za-z0-9]+_)*(?i:stage|profile|mode|env|environment|environ|ENV)(?:_?(?i:name))?(?:[^A-Za-z0-9_]|$)|[a-z0-9](?:Stage|Profile|Profiles)(?:Name)?(?:[^A-Za-z0-9_]|$)|(?i:active_?profiles?)`)
)

// brancher finds code that branches on an environment's name, line by line.
type brancher struct {
	names  map[string]bool // that the policy uses
	shell  bool
	opened int  // line of the switch on an environment that may still be open; 0: none
	sure   bool // what it switches on is an environment by its name
}

// longestLine is what a person writes; a minified file's line is no place where somebody branches by hand.
const longestLine = 20_000

// find returns the environment that the line of code branches on, or "".
func (b *brancher) find(n int, code string) string {
	if len(code) > longestLine {
		return ""
	}
	if name := b.arm(n, code); name != "" {
		return name
	}
	if !speaksOfEnvironments(code) {
		return ""
	}
	if b.namesOne(code) {
		for _, m := range asked.FindAllStringSubmatch(code, -1) {
			for _, word := range m[1:] {
				if word != "" && b.known(word, true) {
					return environments.Name(word)
				}
			}
		}
		if name := b.comparison(code); name != "" {
			return name
		}
	}
	if !opens(code) {
		return ""
	}
	if m := chosen.FindStringSubmatch(code); m != nil && confidence(m[1]) > 0 {
		b.opened, b.sure = n, confidence(m[1]) > 1
	}
	return ""
}

// speaksOfEnvironments is a quick test before any expression is tried: env, profile, stage or mode in any spelling.
func speaksOfEnvironments(code string) bool {
	for i := 1; i < len(code); i++ {
		switch code[i] | 0x20 {
		case 'v':
			if code[i-1]|0x20 == 'n' {
				return true
			}
		case 'o':
			if hasFold(code[i:], "ofile") || hasFold(code[i-1:], "mode") {
				return true
			}
		case 't':
			if hasFold(code[i:], "tage") {
				return true
			}
		}
	}
	return false
}

// hasFold says whether s starts with the lower-case prefix, in any case.
func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// namesOne is the second: an environment's name, or a piece of it, must be there too.
func (b *brancher) namesOne(code string) bool {
	lower := strings.ToLower(code)
	for _, w := range [...]string{"prod", "prd", "stag", "stg", "dev", "test", "qa", "uat", "local", "live", "sandbox", "preview", "demo", "integration", "\"ci", "'ci", "acceptance"} {
		if strings.Contains(lower, w) {
			return true
		}
	}
	for n := range b.names {
		if strings.Contains(lower, n) {
			return true
		}
	}
	return false
}

// opens is the same for the head of a switch.
func opens(code string) bool {
	return strings.Contains(code, "switch") || strings.Contains(code, "match") || strings.Contains(code, "when") || strings.Contains(code, "case")
}

// arm finds a branch of a switch that was opened above. One arm tells; the others need no telling.
func (b *brancher) arm(n int, code string) string {
	if b.opened == 0 || n <= b.opened {
		return ""
	}
	if n > b.opened+40 {
		b.opened = 0
		return ""
	}
	if m := branch.FindStringSubmatch(code); m != nil && (m[1] != "" || b.shell) && b.known(m[2], b.sure) {
		b.opened = 0
		return environments.Name(m[2])
	}
	return ""
}

func (b *brancher) comparison(code string) string {
	for _, m := range compared.FindAllStringSubmatchIndex(code, -1) {
		word := code[m[2]:m[3]]
		if sure := confidence(operand(code[:m[0]])); sure > 0 && b.literal(code, m[2]) && b.known(word, sure > 1) {
			return environments.Name(word)
		}
	}
	for _, m := range turned.FindAllStringSubmatch(code, -1) {
		if sure := confidence(m[2]); sure > 0 && b.known(m[1], sure > 1) {
			return environments.Name(m[1])
		}
	}
	for _, m := range called.FindAllStringSubmatch(code, -1) {
		if sure := confidence(m[1]); sure > 0 && b.known(m[2], sure > 1) {
			return environments.Name(m[2])
		}
	}
	if b.shell {
		for _, m := range shell.FindAllStringSubmatch(code, -1) {
			if sure := confidence(m[1]); sure > 0 && b.known(m[2], sure > 1) {
				return environments.Name(m[2])
			}
		}
	}
	return ""
}

// literal says that the word at i is a string or a symbol, not a name in the code.
func (b *brancher) literal(code string, i int) bool {
	return i > 0 && strings.IndexByte("\"'`:!^", code[i-1]) >= 0
}

// operand is the end of an expression: what the operator after it compares.
func operand(s string) string {
	s = s[max(0, len(s)-300):]
	if i := strings.LastIndexAny(s, ";{}&|?"); i >= 0 {
		s = s[i+1:]
	}
	for _, w := range []string{" and ", " or ", " if ", "if (", "return ", "unless ", ", "} {
		if i := strings.LastIndex(s, w); i >= 0 && !(w == ", " && strings.HasSuffix(strings.TrimSpace(s), ")")) {
			s = s[i+len(w):]
		}
	}
	if len(s) > 80 {
		s = s[len(s)-80:]
	}
	return strings.TrimSpace(s)
}

// confidence says whether an expression is an environment's name by its own name: 2 surely, 1 perhaps, 0 no.
func confidence(expression string) int {
	switch {
	case strings.Contains(expression, "typeof"):
		return 0
	case sureName.MatchString(expression):
		return 2
	case weakName.MatchString(expression):
		return 1
	}
	return 0
}

// known says that the word is an environment's name; where the other side is not sure, only one that is hardly
// anything else.
func (b *brancher) known(word string, sure bool) bool {
	lower := strings.ToLower(word)
	if b.names[lower] {
		return true
	}
	switch lower {
	case "production", "prod", "prd", "staging", "stg", "preprod", "preproduction", "uat", "nonprod":
		return true
	case "development", "dev", "stage", "test", "testing", "qa", "local", "live", "sandbox", "preview", "demo", "integration", "ci", "acceptance":
		return sure
	}
	return false
}

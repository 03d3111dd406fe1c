package secrets

import (
	"regexp"
	"strings"
	"sync"
)

// file is what Sluice reads of gitleaks' configuration.
type file struct {
	Allowlist allowlist `toml:"allowlist"`
	Rules     []*rule   `toml:"rules"`
}

// rule is one of gitleaks'. Its expressions are compiled when first needed: most never are.
type rule struct {
	ID          string       `toml:"id"`
	Description string       `toml:"description"`
	Regex       string       `toml:"regex"`
	Path        string       `toml:"path"`
	SecretGroup int          `toml:"secretGroup"`
	Entropy     float64      `toml:"entropy"`
	Keywords    []string     `toml:"keywords"`
	Allowlists  []*allowlist `toml:"allowlists"`

	regex func() *regexp.Regexp
	quick func() *regexp.Regexp // nil, or what matches wherever regex does
	path  func() *regexp.Regexp // nil when the rule is for all paths
	long  bool                  // its matches may span many lines
	run   int                   // see least
	digit bool
}

// allowlist is what gitleaks knows to be harmless.
type allowlist struct {
	Condition   string   `toml:"condition"`
	Paths       []string `toml:"paths"`
	RegexTarget string   `toml:"regexTarget"`
	Regexes     []string `toml:"regexes"`
	StopWords   []string `toml:"stopwords"`

	paths, regexes func() *regexp.Regexp // nil when there are none
	stops          func() *words
}

// rules are gitleaks' own, made ready once and when first needed.
type rules struct {
	all      []*rule
	allow    *allowlist
	keywords *words
	// of maps a keyword's number to the rules that have it.
	of     [][]int
	always []int // rules without keywords
}

var load = sync.OnceValue(func() *rules { return read(gitleaks()) })

// read makes a configuration ready.
func read(f *file) *rules {
	rs := &rules{allow: &f.Allowlist}
	rs.allow.prepare()
	number := map[string]int{}
	var all []string
	for _, r := range f.Rules {
		if r.Regex == "" { // such a rule is for paths alone: key stores, which are no text
			continue
		}
		r.prepare()
		i := len(rs.all)
		rs.all = append(rs.all, r)
		if len(r.Keywords) == 0 {
			rs.always = append(rs.always, i)
		}
		for _, k := range r.Keywords {
			k = strings.ToLower(k)
			n, ok := number[k]
			if !ok {
				n = len(all)
				number[k] = n
				all = append(all, k)
				rs.of = append(rs.of, nil)
			}
			rs.of[n] = append(rs.of[n], i)
		}
	}
	rs.keywords = newWords(all)
	return rs
}

// beforeName is how most of gitleaks' expressions start: with what may stand before a name, which costs Go's engine
// most of its time. Whether there is a match at all is decided without it; where it starts, with it.
const beforeName = `[\w.-]{0,50}?`

func (r *rule) prepare() {
	r.regex = lazy(r.Regex)
	if quick := strings.ReplaceAll(r.Regex, beforeName, ""); quick != r.Regex {
		r.quick = lazy(quick)
	}
	r.run, r.digit = least(r.ID)
	if r.Path != "" {
		r.path = lazy(r.Path)
	}
	r.long = strings.Contains(r.Regex, `[\s\S`) || strings.Contains(r.Regex, `(?s`)
	for _, a := range r.Allowlists {
		a.prepare()
	}
}

func (a *allowlist) prepare() {
	if len(a.Paths) > 0 {
		a.paths = lazy(either(a.Paths))
	}
	if len(a.Regexes) > 0 {
		a.regexes = lazy(either(a.Regexes))
	}
	if len(a.StopWords) > 0 {
		a.stops = sync.OnceValue(func() *words {
			lower := make([]string, len(a.StopWords))
			for i, w := range a.StopWords {
				lower[i] = strings.ToLower(w)
			}
			return newWords(lower)
		})
	}
}

func either(patterns []string) string {
	return "(?:" + strings.Join(patterns, ")|(?:") + ")"
}

func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// allows says that the allowlist knows the finding to be harmless.
func (a *allowlist) allows(path, secret, match, line string) bool {
	target := secret
	switch a.RegexTarget {
	case "match":
		target = match
	case "line":
		target = line
	}
	var asked, met int
	ask := func(ok bool) {
		asked++
		if ok {
			met++
		}
	}
	if a.paths != nil {
		ask(a.paths().MatchString(path))
	}
	if a.regexes != nil {
		ask(a.regexes().MatchString(target))
	}
	if a.stops != nil {
		ask(a.stops().in(strings.ToLower(secret)))
	}
	if a.Condition == "AND" || a.Condition == "and" {
		return asked > 0 && met == asked
	}
	return met > 0
}

// Package secrets finds secrets in added lines, by the rules that gitleaks publishes.
//
// The rules, their keywords, entropies and allowlists are gitleaks' own, compiled in word for word; the scanning is done
// here, since gitleaks' detector brings readers of archives and repositories along, compiles all rules at start, and
// honours marks in the text (`gitleaks:allow`) by which a change could excuse itself. No mark is honoured here.
//
// It refuses to return a secret: a Finding says where one is and of what sort, and holds a digest to compare by.
package secrets

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/sorting"
)

// Line is one line of a file.
type Line struct {
	N    int // from 1
	Text string
}

// Finding is one secret.
type Finding struct {
	Rule    string // "aws-access-token"
	What    string // "AWS access token"
	Line    int    // where it starts
	EndLine int
	Column  int    // byte in the line where the match starts, from 0
	Digest  string // SHA-256 of the secret, hex: equal for equal secrets
	// Generic says that the rule goes by a name such as `key` or `token` beside something random, not by the form of
	// a known vendor's secrets.
	Generic bool
}

// Bounds: a window is what a rule is given to look at around one of its keywords.
const (
	windowLines = 1     // lines after the keyword's
	longLines   = 120   // after, for rules whose secrets span lines
	windowBytes = 1_500 // to each side, in lines as long as a minified file's
)

// ErrTooMuch says that the text speaks of so many secrets that looking at all of it would take too long.
var ErrTooMuch = errors.New("holds too much that may be a secret to be searched")

// Budget bounds the work of several scans: it is how many bytes may be put to expressions. Ordinary code needs a
// twentieth of its own size; a text made of nothing but keywords would need its size for each of the rules.
type Budget struct{ left int }

// NewBudget returns what is enough for any change that was written by hand.
func NewBudget() *Budget { return &Budget{2 << 20} }

// Scan looks at the lines of one file, which need not be all of it; lines whose numbers follow on one another are
// read as one text. Findings come by line. Without a path no rule for certain paths applies. It fails with ErrTooMuch
// when the budget is spent.
func Scan(path string, lines []Line, budget *Budget) ([]Finding, error) {
	rs := load()
	var found []Finding
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n].N == lines[n-1].N+1 {
			n++
		}
		more, err := rs.block(path, lines[:n], budget)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
		lines = lines[n:]
	}
	if len(found) > 0 && rs.allow.paths().MatchString(path) { // asked last: most files hold nothing
		return nil, nil
	}
	return settle(found), nil
}

// block is a run of lines as one text.
type block struct {
	text   string
	starts []int // offset of each line
	runs   []runs
	first  int // number of the first
}

func (rs *rules) block(path string, lines []Line, budget *Budget) ([]Finding, error) {
	b := block{first: lines[0].N, starts: make([]int, len(lines)), runs: make([]runs, len(lines))}
	size := 0
	for i, l := range lines {
		b.starts[i], b.runs[i] = size, measure(l.Text)
		size += len(l.Text) + 1
	}
	buf := make([]byte, 0, size)
	for _, l := range lines {
		buf = append(append(buf, l.Text...), '\n')
	}
	b.text = string(buf)
	for i, c := range buf {
		if 'A' <= c && c <= 'Z' {
			buf[i] = c + 'a' - 'A'
		}
	}
	return rs.scan(path, &b, buf, budget)
}

// scan gives each rule the windows around its keywords.
func (rs *rules) scan(path string, b *block, lower []byte, budget *Budget) ([]Finding, error) {
	windows := map[int][]span{}
	rs.keywords.walk(lower, func(h hit) bool {
		for _, i := range rs.of[h.word] {
			r := rs.all[i]
			w := b.window(h.from, h.to-1, r.long)
			if ws := windows[i]; len(ws) > 0 && w.from <= ws[len(ws)-1].to {
				ws[len(ws)-1].to = max(ws[len(ws)-1].to, w.to)
			} else if b.plausible(r, w) {
				windows[i] = append(ws, w)
			}
		}
		return true
	})
	for _, i := range rs.always {
		windows[i] = []span{{0, len(b.text)}}
	}
	var found []Finding
	for i, r := range rs.all {
		for _, w := range windows[i] {
			if budget.left -= w.to - w.from; budget.left < 0 {
				return nil, ErrTooMuch
			}
			more, ok := rs.match(r, path, b, w, budget)
			if !ok {
				return nil, ErrTooMuch
			}
			found = append(found, more...)
		}
	}
	return found, nil
}

type span struct{ from, to int }

// lineOf is the index of the line that holds the offset.
func (b *block) lineOf(offset int) int {
	i, exact := slices.BinarySearch(b.starts, offset)
	if !exact {
		i--
	}
	return i
}

func (b *block) window(from, to int, long bool) span {
	i := b.lineOf(from)
	after := windowLines
	if long {
		after = longLines
	}
	w := span{b.starts[i], len(b.text)}
	if j := i + after + 1; j < len(b.starts) {
		w.to = b.starts[j]
	}
	reach := windowBytes
	if long {
		reach = 10 * windowBytes
	}
	return span{max(w.from, from-windowBytes), min(w.to, to+reach)}
}

// match applies one rule to one window; ok is false when that spends the budget. What matches is put to the
// allowlists' expressions with its line, which costs too.
func (rs *rules) match(r *rule, path string, b *block, w span, budget *Budget) (_ []Finding, ok bool) {
	if r.path != nil && !r.path().MatchString(path) {
		return nil, true
	}
	text := b.text[w.from:w.to]
	if r.quick != nil && !r.quick().MatchString(text) {
		return nil, true
	}
	var found []Finding
	for _, at := range r.regex().FindAllStringSubmatchIndex(text, -1) {
		match := strings.Trim(text[at[0]:at[1]], "\n")
		secret := r.secret(text, at, match)
		line := b.lineOf(w.from + at[0])
		if budget.left -= len(match) + len(b.line(line, w.from+at[0])); budget.left < 0 {
			return nil, false
		}
		if r.Entropy > 0 && entropy(secret) <= r.Entropy || rs.harmless(r, path, secret, match, b.line(line, w.from+at[0])) {
			continue
		}
		start := w.from + at[0] + leading(text[at[0]:at[1]])
		line = b.lineOf(start)
		sum := sha256.Sum256([]byte(secret))
		found = append(found, Finding{
			Rule: r.ID, What: r.name(), Line: b.first + line, EndLine: b.first + b.lineOf(start+len(match)-1),
			Column: start - b.starts[line], Digest: hex.EncodeToString(sum[:]), Generic: r.generic(),
		})
	}
	return found, true
}

func leading(s string) int { return len(s) - len(strings.TrimLeft(s, "\n")) }

// line is the i-th, or so much of it as stands around the offset.
func (b *block) line(i, offset int) string {
	end := len(b.text)
	if i+1 < len(b.starts) {
		end = b.starts[i+1]
	}
	return b.text[max(b.starts[i], offset-windowBytes):min(end, offset+windowBytes)]
}

// secret is the group that the rule names, or the first that is not empty, or the whole match.
func (r *rule) secret(text string, at []int, match string) string {
	group := func(i int) string {
		if 2*i+1 < len(at) && at[2*i] >= 0 {
			return text[at[2*i]:at[2*i+1]]
		}
		return ""
	}
	if r.SecretGroup > 0 {
		return group(r.SecretGroup)
	}
	for i := 1; 2*i < len(at); i++ {
		if s := group(i); s != "" {
			return s
		}
	}
	return match
}

func (rs *rules) harmless(r *rule, path, secret, match, line string) bool {
	if placeholder(secret) || rs.allow.allows(path, secret, match, line) {
		return true
	}
	return slices.ContainsFunc(r.Allowlists, func(a *allowlist) bool { return a.allows(path, secret, match, line) })
}

// placeholder says that the secret is a word that stands for one.
func placeholder(secret string) bool {
	s := strings.ToLower(secret)
	for _, w := range []string{"example", "changeme", "change-me", "change_me", "placeholder", "redacted", "your-", "your_", "xxxxxx", "dummy", "<", "${", "{{"} {
		if strings.Contains(s, w) {
			return !strings.Contains(s, "private key-----")
		}
	}
	return false
}

// generic rules go by a name beside the secret.
func (r *rule) generic() bool {
	switch r.ID {
	case "generic-api-key", "hashicorp-tf-password", "curl-auth-user", "curl-auth-header", "kubernetes-secret-yaml", "sourcegraph-access-token", "jwt", "jwt-base64":
		return true
	}
	return false
}

// least is how long a run of letters, digits and the likes of `-` a rule's match must hold, for the rules whose
// keywords stand in every other line of code: "key" has jwt's "ey". For generic-api-key the run needs a digit too,
// since its allowlist drops what has none.
func least(rule string) (run int, digit bool) {
	switch rule {
	case "generic-api-key":
		return 10, true
	case "jwt":
		return 36, false
	case "vault-service-token":
		return 26, false
	case "twilio-api-key":
		return 34, false
	}
	return 0, false
}

// runs are the longest in a line: of any kind, and with a digit.
type runs struct{ any, digit int }

func measure(line string) runs {
	var r runs
	run, digit := 0, false
	for i := range len(line) {
		switch c := line[i]; {
		case '0' <= c && c <= '9' || c == '=' || c == '+' || c == '/':
			run, digit = run+1, true
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '.' || c == '-' || c == '\\':
			run++
		default:
			run, digit = 0, false
		}
		r.any = max(r.any, run)
		if digit {
			r.digit = max(r.digit, run)
		}
	}
	return r
}

// plausible is a quick test of the lines of a window before a rule is put to it.
func (b *block) plausible(r *rule, w span) bool {
	if r.run == 0 {
		return true
	}
	for i := b.lineOf(w.from); i < len(b.starts) && b.starts[i] < w.to; i++ {
		if n := b.runs[i]; r.digit && n.digit >= r.run || !r.digit && n.any >= r.run {
			return true
		}
	}
	return false
}

// name is the rule's, in words: "aws-access-token" reads "AWS access token".
func (r *rule) name() string {
	parts := strings.Split(r.ID, "-")
	for i, p := range parts {
		switch p {
		case "aws", "gcp", "api", "jwt", "npm", "pypi", "ssh", "url", "id", "tf", "oauth", "pat", "sso":
			parts[i] = strings.ToUpper(p)
		}
	}
	return strings.Join(parts, " ")
}

// settle sorts the findings and keeps one for each secret on a line: the vendor's rule, if there is one.
func settle(found []Finding) []Finding {
	sorting.By(found, func(a, b Finding) int {
		generic := map[bool]int{true: 1}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(generic[a.Generic], generic[b.Generic]), cmp.Compare(a.Column, b.Column), strings.Compare(a.Rule, b.Rule))
	})
	var out []Finding
	for _, f := range found {
		again := func(g Finding) bool {
			return g.Line == f.Line && (g.Digest == f.Digest || f.Generic || g.Rule == f.Rule && g.Column == f.Column)
		}
		if !slices.ContainsFunc(out[max(len(out)-50, 0):], again) {
			out = append(out, f)
		}
	}
	return out
}

// entropy is Shannon's, in bits a character, as gitleaks counts it.
func entropy(s string) float64 {
	var counts [256]int
	for i := range len(s) {
		counts[s[i]]++
	}
	var sum float64
	for _, n := range counts {
		if n > 0 {
			freq := float64(n) / float64(len(s))
			sum -= freq * math.Log2(freq)
		}
	}
	return sum
}

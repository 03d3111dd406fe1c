package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/versions"
)

// forms are what a text may look like, by the word in a key's `is` tag. Each says what is wrong in words that go on
// from the key: "must be …".
var forms = map[string]func(string) error{
	"glob":         validGlob,
	"regexp":       validRegexp,
	"scheme":       validScheme,
	"tag":          validTag,
	"name":         validName,
	"word":         pattern(`^[A-Za-z0-9@][A-Za-z0-9._/@-]*$`, "must be a name of letters, digits and . _ / @ -"),
	"check":        validCheckName,
	"login":        pattern(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(\[bot\])?$`, "must be a login such as octocat or dependabot[bot], without @"),
	"team":         pattern(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$`, "must be a team as organisation/slug, such as acme/operations"),
	"organization": pattern(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$`, "must be the name of an organisation, such as acme"),
	"host":         pattern(`^(\*\.)?([A-Za-z0-9_*-]+\.)*[A-Za-z0-9_*-]+(:[0-9]{1,5})?$`, "must be a host or a pattern of hosts, such as *.prod.acme.internal, without scheme and path"),
	"timezone":     validTimezone,
	"clock":        pattern(`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`, "must be a time of day such as 09:00"),
	"date":         validDate,
	"calendar":     validCalendar,
	"lasts":        validLasts,
}

func pattern(expr, message string) func(string) error {
	re := patterns.New(expr)
	return func(s string) error {
		if len(s) > 255 || !re.MatchString(s) {
			return fmt.Errorf("%s, not %s", message, quote(s))
		}
		return nil
	}
}

// validName allows what people call rules, labels, statuses and environments.
func validName(s string) error {
	switch {
	case s == "":
		return errors.New("must not be empty")
	case len(s) > 255:
		return errors.New("must be at most 255 bytes long")
	case strings.TrimSpace(s) != s:
		return errors.New("must not begin or end with a space")
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return fmt.Errorf("must not hold control or direction characters: %s", quote(s))
	}
	return nil
}

// Reserved are the names that belong to Sluice's own checks, on a change and on a promotion.
var Reserved = []string{
	"tagging", "changelog", "config-separation", "approval", "gate", "policy", "deploy",
	"statuses", "after", "verify", "soak", "window", "freeze", "lock", "interval", "lineage", "changes", "deployers", "separate",
}

var checkForm = pattern(`^[a-z0-9]+(-[a-z0-9]+)*$`, "must be lower-case words joined by -, such as small-batch")

func validCheckName(s string) error {
	if slices.Contains(Reserved, s) {
		return fmt.Errorf("must not be %s: that is the name of a check of Sluice's own", quote(s))
	}
	if len(s) > 60 {
		return errors.New("must be at most 60 characters long")
	}
	return checkForm(s)
}

// Bounds on a glob, so that matching one path never takes more than some thousand steps per alternative.
const (
	globBytes    = 512
	globStars    = 12 // each may have to be tried at each place
	globChoices  = 64 // alternatives, over all braces multiplied: the matcher tries each combination
	globBrackets = 32
)

func validGlob(s string) error {
	switch {
	case s == "":
		return errors.New("must not be empty")
	case len(s) > globBytes:
		return fmt.Errorf("must be at most %d bytes long", globBytes)
	case strings.HasPrefix(s, "/"):
		return fmt.Errorf("must not begin with a slash: patterns start at the repository's root, so write %s", quote(strings.TrimLeft(s, "/")))
	case strings.HasPrefix(s, "!"):
		return fmt.Errorf("must not begin with !: a pattern here cannot exclude, not %s", quote(s))
	case strings.HasSuffix(s, "/"):
		return fmt.Errorf("must not end with a slash: for all within the folder write %s", quote(s+"**"))
	case slices.ContainsFunc(strings.Split(s, "/"), func(p string) bool { return p == "." || p == ".." }):
		return fmt.Errorf("must not hold the parts . or ..: %s", quote(s))
	case !doublestar.ValidatePattern(s):
		return fmt.Errorf("must be a path pattern with *, **, ? , [a-z] and {a,b}, not %s", quote(s))
	case slow(s):
		return fmt.Errorf("must be simpler: at most %d stars and %d alternatives, not %s", globStars, globChoices, quote(s))
	}
	return validName(s)
}

// slow says that matching the pattern could take long.
func slow(s string) bool {
	stars := strings.Count(strings.ReplaceAll(s, "**", "*"), "*")
	choices, depth := 1, 0
	for group := range strings.SplitSeq(s, "{") {
		if depth++; depth > 1 {
			inside, _, _ := strings.Cut(group, "}")
			choices *= 1 + strings.Count(inside, ",")
		}
		if choices > globChoices {
			return true
		}
	}
	return stars > globStars || strings.Count(s, "[") > globBrackets || nested(s)
}

// nested says that braces stand inside braces, where alternatives multiply unseen.
func nested(s string) bool {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth > 1 {
			return true
		}
	}
	return false
}

func validRegexp(s string) error {
	if s == "" || len(s) > 1000 {
		return errors.New("must be a regular expression of 1 to 1000 bytes")
	}
	if _, err := regexp.Compile(s); err != nil {
		return fmt.Errorf("must be a regular expression (RE2): %v", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return nil
}

// validScheme leaves the grammar to versions, which reads the versions afterwards. A bare regexp has its pattern beside it.
func validScheme(s string) error {
	kind, _, given := strings.Cut(s, ":")
	if s == "semver" || s == "regexp" {
		return nil
	}
	if !given || kind != "calver" && kind != "regexp" {
		return fmt.Errorf("must be semver, calver:FORMAT (such as calver:YYYY.MM.MICRO) or regexp:PATTERN, not %s%s", quote(s), suggest(kind, []string{"semver", "calver", "regexp"}))
	}
	if len(s) > 1000 {
		return errors.New("must be at most 1000 bytes long")
	}
	if _, err := versions.ParseScheme(s, ""); err != nil {
		return fmt.Errorf("is not a scheme: %w", err)
	}
	return nil
}

func validTag(s string) error {
	if len(s) > 200 {
		return errors.New("must be at most 200 bytes long")
	}
	if _, err := versions.ParseTemplate(s); err != nil {
		return fmt.Errorf("must be a name that Git allows for a tag, with {version} in it once: %w", err)
	}
	return validName(s)
}

func validTimezone(s string) error {
	if _, err := time.LoadLocation(s); err != nil || s == "" || s == "Local" {
		return fmt.Errorf("must be a time zone such as Europe/Berlin or UTC, not %s", quote(s))
	}
	return nil
}

func validDate(s string) error {
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		return nil
	}
	if _, err := time.Parse(time.RFC3339, s); err == nil {
		return nil
	}
	return fmt.Errorf("must be a date such as 2026-12-18 or an instant such as 2026-12-18T09:00:00Z, not %s", quote(s))
}

// validCalendar wants an address that nobody on the way can alter, or the path of a file in the repository.
func validCalendar(s string) error {
	if len(s) > 2000 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || !unicode.IsGraphic(r) || r == '\\' }) {
		return fmt.Errorf("must be an https URL or the path of a file, of at most 2000 bytes without spaces, not %s", quote(s))
	}
	if !strings.Contains(s, ":") {
		parts := strings.Split(s, "/")
		if slices.ContainsFunc(parts, func(p string) bool { return p == "" || p == "." || p == ".." }) {
			return fmt.Errorf("must be an https URL or a path from the repository's root such as ops/freeze.ics, not %s", quote(s))
		}
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return fmt.Errorf("must be an https URL or the path of a file in the repository, not %s", quote(s))
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		return fmt.Errorf("must be an https URL, so that nobody on the way can take a freeze out, not %s", quote(s))
	case u.User != nil || u.Fragment != "":
		return errors.New("must be a URL without a name, a password and a #fragment: a policy is read by many")
	}
	return nil
}

// loopback says that the host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func validLasts(s string) error {
	if s == "commit" {
		return nil
	}
	if v, err := ParseDuration(s); err != nil || v == 0 {
		return fmt.Errorf("must be commit or a duration such as 2h or 1d, not %s%s", quote(s), suggest(s, []string{"commit"}))
	}
	return nil
}

package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/agext/levenshtein"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// Command is one line of a comment that starts with /sluice. It says what was asked for and never whether it may be done:
// that a check, an environment or a commit exists, and that the person has the right, is asked of the policy and the forge.
type Command struct {
	Line        int           // in the comment, from 1
	Word        string        // help, override, deploy, …
	Checks      []string      // override, revoke
	For         time.Duration // override, lock; 0: none was given
	Environment string        // approve, reject, deploy, cancel, rollback, lock, unlock, incident
	Ref         string        // deploy; of rollback where the API names one; printable ASCII
	Version     string        // release: a version, major, minor or patch
	Category    string        // changelog
	Reason      string        // one line without control and direction characters. Of changelog: the entry's text. Of rollback:
	// all that follows the environment, whose first word is a REF if it was live there.
	Problem string // what is wrong with the line; then nothing of it may be done
}

const (
	mostWord   = 200  // bytes of a word or an argument
	mostReason = 1000 // bytes
)

// argument reads one part of a command off the rest of its line.
type argument func(c *Command, rest string) (left string, problem string)

type form struct {
	word  string
	usage string
	who   string // who may, for people
	parts []argument
}

// forms are DESIGN's table of commands, in its order.
func forms() []form {
	return []form{
		{"help", "help", "anyone", nil}, {"status", "status", "anyone", nil}, {"recheck", "recheck", "anyone", nil},
		{"override", "override CHECK[,CHECK…] [for DURATION] REASON", "whom `override.by` of the policy names; on a merged change: of lines of its promotions", []argument{checkNames, lasting, reason}},
		{"revoke", "revoke CHECK", "whom `override.by` of the policy names", []argument{checkNames}},
		{"approve", "approve ENVIRONMENT", "the environment's approvers", []argument{environment}},
		{"reject", "reject ENVIRONMENT REASON", "the environment's approvers", []argument{environment, reason}},
		{"deploy", "deploy ENVIRONMENT [REF]", "its deployers; without REF what is live and well in the environment before, or what this change's merge made", []argument{environment, revision}},
		{"cancel", "cancel ENVIRONMENT", "its deployers", []argument{environment}},
		{"rollback", "rollback ENVIRONMENT [REF] REASON", "its deployers; REF was live and well there", []argument{environment, reason}},
		{"hold", "hold REASON", "write access", []argument{reason}}, {"unhold", "unhold", "at least the holder's right", nil},
		{"lock", "lock ENVIRONMENT|* [for DURATION] REASON", "its deployers; `*` is the whole repository, and asks for those of every environment", []argument{environment, lasting, reason}},
		{"unlock", "unlock ENVIRONMENT|*", "its deployers", []argument{environment}},
		{"incident", "incident ENVIRONMENT REASON|resolved [REASON]", "write access", []argument{environment, reason}},
		{"release", "release VERSION|major|minor|patch", "maintainers", []argument{version}},
		{"changelog", "changelog CATEGORY: TEXT", "write access, and the author of a fork", []argument{category, reason}},
	}
}

// readCommand reads one line that starts with /sluice.
func readCommand(line string) Command {
	c := Command{}
	if strings.Contains(line, "<!--") {
		c.Problem = "A command must not hold a comment that readers do not see."
		return c
	}
	word, rest := next(strings.TrimPrefix(line, prefix))
	if word == "" {
		word = "help"
	}
	all := forms()
	i := slices.IndexFunc(all, func(f form) bool { return f.word == word })
	if i < 0 {
		c.Problem = unknownWord(word, all)
		return c
	}
	c.Word = word
	for _, part := range all[i].parts {
		var problem string
		if rest, problem = part(&c, rest); problem != "" {
			return Command{Word: word, Problem: problem + " Write `" + prefix + " " + all[i].usage + "`."}
		}
	}
	if extra, _ := next(rest); extra != "" {
		return Command{Word: word, Problem: fmt.Sprintf("I do not understand what follows %s. Write `%s %s`.", word, prefix, all[i].usage)}
	}
	return c
}

// unknownWord names the valid word that is nearest to the one given.
func unknownWord(word string, all []form) string {
	if !ascii(word) {
		return "I do not know this word; write `" + prefix + " help` for those that I know."
	}
	best, least := "", 0
	for _, f := range all {
		if d := levenshtein.Distance(strings.ToLower(checks.Clip(word, 40)), f.word, nil); best == "" || d < least {
			best, least = f.word, d
		}
	}
	return fmt.Sprintf("I do not know the word %s; the nearest that I know is %s.", codeSpan(checks.Clip(word, 40)), best)
}

// next cuts the next word off; words are parted by spaces and tabs.
func next(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// ascii says that a word is printable ASCII and of a sane length: nothing in it looks like something else.
func ascii(word string) bool {
	return word != "" && len(word) <= mostWord && !strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r > '~' })
}

func plainWord(rest, name string) (word, left, problem string) {
	word, left = next(rest)
	switch {
	case word == "":
		return "", left, "The " + name + " is missing."
	case !ascii(word):
		return "", left, "The " + name + " must be printable ASCII, and not longer than 200 characters."
	}
	return word, left, ""
}

func checkNames(c *Command, rest string) (string, string) {
	word, left, problem := plainWord(rest, "check")
	if problem != "" {
		return left, problem
	}
	for name := range strings.SplitSeq(word, ",") {
		if name == "" || slices.Contains(c.Checks, name) {
			return left, "Each check is named once, with a comma and no space between them."
		}
		c.Checks = append(c.Checks, name)
	}
	if c.Word == "revoke" && len(c.Checks) > 1 {
		return left, "One override is revoked at a time."
	}
	return left, ""
}

// lasting reads `for DURATION`. `for` starts a duration only if the next word is one; else it is the reason's.
func lasting(c *Command, rest string) (string, string) {
	word, left := next(rest)
	if word != "for" {
		return rest, ""
	}
	number, left := next(left)
	d, err := policy.ParseDuration(number)
	if err != nil {
		return rest, ""
	}
	if d <= 0 {
		return left, "The duration must be longer than nothing."
	}
	c.For = time.Duration(d)
	return left, ""
}

func environment(c *Command, rest string) (left, problem string) {
	c.Environment, left, problem = plainWord(rest, "environment")
	return left, problem
}

func revision(c *Command, rest string) (left, problem string) {
	if word, _ := next(rest); word == "" {
		return rest, ""
	}
	c.Ref, left, problem = plainWord(rest, "commit or tag")
	return left, problem
}

func version(c *Command, rest string) (left, problem string) {
	c.Version, left, problem = plainWord(rest, "version")
	return left, problem
}

func category(c *Command, rest string) (left, problem string) {
	word, left, problem := plainWord(rest, "category")
	name, ok := strings.CutSuffix(word, ":")
	if problem == "" && (!ok || name == "") {
		problem = "The category ends in a colon."
	}
	c.Category = name
	return left, problem
}

// reason is the rest of the line, in any language.
func reason(c *Command, rest string) (left, problem string) {
	c.Reason = strings.TrimSpace(rest)
	what := map[bool]string{true: "text", false: "reason"}[c.Word == "changelog"]
	switch {
	case !strings.ContainsFunc(c.Reason, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }):
		return "", "The " + what + " is missing."
	case len(c.Reason) > mostReason:
		return "", "The " + what + " is longer than 1,000 characters."
	case strings.ContainsFunc(c.Reason, unseen):
		return "", "The " + what + " must not hold control or direction characters."
	}
	return "", ""
}

// unseen are characters that change what a reader sees. Joiners are letters of some languages, and part of emoji.
func unseen(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return r != joiner && r != nonJoiner &&
		(unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || r == unicode.ReplacementChar)
}

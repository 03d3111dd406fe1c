package gitlab

import (
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

// tame takes GitLab's own commands out of a text of ours: a line that begins with a slash and a word (`/merge`, `/approve`) is
// carried out in the name of whoever writes it. Such a line may come out of a person's words, out of a policy, or out of a note
// of ours that somebody edited. Outside of code the slash is written as an entity, which reads the same; within a block of
// code, where an entity would be seen, a space is put before it. GitLab leaves out carriage returns before it looks, and so they
// are left out here.
//
// Nor may what was escaped refer to anything: of a `#2` or `!3` in a note GitLab tells the issue or merge request of that number.
func tame(body string) string {
	lines := strings.Split(strings.ReplaceAll(body, "\r", ""), "\n")
	fence := ""
	for i, line := range lines {
		if fence == "" {
			line = references.ReplaceAllString(line, "${1}&#8203;${2}")
			lines[i] = line
		}
		bare := strings.TrimLeft(line, " \t")
		mark := fenceMark(bare)
		switch {
		case fence == "" && mark != "":
			fence = mark
		case fence != "" && mark != "" && strings.HasPrefix(mark, fence) && strings.TrimSpace(strings.TrimLeft(bare, fence[:1])) == "":
			fence = ""
		case !strings.HasPrefix(bare, "/"):
		case fence == "":
			lines[i] = line[:len(line)-len(bare)] + "&#47;" + bare[1:]
		case bare == line:
			lines[i] = " " + line
		}
	}
	return strings.Join(lines, "\n")
}

// references are signs that were escaped, before what may be a name or a number: GitLab looks for them in what the Markdown came
// to, where an entity is the sign again. What cannot be seen parts them.
var references = patterns.New(`(&#(?:33|35|36|38|94|126);)([\pL\pN_])`)

// fenceMark is what a line opens or closes a block of code with, or "".
func fenceMark(line string) string {
	for _, c := range []string{"`", "~"} {
		if n := len(line) - len(strings.TrimLeft(line, c)); n >= 3 {
			return line[:n]
		}
	}
	return ""
}

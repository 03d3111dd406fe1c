package gitlab

import "strings"

// tame takes GitLab's own commands out of a text of ours: a line that begins with a slash and a word (`/merge`, `/approve`) is
// carried out in the name of whoever writes it. Such a line may come out of a person's words, out of a policy, or out of a note
// of ours that somebody edited. Outside of code the slash is written as an entity, which reads the same; within a block of
// code, where an entity would be seen, a space is put before it.
func tame(body string) string {
	lines := strings.Split(body, "\n")
	fence := ""
	for i, line := range lines {
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

// fenceMark is what a line opens or closes a block of code with, or "".
func fenceMark(line string) string {
	for _, c := range []string{"`", "~"} {
		if n := len(line) - len(strings.TrimLeft(line, c)); n >= 3 {
			return line[:n]
		}
	}
	return ""
}

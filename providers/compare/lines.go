package compare

import (
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff/lcs"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/patterns"
)

var hunkHeader = patterns.New(`^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@`)

// Hunks reads a unified difference without file headers, as forges give it. whole is the new text when the
// difference shows all of it, as it does of a short file. ok is false for what is no complete difference: its counts
// tell.
func Hunks(patch string) (added, removed []checks.Line, ok bool) {
	patch = strings.TrimSuffix(patch, "\n")
	if patch == "" {
		return nil, nil, true
	}
	oldN, newN, oldLeft, newLeft := 0, 0, 0, 0
	for line := range strings.SplitSeq(patch, "\n") {
		if oldLeft == 0 && newLeft == 0 && strings.HasPrefix(line, "@@") {
			m := hunkHeader.FindStringSubmatch(line)
			if m == nil {
				return nil, nil, false
			}
			oldN, oldLeft = span(m[1], m[2])
			newN, newLeft = span(m[3], m[4])
			continue
		}
		if line == "" {
			line = " " // some servers strip the blank of an empty context line
		}
		text := strings.TrimSuffix(line[1:], "\r")
		switch line[0] {
		case '+':
			added = append(added, checks.Line{N: newN, Text: text})
			newN, newLeft = newN+1, newLeft-1
		case '-':
			removed = append(removed, checks.Line{N: oldN, Text: text})
			oldN, oldLeft = oldN+1, oldLeft-1
		case ' ':
			oldN, oldLeft, newN, newLeft = oldN+1, oldLeft-1, newN+1, newLeft-1
		case '\\': // "\ No newline at end of file"
		default:
			return nil, nil, false
		}
		if oldLeft < 0 || newLeft < 0 {
			return nil, nil, false
		}
	}
	return added, removed, oldLeft == 0 && newLeft == 0
}

// span reads "start,count" of a hunk header; a count left out is one.
func span(start, count string) (int, int) {
	n, _ := strconv.Atoi(start) // digits only; one too long for an int makes the counts wrong, and that is seen
	if count == "" {
		return n, 1
	}
	c, _ := strconv.Atoi(count)
	return n, c
}

// Between finds the changed lines between two texts. Lines that occur once anchor the comparison, so that it takes
// time in proportion to the texts; what lies between anchors is then compared closely.
func Between(before, after string) (added, removed []checks.Line) {
	if before == after {
		return nil, nil
	}
	if before == "" || after == "" {
		return numbered(after), numbered(before)
	}
	text := string(diff.Diff("a", []byte(before), "b", []byte(after)))
	_, text, _ = strings.Cut(text, "\n+++ b\n")
	plus, minus, ok := Hunks(text)
	if !ok { // cannot be: the text was written above
		return numbered(after), numbered(before)
	}
	return Refine(plus, minus)
}

// Refine compares once more where a run of removed lines stands against a run of added ones: the anchored difference
// takes such a run as a whole, though lines in it may be equal.
func Refine(plus, minus []checks.Line) (added, removed []checks.Line) {
	if len(plus) == 0 || len(minus) == 0 {
		return plus, minus
	}
	shift := 0 // new number minus old number of the lines that are equal before the run
	for len(plus) > 0 || len(minus) > 0 {
		p, m := inRow(plus), inRow(minus)
		switch {
		case len(minus) == 0 || p > 0 && plus[0].N-shift < minus[0].N:
			added, plus, shift = append(added, plus[:p]...), plus[p:], shift+p
		case len(plus) == 0 || plus[0].N-shift > minus[0].N:
			removed, minus, shift = append(removed, minus[:m]...), minus[m:], shift-m
		default:
			a, r := closely(plus[:p], minus[:m])
			added, removed = append(added, a...), append(removed, r...)
			plus, minus, shift = plus[p:], minus[m:], shift+p-m
		}
	}
	return added, removed
}

func closely(plus, minus []checks.Line) (added, removed []checks.Line) {
	for _, d := range lcs.DiffLines(texts(minus), texts(plus)) {
		removed = append(removed, minus[d.Start:d.End]...)
		added = append(added, plus[d.ReplStart:d.ReplEnd]...)
	}
	return added, removed
}

func texts(lines []checks.Line) []string {
	s := make([]string, len(lines))
	for i, l := range lines {
		s[i] = l.Text
	}
	return s
}

// inRow is how many lines at the start have numbers in a row.
func inRow(lines []checks.Line) int {
	n := 0
	for n < len(lines) && lines[n].N == lines[0].N+n {
		n++
	}
	return n
}

func numbered(text string) []checks.Line {
	if text == "" {
		return nil
	}
	lines := make([]checks.Line, 0, strings.Count(text, "\n")+1)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		lines = append(lines, checks.Line{N: len(lines) + 1, Text: strings.TrimSuffix(line, "\r")})
	}
	return lines
}

var (
	submodule  = patterns.New(`^Subproject commit [0-9a-f]{40,64}(-dirty)?$`)
	lfsPointer = patterns.New(`\Aversion https://git-lfs\.github\.com/spec/v1\n(ext-\d-\S+ \S+\n)*oid sha256:[0-9a-f]{64}\nsize \d+\n?\z`)
)

// IsLFS says whether a text is exactly a pointer of Git LFS: anything more could hide behind the word.
func IsLFS(text string) bool { return len(text) < 1024 && lfsPointer.MatchString(text) }

// KindOf tells from a difference that shows the whole file what kind of file it is.
func KindOf(patch string, added, removed []checks.Line) string {
	if len(patch) > 2048 || len(added)+len(removed) == 0 {
		return ""
	}
	for i, l := range append(added[:len(added):len(added)], removed...) {
		if !submodule.MatchString(l.Text) {
			break
		}
		if i == len(added)+len(removed)-1 {
			return "submodule"
		}
	}
	var after, before strings.Builder
	for line := range strings.SplitSeq(patch, "\n") {
		if line == "" || line[0] == '@' || line[0] == '\\' {
			continue
		}
		if line[0] != '-' {
			after.WriteString(line[1:] + "\n")
		}
		if line[0] != '+' {
			before.WriteString(line[1:] + "\n")
		}
	}
	if !strings.HasPrefix(patch, "@@ -1") && !strings.HasPrefix(patch, "@@ -0") {
		return ""
	}
	if a, b := after.String(), before.String(); IsLFS(a) && (b == "" || IsLFS(b)) || a == "" && IsLFS(b) {
		return "lfs"
	}
	return ""
}

package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/sluicegate/sluice/checks/sorting"
)

// Problem is one thing that is wrong with a policy, and where.
type Problem struct {
	File    string `json:"file"` // Source.Name
	Line    int    `json:"line"` // from 1
	Column  int    `json:"column"`
	Message string `json:"message"` // one sentence in lower case without a full stop
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Problems is the error that Load gives: all that is wrong, by source and then by place. It is never empty.
type Problems []Problem

// mostProblems are told at once; past them the text is not a policy with mistakes but something else.
const mostProblems = 50

// Error has one line per problem: "file:line:column: message".
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// First is the problem to show where there is room for one; the zero Problem when there is none.
func (ps Problems) First() Problem {
	if len(ps) == 0 {
		return Problem{}
	}
	return ps[0]
}

// sorted puts the problems of one source in the order of the text, each once, and cuts a long list.
func (ps Problems) sorted() Problems {
	sorting.By(ps, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	ps = slices.Compact(ps)
	if more := len(ps) - mostProblems; more > 0 {
		last := ps[mostProblems]
		ps = append(ps[:mostProblems:mostProblems], Problem{last.File, last.Line, last.Column, fmt.Sprintf("and %d more problems from here on", more)})
	}
	return ps
}

// suggest returns `; did you mean "x"?` when one of the known words is close to what was written, else "".
func suggest(written string, known []string) string {
	if written == "" || len(written) > 64 {
		return ""
	}
	best, least := "", len(written)/3+1
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(written), k, nil); d <= least && (best == "" || d < least) {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// quote shows a written word in a message, cut when it is long.
func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

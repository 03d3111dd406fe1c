package dashboard

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// verdictShown is a verdict with what a page adds: the lines of policy behind it, and who cures it.
type verdictShown struct {
	checks.Verdict
	Findings []findingShown
	Quotes   []quote
	Who      string
}

type findingShown struct {
	checks.Finding
	Quotes []quote
}

// quote is a piece of a policy, with where it comes from.
type quote struct {
	Rule   string // as the verdict has it: ".sluice.yml:12 changelog.exempt"
	Origin string // "the repository's policy", "the organisation's policy", "a default of Sluice"
	From   int    // number of the first line; 0: nothing is quoted
	Text   string
}

// shownVerdicts are those of a decision, what shuts the gate first. The author is whoever wrote the change; "": not known.
func shownVerdicts(d *gate.Decision, sources []byte, author string) (list []verdictShown) {
	var policies []policy.Source
	_ = json.Unmarshal(sources, &policies) // without them nothing is quoted
	for _, v := range d.Verdicts {
		x := verdictShown{Verdict: v, Quotes: quotes(v.Rule, policies), Who: cures(v, author)}
		for _, f := range shown(v) {
			y := findingShown{Finding: f}
			if f.Rule != v.Rule {
				y.Quotes = quotes(f.Rule, policies)
			}
			x.Findings = append(x.Findings, y)
		}
		list = append(list, x)
	}
	sorting.By(list, func(a, b verdictShown) int { return heavy(b.Verdict) - heavy(a.Verdict) })
	return list
}

func heavy(v checks.Verdict) int {
	switch {
	case !v.Blocks():
		return 0
	case v.Outcome == checks.Fail:
		return 2
	}
	return 1
}

// cures says who mends what shuts the gate: whom the check named, else as far as the outcome tells.
func cures(v checks.Verdict, author string) string {
	if !v.Blocks() {
		return ""
	}
	switch v.Outcome {
	case checks.Fail:
		if author == "" {
			return "Whoever wrote the change, with the edit or command below."
		}
		return gate.Plain(author) + ", who wrote the change, with the edit or command below."
	case checks.Unknown:
		return "Sluice looks again by itself; if it stays so, an administrator runs `sluice doctor`."
	case checks.Wait:
		who := waitsFor(v)
		switch {
		case !v.Until.IsZero() && who != "":
			return "Time; sooner, " + who + "."
		case !v.Until.IsZero():
			return "Time: nobody has to do anything."
		case who != "":
			return who + "."
		}
		return "What is said below tells who."
	}
	return ""
}

// waitsFor names those for whom what shuts the gate waits, each once.
func waitsFor(v checks.Verdict) string {
	var names []string
	for _, f := range v.Findings {
		who := gate.Plain(f.Who)
		if who != "" && policy.Weaker(f.Mode, "") == policy.Enforce && f.Outcome == checks.Wait && !slices.Contains(names, who) {
			names = append(names, who)
		}
	}
	return checks.Clip(strings.Join(names[:min(len(names), 6)], "; and "), 500)
}

// quotes are the lines that a rule points at: a rule may name several places, of several policies.
func quotes(rule string, sources []policy.Source) (list []quote) {
	for _, part := range strings.Split(rule, "; ") {
		if part == "" {
			continue
		}
		q := quote{Rule: part}
		if strings.HasPrefix(part, "default ") {
			q.Origin = "a default of Sluice"
		}
		for _, s := range sources {
			rest, ok := strings.CutPrefix(part, s.Name+":")
			if !ok {
				continue
			}
			number, _, _ := strings.Cut(rest, " ")
			n, err := strconv.Atoi(number)
			if err != nil {
				continue
			}
			q.Origin = originOf(s.Origin)
			q.From, q.Text = n, linesFrom(s.Text, n)
		}
		if list = append(list, q); len(list) == 5 {
			break
		}
	}
	return list
}

func originOf(o policy.Origin) string {
	if o == policy.Organisation {
		return "the organisation's policy"
	}
	return "the repository's policy"
}

// linesFrom are a line of a text and those that belong to it by being indented further, four at most.
func linesFrom(text string, n int) string {
	all := strings.Split(text, "\n")
	if n < 1 || n > len(all) {
		return ""
	}
	first := all[n-1]
	out := []string{first}
	for _, line := range all[n:min(len(all), n+3)] {
		if strings.TrimSpace(line) == "" || indent(line) <= indent(first) {
			break
		}
		out = append(out, line)
	}
	for i := range out {
		if r := []rune(out[i]); len(r) > 200 {
			out[i] = string(r[:199]) + "…"
		}
	}
	return strings.Join(out, "\n")
}

func indent(s string) int { return len(s) - len(strings.TrimLeft(s, " -")) }

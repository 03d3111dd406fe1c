package dashboard

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	template "github.com/DataDog/datadog-agent/pkg/template/html"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/gate"
)

// words are what templates are written with. They call no methods: templates that could call any would keep every method of every
// type in the program. Every string of a forge goes through plain, clip, lines or code.
func words() template.FuncMap {
	return template.FuncMap{
		"moment": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"short":  func(s string) string { return s[:min(len(s), 12)] },
		"plain":  gate.Plain,
		"lines":  lines,
		"shown":  shown,
		"asked":  askedBy,
		"when":   when,
		"since":  since,
		"exact":  exact,
		"dated":  func(t time.Time) bool { return !t.IsZero() },
		"past":   func(now, t time.Time) bool { return t.Before(now) },
		"round":  func(d time.Duration) time.Duration { return d.Round(time.Second) },
		"blocks": checks.Verdict.Blocks,
		"source": calendar.Freeze.Source,
		"clip":   func(n int, s string) string { return checks.Clip(gate.Plain(s), n) },
		"text":   text,
		"cut":    cut,
		"sha":    func(s string) string { return s[:min(len(s), 8)] },
		"count":  counted,
		"state":  stateWords,
		"tone":   tone,

		"repoPath":        repoPath,
		"changePath":      changePath,
		"environmentPath": environmentPath,
		"promotionPath":   promotionPath,
		"askPath":         askPath,
	}
}

// text is one of several lines with its spaces, without control and direction characters.
func text(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// cut shortens a text of several lines.
func cut(n int, s string) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// when is an instant as people and the script read it; the script tells it in the zone of who looks.
func when(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, // numbers alone
		t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC"), t.Format("2006-01-02 15:04 UTC")))
}

// exact is an instant to the second.
func exact(t time.Time) template.HTML {
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC")))
}

// since is how long ago an instant was, or how long it is until then, with the instant itself on hover.
func since(now, t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	text := ago(now.Sub(t))
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time class="ago" datetime="%s" title="%s">%s</time>`, t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC"), text))
}

func ago(d time.Duration) string {
	switch {
	case d < 0 && d > -time.Minute:
		return "in a moment"
	case d < 0:
		return "in " + span(-d)
	case d < time.Minute:
		return "just now"
	}
	return span(d) + " ago"
}

// span is a length of time in its largest unit.
func span(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// counted is a number with what is counted: "1 commit", "3 commits".
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if stem, ok := strings.CutSuffix(one, "ory"); ok {
		return fmt.Sprintf("%d %sories", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// stateWords is a state as people read it.
func stateWords(s gate.State) string {
	switch s {
	case gate.Requested:
		return "asked for"
	case gate.Gated:
		return "waits"
	}
	return string(s)
}

// tone is the class that a state or an outcome is coloured by; the word always stands beside it.
func tone(x any) string {
	switch s := strings.ToLower(fmt.Sprint(x)); s {
	case "verified", "live", "pass", "open", "done", "granted":
		return "pass"
	case "failed", "fail", "rolled back", "shut", "refused", "dead", "outside-the-gate":
		return "fail"
	case "requested", "gated", "deploying", "wait", "unknown", "waiting", "running":
		return "wait"
	}
	return "note"
}

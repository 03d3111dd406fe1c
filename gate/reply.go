package gate

import (
	"fmt"
	"slices"
	"strings"
)

// mostReply keeps a reply below the 65,536 characters that GitHub takes.
const mostReply = 60_000

// replyText is the one reply to a comment: what was understood of each command, and what came of it by now.
func replyText(state *CommentState, overrides []Override, promotions []Promotion) string {
	var b strings.Builder
	for _, result := range state.Results {
		part := resultText(result, overrides, promotions)
		if b.Len()+len(part) > mostReply {
			b.WriteString("\n…and more, which does not fit here.\n")
			break
		}
		b.WriteString(part)
	}
	return strings.TrimSpace(b.String())
}

func resultText(r Result, overrides []Override, promotions []Promotion) string {
	var b strings.Builder
	word := r.Word
	if word == "" {
		word = "?"
	}
	text := strings.TrimSpace(r.Text)
	if r.Outcome == waiting && len(r.Checks) > 0 {
		r.Outcome = done // unless one of them still waits
	}
	for _, name := range r.Checks {
		i := slices.IndexFunc(overrides, func(o Override) bool { return o.Check == name })
		if i >= 0 {
			text += "\n\n" + overrides[i].told()
			if !overrides[i].complete() && overrides[i].Ended.IsZero() {
				r.Outcome = waiting
			}
		}
	}
	if i := slices.IndexFunc(promotions, func(p Promotion) bool { return p.ID == r.Promotion }); i >= 0 {
		text += "\n\n" + promotions[i].told()
	}
	fmt.Fprintf(&b, "**%s** (line %d): %s. %s\n\n", codeSpan(prefix+" "+word), r.Line, r.Outcome, strings.TrimSpace(text))
	return b.String()
}

// told says where a promotion stands by now.
func (p *Promotion) told() string {
	text := fmt.Sprintf("By now: %s.", p.State)
	if p.Why != "" {
		text = fmt.Sprintf("By now: %s, %s.", p.State, escape(strings.TrimRight(p.Why, ".")))
	}
	return text
}

// told says what became of an override by now.
func (o Override) told() string {
	name, until := codeSpan(o.Check), o.until()
	reason := fmt.Sprintf("Reason: %s", escape(o.Reason))
	switch {
	case !o.Ended.IsZero() && !o.complete():
		return fmt.Sprintf("%s was asked for, for %s, and waited for a second person: %s. %s", name, codeSpan(short(o.Commit)), escape(o.Why), reason)
	case !o.Ended.IsZero():
		return fmt.Sprintf("%s was overridden for %s: %s. %s", name, codeSpan(short(o.Commit)), escape(o.Why), reason)
	case !o.complete():
		return fmt.Sprintf("%s waits for a second person: somebody else who may override has to write `%s override %s REASON` for %s%s. %s",
			name, prefix, o.Check, codeSpan(short(o.Commit)), map[bool]string{false: ", before the next push"}[o.Promotion], reason)
	case o.Second != nil:
		return fmt.Sprintf("%s is overridden for %s by %s and %s, %s. %s", name, codeSpan(short(o.Commit)), escape(o.By.Login), escape(o.Second.Login), until, reason)
	}
	return fmt.Sprintf("%s is overridden for %s by %s, %s. %s", name, codeSpan(short(o.Commit)), escape(o.By.Login), until, reason)
}

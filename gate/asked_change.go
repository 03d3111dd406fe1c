package gate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// problemOnChange says what is wrong with what was asked about a change, as it would be of a command in a comment, or "".
func (x *Ask) problemOnChange() string {
	c := Command{Word: x.Word}
	switch {
	case !slices.Contains([]string{"override", "revoke", "hold", "unhold", "recheck"}, x.Word):
		return "There is no such thing to ask of a change."
	case x.Change < 0:
		return "There is no change with such a number."
	case x.Word == "override" && !isCommit(x.Commit):
		return "The commit is missing: name the head that you have looked at, in full."
	case x.For < 0:
		return "The duration must be longer than nothing."
	case x.By == "" || !ascii(x.By):
		return "The login of the person in whose name this is asked is missing, or is none."
	}
	if x.Word == "override" || x.Word == "revoke" {
		if left, why := checkNames(&c, x.Checks); why != "" || strings.TrimSpace(left) != "" {
			return cmp.Or(onlyOne(c), "The checks are named once each, with commas and no space between them.")
		}
	}
	if _, why := reason(&c, x.Reason); why != "" && (x.Reason != "" || x.Word == "override" || x.Word == "hold") {
		return why
	}
	return ""
}

// onlyOne says what is wrong where several overrides are to be revoked, as of a command, or "".
func onlyOne(c Command) string {
	if c.Word == "revoke" && len(c.Checks) > 1 {
		return "One override is revoked at a time."
	}
	return ""
}

// isCommit says whether s is a full object id: 40 or 64 hex digits.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
}

// named are the checks of an override, or of one that is revoked.
func (x *Ask) named() []string {
	if x.Checks == "" {
		return nil
	}
	return strings.Split(x.Checks, ",")
}

// word is the number that an asking goes by where a comment goes by its id: never one of a comment.
func (x *Ask) word() int64 {
	sum := sha256.Sum256([]byte(x.ID))
	return -int64(binary.BigEndian.Uint64(sum[:])>>1) - 1
}

// atChange does what was asked about a change. Of an override the commit was named by whoever asks: one that is not the head any
// more is refused.
func (r *Reconciler) atChange(ctx context.Context, a *asking, x *Ask, out *Outcome) (Result, error) {
	err := r.ready(ctx, a, Work{})
	switch {
	case errors.Is(err, ErrGone) && !errors.Is(err, ErrStale):
		return a.result(refused, "There is no change #%d, or Sluice is not shown it.", x.Change), nil
	case err != nil:
		return Result{}, err
	}
	a.head, a.received = x.Commit, x.At
	a.comment.ID, a.comment.URL = x.word(), a.facts.Change.URL
	out.Said = &a.acts.Version
	switch x.Word {
	case "revoke":
		if a.merged() {
			return r.afterwards(ctx, a, out)
		}
		return r.revoke(ctx, a, out), nil
	case "hold":
		return r.holdBack(ctx, a, out), nil
	case "unhold":
		return r.letGo(ctx, a, out), nil
	case "recheck":
		return r.recheck(a, out), nil
	}
	result := r.override(ctx, a, out)
	if result.Outcome != refused {
		result.Text += saidOf(out.Overrides, a.comment.ID)
		result.Outcome = done // that a second person is waited for is told in words: this is answered
	}
	return result, nil
}

// saidOf tells what came of an override that was asked for.
func saidOf(list []Override, by int64) string {
	var parts []string
	for _, o := range list {
		switch {
		case o.Comment != by:
		case o.complete():
			parts = append(parts, fmt.Sprintf("%s is overridden on %s, %s.", codeSpan(o.Check), codeSpan(short(o.Commit)), o.until()))
		default:
			parts = append(parts, fmt.Sprintf("%s waits for a second person, who says it too.", codeSpan(o.Check)))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

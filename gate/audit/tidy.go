package audit

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks/secrets"
	"github.com/sluicegate/sluice/gate"
)

// The most characters that the members of an entry hold; what is longer ends in "…". A line is never deleted, so that
// nobody may fill the log with what he writes.
const (
	mostWord   = 200
	mostReason = 1000
	mostURL    = 2000
)

// LineBytes is more than any line can have.
const LineBytes = 1 << 17

// Tidy makes an entry fit to be kept for ever: valid UTF-8 of bounded length, a time in whole milliseconds of UTC, no
// credentials in the link, and no secret in the reason, whoever wrote it. now stands in for a time that is missing or impossible.
func Tidy(e gate.Entry, now time.Time) gate.Entry {
	if e.At.IsZero() || e.At.Year() < 1970 || e.At.Year() > 9999 {
		e.At = now
	}
	e.At = e.At.UTC().Truncate(time.Millisecond)
	e.Kind = gate.EntryKind(clean(string(e.Kind), mostWord))
	for _, word := range []*string{&e.Forge, &e.Repo, &e.Commit, &e.Environment, &e.Who.Login, &e.Check, &e.Policy, &e.Command, &e.Outcome, &e.Decision} {
		*word = clean(*word, mostWord)
	}
	// Our own words quote other people's: a hold's reason stands in the decision, a title in the message of a house rule. They
	// are searched before they are cut to size, since half a secret is not known for one.
	e.Reason = clean(unsecret(clean(e.Reason, 8*mostReason)), mostReason)
	e.URL = clean(anonymous(e.URL), mostURL)
	return e
}

// clean is valid text of at most n characters. PostgreSQL keeps no NUL in a text.
func clean(s string, n int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// anonymous is a link without a name or password in it.
func anonymous(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.User == nil {
		return link
	}
	u.User = nil
	return u.String()
}

// unsecret cuts a reason off where something starts that has the form of a known vendor's secret.
func unsecret(reason string) string {
	line := strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, reason)
	found, err := secrets.Scan("", []secrets.Line{{N: 1, Text: line}}, secrets.NewBudget())
	if err != nil {
		return "(left out: it could not be searched for secrets)"
	}
	for _, f := range found {
		if !f.Generic && f.Column <= len(reason) {
			return reason[:f.Column] + "(the rest is left out: what looks like a secret starts here: " + f.What + ")"
		}
	}
	return reason
}

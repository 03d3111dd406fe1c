package notices

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// message is a notice in words, without any markup: each channel escapes what it shows, in its own way.
type message struct {
	title string
	lines []string
	links []link
}

// link is an address that was checked, and what it leads to in our own words.
type link struct{ label, url string }

// said puts a notice into words. It cleans again what was cleaned when the notice was made: it may have been kept by
// another version.
func said(n gate.Notification) message {
	m := message{title: checks.Clip(headline(n), 140)}
	say := func(format string, args ...any) { m.lines = append(m.lines, clean(fmt.Sprintf(format, args...), 800)) }
	if n.Why != "" {
		say("%s", n.Why)
	}
	if len(n.For) > 0 {
		say("Waits for: %s", strings.Join(n.For, ", "))
	}
	if n.Who.Login != "" {
		say("By: %s", n.Who.Login)
	}
	if n.Commit != "" {
		say("Commit: %s", n.Commit)
	}
	say("At: %s", n.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	if u, ok := page(n.Page); ok {
		m.links = append(m.links, link{"Decision", u})
	}
	if u, ok := page(n.ChangePage); ok {
		m.links = append(m.links, link{fmt.Sprintf("Change #%d", n.Change), u})
	}
	return m
}

// headline is what happened, in one line.
func headline(n gate.Notification) string {
	repo, env := clean(n.Repo, 60), clean(n.Environment, 30)
	commit := "a commit"
	if n.Commit != "" {
		commit = clean(fmt.Sprintf("%.7s", n.Commit), 7)
	}
	switch n.Event {
	case gate.NoticeRequested:
		return fmt.Sprintf("%s: %s is asked for in %s", repo, commit, env)
	case gate.NoticeWaiting:
		return fmt.Sprintf("%s: %s waits to go to %s", repo, commit, env)
	case gate.NoticeDeploying:
		return fmt.Sprintf("%s: %s is being deployed to %s", repo, commit, env)
	case gate.NoticeLive:
		return fmt.Sprintf("%s: %s is live in %s", repo, commit, env)
	case gate.NoticeVerified:
		return fmt.Sprintf("%s: %s is verified in %s", repo, commit, env)
	case gate.NoticeFailed:
		return fmt.Sprintf("%s: %s failed in %s", repo, commit, env)
	case gate.NoticeRejected:
		return fmt.Sprintf("%s: %s was rejected for %s", repo, commit, env)
	case gate.NoticeSuperseded:
		return fmt.Sprintf("%s: %s was superseded on its way to %s", repo, commit, env)
	case gate.NoticeCancelled:
		return fmt.Sprintf("%s: %s was cancelled on its way to %s", repo, commit, env)
	case gate.NoticeRolledBack:
		return fmt.Sprintf("%s: %s was rolled back in %s", repo, commit, env)
	case gate.NoticeOutside:
		return fmt.Sprintf("%s: %s was deployed to %s outside the gate", repo, commit, env)
	case gate.NoticeBypassed:
		return fmt.Sprintf("%s: the protection of %s was bypassed for %s", repo, env, commit)
	case gate.NoticeUnprotected:
		return fmt.Sprintf("%s: %s is no longer protected", repo, env)
	}
	return fmt.Sprintf("%s: %s in %s", repo, clean(string(n.Event), 30), env)
}

// clean makes one line of bounded length, without control and direction characters.
func clean(s string, n int) string { return checks.Clip(gate.Plain(s), n) }

// page is an address of the web in characters that no channel reads as markup.
func page(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return "", false
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>\"'`|\\()[]{}*", r) }) {
		return "", false
	}
	return s, true
}

package github

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	historyPage  = 100 // commits
	mostCompared = 250 // commits between two that GitHub compares, and so the most that are taken for all of them

	abovePages = 2 // of the candidate's history, after those that came with the first request
	belowPages = 3 // of what is live
	tipPages   = 4 // of the default branch, after those that came with the first request
)

// along is what goes with the next request for wants, whatever that is for, so that it costs none of its own. What was not
// taken in, because none was sent or GitHub did not answer it, is asked for by itself.
type along struct {
	part string // asked of the repository
	take func(*repoNode)
}

// stretchOf says whose history a page is of.
type stretchOf int

const (
	ofCandidate stretchOf = iota
	ofLive
	ofTip
)

// historyAt is a page of a history that is asked for, by its place in the list: that is its alias.
type historyAt struct {
	of             stretchOf
	commit, cursor string
}

// pageNode is a commit with a page of its history.
type pageNode struct {
	OID     string                `json:"oid"`
	History connection[*cameNode] `json:"history"`
}

// further are the cursors of pages after the first. GitHub counts in those of a history, "COMMIT 99", so that several pages
// can be asked for at once; from a server that counts otherwise it is one. Nothing rests on the count: what comes of a
// wrong one does not hang together, and then the commits are compared.
func further(p page, commit string, read, most int) (cursors []string) {
	next := after(p)
	if next == "" {
		return nil
	}
	cursors = append(cursors, next)
	for n := 1; n < most && counts(p, commit, read); n++ {
		cursors = append(cursors, counted(commit, read-1+n*historyPage))
	}
	return cursors
}

func counted(commit string, last int) string { return commit + " " + strconv.Itoa(last) }

func counts(p page, commit string, read int) bool { return p.EndCursor == counted(commit, read-1) }

// seek prepares to ask for more of the histories that prove what lies between: of the candidate, and of what is live, from
// which branches may have begun that were merged since. It says whether there is more to be had.
func (st *standing) seek(live string) bool {
	cursors := further(st.came, st.head, len(st.order), abovePages)
	if len(cursors) == 0 || st.p.How.Back() || st.c.memory.shallow.Load() {
		return false
	}
	for _, c := range cursors {
		st.pages = append(st.pages, historyAt{ofCandidate, st.head, c})
	}
	st.pages = append(st.pages, historyAt{ofLive, live, ""})
	for n := 1; n < belowPages && counts(st.came, st.head, len(st.order)); n++ {
		st.pages = append(st.pages, historyAt{ofLive, live, counted(live, n*historyPage-1)})
	}
	return true
}

// seekBranch prepares to ask for more of the default branch, where the commit is not among the newest of it.
func (st *standing) seekBranch(tip *commitNode) {
	for _, c := range further(tip.History.PageInfo, tip.OID, len(tip.History.Nodes), tipPages) {
		st.pages = append(st.pages, historyAt{ofTip, tip.OID, c})
	}
}

// histories is the request for all pages prepared.
func (st *standing) histories() along {
	var b strings.Builder
	for i, p := range st.pages {
		from, what := "", "oid"
		if p.cursor != "" {
			from = ", after: " + quoted(p.cursor)
		}
		switch p.of {
		case ofCandidate:
			what = "...Came"
		case ofLive:
			what = "oid parents(first: 10) { totalCount nodes { oid } }"
		}
		fmt.Fprintf(&b, "q%d: object(oid: %s) { ... on Commit { oid history(first: %d%s) { nodes { %s } } } } ", i, quoted(p.commit), historyPage, from, what)
	}
	return along{part: b.String(), take: st.takeHistories}
}

// takeHistories takes the pages in. One that did not come is missed where it is needed.
func (st *standing) takeHistories(repo *repoNode) {
	st.paged = true
	for i, p := range st.pages {
		got := repo.pages[i]
		if got == nil || got.OID != p.commit {
			continue
		}
		for _, n := range got.History.Nodes {
			if n == nil || !oid(n.OID) {
				continue
			}
			switch p.of {
			case ofCandidate:
				if st.known[n.OID] == nil {
					st.known[n.OID], st.order = n, append(st.order, n.OID)
				}
			case ofLive:
				st.under[n.OID] = n
			case ofTip:
				st.line = append(st.line, n.OID)
			}
		}
	}
}

// dispensable says whether an error may be due to what went along: GitHub gave up on the whole, or did not like it.
func dispensable(err error) bool {
	var e *Error
	return tooMuch(err) || errors.As(err, &e) && e.Status == http.StatusOK && !isRetry(err)
}

// ofPage says whether an error is about a page that went along. Then nothing is taken from it, for what is missing there
// would look like a commit that no change brought.
func ofPage(repo *repoNode, e graphError) bool {
	if len(e.Path) < 2 || e.Path[0] != "repository" || repo == nil {
		return false
	}
	name, _ := e.Path[1].(string)
	if name == "pullRequest" {
		repo.PullRequest = nil
		return true
	}
	i := alias(name, 'q')
	if i >= 0 {
		delete(repo.pages, i)
	}
	return i >= 0
}

package local

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
)

const (
	largestCommit = 16 << 20
	mostCommits   = 5000
	mostMessages  = 16 << 20 // bytes of all messages together
)

// commitList lists the commits that head has and the target branch has not, oldest first.
func (r *reading) commitList(head, tip string) ([]string, error) {
	if r.between != nil {
		ids := slices.Clone(r.between)
		slices.Reverse(ids)
		return ids, nil
	}
	args := []string{"rev-list", "--reverse", "--topo-order", "--max-count=" + strconv.Itoa(mostCommits+1), head}
	if tip != "" {
		args = append(args, "^"+tip)
	}
	out, err := r.git.output(r.ctx, args...)
	return strings.Fields(string(out)), err
}

// commits reads the commits of such a list.
func (r *reading) commits(ids []string) error {
	r.f.Change.CommitCount = len(ids)
	if len(ids) > mostCommits {
		ids = ids[len(ids)-mostCommits:]
		r.gap("commits", "Only the newest %d commits are read.", mostCommits)
	}
	bytes := 0
	r.objects.expect(ids, func(id string) bool { _, ok := r.recent[id]; return !ok })
	for _, id := range ids {
		c, err := r.readCommit(id)
		if err != nil {
			return err
		}
		if bytes += len(c.Message); bytes > mostMessages {
			r.gap("commits", "The messages of the commits are longer than %d MB.", mostMessages>>20)
			break
		}
		r.f.Commits = append(r.f.Commits, c)
		if r.boundary[id] {
			r.gap("commits", "The clone is shallow and ends within the change: fetch more history with: git fetch --deepen=1000")
		}
	}
	return nil
}

func (r *reading) readCommit(id string) (checks.Commit, error) {
	if c, ok := r.recent[id]; ok {
		return c, nil
	}
	x, err := r.objects.get(id, largestCommit)
	if err != nil {
		return checks.Commit{}, fmt.Errorf("read commit %s: %w", id, err)
	}
	c := parseCommit(id, string(x.data))
	if r.recent == nil {
		r.recent = map[string]checks.Commit{}
	}
	if len(r.recent) < 250 {
		r.recent[id] = c
	}
	return c, nil
}

// parseCommit reads a commit as git stores it. What is damaged in it is left out: names and times are claims anyway.
func parseCommit(id, data string) checks.Commit {
	c := checks.Commit{ID: id}
	header, message, _ := strings.Cut(data, "\n\n")
	parents := true // like git, which reads them right after the tree: what is called so further down is none
	for line := range strings.SplitSeq(header, "\n") {
		key, value, _ := strings.Cut(line, " ")
		parents = parents && (key == "tree" || key == "parent")
		switch key {
		case "parent":
			if parents {
				c.Parents = append(c.Parents, value)
			}
		case "author":
			c.Author, _ = signature(value)
		case "committer":
			c.Committer, c.At = signature(value)
		}
	}
	c.Message = valid(strings.TrimRight(message, "\n"))
	c.CoAuthors = coAuthors(c.Message)
	return c
}

// signature reads "Name <mail> 1700000000 +0100".
func signature(s string) (checks.Person, time.Time) {
	open, closed := strings.Index(s, "<"), strings.LastIndex(s, ">")
	if open < 0 || closed < open {
		return checks.Person{Name: valid(strings.TrimSpace(s))}, time.Time{}
	}
	p := checks.Person{Name: valid(strings.TrimSpace(s[:open])), Email: valid(strings.TrimSpace(s[open+1 : closed]))}
	seconds, _, _ := strings.Cut(strings.TrimSpace(s[closed+1:]), " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n < 0 || n > 1<<38 {
		return p, time.Time{}
	}
	return p, time.Unix(n, 0).UTC()
}

// coAuthors are those named by trailers anywhere in the message, as forges read them.
func coAuthors(message string) []checks.Person {
	var people []checks.Person
	for line := range strings.SplitSeq(message, "\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok || !strings.EqualFold(strings.TrimSpace(key), "co-authored-by") {
			continue
		}
		if p, _ := signature(strings.TrimSpace(value)); p.Name+p.Email != "" {
			people = append(people, p)
		}
	}
	return people
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

package github

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// stretch is what one commit has and another has not. Both are object ids, so it never changes.
type stretch struct {
	commits []checks.Carried // newest first
	total   int
	behind  int // commits the other way round; -1: not told
}

// carried finds the commits that the candidate would bring, and those that it lacks, as far as that needs nothing that can go
// along with other requests.
func (st *standing) carried(ctx context.Context) error {
	live := st.p.Live()
	if st.out.Cut != "" && live == nil {
		st.gap("between", "What is live is not known: %s", st.out.Cut)
		st.gap("lacks", "What is live is not known: %s", st.out.Cut)
		return nil
	}
	if live == nil || live.Commit == st.head {
		return nil
	}
	between, closed := st.above(live.Commit)
	_, remembered := st.c.memory.spans.get(diffKey{st.key(), live.Commit, st.head})
	switch {
	case closed:
		st.p.Between = between
	case !remembered && st.seek(live.Commit):
		st.sought = live.Commit
	default:
		return st.compared(ctx, live.Commit)
	}
	return nil
}

// above are the commits read that the candidate has and the live one has not, newest first. closed is false unless they
// are all of them: each parent is among them, or is what is live or below it.
func (st *standing) above(live string) (list []checks.Carried, closed bool) {
	if st.known[live] == nil {
		return nil, false
	}
	below := st.down(live, nil)
	mine := st.down(st.head, below)
	for id := range mine {
		n := st.known[id]
		if n == nil || n.Parents.TotalCount > len(n.Parents.Nodes) {
			return nil, false
		}
	}
	for _, id := range st.order {
		if mine[id] {
			n := st.known[id]
			list = append(list, checks.Carried{Commit: id, Title: checks.Clip(n.Headline, 140), Author: author(n.Author), Parents: n.parents(), At: n.At.UTC()})
		}
	}
	return list, true
}

// down are a commit and all below it, as far as they were read; those of stop and what is below them are left out. The ends
// of what was read are among them.
func (st *standing) down(commit string, stop map[string]bool) map[string]bool {
	seen := map[string]bool{}
	for todo := []string{commit}; len(todo) > 0; {
		id := todo[len(todo)-1]
		if todo = todo[:len(todo)-1]; seen[id] || stop[id] {
			continue
		}
		seen[id] = true
		if n := st.known[id]; n != nil {
			todo = append(todo, n.parents()...)
		} else if n := st.under[id]; n != nil {
			todo = append(todo, n.parents()...)
		}
	}
	return seen
}

func (n *cameNode) parents() []string {
	var ids []string
	for _, p := range n.Parents.Nodes {
		ids = append(ids, p.OID)
	}
	return ids
}

// compared asks GitHub what lies between the live commit and the candidate, and where they diverged, what the candidate
// lacks.
func (st *standing) compared(ctx context.Context, live string) error {
	between, err := st.span(ctx, live, st.head)
	if incomparable(err) {
		st.gap("between", "GitHub cannot compare the commit with %.8s, which is live: they have no common history, or that commit is gone.", live)
		st.gap("lacks", "GitHub cannot compare the commit with %.8s, which is live: they have no common history, or that commit is gone.", live)
		return nil
	}
	if err != nil {
		return err
	}
	lacks := &stretch{}
	if between.behind != 0 {
		if lacks, err = st.span(ctx, st.head, live); err != nil {
			return err
		}
	}
	if st.p.Between = slices.Clone(between.commits); between.total > len(between.commits) {
		st.gap("between", "GitHub showed %d of %d commits since what is live.", len(between.commits), between.total)
	}
	if st.p.Lacks = slices.Clone(lacks.commits); lacks.total > len(lacks.commits) {
		st.gap("lacks", "GitHub showed %d of the %d commits that are live and not in this one.", len(lacks.commits), lacks.total)
	}
	return nil
}

// span reads what head has and base has not.
func (st *standing) span(ctx context.Context, base, head string) (*stretch, error) {
	key := diffKey{st.key(), base, head}
	if s, ok := st.c.memory.spans.get(key); ok {
		return s, nil
	}
	var said struct {
		Total   *int `json:"total_commits"`
		Behind  *int `json:"behind_by"`
		Commits []struct {
			SHA    string `json:"sha"`
			Commit struct {
				Message string `json:"message"`
				Author  struct {
					Name  string `json:"name"`
					Email string `json:"email"`
				} `json:"author"`
				Committer struct {
					Date time.Time `json:"date"`
				} `json:"committer"`
			} `json:"commit"`
			Author  *accountNode `json:"author"`
			Parents []struct {
				SHA string `json:"sha"`
			} `json:"parents"`
		} `json:"commits"`
	}
	path := st.repo.path("/compare/" + base + "..." + head)
	if err := st.in.get(ctx, "GET /repos/{owner}/{repo}/compare/{basehead}", path, &said); err != nil {
		return nil, err
	}
	if said.Total == nil || len(said.Commits) > *said.Total {
		return nil, fmt.Errorf("compare %.8s with %.8s: GitHub's answer tells of %d commits and not of how many there are", base, head, len(said.Commits))
	}
	s, bytes := &stretch{total: *said.Total, behind: -1}, 100
	if said.Behind != nil {
		s.behind = *said.Behind
	}
	for _, c := range slices.Backward(said.Commits) {
		title, _, _ := strings.Cut(c.Commit.Message, "\n")
		x := checks.Carried{Commit: c.SHA, Title: checks.Clip(title, 140), Author: checks.Person{Name: c.Commit.Author.Name, Email: c.Commit.Author.Email}, At: c.Commit.Committer.Date.UTC()}
		if a := c.Author.person(); a.ID != 0 {
			x.Author.ID, x.Author.Login, x.Author.Kind = a.ID, a.Login, a.Kind
		}
		for _, p := range c.Parents {
			x.Parents = append(x.Parents, p.SHA)
		}
		s.commits, bytes = append(s.commits, x), bytes+400+len(x.Title)
	}
	st.c.memory.spans.add(key, s, bytes)
	return s, nil
}

// accountNode is an account as REST tells it.
type accountNode struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"`
}

func (a *accountNode) person() checks.Person {
	if a == nil || a.Login == "ghost" {
		return checks.Person{}
	}
	return checks.Person{ID: a.ID, Login: a.Login, Kind: strings.ToLower(a.Type)}
}

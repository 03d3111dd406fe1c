package github

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// watchedPart asks for what is shown on commits; after: the cursors to go on from, or nil for the first page of all.
func watchedPart(commits []string, after map[string]string) string {
	var b strings.Builder
	for i, id := range commits {
		from := ""
		if after != nil {
			from = ", after: " + quoted(after[id])
		}
		fmt.Fprintf(&b, "w%d: object(oid: %s) { __typename oid ... on Commit { statusCheckRollup { contexts(first: 100%s) { ...Proofs } } } } ", i, quoted(id), from)
	}
	return b.String()
}

// watchedError says whether an error is about what is shown on a watched commit: then nothing is known of that one.
func (st *standing) watchedError(node *answerNode, e graphError) bool {
	if len(e.Path) < 2 || e.Path[0] != "repository" {
		return false
	}
	name, _ := e.Path[1].(string)
	i := alias(name, 'w')
	if i >= 0 && node.Repository != nil {
		delete(node.Repository.watched, i)
	}
	return i >= 0
}

// watch takes in what is shown on the commit and on those watched, to the last page. A commit of which not all could be
// had is left out: half of it could hide a failure.
func (st *standing) watch(ctx context.Context, repo *repoNode) error {
	st.out.Statuses = map[string][]checks.Status{}
	shown, next := map[string][]checks.Status{}, map[string]string{}
	for i, id := range st.watched {
		if n := repo.watched[i]; n != nil && n.Typename == "Commit" && n.OID == id {
			shown[id] = st.proofs(n, next)
		}
	}
	if st.p != nil && repo.Candidate != nil {
		shown[st.head] = st.proofs(repo.Candidate, next)
	}
	for page := 0; len(next) > 0; page++ {
		if page == mostPages {
			for id := range next {
				delete(shown, id)
			}
			break
		}
		if err := st.moreProofs(ctx, shown, next); err != nil {
			return err
		}
	}
	for id, list := range shown {
		sortStatuses(list)
		st.out.Statuses[id] = list
	}
	if st.p == nil {
		return nil
	}
	list, all := shown[st.head]
	if st.f.Statuses = list; !all {
		st.gap("statuses", "GitHub has more statuses of the commit than the %d that were read.", 100*mostPages)
	}
	if _, unread := st.f.Gap("statuses"); unread {
		delete(st.out.Statuses, st.head)
	}
	return nil
}

// moreProofs reads the next page of each commit that has one.
func (st *standing) moreProofs(ctx context.Context, shown map[string][]checks.Status, next map[string]string) error {
	commits := sortedKeys(next)
	node, err := st.more(ctx, watchedPart(commits, next))
	if err != nil {
		return err
	}
	for i, id := range commits {
		n := node.watched[i]
		if n == nil || n.Rollup == nil {
			return fmt.Errorf("read the statuses of %.8s: GitHub gave no answer", id)
		}
		delete(next, id)
		for _, s := range st.proofs(n, next) {
			if !slices.ContainsFunc(shown[id], func(x checks.Status) bool { return x.Node == s.Node }) {
				shown[id] = append(shown[id], s)
			}
		}
	}
	return nil
}

// proofs are a page of what is shown on a commit, and notes where the next one begins.
func (st *standing) proofs(n *commitNode, next map[string]string) []checks.Status {
	list := []checks.Status{}
	if n.Rollup == nil {
		return list
	}
	for _, c := range n.Rollup.Contexts.Nodes {
		list = append(list, st.proof(c))
	}
	if cursor := after(n.Rollup.Contexts.PageInfo); cursor != "" {
		next[n.OID] = cursor
	}
	return list
}

// proof is one status, with when it came to its state. A check run that has not ended came to it when it was started.
func (st *standing) proof(n contextNode) checks.Status {
	s := st.status(n, nil)
	if n.Typename == "StatusContext" {
		s.At = utc(n.CreatedAt)
		self := st.c.memory.self.Load()
		s.Ours = self != 0 && n.Creator != nil && n.Creator.DatabaseID == self
		return s
	}
	if s.At = utc(n.StartedAt); n.CompletedAt != nil {
		s.At, s.Began = utc(n.CompletedAt), s.At
	}
	if s.Ours {
		s.ExternalID = text(n.ExternalID)
	}
	return s
}

package github

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// leastID is how many digits an abbreviated object id has at least: with fewer, anybody could push a commit that makes
// it ambiguous.
const leastID = 7

// Resolve implements gate.Promoter. A name that means two commits is refused: which one was meant, nobody knows.
func (c *Client) Resolve(ctx context.Context, repo gate.Repo, ref string) (string, int, error) {
	commit, change, err := c.resolve(ctx, checks.Subject{Forge: repo.Forge, Repo: repo.Name, Installation: repo.Installation}, ref)
	if err != nil {
		return "", 0, fmt.Errorf("find %q in %s: %w", checks.Clip(gate.Plain(ref), 60), repo.Name, err)
	}
	return commit, change, nil
}

// meant is what a ref may mean.
type meant struct {
	Repository *struct {
		Default *labelNode `json:"defaultBranchRef"`
		Branch  *tagNode   `json:"branch"`
		Tag     *tagNode   `json:"tag"`
		Object  *tagTarget `json:"object"`
	} `json:"repository"`
}

func (c *Client) resolve(ctx context.Context, s checks.Subject, ref string) (string, int, error) {
	repo, in, err := c.at(ctx, s)
	if err != nil {
		return "", 0, err
	}
	if ref == "" || len(ref) > 250 || strings.ContainsAny(ref, " ~^:?*[\\\x7f") || strings.Contains(ref, "..") || gate.Plain(ref) != ref {
		return "", 0, &gate.RefusalError{Why: "it is no name of a branch, a tag or a commit"}
	}
	branch, tag := "refs/heads/"+ref, "refs/tags/"+ref
	if strings.HasPrefix(ref, "refs/heads/") {
		branch, tag = ref, ""
	} else if strings.HasPrefix(ref, "refs/tags/") {
		branch, tag = "", ref
	}
	vars := map[string]any{"owner": repo.owner, "name": repo.name, "branch": branch, "tag": tag, "asBranch": branch != "", "asTag": tag != "", "asObject": hexadecimal(ref), "object": strings.ToLower(ref)}
	var node meant
	errs, err := in.query(ctx, "Resolve", c.queries.document("Resolve", nil), vars, &node)
	switch {
	case err != nil:
		return "", 0, err
	case len(errs) > 0:
		return "", 0, errs[0].err("Resolve")
	case node.Repository == nil:
		return "", 0, fmt.Errorf("%w: GitHub shows no repository %s", gate.ErrGone, repo)
	}
	commit, err := node.commit(ref)
	if err != nil {
		return "", 0, err
	}
	st := &standing{reading: c.reading(in, repo, s), known: map[string]*cameNode{}}
	if st.head = commit; node.Repository.Default != nil {
		st.branch = node.Repository.Default.Name
	}
	change, err := st.resolved(ctx)
	return commit, change, err
}

// hexadecimal says whether s may be an object id, or the beginning of one.
func hexadecimal(s string) bool {
	if len(s) < leastID || len(s) > 64 {
		return false
	}
	return strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}

// commit is the one that a ref means.
func (m *meant) commit(ref string) (string, error) {
	found := map[string][]string{}
	note := func(kind string, t *tagTarget) {
		for t != nil && t.Typename == "Tag" {
			t = t.Target
		}
		if t != nil && t.Typename == "Commit" && oid(t.OID) {
			found[t.OID] = append(found[t.OID], kind)
		}
	}
	if m.Repository.Branch != nil {
		note("a branch", m.Repository.Branch.Target)
	}
	if m.Repository.Tag != nil {
		note("a tag", m.Repository.Tag.Target)
	}
	if o := m.Repository.Object; o != nil && strings.HasPrefix(o.OID, strings.ToLower(ref)) {
		note("a commit", o)
	}
	switch ids := sortedKeys(found); len(ids) {
	case 1:
		return ids[0], nil
	case 0:
		why := "GitHub knows no branch, no tag and no commit of that name"
		if hexadecimal(ref) && len(ref) < 40 {
			why += ", or several commits begin so: give all 40 digits"
		}
		return "", &gate.RefusalError{Why: why}
	default:
		return "", &gate.RefusalError{Why: fmt.Sprintf("it is ambiguous: %s and %s of that name are different commits; say refs/heads/…, refs/tags/… or the 40 digits of the commit", found[ids[0]][0], found[ids[1]][0])}
	}
}

// resolved is the merged change that brought the commit; 0: none did.
func (st *standing) resolved(ctx context.Context) (int, error) {
	node, err := st.more(ctx, fmt.Sprintf("c0: object(oid: %s) { ... on Commit { ...Came } } ", quoted(st.head)))
	if err != nil {
		return 0, err
	}
	if n := node.carried[0]; n != nil && n.OID == st.head {
		st.known[st.head] = n
	}
	return st.number(ctx)
}

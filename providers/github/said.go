package github

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// mostSaid bounds the texts of comments and reviews together, which are kept with the decision.
const mostSaid = 1 << 20

// saidNode is the answer to the query Said.
type saidNode struct {
	Repository *struct {
		PullRequest *struct {
			HeadRefOID string                   `json:"headRefOid"`
			Comments   *connection[*spokenNode] `json:"comments"`
			Reviews    *connection[*spokenNode] `json:"reviews"`
			Commits    *connection[*signedNode] `json:"commits"`
		} `json:"pullRequest"`
	} `json:"repository"`
}

// spokenNode is a comment, or a review with its text.
type spokenNode struct {
	FullDatabaseID string     `json:"fullDatabaseId"` // of a review
	Body           string     `json:"body"`
	CreatedAt      *time.Time `json:"createdAt"`
	SubmittedAt    *time.Time `json:"submittedAt"`
	LastEditedAt   *time.Time `json:"lastEditedAt"`
	Author         *actorNode `json:"author"`
}

type signedNode struct {
	Commit struct {
		OID       string `json:"oid"`
		Signature *struct {
			IsValid bool       `json:"isValid"`
			Signer  *actorNode `json:"signer"`
			KeyID   string     `json:"keyId"`
		} `json:"signature"`
	} `json:"commit"`
}

// said reads what people said and what the commits are signed with, as far as it is wanted: one request for most changes,
// and none where no rule asks.
func (r *reading) said(ctx context.Context, w *checks.Wants) error {
	next := map[string]*string{"comments": nil, "texts": nil, "signatures": nil}
	start := ""
	if w.Comments {
		next["comments"], next["texts"] = &start, &start
	}
	if w.Signatures {
		next["signatures"] = &start
	}
	signatures := map[string]*checks.Signature{}
	for range mostPages {
		var err error
		if next, err = r.saidPage(ctx, next, signatures); err != nil {
			return err
		}
		if next["comments"] == nil && next["texts"] == nil && next["signatures"] == nil {
			break
		}
	}
	if next["comments"] != nil || next["texts"] != nil {
		r.gap("comments", "GitHub has more comments than the %d that were read.", len(r.f.Comments))
	}
	if w.Comments {
		r.heard()
	}
	if w.Signatures {
		r.signed(signatures, next["signatures"] != nil)
	}
	return nil
}

// saidPage asks for one page of each connection that has a cursor, and returns the cursors to go on from.
func (r *reading) saidPage(ctx context.Context, from map[string]*string, signatures map[string]*checks.Signature) (map[string]*string, error) {
	vars := map[string]any{"owner": r.repo.owner, "name": r.repo.name, "number": r.f.Subject.Change}
	for name, cursor := range from {
		vars[name], vars[name+"After"] = cursor != nil, nil
		if cursor != nil && *cursor != "" {
			vars[name+"After"] = *cursor
		}
	}
	var node saidNode
	errs, err := r.in.query(ctx, "Said", r.c.queries.document("Said", nil), vars, &node)
	if err != nil {
		return nil, err
	}
	if len(errs) > 0 {
		return nil, errs[0].err("Said")
	}
	if node.Repository == nil || node.Repository.PullRequest == nil {
		return nil, fmt.Errorf("%w: GitHub shows the pull request no more", gate.ErrGone)
	}
	pr := node.Repository.PullRequest
	if pr.HeadRefOID != r.head {
		return nil, fmt.Errorf("%w: the change moved while it was read", gate.ErrStale)
	}
	next := map[string]*string{"comments": nil, "texts": nil, "signatures": nil}
	if pr.Comments != nil {
		r.f.Comments = append(r.f.Comments, spoken(pr.Comments.Nodes)...)
		next["comments"] = onward(pr.Comments.PageInfo)
	}
	if pr.Reviews != nil {
		r.f.Comments = append(r.f.Comments, spoken(pr.Reviews.Nodes)...)
		next["texts"] = onward(pr.Reviews.PageInfo)
	}
	if pr.Commits != nil {
		for _, n := range pr.Commits.Nodes {
			signatures[n.Commit.OID] = n.signature()
		}
		next["signatures"] = onward(pr.Commits.PageInfo)
	}
	return next, nil
}

func onward(p page) *string {
	if cursor := after(p); cursor != "" {
		return &cursor
	}
	return nil
}

func spoken(nodes []*spokenNode) []checks.Comment {
	var cs []checks.Comment
	for _, n := range nodes {
		if n == nil || n.CreatedAt == nil && n.SubmittedAt == nil {
			continue
		}
		c := checks.Comment{By: person(n.Author), Text: n.Body, Edited: n.LastEditedAt != nil}
		if n.CreatedAt != nil {
			c.At = n.CreatedAt.UTC()
		} else {
			c.At = n.SubmittedAt.UTC()
			c.Review, _ = strconv.ParseInt(n.FullDatabaseID, 10, 64) // as the id of the review itself was read
		}
		cs = append(cs, c)
	}
	return cs
}

func (n *signedNode) signature() *checks.Signature {
	s := n.Commit.Signature
	if s == nil {
		return nil
	}
	out := &checks.Signature{Verified: s.IsValid, Key: s.KeyID}
	if s.Signer != nil {
		out.By = checks.Person{ID: s.Signer.DatabaseID, Login: s.Signer.Login, Kind: "user"}
	}
	return out
}

// heard puts the comments in order, and forgets them where they are too much to keep.
func (r *reading) heard() {
	sorting.By(r.f.Comments, func(a, b checks.Comment) int { return a.At.Compare(b.At) })
	bytes := 0
	for _, c := range r.f.Comments {
		bytes += len(c.Text)
	}
	if r.f.Heard = true; bytes > mostSaid {
		r.f.Comments = nil
		r.gap("comments", "The comments hold %d bytes, which is more than is kept.", bytes)
	}
}

// signed gives each commit its signature. GitHub ends its list of commits at 250.
func (r *reading) signed(signatures map[string]*checks.Signature, cut bool) {
	r.f.Signed = true
	for i := range r.f.Commits {
		s, shown := signatures[r.f.Commits[i].ID]
		cut = cut || !shown
		r.f.Commits[i].Signature = s
	}
	if cut {
		r.gap("signatures", "GitHub did not show the signatures of all commits.")
	}
}

package gitlab

import (
	"context"
	"errors"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

const (
	mostSaid       = 1 << 20 // bytes of notes, which are kept with the decision
	mostSignatures = 200     // commits whose signatures are read one by one
)

// said reads what people said and what the commits are signed with, as far as it is wanted: none where no rule asks.
func (r *reading) said(ctx context.Context, w *checks.Wants) error {
	if w.Comments {
		if err := r.notes(ctx); err != nil {
			return err
		}
	}
	if w.Signatures {
		return r.signatures(ctx)
	}
	return nil
}

// notes are what people wrote below the change. Internal ones are left out: what is decided by them would show them.
func (r *reading) notes(ctx context.Context) error {
	list, cut, err := pages[systemNote](ctx, r.a, r.here("notes"), url.Values{"sort": {"asc"}, "order_by": {"created_at"}}, mostNotes)
	if err != nil {
		return err
	}
	if cut {
		r.gap("comments", "GitLab has more notes than the %d that were read.", len(list))
	}
	bytes := 0
	for _, n := range list {
		if n.System || n.Internal || n.Hidden {
			continue
		}
		if bytes += len(n.Body); bytes > mostSaid {
			r.gap("comments", "The notes on the change are longer than what is read of them.")
			break
		}
		by, err := r.surely(ctx, n.Author) // what a service account writes is no person's word, whatever it is called
		if err != nil {
			return err
		}
		// A note that was resolved has a later time too; that an edit is seen matters more.
		r.f.Comments = append(r.f.Comments, checks.Comment{By: by, Text: n.Body, At: n.Created.UTC(), Edited: n.Updated.Sub(n.Created) > time.Second})
	}
	r.f.Heard = true
	return nil
}

// signatureNode is a commit's signature, of whichever kind.
type signatureNode struct {
	Type   string `json:"signature_type"` // PGP, SSH, X509
	Status string `json:"verification_status"`
	Key    string `json:"gpg_key_primary_keyid"`
	Email  string `json:"gpg_key_user_email"`
}

// signatures reads those of the commits, one by one.
func (r *reading) signatures(ctx context.Context) error {
	if len(r.f.Commits) > mostSignatures {
		r.gap("signatures", "The signatures of %d commits are more than are read one by one.", len(r.f.Commits))
		return nil
	}
	found := make([]*checks.Signature, len(r.f.Commits))
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(abreast)
	for i, c := range r.f.Commits {
		group.Go(func() error {
			var n signatureNode
			_, err := r.a.get(all, at(r.repo, "repository", "commits", c.ID, "signature"), nil, &n)
			if errors.Is(err, gate.ErrGone) {
				return nil // it has none
			}
			if err != nil {
				return err
			}
			found[i] = r.signed(&n, c)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range found {
		r.f.Commits[i].Signature = found[i]
	}
	r.f.Signed = true
	return nil
}

// signed is a signature in our words. GitLab verifies one where the key is that of whoever the committer's address is.
func (r *reading) signed(n *signatureNode, c checks.Commit) *checks.Signature {
	s := &checks.Signature{Verified: n.Status == "verified", Key: n.Key}
	if n.Email != "" {
		s.By = r.author("", n.Email)
	} else if s.Verified {
		s.By = c.Committer
	}
	s.By.Name, s.By.Email = "", ""
	return s
}

package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sluicegate/sluice/gate"
)

const qSee = `
INSERT INTO branch_seen (forge, repo, name, called, installation, sha, policy, pending) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (forge, repo, name) DO UPDATE SET called = excluded.called, installation = excluded.installation, sha = excluded.sha,
  policy = excluded.policy, pending = excluded.pending`

const qBegin = `
INSERT INTO branch_seen (forge, repo, name, called, installation, sha, policy, pending) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (forge, repo, name) DO NOTHING`

const qUnsee = `DELETE FROM branch_seen WHERE forge = $1 AND repo = $2 AND name = $3`

const qBranch = `SELECT installation, sha, policy, pending FROM branch_seen WHERE forge = $1 AND repo = $2 AND name = $3`

const qBranches = `SELECT called, name, installation, sha, policy, pending FROM branch_seen WHERE forge = $1 ORDER BY repo, name`

// see remembers what was seen of a branch; one without a tip is watched no more.
func see(t *tx, b *gate.BranchSeen) (err error) {
	switch {
	case b == nil:
		return nil
	case b.Tip == "":
		_, err = t.exec(qUnsee, b.Forge, fold(b.Repo), b.Name)
	default:
		text := qSee
		if b.Begins {
			text = qBegin
		}
		var pending []byte
		if pending, err = json.Marshal(b.Pending); err == nil {
			_, err = t.exec(text, b.Forge, fold(b.Repo), b.Name, b.Repo, b.Installation, b.Tip, b.Policy, string(pending))
		}
	}
	if err != nil {
		return fmt.Errorf("keep what was seen of the branch %s: %w", b.Name, err)
	}
	return nil
}

// Branch is what was last seen of a branch, or nil.
func (s *Store) Branch(ctx context.Context, forge, repo, name string) (*gate.BranchSeen, error) {
	b := &gate.BranchSeen{Forge: forge, Repo: repo, Name: name}
	var pending string
	found, err := s.scan(brief(ctx), []any{&b.Installation, &b.Tip, &b.Policy, &pending}, qBranch, forge, fold(repo), name)
	if err == nil && found {
		err = json.Unmarshal([]byte(pending), &b.Pending)
	}
	if err != nil || !found {
		return nil, err
	}
	return b, nil
}

// Branches are all that are watched at a forge.
func (s *Store) Branches(ctx context.Context, forge string) ([]gate.BranchSeen, error) {
	rows, err := s.query(ctx, qBranches, forge)
	if err != nil {
		return nil, err
	}
	var list []gate.BranchSeen
	err = each(rows, func(scan func(...any) error) error {
		b := gate.BranchSeen{Forge: forge}
		var pending string
		err := scan(&b.Repo, &b.Name, &b.Installation, &b.Tip, &b.Policy, &pending)
		if err == nil {
			err = json.Unmarshal([]byte(pending), &b.Pending)
		}
		list = append(list, b)
		return err
	})
	return list, err
}

package store

import (
	"context"
	"fmt"

	"github.com/sluicegate/sluice/gate"
)

const qKnownRepos = `
SELECT forge, repo FROM environment_seen UNION SELECT forge, repo FROM branch_seen UNION SELECT forge, repo FROM subject_state WHERE open = 1
ORDER BY 2, 1`

// KnownRepos are the repositories that something is kept of, by name and forge, in lower case.
func (s *Store) KnownRepos(ctx context.Context) ([]gate.Repo, error) {
	rows, err := s.query(ctx, qKnownRepos)
	if err != nil {
		return nil, fmt.Errorf("list the repositories: %w", err)
	}
	var list []gate.Repo
	err = each(rows, func(scan func(...any) error) error {
		var r gate.Repo
		err := scan(&r.Forge, &r.Name)
		list = append(list, r)
		return err
	})
	return list, s.explain(err)
}

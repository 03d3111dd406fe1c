package github

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// Installation is one account that has installed the App, with the repositories that it shows.
type Installation struct {
	ID           int64
	Account      string
	Repositories []gate.Repo
}

// Installations lists where the App is installed, suspended accounts left out. An installation that cannot be read is
// left out too; the error then names it, beside the others' list.
func (c *Client) Installations(ctx context.Context) ([]Installation, error) {
	type found struct {
		ID      int64 `json:"id"`
		Account struct {
			Login string `json:"login"`
		} `json:"account"`
		Suspended *time.Time `json:"suspended_at"`
	}
	var list []Installation
	var faults []error
	for page := 1; ; page++ {
		var some []found
		if err := c.jwt.get(ctx, "GET /app/installations", fmt.Sprintf("/app/installations?per_page=100&page=%d", page), &some); err != nil {
			return list, fmt.Errorf("list installations: %w", errors.Join(append(faults, err)...))
		}
		for _, f := range some {
			if f.Suspended != nil {
				continue
			}
			repos, err := c.repositories(ctx, f.ID)
			if err != nil {
				faults = append(faults, fmt.Errorf("list the repositories of %s: %w", f.Account.Login, err))
				continue
			}
			list = append(list, Installation{f.ID, f.Account.Login, repos})
		}
		if len(some) < 100 {
			return list, errors.Join(faults...)
		}
	}
}

// repositories are those of one installation; how each is reached is remembered.
func (c *Client) repositories(ctx context.Context, id int64) ([]gate.Repo, error) {
	in := c.installation(id)
	var repos []gate.Repo
	for page := 1; ; page++ {
		var some struct {
			Repositories []struct {
				FullName string `json:"full_name"`
				Archived bool   `json:"archived"`
			} `json:"repositories"`
		}
		if err := in.get(ctx, "GET /installation/repositories", fmt.Sprintf("/installation/repositories?per_page=100&page=%d", page), &some); err != nil {
			return nil, err
		}
		for _, r := range some.Repositories {
			c.mu.Lock()
			c.known[strings.ToLower(r.FullName)] = id
			c.mu.Unlock()
			if !r.Archived { // nothing can be shown there
				repos = append(repos, gate.Repo{Forge: "github", Name: r.FullName, Installation: id})
			}
		}
		if len(some.Repositories) < 100 {
			return repos, nil
		}
	}
}

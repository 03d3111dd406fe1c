package github

import (
	"context"
	"fmt"
	"time"
)

// App is what GitHub tells of our own App.
type App struct {
	Name          string
	Permissions   map[string]string
	Events        []string
	HookURL       string
	Installations []AppInstallation
}

// AppInstallation is an account that has installed the App, and what it granted.
type AppInstallation struct {
	ID          int64
	Account     string
	Suspended   bool
	Permissions map[string]string
	Events      []string
}

// App reads what our App is, for `sluice doctor`.
func (c *Client) App(ctx context.Context) (*App, error) {
	var x struct {
		Name        string            `json:"name"`
		Permissions map[string]string `json:"permissions"`
		Events      []string          `json:"events"`
	}
	if err := c.jwt.get(ctx, "GET /app", "/app", &x); err != nil {
		return nil, fmt.Errorf("read the App: %w", err)
	}
	var hook struct {
		URL string `json:"url"`
	}
	if err := c.jwt.get(ctx, "GET /app/hook/config", "/app/hook/config", &hook); err != nil {
		return nil, fmt.Errorf("read the App's webhook: %w", err)
	}
	app := &App{Name: x.Name, Permissions: x.Permissions, Events: x.Events, HookURL: hook.URL}
	for page := 1; ; page++ {
		var some []struct {
			ID      int64 `json:"id"`
			Account struct {
				Login string `json:"login"`
			} `json:"account"`
			Suspended   *time.Time        `json:"suspended_at"`
			Permissions map[string]string `json:"permissions"`
			Events      []string          `json:"events"`
		}
		if err := c.jwt.get(ctx, "GET /app/installations", fmt.Sprintf("/app/installations?per_page=100&page=%d", page), &some); err != nil {
			return nil, fmt.Errorf("list installations: %w", err)
		}
		for _, i := range some {
			app.Installations = append(app.Installations, AppInstallation{i.ID, i.Account.Login, i.Suspended != nil, i.Permissions, i.Events})
		}
		if len(some) < 100 {
			return app, nil
		}
	}
}

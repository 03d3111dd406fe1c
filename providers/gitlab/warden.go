package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// watchHooks is how often the hooks of one place are looked at: they go off when Sluice was away for a while, and at
// start all of them are looked at.
const watchHooks = 30 * time.Minute

// Mend switches on again what GitLab switched off: webhooks to this server that had failed too often while it was away.
// It says what it mended. Where the account may not look at hooks there is nothing to mend; `sluice doctor` tells of that.
func (c *Client) Mend(ctx context.Context) (mended []string, err error) {
	if c.opts.Hook.URL == "" {
		return nil, nil
	}
	var faults []error
	for _, a := range c.ways {
		places, err := c.hookPlaces(ctx, a)
		if err != nil {
			faults = append(faults, err)
		}
		for _, p := range places {
			if !c.due(p) {
				continue
			}
			woken, err := c.mend(ctx, p)
			if err != nil {
				faults = append(faults, err)
			}
			mended = append(mended, woken...)
		}
	}
	return mended, errors.Join(faults...)
}

// hookPlaces are those where hooks of ours may be: the token's group and the groups above its projects, and the projects.
func (c *Client) hookPlaces(ctx context.Context, a *access) ([]Place, error) {
	projects, err := c.reached(ctx, a)
	seen := map[string]bool{}
	var places []Place
	for _, p := range projects {
		for i, r := range p.Path {
			if group := p.Path[:i]; r == '/' && !seen[group] && strings.HasPrefix(strings.ToLower(group)+"/", slashed(a.path)) {
				seen[group] = true
				places = append(places, Place{Path: group, Group: true})
			}
		}
	}
	return append(places, projects...), err
}

// slashed is a path with a slash behind it; "" stays.
func slashed(path string) string {
	if path == "" {
		return ""
	}
	return path + "/"
}

// due says whether a place is to be looked at again.
func (c *Client) due(p Place) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looked == nil {
		c.looked = map[string]time.Time{}
	}
	now := c.opts.Now()
	if at, ok := c.looked[p.String()]; ok && now.Sub(at) < watchHooks {
		return false
	}
	c.looked[p.String()] = now
	return true
}

func (c *Client) mend(ctx context.Context, p Place) (mended []string, err error) {
	hooks, err := c.Hooks(ctx, p)
	if absent(err) || errors.Is(err, gate.ErrGone) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at the webhooks of the %v: %w", p, err)
	}
	for i := range hooks {
		h := &hooks[i]
		if h.URL != c.opts.Hook.URL || !h.Off() {
			continue
		}
		if err := c.revive(ctx, p, h); err != nil {
			c.forgetLook(p)
			return mended, fmt.Errorf("switch on the webhook of the %v: %w", p, err)
		}
		mended = append(mended, fmt.Sprintf("webhook %d of the %v was %s", h.ID, p, strings.ReplaceAll(h.Status, "_", " ")))
	}
	return mended, nil
}

// revive wakes a hook. A group's cannot be sent a test delivery before GitLab 17.1: there a new one takes its place.
func (c *Client) revive(ctx context.Context, p Place, h *Hook) error {
	err := c.Wake(ctx, p, h)
	if !p.Group || status(err) != http.StatusNotFound || c.opts.Hook.Token+c.opts.Hook.Signing == "" {
		return err
	}
	if _, err := c.Hang(ctx, p, nil, c.opts.Hook); err != nil {
		return err
	}
	a, err := c.way(p.Path)
	if err == nil {
		_, err = a.send(ctx, http.MethodDelete, p.route("hooks", fmt.Sprint(h.ID)), nil, nil, nil)
	}
	return err
}

func (c *Client) forgetLook(p Place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.looked, p.String())
}

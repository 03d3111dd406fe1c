package gitlab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cron "github.com/netresearch/go-cron"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// GitLab's freeze periods are two cron expressions and a zone: a freeze begins with each start, and lasts until the next end.
// They are told as stretches of time around now, so that nobody else has to know cron, and a decision is replayed without it.

const (
	frozenAhead = 100 * 24 * time.Hour // how far ahead they are told
	mostFrozen  = 150                  // stretches told of one period
	never       = 400 * 24 * time.Hour // how long a freeze holds whose end never comes
)

// freezeNode is a freeze period.
type freezeNode struct {
	ID    int64  `json:"id"`
	Start string `json:"freeze_start"`
	End   string `json:"freeze_end"`
	Zone  string `json:"cron_timezone"`
}

// freezing are a project's freeze periods as last read. They are believed for a minute, as rights are: what is entered in haste
// holds soon.
type freezing struct {
	list []freezeNode
	at   time.Time
}

// freezes are the stretches in which GitLab is frozen; unread says why they are not known. One period that cannot be read
// hides what it freezes, so then none is known.
func (c *Client) freezes(ctx context.Context, a *access, s checks.Subject) (list []checks.Frozen, unread string, err error) {
	now := c.opts.Now().UTC()
	known, ok := c.promo.frozen.Get(under(s.Repo))
	if !ok || now.Sub(known.at) >= time.Minute {
		nodes, cut, err := pages[freezeNode](ctx, a, at(s.Repo, "freeze_periods"), nil, 5)
		switch {
		case ctx.Err() != nil:
			return nil, "", err
		case err != nil && !errors.Is(err, errLimit):
			return nil, "GitLab's freeze periods could not be read: " + checks.Clip(gate.Plain(err.Error()), 150), nil
		case err != nil:
			return nil, "", err
		case cut:
			return nil, "there are more than 500 freeze periods", nil
		}
		known = freezing{nodes, now}
		c.promo.frozen.Add(under(s.Repo), known)
	}
	for _, f := range known.list {
		some, err := f.around(now)
		if err != nil {
			return nil, fmt.Sprintf("freeze period %d of GitLab: %s; a maintainer can write it otherwise under Settings, CI/CD, Deploy freezes", f.ID, err), nil
		}
		for _, z := range some {
			z.Source = fmt.Sprintf("freeze period %d of %s in GitLab", f.ID, s.Repo)
			list = append(list, z)
		}
	}
	sorting.By(list, func(x, y checks.Frozen) int { return x.From.Compare(y.From) })
	return list, "", nil
}

// schedule reads a cron expression as GitLab does: five fields, in which a day of the month or a day of the week may do.
func schedule(text string) (*cron.SpecSchedule, error) {
	if strings.ContainsAny(text, "=@") || len(text) > 200 { // a zone of its own, or a word for a schedule
		return nil, fmt.Errorf("%q is no cron expression that Sluice knows", checks.Clip(gate.Plain(text), 60))
	}
	p, err := cron.TryNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom | cron.DowNth | cron.DowLast | cron.DomL)
	if err != nil {
		return nil, err
	}
	parsed, err := p.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no cron expression that Sluice knows", checks.Clip(gate.Plain(text), 60))
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("%q is no cron expression with times of day", checks.Clip(gate.Plain(text), 60))
	}
	return spec, nil
}

// around are the stretches of a period that are not over, the earliest first. It is frozen as long as the last start came after
// the last end.
func (f freezeNode) around(now time.Time) (list []checks.Frozen, err error) {
	start, err := schedule(f.Start)
	if err != nil {
		return nil, err
	}
	end, err := schedule(f.End)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(f.Zone)
	if err != nil || f.Zone == "Local" {
		return nil, fmt.Errorf("%q is no name of a time zone such as Europe/Berlin", checks.Clip(gate.Plain(f.Zone), 60))
	}
	start.Location, end.Location = time.Local, time.Local // that of the time asked about
	add := func(from time.Time) time.Time {
		to := end.Next(from)
		if to.IsZero() {
			to = from.Add(never)
			if soon := now.Add(never); soon.After(to) {
				to = soon
			}
		}
		list = append(list, checks.Frozen{From: from.UTC(), To: to.UTC(), Zone: f.Zone})
		return to
	}
	local := now.In(zone)
	cursor := local
	next := local.Truncate(time.Minute).Add(time.Minute) // Prev tells what lies before
	if begun, ended := start.Prev(next), end.Prev(next); !begun.IsZero() && begun.After(ended) {
		if first := start.Next(ended); !ended.IsZero() && !first.IsZero() && first.Before(begun) {
			begun = first
		}
		cursor = add(begun)
	}
	for len(list) < mostFrozen {
		from := start.Next(cursor)
		if from.IsZero() || from.After(now.Add(frozenAhead)) {
			break
		}
		if cursor = from; !end.Next(from.Add(-time.Second)).Equal(from) { // a start that is an end as well begins nothing
			cursor = add(from)
		}
	}
	return list, nil
}

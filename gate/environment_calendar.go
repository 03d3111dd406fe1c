package gate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/calendar"
)

// calendarAhead is how far ahead the calendar that is served tells.
const calendarAhead = 90 * 24 * time.Hour

// Calendar is the coming openings and freezes of an environment as iCalendar, by the policies in force now; environment "" is
// all of the repository's. It fails with ErrGone for a repository or an environment that is not guarded, and tells a calendar
// that cannot be read as unknown, never as empty.
func (r *Reconciler) Calendar(ctx context.Context, repo Repo, environment string) (string, error) {
	v, err := r.calendarVisit(ctx, repo)
	if err != nil {
		return "", err
	}
	return v.calendar(ctx, repo.Name, environment)
}

// Timetable is when an environment may be deployed to.
type Timetable struct {
	Environment string
	calendar.Timetable
}

// Timetables are those of a repository's environments, by the policies in force now. It fails as Calendar does.
func (r *Reconciler) Timetables(ctx context.Context, repo Repo) (list []Timetable, err error) {
	v, err := r.calendarVisit(ctx, repo)
	if err != nil {
		return nil, err
	}
	during := calendar.Span{From: v.now.AddDate(0, -2, 0), To: v.now.Add(calendarAhead).Truncate(time.Hour)}
	for _, g := range environments(v.set) {
		t, err := v.timetable(ctx, g.name, during)
		if err != nil {
			return nil, err
		}
		list = append(list, Timetable{g.name, t})
	}
	return list, nil
}

// timetable is that of one environment.
func (v *visit) timetable(ctx context.Context, name string, during calendar.Span) (calendar.Timetable, error) {
	v.s.Environment = name
	x := &checks.Promotion{}
	if err := v.calendars(ctx, x); err != nil {
		return calendar.Timetable{}, err
	}
	var texts []calendar.Text
	for _, c := range x.Calendars {
		texts = append(texts, calendar.Text{Name: c.Name, Text: c.Text, Read: c.Read, Problem: c.Failed})
	}
	return calendar.Of(v.set, name, texts, during).Also(v.forgeFreezes()), nil
}

// calendarVisit reads what calendars are made of.
func (r *Reconciler) calendarVisit(ctx context.Context, repo Repo) (*visit, error) {
	provider, ok := r.Providers[repo.Forge].(Promoter)
	if !ok || r.Book == nil {
		return nil, fmt.Errorf("%w: no forge with deployments is configured", ErrGone)
	}
	known, err := r.Book.Environments(ctx, repo.Forge, repo.Name)
	if err != nil {
		return nil, fmt.Errorf("list the environments of %s: %w", repo.Name, err)
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("%w: no environment of %s is guarded", ErrGone, Plain(repo.Name))
	}
	s := checks.Subject{Forge: repo.Forge, Repo: repo.Name, Kind: checks.KindEnvironment, Environment: known[0].Name, Installation: known[0].Installation}
	st, err := provider.Environment(ctx, s, nil, checks.Promotion{Environment: s.Environment})
	if err != nil {
		return nil, fmt.Errorf("read the policies of %s: %w", repo.Name, err)
	}
	if st.Unread != "" {
		return nil, errors.New("the policies cannot be read: " + st.Unread)
	}
	set, err := r.policies.load(st.Sources)
	if err != nil {
		return nil, fmt.Errorf("the policy is broken: %w", err)
	}
	return &visit{r: r, provider: provider, s: s, standing: st, set: set, now: r.Now().UTC()}, nil
}

// calendar renders what Calendar read.
func (v *visit) calendar(ctx context.Context, repo, environment string) (string, error) {
	in := calendar.Span{From: v.now.Add(-24 * time.Hour).Truncate(time.Hour), To: v.now.Add(calendarAhead).Truncate(time.Hour)}
	before := calendar.Span{From: in.From.AddDate(0, -2, 0), To: in.To} // so that what has begun is told whole
	var events []calendar.Event
	found := false
	for _, g := range environments(v.set) {
		if environment != "" && !sameName(g.name, environment) {
			continue
		}
		found = true
		t, err := v.timetable(ctx, g.name, before)
		if err != nil {
			return "", err
		}
		events = append(events, t.Events(repo, g.name, in)...)
	}
	if !found {
		return "", fmt.Errorf("%w: no policy guards %s", ErrGone, Plain(environment))
	}
	name := repo + " deployments"
	if environment != "" {
		name = repo + " " + v.s.Environment
	}
	return calendar.Render(name, events, v.now), nil
}

// forgeFreezes are those that the forge itself keeps, as a layer beside the policies'.
func (v *visit) forgeFreezes() (l calendar.Layer) {
	for _, z := range v.standing.Frozen {
		l.Freezes = append(l.Freezes, calendar.Freeze{Span: calendar.Span{From: z.From, To: z.To}, Zone: z.Zone, Rule: z.Source, UID: z.Source})
	}
	if v.standing.Thawing != "" {
		l.Unknown = append(l.Unknown, calendar.Unknown{Calendar: "The forge's own freezes", Rule: "the forge", Reason: "are not known: " + v.standing.Thawing})
	}
	return l
}

package dashboard

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// Tables tells when environments may be deployed to, by the policies in force now.
type Tables interface {
	// Frozen are the environments of which freezes are known, as they were seen last.
	Frozen(ctx context.Context, limit int) ([]gate.EnvironmentSeen, error)
	// Locks are those that hold now.
	Locks(ctx context.Context, limit int) ([]gate.LockState, error)
	// Timetables asks the forge for the policies of a repository: gate.ErrGone where nothing is guarded.
	Timetables(ctx context.Context, repo gate.Repo) ([]gate.Timetable, error)
}

const (
	mostHeld   = 2000 // freezes and locks that are looked through
	heldOnPage = 50   // of each, shown
)

// calendarData is what holds deployments back, and when they may go on.
type calendarData struct {
	Repo    *gate.Repo // nil: of all that the person may see
	Freezes []freezeRow
	Locks   []gate.LockState
	Tables  []tableShown
	Unread  string // why the timetables are not known
	More    bool
}

type freezeRow struct {
	Forge, Repo, Environment string
	calendar.Freeze
	Holds   bool
	Unknown string
}

// tableShown is when an environment is open in the coming two weeks.
type tableShown struct {
	Environment string
	Turns       []calendar.Turn
	Always      bool // nothing but freezes ever shuts it
	Unknown     []calendar.Unknown
}

// calendarPage serves it, for all repositories or for one.
func calendarPage(v *visitor) (*page, string, error) {
	if v.Tables == nil {
		return nil, "", errMissing
	}
	data := &calendarData{}
	if v.r.PathValue("repo") != "" {
		repo, err := named(v.r.PathValue("forge"), v.r.PathValue("repo"))
		if err != nil {
			return nil, "", err
		}
		if repo, err = v.sees(repo.Forge, repo.Name); err != nil {
			return nil, "", err
		}
		data.Repo = &repo
		if err := v.timetables(data); err != nil {
			return nil, "", err
		}
	}
	if err := v.held(data); err != nil {
		return nil, "", err
	}
	return &page{Title: "Calendar", Here: "calendar", Data: data, Live: true}, "calendar.html", nil
}

// timetables adds those of the one repository. That they cannot be read now is told, and is no reason to tell nothing.
func (v *visitor) timetables(x *calendarData) error {
	list, err := v.Tables.Timetables(v.ctx(), *x.Repo)
	switch {
	case errors.Is(err, gate.ErrGone):
		x.Unread = "No environment of it is guarded."
		return nil
	case err != nil:
		x.Unread = "The policy could not be read at the forge just now, so nobody can say when what is open. Reload in a minute."
		return nil
	}
	ahead := calendar.Span{From: v.now, To: v.now.AddDate(0, 0, 14)}
	for _, t := range list {
		row := tableShown{Environment: t.Environment, Unknown: t.Unknown()}
		sure, _ := t.Certain()
		for turn := range sure.Turns(ahead) {
			if len(row.Turns) == 20 {
				break
			}
			row.Turns = append(row.Turns, turn)
		}
		row.Always = len(row.Turns) == 1 && !row.Turns[0].From.After(ahead.From) && !row.Turns[0].To.Before(ahead.To)
		x.Tables = append(x.Tables, row)
	}
	return nil
}

// held adds the freezes and locks that the person may see, those that hold first.
func (v *visitor) held(x *calendarData) error {
	frozen, err := v.Tables.Frozen(v.ctx(), mostHeld)
	if err != nil {
		return err
	}
	locks, err := v.Tables.Locks(v.ctx(), mostHeld)
	if err != nil {
		return err
	}
	var entries []gate.Entry // for the seer, which asks for each repository once
	for _, e := range frozen {
		entries = append(entries, gate.Entry{Forge: e.Forge, Repo: e.Repo})
	}
	for _, l := range locks {
		entries = append(entries, gate.Entry{Forge: l.Forge, Repo: l.Repo})
	}
	sees := v.seer()
	if err := sees.learn(entries); err != nil {
		return err
	}
	here := func(forge, repo string) bool {
		return sees.may(gate.Entry{Forge: forge, Repo: repo}) && (x.Repo == nil || x.Repo.Forge == forge && strings.EqualFold(x.Repo.Name, repo))
	}
	for _, e := range frozen {
		if e.View == nil || !here(e.Forge, e.Repo) {
			continue
		}
		for _, z := range e.View.Freezes {
			if z.To.After(v.now) {
				x.Freezes = append(x.Freezes, freezeRow{e.Forge, e.Repo, e.Name, z, z.Holds(v.now), ""})
			}
		}
		if e.View.Unknown != "" {
			x.Freezes = append(x.Freezes, freezeRow{Forge: e.Forge, Repo: e.Repo, Environment: e.Name, Unknown: e.View.Unknown})
		}
	}
	for _, l := range locks {
		if here(l.Forge, l.Repo) {
			x.Locks = append(x.Locks, l)
		}
	}
	sorting.By(x.Freezes, func(a, b freezeRow) int { return cmp.Compare(begins(a, v.now), begins(b, v.now)) })
	x.More = len(x.Freezes) > heldOnPage || len(x.Locks) > heldOnPage
	x.Freezes, x.Locks = x.Freezes[:min(len(x.Freezes), heldOnPage)], x.Locks[:min(len(x.Locks), heldOnPage)]
	return nil
}

func begins(f freezeRow, now time.Time) int64 {
	if f.Holds || f.Unknown != "" {
		return 0
	}
	return f.From.Sub(now).Milliseconds()
}

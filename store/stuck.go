package store

import (
	"fmt"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// Often is after how many attempts without success work is called stuck, though it is not given up.
const Often = 5

// Stuck says why a piece of work does not get on, or "" where it does: it failed too often, or its holder is gone, or it was
// taken again and again, or it is due and has waited for longer than long.
func (i Item) Stuck(now time.Time, long time.Duration) string {
	switch {
	case i.Standing == Dead:
		return fmt.Sprintf("it failed %d times in a row and is given up until something new comes", i.Attempts)
	case i.Standing == Running && !i.Due.IsZero() && now.After(i.Due):
		return fmt.Sprintf("%s holds it and has not been heard of since its lease ended %v ago", i.Holder, now.Sub(i.Due).Round(time.Second))
	case i.Attempts >= Often:
		return fmt.Sprintf("it was taken %d times without success", i.Attempts)
	case i.Standing == Waiting && !i.Since.IsZero() && now.Sub(i.Since) > long && !i.Due.After(now):
		return fmt.Sprintf("it is due and has waited for %v: nobody takes it", now.Sub(i.Since).Round(time.Second))
	case i.Standing == Running && !i.Since.IsZero() && now.Sub(i.Since) > long:
		return fmt.Sprintf("its oldest cause is %v old, and it is being looked at still", now.Sub(i.Since).Round(time.Second))
	}
	return ""
}

// Cause is one reason why work is looked at.
type Cause struct {
	Why      string    `json:"why"`
	Detail   string    `json:"detail,omitempty"`
	Commit   string    `json:"commit,omitempty"`
	At       time.Time `json:"at"`
	Delivery string    `json:"delivery,omitempty"` // what brought it: for `sluice inbox replay`
	Done     bool      `json:"done"`               // a look that finished has covered it
}

func scanCauseShown(scan func(...any) error) (c Cause, err error) {
	var when int64
	err = scan(&c.Why, &c.Detail, &c.Commit, &when, &c.Delivery, &c.Done)
	c.At = at(when)
	return c, err
}

// replayed is the entry of the audit log that says that a delivery was read anew.
func replayed(d gate.Delivery, by, reason string) gate.Entry {
	e := gate.Entry{Kind: gate.EntryCommand, Forge: d.Forge, Command: "inbox replay", Outcome: "done", Who: gate.Who{Login: by},
		Reason: fmt.Sprintf("Delivery %s (%s) was read anew. %s", d.ID, d.Event, reason)}
	if len(d.Marks) > 0 {
		e.Repo, e.Change = d.Marks[0].Repo, d.Marks[0].Change
	}
	return e
}

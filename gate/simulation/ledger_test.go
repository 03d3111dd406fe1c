package simulation

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// The forge keeps a log of what it sent, or tried to send. What did not arrive is found there.

// log enters a delivery that is tried for the first time.
func (d *delivery) log(w *world) {
	if d.tried.IsZero() {
		d.tried = time.Now()
		w.log = append(w.log, d)
	}
}

// Logged is a page of thirty, told as of an instant at which the forge's replica may not have the newest.
func (k counter) Logged(ctx context.Context, from string) (*gate.LogPage, error) {
	return ask(k, ctx, "Logged", from, func(served time.Time) (*gate.LogPage, error) {
		page, upTo := &gate.LogPage{At: time.Now().UTC()}, len(k.w.log)
		if from != "" {
			upTo, _ = strconv.Atoi(from)
		}
		for i, d := range slices.Backward(k.w.log[:upTo]) {
			if d.tried.After(served) {
				continue
			}
			if len(page.Entries) == 30 {
				page.Next = strconv.Itoa(i + 1)
				break
			}
			page.Entries = append(page.Entries, gate.Logged{ID: int64(i), GUID: d.ID, Event: d.Event, At: d.tried.UTC()})
		}
		return page, nil
	})
}

func (k counter) Fetch(ctx context.Context, id int64) (event string, body []byte, err error) {
	d, err := ask(k, ctx, "Fetch", strconv.FormatInt(id, 10), func(time.Time) (*delivery, error) { return k.w.log[id], nil })
	if err != nil {
		return "", nil, err
	}
	return d.Event, d.Body, nil
}

// Reads and Take are those of the receiver: nothing is sent that means nothing.
func (shelf) Reads(string) bool { return true }

func (s shelf) Take(ctx context.Context, _, guid string, _ []byte) (added bool, err error) {
	err = s.p.at(ctx, writes, "Take", guid, func() error {
		i := slices.IndexFunc(s.p.world.log, func(d *delivery) bool { return d.ID == guid })
		if i < 0 {
			return fmt.Errorf("%s was never sent", guid)
		}
		added, err = s.p.world.keep(s.p, s.p.world.log[i])
		return err
	})
	return added && err == nil, err
}

func (s shelf) Had(ctx context.Context, forge string, guids []string) (map[string]bool, error) {
	return look(s, ctx, "Had", fmt.Sprint(len(guids)), func() (map[string]bool, error) { return s.Store.Had(ctx, forge, guids) })
}

func (s shelf) Caught(ctx context.Context, forge string) (time.Time, error) {
	return look(s, ctx, "Caught", "", func() (time.Time, error) { return s.Store.Caught(ctx, forge) })
}

func (s shelf) Catch(ctx context.Context, forge string, at time.Time) error {
	return s.p.at(ctx, writes, "Catch", at.Format(time.TimeOnly), func() error {
		err := s.Store.Catch(ctx, forge, at)
		if w := s.p.world; err == nil && w.caught.IsZero() {
			w.caught = time.Now()
		}
		return err
	})
}

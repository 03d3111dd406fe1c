package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/store"
)

// Bounds beyond which the doctor says something.
const (
	scarce    = 1 << 30 // bytes left on the disk
	skewed    = 2 * time.Second
	checkTime = 30 * time.Second
	deep      = 1000 // pieces of work that wait
)

// examineDatabase looks at the database and at what waits in it, beside a server that runs or without one.
func examineDatabase(ctx context.Context, s settings) (list []finding) {
	const about = "database"
	st, err := store.Open(ctx, store.Options{URL: s.Database, Beside: true})
	if err != nil {
		return []finding{{wrong, about, sentence(err), "nothing is kept, and no delivery is acknowledged.", "start the server once, or set SLUICE_DATABASE to what it says there."}}
	}
	defer st.Close()
	return examineStore(ctx, st, checkTime)
}

// examineStore looks at a database that is open.
func examineStore(ctx context.Context, st *store.Store, within time.Duration) (list []finding) {
	const about = "database"
	h, err := st.Health(ctx, within)
	if err != nil {
		return []finding{{wrong, about, sentence(err), "it cannot be read.", "see that the database answers and that the disk has room."}}
	}
	list = append(list, examineEngine(h, within)...)
	return append(list, examineQueue(ctx, st)...)
}

// examineEngine judges what the database tells of itself.
func examineEngine(h store.Health, within time.Duration) (list []finding) {
	const about = "database"
	say := func(level, what, why, cure string) { list = append(list, finding{level, about, what, why, cure}) }
	name := "SQLite "
	if h.Postgres {
		name = "PostgreSQL "
	}
	say(fine, fmt.Sprintf("%s%s at %s answers; its schema is version %d, as this sluice wants it; it holds %d MB.", name, h.Version, h.Where, h.Schema, h.Bytes>>20), "", "")
	if h.Written != nil {
		say(wrong, sentence(h.Written), "every delivery is refused, so that the forge has to send it again.", "do what it says; deliveries that were missed are fetched afterwards.")
	} else {
		say(fine, "it can be written to.", "", "")
	}
	switch {
	case h.Damaged != "":
		say(wrong, "it is damaged: "+h.Damaged+".", "what is read from it cannot be trusted.", "stop the server, keep a copy of the file, and restore a backup; docs/operations.md says how.")
	case h.Checked:
		say(fine, "all of its pages were checked, and are whole.", "", "")
	case !h.Postgres:
		say(advice, fmt.Sprintf("not all of it could be checked within %v.", within), "damage is then found only when it is read.", "run `sluice backup FILE` now and then: it checks the copy as a whole.")
	}
	if h.Free >= 0 && h.Free < scarce {
		level := advice
		if h.Free < scarce/10 {
			level = wrong
		}
		say(level, fmt.Sprintf("%d MB are free on its disk.", h.Free>>20), "when it is full, every delivery is refused.", "free some space, or shorten SLUICE_KEEP.")
	}
	for _, setting := range h.Unsafe {
		say(wrong, setting+".", "a crash of its machine may lose what was accepted, and spoil the database.", "set it back, and restart what serves the database.")
	}
	return append(list, examineServer(h)...)
}

// examineServer judges what only a database server has.
func examineServer(h store.Health) (list []finding) {
	const about = "database"
	if !h.Postgres {
		return nil
	}
	if h.Skew.Abs() > skewed {
		list = append(list, finding{advice, about, fmt.Sprintf("this machine's clock is %v from the server's.", h.Skew), "work goes by the server's clock, but tokens and signatures of the forges go by this machine's.", "let both keep time by NTP: timedatectl set-ntp true."})
	} else {
		list = append(list, finding{fine, about, fmt.Sprintf("its clock and this machine's are %v apart.", h.Skew.Abs()), "", ""})
	}
	text := fmt.Sprintf("%d more connections would be taken; a replica uses up to %d.", h.Left, h.Each)
	if h.Left < h.Each {
		return append(list, finding{wrong, about, text, "no replica can be started or restarted.", "raise max_connections (or the limit of the role or database), or run fewer replicas."})
	}
	return append(list, finding{fine, about, text, "", ""})
}

// examineQueue looks for what waits, and for what does not get on.
func examineQueue(ctx context.Context, st *store.Store) (list []finding) {
	const about = "inbox"
	q, err := st.Stats(ctx)
	if err != nil {
		return []finding{{wrong, about, sentence(err), "what waits cannot be read.", "see that the disk has room and that the file may be read."}}
	}
	if q.Dead > 0 {
		list = append(list, finding{wrong, about, fmt.Sprintf("%d pieces of work failed too often and wait for somebody.", q.Dead), "what they are about is not judged.", "sluice inbox list --dead, then sluice inbox retry --all."})
	}
	stuck, err := stuckWork(ctx, st)
	if err != nil {
		return append(list, finding{wrong, about, sentence(err), "what waits cannot be read.", "see that the disk has room and that the file may be read."})
	}
	if len(stuck) > 0 {
		list = append(list, finding{wrong, about, fmt.Sprintf("%d pieces of work are stuck: %s.", len(stuck), strings.Join(stuck[:min(3, len(stuck))], "; ")), "what they are about is not judged.", "sluice inbox list --stuck; start sluice serve if it does not run, and its log says what holds it up."})
	}
	if q.Oldest > stuckAfter {
		list = append(list, finding{wrong, about, fmt.Sprintf("the oldest work that is due has waited for %v.", q.Oldest.Round(time.Second)), "is the server running?", "start sluice serve; its log says what holds it up."})
	}
	if q.Waiting > deep {
		list = append(list, finding{advice, about, fmt.Sprintf("%d pieces of work wait.", q.Waiting), "the newest are judged last.", "see `sluice inbox list`; where the number grows, the forge's quota or its answers are what is short."})
	}
	if len(list) == 0 {
		list = append(list, finding{fine, about, fmt.Sprintf("%d pieces of work wait, none for long; %d run.", q.Waiting, q.Running), "", ""})
	}
	return list
}

// stuckWork tells of the work that does not get on, but for what is dead.
func stuckWork(ctx context.Context, st *store.Store) (told []string, err error) {
	now := st.Now()
	for filter := (store.InboxFilter{}); ; {
		page, err := st.Inbox(ctx, filter)
		if err != nil {
			return nil, err
		}
		for _, i := range page {
			if why := i.Stuck(now, stuckAfter); why != "" && i.Standing != store.Dead {
				told = append(told, i.Kind+" "+i.Key+": "+why)
			}
		}
		if len(page) < store.InboxPage {
			return told, nil
		}
		filter.After = page[len(page)-1].ID
	}
}

package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// Add keeps a delivery and raises the work its marks point at, in one transaction, and returns when that is on disk.
// It returns false for one that is kept already (by Forge and ID), and then neither stores nor raises anything. A
// delivery without marks is kept as ignored. It fails with ErrBusy when too much is waiting to be written, and with
// the context's error when that ends first; the delivery may be kept even so, and adding it again is harmless.
func (s *Store) Add(ctx context.Context, d gate.Delivery) (added bool, err error) {
	if d.Forge == "" || d.ID == "" {
		return false, fmt.Errorf("keep delivery: without a forge or an id")
	}
	body := []byte{}
	if !d.Echo {
		body = s.pack.zip(d.Body)
	}
	marks := sorted(d.Marks)
	now := s.now()
	var fresh, learnt bool // the closure's own: it may outlive this call
	how := hasty
	if s.company.crowded() || len(marks) == 0 && s.company.has() {
		how |= calm
	}
	defer s.company.joins()()
	err = s.do(ctx, how, func(t *tx) error {
		fresh = false
		ok, err := deliver(t, d, body, now)
		if err != nil || !ok {
			return err
		}
		for _, m := range marks {
			if err := s.bump(t, m, &d, now, now+s.opts.Debounce.Milliseconds()); err != nil {
				return fmt.Errorf("mark %s %s: %w", m.Kind, m.Key(), err)
			}
		}
		learnt, err = s.learn(t, d)
		fresh = true
		return err
	}, s.deliveryNames(d)...)
	if err != nil {
		return false, fmt.Errorf("keep delivery %s: %w", d.ID, err)
	}
	if learnt {
		s.accounts.Store(d.Forge+":"+fold(d.Account), learntAt{d.Install, time.Now()})
	}
	if fresh && len(marks) > 0 {
		s.poke()
	}
	return fresh, nil
}

// deliver keeps the delivery, unless it was had.
func deliver(t *tx, d gate.Delivery, body []byte, now int64) (fresh bool, err error) {
	outcome, at := "stored", now
	if len(d.Marks) == 0 {
		outcome = "ignored"
	}
	if !d.At.IsZero() {
		at = d.At.UnixMilli()
	}
	n, err := t.exec(qDeliver, d.Forge, d.ID, d.Event, d.Action, d.Account, d.Install, outcome, at, len(d.Body), body)
	return n > 0, err
}

// company knows whether deliveries come at the same time. Where they come one after another nothing is gained by
// letting one linger: the next comes only when it was answered.
type company struct {
	inside atomic.Int64
	met    atomic.Int64 // when two were last inside at once, unix ms
	mu     sync.Mutex
	came   [crowd]int64 // when the newest came, unix ms, in a ring
	newest int
}

// crowd is how many deliveries within 100 ms are so many that the disk is not to be told of each by itself.
const crowd = 20

func (c *company) has() bool { return time.Now().UnixMilli()-c.met.Load() < 100 }

// crowded says that deliveries come at the same time and fast. Then each waits a moment for others to go to the disk with,
// and all are answered sooner for it.
func (c *company) crowded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.has() && time.Now().UnixMilli()-c.came[c.newest] < 100
}

// joins counts one in, and the func that it returns counts it out.
func (c *company) joins() (leaves func()) {
	now := time.Now().UnixMilli()
	if c.inside.Add(1) > 1 {
		c.met.Store(now)
	}
	c.mu.Lock()
	c.came[c.newest], c.newest = now, (c.newest+1)%crowd
	c.mu.Unlock()
	return func() { c.inside.Add(-1) }
}

// learntAt is an installation as this process wrote it down.
type learntAt struct {
	id int64
	at time.Time
}

// known says whether this process has written down how the account is reached. Where others write too, they may have written
// something else since, or have struck it out: then it is believed for a moment only.
func (s *Store) known(d gate.Delivery) bool {
	v, ok := s.accounts.Load(d.Forge + ":" + fold(d.Account))
	if !ok {
		return false
	}
	l := v.(learntAt)
	return l.id == d.Install && (!s.Shared() || time.Since(l.at) < 10*time.Second)
}

// learn remembers how an account is reached, and writes only what is new to this process.
func (s *Store) learn(t *tx, d gate.Delivery) (bool, error) {
	if d.Account == "" || d.Install == 0 {
		return false, nil
	}
	if s.known(d) {
		return false, nil
	}
	_, err := t.exec(qSetInstallation, d.Forge, fold(d.Account), d.Install)
	return true, err
}

// Mark raises work that no delivery asked for: a sweep, a fan-out, a person. It waits for room in the queue.
func (s *Store) Mark(ctx context.Context, marks ...gate.Mark) error {
	return s.MarkAfter(ctx, 0, marks...)
}

// MarkAfter raises work that is not due before delay has passed, unless something else makes it due.
func (s *Store) MarkAfter(ctx context.Context, delay time.Duration, marks ...gate.Mark) error {
	now := s.now()
	for chunk := range slices.Chunk(sorted(marks), 500) {
		err := s.do(ctx, patient, func(t *tx) error {
			for _, m := range chunk {
				if err := s.bump(t, m, nil, now, now+delay.Milliseconds()); err != nil {
					return fmt.Errorf("mark %s %s: %w", m.Kind, m.Key(), err)
				}
			}
			return nil
		}, s.marksNames(chunk)...)
		if err != nil {
			return err
		}
		s.poke()
	}
	return nil
}

// bump raises the subject of one mark and keeps the cause: a delivery that is kept, or nil for none.
func (s *Store) bump(t *tx, m gate.Mark, brought *gate.Delivery, now, due int64) error {
	kind, key := string(m.Kind), m.Key()
	if _, err := t.exec(qBump, append(identity(m), now, due, s.opts.DeadAfter, flag(brought != nil))...); err != nil {
		return err
	}
	if brought == nil {
		if n, err := t.exec(qAgain, kind, key, now, m.Why, m.Detail, m.Commit); err != nil || n > 0 {
			return err
		}
		brought = &gate.Delivery{}
	} else if m.Kind == gate.MarkComment && m.Change != 0 {
		if _, err := t.row([]any{&m.Commit, &m.Before}, qKnownHead, m.Subject().Key()); err != nil {
			return err
		}
	}
	_, err := t.exec(qCause, kind, key, brought.Forge, brought.ID, now, m.Why, m.Detail, m.Commit, m.Before, m.By, m.Installation)
	return err
}

// identity is what names a mark's subject, in the order of the columns.
func identity(m gate.Mark) []any {
	number, name := 0, ""
	switch m.Kind {
	case gate.MarkChange:
		number = m.Change
	case gate.MarkTag:
		name = m.Tag
	case gate.MarkBase, gate.MarkBranch:
		name = m.Base
	case gate.MarkHead:
		name = m.Commit
	case gate.MarkNotice:
		name = m.Target
	case gate.MarkGroup:
		number, name = m.Change, m.Commit
	case gate.MarkComment:
		number, name = m.Change, strconv.FormatInt(m.Comment, 10)
		if m.Change == 0 {
			name = m.Commit + "/" + name
		}
	case gate.MarkAction:
		number, name = m.Change, m.Commit
	case gate.MarkEnvironment:
		name = m.Environment
	case gate.MarkAsk:
		number, name = m.Change, m.Ask
	case gate.MarkPromotion:
		name = m.Environment + "@" + m.Commit
	}
	return []any{string(m.Kind), m.Key(), m.Forge, m.Repo, number, name, m.Installation}
}

// sorted orders marks by what they point at: two transactions that raise the same subjects then never wait for each
// other in a ring.
func sorted(marks []gate.Mark) []gate.Mark {
	marks = slices.Clone(marks)
	sorting.By(marks, func(a, b gate.Mark) int {
		if c := strings.Compare(string(a.Kind), string(b.Kind)); c != 0 {
			return c
		}
		return strings.Compare(a.Key(), b.Key())
	})
	return marks
}

func fold(name string) string { return strings.ToLower(name) }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

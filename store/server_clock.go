package store

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// serverClock is the database server's clock, asked now and then and carried on in between by this process's monotonic one:
// all replicas go by one clock, and a machine whose own jumps changes nothing.
type serverClock struct {
	mu   sync.Mutex
	base time.Time // what the server said
	at   time.Time // when, by this process
	end  context.CancelFunc
	done chan struct{}
}

// often is how often the server is asked, and asleep how far the two clocks of this process may part until it is asked at
// once: the monotonic one stands still while a machine sleeps.
const (
	often  = time.Minute
	asleep = 2 * time.Second
)

func newServerClock(ctx context.Context, db *sql.DB) (*serverClock, error) {
	c := &serverClock{}
	return c, c.ask(ctx, db)
}

// ask takes half of the time that the answer took for the way back.
func (c *serverClock) ask(ctx context.Context, db *sql.DB) error {
	var us int64
	before := time.Now()
	if err := db.QueryRowContext(ctx, `SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)`).Scan(&us); err != nil {
		return err
	}
	took := time.Since(before)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.base.IsZero() || took < time.Second { // an answer that took long says little
		c.base, c.at = time.UnixMicro(us).UTC().Add(took/2), before.Add(took)
	}
	return nil
}

// Now is the server's time.
func (c *serverClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base.Add(time.Since(c.at)).UTC()
}

// slept says whether the wall clock went another way than the monotonic one since the server was asked.
func (c *serverClock) slept() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	return (now.Round(0).Sub(c.at.Round(0)) - now.Sub(c.at)).Abs() > asleep
}

// follow asks from time to time until the clock is stopped.
func (c *serverClock) follow(db *sql.DB) {
	if c == nil {
		return
	}
	ctx, end := context.WithCancel(context.Background())
	c.end, c.done = end, make(chan struct{})
	go func() {
		defer close(c.done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for asked := time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if time.Since(asked) >= often || c.slept() {
				asked = time.Now()
				limit, cancel := context.WithTimeout(ctx, 5*time.Second)
				c.ask(limit, db) //nolint:errcheck // it goes on as it went until it can be asked
				cancel()
			}
		}
	}()
}

func (c *serverClock) stop() {
	if c == nil || c.end == nil {
		return
	}
	c.end()
	<-c.done
}

package dashboard

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// What happens while somebody looks. A page does not learn what happened, only that something did: it then fetches itself
// again, by all the rules of any page. So nothing is told here that could be told to the wrong person.

const (
	beat    = time.Second      // between two looks into the database, for all who watch together
	comfort = 15 * time.Second // between two signs of life
	leave   = 5 * time.Minute  // after which the browser has to come again, and to prove anew who is there
	crowd   = 2000             // who may watch at once
)

// pulse looks for what is new for as long as anybody watches.
type pulse struct {
	read func(context.Context) (int64, error)
	log  *slog.Logger

	mu       sync.Mutex
	watchers map[chan int64]bool
	stop     context.CancelFunc // of the one that looks; nil: nobody does
	over     bool
}

func newPulse(read func(context.Context) (int64, error), log *slog.Logger) *pulse {
	return &pulse{read: read, log: log, watchers: map[chan int64]bool{}}
}

// watch returns what is told of every beat that differs, and what ends that; nil where there is no room.
func (p *pulse) watch() (c chan int64, leaves func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || len(p.watchers) >= crowd {
		return nil, nil
	}
	c = make(chan int64, 1)
	p.watchers[c] = true
	if p.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		p.stop = stop
		go p.look(ctx)
	}
	return c, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if delete(p.watchers, c); len(p.watchers) == 0 && p.stop != nil {
			p.stop()
			p.stop = nil
		}
	}
}

// look reads the pulse until nobody watches.
func (p *pulse) look(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	last, down := int64(-1), false
	for {
		n, err := p.read(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !down:
			p.log.Error("look for what is new for the pages", "err", err)
			down = true
		case err == nil:
			if down = false; last >= 0 && n != last {
				p.tell(n)
			}
			last = n
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tell never waits: who has not heard the last one yet will fetch the newest anyway.
func (p *pulse) tell(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.watchers {
		select {
		case c <- n:
		default:
		}
	}
}

// Hush ends what pages listen to, so that a server can stop.
func (b *Board) Hush() {
	if b.pulse == nil {
		return
	}
	b.pulse.mu.Lock()
	defer b.pulse.mu.Unlock()
	b.pulse.over = true
	for c := range b.pulse.watchers {
		close(c)
		delete(b.pulse.watchers, c)
	}
	if b.pulse.stop != nil {
		b.pulse.stop()
		b.pulse.stop = nil
	}
}

// live tells a page that something happened, as server-sent events.
func (b *Board) live(w http.ResponseWriter, r *http.Request) {
	if _, ok := PersonOf(r.Context()); b.pages == nil || !ok {
		http.Error(w, "Sign in first.", http.StatusUnauthorized)
		return
	}
	c, leaves := b.pulse.watch()
	if c == nil {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "Too many watch already; reload to see what is new.", http.StatusServiceUnavailable)
		return
	}
	defer leaves()
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // proxies would hold it back
	say := func(text string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(2 * comfort)) // the server's own would end it in the middle
		_, err := fmt.Fprint(w, text)
		return err == nil && out.Flush() == nil
	}
	calm, over := time.NewTicker(comfort), time.NewTimer(leave)
	defer calm.Stop()
	defer over.Stop()
	for ok := say("retry: 3000\n\n"); ok; {
		select {
		case n, still := <-c:
			ok = still && say(fmt.Sprintf("event: change\ndata: %d\n\n", n))
		case <-calm.C:
			ok = say(": still here\n\n")
		case <-over.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}

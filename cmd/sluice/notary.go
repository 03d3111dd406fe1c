package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sluicegate/sluice/gate/audit"
)

// verifyEvery is how often the server reads the whole audit log, and says in its own log where it ends.
const verifyEvery = 24 * time.Hour

// notary verifies the audit log and signs its end. It remembers how far it has found it whole, and signs no end of a log
// that no longer holds what it has seen: whoever rewrites the database under a running server gets no signature for it.
type notary struct {
	verify func(context.Context, *audit.Chain) error
	key    note.Signer // nil: nothing is signed
	now    func() time.Time

	mu   sync.Mutex
	seen audit.End
}

// checkpoint signs the end of the log, of which only what is new is read. It fails with an *audit.Fault when the log was
// altered.
func (n *notary) checkpoint(ctx context.Context) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := audit.After(n.seen)
	if err := n.verify(ctx, c); err != nil {
		return nil, err
	}
	n.seen = c.End()
	return n.sign()
}

func (n *notary) sign() ([]byte, error) {
	return audit.Checkpoint{End: n.seen, At: n.now()}.Sign(n.key)
}

// look reads the whole log and returns its end, signed when there is a key and something to sign.
func (n *notary) look(ctx context.Context) (end audit.End, message []byte, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &audit.Chain{}
	if n.seen.Seq > 0 {
		c.Expect(audit.Checkpoint{End: n.seen})
	}
	if err := n.verify(ctx, c); err != nil {
		return audit.End{}, nil, err
	}
	n.seen = c.End()
	if n.key != nil && n.seen.Seq > 0 {
		message, err = n.sign()
	}
	return n.seen, message, err
}

// watch looks at once and then every day until ctx is done. A log that was altered stops nothing: it is told as loudly as
// a log can, and by the metric.
func (n *notary) watch(ctx context.Context, log *slog.Logger, intact func(bool)) error {
	tick := time.NewTicker(verifyEvery)
	defer tick.Stop()
	for {
		end, message, err := n.look(ctx)
		var fault *audit.Fault
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &fault):
			intact(false)
			log.Error("THE AUDIT LOG WAS ALTERED", "entry", fault.Seq, "err", err)
		case err != nil:
			log.Error("the audit log could not be verified", "err", err)
		default:
			intact(true)
			log.Info("audit log verified", "entries", end.Seq, "hash", end.Hash, "checkpoint", string(message))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// handler serves the signed end of the log, so that any machine can fetch and keep it. It tells how many entries there are
// and nothing of what is in them.
func (n *notary) handler(log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.key == nil {
			http.Error(w, "there is no key to sign with: set SLUICE_AUDIT_KEY_FILE", http.StatusNotFound)
			return
		}
		message, err := n.checkpoint(r.Context())
		if errors.Is(err, audit.ErrEmpty) {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		if err != nil {
			log.Error("sign the end of the audit log", "err", err)
			http.Error(w, "nothing was signed: the server's log says why", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Write(message) //nolint:errcheck // whoever asked is gone
	})
}

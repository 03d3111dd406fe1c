package webhook

import (
	"context"
	"fmt"

	"github.com/sluicegate/sluice/gate"
)

// Receiver receives the deliveries of one forge, and takes in what did not arrive.
type Receiver = receiver

var _ gate.Intake = (*Receiver)(nil)

// Fetched is what Observe is told of a delivery that did not arrive and was found in the forge's log.
const Fetched = "fetched"

// Reads says whether an event may mean something.
func (h *receiver) Reads(event string) bool {
	_, ok := h.readers[event]
	return ok
}

// Take takes in a delivery that did not arrive, read as one that did. It has no signature: it must come from the forge's API,
// asked with our own credentials. One that cannot be read is kept as ignored, for it would be no better the next time.
func (h *receiver) Take(ctx context.Context, event, id string, body []byte) (added bool, err error) {
	if !eventName(event) || !deliveryID(id) {
		return false, fmt.Errorf("take in a delivery: %q of the event %q is no delivery's id", clean(id), clean(event))
	}
	log := h.Log.With("delivery", id, "event", event)
	d, err := h.meaning(ctx, event, id, body)
	if err != nil {
		log.Warn("delivery fetched, and not understood", "err", err)
		d = gate.Delivery{Forge: h.forge, ID: id, Event: event, At: h.Now().UTC(), Body: body}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if added, err = h.Inbox.Add(ctx, d); err != nil || !added {
		return false, err
	}
	h.Observe(h.label(event), Fetched)
	log.Info("delivery fetched: it had not arrived", "action", d.Action, "subjects", subjects(d.Marks))
	return true, nil
}

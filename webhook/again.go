package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// Again reads a delivery that is kept anew, as its receiver did and would do now: what it means may hang on what has become
// known since. Whoever asks has the database, so that no signature is asked for. Of the settings, those count that say what a
// delivery means.
func Again(ctx context.Context, s Settings, d gate.Delivery) (gate.Delivery, error) {
	if len(d.Body) == 0 {
		return d, errors.New("its body was not kept: it told of what Sluice itself had shown, which means nothing")
	}
	s.Now = func() time.Time { return d.At }
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	h := &receiver{Settings: s, forge: d.Forge}
	switch d.Forge {
	case "github":
		h.readers = readers()
		return h.meaning(ctx, d.Event, d.ID, d.Body)
	case "gitlab":
		again := gate.Delivery{Forge: d.Forge, ID: d.ID, Event: d.Event, At: d.At, Body: d.Body}
		(&gitlabReceiver{receiver: h, hooks: hooks()}).understand(&http.Request{Header: http.Header{"X-Gitlab-Event": {d.Event}}}, &again, s.Log)
		return again, ctx.Err()
	}
	return d, fmt.Errorf("nobody here reads what %q sends", d.Forge)
}

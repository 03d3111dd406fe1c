package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// caught is what the forge's log of deliveries is read with.
var caught = map[string]func(*testing.T, *fixture){
	"which deliveries are had": func(t *testing.T, f *fixture) {
		ctx := context.Background()
		var guids []string
		for i := range 250 {
			guids = append(guids, fmt.Sprint("guid-", i))
			if i%3 == 0 {
				_, err := f.Add(ctx, gate.Delivery{Forge: "github", ID: guids[i], Event: "ping"})
				must(t, err)
			}
		}
		_, err := f.Add(ctx, gate.Delivery{Forge: "gitlab", ID: guids[1], Event: "ping"})
		must(t, err)
		had, err := f.Had(ctx, "github", guids)
		must(t, err)
		for i, g := range guids {
			if had[g] != (i%3 == 0) {
				t.Errorf("Had(%s) = %v", g, had[g])
			}
		}
		if had, err := f.Had(ctx, "github", nil); err != nil || len(had) != 0 {
			t.Errorf("Had(nothing) = %v, %v", had, err)
		}
	},
	"how far the log was read": func(t *testing.T, f *fixture) {
		ctx := context.Background()
		is := func(want time.Time) {
			t.Helper()
			if got, err := f.Caught(ctx, "github"); err != nil || !got.Equal(want) {
				t.Errorf("Caught = %v, %v, want %v", got, err, want)
			}
		}
		is(time.Time{})
		received := f.clock.Now()
		_, err := f.Add(ctx, gate.Delivery{Forge: "github", ID: "one", Event: "ping", At: received})
		must(t, err)
		is(time.Time{}) // what was received says nothing of the log
		f.clock.pass(time.Hour)
		_, err = f.Add(ctx, gate.Delivery{Forge: "gitlab", ID: "one", Event: "ping"})
		must(t, err)
		is(time.Time{}) // what was received says nothing of the log
		must(t, f.Catch(ctx, "github", f.clock.Now()))
		is(f.clock.Now())
		f.reopen()
		is(f.clock.Now())
		must(t, f.Catch(ctx, "github", received)) // a clock that had been wrong is put right
		is(received)
	},
}

package storetest

import (
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

var setups = map[string]func(*testing.T, *fixture){
	"what is set up is changed only by who read what was there, and its version never comes back": func(t *testing.T, f *fixture) {
		none, err := f.Setups(ctx)
		must(t, err)
		equal(t, "before anything is set up", len(none), 0)
		x := gate.Setup{Name: "github", Sealed: []byte{0, 1, 255}}
		equal(t, "kept", f.setUp(x), true)
		equal(t, "kept by who read nothing", f.setUp(x), false)
		equal(t, "another's", f.setUp(gate.Setup{Name: "gitlab", Sealed: []byte("y")}), true)
		f.reopen()
		got, err := f.Setups(ctx)
		must(t, err)
		equal(t, "names", []string{got[0].Name, got[1].Name}, []string{"github", "gitlab"})
		equal(t, "what was kept", got[0].Sealed, x.Sealed)
		equal(t, "when", got[0].At, f.clock.Now())
		before := got[0].Version
		must(t, f.DropSetup(ctx, "github"))
		f.clock.pass(time.Second)
		equal(t, "made anew", f.setUp(gate.Setup{Name: "github", Sealed: []byte("z")}), true)
		got, err = f.Setups(ctx)
		must(t, err)
		equal(t, "after both", len(got), 2)
		if got[0].Version <= before {
			t.Errorf("the version went from %d to %d", before, got[0].Version)
		}
	},
	"when a forge was heard last": func(t *testing.T, f *fixture) {
		never, err := f.Received(ctx, "github")
		must(t, err)
		equal(t, "never", never.IsZero(), true)
		_, err = f.Add(ctx, gate.Delivery{Forge: "github", ID: "g1", Event: "ping", Body: []byte("{}"), At: f.clock.Now()})
		must(t, err)
		heard, err := f.Received(ctx, "github")
		must(t, err)
		equal(t, "heard", heard, f.clock.Now())
		other, err := f.Received(ctx, "gitlab")
		must(t, err)
		equal(t, "the other forge", other.IsZero(), true)
	},
}

func (f *fixture) setUp(x gate.Setup) bool {
	f.t.Helper()
	kept, err := f.KeepSetup(ctx, x)
	must(f.t, err)
	return kept
}

package storetest

import (
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

var accounts = map[string]func(*testing.T, *fixture){
	"an account's grant is changed only by who read the one before": func(t *testing.T, f *fixture) {
		if none, err := f.Account(ctx, "github", "7"); none != nil || err != nil {
			t.Fatalf("who never signed in: %v, %v", none, err)
		}
		a := gate.Account{Forge: "github", ID: "7", Login: "olga", Name: "Olga Ö", Grant: []byte{0, 1, 255}}
		kept, err := f.KeepAccount(ctx, a)
		must(t, err)
		equal(t, "kept", kept, true)
		late := a
		late.Grant = []byte("older")
		kept, err = f.KeepAccount(ctx, late)
		must(t, err)
		equal(t, "kept by who read nothing", kept, false)
		got, err := f.Account(ctx, "github", "7")
		must(t, err)
		a.Version, a.At = 1, f.clock.Now()
		equal(t, "the account", *got, a)
		got.Grant, got.Login = nil, "olga2"
		kept, err = f.KeepAccount(ctx, *got)
		must(t, err)
		equal(t, "kept by who read it", kept, true)
		got, err = f.Account(ctx, "github", "7")
		must(t, err)
		equal(t, "given up", []any{got.Login, len(got.Grant), got.Version}, []any{"olga2", 0, int64(2)})
		if other, err := f.Account(ctx, "gitlab", "7"); other != nil || err != nil {
			t.Errorf("the same id at another forge: %v, %v", other, err)
		}
	},
	"a session ends with its time, by itself or with all of a person's": func(t *testing.T, f *fixture) {
		until := f.clock.Now().Add(time.Hour)
		for _, x := range []gate.Session{{Hash: "h1", Forge: "github", ID: "7"}, {Hash: "h2", Forge: "github", ID: "7"}, {Hash: "h3", Forge: "gitlab", ID: "7"}} {
			x.Until, x.Body = until, []byte("x")
			must(t, f.KeepSession(ctx, x))
		}
		f.reopen()
		got, err := f.Session(ctx, "h1")
		must(t, err)
		equal(t, "one that lasts", *got, gate.Session{Hash: "h1", Forge: "github", ID: "7", Until: until, Body: []byte("x")})
		must(t, f.DropSession(ctx, "h1"))
		equal(t, "one that was ended", f.signedIn("h1"), false)
		equal(t, "another browser's", f.signedIn("h2"), true)
		must(t, f.DropSessions(ctx, "github", "7"))
		equal(t, "all of the person's", f.signedIn("h2"), false)
		equal(t, "another person's", f.signedIn("h3"), true)
		f.clock.pass(time.Hour)
		equal(t, "one whose time is over", f.signedIn("h3"), false)
	},
	"a token is found by its hash until it is revoked or over, and a person has so many at most": func(t *testing.T, f *fixture) {
		x := gate.Token{ID: "t1", Forge: "github", Person: "7", Name: "CI <b>", Scopes: []string{"read", "command"}, At: f.clock.Now(), Until: f.clock.Now().Add(time.Hour)}
		for n, id := range []string{"t1", "t2", "t3"} {
			x.ID = id
			added, err := f.AddToken(ctx, x, "hash of "+id, 2)
			must(t, err)
			equal(t, "added", added, n < 2)
		}
		got, err := f.Token(ctx, "hash of t1")
		must(t, err)
		x.ID = "t1"
		equal(t, "the token", *got, x)
		must(t, f.UseToken(ctx, "t1", f.clock.Now()))
		list, err := f.Tokens(ctx, "github", "7")
		must(t, err)
		equal(t, "used", []any{len(list), list[0].Used, list[1].Used.IsZero()}, []any{2, f.clock.Now(), true})
		was, err := f.DropToken(ctx, "github", "8", "t1")
		must(t, err)
		equal(t, "revoked by somebody else", was, false)
		was, err = f.DropToken(ctx, "github", "7", "t1")
		must(t, err)
		equal(t, "revoked", was, true)
		if got, err := f.Token(ctx, "hash of t1"); got != nil || err != nil {
			t.Errorf("one that was revoked: %v, %v", got, err)
		}
		f.clock.pass(time.Hour)
		if got, err := f.Token(ctx, "hash of t2"); got != nil || err != nil {
			t.Errorf("one that is over: %v, %v", got, err)
		}
		must(t, f.DropTokens(ctx, "github", "7"))
		list, err = f.Tokens(ctx, "github", "7")
		must(t, err)
		equal(t, "after all were revoked", len(list), 0)
	},
	"a grant that nobody can use any more is forgotten": func(t *testing.T, f *fixture) {
		for _, id := range []string{"1", "2", "3"} {
			_, err := f.KeepAccount(ctx, gate.Account{Forge: "github", ID: id, Login: "u" + id, Grant: []byte("g")})
			must(t, err)
		}
		now := f.clock.Now()
		must(t, f.KeepSession(ctx, gate.Session{Hash: "h", Forge: "github", ID: "1", Until: now.Add(48 * time.Hour)}))
		must(t, f.KeepSession(ctx, gate.Session{Hash: "i", Forge: "github", ID: "3", Until: now.Add(time.Minute)}))
		_, err := f.AddToken(ctx, gate.Token{ID: "t", Forge: "github", Person: "2", At: now, Until: now.Add(48 * time.Hour)}, "h", 9)
		must(t, err)
		f.clock.pass(2 * time.Hour)
		must(t, f.Prune(ctx, time.Hour, time.Hour))
		for id, want := range map[string]int{"1": 1, "2": 1, "3": 0} {
			a, err := f.Account(ctx, "github", id)
			must(t, err)
			equal(t, "the grant of "+id, len(a.Grant), want)
		}
	},
}

func (f *fixture) signedIn(hash string) bool {
	x, err := f.Session(ctx, hash)
	must(f.t, err)
	return x != nil
}

package audit

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// day is noon of the nth of March.
func day(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }

func said(on int, who int64, repo, check, outcome string, comment int) gate.Entry {
	return gate.Entry{At: day(on), Kind: gate.EntryOverride, Forge: "github", Repo: repo, Change: 7, Commit: "c1", Who: gate.Who{ID: who, Login: fmt.Sprintf("user%d", who)},
		Check: check, Outcome: outcome, URL: fmt.Sprintf("https://x/%d", comment)}
}

// march is a month of overrides.
func march() []gate.Entry {
	refused := said(9, 3, "acme/shop", "changelog,approval", "refused", 9)
	refused.Kind, refused.Command = gate.EntryCommand, "override"
	done := refused
	done.Outcome = "done"
	revoker := said(8, 2, "acme/shop", "approval", "revoked", 99) // by another comment
	renamed := said(11, 1, "acme/Shop", "freeze", "waiting", 6)
	renamed.Who.Login = "ana"
	return []gate.Entry{
		said(1, 1, "acme/shop", "changelog", "granted", 1),
		said(2, 1, "acme/shop", "approval", "granted", 2),
		said(3, 2, "acme/other", "approval", "waiting", 3),
		said(4, 3, "acme/other", "approval", "seconded", 3),
		said(5, 1, "acme/shop", "changelog", "ended", 1),
		said(6, 2, "acme/shop", "tagging", "waiting", 4),
		said(7, 2, "acme/shop", "tagging", "ended", 4), // it never counted
		revoker, // user2 takes back what user1 was granted
		refused, done,
		said(10, 1, "ACME/shop", "changelog", "granted", 5),
		renamed,
		{At: day(12), Kind: gate.EntryDecision, Outcome: "shut"},
		said(13, 2, "acme/other", "approval", "expired", 3),
	}
}

func TestWordsThatAreNoCheckAreOneLine(t *testing.T) {
	t.Parallel()
	o := CountOverrides(ByCheck, time.Time{}, time.Time{})
	refuse := func(checks string) {
		e := said(1, 3, "acme/shop", checks, "refused", 9)
		e.Kind, e.Command = gate.EntryCommand, "override"
		o.Add(e)
	}
	for _, checks := range []string{"chngelog", "CHANGELOG,sluice/changelog", "Sluice/Policy", "no,such,approval", "small", "", "other"} {
		refuse(checks)
	}
	want := []Count{{Name: "(unknown)", Refused: 5}, {Refused: 1}, {Name: "approval", Refused: 1}, {Name: "changelog", Refused: 1}, {Name: "policy", Refused: 1}}
	if got := o.Counts(); !reflect.DeepEqual(got, want) {
		t.Errorf("Counts() = %+v, want %+v", got, want)
	}
	o.Add(said(2, 1, "acme/shop", "small", "granted", 10)) // a house rule: from here on, and backwards, it is known
	want = []Count{{Name: "small", Granted: 1, Live: 1, Refused: 1}, {Name: "(unknown)", Refused: 4}, {Refused: 1}, {Name: "approval", Refused: 1}, {Name: "changelog", Refused: 1}, {Name: "policy", Refused: 1}}
	if got := o.Counts(); !reflect.DeepEqual(got, want) {
		t.Errorf("Counts() = %+v, want %+v", got, want)
	}
}

func TestOverridesAreCounted(t *testing.T) {
	t.Parallel()
	none := time.Time{}
	for name, c := range map[string]struct {
		by           By
		since, until time.Time
		want         []Count
	}{
		"by person": {ByPerson, none, none, []Count{
			{Name: "ana", ID: 1, Forge: "github", Granted: 3, Live: 1, Waiting: 1, Revoked: 1, Ended: 1},
			{Name: "user2", ID: 2, Forge: "github", Granted: 1, Expired: 1},
			{Name: "user3", ID: 3, Forge: "github", Refused: 1},
		}},
		"by repository": {ByRepo, none, none, []Count{
			{Name: "acme/Shop", Forge: "github", Granted: 3, Live: 1, Waiting: 1, Revoked: 1, Ended: 1, Refused: 1},
			{Name: "acme/other", Forge: "github", Granted: 1, Expired: 1},
		}},
		"by check": {ByCheck, none, none, []Count{
			{Name: "approval", Granted: 2, Revoked: 1, Expired: 1, Refused: 1},
			{Name: "changelog", Granted: 2, Live: 1, Ended: 1, Refused: 1},
			{Name: "freeze", Waiting: 1},
		}},
		"since the third, what was granted before and ended after": {ByCheck, day(3), none, []Count{
			{Name: "approval", Granted: 1, Revoked: 1, Expired: 1, Refused: 1},
			{Name: "changelog", Granted: 1, Live: 1, Ended: 1, Refused: 1},
			{Name: "freeze", Waiting: 1},
		}},
		"until the third, left out": {ByCheck, none, day(3), []Count{
			{Name: "approval", Granted: 1}, {Name: "changelog", Granted: 1},
		}},
		"of no time": {ByCheck, day(20), none, []Count{}},
	} {
		o := CountOverrides(c.by, c.since, c.until)
		for _, e := range march() {
			o.Add(e)
		}
		o.Counts() // asking changes nothing
		if got := o.Counts(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/store"
)

const catchPolicy = `version: 1
tagging: {mode: "off"}
changelog: {mode: "off"}
config-separation: {mode: "off"}
approval: {mode: "off"}
`

// baskets opens changes.
func (k *mortal) baskets(from, n int) {
	k.t.Helper()
	for i := from; i < from+n; i++ {
		_, err := k.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: fmt.Sprint("Basket ", i), Branch: fmt.Sprint("basket", i),
			Commits: []pretend.Commit{{Message: "Basket", Files: pretend.Texts(map[string]string{fmt.Sprintf("basket%d.go", i): "package shop\n"})}}})
		k.must(err)
	}
}

// judged says that the gates of these changes are shown.
func (k *mortal) judged(from, n int) func() bool {
	return func() bool {
		for i := from; i < from+n; i++ {
			if !k.shows(fmt.Sprint("basket", i), "sluice/gate", "success") {
				return false
			}
		}
		return true
	}
}

// listed counts the requests to the delivery log: of its pages, and of single deliveries.
func (k *mortal) listed() (pages, fetched int) {
	counts := k.forge.Counts()
	return counts["GET /app/hook/deliveries"], counts["GET /app/hook/deliveries/{id}"]
}

// A burst during which the server is killed over and over loses nothing, nor do sixty webhooks that came while it was down:
// each start finds in the log what is missing, in two pages at most and one request for each delivery, within seconds.
func TestWhatWasMissedWhileDownIsFoundInTheLog(t *testing.T) {
	t.Parallel()
	k := newMortal(t, catchPolicy)
	rng := rand.New(rand.NewPCG(6, 60))
	k.start(0)
	k.baskets(0, 2)
	k.until("the first are judged", k.judged(0, 2))
	next := 2
	for range 5 { // killed while they come, some are lost on the way
		k.baskets(next, 6)
		next += 6
		at := rng.IntN(12)                                                                         // deliveries until it dies
		list, _ := k.forge.Deliver(t.Context(), pretend.Order{Drop: func(*pretend.Delivery) bool { // from there on nobody takes them
			if at--; at == 0 {
				k.kill()
			}
			return false
		}})
		k.kill()
		k.start(2 * time.Minute) // room for what is shown
		k.silent("all of the burst are judged", k.judged(0, next))
		k.silent("all of it is in the inbox", k.had(list))
	}
	tail, _ := k.forge.Deliver(t.Context(), pretend.Order{}) // what was shown is told
	k.silent("all of it is in the inbox", k.had(tail))
	k.kill()
	k.later(2 * time.Minute)
	var missed []*pretend.Delivery
	for i := 0; len(missed) < 60; i++ {
		k.baskets(next, 1)
		next++
		list, _ := k.forge.Deliver(t.Context(), pretend.Order{}) // nobody takes them
		missed = append(missed, list...)
	}
	k.forge.ResetCalls()
	k.start(0)
	began := time.Now()
	k.silent("what was missed is judged", k.judged(0, next))
	took := time.Since(began)
	k.silent("all that was missed is in the inbox", k.had(missed))
	pages, fetched := k.listed()
	t.Logf("%d deliveries missed: %d pages of the log and %d of them asked for; all judged after %v", len(missed), pages, fetched, took)
	if pages > 2 || fetched > len(missed) {
		t.Errorf("%d pages of the log and %d deliveries were asked for, want at most 2 and %d", pages, fetched, len(missed))
	}
}

// had says that these deliveries are in the inbox.
func (k *mortal) had(list []*pretend.Delivery) func() bool {
	var guids []string
	for _, d := range list {
		guids = append(guids, d.GUID)
	}
	return func() bool {
		st, err := store.Open(k.t.Context(), store.Options{URL: k.database, Beside: true})
		k.must(err)
		defer st.Close()
		had, err := st.Had(k.t.Context(), "github", guids)
		k.must(err)
		return !slices.ContainsFunc(guids, func(g string) bool { return !had[g] })
	}
}

// looked says that the log was gone through once.
func (k *mortal) looked() bool {
	st, err := store.Open(k.t.Context(), store.Options{URL: k.database, Beside: true})
	k.must(err)
	defer st.Close()
	until, err := st.Caught(k.t.Context(), "github")
	k.must(err)
	return !until.IsZero()
}

// silent is until without a single webhook.
func (k *mortal) silent(what string, holds func() bool) {
	k.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(5 * time.Millisecond) { // another process is waited for
		if time.Now().After(deadline) {
			k.t.Fatalf("it never came to this: %s", what)
		}
	}
}

// With no way in at all, the life of a change is taken from the log: it is opened, pushed to and merged, and a command is done.
func TestPulledWithNoWayIn(t *testing.T) {
	t.Parallel()
	k := newMortal(t, strings.ReplaceAll(catchPolicy, `approval: {mode: "off"}`, "approval: {rules: [{name: peer review, count: 1}]}"))
	k.must(k.forge.Grant(shop, "bo", "write"))
	k.env = append(k.env, "SLUICE_GITHUB_PULL=true")
	k.start(0)
	k.silent("the log was looked at first", k.looked)
	k.forge.Hooks(pretend.Target{To: func(context.Context, *http.Request) (int, error) { return 0, errors.New("no route to host") }})
	pulled := func(what string, holds func() bool) {
		t.Helper()
		_, _ = k.forge.Deliver(t.Context(), pretend.Order{}) // none arrives
		at := 0
		k.silent(what, func() bool {
			if at++; at%100 == 1 {
				k.later(time.Minute) // the longest that nothing is asked
			}
			return holds()
		})
	}
	k.baskets(0, 1)
	pulled("it waits for an approval", func() bool { return k.shows("basket0", "sluice/gate", "in_progress") })
	_, err := k.forge.Review(shop, 1, "bo", "approved", "")
	k.must(err)
	pulled("its gate is open", k.judged(0, 1))
	_, err = k.forge.Comment(shop, 1, "ana", "/sluice hold Wait for the fair.")
	k.must(err)
	pulled("it is held", func() bool { return !k.shows("basket0", "sluice/gate", "success") })
	if pages, fetched := k.listed(); pages == 0 || fetched < 3 {
		t.Errorf("%d pages of the log and %d deliveries were asked for", pages, fetched)
	}
}

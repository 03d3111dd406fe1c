//go:build unix

package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sluicegate/sluice/providers/pretend"
)

// places is how many environments a merge goes to at once.
const places = 6

func placesPolicy() string {
	head, _, _ := strings.Cut(fleetPolicy, "  production:")
	for i := range places {
		head += fmt.Sprintf("  place%d: {deploy: on-merge, lineage: \"off\"}\n", i)
	}
	return head
}

// Two servers, processes of their own on one PostgreSQL, make one deployment of each merge to each environment: every delivery
// comes three times and in any order, some to both at once, and one server is killed while they deploy, and then the other.
func TestTwoReplicasDeployEachMergeOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, placesPolicy())
	for n := 1; n <= 2; n++ {
		branch := fmt.Sprint("b", n)
		_, err := f.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "Good", Branch: branch,
			Commits: []pretend.Commit{{Message: "a", Files: pretend.Texts(map[string]string{branch + ".go": "package shop\n"})}}})
		f.must(err)
		f.until("the gate is open", func() (bool, string) {
			f.shuffled(n)
			shown := f.forge.ShownOn(shop, branch)
			for _, x := range shown {
				if x.Name == "sluice/gate" && strings.EqualFold(x.State, "success") {
					return true, ""
				}
			}
			return false, fmt.Sprintf("%+v", shown)
		})
		commit, err := f.forge.Merge(shop, n, "ana", false)
		f.must(err)
		var delivering sync.WaitGroup
		delivering.Go(func() { f.shuffled(n) })
		f.until("they deploy", func() (bool, string) { return len(f.forge.Deployments(shop, "")) > places*(n-1), "nothing is deployed" })
		before := len(f.forge.Deployments(shop, ""))
		f.trouble()["killed"](f.replicas[n-1])
		delivering.Wait()
		f.until("each place has it once", func() (bool, string) {
			f.shuffled(n)
			f.told()
			counts, ok := "", true
			for i := range places {
				c := f.forge.CountDeployments(shop, fmt.Sprint("place", i), commit)
				counts, ok = fmt.Sprint(counts, " ", c), ok && c == 1
			}
			return ok, counts
		})
		t.Logf("merge %d: server %d was killed when %d of %d were deployed", n, n-1, before-places*(n-1), places)
	}
	f.rests()
	if all := f.forge.Deployments(shop, ""); len(all) != 2*places {
		t.Errorf("%d deployments, want %d: %+v", len(all), 2*places, all)
	}
	t.Logf("%d deliveries were sent, %d different ones", len(f.forge.Deliveries()), len(f.accepted))
	f.recorded(t)
}

// shuffled has what waits delivered three times over, in another order each time.
func (f *fleet) shuffled(seed int) {
	f.t.Helper()
	if _, err := f.forge.Deliver(f.t.Context(), pretend.Order{Copies: 2, Shuffle: uint64(seed)}); err != nil {
		f.t.Error(err)
	}
}

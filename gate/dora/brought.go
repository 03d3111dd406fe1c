package dora

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// Brought reads what a promotion brought from the facts kept with the decision that let it through. Known is false where
// nothing was live before it: then nobody read what is new.
func Brought(facts []byte) (c Carried, known bool, err error) {
	var f struct {
		Promotion *struct {
			Deployments []checks.Deployment `json:"deployments"`
			Between     []struct {
				Commit  string    `json:"commit"`
				Parents []string  `json:"parents"`
				At      time.Time `json:"at"`
			} `json:"between"`
		} `json:"promotion"`
		Gaps []checks.Gap `json:"gaps"`
	}
	if err := json.Unmarshal(facts, &f); err != nil {
		return c, false, fmt.Errorf("read the facts of a promotion: %w", err)
	}
	if f.Promotion == nil || (&checks.Promotion{Deployments: f.Promotion.Deployments}).Live() == nil {
		return c, false, nil
	}
	c.Whole = !slices.ContainsFunc(f.Gaps, func(g checks.Gap) bool { return g.Part == "between" || g.Part == "deployments" })
	for _, b := range f.Promotion.Between {
		c.Commits = append(c.Commits, checks.Carried{Commit: b.Commit, Parents: b.Parents, At: b.At})
	}
	return c, true, nil
}

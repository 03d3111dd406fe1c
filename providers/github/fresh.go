package github

import (
	"fmt"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// fresh makes sure that GitHub's answer is not older than the event was: its replicas lag at times. What the event told
// of is missed for two minutes at most; then what GitHub shows is judged.
func (r *reading) fresh(pr *changeNode, expected *commitNode, expect string) error {
	if expect == "" || pr.HeadRefOID == expect {
		return nil
	}
	key := r.f.Subject.Key() + "@" + expect
	first, missed := r.c.memory.stale.Get(key)
	now := r.c.opts.Now()
	lagging := expected == nil || r.lags(pr, expected)
	if !lagging {
		return nil
	}
	if !missed {
		r.c.memory.stale.Add(key, now)
	} else if now.Sub(first) > 2*time.Minute {
		return nil
	}
	return fmt.Errorf("%w: the head %.8s", gate.ErrStale, expect)
}

// lags says whether the head shown is older than the one expected, which GitHub knows as a commit.
func (r *reading) lags(pr *changeNode, expected *commitNode) bool {
	for _, c := range pr.Commits.Nodes {
		if c != nil && c.Commit.OID == expected.OID {
			return false // the change has moved on
		}
	}
	if pr.Forced != nil {
		for _, e := range pr.Forced.Nodes {
			if e != nil && (e.BeforeCommit != nil && e.BeforeCommit.OID == expected.OID || e.AfterCommit != nil && e.AfterCommit.OID == expected.OID) {
				return false // it was replaced by force since
			}
		}
	}
	for _, c := range expected.History.Nodes {
		if c.OID == pr.HeadRefOID {
			return true
		}
	}
	return r.prior != nil && r.prior.head == pr.HeadRefOID
}

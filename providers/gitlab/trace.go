package gitlab

import (
	"context"
	"net/http"
	"time"
)

// What reviewers think is a list of its own, but whoever asks for changes leaves a trace in the merge request: GitLab notes it
// there, since version 17.0, and a note moves the time of the last change. It does so at most once a minute. So a list that was
// read when that time was some minutes past cannot have become another as long as the merge request shows the same time.
//
// How old the version is nobody has to ask: it is new enough where approvals come with their time, as they do since 18.0. Taking
// an approval away may leave no trace (reset_approvals), so that the approvals are read by each look.

// settling is for how long a note may leave the time as it was, and as much again for the clocks of several servers of GitLab's.
const settling = 2 * time.Minute

// calm says that the next note on a merge request will move the time of its last change, by GitLab's own clock.
func calm(h http.Header, updated time.Time) bool {
	now, err := http.ParseTime(h.Get("Date"))
	return err == nil && !updated.IsZero() && now.Sub(updated) > settling
}

// still says that the merge request shows in all that nothing has happened to it since the last look.
func (r *reading) still() bool { return r.prior != nil && r.prior.mark == r.next.mark }

// lateOpinions reads what reviewers think, after the merge request: what they think later leaves its trace later.
func (r *reading) lateOpinions(ctx context.Context) error {
	err := r.readOpinions(ctx)
	r.next.votes.calm = err == nil && r.calm && r.next.votes.approvals.dated()
	return err
}

// dated says that there are approvals, and that each has its time.
func (a *approvalsNode) dated() bool {
	for _, by := range a.By {
		if by.At == nil {
			return false
		}
	}
	return len(a.By) > 0
}

package gitlab

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
)

// opinionKey is one approval: giving it again makes another.
type opinionKey struct {
	by int64
	at time.Time
}

const (
	mostVersions = 20 // pages of a merge request's versions
	mostNotes    = 50 // pages of its notes
)

// reviews are the approvals that stand, with the commit that each is of, and the changes that are asked for. GitLab keeps
// one opinion for each person; what was said and taken back is not told.
func (r *reading) reviews(ctx context.Context) error {
	if err := r.second(ctx); err != nil {
		return err
	}
	given, err := r.approved(ctx, &r.next.votes.approvals)
	if err != nil {
		return err
	}
	against := r.asked()
	if err := r.placed(ctx, against); err != nil {
		return err
	}
	for i := range against { // of which commit is not told with them: they hold for the newest one too
		if against[i].Commit == "" || against[i].At.IsZero() {
			against[i].Commit = r.head
		}
	}
	sorting.By(given, func(a, b checks.Review) int { return a.At.Compare(b.At) })
	for _, v := range against { // who asks for changes after he approved has withdrawn that, whatever is still listed
		given = slices.DeleteFunc(given, func(o checks.Review) bool { return o.By.ID == v.By.ID })
	}
	r.f.Reviews = append(given, against...)
	if len(r.f.Reviews) == 0 {
		r.f.Reviews = nil
	}
	return nil
}

// approved are the approvals that stand, each of the commit that was the newest when it was given. Where that cannot be
// told it is of none, and counts for none.
func (r *reading) approved(ctx context.Context, approvals *approvalsNode) (list []checks.Review, err error) {
	r.next.reviews = map[opinionKey]string{}
	undated := false
	for i := range approvals.By {
		by := &approvals.By[i]
		who, err := r.surely(ctx, by.User)
		if err != nil {
			return nil, err
		}
		v := checks.Review{ID: who.ID, By: who, State: "approved"}
		if by.At != nil {
			v.At = by.At.UTC()
		}
		undated = undated || by.At == nil
		list = append(list, v)
	}
	if undated {
		if err := r.dated(ctx, list); err != nil {
			return nil, err
		}
	}
	return list, r.placed(ctx, list)
}

// placed finds the commits that approvals are of. An approval is of one commit for ever: it is looked for once.
func (r *reading) placed(ctx context.Context, list []checks.Review) error {
	var versions []versionNode
	for i := range list {
		v := &list[i]
		key := opinionKey{v.By.ID, v.At}
		commit, known := "", false
		if r.prior != nil {
			commit, known = r.prior.reviews[key]
		}
		if !known && !v.At.IsZero() {
			if versions == nil {
				var err error
				if versions, err = r.versions(ctx); err != nil {
					return err
				}
			}
			commit = current(versions, v.At)
		}
		v.Commit = commit
		if commit != "" && v.By.ID != 0 {
			r.next.reviews[key] = commit
		}
	}
	return nil
}

// versions are the states that the commits were in, oldest first.
func (r *reading) versions(ctx context.Context) ([]versionNode, error) {
	versions, cut, err := pages[versionNode](ctx, r.a, r.here("versions"), nil, mostVersions)
	if err != nil {
		return nil, err
	}
	if cut {
		r.gap("reviews", "GitLab has more versions of the change than the %d that were read.", len(versions))
	}
	sorting.By(versions, func(a, b versionNode) int {
		if n := a.Created.Compare(b.Created); n != 0 {
			return n
		}
		return int(a.ID - b.ID)
	})
	return versions, nil
}

// current is the head at a moment; "" where two are as old as that moment.
func current(versions []versionNode, at time.Time) string {
	head := ""
	for i, v := range versions {
		if v.Created.After(at) {
			break
		}
		if head = v.Head; v.Created.Equal(at) && i > 0 && versions[i-1].Head != v.Head {
			return ""
		}
	}
	return head
}

// dated finds out from the notes when approvals were given, of versions that do not tell with the approval.
func (r *reading) dated(ctx context.Context, list []checks.Review) error {
	notes, cut, err := pages[systemNote](ctx, r.a, r.here("notes"), url.Values{"sort": {"desc"}, "order_by": {"created_at"}}, mostNotes)
	if err != nil {
		return err
	}
	if cut {
		r.gap("reviews", "GitLab has more notes than the %d that were read to find out when approvals were given.", len(notes))
	}
	for i := range list {
		v := &list[i]
		if !v.At.IsZero() || v.By.ID == 0 {
			continue
		}
		for _, n := range notes { // newest first
			if n.System && n.Author != nil && n.Author.ID == v.By.ID && strings.HasSuffix(n.Body, "approved this merge request") {
				if n.Body == "approved this merge request" { // and not the one that says it was taken back
					v.At = n.Created.UTC()
				}
				break
			}
		}
	}
	return nil
}

// unchanged says that the merge request is in all that it shows as the last reading found it, not long ago.
func (r *reading) unchanged() bool {
	return r.same && r.prior.mark == r.next.mark && r.c.within(r.prior.at, settled)
}

// asked takes those whose review is still asked for into the facts, and returns who asks for changes.
func (r *reading) asked() (against []checks.Review) {
	for i := range r.next.votes.opinions {
		o := &r.next.votes.opinions[i]
		who := r.person(o.User)
		switch o.State {
		case "requested_changes": // as opinion.objects has it
			v := checks.Review{ID: who.ID, By: who, State: "changes_requested"}
			if o.Updated != nil {
				v.At = o.Updated.UTC()
			}
			against = append(against, v)
		case "unreviewed", "review_started", "unapproved":
			if who.Login != "" {
				r.f.Change.Requested = append(r.f.Change.Requested, who.Login)
			}
		}
	}
	slices.Sort(r.f.Change.Requested)
	return against
}

package gitlab

import (
	"context"

	"github.com/sluicegate/sluice/checks"
)

// mostLabelEvents bounds the pages of labels that were set and taken away.
const mostLabelEvents = 20

// labelled are the labels of the change. Who set them is asked for where a check goes by that.
func (r *reading) labelled(ctx context.Context) error {
	set, err := r.c.memory.policy(r.f.Sources)
	if err == nil && checks.SettersMatter(set, r.mr.Labels) {
		return r.labels(ctx)
	}
	for _, name := range r.mr.Labels {
		r.f.Change.Labels = append(r.f.Change.Labels, checks.Label{Name: name})
	}
	return nil
}

// labels are those that the change bears, with who set each last. That is asked for where there are any, and again when
// the merge request has changed.
func (r *reading) labels(ctx context.Context) error {
	if len(r.mr.Labels) == 0 {
		return nil
	}
	if r.unchanged() && r.prior.labels != nil {
		r.next.labels = r.prior.labels
	} else {
		events, cut, err := pages[labelEvent](ctx, r.a, r.here("resource_label_events"), nil, mostLabelEvents)
		if err != nil {
			return err
		}
		if cut {
			r.gap("labels", "GitLab has more events of labels than the %d that were read.", len(events))
		}
		if events == nil {
			events = []labelEvent{}
		}
		r.next.labels = events
	}
	set := map[string]*labelEvent{}
	for i := range r.next.labels {
		e := &r.next.labels[i]
		if e.Label == nil {
			continue // the label was deleted
		}
		if last := set[e.Label.Name]; last == nil || last.ID < e.ID {
			set[e.Label.Name] = e
		}
	}
	for _, name := range r.mr.Labels {
		l := checks.Label{Name: name}
		if e := set[name]; e != nil && e.Action == "add" && e.User != nil {
			who, err := r.surely(ctx, e.User)
			if err != nil {
				return err
			}
			l.By, l.At = &who, e.Created.UTC()
		}
		r.f.Change.Labels = append(r.f.Change.Labels, l)
	}
	return nil
}

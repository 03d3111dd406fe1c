package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/sluicegate/sluice/gate"
)

// disliked says that GitHub refused a post for what is in it, and not for who asks or how often. One name in one
// annotation is enough, and then GitHub may refuse all that was sent along with it.
func disliked(err error) bool {
	var e *Error
	var u *unclear
	if !errors.As(err, &e) || errors.As(err, &u) || isRetry(err) || errors.Is(err, errSecondary) || slow(err) {
		return false
	}
	if e.Status == http.StatusOK {
		return !slices.Contains([]string{"FORBIDDEN", "NOT_FOUND", "RATE_LIMITED", "RATE_LIMIT"}, e.Type)
	}
	return slices.Contains([]int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}, e.Status)
}

// thinner shows one by one what GitHub did not take together: as it is, then without annotations, at last without any
// text of its own. An outdated success must not stand because GitHub does not like a name in what replaces it.
func (p *posting) thinner(ctx context.Context, runs []run, shown []*contextNode, missing []int) ([]*contextNode, error) {
	for _, i := range missing {
		runs[i].update = ""
	}
	var faults []error
	for i := range runs {
		if shown[i] != nil {
			continue
		}
		var err error
		for _, thin := range []func(gate.Post) gate.Post{whole, plainly, barely} {
			if after := p.in.creation.take(p.subject, 1, !runs[i].post.Deferrable); after > 0 {
				return shown, &gate.RetryError{After: after, Err: errors.New("checks that GitHub refused wait to be shown in fewer words")}
			}
			r := run{post: thin(runs[i].post), update: runs[i].update}
			var got []*contextNode
			if got, _, err = p.mutate(ctx, []run{r}); err == nil {
				shown[i] = got[0]
			}
			if !disliked(err) {
				break
			}
			runs[i].rest = nil
		}
		if shown[i] == nil {
			faults = append(faults, fmt.Errorf("show %s alone: %w", runs[i].post.Name, err))
		}
	}
	return shown, errors.Join(faults...)
}

func whole(p gate.Post) gate.Post { return p }

func plainly(p gate.Post) gate.Post {
	p.Annotations = nil
	return p
}

func barely(p gate.Post) gate.Post {
	p.Annotations, p.Summary = nil, "What there is to say is on the page that the details link leads to."
	p.Title = "GitHub refused the text of this check; the details link has it."
	return p
}

package pretend

import (
	"fmt"
	"slices"
	"strings"
)

// Review gives an opinion: state approved, changes_requested or commented; commit is what was looked at, "" the head.
func (f *Forge) Review(repo string, n int, by, state, commit string) (int64, error) {
	var id int64
	err := f.change(repo, n, by, func(p *Pull, who *User) error {
		on := p.head
		if commit != "" {
			if on = p.Repo.resolve(commit); on == nil {
				return fmt.Errorf("review of %q: %w", commit, ErrUnknown)
			}
		}
		state = strings.ToUpper(state)
		if !slices.Contains([]string{"APPROVED", "CHANGES_REQUESTED", "COMMENTED"}, state) ||
			f.lab == nil && who == p.Author && state != "COMMENTED" {
			return fmt.Errorf("review %q by %s: %w", state, who.Login, ErrRefused)
		}
		if f.lab != nil {
			r, err := f.lab.review(p, who, state, on)
			if err == nil {
				id = r.ID
			}
			return err
		}
		r := &Review{ID: f.id(), Pull: p, By: who, State: state, Commit: on, Submitted: f.at()}
		id = r.ID
		p.reviews = append(p.reviews, r)
		f.keep(r.ID, r)
		p.asked = slices.DeleteFunc(slices.Clone(p.asked), func(u *User) bool { return u == who })
		p.note(f, &event{kind: "PullRequestReview", actor: who, review: r})
		f.emitReview(r, "submitted", who)
		return nil
	})
	return id, err
}

// Dismiss takes the newest opinion of reviewer away. At GitLab he has to do it himself, and does.
func (f *Forge) Dismiss(repo string, n int, by, reviewer string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error {
		of := f.user(reviewer, "")
		if f.lab != nil {
			who = of // GitLab lets nobody else do it
		}
		return f.dismiss(p, who, of)
	})
}

func (f *Forge) dismiss(p *Pull, who, reviewer *User) error {
	for _, r := range slices.Backward(p.reviews) {
		if r.By == reviewer && (r.State == "APPROVED" || r.State == "CHANGES_REQUESTED") {
			r.State, r.was = "DISMISSED", r.State
			p.note(f, &event{kind: "ReviewDismissedEvent", actor: who, review: r})
			f.emitReview(r, "dismissed", who)
			return nil
		}
	}
	return fmt.Errorf("review of %s to dismiss: %w", reviewer.Login, ErrUnknown)
}

// refusedAct is the error of an act that the forge does not let anybody do.
func refusedAct(why string) error { return fmt.Errorf("%s: %w", why, ErrRefused) }

// EditReview changes the text of the newest review of somebody; its state stays.
func (f *Forge) EditReview(repo string, n int, by, body string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error {
		for _, r := range slices.Backward(p.reviews) {
			if r.By == who {
				r.Body, r.Edited = body, f.at()
				f.emitReview(r, "edited", who)
				return nil
			}
		}
		return fmt.Errorf("review of %s to edit: %w", by, ErrUnknown)
	})
}

// Ask requests reviews of people (logins) and teams ("acme/dba").
func (f *Forge) Ask(repo string, n int, by string, whom ...string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error {
		for _, w := range whom {
			if owner, slug, ok := cut(w); ok {
				t := f.org(owner).teams[slug]
				if t == nil {
					return fmt.Errorf("team %q: %w", w, ErrUnknown)
				}
				f.ask(p, who, nil, t)
			} else {
				f.ask(p, who, f.user(w, ""), nil)
			}
		}
		return nil
	})
}

// ask requests one review, once.
func (f *Forge) ask(p *Pull, by, u *User, t *Team) {
	more := obj{}
	e := &event{kind: "ReviewRequestedEvent", actor: by}
	switch {
	case u != nil && !slices.Contains(p.asked, u) && u != p.Author:
		p.asked = append(p.asked, u)
		e.about, more["requested_reviewer"] = u, f.renderUser(u)
	case t != nil && !slices.Contains(p.askedTeams, t):
		p.askedTeams = append(p.askedTeams, t)
		e.about, more["requested_team"] = t, renderTeam(t)
	default:
		return
	}
	p.note(f, e)
	f.emitPull(p, "review_requested", by, more)
}

// Asked are those whose review is requested: logins, then teams as "acme/dba".
func (f *Forge) Asked(repo string, n int) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, err := f.pull(repo, n)
	if err != nil {
		return nil
	}
	var list []string
	for _, u := range p.asked {
		if f.lab == nil || slices.ContainsFunc(f.lab.reviewersOf(p), func(v reviewing) bool { return v.user == u && v.state == "unreviewed" }) { // at GitLab who gave it stays a reviewer
			list = append(list, u.Login)
		}
	}
	for _, t := range p.askedTeams {
		list = append(list, t.Org.Login+"/"+t.Slug)
	}
	return list
}

package providertest

import (
	"errors"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
)

// correspondent is the provider as one that reads and answers comments.
func (w *world) correspondent() gate.Correspondent {
	w.Helper()
	c, ok := w.Provider.(gate.Correspondent)
	if !ok {
		w.Fatalf("%T reads no comments", w.Provider)
	}
	return c
}

// said lists what stands below the change by the App.
func (w *world) answers(n int) (list []pretend.Said) {
	for _, s := range w.forge.Said(repo, n) {
		if s.By == w.forge.Bot() {
			list = append(list, s)
		}
	}
	return list
}

func comments(w *world) {
	c, n := w.correspondent(), w.open(pretend.PR{})
	s := w.subject(n)
	id, err := w.forge.Comment(repo, n, "bo", "/sluice status\nplease")
	w.must(err)
	got, err := c.Comment(w.Context(), s, id)
	w.must(err)
	if got.ID != id || got.Body != "/sluice status\nplease" || got.By.Login != "bo" || got.By.ID != w.forge.User("bo").ID || !got.By.Human() || got.Edited || got.App || got.URL == "" || got.At.IsZero() {
		w.Errorf("Comment = %+v", got)
	}
	for range 2 {
		w.must(c.React(w.Context(), s, id))
	}
	if said := w.forge.Said(repo, n); len(said[0].Reactions) != 1 {
		w.Errorf("reactions %q, want one", said[0].Reactions)
	}
	w.must(w.forge.EditComment(repo, n, "bo", "ana", "/sluice override"))
	if got, err = c.Comment(w.Context(), s, id); err != nil || !got.Edited {
		w.Errorf("Comment = %+v, %v; want it edited", got, err)
	}
	if _, err := c.Comment(w.Context(), w.subject(w.open(pretend.PR{Branch: "another"})), id); !errors.Is(err, gate.ErrGone) {
		w.Errorf("Comment of another change: %v, want ErrGone", err)
	}
	if _, err := c.Comment(w.Context(), s, id+999); !errors.Is(err, gate.ErrGone) {
		w.Errorf("Comment that is not there: %v, want ErrGone", err)
	}
}

func commentsOfApps(w *world) {
	c, n := w.correspondent(), w.open(pretend.PR{})
	for _, by := range []string{"", "bo"} {
		id, err := w.forge.CommentBy(repo, n, "helper", by, "/sluice help")
		w.must(err)
		got, err := c.Comment(w.Context(), w.subject(n), id)
		w.must(err)
		if got.By.Human() && !got.App {
			w.Errorf("by %q through an app: %+v, want it told", by, got)
		}
	}
}

func replies(w *world) {
	c, n := w.correspondent(), w.open(pretend.PR{})
	s := w.subject(n)
	id, err := c.Reply(w.Context(), s, "77", 0, "first")
	w.must(err)
	again, err := c.Reply(w.Context(), s, "77", -1, "found")
	w.must(err)
	if again != id || len(w.answers(n)) != 1 || !strings.HasPrefix(w.answers(n)[0].Body, "found") {
		w.Errorf("answered %d after %d: %+v", again, id, w.answers(n))
	}
	if _, err := c.Reply(w.Context(), s, "77", id, "changed"); err != nil || len(w.answers(n)) != 1 {
		w.Errorf("Reply = %v, answers %+v", err, w.answers(n))
	}
	// Another's words with our mark are not our reply.
	_, err = w.forge.Comment(repo, n, "eve", strings.Replace(w.answers(n)[0].Body, "77", "78", 1))
	w.must(err)
	if other, err := c.Reply(w.Context(), s, "78", -1, "mine"); err != nil || other == id || len(w.answers(n)) != 2 {
		w.Errorf("Reply = %d, %v, answers %+v", other, err, w.answers(n))
	}
	// What closes an HTML comment must not end the mark.
	if _, err := c.Reply(w.Context(), s, "button/a--><b>/bo", 0, "x"); err != nil || strings.Contains(w.answers(n)[2].Body, "<b>") {
		w.Errorf("Reply = %v, answers %+v", err, w.answers(n))
	}
}

func rightsNow(w *world) {
	r, ok := w.Provider.(gate.Registrar)
	if !ok {
		w.Fatalf("%T tells no rights", w.Provider)
	}
	s := w.subject(w.open(pretend.PR{}))
	who := func(login string) checks.Person {
		return checks.Person{ID: w.forge.User(login).ID, Login: login, Kind: "user"}
	}
	for _, role := range []string{"admin", "maintain", "write", "triage", "read"} { // each asked right after it changed
		w.must(w.forge.Grant(repo, "cy", role))
		if got, err := r.Permission(w.Context(), s, who("cy")); err != nil || got != role {
			w.Errorf("Permission = %q, %v, want %s", got, err, role)
		}
	}
	impostor := who("cy")
	impostor.ID = 1
	if got, err := r.Permission(w.Context(), s, impostor); err != nil || got != "none" {
		w.Errorf("Permission of another account = %q, %v, want none", got, err)
	}
	w.must(w.forge.Team("acme/ops", ""))
	w.must(w.forge.Team("acme/night", "ops", "cy"))
	for group, want := range map[string]bool{"acme/ops": true, "acme/night": true, "acme/none": false, "acme": true, "other": false} {
		if got, err := r.Member(w.Context(), s, who("cy"), group); err != nil || got != want {
			w.Errorf("Member(%s) = %v, %v, want %v", group, got, err, want)
		}
	}
	w.must(w.forge.Team("acme/night", "ops"))
	if got, err := r.Member(w.Context(), s, who("cy"), "acme/ops"); err != nil || got {
		w.Errorf("Member = %v, %v, want false after he left", got, err)
	}
}

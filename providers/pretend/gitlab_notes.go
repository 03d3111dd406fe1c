package pretend

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/sorting"
)

// note is one entry below a merge request: what somebody wrote, or what GitLab noted down of an act.
type note struct {
	id             int64
	by             *User
	body           string
	at, edited     time.Time
	system, hidden bool
	comment        *comment // nil: it is no comment of the domain
}

// labNoteEndpoints are those of notes, of reactions to them, and of what else is kept of a merge request's life.
func labNoteEndpoints() []labEndpoint {
	const change = "/projects/{id}/merge_requests/{iid}"
	return []labEndpoint{
		{method: "GET", path: change + "/notes", level: reporter, do: inChange(changeNotes)},
		{method: "POST", path: change + "/notes", level: reporter, creates: true, do: inChange(postNote)},
		{method: "GET", path: change + "/notes/{nid}", level: reporter, do: inNote(func(q *labRequest, p *Pull, n note) reply { return ok(q.f.renderNote(p, n)) })},
		{method: "PUT", path: change + "/notes/{nid}", level: reporter, do: inNote(putNote)},
		{method: "DELETE", path: change + "/notes/{nid}", level: reporter, do: inNote(deleteNote)},
		{method: "GET", path: change + "/notes/{nid}/award_emoji", level: reporter, do: inNote(awards)},
		{method: "POST", path: change + "/notes/{nid}/award_emoji", level: reporter, creates: true, do: inNote(postAward)},
		{method: "GET", path: change + "/resource_label_events", level: reporter, do: inChange(labelEvents)},
		{method: "GET", path: change + "/resource_state_events", level: reporter, do: inChange(stateEvents)},
	}
}

// notesOf are the notes of a merge request in their order; those that GitLab made only with system.
func (f *Forge) notesOf(p *Pull, system bool) (list []note) {
	for i, e := range p.events {
		n := note{id: e.id, by: e.actor, at: e.at, edited: e.at, system: true}
		switch {
		case e.note != nil:
			c := e.note
			n = note{id: c.id, by: c.by, body: c.body, at: c.created, edited: c.created, hidden: f.lab.internal[c], comment: c}
			if !c.edited.IsZero() {
				n.edited = c.edited
			}
		case e.kind == "PullRequestReview" && e.review.State == "COMMENTED":
			n.system, n.body = false, or(e.review.Body, "I had a look.")
		case e.kind == "PullRequestCommit":
			n.body = commitsNote(p, i)
		default:
			n.body = systemNote(e)
		}
		if n.body != "" && (system || !n.system) {
			list = append(list, n)
		}
	}
	return slices.DeleteFunc(list, func(n note) bool { return n.comment != nil && !slices.Contains(p.Repo.comments, n.comment) })
}

// commitsNote tells of the commits that one push brought, once, at the first of them; not of those it was opened with.
func commitsNote(p *Pull, i int) string {
	e := p.events[i]
	if e.at.Before(p.Created.Add(time.Millisecond)) || i == 0 || p.events[i-1].kind == "PullRequestCommit" || opening(p, i) {
		return ""
	}
	var b strings.Builder
	count := 0
	for _, x := range p.events[i:] {
		if x.kind != "PullRequestCommit" {
			break
		}
		count++
		title, _, _ := strings.Cut(x.commit.message, "\n")
		fmt.Fprintf(&b, "<li>%s - %s</li>", x.commit.id[:8], title)
	}
	return fmt.Sprintf("added %d %s\n\n<ul>%s</ul>\n\n[Compare with previous version](#)", count, map[bool]string{true: "commit", false: "commits"}[count == 1], b.String())
}

// opening says whether nothing but commits stands before the event.
func opening(p *Pull, i int) bool {
	return !slices.ContainsFunc(p.events[:i], func(e *event) bool { return e.kind != "PullRequestCommit" })
}

// systemNote is what GitLab notes down of an act, in its words; "" for nothing.
func systemNote(e *event) string {
	switch e.kind {
	case "PullRequestReview":
		if e.review.State == "APPROVED" || e.review.was == "APPROVED" {
			return "approved this merge request"
		}
		return "requested changes"
	case "ReviewDismissedEvent":
		if e.review.was == "APPROVED" {
			return "unapproved this merge request"
		}
		return ""
	case "ReviewRequestedEvent":
		if u, is := e.about.(*User); is {
			return "requested review from @" + u.Login
		}
	case "BaseRefChangedEvent":
		return fmt.Sprintf("changed target branch from `%v` to `%v`", e.from, e.to)
	case "RenamedTitleEvent":
		return fmt.Sprintf("changed title from **%v** to **%v**", e.from, e.to)
	case "ReadyForReviewEvent":
		return "marked this merge request as **ready**"
	case "ConvertToDraftEvent":
		return "marked this merge request as **draft**"
	}
	return "" // labels and states are kept as events of their own
}

func (f *Forge) renderNote(p *Pull, n note) any {
	return obj{"id": n.id, "type": nil, "body": n.body, "attachment": nil, "author": f.labUser(n.by), "created_at": labStamp(n.at), "updated_at": labStamp(n.edited), "system": n.system,
		"noteable_id": p.ID, "noteable_type": "MergeRequest", "project_id": p.Repo.ID, "noteable_iid": p.Number, "resolvable": false, "confidential": n.hidden, "internal": n.hidden,
		"imported": false, "imported_from": "none", "commands_changes": obj{}}
}

// changeNotes lists them, the newest first unless asked otherwise. Internal ones are shown to reporters alone.
func changeNotes(q *labRequest, p *Pull) reply {
	if wrong := q.in.oneOf("order_by", "created_at", "updated_at"); wrong != "" {
		return labWrong(wrong)
	}
	list := slices.DeleteFunc(q.f.notesOf(p, true), func(n note) bool { return n.hidden && q.f.levelOn(p.Repo, q.who) < reporter })
	sorting.By(list, func(a, b note) int {
		if q.in.text("order_by") == "updated_at" {
			return a.edited.Compare(b.edited)
		}
		return a.at.Compare(b.at)
	})
	if q.in.text("sort") != "asc" {
		slices.Reverse(list)
	}
	return labPage(q, list, nil, func(n note) any { return q.f.renderNote(p, n) })
}

func inNote(do func(*labRequest, *Pull, note) reply) func(*labRequest) reply {
	return inChange(func(q *labRequest, p *Pull) reply {
		for _, n := range q.f.notesOf(p, true) {
			if n.id == parse(q.PathValue("nid")) && (!n.hidden || q.f.levelOn(p.Repo, q.who) >= reporter) {
				return do(q, p, n)
			}
		}
		return labLost("")
	})
}

func postNote(q *labRequest, p *Pull) reply {
	body := q.in.text("body")
	switch {
	case q.in.missing("body") != "":
		return labWrong(q.in.missing("body"))
	case strings.TrimSpace(body) == "":
		return labRefuse(http.StatusBadRequest, obj{"note": []string{"can't be blank"}})
	case len([]rune(body)) > 1_000_000:
		return labRefuse(http.StatusBadRequest, obj{"note": []string{"is too long (maximum is 1000000 characters)"}})
	}
	c := q.f.newComment(p, q.who, body)
	if q.in.flag("internal") || q.in.flag("confidential") {
		q.f.lab.internal[c] = true
	}
	q.f.addComment(c)
	return made(q.f.renderNote(p, q.f.noteOf(p, c)))
}

func (f *Forge) noteOf(p *Pull, c *comment) note {
	for _, n := range f.notesOf(p, false) {
		if n.comment == c {
			return n
		}
	}
	return note{}
}

// mayEdit: one's own, or as a maintainer anybody's; never what GitLab noted down.
func (q *labRequest) mayEdit(p *Pull, n note) bool {
	return n.comment != nil && (n.by == q.who || q.f.levelOn(p.Repo, q.who) >= maintainer)
}

func putNote(q *labRequest, p *Pull, n note) reply {
	switch {
	case !q.mayEdit(p, n):
		return labForbidden
	case strings.TrimSpace(q.in.text("body")) == "":
		return labWrong("body is missing")
	}
	q.f.edit(n.comment, q.who, q.in.text("body"))
	return ok(q.f.renderNote(p, q.f.noteOf(p, n.comment)))
}

func deleteNote(q *labRequest, p *Pull, n note) reply {
	if !q.mayEdit(p, n) {
		return labForbidden
	}
	p.Repo.comments = slices.DeleteFunc(slices.Clone(p.Repo.comments), func(c *comment) bool { return c == n.comment })
	return noContent
}

func (f *Forge) renderAward(n note, r reaction) any {
	return obj{"id": r.id, "name": r.content, "user": f.labUser(r.by), "created_at": labStamp(n.at), "updated_at": labStamp(n.at), "awardable_id": n.id, "awardable_type": "Note", "url": nil}
}

func awards(q *labRequest, p *Pull, n note) reply {
	var list []reaction
	if n.comment != nil {
		list = n.comment.reactions
	}
	return labPage(q, list, nil, func(r reaction) any { return q.f.renderAward(n, r) })
}

// postAward gives an emoji once; given again, GitLab says in a way of its own that it is there.
func postAward(q *labRequest, p *Pull, n note) reply {
	name := q.in.text("name")
	switch {
	case name == "":
		return labWrong("name is missing")
	case n.comment == nil:
		return labLost("")
	case strings.ContainsAny(name, ": +") && name != "+1":
		return labLost(`Award Emoji {:name=>["is not a valid emoji name"]}`)
	case slices.ContainsFunc(n.comment.reactions, func(r reaction) bool { return r.by == q.who && r.content == name }):
		return labLost("Award Emoji Name has already been taken")
	}
	r := reaction{q.f.id(), q.who, name}
	n.comment.reactions = append(n.comment.reactions, r)
	q.f.hookEmoji(p, n, r)
	return made(q.f.renderAward(n, r))
}

func labelEvents(q *labRequest, p *Pull) reply {
	var list []*event
	for _, e := range p.events {
		if e.label != nil {
			list = append(list, e)
		}
	}
	return labPage(q, list, nil, func(e *event) any {
		action := map[bool]string{true: "add", false: "remove"}[e.kind == "LabeledEvent"]
		return obj{"id": e.id, "user": q.f.labUser(e.actor), "created_at": labStamp(e.at), "resource_type": "MergeRequest", "resource_id": p.ID, "action": action,
			"label": obj{"id": q.f.labelID(p.Repo, e.label.Name), "name": e.label.Name, "color": "#6699cc", "description": nil}}
	})
}

func stateEvents(q *labRequest, p *Pull) reply {
	words := map[string]string{"ClosedEvent": "closed", "ReopenedEvent": "reopened", "MergedEvent": "merged"}
	var list []*event
	for _, e := range p.events {
		if words[e.kind] != "" && !(e.kind == "ClosedEvent" && p.Merged && !e.at.Before(p.Ended)) {
			list = append(list, e)
		}
	}
	return labPage(q, list, nil, func(e *event) any {
		return obj{"id": e.id, "user": q.f.labUser(e.actor), "created_at": labStamp(e.at), "resource_type": "MergeRequest", "resource_id": p.ID, "source_commit": nil,
			"source_merge_request": nil, "state": words[e.kind]}
	})
}

// CommentInternal writes a note that only members from Reporter on see.
func (f *Forge) CommentInternal(repo string, n int, by, body string) (int64, error) {
	var id int64
	err := f.change(repo, n, by, func(p *Pull, who *User) error {
		c := f.newComment(p, who, body)
		f.lab.internal[c] = true
		f.addComment(c)
		id = c.id
		return nil
	})
	return id, err
}

package webhook

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// hookReader finds what a body of one event means.
type hookReader func(*gitlabReceiver, context.Context, *hookBody) (meant, error)

// hooks has the events that mean something to us; `sluice gitlab install` asks for just these.
func hooks() map[string]hookReader {
	return map[string]hookReader{
		"merge_request":         (*gitlabReceiver).mergeRequest,
		"external_status_check": (*gitlabReceiver).mergeRequest,
		"note":                  (*gitlabReceiver).note,
		"push":                  (*gitlabReceiver).branchPush,
		"tag_push":              (*gitlabReceiver).tagPush,
		"pipeline":              (*gitlabReceiver).pipeline,
		"build":                 (*gitlabReceiver).job,
		"deployment":            (*gitlabReceiver).deployed,
		"release":               (*gitlabReceiver).released,
		"member":                (*gitlabReceiver).member,
	}
}

// mergeRequest: what a merge request says of itself may have changed, or who approves of it. Who is assigned or asked to
// review is no rule's concern. An approval that a push took away is told of as such, in GitLab's own name.
func (h *gitlabReceiver) mergeRequest(_ context.Context, p *hookBody) (m meant, err error) {
	var a struct {
		IID     int64      `json:"iid"`
		Action  string     `json:"action"`
		Old     string     `json:"oldrev"`
		Updated string     `json:"updated_at"`
		Last    hookCommit `json:"last_commit"`
	}
	if err := p.attributes(&a); err != nil {
		return m, err
	}
	mark := gate.Mark{Kind: gate.MarkChange}
	if mark.Repo, err = p.repo(); err != nil {
		return m, err
	}
	if mark.Change, err = iid(a.IID, "object_attributes.iid"); err != nil {
		return m, err
	}
	if a.Last.ID != "" { // a merge request whose source branch is gone may have none
		if mark.Commit, err = sha(a.Last.ID, "object_attributes.last_commit.id"); err != nil {
			return m, err
		}
	}
	switch m.action = a.Action; {
	case given(p.StatusCheck) && a.Action == "": // nothing happened: somebody pressed Retry, and the service has to answer once more
		mark.Why, mark.Detail = "rerequested", "sluice/gate"
		m.marks = []gate.Mark{mark}
	case given(p.StatusCheck):
		m.marks = []gate.Mark{mark} // the service has to answer, whatever changed
	case a.Action == "close" || a.Action == "merge":
		mark.Why = "closed"
		m.marks = []gate.Mark{mark}
	case a.Action == "update":
		m.marks, err = p.updates(mark, a.Old, moment(a.Updated))
	case slices.Contains([]string{"open", "reopen", "approved", "unapproved", "approval", "unapproval"}, a.Action):
		m.marks = []gate.Mark{mark}
	}
	return m, err
}

// attributes reads object_attributes.
func (p *hookBody) attributes(into any) error {
	if !given(p.Attributes) {
		return missing("object_attributes")
	}
	return decode(p.Attributes, into)
}

// updates are the marks of what changed of a merge request, one for each sort: a push, another target, labels, the rest that
// a rule may read. What changed besides (who is assigned, a milestone, GitLab's own bookkeeping) means nothing.
func (p *hookBody) updates(mark gate.Mark, old string, at time.Time) (marks []gate.Mark, err error) {
	var changes map[string]json.RawMessage
	if given(p.Changes) {
		if err := decode(p.Changes, &changes); err != nil {
			return nil, err
		}
	}
	happened := func(why, detail string) {
		mark.Why, mark.Detail = why, detail
		marks = append(marks, mark)
	}
	if old != "" { // when the head came to be, by the forge's clock: a comment from before it is about another
		when := ""
		if !at.IsZero() {
			when = at.Format(time.RFC3339)
		}
		happened("synchronize", when)
	}
	if given(changes["target_branch"]) {
		happened("edited", "base") // it was retargeted, and perhaps back: overrides end
	}
	if given(changes["labels"]) {
		for _, l := range labelsMoved(changes["labels"]) {
			happened(l.word, l.name)
		}
	}
	if objected(changes["reviewers"]) {
		happened("reviewed", "")
	}
	if slices.ContainsFunc([]string{"title", "description", "draft", "work_in_progress", "state_id"}, func(field string) bool { return given(changes[field]) }) {
		happened("edited", "")
	}
	return marks, nil
}

// objected says whether a reviewer asked for changes, or does so no more. Who is asked to review means nothing.
func objected(raw json.RawMessage) bool {
	var r struct{ Previous, Current []struct{ State string } }
	if !given(raw) {
		return false
	}
	return decode(raw, &r) != nil || slices.ContainsFunc(append(r.Previous, r.Current...), func(x struct{ State string }) bool { return x.State == "requested_changes" })
}

type labelMove struct{ word, name string }

// labelsMoved are the labels that came and went, each once; one without a name where that cannot be told.
func labelsMoved(raw json.RawMessage) (moves []labelMove) {
	type label struct {
		Title string `json:"title"`
	}
	var l struct{ Previous, Current []label }
	unsure := []labelMove{{"labeled", ""}}
	if decode(raw, &l) != nil || len(l.Previous)+len(l.Current) > 200 {
		return unsure
	}
	for _, side := range []struct {
		word    string
		in, out []label
	}{{"labeled", l.Current, l.Previous}, {"unlabeled", l.Previous, l.Current}} {
		for _, x := range side.in {
			move := labelMove{side.word, detail(x.Title)}
			if !slices.Contains(side.out, x) && !slices.Contains(moves, move) {
				moves = append(moves, move)
			}
		}
	}
	if len(moves) == 0 || len(moves) > 20 {
		return unsure
	}
	return moves
}

// note: somebody wrote below a merge request, and it may hold a command, or be an approval or objection where a rule takes
// comments for such. As a command only a new note counts, of a person. What GitLab itself notes is none, and neither is a
// note on anything else. A confidential or internal note counts like any; who reads the answer is settled there.
func (h *gitlabReceiver) note(_ context.Context, p *hookBody) (m meant, err error) {
	var a struct {
		ID      int64  `json:"id"`
		Note    string `json:"note"`
		On      string `json:"noteable_type"`
		System  bool   `json:"system"`
		Action  string `json:"action"`
		Created string `json:"created_at"`
		Updated string `json:"updated_at"`
	}
	if err := p.attributes(&a); err != nil {
		return m, err
	}
	repo, err := p.repo()
	if err != nil {
		return m, err
	}
	if m.action = a.Action; m.action == "" && a.Created == a.Updated { // before 16.1 it was not told
		m.action = "create"
	}
	if a.On != "MergeRequest" || a.System {
		return m, nil
	}
	if h.ours(p) || p.program() {
		m.echo = h.ours(p)
		return m, nil
	}
	if p.MergeRequest == nil {
		return m, missing("merge_request")
	}
	n, err := iid(p.MergeRequest.IID, "merge_request.iid")
	if err != nil {
		return m, err
	}
	id, err := identifier(a.ID, "object_attributes.id")
	if err != nil {
		return m, err
	}
	m.marks = []gate.Mark{{Kind: gate.MarkChange, Repo: repo, Change: n}}
	if m.action == "create" && strings.Contains(a.Note, "/sluice") {
		m.marks = append(m.marks, gate.Mark{Kind: gate.MarkComment, Repo: repo, Change: n, Comment: id, Detail: digest(a.Note)})
	}
	return m, nil
}

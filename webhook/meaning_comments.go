package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// comment: somebody wrote below a change, and it may hold a command, or be an approval or objection where a rule takes
// comments for such. As a command only a new comment counts: one that is edited or deleted is none, and neither is one
// below an issue that is no change, or one by an app. What it says is read again from the forge; of the delivery only the
// digest of the text is passed on, so that one that was edited in between is noticed.
func (h *receiver) comment(_ context.Context, p *payload) ([]gate.Mark, error) {
	repo, err := p.commented()
	if err != nil {
		return nil, err
	}
	if p.Issue == nil {
		return nil, missing("issue")
	}
	n, err := number(p.Issue.Number, "issue.number")
	if err != nil {
		return nil, err
	}
	if !given(p.Issue.PullRequest) || !p.byPerson() || !slices.Contains([]string{"created", "edited", "deleted"}, p.Action) {
		return nil, nil
	}
	marks := []gate.Mark{{Kind: gate.MarkChange, Repo: repo, Change: n}}
	if p.Action == "created" && strings.Contains(p.Comment.Body, "/sluice") {
		marks = append(marks, gate.Mark{Kind: gate.MarkComment, Repo: repo, Change: n, Comment: p.Comment.ID, Detail: digest(p.Comment.Body)})
	}
	return marks, nil
}

// commitComment: somebody wrote about a commit, or a line of it, and it may hold a command. GitHub tells of new ones alone.
func (h *receiver) commitComment(_ context.Context, p *payload) ([]gate.Mark, error) {
	repo, err := p.commented()
	if err != nil {
		return nil, err
	}
	commit, err := sha(p.Comment.CommitID, "comment.commit_id")
	if err != nil {
		return nil, err
	}
	if p.Action != "created" || !p.byPerson() || !strings.Contains(p.Comment.Body, "/sluice") {
		return nil, nil
	}
	return []gate.Mark{{Kind: gate.MarkComment, Repo: repo, Commit: commit, Comment: p.Comment.ID, Detail: digest(p.Comment.Body)}}, nil
}

// commented is the repository that a comment was written in; the delivery must tell of one.
func (p *payload) commented() (string, error) {
	switch {
	case p.Action == "":
		return "", missing("action")
	case p.Comment == nil:
		return "", missing("comment")
	case p.Comment.ID <= 0:
		return "", missing("comment.id")
	}
	return p.repo()
}

// byPerson says that no app wrote the comment, as far as the delivery tells.
func (p *payload) byPerson() bool { return !given(p.Comment.App) && !p.Comment.User.bot() }

// given says whether a field is there and not null.
func given(raw []byte) bool { return len(raw) > 0 && string(raw) != "null" }

func (a *account) bot() bool { return a != nil && strings.EqualFold(a.Type, "Bot") }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// pressed: somebody pressed the button of one of our checks. It says which check, and who wants to know.
func (h *receiver) pressed(p *payload, c *check) ([]gate.Mark, error) {
	if p.RequestedAction == nil {
		return nil, missing("requested_action")
	}
	name, named := strings.CutPrefix(strings.ToLower(c.Name), ours)
	if !named || h.AppID != 0 && !h.own(c) || p.RequestedAction.Identifier != gate.ButtonOverride || p.Sender.bot() {
		return nil, nil
	}
	marks, err := p.checked(c, "check_run")
	for i := range marks {
		m := &marks[i]
		m.Kind, m.Commit, m.Detail, m.By = gate.MarkAction, c.HeadSHA, detail(name), p.by()
	}
	return marks, err
}

package pretend

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	gitlab "github.com/xanzy/go-gitlab"
)

func TestGitLabTakesNotesAndReactions(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	n := i.open("c", map[string]string{"c": "c\n"})
	asked, err := i.Comment(labShop, n, "ana", "/sluice help")
	i.must(err)
	note, _, err := i.api.Notes.CreateMergeRequestNote(labShop, n, &gitlab.CreateMergeRequestNoteOptions{Body: gitlab.Ptr("Help.")})
	i.must(err)
	_, _, err = i.api.Notes.UpdateMergeRequestNote(labShop, n, note.ID, &gitlab.UpdateMergeRequestNoteOptions{Body: gitlab.Ptr("More help.")})
	i.must(err)
	_, resp, _ := i.like(i.Token("ana")).Notes.UpdateMergeRequestNote(labShop, n, note.ID, &gitlab.UpdateMergeRequestNoteOptions{Body: gitlab.Ptr("Mine.")})
	i.check("a developer edits another's note", resp.StatusCode, 403)
	_, _, err = i.api.AwardEmoji.CreateMergeRequestAwardEmojiOnNote(labShop, n, int(asked), &gitlab.CreateAwardEmojiOptions{Name: "eyes"})
	i.must(err)
	_, resp, _ = i.api.AwardEmoji.CreateMergeRequestAwardEmojiOnNote(labShop, n, int(asked), &gitlab.CreateAwardEmojiOptions{Name: "eyes"})
	i.check("given twice", resp.StatusCode, 404)
	said := i.Said(labShop, n)
	i.check("said", fmt.Sprint(said[0].By, said[0].Reactions, " ", said[1].By == i.Bot(), said[1].Body, said[1].Edited), "ana[eyes] trueMore help.true")
	_, resp, _ = i.api.Notes.CreateMergeRequestNote(labShop, n, &gitlab.CreateMergeRequestNoteOptions{Body: gitlab.Ptr("")})
	i.check("an empty note", resp.StatusCode, 400)
}

func TestGitLabTakesCommitsTagsAndReleases(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	n := i.open("c", map[string]string{"CHANGELOG.md": "# Changelog\n"})
	say := &gitlab.CreateCommitOptions{Branch: gitlab.Ptr("c"), CommitMessage: gitlab.Ptr("docs: entry"), Actions: []*gitlab.CommitActionOptions{
		{Action: gitlab.Ptr(gitlab.FileUpdate), FilePath: gitlab.Ptr("CHANGELOG.md"), Content: gitlab.Ptr("# Changelog\n\n- New.\n"), LastCommitID: gitlab.Ptr(i.Head(labShop, "c"))}}}
	commit, _, err := i.api.Commits.CreateCommit(labShop, say)
	i.must(err)
	i.check("committed", []any{i.Head(labShop, "c"), commit.AuthorName}, []any{commit.ID, "sluice"})
	_, resp, _ := i.api.Commits.CreateCommit(labShop, say)
	i.check("on what has moved", resp.StatusCode, 400)
	i.must(i.ProtectBranch(labShop, "c", "none"))
	say.Actions[0].LastCommitID = nil
	_, resp, _ = i.api.Commits.CreateCommit(labShop, say)
	i.check("on a protected branch", resp.StatusCode, 403)
	id, err := i.Merge(labShop, n, "bo", false)
	i.must(err)
	brought, _, err := i.api.Commits.ListMergeRequestsByCommit(labShop, commit.ID)
	i.must(err)
	i.check("brought by", []any{len(brought), brought[0].IID, brought[0].State, brought[0].MergeCommitSHA}, []any{1, n, "merged", id})
	tag, _, err := i.api.Tags.CreateTag(labShop, &gitlab.CreateTagOptions{TagName: gitlab.Ptr("v1.0.0"), Ref: gitlab.Ptr(id), Message: gitlab.Ptr("One.")})
	i.must(err)
	i.check("tag", []any{tag.Commit.ID, tag.Message, tag.Target != id}, []any{id, "One.", true})
	_, resp, _ = i.api.Tags.CreateTag(labShop, &gitlab.CreateTagOptions{TagName: gitlab.Ptr("v1.0.0"), Ref: gitlab.Ptr(id)})
	i.check("made twice", resp.StatusCode, 400)
	i.must(i.ProtectTag(labShop, "v*", "none"))
	_, resp, _ = i.api.Tags.CreateTag(labShop, &gitlab.CreateTagOptions{TagName: gitlab.Ptr("v2.0.0"), Ref: gitlab.Ptr(id)})
	i.check("a protected tag", resp.StatusCode, 403)
	_, _, err = i.api.Releases.CreateRelease(labShop, &gitlab.CreateReleaseOptions{TagName: gitlab.Ptr("r1"), Ref: gitlab.Ptr("main"), Description: gitlab.Ptr("Notes.")})
	i.must(err)
	_, resp, _ = i.api.Releases.CreateRelease(labShop, &gitlab.CreateReleaseOptions{TagName: gitlab.Ptr("r1")})
	i.check("released twice", resp.StatusCode, 409)
	i.check("releases", []any{i.Releases(labShop)[0].Body, i.Releases(labShop)[0].Tag}, []any{"Notes.", "r1"})
}

func TestGitLabOpensAndMerges(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	_, err := i.Push(Push{Repo: labShop, Branch: "c", By: "ana", Commits: []Commit{{Files: Texts(map[string]string{"c": "c\n"})}}})
	i.must(err)
	open := &gitlab.CreateMergeRequestOptions{Title: gitlab.Ptr("Draft: chore: c"), SourceBranch: gitlab.Ptr("c"), TargetBranch: gitlab.Ptr("main"), Labels: &gitlab.LabelOptions{"minor"}}
	m, _, err := i.api.MergeRequests.CreateMergeRequest(labShop, open)
	i.must(err)
	i.check("opened", []any{m.Title, m.Draft, m.Labels}, []any{"Draft: chore: c", true, []string{"minor"}})
	_, resp, _ := i.api.MergeRequests.CreateMergeRequest(labShop, open)
	i.check("opened twice", resp.StatusCode, 409)
	_, resp, _ = i.api.MergeRequests.AcceptMergeRequest(labShop, m.IID, nil)
	i.check("a draft is not merged", resp.StatusCode, 405)
	_, _, err = i.api.MergeRequests.UpdateMergeRequest(labShop, m.IID, &gitlab.UpdateMergeRequestOptions{Title: gitlab.Ptr("chore: c"), ReviewerIDs: gitlab.Ptr([]int{int(i.User("bo").ID)})})
	i.must(err)
	i.check("asked", i.Asked(labShop, m.IID), []string{"bo"})
	i.SetTier("free")
	_, _, err = i.api.MergeRequests.UpdateMergeRequest(labShop, m.IID, &gitlab.UpdateMergeRequestOptions{ReviewerIDs: gitlab.Ptr([]int{int(i.User("bo").ID), int(i.User("olga").ID)})})
	i.must(err)
	i.check("asked on Free", i.Asked(labShop, m.IID), []string{"bo"})
	i.SetTier("premium")
	_, resp, _ = i.api.MergeRequests.AcceptMergeRequest(labShop, m.IID, &gitlab.AcceptMergeRequestOptions{SHA: gitlab.Ptr(i.Head(labShop, "main"))})
	i.check("another head", resp.StatusCode, 409)
	m, _, err = i.api.MergeRequests.AcceptMergeRequest(labShop, m.IID, nil)
	i.must(err)
	i.check("merged", m.State, "merged")
	label := ""
	events, _, err := i.api.ResourceLabelEvents.ListMergeRequestsLabelEvents(labShop, m.IID, nil)
	i.must(err)
	for _, e := range events {
		label += fmt.Sprint(e.Action, " ", e.Label.Name, " by ", e.User.Username == i.Bot())
	}
	i.check("label events", label, "add minor by true")
}

func TestGitLabPagesAndLargeDiffs(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	files := map[string]string{"big.txt": strings.Repeat("0123456789abcdef\n", 3000), "huge.txt": strings.Repeat("0123456789abcdef\n", 20000)}
	for k := range 1001 {
		files[fmt.Sprintf("many/%04d", k)] = "x\n"
	}
	n := i.open("c", files)
	m, _, err := i.api.MergeRequests.GetMergeRequest(labShop, n, nil)
	i.must(err)
	i.check("changes", m.ChangesCount, "1000+")
	list, resp, err := i.api.MergeRequests.ListMergeRequestDiffs(labShop, n, &gitlab.ListMergeRequestDiffsOptions{ListOptions: gitlab.ListOptions{PerPage: 500}})
	i.must(err)
	i.check("a page", []any{len(list), resp.NextPage, resp.TotalItems, resp.TotalPages}, []any{100, 2, 1000, 10})
	i.check("too large", []any{list[0].NewPath, list[0].Diff, list[1].NewPath, list[1].Diff}, []any{"big.txt", "", "huge.txt", ""})
	tree, resp, err := i.api.Repositories.ListTree(labShop, &gitlab.ListTreeOptions{ListOptions: gitlab.ListOptions{Pagination: "keyset", PerPage: 100}, Path: gitlab.Ptr("many"), Ref: gitlab.Ptr("c")})
	i.must(err)
	i.check("by keys", []any{len(tree), resp.NextPage, strings.Contains(resp.NextLink, "page_token=")}, []any{100, 0, true})
}

func TestGitLabFailsAsItIsTold(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{Limits: Limits{Core: 3}})
	n := i.open("c", map[string]string{"c": "c\n"})
	i.Fail(Fault{Route: "/notes", After: true, Status: http.StatusBadGateway})
	_, resp, err := i.api.Notes.CreateMergeRequestNote(labShop, n, &gitlab.CreateMergeRequestNoteOptions{Body: gitlab.Ptr("Once.")})
	var refused *gitlab.ErrorResponse
	i.check("lost answer", []any{errors.As(err, &refused), resp.StatusCode, len(i.Said(labShop, n))}, []any{true, 502, 1})
	_, resp, err = i.api.Projects.GetProject(labShop, nil)
	i.must(err)
	i.check("what is left", resp.Header.Get("RateLimit-Remaining"), "1")
	_, _, err = i.api.Projects.GetProject(labShop, nil)
	i.must(err)
	_, resp, _ = i.api.Projects.GetProject(labShop, nil)
	i.check("too many", []any{resp.StatusCode, resp.Header.Get("Retry-After") != ""}, []any{429, true})
	reads, writes := i.Traffic()
	i.check("traffic", []int{reads, writes}, []int{3, 1})
	i.check("routes", i.Counts()["POST /projects/{id}/merge_requests/{iid}/notes"], 1)
}

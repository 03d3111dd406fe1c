package pretend

//lint:file-ignore SA1019 the library's types are all that is used of it; under its new path they are others

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	gitlab "github.com/xanzy/go-gitlab"
)

// instance is a pretend GitLab with a project acme/platform/shop, and the library's client as the account under test.
type instance struct {
	*testing.T
	*Forge
	api *gitlab.Client
	got []*http.Request
}

const labShop = "acme/platform/shop"

func newInstance(t *testing.T, o Options) *instance {
	t.Helper()
	o.Secret = "secret"
	f := NewGitLab(o)
	s := httptest.NewServer(f.Handler())
	t.Cleanup(s.Close)
	i := &instance{T: t, Forge: f}
	f.Org("acme", "olga:admin")
	f.Install("acme")
	i.must(f.Repo(labShop, true, Texts(map[string]string{"README.md": "A shop.\n", "src/a.go": "package a\n"})))
	for _, who := range []string{"ana:write", "bo:maintain", "eve:read"} {
		login, role := splitRole(who, "")
		i.must(f.Grant(labShop, login, role))
	}
	f.Hooks(Target{To: func(_ context.Context, r *http.Request) (int, error) { i.got = append(i.got, r); return 200, nil }})
	i.api = i.as(s.URL, f.GitLabToken())
	return i
}

func (i *instance) as(url, token string) *gitlab.Client {
	i.Helper()
	api, err := gitlab.NewClient(token, gitlab.WithBaseURL(url), gitlab.WithoutRetries())
	i.must(err)
	return api
}

// like is a client with another token.
func (i *instance) like(token string) *gitlab.Client {
	u := *i.api.BaseURL()
	u.Path = ""
	return i.as(u.String(), token)
}

func (i *instance) must(err error) {
	i.Helper()
	if err != nil {
		i.Fatal(err)
	}
}

func (i *instance) check(what string, got, want any) {
	i.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		i.Errorf("%s:\ngot  %s\nwant %s", what, g, w)
	}
}

func (i *instance) open(branch string, files map[string]string) int {
	i.Helper()
	n, err := i.Open(PR{Repo: labShop, By: "ana", Title: "feat: " + branch, Branch: branch, Commits: []Commit{{Files: Texts(files)}}})
	i.must(err)
	return n
}

func TestGitLabTellsOfAMergeRequest(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	n := i.open("c", map[string]string{"c": "c\n", "src/a.go": "package b\n"})
	m, _, err := i.api.MergeRequests.GetMergeRequest(labShop, n, nil)
	i.must(err)
	i.check("merge request", []any{m.IID, m.Title, m.State, m.SourceBranch, m.TargetBranch, m.SHA, m.ChangesCount, m.Draft, m.Author.Username},
		[]any{1, "feat: c", "opened", "c", "main", i.Head(labShop, "c"), "2", false, "ana"})
	i.check("refs", []string{m.DiffRefs.BaseSha, m.DiffRefs.HeadSha, m.DiffRefs.StartSha}, []string{i.Head(labShop, "main"), i.Head(labShop, "c"), i.Head(labShop, "main")})
	diffs, _, err := i.api.MergeRequests.ListMergeRequestDiffs(labShop, n, nil)
	i.must(err)
	i.check("diffs", []any{diffs[0].NewPath, diffs[0].NewFile, diffs[0].Diff, diffs[1].OldPath, diffs[1].Diff},
		[]any{"c", true, "@@ -0,0 +1 @@\n+c\n", "src/a.go", "@@ -1 +1 @@\n-package a\n+package b\n"})
	i.must(i.SetDraft(labShop, n, "ana", true))
	i.Push(Push{Repo: labShop, Branch: "c", By: "ana", Commits: []Commit{{Message: "more", Files: Texts(map[string]string{"d": "d\n"})}}})
	m, _, err = i.api.MergeRequests.GetMergeRequest(labShop, n, nil)
	i.must(err)
	i.check("draft", []any{m.Title, m.Draft, m.DetailedMergeStatus}, []any{"Draft: feat: c", true, "draft_status"})
	versions, _, err := i.api.MergeRequests.GetMergeRequestDiffVersions(labShop, n, nil)
	i.must(err)
	i.check("versions, the newest first", []any{len(versions), versions[0].HeadCommitSHA == m.SHA, versions[0].CreatedAt.After(*versions[1].CreatedAt)}, []any{2, true, true})
	commits, _, err := i.api.MergeRequests.GetMergeRequestCommits(labShop, n, nil)
	i.must(err)
	i.check("commits, the newest first", []any{len(commits), commits[0].Title}, []any{2, "more"})
	file, _, err := i.api.RepositoryFiles.GetFile(labShop, "src/a.go", &gitlab.GetFileOptions{Ref: gitlab.Ptr("c")})
	i.must(err)
	i.check("file", []any{file.CommitID, file.Encoding, file.Content}, []any{i.Head(labShop, "c"), "base64", "cGFja2FnZSBiCg=="})
}

func TestGitLabHidesWhatATokenMayNotSee(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	status := func(token string) int {
		_, resp, _ := i.like(token).Projects.GetProject(labShop, nil)
		return resp.StatusCode
	}
	i.check("no token, a stranger, a member", []int{status(""), status(i.Token("mallory")), status(i.Token("eve"))}, []int{401, 404, 200})
	i.check("a scope too small", status(i.TokenWith("ana", "read_user")), 403)
	n := i.open("c", map[string]string{"c": "c\n"})
	_, resp, _ := i.like(i.Token("eve")).MergeRequests.GetMergeRequest(labShop, n, nil)
	i.check("a guest reads no code", resp.StatusCode, 403)
	_, resp, _ = i.like(i.TokenWith("bo", "read_api")).Notes.CreateMergeRequestNote(labShop, n, &gitlab.CreateMergeRequestNoteOptions{Body: gitlab.Ptr("x")})
	i.check("a token that only reads", resp.StatusCode, 403)
	i.Uninstall("acme")
	_, resp, _ = i.api.Projects.GetProject(labShop, nil)
	i.check("after it was taken out", resp.StatusCode, 401)
}

func TestGitLabMembersAreInherited(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	i.must(i.Team("acme/dba", "", "dora"))
	i.must(i.Team("acme/data", "", "bo"))
	i.must(i.Team("acme/dba", "data", "dora"))
	i.must(i.Subgroup("acme/platform", "paul:triage"))
	levels := func(list []*gitlab.ProjectMember) string {
		s := ""
		for _, m := range list {
			if m.Username != i.Bot() {
				s += fmt.Sprintf("%s %d ", m.Username, m.AccessLevel)
			}
		}
		return s
	}
	all, _, err := i.api.ProjectMembers.ListAllProjectMembers(labShop, nil)
	i.must(err)
	i.check("of the project, all", levels(all), "olga 50 ana 30 bo 40 eve 10 paul 20 ")
	own, _, err := i.api.ProjectMembers.ListProjectMembers(labShop, nil)
	i.must(err)
	i.check("its own", levels(own), "ana 30 bo 40 eve 10 ")
	group, _, err := i.api.Groups.ListAllGroupMembers("acme/data", nil)
	i.must(err)
	names := ""
	for _, m := range group {
		names += m.Username + " "
	}
	i.check("of a group, with invited groups", names, i.Bot()+" olga bo dora ")
}

func TestGitLabApprovals(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	n := i.open("c", map[string]string{"c": "c\n"})
	_, err := i.Review(labShop, n, "bo", "approved", "")
	i.must(err)
	_, err = i.Review(labShop, n, "olga", "changes_requested", "")
	i.must(err)
	by := func() string {
		a, _, err := i.api.MergeRequestApprovals.GetConfiguration(labShop, n)
		i.must(err)
		s := ""
		for _, x := range a.ApprovedBy {
			s += x.User.Username + " "
		}
		return s
	}
	i.check("approved by", by(), "bo ")
	m, _, err := i.api.MergeRequests.GetMergeRequest(labShop, n, nil)
	i.must(err)
	i.check("holds back", m.DetailedMergeStatus, "requested_changes")
	reviewers, _, err := i.api.MergeRequests.GetMergeRequestReviewers(labShop, n)
	i.must(err)
	i.check("reviewers", []any{len(reviewers), reviewers[0].User.Username, reviewers[0].State}, []any{1, "olga", "requested_changes"})
	i.must(i.Dismiss(labShop, n, "ana", "bo"))
	i.check("after it was taken back", by(), "")
	notes, _, err := i.api.Notes.ListMergeRequestNotes(labShop, n, &gitlab.ListMergeRequestNotesOptions{Sort: gitlab.Ptr("asc")})
	i.must(err)
	said := ""
	for _, x := range notes {
		said += fmt.Sprint(x.Author.Username, " ", x.Body, " ", x.System, "; ")
	}
	i.check("system notes", said, "bo approved this merge request true; olga requested changes true; bo unapproved this merge request true; ")
	if _, err := i.Review(labShop, n, "bo", "approved", i.Head(labShop, "main")); err == nil {
		t.Error("an approval of another commit than the head was taken")
	}
	i.must(i.SettleProject(labShop, ProjectSettings{ResetOnPush: true}))
	_, err = i.Review(labShop, n, "bo", "approved", "")
	i.must(err)
	_, err = i.Push(Push{Repo: labShop, Branch: "c", By: "ana", Commits: []Commit{{Files: Texts(map[string]string{"c": "d\n"})}}})
	i.must(err)
	i.check("after a push that resets", by(), "")
}

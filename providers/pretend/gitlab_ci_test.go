package pretend

import (
	"fmt"
	"strings"
	"testing"

	gitlab "github.com/xanzy/go-gitlab"
)

func (i *instance) status(sha, name string, state gitlab.BuildStateValue, o gitlab.SetCommitStatusOptions) (*gitlab.CommitStatus, error) {
	o.State, o.Name = state, &name
	s, _, err := i.api.Commits.SetCommitStatus(labShop, sha, &o)
	return s, err
}

func (i *instance) mergeable(n int) string {
	_, why := i.Mergeable(labShop, n)
	return why
}

func TestGitLabStatusesJoinPipelines(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	i.must(i.Protect(labShop, "main", Required{Context: "sluice/gate"}))
	n := i.open("c", map[string]string{"c": "c\n"})
	head := i.Head(labShop, "c")
	i.check("with no pipeline", i.mergeable(n), "ci_must_pass: it has no pipeline")
	first, err := i.status(head, "sluice/gate", gitlab.Pending, gitlab.SetCommitStatusOptions{Ref: gitlab.Ptr("c"), Description: gitlab.Ptr("Waits.")})
	i.must(err)
	i.check("pending", i.mergeable(n), "ci_still_running: the pipeline is pending, sluice/gate is pending")
	_, err = i.status(head, "sluice/gate", gitlab.Pending, gitlab.SetCommitStatusOptions{Description: gitlab.Ptr("Waits for more.")})
	if err == nil || !strings.Contains(err.Error(), "Cannot transition status via :enqueue from :pending") {
		t.Errorf("the same state again: %v", err)
	}
	i.check("the text stays", i.Shown(labShop, n)[0].Title, "Waits.")
	second, err := i.status(head, "sluice/gate", gitlab.Success, gitlab.SetCommitStatusOptions{Description: gitlab.Ptr("Open.")})
	i.must(err)
	i.check("one status of one pipeline", []any{second.ID == first.ID, second.PipelineId == first.PipelineId, i.mergeable(n)}, []any{true, true, ""})
	third, err := i.status(head, "sluice/gate", gitlab.Failed, gitlab.SetCommitStatusOptions{Description: gitlab.Ptr("Shut.")})
	i.must(err)
	list, _, err := i.api.Commits.GetCommitStatuses(labShop, head, nil)
	i.must(err)
	i.check("what was over is replaced", []any{third.ID != second.ID, len(list), list[0].Status, i.mergeable(n)}, []any{true, 1, "failed", "ci_must_pass: the pipeline is failed, sluice/gate is failed"})
	i.must(i.Report(Report{Repo: labShop, Commit: "c", Name: "sluice/gate", State: "success", By: "bo"}))
	i.check("written over by another", []any{len(i.Shown(labShop, n)), i.mergeable(n)}, []any{0, ""})
	_, err = i.status(head, "sluice/gate", gitlab.Success, gitlab.SetCommitStatusOptions{PipelineID: gitlab.Ptr(1)})
	i.check("a pipeline that is not there", err, "404 Not Found")
	i.must(i.Protect(labShop, "main"))
}

func TestGitLabPipelinesOfTheirOwn(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	i.must(i.Protect(labShop, "main", Required{Context: "sluice/gate"}))
	ci := "stages: [test, deploy]\nunit: {stage: test, script: [x]}\ndeploy-production: {stage: deploy, when: manual, environment: production, script: [x]}\n"
	n := i.open("c", map[string]string{".gitlab-ci.yml": ci})
	head := i.Head(labShop, "c")
	m, _, err := i.api.MergeRequests.GetMergeRequest(labShop, n, nil)
	i.must(err)
	i.check("head pipeline", []any{m.HeadPipeline.Source, m.HeadPipeline.Status, m.HeadPipeline.Ref}, []any{"push", "pending", "c"})
	_, err = i.status(head, "sluice/gate", gitlab.Success, gitlab.SetCommitStatusOptions{PipelineID: &m.HeadPipeline.ID})
	i.must(err)
	i.must(i.Report(Report{Repo: labShop, Commit: "c", Name: "unit", State: "success"}))
	i.check("the pipeline succeeds", i.mergeable(n), "")
	_, err = i.RunPipeline(labShop, "c", 0, "ana")
	i.must(err)
	i.check("a new one begins without our status", []any{len(i.Shown(labShop, n)), strings.HasPrefix(i.mergeable(n), "ci_still_running")}, []any{0, true})
	jobs, _, err := i.api.Jobs.ListPipelineJobs(labShop, m.HeadPipeline.ID, nil)
	i.must(err)
	i.check("jobs", fmt.Sprint(jobs[0].Name, " ", jobs[0].Status, " ", jobs[1].Name, " ", jobs[1].Status), "deploy-production manual unit success")
	job, _, err := i.api.Jobs.PlayJob(labShop, jobs[0].ID, nil)
	i.must(err)
	i.check("played", job.Status, "running")
	_, resp, _ := i.api.Jobs.PlayJob(labShop, jobs[0].ID, nil)
	i.check("played twice", resp.StatusCode, 400)
	i.must(i.Finish(labShop, "production", "cancelled"))
}

func TestGitLabReopensWhereTheBranchStands(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	n := i.open("c", map[string]string{"c": "c\n"})
	i.must(i.Close(labShop, n, "ana"))
	_, err := i.Push(Push{Repo: labShop, Branch: "c", By: "ana", Commits: []Commit{{Files: Texts(map[string]string{"d": "d\n"})}}})
	i.must(err)
	i.must(i.Forge.Reopen(labShop, n, "ana"))
	m, _, err := i.api.MergeRequests.GetMergeRequest(labShop, n, nil)
	i.must(err)
	i.check("head", []any{m.SHA, m.DiffRefs.HeadSha, m.ChangesCount}, []any{i.Head(labShop, "c"), i.Head(labShop, "c"), "2"})
	i.must(i.Report(Report{Repo: labShop, Commit: "main", Name: "smoke", State: "success", By: "mallory"})) // an act asks for no leave
	i.check("what stands there", len(i.ShownOn(labShop, "main")), 0)
}

func TestGitLabForksAreNotHeldBack(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	i.must(i.Protect(labShop, "main", Required{Context: "sluice/gate"}))
	n, err := i.Open(PR{Repo: labShop, By: "eve", Fork: "eve/shop", Branch: "c", Commits: []Commit{{Files: Texts(map[string]string{"c": "c\n"})}}})
	i.must(err)
	head := i.Head("eve/shop", "c")
	_, err = i.status(head, "sluice/gate", gitlab.Failed, gitlab.SetCommitStatusOptions{})
	i.check("no branch has it", err, "404 Not Found")
	_, err = i.status(head, "sluice/gate", gitlab.Failed, gitlab.SetCommitStatusOptions{Ref: gitlab.Ptr(fmt.Sprintf("refs/merge-requests/%d/head", n)), Description: gitlab.Ptr("Shut.")})
	i.must(err)
	i.check("shown, and no head pipeline", []any{i.Shown(labShop, n)[0].State, i.mergeable(n)}, []any{"failure", "ci_must_pass: it has no pipeline"})
}

func TestGitLabMergedResultsAndTrains(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	i.must(i.Protect(labShop, "main", Required{Context: "unit"}))
	i.must(i.SettleProject(labShop, ProjectSettings{Trains: true}))
	_, err := i.Push(Push{Repo: labShop, By: "bo", Commits: []Commit{{Files: Texts(map[string]string{".gitlab-ci.yml": "unit: {script: [x], rules: [{if: $CI_PIPELINE_SOURCE == 'merge_request_event'}]}\n"})}}})
	i.must(err)
	n := i.open("c", map[string]string{"c": "c\n"})
	m, _, err := i.api.MergeRequests.GetMergeRequest(labShop, n, nil)
	i.must(err)
	i.check("of the merged result", []any{m.HeadPipeline.Ref, m.HeadPipeline.Source, m.HeadPipeline.SHA != m.SHA}, []any{"refs/merge-requests/1/merge", "merge_request_event", true})
	merged, _, err := i.api.Commits.GetCommit(labShop, m.HeadPipeline.SHA, nil)
	i.must(err)
	i.check("its parents", merged.ParentIDs, []string{i.Head(labShop, "main"), m.SHA})
	i.must(i.Report(Report{Repo: labShop, Commit: m.HeadPipeline.SHA, Name: "unit", State: "success"}))
	i.must(i.Enqueue(labShop, n, "bo"))
	q := i.Queued(labShop)
	i.check("train", []any{len(q), q[0].Ref, q[0].Waits}, []any{1, "refs/merge-requests/1/train", true})
	i.must(i.Report(Report{Repo: labShop, Commit: q[0].Head, Name: "unit", State: "success"}))
	m, _, err = i.api.MergeRequests.GetMergeRequest(labShop, n, nil)
	i.must(err)
	i.check("merged by the train", []any{m.State, m.MergeCommitSHA}, []any{"merged", q[0].Head})
}

func TestGitLabDeploymentsWaitForApproval(t *testing.T) {
	t.Parallel()
	i := newInstance(t, Options{})
	i.must(i.Environment(Environment{Repo: labShop, Name: "production", Rules: []string{"sluice"}}))
	id, err := i.Start(Workflow{Repo: labShop, By: "bo"})
	i.must(err)
	read := func(path string, out any) {
		req, err := i.api.NewRequest("GET", path, nil, nil)
		i.must(err)
		_, err = i.api.Do(req, out)
		i.must(err)
	}
	var d struct {
		Status    string
		Pending   int `json:"pending_approval_count"`
		Approvals []struct{ Status, Comment string }
		Job       struct{ ID int } `json:"deployable"`
	}
	read(fmt.Sprintf("projects/%s/deployments/%d", gitlab.PathEscape(labShop), id), &d)
	i.check("blocked", []any{d.Status, d.Pending, i.Jobs(labShop)[0].Status}, []any{"blocked", 1, "waiting"})
	_, resp, _ := i.api.Jobs.PlayJob(labShop, d.Job.ID, nil)
	i.check("played too early", resp.StatusCode, 403)
	say := gitlab.ApproveOrRejectProjectDeploymentOptions{Status: gitlab.Ptr(gitlab.DeploymentApprovalStatusApproved), Comment: gitlab.Ptr("Fine.")}
	_, err = i.api.Deployments.ApproveOrRejectProjectDeployment(labShop, int(id), &say)
	i.must(err)
	resp, _ = i.api.Deployments.ApproveOrRejectProjectDeployment(labShop, int(id), &say)
	i.check("approved twice", resp.StatusCode, 400)
	read(fmt.Sprintf("projects/%s/deployments/%d", gitlab.PathEscape(labShop), id), &d)
	i.check("approved, not yet started", []any{d.Status, d.Pending, d.Approvals[0].Comment, i.Jobs(labShop)[0].Status}, []any{"created", 0, "Fine.", "waiting"})
	_, _, err = i.api.Jobs.PlayJob(labShop, d.Job.ID, nil)
	i.must(err)
	i.must(i.Finish(labShop, "production", "success"))
	i.check("done", []any{i.Jobs(labShop)[0].Status, i.Deployments(labShop, "production")[0].State}, []any{"success", "success"})
	made, _, err := i.api.Deployments.CreateProjectDeployment(labShop, &gitlab.CreateProjectDeploymentOptions{Environment: gitlab.Ptr("production"), Ref: gitlab.Ptr("main"),
		SHA: gitlab.Ptr(i.Head(labShop, "main")), Tag: gitlab.Ptr(false), Status: gitlab.Ptr(gitlab.DeploymentStatusRunning)})
	i.must(err)
	_, _, err = i.api.Deployments.UpdateProjectDeployment(labShop, made.ID, &gitlab.UpdateProjectDeploymentOptions{Status: gitlab.Ptr(gitlab.DeploymentStatusSuccess)})
	i.must(err)
	i.check("ours", i.CountDeployments(labShop, "production", i.Head(labShop, "main")), 2)
	_, resp, _ = i.api.Deployments.ListProjectDeployments(labShop, &gitlab.ListProjectDeploymentsOptions{UpdatedAfter: made.CreatedAt})
	i.check("a filter without its order", resp.StatusCode, 400)
	places, _, err := i.api.Environments.GetEnvironment(labShop, 0+i.place("production"))
	i.must(err)
	i.check("last deployment", places.LastDeployment.ID, made.ID)
}

func (i *instance) place(name string) int {
	list, _, err := i.api.Environments.ListEnvironments(labShop, &gitlab.ListEnvironmentsOptions{Name: &name})
	i.must(err)
	return list[0].ID
}

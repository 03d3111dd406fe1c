package pretend

import (
	"context"
	"net/http"
)

// acts are what the domain leaves to GitLab's side. They are called by way of what NewGitLab alone fills in, so that a program with a
// pretend GitHub holds nothing of them.
type acts struct {
	handler       func() http.Handler
	blocked       func(p *Pull) string
	shownOnChange func(p *Pull) []Shown
	shownOnCommit func(r *Repo, c *commit) []Shown
	strays        func(r *Repo, c *commit) []string
	report        func(r *Repo, c *commit, who *User, p Report) error
	hookNote      func(c *comment, by *User, action string)
	deploy        func(r *Repo, c *commit, ref, environment, status string, who *User, tag bool) *deployment
	progress      func(d *deployment, state string) error
	environment   func(r *Repo, p Environment) error
	admit         func(repo, environment, by, state, comment string) error
	boarded       func(e *queued)
	alighted      func(e *queued)
	trainVerdict  func(e *queued) (good, bad bool)
	boards        func(p *Pull) error
	review        func(p *Pull, who *User, state string, on *commit) (*Review, error)
	headers       func(req *http.Request, d *Delivery)
	sendLab       func(ctx context.Context, d *Delivery)
	moved         func(r *Repo, name string, before, after named, by *User)
	pullMoved     func(p *Pull, action string, by *User, more obj)
	hookReview    func(r *Review, action string, by *User)
	start         func(r *Repo, c *commit, p Workflow) (int64, error)
	deployAt      func(l *pipeline, environment string) *ciJob
	finish        func(repo, environment, conclusion string) error
	jobs          func(r *Repo) (list []Job)
	reviewersOf   func(p *Pull) (list []reviewing)
}

func (f *Forge) speaksGitLab() acts {
	return acts{
		handler: f.labHandler, blocked: f.labBlocked, shownOnChange: f.shownOnChange, shownOnCommit: f.shownOnCommit,
		strays: f.strays, report: f.labReport, hookNote: f.hookNote, deploy: f.labDeploy, progress: f.labProgress,
		environment: f.labEnvironment, admit: f.labAdmit, boarded: f.boarded, alighted: f.alighted,
		trainVerdict: f.trainVerdict, boards: f.boards, review: f.labReview, headers: f.labHeaders, sendLab: f.sendLab,
		moved: f.labMoved, pullMoved: f.labPullMoved, hookReview: f.hookReview, start: f.labStart, deployAt: f.deployAt,
		finish: f.labFinish, jobs: f.labJobs, reviewersOf: f.reviewersOf,
	}
}

package webhook

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/gate"
)

// hookBody is what is read of GitLab's bodies: a few fields of many, so that a body with something new or odd elsewhere is
// still understood. Source: GitLab "Webhook events".
type hookBody struct {
	Kind string `json:"object_kind"`
	Name string `json:"event_name"` // of pushes, and of members

	User         *hookUser       `json:"user"`
	UserID       int64           `json:"user_id"` // of a push
	UserUsername string          `json:"user_username"`
	Project      *hookProject    `json:"project"`
	ProjectPath  string          `json:"project_path_with_namespace"` // of members
	Attributes   json.RawMessage `json:"object_attributes"`           // its shape hangs on Kind
	MergeRequest *struct {
		IID    int64      `json:"iid"`
		Target string     `json:"target_branch"`
		Last   hookCommit `json:"last_commit"`
	} `json:"merge_request"`
	Changes json.RawMessage `json:"changes"`

	Ref     string   `json:"ref"`
	Before  string   `json:"before"`
	After   string   `json:"after"`
	Commits []pushed `json:"commits"`

	SHA         string          `json:"sha"` // of a job
	Job         string          `json:"build_status"`
	Environment json.RawMessage `json:"environment"` // of a job an object, of a deployment a name
	Deployment  int64           `json:"deployment_id"`
	Status      string          `json:"status"`
	Builds      []hookBuild     `json:"builds"` // of a pipeline: its jobs

	Tag    json.RawMessage `json:"tag"` // of a release its name, of a job whether it is one
	Action string          `json:"action"`

	StatusCheck json.RawMessage `json:"external_approval_rule"`
}

type hookUser struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
}

type hookCommit struct {
	ID string `json:"id"`
}

type hookBuild struct {
	Status      string          `json:"status"`
	Environment json.RawMessage `json:"environment"`
}

type hookProject struct {
	Path    string `json:"path_with_namespace"`
	Default string `json:"default_branch"`
}

// readHook reads a body.
func readHook(body []byte) (*hookBody, error) {
	var p hookBody
	if err := decode(body, &p); err != nil {
		return nil, err
	}
	return &p, nil
}

// event is the name of what the body tells of. The header says it; system hooks say it in the body alone.
func (p *hookBody) event(header string) string {
	name := strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(header, " Hook")), " ", "_")
	switch {
	case given(p.StatusCheck) && p.Kind == "merge_request":
		return "external_status_check"
	case name == "confidential_note":
		return "note"
	case name == "job":
		return "build"
	case name != "system" && name != "":
		return name
	case strings.HasPrefix(p.Name, "user_") && p.Kind == "":
		return "member"
	}
	return p.Kind
}

// repo is the project that the delivery is about.
func (p *hookBody) repo() (string, error) {
	if p.Project == nil {
		return "", missing("project")
	}
	return projectPath(p.Project.Path, "project.path_with_namespace")
}

// paths are of letters, digits, dots, dashes and underscores, below groups and their subgroups.
var paths = patterns.New(`^[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)+$`)

func projectPath(path, place string) (string, error) {
	odd := strings.Contains("/"+path+"/", "/./") || strings.Contains("/"+path+"/", "/../")
	switch {
	case path == "":
		return "", missing(place)
	case odd || len(path) > 1024 || !paths.MatchString(path):
		return "", fmt.Errorf("%s: is no path of a project", place)
	}
	return path, nil
}

var username = patterns.New(`^[A-Za-z0-9_.-]{1,255}$`)

// by is who did it, as the delivery tells, or "".
func (p *hookBody) by() string {
	name := p.UserUsername
	if name == "" && p.User != nil {
		name = p.User.Username
	}
	if username.MatchString(name) {
		return name
	}
	return ""
}

// tokens of projects and groups act as accounts with such names.
var tokenAccount = patterns.New(`^(project|group)_\d+_bot(\d*|_[0-9a-f]+)$`)

// ours says whether our own account did it, as far as we know; program whether no person did.
func (h *gitlabReceiver) ours(p *hookBody) bool { return h.Own != nil && p.by() != "" && h.Own(p.by()) }

func (p *hookBody) program() bool {
	return tokenAccount.MatchString(p.by()) || strings.EqualFold(p.by(), "ghost")
}

// iid is a merge request's number.
func iid(n int64, place string) (int, error) {
	switch {
	case n == 0:
		return 0, missing(place)
	case n < 0 || n > math.MaxInt32:
		return 0, fmt.Errorf("%s: is no merge request's number", place)
	}
	return int(n), nil
}

// moment reads a time as GitLab's deliveries write it; zero where it is none.
func moment(s string) time.Time {
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700"} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// meant is what a delivery comes to.
type meant struct {
	action string
	marks  []gate.Mark // Why is the word of what happened; "" the action
	echo   bool        // of what we wrote ourselves
}

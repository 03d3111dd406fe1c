package gitlab

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// mergeRequest is one as GitLab shows it by itself.
type mergeRequest struct {
	ID            int64      `json:"id"`
	IID           int        `json:"iid"`
	SourceProject int64      `json:"source_project_id"` // 0: it was deleted
	TargetProject int64      `json:"target_project_id"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	State         string     `json:"state"` // opened, closed, merged, locked (while it is merged)
	Draft         bool       `json:"draft"`
	InProgress    bool       `json:"work_in_progress"`
	Author        *userNode  `json:"author"`
	MergeUser     *userNode  `json:"merge_user"`
	MergedBy      *userNode  `json:"merged_by"` // as older versions call it
	MergedAt      *time.Time `json:"merged_at"`
	CreatedAt     time.Time  `json:"created_at"`
	UpdatedAt     time.Time  `json:"updated_at"`
	PreparedAt    *time.Time `json:"prepared_at"`
	SourceBranch  string     `json:"source_branch"`
	TargetBranch  string     `json:"target_branch"`
	SHA           string     `json:"sha"`
	MergeCommit   string     `json:"merge_commit_sha"`
	SquashCommit  string     `json:"squash_commit_sha"`
	Labels        []string   `json:"labels"`
	Reviewers     []userNode `json:"reviewers"`
	WebURL        string     `json:"web_url"`
	Collaboration bool       `json:"allow_collaboration"`
	Squash        bool       `json:"squash"`
	Changes       count      `json:"changes_count"`
	Refs          *struct {
		Base  string `json:"base_sha"`
		Head  string `json:"head_sha"`
		Start string `json:"start_sha"`
	} `json:"diff_refs"`
	Pipeline *pipelineNode `json:"head_pipeline"`
	Diverged *int          `json:"diverged_commits_count"` // commits that the target has and the head has not
}

// count is "12", or "1000+" of what GitLab does not count any further; null while it is not counted.
type count struct {
	n    int
	more bool
	told bool
}

// UnmarshalJSON reads a string or a number.
func (c *count) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	s, c.more = strings.CutSuffix(s, "+")
	n, err := strconv.Atoi(s)
	c.n, c.told = n, err == nil
	return nil
}

// pipelineNode is the pipeline that decides about a merge. Its SHA is the head's, or a merge of the head into the target.
type pipelineNode struct {
	ID      int64  `json:"id"`
	Project int64  `json:"project_id"`
	SHA     string `json:"sha"`
	Ref     string `json:"ref"`
	Status  string `json:"status"`
}

// userNode is an account as GitLab names it beside what somebody did.
type userNode struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	State    string `json:"state"`
	Public   string `json:"public_email"`
	Email    string `json:"email"`        // shown to administrators alone
	Commits  string `json:"commit_email"` // shown to administrators alone
	Bot      bool   `json:"bot"`          // shown of an account by itself
}

// commitNode is a commit.
type commitNode struct {
	ID             string     `json:"id"`
	Parents        []string   `json:"parent_ids"`
	Message        string     `json:"message"`
	AuthorName     string     `json:"author_name"`
	AuthorEmail    string     `json:"author_email"`
	CommitterName  string     `json:"committer_name"`
	CommitterEmail string     `json:"committer_email"`
	CommittedDate  *time.Time `json:"committed_date"`
}

// diffNode is what became of one file. An empty patch may be an empty change, or one that GitLab withheld: the flags tell,
// where the version has them.
type diffNode struct {
	Old       string `json:"old_path"`
	New       string `json:"new_path"`
	Before    string `json:"a_mode"`
	After     string `json:"b_mode"`
	Patch     string `json:"diff"`
	Added     bool   `json:"new_file"`
	Renamed   bool   `json:"renamed_file"`
	Deleted   bool   `json:"deleted_file"`
	Collapsed *bool  `json:"collapsed"`
	TooLarge  *bool  `json:"too_large"`
}

// comparisonNode is the answer to a comparison.
type comparisonNode struct {
	Commits []commitNode `json:"commits"`
	Diffs   []diffNode   `json:"diffs"`
	Timeout bool         `json:"compare_timeout"`
}

// contentNode is a file at a commit.
type contentNode struct {
	Size     int64  `json:"size"`
	Encoding string `json:"encoding"`
	Content  string `json:"content"`
	SHA256   string `json:"content_sha256"`
	Blob     string `json:"blob_id"`
	Commit   string `json:"commit_id"` // that the ref means
}

// approvalsNode tells who approves now.
type approvalsNode struct {
	By []approval `json:"approved_by"`
}

type approval struct {
	User *userNode  `json:"user"`
	At   *time.Time `json:"approved_at"` // missing before version 18
}

// versionNode is one state of a merge request's commits.
type versionNode struct {
	ID      int64     `json:"id"`
	Head    string    `json:"head_commit_sha"`
	Base    string    `json:"base_commit_sha"`
	Start   string    `json:"start_commit_sha"`
	Created time.Time `json:"created_at"`
}

// opinion is what a reviewer thinks.
type opinion struct {
	User    *userNode  `json:"user"`
	State   string     `json:"state"` // unreviewed, review_started, reviewed, requested_changes, approved, unapproved
	Created time.Time  `json:"created_at"`
	Updated *time.Time `json:"updated_at"`
}

// labelEvent is a label that was set or taken away.
type labelEvent struct {
	ID      int64     `json:"id"`
	User    *userNode `json:"user"`
	Created time.Time `json:"created_at"`
	Action  string    `json:"action"` // add, remove
	Label   *struct {
		Name string `json:"name"`
	} `json:"label"`
}

// tagNode is a tag.
type tagNode struct {
	Name    string      `json:"name"`
	Target  string      `json:"target"` // the tag's own object, of an annotated one
	Message string      `json:"message"`
	Commit  *commitNode `json:"commit"`
	Created *time.Time  `json:"created_at"` // of an annotated one
}

// systemNote is a note, as far as it tells what happened.
type systemNote struct {
	ID       int64     `json:"id"`
	Body     string    `json:"body"`
	Author   *userNode `json:"author"`
	Created  time.Time `json:"created_at"`
	Updated  time.Time `json:"updated_at"`
	System   bool      `json:"system"`
	Internal bool      `json:"internal"`
	Hidden   bool      `json:"confidential"` // as older versions call it
}

// statusNode is a commit status or a job.
type statusNode struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`
	Status      string    `json:"status"`
	Description string    `json:"description"`
	TargetURL   string    `json:"target_url"`
	Pipeline    int64     `json:"pipeline_id"`
	SHA         string    `json:"sha"`
	Author      *userNode `json:"author"`
}

var _ json.Unmarshaler = (*count)(nil)

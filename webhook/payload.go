package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	legacy "github.com/go-json-experiment/json/v1"
)

// payload is what is read of GitHub's bodies: a few fields of many, so that a body with something new or odd elsewhere
// is still understood. Source: GitHub "Webhook events and payloads".
type payload struct {
	Action string `json:"action"`

	Number      int64        `json:"number"`
	PullRequest *pullRequest `json:"pull_request"`
	Label       *struct {
		Name string `json:"name"`
	} `json:"label"`
	Changes *struct {
		Title json.RawMessage `json:"title"`
		Body  json.RawMessage `json:"body"`
		Base  json.RawMessage `json:"base"`
	} `json:"changes"`
	Review *struct {
		State string `json:"state"`
	} `json:"review"`

	Issue *struct {
		Number      int64           `json:"number"`
		PullRequest json.RawMessage `json:"pull_request"` // there for a pull request alone
	} `json:"issue"`
	Comment *struct {
		ID       int64           `json:"id"`
		Body     string          `json:"body"`
		User     *account        `json:"user"`
		App      json.RawMessage `json:"performed_via_github_app"`
		CommitID string          `json:"commit_id"` // of one on a commit
	} `json:"comment"`

	RequestedAction *struct {
		Identifier string `json:"identifier"`
	} `json:"requested_action"`

	CheckRun   *check `json:"check_run"`
	CheckSuite *check `json:"check_suite"`

	Ref     string `json:"ref"`
	RefType string `json:"ref_type"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Pusher  *struct {
		Name string `json:"name"`
	} `json:"pusher"`
	Commits []pushed `json:"commits"`

	MergeGroup *struct {
		HeadSHA string `json:"head_sha"`
		HeadRef string `json:"head_ref"`
		BaseSHA string `json:"base_sha"`
	} `json:"merge_group"`

	Deployment  *deployment `json:"deployment"`
	Environment string      `json:"environment"`
	CallbackURL string      `json:"deployment_callback_url"`

	SHA     string `json:"sha"`
	Context string `json:"context"`

	Repository          *repository   `json:"repository"`
	Repositories        []repository  `json:"repositories"`
	RepositoriesAdded   []repository  `json:"repositories_added"`
	RepositoriesRemoved []repository  `json:"repositories_removed"`
	Installation        *installation `json:"installation"`
	Sender              *account      `json:"sender"`
}

// pushed is a commit of a push, with the paths that it is said to touch.
type pushed struct {
	Added    []string `json:"added"`
	Removed  []string `json:"removed"`
	Modified []string `json:"modified"`
}

type pullRequest struct {
	Number  int64  `json:"number"`
	Updated string `json:"updated_at"`
	Head    struct {
		SHA string `json:"sha"`
	} `json:"head"`
	Base struct {
		Repo struct {
			ID int64 `json:"id"`
		} `json:"repo"`
	} `json:"base"`
}

// check is a check run or a check suite.
type check struct {
	Name    string `json:"name"`
	HeadSHA string `json:"head_sha"`
	App     *struct {
		ID int64 `json:"id"`
	} `json:"app"`
	PullRequests []pullRequest `json:"pull_requests"`
}

type repository struct {
	ID            int64  `json:"id"`
	FullName      string `json:"full_name"`
	DefaultBranch string `json:"default_branch"`
}

type account struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"`
}

type installation struct {
	ID      int64    `json:"id"`
	Account *account `json:"account"`
}

// decode reads a body and names the place of what is wrong with it, never the text that stands there. into
// is a pointer, what it points at is read anew.
func decode(body []byte, into any) error {
	if !utf8.Valid(body) {
		return errors.New("the body is not UTF-8")
	}
	if text := strings.TrimLeft(string(body[:min(len(body), 64)]), " \t\r\n"); !strings.HasPrefix(text, "{") {
		return errors.New("the body is not a JSON object")
	}
	if quick(body, into) == nil {
		return nil
	}
	reflect.ValueOf(into).Elem().SetZero()
	err := json.Unmarshal(body, into)
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("malformed JSON at byte %d", syntax.Offset)
	case errors.As(err, &wrong):
		is, _, _ := strings.Cut(wrong.Value, " ") // "number -5" would tell the number
		return fmt.Errorf("%s (byte %d): must be %s, not %s", place(wrong.Field), wrong.Offset, kindOf(wrong), is)
	case err != nil:
		return errors.New("malformed JSON")
	}
	return nil
}

// quick reads what is as it should be, at a tenth of the cost. Whatever it refuses, a name that is read and given twice
// included, encoding/json reads, and that one's word counts.
func quick(body []byte, into any) (err error) {
	if s := skimmed()[reflect.TypeOf(into)]; s != nil {
		if body, err = skim(body, s); err != nil {
			return err
		}
	}
	return jsonv2.Unmarshal(body, into, jsonv2.MatchCaseInsensitiveNames(true), legacy.MatchCaseSensitiveDelimiter(true))
}

func place(field string) string {
	if field == "" {
		return "the body"
	}
	return field
}

func kindOf(e *json.UnmarshalTypeError) string {
	switch kind := e.Type.Kind().String(); kind {
	case "int64":
		return "a whole number"
	case "struct", "ptr":
		return "an object"
	case "slice":
		return "a list"
	default:
		return "a " + kind
	}
}

// lenient reads what it can of a body whose event means nothing to us: that it is JSON, whose it is, what it says.
func lenient(body []byte) (*payload, error) {
	var whole payload
	if err := decode(body, &whole); err == nil {
		return &whole, nil
	} else if !json.Valid(body) || !utf8.Valid(body) {
		return nil, err
	}
	return &payload{}, nil
}

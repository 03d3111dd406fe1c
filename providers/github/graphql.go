package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// graphError is one of a GraphQL answer's errors. Path names the part that is null because of it.
type graphError struct {
	Type       string `json:"type"`
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code string `json:"code"`
	} `json:"extensions"`
}

// at says whether the error's path begins with these names; indices in lists are skipped.
func (e graphError) at(names ...string) bool {
	i := 0
	for _, p := range e.Path {
		if i == len(names) {
			return true
		}
		name, ok := p.(string)
		if !ok {
			continue
		}
		if name != names[i] {
			return false
		}
		i++
	}
	return i == len(names)
}

// err is the error as Go's.
func (e graphError) err(operation string) error {
	kind := e.Type
	if kind == "" {
		kind = e.Extensions.Code
	}
	if kind == "" {
		kind = "error"
	}
	var path []string
	for _, p := range e.Path {
		path = append(path, fmt.Sprint(p))
	}
	message := checks.Clip(strings.ToValidUTF8(e.Message, "?"), 300)
	if len(path) > 0 {
		message += " (at " + checks.Clip(strings.Join(path, "."), 100) + ")"
	}
	return &Error{Route: "graphql:" + operation, Status: http.StatusOK, Type: kind, Message: message, Needs: e.needs()}
}

// needs names the permission that a refused part of an answer asks for; GraphQL does not say.
func (e graphError) needs() string {
	if e.Type != "FORBIDDEN" || len(e.Path) == 0 {
		return ""
	}
	last := ""
	for _, p := range e.Path {
		if name, ok := p.(string); ok {
			last = name
		}
	}
	switch last {
	case "statusCheckRollup", "ours", "contexts", "checkRuns":
		return "checks=read, statuses=read"
	case "pullRequest", "pullRequests", "associatedPullRequests":
		return "pull_requests=read"
	case "queue":
		return "merge_queues=read"
	case "deployments", "every":
		return "deployments=read"
	case "team", "members", "membersWithRole":
		return "members=read"
	case "collaborators":
		return "metadata=read"
	}
	return "contents=read"
}

// graphErrors reads the errors of an answer, and whether there is data beside them.
func graphErrors(body []byte) (errs []graphError, data bool, err error) {
	var a struct {
		Data   json.RawMessage `json:"data"`
		Errors []graphError    `json:"errors"`
	}
	err = json.Unmarshal(body, &a)
	return a.Errors, len(a.Data) > 0 && string(a.Data) != "null", err
}

// query asks GraphQL. An answer without data is an error; errors beside data come back in a list, for the caller knows
// which parts matter. GitHub answers a query that took too long with an error and no data: that is worth another try.
func (in *installation) query(ctx context.Context, operation, document string, variables map[string]any, out any) ([]graphError, error) {
	body, err := json.Marshal(question{operation, document, variables})
	if err != nil {
		return nil, err
	}
	errs, err := in.graph(ctx, operation, body, true, out)
	for try := 1; err != nil && slow(err) && try < attempts; try++ {
		if err := in.pause(ctx, try); err != nil {
			return nil, err
		}
		errs, err = in.graph(ctx, operation, body, true, out)
	}
	return errs, err
}

// mutate changes something over GraphQL; it is never repeated.
func (in *installation) mutate(ctx context.Context, operation, document string, variables map[string]any, out any) ([]graphError, error) {
	body, err := json.Marshal(question{operation, document, variables})
	if err != nil {
		return nil, err
	}
	return in.graph(ctx, operation, body, false, out)
}

func (in *installation) graph(ctx context.Context, operation string, body []byte, safe bool, out any) ([]graphError, error) {
	route := "graphql:" + operation
	said := envelope{Data: out}
	a, err := in.do(ctx, call{route: route, method: http.MethodPost, url: in.client.bases.graphql, body: body, safe: safe, out: &said})
	if err != nil {
		return nil, err
	}
	if len(said.Errors) > 0 {
		// What something was read from holds data; only an answer that left nothing behind is looked at once more.
		if v := reflect.ValueOf(out); v.Kind() != reflect.Pointer || v.Elem().IsZero() {
			_, data, err := graphErrors(a.body)
			if err != nil {
				return nil, err
			}
			if !data {
				return said.Errors, said.Errors[0].err(operation)
			}
		}
	} else if said.Data == nil || !bytes.Contains(a.body, []byte(`"data"`)) {
		return nil, fmt.Errorf("%s: GitHub answered neither data nor errors", route)
	}
	return said.Errors, nil
}

// question is the body of a query or a mutation.
type question struct {
	Operation string         `json:"operationName"`
	Document  string         `json:"query"`
	Variables map[string]any `json:"variables"`
}

// envelope is what is around every answer. Data is decoded into the value that it points to; null makes it nil.
type envelope struct {
	Data   any          `json:"data"`
	Errors []graphError `json:"errors"`
}

// slow says whether GitHub gave up on a query, rather than refused it.
func slow(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusOK && e.Type != "NOT_FOUND" && e.Type != "FORBIDDEN" &&
		(strings.Contains(e.Message, "omething went wrong") || strings.Contains(e.Message, "timeout") || strings.Contains(e.Message, "timedout"))
}

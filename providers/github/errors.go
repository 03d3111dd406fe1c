package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Error is GitHub's refusal of one call.
type Error struct {
	Route   string // "GET /repos/{owner}/{repo}/compare/{basehead}", "graphql:Facts"
	Status  int    // HTTP status; 200 for a GraphQL error
	Type    string // GraphQL's word: NOT_FOUND, FORBIDDEN
	Message string // GitHub's own words, cut short
	Needs   string // the permissions that would do, as GitHub names them
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: GitHub answered %d", e.Route, e.Status)
	if e.Type != "" {
		s = fmt.Sprintf("%s: %s", e.Route, e.Type)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Needs != "" {
		s += " (the App needs the permission " + e.Needs + ")"
	}
	return s
}

// Unwrap says gate.ErrGone of what does not exist or may not be seen.
func (e *Error) Unwrap() error {
	switch {
	case e.Status == http.StatusNotFound || e.Status == http.StatusGone || e.Status == http.StatusUnavailableForLegalReasons, e.Type == "NOT_FOUND":
		return gate.ErrGone
	}
	return nil
}

// refusal makes an Error of an answer that is not a success.
func refusal(route string, a *answer) *Error {
	var said struct {
		Message string          `json:"message"`
		Errors  json.RawMessage `json:"errors"`
	}
	_ = json.Unmarshal(a.body, &said) // a body that is no JSON has no message
	e := &Error{Route: route, Status: a.status, Message: said.Message}
	if a.status == http.StatusUnprocessableEntity && len(said.Errors) > 0 {
		e.Message += " " + string(said.Errors)
	}
	if a.status == http.StatusConflict {
		e.Message += unmet(said.Errors)
	}
	e.Message = checks.Clip(strings.ToValidUTF8(e.Message, "?"), 300)
	if a.status == http.StatusForbidden {
		e.Needs = checks.Clip(a.header.Get("X-Accepted-GitHub-Permissions"), 100)
	}
	return e
}

// unmet names the contexts that kept GitHub from making a deployment.
func unmet(errs json.RawMessage) string {
	var list []struct {
		Contexts []struct {
			Context string `json:"context"`
			State   string `json:"state"`
		} `json:"contexts"`
	}
	if json.Unmarshal(errs, &list) != nil {
		return ""
	}
	var names []string
	for _, e := range list {
		for _, c := range e.Contexts {
			if c.State != "success" {
				names = append(names, c.Context+" is "+c.State)
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " " + strings.Join(names, ", ")
}

// unclear marks a write of which nobody knows whether it had its effect.
type unclear struct{ err error }

func (e *unclear) Error() string { return "may have had its effect: " + e.err.Error() }
func (e *unclear) Unwrap() error { return e.err }

func isRetry(err error) bool {
	var r *gate.RetryError
	return errors.As(err, &r)
}

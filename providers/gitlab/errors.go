package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	gitlab "github.com/xanzy/go-gitlab"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Error is GitLab's refusal of one call.
type Error struct {
	Route   string // "GET /projects/{id}/merge_requests/{n}"
	Status  int    // HTTP status
	Message string // GitLab's own words, cut short
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: GitLab answered %d", e.Route, e.Status)
	if e.Message != "" {
		s += ": " + e.Message
	}
	switch e.Status {
	case http.StatusUnauthorized:
		s += " (check SLUICE_GITLAB_TOKEN: it may have expired or been revoked)"
	case http.StatusForbidden:
		s += " (the token lacks the scope api, or its role is too low; `sluice doctor` says which is needed)"
	}
	return s
}

// Unwrap says gate.ErrGone of what does not exist or may not be seen.
func (e *Error) Unwrap() error {
	if e.Status == http.StatusNotFound || e.Status == http.StatusGone {
		return gate.ErrGone
	}
	return nil
}

// Unclear marks a write of which nobody knows whether it had its effect.
type Unclear struct{ Err error }

func (e *Unclear) Error() string { return "may have had its effect: " + e.Err.Error() }
func (e *Unclear) Unwrap() error { return e.Err }

// fault makes an error of the library readable: an *Error, a *gate.RetryError, an *Unclear, or what the connection says.
func fault(route string, err error) error {
	var refused *gitlab.ErrorResponse
	var retry *gate.RetryError
	var unclear *Unclear
	var u *url.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gitlab.ErrNotFound): // the library drops the answer of a 404
		return &Error{Route: route, Status: http.StatusNotFound}
	case errors.As(err, &refused):
		e := &Error{Route: route, Message: checks.Clip(strings.ToValidUTF8(refused.Message, "?"), 300)}
		if refused.Response != nil {
			e.Status = refused.Response.StatusCode
		}
		return e
	case errors.As(err, &retry):
		return &gate.RetryError{After: retry.After, Err: fmt.Errorf("%s: %w", route, retry.Err), Quota: retry.Quota}
	case errors.As(err, &unclear):
		return &Unclear{Err: fmt.Errorf("%s: %w", route, unclear.Err)}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%s: %w", route, err)
		if !strings.HasPrefix(route, "GET ") { // the library says no more: the write may have been on its way
			return &Unclear{Err: err}
		}
		return err
	case errors.As(err, &u):
		err = u.Err // without the URL, which may be long and names things
	}
	return fmt.Errorf("%s: %w", route, err)
}

// status is the HTTP status of a refusal, or 0.
func status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

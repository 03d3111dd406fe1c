// Package apitest holds what the API takes and answers to the document that describes it.
//
// It refuses to be anybody's but the tests': what it finds is an error of theirs.
package apitest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Document reads the document and fails the test where it is none.
func Document(t testing.TB, text []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err == nil {
		err = doc.Validate(context.Background(), openapi3.IsOpenAPI31OrLater())
	}
	if err != nil {
		t.Fatalf("the document of the API: %v", err)
	}
	return doc
}

// Handler passes everything on, and fails the test for every answer below /api/v1 that the document does not tell of, and for
// every request that was taken though the document says that it would not be.
func Handler(t testing.TB, doc *openapi3.T, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, params := find(doc, r)
		if path == "" {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		got := httptest.NewRecorder()
		next.ServeHTTP(got, r)
		item := doc.Paths.Value(path)
		q := r.Clone(context.Background())
		q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		in := &openapi3filter.RequestValidationInput{Request: q, PathParams: params,
			Route:   &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)},
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true}}
		check(t, in, got)
		maps.Copy(w.Header(), got.Header())
		w.WriteHeader(got.Code)
		_, _ = w.Write(got.Body.Bytes())
	})
}

func check(t testing.TB, in *openapi3filter.RequestValidationInput, got *httptest.ResponseRecorder) {
	r := in.Request
	if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil && got.Code < 300 {
		t.Errorf("%s %s was taken (%d), which the document does not tell of: %v", r.Method, r.URL, got.Code, err)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: got.Code, Header: got.Header(), Options: in.Options}
	out.SetBodyBytes(got.Body.Bytes())
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		t.Errorf("%s %s: the document does not tell of the answer %d %s: %v", r.Method, r.URL, got.Code, got.Body, err)
	}
}

// find is the path of the document that a request is for. A slash that is escaped parts nothing.
func find(doc *openapi3.T, r *http.Request) (path string, params map[string]string) {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	for _, path := range doc.Paths.InMatchingOrder() {
		names := strings.Split(path, "/")
		if len(names) != len(parts) || doc.Paths.Value(path).GetOperation(r.Method) == nil {
			continue
		}
		params, fits := map[string]string{}, true
		for i, name := range names {
			if inner, is := strings.CutPrefix(name, "{"); is {
				params[strings.TrimSuffix(inner, "}")] = parts[i]
			} else if name != parts[i] {
				fits = false
			}
		}
		if fits {
			return path, params
		}
	}
	return "", nil
}

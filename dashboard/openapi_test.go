package dashboard

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sluicegate/sluice/dashboard/apitest"
	"github.com/sluicegate/sluice/gate"
)

// What is served is described, and what is described is served.
func TestTheDocumentTellsOfEveryRoute(t *testing.T) {
	t.Parallel()
	doc := document(t)
	told := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			told[method+" "+path] = true
		}
	}
	a := &API{Token: token, Records: noRecords{}, People: &SignIn{Forges: []Forge{{Name: "github"}}},
		Calendar: func(context.Context, gate.Repo, string) (string, error) { return "", nil }}
	served := map[string]bool{}
	for _, x := range a.routes() {
		served[x.method+" "+x.path] = true
	}
	for _, name := range slices.Sorted(maps.Keys(told)) {
		if !served[name] {
			t.Errorf("the document tells of %s, which is not served", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(served)) {
		if !told[name] {
			t.Errorf("%s is served, and the document does not tell of it", name)
		}
	}
}

func TestTheDocumentIsForEverybody(t *testing.T) {
	t.Parallel()
	_, a := api()
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"openapi": "3.1.0"`) {
		t.Errorf("%d %.200s", w.Code, w.Body)
	}
}

// described is the API, held to its document.
func described(t testing.TB, a *API) http.Handler {
	t.Helper()
	return apitest.Handler(t, document(t), a.Handler())
}

var documents sync.Map // read once: it takes a while

func document(t testing.TB) *openapi3.T {
	t.Helper()
	if doc, ok := documents.Load("doc"); ok {
		return doc.(*openapi3.T)
	}
	text, err := openapiJSON()
	if err != nil {
		t.Fatal(err)
	}
	doc := apitest.Document(t, text)
	documents.Store("doc", doc)
	return doc
}

type noRecords struct{ Records }

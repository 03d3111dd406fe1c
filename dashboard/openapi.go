package dashboard

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var openapiText []byte

// openapiJSON is the document as it is served. It is written as YAML, for people who read it in the source.
var openapiJSON = sync.OnceValues(func() ([]byte, error) {
	var v any
	if err := yaml.Unmarshal(openapiText, &v); err != nil {
		return nil, err
	}
	return json.MarshalIndent(v, "", " ")
})

// openapi tells everybody what the API is like: that is no secret.
func (a *API) openapi(w http.ResponseWriter, _ *http.Request) {
	text, err := openapiJSON()
	if err != nil {
		a.unread(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(text) // whoever asked may be gone
}

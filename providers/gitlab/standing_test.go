package gitlab

import (
	"context"
	"encoding/base64"
	"net/http"
	"testing"
)

// A pipeline that may end before Sluice has spoken is found by what describes it, put together by GitLab where it is in parts.
func TestWhetherAPipelineWaitsForUs(t *testing.T) {
	t.Parallel()
	const file, waiting = "GET /projects/acme%2Fshop/repository/files/%2Egitlab-ci%2Eyml", "sluice: {script: ['curl ?name=sluice%2Fgate']}\n"
	for name, c := range map[string]struct {
		says      map[string]any
		ci, waits bool
	}{
		"no pipelines":               {nil, false, false},
		"pipelines":                  {map[string]any{file: text("build: {script: [make]}\n")}, true, false},
		"a job that waits":           {map[string]any{file: text(waiting)}, true, true},
		"a job from elsewhere waits": {map[string]any{file: text("include: [{local: /wait.yml}]\n"), "GET /projects/acme%2Fshop/ci/lint": obj{"valid": true, "merged_yaml": waiting}}, true, true},
		"none from elsewhere does":   {map[string]any{file: text("include: [{local: /x.yml}]\n"), "GET /projects/acme%2Fshop/ci/lint": obj{"valid": true, "merged_yaml": "x: {}\n"}}, true, false},
		"what is in it is not shown": {map[string]any{file: text("include: [{local: /x.yml}]\n")}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTold(t)
			for key, answer := range c.says {
				g.say(key, answer)
			}
			s, err := g.client.Standing(context.Background(), Place{Path: "acme/shop", ID: 1})
			if err != nil || s.CI != c.ci || s.Waits != c.waits {
				t.Errorf("Standing = %+v, %v, want pipelines %v that wait %v", s, err, c.ci, c.waits)
			}
		})
	}
	g := newTold(t)
	g.says[file] = func(*http.Request, obj) (int, any) { return 500, obj{} }
	if s, err := g.client.Standing(context.Background(), Place{Path: "acme/shop", ID: 1}); err == nil {
		t.Errorf("Standing = %+v though its pipelines could not be read", s)
	}
}

func text(s string) obj {
	return obj{"content": base64.StdEncoding.EncodeToString([]byte(s)), "encoding": "base64", "size": len(s), "commit_id": head0}
}

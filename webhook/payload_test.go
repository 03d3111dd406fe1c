package webhook

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// sameAsEver fails where what was read quickly is not what encoding/json reads.
func sameAsEver[body any](t *testing.T, text []byte) (quickly bool) {
	t.Helper()
	var fast, slow body
	if quick(text, &fast) != nil {
		return false
	}
	if err := json.Unmarshal(text, &slow); err != nil {
		t.Errorf("quick(%.200q) reads what encoding/json refuses: %v", text, err)
	}
	if !reflect.DeepEqual(fast, slow) {
		t.Errorf("quick(%.200q) = %+v, want %+v", text, fast, slow)
	}
	return true
}

func TestSamplesAreReadQuicklyAndAsEver(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !sameAsEver[payload](t, body) && decode(body, &payload{}) == nil { // an event that means nothing to us may look like anything
			t.Errorf("%s is not read quickly", path)
		}
	}
}

// What nobody reads is skipped, as long as it is JSON.
func TestWhatNobodyReadsIsSkipped(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"action":"a","unread":{"a":1,"a":{"b":[2,{}]}},"sender":{"id":7,"x":1,"x":2}}`,
		`{"commits":[{"id":"x","added":["a"],"x":[[1],[1]]},{"x":{}},null],"Action":"b","pull_request":{"head":{"sha":"s","repo":{"id":1,"id":2}}}}`,
	} {
		if !sameAsEver[payload](t, []byte(body)) {
			t.Errorf("%s is not read quickly", body)
		}
	}
	for _, body := range []string{`{"x":[1,}`, `{"x":tru}`, `{"x":01}`, `{"x":"\q"}`, `{"x":{"y"}}`, `{"x":1`, `{"x":1}}`, `{"x":1,}`, `{"commits":[{"x":1}`, `{"commits":[{"x":1},]}`} {
		var p payload
		if err := quick([]byte(body), &p); err == nil {
			t.Errorf("quick(%s) takes it, want an error", body)
		}
	}
	all := `{"action":"a","unread":"` + strings.Repeat("x", 10_000) + `"}`
	if part, err := skim([]byte(all), skimmed()[reflect.TypeFor[*payload]()]); err != nil || string(part) != `{"action":"a"}` {
		t.Errorf("skim(…) = %.100s, %v, want what is read of it", part, err)
	}
}

func FuzzQuick(f *testing.F) {
	for _, body := range []string{
		`{"comment":{"id":1,"performed_via_github_app":null,"user":null},"issue":{"pull_request":null},"changes":{"title":null}}`,
		`{"Action":"opened","ACTION":"x"}`, `{"action":"a","action":"b"}`, `{"pull-request":{"number":1},"pullrequest":{"number":2}}`,
		`{"number":1.0}`, `{"number":"1"}`, `{"number":1e2}`, `{"commits":null,"repositories":[null]}`, `{"action":"\ud800"}`, `null`, `{} x`, `{"label":{"name":"é"}}`,
		`{"comment":{"performed_via_github_app": { "id" : 7 } }}`, `{"x":{"a":1,"a":2},"ſender":{"id":1},"\u0061ction":"b","Comment":{"ID":1}}`,
		`{"object_attributes":{"a":1,"A":2},"merge_request":{"iid":1,"x":{}},"builds":[{"x":1}],"commits":{}}`, strings.Repeat("[", 300),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var p payload
		if decode([]byte(body), &p) == nil { // which looks at what it is handed to first
			sameAsEver[payload](t, []byte(body))
			sameAsEver[hookBody](t, []byte(body))
		}
	})
}

// The names that are taken are those that the patterns took which these functions stand for.
func FuzzNames(f *testing.F) {
	patterns := map[string]*regexp.Regexp{}
	names := map[string]func(string) bool{
		`^[a-z][a-z0-9_]{0,63}$`: eventName, `^[A-Za-z0-9._:-]{1,100}$`: deliveryID, `^([0-9a-f]{40}|[0-9a-f]{64})$`: objectID,
		`^[A-Za-z0-9_-]{1,100}/[A-Za-z0-9._-]{1,100}$`: fullName, `^[A-Za-z0-9_-]{1,100}(\[bot\])?$`: login,
	}
	for text := range names {
		patterns[text] = regexp.MustCompile(text)
	}
	for _, s := range []string{"", "a", "A", "_", "a\n", "0a", "a_0", "a/b", "a/b/c", "/b", "a/", "a.b/c.d", "a/..", "bot[bot]", "[bot]", "a[bot][bot]", "é", "a:b.c-d",
		strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("a", 100), strings.Repeat("a", 101), strings.Repeat("a", 100) + "[bot]",
		strings.Repeat("f", 40), strings.Repeat("f", 41), strings.Repeat("g", 40), strings.Repeat("F", 40), strings.Repeat("0", 64), strings.Repeat("a", 100) + "/" + strings.Repeat(".", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for text, takes := range names {
			if got, want := takes(s), patterns[text].MatchString(s); got != want {
				t.Errorf("%s: %q is taken: %v, want %v", text, s, got, want)
			}
		}
	})
}

package github

import (
	"errors"
	"strings"
	"testing"
)

func TestAnAnswerIsReadInOnePassAndLeniently(t *testing.T) {
	t.Parallel()
	var got answerNode
	said := envelope{Data: &got}
	err := decode([]byte(`{"data":{"rateLimit":{"cost":1},"g0":null,"g1":{},"repository":{"nameWithOwner":"a/b","NAMEWITHOWNER":"c/d","visibility":"x","visibility":"y`+"\xff"+`",
		"u2":{"totalCount":1},"b0":{"oid":"1"},"w0":{"__typename":"Commit","f0":{"oid":"2"}},"tip":{"target":{"oid":"3","f0":{"mode":33188,"oid":"4"},"f2":null,"farm":7}}}}}`), &said)
	if err != nil {
		t.Fatal(err)
	}
	r := got.Repository
	if g, ok := got.groups[0]; !ok || g != nil || got.groups[1] == nil || len(got.groups) != 2 {
		t.Errorf("groups = %v, want 0 there and nil, and 1", got.groups)
	}
	if r.NameWithOwner != "c/d" || r.Visibility != "y\ufffd" {
		t.Errorf("repository = %q %q, want c/d and y\ufffd", r.NameWithOwner, r.Visibility)
	}
	if r.rights[2] == nil || r.objects[0].OID != "1" || r.watched[0].files[0].OID != "2" || len(r.carried) != 0 {
		t.Errorf("numbered = %v %v %v %v", r.rights, r.objects, r.watched, r.carried)
	}
	tip := r.Tip.Target
	if e, ok := tip.files[2]; !ok || e != nil || tip.files[0].Mode != 33188 || len(tip.files) != 2 {
		t.Errorf("files = %v, want 0, and 2 there and nil", tip.files)
	}
	if tip.Extras != nil || r.Extras != nil || got.Extras != nil {
		t.Errorf("what was read by number is kept twice")
	}
}

func TestAnAnswerThatIsNoJSONIsToldFromOneOfAnotherShape(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"data":{"repository":{"id":"x"`: true, "<html>": true, "": true, `{"data":{}} x`: true,
		`{"data":{"repository":{"id":7}}}`: false, `{"data":{"repository":{"w0":{"oid":7}}}}`: false, `{"data":{"repository":{"tip":{"target":{"f0":[]}}}}}`: false,
	} {
		err := call{out: &envelope{Data: &answerNode{}}}.read([]byte(body))
		if err == nil || errors.Is(err, errBody) != want || !want && !strings.Contains(err.Error(), "does not have the shape expected") {
			t.Errorf("read(%q) = %v, want errBody: %v", body, err, want)
		}
	}
}

// BenchmarkDecode reads an answer with everything that is asked for of an ordinary change.
func BenchmarkDecode(b *testing.B) {
	body := []byte(`{"data":{"repository":{"nameWithOwner":"acme/shop","tip":{"target":{"oid":"3","f0":{"mode":33188,"oid":"4","object":{"text":"` + strings.Repeat("version: 1\\n", 50) +
		`"}}}},"pullRequest":{"number":7,"commits":{"nodes":[` + strings.TrimSuffix(strings.Repeat(`{"commit":{"oid":"3","message":"feat: x","author":{"name":"ana","email":"ana@example.com"}}},`, 30), ",") + `]}}}}}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := decode(body, &envelope{Data: &answerNode{}}); err != nil {
			b.Fatal(err)
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
)

const apiToken = "0123456789abcdef0123456789abcdef"

// asks has somebody ask through the API, twice with one key: `name` is the word, `ref` the REF and `message` the reason.
func (r *playing) asks(w deployWords) error {
	e := errands()[w.Name]
	if e.word == "" {
		e = errand{method: http.MethodPost, path: map[string]string{"approve": "approvals", "cancel": "cancel"}[w.Name]}
	}
	body := map[string]string{"by": w.By}
	if w.Ref != "" {
		body["ref"] = w.Ref
	}
	if w.Message != "" {
		body["reason"] = w.Message
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for range 2 { // whoever got no answer asks again
		answer := r.api(e.method, "/api/v1/repos/"+w.Repo+"/environments/"+w.Environment+"/"+e.path, text, r.step+w.Name)
		if answer.Code != http.StatusAccepted {
			return fmt.Errorf("the API answers %d: %s", answer.Code, answer.Body)
		}
		r.asked = answer.Header().Get("Location")
	}
	return nil
}

// answered is what came of what was asked in this step.
func (r *playing) answered() (lines []string) {
	if r.asked == "" {
		return nil
	}
	var got told
	if err := json.Unmarshal(r.api(http.MethodGet, r.asked, nil, "").Body.Bytes(), &got); err != nil {
		r.t.Fatal(err)
	}
	r.asked = ""
	lines = append(lines, "the API answers "+got.State+": "+r.unhashed(got.Text))
	if got.Promotion != nil {
		for line := range strings.Lines(r.unhashed(got.lines())) {
			lines = append(lines, "  "+strings.TrimRight(line, "\n"))
		}
	}
	return lines
}

func (r *playing) api(method, path string, body []byte, key string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, path, bytes.NewReader(body))
	q.Header.Set("Authorization", "Bearer "+apiToken)
	if method != http.MethodGet {
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Idempotency-Key", key)
	}
	answer := httptest.NewRecorder()
	r.server.handler.ServeHTTP(answer, q)
	return answer
}

// calendar notes what the calendar that is served tells of an environment, or of all when it is named "*".
func (r *playing) calendar(w deployWords) error {
	path := "/api/v1/repos/" + w.Repo + "/calendar.ics"
	if w.Environment != "*" {
		path = "/api/v1/repos/" + w.Repo + "/environments/" + w.Environment + "/calendar.ics"
	}
	answer := r.api(http.MethodGet, path, nil, "")
	r.notes = append(r.notes, fmt.Sprintf("the calendar answers %d", answer.Code))
	for line := range strings.Lines(answer.Body.String()) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name == "SUMMARY" || name == "DTSTART" || name == "DTEND" {
			r.notes = append(r.notes, "  "+name+" "+value)
		}
	}
	return nil
}

package dashboard

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The doctor is for administrators, and shows what it found escaped, what is wrong first.
func TestTheDoctorIsForAdministrators(t *testing.T) {
	t.Parallel()
	b, err := New(nil, true, "v1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	b.pages = &Pages{Sight: &SignIn{}, Now: time.Now, Doctor: func(context.Context) []Finding {
		asked++
		return []Finding{{Level: "well", About: "database", What: "it answers."}, {Level: "wrong", About: "GitHub account <script>", What: "it is suspended\u202e.", Why: "nothing is guarded.", Cure: "its owner lifts that."}}
	}}
	h := b.Handler()
	get := func(p *Person) (int, string) {
		r := httptest.NewRequest(http.MethodGet, "/doctor", nil)
		if p != nil {
			r = r.WithContext(WithPerson(r.Context(), *p))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	if status, _ := get(nil); status != http.StatusSeeOther {
		t.Errorf("a stranger gets %d, want to be led to the sign-in", status)
	}
	if status, text := get(&Person{Forge: "github", ID: "7", Login: "ana"}); status != http.StatusNotFound || asked != 0 {
		t.Errorf("ana, who is no administrator, gets %d after %d looks: %s", status, asked, text)
	}
	status, text := get(&Person{Forge: "github", ID: "8", Login: "olga", Admin: true})
	if status != http.StatusOK || !strings.Contains(text, "1 wrong, 0 to know, 1 well") || !strings.Contains(text, "&lt;script&gt;") || strings.Contains(text, "\u202e") || !strings.Contains(text, "Cure: <bdi>its owner lifts that.") {
		t.Errorf("an administrator gets %d %s", status, text)
	}
	if strings.Index(text, "suspended") > strings.Index(text, "it answers") {
		t.Error("what is wrong does not come first")
	}
}

package webhook

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/gate"
)

// What the forge's log holds is read as what was received: every sample means the same either way, whoever comes first.
func TestTakenInIsReadAsReceived(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pull_request.synchronize", "issue_comment.created", "pull_request_review.edited"} {
		event, _, _ := strings.Cut(name, ".")
		received, fetched := &inbox{}, &inbox{}
		body := sample(t, name)
		send(handler(t, settings(received)), request(event, "one", body))
		h, err := GitHub(settings(fetched))
		if err != nil {
			t.Fatal(err)
		}
		if added, err := h.Take(t.Context(), event, "one", body); err != nil || !added {
			t.Fatalf("Take(%s) = %v, %v", name, added, err)
		}
		want, got := received.last, fetched.last
		if got.Forge != want.Forge || got.ID != want.ID || got.Action != want.Action || !slices.Equal(got.Marks, want.Marks) || len(want.Marks) == 0 {
			t.Errorf("%s was taken in as %+v, and received as %+v", name, got, want)
		}
		if w := send(h, request(event, "one", body)); w.Code != 200 {
			t.Errorf("the same delivery, arriving later, got %d, want 200", w.Code)
		}
		if added, err := h.Take(t.Context(), event, "one", body); err != nil || added {
			t.Errorf("Take again = %v, %v, want nothing", added, err)
		}
	}
}

func TestTakingInRefusesWhatIsNoDelivery(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	h, err := GitHub(settings(in))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range [][2]string{{"", "one"}, {"Pull Request", "one"}, {"pull_request", ""}, {"pull_request", "a b\x1b[2J"}} {
		if added, err := h.Take(t.Context(), x[0], x[1], sample(t, "pull_request.synchronize")); err == nil || added {
			t.Errorf("Take(%q, %q) = %v, %v, want an error", x[0], x[1], added, err)
		}
	}
	added, err := h.Take(t.Context(), "pull_request", "odd", []byte(`{"action":"opened"}`))
	if err != nil || !added || len(in.last.Marks) > 0 {
		t.Errorf("a body that says nothing: %v, %v, %v; want it kept, and nothing marked", added, err, in.last.Marks)
	}
	in.fail = errors.New("the disk is full")
	if added, err := h.Take(t.Context(), "pull_request", "two", sample(t, "pull_request.synchronize")); err == nil || added {
		t.Errorf("with a full disk: %v, %v, want the error", added, err)
	}
	if h.Reads("star") || !h.Reads("pull_request") {
		t.Error("star means something, or pull_request nothing")
	}
	var _ gate.Intake = h
}

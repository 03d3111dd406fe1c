package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
)

// The log is read to its end, page by page, and each of its deliveries is had as it was sent.
func TestTheDeliveryLogIsRead(t *testing.T) {
	t.Parallel()
	f, c := pretended(t)
	f.Hooks(pretend.Target{To: func(context.Context, *http.Request) (int, error) { return 0, errors.New("no route to host") }})
	for i := range 120 {
		push(t, f, map[string]string{"shop.go": fmt.Sprint("package shop // ", i)})
	}
	sent, _ := f.Deliver(t.Context(), pretend.Order{}) // none arrives
	bodies := map[string]string{}
	for _, d := range sent {
		bodies[d.GUID] = string(d.Body)
	}
	f.ResetCalls()
	pages := 0
	for from := ""; ; {
		page, err := c.Logged(t.Context(), from)
		must(t, err)
		if pages++; page.At.IsZero() {
			t.Error("the page does not tell the forge's time")
		}
		for _, e := range page.Entries {
			event, body, err := c.Fetch(t.Context(), e.ID)
			must(t, err)
			if want, ok := bodies[e.GUID]; !ok || want != string(body) || event != e.Event || e.Pending {
				t.Fatalf("%+v is %s %.80s, want %.80s", e, event, body, want)
			}
			delete(bodies, e.GUID)
		}
		if from = page.Next; from == "" {
			break
		}
	}
	if len(bodies) > 0 || pages != (len(sent)+99)/100 {
		t.Errorf("%d pages, %d of %d not found", pages, len(bodies), len(sent))
	}
	if _, _, err := c.Fetch(t.Context(), 1); !errors.Is(err, gate.ErrGone) {
		t.Errorf("one that is not in the log: %v, want ErrGone", err)
	}
}

// Only the cursor is taken from a link: the address of the next page is never the answer's to choose.
func TestCursor(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]string{
		`<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_12>; rel="next"`:                                     "v1_12",
		`<https://evil.example/?cursor=v1_13>; rel="next"`:                                                                       "v1_13",
		`<https://api.github.com/app/hook/deliveries?cursor=a>; rel="prev", <https://api.github.com/x?cursor=b%2Fc>; rel="next"`: "b/c",
		`<https://api.github.com/app/hook/deliveries?cursor=a>; rel="prev"`:                                                      "",
		`<://>; rel="next"`: "",
		``:                  "",
	} {
		if got := cursor([]string{link}); got != want {
			t.Errorf("cursor(%s) = %q, want %q", link, got, want)
		}
	}
}

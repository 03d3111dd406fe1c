package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"
)

// heard is what a command has written so far; it says when it holds a word.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
	word string
	said chan struct{} // closed once word was written
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	had := h.word == "" || strings.Contains(h.text.String(), h.word)
	h.text.Write(b)
	if !had && strings.Contains(h.text.String(), h.word) {
		close(h.said)
	}
	return len(b), nil
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// scenesOf splits what the demo printed; the first is what it says before.
func scenesOf(out string) []string { return regexp.MustCompile(`(?m)^\d+\. `).Split(out, -1) }

// Neither of the two runs beside other tests: they look at what the process leaves behind.
func TestDemoTellsItsStory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out, errs bytes.Buffer
	code := run(t.Context(), process{args: []string{"demo", "-once", "-addr", "127.0.0.1:0"}, stdout: &out, stderr: &errs})
	if code != exitOpen || errs.Len() > 0 {
		t.Fatalf("demo -once = %d, %q\n%s", code, errs.String(), out.String())
	}
	story := scenesOf(out.String())
	if len(story) != 17 {
		t.Fatalf("%d scenes, want 16:\n%s", len(story)-1, out.String())
	}
	for i, wants := range [][]string{
		1: {"✗ sluice/tagging              VERSION sets 1.1.0, which is too low", "✗ sluice/changelog            The change adds no entry to CHANGELOG.md; its author has to add one.",
			"✗ sluice/config-separation    gift.go:4 ", "● sluice/approval             Needs 1 more approval", "✗ sluice/gate ", "⇒ the forge does not let it be merged"},
		2:  {"✓ sluice/config-separation"},
		3:  {"✓ sluice/changelog            Adds an entry to CHANGELOG.md, line 7."},
		4:  {"✓ sluice/tagging              Ships minor: v1.3.0 after v1.2.0", "● sluice/gate "},
		5:  {"⇒ the forge does not let it be merged"},
		6:  {"✓ sluice/approval             Approved by bo.", "✓ sluice/gate                 Open", "⇒ the forge lets it be merged"},
		7:  {"● sluice/deploy (development) Every check holds", "into development, created by sluice[bot]: the pipeline takes it up"},
		8:  {"✓ sluice/deploy (development) Live since", "● sluice/deploy (integration) Every check holds", "into integration, created by sluice[bot]"},
		9:  {"● sluice/deploy (integration) Live since", "smoke-tests has not turned green yet"},
		10: {"✓ sluice/deploy (integration) Live since"},
		11: {"production is locked by cy"},
		12: {"● sluice/deploy (production)  2 checks hold this back; approval: Needs 1 more approval by acme/release", "It waits for the lock of cy"},
		13: {"refused. ana may not"},
		14: {"is approved by cy", "● sluice/deploy (production)  lock: production is locked by cy"},
		15: {"lifted the lock of cy", "into production, created by sluice[bot]: the pipeline takes it up"},
		16: {"✓ sluice/deploy (production)  Live since", "into production, created by sluice[bot]: success"},
	} {
		for _, want := range wants {
			if !strings.Contains(story[i], want) {
				t.Errorf("scene %d lacks %q:\n%s", i, want, story[i])
			}
		}
		if deploys := strings.Count(story[i], "the pipeline takes it up"); deploys > 0 != (i == 7 || i == 8 || i == 15) {
			t.Errorf("scene %d makes %d deployments:\n%s", i, deploys, story[i])
		}
		if i < 6 && strings.Contains(story[i], "lets it be merged") {
			t.Errorf("scene %d lets it be merged:\n%s", i, story[i])
		}
	}
	if strings.Contains(out.String(), "127.0.0.1:0/") {
		t.Error("a link leads to port 0")
	}
	leftBehind(t)
}

func leftBehind(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("the demo left %v behind (%v)", left, err)
	}
}

func TestDemoServesOnAndEndsCleanly(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	before := goroutines()
	ctx, stop := context.WithCancel(t.Context())
	out, errs := &heard{word: "keeps running at", said: make(chan struct{})}, &heard{}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, process{args: []string{"demo", "-addr", "127.0.0.1:0"}, stdout: out, stderr: errs})
	}()
	select {
	case <-out.said:
	case code := <-ended:
		t.Fatalf("the demo ended with %d by itself: %s", code, errs)
	case <-time.After(time.Minute):
		t.Fatalf("the demo tells nothing:\n%s", out)
	}
	links := regexp.MustCompile(`http://\S+/decisions/[0-9a-f]{32}`).FindAllString(out.String(), -1)
	if len(links) < 5 {
		t.Fatalf("%d links, want one for every decision:\n%s", len(links), out)
	}
	for link, want := range map[string]string{links[0]: "sluice/changelog", links[len(links)-1]: "<dt>Into</dt><dd><bdi>production</bdi></dd>"} {
		if status, page := get(t, link); status != http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("GET %s = %d %.300s, want the decision with %s", link, status, page, want)
		}
	}
	stop()
	select {
	case code := <-ended:
		if code != exitOpen || errs.String() != "" || !strings.Contains(out.String(), "it left nothing behind") {
			t.Errorf("demo after Ctrl-C = %d, %q, want 0\n%s", code, errs, out)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the demo does not end within 5 s of Ctrl-C")
	}
	leftBehind(t)
	http.DefaultClient.CloseIdleConnections()
	for deadline := time.Now().Add(5 * time.Second); goroutines() > before; time.Sleep(10 * time.Millisecond) { // they end a moment after what they served
		if time.Now().After(deadline) {
			var dump bytes.Buffer
			_ = pprof.Lookup("goroutine").WriteTo(&dump, 1)
			t.Fatalf("%d goroutines, %d before:\n%s", goroutines(), before, dump.String())
		}
	}
}

func TestDemoEndsInTheMiddleOfItsStory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	out, errs := &heard{word: "2. ana", said: make(chan struct{})}, &heard{}
	go func() { <-out.said; stop() }()
	if code := run(ctx, process{args: []string{"demo", "-addr", "127.0.0.1:0"}, stdout: out, stderr: errs}); code != exitOpen || errs.String() != "" {
		t.Errorf("demo = %d %q, want 0", code, errs)
	}
	leftBehind(t)
}

func TestDemoTakesAnotherPortWhenItsOwnIsTaken(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	busy := freeListener(t)
	var out, errs bytes.Buffer
	code := run(t.Context(), process{args: []string{"demo", "-once", "-addr", busy.Addr().String()}, stdout: &out, stderr: &errs})
	if code != exitOpen || strings.Contains(out.String(), busy.Addr().String()) {
		t.Errorf("demo = %d %q, want another port than %s:\n%s", code, errs.String(), busy.Addr(), out.String())
	}
}

func TestDemoRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"demo", "-twice"}, {"demo", "now"}} {
		if got := sluice(t, "", args...); got.code != exitFailed || got.out != "" {
			t.Errorf("sluice %q = %+v, want 2", args, got)
		}
	}
	if got := sluice(t, "", "demo", "--help"); got.code != exitOpen || !strings.Contains(got.errors+got.out, "-once") {
		t.Errorf("demo --help = %+v, want its flags", got)
	}
}

func goroutines() int { return pprof.Lookup("goroutine").Count() }

// get fetches a page without keeping the connection.
func get(tb testing.TB, url string) (int, string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

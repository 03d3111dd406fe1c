package calendars_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/providers/calendars"
)

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func serve(t *testing.T, handler http.HandlerFunc, below string) (*calendars.Client, *clock, string) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	at := &clock{at: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)}
	c, err := calendars.New(calendars.Settings{Allowed: []string{s.URL + below}}, nil, at.now)
	if err != nil {
		t.Fatal(err)
	}
	return c, at, s.URL
}

func TestCalendarIsReadAnewAndOnlyIfChanged(t *testing.T) {
	t.Parallel()
	var asked, whole atomic.Int32
	c, at, base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		whole.Add(1)
		fmt.Fprint(w, "BEGIN:VCALENDAR")
	}, "/freezes/")
	for i, want := range []struct{ asked, whole int32 }{{1, 1}, {1, 1}, {2, 1}} {
		text, read, err := c.Calendar(t.Context(), base+"/freezes/a.ics")
		if err != nil || text != "BEGIN:VCALENDAR" || i != 1 && !read.Equal(at.now()) || asked.Load() != want.asked || whole.Load() != want.whole {
			t.Errorf("time %d: Calendar = %q at %v, %v, after %d requests, %d of them answered in full, want %+v", i, text, read, err, asked.Load(), whole.Load(), want)
		}
		at.pass(time.Duration(i)*2*time.Minute + 30*time.Second)
	}
}

func TestTheLastGoodTextIsKeptForAnHour(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	c, at, base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fmt.Fprint(w, "good")
	}, "")
	begun := at.now()
	if text, _, err := c.Calendar(t.Context(), base+"/a.ics"); err != nil || text != "good" {
		t.Fatalf("Calendar = %q, %v", text, err)
	}
	broken.Store(true)
	at.pass(59 * time.Minute)
	if text, read, err := c.Calendar(t.Context(), base+"/a.ics"); err != nil || text != "good" || !read.Equal(begun) {
		t.Errorf("after 59 minutes Calendar = %q, read %v, %v, want the good text with its age", text, read, err)
	}
	at.pass(2 * time.Minute)
	if text, _, err := c.Calendar(t.Context(), base+"/a.ics"); err == nil || text != "" || !strings.Contains(err.Error(), "it answers 502") {
		t.Errorf("after 61 minutes Calendar = %q, %v, want an error", text, err)
	}
	broken.Store(false)
	if text, read, err := c.Calendar(t.Context(), base+"/a.ics"); err != nil || text != "good" || !read.Equal(at.now()) {
		t.Errorf("Calendar = %q, %v, %v, want it anew", text, read, err)
	}
}

func TestWhatIsNotAllowedIsNotFetched(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	var asked atomic.Int32
	c, _, base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		to := map[string]string{"/freezes/away": other.URL + "/freezes/x", "/freezes/up": "/secret", "/freezes/near": "/freezes/there", "/freezes/loop": "/freezes/loop"}[r.URL.Path]
		if to == "" {
			fmt.Fprint(w, "fine")
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	}, "/freezes/")
	for address, want := range map[string]struct {
		asked int32
		err   string
	}{
		base + "/freezes/a.ics?b=c":    {1, ""},
		base + "/freezes/near":         {2, ""},
		base + "/freezes/away":         {1, "redirects to"},
		base + "/freezes/up":           {1, "redirects to"},
		base + "/freezes/loop":         {6, "redirects too often"},
		base + "/freezesx/a.ics":       {0, "SLUICE_CALENDARS"},
		base + "/a.ics":                {0, "SLUICE_CALENDARS"},
		base + "/freezes/../a.ics":     {0, "SLUICE_CALENDARS"},
		base + "/freezes/%2e%2e/a.ics": {0, "SLUICE_CALENDARS"},
		base + "/freezes/..%2fa.ics":   {0, "SLUICE_CALENDARS"},
		base + "/freezes//a.ics":       {0, "SLUICE_CALENDARS"},
		other.URL + "/freezes/a.ics":   {0, "SLUICE_CALENDARS"},
		strings.Replace(base, "http", "https", 1) + "/freezes/a.ics":        {0, "SLUICE_CALENDARS"},
		"http://cal.example/freezes/a.ics":                                  {0, "not an https:// URL"},
		"file:///etc/passwd":                                                {0, "not an https:// URL"},
		strings.Replace(base, "://", "://me:secret@", 1) + "/freezes/a.ics": {0, "holds a name"},
	} {
		asked.Store(0)
		text, _, err := c.Calendar(t.Context(), address)
		if asked.Load() != want.asked || (err == nil) != (want.err == "") || err != nil && (!strings.Contains(err.Error(), want.err) || text != "" || strings.Contains(err.Error(), "secret@")) {
			t.Errorf("Calendar(%s) = %q, %v after %d requests, want %d and %q", address, text, err, asked.Load(), want.asked, want.err)
		}
	}
	if elsewhere.Load() != 0 {
		t.Errorf("another host was asked %d times", elsewhere.Load())
	}
}

func TestNothingIsAllowedByItself(t *testing.T) {
	t.Parallel()
	c, err := calendars.New(calendars.Settings{}, nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Calendar(t.Context(), "https://cal.example/a.ics"); !errors.Is(err, calendars.ErrNotAllowed) {
		t.Errorf("Calendar = %v, want %v", err, calendars.ErrNotAllowed)
	}
	for _, bad := range []string{"cal.example", "http://cal.example/", "https://a:b@cal.example/", "ftp://cal.example/", "https://"} {
		if _, err := calendars.New(calendars.Settings{Allowed: []string{bad}}, nil, time.Now); err == nil || !strings.Contains(err.Error(), "SLUICE_CALENDARS") || strings.Contains(err.Error(), "a:b") {
			t.Errorf("New(%s) = %v, want an error that names the setting", bad, err)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	c, _, base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			fmt.Fprint(w, strings.Repeat("x", 2<<20+1))
		case "/short":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "x")
		case "/whole":
			fmt.Fprint(w, strings.Repeat("x", 2<<20))
		default:
			w.WriteHeader(http.StatusNotModified) // to a question that was not asked
		}
	}, "")
	for path, want := range map[string]string{"/large": "larger than 2 MB", "/short": "breaks off", "/else": "it answers 304", "/whole": ""} {
		text, _, err := c.Calendar(t.Context(), base+path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || err == nil && len(text) != 2<<20 {
			t.Errorf("Calendar(%s) = %d bytes, %v, want %q", path, len(text), err, want)
		}
	}
}

// Many who ask at once make one request, and who gives up does not spoil it for the others.
func TestOneRequestForAll(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	come, go_ := make(chan struct{}), make(chan struct{})
	c, _, base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			close(come)
		}
		<-go_
		fmt.Fprint(w, "fine")
	}, "")
	impatient, giveUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, _, err := c.Calendar(impatient, base+"/a.ics")
		gone <- err
	}()
	<-come
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if text, _, err := c.Calendar(t.Context(), base+"/a.ics"); err != nil || text != "fine" {
				t.Errorf("Calendar = %q, %v", text, err)
			}
		})
	}
	giveUp()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	close(go_)
	all.Wait()
	if asked.Load() != 1 {
		t.Errorf("%d requests, want 1", asked.Load())
	}
}

package main

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
)

// Another site, at the same host, can neither press a button in somebody's name nor show a page inside its own.
func anotherSiteGetsNothing(t *testing.T) {
	ctx := chromium(t)
	url := demoURL(t)
	asked := "/ask/deploy/github/production/acme/shop"
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><form method="post" action="%s%s"><input name="key" value="another-site"><button id="go">Win a prize</button></form><iframe src="%s/"></iframe>`,
			html.EscapeString(url), asked, html.EscapeString(url))
	}))
	t.Cleanup(site.Close)
	frames := 0
	framed := chromedp.ActionFunc(func(ctx context.Context) error {
		tree, err := page.GetFrameTree().Do(ctx)
		if err != nil {
			return err
		}
		for _, f := range tree.ChildFrames {
			if frames++; f.Frame.UnreachableURL == "" {
				return fmt.Errorf("a page is shown in a frame of another site: %s", f.Frame.URL)
			}
		}
		return nil
	})
	var said string
	if err := chromedp.Run(ctx, chromedp.Navigate(url+"/"), says("Behind integration by"), chromedp.Navigate(site.URL), holds(`document.readyState === "complete"`), framed,
		chromedp.Click("#go"), holds(`location.pathname.startsWith("/ask/") && document.readyState === "complete"`), chromedp.Evaluate(`document.body.innerText`, &said)); err != nil {
		t.Fatal(err)
	}
	if frames != 1 || strings.Contains(said, "done") || !strings.Contains(said, "cross-origin") {
		t.Errorf("%d frames, and the other site's form is answered %q", frames, said)
	}
	if err := chromedp.Run(ctx, chromedp.Navigate(url+"/"), says("Behind integration by")); err != nil {
		t.Errorf("production is not what it was: %v", err)
	}
}

// Times are in the zone of who looks, with UTC beside them on hover; without the script they are in UTC.
func timesAreInTheViewersZone(t *testing.T) {
	ctx := chromium(t)
	url := demoURL(t)
	var seen struct{ At, Text, Hover string }
	look := func(zone string, off bool) {
		t.Helper()
		err := chromedp.Run(ctx, emulation.SetTimezoneOverride(zone), emulation.SetScriptExecutionDisabled(off), chromedp.Navigate(url+"/audit"), chromedp.WaitReady("main time"),
			chromedp.Evaluate(`(() => { const t = document.querySelector("main time:not(.ago)"); return {At: t.dateTime, Text: t.textContent, Hover: t.title} })()`, &seen))
		if err != nil {
			t.Fatalf("in %s: %v", zone, err)
		}
	}
	for _, zone := range []string{"Asia/Kathmandu", "America/St_Johns"} { // neither is whole hours off
		look(zone, false)
		at, err := time.Parse(time.RFC3339, seen.At)
		where, unknown := time.LoadLocation(zone)
		if err != nil || unknown != nil {
			t.Fatal(err, unknown)
		}
		want := at.In(where).Format("Jan 2, 2006, 03:04 PM")
		if text := strings.ReplaceAll(seen.Text, "\u202f", " "); text != want || seen.Hover != at.UTC().Format("2006-01-02 15:04:05")+" UTC" {
			t.Errorf("in %s it is %q, on hover %q; want %q", zone, seen.Text, seen.Hover, want)
		}
	}
	look("Asia/Kathmandu", true)
	if at, err := time.Parse(time.RFC3339, seen.At); err != nil || seen.Text != at.UTC().Format("2006-01-02 15:04 UTC") {
		t.Errorf("without the script it is %q, %v", seen.Text, err)
	}
}

// mayRead is a Sight of who may look and no more.
type mayRead struct{ everything }

func (mayRead) Role(context.Context, dashboard.Person, gate.Repo) (string, error) { return "read", nil }

// Who may only look finds no button, and by the address of one is told what is missing and who cures it.
func whoMayOnlyLookIsRefused(t *testing.T) {
	ctx := chromium(t)
	st := spoiled(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"), 1)
	at := "/github/development/" + seedRepo(0)
	for _, may := range []bool{true, false} {
		var sight dashboard.Sight = mayRead{}
		if may {
			sight = mayAll{}
		}
		h, err := seededPages(st, sight)
		if err != nil {
			t.Fatal(err)
		}
		web := httptest.NewServer(h)
		t.Cleanup(web.Close)
		var buttons int
		var said string
		if err := chromedp.Run(ctx, chromedp.Navigate(web.URL+"/environments"+at), holds(`document.readyState === "complete"`), chromedp.Evaluate(`document.querySelectorAll('a[href^="/ask/"]').length`, &buttons),
			chromedp.Navigate(web.URL+"/ask/lock"+at), holds(`document.readyState === "complete"`), chromedp.Text("main", &said)); err != nil {
			t.Fatal(err)
		}
		if refused := strings.Contains(said, "takes the right write") && strings.Contains(said, "ask an administrator"); (buttons > 0) != may || refused == may {
			t.Errorf("who may %v finds %d buttons, and is told %.300q", may, buttons, said)
		}
	}
}

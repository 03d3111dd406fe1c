package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestInABrowser looks at pages in a browser, one test after another beside all others: a browser alone takes as much of a
// machine as they leave.
func TestInABrowser(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		test func(*testing.T)
	}{
		{"NothingOnAnyPageKeepsAnybodyOut", nothingOnAnyPageKeepsAnybodyOut},
		{"AxeFindsWhatIsWrong", axeFindsWhatIsWrong},
		{"AnotherSiteGetsNothing", anotherSiteGetsNothing},
		{"TimesAreInTheViewersZone", timesAreInTheViewersZone},
		{"WhoMayOnlyLookIsRefused", whoMayOnlyLookIsRefused},
		{"EveryControlIsReachedByKeys", everyControlIsReachedByKeys},
		{"PagesWithstandWhatPeopleWriteInABrowser", pagesWithstandWhatPeopleWriteInABrowser},
		{"PagesWithNothingOnThemSayWhatToDo", pagesWithNothingOnThemSayWhatToDo},
		{"FromNothingToTheFirstGreenCheck", fromNothingToTheFirstGreenCheck},
		{"GitLabIsSetUpInABrowser", gitLabIsSetUpInABrowser},
		{"ADemoIsClickedThroughToProduction", aDemoIsClickedThroughToProduction},
		{"PagesFitEveryWidth", pagesFitEveryWidth},
	} {
		t.Run(x.name, x.test)
	}
}

// chromium is a headless Chromium, with a tab in it.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is missing: install it, as .ci/run does")
		}
		t.Skip("chromium is missing: install it to have pages looked at")
	}
	dir, err := os.MkdirTemp("", "sluice-browser-") // not the test's own: the browser may still write to it when the test ends
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(leave)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // it ends, and removes what it wrote, before the test does
	ctx, late := context.WithTimeout(ctx, 15*time.Minute)
	t.Cleanup(late)
	return ctx
}

// demoURL runs a demo until the test ends, and is where its board is once the story is told.
func demoURL(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, errs := &heard{word: "keeps running at", said: make(chan struct{})}, &heard{}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, process{args: []string{"demo", "-addr", "127.0.0.1:0"}, stdout: out, stderr: errs})
	}()
	t.Cleanup(func() { stop(); <-ended })
	select {
	case <-out.said:
	case code := <-ended:
		t.Fatalf("the demo ended with %d: %s", code, errs)
	case <-time.After(2 * time.Minute):
		t.Fatalf("the demo tells nothing:\n%s", out)
	}
	http.DefaultClient.CloseIdleConnections()
	return regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(out.String())
}

// says waits until the main part of the page holds a text.
func says(text string) chromedp.Action {
	return holds(`document.querySelector("main").innerText.includes(` + quoted(text) + `)`)
}

// holds waits until something holds of whatever page there is by then: one that is being left answers nothing.
func holds(what string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			var yes bool
			if err := chromedp.Evaluate(what, &yes).Do(ctx); err == nil && yes {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s: %w", what, ctx.Err())
			case <-tick.C:
			}
		}
	})
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

// click follows what a selector finds, and waits for the page that it leads to.
func click(selector string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		return chromedp.Run(ctx, chromedp.WaitReady(selector), chromedp.Click(selector, chromedp.NodeReady))
	})
}

// From the board to production by buttons alone; and a second tab, which nobody touches, shows it without a reload.
func aDemoIsClickedThroughToProduction(t *testing.T) {
	ctx := chromium(t)
	url := demoURL(t)
	if err := chromedp.Run(ctx, chromedp.Navigate(url+"/"), says("Behind integration by")); err != nil {
		t.Fatalf("the board: %v", err)
	}
	watching, leave := chromedp.NewContext(ctx)
	defer leave()
	var marked bool
	if err := chromedp.Run(watching, chromedp.Navigate(url+"/"), says("Behind integration by"), chromedp.Evaluate(`window.untouched = true`, &marked)); err != nil {
		t.Fatalf("a second tab: %v", err)
	}
	for _, step := range []struct {
		name string
		do   chromedp.Tasks
	}{
		{"to production", chromedp.Tasks{chromedp.Navigate(url + "/environments/github/production/acme/shop"), click(`a[href^="/ask/deploy/"]`)}},
		{"the confirmation", chromedp.Tasks{says("Deploy to production"), click(`main form button`)}},
		{"what comes of it", chromedp.Tasks{says("done")}},
		{"what it may break, and whose that is", chromedp.Tasks{chromedp.Navigate(url + "/environments/github/production/acme/shop"), says("waits"), click(`tr:first-child a[href^="/promotions/"]`),
			says("wish.go"), says("By .github/CODEOWNERS at the commit"), says("@acme/shop"), says("Who cures it: acme/release")}},
		{"to the approval", chromedp.Tasks{chromedp.Navigate(url + "/environments/github/production/acme/shop"), says("waits"), click(`a[href^="/ask/approve/"]`)}},
		{"the approval", chromedp.Tasks{says("Your approval counts"), click(`main form button`)}},
		{"what comes of that", chromedp.Tasks{says("done")}},
	} {
		short, stop := context.WithTimeout(ctx, 2*time.Minute)
		err := chromedp.Run(short, step.do)
		stop()
		if err != nil {
			var now string
			_ = chromedp.Run(ctx, chromedp.Text("main", &now))
			t.Fatalf("%s: %v\n%s", step.name, err, now)
		}
	}
	var untouched bool
	gone := holds(`!document.querySelector("main").innerText.includes("Behind integration")`)
	if err := chromedp.Run(watching, gone, chromedp.Evaluate(`window.untouched === true`, &untouched)); err != nil || !untouched {
		t.Errorf("the board that nobody touched: %v, still the same page: %v; want production to have caught up without a reload", err, untouched)
	}
}

// Every page fits a narrow phone and a very large screen, in both schemes, and is as dark as it is asked to be.
func pagesFitEveryWidth(t *testing.T) {
	ctx := chromium(t)
	url := demoURL(t)
	pages := demoPages(ctx, t, url)
	fits(ctx, t, "demo", url, pages)
	for _, path := range pages {
		for how, want := range map[string]string{"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"} {
			var paper string
			if err := chromedp.Run(ctx, scheme(how), chromedp.Navigate(url+path), chromedp.Evaluate(`getComputedStyle(document.body).backgroundColor`, &paper)); err != nil || paper != want {
				t.Errorf("%s in %s is on %s, %v; want %s", path, how, paper, err, want)
			}
		}
	}
}

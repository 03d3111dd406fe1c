package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is the text of axe-core, which looks at a page for those who hear it, or see it badly. It is no part of Sluice: npm has it,
// of the version in testdata/axe.
func axe(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("SLUICE_AXE")
	if dir == "" {
		dir = filepath.Join("..", "..", "testdata", "axe")
	}
	text, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("axe-core is missing: run npm ci in testdata/axe, as .ci/run does: %v", err)
		}
		t.Skip("axe-core is missing: run npm ci in testdata/axe to have pages looked at for those who do not see them")
	}
	return string(text)
}

// barrier is one rule that does not hold.
type barrier struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML, FailureSummary string }
}

func (f barrier) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", f.ID, f.Impact, f.Help)
	for i, n := range f.Nodes {
		if i == 3 {
			fmt.Fprintf(&b, "\n    and %d more", len(f.Nodes)-3)
			break
		}
		fmt.Fprintf(&b, "\n    %.300s\n      %s", n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", "\n      "))
	}
	return b.String()
}

// heavily are the findings of axe on the page that is open which keep somebody from reading or using it. A page that looks for
// itself what is new may be loaded again just then: it is looked at once more.
func heavily(ctx context.Context, text string) (list []barrier, err error) {
	for range 5 {
		if list, err = looked(ctx, text); err == nil || !strings.Contains(err.Error(), "navigated") && !strings.Contains(err.Error(), "context") {
			break
		}
	}
	return list, err
}

func looked(ctx context.Context, text string) (list []barrier, err error) {
	var all []barrier
	err = chromedp.Run(ctx, chromedp.Evaluate(text+"\n;true", nil), chromedp.Evaluate(`axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v =>
		({ID: v.id, Impact: v.impact || "", Help: v.help, Nodes: v.nodes.map(n => ({HTML: n.html, FailureSummary: n.failureSummary || ""}))})))`, &all,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	for _, f := range all {
		if f.Impact == "serious" || f.Impact == "critical" {
			list = append(list, f)
		}
	}
	return list, err
}

// scheme has the browser like it light or dark.
func scheme(name string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}})
}

// demoPages are all pages of a demo that has told its story.
func demoPages(ctx context.Context, t *testing.T, url string) []string {
	t.Helper()
	var promotion, decision string
	var has bool
	if err := chromedp.Run(ctx, chromedp.Navigate(url+"/"), chromedp.AttributeValue(`a[href^="/promotions/"]`, "href", &promotion, &has),
		chromedp.Navigate(url+"/changes/github/1/acme/shop"), chromedp.AttributeValue(`a[href^="/decisions/"]`, "href", &decision, &has)); err != nil {
		t.Fatalf("find a promotion and a decision: %v", err)
	}
	return []string{"/", "/?q=nothing-is-called-this", "/repos/github/acme/shop", "/changes/github/1/acme/shop", "/environments/github/production/acme/shop", promotion, decision, "/ask/lock/github/production/acme/shop", "/ask/deploy/github/production/acme/shop",
		"/ask/rollback/github/integration/acme/shop", "/audit", "/audit?repo=none/such", "/overrides", "/overrides?days=7&by=check", "/calendar", "/calendar/github/acme/shop", "/metrics/deployments", "/metrics/deployments?repo=acme/shop", "/metrics/deployments?team=acme", "/inbox", "/inbox?only=scheduled", "/doctor", "/policy/github/acme/shop", "/login", "/nowhere", "/repos/github/none/such"}
}

func nothingOnAnyPageKeepsAnybodyOut(t *testing.T) {
	text := axe(t)
	ctx := chromium(t)
	url := demoURL(t)
	for _, path := range demoPages(ctx, t, url) {
		for _, how := range []struct {
			scheme string
			wide   int64
		}{{"light", 1280}, {"dark", 1280}, {"light", 360}} {
			if err := chromedp.Run(ctx, chromedp.EmulateViewport(how.wide, 900), scheme(how.scheme), chromedp.Navigate(url+path)); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			found, err := heavily(ctx, text)
			if err != nil {
				t.Fatalf("%s: axe: %v", path, err)
			}
			for _, f := range found {
				t.Errorf("%s in %s at %d: %v", path, how.scheme, how.wide, f)
			}
		}
	}
}

// A page that lacks what axe looks for is found out: else that it finds nothing would say nothing.
func axeFindsWhatIsWrong(t *testing.T) {
	text := axe(t)
	ctx := chromium(t)
	err := chromedp.Run(ctx, chromedp.Navigate(`data:text/html,<html><body><img src="x"><input><p style="color:%23ccc;background:%23fff">pale</p></body></html>`))
	if err != nil {
		t.Fatal(err)
	}
	found, err := heavily(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range found {
		names[f.ID] = true
	}
	for _, want := range []string{"image-alt", "label", "color-contrast", "html-has-lang"} {
		if !names[want] {
			t.Errorf("axe found %v, and not %s", found, want)
		}
	}
}

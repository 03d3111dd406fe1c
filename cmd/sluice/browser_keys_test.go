package main

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tabbed goes through a page by the tabulator key, and is what had the focus, in that order, with whether it showed.
func tabbed(ctx context.Context) (order []string, hidden []string, err error) {
	type stop struct {
		Name string
		Seen bool
	}
	// Every control is numbered beforehand, so that each is told from the others. Buttons of which one is on are one stop together.
	const number = `(() => { window.nameOf = e => e.type === "radio" ? "radio " + e.name : stops.indexOf(e) + " " + e.tagName + " " + (e.getAttribute("href") || e.name || e.textContent).slice(0, 60);
		window.stops = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")].filter(e => e.getClientRects().length && !e.disabled); return new Set(stops.map(nameOf)).size })()`
	const now = `(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
		return {Name: e === document.body ? "body" : nameOf(e), Seen: e === document.body || s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 && r.right > 0 && r.bottom > 0 && r.left < innerWidth} })()`
	var all int
	if err = chromedp.Run(ctx, chromedp.Evaluate(number, &all)); err != nil {
		return nil, nil, err
	}
	had := map[string]bool{}
	for range all {
		var s stop
		if err = chromedp.Run(ctx, chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(now, &s)); err != nil {
			return nil, nil, err
		}
		if !had[s.Name] {
			order = append(order, s.Name)
		}
		if had[s.Name] = true; !s.Seen {
			hidden = append(hidden, s.Name)
		}
	}
	if len(order) != all {
		hidden = append(hidden, "not every control was reached")
	}
	return order, hidden, nil
}

// Whoever has no mouse reaches every control of every page, sees where the focus is, and jumps past the navigation.
func everyControlIsReachedByKeys(t *testing.T) {
	ctx := chromium(t)
	url := demoURL(t)
	for _, path := range demoPages(ctx, t, url) {
		if err := chromedp.Run(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url+path)); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		order, hidden, err := tabbed(ctx)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if len(hidden) > 0 || len(order) < 2 {
			t.Errorf("%s: without a visible focus, or not reached: %q of %q", path, hidden, order)
		}
	}
	var at string
	if err := chromedp.Run(ctx, chromedp.Navigate(url+"/audit"), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter), chromedp.Evaluate(`document.activeElement.id`, &at)); err != nil || at != "main" {
		t.Errorf("the first key on a page, and enter: the focus is at %q, %v; want the content", at, err)
	}
}

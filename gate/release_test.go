package gate

import "testing"

func TestHarmlessCallsNobodyAndClosesNothing(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Thanks @bo, fixes #12 and GH-3":                   "Thanks &#64;bo, fixes &#35;12 and GH&#45;3",
		"Closes: https://github.com/o/r/issues/1 [x](y#z)": "Closes: https&#58;//github.com/o/r/issues/1 [x](y#z)",
		"## A heading with `code` and https://x.example":   "## A heading with `code` and https://x.example",
	} {
		if got := harmless(in); got != want {
			t.Errorf("harmless(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestReachesOrdersTheRights(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		right, least string
		want         bool
	}{{"admin", "maintain", true}, {"maintain", "maintain", true}, {"write", "maintain", false}, {"", "read", false}, {"owner", "write", false}, {"none", "write", false}} {
		if got := reaches(c.right, c.least); got != c.want {
			t.Errorf("reaches(%q, %q) = %v, want %v", c.right, c.least, got, c.want)
		}
	}
}

func TestBranchOfARelease(t *testing.T) {
	t.Parallel()
	for want, x := range map[string]Release{
		"sluice/release-1.3.0":          {Version: "1.3.0"},
		"sluice/release-web-shop-1.3.0": {Version: "1.3.0", Component: "web/shop"},
		"sluice/release-2026.11-rc.1-x": {Version: "2026.11-rc.1+x"},
	} {
		if got := x.branch(); got != want {
			t.Errorf("branch of %+v = %q, want %q", x, got, want)
		}
	}
}

func TestCausedIsTheVeryComment(t *testing.T) {
	t.Parallel()
	x := Release{URL: "https://x.example/pull/1#issuecomment-7"}
	for message, want := range map[string]bool{
		"Release\n\nAsked for in https://x.example/pull/1#issuecomment-7\n":                                  true,
		"Release\r\n\r\nAsked for in https://x.example/pull/1#issuecomment-7\r\n\r\nCo-authored-by: a <b@c>": true,
		"Release\n\nAsked for in https://x.example/pull/1#issuecomment-77\n":                                 false,
		"": false,
	} {
		if got := x.caused(message); got != want {
			t.Errorf("caused(%q) = %v, want %v", message, got, want)
		}
	}
}

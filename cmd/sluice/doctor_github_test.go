package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/pretend"
)

// What sluice doctor says of how GitHub holds repositories to the gate, each with what cures it.
func TestDoctorSaysWhetherGitHubHoldsToTheGate(t *testing.T) {
	t.Parallel()
	k := newMortal(t, catchPolicy)
	k.start(0) // which makes the database
	k.kill()
	ready := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ready") }))
	t.Cleanup(ready.Close)
	k.env = append(k.env, "SLUICE_PUBLIC_URL="+ready.URL)
	k.forge.Hooks(pretend.Target{URL: ready.URL + "/webhook/github"})
	doctor := func(wants int, all ...string) {
		t.Helper()
		var out bytes.Buffer
		code := run(t.Context(), process{args: []string{"doctor"}, environ: k.env, stdout: &out, stderr: &out})
		if code != wants {
			t.Errorf("doctor = %d, want %d:\n%s", code, wants, out.String())
		}
		for _, want := range all {
			if !strings.Contains(out.String(), want) {
				t.Errorf("doctor does not say %q:\n%s", want, out.String())
			}
		}
	}
	ours := k.forge.AppID()
	doctor(exitShut, "wrong   acme/shop: sluice/gate is not required on main.", "changes are merged past a gate that is shut.", fmt.Sprintf("choose this App (%d)", ours), "GitHub has sent no delivery")

	k.must(k.forge.Protect(shop, "main", pretend.Required{Context: "sluice/gate"}))
	doctor(exitShut, "wrong   acme/shop: sluice/gate is required on main, of anybody.", "whoever may write there can say that it passes.")
	k.must(k.forge.Protect(shop, "main", pretend.Required{Context: "sluice/gate", App: ours + 1}))
	doctor(exitShut, "wrong   acme/shop: sluice/gate on main is required of another App.")
	k.must(k.forge.Protect(shop, "main", pretend.Required{Context: "sluice/gate", App: ours}))
	doctor(exitOpen, "well    acme/shop: sluice/gate is required on main, and this App alone can say it.", "well    clock:", "well    GitHub quota:")

	k.must(k.forge.Repo("acme/plain", true, pretend.Texts(map[string]string{"a.go": "package a\n"})))
	k.must(k.forge.Protect("acme/plain", "main", pretend.Required{Context: "sluice/gate", App: ours}))
	doctor(exitOpen, "acme/plain: its default branch has no .sluice.yml.")

	k.baskets(0, 1)
	_, _ = k.forge.Deliver(t.Context(), pretend.Order{})
	doctor(exitOpen, "deliveries were taken, the newest of")
	k.forge.Hooks(pretend.Target{URL: "http://127.0.0.1:1/webhook/github"})
	k.baskets(1, 1)
	_, _ = k.forge.Deliver(t.Context(), pretend.Order{})
	k.forge.Hooks(pretend.Target{URL: ready.URL + "/webhook/github"})
	doctor(exitShut, "were not taken, the newest of them with", "SLUICE_GITHUB_PULL=true")
}

func TestDoctorSaysThatTheClockIsOff(t *testing.T) {
	t.Parallel()
	k := newMortal(t, catchPolicy)
	s, err := readSettings(t.Context(), k.env)
	k.must(err)
	for _, off := range []time.Duration{0, 2 * time.Hour, -2 * time.Minute} {
		var said []string
		client, err := github.New(s.GitHub, github.Options{Log: slog.New(slog.DiscardHandler)})
		k.must(err)
		x := &githubExam{client: client, now: func() time.Time { return time.Now().Add(off) }, say: func(level, about, what, _, cure string) { said = append(said, level+" "+about+": "+what+" "+cure) }}
		x.pulse(t.Context(), true)
		want := map[bool]string{true: "well clock: it is GitHub's", false: "wrong clock: this machine's clock differs"}[off == 0]
		if len(said) != 1 || !strings.HasPrefix(said[0], want) {
			t.Errorf("off by %v: %q, want %q", off, said, want)
		}
	}
}

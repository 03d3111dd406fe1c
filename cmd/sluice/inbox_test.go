package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

func TestInboxWorksBesideARunningServer(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := "sqlite:" + filepath.Join(t.TempDir(), "sluice.db")
	server, err := store.Open(ctx, store.Options{URL: url, DeadAfter: 12})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	mark := gate.Mark{Kind: gate.MarkChange, Forge: "github", Repo: "acme/shop", Change: 7, Why: "pull_request.opened"}
	if _, err := server.Add(ctx, gate.Delivery{Forge: "github", ID: "1", Event: "pull_request", Marks: []gate.Mark{mark}}); err != nil {
		t.Fatal(err)
	}
	works, err := server.Claim(ctx, 1, time.Minute)
	if err != nil || len(works) != 1 {
		t.Fatalf("Claim = %v, %v", works, err)
	}
	if err := server.Fail(ctx, works[0], "the forge\x1b[31m said no", time.Hour); err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"action":"labeled","number":7,"pull_request":{"number":7,"state":"open","head":{"sha":"0123456789012345678901234567890123456789","ref":"f","repo":{"id":1,"full_name":"acme/shop"}},"base":{"ref":"main","sha":"0123456789012345678901234567890123456789","repo":{"id":1,"full_name":"acme/shop"}},"user":{"id":1,"login":"ann"}},"repository":{"id":1,"full_name":"acme/shop","default_branch":"main","owner":{"login":"acme"}},"sender":{"id":1,"login":"ann"},"installation":{"id":5}}`)
	for _, d := range []gate.Delivery{{ID: "guid-2", Event: "pull_request", Body: body}, {ID: "echo", Event: "check_run", Body: body, Echo: true}} {
		d.Forge = "github"
		if _, err := server.Add(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := inboxCommand(ctx, args, func(name string) string { return map[string]string{"SLUICE_DATABASE": url}[name] }, &out, &errs)
		return code, out.String(), errs.String()
	}
	for _, c := range []struct {
		args      string
		code      int
		out, errs string
	}{
		{"list", 0, "github:acme/shop#7", ""},
		{"list", 0, "said no", ""},
		{"list --dead", 0, "Nothing waits.", ""},
		{"list --json", 0, `"standing": "waiting"`, ""},
		{"list --json --dead", 0, `"items": []`, ""},
		{"list extra", 2, "", "list takes"},
		{"list --nope", 2, "", "flag provided but not defined"},
		{"retry", 2, "", "--all"},
		{"retry --all 1", 2, "", "--all"},
		{"list --kind change --repo ACME/shop", 0, "github:acme/shop#7", ""},
		{"list --kind tag", 0, "Nothing waits.", ""},
		{"list --older 1h", 0, "Nothing waits.", ""},
		{"list --older soon", 2, "", "--older"},
		{"list --stuck", 0, "Nothing waits.", ""},
		{"list --stuck --dead", 2, "", "one of --dead"},
		{"show 1", 0, "pull_request.opened", ""},
		{"show --json 1", 0, `"delivery": "1"`, ""},
		{"show 99", 2, "", "not in the store"},
		{"show", 2, "", "show takes one ID"},
		{"replay 99", 2, "", "not in the store"},
		{"replay", 2, "", "takes the GUID"},
		{"replay guid-2 --reason misread", 0, "pull_request guid-2, read anew: due at once: change github:acme/shop#7", ""},
		{"replay --json guid-2", 0, `"change github:acme/shop#7"`, ""},
		{"replay echo", 2, "", "its body was not kept"},
		{"retry x", 2, "", `"x" is no ID`},
		{"retry 99", 2, "0 due", "not there"},
		{"retry 1", 0, "1 due at once", ""},
		{"lst", 2, "", `did you mean "list"?`},
		{"", 2, "", "usage"},
		{"--help", 0, "usage", ""},
	} {
		code, out, errs := run(strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) || strings.Contains(out, "\x1b") && !json.Valid([]byte(out)) {
			t.Errorf("inbox %s = %d, %q, %q, want %d, %q, %q", c.args, code, out, errs, c.code, c.out, c.errs)
		}
	}
	works, err = server.Claim(ctx, 1, time.Minute)
	if err != nil || len(works) != 1 {
		t.Errorf("Claim after retry = %v, %v, want the one", works, err)
	}
}

func TestInboxOfNoDatabaseMakesNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sluice.db")
	var out, errs bytes.Buffer
	code := inboxCommand(context.Background(), []string{"list"}, func(string) string { return "sqlite:" + path }, &out, &errs)
	files, _ := filepath.Glob(path + "*")
	if code != 2 || !strings.Contains(errs.String(), "no such database") || len(files) != 0 {
		t.Errorf("inbox list = %d, %q, and made %v, want 2 and nothing made", code, errs.String(), files)
	}
}

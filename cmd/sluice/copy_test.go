package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sluicegate/sluice/store"
	"github.com/sluicegate/sluice/store/postgrestest"
)

// lifelike are scenarios that between them leave something in every table.
func lifelike() []string {
	return []string{"environment-commands", "environment-api", "promotion-chain", "override-two-people", "hold", "queue", "tag-good", "finding-policy",
		"release-with-a-section", "changelog-command", "approved", "promotion-bypass"}
}

// What scenarios leave behind is backed up beside the server, copied to PostgreSQL and back, and is the same: every table of it.
func TestWhatScenariosLeaveIsCopiedThereAndBack(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	rows := map[string]int64{}
	t.Run("scenarios", func(t *testing.T) {
		for _, name := range lifelike() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				raw, err := os.ReadFile("../../testdata/scenarios/" + name + ".txtar")
				if err != nil {
					t.Fatal(err)
				}
				r := played(t, txtar.Parse(raw), key)
				for table, n := range thereAndBack(t, r.set.Database) {
					mu.Lock()
					rows[table] += n
					mu.Unlock()
				}
			})
		}
	})
	for table, n := range rows {
		if n == 0 && !slices.Contains([]string{"tag_seen", "log_seen", "account", "session", "api_token", "setup"}, table) { // which only the store's own tests, and those of catching up, signing in and setting up, write
			t.Errorf("no scenario leaves anything in %s: name one that does in lifelike", table)
		}
	}
	if len(rows) < 20 {
		t.Errorf("only %d tables were copied", len(rows))
	}
}

// thereAndBack says how many rows each table had.
func thereAndBack(t *testing.T, database string) map[string]int64 {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	file, back, there := filepath.Join(dir, "backup.db"), filepath.Join(dir, "back.db"), postgrestest.Fresh(t)
	must := func(args []string, environ ...string) string {
		var out, errs bytes.Buffer
		if code := run(ctx, process{args: args, environ: environ, stdout: &out, stderr: &errs}); code != exitOpen {
			t.Fatalf("sluice %s = %d: %s", args, code, &errs)
		}
		return out.String()
	}
	if out := must([]string{"backup", file}, "SLUICE_DATABASE="+database); !strings.Contains(out, "whole; the audit log ends with entry ") {
		t.Errorf("backup says %q", out)
	}
	rest := func(out string) string { text, _, _ := strings.Cut(out, "Now let"); return text }
	one := rest(must([]string{"copy", "--from", "sqlite:" + file, "--to", there}))
	two := rest(must([]string{"copy", "--from", there, "--to", "sqlite:" + back}))
	if one != two || !strings.Contains(one, "The audit log is whole, and ends on both sides with entry ") {
		t.Errorf("there:\n%s\nand back:\n%s", one, two)
	}
	done, err := store.Copy(ctx, store.Copying{From: "sqlite:" + back, To: "sqlite:" + filepath.Join(dir, "again.db")})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, table := range done.Tables {
		rows[table.Name] = table.Rows
	}
	return rows
}

func TestCopyAndBackupSayHowTheyAreCalled(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"copy":        {2, "it takes --from and --to"},
		"copy --help": {0, "usage: sluice copy"},
		"copy --from sqlite:x.db --to nonsense:x": {2, ""},
		"backup":        {2, "it takes the file"},
		"backup --help": {0, "usage: sluice backup"},
		"backup x.db":   {2, "pg_dump --format=custom --no-owner --file='x.db' --dbname='postgres://ann@db.example:5432/sluice'"},
	} {
		var out bytes.Buffer
		code := run(context.Background(), process{args: strings.Fields(args), environ: []string{"SLUICE_DATABASE=postgres://ann:hunter2@db.example/sluice"}, stdout: &out, stderr: &out})
		if code != want.code || !strings.Contains(out.String(), want.says) || strings.Contains(out.String(), "hunter2") {
			t.Errorf("sluice %s = %d, %s, want %d, %q", args, code, &out, want.code, want.says)
		}
	}
}

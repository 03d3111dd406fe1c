package main

import (
	"crypto/rand"
	"crypto/rsa"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sluicegate/sluice/store/storetest"
)

// onPostgres are the scenarios that go through every part of the store: what comes in, what is decided, said, released,
// queued, told, promoted, found, and what happens again after a restart.
func onPostgres() []string {
	return strings.Fields(`approved changelog-command command-answer-lost duplicates environment-api environment-commands finding-merged-shut
		finding-policy hold odd-names override override-redelivered override-shared-head override-two-people policy-edit-flips promotion-chain
		promotion-fault-restart promotion-outside promotion-soak promotion-superseded queue queue-two release-with-a-section release-with-faults
		reopened restarted shared-head shuffled-and-doubled tag-moved write-lost`)
}

// replaced is told of check runs that failed. Another replica may have put annotations on one, and nothing takes them off: so a
// new one takes its place, where a server that has the database to itself would know, and update it. Each new one is told of, too.
var replaced = regexp.MustCompile(`(?m)^  (#\d+ )?made more than once: sluice/.*\n|^  \d+ redeliveries answered`)

// The same comes of a scenario whatever database is below. All are played where SLUICE_TEST_POSTGRES_SCENARIOS=all.
func TestScenariosOnPostgres(t *testing.T) {
	t.Parallel()
	fresh := storetest.Postgres(t)
	paths, err := filepath.Glob("../../testdata/scenarios/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	all, some, played := os.Getenv("SLUICE_TEST_POSTGRES_SCENARIOS") == "all", onPostgres(), 0
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		if !all && !slices.Contains(some, name) {
			continue
		}
		played++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			ar := txtar.Parse(raw)
			got, want := playedOn(t, fresh(t), "github", ar, key).out.String(), section(ar, "want")
			if got, want = replaced.ReplaceAllString(got, ""), replaced.ReplaceAllString(want, ""); got != want {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", strings.TrimSpace(string(ar.Comment)), got, want)
			}
		})
	}
	if played < len(some) {
		t.Errorf("%d scenarios are played, want %d: one of those named is no more", played, len(some))
	}
}

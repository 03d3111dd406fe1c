package main

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store"
)

// seededWith is the end of the audit log of what a seeding makes, which follows from every entry before it.
func seededWith(t *testing.T, s seeding) (end audit.End, decisions int) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := s.fill(t.Context(), st, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := st.VerifyAudit(t.Context(), &audit.Chain{}); err != nil {
		t.Errorf("the audit log that was made up: %v", err)
	}
	for i := range s.repos {
		list, err := st.Recent(t.Context(), "github", seedRepo(i), 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			if d.Subject.Change != 0 {
				decisions++
			}
		}
	}
	end, err = st.AuditEnd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return end, decisions
}

func TestTheSameNumbersMakeTheSamePlace(t *testing.T) {
	t.Parallel()
	s := seeding{repos: 7, decisions: 301, seed: 1, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	first, n := seededWith(t, s)
	if again, _ := seededWith(t, s); first.Seq == 0 || again != first || n != 301 {
		t.Errorf("made twice: %+v and %+v with %d decisions, want the same and 301", first, again, n)
	}
	s.seed = 2
	if other, _ := seededWith(t, s); other.Hash == first.Hash {
		t.Error("another seed made the same")
	}
}

func TestSeedingLeavesAloneWhatHoldsSomething(t *testing.T) {
	t.Parallel()
	environ := []string{"SLUICE_DATABASE=sqlite:" + filepath.Join(t.TempDir(), "x.db")}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--repos", "0"}, exitFailed, "at least one repository"},
		{[]string{"--repos", "2", "--decisions", "9", "--also", "--serve", "127.0.0.1:0"}, exitFailed, "leave --also out"},
		{[]string{"--repos", "2", "--decisions", "9"}, exitOpen, "2 repositories with 9 decisions"},
		{[]string{"--repos", "2", "--decisions", "9"}, exitFailed, "holds something already (in table subject)"},
	} {
		var out bytes.Buffer
		code := run(t.Context(), process{args: append([]string{"demo", "seed"}, c.args...), environ: environ, stdout: &out, stderr: &out})
		if code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("sluice demo seed %v = %d, want %d and %q\n%s", c.args, code, c.code, c.says, &out)
		}
	}
}

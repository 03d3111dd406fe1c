package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
)

// logged is a closed database with 30 entries, all in the file itself.
func logged(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	s := opened(t, path)
	for i := range 30 {
		must(t, s.Enter(context.Background(), gate.Entry{Kind: gate.EntryOverride, Forge: "github", Repo: "acme/shop", Change: i, Commit: "c1",
			Who: gate.Who{ID: int64(1000 + i), Login: "ana"}, Check: "changelog", Reason: fmt.Sprintf("reason number %d – 水", i), URL: "https://x/1", Outcome: "granted"}))
	}
	must(t, s.Close())
	return path
}

// reverify opens the database as the command line does and returns what verifying says.
func reverify(t testing.TB, path string) error {
	t.Helper()
	s, err := Open(context.Background(), Options{URL: "sqlite:" + path, Beside: true})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.VerifyAudit(context.Background(), &audit.Chain{})
}

// tampered runs SQL on the database as somebody would who has the file.
func tampered(t testing.TB, path string, texts ...string) {
	t.Helper()
	s := opened(t, path)
	must(t, s.do(context.Background(), patient, func(tx *tx) error {
		for _, text := range append([]string{"DROP TRIGGER audit_insert", "DROP TRIGGER audit_update", "DROP TRIGGER audit_delete"}, texts...) {
			if _, err := tx.exec(text); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	}))
	must(t, s.Close())
}

func TestTamperingWithTheLogIsFoundInTheDatabase(t *testing.T) {
	t.Parallel()
	original, err := os.ReadFile(logged(t))
	must(t, err)
	for text, want := range map[string]int64{
		"UPDATE audit SET line = replace(line, 'number 16', 'number 99') WHERE seq = 17": 17,
		"UPDATE audit SET line = line || ' ' WHERE seq = 3":                              3,
		"UPDATE audit SET line = '' WHERE seq = 30":                                      30,
		"UPDATE audit SET at = at + 1 WHERE seq = 1":                                     1,
		"UPDATE audit SET kind = 'command' WHERE seq = 2":                                2,
		"UPDATE audit SET forge = 'gitlab' WHERE seq = 4":                                4,
		"UPDATE audit SET repo = 'acme/other' WHERE seq = 5":                             5,
		"UPDATE audit SET number = 99 WHERE seq = 6":                                     6,
		"UPDATE audit SET who = 1 WHERE seq = 7":                                         7,
		"UPDATE audit SET login = 'bo' WHERE seq = 8":                                    8,
		"UPDATE audit SET name = 'tagging' WHERE seq = 9":                                9,
		"UPDATE audit SET hash = replace(hash, 'a', 'b') WHERE seq = 10":                 10,
		"UPDATE audit SET seq = 99 WHERE seq = 11":                                       11,
		"UPDATE audit SET seq = -5 WHERE seq = 12":                                       12,
		"UPDATE audit SET seq = 0 WHERE seq = 13":                                        13,
		"DELETE FROM audit WHERE seq = 14":                                               14,
		"DELETE FROM audit WHERE seq < 15":                                               1,
		"INSERT INTO audit SELECT 31, at, kind, forge, repo, number, who, login, name, line, hash FROM audit WHERE seq = 30":    31,
		"UPDATE audit SET (line, hash) = (SELECT line, hash FROM audit AS o WHERE o.seq = 45 - audit.seq) WHERE seq IN (22,23)": 22,
	} {
		path := filepath.Join(t.TempDir(), "y.db")
		must(t, os.WriteFile(path, original, 0o600))
		tampered(t, path, text)
		var fault *audit.Fault
		if err := reverify(t, path); !errors.As(err, &fault) || fault.Seq != want {
			t.Errorf("%s: %v, want entry %d", text, err, want)
		}
	}
}

// Bytes of the file itself: whatever is altered of an entry, verifying names that entry, or says that the database cannot
// be read; it never calls the log whole.
func TestAlteredBytesOfTheFileAreFound(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite3", logged(t))
	must(t, err)
	path := filepath.Join(t.TempDir(), "whole.db")
	_, err = db.Exec("VACUUM INTO ?", path) // without what splitting pages left behind
	must(t, errors.Join(err, db.Close()))
	original, err := os.ReadFile(path)
	must(t, err)
	if err := reverify(t, path); err != nil {
		t.Fatal(err)
	}
	step := 23
	if testing.Short() {
		step = 53
	}
	named, unreadable := 0, 0
	for seq := int64(12); seq <= 30; seq += 3 { // a copy of the first few is left where the table's root once held them
		from := bytes.Index(original, fmt.Appendf(nil, `{"seq":%d,"at"`, seq))
		to := from + bytes.Index(original[from:], []byte(`"}`)) + 2 // the line; its hash follows once more, as a column
		if from < 0 || bytes.Contains(original[from+1:], fmt.Appendf(nil, `{"seq":%d,"at"`, seq)) {
			t.Fatalf("entry %d is not once in the file", seq)
		}
		for at := from - 44; at < to+64; at += step { // its other columns lie around its line
			altered := bytes.Clone(original)
			altered[at] ^= 1 << (at % 8)
			must(t, os.WriteFile(path, altered, 0o600))
			var fault *audit.Fault
			switch err := reverify(t, path); {
			case err == nil:
				t.Errorf("byte %d (%q) near entry %d altered: the log is called whole", at, original[at], seq)
			case errors.As(err, &fault) && at >= from && fault.Seq != seq:
				t.Errorf("byte %d of entry %d altered: %v", at, seq, err)
			case errors.As(err, &fault):
				named++
			default:
				unreadable++
			}
		}
	}
	if named < 30 {
		t.Errorf("%d alterations named, want most of them", named)
	}
	t.Logf("%d named, %d said to be unreadable", named, unreadable)
}

func TestALostIndexRowIsFound(t *testing.T) {
	t.Parallel()
	path := logged(t)
	// An index that says of itself that it holds less than it does: entries are there, and no list would show them.
	tampered(t, path, "PRAGMA writable_schema = ON", "UPDATE sqlite_master SET sql = 'CREATE INDEX audit_kind ON audit (kind, seq) WHERE seq > 20' WHERE name = 'audit_kind'",
		"PRAGMA writable_schema = OFF")
	tamperedAgain := opened(t, path) // reads the schema anew
	must(t, tamperedAgain.do(context.Background(), patient, func(tx *tx) error { _, err := tx.exec("REINDEX audit_kind"); return err }))
	must(t, tamperedAgain.do(context.Background(), patient, func(tx *tx) error {
		for _, text := range []string{"PRAGMA writable_schema = ON", "UPDATE sqlite_master SET sql = 'CREATE INDEX audit_kind ON audit (kind, seq)' WHERE name = 'audit_kind'", "PRAGMA writable_schema = OFF"} {
			if _, err := tx.exec(text); err != nil {
				return err
			}
		}
		return nil
	}))
	must(t, tamperedAgain.Close())
	var fault *audit.Fault
	if err := reverify(t, path); !errors.As(err, &fault) || fault.Seq != 0 || !strings.Contains(err.Error(), "audit_kind") {
		t.Errorf("verify = %v, want that the index lacks rows", err)
	}
}

func TestNoSlipRewritesTheLog(t *testing.T) {
	t.Parallel()
	s := opened(t, logged(t))
	for _, text := range []string{
		"UPDATE audit SET line = 'x' WHERE seq = 3",
		"DELETE FROM audit WHERE seq = 30",
		"DELETE FROM audit",
		"INSERT OR REPLACE INTO audit SELECT 30, at, kind, forge, repo, number, who, login, name, 'x', hash FROM audit WHERE seq = 30",
		"INSERT INTO audit SELECT 40, at, kind, forge, repo, number, who, login, name, line, hash FROM audit WHERE seq = 30",
		"INSERT INTO audit SELECT 0, at, kind, forge, repo, number, who, login, name, line, hash FROM audit WHERE seq = 30",
		"INSERT INTO audit SELECT 30, at, kind, forge, repo, number, who, login, name, line, hash FROM audit WHERE seq = 30 ON CONFLICT (seq) DO UPDATE SET line = 'x'",
	} {
		err := s.do(context.Background(), patient, func(tx *tx) error { _, err := tx.exec(text); return err })
		if err == nil || !strings.Contains(err.Error(), "the audit log") {
			t.Errorf("%s = %v, want it refused", text, err)
		}
	}
	must(t, s.VerifyAudit(context.Background(), &audit.Chain{}))
}

func BenchmarkEnter(b *testing.B) {
	s := opened(b, filepath.Join(b.TempDir(), "x.db"))
	entries := make([]gate.Entry, 100) // one transaction, as a burst makes one
	for i := range entries {
		entries[i] = gate.Entry{Kind: gate.EntryDecision, Forge: "github", Repo: "acme/shop", Change: i, Commit: strings.Repeat("c", 40), Reason: "changelog fails: nothing was added."}
	}
	for b.Loop() {
		must(b, s.Enter(context.Background(), entries...))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100, "µs/entry")
}

// Every single byte of every entry, altered in the database by somebody who has the file: verifying names that very entry.
func TestAnyByteOfAnyEntryAlteredInTheDatabaseIsNamed(t *testing.T) {
	t.Parallel()
	path := logged(t)
	tampered(t, path) // the triggers are gone
	db, err := sql.Open("sqlite3", "file:"+path+"?_synchronous=OFF&_busy_timeout=5000")
	must(t, err)
	defer db.Close()
	s, err := Open(t.Context(), Options{URL: "sqlite:" + path, Beside: true})
	must(t, err)
	defer s.Close()
	step := 1
	if testing.Short() {
		step = 17
	}
	altered := 0
	for seq := int64(1); seq <= 30; seq++ {
		var line []byte
		must(t, db.QueryRow("SELECT line FROM audit WHERE seq = ?", seq).Scan(&line))
		for i := 0; i < len(line); i += step {
			other := bytes.Clone(line)
			other[i] ^= 1
			_, err := db.Exec("UPDATE audit SET line = CAST(? AS TEXT) WHERE seq = ?", other, seq)
			must(t, err)
			var fault *audit.Fault
			if err := s.VerifyAudit(t.Context(), &audit.Chain{}); !errors.As(err, &fault) || fault.Seq != seq {
				t.Fatalf("byte %d of entry %d: %v", i, seq, err)
			}
			altered++
		}
		_, err := db.Exec("UPDATE audit SET line = CAST(? AS TEXT) WHERE seq = ?", line, seq)
		must(t, err)
	}
	must(t, s.VerifyAudit(t.Context(), &audit.Chain{}))
	if altered < 500 {
		t.Errorf("%d bytes altered", altered)
	}
}

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store/postgrestest"
)

// lived opens a database in which some things have happened, and closes it. The scenarios, which cmd/sluice copies, know more.
func lived(t testing.TB, url string, deliveries int) {
	t.Helper()
	ctx := context.Background()
	s, err := Open(ctx, Options{URL: url})
	must(t, err)
	for i := range deliveries {
		d := marked(fmt.Sprintf("guid-%d-ä", i), i+1)
		d.Account, d.Install, d.Body = "acme", 7, body()
		_, err := s.Add(ctx, d)
		must(t, err)
	}
	works, err := s.Claim(ctx, deliveries, time.Minute)
	must(t, err)
	for i, w := range works {
		if i%3 == 0 {
			must(t, s.Fail(ctx, w, "the forge said: ✗", 0))
			continue
		}
		must(t, s.Finish(ctx, w, gate.Outcome{
			Decision: &gate.Decision{ID: fmt.Sprintf("%032x", w.ID), Subject: w.Mark.Subject(), At: s.Now(), Commit: "c1"},
			Facts:    []byte(fmt.Sprintf(`{"n":%d}`, w.ID)), Sources: []byte(`{}`),
			Entries: []gate.Entry{{Kind: gate.EntryDecision, Forge: "github", Repo: "acme/shop", Reason: "wäre gut"}},
			Subject: &gate.SubjectState{Open: true, Head: "c1", Base: "main", Title: "t\x00\xff"},
		}))
	}
	must(t, s.SetTag(ctx, "github", "acme/shop", "v1", ""))
	must(t, s.Ready(ctx))
	must(t, s.Close())
}

func copied(t testing.TB, from, to string) *Copied {
	t.Helper()
	done, err := Copy(context.Background(), Copying{From: from, To: to})
	if err != nil {
		t.Fatalf("Copy(%s, %s) = %v", from, to, err)
	}
	return done
}

func TestACopyThereAndBackIsTheSameTableByTable(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	first, second := "sqlite:"+filepath.Join(dir, "first.db"), "sqlite:"+filepath.Join(dir, "second.db")
	there, third := postgrestest.Fresh(t), postgrestest.Fresh(t)
	lived(t, first, 30)
	out, on, back := copied(t, first, there), copied(t, there, third), copied(t, third, second)
	for _, other := range []*Copied{on, back} {
		if !slices.Equal(out.Tables, other.Tables) || out.Audit != other.Audit || out.Audit.Seq != 20 {
			t.Errorf("copied %+v, and then %+v", out, other)
		}
	}
	rows := map[string]int64{}
	for _, table := range out.Tables {
		rows[table.Name] = table.Rows
	}
	if rows["delivery"] != 30 || rows["decision"] != 20 || rows["subject_state"] != 20 || len(rows) < 20 || rows["goose_db_version"]+rows["probe"] != 0 {
		t.Errorf("copied %v", rows)
	}
	if text(t, first) != text(t, second) {
		t.Error("the files hold different rows")
	}
	for _, url := range []string{there, second} { // both go on: numbers, the chain, the queue
		s, err := Open(ctx, Options{URL: url})
		must(t, err)
		_, err = s.Add(ctx, marked("new", 999)) // one of those that were copied may have failed, and waits
		must(t, err)
		_, err = s.Add(ctx, marked("new 2", 1000))
		must(t, err)
		must(t, s.Enter(ctx, gate.Entry{Kind: gate.EntryFinding, Forge: "github", Repo: "acme/shop"}))
		chain := &audit.Chain{}
		if err := s.VerifyAudit(ctx, chain); err != nil || chain.End().Seq != 21 {
			t.Errorf("%s: after the copy the log is %+v, %v", url, chain.End(), err)
		}
		if works, err := s.Claim(ctx, 100, time.Minute); err != nil || len(works) < 2 {
			t.Errorf("%s: Claim = %v, %v", url, works, err)
		}
		if seen, err := s.OpenSubjects(ctx, "github", "acme/shop", "main"); err != nil || len(seen) != 20 || seen[0].Kind != checks.KindChange {
			t.Errorf("%s: OpenSubjects = %v, %v", url, seen, err)
		}
		must(t, s.Close())
	}
}

// text is all that a database holds.
func text(t testing.TB, url string) string {
	t.Helper()
	ctx := context.Background()
	s, err := Open(ctx, Options{URL: url, role: source})
	must(t, err)
	defer s.Close()
	conn, err := s.side(ctx, s.d.atOnce)
	must(t, err)
	defer leave(s, conn)
	tables, err := s.tables(ctx, conn)
	must(t, err)
	var b strings.Builder
	for _, table := range tables {
		rows, err := s.stream(ctx, conn, table)
		must(t, err)
		for rows.Next() {
			fmt.Fprintf(&b, "%s %v\n", table.name, rows.values)
		}
		must(t, rows.Err())
		rows.rows.Close()
	}
	return b.String()
}

func TestNothingIsCopiedWhileSomebodyServes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, fresh := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(t.TempDir(), "x.db") },
		"postgres": func() string { return postgrestest.Fresh(t) },
	} {
		a, b := fresh(), fresh()
		lived(t, a, 3)
		for where, at := range map[string]string{"from": a, "to": b} {
			s, err := Open(ctx, Options{URL: at}) // a replica that has never written
			must(t, err)
			_, err = Copy(ctx, Copying{From: a, To: b})
			if !errors.Is(err, ErrInUse) {
				t.Errorf("%s: Copy while somebody serves %s = %v, want ErrInUse", name, where, err)
			}
			must(t, s.Close())
		}
		if _, err := Copy(ctx, Copying{From: a, To: a}); !errors.Is(err, ErrInUse) {
			t.Errorf("%s: Copy onto itself = %v, want ErrInUse", name, err)
		}
		held, err := Open(ctx, Options{URL: a, role: source})
		must(t, err)
		if _, err := Open(ctx, Options{URL: a}); !errors.Is(err, ErrInUse) {
			t.Errorf("%s: Open while it is copied = %v, want ErrInUse", name, err)
		}
		must(t, held.Close())
		copied(t, a, b)
		if _, err := Copy(ctx, Copying{From: a, To: b}); err == nil || !strings.Contains(err.Error(), "holds something already") {
			t.Errorf("%s: Copy into what holds something = %v", name, err)
		}
	}
}

// Whatever fails, the other side is empty: the same command then works.
func TestACopyThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "to.db"), "postgres": postgrestest.Fresh(t)} {
		from := "sqlite:" + filepath.Join(t.TempDir(), "from.db")
		lived(t, from, 12)
		for _, table := range []string{"audit", "delivery", "subject", "tag_seen"} {
			ctx, cancel := context.WithCancel(context.Background())
			_, err := Copy(ctx, Copying{From: from, To: to, Progress: func(now string, _, _ int64) {
				if now == table {
					cancel()
				}
			}})
			if err == nil || !strings.Contains(err.Error(), "nothing was kept in") || !strings.Contains(err.Error(), "run the same command again") {
				t.Errorf("%s: Copy broken off at %s = %v", name, table, err)
			}
			cancel()
		}
		if len(text(t, to)) != 0 {
			t.Errorf("%s: something is left", name)
		}
		copied(t, from, to)
	}
}

func TestACopyIsOfWholeThingsAlone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	fresh := func() string { return "sqlite:" + filepath.Join(t.TempDir(), "x.db") }
	old, broken, odd := fresh(), fresh(), fresh()
	for url, change := range map[string][]string{
		old:    {`DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`},
		broken: {`DROP TRIGGER audit_update`, `UPDATE audit SET line = replace(line, 'wäre', 'ware') WHERE seq = 2`},
		odd:    {`UPDATE tag_seen SET name = CAST(x'ff00' AS TEXT)`},
	} {
		lived(t, url, 6)
		s := opened(t, strings.TrimPrefix(url, "sqlite:"))
		for _, text := range change {
			must(t, s.do(ctx, patient, func(t *tx) error { _, err := t.exec(text); return err }))
		}
		must(t, s.Close())
	}
	for url, want := range map[string]string{
		old: "run `sluice migrate`", broken: "entry 2: altered", odd: "a name that PostgreSQL cannot hold", "sqlite:" + t.TempDir() + "/none.db": "no such database",
	} {
		if _, err := Copy(ctx, Copying{From: url, To: postgrestest.Fresh(t)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Copy = %v, want %q", err, want)
		}
	}
	if _, err := Copy(ctx, Copying{From: odd, To: fresh()}); err != nil {
		t.Errorf("SQLite takes what SQLite holds: %v", err)
	}
}

// A row that arrives as another is found before anything is kept.
func TestARowThatArrivesAsAnotherIsFound(t *testing.T) {
	t.Parallel()
	from, to := "sqlite:"+filepath.Join(t.TempDir(), "from.db"), postgrestest.Fresh(t)
	lived(t, from, 6)
	openedPostgres(t, to).Close()
	postgrestest.Exec(t, to, `CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.action = 'spoiled'; RETURN NEW; END $$;
CREATE TRIGGER spoils BEFORE INSERT ON delivery FOR EACH ROW WHEN (NEW.guid LIKE '%-3-%') EXECUTE FUNCTION spoil()`)
	if _, err := Copy(context.Background(), Copying{From: from, To: to}); err == nil || !strings.Contains(err.Error(), "compare table delivery: 6 rows were sent") {
		t.Errorf("Copy = %v, want the table that differs", err)
	}
}

func TestABackupIsMadeBesideAServerAndIsWhole(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	path, file := filepath.Join(dir, "x.db"), filepath.Join(dir, "backup.db")
	lived(t, "sqlite:"+path, 30)
	server := opened(t, path)
	over, accepted := make(chan struct{}), make(chan []string)
	go func() {
		var ids []string
		for i := 0; ; i++ {
			select {
			case <-over:
				accepted <- ids
				return
			default:
			}
			d := marked(fmt.Sprint("during ", i), i+1)
			if _, err := server.Add(ctx, d); err != nil {
				t.Error(err)
			}
			ids = append(ids, d.ID)
		}
	}()
	beside, err := Open(ctx, Options{URL: "sqlite:" + path, Beside: true})
	must(t, err)
	defer beside.Close()
	done, err := beside.Backup(ctx, file)
	must(t, err)
	close(over)
	during := <-accepted
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || info.Size() != done.Bytes || done.Audit.Seq != 20 || done.Schema == 0 {
		t.Errorf("Backup = %+v, of mode %v", done, info.Mode())
	}
	if left, _ := filepath.Glob(file + ".*"); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
	if _, err := beside.Backup(ctx, file); err == nil || !strings.Contains(err.Error(), "never writes over anything") {
		t.Errorf("Backup onto a file = %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "other.partial"), nil, 0o600))
	if _, err := beside.Backup(ctx, filepath.Join(dir, "other")); err == nil || !strings.Contains(err.Error(), "another backup is being made") {
		t.Errorf("Backup beside another = %v", err)
	}
	back := opened(t, file) // restoring is giving it to a server
	var vacuum int
	_, err = back.scan(ctx, []any{&vacuum}, "PRAGMA auto_vacuum")
	if err != nil || vacuum != 2 {
		t.Errorf("auto_vacuum is %d, %v: pruning would give nothing back", vacuum, err)
	}
	had := true
	for _, id := range during { // all up to one moment, and none after it
		_, seen, err := back.delivery(ctx, id)
		if err != nil || seen && !had {
			t.Errorf("delivery %q: %v, %v, after one that is missing", id, seen, err)
		}
		had = seen
	}
}

func (s *Store) delivery(ctx context.Context, id string) (row int64, seen bool, err error) {
	seen, err = s.scan(ctx, []any{&row}, qKeptOf, "github", id)
	return row, seen, err
}

func TestADamagedBackupIsThrownAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	lived(t, "sqlite:"+path, 6)
	s := opened(t, path)
	for _, text := range []string{`DROP TRIGGER audit_update`, `UPDATE audit SET line = replace(line, 'wäre', 'ware') WHERE seq = 2`} {
		must(t, s.do(context.Background(), patient, func(t *tx) error { _, err := t.exec(text); return err }))
	}
	if _, err := s.Backup(context.Background(), filepath.Join(dir, "b")); err == nil || !strings.Contains(err.Error(), "entry 2: altered") {
		t.Errorf("Backup = %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "b*")); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}

func TestPostgreSQLIsBackedUpByItsOwnTools(t *testing.T) {
	t.Parallel()
	dump, restore, ok := DumpCommand("postgres://ann:hunter2@db.example/slu%20ice?sslmode=disable", "it's")
	if want := `pg_dump --format=custom --no-owner --file='it'\''s' --dbname='postgres://ann@db.example:5432/slu%20ice'`; !ok || dump != want || !strings.HasPrefix(restore, "pg_restore ") || strings.Contains(restore, "hunter2") {
		t.Errorf("DumpCommand = %s, %s, want %s", dump, restore, want)
	}
	s := openedPostgres(t, postgrestest.Fresh(t))
	if _, err := s.Backup(context.Background(), "x"); !errors.Is(err, ErrElsewhere) {
		t.Errorf("Backup = %v", err)
	}
}

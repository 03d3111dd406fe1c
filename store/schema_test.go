package store

import (
	"context"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/store/postgrestest"
)

func openedPostgres(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(context.Background(), Options{URL: url})
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// texts are the single columns that a query has.
func texts(t testing.TB, s *Store, query string, args ...any) (list []string) {
	t.Helper()
	rows, err := s.query(context.Background(), query, args...)
	must(t, err)
	must(t, each(rows, func(scan func(...any) error) error {
		var text string
		err := scan(&text)
		list = append(list, text)
		return err
	}))
	slices.Sort(list)
	return list
}

func TestMigrationsComeInPairs(t *testing.T) {
	t.Parallel()
	names := func(of string) []string {
		list, err := fs.Glob(migrations, "migrations/"+of+"/*.sql")
		must(t, err)
		for i := range list {
			list[i] = filepath.Base(list[i])
		}
		return list
	}
	if lite, pg := names("sqlite"), names("postgres"); len(lite) == 0 || !slices.Equal(lite, pg) {
		t.Errorf("migrations of SQLite are %v, and of PostgreSQL %v", lite, pg)
	}
}

// What a migration says in one dialect it says in the other: tables, columns, what they may hold and refer to, indexes.
func TestBothDatabasesHaveTheSameSchema(t *testing.T) {
	t.Parallel()
	lite, pg := opened(t, filepath.Join(t.TempDir(), "x.db")), openedPostgres(t, postgrestest.Fresh(t))
	for what, q := range map[string][2]string{
		"columns": {`
SELECT m.name || '.' || c.name || ' ' || CASE c.type WHEN 'INTEGER' THEN 'bigint' WHEN 'BLOB' THEN 'bytea' ELSE lower(c.type) END ||
  CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN ' not null' ELSE '' END || COALESCE(' default ' || c.dflt_value, '')
FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' AND m.name NOT LIKE 'sqlite%'`, `
SELECT table_name || '.' || column_name || ' ' || data_type || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END ||
  COALESCE(' default ' || replace(column_default, '::text', ''), '')
FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE 'goose%'`},
		"references": {`
SELECT m.name || '.' || f."from" || ' to ' || f."table" || '.' || COALESCE(f."to", 'id') || ' ' || lower(f.on_delete)
FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'`, `
SELECT c.relname || '.' || a.attname || ' to ' || r.relname || '.' || b.attname || ' ' || CASE k.confdeltype WHEN 'c' THEN 'cascade' ELSE 'no action' END
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1] JOIN pg_attribute b ON b.attrelid = r.oid AND b.attnum = k.confkey[1]
WHERE k.contype = 'f'`},
		// A primary key of one integer is the row itself on SQLite.
		"unique and other indexes": {`
SELECT m.name || ' (' || (SELECT group_concat(name, ', ') FROM (SELECT i.name FROM pragma_index_info(x.name) i ORDER BY i.seqno)) || ')' ||
  CASE x."unique" WHEN 1 THEN ' unique' ELSE '' END || CASE x.partial WHEN 1 THEN ' where ' || (SELECT substr(sql, instr(sql, 'WHERE') + 6) FROM sqlite_master WHERE name = x.name) ELSE '' END
FROM sqlite_master m JOIN pragma_index_list(m.name) x WHERE m.type = 'table' AND m.name NOT LIKE 'goose%'
UNION SELECT m.name || ' (' || c.name || ') unique' FROM sqlite_master m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' AND m.name NOT LIKE 'sqlite%' AND c.pk = 1 AND c.type = 'INTEGER' AND (SELECT count(*) FROM pragma_table_info(m.name) WHERE pk > 0) = 1`, `
SELECT c.relname || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY n) FROM unnest(i.indkey) WITH ORDINALITY AS k (col, n) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.col) || ')' ||
  CASE WHEN i.indisunique THEN ' unique' ELSE '' END || COALESCE(' where ' || pg_get_expr(i.indpred, c.oid), '')
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace s ON s.oid = c.relnamespace WHERE s.nspname = current_schema() AND c.relname NOT LIKE 'goose%'`},
	} {
		plain := func(list []string) []string {
			for i, text := range list {
				list[i] = regexp.MustCompile(`[()]|::text`).ReplaceAllString(text, "")
			}
			return slices.Compact(list)
		}
		one, other := plain(texts(t, lite, q[0])), plain(texts(t, pg, q[1]))
		if len(one) < 10 {
			t.Errorf("%s: only %d are looked at", what, len(one))
		}
		for _, missing := range without(one, other) {
			t.Errorf("%s: PostgreSQL lacks %s", what, missing)
		}
		for _, missing := range without(other, one) {
			t.Errorf("%s: SQLite lacks %s", what, missing)
		}
	}
}

func without(list, others []string) (rest []string) {
	for _, x := range list {
		if !slices.Contains(others, x) {
			rest = append(rest, x)
		}
	}
	return rest
}

// Text is ordered and compared by its bytes whatever the database's own collation is, and what is packed is not packed again.
func TestPostgreSQLComparesBytesAndPacksNothingTwice(t *testing.T) {
	t.Parallel()
	s := openedPostgres(t, postgrestest.Fresh(t))
	if odd := texts(t, s, `SELECT table_name || '.' || column_name FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name NOT LIKE 'goose%' AND data_type IN ('text', 'character varying') AND COALESCE(collation_name, '') <> 'C'`); len(odd) > 0 {
		t.Errorf("not compared by their bytes: %v", odd)
	}
	if odd := texts(t, s, `SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.atttypid = 'bytea'::regtype AND a.attnum > 0 AND a.attstorage <> 'e'`); len(odd) > 0 {
		t.Errorf("packed twice: %v", odd)
	}
}

func TestClaimsAndReadsGoByAnIndexOnPostgreSQL(t *testing.T) {
	t.Parallel()
	s := openedPostgres(t, postgrestest.Fresh(t))
	for name, c := range map[string]struct{ text, args string }{
		"due": {qDue, "1"}, "claimable": {qClaimable, "1, 2"}, "claimable of a kind": {qClaimableKind, "1, 2, 'change'"}, "claim": {qClaim, "1, 2, 'x'"}, "next": {qNext, ""},
		"causes": {qCauses, "1, 2, 3, 4"}, "state": {qReadState, "'change', 'x'"}, "posted": {qReadPosted, "'change', 'x', 'y'"}, "latest": {qLatest, "'change', 'x'"}, "decision": {qReadDecision, "'x'"},
		"has open": {qHasOpen, "'x', 'y', 'z'"}, "forget": {qForget, "1, 2"}, "again": {qAgain, "1, 2, 3, 'x', 'y', 'z'"},
	} {
		must(t, s.do(context.Background(), patient, func(t2 *tx) error {
			// A few rows are always scanned: what counts is whether there is an index to go by.
			if _, err := t2.conn.ExecContext(t2.ctx, "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan"); err != nil {
				return err
			}
			types := strings.TrimSuffix(strings.Repeat("unknown, ", strings.Count(c.args, ",")+1), ", ")
			prepare := "PREPARE looked (" + types + ") AS " + s.d.text(c.text)
			if c.args == "" {
				prepare = "PREPARE looked AS " + s.d.text(c.text)
			}
			if _, err := t2.conn.ExecContext(t2.ctx, prepare); err != nil {
				return err
			}
			execute := "EXPLAIN EXECUTE looked"
			if c.args != "" {
				execute += " (" + c.args + ")"
			}
			rows, err := t2.conn.QueryContext(t2.ctx, execute)
			if err != nil {
				return err
			}
			if err := each(rows, func(scan func(...any) error) error {
				var step string
				err := scan(&step)
				if strings.Contains(step, "Seq Scan") {
					t.Errorf("%s: %s", name, step)
				}
				return err
			}); err != nil {
				return err
			}
			_, err = t2.conn.ExecContext(t2.ctx, "DEALLOCATE looked")
			return err
		}))
	}
}

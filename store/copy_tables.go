package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"
	"unicode/utf8"
)

// table is one of the schema's, as the database itself tells of it: what a later migration adds is copied too.
type table struct {
	name     string
	columns  []string
	key      []string // of the primary key, in its order
	identity []string // columns that are numbered by the database
	needs    []string // tables that it refers to
}

// spared are tables that hold nothing of what was kept: goose's own, and what Ready writes to see whether it can.
func spared(name string) bool { return name == "probe" || strings.HasPrefix(name, "goose_") }

const columnsSQLite = `
SELECT m.name, c.name, c.pk, 0 FROM sqlite_master m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, c.cid`

const refersSQLite = `
SELECT m.name, f."table" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'`

// tables are all that are copied, each after those that it refers to.
func (s *Store) tables(ctx context.Context, conn *sql.Conn) ([]table, error) {
	found := map[string]*table{}
	keys := map[string]map[int]string{}
	err := asked(ctx, conn, s.d.columns, func(scan func(...any) error) error {
		var name, column string
		var place, numbered int
		if err := scan(&name, &column, &place, &numbered); err != nil || spared(name) {
			return err
		}
		t := found[name]
		if t == nil {
			t = &table{name: name}
			found[name], keys[name] = t, map[int]string{}
		}
		t.columns = append(t.columns, column)
		if place > 0 {
			keys[name][place] = column
		}
		if numbered == 1 {
			t.identity = append(t.identity, column)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = asked(ctx, conn, s.d.refers, func(scan func(...any) error) error {
		var name, other string
		err := scan(&name, &other)
		if t := found[name]; err == nil && t != nil && other != name {
			t.needs = append(t.needs, other)
		}
		return err
	})
	for name, t := range found {
		for i := 1; i <= len(keys[name]); i++ {
			t.key = append(t.key, keys[name][i])
		}
		if len(t.key) == 0 && err == nil {
			err = fmt.Errorf("table %s has no primary key to go by", name)
		}
	}
	return inOrder(found), err
}

// inOrder puts each table behind those that it needs, and else goes by the names.
func inOrder(found map[string]*table) (list []table) {
	placed := map[string]bool{}
	var place func(name string)
	place = func(name string) {
		t := found[name]
		if t == nil || placed[name] {
			return
		}
		placed[name] = true
		slices.Sort(t.needs)
		for _, other := range t.needs {
			place(other)
		}
		list = append(list, *t)
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		place(name)
	}
	return list
}

func asked(ctx context.Context, conn *sql.Conn, text string, row func(scan func(...any) error) error) error {
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	return each(rows, row)
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func list(names []string) string {
	var all []string
	for _, name := range names {
		all = append(all, quoted(name))
	}
	return strings.Join(all, ", ")
}

// rowStream hands on the rows of a table one after another, and sums up what it hands on.
type rowStream struct {
	table  table
	rows   *sql.Rows
	strict bool // the database that they go to takes valid UTF-8 without NUL alone
	seen   func(rows int64)

	values []any
	into   []any
	sum    hash.Hash
	count  int64
	mended int64
	err    error
}

// stream reads a table in the order of its key, which both databases compare by its bytes.
func (s *Store) stream(ctx context.Context, conn *sql.Conn, t table) (*rowStream, error) {
	rows, err := conn.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", list(t.columns), quoted(t.name), list(t.key)))
	if err != nil {
		return nil, err
	}
	r := &rowStream{table: t, rows: rows, sum: sha256.New(), values: make([]any, len(t.columns)), into: make([]any, len(t.columns)), seen: func(int64) {}}
	for i := range r.values {
		r.into[i] = &r.values[i]
	}
	return r, nil
}

// Next goes to the next row.
func (r *rowStream) Next() bool {
	if r.err != nil || !r.rows.Next() {
		return false
	}
	if r.err = r.rows.Scan(r.into...); r.err == nil && r.strict {
		r.err = r.mend()
	}
	if r.err == nil {
		r.err = r.add()
	}
	r.count++
	r.seen(r.count)
	return r.err == nil
}

// Values are those of the row, in the order of the columns.
func (r *rowStream) Values() ([]any, error) { return r.values, r.err }

// Err is what went wrong.
func (r *rowStream) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.rows.Err()
}

// mend makes texts fit that a sluice before this one kept as they came. A key is left as it is: two could become one.
func (r *rowStream) mend() error {
	for i, v := range r.values {
		text, ok := v.(string)
		if !ok || utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
			continue
		}
		if slices.Contains(r.table.key, r.table.columns[i]) {
			return fmt.Errorf("row %d has a name that PostgreSQL cannot hold (%s is %q): nothing but a look at that row helps", r.count+1, r.table.columns[i], text)
		}
		r.mended++
	}
	clean(r.values)
	return nil
}

// add sums up a row: every value with its kind and its length, so that no two rows write the same.
func (r *rowStream) add() error {
	var head [9]byte
	for i, v := range r.values {
		var text []byte
		switch v := v.(type) {
		case nil:
			head[0] = 'n'
			binary.BigEndian.PutUint64(head[1:], 0)
		case int64:
			head[0] = 'i'
			binary.BigEndian.PutUint64(head[1:], uint64(v))
		case string:
			head[0], text = 's', []byte(v)
			binary.BigEndian.PutUint64(head[1:], uint64(len(text)))
		case []byte:
			head[0], text = 'b', v
			binary.BigEndian.PutUint64(head[1:], uint64(len(text)))
		default:
			return fmt.Errorf("row %d: %s is a %T", r.count+1, r.table.columns[i], v)
		}
		r.sum.Write(head[:])
		r.sum.Write(text)
	}
	return nil
}

func (r *rowStream) digest() string { return hex.EncodeToString(r.sum.Sum(nil)) }

// fillSQLite inserts the rows by one statement that is made once.
func fillSQLite(ctx context.Context, conn *sql.Conn, t table, rows *rowStream) error {
	stmt, err := conn.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", quoted(t.name), list(t.columns), strings.Repeat(", ?", len(t.columns)-1)))
	if err != nil {
		return err
	}
	defer stmt.Close()
	for rows.Next() {
		if _, err := stmt.ExecContext(ctx, rows.values...); err != nil {
			return fmt.Errorf("row %d: %w", rows.count, err)
		}
	}
	return rows.Err()
}

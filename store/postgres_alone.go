package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// aliveStripe is the lock that every connection to write on shares for as long as it lives, and that whoever must be alone
// takes for itself: so it is known whether anybody serves, and who is frozen or idle counts too.
const aliveStripe = auditStripe + 1

// living has a connection share the lock, or refuses it while somebody is alone.
func (s *Store) living(ctx context.Context, conn *pgx.Conn) error {
	if s.opts.Beside || s.opts.role != serving {
		return nil
	}
	var got bool
	err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock_shared($1, $2)`, lockSpace, aliveStripe).Scan(&got)
	if err == nil && !got {
		err = fmt.Errorf("%w by sluice copy, which must be alone: start again when it has ended", ErrInUse)
	}
	return err
}

// alone takes the database for this store, or fails with ErrInUse and who has it.
func (s *Store) alone(ctx context.Context, pool *sql.DB) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return errors.Join(err, pool.Close())
	}
	defer pool.Close() // which leaves the connection that is out, until it is closed itself
	var got bool
	if _, err = conn.ExecContext(ctx, `SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0`); err == nil {
		err = conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1, $2)`, lockSpace, aliveStripe).Scan(&got)
	}
	if err == nil && !got {
		err = fmt.Errorf("%w%s: stop every replica, and whatever copies it, first", ErrInUse, holders(ctx, conn))
	}
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	s.sole = conn
	return nil
}

// holders names who has the lock, as far as the server tells.
func holders(ctx context.Context, conn *sql.Conn) string {
	var who sql.NullString
	err := conn.QueryRowContext(ctx, `SELECT string_agg(DISTINCT a.application_name, ', ') FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
		lockSpace, aliveStripe).Scan(&who)
	if err != nil || who.String == "" {
		return ""
	}
	return " by " + who.String
}

const columnsPostgres = `
SELECT c.relname, a.attname, COALESCE((SELECT k.n FROM unnest(i.indkey) WITH ORDINALITY AS k (col, n) WHERE k.col = a.attnum), 0),
  CASE WHEN a.attidentity <> '' THEN 1 ELSE 0 END
FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE s.nspname = current_schema() AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname COLLATE "C", a.attnum`

const refersPostgres = `
SELECT c.relname, r.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
JOIN pg_namespace s ON s.oid = c.relnamespace WHERE k.contype = 'f' AND s.nspname = current_schema()`

// fillPostgres streams the rows by the server's COPY, which spares it a statement each.
func fillPostgres(ctx context.Context, conn *sql.Conn, t table, rows *rowStream) error {
	return conn.Raw(func(c any) error {
		_, err := c.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, rows)
		return err
	})
}

// numberPostgres has the sequence of an identity column go on after the highest number that was copied.
func numberPostgres(ctx context.Context, conn *sql.Conn, t table) error {
	for _, column := range t.identity {
		_, err := conn.ExecContext(ctx, fmt.Sprintf(`SELECT setval(pg_get_serial_sequence('%s', '%s'), max(%s)) FROM %s HAVING max(%s) IS NOT NULL`,
			quoted(t.name), column, quoted(column), quoted(t.name), quoted(column)))
		if err != nil {
			return err
		}
	}
	return nil
}

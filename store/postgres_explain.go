package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// lost says whether the connection is gone, and with it all that its transaction had written.
func lost(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch e.Code {
		case "53300", // too many connections
			"57P01", "57P02", "57P03", // ended by an administrator; by a crash; starting up or shutting down
			"25P03", "57P05": // ended for having been idle in a transaction, or idle
			return true
		}
		return strings.HasPrefix(e.Code, "08")
	}
	for _, known := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return true
		}
	}
	var network net.Error
	var connecting *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connecting) || pgconn.SafeToRetry(err)
}

// collided says whether the server ended the transaction because of what another one did at the same time.
func collided(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "40P01", "40001", "55P03", // deadlock, serialization, no lock in time
		"23503",          // what it refers to was deleted meanwhile
		"0A000", "26000": // a plan or statement made before a migration
		return true
	}
	return false
}

// explainPostgres adds what to do about the errors that an operator can do something about.
func explainPostgres(err error, where string) error {
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "\n") {
		err = oneLine{err}
	}
	var e *pgconn.PgError
	if errors.As(err, &e) {
		if cure := cures(e, where); cure != "" {
			return fmt.Errorf("%w: %s", err, cure)
		}
		return err
	}
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) {
		return fmt.Errorf("%w: is the server of %s running, does SLUICE_DATABASE name its host and port, and may this machine reach it (listen_addresses, pg_hba.conf, firewall)?", err, where)
	}
	if lost(err) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: the connection to %s broke; look at the server's log, and at what is between", err, where)
	}
	return err
}

// oneLine is an error that the driver told in several lines, one for each address that it tried.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }

func (e oneLine) Unwrap() error { return e.error }

// cures are three-part messages cut short: the server's own words come before them.
func cures(e *pgconn.PgError, where string) string {
	switch e.Code {
	case "53100", "53200", "58030":
		return "free space, memory or the disk of the server of " + where + "; until then deliveries are refused, and nothing accepted is lost"
	case "25006":
		return where + " is read-only: let SLUICE_DATABASE name the primary (or several hosts and target_session_attrs=read-write), or unset default_transaction_read_only"
	case "28P01", "28000":
		return "look at the user and password in SLUICE_DATABASE (or PGPASSWORD, or ~/.pgpass), and at pg_hba.conf on the server"
	case "3D000":
		return "create it: `createdb --encoding=UTF8 --template=template0 --owner=USER NAME`, or let SLUICE_DATABASE name another"
	case "3F000":
		return "create the schema that search_path names, or leave search_path out of SLUICE_DATABASE"
	case "42501":
		return "let the user of SLUICE_DATABASE own the database: `ALTER DATABASE NAME OWNER TO USER`, or `GRANT CREATE, USAGE ON SCHEMA public TO USER`"
	case "53300":
		return fmt.Sprintf("each replica has up to %d connections: raise max_connections on the server, or run fewer replicas", ingestPens+workPens+readers)
	case "57P03":
		return "the server of " + where + " is starting or stopping: wait for it, and look at its log"
	case "57P01", "57P02", "25P03", "57P05":
		return "the server of " + where + " ended the connection; look at its log"
	case "XX001", "XX002":
		return "the data of " + where + " is damaged: stop every replica, keep a copy of the server's files, run pg_amcheck, and restore a backup"
	}
	return ""
}

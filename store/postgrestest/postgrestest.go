// Package postgrestest gives tests a PostgreSQL server and an empty database each: the server that SLUICE_TEST_POSTGRES names,
// or else one of its own from the installed binaries, in a temporary directory, once per test process, gone with it.
//
// It refuses to know the store, and to skip silently: without a server a test is skipped with what to install, and fails
// where CI=true. It is imported by tests alone.
package postgrestest

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // as database/sql knows it
)

// Variable names the server to use: a URL whose user may create databases, or at least schemas in that database.
const Variable = "SLUICE_TEST_POSTGRES"

var shared = sync.OnceValues(func() (string, error) {
	if at := os.Getenv(Variable); at != "" {
		return at, nil
	}
	s, err := start(nil, hurry()...)
	if err != nil {
		return "", err
	}
	own.Store(s)
	return s.URL("postgres"), nil
})

// hurry lets a server leave it to the machine when it writes: a test that kills it loses nothing by that. Benchmarks are to see
// what a disk costs.
func hurry() []string {
	if f := flag.Lookup("test.bench"); f != nil && f.Value.String() != "" {
		return nil
	}
	return []string{"fsync=off"}
}

// own is held for as long as the process lives: the collector would close its leash.
var own atomic.Pointer[Server]

var count atomic.Int64

// Fresh is the URL of an empty database that is nobody else's. It is dropped when the test ends.
func Fresh(t testing.TB) string {
	t.Helper()
	return FreshLike(t, "")
}

// FreshLike is a copy of another database, to which nobody is connected; of none when like is "".
func FreshLike(t testing.TB, like string) string {
	t.Helper()
	at, err := shared()
	if err != nil {
		missing(t, err)
	}
	name := fmt.Sprintf("sluice_test_%d_%d", os.Getpid(), count.Add(1))
	made, err := create(at, name, like)
	if err != nil {
		t.Fatalf("make a database to test on: %v", err)
	}
	t.Cleanup(func() {
		if err := drop(at, name, made); err != nil {
			t.Logf("drop the database of the test: %v", err)
		}
	})
	return made
}

// Exec runs a statement on a database, and fails the test where that fails.
func Exec(t testing.TB, at, text string) {
	t.Helper()
	if err := ask(at, text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// missing skips the test, or fails it where nobody would see that it was skipped.
func missing(t testing.TB, err error) {
	t.Helper()
	text := fmt.Sprintf("no PostgreSQL to test on (%v): install it (apt-get install postgresql; no service is needed), or set %s to a URL", err, Variable)
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// create makes a database, or a schema where the user may not make one.
func create(at, name, like string) (string, error) {
	text := "CREATE DATABASE " + name
	if like != "" {
		text += " TEMPLATE " + databaseOf(like)
	}
	err := ask(at, text)
	var e *pgconn.PgError
	if errors.As(err, &e) && e.Code == "42501" && like == "" {
		return with(at, func(u *url.URL) {
			q := u.Query()
			q.Set("search_path", name)
			u.RawQuery = q.Encode()
		}), ask(at, "CREATE SCHEMA "+name)
	}
	return with(at, func(u *url.URL) { u.Path = "/" + name }), err
}

func drop(at, name, made string) error {
	if strings.Contains(made, "search_path="+name) {
		return ask(at, "DROP SCHEMA IF EXISTS "+name+" CASCADE")
	}
	return ask(at, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

func databaseOf(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

func with(at string, change func(*url.URL)) string {
	u, err := url.Parse(at)
	if err != nil {
		return at
	}
	change(u)
	return u.String()
}

func ask(at, text string) error {
	db, err := sql.Open("pgx", at)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(context.Background(), text)
	return err
}

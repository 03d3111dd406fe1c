package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store/postgrestest"
)

// What goes wrong with a server says what to do, in one line, and never shows the password.
func TestWhatCannotBeOpenedOnPostgreSQLSaysWhatToDo(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, "superuser_reserved_connections=0", "max_connections=12")
	for _, text := range []string{"CREATE ROLE ada LOGIN PASSWORD 'hunter2'", "CREATE DATABASE newer", "CREATE DATABASE narrow ENCODING SQL_ASCII LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0",
		"CREATE DATABASE kept", "REVOKE ALL ON DATABASE kept FROM public"} {
		postgrestest.Exec(t, server.URL("postgres"), text)
	}
	server.Passwords(t)
	s := openedPostgres(t, server.URL("newer"))
	must(t, s.do(t.Context(), patient, func(t *tx) error {
		_, err := t.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
		return err
	}))
	must(t, s.Close())
	as := func(user, name string) string { return strings.Replace(server.URL(name), "sluice@", user+"@", 1) }
	for name, c := range map[string]struct{ url, want string }{
		"no such database":   {server.URL("nothing"), "create it: `createdb --encoding=UTF8"},
		"a newer schema":     {server.URL("newer"), "made by a newer sluice"},
		"an odd encoding":    {server.URL("narrow"), "its encoding is SQL_ASCII, which cannot hold every name"},
		"a wrong password":   {as("ada:hunter3", "postgres"), "look at the user and password in SLUICE_DATABASE"},
		"no right":           {as("ada:hunter2", "postgres"), "let the user of SLUICE_DATABASE own the database"},
		"not let in":         {as("ada:hunter2", "kept"), "let the user of SLUICE_DATABASE own the database"},
		"nobody there":       {"postgres://ada:hunter2@127.0.0.1:1/x", "is the server of postgres://ada@127.0.0.1:1/x running"},
		"no such schema":     {server.URL("postgres") + "&search_path=none", "create the schema that search_path names"},
		"started beside one": {server.URL("postgres"), "its schema is version 0 and this sluice wants"},
	} {
		_, err := Open(t.Context(), Options{URL: c.url, Beside: name == "started beside one"})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: Open = %v, want %q", name, err, c.want)
		}
	}
}

// A database that is made read-only and back again, and a server without room for more connections: deliveries are refused
// with what to do, and taken again when that is done.
func TestAServerThatRefusesIsToldAboutAndComesBack(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, "superuser_reserved_connections=0", "max_connections=12")
	url := server.URL("postgres")
	s := openedPostgres(t, url)
	must(t, s.Ready(t.Context()))
	refused := func(id, want string) {
		t.Helper()
		if _, err := s.Add(t.Context(), marked(id, 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Add = %v, want %q", err, want)
		}
		if err := s.Ready(t.Context()); err == nil {
			t.Error("Ready says that it can store")
		}
	}
	cut := "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
	postgrestest.Exec(t, url, "ALTER DATABASE postgres SET default_transaction_read_only = on")
	postgrestest.Exec(t, url, cut)
	refused("1", "is read-only: let SLUICE_DATABASE name the primary")
	postgrestest.Exec(t, server.URL("template1"), "ALTER DATABASE postgres RESET default_transaction_read_only")
	postgrestest.Exec(t, url, cut)
	if _, err := s.Add(t.Context(), marked("1", 1)); err != nil {
		t.Errorf("Add when it may be written again = %v", err)
	}
	must(t, s.Ready(t.Context()))
}

func TestFaultsOfAServerSayWhatToDo(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"53100": "nothing accepted is lost", "53300": "raise max_connections", "57P03": "starting or stopping", "XX001": "restore a backup",
		"57P01": "ended the connection", "25006": "read-only"} {
		fault := fmt.Errorf("write: %w", &pgconn.PgError{Severity: "ERROR", Code: code, Message: "odd"})
		if err := explainPostgres(fault, "postgres://u@h:1/n"); !strings.Contains(err.Error(), want) || !errors.Is(err, fault) {
			t.Errorf("%s: %v, want %q", code, err, want)
		}
	}
	if err := explainPostgres(ErrLost, "x"); err != ErrLost { //nolint:errorlint // the very same
		t.Errorf("explained = %v", err)
	}
}

// What is committed is known: a statement that failed and was passed over takes its transaction with it, and says so.
func TestACommitThatWasNoneIsAnError(t *testing.T) {
	t.Parallel()
	s := openedPostgres(t, postgrestest.Fresh(t))
	err := s.do(t.Context(), patient, func(t *tx) error {
		if _, err := t.exec(qSetTag, "github", "acme/shop", "v1", "c"); err != nil {
			return err
		}
		t.exec(qEnter, 7, 0, "", "", "", 0, 0, "", "", "", "") //nolint:errcheck // that is what this is about
		return nil
	})
	if _, seen, _ := s.LastTag(t.Context(), "github", "acme/shop", "v1"); err == nil || seen {
		t.Errorf("a transaction that was rolled back is called committed (%v, kept: %v)", err, seen)
	}
}

// A replica that is frozen in the middle of a transaction is cut off by the server: others wait for what it has locked.
func TestAFrozenReplicaLetsGo(t *testing.T) {
	t.Parallel()
	two := replicas(t)
	marks := marked("", 1).Marks
	thaw := make(chan struct{})
	frozen := make(chan error, 1)
	begun := make(chan struct{}, 10)
	go func() {
		frozen <- two[0].do(context.Background(), patient, func(t *tx) error {
			begun <- struct{}{}
			<-thaw
			_, err := t.exec(qSetTag, "github", "acme/shop", "v1", "c")
			return err
		}, two[0].marksNames(marks)...)
	}()
	<-begun
	before := time.Now()
	_, err := two[1].Add(t.Context(), marked("1", 1))
	close(thaw)
	if err != nil || time.Since(before) > longest {
		t.Errorf("Add after %v: %v", time.Since(before), err)
	}
	must(t, <-frozen) // it begins anew
}

// Round trips are what a database costs that is far away.
func TestRoundTripsArePinned(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, "log_statement=all")
	s := openedPostgres(t, server.URL("postgres"))
	ctx := t.Context()
	said := func() int {
		log := server.Log(t)
		return strings.Count(log, "LOG:  execute ") + strings.Count(log, "LOG:  statement: ")
	}
	var work gate.Work
	steps := []struct {
		what string
		most int
		do   func(id string) error
	}{
		{"a delivery", 7, func(id string) error { _, err := s.Add(ctx, marked(id, 1)); return err }},
		{"a claim", 6, func(string) error {
			works, err := s.Claim(ctx, 1, time.Minute)
			if err == nil {
				work = works[0]
			}
			return err
		}},
		{"a heartbeat", 3, func(string) error { return s.Extend(ctx, work, time.Minute) }},
		{"a finish with a decision and an entry", 14, func(id string) error {
			return s.Finish(ctx, work, gate.Outcome{Facts: []byte(id), Sources: []byte("same"), Subject: &gate.SubjectState{Open: true}, Posted: []gate.Posted{{Name: "a", Commit: id}},
				Entries: []gate.Entry{{Reason: "x"}}, Decision: &gate.Decision{ID: id, Subject: work.Mark.Subject(), At: time.Now()}})
		}},
		{"an empty claim", 1, func(string) error { _, err := s.Claim(ctx, 1, time.Minute); return err }},
	}
	took := make([]int, len(steps))
	for round := range 3 * (ingestPens + workPens) { // each has to connect and to prepare once; now and then the clock is asked
		for i, step := range steps {
			before := said()
			must(t, step.do(fmt.Sprint("x", round)))
			if n := said() - before; round == 0 || n < took[i] {
				took[i] = n
			}
		}
	}
	for i, step := range steps {
		t.Logf("%s: %d round trips", step.what, took[i])
		if took[i] > step.most {
			t.Errorf("%s takes %d round trips, want %d at most", step.what, took[i], step.most)
		}
	}
}

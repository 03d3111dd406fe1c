package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

const backupUsage = `usage: sluice backup FILE

Copies the SQLite database of SLUICE_DATABASE (sqlite:sluice.db) into a new file while the server runs, and verifies the copy:
by SQLite's own check and by the chain of the audit log. It never writes over a file. To restore, stop the server and let
SLUICE_DATABASE name the file, or a copy of it. For PostgreSQL it says which command of the database's own makes a backup.

Exit: 0 the backup is made and whole; 2 there is none.
`

// backupCommand makes a backup beside a server that is running.
func backupCommand(ctx context.Context, p process) int {
	flags := flag.NewFlagSet("sluice backup", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), backupUsage) }
	args, err := parseAnywhere(flags, p.args, p.stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	if len(args) != 1 {
		fmt.Fprint(p.stderr, "sluice backup: it takes the file to make\n", backupUsage)
		return exitFailed
	}
	at := databaseOf(p.getenv)
	if dump, restore, ok := store.DumpCommand(at, args[0]); ok {
		fmt.Fprintf(p.stderr, "sluice backup: no backup was made, for PostgreSQL makes its own: run\n  %s\nand restore it into an empty database with\n  %s\n", gate.Plain(dump), gate.Plain(restore))
		return exitFailed
	}
	done, err := backup(ctx, at, args[0])
	if err != nil {
		fmt.Fprintln(p.stderr, "sluice backup:", gate.Plain(err.Error()))
		return exitFailed
	}
	fmt.Fprintf(p.stdout, "%s: %d bytes, schema %d, whole; the audit log ends with entry %d, %s.\n", gate.Plain(done.File), done.Bytes, done.Schema, done.Audit.Seq, done.Audit.Hash)
	return exitOpen
}

func backup(ctx context.Context, at, file string) (*store.BackedUp, error) {
	s, err := store.Open(ctx, store.Options{URL: at, Beside: true})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Backup(ctx, file)
}

// databaseOf is what SLUICE_DATABASE says, or what it is when it says nothing.
func databaseOf(getenv func(string) string) string {
	if at := getenv("SLUICE_DATABASE"); at != "" {
		return at
	}
	return "sqlite:sluice.db"
}

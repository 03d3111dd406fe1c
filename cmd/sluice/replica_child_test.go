package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// replicaLease says how long the leases of a replica last; set, the test binary is no test but a server, on the clock of its
// database.
const replicaLease = "SERVE_LEASE"

// serveReplica serves until it is told to end, where that is asked for.
func serveReplica() (code int, is bool) {
	text, is := os.LookupEnv(replicaLease)
	if !is {
		return 0, false
	}
	length, err := time.ParseDuration(text)
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		err = serve(ctx, process{environ: os.Environ(), stderr: os.Stderr}, outside{lease: length, drain: 3 * time.Second},
			func(a net.Addr) { fmt.Println("listening", a) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sluice serve:", err)
		return exitFailed, true
	}
	return exitOpen, true
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// The pages over a made-up database, for somebody who may read everything and do nothing.

// everything is a Sight that hides nothing: there is no forge to ask, and nothing to hide.
type everything struct{}

var _ dashboard.Sight = everything{}

func (everything) Repos(_ context.Context, _ dashboard.Person, repos []gate.Repo) ([]gate.Repo, error) {
	return repos, nil
}

func (everything) Role(context.Context, dashboard.Person, gate.Repo) (string, error) {
	return "read", nil
}

// madeUpOwners are who owns what in every made-up repository.
type madeUpOwners struct{}

func (madeUpOwners) CodeOwners(_ context.Context, _ checks.Subject, _ string, paths []string) (path, text string, err error) {
	return paths[0], "* @acme/developers\n/config/ @acme/operations\n/migrations/ @acme/data\n", nil
}

// seededPages are the pages over a store, with somebody who looks at them.
func seededPages(st *store.Store, sight dashboard.Sight) (http.Handler, error) {
	b, err := dashboard.New(decisions{st}, true, version(), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	b.Open(&dashboard.Pages{Library: library{st}, Sight: sight, Now: st.Now, Queue: workList{st}, Reports: &reports{Store: st}, Rejudge: st, Tables: timetables{st, &gate.Reconciler{Book: st}}, Owners: madeUpOwners{}})
	who := &onlooker{dashboard.Person{Forge: "github", ID: "8", Login: "bo", Admin: true, Guest: true}}
	return who.wrap(b.Handler()), nil
}

// showSeeded serves them until it is told to stop, on this machine alone: nobody signs in.
func showSeeded(ctx context.Context, st *store.Store, addr string, out io.Writer) error {
	h, err := seededPages(st, everything{})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return errors.Join(fmt.Errorf("--serve takes an address of this machine alone, such as 127.0.0.1:8080: nobody signs in there"), l.Close())
	}
	fmt.Fprintf(out, "The board is at http://%s/. End it with Ctrl-C.\n", l.Addr())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() }) //nolint:errcheck // it ends either way
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/store"
)

// drain is how long what is under way may take to end after a signal.
const drain = 20 * time.Second

// serveCommand runs the server until it is told to stop.
func serveCommand(ctx context.Context, p process) int {
	if len(p.args) > 0 {
		if slices.Contains([]string{"-h", "-help", "--help", "help"}, p.args[0]) {
			settingsHelp(p.stdout)
			return exitOpen
		}
		fmt.Fprintln(p.stderr, "sluice serve takes no arguments; all settings are environment variables, see `sluice serve --help`")
		return exitFailed
	}
	if err := serve(ctx, p, outside{}, nil); err != nil {
		fmt.Fprintln(p.stderr, "sluice serve:", err)
		return exitFailed
	}
	return exitOpen
}

// serve runs a server; listening, when not nil, is told the address once it is ready.
func serve(ctx context.Context, p process, o outside, listening func(net.Addr)) error {
	s, err := readSettings(ctx, p.environ)
	if err != nil {
		return err
	}
	log := s.logger(p.stderr)
	if o.tracing, err = newTracing(ctx, p.getenv, log); err != nil {
		return err
	}
	defer func() {
		if err := o.tracing.end(ctx); err != nil {
			log.Warn("the last traces could not be sent", "err", err)
		}
	}()
	v, err := assemble(ctx, s, o, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := v.store.Close(); err != nil {
			log.Error("close the database", "err", err)
		}
	}()
	if err := v.begin(ctx); err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("SLUICE_ADDR: %w", err)
	}
	v.setup.announce(ctx)
	log.Info("ready", "address", l.Addr().String(), "version", version(), "dry_run", s.DryRun)
	if listening != nil {
		listening(l.Addr())
	}
	if p.getenv("GOGC") == "" {
		debug.SetGCPercent(200) // the heap is small: collecting half as often costs some ten megabytes under load
	}
	debug.FreeOSMemory() // what starting took and serving does not need
	return v.run(ctx, l)
}

// run serves and works until ctx is done, then lets what is under way end.
func (v *server) run(ctx context.Context, l net.Listener) error {
	web := &http.Server{Handler: v.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	web.RegisterOnShutdown(func() { v.live.Load().board.Hush() })
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error { return v.runner.Run(ctx) })
	g.Go(func() error { return v.refused.watch(ctx, v.logged) })
	g.Go(func() error { return v.setup.watch(ctx) })
	g.Go(func() error {
		if err := v.live.Load().board.Warm(ctx); err != nil && ctx.Err() == nil {
			v.log.Warn("overrides could not be read ahead of the page that counts them", "err", err)
		}
		return nil
	})
	g.Go(func() error { return v.notary.watch(ctx, v.log, v.metrics.verified) })
	g.Go(func() error {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		return web.Shutdown(end)
	})
	return g.Wait()
}

// logged are the forges whose logs of deliveries are gone through.
func (v *server) logged() []string { return slices.Sorted(maps.Keys(v.live.Load().reconciler.Missed)) }

// migrateCommand opens the database, which brings it up to date, and closes it.
func migrateCommand(ctx context.Context, p process) int {
	if len(p.args) > 0 {
		fmt.Fprintln(p.stderr, "usage: sluice migrate\n\nBrings the database of SLUICE_DATABASE up to date. `sluice serve` does so by itself.")
		return helpCode(p.args[0])
	}
	s, err := readSettings(ctx, p.environ)
	if err == nil {
		var st *store.Store
		if st, err = store.Open(ctx, store.Options{URL: s.Database, Log: s.logger(p.stderr)}); err == nil {
			err = st.Close()
		}
	}
	if err != nil {
		fmt.Fprintln(p.stderr, "sluice migrate:", err)
		return exitFailed
	}
	fmt.Fprintln(p.stdout, "the database is up to date")
	return exitOpen
}

func helpCode(arg string) int {
	if slices.Contains([]string{"-h", "-help", "--help", "help"}, arg) {
		return exitOpen
	}
	return exitFailed
}

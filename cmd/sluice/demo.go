package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/pretend"
)

// demoSecret signs the demo's webhooks. It guards nothing: both ends live in this process.
const demoSecret = "between the pretend forge and this very process"

// demoCommand tells the story and then keeps serving until it is told to stop.
func demoCommand(ctx context.Context, p process) int {
	if len(p.args) > 0 && p.args[0] == "seed" {
		p.args = p.args[1:]
		return seedCommand(ctx, p)
	}
	flags := flag.NewFlagSet("sluice demo", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "listen address; another free port is taken when it is in use")
	once := flags.Bool("once", false, "end after the story instead of serving on")
	verbose := flags.Bool("v", false, "log what the server does")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: sluice demo [FLAGS], or `sluice demo seed`, which fills a database with a large place that is made up")
		flags.PrintDefaults()
	}
	if err := flags.Parse(p.args); err != nil {
		return helpOr(err, exitFailed)
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(p.stderr, "sluice demo: %q is one argument too many; see `sluice demo --help`\n", flags.Arg(0))
		return exitFailed
	}
	log := slog.New(slog.DiscardHandler)
	if *verbose {
		log = slog.New(slog.NewTextHandler(p.stderr, nil))
	}
	if err := demo(ctx, *addr, *once, p.stdout, log); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(p.stderr, "sluice demo:", err)
		return exitFailed
	}
	fmt.Fprintln(p.stdout, "\nThe demo has ended; it left nothing behind.")
	return exitOpen
}

func demo(ctx context.Context, addr string, once bool, out io.Writer, log *slog.Logger) (err error) {
	dir, err := os.MkdirTemp("", "sluice-demo-")
	if err != nil {
		return fmt.Errorf("make room for the database: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &stage{out: out, forge: pretend.New(pretend.Options{Secret: demoSecret}), told: map[string]string{}}
	forge, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open the pretend forge: %w", err)
	}
	d.forge.Served("http://" + forge.Addr().String())
	l, err := net.Listen("tcp", addr)
	if err != nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	d.url = "http://" + l.Addr().String()
	d.forge.Hooks(pretend.Target{URL: d.url + "/webhook/github"})
	if d.server, err = assemble(ctx, d.settings(dir, "http://"+forge.Addr().String()), outside{onlooker: d.viewer()}, log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.server.store.Close()) }()
	return d.play(ctx, forge, l, once)
}

// stage is where the story is played: a pretend forge, a real server, and the one who tells.
type stage struct {
	out    io.Writer
	url    string
	forge  *pretend.Forge
	server *server
	told   map[string]string // by check, or what else was shown: what it said last
}

// settings are those of a server whose GitHub is the pretend forge.
func (d *stage) settings(dir, forge string) settings {
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(d.forge.Key())})
	return settings{
		PublicURL: d.url, Database: "sqlite:" + filepath.Join(dir, "demo.db"),
		Sweep: duration(10 * time.Minute), Keep: duration(24 * time.Hour), LogFormat: "text", LogLevel: "info",
		GitHub: github.Settings{URL: forge, AppID: d.forge.AppID(), PrivateKey: string(key), WebhookSecret: demoSecret},
	}
}

// play serves the forge and the server, tells the story beside them, and waits for the end.
func (d *stage) play(ctx context.Context, forge, l net.Listener, once bool) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	fmt.Fprintf(d.out, "The board is at %s/ and fills as the story goes.\n\n", d.url)
	g, ctx := errgroup.WithContext(ctx)
	pretended := &http.Server{Handler: d.forge.Handler(), ReadHeaderTimeout: 10 * time.Second}
	g.Go(func() error {
		if err := pretended.Serve(forge); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error { <-ctx.Done(); return pretended.Close() })
	g.Go(func() error { return d.server.run(ctx, l) })
	g.Go(func() error {
		if err := d.story(ctx); err != nil {
			return err
		}
		if once {
			stop()
			return nil
		}
		if err := d.second(ctx); err != nil {
			return err
		}
		fmt.Fprintf(d.out, `
One more change is merged, and well in integration. Production is yours: open %s/, where you are cy, a release
manager, and press *Deploy* and *Approve* at production. The pipeline does the rest.

Sluice keeps running at %s; the links above open the decisions. End it with Ctrl-C.
`, d.url, d.url)
		return d.deploying(ctx)
	})
	return g.Wait()
}

// settled waits until the server has worked off all that the forge told it, and until the forge shows what takes its time.
func (d *stage) settled(ctx context.Context, comes string) error {
	if list, err := d.forge.Deliver(ctx, pretend.Order{}); err != nil {
		return fmt.Errorf("deliver %d webhooks: %w", len(list), err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		q, err := d.server.store.Stats(ctx)
		if err != nil {
			return err
		}
		if q.Waiting == 0 && q.Running == 0 && d.promoted(comes) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

var _ gate.Provider = (*github.Client)(nil) // the demo goes through the real client, not past it

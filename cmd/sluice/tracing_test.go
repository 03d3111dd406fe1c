package main

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/store"
)

// collector receives traces as OpenTelemetry's own does.
type collector struct {
	url string

	mu     sync.Mutex
	got    []*spans.Span
	about  map[string]string // of the process
	bodies []byte
	zipped bool
	bad    []string
}

func newCollector(t *testing.T) *collector {
	c := &collector{about: map[string]string{}}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

// ServeHTTP implements http.Handler.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
		c.zipped = true
	}
	b, err := io.ReadAll(body)
	var q collect.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(b, &q)
	}
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.bad = append(c.bad, r.Method+" "+r.URL.Path)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.bodies = append(c.bodies, b...)
	for _, rs := range q.ResourceSpans {
		for _, a := range rs.Resource.Attributes {
			c.about[a.Key] = a.Value.GetStringValue()
		}
		for _, ss := range rs.ScopeSpans {
			c.got = append(c.got, ss.Spans...)
		}
	}
}

// of are the spans of one trace, oldest first.
func (c *collector) of(id []byte) (all []*spans.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.got {
		if string(s.TraceId) == string(id) {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b *spans.Span) int { return int(int64(a.StartTimeUnixNano) - int64(b.StartTimeUnixNano)) })
	return all
}

// until waits for a span that is sent and looks as wanted.
func (c *collector) until(t *testing.T, from *tracing, what string, is func(*spans.Span) bool) *spans.Span {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); runtime.Gosched() {
		if err := from.provider.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		i := slices.IndexFunc(c.got, is)
		c.mu.Unlock()
		if i >= 0 {
			return c.got[i]
		}
	}
	t.Fatalf("no %s was sent", what)
	return nil
}

func attr(s *spans.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			if v := a.Value.GetStringValue(); v != "" {
				return v
			}
			return strconv.FormatInt(a.Value.GetIntValue(), 10)
		}
	}
	return ""
}

// TestOneDeliveryIsOneTrace sets the variables of the process, which the library reads: it runs beside no other test.
func TestOneDeliveryIsOneTrace(t *testing.T) {
	c := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.url)
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	to, err := newTracing(t.Context(), os.Getenv, slog.New(slog.DiscardHandler))
	if err != nil || to == nil {
		t.Fatalf("newTracing = %v, %v", to, err)
	}
	d := stagedIn(t, 0, outside{tracing: to})
	t.Cleanup(func() {
		if err := to.end(context.Background()); err != nil {
			t.Error(err)
		}
	})
	const branch = "gift-\u202e<b>`$(x)`"
	if _, err := d.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "feat: gift cards for all", Branch: branch, Commits: []pretend.Commit{{
		Message: "feat: gift cards for all", Files: pretend.Texts(map[string]string{"gift.go": "package shop\n"})}}}); err != nil {
		t.Fatal(err)
	}
	d.work(t)
	opened := c.until(t, to, "delivery of the opened change", func(s *spans.Span) bool {
		return s.Name == "delivery pull_request" && attr(s, "sluice.action") == "opened"
	})
	c.until(t, to, "work on the change", func(s *spans.Span) bool {
		return s.Name == "work change" && string(s.TraceId) == string(opened.TraceId)
	})

	all, ids := c.of(opened.TraceId), map[string]bool{}
	for _, s := range all {
		ids[string(s.SpanId)] = true
	}
	count := map[string]int{}
	for _, s := range all {
		kind, _, _ := strings.Cut(s.Name, " ")
		count[kind]++
		if len(s.ParentSpanId) == 0 {
			count["root"]++
		} else if !ids[string(s.ParentSpanId)] {
			t.Errorf("%s hangs on a span that is not there", s.Name)
		}
		if kind == "forge" {
			if code := attr(s, "http.response.status_code"); code < "200" || code > "599" || attr(s, "sluice.route") == "" {
				t.Errorf("%s says neither its route nor its status: %v", s.Name, s.Attributes)
			}
		}
	}
	if count["root"] != 1 || count["delivery"] != 1 || count["store"] < 2 || count["work"] < 1 || count["judge"] < 1 || count["forge"] < 2 {
		t.Errorf("the trace of the delivery holds %v, want one root, its storing, its work, judging and calls to the forge", count)
	}
	if c.about["service.name"] != "sluice" || c.about["deployment.environment.name"] != "test" {
		t.Errorf("the process is described as %v", c.about)
	}
	for _, secret := range []string{demoSecret, "ghs_", "Bearer", "gift cards for all", "BEGIN"} {
		if strings.Contains(string(c.bodies), secret) {
			t.Errorf("the traces tell %q", secret)
		}
	}
	roots := map[string]int{}
	for _, s := range c.got {
		if strings.HasPrefix(s.Name, "delivery ") {
			roots[string(s.TraceId)]++
		}
	}
	for id, n := range roots {
		if n != 1 {
			t.Errorf("trace %x is of %d deliveries", id, n)
		}
	}
	if len(c.bad) > 0 || !c.zipped {
		t.Errorf("the collector did not understand %q; zipped %v, want true", c.bad, c.zipped)
	}
}

// Words of strangers cannot spoil what is sent with them, nor what shows it.
func TestHostileWordsAreSent(t *testing.T) {
	c := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.url+"/v1/traces")
	to, err := newTracing(t.Context(), os.Getenv, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	evil := "\xff\x00\x1b[31m\n\u202e" + strings.Repeat("a\xf0\x28", 10_000)
	in := to.inbox(inboxFunc(func(gate.Delivery) (bool, error) { return true, nil }))
	if _, err := in.Add(t.Context(), gate.Delivery{Forge: "github", ID: evil, Event: evil, Action: evil}); err != nil {
		t.Fatal(err)
	}
	m := gate.Mark{Kind: gate.MarkBase, Forge: "github", Repo: "acme/shop", Base: evil, Why: evil, Delivery: evil}
	ctx, ended := to.began(t.Context(), gate.Work{Mark: m, Causes: []gate.Mark{m}})
	to.call(ctx, evil, evil, time.Millisecond)
	to.judged(ctx, &gate.Decision{ID: evil, Commit: evil}, time.Millisecond)
	ended(errors.New(evil))
	if err := to.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(c.got) != 5 || len(c.bad) != 0 {
		t.Fatalf("%d spans came, and %q was not understood; want all 5", len(c.got), c.bad)
	}
	for _, s := range c.got {
		if string(s.TraceId) != string(c.got[0].TraceId) {
			t.Errorf("%.40q is in another trace", s.Name)
		}
		texts := []string{s.Name, s.Status.GetMessage()}
		for _, a := range s.Attributes {
			texts = append(texts, a.Value.GetStringValue())
		}
		for _, text := range texts {
			if !utf8.ValidString(text) || len(text) > 1000 || strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, "\u202e") {
				t.Errorf("%.40q of %d bytes was sent", text, len(text))
			}
		}
	}
}

type inboxFunc func(gate.Delivery) (bool, error)

func (f inboxFunc) Add(_ context.Context, d gate.Delivery) (bool, error) { return f(d) }

// Without the setting nothing is made, and a server runs nothing of the library.
func TestNothingIsTracedWithoutTheSetting(t *testing.T) {
	for _, environ := range [][]string{nil, {"OTEL_EXPORTER_OTLP_ENDPOINT="}, {"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_SDK_DISABLED=true"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_TRACES_EXPORTER=none"}, {"OTEL_SERVICE_NAME=sluice"}} {
		if to, err := newTracing(t.Context(), process{environ: environ}.getenv, slog.New(slog.DiscardHandler)); to != nil || err != nil {
			t.Errorf("newTracing with %q = %v, %v, want nothing", environ, to, err)
		}
	}
	s := served(t)
	stacks := make([]byte, 8<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if at := strings.Index(string(stacks), "go.opentelemetry.io"); at >= 0 {
		t.Errorf("a goroutine of OpenTelemetry runs:\n%.600s", stacks[at:])
	}
	s.end(t)
	if err := (*tracing)(nil).end(t.Context()); err != nil {
		t.Error(err)
	}
	environ := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}
	if _, err := newTracing(t.Context(), process{environ: environ}.getenv, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), "OTEL_EXPORTER_OTLP_PROTOCOL: ") {
		t.Errorf("newTracing by gRPC = %v, want an error that names the setting", err)
	}
}

// What works on a delivery may be another process than the one that received it, and then knows no more than its name.
func TestWorkFindsTheTraceOfItsDelivery(t *testing.T) {
	t.Parallel()
	for name, sampler := range map[string]sdktrace.Sampler{"all": sdktrace.AlwaysSample(), "some": sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.5))} {
		kept := tracetest.NewInMemoryExporter()
		here := tracingTo(sdktrace.WithSyncer(kept), sdktrace.WithSampler(sampler))
		there := tracingTo(sdktrace.WithSyncer(kept), sdktrace.WithSampler(sampler))
		in := here.inbox(inboxFunc(func(gate.Delivery) (bool, error) { return true, nil }))
		whole := 0
		for i := range 100 {
			kept.Reset()
			id := strconv.Itoa(i)
			if _, err := in.Add(t.Context(), gate.Delivery{Forge: "github", ID: id, Event: "push"}); err != nil {
				t.Fatal(err)
			}
			_, ended := there.began(t.Context(), gate.Work{Mark: gate.Mark{Kind: gate.MarkChange, Forge: "github"},
				Causes: []gate.Mark{{Why: "sweep"}, {Delivery: id}, {Delivery: id}, {Delivery: "later"}}})
			ended(nil)
			got := kept.GetSpans()
			if len(got) == 0 && name == "some" {
				continue
			}
			if len(got) != 3 {
				t.Fatalf("%s: delivery %s has %d spans, want 3 or none", name, id, len(got))
			}
			whole++
			root, work := got[1], got[2]
			if work.Parent.SpanID() != root.SpanContext.SpanID() || work.SpanContext.TraceID() != root.SpanContext.TraceID() || len(work.Links) != 1 {
				t.Errorf("%s: the work hangs on %v with %d links, want on %v with one", name, work.Parent, len(work.Links), root.SpanContext)
			}
		}
		if name == "some" && (whole < 20 || whole > 80) || name == "all" && whole != 100 {
			t.Errorf("%s: %d of 100 are whole", name, whole)
		}
	}
}

// What came already and what could not be kept: the one has its trace, the other gets it when it comes again.
func TestTraceBeginsWhenADeliveryIsKept(t *testing.T) {
	t.Parallel()
	kept := tracetest.NewInMemoryExporter()
	to := tracingTo(sdktrace.WithSyncer(kept))
	answers := []error{errors.New("the disk is full"), nil, nil}
	in := to.inbox(inboxFunc(func(gate.Delivery) (bool, error) {
		err := answers[0]
		answers = answers[1:]
		return err == nil && len(answers) == 1, err
	}))
	for range 3 {
		_, _ = in.Add(t.Context(), gate.Delivery{Forge: "github", ID: "1", Event: "push"})
	}
	got := kept.GetSpans()
	if len(got) != 4 || got[1].Status.Description != "the disk is full" || got[3].Status.Description != "" || got[1].SpanContext.SpanID() == got[3].SpanContext.SpanID() ||
		got[1].SpanContext.TraceID() != got[3].SpanContext.TraceID() {
		t.Errorf("failed, kept and had: %d spans %v, want two of the first and two of the second, in one trace", len(got), got)
	}
}

// What other work raised goes on in its trace.
func TestRaisedWorkGoesOnInTheTrace(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "sluice.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	kept := tracetest.NewInMemoryExporter()
	to := tracingTo(sdktrace.WithSyncer(kept))
	q := to.queue(queue{s})
	base := gate.Mark{Kind: gate.MarkBase, Forge: "github", Repo: "acme/shop", Base: "main", Why: "push"}
	if _, err := to.inbox(s).Add(t.Context(), gate.Delivery{Forge: "github", ID: "d1", Event: "push", Body: []byte("{}"), Marks: []gate.Mark{base}}); err != nil {
		t.Fatal(err)
	}
	for _, raises := range [][]gate.Mark{{{Kind: gate.MarkChange, Forge: "github", Repo: "acme/shop", Change: 7, Why: "base"}}, nil} {
		works, err := q.Claim(t.Context(), 1, time.Minute)
		if err != nil || len(works) != 1 {
			t.Fatalf("Claim = %v, %v, want one piece", works, err)
		}
		ctx, ended := to.began(t.Context(), works[0])
		err = q.Finish(ctx, works[0], gate.Outcome{Marks: raises})
		ended(err)
		if err != nil {
			t.Fatal(err)
		}
	}
	got := kept.GetSpans()
	if len(got) != 6 {
		t.Fatalf("%d spans, want receipt, storing, and two pieces of work with their outcomes", len(got))
	}
	for _, s := range got {
		if s.SpanContext.TraceID() != originOf("github", "d1").trace {
			t.Errorf("%s is in another trace", s.Name)
		}
	}
	if to.brought.Len() != 0 {
		t.Errorf("%d pieces of work are still kept in mind", to.brought.Len())
	}
}

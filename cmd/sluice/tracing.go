package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// tracing tells an OpenTelemetry collector what became of each delivery: one trace from its receipt, through the store, to the
// work that it brought about, what was judged and what the forge was asked. It tells routes and statuses, and no token, no body
// and no title. A nil one tells nothing, and costs nothing.
type tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	brought  *lru.Cache[string, trace.SpanContext] // by work that other work raised: whose it is
}

// remembered is how many pieces of work that other work raised are kept in mind until they are taken up.
const remembered = 4096

// newTracing is nil where the environment names no collector. The variables are OpenTelemetry's own: where to, with which
// headers and certificates, and, read by its library, how much (OTEL_TRACES_SAMPLER) and under which name (OTEL_SERVICE_NAME).
func newTracing(ctx context.Context, getenv func(string) string, log *slog.Logger) (*tracing, error) {
	if !traced(getenv) {
		return nil, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := getenv(name); p != "" && p != "http/protobuf" {
			return nil, fmt.Errorf("%s: %q is not spoken here; set http/protobuf, and the collector's port for that, 4318 mostly", name, p)
		}
	}
	sender, err := newTraceSender(getenv)
	if err != nil {
		return nil, err
	}
	to, err := otlptrace.New(ctx, sender)
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "sluice"), attribute.String("service.version", version())), resource.WithFromEnv())
	if err != nil {
		log.Warn("traces tell less of this process than they should", "err", err)
	}
	return tracingTo(sdktrace.WithBatcher(quiet{to, log}), sdktrace.WithResource(about)), nil
}

// traced says whether somebody is there to be told.
func traced(getenv func(string) string) bool {
	off := strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || strings.EqualFold(getenv("OTEL_TRACES_EXPORTER"), "none")
	return !off && (getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "")
}

func tracingTo(options ...sdktrace.TracerProviderOption) *tracing {
	brought, err := lru.New[string, trace.SpanContext](remembered)
	if err != nil {
		panic(err) // the size is a constant above zero
	}
	p := sdktrace.NewTracerProvider(append(options, sdktrace.WithIDGenerator(idsOf{}))...)
	return &tracing{p, p.Tracer("github.com/sluicegate/sluice"), brought}
}

// end sends what was not sent yet.
func (t *tracing) end(ctx context.Context) error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return t.provider.Shutdown(ctx)
}

// quiet logs that traces cannot be sent, in words of ours: what the library would say goes past the log, and can hold addresses
// with passwords in them.
type quiet struct {
	sdktrace.SpanExporter
	log *slog.Logger
}

// ExportSpans implements sdktrace.SpanExporter.
func (q quiet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := q.SpanExporter.ExportSpans(ctx, spans); err != nil {
		q.log.Warn("traces could not be sent, and are lost: look at OTEL_EXPORTER_OTLP_ENDPOINT and at the collector", "spans", len(spans))
	}
	return nil
}

// attributed is an attribute whose value others may have written: one line of valid text, for a wrong byte would spoil all that is
// sent with it.
func attributed(key, value string) attribute.KeyValue {
	return attribute.String("sluice."+key, line(value))
}

// failed marks a span where there is an error.
func failed(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, line(err.Error()))
	}
}

func line(text string) string {
	return checks.Clip(gate.Plain(strings.ToValidUTF8(text, "\uFFFD")), 300)
}

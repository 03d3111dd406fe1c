package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/webhook"
)

// A delivery's trace has an id that follows from the delivery's own, so that whoever works on it later, in another process or
// after a restart, finds the trace again although nothing of it is stored.

type originKey struct{}

// origin is what the ids of a delivery's trace are.
type origin struct {
	trace trace.TraceID
	span  trace.SpanID // of the receipt; zero: any
}

func originOf(forge, delivery string) (o origin) {
	sum := sha256.Sum256([]byte(forge + "\x00" + delivery))
	copy(o.trace[:], sum[:])
	copy(o.span[:], sum[len(o.trace):])
	return o
}

// idsOf gives a span that begins a trace the ids of its delivery, and every other one random ones.
type idsOf struct{}

// NewIDs implements sdktrace.IDGenerator.
func (g idsOf) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	o, _ := ctx.Value(originKey{}).(origin)
	if o.trace.IsValid() {
		id = o.trace
	} else {
		_, _ = rand.Read(id[:]) // never fails, by its documentation
	}
	if o.span.IsValid() {
		return id, o.span
	}
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements sdktrace.IDGenerator.
func (idsOf) NewSpanID(context.Context, trace.TraceID) (span trace.SpanID) {
	_, _ = rand.Read(span[:])
	return span
}

type receiptKey struct{}

// receives notes when a request came in: its delivery is known only when it was read and found authentic. What is not leaves no
// trace, and neither does a traceparent that a stranger sends count.
func (t *tracing) receives(h http.Handler) http.Handler {
	if t == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), receiptKey{}, time.Now())))
	})
}

// inbox tells of every delivery that is new, after it is kept.
func (t *tracing) inbox(in webhook.Inbox) webhook.Inbox {
	if t == nil {
		return in
	}
	return tracedInbox{in, t}
}

type tracedInbox struct {
	webhook.Inbox
	t *tracing
}

// Add implements webhook.Inbox.
func (i tracedInbox) Add(ctx context.Context, d gate.Delivery) (bool, error) {
	began := time.Now()
	added, err := i.Inbox.Add(ctx, d)
	if !added && err == nil {
		return added, err // its trace was begun when it came first
	}
	o, received := originOf(d.Forge, d.ID), began
	if at, ok := ctx.Value(receiptKey{}).(time.Time); ok {
		received = at
	}
	if err != nil {
		o.span = trace.SpanID{} // it will come again, and begin then
	}
	ctx, span := i.t.tracer.Start(context.WithValue(ctx, originKey{}, o), line("delivery "+d.Event), trace.WithNewRoot(), trace.WithTimestamp(received),
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributed("forge", d.Forge), attributed("delivery", d.ID), attributed("event", d.Event), attributed("action", d.Action)))
	_, kept := i.t.tracer.Start(ctx, "store delivery", trace.WithTimestamp(began), trace.WithAttributes(attribute.Int("sluice.marks", len(d.Marks))))
	failed(kept, err)
	kept.End()
	failed(span, err)
	span.End()
	return added, err
}

// at is the span of a delivery's receipt, as far as another process can know it. It is begun once more and never ended, so that
// it is sent to nobody: only the sampler knows whether the first one was.
func (t *tracing) at(ctx context.Context, o origin) trace.SpanContext {
	_, again := t.tracer.Start(context.WithValue(ctx, originKey{}, o), "delivery", trace.WithNewRoot())
	return again.SpanContext().WithRemote(true)
}

// began is told by the gate. Work goes on in the trace of the oldest delivery that asks for it, and names the others; what other
// work raised goes on in that one's trace, where this process did it.
func (t *tracing) began(ctx context.Context, w gate.Work) (context.Context, func(error)) {
	var parents []trace.SpanContext
	seen := map[string]bool{}
	for _, c := range w.Causes {
		if c.Delivery != "" && !seen[c.Delivery] {
			seen[c.Delivery] = true
			parents = append(parents, t.at(ctx, originOf(w.Mark.Forge, c.Delivery)))
		}
	}
	if by, ok := t.brought.Get(keyOf(w.Mark)); ok {
		t.brought.Remove(keyOf(w.Mark))
		parents = append(parents, by)
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attributed("forge", w.Mark.Forge),
		attributed("work", w.Mark.Key()), attributed("why", w.Mark.Why), attribute.Int64("sluice.attempt", w.Attempt))}
	if len(parents) > 0 {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parents[0])
		for _, p := range parents[1:] {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: p}))
		}
	}
	ctx, span := t.tracer.Start(ctx, "work "+string(w.Mark.Kind), options...)
	return ctx, func(err error) {
		failed(span, err)
		span.End()
	}
}

func keyOf(m gate.Mark) string { return string(m.Kind) + " " + m.Key() }

// judged is told by the gate.
func (t *tracing) judged(ctx context.Context, d *gate.Decision, took time.Duration) {
	now := time.Now()
	_, span := t.tracer.Start(ctx, "judge", trace.WithTimestamp(now.Add(-took)), trace.WithAttributes(attributed("subject", d.Subject.Key()),
		attributed("commit", d.Commit), attributed("gate", d.Gate.Outcome.String()), attributed("decision", d.ID)))
	for _, v := range d.Verdicts {
		span.AddEvent("verdict", trace.WithTimestamp(now), trace.WithAttributes(attributed("check", v.Check), attributed("outcome", v.Outcome.String())))
	}
	span.End(trace.WithTimestamp(now))
}

// call is told by the client of a forge. What was asked outside of any work, as by a person at the doctor, is in no trace.
func (t *tracing) call(ctx context.Context, route, status string, took time.Duration) {
	if t == nil || !trace.SpanContextFromContext(ctx).IsValid() {
		return
	}
	now := time.Now()
	_, span := t.tracer.Start(ctx, line("forge "+route), trace.WithTimestamp(now.Add(-took)), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributed("route", route)))
	code, err := strconv.Atoi(status)
	if err == nil {
		span.SetAttributes(attribute.Int("http.response.status_code", code))
	}
	if err != nil || code >= 400 {
		span.SetStatus(codes.Error, line(status))
	}
	span.End(trace.WithTimestamp(now))
}

// queue tells of what came of work being written down, and keeps in mind whose the work is that it raises.
func (t *tracing) queue(q queue) gate.Queue {
	if t == nil {
		return q
	}
	return tracedQueue{q, t}
}

type tracedQueue struct {
	queue
	t *tracing
}

// Finish implements gate.Queue.
func (q tracedQueue) Finish(ctx context.Context, w gate.Work, o gate.Outcome) error {
	ctx, span := q.t.tracer.Start(ctx, "store outcome", trace.WithAttributes(attribute.Int("sluice.raised", len(o.Marks)+len(o.Beside)), attributed("note", o.Note)))
	defer span.End()
	for _, marks := range [][]gate.Mark{o.Marks, o.Beside} {
		for _, m := range marks {
			q.t.brought.Add(keyOf(m), trace.SpanContextFromContext(ctx))
		}
	}
	err := q.queue.Finish(ctx, w, o)
	failed(span, err)
	return err
}

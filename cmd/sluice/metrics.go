package main

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluicegate/sluice/gate"
)

// metrics are what /metrics shows, in the registry of one server.
type metrics struct {
	registry   *prometheus.Registry
	deliveries *prometheus.CounterVec
	decisions  *prometheus.CounterVec
	posted     prometheus.Histogram
	worked     *prometheus.CounterVec
	calls      *prometheus.CounterVec
	callTime   *prometheus.HistogramVec
	quota      *prometheus.GaugeVec
	intact     *prometheus.GaugeVec // without labels: there is none before the log was first verified
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_deliveries_total",
			Help: "Webhook deliveries, by event and by what was answered."}, []string{"event", "outcome"}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_decisions_total",
			Help: "Verdicts, by check and outcome."}, []string{"check", "outcome"}),
		posted: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "sluice_event_to_posted_seconds",
			Help: "From receiving an event to what it changed being shown.", Buckets: prometheus.ExponentialBuckets(0.01, 2.5, 12)}),
		worked: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_work_total",
			Help: "Pieces of work, by kind and by whether they must be tried again."}, []string{"kind", "outcome"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_forge_calls_total",
			Help: "Calls to the forge, by route and status."}, []string{"route", "status"}),
		callTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sluice_forge_call_seconds",
			Help: "How long calls to the forge took, by route.", Buckets: prometheus.ExponentialBuckets(0.005, 2.5, 10)}, []string{"route"}),
		quota: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_forge_quota_remaining",
			Help: "What the forge said was left of an installation's quota, by resource."}, []string{"installation", "resource"}),
		intact: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_audit_intact",
			Help: "Whether the audit log was whole when it was last verified: 0 says that it was altered."}, nil),
	}
	m.registry.MustRegister(m.deliveries, m.decisions, m.posted, m.worked, m.calls, m.callTime, m.quota, m.intact,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observer is told by the gate.
func (m *metrics) observer() gate.Observer {
	return gate.Observer{
		Decided: func(check, outcome string) { m.decisions.WithLabelValues(check, outcome).Inc() },
		Posted:  func(d time.Duration) { m.posted.Observe(d.Seconds()) },
		Worked:  func(kind gate.MarkKind, outcome string) { m.worked.WithLabelValues(string(kind), outcome).Inc() },
	}
}

// observer is told by the gate: it counts, and traces where somebody is there to be told.
func (v *server) observer() gate.Observer {
	o := v.metrics.observer()
	if v.tracing != nil {
		o.Began, o.Judged = v.tracing.began, v.tracing.judged
	}
	return o
}

// called is told by the client of a forge.
func (v *server) called(ctx context.Context, route, status string, took time.Duration) {
	v.metrics.call(route, status, took)
	v.tracing.call(ctx, route, status, took)
}

// call counts a call to a forge.
func (m *metrics) call(route, status string, took time.Duration) {
	m.calls.WithLabelValues(route, status).Inc()
	m.callTime.WithLabelValues(route).Observe(took.Seconds())
}

// verified is told by whoever verified the audit log.
func (m *metrics) verified(intact bool) {
	m.intact.WithLabelValues().Set(map[bool]float64{true: 1, false: 0}[intact])
}

// queueDepth is what the store tells of its queue.
type queueDepth struct {
	waiting, running, dead int
	oldest                 time.Duration
}

// watchQueue adds gauges that are read when they are asked for.
func (m *metrics) watchQueue(read func(context.Context) (queueDepth, error)) {
	gauge := func(name, help string, value func(queueDepth) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			q, err := read(ctx)
			if err != nil {
				return -1
			}
			return value(q)
		}))
	}
	gauge("sluice_queue_depth", "Pieces of work that are due.", func(q queueDepth) float64 { return float64(q.waiting) })
	gauge("sluice_queue_running", "Pieces of work that are under way.", func(q queueDepth) float64 { return float64(q.running) })
	gauge("sluice_queue_dead", "Pieces of work that failed too often and wait for somebody.", func(q queueDepth) float64 { return float64(q.dead) })
	gauge("sluice_queue_oldest_seconds", "How long the oldest due piece of work has waited.", func(q queueDepth) float64 { return q.oldest.Seconds() })
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/gate"
)

// What the dashboard shows and the alerts ask for is what the server tells: a metric that is not there alarms nobody.
func TestDashboardAndAlertsNameWhatIsServed(t *testing.T) {
	t.Parallel()
	served := metricsServed(t)
	for file, least := range map[string]int{"grafana/sluice.json": 20, "prometheus/alerts.yaml": 10} {
		b, err := os.ReadFile(filepath.Join("../../deploy", file))
		if err != nil {
			t.Fatal(err)
		}
		var all any
		if err := yaml.NewDecoder(bytes.NewReader(b)).Decode(&all); err != nil { // JSON is YAML too
			t.Fatalf("%s: %v", file, err)
		}
		asked := expressions(all)
		if len(asked) < least {
			t.Errorf("%s asks for %d things, want %d or more", file, len(asked), least)
		}
		for _, e := range asked {
			names := regexp.MustCompile(`\b(sluice|process|go)_[a-z_]+`).FindAllString(e, -1)
			if len(names) == 0 && !strings.Contains(e, "up{") {
				t.Errorf("%s: %s asks for no metric of ours", file, e)
			}
			for _, name := range names {
				if kind := served[name]; kind == "" {
					t.Errorf("%s asks for %s, which /metrics does not serve", file, name)
				} else if counts := strings.Contains(e, "rate("+name) || strings.Contains(e, "increase("+name); kind == "gauge" && counts {
					t.Errorf("%s asks how fast %s grows, which is a gauge", file, name)
				}
			}
		}
	}
}

// expressions are the texts in PromQL that a dashboard or a file of rules holds.
func expressions(of any) (all []string) {
	switch v := of.(type) {
	case map[string]any:
		for key, in := range v {
			if text, ok := in.(string); ok && (key == "expr" || key == "definition") {
				all = append(all, text)
				continue
			}
			all = append(all, expressions(in)...)
		}
	case []any:
		for _, in := range v {
			all = append(all, expressions(in)...)
		}
	}
	return all
}

// metricsServed are the kinds of all metrics that a server can tell, by name.
func metricsServed(t *testing.T) map[string]string {
	t.Helper()
	v, err := assemble(t.Context(), settings{PublicURL: "http://localhost", Database: "sqlite:" + filepath.Join(t.TempDir(), "sluice.db"),
		Sweep: duration(time.Minute), Keep: duration(time.Hour)}, outside{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.store.Close() })
	o := v.observer()
	v.metrics.delivery("push", "stored")
	v.metrics.verified(true)
	v.metrics.left(1, "core", 1, 2, time.Time{})
	v.called(t.Context(), "GET /x", "200", time.Second)
	o.Decided("gate", "pass")
	o.Posted(time.Second)
	o.Worked(gate.MarkChange, "done")
	w := httptest.NewRecorder()
	v.handler.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text := w.Body.String() + quotaServed(t)
	kinds := map[string]string{}
	for name := range overridesServed() {
		kinds[name] = "counter"
	}
	for line := range strings.Lines(text) {
		var name, kind string
		if _, err := fmt.Sscanf(line, "# TYPE %s %s", &name, &kind); err != nil {
			continue
		}
		kinds[name] = kind
		if kind == "histogram" {
			kinds[name+"_bucket"], kinds[name+"_sum"], kinds[name+"_count"] = "counter", "counter", "counter"
		}
	}
	if len(kinds) < 30 {
		t.Fatalf("read %d metrics, want all:\n%s", len(kinds), text)
	}
	return kinds
}

// quotaServed is what is told of quotas once a forge was asked.
func quotaServed(t *testing.T) string {
	r := prometheus.NewRegistry()
	r.MustRegister(quotaMetrics{func() []gate.Quota {
		return []gate.Quota{{Forge: "github", Resource: "core", Limit: 2, Left: 1, Turned: map[string]int{"sweep": 1}}}
	}})
	s := httptest.NewServer(promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	defer s.Close()
	_, text := get(t, s.URL)
	return text
}

// overridesServed are the names of what is told of overrides once there is one.
func overridesServed() map[string]bool {
	c, names := make(chan *prometheus.Desc, 9), map[string]bool{}
	(*overrideMetrics)(nil).Describe(c)
	close(c)
	for d := range c {
		names[regexp.MustCompile(`sluice_[a-z_]+`).FindString(d.String())] = true
	}
	return names
}

// What is deployed waits longer for the end than the server takes for it.
func TestDeploymentsWaitForTheEnd(t *testing.T) {
	t.Parallel()
	longest := int((drain + 10*time.Second).Seconds())
	for file, pattern := range map[string]string{"sluice.service": `TimeoutStopSec=(\d+)s`, "compose.yaml": `stop_grace_period: (\d+)s`,
		"helm/sluice/templates/deployment.yaml": `terminationGracePeriodSeconds: (\d+)`} {
		b, err := os.ReadFile(filepath.Join("../../deploy", file))
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pattern).FindSubmatch(b)
		var seconds int
		if found != nil {
			err = json.Unmarshal(found[1], &seconds)
		}
		if err != nil || seconds < longest {
			t.Errorf("%s waits %d seconds for the end, want %d or more", file, seconds, longest)
		}
	}
}

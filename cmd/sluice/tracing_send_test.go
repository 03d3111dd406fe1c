package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// sending is a sender by these variables, each short of OTEL_EXPORTER_OTLP_, that does not wait long before it sends again.
func sending(t *testing.T, variables ...string) *traceSender {
	t.Helper()
	var environ []string
	for _, v := range variables {
		environ = append(environ, "OTEL_EXPORTER_OTLP_"+v)
	}
	s, err := newTraceSender(process{environ: environ}.getenv)
	if err != nil {
		t.Fatalf("newTraceSender(%q) = %v", variables, err)
	}
	s.http.RetryWaitMin, s.http.RetryWaitMax = time.Millisecond, time.Millisecond
	t.Cleanup(func() { _ = s.Stop(t.Context()) })
	return s
}

func TestWhereAndHowTracesAreSent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ variables, url, auth string }{
		{"ENDPOINT=http://a:4318", "http://a:4318/v1/traces", ""},
		{"ENDPOINT=https://a/base/ HEADERS=Authorization=Bearer%20x,api-key=y", "https://a/base/v1/traces", "Bearer x"},
		{"ENDPOINT=http://a TRACES_ENDPOINT=http://b:1/as/it/stands", "http://b:1/as/it/stands", ""},
		{"ENDPOINT=http://a HEADERS=authorization=all TRACES_HEADERS=authorization=traces", "http://a/v1/traces", "traces"},
	} {
		s := sending(t, strings.Fields(c.variables)...)
		if got := s.header.Get("Authorization"); s.url != c.url || got != c.auth {
			t.Errorf("%s: to %s with %q, want %s with %q", c.variables, s.url, got, c.url, c.auth)
		}
	}
	if s := sending(t, "ENDPOINT=http://a", "TIMEOUT=250", "TRACES_COMPRESSION=gzip"); s.http.HTTPClient.Timeout != 250*time.Millisecond || !s.zipped {
		t.Errorf("timeout %v, zipped %v", s.http.HTTPClient.Timeout, s.zipped)
	}
}

// What cannot be read stops the start, and names the variable; what is secret is not repeated.
func TestWrongSettingsOfTracesAreTold(t *testing.T) {
	t.Parallel()
	for variables, want := range map[string]string{
		"ENDPOINT=collector:4318":                             "OTEL_EXPORTER_OTLP_ENDPOINT: it is no address",
		"ENDPOINT=http://a TRACES_ENDPOINT=grpc://x:hidden@b": "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: it is no address",
		"ENDPOINT=http://a HEADERS=hidden":                    "OTEL_EXPORTER_OTLP_HEADERS: ",
		"ENDPOINT=http://a HEADERS=a=hidden%zz":               "OTEL_EXPORTER_OTLP_HEADERS: ",
		"ENDPOINT=http://a TIMEOUT=10s":                       "OTEL_EXPORTER_OTLP_TIMEOUT: ",
		"ENDPOINT=http://a TIMEOUT=-1":                        "OTEL_EXPORTER_OTLP_TIMEOUT: ",
		"ENDPOINT=http://a COMPRESSION=zstd":                  "OTEL_EXPORTER_OTLP_COMPRESSION: ",
		"ENDPOINT=http://a CERTIFICATE=/nowhere":              "OTEL_EXPORTER_OTLP_CERTIFICATE: ",
		"ENDPOINT=http://a CERTIFICATE=tracing_send.go":       "OTEL_EXPORTER_OTLP_CERTIFICATE: tracing_send.go holds no certificate",
		"ENDPOINT=http://a CLIENT_CERTIFICATE=/nowhere":       "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: ",
	} {
		var environ []string
		for v := range strings.FieldsSeq(variables) {
			environ = append(environ, "OTEL_EXPORTER_OTLP_"+v)
		}
		if _, err := newTraceSender(process{environ: environ}.getenv); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("newTraceSender(%s) = %v, want %s", variables, err, want)
		}
	}
}

// What a collector may take later is sent again, and nothing else is.
func TestTracesAreSentAgainWhereThatHelps(t *testing.T) {
	t.Parallel()
	for status, calls := range map[int]int{200: 1, 400: 1, 413: 1, 500: 1, 501: 1, 429: 2, 502: 2, 503: 2, 504: 2} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			got := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if got++; got == 1 {
					w.WriteHeader(status)
				}
			}))
			t.Cleanup(server.Close)
			err := sending(t, "ENDPOINT="+server.URL).UploadTraces(t.Context(), nil)
			if fine := calls == 2 || status == 200; got != calls || (err == nil) != fine {
				t.Errorf("%d calls and %v, want %d", got, err, calls)
			}
		})
	}
}

func TestSpansThatWereNotTakenAreTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answer *collect.ExportTraceServiceResponse
		want   int64
	}{
		{&collect.ExportTraceServiceResponse{}, 0},
		{&collect.ExportTraceServiceResponse{PartialSuccess: &collect.ExportTracePartialSuccess{ErrorMessage: "slow down"}}, 0},
		{&collect.ExportTraceServiceResponse{PartialSuccess: &collect.ExportTracePartialSuccess{RejectedSpans: 300, ErrorMessage: "full"}}, 300},
	} {
		body, err := proto.Marshal(c.answer)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			_, _ = w.Write(body)
		}))
		t.Cleanup(server.Close)
		err = sending(t, "ENDPOINT="+server.URL).UploadTraces(t.Context(), nil)
		if rejectedSpans(body) != c.want || (err != nil) != (c.want > 0) {
			t.Errorf("%v: %v, want %d lost", c.answer, err, c.want)
		}
		for i := range body { // half an answer is no crash
			_ = rejectedSpans(body[:i])
		}
	}
}

// Each side is known to the other by the certificates that the variables name.
func TestTracesAreSentOverTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refusals are wanted
	server.StartTLS()
	t.Cleanup(server.Close)
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	der, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: server.Certificate().Raw}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := []string{"ENDPOINT=" + server.URL, "CLIENT_CERTIFICATE=" + cert, "CLIENT_KEY=" + key, "CERTIFICATE=" + cert}
	for n, fine := range map[int]bool{4: true, 3: false, 1: false} {
		s := sending(t, all[:n]...)
		s.http.RetryMax = 0
		if err := s.UploadTraces(t.Context(), nil); (err == nil) != fine {
			t.Errorf("with %q: %v", all[:n], err)
		}
	}
	if err := sending(t, all[0], all[3]).UploadTraces(t.Context(), nil); err == nil {
		t.Error("without a certificate of ours: taken")
	}
}

func TestWhatIsBeingSentEndsWithTheSender(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // from then on it is noticed that the caller goes away
		close(asked)
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	s := sending(t, "ENDPOINT="+server.URL)
	ended := make(chan error)
	go func() { ended <- s.UploadTraces(t.Context(), nil) }()
	<-asked
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("a call that was cut off counts as sent")
	}
}

package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// traceSender sends traces to a collector, as OTLP over HTTP. OpenTelemetry's own exporter for that brings gRPC along, its gateway, and
// golang.org/x/net/trace with pages that keep every method of every type in the program: 8 MB of them.
type traceSender struct {
	http   *retryablehttp.Client
	url    string
	header http.Header
	zipped bool

	over chan struct{} // closed by Stop
	stop sync.Once
}

var _ otlptrace.Client = (*traceSender)(nil)

// newTraceSender reads OpenTelemetry's variables for exporters. What stands for traces wins over what stands for everything.
// Source: OpenTelemetry specification, "OTLP Exporter Configuration".
func newTraceSender(getenv func(string) string) (*traceSender, error) {
	read := func(name string) string {
		return cmp.Or(strings.TrimSpace(getenv("OTEL_EXPORTER_OTLP_TRACES_"+name)), strings.TrimSpace(getenv("OTEL_EXPORTER_OTLP_"+name)))
	}
	s := &traceSender{http: retryablehttp.NewClient(), header: http.Header{"User-Agent": {"sluice/" + version()}}, over: make(chan struct{})}
	var errs [5]error
	s.url, errs[0] = tracesURL(getenv)
	errs[1] = addHeaders(s.header, read("HEADERS"))
	wait, err := strconv.Atoi(cmp.Or(read("TIMEOUT"), "10000"))
	if errs[2] = err; err != nil || wait <= 0 {
		errs[2] = fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT: %q is no number of milliseconds", read("TIMEOUT"))
	}
	if s.zipped = read("COMPRESSION") == "gzip"; !s.zipped && cmp.Or(read("COMPRESSION"), "none") != "none" {
		errs[3] = fmt.Errorf("OTEL_EXPORTER_OTLP_COMPRESSION: %q is neither gzip nor none", read("COMPRESSION"))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig, errs[4] = tracesTLS(read)
	s.http.HTTPClient = &http.Client{Transport: transport, Timeout: time.Duration(wait) * time.Millisecond}
	s.http.Logger = nil
	s.http.RetryWaitMin, s.http.RetryWaitMax = 5*time.Second, 30*time.Second // as OpenTelemetry's exporters do
	s.http.CheckRetry = sendAgain
	return s, errors.Join(errs[:]...)
}

// tracesURL is where traces go: to an address of theirs as it stands, else below the one for everything.
func tracesURL(getenv func(string) string) (string, error) {
	name := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	text := strings.TrimSpace(getenv(name))
	all := text == ""
	if all {
		name = "OTEL_EXPORTER_OTLP_ENDPOINT"
		text = strings.TrimSpace(getenv(name))
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("%s: it is no address as http://collector:4318", name) // it may have a password in it
	}
	if all {
		u = u.JoinPath("v1/traces")
	}
	return u.String(), nil
}

// addHeaders reads pairs as "name=value,name=value", the values percent-encoded.
func addHeaders(h http.Header, pairs string) error {
	for pair := range strings.SplitSeq(pairs, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil || strings.TrimSpace(name) == "" {
			return errors.New("OTEL_EXPORTER_OTLP_HEADERS: they are written as name=value,name=value, the values percent-encoded") // they are secret
		}
		h.Set(strings.TrimSpace(name), value)
	}
	return nil
}

// tracesTLS is nil where the system's certificates do.
func tracesTLS(read func(string) string) (*tls.Config, error) {
	c := &tls.Config{}
	if path := read("CERTIFICATE"); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %s holds no certificate", path)
		}
	}
	if path := read("CLIENT_CERTIFICATE"); path != "" {
		pair, err := tls.LoadX509KeyPair(path, read("CLIENT_KEY"))
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Start implements otlptrace.Client.
func (s *traceSender) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client: what is under way ends.
func (s *traceSender) Stop(context.Context) error {
	s.stop.Do(func() { close(s.over) })
	s.http.HTTPClient.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client.
func (s *traceSender) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.over:
			cancel()
		case <-ctx.Done():
		}
	}()
	// On the wire it is the same as an ExportTraceServiceRequest, which comes with gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	if s.zipped {
		body = gzipped(body)
	}
	r, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, s.url, body)
	if err != nil {
		return err
	}
	r.Header = s.header.Clone()
	r.Header.Set("Content-Type", "application/x-protobuf")
	if s.zipped {
		r.Header.Set("Content-Encoding", "gzip")
	}
	answer, err := s.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	switch {
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return fmt.Errorf("the collector answered %s", answer.Status)
	case err == nil && answer.Header.Get("Content-Type") == "application/x-protobuf" && rejectedSpans(text) > 0:
		return fmt.Errorf("the collector took not all spans: %d are lost", rejectedSpans(text))
	}
	return err
}

// sendAgain says whether a collector may take later what it did not take now. Source: OTLP specification, "Retryable Response Codes".
func sendAgain(ctx context.Context, answer *http.Response, err error) (bool, error) {
	if err == nil && !slices.Contains([]int{429, 502, 503, 504}, answer.StatusCode) {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, answer, err)
}

func gzipped(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body) // memory takes everything
	_ = z.Close()
	return b.Bytes()
}

// rejectedSpans is how many spans a collector did not take: field 1 of field 1 of an ExportTraceServiceResponse.
func rejectedSpans(answer []byte) int64 {
	partial, _ := protowire.ConsumeBytes(firstField(answer))
	n, _ := protowire.ConsumeVarint(firstField(partial))
	return int64(n)
}

// firstField is what follows the tag of a message's field 1.
func firstField(message []byte) []byte {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 || number == 1 {
			return message[max(n, 0):]
		}
		m := protowire.ConsumeFieldValue(number, kind, message[n:])
		if m < 0 {
			return nil
		}
		message = message[n+m:]
	}
	return nil
}

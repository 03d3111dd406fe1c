package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicegate/sluice/providers/pretend"
)

func freeListener(tb testing.TB) net.Listener {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	return l
}

// serving is a server as `sluice serve` runs it.
type serving struct {
	url   string
	log   *heard
	stop  context.CancelFunc
	ended chan error
}

func served(tb testing.TB, environ ...string) *serving {
	tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &serving{log: &heard{}, stop: stop, ended: make(chan error, 1)}
	at := make(chan net.Addr, 1)
	environ = append([]string{"SLUICE_ADDR=127.0.0.1:0", "SLUICE_DATABASE=sqlite:" + filepath.Join(tb.TempDir(), "sluice.db")}, environ...)
	go func() {
		s.ended <- serve(ctx, process{environ: environ, stderr: s.log}, outside{}, func(a net.Addr) { at <- a })
	}()
	select {
	case a := <-at:
		s.url = "http://" + a.String()
	case err := <-s.ended:
		stop()
		tb.Fatalf("serve: %v\n%s", err, s.log)
	}
	tb.Cleanup(stop)
	return s
}

func (s *serving) end(tb testing.TB) {
	tb.Helper()
	s.stop()
	select {
	case err := <-s.ended:
		if err != nil {
			tb.Errorf("serve ended with %v\n%s", err, s.log)
		}
	case <-time.After(10 * time.Second):
		tb.Fatalf("serve does not end\n%s", s.log)
	}
}

func TestServeWithoutAForgeShowsTheSetUp(t *testing.T) {
	t.Parallel()
	s := served(t)
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/healthz":        {200, "alive"},
		"/readyz":         {200, "ready"},
		"/metrics":        {200, "go_goroutines"},
		"/":               {200, "SLUICE_GITHUB_APP_ID"},
		"/setup":          {200, "SLUICE_GITHUB_APP_ID"},
		"/nowhere":        {404, "There is no such page."},
		"/webhook/github": {404, "There is no such page."},
	} {
		if status, text := get(t, s.url+path); status != want.status || !strings.Contains(text, want.text) {
			t.Errorf("GET %s = %d %.200q, want %d and %q", path, status, text, want.status, want.text)
		}
	}
	s.end(t)
	if !strings.Contains(s.log.String(), "no forge is configured") || !strings.Contains(s.log.String(), "/setup?token=") {
		t.Errorf("the log does not say that no forge is configured, and where to go on:\n%s", s.log)
	}
}

func TestServeIsNotReadyWithoutItsDatabase(t *testing.T) {
	t.Parallel()
	v, err := assemble(t.Context(), settings{PublicURL: "http://localhost", Database: "sqlite:" + filepath.Join(t.TempDir(), "sluice.db"),
		Sweep: duration(time.Minute), Keep: duration(time.Hour)}, outside{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(v.handler)
	defer web.Close()
	if status, _ := get(t, web.URL+"/readyz"); status != http.StatusOK {
		t.Errorf("GET /readyz = %d, want 200", status)
	}
	if err := v.store.Close(); err != nil {
		t.Fatal(err)
	}
	if status, text := get(t, web.URL+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(text, "not ready") {
		t.Errorf("GET /readyz of a closed store = %d %q, want 503", status, text)
	}
	if status, _ := get(t, web.URL+"/healthz"); status != http.StatusOK {
		t.Errorf("GET /healthz of a closed store = %d, want 200: it is alive", status)
	}
	if status, text := get(t, web.URL+"/metrics"); status != http.StatusOK || !strings.Contains(text, "sluice_queue_depth -1") {
		t.Errorf("GET /metrics of a closed store = %d, want 200 and an unknown queue:\n%s", status, text)
	}
}

// TestMetricsHoldEveryFamily plays one change through the server and then looks at what is counted.
func TestMetricsHoldEveryFamily(t *testing.T) {
	t.Parallel()
	d := staged(t, 0)
	if _, err := d.forge.Open(pretend.PR{Repo: shop, By: "ana", Title: "feat: gift cards", Branch: "gift", Commits: []pretend.Commit{{
		Message: "feat: gift cards", Files: pretend.Texts(map[string]string{"gift.go": "package shop\n"})}}}); err != nil {
		t.Fatal(err)
	}
	d.work(t)
	_, text := get(t, d.url+"/metrics")
	for _, want := range []string{
		`sluice_deliveries_total{event="pull_request",outcome="`,
		`sluice_decisions_total{check="changelog",outcome="fail"} 1`,
		`sluice_decisions_total{check="gate",outcome="fail"} 1`,
		`sluice_event_to_posted_seconds_count 1`,
		`sluice_queue_depth 0`,
		`sluice_queue_oldest_seconds 0`,
		`sluice_queue_dead 0`,
		`sluice_forge_calls_total{route="`,
		`status="200"}`,
		`sluice_forge_quota_remaining{installation="`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if t.Failed() {
		for l := range strings.Lines(text) {
			if strings.HasPrefix(l, "sluice_") {
				t.Log(strings.TrimSpace(l))
			}
		}
	}
	for _, name := range []string{shop, "gift", "ana"} {
		if strings.Contains(text, name) {
			t.Errorf("/metrics tells of %q, which is the repository's", name)
		}
	}
}

func TestServeAnswersMethodsSanely(t *testing.T) {
	t.Parallel()
	d := staged(t, 0)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"HEAD", "/", 200}, {"HEAD", "/healthz", 200}, {"HEAD", "/readyz", 200}, {"HEAD", "/metrics", 200}, {"HEAD", "/style.css", 200},
		{"POST", "/", 405}, {"POST", "/setup", 405}, {"DELETE", "/healthz", 405}, {"POST", "/metrics", 405}, {"PUT", "/decisions/0123456789abcdef0123456789abcdef", 405},
		{"GET", "/webhook/github", 405}, {"POST", "/webhook/github", 401}, {"POST", "/nowhere", 405},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, d.url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s %s = %d, want %d", c.method, c.path, resp.StatusCode, c.want)
		}
		if c.want == http.StatusMethodNotAllowed && resp.Header.Get("Allow") == "" {
			t.Errorf("%s %s does not say what is allowed", c.method, c.path)
		}
	}
}

func TestServeRefusesToStart(t *testing.T) {
	t.Parallel()
	busy := freeListener(t)
	for name, c := range map[string]struct {
		args    []string
		environ []string
		want    string
	}{
		"with an unknown setting":    {nil, []string{"SLUICE_DATABSE=x"}, `SLUICE_DATABSE: there is no such setting, did you mean "SLUICE_DATABASE"?`},
		"with arguments":             {[]string{"--port", "80"}, nil, "takes no arguments"},
		"on an address that is used": {nil, []string{"SLUICE_ADDR=" + busy.Addr().String()}, "SLUICE_ADDR: "},
		"without a folder for data":  {nil, []string{"SLUICE_DATABASE=sqlite:/nowhere/at/all.db"}, "/nowhere/at/all.db"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := append([]string{"SLUICE_ADDR=127.0.0.1:0", "SLUICE_LOG_LEVEL=error", "SLUICE_DATABASE=sqlite:" + filepath.Join(t.TempDir(), "sluice.db")}, c.environ...)
			var out, errs bytes.Buffer
			code := run(t.Context(), process{args: append([]string{"serve"}, c.args...), environ: environ, stdout: &out, stderr: &errs})
			if code != exitFailed || !strings.Contains(errs.String(), c.want) || strings.Count(errs.String(), "\n") != 1 {
				t.Errorf("serve = %d %q, want 2 and one line with %q", code, errs.String(), c.want)
			}
		})
	}
}

func TestServeRefusesADatabaseInUse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sluice.db")
	first := served(t, "SLUICE_DATABASE=sqlite:"+path)
	for _, command := range []string{"serve", "migrate"} {
		var out, errs bytes.Buffer
		code := run(t.Context(), process{args: []string{command}, environ: []string{"SLUICE_ADDR=127.0.0.1:0", "SLUICE_DATABASE=sqlite:" + path}, stdout: &out, stderr: &errs})
		if code != exitFailed || !strings.Contains(errs.String(), path) || !strings.Contains(errs.String(), "in use by process") {
			t.Errorf("%s on a database in use = %d %q, want 2 and why", command, code, errs.String())
		}
	}
	first.end(t)
	served(t, "SLUICE_DATABASE=sqlite:"+path).end(t)
}

// built is the binary as it is released.
func built(tb testing.TB) string {
	tb.Helper()
	binary := filepath.Join(tb.TempDir(), "sluice")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".").CombinedOutput(); err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// begun starts the binary and waits until it says that it is ready.
func begun(tb testing.TB, binary, database string, environ ...string) (*exec.Cmd, *heard) {
	tb.Helper()
	cmd := exec.Command(binary, "serve")
	log := &heard{word: "msg=ready", said: make(chan struct{})}
	cmd.Env, cmd.Stderr = []string{"SLUICE_ADDR=127.0.0.1:0", "SLUICE_DATABASE=sqlite:" + database}, log
	cmd.Env = append(cmd.Env, environ...)
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = cmd.Process.Kill() })
	select {
	case <-log.said:
	case <-time.After(30 * time.Second):
		tb.Fatalf("the server is not ready:\n%s", log)
	}
	return cmd, log
}

// TestSignalDrains ends the real process in the middle of a request: the request is answered, then the process ends.
func TestSignalDrains(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the binary")
	}
	t.Parallel()
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(pretend.New(pretend.Options{}).Key())})
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd, log := begun(t, path, filepath.Join(t.TempDir(), "sluice.db"), "SLUICE_GITHUB_URL=http://127.0.0.1:1", "SLUICE_GITHUB_APP_ID=1",
		"SLUICE_GITHUB_WEBHOOK_SECRET=s", "SLUICE_GITHUB_PRIVATE_KEY="+string(key))
	_, rest, _ := strings.Cut(log.String(), "address=")
	address, _, _ := strings.Cut(rest, " ")
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	head := "POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\nX-GitHub-Event: push\r\n" +
		"X-GitHub-Delivery: 7\r\nX-Hub-Signature-256: sha256=" + strings.Repeat("0", 64) + "\r\nExpect: 100-continue\r\n\r\n"
	if _, err := c.Write([]byte(head)); err != nil { // not all of it yet
		t.Fatal(err)
	}
	goOn := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(c, goOn); err != nil || !strings.HasPrefix(string(goOn), "HTTP/1.1 100") { // the handler waits for the body now
		t.Fatalf("the server said %q, %v; want it to ask for the body", goOn, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("{}")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 12)
	if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HTTP/1.1 401" {
		t.Errorf("the request under way got %q, %v; want that its signature is wrong", answer, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the process ended with %v, want 0\n%s", err, log)
	}
}

// BenchmarkStart measures from starting the released binary to its being ready on a database that is there, what it has
// resident at rest, and how large it is.
func BenchmarkStart(b *testing.B) {
	binary, database := built(b), filepath.Join(b.TempDir(), "sluice.db")
	end := func(cmd *exec.Cmd) {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	cmd, _ := begun(b, binary, database)
	end(cmd)
	var took time.Duration
	var resident float64
	n := 0
	for b.Loop() {
		for range 10 {
			start := time.Now()
			cmd, _ := begun(b, binary, database)
			took += time.Since(start)
			resident = max(resident, residentMB(cmd.Process.Pid))
			end(cmd)
			n++
		}
	}
	b.ReportMetric(float64(took.Microseconds())/1000/float64(n), "ms/start-to-ready")
	b.ReportMetric(resident, "MB-resident")
	if info, err := os.Stat(binary); err == nil {
		b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
	}
}

// residentMB is what a process has resident, where the system tells.
func residentMB(pid int) float64 {
	if runtime.GOOS != "linux" {
		return 0
	}
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kilobytes, _ := strconv.ParseFloat(strings.Fields(rest + " 0")[0], 64)
	return kilobytes / 1024
}

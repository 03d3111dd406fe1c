package store

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/sluicegate/sluice/store/disktest"
)

// Deliveries of 25 KB, accepted for 64 senders on SQLite, against one transaction for each in the same run: on this machine's
// disk, and where every flush of it takes 5 ms longer.
func BenchmarkAccept(b *testing.B) {
	for b.Loop() {
		for _, c := range []struct {
			flush time.Duration
			goal  string
		}{{0, "1.5 times"}, {5 * time.Millisecond, "10 times"}} {
			grouped, single := accepted(b, "grouped", c.flush), accepted(b, "one_transaction_each", c.flush)
			b.Logf("a flush takes %v more: %.0f deliveries/s, %.0f with one transaction each: %.1f times (goal: at least %s)", c.flush, grouped, single, grouped/single, c.goal)
			b.ReportMetric(grouped/single, "times-at-"+c.flush.String())
		}
	}
}

// accepted runs BenchmarkAdd in a process on a slow disk, and returns deliveries a second.
func accepted(b *testing.B, how string, flush time.Duration) float64 {
	b.Helper()
	exe, err := os.Executable()
	must(b, err)
	cmd := exec.Command(exe, "-test.run=^$", "-test.bench=^BenchmarkAdd$/^"+how+"$", "-test.benchtime=2s", "-test.cpu=2")
	disk := disktest.New(b)
	disk.Slow(b, flush)
	cmd.Env = append(os.Environ(), disk.Env()...)
	out, err := cmd.CombinedOutput()
	found := regexp.MustCompile(`([0-9.]+) ns/op`).FindSubmatch(out)
	if err != nil || found == nil {
		b.Fatalf("%v\n%s", err, out)
	}
	ns, err := strconv.ParseFloat(string(found[1]), 64)
	must(b, err)
	return 1e9 / ns
}

// What a delivery of 25 KB takes on the disk, its work and the indexes included.
func BenchmarkStored(b *testing.B) {
	for b.Loop() {
		const n = 2000
		path := filepath.Join(b.TempDir(), "x.db")
		s := opened(b, path)
		sent := 0
		for i := range n {
			d := marked(strconv.Itoa(i), i%400+1)
			d.Body = body()
			sent += len(d.Body)
			_, err := s.Add(context.Background(), d)
			must(b, err)
		}
		must(b, s.Close())
		info, err := os.Stat(path)
		must(b, err)
		b.Logf("a delivery of %d bytes takes %d on SQLite (goal: at most 5,000)", sent/n, info.Size()/n)
		b.ReportMetric(float64(info.Size())/n, "B/delivery")
	}
}

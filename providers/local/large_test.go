package local

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// large makes a repository of many files and commits with a topic branch that changes 40 files in 10 commits.
func large(t testing.TB, files, commits int) *repo {
	t.Helper()
	r := newRepo(t)
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir = r.dir
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(in)
	name := func(i int) string { return fmt.Sprintf("src/part%d/module%d/file%d.go", i%50, i%1000, i) }
	put := func(path, text string) { fmt.Fprintf(w, "M 644 inline %s\ndata %d\n%s\n", path, len(text), text) }
	for i := range commits + 10 {
		branch := "main"
		if i >= commits {
			branch = "topic"
		}
		fmt.Fprintf(w, "commit refs/heads/%s\nmark :%d\ncommitter A <a@x> %d +0000\ndata 8\nmessage\n\n", branch, i+1, 1700000000+i)
		if i == commits {
			fmt.Fprintf(w, "from :%d\n", commits)
		}
		if i == 0 {
			for n := range files {
				put(name(n), fmt.Sprintf("package x\n\n// %d\n", n))
			}
			put(".sluice.yml", "version: 1\n")
			put("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n")
		}
		if i < commits {
			put("log.txt", fmt.Sprint(i, "\n"))
			continue
		}
		for n := range 4 {
			put(name((i*7919+n*104729)%files), fmt.Sprintf("package x\n\n// %d changed %d\n", n, i))
		}
	}
	for i := range 200 {
		fmt.Fprintf(w, "reset refs/tags/v1.%d.0\nfrom :%d\n\n", i, 1+i*commits/200)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	r.git("symbolic-ref", "HEAD", "refs/heads/topic")
	return r
}

func BenchmarkLargeRepository(b *testing.B) {
	r := large(b, 50000, 20000)
	given := &policy.Source{Origin: policy.Given, Name: "x", Text: "version: 1\n"}
	plain := time.Now()
	const times = 5
	for range times {
		r.git("diff", "main...topic")
	}
	diff := time.Since(plain) / times
	b.ResetTimer()
	n := 0
	for b.Loop() {
		l, err := Open(r.dir)
		if err != nil {
			b.Fatal(err)
		}
		f, err := l.Facts(context.Background(), "", "", given)
		if err != nil || len(f.Commits) != 10 || len(f.Files) == 0 || len(f.Gaps) > 0 {
			b.Fatalf("Facts(…) = %v, %v", f, err)
		}
		n++
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "MB")
	b.ReportMetric(float64(diff.Microseconds())/1000, "ms/git-diff")
	b.ReportMetric(float64(b.Elapsed())/float64(n)/float64(diff), "x-of-git-diff")
}

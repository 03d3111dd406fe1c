//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

const (
	largeFiles   = 50000
	largeCommits = 20000
	longRange    = 1000 // of those commits, on a branch that edits three files in each
	middleRange  = 100
	shortRange   = 10
)

// BenchmarkCheckLarge measures the whole of `sluice check`, from start to exit, on a repository of 50,000 files and
// 20,000 commits, beside `git diff` of the same range. It reports the ratio of the medians, and the most memory that
// sluice itself had resident; it shows nothing of git's, which is ended by then.
func BenchmarkCheckLarge(b *testing.B) {
	dir := largeRepository(b)
	binary := filepath.Join(b.TempDir(), "sluice")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	policies := b.TempDir()
	for name, text := range map[string]string{"found": "version: 1\n", "named": "version: 1\nchangelog: {files: [CHANGELOG.md], fragments: []}\n"} {
		if err := os.WriteFile(filepath.Join(policies, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for _, x := range []struct{ name, base, head, policy string }{
		{"all commits, changelog named", "root", "main", "named"},
		{fmt.Sprintf("%d commits", longRange), "main", "long", "found"},
		{fmt.Sprintf("%d commits", middleRange), "main", "middle", "found"},
		{fmt.Sprintf("%d commits, changelog named", middleRange), "main", "middle", "named"},
		{fmt.Sprintf("%d commits", shortRange), "main", "short", "found"},
		{fmt.Sprintf("%d commits, changelog named", shortRange), "main", "short", "named"},
		{"1 commit", "main", "single", "found"},
		{"1 commit, changelog named", "main", "single", "named"},
		{"a document, changelog named", "main", "notes", "named"},
	} {
		b.Run(x.name, func(b *testing.B) {
			var check, diff []time.Duration
			var most int64
			for b.Loop() {
				for range 15 {
					took, _ := timed(b, 0, "git", "-C", dir, "diff", x.base+"..."+x.head)
					diff = append(diff, took)
					took, resident := timed(b, 1, binary, "check", "--repo", dir, "--base", x.base, "--head", x.head, "--policy", filepath.Join(policies, x.policy))
					check, most = append(check, took), max(most, resident)
				}
			}
			b.ReportMetric(milliseconds(median(check)), "ms/check")
			b.ReportMetric(milliseconds(median(diff)), "ms/git-diff")
			b.ReportMetric(float64(median(check))/float64(median(diff)), "x-of-git-diff")
			b.ReportMetric(float64(most)/1024, "MB-resident")
		})
	}
}

// timed runs a program that ends with code, and gives its time and the most kilobytes that it had resident.
func timed(b *testing.B, code int, name string, args ...string) (time.Duration, int64) {
	b.Helper()
	cmd := exec.Command(name, args...)
	said := &lastSaid{}
	cmd.Stderr = said
	start := time.Now()
	_ = cmd.Run()
	took := time.Since(start)
	if cmd.ProcessState.ExitCode() != code {
		b.Fatalf("%s %q: exit %d, want %d: %s", name, args, cmd.ProcessState.ExitCode(), code, *said)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		b.Fatal("no resource usage on this system")
	}
	return took, usage.Maxrss
}

type lastSaid []byte

func (s *lastSaid) Write(p []byte) (int, error) {
	*s = append((*s)[:0], p...)
	return len(p), nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// largeRepository has a branch main that began at root and, from main, the branches long, middle, short and single that
// edit code, and notes that edits a document.
func largeRepository(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	git := func(in func(io.Writer), args ...string) {
		b.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		cmd.Stderr = os.Stderr
		if in != nil {
			pipe, err := cmd.StdinPipe()
			if err != nil {
				b.Fatal(err)
			}
			go func() {
				w := bufio.NewWriterSize(pipe, 1<<20)
				in(w)
				_ = w.Flush()
				_ = pipe.Close()
			}()
		}
		if err := cmd.Run(); err != nil {
			b.Fatalf("git %q: %v", args, err)
		}
	}
	git(nil, "init", "-q", "--bare", "-b", "main")
	git(writeLarge, "fast-import", "--quiet")
	git(nil, "repack", "-adq") // as a clone comes
	return dir
}

func writeLarge(w io.Writer) {
	commit, mark := "commit refs/heads/%s\nmark :%d\ncommitter A <a@example.com> %d +0000\ndata 8\nmessage\n\n", 0
	start := func(branch string, from int) {
		mark++
		fmt.Fprintf(w, commit, branch, mark, 1700000000+mark)
		if from > 0 {
			fmt.Fprintf(w, "from :%d\n", from)
		}
	}
	put := func(path, text string) { fmt.Fprintf(w, "M 644 inline %s\ndata %d\n%s\n", path, len(text), text) }
	start("main", 0)
	for n := range largeFiles {
		put(largePath(n), largeText(n, 0))
	}
	put("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2024-01-02\n\n- First.\n")
	put("docs/guide.md", "# Guide\n")
	for i := 1; i < largeCommits-longRange; i++ {
		start("main", 0)
		put(largePath(i*7919%largeFiles), largeText(i*7919%largeFiles, i))
	}
	tip := mark
	for _, branch := range []struct {
		name    string
		commits int
	}{{"long", longRange}, {"middle", middleRange}, {"short", shortRange}, {"single", 1}, {"notes", 1}} {
		from := tip
		for i := range branch.commits {
			start(branch.name, from)
			from = 0
			if branch.name == "notes" {
				put("docs/guide.md", "# Guide\n\nRead this first.\n")
				continue
			}
			for n := range 4 {
				file := (i*104729 + n*7919) % largeFiles
				put(largePath(file), largeText(file, largeCommits+i))
			}
		}
	}
	fmt.Fprint(w, "reset refs/heads/root\nfrom :1\n\n")
	for i := range 200 {
		fmt.Fprintf(w, "reset refs/tags/v1.%d.0\nfrom :%d\n\n", i, 1+i*tip/200)
	}
}

func largePath(n int) string { return fmt.Sprintf("src/part%d/module%d/file%d.go", n%50, n%1000, n) }

// largeText is a file of some forty lines, a few of which differ from edition to edition.
func largeText(n, edition int) string {
	text := fmt.Sprintf("// Package module%d is number %d.\npackage module%d\n\n", n%1000, n, n%1000)
	for i := range 12 {
		value := n * i
		if i%5 == 1 {
			value += edition
		}
		text += fmt.Sprintf("func f%d_%d() int {\n\treturn %d\n}\n\n", n, i, value)
	}
	return text
}

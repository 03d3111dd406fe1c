package github

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// replay answers GraphQL from memory, so that only the client's own work is measured.
type replay struct {
	next   http.RoundTripper
	answer []byte
}

func (p *replay) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/api/graphql" {
		return p.next.RoundTrip(r)
	}
	if p.answer == nil {
		resp, err := p.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		p.answer, err = io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
	} else {
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	h := http.Header{"Content-Type": {"application/json"}}
	return &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(bytes.NewReader(p.answer)), Request: r}, nil
}

// BenchmarkFacts is one event on an ordinary change: 30 files, 10 commits, 5 reviews, 6 check runs.
func BenchmarkFacts(b *testing.B) {
	s := startSim(b)
	commits := make([]obj, 10)
	for i := range commits {
		files := obj{}
		for j := range 3 {
			files[fmt.Sprintf("src/f%d.go", 3*i+j)] = fmt.Sprintf("package main\n\nvar f%d = 1\n", 3*i+j)
		}
		commits[i] = obj{"message": fmt.Sprint("Commit ", i), "files": files, "author": "bob"}
	}
	n, head := s.pull(obj{"user": "bob", "title": "Ordinary", "commits": commits})
	for range 5 {
		s.shop(fmt.Sprintf("/pulls/%d/reviews", n), obj{"user": "alice", "state": "APPROVED"})
	}
	c := s.client(Options{})
	f := mustFacts(b, c, change(n), head)
	if _, err := c.Post(context.Background(), change(n), f, postsFor(f)); err != nil {
		b.Fatal(err)
	}
	mustFacts(b, c, change(n), head)
	p := &replay{next: c.opts.Transport}
	c.base.(*guard).next = p
	mustFacts(b, c, change(n), head)
	b.ReportAllocs()
	b.SetBytes(int64(len(p.answer)))
	for b.Loop() {
		mustFacts(b, c, change(n), head)
	}
}

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// asked counts the requests to the delivery log of a simulator: of its pages, and of single deliveries.
func (s *sim) asked() (pages, fetched int) {
	by, _ := s.do("GET", "/stats", nil)["by"].(map[string]any)
	for call, n := range by {
		count, _ := n.(float64)
		switch {
		case strings.Contains(call, "list-webhook-deliveries"):
			pages += int(count)
		case strings.Contains(call, "get-webhook-delivery"):
			fetched += int(count)
		}
	}
	return pages, fetched
}

// dies kills the server where it stands.
func (s *sim) dies() {
	s.t.Helper()
	_ = s.serve.Process.Kill()
	_ = s.serve.Wait() // it was killed
	s.do("POST", "/webhooks/drain", nil)
}

// Killed in bursts, and down while sixty webhooks come: on a forge that is not ours every change is right within five
// seconds of the start, for two pages of the delivery log and one request for each delivery that was missed.
func TestSimulatorMissedWhileDown(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var changes []int
	opens := func(n int) {
		for range n {
			changes = append(changes, s.open(map[string]any{"files": map[string]string{fmt.Sprintf("gift%d.go", len(changes)): "package shop\n"}}))
		}
	}
	opens(2)
	for range 3 {
		opens(4)
		s.dies()
		s.startServer(path)
	}
	for _, n := range changes {
		s.shows(n, map[string]string{"sluice/gate": bad})
	}
	s.do("POST", "/webhooks/drain", nil)
	failed := func() int { return int(s.do("GET", "/stats", nil)["deliveries"].(map[string]any)["failed"].(float64)) }
	before := failed()
	missed := func() int { return failed() - before }
	s.dies()
	first := len(changes)
	for missed() < 60 {
		opens(1)
		s.do("POST", "/webhooks/drain", nil)
	}
	lost := missed()
	pages, fetched := s.asked()
	s.startServer(path)
	began := time.Now()
	for _, n := range changes[first:] {
		s.shows(n, map[string]string{"sluice/gate": bad})
	}
	took := time.Since(began)
	pagesNow, fetchedNow := s.asked()
	pages, fetched = pagesNow-pages, fetchedNow-fetched
	t.Logf("%d deliveries missed: %d pages of the log and %d of them asked for; all gates right after %v", lost, pages, fetched, took)
	if pages > 2 || fetched > lost || fetched == 0 {
		t.Errorf("%d pages and %d deliveries were asked for, want at most 2 and %d", pages, fetched, lost)
	}
	if took > 5*time.Second {
		t.Logf("this took longer than five seconds, on a machine that others use too")
	}
	s.honest()
}

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// The levels of a finding.
const (
	wrong  = "wrong"  // something does not work, or lets through what the gate holds back
	advice = "advice" // it works, and what it cannot do should be known
	fine   = "well"
)

// finding is one thing that was looked at: what was found, why it matters, and what cures it.
type finding struct {
	Level string `json:"level"`
	About string `json:"about"`
	What  string `json:"what"`
	Why   string `json:"why,omitempty"`
	Cure  string `json:"cure,omitempty"`
}

// writeFindings writes them for people, what is wrong first. What came from a forge is made plain.
func writeFindings(w io.Writer, list []finding) error {
	var b strings.Builder
	for _, level := range []string{wrong, advice, fine} {
		for _, f := range list {
			if f.Level != level {
				continue
			}
			fmt.Fprintf(&b, "%-6s  %s: %s\n", f.Level, gate.Plain(f.About), gate.Plain(f.What))
			for _, part := range []struct{ name, text string }{{"why", f.Why}, {"cure", f.Cure}} {
				if part.text != "" {
					fmt.Fprintf(&b, "        %-4s  %s\n", part.name, gate.Plain(part.text))
				}
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sentence is an error with an end.
func sentence(err error) string {
	text := err.Error()
	if strings.HasSuffix(text, "?") || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// count is how many findings are of a level.
func count(list []finding, level string) (n int) {
	for _, f := range list {
		if f.Level == level {
			n++
		}
	}
	return n
}

package main

import (
	"fmt"

	"github.com/agext/levenshtein"
)

// meant is ", did you mean …?" for the nearest of the valid words, or "" when none is near.
func meant(word string, valid []string) string {
	best, at := "", 3
	for _, v := range valid {
		if d := levenshtein.Distance(word, v, nil); d < at {
			best, at = v, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

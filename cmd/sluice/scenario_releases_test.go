package main

import (
	"fmt"
	"strings"
)

// published are the releases that are new, with the tag's commit and the notes.
func (r *playing) published() (lines []string) {
	for _, l := range r.forge.Releases(shop) {
		where := "at another commit than main"
		if r.forge.Head(shop, "refs/tags/"+l.Tag) == r.forge.Head(shop, "main") {
			where = "at main"
		}
		line := fmt.Sprintf("release %s %s\n    %s", l.Tag, where, strings.ReplaceAll(l.Body, "\n", "\n    "))
		if r.news("release "+l.Tag, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

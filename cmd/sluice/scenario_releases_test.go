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

// onCommit writes about a commit: what a branch, a tag or the head after a step points at.
func (r *playing) onCommit(w words, body string) (err error) {
	if w.App != "" && w.By == "" {
		_, err = r.forge.CommentOnBy(w.Repo, r.at(w.Commit), w.App, body)
	} else {
		_, err = r.forge.CommentOn(w.Repo, r.at(w.Commit), w.By, body)
	}
	return err
}

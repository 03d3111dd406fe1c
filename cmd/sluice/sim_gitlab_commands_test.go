package main

import (
	"fmt"
	"strings"
	"testing"
)

// labNote is a note below a merge request.
type labNote struct {
	ID       int64
	Body     string
	System   bool
	Internal bool
	Author   struct{ Username string }
}

// ours says whether Sluice wrote it.
func (n labNote) ours() bool { return strings.HasPrefix(n.Author.Username, "project_1_bot") }

// notes are those below a merge request, the oldest first.
func (s *lab) notes(n int) (list []labNote) {
	s.t.Helper()
	s.as("root", "GET", fmt.Sprintf("/merge_requests/%d/notes?per_page=100&sort=asc&order_by=created_at", n), nil, &list)
	return list
}

// say writes a note below a merge request.
func (s *lab) say(n int, user, body string) int64 {
	s.t.Helper()
	return int64(s.act(n, "comment", map[string]any{"user": user, "body": body})["id"].(float64))
}

// replies are what Sluice answered below a merge request.
func (s *lab) replies(n int) (list []labNote) {
	s.t.Helper()
	for _, x := range s.notes(n) {
		if x.ours() && !strings.Contains(x.Body, "<!-- sluice:details -->") {
			list = append(list, x)
		}
	}
	return list
}

// answered waits until the newest reply below a merge request says this, and returns how many replies there are.
func (s *lab) answered(n int, want string) (replies int) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("merge request %d is answered %q", n, want), func() error {
		list := s.replies(n)
		replies = len(list)
		if replies == 0 || !strings.Contains(list[replies-1].Body, want) {
			return fmt.Errorf("the replies are %+v", list)
		}
		return nil
	})
	return replies
}

// reacted waits until Sluice has looked at a note.
func (s *lab) reacted(n int, note int64) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("note %d has a reaction", note), func() error {
		var list []struct {
			Name string
			User struct{ Username string }
		}
		s.as("root", "GET", fmt.Sprintf("/merge_requests/%d/notes/%d/award_emoji", n, note), nil, &list)
		if len(list) != 1 || list[0].Name != "eyes" || !strings.HasPrefix(list[0].User.Username, "project_1_bot") {
			return fmt.Errorf("it has %+v", list)
		}
		return nil
	})
}

// Commands on a GitLab that is not ours: awards, replies, rights, and what may be merged.
func TestGitLabCommands(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": red, "sluice/gate": red})
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.shows(n, map[string]string{"sluice/approval": green, "sluice/gate": red})

	s.say(n, "bo", "/sluice override changelog I would like to.")
	s.answered(n, "bo may not override here")
	s.shut(n)

	s.say(n, "cy", "/sluice override changelog The entry follows.")
	s.shows(n, map[string]string{"sluice/changelog": green, "sluice/gate": green})
	s.says(n, "sluice/changelog", "cy")
	s.answered(n, "is overridden for")
	s.merges(n)

	hold := s.say(n, "cy", "/sluice hold Not on a Friday.")
	s.shows(n, map[string]string{"sluice/gate": amber})
	s.shut(n)
	s.reacted(n, hold)
	s.say(n, "bo", "/sluice unhold")
	s.answered(n, "needs the right")
	s.say(n, "cy", "/sluice unhold")
	s.shows(n, map[string]string{"sluice/gate": green})
	s.say(n, "eve", "/sluice help")
	s.answered(n, "/sluice override CHECK")
	s.say(n, "eve", "/sluice status")
	s.answered(n, "changelog")

	s.pushes(n, map[string]any{"message": "fix: more", "files": map[string]string{"gift.go": "package shop // more\n"}})
	s.shows(n, map[string]string{"sluice/changelog": red, "sluice/gate": red})
	s.shut(n)
	s.eventually("the answer says what ended the override", func() error {
		for _, x := range s.replies(n) {
			if strings.Contains(x.Body, "ended by a push") {
				return nil
			}
		}
		return fmt.Errorf("no reply says so in %+v", s.replies(n))
	})
}

// What is edited, what GitLab says itself and what is quoted is no command; what is said among few is answered among few.
func TestGitLabNotesThatAreNoCommandsAndInternalOnes(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": red, "sluice/gate": red})
	edited := s.say(n, "cy", "Well done.")
	s.as("cy", "PUT", fmt.Sprintf("/merge_requests/%d/notes/%d", n, edited), map[string]any{"body": "/sluice override changelog Edited in."}, nil)
	s.act(n, "update", map[string]any{"user": "cy", "title": "feat: /sluice override changelog In a title."})
	s.say(n, "cy", "> /sluice override changelog Quoted.")
	s.say(n, "cy", "```\n/sluice override changelog In code.\n```")
	s.settles()
	s.shows(n, map[string]string{"sluice/changelog": red, "sluice/gate": red})
	if list := s.replies(n); len(list) > 0 {
		t.Errorf("there are replies: %+v", list)
	}

	s.act(n, "comment", map[string]any{"user": "cy", "body": "/sluice override changelog Nobody else need know.", "internal": true})
	s.answered(n, "is overridden for")
	for _, x := range s.replies(n) {
		if !x.Internal {
			t.Errorf("an internal note is answered for all to read: %+v", x)
		}
	}
	s.shows(n, map[string]string{"sluice/changelog": green})
	s.oneNote(n)
}

// A command is obeyed and answered once, whatever becomes of the answer's answer, and however often it is told of.
func TestGitLabCommandsWithFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]map[string]any{
		"502 after the effect":   {"status": 502, "after_effect": true},
		"500 after the effect":   {"status": 500, "after_effect": true},
		"reset after the effect": {"kind": "reset", "after_effect": true},
		"half an answer":         {"kind": "truncate", "after_effect": true},
		"lost before it":         {"status": 502},
		"too many requests":      {"status": 429, "retry_after": 1},
		"slow":                   {"latency_ms": 1500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := labbed(t)
			n := s.open(nil)
			s.shows(n, map[string]string{"sluice/changelog": red})
			s.oneNote(n)
			fault["path"], fault["method"], fault["count"] = "/notes$", "POST", 1
			s.do("POST", "/faults", fault)
			s.do("POST", "/webhook_options", map[string]any{"duplicates": 1, "shuffle_ms": 30})
			s.say(n, "cy", "/sluice override changelog The entry follows.")
			s.shows(n, map[string]string{"sluice/changelog": green})
			s.answered(n, "is overridden for")
			s.say(n, "cy", "/sluice status")
			if replies := s.answered(n, "/sluice status"); replies != 2 {
				t.Errorf("%d replies to two notes: %+v", replies, s.replies(n))
			}
			s.oneNote(n)
		})
	}
}

// A maintainer releases what was merged: the merge request that makes the version, the tag and the release; and an entry is
// written by command.
func TestGitLabReleaseAndEntry(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": red})
	s.say(n, "ana", "/sluice changelog Added: Gift cards.")
	s.answered(n, "Wrote the entry to")
	s.shows(n, map[string]string{"sluice/changelog": green})
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.merges(n)
	s.act(n, "merge", map[string]any{"user": "bo"})

	s.say(n, "bo", "/sluice release minor")
	s.answered(n, "only maintainers release")
	s.say(n, "cy", "/sluice release minor")
	s.answered(n, "turns what is unreleased into")
	made := n + 1
	s.shows(made, map[string]string{"sluice/changelog": green, "sluice/tagging": green})
	s.act(made, "approve", map[string]any{"user": "bo"})
	s.merges(made)
	s.act(made, "merge", map[string]any{"user": "bo"})
	s.answered(n, "Released")
	var release struct {
		Tag  string `json:"tag_name"`
		Body string `json:"description"`
	}
	s.as("root", "GET", "/releases/v1.1.0", nil, &release)
	if release.Tag != "v1.1.0" || !strings.Contains(release.Body, "Gift cards.") {
		t.Errorf("release %+v", release)
	}
	var tag struct{ Message, Target string }
	s.as("root", "GET", "/repository/tags/v1.1.0", nil, &tag)
	if tag.Message == "" {
		t.Errorf("the tag is not annotated: %+v", tag)
	}
}

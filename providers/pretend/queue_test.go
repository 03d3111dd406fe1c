package pretend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// told are the webhooks that wait, by event and action, and the reason where there is one.
func (s *shop) told(event string) (list []string) {
	s.t.Helper()
	s.Hooks(Target{URL: "http://127.0.0.1:1"}) // nobody listens: the log has them all the same
	sent, _ := s.Deliver(context.Background(), Order{})
	for _, d := range sent {
		if d.Event != event {
			continue
		}
		said := d.Action
		if _, after, ok := strings.Cut(string(d.Body), `"reason":"`); ok {
			said += " " + after[:strings.IndexByte(after, '"')]
		}
		list = append(list, said)
	}
	return list
}

func TestAMergeQueueBuildsMergesAndBuildsAnew(t *testing.T) {
	t.Parallel()
	s := open(t)
	must(t, s.Protect("acme/shop", "main", Required{Context: "ci"}))
	for i, files := range []map[string]string{{"README.md": "Shop\nFirst\n"}, {"two.txt": "2\n"}, {"README.md": "Shop\nThird\n"}} {
		_, err := s.Open(PR{Repo: "acme/shop", By: "ana", Branch: fmt.Sprintf("b%d", i+1), Commits: []Commit{{Files: Texts(files)}}})
		must(t, err)
	}
	if err := s.Enqueue("acme/shop", 1, "bo"); !errors.Is(err, ErrRefused) {
		t.Errorf("Enqueue without the required check = %v, want ErrRefused", err)
	}
	s.told("")
	must(t, s.Enqueue("acme/shop", 1, "olga"))
	must(t, s.Enqueue("acme/shop", 2, "olga"))
	if err := s.Enqueue("acme/shop", 3, "olga"); !errors.Is(err, ErrRefused) {
		t.Errorf("Enqueue of what conflicts = %v, want ErrRefused", err)
	}
	q := s.Queued("acme/shop")
	if len(q) != 2 || q[1].Base != q[0].Head || q[0].Base != s.Head("acme/shop", "main") {
		t.Fatalf("queue %+v, want the second upon the first upon main", q)
	}
	if got := fmt.Sprint(s.told("merge_group")); got != "[checks_requested checks_requested]" {
		t.Errorf("told %s", got)
	}
	must(t, s.Dequeue("acme/shop", 1, "olga"))
	if got := fmt.Sprint(s.told("merge_group")); got != "[destroyed dequeued destroyed invalidated checks_requested]" {
		t.Errorf("told %s when the first left", got)
	}
	again := s.Queued("acme/shop")[2]
	must(t, s.Report(Report{Repo: "acme/shop", Commit: again.Head, Name: "ci", State: "success", App: "ci"}))
	if s.Head("acme/shop", "main") != again.Head || fmt.Sprint(s.told("merge_group")) != "[destroyed merged]" {
		t.Errorf("main is %s, want the queue's commit %s", s.Head("acme/shop", "main"), again.Head)
	}
	must(t, s.Enqueue("acme/shop", 1, "olga"))
	failed := s.Queued("acme/shop")[3]
	must(t, s.Report(Report{Repo: "acme/shop", Commit: failed.Head, Name: "ci", State: "failure", App: "ci"}))
	if s.Queued("acme/shop")[3].Waits || s.Head("acme/shop", "main") != again.Head {
		t.Error("what failed was merged or still waits")
	}
}

func TestBothSidesOfAMergeStay(t *testing.T) {
	t.Parallel()
	o := newObjects()
	at := func(parent *commit, files map[string]string) *commit {
		var was *tree
		var parents []*commit
		if parent != nil {
			was, parents = parent.tree, []*commit{parent}
		}
		return o.commit(o.edit(was, Texts(files)), parents, fmt.Sprint(files), Signature{Name: "a"}, Signature{Name: "a"})
	}
	base := at(nil, map[string]string{"a": "1\n2\n3\n4\n5\n6\n7\n", "b": "b\n"})
	ours, theirs := at(base, map[string]string{"a": "0\n1\n2\n3\n4\n5\n6\n7\n", "c": "c\n"}), at(base, map[string]string{"a": "1\n2\n3\n4\n5\n6\n7\n8\n"})
	got, ok := o.merge(ours, theirs)
	if e, has := got.at("a"); !ok || !has || string(e.blob.data) != "0\n1\n2\n3\n4\n5\n6\n7\n8\n" {
		t.Errorf("merged %v %v, want both lines", ok, has)
	}
	if _, has := got.at("c"); !has {
		t.Error("what only one side added is gone")
	}
	if _, ok := o.merge(at(base, map[string]string{"b": "x\n"}), at(base, map[string]string{"b": "y\n"})); ok {
		t.Error("two edits of one line were merged")
	}
}

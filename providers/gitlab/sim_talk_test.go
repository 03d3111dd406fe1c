package gitlab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// These tests run against a simulator of GitLab's API. They run where SLUICE_SIM_GITLAB names the simulator's folder.

const talkScenario = `{
  "settings": {"license": "ultimate"},
  "users": [{"username":"alice","email":"alice@example.com"},{"username":"bob","email":"bob@example.com"},{"username":"carol","email":"carol@example.com"},
    {"username":"dave","email":"dave@example.com"},{"username":"mallory","email":"mallory@example.com"},{"username":"deploybot","bot":true}],
  "groups": [{"path":"acme","name":"Acme","members":{"alice":"owner","deploybot":"developer"}},{"path":"operations","name":"Ops","parent":"acme","members":{"carol":"reporter"}}],
  "projects": [{"path_with_namespace":"acme/platform/shop","creator":"alice","members":{"bob":"maintainer","carol":"developer","dave":"reporter","mallory":"developer"},
      "files":{"README.md":"# shop\n",".sluice.yml":"version: 1\n","CHANGELOG.md":"# Changelog\n"},"settings":{"only_allow_merge_if_pipeline_succeeds":true}},
    {"path_with_namespace":"mallory/shop","owner":"mallory","creator":"mallory","fork_of":"acme/platform/shop"}],
  "tokens": [{"group":"acme","name":"sluice","token":"tok-bot","access_level":"maintainer","scopes":["api"]}]
}`

// talkSim is a simulator in a process of its own, and a client that talks to it.
type talkSim struct {
	*testing.T
	url    string
	client *Client
	now    time.Time
}

const shop = "acme/platform/shop"

func simulated(t *testing.T) *talkSim {
	t.Helper()
	dir := os.Getenv("SLUICE_SIM_GITLAB")
	if dir == "" {
		t.Skip("SLUICE_SIM_GITLAB does not name the simulator")
	}
	state := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(state, []byte(talkScenario), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "sim.mjs", "--port", "0", "--state", state)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the simulator did not start: %v", err)
	}
	s := &talkSim{T: t, url: strings.TrimSpace(line[strings.Index(line, "http"):]), now: time.Now()}
	s.client = s.fresh()
	t.Cleanup(func() {
		if bad := s.calls("violations=1"); len(bad) > 0 {
			t.Errorf("against GitLab's contract: %v", bad)
		}
	})
	return s
}

// fresh is a client that remembers nothing, as after a restart.
func (s *talkSim) fresh() *Client {
	s.Helper()
	c, err := New(Settings{URL: s.url, Token: "tok-bot", WebhookSecret: "s"}, Options{Now: func() time.Time { return s.now }})
	if err != nil {
		s.Fatal(err)
	}
	return c
}

func (s *talkSim) raw(method, path string, body any) []byte {
	s.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	req, err := http.NewRequest(method, s.url+"/_sim"+path, bytes.NewReader(b))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	all, _ := io.ReadAll(resp.Body)
	if resp.StatusCode >= 300 {
		s.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, all)
	}
	return all
}

func (s *talkSim) do(method, path string, body any) obj {
	s.Helper()
	out := obj{}
	if all := s.raw(method, path, body); len(all) > 0 && all[0] == '{' {
		if err := json.Unmarshal(all, &out); err != nil {
			s.Fatal(err)
		}
	}
	return out
}

// shop acts in the project; as is any call of the API in somebody's name.
func (s *talkSim) shop(path string, body any) obj {
	s.Helper()
	return s.do("POST", "/projects/"+url.PathEscape(shop)+path, body)
}

func (s *talkSim) as(user, method, path string, body any) []byte {
	s.Helper()
	return s.raw(method, "/as/"+user+"/projects/"+url.PathEscape(shop)+path, body)
}

func (s *talkSim) open(branch, author string) (*checks.Facts, checks.Subject) {
	s.Helper()
	mr := s.shop("/merge_requests", obj{"source_branch": branch, "title": "Change " + branch, "author": author, "files": obj{branch + ".txt": "one\n"}})
	n := int(mr["iid"].(float64))
	sub := checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindChange, Change: n}
	f := &checks.Facts{Subject: sub, Change: &checks.Change{Number: n, Head: checks.Ref{Name: branch, Commit: mr["sha"].(string)}, Base: checks.Ref{Name: "main"}},
		Repository: checks.Repository{Default: "main"}}
	return f, sub
}

// read puts what GitLab shows on the head's newest pipeline into the facts, as a reading does.
func (s *talkSim) read(f *checks.Facts) {
	s.Helper()
	var mr struct {
		Head *struct{ ID int } `json:"head_pipeline"`
	}
	s.decode(s.as("alice", "GET", fmt.Sprintf("/merge_requests/%d", f.Change.Number), nil), &mr)
	f.Statuses = nil
	if mr.Head == nil {
		return
	}
	var list []statusNode
	s.decode(s.as("alice", "GET", fmt.Sprintf("/repository/commits/%s/statuses?pipeline_id=%d", f.Change.Head.Commit, mr.Head.ID), nil), &list)
	me, err := s.client.ways[0].myself(context.Background())
	if err != nil {
		s.Fatal(err)
	}
	for _, x := range list {
		f.Statuses = append(f.Statuses, checks.Status{Name: x.Name, ID: x.ID, Node: node(x.Pipeline), State: stateWord(x.Status), Title: x.Description, Ours: x.Author.ID == int64(me.ID)})
	}
}

func (s *talkSim) decode(raw []byte, out any) {
	s.Helper()
	if err := json.Unmarshal(raw, out); err != nil {
		s.Fatalf("%v: %s", err, raw)
	}
}

// calls are the client's calls, as "POST /projects/…".
func (s *talkSim) calls(query string) (list []string) {
	s.Helper()
	var got struct {
		Calls []struct {
			Method, Path string
			Status       int
			Violations   []string
		}
	}
	s.decode(s.raw("GET", "/calls?"+query, nil), &got)
	for _, c := range got.Calls {
		path, _ := url.PathUnescape(c.Path)
		list = append(list, strings.TrimSpace(fmt.Sprint(c.Method, " ", strings.TrimPrefix(strings.TrimPrefix(path, "/api/v4"), "/projects/"+shop), " ", c.Status, " ", strings.Join(c.Violations, ";"))))
	}
	return list
}

func (s *talkSim) forget() { s.raw("DELETE", "/calls", nil) }

// cost counts the calls since the last forget: reads and writes.
func (s *talkSim) cost() (reads, writes int) {
	for _, c := range s.calls("") {
		if strings.HasPrefix(c, "GET") || strings.HasPrefix(c, "HEAD") {
			reads++
		} else {
			writes++
		}
	}
	return reads, writes
}

// shown is what GitLab shows on the newest pipeline of the head.
func (s *talkSim) shown(f *checks.Facts) string {
	s.Helper()
	s.read(f)
	var lines []string
	for _, x := range f.Statuses {
		lines = append(lines, fmt.Sprintf("%s %s %s", x.Name, x.State, x.Title))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (s *talkSim) mergeable(f *checks.Facts) string {
	s.Helper()
	return s.do("GET", fmt.Sprintf("/projects/%s/merge_requests/%d", url.PathEscape(shop), f.Change.Number), nil)["detailed_merge_status"].(string)
}

func (s *talkSim) notes(f *checks.Facts) (list []noteNode) {
	s.Helper()
	var all []noteNode
	s.decode(s.as("alice", "GET", fmt.Sprintf("/merge_requests/%d/notes?sort=asc", f.Change.Number), nil), &all)
	for _, n := range all {
		if !n.System {
			list = append(list, n)
		}
	}
	return list
}

func of(f *checks.Facts, name string, o checks.Outcome, title string) gate.Post {
	return gate.Post{Name: name, Commit: f.Change.Head.Commit, Outcome: o, Title: title, Summary: title + " In *Markdown*.", URL: "https://sluice.example/decisions/d1", ExternalID: "d1", Digest: title}
}

func (s *talkSim) post(f *checks.Facts, posts ...gate.Post) []gate.Posted {
	s.Helper()
	got, err := s.client.Post(context.Background(), f.Subject, f, posts)
	if err != nil {
		s.Fatalf("Post: %v", err)
	}
	if len(got) != len(posts) {
		s.Fatalf("Post: %d of %d: %+v", len(got), len(posts), got)
	}
	return got
}

func (s *talkSim) check(what string, got, want any) {
	s.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		s.Errorf("%s:\ngot  %s\nwant %s", what, g, w)
	}
}

// TestStatusesOfAChange follows one change: first words, the same again, another word, and what each costs.
func TestStatusesOfAChange(t *testing.T) {
	s := simulated(t)
	f, _ := s.open("a", "carol")
	s.check("before", s.mergeable(f), "ci_must_pass")
	s.forget()
	first := s.post(f, of(f, "sluice/gate", checks.Wait, "Waits."), of(f, "sluice/changelog", checks.Fail, "No entry."), of(f, "sluice/tagging", checks.Pass, "Ships v1."))
	reads, writes := s.cost()
	s.check("three checks and a note", writes, 4)
	t.Logf("first post: %d reads: %v", reads, s.calls("method=GET"))
	s.check("shown", s.shown(f), "sluice/changelog failure No entry.\nsluice/gate in_progress Waits.\nsluice/tagging success Ships v1.")
	s.check("mergeable", s.mergeable(f), "ci_still_running")
	s.check("states", first[0].State+" "+first[1].State+" "+first[2].State, "in_progress failure success")

	known := func(p gate.Post, k gate.Posted) gate.Post { p.Known = &k; return p }
	s.read(f)
	s.forget()
	s.post(f, known(of(f, "sluice/gate", checks.Wait, "Waits."), first[0]), known(of(f, "sluice/tagging", checks.Advise, "Ships v1."), first[2]))
	reads, writes = s.cost()
	s.check("the same again", fmt.Sprint(reads, writes), "0 1") // advice is a pass here, and its part of the note says so

	s.forget()
	s.post(f, known(of(f, "sluice/gate", checks.Wait, "Waits."), first[0]), known(of(f, "sluice/tagging", checks.Advise, "Ships v1."), first[2]))
	s.check("once more", s.calls(""), "[]")

	s.read(f)
	s.forget()
	got := s.post(f, known(of(f, "sluice/gate", checks.Pass, "Open."), first[0]), known(of(f, "sluice/changelog", checks.Pass, "An entry."), first[1]))
	reads, writes = s.cost()
	s.check("what changed", fmt.Sprint(reads, writes), "0 3")
	s.check("shown after", s.shown(f), "sluice/changelog success An entry.\nsluice/gate success Open.\nsluice/tagging success Ships v1.")
	s.check("mergeable after", s.mergeable(f), "mergeable")
	s.check("in one pipeline", got[0].Node == got[1].Node && got[0].Node == first[0].Node, true)
	s.check("one note", len(s.notes(f)), 1)
}

// TestANoteThatSomebodyTookHoldOf: it is put right by the next word, and made anew where it was deleted, without being read.
func TestANoteThatSomebodyTookHoldOf(t *testing.T) {
	s := simulated(t)
	f, sub := s.open("a", "carol")
	s.post(f, of(f, "sluice/gate", checks.Fail, "Shut."), of(f, "sluice/changelog", checks.Fail, "No entry."))
	for name, does := range map[string]func(path string){
		"edited":  func(path string) { s.as("root", "PUT", path, obj{"body": "All is well."}) },
		"deleted": func(path string) { s.as("root", "DELETE", path, nil) },
	} {
		does(fmt.Sprintf("/merge_requests/%d/notes/%d", sub.Change, s.notes(f)[0].ID))
		s.read(f)
		s.forget()
		s.post(f, of(f, "sluice/gate", checks.Fail, "Still shut; it was "+name+"."))
		reads, _ := s.cost()
		s.check("reads of a note that was "+name, reads, 0)
		if n := s.notes(f); len(n) != 1 || !strings.Contains(n[0].Body, "it was "+name) || !strings.Contains(n[0].Body, "No entry.") || strings.Contains(n[0].Body, "All is well.") {
			t.Errorf("after it was %s the notes are %+v", name, n)
		}
	}
}

// TestPendingSaysMore: while a status is pending GitLab keeps its words, and what is new stands in the note.
func TestPendingSaysMore(t *testing.T) {
	s := simulated(t)
	f, _ := s.open("a", "carol")
	first := s.post(f, of(f, "sluice/gate", checks.Wait, "Needs 2."))
	s.read(f)
	next := of(f, "sluice/gate", checks.Unknown, "Needs 1.")
	next.Known = &first[0]
	s.forget()
	s.post(f, next)
	_, writes := s.cost()
	s.check("writes", writes, 1)
	s.check("shown", s.shown(f), "sluice/gate in_progress Needs 2.")
	if n := s.notes(f); len(n) != 1 || !strings.Contains(n[0].Body, "Needs 1.") || strings.Contains(n[0].Body, "Needs 2.") {
		t.Errorf("notes: %+v", n)
	}
	s.client = s.fresh() // it crashed before it was written down
	f.Statuses = nil
	again := s.post(f, of(f, "sluice/gate", checks.Wait, "Needs 1."))
	s.check("the very status", again[0].ID, first[0].ID)
	s.check("one note still", len(s.notes(f)), 1)
}

// TestAnotherPipeline: a pipeline that somebody starts on the same head has none of our statuses, and gets them.
func TestAnotherPipeline(t *testing.T) {
	s := simulated(t)
	f, _ := s.open("a", "mallory")
	first := s.post(f, of(f, "sluice/gate", checks.Fail, "Shut."))
	pipeline := s.shop("/pipelines", obj{"ref": "a", "user": "mallory", "jobs": []obj{{"name": "mine", "status": "success"}}})
	s.check("got past", s.mergeable(f), "mergeable")
	s.read(f)
	p := of(f, "sluice/gate", checks.Fail, "Shut.")
	s.client.talk.heads.Purge()
	s.post(f, p)
	s.check("shut again", s.mergeable(f), "ci_must_pass")
	s.read(f)
	s.check("there", f.Statuses[0].Node != first[0].Node && slices.ContainsFunc(f.Statuses, func(x checks.Status) bool {
		return x.Ours && x.Node == fmt.Sprintf("pipeline/%v", pipeline["id"])
	}), true)
}

// TestForeignStatus: somebody with write access posts under our name, whatever ours says then.
func TestForeignStatus(t *testing.T) {
	s := simulated(t)
	for _, row := range []struct{ before, after checks.Outcome }{
		{checks.Wait, checks.Wait}, {checks.Wait, checks.Fail}, {checks.Fail, checks.Fail}, {checks.Fail, checks.Wait}, {checks.Pass, checks.Wait}, {checks.Wait, checks.Pass},
	} {
		f, _ := s.open(fmt.Sprintf("a%d%d", row.before, row.after), "mallory")
		s.post(f, of(f, "sluice/gate", row.before, "Before."))
		s.as("mallory", "POST", "/statuses/"+f.Change.Head.Commit, obj{"name": "sluice/gate", "state": "success", "ref": f.Change.Head.Name, "description": "Fooled you."})
		s.check("fooled", s.mergeable(f), "mergeable")
		s.read(f)
		got := s.post(f, of(f, "sluice/gate", row.after, "After."))
		want := map[checks.Outcome]string{checks.Wait: "in_progress", checks.Fail: "failure", checks.Pass: "success"}[row.after]
		s.check(fmt.Sprint(row), s.shown(f), "sluice/gate "+want+" After.")
		s.check("posted", got[0].State, want)
		s.check("ours", f.Statuses[0].Ours && f.Statuses[0].ID == got[0].ID, true)
		if row.after != checks.Pass {
			s.check("mergeable", s.mergeable(f) != "mergeable", true)
		}
	}
}

// TestForkStatus stands in a pipeline of the merge request's ref.
func TestForkStatus(t *testing.T) {
	s := simulated(t)
	fork := "/projects/" + url.PathEscape("mallory/shop")
	s.do("POST", fork+"/commits", obj{"branch": "x", "start": "main", "user": "mallory", "message": "x", "files": obj{"x": "x\n"}})
	var mr struct {
		IID int
		SHA string
	}
	s.decode(s.raw("POST", "/as/mallory"+fork+"/merge_requests", obj{"source_branch": "x", "target_branch": "main", "target_project_id": 1, "title": "X"}), &mr)
	sub := checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindChange, Change: mr.IID}
	f := &checks.Facts{Subject: sub, Change: &checks.Change{Number: mr.IID, Fork: true, Head: checks.Ref{Name: "x", Commit: mr.SHA}, Base: checks.Ref{Name: "main"}}}
	s.post(f, of(f, "sluice/gate", checks.Wait, "Waits."), of(f, "sluice/changelog", checks.Fail, "No entry."))
	var list []struct{ Name, Ref string }
	s.decode(s.as("alice", "GET", "/repository/commits/"+mr.SHA+"/statuses", nil), &list)
	s.check("statuses", list, fmt.Sprintf("[{sluice/gate refs/merge-requests/%[1]d/head} {sluice/changelog refs/merge-requests/%[1]d/head}]", mr.IID))
	f, err := s.client.Facts(context.Background(), sub, "")
	if err != nil || len(f.Statuses) != 2 {
		t.Fatalf("Facts = %+v, %v", f, err)
	}
	again := []gate.Post{of(f, "sluice/gate", checks.Wait, "Waits."), of(f, "sluice/changelog", checks.Fail, "No entry.")}
	for i := range again {
		for _, x := range f.Statuses {
			if x.Name == again[i].Name {
				again[i].Known = &gate.Posted{Name: x.Name, Commit: mr.SHA, ID: x.ID, Node: x.Node, State: x.State}
			}
		}
	}
	s.forget()
	s.post(f, again...)
	_, writes := s.cost()
	s.check("the same again", writes, 0)
}

// TestAwaitPipeline: where a configuration lies, the commit's own pipeline is waited for, and not for ever.
func TestAwaitPipeline(t *testing.T) {
	s := simulated(t)
	s.shop("/commits", obj{"user": "alice", "message": "ci", "files": obj{".gitlab-ci.yml": "test: {script: [make]}\n"}})
	f, _ := s.open("a", "carol")
	ctx := context.Background()
	for range 2 {
		var soon *gate.RetryError
		if got, err := s.client.Post(ctx, f.Subject, f, []gate.Post{of(f, "sluice/gate", checks.Wait, "Waits.")}); !errors.As(err, &soon) || soon.After <= 0 || len(got) != 0 {
			t.Fatalf("Post = %v, %v; want to come again", got, err)
		}
		s.now = s.now.Add(again)
	}
	made := s.shop("/pipelines", obj{"ref": "a", "user": "carol", "jobs": []obj{{"name": "test", "status": "running"}}})
	got := s.post(f, of(f, "sluice/gate", checks.Wait, "Waits."))
	s.check("in its own", got[0].Node, fmt.Sprintf("pipeline/%v", made["id"]))
	var pipelines []any
	s.decode(s.as("alice", "GET", "/pipelines?sha="+f.Change.Head.Commit, nil), &pipelines)
	s.check("no stray one", len(pipelines), 1)

	g, _ := s.open("b", "carol") // whose rules make no pipeline
	if _, err := s.client.Post(ctx, g.Subject, g, []gate.Post{of(g, "sluice/gate", checks.Wait, "Waits.")}); err == nil {
		t.Error("did not wait")
	}
	s.now = s.now.Add(young)
	s.post(g, of(g, "sluice/gate", checks.Wait, "Waits."))
	s.check("after all", s.shown(g), "sluice/gate in_progress Waits.")
}

// TestOutside answers the external status check for the head.
func TestOutside(t *testing.T) {
	s := simulated(t)
	s.shop("/status_checks", obj{"name": "other", "external_url": "https://other.example/x"})
	s.shop("/status_checks", obj{"name": "Release gate", "external_url": "https://sluice.example/webhook/gitlab"})
	s.do("PATCH", "/projects/"+url.PathEscape(shop), obj{"settings": obj{"only_allow_merge_if_all_status_checks_passed": true}})
	f, _ := s.open("a", "carol")
	status := func() (words []string) {
		var list []outsider
		s.decode(s.as("alice", "GET", fmt.Sprintf("/merge_requests/%d/status_checks", f.Change.Number), nil), &list)
		for _, x := range list {
			words = append(words, x.Name+" "+x.Status)
		}
		return words
	}
	first := s.post(f, of(f, "sluice/gate", checks.Fail, "Shut."))
	s.check("shut", status(), "[other pending Release gate failed]")
	s.read(f)
	next := of(f, "sluice/gate", checks.Pass, "Open.")
	next.Known = &first[0]
	s.post(f, next)
	s.check("open", status(), "[other pending Release gate passed]")
	s.forget()
	s.client = s.fresh()
	s.read(f)
	next.Known = &gate.Posted{Name: next.Name, Commit: next.Commit, ID: f.Statuses[0].ID, Node: f.Statuses[0].Node, State: f.Statuses[0].State}
	s.forget()
	s.post(f, next)
	_, writes := s.cost()
	s.check("said before", writes, 0)
}

// TestLostWrites: whatever answer is lost, each thing is there once in the end.
func TestLostWrites(t *testing.T) {
	s := simulated(t)
	ctx := context.Background()
	for i, path := range []string{"/statuses/", "/notes$"} {
		f, _ := s.open(fmt.Sprint("lost", i), "carol")
		s.do("POST", "/faults", obj{"method": "POST", "path": path, "kind": "reset", "after_effect": true, "count": 1})
		posts := []gate.Post{of(f, "sluice/gate", checks.Wait, "Waits."), of(f, "sluice/changelog", checks.Fail, "No entry.")}
		got, err := s.client.Post(ctx, f.Subject, f, posts)
		var unclear *Unclear
		if !errors.As(err, &unclear) {
			t.Fatalf("Post = %v, %v; want it unclear", got, err)
		}
		s.read(f)
		for j := range posts {
			for _, x := range f.Statuses {
				if x.Name == posts[j].Name {
					posts[j].Known = &gate.Posted{Name: x.Name, Commit: f.Change.Head.Commit, ID: x.ID, Node: x.Node, State: x.State}
				}
			}
		}
		s.post(f, posts...)
		s.check("shown", s.shown(f), "sluice/changelog failure No entry.\nsluice/gate in_progress Waits.")
		s.check("one note", len(s.notes(f)), 1)
	}
	f, sub := s.open("answers", "carol")
	s.do("POST", "/faults", obj{"method": "POST", "path": "/notes$", "status": 502, "after_effect": true, "count": 1})
	if _, err := s.client.Reply(ctx, sub, "77", 0, "done"); err == nil {
		t.Fatal("the answer was not lost")
	}
	id, err := s.fresh().Reply(ctx, sub, "77", -1, "done")
	if err != nil || len(s.notes(f)) != 1 || s.notes(f)[0].ID != id {
		t.Errorf("Reply = %d, %v; notes %+v", id, err, s.notes(f))
	}
}

// TestConversation reads commands as they are and answers where they were given.
func TestConversation(t *testing.T) {
	s := simulated(t)
	ctx := context.Background()
	f, sub := s.open("a", "carol")
	say := func(user, body string, internal bool) int64 {
		n := s.shop(fmt.Sprintf("/merge_requests/%d/comment", sub.Change), obj{"user": user, "body": body, "internal": internal})
		return int64(n["id"].(float64))
	}
	id := say("bob", "/sluice status", false)
	c, err := s.client.Comment(ctx, sub, id)
	if err != nil || c.Body != "/sluice status" || c.By.Login != "bob" || !c.By.Human() || c.Edited || c.App || !strings.HasSuffix(c.URL, fmt.Sprintf("%s/-/merge_requests/%d#note_%d", shop, sub.Change, id)) || c.At.IsZero() {
		t.Errorf("Comment = %+v, %v", c, err)
	}
	for range 2 {
		if err := s.client.React(ctx, sub, id); err != nil {
			t.Error(err)
		}
	}
	var awards []award
	s.decode(s.as("alice", "GET", fmt.Sprintf("/merge_requests/%d/notes/%d/award_emoji", sub.Change, id), nil), &awards)
	s.check("emoji", len(awards) == 1 && awards[0].Name == "eyes", true)
	if err := s.client.React(ctx, sub, 9999); !errors.Is(err, gate.ErrGone) {
		t.Errorf("React to nothing = %v", err)
	}
	s.as("alice", "PUT", fmt.Sprintf("/merge_requests/%d/notes/%d", sub.Change, id), obj{"body": "/sluice override approval x"})
	if c, err = s.client.Comment(ctx, sub, id); err != nil || !c.Edited {
		t.Errorf("edited: %+v, %v", c, err)
	}
	s.do("POST", "/clock", obj{"advance_ms": 5000})
	s.as("alice", "PUT", fmt.Sprintf("/merge_requests/%d/notes/%d", sub.Change, id), obj{"body": "/sluice override approval y"})
	if c, err = s.fresh().Comment(ctx, sub, id); err != nil || !c.Edited {
		t.Errorf("edited, and nothing remembered: %+v, %v", c, err)
	}
	if c, err = s.client.Comment(ctx, sub, say("deploybot", "/sluice help", false)); err != nil || !c.App || c.By.Human() {
		t.Errorf("a bot: %+v, %v", c, err)
	}
	other := sub
	other.Change = 99
	if _, err := s.client.Comment(ctx, other, id); !errors.Is(err, gate.ErrGone) {
		t.Errorf("another change: %v", err)
	}
	s.shop(fmt.Sprintf("/merge_requests/%d/push", sub.Change), obj{"user": "carol"})
	var all []noteNode
	s.decode(s.as("alice", "GET", fmt.Sprintf("/merge_requests/%d/notes", sub.Change), nil), &all)
	i := slices.IndexFunc(all, func(n noteNode) bool { return n.System })
	if _, err := s.client.Comment(ctx, sub, all[i].ID); !errors.Is(err, gate.ErrGone) {
		t.Errorf("GitLab's own note: %v", err)
	}

	secret := say("bob", "/sluice hold wait", true)
	for _, client := range []*Client{s.client, s.fresh()} {
		answer, err := client.Reply(ctx, sub, fmt.Sprint(secret), -1, "Held.\n/merge\n```\n/close\n```")
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(s.notes(f), func(n noteNode) bool { return n.ID == answer })
		n := s.notes(f)[i]
		s.check("answered among few", n.Internal, true)
		if strings.Contains(n.Body, "\n/") || !strings.Contains(n.Body, "\n&#47;merge\n") || !strings.Contains(n.Body, "\n /close\n") {
			t.Errorf("GitLab would obey this: %q", n.Body)
		}
	}
	open, err := s.client.Reply(ctx, sub, fmt.Sprint(id), 0, "Here.")
	if err != nil {
		t.Fatal(err)
	}
	i = slices.IndexFunc(s.notes(f), func(n noteNode) bool { return n.ID == open })
	s.check("answered openly", s.notes(f)[i].Internal, false)
	before := len(s.notes(f))
	s.as("alice", "DELETE", fmt.Sprintf("/merge_requests/%d/notes/%d", sub.Change, open), nil)
	if next, err := s.client.Reply(ctx, sub, fmt.Sprint(id), open, "Here again."); err != nil || next == open || len(s.notes(f)) != before {
		t.Errorf("Reply = %d, %v", next, err)
	}
	// Another's words with our mark are not our reply.
	say("mallory", "x\n\n"+replyMark("78"), false)
	if mine, err := s.client.Reply(ctx, sub, "78", -1, "mine"); err != nil || len(s.notes(f)) != before+2 {
		t.Errorf("Reply = %d, %v", mine, err)
	}
}

// TestRightsNow asks GitLab each time.
func TestRightsNow(t *testing.T) {
	s := simulated(t)
	ctx := context.Background()
	sub := checks.Subject{Forge: "gitlab", Repo: shop, Kind: checks.KindChange, Change: 1}
	who := func(login string) checks.Person {
		p, err := s.client.Account(ctx, gate.Repo{Forge: "gitlab", Name: shop}, login)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	right := func(p checks.Person) string {
		r, err := s.client.Permission(ctx, sub, p)
		if err != nil {
			t.Error(err)
		}
		return r
	}
	for login, want := range map[string]string{"alice": "admin", "bob": "maintain", "carol": "write", "dave": "triage"} {
		s.check(login, right(who(login)), want)
	}
	for level, want := range map[string]string{"owner": "admin", "maintainer": "maintain", "developer": "write", "reporter": "triage", "guest": "read"} {
		s.do("POST", "/members", obj{"project": shop, "user": "dave", "access_level": level})
		s.check(level, right(who("dave")), want)
	}
	s.do("POST", "/members", obj{"project": shop, "user": "dave", "access_level": "developer", "expires_at": "2020-01-01"})
	s.check("past his day", right(who("dave")), "none")
	carol := who("carol")
	s.do("PATCH", "/users/carol", obj{"state": "blocked"})
	s.check("blocked", right(carol), "none")
	s.do("PATCH", "/users/carol", obj{"state": "active"})
	impostor := who("dave")
	impostor.ID = who("alice").ID
	s.check("another account", right(impostor), "none")
	s.do("POST", "/users", obj{"username": "eve"})
	s.check("a stranger", right(who("eve")), "none")
	s.do("PATCH", "/projects/"+url.PathEscape(shop), obj{"visibility": "public"})
	s.client = s.fresh()
	s.check("a stranger in public", right(who("eve")), "read")
	s.do("PATCH", "/users/carol", obj{"state": "blocked"})
	s.do("PATCH", "/users/carol", obj{"state": "active"})
	for group, want := range map[string]bool{"acme/operations": true, "acme": false, "acme/none": false, "1": false} {
		is, err := s.client.Member(ctx, sub, carol, group)
		if err != nil || is != want {
			t.Errorf("Member(%s) = %v, %v", group, is, err)
		}
	}
}

// TestReviewers adds to those who are asked already.
func TestReviewers(t *testing.T) {
	s := simulated(t)
	f, sub := s.open("a", "carol")
	ctx := context.Background()
	s.shop(fmt.Sprintf("/merge_requests/%d/update", sub.Change), obj{"user": "carol", "reviewers": []string{"dave"}})
	if err := s.client.RequestReviewers(ctx, sub, []string{"bob", "carol"}, []string{"acme/operations"}); err != nil {
		t.Fatal(err)
	}
	var list []struct{ User userNode }
	s.decode(s.as("alice", "GET", fmt.Sprintf("/merge_requests/%d/reviewers", f.Change.Number), nil), &list)
	var names []string
	for _, r := range list {
		names = append(names, r.User.Username)
	}
	slices.Sort(names)
	s.check("asked", names, "[bob dave]")
	s.forget()
	if err := s.client.RequestReviewers(ctx, sub, nil, []string{"acme/operations"}); err != nil || len(s.calls("")) != 0 {
		t.Errorf("a group alone: %v %v", err, s.calls(""))
	}
	if err := s.client.RequestReviewers(ctx, sub, []string{"bob"}, nil); err != nil || len(s.calls("method=PUT")) != 0 {
		t.Errorf("asked before: %v %v", err, s.calls(""))
	}
}

// TestWhatAnEventCosts: what a judged event costs beyond the facts, and that nothing new costs nothing.
func TestWhatAnEventCosts(t *testing.T) {
	s := simulated(t)
	ctx := context.Background()
	judge := func(sub checks.Subject, known map[string]gate.Posted, posts func(*checks.Facts) []gate.Post) (facts, reads, writes int) {
		t.Helper()
		s.forget()
		f, err := s.client.Facts(ctx, sub, "")
		if err != nil {
			t.Fatal(err)
		}
		facts, _ = s.cost()
		list := posts(f)
		for i := range list {
			if k, ok := known[list[i].Name]; ok {
				list[i].Known = &k
			}
		}
		for _, got := range s.post(f, list...) {
			known[got.Name] = got
		}
		reads, writes = s.cost()
		return facts, reads, writes
	}
	first := func(f *checks.Facts) []gate.Post {
		return []gate.Post{of(f, "sluice/gate", checks.Fail, "Shut."), of(f, "sluice/changelog", checks.Fail, "No entry."), of(f, "sluice/approval", checks.Advise, "One more would be well.")}
	}
	_, sub := s.open("cold", "carol")
	facts, reads, writes := judge(sub, map[string]gate.Posted{}, first)
	t.Logf("the first of all: facts %d, reads %d, writes %d: %q", facts, reads, writes, s.calls(""))

	_, sub = s.open("warm", "carol")
	known := map[string]gate.Posted{}
	facts, reads, writes = judge(sub, known, first)
	t.Logf("a new change: facts %d, reads %d, writes %d: %q", facts, reads, writes, s.calls(""))
	s.check("a new change: reads beyond the facts, and writes", fmt.Sprint(reads-facts, writes), "1 4")

	facts, reads, writes = judge(sub, known, first)
	t.Logf("nothing new: facts %d, reads %d, writes %d: %q", facts, reads, writes, s.calls(""))
	s.check("nothing new", fmt.Sprint(reads-facts, writes), "0 0")

	facts, reads, writes = judge(sub, known, func(f *checks.Facts) []gate.Post {
		return []gate.Post{of(f, "sluice/gate", checks.Pass, "Open."), of(f, "sluice/changelog", checks.Pass, "An entry.")}
	})
	t.Logf("two words changed: facts %d, reads %d, writes %d: %q", facts, reads, writes, s.calls(""))
	s.check("two words changed", fmt.Sprint(reads-facts, writes), "0 3")
}

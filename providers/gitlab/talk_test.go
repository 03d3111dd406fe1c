package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// told is a GitLab that answers what it was told to, and remembers what it was asked. What it was not told of is a 404.
type told struct {
	*testing.T
	client *Client
	now    time.Time
	mu     sync.Mutex
	says   map[string]func(*http.Request, obj) (int, any)
	asked  []string
}

func newTold(t *testing.T) *told {
	t.Helper()
	g := &told{T: t, says: map[string]func(*http.Request, obj) (int, any){}, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	var err error
	if g.client, err = New(Settings{URL: server.URL, Token: "t", WebhookSecret: "s"}, Options{Now: func() time.Time { return g.now }}); err != nil {
		t.Fatal(err)
	}
	g.say("GET /user", obj{"id": 9, "username": "group_1_bot_ab"})
	g.say("GET /projects/acme%2Fshop", obj{"id": 1, "path_with_namespace": "acme/shop", "default_branch": "main", "web_url": server.URL + "/acme/shop", "visibility": "private"})
	return g
}

func (g *told) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4")
	raw, _ := io.ReadAll(r.Body)
	body := obj{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &body); err != nil {
			g.Errorf("%s: %v", key, err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, strings.TrimSpace(key+" "+string(raw)))
	answer, ok := g.says[key]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	code, out := answer(r, body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(out)
}

func (g *told) say(route string, out any) { g.with(route, http.StatusOK, out) }
func (g *told) with(route string, code int, out any) {
	g.says[route] = func(*http.Request, obj) (int, any) { return code, out }
}

// wrote are the writes that were asked for since the last call, without the notes.
func (g *told) wrote() (list []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range g.asked {
		if !strings.HasPrefix(a, "GET") && !strings.HasPrefix(a, "HEAD") && !strings.Contains(a, "/notes") {
			list = append(list, a)
		}
	}
	g.asked = nil
	return list
}

var (
	head0  = strings.Repeat("a", 40)
	merge0 = strings.Repeat("b", 40)
	sub7   = checks.Subject{Forge: "gitlab", Repo: "acme/shop", Kind: checks.KindChange, Change: 7}
)

func facts7() *checks.Facts {
	return &checks.Facts{Subject: sub7, Change: &checks.Change{Number: 7, Head: checks.Ref{Name: "topic", Commit: head0}, Base: checks.Ref{Name: "main"}},
		Repository: checks.Repository{Default: "main"}}
}

func (g *told) change(pipeline obj) {
	mr := obj{"iid": 7, "sha": head0, "source_branch": "topic", "source_project_id": 1, "target_project_id": 1, "head_pipeline": pipeline}
	if pipeline == nil {
		mr["head_pipeline"] = nil
	}
	g.say("GET /projects/acme%2Fshop/merge_requests/7", mr)
	g.say("GET /projects/acme%2Fshop/merge_requests/7/notes", []obj{})
	g.with("POST /projects/acme%2Fshop/merge_requests/7/notes", 201, obj{"id": 70})
}

// takes has statuses taken, of whichever commit and pipeline.
func (g *told) takes(commit string) {
	id := 100
	g.says["POST /projects/acme%2Fshop/statuses/"+commit] = func(_ *http.Request, b obj) (int, any) {
		id++
		pipeline := b["pipeline_id"]
		if pipeline == nil {
			pipeline = 55.0
		}
		return 201, obj{"id": id, "name": b["name"], "status": b["state"], "pipeline_id": pipeline, "author": obj{"id": 9}}
	}
}

// TestWhereStatusesGo has one row for each pipeline that GitLab may name as the head's.
func TestWhereStatusesGo(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		pipeline obj
		parents  []string
		fork     bool
		commit   string // that the status is posted on
		body     string // a part of what is posted
	}{
		"a branch's pipeline":              {obj{"id": 5, "project_id": 1, "sha": head0, "ref": "topic"}, nil, false, head0, `"pipeline_id":5`},
		"a merge request's pipeline":       {obj{"id": 5, "project_id": 1, "sha": head0, "ref": "refs/merge-requests/7/head"}, nil, false, head0, `"pipeline_id":5`},
		"a merged result of this head":     {obj{"id": 5, "project_id": 1, "sha": merge0, "ref": "refs/merge-requests/7/merge"}, []string{"c", head0}, false, merge0, `"pipeline_id":5`},
		"a merged result of another one":   {obj{"id": 5, "project_id": 1, "sha": merge0, "ref": "refs/merge-requests/7/merge"}, []string{"c", "d"}, false, head0, `"ref":"topic"`},
		"the head's before":                {obj{"id": 5, "project_id": 1, "sha": merge0, "ref": "topic"}, nil, false, head0, `"ref":"topic"`},
		"none":                             {nil, nil, false, head0, `"ref":"topic"`},
		"a fork's own":                     {obj{"id": 5, "project_id": 2, "sha": head0, "ref": "topic"}, nil, true, head0, `"ref":"refs/merge-requests/7/head"`},
		"ours, of a fork":                  {obj{"id": 5, "project_id": 1, "sha": head0, "ref": "refs/merge-requests/7/head"}, nil, true, head0, `"pipeline_id":5`},
		"of a fork, and nobody says whose": {obj{"id": 5, "sha": head0, "ref": "topic"}, nil, true, head0, `"ref":"refs/merge-requests/7/head"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTold(t)
			g.change(row.pipeline)
			if row.fork {
				g.says["GET /projects/acme%2Fshop/merge_requests/7"] = func(*http.Request, obj) (int, any) {
					return 200, obj{"iid": 7, "sha": head0, "source_branch": "topic", "source_project_id": 2, "target_project_id": 1, "head_pipeline": row.pipeline}
				}
			}
			g.say("GET /projects/acme%2Fshop/repository/commits/"+merge0, obj{"id": merge0, "parent_ids": row.parents})
			g.takes(row.commit)
			f := facts7()
			got, err := g.client.Post(context.Background(), sub7, f, []gate.Post{of(f, "sluice/gate", checks.Fail, "Shut."), of(f, "sluice/tagging", checks.Pass, "Ships.")})
			wrote := g.wrote()
			if err != nil || len(got) != 2 || len(wrote) != 2 || !strings.Contains(wrote[0], row.body) || !strings.HasPrefix(wrote[0], "POST /projects/acme%2Fshop/statuses/"+row.commit) {
				t.Fatalf("Post = %+v, %v; wrote %q, want %s on %s", got, err, wrote, row.body, row.commit)
			}
			if want := got[0].Node[len("pipeline/"):]; !strings.Contains(wrote[1], `"pipeline_id":`+want) {
				t.Errorf("the second went elsewhere than into %s: %s", want, wrote[1])
			}
		})
	}
}

// TestOvertakenHead: what would be said of a head that is no more, nobody needs.
func TestOvertakenHead(t *testing.T) {
	t.Parallel()
	g := newTold(t)
	g.change(nil)
	f := facts7()
	f.Change.Head.Commit = merge0
	var later *gate.RetryError
	if got, err := g.client.Post(context.Background(), sub7, f, []gate.Post{of(f, "sluice/gate", checks.Fail, "Shut.")}); !errors.As(err, &later) || len(got) != 0 || len(g.wrote()) != 0 {
		t.Errorf("Post = %+v, %v", got, err)
	}
}

// talkedPipeline keeps statuses as GitLab does: one under way for each name and account, the newest of a name shown, and every word
// under a name hiding all others of it, though the one that it went to may itself be hidden.
type talkedPipeline struct {
	rows []*row
}

type row struct {
	id, user    int64
	name, state string
	title       string
	hidden      bool
}

func (p *talkedPipeline) post(user int64, name, state, title string) (int, any) {
	var r *row
	for _, x := range p.rows {
		if x.user == user && x.name == name && !ended(x.state) {
			r = x
		}
	}
	if r != nil && r.state == state {
		return 400, obj{"message": fmt.Sprintf("Cannot transition status via :enqueue from :%s (Reason(s): Status cannot transition via \"enqueue\")", r.state)}
	}
	if r == nil {
		r = &row{id: int64(len(p.rows) + 1), user: user, name: name}
		p.rows = append(p.rows, r)
	}
	r.state, r.title = state, title
	for _, x := range p.rows {
		if x != r && x.name == name {
			x.hidden = true
		}
	}
	return 201, obj{"id": r.id, "name": name, "status": state, "description": title, "pipeline_id": 5, "author": obj{"id": user}}
}

func (p *talkedPipeline) shown() (list []statusNode) {
	for _, r := range p.rows {
		if !r.hidden {
			x := statusNode{ID: r.id, Name: r.name, Status: r.state, Description: r.title, Pipeline: 5, Author: &userNode{ID: r.user}}
			list = append(list, x)
		}
	}
	return list
}

// TestForeignWrites: whatever others post under our name, and whether or not the facts tell of it, ours stands above in the end.
func TestForeignWrites(t *testing.T) {
	t.Parallel()
	outcomes := []checks.Outcome{checks.Wait, checks.Fail, checks.Pass}
	for _, before := range outcomes {
		for _, after := range outcomes {
			for _, seen := range []bool{true, false} {
				t.Run(fmt.Sprint(before, " ", after, " ", seen), func(t *testing.T) {
					t.Parallel()
					g, p := newTold(t), &talkedPipeline{}
					g.change(obj{"id": 5, "project_id": 1, "sha": head0, "ref": "topic"})
					g.says["POST /projects/acme%2Fshop/statuses/"+head0] = func(_ *http.Request, b obj) (int, any) {
						return p.post(9, b["name"].(string), b["state"].(string), fmt.Sprint(b["description"]))
					}
					g.says["GET /projects/acme%2Fshop/repository/commits/"+head0+"/statuses"] = func(*http.Request, obj) (int, any) { return 200, p.shown() }
					f := facts7()
					post := func(o checks.Outcome, title string) []gate.Posted {
						got, err := g.client.Post(context.Background(), sub7, f, []gate.Post{of(f, "sluice/gate", o, title)})
						if err != nil {
							t.Fatal(err)
						}
						return got
					}
					post(before, "Before.")
					p.post(4, "sluice/gate", "success", "Fooled you.")
					look := func() {
						f.Statuses = nil
						for _, x := range p.shown() {
							f.Statuses = append(f.Statuses, checks.Status{Name: x.Name, ID: x.ID, Node: "pipeline/5", State: stateWord(x.Status), Title: x.Description, Ours: x.Author.ID == 9})
						}
					}
					if seen {
						look()
					}
					post(after, "After.")
					if top := p.shown(); !seen && (len(top) != 1 || top[0].Author.ID != 9) { // the pipeline tells, and it is looked at again
						look()
						post(after, "After.")
					}
					top := p.shown()
					if len(top) != 1 || top[0].Author.ID != 9 || top[0].Status != word(gate.Post{Outcome: after}) || top[0].Description != "After." {
						t.Errorf("shown: %+v", top)
					}
				})
			}
		}
	}
}

// TestRefusedStatus has one row for each answer to a status that is none of success.
func TestRefusedStatus(t *testing.T) {
	t.Parallel()
	t.Run("another write is under way", func(t *testing.T) {
		t.Parallel()
		g := newTold(t)
		g.change(obj{"id": 5, "project_id": 1, "sha": head0})
		g.with("POST /projects/acme%2Fshop/statuses/"+head0, 409, obj{"message": "Another update to this commit status is in progress"})
		f := facts7()
		var later *gate.RetryError
		if _, err := g.client.Post(context.Background(), sub7, f, []gate.Post{of(f, "sluice/gate", checks.Fail, "x")}); !errors.As(err, &later) || later.After <= 0 {
			t.Errorf("Post: %v", err)
		}
	})
	t.Run("its words are disliked", func(t *testing.T) {
		t.Parallel()
		g := newTold(t)
		g.change(obj{"id": 5, "project_id": 1, "sha": head0})
		g.says["POST /projects/acme%2Fshop/statuses/"+head0] = func(_ *http.Request, b obj) (int, any) {
			if b["target_url"] != nil {
				return 400, obj{"message": obj{"target_url": []string{"is blocked: Only allowed schemes are http, https"}}}
			}
			return 201, obj{"id": 1, "status": b["state"], "pipeline_id": 5}
		}
		f := facts7()
		if got, err := g.client.Post(context.Background(), sub7, f, []gate.Post{of(f, "sluice/gate", checks.Fail, "x")}); err != nil || got[0].State != "failure" {
			t.Errorf("Post = %+v, %v", got, err)
		}
	})
	t.Run("the second is refused", func(t *testing.T) {
		t.Parallel()
		g := newTold(t)
		g.change(obj{"id": 5, "project_id": 1, "sha": head0})
		g.says["POST /projects/acme%2Fshop/statuses/"+head0] = func(_ *http.Request, b obj) (int, any) {
			if b["name"] != "sluice/gate" {
				return 403, obj{"message": "403 Forbidden"}
			}
			return 201, obj{"id": 1, "status": b["state"], "pipeline_id": 5}
		}
		f := facts7()
		got, err := g.client.Post(context.Background(), sub7, f, []gate.Post{of(f, "sluice/gate", checks.Fail, "x"), of(f, "sluice/tagging", checks.Pass, "y")})
		if err == nil || len(got) != 1 || got[0].Name != "sluice/gate" {
			t.Errorf("Post = %+v, %v; want the first, and an error", got, err)
		}
	})
}

// TestNoteRefused: a conversation that is locked holds no status up, and one that cannot be written now has all tried again.
func TestNoteRefused(t *testing.T) {
	t.Parallel()
	for code, fine := range map[int]bool{403: true, 400: true, 502: false, 429: false} {
		g := newTold(t)
		g.change(obj{"id": 5, "project_id": 1, "sha": head0})
		g.takes(head0)
		g.with("POST /projects/acme%2Fshop/merge_requests/7/notes", code, obj{"message": "no"})
		f := facts7()
		got, err := g.client.Post(context.Background(), sub7, f, []gate.Post{of(f, "sluice/gate", checks.Fail, "x")})
		if (err == nil) != fine || (len(got) == 1) != fine {
			t.Errorf("%d: Post = %+v, %v", code, got, err)
		}
	}
}

// TestDetails: each check has its part, what others said stays, what belongs to another head goes, and nothing that people wrote
// becomes more than text.
func TestDetails(t *testing.T) {
	t.Parallel()
	g := newTold(t)
	g.change(obj{"id": 5, "project_id": 1, "sha": head0})
	g.takes(head0)
	note := ""
	g.says["POST /projects/acme%2Fshop/merge_requests/7/notes"] = func(_ *http.Request, b obj) (int, any) {
		note = b["body"].(string)
		if b["internal"] != nil || b["confidential"] != nil {
			t.Errorf("the note is hidden: %v", b)
		}
		return 201, obj{"id": 70}
	}
	g.says["PUT /projects/acme%2Fshop/merge_requests/7/notes/70"] = func(_ *http.Request, b obj) (int, any) { note = b["body"].(string); return 200, obj{"id": 70} }
	show := func() []obj {
		if note == "" {
			return []obj{}
		}
		return []obj{{"id": 69, "body": note, "author": obj{"id": 4}}, {"id": 70, "body": strings.TrimSpace(note), "author": obj{"id": 9}}}
	}
	g.says["GET /projects/acme%2Fshop/merge_requests/7/notes"] = func(*http.Request, obj) (int, any) { return 200, show() }
	g.says["GET /projects/acme%2Fshop/merge_requests/7/notes/70"] = func(*http.Request, obj) (int, any) { return 200, show()[1] }
	f := facts7()
	config := of(f, "sluice/config-separation", checks.Fail, "Two secrets.")
	config.Summary = "Two secrets.\n\n- **fail** A key.\n  Where: `src/a.go:3`\n"
	config.Annotations = []checks.Annotation{{Path: "src/a.go", Line: 3, Message: "A key."}, {Path: "src/`b`.go", Line: 4, Message: "<img src=x> @all\n/approve"}}
	post := func(posts ...gate.Post) {
		t.Helper()
		if _, err := g.client.Post(context.Background(), sub7, f, posts); err != nil {
			t.Fatal(err)
		}
	}
	post(of(f, "sluice/tagging", checks.Pass, "Ships."), config, of(f, "sluice/gate", checks.Fail, "Shut."))
	if !strings.HasPrefix(note, detailsMark) || strings.Count(note, "<!-- sluice:check ") != 3 || strings.Index(note, "sluice/gate") > strings.Index(note, "sluice/config") ||
		strings.Contains(note, "<img") || strings.Contains(note, "@all") || strings.Contains(note, "\n/") || strings.Count(note, "src/a.go:3") != 1 || !strings.Contains(note, "b&#96;.go&#58;4") {
		t.Fatalf("note: %s", note)
	}
	if got := parted(note); len(got) != 3 || !reflect.DeepEqual(got[1], part{"sluice/config-separation", head0, partText(config)}) {
		t.Errorf("read back: %+v", got)
	}
	g.client.talk.details.Purge()
	post(of(f, "sluice/tagging", checks.Fail, "Taken."))
	if !strings.Contains(note, "Taken.") || strings.Contains(note, "Ships.") || !strings.Contains(note, "A key.") || strings.Count(note, "<!-- sluice:check ") != 3 {
		t.Errorf("note: %s", note)
	}
	g.wrote()
	g.client.talk.details.Purge()
	post(of(f, "sluice/tagging", checks.Fail, "Taken."))
	g.mu.Lock()
	if slices.ContainsFunc(g.asked, func(a string) bool { return strings.HasPrefix(a, "PUT") }) {
		t.Errorf("written though nothing changed: %q", g.asked)
	}
	g.mu.Unlock()
	g.says["GET /projects/acme%2Fshop/merge_requests/7"] = func(*http.Request, obj) (int, any) {
		return 200, obj{"iid": 7, "sha": merge0, "source_project_id": 1, "target_project_id": 1, "head_pipeline": obj{"id": 6, "project_id": 1, "sha": merge0}}
	}
	g.takes(merge0)
	f.Change.Head.Commit = merge0
	post(of(f, "sluice/gate", checks.Wait, "Waits."))
	if got := parted(note); len(got) != 1 || got[0].commit != merge0 {
		t.Errorf("of the head before, something stays: %+v", got)
	}
}

// TestQuietPass: a change where all is well gets no note.
func TestQuietPass(t *testing.T) {
	t.Parallel()
	g := newTold(t)
	g.change(obj{"id": 5, "project_id": 1, "sha": head0})
	g.takes(head0)
	g.says["POST /projects/acme%2Fshop/merge_requests/7/notes"] = func(*http.Request, obj) (int, any) { t.Error("a note"); return 201, obj{"id": 1} }
	f := facts7()
	if _, err := g.client.Post(context.Background(), sub7, f, []gate.Post{of(f, "sluice/gate", checks.Pass, "Open."), of(f, "sluice/tagging", checks.Skip, "Off.")}); err != nil {
		t.Fatal(err)
	}
}

// TestTame has one row for each place where a line may begin with a slash.
func TestTame(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a /merge":                                       "a /merge",
		"/merge":                                         "&#47;merge",
		"a\n  /close now":                                "a\n  &#47;close now",
		"```\n/close\n```\n/open":                        "```\n /close\n```\n&#47;open",
		"````\n```\n/close\n````\n/open":                 "````\n```\n /close\n````\n&#47;open",
		"  ```\n  /sluice x\n  ```":                      "  ```\n  /sluice x\n  ```",
		"a\n\r/merge\r\n \r/close":                       "a\n&#47;merge\n &#47;close",
		"~~~\n\r/close\n~~~":                             "~~~\n /close\n~~~",
		"see " + gate.Escape("#2 !3 &4"):                 "see &#35;&#8203;2 &#33;&#8203;3 &#38;&#8203;4",
		"see " + gate.Escape("acme/shop#2 C# ~bug @all"): "see acme/shop&#35;&#8203;2 C&#35; &#126;&#8203;bug &#64;&#8203;all",
		"```\n&#35;2\n```":                               "```\n&#35;2\n```",
	} {
		if got := tame(text); got != want || tame(got) != got {
			t.Errorf("tame(%q) = %q, and of that %q, want %q", text, got, tame(got), want)
		}
	}
}

// TestEditedNotes: GitLab moves a note's time for more than edits.
func TestEditedNotes(t *testing.T) {
	t.Parallel()
	at := func(ms int) string {
		return time.UnixMilli(1_790_000_000_000 + int64(ms)).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	for name, row := range map[string]struct {
		updated int
		awards  []obj
		extra   obj
		want    bool
	}{
		"untouched":                       {0, nil, nil, false},
		"changed":                         {9000, nil, nil, true},
		"given an emoji, our own":         {9020, []obj{{"name": "eyes", "created_at": at(9000), "user": obj{"id": 9}}}, nil, false},
		"given an emoji, then changed":    {12000, []obj{{"name": "eyes", "created_at": at(9000), "user": obj{"id": 9}}}, nil, true},
		"given one that was taken away":   {9000, []obj{{"name": "eyes", "created_at": at(3000), "user": obj{"id": 4}}}, nil, true},
		"resolved":                        {9010, nil, obj{"resolvable": true, "resolved": true, "resolved_at": at(9000)}, false},
		"changed after it was resolved":   {19010, nil, obj{"resolvable": true, "resolved": true, "resolved_at": at(9000)}, true},
		"answered in a thread by anybody": {9000, nil, obj{"type": "DiscussionNote"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTold(t)
			n := obj{"id": 3, "body": "/sluice help", "created_at": at(0), "updated_at": at(row.updated), "author": obj{"id": 4, "username": "bo"}}
			for k, v := range row.extra {
				n[k] = v
			}
			g.say("GET /projects/acme%2Fshop/merge_requests/7/notes/3", n)
			if row.awards == nil {
				row.awards = []obj{}
			}
			g.say("GET /projects/acme%2Fshop/merge_requests/7/notes/3/award_emoji", row.awards)
			g.say("GET /users/4", obj{"id": 4, "username": "bo", "bot": false})
			c, err := g.client.Comment(context.Background(), sub7, 3)
			if err != nil || c.Edited != row.want {
				t.Errorf("Comment = %+v, %v; want edited %v", c, err, row.want)
			}
		})
	}
}

// TestHeardNotes: what was heard before anything happened to the note is still what it says, whatever its time.
func TestHeardNotes(t *testing.T) {
	t.Parallel()
	g := newTold(t)
	n := obj{"id": 3, "body": "/sluice help", "created_at": "2026-11-02T08:00:00.000Z", "updated_at": "2026-11-02T08:00:00.000Z", "author": obj{"id": 4, "username": "bo"}}
	g.say("GET /projects/acme%2Fshop/merge_requests/7/notes/3", n)
	g.say("GET /users/4", obj{"id": 4, "username": "bo"})
	edited := func() bool {
		c, err := g.client.Comment(context.Background(), sub7, 3)
		if err != nil {
			t.Fatal(err)
		}
		return c.Edited
	}
	if edited() {
		t.Error("at first")
	}
	if n["updated_at"] = "2026-11-02T08:05:00.000Z"; edited() {
		t.Error("touched, and the same")
	}
	if n["body"] = "/sluice override approval x"; !edited() {
		t.Error("changed, and nobody noticed")
	}
}

// TestKinds tells people from robots.
func TestKinds(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		user userNode
		bot  any
		want string
	}{
		"a person":              {userNode{ID: 4, Username: "bo"}, false, "user"},
		"a project's token":     {userNode{ID: 4, Username: "project_12_bot_0a1b"}, nil, "bot"},
		"an old one":            {userNode{ID: 4, Username: "project_12_bot3"}, nil, "bot"},
		"a group's token":       {userNode{ID: 4, Username: "group_12_bot_0a1b"}, nil, "bot"},
		"a service account":     {userNode{ID: 4, Username: "deployer"}, true, "bot"},
		"a deleted account":     {userNode{ID: 4, Username: "ghost"}, nil, ""},
		"one that GitLab hides": {userNode{ID: 4, Username: "bo"}, nil, ""},
	} {
		g := newTold(t)
		if row.bot != nil {
			g.say("GET /users/4", obj{"id": 4, "bot": row.bot})
		}
		g.say("GET /projects/acme%2Fshop/merge_requests/7/notes/3", obj{"id": 3, "body": "x", "created_at": "2026-11-02T08:00:00.000Z", "updated_at": "2026-11-02T08:00:00.000Z",
			"author": obj{"id": row.user.ID, "username": row.user.Username}})
		c, err := g.client.Comment(context.Background(), sub7, 3)
		if err != nil || c.By.Kind != row.want || c.App != (row.want == "bot") || c.By.Human() != (row.want == "user") {
			t.Errorf("%s: %+v, %v; want %q", name, c, err, row.want)
		}
	}
}

// TestMemberships has one row for each membership that is none.
func TestMemberships(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		m    obj
		want string
	}{
		"an owner":           {obj{"state": "active", "access_level": 50, "membership_state": "active"}, "admin"},
		"a planner":          {obj{"state": "active", "access_level": 15}, "triage"},
		"minimal access":     {obj{"state": "active", "access_level": 5}, "none"},
		"waits for a seat":   {obj{"state": "active", "access_level": 50, "membership_state": "awaiting"}, "none"},
		"blocked":            {obj{"state": "blocked", "access_level": 50}, "none"},
		"deactivated":        {obj{"state": "deactivated", "access_level": 50}, "none"},
		"until today":        {obj{"state": "active", "access_level": 50, "expires_at": "2026-11-02"}, "none"},
		"until tomorrow":     {obj{"state": "active", "access_level": 40, "expires_at": "2026-11-03"}, "maintain"},
		"until nobody knows": {obj{"state": "active", "access_level": 40, "expires_at": "soon"}, "none"},
		"another account":    {obj{"state": "active", "access_level": 50, "username": "bob"}, "none"},
	} {
		g := newTold(t)
		if row.m["id"] = 4; row.m["username"] == nil {
			row.m["username"] = "bo"
		}
		g.say("GET /projects/acme%2Fshop/members/all/4", row.m)
		if got, err := g.client.Permission(context.Background(), sub7, checks.Person{ID: 4, Login: "bo", Kind: "user"}); err != nil || got != row.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, row.want)
		}
	}
}

// TestLandedBeyondTheList: where many changes were merged since, a commit is asked for by itself, and the train's are told.
func TestLandedBeyondTheList(t *testing.T) {
	t.Parallel()
	g := newTold(t)
	id := func(n int) string { return fmt.Sprintf("%040x", n) }
	g.say("GET /projects/acme%2Fshop", obj{"id": 1, "default_branch": "main", "web_url": "https://x/acme/shop", "merge_trains_enabled": true})
	g.say("GET /projects/acme%2Fshop/repository/branches/main", obj{"name": "main", "default": true, "commit": obj{"id": id(3), "parent_ids": []string{id(2)}}})
	g.say("GET /projects/acme%2Fshop/merge_trains", []obj{{"target_branch": "main", "pipeline": obj{"sha": id(9)}}, {"target_branch": "other", "pipeline": obj{"sha": id(8)}}, {"target_branch": "main"}})
	g.say("GET /projects/acme%2Fshop/repository/commits", []obj{
		{"id": id(3), "parent_ids": []string{id(2)}, "committed_date": "2026-11-02T08:00:00Z"}, {"id": id(2), "parent_ids": []string{id(1)}, "committed_date": "2026-11-02T07:00:00Z"}})
	pages := 0
	g.says["GET /projects/acme%2Fshop/merge_requests"] = func(r *http.Request, _ obj) (int, any) {
		pages++
		var list []obj
		for i := range 100 {
			list = append(list, obj{"iid": 1000*pages + i, "state": "merged", "target_branch": "main", "merge_commit_sha": id(100_000*pages + i), "updated_at": "2026-11-02T08:30:00Z", "target_project_id": 1})
		}
		return 200, list
	}
	next := g.client.opts.Transport
	g.client.opts.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err == nil && strings.HasSuffix(r.URL.Path, "/merge_requests") && !strings.Contains(r.URL.Path, "/commits/") {
			page, _ := strconv.Atoi(r.URL.Query().Get("page"))
			resp.Header.Set("X-Next-Page", strconv.Itoa(page+1))
		}
		return resp, err
	})
	g.say("GET /projects/acme%2Fshop/repository/commits/"+id(3)+"/merge_requests", []obj{{"iid": 7, "state": "merged", "target_branch": "main", "target_project_id": 1, "merge_commit_sha": id(3)}})
	g.say("GET /projects/acme%2Fshop/repository/commits/"+id(2)+"/merge_requests", []obj{{"iid": 8, "state": "merged", "target_branch": "dev", "target_project_id": 1}, {"iid": 9, "state": "opened", "target_branch": "main", "target_project_id": 1}})
	l, err := g.client.Landed(context.Background(), gate.Repo{Forge: "gitlab", Name: "acme/shop"}, "main", id(1))
	if err != nil || l.Cut || fmt.Sprint(l.Changes, l.Direct, l.Queue) != fmt.Sprint([]int{7}, []string{id(2)}, []string{id(9)}) || pages != mergedPages {
		t.Errorf("Landed = %+v, %v, after %d pages", l, err, pages)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestQuietThenLoud: once there is something to say, the note has the checks that were quiet before, too.
func TestQuietThenLoud(t *testing.T) {
	t.Parallel()
	g := newTold(t)
	g.change(obj{"id": 5, "project_id": 1, "sha": head0})
	g.takes(head0)
	note := ""
	g.says["POST /projects/acme%2Fshop/merge_requests/7/notes"] = func(_ *http.Request, b obj) (int, any) {
		note = b["body"].(string)
		return 201, obj{"id": 1}
	}
	f := facts7()
	for _, p := range []gate.Post{of(f, "sluice/tagging", checks.Pass, "Ships."), of(f, "sluice/gate", checks.Fail, "Shut.")} {
		if _, err := g.client.Post(context.Background(), sub7, f, []gate.Post{p}); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(note, "Ships.") || !strings.Contains(note, "Shut.") {
		t.Errorf("note: %s", note)
	}
}

package gitlab

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

const (
	headSHA  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	baseSHA  = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	tipSHA   = "cccccccccccccccccccccccccccccccccccccccc"
	olderSHA = "dddddddddddddddddddddddddddddddddddddddd"
)

// lab is a GitLab that answers by hand: by path below the project, or by whole path.
type lab struct {
	mu      sync.Mutex
	answers map[string]any // "merge_requests/7": what to answer with, or a number to refuse with
	files   map[string]string
	asked   []string
}

func newLab() *lab {
	at := "2026-03-01T10:00:00.000Z"
	ana := obj{"id": 5, "username": "ana", "state": "active", "public_email": "ana@acme.example"}
	return &lab{files: map[string]string{tipSHA + ":.sluice.yml": "version: 1\n"}, answers: map[string]any{
		"user": obj{"id": 1, "username": "project_9_bot_1a"},
		"":     obj{"id": 9, "path_with_namespace": "acme/shop", "default_branch": "main", "visibility": "private", "web_url": "https://git.example/acme/shop", "namespace": obj{"kind": "group", "full_path": "acme"}},
		"merge_requests/7": obj{"id": 70, "iid": 7, "title": "feat: x", "state": "opened", "author": ana, "created_at": at, "updated_at": at, "prepared_at": at, "source_branch": "x", "target_branch": "main",
			"source_project_id": 9, "target_project_id": 9, "sha": headSHA, "labels": []string{}, "reviewers": []obj{}, "changes_count": "1", "diverged_commits_count": 1,
			"diff_refs": obj{"base_sha": baseSHA, "head_sha": headSHA, "start_sha": tipSHA}},
		"merge_requests/7/approvals": obj{"approved_by": []obj{}},
		"merge_requests/7/versions":  []obj{{"id": 1, "head_commit_sha": olderSHA, "created_at": "2026-03-01T10:00:00.000Z"}, {"id": 2, "head_commit_sha": headSHA, "created_at": "2026-03-01T12:00:00.000Z"}},
		"repository/branches/main":   obj{"commit": obj{"id": tipSHA}},
		"repository/tags":            []obj{},
		"repository/compare":         compared(obj{"new_path": "x.txt", "old_path": "x.txt", "a_mode": "0", "b_mode": "100644", "new_file": true, "diff": "@@ -0,0 +1 @@\n+x\n"}),
		"members/all":                []obj{{"id": 6, "username": "bo", "access_level": 40, "state": "active"}},
		"repository/tree":            []obj{},
	}}
}

func compared(diffs ...obj) obj {
	return obj{"diffs": diffs, "compare_timeout": false, "commits": []obj{{"id": headSHA, "parent_ids": []string{baseSHA}, "message": "feat: x\n", "author_name": "Ana", "author_email": "ana@acme.example",
		"committer_name": "Ana", "committer_email": "ana@acme.example", "committed_date": "2026-03-01T10:00:00.000+01:00"}}}
}

// change puts something into the answer at a path.
func (l *lab) change(path string, more obj) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := obj{}
	for k, v := range l.answers[path].(obj) {
		o[k] = v
	}
	for k, v := range more {
		o[k] = v
	}
	l.answers[path] = o
}

func (l *lab) set(path string, answer any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[path] = answer
}

func (l *lab) serve(_ int, w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := strings.TrimPrefix(r.URL.EscapedPath(), "/gitlab/api/v4/")
	path := strings.TrimPrefix(full, "projects/acme%2Fshop")
	path = strings.TrimPrefix(path, "/")
	plain, _ := url.PathUnescape(path)
	l.asked = append(l.asked, plain)
	if name, ok := strings.CutPrefix(plain, "repository/files/"); ok && strings.HasPrefix(full, "projects/acme%2Fshop/") {
		ref := strings.Replace(r.URL.Query().Get("ref"), "refs/heads/main", tipSHA, 1)
		text, ok := l.files[ref+":"+name]
		if !ok {
			http.Error(w, `{"message":"404 File Not Found"}`, 404)
			return
		}
		sum := sha256.Sum256([]byte(text))
		l.write(w, obj{"size": len(text), "encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(text)), "content_sha256": hex.EncodeToString(sum[:]), "commit_id": ref})
		return
	}
	answer, ok := l.answers[plain]
	if code, refused := answer.(int); refused || !ok {
		if !refused {
			code = 404
		}
		http.Error(w, `{"message":"no"}`, code)
		return
	}
	l.write(w, answer)
}

func (l *lab) write(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Next-Page", "")
	_ = json.NewEncoder(w).Encode(answer)
}

func (l *lab) client(t testing.TB, o Options) *Client {
	t.Helper()
	c, _ := newStub(t, o, l.serve)
	return c
}

func labChange() checks.Subject {
	return checks.Subject{Forge: "gitlab", Repo: "acme/shop", Kind: checks.KindChange, Change: 7}
}

func (l *lab) facts(t testing.TB) *checks.Facts {
	t.Helper()
	return mustFacts(t, l.client(t, Options{}), labChange(), "")
}

func gapsOf(f *checks.Facts) string {
	var parts []string
	for _, g := range f.Gaps {
		parts = append(parts, g.Part)
	}
	return strings.Join(parts, " ")
}

// What GitLab withholds of a difference is found from the texts, or it is a gap; it is never an empty change.
func TestWithheldDifferences(t *testing.T) {
	t.Parallel()
	modified := obj{"new_path": "a.txt", "old_path": "a.txt", "a_mode": "100644", "b_mode": "100644", "diff": ""}
	with := func(more obj) obj {
		o := obj{}
		for k, v := range modified {
			o[k] = v
		}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("a", 64) + "\nsize 12\n"
	for name, x := range map[string]struct {
		diff          obj
		before, after string
		want          string
		gaps          string
	}{
		"collapsed":                    {with(obj{"collapsed": true, "too_large": false}), "a\nb\n", "a\nc\n", "modified a.txt  +1-1", ""},
		"too large":                    {with(obj{"collapsed": false, "too_large": true}), "a\nb\n", "a\nb\nc\n", "modified a.txt  +1-0", ""},
		"empty, and no word why":       {with(nil), "a\nb\n", "a\n", "modified a.txt  +0-1", ""},
		"empty, though it says all":    {with(obj{"collapsed": false, "too_large": false}), "a\n", "b\n", "modified a.txt  +1-1", ""},
		"cut short":                    {with(obj{"diff": "@@ -1,2 +1,2 @@\n a\n"}), "a\nb\n", "a\nc\n", "modified a.txt  +1-1", ""},
		"moved":                        {with(obj{"old_path": "b.txt", "renamed_file": true, "collapsed": false, "too_large": false}), "", "", "renamed a.txt b.txt +0-0", ""},
		"moved, and no word what else": {with(obj{"old_path": "b.txt", "renamed_file": true}), "a\n", "a\nb\n", "renamed a.txt b.txt +1-0", ""},
		"another mode":                 {with(obj{"b_mode": "100755", "collapsed": false, "too_large": false}), "", "", "changed a.txt  +0-0", ""},
		"a symlink":                    {with(obj{"b_mode": "120000", "a_mode": "0", "new_file": true, "diff": "@@ -0,0 +1 @@\n+../etc\n\\ No newline at end of file\n"}), "", "", "added a.txt symlink +0-0", ""},
		"a submodule":                  {with(obj{"b_mode": "160000", "a_mode": "160000", "diff": "@@ -1 +1 @@\n-Subproject commit " + headSHA + "\n+Subproject commit " + tipSHA + "\n"}), "", "", "modified a.txt submodule +0-0", ""},
		"binary":                       {with(obj{"diff": "Binary files a/a.txt and b/a.txt differ\n"}), "", "", "modified a.txt binary +0-0", ""},
		"binary, and not a word":       {with(nil), "a\x00", "b\x00", "modified a.txt binary +0-0", ""},
		"a pointer of Git LFS":         {with(obj{"a_mode": "0", "new_file": true, "diff": "@@ -0,0 +1,3 @@\n+" + strings.ReplaceAll(strings.TrimSuffix(pointer, "\n"), "\n", "\n+") + "\n"}), "", "", "added a.txt lfs +3-0", ""},
		"another encoding":             {with(obj{"collapsed": true}), "a\n", "\xff\xfe\n", "modified a.txt cut +0-0", ""},
		"a new file that is empty":     {with(obj{"a_mode": "0", "new_file": true, "collapsed": false, "too_large": false}), "", "", "added a.txt  +0-0", ""},
	} {
		l := newLab()
		l.answers["repository/compare"] = compared(x.diff)
		if x.before != "" {
			l.files[baseSHA+":"+x.diff["old_path"].(string)] = x.before
		}
		if x.after != "" {
			l.files[headSHA+":a.txt"] = x.after
		}
		f := l.facts(t)
		c := f.Files[0]
		kind := c.Kind + c.Old
		for _, a := range (&lab{}).cut(t, l) {
			kind += a
		}
		if got := fmt.Sprintf("%s %s %s +%d-%d", c.Status, c.Path, kind, c.Additions, c.Deletions); got != x.want || gapsOf(f) != x.gaps || f.Change.Additions != c.Additions {
			t.Errorf("%s: got %q, gaps %q, want %q, gaps %q", name, got, gapsOf(f), x.want, x.gaps)
		}
	}
}

// cut says that the lines of the first file could not be had.
func (*lab) cut(t *testing.T, l *lab) []string {
	t.Helper()
	c := l.client(t, Options{})
	r := &reading{c: c, a: c.ways[0], repo: "acme/shop", f: &checks.Facts{Subject: labChange()}}
	if err := r.change(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	if r.diff.files[0].Cut {
		return []string{"cut"}
	}
	return nil
}

func TestWhatCannotBeHadInFullIsAGap(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		change func(l *lab)
		gaps   string
	}{
		"more files than GitLab counts": {func(l *lab) {
			l.change("merge_requests/7", obj{"changes_count": "1000+"})
			l.set("repository/tree", 500)
		}, "error"},
		"a comparison that ended too early": {func(l *lab) {
			l.change("repository/compare", obj{"compare_timeout": true})
			l.set("repository/tree", []obj{{"id": "1", "path": "x.txt", "type": "blob", "mode": "100644"}})
		}, ""},
		"no common history":      {func(l *lab) { l.change("merge_requests/7", obj{"diff_refs": nil}) }, "files"},
		"no commits":             {func(l *lab) { l.change("repository/compare", obj{"commits": []obj{}}) }, "commits"},
		"commits without a head": {func(l *lab) { l.change("repository/compare", obj{"commits": []obj{{"id": olderSHA}}}) }, "commits"},
		"a target branch that is gone": {func(l *lab) {
			delete(l.files, tipSHA+":.sluice.yml")
			l.set("repository/branches/main", 404)
		}, "policy"},
		"tags that may not be read": {func(l *lab) { l.set("repository/tags", 403) }, "error"},
		"a group that is not there": {func(l *lab) {
			l.files[tipSHA+":.sluice.yml"] = "version: 1\napproval: {rules: [{name: a, from: {teams: [acme/none]}}]}\n"
			l.change("merge_requests/7/approvals", obj{"approved_by": []obj{{"user": obj{"id": 6, "username": "bo"}, "approved_at": "2026-03-01T13:00:00.000Z"}}})
			l.set("users/6", obj{"id": 6, "username": "bo", "bot": false})
		}, "teams"},
	} {
		l := newLab()
		x.change(l)
		f, err := l.client(t, Options{}).Facts(context.Background(), labChange(), "")
		got := "error"
		if err == nil {
			got = gapsOf(f)
		}
		if got != x.gaps {
			t.Errorf("%s: gaps %q, %v; want %q", name, got, err, x.gaps)
		}
	}
}

func TestTooManyWithheldFilesAreAGap(t *testing.T) {
	t.Parallel()
	l := newLab()
	var diffs []obj
	for i := range mostWithheld + 1 {
		name := fmt.Sprintf("f%03d.txt", i)
		diffs = append(diffs, obj{"new_path": name, "old_path": name, "a_mode": "100644", "b_mode": "100644", "diff": "", "collapsed": true})
	}
	l.answers["repository/compare"] = compared(diffs...)
	f := l.facts(t)
	if gapsOf(f) != "files" || len(f.Files) != mostWithheld+1 {
		t.Errorf("gaps %+v, %d files; want a gap and all their names", f.Gaps, len(f.Files))
	}
}

func TestApprovals(t *testing.T) {
	t.Parallel()
	bo := obj{"id": 6, "username": "bo"}
	by := func(at any, who obj) obj {
		o := obj{"user": who}
		if at != nil {
			o["approved_at"] = at
		}
		return obj{"approved_by": []obj{o}}
	}
	note := func(at, body string) obj {
		return obj{"id": 1, "body": body, "system": true, "author": bo, "created_at": at, "updated_at": at}
	}
	for name, x := range map[string]struct {
		approvals obj
		notes     []obj
		account   any
		want      string
	}{
		"of the newest commit":       {by("2026-03-01T12:00:01.000Z", bo), nil, obj{"id": 6}, "bo user approved head"},
		"of an older commit":         {by("2026-03-01T11:59:59.000Z", bo), nil, obj{"id": 6}, "bo user approved older"},
		"at the very moment":         {by("2026-03-01T12:00:00.000Z", bo), nil, obj{"id": 6}, "bo user approved "},
		"before there was anything":  {by("2026-03-01T09:00:00.000Z", bo), nil, obj{"id": 6}, "bo user approved "},
		"without a time":             {by(nil, bo), []obj{note("2026-03-01T13:00:00.000Z", "approved this merge request")}, obj{"id": 6}, "bo user approved head"},
		"without a time, given anew": {by(nil, bo), []obj{note("2026-03-01T11:00:00.000Z", "approved this merge request"), note("2026-03-01T10:30:00.000Z", "unapproved this merge request")}, obj{"id": 6}, "bo user approved older"},
		"without a time, taken back": {by(nil, bo), []obj{note("2026-03-01T13:00:00.000Z", "unapproved this merge request"), note("2026-03-01T12:30:00.000Z", "approved this merge request")}, obj{"id": 6}, "bo user approved "},
		"without a time or a note":   {by(nil, bo), nil, obj{"id": 6}, "bo user approved "},
		"by a service account":       {by("2026-03-01T13:00:00.000Z", bo), nil, obj{"id": 6, "bot": true}, "bo bot approved head"},
		"by an access token":         {by("2026-03-01T13:00:00.000Z", obj{"id": 6, "username": "project_9_bot_0a1b"}), nil, 500, "project_9_bot_0a1b bot approved head"},
		"by a deleted account":       {by("2026-03-01T13:00:00.000Z", obj{"id": 3, "username": "ghost"}), nil, 500, "  approved head"},
		"by one who is hidden":       {by("2026-03-01T13:00:00.000Z", bo), nil, 404, "bo  approved head"},
	} {
		l := newLab()
		l.set("merge_requests/7/approvals", x.approvals)
		l.set("merge_requests/7/notes", x.notes)
		if x.notes == nil {
			l.set("merge_requests/7/notes", []obj{})
		}
		l.set("users/6", x.account)
		f := l.facts(t)
		commit := map[string]string{headSHA: "head", olderSHA: "older"}[f.Reviews[0].Commit]
		if got := fmt.Sprintf("%s %s %s %s", f.Reviews[0].By.Login, f.Reviews[0].By.Kind, f.Reviews[0].State, commit); got != x.want {
			t.Errorf("%s: got %q, want %q", name, got, x.want)
		}
	}
}

func TestReviewersAndRequestedChanges(t *testing.T) {
	t.Parallel()
	l := newLab()
	who := func(id int, name string) obj { return obj{"id": id, "username": name} }
	l.change("merge_requests/7", obj{"reviewers": []obj{who(6, "bo"), who(7, "cy"), who(8, "dan")}})
	l.set("merge_requests/7/reviewers", []obj{
		{"user": who(6, "bo"), "state": "requested_changes", "created_at": "2026-03-01T10:00:00.000Z"},
		{"user": who(7, "cy"), "state": "unreviewed", "created_at": "2026-03-01T10:00:00.000Z"},
		{"user": who(8, "dan"), "state": "reviewed", "created_at": "2026-03-01T10:00:00.000Z"}})
	l.set("merge_requests/7/approvals", obj{"approved_by": []obj{{"user": who(6, "bo"), "approved_at": "2026-03-01T13:00:00.000Z"}}})
	l.set("users/6", obj{"id": 6})
	f := l.facts(t)
	if len(f.Reviews) != 1 || f.Reviews[0].State != "changes_requested" || f.Reviews[0].By.Login != "bo" {
		t.Errorf("reviews %+v, want that bo asks for changes and approves no longer", f.Reviews)
	}
	if !slices.Equal(f.Change.Requested, []string{"cy"}) {
		t.Errorf("asked for a review: %q, want cy", f.Change.Requested)
	}
}

func TestLabelsAndWhoSetThem(t *testing.T) {
	t.Parallel()
	l := newLab()
	event := func(id int, action, name string, who any) obj {
		o := obj{"id": id, "action": action, "user": who, "created_at": "2026-03-01T10:00:00.000Z", "label": nil}
		if name != "" {
			o["label"] = obj{"name": name}
		}
		return o
	}
	ana, eve := obj{"id": 5, "username": "ana"}, obj{"id": 8, "username": "eve"}
	l.change("merge_requests/7", obj{"labels": []string{"minor", "old", "odd"}})
	l.set("merge_requests/7/resource_label_events", []obj{event(4, "add", "minor", ana), event(2, "add", "minor", eve), event(3, "remove", "minor", eve), event(5, "add", "odd", nil), event(6, "remove", "", ana)})
	got := map[string]string{}
	for _, x := range l.facts(t).Change.Labels {
		if got[x.Name] = "nobody"; x.By != nil {
			got[x.Name] = x.By.Login
		}
	}
	if want := map[string]string{"minor": "ana", "old": "nobody", "odd": "nobody"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("labels %v, want %v", got, want)
	}
	// A service account may go by any name: whether a person set it is asked of the account.
	l = newLab()
	l.change("merge_requests/7", obj{"labels": []string{"minor"}})
	l.set("merge_requests/7/resource_label_events", []obj{event(4, "add", "minor", eve)})
	l.set("users/8", obj{"id": 8, "username": "eve", "bot": true})
	if x := l.facts(t).Change.Labels; len(x) != 1 || x[0].By == nil || x[0].By.Kind != "bot" {
		t.Errorf("labels %+v, want one that a program set", x)
	}
	l.change("merge_requests/7", obj{"labels": []string{"odd"}})
	l.asked = nil
	if f := l.facts(t); len(f.Change.Labels) != 1 || slices.Contains(l.asked, "merge_requests/7/resource_label_events") {
		t.Errorf("labels %+v; who set what no check goes by was asked for", f.Change.Labels)
	}
}

// Whose an address is, only the forge's word counts: a name that looks like it is anybody's.
func TestWhoseAnAddressIs(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		email string
		found any
		want  string
	}{
		"the author's own that shows":            {"ana@acme.example", 500, "5 ana user"},
		"one that the instance gave out":         {"12-bo.b@users.noreply.127.0.0.1", 500, "12 bo.b user"},
		"one that another forge gave out":        {"12-bo@users.noreply.gitlab.com", []obj{}, "0  "},
		"an access token's":                      {"project_9_bot_0a1b@noreply.127.0.0.1", 500, "0 project_9_bot_0a1b bot"},
		"one that an account shows":              {"Bo@acme.example", []obj{{"id": 6, "username": "bo", "public_email": "bo@acme.example"}}, "6 bo user"},
		"one that an administrator sees":         {"bo@acme.example", []obj{{"id": 6, "username": "bo", "email": "bo@acme.example"}}, "6 bo user"},
		"one that is found and not shown":        {"bo@acme.example", []obj{{"id": 6, "username": "bo", "name": "Bo"}}, "6 bo user"},
		"one that somebody took as his name":     {"bo@acme.example", []obj{{"id": 8, "username": "eve", "name": "bo@acme.example"}}, "0  "},
		"one that is found at two":               {"bo@acme.example", []obj{{"id": 6, "username": "bo"}, {"id": 8, "username": "eve"}}, "0  "},
		"one that shows beside one that is like": {"bo@acme.example", []obj{{"id": 8, "username": "eve", "name": "bo@acme.example"}, {"id": 6, "username": "bo", "public_email": "bo@acme.example"}}, "6 bo user"},
		"one that nobody has":                    {"x@lap.top", []obj{}, "0  "},
		"one that may not be asked for":          {"x@lap.top", 403, "0  "},
	} {
		l := newLab()
		c := compared()
		c["commits"].([]obj)[0]["author_email"] = x.email
		l.answers["repository/compare"] = c
		l.change("merge_requests/7", obj{"changes_count": "0"})
		l.set("users", x.found)
		by := l.facts(t).Commits[0].Author
		if got := fmt.Sprintf("%d %s %s", by.ID, by.Login, by.Kind); got != x.want {
			t.Errorf("%s: %s is %q, want %q", name, x.email, got, x.want)
		}
	}
}

func TestCoAuthors(t *testing.T) {
	t.Parallel()
	l := newLab()
	c := compared()
	c["commits"].([]obj)[0]["message"] = "x\n\nCo-authored-by: Bo <bo@acme.example>\r\nco-authored-by: Ana <ANA@acme.example>\nCo-Authored-By: X <x@lap.top>\n"
	l.answers["repository/compare"] = c
	l.change("merge_requests/7", obj{"changes_count": "0"})
	l.set("users", []obj{})
	var got []string
	for _, p := range l.facts(t).Commits[0].CoAuthors {
		got = append(got, fmt.Sprintf("%s <%s> %d", p.Name, p.Email, p.ID))
	}
	if want := []string{"Bo <bo@acme.example> 0", "X <x@lap.top> 0"}; !slices.Equal(got, want) {
		t.Errorf("co-authors %q, want %q", got, want)
	}
}

func TestForks(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		source  any
		project any
		want    string
	}{
		"a fork":                {11, obj{"path_with_namespace": "eve/shop"}, "true eve/shop"},
		"a fork that is hidden": {11, 404, "true "},
		"a fork that is gone":   {nil, 500, "true "},
	} {
		l := newLab()
		l.change("merge_requests/7", obj{"source_project_id": x.source})
		l.set("projects/11", x.project)
		l.set("repository/commits/"+headSHA+"/statuses", []obj{{"id": 1, "name": "sluice/gate", "status": "success", "pipeline_id": 4, "author": obj{"id": 1}}})
		f := l.facts(t)
		if got := fmt.Sprint(f.Change.Fork, " ", f.Change.Head.Repo); got != x.want || len(f.Files) != 1 || len(f.Statuses) != 1 || f.Sources[0].Commit != tipSHA {
			t.Errorf("%s: %s, %d files, statuses %+v; want %s", name, got, len(f.Files), f.Statuses, x.want)
		}
	}
}

// A merged-results pipeline is of a merge commit: its statuses are looked for there, and those of other pipelines are none.
func TestStatusesOfThePipelineThatDecides(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.change("merge_requests/7", obj{"head_pipeline": obj{"id": 4, "sha": olderSHA, "status": "running", "ref": "refs/merge-requests/7/merge", "project_id": 9}})
	l.set("repository/commits/"+olderSHA, obj{"id": olderSHA, "parent_ids": []string{tipSHA, headSHA}})
	l.set("repository/commits/"+olderSHA+"/statuses", []obj{
		{"id": 1, "name": "build", "status": "manual", "pipeline_id": 4, "author": obj{"id": 5}},
		{"id": 2, "name": "sluice/gate", "status": "canceled", "description": "Ended.", "target_url": "https://s.example/decisions/d9", "pipeline_id": 4, "author": obj{"id": 1}},
		{"id": 3, "name": "sluice/gate", "status": "success", "pipeline_id": 5, "author": obj{"id": 1}}})
	var got []string
	for _, s := range l.facts(t).Statuses {
		got = append(got, fmt.Sprint(s.ID, " ", s.Name, " ", s.State, " ", s.Title, " ", s.ExternalID, " ", s.Ours, " ", s.Node))
	}
	if want := []string{"1 build manual   false pipeline/4", "2 sluice/gate cancelled Ended. d9 true pipeline/4"}; !slices.Equal(got, want) {
		t.Errorf("statuses %q, want %q", got, want)
	}
	// Right after a push GitLab still names the pipeline of the head before: what stands there is not said of this one.
	l = newLab()
	l.change("merge_requests/7", obj{"head_pipeline": obj{"id": 4, "sha": olderSHA, "ref": "topic", "status": "success"}})
	l.set("repository/commits/"+olderSHA+"/statuses", []obj{{"id": 2, "name": "sluice/gate", "status": "success", "pipeline_id": 4, "author": obj{"id": 1}}})
	if f := l.facts(t); len(f.Statuses) != 0 {
		t.Errorf("of the head before: %+v", f.Statuses)
	}
}

func TestStaleAnswers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC)
	l := newLab()
	c := l.client(t, Options{Now: func() time.Time { return now }})
	if _, err := c.Facts(context.Background(), labChange(), tipSHA); !errors.Is(err, gate.ErrStale) {
		t.Errorf("a head that GitLab does not show yet: %v, want it stale", err)
	}
	if _, err := c.Facts(context.Background(), labChange(), olderSHA); err != nil {
		t.Errorf("a head that was there before: %v", err)
	}
	now = now.Add(3 * time.Minute)
	if _, err := c.Facts(context.Background(), labChange(), tipSHA); err != nil {
		t.Errorf("a head that never came: %v, want what there is", err)
	}
	l.change("merge_requests/7", obj{"prepared_at": nil, "diff_refs": nil})
	if _, err := l.client(t, Options{}).Facts(context.Background(), labChange(), ""); !errors.Is(err, gate.ErrStale) {
		t.Errorf("a merge request that is being prepared: %v, want it stale", err)
	}
	l.change("merge_requests/7", obj{"diff_refs": obj{"base_sha": baseSHA, "head_sha": olderSHA, "start_sha": tipSHA}})
	if _, err := l.client(t, Options{}).Facts(context.Background(), labChange(), ""); !errors.Is(err, gate.ErrStale) {
		t.Errorf("a difference of an older head: %v, want it stale", err)
	}
}

func TestRightsOfThoseWhoHaveNone(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		member     obj
		visibility string
		want       string
	}{
		"a maintainer":         {obj{"id": 6, "access_level": 40, "state": "active", "membership_state": "active"}, "private", "maintain"},
		"an owner":             {obj{"id": 6, "access_level": 50}, "private", "admin"},
		"a planner":            {obj{"id": 6, "access_level": 15}, "private", "triage"},
		"a guest":              {obj{"id": 6, "access_level": 10}, "private", "read"},
		"minimal access":       {obj{"id": 6, "access_level": 5}, "private", "none"},
		"one who is blocked":   {obj{"id": 6, "access_level": 50, "state": "blocked"}, "public", "none"},
		"one who waits":        {obj{"id": 6, "access_level": 50, "state": "active", "membership_state": "awaiting"}, "private", "none"},
		"one whose day passed": {obj{"id": 6, "access_level": 50, "expires_at": "2026-02-28"}, "private", "none"},
		"one whose day comes":  {obj{"id": 6, "access_level": 30, "expires_at": "2026-03-09"}, "private", "write"},
		"an odd day":           {obj{"id": 6, "access_level": 50, "expires_at": "soon"}, "private", "none"},
		"a stranger":           {obj{"id": 99, "access_level": 50}, "private", "none"},
		"a stranger in public": {obj{"id": 99, "access_level": 50}, "public", "read"},
	} {
		l := newLab()
		l.change("", obj{"visibility": x.visibility})
		l.set("merge_requests/7/approvals", obj{"approved_by": []obj{{"user": obj{"id": 6, "username": "bo"}, "approved_at": "2026-03-01T13:00:00.000Z"}}})
		l.set("users/6", obj{"id": 6})
		l.set("members/all", []obj{x.member})
		c := l.client(t, Options{Now: func() time.Time { return time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC) }})
		if got := mustFacts(t, c, labChange(), "").People[6].Permission; got != x.want {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
}

// A policy is read from the target branch, whatever a tag of its name may hold, and one that is a link is no policy.
func TestPolicies(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.files[tipSHA+":.sluice.yml"] = "other.yml"
	l.set("repository/tree", []obj{{"id": "1", "path": ".sluice.yml", "type": "blob", "mode": "120000"}})
	if f := l.facts(t); len(f.Sources) != 1 || f.Sources[0].Kind != "symlink" || f.Sources[0].Text != "" {
		t.Errorf("a policy that is a link: %+v", f.Sources)
	}
	l = newLab()
	delete(l.files, tipSHA+":.sluice.yml")
	l.files[tipSHA+":.gitlab/sluice.yml"] = "version: 1\nroles: {}\n"
	f := l.facts(t)
	if len(f.Sources) != 1 || f.Sources[0].Name != ".gitlab/sluice.yml" || f.Change.Base.Commit != tipSHA {
		t.Errorf("a policy in the last place: %+v at %s", f.Sources, f.Change.Base.Commit)
	}
	l = newLab()
	floor := func(text string) obj {
		sum := sha256.Sum256([]byte(text))
		return obj{"size": len(text), "encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(text)), "content_sha256": hex.EncodeToString(sum[:]), "commit_id": olderSHA}
	}
	l.change("", obj{"namespace": obj{"kind": "group", "full_path": "acme/platform/web"}})
	l.set("projects/acme/platform/sluice-policy/repository/files/sluice.yml", floor("version: 1\nrequired: {changelog: {mode: enforce}}\n"))
	l.set("projects/acme/platform/web/sluice-policy/repository/files/sluice.yml", floor("version: 1\n"))
	f = l.facts(t)
	if len(f.Sources) != 2 || f.Sources[1].Name != "acme/platform/sluice-policy:sluice.yml" || f.Sources[1].Commit != olderSHA {
		t.Errorf("policies %+v, want that of the highest group that has one", f.Sources)
	}
	l.change("", obj{"namespace": obj{"kind": "user", "full_path": "acme"}})
	if f = l.facts(t); len(f.Sources) != 1 {
		t.Errorf("policies of a person's project: %+v", f.Sources)
	}
}

func TestTheTextOfTheHeadFollowsFromTheMergeBase(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		patch string
		asks  bool // for the head by itself
	}{
		"a plain patch":              {"@@ -3,1 +3,3 @@\n ## [Unreleased]\n+\n+- x\n", false},
		"a patch with other letters": {"@@ -3,1 +3,3 @@\n ## [Unreleased]\n+\n+- Größe\n", true},
		"a patch that does not fit":  {"@@ -3,1 +3,3 @@\n ## [Released]\n+\n+- x\n", true},
	} {
		l := newLab()
		l.answers["repository/compare"] = compared(obj{"new_path": "CHANGELOG.md", "old_path": "CHANGELOG.md", "a_mode": "100644", "b_mode": "100644", "diff": x.patch})
		l.files[baseSHA+":CHANGELOG.md"] = "# Changelog\n\n## [Unreleased]\n"
		l.files[headSHA+":CHANGELOG.md"] = "# Changelog\n\n## [Unreleased]\n\n- x\n"
		f := l.facts(t)
		if text, _ := f.Text(checks.Head, "CHANGELOG.md"); text.Text != l.files[headSHA+":CHANGELOG.md"] {
			t.Errorf("%s: the head holds %+v", name, text)
		}
		n := 0
		for _, a := range l.asked {
			if a == "repository/files/CHANGELOG.md" {
				n++
			}
		}
		if want := map[bool]int{true: 2, false: 1}[x.asks]; n != want {
			t.Errorf("%s: asked for %d times, want %d", name, n, want)
		}
	}
}

func TestProtectedBranchNames(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		pattern, name string
		want          bool
	}{{"main", "main", true}, {"main", "maine", false}, {"*", "x/y", true}, {"release/*", "release/1/2", true}, {"release/*", "prerelease/1", false}, {"*-stable", "1-stable", true},
		{"*-stable", "1-stable-x", false}, {"a*b*c", "a1b2c", true}, {"a*b*c", "acb", false}, {"a*a", "a", false}} {
		if got := covers(x.pattern, x.name); got != x.want {
			t.Errorf("covers(%q, %q) = %v", x.pattern, x.name, got)
		}
	}
}

func TestCommitsAreInTheirOrder(t *testing.T) {
	t.Parallel()
	c := func(id string, parents ...string) commitNode { return commitNode{ID: id, Parents: parents} }
	for name, x := range map[string]struct {
		list []commitNode
		want string
		why  bool
	}{
		"oldest first":   {[]commitNode{c("1", "0"), c("2", "1"), c("h", "2")}, "1 2 h", false},
		"newest first":   {[]commitNode{c("h", "2"), c("2", "1"), c("1", "0")}, "1 2 h", false},
		"a merge":        {[]commitNode{c("h", "a", "b"), c("b", "0"), c("a", "0")}, "a b h", false},
		"without a head": {[]commitNode{c("1", "0")}, "1", true},
		"one twice":      {[]commitNode{c("h", "0"), c("h", "0")}, "h h", true},
		"a circle":       {[]commitNode{c("1", "h"), c("h", "1")}, "h 1", false},
	} {
		sorted, why := inOrder(x.list, "h", "0")
		var ids []string
		for _, s := range sorted {
			ids = append(ids, s.ID)
		}
		if got := strings.Join(ids, " "); got != x.want || (why != "") != x.why {
			t.Errorf("%s: %s, %q; want %s", name, got, why, x.want)
		}
	}
}

// What a service account writes is no person's word, whatever the account is called.
func TestNotesOfServiceAccounts(t *testing.T) {
	t.Parallel()
	l := newLab()
	l.files[tipSHA+":.sluice.yml"] = "approval: {stale: never, rules: [{name: r, comments: [lgtm]}]}\n"
	at := "2026-03-01T13:00:00.000Z"
	note := func(id int, who obj) obj {
		return obj{"id": id, "body": "lgtm", "author": who, "created_at": at, "updated_at": at}
	}
	l.set("merge_requests/7/notes", []obj{note(1, obj{"id": 6, "username": "bo"}), note(2, obj{"id": 8, "username": "deployer"})})
	l.set("users/6", obj{"id": 6})
	l.set("users/8", obj{"id": 8, "bot": true})
	f := l.facts(t)
	if len(f.Comments) != 2 || !f.Comments[0].By.Human() || f.Comments[1].By.Human() {
		t.Errorf("comments %+v, want one of a person and one of a program", f.Comments)
	}
}

// A default branch that is not shown is not a repository without a policy.
func TestATagWhereNoPolicyCanBeRead(t *testing.T) {
	t.Parallel()
	for name, branch := range map[string]string{"hidden": "main", "none": ""} {
		l := newLab()
		l.files = map[string]string{}
		l.change("", obj{"default_branch": branch})
		l.set("repository/branches/main", 404)
		l.set("repository/tags/v1.0.0", obj{"name": "v1.0.0", "target": headSHA, "commit": obj{"id": headSHA}})
		l.set("repository/commits/"+headSHA+"/refs", []obj{})
		l.set("protected_branches", []obj{})
		s := checks.Subject{Forge: "gitlab", Repo: "acme/shop", Kind: checks.KindTag, Tag: "v1.0.0"}
		f, err := l.client(t, Options{}).Facts(t.Context(), s, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, unread := f.Gap("policy"); !unread {
			t.Errorf("%s: gaps %q and %d policies, want it said that the policy is not known", name, gapsOf(f), len(f.Sources))
		}
	}
}

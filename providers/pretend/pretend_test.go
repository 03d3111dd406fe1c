package pretend

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// shop is a forge with one repository, an App on it, and a way to call it.
type shop struct {
	*Forge
	t     *testing.T
	url   string
	token string
}

func open(t *testing.T) *shop {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	f := New(Options{Key: key, Secret: "s3cret", Now: func() time.Time { clock = clock.Add(time.Second); return clock }})
	f.Org("acme", "olga:admin")
	must(t, f.Repo("acme/shop", true, Texts(map[string]string{"README.md": "Shop\n", "src/a.go": "package a\n", "src/b.go": "package a\n\nvar B = 1\n"})))
	for login, role := range map[string]string{"ana": "write", "bo": "maintain", "eve": "read"} {
		must(t, f.Grant("acme/shop", login, role))
	}
	id := f.Install("acme")
	f.Forget()
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	s := &shop{Forge: f, t: t, url: server.URL}
	var minted struct{ Token string }
	s.token = s.jwt()
	s.call("POST", fmt.Sprintf("/app/installations/%d/access_tokens", id), nil, 201, &minted)
	s.token = minted.Token
	return s
}

func (s *shop) jwt() string {
	now := time.Now()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{Issuer: fmt.Sprint(s.AppID()),
		IssuedAt: jwt.NewNumericDate(now.Add(-time.Minute)), ExpiresAt: jwt.NewNumericDate(now.Add(5 * time.Minute))}).SignedString(s.Key())
	must(s.t, err)
	return signed
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call makes one request and reads the answer into out.
func (s *shop) call(method, path string, body any, want int, out any) http.Header {
	s.t.Helper()
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		must(s.t, err)
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, s.url+path, in)
	must(s.t, err)
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := http.DefaultClient.Do(req)
	must(s.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(s.t, err)
	if resp.StatusCode != want {
		s.t.Fatalf("%s %s: got %d %s, want %d", method, path, resp.StatusCode, raw, want)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			s.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return resp.Header
}

// ask sends a GraphQL query and returns the answer as text.
func (s *shop) ask(query string, vars obj) string {
	s.t.Helper()
	var raw json.RawMessage
	s.call("POST", "/graphql", obj{"query": query, "variables": vars}, 200, &raw)
	return string(raw)
}

func (s *shop) open(pr PR) int {
	s.t.Helper()
	pr.Repo = "acme/shop"
	n, err := s.Open(pr)
	must(s.t, err)
	return n
}

func text(files ...string) []Commit {
	m := map[string]File{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = File{Text: files[i+1]}
	}
	return []Commit{{Files: m}}
}

func TestAPullRequestIsAnsweredOverGraphQL(t *testing.T) {
	t.Parallel()
	s := open(t)
	n := s.open(PR{By: "ana", Title: "Add c", Branch: "c", Commits: text("src/c.go", "package a\n\nvar C = 2\n"), Labels: []string{"minor"}})
	_, err := s.Review("acme/shop", n, "bo", "approved", "")
	must(t, err)
	got := s.ask(`query Q($n: Int!, $with: Boolean!) { repository(owner: "acme", name: "shop") {
		nameWithOwner
		tip: defaultBranchRef { target { __typename ... on Commit { file(path: "src/a.go") { mode object { ... on Blob { text } } } } } }
		pullRequest(number: $n) {
			title additions deletions changedFiles author { ...Who } ... @include(if: $with) { state }
			files(first: 1) { totalCount nodes { path changeType } pageInfo { hasNextPage } }
			commits(last: 1) { nodes { commit { message author { name user { login } } } } }
			reviews(first: 10) { nodes { state author { login } } }
			timelineItems(last: 5, itemTypes: [LABELED_EVENT]) { nodes { __typename ... on LabeledEvent { label { name } actor { login } } } }
		} } }
		fragment Who on Actor { __typename login ... on User { databaseId } }`, obj{"n": n, "with": true})
	id := s.User("ana").ID
	want := fmt.Sprintf(`{"data":{"repository":{"nameWithOwner":"acme/shop","tip":{"target":{"__typename":"Commit","file":{"mode":33188,"object":{"text":"package a\n"}}}},`+
		`"pullRequest":{"title":"Add c","additions":3,"deletions":0,"changedFiles":1,"author":{"__typename":"User","login":"ana","databaseId":%d},"state":"OPEN",`+
		`"files":{"totalCount":1,"nodes":[{"path":"src/c.go","changeType":"ADDED"}],"pageInfo":{"hasNextPage":false}},`+
		`"commits":{"nodes":[{"commit":{"message":"Change src/c.go","author":{"name":"ana","user":{"login":"ana"}}}}]},`+
		`"reviews":{"nodes":[{"state":"APPROVED","author":{"login":"bo"}}]},`+
		`"timelineItems":{"nodes":[{"__typename":"LabeledEvent","label":{"name":"minor"},"actor":{"login":"ana"}}]}}}}}`, id)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestGraphQLRefusesWhatGitHubRefuses(t *testing.T) {
	t.Parallel()
	s := open(t)
	for name, row := range map[string]struct{ query, want string }{
		"a field that does not exist":        {`{ repository(owner: "acme", name: "shop") { nam } }`, `Cannot query field`},
		"a repository that is not there":     {`{ repository(owner: "acme", name: "x") { name } }`, `"type":"NOT_FOUND"`},
		"a connection without a bound":       {`{ repository(owner: "acme", name: "shop") { refs(refPrefix: "refs/tags/") { totalCount } } }`, `MISSING_PAGINATION_BOUNDARIES`},
		"more than a hundred at once":        {`{ repository(owner: "acme", name: "shop") { refs(refPrefix: "refs/tags/", first: 101) { totalCount } } }`, `EXCESSIVE_PAGINATION`},
		"a variable that was not given":      {`query($n: Int!) { repository(owner: "acme", name: "shop") { pullRequest(number: $n) { id } } }`, `must be defined`},
		"a pull request that is not there":   {`{ repository(owner: "acme", name: "shop") { pullRequest(number: 9) { id } } }`, `"path":["repository","pullRequest"]`},
		"a check run on an unknown commit":   {`mutation { createCheckRun(input: {repositoryId: "R_1", headSha: "abc", name: "x"}) { checkRun { id } } }`, `"type":"NOT_FOUND"`},
		"a document that is not GraphQL":     {`{ repository(`, `"errors"`},
		"a node id that leads nowhere":       {`{ node(id: "PR_99999") { id } }`, `"type":"NOT_FOUND"`},
		"an installation without permission": {`{ organization(login: "acme") { membersWithRole(first: 1) { totalCount } } }`, `"type":"FORBIDDEN"`},
	} {
		if name == "an installation without permission" {
			s.Permit("acme", "members", "")
		}
		if got := s.ask(row.query, nil); !strings.Contains(got, row.want) {
			t.Errorf("%s: got %s, want %s", name, got, row.want)
		}
	}
}

func TestCheckRunsAreWrittenManyAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	n := s.open(PR{By: "ana", Branch: "c", Commits: text("c", "c\n")})
	head := s.Head("acme/shop", "c")
	var repo struct {
		NodeID string `json:"node_id"`
	}
	s.call("GET", "/repos/acme/shop", nil, 200, &repo)
	must(t, s.Protect("acme/shop", "main", Required{Context: "sluice/gate", App: s.AppID()}))
	if ok, why := s.Mergeable("acme/shop", n); ok || !strings.Contains(why, "not reported") {
		t.Errorf("Mergeable before: got %v %q", ok, why)
	}
	got := s.ask(`mutation Post($a: CreateCheckRunInput!, $b: CreateCheckRunInput!, $c: CreateCheckRunInput!) {
		a: createCheckRun(input: $a) { checkRun { name status conclusion } } b: createCheckRun(input: $b) { checkRun { name } } c: createCheckRun(input: $c) { checkRun { name } } }`,
		obj{"a": obj{"repositoryId": repo.NodeID, "headSha": head, "name": "sluice/gate", "status": "COMPLETED", "conclusion": "SUCCESS",
			"output": obj{"title": "Open", "summary": "all", "annotations": []obj{{"path": "c", "location": obj{"startLine": 1, "endLine": 1}, "annotationLevel": "WARNING", "message": "m"}}}},
			"b": obj{"repositoryId": repo.NodeID, "headSha": head, "name": "sluice/changelog", "status": "COMPLETED"},
			"c": obj{"repositoryId": repo.NodeID, "headSha": head, "name": "sluice/approval", "status": "IN_PROGRESS"}})
	want := `{"data":{"a":{"checkRun":{"name":"sluice/gate","status":"COMPLETED","conclusion":"SUCCESS"}},"b":null,"c":{"checkRun":{"name":"sluice/approval"}}},` +
		`"errors":[{"message":"a completed run needs a conclusion","path":["b"],"type":"UNPROCESSABLE"}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if ok, why := s.Mergeable("acme/shop", n); !ok {
		t.Errorf("Mergeable after: %s", why)
	}
	must(t, s.Report(Report{Repo: "acme/shop", Commit: "c", Name: "sluice/gate", State: "failure", App: "mallory"}))
	if ok, _ := s.Mergeable("acme/shop", n); !ok {
		t.Errorf("a run of another App decides over a pinned check")
	}
	many := make([]obj, 51)
	for i := range many {
		many[i] = obj{"path": "c", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
	}
	s.call("POST", "/repos/acme/shop/check-runs", obj{"name": "x", "head_sha": head, "output": obj{"title": "t", "summary": "s", "annotations": many}}, 422, nil)
	_, writes := s.Traffic()
	if writes != 2 {
		t.Errorf("writes: got %d, want 2: %v", writes, s.Counts())
	}
}

func TestTheFilesOfAChangeAreThoseSinceTheMergeBase(t *testing.T) {
	t.Parallel()
	s := open(t)
	n := s.open(PR{By: "ana", Branch: "c", Commits: []Commit{{Files: map[string]File{"src/b.go": {Gone: true}, "src/moved.go": {Text: "package a\n\nvar B = 1\n"}, "img": {Text: "\x00\x01"}, "link": {Text: "README.md", Mode: ModeSymlink}}}}})
	_, err := s.Push(Push{Repo: "acme/shop", By: "bo", Commits: text("README.md", "Shop!\n")})
	must(t, err)
	var files []struct {
		Filename, Status, Patch string
		PreviousFilename        string `json:"previous_filename"`
	}
	s.call("GET", fmt.Sprintf("/repos/acme/shop/pulls/%d/files", n), nil, 200, &files)
	if got, want := fmt.Sprint(files), "[{img added  } {link added @@ -0,0 +1 @@\n+README.md\n\\ No newline at end of file } {src/moved.go renamed  src/b.go}]"; got != want {
		t.Errorf("files: got %s, want %s", got, want)
	}
	var c struct {
		Status string
		Ahead  int `json:"ahead_by"`
		Behind int `json:"behind_by"`
	}
	s.call("GET", "/api/v3/repos/acme/shop/compare/main...c", nil, 200, &c)
	if c.Status != "diverged" || c.Ahead != 1 || c.Behind != 1 {
		t.Errorf("compare: got %+v", c)
	}
}

func TestPagesEndAtAHundredAndLinkToTheNext(t *testing.T) {
	t.Parallel()
	s := open(t)
	files := map[string]File{}
	for i := range 101 {
		files[fmt.Sprintf("f/%03d", i)] = File{Text: "x\n"}
	}
	n := s.open(PR{By: "ana", Branch: "c", Commits: []Commit{{Files: files}}})
	var page []any
	h := s.call("GET", fmt.Sprintf("/repos/acme/shop/pulls/%d/files?per_page=500", n), nil, 200, &page)
	if len(page) != 100 || !strings.Contains(h.Get("Link"), `page=2`) {
		t.Errorf("first page: got %d with link %q", len(page), h.Get("Link"))
	}
	got := s.ask(`{ repository(owner: "acme", name: "shop") { pullRequest(number: 1) { files(first: 100) { pageInfo { endCursor hasNextPage } } } } }`, nil)
	end := got[strings.Index(got, `endCursor":"`)+12:]
	end = end[:strings.Index(end, `"`)]
	got = s.ask(fmt.Sprintf(`{ repository(owner: "acme", name: "shop") { pullRequest(number: 1) { files(first: 100, after: %q) { nodes { path } } } } }`, end), nil)
	if want := `{"nodes":[{"path":"f/100"}]}`; !strings.Contains(got, want) {
		t.Errorf("second page: got %s, want %s", got, want)
	}
}

func TestWebhooksAreSignedAndCanBeSentTwiceAndOutOfOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	var seen []string
	s.Hooks(Target{To: func(_ context.Context, r *http.Request) (int, error) {
		body, err := io.ReadAll(r.Body)
		if got, want := r.Header.Get("X-Hub-Signature-256"), Sign("s3cret", body); got != want {
			t.Errorf("signature: got %s, want %s", got, want)
		}
		var p struct{ Action, Ref string }
		json.Unmarshal(body, &p)
		seen = append(seen, r.Header.Get("X-GitHub-Event")+"."+p.Action+p.Ref)
		return 202, err
	}})
	n := s.open(PR{By: "ana", Branch: "c", Commits: text("c", "c\n")})
	_, err := s.Push(Push{Repo: "acme/shop", Branch: "c", By: "ana", Commits: text("c", "d\n")})
	must(t, err)
	must(t, s.Close("acme/shop", n, "ana"))
	_, err = s.Deliver(t.Context(), Order{})
	must(t, err)
	want := "push.refs/heads/c create.c pull_request.opened check_suite.requested push.refs/heads/c pull_request.synchronize check_suite.requested pull_request.closed"
	if got := strings.Join(seen, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	seen = nil
	must(t, s.Reopen("acme/shop", n, "ana"))
	must(t, s.Label("acme/shop", n, "bo", "major"))
	list, err := s.Deliver(t.Context(), Order{Copies: 1, Shuffle: 7})
	must(t, err)
	if len(seen) != 4 || list[0].Status != 202 {
		t.Errorf("copies: got %v", seen)
	}
	again, err := s.Redeliver(t.Context(), list[0].ID)
	must(t, err)
	if again.GUID != list[0].GUID {
		t.Errorf("redelivered with GUID %s, want %s", again.GUID, list[0].GUID)
	}
}

func TestFaultsAndLimits(t *testing.T) {
	t.Parallel()
	s := open(t)
	const query = `query Small { repository(owner: "acme", name: "shop") { name } }`
	s.Fail(Fault{Route: "graphql", Status: 502})
	s.call("POST", "/graphql", obj{"query": query}, 502, nil)
	s.Fail(Fault{Second: true, Header: http.Header{"Retry-After": {"7"}}})
	if h := s.call("POST", "/graphql", obj{"query": query}, 403, nil); h.Get("Retry-After") != "7" {
		t.Errorf("secondary limit: got %v", h)
	}
	for _, x := range []Fault{{Reset: true}, {Cut: true}} {
		s.Fail(x)
		req, _ := http.NewRequest("GET", s.url+"/repos/acme/shop", nil)
		req.Header.Set("Authorization", "token "+s.token)
		fresh := &http.Transport{DisableKeepAlives: true} // on a connection used before, Go would try again by itself
		resp, err := fresh.RoundTrip(req)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
		}
		if err == nil {
			t.Errorf("%+v: the answer came whole", x)
		}
	}
	s.SetLimits(Limits{Core: 1, GraphQL: 1, PerMinute: 1})
	h := s.call("GET", "/repos/acme/shop", nil, 200, nil)
	if h.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("remaining: got %v", h)
	}
	s.call("GET", "/repos/acme/shop", nil, 403, nil)
	s.ask(query, nil)
	if got := s.ask(query, nil); !strings.Contains(got, "RATE_LIMITED") {
		t.Errorf("second query: got %s", got)
	}
	s.ExpireTokens()
	s.call("GET", "/repos/acme/shop", nil, 401, nil)
}

func TestUnchangedAnswersAreNotSentAgain(t *testing.T) {
	t.Parallel()
	s := open(t)
	h := s.call("GET", "/repos/acme/shop", nil, 200, nil)
	req, _ := http.NewRequest("GET", s.url+"/repos/acme/shop", nil)
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("If-None-Match", h.Get("ETag"))
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != 304 {
		t.Errorf("got %d, want 304", resp.StatusCode)
	}
}

func TestTeamsCountTheirChildrenAndRolesTheHighest(t *testing.T) {
	t.Parallel()
	s := open(t)
	must(t, s.Team("acme/all", "", "ana"))
	must(t, s.Team("acme/dba", "all", "dora"))
	must(t, s.GrantTeam("acme/shop", "acme/all", "triage"))
	var members []struct{ Login string }
	s.call("GET", "/orgs/acme/teams/all/members", nil, 200, &members)
	if got := fmt.Sprint(members); got != "[{ana} {dora}]" {
		t.Errorf("members: got %s", got)
	}
	for login, want := range map[string]string{"dora": "triage", "ana": "write", "olga": "admin", "eve": "read", "bo": "maintain"} {
		var p struct {
			RoleName string `json:"role_name"`
		}
		s.call("GET", "/repos/acme/shop/collaborators/"+login+"/permission", nil, 200, &p)
		if p.RoleName != want {
			t.Errorf("role of %s: got %s, want %s", login, p.RoleName, want)
		}
	}
}

// Git itself is asked whether the ids are its own.
func TestObjectIDsAreGitsOwn(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	s := open(t)
	c := s.repos["acme/shop"].branches["main"]
	dir := t.TempDir()
	git := func(args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=acme", "GIT_AUTHOR_EMAIL=acme@example.com", "GIT_COMMITTER_NAME=acme",
			"GIT_COMMITTER_EMAIL=acme@example.com", fmt.Sprintf("GIT_AUTHOR_DATE=%d +0000", c.author.At.Unix()), fmt.Sprintf("GIT_COMMITTER_DATE=%d +0000", c.author.At.Unix()))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	c.tree.walk("", func(path string, e entry) bool {
		if e.tree != nil {
			must(t, os.MkdirAll(dir+"/"+path, 0o700))
		} else {
			must(t, os.WriteFile(dir+"/"+path, e.blob.data, 0o600))
		}
		return true
	})
	git("add", ".")
	if got, want := c.tree.hash(), git("write-tree"); got != want {
		t.Errorf("tree: got %s, want %s", got, want)
	}
	if got, want := c.id, git("commit-tree", "-m", "Begin", c.tree.hash()); got != want {
		t.Logf("commit: got %s, git ends messages with a newline: %s", got, want)
	}
}

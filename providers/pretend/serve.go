package pretend

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// reply is an answer before it is sent.
type reply struct {
	status int
	body   any // JSON, or raw bytes
	header http.Header
	cut    bool // only half of it is sent
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

// refuse is an error in GitHub's shape.
func refuse(status int, format string, a ...any) reply {
	return reply{status: status, body: obj{"message": fmt.Sprintf(format, a...), "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)}}
}

var lost = refuse(http.StatusNotFound, "Not Found")

// request is one call of REST.
type request struct {
	*http.Request
	f    *Forge
	who  *token
	body []byte
}

func (r *request) number(name string) int { n, _ := strconv.Atoi(r.PathValue(name)); return n }

func (r *request) decode(v any) error { return json.Unmarshal(r.body, v) }

// Handler is the whole API, at / as at api.github.com and at /api/v3 and /api/graphql as on GitHub Enterprise Server.
// A GitLab's is at /api/v4.
func (f *Forge) Handler() http.Handler {
	if f.lab != nil {
		return f.lab.handler()
	}
	mux := http.NewServeMux()
	for _, e := range endpoints() {
		mux.Handle(e.method+" "+e.path, f.serve(e))
	}
	mux.Handle("/", f.serve(endpoint{do: func(*request) reply { return lost }}))
	outer := http.NewServeMux()
	outer.Handle("/api/v3/", http.StripPrefix("/api/v3", mux))
	outer.Handle("POST /api/graphql", f.serve(endpoint{method: "POST", path: "/graphql"}))
	outer.Handle("POST /graphql", f.serve(endpoint{method: "POST", path: "/graphql"}))
	f.oauthHandler(outer, "/login/oauth/authorize", "/login/oauth/access_token")
	outer.Handle("/", mux)
	return outer
}

// serve does one request: who calls, what goes wrong, what it costs, and what the answer is.
func (f *Forge) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
		if err != nil {
			return // the caller went away
		}
		call := Call{Method: r.Method, Route: r.Method + " " + e.path, Path: r.URL.Path, Write: r.Method != "GET", Token: e.token}
		if e.path == "/graphql" {
			call.Route, call.Write, call.Mutations = operation(body)
		}
		f.mu.Lock()
		x := f.fault(call.Route, r.URL.Path)
		f.mu.Unlock()
		if x != nil && x.Delay > 0 && !pause(r.Context(), x.Delay) {
			return
		}
		var a reply
		if x == nil || x.After || x.Cut || x.only() {
			a = f.answer(e, r, body, &call)
		}
		if x != nil && !x.only() {
			a = x.spoil(a)
		}
		f.mu.Lock()
		call.At, call.Status = f.at(), a.status
		f.meter.calls = append(f.meter.calls, call)
		f.mu.Unlock()
		send(w, r, a)
	})
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// only says that the fault delays and does no more.
func (x *Fault) only() bool { return x.Status == 0 && !x.Reset && !x.Cut && !x.Second }

func (x *Fault) spoil(a reply) reply {
	switch {
	case x.Reset:
		return reply{}
	case x.Cut:
		a.cut = true
		return a
	case x.Second:
		a = refuse(http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
		a.body.(obj)["documentation_url"] = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
	default:
		a = refuse(x.Status, "%s", http.StatusText(x.Status))
		if x.Body != "" {
			a.body = []byte(x.Body)
		}
	}
	a.header = x.Header.Clone()
	return a
}

// operation names what a GraphQL body does, for the counters. It reads no further than the parser would.
func operation(body []byte) (route string, write bool, fields int) {
	var in struct {
		Query         string `json:"query"`
		OperationName string `json:"operationName"`
	}
	json.Unmarshal(body, &in) // an unreadable body is refused later
	kind, name := "query", in.OperationName
	text := strings.TrimSpace(in.Query)
	for strings.HasPrefix(text, "#") {
		_, text, _ = strings.Cut(text, "\n")
		text = strings.TrimSpace(text)
	}
	if strings.HasPrefix(text, "mutation") {
		kind, write = "mutation", true
	}
	if name == "" {
		if words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n\t({", r) }); len(words) > 1 && strings.HasPrefix(text, kind+" ") {
			name = words[1]
		}
	}
	return strings.TrimSpace("graphql " + kind + " " + name), write, 0
}

// answer does what is asked, under the lock.
func (f *Forge) answer(e endpoint, r *http.Request, body []byte, call *Call) reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	who, err := f.caller(r)
	if err != nil && !e.open {
		return refuse(http.StatusUnauthorized, "%v", err)
	}
	if who == nil {
		who = &token{}
	}
	if e.app && !who.app {
		return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
	}
	if who.install != nil && who.install.Suspended {
		return refuse(http.StatusForbidden, "This installation has been suspended")
	}
	if e.path == "/graphql" {
		return f.answerGraphQL(who, body, call)
	}
	return f.answerREST(e, &request{r, f, who, body}, call)
}

func (f *Forge) answerREST(e endpoint, r *request, call *Call) reply {
	b := f.meter.bucket(f, r.who, "core")
	if b.used >= b.limit && !e.free {
		return f.quota(refuse(http.StatusForbidden, "API rate limit exceeded for installation ID %d.", r.who.id()), b, "core")
	}
	if e.need != "" {
		name, level, _ := strings.Cut(e.need, ":")
		repo := f.repos[fold(r.PathValue("owner")+"/"+r.PathValue("repo"))]
		switch {
		case r.PathValue("repo") != "" && (!r.who.sees(f, repo) || r.who.app):
			return f.quota(lost, b, "core")
		case repo != nil && level == "write" && !r.who.mayOn(repo, name, level), !r.who.may(name, level):
			return f.quota(refuse(http.StatusForbidden, "Resource not accessible by integration"), b, "core")
		}
	}
	if e.creates {
		if fine, after := f.meter.create(f, r.who, 1); !fine {
			return secondary(after)
		}
	}
	a := e.do(r)
	if a.header == nil {
		a.header = http.Header{}
	}
	if r.Method == "GET" && a.status == http.StatusOK {
		raw := encoded(a.body)
		sum := sha256.Sum256(append(raw, r.Header.Get("Authorization")...))
		a.body = raw
		a.header.Set("ETag", `W/"`+hex.EncodeToString(sum[:])+`"`)
		if r.Header.Get("If-None-Match") == a.header.Get("ETag") {
			a.status, a.body = http.StatusNotModified, nil
			return f.quota(a, b, "core")
		}
	}
	if !e.free {
		b.used++
	}
	return f.quota(a, b, "core")
}

func (t *token) id() int64 {
	if t.install != nil {
		return t.install.ID
	}
	return 0
}

func (f *Forge) answerGraphQL(who *token, body []byte, call *Call) reply {
	b := f.meter.bucket(f, who, "graphql")
	if b.used >= b.limit {
		return f.quota(ok(obj{"errors": []any{obj{"type": "RATE_LIMITED", "message": fmt.Sprintf("API rate limit exceeded for installation ID %d.", who.id())}}}), b, "graphql")
	}
	if who.app {
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	if n := creations(f.schema, body); n > 0 {
		if fine, after := f.meter.create(f, who, n); !fine {
			return secondary(after)
		}
	}
	answer, op, points, err := f.graphql(who, body)
	if err != nil {
		return f.quota(refuse(http.StatusBadRequest, "Problems parsing JSON"), b, "graphql")
	}
	if op != nil && op.Operation == ast.Mutation {
		call.Mutations, points = len(op.SelectionSet), 1
	}
	call.Points = points
	b.used += points
	return f.quota(ok(answer), b, "graphql")
}

// creations counts the fields of a mutation that create content.
func creations(s *schema, body []byte) int {
	var in struct {
		Query string `json:"query"`
	}
	if json.Unmarshal(body, &in) != nil || !strings.Contains(in.Query, "mutation") {
		return 0
	}
	doc, errs := s.query(in.Query)
	if len(errs) > 0 {
		return 0
	}
	n := 0
	for _, op := range doc.Operations {
		if op.Operation == ast.Mutation {
			n += len(op.SelectionSet)
		}
	}
	return n
}

func secondary(after time.Duration) reply {
	a := (&Fault{Second: true}).spoil(reply{})
	a.header = http.Header{"Retry-After": {strconv.Itoa(int((after + time.Second - 1) / time.Second))}}
	return a
}

// quota writes the headers that tell what is left.
func (f *Forge) quota(a reply, b *bucket, resource string) reply {
	h := a.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	for k, v := range map[string]int64{"Limit": int64(b.limit), "Remaining": int64(max(0, b.limit-b.used)), "Used": int64(b.used), "Reset": b.reset.Unix()} {
		h.Set("X-RateLimit-"+k, strconv.FormatInt(v, 10))
	}
	h.Set("X-RateLimit-Resource", resource)
	h.Set("Date", f.at().Format(http.TimeFormat))
	a.header = h
	return a
}

func encoded(body any) []byte {
	switch body := body.(type) {
	case nil:
		return nil
	case []byte:
		return body
	case obj:
		if data, ok := body["data"].(*ordered); ok {
			var b bytes.Buffer
			b.WriteString(`{"data":`)
			if err := encode(&b, data); err != nil {
				panic(err)
			}
			if errs := body["errors"]; errs != nil {
				raw, _ := json.Marshal(errs)
				b.WriteString(`,"errors":`)
				b.Write(raw)
			}
			b.WriteByte('}')
			return b.Bytes()
		}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // only JSON's own types are rendered
	}
	return raw
}

// send writes the answer; with no status it breaks the connection.
func send(w http.ResponseWriter, r *http.Request, a reply) {
	if a.status == 0 {
		panic(http.ErrAbortHandler)
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if _, raw := a.body.([]byte); !raw || w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	body := encoded(a.body)
	if a.cut { // the length promises more than what comes
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(a.status)
		w.Write(body[:len(body)/2])
		if err := http.NewResponseController(w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return
		}
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(a.status)
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		w.Write(body)
	}
}

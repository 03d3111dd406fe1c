package pretend

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The levels of access that GitLab knows.
const (
	minimal    = 5
	guest      = 10
	reporter   = 20
	developer  = 30
	maintainer = 40
	owner      = 50
)

// labEndpoint is one route of GitLab's REST interface, below /api/v4.
type labEndpoint struct {
	method, path string
	level        int  // of access to the project or group that is needed; 0: to see it is enough
	creates      bool // content, which is limited
	do           func(*labRequest) reply
}

// labRequest is one call.
type labRequest struct {
	*http.Request
	f     *Forge
	who   *User
	token *token
	repo  *Repo     // of /projects/{id}
	group *labGroup // of /groups/{id}
	in    params
	after func() reply // what the call waits for outside of the lock
}

// labRefuse is an error in GitLab's most usual shape.
func labRefuse(status int, message any) reply {
	return reply{status: status, body: obj{"message": message}}
}

// labWrong is how GitLab tells of parameters that it cannot take.
func labWrong(text string) reply {
	return reply{status: http.StatusBadRequest, body: obj{"error": text}}
}

func labLost(what string) reply {
	if what == "" {
		return labRefuse(http.StatusNotFound, "404 Not found")
	}
	return labRefuse(http.StatusNotFound, "404 "+what+" Not Found")
}

var (
	labForbidden    = labRefuse(http.StatusForbidden, "403 Forbidden")
	labUnauthorized = labRefuse(http.StatusUnauthorized, "401 Unauthorized")
)

func made(body any) reply { return reply{status: http.StatusCreated, body: body} }

func labEndpoints() []labEndpoint {
	return slices.Concat(labUserEndpoints(), labMemberEndpoints(), labProjectEndpoints(), labChangeEndpoints(), labDiffEndpoints(), labApprovalEndpoints(),
		labNoteEndpoints(), labFileEndpoints(), labCommitEndpoints(), labRefEndpoints(), labPipelineEndpoints(), labStatusEndpoints(), labDeploymentEndpoints(),
		labEnvironmentEndpoints(), labHookEndpoints(), labReleaseEndpoints(), labCheckEndpoints(), labMergeEndpoints())
}

// labHandler is the whole interface of GitLab, at /api/v4.
func (f *Forge) labHandler() http.Handler {
	mux := http.NewServeMux()
	for _, e := range labEndpoints() {
		mux.Handle(e.method+" /api/v4"+e.path, f.serveLab(e))
	}
	f.oauthHandler(mux, "/oauth/authorize", "/oauth/token")
	mux.Handle("/", f.serveLab(labEndpoint{do: func(*labRequest) reply {
		return reply{status: http.StatusNotFound, body: obj{"error": "404 Not Found"}}
	}}))
	return mux
}

// serveLab does one request, as serve does at GitHub.
func (f *Forge) serveLab(e labEndpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
		if err != nil {
			return // the caller went away
		}
		call := Call{Method: r.Method, Route: r.Method + " " + e.path, Path: r.URL.Path, Write: r.Method != "GET" && r.Method != "HEAD"}
		f.mu.Lock()
		x := f.fault(call.Route, r.URL.Path)
		f.mu.Unlock()
		if x != nil && x.Delay > 0 && !pause(r.Context(), x.Delay) {
			return
		}
		var a reply
		if x == nil || x.After || x.Cut || x.only() {
			a = f.answerLab(e, r, body)
		}
		if x != nil && !x.only() {
			a = x.spoilLab(a)
		}
		f.mu.Lock()
		call.At, call.Status = f.now().UTC(), a.status
		f.meter.calls = append(f.meter.calls, call)
		f.mu.Unlock()
		send(w, r, a)
	})
}

// spoilLab is spoil in GitLab's words.
func (x *Fault) spoilLab(a reply) reply {
	switch {
	case x.Reset:
		return reply{}
	case x.Cut:
		a.cut = true
		return a
	case x.Second:
		return retryLater(x.Header)
	}
	a = labRefuse(x.Status, strconv.Itoa(x.Status)+" "+http.StatusText(x.Status))
	if x.Body != "" {
		a.body = []byte(x.Body)
	}
	a.header = x.Header.Clone()
	return a
}

// retryLater is what GitLab answers to who asked too often: no JSON at all.
func retryLater(more http.Header) reply {
	h := more.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", "text/plain")
	return reply{status: http.StatusTooManyRequests, body: []byte("Retry later\n"), header: h}
}

// answerLab does what is asked, under the lock, and waits for what must not be waited for there.
func (f *Forge) answerLab(e labEndpoint, r *http.Request, body []byte) reply {
	f.mu.Lock()
	q := &labRequest{Request: r, f: f}
	f.lab.chain = guid()
	a := q.answer(e, body)
	f.mu.Unlock()
	if q.after != nil {
		return q.after()
	}
	return a
}

func (q *labRequest) answer(e labEndpoint, body []byte) reply {
	f := q.f
	t, refusal := f.labCaller(q.Request)
	if t == nil {
		return refusal
	}
	q.token, q.who = t, t.user
	b := f.meter.bucket(f, t, "api")
	if f.limits.Core > 0 && b.used >= b.limit {
		after := max(1, int(b.reset.Sub(f.now())/time.Second))
		return limited(f, retryLater(http.Header{"Retry-After": {strconv.Itoa(after)}}), b)
	}
	b.used++
	var err error
	if q.in, err = readParams(q.Request, body); err != nil {
		return labWrong(err.Error())
	}
	if a := q.find(e); a.status != 0 {
		return limited(f, a, b)
	}
	if e.creates {
		if fine, after := f.meter.create(f, t, 1); !fine {
			a := labRefuse(http.StatusTooManyRequests, obj{"error": "This endpoint has been requested too many times. Try again later."})
			a.header = http.Header{"Retry-After": {strconv.Itoa(int((after + time.Second - 1) / time.Second))}}
			return a
		}
	}
	return limited(f, e.do(q), b)
}

// labCaller reads who is calling, and whether his token may.
func (f *Forge) labCaller(r *http.Request) (*token, reply) {
	value := r.Header.Get("PRIVATE-TOKEN")
	if kind, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " "); value == "" && fold(kind) == "bearer" {
		value = bearer
	}
	t := f.tokens[value]
	switch {
	case t == nil || t.user == nil || t.user.Deleted || !t.expires.IsZero() && time.Now().After(t.expires) || t.user == f.app.Bot && len(f.installs) == 0:
		return nil, labUnauthorized
	case slices.Contains(t.scopes, "api"), slices.Contains(t.scopes, "read_api") && (r.Method == "GET" || r.Method == "HEAD"):
		return t, reply{}
	}
	return nil, reply{status: http.StatusForbidden, body: obj{"error": "insufficient_scope",
		"error_description": "The request requires higher privileges than provided by the access token.", "scope": "api read_api"}}
}

// find looks up the project or group of the path, and holds the caller to his role there. What he may not see is not there.
func (q *labRequest) find(e labEndpoint) reply {
	have := owner
	switch {
	case strings.HasPrefix(e.path, "/projects/{id}"):
		if q.repo = q.f.labRepo(q.PathValue("id")); q.repo == nil || !q.f.labSees(q.repo, q.who) {
			return labLost("Project")
		}
		have = q.f.levelOn(q.repo, q.who)
		if q.repo.Archived && q.Method != "GET" {
			return labForbidden
		}
	case strings.HasPrefix(e.path, "/groups/{id}"):
		if q.group = q.f.labGroupOf(q.PathValue("id")); q.group == nil || !q.f.labSeesGroup(q.group, q.who) {
			return labLost("Group")
		}
		have = q.f.levelIn(q.group, q.who)
	}
	switch {
	case have >= e.level:
		return reply{}
	case q.Method == "GET" && e.level <= reporter && q.repo != nil && !q.repo.Private:
		return reply{}
	case have == guest && q.Method == "GET" && e.level <= reporter:
		return labForbidden
	}
	return labForbidden
}

// limited writes the headers that tell what is left, where the instance limits at all.
func limited(f *Forge, a reply, b *bucket) reply {
	h := a.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Date", f.now().UTC().Format(http.TimeFormat))
	h.Set("X-Request-Id", guid())
	if f.limits.Core > 0 {
		for name, n := range map[string]int64{"Limit": int64(b.limit), "Observed": int64(b.used), "Remaining": int64(max(0, b.limit-b.used)), "Reset": b.reset.Unix()} {
			h.Set("RateLimit-"+name, strconv.FormatInt(n, 10))
		}
		h.Set("RateLimit-ResetTime", b.reset.Format(http.TimeFormat))
		h.Set("RateLimit-Name", "throttle_authenticated_api")
	}
	a.header = h
	return a
}

var errBody = errors.New("message body does not match declared format")

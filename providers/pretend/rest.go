package pretend

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// endpoint is one route of REST.
type endpoint struct {
	method, path string
	need         string // permission: "checks:write"
	app          bool   // for the App's own token only
	open         bool   // no token needed
	free         bool   // not counted
	token        bool   // asks for a token
	creates      bool   // content, which is limited
	do           func(*request) reply
}

func endpoints() []endpoint {
	return append(slices.Concat(writeEndpoints(), commitCommentEndpoints(), deploymentEndpoints(), environmentEndpoints(), workflowEndpoints(), personEndpoints()), []endpoint{
		{method: "GET", path: "/meta", open: true, free: true, do: meta},
		{method: "GET", path: "/rate_limit", free: true, do: rateLimit},
		{method: "GET", path: "/app", app: true, do: func(r *request) reply { return ok(renderApp(r.f.app)) }},
		{method: "GET", path: "/app/installations", app: true, do: installations},
		{method: "GET", path: "/app/installations/{id}", app: true, do: oneInstallation},
		{method: "POST", path: "/app/installations/{id}/access_tokens", app: true, free: true, token: true, do: accessToken},
		{method: "GET", path: "/app/hook/config", app: true, do: hookConfig},
		{method: "GET", path: "/app/hook/deliveries", app: true, do: hookDeliveries},
		{method: "GET", path: "/app/hook/deliveries/{id}", app: true, do: hookDelivery},
		{method: "POST", path: "/app/hook/deliveries/{id}/attempts", app: true, do: hookAttempt},
		{method: "GET", path: "/installation/repositories", do: repositories},
		{method: "GET", path: "/repos/{owner}/{repo}/installation", app: true, do: repoInstallation},
		{method: "GET", path: "/repos/{owner}/{repo}", need: "metadata:read", do: inRepo(func(r *request, x *Repo) reply { return ok(r.seenRepo(x)) })},
		{method: "GET", path: "/repos/{owner}/{repo}/compare/{basehead...}", need: "contents:read", do: inRepo(comparison)},
		{method: "GET", path: "/repos/{owner}/{repo}/contents/{path...}", need: "contents:read", do: inRepo(contents)},
		{method: "GET", path: "/repos/{owner}/{repo}/commits", need: "contents:read", do: inRepo(commitList)},
		{method: "GET", path: "/repos/{owner}/{repo}/commits/{ref}", need: "contents:read", do: inRepo(oneCommit)},
		{method: "GET", path: "/repos/{owner}/{repo}/git/trees/{sha}", need: "contents:read", do: inRepo(gitTree)},
		{method: "GET", path: "/repos/{owner}/{repo}/git/blobs/{sha}", need: "contents:read", do: inRepo(gitBlob)},
		{method: "GET", path: "/repos/{owner}/{repo}/git/tags/{sha}", need: "contents:read", do: inRepo(gitTag)},
		{method: "GET", path: "/repos/{owner}/{repo}/git/ref/{ref...}", need: "contents:read", do: inRepo(gitRef)},
		{method: "GET", path: "/repos/{owner}/{repo}/git/matching-refs/{ref...}", need: "contents:read", do: inRepo(matchingRefs)},
		{method: "GET", path: "/repos/{owner}/{repo}/branches", need: "contents:read", do: inRepo(branchList)},
		{method: "GET", path: "/repos/{owner}/{repo}/branches/{branch}/protection", need: "administration:read", do: inRepo(protection)},
		{method: "GET", path: "/repos/{owner}/{repo}/rules/branches/{branch}", need: "metadata:read", do: inRepo(branchRules)},
		{method: "GET", path: "/repos/{owner}/{repo}/collaborators/{user}/permission", need: "metadata:read", do: inRepo(permission)},
		{method: "GET", path: "/orgs/{org}/teams/{team}/members", need: "members:read", do: teamMembers},
		{method: "GET", path: "/orgs/{org}/teams/{team}/memberships/{user}", need: "members:read", do: membership},
		{method: "GET", path: "/orgs/{org}/memberships/{user}", need: "members:read", do: orgMembership},
		{method: "GET", path: "/orgs/{org}/members", need: "members:read", do: orgMembers},
		{method: "GET", path: "/orgs/{org}/members/{user}", need: "members:read", do: orgMember},
		{method: "GET", path: "/users/{user}", do: oneUser},
		{method: "GET", path: "/repos/{owner}/{repo}/pulls", need: "pull_requests:read", do: inRepo(pullList)},
		{method: "GET", path: "/repos/{owner}/{repo}/pulls/{number}", need: "pull_requests:read", do: inPull(onePull)},
		{method: "GET", path: "/repos/{owner}/{repo}/pulls/{number}/files", need: "pull_requests:read", do: inPull(pullFiles)},
		{method: "GET", path: "/repos/{owner}/{repo}/pulls/{number}/commits", need: "pull_requests:read", do: inPull(pullCommits)},
		{method: "GET", path: "/repos/{owner}/{repo}/pulls/{number}/reviews", need: "pull_requests:read", do: inPull(pullReviews)},
		{method: "GET", path: "/repos/{owner}/{repo}/pulls/{number}/requested_reviewers", need: "pull_requests:read", do: inPull(requestedReviewers)},
		{method: "POST", path: "/repos/{owner}/{repo}/pulls/{number}/requested_reviewers", need: "pull_requests:write", creates: true, do: inPull(requestReviewers)},
		{method: "POST", path: "/repos/{owner}/{repo}/issues/{number}/comments", need: "pull_requests:write", creates: true, do: inPull(postComment)},
		{method: "GET", path: "/repos/{owner}/{repo}/issues/comments/{id}", need: "pull_requests:read", do: inComment(oneComment)},
		{method: "PATCH", path: "/repos/{owner}/{repo}/issues/comments/{id}", need: "pull_requests:write", creates: true, do: inComment(patchComment)},
		{method: "POST", path: "/repos/{owner}/{repo}/issues/comments/{id}/reactions", need: "pull_requests:write", creates: true, do: inComment(postReaction)},
		{method: "POST", path: "/repos/{owner}/{repo}/check-runs", need: "checks:write", creates: true, do: inRepo(postRun)},
		{method: "GET", path: "/repos/{owner}/{repo}/check-runs/{id}", need: "checks:read", do: inRepo(oneRun)},
		{method: "PATCH", path: "/repos/{owner}/{repo}/check-runs/{id}", need: "checks:write", creates: true, do: inRepo(patchRun)},
		{method: "GET", path: "/repos/{owner}/{repo}/check-runs/{id}/annotations", need: "checks:read", do: inRepo(runAnnotations)},
		{method: "GET", path: "/repos/{owner}/{repo}/commits/{ref}/check-runs", need: "checks:read", do: inRepo(runList)},
		{method: "GET", path: "/repos/{owner}/{repo}/commits/{ref}/statuses", need: "statuses:read", do: inRepo(statusList)},
		{method: "GET", path: "/repos/{owner}/{repo}/commits/{ref}/pulls", need: "pull_requests:read", do: inRepo(commitPulls)},
		{method: "POST", path: "/repos/{owner}/{repo}/statuses/{sha}", need: "statuses:write", creates: true, do: inRepo(postStatus)},
	}...)
}

func inRepo(do func(*request, *Repo) reply) func(*request) reply {
	return func(r *request) reply { return do(r, r.f.repos[fold(r.PathValue("owner")+"/"+r.PathValue("repo"))]) }
}

func inPull(do func(*request, *Pull) reply) func(*request) reply {
	return inRepo(func(r *request, x *Repo) reply {
		n := r.number("number")
		if n < 1 || n > len(x.pulls) {
			return lost
		}
		return do(r, x.pulls[n-1])
	})
}

// page cuts out ?page and ?per_page of a list, which never is more than a hundred, and links to the next.
func page[T any](r *request, all []T, render func(T) any) ([]any, http.Header) {
	return pageOf(r, all, 100, render)
}

// pageOf is page with a limit of its own.
func pageOf[T any](r *request, all []T, limit int, render func(T) any) ([]any, http.Header) {
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	if size <= 0 {
		size = 30
	}
	size = min(size, limit)
	n, _ := strconv.Atoi(r.URL.Query().Get("page"))
	n = max(n, 1)
	from := min((n-1)*size, len(all))
	to := min(from+size, len(all))
	out := make([]any, 0, to-from)
	for _, x := range all[from:to] {
		out = append(out, render(x))
	}
	h := http.Header{}
	if to < len(all) {
		u := url.URL{Scheme: "http", Host: r.Host, Path: r.RequestURI}
		if full, err := url.ParseRequestURI(r.RequestURI); err == nil {
			u.Path = full.Path
		}
		link := func(p int, rel string) string {
			q := r.URL.Query()
			q.Set("page", strconv.Itoa(p))
			u.RawQuery = q.Encode()
			return fmt.Sprintf("<%s>; rel=%q", u.String(), rel)
		}
		h.Set("Link", link(n+1, "next")+", "+link((len(all)+size-1)/size, "last"))
	}
	return out, h
}

func paged[T any](r *request, all []T, render func(T) any) reply {
	out, h := page(r, all, render)
	return reply{status: http.StatusOK, body: out, header: h}
}

func meta(*request) reply {
	return ok(obj{"hooks": []string{"127.0.0.0/8", "::1/128"}, "verifiable_password_authentication": false})
}

func rateLimit(r *request) reply {
	show := func(resource string) obj {
		b := r.f.meter.bucket(r.f, r.who, resource)
		return obj{"limit": b.limit, "used": b.used, "remaining": max(0, b.limit-b.used), "reset": b.reset.Unix(), "resource": resource}
	}
	return ok(obj{"resources": obj{"core": show("core"), "graphql": show("graphql")}, "rate": show("core")})
}

func (r *request) wantedInstall() *Install {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if in, found := r.f.byID[id].(*Install); found && r.f.installs[fold(in.Account.Login)] == in {
		return in
	}
	return nil
}

func installations(r *request) reply {
	var all []*Install
	for _, u := range sortedLogins(r.f.installs) {
		all = append(all, r.f.installs[u])
	}
	return paged(r, all, func(in *Install) any { return r.f.renderInstall(in) })
}

func oneInstallation(r *request) reply {
	if in := r.wantedInstall(); in != nil {
		return ok(r.f.renderInstall(in))
	}
	return lost
}

func accessToken(r *request) reply {
	in := r.wantedInstall()
	switch {
	case in == nil:
		return lost
	case in.Suspended:
		return refuse(http.StatusForbidden, "This installation has been suspended")
	}
	var body struct {
		Repositories []string `json:"repositories"`
	}
	if len(r.body) > 0 && r.decode(&body) != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	value, expires := r.f.mint(in, body.Repositories)
	return reply{status: http.StatusCreated, body: obj{"token": value, "expires_at": stamp(expires), "permissions": in.Permissions, "repository_selection": "all"}}
}

func repositories(r *request) reply {
	var all []*Repo
	for _, x := range r.f.sortedRepos() {
		if r.who.install.covers(x) {
			all = append(all, x)
		}
	}
	out, h := page(r, all, func(x *Repo) any { return r.f.renderRepo(x) })
	return reply{status: http.StatusOK, header: h, body: obj{"total_count": len(all), "repositories": out}}
}

func repoInstallation(r *request) reply {
	if x := r.f.repos[fold(r.PathValue("owner")+"/"+r.PathValue("repo"))]; x != nil {
		if in := r.f.installs[fold(x.Owner.Login)]; in.covers(x) {
			return ok(r.f.renderInstall(in))
		}
	}
	return lost
}

func hookConfig(r *request) reply {
	return ok(obj{"url": r.f.hook.URL, "content_type": "json", "insecure_ssl": "0", "secret": "********"})
}

func (f *Forge) renderDelivery(d *Delivery, full bool) obj {
	state := "OK"
	switch {
	case d.Status == 0:
		state = "failed to connect to host"
	case d.Status >= 300:
		state = fmt.Sprintf("Invalid HTTP Response: %d", d.Status)
	}
	o := obj{"id": d.ID, "guid": d.GUID, "delivered_at": stamp(d.At), "redelivery": d.Again, "duration": 0.01, "status": state, "status_code": d.Status,
		"event": d.Event, "action": orNil(d.Action), "installation_id": d.Install, "repository_id": d.Repo}
	if full {
		payload := rawJSON(d.Body)
		o["request"] = obj{"headers": obj{"X-GitHub-Event": d.Event, "X-GitHub-Delivery": d.GUID, "X-Hub-Signature-256": Sign(f.secret, d.Body)}, "payload": payload}
		o["response"] = obj{"headers": obj{}, "payload": nil}
	}
	return o
}

// hookDeliveries is paged by a cursor, newest first.
func hookDeliveries(r *request) reply {
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	if size <= 0 {
		size = 30
	}
	before, err := strconv.ParseInt(strings.TrimPrefix(r.URL.Query().Get("cursor"), "v1_"), 10, 64)
	if err != nil {
		before = 1 << 62
	}
	log := slices.Clone(r.f.sent) // in the order in which sending them ended
	slices.SortFunc(log, func(a, b *Delivery) int { return cmp.Compare(b.ID, a.ID) })
	out, h := []any{}, http.Header{}
	for _, d := range log {
		if d.ID >= before {
			continue
		}
		if len(out) == min(size, 100) {
			last := out[len(out)-1].(obj)["id"].(int64)
			h.Set("Link", fmt.Sprintf(`<http://%s%s?per_page=%d&cursor=v1_%d>; rel="next"`, r.Host, r.URL.Path, size, last))
			break
		}
		out = append(out, r.f.renderDelivery(d, false))
	}
	return reply{status: http.StatusOK, body: out, header: h}
}

func (r *request) wantedDelivery() *Delivery {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	for _, d := range r.f.sent {
		if d.ID == id {
			return d
		}
	}
	return nil
}

func hookDelivery(r *request) reply {
	if d := r.wantedDelivery(); d != nil {
		return ok(r.f.renderDelivery(d, true))
	}
	return lost
}

// hookAttempt puts the delivery into the outbox once more.
func hookAttempt(r *request) reply {
	d := r.wantedDelivery()
	if d == nil {
		return lost
	}
	again := *d
	again.ID, again.Again, again.Status, again.Err = r.f.id(), true, 0, nil
	r.f.outbox = append(r.f.outbox, &again)
	return reply{status: http.StatusAccepted, body: obj{}}
}

func encode64(data []byte) string {
	s := base64.StdEncoding.EncodeToString(data)
	var b strings.Builder
	for len(s) > 60 {
		b.WriteString(s[:60] + "\n")
		s = s[60:]
	}
	return b.String() + s + "\n"
}

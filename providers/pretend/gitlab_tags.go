package pretend

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (q *labRequest) renderTag(name string) any {
	t := q.repo.tags[name]
	o := obj{"name": name, "message": "", "target": t.commit.id, "commit": q.f.renderLabCommit(q.repo, t.commit), "release": nil, "created_at": nil,
		"protected": slices.ContainsFunc(q.f.project(q.repo).tags, func(p *protectedRef) bool { return p.covers(name) })}
	if t.tag != nil {
		o["message"], o["target"], o["created_at"] = t.tag.message, t.tag.id, labStamp(t.tag.tagger.At)
		if t.tag.signed || t.tag.reason != "unsigned" { // git writes it behind the message, and GitLab shows both
			o["message"] = t.tag.message + "\n-----BEGIN SIGNED MESSAGE-----\nMIIB\n-----END SIGNED MESSAGE-----\n"
		}
	}
	for _, l := range q.repo.releases {
		if l.Tag == name {
			o["release"] = obj{"tag_name": name, "description": l.Body}
		}
	}
	return o
}

// labTags lists them by when they were made, the newest first, or by name.
func labTags(q *labRequest) reply {
	list := slices.DeleteFunc(sortedLogins(q.repo.tags), func(n string) bool {
		search := q.in.text("search")
		switch bare := strings.Trim(search, "^$"); {
		case strings.HasPrefix(search, "^"):
			return !strings.HasPrefix(n, bare)
		case strings.HasSuffix(search, "$"):
			return !strings.HasSuffix(n, bare)
		default:
			return !strings.Contains(n, bare)
		}
	})
	at := func(n string) int64 {
		if t := q.repo.tags[n]; t.tag != nil {
			return t.tag.tagger.At.Unix()
		}
		return q.repo.tags[n].commit.committer.At.Unix()
	}
	if q.in.text("order_by") != "name" {
		slices.SortStableFunc(list, func(a, b string) int { return int(at(a) - at(b)) })
	}
	if q.in.text("sort") != "asc" {
		slices.Reverse(list)
	}
	return labPage(q, list, func(n string) string { return n }, q.renderTag)
}

func labTag(q *labRequest) reply {
	if _, found := q.repo.tags[q.PathValue("tag")]; !found {
		return labLost("Tag")
	}
	return ok(q.renderTag(q.PathValue("tag")))
}

// postLabTag makes a tag; with a message it is annotated, in the name of whoever calls.
func postLabTag(q *labRequest) reply {
	if wrong := q.in.missing("tag_name", "ref"); wrong != "" {
		return labWrong(wrong)
	}
	name := q.in.text("tag_name")
	if a := q.f.tagged(q, name, q.in.text("ref"), q.in.text("message")); a.status != 0 {
		return a
	}
	return made(q.renderTag(name))
}

// tagged puts a tag where a caller wants it, or says why not.
func (f *Forge) tagged(q *labRequest, name, at, message string) reply {
	c := f.labResolve(q.repo, at)
	_, there := q.repo.tags[name]
	switch {
	case there:
		return labRefuse(http.StatusBadRequest, fmt.Sprintf("Tag %s already exists", name))
	case badRef(name):
		return labRefuse(http.StatusBadRequest, "Tag name invalid")
	case c == nil:
		return labRefuse(http.StatusBadRequest, fmt.Sprintf("Target %s is invalid", at))
	case !mayWrite(f.project(q.repo).tags, name, f.levelOn(q.repo, q.who)):
		return labRefuse(http.StatusForbidden, "You are not allowed to create this tag as it is protected.")
	}
	now := ref{commit: c}
	if message != "" {
		now.tag = q.repo.objects.annotate(name, message, c, f.signature(q.who), false, "unsigned")
	}
	q.repo.tags[name] = now
	f.labMoved(q.repo, "refs/tags/"+name, nil, now.target(), q.who)
	return reply{}
}

func tagSignature(q *labRequest) reply {
	t, found := q.repo.tags[q.PathValue("tag")]
	if !found {
		return labLost("Tag")
	}
	if t.tag == nil || !t.tag.signed && t.tag.reason == "unsigned" {
		return labLost("Signature")
	}
	return ok(obj{"signature_type": "X509", "verification_status": map[bool]string{true: "verified", false: "unverified"}[t.tag.signed], "x509_certificate": nil})
}

// labReleaseEndpoints are those of releases.
func labReleaseEndpoints() []labEndpoint {
	return []labEndpoint{
		{method: "GET", path: "/projects/{id}/releases", level: reporter, do: labReleases},
		{method: "GET", path: "/projects/{id}/releases/{tag}", level: reporter, do: labRelease},
		{method: "POST", path: "/projects/{id}/releases", level: developer, creates: true, do: postLabRelease},
		{method: "PUT", path: "/projects/{id}/releases/{tag}", level: developer, do: putLabRelease},
	}
}

func (q *labRequest) renderRelease(l *Release) obj {
	o := obj{"tag_name": l.Tag, "name": or(l.Name, l.Tag), "description": l.Body, "created_at": labStamp(l.At), "released_at": labStamp(l.At), "upcoming_release": false,
		"author": q.f.labUser(l.By), "assets": obj{"count": 4, "links": []any{}}, "evidences": []any{}, "commit": nil, "tag_path": "/" + q.repo.Name + "/-/tags/" + l.Tag,
		"_links": obj{"self": fmt.Sprintf("%s/%s/-/releases/%s", q.f.url, q.repo.Name, url.PathEscape(l.Tag))}}
	if t, found := q.repo.tags[l.Tag]; found {
		o["commit"] = q.f.renderLabCommit(q.repo, t.commit)
	}
	return o
}

func labReleases(q *labRequest) reply {
	newest := slices.Clone(q.repo.releases)
	slices.Reverse(newest)
	return labPage(q, newest, nil, func(l *Release) any { return q.renderRelease(l) })
}

func (q *labRequest) release(tag string) *Release {
	for _, l := range q.repo.releases {
		if l.Tag == tag {
			return l
		}
	}
	return nil
}

func labRelease(q *labRequest) reply {
	if l := q.release(q.PathValue("tag")); l != nil {
		return ok(q.renderRelease(l))
	}
	return labLost("")
}

// postLabRelease publishes the release of a tag, which it makes at ?ref when it is not there.
func postLabRelease(q *labRequest) reply {
	if wrong := q.in.missing("tag_name"); wrong != "" {
		return labWrong(wrong)
	}
	name := q.in.text("tag_name")
	_, there := q.repo.tags[name]
	switch {
	case q.release(name) != nil:
		return labRefuse(http.StatusConflict, "Release already exists")
	case !there && q.in.text("ref") == "":
		return labRefuse(http.StatusUnprocessableEntity, "Ref is not specified")
	case !there:
		if a := q.f.tagged(q, name, q.in.text("ref"), q.in.text("tag_message")); a.status != 0 {
			return a
		}
	case !mayWrite(q.f.project(q.repo).tags, name, q.f.levelOn(q.repo, q.who)):
		return labForbidden
	}
	l := &Release{ID: q.f.id(), Tag: name, Name: q.in.text("name"), Body: q.in.text("description"), By: q.who, At: q.f.at()}
	q.repo.releases = append(q.repo.releases, l)
	q.f.hookRelease(q, l, "create")
	return made(q.renderRelease(l))
}

func putLabRelease(q *labRequest) reply {
	l := q.release(q.PathValue("tag"))
	if l == nil {
		return labLost("")
	}
	if q.in.has("name") {
		l.Name = q.in.text("name")
	}
	if q.in.has("description") {
		l.Body = q.in.text("description")
	}
	q.f.hookRelease(q, l, "update")
	return ok(q.renderRelease(l))
}

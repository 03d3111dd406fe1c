package pretend

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks/sorting"
)

// labFileEndpoints are those of files and folders.
func labFileEndpoints() []labEndpoint {
	return []labEndpoint{
		{method: "GET", path: "/projects/{id}/repository/tree", level: reporter, do: labTree},
		{method: "GET", path: "/projects/{id}/repository/files/{path}", level: reporter, do: inFile(labFile)},
		{method: "HEAD", path: "/projects/{id}/repository/files/{path}", level: reporter, do: inFile(labFile)},
		{method: "GET", path: "/projects/{id}/repository/files/{path}/raw", level: reporter, do: inFile(rawFile)},
		{method: "GET", path: "/projects/{id}/repository/blobs/{sha}", level: reporter, do: inBlob(labBlob)},
		{method: "GET", path: "/projects/{id}/repository/blobs/{sha}/raw", level: reporter, do: inBlob(rawBlob)},
	}
}

// listed is one entry of a tree.
type listed struct {
	path string
	e    entry
}

// labTree lists a folder, folders before files, or, with ?recursive, all below it. What is not there is 404.
func labTree(q *labRequest) reply {
	c := q.f.labResolve(q.repo, or(q.in.text("ref"), q.repo.Default))
	if c == nil {
		return labLost("Tree")
	}
	at, found := c.tree.at(q.in.text("path"))
	if !found || at.tree == nil {
		return labLost("invalid revision or path Tree")
	}
	prefix := strings.Trim(q.in.text("path"), "/")
	if prefix != "" {
		prefix += "/"
	}
	var list []listed
	at.tree.walk(prefix, func(p string, e entry) bool {
		list = append(list, listed{p, e})
		return q.in.flag("recursive")
	})
	if !q.in.flag("recursive") {
		sorting.By(list, func(a, b listed) int { return rankOf(a.e) - rankOf(b.e) })
	}
	return labPage(q, list, func(x listed) string { return x.path }, func(x listed) any {
		return obj{"id": x.e.id(), "name": path.Base(x.path), "type": x.e.kind(), "path": x.path, "mode": x.e.mode}
	})
}

func rankOf(e entry) int {
	return map[string]int{"tree": 0, "blob": 1, "commit": 2}[e.kind()]
}

// inFile finds the file of the path at ?ref.
func inFile(do func(*labRequest, *commit, string, entry) reply) func(*labRequest) reply {
	return func(q *labRequest) reply {
		if q.in.text("ref") == "" && !strings.HasSuffix(q.URL.Path, "/raw") {
			return labWrong("ref is missing")
		}
		c := q.f.labResolve(q.repo, or(q.in.text("ref"), q.repo.Default))
		if c == nil {
			return labLost("Commit")
		}
		name := q.PathValue("path")
		e, found := c.tree.at(name)
		if !found || e.blob == nil || strings.HasSuffix(name, "/") {
			return labLost("File")
		}
		return do(q, c, name, e)
	}
}

func (q *labRequest) fileHeaders(c *commit, name string, e entry) http.Header {
	h := http.Header{}
	sum := sha256.Sum256(e.blob.data)
	for k, v := range map[string]string{"Blob-Id": e.blob.id, "Commit-Id": c.id, "Content-Sha256": hex.EncodeToString(sum[:]), "File-Name": path.Base(name), "File-Path": name,
		"Last-Commit-Id": lastCommit(c, name).id, "Ref": q.in.text("ref"), "Size": strconv.Itoa(len(e.blob.data)), "Execute-Filemode": strconv.FormatBool(e.mode == ModeExec)} {
		h.Set("X-Gitlab-"+k, v)
	}
	return h
}

func labFile(q *labRequest, c *commit, name string, e entry) reply {
	h := q.fileHeaders(c, name, e)
	sum := h.Get("X-Gitlab-Content-Sha256")
	return reply{status: http.StatusOK, header: h, body: obj{"file_name": path.Base(name), "file_path": name, "size": len(e.blob.data), "encoding": "base64", "content_sha256": sum,
		"ref": q.in.text("ref"), "blob_id": e.blob.id, "commit_id": c.id, "last_commit_id": lastCommit(c, name).id, "execute_filemode": e.mode == ModeExec,
		"content": base64.StdEncoding.EncodeToString(e.blob.data)}}
}

func rawFile(q *labRequest, c *commit, name string, e entry) reply {
	h := q.fileHeaders(c, name, e)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	return reply{status: http.StatusOK, header: h, body: e.blob.data}
}

// lastCommit is the one that last changed the file, on the line of first parents.
func lastCommit(c *commit, name string) *commit {
	for len(c.parents) > 0 {
		is, here := c.tree.at(name)
		was, before := c.parents[0].tree.at(name)
		if here != before || is.id() != was.id() || is.mode != was.mode {
			return c
		}
		c = c.parents[0]
	}
	return c
}

func inBlob(do func(*labRequest, *blob) reply) func(*labRequest) reply {
	return func(q *labRequest) reply {
		if b := q.repo.objects.blobs[q.PathValue("sha")]; b != nil {
			return do(q, b)
		}
		return labLost("Blob")
	}
}

func labBlob(_ *labRequest, b *blob) reply {
	return ok(obj{"size": len(b.data), "encoding": "base64", "content": base64.StdEncoding.EncodeToString(b.data), "sha": b.id})
}

func rawBlob(_ *labRequest, b *blob) reply {
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body: b.data}
}

package pretend

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// GitLab's own limits of what it shows of a difference.
const (
	labFiles     = 1000    // listed at all
	labLines     = 50_000  // of all files together; what comes later is not listed
	labPatch     = 200_000 // bytes of one file: beyond, it is too large
	labCollapse  = 20_000  // bytes of one file: beyond, it is collapsed
	labSafeLines = 5_000   // of all files together: what comes later is collapsed
)

// version is one state of a merge request's difference: GitLab makes one with every push and with every new target.
type version struct {
	id                int64
	head, base, start string
	at                time.Time
}

// labDiffEndpoints are those of what a merge request brings.
func labDiffEndpoints() []labEndpoint {
	return []labEndpoint{
		{method: "GET", path: "/projects/{id}/merge_requests/{iid}/commits", level: reporter, do: inChange(changeCommits)},
		{method: "GET", path: "/projects/{id}/merge_requests/{iid}/diffs", level: reporter, do: inChange(changeDiffs)},
		{method: "GET", path: "/projects/{id}/merge_requests/{iid}/versions", level: reporter, do: inChange(changeVersions)},
		{method: "GET", path: "/projects/{id}/merge_requests/{iid}/versions/{vid}", level: reporter, do: inChange(changeVersion)},
		{method: "GET", path: "/projects/{id}/repository/compare", level: reporter, do: labCompare},
		{method: "GET", path: "/projects/{id}/repository/merge_base", level: reporter, do: labMergeBase},
	}
}

// versioned keeps a new version of a merge request.
func (f *Forge) versioned(p *Pull) {
	x := f.extra(p)
	v := &version{id: f.id(), head: p.head.id, start: p.target().id, at: f.at()}
	if base := p.Repo.objects.mergeBase(p.target(), p.head); base != nil {
		v.base = base.id
	}
	x.versions = append(x.versions, v)
}

// version is the newest one.
func (f *Forge) version(p *Pull) *version {
	x := f.extra(p)
	if len(x.versions) == 0 {
		f.versioned(p)
	}
	return x.versions[len(x.versions)-1]
}

// changesOf are the files of a version: against where both parted when the version was made, not where the target is now.
func (f *Forge) changesOf(v *version, o *objects) []*change {
	var was *tree
	if c := o.commits[v.base]; c != nil {
		was = c.tree
	}
	return o.diff(was, o.commits[v.head].tree)
}

// countOf is how many files there are, as a text: "1000+" when there are more than are shown.
func countOf(all []*change) string {
	listed, cut := listedOf(all)
	if cut {
		return fmt.Sprintf("%d+", len(listed))
	}
	return fmt.Sprint(len(listed))
}

// listedOf are those that GitLab lists, and whether that is not all.
func listedOf(all []*change) ([]*change, bool) {
	lines := 0
	for i, c := range all {
		p := c.patch()
		if lines += p.added + p.removed; i >= labFiles || lines > labLines {
			return all[:i], true
		}
	}
	return all, false
}

// renderDiffs shows files in GitLab's shape. What is too large, or, by its place or its size, not to be looked at at
// once, has no text; with all, nothing is collapsed.
func renderDiffs(list []*change, all bool) []any {
	out, lines := []any{}, 0
	for _, c := range list {
		text, p := c.labText(), c.patch()
		lines += p.added + p.removed
		large := len(text) > labPatch || text == "" && p.added+p.removed > 0
		collapsed := !all && !large && (len(text) > labCollapse || lines > labSafeLines)
		if large || collapsed {
			text = ""
		}
		out = append(out, obj{"diff": text, "collapsed": collapsed, "too_large": large, "new_path": c.path, "old_path": or(c.old, c.path), "a_mode": modeOf(c.was, c.had),
			"b_mode": modeOf(c.is, c.has), "new_file": !c.had, "renamed_file": c.old != "", "deleted_file": !c.has, "generated_file": false})
	}
	return out
}

func modeOf(e entry, there bool) string {
	if !there {
		return "0"
	}
	return e.mode
}

// labText is the difference of one file as git prints it, without the lines that name it.
func (c *change) labText() string {
	if c.was.mode == ModeSubmodule || c.is.mode == ModeSubmodule {
		return c.submodule()
	}
	if p := c.patch(); p.text != "" {
		return p.text + "\n"
	}
	if c.was.blob != c.is.blob && (c.was.blob != nil && c.was.blob.binary() || c.is.blob != nil && c.is.blob.binary()) {
		return fmt.Sprintf("Binary files %s and %s differ\n", side("a/", or(c.old, c.path), c.had), side("b/", c.path, c.has))
	}
	return ""
}

func (c *change) submodule() string {
	var b strings.Builder
	count := func(there bool) string { return map[bool]string{true: "1", false: "0,0"}[there] }
	fmt.Fprintf(&b, "@@ -%s +%s @@\n", count(c.had), count(c.has))
	if c.had {
		fmt.Fprintf(&b, "-Subproject commit %s\n", c.was.link)
	}
	if c.has {
		fmt.Fprintf(&b, "+Subproject commit %s\n", c.is.link)
	}
	return b.String()
}

func changeCommits(q *labRequest, p *Pull) reply {
	v, o := q.f.version(p), p.Repo.objects
	list := between(o.commits[v.start], o.commits[v.head])
	newest := make([]*commit, 0, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		newest = append(newest, list[i])
	}
	return labPage(q, newest, nil, func(c *commit) any { return q.f.renderLabCommit(q.repo, c) })
}

func changeDiffs(q *labRequest, p *Pull) reply {
	listed, _ := listedOf(q.f.changesOf(q.f.version(p), p.Repo.objects))
	var page []*change
	a := labPage(q, listed, nil, func(c *change) any { page = append(page, c); return nil })
	a.body = renderDiffs(page, false)
	return a
}

func (f *Forge) renderVersion(p *Pull, v *version) obj {
	all := f.changesOf(v, p.Repo.objects)
	_, cut := listedOf(all)
	return obj{"id": v.id, "head_commit_sha": v.head, "base_commit_sha": v.base, "start_commit_sha": v.start, "created_at": labStamp(v.at), "merge_request_id": p.ID,
		"state": map[bool]string{true: "overflow", false: "collected"}[cut], "real_size": countOf(all), "patch_id_sha": nil}
}

// changeVersions lists them, the newest first.
func changeVersions(q *labRequest, p *Pull) reply {
	q.f.version(p)
	all := q.f.extra(p).versions
	newest := make([]*version, 0, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		newest = append(newest, all[i])
	}
	return labPage(q, newest, nil, func(v *version) any { return q.f.renderVersion(p, v) })
}

func changeVersion(q *labRequest, p *Pull) reply {
	for _, v := range q.f.extra(p).versions {
		if v.id == parse(q.PathValue("vid")) {
			o, objects := q.f.renderVersion(p, v), p.Repo.objects
			listed, _ := listedOf(q.f.changesOf(v, objects))
			commits := []any{}
			for _, c := range between(objects.commits[v.start], objects.commits[v.head]) {
				commits = append([]any{q.f.renderLabCommit(q.repo, c)}, commits...)
			}
			o["commits"], o["diffs"] = commits, renderDiffs(listed, false)
			return ok(o)
		}
	}
	return labLost("")
}

// labCompare is the difference between two commits, from where they parted unless ?straight. It lists all files, however
// many, and withholds none but those that are too large by themselves.
func labCompare(q *labRequest) reply {
	if wrong := q.in.missing("from", "to"); wrong != "" {
		return labWrong(wrong)
	}
	o := q.repo.objects
	from, to := q.f.labResolve(q.repo, q.in.text("from")), q.f.labResolve(q.repo, q.in.text("to"))
	if from == nil || to == nil {
		return labLost("Ref")
	}
	was := from.tree
	if !q.in.flag("straight") {
		base := o.mergeBase(from, to)
		if base == nil {
			return labRefuse(http.StatusNotFound, "404 Merge Base Not Found")
		}
		was = base.tree
	}
	commits, last := []any{}, any(nil)
	for _, c := range between(from, to) {
		commits = append(commits, q.f.renderLabCommit(q.repo, c))
		last = commits[len(commits)-1]
	}
	return ok(obj{"commit": last, "commits": commits, "diffs": renderDiffs(o.diff(was, to.tree), true), "compare_timeout": false, "compare_same_ref": from == to,
		"web_url": fmt.Sprintf("%s/%s/-/compare/%s...%s", q.f.url, q.repo.Name, from.id, to.id)})
}

// labMergeBase is the newest commit that all of ?refs[] contain.
func labMergeBase(q *labRequest) reply {
	refs := q.in.list("refs")
	if len(refs) < 2 {
		return labRefuse(http.StatusBadRequest, "400 Bad request - Provide at least 2 refs")
	}
	var base *commit
	for i, name := range refs {
		c := q.f.labResolve(q.repo, name)
		if c == nil {
			return labRefuse(http.StatusBadRequest, "400 Bad request - Could not find ref: "+name)
		}
		if i == 0 {
			base = c
		} else if base = q.repo.objects.mergeBase(base, c); base == nil {
			return labLost("Merge Base")
		}
	}
	return ok(q.f.renderLabCommit(q.repo, base))
}

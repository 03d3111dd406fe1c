package pretend

import "strings"

func (v view) mergeQueue(r *Repo, a args) any {
	if !v.who.may("merge_queues", "read") {
		return fault{"FORBIDDEN", "Resource not accessible by integration"}
	}
	branch := or(strings.TrimPrefix(a.text("branch"), "refs/heads/"), r.Default)
	if _, has := r.queues[branch]; !has {
		return nil
	}
	list := r.queues[branch]
	return thing{"__typename": "MergeQueue", "id": "MQ_" + branch, "url": v.url + "/" + r.Name + "/queue/" + branch,
		"repository": func() any { return v.repository(r) },
		"entries": func(a args) any {
			c := &connection{kind: "MergeQueueEntry", total: len(list), item: func(i int) thing { return v.queueEntry(list[i], i) }}
			return c.page(a)
		}}
}

func (v view) queueEntry(e *queued, i int) thing {
	r := e.pull.Repo
	return thing{"__typename": "MergeQueueEntry", "id": node("MQE", e.id), "position": i + 1, "state": "AWAITING_CHECKS", "enqueuedAt": e.at,
		"jump": false, "solo": false, "estimatedTimeToMerge": nil, "enqueuer": func() any { return v.actor(e.by) },
		"headCommit": func() any { return v.commit(r, e.head) }, "baseCommit": func() any { return v.commit(r, e.base) },
		"pullRequest": func() any { return v.pull(e.pull) }, "mergeQueue": func() any { return v.mergeQueue(r, args{"branch": e.pull.baseRef}) }}
}

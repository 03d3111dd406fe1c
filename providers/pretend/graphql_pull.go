package pretend

import (
	"slices"
	"strconv"
	"strings"
)

func (v view) pull(p *Pull) thing {
	lines := func(which int) func() any {
		return func() any { a, d, _ := p.size(); return [2]int{a, d}[which] }
	}
	var headRepo, headOwner any
	if p.headRepo != nil && v.repos[fold(p.headRepo.Name)] == p.headRepo && v.who.sees(v.Forge, p.headRepo) {
		headRepo, headOwner = func() any { return v.repository(p.headRepo) }, func() any { return v.actor(p.headRepo.Owner) }
	}
	return thing{
		"__typename": "PullRequest", "id": node("PR", p.ID), "databaseId": p.ID, "fullDatabaseId": strconv.FormatInt(p.ID, 10), "number": p.Number,
		"url": v.pullURL(p), "title": p.Title, "body": p.Body, "bodyText": p.Body, "state": p.state(), "isDraft": p.Draft,
		"isCrossRepository": p.headRepo != p.Repo, "maintainerCanModify": p.Editable, "locked": p.Locked, "closed": p.Closed, "merged": p.Merged,
		"mergedAt": v.mergedAt(p), "mergedBy": func() any { return v.actor(p.mergedBy) }, "closedAt": stamp(p.Ended), "createdAt": p.Created, "updatedAt": p.Updated,
		"additions": lines(0), "deletions": lines(1), "changedFiles": func() any { return len(p.changes()) },
		"author": func() any { return v.actor(p.Author) }, "authorAssociation": v.association(p.Repo, p.Author),
		"headRefName": p.headRef, "headRefOid": p.head.id, "headRepository": headRepo, "headRepositoryOwner": headOwner,
		"headRef": func() any {
			if p.headRepo == nil {
				return nil
			}
			return v.branch(p.headRepo, p.headRef)
		},
		"baseRefName": p.baseRef, "baseRefOid": p.base.id, "baseRef": func() any { return v.branch(p.Repo, p.baseRef) },
		"baseRepository": func() any { return v.repository(p.Repo) }, "repository": func() any { return v.repository(p.Repo) },
		"labels": func() any {
			return list("Label", p.labels, func(l *Label) thing { return v.label(l) })
		},
		"files": func() any {
			all := p.changes()
			all = all[:min(len(all), 3000)]
			return list("PullRequestChangedFile", all, func(c *change) thing {
				d := c.patch()
				return thing{"__typename": "PullRequestChangedFile", "path": c.path, "additions": d.added, "deletions": d.removed, "changeType": changeType(c.status)}
			})
		},
		"commits": func() any {
			// REST ends at 250; GraphQL has been seen to list them all (dcoapp/app, pull request 310).
			return list("PullRequestCommit", p.commits(), func(c *commit) thing { return v.pullCommit(p, c) })
		},
		"reviews": func(a args) any {
			states, author := a.texts("states"), a.text("author")
			var found []*Review
			for _, r := range p.reviews {
				if (len(states) == 0 || slices.Contains(states, r.State)) && (author == "" || fold(author) == fold(r.By.Login)) {
					found = append(found, r)
				}
			}
			return list("PullRequestReview", found, v.review).page(a)
		},
		"latestReviews":            func() any { return list("PullRequestReview", p.latestReviews(false), v.review) },
		"latestOpinionatedReviews": func() any { return list("PullRequestReview", p.latestReviews(true), v.review) },
		"reviewDecision":           nil,
		"reviewRequests":           func() any { return v.requests(p) },
		"timelineItems":            func(a args) any { return v.timeline(p, a) },
		"comments": func() any {
			var notes []*comment
			for _, e := range p.events {
				if e.note != nil {
					notes = append(notes, e.note)
				}
			}
			return list("IssueComment", notes, v.note)
		},
		"mergeable": "UNKNOWN", "mergeStateStatus": "UNKNOWN", "isInMergeQueue": p.queue() != nil,
		"mergeCommit": func() any {
			if p.mergeCommit == nil {
				return nil
			}
			return v.commit(p.Repo, p.mergeCommit)
		},
		"statusCheckRollup": func() any { return v.rollup(p.Repo, p.head) },
	}
}

func (v view) mergedAt(p *Pull) any {
	if p.Merged {
		return stamp(p.Ended)
	}
	return nil
}

func changeType(status string) string {
	if status == "removed" {
		return "DELETED"
	}
	return strings.ToUpper(status)
}

func (v view) label(l *Label) thing {
	return thing{"__typename": "Label", "id": node("LA", l.ID), "name": l.Name, "color": "ededed"}
}

func (v view) pullCommit(p *Pull, c *commit) thing {
	return thing{"__typename": "PullRequestCommit", "id": "PRC_" + c.id, "commit": func() any { return v.commit(p.Repo, c) },
		"pullRequest": func() any { return v.pull(p) }, "url": v.pullURL(p) + "/commits/" + c.id}
}

func (v view) review(r *Review) thing {
	return thing{"__typename": "PullRequestReview", "id": node("PRR", r.ID), "databaseId": r.ID, "fullDatabaseId": strconv.FormatInt(r.ID, 10), "state": r.State,
		"body": r.Body, "submittedAt": r.Submitted, "createdAt": r.Submitted, "lastEditedAt": stamp(r.Edited), "author": func() any { return v.actor(r.By) },
		"authorAssociation": v.association(r.Pull.Repo, r.By), "authorCanPushToRepository": rank(r.Pull.Repo.role(r.By)) >= rank("write"),
		"commit": func() any { return v.commit(r.Pull.Repo, r.Commit) }, "url": v.pullURL(r.Pull)}
}

// latestReviews is one review of each person, the newest; opinionated leaves comments out.
func (p *Pull) latestReviews(opinionated bool) []*Review {
	var list []*Review
	seen := map[*User]bool{}
	for _, r := range slices.Backward(p.reviews) {
		if !seen[r.By] && (!opinionated || r.State != "COMMENTED") {
			seen[r.By] = true
			list = append(list, r)
		}
	}
	slices.Reverse(list)
	return list
}

func (v view) requests(p *Pull) *connection {
	return &connection{kind: "ReviewRequest", total: len(p.asked) + len(p.askedTeams), item: func(i int) thing {
		t := thing{"__typename": "ReviewRequest", "id": node("RR", int64(i)), "databaseId": i, "asCodeOwner": false}
		if i < len(p.asked) {
			t["requestedReviewer"] = func() any { return v.actor(p.asked[i]) }
		} else {
			t["requestedReviewer"] = func() any { return v.team(p.askedTeams[i-len(p.asked)]) }
		}
		return t
	}}
}

func (v view) note(c *comment) thing {
	return thing{"__typename": "IssueComment", "id": node("IC", c.id), "databaseId": c.id, "fullDatabaseId": strconv.FormatInt(c.id, 10), "body": c.body,
		"createdAt": c.created, "lastEditedAt": stamp(c.edited), "author": func() any { return v.actor(c.by) },
		"authorAssociation": v.association(c.pull.Repo, c.by), "url": v.pullURL(c.pull), "viewerDidAuthor": c.by == v.who.user}
}

// timeline lists what happened, oldest first: of the kinds asked for, after since. Commits are those of now.
func (v view) timeline(p *Pull, a args) any {
	kinds := a.texts("itemTypes")
	now := map[*commit]bool{}
	for _, c := range p.commits() {
		now[c] = true
	}
	var found []*event
	for _, e := range p.events {
		if len(kinds) > 0 && !slices.Contains(kinds, itemType(e.kind)) || e.kind == "PullRequestCommit" && !now[e.commit] {
			continue
		}
		if since := a.text("since"); since != "" && stamp(e.at).(string) < since {
			continue
		}
		found = append(found, e)
	}
	c := list("PullRequestTimelineItems", found, func(e *event) thing { return v.happened(p, e) })
	c.more = thing{"filteredCount": len(found), "pageCount": len(found), "updatedAt": p.Updated}
	return c.page(a)
}

// itemType is the enum's word: LabeledEvent is LABELED_EVENT.
func itemType(kind string) string {
	var b strings.Builder
	for i, r := range kind {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

func (v view) happened(p *Pull, e *event) thing {
	switch e.kind {
	case "PullRequestCommit":
		return v.pullCommit(p, e.commit)
	case "PullRequestReview":
		return v.review(e.review)
	case "IssueComment":
		return v.note(e.note)
	}
	t := thing{"__typename": e.kind, "id": node("EV", e.id), "databaseId": e.id, "createdAt": e.at, "actor": func() any { return v.actor(e.actor) }}
	switch e.kind {
	case "LabeledEvent", "UnlabeledEvent":
		t["label"] = v.label(e.label)
	case "HeadRefForcePushedEvent":
		t["beforeCommit"] = func() any { return v.commit(p.Repo, e.from.(*commit)) }
		t["afterCommit"] = func() any { return v.commit(p.Repo, e.to.(*commit)) }
	case "BaseRefChangedEvent":
		t["previousRefName"], t["currentRefName"] = e.from, e.to
	case "RenamedTitleEvent":
		t["previousTitle"], t["currentTitle"] = e.from, e.to
	case "MergedEvent":
		t["commit"], t["mergeRefName"] = func() any { return v.commit(p.Repo, e.commit) }, p.baseRef
	case "ReviewRequestedEvent":
		t["requestedReviewer"] = func() any {
			if team, ok := e.about.(*Team); ok {
				return v.team(team)
			}
			u, _ := e.about.(*User)
			return v.actor(u)
		}
	case "ReviewDismissedEvent":
		t["review"], t["dismissalMessage"] = func() any { return v.review(e.review) }, nil
	}
	return t
}

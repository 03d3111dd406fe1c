package pretend

import (
	"strings"
)

var forbidden = fault{"FORBIDDEN", "Resource not accessible by integration"}

// mutation is done field by field; each has its own error.
func (v view) mutation() thing {
	return thing{
		"__typename":          "Mutation",
		"createCheckRun":      func(a args) any { return v.createCheckRun(a.object("input")) },
		"updateCheckRun":      func(a args) any { return v.updateCheckRun(a.object("input")) },
		"requestReviews":      func(a args) any { return v.requestReviews(a.object("input")) },
		"rerequestCheckSuite": func(a args) any { return v.rerequestSuite(a.object("input")) },
		"addComment":          func(a args) any { return v.addComment(a.object("input")) },

		"createCommitOnBranch": func(a args) any { return v.createCommit(a.object("input")) },
	}
}

// at finds what a node id in the input names, when the caller may see it.
func at[T any](v view, in args, name string) (T, error) {
	var none T
	if _, isErr := v.byNode(in.text(name)).(error); isErr {
		return none, notFound("Could not resolve to a node with the global id of '%s'", in.text(name))
	}
	prefix, number, _ := strings.Cut(in.text(name), "_")
	x, ok := v.byID[parse(number)].(T)
	if !ok || prefix == "" {
		return none, notFound("Could not resolve to a node with the global id of '%s'", in.text(name))
	}
	return x, nil
}

func (v view) payload(kind string, in args, more thing) thing {
	t := thing{"__typename": kind, "clientMutationId": in["clientMutationId"]}
	for k, x := range more {
		t[k] = x
	}
	return t
}

func (v view) createCheckRun(in args) any {
	r, err := at[*Repo](v, in, "repositoryId")
	if err != nil {
		return err
	}
	if !v.who.mayOn(r, "checks", "write") {
		return forbidden
	}
	c := r.objects.commits[in.text("headSha")]
	if c == nil {
		return fault{"UNPROCESSABLE", "No commit found for SHA: " + in.text("headSha")}
	}
	run, err := v.Forge.createRun(r, v.app, c, runOf(in))
	if err != nil {
		return fault{"UNPROCESSABLE", err.Error()}
	}
	return v.payload("CreateCheckRunPayload", in, thing{"checkRun": v.checkRun(run)})
}

func (v view) updateCheckRun(in args) any {
	run, err := at[*Run](v, in, "checkRunId")
	if err != nil {
		return err
	}
	if !v.who.mayOn(run.Repo, "checks", "write") || run.App != v.app || node("R", run.Repo.ID) != in.text("repositoryId") {
		return forbidden
	}
	if err := v.Forge.updateRun(run, runOf(in)); err != nil {
		return fault{"UNPROCESSABLE", err.Error()}
	}
	return v.payload("UpdateCheckRunPayload", in, thing{"checkRun": v.checkRun(run)})
}

// runOf reads the input of both mutations; enums are REST's words in capitals.
func runOf(in args) runInput {
	word := func(name string, small bool) *string {
		s, ok := in[name].(string)
		if !ok {
			return nil
		}
		if small {
			s = strings.ToLower(s)
		}
		return &s
	}
	out := runInput{Name: word("name", false), Status: word("status", true), Conclusion: word("conclusion", true),
		DetailsURL: word("detailsUrl", false), ExternalID: word("externalId", false)}
	if actions, ok := in["actions"].([]any); ok {
		out.Actions = actions
	}
	if o := in.object("output"); o != nil {
		out.Output = &runOutput{Title: o.text("title"), Summary: o.text("summary"), Text: o.text("text")}
		for _, n := range o.objects("annotations") {
			at := n.object("location")
			start, _ := at.number("startLine")
			end, _ := at.number("endLine")
			out.Output.Annotations = append(out.Output.Annotations, Annotation{Path: n.text("path"), Message: n.text("message"),
				Title: n.text("title"), Level: strings.ToLower(n.text("annotationLevel")), Start: start, End: end})
		}
	}
	return out
}

// objects is a list of input objects, as a variable or written out.
func (a args) objects(name string) []args {
	var list []args
	switch x := a[name].(type) {
	case []any:
		for _, o := range x {
			if m, ok := o.(map[string]any); ok {
				list = append(list, m)
			}
		}
	case []map[string]any:
		for _, m := range x {
			list = append(list, m)
		}
	case map[string]any:
		list = append(list, x)
	}
	return list
}

func (v view) requestReviews(in args) any {
	p, err := at[*Pull](v, in, "pullRequestId")
	if err != nil {
		return err
	}
	if !v.who.mayOn(p.Repo, "pull_requests", "write") {
		return forbidden
	}
	if !in.yes("union") {
		p.asked, p.askedTeams = nil, nil
	}
	for _, id := range in.texts("userIds") {
		u, err := at[*User](v, args{"id": id}, "id")
		if err != nil {
			return err
		}
		if rank(p.Repo.role(u)) < rank("read") || u == p.Author {
			return fault{"UNPROCESSABLE", "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator."}
		}
		v.Forge.ask(p, v.who.user, u, nil)
	}
	for _, id := range in.texts("teamIds") {
		t, err := at[*Team](v, args{"id": id}, "id")
		if err != nil {
			return err
		}
		v.Forge.ask(p, v.who.user, nil, t)
	}
	return v.payload("RequestReviewsPayload", in, thing{"pullRequest": v.pull(p), "actor": v.actor(v.who.user)})
}

func (v view) rerequestSuite(in args) any {
	s, err := at[*suite](v, in, "checkSuiteId")
	if err != nil {
		return err
	}
	v.emitSuite(s, "rerequested", v.who.user)
	return v.payload("RerequestCheckSuitePayload", in, thing{"checkSuite": v.checkSuite(s)})
}

func (v view) addComment(in args) any {
	p, err := at[*Pull](v, in, "subjectId")
	if err != nil {
		return err
	}
	if !v.who.mayOn(p.Repo, "pull_requests", "write") {
		return forbidden
	}
	c := v.Forge.comment(p, v.who.user, in.text("body"))
	return v.payload("AddCommentPayload", in, thing{"subject": v.pull(p),
		"commentEdge": thing{"__typename": "IssueCommentEdge", "cursor": cursor(0), "node": v.note(c)}})
}

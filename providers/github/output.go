package github

import (
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// input is the mutation's argument.
func (p *posting) input(r run) map[string]any {
	in := map[string]any{"repositoryId": p.repository, "output": output(r.post)}
	if r.update == "" {
		in["headSha"] = r.post.Commit
		in["name"] = r.post.Name
	} else {
		in["checkRunId"] = r.update
	}
	if r.post.URL != "" {
		in["detailsUrl"] = r.post.URL
	}
	if r.post.ExternalID != "" {
		in["externalId"] = r.post.ExternalID
	}
	in["status"] = "IN_PROGRESS"
	if word := conclusion(r.post); word != "" {
		in["status"], in["conclusion"] = "COMPLETED", word
	}
	if in["actions"] = actions(r.post.Buttons); r.update == "" && len(r.post.Buttons) == 0 {
		delete(in, "actions")
	}
	return in
}

// actions are the buttons of a check run. An update without any takes those away that were there.
func actions(buttons []gate.Button) []map[string]string {
	list := []map[string]string{}
	for _, b := range buttons {
		list = append(list, map[string]string{"label": b.Label, "description": b.Description, "identifier": b.Identifier})
	}
	return list
}

// conclusion is GitHub's word for an outcome; "" while it is open what will come of it. GitHub takes NEUTRAL and SKIPPED
// for passes, so neither may stand for anything undecided.
func conclusion(p gate.Post) string {
	if p.Cancelled {
		return "CANCELLED"
	}
	switch p.Outcome {
	case checks.Pass:
		return "SUCCESS"
	case checks.Fail:
		return "FAILURE"
	case checks.Advise, checks.Overridden:
		return "NEUTRAL"
	case checks.Skip:
		return "SKIPPED"
	}
	return ""
}

func output(p gate.Post) map[string]any {
	title, summary := p.Title, p.Summary
	if title == "" {
		title = p.Name
	}
	if summary == "" {
		summary = title
	}
	if len(summary) > mostSummary {
		summary = strings.ToValidUTF8(summary[:mostSummary], "") + "\n\n…"
	}
	if left := len(p.Annotations) - mostAnnotations; left > 0 {
		summary += fmt.Sprintf("\n\n%d more places are not annotated.", left)
	}
	out := map[string]any{"title": title, "summary": summary}
	if as := p.Annotations[:min(len(p.Annotations), batch)]; len(as) > 0 {
		out["annotations"] = annotations(as)
	}
	return out
}

func annotations(as []checks.Annotation) []map[string]any {
	list := make([]map[string]any, 0, len(as))
	for _, a := range as {
		line := max(a.Line, 1)
		level := "WARNING"
		switch a.Outcome {
		case checks.Fail:
			level = "FAILURE"
		case checks.Overridden:
			level = "NOTICE"
		}
		list = append(list, map[string]any{
			"path": a.Path, "message": a.Message, "annotationLevel": level,
			"location": map[string]any{"startLine": line, "endLine": max(a.EndLine, line)},
		})
	}
	return list
}

package github

import (
	"context"
	"net/url"
	"slices"

	"github.com/google/go-github/v60/github"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// mostSigned bounds the tags at one commit whose signatures are read; the rest stay unread, and so count for nothing.
const mostSigned = 5

// signatures reads GitHub's word on the signatures of the tags at the promotion's commit, where a policy asks for signed
// ones. It is not remembered: a key may be taken back.
func (st *standing) signatures(ctx context.Context, c *connection[*tagNode]) error {
	r := st.reading
	set, err := r.c.memory.policy(r.f.Sources)
	if err != nil || !slices.ContainsFunc(set.Layers, func(p *policy.Policy) bool { return p.Tagging.Signed && asksRelease(p, st.p.Environment) }) {
		return nil
	}
	read := 0
	for i := range r.f.Tags {
		t := &r.f.Tags[i]
		if t.Commit != st.p.Commit || !t.Annotated || read == mostSigned {
			continue
		}
		read++
		if t.Signature, err = r.tagWord(ctx, t.Name, objectOf(c, t.Name)); err != nil {
			return err
		}
	}
	return nil
}

func asksRelease(p *policy.Policy, environment string) bool {
	e := checks.Environment(p, environment)
	return e != nil && policy.Weaker(e.Release, "") != policy.Off
}

// objectOf is the id of an annotated tag's object, where it came along.
func objectOf(c *connection[*tagNode], name string) string {
	if c == nil {
		return ""
	}
	for _, n := range c.Nodes {
		if n != nil && n.Name == name && n.Target != nil && n.Target.Typename == "Tag" {
			return n.Target.OID
		}
	}
	return ""
}

// tagWord is the forge's word on a tag's signature: "valid", or what is wrong with it.
func (r *reading) tagWord(ctx context.Context, name, object string) (string, error) {
	if object == "" {
		var ref github.Reference
		if err := r.in.get(ctx, "GET /repos/{owner}/{repo}/git/ref/{ref}", r.repo.path("/git/ref/tags/"+url.PathEscape(name)), &ref); err != nil {
			return "", err
		}
		object = ref.GetObject().GetSHA()
	}
	var t github.Tag
	if err := r.in.get(ctx, "GET /repos/{owner}/{repo}/git/tags/{tag_sha}", r.repo.path("/git/tags/"+url.PathEscape(object)), &t); err != nil {
		return "", err
	}
	word := checks.Clip(t.GetVerification().GetReason(), 60)
	if verified := t.GetVerification().GetVerified(); verified != (word == "valid") || word == "" {
		word = "unverified"
	}
	return word, nil
}

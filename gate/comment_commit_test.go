package gate

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
)

// tracer is a forge with comments on commits.
type tracer struct {
	*talker
	merged   []Brought
	err      error
	relation string
}

func (f tracer) Brought(context.Context, checks.Subject) ([]Brought, string, error) {
	return f.merged, "main", f.err
}

func (f tracer) Relation(context.Context, checks.Subject, string, string) (string, error) {
	return f.relation, f.err
}

func (tracer) Tree(context.Context, checks.Subject, string, string) ([]string, error) {
	return nil, errors.New("not asked")
}

func (tracer) Texts(context.Context, checks.Subject, string, string, []string) (map[string]string, error) {
	return nil, errors.New("not asked")
}

func (tracer) Touched(context.Context, checks.Subject) ([]checks.File, error) {
	return nil, errors.New("not asked")
}

// onCommit works off a comment on the commit 0123456789.
func onCommit(t *testing.T, f tracer, p Provider) (Outcome, error) {
	t.Helper()
	m := Mark{Kind: MarkComment, Forge: "github", Repo: "acme/shop", Commit: "0123456789", Comment: 77}
	cause := m
	cause.Detail, cause.At, cause.Why = textDigest(f.comment.Body), now, "commit_comment.created"
	r := reconciler(&f.forge, &memory{})
	r.Providers["github"], r.Releases = p, struct{ Releases }{} // nothing comes to keeping one
	return r.Work(t.Context(), Work{Attempt: 1, Mark: m, Causes: []Mark{cause}})
}

func TestWhichChangeACommitIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		merged   []Brought
		relation string
		want     string
	}{
		"pushed by hand":                   {nil, "behind", "no change brought `01234567` to `main`, so nobody judged it"},
		"pushed by hand, the newest":       {nil, "identical", "no change brought `01234567` to `main`, so nobody judged it"},
		"on another branch":                {nil, "diverged", "`01234567` is not on `main`, and no change was merged as it"},
		"ahead of the branch":              {nil, "ahead", "`01234567` is not on `main`, and no change was merged as it"},
		"of another history":               {nil, "", "`01234567` is not on `main`, and no change was merged as it"},
		"one of a change's commits":        {[]Brought{{7, "abc"}}, "behind", "`01234567` came with #7, and is not what that merge made"},
		"of a change without merge commit": {[]Brought{{7, ""}}, "behind", "`01234567` came with #7, and is not what that merge made"},
		"what two merges made":             {[]Brought{{7, "0123456789"}, {8, "0123456789"}}, "behind", "more than one change was merged as `01234567` (#7, #8)"},
	} {
		f := tracer{talker: says("/sluice release minor"), merged: c.merged, relation: c.relation}
		out, err := onCommit(t, f, f)
		if err != nil || len(f.replies) != 1 || !strings.Contains(f.replies[0], "refused. Nothing was released: "+c.want) {
			t.Errorf("%s: %v, replies %q, want %q", name, err, f.replies, c.want)
			continue
		}
		e := out.Entries[0]
		if len(out.Entries) != 1 || e.Kind != EntryCommand || e.Outcome != refused || e.Change != 0 || e.Commit != "0123456789" || e.URL != "https://f/77" || f.reads != 0 {
			t.Errorf("%s: entries %+v after %d readings, want the refusal with the commit and where it was asked", name, out.Entries, f.reads)
		}
	}
}

func TestACommitIsReleasedAsTheChangeThatWasMergedAsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ state, made, want string }{
		"the forge changed its mind about what the merge made": {"merged", "fedcba9876", "the forge tells of two commits that the merge made"},
		"the forge changed its mind about whether it merged":   {"closed", "0123456789", "closed without being merged"},
	} {
		f := tracer{talker: says("/sluice release minor"), merged: []Brought{{6, "abc"}, {7, "0123456789"}}}
		f.facts.Change.State, f.facts.Change.MergeCommit = c.state, c.made
		out, err := onCommit(t, f, releasing{f})
		if err != nil || len(f.replies) != 1 || !strings.Contains(f.replies[0], c.want) {
			t.Errorf("%s: %v, replies %q, want %q", name, err, f.replies, c.want)
		}
		if e := out.Entries[0]; e.Change != 7 || e.Commit != "0123456789" {
			t.Errorf("%s: entry %+v, want change 7 and the commit", name, e)
		}
	}
}

// releasing is a tracer that could write; nothing comes to that.
type releasing struct{ tracer }

func (releasing) Branch(context.Context, checks.Subject, string) (*Branch, error) { return nil, nil }
func (releasing) Commit(context.Context, checks.Subject, Edit) (string, error) {
	return "", errors.New("not asked")
}
func (releasing) Proposed(context.Context, checks.Subject, string, string) (*Proposed, error) {
	return nil, nil
}
func (releasing) Propose(context.Context, checks.Subject, Proposal) (*Proposed, error) {
	return nil, errors.New("not asked")
}
func (releasing) TagAt(context.Context, checks.Subject, string) (*StandingTag, error) {
	return nil, nil
}
func (releasing) CreateTag(context.Context, checks.Subject, string, string, string) error {
	return errors.New("not asked")
}
func (releasing) Published(context.Context, checks.Subject, string) (string, error) { return "", nil }
func (releasing) Publish(context.Context, checks.Subject, Notice) (string, error) {
	return "", errors.New("not asked")
}

func TestACommitIsAskedAboutAgainWhenTheForgeDoesNotAnswer(t *testing.T) {
	t.Parallel()
	f := tracer{talker: says("/sluice release minor"), err: errors.New("bad gateway")}
	if out, err := onCommit(t, f, f); err == nil || len(f.replies) != 0 || out.Comment != nil {
		t.Errorf("Work = %+v, %v, replies %q; want an error and no answer", out, err, f.replies)
	}
	g := says("/sluice release minor")
	if _, err := onCommit(t, tracer{talker: g}, g); err != nil || len(g.replies) != 1 || !strings.Contains(g.replies[0], "does not tell which change brought a commit") {
		t.Errorf("a forge that does not tell: %v, %q", err, g.replies)
	}
}

func TestOnACommitNothingButReleaseAndHelpIsObeyed(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"status", "recheck", "override approval Now.", "revoke approval", "hold Late.", "unhold", "changelog Added: A thing", "deploy prod", "unlock prod"} {
		f := tracer{talker: says("/sluice " + command), err: errors.New("not asked")}
		out, err := onCommit(t, f, f)
		if err != nil || len(f.replies) != 1 || !strings.Contains(f.replies[0], "concerns a change, and this is a commit") || len(out.Marks)+len(out.Overrides) > 0 || out.Hold != nil {
			t.Errorf("%s: %v, %q, %+v", command, err, f.replies, out)
		}
	}
	f := tracer{talker: says("/sluice help"), err: errors.New("not asked")}
	if _, err := onCommit(t, f, f); err != nil || len(f.replies) != 1 || !strings.Contains(f.replies[0], "On a commit I obey") {
		t.Errorf("help: %v, %q", err, f.replies)
	}
}

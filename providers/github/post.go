package github

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

const (
	batch           = 50  // annotations in one request; GitHub takes no more
	mostAnnotations = 250 // on one check run; the summary says how many there are besides
	mostSummary     = 65000
)

// Post implements gate.Provider: one mutation creates or updates all check runs. Posts come in order of importance; what
// GitHub's limits on content creation leave no room for is not tried, and a *gate.RetryError says when it may be. What
// was posted is returned with any error. After an error that leaves open whether the posts took effect they are not
// repeated: the next reading of the facts shows.
func (c *Client) Post(ctx context.Context, s checks.Subject, f *checks.Facts, posts []gate.Post) ([]gate.Posted, error) {
	if len(posts) == 0 {
		return nil, nil
	}
	in, err := c.reach(ctx, s.Repo, s.Installation)
	if err != nil {
		return nil, fmt.Errorf("post on %v: %w", s, err)
	}
	node, err := c.node(ctx, in, s, f)
	if err != nil {
		return nil, fmt.Errorf("post on %v: %w", s, err)
	}
	p := &posting{c: c, in: in, repository: node, subject: s.Key()}
	posted, err := p.all(ctx, posts)
	if err != nil {
		err = fmt.Errorf("post on %v: %w", s, err)
	}
	return posted, err
}

// node is the repository's id for mutations.
func (c *Client) node(ctx context.Context, in *installation, s checks.Subject, f *checks.Facts) (string, error) {
	if f != nil && f.Repository.Node != "" {
		return f.Repository.Node, nil
	}
	h := c.memory.habit(s.Repo)
	h.mu.Lock()
	id := h.node
	h.mu.Unlock()
	if id != "" {
		return id, nil
	}
	repo, err := splitRepo(s.Repo)
	if err != nil {
		return "", err
	}
	var node answerNode
	errs, err := in.query(ctx, "Repository", c.queries.document("Repository", nil), map[string]any{"owner": repo.owner, "name": repo.name}, &node)
	if err == nil && len(errs) > 0 {
		err = errs[0].err("Repository")
	}
	if err != nil {
		return "", err
	}
	if node.Repository == nil {
		return "", fmt.Errorf("%w: GitHub shows no repository %s", gate.ErrGone, repo)
	}
	h.mu.Lock()
	h.node = node.Repository.ID
	h.mu.Unlock()
	return node.Repository.ID, nil
}

// posting is one Post under way.
type posting struct {
	c          *Client
	in         *installation
	repository string
	subject    string // key, for the budget
}

// run is one check run to be shown.
type run struct {
	post   gate.Post
	update string // node id of the check run, or "" to create one
	rest   []checks.Annotation
}

func (p *posting) all(ctx context.Context, posts []gate.Post) ([]gate.Posted, error) {
	var runs []run
	var later error
	for i, post := range posts {
		if after := p.in.creation.take(p.subject, requests(post), !post.Deferrable); after > 0 {
			later = &gate.RetryError{After: after, Err: fmt.Errorf("%d of %d checks have to wait for GitHub's limit on content creation", len(posts)-i, len(posts))}
			break
		}
		runs = append(runs, p.run(post))
	}
	if len(runs) == 0 {
		return nil, later
	}
	shown, missing, err := p.mutate(ctx, runs)
	if refused := errors.Is(err, errSecondary); refused || err == nil {
		p.in.creation.told(refused)
	} else {
		p.in.creation.unclear()
	}
	switch {
	case err == nil && len(missing) > 0:
		shown, err = p.again(ctx, runs, shown, missing)
	case disliked(err):
		shown, err = p.thinner(ctx, runs, shown, missing)
	}
	var posted []gate.Posted
	for i := range runs {
		if shown[i] != nil {
			posted = append(posted, p.posted(runs[i], *shown[i]))
		}
	}
	if err == nil {
		err = p.annotate(ctx, runs, shown)
	}
	if err == nil {
		err = later
	}
	return posted, err
}

// requests is how many creations a post costs: one, and one for each further batch of annotations.
func requests(p gate.Post) int {
	return max(1, (min(len(p.Annotations), mostAnnotations)+batch-1)/batch)
}

// run decides between a new check run and an update. Annotations cannot be taken off a check run; where the known one
// may have some, a new one takes its place.
func (p *posting) run(post gate.Post) run {
	r := run{post: post}
	if k := post.Known; k != nil && k.Node != "" && k.Commit == post.Commit {
		noted, sure := p.c.memory.noted.Get(k.ID)
		sure = sure && (noted || !p.c.opts.Shared) // another process may have annotated it since
		if sure && !noted || !sure && (k.State == "success" || k.State == "skipped" || k.State == "in_progress" || k.State == "queued") {
			r.update = k.Node
		}
	}
	as := post.Annotations[:min(len(post.Annotations), mostAnnotations)]
	if len(as) > batch {
		r.rest = as[batch:]
	}
	return r
}

// mutate sends one mutation for all runs. missing are the numbers of those whose known check run is gone.
func (p *posting) mutate(ctx context.Context, runs []run) (shown []*contextNode, missing []int, err error) {
	shown = make([]*contextNode, len(runs))
	vars, inputs := map[string]any{}, make([]string, 0, len(runs))
	var fields strings.Builder
	for i, r := range runs {
		input, kind, field := p.input(r), "CreateCheckRunInput", "createCheckRun"
		if r.update != "" {
			kind, field = "UpdateCheckRunInput", "updateCheckRun"
		}
		vars[fmt.Sprintf("i%d", i)] = input
		inputs = append(inputs, fmt.Sprintf("$i%d: %s!", i, kind))
		fmt.Fprintf(&fields, "r%d: %s(input: $i%d) { checkRun { ...Shown } } ", i, field, i)
	}
	document := fmt.Sprintf("mutation Post(%s) { %s}\n%s", strings.Join(inputs, ", "), fields.String(), p.c.queries.fragments["Shown"])
	var out map[string]*struct {
		CheckRun *contextNode `json:"checkRun"`
	}
	errs, err := p.in.mutate(ctx, "Post", document, vars, &out)
	if err != nil && (len(errs) == 0 || len(errs[0].Path) == 0) {
		return shown, nil, err
	}
	failed := map[int]graphError{}
	for _, e := range errs {
		if len(e.Path) > 0 {
			name, _ := e.Path[0].(string)
			failed[alias(name, 'r')] = e
		}
	}
	var faults []error
	for i := range runs {
		e, bad := failed[i]
		got := out[fmt.Sprintf("r%d", i)]
		switch {
		case bad && e.Type == "NOT_FOUND" && runs[i].update != "":
			missing = append(missing, i)
		case bad:
			faults = append(faults, p.explain(runs[i].post.Name, e))
		case got == nil || got.CheckRun == nil:
			faults = append(faults, fmt.Errorf("show %s: GitHub took it and made nothing of it", runs[i].post.Name))
		default:
			shown[i] = got.CheckRun
		}
	}
	return shown, missing, errors.Join(faults...)
}

func (p *posting) explain(name string, e graphError) error {
	err := e.err("Post")
	var refused *Error
	if errors.As(err, &refused) && e.Type == "FORBIDDEN" {
		refused.Needs = "checks=write"
	}
	return fmt.Errorf("show %s: %w", name, err)
}

// again creates those whose known check run is gone.
func (p *posting) again(ctx context.Context, runs []run, shown []*contextNode, missing []int) ([]*contextNode, error) {
	var anew []run
	for _, i := range missing {
		if after := p.in.creation.take(p.subject, 1, !runs[i].post.Deferrable); after > 0 {
			return shown, &gate.RetryError{After: after, Err: errors.New("check runs that are gone wait to be made anew")}
		}
		runs[i].update = ""
		anew = append(anew, runs[i])
	}
	got, _, err := p.mutate(ctx, anew)
	for k, i := range missing {
		shown[i] = got[k]
	}
	return shown, err
}

// annotate adds the annotations beyond the first batch.
func (p *posting) annotate(ctx context.Context, runs []run, shown []*contextNode) error {
	var more []run
	for i, r := range runs {
		if shown[i] == nil {
			continue
		}
		for rest := r.rest; len(rest) > 0; rest = rest[min(batch, len(rest)):] {
			next := run{post: r.post, update: shown[i].ID}
			next.post.Annotations = rest[:min(batch, len(rest))]
			more = append(more, next)
		}
	}
	if len(more) == 0 {
		return nil
	}
	_, missing, err := p.mutate(ctx, more)
	if err == nil && len(missing) > 0 {
		err = errors.New("a check run vanished while it was annotated")
	}
	return err
}

func (p *posting) posted(r run, n contextNode) gate.Posted {
	p.c.memory.noted.Add(n.DatabaseID, len(r.post.Annotations) > 0)
	return gate.Posted{Name: r.post.Name, Commit: r.post.Commit, ID: n.DatabaseID, Node: n.ID, Digest: r.post.Digest, State: runState(n)}
}

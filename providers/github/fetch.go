package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/compare"
)

// order is what one round has to ask GitHub for.
type order struct {
	texts   []checks.Text // Side and Path
	objects []string      // blobs by id
	bytes   []int64       // of the objects
	people  []checks.Person
	groups  []string // "org/team" or "org"
}

func (o *order) empty() bool {
	return len(o.texts)+len(o.objects)+len(o.people)+len(o.groups) == 0
}

// fetch asks for an order, in several requests where it is large. A request that GitHub cannot answer in its time is
// cut in half.
func (r *reading) fetch(ctx context.Context, o *order) error {
	for !o.empty() {
		part := o.cut()
		if err := r.fetchPart(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// cut takes as much off the order as one request carries.
func (o *order) cut() *order {
	p := &order{people: o.people, groups: o.groups}
	o.people, o.groups = nil, nil
	n := min(len(o.texts), mostAliases)
	p.texts, o.texts = o.texts[:n], o.texts[n:]
	var sum int64
	m := 0
	for m < len(o.objects) && n+m < mostAliases && (m == 0 || sum+o.bytes[m] <= mostBytes) {
		sum += o.bytes[m]
		m++
	}
	p.objects, p.bytes, o.objects, o.bytes = o.objects[:m], o.bytes[:m], o.objects[m:], o.bytes[m:]
	return p
}

func (r *reading) fetchPart(ctx context.Context, o *order) error {
	with := r.along
	if r.along = nil; o.empty() && len(with) == 0 {
		return nil
	}
	a := asked{}
	for _, t := range o.texts {
		switch t.Side {
		case checks.Tip:
			a.tip = append(a.tip, t.Path)
		case checks.Base:
			a.start = append(a.start, t.Path)
		default:
			a.head = append(a.head, t.Path)
		}
	}
	parts := a.parts()
	parts["Wanted"] = r.wantedPart(a, o.objects)
	for _, x := range with {
		parts["Wanted"] += x.part
	}
	parts["People"], parts["Hints"] = peoplePart(o.people), groupsPart(o.groups)
	var node answerNode
	vars := map[string]any{"owner": r.repo.owner, "name": r.repo.name}
	errs, err := r.in.query(ctx, "Wants", r.c.queries.document("Wants", parts), vars, &node)
	if err != nil {
		if len(with) > 0 && dispensable(err) && ctx.Err() == nil {
			return r.fetchPart(ctx, o)
		}
		if n := len(o.texts) + len(o.objects); n > 50 && tooMuch(err) && ctx.Err() == nil {
			first, second := o.halves()
			if err := r.fetchPart(ctx, first); err != nil {
				return err
			}
			return r.fetchPart(ctx, second)
		}
		return err
	}
	for _, e := range errs {
		if !r.mendable(e) && !ofPage(node.Repository, e) {
			return e.err("Wants")
		}
	}
	if node.Repository == nil {
		return fmt.Errorf("%w: GitHub shows no repository %s", gate.ErrGone, r.repo)
	}
	for _, x := range with {
		x.take(node.Repository)
	}
	return r.takeIn(o, a, &node)
}

func (o *order) halves() (*order, *order) {
	t, b := len(o.texts)/2, len(o.objects)/2
	return &order{texts: o.texts[:t], objects: o.objects[:b], bytes: o.bytes[:b], people: o.people, groups: o.groups},
		&order{texts: o.texts[t:], objects: o.objects[b:], bytes: o.bytes[b:]}
}

// tooMuch says whether GitHub failed at a query in a way that a smaller one may not.
func tooMuch(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Status >= http.StatusInternalServerError || slow(err))
}

func (r *reading) wantedPart(a asked, objects []string) string {
	var b strings.Builder
	for _, x := range []struct {
		name, commit, part string
		paths              []string
	}{{"tipAt", r.tip, "AtTip", a.tip}, {"headAt", r.head, "AtHead", a.head}, {"startAt", r.start, "AtStart", a.start}} {
		if len(x.paths) > 0 {
			fmt.Fprintf(&b, "%s: object(oid: %s) { __typename ...%s } ", x.name, quoted(x.commit), x.part)
		}
	}
	for i, id := range objects {
		fmt.Fprintf(&b, "b%d: object(oid: %s) { ...Content } ", i, quoted(id))
	}
	return b.String()
}

func (r *reading) takeIn(o *order, a asked, node *answerNode) error {
	repo := node.Repository
	for _, x := range []struct {
		side  checks.Side
		paths []string
		node  *commitNode
	}{{checks.Tip, a.tip, repo.TipAt}, {checks.Head, a.head, repo.HeadAt}, {checks.Base, a.start, repo.StartAt}} {
		if len(x.paths) > 0 && x.node == nil {
			return fmt.Errorf("%w: the commit %.8s", gate.ErrStale, r.commit(x.side))
		}
		if err := r.contents(x.side, r.commit(x.side), x.paths, x.node); err != nil {
			return err
		}
	}
	for i, id := range o.objects {
		b := repo.objects[i]
		if b == nil {
			return fmt.Errorf("read the blob %.8s: GitHub does not show it", id)
		}
		text, kind, more := b.read()
		if more {
			r.longBlobs[id] = true
			continue
		}
		r.blobs[id] = checks.Text{Text: text, Kind: kind}
	}
	r.namedBy(o.people, repo)
	r.grouped(o.groups, node)
	return nil
}

// longTexts fetches by REST what GraphQL shows only the beginning of, as far as it is needed.
func (r *reading) longTexts(ctx context.Context, needed []checks.Text) error {
	for _, t := range needed {
		k := textKey{r.key(), r.commit(t.Side), t.Path}
		id, long := r.long[k]
		if !long {
			continue
		}
		got, err := r.blob(ctx, id)
		if err != nil {
			return err
		}
		got.Path = t.Path
		r.keepText(k.commit, got)
		delete(r.long, k)
	}
	for _, id := range sortedKeys(r.longBlobs) {
		got, err := r.blob(ctx, id)
		if err != nil {
			return err
		}
		r.blobs[id] = got
	}
	clear(r.longBlobs)
	return nil
}

// blob reads one blob whole.
func (r *reading) blob(ctx context.Context, id string) (checks.Text, error) {
	a, err := r.in.do(ctx, call{
		route: "GET /repos/{owner}/{repo}/git/blobs/{file_sha}", method: http.MethodGet, safe: true, raw: true, limit: compare.Largest,
		url: r.c.bases.rest + r.repo.path("/git/blobs/"+url.PathEscape(id)), accept: "application/vnd.github.raw+json",
	})
	if err != nil {
		return checks.Text{}, err
	}
	if !hashes(string(a.body), id) {
		return checks.Text{}, fmt.Errorf("read the blob %.8s: the content does not fit its id", id)
	}
	text, kind := compare.Raw(a.body)
	return checks.Text{Text: text, Kind: kind}, nil
}

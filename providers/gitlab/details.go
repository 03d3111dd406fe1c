package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// What a commit status has no room for stands in one note on the merge request, in a part for each check. Only what changed
// is told to Post, so the other parts are taken over from what the note says already.

const (
	detailsMark  = "<!-- sluice:details -->"
	largestPart  = 100_000
	largestNote  = 900_000 // bytes; GitLab takes a million characters
	mostSearched = 10      // pages of a hundred in which our own note is looked for
	mostAnnoteds = 250     // of one check
)

// details is the note as it was last read or written.
type details struct {
	id    int64 // 0: there is none
	parts []part
}

// part is what the note says of one check on one commit.
type part struct{ name, commit, text string }

// note is a comment as GitLab shows it.
type noteNode struct {
	ID       int64  `json:"id"`
	Body     string `json:"body"`
	System   bool   `json:"system"`
	Internal bool   `json:"internal"`
	Author   struct {
		ID int64 `json:"id"`
	} `json:"author"`
}

// detail brings the note up to date. It is written only if it changes, and made only when there is something to say.
func (p *posting) detail(ctx context.Context, posts []gate.Post) error {
	var want []part
	for _, post := range posts {
		want = append(want, part{unmarked(post.Name), post.Commit, partText(post)})
	}
	if d, ok := p.c.talk.details.Get(p.s.Key()); ok && d.says(want) && p.c.opts.Beside == nil { // nobody else writes it
		return nil
	}
	now, err := p.readDetails(ctx)
	if err != nil {
		return fmt.Errorf("read the note with the details: %w", err)
	}
	next := now.with(want)
	if now.says(want) || now.id == 0 && !slices.ContainsFunc(posts, telling) {
		p.c.talk.details.Add(p.s.Key(), next)
		return nil
	}
	if next.id, err = p.a.writeNote(ctx, p.s, now.id, next.body(), func() (bool, error) { return false, nil }); err != nil {
		p.c.talk.details.Remove(p.s.Key())
		return fmt.Errorf("write the note with the details: %w", err)
	}
	p.c.talk.details.Add(p.s.Key(), next)
	return nil
}

// telling says whether a check has more to say than that it passes.
func telling(p gate.Post) bool {
	return len(p.Annotations) > 0 || p.Outcome != checks.Pass && p.Outcome != checks.Skip
}

// says whether the note has all these parts, as they are.
func (d *details) says(want []part) bool {
	return !slices.ContainsFunc(want, func(w part) bool { return !slices.Contains(d.parts, w) })
}

// with is the note with these parts in place of those on the same checks. What it says of another commit is past.
func (d *details) with(want []part) *details {
	next := &details{id: d.id}
	for _, old := range d.parts {
		if old.commit == want[0].commit && !slices.ContainsFunc(want, func(w part) bool { return w.name == old.name }) {
			next.parts = append(next.parts, old)
		}
	}
	next.parts = append(next.parts, want...)
	sorting.By(next.parts, func(a, b part) int {
		if first := gateName; (a.name == first) != (b.name == first) {
			if a.name == first {
				return -1
			}
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	return next
}

const gateName = "sluice/" + gate.Gate

// body is the note's text.
func (d *details) body() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nWhat stands behind the statuses of Sluice on %s. This note is kept up to date.\n", detailsMark, gate.CodeSpan(short(d.parts[0].commit)))
	for i, one := range d.parts {
		text := fmt.Sprintf("\n<!-- sluice:check %s %s -->\n%s\n", one.name, one.commit, one.text)
		if b.Len()+len(text) > largestNote {
			fmt.Fprintf(&b, "\n%d more checks do not fit here; the links of their statuses have them.\n", len(d.parts)-i)
			break
		}
		b.WriteString(text)
	}
	return tame(b.String())
}

func short(commit string) string { return commit[:min(8, len(commit))] }

var (
	partMark   = patterns.New(`(?m)^<!-- sluice:check (\S+) ([0-9a-f]{40,64}) -->\n`)
	unmarkable = patterns.New(`[^A-Za-z0-9./_\[\]-]+`)
)

// unmarked is a name as it can stand in a hidden mark: nothing in it ends the mark.
func unmarked(s string) string {
	return unmarkable.ReplaceAllString(strings.ReplaceAll(s, "--", "-_"), "_")
}

// parted reads the parts of a note back.
func parted(body string) (parts []part) {
	body = strings.ReplaceAll(body, "\r\n", "\n")
	marks := partMark.FindAllStringSubmatchIndex(body, -1)
	for i, m := range marks {
		end := len(body)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		parts = append(parts, part{body[m[2]:m[3]], body[m[4]:m[5]], strings.TrimSpace(body[m[1]:end])})
	}
	return parts
}

// partText is what the note says of a check: what, why and how, and the places. The address is that of the gate alone, since
// it is another one with every decision.
func partText(p gate.Post) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#### %s: %s\n\n%s", gate.CodeSpan(p.Name), outcome(p), strings.TrimSpace(or(p.Summary, gate.Escape(p.Title))))
	for i, a := range p.Annotations {
		place := fmt.Sprintf("%s:%d", a.Path, max(a.Line, 1))
		line := "\n- " + gate.CodeSpan(place) + " " + gate.Escape(a.Message)
		if strings.Contains(p.Summary, gate.CodeSpan(place)) {
			continue
		}
		if i >= mostAnnoteds || b.Len()+len(line) > largestPart {
			fmt.Fprintf(&b, "\n- …and %d more places.", len(p.Annotations)-i)
			break
		}
		if !strings.Contains(b.String(), "\n\nPlaces:") {
			b.WriteString("\n\nPlaces:\n")
		}
		b.WriteString(line)
	}
	if p.Name == gateName && p.URL != "" {
		fmt.Fprintf(&b, "\n\nDecision: <%s>", p.URL)
	}
	return strings.TrimSpace(tame(b.String()))
}

func outcome(p gate.Post) string {
	if p.Cancelled {
		return "cancelled"
	}
	return p.Outcome.String()
}

// readDetails is the note as it stands.
func (p *posting) readDetails(ctx context.Context) (*details, error) {
	if d, ok := p.c.talk.details.Get(p.s.Key()); ok && d.id != 0 {
		if p.c.opts.Beside == nil { // nobody else writes it; what somebody did to it is put right by the next word
			return d, nil
		}
		var n noteNode
		_, err := p.a.get(ctx, at(p.s.Repo, "merge_requests", strconv.Itoa(p.s.Change), "notes", strconv.FormatInt(d.id, 10)), nil, &n)
		if err == nil {
			return &details{n.ID, parted(n.Body)}, nil
		}
		if !errors.Is(err, gate.ErrGone) {
			return nil, err
		}
	}
	n, cut, err := p.a.ownNote(ctx, p.s, "asc", mostSearched, func(body string) bool { return strings.HasPrefix(body, detailsMark) })
	if err == nil && cut { // one more would be made with every restart
		err = &Error{Route: "GET /projects/{id}/merge_requests/{n}/notes", Status: http.StatusUnprocessableEntity, Message: fmt.Sprintf("none of the first %d is ours", 100*mostSearched)}
	}
	if err != nil {
		return nil, err
	}
	if d, ok := p.c.talk.details.Get(p.s.Key()); ok && n.ID == 0 && d.id == 0 {
		return d, nil // there was nothing to say until now, but what there is belongs into the note
	}
	return &details{n.ID, parted(n.Body)}, nil
}

// ownNote is the first note of our own that is meant, the oldest or newest first, or an empty one; cut says then that there are
// more than were looked at. The mark alone proves nothing: anybody can write it.
func (a *access) ownNote(ctx context.Context, s checks.Subject, sort string, most int, meant func(body string) bool) (n noteNode, cut bool, err error) {
	me, err := a.myself(ctx)
	if err != nil {
		return noteNode{}, false, err
	}
	q := url.Values{"order_by": {"created_at"}, "sort": {sort}, "activity_filter": {"only_comments"}}
	list, cut, err := pages[noteNode](ctx, a, at(s.Repo, "merge_requests", strconv.Itoa(s.Change), "notes"), q, most)
	if err != nil {
		return noteNode{}, false, err
	}
	for _, n := range list {
		if n.Author.ID == int64(me.ID) && !n.System && meant(n.Body) {
			return n, false, nil
		}
	}
	return noteNode{}, cut, nil
}

// writeNote changes a note, or makes one where there is none (any more). Who may see it is settled when it is made.
func (a *access) writeNote(ctx context.Context, s checks.Subject, id int64, body string, internally func() (bool, error)) (int64, error) {
	path := []string{"merge_requests", strconv.Itoa(s.Change), "notes"}
	var made struct {
		ID int64 `json:"id"`
	}
	if id > 0 {
		_, err := a.send(ctx, http.MethodPut, at(s.Repo, append(path, strconv.FormatInt(id, 10))...), nil, map[string]any{"body": body}, &made)
		if !errors.Is(err, gate.ErrGone) { // somebody deleted it: the next one takes its place
			return id, err
		}
	}
	text := map[string]any{"body": body}
	internal, err := internally()
	if err != nil {
		return 0, err
	}
	if internal {
		text["internal"] = true
	}
	_, err = a.send(ctx, http.MethodPost, at(s.Repo, path...), nil, text, &made)
	if err == nil && made.ID == 0 {
		err = &Unclear{errors.New("GitLab took the note and named none")}
	}
	return made.ID, err
}

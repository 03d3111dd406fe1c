package gitlab

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/compare"
)

// commit is the commit of a side.
func (r *reading) commit(side checks.Side) string {
	switch side {
	case checks.Tip:
		return r.tip
	case checks.Base:
		return r.start
	}
	return r.head
}

// have is a text that needs no asking: it was read, or the difference says that it is not there, that it is the same on
// the other side, or what it became.
func (r *reading) have(side checks.Side, path string) (checks.Text, bool) {
	if t, ok := r.remembered(side, path); ok {
		return t, true
	}
	if side == checks.Tip || r.diff == nil || !r.diff.full {
		return checks.Text{}, false
	}
	i, touched := r.diff.find(path)
	if touched {
		return r.told(side, path, &r.diff.files[i])
	}
	if r.diff.old(path) {
		return checks.Text{Side: side, Path: path, Absent: true}, side == checks.Head
	}
	other := checks.Base
	if side == checks.Base {
		other = checks.Head
	}
	t, ok := r.remembered(other, path)
	t.Side = side
	return t, ok
}

// told is a text that the difference tells: by the file's status, by its modes, or by the patch upon the other side.
func (r *reading) told(side checks.Side, path string, f *checks.File) (checks.Text, bool) {
	t := checks.Text{Side: side, Path: path}
	m, gone := r.diff.modes[path], f.Status == "added" && side == checks.Base || f.Status == "removed" && side == checks.Head
	mode := m.after
	if side == checks.Base {
		mode = m.before
	}
	switch {
	case gone:
		t.Absent = true
		return t, true
	case side == checks.Base && f.Old != "":
		return t, false // under its new path it may be there by another history
	case compare.ModeKind(mode) != "":
		t.Kind = compare.ModeKind(mode)
		return t, true
	}
	patch := r.diff.patches[path]
	if patch == "" || !plainPatch(patch) {
		return t, false
	}
	return r.patched(t, f, patch)
}

// patched works a text out of its other side. Where there is no other side, the patch is all of it.
func (r *reading) patched(t checks.Text, f *checks.File, patch string) (checks.Text, bool) {
	other, from := checks.Text{}, f.Path
	switch {
	case f.Status == "added" || f.Status == "removed":
	case t.Side == checks.Head:
		if f.Old != "" {
			from = f.Old
		}
		other, _ = r.remembered(checks.Base, from)
	default:
		other, _ = r.remembered(checks.Head, from)
	}
	if f.Status == "modified" || f.Status == "renamed" {
		if other.Path == "" || other.Kind != "" || other.Absent {
			return t, false
		}
	}
	text, ok := "", false
	if t.Side == checks.Head {
		text, ok = compare.Apply(other.Text, patch)
	} else {
		text, ok = compare.Undo(other.Text, patch)
	}
	if !ok || len(text) > compare.Largest {
		return t, false
	}
	t.Text, t.Kind = compare.Raw([]byte(text))
	return t, true
}

// plainPatch says that a patch is as it stands in the repository: GitLab shows what is not UTF-8 in another encoding than
// it has, and then it is no evidence of what the file holds.
func plainPatch(patch string) bool {
	return !strings.ContainsFunc(patch, func(c rune) bool { return c >= 0x80 })
}

// remembered is a text that this reading or an earlier one took in.
func (r *reading) remembered(side checks.Side, path string) (checks.Text, bool) {
	t, ok := r.stepped(r.commit(side), path, mostSteps)
	t.Side = side
	return t, ok
}

func (r *reading) keepText(commit string, t checks.Text) {
	t.Side = ""
	r.c.memory.texts.Add(textKey{r.key(), commit, t.Path}, t, 150+len(t.Path)+len(t.Text))
}

// fetch reads texts, those that have to be asked for at once: first where one tells another, then what that left open.
func (r *reading) fetch(ctx context.Context, want []checks.Text) error {
	for _, where := range []func(checks.Text) checks.Text{r.better, func(t checks.Text) checks.Text { return t }} {
		ask := map[textKey]checks.Text{}
		for _, t := range want {
			if _, ok := r.have(t.Side, t.Path); !ok {
				t = where(t)
				ask[textKey{r.key(), r.commit(t.Side), t.Path}] = t
			}
		}
		if err := r.fetchAll(ctx, ask); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) fetchAll(ctx context.Context, ask map[textKey]checks.Text) error {
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(abreast)
	for key := range ask {
		group.Go(func() error {
			t, _, err := r.a.text(all, r.repo, key.commit, key.path)
			if err == nil {
				r.keepText(key.commit, t)
			}
			return err
		})
	}
	return group.Wait()
}

// better is the side to read a text at: what the change does not touch is read at the merge base, which stays, and what
// it changes by a plain patch there as well, since the head follows from it.
func (r *reading) better(t checks.Text) checks.Text {
	if t.Side != checks.Head || r.diff == nil || !r.diff.full || r.start == "" {
		return t
	}
	i, touched := r.diff.find(t.Path)
	switch {
	case !touched && !r.diff.old(t.Path):
		t.Side = checks.Base
	case touched && r.diff.files[i].Status == "modified" && r.diff.patches[t.Path] != "" && plainPatch(r.diff.patches[t.Path]) &&
		compare.ModeKind(r.diff.modes[t.Path].before) == "":
		t.Side = checks.Base
	}
	return t
}

// text reads a file at a commit or branch; commit is the one that it was read at. One that is not there is Absent.
func (a *access) text(ctx context.Context, repo, ref, name string) (t checks.Text, commit string, err error) {
	t = checks.Text{Path: name}
	if unaskable(name) {
		t.Kind = "large" // no path that GitLab would be asked for
		return t, "", nil
	}
	var n contentNode
	_, err = a.get(ctx, at(repo, "repository", "files", name), url.Values{"ref": {ref}}, &n)
	if errors.Is(err, gate.ErrGone) {
		t.Absent = true
		return t, "", nil
	}
	if err != nil {
		return t, "", err
	}
	raw, err := n.bytes()
	if err != nil {
		return t, "", fmt.Errorf("read %s: %w", name, err)
	}
	if len(raw) > compare.Largest {
		t.Kind = "large"
		return t, n.Commit, nil
	}
	t.Text, t.Kind = compare.Raw(raw)
	if t.Kind == "" && t.Text != "" && len(t.Text) < 4096 && !strings.Contains(t.Text, "\n") { // a link's target looks like this
		mode, err := a.mode(ctx, repo, or(n.Commit, ref), name)
		if err != nil {
			return t, "", err
		}
		if kind := compare.ModeKind(mode); kind != "" {
			t.Text, t.Kind = "", kind
		}
	}
	return t, n.Commit, nil
}

// unaskable are names that a path of the interface cannot hold.
func unaskable(name string) bool {
	return name == "" || strings.Contains("/"+name+"/", "/../") || strings.Contains(name, "\x00")
}

func (n *contentNode) bytes() ([]byte, error) {
	raw := []byte(n.Content)
	if n.Encoding == "base64" {
		var err error
		if raw, err = base64.StdEncoding.DecodeString(n.Content); err != nil {
			return nil, err
		}
	}
	if n.SHA256 != "" {
		if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != n.SHA256 {
			return nil, errors.New("the content does not fit its checksum")
		}
	}
	if int64(len(raw)) != n.Size {
		return nil, errors.New("the content is not all there")
	}
	return raw, nil
}

// mode finds the mode of one file in the list of its folder.
func (a *access) mode(ctx context.Context, repo, commit, name string) (int, error) {
	q := url.Values{"ref": {commit}}
	if dir := path.Dir(name); dir != "." {
		q.Set("path", dir)
	}
	entries, cut, err := pages[treeNode](ctx, a, at(repo, "repository", "tree"), q, mostFolder)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if e.Path == name {
			return octal(e.Mode), nil
		}
	}
	if cut {
		return 0, fmt.Errorf("read the mode of %s: its folder holds too many files", name)
	}
	return 0, fmt.Errorf("%w: %s is not in its folder", gate.ErrStale, name)
}

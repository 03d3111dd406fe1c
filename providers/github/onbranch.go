package github

import (
	"context"
	"errors"
	"net/http"
)

// onBranch finds out whether the default branch has the commit: among the newest of it, below a commit of it that is
// known to have it, or by a comparison. Whether one commit has another below it never changes.
func (st *standing) onBranch(ctx context.Context) error {
	if st.inLine() {
		return nil
	}
	r := st.reading
	key, off := diffKey{repo: r.key(), to: r.head}, diffKey{r.key(), r.head, r.tip}
	has, known, err := r.has(ctx, r.tip, r.head)
	switch {
	case err != nil:
		return err
	case has:
		r.c.memory.upon.Add(key, r.tip)
	case known:
		r.c.memory.upon.Add(off, "")
	}
	st.p.OnBranch = has
	return nil
}

// inLine says whether what was read of the default branch, now or before, tells: that it has the commit, or that it has not.
func (st *standing) inLine() bool {
	r := st.reading
	key := diffKey{repo: r.key(), to: r.head}
	upon, _ := r.c.memory.upon.Get(key)
	for _, id := range st.line {
		if id == r.head || id == upon {
			r.c.memory.upon.Add(key, r.tip)
			st.p.OnBranch = true
			return true
		}
	}
	_, no := r.c.memory.upon.Get(diffKey{r.key(), r.head, r.tip})
	return no
}

// has says whether a commit has another one below it; known is false where GitHub could not compare them, and then it
// counts as no, but is asked again.
func (r *reading) has(ctx context.Context, commit, below string) (has, known bool, err error) {
	var c struct {
		Status string `json:"status"`
		Ahead  *int   `json:"ahead_by"`
	}
	err = r.in.get(ctx, "GET /repos/{owner}/{repo}/compare/{basehead}", r.repo.path("/compare/"+commit+"..."+below+"?per_page=1"), &c)
	if incomparable(err) {
		return false, false, nil
	}
	return err == nil && (c.Status == "identical" || c.Status == "behind") && c.Ahead != nil && *c.Ahead == 0, true, err
}

// incomparable says that two commits have no common history, or that one of them is gone.
func incomparable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

package gate

import (
	"context"
	"fmt"

	"github.com/sluicegate/sluice/checks"
)

// CodeOwners is the first of the paths that is a text file at a commit, with its text; "" where none is. It is for people to read:
// no decision rests on it.
func (r *Reconciler) CodeOwners(ctx context.Context, s checks.Subject, commit string, paths []string) (path, text string, err error) {
	books, ok := r.Providers[s.Forge].(Librarian)
	if !ok {
		return "", "", fmt.Errorf("no forge is configured here whose files can be read one by one")
	}
	texts, err := books.Texts(ctx, s, s.Repo, commit, paths)
	if err != nil {
		return "", "", err
	}
	for _, p := range paths {
		if t, there := texts[p]; there {
			return p, t, nil
		}
	}
	return "", "", nil
}

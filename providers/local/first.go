package local

import (
	"context"
	"os"
	"strings"
	"sync"
)

// first is the git that reads objects for the first reading. It is started before the repository is looked up, since to
// wait for one git after another takes most of the time of a small change. It finds the repository by itself, as the
// look-up does, which fails where git does not trust the folder's owner.
type first struct {
	mu      sync.Mutex
	objects *objects
}

// startFirst starts it where nothing speaks against that. Until the repository's settings are known it fetches nothing.
func startFirst(g *git) *first {
	for _, name := range []string{"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"} {
		if os.Getenv(name) != "" {
			return &first{} // may be meant from the repository's own folder
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	early := *g
	early.env = append(early.env[:len(early.env):len(early.env)], "GIT_ALLOW_PROTOCOL=none")
	o := &objects{git: &early, ctx: ctx, stop: stop}
	if o.start() != nil {
		stop()
		return &first{}
	}
	return &first{objects: o}
}

// end ends it, unless a reading took it.
func (f *first) end() {
	if o := f.take(); o != nil {
		o.close()
		o.stop()
	}
}

func (f *first) take() *objects {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := f.objects
	f.objects = nil
	return o
}

// reader is the git that reads objects for one reading, which ends with ctx.
func (r *Repository) reader(ctx context.Context) *objects {
	o := r.first.take()
	if o == nil {
		return &objects{git: r.git, ctx: ctx}
	}
	context.AfterFunc(ctx, o.stop)
	o.git, o.ctx = r.git, ctx // for when it is started again
	return o
}

// isPartial says whether git may have to fetch objects, which the first git must not.
func isPartial(settings []setting) bool {
	for _, s := range settings {
		if strings.HasSuffix(s.key, ".promisor") || strings.HasSuffix(s.key, ".partialclonefilter") || s.key == "extensions.partialclone" {
			return true
		}
	}
	return false
}

package gitlab

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// talk is what is kept of what was written, to save reads. All of it may be lost at any time.
type talk struct {
	details *lru.Cache[string, *details]     // the note with the details, by subject
	heads   *lru.Cache[string, headPipeline] // where the statuses of a change belong, as last read, by subject
	waits   *lru.Cache[string, time.Time]    // since when a commit is without a pipeline that may yet come
	builds  *lru.Cache[string, builds]       // whether a project has pipelines of its own
	merged  *lru.Cache[string, bool]         // whether a merged result contains a head: by project and both commits
	outside *lru.Cache[string, outsiders]    // external status checks, by project and target branch
	quiet   *lru.Cache[int64, bool]          // notes that were written internally
	heard   *lru.Cache[int64, [32]byte]      // what notes said, by its SHA-256, before anything had happened to them
}

func newTalk() *talk {
	return &talk{details: sized[string, *details](1000), heads: sized[string, headPipeline](5000), waits: sized[string, time.Time](5000),
		builds: sized[string, builds](2000), merged: sized[string, bool](5000), outside: sized[string, outsiders](2000),
		quiet: sized[int64, bool](5000), heard: sized[int64, [32]byte](5000)}
}

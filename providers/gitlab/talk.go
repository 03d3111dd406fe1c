package gitlab

import (
	"time"

	"github.com/sluicegate/sluice/providers/cache"
)

// talk is what is kept of what was written, to save reads. All of it may be lost at any time.
type talk struct {
	details *cache.Counted[string, *details]     // the note with the details, by subject
	heads   *cache.Counted[string, headPipeline] // where the statuses of a change belong, as last read, by subject
	waits   *cache.Counted[string, time.Time]    // since when a commit is without a pipeline that may yet come
	builds  *cache.Counted[string, builds]       // whether a project has pipelines of its own
	merged  *cache.Counted[string, bool]         // whether a merged result contains a head: by project and both commits
	outside *cache.Counted[string, outsiders]    // external status checks, by project and target branch
	quiet   *cache.Counted[int64, bool]          // notes that were written internally
	heard   *cache.Counted[int64, [32]byte]      // what notes said, by its SHA-256, before anything had happened to them
}

func newTalk() *talk {
	return &talk{details: cache.Of[string, *details](1000), heads: cache.Of[string, headPipeline](5000), waits: cache.Of[string, time.Time](5000),
		builds: cache.Of[string, builds](2000), merged: cache.Of[string, bool](5000), outside: cache.Of[string, outsiders](2000),
		quiet: cache.Of[int64, bool](5000), heard: cache.Of[int64, [32]byte](5000)}
}

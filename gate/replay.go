package gate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// Recorded is a decision with what it was made from, as it was kept.
type Recorded struct {
	Decision       *Decision
	Facts, Sources []byte // canonical JSON
	// Seen are the facts of the newest look that came to the same decision, or nil. They may tell what made no difference
	// under the policy of then: a second approval where one was asked for.
	Seen   []byte
	SeenAt time.Time
}

// ErrIncomplete says that a decision cannot be replayed, since what it came from is not kept with it.
var ErrIncomplete = errors.New("the facts or the policy of this decision are not kept")

// judge goes from facts to a decision, the one way there is: the reconciler takes it with what it has just read, and a
// replay with what was kept of that.
func judge(load func([]policy.Source) (*policy.Set, error), f *checks.Facts, acts Acts, id string, at time.Time) *Decision {
	if gap, unread := f.Gap("policy"); unread {
		return DecideUnread(f, gap, acts, id, at)
	}
	set, err := load(f.Sources)
	if err != nil {
		return DecideBroken(f, err, acts, id, at)
	}
	return Decide(set, f, acts.Under(set), id, at)
}

// read decodes what was kept.
func (r Recorded) read() (*checks.Facts, error) {
	if r.Facts == nil || r.Sources == nil {
		return nil, ErrIncomplete
	}
	f := &checks.Facts{}
	if err := json.Unmarshal(r.Facts, f); err != nil {
		return nil, fmt.Errorf("read the facts of decision %s: %w", r.Decision.ID, err)
	}
	f.Sources = nil
	if err := json.Unmarshal(r.Sources, &f.Sources); err != nil {
		return nil, fmt.Errorf("read the policy of decision %s: %w", r.Decision.ID, err)
	}
	return f, nil
}

// newest decodes the facts that were seen last.
func (r Recorded) newest() (*checks.Facts, error) {
	f, err := r.read()
	if err != nil || r.Seen == nil {
		return f, err
	}
	last := &checks.Facts{}
	if err := json.Unmarshal(r.Seen, last); err != nil {
		return nil, fmt.Errorf("read the facts last seen of decision %s: %w", r.Decision.ID, err)
	}
	last.At, last.Sources = r.SeenAt, f.Sources
	return last, nil
}

// seen are the facts as they are kept beside a decision that stands: without the policies, which are the same, and
// without what moves by itself and is not judged.
func seen(f *checks.Facts) ([]byte, error) {
	s := *f
	s.At, s.Sources, s.Statuses = time.Time{}, nil, nil
	if f.Change != nil {
		c := *f.Change
		c.Base.Commit, s.Change = "", &c
	}
	b, err := json.Marshal(&s)
	if err != nil {
		return nil, fmt.Errorf("keep what was seen of %v: %w", f.Subject, err)
	}
	return b, nil
}

// Replay judges once more what a decision was made from, with the acts that counted, at its own time. A Sluice with the
// same rules comes to the same decision, byte for byte; see Same.
func Replay(r Recorded) (*Decision, error) {
	f, err := r.read()
	if err != nil {
		return nil, err
	}
	was := r.Decision
	load := func(s []policy.Source) (*policy.Set, error) { return policy.Load(s...) }
	d := judge(load, f, was.Acts, was.ID, was.At)
	if was.Base == "" { // it was kept when decisions did not name their branch
		d.Base = ""
		seal(d)
	}
	d.foresee(was.Foresight)
	sum := sha256.Sum256(r.Facts)
	d.Facts = hex.EncodeToString(sum[:])
	return d, nil
}

// Same says whether two decisions are the same, byte for byte.
func Same(a, b *Decision) bool {
	x, err := json.Marshal(a)
	y, also := json.Marshal(b)
	return err == nil && also == nil && bytes.Equal(x, y)
}

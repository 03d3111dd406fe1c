package checks

import (
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// Lines are those of a promotion's verdict, in the order shown.
func Lines() []PromotionLine { return nil }

// LineNames are the names of Lines.
func LineNames() (names []string) {
	for _, l := range Lines() {
		names = append(names, l.Name)
	}
	return names
}

// AskForPromotion says what the lines still have to know about a promotion under the policies in force.
func AskForPromotion(set *policy.Set, f *Facts) *Wants { return &Wants{} }

// JudgePromotion gives one verdict per line, in the order of Lines. It is pure: Facts.At is now.
func JudgePromotion(set *policy.Set, f *Facts) []Verdict { return nil }

// Proving is how far a commit that is live in an environment is on its way to be well there.
type Proving struct {
	Well   bool
	Red    string    // a status that `verify` names failed there: which, and how
	Waits  string    // for what, in one sentence; "" when Well
	Until  time.Time // when that may change by itself
	Unread bool      // it cannot be told
	Soaks  bool      // the soak is not over yet
}

// Prove says whether a commit that is live since then is well in the environment: its verify statuses turned green after
// that, and it soaked. hotfix has the lane's soak apply.
func Prove(set *policy.Set, environment string, statuses []Status, live, now time.Time, hotfix bool) Proving {
	return Proving{Waits: "not judged", Unread: true}
}

// IsHotfix says whether the change that a promotion came from meets the hotfix lane of the environment, by every policy
// that has one; known is false where the facts do not tell.
func IsHotfix(set *policy.Set, environment string, f *Facts) (yes, known bool) { return false, false }

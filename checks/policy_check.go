package checks

import "github.com/sluicegate/sluice/checks/policy"

func wantPolicy(set *policy.Set, f *Facts, w *Wants) {}

func judgePolicy(set *policy.Set, f *Facts) (Verdict, bool) { return Verdict{}, false }

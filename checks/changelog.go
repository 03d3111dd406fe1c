package checks

import "github.com/sluicegate/sluice/checks/policy"

func wantChangelog(p *policy.Policy, f *Facts, w *Wants) {}

func judgeChangelog(p *policy.Policy, f *Facts) Result { return Result{} }

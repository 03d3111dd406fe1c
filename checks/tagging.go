package checks

import "github.com/sluicegate/sluice/checks/policy"

func wantTagging(p *policy.Policy, f *Facts, w *Wants) {}

func judgeTagging(p *policy.Policy, f *Facts) Result { return Result{} }

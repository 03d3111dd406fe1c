package checks

import "github.com/sluicegate/sluice/checks/policy"

func wantApproval(p *policy.Policy, f *Facts, w *Wants) {}

func judgeApproval(p *policy.Policy, f *Facts) Result { return Result{} }

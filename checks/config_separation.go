package checks

import "github.com/sluicegate/sluice/checks/policy"

func wantConfigSeparation(p *policy.Policy, f *Facts, w *Wants) {}

func judgeConfigSeparation(p *policy.Policy, f *Facts) Result { return Result{} }

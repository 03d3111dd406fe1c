package checks

import "github.com/sluicegate/sluice/checks/policy"

func wantHouse(p *policy.Policy, f *Facts, w *Wants) {}

func judgeHouse(set *policy.Set, f *Facts) []Verdict { return nil }

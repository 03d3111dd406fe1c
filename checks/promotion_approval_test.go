package checks

import (
	"testing"
	"time"
)

func TestPromotionApproval(t *testing.T) {
	t.Parallel()
	says := func(list ...Saying) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) { p.Approvals = list }
	}
	yes := func(p Person) Saying { return Saying{By: p, At: ago(30 * time.Minute)} }
	no := func(p Person) Saying {
		return Saying{By: p, At: ago(20 * time.Minute), Reject: true, Reason: "not today"}
	}
	renamed := Person{ID: mal.ID, Login: "mallory-second", Kind: "user"}
	unnamed := func(f *Facts, p *Promotion) {
		p.Origin.Commits = append(p.Origin.Commits, Commit{ID: "c1", Author: Person{Name: "Some Body", Email: "x@y.example"}, Committer: flow})
		p.Origin.Change.CommitCount = 2
	}
	two := func(f *Facts, p *Promotion) { p.Approvals = []Saying{yes(bo), yes(cid)} }
	both := func(fs ...func(*Facts, *Promotion)) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) {
			for _, change := range fs {
				change(f, p)
			}
		}
	}
	runLines(t, "approval", map[string]lineCase{
		"approved by one of those named":            {want: Pass, says: "Approved by bo."},
		"approved by nobody":                        {facts: says(), want: Wait, says: "/sluice approve production"},
		"approved by somebody of another team":      {facts: says(yes(ana)), want: Wait, says: "Needs 1 more approval"},
		"approved by the author":                    {facts: says(yes(mal)), want: Wait, says: "is the author"},
		"approved by the author under another name": {facts: says(yes(renamed)), want: Wait, says: "is the author"},
		"approved by the author where nobody minds": {policy: "separate: []", facts: says(yes(mal)), want: Pass, says: "Approved by mal."},
		"approved by an app":                        {facts: func(f *Facts, p *Promotion) { p.Approvals = []Saying{yes(Person{ID: 2, Login: "bo", Kind: "app"})} }, want: Wait, says: "no person's account"},
		"approved by a deleted account":             {facts: says(yes(ghost)), want: Wait},
		"approved by one person twice": {policy: "approval: [{name: two, count: 2, from: {teams: [acme/operations]}}]", facts: says(yes(bo), yes(bo)),
			want: Wait, says: "Needs 1 more approval"},
		"approved by two accounts with one id": {policy: "approval: [{name: two, count: 2, from: {teams: [acme/operations]}}]",
			facts: says(yes(bo), yes(Person{ID: bo.ID, Login: "bo2", Kind: "user"})), want: Wait, says: "Needs 1 more approval"},
		"approved by somebody whose right is not known": {facts: func(f *Facts, p *Promotion) { f.Teams = nil }, want: Unknown, says: "was not read"},
		"approved by somebody who lost the right":       {facts: func(f *Facts, p *Promotion) { f.Teams["acme/operations"] = Group{Members: []int64{3}, Complete: true} }, want: Wait},
		"no rule": {policy: "approval: []", facts: says(), want: Pass},

		"rejected by one who could approve":                    {facts: says(yes(bo), no(cid)), want: Wait, says: "cid rejected this promotion: not today"},
		"rejected, then approved by the same person":           {facts: says(no(bo), yes(bo)), want: Pass},
		"approved, then rejected by the same person":           {facts: says(yes(cid), yes(bo), no(bo)), want: Wait, says: "Only bo can take it back: `/sluice approve production`"},
		"rejected by a passer-by":                              {facts: says(yes(bo), no(eve)), want: Pass},
		"rejected by one who may write, but is not asked":      {facts: says(yes(bo), no(ana)), want: Pass},
		"rejected by one who may write, where nobody is named": {policy: "approval: []", facts: says(no(ana)), want: Wait},
		"rejected by an app":                                   {facts: says(yes(bo), no(robot)), want: Pass},
		"rejected by an app that may write": {policy: "approval: []", facts: func(f *Facts, p *Promotion) {
			p.Approvals, f.People[77] = []Saying{no(robot)}, Person{ID: 77, Permission: "write"}
		}, want: Pass},
		"rejected by somebody whose right is not known": {facts: func(f *Facts, p *Promotion) {
			p.Approvals = []Saying{yes(bo), no(dora)}
			f.Teams["acme/operations"] = Group{Members: []int64{2}}
		}, want: Unknown, says: "dora rejected"},
		"rejected without a reason": {facts: says(yes(bo), Saying{By: cid, Reject: true}), want: Wait, says: "no reason was given"},

		"asked for by no deployer":                      {facts: func(f *Facts, p *Promotion) { p.Requester = eve }, want: Wait, says: "eve may not deploy to production"},
		"asked for by a deployer by name alone":         {policy: "deployers: {users: [eve]}", facts: func(f *Facts, p *Promotion) { p.Requester = eve }, want: Pass},
		"asked for by nobody known":                     {facts: func(f *Facts, p *Promotion) { p.Requester = Person{} }, want: Wait},
		"asked for by somebody whose right is not read": {facts: func(f *Facts, p *Promotion) { delete(f.People, 1) }, want: Unknown, says: "Whether ana may deploy"},
		"asked for over the API by no deployer":         {facts: func(f *Facts, p *Promotion) { p.How, p.Requester = ByAPI, eve }, want: Wait},
		"merged by no deployer":                         {facts: func(f *Facts, p *Promotion) { p.How, p.Requester = OnMerge, eve }, want: Pass},
		"automatic, with nobody":                        {facts: func(f *Facts, p *Promotion) { p.How, p.Requester = Automatic, Person{} }, want: Pass},

		"asked for by the author":                         {facts: func(f *Facts, p *Promotion) { p.Requester = mal }, want: Wait, says: "mal wrote the change and may not promote it"},
		"asked for by the author under another name":      {facts: func(f *Facts, p *Promotion) { p.Requester = renamed }, want: Wait, says: "somebody else has to ask"},
		"merged by the author":                            {facts: func(f *Facts, p *Promotion) { p.How, p.Requester = OnMerge, mal }, want: Wait, says: "somebody else has to ask"},
		"asked for by a contributor":                      {policy: "separate: [contributors]", facts: func(f *Facts, p *Promotion) { p.Requester = mal }, want: Wait, says: "mal took part in the change"},
		"asked for by a contributor, where authors count": {facts: func(f *Facts, p *Promotion) { p.Origin.Commits[0].CoAuthors = []Person{ana} }, want: Pass},
		"asked for by one with a contributor's address": {policy: "separate: [contributors]", facts: func(f *Facts, p *Promotion) {
			p.Origin.Commits[0].CoAuthors = []Person{{Name: "A. L.", Email: "ANA@acme.example"}}
		}, want: Wait, says: "ana took part"},
		"approved by who asked": {policy: "separate: [requester]", facts: func(f *Facts, p *Promotion) {
			p.Requester, f.People[3] = cid, Person{ID: 3, Permission: "write"}
			p.Approvals = []Saying{yes(cid)}
		}, want: Wait, says: "asked for it"},
		"approved by another one":          {policy: "separate: [requester]", want: Pass},
		"no change known":                  {facts: func(f *Facts, p *Promotion) { p.Origin = nil }, want: Unknown, says: "Who wrote it is not known"},
		"no change known, none asked":      {policy: "separate: []", facts: func(f *Facts, p *Promotion) { p.Origin = nil }, want: Pass},
		"no change known, requester apart": {policy: "separate: [requester]", facts: func(f *Facts, p *Promotion) { p.Origin = nil }, want: Pass},

		"a contributor whom the forge cannot name":              {policy: "separate: [contributors]", facts: unnamed, want: Wait, says: "Needs 1 more approval"},
		"a contributor whom the forge cannot name, two approve": {policy: "separate: [contributors]", facts: both(unnamed, two), want: Pass},
		"commits that were not all read":                        {policy: "separate: [contributors]", facts: func(f *Facts, p *Promotion) { p.Origin.Change.CommitCount = 300 }, want: Unknown, says: "1 of 300 commits"},
		"commits that could not be read": {policy: "separate: [contributors]", facts: func(f *Facts, p *Promotion) {
			p.Origin.Commits, p.Origin.Gaps = nil, []Gap{{"commits", "GitHub answered 502."}}
		}, want: Unknown, says: "502"},

		"a rule for other changes":               {policy: "approval: [{name: a, when: {paths: [db/**]}}]", facts: says(), want: Pass},
		"a rule for this change":                 {policy: "approval: [{name: a, when: {paths: [src/**]}}]", facts: says(), want: Wait},
		"a rule of which nobody knows, not met":  {policy: "separate: []\napproval: [{name: a, when: {paths: [db/**]}}]", facts: func(f *Facts, p *Promotion) { p.Origin, p.Approvals = nil, nil }, want: Unknown, says: "No merged change is known"},
		"a rule of which nobody knows, met":      {policy: "separate: []\napproval: [{name: a, when: {authors: [bo]}}]", facts: func(f *Facts, p *Promotion) { p.Origin = nil }, want: Pass},
		"a rule that advises":                    {policy: "approval: [{name: a, mode: advise}]", facts: says(), want: Advise},
		"a later stage approved before":          {policy: "approval: [{name: a, from: {users: [cid]}}, {name: b, from: {users: [bo]}, after: a}]", facts: says(yes(bo), yes(cid)), want: Wait, says: "before the earlier stage"},
		"a later stage approved after":           {policy: "approval: [{name: a, from: {users: [cid]}}, {name: b, from: {users: [bo]}, after: a}]", facts: says(yes(cid), yes(bo)), want: Pass},
		"nobody reviews a promotion":             {policy: "approval: [{name: duty}]", facts: says(), want: Wait, says: "for an approval."},
		"the rule names its place in the policy": {facts: says(), want: Wait, says: ".sluice.yml:8 environments.production.approval[0]"},
		"one of two policies is not met":         {floor: "required: {environments: {production: {approval: [{name: sre, from: {users: [cid]}}]}}}", want: Wait, says: "required.environments.production.approval[0]"},
	})
}

func TestHotfixLane(t *testing.T) {
	t.Parallel()
	const lane = "soak: 1h\nhotfix: {when: {labels: [hotfix]}, soak: 1m, approval: [{name: duty, from: {users: [ana]}}]}"
	byAna := func(f *Facts, p *Promotion) { p.Approvals = []Saying{{By: ana, At: ago(time.Minute)}} }
	runLines(t, "approval", map[string]lineCase{
		"the lane's rules replace the usual ones": {policy: lane, facts: byAna, want: Pass, says: "Approved by ana."},
		"the usual approver is not asked":         {policy: lane, want: Wait, says: "environments.production.hotfix.approval[0]"},
		"another change goes the usual way":       {policy: lane, facts: func(f *Facts, p *Promotion) { byAna(f, p); p.Origin.Change.Labels = nil }, want: Wait, says: "environments.production.approval[0]"},
		"a label set by a passer-by counts for nothing": {policy: lane, facts: func(f *Facts, p *Promotion) { byAna(f, p); p.Origin.Change.Labels[0].By = &eve },
			want: Wait, says: "environments.production.approval[0]"},
		"a label set by an app counts for nothing": {policy: lane, facts: func(f *Facts, p *Promotion) {
			byAna(f, p)
			p.Origin.Change.Labels[0].By, f.People[77] = &robot, Person{ID: 77, Permission: "write"}
		}, want: Wait},
		"a label set by nobody knows whom": {policy: lane, facts: func(f *Facts, p *Promotion) { byAna(f, p); p.Origin.Change.Labels[0].By = nil }, want: Wait},
		"where the label's right is not known both have to be met": {policy: lane, facts: func(f *Facts, p *Promotion) {
			byAna(f, p)
			p.Origin.Change.Labels[0].By = &dora
		}, want: Wait, says: "environments.production.approval[0]"},
		"where the label's right is not known the usual rules are not enough": {policy: lane, facts: func(f *Facts, p *Promotion) {
			p.Origin.Change.Labels[0].By = &dora
		}, want: Wait, says: "environments.production.hotfix.approval[0]"},
		"separation binds in the lane":         {policy: lane + "\nseparate: [requester]", facts: byAna, want: Wait, says: "asked for it"},
		"a lane that asks nobody":              {policy: "hotfix: {when: {labels: [hotfix]}, approval: []}", want: Pass, says: "No approval is asked for of a hotfix."},
		"a lane without rules keeps the usual": {policy: "hotfix: {when: {labels: [hotfix]}}", want: Pass, says: "Approved by bo."},
		"a floor's rules stay":                 {policy: lane, floor: "required: {environments: {production: {approval: [{name: sre, from: {users: [cid]}}]}}}", facts: byAna, want: Wait, says: "required.environments.production.approval[0]"},
	})
	for name, c := range map[string]struct {
		when       string
		floor      string
		facts      func(*Facts, *Promotion)
		yes, known bool
	}{
		"by label":                      {"labels: [hotfix]", "", nil, true, true},
		"by another label":              {"labels: [urgent]", "", nil, false, true},
		"by branch":                     {"branches: [main]", "", nil, true, true},
		"by another branch":             {"labels: [hotfix], branches: [release/*]", "", nil, false, true},
		"by path":                       {"paths: [src/**]", "", nil, true, true},
		"by paths that are not known":   {"paths: [db/**]", "", func(f *Facts, p *Promotion) { p.Origin.Gaps = []Gap{{"files", "x"}} }, false, false},
		"by title":                      {"title: '^Sell'", "", nil, true, true},
		"by author":                     {"authors: [mal]", "", nil, true, true},
		"by an expression over labels":  {`expression: "'Hotfix' in change.labels"`, "", nil, true, true},
		"by what is not read":           {`expression: "reviews.exists(r, r.state == 'approved')"`, "", nil, false, false},
		"by a label set without right":  {"labels: [hotfix]", "", func(f *Facts, p *Promotion) { p.Origin.Change.Labels[0].By = &eve }, false, true},
		"by a label of unknown right":   {"labels: [hotfix]", "", func(f *Facts, p *Promotion) { p.Origin.Change.Labels[0].By = &dora }, false, false},
		"by an expression, without one": {`expression: "!('Hotfix' in change.labels)"`, "", func(f *Facts, p *Promotion) { p.Origin.Change.Labels[0].By = &dora }, false, false},
		"of no known change":            {"labels: [hotfix]", "", func(f *Facts, p *Promotion) { p.Origin = nil }, false, false},
		"without a lane":                {"", "", func(f *Facts, p *Promotion) { p.Origin = nil }, false, true},
		"by one of two lanes":           {"labels: [hotfix]", "required: {environments: {production: {hotfix: {when: {labels: [urgent]}}}}}", nil, false, true},
		"a rollback":                    {"labels: [hotfix]", "", func(f *Facts, p *Promotion) { p.How = Rollback }, false, true},
	} {
		f := promotable()
		if c.facts != nil {
			c.facts(f, f.Promotion)
		}
		if yes, known := IsHotfix(policies(t, replaced(chain, "hotfix: {when: {"+c.when+"}}"), c.floor), "Production", f); yes != c.yes || known != c.known {
			t.Errorf("%s: IsHotfix = %v, %v, want %v, %v", name, yes, known, c.yes, c.known)
		}
	}
}

func TestRollbackLines(t *testing.T) {
	t.Parallel()
	back := func(how How, change func(*Facts, *Promotion)) *Facts {
		f := promotable()
		f.Tags, f.Paths, f.Listed, f.Promotion.Approvals, f.Promotion.Before, f.Promotion.Between = nil, nil, false, nil, nil, nil
		f.At = time.Date(2026, 12, 24, 23, 0, 0, 0, time.UTC) // frozen, and no window
		f.Promotion.How, f.Promotion.Rolls = how, ago(48*time.Hour)
		if change != nil {
			change(f, f.Promotion)
		}
		return f
	}
	for name, c := range map[string]struct {
		facts *Facts
		shut  string
	}{
		"to what was well, during a freeze":         {back(Rollback, nil), ""},
		"by itself":                                 {back(RollsBack, func(f *Facts, p *Promotion) { p.Requester = Person{} }), ""},
		"by the author":                             {back(Rollback, func(f *Facts, p *Promotion) { p.Requester = mal }), ""},
		"by no deployer":                            {back(Rollback, func(f *Facts, p *Promotion) { p.Requester = eve }), "approval wait"},
		"to what was never well":                    {back(Rollback, func(f *Facts, p *Promotion) { p.Rolls = time.Time{} }), "after fail"},
		"by itself to what was never well":          {back(RollsBack, func(f *Facts, p *Promotion) { p.Rolls = time.Time{} }), "after fail"},
		"to what is to be well in times to come":    {back(Rollback, func(f *Facts, p *Promotion) { p.Rolls = f.At.Add(time.Hour) }), "after fail"},
		"while locked":                              {back(Rollback, func(f *Facts, p *Promotion) { p.Locks = []Lock{{By: bo, Reason: "x"}} }), "lock wait"},
		"while only what nobody asks for is locked": {back(Rollback, func(f *Facts, p *Promotion) { p.Locks = []Lock{{By: bo, Reason: "x", Unasked: true}} }), ""},
		"to what is red":                            {back(Rollback, func(f *Facts, p *Promotion) { f.Statuses[0].State = "failure" }), "statuses wait"},
	} {
		var shut string
		skipped := 0
		for _, v := range JudgePromotion(policies(t, replaced(chain, "hotfix: {when: {labels: [hotfix]}}\nmodes: {after: off}")), c.facts) {
			if v.Blocks() {
				shut += v.Check + " " + v.Outcome.String()
			}
			if v.Outcome == Skip {
				skipped++
			}
		}
		if shut != c.shut || skipped != 10 {
			t.Errorf("%s: shut by %q with %d lines skipped, want %q and 10", name, shut, skipped, c.shut)
		}
	}
}

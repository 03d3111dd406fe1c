package gate

import (
	"slices"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// prove says whether what is live is well here, and has the environments behind this one go on.
func (v *visit) prove(p *Promotion) error {
	if v.set == nil {
		return nil // nobody can say what well means
	}
	if p.How.Back() {
		return v.well(p)
	}
	shown, read := v.statuses(p.Commit)
	proof := checks.Prove(v.set, v.s.Environment, shown, p.LiveAt, v.now, p.Hotfix)
	if !read && !proof.Well && proves(v.set, v.s.Environment) && !slices.Contains(v.asked, p.Commit) {
		v.out.later(environmentMark(v.s, v.s.Environment, "went live")) // what is shown on it was not asked for with this visit
		v.out.Next = sooner(v.out.Next, proof.Until)
		return nil
	}
	v.awaits(p, proof)
	if proof.Open && v.standing.Unsaid {
		v.out.Next = sooner(v.out.Next, v.now.Add(patient(v.now.Sub(p.LiveAt))))
	}
	switch {
	case proof.Red != "" && proof.Soaks && v.fallBack(p, proof.Red):
		p.Red = proof.Red
		return v.move(p, Failed, proof.Red+"; it is rolled back", Who{})
	case proof.Red != "":
		v.reddens(p, proof.Red)
		return nil
	case proof.Well:
		return v.well(p)
	}
	v.out.Next = sooner(v.out.Next, proof.Until)
	return nil
}

// awaits says what a promotion that is live waits for, as it changes.
func (v *visit) awaits(p *Promotion, proof checks.Proving) {
	var now *Awaited
	if !proof.Well {
		now = &Awaited{What: proof.Waits, How: proof.How, Until: proof.Until}
	}
	if before := p.Awaits; before == nil || now == nil || before.What != now.What || before.How != now.How || !before.Until.Equal(now.Until) {
		v.touched[p.ID] = v.touched[p.ID] || before != now
		p.Awaits = now
	}
}

// reddens says that what is live is not well. What is red may be run again and turn green: then it is well after all, and
// until then nothing follows from it.
func (v *visit) reddens(p *Promotion, why string) {
	if p.Red == why {
		return
	}
	p.Red, v.touched[p.ID] = why, true
	v.notify(NoticeFailed, p.ID+"/red", v.notification(p, "live, and not well: "+why))
}

// statuses are those on a commit, if they were read with this visit, and all of them: half of a list could hide a failure.
func (v *visit) statuses(commit string) (list []checks.Status, read bool) {
	if list, ok := v.standing.Statuses[commit]; ok {
		return list, true
	}
	if f := v.standing.Facts; f != nil && f.Promotion != nil && f.Promotion.Commit == commit {
		if _, unread := f.Gap("statuses"); !unread {
			return f.Statuses, true
		}
	}
	return nil, false
}

// proves says whether something has to turn green on what is live in an environment.
func proves(set *policy.Set, environment string) bool {
	return slices.ContainsFunc(set.Layers, func(p *policy.Policy) bool {
		e := checks.Environment(p, environment)
		return e != nil && len(e.Verify) > 0
	})
}

func (v *visit) well(p *Promotion) error {
	p.VerifiedAt, p.Red = v.now, ""
	if err := v.move(p, Verified, "", Who{}); err != nil {
		return err
	}
	v.next(p)
	v.followers("verified")
	return nil
}

// next asks for the promotion into each environment that follows by itself.
func (v *visit) next(p *Promotion) {
	if v.set == nil || p.How.Back() {
		return
	}
	for _, e := range environments(v.set) {
		if e.deploy == "automatic" && slices.ContainsFunc(e.after, v.is) {
			v.out.Requests = append(v.out.Requests, Promotion{
				ID: v.r.NewID(), Forge: p.Forge, Repo: p.Repo, Installation: p.Installation, Environment: e.name, Commit: p.Commit,
				Request: "automatic/" + p.ID, How: checks.Automatic, By: p.By, Change: p.Change, At: v.now, State: Requested, Since: v.now,
			})
		}
	}
}

// followers has the environments looked at that wait for this one.
func (v *visit) followers(why string) {
	if v.set == nil {
		return
	}
	for _, e := range environments(v.set) {
		if slices.ContainsFunc(e.after, v.is) {
			v.out.later(environmentMark(v.s, e.name, v.s.Environment+" "+why))
		}
	}
}

func (v *visit) is(name string) bool { return sameName(name, v.s.Environment) }

// guarded is one environment under all policies in force.
type guarded struct {
	name, deploy string
	after        []string
}

// environments are those that the policies guard, each once, in their order. The repository's own word on how it is
// deployed counts, or else the organisation's.
func environments(set *policy.Set) (list []guarded) {
	for _, layer := range set.Layers {
		for _, e := range layer.Environments {
			if policy.Weaker(e.Mode, "") == policy.Off {
				continue
			}
			i := slices.IndexFunc(list, func(g guarded) bool { return sameName(g.name, e.Name) })
			if i < 0 {
				list = append(list, guarded{name: e.Name, deploy: e.Deploy})
				i = len(list) - 1
			}
			if e.After != "" && !slices.ContainsFunc(list[i].after, func(n string) bool { return sameName(n, e.After) }) {
				list[i].after = append(list[i].after, e.After)
			}
		}
	}
	return list
}

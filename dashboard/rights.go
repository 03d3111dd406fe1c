package dashboard

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// What somebody may ask for. The page only leaves out what is certainly refused: who is in which team, the gate asks the
// forge at the moment when it does what was asked, by the rules of commands, and its answer counts.

// right is what the pages know of what somebody may do at an environment.
type right struct {
	Role    string // at the repository, as the forge says
	Deploy  bool
	Approve bool
	Why     string // why something is not offered
}

// rights asks the forge what the person is in the repository, and the policy whom it names.
func (v *visitor) rights(repo gate.Repo, p gate.Place) (right, error) {
	role, err := v.Sight.Role(v.ctx(), v.Person, repo)
	if err != nil {
		return right{}, fmt.Errorf("ask what %s may do: %w", v.Person.Login, err)
	}
	x := right{Role: role}
	writes := checks.AtLeast(role, "write")
	x.Deploy, x.Approve = writes, writes
	if writes || role == "" {
		return x, nil
	}
	deployers, approvers, err := v.namesPeople(p)
	if err != nil {
		return right{}, err
	}
	x.Deploy, x.Approve = deployers, approvers
	return x, nil
}

// namesPeople says whether the policy names deployers and approvers of an environment: those may be people who cannot write
// to the repository. It goes by the policy of the newest decision there; where there is none, nobody is named.
func (v *visitor) namesPeople(p gate.Place) (deployers, approvers bool, err error) {
	var newest string
	for _, q := range []*gate.Promotion{p.Waiting, p.UnderWay, p.Live} {
		if q != nil && q.Decision != "" && newest == "" {
			newest = q.Decision
		}
	}
	if newest == "" {
		return false, false, nil
	}
	rec, err := v.Library.Record(v.ctx(), newest)
	if err != nil || rec == nil {
		return false, false, err
	}
	set := setOf(rec.Sources)
	if set == nil {
		return false, false, nil
	}
	for _, layer := range set.Layers {
		if e := checks.Environment(layer, p.Seen.Name); e != nil {
			deployers = deployers || layer.Given("environments."+e.Name+".deployers")
			approvers = approvers || slices.ContainsFunc(e.Approval, func(r policy.ApprovalRule) bool { return !r.From.Zero() })
		}
	}
	return deployers, approvers, nil
}

// setOf is the policy that a decision was made under, or nil where it is not kept or broken.
func setOf(sources []byte) *policy.Set {
	var list []policy.Source
	if sources == nil || json.Unmarshal(sources, &list) != nil {
		return nil
	}
	set, err := policy.Load(list...)
	if err != nil {
		return nil
	}
	return set
}

// button is something that a person may ask for.
type button struct {
	Word, Text, To string
	Class          string // main-button, danger or ""
}

// deed says what each word asks for, as its button and its page say it.
type deed struct {
	Button, Class string
	Says          string // what happens
	Reason        bool   // one must be given
	Approves      bool   // it is for approvers rather than deployers
	Lasts         bool   // it may be for a time
}

func deeds() map[string]deed {
	return map[string]deed{
		"deploy":   {Button: "Deploy", Class: "main-button", Says: "Sluice judges it once more, and deploys it when every line of the gate holds. Until then it waits."},
		"approve":  {Button: "Approve", Class: "main-button", Says: "Your approval counts for this commit in this environment, if the policy names you as an approver.", Approves: true},
		"reject":   {Button: "Reject", Class: "danger", Says: "It does not go on as long as your word stands.", Reason: true, Approves: true},
		"cancel":   {Button: "Cancel", Class: "danger", Says: "What waits or is under way there is called off. What was deployed by then stays."},
		"rollback": {Button: "Roll back", Class: "danger", Says: "Sluice goes back to a commit that was live and well there, without asking the gate for deployers, locks and statuses again.", Reason: true},
		"lock":     {Button: "Lock", Says: "Nothing is deployed there until somebody takes the lock off, or its time is over.", Reason: true, Lasts: true},
		"unlock":   {Button: "Unlock", Says: "The locks on it are taken off, and what waits is judged again."},
	}
}

// offer is the button for a word.
func offer(word string, repo gate.Repo, environment, ref, more string) button {
	d := deeds()[word]
	text := d.Button
	if more != "" {
		text += " " + more
	}
	return button{Word: word, Text: text, Class: d.Class, To: askPath(word, repo.Forge, repo.Name, environment, ref)}
}

// buttonsAt are those of an environment: what makes sense there now, and what the person may ask for.
func buttonsAt(repo gate.Repo, p place, all []place, may right) (list []button) {
	name := p.Seen.Name
	if may.Approve && p.Waiting != nil {
		list = append(list, offer("approve", repo, name, "", ""), offer("reject", repo, name, "", ""))
	}
	if !may.Deploy {
		return list
	}
	if v := before(p, all); v != nil && v.Live != nil && (p.Live == nil || v.Live.Commit != p.Live.Commit) && (p.Waiting == nil || p.Waiting.Commit != v.Live.Commit) {
		list = append(list, offer("deploy", repo, name, v.Live.Commit, v.Version))
	}
	if p.Waiting != nil || p.UnderWay != nil {
		list = append(list, offer("cancel", repo, name, "", ""))
	}
	if p.Live != nil {
		list = append(list, offer("rollback", repo, name, "", ""))
	}
	if len(p.Locks) > 0 {
		list = append(list, offer("unlock", repo, name, "", ""))
	} else {
		list = append(list, offer("lock", repo, name, "", ""))
	}
	return list
}

// before is the environment before one, or nil.
func before(p place, all []place) *place {
	if p.Seen.View == nil || p.Seen.View.After == "" {
		return nil
	}
	i := slices.IndexFunc(all, func(q place) bool { return sameWord(q.Seen.Name, p.Seen.View.After) })
	if i < 0 {
		return nil
	}
	return &all[i]
}

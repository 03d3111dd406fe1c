package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// Rejudge finds what was recorded of a repository.
type Rejudge interface {
	// Recent are the newest decisions of a repository, the newest first.
	Recent(ctx context.Context, forge, repo string, limit int) ([]gate.DecisionRow, error)
}

// mostPolicy is the size of a policy that is tried out, in bytes.
const mostPolicy = 64 << 10

// policyData is the effective policy of a repository, and what an edited one would make of a change that was recorded.
type policyData struct {
	Repo     gate.Repo
	Layers   []layerShown
	Broken   string // why the policy in force cannot be loaded
	As       *gate.DecisionRow
	Recent   []gate.DecisionRow
	Text     string // that is tried
	On       string // the decision that it is tried on
	Problems []string
	Result   *playShown
}

// layerShown is one of the policies in force, with every key and where its value comes from.
type layerShown struct {
	Name, Origin, Commit, Text string
	Floor                      bool // the organisation's floor, which a repository cannot undercut
	Cut                        bool
}

// playShown is what came of trying.
type playShown struct {
	Before, After checks.Verdict
	Was, Is       bool // open
	Lines         []turned
	Untold        []string
}

// policyPage serves it. Posted, it judges a recorded decision under the text that was sent.
func policyPage(v *visitor) (*page, string, error) {
	repo, err := named(v.r.PathValue("forge"), v.r.PathValue("repo"))
	if err != nil || v.Rejudge == nil {
		return nil, "", errMissing
	}
	if repo, err = v.sees(repo.Forge, repo.Name); err != nil {
		return nil, "", err
	}
	data := &policyData{Repo: repo}
	p := &page{Title: "Policy of " + gate.Plain(repo.Name), Here: "board", Data: data}
	if data.Recent, err = v.Rejudge.Recent(v.ctx(), repo.Forge, repo.Name, 30); err != nil {
		return nil, "", err
	}
	data.Recent = slices.DeleteFunc(data.Recent, func(d gate.DecisionRow) bool { return d.Subject.Kind == checks.KindGroup })
	if len(data.Recent) == 0 {
		return p, "policy.html", nil
	}
	data.As = &data.Recent[0]
	if err := v.inForce(data); err != nil {
		return nil, "", err
	}
	data.On = data.Recent[0].ID
	if v.r.Method == http.MethodPost {
		if err := v.play(data); err != nil {
			return nil, "", err
		}
	}
	return p, "policy.html", nil
}

// inForce shows the policies that the newest decision was made under.
func (v *visitor) inForce(x *policyData) error {
	rec, err := v.Library.Record(v.ctx(), x.As.ID)
	if err != nil || rec == nil {
		return err
	}
	var sources []policy.Source
	if json.Unmarshal(rec.Sources, &sources) != nil {
		return nil
	}
	for _, s := range sources {
		if s.Origin == policy.Repository {
			x.Text = s.Text
		}
	}
	set, err := policy.Load(sources...)
	if err != nil {
		x.Broken = err.Error()
		return nil
	}
	for _, l := range set.Layers {
		s := l.Source()
		text := policy.Render(l)
		row := layerShown{Name: s.Name, Origin: originOf(s.Origin), Commit: s.Commit, Text: text, Floor: l.Floor()}
		if s.Name == "" {
			row.Name, row.Origin = "no file", "the defaults of Sluice"
		}
		if len(text) > 24<<10 {
			row.Text, row.Cut = text[:24<<10], true
		}
		x.Layers = append(x.Layers, row)
	}
	return nil
}

// play judges once more what was recorded, with the text in place of the repository's policy. Nothing of it is kept.
func (v *visitor) play(x *policyData) error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, 4*mostPolicy)
	if err := v.r.ParseForm(); err != nil || len(v.r.PostForm.Get("text")) > mostPolicy {
		return wrong{"The policy is larger than 64 KiB. Try a shorter one, or `sluice policy replay` on the command line."}
	}
	x.Text, x.On = strings.ReplaceAll(v.r.PostForm.Get("text"), "\r\n", "\n"), v.r.PostForm.Get("on")
	if !slices.ContainsFunc(x.Recent, func(d gate.DecisionRow) bool { return d.ID == x.On }) {
		return wrong{"The decision that was chosen is none of the newest ones of this repository by now. Open the page again, and choose another."}
	}
	tried := policy.Source{Origin: policy.Given, Name: ".sluice.yml", Text: x.Text}
	if _, err := policy.Load(tried); err != nil {
		x.Problems = problemsOf(err)
		return nil
	}
	rec, err := v.Library.Record(v.ctx(), x.On)
	if err != nil || rec == nil {
		return err
	}
	j := gate.Rejudger{Swap: func(recorded []policy.Source) (out []policy.Source) {
		for _, s := range recorded {
			if s.Origin == policy.Organisation {
				out = append(out, s)
			}
		}
		return append(out, tried)
	}}
	got, err := j.Judge(*rec)
	if errors.Is(err, gate.ErrIncomplete) {
		return wrong{"The facts of that decision are not kept any more. Choose a newer one."}
	}
	if err != nil {
		return err
	}
	after := &gate.Recorded{Decision: got.After}
	x.Result = &playShown{Before: got.Before.Gate, After: got.Heading(), Was: got.Before.Open, Is: got.After.Open, Lines: differ(rec, after).Lines}
	for check, what := range got.Untold {
		x.Result.Untold = append(x.Result.Untold, check+": "+what)
	}
	slices.Sort(x.Result.Untold)
	return nil
}

func problemsOf(err error) (list []string) {
	var ps policy.Problems
	if !errors.As(err, &ps) {
		return []string{err.Error()}
	}
	for _, p := range ps[:min(len(ps), 20)] {
		list = append(list, p.String())
	}
	return list
}

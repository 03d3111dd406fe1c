package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
)

// drafts are first policies, of what `sluice init` would write, proposed as changes. The App may do that as it is: it has
// `contents: write` for changelog entries and releases. What requires the check is shown to be copied instead, for that would
// take the right to administer repositories.
type drafts struct{ *setup }

var _ dashboard.Drafts = drafts{}

// firstBranch is what the change comes from.
const firstBranch = "sluice/first-policy"

// desk is a forge that a first policy is written at.
type desk interface {
	gate.Sketcher
	gate.Librarian
	gate.Committer
}

// at is the forge, the repository as it is written about, and a look at it.
func (x drafts) at(ctx context.Context, forge, repo string) (desk, checks.Subject, *gate.Sketch, error) {
	s := checks.Subject{Forge: forge, Repo: repo}
	d, ok := x.server.live.Load().reconciler.Providers[forge].(desk)
	if !ok {
		return nil, s, nil, dashboard.Refusal{Why: "This forge is not set up yet."}
	}
	look, err := d.Sketch(ctx, gate.Repo{Forge: forge, Name: repo})
	switch {
	case errors.Is(err, gate.ErrGone):
		return nil, s, nil, dashboard.Refusal{Why: "The forge does not show Sluice this repository. Is it spelt so, and is the App installed on it (at GitHub), or the token's account a member (at GitLab)?"}
	case err != nil:
		return nil, s, nil, err
	case look.Commit == "":
		return nil, s, nil, dashboard.Refusal{Why: "Nothing was pushed to this repository yet, so there is nothing to look at. Push a first commit."}
	}
	return d, s, look, nil
}

// Draft implements dashboard.Drafts.
func (x drafts) Draft(ctx context.Context, forge, repo string) (*dashboard.Draft, error) {
	d, s, look, err := x.at(ctx, forge, repo)
	if err != nil {
		return nil, err
	}
	paths, err := d.Tree(ctx, s, repo, look.Commit)
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var unread error
	text, err := firstWords(&glance{Paths: paths, Tags: look.Tags, Text: func(path string) (string, bool) {
		texts, err := d.Texts(ctx, s, repo, look.Commit, []string{path})
		unread = errors.Join(unread, err)
		t, ok := texts[path]
		return t, ok
	}})
	if err = errors.Join(err, unread); err != nil {
		return nil, err
	}
	draft := &dashboard.Draft{Forge: forge, Repo: repo, Branch: look.Branch, Path: policy.Paths[0], Text: text, Require: x.require(forge, repo)}
	for _, p := range policy.Paths {
		if _, ok := slices.BinarySearch(paths, p); ok && draft.There == "" {
			draft.There = p
		}
	}
	if forge == "github" && look.URL != "" {
		draft.New = look.URL + "/new/" + url.PathEscape(look.Branch) + "?" + url.Values{"filename": {draft.Path}, "value": {text}}.Encode()
	}
	return draft, nil
}

// require is a ruleset that requires the gate, of this App alone, and the command that makes it.
func (x drafts) require(forge, repo string) dashboard.Require {
	if forge != "github" || strings.ContainsFunc(repo, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./", r)
	}) {
		return dashboard.Require{}
	}
	f := x.force()
	text, err := json.MarshalIndent(map[string]any{
		"name": "sluice", "target": "branch", "enforcement": "active",
		"conditions": map[string]any{"ref_name": map[string]any{"include": []string{"~DEFAULT_BRANCH"}, "exclude": []string{}}},
		"rules": []any{map[string]any{"type": "required_status_checks", "parameters": map[string]any{"strict_required_status_checks_policy": false,
			"required_status_checks": []any{map[string]any{"context": "sluice/gate", "integration_id": f.settings.GitHub.AppID}}}}},
	}, "", "  ")
	if err != nil {
		return dashboard.Require{}
	}
	host := ""
	if u, err := url.Parse(f.settings.GitHub.URL); err == nil && u.Host != "" && u.Host != "github.com" {
		host = " --hostname " + u.Host
	}
	return dashboard.Require{JSON: string(text), Command: "gh api" + host + " --method POST repos/" + repo + "/rulesets --input - <<'JSON'\n" + string(text) + "\nJSON"}
}

// Propose implements dashboard.Drafts. Doing it again makes nothing twice.
func (x drafts) Propose(ctx context.Context, by, forge, repo, text string) (*gate.Proposed, error) {
	if x.server.settings.DryRun {
		return nil, dashboard.Refusal{Why: "This is a dry run (SLUICE_DRY_RUN), which writes nothing at a forge. Make the file yourself, or start Sluice without it."}
	}
	if err := loads(text); err != nil {
		return nil, dashboard.Refusal{Why: "This is no valid policy: " + sentence(err)}
	}
	d, s, look, err := x.at(ctx, forge, repo)
	if err != nil {
		return nil, err
	}
	made, err := x.propose(ctx, d, s, look, text)
	var no *gate.RefusalError
	if errors.As(err, &no) {
		return nil, dashboard.Refusal{Why: sentence(no) + " Or make the file yourself: " + policy.Paths[0] + ", with the text below, on " + gate.Plain(look.Branch) + "."}
	}
	if err != nil {
		return nil, err
	}
	return made, x.server.store.Enter(ctx, gate.Entry{Kind: gate.EntryCommand, Forge: forge, Repo: repo, Change: made.Number, Command: "setup", Outcome: "done", Who: gate.Who{Login: by}, URL: made.URL, Reason: "A first policy was proposed."})
}

func (x drafts) propose(ctx context.Context, d desk, s checks.Subject, look *gate.Sketch, text string) (*gate.Proposed, error) {
	there, err := d.Proposed(ctx, s, firstBranch, look.Branch)
	if err != nil {
		return nil, err
	}
	if there != nil && there.State == "open" {
		return there, nil
	}
	tip, err := d.Branch(ctx, s, firstBranch)
	if err != nil {
		return nil, err
	}
	edit := gate.Edit{Repo: s.Repo, Branch: firstBranch, Expect: look.Commit, New: true, Title: "Add a first policy for Sluice", Files: map[string]string{policy.Paths[0]: text}}
	if tip != nil { // of an earlier try, or of a change that was closed
		edit.Expect, edit.New = tip.Commit, false
		had, err := d.Texts(ctx, s, s.Repo, tip.Commit, []string{policy.Paths[0]})
		if err != nil {
			return nil, err
		}
		if had[policy.Paths[0]] == text {
			edit.Files = nil
		}
	}
	if edit.Files != nil {
		if _, err := d.Commit(ctx, s, edit); err != nil {
			return nil, err
		}
	}
	return d.Propose(ctx, s, gate.Proposal{Branch: firstBranch, Base: look.Branch, Title: edit.Title,
		Body: fmt.Sprintf("This policy fits what the repository looks like now: read it, change what you want otherwise, and merge it. It is in force from then on; until then the defaults are. Every key with its default: `sluice policy check --defaults %s`.", policy.Paths[0])})
}

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shopRepository has main and, on top of it, two changes: `good` tells of itself and `bad` does not.
func shopRepository(tb testing.TB) (r *repository, base string) {
	tb.Helper()
	r = newRepository(tb)
	base = r.commit("feat: a shop", map[string]string{"CHANGELOG.md": kept, ".sluice.yml": "version: 1\nchangelog: {files: [CHANGELOG.md]}\n", "a/b/c.txt": "c\n"})
	r.tag("v1.2.0")
	r.git("checkout", "-q", "-b", "good")
	r.commit("feat: gift cards", map[string]string{"gift.go": "package shop\n", "CHANGELOG.md": keptWithEntry})
	r.git("checkout", "-q", "-b", "bad", "main")
	r.commit("feat: gift cards", map[string]string{"gift.go": "package shop\n"})
	r.git("checkout", "-q", "good")
	return r, base
}

func TestCheckCommand(t *testing.T) {
	t.Parallel()
	r, base := shopRepository(t)
	policies := writeFiles(t, map[string]string{
		"off.yml": "changelog: {mode: off}\n", "broken.yml": "version: 1\nchangelog:\n  flies: [x]\n", "typed.yml": "approval: {rules: [{name: a, count: lots}]}\n",
		"empty.yml": "", "binary.yml": "\x00\xff",
	})
	none := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		code int
		out  string // within stdout
		errs string // within stderr
	}{
		"a change that tells of itself":              {nil, 0, "open      gate", ""},
		"a change that does not":                     {[]string{"--head", "bad"}, 1, "fail      changelog          The change adds no entry to CHANGELOG.md", ""},
		"it says what to write and where":            {[]string{"--head", "bad"}, 1, `how: Add a line such as "- What this change does." below "Unreleased" (line 3 of CHANGELOG.md).`, ""},
		"it says which rule asks":                    {[]string{"--head", "bad"}, 1, "why: .sluice.yml:2 changelog", ""},
		"approval is skipped, and why":               {nil, 0, "skip      approval           A local repository has no reviews: approval is judged at the forge.", ""},
		"a base given":                               {[]string{"--base", base, "--head", "good"}, 0, "pass      changelog", ""},
		"a base by tag":                              {[]string{"--base", "v1.2.0", "--head", "bad"}, 1, "fail      changelog", ""},
		"the policy is the base's, not the change's": {[]string{"--head", "mute"}, 1, "fail      changelog", ""},
		"a policy given":                             {[]string{"--head", "bad", "--policy", filepath.Join(policies, "off.yml")}, 0, "skip      changelog          Switched off by the policy.", ""},
		"an empty policy is one of defaults":         {[]string{"--policy", filepath.Join(policies, "empty.yml")}, 0, "open      gate", ""},
		"a broken policy, with line and column":      {[]string{"--policy", filepath.Join(policies, "broken.yml")}, 2, "", `broken.yml:3:3: `},
		"a policy with a wrong type":                 {[]string{"--policy", filepath.Join(policies, "typed.yml")}, 2, "", `typed.yml:1:37: `},
		"a policy that is binary":                    {[]string{"--policy", filepath.Join(policies, "binary.yml")}, 2, "", `binary.yml:`},
		"a policy that is not there":                 {[]string{"--policy", filepath.Join(policies, "none.yml")}, 2, "", "read the policy"},
		"a revision that is not there":               {[]string{"--head", "nowhere"}, 2, "", `there is no commit "nowhere" here`},
		"a base that is not there":                   {[]string{"--base", "nowhere"}, 2, "", `there is no commit "nowhere" here`},
		"a revision like an option":                  {[]string{"--head=--upload-pack=x"}, 2, "", "is no revision"},
		"a folder in the repository":                 {[]string{"--repo", filepath.Join(r.dir, "a", "b")}, 0, "open      gate", ""},
		"no repository":                              {[]string{"--repo", none}, 2, "", "not a git repository"},
		"no folder":                                  {[]string{"--repo", filepath.Join(none, "x")}, 2, "", "no such file"},
		"a format like none":                         {[]string{"--format", "yaml"}, 2, "", "--format takes github, json, junit, sarif, text"},
		"an argument too many":                       {[]string{"HEAD"}, 2, "", "there are no other arguments"},
		"a flag like none":                           {[]string{"--hed", "x"}, 2, "", "flag provided but not defined: -hed"},
		"help":                                       {[]string{"--help"}, 0, "", "-format"},
		"as JSON":                                    {[]string{"--head", "bad", "--format", "json"}, 1, `"open": false`, ""},
		"as SARIF":                                   {[]string{"--head", "bad", "--format", "sarif"}, 1, `"ruleId": "sluice/changelog"`, ""},
		"as workflow commands":                       {[]string{"--head", "bad", "--format", "github"}, 1, "::error title=sluice/changelog::The change adds no entry", ""},
		"as JUnit":                                   {[]string{"--head", "bad", "--format", "junit"}, 1, `<testcase name="sluice/changelog" classname="sluice">`, ""},
	} {
		if name == "the policy is the base's, not the change's" {
			r.git("checkout", "-q", "-b", "mute", "bad")
			r.commit("chore: mute", map[string]string{".sluice.yml": "version: 1\nchangelog: {mode: off}\n"})
			r.git("checkout", "-q", "good")
		}
		t.Run(name, func(t *testing.T) {
			args := append([]string{"check", "--repo", r.dir}, c.args...)
			got := sluice(t, "", args...)
			if got.code != c.code || !strings.Contains(got.out, c.out) || !strings.Contains(got.errors, c.errs) || strings.Contains(got.out, "\x1b") {
				t.Errorf("sluice %q = %+v, want %d, %q and %q", args, got, c.code, c.out, c.errs)
			}
			if c.code == 2 && got.out != "" {
				t.Errorf("sluice %q wrote %q although it could not judge", args, got.out)
			}
		})
	}
}

func TestCheckOfAPolicyBrokenInTheRepository(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	base := r.commit("feat: a shop", map[string]string{".sluice.yml": "version: 1\nchangelgo: {}\n"})
	r.commit("fix: it", map[string]string{".sluice.yml": "version: 1\n"})
	got := sluice(t, "", "check", "--repo", r.dir, "--base", base)
	if got.code != exitFailed || !strings.Contains(got.errors, `.sluice.yml:2:1: unknown key "changelgo"; did you mean "changelog"?`) {
		t.Errorf("check = %+v, want 2 and file, line and column", got)
	}
}

// TestCheckInEveryKindOfClone judges the same two changes wherever a CI job or a hook may have them.
func TestCheckInEveryKindOfClone(t *testing.T) {
	t.Parallel()
	r, _ := shopRepository(t)
	r.git("config", "uploadpack.allowFilter", "true")
	r.git("config", "uploadpack.allowAnySHA1InWant", "true")
	for name, make := range map[string]func(dir string){
		"a full clone": func(dir string) { r.git("clone", "-q", "-b", "good", r.dir, dir) },
		"a shallow clone": func(dir string) {
			r.git("clone", "-q", "-b", "good", "--no-single-branch", "--depth", "2", "file://"+r.dir, dir)
		},
		"a partial clone": func(dir string) {
			r.git("clone", "-q", "-b", "good", "--filter=blob:none", "--no-checkout", "file://"+r.dir, dir)
		},
		"a treeless clone": func(dir string) {
			r.git("clone", "-q", "-b", "good", "--filter=tree:0", "--no-checkout", "file://"+r.dir, dir)
		},
		"a bare repository":  func(dir string) { r.git("clone", "-q", "-b", "good", "--bare", r.dir, dir) },
		"a mirror":           func(dir string) { r.git("clone", "-q", "--mirror", r.dir, dir) },
		"a linked work tree": func(dir string) { r.git("worktree", "add", "-q", "-b", "linked", dir, "good") },
	} {
		dir := filepath.Join(t.TempDir(), "clone")
		make(dir)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heads := map[string]int{"HEAD": exitOpen, "origin/bad": exitShut}
			if name == "a bare repository" || name == "a mirror" || name == "a linked work tree" {
				heads = map[string]int{"good": exitOpen, "bad": exitShut}
			}
			for head, want := range heads {
				if got := sluice(t, "", "check", "--repo", dir, "--head", head); got.code != want || !strings.Contains(got.out, "changelog") {
					t.Errorf("check --head %s in %s = %+v, want %d", head, name, got, want)
				}
			}
		})
	}
}

func TestCheckOfTooShallowAClone(t *testing.T) {
	t.Parallel()
	r, _ := shopRepository(t)
	dir := filepath.Join(t.TempDir(), "clone")
	r.git("clone", "-q", "-b", "good", "--depth", "1", "file://"+r.dir, dir)
	if got := sluice(t, "", "check", "--repo", dir, "--base", "v1.2.0"); got.code != exitFailed || !strings.Contains(got.errors, "shallow") {
		t.Errorf("check = %+v, want 2 and the word shallow", got)
	}
}

func TestCheckSaysTheSameTwice(t *testing.T) {
	t.Parallel()
	r, _ := shopRepository(t)
	for format := range checkFormats() {
		one, two := sluice(t, "", "check", "--repo", r.dir, "--head", "bad", "--format", format), sluice(t, "", "check", "--repo", r.dir, "--head", "bad", "--format", format)
		if one != two {
			t.Errorf("check --format %s = %+v, then %+v", format, one, two)
		}
	}
}

func TestCheckJSONNamesWhatWasJudged(t *testing.T) {
	t.Parallel()
	r, base := shopRepository(t)
	var got struct{ Repo, Base, Head string }
	if err := json.Unmarshal([]byte(sluice(t, "", "check", "--repo", r.dir, "--format", "json").out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Repo != "shop" || got.Base != base || got.Head != r.git("rev-parse", "good") {
		t.Errorf("check --format json = %+v, want shop, %s and the head of good", got, base)
	}
}

func TestCheckIsColouredOnATerminalAlone(t *testing.T) {
	t.Parallel()
	r, _ := shopRepository(t)
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	defer screen.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, c := range map[string]struct {
		out     *os.File
		environ []string
		want    bool
	}{
		"a terminal":               {screen, nil, true},
		"a terminal with NO_COLOR": {screen, []string{"NO_COLOR=1"}, false},
		"a terminal that is dumb":  {screen, []string{"TERM=dumb"}, false},
		"a file":                   {file, nil, false},
		"nowhere":                  {null, nil, false},
	} {
		p := process{stdout: c.out, environ: c.environ}
		if got := coloured(p.stdout, p.getenv); got != c.want {
			t.Errorf("coloured(%s) = %t, want %t", name, got, c.want)
		}
	}
	if code := run(t.Context(), process{args: []string{"check", "--repo", r.dir}, stdout: file, stderr: file}); code != exitOpen {
		t.Errorf("check into a file = %d, want 0", code)
	}
	if text := read(t, file.Name()); strings.Contains(text, "\x1b") || !strings.Contains(text, "open") {
		t.Errorf("check wrote %q into a file", text)
	}
}

func TestCheckEndsWhenItIsTold(t *testing.T) {
	t.Parallel()
	r, _ := shopRepository(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out strings.Builder
	if code := run(ctx, process{args: []string{"check", "--repo", r.dir}, stdout: &out, stderr: &out}); code != exitFailed {
		t.Errorf("check after Ctrl-C = %d %q, want 2", code, out.String())
	}
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runPolicy runs `sluice policy` and returns exit code and output.
func runPolicy(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = policyCommand(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// write puts files into a new folder and returns it.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPolicyCommand(t *testing.T) {
	t.Parallel()
	dir := writeFiles(t, map[string]string{
		".sluice.yml":         "version: 1\nchangelog: {mode: advise}\n",
		"bad.yml":             "version: 1\nchangelgo: {}\n",
		"sluice.yml":          "version: 1\nrequired: {changelog: {}}\n",
		".github/sluice.yml":  "required: {changelog: {}}\n",
		"good-test.yml":       "policy: .sluice.yml\ncases: [{name: a, facts: {files: [a]}, want: {changelog: advise}}]\n",
		"bad-test.yml":        "policy: {changelog: {mode: advise}}\ncases: [{name: a, facts: {files: [a]}, want: {changelog: fail}}]\n",
		"strict-test.yml":     "cases: [{name: a, facts: {change: {titel: x}}, want: {changelog: fail}}]\n",
		"key-test.yml":        "cases: [{name: a, fact: {}, want: {changelog: fail}}]\n",
		"outcome-test.yml":    "cases: [{name: a, want: {changelog: green}}]\n",
		"check-test.yml":      "cases: [{name: a, want: {changelogs: fail}}]\n",
		"astray-test.yml":     "policy: no/such.yml\ncases: [{name: a, want: {changelog: fail}}]\n",
		"bomb-test.yml":       "a: &a [x]\nb: [*a, *a]\n",
		"broken-inline.yml":   "policy: |\n  version: 1\n  changelgo: {}\ncases: [{name: a, want: {changelog: fail}}]\n",
		"empty-test.yml":      "",
		"organisation-x.yml":  "policy: {}\norganisation: {required: {changelog: {}}}\ncases: [{name: a, facts: {files: [a]}, want: {changelog: fail}}]\n",
		"without-cases-x.yml": "cases: []\n",
		"acts-key.yml":        "cases: [{name: a, acts: {override: []}, want: {changelog: fail}}]\n",
		"acts-check.yml":      "cases: [{name: a, acts: {overrides: [{by: ana}]}, want: {changelog: fail}}]\n",
		"acts-tag.yml":        "cases: [{name: a, facts: {pushed: {name: v1.0.0, commit: c}}, acts: {hold: {by: ana}}, want: {tagging: fail}}]\n",
		"recorded.yml":        "policy: {changelog: {mode: off}}\ncases: [{name: a, facts: {sources: [], subject: {forge: github, repo: a/b, kind: change, change: 1}, change: {number: 1, changed_files: 1}, files: [{path: a, status: added}]}, want: {changelog: skip, config-separation: {outcome: unknown, reason: 'Cannot be told from what was recorded: the changed lines of a'}, gate: unknown}}]\n",
	})
	for name, c := range map[string]struct {
		args  []string
		stdin string
		code  int
		out   string
	}{
		"a valid policy":                       {[]string{"check", ".sluice.yml"}, "", 0, ".sluice.yml: valid"},
		"a broken policy":                      {[]string{"check", "bad.yml"}, "", 1, `bad.yml:2:1: unknown key "changelgo"; did you mean "changelog"?`},
		"several":                              {[]string{"check", ".sluice.yml", "bad.yml"}, "", 1, "valid"},
		"standard input":                       {[]string{"check", "-"}, "tagging: {bump: x}", 1, "stdin:1:17: tagging.bump must be inferred or declared"},
		"a file that is not there":             {[]string{"check", "none.yml"}, "", 2, "none.yml"},
		"an organisation's policy":             {[]string{"check", "sluice.yml"}, "", 0, "valid"},
		"a floor in a repository's":            {[]string{"check", ".github/sluice.yml"}, "", 1, "belongs to the organisation's policy"},
		"a floor in what is called one":        {[]string{"check", "--organisation", ".github/sluice.yml"}, "", 0, "valid"},
		"defaults":                             {[]string{"check", "--defaults"}, "", 0, "scheme: semver # default"},
		"defaults with a policy":               {[]string{"check", ".sluice.yml", "--defaults"}, "", 0, ".sluice.yml:2\n"},
		"a flag like none":                     {[]string{"check", "--default"}, "", 2, `did you mean "--defaults"?`},
		"the schema":                           {[]string{"schema"}, "", 0, `"$schema": "http://json-schema.org/draft-07/schema#"`},
		"nothing":                              {nil, "", 2, "usage"},
		"help":                                 {[]string{"--help"}, "", 0, "usage"},
		"a word like none":                     {[]string{"chek"}, "", 2, `did you mean "check"?`},
		"a test that holds":                    {[]string{"test", "good-test.yml"}, "", 0, "1 of 1 cases hold."},
		"a test that does not":                 {[]string{"test", "bad-test.yml"}, "", 1, "changelog: got advise"},
		"a test with a misspelt fact":          {[]string{"test", "strict-test.yml"}, "", 1, `strict-test.yml:1:26: the facts of the case: unknown field "titel"`},
		"a test with a misspelt key":           {[]string{"test", "key-test.yml"}, "", 1, `unknown key "fact", did you mean "facts"?`},
		"a test with an outcome like none":     {[]string{"test", "outcome-test.yml"}, "", 1, `outcome "green" is none of`},
		"a test of a check like none":          {[]string{"test", "check-test.yml"}, "", 1, "there is no such check here"},
		"a test with aliases":                  {[]string{"test", "bomb-test.yml"}, "", 1, "not allowed here"},
		"a test with a broken policy inside":   {[]string{"test", "broken-inline.yml"}, "", 1, "broken-inline.yml:3:1: unknown key"},
		"an empty test":                        {[]string{"test", "empty-test.yml"}, "", 1, "empty"},
		"a test with an organisation's policy": {[]string{"test", "organisation-x.yml"}, "", 0, "1 of 1"},
		"a test without cases":                 {[]string{"test", "without-cases-x.yml"}, "", 1, "0 of 0"},
		"a test of a policy that is not there": {[]string{"test", "astray-test.yml"}, "", 1, "counts from the folder of this test"},
		"a test of nothing":                    {[]string{"test"}, "", 2, "sluice policy: test wants at least one FILE"},
		"a test with a flag":                   {[]string{"test", "--fast", "good-test.yml"}, "", 2, "sluice policy: test has no flag --fast"},
		"a schema of something":                {[]string{"schema", "x"}, "", 2, `schema takes no arguments, and was given "x"`},
		"a policy that is not there":           {[]string{"check", "none.yml"}, "", 2, "give the path of one from there, or - for standard input"},
		"a test that is not there":             {[]string{"test", "none.yml"}, "", 2, "sluice policy: there is no file "},
		"the ordinary test in this repository": {[]string{"test", "ORDINARY"}, "", 0, "cases hold."},
		"the test of overrides in it":          {[]string{"test", "OVERRIDES"}, "", 0, "5 of 5 cases hold."},
		"acts like none":                       {[]string{"test", "acts-key.yml"}, "", 1, `the acts of the case: unknown field "override"`},
		"an override of nothing":               {[]string{"test", "acts-check.yml"}, "", 1, "needs the check"},
		"acts on a tag":                        {[]string{"test", "acts-tag.yml"}, "", 1, "people override and hold changes"},
		"recorded facts that are silent":       {[]string{"test", "recorded.yml"}, "", 0, "1 of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{}
			for _, a := range c.args {
				if strings.HasSuffix(a, ".yml") {
					a = filepath.Join(dir, a)
				} else if a == "ORDINARY" {
					a = "../../testdata/policy/ordinary.yml"
				} else if a == "OVERRIDES" {
					a = "../../testdata/policy/overrides.yml"
				}
				args = append(args, a)
			}
			code, stdout, stderr := runPolicy(t, c.stdin, args...)
			if code != c.code || !strings.Contains(stdout+stderr, c.out) {
				t.Errorf("sluice policy %s: exit %d, output\n%s%s\nwant exit %d and %q", strings.Join(c.args, " "), code, stdout, stderr, c.code, c.out)
			}
		})
	}
}

// TestPolicyDocumentation runs the example of docs/policy-tests.md against a policy that it would fit.
func TestPolicyDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/policy-tests.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	dir := writeFiles(t, map[string]string{
		".sluice.yml":       "approval: {rules: [{name: peer review}, {name: database, when: {paths: ['migrations/**']}, from: {teams: [acme/dba]}}]}",
		"tests/example.yml": example,
	})
	if code, stdout, stderr := runPolicy(t, "", "test", filepath.Join(dir, "tests/example.yml")); code != 0 {
		t.Errorf("the example of docs/policy-tests.md: exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestPolicyImport(t *testing.T) {
	t.Parallel()
	const fine = "policy: {approval: [r]}\napproval_rules:\n- name: r\n  requires: {count: 1, teams: [acme/shop]}\n"
	dir := writeFiles(t, map[string]string{
		".policy.yml": fine, "strict.yml": strings.Replace(fine, "  requires", "  options: {ignore_update_merges: true}\n  requires", 1),
		"partly.yml": strings.Replace(fine, "acme/shop", "acme/shop], conditions: {is_tuesday: true}, users: [ana", 1),
		"remote.yml": "remote: acme/policies\n", "broken.yml": "a: [", "there.yml": "version: 1\n",
	})
	for name, c := range map[string]struct {
		args     []string
		stdin    string
		code     int
		out, err string
	}{
		"a policy":                            {[]string{"policy-bot", ".policy.yml"}, "", 0, "from: {teams: [acme/shop]}", ""},
		"standard input":                      {[]string{"policy-bot", "-"}, fine, 0, "# stdin:3", ""},
		"a construct written stricter":        {[]string{"policy-bot", "strict.yml"}, "", 0, "count: 1", "strict.yml:4:13: options.ignore_update_merges has no counterpart; written instead: "},
		"a construct not written":             {[]string{"policy-bot", "partly.yml"}, "", 1, "nobody can meet this", "requires.conditions.is_tuesday is not known"},
		"a policy that nothing passes":        {[]string{"policy-bot", "-"}, "policy: {approval: [], disapproval: {requires: {users: [ana]}, options: {methods: {revoke: {comments: [a]}}}}}", 1, "nobody can meet this", "stdin: no change can pass the policy that was written, until you mend"},
		"a policy elsewhere":                  {[]string{"policy-bot", "remote.yml"}, "", 1, "", "remote.yml:1:1: the policy stands in another repository (acme/policies)"},
		"no policy":                           {[]string{"policy-bot", "broken.yml"}, "", 2, "", "this is not a policy of policy-bot"},
		"a file that is not there":            {[]string{"policy-bot", "none.yml"}, "", 2, "", "none.yml"},
		"a file that is there already":        {[]string{"policy-bot", ".policy.yml", "--output", "there.yml"}, "", 2, "", "there.yml: file exists"},
		"another bot":                         {[]string{"policy-bto", ".policy.yml"}, "", 2, "", `did you mean "policy-bot"?`},
		"no file":                             {[]string{"policy-bot"}, "", 2, "", "wants one FILE"},
		"no output":                           {[]string{"policy-bot", ".policy.yml", "--output"}, "", 2, "", "--output wants a path"},
		"a flag like none":                    {[]string{"policy-bot", ".policy.yml", "--force"}, "", 2, "", "import has no flag --force"},
		"nothing":                             {nil, "", 2, "", "sluice policy: import wants to be told what to import"},
		"a file that is not there, at length": {[]string{"policy-bot", "none.yml"}, "", 2, "", "there is no file "},
		"help":                                {[]string{"--help"}, "", 0, "usage", ""},
	} {
		args := []string{"import"}
		for _, a := range c.args {
			if strings.HasSuffix(a, ".yml") {
				a = filepath.Join(dir, a)
			}
			args = append(args, a)
		}
		code, out, errs := runPolicy(t, c.stdin, args...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.err) {
			t.Errorf("%s: sluice policy %v = %d\n%s\n%s\nwant %d, %q and %q", name, args, code, out, errs, c.code, c.out, c.err)
		}
	}
	written := filepath.Join(dir, "written.yml")
	if code, out, errs := runPolicy(t, "", "import", "policy-bot", filepath.Join(dir, ".policy.yml"), "--output="+written); code != 0 || out+errs != "" {
		t.Errorf("import with --output = %d, %q, %q, want 0 and silence", code, out, errs)
	}
	if code, out, _ := runPolicy(t, "", "check", written); code != 0 {
		t.Errorf("check of what was written = %d, %s", code, out)
	}
}

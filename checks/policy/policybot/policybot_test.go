package policybot_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/policy/policybot"
)

var update = flag.Bool("update", false, "write the golden files anew")

// imported is what came of a text, with its notes as the command shows them.
func imported(t *testing.T, text string) (string, policybot.Result) {
	t.Helper()
	r, err := policybot.Import(".policy.yml", text)
	if err != nil {
		t.Fatalf("Import(%s) = %v, want nil", text, err)
	}
	var notes strings.Builder
	for _, n := range r.Notes {
		fmt.Fprintf(&notes, "%d:%d %s; written instead: %s\n", n.Line, n.Column, n.What, n.Instead)
	}
	return notes.String(), r
}

// ruleWith is a policy of one rule, whose keys are given in lines.
func ruleWith(lines string) string {
	return "policy: {approval: [r]}\napproval_rules:\n- name: r\n  " + strings.ReplaceAll(lines, "\n", "\n  ") + "\n"
}

func TestConstructs(t *testing.T) {
	t.Parallel()
	some := "requires: {count: 1, users: [ana]}\n"
	for name, c := range map[string]struct {
		text string
		want string // part of the policy written
		note string // part of the notes; "" none
	}{
		"a rule of no requirements":        {ruleWith("description: none"), "automatic: true", ""},
		"an approval by a user":            {ruleWith(some), "count: 1\n      from: {users: [ana]}\n", ""},
		"by teams and organisations":       {ruleWith("requires: {count: 2, teams: [acme/a], organizations: [acme]}"), "count: 2\n      from: {teams: [acme/a], organizations: [acme]}", ""},
		"by the lowest of some rights":     {ruleWith("requires: {count: 1, permissions: [admin, triage, write]}"), "from: {permission: triage}", ""},
		"by the older names of rights":     {ruleWith("requires: {count: 1, admins: true, write_collaborators: true}"), "from: {permission: write}", ""},
		"by owners of code":                {ruleWith("requires: {count: 3, codeowners: true, teams: [acme/a]}"), "count: 1\n      from: {codeowners: true}", "where nobody owns what is touched"},
		"by an app":                        {ruleWith(`requires: {count: 1, users: ["x[bot]"]}`), "from: {users: ['x[bot]']}", "Sluice never counts an approval by an app"},
		"by nobody":                        {ruleWith("requires: {count: 1}"), "nobody can meet this", "names nobody who could give one"},
		"by too many":                      {ruleWith("requires: {count: 101, users: [ana]}"), "nobody can meet this", "more than the 100"},
		"by people and no count":           {ruleWith("requires: {users: [ana]}"), "automatic: true", "no count above 0"},
		"by a right like none":             {ruleWith("requires: {count: 1, users: [ana], permissions: [owner]}"), "from: {users: [ana]}", `whom Sluice cannot name: permissions: ["owner"]`},
		"old approvals and comments count": {ruleWith(some), "stale: never\n      comments: [':\\+1:', '👍']", ""},
		"old approvals do not":             {ruleWith(some + "options: {invalidate_on_push: true, methods: {comments: []}}"), "from: {users: [ana]}\n  satisfy", ""},
		"comments do not, then":            {ruleWith(some + "options: {invalidate_on_push: true}"), "from: {users: [ana]}\n  satisfy", "a comment does not tell which commit it is about"},
		"comments alone, then":             {ruleWith(some + "options: {invalidate_on_push: true, methods: {github_review: false}}"), "nobody can meet this", "no means of approval is left"},
		"the author":                       {ruleWith(some + "options: {allow_author: true}"), "exclude: [other-contributors]", ""},
		"contributors":                     {ruleWith(some + "options: {allow_contributor: true}"), "exclude: []", ""},
		"contributors but the author":      {ruleWith(some + "options: {allow_non_author_contributor: true}"), "exclude: [author]", ""},
		"the author and contributors":      {ruleWith(some + "options: {allow_author: true, allow_non_author_contributor: true}"), "exclude: []", ""},
		"unedited comments":                {ruleWith(some + "options: {ignore_edited_comments: true}"), "reviews: unedited", ""},
		"defaults of all rules":            {"approval_defaults: {options: {allow_contributor: true, methods: {comments: [ok]}}}\n" + ruleWith(some+"options: {ignore_edited_comments: true}"), "exclude: []\n      stale: never\n      reviews: unedited\n      comments: [ok]", ""},
		"a default that a rule overrides":  {"approval_defaults: {options: {allow_contributor: true}}\n" + ruleWith(some+"options: {allow_contributor: false}"), "from: {users: [ana]}\n      stale", ""},
		"merges of the target branch":      {ruleWith(some + "options: {ignore_update_merges: true}"), "", "options.ignore_update_merges has no counterpart"},
		"commits by some":                  {ruleWith(some + "options: {ignore_commits_by: {users: [x]}}"), "", "options.ignore_commits_by has no counterpart"},
		"whom to ask":                      {ruleWith(some + "options: {request_review: {enabled: true}}"), "count: 1", ""},
		"an option like none":              {ruleWith(some + "options: {allow_everybody: true}"), "nobody can meet this", "options.allow_everybody is not known"},
		"comments that match":              {ruleWith(some + "options: {methods: {comments: [], comment_patterns: ['^ok$']}}"), "comments: ['^ok$']", ""},
		"an empty comment":                 {ruleWith(some + "options: {methods: {comments: ['']}}"), "comments: ['^']", ""},
		"comments alone":                   {ruleWith(some + "options: {methods: {github_review: false}}"), "reviews: none", ""},
		"reviews of some words":            {ruleWith(some + "options: {methods: {github_review: false, github_review_comment_patterns: ['(?i)ok']}}"), "review-text: ['(?i)ok']", ""},
		"descriptions":                     {ruleWith(some + "options: {methods: {body_patterns: [x]}}"), "", "body_patterns has no counterpart"},
		"a pattern that is none":           {ruleWith(some + "options: {methods: {comment_patterns: ['(']}}"), "", "comment_patterns is not understood"},
		"no means at all":                  {ruleWith(some + "options: {methods: {comments: [], github_review: false}}"), "nobody can meet this", "no means of approval is left"},
		"paths":                            {ruleWith("if: {changed_files: {paths: ['^a/'], ignore: ['^a/b', c]}}"), `touched.exists(p, p.matches("^a/") && !p.matches("(?:^a/b)|(?:c)"))`, ""},
		"paths that must not be":           {ruleWith("if: {no_changed_files: {paths: ['^a/']}}"), `!(touched.exists(p, p.matches("^a/")))`, ""},
		"no paths":                         {ruleWith("if: {changed_files: {ignore: [a]}}"), `expression: "false"`, "changed_files names no paths"},
		"paths alone":                      {ruleWith(`if: {only_changed_files: {paths: ['\.md$']}}`), `size(touched) > 0 && touched.all(p, p.matches(r"\.md$"))`, ""},
		"globs":                            {ruleWith("if: {changed_files: {globs: ['*.md']}}\n" + some), "demand: true", `if.changed_files cannot be carried over as it is written: globs: ["*.md"] has no counterpart`},
		"a path pattern that is none":      {ruleWith("if: {changed_files: {paths: ['*.md']}}\n" + some), "demand: true", `paths: "*.md" is no regular expression`},
		"files added":                      {ruleWith("if: {file_added: {paths: [a]}}"), `files.exists(f, f.status in ["added", "renamed"] && f.path.matches("a"))`, ""},
		"files not deleted":                {ruleWith("if: {file_not_deleted: {paths: [a]}}"), `!(files.exists(f, f.status == "removed" && f.path.matches("a") || f.status == "renamed" && f.old.matches("a")))`, ""},
		"authors":                          {ruleWith("if: {has_author_in: {users: [ana], teams: [acme/a]}}"), "authors: {users: [ana], teams: [acme/a]}", ""},
		"authors who are nobody":           {ruleWith("if: {has_author_in: {}}"), `expression: "false"`, ""},
		"contributors as a condition":      {ruleWith("if: {has_contributor_in: {organizations: [acme]}}"), "contributors: {organizations: [acme]}", ""},
		"contributors alone":               {ruleWith("if: {only_has_contributors_in: {users: [ana]}}"), "only-contributors: {users: [ana]}", ""},
		"the author alone":                 {ruleWith("if: {author_is_only_contributor: true}"), "commits.all(c, c.author == change.author", ""},
		"not the author alone":             {ruleWith("if: {author_is_only_contributor: false}"), "!(!change.bot && commits.all(", ""},
		"the target branch":                {ruleWith("if: {targets_branch: {pattern: ^main$}}"), `change.base.matches("^main$")`, ""},
		"the source branch":                {ruleWith("if: {from_branch: {pattern: ^x$}}"), `change.source.matches("^x$")`, ""},
		"lines":                            {ruleWith("if: {modified_lines: {additions: '> 100', deletions: '>5', total: '= 7'}}"), "change.additions > 100 || change.deletions > 5 || change.additions + change.deletions == 7", ""},
		"lines of some files":              {ruleWith("if: {modified_lines: {total: '> 1', files: {include: [a]}}}\n" + some), "demand: true", "files: {include: …} has no counterpart"},
		"statuses":                         {ruleWith("if: {has_status: {conclusions: [success, skipped], statuses: [a]}}"), `statuses.exists(s, s.name == "a" && s.state in ["success", "skipped"])`, ""},
		"statuses, the older way":          {ruleWith("if: {has_successful_status: [a, b]}"), `s.name == "b" && s.state in ["success"]`, ""},
		"workflows":                        {ruleWith("if: {has_workflow_result: {workflows: [a]}}\n" + some), "demand: true", "if.has_workflow_result has no counterpart"},
		"labels":                           {ruleWith("if: {has_labels: [Hot, 'a.b']}"), `change.labels.exists(l, l.matches("(?i)^Hot$")) && change.labels.exists(l, l.matches(r"(?i)^a\.b$"))`, ""},
		"no labels":                        {ruleWith("if: {has_labels: []}\n" + some), "- name: r\n      count: 1", ""},
		"the repository":                   {ruleWith("if: {repository: {matches: [a]}}"), `repository.name.matches("a")`, ""},
		"titles":                           {ruleWith("if: {title: {matches: [a], not_matches: [b, c]}}"), `change.title.matches("a") || !change.title.matches("(?:b)|(?:c)")`, ""},
		"signatures":                       {ruleWith("if: {has_valid_signatures: true}"), "commits.all(c, c.signed)", ""},
		"signatures that must not be":      {ruleWith("if: {has_valid_signatures: false}"), "!(commits.all(c, c.signed))", ""},
		"signatures by users":              {ruleWith("if: {has_valid_signatures_by: {users: [ana]}}"), `commits.all(c, c.signed && c.signer in ["ana"])`, ""},
		"signatures by teams":              {ruleWith("if: {has_valid_signatures_by: {teams: [a/b]}}\n" + some), "demand: true", "{teams: …} names more than users"},
		"signatures by keys":               {ruleWith("if: {has_valid_signatures_by_keys: {key_ids: [AB]}}"), `c.signing_key in ["AB"]`, ""},
		"custom properties":                {ruleWith("if: {custom_property_matches_any_of: {a: [b]}}\n" + some), "demand: true", "custom_property_matches_any_of has no counterpart"},
		"lines that are none":              {ruleWith("if: {modified_lines: {total: many}}\n" + some), "demand: true", `total: "many" is no comparison`},
		"a truth that is none":             {ruleWith("if: {has_valid_signatures: maybe}\n" + some), "demand: true", `has_valid_signatures cannot be carried over as it is written: "maybe" is not what policy-bot takes there`},
		"people of a key like none":        {ruleWith("if: {has_author_in: {team: [a/b]}}\n" + some), "demand: true", `team: ["a/b"] names nobody`},
		"a team that is none":              {ruleWith("requires: {count: 1, users: [ana], teams: [dba]}"), "from: {users: [ana]}", `cannot name: teams: "dba"`},
		"a predicate of tomorrow":          {ruleWith("if: {is_tuesday: true}\n" + some), "demand: true", "if.is_tuesday is not known"},
		"conditions":                       {ruleWith("requires: {conditions: {has_author_in: {users: [ana]}, has_labels: [x]}}"), "needs:\n        authors: {users: [ana]}\n        expression: ", ""},
		"conditions without counterpart":   {ruleWith("requires: {conditions: {has_workflow_result: {workflows: [a]}}}"), "nobody can meet this", "requires.conditions.has_workflow_result has no counterpart"},
		"a condition too long":             {ruleWith("if: {has_labels: [" + strings.Repeat("label,", 100) + "x]}\n" + some), "demand: true", "too long for one expression"},
		"a key of a rule like none":        {ruleWith(some + "when: x"), "nobody can meet this", `"when" is no key of a rule`},
		"a name that Sluice refuses":       {"policy: {approval: [\"a\\tb \"]}\napproval_rules: [{name: \"a\\tb \"}]", "- name: a b\n", ""},
		"a name that YAML would misread":   {"policy: {approval: ['yes']}\napproval_rules: [{name: 'yes'}]", `- name: "yes"`, ""},
		"names that come to the same":      {"policy: {approval: [\"a\\tb\", a b]}\napproval_rules: [{name: \"a\\tb\"}, {name: a b}]", "- a b\n      - 'a b (2)'\n", ""},
		"two rules of one name":            {"policy: {approval: [r]}\napproval_rules: [{name: r}, {name: r, requires: {count: 1, users: [ana]}}]", "from: {users: [ana]}", `there is a rule "r" already`},
		"a rule that is not named":         {"policy: {approval: [r]}\napproval_rules: [{name: r}, {name: s, if: {is_tuesday: true}}]", "- name: r", `does not name the rule "s"`},
		"a rule that is not there":         {"policy: {approval: [s]}\napproval_rules: [{name: r}]", "nobody can meet this", `there is no rule "s"`},
		"nothing asked for":                {"policy: {}\napproval_rules: []", "rules: []", "asks for nothing"},
		"or and and, nested":               {"policy: {approval: [{or: [a, {and: [b, {and: [c]}]}, {or: [d]}]}]}\napproval_rules: [{name: a}, {name: b}, {name: c}, {name: d}]", "- any:\n          - a\n          - all:\n              - b\n              - c\n          - d\n", ""},
		"an or of nothing":                 {"policy: {approval: [{or: []}]}", "nobody can meet this", "wants a list with something in it"},
		"a conjunction like none":          {"policy: {approval: [{xor: [a]}]}\napproval_rules: [{name: a}]", "nobody can meet this", "or: or and:"},
		"all of it skipped":                {ruleWith(some), "unmatched: wait", ""},
		"disapproval":                      {ruleWith(some) + "policy2: x\n", "nobody can meet this", `"policy2" is not understood`},
		"aliases and merges":               {"policy: {approval: [a, b]}\napproval_rules:\n- &a\n  name: a\n  requires: &r {count: 1, users: [ana]}\n- <<: *a\n  name: b\n", "- name: b\n      count: 1\n      from: {users: [ana]}", ""},
	} {
		notes, r := imported(t, c.text)
		if !strings.Contains(r.Policy, c.want) {
			t.Errorf("%s: Import writes\n%s\nwant in it\n%s", name, r.Policy, c.want)
		}
		if !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
			t.Errorf("%s: Import notes %q, want %q", name, notes, c.note)
		}
		if refused := strings.Contains(r.Policy, "nobody can meet this"); refused == r.Whole() {
			t.Errorf("%s: Whole() = %v, and a rule that nobody can meet is written: %v", name, r.Whole(), refused)
		}
	}
}

func TestDisapproval(t *testing.T) {
	t.Parallel()
	open := "policy:\n  approval: []\n  disapproval: "
	for name, c := range map[string]struct{ text, want, note string }{
		"people":                           {"{requires: {teams: [acme/a]}}", "from: {teams: [acme/a]}\n    comments: [':-1:', '👎']\n    withdrawn: [':\\+1:', '👍']", "revoke the disapproval of another"},
		"nobody":                           {"{requires: {}}", "rules: []", ""},
		"methods":                          {"{requires: {users: [ana]}, options: {methods: {disapprove: {comment_patterns: [no]}, revoke: {comments: [yes], github_review: true}}}}", "comments: [\"no\"]\n    withdrawn: [\"yes\"]", ""},
		"methods that a review cannot end": {"{requires: {users: [ana]}, options: {methods: {revoke: {comments: [a]}}}}", "nobody can meet this", "withdraws what its giver objected, so add github_review: true beside comments: …; written instead: a rule that nobody can meet and that every change needs: no change can pass until you mend this"},
		"descriptions":                     {"{requires: {users: [ana]}, options: {methods: {disapprove: {body_patterns: [no]}}}}", "authors: {users: [ana]}\n        expression: 'change.body.matches(\"no\")'", ""},
		"predicates":                       {"{if: {title: {matches: [WIP]}}}", "- name: disapproved by title\n      when:\n        expression: 'change.title.matches(\"WIP\")'\n      needs: {expression: \"false\"}", ""},
		"predicates on people":             {"{if: {has_author_in: {users: [ana]}}}", "when:\n        authors: {users: [ana]}\n      needs: {expression: \"false\"}", ""},
		"predicates without counterpart":   {"{if: {custom_property_is_null: [a]}}", "- name: not carried over", "policy.disapproval.if.custom_property_is_null has no counterpart"},
		"people like none":                 {"{requires: {organization: [a]}}", "nobody can meet this", `names people whom Sluice cannot name: organization: ["a"]`},
		"a key like none":                  {"{requires: {users: [ana]}, when: x}", "nobody can meet this", "policy.disapproval.when is not understood"},
	} {
		notes, r := imported(t, open+c.text+"\n")
		if !strings.Contains(r.Policy, c.want) || !strings.Contains(notes, c.note) {
			t.Errorf("%s: Import writes\n%s\nwith notes %s\nwant %s and %s", name, r.Policy, notes, c.want, c.note)
		}
		if strings.Contains(r.Policy, "unmatched") {
			t.Errorf("%s: what policy-bot approves without a rule has to match one", name)
		}
	}
}

func TestAPolicyThatNothingPassesIsSaidToBeOne(t *testing.T) {
	t.Parallel()
	some := "\n  requires: {count: 1, users: [ana]}\n"
	never := "- name: n\n  requires: {count: 1}\n"
	for name, c := range map[string]struct {
		text   string
		closed bool
	}{
		"one that can be met":                {ruleWith(strings.TrimSpace(some)), false},
		"one that cannot, and another":       {"policy: {approval: [n, r]}\napproval_rules:\n" + never + "- name: r" + some, true},
		"one that cannot, or another":        {"policy: {approval: [{or: [n, r]}]}\napproval_rules:\n" + never + "- name: r" + some, false},
		"two that cannot, either":            {"policy: {approval: [{or: [n, s]}]}\napproval_rules:\n" + never, true},
		"one that cannot, for some changes":  {ruleWith("if: {has_labels: [x]}\nrequires: {count: 1}"), false},
		"a revocation without reviews":       {"policy: {approval: [], disapproval: {requires: {users: [ana]}, options: {methods: {revoke: {comments: [a]}}}}}", true},
		"a revocation with them":             {"policy: {approval: [], disapproval: {requires: {users: [ana]}, options: {methods: {revoke: {comments: [a], github_review: true}}}}}", false},
		"a disapproval of some changes":      {"policy: {approval: [], disapproval: {if: {title: {matches: [WIP]}}}}", false},
		"a disapproval that is not known of": {"policy: {approval: [], disapproval: {if: {is_tuesday: true}}}", true},
	} {
		if notes, r := imported(t, c.text); r.Closed != c.closed {
			t.Errorf("%s: Closed = %v, want %v; %s", name, r.Closed, c.closed, notes)
		}
	}
}

func TestWhatCannotBeImported(t *testing.T) {
	t.Parallel()
	bomb := "a: &a {or: [x, x, x, x, x, x, x, x, x, x]}\n"
	for i := range 8 {
		bomb += fmt.Sprintf("%c: &%c {or: [%s]}\n", 'b'+i, 'b'+i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", 'a'+i), 10), ", "))
	}
	for name, text := range map[string]string{
		"nothing": "", "a list": "[a]", "a word": "a", "something else": "server: {port: 1}", "no YAML": "a: [", "two documents": "a: 1\n---\nb: 1\n", "not UTF-8": "a: \xff",
		"too large": strings.Repeat("# x\n", 1<<19), "too many aliases": bomb + "policy: {approval: [*i]}\n",
	} {
		if r, err := policybot.Import("p", text); !errors.Is(err, policybot.ErrUnreadable) || r.Policy != "" {
			t.Errorf("Import(%s) = %.100q, %v, want ErrUnreadable", name, r.Policy, err)
		}
	}
	notes, r := imported(t, "remote: acme/policies\npath: p.yml\nref: main\n")
	if r.Policy != "" || r.Whole() || !strings.Contains(notes, "1:1 the policy stands in another repository (acme/policies, p.yml, at main)") {
		t.Errorf("Import(a policy that stands elsewhere) = %q, whole %v, %s", r.Policy, r.Whole(), notes)
	}
}

// TestGolden imports whole policies. Each becomes the file beside it, its notes at the end.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no policies: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		notes, r := imported(t, string(text))
		got, golden := r.Policy+"---\n"+notes, strings.TrimSuffix(file, ".yml")+".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(golden); err != nil || string(want) != got {
			t.Errorf("Import(%s) = %v\n%s\nwant\n%s", file, err, got, want)
		}
		if again, _ := policybot.Import(".policy.yml", string(text)); again.Policy != r.Policy || len(again.Notes) != len(r.Notes) {
			t.Errorf("Import(%s) is not the same twice", file)
		}
	}
}

func FuzzImport(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, text := range []string{
		"policy: {approval: [a]}\napproval_rules: [{name: a, if: {title: {matches: ['\"\\\\']}}}]", "a: &a [*a]", "policy: {approval: [&a {or: [*a]}]}",
		"policy: {approval: [a]}\napproval_rules: [{name: a, requires: {count: 1, users: ['@', \"\\u2028\"]}, options: {methods: {comments: [\"\\x00\"]}}}]",
		"<<: {policy: 1}", "policy: {<<: [{approval: [x]}]}", "remote: [a]", "approval_rules: [1]\npolicy: {approval: [1, true, ~]}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := policybot.Import("p", text)
		if err != nil {
			if !errors.Is(err, policybot.ErrUnreadable) {
				t.Errorf("Import = %v, want ErrUnreadable", err)
			}
			return
		}
		if r.Policy == "" {
			if r.Whole() {
				t.Error("nothing is written, and nothing said to be missing")
			}
			return
		}
		if _, err := policy.Load(policy.Source{Origin: policy.Given, Name: "p", Text: r.Policy}); err != nil {
			t.Errorf("Load(what was written) = %v\n%s", err, r.Policy)
		}
		for _, n := range r.Notes {
			if n.Line < 1 || n.Column < 1 || n.What == "" || n.Instead == "" || strings.ContainsAny(n.What+n.Instead, "\n\r") {
				t.Errorf("note %+v", n)
			}
		}
	})
}

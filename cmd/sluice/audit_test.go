package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // to write past the store, as somebody who has the file would

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store"
)

// audited is a running server's store with seven entries, and a way to run commands beside it.
type audited struct {
	*store.Store
	path string
	dir  string
}

func newAudited(t *testing.T) *audited {
	t.Helper()
	dir := t.TempDir()
	a := &audited{dir: dir, path: filepath.Join(dir, "sluice.db")}
	clock := time.Now().Add(-35 * 24 * time.Hour)
	var err error
	a.Store, err = store.Open(context.Background(), store.Options{URL: "sqlite:" + a.path, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	override := func(who int64, login, repo, check, outcome, url string) gate.Entry {
		return gate.Entry{Kind: gate.EntryOverride, Forge: "github", Repo: repo, Change: 7, Commit: "c1c1c1c1c1", Who: gate.Who{ID: who, Login: login}, Check: check, Outcome: outcome,
			Reason: "the pager\u202e \x1b[31mrang", URL: url}
	}
	refused := override(3, "Cy", "acme/shop", "tagging", "refused", "https://x/4")
	refused.Kind, refused.Command = gate.EntryCommand, "override"
	for _, e := range []gate.Entry{
		{Kind: gate.EntryDecision, Forge: "github", Repo: "acme/shop", Change: 7, Outcome: "shut", Reason: "changelog fails"},
		override(1, "Ana", "acme/shop", "changelog", "granted", "https://x/1"),
		override(2, "bo", "acme/other", "approval", "granted", "https://x/2"),
		override(1, "Ana", "acme/shop", "changelog", "ended", "https://x/1"),
		override(1, "ana-b", "acme/shop", "approval", "granted", "https://x/3"),
		refused,
		{Kind: gate.EntryFinding, Forge: "github", Repo: "acme/shop", Change: 8, Reason: "merged while the gate was shut"},
	} {
		clock = clock.Add(5 * 24 * time.Hour) // the last is of now
		if err := a.Enter(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// run runs a whole command line; stdin is what is handed in.
func (a *audited) run(stdin, line string, more ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), process{append(strings.Fields(line), more...), []string{"SLUICE_DATABASE=sqlite:" + a.path}, strings.NewReader(stdin), &out, &errs})
	return code, out.String(), errs.String()
}

// tamper writes past the store.
func (a *audited) tamper(t *testing.T, texts ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", a.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range append([]string{"DROP TRIGGER IF EXISTS audit_update", "DROP TRIGGER IF EXISTS audit_delete", "DROP TRIGGER IF EXISTS audit_insert"}, texts...) {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheAuditLogIsListedBesideARunningServer(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	for _, c := range []struct {
		args      string
		code      int
		out, errs string
		lines     int // of standard output; 0: not counted
	}{
		{"audit list", 0, "merged while the gate was shut", "", 8},
		{"audit list", 0, "acme/shop#7@c1c1c1c1", "", 8},
		{"audit list --kind override", 0, "the pager [31mrang", "", 5},
		{"audit list --who ANA", 0, "granted", "", 3},
		{"audit list --who 1", 0, "ana-b", "", 4},
		{"audit list --repo Acme/Other --check sluice/approval", 0, "bo", "", 2},
		{"audit list --check tagging --kind command", 0, "override refused", "", 2},
		{"audit list --since 7d", 0, "Cy", "", 3},
		{"audit list --since 2020-01-01 --until 2020-12-31", 0, "No entries.", "", 1},
		{"audit list --until " + time.Now().UTC().Format(time.DateOnly), 0, "merged", "", 8},
		{"audit list --newest 2", 0, "override refused", "", 3},
		{"audit list --kind overide", 2, "", `did you mean "override"?`, 0},
		{"audit list --since yesterday", 2, "", "want a time ago", 0},
		{"audit list extra", 2, "", "list takes options alone", 0},
		{"audit lst", 2, "", `did you mean "list"?`, 0},
		{"audit", 2, "", "usage", 0},
		{"audit --help", 0, "usage", "", 0},
		{"report overrides", 0, "ana-b   2        1", "", 4},
		{"report overrides --by repo", 0, "acme/shop   2        1     0        0        0        1      1", "", 3},
		{"report overrides --by check", 0, "changelog  1        0     0        0        0        1      0", "", 4},
		{"report overrides --by check --since 12d", 0, "tagging", "", 3},
		{"report overrides --by check --repo acme/other", 0, "approval", "", 2},
		{"report overrides --by team", 2, "", "person|repo|check", 0},
		{"report overrides --since 2030-01-01", 0, "No overrides.", "", 1},
		{"report", 2, "", "usage", 0},
	} {
		code, out, errs := a.run("", c.args)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) || c.lines > 0 && strings.Count(out, "\n") != c.lines {
			t.Errorf("%s = %d,\n%s%s, want %d, %q, %q, %d lines", c.args, code, out, errs, c.code, c.out, c.errs, c.lines)
		}
		if strings.ContainsAny(out, "\x1b\u202e") {
			t.Errorf("%s writes what a terminal obeys: %q", c.args, out)
		}
	}
}

func TestOptionsAreExplainedInOurWords(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"audit list --help", 0, "usage: sluice audit list [--since T]"},
		{"audit verify -h", 0, "usage: sluice audit verify [--checkpoint FILE"},
		{"audit export --help", 0, "usage: sluice audit export [--since T"},
		{"audit checkpoint --help", 0, "usage: sluice audit checkpoint [--key-file FILE]"},
		{"audit key --help", 0, "usage: sluice audit key [--name NAME] FILE"},
		{"report overrides --help", 0, "usage: sluice report overrides [--by person|repo|check]"},
		{"audit list --since yesterday", 2, `sluice audit: invalid value "yesterday" for flag --since: want a time ago such as`},
		{"audit list --newest x", 2, `sluice audit: invalid value "x" for flag --newest: want a whole number; ` + "`sluice audit list --help` tells more"},
		{"audit list --json=x", 2, `invalid boolean value "x" for --json: want true or false`},
		{"audit list --chek x", 2, `sluice audit: there is no option --chek, did you mean "--check"?`},
		{"audit list --who", 2, "sluice audit: flag needs an argument: --who"},
		{"audit verify --keys x", 2, `there is no option --keys, did you mean "--key"?`},
		{"report overrides --until x", 2, `sluice report: invalid value "x" for flag --until: want`},
	} {
		code, out, errs := a.run("", c.args)
		if said := out + errs; code != c.code || !strings.HasPrefix(said, c.says) && !strings.Contains(errs, c.says) || c.code == 2 && strings.Count(said, "\n") != 1 {
			t.Errorf("%s = %d, %q, %q, want %d, %q, and one line of what is wrong", c.args, code, out, errs, c.code, c.says)
		}
	}
	for verb := range auditVerbs() { // every option is told of
		_, out, _ := a.run("", "audit "+verb+" --help")
		line, rest, _ := strings.Cut(out, "\n")
		for _, option := range regexp.MustCompile(`--[a-z-]+`).FindAllString(line, -1) {
			if !strings.Contains(rest, "\n  "+option+" ") {
				t.Errorf("audit %s --help does not say what %s does:\n%s", verb, option, out)
			}
		}
	}
}

func TestTheAuditLogAsJSON(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	var list struct {
		Version int
		Entries []gate.Entry
	}
	for args, want := range map[string]int{"audit list --json": 7, "audit list --json --kind finding": 1, "audit list --json --kind release": 0} {
		code, out, errs := a.run("", args)
		if err := json.Unmarshal([]byte(out), &list); code != 0 || err != nil || list.Version != 1 || len(list.Entries) != want || list.Entries == nil {
			t.Errorf("%s = %d, %s%s (%v), want %d entries", args, code, out, errs, err, want)
		}
	}
	var report struct {
		By        string
		Overrides []audit.Count
	}
	_, out, _ := a.run("", "report overrides --json --by person")
	want := []audit.Count{{Name: "ana-b", ID: 1, Forge: "github", Granted: 2, Live: 1, Ended: 1}, {Name: "bo", ID: 2, Forge: "github", Granted: 1, Live: 1}, {Name: "Cy", ID: 3, Forge: "github", Refused: 1}}
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.By != "person" || !reflect.DeepEqual(report.Overrides, want) {
		t.Errorf("report = %s (%v), want %+v", out, err, want)
	}
	_, first, _ := a.run("", "audit export")
	line, _, _ := strings.Cut(first, "\n")
	at := -1
	for _, key := range strings.Fields("seq at kind repo change commit environment who check reason url policy prev hash") { // DESIGN pins these
		if i := strings.Index(line, `"`+key+`":`); i <= at {
			t.Errorf("%s is not where it should be in %s", key, line)
		} else {
			at = i
		}
	}
}

func TestTheAuditLogIsVerifiedHereAndElsewhere(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	must := func(stdin, args string, more ...string) string {
		t.Helper()
		code, out, errs := a.run(stdin, args, more...)
		if code != 0 {
			t.Fatalf("%s = %d, %s%s", args, code, out, errs)
		}
		return out
	}
	file := func(name, text string) string {
		path := filepath.Join(a.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := filepath.Join(a.dir, "audit.key")
	public := strings.TrimSpace(must("", "audit key --name sluice.example.com/audit", key))
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %v, %v", info.Mode(), err)
	}
	if again := strings.TrimSpace(must("", "audit key", key)); again != public {
		t.Errorf("audit key says %q of a key that is there, want %q", again, public)
	}
	export := must("", "audit export")
	tail := must("", "audit export --after 3")
	recent := must("", "audit export --since 7d")
	if lines := strings.Count(recent, "\n"); lines != 2 {
		t.Errorf("export --since 7d has %d lines, want 2", lines)
	}
	checkpoint := file("checkpoint", must("", "audit checkpoint --key-file", key))
	other := strings.TrimSpace(must("", "audit key --name sluice.example.com/audit", filepath.Join(a.dir, "other.key")))
	proof := []string{"--checkpoint", checkpoint, "--key", public}
	long := file("long", export+strings.Repeat("x", 1<<20))
	lines := strings.SplitAfter(export, "\n")
	for name, c := range map[string]struct {
		stdin     string
		args      []string
		code      int
		out, errs string
	}{
		"the database":                     {"", nil, 0, "Whole: 7 entries", ""},
		"with a checkpoint":                {"", proof, 0, "agrees with 1 signed checkpoint", ""},
		"an export":                        {export, []string{"-"}, 0, "Whole: 7 entries", ""},
		"with a checkpoint, elsewhere":     {export, append(proof, "-"), 0, "agrees with 1 signed checkpoint", ""},
		"a file":                           {"", []string{file("export", export)}, 0, "Whole: 7 entries", ""},
		"a file without its last line end": {"", []string{file("cut", strings.TrimSuffix(export, "\n"))}, 0, "Whole: 7 entries", ""},
		"a part":                           {tail, append(proof, "-"), 0, "It begins after entry 3: what came before is not in it.", ""},
		"nothing":                          {"", []string{"-"}, 0, "Whole: 0 entries", ""},
		"nothing, but signed":              {"", append(proof, "-"), 1, "entry 1: it and all after it up to 7 are missing", ""},
		"the end cut off":                  {strings.Join(lines[:6], ""), append(proof, "-"), 1, "entry 7: missing", ""},
		"the end cut off, unsigned":        {strings.Join(lines[:6], ""), []string{"-"}, 0, "Only a checkpoint can tell", ""},
		"the last line cut":                {export[:len(export)-30], []string{"-"}, 1, "entry 7 (line 7): the last line is cut off: the download broke off?", ""},
		"the last line cut, signed":        {export[:len(export)-30], append(proof, "-"), 1, "Up to entry 6 all is whole", ""},
		"cut after an altered line":        {strings.Replace(export[:len(export)-30], "changelog fails", "changelog holds", 1), []string{"-"}, 1, "entry 1 (line 1): altered", ""},
		"cut and altered before its end":   {strings.Replace(strings.TrimSuffix(export, "\n"), "merged while", "merged after", 1), []string{"-"}, 1, "entry 7 (line 7): altered", ""},
		"the last line cut, with an end":   {export[:len(export)-30] + "\n", []string{"-"}, 1, "entry 7 (line 7): altered", ""},
		"one letter of the last line":      {strings.Join(lines[:6], "") + "{", []string{"-"}, 1, "the last line is cut off", ""},
		"a first line cut":                 {lines[0][:40], []string{"-"}, 1, "line 1: the first line is cut off, and no other is there", ""},
		"no audit log":                     {"kind: decision\n", []string{"-"}, 1, "line 1: it is no entry of an audit log, and does not begin like one", ""},
		"no audit log, and no line end":    {"SQLite format 3", []string{"-"}, 1, "line 1: it is no entry of an audit log", ""},
		"a line missing":                   {lines[0] + lines[2], []string{"-"}, 1, "entry 2 (line 2): missing", ""},
		"a word altered":                   {strings.Replace(export, "changelog fails", "changelog holds", 1), []string{"-"}, 1, "entry 1 (line 1): altered", ""},
		"line ends of another system":      {strings.ReplaceAll(export, "\n", "\r\n"), []string{"-"}, 1, "entry 1 (line 1)", ""},
		"an endless line":                  {"", []string{long}, 1, "entry 8 (line 8)", ""},
		"no such file":                     {"", []string{filepath.Join(a.dir, "none")}, 2, "", "there is no file "},
		"two files":                        {"", []string{"a", "b"}, 2, "", "one file"},
		"no such checkpoint":               {"", []string{"--checkpoint", "none", "--key", public}, 2, "", "what `sluice audit checkpoint` printed"},
		"a checkpoint without a key":       {"", proof[:2], 2, "", "go together"},
		"a key without a checkpoint":       {"", proof[2:], 2, "", "go together"},
		"somebody else's key":              {"", []string{"--checkpoint", checkpoint, "--key", other}, 2, "", "no verifiable signatures"},
		"no key at all":                    {"", []string{"--checkpoint", checkpoint, "--key", "x"}, 2, "", "not a verifier key"},
	} {
		code, out, errs := a.run(c.stdin, "audit verify", c.args...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
			t.Errorf("%s: verify = %d, %s%s, want %d, %q, %q", name, code, out, errs, c.code, c.out, c.errs)
		}
	}
	// What was signed stays provable while the log grows, and a rewritten log fails although its chain is whole.
	if err := a.Enter(context.Background(), gate.Entry{Kind: gate.EntryPolicy}); err != nil {
		t.Fatal(err)
	}
	must("", "audit verify", proof...)
	a.tamper(t, "UPDATE audit SET line = replace(line, 'changelog fails', 'changelog holds') WHERE seq = 1")
	code, out, _ := a.run("", "audit verify")
	if code != 1 || !strings.HasPrefix(out, "entry 1: altered: it states the hash") {
		t.Errorf("verify of an altered database = %d, %s", code, out)
	}
	if code, out, errs := a.run("", "audit checkpoint --key-file", key); code != 1 || out != "" || !strings.Contains(errs, "nothing is signed") {
		t.Errorf("checkpoint of an altered log = %d, %s%s", code, out, errs)
	}
	if code, out, errs := a.run("", "audit list"); code != 1 || !strings.Contains(out, "merged while") || !strings.Contains(errs, "entry 1 is not shown: altered") {
		t.Errorf("list of an altered log = %d, %s%s", code, out, errs)
	}
	a.tamper(t, "DELETE FROM audit WHERE seq = 1")
	if code, out, _ := a.run("", "audit verify"); code != 1 || !strings.HasPrefix(out, "entry 1: missing") {
		t.Errorf("verify without the first entry = %d, %s", code, out)
	}
}

func TestAuditOfNoDatabaseMakesNone(t *testing.T) {
	t.Parallel()
	a := &audited{path: filepath.Join(t.TempDir(), "sluice.db"), dir: t.TempDir()}
	for _, args := range []string{"audit list", "audit verify", "audit export", "report overrides"} {
		code, _, errs := a.run("", args)
		if files, _ := filepath.Glob(a.path + "*"); code != 2 || !strings.Contains(errs, "no such database") || len(files) != 0 {
			t.Errorf("%s = %d, %s, and made %v", args, code, errs, files)
		}
	}
	file := filepath.Join(a.dir, "key")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := a.run("", "audit key", file)
	if text, _ := os.ReadFile(file); code != 2 || string(text) != "precious" || !strings.Contains(errs, "is there already") || strings.Contains(errs, "precious") {
		t.Errorf("audit key over another file = %d, %s, and it holds %q", code, errs, text)
	}
	if code, _, errs := a.run("", "audit checkpoint"); code != 2 || !strings.Contains(errs, "SLUICE_AUDIT_KEY_FILE") {
		t.Errorf("checkpoint without a key = %d, %s", code, errs)
	}
	if code, _, errs := a.run("", "audit checkpoint --key-file", file); code != 2 || !strings.Contains(errs, "not a private key") || strings.Contains(errs, "precious") {
		t.Errorf("checkpoint with another file = %d, %s", code, errs)
	}
}

func TestAKeyHasANameThatSignedNotesCanHave(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	for i, c := range []struct{ name, why string }{
		{"a b+c", "it has a space in it"}, {"a+b", "it has a + in it"}, {"", "it is empty"}, {"a\u00a0b", "it has a space in it"},
		{"a\nb", "it has a space in it"}, {"a\x1b[31m", "characters in it that nobody sees"}, {"a\u202eb", "characters in it that nobody sees"}, {"a\xff", "not UTF-8"},
	} {
		file := filepath.Join(a.dir, fmt.Sprint("key", i))
		code, out, errs := a.run("", "audit key", "--name", c.name, file)
		_, err := os.Stat(file)
		if code != 2 || out != "" || !strings.Contains(errs, c.why) || !strings.Contains(errs, "sluice.example.com/audit") || !os.IsNotExist(err) || strings.ContainsAny(errs, "\x1b\u202e") {
			t.Errorf("audit key --name %q = %d, %s%s (%v), want 2, no file, and %q", c.name, code, out, errs, err, c.why)
		}
	}
	// Whatever name is taken, what comes of it signs, and verifies.
	for i, name := range []string{"sluice.example.com/audit", "a%2Bb", "prüfung/ä"} {
		file := filepath.Join(a.dir, fmt.Sprint("good", i))
		if code, _, errs := a.run("", "audit key", "--name", name, file); code != 0 {
			t.Fatalf("audit key --name %q = %d, %s", name, code, errs)
		}
		if code, out, errs := a.run("", "audit checkpoint", "--key-file", file); code != 0 || !strings.HasPrefix(out, name+"\n7\n") {
			t.Errorf("checkpoint with the key %q = %d, %s%s", name, code, out, errs)
		}
	}
}

func TestAKeyFileIsNamedByWhereItWasGiven(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	odd := filepath.Join(a.dir, "odd")
	if err := os.WriteFile(odd, []byte("PRIVATE+KEY+precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{odd, filepath.Join(a.dir, "none")} {
		code, _, errs := a.run("", "audit checkpoint", "--key-file", file)
		if code != 2 || !strings.Contains(errs, "sluice audit: --key-file: ") || !strings.Contains(errs, file) || strings.Contains(errs, "SLUICE_AUDIT_KEY_FILE") {
			t.Errorf("checkpoint --key-file %s = %d, %s", file, code, errs)
		}
	}
	var errs bytes.Buffer
	p := process{strings.Fields("audit checkpoint"), []string{"SLUICE_AUDIT_KEY_FILE=" + odd}, nil, io.Discard, &errs}
	if code := run(context.Background(), p); code != 2 || !strings.Contains(errs.String(), "SLUICE_AUDIT_KEY_FILE: "+odd) {
		t.Errorf("checkpoint with the variable set = %d, %s", code, errs.String())
	}
}

func TestAKeyThatCannotBeReadStopsTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	odd := filepath.Join(dir, "odd")
	if err := os.WriteFile(odd, []byte("PRIVATE+KEY+precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(dir, "none"), odd} {
		p := process{environ: []string{"SLUICE_DATABASE=sqlite:" + filepath.Join(dir, "x.db"), "SLUICE_ADDR=127.0.0.1:0", "SLUICE_AUDIT_KEY_FILE=" + file}, stderr: io.Discard}
		if err := serve(context.Background(), p, outside{}, nil); err == nil || !strings.Contains(err.Error(), "SLUICE_AUDIT_KEY_FILE: ") || strings.Contains(err.Error(), "precious") {
			t.Errorf("serve with the key file %s = %v, want it named", file, err)
		}
	}
}

// The script of docs/audit.md, run as it stands there.
func TestTheScriptInTheDocumentVerifiesAnExport(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```python\n")
	script, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/audit.md holds no script")
	}
	a := newAudited(t)
	_, export, _ := a.run("", "audit export")
	for name, c := range map[string]struct {
		in, want string
		ok       bool
	}{
		"whole":   {export, "7 entries", true},
		"altered": {strings.Replace(export, "changelog fails", "changelog holds", 1), "entry 1", false},
		"cut":     {strings.Join(append(strings.SplitAfter(export, "\n")[:2:2], strings.SplitAfter(export, "\n")[3:]...), ""), "entry 3", false},
	} {
		cmd := exec.Command(python, "-c", script)
		cmd.Stdin = strings.NewReader(c.in)
		out, err := cmd.CombinedOutput()
		if (err == nil) != c.ok || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: the script says %s (%v), want %q", name, out, err, c.want)
		}
	}
}

func TestTheNotarySignsNoLogThatLostWhatItHasSeen(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := newAudited(t)
	private, public, err := audit.NewKey("a/audit")
	if err != nil {
		t.Fatal(err)
	}
	key, err := audit.Signer([]byte(private))
	if err != nil {
		t.Fatal(err)
	}
	n := &notary{verify: a.VerifyAudit, key: key, now: time.Now}
	get := func() (int, string) {
		w := httptest.NewRecorder()
		n.handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/audit/checkpoint", nil))
		body, _ := io.ReadAll(w.Result().Body)
		return w.Code, string(body)
	}
	code, note := get()
	file := filepath.Join(a.dir, "note")
	if err := os.WriteFile(file, []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	if verified, out, errs := a.run("", "audit verify", "--checkpoint", file, "--key", public); code != 200 || verified != 0 {
		t.Errorf("the handler answered %d, %q, and verify says %s%s", code, note, out, errs)
	}
	intact := func(want bool) {
		t.Helper()
		told := make(chan bool, 1)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go n.watch(ctx, slog.New(slog.NewTextHandler(io.Discard, nil)), func(ok bool) { told <- ok }) //nolint:errcheck // it ends with its context
		if got := <-told; got != want {
			t.Errorf("the log is said to be intact: %v, want %v", got, want)
		}
	}
	intact(true)
	// The last two entries are cut off: the chain is whole, and nothing but what was seen tells of it.
	a.tamper(t, "DELETE FROM audit WHERE seq > 5")
	if code, body := get(); code != 503 || strings.Contains(body, "a/audit") {
		t.Errorf("the handler answered %d, %q for a log that was cut", code, body)
	}
	intact(false)
	n.key = nil
	if code, _ := get(); code != 404 {
		t.Errorf("without a key the handler answered %d, want 404", code)
	}
}

func TestOverridesAreTheSameNumbersAsMetrics(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	m := newMetrics()
	m.registry.MustRegister(newOverrideMetrics(a.Store))
	scrape := func() string {
		w := httptest.NewRecorder()
		m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Body.String()
	}
	has := func(lines ...string) {
		t.Helper()
		text := scrape()
		for _, line := range lines {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("the metrics lack %q:\n%s", line, grep(text, "sluice_override"))
			}
		}
	}
	has(`sluice_overrides_total{check="approval",outcome="granted"} 2`, `sluice_overrides_total{check="changelog",outcome="ended"} 1`,
		`sluice_overrides_standing{check="approval",standing="live"} 2`, `sluice_overrides_total{check="",outcome="refused"} 1`)
	refused := gate.Entry{Kind: gate.EntryCommand, Command: "override", Outcome: "refused", Check: "made-up"}
	revoked := gate.Entry{Kind: gate.EntryOverride, Forge: "github", Repo: "acme/shop", Change: 7, Commit: "c1c1c1c1c1", Check: "approval", Outcome: "revoked", URL: "https://x/3"}
	if err := a.Enter(context.Background(), refused, revoked); err != nil {
		t.Fatal(err)
	}
	has(`sluice_overrides_total{check="approval",outcome="granted"} 2`, `sluice_overrides_total{check="approval",outcome="revoked"} 1`,
		`sluice_overrides_standing{check="approval",standing="live"} 1`, `sluice_overrides_total{check="",outcome="refused"} 2`)
	if text := scrape(); strings.Contains(text, "made-up") || strings.Contains(text, "acme") || strings.Contains(text, "ana-b") {
		t.Error("the metrics name what they should not:\n" + grep(text, "sluice_override"))
	}
}

func grep(text, word string) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return fmt.Sprint(strings.Join(found, ""))
}

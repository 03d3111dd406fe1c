package checks

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// pure are the packages that a check may import: none of them reads a file, a socket, a clock or chance by being used as
// the checks use it. Third-party ones are parsers. Another one is a line here, and a reason to think.
var pure = strings.Fields(`
	bytes cmp crypto/sha256 embed encoding encoding/base64 encoding/binary encoding/csv encoding/hex encoding/json encoding/xml
	errors fmt go/scanner go/token hash/fnv html io iter maps math math/bits net/mail net/netip net/url path reflect regexp
	regexp/syntax slices sort strconv strings sync sync/atomic text/template/parse time unicode unicode/utf16 unicode/utf8

	cel.dev/cel-go/... github.com/Masterminds/semver/v3 github.com/agext/levenshtein github.com/arran4/golang-ical
	github.com/bmatcuk/doublestar/v4 github.com/hashicorp/hcl/v2/... github.com/hmarr/codeowners
	github.com/pelletier/go-toml/v2/... github.com/teambition/rrule-go github.com/yuin/goldmark/...
	go.yaml.in/yaml/v3 golang.org/x/text/...

	github.com/sluicegate/sluice/checks/...
`)

// impure are the words of pure packages that read a clock, the machine or its files all the same.
var impure = map[string][]string{
	"time": strings.Fields("Now Since Until Sleep After AfterFunc Tick NewTimer NewTicker Local"),
	"fmt":  strings.Fields("Print Printf Println Scan Scanf Scanln"),
	// It fetches addresses too, and takes times without a zone for the machine's.
	"github.com/arran4/golang-ical": strings.Fields("ParseCalendarFromUrl ParseCalendar ParseCalendarWithOptions"),
}

// What a check cannot see in Facts it cannot depend on.
func TestChecksArePure(t *testing.T) {
	t.Parallel()
	seen := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		seen++
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, problem := range impurities(filepath.ToSlash(name), file) {
			t.Errorf("checks/%s %s", filepath.ToSlash(name), problem)
		}
		return nil
	})
	if err != nil || seen < 20 {
		t.Fatalf("read %d files of the checks (%v), want all of them", seen, err)
	}
}

// The guard itself tells what it is there to tell.
func TestImpuritiesAreTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, want string }{
		"a file is read":           {`import "os"`, `imports "os"`},
		"the network":              {`import "net/http"`, `imports "net/http"`},
		"a log":                    {`import "log/slog"`, `imports "log/slog"`},
		"a database":               {`import "database/sql"`, `imports "database/sql"`},
		"chance":                   {`import "math/rand/v2"`, `imports "math/rand/v2"`},
		"a context":                {`import "context"`, `imports "context"`},
		"another room":             {`import "github.com/sluicegate/sluice/gate"`, `imports "github.com/sluicegate/sluice/gate"`},
		"the clock":                {"import \"time\"\nvar x = time.Now", "uses time.Now"},
		"the clock by other names": {"import when \"time\"\nvar x = when.Since", "uses time.Since"},
		"a dot import":             {`import . "time"`, `imports "time" without its name`},
		"time zones in a check":    {"import \"time\"\nvar x = time.LoadLocation", "uses time.LoadLocation"},
		"standard output":          {"import \"fmt\"\nfunc f() { fmt.Println() }", "uses fmt.Println"},
		"an init":                  {"func init() {}", "has an init"},
		"times as values":          {"import \"time\"\nfunc f(t time.Time) bool { return t.IsZero() }", ""},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package checks\n"+c.source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(impurities("x.go", file), "; "); got != c.want {
			t.Errorf("%s: impurities = %q, want %q", name, got, c.want)
		}
	}
}

func impurities(name string, file *ast.File) []string {
	var found []string
	packages := map[string]string{}
	for _, i := range file.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil || !isPure(path) {
			found = append(found, "imports "+i.Path.Value)
		}
		local := path[strings.LastIndex(path, "/")+1:]
		if i.Name != nil {
			local = i.Name.Name
		}
		if local == "." || local == "_" && path != "embed" {
			found = append(found, "imports "+i.Path.Value+" without its name")
		}
		packages[local] = path
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				found = append(found, "has an init")
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && isImpure(name, packages[x.Name], n.Sel.Name) {
				found = append(found, "uses "+packages[x.Name]+"."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}

func isPure(path string) bool {
	for _, p := range pure {
		if tree, ok := strings.CutSuffix(p, "/..."); path == p || ok && (path == tree || strings.HasPrefix(path, tree+"/")) {
			return true
		}
	}
	return false
}

func isImpure(name, path, word string) bool {
	// Whether a time zone exists is asked once, when a policy is loaded, and where a calendar is reckoned; no other check
	// asks for one.
	if path == "time" && word == "LoadLocation" {
		return !strings.HasPrefix(name, "policy/") && !strings.HasPrefix(name, "calendar/")
	}
	for _, w := range impure[path] {
		if w == word {
			return true
		}
	}
	return false
}

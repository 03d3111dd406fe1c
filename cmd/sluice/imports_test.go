package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sluicegate/sluice"

// rooms says which rooms each room may import beside itself: data flows one way, and webhook, providers, store and
// dashboard do not know one another. Only cmd/sluice knows them all.
func roomsMayImport() map[string][]string {
	return map[string][]string{
		".":         {}, // app.yml alone
		"checks":    {},
		"gate":      {"checks"},
		"webhook":   {"gate", "checks"},
		"store":     {"gate", "checks"},
		"dashboard": {"gate", "checks"},
		// Providers know the gate and not each other; the contract is theirs all, and the pretend forge is nobody's client.
		"providers/cache":        {},
		"providers/compare":      {"checks"},
		"providers/quota":        {"gate"},
		"providers/github":       {"gate", "checks", "providers/cache", "providers/compare", "providers/quota"},
		"providers/gitlab":       {"gate", "checks", "providers/cache", "providers/compare", "providers/quota"},
		"providers/local":        {"gate", "checks"},
		"providers/calendars":    {"gate", "checks"},
		"providers/notices":      {"gate", "checks"},
		"providers/pretend":      {"gate", "checks"},
		"providers/providertest": {"gate", "checks", "providers/pretend"},
		"providers/simulators":   {},
		"cmd/sluice":             {"gate", "checks", "webhook", "store", "dashboard", "providers/github", "providers/gitlab", "providers/local", "providers/calendars", "providers/notices", "providers/pretend"},
	}
}

// outsiders may be imported in one room alone: its words stay there.
func outsiders() map[string]string {
	return map[string]string{
		"github.com/mattn/go-sqlite3":             "store",
		"database/sql":                            "store",
		"github.com/jackc/pgx":                    "store",
		"github.com/bradleyfalzon/ghinstallation": "providers/github",
		"github.com/google/go-github":             "providers/github",
		"github.com/prometheus/client_golang":     "cmd/sluice",
		"github.com/sethvargo/go-envconfig":       "cmd/sluice",
		"go.opentelemetry.io":                     "cmd/sluice",
		"github.com/wneessen/go-mail":             "providers/notices",
		"github.com/standard-webhooks":            "providers/notices",
		"github.com/netresearch/go-cron":          "providers/gitlab",
		"github.com/xanzy/go-gitlab":              "providers/gitlab",
	}
}

func TestRoomsImportOneWay(t *testing.T) {
	t.Parallel()
	allowed, seen := roomsMayImport(), 0
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		seen++
		name = strings.TrimPrefix(filepath.ToSlash(name), "../../")
		from := room(filepath.ToSlash(filepath.Dir(name)))
		if _, ok := allowed[from]; !ok {
			t.Errorf("%s lies in no room", name)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), "../../"+name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range file.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if why := mayNot(allowed, from, filepath.ToSlash(filepath.Dir(name)), path); why != "" {
				t.Errorf("%s imports %s: %s", name, path, why)
			}
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Fatalf("read %d files (%v), want the whole tree", seen, err)
	}
}

// The guard itself tells what it is there to tell.
func TestWrongWaysAreTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, path string
		ok         bool
	}{
		{"checks/policy", module + "/checks/expression", true},
		{"checks", module + "/gate", false},
		{"gate", module + "/store", false},
		{"store", module + "/gate", true},
		{"store/storetest", module + "/store", true},
		{"webhook", module + "/store", false},
		{"dashboard", module + "/providers/github", false},
		{"providers/github", module + "/providers/pretend", false},
		{"providers/pretend", module + "/providers/github", false},
		{"cmd/sluice", module + "/providers/github", true},
		{"cmd/sluice", module + "/store/storetest", false},
		{"cmd/sluice", module + "/providers/providertest", false},
		{"cmd/sluice", module + "/providers/simulators", false},
		{"gate", "database/sql", false},
		{"gate", "github.com/google/go-github/v75/github", false},
		{"store", "database/sql/driver", true},
	} {
		if why := mayNot(roomsMayImport(), room(c.from), c.from, c.path); (why == "") != c.ok {
			t.Errorf("mayNot(%s, %s) = %q, want allowed %v", c.from, c.path, why, c.ok)
		}
	}
}

// room is the room that a folder belongs to.
func room(dir string) string {
	parts := strings.SplitN(dir, "/", 3)
	if len(parts) > 1 && (parts[0] == "providers" || parts[0] == "cmd") {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// mayNot says why the package at dir of a room may not import path, or "".
func mayNot(allowed map[string][]string, from, dir, path string) string {
	for outsider, home := range outsiders() {
		if (path == outsider || strings.HasPrefix(path, outsider+"/")) && from != home {
			return "that is the business of " + home
		}
	}
	target, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	if strings.HasSuffix(target, "test") && !strings.HasSuffix(dir, "test") {
		return "packages that end in test are for tests alone"
	}
	if to := room(target); to != from && !slices.Contains(allowed[from], to) {
		return from + " does not know " + to
	}
	return ""
}

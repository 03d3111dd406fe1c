package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluicegate/sluice/store"
	"github.com/sluicegate/sluice/store/postgrestest"
)

// grows are the tables that grow with what is done, and not with how many repositories there are: no page may read all of one.
func grows() []string {
	return []string{"audit", "decision", "subject", "promotion", "blob", "cause", "delivery", "posted", "override", "promotion_act", "tag_seen", "comment", "incident"}
}

// pageTexts are the queries that the pages ask, each once.
type pageTexts struct {
	mu  sync.Mutex
	all []string
}

func (x *pageTexts) heard(text string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !slices.Contains(x.all, text) {
		x.all = append(x.all, text)
	}
}

// asked are the queries of all pages over a database with something in it.
func askedOf(t *testing.T, url string) []string {
	t.Helper()
	var x pageTexts
	st, err := store.Open(t.Context(), store.Options{URL: url, Asked: x.heard})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := (seeding{repos: 30, decisions: 1200, seed: 1}).fill(t.Context(), st, io.Discard); err != nil {
		t.Fatal(err)
	}
	h, err := seededPages(st, mayAll{})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range measuredPages() {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil)); w.Code != http.StatusOK {
			t.Fatalf("GET %s = %d", path, w.Code)
		}
	}
	if len(x.all) < 20 {
		t.Fatalf("the pages asked %d queries, which cannot be all", len(x.all))
	}
	return x.all
}

var parameter = regexp.MustCompile(`\$(\d+)`)

// nothings are as many NULLs as a query has parameters.
func nothings(text string) []any {
	most := 0
	for _, m := range parameter.FindAllStringSubmatch(text, -1) {
		var n int
		_, _ = fmt.Sscan(m[1], &n)
		most = max(most, n)
	}
	return make([]any, most)
}

// plan is what a database says of how it would answer a query.
func plan(ctx context.Context, db interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, text string, column int, args ...any) (lines []string, err error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		names, err := rows.Columns()
		if err != nil {
			return nil, err
		}
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(sql.NullString)
		}
		if err := rows.Scan(values...); err != nil {
			return nil, err
		}
		lines = append(lines, values[column].(*sql.NullString).String)
	}
	return lines, rows.Err()
}

func TestNoPageReadsAllOfATableThatGrows(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	all := askedOf(t, "sqlite:"+path)
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// A partial index is as good as one: it holds what is asked for and nothing else.
	whole := regexp.MustCompile(`^SCAN (\w+)( |$)`)
	partial := regexp.MustCompile(`USING (COVERING )?INDEX (subject_due|subject_next|subject_state_\w+|environment_lock_holds|environment_seen_\w+)`)
	for _, text := range all {
		lines, err := plan(t.Context(), db, "EXPLAIN QUERY PLAN "+text, 3, nothings(text)...)
		if err != nil {
			t.Errorf("explain %s: %v", text, err)
		}
		for _, line := range lines {
			if m := whole.FindStringSubmatch(line); m != nil && slices.Contains(grows(), tableOf(m[1], text)) && !partial.MatchString(line) {
				t.Errorf("%s\nin\n%.700s\nof\n%s", line, text, strings.Join(lines, "\n"))
			}
		}
	}
}

// PostgreSQL reads small tables whole whatever indexes there are, so it is told to do so only where nothing else is left.
func TestNoPageHasPostgreSQLReadAllOfATableThatGrows(t *testing.T) {
	t.Parallel()
	url := postgrestest.Fresh(t)
	all := askedOf(t, url)
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	whole := regexp.MustCompile(`Seq Scan on (\w+)`)
	for i, text := range all {
		name := fmt.Sprint("page", i)
		if _, err := conn.ExecContext(t.Context(), "PREPARE "+name+" AS "+text); err != nil {
			t.Errorf("prepare %s: %v", text, err)
			continue
		}
		nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(nothings(text))), ", ")
		if nulls != "" {
			nulls = "(" + nulls + ")"
		}
		lines, err := plan(t.Context(), conn, "EXPLAIN EXECUTE "+name+nulls, 0)
		if err != nil {
			t.Errorf("explain %s: %v", text, err)
		}
		for _, line := range lines {
			if m := whole.FindStringSubmatch(line); m != nil && slices.Contains(grows(), m[1]) {
				t.Errorf("%s\nin\n%.700s\nof\n%s", line, text, strings.Join(lines, "\n"))
			}
		}
	}
}

// tableOf is the table that a query calls by a short name.
func tableOf(short, text string) string {
	if m := regexp.MustCompile(`(?:FROM|JOIN) (\w+) (?:AS )?` + regexp.QuoteMeta(short) + `\b`).FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return short
}

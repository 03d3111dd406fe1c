package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
)

// Many fills a database, in which one change was judged and which nobody serves, with so many more open changes like it that
// are at rest, each with so many decisions. driver is that of database/sql, and at what it opens.
func Many(t testing.TB, driver, at string, changes, decisions int) {
	t.Helper()
	fill(t, driver, at,
		series(changes)+`INSERT INTO subject (kind, key, forge, repo, number, name, installation, wanted, done)
SELECT 'change', forge || ':' || repo || '#' || (1000000 + i), forge, repo, 1000000 + i, '', installation, 1, 1
FROM n, (SELECT * FROM subject WHERE kind = 'change' ORDER BY id LIMIT 1) AS one`,
		`INSERT INTO subject_state (subject_id, forge, repo, open, head, base, author, title, decision, read_at)
SELECT s.id, one.forge, one.repo, 1, 'h' || s.id, one.base, one.author, one.title, 'd' || s.id || 'x1', one.read_at
FROM subject s, (SELECT * FROM subject_state WHERE open = 1 ORDER BY subject_id LIMIT 1) AS one WHERE s.number > 1000000`,
		series(decisions)+`INSERT INTO decision (id, subject_id, forge, repo, sha, at, open, policy, facts, digest, body, facts_blob, sources_blob)
SELECT 'd' || s.id || 'x' || i, s.id, one.forge, one.repo, 'h' || s.id, one.at + i, one.open, one.policy, one.facts, one.digest, one.body, one.facts_blob, one.sources_blob
FROM subject s, n, (SELECT * FROM decision ORDER BY seq LIMIT 1) AS one WHERE s.number > 1000000`)
}

// Waiting fills a database with so many promotions that wait for a window which opens at some time, in unix ms, ten in each
// environment.
func Waiting(t testing.TB, driver, at string, promotions int, until int64) {
	t.Helper()
	fill(t, driver, at,
		series(promotions/10)+fmt.Sprintf(`INSERT INTO subject (kind, key, forge, repo, number, name, installation, wanted, done, next_at)
SELECT 'environment', 'github:acme/shop' || i || '>production', 'github', 'acme/shop' || i, 0, 'production', 1, 1, 1, %d + i FROM n`, until),
		series(promotions)+`INSERT INTO promotion (id, forge, repo, environment, sha, attempt, request, state, number, deployment, at, since, body)
SELECT 'p' || i, 'github', 'acme/shop' || (i / 10), 'production', 'c' || i, 0, 'r' || i, 'gated', i, 0, i, i, '{}' FROM n`)
}

// series is the numbers from 1 on.
func series(n int) string {
	return fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", n)
}

func fill(t testing.TB, driver, at string, texts ...string) {
	t.Helper()
	db, err := sql.Open(driver, at)
	must(t, err)
	defer db.Close()
	x, err := db.BeginTx(context.Background(), nil)
	must(t, err)
	for _, text := range texts {
		if _, err := x.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	must(t, x.Commit())
}

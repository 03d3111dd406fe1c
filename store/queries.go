package store

// The texts, one set for every dialect. Rules: parameters are $n and rewritten once where a driver needs it; {lock} takes
// rows where others write too, and skips those that another transaction has; times are unix ms, flags 0 or 1; parameters inside CASE are cast, or PostgreSQL takes them
// for text; upsert, CTE and partial indexes are the common subset. RETURNING would do too, but SQLite gathers its rows
// in a table of their own, which costs ten times what asking for them afterwards does.

// bump raises `wanted`. An event never shortens a lease or a backoff, except that a delivery ($11 = 1) revives a dead
// letter, which is what has failed $10 times.
const qBump = `
INSERT INTO subject (kind, key, forge, repo, number, name, installation, since, next_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (kind, key) DO UPDATE SET
  wanted = subject.wanted + 1,
  repo = excluded.repo,
  installation = CASE WHEN excluded.installation <> 0 THEN excluded.installation ELSE subject.installation END,
  since = COALESCE(subject.since, excluded.since),
  next_at = CASE
    WHEN subject.holder IS NULL
      AND (subject.attempt = 0 OR (subject.attempt >= CAST($10 AS bigint) AND CAST($11 AS bigint) = 1))
      AND (subject.next_at IS NULL OR subject.next_at > excluded.next_at)
    THEN excluded.next_at ELSE subject.next_at END`

const qWanted = `SELECT id, wanted FROM subject WHERE kind = $1 AND key = $2`

// rest names a subject without making work of it.
const qRest = `
INSERT INTO subject (kind, key, forge, repo, number, name, installation, wanted)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0)
ON CONFLICT (kind, key) DO UPDATE SET repo = excluded.repo`

const qDeliver = `
INSERT INTO delivery (forge, guid, event, action, account, installation, outcome, received_at, size, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (forge, guid) DO NOTHING`

// again moves an undone cause that no delivery brought up to the new seq, instead of keeping a second one like it.
const qAgain = `
UPDATE cause SET seq = (SELECT wanted FROM subject WHERE kind = $1 AND key = $2), at = $3
WHERE subject_id = (SELECT id FROM subject WHERE kind = $1 AND key = $2) AND delivery_id IS NULL AND why = $4 AND detail = $5 AND sha = $6
  AND seq > (SELECT done FROM subject WHERE kind = $1 AND key = $2)`

// cause finds what it belongs to by itself: asked for one by one, each is another trip to a server.
const qCause = `
INSERT INTO cause (subject_id, seq, delivery_id, at, why, detail, sha, was, pushed_by, installation)
SELECT id, wanted, (SELECT id FROM delivery WHERE forge = $3 AND guid = $4), CAST($5 AS bigint), $6, $7, $8, $9, $10, CAST($11 AS bigint)
FROM subject WHERE kind = $1 AND key = $2`

const qDue = `SELECT 1 FROM subject WHERE next_at <= $1 LIMIT 1`

const claimable = `
SELECT id, kind, forge, repo, number, name, installation, wanted, done, COALESCE(since, next_at), token + 1, attempt + 1,
  CASE WHEN holder IS NOT NULL THEN 1 ELSE 0 END FROM subject`

const qClaimable = claimable + ` WHERE next_at <= $1 ORDER BY next_at LIMIT $2 {lock}`

const qClaimableKind = claimable + ` WHERE kind = $3 AND next_at <= $1 ORDER BY next_at LIMIT $2 {lock}`

// claim takes one of those that were found in the same transaction.
const qClaim = `
UPDATE subject SET since = COALESCE(since, next_at), next_at = $2, holder = $3, token = token + 1, attempt = attempt + 1 WHERE id = $1`

const qCauses = `
SELECT c.at, c.id, c.why, c.detail, c.sha, c.was, c.pushed_by, c.installation, COALESCE(d.guid, '')
FROM cause c LEFT JOIN delivery d ON d.id = c.delivery_id
WHERE c.subject_id = $1 AND c.seq > $2 AND c.seq <= $3 ORDER BY c.seq DESC, c.id DESC LIMIT $4`

const qNext = `SELECT min(next_at) FROM subject WHERE next_at IS NOT NULL`

const qNextKind = `SELECT min(next_at) FROM subject WHERE kind = $1 AND next_at IS NOT NULL`

const qExtend = `UPDATE subject SET next_at = $3 WHERE id = $1 AND token = $2 AND holder IS NOT NULL`

const qFinish = `
UPDATE subject SET done = $3, holder = NULL, attempt = 0, error = '', note = $6,
  since = (SELECT min(at) FROM cause WHERE cause.subject_id = subject.id AND cause.seq > $3),
  next_at = CASE WHEN wanted > CAST($3 AS bigint) THEN CAST($4 AS bigint) ELSE CAST($5 AS bigint) END
WHERE id = $1 AND token = $2 AND holder IS NOT NULL`

const qMore = `SELECT CASE WHEN wanted > done THEN 1 ELSE 0 END FROM subject WHERE id = $1`

// forget drops the causes that are done and belong to no delivery; the others stay as long as their delivery does.
const qForget = `DELETE FROM cause WHERE subject_id = $1 AND seq <= $2 AND delivery_id IS NULL`

const qFail = `
UPDATE subject SET holder = NULL, next_at = $3, error = $4 WHERE id = $1 AND token = $2 AND holder IS NOT NULL`

const qRelease = `
UPDATE subject SET holder = NULL, next_at = $3, attempt = attempt - 1 WHERE id = $1 AND token = $2 AND holder IS NOT NULL`

const qPostpone = `
UPDATE subject SET holder = NULL, next_at = $3, error = $4, attempt = attempt - 1 WHERE id = $1 AND token = $2 AND holder IS NOT NULL`

// recover frees what a process that died was holding; whatever was claimed three times without success waits a
// minute, for it may be what killed the process.
const qRecover = `
UPDATE subject SET holder = NULL, next_at = CAST($1 AS bigint) + CASE WHEN attempt > 2 THEN 60000 ELSE 0 END WHERE holder IS NOT NULL`

// giveUp frees, by the same rule, what a replica leaves that ends.
const qGiveUp = `
UPDATE subject SET holder = NULL, next_at = CAST($1 AS bigint) + CASE WHEN attempt > 2 THEN 60000 ELSE 0 END
WHERE holder = $2 AND next_at IS NOT NULL`

const qBlob = `INSERT INTO blob (digest, size, body) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING`

const qBlobID = `SELECT id FROM blob WHERE digest = $1`

const qDecide = `
INSERT INTO decision (id, subject_id, forge, repo, sha, at, open, policy, facts, digest, body, facts_blob, sources_blob)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

const qPost = `
INSERT INTO posted (subject_id, sha, name, check_id, node, digest, state, decision, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (subject_id, sha, name) DO UPDATE SET check_id = excluded.check_id, node = excluded.node,
  digest = excluded.digest, state = excluded.state, decision = excluded.decision, at = excluded.at`

const qState = `
INSERT INTO subject_state (subject_id, forge, repo, open, head, base, author, title, decision, read_at, merged, shut)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (subject_id) DO UPDATE SET open = excluded.open, head = excluded.head, base = excluded.base,
  author = excluded.author, title = excluded.title, read_at = excluded.read_at, merged = excluded.merged, shut = excluded.shut,
  decision = CASE WHEN excluded.decision <> '' THEN excluded.decision ELSE subject_state.decision END`

const qStateDecision = `UPDATE subject_state SET decision = $2 WHERE subject_id = $1`

const qReadState = `
SELECT t.open, t.head, t.base, t.author, t.title, t.decision, t.read_at, t.merged, t.shut
FROM subject_state t JOIN subject s ON s.id = t.subject_id WHERE s.kind = $1 AND s.key = $2`

const qOpen = `
SELECT s.kind, s.forge, s.repo, s.number, s.name, s.installation`

const qCountOpen = `
SELECT count(*)`

const qWhereOpen = `
FROM subject_state t JOIN subject s ON s.id = t.subject_id WHERE s.kind <> 'group' AND t.open = 1 AND t.forge = $1`

const qHasOpen = `SELECT 1 FROM subject_state WHERE open = 1 AND forge = $1 AND repo = $2 AND base = $3 LIMIT 1`

const qReadPosted = `
SELECT p.name, p.sha, p.check_id, p.node, p.digest, p.state
FROM posted p JOIN subject s ON s.id = p.subject_id WHERE s.kind = $1 AND s.key = $2 AND p.sha = $3 ORDER BY p.name`

const qReadDecision = `
SELECT d.body, f.body, c.body FROM decision d
LEFT JOIN blob f ON f.id = d.facts_blob LEFT JOIN blob c ON c.id = d.sources_blob WHERE d.id = $1`

const qLatest = `
SELECT d.body, c.body FROM decision d JOIN subject s ON s.id = d.subject_id LEFT JOIN blob c ON c.id = d.sources_blob
WHERE s.kind = $1 AND s.key = $2 ORDER BY d.seq DESC LIMIT 1`

const qSetInstallation = `
INSERT INTO installation (forge, name, id) VALUES ($1, $2, $3)
ON CONFLICT (forge, name) DO UPDATE SET id = excluded.id WHERE installation.id <> excluded.id`

const qDropInstallation = `DELETE FROM installation WHERE forge = $1 AND name = $2`

const qInstallation = `
SELECT id FROM installation WHERE forge = $1 AND name IN ($2, $3) ORDER BY length(name) DESC LIMIT 1`

const qSetTag = `
INSERT INTO tag_seen (forge, repo, name, sha) VALUES ($1, $2, $3, $4)
ON CONFLICT (forge, repo, name) DO UPDATE SET sha = excluded.sha`

const qTag = `SELECT sha FROM tag_seen WHERE forge = $1 AND repo = $2 AND name = $3`

const qProbe = `INSERT INTO probe (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at`

// standing is where a piece of work stands; $2 is after how many failures it is dead, $3 the time.
const standing = `CASE WHEN s.holder IS NOT NULL THEN 'running'
  WHEN s.attempt >= CAST($2 AS bigint) THEN 'dead'
  WHEN s.wanted > s.done OR s.attempt > 0 OR s.next_at <= CAST($3 AS bigint) THEN 'waiting'
  ELSE 'scheduled' END`

// items go by the partial index of what is not at rest, too: the sum keeps the planner from walking all subjects by their ids.
const qItems = `
SELECT s.id, s.kind, s.key, ` + standing + `, s.wanted - s.done, s.since, s.next_at, s.holder, s.attempt, s.error, s.note,
  COALESCE((SELECT why FROM cause WHERE cause.subject_id = s.id ORDER BY seq DESC, id DESC LIMIT 1), '')
FROM subject s WHERE s.id + 0 > $1`

const qRetry = `UPDATE subject SET next_at = $1, attempt = 0 WHERE holder IS NULL AND id = $2`

const qRetryAll = `UPDATE subject SET next_at = $1, attempt = 0 WHERE holder IS NULL AND attempt > 0 AND next_at IS NOT NULL`

// depth is asked by every scrape: it goes by the partial index of what is not at rest.
const qDepth = `
SELECT count(CASE WHEN holder IS NULL AND attempt < CAST($2 AS bigint) AND (wanted > done OR attempt > 0 OR next_at <= $1) THEN 1 END),
  count(CASE WHEN holder IS NOT NULL THEN 1 END),
  count(CASE WHEN holder IS NULL AND attempt >= CAST($2 AS bigint) THEN 1 END),
  count(CASE WHEN holder IS NULL AND attempt = 0 AND wanted = done AND next_at > $1 THEN 1 END),
  COALESCE(min(CASE WHEN holder IS NULL AND attempt < CAST($2 AS bigint) AND (wanted > done OR attempt > 0 OR next_at <= $1)
    THEN COALESCE(since, next_at) END), 0), COALESCE(min(next_at), 0)
FROM subject WHERE next_at IS NOT NULL`

// The chunks of pruning. A delivery that a subject still waits for is never deleted.
const qOldDeliveries = `
DELETE FROM delivery WHERE id IN (
  SELECT d.id FROM delivery d WHERE d.received_at < $1 AND NOT EXISTS (
    SELECT 1 FROM cause c JOIN subject s ON s.id = c.subject_id WHERE c.delivery_id = d.id AND c.seq > s.done)
  ORDER BY d.received_at LIMIT $2)`

const qOldDecisions = `
SELECT d.seq, d.facts_blob, d.sources_blob, (SELECT n.facts_blob FROM seen n WHERE n.decision_seq = d.seq) FROM decision d WHERE d.at < $1 AND NOT (
  EXISTS (SELECT 1 FROM subject_state t WHERE t.subject_id = d.subject_id AND t.open = 1)
  AND NOT EXISTS (SELECT 1 FROM decision n WHERE n.subject_id = d.subject_id AND n.seq > d.seq))
ORDER BY d.at LIMIT $2`

const qDropDecision = `DELETE FROM decision WHERE seq = $1`

const qHaveBlob = `SELECT 1 FROM blob WHERE id = $1 {lock}`

const qDropBlob = `
DELETE FROM blob WHERE id = $1
  AND NOT EXISTS (SELECT 1 FROM decision WHERE facts_blob = $1)
  AND NOT EXISTS (SELECT 1 FROM decision WHERE sources_blob = $1)
  AND NOT EXISTS (SELECT 1 FROM seen WHERE facts_blob = $1)`

// What an open change shows on its head commit is kept for as long as the change is open.
const qOldPosted = `
SELECT p.subject_id, p.sha, p.name FROM posted p WHERE p.at < $1 AND NOT EXISTS (
  SELECT 1 FROM subject_state t WHERE t.subject_id = p.subject_id AND t.open = 1 AND t.head = p.sha)
ORDER BY p.at LIMIT $2`

const qDropPosted = `DELETE FROM posted WHERE subject_id = $1 AND sha = $2 AND name = $3`

// idle pages through subjects and says of each whether nothing is left of it. Where a tag pointed is remembered for as
// long as there is a database: it is how a tag that moves is noticed.
const qIdle = `
SELECT s.id, CASE WHEN s.next_at IS NULL AND s.holder IS NULL AND s.wanted = s.done
  AND NOT EXISTS (SELECT 1 FROM cause WHERE subject_id = s.id)
  AND NOT EXISTS (SELECT 1 FROM decision WHERE subject_id = s.id)
  AND NOT EXISTS (SELECT 1 FROM posted WHERE subject_id = s.id)
  AND NOT EXISTS (SELECT 1 FROM subject_state WHERE subject_id = s.id AND (open = 1 OR read_at >= $3 OR s.kind = 'tag'))
  THEN 1 ELSE 0 END
FROM subject s WHERE s.id > $1 ORDER BY s.id LIMIT $2`

const qHaveSubject = `SELECT 1 FROM subject WHERE id = $1 {lock}`

const qDropState = `DELETE FROM subject_state WHERE subject_id = $1`

// The newest stays: SQLite would give its number to the next one, whose tokens begin anew, and whoever still held the old one
// under such a token could give back what is not his.
const qDropSubject = `DELETE FROM subject WHERE id = $1 AND id < (SELECT max(id) FROM subject)`

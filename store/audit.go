package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/sluicegate/sluice/gate"
)

const qLastEntry = `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`

const qEntry = `
INSERT INTO audit (seq, at, kind, forge, repo, number, who, login, name, line, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// enter appends entries to the audit log, each chained to the one before.
func (s *Store) enter(t *tx, now int64, entries []gate.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	var seq int64
	var prev string
	if _, err := t.row([]any{&seq, &prev}, qLastEntry); err != nil {
		return fmt.Errorf("read the end of the audit log: %w", err)
	}
	for _, e := range entries {
		if e.At.IsZero() {
			e.At = at(now)
		}
		seq++
		e.Seq, e.Prev, e.Hash = seq, prev, ""
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("enter into the audit log: %w", err)
		}
		sum := sha256.Sum256(line)
		prev = hex.EncodeToString(sum[:])
		_, err = t.exec(qEntry, seq, e.At.UnixMilli(), string(e.Kind), e.Forge, fold(e.Repo), e.Change, e.Who.ID, fold(e.Who.Login), e.Check, string(line), prev)
		if err != nil {
			return fmt.Errorf("enter into the audit log: %w", err)
		}
	}
	return nil
}

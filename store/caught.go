package store

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// had asks for as many as a forge lists on a page; a list that is shorter is filled up with what no delivery is called.
var qHad = `SELECT guid FROM delivery WHERE forge = $1 AND guid IN (` + parameters(2, hadAtOnce) + `)`

const hadAtOnce = 100

const qCaught = `SELECT at FROM log_seen WHERE forge = $1`

const qCatch = `
INSERT INTO log_seen (forge, at) VALUES ($1, $2)
ON CONFLICT (forge) DO UPDATE SET at = excluded.at`

// parameters are n of them from a number on, with commas between.
func parameters(from, n int) string { return string(parametersOf(make([]byte, 0, 6*n), from, n)) }

// parametersOf adds them to a text: many texts are made at each start, of every command.
func parametersOf(text []byte, from, n int) []byte {
	for i := range n {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = strconv.AppendInt(append(text, '$'), int64(from+i), 10)
	}
	return text
}

// Had says which of these deliveries are kept.
func (s *Store) Had(ctx context.Context, forge string, guids []string) (map[string]bool, error) {
	had := make(map[string]bool, len(guids))
	for len(guids) > 0 {
		n := min(len(guids), hadAtOnce)
		args := make([]any, 1+hadAtOnce)
		args[0] = forge
		for i := range hadAtOnce {
			args[1+i] = ""
			if i < n {
				args[1+i] = guids[i]
			}
		}
		if err := s.collect(ctx, had, qHad, args...); err != nil {
			return nil, fmt.Errorf("look for deliveries: %w", err)
		}
		guids = guids[n:]
	}
	return had, nil
}

func (s *Store) collect(ctx context.Context, names map[string]bool, text string, args ...any) error {
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names[name] = true
	}
	return rows.Err()
}

// Caught is up to when the forge's log of deliveries was gone through, by the forge's clock; zero: it never was.
func (s *Store) Caught(ctx context.Context, forge string) (time.Time, error) {
	var when int64
	found, err := s.scan(ctx, []any{&when}, qCaught, forge)
	if err != nil || !found {
		return time.Time{}, err
	}
	return at(when), nil
}

// Catch remembers up to when the log was gone through.
func (s *Store) Catch(ctx context.Context, forge string, until time.Time) error {
	return s.do(ctx, calm, func(t *tx) error {
		_, err := t.exec(qCatch, forge, until.UnixMilli())
		return err
	})
}

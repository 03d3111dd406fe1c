package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

const qAccount = `SELECT login, name, grant_sealed, version, at FROM account WHERE forge = $1 AND person = $2`

const qAccountVersion = `SELECT version FROM account WHERE forge = $1 AND person = $2`

const qKeepAccount = `
INSERT INTO account (forge, person, login, name, grant_sealed, version, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (forge, person) DO UPDATE SET login = excluded.login, name = excluded.name, grant_sealed = excluded.grant_sealed,
  version = excluded.version, at = excluded.at`

const qSession = `SELECT forge, person, until, body FROM session WHERE hash = $1 AND until > $2`

const qKeepSession = `
INSERT INTO session (hash, forge, person, until, body) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (hash) DO UPDATE SET forge = excluded.forge, person = excluded.person, until = excluded.until, body = excluded.body`

const qDropSession = `DELETE FROM session WHERE hash = $1`

const qDropSessions = `DELETE FROM session WHERE forge = $1 AND person = $2`

const qOldSessions = `DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE until < $1 LIMIT $2)`

// An account whose grant nobody can use any more is forgotten with it. The version stays, so that nothing older comes back.
const qUnusedGrants = `
UPDATE account SET grant_sealed = $3, version = version + 1 WHERE (forge, person) IN (
  SELECT a.forge, a.person FROM account a WHERE length(a.grant_sealed) > 0 AND a.at < $1
    AND NOT EXISTS (SELECT 1 FROM session s WHERE s.forge = a.forge AND s.person = a.person)
    AND NOT EXISTS (SELECT 1 FROM api_token t WHERE t.forge = a.forge AND t.person = a.person) LIMIT $2)`

// Account is the person with this id at the forge, or nil.
func (s *Store) Account(ctx context.Context, forge, id string) (*gate.Account, error) {
	a := gate.Account{Forge: forge, ID: id}
	var told int64
	ok, err := s.scan(ctx, []any{&a.Login, &a.Name, &a.Grant, &a.Version, &told}, qAccount, forge, id)
	if err != nil || !ok {
		return nil, err
	}
	a.At = at(told)
	return &a, nil
}

// KeepAccount keeps what the forge tells of a person, with the grant, if the grant is still the one of the version that was
// read: 0 for none. It returns false when somebody was faster, and then keeps nothing.
func (s *Store) KeepAccount(ctx context.Context, a gate.Account) (kept bool, err error) {
	var mine bool // the closure's own: it may outlive this call
	err = s.do(ctx, patient, func(t *tx) error {
		var version int64
		if _, err := t.row([]any{&version}, qAccountVersion, a.Forge, a.ID); err != nil {
			return err
		}
		if mine = version == a.Version; !mine {
			return nil
		}
		_, err := t.exec(qKeepAccount, a.Forge, a.ID, a.Login, a.Name, blank(a.Grant), version+1, s.now())
		return err
	}, nameOf("account", a.Forge, a.ID))
	if err != nil {
		return false, fmt.Errorf("keep who signed in: %w", err)
	}
	return mine, nil
}

// blank makes of nothing an empty value, which is not NULL.
func blank(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Session is the one whose cookie has this hash, or nil for one that is over.
func (s *Store) Session(ctx context.Context, hash string) (*gate.Session, error) {
	x := gate.Session{Hash: hash}
	var until int64
	ok, err := s.scan(ctx, []any{&x.Forge, &x.ID, &until, &x.Body}, qSession, hash, s.now())
	if err != nil || !ok {
		return nil, err
	}
	x.Until = at(until)
	return &x, nil
}

// KeepSession keeps it, or what has changed of it.
func (s *Store) KeepSession(ctx context.Context, x gate.Session) error {
	return s.do(ctx, patient, func(t *tx) error {
		_, err := t.exec(qKeepSession, x.Hash, x.Forge, x.ID, x.Until.UnixMilli(), blank(x.Body))
		return err
	}, nameOf("session", x.Hash))
}

// DropSession ends one browser's session.
func (s *Store) DropSession(ctx context.Context, hash string) error {
	return s.do(ctx, patient, func(t *tx) error {
		_, err := t.exec(qDropSession, hash)
		return err
	}, nameOf("session", hash))
}

// DropSessions ends all sessions of a person, wherever they are.
func (s *Store) DropSessions(ctx context.Context, forge, id string) error {
	return s.do(ctx, patient|alone, func(t *tx) error {
		_, err := t.exec(qDropSessions, forge, id)
		return err
	}, nameOf("account", forge, id))
}

const tokenColumns = `id, forge, person, name, scopes, at, until, used`

const qTokenNew = `
INSERT INTO api_token (id, hash, forge, person, name, scopes, at, until, used) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`

const qTokenCount = `SELECT count(*) FROM api_token WHERE forge = $1 AND person = $2`

const qToken = `SELECT ` + tokenColumns + ` FROM api_token WHERE hash = $1 AND until > $2`

const qTokens = `SELECT ` + tokenColumns + ` FROM api_token WHERE forge = $1 AND person = $2 ORDER BY at DESC, id`

const qDropToken = `DELETE FROM api_token WHERE id = $1 AND forge = $2 AND person = $3`

const qDropTokens = `DELETE FROM api_token WHERE forge = $1 AND person = $2`

const qTokenUsed = `UPDATE api_token SET used = $2 WHERE id = $1`

const qOldTokens = `DELETE FROM api_token WHERE id IN (SELECT id FROM api_token WHERE until < $1 LIMIT $2)`

// AddToken keeps a token by the hash of what its person sends. It returns false, and keeps nothing, for one more than most.
func (s *Store) AddToken(ctx context.Context, x gate.Token, hash string, most int) (added bool, err error) {
	var room bool // the closure's own: it may outlive this call
	err = s.do(ctx, patient, func(t *tx) error {
		var n int
		if _, err := t.row([]any{&n}, qTokenCount, x.Forge, x.Person); err != nil {
			return err
		}
		if room = n < most; !room {
			return nil
		}
		_, err := t.exec(qTokenNew, x.ID, hash, x.Forge, x.Person, x.Name, strings.Join(x.Scopes, " "), x.At.UnixMilli(), x.Until.UnixMilli())
		return err
	}, nameOf("account", x.Forge, x.Person))
	if err != nil {
		return false, fmt.Errorf("keep a token: %w", err)
	}
	return room, nil
}

// Token is the one with this hash, or nil for one that is revoked or over.
func (s *Store) Token(ctx context.Context, hash string) (*gate.Token, error) {
	list, err := s.tokens(ctx, qToken, hash, s.now())
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Tokens are a person's, the newest first, those that are over included.
func (s *Store) Tokens(ctx context.Context, forge, person string) ([]gate.Token, error) {
	return s.tokens(ctx, qTokens, forge, person)
}

func (s *Store) tokens(ctx context.Context, text string, args ...any) (list []gate.Token, err error) {
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	err = each(rows, func(scan func(...any) error) error {
		var x gate.Token
		var scopes string
		var made, until, used int64
		err := scan(&x.ID, &x.Forge, &x.Person, &x.Name, &scopes, &made, &until, &used)
		x.Scopes, x.At, x.Until = strings.Fields(scopes), at(made), at(until)
		if used != 0 {
			x.Used = at(used)
		}
		list = append(list, x)
		return err
	})
	return list, err
}

// DropToken revokes a token of a person's own, and says whether there was one.
func (s *Store) DropToken(ctx context.Context, forge, person, id string) (was bool, err error) {
	var gone bool // the closure's own: it may outlive this call
	err = s.do(ctx, patient, func(t *tx) error {
		n, err := t.exec(qDropToken, id, forge, person)
		gone = n > 0
		return err
	}, nameOf("account", forge, person))
	return gone, err
}

// DropTokens revokes all of a person's.
func (s *Store) DropTokens(ctx context.Context, forge, person string) error {
	return s.do(ctx, patient|alone, func(t *tx) error {
		_, err := t.exec(qDropTokens, forge, person)
		return err
	}, nameOf("account", forge, person))
}

// UseToken remembers that a token was used.
func (s *Store) UseToken(ctx context.Context, id string, when time.Time) error {
	return s.do(ctx, patient|calm, func(t *tx) error {
		_, err := t.exec(qTokenUsed, id, when.UnixMilli())
		return err
	}, nameOf("token", id))
}

package store

import (
	"context"
	"strconv"

	"github.com/sluicegate/sluice/gate"
)

// What a process remembers of a forge it may have to forget when an event tells of it, and with replicas the event may have
// come to another one. The event has raised work, in the same transaction that kept it, and has left its trace in how often
// that work was wanted: so the database can be asked whether anything was told since.

const qHeard = `SELECT COALESCE(sum(wanted), 0), COALESCE(max(id), 0) FROM subject WHERE kind = $1 AND key >= $2 AND key < $3`

// Heard is another text after each event that told of a branch (gate.MarkBase) or of a tag (gate.MarkTag) of a repository.
func (s *Store) Heard(ctx context.Context, kind gate.MarkKind, forge, repo string) (string, error) {
	from, to := forge+":"+repo+"~", forge+":"+repo+"\x7f"
	if kind == gate.MarkTag {
		from, to = forge+":"+fold(repo)+"@", forge+":"+fold(repo)+"A"
	}
	var wanted, newest int64
	if _, err := s.scan(ctx, []any{&wanted, &newest}, qHeard, string(kind), from, to); err != nil {
		return "", err
	}
	return strconv.FormatInt(wanted, 10) + "/" + strconv.FormatInt(newest, 10), nil
}

// Shared says whether other processes may work on this database too.
func (s *Store) Shared() bool { return s.work != nil }

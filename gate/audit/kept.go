package audit

import (
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// Kept is an entry as a database keeps it: the line, which alone counts, and copies of what is searched by.
type Kept struct {
	Seq    int64
	At     int64 // unix milliseconds
	Kind   string
	Forge  string
	Repo   string // as Fold writes it
	Change int64
	Who    int64
	Login  string // as Fold writes it
	Check  string
	Line   string
	Hash   string
}

// Keep is what a database keeps of an entry with this line.
func Keep(e gate.Entry, line string) Kept {
	return Kept{Seq: e.Seq, At: e.At.UnixMilli(), Kind: string(e.Kind), Forge: e.Forge, Repo: Fold(e.Repo), Change: int64(e.Change),
		Who: e.Who.ID, Login: Fold(e.Who.Login), Check: e.Check, Line: line, Hash: e.Hash}
}

// Fold is how names are compared that forges spell in either case. Letters outside of ASCII stay: a later Unicode must
// not make a column differ from its line.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// differs names the first copy that is not what the line says, or "".
func (k Kept) differs(want Kept) string {
	for _, c := range []struct {
		name      string
		have, say any
	}{
		{"at", k.At, want.At}, {"kind", k.Kind, want.Kind}, {"forge", k.Forge, want.Forge}, {"repo", k.Repo, want.Repo},
		{"number", k.Change, want.Change}, {"who", k.Who, want.Who}, {"login", k.Login, want.Login}, {"name", k.Check, want.Check},
		{"hash", k.Hash, want.Hash},
	} {
		if c.have != c.say {
			return fmt.Sprintf("its column %s was altered: it holds %#v, and the entry says %#v", c.name, c.have, c.say)
		}
	}
	return ""
}

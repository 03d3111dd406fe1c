package audit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// varied are entries of all kinds, with odd characters in them.
func varied(t testing.TB, n int) (entries []gate.Entry, kept []Kept) {
	t.Helper()
	kinds := []gate.EntryKind{gate.EntryDecision, gate.EntryOverride, gate.EntryCommand, gate.EntryPolicy, gate.EntryRelease,
		gate.EntryFinding, gate.EntryDeployment, gate.EntryOutside}
	reasons := []string{"", "The pager rang.", `<b>"quoted" & \slashed</b>`, "two\nlines\tand\x00more", "Ünïcödé – 水門 👀", "\u202eright to left\u202c, \u200bhidden, \u0085next", "\xff\xfe not UTF-8"}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var end End
	for i := range n {
		e := gate.Entry{At: at.Add(time.Duration(i*i) * 7 * time.Millisecond), Kind: kinds[i%len(kinds)], Forge: "github", Repo: "Acme/Shop",
			Change: i % 7, Commit: strings.Repeat(fmt.Sprint(i%10), 40), Who: gate.Who{ID: int64(i * 1001), Login: "Ana"}, Reason: reasons[i%len(reasons)],
			URL: fmt.Sprintf("https://github.com/Acme/Shop/pull/7#issuecomment-%d", i), Policy: "abc", Command: []string{"", "override"}[i%2], Check: []string{"", "changelog"}[i%2]}
		e, line, err := Seal(Tidy(e, at), end.Seq, end.Hash)
		if err != nil {
			t.Fatal(err)
		}
		end = End{e.Seq, e.Hash}
		entries, kept = append(entries, e), append(kept, Keep(e, line))
	}
	return entries, kept
}

func verify(rows []Kept, marks ...Checkpoint) error { return verifyFrom(&Chain{}, rows, marks...) }

func verifyFrom(c *Chain, rows []Kept, marks ...Checkpoint) error {
	c.Expect(marks...)
	for _, k := range rows {
		if err := c.Row(k); err != nil {
			return err
		}
	}
	return c.Close()
}

func verifyLines(rows []Kept, marks ...Checkpoint) error {
	return verifyLinesFrom(&Chain{Part: true}, rows, marks...)
}

func verifyLinesFrom(c *Chain, rows []Kept, marks ...Checkpoint) error {
	c.Expect(marks...)
	for _, k := range rows {
		if err := c.Line(k.Line); err != nil {
			return err
		}
	}
	return c.Close()
}

func seqOf(err error) int64 {
	var f *Fault
	if !errors.As(err, &f) {
		return -1
	}
	return f.Seq
}

// Every single byte of every line and of every column, and every bit of every number: what is named is that very entry.
func TestAnyAlteredByteIsFoundAndNamed(t *testing.T) {
	t.Parallel()
	_, kept := varied(t, 30)
	if err := errors.Join(verify(kept), verifyLines(kept)); err != nil {
		t.Fatal(err)
	}
	tried := 0
	named := func(i int, what string, err error) {
		tried++
		if got := seqOf(err); got != int64(i+1) {
			t.Fatalf("%s of entry %d altered: verify named %d (%v)", what, i+1, got, err)
		}
	}
	begun := &Chain{} // what comes before the altered entry is read once
	for i := range kept {
		try := func(i int, what string, rows []Kept) {
			c := *begun
			named(i, what, verifyFrom(&c, rows[i:]))
		}
		rows := slices.Clone(kept)
		texts := map[string]*string{"line": &rows[i].Line, "kind": &rows[i].Kind, "forge": &rows[i].Forge, "repo": &rows[i].Repo,
			"login": &rows[i].Login, "name": &rows[i].Check, "hash": &rows[i].Hash}
		for name, text := range texts {
			was := *text
			for at := range len(was) {
				for _, bits := range []byte{0x01, 0x20, 0x80} { // the next character, the other case, no UTF-8
					b := []byte(was)
					b[at] ^= bits
					*text = string(b)
					try(i, name, rows)
					if c := *begun; name == "line" {
						named(i, name, verifyLinesFrom(&c, rows[i:]))
					}
				}
			}
			*text = was + "x"
			try(i, name, rows)
			*text = was
		}
		for name, number := range map[string]*int64{"at": &rows[i].At, "number": &rows[i].Change, "who": &rows[i].Who} {
			was := *number
			for bit := range 64 {
				*number = was ^ 1<<bit
				try(i, name, rows)
			}
			*number = was
		}
		for bit := range 64 { // the key: the row moves to where its new number belongs, unless that is taken
			moved := slices.Clone(kept)
			moved[i].Seq ^= 1 << bit
			if slices.ContainsFunc(kept, func(k Kept) bool { return k.Seq == moved[i].Seq }) || i == len(kept)-1 && moved[i].Seq > int64(i+1) {
				continue
			}
			slices.SortFunc(moved, func(a, b Kept) int {
				if a.Seq < b.Seq {
					return -1
				}
				return 1
			})
			named(i, "seq", verify(moved))
		}
		if err := begun.Row(kept[i]); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d alterations, each named", tried)
}

// resealed is the log with one entry changed by somebody who knows how hashes are made, and all after it hashed anew when
// onwards.
func resealed(t *testing.T, entries []gate.Entry, kept []Kept, i int, onwards bool, edit func(*gate.Entry)) []Kept {
	t.Helper()
	rows := slices.Clone(kept)
	end := End{entries[i].Seq - 1, entries[i].Prev}
	for j := i; j < len(entries) && (j == i || onwards); j++ {
		e := entries[j]
		if j == i {
			edit(&e)
			if e.Prev != entries[i].Prev {
				end.Hash = e.Prev
			}
		}
		e, line, err := Seal(e, end.Seq, end.Hash)
		if err != nil {
			t.Fatal(err)
		}
		rows[j], end = Keep(e, line), End{e.Seq, e.Hash}
	}
	return rows
}

func TestWhoeverHashesAnewIsFoundToo(t *testing.T) {
	t.Parallel()
	entries, kept := varied(t, 12)
	sign := func(n int) Checkpoint { return Checkpoint{End: End{entries[n-1].Seq, entries[n-1].Hash}} }
	reason := func(e *gate.Entry) { e.Reason = "another" }
	prev := func(e *gate.Entry) { e.Prev = strings.Repeat("0", 64) }
	for name, c := range map[string]struct {
		rows  []Kept
		marks []Checkpoint
		want  int64
		says  string
	}{
		"the first":                             {resealed(t, entries, kept, 0, false, reason), nil, 1, "hashed anew"},
		"one in the middle":                     {resealed(t, entries, kept, 4, false, reason), nil, 5, "hashed anew"},
		"one in the middle with another prev":   {resealed(t, entries, kept, 4, false, prev), nil, 5, "hashed anew"},
		"the last but one":                      {resealed(t, entries, kept, 10, false, reason), nil, 11, "hashed anew"},
		"the first names one before it":         {resealed(t, entries, kept, 0, true, prev), nil, 1, "before the first"},
		"one with another prev, and all after":  {resealed(t, entries, kept, 4, true, prev), []Checkpoint{sign(4)}, 5, "which is the one that was signed"},
		"all from one on, before a checkpoint":  {resealed(t, entries, kept, 4, true, reason), []Checkpoint{sign(9)}, 9, "after entry 0"},
		"all from one on, between checkpoints":  {resealed(t, entries, kept, 4, true, reason), []Checkpoint{sign(9), sign(2)}, 9, "after entry 2"},
		"the last, which was signed":            {resealed(t, entries, kept, 11, true, reason), []Checkpoint{sign(12)}, 12, "rewritten"},
		"all from one on, after the checkpoint": {resealed(t, entries, kept, 9, true, reason), []Checkpoint{sign(9)}, -1, ""},
	} {
		for reader, err := range map[string]error{"rows": verify(c.rows, c.marks...), "lines": verifyLines(c.rows, c.marks...)} {
			if seqOf(err) != c.want || c.says != "" && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %s: %v, want entry %d and %q", name, reader, err, c.want, c.says)
			}
		}
	}
}

func TestWhatIsMissingTwiceOrMovedIsNamed(t *testing.T) {
	t.Parallel()
	entries, kept := varied(t, 9)
	forged, line, err := Seal(entries[7], 3, entries[2].Hash) // a ninth life for entry 4
	if err != nil {
		t.Fatal(err)
	}
	swapped := slices.Clone(kept)
	swapped[3], swapped[4] = swapped[4], swapped[3]
	swappedLines := slices.Clone(kept)
	swappedLines[3].Line, swappedLines[4].Line = kept[4].Line, kept[3].Line
	end := func(n int) []Checkpoint { return []Checkpoint{{End: End{int64(n), entries[min(n, 9)-1].Hash}}} }
	for name, c := range map[string]struct {
		rows        []Kept
		marks       []Checkpoint
		rowed, read int64 // what is named in a database and in an export; 0: whole, -1: another error
	}{
		"whole":                        {kept, end(9), 0, 0},
		"empty":                        {nil, nil, 0, 0},
		"one deleted":                  {slices.Delete(slices.Clone(kept), 3, 4), nil, 4, 4},
		"three deleted":                {slices.Delete(slices.Clone(kept), 3, 6), nil, 4, 4},
		"the beginning deleted":        {kept[2:], nil, 1, 0},
		"the end deleted":              {kept[:6], nil, 0, 0},
		"the end deleted, but signed":  {kept[:6], end(9), 7, 7},
		"the last deleted, but signed": {kept[:8], end(9), 9, 9},
		"all deleted, but signed":      {nil, end(9), 1, 1},
		"swapped":                      {swapped, nil, 4, 4},
		"lines swapped":                {swappedLines, nil, 4, 4},
		"twice":                        {slices.Insert(slices.Clone(kept), 4, kept[3]), nil, 4, 4},
		"one slipped in":               {slices.Insert(slices.Clone(kept), 3, Keep(forged, line)), nil, 4, 4},
		"from the third, signed there": {kept[2:], end(2), 1, 0},
		"from the third, signed early": {kept[2:], end(1), 1, -1},
		"an empty line":                {slices.Insert(slices.Clone(kept), 4, Kept{Seq: 5}), nil, 5, 5},
	} {
		for _, r := range []struct {
			reader string
			err    error
			want   int64
		}{{"rows", verify(c.rows, c.marks...), c.rowed}, {"lines", verifyLines(c.rows, c.marks...), c.read}} {
			if got := seqOf(r.err); (r.err == nil) != (r.want == 0) || r.err != nil && got != r.want {
				t.Errorf("%s, %s: %v, want entry %d named", name, r.reader, r.err, r.want)
			}
		}
	}
}

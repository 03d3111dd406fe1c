package audit

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// End is a place in the log: after so many entries, the last of which has this hash. The zero End is the beginning.
type End struct {
	Seq  int64
	Hash string
}

// Fault is the first thing that is wrong with a log.
type Fault struct {
	Seq  int64  // the entry; 0: no one of them
	Line int64  // of an export; 0: it was read from a database
	What string // with the entry as its subject: "altered: …"
}

func (f *Fault) Error() string {
	switch {
	case f.Seq == 0 && f.Line == 0:
		return f.What
	case f.Seq == 0:
		return fmt.Sprintf("line %d: %s", f.Line, f.What)
	case f.Line > 0:
		return fmt.Sprintf("entry %d (line %d): %s", f.Seq, f.Line, f.What)
	}
	return fmt.Sprintf("entry %d: %s", f.Seq, f.What)
}

// Chain reads a log from its first entry to its last and stops at the first Fault. Its memory does not grow with the log.
type Chain struct {
	// Part says that the log may begin later than with its first entry: what came before is then not looked at.
	Part bool

	marks   []Checkpoint // still to come by, in order
	first   int64        // seq of the first entry read; 0: none yet
	end     End
	anew    bool // the hash of the end is not known, and the next entry is to be compared with a checkpoint
	line    int64
	signed  int64  // the last entry that a checkpoint proved
	suspect *Fault // a break whose side is known when the next entry was read
	fault   error
}

// After begins a Chain at a place that was read before. The entry there is read once more: that nothing comes after it
// does not mean that it is still there.
func After(e End) *Chain {
	if e.Seq == 0 {
		return &Chain{}
	}
	c := &Chain{end: End{Seq: e.Seq - 1}, anew: e.Seq > 1}
	c.Expect(Checkpoint{End: e})
	return c
}

// End is how far the log was read, and First the seq that it began with.
func (c *Chain) End() End     { return c.end }
func (c *Chain) First() int64 { return c.first }

// Row reads the next entry as a database keeps it. Rows come by seq.
func (c *Chain) Row(k Kept) error {
	if c.fault != nil {
		return c.fault
	}
	want := c.end.Seq + 1
	e, err := Open(k.Line)
	switch {
	case k.Seq > want && !c.begins():
		return c.missing(want, k.Seq-1)
	case err != nil:
		return c.fail(k.Seq, err.Error())
	case k.Seq < want:
		return c.fail(e.Seq, fmt.Sprintf("moved: it is stored under %d", k.Seq))
	case e.Seq != k.Seq:
		return c.fail(k.Seq, fmt.Sprintf("altered: the line of entry %d is in its place", e.Seq))
	}
	if what := k.differs(Keep(e, k.Line)); what != "" {
		return c.fail(k.Seq, what)
	}
	return c.follow(e)
}

// Line reads the next line of an export.
func (c *Chain) Line(line string) error {
	if c.fault != nil {
		return c.fault
	}
	c.line++
	want := c.end.Seq + 1
	e, err := Open(line)
	switch {
	case err != nil && c.line == 1 && !strings.HasPrefix(line, head) && !strings.Contains(line, tail):
		return c.fail(0, "it is no entry of an audit log, and does not begin like one: either this is something else, or it was altered")
	case err != nil:
		return c.fail(want, err.Error())
	case e.Seq > want && !c.begins():
		return c.missing(want, e.Seq-1)
	case e.Seq < want:
		return c.fail(e.Seq, "it occurs twice, or out of order")
	}
	return c.follow(e)
}

// Last reads the last line of an export, whose line end is missing. Where the whole line is there, that is all that is.
// Where it breaks off it is told apart from one that was altered: whoever alters an entry leaves one that is whole.
func (c *Chain) Last(line string) error {
	broken := strings.HasPrefix(line, head) && !json.Valid([]byte(line)) || len(line) < len(head) && strings.HasPrefix(head, line)
	if c.fault != nil || !broken {
		return c.Line(line)
	}
	if c.suspect != nil {
		return c.tell(c.suspect)
	}
	c.line++
	if c.first == 0 {
		return c.fail(0, "the first line is cut off, and no other is there: "+brokeOff)
	}
	return c.fail(c.end.Seq+1, fmt.Sprintf("the last line is cut off: %s. Up to entry %d all is whole", brokeOff, c.end.Seq))
}

// head is how every entry begins.
const head = `{"seq":`

const brokeOff = "the download broke off? Export it once more"

// begins says that this entry is the first of a log of which a part is enough.
func (c *Chain) begins() bool { return c.Part && c.first == 0 }

// follow looks whether an entry, which fits by itself, follows the one before.
func (c *Chain) follow(e gate.Entry) error {
	if s := c.suspect; s != nil {
		if e.Prev != c.end.Hash { // the one before fits neither of its neighbours
			if s.Seq++; s.Line > 0 {
				s.Line++
			}
			s.What = "altered, and hashed anew: it fits neither the entry before nor the one after"
		}
		return c.tell(s)
	}
	switch {
	case c.anew: // what it follows was compared when it was read first
		c.anew = false
	case c.begins() && e.Seq > 1:
		if err := c.mark(End{e.Seq - 1, e.Prev}); err != nil {
			return err
		}
	case e.Prev != c.end.Hash && c.end.Seq == 0:
		return c.fail(e.Seq, "altered, and hashed anew: it names an entry before the first")
	case e.Prev != c.end.Hash && c.signed == c.end.Seq:
		return c.fail(e.Seq, "altered, and hashed anew: it does not follow the entry before, which is the one that was signed")
	case e.Prev != c.end.Hash:
		c.suspect = &Fault{Seq: c.end.Seq, Line: max(0, c.line-1),
			What: fmt.Sprintf("altered, and hashed anew: it has the hash %q, and the entry after it was made to follow %q", c.end.Hash, e.Prev)}
	}
	if c.first == 0 {
		c.first = e.Seq
	}
	c.end = End{e.Seq, e.Hash}
	if c.suspect != nil {
		return nil
	}
	return c.mark(c.end)
}

// Close says whether the log, which was read to its end, is whole.
func (c *Chain) Close() error {
	switch {
	case c.fault != nil:
		return c.fault
	case c.suspect != nil:
		return c.tell(c.suspect)
	case len(c.marks) > 0:
		m := c.marks[0]
		c.line = 0
		what := fmt.Sprintf("it and all after it up to %d are missing: the checkpoint signed %s says that they were there", m.Seq, when(m))
		if m.Seq == c.end.Seq+1 {
			what = fmt.Sprintf("missing: the checkpoint signed %s says that it was there", when(m))
		}
		return c.fail(c.end.Seq+1, what)
	}
	return nil
}

func (c *Chain) missing(from, to int64) error {
	if from == to {
		return c.fail(from, "missing")
	}
	return c.fail(from, fmt.Sprintf("it and all after it up to %d are missing", to))
}

func (c *Chain) fail(seq int64, what string) error {
	return c.tell(&Fault{Seq: seq, Line: c.line, What: what})
}

func (c *Chain) tell(f *Fault) error {
	c.fault = f
	return f
}

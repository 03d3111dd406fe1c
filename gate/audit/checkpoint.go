package audit

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/sluicegate/sluice/checks/sorting"
)

// form is a line of every checkpoint. The first three are those of a transparency log's checkpoint; this one says that
// the hash is not the root of a Merkle tree, so that nobody takes it for one.
const form = "hash-chain sluice-audit-v1"

// Checkpoint says that a log had so many entries, and which was the last.
type Checkpoint struct {
	Origin string // name of the log and of its key: "sluice.example.com/audit"
	End
	At time.Time // by the clock of whoever signed, in whole seconds
}

// ErrEmpty says that nothing was entered yet, so that there is nothing to sign.
var ErrEmpty = errors.New("the log is empty: there is nothing to sign yet")

// text is what is signed: origin, number of entries, hash of the last one in base64, the form, and the time.
func (c Checkpoint) text() (string, error) {
	sum, err := hex.DecodeString(c.Hash)
	if err != nil || len(sum) != hexDigits/2 || c.Seq < 1 {
		return "", ErrEmpty
	}
	return fmt.Sprintf("%s\n%d\n%s\n%s\nat %s\n", c.Origin, c.Seq, base64.StdEncoding.EncodeToString(sum), form,
		c.At.UTC().Format(time.RFC3339)), nil
}

// Sign is the checkpoint as a C2SP signed note, with the signer's name as its origin.
func (c Checkpoint) Sign(s note.Signer) ([]byte, error) {
	c.Origin = s.Name()
	text, err := c.text()
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: text}, s)
}

// ReadCheckpoint reads a signed note that one of the keys has signed.
func ReadCheckpoint(message []byte, keys ...note.Verifier) (Checkpoint, error) {
	n, err := note.Open(message, note.VerifierList(keys...))
	if err != nil {
		return Checkpoint{}, err
	}
	c, err := parse(n.Text)
	if err == nil && !slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Name == c.Origin }) {
		err = fmt.Errorf("it tells of the log %q, and was signed by %q", c.Origin, n.Sigs[0].Name)
	}
	return c, err
}

func parse(text string) (Checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 5 || lines[3] != form || !strings.HasPrefix(lines[4], "at ") || slices.Contains(lines, "") {
		return Checkpoint{}, errors.New("it is a signed note, and not a checkpoint of an audit log of Sluice")
	}
	seq, err1 := strconv.ParseInt(lines[1], 10, 64)
	sum, err2 := base64.StdEncoding.Strict().DecodeString(lines[2])
	at, err3 := time.Parse("at "+time.RFC3339, lines[4])
	c := Checkpoint{lines[0], End{seq, hex.EncodeToString(sum)}, at.UTC()}
	again, err4 := c.text()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return c, fmt.Errorf("read the checkpoint: %w", err)
	}
	if again != strings.Join(lines[:5], "\n")+"\n" {
		return c, errors.New("the checkpoint is not written as Sluice writes it")
	}
	return c, nil
}

// NewKey makes a key pair with this name, as the note package encodes them. It looks at the name itself: the package makes
// a key under any, and then reads none of those that signed notes cannot have.
func NewKey(name string) (private, public string, err error) {
	if odd := oddInName(name); odd != "" {
		return "", "", fmt.Errorf("%q cannot be the name of a key, since %s; write it like sluice.example.com/audit", name, odd)
	}
	private, public, err = note.GenerateKey(nil, name)
	if err != nil {
		return "", "", fmt.Errorf("make a key named %q: %w", name, err)
	}
	return private, public, nil
}

// oddInName says what a name has that names of keys must not have, by https://c2sp.org/signed-note; "" nothing. What a
// terminal obeys is not allowed either: the name is the first line of every checkpoint.
func oddInName(name string) string {
	switch {
	case name == "":
		return "it is empty"
	case !utf8.ValidString(name):
		return "it is not UTF-8"
	case strings.ContainsFunc(name, unicode.IsSpace):
		return "it has a space in it, which signed notes do not allow"
	case strings.Contains(name, "+"):
		return "it has a + in it, which parts a key's name from the key"
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || hidden(r) }):
		return "it has characters in it that nobody sees"
	}
	return ""
}

// Signer reads a private key, which may have white space around it.
func Signer(private []byte) (note.Signer, error) {
	s, err := note.NewSigner(string(bytes.TrimSpace(private)))
	if err != nil {
		return nil, errors.New("it is not a private key as `sluice audit key` writes it") // whatever it is, it is not shown
	}
	return s, nil
}

// PublicKey is the verifier key that belongs to a private key.
func PublicKey(private []byte) (string, error) {
	s, err := Signer(private)
	if err != nil {
		return "", err
	}
	parts := strings.Split(string(bytes.TrimSpace(private)), "+")
	// PRIVATE+KEY+name+hash+data, where data may hold more of the plus signs: it is what follows the fourth.
	data, err := base64.StdEncoding.DecodeString(strings.Join(parts[4:], "+"))
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return "", errors.New("it is not an Ed25519 key")
	}
	return note.NewEd25519VerifierKey(s.Name(), ed25519.NewKeyFromSeed(data[1:]).Public().(ed25519.PublicKey))
}

// Expect has the chain prove these checkpoints too: the log must hold the very entries that they were signed for.
func (c *Chain) Expect(marks ...Checkpoint) {
	c.marks = append(c.marks, marks...)
	sorting.By(c.marks, func(a, b Checkpoint) int { return cmp.Compare(a.Seq, b.Seq) })
}

// ErrBefore says that a checkpoint was signed before the first entry of an export: it proves nothing about it.
var ErrBefore = errors.New("the export begins after the entry that was signed: export from an earlier one")

// mark compares the place that was reached with the checkpoints of it.
func (c *Chain) mark(here End) error {
	for len(c.marks) > 0 && c.marks[0].Seq <= here.Seq {
		m := c.marks[0]
		if m.Seq < here.Seq {
			c.fault = fmt.Errorf("checkpoint of entry %d: %w", m.Seq, ErrBefore)
			return c.fault
		}
		if m.Hash != here.Hash {
			return c.fail(m.Seq, fmt.Sprintf("rewritten: it has the hash %q, and %q was signed %s; the first that was rewritten is it or one before it, after entry %d",
				here.Hash, m.Hash, when(m), c.signed))
		}
		c.signed, c.marks = m.Seq, c.marks[1:]
	}
	return nil
}

func when(m Checkpoint) string {
	if m.At.IsZero() {
		return "earlier"
	}
	return "at " + m.At.UTC().Format(time.RFC3339)
}

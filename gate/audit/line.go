// Package audit is the form of the record: how an entry is written as a line, how each line holds the hash of the one
// before, how a reader finds the first that was altered, and how the end of the log is signed so that a copy kept
// elsewhere proves that nothing was cut off. docs/audit.md tells the same to whoever wants to check it by hand.
//
// It refuses to know a database or a clock, to mend what does not fit, and to call a log whole that it has not read.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/sluicegate/sluice/gate"
)

// tail is how every line ends: its own hash is the last member, and what is hashed is the line without that member.
const (
	tail      = `,"hash":"`
	hexDigits = 2 * sha256.Size
	tailBytes = len(tail) + hexDigits + len(`"}`)
)

// Seal makes e the entry that follows the one with this seq and hash (0 and "" for the first) and returns it with its
// line. What is to be entered went through Tidy before.
func Seal(e gate.Entry, seq int64, prev string) (gate.Entry, string, error) {
	e.Seq, e.Prev, e.Hash = seq+1, prev, ""
	line, err := encode(e)
	if err != nil {
		return e, "", fmt.Errorf("write entry %d: %w", e.Seq, err)
	}
	body := strings.TrimSuffix(line, tail+`"}`)
	e.Hash = digest(body)
	return e, body + tail + e.Hash + `"}`, nil
}

// Open reads a line that fits by itself: it has the hash that it states, and is written as Seal writes it. Whether it
// follows the line before is for a Chain to say.
func Open(line string) (gate.Entry, error) {
	var e gate.Entry
	at := len(line) - tailBytes
	if at < 0 || line[at:at+len(tail)] != tail || !strings.HasSuffix(line, `"}`) {
		return e, errors.New("altered: it does not end in its own hash, as every entry does")
	}
	stated := line[at+len(tail) : len(line)-2]
	if sum := digest(line[:at]); sum != stated {
		return e, fmt.Errorf("altered: it states the hash %q, and its content has %q", stated, sum)
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		return e, fmt.Errorf("altered: it is no JSON object with an entry's members (%w)", err)
	}
	if again, err := encode(e); err != nil || again != line {
		return e, errors.New("altered: it is not written as Sluice writes entries, or by a newer Sluice that knows more members")
	}
	return e, nil
}

// digest is the hash of a line that was cut before its hash.
func digest(body string) string {
	sum := sha256.Sum256([]byte(body + "}"))
	return hex.EncodeToString(sum[:])
}

// encode writes an entry as one line: members in the order of gate.Entry, no spaces, and as \u escapes what would move or
// hide text on a screen, so that an export can be looked at.
func encode(e gate.Entry) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return "", err
	}
	return escaped(strings.TrimSuffix(b.String(), "\n")), nil
}

func escaped(line string) string {
	if !strings.ContainsFunc(line, hidden) {
		return line
	}
	var b strings.Builder
	for _, r := range line {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// hidden are characters that a terminal obeys or that a reader does not see. The ranges are written out, since a line
// must come out the same with whatever version of Unicode a later Go has.
func hidden(r rune) bool {
	switch {
	case r >= 0x7f && r <= 0x9f, r == 0xad, r == 0x61c, r == 0x180e, // controls, soft hyphen, direction, vowel separator
		r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, // widths, directions, line ends
		r == 0xfeff, r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff: // marks and tags
		return true
	}
	return false
}

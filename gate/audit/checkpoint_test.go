package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

func newKeys(t *testing.T, name string) (note.Signer, note.Verifier, string) {
	t.Helper()
	private, public, err := NewKey(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Signer([]byte("\n" + private + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := PublicKey([]byte(private + "\n")); again != public {
		t.Errorf("PublicKey = %q, %v, want %q", again, err, public)
	}
	return s, v, public
}

func TestACheckpointIsASignedNote(t *testing.T) {
	t.Parallel()
	s, v, public := newKeys(t, "sluice.example.com/audit")
	entries, _ := varied(t, 5)
	c := Checkpoint{End: End{5, entries[4].Hash}, At: time.Date(2026, 3, 1, 13, 0, 0, 999, time.FixedZone("", 3600))}
	message, err := c.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	sum, _ := hex.DecodeString(entries[4].Hash)
	text := "sluice.example.com/audit\n5\n" + base64.StdEncoding.EncodeToString(sum) + "\nhash-chain sluice-audit-v1\nat 2026-03-01T12:00:00Z\n"
	body, signature, _ := strings.Cut(string(message), "\n\n")
	if body+"\n" != text {
		t.Errorf("the text is %q, want %q", body+"\n", text)
	}
	// By C2SP signed-note, without the note package: an em dash, the name, and base64 of key ID and Ed25519 signature.
	fields := strings.Fields(signature)
	raw, err := base64.StdEncoding.DecodeString(fields[2])
	key, _ := base64.StdEncoding.DecodeString(strings.SplitN(public, "+", 3)[2])
	if err != nil || fields[0] != "—" || fields[1] != s.Name() || hex.EncodeToString(raw[:4]) != strings.Split(public, "+")[1] ||
		!ed25519.Verify(key[1:], []byte(text), raw[4:]) {
		t.Errorf("the signature is %q, which does not verify (%v)", signature, err)
	}
	back, err := ReadCheckpoint(message, v)
	if want := (Checkpoint{"sluice.example.com/audit", c.End, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}); back != want || err != nil {
		t.Errorf("ReadCheckpoint = %+v, %v, want %+v", back, err, want)
	}
}

func TestWhatIsNoCheckpointOfOursIsRefused(t *testing.T) {
	t.Parallel()
	s, v, _ := newKeys(t, "a/audit")
	other, _, _ := newKeys(t, "a/audit")
	hash := strings.Repeat("ab", 32)
	good, err := Checkpoint{End: End{3, hash}}.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := Checkpoint{End: End{3, hash}}.Sign(other)
	signed := func(text string) []byte {
		m, err := note.Sign(&note.Note{Text: text}, s)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	base := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, message := range map[string][]byte{
		"nothing":              nil,
		"another key":          foreign,
		"altered":              []byte(strings.Replace(string(good), "\n3\n", "\n2\n", 1)),
		"no signature":         []byte(strings.SplitAfter(string(good), "\n\n")[0]),
		"a tree's checkpoint":  signed("a/audit\n3\n" + base + "\n"),
		"another origin":       signed("b/audit\n3\n" + base + "\nhash-chain sluice-audit-v1\nat 2026-03-01T12:00:00Z\n"),
		"no number":            signed("a/audit\nx\n" + base + "\nhash-chain sluice-audit-v1\nat 2026-03-01T12:00:00Z\n"),
		"a number with a zero": signed("a/audit\n03\n" + base + "\nhash-chain sluice-audit-v1\nat 2026-03-01T12:00:00Z\n"),
		"none at all":          signed("a/audit\n0\n" + base + "\nhash-chain sluice-audit-v1\nat 2026-03-01T12:00:00Z\n"),
		"a short hash":         signed("a/audit\n3\nAAAA\nhash-chain sluice-audit-v1\nat 2026-03-01T12:00:00Z\n"),
		"another time zone":    signed("a/audit\n3\n" + base + "\nhash-chain sluice-audit-v1\nat 2026-03-01T12:00:00+01:00\n"),
		"an empty line":        signed("a/audit\n3\n" + base + "\nhash-chain sluice-audit-v1\nat 2026-03-01T12:00:00Z\n\nmore\n"),
	} {
		if c, err := ReadCheckpoint(message, v); err == nil {
			t.Errorf("%s: ReadCheckpoint = %+v, want an error", name, c)
		}
	}
	later := signed("a/audit\n3\n" + base + "\nhash-chain sluice-audit-v1\nat 2026-03-01T12:00:00Z\nsomething later versions say\n")
	if _, err := ReadCheckpoint(later, v); err != nil {
		t.Errorf("a further line: %v, want it passed over", err)
	}
	if _, err := (Checkpoint{}).Sign(s); err == nil {
		t.Error("an empty log was signed")
	}
	for _, key := range []string{"", "PRIVATE+KEY+a+b+c", "-----BEGIN PRIVATE KEY-----\nMII"} {
		if _, err := Signer([]byte(key)); err == nil || key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("Signer(%q) = %v, want an error that does not show it", key, err)
		}
		if _, err := PublicKey([]byte(key)); err == nil {
			t.Errorf("PublicKey(%q) succeeded", key)
		}
	}
}

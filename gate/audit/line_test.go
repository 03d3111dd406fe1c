package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sluicegate/sluice/gate"
)

// These lines are pinned: what was written once must be read for ever.
func TestTheFormOfALineStays(t *testing.T) {
	t.Parallel()
	first := gate.Entry{At: time.Date(2026, 3, 1, 12, 30, 0, 250_999_999, time.FixedZone("", 3600)), Kind: gate.EntryOverride, Forge: "github",
		Repo: "acme/shop", Change: 7, Commit: "c1", Environment: "production", Who: gate.Who{ID: 42, Login: "ana"}, Check: "changelog",
		Reason: "<&> \u202eno\u2028 \U000e0041 日本 \"x\"", URL: "https://user:pass@github.com/acme/shop/pull/7#issuecomment-9", Policy: "p", Command: "override", Outcome: "granted", Decision: "d"}
	e, line, err := Seal(Tidy(first, time.Time{}), 0, "")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"seq":1,"at":"2026-03-01T11:30:00.25Z","kind":"override","forge":"github","repo":"acme/shop","change":7,"commit":"c1",` +
		`"environment":"production","who":{"id":42,"login":"ana"},"check":"changelog","reason":"<&> \u202eno\u2028 \udb40\udc41 日本 \"x\"",` +
		`"url":"https://github.com/acme/shop/pull/7#issuecomment-9","policy":"p","command":"override","outcome":"granted","decision":"d","prev":"",` +
		`"hash":"907d1e7be36bfc1c8671b98015dc04d20da4765a714ce45b33866d6a3414c12d"}`
	// The hash by the rule of docs/audit.md: SHA-256 over the line without its last member.
	cut := strings.LastIndex(want, `,"hash":`)
	sum := sha256.Sum256([]byte(want[:cut] + "}"))
	if hash := hex.EncodeToString(sum[:]); e.Hash != hash {
		t.Errorf("the hash is %s, and by the rule it is %s", e.Hash, hash)
	}
	if line != want {
		t.Errorf("Seal =\n%s\nwant\n%s", line, want)
	}
	again, err := Open(line)
	if err != nil || again != e {
		t.Errorf("Open = %+v, %v, want %+v", again, err, e)
	}
	if _, next, _ := Seal(gate.Entry{}, e.Seq, e.Hash); !strings.HasPrefix(next, `{"seq":2,"at":"0001-01-01T00:00:00Z","kind":"",`) || !strings.Contains(next, `,"prev":"`+e.Hash+`","hash":"`) {
		t.Errorf("the next line is %s", next)
	}
}

func TestOpenRefusesWhatSealNeverWrites(t *testing.T) {
	t.Parallel()
	_, line, err := Seal(gate.Entry{Reason: "x"}, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	rehash := func(old, new string) string {
		body := strings.TrimSuffix(strings.Replace(line[:len(line)-tailBytes], old, new, 1), "}")
		return body + tail + digest(body) + `"}`
	}
	for name, c := range map[string]struct{ line, want string }{
		"nothing":                {"", "does not end in its own hash"},
		"no hash":                {line[:len(line)-tailBytes] + "}", "does not end in its own hash"},
		"a space, hashed anew":   {rehash(`"reason":`, `"reason": `), "not written as Sluice writes"},
		"another member":         {rehash(`"reason":`, `"more":1,"reason":`), "not written as Sluice writes"},
		"a member twice":         {rehash(`"reason":`, `"reason":"y","reason":`), "not written as Sluice writes"},
		"a member in upper case": {rehash(`"reason":`, `"Reason":`), "not written as Sluice writes"},
		"no JSON":                {rehash(`"reason":`, `"reason":]`), "no JSON object"},
		"a carriage return":      {line + "\r", "does not end in its own hash"},
		"a hash in upper case":   {line[:len(line)-66] + strings.ToUpper(line[len(line)-66:]), "it states the hash"},
	} {
		if _, err := Open(c.line); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Open(%q) = %v, want %q", name, c.line, err, c.want)
		}
	}
}

func TestTidyBoundsAndCleansWhatIsKeptForEver(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.UTC)
	long := strings.Repeat("é", 5000)
	e := Tidy(gate.Entry{Kind: gate.EntryKind(long), Forge: long, Repo: long, Commit: long, Environment: long, Who: gate.Who{Login: long}, Check: long,
		Reason: long, URL: long, Policy: long, Command: long, Outcome: long, Decision: long}, now)
	_, line, err := Seal(e, 1<<62, strings.Repeat("f", 64))
	if err != nil || len(line) > LineBytes {
		t.Errorf("the line has %d bytes, %v, want at most %d", len(line), err, LineBytes)
	}
	if n := utf8.RuneCountInString(e.Reason); n != 1000 || !strings.HasSuffix(e.Reason, "…") {
		t.Errorf("the reason has %d characters and ends in %q", n, e.Reason[len(e.Reason)-5:])
	}
	if !e.At.Equal(now.Truncate(time.Millisecond)) {
		t.Errorf("At = %v, want the time of writing", e.At)
	}
	for in, want := range map[string]string{
		"plain":       "plain",
		"a\x00b\xffc": "a\ufffdb\ufffdc",
		"use ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx" + " for it": "use (the rest is left out: what looks like a secret starts here: ",
		// A decision quotes the reason of the hold that shuts its gate.
		"Held by ana: rotate ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx":         "Held by ana: rotate (the rest is left out: what looks like a secret",
		strings.Repeat("a ", 490) + "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx": strings.Repeat("a ", 490) + "(the rest is left", // it crosses the bound
		"two\nlines": "two\nlines",
	} {
		for _, kind := range []gate.EntryKind{gate.EntryCommand, gate.EntryDecision, gate.EntryOverride, gate.EntryFinding, "a kind of tomorrow"} {
			got := Tidy(gate.Entry{Kind: kind, Reason: in}, now).Reason
			if !strings.HasPrefix(got, want) || strings.Contains(got, "wWPw5k") || utf8.RuneCountInString(got) > mostReason {
				t.Errorf("Tidy(%s, %q) = %q, want %q", kind, in, got, want)
			}
		}
	}
	if e := Tidy(gate.Entry{At: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}, now); e.At.Year() != 2026 {
		t.Errorf("At = %v, want an impossible time replaced", e.At)
	}
}

// Whatever bytes an export holds, reading it neither panics nor calls it whole unless each line is what Seal writes.
func FuzzExport(f *testing.F) {
	_, kept := varied(f, 6)
	var all []string
	for _, k := range kept {
		all = append(all, k.Line)
	}
	f.Add(strings.Join(all, "\n"))
	f.Add(strings.Join(all[2:], "\n"))
	f.Add("")
	f.Add("{}\n{}")
	f.Fuzz(func(t *testing.T, text string) {
		c := &Chain{Part: true}
		lines := strings.Split(text, "\n")
		for _, line := range lines {
			if c.Line(line) != nil {
				return
			}
		}
		if c.Close() != nil {
			return
		}
		prev := ""
		for i, line := range lines {
			var e gate.Entry
			if err := json.Unmarshal([]byte(line), &e); err != nil || i > 0 && e.Prev != prev || e.Seq != c.First()+int64(i) {
				t.Fatalf("%q was called whole", text)
			}
			sealed, again, err := Seal(e, e.Seq-1, e.Prev)
			if err != nil || again != line || !bytes.Equal([]byte(sealed.Hash), []byte(e.Hash)) {
				t.Fatalf("%q was called whole", text)
			}
			prev = e.Hash
		}
	})
}

func FuzzTidySeals(f *testing.F) {
	f.Add("ana", "a reason", "https://example.com", int64(1))
	f.Add("\xff\u202e", "\x00\ufeff\U000e0001", "://%zz", int64(-1))
	f.Fuzz(func(t *testing.T, login, reason, link string, id int64) {
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		e := Tidy(gate.Entry{Kind: gate.EntryCommand, Who: gate.Who{ID: id, Login: login}, Reason: reason, URL: link}, now)
		sealed, line, err := Seal(e, 0, "")
		if err != nil || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || hidden(r) }) {
			t.Fatalf("Seal = %q, %v", line, err)
		}
		if again, err := Open(line); err != nil || again != sealed {
			t.Fatalf("Open(%q) = %+v, %v, want %+v", line, again, err, sealed)
		}
		if err := verify([]Kept{Keep(sealed, line)}); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	e := gate.Entry{At: time.Now().UTC().Truncate(time.Millisecond), Kind: gate.EntryDecision, Forge: "github", Repo: "acme/shop", Change: 7,
		Commit: strings.Repeat("c", 40), Reason: "changelog fails: nothing was added under Unreleased.", Policy: strings.Repeat("p", 64)}
	for b.Loop() {
		if _, _, err := Seal(Tidy(e, e.At), 6, strings.Repeat("0", 64)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	_, kept := varied(b, 1000)
	for b.Loop() {
		if err := verify(kept); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/entry")
}

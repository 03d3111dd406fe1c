package dashboard

import (
	"bytes"
	"testing"
)

func TestWhatIsSealedIsOneOnes(t *testing.T) {
	t.Parallel()
	made := func(key byte, purpose string) *Secret {
		s, err := NewSecret(bytes.Repeat([]byte{key}, SecretSize), purpose)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s, plain := made(1, "grants"), []byte("ghu_secret")
	sealed := s.Seal("ana", plain)
	if got, ok := s.Open("ana", sealed); !ok || !bytes.Equal(got, plain) {
		t.Errorf("opened is %q, %v", got, ok)
	}
	if bytes.Contains(sealed, plain) || bytes.Equal(sealed, s.Seal("ana", plain)) {
		t.Error("sealed can be read, or is the same twice")
	}
	broken := bytes.Clone(sealed)
	broken[len(broken)-1] ^= 1
	for name, c := range map[string]struct {
		s  *Secret
		of string
		b  []byte
	}{
		"as another's":     {s, "bo", sealed},
		"for another use":  {made(1, "cookies"), "ana", sealed},
		"with another key": {made(2, "grants"), "ana", sealed},
		"that was changed": {s, "ana", broken},
		"cut short":        {s, "ana", sealed[:5]},
		"nothing":          {s, "ana", nil},
	} {
		if got, ok := c.s.Open(c.of, c.b); ok {
			t.Errorf("%s it opens: %q", name, got)
		}
	}
	if _, err := NewSecret([]byte("short"), "grants"); err == nil {
		t.Error("a short key is taken")
	}
}

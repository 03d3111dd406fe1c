package gate

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestADecisionIsLoggedOnceWithSubjectAndCheck(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	r := reconciler(f, m)
	var out bytes.Buffer
	r.Log = slog.New(slog.NewTextHandler(&out, nil))
	must(t, r, m, work())
	for _, want := range []string{
		`msg=decided subject=github:acme/shop#7 commit=c1 decision=`, `check=gate outcome=wait open=false`,
		`msg=verdict subject=github:acme/shop#7 commit=c1 decision=`, `check=approval outcome=wait`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("Work logs\n%swant %s", &out, want)
		}
	}
	out.Reset()
	must(t, r, m, work())
	if strings.Contains(out.String(), "decided") {
		t.Errorf("Work with nothing new logs\n%swant no decision", &out)
	}
}

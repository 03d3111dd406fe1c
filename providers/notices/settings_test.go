package notices

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/gate"
)

const (
	goodSlack  = "slack+https://hooks.slack.com/services/T0/B0/hunter2hunter2"
	goodTeams  = "teams+https://prod-1.westeurope.logic.azure.com:443/workflows/x/triggers/manual/paths/invoke?sp=%2Ftriggers&sig=hunter2"
	goodMail   = "smtp://sluice:hunter2@mail.acme.example/?from=sluice@acme.example&to=a@acme.example,b@acme.example"
	goodHook   = "https://acme.example/hook?token=hunter2"
	goodSecret = "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg=="
	standard   = "waiting deploying live failed"
)

func TestSettingsCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s    Settings
		want string // the error's beginning
	}{
		"nothing":                            {Settings{}, ""},
		"all of them":                        {Settings{goodSlack + " " + goodTeams + "\n" + goodMail, goodHook, goodSecret, "all"}, ""},
		"a comma after a target is forgiven": {Settings{Targets: goodSlack + ", " + goodTeams}, ""},
		"environments after a hash":          {Settings{Targets: goodSlack + "#production,staging"}, ""},
		"two secrets":                        {Settings{Webhook: goodHook, Secret: goodSecret + " " + goodSecret}, ""},
		"http to this machine":               {Settings{Webhook: "http://127.0.0.1:9/", Secret: goodSecret}, ""},
		"no kind":                            {Settings{Targets: "https://hooks.slack.com/hunter2"}, "SLUICE_NOTIFY: starts with none of slack+https://"},
		"the second is wrong":                {Settings{Targets: goodSlack + " hunter2"}, "SLUICE_NOTIFY: not a URL; several are separated by spaces (the 2. of its targets)"},
		"only a comma between":               {Settings{Targets: goodSlack + "," + goodTeams}, "SLUICE_NOTIFY: not a URL; several are separated by spaces"},
		"a control character":                {Settings{Targets: "slack+https://x/hunter2\x7f"}, "SLUICE_NOTIFY: not a URL"},
		"the same twice":                     {Settings{Targets: goodSlack + "#a " + goodSlack + "#b"}, "SLUICE_NOTIFY: slack-"},
		"slack in the clear":                 {Settings{Targets: "slack+http://hooks.slack.com/hunter2"}, "SLUICE_NOTIFY: not https://"},
		"a hook in the clear":                {Settings{Webhook: "http://acme.example/hunter2", Secret: goodSecret}, "SLUICE_NOTIFY_WEBHOOK: not https://"},
		"a hook of another kind":             {Settings{Webhook: "ftp://acme.example/hunter2", Secret: goodSecret}, "SLUICE_NOTIFY_WEBHOOK: not https://"},
		"a hook without a secret":            {Settings{Webhook: goodHook}, "SLUICE_NOTIFY_WEBHOOK_SECRET: missing"},
		"a secret without a hook":            {Settings{Secret: goodSecret}, "SLUICE_NOTIFY_WEBHOOK: missing"},
		"a secret without its prefix":        {Settings{Webhook: goodHook, Secret: "hunter2hunter2hunter2hunter2hunter2hunter2"}, "SLUICE_NOTIFY_WEBHOOK_SECRET: not whsec_"},
		"a short secret":                     {Settings{Webhook: goodHook, Secret: "whsec_aHVudGVyMg=="}, "SLUICE_NOTIFY_WEBHOOK_SECRET: not whsec_"},
		"mail from nobody":                   {Settings{Targets: "smtp://u:hunter2@h/?to=a@b.example"}, "SLUICE_NOTIFY: from= is not one address"},
		"mail to nobody":                     {Settings{Targets: "smtp://u:hunter2@h/?from=a@b.example"}, "SLUICE_NOTIFY: to= is missing"},
		"mail with a line end in an address": {Settings{Targets: "smtp://h/?from=a@b.example&to=a@b.example%0d%0aRCPT+TO:x@y.example"}, "SLUICE_NOTIFY: to= is not an address"},
		"mail with what it does not take":    {Settings{Targets: "smtp://u:hunter2@h/?from=a@b.example&to=a@b.example&skiptlsverify=yes"}, "SLUICE_NOTIFY: a mail target takes from= and to="},
		"an event that is none":              {Settings{Events: "live, alive"}, `SLUICE_NOTIFY_EVENTS: "alive" is no event`},
		"events with commas":                 {Settings{Events: "live,failed"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := c.s.Check(); err != nil {
				got = err.Error()
			}
			if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) || strings.ContainsAny(got, "\n\r\x7f") || strings.Contains(got, "hunter2") {
				t.Errorf("Check() = %q, want one line that starts with %q and shows no secret", got, c.want)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	s, err := New(Settings{Targets: goodSlack + "#Production " + goodMail, Webhook: goodHook, Secret: goodSecret, Events: standard}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		n    gate.Notification
		want []string
	}{
		"an environment of the target":          {gate.Notification{Event: gate.NoticeLive, Environment: "production"}, []string{"slack", "mail", "webhook"}},
		"another environment":                   {gate.Notification{Event: gate.NoticeLive, Environment: "staging"}, []string{"mail", "webhook"}},
		"an event that nobody wants to know of": {gate.Notification{Event: gate.NoticeRequested, Environment: "production"}, nil},
	} {
		var got []string
		for _, name := range s.Targets(c.n) {
			kind, _, _ := strings.Cut(name, "-")
			got = append(got, kind)
			if !s.Serves(name) {
				t.Errorf("%s is not served", name)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: Targets(%+v) = %v, want %v", name, c.n, got, c.want)
		}
	}
}

func TestATargetKeepsItsNameWithAnotherPassword(t *testing.T) {
	t.Parallel()
	name := func(raw string) string {
		got, err := readTarget(raw, false)
		if err != nil {
			t.Fatal(err)
		}
		return got.name
	}
	if a, b := name(goodMail), name(strings.Replace(goodMail, "hunter2", "hunter3", 1)); a != b {
		t.Errorf("%s became %s with another password", a, b)
	}
	if a, b := name(goodMail), name(strings.Replace(goodMail, "a@acme", "c@acme", 1)); a == b {
		t.Errorf("%s is two targets", a)
	}
}

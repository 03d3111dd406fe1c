package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestReadSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environ []string
		want    string // of the error; "" for none
	}{
		"nothing set is a server with the set-up page":  {nil, ""},
		"an unknown setting is named, with the nearest": {[]string{"SLUICE_DATABSE=sqlite:x"}, `SLUICE_DATABSE: there is no such setting, did you mean "SLUICE_DATABASE"?`},
		"what Kubernetes injects is ignored":            {[]string{"SLUICE_SERVICE_HOST=10.0.0.1", "SLUICE_PORT=tcp://10.0.0.1:80", "SLUICE_PORT_80_TCP=x"}, ""},
		"a malformed duration is named":                 {[]string{"SLUICE_SWEEP=soon"}, "SLUICE_SWEEP: it cannot be read"},
		"a malformed switch is named":                   {[]string{"SLUICE_DRY_RUN=perhaps"}, "SLUICE_DRY_RUN: it cannot be read"},
		"a malformed App id is named":                   {[]string{"SLUICE_GITHUB_APP_ID=sluice"}, "SLUICE_GITHUB_APP_ID: it cannot be read"},
		"an App without a webhook secret is named":      {[]string{"SLUICE_GITHUB_APP_ID=1"}, "SLUICE_GITHUB_WEBHOOK_SECRET: missing"},
		"an empty webhook secret is none":               {[]string{"SLUICE_GITHUB_APP_ID=1", "SLUICE_GITHUB_WEBHOOK_SECRET="}, "SLUICE_GITHUB_WEBHOOK_SECRET: missing"},
		"an App without a key is named":                 {[]string{"SLUICE_GITHUB_APP_ID=1", "SLUICE_GITHUB_WEBHOOK_SECRET=s"}, "SLUICE_GITHUB_PRIVATE_KEY: missing"},
		"a forge without encryption is refused":         {[]string{"SLUICE_GITHUB_URL=http://ghe.acme.example"}, "SLUICE_GITHUB_URL: http is for loopback hosts only"},
		"a database without a name is refused":          {[]string{"SLUICE_DATABASE=postgres:x"}, "SLUICE_DATABASE: want sqlite:PATH or postgres://"},
		"a database of another kind is refused":         {[]string{"SLUICE_DATABASE=mysql://x"}, "SLUICE_DATABASE: "},
		"a public URL that is none is named":            {[]string{"SLUICE_PUBLIC_URL=sluice.example"}, "SLUICE_PUBLIC_URL: "},
		"a calendar in the clear is refused":            {[]string{"SLUICE_CALENDARS=https://cal.example/,http://cal.example/"}, "SLUICE_CALENDARS: "},
		"several addresses of calendars":                {[]string{"SLUICE_CALENDARS=https://cal.example/a/,https://cal.example/b/"}, ""},
		"an unknown log format is named":                {[]string{"SLUICE_LOG_FORMAT=xml"}, "SLUICE_LOG_FORMAT: "},
		"an unknown log level is named":                 {[]string{"SLUICE_LOG_LEVEL=loud"}, "SLUICE_LOG_LEVEL: "},
		"half of GitLab":                                {[]string{"SLUICE_GITLAB_URL=https://gitlab.com"}, "SLUICE_GITLAB_TOKEN: missing"},
		"GitLab without a secret":                       {[]string{"SLUICE_GITLAB_URL=https://gitlab.com", "SLUICE_GITLAB_TOKEN=glpat-x"}, "SLUICE_GITLAB_WEBHOOK_SECRET: missing"},
		"GitLab's API for its pages":                    {[]string{"SLUICE_GITLAB_URL=https://gitlab.com/api/v4", "SLUICE_GITLAB_TOKEN=glpat-x", "SLUICE_GITLAB_WEBHOOK_SECRET=s"}, "SLUICE_GITLAB_URL: the address of the pages is wanted"},
		"two tokens for one group":                      {[]string{"SLUICE_GITLAB_URL=https://gitlab.com", "SLUICE_GITLAB_TOKEN=acme=a,acme=b", "SLUICE_GITLAB_WEBHOOK_SECRET=s"}, "SLUICE_GITLAB_TOKEN: two tokens are for acme"},
		"a target of notices of no kind is refused":     {[]string{"SLUICE_NOTIFY=https://hooks.slack.com/x"}, "SLUICE_NOTIFY: starts with none of slack+https://"},
		"a webhook without a secret is named":           {[]string{"SLUICE_NOTIFY_WEBHOOK=https://x.example"}, "SLUICE_NOTIFY_WEBHOOK_SECRET: missing"},
		"a secret without a webhook is named":           {[]string{"SLUICE_NOTIFY_WEBHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "SLUICE_NOTIFY_WEBHOOK: missing"},
		"an event that is none is named":                {[]string{"SLUICE_NOTIFY_EVENTS=alive"}, `SLUICE_NOTIFY_EVENTS: "alive" is no event`},
		"days and weeks are durations":                  {[]string{"SLUICE_KEEP=30d", "SLUICE_SWEEP=1w"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readSettings(t.Context(), c.environ)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if c.want == "" && err != nil || !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n") {
				t.Errorf("readSettings(%q) = %q, want one line that starts with %q", c.environ, got, c.want)
			}
		})
	}
}

func TestReadSettingsDefaults(t *testing.T) {
	t.Parallel()
	s, err := readSettings(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Addr != ":8080" || s.PublicURL != "http://localhost:8080" || s.Database != "sqlite:sluice.db" ||
		time.Duration(s.Sweep) != 10*time.Minute || time.Duration(s.Keep) != 400*24*time.Hour {
		t.Errorf("defaults = %+v, want those of the contract", s)
	}
}

func TestSettingsNeverShowASecret(t *testing.T) {
	t.Parallel()
	for _, e := range []string{"SLUICE_GITHUB_PRIVATE_KEY=hunter2", "SLUICE_GITHUB_WEBHOOK_SECRET=hunter2", "SLUICE_GITHUB_APP_ID=hunter2",
		"SLUICE_NOTIFY=slack+ftp://hunter2", "SLUICE_NOTIFY=smtp://u:hunter2@h", "SLUICE_NOTIFY_WEBHOOK=https://x/hunter2", "SLUICE_NOTIFY_WEBHOOK_SECRET=hunter2"} {
		_, err := readSettings(t.Context(), []string{e, "SLUICE_GITHUB_APP_ID=1"})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("readSettings(%q) = %v, want an error without the value", e, err)
		}
	}
}

func TestServeHelpListsEverySetting(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if code := run(t.Context(), process{args: []string{"serve", "--help"}, stdout: &out, stderr: &out}); code != exitOpen {
		t.Fatalf("exit %d", code)
	}
	for _, name := range []string{"SLUICE_ADDR", "SLUICE_PUBLIC_URL", "SLUICE_DATABASE", "SLUICE_GITHUB_URL", "SLUICE_GITHUB_APP_ID",
		"SLUICE_GITHUB_PRIVATE_KEY", "SLUICE_GITHUB_PRIVATE_KEY_FILE", "SLUICE_GITHUB_WEBHOOK_SECRET", "SLUICE_SWEEP", "SLUICE_KEEP",
		"SLUICE_DRY_RUN", "SLUICE_NOTIFY", "SLUICE_NOTIFY_WEBHOOK", "SLUICE_NOTIFY_WEBHOOK_SECRET", "SLUICE_NOTIFY_EVENTS", "SLUICE_LOG_FORMAT", "SLUICE_LOG_LEVEL"} {
		if !strings.Contains(out.String(), "  "+name+" ") {
			t.Errorf("the help does not list %s:\n%s", name, out.String())
		}
	}
}

func TestRunNamesTheNearestCommand(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	code := run(t.Context(), process{args: []string{"chek"}, stdout: &out, stderr: &out})
	if code != exitFailed || !strings.Contains(out.String(), `did you mean "check"?`) {
		t.Errorf("run(chek) = %d %q, want 2 and the nearest command", code, out.String())
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/providers/calendars"
	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/gitlab"
	"github.com/sluicegate/sluice/providers/notices"
)

// settings are all of the server's, read once and checked as a whole.
type settings struct {
	Addr      string   `env:"SLUICE_ADDR, default=:8080" desc:"listen address"`
	PublicURL string   `env:"SLUICE_PUBLIC_URL, default=http://localhost:8080" desc:"how the forge and people reach Sluice"`
	Database  string   `env:"SLUICE_DATABASE, default=sqlite:sluice.db" desc:"sqlite:PATH (one process), or postgres://USER@HOST/NAME (several replicas)"`
	Sweep     duration `env:"SLUICE_SWEEP, default=10m" desc:"how often open changes, and environments where something waits, are read anew without a webhook; also once at start"`
	Keep      duration `env:"SLUICE_KEEP, default=400d" desc:"how long decisions are kept (deliveries: 30 days)"`
	DryRun    bool     `env:"SLUICE_DRY_RUN, default=false" desc:"judge and record; post and deploy nothing"`
	APIToken  string   `env:"SLUICE_API_TOKEN" desc:"bearer token for /api/v1, of 20 characters or more, for programs that the operator trusts; people have tokens of their own"`
	SecretKey string   `env:"SLUICE_SECRET_KEY_FILE" desc:"32 bytes in base64 that seal what the forges grant people who sign in, and what the page /setup stores; needed with PostgreSQL, the same for every replica; else made beside the SQLite file"`
	Admins    string   `env:"SLUICE_ADMINS" desc:"administrators, separated by commas: org/team or group, or @login; with both forges github:org/team, gitlab:group"`
	Badges    bool     `env:"SLUICE_PUBLIC_BADGES, default=false" desc:"show everybody the badges of environments (/badge/FORGE/OWNER/REPO/ENVIRONMENT.svg), not only those who may see the repository"`
	AuditKey  string   `env:"SLUICE_AUDIT_KEY_FILE" desc:"private key that signs the end of the audit log, as sluice audit key makes it"`
	LogFormat string   `env:"SLUICE_LOG_FORMAT, default=text" desc:"text or json"`
	LogLevel  string   `env:"SLUICE_LOG_LEVEL, default=info" desc:"debug, info, warn or error"`
	Pull      bool     `env:"SLUICE_GITHUB_PULL, default=false" desc:"take deliveries from the App's delivery log every ten seconds to a minute, for places without an inbound route"`
	GitHub    github.Settings
	GitLab    gitlab.Settings
	Calendars calendars.Settings
	Notices   notices.Settings

	set []string // by the environment, though it be to what it is anyway
}

// duration is Go's, plus d and w, as in a policy.
type duration time.Duration

// UnmarshalText reads it.
func (d *duration) UnmarshalText(b []byte) error {
	v, err := policy.ParseDuration(string(b))
	if err != nil {
		return err
	}
	*d = duration(v)
	return nil
}

// readSettings reads the environment and refuses what is unknown, malformed or without its partner, by name.
func readSettings(ctx context.Context, environ []string) (settings, error) {
	var s settings
	values := map[string]string{}
	known := settingNames(reflect.TypeOf(s))
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "SLUICE_") || injected(name) {
			continue
		}
		if !slices.Contains(known, name) {
			return s, fmt.Errorf("%s: there is no such setting%s; `sluice serve --help` lists them", name, meant(name, known))
		}
		values[name] = value
		s.set = append(s.set, name)
	}
	for _, name := range known { // one at a time, so that the error names the setting and never shows a secret's value
		if err := malformed(ctx, name, values); err != nil {
			return s, err
		}
	}
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &s, Lookuper: envconfig.MapLookuper(values)}); err != nil {
		return s, fmt.Errorf("settings: %w", err)
	}
	return s, s.check()
}

// malformed reads the settings with one value alone, to learn whether it is that one that cannot be read.
func malformed(ctx context.Context, name string, values map[string]string) error {
	v, ok := values[name]
	if !ok {
		return nil
	}
	var s settings
	alone := envconfig.MapLookuper(map[string]string{name: v})
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &s, Lookuper: alone}); err != nil {
		return fmt.Errorf("%s: it cannot be read; `sluice serve --help` says what it takes", name)
	}
	return nil
}

// injected says whether Kubernetes made the variable for a Service called sluice.
func injected(name string) bool {
	return strings.HasPrefix(name, "SLUICE_SERVICE_") || strings.HasPrefix(name, "SLUICE_PORT")
}

func (s settings) check() error {
	u, err := url.Parse(s.PublicURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("SLUICE_PUBLIC_URL: %q is not an http:// or https:// URL", s.PublicURL)
	case !strings.HasPrefix(s.Database, "sqlite:") && !strings.HasPrefix(s.Database, "postgres://") && !strings.HasPrefix(s.Database, "postgresql://"):
		return fmt.Errorf("SLUICE_DATABASE: want sqlite:PATH or postgres://USER@HOST/NAME")
	case s.Sweep <= 0:
		return fmt.Errorf("SLUICE_SWEEP: must be longer than nothing")
	case s.Keep <= 0:
		return fmt.Errorf("SLUICE_KEEP: must be longer than nothing")
	case s.APIToken != "" && (len(s.APIToken) < 20 || strings.TrimSpace(s.APIToken) != s.APIToken):
		return fmt.Errorf("SLUICE_API_TOKEN: must be 20 characters or more, without space around them; `openssl rand -hex 32` makes one")
	case s.LogFormat != "text" && s.LogFormat != "json":
		return fmt.Errorf("SLUICE_LOG_FORMAT: %q is neither text nor json", s.LogFormat)
	case s.Pull && !s.GitHub.Configured() && s.GitLab.Configured(): // with neither the set-up may bring one
		return fmt.Errorf("SLUICE_GITHUB_PULL: no GitHub App is configured whose deliveries could be pulled; set SLUICE_GITHUB_APP_ID and its partners, or unset it")
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return fmt.Errorf("SLUICE_LOG_LEVEL: %q is none of debug, info, warn, error", s.LogLevel)
	}
	if err := s.Calendars.Check(); err != nil {
		return err
	}
	if err := s.Notices.Check(); err != nil {
		return err
	}
	if err := s.GitHub.Check(); err != nil {
		return err
	}
	if err := s.GitLab.Check(); err != nil {
		return err
	}
	return s.checkSignIn()
}

// logger writes to w as the settings say.
func (s settings) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // checked when read
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// settingNames are the variables that a struct of settings declares, nested ones too.
func settingNames(t reflect.Type) []string {
	var names []string
	for f := range fields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
		names = append(names, strings.TrimSpace(name))
	}
	return names
}

// fields are the settings of a struct, nested ones too.
func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Tag.Get("env") != "" {
				if !yield(f) {
					return
				}
			} else if f.Type.Kind() == reflect.Struct {
				for inner := range fields(f.Type) {
					if !yield(inner) {
						return
					}
				}
			}
		}
	}
}

// settingsHelp lists the settings with their defaults.
func settingsHelp(w io.Writer) {
	fmt.Fprintln(w, "usage: sluice serve\n\nRuns the server. All settings are environment variables. NAME_FILE names a file that holds the value of NAME, as secrets")
	fmt.Fprintln(w, "are handed to containers and services:")
	fmt.Fprintln(w)
	for f := range fields(reflect.TypeOf(settings{})) {
		name, rest, _ := strings.Cut(f.Tag.Get("env"), ",")
		_, standard, has := strings.Cut(rest, "default=")
		fmt.Fprintf(w, "  %-32s %s", name, f.Tag.Get("desc"))
		if has {
			fmt.Fprintf(w, " (%s)", standard)
		}
		fmt.Fprintln(w)
	}
}

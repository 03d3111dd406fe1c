package notices

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// Settings are what the environment says about notices. They are read by go-envconfig and checked as a whole by Check.
type Settings struct {
	Targets string `env:"SLUICE_NOTIFY" desc:"who is told of promotions: slack+https://…, teams+https://…, smtp(s)://…, with spaces between"`
	Webhook string `env:"SLUICE_NOTIFY_WEBHOOK" desc:"an https:// URL that is told as JSON, signed as Standard Webhooks say"`
	Secret  string `env:"SLUICE_NOTIFY_WEBHOOK_SECRET" desc:"what signs it: whsec_ and base64 of 24 to 64 bytes; two with a space between while changing it"`
	Events  string `env:"SLUICE_NOTIFY_EVENTS, default=waiting deploying live failed rejected cancelled rolled-back outside-the-gate bypassed unprotected" desc:"what they are told of: all, or any of these and requested, verified, superseded"`
}

// Check returns an error that names the setting at fault and shows no value of it, or nil.
func (s Settings) Check() error {
	if _, err := s.targets(); err != nil {
		return err
	}
	_, err := s.events()
	return err
}

// separate splits a list at spaces, line ends and, where commas is set, at commas.
func separate(list string, commas bool) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == '\n' || r == '\r' || r == '\t' || commas && r == ',' })
}

// events are those that are told of; nothing named is what go-envconfig's default says.
func (s Settings) events() (events []gate.NoticeEvent, err error) {
	names := separate(s.Events, true)
	if slices.Equal(names, []string{"all"}) {
		return gate.NoticeEvents(), nil
	}
	for _, name := range names {
		e := gate.NoticeEvent(name)
		if !slices.Contains(gate.NoticeEvents(), e) {
			return nil, fmt.Errorf("SLUICE_NOTIFY_EVENTS: %.40q is no event; there are all, or %s", name, words(gate.NoticeEvents()))
		}
		events = append(events, e)
	}
	return events, nil
}

func words(events []gate.NoticeEvent) string {
	var names []string
	for _, e := range events {
		names = append(names, string(e))
	}
	return strings.Join(names, ", ")
}

// secrets are the keys that sign the webhook, the newest first.
func (s Settings) secrets() (keys []string, err error) {
	keys = separate(s.Secret, false)
	for _, k := range keys {
		raw, found := strings.CutPrefix(k, "whsec_")
		b, err := base64.StdEncoding.DecodeString(raw)
		if !found || err != nil || len(b) < 24 || len(b) > 64 {
			return nil, errors.New("SLUICE_NOTIFY_WEBHOOK_SECRET: not whsec_ and base64 of 24 to 64 bytes; make one with: echo whsec_$(openssl rand -base64 32)")
		}
	}
	return keys, nil
}

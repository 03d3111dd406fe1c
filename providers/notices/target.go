package notices

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
)

// The kinds of target, which their names begin with.
const (
	kindSlack = "slack"
	kindTeams = "teams"
	kindMail  = "mail"
	kindHook  = "webhook"
)

// target is one place that is told.
type target struct {
	name         string // kind and fingerprint: shows no secret, and stays the same when a password is changed
	kind         string
	url          string   // of slack, teams and webhook
	environments []string // lower case; none: all
	secrets      []string // of the webhook
	post         post
}

// post is how mail is sent.
type post struct {
	host, user, password, from string
	port                       int
	to                         []string
	implicit                   bool // TLS from the first byte
	bare                       bool // to this very machine: encryption may be missing
}

// targets are all that the settings name.
func (s Settings) targets() (list []target, err error) {
	add := func(setting, raw string, secrets []string) error {
		t, err := readTarget(raw, setting == "SLUICE_NOTIFY_WEBHOOK")
		if err != nil {
			return fmt.Errorf("%s: %w", setting, err)
		}
		for _, had := range list {
			if had.name == t.name {
				return fmt.Errorf("%s: %s is named twice; name it once, and its environments as #staging,production", setting, t.name)
			}
		}
		t.secrets = secrets
		list = append(list, t)
		return nil
	}
	for i, raw := range separate(s.Targets, false) {
		if err := add("SLUICE_NOTIFY", strings.Trim(raw, ","), nil); err != nil {
			return nil, fmt.Errorf("%w (the %d. of its targets)", err, i+1)
		}
	}
	keys, err := s.secrets()
	switch {
	case err != nil:
		return nil, err
	case s.Webhook == "" && s.Secret != "":
		return nil, errors.New("SLUICE_NOTIFY_WEBHOOK: missing, while SLUICE_NOTIFY_WEBHOOK_SECRET is set")
	case s.Webhook == "":
		return list, nil
	case len(keys) == 0:
		return nil, errors.New("SLUICE_NOTIFY_WEBHOOK_SECRET: missing; without it a receiver could not tell who sent it")
	}
	return list, add("SLUICE_NOTIFY_WEBHOOK", s.Webhook, keys)
}

// readTarget reads one target. Its errors show nothing of it: url.Parse's would.
func readTarget(raw string, hook bool) (target, error) {
	raw, only, _ := strings.Cut(raw, "#")
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || strings.Count(raw, "://") > 1 {
		return target{}, errors.New("not a URL; several are separated by spaces")
	}
	t := target{environments: separate(strings.ToLower(only), true)}
	kind, scheme, plus := strings.Cut(u.Scheme, "+")
	switch {
	case hook:
		t.kind = kindHook
	case plus && (kind == kindSlack || kind == kindTeams):
		t.kind, u.Scheme = kind, scheme
	case u.Scheme == "smtp" || u.Scheme == "smtps":
		t.kind = kindMail
		if t.post, err = readPost(u); err != nil {
			return t, err
		}
	default:
		return t, errors.New("starts with none of slack+https://, teams+https://, smtp:// and smtps://; other receivers go into SLUICE_NOTIFY_WEBHOOK")
	}
	if t.kind != kindMail && u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return t, errors.New("not https://; http:// is for loopback hosts only")
	}
	t.url, t.name = u.String(), t.kind+"-"+fingerprint(*u)
	return t, nil
}

// fingerprint tells targets apart. A password has no part in it: one that is easy to guess would be guessed from it.
func fingerprint(u url.URL) string {
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	sum := sha256.Sum256([]byte(u.String()))
	return hex.EncodeToString(sum[:4])
}

// readPost reads smtp://USER:PASSWORD@HOST:PORT/?from=ADDRESS&to=ADDRESS.
func readPost(u *url.URL) (p post, err error) {
	q := u.Query()
	p = post{host: u.Hostname(), implicit: u.Scheme == "smtps", port: 587, user: u.User.Username()}
	p.bare = !p.implicit && loopback(p.host)
	p.password, _ = u.User.Password()
	if p.implicit {
		p.port = 465
	}
	if u.Port() != "" {
		if p.port, err = strconv.Atoi(u.Port()); err != nil || p.port < 1 || p.port > 65535 {
			return p, errors.New("its port is none")
		}
	}
	for key := range q {
		if key != "from" && key != "to" {
			return p, fmt.Errorf("a mail target takes from= and to=, not %.20q", key)
		}
	}
	from, err := mail.ParseAddress(q.Get("from"))
	if err != nil || len(q["from"]) != 1 {
		return p, errors.New("from= is not one address, as in ?from=sluice@example.com&to=team@example.com")
	}
	p.from = from.Address
	for _, list := range q["to"] {
		to, err := mail.ParseAddressList(list)
		if err != nil {
			return p, errors.New("to= is not an address, as in ?from=sluice@example.com&to=team@example.com")
		}
		for _, a := range to {
			p.to = append(p.to, a.Address)
		}
	}
	if len(p.to) == 0 {
		return p, errors.New("to= is missing, as in ?from=sluice@example.com&to=team@example.com")
	}
	return p, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

package main

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
)

// The token of the set-up. It comes of the secret key and of a random mark in the database, so that all replicas show and take
// the same one, and it is written down nowhere. It is good once; the browser that showed it is let in by the mark until the
// set-up is closed.

// mark is what is kept of a token.
type mark struct {
	Mark string `json:"mark"`
	Used bool   `json:"used"`
}

var _ dashboard.Lock = (*setup)(nil)

// waits says whether the set-up is open: no forge is configured by the environment, and nobody has closed it.
func (f inForce) waits() bool {
	return f.github != dashboard.FromEnvironment && f.gitlab != dashboard.FromEnvironment && !f.closed
}

// marked reads the mark; "": there is none.
func (x *setup) marked(ctx context.Context) (m mark, row gate.Setup, err error) {
	list, err := x.server.store.Setups(ctx)
	if err != nil {
		return m, row, err
	}
	row = gate.Setup{Name: partToken}
	if i := slices.IndexFunc(list, func(s gate.Setup) bool { return s.Name == partToken }); i >= 0 {
		row = list[i]
		key, err := x.key()
		if err != nil {
			return m, row, err
		}
		return m, row, open(key, row, &m)
	}
	return m, row, nil
}

// token is what people are shown. 130 bits cannot be guessed.
func (x *setup) token(mark string) (string, error) {
	raw, err := secretKey(x.server.settings)
	if err != nil {
		return "", err
	}
	b, err := hkdf.Key(sha256.New, raw, []byte(mark), "sluice token of the set-up", 17)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)[:26], err
}

// offer is the token that lets people in now, made where there is none that is good.
func (x *setup) offer(ctx context.Context, anew bool) (string, error) {
	key, err := x.key()
	if err != nil {
		return "", err
	}
	for range 5 {
		m, row, err := x.marked(ctx)
		if err != nil {
			return "", err
		}
		if m.Mark != "" && !m.Used && !anew {
			return x.token(m.Mark)
		}
		m = mark{Mark: rand.Text()}
		if row.Sealed, err = seal(key, partToken, m); err != nil {
			return "", err
		}
		if kept, err := x.server.store.KeepSetup(ctx, row); kept || err != nil {
			if err != nil {
				return "", err
			}
			return x.token(m.Mark)
		}
		anew = false // another replica made one
	}
	return "", errors.New("make a token for the set-up: others did so at the same time")
}

// announce shows how to set up what is not. The token is meant to be read there, once; nothing else that is secret ever is.
func (x *setup) announce(ctx context.Context) {
	v, f := x.server, x.force()
	if !f.waits() {
		return
	}
	token, err := x.offer(ctx, false)
	if err != nil {
		v.log.Warn("no forge is configured, and /setup cannot be used", "err", err)
		return
	}
	v.log.Warn("nothing is set up yet, or not to the end: no forge is configured by the environment; open this address and go on there", "url", strings.TrimRight(v.settings.PublicURL, "/")+"/setup?token="+token, "token", token)
}

// Open implements dashboard.Lock.
func (x *setup) Open(ctx context.Context) (string, error) {
	if _, err := x.refresh(ctx); err != nil {
		return "", err
	}
	if !x.force().waits() {
		return "", nil
	}
	m, _, err := x.marked(ctx)
	return m.Mark, err
}

// Redeem implements dashboard.Lock.
func (x *setup) Redeem(ctx context.Context, token string) (string, error) {
	if !x.tries.Allow() {
		return "", dashboard.Refusal{Why: "Too many tokens were tried. Wait a minute, and try again."}
	}
	if !x.force().waits() {
		return "", dashboard.Refusal{Why: "The set-up is closed."}
	}
	m, row, err := x.marked(ctx)
	if err != nil {
		return "", err
	}
	want, err := x.token(m.Mark)
	if err != nil {
		return "", err
	}
	is, given := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(token))
	used := dashboard.Refusal{Why: "This token was used already, in another browser perhaps. Start Sluice again, or run sluice setup open on its machine: both show a new one."}
	switch {
	case subtle.ConstantTimeCompare(is[:], given[:]) != 1 || m.Mark == "":
		x.server.log.Warn("a wrong token was tried at /setup")
		return "", dashboard.Refusal{Why: "That is not the token. It stands in the server's log, on the line that begins with: nothing is set up."}
	case m.Used:
		return "", used
	}
	key, err := x.key()
	if err != nil {
		return "", err
	}
	m.Used = true
	if row.Sealed, err = seal(key, partToken, m); err != nil {
		return "", err
	}
	kept, err := x.server.store.KeepSetup(ctx, row)
	if err == nil && !kept { // somebody was faster
		return "", used
	}
	return m.Mark, err
}

// Close implements dashboard.Lock.
func (x *setup) Close(ctx context.Context, by, administrators string) error {
	f := x.force()
	if f.github == "" && f.gitlab == "" {
		return dashboard.Refusal{Why: "Nothing is set up yet. Set a forge up first."}
	}
	administrators = f.settings.spelt(administrators)
	err := x.keep(ctx, by, partPeople, func(p *part) error {
		delete(p.Settings, "SLUICE_ADMINS")
		if administrators != "" && x.server.settings.Admins == "" {
			p.Settings["SLUICE_ADMINS"] = administrators
		}
		return nil
	})
	if err != nil {
		return err
	}
	return x.server.store.DropSetup(ctx, partToken)
}

// spelt are administrators with the forge that is meant, so that they mean the same once people sign in with another one too.
func (s settings) spelt(administrators string) string {
	forges, words := s.signsIn(), strings.Fields(strings.ReplaceAll(administrators, ",", " "))
	for i, word := range words {
		if len(forges) == 1 && !strings.HasPrefix(word, forges[0]+":") {
			words[i] = forges[0] + ":" + word
		}
	}
	return strings.Join(words, ",")
}

// Secret implements dashboard.Lock.
func (x *setup) Secret() (*dashboard.Secret, error) { return x.key() }

// pages are what /setup is made from.
func (x *setup) pages(signsIn bool) *dashboard.SetUp {
	s := x.server.settings
	return &dashboard.SetUp{Lock: x, Hub: hubSetup{x}, Lab: labSetup{x}, Drafts: drafts{x}, PublicURL: strings.TrimRight(s.PublicURL, "/"), Unfit: s.unfit(), Admins: s.Admins, SignsIn: signsIn, Now: x.server.outside.now}
}

// unfit says why a page cannot set this server up; "": it can.
func (s settings) unfit() string {
	if u, err := url.Parse(s.PublicURL); err != nil || u.Scheme == "http" && !loopback(u.Hostname()) {
		return "People sign in here, and secrets come this way, so SLUICE_PUBLIC_URL must be https:// (http:// is for this machine alone). Set it to the address that this server has behind TLS, and start Sluice again."
	}
	if s.SecretKey == "" && !strings.HasPrefix(s.Database, "sqlite:") {
		return "SLUICE_SECRET_KEY_FILE is missing: what is stored here is encrypted with the key in it, and on PostgreSQL every replica needs the same. openssl rand -base64 32 > FILE makes one."
	}
	return ""
}

// hidden says why a forge cannot reach this server; "": it may. A name is not looked up: what it means here it may not mean there.
func (s settings) hidden(forge string) string {
	at, err := url.Parse(s.PublicURL)
	there, err2 := url.Parse(forge)
	if err != nil || err2 != nil || loopback(there.Hostname()) {
		return ""
	}
	host, far := strings.ToLower(at.Hostname()), there.Hostname()
	if loopback(host) {
		return "SLUICE_PUBLIC_URL is " + s.PublicURL + ", this very machine: " + there.Host + " cannot reach it."
	}
	if far != "github.com" && far != "gitlab.com" && !strings.HasSuffix(far, ".ghe.com") { // it may well be in the same network
		return ""
	}
	ip, err := netip.ParseAddr(host)
	inside := err == nil && (ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()) || err != nil && !strings.Contains(host, ".")
	for _, end := range []string{".local", ".internal", ".lan", ".home.arpa", ".localhost", ".test", ".invalid"} {
		inside = inside || strings.HasSuffix(host, end)
	}
	if inside {
		return "SLUICE_PUBLIC_URL is " + s.PublicURL + ", an address inside a network: " + there.Host + " can hardly reach it."
	}
	return ""
}

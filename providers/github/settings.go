package github

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// Settings are what the environment says about GitHub. They are read by go-envconfig and checked as a whole by Check.
type Settings struct {
	URL            string `env:"SLUICE_GITHUB_URL, default=https://github.com" desc:"GitHub, or an Enterprise Server's address"`
	AppID          int64  `env:"SLUICE_GITHUB_APP_ID" desc:"the App's number"`
	PrivateKey     string `env:"SLUICE_GITHUB_PRIVATE_KEY" desc:"the App's key: PEM, PEM with \\n, or base64 of PEM"`
	PrivateKeyFile string `env:"SLUICE_GITHUB_PRIVATE_KEY_FILE" desc:"the same in a file"`
	WebhookSecret  string `env:"SLUICE_GITHUB_WEBHOOK_SECRET" desc:"required when GitHub is configured"`
	ClientID       string `env:"SLUICE_GITHUB_CLIENT_ID" desc:"for signing in to the dashboard: the App's client id"`
	ClientSecret   string `env:"SLUICE_GITHUB_CLIENT_SECRET" desc:"for signing in to the dashboard: a client secret of the App"`
}

// Configured says whether anything of the App is set, so that a half-set App is an error and not a quiet nothing.
func (s Settings) Configured() bool {
	return s.AppID != 0 || s.PrivateKey != "" || s.PrivateKeyFile != "" || s.WebhookSecret != "" || s.ClientID != "" || s.ClientSecret != ""
}

// API is the address of the REST API that these settings mean.
func (s Settings) API() (string, error) {
	b, err := s.bases()
	return b.rest, err
}

// Check returns an error that names the setting at fault, or nil; with nothing of the App set it checks the URL alone.
func (s Settings) Check() error {
	if _, err := s.bases(); err != nil {
		return err
	}
	switch {
	case !s.Configured():
		return nil
	case s.AppID < 0:
		return fmt.Errorf("SLUICE_GITHUB_APP_ID: %d is not the number of an App", s.AppID)
	case s.AppID == 0:
		return errors.New("SLUICE_GITHUB_APP_ID: missing, while other settings of the GitHub App are set")
	case s.WebhookSecret == "":
		return errors.New("SLUICE_GITHUB_WEBHOOK_SECRET: missing; without it anybody could send deliveries")
	case (s.ClientID == "") != (s.ClientSecret == ""):
		return errors.New("SLUICE_GITHUB_CLIENT_ID, SLUICE_GITHUB_CLIENT_SECRET: one is set without the other")
	}
	_, err := s.key()
	return err
}

// bases are where a forge's two interfaces live, without a slash at the end.
type bases struct{ web, rest, graphql string }

func (s Settings) bases() (bases, error) {
	raw := s.URL
	if raw == "" {
		raw = "https://github.com"
	}
	u, err := url.Parse(strings.TrimRight(raw, "/"))
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return bases{}, errors.New("SLUICE_GITHUB_URL: not a URL like https://github.example.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "":
		return bases{}, errors.New("SLUICE_GITHUB_URL: scheme and host only, like https://github.example.com")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return bases{}, errors.New("SLUICE_GITHUB_URL: http is for loopback hosts only, use https")
	case u.Scheme != "http" && u.Scheme != "https":
		return bases{}, errors.New("SLUICE_GITHUB_URL: starts neither with https:// nor with http://")
	}
	web := u.Scheme + "://" + u.Host
	switch host := strings.ToLower(u.Hostname()); {
	case host == "github.com" || host == "www.github.com" || host == "api.github.com":
		return bases{"https://github.com", "https://api.github.com", "https://api.github.com/graphql"}, nil
	case strings.HasSuffix(host, ".ghe.com"): // Enterprise Cloud with data residency
		api := "https://api." + strings.TrimPrefix(host, "api.")
		return bases{web, api, api + "/graphql"}, nil
	}
	return bases{web, web + "/api/v3", web + "/api/graphql"}, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// key parses the App's private key. The errors name the setting and never show what is in it.
func (s Settings) key() (*rsa.PrivateKey, error) {
	name, text := "SLUICE_GITHUB_PRIVATE_KEY", s.PrivateKey
	switch {
	case text != "" && s.PrivateKeyFile != "":
		return nil, errors.New("SLUICE_GITHUB_PRIVATE_KEY, SLUICE_GITHUB_PRIVATE_KEY_FILE: both are set, leave one out")
	case text == "" && s.PrivateKeyFile == "":
		return nil, errors.New("SLUICE_GITHUB_PRIVATE_KEY: missing (or SLUICE_GITHUB_PRIVATE_KEY_FILE)")
	case text == "":
		name = "SLUICE_GITHUB_PRIVATE_KEY_FILE"
		b, err := os.ReadFile(s.PrivateKeyFile)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		text = string(b)
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

// parseKey reads an RSA key (PKCS#1 or PKCS#8) as PEM, as PEM with literal \n, or as base64 of either.
func parseKey(text string) (*rsa.PrivateKey, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "-----BEGIN") {
		packed := strings.Join(strings.Fields(text), "")
		b, err := base64.StdEncoding.DecodeString(packed)
		if err != nil {
			b, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(packed, "="))
		}
		if err != nil {
			return nil, errors.New("neither PEM nor base64 of PEM")
		}
		text = string(b)
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\r`, ""), `\n`, "\n")
	block, _ := pem.Decode(bytes.TrimSpace([]byte(text)))
	if block == nil {
		return nil, errors.New("not a PEM block")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the PEM block %q holds no readable private key", block.Type)
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an RSA key")
	}
	return rsaKey, nil
}

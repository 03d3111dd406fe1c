package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/sluicegate/sluice/dashboard"
)

// secretSetting names the file with the key that seals grants and cookies.
const secretSetting = "SLUICE_SECRET_KEY_FILE"

// secretKey reads the key. Without the setting it lies beside the SQLite file, and is made there at the first start; replicas on
// PostgreSQL must all have the same, so there it is asked for.
func secretKey(s settings) ([]byte, error) {
	if s.SecretKey != "" {
		key, err := readSecret(s.SecretKey)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: there is no file %s; `openssl rand -base64 32 > %s` makes one", secretSetting, s.SecretKey, s.SecretKey)
		}
		return key, err
	}
	path, ok := strings.CutPrefix(s.Database, "sqlite:")
	if !ok {
		return nil, fmt.Errorf("%s: missing; on PostgreSQL every replica needs the same key, so it is not made by itself: `openssl rand -base64 32 > FILE` makes one", secretSetting)
	}
	path += ".key"
	key, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecret(path)
	}
	return key, err
}

// keptKey is the key that what /setup stored was sealed with: it is not made, for a new one would open nothing.
func (s settings) keptKey() (*dashboard.Secret, error) {
	path := s.SecretKey
	if file, ok := strings.CutPrefix(s.Database, "sqlite:"); ok && path == "" {
		path = file + ".key"
	}
	if path == "" {
		return nil, fmt.Errorf("%s: missing; what /setup stored is sealed with the key in that file", secretSetting)
	}
	raw, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no file %s, and what /setup stored is sealed with the key that was in it; put it back, or set the forge's settings in the environment, or forget what is stored: sluice setup forget", secretSetting, path)
	}
	if err != nil {
		return nil, err
	}
	return dashboard.NewSecret(raw, "setup")
}

// readSecret reads a key of 32 bytes, as base64 or in hex.
func readSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", secretSetting, err)
	}
	word := strings.TrimSpace(string(text))
	for _, decode := range []func(string) ([]byte, error){base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString, base64.RawURLEncoding.DecodeString, hex.DecodeString} {
		if key, err := decode(word); err == nil && len(key) == dashboard.SecretSize {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%s: %s holds no key of 32 bytes in base64; `openssl rand -base64 32` makes one", secretSetting, path)
}

// makeSecret makes a key that nobody else on the machine can read.
func makeSecret(path string) ([]byte, error) {
	key := make([]byte, dashboard.SecretSize)
	_, _ = rand.Read(key) // never fails, by its documentation
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%s: make a key: %w", secretSetting, err)
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: make a key: %w", secretSetting, err), os.Remove(path))
	}
	return key, nil
}

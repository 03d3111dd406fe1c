package dashboard

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
)

// Secret seals what must be kept and may not be read by whoever gets hold of the database or of a cookie: AES-256-GCM, with a
// random nonce each time.
type Secret struct{ aead cipher.AEAD }

// SecretSize is the size of the key, in bytes.
const SecretSize = 32

// NewSecret makes a secret of its key. Of one key come unlike secrets for unlike purposes.
func NewSecret(key []byte, purpose string) (*Secret, error) {
	if len(key) != SecretSize {
		return nil, errors.New("the secret key must have 32 bytes")
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "sluice "+purpose, SecretSize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Secret{aead}, nil
}

// Seal encrypts. Of says whose it is: sealed for one it cannot be opened as another's.
func (s *Secret) Seal(of string, plain []byte) []byte {
	return s.aead.Seal(nil, nil, plain, []byte(of))
}

// Open decrypts, and says false of what was not sealed so, or with another key.
func (s *Secret) Open(of string, sealed []byte) ([]byte, bool) {
	plain, err := s.aead.Open(nil, nil, sealed, []byte(of))
	return plain, err == nil
}

package gitlab

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Wish is what a webhook to the server at this address shall be like. Of several secrets the first of each sort is given to
// the hook; the others are those that are on their way out.
func (s Settings) Wish(public string) Wish {
	w := Wish{URL: strings.TrimRight(public, "/") + "/webhook/gitlab"}
	for _, secret := range strings.FieldsFunc(s.WebhookSecret, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		secret = strings.TrimSpace(secret)
		switch signing := strings.HasPrefix(secret, "whsec_"); {
		case signing && w.Signing == "":
			w.Signing = secret
		case !signing && w.Token == "":
			w.Token = secret
		}
	}
	w.Note = Describes + " (made by sluice gitlab install; secret " + fingerprint(w) + ")"
	return w
}

// fingerprint tells one secret from another without telling it: GitLab never shows what a hook's secret is. It is cut short and
// costs much to make, so that nobody who sees it can try secrets out.
func fingerprint(w Wish) string {
	key, err := pbkdf2.Key(sha256.New, w.Token+"\x00"+w.Signing, []byte(w.URL), 100_000, 4)
	if err != nil { // it has no way to fail with these
		return ""
	}
	return hex.EncodeToString(key)
}

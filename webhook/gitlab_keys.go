package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/patterns"
)

// keys are the secrets by which GitLab's deliveries are known: plain tokens, which are also the shared secrets of external
// status checks, and signing keys. Several may be given, so that one can be replaced while both are in use.
type keys struct {
	tokens  []string
	signing [][]byte
}

// tolerance is how far a signature's time may be from ours: what was signed longer ago may be played back by a stranger.
const tolerance = 5 * time.Minute

// shortest is the least that a signing key may be long, in bytes. GitLab makes them of 32.
const shortest = 16

func readKeys(setting string) (k keys, err error) {
	for _, s := range strings.FieldsFunc(setting, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		s = strings.TrimSpace(s)
		coded, signing := strings.CutPrefix(s, "whsec_")
		if s == "" {
			continue
		}
		if !signing {
			k.tokens = append(k.tokens, s)
			continue
		}
		key, err := base64.StdEncoding.DecodeString(coded)
		if err != nil || len(key) < shortest {
			return k, errors.New("a signing token among the webhook secrets is none: whsec_ is followed by base64 of the key, as GitLab shows it")
		}
		k.signing = append(k.signing, key)
	}
	if len(k.tokens)+len(k.signing) == 0 {
		return k, errors.New("the webhook secret is empty: anybody could send deliveries")
	}
	return k, nil
}

// admit says whether the request comes from somebody who knows a secret. A signature says more than a token, since it
// covers the body and the time: where there is one and we have signing keys, it alone counts.
func (k keys) admit(h http.Header, body []byte, now time.Time) error {
	single := func(name string) (string, bool) { all := h.Values(name); return h.Get(name), len(all) == 1 }
	for _, name := range []string{"X-Gitlab-Token", "webhook-signature", "webhook-id", "webhook-timestamp", "X-Gitlab-Signature"} {
		if len(h.Values(name)) > 1 {
			return errors.New("the header " + name + " is there more than once")
		}
	}
	if list, ok := single("webhook-signature"); ok && len(k.signing) > 0 {
		return k.signed(h, list, body, now)
	}
	if token, ok := single("X-Gitlab-Token"); ok {
		if !k.knows(token) {
			return errors.New("the secret token is not one in SLUICE_GITLAB_WEBHOOK_SECRET")
		}
		return nil
	}
	if sum, ok := single("X-Gitlab-Signature"); ok {
		if !k.shared(sum, body) {
			return errors.New("the signature does not match: the shared secret of the external status check must be in SLUICE_GITLAB_WEBHOOK_SECRET")
		}
		return nil
	}
	return errUnsigned
}

// knows compares a token with each of ours, all of them every time, by their digests: neither which of them nor how long
// any is can be told by the time it takes.
func (k keys) knows(token string) bool {
	given, found := sha256.Sum256([]byte(token)), 0
	for _, t := range k.tokens {
		want := sha256.Sum256([]byte(t))
		found |= subtle.ConstantTimeCompare(given[:], want[:])
	}
	return found == 1
}

// signed checks a signature of Standard Webhooks: of id, time and body. The header may hold several, of several versions.
func (k keys) signed(h http.Header, list string, body []byte, now time.Time) error {
	id, stamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || !deliveryID(id) {
		return errors.New("the signature's id or time is missing or none")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return errors.New("the signature is of another time: the clocks of GitLab and Sluice must agree within five minutes")
	}
	found := false
	for _, key := range k.signing {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for i, one := range strings.Fields(list) {
			coded, ok := strings.CutPrefix(one, "v1,")
			sum, err := base64.StdEncoding.DecodeString(coded)
			found = ok && err == nil && i < 10 && hmac.Equal(sum, want) || found
		}
	}
	if !found {
		return errors.New("the signature does not match: is the signing token the same here and at GitLab?")
	}
	return nil
}

// shared checks the signature of an external status check: of the body alone.
func (k keys) shared(sum string, body []byte) bool {
	given, err := hex.DecodeString(strings.TrimPrefix(sum, "sha256="))
	found := false
	for _, t := range k.tokens {
		mac := hmac.New(sha256.New, []byte(t))
		mac.Write(body)
		found = hmac.Equal(given, mac.Sum(nil)) || found
	}
	return found && err == nil
}

var hookName = patterns.New(`^[A-Z][A-Za-z ]{0,63}$`)

// id is what a delivery that was admitted is known by: where its signature counted, the id that is signed, which nobody who
// plays it back can change.
func (k keys) id(h http.Header, body []byte) string {
	if len(k.signing) > 0 && len(h.Values("webhook-signature")) == 1 {
		return h.Get("webhook-id")
	}
	return hookID(h, body)
}

// hookID is what a delivery without a signature is known by. GitLab repeats its Idempotency-Key when it sends one again. Before 17.4 there was
// none: the hook and the event are told then, but an event may set off others that share its id, so the body counts too.
func hookID(h http.Header, body []byte) string {
	if key := h.Get("Idempotency-Key"); deliveryID(key) {
		return key
	}
	sum := sha256.New()
	sum.Write([]byte(h.Get("X-Gitlab-Event") + "\x00"))
	sum.Write(body)
	digest := hex.EncodeToString(sum.Sum(nil))
	hook, event := h.Get("X-Gitlab-Webhook-UUID"), h.Get("X-Gitlab-Event-UUID")
	if deliveryID(hook) && deliveryID(event) {
		return hook + "/" + event + "/" + digest[:16]
	}
	return digest
}

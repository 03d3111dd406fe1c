package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// answer is what a request gets.
type answer struct {
	code    int
	outcome string
	text    string
}

// said is the answer's body.
type said struct {
	Message string `json:"message"`
	Outcome string `json:"outcome"`
}

func (a answer) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	switch a.code {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(10))
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodPost)
	}
	w.WriteHeader(a.code)
	json.NewEncoder(w).Encode(said{a.text, a.outcome}) //nolint:errcheck // whoever asked has gone
}

// eventName says whether s may name an event or an action.
func eventName(s string) bool {
	return len(s) <= 64 && s != "" && lower(s[0]) && of(s, func(c byte) bool { return lower(c) || digit(c) || c == '_' })
}

// deliveryID says whether s may be a delivery's id.
func deliveryID(s string) bool {
	return len(s) <= 100 && s != "" && of(s, func(c byte) bool { return letter(c) || digit(c) || strings.IndexByte("._:-", c) >= 0 })
}

// acceptable looks at all but the body. Nothing is unpacked: a compressed body is refused, so that none can explode.
func acceptable(r *http.Request) (answer, bool) {
	no := func(code int, outcome, text string) (answer, bool) { return answer{code, outcome, text}, false }
	if r.Method != http.MethodPost {
		return no(405, Refused, "deliveries are POSTed")
	}
	if n := len(r.Header.Values("X-Hub-Signature-256")); n != 1 {
		return no(401, Refused, "the header X-Hub-Signature-256 must be there, once: give the webhook a secret")
	}
	if given := r.Header.Get("Content-Type"); given != "application/json" { // as GitHub writes it
		kind, params, err := mime.ParseMediaType(given)
		if err != nil || kind != "application/json" {
			return no(400, Malformed, "the content type must be application/json: choose it in the webhook's settings")
		}
		if c := params["charset"]; c != "" && !strings.EqualFold(c, "utf-8") {
			return no(400, Malformed, "the charset must be utf-8")
		}
	}
	for _, e := range r.Header.Values("Content-Encoding") {
		if !strings.EqualFold(e, "identity") {
			return no(400, Malformed, "the body must not be compressed")
		}
	}
	if !eventName(r.Header.Get("X-GitHub-Event")) {
		return no(400, Malformed, "the header X-GitHub-Event is missing or no event's name")
	}
	if !deliveryID(r.Header.Get("X-GitHub-Delivery")) {
		return no(400, Malformed, "the header X-GitHub-Delivery is missing or no delivery's id")
	}
	return answer{}, true
}

// signed says whether the header carries the body's HMAC-SHA-256, in a time that tells nothing about the secret. The
// older SHA-1 header is not looked at.
func signed(body []byte, header, secret string) bool {
	given, ok := strings.CutPrefix(header, "sha256=")
	if !ok {
		return false
	}
	sum, err := hex.DecodeString(given)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal(sum, mac.Sum(nil))
}

// unread is the answer to a body that did not come in.
func unread(err error) answer {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return answer{413, TooLarge, "the body is larger than 25 MB"}
	case errors.Is(err, errBudget):
		return answer{503, Failed, "too many large deliveries at once; deliver it again later"}
	}
	return answer{400, Malformed, "the body could not be read to its end"}
}

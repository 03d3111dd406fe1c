package dashboard

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// What the set-up gives a browser to bring back is sealed, so that it can be read and made here alone: that it has shown the
// token, and which App it was sent to GitHub for.

const (
	passCookie   = "sluice-setup"
	makingCookie = "sluice-setup-app"
	passLasts    = 12 * time.Hour
	makingLasts  = time.Hour // as long as GitHub's code
)

// pass says that a browser has shown the token with this mark.
type pass struct {
	Mark  string    `json:"mark"`
	Until time.Time `json:"until"`
}

// making is an App that a browser was sent to the forge for.
type making struct {
	State string    `json:"state"`
	Place HubPlace  `json:"place"`
	Until time.Time `json:"until"`
}

func (x *SetUp) secure() bool { return strings.HasPrefix(x.PublicURL, "https://") }

// cookieName is a cookie's name. With the prefix no other host and no page in the clear can set it.
func (x *SetUp) cookieName(name string) string {
	if x.secure() {
		return "__Host-" + name
	}
	return name
}

// gives writes a cookie. The forge sends the browser back by a link, which Lax lets it go along with.
func (v *setUpVisit) gives(name string, content any, lasts time.Duration) error {
	value, age := "", -1
	if content != nil {
		text, err := json.Marshal(content)
		if err != nil {
			return err
		}
		value, age = base64.RawURLEncoding.EncodeToString(v.key.Seal(name, text)), int(lasts.Seconds())
	}
	http.SetCookie(v.w, &http.Cookie{Name: v.cookieName(name), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: v.secure(), SameSite: http.SameSiteLaxMode})
	return nil
}

// brings reads a cookie, and says false of what was not given here.
func (v *setUpVisit) brings(name string, into any) bool {
	c, err := v.r.Cookie(v.cookieName(name))
	if err != nil || v.key == nil {
		return false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return false
	}
	text, ok := v.key.Open(name, sealed)
	return ok && json.Unmarshal(text, into) == nil
}

// holds says whether this browser has shown the token with this mark.
func (v *setUpVisit) holds(mark string) bool {
	var p pass
	return v.brings(passCookie, &p) && v.Now().Before(p.Until) && subtle.ConstantTimeCompare([]byte(p.Mark), []byte(mark)) == 1
}

func (v *setUpVisit) lets(mark string) {
	_ = v.gives(passCookie, pass{mark, v.Now().Add(passLasts).UTC()}, passLasts) // two texts and a time can always be written
}

// begins remembers an App that this browser is sent to the forge for, and is the state that must come back with it.
func (v *setUpVisit) begins(place HubPlace) (state string, err error) {
	m := making{State: rand.Text(), Place: place, Until: v.Now().Add(makingLasts).UTC()}
	return m.State, v.gives(makingCookie, m, makingLasts)
}

// returns is the App that this browser was sent for, if what came back belongs to it. It is good for one answer.
func (v *setUpVisit) returns() (place HubPlace, ok bool) {
	var m making
	ok = v.brings(makingCookie, &m) && v.Now().Before(m.Until) && subtle.ConstantTimeCompare([]byte(m.State), []byte(v.r.URL.Query().Get("state"))) == 1
	_ = v.gives(makingCookie, nil, 0)
	return m.Place, ok
}

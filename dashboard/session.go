package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Sessions keep which browsers are signed in.
type Sessions interface {
	// Session is the one whose cookie has this hash, or nil for one that is over.
	Session(ctx context.Context, hash string) (*gate.Session, error)
	KeepSession(ctx context.Context, x gate.Session) error
	DropSession(ctx context.Context, hash string) error
	DropSessions(ctx context.Context, forge, id string) error
}

// A session ends so long after it began, or after it was last used.
const (
	sessionLasts = 14 * 24 * time.Hour
	sessionIdle  = 3 * 24 * time.Hour
	sessionFresh = time.Hour // so often it is written down that it is used
)

// The members of a session.
const (
	inForge = "forge"
	inID    = "id"
	inBegan = "began"
	inUsed  = "used"
)

// manager is the library's, over our store: only hashes of cookies are kept, and nothing at all of who has not signed in.
func (s *SignIn) manager() *scs.SessionManager {
	// Not by scs.New: that would have a store in memory swept for ever, which cannot be stopped before it has begun.
	m := &scs.SessionManager{Store: sessionStore{s}, Codec: sessionCodec{}, HashTokenInStore: true, Lifetime: sessionLasts}
	m.Cookie.Persist = true
	m.Cookie.Name, m.Cookie.Secure = s.cookie("sluice-session"), s.secure()
	m.Cookie.HttpOnly, m.Cookie.SameSite, m.Cookie.Path = true, http.SameSiteLaxMode, "/"
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) { s.broken(w, r, "read or keep a session", err) }
	return m
}

// sessionCodec writes the members of a session as JSON: all of them are text.
type sessionCodec struct{}

type sessionBody struct {
	Deadline time.Time         `json:"deadline"`
	Values   map[string]string `json:"values"`
}

// Encode implements scs.Codec.
func (sessionCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	b := sessionBody{deadline, map[string]string{}}
	for name, v := range values {
		text, ok := v.(string)
		if !ok {
			return nil, errors.New("a session holds text alone")
		}
		b.Values[name] = text
	}
	return json.Marshal(b)
}

// Decode implements scs.Codec.
func (sessionCodec) Decode(text []byte) (time.Time, map[string]any, error) {
	var b sessionBody
	err := json.Unmarshal(text, &b)
	values := map[string]any{}
	for name, v := range b.Values {
		values[name] = v
	}
	return b.Deadline, values, err
}

// sessionStore is our store as the library wants it. How long a session lasts is reckoned by the server's clock, not by the
// library's.
type sessionStore struct{ s *SignIn }

var _ scs.CtxStore = sessionStore{}

// FindCtx implements scs.CtxStore.
func (x sessionStore) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	found, err := x.s.Sessions.Session(ctx, hash)
	if err != nil || found == nil || !x.s.Now().Before(found.Until) {
		return nil, false, err
	}
	return found.Body, true, nil
}

// CommitCtx implements scs.CtxStore.
func (x sessionStore) CommitCtx(ctx context.Context, hash string, text []byte, _ time.Time) error {
	_, values, err := sessionCodec{}.Decode(text)
	if err != nil {
		return err
	}
	began, used := instant(values[inBegan]), instant(values[inUsed])
	until := began.Add(sessionLasts)
	if idle := used.Add(sessionIdle); idle.Before(until) {
		until = idle
	}
	forge, _ := values[inForge].(string)
	id, _ := values[inID].(string)
	if forge == "" || id == "" {
		return errors.New("a session that is nobody's is not kept")
	}
	return x.s.Sessions.KeepSession(ctx, gate.Session{Hash: hash, Forge: forge, ID: id, Until: until, Body: text})
}

// DeleteCtx implements scs.CtxStore.
func (x sessionStore) DeleteCtx(ctx context.Context, hash string) error {
	return x.s.Sessions.DropSession(ctx, hash)
}

var errNoContext = errors.New("sessions are read and kept within a request")

// Find, Commit and Delete are what the library calls of stores that take no context.
func (sessionStore) Find(string) ([]byte, bool, error)      { return nil, false, errNoContext }
func (sessionStore) Commit(string, []byte, time.Time) error { return errNoContext }
func (sessionStore) Delete(string) error                    { return errNoContext }

func instant(v any) time.Time {
	text, _ := v.(string)
	ms, _ := strconv.ParseInt(text, 10, 64) // what cannot be read is long ago
	return time.UnixMilli(ms)
}

// enter makes this browser the person's. It gets another cookie than it had, so that none that was planted there is let in.
func (s *SignIn) enter(ctx context.Context, forge string, who checks.Person) error {
	if err := s.sessions.Clear(ctx); err != nil {
		return err
	}
	now := strconv.FormatInt(s.Now().UnixMilli(), 10)
	for name, value := range map[string]string{inForge: forge, inID: strconv.FormatInt(who.ID, 10), inBegan: now, inUsed: now} {
		s.sessions.Put(ctx, name, value)
	}
	return s.sessions.RenewToken(ctx)
}

// Known tells the handlers within who is looking, if this browser is signed in. Where that cannot be read, nothing is shown.
func (s *SignIn) Known(next http.Handler) http.Handler {
	return s.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		forge, id := s.sessions.GetString(ctx, inForge), s.sessions.GetString(ctx, inID)
		if _, ok := s.forge(forge); !ok || id == "" {
			next.ServeHTTP(w, r)
			return
		}
		p, err := s.person(ctx, forge, id)
		switch {
		case err != nil:
			s.broken(w, r, "read who is signed in", err)
			return
		case p != nil:
			if now := s.Now(); now.Sub(instant(s.sessions.GetString(ctx, inUsed))) > sessionFresh {
				s.sessions.Put(ctx, inUsed, strconv.FormatInt(now.UnixMilli(), 10))
			}
			r = r.WithContext(WithPerson(ctx, *p))
		}
		next.ServeHTTP(w, r)
	}))
}

// person is somebody who signed in and whose grant was not given up since; nil: nobody.
func (s *SignIn) person(ctx context.Context, forge, id string) (*Person, error) {
	a, err := s.Accounts.Account(ctx, forge, id)
	if err != nil || a == nil {
		return nil, err
	}
	if _, ok := s.opened(a); !ok { // given up, or sealed with another key
		return nil, nil
	}
	p := Person{Forge: forge, ID: id, Login: a.Login, Name: a.Name}
	p.Admin = s.admin(ctx, p)
	return &p, nil
}

// leave ends this browser's session, or all of the person's.
func (s *SignIn) leave(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if len(s.Forges) == 0 { // there are no sessions
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	if p, ok := PersonOf(ctx); ok && r.PostFormValue("everywhere") != "" {
		if err := s.Sessions.DropSessions(ctx, p.Forge, p.ID); err != nil {
			s.broken(w, r, "end all sessions", err)
			return
		}
	}
	if err := s.sessions.Destroy(ctx); err != nil {
		s.broken(w, r, "end a session", err)
		return
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

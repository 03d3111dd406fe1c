package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/oauth2"

	"github.com/sluicegate/sluice/gate"
)

// granted is a forge's leave to ask in a person's name, as it is sealed.
type granted struct {
	Access  string    `json:"access"`
	Refresh string    `json:"refresh,omitempty"`
	Until   time.Time `json:"until,omitzero"` // zero: it does not run out by itself
}

func (s *SignIn) sealed(forge, id string, t *oauth2.Token) ([]byte, error) {
	text, err := json.Marshal(granted{t.AccessToken, t.RefreshToken, t.Expiry.UTC()})
	if err != nil {
		return nil, err
	}
	return s.grants.Seal("grant\x00"+forge+"\x00"+id, text), nil
}

func (s *SignIn) opened(a *gate.Account) (g granted, ok bool) {
	text, ok := s.grants.Open("grant\x00"+a.Forge+"\x00"+a.ID, a.Grant)
	return g, ok && json.Unmarshal(text, &g) == nil && g.Access != ""
}

// renewBefore is how long before a token runs out another is asked for.
const renewBefore = 2 * time.Minute

// access is the forge's token of a person, renewed where it runs out. It fails with gate.ErrSignedOut when there is none any more.
func (s *SignIn) access(ctx context.Context, f Forge, id string) (string, error) {
	v, err, _ := s.asking.Do("grant\x00"+f.Name+"\x00"+id, func() (any, error) {
		// What one asks for, others wait for: it does not end with whoever was first.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		for range 3 {
			access, again, err := s.current(ctx, f, id)
			if !again {
				return access, err
			}
		}
		return "", errors.New("renew a sign-in: others did so at the same time")
	})
	access, _ := v.(string)
	return access, err
}

// current is the token that is kept, or a new one. again says that another process was faster: the forge takes what it is renewed
// with once.
func (s *SignIn) current(ctx context.Context, f Forge, id string) (access string, again bool, err error) {
	a, err := s.Accounts.Account(ctx, f.Name, id)
	if err != nil {
		return "", false, err
	}
	if a == nil || len(a.Grant) == 0 {
		return "", false, gate.ErrSignedOut
	}
	g, ok := s.opened(a)
	switch {
	case !ok: // sealed with another key
		return "", false, fmt.Errorf("read the grant of a person: %w", gate.ErrSignedOut)
	case g.Until.IsZero() || s.Now().Add(renewBefore).Before(g.Until):
		return g.Access, false, nil
	}
	fresh, err := f.Way.Renew(ctx, &oauth2.Token{AccessToken: g.Access, RefreshToken: g.Refresh, Expiry: g.Until})
	switch {
	case errors.Is(err, gate.ErrSignedOut):
		if later, err := s.Accounts.Account(ctx, f.Name, id); err != nil || later != nil && later.Version != a.Version {
			return "", err == nil, err
		}
		return "", false, errors.Join(err, s.giveUp(ctx, a))
	case err != nil:
		return "", false, err
	}
	if a.Grant, err = s.sealed(f.Name, id, fresh); err != nil {
		return "", false, err
	}
	kept, err := s.Accounts.KeepAccount(ctx, *a)
	return fresh.AccessToken, !kept && err == nil, err
}

// giveUp forgets a grant that the forge does not take any more: whoever it was has to sign in again.
func (s *SignIn) giveUp(ctx context.Context, a *gate.Account) error {
	a.Grant = nil
	_, err := s.Accounts.KeepAccount(ctx, *a)
	s.memory.forget(a.Forge, a.ID)
	return err
}

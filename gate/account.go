package gate

import (
	"errors"
	"time"
)

// ErrSignedOut says that the forge takes a person's grant no more: it was revoked, or it ran out.
var ErrSignedOut = errors.New("the forge takes this sign-in no more")

// Account is a person who signed in, as a forge told of them last, with the leave to ask it in their name.
type Account struct {
	Forge, ID   string // the key; the id is the forge's
	Login, Name string
	Grant       []byte    // sealed; empty: it was given up, and nothing can be asked in their name
	Version     int64     // of the grant: whoever changes it says which one was read
	At          time.Time // when the forge told of it
}

// Session is a browser that is signed in. Hash is of what its cookie holds.
type Session struct {
	Hash      string
	Forge, ID string // of the account
	Until     time.Time
	Body      []byte
}

// Token is a person's for the API. What they send is kept as a hash alone, and is not in here.
type Token struct {
	ID            string
	Forge, Person string // of the account
	Name          string
	Scopes        []string // "read", "command"
	At, Until     time.Time
	Used          time.Time // zero: never; to the hour
}

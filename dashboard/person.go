package dashboard

import (
	"context"

	"github.com/sluicegate/sluice/gate"
)

// Person is who is signed in, as the forge knows them. Forge and ID are the key; Login may change.
type Person struct {
	Forge, ID, Login, Name string
	Admin                  bool
	Guest                  bool // nobody signed in: a demo shows its pages to whoever looks
}

// Sight says what a person may see and do; it asks the forge, and what it cannot learn is no.
type Sight interface {
	// Repos narrows repos to those the person may see.
	Repos(ctx context.Context, p Person, repos []gate.Repo) ([]gate.Repo, error)
	// Role is the person's permission there ("read", "triage", "write", "maintain", "admin"), "" for none.
	Role(ctx context.Context, p Person, repo gate.Repo) (string, error)
}

type personKey struct{}

// WithPerson tells the handlers within ctx who is looking; only what has proved it may call it.
func WithPerson(ctx context.Context, p Person) context.Context {
	return context.WithValue(ctx, personKey{}, p)
}

// PersonOf is who is looking, and whether anybody has signed in at all.
func PersonOf(ctx context.Context) (Person, bool) {
	p, ok := ctx.Value(personKey{}).(Person)
	return p, ok
}

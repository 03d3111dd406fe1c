package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
)

// Library is what the pages read of the store.
type Library interface {
	Repositories(ctx context.Context, f gate.BoardFilter) ([]gate.Repo, error)
	Places(ctx context.Context, repos []gate.Repo) ([]gate.Place, error)
	OpenChanges(ctx context.Context, forge, repo string, before, limit int) ([]gate.ChangeRow, error)
	Change(ctx context.Context, s checks.Subject) (*gate.ChangeRow, error)
	History(ctx context.Context, s checks.Subject, before int64, limit int) ([]gate.DecisionRow, error)
	// Record is a decision with what it was made from, or nil.
	Record(ctx context.Context, id string) (*gate.Recorded, error)
	Acts(ctx context.Context, s checks.Subject) (gate.Acts, error)
	Promotion(ctx context.Context, id string) (*gate.Promotion, error)
	Promotions(ctx context.Context, forge, repo, commit string, limit int) ([]gate.Promotion, error)
	Environment(ctx context.Context, forge, repo, name string) (*gate.EnvironmentBook, error)
	Said(ctx context.Context, promotion string) ([]gate.PromotionAct, error)
	// ChangeFacts hands over what the newest decisions on changes were made from; those of which nothing is kept are left out.
	ChangeFacts(ctx context.Context, forge, repo string, changes []int, see func(change int, facts []byte) error) error
	Entries(ctx context.Context, q EntryQuery, see func(audit.Kept) error) error
	Pulse(ctx context.Context) (int64, error)
	Ask(ctx context.Context, x gate.Ask) (added bool, err error)
	Asked(ctx context.Context, id string) (*gate.Ask, error)
}

// EntryQuery says which entries of the audit log to read, the newest first unless Oldest; zero members say all.
type EntryQuery struct {
	Repos         []string
	Kinds         []gate.EntryKind
	Who, Check    string
	Since, Until  time.Time
	Before, After int64
	Newest        int
}

// Pages is what the pages for people who signed in are made from.
type Pages struct {
	Library Library
	Sight   Sight // nil: nobody can sign in here
	Now     func() time.Time
	DryRun  bool
	Queue   Queue
	Reports Reports
	Rejudge Rejudge
	Tables  Tables
	Doctor  Doctor
	Owners  Owners // nil: no forge can be asked

	ledger *ledger
	owners *ownersMemory
}

// as are the same pages for those of whom a Sight knows. What is remembered between requests is remembered once.
func (p *Pages) as(s Sight) *Pages {
	x := *p
	x.Sight = s
	return &x
}

// Open has the board show its pages to whoever is signed in. It is called before Handler.
func (b *Board) Open(p *Pages) {
	p.remember()
	b.pages, b.pulse = p, newPulse(p.Library.Pulse, b.log)
}

// remember makes room for what is remembered between requests.
func (p *Pages) remember() {
	p.ledger, p.owners = &ledger{}, newOwnersMemory()
}

// Errors that a page ends in.
var (
	errMissing = errors.New("there is no such page, or you may not see it")
	errDenied  = errors.New("you may not do this")
)

// denied is a refusal that says who may.
type denied struct{ why string }

func (d denied) Error() string        { return d.why }
func (d denied) Is(target error) bool { return target == errDenied }

// wrong is a request that cannot be understood, with what is wrong with it.
type wrong struct{ why string }

func (x wrong) Error() string { return x.why }

// visitor is one request of somebody who is signed in.
type visitor struct {
	*Pages
	Person Person
	w      http.ResponseWriter
	r      *http.Request
	now    time.Time
}

func (v *visitor) ctx() context.Context { return v.r.Context() }

// sees fails with errMissing unless the person may see the repository, and says how it is reached.
func (v *visitor) sees(forge, name string) (gate.Repo, error) {
	repo := gate.Repo{Forge: forge, Name: name}
	list, err := v.Sight.Repos(v.ctx(), v.Person, []gate.Repo{repo})
	if err != nil {
		return repo, fmt.Errorf("ask what %s may see: %w", v.Person.Login, err)
	}
	if len(list) != 1 {
		return repo, errMissing
	}
	return repo, nil
}

// page is what a template is given.
type page struct {
	Title   string
	Here    string // of the navigation
	Person  Person
	Data    any
	Version string
	Now     time.Time
	Live    bool // it is brought up to date when something happens
	DryRun  bool
	SignIn  bool // nobody is signed in here, and somebody could be
}

// signedIn serves a page to whoever is signed in, and nobody else.
func (b *Board) signedIn(serve func(*visitor) (*page, string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, ok := b.visit(w, r)
		if !ok {
			return
		}
		p, name, err := serve(v)
		switch {
		case err != nil:
			b.fail(v, err)
		case p != nil:
			p.Person, p.Now, p.DryRun = v.Person, v.now, v.DryRun
			b.render(w, http.StatusOK, name, p)
		}
	}
}

// visit is somebody's request, unless it was answered already for want of somebody.
func (b *Board) visit(w http.ResponseWriter, r *http.Request) (*visitor, bool) {
	if b.pages == nil || b.pages.Sight == nil {
		b.home(w, r)
		return nil, false
	}
	person, ok := PersonOf(r.Context())
	if !ok {
		to := "/login"
		if r.Method == http.MethodGet && r.URL.Path != "/" {
			to += "?next=" + url.QueryEscape(r.URL.RequestURI())
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil, false
	}
	return &visitor{Pages: b.pages, Person: person, w: w, r: r, now: b.pages.Now().UTC()}, true
}

// fail says what went wrong, and what to do next. What is missing and what may not be seen look alike.
func (b *Board) fail(v *visitor, err error) {
	var x wrong
	p := &page{Person: v.Person, Now: v.now}
	status := http.StatusServiceUnavailable
	switch {
	case errors.Is(err, errMissing):
		status, p.Title, p.Data = http.StatusNotFound, "Nothing here", "There is no such page, or the forge does not show you what it is about. If it should: ask for access to the repository at the forge, and reload in some minutes."
	case errors.Is(err, errDenied):
		status, p.Title, p.Data = http.StatusForbidden, "You may not do this", err.Error()
	case errors.As(err, &x):
		status, p.Title, p.Data = http.StatusUnprocessableEntity, "That cannot be done", x.why
	case v.ctx().Err() != nil:
		return // whoever asked is gone
	default:
		b.log.Error("make a page", "path", v.r.URL.Path, "err", err)
		v.w.Header().Set("Retry-After", "5")
		p.Title, p.Data = "Not now", "This cannot be read right now. Reload in a minute. If it stays so, an administrator finds the cause in the server's log, and runs `sluice doctor`."
	}
	b.render(v.w, status, "trouble.html", p)
}

// render gives a template what every page has.
func (b *Board) render(w http.ResponseWriter, status int, name string, p *page) {
	p.Version = b.version
	b.write(w, status, name, p)
}

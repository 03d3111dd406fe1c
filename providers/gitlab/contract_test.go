package gitlab_test

import (
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/providers/gitlab"
	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/providers/providertest"
)

// lacks are the parts of the contract that GitLab itself has nothing for.
var lacks = map[string]string{
	"shows more annotations than one request carries":  "a commit status has no annotations: what belongs to lines stands in the note, which has tests of its own",
	"tells what an app wrote from what a person wrote": "GitLab does not tell that an application wrote a note in somebody's name",
}

func TestContract(t *testing.T) {
	t.Parallel()
	for name := range lacks {
		if !slices.Contains(providertest.Parts(), name) {
			t.Errorf("the contract has no part %q", name)
		}
	}
	providertest.Contract(t, func(t *testing.T) providertest.Harness {
		forge := pretend.NewGitLab(pretend.Options{Secret: "secret"})
		forge.Install("acme")
		clock := &later{}
		server := httptest.NewServer(forge.Handler())
		t.Cleanup(server.Close)
		forge.Served(server.URL)
		client, err := gitlab.New(gitlab.Settings{URL: server.URL, Token: forge.GitLabToken(), WebhookSecret: "secret"}, gitlab.Options{Now: clock.now})
		if err != nil {
			t.Fatal(err)
		}
		return providertest.Harness{Name: "gitlab", Provider: client, Forge: forge, Lacks: lacks, Floor: "acme/sluice-policy", Later: clock.pass,
			Bare:        "a commit status is a state and a line, and all who post one under a name share it",
			Newest:      "GitLab keeps approvals that stand and who asks for changes now",
			Inherits:    "members of a group are members of all groups below it",
			NoWayAround: "GitLab lets no deployment run that lacks an approval of its rules",
			Unmarked:    "GitLab's deployments carry no payload, keep no history, and ask for no statuses"}
	})
}

// later is a clock that runs, and can be moved on.
type later struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (l *later) now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Add(l.ahead)
}

// pass lets ten minutes pass: longer than anything is remembered that may change.
func (l *later) pass() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ahead += 10 * time.Minute
}

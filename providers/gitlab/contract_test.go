package gitlab_test

import (
	"context"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/gitlab"
	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/providers/providertest"
)

// aging reads with a clock that runs on between two readings, so that what is believed for some minutes is asked for anew:
// the contract acts and reads within the same moment, and no events tell of what it did.
type aging struct {
	*gitlab.Client
	ahead atomic.Int64
}

func (a *aging) Facts(ctx context.Context, s checks.Subject, expect string) (*checks.Facts, error) {
	a.ahead.Add(int64(20 * time.Minute))
	return a.Client.Facts(ctx, s, expect)
}

func TestContract(t *testing.T) {
	t.Parallel()
	providertest.Contract(t, func(t *testing.T) providertest.Harness {
		forge := pretend.New(pretend.Options{GitLab: true, Secret: "secret"})
		forge.Install("acme")
		server := httptest.NewServer(forge.Handler())
		t.Cleanup(server.Close)
		a := &aging{}
		client, err := gitlab.New(gitlab.Settings{URL: server.URL, Token: forge.GitLabToken(), WebhookSecret: "secret"}, gitlab.Options{
			Now: func() time.Time { return time.Now().Add(time.Duration(a.ahead.Load())) }})
		if err != nil {
			t.Fatal(err)
		}
		a.Client = client
		return providertest.Harness{Name: "gitlab", Provider: a, Forge: forge, Floor: "acme/sluice-policy",
			Bare:     "a commit status is a state and a line of text",
			Newest:   "GitLab keeps one opinion of each person, and tells those that stand",
			Inherits: "members of a group are members of the groups in it",
			Unmarked: "a deployment of GitLab carries no payload and no history",
			Lacks: map[string]string{
				"tells what an app wrote from what a person wrote": "no app writes in the name of a person: an access token has an account of its own",
				"shows more annotations than one request carries":  "a commit status has none; they stand in the note",
			}}
	})
}

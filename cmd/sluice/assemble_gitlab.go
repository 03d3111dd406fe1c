package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/gitlab"
	"github.com/sluicegate/sluice/webhook"
)

// newGitLab makes the client of GitLab. v is told of what it does; nil: nobody is.
func newGitLab(s settings, o outside, v *server, log *slog.Logger, beside ...gitlab.Beside) (*gitlab.Client, error) {
	opts := gitlab.Options{Log: log, Now: o.now, Transport: o.transport, UserAgent: "sluice/" + version(), Hook: s.GitLab.Wish(s.PublicURL)}
	for _, b := range beside {
		opts.Beside = b
	}
	if v != nil {
		opts.Call = v.called
		opts.Quota = func(token int64, resource string, remaining, limit int, reset time.Time) {
			v.metrics.left(token, "gitlab "+resource, remaining, limit, reset)
		}
	}
	return gitlab.New(s.GitLab, opts)
}

// guardGitLab wires GitLab's client and receiver.
func (v *server) guardGitLab(a, before *assembly, mux *http.ServeMux) (err error) {
	st, s, o := v.store, a.settings, v.outside
	var beside []gitlab.Beside
	if st.Shared() {
		beside = append(beside, st)
	}
	client := before.gitlab
	if client == nil || before.settings.GitLab != s.GitLab {
		if client, err = newGitLab(s, o, v, v.log, beside...); err != nil {
			return err
		}
	}
	hook, err := webhook.GitLab(webhook.Settings{Secret: s.GitLab.WebhookSecret, Inbox: v.tracing.inbox(st), HasOpen: st.HasOpen, Awaited: st.Awaited, Own: client.Own,
		Heads: func(ctx context.Context, forge, repo, commit string) (bool, error) {
			open, err := st.OpenAt(ctx, forge, repo, commit)
			return len(open) > 0, err
		},
		Unread: client.Unread, Hint: hinting(client), Now: o.now, Log: v.log, Observe: v.metrics.delivery})
	if err != nil {
		return err
	}
	a.gitlab, a.reconciler.Providers["gitlab"] = client, client
	mux.Handle("POST /webhook/gitlab", v.tracing.receives(hook))
	mux.Handle("GET /webhook/gitlab", hook) // which says that it takes POST alone
	return nil
}

// hinting is how a client is told what a push is said to have touched, where it makes use of that.
func hinting(client any) func(gate.Repo, string, []string) {
	if c, ok := client.(interface {
		Hint(repo gate.Repo, head string, paths []string)
	}); ok {
		return c.Hint
	}
	return nil
}

package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// qSetRelease never takes back what has ended: whoever is late with an older state of it changes nothing.
const qSetRelease = `
INSERT INTO release (forge, repo, number, sha, comment, line, tag, pull, state, at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (forge, repo, number, sha, comment, line) DO UPDATE SET tag = excluded.tag, pull = excluded.pull, state = excluded.state, body = excluded.body
WHERE release.state IN ('working', 'waiting')`

// qReleasesOf finds what was asked on a commit without its change: the numbers of comments on commits are their own.
const qReleasesOf = `
SELECT body FROM release WHERE forge = $1 AND repo = $2 AND (number = $3 OR sha <> '') AND sha = $4 AND comment = $5 ORDER BY line`

const qReleasesDue = `
SELECT body FROM release WHERE forge = $1 AND repo = $2 AND (number = $3 AND state = 'working' OR pull = $4 AND pull > 0 AND state IN ('working', 'waiting'))
ORDER BY at, comment, line`

const qReleaseOf = `SELECT body FROM release WHERE forge = $1 AND repo = $2 AND tag = $3 AND state IN ('working', 'done') ORDER BY at DESC, comment DESC LIMIT 1`

// KeepRelease writes a release down before anything is made for it at the forge.
func (s *Store) KeepRelease(ctx context.Context, r gate.Release) error {
	return s.do(ctx, patient, func(t *tx) error { return keepRelease(t, r) }, releaseName(r))
}

func keepRelease(t *tx, r gate.Release) error {
	body, err := json.Marshal(r)
	if err == nil {
		_, err = t.exec(qSetRelease, r.Subject.Forge, fold(r.Subject.Repo), r.Subject.Change, r.On, r.Comment, r.Line, r.Tag, r.Pull, r.State, r.At.UnixMilli(), string(body))
	}
	if err != nil {
		return fmt.Errorf("keep the release %s: %w", r.Tag, err)
	}
	return nil
}

// released keeps what came of releases.
func (r *record) released(t *tx) error {
	for _, x := range r.outcome.Releases {
		if err := keepRelease(t, x); err != nil {
			return err
		}
	}
	return nil
}

// ReleasesOf are those that a comment asked for, by line.
func (s *Store) ReleasesOf(ctx context.Context, subject checks.Subject, comment int64) ([]gate.Release, error) {
	return s.releases(ctx, qReleasesOf, subject.Forge, fold(subject.Repo), subject.Change, subject.Commit, comment)
}

// ReleasesDue are those that were asked on a change and have begun, and those that wait for it to be merged.
func (s *Store) ReleasesDue(ctx context.Context, subject checks.Subject) ([]gate.Release, error) {
	return s.releases(ctx, qReleasesDue, subject.Forge, fold(subject.Repo), subject.Change, subject.Change)
}

// ReleaseOf is the newest of a tag that was or is being made, or nil.
func (s *Store) ReleaseOf(ctx context.Context, forge, repo, tag string) (*gate.Release, error) {
	list, err := s.releases(ctx, qReleaseOf, forge, fold(repo), tag)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

func (s *Store) releases(ctx context.Context, text string, args ...any) ([]gate.Release, error) {
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	var list []gate.Release
	err = each(rows, func(scan func(...any) error) error {
		var body string
		var r gate.Release
		err := scan(&body)
		if err == nil {
			err = json.Unmarshal([]byte(body), &r)
		}
		list = append(list, r)
		return err
	})
	return list, err
}

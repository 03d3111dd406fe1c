package store

import (
	"context"
	"fmt"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

const qDropMembers = `DELETE FROM group_member WHERE subject_id = $1`

const qMember = `INSERT INTO group_member (subject_id, number) VALUES ($1, $2) ON CONFLICT (subject_id, number) DO NOTHING`

const qGroups = `
SELECT s.forge, s.repo, s.name, s.installation FROM subject_state t JOIN subject s ON s.id = t.subject_id
WHERE s.kind = 'group' AND s.number = 0 AND t.open = 1 AND t.forge = $1`

// groupsOf is asked at every judgement of a change, and few repositories have a merge queue: where there was none ever, the
// first line says so in one look, before all open changes of the repository are gone through.
const qGroupsOf = qGroups + `
AND EXISTS (SELECT 1 FROM subject g WHERE g.kind = 'group')
AND t.repo = $2 AND EXISTS (SELECT 1 FROM group_member m WHERE m.subject_id = s.id AND m.number = $3)`

// carried makes the decisions on the changes that a merge queue's commit carries ready to be written.
func (s *Store) carried(w gate.Work, o gate.Outcome) (list []*record, err error) {
	if o.Early {
		return nil, nil
	}
	for _, k := range o.Also {
		r, err := s.prepare(w, gate.Outcome{Decision: k.Decision, Facts: k.Facts, Sources: k.Sources})
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// carries keeps which changes the merge queue's commit carries.
func (r *record) carries(t *tx) error {
	if r.outcome.Members == nil {
		return nil
	}
	_, err := t.exec(qDropMembers, r.work.ID)
	for i := 0; err == nil && i < len(r.outcome.Members); i++ {
		_, err = t.exec(qMember, r.work.ID, r.outcome.Members[i])
	}
	if err != nil {
		return fmt.Errorf("keep what the merge queue carries: %w", err)
	}
	return nil
}

// Groups are the merge queues' commits that live: of a forge, or those that carry a change.
func (s *Store) Groups(ctx context.Context, of checks.Subject) ([]checks.Subject, error) {
	text, args := qGroups, []any{of.Forge}
	if of.Change != 0 {
		text, args = qGroupsOf, append(args, fold(of.Repo), of.Change)
	}
	rows, err := s.query(brief(ctx), text, args...)
	if err != nil {
		return nil, err
	}
	var list []checks.Subject
	err = each(rows, func(scan func(...any) error) error {
		g := checks.Subject{Kind: checks.KindGroup}
		err := scan(&g.Forge, &g.Repo, &g.Group, &g.Installation)
		list = append(list, g)
		return err
	})
	return list, err
}

const qLatestQueued = `
SELECT d.body FROM decision d JOIN subject s ON s.id = d.subject_id
WHERE s.kind = 'group' AND s.key > $1 AND s.key < $2 ORDER BY d.seq DESC LIMIT 1`

// LatestQueued is the newest decision on a change as a merge queue carried it, or nil.
func (s *Store) LatestQueued(ctx context.Context, of checks.Subject) (*gate.Decision, error) {
	var body []byte
	found, err := s.scan(ctx, []any{&body}, qLatestQueued, of.Key()+"^", of.Key()+"_") // all keys that go on with ^
	if err != nil || !found {
		return nil, err
	}
	return s.decision(body)
}

package github

import (
	"context"
	"slices"
)

// ahead looks which commits the candidate would bring, and which it lacks: by what was read of its history, by more of it,
// or by comparing it with what is live. What that leaves to be asked goes along with what the lines want; settle ends it.
func (st *standing) ahead(ctx context.Context, repo *repoNode) error {
	if tip := repo.Tip; tip != nil && tip.Target != nil {
		for _, n := range tip.Target.History.Nodes {
			st.line = append(st.line, n.OID)
		}
		if !st.inLine() {
			st.seekBranch(tip.Target)
		}
	}
	if err := st.carried(ctx); err != nil {
		return err
	}
	if len(st.pages) > 0 {
		st.along = append(st.along, st.histories())
	}
	if open := append(st.unknown(st.p.Between), st.unknown(st.p.Lacks)...); len(open) > 0 {
		st.along = append(st.along, along{bringersPart(open), func(repo *repoNode) { st.takeBringers(open, repo) }})
	}
	return nil
}

// settle takes the rest in, and asks for what did not come along.
func (st *standing) settle(ctx context.Context, repo *repoNode) error {
	if st.worth() {
		if err := st.fetchPart(ctx, &order{}); err != nil {
			return err
		}
	}
	st.along = nil
	if repo.Tip != nil && repo.Tip.Target != nil {
		if err := st.onBranch(ctx); err != nil {
			return err
		}
	}
	if st.sought != "" {
		if err := st.closes(ctx, st.sought); err != nil {
			return err
		}
	}
	if err := st.brought(ctx, st.p.Between, st.p.Lacks); err != nil {
		return err
	}
	return st.patched(ctx)
}

// worth says whether what could go along with nothing is worth a request: where it may save one, the list of files having
// cost one, or more than one.
func (st *standing) worth() bool {
	branch := len(st.pages) > 0 && st.pages[0].of == ofTip
	return len(st.along) > 1 || len(st.along) > 0 && st.sought != "" && (st.f.Listed || branch)
}

// closes is carried once more of the history was read.
func (st *standing) closes(ctx context.Context, live string) error {
	between, closed := st.above(live)
	if !closed || len(between) > mostCompared {
		return st.compared(ctx, live)
	}
	s, bytes := &stretch{commits: between, total: len(between)}, 100
	for _, x := range between {
		bytes += 400 + len(x.Title)
	}
	st.c.memory.spans.add(diffKey{st.key(), live, st.head}, s, bytes)
	st.p.Between = slices.Clone(between)
	return nil
}

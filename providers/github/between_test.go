package github

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// read is a reading of a history: "commit<parent,parent", newest first; a parent "…" is one that was not shown.
func read(history ...string) *standing {
	st := &standing{reading: &reading{c: &Client{memory: newMemory()}, repo: repoName{"acme", "shop"}}, known: map[string]*cameNode{}, under: map[string]*cameNode{}, told: map[string]bringing{}, branch: "main"}
	for _, h := range history {
		id, parents, _ := strings.Cut(h, "<")
		n := &cameNode{OID: id, Headline: "title of " + id, At: time.Date(2026, 1, 1, 0, 0, len(st.order), 0, time.UTC)}
		for p := range strings.SplitSeq(parents, ",") {
			if p != "" {
				n.Parents.TotalCount++
			}
			if p != "" && p != "…" {
				n.Parents.Nodes = append(n.Parents.Nodes, oidNode{p})
			}
		}
		st.known[id], st.order = n, append(st.order, id)
	}
	st.head = st.order[0]
	return st
}

func TestWhatLiesAboveTheLiveCommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		history []string
		live    string
		want    string // "?": it has to be compared
	}{
		"one line":                                   {[]string{"d<c", "c<b", "b<a", "a<z"}, "b", "d c"},
		"nothing":                                    {[]string{"b<a", "a<z"}, "b", ""},
		"what is live was not read":                  {[]string{"d<c", "c<b", "b<a"}, "a", "?"},
		"a merged branch that began after":           {[]string{"m<c,f", "f<c", "c<b", "b<a"}, "b", "m f c"},
		"a merged branch that began before":          {[]string{"m<c,f", "f<a", "c<b", "b<a", "a<z"}, "b", "m f c"},
		"a branch whose older end was not read":      {[]string{"m<c,f", "c<b", "b<a", "f<e", "a<z"}, "b", "?"},
		"a branch that was not read at all":          {[]string{"m<b,f", "b<a", "a<z"}, "b", "?"},
		"a branch that began before all that's read": {[]string{"m<b,f", "b<a", "f<y", "a<z"}, "b", "?"},
		"a parent that was not shown":                {[]string{"m<b,…", "b<a", "a<z"}, "b", "?"},
		"live on the merged branch":                  {[]string{"m<c,f", "f<c", "c<b", "b<a"}, "f", "m"},
		"live beside the merged branch":              {[]string{"m<c,f", "f<a", "c<a", "a<z"}, "f", "m c"},
		"the first commits of all":                   {[]string{"c<b", "b<a", "a"}, "a", "c b"},
		"another root merged in":                     {[]string{"m<b,r", "r", "b<a", "a"}, "b", "m r"},
	} {
		var ids []string
		list, closed := read(c.history...).above(c.live)
		for _, x := range list {
			ids = append(ids, x.Commit)
			if x.At.IsZero() {
				t.Errorf("%s: above(%s) does not tell when %s was committed", name, c.live, x.Commit)
			}
		}
		got := strings.Join(ids, " ")
		if !closed {
			got = "?"
		}
		if got != c.want {
			t.Errorf("%s: above(%s) of %q = %q, want %q", name, c.live, c.history, got, c.want)
		}
	}
}

// by makes a change that a commit belongs to: "7", "7!" where the commit is its merge, "7@side" into another branch,
// "7?" where it was not merged, "7%" in another repository.
func by(commit string, changes ...string) (nodes []*openNode) {
	for i, c := range changes {
		at := time.Date(2026, 1, 10-i, 0, 0, 0, 0, time.UTC)
		n := &openNode{State: "MERGED", BaseRefName: "main", MergedAt: &at, MergeCommit: &oidNode{"other"}}
		n.BaseRepository = &struct {
			NameWithOwner string `json:"nameWithOwner"`
		}{"Acme/Shop"}
		fmt.Sscan(strings.TrimRight(strings.Split(c, "@")[0], "!?%"), &n.Number)
		switch {
		case strings.HasSuffix(c, "!"):
			n.MergeCommit.OID = commit
		case strings.HasSuffix(c, "?"):
			n.State = "OPEN"
		case strings.HasSuffix(c, "%"):
			n.BaseRepository.NameWithOwner = "evil/shop"
		case strings.Contains(c, "@"):
			n.BaseRefName = "side"
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func TestWhichChangeBroughtACommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		history []string
		changes map[string][]string
		live    string
		want    string
	}{
		"squashed":                                {[]string{"b<a", "a<z"}, map[string][]string{"b": {"7!"}}, "a", "b7"},
		"by nobody":                               {[]string{"b<a", "a<z"}, nil, "a", "b0"},
		"open, elsewhere, into another branch":    {[]string{"b<a", "a<z"}, map[string][]string{"b": {"7?", "8%", "9@side"}}, "a", "b0"},
		"the one whose merge it is":               {[]string{"b<a", "a<z"}, map[string][]string{"b": {"7", "8!", "9"}}, "a", "b8"},
		"else the one that was merged first":      {[]string{"b<a", "a<z"}, map[string][]string{"b": {"7", "8", "9"}}, "a", "b9"},
		"below a merge":                           {[]string{"m<a,f", "f<e", "e<a", "a<z"}, map[string][]string{"m": {"7!"}}, "a", "m7 f7 e7"},
		"below a merge by hand":                   {[]string{"m<a,f", "f<a", "a<z"}, nil, "a", "m0 f0"},
		"below a merge that only belongs to one":  {[]string{"m<d,f", "f<e,d", "d<a", "e<a", "a<z"}, map[string][]string{"m": {"7!"}, "f": {"7"}}, "a", "m7 f7 d0 e7"},
		"pushed beside a merged change":           {[]string{"m<d,f", "f<a", "d<a", "a<z"}, map[string][]string{"m": {"7!"}}, "a", "m7 f7 d0"},
		"a direct push that the branch took over": {[]string{"m<d,f", "f<e,d", "e<a", "d<a", "a<z"}, map[string][]string{"m": {"7!"}, "f": {"7"}, "e": {"7"}}, "a", "m7 f7 e7 d0"},
		"merges within merges":                    {[]string{"n<a,m", "m<e,f", "f<e", "e<a", "a<z"}, map[string][]string{"n": {"8!"}, "m": {"7!"}}, "a", "n8 m7 f7 e8"},
	} {
		st := read(c.history...)
		for id, changes := range c.changes {
			st.known[id].Bringers.Nodes = by(id, changes...)
		}
		list, closed := st.above(c.live)
		if err := st.brought(t.Context(), list); err != nil || !closed {
			t.Errorf("%s: %v, closed %v", name, err, closed)
			continue
		}
		var got []string
		for _, x := range list {
			got = append(got, fmt.Sprint(x.Commit, x.Change))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWhatADeploymentSaysOfItself(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 40)
	at := func(day int) time.Time { return time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC) }
	status := func(day int, state string) *deploymentStatusNode {
		return &deploymentStatusNode{State: state, CreatedAt: at(day), LogURL: "javascript:alert(1)", Creator: &actorNode{"User", "ana", 5}}
	}
	fresh := func() *standing {
		st := read("a")
		st.out, st.f = &gate.Standing{}, &checks.Facts{Subject: checks.Subject{Repo: "acme/shop", Environment: "production/EU"}}
		st.c.bases.web = "https://github.com"
		st.c.memory.self.Store(77)
		return st
	}
	mine := &actorNode{"Bot", "sluice", 77}
	payload := `{"sluice":{"promotion":"p1"}}`
	for name, c := range map[string]struct {
		node *deploymentNode
		want string // "" : it is none of the environment's
		cut  bool
	}{
		"ours":                           {&deploymentNode{Payload: payload, Creator: mine}, "pending ours p1 live 0", false},
		"ours, with its payload as text": {&deploymentNode{Payload: `"{\"sluice\":{\"promotion\":\"p1\"}}"`, Creator: mine}, "pending ours p1 live 0", false},
		"ours, by an odd payload":        {&deploymentNode{Payload: `{"sluice":[1]}`, Creator: mine}, "pending ours  live 0", false},
		"one that claims to be ours":     {&deploymentNode{Payload: payload, Creator: &actorNode{"Bot", "sluice", 78}}, "pending   live 0", false},
		"by a deleted account":           {&deploymentNode{Payload: payload}, "pending   live 0", false},
		"by a workflow":                  {&deploymentNode{Creator: &actorNode{"Bot", "github-actions", 9}}, "pending workflow  live 0", false},
		"by somebody called like it":     {&deploymentNode{Creator: &actorNode{"User", "github-actions", 9}}, "pending   live 0", false},
		"of another environment":         {&deploymentNode{Environment: "production/US", Original: "x", Creator: mine}, "", false},
		"moved to another environment":   {&deploymentNode{Environment: "elsewhere", Original: "Production/eu", Creator: mine}, "pending ours  live 0", false},
		"live since its first success": {&deploymentNode{Latest: status(9, "INACTIVE"), Statuses: connection[*deploymentStatusNode]{TotalCount: 4, Nodes: []*deploymentStatusNode{status(9, "INACTIVE"), status(8, "SUCCESS"), status(4, "SUCCESS"), status(2, "IN_PROGRESS")}}},
			"inactive   live 4", false},
		"with more statuses than were shown": {&deploymentNode{Latest: status(9, "INACTIVE"), Statuses: connection[*deploymentStatusNode]{TotalCount: 101, Nodes: []*deploymentStatusNode{status(9, "INACTIVE")}}}, "inactive   live 0", true},
		"without a number":                   {&deploymentNode{DatabaseID: -1, Creator: mine}, "", true},
		"none":                               {nil, "", true},
	} {
		st := fresh()
		if n := c.node; n != nil {
			if n.DatabaseID++; n.DatabaseID != 0 {
				n.DatabaseID = 3
			}
			if n.CommitOID = id; n.Environment == "" {
				n.Environment = "Production/EU"
			}
		}
		st.deployment(c.node)
		st.deployment(c.node)
		got := ""
		for _, d := range st.out.Deployments {
			words := []string{d.State, "", d.Promotion, "live", "0"}
			if d.Ours {
				words[1] = "ours"
			}
			if d.Workflow {
				words[1] = "workflow"
			}
			if !d.Live.IsZero() {
				words[4] = fmt.Sprint(d.Live.Day())
			}
			got += strings.Join(words, " ")
			if !strings.HasPrefix(d.URL, "https://github.com/acme/shop/deployments/") || strings.Contains(d.URL, "javascript") || strings.Count(d.URL, "/") != 6 {
				t.Errorf("%s: leads people to %q", name, d.URL)
			}
		}
		if got != c.want || (st.out.Cut != "") != c.cut || len(st.f.Gaps) > 0 != c.cut {
			t.Errorf("%s: %q, cut %q, gaps %v; want %q, cut %v", name, got, st.out.Cut, st.f.Gaps, c.want, c.cut)
		}
	}
}

func TestANameThatMeansTwoCommitsIsRefused(t *testing.T) {
	t.Parallel()
	one, two := strings.Repeat("a", 40), strings.Repeat("b", 40)
	ref := func(id string) *tagNode { return &tagNode{Target: &tagTarget{Typename: "Commit", OID: id}} }
	for name, c := range map[string]struct {
		branch, tag *tagNode
		object      *tagTarget
		ref, want   string
	}{
		"a branch":                              {ref(one), nil, nil, "x", one},
		"an annotated tag":                      {nil, &tagNode{Target: &tagTarget{Typename: "Tag", OID: two, Target: &tagTarget{Typename: "Commit", OID: one}}}, nil, "x", one},
		"a tag of a tree":                       {nil, &tagNode{Target: &tagTarget{Typename: "Tree", OID: one}}, nil, "x", ""},
		"branch and tag at one commit":          {ref(one), ref(one), nil, "x", one},
		"branch and tag at two":                 {ref(one), ref(two), nil, "x", ""},
		"a branch named like another commit":    {ref(two), nil, &tagTarget{Typename: "Commit", OID: one}, one[:8], ""},
		"an object that does not begin so":      {nil, nil, &tagTarget{Typename: "Commit", OID: two}, one[:8], ""},
		"an abbreviated commit":                 {nil, nil, &tagTarget{Typename: "Commit", OID: one}, strings.ToUpper(one[:8]), one},
		"an object that is no commit":           {nil, nil, &tagTarget{Typename: "Blob", OID: one}, one, ""},
		"nothing, or an ambiguous abbreviation": {nil, nil, nil, one[:8], ""},
	} {
		var m meant
		m.Repository = &struct {
			Default *labelNode `json:"defaultBranchRef"`
			Branch  *tagNode   `json:"branch"`
			Tag     *tagNode   `json:"tag"`
			Object  *tagTarget `json:"object"`
		}{Branch: c.branch, Tag: c.tag, Object: c.object}
		if got, err := m.commit(c.ref); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: commit(%q) = %q, %v; want %q", name, c.ref, got, err, c.want)
		}
	}
}

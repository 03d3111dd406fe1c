package github

import (
	"encoding/json"
	"strings"
	"time"
)

// What GitHub's GraphQL answers look like; see facts.graphql. A pointer or a list element may be null.

type page struct {
	HasNextPage     bool   `json:"hasNextPage"`
	HasPreviousPage bool   `json:"hasPreviousPage"`
	EndCursor       string `json:"endCursor"`
}

type connection[T any] struct {
	TotalCount int  `json:"totalCount"`
	PageInfo   page `json:"pageInfo"`
	Nodes      []T  `json:"nodes"`
}

type actorNode struct {
	Typename   string `json:"__typename"`
	Login      string `json:"login"`
	DatabaseID int64  `json:"databaseId"`
}

type oidNode struct {
	OID string `json:"oid"`
}

// blobNode is an object of any type; only a Blob has content.
type blobNode struct {
	Typename    string  `json:"__typename"`
	OID         string  `json:"oid"`
	ByteSize    int64   `json:"byteSize"`
	IsBinary    *bool   `json:"isBinary"`
	IsTruncated bool    `json:"isTruncated"`
	Text        *string `json:"text"`
}

type entryNode struct {
	Mode   int       `json:"mode"`
	OID    string    `json:"oid"`
	Object *blobNode `json:"object"`
}

// commitNode is a commit with the files that a generated fragment asked for, by their number.
type commitNode struct {
	Typename string  `json:"__typename"`
	OID      string  `json:"oid"`
	Tree     oidNode `json:"tree"`
	Parents  struct {
		Nodes []commitNode `json:"nodes"`
	} `json:"parents"`
	History struct {
		Nodes []oidNode `json:"nodes"`
	} `json:"history"`
	Rollup *struct {
		Contexts connection[contextNode] `json:"contexts"`
	} `json:"statusCheckRollup"`
	Ours *struct {
		Nodes []struct {
			CheckRuns struct {
				Nodes []contextNode `json:"nodes"`
			} `json:"checkRuns"`
		} `json:"nodes"`
	} `json:"ours"`
	Policy *entryNode `json:"policy"`

	files map[int]*entryNode
}

// UnmarshalJSON reads the fixed fields, then those that are named by number.
func (c *commitNode) UnmarshalJSON(b []byte) error {
	type fixed commitNode
	if err := json.Unmarshal(b, (*fixed)(c)); err != nil {
		return err
	}
	if !strings.Contains(string(b), `"f0"`) {
		return nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	c.files = map[int]*entryNode{}
	for name, raw := range all {
		if n := alias(name, 'f'); n >= 0 {
			var e *entryNode
			if err := json.Unmarshal(raw, &e); err != nil {
				return err
			}
			c.files[n] = e
		}
	}
	return nil
}

type contextNode struct {
	Typename   string  `json:"__typename"`
	ID         string  `json:"id"`
	DatabaseID int64   `json:"databaseId"`
	Name       string  `json:"name"`
	Status     string  `json:"status"`
	Conclusion *string `json:"conclusion"`
	Title      *string `json:"title"`
	Summary    *string `json:"summary"`
	ExternalID *string `json:"externalId"`
	CheckSuite *struct {
		App *struct {
			DatabaseID int64 `json:"databaseId"`
		} `json:"app"`
	} `json:"checkSuite"`
	Context     string  `json:"context"`
	State       string  `json:"state"`
	Description *string `json:"description"`
}

type nameNode struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	User  *struct {
		DatabaseID int64  `json:"databaseId"`
		Login      string `json:"login"`
	} `json:"user"`
}

type changeCommit struct {
	Commit struct {
		OID           string               `json:"oid"`
		Message       string               `json:"message"`
		CommittedDate time.Time            `json:"committedDate"`
		Author        *nameNode            `json:"author"`
		Committer     *nameNode            `json:"committer"`
		Authors       connection[nameNode] `json:"authors"`
	} `json:"commit"`
}

type fileNode struct {
	Path       string `json:"path"`
	Additions  int    `json:"additions"`
	Deletions  int    `json:"deletions"`
	ChangeType string `json:"changeType"`
}

type reviewNode struct {
	FullDatabaseID string     `json:"fullDatabaseId"`
	State          string     `json:"state"`
	SubmittedAt    *time.Time `json:"submittedAt"`
	Author         *actorNode `json:"author"`
	Commit         *oidNode   `json:"commit"`
}

type labelNode struct {
	Name string `json:"name"`
}

type labelEvent struct {
	Typename  string     `json:"__typename"`
	CreatedAt time.Time  `json:"createdAt"`
	Actor     *actorNode `json:"actor"`
	Label     labelNode  `json:"label"`
}

type forcedEvent struct {
	BeforeCommit *oidNode `json:"beforeCommit"`
	AfterCommit  *oidNode `json:"afterCommit"`
}

type commitHolder struct {
	Commit commitNode `json:"commit"`
}

type changeNode struct {
	ID                string    `json:"id"`
	Number            int       `json:"number"`
	URL               string    `json:"url"`
	Title             string    `json:"title"`
	Body              string    `json:"body"`
	State             string    `json:"state"`
	IsDraft           bool      `json:"isDraft"`
	IsCrossRepository bool      `json:"isCrossRepository"`
	CreatedAt         time.Time `json:"createdAt"`
	Additions         int       `json:"additions"`
	Deletions         int       `json:"deletions"`
	ChangedFiles      int       `json:"changedFiles"`

	Author         *actorNode `json:"author"`
	HeadRefName    string     `json:"headRefName"`
	HeadRefOID     string     `json:"headRefOid"`
	HeadRepository *struct {
		NameWithOwner string `json:"nameWithOwner"`
	} `json:"headRepository"`
	BaseRefName string `json:"baseRefName"`
	BaseRefOID  string `json:"baseRefOid"`
	BaseRef     *struct {
		Target *commitNode `json:"target"`
	} `json:"baseRef"`

	Labels   *connection[labelNode]     `json:"labels"`
	Labelled *connection[*labelEvent]   `json:"labelled"`
	Forced   *connection[*forcedEvent]  `json:"forced"`
	Files    *connection[*fileNode]     `json:"files"`
	Commits  connection[*changeCommit]  `json:"commits"`
	Last     *connection[*changeCommit] `json:"last"`
	Start    connection[*commitHolder]  `json:"start"`
	Line     connection[*commitHolder]  `json:"line"`
	Head     connection[*commitHolder]  `json:"head"`
	Reviews  *connection[*reviewNode]   `json:"reviews"`
	Requests *connection[*struct {
		Reviewer *struct {
			actorNode
			Slug string `json:"slug"`
		} `json:"requestedReviewer"`
	}] `json:"reviewRequests"`
}

type tagTarget struct {
	Typename      string     `json:"__typename"`
	OID           string     `json:"oid"`
	CommittedDate *time.Time `json:"committedDate"`
	Tagger        *struct {
		Name  string     `json:"name"`
		Email string     `json:"email"`
		Date  *time.Time `json:"date"`
	} `json:"tagger"`
	Target *tagTarget `json:"target"`
}

type tagNode struct {
	Name   string     `json:"name"`
	Target *tagTarget `json:"target"`
}

type rightsNode struct {
	TotalCount int  `json:"totalCount"`
	PageInfo   page `json:"pageInfo"`
	Edges      []*struct {
		Permission string     `json:"permission"`
		Node       *actorNode `json:"node"`
	} `json:"edges"`
}

type membersNode connection[*struct {
	DatabaseID int64 `json:"databaseId"`
}]

type organisationNode struct {
	Team *struct {
		Members membersNode `json:"members"`
	} `json:"team"`
	Members *membersNode `json:"membersWithRole"`
}

type policyHome struct {
	NameWithOwner    string `json:"nameWithOwner"`
	DefaultBranchRef *struct {
		Target *commitNode `json:"target"`
	} `json:"defaultBranchRef"`
}

type openNode struct {
	Number         int    `json:"number"`
	State          string `json:"state"`
	HeadRefOID     string `json:"headRefOid"`
	BaseRefName    string `json:"baseRefName"`
	BaseRepository *struct {
		NameWithOwner string `json:"nameWithOwner"`
	} `json:"baseRepository"`
}

type repoNode struct {
	ID               string                `json:"id"`
	DatabaseID       int64                 `json:"databaseId"`
	NameWithOwner    string                `json:"nameWithOwner"`
	IsPrivate        bool                  `json:"isPrivate"`
	Visibility       string                `json:"visibility"`
	IsInOrganization bool                  `json:"isInOrganization"`
	URL              string                `json:"url"`
	DefaultBranchRef *labelNode            `json:"defaultBranchRef"`
	Expected         *commitNode           `json:"expected"`
	Tags             *connection[*tagNode] `json:"tags"`
	Collaborators    *rightsNode           `json:"collaborators"`
	PullRequest      *changeNode           `json:"pullRequest"`
	Tip              *struct {
		Target *commitNode `json:"target"`
	} `json:"tip"`
	TipAt        *commitNode            `json:"tipAt"`
	HeadAt       *commitNode            `json:"headAt"`
	StartAt      *commitNode            `json:"startAt"`
	Ref          *tagNode               `json:"ref"`
	PullRequests *connection[*openNode] `json:"pullRequests"`
	Object       *struct {
		PullRequests *connection[*openNode] `json:"associatedPullRequests"`
	} `json:"object"`

	rights  map[int]*rightsNode // by the number of the person asked for
	objects map[int]*blobNode   // by the number of the object asked for
}

// UnmarshalJSON reads the fixed fields, then those that are named by number.
func (r *repoNode) UnmarshalJSON(b []byte) error {
	type fixed repoNode
	if err := json.Unmarshal(b, (*fixed)(r)); err != nil {
		return err
	}
	people, objects := strings.Contains(string(b), `"u0"`), strings.Contains(string(b), `"b0"`)
	if !people && !objects {
		return nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	r.rights, r.objects = map[int]*rightsNode{}, map[int]*blobNode{}
	for name, raw := range all {
		var err error
		if n := alias(name, 'u'); n >= 0 {
			var v *rightsNode
			err = json.Unmarshal(raw, &v)
			r.rights[n] = v
		} else if n := alias(name, 'b'); n >= 0 {
			var v *blobNode
			err = json.Unmarshal(raw, &v)
			r.objects[n] = v
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// answerNode is the whole of an answer.
type answerNode struct {
	Repository   *repoNode   `json:"repository"`
	Organisation *policyHome `json:"organisation"`
	By           *actorNode  `json:"by"`

	groups map[int]*organisationNode // by the number of the team or organisation asked for
}

// UnmarshalJSON reads the fixed fields, then those that are named by number.
func (a *answerNode) UnmarshalJSON(b []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	a.groups = map[int]*organisationNode{}
	for name, raw := range all {
		var err error
		switch n := alias(name, 'g'); {
		case name == "repository":
			err = json.Unmarshal(raw, &a.Repository)
		case name == "by":
			err = json.Unmarshal(raw, &a.By)
		case name == "organisation":
			err = json.Unmarshal(raw, &a.Organisation)
		case n >= 0:
			var v *organisationNode
			err = json.Unmarshal(raw, &v)
			a.groups[n] = v
		}
		if err != nil {
			return err
		}
	}
	return nil
}

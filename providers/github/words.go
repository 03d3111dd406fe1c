package github

import "time"

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
	History connection[oidNode] `json:"history"`
	Rollup  *struct {
		Contexts connection[contextNode] `json:"contexts"`
	} `json:"statusCheckRollup"`
	Line struct {
		PageInfo page `json:"pageInfo"`
		Nodes    []struct {
			OID     string `json:"oid"`
			Parents struct {
				Nodes []oidNode `json:"nodes"`
			} `json:"parents"`
		} `json:"nodes"`
	} `json:"line"`
	Ours *struct {
		Nodes []struct {
			CheckRuns struct {
				Nodes []contextNode `json:"nodes"`
			} `json:"checkRuns"`
		} `json:"nodes"`
	} `json:"ours"`
	Policy *entryNode              `json:"policy"`
	Came   connection[*cameNode]   `json:"came"`
	Owners connection[*changeNode] `json:"owners"`

	Extras extras             `json:",embed"` // only while it is read
	files  map[int]*entryNode // by the number of the file asked for
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

	StartedAt   *time.Time `json:"startedAt"`
	CompletedAt *time.Time `json:"completedAt"`
	CreatedAt   *time.Time `json:"createdAt"`
	Creator     *actorNode `json:"creator"`
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

// lineNode is a commit with its parents and no more.
type lineNode struct {
	Commit struct {
		OID     string `json:"oid"`
		Parents struct {
			Nodes []oidNode `json:"nodes"`
		} `json:"parents"`
	} `json:"commit"`
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
	MaintainersModify bool      `json:"maintainerCanModify"`
	CreatedAt         time.Time `json:"createdAt"`
	Additions         int       `json:"additions"`
	Deletions         int       `json:"deletions"`
	ChangedFiles      int       `json:"changedFiles"`

	MergedAt    *time.Time `json:"mergedAt"`
	MergedBy    *actorNode `json:"mergedBy"`
	MergeCommit *oidNode   `json:"mergeCommit"`

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
	Line     connection[*lineNode]      `json:"line"`
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
	MergedAt    *time.Time `json:"mergedAt"`
	MergeCommit *oidNode   `json:"mergeCommit"`
}

// cameNode is a commit with its parents and the changes that it belongs to.
type cameNode struct {
	OID      string                `json:"oid"`
	Headline string                `json:"messageHeadline"`
	At       time.Time             `json:"committedDate"`
	Author   *nameNode             `json:"author"`
	Parents  connection[oidNode]   `json:"parents"`
	Bringers connection[*openNode] `json:"associatedPullRequests"`
}

// deploymentNode is a deployment with what was said of it. Deployments of an environment that a status renamed are told
// under both names.
type deploymentNode struct {
	DatabaseID  int64                             `json:"databaseId"`
	CommitOID   string                            `json:"commitOid"`
	Environment string                            `json:"environment"`
	Original    string                            `json:"originalEnvironment"`
	Payload     string                            `json:"payload"`
	CreatedAt   time.Time                         `json:"createdAt"`
	Creator     *actorNode                        `json:"creator"`
	Latest      *deploymentStatusNode             `json:"latestStatus"`
	Statuses    connection[*deploymentStatusNode] `json:"statuses"`
}

type deploymentStatusNode struct {
	State     string     `json:"state"`
	CreatedAt time.Time  `json:"createdAt"`
	LogURL    string     `json:"logUrl"`
	Creator   *actorNode `json:"creator"`
}

type queueEntryNode struct {
	HeadCommit  *oidNode `json:"headCommit"`
	BaseCommit  *oidNode `json:"baseCommit"`
	PullRequest *struct {
		Number      int    `json:"number"`
		HeadRefOID  string `json:"headRefOid"`
		BaseRefName string `json:"baseRefName"`
		BaseRef     *struct {
			Target *oidNode `json:"target"`
		} `json:"baseRef"`
	} `json:"pullRequest"`
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
	Landed       *struct {
		Target struct {
			History connection[landedNode] `json:"history"`
		} `json:"target"`
	} `json:"landed"`
	Queue *struct {
		Entries connection[*queueEntryNode] `json:"entries"`
	} `json:"queue"`
	Object *struct {
		PullRequests *connection[*openNode] `json:"associatedPullRequests"`
	} `json:"object"`

	Candidate   *commitNode                  `json:"candidate"`
	Deployments *connection[*deploymentNode] `json:"deployments"`
	Every       *connection[*deploymentNode] `json:"every"`

	Extras extras `json:",embed"` // only while it is read

	rights  map[int]*rightsNode // by the number of the person asked for
	objects map[int]*blobNode   // by the number of the object asked for
	watched map[int]*commitNode // by the number of the commit asked for
	carried map[int]*cameNode   // by the number of the commit asked for
	pages   map[int]*pageNode   // by the number of the page asked for
}

// answerNode is the whole of an answer.
type answerNode struct {
	Repository   *repoNode   `json:"repository"`
	Organisation *policyHome `json:"organisation"`
	By           *actorNode  `json:"by"`
	Viewer       *actorNode  `json:"viewer"` // the App itself

	Extras extras                    `json:",embed"` // only while it is read
	groups map[int]*organisationNode // by the number of the team or organisation asked for
}

package gate

import "strings"

// A cause's Why is "EVENT.WORD". The event is the forge's own name for what it sent; the word says what happened, and
// whoever receives for a forge takes the same words for the same happenings: synchronize (another head), edited (Detail
// "base": retargeted), labeled and unlabeled (Detail: the label), closed (merged too), destroyed (a queue's commit).

func (m Mark) tells(word string) bool { return strings.HasSuffix(m.Why, "."+word) }

// pushed says that a change was told to have another head.
func (m Mark) pushed() bool { return m.tells("synchronize") }

// retargeted says that a change was told to go into another branch.
func (m Mark) retargeted() bool { return m.tells("edited") && m.Detail == "base" }

// labelled says that a label was set or taken away.
func (m Mark) labelled() bool { return m.tells("labeled") || m.tells("unlabeled") }

// deploys says that a deployment was told of, or the job of a pipeline that makes one: a forge may send nothing else when that
// comes to wait.
func (m Mark) deploys() bool {
	return strings.HasPrefix(m.Why, "deployment") || strings.HasPrefix(m.Why, "build.")
}

// drafted says that a change was told to have become a draft.
func (m Mark) drafted() bool { return m.tells("converted_to_draft") }

// said says that somebody wrote below a change, edited or deleted what was written, and did nothing else.
func (m Mark) said() bool {
	return strings.HasPrefix(m.Why, "issue_comment.") || strings.HasPrefix(m.Why, "note.")
}

// commented says that a review was submitted that is no more than a comment.
func (m Mark) commented() bool {
	return m.Why == "pull_request_review.submitted" && m.Detail == "commented"
}

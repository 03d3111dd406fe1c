package gate

import (
	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// asking is one command under way: what the comment work knows.
type asking struct {
	provider  Provider
	s         checks.Subject
	comment   *Comment
	command   Command
	facts     *checks.Facts // of the change, read just now
	set       *policy.Set
	policyErr error
	head      string // the head known when the comment was received; "" when none was
	acts      Acts   // live overrides and the hold
}

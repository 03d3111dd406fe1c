package gate

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// CallbackRun is the workflow run of a deployment protection rule's callback, which has to be the very address of that run
// of the repository below the API that is configured: a token goes nowhere else. api is that API's address, without a
// slash at its end.
func CallbackRun(api, repo, callback string) (run int64, err error) {
	elsewhere := fmt.Errorf("is no address of a run of %s at %s: nobody is answered there", Plain(repo), api)
	base, err := url.Parse(api)
	if err != nil || base.Host == "" {
		return 0, errors.New("cannot be checked: the address of the API is not configured")
	}
	at, err := url.Parse(callback)
	if err != nil || at.Scheme != base.Scheme || !strings.EqualFold(at.Host, base.Host) || at.User != nil || at.RawQuery != "" || at.ForceQuery || at.Fragment != "" || at.RawPath != "" {
		return 0, elsewhere
	}
	rest, ok := strings.CutPrefix(at.Path, strings.TrimRight(base.Path, "/")+"/repos/")
	if !ok || len(rest) < len(repo) || !strings.EqualFold(rest[:len(repo)], repo) {
		return 0, elsewhere
	}
	id, ok := strings.CutPrefix(rest[len(repo):], "/actions/runs/")
	if !ok {
		return 0, elsewhere
	}
	if id, ok = strings.CutSuffix(id, "/deployment_protection_rule"); !ok {
		return 0, elsewhere
	}
	run, err = strconv.ParseInt(id, 10, 64)
	if err != nil || run <= 0 || strconv.FormatInt(run, 10) != id {
		return 0, elsewhere
	}
	return run, nil
}

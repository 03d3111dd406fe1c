package gate

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// CallbackFits reads from the address that a protection rule's event wants to be answered at which workflow run asks: the
// event names it nowhere else. api is where the forge's REST interface is configured to be, repo the repository that the
// event is about. An address that is anything but the one that this forge has for a run of this repository is an error,
// so that no token goes to another host, and no answer to another run. Nothing is ever sent to the address itself: a
// client builds its own from the run.
func CallbackFits(api, repo, callback string) (run int64, err error) {
	base, err := url.Parse(api)
	if err != nil || base.Host == "" {
		return 0, errors.New("the forge's own address is not known")
	}
	for _, c := range []byte(callback) {
		if c <= ' ' || c > '~' || strings.IndexByte(`%\`, c) >= 0 {
			return 0, errors.New("the callback's address holds characters that no address of the forge has")
		}
	}
	u, err := url.Parse(callback)
	if err != nil {
		return 0, errors.New("the callback is not an address")
	}
	switch {
	case u.Scheme != base.Scheme || !strings.EqualFold(u.Host, base.Host):
		return 0, fmt.Errorf("the callback leads to %q, and the forge is %q", Plain(u.Scheme+"://"+u.Host), base.Scheme+"://"+base.Host)
	case u.User != nil || u.Opaque != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(callback, "#"):
		return 0, errors.New("the callback's address has more than a host and a path")
	}
	rest, ok := strings.CutPrefix(u.Path, strings.TrimSuffix(base.Path, "/")+"/repos/")
	if !ok || len(rest) < len(repo) || repo == "" || !strings.EqualFold(rest[:len(repo)], repo) {
		return 0, fmt.Errorf("the callback is not about %s", Plain(repo))
	}
	if rest, ok = strings.CutPrefix(rest[len(repo):], "/actions/runs/"); ok {
		rest, ok = strings.CutSuffix(rest, "/deployment_protection_rule")
	}
	run, err = strconv.ParseInt(rest, 10, 64)
	if !ok || err != nil || run <= 0 || strconv.FormatInt(run, 10) != rest {
		return 0, errors.New("the callback is not that of a workflow run's protection rule")
	}
	return run, nil
}

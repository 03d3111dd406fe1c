package github

import (
	"fmt"
	"net/url"
	"strings"
)

// repoName is owner and name, checked: they become part of URLs and queries.
type repoName struct{ owner, name string }

func splitRepo(s string) (repoName, error) {
	owner, name, ok := strings.Cut(s, "/")
	if !ok || !plain(owner) || !plain(name) {
		return repoName{}, fmt.Errorf("%q is not owner/name of a repository", s)
	}
	return repoName{owner, name}, nil
}

// plain says whether s can be an account's or a repository's name.
func plain(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > 100 {
		return false
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.') {
			return false
		}
	}
	return true
}

func (r repoName) path(rest string) string {
	return "/repos/" + url.PathEscape(r.owner) + "/" + url.PathEscape(r.name) + rest
}

func (r repoName) String() string { return r.owner + "/" + r.name }

// oid says whether s is a full object id: 40 or 64 hex digits.
func oid(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	for _, r := range s {
		if !(r >= '0' && r <= '9' || r >= 'a' && r <= 'f') {
			return false
		}
	}
	return true
}

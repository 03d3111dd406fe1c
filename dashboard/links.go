package dashboard

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// Where things are. A repository comes last in a path, since its name may have any number of parts.

func escaped(repo string) string {
	parts := strings.Split(repo, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

func repoPath(forge, repo string) string {
	return "/repos/" + url.PathEscape(forge) + "/" + escaped(repo)
}

func changePath(forge, repo string, number int) string {
	return "/changes/" + url.PathEscape(forge) + "/" + strconv.Itoa(number) + "/" + escaped(repo)
}

func environmentPath(forge, repo, environment string) string {
	return "/environments/" + url.PathEscape(forge) + "/" + url.PathEscape(environment) + "/" + escaped(repo)
}

func promotionPath(id string) string { return "/promotions/" + url.PathEscape(id) }

// askPath is where something is asked for and confirmed.
func askPath(word, forge, repo, environment, ref string) string {
	path := "/ask/" + word + "/" + url.PathEscape(forge) + "/" + url.PathEscape(environment) + "/" + escaped(repo)
	if ref != "" {
		path += "?ref=" + url.QueryEscape(ref)
	}
	return path
}

// named is a repository as a path names it: errMissing for what can be none.
func named(forge, repo string) (gate.Repo, error) {
	if forge == "" || len(forge) > 40 || repo == "" || len(repo) > 400 || !strings.Contains(repo, "/") {
		return gate.Repo{}, errMissing
	}
	return gate.Repo{Forge: forge, Name: repo}, nil
}

// commitURL is where the forge shows a commit, as far as the address of something beside it tells; "" where nobody knows.
func commitURL(beside, repo, commit string) string {
	i := strings.Index(strings.ToLower(beside), "/"+strings.ToLower(repo)+"/")
	if i < 0 || !strings.HasPrefix(beside, "http") {
		return ""
	}
	base := beside[:i+1+len(repo)]
	if strings.HasPrefix(beside[i+1+len(repo):], "/-/") {
		base += "/-"
	}
	return fmt.Sprintf("%s/commit/%s", base, url.PathEscape(commit))
}

package local

import (
	"context"
	"os"
	"strings"
)

// setting is one of git's, as the scopes give it.
type setting struct{ scope, key, value string }

// settings are all that are in force: system, global, and the repository's own.
func (g *git) settings(ctx context.Context) ([]setting, error) {
	out, err := g.output(ctx, "config", "--list", "--show-scope", "--includes", "-z")
	if err != nil {
		return nil, err
	}
	var all []setting
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		key, value, _ := strings.Cut(fields[i+1], "\n")
		all = append(all, setting{fields[i], key, value})
	}
	return all, nil
}

// confine says how missing objects may be fetched: as git does, but not at all where the repository's own settings
// name a program. Whoever made the repository would run it here.
func (g *git) confine(settings []setting) {
	allowed := os.Getenv("GIT_ALLOW_PROTOCOL")
	if allowed == "" {
		allowed = "file:git:http:https:ssh"
	}
	for _, s := range settings {
		if (s.scope == "local" || s.scope == "worktree") && namesProgram(s) {
			g.offline, allowed = true, "none"
		}
	}
	g.env = append(g.env, "GIT_ALLOW_PROTOCOL="+allowed)
}

// namesProgram says whether git might run what the setting says while it fetches.
func namesProgram(s setting) bool {
	first, rest, _ := strings.Cut(s.key, ".")
	last := s.key[strings.LastIndex(s.key, ".")+1:]
	switch first {
	case "core":
		return rest == "sshcommand" || rest == "gitproxy" || rest == "askpass"
	case "credential":
		return last == "helper" && s.value != ""
	case "remote":
		return last == "uploadpack" || last == "vcs" || last == "url" && strings.Contains(s.value, "::")
	case "url":
		return strings.Contains(s.key, "::")
	case "protocol":
		return true
	}
	return false
}

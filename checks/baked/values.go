package baked

import (
	"net/netip"
	"strings"
)

// eachValue calls visit for every piece of a text that could be one environment's alone: hosts, addresses, ids, names
// that hold an environment's name. bare says that the text is a value itself, so that quotes prove nothing.
func eachValue(text string, bare bool, visit func(value string, at int)) {
	for i := 0; i < len(text); {
		if !valueByte(text[i]) {
			i++
			continue
		}
		j, dots, digits := i, 0, 0
		for ; j < len(text) && valueByte(text[j]); j++ {
			switch c := text[j]; {
			case c == '.':
				dots++
			case '0' <= c && c <= '9':
				digits++
			}
		}
		if j-i < 6 || dots+digits == 0 && j-i < 10 {
			i = j
			continue
		}
		from, to := i, j
		for from < to && (text[from] == '.' || text[from] == '-') {
			from++
		}
		for from < to && (text[to-1] == '.' || text[to-1] == '-') {
			to--
		}
		word := text[from:to]
		if len(word) >= 6 && len(word) <= 200 && distinctive(word, text, from, bare, dots, digits) {
			visit(word, from)
		}
		i = j
	}
}

func valueByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_'
}

// distinctive says that a word is so much its own that finding it in code is no accident.
func distinctive(word, text string, from int, bare bool, dots, digits int) bool {
	scheme := strings.HasSuffix(text[:from], "://") || from > 0 && text[from-1] == '@'
	quoted := bare || scheme || from > 0 && strings.IndexByte("\"'`/@", text[from-1]) >= 0
	switch {
	case dots == 3 && digits >= 4 && quoted && address(word):
		return true
	case dots > 0 && quoted && hostLike(word, scheme):
		return true
	case dots == 0 && digits > 0 && len(word) >= 10 && idLike(word, digits):
		return true
	}
	return quoted && len(word) >= 10 && dots <= 2 && named(word)
}

// address says that the word is an IP address of a machine: not of this one, nor one reserved for documentation.
func address(word string) bool {
	a, err := netip.ParseAddr(word)
	return err == nil && !a.IsLoopback() && !a.IsUnspecified() && !a.IsMulticast() && !documented(a) && word != "255.255.255.255"
}

func documented(a netip.Addr) bool {
	for _, p := range []netip.Prefix{
		netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, 0}), 24),
		netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, 0}), 24),
		netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, 0}), 24),
		netip.PrefixFrom(netip.AddrFrom4([4]byte{169, 254, 0, 0}), 16),
	} {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// hostLike says that the word is a host's name: after a scheme any will do; else its last label must be a domain that
// names of hosts end in, since properties, packages and files have dots too.
func hostLike(word string, scheme bool) bool {
	lower := strings.ToLower(word)
	if documentationHost(lower) || publicHost(lower) || strings.Contains(lower, "_") && !scheme || strings.Contains(lower, "..") {
		return false
	}
	last := lower[strings.LastIndexByte(lower, '.')+1:]
	if last == "" || !('a' <= last[0] && last[0] <= 'z') {
		return false
	}
	if scheme {
		return true
	}
	if first, _, _ := strings.Cut(lower, "."); first == "com" || first == "org" || first == "net" || first == "io" || first == "java" || first == "javax" {
		return false // a package
	}
	switch last {
	case "com", "net", "org", "io", "dev", "app", "cloud", "internal", "local", "lan", "corp", "intra", "intranet", "gov", "edu", "mil", "info", "biz",
		"zone", "today", "tech", "online", "systems", "services", "network", "host", "private", "consul":
		return word == lower || strings.Count(lower, ".") > 1
	case "js", "ts", "py", "rb", "rs", "go", "sh", "md", "cs", "cc", "pl", "so", "mm", "kt", "vb", "gz", "id", "is", "in", "it", "to", "me", "as", "at":
		return false
	}
	return len(last) == 2 && strings.Count(lower, ".") >= 2 && word == lower
}

// documentationHost says that the name is reserved for examples (RFC 2606, RFC 6761) or means this machine.
func documentationHost(lower string) bool {
	for _, s := range []string{"localhost", "example.com", "example.org", "example.net", "example.edu", "localdomain", "host.docker.internal", "acme.test"} {
		if lower == s || strings.HasSuffix(lower, "."+s) {
			return true
		}
	}
	for _, s := range []string{".example", ".test", ".invalid", ".localhost"} {
		if strings.HasSuffix(lower, s) {
			return true
		}
	}
	return strings.HasPrefix(lower, "example.")
}

// publicHost says that everybody's code names the host: finding it there tells nothing of an environment.
func publicHost(lower string) bool {
	switch lower {
	case "github.com", "www.github.com", "api.github.com", "raw.githubusercontent.com", "gitlab.com", "bitbucket.org", "google.com", "www.google.com",
		"www.googleapis.com", "maps.googleapis.com", "fonts.googleapis.com", "fonts.gstatic.com", "accounts.google.com", "golang.org", "gopkg.in",
		"www.w3.org", "w3.org", "schema.org", "json-schema.org", "xmlns.com", "schemas.microsoft.com", "schemas.xmlsoap.org", "java.sun.com", "xmlns.jcp.org",
		"npmjs.com", "www.npmjs.com", "unpkg.com", "cdn.jsdelivr.net", "cdnjs.cloudflare.com", "pypi.org", "rubygems.org", "crates.io",
		"docker.io", "registry-1.docker.io", "ghcr.io", "quay.io", "gcr.io", "mcr.microsoft.com", "repo1.maven.org", "maven.apache.org", "www.apache.org", "apache.org",
		"login.microsoftonline.com", "www.googletagmanager.com", "www.google-analytics.com", "stackoverflow.com", "en.wikipedia.org", "wikipedia.org",
		"developer.mozilla.org", "api.stripe.com", "js.stripe.com", "hooks.slack.com", "slack.com", "api.slack.com", "sentry.io", "amazonaws.com", "www.youtube.com", "twitter.com", "facebook.com", "graph.facebook.com":
		return true
	}
	return strings.HasSuffix(lower, ".npmjs.org") || strings.HasSuffix(lower, ".wikipedia.org")
}

// idLike says that the word is an identifier that a machine made: letters and digits in turn, or many digits.
func idLike(word string, digits int) bool {
	letters, turns := 0, 0
	var last byte
	for i := range len(word) {
		kind := byte('-')
		switch c := word[i]; {
		case '0' <= c && c <= '9':
			kind = 'd'
		case c != '-' && c != '_':
			kind = 'l'
			letters++
		}
		if kind != '-' && last != 0 && kind != last {
			turns++
		}
		if kind != '-' {
			last = kind
		}
	}
	if letters == 0 {
		return digits >= 12 && strings.Trim(word, "0") != "" && !strings.ContainsAny(word, "-_")
	}
	return turns >= 3 && digits >= 3
}

// named says that the word holds an environment's name among others: acme-prod-uploads.
func named(word string) bool {
	if strings.IndexByte(word, '-') < 0 && strings.IndexByte(word, '.') < 0 {
		return false
	}
	parts, found := 0, false
	for w := range strings.FieldsFuncSeq(word, func(r rune) bool { return r == '-' || r == '.' || r == '_' }) {
		parts++
		switch strings.ToLower(w) {
		case "prod", "production", "prd", "staging", "stg", "preprod", "dev", "uat", "qa", "stage", "sandbox":
			found = true
		}
	}
	return found && parts >= 3
}

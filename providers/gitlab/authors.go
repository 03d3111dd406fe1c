package gitlab

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/patterns"
)

// GitLab tells of a commit's people only what the commit claims: names and addresses. Whose account an address belongs to
// is found by the address that GitLab itself gave out, by those that accounts show, and by asking for the address. Who is
// found by none of these might be anyone.

var trailer = patterns.New(`(?im)^co-authored-by:[ \t]*(.*?)[ \t]*<([^<>\n]+)>[ \t]*\r?$`)

// mostAddresses bounds how many addresses one reading asks for.
const mostAddresses = 50

// written puts the commits into the facts, with the accounts behind their addresses.
func (r *reading) written(ctx context.Context) error {
	if r.mr != nil {
		for _, u := range append([]userNode{}, r.mr.Reviewers...) {
			r.showsAddress(&u)
		}
		r.showsAddress(r.mr.Author)
	}
	if err := r.findAddresses(ctx); err != nil {
		return err
	}
	for i := range r.diff.commits {
		n := &r.diff.commits[i]
		c := checks.Commit{ID: n.ID, Message: n.Message, Parents: n.Parents, Author: r.author(n.AuthorName, n.AuthorEmail), Committer: r.author(n.CommitterName, n.CommitterEmail)}
		if n.CommittedDate != nil {
			c.At = n.CommittedDate.UTC()
		}
		seen := map[string]bool{address(n.AuthorEmail): true}
		for _, m := range trailer.FindAllStringSubmatch(n.Message, -1) {
			if key := address(m[2]); !seen[key] {
				seen[key] = true
				c.CoAuthors = append(c.CoAuthors, r.author(m[1], m[2]))
			}
		}
		r.f.Commits = append(r.f.Commits, c)
	}
	return nil
}

func address(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// showsAddress remembers an address that an account shows: GitLab lets it show none that is not confirmed.
func (r *reading) showsAddress(u *userNode) {
	if u == nil || u.Public == "" {
		return
	}
	if p := r.person(u); p.ID != 0 {
		r.c.memory.mails.Add(mailKey{r.a.n, address(u.Public)}, mailAt{p, r.c.opts.Now()})
	}
}

// author is a name in a commit, with its account where that is known.
func (r *reading) author(name, email string) checks.Person {
	p := checks.Person{Name: name, Email: email}
	who, ok := r.givenOut(email)
	if !ok {
		who, ok = r.knownAddress(email)
	}
	if ok {
		p.ID, p.Login, p.Kind = who.ID, who.Login, who.Kind
	}
	return p
}

// givenOut reads the account out of an address that this instance gives out: 12-login@users.noreply.HOST, of people who
// hide theirs, and project_1_bot_abc@noreply.HOST, of access tokens.
func (r *reading) givenOut(email string) (checks.Person, bool) {
	local, domain, _ := strings.Cut(address(email), "@")
	host := strings.ToLower(r.c.base.Hostname())
	if domain == "noreply."+host && botNames.MatchString(local) {
		who := checks.Person{Login: local, Kind: "bot"}
		if r.mr != nil && r.mr.Author != nil && strings.EqualFold(r.mr.Author.Username, local) { // logins are unique: it is that account
			who.ID = r.mr.Author.ID
		}
		return who, true
	}
	number, login, ok := strings.Cut(local, "-")
	id, err := strconv.ParseInt(number, 10, 64)
	if domain != "users.noreply."+host || !ok || err != nil || id <= 0 || login == "" {
		return checks.Person{}, false
	}
	return checks.Person{ID: id, Login: login, Kind: "user"}, true
}

func (r *reading) knownAddress(email string) (checks.Person, bool) {
	known, ok := r.c.memory.mails.Get(mailKey{r.a.n, address(email)})
	return known.who, ok && known.who.ID != 0 && r.c.within(known.at, lasting)
}

// findAddresses asks for the accounts behind those addresses that are not known, each once.
func (r *reading) findAddresses(ctx context.Context) error {
	var ask []string
	seen := map[string]bool{}
	want := func(email string) {
		key := address(email)
		if _, given := r.givenOut(email); given || seen[key] || !strings.Contains(key, "@") || len(key) > 250 {
			return
		}
		seen[key] = true
		known, ok := r.c.memory.mails.Get(mailKey{r.a.n, key})
		if ok && (r.c.within(known.at, unknownKept) || known.who.ID != 0 && r.c.within(known.at, lasting)) {
			return
		}
		ask = append(ask, key)
	}
	for _, c := range r.diff.commits {
		want(c.AuthorEmail)
		want(c.CommitterEmail)
		for _, m := range trailer.FindAllStringSubmatch(c.Message, -1) {
			want(m[2])
		}
	}
	ask = ask[:min(len(ask), mostAddresses)]
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(abreast)
	for _, key := range ask {
		group.Go(func() error { return r.askAddress(all, key) })
	}
	return group.Wait()
}

// askAddress searches for an address. GitLab finds accounts by an address that they show, and to administrators by any; it
// looks into names as well, which anybody may give himself: what shows neither the address nor a name with it in, it can
// have found by an address alone. Where that is not one account, it is none.
func (r *reading) askAddress(ctx context.Context, key string) error {
	var list []userNode
	_, err := r.a.get(ctx, "users", url.Values{"search": {key}, "per_page": {"20"}}, &list)
	if err != nil && status(err) != 403 {
		return err
	}
	var shows, matches []checks.Person
	for i := range list {
		u := &list[i]
		named := strings.Contains(strings.ToLower(u.Name), key) || strings.Contains(strings.ToLower(u.Username), key)
		switch {
		case key == address(u.Public) || key == address(u.Email) || key == address(u.Commits):
			shows = append(shows, r.person(u))
		case !named:
			matches = append(matches, r.person(u))
		}
	}
	found := checks.Person{}
	if len(shows) == 1 {
		found = shows[0]
	} else if len(shows) == 0 && len(matches) == 1 && len(list) == 1 {
		found = matches[0]
	}
	r.c.memory.mails.Add(mailKey{r.a.n, key}, mailAt{found, r.c.opts.Now()})
	return nil
}

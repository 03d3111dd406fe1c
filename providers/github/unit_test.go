package github

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

func TestSettingsNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	key := testKey(t)
	good := Settings{URL: "https://github.com", AppID: 7, PrivateKey: key, WebhookSecret: "s"}
	for name, x := range map[string]struct {
		change func(*Settings)
		want   string // part of the error; "" for none
	}{
		"all is set":                          {func(*Settings) {}, ""},
		"nothing is set":                      {func(s *Settings) { *s = Settings{} }, ""},
		"the key is PEM with literal \\n":     {func(s *Settings) { s.PrivateKey = strings.ReplaceAll(key, "\n", `\n`) }, ""},
		"the key is base64 of PEM":            {func(s *Settings) { s.PrivateKey = base64.StdEncoding.EncodeToString([]byte(key)) }, ""},
		"the key is missing":                  {func(s *Settings) { s.PrivateKey = "" }, "SLUICE_GITHUB_PRIVATE_KEY: missing"},
		"the key is rubbish":                  {func(s *Settings) { s.PrivateKey = "hunter2!" }, "SLUICE_GITHUB_PRIVATE_KEY: neither"},
		"the key is cut off":                  {func(s *Settings) { s.PrivateKey = key[:200] }, "SLUICE_GITHUB_PRIVATE_KEY: not a PEM"},
		"the key file is not there":           {func(s *Settings) { s.PrivateKey, s.PrivateKeyFile = "", "/nowhere" }, "SLUICE_GITHUB_PRIVATE_KEY_FILE"},
		"key and key file":                    {func(s *Settings) { s.PrivateKeyFile = "/nowhere" }, "both are set"},
		"the App's number is missing":         {func(s *Settings) { s.AppID = 0 }, "SLUICE_GITHUB_APP_ID"},
		"the App's number is negative":        {func(s *Settings) { s.AppID = -1 }, "SLUICE_GITHUB_APP_ID"},
		"the webhook secret is missing":       {func(s *Settings) { s.WebhookSecret = "" }, "SLUICE_GITHUB_WEBHOOK_SECRET"},
		"the client's secret is missing":      {func(s *Settings) { s.ClientID = "x" }, "SLUICE_GITHUB_CLIENT_SECRET"},
		"the URL is http and not this host":   {func(s *Settings) { s.URL = "http://github.example.com" }, "SLUICE_GITHUB_URL: http is for loopback"},
		"the URL is http and looks like it":   {func(s *Settings) { s.URL = "http://localhost.example.com" }, "SLUICE_GITHUB_URL: http is for loopback"},
		"the URL is http on this host":        {func(s *Settings) { s.URL = "http://[::1]:9" }, ""},
		"the URL has a path":                  {func(s *Settings) { s.URL = "https://x.example.com/api/v3" }, "SLUICE_GITHUB_URL"},
		"the URL has a password":              {func(s *Settings) { s.URL = "https://a:b@x.example.com" }, "SLUICE_GITHUB_URL"},
		"the URL is none":                     {func(s *Settings) { s.URL = "github" }, "SLUICE_GITHUB_URL"},
		"the URL is of another sort":          {func(s *Settings) { s.URL = "ftp://github.com" }, "SLUICE_GITHUB_URL"},
		"the URL is wrong and nothing is set": {func(s *Settings) { *s = Settings{URL: "::"} }, "SLUICE_GITHUB_URL"},
	} {
		s := good
		x.change(&s)
		err := s.Check()
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: Check() = %v, want %q", name, err, x.want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "PRIVATE KEY-----")) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func TestBases(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bases{
		"":                           {"https://github.com", "https://api.github.com", "https://api.github.com/graphql"},
		"https://github.com/":        {"https://github.com", "https://api.github.com", "https://api.github.com/graphql"},
		"https://git.example.com":    {"https://git.example.com", "https://git.example.com/api/v3", "https://git.example.com/api/graphql"},
		"https://acme.ghe.com":       {"https://acme.ghe.com", "https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"},
		"http://127.0.0.1:8080":      {"http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v3", "http://127.0.0.1:8080/api/graphql"},
		"https://git.example.com:88": {"https://git.example.com:88", "https://git.example.com:88/api/v3", "https://git.example.com:88/api/graphql"},
	} {
		if got, err := (Settings{URL: url}).bases(); err != nil || got != want {
			t.Errorf("bases of %q = %v, %v; want %v", url, got, err, want)
		}
	}
}

func TestEveryDocumentHasItsFragmentsOnce(t *testing.T) {
	t.Parallel()
	q, err := loadQueries()
	if err != nil {
		t.Fatal(err)
	}
	parts := asked{tip: []string{"a\"b\\c", "ü"}, head: []string{"x"}, start: []string{"y"}}.parts()
	parts["Hints"] = groupsPart([]string{"acme/ops", "acme"})
	parts["People"] = peoplePart([]checks.Person{{Login: "ana"}})
	spread, defined := regexp.MustCompile(`\.\.\.(\w+)`), regexp.MustCompile(`(?m)^fragment (\w+) on`)
	for operation := range q.operations {
		doc := q.document(operation, parts)
		used, made := map[string]int{}, map[string]int{}
		for _, m := range spread.FindAllStringSubmatch(doc, -1) {
			used[m[1]] = 1
		}
		for _, m := range defined.FindAllStringSubmatch(doc, -1) {
			made[m[1]]++
		}
		same(t, used, made)
		if strings.Count(doc, "{") != strings.Count(doc, "}") {
			t.Errorf("%s: braces do not match:\n%s", operation, doc)
		}
	}
}

func TestDecoded(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		given, id  string
		size       int64
		text, kind string
	}{
		"plain":                         {"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a", 6, "hello\n", ""},
		"latin-1, shown with a mark":    {"caf\uFFFD", strings.Repeat("0", 40), 4, "", "encoding"},
		"a mark that is really there":   {"\uFFFD", blobID("\uFFFD"), 3, "\uFFFD", ""},
		"a byte order mark left out":    {"a", blobID("\ufeffa"), 4, "\ufeffa", ""},
		"another size than GitHub says": {"ab", blobID("abc"), 3, "", "encoding"},
		"a pointer of Git LFS":          {"version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("a", 64) + "\nsize 1\n", "", 126, "", "lfs"},
	} {
		if x.kind == "lfs" {
			x.size = int64(len(x.given))
		}
		if text, kind := decoded(x.given, x.id, x.size); text != x.text || kind != x.kind {
			t.Errorf("%s: decoded = %q, %q; want %q, %q", name, text, kind, x.text, x.kind)
		}
	}
}

func TestAuthor(t *testing.T) {
	t.Parallel()
	user := func(id int64, login string) *nameNode {
		n := &nameNode{Name: "N", Email: "n@example.com"}
		_ = json.Unmarshal(fmt.Appendf(nil, `{"user":{"databaseId":%d,"login":%q}}`, id, login), n)
		return n
	}
	for name, x := range map[string]struct {
		node *nameNode
		want checks.Person
	}{
		"an account":             {user(5, "ana"), checks.Person{ID: 5, Login: "ana", Kind: "user", Name: "N", Email: "n@example.com"}},
		"GitHub itself":          {user(19864447, "web-flow"), checks.Person{ID: 19864447, Login: "web-flow", Kind: "bot", Name: "N", Email: "n@example.com"}},
		"nobody":                 {nil, checks.Person{}},
		"an unknown address":     {&nameNode{Name: "X", Email: "x@example.com"}, checks.Person{Name: "X", Email: "x@example.com"}},
		"a bot by its address":   {&nameNode{Email: "49699333+dependabot[bot]@users.noreply.github.com"}, checks.Person{ID: 49699333, Login: "dependabot[bot]", Kind: "bot", Email: "49699333+dependabot[bot]@users.noreply.github.com"}},
		"a person by an address": {&nameNode{Email: "5+ana@users.noreply.github.com"}, checks.Person{Email: "5+ana@users.noreply.github.com"}},
	} {
		if got := author(x.node); got != x.want {
			t.Errorf("%s: author = %+v, want %+v", name, got, x.want)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	ids := func(from, to int) (cs []checks.Commit) {
		for i := from; i < to; i++ {
			cs = append(cs, checks.Commit{ID: fmt.Sprint(i)})
		}
		return cs
	}
	for name, x := range map[string]struct {
		first, last []checks.Commit
		total, want int
		ok          bool
	}{
		"they overlap":  {ids(0, 200), ids(150, 250), 250, 250, true},
		"they meet":     {ids(0, 150), ids(150, 250), 250, 250, true},
		"a gap is left": {ids(0, 200), ids(250, 350), 350, 200, false},
		"all at once":   {ids(0, 120), ids(20, 120), 120, 120, true},
	} {
		got, ok := join(x.first, x.last, x.total)
		if ok != x.ok || len(got) != x.want || ok && got[len(got)-1].ID != fmt.Sprint(x.total-1) {
			t.Errorf("%s: join gave %d, %v; want %d, %v", name, len(got), ok, x.want, x.ok)
		}
	}
}

func TestMeet(t *testing.T) {
	t.Parallel()
	tags := func(names ...string) (ts []checks.Tag) {
		for _, n := range names {
			ts = append(ts, checks.Tag{Name: n, Commit: "of " + n})
		}
		return ts
	}
	moved := tags("e", "d")
	moved[1].Commit = "elsewhere"
	for name, x := range map[string]struct {
		newest, old []checks.Tag
		total       int
		want        string
	}{
		"nothing new":                      {tags("d", "c"), tags("d", "c", "b", "a"), 4, "d c b a"},
		"one new":                          {tags("e", "d"), tags("d", "c", "b"), 4, "e d c b"},
		"one new, one old gone":            {tags("e", "d"), tags("d", "c", "b"), 3, ""},
		"a tag moved to the front":         {tags("b", "d"), tags("d", "c", "b"), 3, ""},
		"the last of the newest has moved": {moved, tags("d", "c"), 3, ""},
		"nothing is remembered":            {tags("e", "d"), nil, 4, ""},
	} {
		got, ok := meet(x.newest, x.old, x.total)
		var names []string
		for _, g := range got {
			names = append(names, g.Name)
		}
		if s := strings.Join(names, " "); s != x.want || ok != (x.want != "") {
			t.Errorf("%s: meet = %q, %v; want %q", name, s, ok, x.want)
		}
	}
}

func TestLimitsFromAnswers(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	h := func(kv ...string) http.Header {
		m := http.Header{}
		for i := 0; i < len(kv); i += 2 {
			m.Set(kv[i], kv[i+1])
		}
		return m
	}
	date := now.Add(-90 * time.Second).UTC().Format(http.TimeFormat) // the forge's clock is late
	for name, x := range map[string]struct {
		a        answer
		resource string
		after    time.Duration // 0: no refusal
		core     bool          // core is held afterwards
		graphql  bool
	}{
		"all is well":                          {answer{status: 200, header: h("X-RateLimit-Remaining", "9")}, "core", 0, false, false},
		"403 with Retry-After":                 {answer{status: 403, header: h("Retry-After", "7")}, "core", 7 * time.Second, true, true},
		"429 with Retry-After":                 {answer{status: 429, header: h("Retry-After", "7")}, "graphql", 7 * time.Second, true, true},
		"429 without a word":                   {answer{status: 429, header: h()}, "core", time.Minute, true, true},
		"403 that speaks of a secondary limit": {answer{status: 403, header: h(), body: []byte(`{"message":"You have exceeded a secondary rate limit"}`)}, "core", time.Minute, true, true},
		"403 for want of a permission":         {answer{status: 403, header: h("X-RateLimit-Remaining", "9"), body: []byte(`{"message":"Resource not accessible by integration"}`)}, "core", 0, false, false},
		"403 with nothing left":                {answer{status: 403, header: h("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1800000030", "X-RateLimit-Resource", "core", "Date", date)}, "core", 2 * time.Minute, true, false},
		"200 with nothing left":                {answer{status: 200, header: h("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1800000030", "X-RateLimit-Resource", "graphql"), body: []byte(`{"data":{}}`)}, "graphql", 0, false, true},
		"200 with RATE_LIMITED":                {answer{status: 200, header: h("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1800000030"), body: []byte(`{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}`)}, "graphql", 30 * time.Second, false, true},
		"200 with RATE_LIMITED and no header":  {answer{status: 200, header: h(), body: []byte(`{"errors":[{"type":"RATE_LIMITED"}]}`)}, "graphql", time.Minute, true, true},
		"200 with a text that speaks of it":    {answer{status: 200, header: h(), body: []byte(`{"data":{"a":"RATE_LIMITED"},"errors":[{"type":"NOT_FOUND"}]}`)}, "graphql", 0, false, false},
		"a Retry-After without end":            {answer{status: 429, header: h("Retry-After", "99999999")}, "core", 2 * time.Hour, true, true},
	} {
		var l limits
		err := l.note(&x.a, x.resource, now, 0)
		var r *gate.RetryError
		switch {
		case x.after == 0 && err != nil:
			t.Errorf("%s: note = %v", name, err)
		case x.after > 0:
			if r, _ = err.(*gate.RetryError); r == nil || r.After != x.after {
				t.Errorf("%s: note = %v, want to wait %v", name, err, x.after)
			}
		}
		if got := l.check("core", now) != nil; got != x.core {
			t.Errorf("%s: core is held: %v", name, got)
		}
		if got := l.check("graphql", now) != nil; got != x.graphql {
			t.Errorf("%s: graphql is held: %v", name, got)
		}
		if err := l.check("core", now.Add(3*time.Hour)); err != nil {
			t.Errorf("%s: still held after three hours: %v", name, err)
		}
	}
}

func TestBudgetThatWasRefusedOnceKeepsTheLimits(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	b := newBudget(func() time.Time { return now }, 80, 500)
	b.told(true)
	var sent []time.Time
	first, worst := 0, time.Duration(0)
	for range 4000 {
		n, gate := 1+len(sent)%3, len(sent)%5 == 0
		after := b.take("s", n, gate)
		if after == 0 {
			for range n {
				sent = append(sent, now)
			}
			if gate {
				first++
			}
		} else {
			worst = max(worst, after)
		}
		now = now.Add(800 * time.Millisecond)
	}
	for i := range sent {
		minute, hour := 0, 0
		for _, s := range sent[:i+1] {
			if s.After(sent[i].Add(-time.Minute)) {
				minute++
			}
			if s.After(sent[i].Add(-time.Hour)) {
				hour++
			}
		}
		if minute > 80 || hour > 500 {
			t.Fatalf("%d in a minute, %d in an hour", minute, hour)
		}
	}
	if len(sent) < 400 || worst > time.Hour+time.Minute {
		t.Errorf("%d sent, longest wait %v", len(sent), worst)
	}
	now = now.Add(2 * time.Hour)
	for b.take("s", 1, false) == 0 {
	}
	if b.take("s", 1, true) != 0 {
		t.Error("the details left no room for a gate")
	}
}

// spend uses up the minute with gates of one subject.
func spend(b *budget) {
	for range b.minute {
		b.take("github:acme/shop#0", 1, true)
	}
}

func TestBudgetProbesOnlyWhenMoreWaitsThanAMinuteHasRoomFor(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	b := newBudget(func() time.Time { return now }, 80, 500)
	spend(b)
	for range 3 { // however often they ask, fifty changes fit into the next minute
		for i := range 50 {
			if after := b.take(fmt.Sprintf("#%d", i), 1, true); after == 0 || after > again {
				t.Fatalf("the gate of #%d waits %v, want it to wait and to ask again soon", i, after)
			}
		}
	}
	probes := 0
	for i := range 200 {
		if b.take(fmt.Sprintf("#%d", i), 1, true) == 0 {
			probes++
		}
	}
	if probes != 1 {
		t.Fatalf("%d probes, want one at a time", probes)
	}
	b.told(false)
	for i := range 1000 {
		if after := b.take(fmt.Sprintf("#%d", i), 5, false); after != 0 {
			t.Fatalf("after a probe that was taken %v to wait, want no limits", after)
		}
	}
	now = now.Add(2 * time.Hour)
	spend(b)
	if after := b.take("#1", 1, true); after == 0 {
		t.Error("the answer to a probe is believed for ever, want an hour")
	}
}

func TestBudgetProbesWhenTheHourIsUsedUp(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	b := newBudget(func() time.Time { return now }, 80, 500)
	for range 500 {
		b.take("#0", 1, true)
		now = now.Add(2 * time.Second)
	}
	if after := b.take("#1", 1, true); after != 0 {
		t.Fatalf("a gate waits %v for the hour to pass, want a probe", after)
	}
	if after := b.take("#2", 1, true); after == 0 {
		t.Error("a second probe beside the first")
	}
	b.told(true)
	if after := b.take("#2", 1, true); after < patience {
		t.Errorf("after a refusal the next gate asks again in %v, want the whole wait", after)
	}
}

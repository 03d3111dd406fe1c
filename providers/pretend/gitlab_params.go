package pretend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// params are what a call says, in its query or its body; GitLab makes no difference.
type params map[string]any

func readParams(r *http.Request, body []byte) (params, error) {
	in := params{}
	values := func(q url.Values) {
		for k, v := range q {
			if name, list := strings.CutSuffix(k, "[]"); list {
				var all []any
				for _, s := range v {
					all = append(all, s)
				}
				in[name] = all
			} else {
				in[k] = v[len(v)-1]
			}
		}
	}
	values(r.URL.Query())
	switch kind := r.Header.Get("Content-Type"); {
	case len(body) == 0:
	case strings.Contains(kind, "json"):
		var said map[string]any
		if err := json.Unmarshal(body, &said); err != nil {
			return nil, errBody
		}
		for k, v := range said {
			in[k] = v
		}
	case strings.Contains(kind, "form-urlencoded"):
		q, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, errBody
		}
		values(q)
	default:
		//lint:ignore ST1005 GitLab's words
		return nil, fmt.Errorf("The provided content-type '%s' is not supported.", kind)
	}
	return in, nil
}

// has says that something was said of the name, be it null.
func (in params) has(name string) bool { _, ok := in[name]; return ok }

func (in params) text(name string) string {
	switch v := in[name].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (in params) number(name string) int64 {
	switch v := in[name].(type) {
	case float64:
		return int64(v)
	case string:
		n, _ := strconv.ParseInt(v, 10, 64)
		return n
	}
	return 0
}

func (in params) flag(name string) bool {
	return slices.Contains([]string{"true", "1", "yes", "on"}, in.text(name))
}

// list is an array, or a text split at its commas.
func (in params) list(name string) []string {
	var list []string
	switch v := in[name].(type) {
	case []any:
		for i := range v {
			list = append(list, params{"x": v[i]}.text("x"))
		}
	case string:
		for s := range strings.SplitSeq(v, ",") {
			if s = strings.TrimSpace(s); s != "" {
				list = append(list, s)
			}
		}
	}
	return list
}

// objects is an array of objects.
func (in params) objects(name string) (list []params) {
	all, _ := in[name].([]any)
	for _, v := range all {
		if o, fine := v.(map[string]any); fine {
			list = append(list, o)
		}
	}
	return list
}

func (in params) time(name string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, in.text(name))
	return t, err == nil
}

// missing is GitLab's refusal when a parameter is not there, or nothing.
func (in params) missing(names ...string) string {
	var words []string
	for _, n := range names {
		if in[n] == nil {
			words = append(words, n+" is missing")
		} else if v, is := in[n].(string); is && v == "" {
			words = append(words, n+" is empty")
		}
	}
	return strings.Join(words, ", ")
}

// oneOf is GitLab's refusal of a parameter that says none of the words, if it is said.
func (in params) oneOf(name string, words ...string) string {
	if in.has(name) && !slices.Contains(words, in.text(name)) {
		return name + " does not have a valid value"
	}
	return ""
}

// labPage cuts ?page and ?per_page out of a list, or, by ?pagination=keyset, what comes after a key. It never is more than
// a hundred; 20 when nothing is said.
func labPage[T any](q *labRequest, all []T, key func(T) string, render func(T) any) reply {
	size := int(q.in.number("per_page"))
	if size <= 0 {
		size = 20
	}
	size = min(size, 100)
	if q.in.text("pagination") == "keyset" && key != nil {
		return keyset(q, all, size, key, render)
	}
	n := max(int(q.in.number("page")), 1)
	from := min((n-1)*size, len(all))
	to := min(from+size, len(all))
	h := http.Header{}
	set := func(name string, n int) {
		h.Set("X-"+name, map[bool]string{true: strconv.Itoa(n), false: ""}[n > 0])
	}
	set("Page", n)
	set("Per-Page", size)
	set("Prev-Page", n-1)
	set("Next-Page", map[bool]int{true: n + 1}[to < len(all)])
	if len(all) <= 10_000 { // beyond, GitLab does not count
		h.Set("X-Total", strconv.Itoa(len(all)))
		h.Set("X-Total-Pages", strconv.Itoa((len(all)+size-1)/size))
	}
	if to < len(all) {
		h.Set("Link", q.link("page", strconv.Itoa(n+1)))
	}
	return reply{status: http.StatusOK, body: rendered(all[from:to], render), header: h}
}

// keyset is the paging that does not count: the next page begins after the last key.
func keyset[T any](q *labRequest, all []T, size int, key func(T) string, render func(T) any) reply {
	name := "cursor"
	if strings.Contains(q.URL.Path, "/repository/") {
		name = "page_token"
	}
	from := 0
	if after := q.in.text(name); after != "" {
		i := slices.IndexFunc(all, func(x T) bool { return key(x) == after })
		if i < 0 {
			return labLost("Tree")
		}
		from = i + 1
	}
	to := min(from+size, len(all))
	h := http.Header{"X-Per-Page": {strconv.Itoa(size)}}
	if to < len(all) {
		h.Set("Link", q.link(name, key(all[to-1])))
	}
	return reply{status: http.StatusOK, body: rendered(all[from:to], render), header: h}
}

func rendered[T any](list []T, render func(T) any) []any {
	out := make([]any, 0, len(list))
	for _, x := range list {
		out = append(out, render(x))
	}
	return out
}

// link leads to the next page, over the address by which the call came.
func (q *labRequest) link(name, value string) string {
	u := url.URL{Scheme: "http", Host: q.Host, Path: q.URL.Path, RawPath: q.URL.RawPath}
	v := q.URL.Query()
	v.Set(name, value)
	u.RawQuery = v.Encode()
	return "<" + u.String() + `>; rel="next"`
}

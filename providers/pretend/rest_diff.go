package pretend

import (
	"fmt"
	"net/http"
	"strings"
)

// diffLines is how long a diff may be that the forge hands out.
const diffLines = 20_000

// asDiff says that the caller wants no JSON.
func asDiff(r *request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/vnd.github.diff") || strings.Contains(r.Header.Get("Accept"), ".diff")
}

// diffOf is what git would print of the changes.
func diffOf(list []*change) reply {
	var b strings.Builder
	for _, c := range list {
		p := c.patch()
		if p.text == "" && p.added+p.removed > 0 { // the forge shows no patch of it
			return tooLong()
		}
		c.header(&b)
		switch {
		case p.text != "":
			fmt.Fprintf(&b, "--- %s\n+++ %s\n%s\n", side("a/", or(c.old, c.path), c.had), side("b/", c.path, c.has), p.text)
		case c.was.blob != nil && c.was.blob.binary() || c.is.blob != nil && c.is.blob.binary():
			if c.was.blob != c.is.blob {
				fmt.Fprintf(&b, "Binary files %s and %s differ\n", side("a/", or(c.old, c.path), c.had), side("b/", c.path, c.has))
			}
		}
	}
	if strings.Count(b.String(), "\n") > diffLines {
		return tooLong()
	}
	return reply{status: http.StatusOK, body: []byte(b.String()), header: http.Header{"Content-Type": {"application/vnd.github.diff; charset=utf-8"}}}
}

func tooLong() reply {
	a := refuse(http.StatusNotAcceptable, "Sorry, the diff exceeded the maximum number of lines (%d)", diffLines)
	a.body.(obj)["errors"] = []any{obj{"resource": "Commit", "field": "diff", "code": "too_large"}}
	return a
}

func side(prefix, path string, there bool) string {
	if !there {
		return "/dev/null"
	}
	return prefix + path
}

// header is what stands before the hunks: names, modes, and the ids of both contents.
func (c *change) header(b *strings.Builder) {
	was, is := nobody, nobody
	if c.had {
		was = c.was.id()
	}
	if c.has {
		is = c.is.id()
	}
	fmt.Fprintf(b, "diff --git a/%s b/%s\n", or(c.old, c.path), c.path)
	switch {
	case !c.had:
		fmt.Fprintf(b, "new file mode %s\n", c.is.mode)
	case !c.has:
		fmt.Fprintf(b, "deleted file mode %s\n", c.was.mode)
	case c.was.mode != c.is.mode:
		fmt.Fprintf(b, "old mode %s\nnew mode %s\n", c.was.mode, c.is.mode)
	}
	if c.old != "" {
		fmt.Fprintf(b, "similarity index 100%%\nrename from %s\nrename to %s\n", c.old, c.path)
	}
	if was != is {
		mode := ""
		if c.had && c.has && c.was.mode == c.is.mode {
			mode = " " + c.is.mode
		}
		fmt.Fprintf(b, "index %s..%s%s\n", was[:7], is[:7], mode)
	}
}

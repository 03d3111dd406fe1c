package gate

import (
	"bytes"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"

	"github.com/sluicegate/sluice/checks/patterns"
)

// elements are the HTML elements that are open at one place of a comment. What stands within one is shown as it says, and a
// closed <details> shows nothing: Markdown's paragraphs in there are no plain lines. It is stricter than browsers, which mend
// what is not nested, each tag by rules of its own: after a tag that it does not understand it is lost, and stays lost.
type elements struct {
	open []string
	lost bool
}

func (e *elements) inside() bool { return e.lost || len(e.open) > 0 }

// read goes on with another piece of the comment's HTML.
func (e *elements) read(html []byte) {
	for !e.lost {
		i := bytes.IndexByte(html, '<')
		if i < 0 {
			return
		}
		html = e.mark(html[i:])
	}
}

// mark reads what a < begins, and returns what is behind it.
func (e *elements) mark(html []byte) []byte {
	if comment, ok := bytes.CutPrefix(html, []byte("<!--")); ok {
		return e.comment(comment)
	}
	m := tagStart.FindSubmatch(html)
	switch {
	case m != nil:
	case len(html) > 1 && strings.IndexByte("!?/", html[1]) >= 0: // browsers skip it up to the next >, whatever Markdown thinks
		_, rest, found := bytes.Cut(html, []byte(">"))
		e.lost = !found
		return rest
	default:
		return html[1:]
	}
	rest, whole := tagEnd(html[len(m[0]):])
	e.lost = !whole
	name := strings.ToLower(string(m[2]))
	switch {
	case rawText[name]:
		e.lost = true // some forges show it as text, and others what is in it
	case void[name]:
	case len(m[1]) == 0:
		e.open = append(e.open, name)
	case len(e.open) == 0: // a tag that closes nothing
	case e.open[len(e.open)-1] != name:
		e.lost = true
	default:
		e.open = e.open[:len(e.open)-1]
	}
	return rest
}

// comment skips a comment. Those that browsers end elsewhere than Markdown are not understood.
func (e *elements) comment(html []byte) []byte {
	text, rest, found := bytes.Cut(html, []byte("-->"))
	e.lost = !found || bytes.HasPrefix(html, []byte(">")) || bytes.HasPrefix(html, []byte("->")) || bytes.Contains(text, []byte("--!>"))
	return rest
}

// tagEnd is what is behind the > of a tag; quotes hide one where they hold an attribute's value.
func tagEnd(html []byte) (rest []byte, whole bool) {
	value := false // an = came last
	for i := 0; i < len(html); i++ {
		switch c := html[i]; {
		case c == '>':
			return html[i+1:], true
		case value && (c == '"' || c == '\''):
			n := bytes.IndexByte(html[i+1:], c)
			if n < 0 {
				return nil, false
			}
			i, value = i+1+n, false
		case c != ' ' && c != '\t' && c != '\n':
			value = c == '='
		}
	}
	return nil, false
}

var (
	tagStart = patterns.New(`^<(/?)([A-Za-z][^\s/>]*)`)
	void     = names("area base br col embed hr img input link meta param source track wbr")
	rawText  = names("iframe noembed noframes noscript plaintext script style textarea title xmp")
)

func names(list string) map[string]bool {
	set := map[string]bool{}
	for _, n := range strings.Fields(list) {
		set[n] = true
	}
	return set
}

// piece is the HTML that a node holds, or nil. Text that begins a line as HTML does counts too: forges differ in what they
// take for an HTML block.
func piece(n ast.Node, source []byte) []byte {
	switch n := n.(type) {
	case *ast.HTMLBlock:
		html := n.Lines().Value(source)
		if n.HasClosure() {
			html = append(html, n.ClosureLine.Value(source)...)
		}
		return html
	case *ast.RawHTML:
		return n.Segments.Value(source)
	case *ast.Text:
		text := bytes.TrimLeft(n.Segment.Value(source), " \t")
		if before, ok := n.PreviousSibling().(*ast.Text); n.PreviousSibling() == nil || ok && (before.SoftLineBreak() || before.HardLineBreak()) {
			if likeHTML.Match(text) {
				return []byte("<unread")
			}
		}
	}
	return nil
}

var likeHTML = patterns.New(`^<[A-Za-z/!?]`)

// span is part of a comment, by bytes.
type span struct{ from, to int }

// spans are in order, and those that overlap come in twos.
type spans []span

// hold says that a byte is in one of them. Each call asks for a later byte than those before.
func (s *spans) hold(at int) bool {
	for len(*s) > 0 && (*s)[0].to <= at {
		*s = (*s)[1:]
	}
	return slices.ContainsFunc((*s)[:min(2, len(*s))], func(x span) bool { return x.from <= at && at < x.to })
}

// doubtful are the parts where forges show as something else what CommonMark has as a plain line. Each ends at a blank line.
func doubtful(source []byte) (found spans) {
	at := 0
	var run []span // lines without a blank one between them
	for line := range bytes.Lines(source) {
		if len(bytes.Trim(line, " \t\n")) == 0 {
			found = append(found, unplain(source, run)...)
			run = run[:0]
		} else {
			run = append(run, span{at, at + len(line)})
		}
		at += len(line)
	}
	return append(found, unplain(source, run)...)
}

var (
	footnote = patterns.New(`^ {0,3}\[\^[^\]]*\]:`)
	columns  = patterns.New(`^[-:| \t]*$`) // the second line of a table, which has a dash and one of the others
	ticked   = patterns.New("(?:://|(?i:www)\\.)[^\\s<]*`")
)

// unplain looks at lines without a blank one between them. Formulas are between two dollars; of the others the first tells.
func unplain(source []byte, run []span) (found spans) {
	var math span
	for i, s := range run {
		line := bytes.TrimRight(source[s.from:s.to], "\n")
		if bytes.IndexByte(line, '$') >= 0 {
			if math.to = s.to; math.from == 0 {
				math.from = s.to
			}
		}
		if from := altered(line, i, run); from >= 0 && len(found) == 0 {
			found = spans{{from, run[len(run)-1].to}}
		}
	}
	if math.from < math.to {
		found = append(spans{math}, found...)
	}
	return found
}

// altered is from where on the lines are no plain ones because of one of them, or -1.
func altered(line []byte, i int, run []span) int {
	switch {
	case footnote.Match(line): // it goes on as a paragraph does, and is shown elsewhere or nowhere
		return run[i].from
	case columns.Match(line) && bytes.ContainsAny(line, ":|") && bytes.IndexByte(line, '-') >= 0:
		return run[max(i-1, 0)].from
	case ticked.Match(line): // is the backtick part of a link, or does code begin with it?
		return run[i].to
	}
	return -1
}

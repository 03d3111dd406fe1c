package changelog

import (
	"bytes"
	"sort"
	"strings"
	"sync"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"github.com/sluicegate/sluice/checks/patterns"
)

// markdown reads the blocks of a Markdown text. Only blocks are parsed, nothing within lines: that is ten times as
// fast, and headings in code, comments and quotes are told apart all the same.
func markdown(source string, left *budget) []block {
	src := tame(source)
	w := &walker{left: left, src: src, starts: lineStarts(src)}
	root := blocksOnly().Parse(text.NewReader(src))
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		w.walk(n)
	}
	return w.blocks
}

// blocksOnly is a parser, made once: to make one takes a third of the time that most changelogs take. What a text leaves
// behind is in a context of its own.
var blocksOnly = sync.OnceValue(func() parser.Parser {
	return parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...))
})

func lineStarts(src []byte) []int {
	starts := make([]int, 1, 1+bytes.Count(src, []byte{'\n'}))
	for i, c := range src {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// walker turns nodes into blocks.
type walker struct {
	left   *budget
	src    []byte
	starts []int
	blocks []block
}

// line returns the number of the line that holds the byte at offset.
func (w *walker) line(offset int) int {
	return sort.Search(len(w.starts), func(i int) bool { return w.starts[i] > offset })
}

func (w *walker) walk(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		if b, ok := w.block(headingBlock, n.Lines()); ok {
			b.level = n.Level
			if b.setext = !strings.HasPrefix(strings.TrimLeft(w.lineText(b.line), " "), "#"); b.setext {
				b.end++
			}
			w.blocks = append(w.blocks, b)
		}
	case *ast.List:
		w.list(n, 0)
	case *ast.Blockquote:
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			w.quoted(c)
		}
	case *ast.HTMLBlock:
		if b, ok := w.block(proseBlock, n.Lines()); ok {
			if b.text = Words(b.text); b.text != "" {
				w.blocks = append(w.blocks, b)
			}
		}
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		if b, ok := w.block(otherBlock, n.Lines()); ok {
			w.blocks = append(w.blocks, b)
		}
	case *ast.Paragraph, *ast.TextBlock:
		w.paragraph(n)
	}
}

// quoted reads what is in a quote: told to the reader, but nothing in there is a heading of this file.
func (w *walker) quoted(n ast.Node) {
	switch n.(type) {
	case *ast.Blockquote:
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			w.quoted(c)
		}
	case *ast.Heading:
	default:
		w.walk(n)
	}
}

var (
	reference = patterns.New(`^ {0,3}\[[^\]]{1,200}\]: *\S`)
	bareATX   = patterns.New(`^#{1,6}[^#\s]`)
)

// paragraph adds a paragraph without its link definitions; the lines of a table are blocks of their own.
func (w *walker) paragraph(n ast.Node) {
	b, ok := w.block(proseBlock, n.Lines())
	if !ok {
		return
	}
	if strings.Contains(b.text, "]:") {
		b.text = dropReferences(b.text)
	}
	if b.text == "" {
		return
	}
	if bareATX.MatchString(b.text) && !strings.ContainsRune(b.text, '\n') {
		if t := w.left.title(b.text); t.kind == versionTitle && !t.weak {
			b.kind, b.level, b.title = headingBlock, len(b.text)-len(strings.TrimLeft(b.text, "#")), &t // "##1.2.3"
		}
	}
	w.blocks = append(w.blocks, b)
}

func dropReferences(t string) string {
	var kept []string
	for _, l := range strings.Split(t, "\n") {
		if !reference.MatchString(l) {
			kept = append(kept, l)
		}
	}
	return strings.TrimSpace(strings.Join(kept, "\n"))
}

func (w *walker) list(n *ast.List, depth int) {
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		at := len(w.blocks)
		line := w.line(item.Pos())
		w.blocks = append(w.blocks, block{kind: itemBlock, depth: depth, line: line, end: line})
		var more []string
		for c := item.FirstChild(); c != nil; c = c.NextSibling() {
			if l, ok := c.(*ast.List); ok {
				w.list(l, depth+1)
				continue
			}
			more = w.content(c, at, more)
		}
		if more != nil {
			w.blocks[at].text += "\n" + strings.Join(more, "\n")
		}
	}
}

// content gives the item at that place in blocks the text of a node within it, and how far it goes. What follows the
// first text is collected in more.
func (w *walker) content(n ast.Node, at int, more []string) []string {
	b, ok := w.block(itemBlock, n.Lines())
	if !ok {
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			if c.Type() == ast.TypeBlock {
				more = w.content(c, at, more)
			}
		}
		return more
	}
	if _, html := n.(*ast.HTMLBlock); html {
		b.text = Words(b.text)
	}
	item := &w.blocks[at]
	if item.end = max(item.end, b.end); item.text == "" {
		item.line, item.text = b.line, b.text
		return more
	}
	return append(more, b.text)
}

func (w *walker) block(kind blockKind, segments *text.Segments) (block, bool) {
	if segments == nil || segments.Len() == 0 {
		return block{}, false
	}
	first, last := segments.At(0), segments.At(segments.Len()-1)
	b := block{kind: kind, line: w.line(first.Start), end: w.line(max(last.Start, last.Stop-1))}
	if segments.Len() == 1 {
		b.text = strings.TrimSpace(string(first.Value(w.src)))
		return b, true
	}
	var s strings.Builder
	for i := range segments.Len() {
		seg := segments.At(i)
		s.Write(seg.Value(w.src))
	}
	b.text = strings.TrimSpace(s.String())
	return b, true
}

func (w *walker) lineText(n int) string {
	end := len(w.src)
	if n < len(w.starts) {
		end = w.starts[n]
	}
	return string(w.src[w.starts[n-1]:end])
}

// promote makes headings of paragraphs of one line that name a version, for files that have no other headings:
// "**1.2.3** (2024-01-02)", or the bare line.
func promote(blocks []block, left *budget) []block {
	for i := range blocks {
		b := &blocks[i]
		if b.kind != proseBlock || b.line != b.end || !strings.ContainsAny(b.text, "0123456789") && len(b.text) > 40 {
			continue
		}
		if t := left.title(b.text); (t.kind == versionTitle || t.kind == pendingTitle) && !t.weak {
			b.kind, b.level, b.title = headingBlock, 10, &t
		}
	}
	return blocks
}

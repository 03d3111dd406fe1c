package changelog

import (
	"bytes"
	"regexp"
	"sort"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// markdown reads the blocks of a Markdown text. Only blocks are parsed, nothing within lines: that is ten times as
// fast, and headings in code, comments and quotes are told apart all the same.
func markdown(source string) []block {
	src := tame(source)
	p := parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...))
	w := &walker{src: src, starts: lineStarts(src)}
	root := p.Parse(text.NewReader(src))
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		w.walk(n)
	}
	return w.blocks
}

// maxIndent is how many columns of indentation and how many quote marks in a row are looked at: nobody nests deeper,
// and a text that does would cost its square.
const maxIndent = 40

// tame blanks out front matter and cuts indentation built to be slow. Lines keep their numbers.
func tame(source string) []byte {
	src := []byte(source)
	if bytes.HasPrefix(src, []byte("---\n")) {
		if end := bytes.Index(src[3:], []byte("\n---\n")); end >= 0 && end < 64<<10 {
			for i := range src[:3+end+4] {
				if src[i] != '\n' {
					src[i] = ' '
				}
			}
		}
	}
	out, changed := src[:0], false
	for rest := src; len(rest) > 0; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		rest = rest[len(line):]
		if cut := nesting(line); cut > 0 {
			if !changed {
				out, changed = append(make([]byte, 0, len(src)), src[:len(src)-len(rest)-len(line)]...), true
			}
			line = line[cut:]
		}
		if changed {
			out = append(out, line...)
		}
	}
	if changed {
		return out
	}
	return src
}

// nesting returns how many bytes at the start of a line are nesting beyond what is looked at.
func nesting(line []byte) int {
	i, quotes := 0, 0
	for i < len(line) && (line[i] == ' ' || line[i] == '\t' || line[i] == '>') {
		if line[i] == '>' {
			quotes++
		}
		i++
	}
	if i > maxIndent || quotes > 6 {
		return max(0, i-min(maxIndent, 6))
	}
	return 0
}

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
	reference  = regexp.MustCompile(`^ {0,3}\[[^\]]{1,200}\]: *\S`)
	bareATX    = regexp.MustCompile(`^#{1,6}[^#\s]`)
	tableRuler = regexp.MustCompile(`^[\s|:-]+$`)
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
		if t := parseTitle(b.text); t.kind == versionTitle && !t.weak {
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
		var parts []string
		for c := item.FirstChild(); c != nil; c = c.NextSibling() {
			if l, ok := c.(*ast.List); ok {
				w.list(l, depth+1)
				continue
			}
			parts = w.content(c, parts, &w.blocks[at])
		}
		w.blocks[at].text = strings.TrimSpace(strings.Join(parts, "\n"))
	}
}

// content collects the text within an item, and how far it goes.
func (w *walker) content(n ast.Node, parts []string, item *block) []string {
	if n.Type() == ast.TypeBlock && n.Lines() != nil && n.Lines().Len() > 0 {
		b, _ := w.block(itemBlock, n.Lines())
		if len(parts) == 0 {
			item.line = b.line
		}
		item.end = max(item.end, b.end)
		if _, html := n.(*ast.HTMLBlock); html {
			b.text = Words(b.text)
		}
		return append(parts, b.text)
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if c.Type() == ast.TypeBlock {
			parts = w.content(c, parts, item)
		}
	}
	return parts
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
func promote(blocks []block) []block {
	for i := range blocks {
		b := &blocks[i]
		if b.kind != proseBlock || b.line != b.end {
			continue
		}
		if t := parseTitle(b.text); (t.kind == versionTitle || t.kind == pendingTitle) && !t.weak {
			b.kind, b.level, b.title = headingBlock, 10, &t
		}
	}
	return blocks
}

var (
	generated  = regexp.MustCompile(`(?m)^#{1,4} \[?v?\d+\.\d+\.\d+\S*\]\([^)\n]*\) ?\(\d{4}-\d\d-\d\d\)|^<a name="?v?\d+\.\d+|(?i:standard-version|conventional-?changelog|conventionalcommits|release-please|semantic-release)`)
	byBump     = regexp.MustCompile(`(?m)^## \d+\.\d+\.\d+\S*\n\n+### (?:Major|Minor|Patch) Changes$`)
	keptByHand = regexp.MustCompile(`(?i)keepachangelog\.com|(?m:^#+ \[unreleased\])`)
	kept       = regexp.MustCompile(`(?m)^#{1,3} \[v?\d+\.\d+[^\]\n]*\] (?:-|–|/) `)
	keptGroups = regexp.MustCompile(`(?m)^#{2,4} (?:Added|Changed|Deprecated|Removed|Fixed|Security)\s*$`)
)

// markdownStyle tells the dialects apart by their first lines.
func (f *File) markdownStyle(source string) Style {
	head := source[:min(len(source), 16<<10)]
	switch {
	case keptByHand.MatchString(head):
		return KeepAChangelog
	case byBump.MatchString(head):
		return Changesets
	case generated.MatchString(head):
		return Conventional
	case kept.MatchString(head) || keptGroups.MatchString(head) && (len(f.Pending) > 0 || strings.Contains(head, "\n## [")):
		return KeepAChangelog
	}
	starts, first := 0, 0
	if len(f.Versions) > 0 {
		first = f.Versions[0].Line
	}
	if len(f.Pending) > 0 && (first == 0 || f.Pending[0].Line < first) && f.Pending[0].Title != "" {
		first = f.Pending[0].Line
	}
	for line := 1; line < first; line++ {
		i := strings.IndexByte(source[starts:], '\n')
		if i < 0 {
			return Markdown
		}
		starts += i + 1
	}
	if first > 0 && !strings.HasPrefix(strings.TrimLeft(source[starts:], " "), "#") && underlined(source[starts:min(len(source), starts+400)]) {
		return Setext
	}
	return Markdown
}

package gate

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

const (
	prefix       = "/sluice"
	mostCommands = 10
	mostComment  = 256 << 10 // bytes: GitHub takes 65,536 characters
	mostNesting  = 64        // quotes and lists at the start of one line; deeper ones cost their square
	mostBrackets = 1000      // outside of code; they cost their square too
	mostStars    = 2000      // runs of * _ and ~, likewise
	mostSearched = 8 << 20   // bytes, for what ends each link: for one without an end that is all of its paragraph
	mostLines    = 4000      // that begin with a bracket, as definitions of links do
)

// Commands are what a comment asks for, in its order: each line that starts with /sluice and that a reader sees as plain
// text, outside quotes, lists, code, HTML and comments, also of elements that were opened above. Markdown is read as CommonMark
// reads it, so that a line that is
// shown as part of a quote or of code is none, however it got there. A command that is no good is there with its Problem;
// so is the one beyond the tenth, after which none is read. The comment is whatever its author wrote.
func Commands(comment string) []Command {
	if !strings.Contains(comment, prefix) {
		return nil
	}
	if len(comment) > mostComment || !utf8.ValidString(comment) {
		return []Command{{Line: 1, Problem: "This comment is too long or not UTF-8, so no command is read from it."}}
	}
	source := []byte(strings.ReplaceAll(strings.ReplaceAll(comment, "\r\n", "\n"), "\r", "\n"))
	lines, ok := plainLines(source)
	if !ok {
		return []Command{{Line: 1, Problem: "This comment is nested too deeply, or has too many brackets, stars or underscores, so no command is read from it."}}
	}
	var list []Command
	for _, at := range lines {
		if len(list) == mostCommands {
			return append(list, Command{Line: lineOf(source, at), Problem: "A comment may hold ten commands; this one and those after it are not read."})
		}
		line, _, _ := bytes.Cut(source[at:], []byte("\n"))
		c := readCommand(string(line))
		c.Line = lineOf(source, at)
		list = append(list, c)
	}
	return list
}

func lineOf(source []byte, at int) int { return 1 + bytes.Count(source[:at], []byte("\n")) }

// nested says that a line begins with more marks of quotes and lists than anybody writes: to read those costs their square.
func nested(source []byte) bool {
	if bytes.Count(source, []byte("\n[")) > mostLines {
		return true
	}
	for line := range bytes.Lines(source) {
		marks := 0
		for i, c := range line {
			if strings.IndexByte("> \t-+*0123456789.)", c) < 0 {
				break
			}
			listed := strings.IndexByte("-+*.)", c) >= 0 && i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\t')
			if c == '>' || listed {
				marks++
			}
		}
		if marks > mostNesting {
			return true
		}
	}
	return false
}

// plainLines is where the lines begin that start with /sluice and are text of a paragraph of the comment itself, outside of
// elements. ok is false when the comment is built to be slow.
func plainLines(source []byte) (at []int, ok bool) {
	if nested(source) {
		return nil, false
	}
	pc := parser.NewContext()
	doc := markdown().Parse(text.NewReader(source), parser.WithContext(pc))
	if spent(pc, '[') > mostBrackets || spent(pc, '*') > mostStars || spent(pc, ']') > mostSearched {
		return nil, false
	}
	var html elements
	hidden := doubtful(source)
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it fails as we do, so never
		if entering {
			html.read(piece(n, source))
			if begin, ok := plainLine(n, doc, source); ok && !html.inside() && !hidden.hold(begin) {
				at = append(at, begin)
			}
		}
		return ast.WalkContinue, nil
	})
	return at, true
}

// plainLine is where a line begins, if the node is text that begins one with /sluice. It stands in a paragraph or heading
// itself: what is in emphasis, a link, code or HTML that began on an earlier line is none.
func plainLine(n, doc ast.Node, source []byte) (begin int, ok bool) {
	t, ok := n.(*ast.Text)
	if !ok {
		return 0, false
	}
	block := n.Parent()
	if k := block.Kind(); k != ast.KindParagraph && k != ast.KindHeading || block.Parent() != doc {
		return 0, false
	}
	begin = t.Segment.Start
	return begin, (begin == 0 || source[begin-1] == '\n') && starts(source[begin:])
}

// starts says that a line starts with the word /sluice.
func starts(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte(prefix))
	return ok && (len(rest) == 0 || strings.IndexByte(" \t\n", rest[0]) >= 0)
}

// markdown is what forges read, with the inline parts that can take a line out of sight.
func markdown() parser.Parser {
	return parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(bounded{parser.NewLinkParser(), '[', mostBrackets}, 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewRawHTMLParser(), 400),
			util.Prioritized(bounded{parser.NewEmphasisParser(), '*', mostStars}, 500),
			util.Prioritized(bounded{struck{}, '*', mostStars}, 500),
		),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
}

// struck reads what is struck out between one or two ~, as goldmark's extension does. That one comes with patterns for
// addresses which every start of the program would compile, a change judged in a hook included.
type struck struct{}

// Trigger is what begins it.
func (struck) Trigger() []byte { return []byte{'~'} }

// Parse reads one run of ~.
func (s struck) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	line, segment := block.PeekLine()
	d := parser.ScanDelimiter(line, before, 1, s)
	if d == nil || d.OriginalLength > 2 || before == '~' {
		return nil
	}
	d.Segment = segment.WithStop(segment.Start + d.OriginalLength)
	block.Advance(d.OriginalLength)
	pc.PushDelimiter(d)
	return d
}

// IsDelimiter says of a byte that it is a mark.
func (struck) IsDelimiter(b byte) bool { return b == '~' }

// CanOpenCloser says of two runs that they may go together.
func (struck) CanOpenCloser(opener, closer *parser.Delimiter) bool { return opener.Char == closer.Char }

// OnMatch is what holds the text between them: that it is struck out and not stressed matters to nobody here.
func (struck) OnMatch(consumes int) ast.Node { return ast.NewEmphasis(consumes) }

// bounded is a parser whose cost is the square of the marks that it has read, and which therefore stops at so many in a comment.
// They are counted here, since those in code cost nothing.
type bounded struct {
	parser.InlineParser
	sort byte
	most int
}

var marks = map[byte]parser.ContextKey{'[': parser.NewContextKey(), ']': parser.NewContextKey(), '*': parser.NewContextKey()}

func spent(pc parser.Context, sort byte) int {
	n, _ := pc.Get(marks[sort]).(int)
	return n
}

// Parse reads one mark.
func (b bounded) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	sort, cost, most := b.sort, 1, b.most
	if line, at := block.PeekLine(); sort == '[' && line[0] == ']' {
		if sort, most = ']', mostSearched; bytes.HasPrefix(line, []byte("](")) {
			paragraph, _, _ := bytes.Cut(block.Source()[at.Start:], []byte("\n\n"))
			cost = len(paragraph)
		}
	}
	n := spent(pc, sort)
	if n > most {
		return nil
	}
	pc.Set(marks[sort], n+cost)
	return b.InlineParser.Parse(parent, block, pc)
}

// CloseBlock ends what the parser has under way.
func (b bounded) CloseBlock(parent ast.Node, block text.Reader, pc parser.Context) {
	if c, ok := b.InlineParser.(parser.CloseBlocker); ok {
		c.CloseBlock(parent, block, pc)
	}
}

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
	mostBrackets = 4000
)

// Commands are what a comment asks for, in its order: each line that starts with /sluice and that a reader sees as plain
// text, outside quotes, lists, code, HTML and comments. Markdown is read as CommonMark reads it, so that a line that is
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
	if nested(source) {
		return []Command{{Line: 1, Problem: "This comment is nested too deeply, so no command is read from it."}}
	}
	var list []Command
	for _, at := range plainLines(source) {
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

// nested says that a line begins with more marks of quotes and lists, or that the comment has more brackets, than anybody
// writes: to read those costs their square.
func nested(source []byte) bool {
	if bytes.Count(source, []byte("[")) > mostBrackets {
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

// plainLines is where the lines begin that start with /sluice and are text of a paragraph of the comment itself.
func plainLines(source []byte) []int {
	doc := markdown().Parse(text.NewReader(source))
	var at []int
	for block := doc.FirstChild(); block != nil; block = block.NextSibling() {
		if k := block.Kind(); k != ast.KindParagraph && k != ast.KindHeading {
			continue
		}
		// Direct children alone: what stands in emphasis, a link, code or HTML that began on an earlier line is none.
		for n := block.FirstChild(); n != nil; n = n.NextSibling() {
			t, ok := n.(*ast.Text)
			if !ok {
				continue
			}
			if begin := t.Segment.Start; (begin == 0 || source[begin-1] == '\n') && starts(source[begin:]) {
				at = append(at, begin)
			}
		}
	}
	return at
}

// starts says that a line starts with the word /sluice.
func starts(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte(prefix))
	return ok && (len(rest) == 0 || strings.IndexByte(" \t\n", rest[0]) >= 0)
}

// markdown is CommonMark with the inline parts that can take a line out of sight.
func markdown() parser.Parser {
	return parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewRawHTMLParser(), 400),
			util.Prioritized(parser.NewEmphasisParser(), 500),
		),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
}

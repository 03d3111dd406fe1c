package changelog

import (
	"html"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"github.com/sluicegate/sluice/checks/patterns"
)

// harmless says why an item's text, as Sentence wrote it, must not go into the file after all: a reader's browser would make
// more of it than a sentence with code, emphasis and links. It goes by what a parser reads, not by how Sentence escapes.
func harmless(style Style, words string) error {
	switch style {
	case RST:
		return harmlessRST(words)
	case Plain, GNU, Debian:
		return nil // nobody renders them
	}
	source := []byte(words + "\n\n- " + words + "\n") // a fragment has it as a paragraph, a changelog as an item
	doc := goldmark.DefaultParser().Parse(text.NewReader(source))
	if !sentences(doc) {
		return refuse("the text would be more than a sentence in Markdown, such as a heading, a list or a block of code")
	}
	if err := pictures(words); err != nil {
		return err
	}
	return ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		return ast.WalkContinue, harmlessNode(n, source)
	})
}

// sentences says whether a document is a paragraph and a list of one item, which holds nothing but text.
func sentences(doc ast.Node) bool {
	p := doc.FirstChild()
	if p == nil || p.Kind() != ast.KindParagraph || doc.ChildCount() != 2 {
		return false
	}
	list := doc.LastChild()
	if list.Kind() != ast.KindList || list.ChildCount() != 1 {
		return false
	}
	item := list.FirstChild()
	return item.ChildCount() == 1 && item.FirstChild().Kind() == ast.KindTextBlock
}

// pictures refuses what is an image, or would be one if the file defined its label.
func pictures(words string) (err error) {
	outsideCode(words, func(s string) string {
		for i := range len(s) - 1 {
			if s[i] == '!' && s[i+1] == '[' && !escaped(s, i) {
				err = errPicture
			}
		}
		return s
	})
	return err
}

var errPicture = refuse("the text holds an image, which is loaded from elsewhere by everybody who reads it: link to it instead")

func harmlessNode(n ast.Node, source []byte) error {
	switch n := n.(type) {
	case *ast.RawHTML, *ast.HTMLBlock:
		return refuse("the text holds HTML: put it between backticks, or leave it out")
	case *ast.Image:
		return errPicture
	case *ast.AutoLink:
		return followed(string(n.URL(source)))
	case *ast.Link:
		// Where the file defines a label within the link, this is no link, and the backtick begins code that ends elsewhere.
		if strings.ContainsRune(string(n.Destination)+string(n.Title), '`') {
			return refuse("the text holds a link with a backtick in its address or title: leave that out")
		}
		return followed(string(n.Destination))
	}
	return nil
}

// followed refuses an address that a reader should not follow: browsers run some, and read past what is no letter in them.
func followed(address string) error {
	address = strings.Map(func(r rune) rune {
		if r <= ' ' || unicode.IsControl(r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, html.UnescapeString(address))
	head := address
	if i := strings.IndexAny(address, "/?#"); i >= 0 {
		head = address[:i]
	}
	scheme, _, found := strings.Cut(head, ":")
	if scheme = strings.ToLower(scheme); !found || scheme == "http" || scheme == "https" || scheme == "mailto" {
		return nil
	}
	return refuse("the text holds a link whose address begins with %q: only http, https, mailto and paths are let in", clip(scheme, 20)+":")
}

var (
	embedded = patterns.New("<([^<]*)>`_")
	roleOf   = patterns.New("(?::([A-Za-z][\\w.+:-]*):)?`([^`]+)`(?::([A-Za-z][\\w.+:-]*):)?")
	roleText = patterns.New(`^[^<>]*(?:[^<>\s]\s<[\w.~!/:#+-]+>)?$`)
	executed = patterns.New(`(?i)(?:javascript|vbscript):|data:[a-z]+/`)
)

// harmlessRST looks for the ways in which one line of reStructuredText brings in HTML or an address that is run: roles, since a
// project may have made one of raw text, and links. It looks into literals too, so that nothing hides in what looks like one.
func harmlessRST(words string) error {
	bare := strings.ReplaceAll(words, `\`, "") // it escapes, and goes away
	if executed.MatchString(strings.Join(strings.Fields(bare), "")) {
		return refuse("the text holds an address that a browser would run")
	}
	for _, m := range embedded.FindAllStringSubmatch(bare, -1) {
		if err := followed(m[1]); err != nil {
			return err
		}
	}
	for _, m := range roleOf.FindAllStringSubmatch(bare, -1) {
		name := strings.ToLower(m[1] + m[3])
		if name != "" && (strings.Contains(name, "raw") || strings.Contains(name, "html") || !roleText.MatchString(m[2])) {
			return refuse("the text holds a role, `:%s:`, that may bring HTML in: write it by hand", clip(name, 40))
		}
	}
	return nil
}
